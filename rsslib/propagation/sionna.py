"""Ray tracing with Sionna RT, an alternative to the urban model: more detailed, slower, and sparse at street level.

Sionna RT is not a dependency: install `sionna-rt>=2.0,<2.1` here, or set the environment variable RSSLIB_SIONNA_PYTHON
to a Python that has it. It runs in separate processes, because it may abort with some LLVMs. Version 2.0 gives walls
almost no reflection in diffracted fields; the processes correct that. Versions from 2.1 on are refused: at edges across
the field they diffract wrongly. See `_sionna_worker.py`, and the tests against ITU-R P.526.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rsslib.arguments import check_type
from rsslib.data.buildings import City
from rsslib.project import InputError
from rsslib.propagation import arguments, meshes, positions
from rsslib.propagation.friis import FREQUENCY_HZ
from rsslib.propagation.urban import EMITTER_M, SENSOR_M

VARIABLE = "RSSLIB_SIONNA_PYTHON"
NO_RAY_DB = -250.0
"""The gain where no ray arrives: finite, but far below any threshold."""
RAYS, DEPTH = 10_000_000, 5
"""Few rays of an emitter meet the plane of the sensors 1.5 m below it: with 1e7 the gains agree with Friis within
1.1 dB rms up to 0.55 km; with 1e6 half of the cells get no ray."""
APART_M = 1.0
"""Least height difference of the antennas: rays in the plane of the sensors cross no cell."""
_REMEDY = f"install sionna-rt>=2.0,<2.1, or set {VARIABLE} to a Python that has it"
_WORKER = Path(__file__).with_name("_sionna_worker.py")
_START_S, _IMPORT_S, _MAP_S = 10.0, 120.0, 600.0
"""The longest that a Python may take to start, Sionna RT to be imported and a map to be traced."""
_MOST_PROCESSES = 8


def available() -> tuple[bool, str]:
    """Return whether Sionna RT can compute a small map on this machine, and the reason if not.

    >>> available()                                                                  # doctest: +SKIP
    (False, '/usr/bin/python3: no usable Sionna RT: sionna-rt is not installed')
    """
    works, said = _probe(os.environ.get(VARIABLE) or sys.executable)
    return works, "" if works else said


def model() -> str:
    """Return what the gains of this module are called in a gain library, with the version of Sionna RT.

    Errors: InputError if Sionna RT does not work.

    >>> model()                                                                      # doctest: +SKIP
    'Sionna RT 2.0.1, diffraction corrected (not Atoll)'
    """
    works, said = _probe(os.environ.get(VARIABLE) or sys.executable)
    if not works:
        raise InputError(f"sionna: ray tracing does not work here ({said}); {_REMEDY}, or use the backend 'urban'")
    return f"Sionna RT {said} (not Atoll)"


def gain_maps_db(city: City, emitters, n: int, frequency_hz: float = FREQUENCY_HZ, seed: int = 0,
                 emitter_m: float = EMITTER_M, sensor_m: float = SENSOR_M, rays: int = RAYS, depth: int = DEPTH,
                 diffraction: bool = True, ground: bool = True) -> Iterator[np.ndarray]:
    """Yield the ray-traced gain map from each of the emitters (positions, 2) [m]: (n, n) float32 [dB], NaN indoors.

    It is the mean gain over each cell, NO_RAY_DB where no ray arrives. Buildings are prisms of concrete (ITU-R P.2040),
    as is the ground if `ground`. Rays are reflected up to `depth` times, and diffracted once. On one machine the same
    arguments give the same gains.

    Errors: InputError if Sionna RT does not work or fails, for arguments that are no such values, an emitter off the
    map or in a building, or antennas less than 1 m apart in height.
    Source: J. Hoydis et al., Sionna RT: differentiable ray tracing for radio propagation modeling, 2023.

    >>> next(gain_maps_db(cities.load("sydney"), [(460.0, 85.0)], 64)).shape         # doctest: +SKIP
    (64, 64)
    """
    job: dict[str, Any] = {
        "frequency_hz": arguments.frequency(frequency_hz), "side_m": positions.city(city).side_m,
        "n": arguments.cells_per_side(n), "seed": arguments.seed(seed) + 1,
        "rays": arguments.whole("rays", rays, "1 to 1e9 rays per emitter", 1, 10**9),
        "depth": arguments.whole("depth", depth, "0 to 100 reflections", 0, 100)}
    job["sensor_m"], height = (arguments.number(name, given, "a height above the ground, 0.01 to 1000 m", 0.01, 1e3)
                               for name, given in (("sensor_m", sensor_m), ("emitter_m", emitter_m)))
    for name, given in (("diffraction", diffraction), ("ground", ground)):
        check_type(name, given, (bool, np.bool_), "True or False")
    if abs(height - job["sensor_m"]) < APART_M:
        raise InputError(f"emitter_m is {emitter_m} m, sensor_m {sensor_m} m; expected {APART_M:g} m apart or "
                         "more: rays in the plane of the sensors cross no cell")
    job |= {"diffraction": bool(diffraction),
            "emitters": [[x, y, height] for x, y in positions.emitters(city, emitters).tolist()]}
    model()    # says why where ray tracing does not work
    free, walls = positions.outdoor_cells(city, n), meshes.prisms(city)
    shapes = {"city.ply": walls} if len(walls[0]) else {}
    if ground:
        shapes["ground.ply"] = meshes.plane(city.side_m)
    for power in _maps(job, shapes, os.environ.get(VARIABLE) or sys.executable):
        gain = np.where(power > 0, 10.0 * np.log10(np.maximum(power, 1e-30)), NO_RAY_DB)
        yield np.where(free, np.maximum(gain, NO_RAY_DB), np.nan).astype(np.float32)


class _Process(NamedTuple):
    """A process that traces rays: the Python that it is of, itself, and the first and last that it wrote."""

    python: str
    running: subprocess.Popen
    written: list[bytes]


@lru_cache
def _probe(python: str) -> tuple[bool, str]:
    """Return whether a Python computes a small map, and its version of Sionna RT, or the reason."""
    job = {"frequency_hz": FREQUENCY_HZ, "side_m": 10.0, "n": 2, "sensor_m": SENSOR_M, "rays": 1000, "depth": 1,
           "diffraction": False, "seed": 1, "emitters": [[5.0, 5.0, EMITTER_M]]}
    try:
        with _workers(job, {"ground.ply": meshes.plane(10.0)}, python, 1) as (folder, processes):
            said = _wait(processes[0], folder / "version0", "usable Sionna RT", _IMPORT_S).decode()
            power = np.frombuffer(_wait(processes[0], folder / "map0", "small map", _IMPORT_S), "<f4")
    except InputError as error:
        return False, str(error)
    return (True, said) if (power > 0).any() else (False, f"Sionna RT {said}: no power in a small map")


def _maps(job: dict, shapes: dict, python: str) -> Iterator[np.ndarray]:
    """Yield the maps of a job, (n, n) float32, which processes trace at the same time."""
    count = min(len(job["emitters"]), os.cpu_count() or 1, _MOST_PROCESSES)
    with _workers(job, shapes, python, count) as (folder, processes):
        for number in range(len(job["emitters"])):
            content = _wait(processes[number % count], folder / f"map{number}", f"map of position {number}", _MAP_S)
            if len(content) != 4 * job["n"] ** 2 or np.isinf(power := np.frombuffer(content, "<f4")).any():
                raise InputError(f"sionna: the map of position {number} has {len(content)} bytes, or holds infinity; "
                                 f"expected {job['n']} x {job['n']} powers in float32: see that {VARIABLE} names a "
                                 "Python with Sionna RT")
            yield power.reshape(job["n"], job["n"])


@contextmanager
def _workers(job: dict, shapes: dict, python: str, count: int) -> Iterator[tuple[Path, Sequence[_Process]]]:
    """Yield a folder in which `count` processes write the maps of a job, and the processes, which end with this."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder, processes = Path(name), []
        for mesh, (vertices, faces) in shapes.items():
            (folder / mesh).write_bytes(meshes.ply(vertices, faces))
        (folder / "job.json").write_text(json.dumps(job | {"meshes": list(shapes)}), encoding="utf-8")
        try:
            for first in range(count):
                processes.append(_started(python, folder, first, count))
            for first, process in enumerate(processes):
                _wait(process, folder / f"started{first}", "Python", _START_S)
            yield folder, processes
        finally:
            for process in processes:
                process.running.kill()
                process.running.wait()
                if process.running.stdin:
                    process.running.stdin.close()


