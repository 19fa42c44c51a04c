"""Cities from building footprints in GeoJSON with the keys of OpenStreetMap."""

import hashlib
import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from rsslib.data import osm_heights
from rsslib.data.buildings import LARGEST_M, City, number
from rsslib.data.osm_parts import replace_outlines
from rsslib.files import read_bytes, read_json
from rsslib.project import InputError, InputWarning

ATTRIBUTION, LICENCE = "(c) OpenStreetMap contributors, openstreetmap.org/copyright", "ODbL 1.0"
MOST_BYTES, MOST_CORNERS, MOST_BUILDINGS = 2**24, 250_000, 10_000
_WANTED = "building footprints in GeoJSON"
_OTHER = ("Point", "MultiPoint", "LineString", "MultiLineString")
_LONLAT = re.compile(r"\bCRS:?84$|\bEPSG\b.*\b4326$")
_POLAR, _INHABITED = 85.0, (-60.0, 80.0)
_SMALLEST_M2 = 0.01
_TANGLED = 400_000    # crossings of a ring, and the time to mend it, grow with the square of its corners


def read(path: str | Path, name: str | None = None) -> City:
    """Read the buildings of a GeoJSON file as a city, by default named after the file.

    Errors: InputError for a file that is missing, truncated, not JSON or of more than 16 MiB; and those of `to_city`.

    >>> read("data/raw/cities/chicago_buildings.geojson").side_m                     # doctest: +SKIP
    1100.0
    """
    if not isinstance(path, str | Path):
        raise InputError(f"path: found {str(path)[:40]!r}; expected the path of {_WANTED}")
    content = read_bytes(path, _WANTED)
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: {len(content)} bytes; expected at most {MOST_BYTES}: give the buildings of a "
                         "smaller area")
    name = name or Path(path).stem.removesuffix("_buildings")
    return to_city(read_json(path, _WANTED), name, str(path), "file", hashlib.md5(content).hexdigest())


def to_city(document: Any, name: str, where: str, source: str, md5: str = "") -> City:
    """Convert a GeoJSON document to a city; `where` names the document in errors.

    The window is the square `window_m` (west, south, east, north [m] from `origin_lonlat`) of the document, else the
    largest square around the middle of its buildings within their bounds, or, if that holds none, the smallest that
    holds all; in the azimuthal equidistant projection at the origin, by default the middle. Heights
    are those of `rsslib.data.osm_heights.extent`, else the median of the known ones; outlines are replaced by their
    parts (`rsslib.data.osm_parts`). Rings that cross or overlap are mended. `height_sources` counts the buildings in
    the window.

    Errors: InputError naming the feature, counted from 0, for a broken polygon or coordinates that are not on Earth;
    InputError for other coordinates than longitude and latitude, a site nearer than 5 degrees to a pole, a document
    without polygons or heights, none in its window, a window that is not a square, or one of more than 1.4 km.
    Warns (InputWarning) of heights that cannot be read, of buildings that end below their base, of a window without
    most of the buildings, and where the axes seem exchanged.
    """
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise InputError(f"{where}: not GeoJSON: expected an object with a list `features`")
    _check_crs(document, where)
    found = {row: shape for row, shape in enumerate(_polygons(features, where)) if shape is not None}
    if not found:
        raise InputError(f"{where}: no polygon among {len(features)} features; expected {_WANTED}")
    polygons, side = _to_window(np.array(list(found.values())), document, where)
    inside = shapely.intersects(polygons, shapely.box(0.0, 0.0, side, side))
    _check_number(int(inside.sum()), len(found), where)
    rows = np.array(list(found))[inside]
    extents = [osm_heights.extent(tags if isinstance(tags := features[row].get("properties"), dict) else {})
               for row in rows]
    shapes, tops, bases, counts, default = _obstacles(_mended(polygons[inside], rows, where), extents, rows, where)
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


def _check_crs(holder: dict, where: str) -> None:
    """Refuse the `crs` member of GeoJSON before 2016, unless it names longitude and latitude."""
    crs = holder.get("crs")
    about = crs.get("properties") if isinstance(crs, dict) else None
    name = str(about["name"] if isinstance(about, dict) and "name" in about else crs)
    if crs is not None and not _LONLAT.search(name.upper()):
        raise InputError(f"{where}: its crs is {name[:60]!r}; expected longitude and latitude (CRS84, EPSG:4326), as "
                         "GeoJSON has them since 2016: convert the coordinates, and leave out the member crs")


def _polygons(features: list, where: str) -> list[shapely.Geometry | None]:
    """Return the polygons of each feature in degrees, None for points and lines."""
    shapes, corners = [], 0
    for row, feature in enumerate(features):
        shapes.append(_polygon(feature, f"{where}: feature {row}"))
        corners += shapely.get_num_coordinates(shapes[-1])
        if corners > MOST_CORNERS:
            raise InputError(f"{where}: feature {row}: the polygons up to here have {corners} corners; expected at "
                             f"most {MOST_CORNERS}: give the buildings of a smaller area, or simpler ones")
    return shapes


