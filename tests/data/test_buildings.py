"""Obstacles: what a city may hold, the height raster of hand-made buildings, and which cells are outdoors."""

import numpy as np
import pytest
import shapely

from rsslib.data.buildings import City, centres, height_raster, outdoor
from rsslib.project import InputError


def city(*boxes, side=20.0):
    """Boxes as (west, south, east, north, top[, bottom])."""
    tops, bottoms = [box[4] for box in boxes], [box[5] if len(box) > 5 else 0.0 for box in boxes]
    polygons = np.array([shapely.box(*box[:4]) for box in boxes], object)
    return City("made", polygons, np.array(tops), np.array(bottoms), side)


def test_a_polygon_covers_the_pixels_whose_centres_it_holds():
    raster = height_raster(city((2, 4, 6, 8, 9.0)))
    expected = np.zeros((10, 10))
    expected[2:4, 1:3] = 9.0              # rows from the south, columns from the west
    assert raster.dtype == np.float32 and (raster == expected).all()


def test_courtyards_are_open_and_the_highest_counts():
    ring = shapely.box(0, 0, 20, 20) - shapely.box(8, 8, 12, 12)
    yard = City("yard", np.array([ring, shapely.box(0, 0, 4, 4)]), np.array([10.0, 30.0]), np.zeros(2), 20.0)
    raster = height_raster(yard)
    assert raster[0, 0] == 30 and raster[9, 9] == 10 and (raster[4:6, 4:6] == 0).all() and (raster > 0).sum() == 96


def test_what_hangs_in_the_air_counts_only_above_a_building():
    raster = height_raster(city((0, 0, 10, 10, 12.0), (0, 0, 20, 4, 40.0, 12.0)))
    assert raster[0, 0] == 40 and raster[4, 4] == 12 and raster[0, 9] == 0


def test_other_pixels_and_what_reaches_beyond_the_window():
    raster = height_raster(city((-50, -50, 10, 70, 5.0), side=21.0), 5.0)
    assert raster.shape == (5, 5) and (raster[:, :2] == 5).all() and (raster[:, 2:] == 0).all()


def test_outdoor_cells():
    made = city((0, 0, 10, 10, 12.0), (12, 12, 20, 20, 40.0, 12.0))
    free = outdoor(made, 4)
    assert free.sum() == 12 and not free[:2, :2].any()
    assert (outdoor(made, 4, raster=height_raster(made)) == free).all()
    assert outdoor(City("empty", np.array([], object), np.array([]), np.array([]), 20.0), 5).all()


def test_a_centre_in_a_corner_of_a_free_pixel_is_indoors():
    # the pixel's centre (11, 1) is free, the cell's centre (10.5, 1.5) is not
    free = outdoor(city((0, 0, 10.8, 20, 9.0), side=21.0), 7)
    assert height_raster(city((0, 0, 10.8, 20, 9.0), side=21.0))[0, 5] == 0 and not free[0, 3]


def test_lists_are_arrays_too():
    made = City("made", [shapely.box(0, 0, 4, 4)], [9], [0], 20)
    assert made.heights_m.tolist() == [9.0] and made.standing.tolist() == [True] and made.side_m == 20.0
    assert outdoor(made, np.int64(5)).sum() == 24


BOX = shapely.box(0, 0, 4, 4)


