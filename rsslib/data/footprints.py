"""Building footprints in GeoJSON (OpenStreetMap's keys) to a city in metres."""

import hashlib
import json
from pathlib import Path

import numpy as np
import shapely

from rsslib.project import InputError
from rsslib.data.city import City

LEVEL_M = 3.6
"""Height of one level: usual for offices, an assumption of ours."""
ATTRIBUTION, LICENCE = "(c) OpenStreetMap contributors, openstreetmap.org/copyright", "ODbL 1.0"
_CANOPIES = ("roof", "no")
_TALLEST_M = 1000.0


def read(path: str | Path, name: str | None = None) -> City:
    """Read the buildings of a GeoJSON file into a city, named after the file if not given a name.

    Errors: InputError naming the file, and the feature counted from 0, for a file that is missing, truncated or not
    GeoJSON, and those of `city`.
    Example
    -------
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
    return city(document, name or path.stem.removesuffix("_buildings"), str(path), "file",
                hashlib.md5(content).hexdigest())


def city(document: dict, name: str, where: str, source: str, md5: str = "") -> City:
    """Turn a GeoJSON document into a city; `where` names the document in errors.

    The window is the square `window_m` (west, south, east, north [m] from `origin_lonlat`) of the document, else the
    largest square about the middle of its buildings. Distances are those of the azimuthal equidistant projection
    there. A height is that of `height_m` or `height`; else 3.6 m a level of `levels` or `building:levels`; else the
    median of the city's known heights. Left out are canopies (`building=roof`, open below) and parts of buildings
    without a height of their own, whose building stands anyway. `height_sources` counts them all, in the window.

    Errors: InputError for a document without polygons or heights, none in its window, a broken polygon, coordinates
    beyond longitude -180..180 or latitude -90..90, a window that is no square.
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
    tags = [_tags(features[number]) for number, here in zip(shapes, inside) if here]
    if not tags:
        raise InputError(f"{where}: no building in its window; check window_m, and the order: longitude, then latitude")
    heights, bases, origin = _heights(tags)
    kept = np.array(origin) != "left_out"
    if not np.isfinite(heights[kept]).any():
        raise InputError(f"{where}: no building with a height; expected `height` or `building:levels` for some")
    default = float(np.median(heights[kept & np.isfinite(heights)]))
    counts = {kind: origin.count(kind) for kind in ("height", "levels", "default", "left_out")}
    return City(name, polygons[inside][kept], np.where(np.isnan(heights), default, heights)[kept], bases[kept], side,
                str(document.get("attribution", ATTRIBUTION)), LICENCE, source, False, counts, default, md5)


def _polygon(feature, where: str):
    """Return a feature's polygon in degrees, None for points and lines."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return None
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
    except (shapely.GEOSException, ValueError) as error:
        raise InputError(f"{where}: broken {geometry['type']} ({str(error).partition(chr(10))[0]}); expected rings "
                         "of [longitude, latitude]") from None
    places = np.abs(shapely.get_coordinates(shape))
    if not len(places):
        return None
    if not (places <= (180.0, 90.0)).all():
        lon, lat = shapely.get_coordinates(shape)[int((~(places <= (180.0, 90.0))).any(axis=1).argmax())]
        raise InputError(f"{where}: longitude {lon}, latitude {lat} is no place on Earth; expected degrees, longitude "
                         "first, -180..180 and -90..90")
    return shapely.make_valid(shape)


def _to_window(polygons: np.ndarray, document: dict, where: str) -> tuple[np.ndarray, float]:
    """Project to metres from the window's south-west corner; return the polygons and the side of the window [m]."""
    from pyproj import Transformer  # here, not above: a city in metres needs no projection

    west, south, east, north = shapely.total_bounds(polygons)
    lon, lat = _numbers(document.get("origin_lonlat", ((west + east) / 2, (south + north) / 2)), 2,
                        f"{where}: origin_lonlat")
    plane = Transformer.from_crs("EPSG:4326", f"+proj=aeqd +lat_0={lat} +lon_0={lon} +datum=WGS84", always_xy=True)
    polygons = shapely.transform(polygons, lambda place: np.column_stack(plane.transform(*place.T)))
    window = document.get("window_m")
    if window is None:
        west, south, east, north = shapely.total_bounds(polygons)
        half, x, y = min(east - west, north - south) / 2, (west + east) / 2, (south + north) / 2
        window = x - half, y - half, x + half, y + half
    west, south, east, north = _numbers(window, 4, f"{where}: window_m")
    if not (east > west and abs(east - west - north + south) < 1e-6 * (east - west)):
        raise InputError(f"{where}: window_m is {list(window)}; expected a square: west, south, east, north [m]")
    return shapely.transform(polygons, lambda place: place - (west, south)), east - west


def _numbers(values, count: int, where: str) -> list[float]:
    try:
        found = [float(value) for value in values]
    except (TypeError, ValueError):
        found = []
    if len(found) != count or not np.isfinite(found).all():
        raise InputError(f"{where} is {values!r}; expected {count} numbers")
    return found


def _tags(feature: dict) -> dict:
    tags = feature.get("properties")
    return tags if isinstance(tags, dict) else {}


def _heights(tags: list[dict]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return each building's top (NaN: unknown) and bottom [m], and where the top comes from."""
    tops, bottoms, origin = [], [], []
    for tag in tags:
        top, levels = _metres(tag, "height_m", "height"), _metres(tag, "levels", "building:levels")
        is_part = tag.get("part", tag.get("building:part")) not in (None, False, "", "no")
        kind = "height" if np.isfinite(top) else "levels" if np.isfinite(levels) else "default"
        if tag.get("building") in _CANOPIES and not is_part or is_part and kind == "default":
            kind = "left_out"
        tops.append(top if np.isfinite(top) else levels * LEVEL_M)
        bottoms.append(np.nan_to_num(_metres(tag, "min_height")))
        origin.append(kind)
    return np.array(tops), np.array(bottoms), origin


def _metres(tag: dict, *keys: str) -> float:
    """Return the first number under `keys` ("12", "12 m") above 0 and below 1 km, NaN where there is none."""
    for key in keys:
        try:
            value = float(str(tag.get(key)).removesuffix("m").strip())
        except ValueError:
            continue
        if 0 < value < _TALLEST_M:
            return value
    return np.nan
