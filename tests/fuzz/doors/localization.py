"""Doors of rsslib.localization: recipes, the localizer, predictions, kept images, losses."""

import json
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
import torch
import xarray as xr

from rsslib.data import grid
from rsslib.localization import kept_images, losses, predictions
from rsslib.localization.ensemble import Recipe
from rsslib.localization.localizer import Localizer

from .. import small
from ..arrays import ODD
from ..law import Call, unless
from ..mutations import Mutator
from .registry import door

SETS = {"train": np.arange(40), "val": np.arange(40, 60), "test": np.arange(60, 80)}
REFUSED = ("floats", "negative", "twice", "beyond", "overlap")
"""Kinds of sets that nobody may take."""
RASTER = grid.Grid(0.0, 0.0, 20, 20, 30.0)


def index_sets(m: Mutator, often: float = 0.5) -> Any:
    """Return index sets of which one is odd."""
    sets = dict(SETS)
    if m.wants(often):
        name = m.one(("train", "val", "test"))
        kind, values = m.one((*REFUSED, "mask", "list", "gone", "other", "array", "array")), sets[name]
        m.say(f"{name}: {kind}")
        changed = {"mask": lambda: np.isin(np.arange(80), values), "floats": lambda: values + 0.5,
                   "negative": lambda: values - 80, "twice": lambda: np.concatenate([values, values[:1]]),
                   "beyond": lambda: values + 70, "overlap": lambda: np.concatenate([values, sets["train"][:1]]),
                   "list": values.tolist, "other": lambda: m.choice(values, ODD, name, 1.0),
                   "array": lambda: m.array(values, name, 1.0), "gone": lambda: values}
        sets[name] = changed[kind]()
        if kind == "gone":
            del sets[name]
    return m.choice(sets, ODD, "sets", 0.1)


def tensor(values: Any) -> Any:
    """Return an array of numbers as a tensor, anything else as it is."""
    is_plain = isinstance(values, np.ndarray) and values.dtype.kind in "fiub" and values.dtype.isnative
    return torch.as_tensor(values.copy()) if is_plain and values.dtype != np.longdouble else values


def valid_predictions(result: xr.Dataset) -> str:
    """What is wrong with the predictions of a localizer."""
    numbers = np.stack([result[name].values for name in ("x_hat", "y_hat", *predictions.INDICATORS)])
    if not result.sizes["sample"] or not np.isfinite(numbers).all():
        return "no predictions, or some that are no numbers"
    if result["set"].dtype.kind not in "UO" or result.measurement.dtype.kind not in "iu":
        return "sets that are no texts, or measurements that are no indices"
    return ""


@door("localization.ensemble.Recipe")
def _recipe(m: Mutator) -> Call:
    given = m.arguments(0.95, **asdict(small.RECIPE))
    return Call(lambda: Recipe(**given), list(given),
                lambda recipe: unless(json.dumps(asdict(recipe), allow_nan=False) and recipe.decoder in ("com",
                                                                                                         "argmax")
                                      and recipe.members * recipe.epochs < 2**63, "settings that are no numbers"))


@cache
def trained() -> xr.Dataset:
    """What the tiny recipe, trained on `SETS`, predicts."""
    return Localizer(small.RECIPE, "cpu").fit(small.dataset(), SETS).predict(small.dataset(10))


@door("localization.localizer.Localizer.fit", 0.3)
def _fit(m: Mutator) -> Call:
    dataset, sets = m.dataset(small.dataset(), often=0.5), index_sets(m)
    watch = m.choice((), (("test",), ("none",), "test", None, 1, [3], ("train",)), "watch", 0.2)
    path = m.folder / "c.pt"

    def run():
        return Localizer(small.RECIPE, "cpu").fit(dataset, sets, path, watch)

    def judge(localizer: Localizer) -> str:
        bad = {f"{name}: {kind}" for name in ("train", "val") for kind in REFUSED} & set(m.said)
        if bad and isinstance(sets, dict):
            return f"the set {min(bad)} is taken"
        located = localizer.predict(small.dataset(10))
        if set(m.said) <= {f"{name}: {kind}" for name in SETS for kind in ("mask", "list")}:
            return unless(located.equals(trained()), "a mask or a list trains on other samples than their indices")
        return valid_predictions(located)
    return Call(run, ["sets", "set", "sample", "watch", "training", "the data set to fit", *SETS], judge, [path])


@door("localization.localizer.Localizer.predict")
def _predict(m: Mutator) -> Call:
    dataset, sets, localizer = m.dataset(small.dataset(), often=0.5), index_sets(m), small.localizer()

    def judge(result: xr.Dataset) -> str:
        for name, values in sets.items() if isinstance(sets, dict) else ():
            given = np.asarray(values)
            wanted = np.flatnonzero(given) if given.dtype == bool else given.astype(np.int64)
            if not np.array_equal(result.measurement.values[result["set"].values == name], wanted):
                return f"other samples than those of the set {name}"
        pairs = list(zip(result["set"].values.tolist(), result.measurement.values.tolist()))
        return valid_predictions(result) or unless(len(set(pairs)) == len(pairs), "a sample is predicted twice")
    return Call(lambda: localizer.predict(dataset, sets), ["sets", "set", "sample", "the data set to localize", *SETS],
                judge)


