"""Cities: which source comes first, what is kept in the cache, made-up streets, the real extracts."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import shapely
from small_city import blocks, document, feature, way

from rsslib.data import cities, download, overpass
from rsslib.data.buildings import height_raster, outdoor
from rsslib.project import InputError, InputWarning

GIVEN = Path(os.environ.get("RSSLIB_DATA", "nowhere")) / "cities"
REAL = pytest.mark.skipif(not (GIVEN / "sydney_buildings.geojson").is_file(), reason="no footprints in RSSLIB_DATA")


def answering(answer, asked=()):
    """A stand-in for OpenStreetMap: it sends `answer`, or fails with it, and lists the queries in `asked`."""
    def post(query, seconds):
        asked.append(query) if isinstance(asked, list) else None
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()

    return post


def made_up():
    return pytest.warns(InputWarning, match="no answer of OpenStreetMap that is this city; the streets are MADE UP")


def centre(name, **tags):
    return {"elements": blocks(*cities.SITES[name], **{"height": "21"} | tags)}


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    """No data folder, an empty cache, no network."""
    monkeypatch.delenv("RSSLIB_DATA", raising=False)
    monkeypatch.setattr(download, "cache_folder", lambda dataset: tmp_path / "cache")
    monkeypatch.setattr(overpass, "_post", answering(OSError()))
    return tmp_path


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("name",
                         ["atlantis", "Chicago", "", "chicago.txt", "/", None, 5, b"chicago", ["chicago"], True])
def test_unknown_names(name):
    for door in (cities.load, cities.available):
        with pytest.raises(InputError,
                           match="city '?.*: expected one of chicago, sydney, or the path of a .geojson file"):
            door(name)


def test_a_missing_file_is_named():
    with pytest.raises(InputError, match="gone.geojson: no such file"):
        cities.load("gone.geojson")


@pytest.mark.parametrize(("name", "content"), [("x.geojson.gz", "\x1f\x8b"), ("x.ndjson", '{"a": 1}\n{"a": 2}')])
def test_a_file_of_another_kind_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=f"{name}: looks like "):
        cities.load(tmp_path / name)


def test_your_own_file(tmp_path):
    made = cities.load(write(tmp_path / "mine_buildings.geojson", document(feature(height=3))))
    assert made.name == "mine" and made.source == "file" and len(made.md5) == 32 and not made.synthetic
    assert cities.load(str(tmp_path / "mine_buildings.geojson")).md5 == made.md5


@pytest.mark.parametrize("folder", ["cities", "."])
def test_the_given_folder_comes_first(tmp_path, monkeypatch, folder):
    monkeypatch.setenv("RSSLIB_DATA", str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    assert not cities.available("sydney")
    path = write(tmp_path / "mine" / folder / "sydney_buildings.geojson", document(feature(height=3)))
    assert cities.available("sydney")
    with pytest.warns(InputWarning, match="sydney_buildings.geojson: 1 buildings on 6% of its window, md5 .*; the "
                                          "results of this project are from another file of sydney"):
        assert cities.load("sydney").heights_m.tolist() == [3.0]
    monkeypatch.setitem(cities.MD5, "sydney", cities.load(path).md5)
    assert cities.load("sydney").heights_m.tolist() == [3.0]    # the very file: no warning
    monkeypatch.setenv("RSSLIB_DATA", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="RSSLIB_DATA=.*gone: no such folder"):
        cities.load("sydney")


def test_a_given_file_without_an_origin_is_taken_to_lie_in_the_city(tmp_path, monkeypatch):
    monkeypatch.setenv("RSSLIB_DATA", str(tmp_path))
    made, path = feature(height=3), tmp_path / "chicago_buildings.geojson"
    write(path, {"features": [made]})
    with pytest.warns(InputWarning, match="the results of this project are from another file"):
        assert cities.load("chicago").side_m == 1100.0
    made["geometry"]["coordinates"][0] = [corner[::-1] for corner in made["geometry"]["coordinates"][0]]
    write(path, {"features": [made]})
    with pytest.raises(InputError, match="chicago_buildings.geojson: no building in its window; .* longitude comes fi"):
        cities.load("chicago")


def test_openstreetmap_comes_next_and_is_kept(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(overpass, "_post", answering(centre("chicago"), asked))
    made = cities.load("chicago")
    assert made.source == "openstreetmap" and made.side_m == 1100.0 and set(made.heights_m) == {21.0}
    assert len(made.polygons) == 27**2 and "ODbL" in made.licence and not made.synthetic
    assert 'way["building"](41.877252,-87.638014,41.887144,-87.624727)' in asked[0]
    again = cities.load("chicago")
    assert cities.available("chicago") and len(asked) == 1
    assert again.source == "file" and shapely.equals_exact(again.polygons, made.polygons).all()


@pytest.mark.parametrize("elements", [
    [way(0, 0, 50, 50, height="20")],                                              # one building
    blocks(cities.SITES["chicago"].origin_lonlat, (-680, -250, -380, 50)),         # a corner of the window
    [way(-680, -250 + y, 420, -230 + y, height="9") for y in range(0, 1100, 22)],   # much built up by few
    [way(-680 + x, -250 + y, -670 + x, -240 + y, height="9") for x in range(0, 1100, 40) for y in range(0, 1100, 40)],
])
def test_an_answer_that_is_no_city_centre_is_none(tmp_path, monkeypatch, elements):
    asked = []
    monkeypatch.setattr(overpass, "_post", answering({"elements": elements}, asked))
    with made_up():
        made = cities.load("chicago")
    assert made.synthetic and not (tmp_path / "cache").exists() and not cities.available("chicago") and len(asked) == 1


@pytest.mark.parametrize("change", [
    {"remark": "runtime error: Query timed out"}, {"elements": []}, {"elements": None},
    {"elements": [way(0, 0, 50, 50) | {"geometry": [{"lon": 500, "lat": 41.88}] * 4}] * 999},
    {"elements": blocks(*cities.SITES["chicago"])}])    # no height anywhere
def test_a_broken_answer_is_never_kept(tmp_path, monkeypatch, change):
    monkeypatch.setattr(overpass, "_post", answering(centre("chicago") | change))
    with made_up():
        assert cities.load("chicago").synthetic and not (tmp_path / "cache").exists()


@pytest.mark.parametrize("damage", [
    lambda text: text[:-100], lambda text: text.replace('"21"', '"91"', 1),
    lambda text: text.replace("-33.87", "-33.86", 1),
    lambda text: text.replace("320.0", "321.0"), lambda text: text.replace("-33.8784]", "-33.8783]"),
    lambda text: text.replace('"sha256"', '"sha1"'), lambda _: "", lambda _: "[]", lambda _: "{}", lambda _: "\udcff"])
def test_a_damaged_cache_is_asked_for_again(tmp_path, monkeypatch, damage):
    monkeypatch.setattr(overpass, "_post", answering(centre("sydney")))
    good = cities.load("sydney")
    path, = (tmp_path / "cache").iterdir()
    path.write_bytes(damage(path.read_text()).encode("utf-8", "surrogateescape"))
    assert not cities.available("sydney")
    monkeypatch.setattr(overpass, "_post", answering(OSError()))
    with made_up():
        assert cities.load("sydney").synthetic
    asked = []
    monkeypatch.setattr(overpass, "_post", answering(centre("sydney"), asked))
    assert (cities.load("sydney").heights_m == good.heights_m).all() and len(asked) == 1
    assert cities.available("sydney") and cities.load("sydney").source == "file"


def test_a_cache_that_cannot_be_written_to_is_said(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file in the place of the folder")
    monkeypatch.setattr(overpass, "_post", answering(centre("sydney")))
    with pytest.warns(InputWarning,
                      match="sydney_buildings.geojson: cannot be written .*; sydney is used, and asked for"):
        assert cities.load("sydney").source == "openstreetmap"


def test_made_up_streets_are_the_last_resort_and_say_so(tmp_path):
    with made_up():
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


@pytest.mark.parametrize("seed", [-1, 1.0, "1", None, True, [1], np.nan])
def test_odd_seeds(seed):
    for door in (cities.procedural, lambda seed: cities.load("chicago", seed)):
        with pytest.raises(InputError, match="seed is .*; expected a whole number from 0 on"):
            door(seed)


@pytest.mark.parametrize("side", [99.0, np.nan, np.inf, -600.0, 0, 1449.0, 1e9, "600", None, True])
def test_odd_sides(side):
    with pytest.raises(InputError, match="side_m is .*; expected"):
        cities.procedural(0, side)


def test_every_seed_and_side_makes_a_city():
    for seed in range(20):
        for side in (100, 137.5, 600.0, np.float32(620), 1448):
            assert cities.procedural(np.int64(seed), side).side_m == side


@REAL
def test_the_real_cities(monkeypatch):
    monkeypatch.setenv("RSSLIB_DATA", str(GIVEN.parent))
    for name, side, expected, default in (
            ("chicago", 1100.0, {"height": 149, "levels": 336, "default": 95, "replaced": 35, "left_out": 135}, 57.6),
            ("sydney", 620.0, {"height": 7, "levels": 284, "default": 4, "replaced": 0, "left_out": 3}, 18.0)):
        made = cities.load(name)
        assert made.side_m == side and made.height_sources == expected and made.default_m == default
        assert "OpenStreetMap" in made.attribution and not made.synthetic and made.md5 == cities.MD5[name]
        assert outdoor(made, 64).sum() > 1900 and 0.4 < (height_raster(made) > 0).mean() < 0.6
        assert cities._is_plausible(made)


@REAL
def test_in_the_real_chicago_a_podium_is_as_low_as_it_is(monkeypatch):
    monkeypatch.setenv("RSSLIB_DATA", str(GIVEN.parent))
    made = cities.load("chicago")
    raster = height_raster(made)
    assert raster[raster > 0].mean() == pytest.approx(84.4, abs=0.1)    # 92.5 if outlines hid the parts in them
    # the Kemper Building: a podium of two levels in an outline of 159 m, which the highest would have hidden
    heights = made.heights_m.round(1).tolist()
    assert 7.2 in heights and heights.count(159.0) == 1
