"""Cities: heights and where they come from, windows, bad files, which source comes first, made-up streets."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import shapely

from rsslib.data import cities, download, footprints
from rsslib.data.buildings import height_raster, outdoor
from rsslib.project import InputError

ORIGIN = (-87.6298, 41.8795)
DEGREE_M = 6_371_008.8 * np.pi / 180
GIVEN = Path(os.environ.get("RSSLIB_DATA", "nowhere")) / "cities"
REAL = pytest.mark.skipif(not (GIVEN / "sydney_buildings.geojson").is_file(), reason="no footprints in RSSLIB_DATA")


def feature(west=0.0, south=0.0, east=50.0, north=50.0, **tags):
    """A box in metres from the origin, as degrees."""
    lon, lat = ORIGIN[0], ORIGIN[1]
    corners = [[lon + x / DEGREE_M / np.cos(np.radians(lat)), lat + y / DEGREE_M]
               for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south))]
    return {"type": "Feature", "properties": {"building": "yes"} | tags,
            "geometry": {"type": "Polygon", "coordinates": [corners]}}


def document(*features, **more):
    return {"type": "FeatureCollection", "features": list(features), "window_m": [-100, -100, 100, 100],
            "origin_lonlat": ORIGIN} | more


def answering(answer, asked=()):
    """A stand-in for OpenStreetMap: it sends `answer`, or fails with it, and lists the queries in `asked`."""
    def post(query, seconds):
        asked.append(query) if isinstance(asked, list) else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    return post


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    """No data folder, an empty cache, no network."""
    monkeypatch.delenv("RSSLIB_DATA", raising=False)
    monkeypatch.setattr(download, "cache_folder", lambda dataset: tmp_path / "cache")
    monkeypatch.setattr(footprints, "_post", answering(OSError()))
    return tmp_path


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_heights_and_where_they_come_from():
    made = footprints.to_city(document(
        feature(height_m=30.0, levels=2.0), feature(height="12.5 m"), feature(**{"building:levels": "5"}),
        feature(levels=10), feature(), feature(height="tall"), feature(height=-3.0, levels=0),
        feature(building="roof"), feature(building="roof", height=4.0), feature(part=True),
        feature(**{"building:part": "yes"}, building="roof", height=50, min_height=40)), "made", "f", "file")
    assert made.height_sources == {"height": 3, "levels": 2, "default": 3, "left_out": 3}
    assert made.default_m == pytest.approx(30.0) and len(made.polygons) == 8
    assert made.heights_m.tolist() == pytest.approx([30.0, 12.5, 18.0, 36.0, 30.0, 30.0, 30.0, 50.0])
    assert made.bases_m.tolist() == [0.0] * 7 + [40.0] and made.standing.sum() == 7


def test_metres_from_the_corner_of_the_window():
    made = footprints.to_city(document(feature(-10, 20, 40, 60, height=9)), "made", "f", "file")
    np.testing.assert_allclose(shapely.bounds(made.polygons[0]), [90, 120, 140, 160], atol=0.3)   # sphere, ellipsoid
    assert made.side_m == 200.0 and made.attribution.startswith("(c) OpenStreetMap") and made.licence == "ODbL 1.0"
    raster = height_raster(made)
    assert (raster > 0).sum() * 4 == pytest.approx(50 * 40, rel=0.05) and raster[70, 58] == 9 and raster[58, 70] == 0


def test_without_a_window_the_largest_square_counts():
    wide = document(feature(-60, -40, 60, 40, height=9))
    del wide["window_m"], wide["origin_lonlat"]
    assert footprints.to_city(wide, "made", "f", "file").side_m == pytest.approx(80.0, abs=0.3)


def test_buildings_beyond_the_window_do_not_count():
    made = footprints.to_city(document(feature(height=9), feature(500, 0, 520, 9)), "made", "f", "file")
    assert len(made.polygons) == 1 and sum(made.height_sources.values()) == 1


@pytest.mark.parametrize(("content", "message"), [
    ('{"type": "FeatureColl', "bad.geojson: not GeoJSON, or truncated"),
    ("", "bad.geojson: not GeoJSON, or truncated"),
    ([1, 2], "bad.geojson: not GeoJSON: expected an object with a list `features`"),
    ({"features": 3}, "expected an object with a list `features`"),
    (document(), "bad.geojson: no polygon among 0 features"),
    (document({"geometry": {"type": "Point", "coordinates": [1, 2]}}, 5, {"geometry": None}), "no polygon among 3"),
    (document(feature(), {"geometry": {"type": "Polygon", "coordinates": [[[1, "x"]]]}}), "feature 1: broken Polygon"),
    (document(feature(), {"geometry": {"type": "Polygon", "coordinates": 7}}), "feature 1: broken Polygon"),
    (document(feature(), {"geometry": {"type": "Polygon"}}), "feature 1: broken Polygon"),
    (document({"geometry": {"type": "Polygon", "coordinates": [[[448e3, 4.6e6], [449e3, 4.6e6], [449e3, 4.7e6],
                                                                [448e3, 4.6e6]]]}}), "feature 0: longitude 448000"),
    (document(feature(5000, 0, 5050, 50)), "no building in its window; check window_m"),
    (document(feature()), "no building with a height"),
    (document(feature(height=3), window_m=[0, 0, 50, 80]), "expected a square"),
    (document(feature(height=3), window_m=[0, 0, 50]), "window_m is .* expected 4 numbers"),
    (document(feature(height=3), origin_lonlat="here"), "origin_lonlat is 'here'; expected 2 numbers"),
])
def test_bad_files_are_named(tmp_path, content, message):
    path = write(tmp_path / "bad.geojson", content)
    with pytest.raises(InputError, match=message) as error:
        cities.load(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_missing_file_and_an_unknown_name():
    with pytest.raises(InputError, match="gone.geojson: no such file"):
        cities.load("gone.geojson")
    with pytest.raises(InputError, match="city 'atlantis': expected one of chicago, sydney"):
        cities.load("atlantis")
    with pytest.raises(InputError, match="city 'atlantis'"):
        cities.available("atlantis")


def test_your_own_file(tmp_path):
    made = cities.load(write(tmp_path / "mine_buildings.geojson", document(feature(height=3))))
    assert made.name == "mine" and made.source == "file" and len(made.md5) == 32 and not made.synthetic


@pytest.mark.parametrize("folder", ["cities", "."])
def test_the_given_folder_comes_first(tmp_path, monkeypatch, folder):
    monkeypatch.setenv("RSSLIB_DATA", str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    assert not cities.available("sydney")
    write(tmp_path / "mine" / folder / "sydney_buildings.geojson", document(feature(height=3)))
    write(tmp_path / "cache" / "sydney_buildings.geojson", document(feature(height=7)))
    assert cities.available("sydney") and cities.load("sydney").heights_m.tolist() == [3.0]
    monkeypatch.setenv("RSSLIB_DATA", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="RSSLIB_DATA=.*gone: no such folder"):
        cities.load("sydney")


def element(kind="way", **tags):
    ring = [{"lon": lon, "lat": lat} for lon, lat in feature()["geometry"]["coordinates"][0]]
    body = {"geometry": ring} if kind == "way" else {"members": [
        {"type": "way", "role": "outer", "geometry": ring[:3]}, {"type": "way", "role": "outer", "geometry": ring[2:]},
        {"type": "node", "role": "label"}]}
    return {"type": kind, "id": 1, "tags": {"building": "yes", "wheelchair": "no"} | tags} | body


def test_openstreetmap_comes_next_and_is_kept(tmp_path, monkeypatch):
    asked = []
    open_line = {"type": "way", "geometry": [{"lon": -87.63, "lat": 41.88}, {"lon": -87.62, "lat": 41.88}]}
    answer = {"elements": [element(height="21"), element("relation", **{"building:levels": "10"}), open_line]}
    monkeypatch.setattr(footprints, "_post", answering(answer, asked))
    made = cities.load("chicago")
    assert made.source == "openstreetmap" and made.side_m == 1100.0 and made.heights_m.tolist() == [21.0, 36.0]
    assert shapely.area(made.polygons) == pytest.approx(2500, rel=0.01) and "ODbL" in made.licence
    assert 'way["building"](41.877252,-87.638014,41.887144,-87.624727)' in asked[0]
    assert cities.available("chicago") and cities.load("chicago").heights_m.tolist() == [21.0, 36.0]
    assert len(asked) == 1


def test_an_answer_without_buildings_is_none(monkeypatch):
    monkeypatch.setattr(footprints, "_post", answering({"elements": []}))
    assert footprints.request(*cities.SITES["sydney"]) is None
    assert cities.load("sydney").synthetic


def test_a_silent_service_is_given_up(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(footprints, "URL", "http://127.0.0.1:9/")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert footprints.request((0, 0), (0, 0, 1, 1), 5.0) is None


def test_made_up_streets_are_the_last_resort_and_say_so(tmp_path):
    made = cities.load("chicago", seed=4)
    assert made.synthetic and made.source == "procedural" and made.side_m == 1100.0 and made.name == "chicago"
    assert made.attribution == cities.BANNER and "MADE-UP" in cities.BANNER and not (tmp_path / "cache").exists()


def test_made_up_streets_have_blocks_streets_and_a_seed():
    made, again, other = cities.procedural(0), cities.procedural(0), cities.procedural(1)
    assert (made.heights_m == again.heights_m).all() and shapely.equals(made.polygons, again.polygons).all()
    assert len(made.heights_m) != len(other.heights_m) or (made.heights_m != other.heights_m).any()
    free = outdoor(made, 64)
    assert 0.3 < free.mean() < 0.7 and free.sum() > 1000
    west, south, east, north = shapely.total_bounds(made.polygons)
    assert west >= 0 and south >= 0 and east <= 600 and north <= 600 and (shapely.area(made.polygons) > 0).all()
    assert 6 <= made.heights_m.min() and made.heights_m.max() <= 250 and np.ptp(made.heights_m) > 50
    for side in (99.0, np.nan, np.inf):
        with pytest.raises(InputError, match="at least 100 m"):
            cities.procedural(0, side)


@REAL
def test_the_real_cities(monkeypatch):
    monkeypatch.setenv("RSSLIB_DATA", str(GIVEN.parent))
    for name, side, known, default in (("chicago", 1100.0, 503, 113), ("sydney", 620.0, 291, 4)):
        made = cities.load(name)
        sources = made.height_sources
        assert made.side_m == side and sources["height"] + sources["levels"] == known and sources["default"] == default
        assert "OpenStreetMap" in made.attribution and not made.synthetic
        assert outdoor(made, 64).sum() > 1900 and 0.4 < (height_raster(made) > 0).mean() < 0.6
