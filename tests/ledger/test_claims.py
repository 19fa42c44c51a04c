"""The claims file: the one in the repository is right, and a wrong one is refused with the reason."""

import os

import pytest
import yaml

from rsslib.ledger import claims as claims_file
from rsslib.project import ROOT, InputError

VALUE = {"id": "a", "paper": "p", "where": "Table II", "statement": "s", "kind": "value", "printed": 1.0,
         "record": {"file": "table2", "where": {"loss": "emd"}, "field": "median_m"},
         "tolerance": {"relative": 0.1}}
ORDER = VALUE | {"kind": "ordering", "printed": "1 < 2", "record": {"left": 1, "relation": "<", "right": 2}}
TEXT = {"id": "a", "paper": "p", "where": "Figure 4", "statement": "s", "kind": "text",
        "why": {"any": "see it"}}


def _load(path, *entries, **more):
    path = path / "claims.yaml"
    path.write_text(yaml.safe_dump({"papers": {"p": "A Paper"}, "claims": list(entries)} | more))
    return claims_file.load(path)


def test_each_kind_is_read_with_defaults_and_the_title(tmp_path):
    value, order, text = _load(tmp_path, VALUE, ORDER | {"id": "b"}, TEXT | {"id": "c"})
    assert (value.paper, value.profiles, value.why, value.unit) == ("A Paper", ("full", "quick"), {}, "")
    assert order.record["relation"] == "<"
    assert text.record is None


