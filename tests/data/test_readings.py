"""Readings: what no receiver reads is refused, what a receiver may read is not."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsslib.data import readings
from rsslib.project import InputError, InputWarning


def heard(low=-100.0, high=-40.0, shape=(300, 20), seed=0):
    return np.random.default_rng(seed).uniform(low, high, shape)


@given(st.floats(-190, 0), st.floats(5, 60), st.sampled_from([0, 1, 0.5]), st.integers(0, 20))
def test_readings_of_any_level_pass(low, span, step, seed):
    rss = heard(low - span, low - 2, seed=seed)
    readings.check((rss / step).round() * step if step else rss, "f")


def test_a_floor_and_a_saturation_pass():
    rss = heard()
    readings.check(np.maximum(rss, np.quantile(rss, 0.01)), "f")
    readings.check(np.minimum(rss, np.quantile(rss, 0.99)), "f")
    ends = np.quantile(rss, 0.3, axis=0) + np.arange(rss.shape[1])    # each receiver has a floor of its own
    readings.check(np.maximum(rss, ends), "f")


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_floor_of_most_receivers_that_a_tenth_of_the_readings_have_may_be_a_mark(share):
    rss = heard()
    for floored in (np.maximum(rss, np.quantile(rss, share)), np.minimum(rss, np.quantile(rss, 1 - share))):
        with pytest.warns(InputWarning, match="f: rss is .* readings.*not_heard"):
            readings.check(floored, "f")


@pytest.mark.parametrize("value", [0, 1, -1, -150])
def test_an_extreme_number_that_is_rare_is_told(value):
    rss = heard()
    rss[np.random.default_rng(1).random(rss.shape) < 0.002] = value
    with pytest.warns(InputWarning, match=f"f: rss is {value} .*give not_heard={value} to"):
        readings.check(rss, "f")


@pytest.mark.parametrize("share, value", [
    *product([0.002, 0.3, 0.97], [100, -999, 127.5, 21, -170]), *product([0.03, 0.3, 0.97], [0, 1, -1, -150])])
def test_a_mark_is_refused_however_often_it_is_there(share, value):
    rss = heard()
    rss[np.random.default_rng(1).random(rss.shape) < share] = value
    count = int((rss == value).sum())
    with pytest.raises(InputError, match=f"f: rss is {value} .{count} of 6000 readings.*give not_heard={value} to"):
        readings.check(rss, "f")


@pytest.mark.parametrize("value, count", [(0, 2), (-130, 1), (10, 2)])
def test_one_or_two_whole_numbers_far_off_are_worth_a_warning(value, count):
    rss = heard()
    rss.flat[:count] = value
    with pytest.warns(InputWarning, match=f"f: rss is {value} .{count} of 6000 readings., .* if that means not heard"):
        readings.check(rss, "f")
    rss.flat[:count] += 0.37
    readings.check(rss, "f")


@pytest.mark.parametrize("receivers, warned", [(20, True), (11, True), (10, False), (1, False)])
def test_a_number_among_readings_is_suspicious_if_most_receivers_repeat_it(receivers, warned):
    rss = heard(-80.0)
    rss[::2, :receivers] = -95.0
    if warned:
        with pytest.warns(InputWarning, match="f: rss is -95 .* give not_heard=-95"):
            readings.check(rss, "f")
    else:
        readings.check(rss, "f")


@pytest.mark.parametrize("value", [0, 20])
def test_a_number_with_others_around_it_is_suspicious_if_it_is_by_far_the_most_frequent(value):
    rss = heard(-60.0, 30.0)
    readings.check(rss.round(), "f")
    rss[np.random.default_rng(1).random(rss.shape) < 0.04] = value
    with pytest.warns(InputWarning, match=f"f: rss is {value} .* give not_heard={value}"):
        readings.check(rss, "f")


def test_places_that_are_measured_again_and_again_pass():
    levels = heard(shape=(4, 3)).round()    # three receivers, four places, whole numbers
    readings.check(np.repeat(levels, 50, axis=0), "f")
    readings.check(np.full((50, 3), -70.0), "f")
    readings.check(np.full((50, 3), np.nan), "f")


@pytest.mark.parametrize("rss, message", [
    (10 ** (heard() / 10), "rss is within 1 dB of 0 in 6000 of 6000"),
    (np.ones((5, 5)), "rss is within 1 dB of 0 in 25 of 25"),
    ((heard() > -70) * 1.0, "rss is within 1 dB of 0"), (np.zeros((5, 5)), "rss is 0 .25 of 25 readings"),
    (-heard(), "rss is 60.* to 99.* in .* check sign and unit"),
    (heard() * 10, "rss is -9.* in .* check sign and unit"),
    (np.where(heard() > -50, np.inf, heard()), "rss is inf"),
    (np.where(heard() > -50, -np.inf, heard()), "rss is -inf"),
    (np.where(heard() > -50, 1e38, heard()), r"rss is 1e\+38"), (np.full((2, 2), -200.0), "rss is -200")])
def test_other_quantities_are_refused(rss, message):
    with pytest.raises(InputError, match=f"^f: {message}"):
        readings.check(rss, "f")


def test_a_mark_is_compared_as_it_is_stored():
    rss = np.array([[-100.3, -50.0]])
    assert np.isnan(readings.without(rss, -100.3, "f")).tolist() == [[True, False]]
    assert np.isnan(readings.without(rss.astype(np.float32), [1e39, -100.3], "f")).tolist() == [[True, False]]
    assert readings.without(np.array([[1e39, -1e39]]), 1e39, "f").tolist()[0][1] == -np.inf
    for not_heard in ([], np.nan, None, [None]):
        assert np.array_equal(readings.without(rss, not_heard, "f"), rss.astype(np.float32))


@pytest.mark.parametrize("marks", [(0, -1), (20, 25), (0, 1, -1), (-127, -128)])
def test_several_marks_do_not_excuse_each_other(marks):
    rss, random = heard(), np.random.default_rng(1)
    rss = np.where(random.random(rss.shape) < 0.2, random.choice(marks, rss.shape), rss)
    with pytest.raises(InputError, match="give not_heard="):
        readings.check(rss, "f")
