"""Ray tracing: its meshes and its refusals everywhere, its maps against Friis where Sionna RT works."""

import sys

import numpy as np
import pytest
import shapely

from rsslib.data.buildings import City, centres
from rsslib.project import InputError
from rsslib.propagation import sionna
from rsslib.propagation.friis import path_gain_db


@pytest.fixture(scope="module")
def empty():
    return City("empty", np.array([], object), np.array([]), np.array([]), 1100.0)


@pytest.fixture
def without(monkeypatch):
    """A Python without Sionna RT."""
    monkeypatch.setenv(sionna.VARIABLE, "/nowhere/python")


@pytest.fixture(scope="module")
def works():
    available, reason = sionna.available()
    if not available:
        pytest.skip(f"Sionna RT does not work here: {reason}")


def area(vertices, faces):
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a) / 2


def test_a_house_is_a_prism_with_shared_corners():
    yard = shapely.box(0, 0, 10, 10) - shapely.box(4, 4, 6, 6)
    vertices, faces = sionna._prisms(City("one", np.array([yard]), np.array([7.0]), np.array([0.0]), 20.0))
    assert len(vertices) == 16 and faces.max() == 15
    faced = area(vertices, faces)
    flat = np.abs(faced[:, 2]) > 1e-9
    assert faced[flat, 2].sum() == pytest.approx(96.0) and (faced[flat, 2] > 0).all()     # the roof looks up
    assert np.linalg.norm(faced[~flat], axis=1).sum() == pytest.approx(7.0 * (40 + 8))
    middle, away = vertices[faces[~flat]].mean(axis=1), faced[~flat]
    outer = np.abs(middle[:, :2] - 5).max(axis=1) > 3
    outward = ((middle - [5, 5, 0])[:, :2] * away[:, :2]).sum(axis=1)
    assert (outward[outer] > 0).all() and (outward[~outer] < 0).all()                     # and walls outdoors


def test_a_raised_house_has_a_floor():
    bridge = City("air", np.array([shapely.box(0, 0, 4, 4)]), np.array([9.0]), np.array([5.0]), 9.0)
    vertices, faces = sionna._prisms(bridge)
    assert set(vertices[:, 2]) == {5.0, 9.0} and len(faces) == 12
    assert np.abs(area(vertices, faces).sum(axis=0)).max() < 1e-9    # closed


def test_ply_says_how_much_it_holds():
    vertices, faces = sionna._plane(10.0)
    content = sionna._ply(vertices, faces)
    header, _, body = content.partition(b"end_header\n")
    assert b"element vertex 4" in header and b"element face 2" in header and len(body) == 4 * 12 + 2 * 13


def test_where_it_does_not_work_it_says_why(empty, without):
    works, reason = sionna.available()
    assert not works and "/nowhere/python: cannot be started" in reason
    with pytest.raises(InputError, match="install sionna-rt.*RSSLIB_SIONNA_PYTHON.*backend 'urban'"):
        next(sionna.gain_maps_db(empty, [(1.0, 1.0)], 8))


def test_a_process_that_dies_is_reported(monkeypatch, tmp_path):
    worker = tmp_path / "worker.py"
    for text, message in (("raise SystemExit(3)", "ended with 3"), ("import os; os.abort()", "ended with -6"),
                          ("import nowhere_at_all", "No module named 'nowhere")):
        worker.write_text(text)
        monkeypatch.setattr(sionna, "_WORKER", worker)
        with pytest.raises(InputError, match=f"no map of position 0: .*{message}"):
            list(sionna._run({"emitters": [[0.0, 0.0, 3.0]]}, {}, sys.executable))


def test_maps_come_one_by_one_and_silence_ends(monkeypatch, tmp_path):
    worker = tmp_path / "worker.py"
    worker.write_text("import numpy, os, sys, time\nos.chdir(sys.argv[1])\nnumpy.save('part.npy', numpy.ones(3))\n"
                      "os.replace('part.npy', 'map0.npy')\ntime.sleep(60)")
    monkeypatch.setattr(sionna, "_WORKER", worker)
    maps = sionna._run({"emitters": [[0.0, 0.0, 3.0]] * 2}, {}, sys.executable, seconds=5.0)
    assert (next(maps) == 1).all()
    maps.close()    # kills the process
    (tmp_path / "log").touch()
    with pytest.raises(InputError, match="position 1: no answer"):
        sionna._wait(type("Alive", (), {"poll": lambda self: None})(), tmp_path, 1, 0.05)


def test_one_plane_is_refused(empty):
    with pytest.raises(InputError, match="1 m apart"):
        next(sionna.gain_maps_db(empty, [(1.0, 1.0)], 8, emitter_m=1.5))


def test_an_empty_scene_is_free_space(works, empty):
    gain = next(sionna.gain_maps_db(empty, [(550.0, 550.0)], 64, ground=False))
    distance = np.hypot(np.hypot(*(centres(64, 1100.0) - 550.0).T), sionna.EMITTER_M - sionna.SENSOR_M)
    error = gain.ravel() - path_gain_db(distance)
    reached = gain.ravel() > sionna.NO_RAY_DB
    assert reached.mean() > 0.95 and np.sqrt((error[reached] ** 2).mean()) < 1.5


def test_a_wall_casts_a_shadow(works):
    wall = City("wall", np.array([shapely.box(0, 90, 200, 100)]), np.array([30.0]), np.zeros(1), 200.0)
    gain = next(sionna.gain_maps_db(wall, [(105.0, 25.0)], 20, rays=10**6))
    assert np.isnan(gain[9]).all() and np.isfinite(np.delete(gain, 9, axis=0)).all()
    assert np.median(gain[:9]) > -80 and np.median(gain[14:]) < np.median(gain[:9]) - 25
