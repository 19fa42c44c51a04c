"""The rule by which claims are judged can fail: constants, exchanged columns and wide tolerances do not pass."""

import json
import shutil
from collections import Counter

import pytest

from rsslib.ledger import claims
from rsslib.ledger.verdicts import COVERED, judge
from rsslib.ledger.wording import REFUTED, SETTLED
from rsslib.project import ROOT

CLAIMS = claims.load()


@pytest.fixture
def changed(tmp_path):
    """Return a function that judges the claims with changed records: {file: change of a record} of a profile."""
    def judged(profile, **changes):
        folder = tmp_path / "results"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ROOT / "results" / profile, folder / profile, ignore=shutil.ignore_patterns("trained"))
        for name, change in changes.items():
            path = folder / profile / f"{name}.json"
            content = json.loads(path.read_text(encoding="utf-8"))
            content["records"] = [change(dict(record)) for record in content["records"]]
            path.write_text(json.dumps(content), encoding="utf-8")
        return {one.claim.id: one for one in judge(CLAIMS, profile, folder)}
    return judged


def test_a_number_that_can_have_an_interval_has_no_tolerance():
    """A tolerance would accept the numbers of other methods: those of the losses lie within 4 to 22 % of each other."""
    for claim in CLAIMS:
        if claim.cell and claim.profiles and not claim.exact:
            assert not {"relative", "absolute"} & set(claim.tolerance), claim.id


def test_exchanged_losses_do_not_pass(changed):
    def exchanged(record):
        for key in ("loss", "left_loss", "right_loss"):
            if key in record:
                record[key] = {"com": "emd", "emd": "com"}.get(record[key], record[key])
        return record

    as_found, otherwise = changed("full"), changed("full", table2=exchanged, table2_pairs=exchanged)
    orders = [name for name in as_found if name.startswith("t2-order-") and "pse" not in name]
    assert {as_found[name].settled for name in orders} >= {SETTLED} and len(orders) == 5
    assert not any(as_found[name].settled == REFUTED for name in orders)
    assert any(otherwise[name].settled == REFUTED for name in orders)
    covered = [sum(one.verdict == COVERED for name, one in found.items() if name.startswith("t2-"))
               for found in (as_found, otherwise)]
    assert covered[1] < covered[0]


@pytest.mark.parametrize("metric", ["cmr", "rmse_fraction", "fa", "mr"])
def test_one_constant_for_all_methods_does_not_pass(changed, metric):
    """The mean of what is printed, with our intervals around it."""
    ending = f"-{metric.removesuffix('_fraction')}"
    cells = [claim for claim in CLAIMS if claim.cell and claim.id.startswith("e1-") and claim.id.endswith(ending)]
    mean = sum(claim.printed for claim in cells) / len(cells) / (1 if metric == "rmse_fraction" else 100)

    def constant(record):
        low, high = record[f"ci95_{metric}"]
        half = (high - low) / 2
        return record | {metric: mean, f"ci95_{metric}": [mean - half, mean + half]}

    found = changed("quick", emitters_table1=constant)
    words = Counter(found[claim.id].settled for claim in cells)
    assert len(cells) == 9 and words[REFUTED] >= 2
