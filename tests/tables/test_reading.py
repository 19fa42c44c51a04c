"""Tables become measurements, whatever their spelling; what cannot be one is refused with its line and a remedy."""

import warnings

import numpy as np
import pandas as pd
import pytest
from pyproj import Transformer
from table_made import LAT, LON, RSS, SENSORS, TIMES, long, wide

from rsslib.project import InputError, InputWarning
from rsslib.tables import systems
from rsslib.tables.reading import read_table

NAMES = ["roof", "gate", "mast"]


@pytest.fixture(scope="module")
def expected():
    return read_table(wide(), SENSORS)


def same(one, other):
    """Whether two data sets hold the same readings and places, whatever the order of their sensors."""
    first, second = (dataset.sel(sensor=NAMES) if "sensor" in dataset.indexes else dataset.set_index(sensor="sensor")
                     .sel(sensor=NAMES) for dataset in (one, other))
    return all(np.allclose(first[name], second[name], atol=0.01, equal_nan=True)
               for name in ("rss", "sensor_x", "sensor_y", "tx_x", "tx_y")) and (first.time == second.time).all()


def test_a_wide_table_becomes_measurements_in_the_zone_of_its_site(expected):
    assert np.array_equal(expected.rss, RSS.astype(np.float32), equal_nan=True)
    assert expected.attrs["crs"] == "EPSG:32633" and expected.attrs["input_crs"] == "EPSG:4326"
    x, y = Transformer.from_crs(4326, 32633, always_xy=True).transform(LON, LAT)
    assert np.allclose(expected.tx_x[:, 0], x, atol=1e-3) and np.allclose(expected.tx_y[:, 0], y, atol=1e-3)
    assert "32633" in expected.tx_x.attrs["long_name"]


def test_a_sensor_named_as_a_coordinate_is_none():
    where = pd.DataFrame({"sensor": ["north", "south", "east", "west"], "x": [100.0, 500, 950, 20],
                          "y": [900.0, 50, 500, 400]})
    wide = pd.DataFrame({"Date": ["2025-05-06T08:00:00Z", "2025-05-06T08:01:00Z"], "north": [-97.6, -106.8],
                         "south": [-112.0, -99.5], "east": [-100.7, -87.6], "west": [-104.2, -105.1]})
    read = read_table(wide, where)
    assert np.isnan(read.tx_x).all() and list(read.sensor.values) == ["north", "south", "east", "west"]
    read = read_table(wide.assign(x=[510.6, 794.9], y=[905.4, 418.3]), where)
    assert np.allclose(read.tx_x[:, 0], [510.6, 794.9]) and np.allclose(read.rss[0], [-97.6, -112, -100.7, -104.2])
    long = pd.DataFrame({"sample": [1, 1], "sensor": ["east", "west"], "rss": [-70.0, -80.0], "tx_x": 510.0,
                         "tx_y": 905.0, "east": [950.0, 20.0], "north": [500.0, 400.0]})
    assert np.allclose(read_table(long, where).sensor_x[0], [950, 20])


def test_a_long_table_is_the_same(expected):
    assert same(read_table(long(), SENSORS), expected)
    assert same(read_table(long().sample(frac=1, random_state=1).sort_values("time"), SENSORS), expected)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("table", [wide, long])
def test_files_with_any_separator(tmp_path, expected, separator, table):
    table().to_csv(tmp_path / "r.csv", sep=separator, index=False)
    SENSORS.to_csv(tmp_path / "s.csv", sep=separator, index=False)
    assert same(read_table(tmp_path / "r.csv", tmp_path / "s.csv"), expected)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_in_other_encodings_and_with_decimal_commas(tmp_path, expected, encoding, end):
    for name, table in (("r.csv", wide()), ("s.csv", SENSORS)):
        table.to_csv(tmp_path / name, sep=";", decimal=",", index=False, encoding=encoding, lineterminator=end)
    assert same(read_table(tmp_path / "r.csv", str(tmp_path / "s.csv")), expected)


@pytest.mark.parametrize("names", [
    {"time": "Timestamp", "sensor": "Gateway", "rss": "RSSI (dBm)", "tx_lat": "Transmitter Latitude",
     "tx_lon": "tx-lng"},
    {"time": "datetime", "sensor": "receiver_id", "rss": "power_dbm", "tx_lat": "TRUE_LAT",
     "tx_lon": "true_longitude"}])
def test_columns_in_other_words(names, expected):
    assert same(read_table(long().rename(columns=names), SENSORS.rename(columns={"lat": "Latitude", "lon": "LNG"})),
                expected)


def test_quoted_fields_and_blank_lines(tmp_path, expected):
    text = long().to_csv(index=False, quoting=1)
    (tmp_path / "r.csv").write_text("\n" + text.replace("\n", "\n\n", 3))
    assert same(read_table(tmp_path / "r.csv", SENSORS), expected)


