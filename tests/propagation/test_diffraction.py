"""Knife edges against the exact integral, terrain profiles against single edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import fresnel

from rsslib.propagation.diffraction import bullington_db, knife_edge_db

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


def edge(place, height, points=200):
    profile = np.full((1, points), -1e3)
    profile[0, place] = height
    return profile, (place + 0.5) / points


@given(st.integers(5, 194), st.floats(-2.0, 300.0), st.floats(50.0, 1500.0), st.floats(1.0, 30.0), st.floats(1.0, 30.0))
def test_one_obstacle_is_a_knife_edge(place, height, distance, start, end):
    profile, part = edge(place, height)
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
