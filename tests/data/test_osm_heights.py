"""Heights from the keys of OpenStreetMap: units, lists and ranges, levels and roofs, what is no obstacle."""

import math

import pytest

from rsslib.data.osm_heights import extent, is_building, is_tagged, levels, metres


@pytest.mark.parametrize(("text", "expected"), [
    ("12", 12), ("12.5", 12.5), ("12,5", 12.5), ("12,50", 12.5), (".5", 0.5), ("12.", 12), ("0", 0), ("0 m", 0),
    ("12 m", 12), ("12m", 12), ("12 M", 12), ("12 m.", 12), ("12 metres", 12), ("1 metre", 1), ("12 meters", 12),
    (" 12  m ", 12), ("12\u00a0m", 12), ("1200 cm", 12), ("0.1 km", 100), ("10 yards", 9.144), ("0.1 mi", 160.9344),
    ("574'", 174.9552), ("574’", 174.9552), ("574′", 174.9552), ("131 ft", 39.9288), ("131ft", 39.9288),
    ("131 feet", 39.9288), ("131 foot", 39.9288), ("131 ft.", 39.9288), ("12,5 ft", 3.81),
    ("12'6\"", 3.81), ("12' 6\"", 3.81), ("12′6″", 3.81), ("12’6”", 3.81), ("12'6''", 3.81), ("12'6", 3.81),
    ("12 ft 6 in", 3.81), ("12 feet 6 inches", 3.81), ("5'6.5\"", 1.6891), ("150\"", 3.81), ("150 in", 3.81),
    ("~12", 12), ("~ 12 m", 12), ("≈12", 12), ("approx 12", 12), ("approx. 12 m", 12), ("approximately 40 ft", 12.192),
    ("ca. 12", 12), ("about 12", 12), ("12;15", 15), ("15; 12", 15), ("12-15", 15), ("12 - 15 m", 15), ("12–15", 15),
    ("30-40 ft", 12.192), ("30;40'", 12.192), ("30 ft;10 m", 10), ("5'6\"-6'2\"", 1.8796),
    ("30ft-40", 12.192), ("30 ft - 40", 12.192), ("40;30 ft", 12.192), ("30'-40", 12.192), ("10 m-12", 12),
    ("100cm-200", 2), ("10-20-30 ft", 9.144), ("574'-6\"", 175.1076), ("574' - 6\"", 175.1076), ("574′–6″", 175.1076),
    ("574 ft-6 in", 175.1076), ("5'-6\"-6'-2\"", 1.8796), ("828", 828), ("2716.5 ft", 827.9892),
])
def test_heights_in_metres(text, expected):
    assert metres(text) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("text", [
    "tall", "1,234", "1.234,5", "1,234.5", "1 234", "12 6", "12'14\"", "12'6\"'", "12 m 5", "12.5.3", "1e3",
    "inf",
    "nan", "1000", "999", "831 m", "3281 ft", "30 ft;10 m;5", "574'-12\"", "1 km", "12;", ";", "12;x", "yes",
    "m", "'", "-", "12 parsec", "++12", "9" * 50, "12 " * 30_000, True, False, None, [12], {"m": 12}, math.inf,
    -math.inf, 831, 1000.0, 10**400,
])
def test_what_is_no_height_is_unknown(text):
    assert math.isnan(metres(text))


@pytest.mark.parametrize("value", [-1, -1.0, -9999, "-1", "-1.0", "−1"])
def test_negative_numbers_mean_unknown(value):
    assert metres(value) < 0 and levels(value) < 0
    assert extent({"building": "yes", "height": value, "building:levels": "2"})[:3] == (7.2, 0.0, "levels")
    assert extent({"building": "yes", "height": value}).source == "default" and not extent({"height": value}).unread