def _polygon(feature: Any, where: str) -> shapely.Geometry | None:
    if not isinstance(feature, dict) or "geometry" not in feature:
        raise InputError(f"{where}: found {str(feature)[:40]!r}; expected a GeoJSON feature with a geometry")
    geometry = feature["geometry"]
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if geometry is None or kind in _OTHER:
        return None
    if kind not in ("Polygon", "MultiPolygon", "GeometryCollection"):
        raise InputError(f"{where}: its geometry is {str(kind or geometry)[:40]!r}; expected a Polygon, a MultiPolygon "
                         "or another geometry of GeoJSON")
    for holder in (feature, geometry):
        _check_crs(holder, where)
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
    except (shapely.GEOSException, ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{where}: broken {kind} ({str(error).partition(chr(10))[0][:100]}); expected closed rings "
                         "of [longitude, latitude]") from None
    parts = shapely.get_parts([shape])
    while (collections := shapely.get_type_id(parts) == 7).any():
        parts = np.concatenate([parts[~collections], shapely.get_parts(parts[collections])])
    polygons = shapely.get_parts(parts[np.isin(shapely.get_type_id(parts), (3, 6))])
    corners = shapely.get_coordinates(polygons)
    for lon, lat in corners[~(np.abs(corners) <= (180.0, 90.0)).all(axis=1)][:1]:
        raise InputError(f"{where}: longitude {lon}, latitude {lat} is not on Earth; expected degrees, longitude "
                         "first, -180..180 and -90..90")
    return None if not len(corners) else polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)


def _to_window(polygons: np.ndarray, document: dict, where: str) -> tuple[np.ndarray, float]:
    """Project to metres from the window's south-west corner; return the polygons and the side of the window [m]."""
    from pyproj import Transformer  # imported here: a procedural city needs no projection

    origin, window = document.get("origin_lonlat"), document.get("window_m")
    if origin is None:
        origin = _middle(polygons, where)
    (lon, lat), _ = check_site(origin, (0.0, 0.0, 1.0, 1.0), where)
    plane = Transformer.from_crs("EPSG:4326", f"+proj=aeqd +lat_0={lat} +lon_0={lon} +datum=WGS84", always_xy=True)
    polygons = shapely.transform(polygons, lambda corners: np.column_stack(plane.transform(*corners.T)))
    if window is None:
        window = _square(polygons, min)
        if not shapely.intersects(polygons, shapely.box(*window)).any():
            window = _square(polygons, max)
    _, (west, south, east, _) = check_site(origin, window, where)
    return shapely.transform(polygons, lambda corners: corners - (west, south)), east - west


def _square(polygons: np.ndarray, which: Callable[[float, float], float]) -> tuple[float, float, float, float]:
    """Return the square around the middle of polygons that is as wide as `which` of the sides of their bounds."""
    west, south, east, north = shapely.total_bounds(polygons)
    half, x, y = which(east - west, north - south) / 2, (west + east) / 2, (south + north) / 2
    return x - half, y - half, x + half, y + half


def _middle(polygons: np.ndarray, where: str) -> tuple[float, float]:
    """Return longitude and latitude of the middle of polygons in degrees, also across the antimeridian."""
    west, south, east, north = shapely.total_bounds(polygons)
    if east - west > 180.0:
        lon = shapely.get_coordinates(polygons)[:, 0] % 360.0
        west, east = lon.min(), lon.max()
    lon, lat = ((west + east) / 2 + 180.0) % 360.0 - 180.0, (south + north) / 2
    as_read = _right_angles(polygons, np.cos(np.radians(lat)), 1.0)
    exchanged = _right_angles(polygons, 1.0, np.cos(np.radians(lon))) if abs(lon) <= _POLAR else 0.0
    far = _INHABITED[1] < lat <= _POLAR or -_POLAR <= lat < _INHABITED[0]
    if far or exchanged > 0.25 and as_read < exchanged / 2:
        warnings.warn(f"{where}: the site lies at longitude {lon:.4f}, latitude {lat:.4f}, and {as_read:.0%} of its "
                      f"corners are right angles, {exchanged:.0%} with the axes exchanged; GeoJSON has longitude "
                      "first: exchange them, or give origin_lonlat if they are right", InputWarning, stacklevel=2)
    return float(lon), float(lat)


def _right_angles(polygons: np.ndarray, x_scale: float, y_scale: float) -> float:
    """Return the share of right angles (within 3 degrees) among the corners of polygons whose axes are scaled."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    step = np.diff(corners * (x_scale, y_scale), axis=0)
    length = np.hypot(*step.T)
    usable = (ring[2:] == ring[:-2]) & (length[1:] > 0) & (length[:-1] > 0)
    cosine = (step[1:] * step[:-1]).sum(axis=1)[usable] / (length[1:] * length[:-1])[usable]
    return float((np.abs(cosine) < np.sin(np.radians(3.0))).mean()) if usable.any() else 0.0


def _numbers(values: Any, count: int, where: str) -> list[float]:
    numbers = [number(value) for value in values] if isinstance(values, list | tuple | np.ndarray) else []
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
    broken = ~shapely.is_valid(polygons)
    corners = shapely.get_num_coordinates(polygons) * broken
    if (corners.astype(float) ** 2).sum() > _TANGLED:
        raise InputError(f"{where}: feature {rows[corners.argmax()]}: its rings cross, and have {corners.max()} "
                         f"corners ({broken.sum()} such buildings); mend them first, as shapely.make_valid does")
    polygons[broken] = shapely.make_valid(polygons[broken], method="structure", keep_collapsed=False)
    return polygons


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
    counts = {kind: int((source == kind).sum()) for kind in ("height", "levels", "default", "replaced", "left_out")}
    return *buildings, counts, default


def _copies(polygons: np.ndarray, *about: np.ndarray) -> np.ndarray:
    """Return which buildings equal an earlier one, (buildings,) bool."""
    keys = list(zip(shapely.to_wkb(polygons), *(values.tolist() for values in about)))
    first = dict(zip(reversed(keys), reversed(range(len(keys)))))
    return np.array([first[key] != row for row, key in enumerate(keys)])


def _warn(odd: np.ndarray, texts: list[str], fate: str, rows: np.ndarray, where: str) -> None:
    if odd.any():
        warnings.warn(f"{where}: feature {rows[odd.argmax()]}: {texts[odd.argmax()]}; {odd.sum()} of {len(odd)} "
                      f"buildings in the window {fate}", InputWarning, stacklevel=2)
