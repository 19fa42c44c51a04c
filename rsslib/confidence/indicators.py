"""How sure an ensemble is: scores, low-confidence thresholds, and how well they tell OOD samples and large errors."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from sklearn.metrics import roc_auc_score, roc_curve

from rsslib.localization import predictions
from rsslib.localization.predictions import INDICATORS
from rsslib.project import InputError

INDICATOR = "max_mean_prediction"
"""The paper's choice, and what "confidence" means where nothing else is said."""
PERCENTILE = 10.0
VARIANTS = (*INDICATORS, "max_prediction_normalised", "max_mean_prediction_normalised")
"""The four indicators on raw images, and the two that change when each image is first divided by its sum."""


@dataclass(frozen=True)
class Roc:
    """A ROC curve: shares of the negatives and positives found as the threshold moves, and the area below it."""

    false_positive: np.ndarray
    true_positive: np.ndarray
    auroc: float


def score(said: xr.Dataset, indicator: str = INDICATOR) -> np.ndarray:
    """Return the confidence in each sample, (sample,): larger is surer, so the spreads [m] are negated.

    Errors: InputError for an unknown indicator, or one that is not finite for some sample.
    Source: paper 1, Section IV.A.
    Example
    -------
    >>> score(predictions.load("predictions.nc"), "sum_spread").max()     # doctest: +SKIP
    0.0
    """
    if indicator not in VARIANTS:
        raise InputError(f"indicator {indicator!r}: expected one of {', '.join(VARIANTS)}")
    if indicator not in said:
        raise InputError(f"predictions: no {indicator!r} here; expected what Localizer.predict returns")
    values = said[indicator].values.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"predictions: {indicator} of sample {int(np.argmin(np.isfinite(values)))} is not finite; an "
                         "image held NaN: train again and check the inputs")
    return -values if indicator.endswith("spread") else values


def threshold(said: xr.Dataset, indicator: str = INDICATOR, percentile: float = PERCENTILE) -> float:
    """Return the confidence below which a sample is called low-confidence: a percentile of the set `val` alone.

    Errors: InputError for an empty validation set, or a percentile outside 0..100.
    Source: paper 1, Section IV.A, IV.C (k = 10).
    """
    if not 0 <= percentile <= 100:
        raise InputError(f"percentile: expected 0 to 100, found {percentile}; the paper uses {PERCENTILE:g}")
    if not (said.set.values == "val").any():
        raise InputError("predictions: no validation samples (set 'val'), and the threshold comes from nothing else; "
                         "predict the set 'val' too")
    return float(np.percentile(score(predictions.of_set(said, "val"), indicator), percentile))


def is_low(said: xr.Dataset, indicator: str = INDICATOR, percentile: float = PERCENTILE) -> np.ndarray:
    """Return which samples are low-confidence, (sample,) bool; see `threshold`."""
    return score(said, indicator) < threshold(said, indicator, percentile)


def roc(positive: np.ndarray, confidence: np.ndarray) -> Roc:
    """Return the ROC curve of calling the least sure samples positive.

    Input: positive, (n,) bool (OOD, or a large error); confidence, (n,), larger is surer.
    Errors: InputError unless both kinds of samples are there.
    Example
    -------
    >>> roc(np.array([True, False, False]), np.array([0.1, 0.2, 0.3])).auroc
    1.0
    """
    positive, confidence = _checked(positive, confidence)
    found = roc_curve(positive, -confidence)
    return Roc(found[0], found[1], float(roc_auc_score(positive, -confidence)))


def risk_coverage(confidence: np.ndarray, error: np.ndarray, steps: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of the samples kept, surest first, and the median error [m] of those kept, (steps,) each.

    Source: El-Yaniv and Wiener, On the foundations of noise-free selective classification, 2010.
    """
    if not len(error) or len(error) != len(confidence):
        raise InputError(f"risk_coverage: {len(error)} errors and {len(confidence)} scores; expected one of each for "
                         "every sample")
    ordered = np.asarray(error)[np.argsort(-np.asarray(confidence), kind="stable")]
    shares = np.linspace(1 / steps, 1, steps)
    kept = np.maximum(1, np.round(shares * len(ordered))).astype(int)
    return shares, np.array([np.median(ordered[:count]) for count in kept])


def _checked(positive: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    positive, confidence = np.asarray(positive, bool), np.asarray(confidence, float)
    if positive.shape != confidence.shape or positive.all() or not positive.any() or np.isnan(confidence).any():
        raise InputError(f"ROC: expected samples of both kinds, found {int(positive.sum())} positive of "
                         f"{positive.size} and {confidence.size} scores, {int(np.isnan(confidence).sum())} of them NaN")
    return positive, confidence
