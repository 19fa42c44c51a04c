"""The loaders of the campus measurements: laws on a tiny folder, bad input, then the published numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

from rsslib.data import download, frs, measurements
from rsslib.project import InputError

REAL = pytest.mark.skipif(not download.available(), reason="no measurements: neither RSSLIB_DATA nor the cache")
MORE = ("april.json", "november.json", "two_tx.json", "no_tx.json")

# a tiny raw folder in the published form: three receivers, four rows, one of them left out
SENSORS = ["bus-6186", "ebc-nuc1-b210", "cnode-ebc-dd-b210"]
POSITIONS = {"bus-6186": None, "ebc-nuc1-b210": (40.7677, -111.83816), "cnode-ebc-dd-b210": (40.7672, -111.8381)}
CSV = """\
timestamp,cnode-ebc-dd-b210,bus-6186_rss,bus-6186_x,bus-6186_y,ebc-nuc1-b210,tx_x_coord,tx_y_coord
2022-11-23 13:24:40,-80.5,-101,-1,-1,-90.0,40.7650,-111.8420
2022-04-25 14:12:32,-70.0,-60.0,40.7640,-111.8400,-101,40.7660,-111.8410
2022-07-05 09:00:00,-70.0,-60.0,40.7640,-111.8400,-88.0,40.7660,-111.8430
2022-07-06 09:00:00,-75.0,-65.0,40.7900,-111.8400,-87.0,40.7660,-111.8430
"""


def write_samples(path: Path, samples: dict) -> Path:
    path.write_text(json.dumps(samples))
    return path


def sample(rx: list | None = None, tx: list | None = None) -> dict:
    rx = [[-70.0, 40.7672, -111.8381, "cnode-ebc-dd-b210"]] if rx is None else rx
    return {"rx_data": rx, "tx_coords": [[40.766, -111.841]] if tx is None else tx, "metadata": []}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "frs"
    folder.mkdir()
    (folder / "single_tx.csv").write_text(CSV)
    (folder / "location_coordinates.json").write_text(repr(POSITIONS))
    (folder / "location_indexes.json").write_text(json.dumps({name: i for i, name in enumerate(SENSORS)}))
    write_samples(folder / "off_campus.json", {"2022-07-05 09:00:00": sample()})
    write_samples(folder / "unused.json", {})
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    download.fetch(folder)
    return folder


def replace(path, old: str, new: str):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_csv_keeps_the_sample_rule_the_box_and_the_sequence_of_receivers(raw):
    ds = frs.load_csv(raw)
    assert list(ds.sensor.values) == SENSORS and list(ds.sensor_kind.values) == ["bus", "nuc", "cnode"]
    assert list(ds.season.values) == ["november", "april", "july"]  # the second July row is left out
    expected = [[np.nan, -90.0, -80.5], [-60.0, np.nan, -70.0], [np.nan, -87.0, -75.0]]  # last shuttle: out
    np.testing.assert_array_equal(ds.rss.values, np.float32(expected))
    x, y = measurements.to_utm([40.7640], [-111.8400])
    assert ds.sensor_x.values[1, 0] == x[0] and ds.sensor_y.values[1, 0] == y[0]
    assert ds.attrs["source"] == "frs" and ds.attrs["doi"] == "10.5281/zenodo.7259895"


def test_the_extent_spans_the_off_campus_rows_but_not_the_unused(raw):
    replace(raw / "single_tx.csv", "-88.0,40.7660,-111.8430", "-88.0,40.7660,-111.9000")
    west = measurements.to_utm([40.7660], [-111.9])[0][0]
    assert frs.load_csv(raw).attrs["extent_m"][0] == west
    (raw / "off_campus.json").rename(raw / "unused.json")
    write_samples(raw / "off_campus.json", {})
    ds = frs.load_csv(raw)
    assert ds.sizes["sample"] == 3 and ds.attrs["extent_m"][0] == ds.tx_x.values.min()


def test_json_and_csv_agree(raw):
    rx = [[-60.0, 40.7640, -111.8400, "bus-6186"], [-70.0, 40.7672, -111.8381, "cnode-ebc-dd-b210"]]
    silent = [-np.inf, 0.0, 0.0, "ebc-nuc1-b210"]
    path = write_samples(raw / "april.json", {"2022-04-25 14:12:32": sample([*rx, silent], [[40.766, -111.841]])})
    ds = frs.load_csv(raw).isel(sample=[1])
    assert frs.load_json(path).equals(ds)


def test_json_pads_transmitters_with_nan(raw):
    samples = {
        "2022-04-25 14:00:00": sample(tx=[[40.766, -111.841], [40.767, -111.842]]),
        "2022-04-25 14:00:04": sample(tx=[]),
        "2022-04-25 14:00:08": sample(),
    }
    ds = frs.load_json(write_samples(raw / "s.json", samples))
    assert ds.sizes["tx"] == 2
    assert np.isfinite(ds.tx_x.values).tolist() == [[True, True], [False, False], [True, False]]


def test_json_without_transmitters(raw):
    path = write_samples(raw / "none.json", {"2022-04-25 14:00:00": {"rx_data": sample()["rx_data"]}})
    ds = frs.load_json(path)
    assert ds.sizes["tx"] == 0 and frs.table1(ds).locations[0] == 0


def test_several_json_files_follow_each_other(raw):
    one = write_samples(raw / "one.json", {"2022-04-25 14:00:00": sample()})
    two = write_samples(raw / "two.json", {"2022-04-25 14:00:04": sample()})
    ds = frs.load_json([two, one])
    assert ds.time.values[0] > ds.time.values[1] and len(ds.attrs["md5"].split()) == 2
    with pytest.raises(InputError, match="two.json: key '2022-04-25 14:00:04': .* in another file"):
        frs.load_json([two, two])


def test_a_shuttle_without_a_fix_is_dropped(raw):
    replace(raw / "single_tx.csv", "-60.0,40.7640,-111.8400,-101", "-60.0,0.0,0.0,-101")
    assert np.isnan(frs.load_csv(raw).rss.values[1, 0])


@pytest.mark.parametrize(("old", "new", "message"), [
    (",ebc-nuc1-b210,", ",ebc-nuc9-b210,", "column 'ebc-nuc1-b210' is missing"),
    ("bus-6186_rss", "tram-1", "column 'bus-6186_rss' is missing"),
    (",bus-6186_x", ",tx_x_coord", "row 1: column 'bus-6186_x' is missing"),
    ("-80.5", "loud", "row 2 (2022-11-23 13:24:40), column 'cnode-ebc-dd-b210': 'loud' is not a number"),
    ("-80.5", "", "row 2 (2022-11-23 13:24:40), column 'cnode-ebc-dd-b210': 'nan' is not a number"),
    ("2022-04-25 14:12:32", "2022-11-23 13:24:40", "row '2022-11-23 13:24:40': duplicate time stamp"),
    ("2022-04-25 14:12:32", "yesterday", "row 'yesterday': not a time stamp"),
    ("40.7660,-111.8410", "-111.8410,40.7660", "row 2022-04-25 14:12:32: latitude -111.841"),
    ("40.7640,-111.8400,-101", "40.7640,-91.8400,-101", "row 2022-04-25 14:12:32: latitude 40.764, longi"),
    ("-80.5,-101,-1,-1,-90.0", "-101,-101,-1,-1,-101", "row 2022-11-23 13:24:40: no receiver")])
def test_bad_csv_is_named(raw, old, new, message):
    replace(raw / "single_tx.csv", old, new)
    with pytest.raises(InputError) as error:
        frs.load_csv(raw)
    assert "single_tx.csv" in str(error.value) and message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "content", "message"), [
    ("single_tx.csv", "", "(No columns to parse from file); expected a table"),
    ("single_tx.csv", None, "no such file"),
    ("location_indexes.json", "", "(Expecting value"),
    ("location_indexes.json", "[1]", "expected one key per"),
    ("location_coordinates.json", "{'bus-6186': ", "('{' was never closed"),
    ("location_coordinates.json", "[]", "(it holds a list); expected a dictionary of receivers"),
    ("location_coordinates.json", "{}", "receiver 'ebc-nuc1-b210' has no position"),
    ("off_campus.json", '{"2022-07-05 09:00:00": {"rx_da', "(Unterminated string"),
    ("unused.json", None, "no such file")])
def test_bad_files_are_named(raw, name, content, message):
    (raw / name).unlink() if content is None else (raw / name).write_text(content)
    with pytest.raises(InputError) as error:
        frs.load_csv(raw)
    assert name in str(error.value) and message in str(error.value)


def test_no_rows_are_named(raw):
    header, *rows = (raw / "single_tx.csv").read_text().splitlines()
    (raw / "single_tx.csv").write_text(header + "\n")
    with pytest.raises(InputError, match="single_tx.csv: no row is left"):
        frs.load_csv(raw)
    (raw / "single_tx.csv").write_text(f"{header}\n{rows[2]}\n")
    with pytest.raises(InputError, match="no row is left"):
        frs.load_csv(raw)


@pytest.mark.parametrize(("rx", "tx", "message"), [
    ([[-70.0, 40.7, -111.8, "tram-1"]], None, "unknown receiver 'tram-1'"),
    ([["loud", 40.7, -111.8, "bus-6186"]], None, "expected [RSS in dB, latitude, longitude, receiver]"),
    ([[-70.0, 40.7, -111.8]], None, "expected [RSS in dB, latitude, longitude, receiver]"),
    ([[-70.0, 40.77, -111.83, "bus-6186"]] * 2, None, "receiver 'bus-6186' is named twice"),
    ([[-70.0, 40.77, -91.83, "bus-6186"]], None, "longitude -91.83 lie outside UTM zone 12N"),
    (None, [[140.0, -111.8]], "transmitter: row 2022-04-25 14:00:00: latitude 140.0"),
    (None, [[40.0]], "tx_coords entry [40.0]"),
    ([], None, "no receiver")])
def test_bad_json_samples_are_named(raw, rx, tx, message):
    path = write_samples(raw / "s.json", {"2022-04-25 14:00:00": sample(rx, tx)})
    with pytest.raises(InputError) as error:
        frs.load_json(path)
    assert "s.json" in str(error.value) and message in str(error.value)
    assert "2022-04-25 14:00:00" in str(error.value)


@pytest.mark.parametrize(("content", "message"), [
    ("", "(Expecting value"),
    ("{}", "0 samples of 3 receivers; expected one key per sample"),
    ('{"2022-04-25 14:00:00": {"rx_data": [[-7', "(Expecting ',' delimiter: line 1"),
    ('{"2022-04-25 14:00:00": {}}', "'rx_data' is missing"),
    ('{"2022-04-25 14:00:00": 1, "2022-04-25 14:00:00": 2}', "the key '2022-04-25 14:00:00' stands twice")])
def test_bad_json_files_are_named(raw, content, message):
    (raw / "s.json").write_text(content)
    with pytest.raises(InputError) as error:
        frs.load_json(raw / "s.json")
    assert "s.json" in str(error.value) and message in str(error.value)


def test_no_file_is_refused():
    with pytest.raises(InputError, match="no file given"):
        frs.load_json([])


@REAL
def test_table1_is_the_papers(real):
    ds = frs.load_csv(real)
    assert frs.table1(ds).to_dict("list") == {
        "set": ["Random/Grid", "April", "July", "November"],
        "samples": [4578, 811, 3416, 351],
        "locations": [4577, 810, 3416, 351],
        "min_sensors": [9, 9, 17, 23],
        "max_sensors": [25, 12, 25, 23],
    }
    assert ds.attrs["md5"] == download.REGISTRY["frs"]["files"]["single_tx.csv"]["md5"]
    west, _, south, _ = ds.attrs["extent_m"]
    assert (west - 30, south - 30) == pytest.approx((427894.133, 4511788.110), abs=1e-3)


@pytest.mark.skipif(not download.available(MORE), reason="no JSON measurements: neither RSSLIB_DATA nor the cache")
def test_real_json_agrees_with_the_csv(real):
    download.fetch(real, MORE)
    ds = frs.load_csv(real)
    for season in ("april", "november"):
        assert frs.load_json(real / f"{season}.json").equals(ds.isel(sample=ds.season.values == season))
    assert dict(frs.load_json(real / "two_tx.json").sizes) == {"sample": 346, "sensor": 40, "tx": 2}
    assert dict(frs.load_json(real / "no_tx.json").sizes) == {"sample": 46, "sensor": 40, "tx": 0}


def test_april_hears_few_of_the_receivers_that_july_knows(frs):
    # the paper prints 6-7 sensors for April, where 9 to 12 are heard
    heard = np.isfinite(frs.rss.values)
    known = heard[frs.season.values == "july"].any(0)
    counts = heard[frs.season.values == "april"][:, known].sum(1)
    assert (counts.min(), counts.max()) == (6, 8)


def test_shuttles_are_heard_in_july_and_april_but_not_in_november(frs):
    heard = np.isfinite(frs.rss.values[:, frs.sensor_kind.values == "bus"]).any(1)
    assert {season: bool(heard[frs.season.values == season].any()) for season in ("april", "july", "november")} == {
        "april": True, "july": True, "november": False}
