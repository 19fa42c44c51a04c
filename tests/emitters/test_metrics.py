"""Counts and distances by hand: extra, missed, none, all, crossed pairs, no right count; DeepMTL's; intervals; several
networks."""

import numpy as np
import pytest
import xarray as xr

from rsslib.emitters.metrics import Scores, by_count, deepmtl_metrics, differences, metrics, resampled, score, scores
from rsslib.project import InputError

N, SIDE_M = 64, 6400.0  # cells of 100 m
NAN = np.nan


def case(*samples):
    """Each sample: [(existence, row, column), ...] predicted, [(row, column), ...] true."""
    existence, location, true = (np.full((len(samples), 3, *rest), fill) for rest, fill in (
        ((), 0.0), ((2,), 0.0), ((2,), np.nan)))
    for number, (predicted, truth) in enumerate(samples):
        for slot, (probability, row, column) in enumerate(predicted):
            existence[number, slot], location[number, slot] = probability, (row, column)
        for slot, cell in enumerate(truth):
            true[number, slot] = cell
    return existence, location, true, N, SIDE_M


EXTRA = ([(0.9, 5, 5), (0.8, 9, 9), (0.7, 40, 40)], [(5, 5)])
MISSED = ([(0.9, 5, 5)], [(5, 5), (9, 9), (30, 30)])
NONE = ([(0.5, 5, 5)], [(5, 5)])             # 0.5 is not above 0.5
FULL = ([(0.9, 10, 10), (0.8, 20, 20), (0.9, 30, 33)], [(30, 30), (10, 14), (20, 20)])
RIGHT = ([(0.1, 50, 50), (0.9, 8, 9)], [(5, 5)])


def test_extra_predictions_are_false_alarms():
    values = metrics(score(*case(EXTRA)), draws=0)
    assert (values["n"], values["cmr"], values["fa"], values["mr"]) == (1, 0, 2, 0)


def test_too_few_predictions_are_misses():
    values = metrics(score(*case(MISSED)), draws=0)
    assert (values["cmr"], values["fa"], values["mr"]) == (0, 0, pytest.approx(2 / 3))


def _predicted(**changes):
    one = {"existence": (("sample", "slot"), np.full((4, 3), 0.9)),
           **{name: (("sample", "slot"), np.zeros((4, 3))) for name in ("row", "column")},
           **{name: (("sample", "emitter"), np.full((4, 2), 5.0)) for name in ("true_row", "true_column")}}
    return xr.Dataset(one | changes, attrs={"n": 16, "side_m": 100.0})


@pytest.mark.parametrize("name", ["existence", "row", "column", "true_row", "true_column"])
def test_predictions_over_other_dimensions_are_refused(name):
    turned = _predicted()
    turned[name] = turned[name].T
    with pytest.raises(InputError, match=f"scores: {name} is float64 over .*; expected numbers over .'sample', '"):
        scores(turned)
    with pytest.raises(InputError, match=f"scores: {name} is float64 over .'other',.; expected"):
        scores(_predicted(**{name: ("other", np.zeros(7))}))
    with pytest.raises(InputError, match=f"scores: {name} is <U"):
        scores(_predicted().assign({name: _predicted()[name].astype(str)}))


@pytest.mark.parametrize("missing", ["n", "side_m"])
def test_predictions_without_a_size_are_refused(missing):
    without = _predicted()
    without[missing] = ("sample", np.ones(4))
    del without.attrs[missing]
    with pytest.raises(InputError, match="the attributes n and side_m"):
        scores(without)


def test_false_alarms_where_no_emitter_is_have_no_rate_and_a_reason():
    empty = {name: (("sample", "emitter"), np.zeros((4, 0))) for name in ("true_row", "true_column")}
    for given in (empty, {name: (("sample", "emitter"), np.full((4, 2), np.nan)) for name in empty}):
        values = metrics(scores(_predicted(**given)), draws=5)
        assert np.isnan(values["fa"]) and values["fa_reason"] == "no sample has an emitter" and values["cmr"] == 0
        assert np.isnan(values["mr"]) and values["fa_ci95"] is None


