"""Simulated readings: their moments are the maps', receivers that move, the floor, the batches and their seeds."""

import numpy as np
import pytest
import torch
from small_site import site

from rsslib.data import grid as grids
from rsslib.radio_maps.fed_recipe import FedRecipe
from rsslib.radio_maps.feed import Feed
from rsslib.radio_maps.localizer import fitted
from rsslib.radio_maps.recipe import MapRecipe
from rsslib.radio_maps.simulation import Simulator, student

RECIPE = MapRecipe(pixel_m=60.0, threads=1)
TRAIN, DRAWS = np.arange(90), 40_000


@pytest.fixture(scope="module")
def dataset():
    found = site(moving=2)
    found.rss.values[7, 4] = np.nan
    return found


@pytest.fixture(scope="module")
def maps(dataset):
    return fitted(dataset, TRAIN, RECIPE)


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _feed(maps, dataset, **settings):
    return Feed(maps, dataset, TRAIN, grids.scaling(dataset, TRAIN), FedRecipe(maps=RECIPE, **settings))


@pytest.mark.parametrize("spread, offset_db", [(1.0, 0.0), (0.5, 0.0), (1.0, 3.0)])
def test_readings_have_the_mean_and_the_variance_of_the_maps(spread, offset_db, maps, dataset):
    """At one place, with one template; of Student's t the variance is nu / (nu - 2) of its scale's square."""
    simulator = Simulator(maps, dataset, TRAIN, spread)
    simulator.floor[:] = -1e9
    row, column, template = 5, 9, 11
    place = torch.full((DRAWS,), row * maps.grid.width + column)
    rss = simulator.draw(torch.full((DRAWS,), template), place, _generator(), offset_db).numpy()
    x, y = maps.grid.to_metres(column, row)
    for number in range(6):
        mean, variance = maps.mean[number, row, column], maps.variance[number, row, column]
        if maps.moves[number]:
            distance = np.hypot(dataset.sensor_x.values[template, number] - x,
                                dataset.sensor_y.values[template, number] - y)
            mean = maps.loss.level[number] + maps.loss.slope[number] * np.log10(distance)
            variance = RECIPE.prior_variance
        scale2 = spread ** 2 * (float(variance) + RECIPE.noise_db ** 2)
        expected = scale2 * RECIPE.freedom / (RECIPE.freedom - 2) + offset_db ** 2
        assert rss[:, number].mean() == pytest.approx(mean, abs=5 * (expected / DRAWS) ** 0.5)
        assert rss[:, number].var() == pytest.approx(expected, rel=0.08)


def test_an_offset_is_common_to_a_sample(maps, dataset):
    simulator = Simulator(maps, dataset, TRAIN, 0.0)
    simulator.floor[:] = -1e9
    zeros = torch.zeros(DRAWS, dtype=torch.int64)
    rss = simulator.draw(zeros, zeros, _generator(), 3.0)
    assert (rss - rss[:, :1]).std(0).max() < 1e-4 and rss[:, 0].std().item() == pytest.approx(3, rel=0.02)


def test_a_calibration_moves_what_is_drawn(maps, dataset):
    zeros = torch.zeros(3, dtype=torch.int64)
    one, other = (Simulator(each, dataset, TRAIN).moments(zeros, zeros)[0] for each in (
        maps, maps.shifted(np.arange(6.0))))
    assert (other - one).numpy() == pytest.approx(np.tile(np.arange(6.0), (3, 1)), abs=1e-4)


def test_a_receiver_that_was_moved_has_the_path_loss_there(maps, dataset):
    moved = dataset.copy(deep=True)
    moved.sensor_x.values[20, 3] += 500
    zero = torch.tensor([0])
    mean, scale = Simulator(maps, moved, TRAIN).moments(torch.tensor([20]), zero)
    at = moved.sensor_x.values[[20], 3], moved.sensor_y.values[[20], 3]
    expected, variance = maps.moments(3, *at)
    assert mean[0, 3].item() == pytest.approx(expected[0, 0].item(), abs=1e-3)
    assert scale[0, 3].item() == pytest.approx((variance[0, 0].item() + 25) ** 0.5)


def test_no_reading_is_below_the_floor(maps, dataset):
    simulator = Simulator(maps, dataset, TRAIN, 3.0)
    place = torch.randint(maps.grid.width * maps.grid.height, (500,), generator=_generator())
    rss = simulator.draw(torch.zeros(500, dtype=torch.int64), place, _generator())
    lowest = torch.from_numpy(np.nanmin(dataset.rss.values[TRAIN], axis=0)).float()
    assert (rss >= lowest).all() and (rss == lowest).any(0).all()


