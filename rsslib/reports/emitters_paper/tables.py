"""Records of the second paper: its table, the sweep over sensors, results by count and by effect, other cities."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.arguments import check_type
from rsslib.emitters import false_alarms, localizer, metrics, predictions
from rsslib.emitters.networks import METHODS
from rsslib.emitters.samples import Samples, received
from rsslib.learning.weights import parameter_count
from rsslib.ledger.statistics import share_interval
from rsslib.ledger.wording import listed
from rsslib.project import InputError
from rsslib.propagation.scene import Scene
from rsslib.reports.emitters_paper.cases import samples

Networks = Sequence[xr.Dataset]
"""What the trainings of one network, which differ in their seeds, predict for the same test samples."""
Missed = tuple[float, np.ndarray]
"""A miss rate and that of each resample."""
Outputs = Mapping[tuple[str, str], Networks]
"""The predictions of each (environment, method) for the environment's test samples."""
DECIMALS = 4
"""Of numbers in records, as in `rsslib.ledger.results.write`."""
_RECORDED = {"cmr": "cmr", "rmse_px": "rmse_px", "rmse_share": "rmse_fraction", "rmse_m": "rmse_m",
             "rmse_pooled_share": "rmse_pooled_fraction", "fa": "fa", "mr": "mr"}
_COMPARED = {"cmr": "cmr", "fa": "fa", "mr": "mr", "rmse_px": "rmse_px_both_right",
             "rmse_pooled_px": "rmse_pooled_px_both_right"}
_DRAWN_BY = ("n", "side_m", "sensors", "n_max", "seed", "set", "threshold_dbm")


def load(folder: str | Path, environments: Sequence[str], pools: Sequence[str] = ("",),
         methods: Sequence[str] = METHODS) -> Outputs:
    """Read `<folder>/<pool>/<environment>-<method>/<environment>.nc` of each pool, "" for files directly in `folder`.

    Errors: InputError naming what is missing.
    """
    if not isinstance(pools, (list, tuple)) or not pools or not all(isinstance(pool, str) for pool in pools):
        raise InputError(f"pools: found {pools!r}; expected a list of folders in {folder}, [''] for itself")
    found = (Path(folder) / pools[0]).glob("*-single_stage")
    trained = sorted(path.name.removesuffix("-single_stage") for path in found)
    unknown = sorted(set(environments) - set(trained)) if isinstance(environments, (list, tuple)) else environments
    if not environments or unknown:
        raise InputError(f"environments: found {unknown or environments!r}; expected a list of some that networks were "
                         f"trained in; in {Path(folder) / pools[0]} there are {', '.join(trained) or 'none'}")
    outputs = {(environment, method): [predictions.load(Path(folder) / pool / f"{environment}-{method}"
                                                        / f"{environment}.nc") for pool in pools]
               for environment in environments for method in methods}
    for (environment, _), (one, *others) in outputs.items():
        if any(not one[place].equals(other[place]) for other in others for place in ("true_row", "true_column")):
            raise InputError(f"pools: the networks of {listed(list(pools))} were tested on different samples of "
                             f"{environment}; expected trainings with the same test_seed")
    return outputs


def record(outputs: Networks) -> dict:
    """Return the metrics of the paper for the trainings of a network, with intervals, sensors, parameters, threshold.

    Beside them: the pooled RMSE, MR where FA is `false_alarms.SHARE`, and DeepMTL's metrics, means over the trainings.
    """
    attrs = outputs[0].attrs
    part = _honest(metrics.metrics([metrics.scores(output) for output in outputs]))
    values = {"environment": attrs["environment"], "method": attrs["method"], "n_sensors": int(attrs["sensors"]),
              "n_max": int(attrs["n_max"]), "second_stage_sees": second_stage_sees(attrs), "n": int(attrs["n"]),
              "samples": part["n"], "networks": len(outputs)}
    scored = {key: value for key, value in _fields(part, _RECORDED).items() if value is not None}
    rate, drawn = false_alarms.misses(outputs)
    scored |= {"mr_at_equal_fa": rate, "ci95_mr_at_equal_fa": metrics.ends(drawn)}
    return _stored(values | scored | _deepmtl(outputs) | {"parameters": int(attrs["parameters"]),
                                                          "threshold_dbm": float(attrs["threshold_dbm"])})


