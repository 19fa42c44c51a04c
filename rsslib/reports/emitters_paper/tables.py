"""Records of the second paper: its table, occupancy, the sweep over sensors, results by count, other environments."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import xarray as xr

from rsslib.emitters import predictions
from rsslib.emitters.metrics import by_count, differences, metrics
from rsslib.emitters.networks import METHODS
from rsslib.emitters.predictions import scores
from rsslib.emitters.samples import Samples, draw, received
from rsslib.project import InputError
from rsslib.propagation.scene import Scene

MODULES = tuple(f"rsslib.{name}" for name in (
    "emitter_effects", "emitter_feeds", "emitter_images", "emitter_loss", "emitter_metrics", "emitter_networks",
    "emitter_optimizer", "emitter_predictions", "emitter_recipe", "emitter_report", "emitter_stem", "emitter_training",
    "emitters", "propagation"))
"""The modules whose code these results hang on, for their provenance."""

_METRICS = {"cmr": "cmr", "rmse_px": "rmse_px", "rmse_fraction": "rmse_share", "rmse_m": "rmse_m", "fa": "fa",
            "mr": "mr"}
_DRAWN_BY = ("n", "side_m", "sensors", "n_max", "seed", "set", "threshold_dbm")
Found = dict[tuple[str, str], xr.Dataset]
"""For each environment and method, what it found in the environment's test samples."""


def load(folder: str | Path, environments: Iterable[str], methods: Iterable[str] = METHODS) -> Found:
    """Read `<folder>/<environment>-<method>/<environment>.nc`. Raises InputError naming what is missing."""
    return {(place, method): predictions.load(Path(folder) / f"{place}-{method}" / f"{place}.nc")
            for place in environments for method in methods}


def record(said: xr.Dataset, chosen: np.ndarray | None = None) -> dict:
    """Return the metrics of the paper for what was found, with intervals, sensors, parameters and scene."""
    found = scores(said)
    found = metrics(found if chosen is None else found.of(chosen))
    values: dict = {"environment": said.attrs["environment"], "method": said.attrs["method"],
                    "n_sensors": int(said.attrs["sensors"]), "n_max": int(said.attrs["n_max"]),
                    "second_stage_sees": seen(said.attrs), "n": int(said.attrs["n"]), "samples": found["n"]}
    for name, source in _METRICS.items():
        values[name] = found[source]
        if f"{source}_reason" in found:
            values[f"{name}_reason"] = found[f"{source}_reason"]
        if found.get(f"{source}_ci95"):
            values[f"ci95_{name}"] = found[f"{source}_ci95"]
    return values | {"parameters": int(said.attrs["parameters"]), "threshold_dbm": float(said.attrs["threshold_dbm"])}


def seen(attrs: Mapping) -> str | None:
    """Say what the second stage of a method sees; None for the single stage."""
    if attrs["method"] == "two_stage_logit":
        return "logits and readings" if attrs.get("beside") else "logits"
    return "binary map" if attrs["method"] == "two_stage_binary" else None


def table1(found: Found, occupied: Mapping[str, float]) -> list[dict]:
    """Return the records of the paper's table; occupied, each environment's share of cells above the threshold."""
    return [record(said) | {"occupied_share": occupied[environment]} for (environment, _), said in found.items()]


def counts(found: Found) -> list[dict]:
    """Return how often the count is right, and the other metrics, for each true number of emitters."""
    return [{"environment": environment, "method": method, "true_count": count, "share_right": part["cmr"],
             "ci95_share_right": part["cmr_ci95"], "fa": part["fa"], "mr": part["mr"], "n": part["n"]}
            for (environment, method), said in found.items() for count, part in by_count(scores(said)).items()]


def transfer(folder: str | Path, environments: Iterable[str], methods: Iterable[str] = METHODS) -> list[dict]:
    """Return the metrics of networks trained in one environment and tested in each of the others, and at home."""
    names, records = list(environments), []
    for trained in names:
        for method in methods:
            for tested in names:
                said = predictions.load(Path(folder) / f"{trained}-{method}" / f"{tested}.nc")
                records.append({"trained_on": trained, "tested_on": tested} | record(said))
    return records


def fresh(folder: str | Path, scene: Scene, networks: Iterable[str], count: int = 10_000,
          seed: int = 2) -> list[xr.Dataset]:
    """Return what networks, folders such as "free_space-single_stage", find in `count` test samples drawn anew.

    Settings were chosen with the first test samples in sight; those of a new seed took no part in anything.
    """
    found, place = [], scene.environment
    for name in networks:
        model, recipe = predictions.load_model(Path(folder) / name / "weights")
        occupancy = None
        if recipe.method != "single_stage":
            occupancy, _ = predictions.load_model(Path(folder) / f"{place}-occupancy" / "weights")
        said = predictions.predict(model, replace(recipe, seed=seed, test_samples=count), scene, occupancy)
        first = predictions.load(Path(folder) / name / f"{place}.nc")
        found.append(said.assign_attrs(environment=place, parameters=first.attrs["parameters"]))
    return found