def test_nothing_predicted_is_a_miss_of_all():
    values = metrics(score(*case(NONE)), draws=0)
    assert (values["cmr"], values["fa"], values["mr"]) == (0, 0, 1)
    assert np.isnan(values["rmse_px"]) and values["rmse_px_reason"] == "no sample with emitters has the right count"
    for name in ("rmse_m", "rmse_share", "rmse_pooled_px", "rmse_pooled_share", "rmse_pooled_m"):
        assert np.isnan(values[name]) and values[f"{name}_reason"] == values["rmse_px_reason"]
    assert "cmr_reason" not in values


def test_all_three_are_paired_by_the_cheapest_permutation():
    scores = score(*case(FULL))
    assert scores.error[0] == pytest.approx(np.sqrt((3**2 + 4**2 + 0) / 3))
    values = metrics(scores, draws=0)
    assert (values["cmr"], values["fa"], values["mr"]) == (1, 0, 0)


def test_units_of_the_error():
    values = metrics(score(*case(RIGHT)), draws=0)
    for name in ("rmse", "rmse_pooled"):
        assert [values[f"{name}_{unit}"] for unit in ("px", "share", "m")] == [5, 5 / 64, 500]


def test_counts_add_up_over_samples_and_the_error_is_the_mean_of_roots():
    values = metrics(score(*case(EXTRA, MISSED, NONE, FULL, RIGHT)), draws=0)
    assert values["cmr"] == 2 / 5 and values["fa"] == 2 / 9 and values["mr"] == 3 / 9
    assert values["rmse_px"] == pytest.approx((np.sqrt(25 / 3) + 5) / 2)
    assert values["rmse_pooled_px"] == pytest.approx(np.sqrt((25 + 25) / 4))    # of three emitters and of one


def test_an_extra_and_a_miss_of_two_samples_do_not_cancel():
    two_for_one = ([(0.9, 5, 5), (0.8, 9, 9)], [(5, 5)])
    one_for_two = ([(0.9, 5, 5)], [(5, 5), (9, 9)])
    values = metrics(score(*case(two_for_one, one_for_two)), draws=0)
    assert (values["cmr"], values["fa"], values["mr"]) == (0, 1 / 3, 1 / 3)


def test_a_true_sample_without_emitters():
    nothing = ([], [])
    values = metrics(score(*case(nothing)), draws=20)
    assert values["cmr"] == 1 and values["fa_reason"] == values["mr_reason"] == "no sample has an emitter"
    assert np.isnan(values["rmse_px"]) and values["rmse_px_ci95"] is None
    assert metrics(score(*case(nothing, RIGHT)), draws=0)["rmse_px"] == 5


def test_the_threshold_moves_what_counts():
    assert score(*case(NONE), threshold=0.4).predicted[0] == 1
    assert score(*case(EXTRA), threshold=0.75).predicted[0] == 2


def test_by_true_count():
    values = by_count(score(*case(EXTRA, MISSED, NONE, FULL, RIGHT)), draws=0)
    assert set(values) == {1, 3} and values[1]["n"] == 3 and values[3]["cmr"] == 0.5
    assert values[1]["fa"] == 2 / 3 and values[3]["mr"] == 2 / 6


def random_scores(count, seed=0):
    random = np.random.default_rng(seed)
    true, predicted = random.integers(1, 4, (2, count))
    return Scores(true, predicted, np.where(true == predicted, random.gamma(2, 3, count), np.nan), N, SIDE_M)


def test_intervals_are_seeded_hold_the_value_and_shrink():
    small, large = random_scores(100), random_scores(2500)
    values = metrics(large, draws=200)
    assert values == metrics(large, draws=200) and values != metrics(large, draws=200, seed=1)
    for name in ("cmr", "fa", "mr", "rmse_px", "rmse_share", "rmse_m", "rmse_pooled_px", "rmse_pooled_m"):
        low, high = values[f"{name}_ci95"]
        few = metrics(small, draws=200)[f"{name}_ci95"]
        assert low < values[name] < high and high - low < 0.5 * (few[1] - few[0])
    low, high = values["cmr_ci95"]
    # 1.96 standard deviations of a share on each side
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(values["cmr"] * (1 - values["cmr"]) / 2500), rel=0.25)


