"""Drawn ensembles: all that can be drawn, and the maximum of their mean image."""

import numpy as np
import pytest
import torch

from rsslib.data import grid as grids
from rsslib.localization import draws, predictions
from rsslib.localization.ensemble import Ensemble, Recipe, Samples


@pytest.fixture(scope="module")
def located(campus):
    grid, chosen = grids.make(campus), np.arange(0, 60, 2)
    ensemble = Ensemble(Recipe(network="compact", members=3, precision="float32"), grid, torch.device("cpu"))
    samples = Samples(campus, grid, grids.scaling(campus, np.arange(100)), torch.device("cpu"))
    described, sets = ensemble.describe(samples, chosen), np.full(30, "all")
    found = predictions.collect(described, campus, chosen, sets, ensemble.attrs())
    return draws.with_maxima(found, ensemble, samples), torch.cat(list(ensemble.images(samples, chosen))).numpy()


def test_every_ensemble_is_drawn_once():
    drawn = draws.draws(5)
    assert len(drawn) == 126 == len({tuple(one) for one in drawn.tolist()}) and (np.diff(drawn, axis=1) >= 0).all()


def test_the_maximum_is_that_of_the_mean_image(located):
    found, images = located
    for number, members in enumerate(found.drawn.values):
        expected = images[:, members].mean(axis=1).max(axis=(1, 2))
        np.testing.assert_allclose(found[draws.NAME].values[:, number], expected, rtol=1e-5)


def test_the_ensemble_itself_is_among_the_draws(located):
    found, _ = located
    itself = (found.drawn.values == np.arange(3)).all(axis=1)
    np.testing.assert_allclose(found[draws.NAME].values[:, itself][:, 0], found.max_mean_prediction, rtol=1e-6)


def test_a_file_keeps_them(located, tmp_path):
    found, _ = located
    path = predictions.save(found.assign_attrs(split="random", best_epoch=1), tmp_path / "p.nc")
    kept = predictions.load(path)
    np.testing.assert_allclose(kept[draws.NAME], found[draws.NAME], rtol=0, atol=1e-5)
    assert kept[draws.NAME].attrs["units"] == "1" and kept.drawn.equals(found.drawn)
    for name in set(found.data_vars) - {draws.NAME}:    # of all else, every bit
        assert kept[name].equals(found[name])


@pytest.mark.parametrize("value", [0.0, 1.0, 1.0000002])
def test_a_file_keeps_the_least_and_the_greatest_maximum(located, tmp_path, value):
    found = located[0].assign({draws.NAME: located[0][draws.NAME] * 0 + value})
    kept = predictions.load(predictions.save(found, tmp_path / "p.nc"))[draws.NAME]
    np.testing.assert_allclose(kept, value, rtol=0, atol=1e-5)    # none is the fill value
