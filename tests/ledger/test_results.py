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
    with pytest.raises(InputError, match="table2.json: not valid JSON"):
        results.read("smoke", "table2", tmp_path)


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