@pytest.mark.parametrize(("tags", "expected", "said"), [
    ({"height": 0, "building:levels": 8}, (28.8, "levels"), "its height is 0 and it has 8 levels"),
    ({"height": "0 m", "building:levels": "3-4", "roof:levels": 1}, (18, "levels"), "its height is 0 and it has 4 lev"),
    ({"height_m": 0.0, "levels": 2.0}, (7.2, "levels"), "its height is 0 and it has 2 levels"),
    ({"building:levels": -1}, (math.nan, "default"), "building:levels is -1"),
    ({"building:levels": "-1"}, (math.nan, "default"), "building:levels is '-1'"),
    ({"building:levels": "-1", "height": 9}, (9, "height"), ""), ({"levels": -1}, (math.nan, "default"), ""),
    ({"height": "999", "building:levels": 5}, (18, "levels"), "height is '999'"),
    ({"building:levels": 164}, (math.nan, "default"), "building:levels is 164"),
    ({"building:levels": 163, "roof:height": 300}, (math.nan, "default"), "its 163 levels and its roof make 886.8 m"),
    ({"building:height": "12 m"}, (12, "height"), ""), ({"est_height": "40 ft"}, (12.192, "estimate"), ""),
    ({"height": 9, "building:height": 12, "est_height": 15}, (9, "height"), ""),
    ({"height": "tall", "building:height": 12}, (12, "height"), "height is 'tall'"),
    ({"building:height": "?", "est_height": 15, "building:levels": 2}, (15, "estimate"), "building:height is '?'"),
    ({"est_height": "low", "building:levels": 2}, (7.2, "levels"), "est_height is 'low'")])
def test_the_order_of_the_keys(tags, expected, said):
    found = extent({"building": "yes"} | tags)
    assert (found.top_m, found.source) == pytest.approx(expected, nan_ok=True) and found.unread.startswith(said)
    assert bool(found.unread) == bool(said)


@pytest.mark.parametrize(("tags", "is_one"), [
    ({"building": "yes"}, True), ({"building": "Roof"}, True), ({"building:part": "yes"}, True), ({"part": True}, True),
    ({"building": True}, True), ({"building": 7}, True), ({}, False), ({"height": 9}, False), ({"building": ""}, False),
    ({"building": "no"}, False), ({"building": " No "}, False), ({"building": False}, False), ({"building": 0}, False),
    ({"building": None}, False), ({"building": math.nan}, False), ({"building": "Demolished"}, False),
    ({"building": "proposed"}, False), ({"building": "no", "building:part": "yes"}, True),
    ({"building:part": "No"}, False), ({"natural": "water"}, False), ({"demolished:building": "yes"}, False),
    ({"was:building": "yes"}, False), ({"disused:building": "house"}, True), ({"abandoned:building": "no"}, False),
    ({"razed:building": "yes", "building": "yes"}, True)])
def test_what_is_a_building(tags, is_one):
    assert is_building(tags) == is_one


@pytest.mark.parametrize(("tags", "tagged"), [
    ({"building": "no"}, True), ({"building:part": "yes"}, True), ({"natural": "water"}, True),
    ({"razed:building": "yes"}, True), ({"area:highway": "footway"}, True), ({"landuse": None, "height": 9}, False),
    ({"building": ""}, False), ({"BLDG_ID": 7, "height": 9}, False), ({}, False), ({"building:levels": 3}, False),
    ({"historic": "no", "height": 9}, False), ({"historic": False}, False), ({"amenity": "school"}, True)])
def test_what_openstreetmap_has_tagged(tags, tagged):
    assert is_tagged(tags) == tagged


@pytest.mark.parametrize(("value", "expected"), [
    ("2;3", 3), ("3;2", 3), ("2; 3", 3), ("3-4", 4), ("3 - 4", 4), ("3–4", 4), ("2,3", 3), ("10, 12", 12), ("1,2,3", 3),
    ("3 levels", 3), ("1 floor", 1), ("2/3", 3), ("2 to 3", 3), ("2..3", 3), ("2|3", 3), ("4 storeys", 4),
    ("2;3-5", 5), ("1,5", 1.5), ("2.5", 2.5), ("0", 0), ("~3", 3), (3, 3), (2.5, 2.5), (0, 0)])
def test_levels(value, expected):
    assert levels(value) == expected


@pytest.mark.parametrize("value",
                         ["many", "2,50", "3+1", "3+", "G+3", "300", 300, "", True, None, [3], math.nan])
def test_what_is_no_number_of_levels_is_unknown(value):
    assert math.isnan(levels(value))


