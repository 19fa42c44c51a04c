"""Verdicts: one small table of records, and each word that a claim can earn against it."""

import json

import pytest

from rsslib.ledger import results, verdicts
from rsslib.ledger.claims import Claim
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED
from rsslib.project import InputError

EMD = {"file": "table2", "where": {"loss": "emd"}, "field": "median_m"}
COM = {"file": "table2", "where": {"loss": "com"}, "field": "median_m"}


def judge(claim, profile, folder):
    return verdicts.judge([claim], profile, folder)[0]


@pytest.fixture
def folder(tmp_path):
    records = [{"loss": "emd", "median_m": 270.0, "ci95_m": [260.0, 290.5]},
               {"loss": "com", "median_m": 300.0, "ci95_m": [280.0, 320.0]},
               {"loss": "pse", "median_m": float("nan"), "median_m_reason": "the training diverged"}]
    for profile in ("quick", "campus"):
        results.write(profile, "table2", records, {"source": "frs"}, {}, tmp_path)
    return tmp_path


def _value(printed=277.5, record=EMD, **rest):
    rest = {"tolerance": {"relative": 0.1, "better": "lower"}, "unit": "m"} | rest
    return Claim("a", "A Paper", "Table II", "s", "value", printed, record=record, **rest)


def _order(left=EMD, relation="<", right=COM, **rest):
    return Claim("a", "A Paper", "Table II", "s", "ordering", record={"left": left, "relation": relation,
                                                                      "right": right}, unit="m", **rest)


@pytest.mark.parametrize("printed, tolerance, verdict, settled", [
    (277.5, {"relative": 0.1, "better": "lower"}, "reproduced", SETTLED),
    (277.5, {"absolute": 13}, "reproduced", UNDECIDED),    # the interval begins below 264.5
    (270.0, {"absolute": 0}, "reproduced", UNDECIDED),
    (400.0, {"relative": 0.1, "better": "lower"}, "better", SETTLED),
    (400.0, {"relative": 0.1}, "differs", REFUTED),
    (400.0, {"relative": 0.1, "better": "higher"}, "differs", REFUTED),
    (250.0, {"absolute": 15}, "differs", UNDECIDED),       # and here it begins within the tolerance
    (200.0, {"absolute": 60, "better": "higher"}, "better", SETTLED),
    (200.0, {"absolute": 60, "better": "lower"}, "differs", UNDECIDED),
])
def test_values(folder, printed, tolerance, verdict, settled):
    judged = judge(_value(printed, tolerance=tolerance, why={"quick": "a reason"}), "quick", folder)
    assert (judged.verdict, judged.settled, judged.value) == (verdict, settled, 270.0)
    assert judged.ours == "270.0 m [260.0, 290.5]"
    assert ("crosses the tolerance limit" in judged.note) == (settled == UNDECIDED)
    assert ("a reason" in judged.note) == (verdict == "differs")


def test_without_an_interval_a_value_keeps_its_verdict_and_nothing_is_settled(folder):
    results.write("quick", "facts", [{"fact": "a", "value": 270.0}], {}, {}, folder)
    fact = {"file": "facts", "where": {"fact": "a"}, "field": "value"}
    for printed, verdict, exactly in ((277.5, "reproduced", SETTLED), (200.0, "differs", REFUTED)):
        judged = judge(_value(printed, fact, why={"quick": "a reason"}), "quick", folder)
        assert (judged.verdict, judged.settled) == (verdict, UNDECIDED) and "no interval" in judged.note
        assert judge(_value(printed, fact, exact=True), "quick", folder).settled == exactly
    for right in (300, EMD, 200):
        judged = judge(_order(fact, right=right), "quick", folder)
        assert (judged.verdict, judged.note) == (UNDECIDED, "a number has no interval")
    assert judge(_order(fact, right=300, exact=True), "quick", folder).verdict == SETTLED


