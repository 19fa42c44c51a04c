"""Doors of rsslib.data that hold cities and their sources: footprints, Overpass, downloads."""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from rsslib.data import buildings, cities, download, footprints, overpass
from rsslib.project import InputError

from .. import small
from ..arrays import ODD
from ..law import Call, unless
from ..mutations import TEXTS, Mutator
from ..server import Answer, answer, answering
from .registry import door

QUERY = (-87.6298, 41.8795), (-100.0, -100.0, 150.0, 150.0)
SECONDS = 0.6
"""How long a source may take here."""
TAGS = ("height", "building:levels", "min_height", "building:min_level", "layer", "location", "building",
        "building:part",
        "height_m", "levels", "roof:height")
HEIGHTS = ("12", "12 m", "12m", "12,5", "574'", "6'2\"", "131 ft", "12 metres", "2;3", "3-4", "-1", "0", "1e3", "nan",
           "inf",
           "12.5.1", "approx 10", "yes", "", None, 0, -3, 1e9, True, [12], {"m": 3}, "underground", "roof", "no", "９",
           "0x10", "1_000", "10 km", "٣")
SHAPES = ("swapped", "bow tie", "spike", "point", "flat", "three dimensions", "collection", "several", "open", "hole",
          "crs",
          "far", "antimeridian", "reversed", "line", "doubled")
CRS = ("EPSG:3857", "urn:ogc:def:crs:OGC:1.3:CRS84", "")
PUBLISHED = b"timestamp,a\n2022-07-05,1\n"
"""The content of the one file of a data set that the downloads are tried with."""


def valid_city(city: buildings.City) -> str:
    """What is wrong with a city."""
    tops, bases = city.heights_m, city.bases_m
    if not len(city.polygons) == len(tops) == len(bases) > 0:
        return "no buildings, or other numbers of heights"
    if not (np.isfinite(tops) & np.isfinite(bases) & (tops > bases) & (bases >= 0) & (tops < 1000)).all():
        return "a building without a height above its base"
    if not 0 < city.side_m < 20_000:
        return f"a window of {city.side_m} m"
    if not (shapely.is_valid(city.polygons) & (shapely.area(city.polygons) > 0)).all():
        return "polygons that enclose nothing or cross themselves"
    return ""


def _odd_tags(m: Mutator, content: dict) -> dict:
    content = copy.deepcopy(content)
    for _ in range(m.number(1, 3)):
        key, value = m.one(TAGS), m.one(HEIGHTS)
        m.one(content["features"])["properties"][key] = value
        m.say(f"{key}={value!r}")
    return content


def _odd_geometry(m: Mutator, content: dict) -> dict:
    content, kind = copy.deepcopy(content), m.say(m.one(SHAPES))
    feature = m.one(content["features"])
    ring, shape = feature["geometry"]["coordinates"][0], feature["geometry"]
    inner = [[(x + ring[0][0]) / 2, (y + ring[0][1]) / 2] for x, y in ring]
    if kind == "swapped":
        for other in content["features"]:
            other["geometry"]["coordinates"] = [[corner[::-1] for corner in other["geometry"]["coordinates"][0]]]
    elif kind == "antimeridian":
        content = json.loads(json.dumps(content).replace("-87.", "179."))
    elif kind == "crs":
        content["crs"] = {"type": "name", "properties": {"name": m.one(CRS)}}
    elif kind == "doubled":
        content["features"] *= 30
    else:
        others = {"several": {"type": "MultiPolygon", "coordinates": [[ring], [inner]]},
                  "collection": {"type": "GeometryCollection", "geometries": [shape]},
                  "line": {"type": "LineString", "coordinates": ring}}
        rings = {"bow tie": [ring[0], ring[2], ring[1], ring[3], ring[0]], "point": [ring[0]] * 4,
                 "reversed": ring[::-1],
                 "spike": [*ring[:3], [ring[2][0], ring[2][1] + 0.1], *ring[2:]], "flat": [ring[0], ring[1], ring[0]],
                 "open": ring[:-1], "three dimensions": [[*corner, 3.0] for corner in ring],
                 "far": [[x + 50, y] for x, y in ring], "hole": ring}
        feature["geometry"] = others.get(kind) or {
            "type": "Polygon", "coordinates": [rings[kind], *([inner] if kind == "hole" else [])]}
    return content


