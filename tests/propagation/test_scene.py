"""Scenes: lookups equal the direct formula, sets are disjoint in cities, half of free space is occupied."""

import numpy as np
import pytest

from rsslib.data import cities
from rsslib.data.buildings import centres
from rsslib.project import InputError
from rsslib.propagation import gain_maps, scene
from rsslib.propagation.friis import path_gain_db


@pytest.fixture(scope="module")
def town():
    return gain_maps.build(cities.procedural(seed=2, side_m=300.0), 24, count=60, seed=1)


def test_free_space_is_friis_between_centres():
    free = scene.scene("free_space", 9)
    centre = centres(9, free.side_m)
    emitter, cell = np.random.default_rng(0).integers(0, 81, (2, 50, 4))
    distance = np.hypot(*np.moveaxis(centre[emitter] - centre[cell], -1, 0))
    expected = path_gain_db(np.where(distance > 0, distance, free.side_m / 18), free.frequency_hz)
    gains_db = free.gain_db(emitter, cell)
    assert gains_db.dtype == np.float32
    np.testing.assert_allclose(gains_db, expected, atol=1e-4)


def test_free_space_has_every_cell_in_every_set():
    free = scene.scene("free_space", 64)
    assert set(free.cells) == {"train", "val", "test"} and free.outdoor.all() and free.outdoor.shape == (64, 64)
    assert all((cells == np.arange(4096)).all() and cells.dtype == np.int64 for cells in free.cells.values())
    assert free.threshold_dbm == -80.0 and not free.synthetic
    assert 0.45 < scene.occupied_share(free, samples=300) < 0.62


def test_arguments_broadcast(town):
    for city in (scene.scene("free_space", 24), scene.scene("procedural", 24, town)):
        emitter, cells = city.cells["train"][:6].reshape(3, 2), np.flatnonzero(city.outdoor)[:10]
        gains_db = city.gain_db(emitter[:, :, None], cells)
        assert gains_db.shape == (3, 2, 10)
        assert gains_db[2, 1, 7] == city.gain_db(emitter[2, 1], cells[7])
        assert city.gain_db(emitter[:0, :, None], cells).shape == (0, 2, 10)


def test_a_city_looks_up_its_library(town):
    city = scene.scene("procedural", 24, town)
    assert city.synthetic and city.attribution == cities.BANNER and city.side_m == 300.0
    for name, cells in city.cells.items():
        assert set(cells) == set(town.cell.values[town.set.values == name]) and cells.dtype == np.int64
    emitters = town.cell.values
    gains_db = city.gain_db(emitters[:, None], np.arange(24 * 24))
    np.testing.assert_array_equal(gains_db, town.gain_db.values.reshape(60, -1))
    assert (np.isfinite(gains_db) == city.outdoor.ravel()).all()


def test_the_library_must_be_the_right_one(town):
    with pytest.raises(InputError, match="chicago needs a gain library"):
        scene.scene("chicago", 24)
    for environment, n in (("chicago", 24), ("procedural", 32)):
        with pytest.raises(InputError, match="the library is of procedural with n = 24; expected"):
            scene.scene(environment, n, town)


def test_levels_add_powers_and_follow_the_seed(town):
    city = scene.scene("procedural", 24, town)
    levels = scene.levels_dbm(city, "val", 40, seed=3)
    assert levels.shape == (40, city.outdoor.sum()) and np.isfinite(levels).all()
    assert (levels == scene.levels_dbm(city, "val", 40, seed=3)).all()
    assert (levels != scene.levels_dbm(city, "test", 40, seed=3)).any()
    strongest = city.gain_db(city.cells["val"][:, None], np.flatnonzero(city.outdoor)).max(axis=0) + 40
    assert (levels.max(axis=0) <= strongest + 10 * np.log10(3)).all()


@pytest.mark.parametrize("n, side_m", [(0, 5000.0), (4, 0.0), (4, -5.0), (4, np.nan), (4, np.inf)])
def test_free_space_has_cells_and_a_side(n, side_m):
    with pytest.raises(InputError, match=f"n is {n}, side_m {side_m}; expected at least 1 cell per side"):
        scene.free_space(n, side_m)


@pytest.mark.parametrize("emitter, cell, message", [
    (-1, 3, "emitter_cells reach from -1 to -1; expected 0 to 255"), (3, 256, "cells reach from 256 to 256")])
def test_a_cell_outside_the_map_has_no_gain(emitter, cell, message):
    with pytest.raises(InputError, match=message):
        scene.free_space(16).gain_db([emitter], [cell])
