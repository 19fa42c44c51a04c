"""Metrics of several emitters: counts, location errors where the count is correct, bootstrap intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations, product
from typing import Any

import numpy as np
import xarray as xr

from rsslib import arguments
from rsslib.project import InputError

THRESHOLD = 0.5
GATE_M = 200.0
MOST_PAIRED, MOST_DRAWS = 6, 100_000
"""All pairings are compared: 720 of six emitters, 5,040 of seven."""
_UNITS = "px", "share", "m"
_WHY = dict.fromkeys(("fa", "mr"), "no sample has an emitter") | dict.fromkeys(
    (f"{name}_{unit}" for name in ("rmse", "rmse_pooled") for unit in _UNITS),
    "no sample with emitters has the right count")


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


def _sums(pool: Sequence[Scores]) -> np.ndarray:
    """Return per network and sample: 1, count is right, extra, missed, true emitters, paired, error if paired, and
    emitters and sum of squares if paired; (networks, samples, 9).
    """
    one = pool[0]
    more, error = (np.stack(values) for values in zip(*((of.predicted - of.true, of.error) for of in pool)))
    true, paired = np.broadcast_to(one.true, more.shape), np.isfinite(error)
    error = np.where(paired, error, 0)
    return np.stack([np.ones(more.shape), more == 0, np.maximum(more, 0), np.maximum(-more, 0), true, paired, error,
                     true * paired, true * error**2], axis=-1)


def _ratios(sums: np.ndarray) -> dict[str, np.ndarray]:
    samples, right, extra, missed, true, paired, error, found, squares = np.moveaxis(sums, -1, 0)
    true, paired, found = (np.where(count > 0, count, np.nan) for count in (true, paired, found))
    return {"cmr": right / samples, "fa": extra / true, "mr": missed / true, "rmse_px": error / paired,
            "rmse_pooled_px": np.sqrt(squares / found)}    # a ratio to none is none


def resampled(sums: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Return the sums of each resample, (networks, samples, values) -> (draws, values).

    Samples are drawn with replacement, the same for all networks; of N > 1 networks N - 1 are drawn, with replacement,
    so that the variance between networks is counted in full. Source: Rao and Wu 1988, JASA 83:231, section 2.
    """
    networks, samples = sums.shape[:2]
    times = _times(samples, draws, seed, sums.dtype)
    of_each = np.stack([times @ one for one in sums])
    if networks == 1:
        return of_each[0]
    chosen = np.random.default_rng([seed, 1]).integers(networks, size=(draws, networks - 1))
    return np.einsum("dn,ndk->dk", (chosen[..., None] == np.arange(networks)).sum(axis=1), of_each)


@lru_cache(maxsize=3)    # methods are compared on the same samples
def _times(samples: int, draws: int, seed: int, dtype: np.dtype) -> np.ndarray:
    """Return how often each resample has each sample, (draws, samples)."""
    drawn = np.random.default_rng(seed).integers(samples, size=(draws, samples), dtype=np.int32)
    drawn = drawn + np.arange(0, draws * samples, samples)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * samples).reshape(draws, samples).astype(dtype)


def ends(values: np.ndarray) -> list[float] | None:
    """Return the 95 % percentile interval of resamples, None where no resample has the number."""
    finite = values[np.isfinite(values)]
    return np.quantile(finite, [0.025, 0.975]).tolist() if len(finite) else None


def _with_reasons(values: dict, reasons: dict[str, str]) -> dict:
    """Return the values as numbers; each NaN has its reason under `<name>_reason`."""
    numbers = {name: value if isinstance(value, int) else float(value) for name, value in values.items()}
    return numbers | {f"{name}_reason": reasons[name] for name, value in numbers.items() if np.isnan(value)}