def test_deepmtl_gates_pairs_and_divides_false_alarms_by_predictions():
    near_and_far = ([(0.9, 5, 6), (0.9, 30, 30)], [(5, 5), (20, 20), (40, 40)])  # one pair of 100 m, one too far
    values = deepmtl_metrics(*case(near_and_far))
    assert values["error_m"] == 100 and values["miss_rate"] == 2 / 3 and values["false_alarm_rate"] == 1 / 2
    assert deepmtl_metrics(*case(near_and_far), gate_m=2000)["miss_rate"] == 1 / 3


def test_deepmtl_prefers_two_pairs_to_one_short_one():
    # 10 m from the first to the first; each else 180 m, or out of reach
    crossed = ([(0.9, 5, 5.1), (0.9, 5, 3.2)], [(5, 5), (5, 6.9)])
    values = deepmtl_metrics(*case(crossed))
    assert values["miss_rate"] == 0 and values["error_m"] == pytest.approx(180)


def test_deepmtl_without_pairs_says_why():
    values = deepmtl_metrics(*case(NONE))
    assert np.isnan(values["error_m"]) and values["error_m_reason"] == "no pair within 200 m"
    assert values["miss_rate"] == 1 and values["false_alarm_rate_reason"] == "none predicted"


def test_more_slots_than_emitters_and_fewer():
    existence, location, true, n, side = case(RIGHT, FULL)
    wide = np.pad(true, ((0, 0), (0, 2), (0, 0)), constant_values=np.nan)
    one, other = (score(existence, location, truth, n, side).error for truth in (true, wide))
    assert other == pytest.approx(one)
    assert deepmtl_metrics(existence[:, :2], location[:, :2], true, n, side)["miss_rate"] > 0


def test_metrics_of_no_samples_are_refused():
    with pytest.raises(InputError, match="no samples"):
        metrics(score(*case(RIGHT)).of(np.array([], int)))


def test_a_paired_interval_tells_more_than_two_side_by_side():
    random = np.random.default_rng(1)
    true = random.integers(1, 4, 400)
    right = random.random(400) < 0.6
    # the second has 5 % of all samples wrong that the first has right, and is otherwise the same
    spoilt = right & (np.arange(400) % 12 != 0)
    one, other = (Scores(true, np.where(good, true, true + 1), np.where(good, 2.0, np.nan), 64, 5000.0)
                  for good in (right, spoilt))
    values = differences(one, other)
    low, high = values["cmr_ci95"]
    assert values["cmr"] == pytest.approx(np.mean(right & ~spoilt)) and 0 < low < values["cmr"] < high
    first, second = metrics(one), metrics(other)
    assert first["cmr_ci95"][0] < second["cmr_ci95"][1]    # side by side they overlap
    assert values["fa"] == pytest.approx(first["fa"] - second["fa"]) and values["rmse_px"] == 0
    back = differences(other, one)
    assert back["cmr"] == -values["cmr"] and back["cmr_ci95"] == pytest.approx([-high, -low])


def test_distances_are_compared_where_both_counts_are_right():
    true = np.array([1, 1, 1])
    one = Scores(true, np.array([1, 1, 2]), np.array([2.0, 3.0, np.nan]), 64, 5000.0)
    other = Scores(true, np.array([1, 2, 1]), np.array([4.0, np.nan, 50.0]), 64, 5000.0)
    values = differences(one, other)
    assert values["rmse_px"] == values["rmse_pooled_px"] == -2


def test_a_difference_that_cannot_be_had_says_why():
    wrong = Scores(np.array([1, 2]), np.array([2, 1]), np.array([np.nan, np.nan]), 64, 5000.0)
    values = differences(wrong, wrong)
    assert np.isnan(values["rmse_px"]) and values["rmse_px_ci95"] is None
    assert values["rmse_px_reason"] == values["rmse_pooled_px_reason"] == "no sample with emitters that both have right"
    with pytest.raises(InputError, match="not scored on the same samples"):
        differences(wrong, wrong.of([0]))


