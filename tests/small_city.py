"""Small cities by hand: boxes in metres round a place in the Loop, as GeoJSON and as answers of OpenStreetMap."""

import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from rsslib.data import overpass

ORIGIN = (-87.6298, 41.8795)
DEGREE_M = 6_371_008.8 * np.pi / 180


def degrees(*corners, origin=ORIGIN):
    """Corners in metres from the origin as longitudes and latitudes."""
    (lon, lat), scale = origin, DEGREE_M * np.cos(np.radians(origin[1]))
    return [[float(lon + x / scale), float(lat + y / DEGREE_M)] for x, y in corners]


def ring(west, south, east, north, origin=ORIGIN):
    """A box as a closed ring of longitudes and latitudes."""
    return degrees((west, south), (east, south), (east, north), (west, north), (west, south), origin=origin)


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def shaped(geometry, **tags):
    return {"type": "Feature", "properties": {"building": "yes"} | tags, "geometry": geometry}


def feature(west=0.0, south=0.0, east=50.0, north=50.0, **tags):
    return shaped(polygon(ring(west, south, east, north)), **tags)


def part(west, south, east, north, **tags):
    return shaped(polygon(ring(west, south, east, north)), **{"building": None, "building:part": "yes"} | tags)


def document(*features, **more):
    return {"type": "FeatureCollection", "features": list(features), "window_m": [-100, -100, 100, 100],
            "origin_lonlat": list(ORIGIN)} | more


def without_window(*features):
    return {"type": "FeatureCollection", "features": list(features)}


def way(west, south, east, north, origin=ORIGIN, **tags):
    """A box as OpenStreetMap's Overpass API returns it."""
    nodes = [{"lon": lon, "lat": lat} for lon, lat in ring(west, south, east, north, origin)]
    return {"type": "way", "id": 1, "tags": {"building": "yes", "wheelchair": "no"} | tags, "geometry": nodes}


def blocks(origin, window_m, **tags):
    """Boxes of 30 m every 40 m over a window: what a city centre looks like."""
    west, south, east, north = window_m
    return [way(x, y, x + 30, y + 30, origin, **tags) for x in range(int(west), int(east) - 30, 40)
            for y in range(int(south), int(north) - 30, 40)]


class Service:
    """A stand-in for OpenStreetMap: it refuses stock user agents, and answers with a status, a body, and pauses."""

    def __init__(self, monkeypatch):
        self.status, self.body, self.pause, self.asked = 200, b"", 0.0, []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                query = self.rfile.read(int(self.headers["Content-Length"])).decode()
                service.asked.append((self.headers["User-Agent"], query))
                stock = self.headers["User-Agent"].startswith(("python-requests", "Python-urllib", "curl"))
                self.send_response(406 if stock else service.status)
                self.send_header("Content-Length", str(len(service.body)))
                self.end_headers()
                pieces = [service.body] if not service.pause else [bytes([byte]) for byte in service.body]
                with suppress(OSError):    # the other side has hung up
                    for piece in pieces:
                        self.wfile.write(piece)
                        time.sleep(service.pause)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setattr(overpass, "URL", f"http://127.0.0.1:{self.server.server_port}/api/interpreter")

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, body, status=200, pause=0.0):
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status, self.pause = status, pause
