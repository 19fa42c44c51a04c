"""Scenes: lookups equal the direct formula, sets are disjoint in cities, half of free space is occupied."""

from dataclasses import replace

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


@pytest.mark.parametrize(("settings", "message"), [
    ({"n": 0}, "n is 0; expected .*at least 1 cell"), ({"n": 4.0}, "n is 4.0"), ({"n": True}, "n is True"),
    ({"side_m": 0.0}, "side_m is 0.0; expected a side above 0 m"), ({"side_m": -5.0}, "side_m is -5"),
    ({"side_m": np.nan}, "side_m is nan"), ({"side_m": np.inf}, "side_m is inf"), ({"side_m": "5"}, "side_m"),
    ({"frequency_hz": 3.5}, "frequency_hz is 3.5;.*3.5 GHz is 3.5e9"), ({"frequency_hz": None}, "frequency_hz"),
    ({"threshold_dbm": np.nan}, "threshold_dbm is nan; expected a power"), ({"threshold_dbm": "-80"}, "threshold"),
    ({"threshold_dbm": np.inf}, "threshold_dbm is inf")])
def test_free_space_takes_no_nonsense(settings, message):
    with pytest.raises(InputError, match=message):
        scene.free_space(**({"n": 4} | settings))


@pytest.mark.parametrize(("emitter", "cell", "message"), [
    (-1, 3, "emitter_cells reach from -1 to -1; expected 0 to 255"), (3, 256, "cells reach from 256 to 256"),
    (3, np.array([2**64 - 1], np.uint64), "cells reach from -1 to -1")])
def test_a_cell_outside_the_map_has_no_gain(emitter, cell, message):
    with pytest.raises(InputError, match=message):
        scene.free_space(16).gain_db(emitter, cell)


@pytest.mark.parametrize(("emitter", "cell", "message"), [
    ([1.7], [3], "emitter_cells is \\[1.7\\]; expected whole numbers"), ([3], [np.nan], "cells is \\[nan\\]"),
    (np.arange(256) < 9, [3], "emitter_cells is .*expected whole numbers"), ([3], [True], "cells is"),
    ([3], ["3"], "cells is"), ([None], [3], "emitter_cells is"), ([3], [[1], [1, 2]], "cells is"),
    (np.ma.array([3, 4], mask=[False, True]), [3], "emitter_cells is .*, with masked values"),
    ([1, 2], [1, 2, 3], "emitter_cells are \\(2,\\), cells \\(3,\\); expected two shapes that can be broadcast")])
def test_what_are_no_cells_have_no_gain(town, emitter, cell, message):
    for city in (scene.free_space(16), scene.scene("procedural", 24, town)):
        with pytest.raises(InputError, match=message):
            city.gain_db(emitter, cell)


def test_a_cell_without_gains_is_no_emitter(town):
    city = scene.scene("procedural", 24, town)
    without = np.setdiff1d(np.arange(24 * 24), town.cell.values)
    for cell in (without[0], without[-1]):
        with pytest.raises(InputError, match=rf"no emitter was at cell {cell} \(1 such cells\).*60 positions"):
            city.gain_db([[town.cell.values[0]], [cell]], np.arange(24 * 24))
        with pytest.raises(InputError, match=f"no emitter was at cell {cell}"):
            city.gain_db(cell, 24 * 24 - 1)


@pytest.mark.parametrize(("change", "message"), [
    ({"threshold_dbm": np.nan}, "threshold_dbm is nan"), ({"outdoor": np.ones((4, 4), bool)}, "expected 24 x 24"),
    ({"outdoor": np.ones((24, 24))}, "outdoor is"), ({"cells": {"test": [0.5]}}, "cells of 'test' is"),
    ({"cells": {"test": [24 * 24]}}, "cells of 'test' reach from 576")])
def test_a_changed_scene_is_checked_too(town, change, message):
    with pytest.raises(InputError, match=message):
        replace(scene.of_library(town), **change)


def test_all_positions_may_be_test_positions(town):
    city = scene.of_library(town)
    changed = replace(city, cells={"test": np.sort(town.cell.values)})
    assert len(changed.cells["test"]) == 60 and scene.levels_dbm(changed, "test", 3).shape == (3, city.outdoor.sum())
    with pytest.raises(InputError, match="the set 'train' has 0 cells; expected one of test with 3 cells or more"):
        scene.levels_dbm(changed, "train", 3)


@pytest.mark.parametrize(("settings", "message"), [
    ({"set_name": "training"}, "the set 'training' has 0 cells; expected one of train, val, test"),
    ({"set_name": ["train"]}, "the set \\['train'\\]"), ({"set_name": None}, "the set None"),
    ({"samples": 0}, "samples is 0; expected 1 to 4194304 samples"), ({"samples": 2.5}, "samples is 2.5"),
    ({"samples": 10**12}, "samples is 1000000000000"), ({"samples": "5"}, "samples"), ({"seed": -1}, "seed is"),
    ({"seed": 1.5}, "seed is 1.5"), ({"seed": None}, "seed is None")])
def test_levels_of_nothing_are_refused(settings, message):
    for function in (scene.levels_dbm, scene.occupied_share):
        with pytest.raises(InputError, match=message):
            function(scene.free_space(16), **settings)


def test_what_is_no_library_is_no_scene(town):
    for wrong in (town.to_array("a"), {"n": 24}, "procedural.nc"):
        with pytest.raises(InputError, match="expected an xarray.Dataset, a gain library"):
            scene.scene("procedural", 24, wrong)
    with pytest.raises(InputError, match="occupied_share is 1.5; expected a share from 0 to 1"):
        scene.of_library(town.assign_attrs(occupied_share=1.5))