def _document(m: Mutator) -> Any:
    """Return buildings with odd tags or geometry, or a mutated tree."""
    content = small.buildings()
    if not m.draw:
        return content
    if m.number(0, 1):
        del content["window_m"], content["origin_lonlat"]
    kind = m.one(("tree", "tags", "geometry"))
    return m.tree(content) if kind == "tree" else _odd_tags(m, content) if kind == "tags" else _odd_geometry(m, content)


@door("data.footprints.read")
def _read(m: Mutator) -> Call:
    content = json.dumps(small.buildings()).encode()
    path = m.file("chicago_buildings.geojson", content, [lambda _: m.dumped(_document(m))])
    return Call(lambda: footprints.read(path), [path.name, str(path)], valid_city)


@door("data.footprints.to_city")
def _to_city(m: Mutator) -> Call:
    document = m.choice(_document(m), ODD, "document", 0.1)
    return Call(lambda: footprints.to_city(document, "mine", "mine.geojson", "file"), ["mine.geojson", "document"],
                valid_city)


@door("data.overpass.request")
def _request(m: Mutator) -> Call:
    given = m.arguments(0.1, origin_lonlat=list(QUERY[0]), window_m=list(QUERY[1]))

    def remarked(_: bytes) -> bytes:
        m.say("a remark")
        return json.dumps(small.overpass() | {"remark": "runtime error: Query timed out"}).encode()
    script = answer(m, json.dumps(small.overpass()).encode(), (lambda _: m.dumped(m.tree(small.overpass())), remarked))

    def run():
        with answering(script):
            return overpass.request(**given, seconds=SECONDS)

    def judge(document) -> str:
        if document is None or "a remark" in m.said:
            return unless(document is None and m.said, "a partial answer is taken, or a whole one is not")
        try:
            city = footprints.to_city(json.loads(json.dumps(document)), "mine", "overpass", "openstreetmap")
        except InputError as error:    # its buildings lie beside the window or have no height; `cities.load` goes on
            return unless(m.said, str(error))
        return valid_city(city)
    return Call(run, [*given, "request"], judge)


@door("data.cities.load")
def _load(m: Mutator) -> Call:
    cache, where = m.folder / "cache", m.one(("RSSLIB_DATA", "cache")) if m.draw else "RSSLIB_DATA"
    folder = cache if where == "cache" else m.folder / "data" / "cities"
    for each in (cache, folder):
        each.mkdir(parents=True, exist_ok=True)
    content = json.dumps(small.buildings()).encode()
    kept = folder / "chicago_buildings.geojson"
    kept.write_bytes(m.one((m.bytes, lambda _: m.dumped(_document(m))))(content) if m.wants(0.6) else content)
    name = m.choice("chicago", (*TEXTS, *ODD, "Chicago", "sydney", "x.geojson"), "name", 0.4)

    def run():
        with pytest.MonkeyPatch.context() as patch, answering(Answer(json.dumps(small.overpass()).encode())):
            patch.setattr(download, "cache_folder", lambda _: cache)
            patch.setenv("RSSLIB_DATA", str(m.folder / "data") if where == "RSSLIB_DATA" else "")
            return cities.load(name)
    return Call(run, ["city", "name", kept.name, "x.geojson"], valid_city,
                [kept, *(cache / f"{site}_buildings.geojson" for site in cities.SITES)])


@door("data.cities.procedural")
def _procedural(m: Mutator) -> Call:
    given = m.arguments(0.95, seed=0, side_m=150.0, name="mine")
    return Call(lambda: cities.procedural(**given), list(given), valid_city)


