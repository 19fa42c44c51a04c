"""Cells that are held out, and the recipe that localizes them best."""

import numpy as np
import pytest
from small_site import site

from rsslib.data.grid import transmitters
from rsslib.project import InputError
from rsslib.radio_maps import cells
from rsslib.radio_maps.choice import choose
from rsslib.radio_maps.recipe import MapRecipe


def test_each_sample_is_held_out_once_with_its_whole_cell():
    dataset, samples = site(200), np.arange(20, 180)
    folds = cells.folds(dataset, samples, cells=4, parts=3)
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == samples.tolist()
    x, y = (axis[samples] for axis in transmitters(dataset))
    bins = [np.minimum((axis - axis.min()) * 4 / np.ptp(axis), 3).astype(int) for axis in (x, y)]
    cell = dict(zip(samples.tolist(), (4 * bins[0] + bins[1]).tolist()))
    for kept, held_out in folds:
        assert len(kept) + len(held_out) == len(samples)
        assert not {cell[sample] for sample in kept.tolist()} & {cell[sample] for sample in held_out.tolist()}
    assert all(np.array_equal(one[1], other[1]) for one, other in zip(folds, cells.folds(dataset, samples, 4, 3)))


def test_the_choice_localizes_best_and_looks_at_the_training_samples_alone():
    dataset, train = site(120, noise_db=2.0), np.arange(100)
    candidates = [MapRecipe(pixel_m=90.0, noise_db=noise, decoder="mean") for noise in (3.0, 100.0)]
    chosen = choose(dataset, train, candidates, cells=3, parts=3)
    assert chosen.recipe == candidates[0] and chosen.median_m[0] < chosen.median_m[1]
    other = dataset.copy(deep=True)
    other.rss.values[100:] += 30
    assert choose(other, train, candidates, cells=3, parts=3) == chosen


def test_the_doors_refuse_what_they_cannot_take():
    dataset = site(30)
    with pytest.raises(InputError, match="choose: no candidates"):
        choose(dataset, np.arange(30), [])
    with pytest.raises(InputError, match="choose: a candidate is 1; expected MapRecipe"):
        choose(dataset, np.arange(30), [1])
    with pytest.raises(InputError, match="folds: parts is 1"):
        cells.folds(dataset, np.arange(30), parts=1)
    with pytest.raises(InputError, match="visit 4 of 2 x 2 cells; expected at least the 5 parts"):
        cells.folds(dataset, np.arange(30), cells=2)
    unknown = dataset.copy(deep=True)
    unknown.tx_x.values[5] = unknown.tx_y.values[5] = np.nan
    with pytest.raises(InputError, match="folds: 1 of 30 samples have no known"):
        cells.folds(unknown, np.arange(30))