@pytest.mark.parametrize("position, change, message", [
    (0, lambda x: x * np.nan, r"existence of sample 0 is nan \(6 of 6 values\)"), (0, lambda x: x + 1, "existence of"),
    (0, lambda x: x - 1, "existence of sample 0 is -"), (0, lambda x: x[0], "existence is"),
    (0, lambda x: x > 0.5, "existence is bool"), (0, lambda x: x.astype(str), "existence is"),
    (0, list, "existence is list"),
    (1, lambda x: x + np.inf, "location of sample"),
    (1, lambda x: np.full_like(x, np.nan), "location of sample 0 is nan"),
    (1, lambda x: x[:, :2], "existence is .*, location"), (1, lambda x: x[..., :1], "location"),
    (2, lambda x: np.where(np.arange(2), x, np.nan), "truth of sample 0 is"),
    (2, lambda x: x + np.inf, "truth of sample"),
    (2, lambda x: x[:1], "truth"), (2, lambda x: None, "truth is NoneType"), (3, lambda n: 0, "n is 0"),
    (3, lambda n: 64.0, "n is 64.0"), (3, lambda n: None, "n is None"), (4, lambda side: -1.0, "side_m is -1.0"),
    (4, lambda side: np.nan, "side_m is nan"), (4, lambda side: "6400", "side_m is '6400'")])
@pytest.mark.parametrize("work", [score, deepmtl_metrics])
def test_predictions_that_cannot_be_scored_are_named(work, position, change, message):
    given = list(case(EXTRA, MISSED))
    given[position] = change(given[position])
    with pytest.raises(InputError, match=message):
        work(*given)


@pytest.mark.parametrize("threshold", [np.nan, None, "0.5", np.inf])
def test_a_threshold_is_a_number(threshold):
    with pytest.raises(InputError, match="threshold is .*; expected a number"):
        score(*case(EXTRA), threshold)


def test_pairings_of_more_than_six_would_take_for_ever():
    existence, location = np.ones((1, 7)), np.zeros((1, 7, 2))
    with pytest.raises(InputError, match="score: 7 slots, 7 emitters; expected at most 6 slots, or as few emitters"):
        score(existence, location, np.zeros((1, 7, 2)), N, SIDE_M)
    assert score(existence, location, np.zeros((1, 6, 2)), N, SIDE_M).predicted.tolist() == [7]
    for slots, emitters in ((7, 1), (1, 7)):
        with pytest.raises(InputError, match="deepmtl_metrics: 1 samples, 7 slots or emitters"):
            deepmtl_metrics(np.ones((1, slots)), np.zeros((1, slots, 2)), np.zeros((1, emitters, 2)), N, SIDE_M)
    with pytest.raises(InputError, match="deepmtl_metrics: 0 samples"):
        deepmtl_metrics(np.ones((0, 2)), np.zeros((0, 2, 2)), np.zeros((0, 2, 2)), N, SIDE_M)
    with pytest.raises(InputError, match="gate_m is 0; expected a number"):
        deepmtl_metrics(np.ones((1, 2)), np.zeros((1, 2, 2)), np.zeros((1, 2, 2)), N, SIDE_M, gate_m=0)


@pytest.mark.parametrize("changes, message", [
    ({"true": np.array([-1, 2])}, "a count in true or predicted is negative"),
    ({"predicted": np.array([1.0, 2.0])}, "no whole number"),
    ({"true": np.array([1])}, "one value for each sample"), ({"true": [1, 2]}, "true is "),
    ({"error": np.array([np.inf, 1.0])}, "negative or infinite"), ({"error": np.array([-1.0, 1.0])}, "negative or inf"),
    ({"error": np.array([1, 2])}, "an error is"), ({"error": np.zeros((2, 1))}, "one value for each sample"),
    ({"n": 0}, "n is 0"), ({"side_m": np.inf}, "side_m is inf")])
def test_scores_of_ones_own_are_checked(changes, message):
    counts = np.array([1, 2])
    with pytest.raises(InputError, match=f"scores: .*{message}"):
        Scores(**{"true": counts, "predicted": counts, "error": np.zeros(2), "n": N, "side_m": SIDE_M} | changes)


