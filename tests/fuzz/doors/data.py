"""Doors of rsslib.data: measurements, the grid, splits, the campus files."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib import data
from rsslib.data import campus, frs, grid, measurements, splits
from rsslib.data.receivers import KINDS, OTHER

from .. import small
from ..arrays import ODD
from ..contents import INF, NAN
from ..law import Call, unless
from ..mutations import TEXTS, Mutator
from .registry import door

PARTS = ("rss", "sensor_x", "sensor_y", "tx_x", "tx_y", "time", "season", "sensor", "sensor_kind")
EXTENTS = ([0, 1], [1, 0, 0, 1], None, "abc", [0, NAN, 0, 1], [0, INF, 0, 1])


def valid_measurements(result: xr.Dataset) -> str:
    """What is wrong with measurements that a door returned."""
    measurements.validate(result)
    heard = np.isfinite(result.rss.values)
    readings = result.rss.values[heard]
    wrong = {"a reading outside -200 to 60 dB": ((readings < -200) | (readings > 60)).any(),
             "an infinite reading": np.isinf(result.rss.values).any(),
             "a sample that nobody heard": not heard.any(axis=1).all(),
             "heard without a position": np.isnan(result.sensor_x.values[heard]).any(),
             "times that are no nanoseconds": result.time.dtype != "datetime64[ns]"}
    return next((words for words, is_so in wrong.items() if is_so), "")


def _equal_to(original: xr.Dataset):
    def judge(result: xr.Dataset) -> str:
        return valid_measurements(result) or unless(result.equals(original), "not the dataset that was saved")
    return judge


@door("data.measurements.build")
def _build(m: Mutator) -> Call:
    part = small.dataset(6, 8)
    arrays = [m.array(part[name].values, name, 0.2) for name in PARTS]
    texts = m.arguments(0.1, source="mine", doi="", licence="", md5="", title="")

    def judge(result: xr.Dataset) -> str:
        masked = np.ma.getmaskarray(arrays[0])
        return valid_measurements(result) or unless(np.isnan(result.rss.values[masked]).all(),
                                                    "a masked reading is taken")
    return Call(lambda: measurements.build(*arrays, **texts), [*PARTS, *texts, "sensors", "kinds", "mine"], judge)


@door("data.measurements.validate")
def _validate(m: Mutator) -> Call:
    dataset = m.dataset(small.dataset(6, 20))
    return Call(lambda: measurements.validate(dataset, "mine"), ["mine"], valid_measurements)


@door("data.measurements.load:nc")
def _load_nc(m: Mutator) -> Call:
    path = m.netcdf("m.nc", small.saved(".nc"))
    return Call(lambda: measurements.load(path), [path.name],
                valid_measurements if m.edited else _equal_to(small.dataset(12, 20)))


@door("data.measurements.load:npz")
def _load_npz(m: Mutator) -> Call:
    path = m.file("m.npz", small.saved(".npz"))
    given = m.choice(None, (*ODD, 100, -200.0, [0, 100]), "not_heard", 0.1)
    judge = valid_measurements if given is not None else _equal_to(small.dataset(12, 20))
    return Call(lambda: measurements.load(path, given), [path.name, "not_heard"], judge)


@door("data.measurements.save")
def _save(m: Mutator) -> Call:
    dataset, valid = m.dataset(small.dataset(6, 20), often=0.6), m.one(("out.nc", "out.npz")) if m.draw else "out.nc"
    path = m.target(valid=valid)
    return Call(lambda: measurements.save(dataset, path), [path.name or "path", "dataset", "measurements"],
                lambda _: unless(measurements.load(path).equals(dataset), "another dataset is read back"),
                [path, *path.parents])


@door("data.measurements.to_utm")
def _to_utm(m: Mutator) -> Call:
    lat, lon = m.array(np.array([40.7649, 40.77]), "lat"), m.array(np.array([-111.8421, -111.84]), "lon", 0.3)
    rows, name = m.choice(None, (["a", "b"], [], 3, ["a"]), "rows", 0.1), m.choice("mine", ODD, "name", 0.05)

    def judge(result) -> str:
        x, y = result
        return unless(x.shape == y.shape == np.shape(lat) and not np.isinf([*x.ravel(), *y.ravel()]).any(), "no places")
    return Call(lambda: measurements.to_utm(lat, lon, rows, name), ["mine", "lat", "lon", "rows", "name"], judge)


@door("data.measurements.sensor_kind")
def _sensor_kind(m: Mutator) -> Call:
    name = m.choice("bus-1", (*TEXTS, *ODD), "name", 0.9)
    return Call(lambda: measurements.sensor_kind(name), ["receiver", "name"],
                lambda kind: unless(kind in (*KINDS, OTHER), f"no kind: {kind!r}"))


@door("data.load")
def _data_load(m: Mutator) -> Call:
    path = m.file("m.nc", small.saved(".nc"), often=0.3)
    source, raw = m.choice(path, (*TEXTS, *ODD, "campus", "frs"), "source", 0.7), m.folder / "raw"
    raw = m.choice(raw, ODD, "raw_folder", 0.2)
    return Call(lambda: data.load(source, raw),
                ["source", path.name, "raw_folder", "folder", str(source), repr(source), str(raw)], valid_measurements)


def valid_grid(result: grid.Grid) -> str:
    """What is wrong with a grid."""
    numbers = np.isfinite([result.x0, result.y0, result.pixel_m]).all() and result.pixel_m > 0
    sizes = all(isinstance(size, int | np.integer) and size > 0 for size in result.shape)
    return unless(numbers and sizes and result.width * result.height <= grid.MAX_PIXELS, f"no grid: {result.shape}")


@door("data.grid.make")
def _grid_make(m: Mutator) -> Call:
    dataset, given = m.dataset(small.dataset(10), often=0.5), m.arguments(0.5, pixel_m=30.0)
    return Call(lambda: grid.make(dataset, **given), ["pixel_m", "measurements", "dataset", "extent_m"], valid_grid)


@door("data.grid.Grid")
def _grid(m: Mutator) -> Call:
    given = m.arguments(0.95, x0=427000.0, y0=4511000.0, width=40, height=30, pixel_m=30.0)
    return Call(lambda: grid.Grid(**given), [*given, "pixels"], valid_grid)


@door("data.positions.extent")
def _extent(m: Mutator) -> Call:
    dataset = small.dataset(10)
    if m.wants(0.8):
        dataset.attrs["extent_m"] = m.choice(None, EXTENTS, "extent_m", 1.0)

    def judge(edges) -> str:
        (west, east, south, north), (x, y) = edges, grid.transmitters(dataset)
        return unless(np.isfinite(edges).all() and (west <= x).all() and (x <= east).all() and (south <= y).all()
                      and (y <= north).all(), "transmitters outside the site")
    return Call(lambda: grid.extent(dataset), ["dataset", "extent_m"], judge)


@door("data.grid.draw")
def _draw(m: Mutator) -> Call:
    dataset, fit = small.dataset(10), m.array(np.arange(8), "fit", 0.6)
    raster, ranges = grid.make(dataset, 120.0), grid.scaling(dataset, np.arange(8))
    changed = m.tree({name: list(ends) for name, ends in ranges.items()}, 0.4) if m.draw else ranges

    def judge(result) -> str:
        drawn, found = result
        inside = (drawn.pixel >= -1) & (drawn.pixel < raster.width * raster.height)
        fine = inside.all() and np.isfinite(drawn.value).all() and (drawn.value >= 0).all()
        return unless(fine and all(low < high for low, high in found.values()), "no pixels, values or ranges")
    return Call(lambda: (grid.draw(dataset, raster, changed), grid.scaling(dataset, fit)), ["fit", "range", *ranges],
                judge)


def _valid_sets(sets: dict) -> str:
    for name, samples in sets.items():
        if samples.dtype.kind != "i" or not len(samples) or len(np.unique(samples)) < len(samples) or samples.min() < 0:
            return f"{name} is no set of indices"
    return unless(not np.intersect1d(sets["train"], sets["val"]).size, "train and val overlap")


@door("data.splits.make")
def _splits_make(m: Mutator) -> Call:
    dataset = m.dataset(small.dataset(), often=0.4)
    given = m.arguments(0.4, name=m.one(("random", "july", "grid2", "grid5")) if m.draw else "random", seed=0)
    name = m.choice(given.pop("name"), ("grid", "grid0", "grid1", "grid999999", "grid٣", "Random", "april",
                                        "published_random", "published_grid"), "name", 0.2)
    return Call(lambda: splits.make(dataset, name, **given),
                ["split", "season", "grid", "name", "seed", "dataset", "measurements", "random_test", "grid_test"],
                _valid_sets)


@door("data.splits.holdout")
def _holdout(m: Mutator) -> Call:
    dataset, samples = small.dataset(20), m.array(np.arange(20), "samples", 0.6)
    given = m.arguments(0.5, share=0.2, seed=0)

    def judge(result) -> str:
        parts, wanted = np.sort(np.concatenate(result)), np.asarray(samples)
        wanted = np.flatnonzero(wanted) if wanted.dtype == bool else np.sort(wanted)
        return unless(np.array_equal(parts, np.unique(wanted)) and all(map(len, result)), "no partition in two")
    return Call(lambda: splits.holdout(dataset, samples, **given), ["samples", "share", "seed"], judge)


@door("data.splits.grid_test_cells")
def _cells(m: Mutator) -> Call:
    given = m.arguments(0.9, n=5, seed=0)
    return Call(lambda: splits.grid_test_cells(**given), ["grid", "n", "seed"],
                lambda cells: unless(len(set(cells)) == len(cells) > 0, "no cells, or twice the same"))


@door("data.splits.cells")
def _unseen(m: Mutator) -> Call:
    dataset, given = m.dataset(small.dataset(20), often=0.5), m.arguments(0.5, n=5)

    def judge(result) -> str:
        cells, boxes = result
        inside = ((cells >= 0) & (cells < given["n"] ** 2)).all()
        return unless(inside and len(cells) and np.isfinite(boxes).all(), "cells outside")
    return Call(lambda: (splits.cells(dataset, **given), splits.unseen_cells(dataset, **given)),
                ["grid", "n", "dataset", "measurements", "tx_x"], judge)


@door("data.campus.make")
def _campus(m: Mutator) -> Call:
    given = m.arguments(0.9, seed=0, n_april=5, n_july=5, n_november=5)
    return Call(lambda: campus.make(**given), [*given, "april", "july", "november"], valid_measurements)


@door("data.frs.load_csv")
def _load_csv(m: Mutator) -> Call:
    contents = small.raw_files()
    chosen = m.one(("single_tx.csv", *contents)) if m.draw else ""
    for name, content in contents.items():
        if name != chosen:
            (m.folder / name).write_bytes(content)
        elif name.endswith(".csv"):
            m.file(name, content, [m.lines])
        elif name == "location_coordinates.json":    # Python, with tuples and None
            m.file(name, content, [lambda _: repr(m.tree(small.POSITIONS)).encode("utf-8", "replace")])
        else:
            m.json(name, json.loads(content))
    return Call(lambda: frs.load_csv(m.folder), [*contents, m.folder.name], valid_measurements)


@door("data.frs.table1", 0.5)
def _table1(m: Mutator) -> Call:
    dataset = m.dataset(small.dataset(10))
    return Call(lambda: frs.table1(dataset), ["table1: the data set", "dataset", "measurements"],
                lambda table: unless(len(table) and table.samples.min() >= 1, "no samples"))


@door("data.frs.load_json")
def _load_json(m: Mutator) -> Call:
    (m.folder / "location_indexes.json").write_bytes(small.raw_files()["location_indexes.json"])
    path = m.json("two_tx.json", small.SAMPLES)
    given = m.choice(path, (*ODD, [path, path], [], [None], str(path)), "paths", 0.1)
    return Call(lambda: frs.load_json(given, m.folder),
                [path.name, "location_indexes.json", "paths", "load_json",
                 *([str(given)] if isinstance(given, (str, Path)) else [])],
                valid_measurements)
