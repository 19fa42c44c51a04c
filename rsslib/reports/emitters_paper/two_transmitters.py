"""Records of two transmitters at once, on real measurements: right counts, and how far off the positions are."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from rsslib.emitters import real_pairs
from rsslib.emitters.metrics import Scores
from rsslib.ledger import results, statistics
from rsslib.ledger.wording import FEWEST

METHODS = ("trained on sums", "two peaks")
MAPS = "sums of two maps"    # our own method
TOGETHER = "all three together"    # counts by the scores of the three, locates as MAPS does
FIXED = "two fixed places"    # what records call the two fixed locations
SETS = ("one transmitter", "two transmitters")
PAIRS = SETS[1]
"""The set of the samples with two transmitters."""
SUREST = 1e-6
"""Scores nearer to 0 or 1 count as this one: they would have infinite log-odds."""
_NO_PAIR = "no sample has two transmitters"


class Outcome(NamedTuple):
    """What a method did on a set: its scores as it counts, and with two locations forced."""

    counted: Scores
    both: Scores


def outcome(existence: np.ndarray, location: np.ndarray, dataset: xr.Dataset, threshold: float = 0.5) -> Outcome:
    """Return what predictions are worth.

    Input: existence, (sample, 2), which counts above `threshold`; location, (sample, 2, 2), easting and northing [m].
    """
    return Outcome(real_pairs.judged(existence, location, dataset, threshold),
                   real_pairs.judged(np.ones_like(existence), location, dataset))


def of_maps(two: np.ndarray, one: np.ndarray, both: np.ndarray, dataset: xr.Dataset, limit: float = 0.5) -> Outcome:
    """Return what a probability of two transmitters, (sample,), is worth with the places by maps.

    Input: places of one, (sample, 2), and of two, (sample, 2, 2) [m]; the probability above which two count.
    """
    existence = np.stack([np.ones(len(two)), two], axis=1)
    counted = np.where((two > limit)[:, None, None], both, one[:, None])
    return Outcome(outcome(existence, counted, dataset, limit).counted, outcome(existence, both, dataset).both)


def weighed(scores: Sequence[np.ndarray], two: np.ndarray) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
    """Return what makes a probability of two transmitters, (sample,), of the scores of several methods.

    It is a logistic regression on the log-odds of the scores. Input: scores from 0 to 1, (sample,) each, of samples of
    which `two`, (sample,) bool, have two transmitters; they choose the weights.

    >>> score, two = np.array([0.1, 0.2, 0.7, 0.9]), np.array([False, False, True, True])
    >>> (weighed([score, score], two)([score, score]) > 0.5).tolist()
    [False, False, True, True]
    """
    def odds(of: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([logit(np.clip(np.asarray(score, float), SUREST, 1 - SUREST)) for score in of], axis=1)

    weights = LogisticRegression().fit(odds(scores), two)
    return lambda of: weights.predict_proba(odds(of))[:, 1]


def fixed_scores(locations: np.ndarray, dataset: xr.Dataset) -> Scores:
    """Return the scores of the same two locations (2, 2) [m] for every sample."""
    shape = dataset.sizes["sample"], *locations.shape
    return real_pairs.judged(np.ones(shape[:2]), np.broadcast_to(locations, shape), dataset)


def in_words(records: list[dict]) -> list[dict]:
    """Return records as readers call their methods: the two fixed places are two fixed locations."""
    return [record | ({"method": "two fixed locations"} if record["method"] == FIXED else {}) for record in records]


def _auroc(scores: Mapping[str, np.ndarray]) -> float:
    """Return the area under the ROC curve of telling pairs from single transmitters by a score."""
    two = np.repeat([name == PAIRS for name in scores], [len(values) for values in scores.values()])
    return statistics.area(two, -np.concatenate(list(scores.values())))


def _record(method: str, set_name: str, scores: Scores, both: Scores) -> dict:
    right = scores.predicted == scores.true
    return {"method": method, "set": set_name, "n": len(right), "count_accuracy": right.mean(),
            "ci95_count_accuracy": statistics.share_interval(right),
            **_median("matched_median_m", scores, "no sample has the right count"),
            **_median("two_taken_median_m", both, _NO_PAIR)}


def records(outcomes: Mapping[str, Mapping[str, Outcome]], fixed: Scores,
            scores: Mapping[str, Mapping[str, np.ndarray]] | None = None) -> list[dict]:
    """Return the records of each set and method, {set: {method: outcome}}, and of two fixed locations.

    They have count_accuracy, the median error where the count is right, and the one with two locations forced [m], with
    their 95 % intervals, of a median of `FEWEST` samples or more. Two fixed locations count nothing. Of methods in
    `scores`, {method: {set: (sample,)}}, count_auroc is the area under the ROC curve of telling pairs by it.
    """
    areas = {method: {"count_auroc": _auroc(score)} for method, score in (scores or {}).items()}
    return [_record(method, name, *outcome) | (areas.get(method, {}) if name == PAIRS else {})
            for name, methods in outcomes.items() for method, outcome in methods.items()] + [
        {"method": FIXED, "set": PAIRS, "n": len(fixed.true), **_median("two_taken_median_m", fixed, _NO_PAIR)}]


def pairs(outcomes: Mapping[str, Mapping[str, Outcome]], fixed: Scores) -> list[dict]:
    """Return the paired differences of `records`, left method minus right method, each with its 95 % interval.

    Keys: left_method, right_method, set, n; of the two methods count_accuracy, and both_right_median_m of the
    n_both_right samples that both count right; on samples with two transmitters two_taken_median_m. Differences of
    medians of fewer than `FEWEST` samples have no interval.
    """
    rows = []
    for left, right in (METHODS, *((MAPS, method) for method in METHODS)):
        for name, methods in outcomes.items():
            if not {left, right} <= {*methods}:
                continue
            row = {"left_method": left, "right_method": right, "set": name} | _counts(methods[left], methods[right])
            rows.append(row | (_taken(methods[left].both, methods[right].both) if name == PAIRS else {}))
    return rows + [{"left_method": method, "right_method": FIXED, "set": PAIRS, "n": len(fixed.true)}
                   | _taken(outcomes[PAIRS][method].both, fixed) for method in outcomes[PAIRS] if method != TOGETHER]


def _counts(left: Outcome, right: Outcome) -> dict:
    one, other = (outcome.counted for outcome in (left, right))
    rights = [(scores.predicted == scores.true).astype(float) for scores in (one, other)]
    both = np.isfinite(one.error) & np.isfinite(other.error)
    value, ends = statistics.median_difference(one.error[both], other.error[both])
    return {"n": len(both), "count_accuracy": rights[0].mean() - rights[1].mean(),
            "ci95_count_accuracy": statistics.bootstrap_mean_difference(*rights), "n_both_right": int(both.sum()),
            **results.value("both_right_median_m", value, "no sample that both count right", ends)}


def _taken(left: Scores, right: Scores) -> dict:
    value, ends = statistics.median_difference(left.error, right.error)
    return results.value("two_taken_median_m", value, _NO_PAIR, ends)


def _median(name: str, scores: Scores, reason: str) -> dict:
    error = scores.error[np.isfinite(scores.error)]
    ends = statistics.bootstrap_median(error) if len(error) >= FEWEST else None
    return results.value(name, float(np.median(error)) if len(error) else float("nan"), reason, ends)
