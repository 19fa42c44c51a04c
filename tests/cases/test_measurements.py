"""Measurements of others, as they come: each is read with the right value, or refused with what to do."""

import tracemalloc

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from rsslib.confidence import ranging
from rsslib.data import campus as synthetic
from rsslib.data import grid, measurements
from rsslib.project import InputError, InputWarning

RNG = np.random.default_rng(5)
RECEIVERS = RNG.uniform(1000, 2000, (2, 24))
PLACES = RNG.uniform(1000, 2000, (2, 200))
DISTANCE = np.hypot(PLACES[0][:, None] - RECEIVERS[0], PLACES[1][:, None] - RECEIVERS[1])
RSS = 43 - 37.6 * np.log10(DISTANCE) + RNG.normal(0, 4, DISTANCE.shape)    # about -85 to 0 dB
UNHEARD = RSS < np.quantile(RSS, 0.04)
HEARD = np.where(UNHEARD, np.nan, RSS)
TRAIN = np.arange(100)


def build(rss, **changes):
    samples, sensors = np.shape(rss)
    given = {"sensor_x": RECEIVERS[0], "sensor_y": RECEIVERS[1], "tx_x": PLACES[0], "tx_y": PLACES[1],
             "time": np.datetime64("2022-01-01", "s") + np.arange(samples), "season": ["winter"] * samples,
             "sensors": [f"s{number}" for number in range(sensors)], "source": "made"}
    return measurements.build(rss, **(given | changes))


def marked(value):
    """The readings with `value` where nothing was heard."""
    return np.where(UNHEARD, value, RSS)


def error_m(dataset):
    """The median error of ranging on the other half of the samples."""
    x, y = ranging.locate(dataset, np.arange(100, 200), ranging.calibrate(dataset, TRAIN))
    return float(np.median(np.hypot(x - PLACES[0][100:], y - PLACES[1][100:])))


def drawn(dataset):
    """The values drawn, with the ranges of the training samples."""
    readings = grid.draw(dataset, grid.make(dataset), grid.scaling(dataset, TRAIN))
    return readings.value[readings.pixel >= 0]


@pytest.fixture(scope="module")
def right():
    return build(HEARD)


@pytest.mark.parametrize("value", [100, 127, 99, 255, 9999, -200, -999, -32768, 1e20, np.inf, -np.inf])
def test_01_plus100(value, right):
    with pytest.raises(InputError, match=rf"made: rss is .* \({UNHEARD.sum()} of 4800 readings\); .* give not_heard="):
        build(marked(value))
    assert build(marked(value), not_heard=value).identical(right)
    assert error_m(build(marked(value), not_heard=[-77, value])) == error_m(right) < 100


def test_01_the_error_says_what_to_give():
    with pytest.raises(InputError, match="give not_heard=100 to measurements.build or load, or NaN"):
        build(marked(100))
    with pytest.raises(InputError, match=r"rss is -999, 100 .* give not_heard=\(-999, 100\)"):
        build(np.where(RSS > -20, -999, marked(100)))


@pytest.mark.parametrize("masked", [
    lambda: np.ma.masked_equal(marked(100.0), 100.0), lambda: np.ma.array(RSS, mask=UNHEARD, fill_value=-50.0),
    lambda: list(np.ma.array(RSS, mask=UNHEARD)), lambda: np.ma.masked_equal(marked(100).round().astype(int), 100),
    lambda: pd.DataFrame(RSS).mask(UNHEARD).convert_dtypes(), lambda: np.where(UNHEARD, None, RSS)])
def test_02_masked_array(masked, right):
    dataset = build(masked())
    assert np.array_equal(np.isnan(dataset.rss.values), UNHEARD)
    assert np.nanmax(np.abs(dataset.rss.values - HEARD)) <= 0.5 + 1e-5    # one of them is rounded to whole dB
    assert error_m(dataset) == pytest.approx(error_m(right), abs=5)


def test_02_masked_positions_are_unknown():
    unknown = np.arange(200) == 7
    dataset = build(HEARD, tx_x=np.ma.array(PLACES[0], mask=unknown), tx_y=np.ma.array(PLACES[1], mask=unknown))
    assert np.array_equal(np.isnan(grid.transmitters(dataset)[0]), unknown)
    with pytest.raises(InputError, match="a receiver that heard it has no position"):
        build(HEARD, sensor_x=np.ma.array(RECEIVERS[0], mask=np.arange(24) == 3))


