"""OpenStreetMap: what is asked, which answers count, and how long a server may take."""

import json
import time
from contextlib import nullcontext

import pytest
import shapely
from small_city import Service, ring, way

from rsslib.data import footprints, overpass
from rsslib.project import InputError, InputWarning

SITE = (-87.6298, 41.8795), (-680.0, -250.0, 420.0, 850.0)
HOUSE = way(0, 0, 50, 50, height="20")


@pytest.fixture
def service(monkeypatch):
    with Service(monkeypatch) as made:
        yield made


def relation(*lines, **tags):
    members = [{"type": "way", "role": "outer", "geometry": line} for line in lines]
    return {"type": "relation", "id": 2, "tags": {"building": "yes"} | tags,
            "members": [*members, {"type": "node", "role": "label"}]}


def turned(roles, *boxes):
    """A relation of boxes with a role each."""
    made = relation(*(way(*box)["geometry"] for box in boxes))
    return made | {"members": [member | {"role": role} for member, role in zip(made["members"], roles)]}


def test_the_request_says_who_asks_for_what(service):
    service.answer({"elements": [HOUSE]})
    assert overpass.request(*SITE)["features"]
    (agent, query), = service.asked
    assert agent == overpass.USER_AGENT and agent.startswith("rsslib/")
    assert "%5B%22building%22%5D%2841.877252%2C-87.638014%2C41.887144%2C-87.624727%29" in query
    assert query.count("building%3Apart") == 2 and "timeout%3A15" in query


def test_areas_become_features(service):
    nodes = HOUSE["geometry"]
    levels = {"building:levels": "10", "building:min_level": "2", "layer": "1", "location": "roof", "roof:levels": "1",
              "roof:height": "3", "min_height": "5", "building:part": "yes"}
    open_line = {"type": "way", "id": 3, "tags": {}, "geometry": nodes[:4]}
    bent = {"type": "way", "id": 3, "tags": {}, "geometry": [nodes[0], nodes[1], nodes[0]]}
    service.answer({"elements": [HOUSE, relation(nodes[:3], nodes[2:], **levels), open_line, bent,
                                 {"type": "way", "id": 4, "tags": {}}]})
    document = overpass.request(*SITE)
    first, second = document["features"]
    assert first["properties"] == {"building": "yes", "height": "20"}
    assert second["properties"] == {"building": "yes"} | levels
    assert first["geometry"] == {"type": "Polygon", "coordinates": [list(map(tuple, ring(0, 0, 50, 50)))]}
    assert second["geometry"]["type"] == "Polygon" and len(second["geometry"]["coordinates"][0]) == 5
    assert document["window_m"] == list(SITE[1]) and document["origin_lonlat"] == list(SITE[0])
    assert "OpenStreetMap" in document["attribution"]


OUTER, INNER, ISLAND, BESIDE = (0, 0, 50, 50), (10, 10, 40, 40), (20, 20, 30, 30), (60, 0, 70, 10)


@pytest.mark.parametrize(("roles", "boxes", "expected", "odd"), [
    (["outer", "inner"], (OUTER, INNER), 1600, False), (["outer", "outer"], (OUTER, BESIDE), 2600, False),
    (["outer", "inner", "outer"], (OUTER, INNER, ISLAND), 1700, False),
    (["outer", "outer"], (OUTER, (50, 0, 60, 50)), 3000, False), (["", ""], (OUTER, INNER), 1600, False),
    (["outer", "outer"], (OUTER, (25, 25, 75, 75)), 4375, False),
    # roles that rings do not follow: an outer one in an outer one, an inner one outside or across
    (["outer", "outer"], (OUTER, INNER), 2500, True), (["outer", "inner", "outer"], (OUTER, ISLAND, INNER), 2400, True),
    (["outer", "inner"], (OUTER, BESIDE), 2500, True), (["outer", "inner"], (OUTER, (40, 0, 60, 50)), 2000, True)])
def test_roles_of_rings(service, roles, boxes, expected, odd):
    service.answer({"elements": [turned(roles, *boxes)]})
    with pytest.warns(InputWarning, match="relation 2: its rings lie otherwise") if odd else nullcontext():
        document = overpass.request(*SITE)
    made = footprints.to_city(document | {"window_m": [-100, -100, 100, 100]} | {"features": [
        {**document["features"][0], "properties": {"building": "yes", "height": 9}}]}, "made", "f", "file")
    assert shapely.area(made.polygons).sum() == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("broken", [
    HOUSE | {"geometry": [*HOUSE["geometry"][:2], None, *HOUSE["geometry"][3:]]},
    *({**(made := turned(["outer", role], OUTER, box)), "members": [made["members"][0], {
        "type": "way", "role": role, "ref": 7, **geometry}]} for role, box in (("inner", INNER), ("outer", BESIDE))
      for geometry in ({}, {"geometry": None}, {"geometry": [None] * 5},
                       {"geometry": way(*box)["geometry"][:3]}, {"geometry": way(*box)["geometry"][:3] + [None]})),
    relation(HOUSE["geometry"][:3]), relation([HOUSE["geometry"][at] for at in (0, 2, 1, 3, 0)])])
