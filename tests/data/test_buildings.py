"""Obstacles: the height raster of hand-made buildings, and which cells are outdoors."""

import numpy as np
import shapely

from rsslib.data.buildings import City, height_raster, outdoor


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
