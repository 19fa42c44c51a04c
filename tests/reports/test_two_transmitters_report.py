"""Records of two transmitters, worked by hand."""

import numpy as np
import pytest

from rsslib.emitters.metrics import Scores
from rsslib.reports.emitters_paper import two_transmitters


def scores(true, predicted, error):
    return Scores(np.array(true), np.array(predicted), np.array(error, float), 1, 1.0)


def test_a_record_has_counts_and_the_medians_of_what_can_be_measured():
    counted, both = scores([1, 2, 1], [1, 2, 2], [30, 0, np.nan]), scores([1, 2, 1], [2, 2, 2], [np.nan, 8, np.nan])
    record = two_transmitters.record("two peaks", "two transmitters", counted, both)
    assert (record["n"], record["count_accuracy"]) == (3, pytest.approx(2 / 3))
    assert (record["matched_median_m"], record["two_taken_median_m"]) == (15, 8)
    assert record["ci95_matched_median_m"] == (0, 30) and record["ci95_count_accuracy"] == (0, 1)


def test_a_record_without_errors_has_the_reason():
    none = scores([1, 1], [2, 2], [np.nan, np.nan])
    record = two_transmitters.record("two peaks", "one transmitter", none, none)
    assert np.isnan(record["matched_median_m"])
    assert record["matched_median_m_reason"] == "no sample has the right count"
    assert record["two_taken_median_m_reason"] == "no sample has two transmitters"
    assert "ci95_matched_median_m" not in record


def test_fixed_positions_have_only_the_error_of_a_pair():
    record = two_transmitters.fixed_record(scores([2, 2], [2, 2], [300, 500]))
    assert record["two_taken_median_m"] == 400 and record["n"] == 2 and "count_accuracy" not in record
