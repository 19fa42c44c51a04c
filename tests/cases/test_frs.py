"""Reported cases of files of measurements: what they must give, with variations of each kind."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rsslib.data import frs
from rsslib.project import InputError

POSITIONS = {"bus-6186": None, "ebc-nuc1-b210": (40.7677, -111.83816)}
ROWS = ["timestamp,bus-6186_rss,bus-6186_x,bus-6186_y,ebc-nuc1-b210,tx_x_coord,tx_y_coord",
        "2022-07-05 09:00:00,-60.0,40.7640,-111.8400,-88.0,40.7660,-111.8430",
        "2022-07-05 09:00:04,-101,-1,-1,-87.5,40.7661,-111.8431"]
TABLE = "\n".join(ROWS) + "\n"
SAMPLE = {"rx_data": [[-60.5, 40.7640, -111.8400, "bus-6186"], [-88.0, 40.7677, -111.83816, "ebc-nuc1-b210"]],
          "tx_coords": [[40.7660, -111.8430]], "metadata": []}
STAMP = "2022-07-05 09:00:00"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "single_tx.csv").write_text(TABLE)
    (tmp_path / "location_coordinates.json").write_text(repr(POSITIONS))
    (tmp_path / "location_indexes.json").write_text(json.dumps({name: i for i, name in enumerate(POSITIONS)}))
    for name in ("off_campus.json", "unused.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "s.json").write_text(json.dumps({STAMP: SAMPLE}))
    return tmp_path


def refused(load: Callable, file: str, *said: str) -> None:
    with pytest.raises(InputError) as error:
        load()
    message = str(error.value)
    assert file in message and "\n" not in message and len(message) < 600
    assert "fetch the file again" not in message and "remove" not in message
    for text in said:
        assert text in message


@pytest.mark.parametrize(("table", "said"), [
    ("\n".join([ROWS[0], *[f"{row}," for row in ROWS[1:]]]),
     "row 2 has 8 fields, the last one empty: a comma at the end; row 1 has 7"),
    ("\n".join([*ROWS[:2], f"{ROWS[2]},"]), "row 3 has 8 fields, the last one empty: a comma at the end"),
    ("\n".join([f"{row},," for row in ROWS]), "is of an unknown receiver"),
    ("\n".join([f"{ROWS[0]},", *ROWS[1:]]), "row 2 has 7 fields; row 1 has 8"),
    ("\n".join([*ROWS[:2], ROWS[2].rpartition(",")[0]]), "row 3 has 6 fields; row 1 has 7"),
    ("\n".join([*ROWS[:2], "", f"{ROWS[2]},1"]), "row 4 has 8 fields; row 1 has 7"),
    ("\n".join([ROWS[0], *[f"0,{row}" for row in ROWS[1:]]]), "row 2 has 8 fields; row 1 has 7")])
def test_27_csv_trailing_comma(folder, table, said):
    (folder / "single_tx.csv").write_text(table)
    refused(lambda: frs.load_csv(folder), "single_tx.csv", said)


@pytest.mark.parametrize("content", [
    b"\xef\xbb\xbf" + TABLE.encode(), TABLE.replace("\n", "\r\n").encode(), TABLE.replace("\n", "\r").encode(),
    TABLE.replace("\n", "\r\n", 2).encode(), TABLE.replace("\n", "\n\n").encode(), b"\n\n" + TABLE.encode(),
    TABLE.replace("-88.0", '"-88.0"').encode(),
    "\n".join(",".join(f'"{field}"' for field in row.split(",")) for row in ROWS).encode(), TABLE.strip().encode(),
    TABLE.replace("-88.0", " -88.0").encode()])
def test_39_csv_dialects_that_are_read(folder, content):
    expected = frs.load_csv(folder)
    (folder / "single_tx.csv").write_bytes(content)
    assert frs.load_csv(folder).equals(expected)
    assert expected.rss.values[:, 1].tolist() == [-88.0, -87.5] and np.isnan(expected.rss.values[1, 0])


@pytest.mark.parametrize(("table", "said"), [
    (TABLE.replace(",", ";"), ["row 1: column 'timestamp' is missing", "separated by commas"]),
    (TABLE.replace(",", "\t"), ["row 1: column 'timestamp' is missing"]),
    (TABLE.replace(",", ";").replace(".", ","), ["row 2 has 7 fields; row 1 has 1"]),
    (TABLE.replace("-88.0", "-88,0"), ["row 2 has 8 fields; row 1 has 7"]),
    (TABLE.replace("-88.0", '"-88,0"'), [f"row 2 ({STAMP}), column 'ebc-nuc1-b210': '-88,0' is not a number"]),
    (f"# measured in July\n{TABLE}", ["row 2 has 7 fields; row 1 has 1"]),
    (TABLE.replace("2022-07-05 09:00:04", "# 09:00:04"), ["row '# 09:00:04': not a time stamp"]),
    (TABLE.replace("09:00:04", "09:00:04+00:00"), ["row '2022-07-05 09:00:04+00:00': not a time stamp"]),
    (TABLE.replace("2022-07-05 09:00:04", "2022-07-05T09:00:04Z"), ["not a time stamp; expected the form 2022"]),
    (TABLE.replace("2022-07-05 09:00:04", "05.07.2022 09:00"), ["row '05.07.2022 09:00': not a time stamp"]),
    (TABLE.replace("09:00:04", "09:00:00"), ["row '2022-07-05 09:00:00': duplicate time stamp"]),
    (TABLE.replace("09:00:04", "9:00:00"), ["row '2022-07-05 9:00:00': duplicate time stamp"]),
    (TABLE.replace("-88.0", '"-88.0'), ["unexpected end of data"]),
    (TABLE.replace("-88.0", "-8\0"), ["a null character in row 2"]),
    (TABLE.replace("-88.0", "inf"), ["row 2", "'inf' is not a number"]),
    (TABLE.replace("-88.0", "1e999"), ["row 2", "'inf' is not a number"]),
    (TABLE.replace("-88.0", "True").replace("-87.5", "False"), ["row 2", "'True' is not a number"]),
    (TABLE.replace("-87.5", "True"), ["row 3", "'True' is not a number"])])
def test_39_csv_dialects_that_are_refused(folder, table, said):
    (folder / "single_tx.csv").write_text(table)
    refused(lambda: frs.load_csv(folder), "single_tx.csv", *said)


def test_39_csv_dialects_in_another_encoding(folder):
    (folder / "single_tx.csv").write_bytes(TABLE.encode("utf-16"))
    refused(lambda: frs.load_csv(folder), "single_tx.csv", "not UTF-8 at byte 0")


@pytest.mark.parametrize(("entry", "said"), [
    (["-60.5", 40.764, -111.84, "bus-6186"], "rx_data entry"), ([True, 40.764, -111.84, "bus-6186"], "rx_data entry"),
    ([-60.5, None, -111.84, "bus-6186"], "rx_data entry"), ([-60.5, 40.764, -111.84, ["bus-6186"]], "rx_data entry"),
    ([-60.5, 40.764, -111.84, 3], "rx_data entry"), ([-60.5, 40.764, "bus-6186"], "rx_data entry"),
    ([-60.5, 40.764, -111.84, 0, "bus-6186"], "rx_data entry"), ("bus-6186", "rx_data entry"), ([], "rx_data entry"),
    ([-60.5, float("nan"), -111.84, "bus-6186"], "rx_data entry"), ({"rss": -60.5}, "rx_data entry"),
    ([float("inf"), 40.764, -111.84, "bus-6186"], "rx_data entry"),
    ([float("nan"), 40.764, -111.84, "bus-6186"], "rx_data entry"),
    ([10**400, 40.764, -111.84, "bus-6186"], "rx_data entry"),
    ([-60.5, 40.764, -111.84, "tram"], "unknown receiver")])
def test_an_odd_reading_in_json_is_refused(folder, entry, said):
    (folder / "s.json").write_text(json.dumps({STAMP: SAMPLE | {"rx_data": [entry]}}))
    refused(lambda: frs.load_json(folder / "s.json"), "s.json", f"key '{STAMP}'", said)


@pytest.mark.parametrize("tx", [None, "40.7,-111.8", {"lat": 40.7}, 40.7, [[40.7]], [[40.7, "-111.8"]], [40.7, -111.8],
                                [[40.7, -111.8, 0]], [[True, -111.8]], [[float("nan"), -111.8]], [None],
                                [[40.766, -111.843]] * 101])
def test_odd_transmitters_in_json_are_refused(folder, tx):
    (folder / "s.json").write_text(json.dumps({STAMP: SAMPLE | {"tx_coords": tx}}))
    refused(lambda: frs.load_json(folder / "s.json"), "s.json", f"key '{STAMP}'", "tx_coords")


@pytest.mark.parametrize(("content", "said"), [
    ("", "Expecting value"), ("null", "holds NoneType"), ("[]", "holds list"), ('"x"', "holds str"),
    ("NaN", "holds float"), ('{"a": 1,}', "Expecting property name"), ("[" * 100_000, "nested too deeply"),
    ('{"a": ' * 100_000, "nested too deeply"), (json.dumps({STAMP: SAMPLE})[:-9], "Unterminated"),
    ('{"2022-07-05 09:00:00": [1, 2]}', "rx_data"), ('{"July": {"rx_data": []}}', "row 'July': not a time stamp"),
    ('{"2022-07-05 09:00:00": {"rx_data": []}}', "no receiver"), ('{"a": ' + "9" * 5000 + "}", "limit")])
def test_an_odd_json_file_is_refused(folder, content, said):
    (folder / "s.json").write_text(content)
    refused(lambda: frs.load_json(folder / "s.json"), "s.json", said)


@pytest.mark.parametrize(("content", "said"), [
    ({"bus-6186": "0", "ebc-nuc1-b210": 1}, "receiver 'bus-6186': found '0'; expected its index"),
    ({"bus-6186": 0, "ebc-nuc1-b210": 0}, "the receivers 'bus-6186' and 'ebc-nuc1-b210' have one index"),
    ({"bus-6186": 0.0, "ebc-nuc1-b210": 1}, "found 0.0"), ({"bus-6186": None}, "found None"), ({}, "no receivers"),
    ({"bus-6186": True, "ebc-nuc1-b210": 2}, "found True"), (["bus-6186"], "holds list")])
def test_odd_indexes_of_receivers_are_refused(folder, content, said):
    (folder / "location_indexes.json").write_text(json.dumps(content))
    for load in (lambda: frs.load_csv(folder), lambda: frs.load_json(folder / "s.json")):
        refused(load, "location_indexes.json", said)


@pytest.mark.parametrize(("content", "said"), [
    ("", "invalid syntax"), ("()", "it holds a tuple"), ("{'ebc-nuc1-b210'}", "it holds a set"),
    ("{'ebc-nuc1-b210': (40.7677,)}", "found (40.7677,); expected (latitude, longitude)"),
    ("{'ebc-nuc1-b210': (40.7677, -111.8, 3)}", "found (40.7677, -111.8, 3)"),
    ("{'ebc-nuc1-b210': 40.7}", "found 40.7"), ("{'ebc-nuc1-b210': ('40.7677', -111.8)}", "found ('40.7677'"),
    ("{'ebc-nuc1-b210': (1e999, -111.8)}", "found (inf"),
    ("{'ebc-nuc1-b210': (True, -111.8)}", "found (True"), ("{'ebc-nuc1-b210': (1j, 2)}", "found (1j"),
    ("{'bus-6186': None}", "receiver 'ebc-nuc1-b210' has no position"),
    ("{'ebc-nuc1-b210': (40, -111), 'ebc-nuc1-b210': (41, -111)}", "the key 'ebc-nuc1-b210' stands twice"),
    ("__import__('os').getcwd()", "it holds a call"), ("{'a': open('x')}", "malformed node"),
    ("{**{}}", "malformed node"),
    ("{'a': " + "(" * 30_000, "nested"), ("{'a': " + "-" * 60_000 + "1}", "nested too deeply"),
    ("{'a': " + "1+" * 30_000 + "1}", "nested too deeply"), ("{'a': " + "9" * 50_000 + "}", "limit"),
    ("{'a': 1}" + " " * 10 + "#" * 70_000, "70018 characters"), ("\0", "null bytes")])
def test_odd_positions_of_receivers_are_refused(folder, content, said):
    (folder / "location_coordinates.json").write_text(content)
    refused(lambda: frs.load_csv(folder), "location_coordinates.json", said)


def test_lists_in_place_of_tuples_are_positions_too(folder):
    expected = frs.load_csv(folder)
    lists = '\ufeff{"bus-6186": None, "ebc-nuc1-b210": [40.7677, -111.83816]}'
    (folder / "location_coordinates.json").write_text(lists, encoding="utf-8")
    assert frs.load_csv(folder).equals(expected)


@pytest.mark.parametrize("name", ["single_tx.csv", "location_coordinates.json", "location_indexes.json", "unused.json",
                                  "off_campus.json"])
def test_a_folder_in_place_of_a_file_is_named(folder, name):
    (folder / name).unlink()
    (folder / name).mkdir()
    refused(lambda: frs.load_csv(folder), name, "this is a folder")


@pytest.mark.parametrize("name", ["unused.json", "off_campus.json"])
def test_samples_to_leave_out_are_known_by_time_not_by_its_writing(folder, name):
    (folder / name).write_text('{"2022-7-5 9:00:00": {}}')
    assert frs.load_csv(folder).sizes["sample"] == 1
    (folder / name).write_text('{"2022-07-05T09:00:00": {}}')
    refused(lambda: frs.load_csv(folder), name, "row '2022-07-05T09:00:00': not a time stamp")
    (folder / name).write_text('["2022-07-05 09:00:00"]')
    refused(lambda: frs.load_csv(folder), name, "holds list")


@pytest.mark.parametrize("value", [3, b"x", 1.5, {1: 2}, [None], [["s.json"]]])
def test_what_is_no_path_is_refused(folder, value):
    for load in (lambda: frs.load_csv(value), lambda: frs.load_json(value), lambda: frs.load_json("s.json", value),
                 lambda: frs.load_csv(None), lambda: frs.load_json(None)):
        with pytest.raises(InputError, match="(paths|folder) is .*; expected the path of a file or folder"):
            load()
