"""Headlines: a conjunction holds only if each part does, and its text is that of the records."""

import pytest
import small_ledger
import yaml

from rsslib.ledger import claims, headlines, results
from rsslib.ledger.headlines import NOT_TESTED, Found, Headline
from rsslib.ledger.verdicts import Verdict, best, judge
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED
from rsslib.project import ROOT, InputError


def found(root, profile="quick"):
    verdicts = judge(claims.load(root / "claims.yaml"), profile, root / "results")
    return headlines.judge(headlines.load(root / "claims.yaml"), verdicts)


@pytest.mark.parametrize("grid2, july, verdict", [
    ([-60.0, -20.0], [-150.0, -80.0], SETTLED), ([-60.0, 5.0], [-150.0, -80.0], UNDECIDED),
    ([-60.0, 5.0], [20.0, 80.0], REFUTED), ([20.0, 80.0], [-150.0, -80.0], REFUTED)])
def test_a_planted_change_of_a_record_changes_the_verdict_and_the_text(tmp_path, grid2, july, verdict):
    small_ledger.write(tmp_path, pairs={"grid2": (-40.0, grid2), "july": (-110.0, july)})
    one, _ = found(tmp_path)
    assert one.verdict == verdict
    signed = [f"{end:+.0f}".replace("-", "−") for end in (*grid2, *july)]
    assert one.numbers == (f"EMD − CoM: Grid2 −40 m [{signed[0]}, {signed[1]}]; "
                           f"July→Nov −110 m [{signed[2]}, {signed[3]}]")


def test_without_pairs_both_values_are_shown(tmp_path):
    small_ledger.write(tmp_path, pairs={})
    assert found(tmp_path)[0].numbers == ("EMD − CoM: Grid2 300 m [290, 310] against 340 m [330, 350]; "
                                          "July→Nov 140 m [130, 150] against 250 m [240, 260]")


def test_what_all_parts_need_is_said_once():
    order = claims.Claim("a", "p", "Table III", "s", "ordering", unit="of the samples", record={"relation": ">"})
    rates = {name: Verdict(order, "quick", SETTLED, "ours", settled=SETTLED, sides=((rate, (rate - 0.05, rate + 0.05)),
                                                                                  (0.1, None)))
             for name, rate in (("Grid2", 0.5), ("Grid5", 0.4))}
    headline = Headline("a", "p", "t", "n", {}, "rate")
    assert Found(headline, rates).numbers == "rate, needs > 10 %: Grid2 50 % [45, 55]; Grid5 40 % [35, 45]"
    assert Found(headline, {"": rates["Grid2"]}).numbers == "rate: 50 % [45, 55] (needs > 10 %)"
    assert Found(headline, {"a": rates["Grid2"], "b": _part(SETTLED)}).numbers == (
        "rate: a 50 % [45, 55] (needs > 10 %); b 4 m (printed 3)")


def test_what_was_not_run_is_not_tested(tmp_path):
    small_ledger.write(tmp_path)
    assert [one.verdict for one in found(tmp_path)] == [SETTLED, NOT_TESTED]
    assert found(tmp_path)[1].numbers == "nothing was run"
    assert {one.verdict for one in found(tmp_path, "full")} == {NOT_TESTED}


def test_a_synthetic_profile_shows_its_numbers_and_judges_nothing(tmp_path):
    small_ledger.write(tmp_path, "campus", pairs={})
    one, rows = found(tmp_path, "campus")
    assert (one.verdict, rows.verdict) == ("not judged", "not judged")
    assert one.numbers.startswith("EMD − CoM: Grid2 300 m [290, 310] against 340 m [330, 350]")
    many = Found(one.headline, {str(n): part for n, part in enumerate([*one.parts.values()] * 4)})
    assert many.verdict == "not judged" and many.numbers == "EMD − CoM: not judged"


def _part(settled, exact=False, cause=""):
    claim = claims.Claim("a", "p", "Table I", "s", "value", 3, unit="m", exact=exact, cause={"any": cause})
    return Verdict(claim, "quick", "differs", "4 m", settled=settled, value=4)


@pytest.mark.parametrize("words, verdict", [
    ([SETTLED] * 8, SETTLED), ([SETTLED] * 7 + [UNDECIDED], UNDECIDED), ([SETTLED] * 7 + [""], UNDECIDED),
    ([SETTLED] * 5 + [UNDECIDED, REFUTED, REFUTED], REFUTED), ([""] * 8, NOT_TESTED)])
