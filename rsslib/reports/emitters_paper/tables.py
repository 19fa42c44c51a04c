"""Records of the second paper: its table, the sweep over sensors, results by count and by effect, other cities."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.emitters import localizer, metrics, predictions
from rsslib.emitters.networks import METHODS
from rsslib.emitters.samples import Samples, draw, received
from rsslib.project import InputError
from rsslib.propagation.scene import Scene
from rsslib.reports.style import ENVIRONMENTS

Outputs = Mapping[tuple[str, str], xr.Dataset]
"""The predictions file of each (environment, method): what the method predicts for the environment's test samples."""
_RECORDED = {"cmr": "cmr", "rmse_px": "rmse_px", "rmse_share": "rmse_fraction", "rmse_m": "rmse_m", "fa": "fa",
             "mr": "mr"}
_COMPARED = {"cmr": "cmr", "fa": "fa", "mr": "mr", "rmse_px": "rmse_px_both_right"}
_DRAWN_BY = ("n", "side_m", "sensors", "n_max", "seed", "set", "threshold_dbm")


def load(folder: str | Path, environments: Iterable[str], methods: Iterable[str] = METHODS) -> Outputs:
    """Read `<folder>/<environment>-<method>/<environment>.nc`. Raises InputError naming what is missing."""
    return {(environment, method): predictions.load(Path(folder) / f"{environment}-{method}" / f"{environment}.nc")
            for environment in environments for method in methods}


def record(output: xr.Dataset) -> dict:
    """Return the metrics of the paper for a predictions file, with intervals, sensors, parameters and threshold."""
    attrs = output.attrs
    part = metrics.metrics(metrics.scores(output))
    values = {"environment": attrs["environment"], "method": attrs["method"], "n_sensors": int(attrs["sensors"]),
              "n_max": int(attrs["n_max"]), "second_stage_sees": second_stage_sees(attrs), "n": int(attrs["n"]),
              "samples": part["n"]}
    scored = {key: value for key, value in _fields(part, _RECORDED).items() if value is not None}
    return values | scored | {"parameters": int(attrs["parameters"]), "threshold_dbm": float(attrs["threshold_dbm"])}


def _fields(part: Mapping, names: Mapping[str, str]) -> dict:
    """Return metrics as fields of a record: each under its new name, with its interval and the reason of a NaN."""
    fields: dict = {}
    for source, name in names.items():
        fields |= {name: part[source], f"ci95_{name}": part[f"{source}_ci95"]}
        if f"{source}_reason" in part:
            fields[f"{name}_reason"] = part[f"{source}_reason"]
    return fields


def second_stage_sees(attrs: Mapping) -> str | None:
    """Return in words what the second stage of a method sees; None for the single stage."""
    if attrs["method"] == "two_stage_logit":
        return "logits and readings" if attrs.get("beside") else "logits"
    return "binary map" if attrs["method"] == "two_stage_binary" else None


def table1(outputs: Outputs, occupied: Mapping[str, float]) -> list[dict]:
    """Return the records of the paper's table; occupied, each environment's share of cells above the threshold."""
    return [record(output) | {"occupied_share": occupied[environment]}
            for (environment, _), output in outputs.items()]


def counts(outputs: Outputs) -> list[dict]:
    """Return how often the count is right, and the other metrics, for each true number of emitters."""
    return [{"environment": environment, "method": method, "true_count": count, "share_right": part["cmr"],
             "ci95_share_right": part["cmr_ci95"], "fa": part["fa"], "mr": part["mr"], "n": part["n"]}
            for (environment, method), output in outputs.items()
            for count, part in metrics.by_count(metrics.scores(output)).items()]


def transfer(folder: str | Path, environments: Sequence[str], methods: Sequence[str] = METHODS) -> list[dict]:
    """Return the metrics of networks trained in each environment and tested in every one, their own included."""
    return [{"trained_on": trained, "tested_on": tested}
            | record(predictions.load(Path(folder) / f"{trained}-{method}" / f"{tested}.nc"))
            for trained in environments for method in methods for tested in environments]


