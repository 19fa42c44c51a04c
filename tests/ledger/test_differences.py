"""What differs: counts are those of the verdicts, the furthest cell is the furthest, reasons do not get stale."""

import re

import pytest
import small_ledger
import yaml

from rsslib.ledger import claims, differences, results
from rsslib.ledger.verdicts import judge
from rsslib.project import ROOT

RUN_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def verdicts(root, profile="quick"):
    return judge(claims.load(root / "claims.yaml"), profile, root / "results")


def test_orderings_and_values_are_counted_apart(tmp_path):
    small_ledger.write(tmp_path, pairs=small_ledger.PAIRS | {"grid2": (-40.0, [-60.0, 1.0])})
    assert differences.counted(verdicts(tmp_path)) == (
        "Of 2 orderings: 1 settled to hold, 0 settled not to hold, 1 undecided. Of 4 values: the interval covers the "
        "printed number of 0, 0 are better, 3 agree within a tolerance or have no interval, 1 differ (1 the interval "
        "excludes the printed value, or lies outside the tolerance). Not judged: 1 (1 definitions, settings, drawings "
        "or statements without a number; 0 numbers that cannot be compared here or that hold by construction). Not "
        "run: 1.")


def test_where_nothing_is_judged_or_differs_it_is_said(tmp_path):
    small_ledger.write(tmp_path, "campus")
    assert differences.lines(verdicts(tmp_path, "campus"), {}) == ["No claim is judged in this profile."]
    small_ledger.write(tmp_path, medians=small_ledger.MEDIANS | {("com", "july"): 150.0})
    assert differences.lines(verdicts(tmp_path), {})[-1] == "No claim differs."


def test_the_counts_of_the_project_add_up():
    judged = [one for one in verdicts(ROOT) if one.settled]
    numbers = [int(text) for text in re.findall(r"\d+", differences.counted(verdicts(ROOT)))]
    assert numbers[0] == sum(numbers[1:4]) == sum(one.claim.kind == "ordering" for one in judged)
    assert numbers[4] == sum(numbers[5:9]) == sum(one.claim.kind == "value" for one in judged)
    assert numbers[8] == sum(one.verdict == "differs" for one in judged)


@pytest.mark.parametrize("change, told", [
    ({}, ["Differs: [Paper 1, Table II, CoM, July→Nov](LEDGER.md#t2-com-july) 149.7 → 250.0. trained"]),
    ({("emd", "grid2"): 90.0}, ["Differs: [Paper 1, Table II, CoM, July→Nov]",
                                "Agrees: [Paper 1, Table II, EMD, Grid2]"]),
    ({("com", "july"): 150.0}, ["Agrees: [Paper 1, Table II, EMD, July→Nov]"])])
def test_the_furthest_cell_is_named_and_the_one_further_still(tmp_path, change, told):
    small_ledger.write(tmp_path, medians=small_ledger.MEDIANS | change)
    lines = [line for line in differences.furthest(verdicts(tmp_path)) if line.startswith("- ")]
    assert len(lines) == len(told) and all(line.startswith(f"- {text}") for line, text in zip(lines, told))


def test_the_furthest_of_the_project_is_the_furthest_of_all_cells():
    cells = [one for one in verdicts(ROOT) if one.claim.cell and one.value]
    most = max(cells, key=lambda one: max(one.value / one.claim.printed, one.claim.printed / one.value))
    assert f"LEDGER.md#{most.claim.id})" in " ".join(differences.furthest(verdicts(ROOT)))


def test_an_interval_that_reaches_in_and_a_missing_one_are_told_apart(tmp_path):
    small_ledger.write(tmp_path)
    rows = results.read("quick", "table2", tmp_path / "results")["records"]
    rows[0]["median_m"], rows[0]["ci95_m"] = 430.0, [410.0, 440.0]
    del rows[2]["ci95_m"]
    results.write("quick", "table2", rows, small_ledger.ORIGIN, {}, tmp_path / "results")
    line, = [line for line in differences.lines(verdicts(tmp_path), {}) if line.startswith("- **No cause")]
    assert "Outside, but the interval reaches in: [Paper 1, Table II, CoM, Grid2]" in line
    told = " ".join(differences.lines(verdicts(tmp_path), {"schedule": "Short"}))
    assert "Outside, without an interval: [Paper 1, Table II, CoM, July→Nov]" in told


def test_what_differs_has_a_name_in_words():
    for claim in claims.load():
        assert claim.cell or not claim.cause or claim.name, claim.id


def _numbers(node):
    """Yield the numbers of settings, as texts write them."""
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _numbers(part)
    elif isinstance(node, (int, float)) and not isinstance(node, bool):
        yield f"{node:g}"


def _allowed(content):
    """Return what a reason may name: the numbers that the papers print, settings, and numbers of tables and figures."""
    papers = " ".join([*content["tables"].values(), *(f"{claim.printed} {claim.statement}" for claim in claims.load())])
    names = {"300", "700"}    # limits in the names of records
    settings = set(_numbers(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))))
    return {number.replace(",", "") for number in RUN_NUMBER.findall(papers)} | settings | names


def test_no_reason_holds_a_number_that_a_run_found():
    allowed = _allowed(claims.read(ROOT / "claims.yaml"))
    for claim in claims.load():
        for text in claim.why.values() if claim.kind != "text" else ():
            text = re.sub(r"\b\w+\.(json|yaml|py)\b|\brsslib[\w.]+|(Figure|Table|Section) \S+|1e-\d", "", text)
            found = {number.replace(",", "").rstrip(".") for number in RUN_NUMBER.findall(text)}
            assert found <= allowed, (claim.id, found - allowed)
    stale = "33 of 71 samples; the interval is 167..240 m, the curve 0.84"
    assert not set(RUN_NUMBER.findall(stale)) <= allowed
