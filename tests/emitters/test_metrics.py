"""Counts and distances by hand: extra, missed, none, all, crossed pairs, no right count; DeepMTL's; intervals."""

import numpy as np
import pytest

from rsslib.emitters.metrics import Scores, by_count, deepmtl_metrics, differences, metrics, score
from rsslib.project import InputError

N, SIDE_M = 64, 6400.0  # cells of 100 m


def case(*samples):
    """Each sample: [(existence, row, column), ...] predicted, [(row, column), ...] true."""
    existence, place, true = (np.full((len(samples), 3, *rest), fill) for rest, fill in (
        ((), 0.0), ((2,), 0.0), ((2,), np.nan)))
    for number, (said, truth) in enumerate(samples):
        for slot, (sure, row, column) in enumerate(said):
            existence[number, slot], place[number, slot] = sure, (row, column)
        for slot, there in enumerate(truth):
            true[number, slot] = there
    return existence, place, true, N, SIDE_M


EXTRA = ([(0.9, 5, 5), (0.8, 9, 9), (0.7, 40, 40)], [(5, 5)])
MISSED = ([(0.9, 5, 5)], [(5, 5), (9, 9), (30, 30)])
NONE = ([(0.5, 5, 5)], [(5, 5)])             # 0.5 is not above 0.5
FULL = ([(0.9, 10, 10), (0.8, 20, 20), (0.9, 30, 33)], [(30, 30), (10, 14), (20, 20)])
RIGHT = ([(0.1, 50, 50), (0.9, 8, 9)], [(5, 5)])


def test_extra_predictions_are_false_alarms():
    found = metrics(score(*case(EXTRA)), draws=0)
    assert (found["n"], found["cmr"], found["fa"], found["mr"]) == (1, 0, 2, 0)


def test_too_few_predictions_are_misses():
    found = metrics(score(*case(MISSED)), draws=0)
    assert (found["cmr"], found["fa"], found["mr"]) == (0, 0, pytest.approx(2 / 3))


def test_nothing_found_is_a_miss_of_all():
    found = metrics(score(*case(NONE)), draws=0)
    assert (found["cmr"], found["fa"], found["mr"]) == (0, 0, 1)
    assert np.isnan(found["rmse_px"]) and found["rmse_px_reason"] == "no sample with emitters has the right count"
    assert found["rmse_m_reason"] and found["rmse_share_reason"] and "cmr_reason" not in found


def test_all_three_are_paired_by_the_cheapest_order():
    scores = score(*case(FULL))
    assert scores.error[0] == pytest.approx(np.sqrt((3**2 + 4**2 + 0) / 3))
    found = metrics(scores, draws=0)
    assert (found["cmr"], found["fa"], found["mr"]) == (1, 0, 0)


def test_units_of_the_error():
    found = metrics(score(*case(RIGHT)), draws=0)
    assert found["rmse_px"] == 5 and found["rmse_share"] == 5 / 64 and found["rmse_m"] == 500


def test_counts_add_up_over_samples_and_the_error_is_the_mean_of_roots():
    found = metrics(score(*case(EXTRA, MISSED, NONE, FULL, RIGHT)), draws=0)
    assert found["cmr"] == 2 / 5 and found["fa"] == 2 / 9 and found["mr"] == 3 / 9
    assert found["rmse_px"] == pytest.approx((np.sqrt(25 / 3) + 5) / 2)


def test_an_extra_and_a_miss_of_two_samples_do_not_cancel():
    two_for_one = ([(0.9, 5, 5), (0.8, 9, 9)], [(5, 5)])
    one_for_two = ([(0.9, 5, 5)], [(5, 5), (9, 9)])
    found = metrics(score(*case(two_for_one, one_for_two)), draws=0)
    assert (found["cmr"], found["fa"], found["mr"]) == (0, 1 / 3, 1 / 3)


def test_a_true_sample_without_emitters():
    nothing = ([], [])
    found = metrics(score(*case(nothing)), draws=20)
    assert found["cmr"] == 1 and found["fa_reason"] == found["mr_reason"] == "no sample has an emitter"
    assert np.isnan(found["rmse_px"]) and found["rmse_px_ci95"] is None
    assert metrics(score(*case(nothing, RIGHT)), draws=0)["rmse_px"] == 5


def test_the_threshold_moves_what_counts():
    assert score(*case(NONE), threshold=0.4).predicted[0] == 1
    assert score(*case(EXTRA), threshold=0.75).predicted[0] == 2


def test_by_true_count():
    found = by_count(score(*case(EXTRA, MISSED, NONE, FULL, RIGHT)), draws=0)
    assert set(found) == {1, 3} and found[1]["n"] == 3 and found[3]["cmr"] == 0.5
    assert found[1]["fa"] == 2 / 3 and found[3]["mr"] == 2 / 6


def random_scores(count, seed=0):
    random = np.random.default_rng(seed)
    true, predicted = random.integers(1, 4, (2, count))
    return Scores(true, predicted, np.where(true == predicted, random.gamma(2, 3, count), np.nan), N, SIDE_M)


