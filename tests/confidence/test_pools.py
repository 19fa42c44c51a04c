"""Drawn ensembles: what each would answer is what `predictions.describe` says of its networks' images."""

from types import SimpleNamespace

import hand_made
import numpy as np
import pytest
import scipy.stats
import torch

from rsslib.confidence import indicators, pools
from rsslib.data.grid import Grid
from rsslib.localization import draws, predictions
from rsslib.project import InputError

GRID = Grid(421_000.0, 4_511_000.0, 23, 19, 30.0)
SAMPLES = 17
NOT_KNOWN = "max_mean_prediction_normalised"    # of a drawn ensemble: it needs the images
LOSSES = {"emd": "argmax", "pse": "argmax", "com": "com"}


def images_of(members, seed=0):
    """Blurred spots of random places and heights over a faint ground, as sigmoid outputs are."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.arange(GRID.height)[:, None], torch.arange(GRID.width)
    place, height = (torch.rand(SAMPLES, members, 3, size, generator=generator) for size in (2, 1))
    place = place * torch.tensor([GRID.width, GRID.height])
    spots = height[..., None] * torch.exp(-((columns - place[..., :1, None]) ** 2 + (
        rows - place[..., 1:, None]) ** 2) / 8)
    return torch.sigmoid(8 * spots.sum(2) - 6)


def predicted(campus, images, loss="emd"):
    """Predictions of an ensemble with these images, as its training leaves them."""
    chosen = np.arange(SAMPLES)
    described = predictions.describe(images, GRID, LOSSES[loss])
    found = predictions.collect(described, campus, chosen, np.repeat(["val", "ood"], [9, 8]), {"loss": loss})
    ensemble = SimpleNamespace(members=range(images.shape[1]), images=lambda *_: iter(images.split(5)))
    return draws.with_maxima(found, ensemble, None)


@pytest.mark.parametrize("members", [1, 3, 5, 7])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_draw_with_every_network_once_is_the_ensemble_itself(campus, loss, members):
    model = predicted(campus, images_of(members), loss)
    number = int((model.drawn.values == np.arange(members)).all(axis=1).argmax())
    assert model.drawn.values[number].tolist() == list(range(members))
    drawn, own = pools.of(model).answers(number, np.ones((1, SAMPLES))), pools.itself(model)
    for axis in "xy":
        assert getattr(drawn.pool, axis)[:, number] == pytest.approx(model[f"{axis}_hat"].values, rel=0, abs=1e-3)
        assert np.array_equal(getattr(own.pool, axis)[:, 0], model[f"{axis}_hat"])
    assert own.times.tolist() == [[1] * SAMPLES]
    assert drawn.error == pytest.approx(predictions.errors(model), rel=0, abs=1e-3)
    assert np.array_equal(own.error, predictions.errors(model))
    for indicator in indicators.VARIANTS:
        if indicator != NOT_KNOWN:
            assert drawn.score(indicator) == pytest.approx(indicators.score(model, indicator), rel=1e-6, abs=1e-9)
        assert np.array_equal(own.score(indicator), indicators.score(model, indicator))
    assert np.array_equal(own.score(), own.score(indicators.INDICATOR))


@pytest.mark.parametrize("members", [2, 4])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_draw_answers_as_an_ensemble_of_its_networks_would(campus, loss, members):
    images = images_of(members, seed=1)
    model = predicted(campus, images, loss)
    pool = pools.of(model)
    assert set(pool.scores) == set(indicators.VARIANTS) - {NOT_KNOWN} and pool.networks == members
    for number, networks in enumerate(model.drawn.values):
        one = predicted(campus, images[:, networks], loss)    # with the networks that were drawn twice
        assert pool.x[:, number] == pytest.approx(one.x_hat.values, rel=0, abs=1e-3)
        assert pool.y[:, number] == pytest.approx(one.y_hat.values, rel=0, abs=1e-3)
        assert pool.error[:, number] == pytest.approx(predictions.errors(one), rel=0, abs=1e-3)
        for indicator in pool.scores:
            assert pool.scores[indicator][:, number] == pytest.approx(
                indicators.score(one, indicator), rel=1e-6, abs=1e-9), indicator


@pytest.mark.parametrize("members", [1, 2, 3, 4, 5, 6])
def test_a_draw_is_as_likely_as_a_resampling_makes_it(members):
    drawn = draws.draws(members)
    times = np.stack([np.bincount(row, minlength=members) for row in drawn])
    chance = pools._chance(drawn)
    assert chance == pytest.approx(scipy.stats.multinomial(members, np.full(members, 1 / members)).pmf(times))
    assert chance.sum() == pytest.approx(1)
    if members == 3:    # tried
        tried = np.sort(np.random.default_rng(0).integers(3, size=(60_000, 3)), axis=1)
        for row, expected in zip(drawn, chance):
            assert (tried == row).all(axis=1).mean() == pytest.approx(expected, abs=0.006)


def test_of_more_than_six_networks_draws_were_drawn_and_count_alike(campus):
    model = predicted(campus, images_of(7))
    pool = pools.of(model)
    assert model.drawn.shape == (draws.MOST, 7) and (pool.chance == 1 / draws.MOST).all()
    assert pool.error.shape == pool.scores["sum_spread"].shape == (SAMPLES, draws.MOST)


@pytest.mark.parametrize("loss", LOSSES)
def test_networks_that_are_sure_of_nothing_still_answer(campus, loss):
    images = images_of(2)
    images[0] = 0.0    # of both networks; of one:
    images[1, 1] = 0.0
    pool = pools.of(predicted(campus, images, loss))
    assert np.isfinite(pool.x).all() and np.isfinite(pool.error).all()
    alone = pools.of(predicted(campus, images[:, :1], loss))
    assert pool.x[1, 1] == pytest.approx(alone.x[1, 0])    # the other has no weight


@pytest.mark.parametrize("left_out", ["max_mean_of_draw", "drawn"])
def test_predictions_of_an_earlier_training_are_refused(left_out):
    model = hand_made.shifted()
    with pytest.raises(InputError, match="predictions: no 'max_mean_of_draw', .*; run the training again"):
        pools.of(model.drop_vars(left_out))


def test_hand_made_predictions_are_those_of_three_networks():
    model = hand_made.shifted()
    pool, own = pools.of(model), pools.itself(model)
    for indicator in pool.scores:
        assert pool.scores[indicator][:, 4] == pytest.approx(own.score(indicator)), indicator
    assert model.drawn.values[4].tolist() == [0, 1, 2]
    assert pool.name == own.pool.name == "-emd"
    assert pools.of(model.assign_attrs(split="july")).name == "july-emd"
    assert pool.error == pytest.approx(np.broadcast_to(own.error[:, None], pool.error.shape))
    apart = pools.of(hand_made.with_networks(model, east=(-30.0, -10.0, 40.0)))
    assert apart.error[:, 4] == pytest.approx(own.error) and np.ptp(apart.x[0]) == pytest.approx(70)
