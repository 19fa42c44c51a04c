"""Cities from building footprints in GeoJSON with the keys of OpenStreetMap."""

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from rsslib.arguments import check_type
from rsslib.data import osm_heights
from rsslib.data.buildings import LARGEST_M, City, number
from rsslib.data.geojson import WANTED, check_kind, polygons_of
from rsslib.data.osm_parts import replace_outlines
from rsslib.files import read_bytes, read_json
from rsslib.project import InputError, InputWarning

ATTRIBUTION, LICENCE = "(c) OpenStreetMap contributors, openstreetmap.org/copyright", "ODbL 1.0"
MOST_BYTES, MOST_BUILDINGS = 2**24, 10_000
_POLAR, _INHABITED = 85.0, (-60.0, 80.0)
_AS_RIGHT = 0.8    # with so many of the right angles left, either order of the axes may be right
_SMALLEST_M2 = 0.01
_MOST_BROKEN, _TANGLED = 5000, 80_000
"""Corners of a polygon and crossings of all that are mended, in about 2 s; one with more is left out."""


def read(path: str | Path, name: str | None = None, origin_lonlat: Any = None, window_m: Any = None) -> City:
    """Read the buildings of a GeoJSON file as a city, by default named after the file.

    Origin and window (see `to_city`) are for a file that gives no origin.
    Errors: InputError for a file that is missing, truncated, packed, not JSON or of more than 16 MiB; and those of
    `to_city`.

    >>> read("data/raw/cities/chicago_buildings.geojson").side_m                     # doctest: +SKIP
    1100.0
    """
    check_type("path", path, (str, Path), f"the path of {WANTED}")
    content = read_bytes(path, WANTED)
    check_kind(content, path)
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: {len(content)} bytes; expected at most {MOST_BYTES}: give the buildings of a "
                         "smaller area")
    name, document = name or Path(path).stem.removesuffix("_buildings"), read_json(path, WANTED)
    if isinstance(document, dict) and document.get("origin_lonlat") is None:
        given = {key: value for key, value in document.items() if value is not None}
        document = {"origin_lonlat": origin_lonlat, "window_m": window_m} | given
    return to_city(document, name, str(path), "file", hashlib.md5(content).hexdigest())


def to_city(document: Any, name: str, where: str, source: str, md5: str = "") -> City:
    """Convert a GeoJSON document to a city; `where` names the document in errors.

    The window is the square `window_m` (west, south, east, north [m] from `origin_lonlat`) of the document, else the
    largest square around the middle of its buildings within their bounds, or, if that holds none, the smallest that
    holds all; in the azimuthal equidistant projection at the origin, by default the middle. Heights
    are those of `rsslib.data.osm_heights.extent`, else the median of the known ones; outlines are replaced by their
    parts (`rsslib.data.osm_parts`). Rings that cross or overlap are mended. `height_sources` counts the polygons in
    the window. If any feature has a key by which OpenStreetMap says what it is (`osm_heights.is_tagged`), only polygons
    with `building` or `building:part` are buildings, and the others are "left_out"; else every polygon is one.

    Errors: InputError naming the feature, counted from 0, for a broken polygon or coordinates that are not on Earth;
    InputError for other coordinates than longitude and latitude, a site nearer than 5 degrees to a pole, a document
    without polygons, buildings or heights, none in its window, a window that is not a square, or one of more than 1.4
    km. Warns (InputWarning) of heights that cannot be read, of buildings that end below their base, of polygons too
    tangled to be mended, of buildings that are points or lines, of a window without most of the buildings, and,
    without an origin, where the axes seem exchanged or the buildings do not tell which comes first.
    """
    polygons, rows, tags = polygons_of(document, where)
    counted = _buildings(tags, rows, where)
    _warn_of_points(tags, rows, where)
    polygons, side = _to_window(polygons, counted, document, where)
    inside = shapely.intersects(polygons, shapely.box(0.0, 0.0, side, side))
    _check_number(int((inside & counted).sum()), int(counted.sum()), where)
    polygons, rows = polygons[inside & counted], rows[inside & counted]
    shapes, tops, bases, counts, default = _obstacles(_mended(polygons, rows, where),
                                                      [osm_heights.extent(tags[row]) for row in rows], rows, where)
    counts["left_out"] += int((inside & ~counted).sum())
    return City(name, shapes, tops, bases, side, str(document.get("attribution", ATTRIBUTION)), LICENCE, source, False,
                counts, default, md5)


