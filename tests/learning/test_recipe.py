"""The checks of settings: a value of another kind or outside its bounds is named with what is expected."""

import re
from types import SimpleNamespace

import pytest

from rsslib.arguments import shown
from rsslib.learning import recipe
from rsslib.project import InputError

RULES = {"count": recipe.COUNT, "seed": recipe.SEED, "rate": recipe.RATE, "weight": recipe.WEIGHT, "flag": recipe.FLAG}
GOOD = {"count": 3, "seed": 0, "rate": 1e-3, "weight": 0, "flag": False, "loss": "emd"}


def check(**changes):
    recipe.check(SimpleNamespace(**GOOD | changes), RULES, {"loss": ("com", "emd")})


def test_a_good_recipe_passes():
    check()
    check(rate=1, weight=0.5, flag=True, seed=7, loss="com")


@pytest.mark.parametrize("setting, expected", [
    ({"loss": "mse"}, "one of com, emd"), ({"count": 0}, "a whole number from 1 to"),
    ({"loss": ["emd"]}, "one of com, emd"), ({"loss": None}, "one of com, emd"), ({"count": 2.0}, "a whole number"),
    ({"count": 10**6 + 1}, "a whole number from 1 to 1000000"), ({"seed": 2**70}, "from 0 to 4294967295"),
    ({"count": True}, "a whole number"), ({"seed": -1}, "a whole number from 0 to"), ({"rate": 0.0}, "above 0"),
    ({"rate": float("nan")}, "a number above 0"), ({"rate": float("inf")}, "a number above 0"),
    ({"rate": 10**400}, "to 1e30"),
    ({"rate": "5e-4"}, "a number above 0"), ({"rate": True}, "a number"),
    ({"weight": -0.1}, "from 0 to"), ({"weight": None}, "a number"), ({"flag": 1}, "true or false")])
def test_a_setting_that_cannot_be_is_named(setting, expected):
    (name, value), = setting.items()
    with pytest.raises(InputError, match=f"recipe: {name} is {re.escape(shown(value))}; expected .*{expected}"):
        check(**setting)
