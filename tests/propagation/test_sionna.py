"""Ray tracing: its refusals everywhere; where Sionna RT works, its maps against Friis and ITU-R P.526."""

import stat
import subprocess
import sys

import numpy as np
import pytest
import shapely
from scipy.special import fresnel

from rsslib.data.buildings import City, centres
from rsslib.project import InputError
from rsslib.propagation import sionna
from rsslib.propagation.friis import path_gain_db, wavelength_m


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


def test_where_it_does_not_work_it_says_why(empty, without):
    works, reason = sionna.available()
    assert not works and "/nowhere/python: cannot be started" in reason
    with pytest.raises(InputError, match="install sionna-rt.*RSSLIB_SIONNA_PYTHON.*backend 'urban'"):
        next(sionna.gain_maps_db(empty, [(1.0, 1.0)], 8))


@pytest.mark.parametrize("name", ["x" * 5000, "/" + "a/" * 5000, "/" + "x" * 300, "\u4e2d" * 100])
def test_a_name_that_no_python_has_is_cut_short(monkeypatch, name):
    monkeypatch.setenv(sionna.VARIABLE, name)
    works, reason = sionna.available()
    assert not works and reason.startswith(name[:200]) and "cannot be started (" in reason and len(reason) < 400


@pytest.mark.parametrize(("content", "message"), [
    ("#!/bin/sh\nexit 3", "no Python: the process ended with 3"), ("#!/bin/sh\necho no; exit 0", "no Python: no"),
    ("#!/bin/sh\nexec yes", "no Python: "), ("#!/bin/sh\nexec sleep 60", "no Python: no answer in 0.5 s"),
    ('#!/bin/sh\nmkdir "$2/started0"; exec sleep 60', "no Python: no answer in 0.5 s"),
    ("not a program", "cannot be started"), (None, "cannot be started (it is a folder)")])
def test_what_is_no_python_is_named_soon(monkeypatch, tmp_path, content, message):
    path = tmp_path / "python"
    if content is None:
        path.mkdir()
    else:
        path.write_text(content)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(sionna.VARIABLE, str(path))
    monkeypatch.setattr(sionna, "_START_S", 0.5)
    works, reason = sionna.available()
    assert not works and reason.startswith(f"{path}: ") and message in reason
    with pytest.raises(InputError, match="ray tracing does not work here"):
        sionna.model()


def test_a_python_without_sionna_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv(sionna.VARIABLE, str(tmp_path / "python"))
    (tmp_path / "python").write_text(f"#!/bin/sh\nexec {sys.executable} -S \"$@\"\n")    # no library is found
    (tmp_path / "python").chmod(0o755)
    works, reason = sionna.available()
    assert not works and reason.endswith("no usable Sionna RT: ModuleNotFoundError: No module named 'numpy'")


@pytest.mark.parametrize(("version", "message"), [
    (None, "sionna-rt is not installed"), ("2.2.0", "sionna-rt is 2.2.0; expected 2.0"), ("1.2.1", "is 1.2.1; expec"),
    ("2.0.1", "No module named 'drjit'")])
