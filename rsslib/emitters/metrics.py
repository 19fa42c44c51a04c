"""Metrics of several emitters: counts, location errors where the count is correct, bootstrap intervals."""

from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
import xarray as xr

from rsslib import arguments
from rsslib.project import InputError

THRESHOLD = 0.5
GATE_M = 200.0
MOST_PAIRED, MOST_DRAWS = 6, 100_000
"""All pairings are compared: 720 of six emitters, 5,040 of seven."""
_WHY = dict.fromkeys(("fa", "mr"), "no sample has an emitter") | dict.fromkeys(
    ("rmse_px", "rmse_share", "rmse_m"), "no sample with emitters has the right count")


@dataclass(frozen=True)
class Scores:
    """Per-sample results from which the metrics are computed, (samples,) each.

    true, predicted : number of emitters; error : root mean squared distance of the best pairing [pixels], NaN
    where the counts differ or are 0; n : cells per side; side_m : side of the map [m]

    Errors: InputError for other shapes, counts that are no whole numbers of at least 0, errors that are negative or
    infinite, or a map without cells or extent.
    """

    true: np.ndarray
    predicted: np.ndarray
    error: np.ndarray
    n: int
    side_m: float

    def __post_init__(self):
        arguments.whole("scores: n", self.n, 1, 10**5)
        arguments.number("scores: side_m", self.side_m, 1e-9)
        for name in ("true", "predicted", "error"):
            values = getattr(self, name)
            arguments.check_type(f"scores: {name}", values, np.ndarray)
            if np.ma.is_masked(values):
                raise InputError(f"scores: {name} has masked values; expected one for each sample")
            if values.ndim != 1 or len(values) != len(self.true):
                raise InputError(f"scores: {name} is of shape {values.shape}, true of {np.shape(self.true)}; expected "
                                 "one value for each sample")
        if any(counts.dtype.kind not in "iu" or (counts < 0).any() for counts in (self.true, self.predicted)):
            raise InputError("scores: a count in true or predicted is negative or no whole number; expected numbers of "
                             "emitters")
        error = self.error
        if error.dtype.kind != "f" or (error < 0).any() or np.isinf(error).any():
            raise InputError("scores: an error is negative or infinite; expected distances, NaN where counts differ")

    def of(self, chosen: np.ndarray) -> "Scores":
        """Return the scores of the samples `chosen`, a mask or indices."""
        return Scores(self.true[chosen], self.predicted[chosen], self.error[chosen], self.n, self.side_m)


def _first(kept: np.ndarray, location: np.ndarray) -> np.ndarray:
    """Return the locations with those kept first in each sample."""
    return np.take_along_axis(location, np.argsort(~kept, axis=1, kind="stable")[..., None], 1)


def score(existence: np.ndarray, location: np.ndarray, truth: np.ndarray, n: int, side_m: float,
          threshold: float = THRESHOLD) -> Scores:
    """Return each sample's counts and, where they agree, the error of the best pairing.

    An emitter counts as predicted if its existence is above `threshold`. With K of each, the pairing p has the least
    mean_k |location_k - truth_p(k)|^2, and the sample's error is its root.

    Input: existence, (samples, slots), probabilities; location, (samples, slots, 2), row and column [pixels];
    truth, (samples, emitters, 2) [pixels], NaN for absent emitters; n, cells per side; side_m [m].
    Errors: InputError for other shapes and values, or for more than six slots and emitters.
    Source: paper 2, Section III.E.
    """
    _check_arrays(existence, location, truth, threshold)
    existence, location, truth = (np.asarray(values) for values in (existence, location, truth))
    if min(location.shape[1], truth.shape[1]) > MOST_PAIRED:
        raise InputError(f"score: {location.shape[1]} slots, {truth.shape[1]} emitters; expected at most {MOST_PAIRED} "
                         "slots, or as few emitters, since all pairings are compared")
    kept, exists = existence > threshold, np.isfinite(truth).all(axis=2)
    predicted, true = kept.sum(axis=1), exists.sum(axis=1)
    location, truth = _first(kept, location), _first(exists, truth)
    error = np.full(len(true), np.nan)
    for number in range(1, min(location.shape[1], truth.shape[1]) + 1):
        chosen = (predicted == number) & (true == number)
        squared = np.square(location[chosen, :number, None] - truth[chosen, None, :number]).sum(axis=3)
        pairings = np.array(list(permutations(range(number))))
        error[chosen] = np.sqrt(squared[:, np.arange(number), pairings].mean(axis=2).min(axis=1))
    return Scores(true, predicted, error, n, side_m)


