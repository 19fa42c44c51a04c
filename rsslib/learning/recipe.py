"""Validation of training recipes, and of single arguments, shared by both papers."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from rsslib.project import InputError

NUMBER = (int, float)
Rule = tuple[type | tuple[type, ...], str, Callable]
"""The type of a setting, the valid values in words, and the predicate that accepts them."""


def count(lowest: int = 1, highest: int = 10**6) -> Rule:
    """Return the rule of a whole number from `lowest` to `highest`.

    >>> count(2)[1]
    'a whole number from 2 to 1000000'
    """
    return int, f"a whole number from {lowest} to {highest}", lambda value: lowest <= value <= highest


COUNT, THREADS, MEMBERS, SEED = count(), count(highest=1024), count(highest=100), count(0, 2**32 - 1)
RATE: Rule = (NUMBER, "a number above 0, from 1e-30 to 1e30", lambda value: 1e-30 <= value <= 1e30)
WEIGHT: Rule = (NUMBER, "a number from 0 to 1e30", lambda value: 0 <= value <= 1e30)
FLAG: Rule = (bool, "true or false", lambda value: True)


def check(recipe: object, rules: Mapping[str, Rule], choices: Mapping[str, Collection[str]]) -> None:
    """Raise InputError for the first setting of a recipe that is not among its choices or breaks its rule.

    >>> from types import SimpleNamespace
    >>> check(SimpleNamespace(seed=0, loss="emd"), {"seed": SEED}, {"loss": ("com", "emd")})
    """
    for name, values in choices.items():
        check_choice(f"recipe: {name}", getattr(recipe, name), values)
    for name, (kind, expected, is_valid) in rules.items():
        value = getattr(recipe, name)
        if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool or not is_valid(value):
            raise InputError(f"recipe: {name} is {value!r}; expected {expected}")


def check_type(name: str, value: Any, kind: type) -> None:
    """Raise InputError with `name` unless `value` is of the type `kind`."""
    if not isinstance(value, kind):
        raise InputError(f"{name} is of type {type(value).__name__}; expected {kind.__name__}")


def check_whole(name: str, value: Any, lowest: int = 1, highest: int = 10**6, of: str = "") -> int:
    """Return a whole number from `lowest` to `highest`. Errors: InputError with `name` for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not lowest <= value <= highest:
        raise InputError(f"{name} is {value!r}; expected a whole number from {lowest} to {highest}{of}")
    return int(value)


def check_number(name: str, value: Any, lowest: float = -1e30, highest: float = 1e30) -> None:
    """Raise InputError with `name` unless `value` is a number from `lowest` to `highest`; NaN is none."""
    if isinstance(value, bool) or not isinstance(value, (*NUMBER, np.number)) or not lowest <= value <= highest:
        raise InputError(f"{name} is {value!r}; expected a number from {lowest:g} to {highest:g}")


def check_choice(name: str, value: Any, choices: Collection[str]) -> None:
    """Raise InputError with `name` unless `value` is one of the texts `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} is {value!r}; expected one of {', '.join(choices)}")


def as_array(name: str, values: Any, ndim: int = 1, kinds: str = "fiu") -> np.ndarray:
    """Return finite numbers (kinds "b": booleans) as an array of `ndim` dimensions.

    Errors: InputError with `name` for anything else, or nothing.
    """
    if np.ma.getmask(values).any():
        raise InputError(f"{name} has masked entries; leave them out")
    try:
        given = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:    # ragged lists, data sets, tensors with a gradient
        raise InputError(f"{name} is no array of numbers ({str(error).partition(chr(10))[0]})") from None
    if given.ndim != ndim or given.dtype.kind not in kinds or not given.size:
        wanted = "booleans" if kinds == "b" else "numbers"
        raise InputError(f"{name} is {given.dtype} of shape {given.shape}; expected {wanted} in {ndim} "
                         f"dimension{'s' * (ndim > 1)}, at least one")
    finite = np.isfinite(given)
    if not finite.all():
        raise InputError(f"{name}: entry {'/'.join(map(str, np.argwhere(~finite)[0]))} is {given[~finite][0]} "
                         f"({(~finite).sum()} of {given.size} entries); expected finite numbers: leave it out")
    return given
