"""Buildings from OpenStreetMap by its Overpass API: the request, and its answer as a GeoJSON document."""

import json
import time
import warnings
from typing import Any

import numpy as np
import shapely

from rsslib.arguments import is_number
from rsslib.data import osm_heights
from rsslib.data.buildings import positive
from rsslib.data.download import SECONDS, USER_AGENT, within
from rsslib.data.footprints import ATTRIBUTION, check_site
from rsslib.files import parsed
from rsslib.project import InputWarning

URL = "https://overpass-api.de/api/interpreter"
LARGEST_BYTES = 2**26
_TAGS = (*osm_heights.KEYS, "name")
_CHUNK, _EARTH_M = 2**12, 6_371_008.8
_INCOMPLETE = "a part of its outline is missing or crosses itself, and it is left out"
_SMALLEST_DEGREE2 = 1e-12    # a hundredth of a square metre


def request(origin_lonlat: tuple, window_m: tuple, seconds: float = SECONDS) -> dict | None:
    """Return the buildings in a window from OpenStreetMap as a GeoJSON document, None if there is no answer in time.

    An answer that is broken, larger than 64 MiB, without buildings there or with a remark (that it is partial) is none.
    Input: origin (longitude, latitude) [degrees]; window west, south, east, north relative to it [m]; total time [s].
    Errors: those of `footprints.check_site`; InputError for a time that is not above 0.
    Warns (InputWarning) of buildings with missing nodes or rings, which are left out, and of multipolygons
    whose rings lie otherwise than their roles say, such as an outer ring in another: the roles count.
    Source: wiki.openstreetmap.org/wiki/Overpass_API.

    >>> request((-87.6298, 41.8795), (-680, -250, 420, 850))   # doctest: +SKIP
    """
    (lon, lat), window = check_site(origin_lonlat, window_m, "request")
    seconds = positive(seconds, "request: seconds")
    metre = np.degrees(1.0 / _EARTH_M)
    west_east = lon + np.array(window[::2]) * (metre / np.cos(np.radians(lat)))
    south_north = lat + np.array(window[1::2]) * metre
    (south, west), (north, east) = np.stack([south_north, west_east], axis=1)
    box = f"{south:.6f},{west:.6f},{north:.6f},{east:.6f}"
    kinds = ('way["building"]', 'way["building:part"]', 'relation["type"="multipolygon"]["building"]',
             'relation["type"="multipolygon"]["building:part"]')
    wanted = "".join(f"{kind}({box});" for kind in kinds)
    query = f"[out:json][timeout:{max(1.0, seconds):.0f}];({wanted});out tags geom;"
    answer, _ = within(seconds, lambda: parsed(lambda: _features(json.loads(_post(query, seconds))), URL, "a list",
                                               also=(shapely.GEOSException,)))
    features, odd = answer or ([], [])
    around = shapely.bounds(shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features]))
    if not ((around[:, :2] <= (east, north)) & (around[:, 2:] >= (west, south))).all(axis=1).any():
        return None    # the answer is of another place
    if odd:
        warnings.warn(f"{URL}: {odd[0]} ({len(odd)} such; {len(features)} buildings are used); give a file of "
                      "footprints if these matter", InputWarning, stacklevel=2)
    return {"type": "FeatureCollection", "attribution": ATTRIBUTION, "window_m": window, "origin_lonlat": [lon, lat],
            "features": features} if features else None


def _post(query: str, seconds: float) -> bytes:
    import requests

    end, content = time.monotonic() + seconds, bytearray()
    with requests.post(URL, data={"data": query}, headers={"User-Agent": USER_AGENT}, timeout=seconds,
                       stream=True) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_content(_CHUNK):
            content += chunk
            if time.monotonic() > end or len(content) > LARGEST_BYTES:
                raise ValueError(f"more than {LARGEST_BYTES} bytes or {seconds:g} s")
    return bytes(content)


def _features(answer: Any) -> tuple[list[dict], list[str]]:
    """Return the areas of an answer as GeoJSON features, and what is odd about them.

    Errors: ValueError and others for a broken answer.
    """
    if "remark" in answer:
        raise ValueError(answer["remark"])
    features, odd = [], []
    for element in answer["elements"]:
        # nodes, and ways that only serve as members, are no buildings
        if element["type"] in ("way", "relation") and element.get("tags"):
            area, problem = (_ring if element["type"] == "way" else _multipolygon)(element)
            if area is not None:
                tags = {key: value for key, value in element["tags"].items() if key in _TAGS}
                features.append({"type": "Feature", "properties": tags, "geometry": area})
            if problem:
                odd.append(f"{element['type']} {element.get('id')}: {problem}")
    return features, odd


def _ring(way: dict) -> tuple[dict | None, str]:
    """Return the area of a closed way, None if it encloses none, and what is odd about it."""
    ring = _line(way)
    if None in ring:
        return None, _INCOMPLETE
    closed = len(ring) > 3 and ring[0] == ring[-1]
    return {"type": "Polygon", "coordinates": [ring]} if closed else None, ""


def _multipolygon(relation: dict) -> tuple[dict | None, str]:
    """Return the area within the rings of a relation, None if there is none, and what is odd about it."""
    ways = [member for member in relation["members"] if member["type"] == "way"]
    lines, roles = [_line(way) for way in ways], np.array([way.get("role") for way in ways], object)
    if not all(len(line) > 1 and None not in line for line in lines):
        return None, _INCOMPLETE
    strings, problem = np.array([shapely.linestrings(line) for line in lines], object), ""
    _, *loose = shapely.polygonize_full(strings)
    if not all(shapely.is_empty(loose)):
        return None, _INCOMPLETE
    shape = shapely.build_area(shapely.multilinestrings(strings))    # rings in turn add and subtract
    if np.isin(roles, ("outer", "inner")).all():
        outer, inner = (shapely.union_all(shapely.make_valid(shapely.get_parts(shapely.polygonize(
            strings[roles == role])))) for role in ("outer", "inner"))
        by_role, by_rings = outer.difference(inner), shapely.make_valid(shape)    # the first without islands
        if by_role.difference(by_rings).area + by_rings.difference(outer).area > _SMALLEST_DEGREE2:
            shape, problem = by_role, "its rings lie otherwise than their roles say, which count"
    return None if shape.is_empty else json.loads(shapely.to_geojson(shape)), problem


def _line(way: dict) -> list[tuple[float, float] | None]:
    """Return longitude and latitude of the nodes of a way, None for those that are missing."""
    nodes = [None if node is None else (node["lon"], node["lat"]) for node in way.get("geometry") or ()]
    if not all(is_number(value) and abs(value) <= most for node in nodes if node
               for value, most in zip(node, (180, 90))):
        raise ValueError(f"{way.get('type')} {way.get('id')}: expected degrees as longitude and latitude")
    return nodes