@pytest.mark.parametrize(("polygons", "heights", "bases", "side", "said"), [
    ([BOX], [9.0, 8.0], [0.0], 20.0, "made: 1 polygons, 2 heights_m and 1 bases_m; expected one of each"),
    ([BOX], [9.0], [], 20.0, "1 polygons, 1 heights_m and 0 bases_m"),
    ([BOX, BOX], [9.0, np.nan], [0.0, 0.0], 20.0, r"building 1 is \[ 0. nan\] \(1 of 2 buildings\); expected numbers"),
    ([BOX], [1e300], [0.0], 20.0, "base and top: building 0 .* expected numbers within 10000 m"),
    ([BOX], [9.0], [0.0], 1e-300, "side_m is 1e-300; expected metres, 0.01 or more"),
    ([BOX], [np.inf], [0.0], 20.0, "base and top: building 0"), ([BOX], [9.0], [9.0], 20.0, "the top above the base"),
    ([BOX], np.ma.array([9.0], mask=[True]), [0.0], 20.0, "base and top: building 0 is"),
    ([BOX], ["9"], [0.0], 20.0, "heights_m is <U1"), ([BOX], [True], [0.0], 20.0, "heights_m is bool"),
    ([BOX], [[9.0]], [0.0], 20.0, r"of shape \(1, 1\)"), ([BOX], 9.0, [0.0], 20.0, r"of shape \(\)"),
    ([BOX], [None], [0.0], 20.0, "heights_m is object"), ([BOX], [9 + 1j], [0.0], 20.0, "heights_m is complex"),
    ([None], [9.0], [0.0], 20.0, "made: polygons: expected an array of one shapely geometry per building"),
    (["POLYGON"], [9.0], [0.0], 20.0, "polygons: expected"), (BOX, [9.0], [0.0], 20.0, "polygons: expected"),
    ([BOX.exterior], [9.0], [0.0], 20.0, r"building 0 is LINEARRING.*expected a valid polygon"),
    ([shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])], [9.0], [0.0], 20.0, "see shapely.make_valid"),
    ([shapely.Polygon()], [9.0], [0.0], 20.0, "building 0 is POLYGON EMPTY"),
    ([shapely.GeometryCollection([BOX])], [9.0], [0.0], 20.0, "building 0 is GEOMETRYCOLLECTION"),
    ([BOX], [9.0], [0.0], 0.0, "made: side_m is 0.0; expected a number above 0"), ([BOX], [9.0], [0.0], -5.0, "side_m"),
    ([BOX], [9.0], [0.0], np.nan, "side_m"), ([BOX], [9.0], [0.0], "20", "side_m"),
    ([BOX], [9.0], [0.0], None, "side_m"),
    ([shapely.box(0, 0, 20, 20)] * 11, [9.0] * 11, [0.0] * 11, 20.0, "cover the window 11 times; expected at most 10"),
])
def test_what_is_no_city_is_refused(polygons, heights, bases, side, said):
    with pytest.raises(InputError, match=said):
        City("made", polygons, heights, bases, side)


@pytest.mark.parametrize(("arguments", "said"), [
    ({"pixel_m": 0.0}, "pixel_m is 0.0; expected a number above 0"), ({"pixel_m": -2.0}, "pixel_m"),
    ({"pixel_m": np.nan}, "pixel_m"), ({"pixel_m": "2"}, "pixel_m"), ({"pixel_m": True}, "pixel_m"),
    ({"pixel_m": 1e-3}, "20000 x 20000 pixels of 0.001 m; expected at most 724 along a side"),
    ({"pixel_m": 1e-300}, "expected at most 724"),
    ({"n": 0}, "n is 0; expected a whole number of cells per side, 1 to 724"), ({"n": -4}, "n is -4"),
    ({"n": 4.0}, "n is 4.0"), ({"n": True}, "n is True"), ({"n": "4"}, "n is '4'"),
    ({"n": 10**9}, "n is 10000"), ({"raster": np.zeros((9, 9))}, r"the raster is \(9, 9\); expected 10 x 10 pixels"),
    ({"raster": "none"}, r"the raster is \(\)"),
])
def test_what_is_no_raster_is_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        outdoor(city((2, 4, 6, 8, 9.0)), **{"n": 4} | arguments)


def test_centres_need_a_number_of_cells_and_a_side():
    assert centres(2, 10).tolist() == [[2.5, 2.5], [7.5, 2.5], [2.5, 7.5], [7.5, 7.5]]
    for n, side in ((0, 10.0), (2.5, 10.0), (725, 10.0), (2, 0.0), (2, np.inf), (2, "10")):
        with pytest.raises(InputError, match="expected"):
            centres(n, side)
