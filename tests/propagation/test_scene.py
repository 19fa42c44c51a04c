"""Scenes: lookups equal the direct formula, sets are disjoint in cities, half of free space is occupied."""

import numpy as np
import pytest

from rsslib.data import cities
from rsslib.data.city import centres
from rsslib.project import InputError
from rsslib.propagation import gains, scene
from rsslib.propagation.friis import path_gain_db


@pytest.fixture(scope="module")
def town():
    return gains.build(cities.procedural(seed=2, side_m=300.0), 24, count=60, seed=1)


def test_free_space_is_friis_between_centres():
    free = scene.scene("free_space", 9)
    place = centres(9, free.side_m)
    emitter, cell = np.random.default_rng(0).integers(0, 81, (2, 50, 4))
    distance = np.hypot(*np.moveaxis(place[emitter] - place[cell], -1, 0))
    expected = path_gain_db(np.where(distance > 0, distance, free.side_m / 18), free.frequency_hz)
    found = free.gain_db(emitter, cell)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_free_space_has_every_cell_in_every_set():
    free = scene.scene("free_space", 64)
    assert set(free.cells) == {"train", "val", "test"} and free.outdoor.all() and free.outdoor.shape == (64, 64)
    assert all((cells == np.arange(4096)).all() and cells.dtype == np.int64 for cells in free.cells.values())
    assert free.threshold_dbm == -80.0 and not free.synthetic
    assert 0.45 < scene.occupied_share(free, samples=300) < 0.62


def test_arguments_broadcast(town):
    for place in (scene.scene("free_space", 24), scene.scene("procedural", 24, town)):
        emitter, cells = place.cells["train"][:6].reshape(3, 2), np.flatnonzero(place.outdoor)[:10]
        found = place.gain_db(emitter[:, :, None], cells)
        assert found.shape == (3, 2, 10)
        assert found[2, 1, 7] == place.gain_db(emitter[2, 1], cells[7])
        assert place.gain_db(emitter[:0, :, None], cells).shape == (0, 2, 10)


def test_a_city_looks_up_its_library(town):
    place = scene.scene("procedural", 24, town)
    assert place.synthetic and place.attribution == cities.BANNER and place.side_m == 300.0
    for name, cells in place.cells.items():
        assert set(cells) == set(town.cell.values[town.set.values == name]) and cells.dtype == np.int64
    emitters = town.cell.values
    found = place.gain_db(emitters[:, None], np.arange(24 * 24))
    np.testing.assert_array_equal(found, town.gain_db.values.reshape(60, -1))
    assert (np.isfinite(found) == place.outdoor.ravel()).all()


@pytest.mark.parametrize(("emitter", "cell", "message"), [
    (0, 576, "cells reach from 576 to 576; expected 0 to 575"), (-1, 0, "emitter_cells reach from -1"),
    ("none", 0, "is no emitter's; expected cells of a set")])
def test_bad_cells_are_refused(town, emitter, cell, message):
    place = scene.scene("procedural", 24, town)
    if emitter == "none":
        emitter = np.setdiff1d(np.flatnonzero(place.outdoor), town.cell.values)[0]
    with pytest.raises(InputError, match=message):
        place.gain_db(np.array([emitter]), np.array([cell]))


def test_the_library_must_be_the_right_one(town):
    with pytest.raises(InputError, match="chicago needs a gain library"):
        scene.scene("chicago", 24)
    for environment, n in (("chicago", 24), ("procedural", 32)):
        with pytest.raises(InputError, match="the library is of procedural with n = 24; expected"):
            scene.scene(environment, n, town)


def test_levels_add_powers_and_follow_the_seed(town):
    place = scene.scene("procedural", 24, town)
    levels = scene.levels_dbm(place, "val", 40, seed=3)
    assert levels.shape == (40, place.outdoor.sum()) and np.isfinite(levels).all()
    assert (levels == scene.levels_dbm(place, "val", 40, seed=3)).all()
    assert (levels != scene.levels_dbm(place, "test", 40, seed=3)).any()
    strongest = place.gain_db(place.cells["val"][:, None], np.flatnonzero(place.outdoor)).max(axis=0) + 40
    assert (levels.max(axis=0) <= strongest + 10 * np.log10(3)).all()
