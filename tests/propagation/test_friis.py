"""Free space against its closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsslib.project import InputError
from rsslib.propagation import friis


@given(st.floats(1.0, 1e5), st.floats(1e8, 1e10))
def test_gain_is_the_closed_form(distance, frequency):
    expected = -32.4478 - 20 * np.log10(distance / 1e3) - 20 * np.log10(frequency / 1e6)    # ITU-R P.525: km, MHz
    assert friis.path_gain_db(distance, frequency) == pytest.approx(expected, abs=1e-3)
    assert friis.path_gain_db(10 * distance, frequency) == pytest.approx(friis.path_gain_db(distance, frequency) - 20)


@pytest.mark.parametrize("frequency", [0.0, -1.0, np.nan, np.inf, 3.5, 1e300, "3.5e9", True, None, [3.5e9], 10**400,
                                       np.ma.masked, 3.5e9j, np.datetime64("2026-01-01")])
def test_what_is_no_frequency_is_refused(frequency):
    for call in (friis.wavelength_m, lambda given: friis.path_gain_db(1.0, given)):
        with pytest.raises(InputError, match="frequency_hz is .*; expected a frequency from 1e6 to 1e12 Hz"):
            call(frequency)


def test_cells_by_displacement():
    table = friis.cell_gain_db(4, 40.0)
    assert table.shape == (7, 7) and table.dtype == np.float32
    assert table[3 + 2, 3 - 3] == pytest.approx(friis.path_gain_db(np.hypot(20, 30)), abs=1e-4)
    assert table[3, 3] == pytest.approx(friis.path_gain_db(5.0), abs=1e-4)
    assert (table == table.T).all() and (table == table[::-1]).all()


@pytest.mark.parametrize("distance", [0.0, -1.0, np.nan, np.inf])
def test_no_distance_is_refused(distance):
    with pytest.raises(InputError, match=rf"distance_m: entry 1 is {distance} \(1 of 2\); expected distances above"):
        friis.path_gain_db([1.0, distance])


@pytest.mark.parametrize("distances", ["1.0", [[1.0], [1.0, 2.0]], [None], [True], [1j], np.ma.array([1.0], mask=True),
                                       {"a": 1}, ["1", "2"], np.array(["2026"], "datetime64[D]")])
def test_what_are_no_distances_is_refused(distances):
    with pytest.raises(InputError, match="distance_m is "):
        friis.path_gain_db(distances)


def test_lists_whole_numbers_and_unmasked_arrays_are_distances():
    plain = friis.path_gain_db(np.array([[1.0, 2.0]]))
    for same in ([[1, 2]], ((1, 2),), np.array([[1, 2]], np.uint8), np.ma.array([[1.0, 2.0]], mask=False)):
        np.testing.assert_array_equal(friis.path_gain_db(same), plain)
    assert friis.path_gain_db([]).shape == (0,)


@pytest.mark.parametrize(("n", "side_m", "message"), [
    (0, 40.0, "n is 0; expected a whole number of cells"), (4.0, 40.0, "n is 4.0"), (True, 40.0, "n is T"),
    ("4", 40.0, "n is '4'"), (10**6, 40.0, "at most 724"), (4, "40", "side_m is '40'"), (4, np.nan, "side_m"),
    (4, 0.0, "side_m is 0.0; expected a side above 0 m"),
    (512, 1.0, "the gain at 3.5e\\+09 Hz is 16.9 dB.*larger cells")])
def test_cells_that_are_none_are_refused(n, side_m, message):
    with pytest.raises(InputError, match=message):
        friis.cell_gain_db(n, side_m)
