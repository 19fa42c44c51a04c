"""The checks of settings: a value of another kind or outside its bounds is named with what is expected."""

from types import SimpleNamespace

import pytest

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
    ({"loss": "mse"}, "one of com, emd"), ({"count": 0}, "a whole number above 0"), ({"count": 2.0}, "a whole number"),
    ({"count": True}, "a whole number"), ({"seed": -1}, "a whole number, at least 0"), ({"rate": 0.0}, "above 0"),
    ({"rate": float("nan")}, "a finite number"), ({"rate": float("inf")}, "a finite number"),
    ({"rate": "5e-4"}, "a finite number above 0"), ({"rate": True}, "a finite number"),
    ({"weight": -0.1}, "at least 0"), ({"weight": None}, "a finite number"), ({"flag": 1}, "true or false")])
def test_a_setting_that_cannot_be_is_named(setting, expected):
    (name, value), = setting.items()
    with pytest.raises(InputError, match=f"recipe: {name} is {value!r}; expected .*{expected}"):
        check(**setting)