@door("data.buildings.City")
def _city(m: Mutator) -> Call:
    given = {name: m.array(getattr(small.city(), name), name, 0.2) for name in ("polygons", "heights_m", "bases_m")}
    sizes, pixels = m.arguments(0.2, side_m=150.0), m.arguments(0.2, n=8, pixel_m=5.0)

    def run():
        made = buildings.City("mine", **given, **sizes)
        return buildings.height_raster(made, pixels["pixel_m"]), buildings.outdoor(made, pixels["n"], pixels["pixel_m"])

    def judge(result) -> str:
        raster, outdoor = result
        fine = np.isfinite(raster).all() and (raster >= 0).all() and outdoor.shape == (pixels["n"], pixels["n"])
        return unless(fine, "a raster that is no map of heights")
    return Call(run, ["mine", *given, *sizes, *pixels], judge)


def _registry() -> dict:
    entry = {"path": "", "md5": hashlib.md5(PUBLISHED).hexdigest()}
    return {"frs": download.REGISTRY["frs"] | {"files": {"single_tx.csv": entry}}}


def _data_folder(m: Mutator, often: float) -> Path:
    """Return a data folder with the one file, perhaps damaged or missing."""
    folder = m.folder / "data" / "frs"
    folder.mkdir(parents=True)
    kept, m.folder = m.folder, folder
    m.file("single_tx.csv", PUBLISHED, often=often)
    m.folder = kept
    return folder.parent


@door("data.download.fetch:RSSLIB_DATA")
def _fetch_local(m: Mutator) -> Call:
    folder = _data_folder(m, 0.3)
    (m.folder / "plain").write_bytes(b"x")
    folders = (str(m.folder / "gone"), str(m.folder / "plain"), "~", "relative", "a" * 5000, " ")
    value = m.choice(str(folder), folders, "RSSLIB_DATA", 0.15)
    target = m.choice(m.folder / "raw", (m.folder / "plain", *ODD), "destination", 0.1)
    names = m.choice(["single_tx.csv"], (["nothing.csv"], [], "single_tx.csv", None, [None], [1], ["../single_tx.csv"]),
                     "names", 0.15)
    dataset = m.choice("frs", (*TEXTS, *ODD), "dataset", 0.1)

    def run():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RSSLIB_DATA", value)
            patch.setattr(download, "REGISTRY", _registry())
            patch.chdir(m.folder)
            paths = download.fetch(target, names, dataset)
            return download.available(names, dataset) or not paths, [path.read_bytes() for path in paths]
    return Call(run,
                ["single_tx.csv", "RSSLIB_DATA", "destination", "names", "data set", "dataset", "nothing.csv", "file"],
                lambda result: unless(result[0] and all(content == PUBLISHED for content in result[1]), "another file"),
                [folder for text in ("raw", str(target)) if "\0" not in text and len(text) < 200 for folder in
                 (m.folder / text, m.folder / text / "single_tx.csv")])


@door("data.download.fetch:source", 0.5)
def _fetch_source(m: Mutator) -> Call:
    script, cache, target = answer(m, PUBLISHED), m.folder / "cache", m.folder / "raw" / "single_tx.csv"

    def run():
        with pytest.MonkeyPatch.context() as patch, answering(script):
            patch.setenv("RSSLIB_DATA", "")
            patch.setattr(download, "REGISTRY", _registry())
            patch.setattr(download, "SECONDS", SECONDS)
            patch.setattr(download, "cache_folder", lambda _: cache)
            return download.fetch(target.parent, ["single_tx.csv"])
    return Call(run, ["single_tx.csv"],
                lambda paths: unless(paths == [target] and target.read_bytes() == PUBLISHED, "not the published file"),
                [target, target.parent, cache, cache / "single_tx.csv"])


@door("data.download.in_data_folder")
def _in_data_folder(m: Mutator) -> Call:
    folder = _data_folder(m, 0.3)
    odd = (*(text for text in TEXTS if text.isprintable() and "\0" not in text), str(folder / "gone"))
    value, name = m.choice(str(folder), odd, "RSSLIB_DATA", 0.6), m.text("single_tx.csv", "name", 0.3)

    def run():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RSSLIB_DATA", value)
            patch.chdir(m.folder)
            return download.in_data_folder(name, "frs")
    return Call(run, ["RSSLIB_DATA", "name", name or "name"],
                lambda path: unless(path is None or path.is_file(), "no file"))