def check_site(origin_lonlat: Any, window_m: Any, where: str) -> tuple[list[float], list[float]]:
    """Return origin (longitude, latitude) and window (west, south, east, north [m] from it) as numbers.

    Errors: InputError for anything but numbers, an origin off the Earth or near a pole, a window that is not a square
    or too large.
    """
    lon, lat = _numbers(origin_lonlat, 2, f"{where}: origin_lonlat")
    if not (abs(lon) <= 180 and abs(lat) <= _POLAR):
        raise InputError(f"{where}: the site lies at longitude {lon:.4f}, latitude {lat:.4f}; expected latitudes from "
                         f"-{_POLAR:g} to {_POLAR:g}: GeoJSON has longitude first, then latitude")
    west, south, east, north = window = _numbers(window_m, 4, f"{where}: window_m")
    if not (east > west and abs(east - west - north + south) < 1e-6 * (east - west)):
        raise InputError(f"{where}: window_m is {window}; expected a square: west, south, east, north [m]")
    if east - west > LARGEST_M:
        raise InputError(f"{where}: its window is {(east - west) / 1000:.4g} km wide; expected at most "
                         f"{LARGEST_M / 1000:g} km: give a smaller window_m, and check that coordinates are degrees")
    return [lon, lat], window


def _buildings(tags: list[dict], rows: np.ndarray, where: str) -> np.ndarray:
    """Return which rows are buildings, (rows,) bool: see `to_city`."""
    counted, tagged = (np.array([tell(tags[row]) for row in rows]) for tell in (
        osm_heights.is_building, osm_heights.is_tagged))
    high = np.array([osm_heights.extent(tags[row]).source in ("height", "estimate", "levels") for row in rows])
    if not counted.any():
        if tagged.mean() < 0.5:    # footprints of another source, with a key or two of the same name
            return ~tagged | high
        raise InputError(f"{where}: none of {len(rows)} polygons has `building` or `building:part`; expected them, or "
                         "polygons without keys of OpenStreetMap")
    if (lost := high & ~counted & ~tagged).any():
        warnings.warn(f"{where}: {lost.sum()} of {len(rows)} polygons have a height, but no `building`, as others "
                      "here; they are left out: give them the key if they are buildings", InputWarning, stacklevel=2)
    return counted


def _warn_of_points(tags: list[dict], rows: np.ndarray, where: str) -> None:
    lost = [row for row in sorted(set(range(len(tags))) - set(rows.tolist())) if osm_heights.is_building(tags[row])]
    if lost:
        warnings.warn(f"{where}: feature {lost[0]}: a building that is no polygon; {len(lost)} of {len(tags)} features "
                      "are such points or lines, and left out: give their outlines if they matter", InputWarning,
                      stacklevel=3)


def _to_window(polygons: np.ndarray, counted: np.ndarray, document: dict, where: str) -> tuple[np.ndarray, float]:
    """Project to metres from the window's south-west corner; return the polygons and the side of the window [m].

    Without a window or an origin, they are those of the polygons that are `counted`.
    """
    from pyproj import Transformer  # imported here: a procedural city needs no projection

    origin, window = document.get("origin_lonlat"), document.get("window_m")
    if origin is None:
        origin = _middle(polygons[counted])
    (lon, lat), _ = check_site(origin, (0.0, 0.0, 1.0, 1.0), where)
    plane = Transformer.from_crs("EPSG:4326", f"+proj=aeqd +lat_0={lat} +lon_0={lon} +datum=WGS84", always_xy=True)
    projected = shapely.transform(polygons, lambda corners: np.column_stack(plane.transform(*corners.T)))
    if window is None:
        window = _square(projected[counted], min)
        if not shapely.intersects(projected[counted], shapely.box(*window)).any():
            window = _square(projected[counted], max)
    _, (west, south, east, _) = check_site(origin, window, where)
    if document.get("origin_lonlat") is None:
        _check_axes(polygons[counted], lon, lat, where)
    return shapely.transform(projected, lambda corners: corners - (west, south)), east - west


