"""Records of two transmitters, worked by hand."""

import numpy as np
import pytest
import xarray as xr

from rsslib.emitters.metrics import Scores
from rsslib.ledger import statistics
from rsslib.reports.emitters_paper import two_transmitters


def scores(true, predicted, error):
    return Scores(np.array(true), np.array(predicted), np.array(error, float), 1, 1.0)


def records(name, counted, both, fixed):
    """The records of a method on one set, and of two fixed locations."""
    return two_transmitters.records({name: {"two peaks": two_transmitters.Outcome(counted, both)}}, fixed)


def test_a_record_has_counts_and_the_medians_of_what_can_be_measured():
    counted, both = scores([1, 2, 1], [1, 2, 2], [30, 0, np.nan]), scores([1, 2, 1], [2, 2, 2], [np.nan, 8, np.nan])
    record, _ = records("two transmitters", counted, both, both)
    assert (record["n"], record["count_accuracy"]) == (3, pytest.approx(2 / 3))
    assert (record["matched_median_m"], record["two_taken_median_m"]) == (15, 8)
    assert "ci95_matched_median_m" not in record and record["ci95_count_accuracy"] == (0, 1)


@pytest.mark.parametrize("n, known", [(5, False), (6, True)])
def test_medians_of_fewer_than_six_samples_have_no_interval(n, known):
    part, all_ = scores([2] * n, [2] * n, np.arange(n) * 10), scores([2] * n, [2] * n, np.arange(n) + 100)
    for record in records("two transmitters", part, part, part):
        assert ("ci95_two_taken_median_m" in record) == known
    sides = {"trained on sums": two_transmitters.Outcome(part, part),
             "two peaks": two_transmitters.Outcome(all_, all_)}
    for pair in two_transmitters.pairs({"two transmitters": sides}, all_):
        assert ("ci95_two_taken_median_m" in pair) == known and np.isfinite(pair["two_taken_median_m"])


def test_a_record_without_errors_has_the_reason():
    none = scores([1, 1], [2, 2], [np.nan, np.nan])
    record, _ = records("one transmitter", none, none, none)
    assert np.isnan(record["matched_median_m"])
    assert record["matched_median_m_reason"] == "no sample has the right count"
    assert record["two_taken_median_m_reason"] == "no sample has two transmitters"
    assert "ci95_matched_median_m" not in record


def test_paired_differences_are_of_the_same_samples():
    two, wrong = [2] * 8, [2] * 4 + [1] * 4
    errors, same = np.repeat([10, 20, 30, 40], 2), [5] * 8
    left = two_transmitters.Outcome(scores(two, wrong, [10, 10, 20, 20] + [np.nan] * 4), scores(two, two, errors))
    right = two_transmitters.Outcome(scores(two, two, same), scores(two, two, same))
    outcomes = {"two transmitters": {"trained on sums": left, "two peaks": right}}
    unmeasured = scores(two, two, [100] * 8)
    both, *fixed = two_transmitters.pairs(outcomes, unmeasured)
    assert (both["left_method"], both["right_method"], both["n"]) == ("trained on sums", "two peaks", 8)
    assert both["count_accuracy"] == -0.5 and -0.9 < both["ci95_count_accuracy"][0] < -0.5
    assert (both["n_both_right"], both["both_right_median_m"]) == (4, 10) and both["two_taken_median_m"] == 20
    assert "ci95_both_right_median_m" not in both    # four samples
    assert both["ci95_two_taken_median_m"] == statistics.median_difference(errors, same)[1]
    assert [(row["left_method"], row["right_method"], row["two_taken_median_m"]) for row in fixed] == [
        ("trained on sums", "two fixed places", -75), ("two peaks", "two fixed places", -95)]


def test_a_method_that_alone_counts_all_right_is_ahead_and_not_behind():
    two, one = [2] * 8, [1] * 8
    good = two_transmitters.Outcome(scores(two, two, [5] * 8), scores(two, two, [5] * 8))
    bad = two_transmitters.Outcome(scores(two, one, [np.nan] * 8), scores(two, two, [5] * 8))
    outcomes = {"two transmitters": {"trained on sums": bad, "two peaks": good}}
    pair = two_transmitters.pairs(outcomes, scores(two, two, [100] * 8))[0]
    assert pair["count_accuracy"] == -1 and pair["ci95_count_accuracy"] == (-1, -1)


