"""Doors of rsslib.emitters: recipes, samples, metrics, networks and their files, two transmitters."""

import json
import tempfile
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import xarray as xr

from rsslib.data import grid
from rsslib.emitters import false_alarms, known_maps, localizer, metrics, predictions, real_pairs, samples
from rsslib.emitters.localizer import EmitterRecipe
from rsslib.emitters.training import EmitterTrainer
from rsslib.propagation import scene

from .. import small
from ..arrays import ODD
from ..law import Call, unless
from ..mutations import Mutator
from .networks import damaged
from .registry import door

FREE = scene.free_space(16)
RECIPES = {"one_cycle": {"epochs": 1, "samples": 32, "batch_size": 32, "schedule": "one_cycle"},
           "batch": {"batch_size": 2, "samples": 3}, "augment": {"augment": True}, "n": {"n": 32}}
FACTS = {"environment": "free_space", "accuracy": 0.9, "accuracy_std": 0.1, "occupied": 0.5, "n": 16, "samples": 2,
         "parameters": 30}


@cache
def _network() -> EmitterTrainer:
    trainer = EmitterTrainer(small.EMITTERS, FREE, device="cpu")
    trainer.fit()
    return trainer


@cache
def _predicted() -> xr.Dataset:
    return predictions.predict(_network().model, small.EMITTERS, FREE)


@cache
def _folder() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as name:
        localizer.save_model(_network().model, small.EMITTERS, name)
        return {path.name: path.read_bytes() for path in Path(name).iterdir()}


@door("emitters.localizer.EmitterRecipe")
def _recipe(m: Mutator) -> Call:
    given = m.arguments(0.95, **asdict(small.EMITTERS))
    return Call(lambda: EmitterRecipe(**given), [*given, "occupancy"],
                lambda recipe: unless(json.dumps(asdict(recipe), allow_nan=False) and recipe.maps
                                      and recipe.n * recipe.samples < 2**63, "settings that are no numbers"))


@door("emitters.localizer.EmitterRecipe.of", 0.5)
def _recipe_of(m: Mutator) -> Call:
    network = m.choice("occupancy", (*ODD, "single_stage", "other_input", "Occupancy"), "network", 0.95)
    return Call(lambda: EmitterRecipe.of(network), ["network"], lambda recipe: unless(recipe.maps, "no maps"))


def valid_samples(drawn: samples.Samples) -> str:
    """What is wrong with samples of emitters."""
    at = drawn.emitter >= 0
    fine = np.isfinite(drawn.value).all() and (drawn.count >= 1).all() and len(drawn)
    return unless(fine and np.isfinite(drawn.power[at]).all() and np.isnan(drawn.power[~at]).all(),
                  "powers of no emitter")


@door("emitters.samples.draw")
def _draw(m: Mutator) -> Call:
    given = m.arguments(0.9, set_name="train", count=5, sensors=8, n_max=3, powers_dbm=(10.0, 40.0), seed=0)
    return Call(lambda: samples.draw(FREE, **given), [*given, "set"], valid_samples)


@door("emitters.samples.Samples")
def _samples(m: Mutator) -> Call:
    drawn = samples.draw(FREE, "train", 5, sensors=8)
    given = {name: m.array(getattr(drawn, name), name, 0.25) for name in ("sensor", "value", "emitter", "power")}
    n = m.arguments(0.1, n=16)
    return Call(lambda: samples.Samples(**n, **given), [*n, *given], valid_samples)


@door("emitters.samples.labels", 0.5)
def _labels(m: Mutator) -> Call:
    drawn, given = samples.draw(FREE, "train", 5, sensors=8), m.arguments(0.95, slots=3)
    return Call(lambda: samples.labels(drawn, **given), [*given, "labels"],
                lambda matrix: unless(np.isfinite(matrix).all() and matrix.shape[2] == 3 and matrix[..., 0].any(),
                                      "no labels"))


@door("emitters.known_maps.located", 0.5)
def _known_maps(m: Mutator) -> Call:
    given = m.arguments(0.9, scene=FREE, samples=samples.draw(FREE, "test", 2, sensors=8, n_max=1), most=2)
    return Call(lambda: known_maps.located(**given), [*given, "known_maps"],
                lambda found: unless((found.existence.sum("slot") >= 1).all(), "a sample without an emitter"))


def _arrays(m: Mutator) -> dict:
    random = np.random.default_rng(0)
    truth = random.uniform(0, 15, (6, 3, 2))
    truth[:3, 2] = np.nan
    valid = {"existence": random.random((6, 3)), "location": random.uniform(0, 15, (6, 3, 2)), "truth": truth}
    return {name: m.array(values, name, 0.3) for name, values in valid.items()}


def valid_metrics(values: dict) -> str:
    """What is wrong with metrics: a number that is none, without its reason."""
    bad = [key for key, value in values.items()
           if isinstance(value, float) and not np.isfinite(value) and not values.get(f"{key}_reason")]
    return unless(not bad, f"{bad} are no numbers, without a reason")