def test_areas_with_missing_parts_are_left_out_and_said(service, broken):
    service.answer({"elements": [HOUSE, broken]})
    with pytest.warns(InputWarning, match=r"(way 1|relation 2): a part of its outline is missing .*\(1 such; 1 b"):
        assert len(overpass.request(*SITE)["features"]) == 1


def changed(**changes):
    return {"elements": [HOUSE, HOUSE | changes]}


def node(**changes):
    return changed(geometry=[*HOUSE["geometry"][:2], HOUSE["geometry"][2] | changes, *HOUSE["geometry"][3:]])


@pytest.mark.parametrize("body", [
    {"elements": [HOUSE], "remark": "runtime error: Query timed out in \"query\" at line 1 after 16 seconds."},
    {"elements": [HOUSE], "remark": ""}, {"elements": []}, {"elements": None}, {"elements": 5}, {"elements": {}}, {},
    [],
    [HOUSE], None, 5, "text", {"elements": [HOUSE, None]}, {"elements": [HOUSE, 5]}, {"elements": [HOUSE, "way"]},
    {"elements": [{"type": "way"}]}, changed(geometry=5),
    changed(geometry=["x"]), changed(geometry=[{"lon": 1}]), node(lon="-87.63"), node(lat=None), node(lat=float("nan")),
    node(lon=float("inf")), node(lon=[1]), node(lon=True), {"elements": [relation(5)]},
    {"elements": [{"type": "relation", "tags": {}}]},
    b"", b"<html>Too many requests</html>", b"\x1f\x8b\x08 rubbish", b"\xff\xfe\x00", b"[" * 100_000,
    json.dumps({"elements": [HOUSE]}).encode()[:-9],
])
def test_a_broken_or_partial_answer_is_none(service, body):
    service.answer(body)
    assert overpass.request(*SITE) is None and len(service.asked) == 1


@pytest.mark.parametrize("status", [204, 400, 404, 406, 429, 504])
def test_an_error_of_the_service_is_no_answer(service, status):
    service.answer({"elements": [HOUSE]} if status != 204 else b"", status)
    assert overpass.request(*SITE) is None


def test_a_service_that_drips_is_given_up_in_time(service):
    service.answer({"elements": [HOUSE]}, pause=0.05)
    begin = time.monotonic()
    assert overpass.request(*SITE, seconds=0.5) is None
    assert time.monotonic() - begin < 2.0


def test_a_stream_is_given_up_at_its_deadline(service, monkeypatch):
    monkeypatch.setattr(overpass, "_CHUNK", 4)
    service.answer({"elements": [HOUSE]}, pause=0.05)
    with pytest.raises(ValueError, match=r"more than 67108864 bytes or 0.5 s"):
        overpass._post("query", 0.5)


def test_a_huge_answer_is_none(service, monkeypatch):
    monkeypatch.setattr(overpass, "LARGEST_BYTES", 10_000)
    service.answer({"elements": [HOUSE] * 2})
    assert len(overpass.request(*SITE)["features"]) == 2
    service.answer({"elements": [HOUSE] * 200})
    assert overpass.request(*SITE) is None


def test_a_service_that_is_gone_is_no_answer(monkeypatch):
    monkeypatch.setattr(overpass, "URL", "http://127.0.0.1:9/")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert overpass.request((0, 0), (0, 0, 1, 1), 5.0) is None


def test_odd_times_are_refused(service):
    for seconds in (0, -1.0, "15", None, float("nan")):
        with pytest.raises(InputError, match="request: seconds is .*; expected a number above 0"):
            overpass.request(*SITE, seconds=seconds)
    assert not service.asked


@pytest.mark.parametrize(("origin", "window", "said"), [
    ((41.8795, -87.6298), SITE[1], "request: the site lies at longitude 41.8795, latitude -87.6298"),
    ("here", SITE[1], "request: origin_lonlat is 'here'; expected 2 numbers"),
    (None, SITE[1], "origin_lonlat is 'None'"),
    (SITE[0], (0, 0, 5000, 5000), "request: its window is 5 km wide"), (SITE[0], None, "window_m is 'None'"),
    (SITE[0], (0, 0, 50, 80), "expected a square")])
def test_odd_sites_are_not_asked_for(service, origin, window, said):
    with pytest.raises(InputError, match=said):
        overpass.request(origin, window)
    assert not service.asked


def test_what_has_no_tags_or_is_no_area_is_skipped():
    odd = [HOUSE | {"tags": None}, {key: HOUSE[key] for key in ("type", "geometry")}, HOUSE | {"type": "node"}]
    assert overpass._features({"elements": [*odd, HOUSE]}) == overpass._features({"elements": [HOUSE]}) != ([], [])
