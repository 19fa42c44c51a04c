"""Cities from building footprints in GeoJSON with OpenStreetMap keys: from a file or from OpenStreetMap."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from rsslib.data.buildings import City
from rsslib.data.download import SECONDS, within
from rsslib.project import InputError

LEVEL_M = 3.6
"""Assumed height of one level, typical of offices."""
ATTRIBUTION, LICENCE = "(c) OpenStreetMap contributors, openstreetmap.org/copyright", "ODbL 1.0"
URL = "https://overpass-api.de/api/interpreter"
_TAGS = ("building", "building:part", "height", "building:levels", "min_height", "name")
_EARTH_M, _TALLEST_M = 6_371_008.8, 1000.0


def read(path: str | Path, name: str | None = None) -> City:
    """Read the buildings of a GeoJSON file as a city, by default named after the file.

    Errors: InputError for a file that is missing, truncated or not GeoJSON, and those of `to_city`.

    >>> read("data/raw/cities/chicago_buildings.geojson").side_m                     # doctest: +SKIP
    1100.0
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected building footprints in GeoJSON")
    content = path.read_bytes()
    try:
        document = json.loads(content)
    except ValueError as error:
        raise InputError(f"{path}: not GeoJSON, or truncated ({error}); fetch the file again") from None
    return to_city(document, name or path.stem.removesuffix("_buildings"), str(path), "file",
                   hashlib.md5(content).hexdigest())


def request(origin_lonlat: tuple, window_m: tuple, seconds: float = SECONDS) -> dict | None:
    """Return the buildings in a window from OpenStreetMap as a GeoJSON document, None if there is no answer in time.

    Input: origin (longitude, latitude) [degrees]; window west, south, east, north relative to it [m]; timeout [s].
    Source: wiki.openstreetmap.org/wiki/Overpass_API.

    >>> request((-87.6298, 41.8795), (-680, -250, 420, 850))   # doctest: +SKIP
    """
    (lon, lat), north = origin_lonlat, np.degrees(1.0 / _EARTH_M)
    west_east = lon + np.array(window_m[::2]) * (north / np.cos(np.radians(lat)))
    south_north = lat + np.array(window_m[1::2]) * north
    box = ",".join(f"{edge:.6f}" for edge in np.stack([south_north, west_east], axis=1).ravel())
    query = (f'[out:json][timeout:{seconds:.0f}];(way["building"]({box});way["building:part"]({box});'
             f'relation["building"]({box}););out tags geom;')
    answer, _ = within(seconds, lambda: _post(query, seconds))
    features = [feature for element in (answer or {}).get("elements", ()) if (feature := _feature(element))]
    return {"type": "FeatureCollection", "attribution": ATTRIBUTION, "window_m": list(window_m),
            "origin_lonlat": list(origin_lonlat), "features": features} if features else None


def to_city(document: Any, name: str, where: str, source: str, md5: str = "") -> City:
    """Convert a GeoJSON document to a city; `where` names the document in errors.

    The window is the square `window_m` (west, south, east, north [m] from `origin_lonlat`) of the document, else the
    largest square around the centre of its buildings, in the azimuthal equidistant projection at its origin. The height
    is `height_m` or `height`; else 3.6 m times `levels` or `building:levels`; else the median of the known heights.
    Canopies (`building=roof`) and parts of buildings without a height of their own are left out. `height_sources`
    counts the buildings in the window.

    Errors: InputError naming the feature, counted from 0, for a broken polygon or coordinates that are not on Earth;
    InputError for a document without polygons or heights, none in its window, or a window that is not a square.
    """
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise InputError(f"{where}: not GeoJSON: expected an object with a list `features`")
    shapes = {number: shape for number, feature in enumerate(features)
              if (shape := _polygon(feature, f"{where}: feature {number}")) is not None}
    if not shapes:
        raise InputError(f"{where}: no polygon among {len(features)} features; expected building footprints")
    polygons, side = _to_window(np.array(list(shapes.values())), document, where)
    inside = shapely.intersects(polygons, shapely.box(0.0, 0.0, side, side))
    tags = [features[number].get("properties") for number, is_inside in zip(shapes, inside) if is_inside]
    if not tags:
        raise InputError(f"{where}: no building in its window; check window_m, and that longitude comes first")
    rows = [_height(tag if isinstance(tag, dict) else {}) for tag in tags]
    heights, bases = np.array([row[:2] for row in rows]).T
    origin = np.array([row[2] for row in rows])
    kept = origin != "left_out"
    if not np.isfinite(heights[kept]).any():
        raise InputError(f"{where}: no building with a height; expected `height` or `building:levels` for some")
    default = float(np.median(heights[kept & np.isfinite(heights)]))
    counts = {kind: int((origin == kind).sum()) for kind in ("height", "levels", "default", "left_out")}
    return City(name, polygons[inside][kept], np.where(np.isnan(heights), default, heights)[kept], bases[kept], side,
                str(document.get("attribution", ATTRIBUTION)), LICENCE, source, False, counts, default, md5)