def test_other_versions_are_refused(monkeypatch, tmp_path, version, message):
    site = tmp_path / "site"
    site.mkdir()
    (site / "numpy.py").touch()
    if version:
        (site / f"sionna_rt-{version}.dist-info").mkdir()
        (site / f"sionna_rt-{version}.dist-info/METADATA").write_text(f"Name: sionna-rt\nVersion: {version}\n")
    (tmp_path / "python").write_text(f"#!/bin/sh\nPYTHONPATH={site} exec {sys.executable} -S \"$@\"\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setenv(sionna.VARIABLE, str(tmp_path / "python"))
    assert message in sionna.available()[1]


def maps(processes=1, emitters=1):
    return sionna._maps({"emitters": [[0.0, 0.0, 3.0]] * emitters, "n": 1}, {}, sys.executable)


START = "import os, sys, time\nos.chdir(sys.argv[1])\nopen(f'started{sys.argv[2]}', 'w').close()\n"


@pytest.fixture
def worker(monkeypatch, tmp_path):
    """A process with other code."""
    def replace(code):
        (tmp_path / "worker.py").write_text(START + code)
        monkeypatch.setattr(sionna, "_WORKER", tmp_path / "worker.py")
    return replace


@pytest.mark.parametrize(("code", "message"), [
    ("raise SystemExit(3)", "ended with 3"), ("os.abort()", "ended with -6"), ("import nowhere", "No module named"),
    ("print('LLVM ERROR: Cannot select', flush=True); print('details', flush=True); os.abort()", "LLVM ERROR: Cannot")])
def test_a_process_that_dies_is_reported(worker, code, message):
    worker(code)
    with pytest.raises(InputError, match=f"no map of position 0: .*{message}"):
        list(maps())


def test_maps_come_in_order_from_processes_that_share_them(worker):
    worker("first, step = int(sys.argv[2]), int(sys.argv[3])\n"
           "for number in range(first, 5, step):\n"
           "    time.sleep(0.05 * (number % 2))\n"
           "    import numpy\n"
           "    open('part%d' % number, 'wb').write(numpy.float32(number).tobytes())\n"
           "    os.replace('part%d' % number, 'map%d' % number)")
    assert [float(one[0, 0]) for one in maps(emitters=5)] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert list(maps(emitters=0)) == []


def test_silence_ends(worker, monkeypatch):
    worker("time.sleep(60)")
    monkeypatch.setattr(sionna, "_MAP_S", 0.2)
    with pytest.raises(InputError, match="no map of position 0: no answer in 0.2 s"):
        list(maps())


def test_the_processes_end_with_their_parent(tmp_path):
    """The real one: its input is a pipe, which closes when the parent ends."""
    code = f"import sys; sys.argv[1:] = [{str(tmp_path)!r}, '0', '1']; import time; sys.path.insert(0, ''); " \
           f"source = open({str(sionna._WORKER)!r}).read().partition('if __name__')[0]; exec(source); " \
           "threading.Thread(target=_end_with_parent, daemon=True).start(); print('on', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"on\n" and process.poll() is None
    process.stdin.close()
    assert process.wait(10) == 1
    process.stdout.close()


@pytest.mark.parametrize(("settings", "message"), [
    ({"emitter_m": 1.5}, "1 m apart"), ({"emitter_m": np.nan}, "emitter_m is"), ({"sensor_m": 0.0}, "sensor_m is 0.0"),
    ({"sensor_m": "1.5"}, "sensor_m is '1.5'"), ({"rays": 0}, "rays is 0; expected 1 to 1e9"),
    ({"rays": 1e6}, "rays is 1000000.0"), ({"rays": 10**12}, "rays is 10000000"), ({"depth": -1}, "depth"),
    ({"depth": 2.5}, "depth is 2.5"), ({"diffraction": "no"}, "diffraction is 'no'; expected True or False"),
    ({"ground": 1}, "ground is 1"), ({"seed": -1}, "seed is -1"), ({"seed": 2**32}, "seed is 4294967296"),
    ({"frequency_hz": 3.5}, "frequency_hz is 3.5"), ({"n": 8.0}, "n is 8.0"), ({"n": 0}, "n is 0"),
    ({"city": "sydney"}, "city is 'sydney'"), ({"emitters": [(1.0, 1200.0)]}, "off the map"),
    ({"emitters": [(np.nan, 1.0)]}, "emitters: entry 0/0 is nan"), ({"emitters": (1.0, 1.0)}, "emitters is of shape")])
def test_what_cannot_be_traced_is_refused(empty, without, settings, message):
    with pytest.raises(InputError, match=message):
        next(sionna.gain_maps_db(**({"city": empty, "emitters": [(1.0, 1.0)], "n": 8} | settings)))


def test_its_version_is_told(works):
    assert sionna.model().startswith("Sionna RT 2.0.") and ", diffraction corrected (not" in sionna.model()


def test_an_empty_scene_is_free_space(works, empty):
    gain = next(sionna.gain_maps_db(empty, [(550.0, 550.0)], 64, ground=False))
    distance = np.hypot(np.hypot(*(centres(64, 1100.0) - 550.0).T), sionna.EMITTER_M - sionna.SENSOR_M)
    error = gain.ravel() - path_gain_db(distance)
    reached = gain.ravel() > sionna.NO_RAY_DB
    assert reached.mean() > 0.95 and np.sqrt((error[reached] ** 2).mean()) < 1.5


def test_a_wall_casts_a_shadow_and_a_repetition_is_the_same(works):
    wall = City("wall", np.array([shapely.box(0, 90, 200, 100)]), np.array([30.0]), np.zeros(1), 200.0)
    where = [(105.0, 25.0), (25.0, 45.0), (105.0, 25.0)]
    gain, other, again = sionna.gain_maps_db(wall, where, 20, rays=10**6)
    assert np.isnan(gain[9]).all() and np.isfinite(np.delete(gain, 9, axis=0)).all()
    assert np.median(gain[:9]) > -80 and np.median(gain[14:]) < np.median(gain[:9]) - 25
    np.testing.assert_array_equal(gain, again)
    np.testing.assert_array_equal(other, next(sionna.gain_maps_db(wall, where[1:2], 20, rays=10**6)))


@pytest.mark.parametrize("n", [27, 54])
def test_the_tracer_counts_as_many_cells_as_asked_for(works, n):
    """Where 300 m over 300 m / n is a little more than n in single precision, it would take one more."""
    field = City("field", np.array([], object), np.array([]), np.array([]), 300.0)
    assert next(sionna.gain_maps_db(field, [(150.0, 150.0)], n, rays=10**5)).shape == (n, n)


def transition(x):
    """F(x) = 2 j sqrt(x) e^(jx) int from sqrt(x) to infinity of e^(-j t^2) dt (ITU-R P.526-15, Eq. 71)."""
    s, c = fresnel(np.sqrt(2 * x / np.pi))
    return 2j * np.sqrt(x) * np.exp(1j * x) * np.sqrt(np.pi / 2) * (0.5 - c - 1j * (0.5 - s))


def behind_a_corner(s1, s2, phi1, phi2, n=1.5, frequency_hz=3.5e9):
    """The path gain |e|^2 at a finitely conducting wedge of n pi outside, for a field along its edge: ITU-R P.526-15,
    Section 4.6. Distances s from the edge [m], angles phi from the lit face; concrete by ITU-R P.2040."""
    wave = wavelength_m(frequency_hz)
    k = 2 * np.pi / wave
    eta = 5.24 - 1j * 0.0462 * (frequency_hz / 1e9) ** 0.7822 / (2 * np.pi * frequency_hz * 8.8541878128e-12)

    def reflection(phi):
        root = np.sqrt(eta - np.cos(phi) ** 2)
        return (np.sin(phi) - root) / (np.sin(phi) + root)

    def term(beta, sign):
        turns = np.round((beta + sign * np.pi) / (2 * np.pi * n))
        a = 2 * np.cos(n * np.pi * turns - beta / 2) ** 2
        return transition(k * s1 * s2 / (s1 + s2) * a) / np.tan((np.pi + sign * beta) / (2 * n))

    both = (term(phi2 - phi1, 1) + term(phi2 - phi1, -1) + reflection(phi1) * term(phi2 + phi1, -1)
            + reflection(n * np.pi - phi2) * term(phi2 + phi1, 1))
    return (wave / (4 * np.pi)) ** 2 * np.abs(both / (2 * n)) ** 2 / (2 * np.pi * k) / (s1 * s2 * (s1 + s2))


def traced_and_known_db(n=20, parts=10):
    """The gains that rays have, and should have, in the shadow behind the corner (80, 100) of a tall block [dB]."""
    block = City("block", np.array([shapely.box(80, -50, 120, 100)]), np.array([60.0]), np.zeros(1), 200.0)
    emitter, corner = np.array([60.0, 70.0]), np.array([80.0, 100.0])
    gain = next(sionna.gain_maps_db(block, [emitter], n, ground=False, depth=1, rays=2 * 10**7)).ravel()
    known = np.zeros(n * n)    # the mean over each cell
    for step in centres(parts, 200.0 / n) - 100.0 / n:
        (s1, phi1), (s2, phi2) = ((np.hypot(*away.T), np.arctan2(*-away.T) % (2 * np.pi))    # from the western face
                                  for away in (emitter - corner, centres(n, 200.0) + step - corner))
        known += behind_a_corner(s1, s2, phi1, phi2) / parts**2
    away = centres(n, 200.0) - corner
    shadow = (away[:, 1] > 200 / n) & (away[:, 1] < 1.4 * away[:, 0]) & (gain > sionna.NO_RAY_DB)
    assert shadow.sum() > 50
    return gain[shadow], 10 * np.log10(known[shadow])


def test_the_diffraction_behind_a_corner_is_that_of_the_standard(works):
    traced, known = traced_and_known_db()
    error = traced - known
    assert abs(np.median(error)) < 0.3 and np.quantile(np.abs(error), 0.8) < 1.5 and np.ptp(known) > 30


def test_without_the_correction_it_would_not_be(works, monkeypatch, tmp_path):
    code = sionna._WORKER.read_text(encoding="utf-8")
    assert code.count("    _correct(rt)\n") == 1
    (tmp_path / "worker.py").write_text(code.replace("    _correct(rt)\n", ""), encoding="utf-8")
    monkeypatch.setattr(sionna, "_WORKER", tmp_path / "worker.py")
    traced, known = traced_and_known_db()
    assert np.median(traced - known) > 2.0 and np.quantile(traced - known, 0.9) > 5.0
