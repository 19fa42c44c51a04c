"""Arrays that a caller gives: numbers and texts of one shape, with errors that name the argument."""

import math
import warnings
from collections.abc import Mapping
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from rsslib.arguments import is_number, shown
from rsslib.project import InputError

MAX_PER_SIDE = 724
"""Pixels or cells along the side of the largest map: 2^19 in all, as the largest images have."""


def numbers(values: ArrayLike, name: str, sizes: Mapping[str, int] | None = None) -> np.ndarray:
    """Return numbers as float64; what is masked or missing (None, pandas.NA) becomes NaN.

    Input: sizes, the expected length of each dimension by its name (default: any shape).
    Errors: InputError with `name` for texts, booleans, complex numbers, dates, ragged lists, or another shape.

    >>> numbers(np.ma.masked_equal([-70.0, 100.0], 100.0), "rss")
    array([-70.,  nan])
    >>> numbers([-70.0, None], "rss", {"sensor": 3})
    Traceback (most recent call last):
    rsslib.project.InputError: rss: shape (2,); expected (sensor) = (3,)
    """
    array = plain(values, name, "numbers")
    if array.dtype.kind == "O":
        array = _from_objects(array, name)
    elif array.dtype.kind not in "fiu":
        raise InputError(f"{name}: holds {array.dtype}; expected numbers, NaN where one is missing")
    with np.errstate(over="ignore"):
        array = np.ma.filled(array.astype(np.float64), np.nan)
    check_shape(array, name, sizes)
    return array


def texts(values: ArrayLike, name: str, sizes: Mapping[str, int]) -> np.ndarray:
    """Return texts as an array of numpy strings. Errors: those of `check_texts`; InputError for another shape.

    >>> texts(["july", "april"], "season", {"sample": 2})
    array(['july', 'april'], dtype='<U5')
    """
    array = objects(plain(values, name, "texts", object))
    check_shape(array, name, sizes)
    check_texts(array, name)
    return array.astype(str)


def check_texts(array: np.ndarray, name: str) -> None:
    """Raise InputError with `name` and the number of the first entry that is no text, empty, or not printable."""
    for number, text in enumerate(array.tolist()):
        if not isinstance(text, str) or not text.strip() or not text.isprintable():
            raise InputError(f"{name}: entry {number} is {shown(text)}; expected a text of printable characters")


def check_shape(array: np.ndarray, name: str, sizes: Mapping[str, int] | None) -> None:
    """Raise InputError unless the array has one axis for each dimension in `sizes`, of that length (None: any)."""
    if sizes is not None and array.shape != (shape := tuple(sizes.values())):
        raise InputError(f"{name}: shape {array.shape}; expected ({', '.join(sizes)}) = {shape}")


def plain(values: ArrayLike, name: str, what: str, kind: type | None = None) -> np.ndarray:
    """Return `values` as an array, masked if they are. Errors: InputError with `name` for ragged lists, or records."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")    # an entry that is np.ma.masked becomes NaN, as it should
            array: np.ma.MaskedArray = np.ma.asarray(values, kind)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{name}: not an array ({reason}); expected {what}, rows of equal length") from None
    if array.dtype.kind == "V":
        raise InputError(f"{name}: holds records of {array.dtype}; expected {what}")
    return array if np.ma.is_masked(array) else array.data


def objects(array: np.ndarray) -> np.ndarray:
    """Return an array of objects, None where it is masked."""
    found = np.ma.getdata(array).astype(object)
    found[np.ma.getmaskarray(array)] = None
    return found


def _from_objects(array: np.ndarray, name: str) -> np.ndarray:
    found = np.full(array.size, np.nan)
    for number, value in enumerate(objects(array).ravel().tolist()):
        if value is None or value is pd.NA:
            continue
        if not is_number(value, Real):
            raise InputError(f"{name}: entry {number} is {shown(value)}; expected numbers, NaN where one is missing")
        try:
            found[number] = float(value)
        except OverflowError:    # an integer of more than 308 digits
            found[number] = math.inf
    return found.reshape(array.shape)