def metrics(scores: Scores | Sequence[Scores], draws: int = 1000, seed: int = 0) -> dict:
    """Return n, cmr, fa, mr, rmse_px, rmse_share (of the map's side), rmse_m, each also as `<name>_ci95`.

    cmr = share of samples with predicted = true count; fa = sum max(0, predicted - true) / sum true; mr = sum
    max(0, true - predicted) / sum true; rmse = mean error of the samples whose count is right; rmse_pooled, the root
    of the mean squared distance of all their emitters. NaN values have a reason under `<name>_reason`. Of several
    networks, whose scores on the same samples are a list, all samples count alike. Intervals: 95 %, percentile
    bootstrap over samples and networks (see `resampled`), `draws` of them (0: none).

    Errors: InputError without samples, for networks on different samples, or for other draws and seeds than whole
    numbers of at least 0.
    Source: paper 2, Section III.E; Efron and Tibshirani 1993, Section 13.3.

    >>> counts = np.array([1, 2, 3]), np.array([1, 3, 2])           # true, predicted
    >>> values = metrics(Scores(*counts, np.array([2.0, np.nan, np.nan]), 64, 5000.0), draws=0)
    >>> round(values["cmr"], 3), round(values["fa"], 3), values["rmse_px"], values["rmse_m"]
    (0.333, 0.167, 2.0, 156.25)
    """
    pool = _pool("metrics", scores, draws, seed)
    sums = _sums(pool)
    values: dict = {"n": sums.shape[1]} | _ratios(sums.sum(axis=(0, 1)))
    drawn = _ratios(resampled(sums, draws, seed)) if draws else {}
    intervals = {name: ends(values) for name, values in drawn.items()}
    for name, (unit, factor) in product(("rmse", "rmse_pooled"), (("share", 1 / pool[0].n),
                                                                  ("m", pool[0].side_m / pool[0].n))):
        values[f"{name}_{unit}"] = values[f"{name}_px"] * factor
        both = intervals.get(f"{name}_px")
        intervals |= {f"{name}_{unit}": both and [end * factor for end in both]} if draws else {}
    return _with_reasons(values, _WHY) | {f"{name}_ci95": both for name, both in intervals.items()}


def by_count(scores: Scores | Sequence[Scores], draws: int = 1000, seed: int = 0) -> dict[int, dict]:
    """Return the `metrics` of the samples with each true number of emitters, {K: metrics}.

    >>> counts, error = np.array([1, 2, 2]), np.array([2.0, 3.0, 5.0])
    >>> {k: values["rmse_px"] for k, values in by_count(Scores(counts, counts, error, 64, 5000.0), draws=0).items()}
    {1: 2.0, 2: 4.0}
    """
    pool = _pool("by_count", scores, draws, seed)
    return {int(number): metrics([one.of(one.true == number) for one in pool], draws, seed)
            for number in np.unique(pool[0].true)}


def differences(one: Scores | Sequence[Scores], other: Scores | Sequence[Scores], draws: int = 1000,
                seed: int = 0) -> dict:
    """Return cmr, fa, mr, rmse_px and rmse_pooled_px of `one` minus those of `other`, each also as `<name>_ci95`.

    Paired bootstrap: both methods share each resample, so that the difficulty of a sample cancels and the interval is
    narrower than those of two separate metrics suggest. Errors are over the samples with the right count in both. Of
    several networks the first is compared with the first, and so on.

    Errors: those of `metrics`; InputError for different samples or numbers of networks.
    Source: Efron and Tibshirani 1993, Section 13.3, resampling whole samples.

    >>> one = Scores(np.array([1, 2]), np.array([1, 2]), np.array([2.0, 3.0]), 64, 5000.0)
    >>> other = Scores(np.array([1, 2]), np.array([1, 3]), np.array([4.0, np.nan]), 64, 5000.0)
    >>> differences(one, other)["cmr"], differences(one, other)["rmse_px"]
    (0.5, -2.0)
    """
    pools = [_pool("differences", scores, draws, seed) for scores in (one, other)]
    if len(pools[0]) != len(pools[1]) or not _same(pools[0][0], pools[1][0]):
        raise InputError("differences: the two were not scored on the same samples, or with equally many networks; "
                         "expected equal true counts")
    both = [np.isfinite(left.error) & np.isfinite(right.error) for left, right in zip(*pools)]
    sums = [_sums([replace(one, error=np.where(kept, one.error, np.nan)) for one, kept in zip(pool, both)])
            for pool in pools]
    points = [_ratios(part.sum(axis=(0, 1))) for part in sums]
    drawn = [_ratios(resampled(part, draws, seed)) for part in sums]
    values = {name: value - points[1][name] for name, value in points[0].items()}
    return _with_reasons(values, dict.fromkeys(values, "no sample with emitters that both have right")) | {
        f"{name}_ci95": ends(values - drawn[1][name]) for name, values in drawn[0].items()}


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


def _pool(task: str, scores: Scores | Sequence[Scores], draws: int, seed: int) -> Sequence[Scores]:
    """Return checked scores, of one network or of several, as a list."""
    pool: list[Any] = list(scores) if isinstance(scores, (list, tuple)) else [scores]
    for one in pool:
        arguments.check_type(f"{task}: scores", one, Scores)
    if not pool or not len(pool[0].true):
        raise InputError(f"{task}: no samples; expected the scores of at least one")
    if not all(_same(pool[0], one) for one in pool):
        raise InputError(f"{task}: the networks were not scored on the same samples; expected equal true counts")
    arguments.whole(f"{task}: draws", draws, 0, MOST_DRAWS)
    arguments.whole(f"{task}: seed", seed, 0, 2**63)
    return pool


def _same(one: Scores, other: Scores) -> bool:
    return np.array_equal(one.true, other.true) and (one.n, one.side_m) == (other.n, other.side_m)
