"""Verdicts: one small table of records, and each word that a claim can earn against it."""

import pytest

from rsslib.ledger import results, verdicts
from rsslib.ledger.claims import Claim
from rsslib.ledger.verdicts import files, number

EMD = {"file": "table2", "where": {"loss": "emd"}, "field": "median_m"}
COM = {"file": "table2", "where": {"loss": "com"}, "field": "median_m"}
SECONDS = {"file": "table2.stamp", "list": "seconds_per_epoch", "where": {"loss": "emd"}, "field": "value"}


def judge(claim, profile, folder):
    return verdicts.judge([claim], profile, folder)[0]


@pytest.fixture
def folder(tmp_path):
    records = [{"loss": "emd", "median_m": 270.0, "ci95_m": [260.0, 290.5]},
               {"loss": "com", "median_m": 300.0, "ci95_m": [280.0, 320.0]},
               {"loss": "pse", "median_m": float("nan"), "median_m_reason": "the training diverged"}]
    seconds = {"seconds_per_epoch": [{"loss": "emd", "value": 3.1}]}
    for profile in ("quick", "campus"):
        results.write(profile, "table2", records, {"source": "frs"}, seconds, tmp_path)
    return tmp_path


def _value(printed=277.5, record=EMD, **rest):
    rest = {"tolerance": {"relative": 0.1, "better": "lower"}, "unit": "m"} | rest
    return Claim("a", "A Paper", "Table II", "s", "value", printed, record=record, **rest)


def _order(left=EMD, relation="<", right=COM, **rest):
    return Claim("a", "A Paper", "Table II", "s", "ordering", record={"left": left, "relation": relation,
                                                                      "right": right}, unit="m", **rest)


@pytest.mark.parametrize("printed, tolerance, verdict", [
    (277.5, {"relative": 0.1, "better": "lower"}, "reproduced"),
    (270.0, {"absolute": 0}, "reproduced"),
    (400.0, {"relative": 0.1, "better": "lower"}, "better"),
    (400.0, {"relative": 0.1}, "differs"),
    (400.0, {"relative": 0.1, "better": "higher"}, "differs"),
    (200.0, {"absolute": 60, "better": "higher"}, "better"),
    (200.0, {"absolute": 60, "better": "lower"}, "differs"),
])
def test_values(folder, printed, tolerance, verdict):
    judged = judge(_value(printed, tolerance=tolerance), "quick", folder)
    assert judged.verdict == verdict
    assert judged.ours == "270.0 m [260.0, 290.5]"


def test_orderings_and_overlap(folder):
    judged = judge(_order(), "quick", folder)
    assert judged.verdict == "order holds"
    assert judged.ours == "270.0 [260.0, 290.5] < 300.0 [280.0, 320.0] m; the intervals overlap"
    judged = judge(_order(relation=">", why={"quick": "one seed"}), "quick", folder)
    assert str(judged) == "differs: one seed"
    assert "270.0 [260.0, 290.5] not > 300.0" in judged.ours


@pytest.mark.parametrize("spec, ours", [
    ({"compute": "ratio", "of": [EMD, COM]}, "0.9"),
    ({"compute": "percent", "of": [EMD, COM]}, "90.0"),
    ({"compute": "percent_below", "of": [EMD, COM]}, "10"),
    ({"compute": "difference", "of": [COM, EMD]}, "30.0"),
    ({"compute": "max", "of": [COM, EMD, 7]}, "300.0 [280.0, 320.0]"),
    ({"compute": "min", "of": [COM, {"compute": "difference", "of": [COM, EMD]}]}, "30.0"),
    (SECONDS, "3.1"),
    (5, "5"),
])
def test_computed_and_stamped_quantities(folder, spec, ours):
    assert judge(_value(1.0, spec, unit=""), "quick", folder).ours == ours


def test_a_difference_without_a_reason_says_so_and_is_listed(folder):
    assert str(judge(_value(1.0), "quick", folder)) == "differs: no reason recorded yet"
    told = _value(1.0, why={"quick": "compact network"})
    assert str(judge(told, "quick", folder)) == "differs: compact network"


def test_not_judged_shows_our_value_and_the_reason(folder):
    claim = _value(profiles=("paper",), why={"quick": "fixed schedule"})
    judged = judge(claim, "quick", folder)
    assert str(judged) == "not judged in this profile: fixed schedule"
    assert judged.ours.startswith("270.0 m")


def test_synthetic_profiles_are_never_judged(folder):
    assert str(judge(_value(why={"any": "a reason"}), "campus", folder)) == "not judged in this profile"


def test_texts_are_not_judged(folder):
    claim = Claim("a", "A Paper", "Figure 4", "s", "text", why={"any": "see fig04"})
    assert str(judge(claim, "quick", folder)) == "not judged in this profile: see fig04"


