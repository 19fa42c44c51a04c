"""Two transmitters on real measurements: powers add, a training on the sums, thresholds and scores by hand."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from interruption import interrupt, same_weights

from rsslib.data import grid as grids
from rsslib.data import splits
from rsslib.emitters import real_pairs
from rsslib.emitters.localizer import EmitterRecipe
from rsslib.localization import kept_images
from rsslib.localization.ensemble import Recipe
from rsslib.localization.localizer import Localizer
from rsslib.project import InputError

RECIPE = EmitterRecipe(n=16, n_max=2, samples=64, val_samples=16, batch_size=16, epochs=3, precision="float32",
                       threads=1)


@pytest.fixture(scope="module")
def april(campus):
    return np.flatnonzero(campus.season.values == "april")


def test_half_are_single_and_powers_add(campus, april):
    mixed = real_pairs.mix(campus, april, 40, shared=2)
    exists = np.isfinite(mixed.tx_x.values)
    assert exists[:, 0].all() and not exists[::2, 1].any() and exists[1::2, 1].all()
    for number in (1, 3, 5):
        one, two = (int(np.flatnonzero(campus.tx_x.values[:, 0] == x)[0]) for x in mixed.tx_x.values[number])
        parts = campus.rss.values[[one, two]].astype(float)
        both = np.isfinite(parts).all(axis=0)
        assert both.sum() >= 2
        floor = np.nanmin(campus.rss.values[april][:, both].astype(float), axis=0)    # each has its noise: take one off
        expected = 10 * np.log10((10 ** (parts[:, both] / 10)).sum(axis=0) - 10 ** (floor / 10))
        summed = mixed.rss.values[number, both]
        still = np.isfinite(summed)          # a shuttle that moved is left out
        assert still.any() and summed[still] == pytest.approx(expected[still], abs=1e-4)
        alone = np.isfinite(parts[0]) & ~np.isfinite(parts[1])
        assert mixed.rss.values[number, alone] == pytest.approx(parts[0, alone])


def test_a_shuttle_that_moved_is_left_out_of_a_sum(campus, april):
    mixed, count = real_pairs.mix(campus, april, 40, shared=2), 0
    for number in range(1, 40, 2):
        one, two = (int(np.flatnonzero(campus.tx_x.values[:, 0] == x)[0]) for x in mixed.tx_x.values[number])
        (x, other_x), (y, other_y) = (campus[axis].values[[one, two]] for axis in ("sensor_x", "sensor_y"))
        moved = np.hypot(x - other_x, y - other_y) > 30
        heard = np.isfinite(campus.rss.values[[one, two]]).any(axis=0)
        np.testing.assert_array_equal(np.isfinite(mixed.rss.values[number]), heard & ~moved)
        count += int((heard & moved).sum())
    assert count > 0


def test_a_single_sample_is_left_as_measured(campus, april):
    mixed = real_pairs.mix(campus, april, 10, shared=2)
    source = int(np.flatnonzero(campus.tx_x.values[:, 0] == mixed.tx_x.values[4, 0])[0])
    np.testing.assert_array_equal(mixed.rss.values[4], campus.rss.values[source])


def test_the_same_seed_gives_the_same_sums(campus, april):
    first, again, other = (real_pairs.mix(campus, april, 20, shared=2, seed=seed) for seed in (0, 0, 1))
    assert first.identical(again) and not first.rss.equals(other.rss)


def test_images_and_labels_share_a_square_raster(campus, april):
    mixed = real_pairs.mix(campus, april, 20, shared=2)
    raster = real_pairs.square(grids.make(campus), 64)
    images = real_pairs.images(mixed, raster, grids.scaling(campus, april))
    assert images.shape == (20, 64, 64) and set(np.unique(images > 0)) == {False, True}
    labels = real_pairs.labels(mixed, raster)
    assert labels[:, :, 0].tolist() == np.isfinite(mixed.tx_x.values).astype(float).tolist()
    column, row = float(labels[1, 1, 2]) * 63, float(labels[1, 1, 1]) * 63
    assert raster.to_metres(column, row) == pytest.approx(
        (mixed.tx_x.values[1, 1], mixed.tx_y.values[1, 1]), abs=0.1)


def test_samples_that_cannot_be_added_are_named(campus, april):
    with pytest.raises(InputError, match="mix: samples has 1 samples, 0 of them without .*; expected at least two"):
        real_pairs.mix(campus, april[:1], 5)
    with pytest.raises(InputError, match="hardly two of the .* share 41 receivers"):
        real_pairs.mix(campus, april, 5, shared=41)


def truth(x):
    """Samples with transmitters at these eastings, at northing 0."""
    x = np.asarray(x, float)
    return xr.Dataset({"tx_x": (("sample", "tx"), x), "tx_y": (("sample", "tx"), np.where(np.isnan(x), np.nan, 0.0))})


def test_the_threshold_tells_the_most_samples_right():
    share, two = np.array([0.1, 0.2, 0.3, 0.6, 0.7]), np.array([False, False, False, True, True])
    assert 0.3 <= real_pairs.best_threshold(share, two) < 0.6


def test_counts_and_distances_worked_by_hand():
    location = np.array([[[30, 0], [500, 0]], [[100, 0], [0, 0]], [[40, 0], [0, 0]]], float)
    existence, dataset = np.array([[0.9, 0.2], [0.9, 0.8], [0.9, 0.9]]), truth([[0, np.nan], [0, 100], [0, np.nan]])
    scores = real_pairs.judged(existence, location, dataset)
    assert scores.true.tolist() == [1, 2, 1] and scores.predicted.tolist() == [1, 2, 2]
    assert scores.error[:2].tolist() == [30, 0] and np.isnan(scores.error[2])
    assert real_pairs.judged(existence, location, dataset, 0.85).predicted.tolist() == [1, 1, 2]


def test_fixed_locations_are_the_best_pair_of_training_locations():
    dataset = truth([[0, np.nan], [100, np.nan], [900, np.nan]]).isel(tx=[0])
    held = truth([[10, 110], [0, 90], [500, np.nan], [20, 100]])
    assert set(real_pairs.fixed_locations(dataset, np.arange(3), held)[:, 0]) == {0, 100}
    assert set(real_pairs.fixed_locations(dataset, np.array([1, 2]), held)[:, 0]) == {100}    # of three, twice one


@pytest.fixture(scope="module")
def sets(campus):
    train, val = splits.holdout(campus, np.flatnonzero(campus.season.values == "july"))
    return {"train": train, "val": val}


@pytest.fixture(scope="module")
def reference(campus, sets):
    """One uninterrupted training, to compare others with."""
    return fitted(real_pairs.PairTrainer(campus, sets, RECIPE))


def fitted(trainer):
    trainer.fit()
    return trainer


def test_a_seed_is_a_training_whatever_the_global_generator(campus, sets, reference):
    torch.manual_seed(12345)
    again = fitted(real_pairs.PairTrainer(campus, sets, RECIPE))
    assert same_weights(again, reference) and again.history == reference.history
    assert not same_weights(fitted(real_pairs.PairTrainer(campus, sets, replace(RECIPE, seed=1))), reference)


def test_the_loss_falls(campus, sets):
    trainer = fitted(real_pairs.PairTrainer(campus, sets, replace(RECIPE, samples=128, epochs=8)))
    assert trainer.history[-1]["loss"] < 0.9 * trainer.history[0]["loss"]
    assert trainer.best_error == min(record["val_loss"] for record in trainer.history)


def test_each_epoch_has_sums_of_its_own(campus, sets):
    trainer, seen = real_pairs.PairTrainer(campus, sets, RECIPE), []
    trainer.model.register_forward_pre_hook(lambda model, given: seen.append(given[0]))
    for trainer.epoch in (0, 1, 0):
        list(trainer.batch_losses(0))
    first, second, again = (torch.cat(part) for part in zip(*[iter(seen)] * 4))
    assert first.shape == (64, 1, 16, 16) and torch.equal(first, again) and not torch.equal(first, second)


def test_an_interrupted_training_goes_on_as_if_nothing_had_been(campus, sets, reference, tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    interrupt(real_pairs.PairTrainer(campus, sets, RECIPE, path), monkeypatch, epoch=3)
    continued = real_pairs.PairTrainer(campus, sets, RECIPE, path)
    assert continued.epoch == 2
    continued.fit()
    assert same_weights(continued, reference) and continued.history == reference.history
    found = real_pairs.PairTrainer(campus, sets, RECIPE, path)    # finished: nothing is left to train
    assert found.epoch == RECIPE.epochs and same_weights(fitted(found), reference)


def test_the_checkpoint_of_another_training_is_not_continued(campus, sets, tmp_path, monkeypatch, caplog):
    path = tmp_path / "checkpoint.pt"
    interrupt(real_pairs.PairTrainer(campus, sets, RECIPE, path), monkeypatch, epoch=2)
    louder = campus.copy(deep=True)
    louder.rss.values[sets["train"][0]] += 1.0    # one sample of those to train on
    swapped = campus.copy(deep=True)    # two readings of one sample in each other's place
    heard = np.flatnonzero(np.isfinite(campus.rss.values[sets["train"][0]]))[:2]
    swapped.rss.values[sets["train"][0], heard] = campus.rss.values[sets["train"][0], heard[::-1]]
    assert swapped.rss.sum() == campus.rss.sum() and not swapped.rss.equals(campus.rss)
    for dataset, other, recipe in ((campus, sets, replace(RECIPE, learning_rate=1e-3)), (louder, sets, RECIPE),
                                   (swapped, sets, RECIPE), (campus, sets, replace(RECIPE, precision="bfloat16")),
                                   (campus, sets | {"train": sets["train"][1:]}, RECIPE)):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert real_pairs.PairTrainer(dataset, other, recipe, path).epoch == 0
        assert "checkpoint.pt: not continued" in caplog.text
    assert real_pairs.PairTrainer(campus, sets, RECIPE, path).epoch == 1


def test_a_set_of_too_few_samples_is_named(campus, sets):
    with pytest.raises(InputError, match="fit: the set 'val' has 1 samples, .* expected at least two"):
        real_pairs.PairTrainer(campus, sets | {"val": sets["val"][:1]}, RECIPE)


def test_a_network_comes_back_and_locates_on_the_map(campus, sets, reference, tmp_path):
    model, recipe, season = real_pairs.load(real_pairs.save(reference, "july", tmp_path / "pairs"))
    assert (recipe, season) == (RECIPE, "july")
    held = campus.isel(sample=sets["val"])
    existence, location = real_pairs.located(model, reference.raster, held, reference.ranges)
    same = real_pairs.located(reference.model, reference.raster, held, reference.ranges)
    np.testing.assert_array_equal(existence, same[0])
    np.testing.assert_array_equal(location, same[1])
    assert existence.shape == (len(held.sample), 2) and ((existence > 0) & (existence < 1)).all()
    column, row = reference.raster.to_pixels(location[..., 0], location[..., 1])
    assert ((column >= 0) & (column <= 15) & (row >= 0) & (row <= 15)).all()
    (tmp_path / "pairs" / "header.json").unlink()
    with pytest.raises(InputError, match="header.json: no such file; expected a folder of trained networks"):
        real_pairs.load(tmp_path / "pairs")


def test_the_two_peaks_are_the_modes_of_an_ensembles_mean_image(campus, sets):
    recipe = Recipe(network="compact", members=2, epochs=1, pixel_m=60.0, precision="float32", threads=1)
    localizer = Localizer(recipe, device="cpu").fit(campus, sets)
    mixed = real_pairs.mix(campus, sets["val"], 6, shared=2)
    share, location = real_pairs.peaks(localizer, mixed)
    assert share.shape == (6, 2) and location.shape == (6, 2, 2) and (share[:, 0] >= share[:, 1]).all()
    apart = np.hypot(*(location[:, 0] - location[:, 1]).T)
    assert (apart >= kept_images.APART_M).all()
    images, = localizer.fitted().images(localizer.samples(mixed.isel(tx=[0])), np.array([3]))
    (x, y, first), (_, _, second) = kept_images.modes(images.mean(1)[0].numpy(), localizer.fitted().grid)
    assert location[3, 0] == pytest.approx((x, y)) and share[3] == pytest.approx((first, second), rel=1e-4)


@pytest.mark.parametrize("given, message", [
    ({"samples": [0, 1, 1]}, "mix: samples repeats 1"), ({"samples": [0, 170]}, "mix: samples holds 170"),
    ({"samples": [0.0, 1.0]}, "mix: samples is \\[0.0, 1.0\\]; expected whole"),
    ({"samples": np.ones(3, bool)}, "mix: samples is a mask of 3"),
    ({"samples": None}, "mix: samples is None"), ({"count": 0}, "mix: count is 0"),
    ({"count": 2.5}, "mix: count is 2.5"),
    ({"shared": -1}, "mix: shared is -1"), ({"seed": None}, "mix: seed is None"),
    ({"dataset": None}, "mix: the measurem")])
def test_what_cannot_be_mixed_is_named(campus, april, given, message):
    with pytest.raises(InputError, match=message):
        real_pairs.mix(**{"dataset": campus, "samples": april, "count": 4, "shared": 2} | given)


def test_a_mask_mixes_its_samples(campus, april):
    mask = np.isin(np.arange(campus.sizes["sample"]), april)
    assert real_pairs.mix(campus, mask, 8, shared=2).identical(real_pairs.mix(campus, april, 8, shared=2))


def test_a_sample_without_a_known_transmitter_is_not_added(campus, april):
    unknown = campus.copy(deep=True)
    for axis in (unknown.tx_x, unknown.tx_y):
        axis.values[april[2]] = np.nan
    with pytest.raises(InputError, match="mix: samples has .* samples, 1 of them without a known transmitter"):
        real_pairs.mix(unknown, april, 4, shared=2)
    with pytest.raises(InputError, match="fit: the set 'train' has .* samples, 1 of them without a known transmitter"):
        real_pairs.PairTrainer(unknown, {"train": april[:5], "val": april[5:]}, RECIPE)


@pytest.mark.parametrize("changes, message", [
    ({"val": None}, "fit: the set 'val' is None"), ({"train": [0, 1, 0]}, "fit: the set 'train' repeats 0")])
def test_sets_that_are_none_are_named(campus, sets, changes, message):
    with pytest.raises(InputError, match=message):
        real_pairs.PairTrainer(campus, sets | changes, RECIPE)
    with pytest.raises(InputError, match="the sets 'train' and 'val' share"):
        real_pairs.PairTrainer(campus, {"train": sets["train"], "val": sets["train"]}, RECIPE)
    with pytest.raises(InputError, match="fit: the set 'val' is missing"):
        real_pairs.PairTrainer(campus, {"train": sets["train"]}, RECIPE)


@pytest.mark.parametrize("share, two", [
    ([0.1, np.nan], [True, False]), ([0.1], [True, False]), ([0.1, 0.2], [1, 0]), ([], []), (None, [True]),
    ([[0.1]], [[True]]), (["a"], [True]), (xr.Dataset(), [True])])
def test_shares_that_are_none_are_named(share, two):
    with pytest.raises(InputError, match="best_threshold: "):
        real_pairs.best_threshold(share, two)


def test_baselines_need_places(campus, april):
    held = truth([[10, 110], [0, 90]])
    for dataset, val, message in ((campus, truth([[1, np.nan]]), "no sample of val has two transmitters"),
                                  (campus, None, "val is None"),
                                  (None, held, "dataset is None"),
                                  (campus, held.drop_vars("tx_y"), "val has no 'tx_y'")):
        with pytest.raises(InputError, match=f"fixed_locations: {message}"):
            real_pairs.fixed_locations(dataset, april, val)
    for changes in ({"tries": 0}, {"seed": -1}, {"samples": [0, 0]}):
        with pytest.raises(InputError, match="fixed_locations: (tries|seed|samples)"):
            real_pairs.fixed_locations(**{"dataset": campus, "samples": april, "val": held} | changes)
    with pytest.raises(InputError, match="judged: dataset has no 'tx_x'"):
        real_pairs.judged(np.ones((2, 2)), np.zeros((2, 2, 2)), campus.drop_vars("tx_x"))


@pytest.mark.parametrize("cells", [0, -1, 2.5, None, 10**6])
def test_a_square_has_cells(campus, cells):
    with pytest.raises(InputError, match="square: cells is"):
        real_pairs.square(grids.make(campus), cells)
