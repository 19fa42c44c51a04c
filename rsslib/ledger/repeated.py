"""Statistics of samples that count several times, for many resamples at once.

A resample is how often each sample counts (its frequency weights), so that one sort of the samples serves all
resamples. Input of all: times, (resamples, samples), whole numbers from 0; values, (samples,), finite. Output:
(resamples,), NaN where no sample counts. On samples written out as often as they count they are numpy's percentile,
median and mean, scikit-learn's area and scipy's rank correlation.
"""

import numpy as np


def percentile(values: np.ndarray, times: np.ndarray, q: float) -> np.ndarray:
    """Return the q-th percentile, between the two nearest samples by linear interpolation.

    >>> percentile(np.array([3.0, 1.0]), np.array([[1, 1], [2, 1], [0, 0]]), 50)
    array([ 2.,  3., nan])
    """
    order = np.argsort(values)
    ordered, upto = values[order], times[:, order].cumsum(axis=1)
    place = np.maximum(upto[:, -1] - 1, 0) * (q / 100)
    below = np.floor(place)
    low, high = (ordered[np.minimum((upto <= rank[:, None]).sum(axis=1), len(values) - 1)]
                 for rank in (below, np.minimum(below + 1, upto[:, -1] - 1)))
    return np.where(upto[:, -1] > 0, low + (high - low) * (place - below), np.nan)


def median(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the median.

    >>> median(np.array([3.0, 1.0, 2.0]), np.array([[1, 1, 1], [1, 0, 3]]))
    array([2., 2.])
    """
    return percentile(values, times, 50)


def mean(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the mean of values, which may differ between resamples: (resamples, samples).

    >>> mean(np.array([True, False]), np.array([[1, 1], [3, 1], [0, 0]]))
    array([0.5 , 0.75,  nan])
    """
    with np.errstate(invalid="ignore"):
        return (times * values).sum(axis=1) / times.sum(axis=1)


def area(positive: np.ndarray, confidence: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve of low confidence (`statistics.area`), NaN of one class alone.

    Input: positive, (samples,) or (resamples, samples), bool.

    >>> area(np.array([True, False, False]), np.array([0.1, 0.1, 0.3]), np.array([[1, 1, 1], [1, 1, 0]]))
    array([0.75, 0.5 ])
    """
    order, before, after = _ties(confidence)
    ordered = times[:, order]
    of_positive = ordered * positive[..., order]
    others = _upto(ordered - of_positive)
    above = others[:, -1:] - (others[:, before] + others[:, after]) / 2
    with np.errstate(invalid="ignore"):
        return (of_positive * above).sum(axis=1) / (of_positive.sum(axis=1) * others[:, -1])


def spearman(one: np.ndarray, other: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the rank correlation (`statistics.spearman`), 0 where one is constant, or no sample counts.

    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([9.0, 8.0, 7.0]), np.array([[1, 1, 2]])).round(6)
    array([-1.])
    """
    first, second = (_ranks(values, times) for values in (one, other))
    one_square, other_square, both = ((times * product).sum(axis=1) for product in (
        first * first, second * second, first * second))
    return both / np.maximum(np.sqrt(one_square * other_square), 1e-12)


def _ranks(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the ranks, of ties their mean, less the mean rank, (resamples, samples)."""
    order, before, after = _ties(values)
    upto = _upto(times[:, order])
    ranks = np.empty(times.shape)
    ranks[:, order] = (upto[:, before] + upto[:, after] - upto[:, -1:]) / 2
    return ranks


def _ties(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the samples in rising order, and how many lie below each value and not above it, (samples,) each."""
    order = np.argsort(values)
    ordered = values[order]
    return order, np.searchsorted(ordered, ordered, "left"), np.searchsorted(ordered, ordered, "right")


def _upto(times: np.ndarray) -> np.ndarray:
    """Return the sum of the first n columns for n from 0, (resamples, samples + 1)."""
    return np.pad(times.cumsum(axis=1), ((0, 0), (1, 0)))
