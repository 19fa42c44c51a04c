"""The grid: metres and pixels are inverse, readings land where receivers stand, scaled by kind."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rsslib.data import grid as grids
from rsslib.data import measurements, splits
from rsslib.data.grid import Grid
from rsslib.project import InputError, InputWarning

GRID = Grid(1000.0, 2000.0, 5, 4, 10.0)
NAMES = {"cnode": "cnode-{1}", "cbrs": "cbrssdr1-{1}", "cell": "cellsdr1-{1}", "nuc": "a-nuc{1}-b210"}
metres = st.floats(-1e6, 1e7)


def one_sample(readings, kinds, positions, tx=(1000.0, 2000.0), names="{}-{}"):
    """A Dataset of one sample: `readings` in dB, `positions` (x, y) in m."""
    x, y = np.array(positions, float).T
    names = [names.format(kind, number) for number, kind in enumerate(kinds)]
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


@given(st.floats(800, 3000), st.floats(10, 3000), st.floats(5, 100))
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
    assert grids.extent(dataset.assign_attrs(extent_m=[900, 1020, 980, 1010])) == (900, 1020, 980, 1010)


@pytest.mark.parametrize("pixel_m", [0, -30, float("nan"), float("inf"), None, "30", True, [30.0], 10**400, 1j])
def test_a_pixel_has_a_side(campus, pixel_m):
    with pytest.raises(InputError, match="pixel_m is .*; expected a side above 0 m"):
        grids.make(campus, pixel_m)


@pytest.mark.parametrize("field, value", [
    ("width", 0), ("height", -3), ("width", 2.5), ("height", 5.0), ("width", True), ("width", "5"), ("height", None),
    ("width", 2**20), ("width", 10**400), ("pixel_m", 0.0), ("pixel_m", -30.0), ("pixel_m", np.nan), ("pixel_m", "30"),
    ("x0", np.inf), ("y0", None), ("x0", 1e300), ("y0", [1.0]), ("pixel_m", 1e12), ("x0", False)])
def test_a_grid_is_of_whole_pixels_on_the_earth(field, value):
    with pytest.raises(InputError, match=f"grid: ({field} is|.* pixels; expected at most 524288)"):
        replace(GRID, **{field: value})


def test_a_grid_takes_the_numbers_of_numpy():
    assert Grid(np.float64(1000), np.float32(2000), np.int64(5), np.int32(4), np.float64(10)) == GRID


@pytest.mark.filterwarnings("ignore::rsslib.project.InputWarning")
@pytest.mark.parametrize("side_m, pixel_m", [(239.0, 30.0), (0.0, 30.0), (2.2, 30.0), (100.0, 12.6)])
def test_a_site_of_a_few_pixels_is_refused(side_m, pixel_m):
    dataset = one_sample([-50.0], ["cnode"], [(1e3 + side_m, 1e3 + side_m / 2)], tx=(1e3, 1e3))
    advice = "" if side_m == 0 else f", such as {side_m / 50:.1g}$"
    with pytest.raises(InputError, match=f"the site spans .*, less than 8 pixels of {pixel_m:g} m; .*{advice}"):
        grids.make(dataset, pixel_m)
    if side_m:
        assert grids.make(dataset, float(f"{side_m / 50:.1g}")).width >= 30


def test_a_street_may_be_narrow():
    dataset = one_sample([-50.0], ["cnode"], [(1e3 + 240, 1e3)], tx=(1e3, 1e3))
    assert grids.make(dataset).shape == (3, 11)


def test_a_site_of_thousands_of_kilometres_is_refused(campus):
    lost = campus.copy(deep=True)
    lost["tx_x"][0, 0] = 41.0    # degrees among metres
    with pytest.raises(InputError, match="the transmitter at .41, .* from the median position; expected one site"):
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
    dataset = one_sample(readings, [kind] * 5, [(1000 + 10 * column, 2000) for column in range(5)], names=NAMES[kind])
    assert drawn(dataset) == {0: 0, 1: 0, 2: 0.5, 3: 1, 4: 1 + 6.1 / (high - low)}


def test_other_receivers_share_the_range_of_their_readings_in_the_training_samples(campus):
    fit = splits.make(campus, "random")["train"]
    kinds = np.where(campus.sensor_kind.values == "nuc", "other", campus.sensor_kind.values)
    mixed = campus.assign_coords(sensor_kind=("sensor", kinds))
    ranges, before = grids.scaling(mixed, fit), grids.scaling(campus, fit)
    readings = campus.rss.values[fit][:, kinds == "other"]
    others = {name for name, kind in zip(campus.sensor.values, kinds) if kind == "other"} & set(ranges)
    assert others and {ranges[name] for name in others} == {(np.nanmin(readings) - 3.0, float(np.nanmax(readings)))}
    assert {name: ends for name, ends in ranges.items() if name not in others} == {
        name: ends for name, ends in before.items() if name not in others}
    sensors = grids.draw(mixed.isel(sample=fit), grids.make(mixed), ranges)
    assert set(sensors.kind[0][kinds == "other"]) == {grids.KINDS.index("bus")}
    assert sensors.value[:, kinds == "other"][sensors.pixel[:, kinds == "other"] >= 0].min() > 0


def test_other_receivers_of_one_level_are_drawn():
    dataset = one_sample([-60.0, -60.0], ["other", "other"], [(1000, 2000), (1020, 2000)])
    assert drawn(dataset) == {0: 1.0, 2: 1.0}


@pytest.mark.parametrize("kind", ["cnode", "cbrs", "cell", "nuc"])
def test_clipped_readings_are_told_of_receivers_whose_kind_was_chosen_for_them(kind):
    low = grids.KIND_RANGE_DB[kind][0]
    readings, positions = [low - 5] * 2 + [low + 5] * 8, [(1000 + 5 * number, 2000) for number in range(10)]
    own = one_sample(readings, [kind] * 10, positions, names=NAMES[kind])
    foreign = own.assign_coords(sensor=[f"gateway-{number}" for number in range(10)])
    ranges = grids.scaling(foreign, np.array([0]))
    with pytest.warns(InputWarning, match=f"20.0% of the 10 readings of kind '{kind}' lie below its RSS range.*other'"):
        grids.draw(foreign, Grid(1000.0, 2000.0, 10, 4, 5.0), ranges)
    grids.draw(own, Grid(1000.0, 2000.0, 10, 4, 5.0), grids.scaling(own, np.array([0])))    # no word about Utah's own
    with pytest.warns(InputWarning, match="20.0% of the 10 readings come from receivers outside of the grid"):
        grids.draw(foreign, Grid(1010.0, 2000.0, 10, 4, 5.0), ranges)    # and nothing about those


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
    with pytest.warns(InputWarning, match="outside of the grid"):
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
    with pytest.raises(InputError, match="dataset: sample 0 has several transmitters"):
        grids.transmitters(twofold)
