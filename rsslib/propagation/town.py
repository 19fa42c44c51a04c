"""A made-up town: synthetic readings of one transmitter, with its true locations, to try the library on csv files."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from scipy import ndimage
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from rsslib import arguments
from rsslib.data import cities
from rsslib.data.buildings import LARGEST_M, City, centres
from rsslib.project import InputError, atomic_path
from rsslib.propagation import positions, urban

CRS, ORIGIN = "EPSG:32633", (470000.0, 5440000.0)  # an invented site: no such town stands there
POWER_DBM, OFFSET_DB, FADING_DB, FLOOR_DB, FLOOR_SPREAD_DB = 30.0, 4.0, 3.0, -90.0, 2.0
RECEIVER_M, TRANSMITTER_M, WALL_M = 6.0, 1.5, 0.5  # heights of the antennas; from any of them to a wall, at least
SMALLEST_M, MOST, _CELL_M, _START = 200.0, 10_000, 10.0, np.datetime64("2025-05-06T08:00:00", "s")


class Town(NamedTuple):
    """What `make` returns: a city, whose south-west corner is at `origin` [m] in `crs`, and three tables.

    sensors (sensor, x, y); readings (time, sensor, rss [dB], tx_x, tx_y), a row for each receiver that heard a sample;
    truth (time, tx_x, tx_y), a row for each sample. x is easting, y northing [m]; times are ISO 8601, UTC.
    """

    city: City
    crs: str
    origin: tuple[float, float]
    sensors: pd.DataFrame
    readings: pd.DataFrame
    truth: pd.DataFrame


def make(seed: int = 0, samples: int = 1000, receivers: int = 12, side_m: float = 600.0, walk: bool = True,
         crs: str = CRS, origin: Any = ORIGIN) -> Town:
    """Return a town that does not exist, and readings that nobody took: SYNTHETIC, they prove nothing about a real one.

        r = 30 dBm + G + g + F,  heard where r is above the receiver's floor f

    G is the path gain of `urban.Urban` at 3.5 GHz from the receiver to cells about 10 m wide (the same in both
    directions), bilinear in dB between the centres of outdoor cells; g ~ N(0, 4 dB) and f ~ N(-90, 2 dB) by receiver,
    F ~ N(0, 3 dB) by reading. Samples that nobody hears are left out. If `walk`, the transmitter walks the streets of
    `cities.procedural(seed, side_m)`, at 1.5 to 4 m/s, a sample each 4 s, to ever new corners, where it pauses,
    switched off; else places are independent and uniform outdoors, one a minute. Source: that of `urban`; streets,
    offsets, fading, floors are our choice. Errors: InputError for counts and a seed that are no such whole numbers, a
    side below 200 m or above LARGEST_M, no UTM zone, no origin in it, and receivers that hear under a fifth of places.

    >>> make(samples=20).readings.columns.tolist()
    ['time', 'sensor', 'rss', 'tx_x', 'tx_y']
    """
    samples, receivers = arguments.whole("samples", samples, 10, MOST), arguments.whole("receivers", receivers, 3, 60)
    side_m = arguments.number("side_m", side_m, SMALLEST_M, LARGEST_M, f"{SMALLEST_M:g} m to {LARGEST_M:g} m")
    arguments.check_type("walk", walk, bool, "True or False")
    origin, n, city = _origin(crs, origin), round(side_m / _CELL_M), cities.procedural(seed, side_m, "made-up town")
    rng, cell_m, spots = np.random.default_rng([seed, 33]), side_m / n, centres(n, side_m).round(2)
    spots = spots[positions.outdoor_cells(city, n).ravel() & _is_clear(city, spots)]
    rx = _scattered(rng, city, spots, cell_m, 1)[1]
    while len(rx) < receivers:    # the farthest of ten from those before
        tried = _scattered(rng, city, spots, cell_m, 10)[1]
        rx = np.concatenate([rx, tried[[KDTree(rx).query(tried)[0].argmax()]]])
    gains = np.array(list(urban.gain_maps_db(city, rx, n, seed=seed, emitter_m=RECEIVER_M, sensor_m=TRANSMITTER_M)))
    offset, floor = rng.normal([[0.0], [FLOOR_DB]], [[OFFSET_DB], [FLOOR_SPREAD_DB]], (2, receivers))
    seconds, tx = (_walk if walk else _scattered)(rng, city, spots, cell_m, 5 * samples)
    maps = np.concatenate([np.isfinite(gains[:1]), np.nan_to_num(gains)])
    weight, *sums = (ndimage.map_coordinates(one, tx.T[::-1] / cell_m - 0.5, order=1, mode="nearest") for one in maps)
    rss = POWER_DBM + (np.array(sums) / weight).T + offset + rng.normal(0.0, FADING_DB, (len(tx), receivers))
    kept = np.flatnonzero((rss > floor).any(axis=1))[:samples]
    if len(kept) < samples:
        raise InputError(f"receivers is {receivers}; expected more: they hear too little where side_m is {side_m:g}")
    rss, (x, y) = rss[kept], (tx[kept] + origin).round(2).T
    names = np.array([f"r{number:02d}" for number in range(1, receivers + 1)], object)
    time = np.datetime_as_string(_START + seconds[kept].astype("timedelta64[s]")).astype(object) + "Z"
    of, by = np.nonzero(rss > floor)
    readings = {"time": time[of], "sensor": names[by], "rss": rss[of, by].round(1), "tx_x": x[of], "tx_y": y[of]}
    tables = {"sensor": names, **dict(zip("xy", (rx + origin).round(2).T))}, readings, dict(time=time, tx_x=x, tx_y=y)
    return Town(city, crs, origin, *map(pd.DataFrame, tables))


def write(town: Town, folder: str | Path) -> Path:
    """Write a town as csv files with latitude and longitude [degrees, WGS 84] instead of x and y; return the folder.

    sensors.csv; readings.csv, the first 80 % of the samples; new.csv, the others, whose locations are in truth.csv.
    Equal towns give equal bytes. Errors: InputError for what is no Town or path, and those of `project.atomic_path`.

    >>> write(make(samples=700), "examples/town")   # doctest: +SKIP
    """
    from pyproj import Transformer  # imported here: a town needs no projection
    arguments.check_type("town", town, Town, "a Town of rsslib.propagation.town.make")
    arguments.check_type("folder", folder, (str, Path), "the path of a folder")
    known, degrees = round(0.8 * len(town.truth)), Transformer.from_crs(town.crs, "EPSG:4326", always_xy=True).transform
    is_known = town.readings.time.isin(town.truth.time[:known])
    for name, table in (("sensors", town.sensors), ("readings", town.readings[is_known]),
                        ("new", town.readings[~is_known]), ("truth", town.truth[known:])):
        x, y = table.columns[-2:]
        lon, lat = ([f"{value:.7f}" for value in axis] for axis in degrees(table[x].to_numpy(), table[y].to_numpy()))
        table = table.drop(columns=[x, y]).assign(**{f"{x[:-1]}lat": lat, f"{x[:-1]}lon": lon} if name != "new" else {})
        with atomic_path(Path(folder) / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format="%.1f", lineterminator="\n")
    return Path(folder)


def _origin(crs: Any, given: Any) -> tuple[float, float]:
    if not isinstance(crs, str) or not re.fullmatch(r"EPSG:32[67](0[1-9]|[1-5]\d|60)", crs):
        raise InputError(f"crs is {arguments.shown(crs)}; expected a UTM zone, EPSG:32601 to 32660 or 32701 to 32760")
    place = arguments.numbers("origin", given, 1, 0.0, 1e7, "easting and northing [m]")
    if place.shape != (2,) or not 1e5 <= place[0] <= 9e5:
        raise InputError(f"origin is {arguments.shown(given)}; expected easting, 1e5 to 9e5, and northing [m]")
    return float(place[0]), float(place[1])


def _is_clear(city: City, points: np.ndarray) -> np.ndarray:
    near = shapely.STRtree(city.polygons).query(shapely.points(points), "dwithin", WALL_M)[0]
    return ~np.isin(np.arange(len(points)), near)


def _scattered(rng, city: City, spots: np.ndarray, cell_m: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds (count,) and places (count, 2) [m], uniform over the cells around `spots` but for the walls."""
    found = np.empty((0, 2))
    while len(found) < count:
        places = (rng.choice(spots, count) + rng.uniform(-0.5, 0.5, (count, 2)) * cell_m).round(2)
        found = np.concatenate([found, places[_is_clear(city, places)]])
    return 60 * np.arange(count), found[:count]


