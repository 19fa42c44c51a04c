"""What callers give to this package: numbers, arrays, positions; or an InputError that names the argument."""

import math
import reprlib
from typing import Any

import numpy as np

from rsslib.data.arrays import MAX_PER_SIDE
from rsslib.project import InputError

MOST_SEED = 2**32 - 2
"""The ray tracer's generator takes 32 bits, and counts from one."""


def shown(given: Any) -> str:
    """Return a value as errors show it: shortened, in one line.

    >>> shown(np.float64(0.5)), shown("a" * 99)
    ('0.5', "'aaaaaaaaaaaa...aaaaaaaaaaaaa'")
    """
    return " ".join(reprlib.repr(given.item() if isinstance(given, np.generic) else given).split())


def array(name: str, given: Any, kinds: str, expected: str) -> np.ndarray:
    """Return an argument as an array whose dtype is of one of `kinds` (numpy's letters); empty ones are of any.

    >>> array("cells", [1.5], "iu", "whole numbers")
    Traceback (most recent call last):
    rsslib.project.InputError: cells: found [1.5]; expected whole numbers
    """
    try:
        values = np.asarray(given)
    except (ValueError, TypeError, RuntimeError):    # rows of different lengths, or a tensor of another device
        raise InputError(f"{name}: found {shown(given)}, which is no array; expected {expected}") from None
    if np.ma.is_masked(given) or values.size and values.dtype.kind not in kinds:
        raise InputError(f"{name}: found {'masked values in ' * np.ma.is_masked(given)}{shown(given)}; expected "
                         f"{expected}")
    return values


def numbers(name: str, given: Any, expected: str, least: float = -1e12, most: float = 1e12) -> np.ndarray:
    """Return an argument as float64 numbers of any shape, all from `least` to `most`.

    >>> numbers("distance_m", [5.0, -1.0], "distances above 0 m", 1e-9)
    Traceback (most recent call last):
    rsslib.project.InputError: distance_m: found -1.0 (1 of 2 values); expected distances above 0 m
    """
    values = array(name, given, "iuf", expected).astype(np.float64, copy=False)
    wrong = ~((values >= least) & (values <= most))    # so that NaN is wrong
    if wrong.any():
        raise InputError(f"{name}: found {values[wrong][0]} ({wrong.sum()} of {wrong.size} values); expected "
                         f"{expected}")
    return values


def number(name: str, given: Any, expected: str, least: float = -math.inf, most: float = math.inf) -> float:
    """Return an argument as one finite number from `least` to `most`.

    >>> number("side_m", "5 km", "a side in metres", 0.0)
    Traceback (most recent call last):
    rsslib.project.InputError: side_m: found '5 km'; expected a side in metres
    """
    values = array(name, given, "iuf", expected)
    if values.shape != () or not (least <= values <= most and np.isfinite(values)):
        raise InputError(f"{name}: found {shown(given)}; expected {expected}")
    return float(values)


def whole(name: str, given: Any, expected: str, least: int, most: int) -> int:
    """Return an argument as one whole number from `least` to `most`; 4.0 and True are none.

    >>> whole("n", True, "1 or more cells per side", 1, 1024)
    Traceback (most recent call last):
    rsslib.project.InputError: n: found True; expected 1 or more cells per side
    """
    values = array(name, given, "iu", expected)
    if values.shape != () or not least <= values <= most:
        raise InputError(f"{name}: found {shown(given)}; expected {expected}")
    return int(values)


def cells_per_side(given: Any, name: str = "n") -> int:
    """Return the cells per side of a map."""
    return whole(name, given, f"a whole number of cells per side, at least 1 cell and at most {MAX_PER_SIDE}", 1,
                 MAX_PER_SIDE)


def seed(given: Any, name: str = "seed") -> int:
    """Return the seed of a random generator."""
    return whole(name, given, f"a whole number from 0 to {MOST_SEED}", 0, MOST_SEED)


def side(given: Any, name: str = "side_m") -> float:
    """Return the side of a map [m]."""
    return number(name, given, "a side above 0 m: 1 m to 1000 km", 1.0, 1e6)


def frequency(given: Any, name: str = "frequency_hz") -> float:
    """Return a frequency [Hz]."""
    return number(name, given, "a frequency from 1e6 to 1e12 Hz: 3.5 GHz is 3.5e9", 1e6, 1e12)


def power_dbm(given: Any, name: str) -> float:
    """Return a power [dBm]."""
    return number(name, given, "a power from -1000 to 1000 dBm", -1e3, 1e3)


def positions(name: str, given: Any) -> np.ndarray:
    """Return an argument as positions, (points, 2) [m]."""
    values = numbers(name, given, "positions (x, y) [m], one a row")
    if values.ndim != 2 or values.shape[1] != 2:
        raise InputError(f"{name}: found an array of shape {values.shape}; expected (points, 2): x and y [m], one "
                         "position a row")
    return values
