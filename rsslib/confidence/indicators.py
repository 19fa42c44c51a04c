"""How sure an ensemble is: scores, low-confidence thresholds, and how well they tell OOD samples and large errors."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from sklearn.metrics import roc_auc_score, roc_curve

from rsslib.localization.predictions import INDICATORS, of_set
from rsslib.project import InputError

INDICATOR = "max_mean_prediction"
"""The paper's choice, and what "confidence" means unless another indicator is named."""
PERCENTILE = 10.0
VARIANTS = (*INDICATORS, "max_prediction_normalised", "max_mean_prediction_normalised")
"""The four indicators on raw images, and the two that change when each image is first divided by its sum."""


@dataclass(frozen=True)
class Roc:
    """A ROC curve: rates of false and true positives as the threshold moves, and the area below the curve."""

    false_positive: np.ndarray
    true_positive: np.ndarray
    auroc: float


def score(predictions: xr.Dataset, indicator: str = INDICATOR) -> np.ndarray:
    """Return the confidence in each sample, (sample,): larger is surer, so the spreads [m] are negated.

    Errors: InputError for an unknown indicator. Source: paper 1, Section IV.A.

    >>> score(xr.Dataset({"max_spread": ("sample", [0.0, 50.0])}), "max_spread")
    array([ -0., -50.])
    """
    if indicator not in VARIANTS:
        raise InputError(f"indicator {indicator!r}: expected one of {', '.join(VARIANTS)}")
    values = predictions[indicator].values.astype(np.float64)
    return -values if indicator.endswith("spread") else values


def threshold(predictions: xr.Dataset, indicator: str = INDICATOR, percentile: float = PERCENTILE) -> float:
    """Return the confidence below which a sample is called low-confidence: a percentile of the set `val` alone.

    Errors: InputError without validation samples. Source: paper 1, Sections IV.A and IV.C (k = 10).
    """
    return float(np.percentile(score(of_set(predictions, "val"), indicator), percentile))


def is_low(predictions: xr.Dataset, indicator: str = INDICATOR, percentile: float = PERCENTILE) -> np.ndarray:
    """Return which samples are low-confidence, (sample,) bool; see `threshold`."""
    return score(predictions, indicator) < threshold(predictions, indicator, percentile)


def roc(positive: np.ndarray, confidence: np.ndarray) -> Roc:
    """Return the ROC curve of calling the least sure samples positive.

    Input: positive, (n,) bool (OOD, or a large error), samples of both kinds; confidence, (n,), larger is surer.

    >>> roc(np.array([True, False, False]), np.array([0.1, 0.2, 0.3])).auroc
    1.0
    """
    false_positive, true_positive, _ = roc_curve(positive, -confidence)
    return Roc(false_positive, true_positive, float(roc_auc_score(positive, -confidence)))


def risk_coverage(confidence: np.ndarray, error: np.ndarray, steps: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of the samples kept, surest first, and the median error [m] of those kept, (steps,) each.

    Source: El-Yaniv and Wiener, On the foundations of noise-free selective classification, 2010.

    >>> risk_coverage(np.array([0.9, 0.1]), np.array([10.0, 50.0]), steps=2)
    (array([0.5, 1. ]), array([10., 30.]))
    """
    surest_first = np.asarray(error)[np.argsort(-np.asarray(confidence), kind="stable")]
    shares = np.linspace(1 / steps, 1, steps)
    kept = np.maximum(1, np.round(shares * len(surest_first))).astype(int)
    return shares, np.array([np.median(surest_first[:count]) for count in kept])
