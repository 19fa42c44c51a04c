"""Footprints: heights and where they come from, windows, geometry that needs mending, bad files and odd sites."""

import copy
import gzip
import json

import numpy as np
import pytest
import shapely
from small_city import ORIGIN, degrees, document, feature, part, polygon, ring, shaped, without_window

from rsslib.data import footprints, geojson
from rsslib.data.buildings import height_raster
from rsslib.project import InputError, InputWarning


def city(*features, **more):
    return footprints.to_city(document(*features, **more), "made", "f", "file")


def exchanged(content):
    """The same document with latitude first."""
    def turned(values):
        return values[::-1] if isinstance(values[0], float) else [turned(inner) for inner in values]

    turned_round = copy.deepcopy(content)
    for made in turned_round["features"]:
        made["geometry"]["coordinates"] = turned(made["geometry"]["coordinates"])
    return turned_round


def test_heights_and_where_they_come_from():
    made = city(
        feature(height_m=30.0, levels=2.0), feature(height="12.5 m"), feature(**{"building:levels": "5"}),
        feature(levels=10), feature(60, 60, 80, 80), feature(0, 0, 40, 40), feature(height=-3.0, levels=-1, east=30.0),
        feature(building="roof"), feature(building="roof", height=4.0), feature(part=True), feature(levels=0),
        feature(west=60.0, east=90.0, **{"building:part": "yes"}, building="roof", height=50, min_height=40))
    assert made.height_sources == {"height": 3, "levels": 2, "default": 3, "replaced": 0, "left_out": 4}
    assert made.default_m == pytest.approx(30.0) and len(made.polygons) == 8
    assert made.heights_m.tolist() == pytest.approx([30.0, 12.5, 18.0, 36.0, 30.0, 30.0, 30.0, 50.0])
    assert made.bases_m.tolist() == [0.0] * 7 + [40.0] and made.standing.sum() == 7


def test_what_cannot_be_read_counts_as_unknown_and_is_said():
    with pytest.warns(InputWarning,
                      match="f: feature 1: height is 'tall'; expected metres .*; 2 of 3 buildings in the"):
        made = city(feature(height=9), feature(60, 0, 70, 9, height="tall"), feature(0, 60, 9, 70, height=[3]))
    assert made.height_sources["default"] == 2 and made.heights_m.tolist() == [9.0] * 3


def test_what_ends_below_its_base_is_left_out_and_said():
    with pytest.warns(InputWarning,
                      match="feature 1: it begins at 20 m and ends at 9 m; check min_height and height; 1"):
        made = city(feature(height=9), feature(60, 0, 70, 9, min_height=20))
    assert made.height_sources["left_out"] == 1 and len(made.polygons) == 1


def test_outlines_give_way_to_their_parts():
    made = city(feature(height=60), part(0, 0, 50, 50, height=10), part(20, 20, 30, 30, height=60, min_height=10))
    assert made.height_sources == {"height": 2, "levels": 0, "default": 0, "replaced": 1, "left_out": 0}
    raster = height_raster(made)
    assert (raster == 60).sum() == 25 and (raster == 10).sum() == 600
    # where a part has no height, the outline counts
    made = city(feature(height=60), part(0, 0, 50, 50))
    assert made.height_sources == {"height": 1, "levels": 0, "default": 0, "replaced": 0, "left_out": 1}
    assert made.heights_m.tolist() == [60.0]


def test_copies_of_a_building_are_left_out():
    made = city(feature(height=9), feature(height=9), feature(height=12), feature(height=9, name="other"))
    assert made.heights_m.tolist() == [9.0, 12.0] and made.height_sources["left_out"] == 2


def test_metres_from_the_corner_of_the_window():
    made = city(feature(-10, 20, 40, 60, height=9))
    np.testing.assert_allclose(shapely.bounds(made.polygons[0]), [90, 120, 140, 160], atol=0.3)   # sphere, ellipsoid
    assert made.side_m == 200.0 and made.attribution.startswith("(c) OpenStreetMap") and made.licence == "ODbL 1.0"
    raster = height_raster(made)
    assert (raster > 0).sum() * 4 == pytest.approx(50 * 40, rel=0.05) and raster[70, 58] == 9 and raster[58, 70] == 0


