"""Intervals: they cover what they are of, shrink as samples grow, and are those of a bootstrap written out."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_spearman_is_scipys_with_an_interval_around_it():
    generator = np.random.default_rng(2)
    sure = generator.random(300).round(2)
    error = generator.random(300) - sure
    assert statistics.spearman(sure, error) == pytest.approx(scipy.stats.spearmanr(sure, error).statistic)
    low, high = statistics.spearman_interval(sure, error)
    assert low < statistics.spearman(sure, error) < high < 0


@pytest.mark.parametrize("n", [1, 2, 3, 20])
def test_where_nothing_varies_there_is_no_correlation_and_no_warning(n):
    assert statistics.spearman(np.ones(n), np.arange(n)) == 0
    assert statistics.spearman_interval(np.ones(n), np.arange(n)) == (0, 0)


@pytest.mark.parametrize("n", [1, 5, 71])
def test_a_share_of_none_or_all_has_the_interval_of_wilson(n):
    for right in (0, n):
        wilson = scipy.stats.binomtest(right, n).proportion_ci(method="wilson")
        assert statistics.share_interval(np.arange(n) < right) == pytest.approx(tuple(wilson))


def test_the_interval_of_a_difference_is_no_narrower_than_another_seed_makes_it():
    generator = np.random.default_rng(3)
    one, other = generator.gamma(2.0, 100.0, (2, 300))
    low, high = statistics.bootstrap_median_difference(one, other)
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


def test_the_interval_of_an_area_covers_it_and_shrinks():
    generator = np.random.default_rng(1)
    widths = []
    for n in (50, 800):
        positive = np.repeat([True, False], n)
        sure = np.concatenate([generator.normal(0, 1, n), generator.normal(1, 1, n)])
        low, high = statistics.auroc_interval(positive, sure)
        assert low < roc(positive, sure).auroc < high
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.35)    # as the root of 16 times the samples
    assert low < scipy.stats.norm.cdf(1 / np.sqrt(2)) < high      # two normals one deviation apart


def test_one_sample_of_a_kind_has_an_area():
    low, high = statistics.auroc_interval(np.array([True, False, False]), np.array([0.2, 0.1, 0.3]))
    assert (low, high) == (0, 1)


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [1.0, np.inf]])
def test_no_interval_of_what_is_not_a_number(values):
    with pytest.raises(InputError, match="expected at least one number and finite ones only"):
        statistics.bootstrap_median(values)


def test_areas_of_two_scores_are_resampled_together():
    positive = np.repeat([True, False], 40)
    sure = np.random.default_rng(3).normal(size=80) - positive
    one, other = statistics.auroc_resamples(positive, sure), statistics.auroc_resamples(positive, 2 * sure)
    assert np.array_equal(one, other)    # the same order of the same samples
    assert statistics.resampled_interval(one) == statistics.auroc_interval(positive, sure)
    apart = statistics.auroc_interval(positive, sure)
    nearly = sure + 0.05 * np.random.default_rng(4).normal(size=80)
    low, high = statistics.resampled_interval(one - statistics.auroc_resamples(positive, nearly))
    assert high - low < (apart[1] - apart[0]) / 4    # a paired difference is known far better than either


def test_the_gap_of_two_medians_covers_samples_of_one_and_is_signed():
    assert statistics.bootstrap_median_gap([5.0], [2.0]) == (3.0, 3.0)
    generator = np.random.default_rng(0)
    low, high = statistics.bootstrap_median_gap(generator.normal(10, 1, 60), generator.normal(12, 1, 80))
    assert low < -2 < high < 0


def test_resampled_medians_of_the_surest_follow_the_curve():
    sure = np.linspace(1, 0, 400)
    drawn = statistics.kept_medians(sure, 100 - 90 * sure, [0.25, 0.5, 1.0])
    assert drawn.shape == (500, 3)
    assert np.median(drawn, axis=0) == pytest.approx([21.3, 32.5, 55.0], abs=2)
    assert (np.diff(drawn, axis=1) > 0).all()


TWO = (statistics.bootstrap_median_difference, statistics.median_difference, statistics.bootstrap_mean_difference,
       statistics.spearman, statistics.spearman_interval, statistics.auroc_interval,
       lambda one, other: statistics.kept_medians(one, other, [1.0]))
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


def test_flags_are_true_or_false_and_an_area_needs_both():
    with pytest.raises(InputError, match="share: 1 of 3 flags are such as 0.5; expected true or false"):
        statistics.share_interval([0, 1, 0.5])
    with pytest.raises(InputError, match="area: all of 3 samples are of one class"):
        statistics.auroc_interval(np.zeros(3, bool), np.arange(3.0))
