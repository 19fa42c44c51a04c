"""Polygons and properties of GeoJSON documents: what a file looks like, its reference system, broken geometries."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from rsslib.project import InputError

WANTED = "building footprints in GeoJSON"
MOST_CORNERS = 250_000
_OTHER = ("Point", "MultiPoint", "LineString", "MultiLineString")
# of ETRS89 (4258) and NAD83 (4269) degrees are those of WGS84 to about a metre
_LONLAT = re.compile(r"CRS[:_ ]?84H?$|WGS[:_ ]?(19)?84$|EPSG(.*\D)?(4326|4979|4258|4269)$")
_AROUND = b"\x1e\xef\xbb\xbf,\r\n\t "    # a record separator or a byte order mark before a line
_PACKED = {b"\x1f\x8b": "gzip", b"PK": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


def check_kind(content: bytes, path: str | Path) -> None:
    """Refuse packed files and lists of features, one a line, saying what they look like.

    >>> check_kind(b'{"type": "FeatureCollection", "features": []}', "mine.geojson")
    """
    for begin, packing in _PACKED.items():
        if content.startswith(begin):
            raise InputError(f"{path}: looks like a {packing} file; expected {WANTED}: unpack it first")
    lines = [line.strip(_AROUND) for line in content.strip(_AROUND).split(b"\n", 2)[:2]]
    if len(lines) == 2 and all(line.startswith(b"{") and line.endswith(b"}") for line in lines):
        raise InputError(f"{path}: looks like one JSON object a line; expected {WANTED}: join the features into one "
                         'object, {"type": "FeatureCollection", "features": [...]}')


def polygons_of(document: Any, where: str) -> tuple[np.ndarray, np.ndarray, list[dict]]:
    """Return the polygons of a GeoJSON document [degrees], the rows of their features, the properties of all features.

    Errors: InputError naming the feature for a broken polygon or one that is not on Earth; InputError for what is not
    GeoJSON, without polygons, with too many corners, or in other coordinates than longitude and latitude.

    >>> square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    >>> polygons, rows, tags = polygons_of({"features": [{"geometry": None}, {"geometry": square}]}, "example")
    >>> len(polygons), rows.tolist(), tags
    (1, [1], [{}, {}])
    """
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise InputError(f"{where}: not GeoJSON: expected an object with a list `features`")
    _check_crs(document, where)
    found = {row: shape for row, shape in enumerate(_polygons(features, where)) if shape is not None}
    if not found:
        raise InputError(f"{where}: no polygon among {len(features)} features; expected {WANTED}")
    tags = [feature["properties"] if isinstance(feature.get("properties"), dict) else {} for feature in features]
    return np.array(list(found.values())), np.array(list(found)), tags


def _check_crs(holder: dict, where: str) -> None:
    """Refuse the `crs` member of GeoJSON before 2016, unless it names longitude and latitude."""
    crs = holder.get("crs")
    about = crs.get("properties") if isinstance(crs, dict) else None
    name = str(about["name"] if isinstance(about, dict) and "name" in about else crs)
    if crs is not None and not _LONLAT.search(name.strip().upper()):
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
