"""Regions: scores by hand, coverage on synthetic posteriors that tell the truth or do not, real maps, outlines."""

import numpy as np
import pytest
import torch
from small_site import site

from rsslib.data.grid import Grid
from rsslib.project import InputError
from rsslib.radio_maps import regions
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.recipe import MapRecipe

GRID = Grid(0.0, 0.0, 12, 10, 30.0)


def _posteriors(count, seed, sharper=1.0):
    """Random images and transmitters drawn from them; the images shown are to the power of `sharper`."""
    generator = np.random.default_rng(seed)
    true = generator.gamma(0.3, size=(count, 10 * 12)) + 1e-9
    true /= true.sum(axis=1, keepdims=True)
    pixel = (true.cumsum(axis=1) > generator.random((count, 1))).argmax(axis=1)
    x, y = GRID.to_metres((pixel % 12).astype(float), (pixel // 12).astype(float))
    return torch.from_numpy(true ** sharper).reshape(count, 10, 12), x, y


def test_scores_by_hand():
    image = torch.tensor([[[0.4, 0.2, 0.2], [0.1, 0.1, 0.0]]])
    expected = [[0, 0.4, 0.4], [0.8, 0.8, 1.0]]
    assert regions.pixel_scores(image)[0].numpy() == pytest.approx(np.array(expected), abs=1e-6)
    grid = Grid(0.0, 0.0, 3, 2, 30.0)
    assert regions.scores(image, grid, [61.0], [2.0]) == pytest.approx([0.4], abs=1e-6)
    assert regions.scores(image, grid, [100.0], [2.0]) == [np.inf]
    drawn = regions.scores(image.expand(200, -1, -1), grid, [60.0] * 200, [0.0] * 200, "random")
    assert drawn.min() >= 0.4 - 1e-6 and drawn.max() <= 0.8 + 1e-6 and np.ptp(drawn) > 0.35


def test_random_scores_of_a_true_posterior_are_uniform():
    image, x, y = _posteriors(4000, 0)
    drawn = np.sort(regions.scores(image, GRID, x, y, "random"))
    assert np.abs(drawn - (np.arange(4000) + 0.5) / 4000).max() < 0.03


@pytest.mark.parametrize("sharper", [0.5, 1.0, 3.0], ids=["too wide", "true", "too sure"])
def test_regions_cover_whatever_the_posterior_says(sharper):
    image, x, y = _posteriors(2000, 1, sharper)
    found = regions.calibrate(regions.scores(image, GRID, x, y))
    image, x, y = _posteriors(2000, 2, sharper)
    column, row = (np.round(axis).astype(int) for axis in GRID.to_pixels(x, y))
    for level in regions.LEVELS:
        mask = found.mask(image, level)
        covered = mask.numpy()[np.arange(2000), row, column].mean()
        assert covered > level - 0.03 and mask.any(dim=(1, 2)).all()
        assert covered == np.mean(regions.scores(image, GRID, x, y) <= found.threshold(level))
        assert found.area_km2(image, level, GRID) == pytest.approx(mask.sum((1, 2)).numpy() * 9e-4)


def test_few_scores_give_the_whole_map():
    found = regions.calibrate([0.2] * 9, [0.5, 0.95])
    assert found.thresholds == {0.5: 0.2, 0.95: np.inf} and found.samples == 9
    assert found.mask(torch.rand(2, 3, 3), 0.95).all()


def test_regions_of_real_maps_for_seen_places_and_for_unseen_cells():
    dataset, recipe = site(260, 6), MapRecipe(pixel_m=45.0, noise_db=2.0, threads=1)
    train, val, test = np.split(np.arange(260), [120, 190])
    maps = RadioMaps(recipe).fit(dataset, train).maps
    seen = regions.on_samples(maps, dataset, val)
    unseen = regions.on_cells(dataset, train, recipe, cells=3, parts=3)
    assert (seen.promise, unseen.promise) == regions.PROMISES and (seen.samples, unseen.samples) == (70, 120)
    for found in (seen, unseen):
        evaluated = regions.evaluate(found, maps, dataset, test)
        coverage, area = np.array(list(evaluated.values())).T
        assert (np.diff(coverage) >= 0).all() and (np.diff(area) >= 0).all() and coverage[1] > 0.75
    assert unseen.threshold(0.9) != seen.threshold(0.9)


def test_records_say_what_evaluate_finds_and_never_of_the_set_that_calibrated():
    dataset, recipe = site(60, 6), MapRecipe(pixel_m=90.0, threads=1)
    maps = RadioMaps(recipe).fit(dataset, np.arange(30)).maps
    sets = {"val": np.arange(30, 45), "test": np.arange(45, 60)}
    promised = {"seen places": regions.on_samples(maps, dataset, sets["val"]),
                "unseen cells": regions.on_cells(dataset, np.arange(30), recipe, cells=3, parts=2)}
    found = regions.records(promised, maps, dataset, sets, split="grid2")
    assert [(one["promise"], one["set"]) for one in found[::3]] == [
        ("seen places", "test"), ("unseen cells", "val"), ("unseen cells", "test")]
    for one in found:
        told = regions.evaluate(promised[one["promise"]], maps, dataset, sets[one["set"]])
        assert (one["covered"], one["area_km2"]) == told[one["level"]] and one["split"] == "grid2"


def test_the_outline_of_a_region():
    mask = np.zeros(GRID.shape, bool)
    mask[2:4, 3] = mask[8, 8] = True
    outline = regions.polygon(mask, GRID)
    assert outline.area == 3 * 900 and len(outline.geoms) == 2
    assert outline.bounds == (75.0, 45.0, 255.0, 255.0)
    assert regions.polygon(np.zeros(GRID.shape, bool), GRID).is_empty


def test_the_doors_refuse_what_they_cannot_take():
    image, x, y = _posteriors(3, 0)
    for call, expected in (
            (lambda: regions.pixel_scores(-image), "expected numbers of at least 0"),
            (lambda: regions.pixel_scores([1.0]), "posterior is .1.0.; expected Tensor"),
            (lambda: regions.scores(image, GRID, x[:2], y), "expected one place for each image"),
            (lambda: regions.scores(image, GRID, x, y, "half"), "ties is 'half'"),
            (lambda: regions.calibrate([]), "expected scores"), (lambda: regions.calibrate([np.nan]), "none NaN"),
            (lambda: regions.calibrate([0.5], [1.0]), "level is 1.0"),
            (lambda: regions.calibrate([0.5], [0.9], "always"), "promise is 'always'"),
            (lambda: regions.calibrate([0.5]).mask(image, 0.8), "level is 0.8; expected one of 0.5, 0.9, 0.95"),
            (lambda: regions.polygon(np.zeros((2, 2)), GRID), "mask is float64"),
            (lambda: regions.on_samples(None, site(5), [0]), "maps is None"),
            (lambda: regions.on_cells(site(5), [0], None), "recipe is None")):
        with pytest.raises(InputError, match=expected):
            call()
    unknown = site(30)
    unknown.tx_x.values[3] = unknown.tx_y.values[3] = np.nan
    maps = RadioMaps(MapRecipe(pixel_m=90.0)).fit(site(30)).maps
    with pytest.raises(InputError, match="regions: sample 3 has no known"):
        regions.on_samples(maps, unknown, np.arange(30))
