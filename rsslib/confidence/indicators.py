"""Confidence indicators: scores, low-confidence thresholds, and how well they detect OOD samples and large errors."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from sklearn.metrics import roc_auc_score, roc_curve

from rsslib.arguments import array, check_choice, number, numbers, whole
from rsslib.localization.predictions import INDICATORS, of_set, require
from rsslib.project import InputError

INDICATOR = "max_mean_prediction"
"""The paper's choice, and the default meaning of "confidence"."""
PERCENTILE = 10.0
VARIANTS = (*INDICATORS, "max_prediction_normalised", "max_mean_prediction_normalised")
"""The four indicators on raw images, and the two that change if each image is divided by its sum."""


@dataclass(frozen=True)
class Roc:
    """A ROC curve: rates of false and true positives by threshold, and the area under the curve."""

    false_positive: np.ndarray
    true_positive: np.ndarray
    auroc: float


def score(predictions: xr.Dataset, indicator: str = INDICATOR) -> np.ndarray:
    """Return the confidence in each sample, (sample,): larger is more confident, so spreads [m] are negated.

    Errors: InputError for an unknown indicator, or one that is absent or not finite.
    Source: paper 1, Section IV.A.

    >>> score(xr.Dataset({"max_spread": ("sample", [0.0, 50.0])}), "max_spread")
    array([ -0., -50.])
    """
    check_choice("indicator", indicator, VARIANTS)
    values = numbers(f"predictions: {indicator}", require(predictions, indicator)[indicator].values, 1)
    values = values.astype(np.float64)
    return -values if indicator.endswith("spread") else values


def threshold(predictions: xr.Dataset, indicator: str = INDICATOR, percentile: float = PERCENTILE) -> float:
    """Return the confidence below which a sample is called low-confidence: a percentile of the set `val` alone.

    Errors: InputError without validation samples, or for a percentile outside 0 to 100.
    Source: paper 1, Sections IV.A and IV.C (k = 10).

    >>> values = ("sample", [0.9, 0.5, 0.1]), ("sample", ["val", "val", "ood"])
    >>> predictions = xr.Dataset({"max_mean_prediction": values[0]}, {"set": values[1]})
    >>> threshold(predictions), is_low(predictions)
    (0.54, array([False,  True,  True]))
    """
    number("percentile", percentile, 0, 100)
    if not (require(predictions, "set").set.values == "val").any():
        raise InputError("predictions: no validation samples, which set the threshold; predict the set 'val' too")
    return float(np.percentile(score(of_set(predictions, "val"), indicator), percentile))


def is_low(predictions: xr.Dataset, indicator: str = INDICATOR, percentile: float = PERCENTILE) -> np.ndarray:
    """Return whether each sample is low-confidence, (sample,) bool; see `threshold`."""
    return score(predictions, indicator) < threshold(predictions, indicator, percentile)


def roc(positive: np.ndarray, confidence: np.ndarray) -> Roc:
    """Return the ROC curve of low confidence as the detector of positive samples.

    Input: positive, (n,) bool, OOD samples or large errors, both values present; confidence, (n,).
    Errors: InputError for one class alone, positives that are not booleans, another number of scores, or a score that
    is not finite.

    >>> roc(np.array([True, False, False]), np.array([0.1, 0.2, 0.3])).auroc
    1.0
    """
    positive = array("roc: positive", positive, 1, "b", "booleans")
    confidence = numbers("roc: confidence", confidence, 1)
    if len(positive) != len(confidence):
        raise InputError(f"roc: {len(positive)} samples and {len(confidence)} scores; expected one of each for every "
                         "sample")
    if positive.all() or not positive.any():
        raise InputError(f"roc: {int(positive.sum())} of {positive.size} samples are positive; expected some, not all")
    false_positive, true_positive, _ = roc_curve(positive, -confidence)
    return Roc(false_positive, true_positive, float(roc_auc_score(positive, -confidence)))


def risk_coverage(confidence: np.ndarray, error: np.ndarray, steps: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of the samples kept, most confident first, and the median error [m] of those kept, (steps,) each.

    Errors: InputError unless there is one finite score for each error, and one step or more.
    Source: El-Yaniv and Wiener, On the foundations of noise-free selective classification, 2010.

    >>> risk_coverage(np.array([0.9, 0.1]), np.array([10.0, 50.0]), steps=2)
    (array([0.5, 1. ]), array([10., 30.]))
    """
    confidence, error = (numbers(f"risk_coverage: {name}", values, 1) for name, values in (
        ("confidence", confidence), ("error", error)))
    if len(error) != len(confidence):
        raise InputError(f"risk_coverage: {len(error)} errors and {len(confidence)} scores; expected one of each for "
                         "every sample")
    whole("risk_coverage: steps", steps, 1, 10**6)
    by_confidence = error[np.argsort(-confidence, kind="stable")]
    shares = np.linspace(1 / steps, 1, steps)
    kept = np.maximum(1, np.round(shares * len(by_confidence))).astype(int)
    return shares, np.array([np.median(by_confidence[:count]) for count in kept])
