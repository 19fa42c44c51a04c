"""Wording: numbers round as their decimals say, and an interval settles only what it excludes."""

import math

import pytest

from rsslib.ledger import wording
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, fixed, listed, number, rounded, settled, span, together


@pytest.mark.parametrize("value, digits, text", [
    (11.35, 1, "11.4"), (1.45, 1, "1.5"), (5.65, 1, "5.7"), (67.25, 1, "67.3"), (-0.04, 1, "0.0"), (2.5, 0, "3"),
    (1e-12, 0, "0")])
def test_halves_go_away_from_zero_and_zero_has_no_sign(value, digits, text):
    assert fixed(value, digits) == text and f"{abs(rounded(-value, digits)):f}" == text


def test_signs_are_true_ones():
    assert span((-17.4, 31.2), sign=True) == "[\N{MINUS SIGN}17, +31]" and number(277.55) == "277.6"


@pytest.mark.parametrize("ends, expected, verdict", [
    ((-3, -1), "<", SETTLED), ((-3, -1), ">", REFUTED), ((1, 3), "<", REFUTED), ((1, 3), ">", SETTLED),
    ((-1, 1), "<", UNDECIDED), ((0, 3), ">", UNDECIDED), ((-3, 0), "<", UNDECIDED), ((0, 0), "<", UNDECIDED),
    ((math.nan, math.nan), ">", UNDECIDED), ((math.nan, 3), "<", UNDECIDED)])
def test_an_interval_settles_what_it_excludes(ends, expected, verdict):
    assert settled(ends, expected) == verdict


def test_a_conjunction_holds_only_if_each_part_does():
    assert together([SETTLED, SETTLED]) == SETTLED and together([SETTLED, UNDECIDED]) == UNDECIDED
    assert together([UNDECIDED, REFUTED, SETTLED]) == REFUTED


def test_lists_read_as_sentences_do():
    words = ["a", "b", "c"]
    assert [listed(words[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_a_difference_has_decimals_enough_to_show_its_signs():
    assert wording.difference(28.6, (12.8, 45.6), "m") == "+29 m [+13, +46]"
    assert wording.difference(12, (0.02, 31), "m") == "+12.00 m [+0.02, +31.00]"
    assert wording.difference(-0.3, (-0.35, 0.019), "points", 100) == "−30 points [−35, +2]"
    assert wording.digits(-14, (-191.4, 0.0)) == 0 and wording.digits(0.0, (-191.4, 0.0)) == 0
    assert wording.digits(0.00001, (0.00001, 0.00002)) == 4    # records have no more


def test_fewer_than_six_samples_settle_nothing():
    assert wording.settled((-9, -1), n=wording.FEWEST) == wording.SETTLED
    assert wording.settled((-9, -1), n=wording.FEWEST - 1) == wording.UNDECIDED
    assert 1 - 2 / 2**wording.FEWEST > 0.95 > 1 - 2 / 2 ** (wording.FEWEST - 1)


def test_a_reach_of_equal_values_is_one_value():
    assert wording.reach([187, 274.6, 200]) == "187 to 275" and wording.reach([12.1, 11.9]) == "12"


def test_what_is_not_finite_is_said_as_it_is():
    assert fixed(math.inf) == "Infinity" and number(-math.inf) == "-Infinity"
