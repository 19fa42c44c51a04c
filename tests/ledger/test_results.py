"""Records: what is written is read back, and equal results are equal bytes."""

import json

import numpy as np
import pytest

from rsslib.ledger import results
from rsslib.project import InputError

RECORDS = [{"loss": "emd", "split": "grid2", "n": 1079}, {"loss": "com", "split": "grid2", "n": 1079},
           {"loss": "emd", "split": "random", "n": 916}]


def _write(folder, records, **options):
    return results.write("smoke", "table2", records, {"source": "campus"}, {"seconds": 1.5}, folder,
                         **options)


def test_records_provenance_and_stamp_are_read_back(tmp_path):
    _write(tmp_path, RECORDS)
    content = results.read("smoke", "table2", tmp_path)
    assert content == {"provenance": {"source": "campus"}, "records": RECORDS}
    assert results.read("smoke", "table2.stamp", tmp_path) == {"seconds": 1.5}


def test_equal_results_are_equal_bytes_whatever_their_numeric_type(tmp_path):
    of_numpy = {"median_m": np.float64(47.4), "n": np.int64(3), "ci95_m": np.array([1.0, 2.0])}
    first = _write(tmp_path / "a", [of_numpy])
    second = _write(tmp_path / "b", [{"median_m": 47.40000001, "n": 3, "ci95_m": [1.0, 2.0]}])
    assert first.read_bytes() == second.read_bytes()


def test_keys_keep_their_order_and_floats_are_rounded(tmp_path):
    path = _write(tmp_path, [{"z": 1 / 3, "a": -0.000001, "list": [2 / 3]}])
    assert '{"z": 0.3333, "a": 0.0, "list": [0.6667]}' in path.read_text()
    assert '"z": 0.33,' in _write(tmp_path, [{"z": 1 / 3, "a": 1}], decimals=2).read_text()


def test_no_records_are_still_valid_json(tmp_path):
    assert json.loads(_write(tmp_path, []).read_text())["records"] == []


@pytest.mark.parametrize("records", [3.0, None, np.array(3.0), np.float64(3.0)])
def test_what_is_no_list_of_records_is_refused(tmp_path, records):
    with pytest.raises(InputError, match="table2.json: records is .*; expected a list of records"):
        _write(tmp_path, records)
    assert not list(tmp_path.rglob("*.json"))


def test_nan_is_refused_unless_the_record_says_why(tmp_path):
    with pytest.raises(InputError, match="record 0: `median_m` is nan.*median_m_reason"):
        _write(tmp_path, [{"median_m": float("nan")}])
    with pytest.raises(InputError, match="list"):
        _write(tmp_path, [{"ci95_m": [float("nan"), 1.0]}])
    assert not list(tmp_path.rglob("*.json"))
    _write(tmp_path, [{"median_m": float("nan"), "median_m_reason": "no samples"}])
    assert results.read("smoke", "table2", tmp_path)["records"][0]["median_m"] is None


def test_a_value_that_is_not_finite_carries_its_reason_through_the_file(tmp_path):
    _write(tmp_path, [results.value("auroc", np.nan, "one kind only") | results.value("share", 0.5, "none", (0, 1))])
    assert results.read("smoke", "table2", tmp_path)["records"] == [
        {"auroc": None, "auroc_reason": "one kind only", "share": 0.5, "ci95_share": [0, 1]}]


def test_read_names_the_missing_or_broken_file(tmp_path):
    with pytest.raises(InputError, match="table9.json.*profile `smoke`"):
        results.read("smoke", "table9", tmp_path)
    _write(tmp_path, []).write_text("{")
    with pytest.raises(InputError, match="table2.json: broken"):
        results.read("smoke", "table2", tmp_path)


ROW = '{"loss": "emd", "median_m": 1.0, "ci95_m": [0.5, 1.5]}'


