"""Statistics of records with 95 % intervals: percentile bootstrap over samples with a fixed seed.

Intervals of differences, which settle an order, lie two Monte Carlo standard errors outside the percentiles: another
seed should not turn a verdict.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import bootstrap, chi2

from rsslib.ledger import repeated
from rsslib.ledger.wording import FEWEST
from rsslib.project import InputError

_BATCH = 250    # resamples at a time, which limits memory without changing the draws
_LEVEL = 0.95
_TAIL = (1 - _LEVEL) / 2
_MANY = 10_000    # resamples of a difference

Interval = tuple[float, float]


def bootstrap_median(values: ArrayLike) -> Interval:
    """Return the interval of the median of `values`, from 2,000 resamples.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.

    >>> bootstrap_median([5.0, 5.0, 5.0])
    (5.0, 5.0)
    """
    return _interval(np.median, values, resamples=2000)


def median_difference(first: ArrayLike, second: ArrayLike) -> tuple[float, Interval | None]:
    """Return median(first) - median(second) of the same samples, and its interval, from 10,000 joint resamples.

    Without samples it is NaN; of fewer than FEWEST there is no interval.

    >>> median_difference([1.0] * 6, [3.0] * 6), median_difference([1.0], [3.0])
    ((-2.0, (-2.0, -2.0)), (-2.0, None))
    """
    one, other = _numbers(first, second, fewest=0)
    if not one.size:
        return float("nan"), None
    ends = difference_interval(_resampled(_difference_of_medians, one, other)) if one.size >= FEWEST else None
    return float(np.median(one) - np.median(other)), ends


def _difference_of_medians(one: np.ndarray, other: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.median(one, axis=axis) - np.median(other, axis=axis)


def bootstrap_mean_difference(first: ArrayLike, second: ArrayLike) -> Interval:
    """Return the interval of mean(first) - mean(second), both of the same samples, from 10,000 joint resamples.

    >>> bootstrap_mean_difference([1.0, 1.0, 1.0], [3.0, 3.0, 3.0])
    (-2.0, -2.0)
    """
    one, other = _numbers(first, second)
    return difference_interval(_resampled(np.mean, one - other))


def share_interval(flags: ArrayLike) -> Interval:
    """Return the interval of the share of `flags` that are true, from 1,000 resamples.

    Where all are equal, resamples are, too, and say nothing: then it is Wilson's score interval (1927).

    >>> share_interval([True] * 5 + [False] * 5)
    (0.2, 0.8)
    >>> round(share_interval([False] * 5)[1], 3)
    0.434
    """
    share, = _numbers(flags)
    if (wrong := share[(share != 0) & (share != 1)]).size:
        raise InputError(f"share: {wrong.size} of {share.size} flags are such as {wrong[0]:g}; expected true or false")
    if (share == share[0]).all():
        square = float(chi2.ppf(_LEVEL, 1))
        wide = square / (share.size + square)
        return (1 - wide, 1.0) if share[0] else (0.0, wide)
    return _interval(np.mean, share)


def spearman(confidence: ArrayLike, error: ArrayLike) -> float:
    """Return Spearman's rank correlation of confidence and error: 0 if one is constant, where scipy returns NaN.

    >>> round(spearman([0.9, 0.5, 0.1], [10.0, 20.0, 30.0]), 6)
    -1.0
    """
    sure, apart = _numbers(confidence, error)
    return float(repeated.spearman(sure, apart, np.ones((1, len(sure))))[0])


def area(positive: ArrayLike, confidence: ArrayLike) -> float:
    """Return the area under the ROC curve of low confidence as the detector of positive samples, NaN of one class.

    It is the share of pairs, one of each class, in which the positive sample is the less confident one; ties count half
    (Mann and Whitney 1947).

    >>> area([True, False, False], [0.1, 0.1, 0.3])
    0.75
    """
    sure = np.asarray(confidence, float)
    return float(repeated.area(np.asarray(positive, bool), sure, np.ones((1, len(sure))))[0])


def resampled_interval(values: np.ndarray) -> Interval:
    """Return the interval of a statistic from its resamples, (resamples,).

    >>> resampled_interval(np.array([2.0, 2.0, 2.0]))
    (2.0, 2.0)
    """
    low, high = np.quantile(values, [_TAIL, 1 - _TAIL])
    return float(low), float(high)


def difference_interval(values: np.ndarray) -> Interval:
    """Return the interval of a difference from its resamples, (resamples,), two Monte Carlo standard errors wider.

    A quantile q of B resamples is that of q +- sqrt(q (1 - q) / B).

    >>> difference_interval(np.arange(10_001.0))[0] < resampled_interval(np.arange(10_001.0))[0]
    True
    """
    tail = max(0.0, _TAIL - 2 * (_TAIL * (1 - _TAIL) / len(values)) ** 0.5)
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def _numbers(*arrays: ArrayLike, fewest: int = 1) -> list[np.ndarray]:
    """Return arrays of the same samples as numbers. Errors: InputError unless each has one finite number a sample."""
    try:
        samples = [np.asarray(np.ma.filled(np.asanyarray(array, float), np.nan)) for array in arrays]
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"interval: no numbers ({error}); expected a finite number for each sample") from None
    if samples[0].ndim != 1 or any(sample.shape != samples[0].shape for sample in samples):
        raise InputError(f"interval: shapes {', '.join(str(sample.shape) for sample in samples)}; expected one number "
                         "for each sample, of the same samples")
    if samples[0].size < fewest or not all(np.isfinite(sample).all() for sample in samples):
        raise InputError(f"interval: expected at least one number and finite ones only, found {samples[0].size}, "
                         f"{sum(int((~np.isfinite(sample)).sum()) for sample in samples)} of them not finite")
    return samples


def _interval(statistic: Callable, *arrays: ArrayLike, resamples: int = 1000) -> Interval:
    return resampled_interval(_resampled(statistic, *arrays, resamples=resamples))


def _resampled(statistic: Callable, *arrays: ArrayLike, resamples: int = _MANY) -> np.ndarray:
    """Return the statistic of joint resamples, (resamples,)."""
    samples = _numbers(*arrays)
    if samples[0].size == 1:    # all resamples are equal
        return np.full(resamples, float(statistic(*samples)))
    return bootstrap(samples, statistic, n_resamples=resamples, batch=_BATCH, paired=len(samples) > 1,
                     method="percentile", rng=np.random.default_rng(0)).bootstrap_distribution
