"""The claims file: the one in the repository is right, and a wrong one is refused with the reason."""

import pytest
import yaml

from rsslib.ledger import claims as claims_file
from rsslib.project import ROOT, InputError

VALUE = {"id": "a", "paper": "p", "where": "Table II", "statement": "s", "kind": "value", "printed": 1.0,
         "record": {"file": "table2", "where": {"loss": "emd"}, "field": "median_m"},
         "tolerance": {"relative": 0.1}}
ORDER = VALUE | {"kind": "ordering", "record": {"left": 1, "relation": "<", "right": 2}}
TEXT = {"id": "a", "paper": "p", "where": "Figure 4", "statement": "s", "kind": "text",
        "why": {"any": "see it"}}


def _load(path, *entries, **more):
    path = path / "claims.yaml"
    path.write_text(yaml.safe_dump({"papers": {"p": "A Paper"}, "claims": list(entries)} | more))
    return claims_file.load(path)


def test_each_kind_is_read_with_defaults_and_the_title(tmp_path):
    value, order, text = _load(tmp_path, VALUE, ORDER | {"id": "b"}, TEXT | {"id": "c"})
    assert (value.paper, value.profiles, value.why, value.unit) == ("A Paper", ("quick", "paper"), {}, "")
    assert order.record["relation"] == "<"
    assert text.record is None


@pytest.mark.parametrize("entry, message", [
    ("text", "entry 0: expected a mapping"),
    ({k: v for k, v in VALUE.items() if k != "where"}, "claim a: missing key 'where'"),
    (VALUE | {"tolerence": 1}, "unknown key 'tolerence'"),
    (VALUE | {"paper": "q"}, "unknown paper 'q'"),
    (VALUE | {"kind": "number"}, "unknown kind 'number'"),
    (VALUE | {"profiles": ["campus"]}, "never judged"),
    (VALUE | {"why": {"quik": "typo"}}, "`why` is a mapping"),
    (VALUE | {"printed": "1 m"}, "`printed`, a number"),
    (VALUE | {"tolerance": {"better": "lower"}}, "`relative` or `absolute`"),
    (VALUE | {"tolerance": {"relative": 0, "better": "less"}}, "lower or higher"),
    ({k: v for k, v in VALUE.items() if k != "record"}, "bad selector None"),
    (VALUE | {"record": {"file": "table2", "field": "n"}}, "bad selector"),
    (VALUE | {"record": {"file": "table2", "field": "n", "where": "emd"}}, "bad selector.*a mapping `where`"),
    (VALUE | {"record": {"compute": "eval", "of": [1]}}, "bad selector.*percent_below"),
    (VALUE | {"record": {"compute": "max", "of": [{"file": "table2"}]}}, "bad selector"),
    (ORDER | {"record": {"left": 1, "right": 2}}, "`left`, `relation`, `right`"),
    (ORDER | {"record": {"left": 1, "relation": "==", "right": 2}}, "unknown relation '=='"),
    (VALUE | {"cause": {"any": "weather"}}, "unknown cause 'weather'; causes are \\['schedule'\\]"),
    (VALUE | {"cause": {"quik": "schedule"}}, "`cause` is a mapping"),
    (VALUE | {"cell": 1}, "unknown key 'cell'"),
    (VALUE | {"exact": "yes"}, "`exact` is true or false"),
    (VALUE | {"record": VALUE["record"] | {"pair": {"field": "m"}}}, "`pair` is .*expected {within} or {field, over}"),
    (TEXT | {"record": 1}, "a text has no `record`"),
    ({k: v for k, v in TEXT.items() if k != "why"}, "a `why`"),
])
def test_a_wrong_entry_is_refused(tmp_path, entry, message):
    with pytest.raises(InputError, match=message):
        _load(tmp_path, entry, causes={"schedule": "A short schedule"})


def test_an_id_may_stand_once(tmp_path):
    with pytest.raises(InputError, match="claim a: this id is used twice"):
        _load(tmp_path, VALUE, VALUE)


