"""Doors of rsslib.radio_maps: recipes, the localizers, calibration, the choice of a recipe, regions."""

from dataclasses import asdict
from functools import cache

import numpy as np
import torch

from rsslib.radio_maps import cells, choice, decoders, regions
from rsslib.radio_maps.calibration import calibrated
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.maps import Maps
from rsslib.radio_maps.recipe import MapRecipe

from .. import small
from ..arrays import ODD
from ..law import Call, unless
from ..mutations import Mutator
from .localization import RASTER, index_sets, tensor, valid_predictions
from .registry import door

RECIPE = MapRecipe(pixel_m=120.0, threads=1)
TRAIN = np.arange(40)


@cache
def fitted() -> RadioMaps:
    """Maps of the first samples of the small campus."""
    return RadioMaps(RECIPE).fit(small.dataset(), TRAIN)


def _posterior() -> np.ndarray:
    image = np.random.default_rng(0).random((2, 20, 20))
    return image / image.sum((1, 2), keepdims=True)


@door("radio_maps.recipe.MapRecipe")
def _recipe(m: Mutator) -> Call:
    given = m.arguments(0.95, **asdict(RECIPE))
    return Call(lambda: MapRecipe(**given), list(given),
                lambda recipe: unless(np.isfinite(recipe.prior_variance), "a variance that is no number"))


@door("radio_maps.localizer.RadioMaps.fit")
def _fit(m: Mutator) -> Call:
    dataset, train = m.dataset(small.dataset(), often=0.5), m.array(TRAIN, "train")
    return Call(lambda: RadioMaps(RECIPE).fit(dataset, train).predict(small.dataset(10)),
                ["fit", "train", "sample", "the data set to fit"], valid_predictions)


@door("radio_maps.localizer.RadioMaps.predict")
def _predict(m: Mutator) -> Call:
    dataset, sets = m.dataset(small.dataset(), often=0.5), index_sets(m)
    return Call(lambda: fitted().predict(dataset, sets), ["sets", "set", "sample", "the data set to localize", "train",
                                                          "val", "test"], valid_predictions)


@door("radio_maps.localizer.RadioMaps.load")
def _load(m: Mutator) -> Call:
    content = (fitted().save(m.folder / "maps") / "maps.nc").read_bytes()
    (m.folder / "maps" / "maps.nc").unlink()
    path = m.netcdf("maps.nc", content)
    return Call(lambda: RadioMaps.load(path.parent), ["maps.nc"],
                lambda result: valid_predictions(result.predict(small.dataset(10))))


@door("radio_maps.calibration.calibrated", 0.5)
def _calibrated(m: Mutator) -> Call:
    dataset, samples = m.dataset(small.dataset(), often=0.4), m.array(np.arange(40, 80), "samples", 0.3)
    settings = m.arguments(0.4, tau_db=4.0, rounds=1, force=False)
    return Call(lambda: calibrated(fitted().fitted(), dataset, samples, **settings),
                [*settings, "calibrate", "the data set to calibrate on"],
                lambda found: unless(np.isfinite(found.maps.offset).all() and found.reason, "no offsets"))


@door("radio_maps.choice.choose", 0.3)
def _choose(m: Mutator) -> Call:
    dataset, train = m.dataset(small.dataset(), often=0.4), m.array(TRAIN, "train", 0.3)
    settings = m.arguments(0.4, cells=3, parts=2, seed=0)
    candidates = m.choice([RECIPE], ODD, "candidates", 0.2)
    return Call(lambda: choice.choose(dataset, train, candidates, **settings),
                [*settings, "choose", "folds", "the data set"],
                lambda found: unless(found.recipe == RECIPE and np.isfinite(found.median_m).all(), "no recipe"))


@door("radio_maps.cells.folds", 0.5)
def _folds(m: Mutator) -> Call:
    dataset, samples = m.dataset(small.dataset(), often=0.4), m.array(TRAIN, "samples", 0.3)
    settings = m.arguments(0.5, cells=3, parts=3, seed=0)
    return Call(lambda: cells.folds(dataset, samples, **settings), [*settings, "folds"],
                lambda parts: unless(all(len(kept) and len(out) for kept, out in parts), "an empty part"))


@door("radio_maps.decoders.decode")
def _decode(m: Mutator) -> Call:
    image, decoder = tensor(m.array(_posterior(), "posterior", 0.4)), m.text("mean", "decoder", 0.3, ["com"])
    return Call(lambda: decoders.decode(image, RASTER, decoder), ["posterior", "decoder"],
                lambda place: unless(all(torch.isfinite(axis).all() for axis in place), "places that are no numbers"))


@door("radio_maps.regions.scores")
def _scores(m: Mutator) -> Call:
    image, x = tensor(m.array(_posterior(), "posterior", 0.3)), m.array(np.array([30.0, 60.0]), "x", 0.3)
    settings = m.arguments(0.3, ties="none", seed=0)
    return Call(lambda: regions.scores(image, RASTER, x, np.array([0.0, 90.0]), **settings),
                ["posterior", "scores", *settings], lambda found: unless(not np.isnan(found).any(), "a score of NaN"))


@door("radio_maps.regions.calibrate")
def _calibrate(m: Mutator) -> Call:
    scored, levels = m.array(np.linspace(0, 1, 20), "scores"), m.choice([0.5, 0.9], ODD, "levels", 0.4)
    return Call(lambda: regions.calibrate(scored, levels), ["regions", "levels"],
                lambda found: unless(not np.isnan(list(found.thresholds.values())).any(), "a threshold of NaN"))


@door("radio_maps.regions.on_samples", 0.5)
def _on_samples(m: Mutator) -> Call:
    dataset, samples = m.dataset(small.dataset(), often=0.4), m.array(np.arange(40, 80), "samples", 0.4)

    def run():
        maps: Maps = fitted().fitted()
        return regions.evaluate(regions.on_samples(maps, dataset, samples), maps, dataset, samples)
    return Call(run, ["regions", "the data set"],
                lambda found: unless(np.isfinite(list(found.values())).all(), "coverage that is no number"))


@door("radio_maps.regions.polygon", 0.5)
def _polygon(m: Mutator) -> Call:
    mask = m.array(_posterior()[0] > 0.002, "mask", 0.6)
    return Call(lambda: regions.polygon(mask, RASTER), ["mask"],
                lambda outline: unless(outline.is_valid, "an outline that is none"))
