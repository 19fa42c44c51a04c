"""Index sets: masks and whole numbers are taken, everything else is named with its set."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from rsslib.data import splits
from rsslib.data.index_sets import checked, indices
from rsslib.project import InputError, InputWarning

MASK = [True, False, True, True, False]


@pytest.mark.parametrize("convert", [list, tuple, np.array, pd.Series, xr.DataArray, torch.tensor, pd.array,
                                     lambda values: np.ma.array(values)])
def test_masks_and_indices_come_in_many_kinds(convert):
    for given in (MASK, [0, 2, 3]):
        found = indices(convert(given), 5, "test")
        assert found.tolist() == [0, 2, 3] and found.dtype == np.int64


def test_the_order_is_kept_and_types_are_widened():
    assert indices(np.array([3, 0, 2], np.uint8), 5, "test").tolist() == [3, 0, 2]
    assert indices(range(3), 5, "test").tolist() == [0, 1, 2]
    assert indices(np.array([1, 2], ">i4"), 5, "test").dtype == np.int64


@pytest.mark.parametrize("given, message", [
    (MASK[:4], "is a mask of 4 booleans; expected .* a mask of 5 booleans"),
    (MASK + [True], "is a mask of 6 booleans"), ([False] * 5, "is empty"), ([], "is empty"),
    ([5], r"holds 5 \(1 of 1 indices\); expected whole numbers from 0 to 4"),
    ([0, -1, -2], r"holds -1 \(2 of 3 indices"),
    ([2**63], "holds 9223372036854775808"), ([2**70], r"is \[1180.*\]; expected whole numbers"),
    ([1, 3, 1], r"repeats 1, 2 times \(1 of 2 samples are repeated\)"),
    (np.array(MASK).astype(int), "repeats 1, 3 times .* a mask must be of booleans, not 0 and 1"),
    ([1.0, 2.0], r"is \[1.0, 2.0\]; expected whole numbers from 0 to 4, or a mask of 5"), ([0.5], r"is \[0.5\]"),
    ([np.nan], r"is \[nan\]"), (["1"], r"is \['1'\]"), ([None, 1], r"is \[None, 1\]"),
    ([1 + 0j], r"is \[\(1\+0j\)\]"), (np.array(["2022-07-01"], "M8[ns]"), "is array"),
    ([[1], [2]], r"is of shape \(2, 1\)"), (3, r"is of shape \(\)"), (None, "is None; expected"),
    ("abc", "is 'abc'"), ({1, 2}, "is {1, 2}"), ({"a": 1}, "is {'a': 1}"),
    (slice(0, 2), "is slice"), ([[1], [2, 3]], "is .*, no array"),
    (torch.tensor([1.0], requires_grad=True), "is .*, no array"),
    (xr.Dataset(), "is .*, no array"),
    (pd.DataFrame({"a": [1]}), r"is of shape \(1, 1\)"),
    (np.ma.array([1, 2], mask=[0, 1]), "is .*, with masked values"),
    (pd.array([1, None], dtype="Int64"), "is .*, with masked values"), (pd.Series([True, None]), "is 0 +True")])
def test_what_is_no_index_set_is_named(given, message):
    with pytest.raises(InputError, match=f"^predict: the set 'test' {message}"):
        checked({"train": [0], "test": given}, 5, "predict")


def test_samples_may_be_repeated_where_that_is_meant():
    assert indices([1, 1, 0], 2, "samples", repeated=True).tolist() == [1, 1, 0]
    with pytest.raises(InputError, match="samples holds 2"):
        indices([1, 2], 2, "samples", repeated=True)


@pytest.mark.parametrize("sets", [None, [0, 1], np.arange(3), "train", 3, {0, 1}])
def test_sets_have_names(sets):
    with pytest.raises(InputError, match="fit: sets is .*; expected index sets by name"):
        checked(sets, 5, "fit")


@pytest.mark.parametrize("name", ["", " ", 3, None, ("a",), "a\nb", "a\0"])
def test_names_are_texts(name):
    with pytest.raises(InputError, match="fit: a set is named .*; expected a name such as 'test'"):
        checked({name: [1]}, 5, "fit")


def test_a_set_that_is_needed_is_named():
    with pytest.raises(InputError, match="fit: the set 'val' is missing; found train, test"):
        checked({"train": [0], "test": [1]}, 5, "fit", needed=("train", "val"))


def test_training_and_validation_share_no_sample():
    for val in ([0, 1, 2], [2, 4], np.array(MASK)):
        with pytest.raises(InputError, match="fit: the sets 'train' and 'val' share . samples, the first is"):
            checked({"train": [0, 1, 2], "val": val}, 5, "fit")
    assert checked({"train": [0], "val": [0]}, 5, "predict", disjoint=())["val"].tolist() == [0]


def test_a_test_set_that_was_trained_on_brings_a_warning():
    with pytest.warns(InputWarning, match="fit: 2 of 3 samples of the set 'test' are also in 'train'"):
        checked({"train": [0, 1, 2], "val": [3], "test": [1, 2, 4]}, 5, "fit")


@pytest.mark.parametrize("split", ["random", "july", "november", "grid2"])
def test_the_papers_splits_pass_as_they_are(campus, split):
    sets = splits.make(campus, split)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = checked(sets, campus.sizes["sample"], "fit", needed=("train", "val"))
    assert list(found) == list(sets) and all(np.array_equal(found[name], sets[name]) for name in sets)