def _square(polygons: np.ndarray, which: Callable[[float, float], float]) -> tuple[float, float, float, float]:
    """Return the square around the middle of polygons that is as wide as `which` of the sides of their bounds."""
    west, south, east, north = shapely.total_bounds(polygons)
    half, x, y = which(east - west, north - south) / 2, (west + east) / 2, (south + north) / 2
    return x - half, y - half, x + half, y + half


def _middle(polygons: np.ndarray) -> tuple[float, float]:
    """Return longitude and latitude of the middle of polygons in degrees, also across the antimeridian."""
    west, south, east, north = shapely.total_bounds(polygons)
    if east - west > 180.0:
        lon = shapely.get_coordinates(polygons)[:, 0] % 360.0
        west, east = lon.min(), lon.max()
    return float(((west + east) / 2 + 180.0) % 360.0 - 180.0), float((south + north) / 2)


def _check_axes(polygons: np.ndarray, lon: float, lat: float, where: str) -> None:
    """Warn unless places and right angles tell that longitude comes first.

    Walls along the axes meet at right angles in either order: they do not tell.
    """
    as_read, exchanged = (_right_angles(polygons, *scales) for scales in (
        (np.cos(np.radians(lat)), 1.0), (1.0, np.cos(np.radians(lon)))))
    low, high = _INHABITED
    if not low <= lat <= high or low <= lon <= high and exchanged >= _AS_RIGHT * as_read:
        warnings.warn(f"{where}: the site lies at longitude {lon:.4f}, latitude {lat:.4f}, and {as_read:.0%} of its "
                      f"corners are right angles, {exchanged:.0%} with the axes exchanged, which does not tell that "
                      "longitude comes first, as in GeoJSON: exchange the axes if they are wrong, or give "
                      "origin_lonlat if they are right", InputWarning, stacklevel=2)


