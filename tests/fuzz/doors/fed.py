"""Doors of the networks fed by radio maps: recipes, the localizer, the choice of a rule, an ablation's file."""

from dataclasses import asdict
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr

from rsslib.radio_maps import ablation, fed_choice, fed_regions
from rsslib.radio_maps.fed import FedLocalizer
from rsslib.radio_maps.fed_recipe import FedRecipe
from rsslib.radio_maps.products import Rule
from rsslib.radio_maps.recipe import MapRecipe

from .. import small
from ..arrays import ODD
from ..law import Call, unless
from ..mutations import Mutator
from .localization import SETS, index_sets, valid_predictions
from .registry import door

RECIPE = FedRecipe(epochs=1, least_steps=0, threads=1, precision="float32", maps=MapRecipe(pixel_m=120.0, threads=1))


@cache
def fitted() -> FedLocalizer:
    """A tiny recipe trained on `SETS`."""
    return FedLocalizer(RECIPE, "cpu").fit(small.dataset(), SETS)


@cache
def _saved() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        return {path.name: path.read_bytes() for path in Path(fitted().save(folder)).iterdir() if path.is_file()}


@door("radio_maps.fed_recipe.FedRecipe")
def _recipe(m: Mutator) -> Call:
    given = m.arguments(0.95, **{**asdict(RECIPE), "maps": RECIPE.maps})
    return Call(lambda: FedRecipe(**given), list(given),
                lambda recipe: unless(isinstance(recipe.maps, MapRecipe), "no recipe of the maps"))


@door("radio_maps.products.Rule", 0.5)
def _rule(m: Mutator) -> Call:
    given = m.arguments(0.95, **asdict(Rule()))
    return Call(lambda: Rule(**given), list(given),
                lambda rule: unless(np.isfinite(rule.maps_weight), "a weight that is no number"))


@door("radio_maps.fed.FedLocalizer.fit", 0.3)
def _fit(m: Mutator) -> Call:
    dataset, sets, path = m.dataset(small.dataset(), often=0.5), index_sets(m), m.folder / "c.pt"
    return Call(lambda: FedLocalizer(RECIPE, "cpu").fit(dataset, sets, path).predict(small.dataset(10)),
                ["sets", "set", "sample", "training", "the data set to fit", "fit", *SETS], valid_predictions, [path])


@door("radio_maps.fed.FedLocalizer.predict")
def _predict(m: Mutator) -> Call:
    dataset, sets = m.dataset(small.dataset(), often=0.5), index_sets(m)
    rule = m.choice(Rule(0.25, "mean"), ODD, "rule", 0.2)
    return Call(lambda: fitted().predict(dataset, sets, rule),
                ["sets", "set", "sample", "rule", "the data set to localize", *SETS], valid_predictions)


@door("radio_maps.fed.FedLocalizer.load")
def _load(m: Mutator) -> Call:
    content = _saved()
    name = m.choice("header.json", ("maps.nc", "member0.safetensors"), "file", 0.6)
    for other in content.keys() - {name}:
        (m.folder / other).write_bytes(content[other])
    path = m.file(name, content[name])
    return Call(lambda: FedLocalizer.load(path.parent, "cpu"), list(content),
                lambda result: valid_predictions(result.predict(small.dataset(10))))


@door("radio_maps.fed_choice.choose", 0.2)
def _choose(m: Mutator) -> Call:
    dataset, sets = m.dataset(small.dataset(), often=0.3), index_sets(m)
    settings = m.arguments(0.4, epochs=1, cells=3, parts=2, seed=0)
    rules = m.choice([Rule(), Rule(0.0)], ODD, "rules", 0.3)
    return Call(lambda: fed_choice.choose(fitted(), dataset, sets, rules, **settings),
                [*settings, "choose", "folds", "sets", "set", "sample", "the data set", "training", *SETS],
                lambda found: unless(np.isfinite(found.val_m + found.cells_m).all(), "medians that are no numbers"))


@door("radio_maps.fed_regions.on_cells", 0.2)
def _on_cells(m: Mutator) -> Call:
    dataset, train = m.dataset(small.dataset(), often=0.3), m.array(SETS["train"], "train", 0.3)
    settings = m.arguments(0.4, levels=[0.5], cells=3, parts=2, seed=0)
    recipe = m.choice(RECIPE, ODD, "recipe", 0.2)
    return Call(lambda: fed_regions.on_cells(dataset, train, recipe, device="cpu", **settings),
                [*settings, "regions", "folds", "sample", "the data set", "training", "recipe", *SETS],
                lambda found: unless(not np.isnan([*found.thresholds.values()]).any(), "a threshold that is no number"))


def _errors() -> xr.Dataset:
    return ablation.collect({"as chosen": [np.arange(6.0)], "networks alone": [np.arange(6.0) + 1]}, [0],
                            {"val": np.arange(2), "ood": np.arange(2, 6)}, {"device": "cpu"})


@door("radio_maps.ablation.load")
def _load_errors(m: Mutator) -> Call:
    content = ablation.save(_errors(), m.folder / "e.nc").read_bytes()
    (m.folder / "e.nc").unlink()
    path = m.netcdf("e.nc", content)
    return Call(lambda: ablation.load(path), [path.name], lambda result: unless(
        np.isfinite(result.error).all() and (result.error >= 0).all() and "as chosen" in result.variant.values,
        "errors that cannot be"))