def tested(folder: str | Path, network: str, trained_on: str, scene: Scene, **changes) -> xr.Dataset:
    """Return the predictions of a trained network for test samples of any scene.

    Input: folder of all networks; network, the name of its folder, for instance "chicago-single_stage"; trained_on, the
    environment it was trained in, whose occupancy network a second stage uses; changes to its recipe, for
    instance seed and test_samples.
    """
    path = Path(folder) / network
    model, recipe = localizer.load_model(path / "weights")
    occupancy = None
    if recipe.method != "single_stage":
        occupancy, _ = localizer.load_model(Path(folder) / f"{trained_on}-occupancy" / "weights")
    parameters = predictions.load(path / f"{trained_on}.nc").attrs["parameters"]
    output = predictions.predict(model, replace(recipe, **changes), scene, occupancy)
    return output.assign_attrs(environment=scene.environment, parameters=parameters)


def pairs(outputs: Iterable[xr.Dataset]) -> list[dict]:
    """Return the metrics of one method minus those of another, for each two of an environment, with paired intervals.

    The ledger looks for such records of `<name>.json` in `<name>_pairs.json`. Errors in position are compared over the
    samples whose count both have right, unlike those of `record`, and so have a name of their own.
    Errors: InputError where two of an environment are not about the same samples.
    """
    return [_pair(left, right) for right, left in combinations(outputs, 2)
            if right.attrs["environment"] == left.attrs["environment"]]


def _pair(left: xr.Dataset, right: xr.Dataset) -> dict:
    same = [left[name].equals(right[name]) for name in ("true_row", "true_column")]
    if not all(same) or any(left.attrs.get(key) != right.attrs.get(key) for key in _DRAWN_BY):
        raise InputError(f"pairs: {left.attrs['method']} and {right.attrs['method']} were not tested on the same "
                         f"samples of {left.attrs['environment']}")
    part = metrics.differences(metrics.scores(left), metrics.scores(right))
    values = {"environment": left.attrs["environment"], "samples": left.sizes["sample"]}
    for side, output in (("left", left), ("right", right)):
        values |= {f"{side}_method": output.attrs["method"],
                   f"{side}_second_stage_sees": second_stage_sees(output.attrs)}
    return values | _fields(part, _COMPARED)


def effects(scene: Scene, drawn: Samples) -> np.ndarray:
    """Return how much each emitter changes what the network is told, (samples, n_max) [dB], NaN where there is none.

    effect_k = max over the sensors of |max(P, T) - max(P without k, T)|. An emitter without effect cannot be counted
    by any method; one with a small effect needs the others' powers known as exactly.
    """
    def told(emitter: np.ndarray, power: np.ndarray) -> np.ndarray:
        return np.maximum(received(scene, emitter, power, drawn.sensor.astype(np.int64)), scene.threshold_dbm)

    whole, effect = told(drawn.emitter, drawn.power), np.full(drawn.emitter.shape, np.nan)
    for slot in range(drawn.emitter.shape[1]):
        there = drawn.emitter[:, slot] >= 0
        emitter, power = drawn.emitter.copy(), drawn.power.copy()
        emitter[:, slot], power[:, slot] = -1, np.nan
        effect[there, slot] = np.abs(whole - told(emitter, power)).max(axis=1)[there]
    return effect


def by_effect(outputs: Outputs, scenes: Mapping[str, Scene],
              limits: Sequence[float] = (0.1, 1.0, 3.0, 10.0)) -> list[dict]:
    """Return how often the count is right by the effect of a sample's weakest emitter (see `effects`).

    A record for each environment, method and class of effects from one limit [dB] to the next; empty classes have none.
    """
    ends, records = [0.0, *limits, np.inf], []
    one_output = {environment: output for (environment, _), output in outputs.items()}
    weakest = {name: np.nanmin(effects(scene, samples(scene, one_output[name])), axis=1)
               for name, scene in scenes.items()}
    for (environment, method), output in outputs.items():
        for low, high in zip(ends[:-1], ends[1:]):
            chosen = (weakest[environment] >= low) & (weakest[environment] < high)
            if chosen.any():
                part = metrics.metrics(metrics.scores(output).of(chosen))
                records.append({"environment": environment, "method": method, "from_db": low,
                                "to_db": None if np.isinf(high) else high, "n": part["n"],
                                "share_of_samples": chosen.mean(), "share_right": part["cmr"],
                                "ci95_share_right": part["cmr_ci95"]})
    return records


