"""Doors of rsslib.propagation: gain maps, scenes, the urban model, free space, Sionna's worker."""

import sys
from itertools import count

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from rsslib.propagation import friis, gain_library, gain_maps, scene, sionna, town, urban

from .. import small
from ..arrays import NO_PATHS, ODD
from ..law import Call, unless
from ..mutations import Mutator
from .registry import door

NO_GAINS = "gains that are no numbers"
MODEL = {"emitter_m": 3.0, "sensor_m": 1.5, "shadowing_db": 7.8, "decorrelation_m": 13.0}
SCRIPTS = ("exit 0", "exit 3", "echo a traceback >&2; exit 1", "kill -ABRT $$", 'echo nothing > "$2/map0"; exit 0',
           ': > "$2/started0"; : > "$2/version0"; : > "$2/map0"; exec sleep 1', 'mkdir "$2/started0"; exec sleep 1',
           "exec head -c 9000000 /dev/zero >&2", "printf '\\377\\376' >&2; exit 1", 'rm -rf "$2"; exit 0')
MAPS = ("np.full(3, 1e-9)", "np.full(n * n, np.nan)", "np.full(n * n, -1.0)", "np.full(n * n, np.inf)", "np.array([])",
        "np.zeros(n * n)", "np.full(4 * n * n, 1e-9)")
WORKER = """\
import json, os, sys, numpy as np
folder, first, count = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
job = json.load(open(folder + "/job.json"))
n, probed = job["n"], len(job["emitters"]) == 1 and job["n"] == 2
good, odd = "np.full(n * n, 1e-9)", %r
def write(name, content):
    with open(folder + "/part" + name, "wb") as file:
        file.write(content)
    os.replace(folder + "/part" + name, folder + "/" + name)
write(f"started{first}", b"")
write(f"version{first}", b"2.0.1")
for number in range(first, len(job["emitters"]), count):
    write(f"map{number}", eval(good if probed else odd).astype("<f4").tobytes())
"""
"""A worker that traces no rays."""
_fresh = count()


def valid_library(library: xr.Dataset) -> str:
    """What is wrong with a gain library."""
    gain_library.validate(library)
    gains = library.gain_db.values[:, library.outdoor.values]
    if not np.isfinite(gains).all() or gains.max(initial=-1.0) > 60:
        return "gains that are no numbers, or far above 0 dB"
    numbers = [library.attrs[name] for name in ("side_m", "frequency_hz", "threshold_dbm", "occupied_share")]
    return unless(np.isfinite(numbers).all() and min(numbers[:2]) > 0, f"attributes {numbers}")


def _finite(gains) -> str:
    return unless(np.isfinite(gains).all() and np.size(gains), NO_GAINS)


@door("propagation.gain_maps.build", 0.7)
def _build(m: Mutator) -> Call:
    given = m.arguments(0.9, n=16, count=20, seed=0, backend="urban", frequency_hz=3.5e9, **MODEL)
    return Call(lambda: gain_maps.build(small.city(), **given), list(given), valid_library)


@door("propagation.gain_library.validate")
def _validate(m: Mutator) -> Call:
    library = m.dataset(small.library(), "library")
    return Call(lambda: gain_library.validate(library, "mine"), ["mine"], valid_library)


@door("propagation.gain_library.save")
def _save(m: Mutator) -> Call:
    library, path = m.dataset(small.library(), "library", 0.6), m.target()

    def judge(_) -> str:
        back = gain_library.load(path)
        same = np.allclose(back.gain_db, library.gain_db, atol=0.006, equal_nan=True) and back.x.equals(library.x)
        return unless(same, "another library is read back")
    return Call(lambda: gain_library.save(library, path), [path.name or "path", "library"], judge,
                [path, *path.parents])


