"""Checks of single arguments; errors read `{name} is {what was given}; expected {what}`."""

import reprlib
import warnings
from collections.abc import Collection
from typing import Any, TypeGuard

import numpy as np

from rsslib.project import InputError

WHOLE, NUMBER = (int, np.integer), (int, float, np.integer, np.floating)


class _Shortened(reprlib.Repr):
    """Shortens values before they are written out, and catches what their own texts raise."""

    def repr1(self, value: Any, level: int) -> str:
        if isinstance(value, np.generic) and value.dtype.kind in "biufc":
            value = value.item()
        if isinstance(value, int) and value.bit_length() >= 14_000:    # Python writes out no more than 4300 digits
            return "a whole number of thousands of digits"
        # reprlib goes by the name of the type alone
        return (super().repr1 if type(value).__module__ == "builtins" else self.repr_instance)(value, level)


_SHORTENED = _Shortened()
_SHORTENED.maxstring = _SHORTENED.maxother = 200    # it leaves out the middle, behind what `shown` keeps


def shown(value: object) -> str:
    """Return a value as errors show it: on one line of at most 80 characters.

    >>> shown(np.float64(0.5)), shown("x" * 100)[-10:]
    ('0.5', 'xxxxxxx...')
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")    # of libraries that write out their tables
        text = " ".join(_SHORTENED.repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def is_number(value: Any, kinds: type | tuple = NUMBER) -> TypeGuard[float]:
    """Return whether a value is a number of one of the types `kinds`: truth values and time differences are none.

    >>> is_number(2.0), is_number(True), is_number(2.0, WHOLE)
    (True, False, False)
    """
    return isinstance(value, kinds) and not isinstance(value, (bool, np.timedelta64))


def check_type(name: str, value: Any, kind: type | tuple, expected: str = "") -> None:
    """Raise InputError with `name` unless `value` is of the type `kind`."""
    if not isinstance(value, kind):
        raise InputError(f"{name} is {shown(value)}; expected {expected or getattr(kind, '__name__', kind)}")


def check_choice(name: str, value: Any, choices: Collection[str]) -> None:
    """Raise InputError with `name` unless `value` is one of the texts `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} is {shown(value)}; expected one of {', '.join(choices)}")


def whole(name: str, value: Any, lowest: int = 1, highest: float = 10**6, expected: str = "") -> int:
    """Return a whole number from `lowest` to `highest`. Errors: InputError with `name` for anything else.

    >>> whole("n", True, 1, 1024)
    Traceback (most recent call last):
    rsslib.project.InputError: n is True; expected a whole number from 1 to 1024
    """
    if not is_number(value, WHOLE) or not lowest <= value <= highest:
        expected = expected or f"a whole number from {lowest} to {highest}"
        raise InputError(f"{name} is {shown(value)}; expected {expected}")
    return int(value)


def number(name: str, value: Any, lowest: float = -1e30, highest: float = 1e30, expected: str = "") -> float:
    """Return a number from `lowest` to `highest`. Errors: InputError with `name` for anything else, and for NaN."""
    plain = value.item() if isinstance(value, np.generic) else value    # float16 holds no bound above 65504
    if not is_number(value) or not lowest <= plain <= highest:
        expected = expected or f"a number from {lowest:g} to {highest:g}"
        raise InputError(f"{name} is {shown(value)}; expected {expected}")
    return float(plain)


def array(name: str, given: Any, ndim: int | None = None, kinds: str = "iuf", expected: str = "numbers") -> np.ndarray:
    """Return an array of `ndim` dimensions and one value or more (None: any), of `kinds` (numpy's letters).

    Errors: InputError with `name` for anything else, and for masked values; an empty array is of any kind.

    >>> array("cells", [1.5], kinds="iu", expected="whole numbers")
    Traceback (most recent call last):
    rsslib.project.InputError: cells is [1.5]; expected whole numbers
    """
    try:
        values = np.asarray(given)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:    # ragged lists, tensors with a gradient
        reason = str(error).partition("\n")[0]
        raise InputError(f"{name} is {shown(given)}, no array ({reason:.60}); expected {expected}") from None
    if np.ma.is_masked(given) or values.size and values.dtype.kind not in kinds:
        masked = ", with masked values" * np.ma.is_masked(given)
        raise InputError(f"{name} is {shown(given)}{masked}; expected {expected}")
    if ndim is not None and (values.ndim != ndim or not values.size):
        found = f"of shape {values.shape}" if values.size else "empty"
        raise InputError(f"{name} is {found}; expected {expected} in {ndim} dimension{'s' * (ndim > 1)}, at least one")
    return values


def numbers(name: str, given: Any, ndim: int | None = None, lowest: float = -np.inf, highest: float = np.inf,
            expected: str = "finite numbers") -> np.ndarray:
    """Return an array of finite numbers from `lowest` to `highest`. Errors: those of `array`; InputError for others.

    >>> numbers("distance_m", [5.0, -1.0], lowest=1e-9, expected="distances above 0 m")
    Traceback (most recent call last):
    rsslib.project.InputError: distance_m: entry 1 is -1.0 (1 of 2); expected distances above 0 m
    """
    values = array(name, given, ndim, expected=expected)
    wide = values.astype(np.float64, copy=False)
    wrong = ~(np.isfinite(wide) & (wide >= lowest) & (wide <= highest))
    if wrong.any():
        entry = f": entry {'/'.join(map(str, np.argwhere(wrong)[0]))}" if values.ndim else ""
        raise InputError(f"{name}{entry} is {values[wrong][0]} ({wrong.sum()} of {wrong.size}); expected {expected}")
    return values