@pytest.mark.parametrize("change, message", [
    (("{}", "[]"), "provenance is ..; expected keys and values"),
    (('"provenance": {}, ', ""), "expected {\"provenance\""),
    (('"provenance"', '"origin"'), "expected {\"provenance\""), ((f"[{ROW}]", "{}"), "records: expected a list"),
    ((ROW, "1"), "records: record 0 is 1; expected keys and values"), ((ROW, f"{ROW}, [1]"), "record 1 is .1."),
    (("1.0", "NaN"), "record 0: `median_m` is nan; expected a finite number"),
    (("1.0", "1e15"), "is 1000000000000000.0; expected a finite number below 1e15, a text, or a list of them"),
    (("1.0", "Infinity"), "`median_m` is inf"),
    (("1.0", "1e999"), "`median_m` is inf"), (("1.0", "1" * 400), "`median_m` is 111"), (("1.0", "[NaN]"), "is .nan."),
    (("1.0", "[[1]]"), "is ..1.."), (("1.0", '{"a": 1}'), "`median_m` is {'a': 1}"),
    (("[0.5, 1.5]", "[1.5, 0.5]"), "`ci95_m` is .1.5, 0.5.; .*an interval, .low, high."),
    (("[0.5, 1.5]", "[0.5]"), "`ci95_m` is .0.5."), (("[0.5, 1.5]", "0.5"), "`ci95_m` is 0.5"),
    (("[0.5, 1.5]", '["a", "b"]'), "`ci95_m` is"), (("[0.5, 1.5]", "[NaN, 1]"), "`ci95_m` is"),
    (("[0.5, 1.5]", "[true, false]"), "`ci95_m` is"), (('"loss"', '"median_m"'), "'median_m' stands twice"),
    (("emd", "\\ud800"), "`loss` is '.*ud800'; expected")])
def test_records_of_another_shape_are_named(tmp_path, change, message):
    path = _write(tmp_path, [])
    path.write_text(f'{{"provenance": {{}}, "records": [{ROW}]}}')
    assert results.read("smoke", "table2", tmp_path)["records"][0]["ci95_m"] == [0.5, 1.5]
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(InputError, match=f"smoke/table2.json: .*{message}"):
        results.read("smoke", "table2", tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "1", '{"seconds_per_epoch": [1]}',
                                  '{"seconds_per_epoch": [{"value": NaN}]}'])
def test_a_broken_stamp_is_named(tmp_path, text):
    _write(tmp_path, [])
    (tmp_path / "smoke" / "table2.stamp.json").write_text(text)
    with pytest.raises(InputError, match="smoke/table2.stamp.json: "):
        results.read("smoke", "table2.stamp", tmp_path)


@pytest.mark.parametrize("record", [1, "a", [("a", 1)], {"a": {"b": 1}}, {"a": [[1]]}, {"a": 1e20}, {"ci95_a": 1},
                                    {"ci95_a": (2, 1)}, {"ci95_a": (1, 2, 3)}])
def test_what_could_not_be_read_back_is_not_written(tmp_path, record):
    with pytest.raises(InputError, match="table2.json: records: record 0"):
        _write(tmp_path, [record])
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("profile, name", [("../x", "table2"), ("smoke", "../table2"), ("smoke", "a/b"), ("", "a"),
                                           ("smoke", ".."), (".git", "a")])
def test_a_path_is_no_name_of_results(tmp_path, profile, name):
    for call in (lambda: results.read(profile, name, tmp_path),
                 lambda: results.write(profile, name, [], {}, {}, tmp_path / "in")):
        with pytest.raises(InputError, match="names no file of records"):
            call()
    assert not list(tmp_path.iterdir())


def test_an_earlier_file_that_is_broken_is_written_again(tmp_path):
    path = _write(tmp_path, RECORDS)
    path.write_bytes(b"\xff")
    assert _write(tmp_path, RECORDS) == path and results.read("smoke", "table2", tmp_path)["records"] == RECORDS


def test_select_and_one():
    assert results.select(RECORDS, loss="emd", split="grid2") == [RECORDS[0]]
    assert results.select(RECORDS, loss="pse") == []
    assert results.one(RECORDS, split="random") == RECORDS[2]
    with pytest.raises(InputError, match="0 records match loss=pse"):
        results.one(RECORDS, loss="pse")
    with pytest.raises(InputError, match="2 records match loss=emd"):
        results.one(RECORDS, loss="emd")
    with pytest.raises(InputError, match="`los`; the keys are loss, n, split"):
        results.select(RECORDS, los="emd")
    assert results.one([{"records": 1}, {"records": 2}], records=2) == {"records": 2}
    for odd in (None, 3, "emd", {"loss": "emd"}, [1], [None], [["loss"]]):
        with pytest.raises(InputError, match="records: .*; expected a list of records"):
            results.one(odd, loss="emd")