def scores(predictions: xr.Dataset, threshold: float = THRESHOLD) -> Scores:
    """Return the scores of the predictions that `predictions.predict` returned, for `metrics`.

    Errors: those of `score`; InputError for what is no predictions.
    """
    names = "existence", "row", "column", "true_row", "true_column"
    if not isinstance(predictions, xr.Dataset) or not (
            {*names} <= {*predictions.variables} and {"n", "side_m"} <= {*predictions.attrs}):
        raise InputError(f"scores: expected the predictions of a localizer, with {', '.join(names)} and the attributes "
                         "n and side_m")
    for name in names:
        wanted = ("sample", "emitter" if name.startswith("true") else "slot")
        one = predictions[name]
        if one.dims != wanted or one.dtype.kind not in "fiu" or (np.abs(one.values.astype(np.float64)) > 1e9).any():
            raise InputError(f"scores: {name} is {one.dtype} over {one.dims}; expected numbers over {wanted}, none "
                             "beyond 1e9")
    values = {name: predictions[name].values for name in names}
    return score(values["existence"], np.stack([values["row"], values["column"]], axis=-1),
                 np.stack([values["true_row"], values["true_column"]], axis=-1), predictions.attrs["n"],
                 predictions.attrs["side_m"], threshold)


def _sums(scores: Scores) -> np.ndarray:
    """Return per sample: 1, count is right, extra, missed, true emitters, paired, error if paired; (samples, 7)."""
    more, paired = scores.predicted - scores.true, np.isfinite(scores.error)
    return np.stack([np.ones(len(more)), more == 0, np.maximum(more, 0), np.maximum(-more, 0), scores.true, paired,
                     np.where(paired, scores.error, 0)], axis=1)


def _ratios(sums: np.ndarray) -> dict[str, np.ndarray]:
    samples, right, extra, missed, true, paired, error = np.moveaxis(sums, -1, 0)
    true, paired = (np.where(count > 0, count, np.nan) for count in (true, paired))    # a ratio to none is none
    return {"cmr": right / samples, "fa": extra / true, "mr": missed / true, "rmse_px": error / paired}


def _resampled(number: int, draws: int, seed: int) -> np.ndarray:
    """Return how often each sample is drawn in each resample, (draws, number)."""
    drawn = np.random.default_rng(seed).integers(number, size=(draws, number), dtype=np.int32)
    drawn = drawn + np.arange(0, draws * number, number)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * number).reshape(draws, number)


def _ends(values: np.ndarray) -> list[float] | None:
    finite = values[np.isfinite(values)]
    return np.quantile(finite, [0.025, 0.975]).tolist() if len(finite) else None


def _with_reasons(values: dict, reasons: dict[str, str]) -> dict:
    """Return the values as numbers; each NaN has its reason under `<name>_reason`."""
    numbers = {name: value if isinstance(value, int) else float(value) for name, value in values.items()}
    return numbers | {f"{name}_reason": reasons[name] for name, value in numbers.items() if np.isnan(value)}