@pytest.mark.parametrize("relation, right, verdict, ours", [
    ("<", COM, UNDECIDED, "270.0 [260.0, 290.5] < 300.0 [280.0, 320.0] m"),
    (">", COM, UNDECIDED, "270.0 [260.0, 290.5] not > 300.0 [280.0, 320.0] m"),
    ("<", 295, SETTLED, "270.0 [260.0, 290.5] < 295 m"),
    (">", 295, REFUTED, "270.0 [260.0, 290.5] not > 295 m"),
    ("<", 285, UNDECIDED, "270.0 [260.0, 290.5] < 285 m")])
def test_orderings(folder, relation, right, verdict, ours):
    judged = judge(_order(relation=relation, right=right, why={"quick": "one seed"}), "quick", folder)
    assert (judged.verdict, judged.settled, judged.ours) == (verdict, verdict, ours)
    assert judged.note == ("" if verdict == SETTLED else "one seed")


@pytest.mark.parametrize("interval, verdict", [([-50, -10], SETTLED), ([-50, 10], UNDECIDED), ([10, 50], REFUTED)])
def test_a_paired_difference_settles_an_ordering_and_is_shown(folder, interval, verdict):
    pair = {"left_loss": "emd", "right_loss": "com", "median_m": -30.0, "ci95_median_m": interval}
    results.write("quick", "table2_pairs", [pair], {"source": "frs"}, {}, folder)
    judged = judge(_order(), "quick", folder)
    assert (judged.verdict, judged.value, judged.ci95) == (verdict, -30.0, interval)
    assert judged.ours.endswith(f"m; paired difference -30.0 [{interval[0]}, {interval[1]}]")


def test_a_difference_without_a_reason_says_so_and_is_listed(folder):
    assert str(judge(_value(1.0), "quick", folder)) == "differs: no reason recorded yet"
    assert str(judge(_value(1.0, why={"quick": "compact network"}), "quick", folder)) == "differs: compact network"
    assert judge(_value(1.0), "quick", folder).differs and not judge(_value(), "quick", folder).differs


def test_not_judged_shows_our_value_and_the_reason(folder):
    judged = judge(_value(profiles=("full",), why={"quick": "fixed schedule"}), "quick", folder)
    assert str(judged) == "not judged in this profile: fixed schedule"
    assert judged.ours.startswith("270.0 m") and judged.settled == ""


def test_synthetic_profiles_are_never_judged(folder):
    assert str(judge(_value(why={"any": "a reason"}), "campus", folder)) == "not judged in this profile"


def test_texts_are_not_judged(folder):
    claim = Claim("a", "A Paper", "Figure 4", "s", "text", why={"any": "see fig04"})
    assert str(judge(claim, "quick", folder)) == "not judged in this profile: see fig04"


def test_not_run_names_what_is_missing(folder):
    assert str(judge(_value(), "full", folder)) == "not run: no table2.json"
    for loss, note in (("mse", "0 records match loss=mse"), ("pse", "the training diverged")):
        assert note in judge(_value(record=EMD | {"where": {"loss": loss}}), "quick", folder).note


@pytest.mark.parametrize("claim, explained", [
    (_value(1.0), False), (_value(1.0, why={"quick": "a reason"}), True),
    (_value(1.0, why={"full": "a reason of another profile"}), False),
    (_order(right=200), False), (_order(), True),    # what is undecided needs no reason
    (_value(record=EMD | {"where": {"loss": "mse"}}), True),    # not every profile trains everything
    (_value(record=EMD | {"file": "table3"}), True), (_value(1.0, profiles=()), True)])
def test_differences_ask_for_a_reason(folder, claim, explained):
    assert judge(claim, "quick", folder).explained == explained


def test_a_broken_file_of_records_is_an_error(folder):
    (folder / "quick" / "table2.json").write_text("{")
    with pytest.raises(InputError, match="table2.json: broken"):
        judge(_value(), "quick", folder)