def test_without_a_window_the_largest_square_counts():
    wide = footprints.to_city(without_window(feature(-60, -40, 60, 40, height=9)), "made", "f", "file")
    assert wide.side_m == pytest.approx(80.0, abs=0.3)
    # the largest square lies between the two, so the smallest around them counts
    pair = without_window(feature(-90, 0, -70, 20, height=9), feature(70, 0, 90, 20, height=9))
    apart = footprints.to_city(pair, "made", "f", "file")
    assert apart.side_m == pytest.approx(180.0, abs=0.6) and len(apart.polygons) == 2


def test_buildings_beyond_the_window_do_not_count():
    made = city(feature(height=9), feature(500, 0, 520, 9))
    assert len(made.polygons) == 1 and sum(made.height_sources.values()) == 1


def test_a_window_without_most_of_the_buildings_is_said():
    with pytest.warns(InputWarning,
                      match="f: 1 of 3 buildings lie in its window; if that is not meant, check that window"):
        city(feature(height=9), feature(500, 0, 520, 9), feature(600, 0, 620, 9))


def area(geometry):
    return float(shapely.area(city(shaped(geometry, height=9)).polygons).sum())


CROSSED = degrees((0, 0), (50, 50), (50, 0), (0, 50), (0, 0))
SPIRAL = degrees((0, 0), (40, 0), (40, 40), (10, 40), (10, -20), (20, -20), (20, 30), (0, 30), (0, 0))


@pytest.mark.parametrize(("geometry", "expected"), [
    (polygon(ring(0, 0, 50, 50)), 2500), (polygon(ring(0, 0, 50, 50)[::-1]), 2500),
    (polygon(ring(0, 0, 50, 50), ring(10, 10, 20, 20)), 2400),
    (polygon(ring(0, 0, 50, 50), ring(40, 10, 60, 20)), 2400),    # a courtyard that reaches beyond the walls
    (polygon([[*corner, 180.0] for corner in ring(0, 0, 50, 50)]), 2500),
    (polygon(CROSSED), 1250), (polygon(SPIRAL), 1700),
    ({"type": "MultiPolygon", "coordinates": [[ring(0, 0, 50, 50)], [ring(40, 40, 90, 90)]]}, 4900),
    ({"type": "MultiPolygon", "coordinates": [[ring(0, 0, 50, 50)], [ring(10, 10, 20, 20)]]}, 2500),
    ({"type": "MultiPolygon", "coordinates": [[CROSSED], [ring(60, 60, 70, 70)]]}, 1350),
    ({"type": "GeometryCollection", "geometries": [
        {"type": "LineString", "coordinates": degrees((0, 0), (99, 99))}, polygon(ring(0, 0, 50, 50)),
        {"type": "GeometryCollection", "geometries": [polygon(ring(40, 40, 90, 90))]}]}, 4900),
])
def test_rings_are_mended(geometry, expected):
    assert area(geometry) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("geometry", [
    polygon(degrees((60, 0), (80, 0), (60, 0), (60, 0))),
    polygon(degrees((60, 0), (80, 0), (70, 0), (60, 0))),
    {"type": "GeometryCollection", "geometries": [polygon(degrees((60, 0), (80, 0), (60, 0), (60, 0)))]}])
def test_polygons_without_an_area_are_left_out(geometry):
    made = city(feature(height=9), shaped(geometry, height=9))
    assert made.height_sources["left_out"] == 1 and len(made.polygons) == 1


@pytest.mark.parametrize("geometry", [
    None, {"type": "Point", "coordinates": [1, 2]}, {"type": "LineString", "coordinates": degrees((0, 0), (9, 9))},
    {"type": "GeometryCollection", "geometries": []}, {"type": "Polygon", "coordinates": []}])
def test_what_has_no_polygon_is_no_building(geometry):
    with pytest.warns(InputWarning, match="feature 1: a building that is no polygon; 1 of 2 features are such"):
        made = city(feature(height=9), shaped(geometry))
    other = city(feature(height=9), shaped(geometry, building=None, natural="tree"))    # nothing to be said of
    assert other.height_sources == made.height_sources
    assert sum(made.height_sources.values()) == len(made.polygons) == 1


