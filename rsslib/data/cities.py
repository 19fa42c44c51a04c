"""The cities of paper 2 from building footprints, or procedural streets if these are not available."""

import hashlib
import json
import math
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely

from rsslib.arguments import number, whole
from rsslib.data import download, footprints, overpass
from rsslib.data.buildings import LARGEST_M, City
from rsslib.files import read_json
from rsslib.project import InputError, InputWarning, atomic_path

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
MD5 = {"chicago": "f44f541d188cd3213690ac39a0139973", "sydney": "d259d57871a4e875ff682a85e1b68701"}
"""The extracts that the results of this project are from."""
LEAST_BUILT, LEAST_PER_KM2 = 0.15, 100
"""Share of the window that is built up, and buildings per km2, below which an answer is not the centre of a city: a
third of the share (0.51 and 0.46) and a fifth of the number (480 and 770) of the two extracts."""

_FILES = (".geojson", ".json", ".gz", ".zip", ".geojsonl", ".ndjson", ".jsonl")    # `read` says what is in the others
_BLOCK_M, _STREET_M, _LOT_M = (95.0, 70.0), (14.0, 24.0), 24.0
_HEIGHT_M, _SPREAD = 22.0, 0.75  # median of the procedural heights, and standard deviation of their logarithm
_PARKS = 0.08


def load(name: str | Path, seed: int = 0) -> City:
    """Return a city: "chicago", "sydney", or the buildings in a file (.geojson, longitude and latitude).

    Footprints are taken from RSSLIB_DATA (cities/<name>_buildings.geojson), else the download cache, else
    OpenStreetMap, else `procedural` with the seed: then `synthetic` is set, and BANNER must be shown. An answer of
    OpenStreetMap counts, and is kept in the cache, if it is a city: see LEAST_BUILT and LEAST_PER_KM2.
    Errors: InputError for another name, and those of `rsslib.data.footprints.read`.
    Warns (InputWarning) of streets that are made up, of a file in RSSLIB_DATA that is not the extract of our results,
    and of a cache that cannot be written to.

    >>> load("chicago").side_m   # doctest: +SKIP
    1100.0
    """
    if isinstance(name, str | Path) and Path(name).suffix.lower() in _FILES:
        return footprints.read(name)
    given, name = _given(name), str(name)
    if given is None:
        return _kept(name) or _requested(name) or _made_up(name, seed)
    city = footprints.read(given, name, *SITES[name])
    if city.md5 != MD5[name]:
        warnings.warn(f"{given}: {len(city.polygons)} buildings on {_built(city):.0%} of its window, md5 {city.md5}; "
                      f"the results of this project are from another file of {name} (md5 {MD5[name]}): expect other "
                      "numbers", InputWarning, stacklevel=2)
    return city


def available(name: str) -> bool:
    """Return whether RSSLIB_DATA or the cache has the city's buildings; does not use the network.

    Errors: InputError for another name than those of SITES.

    >>> available("chicago")   # doctest: +SKIP
    True
    """
    return _given(name) is not None or _kept(name) is not None


def procedural(seed: int = 0, side_m: float = 600.0, name: str = "procedural") -> City:
    """Return a procedural city: blocks of 95 m x 70 m, streets 14 m to 24 m wide, log-normal heights, parks.

    The same seed and side give the same city.
    Errors: InputError for a side below 100 m or above LARGEST_M, or a seed that is not a whole number from 0 on.

    >>> procedural(seed=1).synthetic
    True
    """
    whole("seed", seed, 0, math.inf, "a whole number from 0 on")
    number("side_m", side_m, 100.0, LARGEST_M, f"100 m to {LARGEST_M:g} m")
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


def _given(name: Any) -> Path | None:
    """Return the file of a city in RSSLIB_DATA, None if there is none."""
    if not isinstance(name, str | Path) or str(name) not in SITES:
        raise InputError(f"city {str(name)[:60]!r}: expected one of {', '.join(SITES)}, or the path of a .geojson file")
    return download.in_data_folder(f"{name}_buildings.geojson", "cities")


def _kept(name: str) -> City | None:
    """Return the city in the cache, None if it is not there or not what was written."""
    path = _cached(name)
    if not path.is_file():
        return None
    try:
        document = read_json(path, "a city")
        right = isinstance(document, dict) and document.pop("sha256", "") == _digest(document)
        return footprints.read(path, name) if right else None
    except InputError:
        return None


def _requested(name: str) -> City | None:
    """Return the city from OpenStreetMap and keep it, None if there is no answer that is a city."""
    document = overpass.request(*SITES[name])
    if document is None:
        return None
    try:
        city = footprints.to_city(document, name, overpass.URL, "openstreetmap")
    except InputError:
        return None
    if not _is_plausible(city):
        return None
    try:
        with atomic_path(_cached(name)) as temporary:
            temporary.write_text(json.dumps(document | {"sha256": _digest(document)}), encoding="utf-8")
    except InputError as error:
        warnings.warn(f"{error}; {name} is used, and asked for again the next time", InputWarning, stacklevel=3)
    return city


def _made_up(name: str, seed: int) -> City:
    west, _, east, _ = SITES[name].window_m
    city = procedural(seed, east - west, name)
    warnings.warn(f"{name}: no {name}_buildings.geojson in RSSLIB_DATA or the cache, and no answer of OpenStreetMap "
                  "that is this city; the streets are MADE UP: set RSSLIB_DATA to the folder that holds cities/, or "
                  "try again later", InputWarning, stacklevel=3)
    return city


def _is_plausible(city: City) -> bool:
    return _built(city) >= LEAST_BUILT and len(city.polygons) >= LEAST_PER_KM2 * (city.side_m / 1000) ** 2


def _built(city: City) -> float:
    """Return the share of the window that is built up."""
    return shapely.union_all(shapely.clip_by_rect(city.polygons, 0, 0, city.side_m, city.side_m)).area / city.side_m**2


def _digest(document: dict) -> str:
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def _cached(name: str) -> Path:
    return download.cache_folder("cities") / f"{name}_buildings.geojson"
