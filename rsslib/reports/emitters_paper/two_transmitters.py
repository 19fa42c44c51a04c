"""Records of two transmitters at once, on real measurements: right counts, and how far off the positions are."""

import numpy as np

from rsslib.emitters.metrics import Scores
from rsslib.ledger import statistics


def record(method: str, set_name: str, scores: Scores, both: Scores) -> dict:
    """Return count accuracy, the median error where the count is right, and the one with both positions taken [m].

    Each has its 95 % interval. scores, as the method counts; both, where it is made to name two.
    """
    right = scores.predicted == scores.true
    return {"method": method, "set": set_name, "n": len(right), "count_accuracy": right.mean(),
            "ci95_count_accuracy": statistics.share_interval(right),
            **_median("matched_median_m", scores, "no sample has the right count"),
            **_median("two_taken_median_m", both, "no sample has two transmitters")}


def fixed_record(scores: Scores) -> dict:
    """Return the record of two fixed positions, which count nothing: the median error of a pair with its interval."""
    return {"method": "two fixed places", "set": "two transmitters", "n": len(scores.true),
            **_median("two_taken_median_m", scores, "no sample has two transmitters")}


def _median(name: str, scores: Scores, reason: str) -> dict:
    error = scores.error[np.isfinite(scores.error)]
    if not len(error):
        return {name: float("nan"), f"{name}_reason": reason}
    return {name: np.median(error), f"ci95_{name}": statistics.bootstrap_median(error)}