@pytest.mark.parametrize("value", [0, 1, 20, -1, -128, -127, -150, -199])
def test_03_zero_sentinel(value, right):
    with pytest.raises(InputError, match=rf"rss is {value} \(192 of 4800 readings\), .* give not_heard={value} "):
        build(marked(value))
    assert error_m(build(marked(value), not_heard=value)) == error_m(right)


def test_03_a_dataset_made_by_hand_is_checked_too(right, tmp_path):
    by_hand = right.assign(rss=right.rss.fillna(0.0))
    for door in (measurements.validate, lambda dataset: measurements.save(dataset, tmp_path / "m.nc"),
                 lambda dataset: ranging.calibrate(dataset, TRAIN)):
        with pytest.raises(InputError, match="rss is 0 .192 of 4800"):
            door(by_hand)


@pytest.mark.parametrize("value", [-95, -105, -110])
def test_03_a_number_among_readings_is_worth_a_warning(value):
    with pytest.warns(InputWarning, match=rf"rss is {value} .192 of 4800 readings.*give not_heard={value}"):
        build(marked(value))


@pytest.mark.parametrize("real", [
    HEARD.round(), np.maximum(HEARD, -80), np.minimum(HEARD, -40), np.maximum(HEARD, -80).round(), HEARD - 45,
    (HEARD - 45).round(), HEARD + 35, np.minimum(HEARD + 30, 20), np.full((200, 24), -70.0)])
def test_03_a_floor_a_saturation_and_whole_numbers_are_readings(real):
    assert np.array_equal(build(real).rss.values, np.float32(real), equal_nan=True)


def test_04_lora_range():
    faint = HEARD - 45
    value = drawn(build(faint))
    assert (value == 0).mean() < 0.01 and 1 <= value.max() < 1.5 and len(np.unique(value)) > 4000
    below = (faint[~UNHEARD] < -95).mean()
    assert below > 0.6
    with pytest.warns(InputWarning, match=f"{below:.1%} of the 4608 readings of kind 'nuc' lie below .* kind 'other'"):
        assert (drawn(build(faint, kinds=["nuc"] * 24)) == 0).mean() == pytest.approx(below, abs=0.01)


@pytest.mark.parametrize("shift_db", [-60, -20, 40])
def test_04_the_range_of_others_is_that_of_their_readings(shift_db):
    ranges = grid.scaling(build(HEARD + shift_db), TRAIN)
    low, high = np.nanmin(HEARD[TRAIN]) + shift_db - 3, np.nanmax(HEARD[TRAIN]) + shift_db
    assert len(ranges) == 24 and [*set(ranges.values())] == [pytest.approx((low, high), abs=1e-4)]


def test_04_readings_below_those_of_the_training_are_told(right):
    with pytest.warns(InputWarning, match="of kind 'other' lie below .* not that of the training data"):
        grid.draw(right.assign(rss=right.rss - 60), grid.make(right), grid.scaling(right, TRAIN))


@pytest.mark.parametrize("linear", [
    10 ** (HEARD / 10), 10 ** (HEARD / 10) / 1000, (HEARD - np.nanmin(HEARD)) / np.ptp(HEARD[~UNHEARD]),
    10 ** (HEARD / 20), (HEARD > -60).astype(float), np.where(UNHEARD, 0, 10 ** (HEARD / 10))])
def test_06_linear_mw(linear):
    with pytest.raises(InputError, match="made: rss is within 1 dB of 0 in .* take 10 log10 of linear power"):
        build(linear)


def test_06_other_scales_are_refused():
    with pytest.raises(InputError, match="rss is .* to .* in .* of 4608 readings; .* check sign and unit"):
        build(-HEARD)
    with pytest.raises(InputError, match="take 10 log10 of linear power"):
        build(10 ** (HEARD / 10) * 1e9)    # pW


@pytest.mark.parametrize("values", [
    HEARD > -60, HEARD + 1j, RSS.astype(str), RSS.astype("M8[s]"), RSS.astype("m8[s]"), np.where(UNHEARD, "no", RSS)])
def test_06_what_is_no_number_is_refused(values):
    with pytest.raises(InputError, match="made: rss: .*; expected numbers"):
        build(values)


def shifted(dataset, east_m):
    moved = dataset.copy(deep=True)
    for name in ("tx_x", "sensor_x"):
        moved[name] = moved[name] + east_m
    return moved.assign_coords(time=dataset.time + np.timedelta64(365, "D"))


