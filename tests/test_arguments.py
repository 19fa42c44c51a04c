"""Checks of arguments: what is wrong is named and shown in one short line, whatever it is."""

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from rsslib import arguments
from rsslib.project import InputError


class Mute:
    def __repr__(self):
        raise RuntimeError("no text")


Impostor = type("list", (), {})    # reprlib would take it for a list
ITSELF: list = []
ITSELF.append(ITSELF)


def kind(value):
    return type(value).__name__    # numbers of thousands of digits are no names of tests


@pytest.mark.parametrize("value, text", [
    (10**5000, "a whole number of thousands of digits"), ([-10**5000], "[a whole number of thousands of digits]"),
    (10**100, "10000"), (np.float64(0.5), "0.5"), ([np.int8(3), np.True_], "[3, True]"),
    ("a\n\u2028b", r"'a\n\u2028b'"),
    (np.timedelta64(4, "ns"), "np.timedelta64(4,'ns')"), (Mute(), "<Mute instance"), ([Mute()], "[<Mute instance"),
    (Impostor(), "<"),
    (ITSELF, "[[[["), ([[1], [2, 3]], "[[1], [2, 3]]"), (list(range(10**6)), "[0, 1, 2, 3, 4, 5, ...]"),
    (np.zeros((2, 2)), "array([[0., 0.], [0., 0.]])"), (np.zeros((500, 500)), "array([[0., 0."),
    (np.array([10**5000], object), "<ndarray instance"), ("x" * 10**6, "'xxxx"), (b"x" * 10**6, "b'xxx"),
    (torch.zeros(2), "tensor([0., 0.])"), (xr.Dataset(), "<xarray.Dataset>"), (np.ma.masked, "masked")], ids=kind)
def test_a_value_is_shown_on_one_short_line(value, text):
    found = arguments.shown(value)
    assert found.startswith(text) and len(found) <= 80 and found.isprintable()


@pytest.mark.parametrize("value", [
    0, 8, 1.0, True, np.True_, "3", None, np.nan, np.float64(3), np.array(3), torch.tensor(3), [3], Fraction(3),
    Decimal(3), np.timedelta64(3, "s"), 10**5000, Mute(), np.ma.masked, date(2026, 1, 3)], ids=kind)
def test_what_is_no_whole_number_is_named(value):
    shown = re.escape(arguments.shown(value))
    with pytest.raises(InputError, match=f"^count is {shown}; expected a whole number from 1 to 7$"):
        arguments.whole("count", value, 1, 7)
    with pytest.raises(InputError, match="^count is .*; expected seven or less$"):
        arguments.whole("count", value, 1, 7, "seven or less")


@pytest.mark.parametrize("value", [
    -0.1, 1.1, np.nan, np.inf, True, np.True_, "0.5", None, [0.5], 0.5j, np.complex64(0.5), np.array(0.5),
    Fraction(1, 2), Decimal("0.5"), np.timedelta64(1, "s"), 10**400, np.float16(np.inf), np.ma.masked, pd.NA], ids=kind)
def test_what_is_no_number_is_named(value):
    with pytest.raises(InputError, match="^share is .*; expected a number from 0 to 1$"):
        arguments.number("share", value, 0, 1)


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), 3.0, np.float16(3), np.float32(3), np.longdouble(3)])
def test_numbers_of_numpy_are_numbers(value):
    found = arguments.number("size", value)
    assert found == 3.0 and type(found) is float
    if arguments.is_number(value, arguments.WHOLE):
        assert type(arguments.whole("size", value, 3, 3)) is int


def test_types_and_choices():
    arguments.check_type("grid", {}, (dict, list))
    arguments.check_choice("loss", "emd", ("com", "emd"))
    with pytest.raises(InputError, match="^grid is 'x'; expected dict$"):
        arguments.check_type("grid", "x", dict)
    with pytest.raises(InputError, match="^grid is 'x'; expected a mapping$"):
        arguments.check_type("grid", "x", dict, "a mapping")
    for value in ("mse", ["emd"], None, 10**5000):
        with pytest.raises(InputError, match="^loss is .*; expected one of com, emd$"):
            arguments.check_choice("loss", value, ("com", "emd"))


@pytest.mark.parametrize("given, found", [
    (["1"], r" is \['1'\]; expected finite numbers"), ([True], r" is \[True\]; .*numbers"), ([1j], " is .*; .*numbers"),
    ([[1], [2, 3]], r" is \[\[1\], \[2, 3\]\], no array \(setting an array.*\); expected finite numbers"),
    (torch.zeros(2, requires_grad=True), r" is tensor.*, no array \(Can't call numpy.*\); .*numbers"),
    (np.ma.array([1.0, 2.0], mask=[False, True]), " is .*, with masked values; expected finite numbers"),
    ([None, 1.0], r" is \[None, 1.0\]; .*numbers"),
    ([[1.0]], r" is of shape \(1, 1\); .* in 1 dimension, at least one"),
    ([], " is empty; .* at least one"),
    (3.0, r" is of shape \(\)"), ([0.0, np.nan, np.nan], r": entry 1 is nan \(2 of 3\)"),
    ([np.inf], r": entry 0 is inf \(1 of 1\); expected finite numbers$"), (np.array([1], "m8[s]"), " is array"),
    (xr.Dataset(), " is .*, no array"), (Mute(), " is <Mute instance")])
def test_what_is_no_series_of_numbers_is_named(given, found):
    with pytest.raises(InputError, match=f"^error{found}"):
        arguments.numbers("error", given, 1)


def test_numbers_keep_their_type_and_lie_in_their_bounds():
    assert arguments.numbers("x", np.float32([1, 2]), 1).dtype == np.float32
    assert arguments.numbers("x", [[1, 2]], 2).tolist() == [[1, 2]] and arguments.numbers("x", []).size == 0
    with pytest.raises(InputError, match=r"^x: entry 0/1 is 2 \(1 of 2\); expected numbers to 1$"):
        arguments.numbers("x", [[1, 2]], 2, 0, 1, "numbers to 1")
    with pytest.raises(InputError, match=r"^x is 2.0 \(1 of 1\)"):
        arguments.numbers("x", 2.0, highest=1)


def test_arrays_are_of_a_kind():
    assert arguments.array("two", [True, False], 1, "b", "booleans").dtype == bool
    with pytest.raises(InputError, match=r"^two is \[1\]; expected booleans$"):
        arguments.array("two", [1], 1, "b", "booleans")