@door("localization.localizer.Localizer", 0.5)
def _localizer(m: Mutator) -> Call:
    recipe, device = m.choice(small.RECIPE, ODD, "recipe", 0.5), m.choice("cpu", ODD, "device", 0.5)
    return Call(lambda: Localizer(recipe, device), ["recipe", "device"],
                lambda made: unless(isinstance(made.recipe, Recipe), "no recipe"))


@door("localization.predictions.describe")
def _describe(m: Mutator) -> Call:
    images = tensor(m.array(np.random.default_rng(0).random((2, 2, 20, 20)), "images"))
    decoder = m.text("argmax", "decoder", 0.3, ["com"])

    def judge(described: dict) -> str:
        finite = all(np.isfinite(np.asarray(value, float)).all() for value in described.values())
        return unless(finite and len(described["x_hat"]), "locations that are no numbers")
    return Call(lambda: predictions.describe(images, RASTER, decoder), ["image", "decoder"], judge)


@cache
def _located() -> xr.Dataset:
    return small.localizer().predict(small.dataset(), {"val": np.arange(40, 60), "ood": np.arange(60, 80)})


@door("localization.predictions.load")
def _load(m: Mutator) -> Call:
    content = predictions.save(_located(), m.folder / "p.nc").read_bytes()
    (m.folder / "p.nc").unlink()
    path = m.netcdf("p.nc", content)
    return Call(lambda: predictions.load(path), [path.name], lambda result: valid_predictions(result) or unless(
        m.edited or result.equals(_located()), "not the predictions that were saved"))


@door("localization.predictions.save")
def _save(m: Mutator) -> Call:
    given, path = m.dataset(_located(), "predictions", 0.6), m.target()
    return Call(lambda: predictions.save(given, path), [path.name or "path", "predictions"],
                lambda _: valid_predictions(predictions.load(path)), [path, *path.parents])


@door("localization.predictions.of_set")
def _of_set(m: Mutator) -> Call:
    given, name = m.dataset(_located(), "predictions", 0.6), m.choice("val", (*ODD, "VAL"), "name", 0.4)
    return Call(lambda: (predictions.median_error(given, name), predictions.errors(given)),
                ["predictions", "set", "name"],
                lambda result: unless(np.isfinite(result[0]), "a median that is no number"))


@cache
def _kept() -> xr.Dataset:
    localizer = small.localizer()
    return kept_images.keep(localizer.ensemble, localizer.samples(small.dataset()), np.arange(20), 2, 2)


@door("localization.kept_images.load")
def _load_images(m: Mutator) -> Call:
    content = kept_images.save(_kept(), m.folder / "i.nc").read_bytes()
    (m.folder / "i.nc").unlink()
    path = m.netcdf("i.nc", content)

    def judge(result) -> str:
        images, raster = result
        fine = images.image.shape[1:] == raster.shape and np.isfinite(images.image.values).all()
        return unless(fine, "images that are no numbers, or of another grid") or unless(
            m.edited or np.allclose(images.image, _kept().image, rtol=0, atol=2**-16), "not the images that were saved")
    return Call(lambda: kept_images.load(path), [path.name], judge)


@door("localization.kept_images.save", 0.5)
def _save_images(m: Mutator) -> Call:
    given, path = m.dataset(_kept(), "images", 0.6), m.target()
    return Call(lambda: kept_images.save(given, path), [path.name or "path", "images"],
                lambda _: unless(np.allclose(kept_images.load(path)[0].image, given.image, rtol=0, atol=2**-16),
                                 "other images are read back"),
                [path, *path.parents])


@door("localization.kept_images.modes")
def _modes(m: Mutator) -> Call:
    image = m.array(np.random.default_rng(0).random((20, 20)), "image", 0.9)
    return Call(lambda: kept_images.modes(image, RASTER), ["image"],
                lambda two: unless(np.isfinite(two).all(), "modes that are no numbers"))


@door("localization.losses.LOSSES")
def _losses(m: Mutator) -> Call:
    images = tensor(m.array(np.random.default_rng(0).random((3, 5, 6)), "images", 0.5))
    locations, name = tensor(m.array(np.ones((3, 2)), "locations",
                                     0.4)), m.one(sorted(losses.LOSSES)) if m.draw else "emd"
    return Call(lambda: losses.LOSSES[name](images, locations), ["image", "location"],
                lambda loss: unless(torch.isfinite(loss), f"{name}: a loss that is no number"))


@door("localization.losses.SlicedDistance")
def _sliced(m: Mutator) -> Call:
    first = tensor(m.array(np.random.default_rng(0).random((3, 5, 6)), "first", 0.5))
    second = torch.rand(3, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    good = losses.directions(7, torch.Generator().manual_seed(0))
    vectors = m.choice(good.double(), (good, good[:0], good * 0, good * torch.nan, good.half(), None, good[:, :1],
                                       good.numpy()), "vectors", 0.4)
    sizes = m.arguments(0.2, height=5, width=6)
    return Call(lambda: losses.SlicedDistance(**sizes, vectors=vectors)(first, second),
                ["map", "image", "first", "vectors", "height", "width", "directions"],
                lambda distance: unless(torch.isfinite(distance).all() and distance.shape == (3,), "no distances"))


@door("localization.losses.directions", 0.5)
def _directions(m: Mutator) -> Call:
    given = m.arguments(0.95, slices=7)
    return Call(lambda: losses.directions(**given), ["slices"],
                lambda vectors: unless(len(vectors) and torch.isfinite(vectors).all(), "no directions"))