def test_a_file_that_was_changed_is_read_again_however_fast(tmp_path):
    before = _load(tmp_path, VALUE)
    stat = (tmp_path / "claims.yaml").stat()
    path = tmp_path / "claims.yaml"
    path.write_text(path.read_text().replace("printed: 1.0", "printed: 2.0"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert [claims[0].printed for claims in (before, claims_file.load(path))] == [1.0, 2.0]
    with pytest.raises(InputError, match="aaa"):
        claims_file.load("a" * 300)


NAN, INF = float("nan"), float("inf")


def _tolerance(**amounts):
    return VALUE | {"tolerance": amounts}


@pytest.mark.parametrize("entry, message", [
    ("text", "claims.yaml: `claims`, part 1, is 'text'; expected a mapping"),
    ({k: v for k, v in VALUE.items() if k != "where"}, "claim a: missing key 'where'"),
    ({k: v for k, v in VALUE.items() if k != "id"}, "claim without an id: missing key 'id'"),
    (VALUE | {"tolerence": 1}, "claim a: unknown key 'tolerence'; expected cause, exact, id, "),
    (VALUE | {1: "a"}, "unknown key 1"),
    (VALUE | {"paper": "q"}, "unknown paper 'q'; papers are p"),
    (VALUE | {"paper": ["p"]}, "claim a: `paper` is .'p'.; expected a text"),
    (VALUE | {"id": "a b"}, "`id` is 'a b'; expected a name of letters"),
    (VALUE | {"id": {"a": 1}}, "`id` is {'a': 1}; expected a text"),
    (VALUE | {"kind": "number"}, "`kind` is 'number'; expected one of value, ordering, text"),
    (VALUE | {"profiles": ["campus"]}, "`profiles`, part 1, is 'campus'; expected one of full, quick"),
    (VALUE | {"profiles": "quick"}, "`profiles` is 'quick'; expected a list"),
    (VALUE | {"why": {"quik": "typo"}}, "`why`: unknown key 'quik'; expected any, full, quick"),
    (VALUE | {"why": "text"}, "`why` is 'text'; expected a mapping"),
    *((VALUE | {"printed": printed}, "`printed` of a value is .*; expected a finite number") for printed in (
        "1 m", None, True, NAN, INF, 1e300, 10**400, [1])),
    (_tolerance(better="lower") | {"exact": True}, "`relative` or `absolute`, not both; an exact one needs one"),
    (_tolerance(relative=0.1, absolute=1), "`relative` or `absolute`"),
    (_tolerance(relative=0, better="less"), "`better` is 'less'; expected one of lower, higher"),
    *((_tolerance(relative=share), "`relative` is .*; expected a number from 0 to 1") for share in (
        -0.1, 25, NAN, INF, True, "0.1", None)),
    *((_tolerance(absolute=amount), "`absolute` is .*; expected a number from 0 to 100") for amount in (
        -1, 1e6, NAN, INF, False, "1")),
    ({k: v for k, v in VALUE.items() if k != "record"}, "`record` is None, a bad selector"),
    (VALUE | {"record": True}, "`record` is True, a bad selector"),
    (VALUE | {"record": NAN}, "`record` is nan, a bad selector"),
    (VALUE | {"record": {"file": "table2", "field": "n"}}, "a bad selector"),
    (VALUE | {"record": {"file": "../table2", "field": "n", "where": {}}}, "`file` is .*; expected the name of a file"),
    (VALUE | {"record": {"file": ["a"], "field": "n", "where": {}}}, "`file` is .*; expected the name of a file"),
    (VALUE | {"record": {"file": "table2", "field": "n", "where": "emd"}}, "`where` is 'emd'; expected a mapping"),
    (VALUE | {"record": {"file": "table2", "field": "n", "where": {"a": [1]}}}, "`a` is .1.; expected a text or a"),
    (VALUE | {"record": {"file": "table2", "field": "n", "where": {1: 1}}}, "`where`: unknown key 1"),
    (VALUE | {"record": {"compute": "eval", "of": [1]}}, "`compute` is 'eval'; expected one of ratio, .*percent_below"),
    (VALUE | {"record": {"compute": "max", "of": [{"file": "table2"}]}}, "part 1 of max is .* a bad selector"),
    (VALUE | {"record": {"compute": "max", "of": []}}, "max of 0 numbers"),
    (VALUE | {"record": {"compute": "max"}}, "max of 0 numbers"),
    (VALUE | {"record": {"compute": "ratio", "of": [1, 2, 3]}}, "ratio of 3 numbers; expected 2"),
    (VALUE | {"record": {"compute": "ratio", "of": [1, 0]}}, "ratio by 0"),
    (ORDER | {"printed": 1.0}, "`printed` of an ordering is 1.0; expected a text"),
    (ORDER | {"record": {"left": 1, "right": 2}}, "`left`, `relation`, `right`"),
    (ORDER | {"record": {"left": 1, "relation": "==", "right": 2}}, "`relation` is '=='; expected one of <, <=, >, >="),
    (ORDER | {"record": {"left": "1", "relation": "<", "right": 2}}, "`left` is '1', a bad selector"),
    (VALUE | {"cause": {"any": "weather"}}, "unknown cause 'weather'; causes are schedule"),
    (VALUE | {"cause": {"quik": "schedule"}}, "`cause`: unknown key 'quik'"),
    (VALUE | {"cell": 1}, "unknown key 'cell'"),
    (VALUE | {"exact": "yes"}, "`exact` is 'yes'; expected true or false"),
    (VALUE | {"record": VALUE["record"] | {"pair": {"field": "m"}}}, "`pair` is .*expected {within} or {field, over}"),
    (VALUE | {"record": VALUE["record"] | {"pair": "m"}}, "`pair` is 'm'; expected a mapping"),
    (TEXT | {"record": 1}, "a text has no `record`"),
    ({k: v for k, v in TEXT.items() if k != "why"}, "a `why`"),
    ({"claims": "a"}, "entry 1: `claims` is 'a'; expected a list"),
    ({"claims": [1]}, "entry 1: `claims`, part 1, is 1; expected a mapping"),
])
def test_a_wrong_entry_is_refused(tmp_path, entry, message):
    with pytest.raises(InputError, match=message):
        _load(tmp_path, entry, causes={"schedule": "A short schedule"})


def test_an_id_may_stand_once(tmp_path):
    with pytest.raises(InputError, match="claim a: this id is used twice"):
        _load(tmp_path, VALUE, VALUE)


def test_other_content_is_refused(tmp_path):
    path = tmp_path / "claims.yaml"
    for text, message in (("claims: []", "no `papers`; expected `papers`"), ("papers: {p: A}", "no `claims`"),
                          ("claims: [", "claims.yaml: broken .*line 2.*; expected YAML"), ("", "expected a mapping"),
                          ("papers: {p: A}\npapers: {p: B}", "'papers' stands twice"), ("- 1", "expected a mapping")):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            claims_file.load(path)
    with pytest.raises(InputError, match="none.yaml: no such file"):
        claims_file.load(tmp_path / "none.yaml")


@pytest.mark.parametrize("key, value, message", [
    ("papers", {"p": 1}, "`papers`: `p` is 1; expected a text"),
    ("papers", ["p"], "`papers` is .'p'.; expected a mapping"),
    ("nots", {}, "unknown key 'nots'; expected causes, caveats, claims, "),
    ("notes", [], "`notes` is ..; expected a mapping"), ("notes", {"p": None}, "`notes`: `p` is None; expected a text"),
    ("caveats", {"q": "a"}, "`caveats` has 'q'; its keys are those of `papers`"),
    ("causes", {"c": ["a"]}, "`causes`: `c` is .'a'.; expected a text"),
    ("labels", {"loss": {"emd": "EMD"}}, "`labels`: `loss`: `emd` is 'EMD'; expected a mapping"),
    ("labels", {"loss": {"emd": {"name": []}}}, "`emd`: `name` is ..; expected a text"),
    ("tables", {"t": 1}, "`tables`: `t` is 1; expected a text"),
    ("tables", {"t": ""}, "table t: expected at least one number"),
    ("tables", {"t": "loss/split a"}, "table t: expected at least one number"),
    ("tables", {"t": "loss/split a\ncom x"}, "table t: 'x' in row com; expected a number"),
    ("tables", {"t": "loss/split a\ncom 1/0"}, "table t: '1/0' in row com"),
    ("tables", {"t": "loss/split a\ncom nan"}, "table t: 'nan' in row com"),
    ("tables", {"t": "loss/split a a\ncom 1 2"}, "each row and column once"),
    ("tables", {"t": "loss/split a\ncom 1\ncom 2"}, "each row and column once"),
    ("tables", {"t": "loss/split a\ncom/x 1"}, "a label for each of loss"),
    ("headlines", [], "`headlines` is ..; expected a mapping"),
    ("rankings", "r", "`rankings` is 'r'; expected a mapping"),
    ("findings", {1: []}, "`findings`: unknown key 1; expected a text")])
def test_a_part_of_another_shape_is_named(tmp_path, key, value, message):
    with pytest.raises(InputError, match=f"claims.yaml: .*{message}"):
        _load(tmp_path, VALUE, **{key: value})


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
    ({"table": ["t2"]}, "`table` is .'t2'.; expected a text"),
    ({"statement": "{metric}"}, "'metric' is not known"),
    ({"statement": "{loss.colour}"}, "'colour' is not known"),
    ({"statement": "{cell}"}, "`statement` is Cell.*; expected a text"),
    ({"each": {"loss": ["mse"]}}, "'mse' is not known"),
    ({"each": {"loss": "com"}}, "`each`: `loss` is 'com'; expected a list"),
    ({"each": {"loss": [["com"]]}}, "`loss`, part 1, is .'com'.; expected a text or a finite number"),
    ({"each": {"a": list(range(101)), "b": list(range(101))}}, "more than 10000 combinations of a, b"),
    ({"pairs": {"loss": [["emd"]]}}, "`pairs`: `loss`, part 1, is .*; expected a list of two labels"),
    ({"pairs": {"metric": [["emd", "com"]]}}, "`pairs` of metric; expected a `table`, and one of its labels"),
    ({"relation": "=="}, "`relation` is '=='; expected one of <"),
    ({"own": {"t2-mse-random": {}}}, "'t2-mse-random' is not known"),
    ({"own": {"com": "text"}}, "`own`: `com` is 'text'; expected a mapping"),
    ({"own": []}, "`own` is ..; expected a mapping"),
])
def test_a_wrong_table_entry_is_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        _of_table(tmp_path, CELL | change)


def test_a_wrong_range_in_a_list_is_refused(tmp_path):
    for each in ("n", {"n": 2}, {"n": [[2]]}):
        part = {"each": each, "file": "fig11", "where": {}, "field": "m"}
        with pytest.raises(InputError, match="claim a: `each` in a list"):
            _load(tmp_path, VALUE | {"record": {"compute": "max", "of": [part, 1]}})


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
    with pytest.raises(InputError, match="keys: .*; expected names of keys"):
        claims_file.printed("table2", "median_m", None)
