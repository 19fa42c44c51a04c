"""Emitters stand on the map and outside the standing buildings."""

import numpy as np
import pytest
import shapely

from rsslib.data.buildings import City
from rsslib.project import InputError
from rsslib.propagation import positions

TOWN = City("two", np.array([shapely.box(10, 10, 30, 30), shapely.box(50, 50, 60, 60)]), np.array([9.0, 30.0]),
            np.array([0.0, 12.0]), 100.0)
"""A house, and a bridge."""


def test_streets_corners_and_the_space_below_a_bridge_are_free():
    given = [(0.0, 0.0), (100.0, 100.0), (9.9, 20.0), (55.0, 55.0)]
    np.testing.assert_array_equal(positions.emitters(TOWN, given), given)
    assert positions.emitters(TOWN, np.empty((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(("given", "message"), [
    ([(1.0, 1.0), (20.0, 20.0)], r"position 1 is \[20.0, 20.0\], in a building \(1 of 2\); expected 0 to 100 m"),
    ([(10.0, 10.0)], "in a building"), ([(-0.1, 5.0)], "off the map"), ([(5.0, 1e9), (5.0, 5.0)], r"map \(1 of 2\)"),
    ([(0.1, 151.2)] * 3, r"position 0 is .* off the map \(3 of 3\)")])
def test_other_places_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        positions.emitters(TOWN, given)