def _walk(rng, city: City, spots: np.ndarray, cell_m: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds (count,) and places (count, 2) [m] of a walk from spot to spot in the largest connected part."""
    graph = (tree := KDTree(spots)).sparse_distance_matrix(tree, 1.1 * cell_m, output_type="coo_matrix").tocsr()
    streets = np.flatnonzero((part := csgraph.connected_components(graph)[1]) == np.bincount(part).argmax())
    way = [int(rng.choice(streets))]
    passed, track = np.array(way), np.array([[0.0, *spots[way[0]]]])    # seconds, x, y
    while len(track) < count:
        here, tried, before = way[0], rng.choice(streets, 10), csgraph.breadth_first_order(graph, way[0])[1]
        way = [int(tried[KDTree(spots[passed]).query(spots[tried])[0].argmax()])]    # from there back to here
        while way[-1] != here:
            way.append(int(before[way[-1]]))
        passed, corners = np.union1d(passed, way), spots[way[::-1]]
        step = np.arange(0.0, len(way) - 1 + 1e-9, 4 * rng.uniform(1.5, 4.0) / cell_m)
        line = np.stack([np.interp(step, np.arange(len(way)), axis) for axis in corners.T], axis=1)
        line = (line + rng.uniform(-0.2, 0.2, line.shape) * cell_m).round(2)
        line = np.where(_is_clear(city, line)[:, None], line, corners[np.rint(step).astype(int)])
        second = track[-1, 0] + rng.integers(30, 180) + 4 * np.arange(len(line))
        track = np.concatenate([track, np.column_stack([second, line])])
    return track[:count, 0].astype(int), track[:count, 1:]
