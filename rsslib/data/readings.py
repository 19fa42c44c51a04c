"""Readings in dB: what no receiver reads, and the numbers that files hold where nothing was heard."""

import warnings

import numpy as np
from numpy.typing import ArrayLike

from rsslib.data import arrays
from rsslib.project import InputError, InputWarning

LOWEST_DB, HIGHEST_DB = -200.0, 60.0
FAINT_DB, LOUD_DB = -120.0, -1.0
"""Few readings lie beyond these: a number that is repeated there, without others around it, may be no reading."""
LOWEST_FLOOR_DB, LOUDEST_DB = -160.0, 20.0
"""And beyond these it is none: the floor of no receiver lies lower, and none overloads higher."""
_EXPECTED = "expected dB above -200 and up to 60"


def without(rss: np.ndarray, not_heard: ArrayLike | None, name: str) -> np.ndarray:
    """Return readings as float32, with NaN for those equal to `not_heard`: a number, several, or None for none.

    Errors: InputError with `name` if `not_heard` is not of numbers.

    >>> without(np.array([-70.0, 100.0, -999.0]), (100, -999), "mine")
    array([-70.,  nan,  nan], dtype=float32)
    """
    with np.errstate(over="ignore"):    # both as float32, or -100.3 would not equal itself
        rss = rss.astype(np.float32)
        marks = arrays.numbers([] if not_heard is None else not_heard, f"{name}: not_heard").astype(np.float32)
    return np.where(np.isin(rss, marks), np.float32(np.nan), rss) if marks.size else rss


def check_range(rss: np.ndarray, name: str) -> None:
    """Raise InputError with `name` for readings outside of -200..60 dB; NaN is not heard."""
    heard = rss[~np.isnan(rss)]
    outside = heard[~((heard > LOWEST_DB) & (heard <= HIGHEST_DB))]
    if not len(outside):
        return
    values, counts = np.unique(outside, return_counts=True)
    if len(values) <= 3:
        raise InputError(f"{name}: {_found(values, counts, len(heard))}; {_EXPECTED}: {_remedy(values)}")
    raise InputError(f"{name}: rss is {values[0]:g} to {values[-1]:g} in {len(outside)} of {len(heard)} readings; "
                     f"{_EXPECTED}: take 10 log10 of linear power, check sign and unit")


def check(rss: np.ndarray, name: str) -> None:
    """Raise InputError with `name` for readings that no receiver gives; warn of numbers that may mean "not heard".

    Input: rss, (sample, sensor) [dB], NaN where not heard.

    Refused: readings outside of -200..60 dB; linear power or truth values (most readings within 1 dB of 0); a number
    repeated at or below -160 dB or above 20 dB, or in 2 % of the readings at or below -120 dB or at or above -1 dB,
    with hardly another reading within 10 dB. Warned of: such numbers that are rarer or less extreme; one with others
    around it, but more than 20 times as frequent as any of them; a number in between that most receivers repeat, with
    hardly another reading within 5 dB; a tenth of all readings that are equal, and the lowest or the highest of most
    receivers. The floor or the saturation of one receiver passes: it has other readings near it, on one side.
    """
    check_range(rss, name)
    heard = rss[~np.isnan(rss)]
    some = heard[heard != 0]
    small = some[np.abs(some) <= 1]
    if len(small) > len(some) / 2 and (len(small) == len(some) or len(np.unique(small)) > 1):    # not a mark of -1 or 1
        raise InputError(f"{name}: rss is within 1 dB of 0 in {len(small)} of {len(heard)} readings; {_EXPECTED}: take "
                         "10 log10 of linear power, undo a scaling, give no truth values")
    if len(heard):
        _check_repeated(rss, heard, name)


def _check_repeated(rss: np.ndarray, heard: np.ndarray, name: str) -> None:
    values, counts = np.unique(heard, return_counts=True)
    beyond, share = (values <= FAINT_DB) | (values >= LOUD_DB), counts / len(heard)
    alone = beyond & (counts > 4 * _near(values, _without_marks(values, counts), 10.0))
    # a receiver may overload now and then, or stop at a floor; beyond these limits there is none
    impossible = (values > LOUDEST_DB) | (values <= LOWEST_FLOOR_DB) | (share >= 0.02)
    repeated = alone & impossible & (counts >= 3) & (share >= 0.001)
    if repeated.any():
        raise InputError(f"{name}: {_found(values[repeated], counts[repeated], len(heard))}, with hardly another "
                         f"within 10 dB; expected what a receiver reads: {_remedy(values[repeated])}")
    most = counts >= 10
    between = most & ~beyond & (share >= 0.01) & (counts > 20 * _near(values, counts, 5.0)) & (len(values) >= 10)
    receivers = (~np.isnan(rss)).any(axis=0).sum()
    between[between] = [(rss == value).any(axis=0).sum() > receivers / 2 for value in values[between]]
    inside = most & beyond & (values > values[0]) & (values < values[-1])
    inside &= counts > 20 * np.sort(counts)[:-1].max(initial=1)
    end = most & (share > 0.1) & (len(values) >= 10)
    end[end] = _is_end(rss, values[end])
    odd = between | inside | end | alone & ((values == values.round()) | (counts >= 3))
    if odd.any():
        warnings.warn(f"{name}: {_found(values[odd], counts[odd], len(heard))}, which stands out; if that was not "
                      f"heard: {_remedy(values[odd])}", InputWarning, stacklevel=2)


def _is_end(rss: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return which of the values are the lowest or the highest reading of most receivers."""
    columns = rss[:, (~np.isnan(rss)).any(axis=0)]
    ends = np.nanmin(columns, axis=0), np.nanmax(columns, axis=0)
    return np.array([max((end == value).sum() for end in ends) > columns.shape[1] / 2 for value in values])


def _without_marks(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the counts, 0 where a few numbers that are repeated beyond FAINT_DB or LOUD_DB would excuse each other."""
    counts = counts.copy()
    for side in (values <= FAINT_DB, values >= LOUD_DB):
        repeated = side & (counts >= 3)
        if 2 <= repeated.sum() <= 3:
            counts[repeated] = 0
    return counts


def _near(values: np.ndarray, counts: np.ndarray, within_db: float) -> np.ndarray:
    """Return how many other readings lie within `within_db` of each of the sorted values."""
    total = np.concatenate([[0], np.cumsum(counts)])
    first = np.searchsorted(values, values - within_db)
    last = np.searchsorted(values, values + within_db, side="right")
    return total[last] - total[first] - counts


def _found(values: np.ndarray, counts: np.ndarray, total: int) -> str:
    return f"rss is {_several(values)} ({counts.sum()} of {total} readings)"


def _remedy(values: np.ndarray) -> str:
    marks = _several(values) if len(values) == 1 else f"({_several(values)})"
    return f"give not_heard={marks} to measurements.build or load, or NaN"


def _several(values: np.ndarray) -> str:
    return ", ".join(f"{value:.9g}" for value in values)