def _rewrite(folder, change, name="table2"):
    path = folder / "quick" / f"{name}.json"
    content = json.loads(path.read_text())
    change(content["records"])
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("claim", [_value(), _order(), _order(COM, ">", EMD), _value(
    record={"compute": "ratio", "of": [EMD, COM]}), _value(profiles=())])
def test_a_record_that_stands_twice_is_an_error_not_a_claim_that_was_not_run(folder, claim):
    _rewrite(folder, lambda rows: rows.append(rows[0]))
    with pytest.raises(InputError, match="quick/table2.json: 2 records match loss=emd, expected one of 4"):
        judge(claim, "quick", folder)


@pytest.mark.parametrize("value", ["270", True, [270], {"a": 1}, 1e300])
def test_a_value_of_another_kind_is_an_error(folder, value):
    _rewrite(folder, lambda rows: rows[0].update(median_m=value))
    with pytest.raises(InputError, match="quick/table2.json: .*`median_m` is .*; expected a .*number"):
        judge(_value(), "quick", folder)


def test_a_value_that_is_missing_was_not_run(folder):
    _rewrite(folder, lambda rows: rows[0].pop("median_m"))
    judged = judge(_value(), "quick", folder)
    assert judged.verdict == "not run" and "`median_m` is missing; expected a number" in judged.note


def test_a_division_by_a_record_that_is_0_was_not_run(folder):
    _rewrite(folder, lambda rows: rows[1].update(median_m=0))
    judged = judge(_value(record={"compute": "ratio", "of": [EMD, COM]}), "quick", folder)
    assert judged.verdict == "not run" and "ratio of table2: the second number is 0" in judged.note


@pytest.mark.parametrize("printed, better, verdict, settled", [
    (270.0, None, "covers the printed value", "settled: holds"), (200.0, None, "differs", "settled: does not hold"),
    (200.0, "lower", "differs", "settled: does not hold"), (400.0, "lower", "better", "settled: holds"),
    (200.0, "higher", "better", "settled: holds"), (400.0, "higher", "differs", "settled: does not hold")])
def test_without_a_tolerance_the_interval_must_cover_the_printed_value(folder, printed, better, verdict, settled):
    judged = judge(_value(printed, tolerance={"better": better} if better else {}, why={"any": "r"}), "quick", folder)
    assert (judged.verdict, judged.settled) == (verdict, settled)


@pytest.mark.parametrize("better, verdict", [("higher", "better"), ("lower", "differs")])
def test_the_side_of_the_interval_decides_not_that_of_the_value(folder, better, verdict):
    _rewrite(folder, lambda rows: rows[0].update(median_m=279.0, ci95_m=[285.0, 300.0]))
    assert judge(_value(280.0, tolerance={"better": better}, why={"any": "r"}), "quick", folder).verdict == verdict


def test_without_an_interval_such_a_value_settles_nothing(folder):
    results.write("quick", "bare", [{"n": 1, "median_m": 277.5}], {}, {}, folder)
    bare = {"file": "bare", "where": {"n": 1}, "field": "median_m"}
    judged = judge(_value(record=bare, tolerance={}), "quick", folder)
    assert judged.verdict == judged.settled == "undecided" and "no interval" in judged.note


def test_of_each_claim_the_first_real_profile_counts(folder):
    here, there = (verdicts.Verdict(_value(), profile, "reproduced", "1 m", settled=word) for profile, word in (
        ("quick", "settled: holds"), ("full", "settled: holds")))
    nothing = verdicts.Verdict(_value(), "full", "not run")
    assert [one.profile for one in verdicts.best({"quick": [here], "full": [there]})] == ["full"]
    assert [one.profile for one in verdicts.best({"quick": [here], "full": [nothing]})] == ["quick"]
    assert [one.profile for one in verdicts.best({"campus": [nothing]})] == ["full"]    # as it stands