@door("emitters.metrics.score")
def _score(m: Mutator) -> Call:
    arrays, given = _arrays(m), m.arguments(0.3, n=16, side_m=5000.0, threshold=0.5)
    return Call(lambda: metrics.metrics(metrics.score(**arrays, **given), draws=10), [*arrays, *given, "samples"],
                valid_metrics)


@door("emitters.metrics.deepmtl_metrics")
def _deepmtl(m: Mutator) -> Call:
    arrays, given = _arrays(m), m.arguments(0.3, n=16, side_m=5000.0, threshold=0.5, gate_m=200.0)
    return Call(lambda: metrics.deepmtl_metrics(**arrays, **given), [*arrays, *given], valid_metrics)


def _scores(m: Mutator, often: float) -> dict:
    right = {"true": np.array([1, 2, 3, 1]), "predicted": np.array([1, 3, 2, 1]),
             "error": np.array([2.0, np.nan, np.nan, 3.0])}
    return {name: m.array(values, name, often) for name, values in right.items()} | m.arguments(0.1, n=16,
                                                                                                side_m=5000.0)


@door("emitters.metrics.metrics")
def _metrics(m: Mutator) -> Call:
    scores, other, given = _scores(m, 0.3), _scores(m, 0.1), m.arguments(0.3, draws=20, seed=0)
    several = m.choice(False, (True,), "several networks", 0.4)

    def run():
        one = metrics.Scores(**scores)
        return metrics.metrics([one, metrics.Scores(**other)] if several else one, **given)
    return Call(run, [*scores, *given, "samples"], valid_metrics)


@door("emitters.metrics.differences")
def _differences(m: Mutator) -> Call:
    one, other, given = _scores(m, 0.2), _scores(m, 0.2), m.arguments(0.2, draws=20, seed=0)
    return Call(lambda: metrics.differences(metrics.Scores(**one), metrics.Scores(**other), **given),
                [*one, *given, "samples"], valid_metrics)


@door("emitters.metrics.scores")
def _scores_of(m: Mutator) -> Call:
    given, threshold = m.dataset(_predicted(), "predictions", 0.8), m.arguments(0.1, threshold=0.5)
    return Call(lambda: metrics.metrics(metrics.scores(given, **threshold), draws=5),
                ["predictions", "threshold", *predictions.VARIABLES, "n", "side_m", "samples"], valid_metrics)


@door("emitters.false_alarms.misses")
def _misses(m: Mutator) -> Call:
    given, settings = m.dataset(_predicted(), "predictions", 0.8), m.arguments(0.2, share=0.1, draws=20, seed=0)
    return Call(lambda: false_alarms.misses([given], **settings),
                ["predictions", *settings, *predictions.VARIABLES, "n", "side_m", "samples", "emitter"],
                lambda found: unless(np.isfinite(found[0]), "no miss rate"))


def valid_predictions(result: xr.Dataset) -> str:
    """What is wrong with the predictions of several emitters."""
    numbers = [result[name].values for name in ("existence", "row", "column")]
    if not all(np.isfinite(values).all() for values in numbers) or not result.sizes["sample"]:
        return "no predictions, or some that are no numbers"
    if not ((numbers[0] >= 0) & (numbers[0] <= 1)).all():
        return "an existence that is no probability"
    return valid_metrics(metrics.metrics(metrics.scores(result), draws=5))


def _stored(result: xr.Dataset) -> bool:
    """Whether predictions are those that were saved, in the steps of their file."""
    return all(np.allclose(result[name], values, rtol=0, equal_nan=True,
                           atol=0 if name.startswith("true") else 2**-15 if name == "existence" else 16 * 2**-16)
               for name, values in _predicted().items())


@door("emitters.predictions.load")
def _load(m: Mutator) -> Call:
    content = predictions.save(_predicted(), m.folder / "p.nc").read_bytes()
    (m.folder / "p.nc").unlink()
    path = m.netcdf("p.nc", content)
    return Call(lambda: predictions.load(path), [path.name], lambda result: valid_predictions(result) or unless(
        m.edited or _stored(result), "not the predictions that were saved"))


@door("emitters.predictions.save", 0.5)
def _save(m: Mutator) -> Call:
    given, path = m.dataset(_predicted(), "predictions", 0.6), m.target()
    return Call(lambda: predictions.save(given, path), [path.name or "path", "predictions", "recipe"],
                lambda _: valid_predictions(predictions.load(path)), [path, *path.parents])


@door("emitters.predictions.load_occupancy")
def _load_occupancy(m: Mutator) -> Call:
    kept = predictions.save_occupancy(m.folder / "kept", FACTS, np.ones((2, 16, 16))) / "occupancy.nc"
    m.netcdf("occupancy.nc", kept.read_bytes())

    def judge(result) -> str:
        facts, maps = result
        fine = facts["n"] == maps.shape[1] == maps.shape[2] and np.isfinite(maps).all()
        return unless(fine, "no facts, or no maps") or unless(m.edited or (facts == FACTS and (maps == 1).all()),
                                                              "others")
    return Call(lambda: predictions.load_occupancy(m.folder), ["occupancy.nc"], judge)


