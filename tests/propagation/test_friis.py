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


@pytest.mark.parametrize("frequency", [0.0, -1.0, np.nan, np.inf])
def test_no_frequency_is_refused(frequency):
    with pytest.raises(InputError, match="frequency above 0 Hz"):
        friis.path_gain_db(1.0, frequency)


def test_cells_by_displacement():
    table = friis.cell_gain_db(4, 40.0)
    assert table.shape == (7, 7) and table.dtype == np.float32
    assert table[3 + 2, 3 - 3] == pytest.approx(friis.path_gain_db(np.hypot(20, 30)), abs=1e-4)
    assert table[3, 3] == pytest.approx(friis.path_gain_db(5.0), abs=1e-4)
    assert (table == table.T).all() and (table == table[::-1]).all()


@pytest.mark.parametrize("distance", [0.0, -1.0, np.nan])
def test_no_distance_is_refused(distance):
    with pytest.raises(InputError, match=f"distances above 0 m, found {distance}"):
        friis.path_gain_db([1.0, distance])