@pytest.mark.parametrize("given, message", [
    ({"draws": -1}, "draws is -1"), ({"draws": 10**9}, "draws is 1000000000"), ({"draws": 2.5}, "draws is 2.5"),
    ({"seed": -1}, "seed is -1"), ({"seed": None}, "seed is None")])
def test_intervals_are_from_a_number_of_draws(given, message):
    one = score(*case(EXTRA))
    for work in (lambda: metrics(one, **given), lambda: differences(one, one, **given), lambda: by_count(one, **given)):
        with pytest.raises(InputError, match=message):
            work()


@pytest.mark.parametrize("other", [None, 3, "scores", case(EXTRA), [score(*case(EXTRA)), None]])
def test_what_is_no_scores_is_named(other):
    one = score(*case(EXTRA))
    for work in (lambda: metrics(other), lambda: by_count(other), lambda: differences(one, other),
                 lambda: differences(other, one), lambda: metrics([one, other])):
        with pytest.raises(InputError, match="scores is .*; expected Scores"):
            work()


@pytest.mark.parametrize("other", [None, xr.Dataset(), xr.Dataset({"existence": 1.0}), {"existence": 1}])
def test_what_is_no_predictions_is_named(other):
    with pytest.raises(InputError, match="scores: expected the predictions of a localizer, with existence, row"):
        scores(other)


TRUE = np.array([1, 2, 3])
POOL = [Scores(TRUE, np.array(predicted), np.array(error), N, SIDE_M) for predicted, error in (
    ([1, 3, 3], [2.0, NAN, 4.0]), ([1, 2, 1], [6.0, 1.0, NAN]), ([2, 2, 3], [NAN, 5.0, 2.0]))]
"""Three networks on three samples: one too many; two missed; one too many."""


@pytest.mark.parametrize("number, cmr, fa, mr, error, squared", [
    (1, 2 / 3, 1 / 6, 0, (2 + 4) / 2, (4 + 3 * 16) / 4),
    (2, 4 / 6, 1 / 12, 2 / 12, (2 + 4 + 6 + 1) / 4, (4 + 3 * 16 + 36 + 2 * 1) / 7),
    (3, 6 / 9, 2 / 18, 2 / 18, (2 + 4 + 6 + 1 + 5 + 2) / 6, (4 + 3 * 16 + 36 + 2 * 1 + 2 * 25 + 3 * 4) / 12)])
def test_samples_of_several_networks_count_alike(number, cmr, fa, mr, error, squared):
    values = metrics(POOL[:number], draws=0)
    assert values["n"] == 3
    assert [values[name] for name in ("cmr", "fa", "mr", "rmse_px", "rmse_pooled_px")] == pytest.approx(
        [cmr, fa, mr, error, np.sqrt(squared)])
    assert values["rmse_m"] == pytest.approx(100 * error) and values["rmse_pooled_share"] == pytest.approx(
        np.sqrt(squared) / 64)
    assert number > 1 or metrics(POOL[0], draws=20) == metrics(POOL[:1], draws=20)


def test_several_networks_by_true_count():
    values = by_count(POOL, draws=0)[2]
    assert (values["n"], values["cmr"], values["fa"], values["mr"]) == (1, 2 / 3, 1 / 6, 0)
    assert (values["rmse_px"], values["rmse_pooled_px"]) == (3, pytest.approx(np.sqrt((2 * 1 + 2 * 25) / 4)))


def test_several_networks_are_compared_first_with_first():
    values = differences(POOL[:2], [POOL[2]] * 2, draws=20)
    assert [values[name] for name in ("cmr", "fa", "mr")] == pytest.approx([0, -1 / 12, 2 / 12])
    # both are right in the third sample of the first two, and in the second of the second two
    assert values["rmse_px"] == pytest.approx((4 + 1) / 2 - (2 + 5) / 2)
    assert values["rmse_pooled_px"] == pytest.approx(
        np.sqrt((3 * 16 + 2 * 1) / 5) - np.sqrt((3 * 4 + 2 * 25) / 5))
    same = differences(POOL, POOL, draws=200)    # the same networks are drawn on both sides
    assert all(same[name] == 0 and same[f"{name}_ci95"] == [0, 0] for name in ("cmr", "fa", "mr"))