def pairs(found: Iterable[xr.Dataset]) -> list[dict]:
    """Return the metrics of one method minus those of another, for each two of an environment, with paired intervals.

    The ledger looks for such records of `<name>.json` in `<name>_pairs.json`. Errors in places are compared over the
    samples whose count both have right, unlike those of `record`, and so have a name of their own.
    Errors: InputError where two of an environment are not about the same samples.
    """
    records = []
    for right, left in combinations(found, 2):
        if right.attrs["environment"] != left.attrs["environment"]:
            continue
        same = [left[name].equals(right[name]) for name in ("true_row", "true_column")]
        if not all(same) or any(left.attrs.get(key) != right.attrs.get(key) for key in _DRAWN_BY):
            raise InputError(f"pairs: {left.attrs['method']} and {right.attrs['method']} were not tested on the same "
                             f"samples of {left.attrs['environment']}")
        part = differences(scores(left), scores(right))
        record: dict = {"environment": left.attrs["environment"], "samples": left.sizes["sample"]}
        for side, said in (("left", left), ("right", right)):
            record |= {f"{side}_method": said.attrs["method"], f"{side}_second_stage_sees": seen(said.attrs)}
        for name in ("cmr", "fa", "mr", "rmse_px"):
            key = "rmse_px_both_right" if name == "rmse_px" else name
            record |= {key: part[name], f"ci95_{key}": part[f"{name}_ci95"]}
            record |= {f"{key}_reason": part[f"{name}_reason"]} if f"{name}_reason" in part else {}
        records.append(record)
    return records


def samples(scene: Scene, said: xr.Dataset) -> Samples:
    """Draw the test samples again that a predictions file is about."""
    return draw(scene, "test", int(said.attrs["test_samples"]), int(said.attrs["sensors"]), int(said.attrs["n_max"]),
                seed=int(said.attrs["seed"]))


def case(scene: Scene, drawn: Samples, said: xr.Dataset, number: int) -> SimpleNamespace:
    """Return one test sample for the figures: power map [dBm], sensors (row, column, dBm), truth, predicted, side_m."""
    cells = np.arange(scene.n**2)[None]
    one = slice(number, number + 1)
    power = received(scene, drawn.emitter[one], drawn.power[one], cells)[0].reshape(scene.n, scene.n)
    sensors = np.stack([*np.divmod(drawn.sensor[number], scene.n), drawn.value[number]], axis=1)
    truth = np.stack([said.true_row.values[number], said.true_column.values[number]], axis=1)
    kept = said.existence.values[number] > 0.5
    predicted = np.stack([said.row.values[number], said.column.values[number]], axis=1)[kept]
    return SimpleNamespace(power=np.where(scene.outdoor, power, np.nan), sensors=sensors, predicted=predicted,
                           truth=truth[np.isfinite(truth).all(axis=1)], side_m=scene.side_m,
                           threshold_dbm=scene.threshold_dbm)


def two_stage_wins(single: xr.Dataset, two: xr.Dataset, among: int = 64) -> int:
    """Return the test sample, of the first `among`, in which the two-stage method is ahead of the single stage by most.

    First of those whose count only the two-stage method has right the one with the smallest error; where there is
    none, the one where its error is the smallest share of the single stage's.
    Errors: InputError where neither has a right count.
    """
    first, second = (scores(said) for said in (single, two))
    right = np.isfinite(second.error[:among])
    if not right.any():
        raise InputError(f"two_stage_wins: no right count in the first {among} samples; train longer")
    only = right & ~np.isfinite(first.error[:among])
    rank = np.where(only, second.error[:among], np.inf) if only.any() else np.where(
        right, second.error[:among] / np.maximum(first.error[:among], 1e-9), np.inf)
    return int(np.argmin(rank))


def good_case(found: xr.Dataset, emitters: int = 3, among: int = 64) -> int:
    """Return the test sample of the first `among` with so many emitters, all found, whose error is the median one."""
    said = scores(found)
    right = np.flatnonzero(np.isfinite(said.error[:among]) & (said.true[:among] == emitters))
    if not len(right):
        return int(np.flatnonzero(said.true[:among] == emitters)[0])
    return int(right[np.argsort(said.error[right], kind="stable")[len(right) // 2]])


def panels(single: SimpleNamespace, two: SimpleNamespace, logits: np.ndarray) -> list[SimpleNamespace]:
    """Return Figure 2's panels for one sample (see `case`): power and sensors, single stage, logits, two stages."""
    outdoor = np.isfinite(single.power)

    def panel(title: str, background: np.ndarray, colour: str, predicted) -> SimpleNamespace:
        return SimpleNamespace(title=title, background=background, colour=colour, sensors=single.sensors,
                               truth=single.truth, predicted=predicted)

    return [panel("power and sensors", single.power, "power", None),
            panel("single-stage", single.power, "sensors", single.predicted),
            panel("two-stage, logits", np.where(outdoor, logits, np.nan), "logits", two.predicted)]
