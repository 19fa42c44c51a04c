"""Tables: labels, intervals and printed values as text; nothing is lost or left as a raw value."""

import numpy as np
import pytest

from rsslib.project import InputError
from rsslib.reports.tables import NOTHING, Column, cell, matrix, name, table

RECORDS = [{"loss": loss, "split": split, "median_m": value, "ci95_m": [value - 5, value + 5]}
           for loss, split, value in (("com", "grid2", 346.25), ("emd", "grid2", 339.0), ("com", "july", 12345.6))]


def test_a_cell_has_the_interval_of_its_record_and_its_decimals():
    assert cell(RECORDS[0], "median_m", 1) == "346.3 (341.3 to 351.3)"
    assert cell({"rate": 0.1135, "ci95_rate": (-0.1, 0.3)}, "rate", 1, 100) == "11.4 (\N{MINUS SIGN}10.0 to 30.0)"
    assert cell(RECORDS[2], "median_m") == "12 346 (12 341 to 12 351)" and cell({"n": 4578}, "n") == "4578"


@pytest.mark.parametrize("value", [None, float("nan"), np.float32("nan"), float("inf"), []])
def test_what_is_not_there_is_a_dash(value):
    assert cell({"m": value}, "m") == NOTHING


@pytest.mark.parametrize("ends", [None, [None, None], [float("nan"), 1.0]])
def test_an_interval_without_ends_is_left_out(ends):
    assert cell({"m": 3.0, "ci95_m": ends}, "m") == "3"


def test_numpy_numbers_are_numbers_and_other_values_text():
    assert cell({"n": np.int64(50000)}, "n") == "50 000" and cell({"n": np.float32(0.5)}, "n", 1) == "0.5"
    assert cell({"right": True}, "right") == "True" and name({"a": 1}) == "{'a': 1}"


def test_names_are_those_of_the_field():
    assert cell({"set": "july"}, "set") == "July" and cell({"split": "july"}, "split") == "July→Nov"
    assert cell({"tested_on": "new_york"}, "tested_on") == "New York" and name("grid10") == "Grid10"


def test_the_papers_value_stands_beside_ours_as_it_is_printed():
    shown = table(RECORDS, [("loss", "loss"), Column("error [m]", "median_m", 0, 1, {("emd", "grid2"): 277.5},
                                                     ("loss", "split"))])
    assert list(shown.columns) == ["error [m]", "error [m], paper"]
    assert list(shown["error [m], paper"]) == [NOTHING, "277.5", NOTHING]
    share = table([{"k": "a", "rate": 0.5}], [("k", "k"), Column("rate [%]", "rate", 0, 100, {("a",): 0.666}, ("k",))])
    assert share["rate [%], paper"].iloc[0] == "66.6"


def test_a_matrix_has_a_cell_for_each_record_and_a_dash_where_there_is_none():
    shown = matrix(RECORDS, "loss", "split", "median_m", printed={("com", "grid2"): 334.0})
    assert shown.loc["CoM", "Grid2"] == "346 (341 to 351) [paper 334]" and shown.loc["EMD", "July→Nov"] == NOTHING


def test_nothing_is_lost_silently():
    with pytest.raises(InputError, match="two columns have the same label"):
        table(RECORDS, [("loss", "loss"), ("m", "median_m"), ("m", "split")])
    with pytest.raises(InputError, match="two records have loss 'com' and split 'grid2'"):
        matrix([RECORDS[0], RECORDS[0]], "loss", "split", "median_m")
    for keys in (("los", "split", "median_m"), ("loss", "splits", "median_m"), ("loss", "split", "median")):
        with pytest.raises(InputError, match="matrix: no '(los|splits|median)' in a record; it has loss, split"):
            matrix(RECORDS, *keys)
    with pytest.raises(InputError, match="table: no columns"):
        table(RECORDS, [])


@pytest.mark.parametrize("value, text", [
    ("random", "Random"), ("grid7", "Grid7"), ("grid12", "Grid12"), ("published_random", "Published random"),
    ("published_grid", "Published grid"), ("blocks", "Blocks"), ("two fixed places", "two fixed places"),
    ("grid", "grid"), (7, "7"), (None, NOTHING), ([], NOTHING)])
def test_names_are_for_readers_also_those_of_separations_that_the_paper_does_not_have(value, text):
    assert name(value) == text
