"""Measurements in other units, scales, frames and time formats: read with the right value, or refused by name."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from rsslib import data
from rsslib.data import grid, measurements, splits
from rsslib.project import InputError, InputWarning

RNG = np.random.default_rng(7)
RECEIVERS, PLACES = RNG.uniform(1000, 2000, (2, 12)), RNG.uniform(1000, 2000, (2, 120))
AWAY = np.hypot(PLACES[0][:, None] - RECEIVERS[0], PLACES[1][:, None] - RECEIVERS[1])
RSS = np.round(-20 - 25 * np.log10(AWAY) + RNG.normal(0, 4, AWAY.shape), 2)    # about -105 to -50 dB
RSS[RNG.random(RSS.shape) < 0.2] = np.nan
STRENGTH = (RSS - np.nanmin(RSS)) / np.ptp(RSS[~np.isnan(RSS)])    # 0 to 1
DAY = "2024-03-01T12:00:00"


def build(rss=RSS, **changes):
    samples, sensors = np.shape(rss)
    given = {"sensor_x": RECEIVERS[0], "sensor_y": RECEIVERS[1], "tx_x": PLACES[0][:samples], "season": ["s"] * samples,
             "tx_y": PLACES[1][:samples], "time": np.datetime64(DAY, "s") + np.arange(samples), "source": "made",
             "sensors": [f"s{number}" for number in range(sensors)]}
    return measurements.build(rss, **(given | changes))


@pytest.fixture(scope="module")
def right():
    return build()


@pytest.mark.parametrize("bars", [np.round(STRENGTH * 10), np.round(STRENGTH * 5), 1 + np.round(STRENGTH * 4)])
def test_bars(bars):
    with pytest.warns(InputWarning, match="made: rss is . to .* in all .* readings; .* if these are the bars"):
        build(bars)


@pytest.mark.parametrize("few", [2 + 3 * STRENGTH, np.where(np.arange(12) < 8, np.nan, np.round(2 + 7 * STRENGTH))[:1]])
def test_what_may_be_bars_is_told(few):
    with pytest.warns(InputWarning, match="made: rss is .* if these are the bars or steps of a device"):
        build(few)


@pytest.mark.parametrize("positive", [-RSS, -RSS - 40, np.round(-RSS / 2), 20 + 40 * (1 - STRENGTH)])
def test_rssi_without_its_sign(positive):
    with pytest.raises(InputError, match="made: rss is .*negate RSSI without its minus sign"):
        build(positive)


def test_rssi_without_its_sign_of_one_receiver_among_others():
    lost = np.where(np.arange(12) == 3, -RSS - 45, RSS)
    with pytest.raises(InputError, match="made: rss is .* readings of 1 of 12 receivers, and rises with the distance"):
        build(lost)
    with pytest.raises(InputError, match="made: rss is at least .* of kind 'nuc'; expected -95 to -4 dB: check"):
        build(np.where(np.arange(12) == 3, 40 * STRENGTH, RSS), kinds=["other"] * 3 + ["nuc"] + ["other"] * 8)


@pytest.mark.parametrize("snr", [40 * STRENGTH, np.round(40 * STRENGTH), 5 + 25 * STRENGTH, 30 * STRENGTH - 20,
                                 np.round(60 * STRENGTH)])
def test_snr_passes(snr):
    assert np.array_equal(build(snr).rss.values, np.float32(snr), equal_nan=True)
    build(snr[:1])


@pytest.mark.parametrize("scaled, remedy", [
    (np.round(10 * RSS), "divide by 10 if these are fractions"), (np.round(100 * RSS), "divide by 100 if these are"),
    (np.round(100 * STRENGTH), "convert percent or the steps of a device"), (RSS + 256, "convert percent or the")])
def test_scaled_readings(scaled, remedy):
    with pytest.raises(InputError, match=f"made: rss is .* expected dB above -200 and up to 60: .*{remedy}"):
        build(scaled)


def test_two_numbers_near_the_others_are_no_marks():
    with pytest.raises(InputError, match="made: rss is 61 to 62 in 2 of .*check sign and unit"):
        rss = np.round(20 + 40 * STRENGTH)
        rss.flat[:2] = 61, 62
        build(rss)


def test_no_real_data_is_told_of(frs, campus):
    for dataset in (frs, campus):
        for part in (dataset, dataset.isel(sample=[7]), dataset.isel(sample=slice(None, None, 32))):
            assert measurements.validate(part) is part


@pytest.mark.parametrize("name, values, units", [
    (name, values, units) for name, values, refused in (
        ("rss", RSS, ("mW", "W", "dBV", "dBuV", "")), ("sensor_x", RECEIVERS[0], ("km", "degrees", "feet")),
        ("tx_y", PLACES[1], ("degrees_north", "ft", "cm", 5))) for units in refused])
def test_units_of_an_array(name, values, units):
    dims = {1: ("place",), 2: ("sample", "sensor")}[values.ndim]
    frame = pd.DataFrame(values) if values.ndim == 2 else pd.Series(values)
    frame.attrs["units"] = units
    for given in (xr.DataArray(values, dims=dims, attrs={"units": units}), frame):
        with pytest.raises(InputError, match=f"made: {name} has units {units!r}; expected (dB|m): convert the values"):
            build(**{name: given})


@pytest.mark.parametrize("rss_units, units", [("dB", "m"), ("dBm", "metre"), ("DBM", " Meters "), ("decibel", "METRE")])
def test_units_of_the_schema_are_one_in_any_spelling(rss_units, units, right):
    dims = ("sample", "sensor")
    assert build(xr.DataArray(RSS, dims=dims, attrs={"units": rss_units}),
                 tx_x=xr.DataArray(PLACES[0], dims="sample", attrs={"units": units})).identical(right)


EPOCH = 1_700_000_005


@pytest.mark.parametrize("times", [
    np.float32(EPOCH) + 200 * np.arange(120, dtype=np.float32), [np.float32(EPOCH + 200 * n) for n in range(120)],
    np.array([np.float32(EPOCH + 200 * n) for n in range(120)], object)])
def test_times_in_float32(times):
    with pytest.raises(InputError, match="made: time: holds float32, which keeps times since 1970 to 128 s"):
        build(time=times)


@pytest.mark.parametrize("kind", ["float64", "int64", "M8[s]"])
def test_times_that_were_float32(kind):
    rounded = [(EPOCH + step * np.arange(120)).astype(np.float32).astype("int64").astype(kind) for step in (4, 200)]
    with pytest.raises(InputError, match="made: time: all 120 times are multiples of 128 s since 1970, to which"):
        build(time=rounded[0])
    with pytest.warns(InputWarning, match="made: time: all 120 times are multiples of 128 s .* were ever float32"):
        build(time=rounded[1])
    for exact in (86_400 * (19_000 + np.arange(120)), 1_700_000_000 + 86_400 * np.arange(120), EPOCH + np.arange(120)):
        build(time=exact.astype(kind))


@pytest.mark.parametrize("text", [
    "2024-03-01 12:00:00 UTC", "2024-03-01 12:00:00 +00:00", "20240301T120000Z", "2024-03-01T12:00:00,000",
    "2024-03-01T12:00:00.000000Z", "20240301T140000.0+0200", "2024-03-01 05:00:00-07", "2024-03-01t12:00z",
    "2024-03-01T12:00:00 GMT", "2024-03-01T12"])
def test_time_texts(text):
    dataset = build(RSS[:1], time=[text])
    assert dataset.time.values[0] == np.datetime64(DAY)


def test_time_texts_keep_their_fractions():
    found = build(RSS[:3], time=["20240301T120000,25Z", "2024-03-01 12:00:00.000000001UTC", "2024-03-01T13:00:00.5+01"])
    assert (found.time.values - np.datetime64(DAY)).astype(int).tolist() == [250_000_000, 1, 500_000_000]


@pytest.mark.parametrize("text", ["03/04/2024", "03.04.2024 12:00", "2024-0301", "2024-03-01T12:0000", "1 Mar 2024",
                                  "2024-03-01 12:00:00 CET", "2024-061", "12:00", "٢٠٢٤-٠٣-٠١"])
def test_ambiguous_time_texts(text):
    with pytest.raises(InputError, match=f"made: time: sample 1 is '{text}'; expected dates"):
        build(RSS[:2], time=["2024-03-01", text])


def moved(east, north, mark, samples):
    """Places of all, and the transmitters of some samples at a mark."""
    unknown = np.isin(np.arange(120), samples)
    return {"sensor_x": RECEIVERS[0] + east, "sensor_y": RECEIVERS[1] + north,
            "tx_x": np.where(unknown, mark, PLACES[0] + east), "tx_y": np.where(unknown, mark, PLACES[1] + north)}


@pytest.mark.parametrize("mark", [0, -1, 9999, -999, 99_999])
@pytest.mark.parametrize("origin", [(0, 0), (428_000, 4_512_000)])
@pytest.mark.parametrize("samples", [[5], np.arange(20, 60)])
def test_placeholders(mark, origin, samples):
    first = pd.Timestamp(DAY) + pd.Timedelta(seconds=int(samples[0]))
    message = (rf"made: {len(samples)} of 120 samples have a transmitter at \({mark}, {mark}\), .* m from all "
               f"others, the first is sample {first}; .* give NaN")
    with pytest.raises(InputError, match=message):
        build(**moved(*origin, mark, samples))
    assert np.isnan(build(**moved(*origin, np.nan, samples)).tx_x.values).sum() == len(samples)


def test_placeholders_of_receivers_and_in_degrees():
    east, north = RECEIVERS.copy()
    east[4] = north[4] = 0.0
    with pytest.warns(InputWarning, match=r"made: .* samples have a receiver at \(0, 0\), 10.. m from .* its RSS"):
        build(sensor_x=east, sensor_y=north)
    degrees = {name: value / 1e5 + (40.7 if name.endswith("y") else -111.8)
               for name, value in moved(0, 0, np.nan, [1, 2]).items()}
    with pytest.raises(InputError, match="degrees"):
        build(**{name: np.nan_to_num(value) for name, value in degrees.items()})
    with pytest.raises(InputError, match="f.csv: 2 of 3 places are at latitude 0, longitude 0, the first in row 1"):
        measurements.to_utm([40.7, 0, 0], [-111.8, 0, 0], name="f.csv")


def test_a_degree_among_metres():
    east, north = PLACES[0].copy(), PLACES[1].copy()
    east[7], north[7] = -111.84, 40.76
    with pytest.raises(InputError, match=r"made: 1 of 120 samples have a transmitter at \(-111.84, 40.76\)"):
        build(tx_x=east, tx_y=north)
    east, north = RECEIVERS.copy()
    east[2], north[2] = -111.84, 40.76
    with pytest.warns(InputWarning, match=r"have a receiver at \(-111.84, 40.76\)"):
        build(sensor_x=east, sensor_y=north)


def test_a_base_station_at_the_origin_may_send_too():
    east, north = RECEIVERS.copy()
    east[4] = north[4] = 0.0
    with pytest.warns(InputWarning, match="have a receiver at"):
        made = build(**(moved(0, 0, 0, [5]) | {"sensor_x": east, "sensor_y": north}))
    assert made.tx_x.values[5] == 0


@pytest.mark.parametrize("mark", [-45.0, -60.0, -75.0])
def test_a_mark_among_the_readings_is_told(mark):
    unheard = np.random.default_rng(0).random(RSS.shape) < 0.4
    with pytest.warns(InputWarning, match=f"rss is {mark:g} .* which stands out"):
        build(np.where(unheard, mark, RSS))


def test_a_few_zeros_are_told():
    rss = RSS.copy()
    rss.ravel()[::90] = 0.0
    with pytest.warns(InputWarning, match="rss is 0 .* which stands out"):
        build(rss)


def test_snr_that_falls_with_distance_at_each_receiver_passes():
    generator = np.random.default_rng(3)
    east, north = np.array([0.0, 3000.0]), np.array([0.0, 0.0])
    x, y = generator.uniform(100, 600, 60), generator.uniform(100, 600, 60)
    away = np.hypot(x[:, None] - east, y[:, None] - north)
    snr = np.array([60.0, 110.0]) - 20 * np.log10(away) + generator.normal(0, 0.5, away.shape)
    made = measurements.build(snr, east, north, x, y, np.datetime64(DAY, "s") + np.arange(60), ["s"] * 60, ["a", "b"],
                              source="made")
    assert made.rss.values.min() > 0


@pytest.mark.parametrize("origin", [(-1000, -1000), (-1500, -1500), (-1000, -500)])
def test_an_origin_near_the_others_is_a_position(origin):
    assert (build(**moved(*origin, 0, [3, 4])).tx_x.values[3:5] == 0).all()


@pytest.mark.parametrize("crs", ["EPSG:32612", "epsg:32633", "EPSG:32712", "UTM 12N", "UTM zone 12N", "utm12n",
                                 "WGS 84 / UTM zone 12N", "WGS84/UTM zone 33S", "urn:ogc:def:crs:EPSG::32612"])
def test_crs_of_utm(crs, right):
    assert measurements.validate(right.assign_attrs(crs=crs)).crs == crs


@pytest.mark.parametrize("crs", [
    "EPSG:4326", "CRS84", "WGS84", "EPSG:4258", "EPSG:4269", "EPSG:32600", "EPSG:32661", "EPSG:26912", "EPSG:3857",
    "UTM 12", "UTM 12S", "UTM 12T", "UTM 0N", "UTM 61N", "EPSG:326122", "12N", "", " "])
def test_crs_of_other_frames(crs, right):
    with pytest.raises(InputError, match=f"f: attribute crs is '{crs}'; expected metres in UTM, such as"):
        measurements.validate(right.assign_attrs(crs=crs), "f")


def test_npz_made_by_hand(right, tmp_path):
    path, variables = tmp_path / "m.npz", {name: one.values for name, one in right.variables.items()}
    for key in ("rssi", "snr"):
        np.savez(path, **{key: RSS, "x": PLACES[0]})
        with pytest.raises(InputError, match=f"m.npz: lacks attrs, rss, .*; found {key}, x; expected measurements"):
            measurements.load(path)
    np.savez(path, **variables)
    with pytest.raises(InputError, match="m.npz: lacks attrs; found rss, .*measurements.build"):
        measurements.load(path)
    np.savez(path, **variables, snr=RSS, attrs=json.dumps(right.attrs))
    with pytest.raises(InputError, match="m.npz: .*the dimensions of snr are not known"):
        measurements.load(path)
    right.rename(rss="rssi").to_netcdf(tmp_path / "m.nc", engine="netcdf4")
    with pytest.raises(InputError, match="m.nc: 'rss' is missing; found rssi, sensor_x"):
        measurements.load(tmp_path / "m.nc")


@pytest.mark.parametrize("source", [10**30, pytest.param(10**5000, id="huge"), None, 5.0, True, ["campus"], b"campus"])
def test_a_source_of_another_type(source):
    with pytest.raises(InputError, match="^source is .*; expected the path of a file of measurements"):
        data.load(source)


@pytest.mark.parametrize("name", splits.PUBLISHED)
def test_published_splits_need_all_listed_samples(frs, name):
    listed = frs.time.values[splits.make(frs, name)["test"]]
    for lost in (listed[:1], listed[5:9], listed[:-1], listed):
        message = f"split {name}: the dataset lacks {len(lost)} of the {len(listed)} samples in .*_test.json, the first"
        with pytest.raises(InputError, match=message):
            splits.make(frs.isel(sample=~np.isin(frs.time.values, lost)), name)
    assert len(splits.make(frs.isel(sample=slice(None, None, -1)), name)["test"]) == len(listed)


def test_receivers_of_one_pixel_are_drawn_in_the_order_of_the_ranges():
    together = {"sensor_x": np.full(12, 1500.0), "sensor_y": np.full(12, 1500.0)}
    dataset = build(**together)
    raster, ranges = grid.make(dataset), grid.scaling(dataset, np.arange(60))
    for order in (RNG.permutation(12), np.arange(12)[::-1]):
        there, other = grid.draw(dataset, raster, ranges), grid.draw(dataset.isel(sensor=order), raster, ranges)
        assert (there.pixel >= 0).sum(axis=1).tolist() == [1] * 120
        assert np.array_equal(there.pixel[:, order], other.pixel)
