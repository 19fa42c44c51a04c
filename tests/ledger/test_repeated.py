"""Statistics of samples that count several times are those of samples written out so often."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from rsslib.ledger import repeated

GENERATOR = np.random.default_rng(0)
TIMES = GENERATOR.poisson(1, (40, 25)).astype(float)
VALUES, OTHERS = GENERATOR.gamma(2, 100, 25), GENERATOR.normal(size=25)
TIED = GENERATOR.integers(4, size=25).astype(float)
POSITIVE = GENERATOR.random(25) < 0.4


def written_out(statistic, *arrays):
    """The statistic of each row of TIMES, of arrays of which each sample is repeated as often as it counts."""
    return np.array([statistic(*(np.repeat(array, row.astype(int)) for array in arrays)) for row in TIMES])


@pytest.mark.parametrize("values", [VALUES, TIED])
@pytest.mark.parametrize("q", [0, 10, 37.5, 50, 100])
def test_percentiles_are_numpys(values, q):
    expected = written_out(lambda one: np.percentile(one, q), values)
    assert repeated.percentile(values, TIMES, q) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("values", [VALUES, TIED])
def test_medians_and_means_are_numpys(values):
    assert repeated.median(values, TIMES) == pytest.approx(written_out(np.median, values), rel=1e-12)
    assert repeated.mean(values, TIMES) == pytest.approx(written_out(np.mean, values), rel=1e-12)


@pytest.mark.parametrize("confidence", [OTHERS, TIED])
def test_areas_are_scikit_learns_and_each_resample_may_have_its_own_positives(confidence):
    expected = written_out(lambda one, sure: roc_auc_score(one, -sure), POSITIVE, confidence)
    assert repeated.area(POSITIVE, confidence, TIMES) == pytest.approx(expected, rel=1e-12)
    each = np.stack([POSITIVE, ~POSITIVE])
    both = repeated.area(each, confidence, np.ones((2, 25)))
    assert both == pytest.approx([roc_auc_score(POSITIVE, -confidence), roc_auc_score(~POSITIVE, -confidence)])


@pytest.mark.parametrize("one", [VALUES, TIED])
@pytest.mark.parametrize("other", [OTHERS, TIED])
def test_rank_correlations_are_scipys(one, other):
    expected = written_out(lambda *both: spearmanr(*both).statistic, one, other)
    assert repeated.spearman(one, other, TIMES) == pytest.approx(expected, abs=1e-12)


def test_what_no_sample_has_is_no_number():
    none, some = np.zeros((1, 3)), np.array([[1.0, 0.0, 2.0]])
    values, positive = np.array([1.0, 2.0, 3.0]), np.array([False, True, False])
    for found in (repeated.median(values, none), repeated.mean(values, none), repeated.area(positive, values, some)):
        assert np.isnan(found).all() and found.shape == (1,)
    assert repeated.spearman(np.ones(3), values, some).tolist() == [0]