def test_where_no_sample_is_counted_right_by_both_the_difference_has_a_reason():
    none, all_ = scores([1, 1], [2, 2], [np.nan] * 2), scores([1, 1], [1, 1], [10, 20])
    sides = {"trained on sums": two_transmitters.Outcome(none, none), "two peaks": two_transmitters.Outcome(all_, all_)}
    taken = {name: two_transmitters.Outcome(all_, all_) for name in sides}
    single = two_transmitters.pairs({"one transmitter": sides, "two transmitters": taken}, all_)[0]
    assert np.isnan(single["both_right_median_m"]) and single["n_both_right"] == 0
    assert single["both_right_median_m_reason"] and "two_taken_median_m" not in single


def test_an_outcome_counts_above_the_threshold_and_with_two_forced():
    dataset = xr.Dataset({"tx_x": (("sample", "tx"), [[0.0, 100.0]]), "tx_y": (("sample", "tx"), [[0.0, 0.0]])})
    location = np.array([[[100.0, 30.0], [0.0, 40.0]]])
    outcome = two_transmitters.outcome(np.array([[0.9, 0.4]]), location, dataset)
    assert outcome.counted.predicted.tolist() == [1] and np.isnan(outcome.counted.error[0])
    assert outcome.both.error[0] == pytest.approx(np.sqrt((30**2 + 40**2) / 2))    # the better pairing
    assert two_transmitters.outcome(np.array([[0.9, 0.4]]), location, dataset, threshold=0.3).counted.predicted[0] == 2
    assert two_transmitters.fixed_scores(location[0], dataset).error[0] == outcome.both.error[0]


def test_records_list_sets_and_methods_and_call_the_fixed_pair_locations_only_for_readers():
    part = two_transmitters.Outcome(scores([2], [2], [8]), scores([2], [2], [8]))
    rows = two_transmitters.records({"two transmitters": {"two peaks": part}}, scores([2], [2], [9]))
    assert [row["method"] for row in rows] == ["two peaks", "two fixed places"]
    assert [row["method"] for row in two_transmitters.in_words(rows)] == ["two peaks", "two fixed locations"]


def test_fixed_positions_have_only_the_error_of_a_pair():
    pair = scores([2, 2], [2, 2], [300, 500])
    record = records("two transmitters", pair, pair, pair)[1]
    assert record["two_taken_median_m"] == 400 and record["n"] == 2 and "count_accuracy" not in record


def test_scores_are_weighed_by_what_they_tell_of_the_samples_learned_from():
    generator = np.random.default_rng(0)
    two = np.arange(400) < 200
    tells, says_nothing = (1 / (1 + np.exp(-values)) for values in (
        2.0 * two - 1 + generator.normal(size=400), generator.normal(size=400)))
    together = two_transmitters.weighed([tells, says_nothing], two)
    low, middle, high = together([np.array([0.1, 0.5, 0.9]), np.array([0.9, 0.5, 0.1])])
    assert low < 0.3 and middle == pytest.approx(0.5, abs=0.1) and high > 0.7
    assert np.array_equal(together([np.ones(1), np.zeros(1)]).round(2), [1])    # log-odds stay finite


def test_a_probability_of_two_decides_between_the_places_of_one_and_of_two():
    drawn = xr.Dataset({name: (("sample", "tx"), values) for name, values in (
        ("tx_x", [[0.0, 100.0], [0.0, np.nan]]), ("tx_y", [[0.0, 0.0], [0.0, np.nan]]))})
    both = np.array([[[0.0, 0.0], [130.0, 0.0]]] * 2)
    found = two_transmitters.of_maps(np.array([0.8, 0.3]), np.array([[50.0, 0.0], [40.0, 0.0]]), both, drawn)
    assert found.counted.predicted.tolist() == [2, 1] == found.counted.true.tolist()
    assert found.counted.error[1] == pytest.approx(40)