def _right_angles(polygons: np.ndarray, x_scale: float, y_scale: float) -> float:
    """Return the share of right angles (within 3 degrees) among the corners of polygons whose axes are scaled."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    step = np.diff(corners * (x_scale, y_scale), axis=0)
    length = np.hypot(*step.T)
    usable = (ring[2:] == ring[:-2]) & (length[1:] > 0) & (length[:-1] > 0)
    cosine = (step[1:] * step[:-1]).sum(axis=1)[usable] / (length[1:] * length[:-1])[usable]
    return float((np.abs(cosine) < np.sin(np.radians(3.0))).mean()) if usable.any() else 0.0


def _numbers(values: Any, count: int, where: str) -> list[float]:
    listed = isinstance(values, list | tuple) or isinstance(values, np.ndarray) and values.ndim == 1
    numbers = [number(value) for value in values] if listed else []
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise InputError(f"{where} is {str(values)[:60]!r}; expected {count} numbers")
    return numbers


def _check_number(inside: int, count: int, where: str) -> None:
    if not inside:
        raise InputError(f"{where}: no building in its window; check window_m, and that longitude comes first")
    if inside > MOST_BUILDINGS:
        raise InputError(f"{where}: {inside} buildings in its window; expected at most {MOST_BUILDINGS}: give a "
                         "smaller window_m")
    if inside < count / 2:
        warnings.warn(f"{where}: {inside} of {count} buildings lie in its window; if that is not meant, check that "
                      "window_m is west, south, east, north [m] from origin_lonlat", InputWarning, stacklevel=2)


def _mended(polygons: np.ndarray, rows: np.ndarray, where: str) -> np.ndarray:
    """Return polygons [m] without crossing or overlapping rings, spikes and lines; empty if no area is left."""
    broken, budget, tangled = ~shapely.is_valid(polygons), _TANGLED, np.zeros(len(rows), bool)
    for row in np.flatnonzero(broken):
        crossings = _crossings(polygons[row], budget)
        tangled[row] = crossings > budget
        budget -= 0 if tangled[row] else crossings
    texts = [f"its rings cross too often ({number} corners); mend it first, as shapely.make_valid does"
             for number in shapely.get_num_coordinates(polygons)]
    _warn(tangled, texts, "are left out for that", rows, where)
    polygons[tangled] = shapely.Polygon()
    polygons[broken] = shapely.make_valid(polygons[broken], method="structure", keep_collapsed=False)
    return polygons


def _crossings(polygon: shapely.Geometry, most: int) -> int:
    """Return how often edges of a polygon meet others than their neighbours, or a number above `most`."""
    if shapely.get_num_coordinates(polygon) > _MOST_BROKEN:
        return most + 1
    corners, ring = shapely.get_coordinates(shapely.get_rings(polygon), return_index=True)
    edges = shapely.linestrings(np.stack([corners[:-1], corners[1:]], axis=1)[ring[1:] == ring[:-1]])
    tree, met = shapely.STRtree(edges), -3 * len(edges)    # each meets itself and two neighbours
    for some in np.array_split(edges, len(edges) // 100 + 1):
        met += tree.query(some, predicate="intersects").shape[1]
        if met > most:
            break
    return max(met, 0)


def _obstacles(polygons: np.ndarray, extents: list, rows: np.ndarray, where: str) -> tuple:
    """Return polygons, tops and bases of the obstacles, their number by source of the top, and the default top.

    Input: polygons of the buildings in the window [m], their `osm_heights.extent`, the numbers of their features.
    """
    top, base, source, is_part, unread = (np.array(column) for column in zip(*extents))
    source = np.where(shapely.area(polygons) > _SMALLEST_M2, source, "left_out").astype("<U8")
    known = (source != "left_out") & np.isfinite(top)
    if not known.any():
        raise InputError(f"{where}: no building with a height; expected `height` or `building:levels` for some")
    default = float(np.median(top[known]))
    top = np.where(np.isnan(top), default, top)
    upside_down = (source != "left_out") & (base >= top)
    source[upside_down | _copies(polygons, top, base, is_part)] = "left_out"
    _warn(unread != "", [f"{text}; expected metres (12.5), feet (41 ft, 41'6\") or levels (3)" for text in unread],
          "have such values, which count as unknown", rows, where)
    _warn(upside_down, [f"it begins at {low:g} m and ends at {high:g} m; check min_height and height"
                        for low, high in zip(base, top)], "are left out for that", rows, where)
    kept = np.flatnonzero(source != "left_out")
    *buildings, row = replace_outlines(polygons[kept], top[kept], base[kept], is_part[kept], where)
    source[np.setdiff1d(kept, kept[row])] = "replaced"
    kinds = ("height", "levels", "default", "replaced", "left_out", *["estimate"] * ("estimate" in source))
    return *buildings, {kind: int((source == kind).sum()) for kind in kinds}, default


def _copies(polygons: np.ndarray, *about: np.ndarray) -> np.ndarray:
    """Return which buildings equal an earlier one, (buildings,) bool."""
    keys = list(zip(shapely.to_wkb(polygons), *(values.tolist() for values in about)))
    first = dict(zip(reversed(keys), reversed(range(len(keys)))))
    return np.array([first[key] != row for row, key in enumerate(keys)])


def _warn(odd: np.ndarray, texts: list[str], fate: str, rows: np.ndarray, where: str) -> None:
    if odd.any():
        warnings.warn(f"{where}: feature {rows[odd.argmax()]}: {texts[odd.argmax()]}; {odd.sum()} of {len(odd)} "
                      f"buildings in the window {fate}", InputWarning, stacklevel=2)
