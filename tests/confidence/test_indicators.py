"""Confidence: scores, thresholds from validation alone, ROC against scikit-learn."""

import re

import hand_made
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc

from rsslib.confidence import indicators
from rsslib.data.grid import Grid
from rsslib.localization import predictions
from rsslib.project import InputError


def test_indicators_of_hand_made_maps_become_scores_where_larger_is_surer():
    sharp, faint = torch.zeros(2, 5, 5), torch.zeros(2, 5, 5)
    sharp[:, 2, 2] = torch.tensor([0.8, 0.6])                 # two members, one location
    faint[0, 0, 0], faint[1, 3, 4] = 0.4, 0.2                 # 4 pixels east and 3 north: 50 m apart
    described = predictions.describe(torch.stack([sharp, faint]), Grid(0.0, 0.0, 5, 5, 10.0))
    model = hand_made.predictions(["val", "val"], [0, 0], [0, 0])
    model = model.assign({name: ("sample", described[name]) for name in indicators.VARIANTS})
    assert indicators.score(model, "max_prediction") == pytest.approx([0.8, 0.4])
    assert indicators.score(model, "max_mean_prediction") == pytest.approx([0.7, 0.2])
    assert indicators.score(model, "max_spread") == pytest.approx([0, -50])
    assert indicators.score(model, "sum_spread") == pytest.approx([0, -50])
    assert indicators.score(model, "max_mean_prediction_normalised") == pytest.approx([1, 0.5])


def test_the_threshold_is_a_percentile_of_validation():
    model = hand_made.predictions(["val"] * 11 + ["ood"] * 2, [*np.arange(11) / 10, 0.05, 0.2], np.zeros(13))
    assert indicators.threshold(model) == pytest.approx(0.1)
    assert indicators.threshold(model, percentile=50) == pytest.approx(0.5)
    assert indicators.is_low(model).tolist() == [True] + [False] * 10 + [True, False]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.sampled_from(indicators.VARIANTS))
def test_nothing_but_validation_moves_the_threshold(others, indicator):
    sure = [0.2, 0.5, 0.9]
    alone = hand_made.predictions(["val"] * 3, sure, np.zeros(3))
    joined = hand_made.predictions(["val"] * 3 + ["ood"] * len(others), sure + others, np.zeros(3 + len(others)))
    assert indicators.threshold(joined, indicator) == indicators.threshold(alone, indicator)


@given(st.integers(0, 1000))
def test_the_area_below_the_roc_is_the_share_of_pairs_in_order(seed):
    generator = np.random.default_rng(seed)
    positive = np.r_[True, False, generator.random(40) < 0.4]
    sure = generator.integers(0, 12, len(positive)) / 12      # with ties
    curve = indicators.roc(positive, sure)
    # the share of pairs of a positive and a negative in which the positive is the less sure one, ties by half
    less = sure[positive][:, None] - sure[~positive]
    assert curve.auroc == pytest.approx((less < 0).mean() + (less == 0).mean() / 2)
    assert auc(curve.false_positive, curve.true_positive) == pytest.approx(curve.auroc)


def test_the_surest_are_kept_first():
    shares, kept = indicators.risk_coverage(np.array([0.9, 0.1, 0.5, 0.7]), np.array([1.0, 40.0, 3.0, 2.0]), steps=4)
    assert shares.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert kept.tolist() == [1.0, 1.5, 2.0, 2.5]


def test_an_unknown_indicator_and_a_lack_of_validation_are_named():
    model = hand_made.shifted()
    with pytest.raises(InputError, match="indicator is 'entropy'; expected one of max_prediction"):
        indicators.score(model, "entropy")
    with pytest.raises(InputError, match="predict the set 'val' too"):
        indicators.threshold(predictions.of_set(model, "ood"))


def test_a_confidence_that_is_absent_or_no_number_is_named():
    model = hand_made.shifted()
    with pytest.raises(InputError, match="no 'sum_spread' with one value per sample; expected"):
        indicators.score(model.drop_vars("sum_spread"), "sum_spread")
    model.max_mean_prediction.values[7] = np.nan
    with pytest.raises(InputError, match=r"max_mean_prediction: entry 7 is nan \(1 of 400\)"):
        indicators.is_low(model)


@pytest.mark.parametrize("percentile", [-1, 150, np.nan, "10", None, True, [10]])
def test_no_percentile_is_refused(percentile):
    with pytest.raises(InputError, match=f"percentile is {re.escape(repr(percentile))}; expected a number from 0"):
        indicators.threshold(hand_made.shifted(), percentile=percentile)


def test_a_curve_needs_both_classes_and_a_score_for_each_sample():
    assert indicators.roc([True, False, False], [0.1, 0.2, 0.3]).auroc == 1    # lists will do
    for positive, confidence in (([True, True], [0.1, 0.2]), ([False], [0.1])):
        with pytest.raises(InputError, match="samples are positive; expected some, not all"):
            indicators.roc(positive, confidence)
    with pytest.raises(InputError, match="roc: 2 samples and 1 scores"):
        indicators.roc([True, False], [0.1])
    for confidence, error in (([0.1], [1.0, 2.0]), ([0.1, 0.2], [1.0])):
        with pytest.raises(InputError, match=f"{len(error)} errors and {len(confidence)} scores"):
            indicators.risk_coverage(confidence, error)


@pytest.mark.parametrize("bad", [None, "ab", ["a", "b"], [0.1, np.nan], [0.1, np.inf], [[0.1, 0.2]], [], [0.1, [0.2]],
                                 {"a": 1}, [0.1, 0.2j], np.array(["2022"], "M8[D]")])
def test_scores_and_errors_of_another_kind_are_named(bad):
    good, kinds = np.array([0.1, 0.2]), np.array([True, False])
    for work, name in ((lambda: indicators.roc(kinds, bad), "roc: confidence"),
                       (lambda: indicators.risk_coverage(bad, good), "risk_coverage: confidence"),
                       (lambda: indicators.risk_coverage(good, bad), "risk_coverage: error")):
        with pytest.raises(InputError, match=f"^{name}"):
            work()


@pytest.mark.parametrize("positive", [[1, 0], [0.0, 1.0], ["yes", "no"], None, [], [np.nan, 1]])
def test_what_is_positive_is_said_by_booleans(positive):
    with pytest.raises(InputError, match="roc: positive is .*; expected booleans"):
        indicators.roc(positive, [0.1, 0.2])


@pytest.mark.parametrize("steps", [0, -1, 2.5, None, np.nan, True])
def test_a_curve_has_steps(steps):
    with pytest.raises(InputError, match="risk_coverage: steps is"):
        indicators.risk_coverage([0.1, 0.2], [1.0, 2.0], steps)
