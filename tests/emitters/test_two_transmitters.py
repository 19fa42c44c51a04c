"""Two transmitters: thresholds, counts and errors worked by hand, a tiny training."""

import numpy as np
import pytest
import xarray as xr

from rsslib.data import splits
from rsslib.data.grid import scaling
from rsslib.emitters import two_transmitters
from rsslib.emitters.recipe import EmitterRecipe
from rsslib.project import InputError


def truth(x):
    x = np.asarray(x, float)
    return xr.Dataset({"tx_x": (("sample", "tx"), x), "tx_y": (("sample", "tx"), np.where(np.isnan(x), np.nan, 0.0))})


def test_the_threshold_tells_the_most_samples_right():
    share, two = np.array([0.1, 0.2, 0.3, 0.6, 0.7]), np.array([False, False, False, True, True])
    assert 0.3 <= two_transmitters.best_threshold(share, two) < 0.6


def test_counts_and_distances_worked_by_hand():
    place = np.array([[[30, 0], [500, 0]], [[100, 0], [0, 0]], [[40, 0], [0, 0]]], float)
    found = two_transmitters.judged(np.array([[0.9, 0.2], [0.9, 0.8], [0.9, 0.9]]), place,
                                    truth([[0, np.nan], [0, 100], [0, np.nan]]))
    assert found.true.tolist() == [1, 2, 1] and found.predicted.tolist() == [1, 2, 2]
    assert found.error[:2].tolist() == [30, 0] and np.isnan(found.error[2])


def test_fixed_places_are_the_best_pair_of_training_locations():
    dataset = truth([[0, np.nan], [100, np.nan], [900, np.nan]]).isel(tx=[0])
    held = truth([[10, 110], [0, 90], [500, np.nan], [20, 100]])
    assert set(two_transmitters.fixed_places(dataset, np.arange(3), held)[:, 0]) == {0, 100}
    assert set(two_transmitters.fixed_places(dataset, np.array([1, 2]), held)[:, 0]) == {100}    # of three, twice one
    with pytest.raises(InputError, match="no sample with two transmitters"):
        two_transmitters.fixed_places(dataset, np.arange(3), held.isel(sample=[2]))


def test_a_tiny_training_finds_places_on_the_map(campus):
    july = np.flatnonzero(campus.season.values == "july")
    train, val = splits.holdout(campus, july)
    recipe = EmitterRecipe(n=16, n_max=2, samples=32, val_samples=8, batch_size=16, epochs=1, precision="float32",
                           threads=1)
    model, raster = two_transmitters.train(campus, {"train": train, "val": val}, recipe)
    existence, place = two_transmitters.located(model, raster, campus.isel(sample=val), scaling(campus, train))
    assert existence.shape == (len(val), 2) and ((existence > 0) & (existence < 1)).all()
    column, row = raster.to_pixels(place[..., 0], place[..., 1])
    assert ((column >= 0) & (column <= 15) & (row >= 0) & (row <= 15)).all()
    with pytest.raises(InputError, match="the set 'val' has 0 samples"):
        two_transmitters.train(campus, {"train": train}, recipe)