def _deepmtl(outputs: Networks) -> dict:
    """Return the means of DeepMTL's metrics over the trainings of a network; what one of them lacks is left out."""
    found = [metrics.deepmtl_metrics(
        output.existence.values, np.stack([output.row.values, output.column.values], axis=-1),
        np.stack([output.true_row.values, output.true_column.values], axis=-1), int(output.attrs["n"]),
        float(output.attrs["side_m"])) for output in outputs]
    means = {name: np.mean([one[name] for one in found]) for name in ("error_m", "miss_rate", "false_alarm_rate")}
    return {f"deepmtl_{name}": float(value) for name, value in means.items() if np.isfinite(value)}


def _honest(part: dict) -> dict:
    """Return metrics with Wilson's interval of the CMR where all counts or none are right: resamples are equal then."""
    return part | ({"cmr_ci95": list(share_interval([part["cmr"]] * part["n"]))} if part["cmr"] in (0, 1) else {})


def _stored(record: Mapping) -> dict:
    """Return a record as the ledger stores it, so that what is said of it holds for what is read from there."""
    return {key: [round(float(end), DECIMALS) for end in value] if isinstance(value, (list, tuple)) else
            round(float(value), DECIMALS) if isinstance(value, float) else value for key, value in record.items()}


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
    return [record(networks) | {"occupied_share": round(float(occupied[environment]), DECIMALS)}
            for (environment, _), networks in outputs.items()]


def by_count(outputs: Outputs) -> list[dict]:
    """Return how often the count is right, and the other metrics, for each true number of emitters."""
    return [_stored({"environment": environment, "method": method, "true_count": count, "share_right": part["cmr"],
                     "ci95_share_right": part["cmr_ci95"], "fa": part["fa"], "mr": part["mr"], "n": part["n"]})
            for (environment, method), networks in outputs.items()
            for count, found in metrics.by_count([metrics.scores(output) for output in networks]).items()
            for part in [_honest(found)]]


def transfer(folder: str | Path, cities: Sequence[str]) -> list[dict]:
    """Return the metrics of networks trained in each city and tested in every one, their own included.

    None for fewer than two different cities.
    """
    different = _different("cities", cities)
    return [{"trained_on": trained, "tested_on": tested} | record([_moved(folder, trained, method, tested)])
            for trained, method, tested in product(different, METHODS, different)] if len(different) > 1 else []


def transfer_pairs(folder: str | Path, cities: Sequence[str]) -> list[dict]:
    """Return what training elsewhere costs: the metrics of networks trained in another city minus those of the city's
    own, tested on the same samples of it, with paired intervals (see `paired_differences`).
    """
    different = _different("cities", cities)
    return [{"tested_on": tested, "method": method, "left_trained_on": other, "right_trained_on": tested}
            | paired_differences([[_moved(folder, where, method, tested)] for where in (tested, other)])[0]
            for tested, method, other in product(different, METHODS, different) if other != tested]


def swept(folder: str | Path, sweep: Sequence[int]) -> list[xr.Dataset]:
    """Return the predictions in free space of the networks trained with each number of sensors."""
    return [extra(folder, f"sweep-{number}", "sweep") for number in _different("sweep", sweep)]


def extra(folder: str | Path, network: str, parameter: str) -> xr.Dataset:
    """Return the predictions in free space of a network beyond the table. Errors: InputError naming the parameter."""
    path = Path(folder) / network / "free_space.nc"
    if not path.is_file():
        raise InputError(f"{parameter}: {network} was not trained: no file {path}; run its stage, or do not ask for it")
    return predictions.load(path)


def _different(parameter: str, values: Sequence) -> list:
    check_type(parameter, values, (list, tuple), "a list, [] for none")
    return list(dict.fromkeys(values))


def _moved(folder: str | Path, trained: str, method: str, tested: str) -> xr.Dataset:
    path = Path(folder) / f"{trained}-{method}" / f"{tested}.nc"
    if not path.is_file():
        raise InputError(f"cities: no network of {trained} was tested in {tested}: no file {path}")
    return predictions.load(path)