@pytest.mark.parametrize(("tags", "expected"), [
    ({"height": 30, "building:levels": 2}, (30, 0, "height")),
    ({"height_m": 30, "height": 12, "levels": 2}, (30, 0, "height")),
    ({"height_m": None, "levels": 2.0, "min_height": None}, (7.2, 0, "levels")),
    ({"height": "tall", "building:levels": "2"}, (7.2, 0, "levels")),
    # a height includes the roof, levels do not
    ({"height": 9, "roof:height": 3, "roof:levels": 1}, (9, 0, "height")),
    ({"building:levels": 2, "roof:levels": 1}, (10.8, 0, "levels")),
    ({"building:levels": 2, "roof:levels": "0.5"}, (9, 0, "levels")),
    ({"building:levels": 2, "roof:height": "10 ft", "roof:levels": 1}, (10.248, 0, "levels")),
    ({"building:levels": 0, "roof:levels": 1}, (3.6, 0, "levels")),
    ({"building:levels": 7, "building:min_level": 4}, (25.2, 14.4, "levels")),
    ({"height": 30, "min_height": "20 ft"}, (30, 6.096, "height")),
    ({"height": 30, "min_height": 5, "building:min_level": 4}, (30, 5, "height")),
    ({"height": 30, "min_height": -3}, (30, 0, "height")), ({"height": 30, "min_level": "2"}, (30, 0, "height")),
    ({"height": 30, "building:min_level": 1, "min_level": 2}, (30, 3.6, "height")),
    ({"height": 30, "min_height": 5, "min_level": 2}, (30, 5, "height")),
    ({"height": 30, "building:min_height": 5, "min_level": 2}, (30, 5, "height")),
    ({"height": 30, "min_level": -2}, (30, 0, "height")), ({"height": 30, "min_level": 0}, (30, 0, "height")),
    ({"height": 30, "layer": "1", "location": "surface"}, (30, 0, "height")),
])
def test_top_and_base(tags, expected):
    found = extent({"building": "yes"} | tags)
    assert found[:2] == pytest.approx(expected[:2]) and found.source == expected[2] and not found.is_part


@pytest.mark.parametrize("tags", [
    {"height": 0}, {"height": "0 m"}, {"height": 0, "building:levels": 0}, {"building:levels": "0"},
    {"building:levels": 0, "building:levels:underground": 3}, {"location": "underground"},
    {"location": "Underground", "height": 9}, {"layer": -1}, {"layer": "-1"}, {"layer": "-2", "height": 9},
    {"layer": "−1"}, {"layer": -0.5}, {"layer": "-1;0"}, {"building": "roof", "height": 4}, {"building": "no"},
    {"location": "UNDERGROUND "}, *({"building": value, "height": 9} for value in (
        "No", "NO", "Roof", "ROOF", "carport", "Carport", "demolished", "Demolished", "ruins", "razed", False)),
    {"demolished": "yes", "height": 9}, {"razed": "Yes", "building:levels": 2}])
def test_what_is_no_obstacle(tags):
    assert extent({"building": "yes"} | tags).source == "left_out"


@pytest.mark.parametrize(("tags", "source", "is_part"), [
    ({"part": True}, "left_out", True), ({"part": True, "building": "yes"}, "left_out", True),
    ({"building:part": "yes"}, "left_out", True), ({"building:part": "yes", "height": 9}, "height", True),
    ({"building:part": "roof", "building": "roof", "height": 9}, "height", True),
    # both a part and a building: of unknown height it is a building like any other
    ({"building:part": "yes", "building": "yes"}, "default", False),
    ({"building:part": "yes", "building": "yes", "height": 9}, "height", True),
    ({"building:part": "no", "building": "yes"}, "default", False), ({"part": False}, "default", False),
    ({"part": math.nan}, "default", False), ({"part": "0"}, "default", False), ({"part": ""}, "default", False)])
def test_parts(tags, source, is_part):
    found = extent(tags)
    assert (found.source, found.is_part) == (source, is_part and found.source != "default")


@pytest.mark.parametrize(("tags", "said"), [
    ({"height": "tall"}, "height is 'tall'"), ({"height": True}, "height is True"),
    ({"height": [3]}, "height is [3]"), ({"building:levels": "many"}, "building:levels is 'many'"),
    ({"height": 9, "min_height": "low"}, "min_height is 'low'"), ({"height": 5e3}, "height is 5000.0"),
    ({"height": "x" * 99}, "height is '" + "x" * 76 + "..."),
    ({"height": 9}, ""), ({"height": 9, "building:levels": "many"}, ""), ({"height": ""}, ""), ({"height": " "}, ""),
    ({"height": math.nan}, ""), ({"height": None}, "")])
def test_what_cannot_be_read_is_named(tags, said):
    assert extent(tags).unread == said
