"""Validation of training recipes, shared by both papers."""

from collections.abc import Callable, Collection, Mapping

from rsslib.project import InputError

NUMBER = (int, float)
Rule = tuple[type | tuple[type, ...], str, Callable]
"""The type of a setting, the valid values in words, and the predicate that accepts them."""

COUNT: Rule = (int, "a whole number above 0", lambda value: value > 0)
SEED: Rule = (int, "a whole number, at least 0", lambda value: value >= 0)
RATE: Rule = (NUMBER, "a finite number above 0", lambda value: 0 < value < float("inf"))
WEIGHT: Rule = (NUMBER, "a finite number, at least 0", lambda value: 0 <= value < float("inf"))
FLAG: Rule = (bool, "true or false", lambda value: True)


def check(recipe: object, rules: Mapping[str, Rule], choices: Mapping[str, Collection[str]]) -> None:
    """Raise InputError for the first setting of a recipe that is not among its choices or breaks its rule.

    >>> from types import SimpleNamespace
    >>> check(SimpleNamespace(seed=0, loss="emd"), {"seed": SEED}, {"loss": ("com", "emd")})
    """
    for name, values in choices.items():
        if getattr(recipe, name) not in values:
            raise InputError(f"recipe: {name} is {getattr(recipe, name)!r}; expected one of {', '.join(values)}")
    for name, (kind, expected, is_valid) in rules.items():
        value = getattr(recipe, name)
        if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool or not is_valid(value):
            raise InputError(f"recipe: {name} is {value!r}; expected {expected}")