def tested(folder: str | Path, network: str, trained_on: str, scene: Scene, **changes) -> xr.Dataset:
    """Return the predictions of a trained network for test samples of any scene.

    Input: folder of all networks; network, the name of its folder, for instance "chicago-single_stage"; trained_on, the
    environment it was trained in, whose occupancy network a second stage uses; changes to its recipe, for
    instance seed and test_samples.
    """
    path = Path(folder) / network
    if not path.is_dir():
        raise InputError(f"{network}: not trained: no folder {path}; run its stage, or do not ask for it")
    model, recipe = localizer.load_model(path / "weights")
    occupancy = None
    if recipe.method != "single_stage":
        occupancy, _ = localizer.load_model(Path(folder) / f"{trained_on}-occupancy" / "weights")
    output = predictions.predict(model, replace(recipe, **changes), scene, occupancy)
    parameters = parameter_count(model.net) + (parameter_count(occupancy.net) if occupancy else 0)
    return output.assign_attrs(environment=scene.environment, parameters=parameters)


def paired_differences(outputs: Iterable[Networks]) -> list[dict]:
    """Return the metrics of one method minus those of another, for each two of an environment, with paired intervals.

    The ledger looks for such records of `<name>.json` in `<name>_pairs.json`. Errors in position are compared over the
    samples whose count both have right, unlike those of `record`, and so have a name of their own.
    Errors: InputError where two of an environment are not about the same samples.
    """
    known = [(networks, false_alarms.misses(networks)) for networks in outputs]    # each is compared several times
    return [_pair(*left, *right) for right, left in combinations(known, 2)
            if right[0][0].attrs["environment"] == left[0][0].attrs["environment"]]


def _pair(left: Networks, missed: Missed, right: Networks, missed_too: Missed) -> dict:
    """Return the metrics of one method minus those of another on the same samples; see `paired_differences`.

    Input: for each its networks, and their `false_alarms.misses`.
    """
    for one, other in zip(left, right):
        same = [one[name].equals(other[name]) for name in ("true_row", "true_column")]
        if not all(same) or any(one.attrs.get(key) != other.attrs.get(key) for key in _DRAWN_BY):
            raise InputError(f"paired_differences: {one.attrs['method']} and {other.attrs['method']} were not tested "
                             f"on the same samples of {one.attrs['environment']}")
    first, second = ([metrics.scores(output) for output in networks] for networks in (left, right))
    part = metrics.differences(first, second)
    both = [np.isfinite(own.error) & np.isfinite(others.error) for own, others in zip(first, second)]
    values = {"environment": left[0].attrs["environment"], "n": int(left[0].attrs["n"]),
              "samples": left[0].sizes["sample"], "networks": len(left),
              "samples_both_right": round(float(np.mean([right.sum() for right in both])))}
    for side, networks in (("left", left), ("right", right)):
        values |= {f"{side}_method": networks[0].attrs["method"],
                   f"{side}_second_stage_sees": second_stage_sees(networks[0].attrs)}
    return _stored(values | _fields(part, _COMPARED) | {
        "mr_at_equal_fa": missed[0] - missed_too[0], "ci95_mr_at_equal_fa": metrics.ends(missed[1] - missed_too[1])})


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
    one_output = {environment: networks[0] for (environment, _), networks in outputs.items()}
    scores = {key: [metrics.scores(output) for output in networks] for key, networks in outputs.items()}
    weakest = {name: np.nanmin(effects(scene, samples(scene, one_output[name])), axis=1)
               for name, scene in scenes.items()}
    for environment, method in outputs:
        for low, high in zip(ends[:-1], ends[1:]):
            chosen = (weakest[environment] >= low) & (weakest[environment] < high)
            if chosen.any():
                part = _honest(metrics.metrics([one.of(chosen) for one in scores[environment, method]]))
                records.append(_stored({"environment": environment, "method": method, "from_db": low,
                                        "to_db": None if np.isinf(high) else high, "n": part["n"],
                                        "share_of_samples": chosen.mean(), "share_right": part["cmr"],
                                        "ci95_share_right": part["cmr_ci95"]}))
    return records
