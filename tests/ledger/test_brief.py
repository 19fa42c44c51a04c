"""Brief: a number with its unit, and no settled difference that looks like none."""

import pytest

from rsslib.ledger.brief import POINTS, Unit, aside, brief, difference, full
from rsslib.ledger.claims import Claim
from rsslib.ledger.verdicts import Verdict
from rsslib.ledger.wording import SETTLED, UNDECIDED

METRES = Unit("m", "m")


@pytest.mark.parametrize("value, ci95, unit, text", [
    (-7.0, (-30.8, 17.3), METRES, "−7 m [−31, +17]"), (0.3, (-0.2, 0.9), METRES, "+0 m [0, +1]"),
    (0.3, (0.2, 0.9), METRES, "+0.3 m [+0.2, +0.9]"), (-1.2, (-2.5, -0.04), METRES, "−1.20 m [−2.50, −0.04]"),
    (0.0001, (0.00004, 0.0002), POINTS, "+0.010 points [+0.004, +0.020]"), (0.0, (0.0, 0.0), METRES, "0 m [0, 0]")])
def test_a_settled_difference_shows_its_sign(value, ci95, unit, text):
    assert difference(value, ci95, unit) == text.replace("+0 m", "0 m")


def test_a_value_and_what_is_printed_of_it_have_true_minus_signs():
    claim = Claim("a", "p", "Table I", "s", "value", -1.9, unit="m", tolerance={"absolute": 23.5})
    verdict = Verdict(claim, "quick", "reproduced", "-3 m", settled=UNDECIDED, value=-3.25, ci95=[-5.0, -1.5])
    assert full(verdict) == "−3.25 m [−5, −1.5] (printed −1.9, our tolerance ± 23.5)"


def test_a_length_on_the_map_is_shown_as_the_paper_prints_it():
    claim = Claim("a", "p", "Table I", "s", "ordering", unit="of the side", record={"relation": "<"})
    verdict = Verdict(claim, "quick", SETTLED, "ours", settled=SETTLED, sides=((0.125, (0.1, 0.15)), (0.25, None)))
    assert (brief(verdict), aside(verdict)) == ("16.0 [12.8, 19.2]", "needs < 32")


def test_what_was_not_run_says_so():
    assert brief(Verdict(Claim("a", "p", "w", "s", "value", 1), "quick", "not run")) == "was not run"
    assert full(Verdict(Claim("a", "p", "w", "s", "ordering"), "campus", "not judged", "3 < 4")) == "3 < 4"