def test_not_run_names_what_is_missing(folder):
    assert str(judge(_value(), "paper", folder)) == "not run: no table2.json"
    for loss, note in (("mse", "0 records match loss=mse"), ("pse", "the training diverged")):
        assert note in judge(_value(record=EMD | {"where": {"loss": loss}}), "quick", folder).note
    assert judge(_value(record={"compute": "ratio", "of": [1, 0]}), "quick", folder).verdict == "not run"


@pytest.mark.parametrize("file, loss, why, explained", [
    ("table2", "emd", {}, False), ("table2", "emd", {"quick": "a reason"}, True),
    ("table2", "emd", {"paper": "a reason of another profile"}, False),
    ("table2", "mse", {}, False), ("table2", "mse", {"any": "no such loss"}, True), ("table3", "emd", {}, True)])
def test_differences_and_lost_records_ask_for_a_reason(folder, file, loss, why, explained):
    record = {"file": file, "where": {"loss": loss}, "field": "median_m"}
    assert judge(_value(1.0, record, why=why, tolerance={"relative": 0}), "quick", folder).explained == explained
    assert judge(_value(1.0, record, why=why, profiles=()), "quick", folder).explained


def test_a_file_of_records_is_read_once(folder, monkeypatch):
    read, names = results.read, []
    monkeypatch.setattr(results, "read", lambda *where: (names.append(where[1]), read(*where))[1])
    verdicts.judge([_value(), _order(), _order(left=SECONDS)], "quick", folder)
    assert sorted(names) == ["table2", "table2.stamp"]


def test_a_broken_file_of_records_is_named(folder):
    (folder / "quick" / "table2.json").write_text("{")
    assert "not valid JSON" in judge(_value(), "quick", folder).note


def test_files_and_numbers():
    assert files({"left": EMD, "relation": "<", "right": {"compute": "max", "of": [SECONDS, 1]}}) == [
        "table2", "table2.stamp"]
    assert files(None) == []
    assert [number(value) for value in (351, 277.52, 1.052, 0.0)] == ["351", "277.5", "1.05", "0"]


def test_a_number_within_the_interval_is_noted(folder):
    assert judge(_order(right=285), "quick", folder).ours.endswith("< 285 m; the interval includes 285")
    assert judge(_order(left=265, right=EMD), "quick", folder).ours.endswith("; the interval includes 265")
    assert "includes" not in judge(_order(right=295), "quick", folder).ours
    assert str(judge(_order(right=285), "quick", folder)) == "order holds: but within the intervals"
    assert str(judge(_order(right=295), "quick", folder)) == "order holds"


PAIR = {"environment": "e", "left_method": "b", "right_method": "a", "cmr": 0.2, "ci95_cmr": [0.1, 0.3]}


def _side(method):
    return {"file": "t", "where": {"environment": "e", "method": method}, "field": "cmr"}


@pytest.mark.parametrize("left, right, interval, ours", [
    ("b", "a", [0.1, 0.3], "0.7 [0.5, 0.9] > 0.5 [0.3, 0.7] m; paired difference 0.2 [0.1, 0.3]"),
    ("a", "b", [0.1, 0.3], "0.5 [0.3, 0.7] not > 0.7 [0.5, 0.9] m; paired difference -0.2 [-0.3, -0.1]"),
    ("b", "a", [-0.1, 0.5], "0.7 [0.5, 0.9] > 0.5 [0.3, 0.7] m; paired difference 0.2 [-0.1, 0.5], which includes 0"),
    ("a", "b", [0.0, 0.3], "0.5 [0.3, 0.7] not > 0.7 [0.5, 0.9] m; paired difference -0.2 [-0.3, 0], which includes 0"),
    ("b", "a", None, "0.7 [0.5, 0.9] > 0.5 [0.3, 0.7] m; the intervals overlap"),
])
def test_a_paired_difference_is_shown_where_there_is_one(tmp_path, left, right, interval, ours):
    records = [{"environment": "e", "method": "a", "cmr": 0.5, "ci95_cmr": [0.3, 0.7]},
               {"environment": "e", "method": "b", "cmr": 0.7, "ci95_cmr": [0.5, 0.9]}]
    results.write("quick", "t", records, {}, {}, tmp_path)
    results.write("quick", "t_pairs", [PAIR | {"ci95_cmr": interval}], {}, {}, tmp_path)
    judged = judge(_order(_side(left), ">", _side(right), why={"quick": "a reason"}), "quick", tmp_path)
    assert judged.ours == ours
    near = "includes" in ours or "overlap" in ours
    assert judged.note == ("a reason" if "not >" in ours else "but within the intervals" if near else "")
    results.write("quick", "t_pairs", [PAIR | {"ci95_cmr": interval}], {"code_hash": "of another run"}, {}, tmp_path)
    assert "paired" not in judge(_order(_side(left), ">", _side(right)), "quick", tmp_path).ours
