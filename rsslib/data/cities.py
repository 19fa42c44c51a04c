"""The cities of paper 2 from building footprints, or procedural streets if these are not available."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely

from rsslib.data import download, footprints
from rsslib.data.buildings import City
from rsslib.project import InputError, atomic_path

BANNER = "MADE-UP STREETS: a procedural street grid, not the city, and not comparable with the paper"
"""To be shown on every page and figure of a synthetic city."""


class Site(NamedTuple):
    """A window of a city: longitude and latitude of its origin; west, south, east, north relative to it [m]."""

    origin_lonlat: tuple[float, float]
    window_m: tuple[float, float, float, float]


SITES = {
    "chicago": Site((-87.6298, 41.8795), (-680.0, -250.0, 420.0, 850.0)),
    "sydney": Site((151.2063, -33.8784), (-300.0, -310.0, 320.0, 310.0)),
}
"""The Loop, 1.1 km wide, and the south of Sydney's centre, 0.62 km; the paper gives no coordinates."""

_BLOCK_M, _STREET_M, _LOT_M = (95.0, 70.0), (14.0, 24.0), 24.0
_HEIGHT_M, _SPREAD = 22.0, 0.75  # median of the procedural heights, and standard deviation of their logarithm
_PARKS = 0.08


def load(name: str | Path, seed: int = 0) -> City:
    """Return a city: "chicago", "sydney", or the buildings in a file (.geojson, longitude and latitude).

    Footprints are taken from RSSLIB_DATA (cities/<name>_buildings.geojson), else the download cache, else
    OpenStreetMap, else `procedural` with the seed: then `synthetic` is set, and BANNER must be shown.
    Errors: InputError for another name, and those of `rsslib.data.footprints.read`.

    >>> load("chicago").side_m   # doctest: +SKIP
    1100.0
    """
    if Path(name).suffix.lower() in (".geojson", ".json"):
        return footprints.read(name)
    name = str(name)
    path = _local(name)
    if path is not None:
        return footprints.read(path, name)
    document = footprints.request(*SITES[name])
    if document is None:
        west, _, east, _ = SITES[name].window_m
        return procedural(seed, east - west, name)
    city = footprints.to_city(document, name, footprints.URL, "openstreetmap")
    with atomic_path(_cached(name)) as temporary:  # only now: an unusable document must not be cached
        temporary.write_text(json.dumps(document), encoding="utf-8")
    return city


def available(name: str) -> bool:
    """Return whether RSSLIB_DATA or the cache has the city's buildings; does not use the network.

    >>> available("chicago")   # doctest: +SKIP
    True
    """
    return _local(name) is not None


def procedural(seed: int = 0, side_m: float = 600.0, name: str = "procedural") -> City:
    """Return a procedural city: blocks of 95 m x 70 m, streets 14 m to 24 m wide, log-normal heights, parks.

    The same seed and side give the same city. Errors: InputError for a side below 100 m.

    >>> procedural(seed=1).synthetic
    True
    """
    if not 100.0 <= side_m < np.inf:
        raise InputError(f"side_m: expected at least 100 m, found {side_m}")
    rng = np.random.default_rng(seed)
    columns, rows = (_intervals(rng, block, side_m) for block in _BLOCK_M)
    lots = [lot for west, east in columns for south, north in rows if rng.random() > _PARKS
            for lot in _lots(rng, west, south, east, north)]
    heights = np.clip(_HEIGHT_M * rng.lognormal(0.0, _SPREAD, len(lots)), 6.0, 250.0).round(1)
    polygons = shapely.intersection(shapely.box(*np.array(lots).T), shapely.box(0.0, 0.0, side_m, side_m))
    return City(name, polygons, heights, np.zeros(len(lots)), float(side_m), BANNER, "none", "procedural", True,
                {"height": 0, "levels": 0, "default": 0, "left_out": 0})


def _intervals(rng: np.random.Generator, block_m: float, side_m: float) -> list[tuple[float, float]]:
    """Return begin and end of each block along one axis, from edge to edge of the window [m]."""
    begin, blocks = -rng.uniform(0.0, block_m), []
    while begin < side_m:
        end = begin + block_m * rng.uniform(0.8, 1.2)
        if end > 1.0:
            blocks.append((begin, min(end, side_m)))
        begin = end + rng.uniform(*_STREET_M)
    return blocks


def _lots(rng: np.random.Generator, west: float, south: float, east: float, north: float) -> list[tuple]:
    """Divide a block into two rows of lots, some with a gap to the next; return their bounds [m]."""
    middle, lots = south + (north - south) * rng.uniform(0.4, 0.6), []
    for low, high in ((south, middle), (middle, north)):
        edges = np.linspace(west, east, max(2, round((east - west) / _LOT_M) + 1))
        gaps = np.where(rng.random(len(edges) - 1) < 0.2, 5.0, 0.0)
        lots += [(left, low, right - gap, high) for left, right, gap in zip(edges, edges[1:], gaps) if right > 0]
    return [lot for lot in lots if lot[3] > 0 and lot[2] > max(lot[0], 0.0)]


def _cached(name: str) -> Path:
    return download.cache_folder("cities") / f"{name}_buildings.geojson"


def _local(name: str) -> Path | None:
    if name not in SITES:
        raise InputError(f"city {name!r}: expected one of {', '.join(SITES)}, or the path of a .geojson file")
    path = download.in_data_folder(f"{name}_buildings.geojson", "cities") or _cached(name)
    return path if path.is_file() else None