def network(right, seed, count=600):
    """Scores of a network whose counts are right in a share of samples, one too high in the others."""
    true = np.random.default_rng(0).integers(1, 4, count)
    random = np.random.default_rng(seed)
    good = random.random(count) < right
    return Scores(true, np.where(good, true, true + 1), np.where(good, random.gamma(2, 3, count), NAN), N, SIDE_M)


def test_equal_networks_are_as_one():
    one = network(0.6, 1)
    single, three = metrics(one), metrics([one] * 3)
    assert single.keys() == three.keys() and all(three[name] == pytest.approx(single[name]) for name in single)
    other = network(0.5, 2)
    single, two = differences(one, other), differences([one] * 2, [other] * 2)
    assert single.keys() == two.keys() and all(two[name] == pytest.approx(single[name]) for name in single)


def width(values, name="cmr"):
    low, high = values[f"{name}_ci95"]
    return high - low


def test_networks_that_differ_widen_the_interval():
    pool = [network(right, seed) for seed, right in enumerate((0.5, 0.6, 0.7))]
    widest = max(width(metrics(one)) for one in pool)
    assert width(metrics(pool)) > 1.5 * widest and width(metrics(pool[::2])) > 1.5 * widest
    assert width(metrics(pool), "fa") > max(width(metrics(one), "fa") for one in pool)
    other = [network(0.6, 3)] * 3
    assert width(differences(pool, other)) > 1.5 * max(width(differences(one, other[0])) for one in pool)


@pytest.mark.parametrize("values", [[0.0, 1.0], [0.0, 1.0, 5.0], [0.0, 1.0, 5.0, -2.0, 3.0]])
def test_resampled_networks_have_the_variance_of_a_mean(values):
    """As many draws as networks would give (N - 1) / N of it: 50, 33 and 20 % too little."""
    sums = np.stack([np.ones(len(values)), values], axis=1)[:, None]    # one sample: it adds no variance
    number, total = resampled(sums, 40_000, 0).T
    assert (number == len(values) - 1).all()
    mean = total / number
    assert mean.mean() == pytest.approx(np.mean(values), abs=0.03)
    assert mean.var() == pytest.approx(np.var(values, ddof=1) / len(values), rel=0.04)


def test_all_networks_share_the_samples_that_are_drawn():
    one = np.eye(7)    # so that the sums are how often each sample is drawn
    times = resampled(one[None], 60, 3)
    assert times.shape == (60, 7) and (times.sum(axis=1) == 7).all() and times.max() > 1
    both = resampled(np.stack([one, 10 * one]), 60, 3)
    first, second = ((both == factor * times).all(axis=1) for factor in (1, 10))
    assert (first | second).all() and first.any() and second.any()
    np.testing.assert_array_equal(both, resampled(np.stack([one, 10 * one]), 60, 3))
    assert not np.array_equal(both, resampled(np.stack([one, 10 * one]), 60, 4))


@pytest.mark.parametrize("other", [
    POOL[0].of([0, 1]), Scores(TRUE[::-1], TRUE, np.full(3, NAN), N, SIDE_M),
    Scores(TRUE, TRUE, np.ones(3), N // 2, SIDE_M), Scores(TRUE, TRUE, np.ones(3), N, SIDE_M / 2)])
def test_networks_on_different_samples_are_refused(other):
    for work in (lambda: metrics([POOL[0], other]), lambda: by_count([POOL[0], other]),
                 lambda: differences([POOL[0], other], POOL[:2]), lambda: differences(POOL[:2], [POOL[0], other]),
                 lambda: differences([POOL[0]], [other])):
        with pytest.raises(InputError, match="not scored on the same samples"):
            work()


def test_as_many_networks_are_compared_and_at_least_one():
    with pytest.raises(InputError, match="with equally many networks"):
        differences(POOL[:2], POOL)
    for work in (lambda: metrics([]), lambda: by_count(()), lambda: differences([], [])):
        with pytest.raises(InputError, match="no samples"):
            work()
