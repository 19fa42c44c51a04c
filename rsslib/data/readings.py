"""Readings in dB: what no receiver reads, and the numbers that files hold where nothing was heard."""

import warnings

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from rsslib.data import arrays
from rsslib.data.receivers import KIND_RANGE_DB
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
    inside = (heard > LOWEST_DB) & (heard <= HIGHEST_DB)
    if inside.all():
        return
    values, counts = np.unique(heard[~inside], return_counts=True)
    if len(values) <= 3 and not any((np.abs(heard[inside] - value) <= 5).any() for value in values):
        raise InputError(f"{name}: {_found(values, counts, len(heard))}; {_EXPECTED}: {_remedy(values)}")
    raise InputError(f"{name}: rss is {values[0]:g} to {values[-1]:g} in {counts.sum()} of {len(heard)} readings; "
                     f"{_EXPECTED}: {_meant(heard)}; check sign and unit")


def _meant(heard: np.ndarray) -> str:
    """Return what to do with readings outside of the range, by what they may be."""
    if heard.min() >= 0 and heard.max() <= 255:
        return "negate RSSI without its minus sign, or convert percent or the steps of a device to dB"
    whole = (heard == heard.round()).all() and heard.min() < 0
    factor = next((factor for factor in (10, 100) if factor * LOWEST_DB < heard.min()), 0) if whole else 0
    return f"divide by {factor} if these are fractions of a dB" if factor else "take 10 log10 of linear power"


def check(rss: np.ndarray, name: str) -> None:
    """Raise InputError with `name` for readings that no receiver gives; warn of numbers that may mean "not heard".

    Input: rss, (sample, sensor) [dB], NaN where not heard.

    Refused: readings outside of -200..60 dB; linear power or truth values (most readings within 1 dB of 0); a number
    repeated at or below -160 dB or above 20 dB, or in 2 % of the readings at or below -120 dB or at or above -1 dB,
    with hardly another reading within 10 dB. Warned of: readings all from 0 to 10, which may be the bars of a display;
    numbers as above that are rarer or less extreme; one
    with others around it, but more than 20 times as frequent as any of them; a number in between that most receivers
    repeat, with hardly another reading within 5 dB; a tenth of all readings that are equal, and the lowest or the
    highest of most receivers. The floor or the saturation of one receiver passes: it has other readings near it, on
    one side.
    """
    check_range(rss, name)
    heard = rss[~np.isnan(rss)]
    some = heard[heard != 0]
    small = some[np.abs(some) <= 1]
    if len(small) > len(some) / 2 and (len(small) == len(some) or len(np.unique(small)) > 1):    # not a mark of -1 or 1
        raise InputError(f"{name}: rss is within 1 dB of 0 in {len(small)} of {len(heard)} readings; {_EXPECTED}: take "
                         "10 log10 of linear power, undo any scaling; booleans are no readings")
    if len(heard):
        _check_bars(heard, name)
        _check_repeated(rss, heard, name)


def check_sign(dataset: xr.Dataset, name: str) -> None:
    """Raise InputError with `name` for readings that lost their minus sign; positive SNR [dB] passes.

    Refused: a kind whose range is below 0, all of whose readings are at least 0; receivers of which that is so, whose
    readings rise with the distance from the transmitter (at least ten; t-test of the correlation with its logarithm).
    """
    lowest = np.fmin.reduce(dataset.rss.values, axis=0)
    for kind, (low, high) in KIND_RANGE_DB.items():
        of_kind = lowest[(dataset.sensor_kind.values == kind) & ~np.isnan(lowest)]
        if high < 0 and len(of_kind) and of_kind.min() >= 0:
            raise InputError(f"{name}: rss is at least {of_kind.min():g} in all readings of kind '{kind}'; expected "
                             f"{low:g} to {high:g} dB: check the sign, or give receivers of your own the kind 'other'")
    positive = dataset.isel(sensor=lowest >= 0)
    level, away = positive.rss.values, np.full(positive.rss.shape, np.inf)
    for tx_x, tx_y in zip(dataset.tx_x.values.T, dataset.tx_y.values.T):
        away = np.fmin(away, np.hypot(positive.sensor_x.values - tx_x[:, None],
                                      positive.sensor_y.values - tx_y[:, None]))
    used = ~np.isnan(level) & (away > 0) & (away < np.inf)
    if used.sum() < 10:
        return
    # each receiver by itself: one with more gain may stand farther away
    log_away = np.log10(np.where(used, away, 1.0))
    level, distance = (_centred(np.where(used, values, np.nan))[used] for values in (level, log_away))
    if not np.ptp(level) or not np.ptp(distance):
        return
    rise = np.corrcoef(level, distance)[0, 1]
    if rise > 0 and rise**2 * (len(level) - 2) > 16 * (1 - rise**2):
        given = positive.rss.values[used]
        raise InputError(f"{name}: rss is {given.min():g} to {given.max():g} in all {len(level)} readings of "
                         f"{positive.sizes['sensor']} of {dataset.sizes['sensor']} receivers, and rises with the "
                         "distance from the transmitter; expected dB, which fall: negate RSSI without its minus sign")


def _centred(values: np.ndarray) -> np.ndarray:
    """Return values, (sample, sensor), less the mean of each sensor; a sensor of NaN alone stays NaN."""
    known = ~np.isnan(values)
    return values - np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def _check_bars(heard: np.ndarray, name: str) -> None:
    whole = (heard == heard.round()).all()
    if not heard.max() > 10 and heard.max() > 1 and heard.min() >= (-1 if whole else 0):
        warnings.warn(f"{name}: rss is {heard.min():g} to {heard.max():g} in all {len(heard)} readings; {_EXPECTED}: "
                      "if these are the bars or steps of a device, convert them to dB", InputWarning, stacklevel=2)


def _check_repeated(rss: np.ndarray, heard: np.ndarray, name: str) -> None:
    values, counts = np.unique(heard, return_counts=True)
    beyond, share = (values <= FAINT_DB) | (values >= LOUD_DB), counts / len(heard)
    alone = beyond & (counts > 4 * _near(values, _without_marks(values, counts), 10.0))
    # a receiver may overload now and then, or stop at a floor; beyond these limits there is none
    impossible = (values > LOUDEST_DB) | (values <= LOWEST_FLOOR_DB) | (share >= 0.02)
    repeated = alone & impossible & (counts >= 3) & (share >= 0.001)
    if repeated.any():
        raise InputError(f"{name}: {_found(values[repeated], counts[repeated], len(heard))}, and almost no other "
                         f"within 10 dB; expected readings: {_remedy(values[repeated])}")
    most = counts >= 10
    between = most & ~beyond & (share >= 0.01) & (counts > 20 * _near(values, counts, 5.0)) & (len(values) >= 10)
    receivers = (~np.isnan(rss)).any(axis=0).sum()
    between[between] = [(rss == value).any(axis=0).sum() > receivers / 2 for value in values[between]]
    # one number far more often than any other, and not at an end, where a receiver overloads or stops
    inside = most & (values > values[0]) & (values < values[-1])
    inside &= counts > np.where(beyond, 5, 20) * np.sort(counts)[:-1].max(initial=1)
    inside[inside] = [bool(far) or (rss == value).any(axis=0).sum() > receivers / 2
                      for far, value in zip(beyond[inside], values[inside])]
    end = most & (share > 0.1) & (len(values) >= 10)
    end[end] = _is_end(rss, values[end])
    odd = between | inside | end | alone & ((values == values.round()) | (counts >= 3))
    if odd.any():
        warnings.warn(f"{name}: {_found(values[odd], counts[odd], len(heard))}, which stands out; if that means not "
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