@pytest.mark.parametrize("east_m", [5000, -4000, 50_000])
def test_23_stale_extent(east_m):
    first = synthetic.make(0, 20, 80, 20)
    first.attrs["extent_m"] = list(grid.extent(first))
    both = xr.concat([first, shifted(first, east_m)], "sample")
    for door in (measurements.validate, grid.make):
        with pytest.raises(InputError, match="attribute extent_m: 120 of 240 samples have a transmitter outside"):
            door(both)
    del both.attrs["extent_m"]
    column, _ = (raster := grid.make(both, 120.0)).to_pixels(*grid.transmitters(both))
    assert column.min() >= 0 and column.max() <= raster.width - 1


@pytest.mark.parametrize("extent", [
    [2000, 1000, 1000, 2000], [1000, 2000, 2000, 1000], [1000, 2000, 1000], [900, 900, 900, 2100], "900 2100 900 2100",
    ["900", "2100", "900", "2100"], [900, np.nan, 900, 2100], [900, np.inf, 900, 2100], None, True, {"west": 900}, []])
def test_23_an_extent_is_four_numbers_in_order(extent, right):
    wrong = right.assign_attrs(extent_m=extent)
    for door in (measurements.validate, grid.make):
        with pytest.raises(InputError, match="attribute extent_m"):
            door(wrong)
    assert grid.extent(right.assign_attrs(extent_m=np.array([900, 2100, 900.5, 2100]))) == (900, 2100, 900.5, 2100)


DAY = "2013-06-20T07:35:33"


@pytest.mark.parametrize("number", [1371713733, 1371713733000, 1371713733000000, 1371713733000000000, 1371713733.0])
@pytest.mark.parametrize("kind", [list, np.array, pd.Series, lambda stamps: np.array(stamps, object)])
def test_25_time_since_1970(number, kind):
    step = number // 1371713733
    dataset = build(HEARD[:2], time=kind([number, number + step]), tx_x=PLACES[0][:2], tx_y=PLACES[1][:2])
    assert dataset.time.values.tolist() == np.array([DAY, "2013-06-20T07:35:34"], "M8[ns]").tolist()


@pytest.mark.parametrize("stamps", [
    ["05/07/2022 09:00", "06/07/2022 09:00"], ["5.7.2022", "6.7.2022"], ["July 5, 2022", "July 6, 2022"],
    ["2022-07-05T09:00:00+02:00", "2022-07-05T09:00:04"], [1, 2], [44747.5, 44748.5], [20220705, 20220706],
    np.array([1371713733, 1371713691], "M8[ns]"), np.array([1371713733000, 1371713691000], "M8[ns]"), [True, False],
    np.array([1, 2], "m8[s]"), ["1600-01-01", "2022-01-01"], np.array(["3000", "2022"], "M8[Y]"),
    ["2022-02-30", "2022-03-01"], ["1371713733", "1371713691"], [1371713733, "2022-01-01"]])
def test_25_time_is_not_guessed(stamps):
    with pytest.raises(InputError, match="made: time: "):
        build(HEARD[:2], time=stamps, tx_x=PLACES[0][:2], tx_y=PLACES[1][:2])


@pytest.mark.parametrize("stamps", [
    ["2022-07-05T09:00:00+02:00", "2022-07-05T09:00:04+02:00"], ["2022-07-05T07:00:00Z", "2022-07-05T08:00:04+01:00"],
    ["2022-07-05 07:00:00", "2022-07-05 07:00:04"],
    pd.date_range("2022-07-05 09:00", periods=2, freq="4s", tz="Europe/Berlin"),
    [pd.Timestamp("2022-07-05 09:00+02:00"), pd.Timestamp("2022-07-05 03:00:04-04:00")],
    np.array(["2022-07-05T07:00:00", "2022-07-05T07:00:04"], "M8[ms]")])
def test_25_time_zones_are_converted(stamps):
    dataset = build(HEARD[:2], time=stamps, tx_x=PLACES[0][:2], tx_y=PLACES[1][:2])
    assert dataset.time.values.tolist() == np.array(["2022-07-05T07:00:00", "2022-07-05T07:00:04"], "M8[ns]").tolist()


