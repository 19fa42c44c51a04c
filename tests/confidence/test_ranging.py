"""Ranging: Eq. (4) corrected, Min-Max on exact geometry, the calibration on training samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsslib.confidence import ranging
from rsslib.data import splits
from rsslib.project import InputError


def test_the_distance_undoes_the_path_loss():
    d = np.array([1.0, 10.0, 250.0])
    rss = 52.0 - 37.6 * np.log10(d)
    assert ranging.distance(rss, a=52.0) == pytest.approx(d)
    assert ranging.distance(rss - 37.6, a=52.0) == pytest.approx(10 * d)    # a decade of loss, ten times as far


@given(st.floats(-500, 500), st.floats(-500, 500))
def test_four_receivers_on_the_axes_locate_exactly(east, north):
    # receivers due east, west, north and south of the transmitter, each at its true distance
    x, y = np.array([[east + 300, east - 200, east, east]]), np.array([[north, north, north + 100, north - 400]])
    d = np.hypot(x - east, y - north)
    assert np.concatenate(ranging.min_max(x, y, d)) == pytest.approx([east, north], abs=1e-9)


def test_min_max_is_the_middle_of_the_box_without_silent_receivers():
    x, y = [[0.0, 100.0, np.nan]], [[0.0, 50.0, np.nan]]
    location = ranging.min_max(x, y, [[80.0, 60.0, np.nan]])
    # east: max(-80, 40), min(80, 160); north: max(-80, -10), min(80, 110)
    assert np.concatenate(location).tolist() == [60.0, 35.0]


def test_the_calibration_finds_the_slack_of_its_own_samples(campus):
    samples = splits.make(campus, "grid2")["train"]
    errors = ranging.training_errors(campus, samples)
    a = ranging.calibrate(campus, samples)
    assert errors[ranging.CANDIDATES == a] == errors.min() and 0 < a < 100
    # 10 dB more of every reading asks for 10 dB more of a, and no sample outside `samples` has a say
    louder = campus.assign(rss=campus.rss + 10)
    louder["rss"][splits.make(campus, "grid2")["ood"]] -= 70.0
    assert ranging.calibrate(louder, samples) == pytest.approx(a + 10)


def test_a_best_value_at_the_end_of_those_tried_is_refused(campus):
    with pytest.raises(InputError, match="the best a is 300 dB, the first or last of those tried"):
        ranging.calibrate(campus, np.arange(50), candidates=np.array([200.0, 300.0]))


def test_what_cannot_be_ranged_is_named(campus):
    silent, unknown = campus.copy(deep=True), campus.copy(deep=True)
    silent.rss.values[3] = np.nan
    unknown.tx_x.values[4], unknown.tx_y.values[4] = np.nan, np.nan
    with pytest.raises(InputError, match="ranging: the data set: sample 2022-04-20 09:00:12: no receiver heard it"):
        ranging.locate(silent, np.array([2, 3]), 50.0)
    with pytest.raises(InputError, match="samples have no known transmitter; expected"):
        ranging.calibrate(unknown, np.array([4, 5]))
    with pytest.raises(InputError, match="ranging: samples is empty"):
        ranging.calibrate(unknown, np.array([], int))
    for door in (lambda: ranging.locate("campus", [0], 50.0), lambda: ranging.calibrate(None, [0])):
        with pytest.raises(InputError, match="ranging: the data set is .*; expected an xarray.Dataset"):
            door()


@pytest.mark.parametrize("a", [np.nan, np.inf, None, "50", True, [50.0], 1e4, 1j, 10**400])
def test_a_is_a_number_of_decibels(campus, a):
    for door in (lambda: ranging.locate(campus, np.array([0]), a), lambda: ranging.distance([-50.0], a)):
        with pytest.raises(InputError, match="ranging: a"):
            door()


@pytest.mark.parametrize("candidates", [[], [np.nan, 1.0], [[1.0, 2.0]], 5.0, ["1", "2"], [None, 2.0], [1.0, np.inf]])
def test_candidates_are_numbers_of_decibels(campus, candidates):
    with pytest.raises(InputError, match="ranging: candidates"):
        ranging.calibrate(campus, np.arange(5), candidates)


@pytest.mark.parametrize("rss, message", [
    ([-50.0, 100.0], "rss is 100 .1 of 2 readings"), ([np.inf], "rss is inf"), (["-50"], "rss: holds <U3"),
    ([True], "rss: holds bool"), (np.array(["2022"], "M8[s]"), "rss: holds datetime64"), ([-50j], "rss: holds complex"),
    ([[-50.0], [1, 2]], "rss: not an array"), ([-50, -999, -999], "rss is -999 .2 of 3 .* give not_heard=-999")])
def test_readings_are_in_decibels(rss, message):
    with pytest.raises(InputError, match=f"ranging: {message}"):
        ranging.distance(rss, 52.0)


def test_what_was_not_heard_has_no_distance():
    assert np.isnan(ranging.distance(np.ma.masked_equal([-50.0, 100.0], 100.0), 52.0)).tolist() == [False, True]
    assert np.isnan(ranging.distance([None, -50.0], 52.0)).tolist() == [True, False]


@pytest.mark.parametrize("x, y, d, message", [
    ([0.0, 1.0], [0.0, 1.0], [1.0, 2.0], r"d: shape \(2,\); expected \(sample, sensor\)"),
    ([[0.0]], [[0.0, 1.0]], [[1.0, 2.0]], r"x: shape \(1, 1\); expected \(sample, sensor\) = \(1, 2\)"),
    ([0.0, 1.0], [[0.0, 1.0]], [[1.0, 2.0]], r"x: shape \(2,\)"),
    ([[0.0, 1.0]], [[0.0, 1.0]], [[1.0, -2.0]], "sample 0: a distance is negative or infinite"),
    ([[0.0, 1.0]], [[0.0, 1.0]], [[np.inf, 2.0]], "sample 0: a distance is negative or infinite"),
    ([[0.0], [np.nan]], [[0.0], [1.0]], [[1.0], [2.0]], "sample 1: a receiver with a distance has no position"),
    ([[0.0], [1.0]], [[0.0], [1.0]], [[1.0], [np.nan]], "sample 1: it has no distance"),
    ([["0"]], [[0.0]], [[1.0]], "x: holds <U1"), ([[0.0]], [[True]], [[1.0]], "y: holds bool")])
def test_min_max_takes_one_position_for_each_distance(x, y, d, message):
    with pytest.raises(InputError, match=f"min_max: (x, y and d: )?{message}"):
        ranging.min_max(x, y, d)


def test_ranging_does_not_depend_on_the_order_of_receivers(campus):
    samples = np.arange(100)
    other = campus.isel(sensor=np.random.default_rng(0).permutation(campus.sizes["sensor"]))
    assert ranging.calibrate(other, samples) == ranging.calibrate(campus, samples)
    for expected, found in zip(ranging.locate(campus, samples, 52.0), ranging.locate(other, samples, 52.0)):
        assert expected.tobytes() == found.tobytes()


def test_errors_of_the_calibration_are_those_of_ranging_with_each_candidate(campus):
    samples, candidates = splits.make(campus, "grid2")["train"], [20.0, 48.5, 90.0]
    expected = []
    for a in candidates:
        x, y = ranging.locate(campus, samples, a)
        expected.append(np.median(np.hypot(x - campus.tx_x.values[samples, 0], y - campus.tx_y.values[samples, 0])))
    assert ranging.training_errors(campus, samples, candidates) == pytest.approx(expected, rel=1e-9)