def samples(scene: Scene, output: xr.Dataset) -> Samples:
    """Draw the test samples again that a predictions file is about."""
    attrs = output.attrs
    return draw(scene, "test", int(attrs["test_samples"]), int(attrs["sensors"]), int(attrs["n_max"]),
                seed=int(attrs["seed"]))


@dataclass(frozen=True)
class Case:
    """One test sample, as the maps show it.

    title : the environment in words; attribution : source of its map; side_m : side of the map [m]; threshold_dbm
    power : (n, n) [dBm] and logits : (n, n) of the occupancy network, both NaN indoors
    sensors : (k, 3) row, column, value [dBm]; truth : (K, 2) and predicted : (K', 2) row, column [cells]
    """

    title: str
    attribution: str
    side_m: float
    threshold_dbm: float
    power: np.ndarray
    logits: np.ndarray
    sensors: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray


def environment_label(name: str) -> str:
    """Return the name of an environment for readers; a city of the user's own keeps its name."""
    return ENVIRONMENTS.get(name, name.capitalize())


def case(scene: Scene, drawn: Samples, output: xr.Dataset, number: int, logits: np.ndarray) -> Case:
    """Return test sample `number` for the figures; drawn, all samples (see `samples`); logits, of the first of them."""
    one, n = slice(number, number + 1), scene.n
    power = received(scene, drawn.emitter[one], drawn.power[one], np.arange(n**2)[None])[0].reshape(n, n)
    sensors = np.stack([*np.divmod(drawn.sensor[number], n), drawn.value[number]], axis=1)
    truth, predicted = (np.stack([output[row].values[number], output[column].values[number]], axis=1)
                        for row, column in (("true_row", "true_column"), ("row", "column")))
    return Case(environment_label(scene.environment), scene.attribution, scene.side_m, scene.threshold_dbm,
                np.where(scene.outdoor, power, np.nan), np.where(scene.outdoor, logits[number], np.nan), sensors,
                truth[np.isfinite(truth).all(axis=1)], predicted[output.existence.values[number] > metrics.THRESHOLD])


def two_stage_wins(single: xr.Dataset, two: xr.Dataset, among: int = 64) -> int:
    """Return the test sample, of the first `among`, in which the two-stage method is furthest ahead of the single one.

    Of the samples whose count only the two-stage method has right, the one with the smallest error; if there are none,
    the one where its error is the smallest share of the single stage's.
    Errors: InputError where the two-stage method has no right count.
    """
    first, second = (metrics.scores(output).error[:among] for output in (single, two))
    right = np.isfinite(second)
    if not right.any():
        raise InputError(f"two_stage_wins: no right count in the first {among} samples; train longer")
    only = right & ~np.isfinite(first)
    rank = np.where(only, second, np.inf) if only.any() else np.where(right, second / np.maximum(first, 1e-9), np.inf)
    return int(np.argmin(rank))


def good_case(output: xr.Dataset, emitters: int = 3, among: int = 64) -> int:
    """Return the test sample of the first `among` with so many emitters, all found, whose error is the median one.

    Where none has all found, the first with so many emitters.
    """
    scores = metrics.scores(output)
    enough = scores.true[:among] == emitters
    right = np.flatnonzero(np.isfinite(scores.error[:among]) & enough)
    if not len(right):
        return int(np.flatnonzero(enough)[0])
    return int(right[np.argsort(scores.error[right], kind="stable")[len(right) // 2]])