@pytest.mark.parametrize("heard", [6, 40])
def test_29_uji_size(heard):
    samples, sensors = 1500, 320
    rng = np.random.default_rng(0)
    rss = np.full((samples, sensors), np.nan, np.float32)
    chosen = np.argsort(rng.random((samples, sensors)), axis=1)[:, :heard]
    np.put_along_axis(rss, chosen, rng.uniform(-100, -40, chosen.shape).astype(np.float32), axis=1)
    x, y = rng.uniform(1000, 1400, (2, sensors))
    tracemalloc.start()
    try:
        dataset = build(rss, sensor_x=x, sensor_y=y, tx_x=rng.uniform(1000, 1400, samples),
                        tx_y=rng.uniform(1000, 1400, samples))
        readings = grid.draw(dataset, grid.make(dataset, 5.0), grid.scaling(dataset, np.arange(samples)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * dataset.nbytes < samples * sensors * sensors    # not a boolean for each pair of receivers
    assert 0 < (readings.pixel >= 0).sum() <= samples * heard


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
@pytest.mark.parametrize("value", [None, True, np.True_, {"a": 1}, [[1, 2], [3, 4]], [1, "a"], 2**63, 1j, object(), [],
                                   [None], np.array(["2022"], "M8[Y]"), "a\0b"])
def test_33_attributes(value, suffix, right, tmp_path):
    with pytest.raises(InputError, match=f"m{suffix}: attribute 'note' is .*leave it out"):
        measurements.save(right.assign_attrs(note=value), tmp_path / f"m{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
@pytest.mark.parametrize("value", [np.float32(1.5), np.int64(3), np.array([1.5, 2.5]), [1, 2], (0.5, 1.5), ["a", "b"],
                                   7, "é\n", ""])
def test_33_attributes_that_a_file_can_hold_come_back(value, suffix, right, tmp_path):
    again = measurements.load(measurements.save(right.assign_attrs(note=value), tmp_path / f"m{suffix}"))
    assert np.array_equal(again.attrs.pop("note"), value) and again.identical(right)


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_33_further_variables_are_kept(suffix, right, tmp_path):
    more = right.assign(snr=(("sample", "sensor"), RSS + 90, {"units": "dB"}), power=(("sample", "tx"), PLACES[:1].T),
                        model=("sensor", ["é" * (number % 3) for number in range(24)]), site="north",
                        sent=("sample", right.time.values - np.timedelta64(1, "s")), moving=("sensor", UNHEARD[0]),
                        spectrum=(("sample", "frequency"), np.zeros((200, 3), np.float32)))
    more = more.assign_coords(frequency=[1.0, 2.0, 3.0], walk=("sample", np.arange(200) // 50))
    path = measurements.save(more, tmp_path / f"one{suffix}")
    again = measurements.load(path)
    assert again.identical(more)
    assert measurements.save(again, tmp_path / f"two{suffix}").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
@pytest.mark.parametrize("further", [
    {"z": ("sample", [{}] * 200)}, {"z": ("sample", [1j] * 200)}, {"a/b": ("sample", [1] * 200)},
    {("a", "b"): ("sample", [1] * 200)}, {"z": ("a/b", [1, 2])}, {"z": ("sample", [1.0] * 200, {"scale_factor": 2.0})}])
def test_33_what_a_file_cannot_hold_is_refused(further, suffix, right, tmp_path):
    with pytest.raises(InputError, match=f"m{suffix}: "):
        measurements.save(right.assign(further), tmp_path / f"m{suffix}")
    assert not list(tmp_path.iterdir())


def foreign(path, packed, time_units, name="ap-"):
    """A NetCDF file of somebody else: _FillValue -999, packed readings, texts as characters, time in another unit."""
    with netCDF4.Dataset(path, "w") as file:
        for dimension, size in (("sample", 3), ("sensor", 2), ("tx", 1), ("letters", 8)):
            file.createDimension(dimension, size)
        rss = file.createVariable("rss", "i2" if packed else "f8", ("sample", "sensor"), fill_value=-999)
        if packed:
            rss.scale_factor, rss.add_offset = 0.5, -60.0
        rss[:] = np.ma.masked_equal([[-80.0, -1.0], [-70.5, -60.0], [-1.0, -55.5]], -1.0)
        for variable, values in (("sensor_x", [1000.0, 1900.0]), ("sensor_y", [1000.0, 1500.0])):
            file.createVariable(variable, "f8", ("sample", "sensor"))[:] = [values] * 3
        for variable in ("tx_x", "tx_y"):
            file.createVariable(variable, "f4", ("sample", "tx"), fill_value=-999.0)[:] = [[1100.0], [-999.0], [1300.0]]
        time = file.createVariable("time", "f8", ("sample",))
        time.units, time[:] = f"{time_units} since 2022-07-05", [0, 0.5, 1.25]
        for variable, dimension, texts in (("season", "sample", ["july"] * 3), ("sensor_kind", "sensor", ["other"] * 2),
                                           ("sensor", "sensor", [f"{name}1", f"{name}2"])):
            characters = [[byte.to_bytes() for byte in text.encode().ljust(8, b"\0")] for text in texts]
            file.createVariable(variable, "S1", (dimension, "letters"))[:] = np.array(characters)
        file.crs, file.source = "EPSG:32612", "theirs"
    return path


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("time_units, seconds", [("days", 86400), ("hours", 3600)])
@pytest.mark.parametrize("name", ["ap-", "é-"])
def test_38_netcdf_ok(packed, time_units, seconds, name, tmp_path):
    dataset = measurements.load(foreign(tmp_path / "m.nc", packed, time_units, name))
    assert np.array_equal(dataset.rss.values, [[-80, np.nan], [-70.5, -60], [np.nan, -55.5]], equal_nan=True)
    assert np.array_equal(grid.transmitters(dataset)[0], [1100, np.nan, 1300], equal_nan=True)
    assert dataset.sensor.values.tolist() == [f"{name}1", f"{name}2"] and dataset.season.values.tolist() == ["july"] * 3
    assert ((dataset.time.values - np.datetime64("2022-07-05")) / np.timedelta64(1, "s")).tolist() == [
        0, seconds / 2, 1.25 * seconds]
    assert measurements.load(measurements.save(dataset, tmp_path / "again.npz")).identical(dataset)


@pytest.mark.parametrize("times", [1, 3, 15])
def test_a_site_in_kilometres_is_told(times):
    """Kilometres of UTM, 428.9 and 4512.1, are beyond the range of degrees, and the site is of metres."""
    places = {name: (times * value + 4e5) / 1000 for name, value in (
        ("sensor_x", RECEIVERS[0]), ("sensor_y", RECEIVERS[1]), ("tx_x", PLACES[0]), ("tx_y", PLACES[1]))}
    with pytest.warns(InputWarning, match="made: the site spans .* are the positions in kilometres"):
        dataset = build(HEARD, **places)
    with pytest.raises(InputError, match="the site spans .*, less than 8 pixels of 30 m; .* kilometres by 1000"):
        grid.make(dataset)
    with pytest.warns(InputWarning, match="kilometres"):
        ranging.locate(dataset, TRAIN, 50.0)


def test_a_small_site_needs_small_pixels():
    lab = {name: 1000 + (value - 1000) / 40 for name, value in (
        ("sensor_x", RECEIVERS[0]), ("sensor_y", RECEIVERS[1]), ("tx_x", PLACES[0]), ("tx_y", PLACES[1]))}
    dataset = build(HEARD, **lab)
    with pytest.raises(InputError, match="the site spans 24.* m x 24.* m, .* a smaller pixel_m, such as 0.5"):
        grid.make(dataset)
    assert max(grid.make(dataset, 0.5).shape) > 45


@pytest.mark.parametrize("place", [(-111.84, 40.76), (0.5, 0.0), (4.289e9, 4.513e9), (428.9, 4513.0)])
@pytest.mark.parametrize("which", ["tx", "sensor"])
@pytest.mark.filterwarnings("ignore:.* have a receiver at:rsslib.project.InputWarning")    # before it is refused
def test_a_degree_among_metres_is_named(place, which):
    east, north = (np.array(axis) for axis in (PLACES if which == "tx" else RECEIVERS))
    east, north = east + 428_000, north + 4_512_000
    east[3], north[3] = place
    other = {"sensor_x": RECEIVERS[0] + 428_000, "sensor_y": RECEIVERS[1] + 4_512_000, "tx_x": PLACES[0] + 428_000,
             "tx_y": PLACES[1] + 4_512_000}
    named = "sample 2022-01-01 00:00:03: the transmitter" if which == "tx" else "the receiver s3"
    near_zero = "|1 of 200 samples have a transmitter at" if which == "tx" else ""
    with pytest.raises(InputError, match=f"made: (.*{named} at .* km from the median position{near_zero})"):
        build(HEARD, **(other | {f"{which}_x": east, f"{which}_y": north}))


@pytest.mark.parametrize("shape", [(1, 1), (1, 24), (200, 1), (200,), (24, 200), (), (200, 24, 1), (23,)])
def test_positions_of_receivers_do_not_broadcast(shape):
    with pytest.raises(InputError, match=r"made: sensor_x: shape .*; expected \(sample, sensor\) = \(200, 24\), or"):
        build(HEARD, sensor_x=np.full(shape, 1500.0))


def test_receivers_that_do_not_move_need_one_position(right):
    full = build(HEARD, sensor_x=np.tile(RECEIVERS[0], (200, 1)), sensor_y=np.tile(RECEIVERS[1], (200, 1)))
    assert full.identical(right) and (full.sensor_kind == "other").all()
