"""Buildings from OpenStreetMap by its Overpass API: the request, and its answer as a GeoJSON document."""

import json
import math
import time
from numbers import Real
from typing import Any

import numpy as np
import shapely

from rsslib.data import osm_heights
from rsslib.data.buildings import positive
from rsslib.data.download import SECONDS, USER_AGENT, within
from rsslib.data.footprints import ATTRIBUTION, check_site
from rsslib.files import parsed

URL = "https://overpass-api.de/api/interpreter"
LARGEST_BYTES = 2**26
_TAGS = (*osm_heights.KEYS, "name")
_CHUNK, _EARTH_M = 2**12, 6_371_008.8


def request(origin_lonlat: tuple, window_m: tuple, seconds: float = SECONDS) -> dict | None:
    """Return the buildings in a window from OpenStreetMap as a GeoJSON document, None if there is no answer in time.

    An answer that is broken, larger than 64 MiB, without buildings or with a remark (that it is partial) is none.
    Input: origin (longitude, latitude) [degrees]; window west, south, east, north relative to it [m]; total time [s].
    Errors: those of `footprints.check_site`; InputError for a time that is not above 0.
    Source: wiki.openstreetmap.org/wiki/Overpass_API.

    >>> request((-87.6298, 41.8795), (-680, -250, 420, 850))   # doctest: +SKIP
    """
    (lon, lat), window = check_site(origin_lonlat, window_m, "request")
    seconds = positive(seconds, "request: seconds")
    north = np.degrees(1.0 / _EARTH_M)
    west_east = lon + np.array(window[::2]) * (north / np.cos(np.radians(lat)))
    south_north = lat + np.array(window[1::2]) * north
    box = ",".join(f"{edge:.6f}" for edge in np.stack([south_north, west_east], axis=1).ravel())
    kinds = ('way["building"]', 'way["building:part"]', 'relation["type"="multipolygon"]["building"]',
             'relation["type"="multipolygon"]["building:part"]')
    wanted = "".join(f"{kind}({box});" for kind in kinds)
    query = f"[out:json][timeout:{max(1.0, seconds):.0f}];({wanted});out tags geom;"
    features, _ = within(seconds, lambda: parsed(lambda: _features(json.loads(_post(query, seconds))), URL, "a list"))
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


def _features(answer: Any) -> list[dict]:
    """Return the areas of an answer as GeoJSON features. Errors: ValueError and others for a broken answer."""
    if "remark" in answer:
        raise ValueError(answer["remark"])
    buildings = [element for element in answer["elements"] if element["type"] in ("way", "relation")
                 and element.get("tags")]    # nodes, and ways that only serve as members, are none
    return [feature for element in buildings if (feature := _feature(element)) is not None]


def _feature(element: dict) -> dict | None:
    """Return a way or a relation of ways as a GeoJSON feature, None if it encloses no area."""
    tags = {key: value for key, value in element["tags"].items() if key in _TAGS}
    if element["type"] == "way":
        ring = _line(element)
        area = {"type": "Polygon", "coordinates": [ring]} if len(ring) > 3 and ring[0] == ring[-1] else None
    else:
        lines = [line for member in element["members"] if len(line := _line(member)) > 1]
        shape = shapely.build_area(shapely.multilinestrings([shapely.linestrings(line) for line in lines]))
        area = None if shape.is_empty else json.loads(shapely.to_geojson(shape))
    return area and {"type": "Feature", "properties": tags, "geometry": area}


def _line(way: dict) -> list[tuple[float, float]]:
    """Return longitude and latitude of the nodes of a way; those beyond the window may be missing."""
    nodes = [(node["lon"], node["lat"]) for node in way.get("geometry") or () if node is not None]
    if not all(isinstance(value, Real) and math.isfinite(value) for node in nodes for value in node):
        raise ValueError(f"{way.get('type')} {way.get('id')}: expected numbers as longitude and latitude")
    return nodes
