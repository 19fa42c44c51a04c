"""Time stamps that a caller gives, as nanoseconds in UTC: dates, ISO 8601 texts, or seconds since 1970."""

import re
import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from rsslib.arguments import shown
from rsslib.data import arrays
from rsslib.project import InputError, InputWarning

FORMS = "expected dates, texts such as 2022-07-05T09:00:00 (ISO 8601), or seconds since 1970; None where one is missing"
_ISO = re.compile(r"\d{4}(?P<dash>-?)\d\d(?P=dash)\d\d([T ]\d\d((?P<colon>:?)\d\d((?P=colon)\d\d([.,]\d{1,9})?)?)?"
                  r"( ?(Z|UTC|GMT|[+-]\d\d(:?\d\d)?))?)?", re.IGNORECASE | re.ASCII)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FLOAT32_S = 128    # the step of float32 from 2004 to 2038, in seconds since 1970
_SHIFT_S = 28_800    # eight hours, the finest common step of the clock that is a multiple of it
_YEARS = 946_684_800, 4_102_444_800    # 2000 and 2100, in seconds since 1970


def times(values: ArrayLike, name: str, count: int) -> np.ndarray:
    """Return `count` time stamps, datetime64[ns] in UTC; a missing one is NaT.

    Dates and texts with a time zone are converted to UTC, those without one are taken as they are. Numbers are seconds
    since 1970, or milli-, micro- or nanoseconds: whichever puts all of them between the years 2000 and 2100.
    Errors: InputError with `name` for texts that are not ISO 8601 (05/07 is in May for some, in July for others), a
    time zone for some of them only, numbers in float32, or a year before 1678 or after 2261.

    >>> times(["2022-07-05T09:00:00+02:00"], "time", 1)
    array(['2022-07-05T07:00:00.000000000'], dtype='datetime64[ns]')
    >>> times([1371713733], "time", 1)
    array(['2013-06-20T07:35:33.000000000'], dtype='datetime64[ns]')
    """
    array = arrays.plain(values, name, "time stamps")
    arrays.check_shape(array, name, {"sample": count})
    if np.ma.isMaskedArray(array):
        array = np.ma.filled(array, np.datetime64("NaT")) if array.dtype.kind == "M" else arrays.objects(array)
    given = array[~pd.isna(array)]
    found = pd.api.types.infer_dtype(given) if len(given) else "datetime"
    if found in ("integer", "floating", "mixed-integer-float"):
        return _since_1970(array, name)
    if found == "string":
        rows = np.flatnonzero(~pd.isna(array))
        array = array.astype(object)
        array[rows] = [_iso(array[row], name, row) for row in rows.tolist()]
        zones = [bool(re.search("[T ].*[Z+-]", text)) for text in array[rows]]
    elif found in ("datetime64", "datetime", "date"):
        zones = [getattr(stamp, "tzinfo", None) is not None for stamp in given] if given.dtype.kind == "O" else [False]
    else:
        raise InputError(f"{name}: {shown(given.tolist()[0])} is {found}; {FORMS}")
    if any(zones) and not all(zones):
        raise InputError(f"{name}: {sum(zones)} of {len(zones)} times have a time zone; give one to all or to none")
    return _converted(array, name, any(zones))


def check(stamps: np.ndarray, name: str) -> None:
    """Raise InputError with `name` for dates that nanoseconds cannot count, or numbers taken for nanoseconds."""
    years = pd.DatetimeIndex(stamps).year
    beyond = (years < 1678) | (years > 2261)
    if beyond.any():
        raise InputError(f"{name}: {stamps[int(beyond.argmax())]} cannot be kept in nanoseconds; expected a year from "
                         "1678 to 2261")
    numbers = stamps[~np.isnat(stamps)].astype("M8[ns]").astype(np.int64)
    if _unit(numbers) in ("s", "ms", "us"):
        raise InputError(f"{name}: {stamps[0]}: a number of {_unit(numbers)} since 1970 was taken for nanoseconds; "
                         f"convert it with pandas.to_datetime(numbers, unit='{_unit(numbers)}')")


def check_float32(stamps: np.ndarray, name: str) -> None:
    """Raise InputError for samples that fall together as in float32; warn if they only may have been float32."""
    exact = stamps.astype("M8[ns]").astype(np.int64)
    found = np.unique(exact)
    step, shift = _FLOAT32_S * 10**9, _SHIFT_S * 10**9
    if len(exact) < 3 or found[0] < 2**30 * 10**9 or (found % step).any() or not (found % shift).any():
        return
    problem = (f"{name}: all {len(exact)} times are multiples of {_FLOAT32_S} s since 1970, to which float32 rounds "
               "them; expected finer steps: read them as float64, or as whole numbers")
    if len(found) < len(exact):
        raise InputError(problem)
    if ((found - found[0]) % shift).any():
        warnings.warn(f"{problem}, if they were ever float32", InputWarning, stacklevel=2)


def _iso(text: str, name: str, row: int) -> str:
    """Return a text in the spelling of ISO 8601 that pandas reads."""
    match = _ISO.fullmatch(text.strip())
    if not match:
        raise InputError(f"{name}: sample {row} is {shown(text)}; {FORMS}")
    return re.sub("UTC|GMT", "Z", match[0].upper()).replace(",", ".")


def _converted(array: np.ndarray, name: str, utc: bool) -> np.ndarray:
    texts = {"format": "ISO8601"} if any(isinstance(value, str) for value in array) else {}
    stamps = pd.DatetimeIndex(pd.to_datetime(pd.Index(array), errors="coerce", utc=utc, **texts)).tz_localize(None)
    lost = stamps.isna() & ~pd.isna(array)
    if lost.any():
        first = shown(array.tolist()[int(lost.argmax())])
        raise InputError(f"{name}: sample {int(lost.argmax())} is {first}, no date between 1678 and 2261; {FORMS}")
    check(stamps.to_numpy(), name)
    return stamps.as_unit("ns").to_numpy()


def _since_1970(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype.kind == "f" and array.dtype.itemsize < 8 or any(isinstance(one, np.float32) for one in array):
        raise InputError(f"{name}: holds float32, which keeps times since 1970 to {_FLOAT32_S} s; expected float64, or "
                         "whole numbers: read the times again")
    numbers = array if array.dtype.kind in "iu" else arrays.numbers(array, name)
    known = ~np.isnan(numbers)
    unit = _unit(numbers[known])
    if unit is None:
        raise InputError(f"{name}: {numbers[known][0]} is in no unit (s, ms, us, ns) a time since 1970 from 2000 "
                         f"to 2100; {FORMS}")
    stamps = np.full(len(numbers), np.datetime64("NaT"), "M8[ns]")
    if numbers.dtype.kind in "iu":    # exact
        stamps[:] = (numbers.astype(np.int64) * (10**9 // _PER_SECOND[unit])).astype("M8[ns]")
    else:    # float64 holds such times to the microsecond
        stamps[known] = np.round(numbers[known] * (10**6 / _PER_SECOND[unit])).astype(np.int64).astype("M8[us]")
    return stamps


def _unit(numbers: np.ndarray) -> str | None:
    """Return the unit in which all numbers are between the years 2000 and 2100, None if there is no such unit."""
    return next((unit for unit, count in _PER_SECOND.items()
                 if len(numbers) and _YEARS[0] * count <= numbers.min() and numbers.max() < _YEARS[1] * count), None)
