"""The urban model: path loss by hand, both ways the same, bright streets and dark yards."""

import numpy as np
import pytest
import shapely

from rsslib.data import cities
from rsslib.data.city import City
from rsslib.project import InputError
from rsslib.propagation.friis import path_gain_db
from rsslib.propagation.urban import Urban, gain_maps_db, umi_los_db, umi_nlos_db


@pytest.fixture(scope="module")
def town():
    return cities.procedural(seed=2, side_m=300.0)


@pytest.fixture(scope="module")
def open_field():
    return City("field", np.array([], object), np.array([]), np.array([]), 320.0)


def test_line_of_sight_by_hand():
    # d_BP = 4 * 9 * 0.5 * 3.5e9 / c = 210.15 m; at 100 m d3 = 100.36 m, at 1 km d3 = 1000.04 m
    assert umi_los_db(100.0) == pytest.approx(32.4 + 21 * 2.001563 + 10.8814, abs=1e-3)
    second = 32.4 + 40 * 3.0000157 + 10.8814 - 9.5 * np.log10(210.145**2 + 8.5**2)
    assert umi_los_db(1000.0) == pytest.approx(second, abs=1e-2)
    below, above = umi_los_db([210.1, 210.2])
    assert abs(above - below) < 0.05


def test_no_line_of_sight_by_hand():
    assert umi_nlos_db(100.0) == pytest.approx(35.3 * 2.001563 + 22.4 + 21.3 * 0.544068, abs=1e-3)
    higher = 35.3 * np.log10(np.hypot(100, 4)) + 22.4 + 21.3 * 0.544068 - 0.3 * 4.5
    assert umi_nlos_db(100.0, user_m=6.0) == pytest.approx(higher, abs=1e-3)
    # where line of sight loses more, as between two low antennas far apart, the standard takes that
    assert umi_nlos_db(1000.0, base_m=1.5) == umi_los_db(1000.0, base_m=1.5)


def test_antennas_in_the_clutter_are_refused():
    with pytest.raises(InputError, match="antennas above 1 m"):
        umi_nlos_db(100.0, user_m=1.0)


def test_an_open_field_is_free_space_and_a_little_around_the_corner(open_field):
    model = Urban(open_field, 32, shadowing_db=0.0)
    gain = model.gain_map_db((165.0, 165.0))
    free = path_gain_db(np.hypot(np.maximum(np.hypot(*(model.places - 165.0).T), 5.0), 1.5))
    extra = gain.ravel() - free
    assert gain.shape == (32, 32) and gain.dtype == np.float32
    assert 0 < extra.min() and extra.max() < 3.02 and extra[free < -75].max() < 0.2


def test_shadowing_never_beats_free_space_twofold(open_field):
    model = Urban(open_field, 32, shadowing_db=20.0)
    free = path_gain_db(np.hypot(np.maximum(np.hypot(*(model.places - 165.0).T), 5.0), 1.5))
    assert (model.gain_map_db((165.0, 165.0)).ravel() - free).max() < 3.02


@pytest.mark.parametrize("shadowing", [0.0, 7.82])
def test_gains_are_the_same_both_ways(town, shadowing):
    model = Urban(town, 32, emitter_m=1.5, shadowing_db=shadowing)
    cells = np.flatnonzero(model.outdoor)[::23]
    places = model.places[::23]
    gains = np.stack([model.gain_map_db(place).ravel()[cells] for place in places])
    assert len(cells) > 15 and np.ptp(gains) > 40
    np.testing.assert_allclose(gains, gains.T, atol=1e-3)


def test_streets_are_bright_and_houses_cast_shadows():
    houses = City("two", np.array([shapely.box(20, 100, 90, 140), shapely.box(110, 100, 180, 140)]),
                  np.array([30.0, 30.0]), np.zeros(2), 200.0)
    model = Urban(houses, 40, shadowing_db=0.0)
    gain = model.gain_map_db((100.0, 60.0))
    assert np.isnan(gain[24, 8]) and np.isfinite(gain[model.outdoor]).all() and (np.isnan(gain) == ~model.outdoor).all()
    street, yard = gain[32, 19:21], gain[32, 8]               # 160 m north: between the houses, behind one
    assert (street > yard + 20).all()
    np.testing.assert_allclose(gain[:, ::-1], gain, atol=0.01)  # the scene is its own mirror image


def test_a_lower_house_casts_a_lighter_shadow():
    def behind(height):
        wall = City("wall", np.array([shapely.box(0, 90, 200, 100)]), np.array([height]), np.zeros(1), 200.0)
        return Urban(wall, 20, shadowing_db=0.0).gain_map_db((105.0, 25.0))[14, 10]

    assert behind(2.0) > behind(6.0) > behind(30.0)


@pytest.mark.parametrize(("place", "message"), [((-1.0, 5.0), "from 0 to below 200"), ((5.0, 200.0), "to below 200"),
                                                ((50.0, 95.0), "in a building"), ((np.nan, 5.0), "to below 200")])
def test_bad_emitters_are_refused(place, message):
    wall = City("wall", np.array([shapely.box(0, 90, 200, 100)]), np.array([9.0]), np.zeros(1), 200.0)
    with pytest.raises(InputError, match=message):
        Urban(wall, 20).gain_map_db(place)


def test_many_maps_are_the_single_ones_and_the_seed_sets_the_shadowing(town):
    model = Urban(town, 16, seed=5)
    places = model.places[[3, 60]]
    maps = list(gain_maps_db(town, places, 16, seed=5))
    for place, gain in zip(places, maps):
        np.testing.assert_array_equal(gain, model.gain_map_db(place))
    assert not np.allclose(next(gain_maps_db(town, places, 16, seed=6)), maps[0], atol=1.0, equal_nan=True)
