"""Arrays of a caller: masks become NaN, and what is no number or no text is named."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from rsslib.data import arrays
from rsslib.project import InputError

MASKED = np.ma.masked_equal([[1.0, -9.0], [3.0, 4.0]], -9.0)


@pytest.mark.parametrize("values", [
    [[1, None], [3, 4]], np.array([[1, np.nan], [3, 4]], np.float16), MASKED, list(MASKED), MASKED.astype(int),
    [[1, np.ma.masked], [3, 4]], np.array([[1, None], [3, 4]], object),
    np.ma.array([[1, "x"], [3, 4]], mask=MASKED.mask, dtype=object),
    pd.DataFrame([[1, None], [3, 4]]), pd.DataFrame([[1, None], [3, 4]]).convert_dtypes(), [[1, pd.NA], [3, 4]],
    xr.DataArray([[1, np.nan], [3, 4]]), torch.tensor([[1, torch.nan], [3, 4]]), [[Fraction(1), float("nan")], [3, 4]]])
def test_what_is_masked_or_missing_is_nan(values):
    found = arrays.numbers(values, "x", {"row": 2, "column": 2})
    assert found.dtype == np.float64 and type(found) is np.ndarray
    assert np.array_equal(found, [[1, np.nan], [3, 4]], equal_nan=True)


@pytest.mark.parametrize("values, found", [
    ("5", "holds <U1"), (["1", "2"], "holds <U1"), ([True, False], "holds bool"), ([1j], "holds complex128"),
    (np.array(["2022"], "M8[D]"), r"holds datetime64\[D\]"), (np.array([1], "m8[s]"), r"holds timedelta64\[s\]"),
    ([b"1"], "holds .S1"), ([[1], [2, 3]], "not an array"), ({"a": 1}, "entry 0 is {'a': 1}"),
    ([1, "a", None], "entry 1 is 'a'"),
    ([None, True], "entry 1 is True"), (np.array([(1, 2)], "i8,i8"), "holds records"),
    (lambda: 1, "entry 0 is <function"),
    (torch.zeros(2, requires_grad=True), "not an array"), (pd.to_datetime(["2022"]).tz_localize("UTC"), "entry 0 is")])
def test_what_is_no_number_is_named(values, found):
    with pytest.raises(InputError, match=f"^x: {found}.*expected numbers"):
        arrays.numbers(values, "x")


def test_numbers_that_are_too_large_are_infinite():
    assert arrays.numbers([10**400, 1.0], "x").tolist() == [np.inf, 1.0]


@pytest.mark.parametrize("values", [["a", "b"], np.array(["a", "b"], object), pd.Series(["a", "b"]), ("a", "b"),
                                    pd.Categorical(["a", "b"]), pd.array(["a", "b"], dtype="string")])
def test_texts_are_texts_of_numpy(values):
    found = arrays.texts(values, "x", {"row": 2})
    assert found.dtype == "U1" and found.tolist() == ["a", "b"]


@pytest.mark.parametrize("values, found", [
    (["a", None], "entry 1 is None"), (["a", ""], "entry 1 is ''"), (["a", "\n"], "entry 1 is"),
    ([1, 2], "entry 0 is 1"),
    ("ab", r"shape \(\); expected \(row\) = \(2,\)"), ([["a", "b"]], r"shape \(1, 2\)"),
    (["a", chr(0xd800)], "entry 1 is"),
    (np.ma.array(["a", "b"], mask=[False, True]), "entry 1 is None"), ([b"a", b"b"], "entry 0 is b'a'"),
    (["a", np.nan], "entry 1 is"), ([True, False], "entry 0 is True")])
def test_what_is_no_text_is_named(values, found):
    with pytest.raises(InputError, match=f"^x: {found}"):
        arrays.texts(values, "x", {"row": 2})
