"""Buildings and their parts: what of an outline still counts."""

import numpy as np
import pytest
import shapely

from rsslib.data.osm_parts import replace_outlines
from rsslib.project import InputError


def replaced(*rows):
    """Rows of (west, south, east, north, top, base, is_part); return {(top, base): area} and the rows left."""
    shapes = np.array([shapely.box(*row[:4]) for row in rows], object)
    top, base, is_part = (np.array([row[at] for row in rows]) for at in (4, 5, 6))
    shapes, top, base, row = replace_outlines(shapes, top.astype(float), base.astype(float), is_part.astype(bool),
                                              "made")
    assert shapely.is_valid(shapes).all() and len(shapes) == len(top) == len(base) == len(row)
    areas = {}
    for key, area in zip(zip(top.tolist(), base.tolist()), shapely.area(shapes)):
        areas[key] = areas.get(key, 0) + area
    return areas, sorted(set(row.tolist()))


HOUSE = (0, 0, 100, 100, 200, 0, False)


def test_parts_that_fill_an_outline_take_its_place():
    podium, tower = (0, 0, 100, 100, 10, 0, True), (40, 40, 60, 60, 200, 10, True)
    assert replaced(HOUSE, podium, tower) == ({(10, 0): 10_000, (200, 10): 400}, [1, 2])
    assert replaced(tower, HOUSE, podium) == ({(10, 0): 10_000, (200, 10): 400}, [0, 2])


def test_what_they_leave_open_keeps_the_top_of_the_outline():
    assert replaced(HOUSE, (0, 0, 50, 100, 10, 0, True)) == ({(10, 0): 5000, (200, 0): 5000}, [0, 1])
    low = (0, 0, 100, 100, 10, 0, False)
    assert replaced(low, (40, 40, 60, 60, 200, 0, True)) == ({(200, 0): 400, (10, 0): 9600}, [0, 1])


def test_nearly_filled_counts_as_filled():
    assert replaced(HOUSE, (0, 0, 96, 100, 10, 0, True)) == ({(10, 0): 9600}, [1])
    assert replaced(HOUSE, (0, 0, 94, 100, 10, 0, True)) == ({(10, 0): 9400, (200, 0): 600}, [0, 1])


def test_slivers_of_an_outline_do_not_count():
    # a strip of 20 m and a corner of 1 m x 1 m are left, less than a pixel
    areas, _ = replaced(HOUSE, (0, 0, 80, 99, 10, 0, True), (1, 99, 80, 100, 10, 0, True))
    assert areas == {(10, 0): 7999, (200, 0): 2000}


def test_raised_parts_stand_on_the_outline_if_that_is_not_filled():
    # as in Sydney: the outline is the podium, and the parts begin at its top
    podium, tower = (0, 0, 100, 100, 18, 0, False), (40, 40, 60, 60, 120, 18, True)
    assert replaced(podium, tower) == ({(120, 18): 400, (18, 0): 10_000}, [0, 1])
    # the outline has the height of the whole building: below the part it ends where that begins
    assert replaced(HOUSE, (40, 40, 60, 60, 50, 20, True)) == (
        {(50, 20): 400, (200, 0): 9600, (20, 0): 400}, [0, 1])


def test_under_a_raised_part_of_a_filled_outline_it_is_open():
    assert replaced(HOUSE, (0, 0, 80, 100, 30, 0, True), (80, 0, 100, 100, 30, 9, True)) == (
        {(30, 0): 8000, (30, 9): 2000}, [1, 2])


def test_a_part_belongs_to_the_outlines_that_hold_half_of_it():
    kiosk, bridge = (0, 0, 10, 10, 5, 0, False), (-50, 0, 60, 10, 30, 20, True)
    assert replaced(kiosk, bridge) == ({(5, 0): 100, (30, 20): 1100}, [0, 1])
    inner, outer = (20, 20, 80, 80, 90, 0, False), HOUSE
    areas, _ = replaced(outer, inner, (20, 20, 80, 80, 15, 0, True))
    assert areas == {(15, 0): 3600, (200, 0): 6400}


TERRACE = [(x, 0, x + 30, 100, 200, 0, False) for x in (0, 30, 60)]


@pytest.mark.parametrize(("part", "expected"), [
    ((0, 0, 90, 100, 10, 0, True), {(10, 0): 9000}),                              # one part fills three outlines
    ((0, 40, 90, 60, 10, 0, True), {(10, 0): 1800, (200, 0): 7200}),
    ((12, 0, 50, 100, 10, 0, True), {(10, 0): 3800, (200, 0): 5200}),             # of two, 47% and 53% of the part
    ((0, 0, 33, 100, 10, 0, True), {(10, 0): 3300, (200, 0): 6000}),              # over a neighbour by a little
    ((0, 0, 90, 100, 210, 200, True), {(210, 200): 9000, (200, 0): 9000}),        # on top of them all
    ((-400, 0, 90, 100, 10, 0, True), {(10, 0): 49_000, (200, 0): 9000})])        # most of it lies elsewhere
def test_a_part_over_several_outlines(part, expected):
    assert replaced(*TERRACE, part)[0] == pytest.approx(expected)


def test_a_small_outline_under_the_part_of_another_gives_way():
    wide, narrow = (0, 0, 90, 100, 200, 0, False), (90, 0, 100, 100, 150, 0, False)
    assert replaced(wide, narrow, (0, 0, 100, 100, 10, 0, True)) == ({(10, 0): 10_000}, [2])


def test_parts_together_fill_an_outline():
    quarters = [(x, y, x + 50, y + 50, 10, 0, True) for x in (0, 50) for y in (0, 50)]
    assert replaced(HOUSE, *quarters) == ({(10, 0): 10_000}, [1, 2, 3, 4])


def test_a_bridge_over_a_kiosk_leaves_it():
    hall, kiosk = (0, 0, 100, 100, 40, 0, False), (40, 40, 60, 60, 4, 0, False)
    assert replaced(hall, kiosk, (30, 30, 70, 70, 40, 20, True))[0][4, 0] == 400


def test_without_parts_nothing_changes():
    shapes, top, base, row = replace_outlines(np.array([shapely.box(0, 0, 1, 1), shapely.box(0, 0, 2, 2)]),
                                              np.array([3.0, 4.0]), np.array([0.0, 1.0]), np.zeros(2, bool), "made")
    assert shapely.area(shapes).tolist() == [1, 4] and row.tolist() == [0, 1]
    assert top.tolist() == [3, 4] and base.tolist() == [0, 1]
    none = replace_outlines(np.array([], object), np.zeros(0), np.zeros(0), np.zeros(0, bool), "made")
    assert [len(values) for values in none] == [0] * 4


def test_heaps_of_parts_are_refused():
    heap = [(-1 - number / 1e5, 0, 1, 1, 9, 0, number % 2) for number in range(400)]
    with pytest.raises(InputError, match="made: 200 parts and 200 buildings overlap in 40000 pairs; expected at most"):
        replaced(*heap)