def test_many_parts_are_counted_and_the_exceptions_named(words, verdict):
    one = Found(Headline("a", "p", "t", "n", {}), {f"part {n}": _part(word) for n, word in enumerate(words)})
    assert one.verdict == verdict
    assert one.numbers.startswith(f"{words.count(SETTLED)} of 8 hold")
    assert ("not: part 6 4 m (printed 3) and part 7 4 m (printed 3)" in one.numbers) == (words[7] == REFUTED)
    assert ("undecided: " in one.numbers) == bool({UNDECIDED, ""} & set(words))


@pytest.mark.parametrize("n, exact, verdict, remark", [
    (5, False, REFUTED, ""), (6, False, UNDECIDED, "1 of 6 settled against"), (6, True, REFUTED, "")])
def test_one_of_many_that_an_interval_settles_against_refutes_nothing(n, exact, verdict, remark):
    parts = [_part(SETTLED)] * (n - 1) + [_part(REFUTED, exact)]
    one = Found(Headline("a", "p", "t", "n", {}), dict(zip("abcdef", parts)))
    assert (one.verdict, one.remark) == (verdict, remark)


def test_what_the_papers_own_text_explains_is_said_only_if_it_explains_all():
    own, other = _part(REFUTED, True, headlines.OWN_TEXT), _part(REFUTED, True, "schedule")
    parts = {str(n): part for n, part in enumerate([_part(SETTLED)] * 5 + [own, own])}
    one = Found(Headline("a", "p", "t", "n", {}), parts)
    assert one.explained and one.grouped == ("5 of 7 agree; the other 2 are most likely explained by the paper's own "
                                            "text or tables")
    one = Found(Headline("a", "p", "t", "n", {}), parts | {"0": other})
    assert not one.explained and one.remark == "" and one.grouped == "4 of 7 hold, 3 do not"


def test_parts_that_differ_are_grouped_in_words(tmp_path):
    small_ledger.write(tmp_path, pairs=small_ledger.PAIRS | {"grid2": (-40.0, [-60.0, 1.0])})
    one = found(tmp_path)[0]
    assert one.grouped == f"{SETTLED} on July→Nov (EMD − CoM: −110 m [−150, −80]); undecided on Grid2"


def test_another_field_is_told_beside_the_parts(tmp_path):
    small_ledger.write(tmp_path)
    path = tmp_path / "claims.yaml"
    path.write_text(path.read_text().replace('shows: "EMD − CoM"', 'shows: "EMD − CoM"\n    holds: EMD leads\n    '
                                             'fails: CoM leads\n    beside: {field: mean_m, shows: By the mean}'))
    pairs = [{"left_loss": "emd", "right_loss": "com", "split": split, "median_m": -9.0, "ci95_median_m": [-12.0, -5.0],
              "mean_m": mean, "ci95_mean_m": [mean - 5, mean + 5]} for split, mean in (("grid2", 9.0), ("july", 2.0))]
    results.write("quick", "table2_pairs", pairs, small_ledger.ORIGIN, {}, tmp_path / "results")
    verdicts = judge(claims.load(path), "quick", tmp_path / "results")
    one, _ = headlines.judge(headlines.load(path), verdicts, tmp_path / "results")
    assert one.numbers.endswith(
        ". By the mean CoM leads on Grid2 (+9 m [+4, +14]); undecided on July→Nov (+2 m [−3, +7])")
    assert one.grouped.endswith(". By the mean CoM leads on Grid2; undecided on July→Nov")


def test_other_claims_may_be_shown_than_those_that_are_judged(tmp_path):
    small_ledger.write(tmp_path)
    path = tmp_path / "claims.yaml"
    path.write_text(path.read_text().replace("{rows: d}", "{rows: d}\n    shown: {on Grid2: order-grid2}"))
    assert found(tmp_path)[1].numbers == "on Grid2 −40 m [−60, −20]" and found(tmp_path)[1].verdict == NOT_TESTED