def test_intervals_are_seeded_hold_the_value_and_shrink():
    small, large = random_scores(100), random_scores(2500)
    found = metrics(large, draws=200)
    assert found == metrics(large, draws=200) and found != metrics(large, draws=200, seed=1)
    for name in ("cmr", "fa", "mr", "rmse_px", "rmse_share", "rmse_m"):
        low, high = found[f"{name}_ci95"]
        few = metrics(small, draws=200)[f"{name}_ci95"]
        assert low < found[name] < high and high - low < 0.5 * (few[1] - few[0])
    low, high = found["cmr_ci95"]
    # 1.96 standard deviations of a share on each side
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(found["cmr"] * (1 - found["cmr"]) / 2500), rel=0.25)


def test_deepmtl_gates_pairs_and_divides_false_alarms_by_predictions():
    near_and_far = ([(0.9, 5, 6), (0.9, 30, 30)], [(5, 5), (20, 20), (40, 40)])  # one pair of 100 m, one too far
    found = deepmtl_metrics(*case(near_and_far))
    assert found["error_m"] == 100 and found["miss_rate"] == 2 / 3 and found["false_alarm_rate"] == 1 / 2
    assert deepmtl_metrics(*case(near_and_far), gate_m=2000)["miss_rate"] == 1 / 3


def test_deepmtl_prefers_two_pairs_to_one_short_one():
    crossed = ([(0.9, 5, 6), (0.9, 5, 4)], [(5, 5), (5, 7.9)])  # the second reaches only the first
    found = deepmtl_metrics(*case(crossed))
    assert found["miss_rate"] == 0 and found["error_m"] == pytest.approx((190 + 100) / 2)


def test_deepmtl_without_pairs_says_why():
    found = deepmtl_metrics(*case(NONE))
    assert np.isnan(found["error_m"]) and found["error_m_reason"] == "no pair within 200 m"
    assert found["miss_rate"] == 1 and found["false_alarm_rate_reason"] == "none predicted"


def test_more_slots_than_emitters_and_fewer():
    existence, place, true, n, side = case(RIGHT, FULL)
    assert score(existence, place, np.pad(true, ((0, 0), (0, 2), (0, 0)), constant_values=np.nan), n, side).error == \
        pytest.approx(score(existence, place, true, n, side).error)
    assert deepmtl_metrics(existence[:, :2], place[:, :2], true, n, side)["miss_rate"] > 0


def test_bad_input_is_named():
    existence, place, true, n, side = case(RIGHT)
    with pytest.raises(InputError, match=r"place \(1, 2, 2\)"):
        score(existence, place[:, :2], true, n, side)
    with pytest.raises(InputError, match="not a number; the training diverged"):
        score(existence * np.nan, place, true, n, side)
    with pytest.raises(InputError, match="no samples"):
        metrics(score(existence[:0], place[:0], true[:0], n, side))


def test_a_paired_interval_tells_more_than_two_side_by_side():
    random = np.random.default_rng(1)
    true = random.integers(1, 4, 400)
    right = random.random(400) < 0.6
    # the second has 5 % of all samples wrong that the first has right, and is otherwise the same
    spoilt = right & (np.arange(400) % 12 != 0)
    one, other = (Scores(true, np.where(good, true, true + 1), np.where(good, 2.0, np.nan), 64, 5000.0)
                  for good in (right, spoilt))
    found = differences(one, other)
    low, high = found["cmr_ci95"]
    assert found["cmr"] == pytest.approx(np.mean(right & ~spoilt)) and 0 < low < found["cmr"] < high
    first, second = metrics(one), metrics(other)
    assert first["cmr_ci95"][0] < second["cmr_ci95"][1]    # side by side they overlap
    assert found["fa"] == pytest.approx(first["fa"] - second["fa"]) and found["rmse_px"] == 0
    back = differences(other, one)
    assert back["cmr"] == -found["cmr"] and back["cmr_ci95"] == pytest.approx([-high, -low])


def test_distances_are_compared_where_both_counts_are_right():
    true = np.array([1, 1, 1])
    one = Scores(true, np.array([1, 1, 2]), np.array([2.0, 3.0, np.nan]), 64, 5000.0)
    other = Scores(true, np.array([1, 2, 1]), np.array([4.0, np.nan, 50.0]), 64, 5000.0)
    assert differences(one, other)["rmse_px"] == -2


def test_a_difference_that_cannot_be_had_says_why():
    wrong = Scores(np.array([1, 2]), np.array([2, 1]), np.array([np.nan, np.nan]), 64, 5000.0)
    found = differences(wrong, wrong)
    assert np.isnan(found["rmse_px"]) and found["rmse_px_ci95"] is None
    assert found["rmse_px_reason"] == "no sample with emitters that both have right"
    with pytest.raises(InputError, match="not scored on the same samples"):
        differences(wrong, wrong.of([0]))