def metrics(scores: Scores, draws: int = 1000, seed: int = 0) -> dict:
    """Return n, cmr, fa, mr, rmse_px, rmse_share (of the map's side), rmse_m, each also as `<name>_ci95`.

    cmr = share of samples with predicted = true count; fa = sum max(0, predicted - true) / sum true; mr = sum
    max(0, true - predicted) / sum true; rmse = mean error of the samples whose count is right. NaN values have a
    reason under `<name>_reason`. Intervals: 95 %, percentile bootstrap over samples, `draws` of them (0: none).

    Errors: InputError without samples, or for other draws and seeds than whole numbers of at least 0.
    Source: paper 2, Section III.E; Efron and Tibshirani 1993, Section 13.3.

    >>> counts = np.array([1, 2, 3]), np.array([1, 3, 2])           # true, predicted
    >>> values = metrics(Scores(*counts, np.array([2.0, np.nan, np.nan]), 64, 5000.0), draws=0)
    >>> round(values["cmr"], 3), round(values["fa"], 3), values["rmse_px"], values["rmse_m"]
    (0.333, 0.167, 2.0, 156.25)
    """
    _check_draws("metrics", scores, draws, seed)
    sums = _sums(scores)
    values: dict = {"n": len(sums)} | _ratios(sums.sum(axis=0))
    drawn = _ratios(_resampled(len(sums), draws, seed) @ sums) if draws else {}
    intervals = {name: _ends(values) for name, values in drawn.items()}
    for unit, factor in (("share", 1 / scores.n), ("m", scores.side_m / scores.n)):
        values[f"rmse_{unit}"] = values["rmse_px"] * factor
        ends = intervals.get("rmse_px")
        intervals |= {f"rmse_{unit}": ends and [end * factor for end in ends]} if draws else {}
    return _with_reasons(values, _WHY) | {f"{name}_ci95": ends for name, ends in intervals.items()}


def by_count(scores: Scores, draws: int = 1000, seed: int = 0) -> dict[int, dict]:
    """Return the `metrics` of the samples with each true number of emitters, {K: metrics}.

    >>> counts, error = np.array([1, 2, 2]), np.array([2.0, 3.0, 5.0])
    >>> {k: values["rmse_px"] for k, values in by_count(Scores(counts, counts, error, 64, 5000.0), draws=0).items()}
    {1: 2.0, 2: 4.0}
    """
    _check_draws("by_count", scores, draws, seed)
    return {int(number): metrics(scores.of(scores.true == number), draws, seed) for number in np.unique(scores.true)}


def differences(one: Scores, other: Scores, draws: int = 1000, seed: int = 0) -> dict:
    """Return cmr, fa, mr and rmse_px of `one` minus those of `other` on the same samples, each also as `<name>_ci95`.

    Paired bootstrap: both methods share each resample, so that the difficulty of a sample cancels and the interval is
    narrower than those of two separate metrics suggest. rmse_px is over the samples with the right count in both. The
    interval covers the choice of test samples, not the seeds of the trainings.

    Errors: those of `metrics`; InputError for different samples.
    Source: Efron and Tibshirani 1993, Section 13.3, resampling whole samples.

    >>> one = Scores(np.array([1, 2]), np.array([1, 2]), np.array([2.0, 3.0]), 64, 5000.0)
    >>> other = Scores(np.array([1, 2]), np.array([1, 3]), np.array([4.0, np.nan]), 64, 5000.0)
    >>> differences(one, other)["cmr"], differences(one, other)["rmse_px"]
    (0.5, -2.0)
    """
    for scores in (one, other):
        _check_draws("differences", scores, draws, seed)
    if not np.array_equal(one.true, other.true) or one.n != other.n:
        raise InputError("differences: the two were not scored on the same samples; expected equal true counts")
    both = np.isfinite(one.error) & np.isfinite(other.error)
    one, other = (replace(part, error=np.where(both, part.error, np.nan)) for part in (one, other))
    pair, times = (_sums(one), _sums(other)), _resampled(len(one.true), draws, seed)
    points, drawn = ([_ratios(weights @ sums) for sums in pair] for weights in (np.ones(len(one.true)), times))
    values = {name: value - points[1][name] for name, value in points[0].items()}
    return _with_reasons(values, dict.fromkeys(values, "no sample with emitters that both have right")) | {
        f"{name}_ci95": _ends(values - drawn[1][name]) for name, values in drawn[0].items()}


