"""The urban model: knife edges against the exact integral, the statistics of shadowing, path loss by hand, reciprocity,
bright streets and dark yards."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import fresnel

from rsslib.data import cities
from rsslib.data.buildings import City
from rsslib.project import InputError
from rsslib.propagation.friis import path_gain_db
from rsslib.propagation.urban import (
    Shadowing,
    Urban,
    bullington_db,
    gain_maps_db,
    knife_edge_db,
    umi_los_db,
    umi_nlos_db,
)

WAVE = 0.0857


def exact_db(nu):
    """ITU-R P.526-15, Eq. (30): the loss behind a knife edge from the Fresnel integrals."""
    s, c = fresnel(nu)
    return -20 * np.log10(np.sqrt((1 - c - s) ** 2 + (c - s) ** 2) / 2)


def test_known_values():
    # the formula by hand: nu = 0 -> 6.9 + 20 log10(sqrt(1.01) - 0.1), nu = 1 -> 6.9 + 20 log10(sqrt(1.81) + 0.9)
    assert knife_edge_db(0.0) == pytest.approx(6.033, abs=1e-3)
    assert knife_edge_db(1.0) == pytest.approx(13.926, abs=1e-3)
    assert knife_edge_db(2.4) == pytest.approx(20.539, abs=1e-3)
    assert (knife_edge_db([-0.78, -0.9, -50.0]) == 0).all()


def test_the_exact_integral_is_met():
    nu = np.linspace(-0.5, 20, 400)
    assert np.abs(knife_edge_db(nu) - exact_db(nu)).max() < 0.25
    assert knife_edge_db(-0.77) == pytest.approx(0, abs=0.1)


def edge(index, height, points=200):
    profile = np.full((1, points), -1e3)
    profile[0, index] = height
    return profile, (index + 0.5) / points


@given(st.integers(5, 194), st.floats(-2.0, 300.0), st.floats(50.0, 1500.0), st.floats(1.0, 30.0), st.floats(1.0, 30.0))
def test_one_obstacle_is_a_knife_edge(index, height, distance, start, end):
    profile, part = edge(index, height)
    above = height - start - (end - start) * part
    nu = above * np.sqrt(2 / WAVE * (1 / (part * distance) + 1 / ((1 - part) * distance)))
    assert bullington_db(profile, [distance], start, end, WAVE)[0] == pytest.approx(knife_edge_db(nu), abs=1e-6)


def test_two_obstacles_act_where_their_horizons_meet():
    one, _ = edge(49, 41.5)
    two, _ = edge(149, 41.5)
    profile = np.maximum(one, two)              # slopes of 40 m over 49.5 m and 50.5 m, seen from 1.5 m
    t = (40 / 50.5 * 200) / (40 / 49.5 + 40 / 50.5)
    nu = 40 / 49.5 * t * np.sqrt(2 * 200 / (WAVE * t * (200 - t)))
    assert bullington_db(profile, [200.0], 1.5, 1.5, WAVE)[0] == pytest.approx(knife_edge_db(nu), abs=1e-6)


def test_paths_are_independent_and_the_same_both_ways():
    profile = np.random.default_rng(0).uniform(0, 60, (30, 64)) * (np.arange(30)[:, None] > 9)
    distance = np.linspace(50, 900, 30)
    there = bullington_db(profile, distance, 1.5, 3.0, WAVE)
    back = bullington_db(profile[:, ::-1], distance, 3.0, 1.5, WAVE)
    np.testing.assert_allclose(there, back, atol=1e-9)
    assert there[20] == bullington_db(profile[20:21], distance[20:21], 1.5, 3.0, WAVE)[0]
    assert (there[10:] > 10).all() and (there[:10] < 2).all()


def test_nothing_in_the_way_costs_nothing():
    assert bullington_db(np.full((1, 50), -20.0), [500.0], 1.5, 1.5, WAVE)[0] == 0


@pytest.fixture(scope="module")
def positions():
    rng = np.random.default_rng(0)
    return rng.uniform(0, 4000, (250, 2)), rng.uniform(0, 4000, (250, 2))


def test_spread_and_mean(positions):
    field = Shadowing(1, sigma_db=6.0).between_db(*positions)
    assert field.shape == (250, 250) and field.std() == pytest.approx(6.0, rel=0.1) and abs(field.mean()) < 0.3


@pytest.mark.parametrize("away", [4.0, 13.0, 40.0])
def test_correlation_is_exponential_at_both_ends(positions, away):
    a, b = positions
    seeds = [Shadowing(seed, decorrelation_m=13.0) for seed in range(6)]
    first, moved, both = (np.concatenate([field.between_db(a + [p, 0], b + [0, q]).ravel() for field in seeds])
                          for p, q in ((0, 0), (away, 0), (away, away)))
    assert np.corrcoef(first, moved)[0, 1] == pytest.approx(np.exp(-away / 13), abs=0.06)
    assert np.corrcoef(first, both)[0, 1] == pytest.approx(np.exp(-2 * away / 13), abs=0.06)


def test_the_same_both_ways_and_from_the_same_seed(positions):
    a, b = positions
    field = Shadowing(3)
    np.testing.assert_allclose(field.between_db(a, b), field.between_db(b, a).T, atol=1e-4)
    assert (Shadowing(3).between_db(a, b) == field.between_db(a, b)).all()
    assert not np.allclose(Shadowing(4).between_db(a, b), field.between_db(a, b), atol=1.0)


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


@pytest.mark.parametrize("height", [1.0, 0.0, -3.0, np.nan, np.inf, "3", None, True])
def test_antennas_in_the_clutter_are_refused(open_field, height):
    for call in (lambda: umi_nlos_db(100.0, user_m=height), lambda: umi_los_db(100.0, base_m=height),
                 lambda: Urban(open_field, 8, sensor_m=height), lambda: Urban(open_field, 8, emitter_m=height)):
        with pytest.raises(InputError, match="_m is .*; expected antennas above 1 m"):
            call()


@pytest.mark.parametrize("distance", [0.0, -5.0, np.nan, np.inf, "5", None, [[1.0], [1.0, 2.0]]])
def test_distances_that_are_none_are_refused(distance):
    for call in (umi_los_db, umi_nlos_db, lambda given: bullington_db([[0.0, 9.0, 0.0]], [given], 1.5, 1.5, WAVE)):
        with pytest.raises(InputError, match="distance_m(: entry 0)? is "):
            call(distance)


@pytest.mark.parametrize("nu", [np.nan, [0.0, np.inf], "0", None, [True], [[1.0], [1.0, 2.0]]])
def test_what_is_no_nu_is_refused(nu):
    with pytest.raises(InputError, match="nu(: entry .)? is "):
        knife_edge_db(nu)


@pytest.mark.parametrize(("changes", "message"), [
    ({"profile": [0.0, 9.0]}, "profile is of shape \\(2,\\)"), ({"profile": [[0.0, np.nan]]}, "profi"),
    ({"profile": [["0", "9"]]}, "profile is"), ({"profile": [[]]}, "shape \\(1, 0\\)"),
    ({"distance_m": [50.0, 60.0]}, "distance_m of \\(2,\\); expected \\(paths, points\\) and \\(paths,\\)"),
    ({"distance_m": 50.0}, "distance_m of \\(\\)"), ({"start_m": np.nan}, "start_m is"), ({"end_m": "2"}, "end_m"),
    ({"wavelength_m": 0.0}, "wavelength_m is 0.0"), ({"wavelength_m": 3.5e9}, "wavelength_m is 3500000000")])
def test_profiles_that_are_none_are_refused(changes, message):
    given = {"profile": [[0.0, 30.0, 0.0]], "distance_m": [600.0], "start_m": 1.5, "end_m": 1.5, "wavelength_m": WAVE}
    assert bullington_db(**given)[0] == pytest.approx(33.9, abs=0.1)
    with pytest.raises(InputError, match=message):
        bullington_db(**(given | changes))


def test_whole_numbers_are_heights():
    assert bullington_db([[0, 30, 0]], [600], 1, 1, WAVE) == bullington_db([[0.0, 30.0, 0.0]], [600.0], 1.0, 1.0, WAVE)


@pytest.mark.parametrize(("settings", "message"), [
    ({"sigma_db": -1.0}, "sigma_db is -1"), ({"sigma_db": np.nan}, "sigma_db is"), ({"sigma_db": "8"}, "sig"),
    ({"decorrelation_m": 0.0}, "decorrelation_m is 0.0"), ({"decorrelation_m": -13.0}, "decorrelation_m is"),
    ({"decorrelation_m": np.nan}, "decorrelation_m is nan"), ({"waves": 0}, "waves is 0; expected 1 to 4096"),
    ({"waves": 8.0}, "waves is 8.0"), ({"waves": 10**9}, "waves is 100000"), ({"seed": -1}, "seed is -1"),
    ({"seed": 0.5}, "seed is 0.5"), ({"seed": "0"}, "seed is '0'")])
def test_a_field_that_is_none_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Shadowing(**settings)


@pytest.mark.parametrize("wrong", [[0.0, 0.0], [[0.0, 0.0, 0.0]], [[np.nan, 0.0]], [["0", "0"]], None, [[True, False]]])
def test_positions_that_are_none_have_no_shadowing(wrong):
    for a, b in ((wrong, [[0.0, 0.0]]), ([[0.0, 0.0]], wrong)):
        with pytest.raises(InputError, match="[ab](: entry 0/0)? is "):
            Shadowing().between_db(a, b)


def test_an_open_field_is_free_space_and_a_little_around_the_corner(open_field):
    model = Urban(open_field, 32, shadowing_db=0.0)
    gain = model.gain_map_db((165.0, 165.0))
    free = path_gain_db(np.hypot(np.maximum(np.hypot(*(model.centres - 165.0).T), 5.0), 1.5))
    extra = gain.ravel() - free
    assert gain.shape == (32, 32) and gain.dtype == np.float32
    assert 0 < extra.min() and extra.max() < 3.02 and extra[free < -75].max() < 0.2


def test_shadowing_never_beats_free_space_twofold(open_field):
    model = Urban(open_field, 32, shadowing_db=20.0)
    free = path_gain_db(np.hypot(np.maximum(np.hypot(*(model.centres - 165.0).T), 5.0), 1.5))
    assert (model.gain_map_db((165.0, 165.0)).ravel() - free).max() < 3.02


@pytest.mark.parametrize("shadowing", [0.0, 7.82])
def test_gains_are_the_same_both_ways(town, shadowing):
    model = Urban(town, 32, emitter_m=1.5, shadowing_db=shadowing)
    cells = np.flatnonzero(model.outdoor)[::23]
    positions = model.centres[::23]
    gains = np.stack([model.gain_map_db(position).ravel()[cells] for position in positions])
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


@pytest.mark.parametrize(("settings", "message"), [
    ({"n": 0}, "n is 0"), ({"n": 16.0}, "n is 16.0"), ({"n": None}, "n is N"), ({"n": 10**4}, "at mo"),
    ({"pixel_m": 0.0}, "pixel_m is 0.0"), ({"pixel_m": -2.0}, "pixel_m is -2"), ({"pixel_m": "2"}, "pixel_m"),
    ({"pixel_m": np.nan}, "pixel_m is nan"), ({"pixel_m": 1e-6}, "1 to 2048 pix"), ({"pixel_m": 1e9}, "pixel_m"),
    ({"frequency_hz": 3.5}, "frequency_hz is 3.5"), ({"shadowing_db": -1.0}, "shadowing_db is -1"),
    
    ({"shadowing_db": -1, "decorrelation_m": -1}, "^shadowing_db is -1"),
    ({"decorrelation_m": 0}, "decorrelation_m is"), ({"seed": -1}, "seed is"), ({"city": None}, "city is")])
def test_parameters_that_are_none_are_refused(town, settings, message):
    with pytest.raises(InputError, match=message):
        Urban(**({"city": town, "n": 16} | settings))


def test_a_city_without_outdoor_cells_is_refused():
    full = City("full", np.array([shapely.box(-9, -9, 99, 99)]), np.array([9.0]), np.zeros(1), 90.0)
    with pytest.raises(InputError, match="full: n is 8, and none of 8 x 8 cells lies outdoors"):
        Urban(full, 8)


@pytest.mark.parametrize(("emitter", "message"), [
    ((-1.0, 50.0), "\\[-1.0, 50.0\\], off the map"), ((50.0, 200.1), "off the map .1 of 1.; expected 0 to 200 m"),
    ((50.0, 95.0), "in a building"), ((np.nan, 0.0), "0 is nan"), ("here", "emitter is 'here'"), ((1.0,), "shape"),
    ((1.0, 2.0, 3.0), "shape"), (None, "emitter is None"), ([[1.0, 2.0, 3.0]], "shape")])
def test_emitters_off_the_map_or_in_a_building_are_refused(emitter, message):
    wall = City("wall", np.array([shapely.box(0, 90, 200, 100)]), np.array([30.0]), np.zeros(1), 200.0)
    with pytest.raises(InputError, match=message):
        Urban(wall, 20).gain_map_db(emitter)
    with pytest.raises(InputError, match=message.replace("emitter ", "emitters ").replace("1 of 1", "1 of 2")):
        list(gain_maps_db(wall, [(5.0, 5.0), emitter] if np.shape(emitter) == (2,) else emitter, 20))


def test_under_a_bridge_an_emitter_may_stand():
    bridge = City("air", np.array([shapely.box(40, 0, 60, 100)]), np.array([30.0]), np.array([10.0]), 100.0)
    assert np.isfinite(Urban(bridge, 10).gain_map_db((50.0, 50.0))).all()
    assert np.isfinite(Urban(bridge, 10).gain_map_db((100.0, 0.0))).all()    # the corner belongs to the map


def test_many_maps_are_the_single_ones_and_the_seed_sets_the_shadowing(town):
    model = Urban(town, 16, seed=5)
    positions = model.centres[[3, 60]]
    maps = list(gain_maps_db(town, positions, 16, seed=5))
    for position, gain in zip(positions, maps):
        np.testing.assert_array_equal(gain, model.gain_map_db(position))
    assert not np.allclose(next(gain_maps_db(town, positions, 16, seed=6)), maps[0], atol=1.0, equal_nan=True)