@pytest.mark.parametrize("change, message", [
    ({"beside": {"field": "m"}}, "headlines: a: `beside` has the keys"),
    ({"beside": {"field": "m", "shows": "s"}}, "headline a: `beside` goes with orderings of two records; c is none"),
    ({"txt": "a"}, "headlines: a: unknown key 'txt'"), ({"paper": "r"}, "headlines: a: unknown paper 'r'"),
    ({"parts": None}, "headlines: a: missing key 'parts'"),
    ({"parts": {"x": "t9"}}, "claims.yaml: headlines: a: no claim 't9'"),
    ({"parts": {"x": {}}}, "headlines: a: a part is no text; expected the ids of claims"),
    ({"parts": ["c"]}, r"headlines: a: `parts` is \['c'\]; expected a text for each name"),
    ({"parts": {"x": 3}}, "headlines: a: `parts` is {'x': 3}; expected a text for each name"),
    ({"holds": 1}, "headlines: a: `holds` is 1; expected a text"), ({"paper": ["p"]}, "headlines: a: `paper` is"),
    ({"text": {"any": 1.5}}, "headlines: a: `text` is {'any': 1.5}; expected a text"),
    ({"shown": {"x": "t9"}}, "claims.yaml: headlines: a: no claim 't9'")])
def test_a_wrong_headline_is_refused(tmp_path, change, message):
    entry = {"paper": "p", "text": "t", "notebook": "n", "parts": {"x": "c"}} | change
    entry = {key: value for key, value in entry.items() if value is not None}
    content = yaml.safe_load(small_ledger.CLAIMS) | {"headlines": {"a": entry}}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=message):
        headlines.judge(headlines.load(tmp_path / "claims.yaml"), judge(
            claims.load(tmp_path / "claims.yaml"), "quick", tmp_path), tmp_path)


@pytest.mark.parametrize("entry", [None, [], "text", 3])
def test_what_is_no_headline_is_refused_by_name(tmp_path, entry):
    content = yaml.safe_load(small_ledger.CLAIMS) | {"headlines": {"a": entry}}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match="headlines: a: found .*; expected the keys paper, text, notebook, parts"):
        headlines.load(tmp_path / "claims.yaml")


@pytest.mark.parametrize("names", [None, "a", 3, [1], {"a": 1}])
def test_a_line_of_the_readme_names_a_list(tmp_path, names):
    content = yaml.safe_load(small_ledger.CLAIMS) | {"findings": {"Paper 1": names}}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match="findings: 'Paper 1' has .*; expected a list"):
        headlines.lines(tmp_path / "claims.yaml")


def test_the_papers_headlines_are_made_of_claims_that_are_there():
    judged = found(ROOT)
    assert {part.claim.paper == one.headline.paper for one in judged for part in one.parts.values()} == {True}
    assert {one.headline.notebook for one in judged} <= {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").glob("0*.ipynb")}
    assert not [one.headline.id for one in judged if any(part.claim.kind == "text" for part in one.parts.values())]


def test_the_central_claims_have_headlines():
    by_id = {one.id: one for one in headlines.load()}
    assert set(by_id["emd-over-com"].parts.values()) == {
        f"t2-order-emd-com-{split}" for split in ("july", "november", "grid2", "grid5")}
    assert len(by_id["emd-over-pse"].parts) == 5 and len(by_id["logits-over-binary"].parts) == 3
    printed = [claim for claim in claims.load() if claim.id.startswith("t1-")]
    assert set(by_id["data"].parts.values()) == {claim.id for claim in printed}
    assert len(headlines.lines()) == 4


def test_no_headline_is_true_by_construction():
    assert {part.claim.profiles for one in found(ROOT) for part in one.parts.values()} == {claims.REAL}


def test_parts_of_several_profiles_say_which(tmp_path):
    small_ledger.write(tmp_path)
    path = tmp_path / "claims.yaml"
    small_ledger.write(tmp_path, "full", pairs={"grid2": (-9.0, [-12.0, -5.0])}, medians={
        (loss, "grid2"): value for loss, value in (("com", 309.0), ("emd", 300.0))})
    judged = {profile: judge(claims.load(path), profile, tmp_path / "results") for profile in ("quick", "full")}
    one, _ = headlines.judge(headlines.load(path), best(judged), tmp_path / "results")
    assert one.profiles == ["full", "quick"] and one.verdict == SETTLED
    assert one.numbers == "EMD − CoM: Grid2 (full) −9 m [−12, −5]; July→Nov (quick) −110 m [−150, −80]"