def test_times_with_a_zone_are_converted_and_equal_ones_set_apart(expected):
    local = wide().assign(time=[text.replace("09:", "11:").replace("Z", "+02:00") for text in TIMES])
    assert same(read_table(local, SENSORS), expected)
    double = read_table(wide().assign(time=TIMES[:1] * 4), SENSORS)
    assert len(np.unique(double.time)) == 4 and np.ptp(double.time.values) < np.timedelta64(1, "ms")
    bare = read_table(wide().drop(columns="time"), SENSORS)
    assert not bare.attrs["timed"] and len(np.unique(bare.time)) == 4


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.0, -87.0), (-1.733, 0.0), (-85.0, -87.0)])
def test_degrees_and_their_utm_zone_are_the_same_places(shift):
    """In the north and the south, and across the border of two zones (12 degrees east)."""
    east, north = shift
    sensors = SENSORS.assign(lon=SENSORS.lon + east, lat=SENSORS.lat + north)
    given = wide().assign(tx_lon=np.add(LON, east), tx_lat=np.add(LAT, north))
    degrees = read_table(given, sensors)
    for code in {int(degrees.attrs["crs"][5:]), (32600 if north == 0 else 32700) + (32 if east > -10 else 17)}:
        project = Transformer.from_crs(4326, code, always_xy=True).transform
        metres = given.drop(columns=["tx_lat", "tx_lon"])
        metres["tx_x"], metres["tx_y"] = project(given.tx_lon, given.tx_lat)
        where = pd.DataFrame({"sensor": sensors.sensor} | dict(zip("xy", project(sensors.lon, sensors.lat))))
        found = read_table(metres, where, crs=f"EPSG:{code}")
        assert found.attrs["crs"] == degrees.attrs["crs"]
        assert np.abs(found.tx_x - degrees.tx_x).max() < 0.01 and np.abs(found.sensor_y - degrees.sensor_y).max() < 0.01


@pytest.mark.parametrize("mark", [-999, 100, 0, "", "NaN", "NA", "-"])
def test_whatever_stands_for_not_heard_is_nan(tmp_path, expected, mark):
    texts = wide()
    for name in NAMES:
        texts[name] = [mark if np.isnan(value) else value for value in texts[name]]
    texts.to_csv(tmp_path / "r.csv", index=False)
    number = mark if isinstance(mark, int) else None
    assert same(read_table(tmp_path / "r.csv", SENSORS, not_heard=number), expected)
    if number is not None:    # forgotten: refused, and the argument is named
        with pytest.raises(InputError, match="not_heard"), warnings.catch_warnings():
            warnings.simplefilter("ignore", InputWarning)
            read_table(pd.concat([texts] * 30).drop(columns="time"), SENSORS)


def test_sensors_that_move_stand_beside_their_readings(expected):
    table = long().merge(SENSORS, on="sensor").sort_values("time")
    assert same(read_table(table), expected)
    moved = table.assign(lat=table.lat + 0.001)
    assert same(read_table(moved, SENSORS), read_table(moved))    # before the table of sensors


def test_local_metres_have_no_zone():
    table = wide().drop(columns=["tx_lat", "tx_lon"]).assign(tx_x=[1100.0] * 4, tx_y=[2100.0] * 4)
    found = read_table(table, pd.DataFrame({"sensor": NAMES, "x": [1e3, 1.2e3, 1.5e3], "y": [2e3, 2.3e3, 2.1e3]}))
    assert found.attrs["crs"] == found.attrs["input_crs"] == "local" and found.tx_x[0, 0] == 1100


def test_unknown_transmitters_are_nan():
    found = read_table(wide().drop(columns=["tx_lat", "tx_lon"]), SENSORS)
    assert np.isnan(found.tx_x).all() and found.sizes["sample"] == 4


def test_unused_columns_are_named():
    with pytest.warns(InputWarning, match="columns 'antenna' are not used"):
        read_table(wide().assign(antenna="x"), SENSORS)
    with pytest.warns(InputWarning, match="'attic' are not used: .* by another name. No column has 'gate'"):
        read_table(wide().rename(columns={"gate": "attic"}), SENSORS)