def _polygon(feature: Any, where: str) -> shapely.Geometry | None:
    """Return a feature's polygon in degrees, None for points and lines."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return None
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
    except (shapely.GEOSException, ValueError) as error:
        raise InputError(f"{where}: broken {geometry['type']} ({str(error).partition(chr(10))[0]}); expected rings "
                         "of [longitude, latitude]") from None
    corners = shapely.get_coordinates(shape)
    for lon, lat in corners[~(np.abs(corners) <= (180.0, 90.0)).all(axis=1)][:1]:
        raise InputError(f"{where}: longitude {lon}, latitude {lat} is not on Earth; expected degrees, longitude "
                         "first, -180..180 and -90..90")
    return shapely.make_valid(shape) if len(corners) else None


def _to_window(polygons: np.ndarray, document: dict, where: str) -> tuple[np.ndarray, float]:
    """Project to metres from the window's south-west corner; return the polygons and the side of the window [m]."""
    from pyproj import Transformer  # imported here: a procedural city needs no projection

    west, south, east, north = shapely.total_bounds(polygons)
    lon, lat = _numbers(document.get("origin_lonlat", ((west + east) / 2, (south + north) / 2)), 2,
                        f"{where}: origin_lonlat")
    plane = Transformer.from_crs("EPSG:4326", f"+proj=aeqd +lat_0={lat} +lon_0={lon} +datum=WGS84", always_xy=True)
    polygons = shapely.transform(polygons, lambda corners: np.column_stack(plane.transform(*corners.T)))
    window = document.get("window_m")
    if window is None:
        west, south, east, north = shapely.total_bounds(polygons)
        half, x, y = min(east - west, north - south) / 2, (west + east) / 2, (south + north) / 2
        window = x - half, y - half, x + half, y + half
    west, south, east, north = _numbers(window, 4, f"{where}: window_m")
    if not (east > west and abs(east - west - north + south) < 1e-6 * (east - west)):
        raise InputError(f"{where}: window_m is {list(window)}; expected a square: west, south, east, north [m]")
    return shapely.transform(polygons, lambda corners: corners - (west, south)), east - west


def _numbers(values: Sequence, count: int, where: str) -> list[float]:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise InputError(f"{where} is {values!r}; expected {count} numbers")
    return numbers


def _height(tags: dict) -> tuple[float, float, str]:
    """Return a building's top (NaN: unknown) and base [m], and the source of the top."""
    top, levels = _metres(tags, "height_m", "height"), _metres(tags, "levels", "building:levels")
    is_part = tags.get("part", tags.get("building:part")) not in (None, False, "", "no")
    origin = "height" if np.isfinite(top) else "levels" if np.isfinite(levels) else "default"
    if tags.get("building") in ("roof", "no") and not is_part or is_part and origin == "default":
        origin = "left_out"
    return top if np.isfinite(top) else levels * LEVEL_M, float(np.nan_to_num(_metres(tags, "min_height"))), origin


def _metres(tags: dict, *keys: str) -> float:
    """Return the first number under `keys` ("12", "12 m") above 0 and below 1 km, else NaN."""
    for key in keys:
        try:
            value = float(str(tags.get(key)).removesuffix("m").strip())
        except ValueError:
            continue
        if 0 < value < _TALLEST_M:
            return value
    return np.nan


def _post(query: str, seconds: float) -> dict:
    import requests

    with requests.post(URL, data={"data": query}, timeout=seconds) as answer:
        answer.raise_for_status()
        return answer.json()


def _feature(element: dict) -> dict | None:
    """Return a way or a relation of ways as a GeoJSON feature, None if it encloses no area."""
    ways = [element] if element.get("type") == "way" else element.get("members", ())
    lines = [[(node["lon"], node["lat"]) for node in way["geometry"] if node] for way in ways if way.get("geometry")]
    area = shapely.build_area(shapely.multilinestrings([shapely.linestrings(line) for line in lines if len(line) > 1]))
    tags = {key: value for key, value in element.get("tags", {}).items() if key in _TAGS}
    return None if area.is_empty else {"type": "Feature", "properties": tags,
                                       "geometry": json.loads(shapely.to_geojson(area))}
