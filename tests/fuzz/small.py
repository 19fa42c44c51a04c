"""Small valid inputs of the doors, each made once."""

import json
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.data import campus, cities, measurements
from rsslib.data.buildings import City
from rsslib.emitters.localizer import EmitterRecipe
from rsslib.localization.ensemble import Recipe
from rsslib.localization.localizer import Localizer
from rsslib.locator import output
from rsslib.locator.locator import Locator
from rsslib.propagation import gain_library, gain_maps, town
from rsslib.tables.reading import read_table

RECIPE = Recipe(network="compact", members=1, epochs=1, patience=1, batch_size=16, pixel_m=120.0, precision="float32",
                threads=1)
EMITTERS = EmitterRecipe(n=16, sensors=8, samples=32, val_samples=8, test_samples=8, epochs=1, batch_size=16,
                         precision="float32", threads=1)

SENSORS = {"bus-6186": 0, "ebc-nuc1-b210": 1, "cnode-ebc-dd-b210": 2}
POSITIONS = {"bus-6186": None, "ebc-nuc1-b210": [40.7677, -111.83816], "cnode-ebc-dd-b210": [40.7672, -111.8381]}
TABLE = """\
timestamp,cnode-ebc-dd-b210,bus-6186_rss,bus-6186_x,bus-6186_y,ebc-nuc1-b210,tx_x_coord,tx_y_coord
2022-11-23 13:24:40,-80.5,-101,-1,-1,-90.0,40.7650,-111.8420
2022-04-25 14:12:32,-70.0,-60.0,40.7640,-111.8400,-101,40.7660,-111.8410
2022-07-05 09:00:00,-70.0,-60.0,40.7640,-111.8400,-88.0,40.7660,-111.8430
2022-07-06 09:00:00,-75.0,-65.0,40.7650,-111.8400,-87.0,40.7665,-111.8430
"""
"""The files of the campus measurements, with three receivers."""


def _sample(*heard: list, tx: tuple = ((40.766, -111.841),)) -> dict:
    return {"rx_data": [list(entry) for entry in heard], "tx_coords": [list(place) for place in tx], "metadata": []}


SAMPLES = {
    "2022-04-25 14:11:02": _sample([-70.0, 40.7672, -111.8381, "cnode-ebc-dd-b210"],
                                   [-60.0, 40.7640, -111.8400, "bus-6186"]),
    "2022-07-05 09:00:00": _sample([-71.5, 40.7672, -111.8381, "cnode-ebc-dd-b210"],
                                   tx=((40.766, -111.843), (40.765, -111.842)))}


def raw_files() -> dict[str, bytes]:
    """The files that frs.load_csv reads."""
    return {"single_tx.csv": TABLE.encode(), "location_coordinates.json": repr(POSITIONS).encode(),
            "location_indexes.json": json.dumps(SENSORS).encode(),
            "off_campus.json": json.dumps({"2022-07-05 09:00:00": SAMPLES["2022-07-05 09:00:00"]}).encode(),
            "unused.json": b"{}"}


@cache
def _dataset() -> xr.Dataset:
    return campus.make(n_april=20, n_july=40, n_november=20)


def dataset(samples: int | None = None, sensors: int | None = None) -> xr.Dataset:
    """A synthetic campus of 80 samples and 40 receivers, or fewer of them."""
    part = _dataset().isel(sample=slice(samples), sensor=slice(-sensors if sensors else None, None))
    heard = np.isfinite(part.rss.values).any(axis=1)
    return part.isel(sample=heard).copy(deep=True)


