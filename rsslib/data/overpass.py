"""Building footprints asked of OpenStreetMap's public Overpass service, as GeoJSON."""

import json
import threading

import numpy as np
import shapely

from rsslib.data.footprints import ATTRIBUTION

URL = "https://overpass-api.de/api/interpreter"
SECONDS = 15.0
"""How long the service may take in all, in s, before it counts as out of reach."""
_RADIUS_M = 6_371_008.8
_KEPT = ("building", "building:part", "height", "building:levels", "min_height", "name")


def download(origin_lonlat, window_m, seconds: float = SECONDS) -> tuple[dict | None, str]:
    """Return the buildings in a window as a GeoJSON document, or None and why there are none.

    Input: origin (longitude, latitude) [degrees]; window west, south, east, north from it [m]; patience [s].
    The document is what `rsslib.datasets.footprints.city` reads. Source: wiki.openstreetmap.org/wiki/Overpass_API.

    >>> download((-87.6298, 41.8795), (-680, -250, 420, 850))   # doctest: +SKIP
    """
    answer, trouble = _ask(_query(origin_lonlat, window_m, seconds), seconds)
    if answer is None:
        return None, trouble
    features = [feature for element in answer.get("elements", ()) if (feature := _feature(element))]
    if not features:
        return None, "it knows no building there"
    return {"type": "FeatureCollection", "attribution": ATTRIBUTION, "window_m": list(window_m),
            "origin_lonlat": list(origin_lonlat), "features": features}, ""


def _query(origin_lonlat, window_m, seconds: float) -> str:
    lon, lat = origin_lonlat
    north = np.degrees(1.0 / _RADIUS_M)
    east = north / np.cos(np.radians(lat))
    box = (lat + window_m[1] * north, lon + window_m[0] * east, lat + window_m[3] * north, lon + window_m[2] * east)
    place = ",".join(f"{edge:.6f}" for edge in box)
    return (f'[out:json][timeout:{seconds:.0f}];(way["building"]({place});way["building:part"]({place});'
            f'relation["building"]({place}););out tags geom;')


def _ask(query: str, seconds: float) -> tuple[dict | None, str]:
    import requests

    outcome: list = [None, f"no answer in {seconds:g} s"]

    def post() -> None:
        try:
            with requests.post(URL, data={"data": query}, timeout=seconds) as answer:
                answer.raise_for_status()
                outcome[:] = answer.json(), ""
        except (requests.RequestException, OSError, ValueError) as error:
            outcome[1] = type(error).__name__

    # a thread, since neither looking up a host name nor a slow answer heeds the timeout of the request
    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0], outcome[1]


def _feature(element: dict) -> dict | None:
    """Return a way or a relation of ways as a GeoJSON feature, None if its lines close no area."""
    ways = [element] if element.get("type") == "way" else element.get("members", ())
    lines = [[(node["lon"], node["lat"]) for node in way["geometry"] if node] for way in ways if way.get("geometry")]
    area = shapely.build_area(shapely.multilinestrings([shapely.linestrings(line) for line in lines if len(line) > 1]))
    if area.is_empty:
        return None
    tags = {key: value for key, value in element.get("tags", {}).items() if key in _KEPT}
    return {"type": "Feature", "properties": tags, "geometry": json.loads(shapely.to_geojson(area))}
