"""Orderings: what intervals settle of one comparison, and of claims that consist of several."""

from itertools import product

import pytest

from rsslib.ledger import results
from rsslib.ledger.orderings import settle
from rsslib.ledger.quantities import Records
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED

KNOWN = {"low": (1.0, [0.5, 1.5]), "middle": (2.0, [1.4, 2.6]), "high": (3.0, [2.5, 3.5]), "count": (2, None)}


def of(name):
    return {"file": "t", "where": {"name": name}, "field": "m"}


def compute(word, *parts):
    return {"compute": word, "of": list(parts)}


@pytest.fixture
def records(tmp_path):
    rows = [{"name": name, "m": value} | ({"ci95_m": ci95} if ci95 else {}) for name, (value, ci95) in KNOWN.items()]
    results.write("quick", "t", rows, {}, {}, tmp_path)
    results.write("quick", "t_pairs", [{"left_name": "low", "right_name": "middle", "m": -1.0, "ci95_m": [-1.2, -0.1]}],
                  {}, {}, tmp_path)
    return Records("quick", tmp_path)


LOW, MIDDLE, HIGH = map(of, ("low", "middle", "high"))


@pytest.mark.parametrize("left, relation, right, verdict", [
    (LOW, "<", HIGH, SETTLED), (HIGH, "<", LOW, REFUTED), (MIDDLE, "<", HIGH, UNDECIDED),
    (LOW, "<", MIDDLE, SETTLED), (MIDDLE, "<", LOW, REFUTED),    # the intervals overlap; the paired difference settles
    (LOW, "<", 2, SETTLED), (LOW, "<", 1.2, UNDECIDED), (1.2, ">", LOW, UNDECIDED), (LOW, ">", 2, REFUTED),
    (2, ">=", 3, REFUTED), (HIGH, ">", MIDDLE, UNDECIDED)])
def test_one_comparison(records, left, relation, right, verdict):
    assert settle(left, relation, right, records) == verdict


@pytest.mark.parametrize("left, relation, right, verdict", [
    (of("count"), "<", 3, SETTLED), (of("count"), "<=", 2, SETTLED), (of("count"), "<", 2, REFUTED),
    (of("count"), "<", HIGH, SETTLED), (of("count"), "<", MIDDLE, UNDECIDED),
    (compute("min", of("count"), HIGH), ">", 1, SETTLED), (compute("difference", of("count"), 5), "<", 0, SETTLED)])
def test_without_an_interval_only_counts_are_settled(records, left, relation, right, verdict):
    assert settle(left, relation, right, records, exact=True) == verdict
    assert settle(left, relation, right, records) == UNDECIDED


@pytest.mark.parametrize("left, relation, right", [
    (compute("difference", LOW, MIDDLE), "<", 0), (compute("ratio", LOW, MIDDLE), "<", 1),
    (compute("percent_below", LOW, MIDDLE), ">", 0), (0, ">", compute("difference", LOW, MIDDLE)),
    (compute("difference", LOW, MIDDLE), "<", -0.05)])
def test_a_difference_or_ratio_of_paired_records_is_settled_by_their_pair(records, left, relation, right):
    assert settle(left, relation, right, records) == SETTLED


def test_a_shifted_limit_counts_from_the_paired_difference(records):
    assert settle(compute("difference", LOW, MIDDLE), "<", -0.5, records) == UNDECIDED
    assert settle(compute("difference", LOW, MIDDLE), "<", -1.5, records) == REFUTED


def test_the_least_is_above_if_all_are_and_the_largest_if_one_is(records):
    """By hand, over all pairs: of verdicts on the parts follow those on their minimum and maximum."""
    for one, other in product((LOW, MIDDLE, HIGH), repeat=2):
        parts = {settle(part, ">", 1.45, records) for part in (one, other)}
        every = REFUTED if REFUTED in parts else UNDECIDED if UNDECIDED in parts else SETTLED
        either = SETTLED if SETTLED in parts else UNDECIDED if UNDECIDED in parts else REFUTED
        assert settle(compute("min", one, other), ">", 1.45, records) == every
        assert settle(1.45, "<", compute("min", one, other), records) == every
        assert settle(compute("max", one, other), ">", 1.45, records) == either
        assert settle(1.45, "<", compute("max", one, other), records) == either


def test_what_is_not_above_one_is_not_above_the_largest(records):
    assert settle(LOW, ">", compute("max", LOW, HIGH), records) == REFUTED
    assert settle(HIGH, ">", compute("max", LOW, LOW), records) == SETTLED
    assert settle(LOW, "<", compute("min", MIDDLE, HIGH), records) == SETTLED
    assert settle(MIDDLE, "<", compute("min", LOW, HIGH), records) == REFUTED
