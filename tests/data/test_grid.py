"""The grid: metres and pixels are inverse, readings land where receivers stand, scaled by kind."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rsslib.data import grid as grids
from rsslib.data import measurements, splits
from rsslib.data.grid import Grid
from rsslib.project import InputError

GRID = Grid(1000.0, 2000.0, 5, 4, 10.0)
metres = st.floats(-1e6, 1e7)


def one_sample(readings, kinds, positions, tx=(1000.0, 2000.0)):
    """A Dataset of one sample: `readings` in dB, `positions` (x, y) in m."""
    x, y = np.array(positions, float).T
    names = [f"{kind}-{number}" for number, kind in enumerate(kinds)]
    return measurements.build([readings], [x], [y], [[tx[0]]], [[tx[1]]], ["2022-07-01"], ["july"], names, kinds,
                              source="test")


def drawn(dataset, grid=GRID):
    """What is drawn of the only sample: {pixel: value}."""
    sensors = grids.draw(dataset, grid, grids.scaling(dataset, np.array([0])))
    return {int(p): pytest.approx(float(v)) for p, v in zip(sensors.pixel[0], sensors.value[0]) if p >= 0}


@given(metres, metres, st.floats(0.1, 1000))
def test_pixels_and_metres_are_inverse(x, y, pixel_m):
    grid = Grid(427894.1, 4511788.1, 81, 75, pixel_m)
    assert grid.to_metres(*grid.to_pixels(x, y)) == pytest.approx((x, y), abs=1e-6, rel=1e-9)


def test_the_origin_is_a_pixel_centre_and_rows_go_north():
    assert GRID.to_pixels(1000.0, 2000.0) == (0, 0)
    assert GRID.to_metres(2, 3) == (1020.0, 2030.0)
    assert GRID.shape == (4, 5)
    assert GRID.extent_km == pytest.approx((0, 0.05, 0, 0.04))


@given(st.floats(10, 3000), st.floats(10, 3000), st.floats(5, 100))
def test_the_grid_covers_the_site_with_a_buffer(east_west, north_south, pixel_m):
    dataset = one_sample([-50.0], ["cnode"], [(1e3 + east_west, 1e3 + north_south)], tx=(1e3, 1e3))
    grid = grids.make(dataset, pixel_m)
    assert (grid.x0, grid.y0) == (1e3 - pixel_m, 1e3 - pixel_m)
    assert grid.width % 2 == 1 and grid.height % 2 == 1
    column, row = grid.to_pixels(1e3 + east_west, 1e3 + north_south)
    assert 0 <= round(column) < grid.width and 0 <= round(row) < grid.height


def test_the_extent_is_the_data_sets_own_where_it_names_one():
    dataset = one_sample([-50.0, np.nan], ["cnode", "nuc"], [(1030.0, 980.0), (9e3, 9e3)], tx=(1e3, 1005.0))
    assert grids.extent(dataset) == (1000.0, 1030.0, 980.0, 1005.0)  # a receiver that is not heard has no position
    assert grids.extent(dataset.assign_attrs(extent_m=[-1, 2, -3, 4])) == (-1, 2, -3, 4)


@pytest.mark.parametrize("pixel_m", [0, -30, float("nan")])
def test_a_pixel_has_a_side(campus, pixel_m):
    with pytest.raises(InputError, match="pixel_m"):
        grids.make(campus, pixel_m)


def test_a_site_of_thousands_of_kilometres_is_refused(campus):
    lost = campus.copy(deep=True).drop_attrs()
    lost["tx_x"][0, 0] = 41.0    # degrees among metres
    with pytest.raises(InputError, match="the site spans 4[0-9]+ km.*in metres"):
        grids.make(lost)


@pytest.mark.parametrize("pixel_m, x0, y0, width, height", [
    (30, 427894.133, 4511788.110, 81, 75), (25, 427899.133, 4511793.110, 97, 89),
    (60, 427864.133, 4511758.110, 41, 39)])
def test_the_published_grids(frs, pixel_m, x0, y0, width, height):
    grid = grids.make(frs, pixel_m)
    assert (grid.x0, grid.y0) == pytest.approx((x0, y0), abs=1e-3)
    assert (grid.width, grid.height) == (width, height)


@pytest.mark.parametrize("kind, low, high", [
    ("cnode", -96, -35), ("cbrs", -100, 20), ("cell", -100, 20), ("nuc", -95, -4)])
def test_rss_is_scaled_by_kind_and_clipped_below_alone(kind, low, high):
    readings = [low - 5, low, (low + high) / 2, high, high + 6.1]
    dataset = one_sample(readings, [kind] * 5, [(1000 + 10 * column, 2000) for column in range(5)])
    assert drawn(dataset) == {0: 0, 1: 0, 2: 0.5, 3: 1, 4: 1 + 6.1 / (high - low)}


def test_a_shuttle_is_scaled_by_what_it_read_in_the_training_samples(campus):
    fit = splits.make(campus, "random")["train"]
    other = np.setdiff1d(np.arange(campus.sizes["sample"]), fit)
    ranges = grids.scaling(campus, fit)
    changed = campus.copy(deep=True)
    changed.rss.values[other] -= 30.0
    assert grids.scaling(changed, fit) == ranges
    changed.rss.values[fit] -= 30.0
    shuttles = set(campus.sensor.values[campus.sensor_kind.values == "bus"]) & set(ranges)
    assert shuttles
    for name in shuttles:
        readings = campus.rss.sel(sensor=name).values[fit]
        assert ranges[name] == pytest.approx((np.nanquantile(readings, 0.25), np.nanmax(readings)), rel=1e-6)
        assert np.subtract(ranges[name], grids.scaling(changed, fit)[name]) == pytest.approx(30, abs=1e-3)


def test_a_shuttle_that_read_one_value_has_the_range_of_other_kinds():
    dataset = one_sample([-60.0, -60.0], ["bus", "nuc"], [(1000, 2000), (1020, 2000)])
    low, high = grids.KIND_RANGE_DB["nuc"]
    assert drawn(dataset) == {0: (-60 - low) / (high - low), 2: (-60 - low) / (high - low)}


def test_a_receiver_not_heard_in_training_is_not_drawn_and_hides_nothing():
    dataset = one_sample([-50.0, -40.0], ["cnode", "nuc"], [(1000, 2000)] * 2)
    trained = dataset.copy(deep=True)
    trained.rss.values[0, 1] = np.nan
    sensors = grids.draw(dataset, GRID, grids.scaling(trained, np.array([0])))
    assert sensors.pixel.tolist() == [[0, -1]]
    assert np.isfinite(sensors.value).all()


def test_of_receivers_that_share_a_pixel_the_last_is_drawn():
    positions = [(1011, 2008), (1009, 2012), (1020, 2000)]
    dataset = one_sample([-10.0, -70.0, -35.0], ["cell", "cell", "cnode"], positions)
    assert drawn(dataset) == {6: 0.25, 2: 1.0}


@given(arrays(np.int64, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12), elements=st.integers(-1, 9)))
def test_a_receiver_is_drawn_unless_a_later_one_shares_its_pixel(pixel):
    expected = pixel.copy()
    for sample, sensor in np.ndindex(pixel.shape):
        if pixel[sample, sensor] in pixel[sample, sensor + 1:]:
            expected[sample, sensor] = -1
    assert np.array_equal(grids._last_only(pixel), expected)


def test_of_three_in_a_pixel_the_last_stands_with_its_kind():
    dataset = one_sample([-50.0, -40.0, -60.0], ["cell", "nuc", "cnode"], [(1000, 2000)] * 3)
    sensors = grids.draw(dataset, GRID, grids.scaling(dataset, np.array([0])))
    assert sensors.pixel.tolist() == [[-1, -1, 0]]
    assert grids.KINDS[sensors.kind[0, 2]] == "cnode"


def test_nothing_is_drawn_off_the_grid_or_of_the_unheard():
    positions = [(994.9, 2000), (1045.1, 2000), (1000, 1994.9), (1000, 2035.1), (1000, 2000), (1044.9, 2034.9)]
    readings = [-50.0] * 4 + [np.nan, -35.0]
    assert drawn(one_sample(readings, ["cnode"] * 6, positions)) == {19: 1.0}


def test_every_heard_receiver_of_the_campus_is_drawn_or_hidden_by_a_later_one(campus):
    grid = grids.make(campus)
    sensors = grids.draw(campus, grid, grids.scaling(campus, np.arange(campus.sizes["sample"])))
    assert len(sensors.pixel) == campus.sizes["sample"] and sensors.value.dtype == np.float32
    for sample in (0, 60, 150):
        column, row = grid.to_pixels(campus.sensor_x.values[sample], campus.sensor_y.values[sample])
        standing = {(round(c), round(r)) for c, r in zip(column, row) if np.isfinite(c)}
        pixels = sensors.pixel[sample][sensors.pixel[sample] >= 0]
        assert {(p % grid.width, p // grid.width) for p in pixels.tolist()} == standing
        assert len(pixels) == len(standing)


def test_a_transmitter_may_be_unknown_but_not_twofold(campus):
    unknown = campus.isel(tx=slice(0, 0))
    assert np.isnan(grids.transmitters(unknown)).all() and len(grids.transmitters(unknown)[0]) == campus.sizes["sample"]
    twofold = campus.isel(tx=[0, 0])
    with pytest.raises(InputError, match="sample 0: expected at most one transmitter"):
        grids.transmitters(twofold)