def test_places_far_from_the_area_of_their_projection_are_refused():
    readings = long().drop(columns=["tx_lat", "tx_lon"])
    metres = SENSORS.assign(x=[411000.0, 411300.0, 411600.0], y=[5656000.0, 5656500.0, 5656250.0]).drop(
        columns=["lat", "lon"])
    assert read_table(readings, metres, crs="EPSG:25833").sizes["sensor"] == 3
    for changed in (metres.assign(x=metres.x + 9e6), metres.assign(y=metres.y / 1000, x=metres.x / 1000),
                    metres.rename(columns={"x": "y", "y": "x"})):
        with pytest.raises(InputError, match="lines 1, 2, 3: more than 15 degrees outside of the area that EPSG:25833 "
                                             "is made for; check [^;]*; correct them$"):
            read_table(readings, changed, crs="EPSG:25833")
    for crs, lon, lat in (("EPSG:3460", 179.9, -17.0), ("EPSG:3460", -179.9, -17.0), ("EPSG:3857", -71.0, -33.0),
                          ("+proj=tmerc +lon_0=13 +datum=WGS84", 13.0, 51.0)):
        label = systems.checked(crs)
        at = systems.transform(systems.DEGREES, label, np.array([lon]), np.array([lat]))
        assert not systems.outside(label, *at).any()
    with pytest.raises(InputError, match="outside of the area that EPSG:2056 is made for"):    # Switzerland
        read_table(readings, metres, crs="EPSG:2056")


def test_bad_lines_are_left_out_on_request(tmp_path, expected):
    table = wide().astype(object)
    table.loc[1, "gate"] = "loud"
    table.loc[3, "tx_lat"] = 95
    table.to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(InputError, match=r"r.csv: 2 of 4 lines cannot be used: line 3: column gate is 'loud', no "
                                         r"finite number; line 5: latitude outside .*; correct them, or .*--skip-bad"):
        read_table(tmp_path / "r.csv", SENSORS)
    with pytest.warns(InputWarning, match="left out 2 of 4 lines, the first is line 3: column gate is 'loud'"):
        found = read_table(tmp_path / "r.csv", SENSORS, skip_bad=True)
    assert found.attrs["left_out"] == 2 and np.allclose(found.rss, RSS[[0, 2]], equal_nan=True)


def test_lines_with_one_fault_are_told_together():
    total = 3 * len(long())
    table = pd.concat([long()] * 3, ignore_index=True).assign(
        sample=np.arange(total), rss=["-70", *["loud"] * (total - 1)])
    with pytest.raises(InputError, match=f"{total - 1} of {total} lines cannot be used: lines 2, 3, 4 and {total - 4} "
                                         "more: rss is 'loud', no finite number; correct them, or leave"):
        read_table(table, SENSORS)


def test_the_reason_of_most_lines_is_told_first():
    total = 3 * len(long())
    table = pd.concat([long()] * 3, ignore_index=True).assign(
        sample=np.arange(total), rss=["-70,5", *["-70"] * (total - 1)], sensor=["roof"] * 3 + ["attic"] * (total - 3))
    most = f"lines 4, 5, 6 and {total - 6} more: sensor 'attic' is not in the table of sensors"
    with pytest.raises(InputError, match=f"cannot be used: {most}; line 1: rss is '-70,5'"):
        read_table(table, SENSORS)
    with pytest.warns(InputWarning, match=f"left out {total - 2} of {total} lines, the first is line 1: rss is "
                                          f"'-70,5', no finite number; most often, {most}"):
        read_table(table, SENSORS, skip_bad=True)


def test_a_number_that_is_missing_is_no_text():
    table = long().drop(columns="time").assign(sample=np.repeat([1.0, 2.0, 3.0], len(long()))[:len(long())])
    table.loc[0, "sample"] = np.nan
    with pytest.raises(InputError, match="line 1: no sample"):
        read_table(table, SENSORS)


def test_lines_of_unknown_sensors_do_not_count_among_the_bad_ones():
    table = long().astype({"rss": object})
    strange = table.assign(sensor="attic")
    table["rss"] = "loud"
    both = pd.concat([table, strange], ignore_index=True)
    with pytest.warns(InputWarning, match="readings of sensors that were not heard"):
        with pytest.raises(InputError, match=f"{len(table)} of {len(table)} lines cannot be used: .*; correct them$"):
            read_table(both, SENSORS, skip_unknown=True)


def test_a_sensor_that_is_left_out_is_told_of():
    wrong = SENSORS.assign(sensor=["east", *SENSORS.sensor[1:]], lat=[95.0, *SENSORS.lat[1:]])
    table = wide().rename(columns={SENSORS.sensor[0]: "east"})
    with pytest.warns(InputWarning, match="frame of sensors: left out 1 of 3 lines, the first is line 1: lat") as told:
        found = read_table(table, wrong, skip_bad=True)
    assert len(told) == 1 and found.sensor.values.tolist() == SENSORS.sensor[1:].tolist()    # east: no coordinate
    rows = long().replace({"sensor": {SENSORS.sensor[0]: "east"}})
    with pytest.warns(InputWarning) as told:
        assert len(read_table(rows, wrong, skip_bad=True).sensor) == 2
    assert "sensor 'east' was left out of the table of sensors" in str(told[1].message)


