"""Statistics of records with 95 % intervals: percentile bootstrap over samples with a fixed seed."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import bootstrap, rankdata

from rsslib.project import InputError

_BATCH = 250    # resamples at a time, which limits memory without changing the draws
_LEVEL = 0.95

Interval = tuple[float, float]


def bootstrap_median(values: ArrayLike) -> Interval:
    """Return the interval of the median of `values`, from 2,000 resamples.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.

    >>> bootstrap_median([5.0, 5.0, 5.0])
    (5.0, 5.0)
    """
    return _interval(np.median, np.asarray(values, float), resamples=2000)


def share_interval(flags: ArrayLike) -> Interval:
    """Return the interval of the share of `flags` that are true, from 1,000 resamples.

    >>> share_interval([True] * 5 + [False] * 5)
    (0.2, 0.8)
    """
    return _interval(np.mean, np.asarray(flags, float))


def spearman(confidence: ArrayLike, error: ArrayLike) -> float:
    """Return Spearman's rank correlation of confidence and error: 0 if one is constant, where scipy returns NaN.

    >>> round(spearman([0.9, 0.5, 0.1], [10.0, 20.0, 30.0]), 6)
    -1.0
    """
    return float(_rank_correlation(confidence, error))


def spearman_interval(confidence: ArrayLike, error: ArrayLike) -> Interval:
    """Return the interval of `spearman`, from 1,000 resamples."""
    return _interval(_rank_correlation, np.asarray(confidence), np.asarray(error))


def auroc_interval(positive: np.ndarray, confidence: np.ndarray) -> Interval:
    """Return the interval of the area under `rsslib.confidence.indicators.roc`, from 1,000 resamples per class.

    Input: positive, (n,) bool, both values present; confidence, (n,).
    """
    positive, doubt = np.asarray(positive, bool), -np.asarray(confidence, float)
    generator = np.random.default_rng(0)
    # drawn here, since scipy.stats.bootstrap refuses a class with one sample
    drawn = [part[generator.integers(part.size, size=(1000, part.size))]
             for part in (doubt[positive], doubt[~positive])]
    low, high = np.quantile(_area(*drawn), [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def _rank_correlation(first: ArrayLike, second: ArrayLike, axis: int = -1) -> np.ndarray:
    ranks = [rankdata(values, axis=axis) for values in (first, second)]
    one, other = (rank - rank.mean(axis, keepdims=True) for rank in ranks)
    scale = np.sqrt((one**2).sum(axis) * (other**2).sum(axis))
    return (one * other).sum(axis) / np.maximum(scale, 1e-12)


def _area(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Return areas under ROC curves from the rank sums of the positives, (resamples,) (Mann and Whitney 1947)."""
    n, m = positive.shape[-1], negative.shape[-1]
    ranks = rankdata(np.concatenate([positive, negative], axis=-1), axis=-1)[..., :n].sum(-1)
    return (ranks - n * (n + 1) / 2) / (n * m)


def _interval(statistic: Callable, *samples: np.ndarray, resamples: int = 1000) -> Interval:
    if not samples[0].size or not all(np.isfinite(sample).all() for sample in samples):
        raise InputError(f"interval: expected at least one number and finite ones only, found {samples[0].size}, "
                         f"{sum(int((~np.isfinite(sample)).sum()) for sample in samples)} of them not finite")
    if samples[0].size == 1:    # all resamples are equal
        return float(statistic(*samples)), float(statistic(*samples))
    result = bootstrap(samples, statistic, n_resamples=resamples, batch=_BATCH, paired=len(samples) > 1,
                       confidence_level=_LEVEL, method="percentile", rng=np.random.default_rng(0))
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
