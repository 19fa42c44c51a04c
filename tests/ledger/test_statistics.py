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
    assert statistics.share_interval(np.ones(n, bool)) == (1, 1)


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
