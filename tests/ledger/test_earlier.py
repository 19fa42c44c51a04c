"""What changes of ours did: records from before stand beside those of now."""

import json

import pytest

from rsslib.ledger import earlier, results
from rsslib.ledger.quantities import Records
from rsslib.project import ROOT


def test_a_changed_row_shows_both_numbers(tmp_path):
    row = {"environment": "chicago", "method": "single_stage", "cmr": 0.5, "ci95_cmr": [0.4, 0.6]}
    for profile, cmr in (("earlier", 0.25), ("quick", 0.5)):
        results.write(profile, "emitters_table1", [row | {"cmr": cmr}], {}, {"commit": "0123456789"},
                      tmp_path / "results")
    text = "\n".join(earlier.passage(Records("quick", tmp_path / "results"), tmp_path))
    assert "0.25 [0.4, 0.6] → 0.5 [0.4, 0.6]" in text and "(commit 0123456)" in text and "– → –" in text


def test_without_records_from_before_there_is_nothing_to_say(tmp_path):
    assert earlier.passage(Records("quick", tmp_path), tmp_path) == []


def test_what_is_compared_has_the_same_settings():
    before, now = ({(row["environment"], row["method"]): row for row in json.loads(
        (ROOT / "results" / profile / "emitters_table1.json").read_text())["records"]}
                   for profile in (earlier.FOLDER, "quick"))
    assert before.keys() == now.keys() and len(now) == 9
    assert {key: row["threshold_dbm"] for key, row in before.items()} == {
        key: row["threshold_dbm"] for key, row in now.items()}
    kept = "free_space", "single_stage"    # the same scene and network: another training, to 3 points
    assert before[kept]["cmr"] == pytest.approx(now[kept]["cmr"], abs=0.03)