@cache
def _saved(suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        return measurements.save(dataset(12, 20), Path(name) / f"m{suffix}").read_bytes()


def saved(suffix: str) -> bytes:
    """The bytes of twelve samples in a file of measurements."""
    return _saved(suffix)


def buildings() -> dict:
    """Four buildings in Chicago as GeoJSON."""
    def square(x: float, y: float, side: float = 0.0003) -> dict:
        lon, lat = -87.6298 + x * 0.0004, 41.8795 + y * 0.0004
        return {"type": "Polygon", "coordinates": [[[lon, lat], [lon + side, lat], [lon + side, lat + side],
                                                    [lon, lat + side], [lon, lat]]]}
    tags = ({"building": "yes", "height": "30 m", "name": "One"}, {"building": "office", "building:levels": "8"},
            {"building:part": "yes", "height": 12.5, "min_height": "4"}, {"building": "yes", "layer": "1"})
    return {"type": "FeatureCollection", "attribution": "(c) OpenStreetMap contributors",
            "window_m": [-100.0, -100.0, 150.0, 150.0], "origin_lonlat": [-87.6298, 41.8795],
            "features": [{"type": "Feature", "properties": dict(tag), "geometry": square(number % 2, number // 2)}
                         for number, tag in enumerate(tags)]}


def overpass() -> dict:
    """The answer of Overpass for two buildings, one of which is a relation."""
    def ring(x: float) -> list[dict]:
        lon, lat = -87.6298 + x, 41.8795
        return [{"lat": a, "lon": b} for a, b in ((lat, lon), (lat, lon + 3e-4), (lat + 3e-4, lon + 3e-4),
                                                  (lat + 3e-4, lon), (lat, lon))]
    return {"version": 0.6, "generator": "Overpass API", "elements": [
        {"type": "way", "id": 1, "tags": {"building": "yes", "height": "20"}, "geometry": ring(0.0)},
        {"type": "relation", "id": 2, "tags": {"building": "office", "building:levels": "9", "type": "multipolygon"},
         "members": [{"type": "way", "ref": 3, "role": "outer", "geometry": ring(5e-4)}]},
        *({"type": "way", "id": n, "tags": {"building": "yes"}, "geometry": ring(n * 1e-3)} for n in range(2, 5))]}


@cache
def city() -> City:
    """Procedural streets, 150 m wide."""
    return cities.procedural(side_m=150.0)


@cache
def _library() -> xr.Dataset:
    return gain_maps.build(city(), 16, count=20)


def library() -> xr.Dataset:
    """The gain maps of twenty positions in `city`."""
    return _library().copy(deep=True)


@cache
def saved_library() -> bytes:
    """The bytes of `library`."""
    with tempfile.TemporaryDirectory() as name:
        return gain_library.save(library(), Path(name) / "procedural.nc").read_bytes()


@cache
def localizer() -> Localizer:
    """An ensemble of one, trained for one epoch."""
    return Localizer(RECIPE, "cpu").fit(dataset())


@cache
def folder_of_localizer() -> dict[str, bytes]:
    """The files of `localizer`."""
    with tempfile.TemporaryDirectory() as name:
        return {path.name: path.read_bytes() for path in localizer().save(name).iterdir()}


@cache
def outdoor_place() -> tuple[float, float]:
    """A place outdoors in `city` [m]."""
    return float(library().x[0]), float(library().y[0])


@cache
def own_town() -> town.Town:
    """A made-up town of 45 samples that four receivers heard."""
    return town.make(samples=45, receivers=4, side_m=200.0, walk=False)


@cache
def _own_tables() -> dict[str, pd.DataFrame]:
    with tempfile.TemporaryDirectory() as name:
        folder = town.write(own_town(), name)
        return {path.stem: pd.read_csv(path) for path in sorted(folder.iterdir())}


def own_tables() -> dict[str, pd.DataFrame]:
    """The tables of `own_town` in degrees: sensors, readings, new, truth; wide, the readings with a row a sample."""
    tables = {name: table.copy() for name, table in _own_tables().items()}
    keys = ["time", "tx_lat", "tx_lon"]
    tables["wide"] = tables["readings"].pivot(index=keys, columns="sensor", values="rss").reset_index()
    tables["wide"].columns.name = None
    return tables


@cache
def _own_site() -> xr.Dataset:
    return read_table(own_town().readings, own_town().sensors, crs=own_town().crs)


def own_site(samples: int | None = None) -> xr.Dataset:
    """The measurements of `own_town`, or the first of them."""
    return _own_site().isel(sample=slice(samples)).copy(deep=True)


@cache
def own_locator() -> Locator:
    """A locator fitted to `own_site`."""
    return Locator(threads=1).fit(own_site())


@cache
def own_model() -> dict[str, bytes]:
    """The files of `own_locator`."""
    with tempfile.TemporaryDirectory() as name:
        return {path.name: path.read_bytes() for path in own_locator().save(name).iterdir()}


@cache
def own_found() -> pd.DataFrame:
    """What `own_locator` finds of five samples."""
    return own_locator().locate(own_site(5))


@cache
def _own_geojson() -> str:
    with tempfile.TemporaryDirectory() as name:
        return output.write(own_found(), Path(name) / "found.geojson").read_text()


def own_geojson() -> dict:
    """The file of `own_found`, of two of the samples."""
    content = json.loads(_own_geojson())
    return content | {"features": content["features"][:6]}