def test_a_place_that_degrees_do_not_hold_is_refused():
    crs = "+proj=ortho +lat_0=51 +lon_0=13 +datum=WGS84"    # of one half of the globe; its area is unknown
    metres = SENSORS.assign(x=[0.0, 300.0, 9e6], y=[0.0, 100.0, 200.0]).drop(columns=["lat", "lon"])
    with pytest.raises(InputError, match=r"the place \(9e\+06, 200\) of .* is none in EPSG:32633; check the crs"):
        read_table(long().drop(columns=["tx_lat", "tx_lon"]), metres, crs=crs)


def test_layouts_of_public_data():
    uji = pd.DataFrame({"WAP001": [-60, -70, 100], "WAP002": [100, -80, -75], "LONGITUDE": [-7600.0, -7560.0, -7520.0],
                        "LATITUDE": [4864900.0, 4864940.0, 4864920.0], "TIMESTAMP": [1371713733] * 3})
    found = read_table(uji, layout="uji")
    assert found.attrs["crs"] == "EPSG:32631" or found.attrs["crs"] == "EPSG:32630"
    assert np.isnan(found.rss.values[0, 1]) and found.sensor.values.tolist() == ["WAP001", "WAP002"]
    # Web Mercator stretches by 1 / cos(latitude)
    away = np.hypot(found.tx_x[1, 0] - found.tx_x[0, 0], found.tx_y[1, 0] - found.tx_y[0, 0])
    assert float(away) == pytest.approx(np.hypot(40, 40) * np.cos(np.deg2rad(39.99)), rel=0.01)
    lora = pd.DataFrame({"BS 1": [-110, -115], "BS 2": [-200, -118], "SF": [12, 7], "Latitude": [51.20, 51.21],
                         "Longitude": [4.40, 4.41], "RX Time": ["2017-11-20T10:00:00", "2017-11-20T10:05:00"]})
    with pytest.warns(InputWarning, match="'SF'"):
        found = read_table(lora, layout="lorawan")
    assert np.isnan(found.rss.values[0, 1]) and found.attrs["crs"] == "EPSG:32631"


def test_a_place_known_in_any_row_of_a_sample_is_that_of_the_sample(expected):
    table = long().astype({"tx_lat": object, "tx_lon": object})
    table.loc[~table.time.duplicated(keep="last"), ["tx_lat", "tx_lon"]] = table[["tx_lat", "tx_lon"]]
    table.loc[table.time.duplicated(keep="last"), ["tx_lat", "tx_lon"]] = None
    assert same(read_table(table, SENSORS), expected)


def test_one_instant_in_two_spellings_is_one_sample(expected):
    table, other = long(), long().sensor == SENSORS.sensor[1]
    for spelled in (table.time.str.replace("Z", ".000Z"), table.time.str.replace("Z", "+00:00")):
        assert same(read_table(table.assign(time=table.time.where(~other, spelled)), SENSORS), expected)


def test_a_sample_is_of_one_time(expected):
    table = long()
    table["sample"] = pd.factorize(table.time)[0]
    assert same(read_table(table, SENSORS), expected)
    table.loc[1, "time"] = "2031-01-01T00:00:00Z"
    with pytest.raises(InputError, match="line 2: more than an hour from the first reading of sample '0'"):
        read_table(table, SENSORS)


def test_samples_without_any_reading_are_told_of(expected):
    silent = long().iloc[:2].assign(time="2031-01-01T00:00:00Z", rss=[np.nan, -999])
    with pytest.warns(InputWarning, match="samples without any reading are left out: 1"):
        assert same(read_table(pd.concat([long(), silent]), SENSORS, not_heard=-999), expected)


def test_a_nameless_sensor_is_a_bad_line_where_unknown_ones_are_left_out():
    table = long()
    table.loc[1, "sensor"] = " "
    with pytest.raises(InputError, match="line 2: no name of a sensor"):
        read_table(table, SENSORS, skip_unknown=True)


def test_readings_of_unknown_sensors_may_be_left_out(expected):
    extra = pd.concat([long(), long().iloc[:2].assign(sensor="attic")])
    with pytest.warns(InputWarning, match="are not used .readings: 2; sensors: 1, 'attic'.$"):
        assert same(read_table(extra, SENSORS, skip_unknown=True), expected)
    alone = extra.iloc[-1:].assign(time="2030-01-01T00:00:00")
    with pytest.warns(InputWarning, match="samples that only they heard: 1.$"):
        assert same(read_table(pd.concat([long(), alone]), SENSORS, skip_unknown=True), expected)
    with pytest.raises(InputError, match="none of its sensors is known"):
        read_table(long().assign(sensor="attic"), SENSORS, skip_unknown=True)


def test_a_crs_of_metres_does_not_change_degrees(expected):
    with pytest.warns(InputWarning, match="columns tx_lat and tx_lon are degrees, and stay so"):
        assert same(read_table(wide(), SENSORS, crs="EPSG:25833"), expected)