@door("propagation.gain_library.load")
def _load(m: Mutator) -> Call:
    path = m.netcdf("procedural.nc", small.saved_library())

    def judge(library) -> str:
        same = m.edited or library.drop_attrs().equals(small.library().drop_attrs())
        return valid_library(library) or unless(same, "not the library that was saved")
    return Call(lambda: gain_library.load(path), [path.name], judge)


@door("propagation.gain_maps.threshold")
def _threshold(m: Mutator) -> Call:
    library, given = m.dataset(small.library(), "library", 0.4), m.arguments(0.6, samples=20, seed=0, share=0.5)
    return Call(lambda: gain_maps.threshold(library, **given), [*given, "library"],
                lambda result: unless(np.isfinite(result).all() and 0 <= result[1] <= 1,
                                      f"{result} is no level and share"))


@door("propagation.scene.free_space")
def _free_space(m: Mutator) -> Call:
    given = m.arguments(0.9, n=8, side_m=5000.0, frequency_hz=3.5e9, threshold_dbm=-80.0)

    def judge(free: scene.Scene) -> str:
        return _finite(free.gain_db(np.array([[0]]), np.arange(free.n**2))) or unless(np.isfinite(free.threshold_dbm),
                                                                                      NO_GAINS)
    return Call(lambda: scene.free_space(**given), list(given), judge)


@door("propagation.scene.scene")
def _scene(m: Mutator) -> Call:
    library, given = m.dataset(small.library(), "library", 0.5), m.arguments(0.5, environment="procedural", n=16)
    return Call(lambda: scene.scene(**given, library=library), [*given, "library", "scene"],
                lambda made: _finite(made.gain_db(made.cells["train"][:1, None], np.flatnonzero(made.outdoor))))


@door("propagation.scene.Scene.gain_db")
def _gain_db(m: Mutator) -> Call:
    free = scene.free_space(8)
    given = {"emitter_cells": m.array(np.array([[0], [5]]), "emitter_cells"), "cells": m.array(np.arange(64), "cells")}
    return Call(lambda: free.gain_db(**given), list(given), lambda gains: unless(np.isfinite(gains).all(), NO_GAINS))


@door("propagation.scene.levels_dbm")
def _levels(m: Mutator) -> Call:
    free, given = scene.free_space(8), m.arguments(0.9, set_name="train", samples=5, seed=0)
    return Call(lambda: (scene.levels_dbm(free, **given), scene.occupied_share(free, **given)),
                [*given, "levels_dbm: the set"],
                lambda result: _finite(result[0]) or unless(0 <= result[1] <= 1, "no share"))


@door("propagation.friis.path_gain_db")
def _path_gain(m: Mutator) -> Call:
    distance, given = m.array(np.array([10.0, 1000.0]), "distance_m"), m.arguments(0.4, frequency_hz=3.5e9)
    return Call(lambda: friis.path_gain_db(distance, **given), ["distance_m", *given],
                lambda gain: unless(np.isfinite(gain).all(), NO_GAINS))


@door("propagation.friis.cell_gain_db")
def _cell_gain(m: Mutator) -> Call:
    given = m.arguments(0.9, n=4, side_m=100.0, frequency_hz=3.5e9)
    return Call(lambda: friis.cell_gain_db(**given), list(given), _finite)


@door("propagation.urban.Urban")
def _urban(m: Mutator) -> Call:
    given = m.arguments(0.7, n=8, frequency_hz=3.5e9, seed=0, **MODEL)
    place = m.array(np.array(small.outdoor_place()), "emitter", 0.3)

    def run():
        model = urban.Urban(small.city(), **given)
        return model.gain_map_db(place)[model.outdoor]
    return Call(run, [*given, "emitter"], _finite)


@door("propagation.urban.gain_maps_db")
def _urban_maps(m: Mutator) -> Call:
    places = m.array(np.array([small.outdoor_place()] * 2), "emitters", 0.8)
    return Call(lambda: list(urban.gain_maps_db(small.city(), places, 8)), ["emitters"],
                lambda maps: unless(all(np.isfinite(one).any() for one in maps), "maps without a number"))