def _started(python: str, folder: Path, first: int, count: int) -> _Process:
    try:
        process = subprocess.Popen([python, str(_WORKER), str(folder), str(first), str(count)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except (OSError, ValueError) as error:    # ValueError: a null character
        why = "it is a folder" if os.path.isdir(python) else getattr(error, "strerror", None) or error
        raise InputError(f"{python[:200]}: cannot be started ({why}); expected a Python: see "
                         f"{VARIABLE}") from None
    written: list[bytes] = []
    threading.Thread(target=_read, args=(process.stdout, written), daemon=True).start()
    return _Process(python, process, written)


def _read(stream: Any, written: list[bytes]) -> None:
    """Read all that a process writes, so that it never waits, and keep the first and the last of it."""
    with stream:
        while part := stream.read1(2**12):
            written.append(part)
            del written[8:-8]


def _wait(process: _Process, path: Path, what: str, seconds: float) -> bytes:
    """Return the content of a file as soon as the process has completed it; `what` says in errors what it is."""
    end = time.monotonic() + seconds
    while not path.is_file():
        code = process.running.poll()
        if (code is None or path.is_file()) and time.monotonic() < end:
            time.sleep(0.02)
            continue
        time.sleep(0.05)    # for the last words
        text = b"".join(process.written).decode(errors="replace")
        lines = [line.strip()[:200] for line in text.splitlines() if line.strip()]
        fatal = [line for line in lines if line.startswith("LLVM ERROR")]    # what follows it are its details
        why = f"no answer in {seconds:g} s" if code is None else f"the process ended with {code}"
        raise InputError(f"{process.python}: no {what}: {(fatal or lines[-1:] or [why])[0]}")
    content = path.read_bytes()
    path.unlink()
    return content
