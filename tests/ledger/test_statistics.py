"""Intervals: they cover what they are of, shrink as samples grow, and are those of a bootstrap written out."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from rsslib.confidence.indicators import roc
from rsslib.ledger import statistics
from rsslib.project import InputError


def _resampled(values, statistic, resamples):
    """A percentile bootstrap written out: one draw after the other."""
    generator = np.random.default_rng(0)
    drawn = [statistic(values[generator.integers(len(values), size=len(values))]) for _ in range(resamples)]
    return tuple(np.quantile(drawn, [0.025, 0.975]))


@settings(max_examples=10)
@given(st.lists(st.floats(0, 1000), min_size=1, max_size=30))
def test_intervals_are_those_of_a_bootstrap_written_out(values):
    values = np.array(values)
    assert statistics.bootstrap_median(values) == pytest.approx(_resampled(values, np.median, 2000), abs=1e-9)
    flags = values > 500
    if flags.any() and not flags.all():
        assert statistics.share_interval(flags) == pytest.approx(_resampled(flags, np.mean, 1000), abs=1e-12)


def test_the_interval_of_a_median_is_around_it_and_moves_with_it():
    values = np.random.default_rng(1).gamma(2.0, 100.0, 200)
    low, high = statistics.bootstrap_median(values)
    assert values.min() < low < np.median(values) < high < values.max()
    assert statistics.bootstrap_median(values + 100) == pytest.approx((low + 100, high + 100))


def test_spearman_is_scipys():
    generator = np.random.default_rng(2)
    sure = generator.random(300).round(2)
    error = generator.random(300) - sure
    assert statistics.spearman(sure, error) == pytest.approx(scipy.stats.spearmanr(sure, error).statistic)


@pytest.mark.parametrize("n", [1, 2, 3, 20])
def test_where_nothing_varies_there_is_no_correlation_and_no_warning(n):
    assert statistics.spearman(np.ones(n), np.arange(n)) == 0


@pytest.mark.parametrize("n", [1, 5, 71])
def test_a_share_of_none_or_all_has_the_interval_of_wilson(n):
    for right in (0, n):
        wilson = scipy.stats.binomtest(right, n).proportion_ci(method="wilson")
        assert statistics.share_interval(np.arange(n) < right) == pytest.approx(tuple(wilson))


def test_the_interval_of_a_difference_is_no_narrower_than_another_seed_makes_it():
    generator = np.random.default_rng(3)
    one, other = generator.gamma(2.0, 100.0, (2, 300))
    low, high = statistics.median_difference(one, other)[1]
    lows, highs = [], []
    for seed in range(20):
        chosen = np.random.default_rng(seed).integers(300, size=(10_000, 300))
        ends = np.quantile(np.median(one[chosen], 1) - np.median(other[chosen], 1), [0.025, 0.975])
        lows.append(ends[0])
        highs.append(ends[1])
    assert low <= np.median(lows) and np.median(highs) <= high
    assert high - low < 1.1 * (max(highs) - min(lows))
    mean_low, mean_high = statistics.bootstrap_mean_difference(one, other)
    assert mean_low < one.mean() - other.mean() < mean_high


def test_the_interval_of_a_share_covers_it():
    low, high = statistics.share_interval(np.repeat([True, False], [300, 700]))
    assert low < 0.3 < high
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.3 * 0.7 / 1000), rel=0.1)    # the normal approximation


@given(st.integers(0, 1000), st.integers(1, 12))
def test_an_area_is_scikit_learns(seed, levels):
    generator = np.random.default_rng(seed)
    positive = np.r_[True, False, generator.random(40) < generator.random()]
    sure = generator.integers(0, levels, len(positive)) / 12    # with ties; of one level, ties alone
    assert statistics.area(positive, sure) == pytest.approx(roc_auc_score(positive, -sure), abs=1e-12)
    assert statistics.area(positive, sure) == pytest.approx(roc(positive, sure).auroc, abs=1e-12)
    assert statistics.area(~positive, sure) == pytest.approx(1 - roc_auc_score(positive, -sure), abs=1e-12)
    assert statistics.area(positive, sure - 1e3) == statistics.area(positive, sure)    # ranks alone count


def test_an_area_needs_both_classes_and_no_more_than_one_sample_of_each():
    assert statistics.area([True, False], [0.1, 0.2]) == 1 and statistics.area([True, False], [0.2, 0.1]) == 0
    for one_class in ([True, True], [False, False], []):
        assert np.isnan(statistics.area(one_class, np.arange(len(one_class))))


def test_two_normals_one_deviation_apart_have_the_area_of_theory():
    generator = np.random.default_rng(1)
    sure = np.concatenate([generator.normal(0, 1, 20_000), generator.normal(1, 1, 20_000)])
    area = statistics.area(np.repeat([True, False], 20_000), sure)
    assert area == pytest.approx(scipy.stats.norm.cdf(1 / np.sqrt(2)), abs=0.01)


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [1.0, np.inf]])
def test_no_interval_of_what_is_not_a_number(values):
    with pytest.raises(InputError, match="expected at least one number and finite ones only"):
        statistics.bootstrap_median(values)


TWO = (statistics.median_difference, statistics.bootstrap_mean_difference, statistics.spearman)
ODD = (None, "a", ["a", "b"], [1.0, np.nan], [1.0, np.inf], [[1.0], [2.0]], 3.0, np.ma.masked_array([1.0, 2.0], [0, 1]),
       [1.0, [2.0]], [10**400, 1], np.array(["2022-07-05", "2022-07-06"], "datetime64[D]").astype(object), {"a": 1})


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_what_is_not_a_number_for_each_sample_is_refused(odd):
    for statistic in (statistics.bootstrap_median, statistics.share_interval):
        with pytest.raises(InputError, match="interval: |share: "):
            statistic(odd)
    for statistic in TWO:
        for pair in ((odd, [0.0, 1.0]), ([0.0, 1.0], odd)):
            with pytest.raises(InputError, match="interval: "):
                statistic(*pair)


@pytest.mark.parametrize("statistic", TWO)
def test_two_of_the_same_samples_are_as_many(statistic):
    for pair in (([0.0, 1.0, 0.5], [0.0, 1.0]), ([1.0], [0.0, 1.0]), ([], [1.0])):
        with pytest.raises(InputError, match="shapes .*; expected one number for each sample, of the same samples"):
            statistic(*pair)


def test_flags_are_true_or_false():
    with pytest.raises(InputError, match="share: 1 of 3 flags are such as 0.5; expected true or false"):
        statistics.share_interval([0, 1, 0.5])
