"""Two transmitters at once, on real measurements: how often the count is right, and how far off the positions are."""

import numpy as np

from rsslib.emitters.metrics import Scores
from rsslib.ledger import statistics


def record(method: str, set_name: str, scores: Scores, both: Scores) -> dict:
    """Return a record: count accuracy with interval, median matched error, and the error with both positions taken.

    scores, as the method counts; both, where it is made to name two.
    """
    right = scores.predicted == scores.true
    values = {"method": method, "set": set_name, "n": len(right), "count_accuracy": right.mean(),
              "ci95_count_accuracy": statistics.share_interval(right)}
    for key, error, reason in (("matched_median_m", scores.error, "no sample has the right count"),
                               ("two_taken_median_m", both.error, "no sample has two transmitters")):
        error = error[np.isfinite(error)]
        if len(error):
            values |= {key: np.median(error), f"ci95_{key}": statistics.bootstrap_median(error)}
        else:
            values |= {key: float("nan"), f"{key}_reason": reason}
    return values
