"""Validation of training recipes, shared by both papers."""

from collections.abc import Callable, Collection, Mapping

from rsslib.arguments import check_choice, is_number, shown
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
        if not (isinstance(value, bool) if kind is bool else is_number(value, kind)) or not is_valid(value):
            raise InputError(f"recipe: {name} is {shown(value)}; expected {expected}")


