"""Quantities: numbers of the records and numbers computed from them, with intervals that are not too narrow."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsslib.ledger import quantities, results
from rsslib.ledger.quantities import Records, estimated, files, paired, quantity
from rsslib.project import InputError

EMD = {"file": "table2", "where": {"loss": "emd"}, "field": "median_m"}
COM = {"file": "table2", "where": {"loss": "com"}, "field": "median_m"}
SECONDS = {"file": "table2.stamp", "list": "seconds_per_epoch", "where": {"loss": "emd"}, "field": "value"}


@pytest.fixture
def records(tmp_path):
    rows = [{"loss": "emd", "median_m": 200.0, "ci95_m": [180.0, 220.0]},
            {"loss": "com", "median_m": 400.0, "ci95_m": [360.0, 440.0]},
            {"loss": "pse", "median_m": float("nan"), "median_m_reason": "the training diverged"}]
    results.write("quick", "table2", rows, {}, {"seconds_per_epoch": [{"loss": "emd", "value": 3.1}]}, tmp_path)
    return Records("quick", tmp_path)


@pytest.mark.parametrize("spec, value, ci95", [
    (EMD, 200, (180, 220)), (SECONDS, 3.1, None), (5, 5, None),
    ({"compute": "ratio", "of": [EMD, COM]}, 0.5, (180 / 440, 220 / 360)),
    ({"compute": "percent", "of": [EMD, 1]}, 20000, (18000, 22000)),
    ({"compute": "percent_below", "of": [EMD, COM]}, 50, (100 * (1 - 220 / 360), 100 * (1 - 180 / 440))),
    ({"compute": "difference", "of": [COM, EMD]}, 200, (140, 260)),
    ({"compute": "max", "of": [COM, EMD, 7]}, 400, (360, 440)),
    ({"compute": "min", "of": [{"compute": "difference", "of": [COM, EMD]}, 190]}, 190, (140, 190)),
    ({"compute": "ratio", "of": [SECONDS, 2]}, 1.55, None)])
def test_a_computed_number_has_the_interval_that_its_parts_allow(records, spec, value, ci95):
    found, ends = quantity(spec, records)
    assert found == pytest.approx(value)
    assert ends == (ci95 and pytest.approx(ci95))


@given(st.lists(st.tuples(st.floats(1, 9), st.floats(0, 0.9), st.floats(0, 0.9)), min_size=2, max_size=2),
       st.sampled_from(sorted(quantities.COMPUTE)), st.floats(0, 1), st.floats(0, 1))
def test_a_computed_interval_covers_what_the_parts_can_be(parts, compute, one, other):
    known = [(value, (value - below, value + above)) for value, below, above in parts]
    low, high = quantities._around(quantities.COMPUTE[compute], known)
    inside = [ends[0] + share * (ends[1] - ends[0]) for (_, ends), share in zip(known, (one, other))]
    value = quantities.COMPUTE[compute](inside)
    assert low - 1e-9 * abs(low) <= value <= high + 1e-9 * abs(high)


def test_a_ratio_to_an_interval_that_reaches_0_is_open():
    assert quantities._around(quantities.COMPUTE["ratio"], [(1.0, None), (0.5, (0, 1))]) == (-math.inf, math.inf)


@pytest.mark.parametrize("where, message", [({"loss": "mse"}, "0 records match loss=mse"),
                                            ({"loss": "pse"}, "the training diverged")])
def test_a_number_that_is_not_there_says_why(records, where, message):
    with pytest.raises(InputError, match=message):
        quantity(EMD | {"where": where}, records)


def test_a_file_of_records_is_read_once(records, monkeypatch):
    read, names = results.read, []
    monkeypatch.setattr(results, "read", lambda *where: (names.append(where[1]), read(*where))[1])
    for spec in (EMD, COM, SECONDS, EMD):
        quantity(spec, records)
    assert names == ["table2", "table2.stamp"]


def test_files_of_a_record():
    assert files({"left": EMD, "relation": "<", "right": {"compute": "max", "of": [SECONDS, 1]}}) == [
        "table2", "table2.stamp"]
    assert files(None) == []


def _side(method, field="cmr"):
    return {"file": "t", "where": {"environment": "e", "method": method}, "field": field}


def test_a_paired_difference_is_found_from_either_side_and_of_the_same_run_alone(tmp_path):
    pair = {"environment": "e", "left_method": "b", "right_method": "a", "cmr": 0.2, "ci95_cmr": [0.0, 0.3]}
    for provenance, there in (({}, True), ({"code_hash": "of another run"}, False)):
        results.write("quick", "t", [], {}, {}, tmp_path)
        results.write("quick", "t_pairs", [pair], provenance, {}, tmp_path)
        records = Records("quick", tmp_path)
        assert paired(_side("b"), _side("a"), records) == ((0.2, [0.0, 0.3]) if there else None)
        assert paired(_side("a"), _side("b"), records) == ((-0.2, [-0.3, 0.0]) if there else None)
    assert paired(_side("b"), _side("a", "fa"), records) is paired(_side("b"), 0.5, records) is None


def test_a_selector_says_where_its_paired_difference_is(tmp_path):
    rows = [{"environment": "e", "method": method, "n": 64, "share": 0.1, "high": 3.0, "low": 5.0, "gap": 2.0,
             "ci95_gap": [1.0, 4.0]} for method in "ab"]
    pair = {"environment": "e", "left_method": "b", "right_method": "a", "px": -6.4, "ci95_px": [-12.8, -3.2]}
    results.write("quick", "t", rows, {}, {}, tmp_path)
    results.write("quick", "t_pairs", [pair], {}, {}, tmp_path)
    records, asked = Records("quick", tmp_path), {"pair": {"field": "px", "over": "n"}}
    assert paired(_side("b", "share") | asked, _side("a", "share"), records) == (-0.1, [-0.2, -0.05])
    assert paired(_side("a", "share"), _side("b", "share") | asked, records) == (0.1, [0.05, 0.2])
    assert paired(_side("b", "share"), _side("a", "share"), records) is None
    low, high = _side("a", "low") | {"pair": {"within": "gap"}}, _side("a", "high")
    assert paired(low, high, records) == (2.0, [1.0, 4.0]) and paired(high, low, records) == (-2.0, [-4.0, -1.0])
    assert paired(low, _side("b", "high"), records) is None


def test_a_number_without_an_interval_is_an_estimate(records):
    assert not estimated(EMD, records) and not estimated(5, records)
    assert estimated(SECONDS, records) and estimated({"compute": "max", "of": [EMD, SECONDS]}, records)


PAIR = {"environment": "e", "left_method": "b", "right_method": "a", "cmr": 0.2, "ci95_cmr": [0.1, 0.3]}


def _paired(folder, *pairs, **side):
    rows = [{"environment": "e", "method": method, "cmr": 0.5, "share": 0.1, "side": 0} for method in "ab"]
    results.write("quick", "t", rows, {}, {}, folder)
    results.write("quick", "t_pairs", pairs, {}, {}, folder)
    return paired(_side("b") | side, _side("a", side.get("field", "cmr")), Records("quick", folder))


@pytest.mark.parametrize("again", [PAIR, PAIR | {"left_method": "a", "right_method": "b"}, PAIR | {"ci95_cmr": None}])
def test_a_paired_difference_that_stands_twice_is_an_error(tmp_path, again):
    with pytest.raises(InputError,
                       match="t_pairs.json: 2 records are the difference of .*'b'.* and .*'a'.*, expected one"):
        _paired(tmp_path, PAIR, again)
    assert _paired(tmp_path, PAIR, PAIR | {"environment": "f"}) == (0.2, [0.1, 0.3])


@pytest.mark.parametrize("count", ["n", "samples"])
def test_a_difference_of_fewer_samples_than_settle_anything_has_no_interval(tmp_path, count):
    assert _paired(tmp_path, PAIR | {count: 5}) is None
    assert _paired(tmp_path, PAIR | {count: 6, "n_both_right": 1}) == (0.2, [0.1, 0.3])
    near = PAIR | {"rmse_both_right": 1.0, "ci95_rmse_both_right": [0.5, 2.0], count: 200}
    asked = {"field": "share", "pair": {"field": "rmse_both_right", "over": "cmr"}}
    assert _paired(tmp_path, near | {f"{count}_both_right": 5}, **asked) is None
    assert _paired(tmp_path, near | {f"{count}_both_right": 6}, **asked) == (2.0, [1.0, 4.0])


def test_a_paired_difference_that_is_no_number_or_over_nothing_is_named(tmp_path):
    with pytest.raises(InputError, match="t_pairs.json: `cmr` is 'x'; expected a number"):
        _paired(tmp_path, PAIR | {"cmr": "x"})
    with pytest.raises(InputError, match="t.json: `side` is 0; expected a number above 0"):
        _paired(tmp_path, PAIR, field="share", pair={"field": "cmr", "over": "side"})


def test_a_computed_number_that_overflows_is_named(tmp_path):
    results.write("quick", "t", [{"a": 1e14, "b": 1e-300}], {}, {}, tmp_path, decimals=400)
    parts = [{"file": "t", "where": {}, "field": field} for field in "ab"]
    with pytest.raises(InputError, match="ratio of t: inf is no number to compare"):
        quantity({"compute": "ratio", "of": parts}, Records("quick", tmp_path))
