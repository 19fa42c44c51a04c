"""Cases from public reports: what OpenStreetMap and its users write, and the right value of each."""

import json

import numpy as np
import pytest
import shapely
from small_city import (
    ORIGIN,
    Service,
    blocks,
    degrees,
    document,
    feature,
    part,
    polygon,
    ring,
    shaped,
    way,
    without_window,
)

from rsslib.data import cities, download, footprints, overpass
from rsslib.data.buildings import City, height_raster, outdoor
from rsslib.project import InputError, InputWarning
from rsslib.propagation import meshes


def city(*features, **more):
    return footprints.to_city(document(*features, **more), "made", "made.geojson", "file")


def beside(**tags):
    """The height of a building with these tags beside one of 30 m; and the counts."""
    made = city(feature(height=30, west=60, south=60, east=90, north=90), feature(**tags))
    return made.heights_m[1], made.height_sources


def square_metres(made):
    """The ground covered by each height, {height: m2}."""
    heights, counts = np.unique(height_raster(made).astype(float).round(2), return_counts=True)
    return {float(height): int(count) * 4 for height, count in zip(heights, counts) if height}


@pytest.fixture
def offline(tmp_path, monkeypatch):
    monkeypatch.delenv("RSSLIB_DATA", raising=False)
    monkeypatch.setattr(download, "cache_folder", lambda dataset: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.mark.parametrize("answer", [
    {"elements": [way(0, 0, 18, 18, cities.SITES["sydney"].origin_lonlat, height="20")],
     "remark": 'runtime error: Query timed out in "query" at line 1 after 16 seconds.'},
    {"elements": blocks(*cities.SITES["sydney"], height="20"), "remark": "runtime error: Query ran out of memory"},
    {"elements": [], "remark": "runtime remark: Timeout is 15 and maxsize is 536870912."},
    # without a remark, and still no city centre
    {"elements": [way(0, 0, 18, 18, cities.SITES["sydney"].origin_lonlat, height="20")]}])
def test_09_overpass_remark(offline, monkeypatch, answer):
    monkeypatch.setattr(overpass, "_post", lambda query, seconds: json.dumps(answer).encode())
    with pytest.warns(InputWarning, match="the streets are MADE UP"):
        made = cities.load("sydney")
    assert made.synthetic and not offline.exists() and not cities.available("sydney")


def test_10_overpass_user_agent(offline, monkeypatch):
    with Service(monkeypatch) as service:    # stock user agents are answered 406
        service.answer({"elements": blocks(*cities.SITES["sydney"], height="20")})
        made = cities.load("sydney")
    assert made.source == "openstreetmap" and not made.synthetic
    assert [agent for agent, _ in service.asked] == [overpass.USER_AGENT] and "rsslib" in overpass.USER_AGENT


def test_10_a_stock_agent_would_be_refused(offline, monkeypatch):
    monkeypatch.setattr(overpass, "USER_AGENT", "python-requests/2.34.2")
    with Service(monkeypatch) as service:
        service.answer({"elements": blocks(*cities.SITES["sydney"], height="20")})
        with pytest.warns(InputWarning, match="the streets are MADE UP"):
            assert cities.load("sydney").synthetic
    assert len(service.asked) == 1


@pytest.mark.parametrize(("tags", "expected"), [
    ({"height": "574'"}, 174.96), ({"height": "574 ft"}, 174.96), ({"height": "573'12\""}, None),
    ({"height": "573'11.99\""}, 174.95), ({"height": "131 ft"}, 39.93), ({"height": "131 feet"}, 39.93),
    ({"height": "12,5"}, 12.5), ({"height": "12,5 m"}, 12.5), ({"height": "89,10"}, 89.1), ({"height": "1,234"}, None),
    ({"height": "30ft-40"}, 12.19), ({"height": "30-40ft"}, 12.19), ({"height": "574'-6\""}, 175.11),
    ({"height": "574' - 6\""}, 175.11), ({"height": "999"}, None), ({"height": "9999 ft"}, None),
    ({"building:height": "12 m"}, 12.0), ({"est_height": "40 ft"}, 12.19),
    ({"height": "12 metres"}, 12.0), ({"height": "12 meters"}, 12.0), ({"height": "12m"}, 12.0),
    ({"height": "~12"}, 12.0), ({"height": "10-12"}, 12.0), ({"height": "10;12"}, 12.0),
    ({"building:levels": "2;3"}, 10.8), ({"building:levels": "3;2"}, 10.8), ({"building:levels": "1; 2; 3"}, 10.8),
    ({"building:levels": "3-4"}, 14.4), ({"building:levels": "3 - 4"}, 14.4), ({"building:levels": "3–4"}, 14.4),
    ({"building:levels": "2,5"}, 9.0)])
def test_11_height_tag(tags, expected):
    if expected is None:
        with pytest.warns(InputWarning, match="made.geojson: feature 1: height is .*1 of 2 buildings"):
            height, sources = beside(**tags)
        assert height == 30.0 and sources["default"] == 1
    else:
        height, sources = beside(**tags)
        assert height == pytest.approx(expected, abs=0.006) and sources["default"] == 0


@pytest.mark.parametrize(("tags", "base", "top"), [
    ({"building:levels": "7", "building:min_level": "4"}, 14.4, 25.2),
    ({"building:levels": 7, "building:min_level": 1}, 3.6, 25.2),
    ({"building:levels": "7", "min_level": "4"}, 14.4, 25.2),
    ({"height": "40 m", "building:min_level": "4"}, 14.4, 40.0), ({"height": 40, "min_height": "15 m"}, 15.0, 40.0),
    ({"height": "131 ft", "min_height": "12'6\""}, 3.81, 39.93), ({"height": 40, "min_height": "7,5"}, 7.5, 40.0)])
def test_13_min_level(tags, base, top):
    made = city(feature(**{"building:part": "yes"}, **tags), feature(60, 60, 90, 90, height=30))
    assert (made.bases_m[0], made.heights_m[0]) == pytest.approx((base, top), abs=0.01)
    assert made.standing.tolist() == [False, True]
    assert square_metres(made) == {30.0: 900}    # nothing at the street under what is raised


HOUSE = feature(-50, -50, 50, 50, height=200)


@pytest.mark.parametrize(("features", "expected"), [
    ([HOUSE, part(-50, -50, 50, 50, height=10), part(-10, -10, 10, 10, height=200, min_height=10)],
     {10.0: 9600, 200.0: 400}),
    # the same with levels, and with an outline of unknown height
    ([feature(-50, -50, 50, 50), part(-50, -50, 50, 50, **{"building:levels": 2}),
      part(-10, -10, 10, 10, **{"building:levels": "20", "building:min_level": "2"})], {7.2: 9600, 72.0: 400}),
    # the outline is the podium
    ([feature(-50, -50, 50, 50, height=10), part(-10, -10, 10, 10, height=200, min_height=10)],
     {10.0: 9600, 200.0: 400}),
    # half of it is described: the outline counts for the rest
    ([HOUSE, part(-50, -50, 0, 50, height=10)], {10.0: 5000, 200.0: 5000}),
    # a part of unknown height describes nothing
    ([HOUSE, part(-50, -50, 50, 50)], {200.0: 10_000}),
    # parts underground and canopies do not stand for the building
    ([HOUSE, part(-50, -50, 50, 50, layer="-1", height=3)], {200.0: 10_000}),
    # a passage: nothing reaches the street there
    ([HOUSE, part(-50, -50, 30, 50, height=20), part(30, -50, 50, 50, height=20, **{"building:min_level": 1})],
     {20.0: 8000}),
    # one part over three outlines, and over two unequal ones of which it fills the smaller
    ([*(feature(x, -50, x + 30, 50, height=200) for x in (-45, -15, 15)), part(-45, -50, 45, 50, height=10)],
     {10.0: 9000}),
    ([feature(-50, -50, 40, 50, height=200), feature(40, -50, 50, 50, height=200), part(-50, -50, 50, 50, height=10)],
     {10.0: 10_000}),
    # a neighbour's part that reaches over is not part of this building
    ([HOUSE, part(40, -50, 90, 50, height=20), feature(50, -50, 90, 50, height=25)], {200.0: 10_000, 20.0: 4000})])
def test_14_outline_and_parts(features, expected):
    assert square_metres(city(*features)) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("tags", [
    {"building": "parking", "location": "underground", "layer": "-1", "building:levels": "0",
     "building:levels:underground": "3"},
    {"location": "underground"}, {"location": "Underground"}, {"building": "Roof"}, {"building": "carport"},
    {"building": "NO"}, {"building": "demolished"}, {"building": "ruins"}, {"building": None, "natural": "water"},
    {"building": None, "was:building": "yes"}, {"building": None, "demolished:building": "yes"},
    {"layer": -2, "height": 12}, {"height": 0}, {"height": "0 m"},
    {"building:levels": "0"}])
def test_15_underground(tags):
    made = city(feature(60, 60, 90, 90, height=30), feature(**tags))
    assert square_metres(made) == {30.0: 900} and made.height_sources["left_out"] == 1


@pytest.mark.parametrize(("rings", "expected"), [
    ([ring(-50, -50, 20, 20), ring(-10, -10, 50, 50)], 7600),
    ([ring(-50, -50, 50, 50), ring(-10, -10, 10, 10)], 10_000),
    ([ring(-50, -50, 20, 20), ring(20, -50, 50, 20), ring(-50, 0, 50, 50)], 10_000)])
def test_17_overlapping_multipolygon(rings, expected):
    for geometry in ({"type": "MultiPolygon", "coordinates": [[corners] for corners in rings]},
                     {"type": "GeometryCollection", "geometries": [polygon(corners) for corners in rings]}):
        made = city(shaped(geometry, height=20))
        assert square_metres(made) == {20.0: pytest.approx(expected, rel=0.02)}
        assert shapely.area(made.polygons).sum() == pytest.approx(expected, rel=0.01)


BOW = [(0, 0), (50, 50), (50, 0), (0, 50)]


@pytest.mark.parametrize("corners", [
    [*BOW, (0, 0)], [*BOW, (-40, 50), (0, 50), (0, 0)], [*BOW, (0, 90), (0, 50), (0, 0)],
    [(0, 0), (-20, -20), *BOW, (0, 0)]])
def test_18_bowtie_with_spike(corners):
    made = city(shaped(polygon(degrees(*corners)), height=20))
    assert shapely.area(made.polygons).sum() == pytest.approx(1250, rel=0.01)
    assert np.isin(shapely.get_type_id(made.polygons), (3, 6)).all()
    if hasattr(shapely, "constrained_delaunay_triangles"):
        vertices, faces = meshes.prisms(made)
        walls = np.ptp(vertices[faces][:, :, 2], axis=1) > 0
        assert len(vertices) == 10 and walls.sum() == 12    # two triangles for each of the six walls


def exchanged(*boxes):
    return without_window(*(shaped(polygon([corner[::-1] for corner in ring(*box)]), height=20) for box in boxes))


def test_19_swapped():
    boxes = (0, 0, 50, 50), (60, 60, 90, 90)
    with pytest.raises(InputError, match="made.geojson: the site lies at longitude 41.*, latitude -87.6.*longitude f"):
        footprints.to_city(exchanged(*boxes), "made", "made.geojson", "file")
    with pytest.raises(InputError, match="no building in its window; check window_m, and that longitude comes first"):
        footprints.to_city(exchanged(*boxes) | {"window_m": [-100, -100, 100, 100], "origin_lonlat": list(ORIGIN)},
                           "made", "made.geojson", "file")
    with pytest.raises(InputError, match="the site lies at longitude 41.*, latitude -87.6"):
        footprints.to_city(exchanged(*boxes) | {"origin_lonlat": list(ORIGIN[::-1])}, "made", "made.geojson", "file")
    right = footprints.to_city(without_window(feature(*boxes[0], height=20), feature(*boxes[1], height=30)), "made",
                               "made.geojson", "file")
    assert shapely.area(right.polygons) == pytest.approx([2504, 901], abs=1)


@pytest.mark.parametrize("name", ["EPSG:4326", "urn:ogc:def:crs:EPSG::4258", "EPSG:4269", "WGS84", "OGC:CRS84"])
def test_20_crs_member_of_degrees(name):
    crs = {"type": "name", "properties": {"name": name}}
    assert shapely.area(city(feature(height=9), crs=crs).polygons) == pytest.approx([2500], rel=0.01)


@pytest.mark.parametrize("crs", [
    {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}, {}, "EPSG:3857",
    {"type": "name", "properties": {"name": "EPSG:25832"}}, {"type": "link", "properties": {"href": "x"}},
    {"type": "name", "properties": {"name": "EPSG:14326"}}, {"type": "name", "properties": {"name": ""}}])
def test_20_crs_member(crs):
    small = shaped(polygon([[0, 0], [30, 0], [30, 20], [0, 20], [0, 0]]), height=9)
    for holder in ({"crs": crs}, {}):
        odd = without_window(small | ({} if holder else {"crs": crs})) | holder
        with pytest.raises(InputError, match="made.geojson: .*its crs is .*; expected longitude and latitude"):
            footprints.to_city(odd, "made", "made.geojson", "file")
    with pytest.raises(InputError, match="made.geojson: its window is 2235 km wide; .* check that coordinates are deg"):
        footprints.to_city(without_window(small), "made", "made.geojson", "file")


@pytest.mark.parametrize("place", [(180.0, -16.8), (-180.0, -16.8), (179.9998, 65.0)])
def test_21_antimeridian(place):
    boxes = [shaped(polygon([[(lon + 180) % 360 - 180, lat] for lon, lat in ring(*box, place)]), height=10)
             for box in ((-60, 0, -30, 30), (20, -40, 50, -10), (-10, 50, 10, 70))]    # the last lies across it
    made = footprints.to_city(without_window(*boxes), "made", "made.geojson", "file")
    assert 100 < made.side_m < 120 and len(made.polygons) == 3
    assert shapely.area(made.polygons) == pytest.approx([900, 900, 400], rel=0.01)


@pytest.mark.parametrize("height", [-1, "-1", -1.0])
def test_22_footprints_ok(height):
    raised = [[*corner, 180.0] for corner in ring(60, 60, 90, 90)]
    made = city(feature(height=height), shaped(polygon(raised), height=30),
                shaped(polygon(ring(-90, -90, -30, -30), ring(-70, -70, -50, -50)), height=10))
    assert made.heights_m.tolist() == [20.0, 30.0, 10.0] and made.height_sources["default"] == 1
    assert square_metres(made) == pytest.approx({20.0: 2500, 30.0: 900, 10.0: 3200}, rel=0.02)


@pytest.mark.parametrize("side", [5_000.0, 10_000.0, 100_000.0, 1e8])
def test_30_large_city(side):
    large = City("big", np.array([shapely.box(10, 10, 60, 60)]), np.array([20.0]), np.array([0.0]), side)
    for call in (lambda: outdoor(large, 64), lambda: height_raster(large)):
        with pytest.raises(InputError, match="big: a window of .* km has .* pixels of 2 m; .*: give a smaller wind"):
            call()
    with pytest.raises(InputError, match="made.geojson: its window is .* km wide; expected at most 1.448 km"):
        city(feature(height=9), window_m=[0, 0, side, side])
    assert height_raster(large, side / 700).shape == (700, 700)    # coarser pixels are the other way out