@door("emitters.predictions.save_occupancy", 0.5)
def _save_occupancy(m: Mutator) -> Call:
    facts, logits = m.tree(FACTS, 0.6), m.array(np.ones((2, 16, 16)), "logits", 0.4)
    folder = m.folder / m.choice("new", ("x" * 300, "a\0b"), "folder", 0.1)
    return Call(lambda: predictions.save_occupancy(folder, facts, logits),
                ["occupancy.nc", "facts", "logits", "folder"],
                lambda _: unless(predictions.load_occupancy(folder)[0] == facts, "other facts are read back"),
                [folder, folder / "occupancy.nc"])


@door("emitters.predictions.scene_of", 0.5)
def _scene_of(m: Mutator) -> Call:
    m.netcdf("procedural.nc", small.saved_library(), 0.4)
    given = m.arguments(0.5, environment="procedural", n=16)
    return Call(lambda: predictions.scene_of(m.folder, **given), ["procedural.nc", *given, ".nc"],
                lambda made: unless(made.n == given["n"], "another n"))


@door("emitters.localizer.load_model")
def _load_model(m: Mutator) -> Call:
    wrong = damaged(m, _folder())

    def judge(result) -> str:
        return wrong() or unless(predictions.predict(*result, FREE).equals(_predicted()),
                                 "an equal folder predicts otherwise")
    return Call(lambda: localizer.load_model(m.folder, "cpu"), [*_folder(), m.folder.name], judge)


@cache
def _pair_folder() -> dict[str, bytes]:
    recipe = replace(small.EMITTERS, n_max=2)
    with tempfile.TemporaryDirectory() as name:
        real_pairs.save(SimpleNamespace(model=localizer.build(recipe, "cpu"), recipe=recipe), "april", name)
        return {path.name: path.read_bytes() for path in Path(name).iterdir()}


@door("emitters.real_pairs.load", 0.5)
def _load_pairs(m: Mutator) -> Call:
    wrong = damaged(m, _pair_folder())
    return Call(lambda: real_pairs.load(m.folder), [*_pair_folder(), m.folder.name],
                lambda result: wrong() or unless(result[2] == "april" and result[1].n_max == 2, "another network"))


@door("emitters.predictions.network_folders", 0.5)
def _network_folders(m: Mutator) -> Call:
    given = m.arguments(0.9, environment="chicago", networks=["occupancy", "two_stage_logit"], name="")
    return Call(lambda: predictions.network_folders(m.folder, **given), ["environment", "network", "name"],
                lambda found: unless(found and {path.parent for path in found.values()} == {m.folder}, "other folders"))


@door("emitters.training.EmitterTrainer", 0.2)
def _train(m: Mutator) -> Call:
    recipe = replace(small.EMITTERS, **RECIPES.get(m.choice("", sorted(RECIPES), "recipe", 0.8), {}))
    place, path = m.choice(FREE, (None, "free_space", small.library()), "scene", 0.1), m.folder / "c.pt"

    def run():
        trainer = EmitterTrainer(recipe, place, path=path, device="cpu")
        trainer.fit()
        return predictions.predict(trainer.model, recipe, place)
    return Call(run, ["recipe", "scene"], valid_predictions, [path])


@door("emitters.real_pairs.mix")
def _mix(m: Mutator) -> Call:
    dataset, chosen = m.dataset(small.dataset(), often=0.4), m.array(np.arange(40), "samples", 0.4)
    given = m.arguments(0.3, count=10, shared=2, seed=0)

    def judge(mixed: xr.Dataset) -> str:
        heard = np.isfinite(mixed.rss.values)
        fine = heard.any(axis=1).all() and np.isfinite(mixed.sensor_x.values[heard]).all() and mixed.sizes["sample"]
        return unless(fine and np.isfinite(mixed.tx_x.values[:, 0]).all(), "sums that nobody heard")
    return Call(lambda: real_pairs.mix(dataset, chosen, **given), ["the data set", "samples", "sample", "mix", *given],
                judge)


@door("emitters.real_pairs.best_threshold", 0.5)
def _best_threshold(m: Mutator) -> Call:
    share, two = m.array(np.linspace(0.1, 0.9, 9), "share"), m.array(np.arange(9) > 4, "two", 0.3)
    return Call(lambda: real_pairs.best_threshold(share, two), ["share", "two"],
                lambda limit: unless(np.isfinite(limit), "a threshold that is no number"))


@door("emitters.real_pairs.square", 0.5)
def _square(m: Mutator) -> Call:
    given = m.arguments(0.95, cells=16)
    return Call(lambda: real_pairs.square(grid.Grid(0.0, 0.0, 81, 75, 30.0), **given), [*given, "width"],
                lambda made: unless(made.width == made.height >= 1 and np.isfinite(made.pixel_m), "no grid"))
