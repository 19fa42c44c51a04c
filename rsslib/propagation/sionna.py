"""Ray tracing with Sionna RT, an alternative to the urban model: more detailed, slower, and sparse at street level.

Sionna RT is not a dependency: install `sionna-rt>=2.0,<2.1` here, or set the environment variable RSSLIB_SIONNA_PYTHON
to a Python that has it. It runs in a separate process, because some versions abort the process with some LLVMs.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.polygon import orient

from rsslib.data.buildings import City, outdoor
from rsslib.project import InputError
from rsslib.propagation.friis import FREQUENCY_HZ, wavelength_m
from rsslib.propagation.urban import EMITTER_M, SENSOR_M

MODEL = "Sionna RT radio maps (not Atoll)"
VARIABLE = "RSSLIB_SIONNA_PYTHON"
NO_RAY_DB = -250.0
"""The gain where no ray arrives: finite, but far below any threshold."""
RAYS, DEPTH = 10_000_000, 5
"""Few rays of an emitter meet the plane of the sensors 1.5 m below it: with 1e7 the gains agree with Friis within
1.1 dB rms up to 0.55 km; with 1e6 half of the cells get no ray."""
APART_M = 1.0
"""Least height difference of the antennas: rays in the plane of the sensors cross no cell."""
_WORKER = Path(__file__).with_name("_sionna_worker.py")
_BEYOND_M = 300.0


def available() -> tuple[bool, str]:
    """Return whether Sionna RT can compute a small map on this machine, and the reason if not.

    >>> available()                                                                  # doctest: +SKIP
    (False, "ModuleNotFoundError: No module named 'sionna'")
    """
    return _probe(os.environ.get(VARIABLE) or sys.executable)


def gain_maps_db(city: City, emitters, n: int, frequency_hz: float = FREQUENCY_HZ, seed: int = 0,
                 emitter_m: float = EMITTER_M, sensor_m: float = SENSOR_M, rays: int = RAYS, depth: int = DEPTH,
                 diffraction: bool = True, ground: bool = True) -> Iterator[np.ndarray]:
    """Yield the ray-traced gain map from each of the emitters (positions, 2) [m]: (n, n) float32 [dB], NaN indoors.

    It is the mean gain over each cell, NO_RAY_DB where no ray arrives. Buildings are prisms of concrete (ITU-R P.2040),
    as is the ground if `ground`. Rays are reflected up to `depth` times, and diffracted once.

    Errors: InputError if Sionna RT does not work or fails, or the antennas are less than 1 m apart in height; and those
    of `wavelength_m`.
    Source: J. Hoydis et al., Sionna RT: differentiable ray tracing for radio propagation modeling, 2023.

    >>> next(gain_maps_db(cities.load("sydney"), [(460.0, 85.0)], 64)).shape         # doctest: +SKIP
    (64, 64)
    """
    wavelength_m(frequency_hz)
    if abs(emitter_m - sensor_m) < APART_M:
        raise InputError(f"sionna: emitter_m is {emitter_m}, sensor_m {sensor_m}; expected {APART_M:g} m apart or "
                         "more: rays in the plane of the sensors cross no cell")
    works, reason = available()
    if not works:
        raise InputError(f"sionna: ray tracing does not work here ({reason}); install sionna-rt>=2.0,<2.1, or set "
                         f"{VARIABLE} to a Python that has it, or use the backend 'urban'")
    emitters, free = np.asarray(emitters, np.float64), outdoor(city, n)
    meshes = {"city.ply": _prisms(city)} if len(city.polygons) else {}
    if ground:
        meshes["ground.ply"] = _plane(city.side_m)
    job = {"frequency_hz": float(frequency_hz), "side_m": city.side_m, "n": n, "sensor_m": float(sensor_m),
           "rays": int(rays), "depth": int(depth), "diffraction": bool(diffraction), "seed": int(seed) + 1,
           "emitters": [[float(x), float(y), float(emitter_m)] for x, y in emitters]}
    for power in _run(job, meshes, os.environ.get(VARIABLE) or sys.executable):
        gain = np.where(power > 0, 10.0 * np.log10(np.maximum(power, 1e-30)), NO_RAY_DB)
        yield np.where(free, np.maximum(gain, NO_RAY_DB), np.nan).astype(np.float32)


@lru_cache
def _probe(python: str) -> tuple[bool, str]:
    job = {"frequency_hz": FREQUENCY_HZ, "side_m": 10.0, "n": 2, "sensor_m": SENSOR_M, "rays": 1000, "depth": 1,
           "diffraction": False, "seed": 1, "emitters": [[5.0, 5.0, EMITTER_M]]}
    try:
        power, = _run(job, {"ground.ply": _plane(10.0)}, python, 120.0)
    except InputError as error:
        return False, str(error)
    return bool((power > 0).any()), "" if (power > 0).any() else "no power in a small map"


def _run(job: dict, meshes: dict, python: str, seconds: float = 600.0) -> Iterator[np.ndarray]:
    """Start the worker and yield its maps as they appear; `seconds` is the timeout per map."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for mesh, (vertices, faces) in meshes.items():
            (folder / mesh).write_bytes(_ply(vertices, faces))
        (folder / "job.json").write_text(json.dumps(job | {"meshes": list(meshes)}), encoding="utf-8")
        with open(folder / "log", "wb") as log:
            try:
                process = subprocess.Popen([python, str(_WORKER), name], stdout=log, stderr=log)
            except OSError as error:
                raise InputError(f"{python}: cannot be started ({error}); see {VARIABLE}") from None
        try:
            for number in range(len(job["emitters"])):
                yield _wait(process, folder, number, seconds)
        finally:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen, folder: Path, number: int, seconds: float) -> np.ndarray:
    path, end = folder / f"map{number}.npy", time.monotonic() + seconds
    while not path.exists():
        code = process.poll()
        if code is not None and not path.exists() or time.monotonic() > end:
            lines = (folder / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            why = "no answer" if code is None else lines[-1] if lines else f"the process ended with {code}"
            raise InputError(f"sionna: no map of position {number}: {why}")
        time.sleep(0.02)
    power = np.load(path, allow_pickle=False)
    path.unlink()
    return power


def _prisms(city: City) -> tuple[np.ndarray, np.ndarray]:
    """Return the walls and roofs of all buildings as vertices (points, 3) [m] and triangles (triangles, 3)."""
    if not hasattr(shapely, "constrained_delaunay_triangles"):
        raise InputError(f"shapely {shapely.__version__}: ray tracing needs shapely 2.1 or newer, with GEOS 3.10")
    parts, building = shapely.get_parts(city.polygons, return_index=True)
    bounds = np.stack([city.bases_m, city.heights_m], axis=1)[building]
    corners = np.concatenate([_prism(part, *bound) for part, bound in zip(parts, bounds) if part.area > 0])
    # merge equal corners: an edge diffracts only if its two faces share its end points
    vertices, index = np.unique(corners.round(3), axis=0, return_inverse=True)
    return vertices, index.reshape(-1, 3)


def _prism(part, base_m: float, top_m: float) -> np.ndarray:
    """Return the corners of a building's triangles (3 * triangles, 3) [m], counterclockwise seen from outside."""
    part = orient(part)
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(part))
    roof = np.concatenate([shapely.get_coordinates(orient(triangle))[:3] for triangle in triangles])
    faces = [np.column_stack([roof, np.full(len(roof), top_m)])]
    if base_m > 0:
        faces.append(np.column_stack([roof[::-1], np.full(len(roof), base_m)]))
    for ring in shapely.get_rings(part):
        corners = shapely.get_coordinates(ring)
        low, high = (np.column_stack([corners, np.full(len(corners), z)]) for z in (base_m, top_m))
        faces.append(np.stack([low[:-1], low[1:], high[1:], low[:-1], high[1:], high[:-1]], axis=1).reshape(-1, 3))
    return np.concatenate(faces)


def _plane(side_m: float) -> tuple[np.ndarray, np.ndarray]:
    low, high = -_BEYOND_M, side_m + _BEYOND_M
    vertices = np.array([[low, low, 0.0], [high, low, 0.0], [high, high, 0.0], [low, high, 0.0]])
    return vertices, np.array([[0, 1, 2], [0, 2, 3]])


def _ply(vertices: np.ndarray, faces: np.ndarray) -> bytes:
    """Return a mesh in the binary PLY format (G. Turk, 1994)."""
    header = (f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\nproperty float x\n"
              f"property float y\nproperty float z\nelement face {len(faces)}\n"
              "property list uchar int vertex_indices\nend_header\n")
    rows = np.empty(len(faces), [("count", "u1"), ("corner", "<i4", 3)])
    rows["count"], rows["corner"] = 3, faces
    return header.encode() + vertices.astype("<f4").tobytes() + rows.tobytes()
