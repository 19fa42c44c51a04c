"""What callers give to this package: numbers, arrays, positions; or an InputError that names the argument."""

from typing import Any

import numpy as np

from rsslib import arguments
from rsslib.data.arrays import MAX_PER_SIDE
from rsslib.project import InputError

MOST_SEED = 2**32 - 2
"""The ray tracer's generator takes 32 bits, and counts from one."""


def numbers(name: str, given: Any, expected: str, least: float = -1e12, most: float = 1e12) -> np.ndarray:
    """Return an argument as float64 numbers of any shape, all from `least` to `most`."""
    return arguments.numbers(name, given, None, least, most, expected).astype(np.float64, copy=False)


def number(name: str, given: Any, expected: str, least: float = -1e12, most: float = 1e12) -> float:
    """Return an argument as one number from `least` to `most`, given alone or in an array without dimensions.

    >>> number("side_m", "5 km", "a side in metres", 0.0)
    Traceback (most recent call last):
    rsslib.project.InputError: side_m is '5 km'; expected a side in metres
    """
    return arguments.number(name, _alone(name, given, expected), least, most, expected)


def whole(name: str, given: Any, expected: str, least: int, most: int) -> int:
    """Return an argument as one whole number from `least` to `most`, as `number`; 4.0 and True are none."""
    return arguments.whole(name, _alone(name, given, expected), least, most, expected)


def _alone(name: str, given: Any, expected: str) -> Any:
    """Return what an array without dimensions holds, and anything else as it is."""
    values = arguments.array(name, given, expected=expected)
    return values.item() if values.shape == () else given


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
        raise InputError(f"{name} is of shape {values.shape}; expected (points, 2): x and y [m], one "
                         "position a row")
    return values
