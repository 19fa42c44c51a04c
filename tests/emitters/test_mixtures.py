"""Sums of two measurements: powers add, and the images and labels that networks get of them."""

import numpy as np
import pytest

from rsslib.data import grid as grids
from rsslib.emitters import mixtures
from rsslib.project import InputError


@pytest.fixture(scope="module")
def april(campus):
    return np.flatnonzero(campus.season.values == "april")


def test_half_are_single_and_powers_add(campus, april):
    mixed = mixtures.mix(campus, april, 40, shared=2)
    there = np.isfinite(mixed.tx_x.values)
    assert there[:, 0].all() and not there[::2, 1].any() and there[1::2, 1].all()
    for number in (1, 3, 5):
        one, two = (int(np.flatnonzero(campus.tx_x.values[:, 0] == place)[0]) for place in mixed.tx_x.values[number])
        parts = campus.rss.values[[one, two]].astype(float)
        both = np.isfinite(parts).all(axis=0)
        assert both.sum() >= 2
        floor = np.nanmin(campus.rss.values[april][:, both].astype(float), axis=0)    # each has its noise: take one off
        expected = 10 * np.log10((10 ** (parts[:, both] / 10)).sum(axis=0) - 10 ** (floor / 10))
        found = mixed.rss.values[number, both]
        still = np.isfinite(found)          # a shuttle that moved is left out
        assert still.any() and found[still] == pytest.approx(expected[still], abs=1e-4)
        alone = np.isfinite(parts[0]) & ~np.isfinite(parts[1])
        assert mixed.rss.values[number, alone] == pytest.approx(parts[0, alone])


def test_a_single_sample_is_left_as_measured(campus, april):
    mixed = mixtures.mix(campus, april, 10, shared=2)
    source = int(np.flatnonzero(campus.tx_x.values[:, 0] == mixed.tx_x.values[4, 0])[0])
    np.testing.assert_array_equal(mixed.rss.values[4], campus.rss.values[source])


def test_the_same_seed_gives_the_same_sums(campus, april):
    first, again, other = (mixtures.mix(campus, april, 20, shared=2, seed=seed) for seed in (0, 0, 1))
    assert first.identical(again) and not first.rss.equals(other.rss)


def test_images_and_labels_share_a_square_raster(campus, april):
    mixed = mixtures.mix(campus, april, 20, shared=2)
    raster = mixtures.square(grids.make(campus), 64)
    images = mixtures.images(mixed, raster, grids.scaling(campus, april))
    assert images.shape == (20, 64, 64) and set(np.unique(images > 0)) == {False, True}
    labels = mixtures.labels(mixed, raster)
    assert labels[:, :, 0].tolist() == np.isfinite(mixed.tx_x.values).astype(float).tolist()
    column, row = float(labels[1, 1, 2]) * 63, float(labels[1, 1, 1]) * 63
    assert raster.to_metres(column, row) == pytest.approx(
        (mixed.tx_x.values[1, 1], mixed.tx_y.values[1, 1]), abs=0.1)


def test_bad_input_is_named(campus, april):
    with pytest.raises(InputError, match="expected at least two"):
        mixtures.mix(campus, april[:1], 5)
    with pytest.raises(InputError, match="hardly two of the .* share 41 receivers"):
        mixtures.mix(campus, april, 5, shared=41)
    with pytest.raises(InputError, match="2 transmitters, the network 1 slots"):
        mixtures.labels(mixtures.mix(campus, april, 4, shared=2), mixtures.square(grids.make(campus), 64), slots=1)
