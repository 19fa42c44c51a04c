"""Hybrids: the fallback, the choice among models and how often it is right, on tables worked by hand."""

import hand_made
import numpy as np
import pytest
import xarray as xr

from rsslib.confidence import hybrid
from rsslib.project import InputError

VAL = ["val"] * 3


def pair():
    """Two models of one sample each of five; thresholds (of percentile 0) 0.5 and 0.1."""
    sets, error = [*VAL, *["july"] * 5], [0, 0, 0]
    first = hand_made.predictions(sets, [0.5, 0.7, 0.9, 0.6, 0.4, 0.5, 0.9, 0.5], [*error, 10, 80, 30, 20, 50])
    second = hand_made.predictions(sets, [0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.12, 0.1], [*error, 40, 20, 60, 90, 50])
    return first, second


def test_low_confidence_takes_the_other_location():
    model = hand_made.predictions([*VAL, "ood", "ood"], [0.5, 0.7, 0.9, 0.4, 0.6], [1, 2, 3, 500, 5])
    result = hybrid.fallback(model, np.full(5, 7e3), np.full(5, 8e3), percentile=0)
    assert result.x_hat.values.tolist() == [1001, 1002, 1003, 7000, 1005]
    assert result.y_hat.values.tolist() == [2000, 2000, 2000, 8000, 2000]
    assert model.x_hat.values[3] == 1500    # the model itself is left alone


def test_confidence_is_divided_by_the_models_own_threshold():
    first, second = pair()
    assert hybrid.normalised_confidence(first, percentile=0)[3:] == pytest.approx([1.2, 0.8, 1.0, 1.8, 1.0])
    assert hybrid.normalised_confidence(second, percentile=0)[3:] == pytest.approx([1.0, 2.0, 3.0, 1.2, 1.0])


def test_a_smaller_spread_is_surer():
    model = hand_made.predictions(VAL, [0.0, 0.5, 0.75], [0, 0, 0])    # maximum spreads 100, 50, 25 m
    assert hybrid.normalised_confidence(model, "max_spread", percentile=0) == pytest.approx([1, 2, 4])


def test_the_surer_model_wins_and_the_first_where_they_are_level():
    result = hybrid.choose(pair(), "july", percentile=0)
    assert result.chosen.values.tolist() == [0, 1, 1, 0, 0]
    assert (result.x_hat.values - 1000).tolist() == [10, 20, 60, 20, 50]
    # right in the first, second and fourth, wrong in the third; the fifth is a tie, which counts as right
    assert hybrid.best_choice(result.error_m.values, result.chosen.values).tolist() == [True, True, False, True, True]


def test_three_models_can_be_compared():
    first, second = pair()
    third = hand_made.predictions(first.set.values, [0.01, 0.1, 0.1, 1, 0, 0, 0, 0], np.zeros(8))
    result = hybrid.choose([first, second, third], "july", percentile=0)
    assert result.chosen.values[0] == 2 and result.confidence.shape == (3, 5)


def test_bad_input_is_named():
    first, second = pair()
    for models in ([], [first], {"first": first, "second": second}):
        with pytest.raises(InputError, match="at least two models' predictions.*of a dictionary, its values"):
            hybrid.choose(models, "july")
    with pytest.raises(InputError, match="model 1 is on another grid"):
        hybrid.choose([first, second.assign_attrs(pixel_m=60.0)], "july")
    with pytest.raises(InputError, match="model 1 is on another grid"):
        hybrid.choose([first, second.assign_attrs(x0=np.array([]))], "july")
    with pytest.raises(InputError, match="model 1 predicts other samples"):
        hybrid.choose([first, second.assign_coords(measurement=("sample", np.arange(8)[::-1]))], "july")
    with pytest.raises(InputError, match="model 1 predicts other samples"):
        hybrid.choose([first, second.assign(x_true=second.x_true + 100)], "july")
    for odd in (np.inf, np.nan):
        with pytest.raises(InputError, match="predictions: x_hat is not finite in a sample; expected metres"):
            hybrid.choose([first, second.assign(x_hat=second.x_hat * odd)], "july")
    unknown = [model.assign(x_true=model.x_true * np.nan) for model in (first, second)]
    assert np.isnan(hybrid.choose(unknown, "july").error_m).all()
    with pytest.raises(InputError, match=r"fallback: x: entry 0 is nan \(8 of 8\)"):
        hybrid.fallback(first, np.full(8, np.nan), np.zeros(8))
    with pytest.raises(InputError, match="no set 'april'"):
        hybrid.choose([first, second], "april")
    with pytest.raises(InputError, match="percentile on validation is 0"):
        hybrid.normalised_confidence(hand_made.predictions(VAL, [0, 0, 0], [0, 0, 0]))
    with pytest.raises(InputError, match="fallback: y has 2 numbers; expected 8"):
        hybrid.fallback(first, np.zeros(8), np.zeros(2))


@pytest.mark.parametrize("bad", [None, "west", np.full(8, "x"), np.zeros((8, 1)), np.zeros(0), [1, [2]], xr.Dataset(),
                                 np.full(8, np.inf), np.zeros(8, complex), np.zeros(8, bool)])
def test_locations_of_another_kind_are_named(bad):
    first, _ = pair()
    for x, y, name in ((bad, np.zeros(8), "x"), (np.zeros(8), bad, "y")):
        with pytest.raises(InputError, match=f"fallback: {name}"):
            hybrid.fallback(first, x, y)


@pytest.mark.parametrize("given", [{"indicator": "entropy"}, {"indicator": None}, {"indicator": ["max_spread"]},
                                   {"percentile": np.nan}, {"percentile": "10"}, {"percentile": None}])
def test_indicators_and_percentiles_of_another_kind_are_named(given):
    first, second = pair()
    for work in (lambda: hybrid.fallback(first, np.zeros(8), np.zeros(8), **given),
                 lambda: hybrid.normalised_confidence(first, **given),
                 lambda: hybrid.choose([first, second], "july", **given)):
        with pytest.raises(InputError, match=f"{next(iter(given))} is .*; expected"):
            work()


@pytest.mark.parametrize("error, chosen", [
    ([[1.0, 2.0]], [0]), ([[1.0], [2.0]], [2]), ([[1.0], [2.0]], [-1]), ([[1.0], [2.0]], [0.0]), ([1.0], [0]),
    ([[1.0], [np.nan]], [0]), ([["a"], ["b"]], [0]), (None, [0]), ([[1.0], [2.0]], None), (np.zeros((2, 0)), [])])
def test_choices_that_do_not_fit_the_errors_are_named(error, chosen):
    with pytest.raises(InputError, match="best_choice: (error|chosen)"):
        hybrid.best_choice(error, chosen)


@pytest.mark.parametrize("models", [None, 3, "ab", [None, None], [xr.Dataset(), xr.Dataset()]])
def test_what_is_no_list_of_models_is_named(models):
    with pytest.raises(InputError, match="hybrid: expected a list|predictions: no 'set'"):
        hybrid.choose(models, "july")