def tangle(corners):
    """A ring that crosses itself about once per pair of corners."""
    points = degrees(*np.random.default_rng(0).uniform(-50, 50, (corners, 2)))
    return polygon([*points, points[0]])


def star(corners, *swapped):
    """A ring round the origin, of which some corners change places with the next."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    points = 40 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for at in swapped:
        points[[at, at + 1]] = points[[at + 1, at]]
    return polygon(degrees(*points, points[0]))


@pytest.mark.parametrize("geometry", [star(701, 5), star(4990, 5, 90, 2500), star(400, *range(0, 400, 4))])
def test_long_rings_with_some_crossings_are_mended(geometry):
    assert area(geometry) == pytest.approx(np.pi * 1600, rel=0.01)


@pytest.mark.parametrize(("geometry", "corners"), [(tangle(900), 901), (tangle(4900), 4901), (star(5001, 5), 5002)])
def test_tangled_rings_are_left_out_and_said(geometry, corners):
    with pytest.warns(InputWarning, match=rf"f: feature 1: its rings cross too often \({corners} corners\); mend it "
                                          "first, as shapely.make_valid does; 1 of 2 buildings in the window are left"):
        made = city(feature(60, 60, 80, 80, height=9), shaped(geometry, height=9))
    assert made.height_sources["left_out"] == 1 and shapely.area(made.polygons) == pytest.approx([400], rel=0.01)


def test_many_tangled_rings_are_mended_up_to_a_bound():
    with pytest.warns(InputWarning, match="feature 3: its rings cross too often .301 corners.*; 3 of 6 buildings"):
        made = city(*(shaped(tangle(300), height=height) for height in range(1, 7)))
    assert len(made.polygons) == 3


WATER = polygon(ring(-90, -90, -50, -50))


@pytest.mark.parametrize("tags", [
    {"natural": "water"}, {"landuse": "residential"}, {"leisure": "park", "height": 3}, {"area:highway": "footway"},
    {"highway": "pedestrian", "area": "yes"}, {"demolished:building": "yes", "height": 9}, {"was:building": "yes"},
    {"razed:building": "house"}, {}, {"name": "x"}, {"building": "no"}, {"building": "No"}, {"building": "demolished"},
    {"building": "Ruins"}, {"building": "NO", "height": 9}, {"building": "Roof"}, {"building": "carport"}])
def test_polygons_that_are_no_buildings_are_left_out(tags):
    made = city(feature(height=9), {"type": "Feature", "properties": tags, "geometry": WATER})
    assert made.heights_m.tolist() == [9.0] and made.height_sources["left_out"] == 1


def test_the_window_is_that_of_the_buildings():
    lake = {"type": "Feature", "properties": {"natural": "water"}, "geometry": polygon(ring(-2000, -2000, 2000, 2000))}
    made = footprints.to_city(without_window(lake, feature(height=9)), "made", "f", "file")
    assert made.side_m == pytest.approx(50.0, abs=0.2) and made.height_sources["left_out"] == 1


@pytest.mark.parametrize("tags", [{}, None, {"BLDG_ID": 7}, {"landuse": None, "building": ""}, {"building:levels": 2}])
def test_without_keys_of_openstreetmap_every_polygon_is_a_building(tags):
    plain = {"type": "Feature", "properties": tags, "geometry": WATER}
    made = city({"type": "Feature", "properties": {"height": 9}, "geometry": polygon(ring(0, 0, 50, 50))}, plain)
    assert len(made.polygons) == 2 and made.height_sources["left_out"] == 0


@pytest.mark.parametrize("tags", [{"natural": "water", "height": 3}, {"landuse": "retail"}, {"building": "no"}])
def test_a_file_without_buildings_is_refused(tags):
    with pytest.raises(InputError, match="f: none of 1 polygons has `building` or `building:part`; expected them, or"):
        city({"type": "Feature", "properties": tags, "geometry": WATER})


def test_a_key_or_two_do_not_make_footprints_openstreetmap():
    corners = [(30 * column, 30 * row) for column in range(3) for row in range(3)]
    plain = [feature(x, y, x + 20, y + 20, height=9) for x, y in corners]
    for one in plain:
        one["properties"].pop("building", None)
    plain[0]["properties"]["amenity"] = "school"
    assert len(city(*plain).polygons) == 9


def test_polygons_with_a_height_that_are_left_out_are_told():
    plain = feature(60, 0, 110, 50, height=9)
    plain["properties"].pop("building", None)
    with pytest.warns(InputWarning, match="f: 1 of 2 polygons have a height, but no `building`"):
        made = city(feature(height=9), plain)
    assert len(made.polygons) == 1


def test_estimates_are_counted_as_such():
    made = city(feature(height=9), feature(60, 0, 70, 9, est_height="12 m"))
    assert made.height_sources == {"height": 1, "levels": 0, "default": 0, "replaced": 0, "left_out": 0, "estimate": 1}


@pytest.mark.parametrize(("content", "said"), [
    (gzip.compress(b"{}", mtime=0), "looks like a gzip file; expected building footprints in GeoJSON: unpack it first"),
    (b"PK\x03\x04rest", "looks like a zip file"), (b"BZh91AY", "looks like a bzip2 file"),
    (b'{"type": "Feature"}\n{"type": "Feature"}', "looks like one JSON object a line; expected .*: join the features"),
    (b'\n{"a": 1}\r\n{"a": 2}\r\n{"a": 3}\r\n', "one JSON object a line"),
    (b'\x1e{"a": 1}\n\x1e{"a": 2}\n', "one JSON object a line"), (b'{"a": 1},\n{"a": 2}', "one JSON object a line")])
def test_files_of_another_kind_are_said(tmp_path, content, said):
    path = tmp_path / "odd.geojson"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"odd.geojson: (looks like )?{said}"):
        footprints.read(path)


def test_features_one_a_line_within_a_collection_are_read(tmp_path):
    whole = document(feature(height=9), feature(60, 0, 70, 9, height=9))
    lines = ",\n".join(json.dumps(made) for made in whole.pop("features"))
    text = json.dumps(whole)[:-1] + ',\n"features": [\n' + lines + "\n]}\n"
    assert len(read(tmp_path / "lines.geojson", text).polygons) == 2
    assert len(read(tmp_path / "lines.geojson", json.dumps(json.loads(text), indent=1)).polygons) == 2


def test_a_site_stands_in_for_a_missing_origin(tmp_path):
    path, site = tmp_path / "mine.geojson", (ORIGIN, (-100, -100, 100, 100))
    path.write_text(json.dumps(without_window(feature(height=9))), encoding="utf-8")
    assert footprints.read(path, None, *site).side_m == 200.0 and footprints.read(path).side_m < 51
    for odd in (exchanged(without_window(feature(height=9))), without_window(feature(5000, 0, 5050, 50, height=9))):
        path.write_text(json.dumps(odd), encoding="utf-8")
        with pytest.raises(InputError, match="no building in its window; check window_m, and that longitude comes fir"):
            footprints.read(path, None, *site)


def read(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return footprints.read(path)


CUT = ring(0, 0, 50, 50)[:-1]


@pytest.mark.parametrize(("content", "message"), [
    ('{"type": "FeatureColl', "bad.geojson: broken or something else .*; expected building footprints in GeoJSON"),
    ("", "bad.geojson: broken or something else"), ("<html>", "bad.geojson: broken or something else"),
    ('{"features": [], "features": []}', "the key 'features' stands twice"), ("[" * 9999, "nested too deeply"),
    ([1, 2], "bad.geojson: not GeoJSON: expected an object with a list `features`"),
    ({"features": 3}, "expected an object with a list `features`"), ({"type": "Topology"}, "a list `features`"),
    (document(), "bad.geojson: no polygon among 0 features"),
    (document({"geometry": {"type": "Point", "coordinates": [1, 2]}}, {"geometry": None}), "no polygon among 2"),
    (document(feature(), 5), "feature 1: found '5'; expected a GeoJSON feature"),
    (document(feature(), None), "feature 1: found 'None'"),
    (document(feature(), {"type": "Feature"}), "with a geometry"),
    (document({"geometry": "Polygon"}), "feature 0: its geometry is 'Polygon'; expected a Polygon, a"),
    (document({"geometry": {"type": "polygon", "coordinates": []}}), "feature 0: its geometry is 'polygon'"),
    (document({"geometry": {}}), "feature 0: its geometry is '{}'"),
    (document(feature(), shaped(polygon([[1, "x"]]))), "feature 1: broken Polygon"),
    (document(feature(), shaped({"type": "Polygon", "coordinates": 7})), "feature 1: broken Polygon"),
    (document(feature(), shaped({"type": "Polygon"})), "feature 1: broken Polygon"),
    (document(shaped(polygon(CUT))), "feature 0: broken Polygon .*; expected closed rings of"),
    (document(shaped(polygon([*CUT, [None, 1]]))), "feature 0: broken Polygon"),
    (document(shaped(polygon([[True, False], *CUT, [True, False]]))), "feature 0: broken Polygon"),
    (document(shaped(polygon([["1", "2"], *CUT, ["1", "2"]]))), "feature 0: broken Polygon"),
    (document(shaped(polygon([[float("nan"), 2.0], *CUT, [float("nan"), 2.0]]))), "feature 0: broken Polygon"),
    (document(shaped(polygon([[448e3, 4.6e6], [449e3, 4.6e6], [449e3, 4.7e6], [448e3, 4.6e6]]))),
     "feature 0: longitude 448000"),
    (document(feature(5000, 0, 5050, 50)), "no building in its window; check window_m"),
    (document(feature()), "no building with a height"), (document(feature(height=0)), "no building with a height"),
    (document(feature(height=3), window_m=[0, 0, 50, 80]), "expected a square"),
    (document(feature(height=3), window_m=[100, 100, -100, -100]), "expected a square"),
    (document(feature(height=3), window_m=[-100, 100, -100, 100]), "expected a square"),
    (document(feature(height=3), window_m=[0, 0, 50]), "window_m is .* expected 4 numbers"),
    (document(feature(height=3), window_m="1234"), "window_m is '1234'; expected 4 numbers"),
    (document(feature(height=3), window_m=["0", "0", "9", "9"]), "window_m is .* expected 4 numbers"),
    (document(feature(height=3), window_m=[0, 0, float("nan"), 9]), "window_m is .* expected 4 numbers"),
    (document(feature(height=3), window_m=[0, 0, True, True]), "window_m is .* expected 4 numbers"),
    (document(feature(height=3), window_m=[0, 0, 10**400, 10**400]), "window_m is .* expected 4 numbers"),
    (document(feature(height=3), window_m=[-730, -730, 730, 730]),
     "its window is 1.46 km wide; expected at most 1.448"),
    (document(feature(height=3), window_m=8.0), "window_m is '8.0'; expected 4 numbers"),
    (document(feature(height=3), origin_lonlat="here"), "origin_lonlat is 'here'; expected 2 numbers"),
    (document(feature(height=3), origin_lonlat=[200, 0]), "the site lies at longitude 200"),
    (document(feature(height=3), origin_lonlat=ORIGIN[::-1]), "the site lies at longitude 41.8795, latitude -87.6298"),
])
def test_bad_files_are_named(tmp_path, content, message):
    path = tmp_path / "bad.geojson"
    with pytest.raises(InputError, match=message) as error:
        read(path, content)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(("path", "said"), [
    ("gone.geojson", "gone.geojson: no such file"), (".", "this is a folder"), ("\0", "cannot be read"),
    (None, "path is None"), (5, "path is 5"), (b"x", "path is"), (["x"], "path is")])
def test_what_is_no_file_is_named(path, said):
    with pytest.raises(InputError, match=said):
        footprints.read(path)


def test_heaps_of_corners_are_refused(tmp_path, monkeypatch):
    circle = np.linspace(0, 2 * np.pi, 500)
    rings = degrees(*np.stack([40 * np.cos(circle), 40 * np.sin(circle)], axis=1)[:-1])
    content = document(*[shaped(polygon([*rings, rings[0]]), height=9)] * 3)
    monkeypatch.setattr(geojson, "MOST_CORNERS", 1200)
    with pytest.raises(InputError, match="feature 2: the polygons up to here have 1500 corners; expected at most 1200"):
        read(tmp_path / "many.geojson", content)
    monkeypatch.setattr(footprints, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="many.geojson: .* bytes; expected at most 1000"):
        read(tmp_path / "many.geojson", content)
    monkeypatch.setattr(footprints, "MOST_BUILDINGS", 2)
    with pytest.raises(InputError, match="f: 3 buildings in its window; expected at most 2: give a smaller window_m"):
        city(feature(), feature(), feature())


@pytest.mark.parametrize("crs", [
    None, "EPSG:4326", "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "OGC:CRS84",
    "urn:ogc:def:crs:EPSG::4326", "urn:ogc:def:crs:EPSG::4258", "EPSG:4269", "epsg:4258", "EPSG4326", "WGS84", "WGS 84",
    "CRS84", "CRS:84", " OGC:CRS84 ", "http://www.opengis.net/def/crs/OGC/1.3/CRS84", "urn:ogc:def:crs:EPSG:9.9:4269",
    "urn:ogc:def:crs:EPSG:8.9:4326", "http://www.opengis.net/def/crs/EPSG/0/4326"])
def test_longitude_and_latitude_may_be_named(crs):
    assert len(city(feature(height=9), crs=crs and {"type": "name", "properties": {"name": crs}}).polygons) == 1


def test_corners_that_are_right_with_the_axes_exchanged_are_said():
    def turned(x, y):
        return 0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y

    berlin = (13.4, 52.5)
    houses = [shaped(polygon(degrees(*(turned(x + dx, y + dy) for dx, dy in (
        (0, 0), (40, 0), (40, 40), (0, 40), (0, 0))), origin=berlin)), height=9)
        for x in (0, 60, 120) for y in (0, 60, 120)]
    right = footprints.to_city(without_window(*houses), "made", "f", "file")
    assert shapely.area(right.polygons) == pytest.approx(1600, rel=0.01)
    with pytest.warns(InputWarning,
                      match="f: the site lies at longitude 52.50.*, latitude 13.40.*, and 0% of its corners "
                                          "are right angles, 100% with the axes exchanged"):
        footprints.to_city(exchanged(without_window(*houses)), "made", "f", "file")


@pytest.mark.parametrize("place", [(13.4, 52.5), (18.4, -33.9), (3.4, 6.5)])
def test_walls_along_the_axes_do_not_tell_which_comes_first(place):
    box = without_window(shaped(polygon(ring(0, 0, 50, 80, place)), height=9))
    for either, (lon, lat) in ((box, place), (exchanged(box), place[::-1])):
        with pytest.warns(InputWarning, match=f"longitude {int(lon)}.*, latitude {int(lat)}.* 100% of .*, 100% with "
                                              "the axes exchanged, which does not tell that longitude comes first"):
            footprints.to_city(either, "made", "f", "file")
    assert len(footprints.to_city(box | {"origin_lonlat": place}, "made", "f", "file").polygons) == 1


@pytest.mark.parametrize(("place", "said"), [
    ((-74.0, 40.7), "the site lies at longitude 40.70.*, latitude -73.9997"), ((82.0, 26.0), "latitude 82.0")])
def test_places_where_nobody_lives_are_said(place, said):
    box = without_window(shaped(polygon(ring(0, 0, 50, 50, place)), height=9))
    with pytest.warns(InputWarning, match=said):
        footprints.to_city(exchanged(box), "made", "f", "file")
    # with an origin of its own a document is taken at its word
    made = footprints.to_city(exchanged(box) | {"origin_lonlat": place[::-1]}, "made", "f", "file")
    assert len(made.polygons) == 1


def test_a_file_keeps_its_name_and_checksum(tmp_path):
    made = read(tmp_path / "mine_buildings.geojson", document(feature(height=3)))
    assert made.name == "mine" and made.source == "file" and len(made.md5) == 32 and not made.synthetic
    assert footprints.read(tmp_path / "mine_buildings.geojson", "other").name == "other"


@pytest.mark.parametrize("odd", [np.array(3.0), np.float64(3.0), np.zeros((4, 1)), {"a": 1}])
def test_windows_that_are_no_list_of_numbers(odd):
    for given in ({"window_m": odd}, {"origin_lonlat": odd}):
        with pytest.raises(InputError, match=f"f: {next(iter(given))} is .*; expected . numbers"):
            city(feature(height=9), **given)
