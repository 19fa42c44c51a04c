"""Rankings: a method leads where the paired difference settles it, else those that may lead are named together."""

from itertools import combinations

import pytest
import yaml

from rsslib.ledger import rankings, results
from rsslib.ledger.quantities import Records
from rsslib.project import InputError

ENTRY = {"paper": "p", "text": "Highest CMR", "file": "t", "field": "cmr", "within": "place", "of": "method",
         "cases": {"x": "X-town", "y": "Y-town", "z": "Z-town"},
         "names": {"a": "A", "b": {"any": "B with readings", "paper": "B"}, "c": "maps"}}
CLEAR = {"a": 0.7, "b": 0.6, "c": 0.5}


def told(path, cases, half=0.02, entry=ENTRY, profile="quick", drop=()):
    claims = path / "claims.yaml"
    claims.write_text(yaml.safe_dump({"papers": {"p": "A Paper"}, "claims": [], "rankings": {"best": entry}}))
    results.write(profile, "t", [{"place": place, "method": method, "cmr": value} for place, values in cases.items()
                                 for method, value in values.items()], {}, {}, path)
    pairs = [{"place": place, "left_method": one, "right_method": other, "cmr": values[one] - values[other],
              "ci95_cmr": [values[one] - values[other] - half, values[one] - values[other] + half]}
             for place, values in cases.items() for one, other in combinations(sorted(values), 2)]
    results.write(profile, "t_pairs", [pair for pair in pairs if pair["place"] not in drop], {}, {}, path)
    (paper, sentence), = rankings.sentences(claims, Records(profile, path)).values()
    assert paper == "A Paper"
    return sentence


def test_a_settled_lead_is_told_with_its_interval(tmp_path):
    assert told(tmp_path, dict.fromkeys("x", CLEAR)) == (
        "Highest CMR: A in X-town (+10.0 points [+8.0, +12.0] over B with readings); maps are lowest in X-town.")


def test_a_lead_that_is_not_settled_is_nobodys_and_a_planted_change_turns_it(tmp_path):
    level = {"a": 0.60, "b": 0.61, "c": 0.5}
    cases = {"x": CLEAR, "y": level, "z": level}
    assert told(tmp_path, cases) == (
        "Highest CMR: A in X-town (+10.0 points [+8.0, +12.0] over B with readings); no lead is settled between A and "
        "B with readings in Y-town and Z-town; maps are lowest in all three.")
    assert told(tmp_path, cases | {"x": CLEAR | {"c": 0.9}}).startswith(
        "Highest CMR: maps in X-town (+20.0 points [+18.0, +22.0] over A)")
    assert "no lead is settled between A, B with readings and maps in X-town" in told(tmp_path, cases, half=0.5)
    assert "over B)" in told(tmp_path, cases, profile="paper")


def test_what_is_missing_is_left_out(tmp_path):
    assert "Y-town" not in told(tmp_path, dict.fromkeys("xy", CLEAR), drop="y")
    assert told(tmp_path, {}) == ""
    assert told(tmp_path, {"x": {"a": 0.7}}) == ""


def test_a_wrong_ranking_is_refused(tmp_path):
    with pytest.raises(InputError, match="rankings: best: missing key 'field'"):
        told(tmp_path, {}, entry={key: value for key, value in ENTRY.items() if key != "field"})
    for change, message in (({"paper": "q"}, "unknown paper 'q'"), ({"more": "q"}, "unknown key 'more'"),
                            ({"cases": ["x"]}, "`cases` is .*expected a text for each name"),
                            ({"cases": {"x": {"quick": "X"}}}, "expected a text for each of `cases`"),
                            ({"names": {"a": "A"}}, "expected two `names` or more"), ({"file": "../t"}, ".* `file`"),
                            ({"field": 3}, "`field` is 3; expected a text")):
        with pytest.raises(InputError, match=f"rankings: best: {message}"):
            told(tmp_path, {}, entry=ENTRY | change)


def test_the_papers_ranking_names_the_highest_of_the_records():
    ranked = rankings.sentences(None, Records("quick"))["counts-best"][1]
    rows = [row for row in results.read("quick", "emitters_table1")["records"] if row["environment"] == "free_space"]
    names = {"single_stage": "single stage", "two_stage_logit": "logits with", "two_stage_binary": "binary maps"}
    best = names[max(rows, key=lambda row: row["cmr"])["method"]]
    assert ranked.index(best) < ranked.index("free space") or best in ranked.split("no lead is settled")[1]