@door("propagation.urban.umi_nlos_db")
def _umi(m: Mutator) -> Call:
    distance = m.array(np.array([10.0, 100.0]), "distance_m")
    given = m.arguments(0.5, frequency_hz=3.5e9, base_m=10.0, user_m=1.5)
    return Call(lambda: np.stack([urban.umi_los_db(distance, **given), urban.umi_nlos_db(distance, **given)]),
                ["distance_m", *given], lambda loss: unless(np.isfinite(loss).all(), "losses that are no numbers"))


def _python(m: Mutator, script: str) -> str:
    """Write a script in place of a Python; return its path, a new one each time: a Python is asked only once."""
    python = m.folder / f"python{next(_fresh)}"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return str(python)


@door("propagation.sionna.available", 0.7)
def _available(m: Mutator) -> Call:
    python = _python(m, m.choice("exit 3", SCRIPTS, "script", 0.9))
    odd = (str(m.folder), str(m.folder / "gone"), "a" * 5000, " ", "python -c 1", small.__file__)
    value = m.choice(python, odd, sionna.VARIABLE, 0.3)

    def run():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(sionna.VARIABLE, value)
            return sionna.available()
    return Call(run, [sionna.VARIABLE], lambda result: unless(result[0] is False and result[1], f"it works: {result}"))


@door("propagation.sionna.gain_maps_db", 0.5)
def _ray_traced(m: Mutator) -> Call:
    given = m.arguments(0.6, n=4, frequency_hz=3.5e9, seed=0, emitter_m=3.0, sensor_m=1.5, rays=10, depth=1)
    places = m.array(np.array([small.outdoor_place()]), "emitters", 0.4)
    (m.folder / "worker.py").write_text(WORKER % m.choice("np.full(n * n, 1e-9)", MAPS, "map", 0.5))
    python = _python(m, f'exec {sys.executable} {m.folder / "worker.py"} "$@"')

    def run():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(sionna.VARIABLE, python)
            return list(sionna.gain_maps_db(small.city(), places, **given))

    def judge(maps) -> str:
        shape = given["n"], given["n"]
        return unless(all(np.isfinite(one).any() and not np.isinf(one).any() and one.shape == shape for one in maps),
                      NO_GAINS)
    return Call(run, [*given, "emitters", sionna.VARIABLE, "sionna"], judge)


@door("propagation.town.make", 0.7)
def _town(m: Mutator) -> Call:
    given = m.arguments(0.9, seed=0, samples=20, receivers=3, side_m=200.0, walk=True, crs="EPSG:32756",
                        origin=(334000.0, 6250000.0))

    def judge(made: town.Town) -> str:
        numbers = np.concatenate([made.readings[["rss", "tx_x", "tx_y"]], made.truth[["tx_x", "tx_y", "tx_x"]]])
        return unless(np.isfinite(numbers).all() and len(made.truth) == given["samples"] and
                      len(made.sensors) == given["receivers"], "places or readings that are no numbers")
    return Call(lambda: town.make(**given), list(given), judge)


@door("propagation.town.write", 0.7)
def _write_town(m: Mutator) -> Call:
    made, folder = m.choice(small.own_town(), ODD, "town", 0.2), m.target(0.6, valid="town")
    folder = m.choice(folder, NO_PATHS, "folder", 0.2)
    path = folder if hasattr(folder, "parents") else m.folder / "none"

    def judge(written) -> str:
        tables = [pd.read_csv(written / f"{name}.csv") for name in ("sensors", "readings", "new", "truth")]
        return unless(len(tables[1]) + len(tables[2]) == len(made.readings), "other tables than those of the town")
    return Call(lambda: town.write(made, folder), ["folder", "town", path.name or "path"], judge,
                [path / f"{name}.csv" for name in ("sensors", "readings", "new", "truth")])