def test_students_t_has_its_quantiles():
    from scipy import stats
    drawn = student((200_000,), 3.0, _generator()).numpy()
    for share in (0.01, 0.2, 0.5, 0.9):
        assert np.mean(drawn < stats.t.ppf(share, 3.0)) == pytest.approx(share, abs=0.004)
    assert np.isfinite(student((1000,), 1.0, _generator()).numpy()).all()


def test_a_batch_is_part_real_part_drawn(maps, dataset):
    feed = _feed(maps, dataset, batch_size=20, sensor_dropout=0.0)
    batches = list(feed(0.5, _generator()))
    assert {len(location) for _, location in batches} == {20} and len(batches) == 9
    real = torch.cat([location[:10] for _, location in batches])
    column, row = maps.grid.to_pixels(*(axis[TRAIN] for axis in grids.transmitters(dataset)))
    assert sorted(real[:, 0].tolist()) == pytest.approx(np.sort(column)) and len(real) == len(TRAIN)
    drawn = torch.cat([location[10:] for _, location in batches])
    assert (drawn == drawn.round()).all() and drawn.amin() == 0
    assert drawn.amax(0).tolist() == [maps.grid.width - 1, maps.grid.height - 1]
    expected = grids.draw(dataset, maps.grid, grids.scaling(dataset, TRAIN))
    order = torch.randperm(90, generator=_generator())[:10].numpy()
    for found, name in zip(batches[0][0], ("pixel", "value", "kind")):
        assert found[:10].numpy() == pytest.approx(getattr(expected, name)[TRAIN[order]], abs=1e-5)


def test_readings_are_dropped_at_the_rate_asked_for(maps, dataset):
    feed, whole = (_feed(maps, dataset, batch_size=45, sensor_dropout=share) for share in (0.3, 0.0))
    shares = [np.mean([float((sensors[0] < 0).float().mean()) for seed in range(30)
                       for sensors, _ in each(0.5, _generator(seed))]) for each in (feed, whole)]
    assert shares[0] == pytest.approx(0.3 + 0.7 * shares[1], abs=0.01)
    pixel, value, _ = next(iter(feed(0.5, _generator())))[0]
    assert (value[pixel < 0] == 0).all() and not value[pixel >= 0].eq(0).all()


def test_gains_are_common_to_a_receiver_in_a_batch(maps, dataset):
    plain, gained = (next(iter(_feed(maps, dataset, sensor_dropout=0.0, gain_db=gain)(0.5, _generator())))[0][1]
                     for gain in (0.0, 5.0))
    span = _feed(maps, dataset).span
    change = torch.where((plain > 0) & (gained > 0), (gained - plain) * span, torch.nan)
    assert np.nanstd(change.numpy(), axis=0).max() < 1e-3
    assert 1 < np.nanmean(change.numpy(), axis=0).std() < 12


def test_equal_seeds_give_equal_batches(maps, dataset):
    feed = _feed(maps, dataset, batch_size=30, gain_db=3.0)
    one, again, other = (list(feed(0.5, _generator(seed))) for seed in (3, 3, 4))
    same = [all(a.equal(b) for a, b in zip([*s, x], [*t, y])) for (s, x), (t, y) in zip(one, again, strict=True)]
    assert all(same) and not one[0][1].equal(other[0][1])


def test_without_drawn_samples_all_are_real(maps, dataset):
    feed = _feed(maps, dataset, batch_size=30)
    places = {tuple(place) for place in feed.location.tolist()}
    for (pixel, _, _), location in feed(1.0, _generator()):
        assert len(location) == len(pixel) == 30 and {tuple(place) for place in location.tolist()} <= places


@pytest.mark.parametrize("share, real", [(0.25, 5), (0.75, 15)])
def test_a_share_is_that_of_the_real_samples(maps, dataset, share, real):
    feed = _feed(maps, dataset, batch_size=20)
    places, batches = {tuple(place) for place in feed.location.tolist()}, list(feed(share, _generator()))
    assert len(batches) == 9 and all(len(location) == 20 for _, location in batches)
    seen = [tuple(place) for _, location in batches for place in location[:real].tolist()]
    assert {*seen} <= places and ({*seen} == places) == (share > 0.5)    # all are met before one is met again
