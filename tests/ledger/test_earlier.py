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


def _alike(row, other):
    """Whether all fields are there and equal, numbers to six digits: predictions are now kept in 16 bits."""
    return all(key in other and other[key] == (
        value if isinstance(value, str | None) else pytest.approx(value, rel=2e-5)) for key, value in row.items())


def test_free_space_is_as_it_was_and_a_city_is_not():
    before, now = (json.loads((ROOT / "results" / profile / "emitters_table1.json").read_text())["records"]
                   for profile in (earlier.FOLDER, "quick"))
    same = {row["environment"]: any(_alike(row, other) for other in now) for row in before}
    assert same.pop("free_space") and set(same) == {"chicago", "sydney"} and not any(same.values())