def deepmtl_metrics(existence: np.ndarray, location: np.ndarray, truth: np.ndarray, n: int, side_m: float,
                    threshold: float = THRESHOLD, gate_m: float = GATE_M) -> dict:
    """Return DeepMTL's error_m, miss_rate and false_alarm_rate, which differ from the paper's fa and mr.

    Predicted and true emitters are paired one to one, as many pairs as possible of at most `gate_m`, then the
    shortest. error_m = mean distance of the pairs; miss_rate = true emitters without a pair / true emitters;
    false_alarm_rate = predicted ones without a pair / predicted ones. NaN values have a reason under `<name>_reason`.

    Input and errors as for `score`; gate_m, above 0. Source: Zhan et al. 2021 (DeepMTL).
    """
    _check_arrays(existence, location, truth, threshold)
    arguments.whole("deepmtl_metrics: n", n, 1, 10**5)
    for name, value in (("side_m", side_m), ("gate_m", gate_m)):
        arguments.number(f"deepmtl_metrics: {name}", value, 1e-9)
    slots = max(existence.shape[1], truth.shape[1])
    if not len(existence) or slots > MOST_PAIRED:
        raise InputError(f"deepmtl_metrics: {len(existence)} samples, {slots} slots or emitters; expected one "
                         f"sample or more, and at most {MOST_PAIRED} slots and emitters: all pairings are compared")
    kept, truth = _widened(existence > threshold, slots, False), _widened(truth.astype(np.float64), slots, np.nan)
    exists = np.isfinite(truth).all(axis=2)
    apart = _widened(location, slots, 0.0)[:, :, None] - np.where(exists[..., None], truth, 0)[:, None]
    distance = np.hypot(apart[..., 0], apart[..., 1]) * side_m / n
    # above the cost of all pairs of a sample together, so that one more pair always lowers the total
    paired = kept[:, :, None] & exists[:, None] & (distance <= gate_m)
    cost = np.where(paired, distance, 2 * slots * gate_m)
    pairings = np.array(list(permutations(range(slots))))
    best = pairings[cost[:, np.arange(slots), pairings].sum(axis=2).argmin(axis=1)]
    chosen = (np.arange(len(best))[:, None], np.arange(slots), best)
    pairs, predicted, true = int(paired[chosen].sum()), int(kept.sum()), int(exists.sum())
    values = {"error_m": distance[chosen][paired[chosen]].mean() if pairs else np.nan,
              "miss_rate": (true - pairs) / true if true else np.nan,
              "false_alarm_rate": (predicted - pairs) / predicted if predicted else np.nan}
    return _with_reasons(values, {"error_m": f"no pair within {gate_m:g} m", "miss_rate": "no true emitter",
                                  "false_alarm_rate": "none predicted"})


def _widened(values: np.ndarray, slots: int, filling: float) -> np.ndarray:
    """Return the values padded along axis 1 to `slots`."""
    wide = np.full((len(values), slots, *values.shape[2:]), filling, values.dtype)
    wide[:, :values.shape[1]] = values
    return wide


def _check_arrays(existence: np.ndarray, location: np.ndarray, truth: np.ndarray, threshold: float) -> None:
    given = {"existence": existence, "location": location, "truth": truth}
    for name, values in given.items():
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
            raise InputError(f"score: {name} is {getattr(values, 'dtype', type(values).__name__)}; expected an array "
                             "of numbers")
    if (existence.ndim != 2 or location.shape != (*existence.shape, 2) or truth.ndim != 3
            or truth.shape[::2] != (len(existence), 2)):
        raise InputError(f"score: existence is {existence.shape}, location {location.shape}, truth {truth.shape}; "
                         "expected (samples, slots), (samples, slots, 2) and (samples, emitters, 2)")
    absent = np.isnan(truth).all(axis=2, keepdims=True)
    for name, valid, expected in (
            ("existence", (existence >= 0) & (existence <= 1), "probabilities from 0 to 1"),
            ("location", np.abs(location.astype(np.float64)) <= 1e9, "rows and columns, none beyond 1e9"),
            ("truth", (np.abs(truth.astype(np.float64)) <= 1e9) | absent,
             "rows and columns, none beyond 1e9, or NaN for both of an absent emitter")):
        if not valid.all():
            first = tuple(np.argwhere(~valid)[0])
            raise InputError(f"score: {name} of sample {first[0]} is {given[name][first]} ({(~valid).sum()} of "
                             f"{valid.size} values); expected {expected}")
    arguments.number("score: threshold", threshold)


def _check_draws(task: str, scores: Scores, draws: int, seed: int) -> None:
    arguments.check_type(f"{task}: scores", scores, Scores)
    if not len(scores.true):
        raise InputError(f"{task}: no samples; expected the scores of at least one")
    arguments.whole(f"{task}: draws", draws, 0, MOST_DRAWS)
    arguments.whole(f"{task}: seed", seed, 0, 2**63)
