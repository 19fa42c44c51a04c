"""What callers give: whatever it is, one value of the right kind or an InputError that names the argument."""

import datetime
import decimal

import numpy as np
import pytest
import torch
import xarray as xr

from rsslib.project import InputError
from rsslib.propagation import arguments

NONSENSE = [None, "", "4", b"4", [], {}, object(), np.nan, np.inf, -np.inf, True, np.True_, 4j, [4], [[4], [4, 5]],
            np.array(["4"]), np.array([4, None]), np.ma.masked, np.ma.array(4, mask=True), datetime.date(2026, 1, 1),
            np.timedelta64(4, "s"), decimal.Decimal(4), 10**400, -4, lambda: 4, torch.zeros(2), xr.Dataset()]


@pytest.mark.parametrize("given", NONSENSE)
def test_nonsense_is_no_number(given):
    with pytest.raises(InputError, match="^size is .* expected a size$"):
        arguments.number("size", given, "a size", 0.0)
    with pytest.raises(InputError, match="^size is .* expected a size$"):
        arguments.whole("size", given, "a size", 0, 9)


@pytest.mark.parametrize("given", [value for value in NONSENSE if not isinstance(value, (int, list)) or value == -4])
def test_nonsense_is_no_array(given):
    with pytest.raises(InputError, match="^sizes(: entry 0)? is .* expected sizes$"):
        arguments.numbers("sizes", given, "sizes", 1e-9)


@pytest.mark.parametrize("given", [4, 4.0, np.int8(4), np.uint64(4), np.float32(4), np.array(4), torch.tensor(4),
                                   xr.DataArray(4), np.ma.array(4, mask=False)])
def test_numbers_of_all_makes_are_numbers(given):
    value = arguments.number("size", given, "a size", 0.0)
    assert value == 4.0 and type(value) is float
    if np.asarray(given).dtype.kind in "iu":
        assert type(arguments.whole("size", given, "a size", 4, 4)) is int
    else:
        with pytest.raises(InputError, match="^size is 4.0; expected a size"):
            arguments.whole("size", given, "a size", 4, 4)


def test_limits_are_included():
    assert arguments.number("size", 2, "a size", 2.0, 2.0) == 2.0 and arguments.whole("size", 2, "a size", 2, 2) == 2
    for outside in (1, 3):
        with pytest.raises(InputError):
            arguments.number("size", outside, "a size", 2.0, 2.0)
        with pytest.raises(InputError):
            arguments.whole("size", outside, "a size", 2, 2)


def test_long_values_are_shortened():
    for given in ("x" * 10**6, list(range(10**5)), np.zeros((500, 500))):
        with pytest.raises(InputError) as raised:
            arguments.number("size", given, "a size")
        assert len(str(raised.value)) < 200


@pytest.mark.parametrize("given", [[[1.0]], [1.0, 2.0], [[[1.0, 2.0]]], np.zeros((3, 3)), []])
def test_positions_have_two_columns(given):
    with pytest.raises(InputError, match=r"^here is of shape .*; expected \(points, 2\)"):
        arguments.positions("here", given)
