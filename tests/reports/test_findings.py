"""Findings: what every answer and every data line has in common."""

from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, settled
from rsslib.reports import findings


def test_an_answer_warns_where_the_data_are_synthetic_and_is_shown_as_markdown():
    answer = findings.Answer("undecided", "EMD is 7 m ahead [\N{MINUS SIGN}31, +17].")
    plain, warned = answer.shown(), answer.shown(synthetic="made-up streets")
    assert plain == "**Answer: undecided.** EMD is 7 m ahead [\N{MINUS SIGN}31, +17]."
    assert warned == findings.SYNTHETIC + plain and warned._repr_markdown_() == repr(warned) == str(warned)


def test_a_data_line_says_how_to_get_the_real_ones_only_where_they_are_made_up():
    assert findings.data_line("Utah", False) == "Data: Utah."
    line = findings.data_line("A campus", True, more='city = "sydney"')
    assert "synthetic" in line and '`inputs = "data/quick"` and `city = "sydney"`' in line


def test_words_of_verdicts():
    assert [findings.yes_or_no(word) for word in (SETTLED, REFUTED, UNDECIDED)] == ["yes", "no", "undecided"]
    pairs = [{"d": -2, "ci95_d": [-3, -1]}, {"d": 0, "ci95_d": [-1, 1]}]
    groups = findings.by_verdict(pairs, lambda pair: settled(pair["ci95_d"]))
    assert groups == {SETTLED: pairs[:1], UNDECIDED: pairs[1:]}