def test_other_content_is_refused(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text("claims: []")
    with pytest.raises(InputError, match="expected `papers`"):
        claims_file.load(path)
    path.write_text("claims: [")
    with pytest.raises(InputError, match="YAML"):
        claims_file.load(path)
    with pytest.raises(InputError, match="cannot be read"):
        claims_file.load(tmp_path / "none.yaml")


LABELS = {"loss": {"com": {"name": "CoM"}, "emd": {"name": "EMD"}}, "split": {"random": {"set": "test"}}}
TABLE = """
loss/split  random  grid2
com           35.5    334
emd         94.8/2  277.5
""".strip()
CELL = {"table": "t2", "id": "t2-{loss}-{split}", "kind": "value", "statement": "Error of {loss.name}: {shown}",
        "printed": "{printed}", "tolerance": {"relative": 0.1},
        "record": {"file": "table2", "where": {"loss": "{loss}"}, "field": "m"}}
PAIR = {"table": "t2", "pairs": {"loss": [["emd", "com"]]}, "id": "{left}-{right}-{split}", "kind": "ordering",
        "statement": "{left.name} has the {more} error", "printed": "{left.printed} {relation} {right.printed}",
        "record": {"left": {"file": "table2", "where": {"loss": "{left}"}, "field": "m"}, "relation": "{relation}",
                   "right": {"file": "table2", "where": {"loss": "{right}"}, "field": "m"}}}


def _of_table(path, entry):
    labels = LABELS | {"split": {"random": {"set": "test"}, "grid2": {"set": "ood"}}}
    group = {"paper": "p", "where": "Table II", "claims": [entry]}
    return _load(path, group, labels=labels, tables={"t2": TABLE})


def test_a_printed_table_is_a_claim_for_each_number(tmp_path):
    own = {"t2-emd-random": {"tolerance": {"absolute": 0}}, "grid2": {"unit": "m", "statement": "{split.set}"}}
    claims = _of_table(tmp_path, CELL | {"own": own})
    assert [(claim.id, claim.printed) for claim in claims] == [
        ("t2-com-random", 35.5), ("t2-com-grid2", 334), ("t2-emd-random", 47.4), ("t2-emd-grid2", 277.5)]
    assert [claim.statement for claim in claims] == ["Error of CoM: 35.5", "ood", "Error of EMD: 94.8", "ood"]
    assert [claim.unit for claim in claims] == ["", "m", "", "m"]
    assert claims[2].tolerance == {"absolute": 0} and claims[3].tolerance == {"relative": 0.1}
    assert claims[2].record == {"file": "table2", "where": {"loss": "emd"}, "field": "m"}
    assert {(claim.paper, claim.where) for claim in claims} == {("A Paper", "Table II")}
    assert claims[1].cell == ("loss", "CoM", "grid2", "334", 1)
    assert claims[2].cell == ("loss", "EMD", "random", "94.8", 2)


def test_pairs_of_a_printed_table_are_orderings_that_hold_in_print(tmp_path):
    claims = _of_table(tmp_path, PAIR)
    assert [claim.id for claim in claims] == ["emd-com-random", "emd-com-grid2"]
    assert [claim.printed for claim in claims] == ["94.8 > 35.5", "277.5 < 334"]
    assert [claim.statement for claim in claims] == ["EMD has the higher error", "EMD has the lower error"]
    assert [claim.record["relation"] for claim in claims] == [">", "<"]
    assert {claim.cell for claim in claims} == {None}
    claims = _of_table(tmp_path, PAIR | {"relation": "<", "each": {"split": ["grid2", "random"]}})
    assert [claim.id for claim in claims] == ["emd-com-grid2", "com-emd-random"]
    assert claims[1].record["left"]["where"] == {"loss": "com"} and claims[1].printed == "35.5 < 94.8"


def test_a_list_may_range_over_labels(tmp_path):
    part = {"each": {"n": [2, 5]}, "file": "fig11", "where": {"n_cells": "{n}"}, "field": "m"}
    claim, = _load(tmp_path, VALUE | {"record": {"compute": "max", "of": [part, 1]}})
    assert claim.record["of"] == [{"file": "fig11", "where": {"n_cells": n}, "field": "m"} for n in (2, 5)] + [1]


@pytest.mark.parametrize("change, message", [
    ({"table": "t9"}, "claim t2-.*'t9' is not known"),
    ({"statement": "{metric}"}, "'metric' is not known"),
    ({"statement": "{loss.colour}"}, "'colour' is not known"),
    ({"each": {"loss": ["mse"]}}, "'mse' is not known"),
    ({"own": {"t2-mse-random": {}}}, "'t2-mse-random' is not known"),
])
def test_a_wrong_table_entry_is_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        _of_table(tmp_path, CELL | change)


def test_a_row_has_a_number_for_each_column(tmp_path):
    with pytest.raises(InputError, match="table t: expected 2 numbers in row com"):
        _load(tmp_path, VALUE, tables={"t": "loss/split random grid2\ncom 35.5"})


def test_the_ledger_covers_tables_one_and_two():
    claims = {claim.id: claim for claim in claims_file.load(ROOT / "claims.yaml")}
    columns = ("random", "july", "november", "grid2", "grid5")
    printed = {"com": (35.5, 149.7, 265.3, 334.0, 154.1), "pse": (95.4, 212.6, 298.0, 303.2, 186.2),
               "emd": (47.4, 116.5, 234.2, 277.5, 147.6)}
    for loss, values in printed.items():
        assert tuple(claims[f"t2-{loss}-{column}"].printed for column in columns) == values
        assert f"t2-{loss}-seconds" in claims
    orderings = [name for name in claims if name.startswith("t2-order-")]
    assert len(orderings) == 15
    for name in orderings:
        left, right = name.split("-")[2:4]
        index = columns.index(name.split("-")[4])
        assert printed[left][index] < printed[right][index]
    assert [claims[f"t1-{row}-locations"].printed for row in ("random", "april", "july", "november")] == [
        4577, 811, 3415, 351]


def test_a_claim_that_no_profile_judges_says_why():
    for claim in claims_file.load(ROOT / "claims.yaml"):
        for profile in set(claims_file.REAL) - set(claim.profiles):
            assert profile in claim.why or "any" in claim.why, claim.id


def test_what_the_papers_print_can_be_looked_up():
    assert claims_file.printed("table2", "median_m", "loss", "split")["emd", "random"] == 47.4
    rates = claims_file.printed("table4", "best_choice_rate", "set")
    assert rates["july",] == pytest.approx(0.874) and len(rates) == 3
    assert len(claims_file.printed("table4", "median_m", "set", "model")) == 9
    assert claims_file.printed("table3", "low_confidence_rate", "split")["grid2",] == pytest.approx(0.666)
    assert claims_file.printed("no such file", "median_m") == {}
    with pytest.raises(InputError, match="printed twice; name more keys than loss"):
        claims_file.printed("table2", "median_m", "loss")
