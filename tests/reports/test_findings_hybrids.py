"""What is said of hybrids: the numbers of the records, and other words for other records."""

import copy
import re
from types import SimpleNamespace

import numpy as np
import pytest

from rsslib.ledger import repeated, results
from rsslib.ledger.resampling import resampled
from rsslib.ledger.wording import settled
from rsslib.reports.confidence_paper.findings import hybrids

SEASONS = ("july", "november", "april")
WRONG = {"july": "november", "november": "july"}


def difference(n_cells, name, low, high, **more):
    return {"n_cells": n_cells, "split": f"grid{n_cells}", "set": name, "left_method": "hybrid", "right_method": "cnn",
            "n": 100 + n_cells, "median_m": (low + high) / 2, "ci95_median_m": [low, high]} | more


@pytest.fixture
def fig11_pairs():
    ood = {2: (-96, -50), 3: (-67, -34), 4: (-7, 10), 5: (2, 17), 6: (8, 28)}
    beside = {2: (-5, 28), 3: (-15, 18), 4: (-80, -40), 5: (-70, -38), 6: (-120, -80)}
    return [*(difference(n, "ood", *ends, right_method="ranging") for n, ends in beside.items()),
            *(difference(n, "ood", *ends) for n, ends in ood.items()),
            *(difference(n, "val", 0.5, 2.5) for n in ood)]


@pytest.fixture
def table4():
    rates = {"july": (0.86, 0.83, 0.88), "november": (0.52, 0.41, 0.63), "april": (0.62, 0.54, 0.69)}
    return [{"set": name, "model": "hybrid", "n": 70, "best_choice_rate": rate, "ci95_best_choice_rate": [low, high]}
            for name, (rate, low, high) in rates.items()]


@pytest.fixture
def table4_pairs():
    ends = {("july", "november"): (-200, -150), ("july", "july"): (-0.5, 2), ("november", "july"): (-105, -40),
            ("november", "november"): (9, 45), ("april", "july"): (-30, 18), ("april", "november"): (-59, 1)}
    return [{"set": name, "left_model": "hybrid", "right_model": model, "n": 70, "median_m": sum(low_high) / 2,
             "ci95_median_m": list(low_high)} for (name, model), low_high in ends.items()]


def replace(pairs, ends, **where):
    """The pairs with another interval for one of them."""
    changed = copy.deepcopy(pairs)
    pair = results.one(changed, **where)
    pair["ci95_median_m"], pair["median_m"] = list(ends), sum(ends) / 2
    return changed


def test_the_answer_names_the_grids_where_the_fallback_pays_and_those_where_it_costs(fig11_pairs, table4, table4_pairs):
    answer = hybrids.answer(fig11_pairs, table4, table4_pairs)
    assert answer.word == ("the fallback: yes, up to 3×3 cells; choosing the more confident model beats the "
                           "other season's, but in November not the season's own")
    assert ("the fallback pays up to 3×3 cells, costs from 5×5 on, is undecided on 4×4. Hybrid − network: Grid2 −73 m "
            "[−96, −50], Grid3 −51 m [−67, −34], Grid4 +1.5 m [−7.0, +10.0]") in answer.sentences
    assert ("In distribution the fallback costs on every grid. Hybrid − network: +1.5 m (n 102 to 106)"
            ) in answer.sentences


def test_where_the_fallback_pays_ranging_alone_stands_beside_it(fig11_pairs, table4, table4_pairs):
    def said(pairs):
        records = [pair | {"method": "ranging"} for pair in pairs]
        texts = hybrids.answer(pairs, table4, table4_pairs).sentences, hybrids.grid_sizes(records, pairs, {}).alt
        one, other = (text.partition("Where the fallback pays, ")[2].partition(". ")[0] for text in texts)
        assert one == other
        return one

    open_ = "it is undecided whether the hybrid or ranging alone has the lower median error, hybrid − ranging: "
    assert said(fig11_pairs) == f"{open_}Grid2 +12 m [−5, +28], Grid3 +1.5 m [−15.0, +18.0]"
    settled_ = replace(fig11_pairs, (5, 28), n_cells=2, set="ood", right_method="ranging")
    assert said(settled_) == ("ranging alone has the lower median error, hybrid − ranging: Grid2 +17 m [+5, +28]; "
                              f"{open_}Grid3 +1.5 m [−15.0, +18.0]")
    turned = replace(fig11_pairs, (-28, -6), n_cells=3, set="ood", right_method="ranging")
    assert said(turned) == ("ranging alone has the higher median error, hybrid − ranging: Grid3 −17 m [−28, −6]; "
                            f"{open_}Grid2 +12 m [−5, +28]")
    level = replace(fig11_pairs, (0, 0), n_cells=3, set="ood", right_method="ranging")
    assert said(level).endswith("; ranging alone has the same median error, hybrid − ranging: Grid3 level")
    none = [pair | {"ci95_median_m": [-9, 9]} for pair in fig11_pairs]
    assert said(none) == ""


def test_without_a_grid_the_answer_says_so(table4, table4_pairs):
    answer = hybrids.answer([], table4, table4_pairs)
    assert answer.word.startswith("the fallback: not tried; choosing")
    assert answer.sentences.startswith("The fallback was tried on no GridN separation.")


def test_fewer_than_six_samples_settle_nothing(fig11_pairs, table4, table4_pairs):
    few = [pair | {"n": 5} for pair in fig11_pairs]
    assert "the fallback: undecided" in hybrids.answer(few, table4, table4_pairs).word
    bare = [{key: value for key, value in pair.items() if key != "ci95_median_m"} for pair in few]
    text = hybrids.answer(bare, table4, table4_pairs).sentences
    assert "Grid2 −73.0 m (no interval: undecided)" in text
    table4[0] |= {"n": 5, "best_choice_rate": 1.0, "ci95_best_choice_rate": [0.57, 1.0]}
    assert "undecided in July and November" in hybrids.answer(few, table4, table4_pairs).sentences
    del table4[0]["ci95_best_choice_rate"]
    text = hybrids.answer(few, table4, table4_pairs).sentences
    assert "100 % of July's samples [no interval]," in text and "undecided in July and November" in text
    for all_right in (panel([True] * 5, [False] * 5), panel([True] * 50, [False] * 50, block=np.arange(50) // 10)):
        told = hybrids.confidence_duel({"July": all_right})
        assert told.title.endswith("is undecided")
        assert "a difference of +100.0 points (no interval: undecided)" in told.alt
    alike = hybrids.confidence_duel({"July": panel([True, False], [True, False])})
    assert alike.title.endswith("is undecided")    # two samples that do not differ do not say that others would not


@pytest.mark.parametrize("ends, text", [
    ((0.002, 0.031), "+0.017 m [+0.002, +0.031]"), ((0.2, 31), "+15.6 m [+0.2, +31.0]"),
    ((-1.2, -0.04), "−0.62 m [−1.20, −0.04]"), ((0, 0), "level")])
def test_a_settled_difference_shows_its_sign(ends, text, fig11_pairs, table4, table4_pairs):
    changed = replace(fig11_pairs, ends, n_cells=2, set="ood", right_method="cnn")
    assert f"Grid2 {text}," in hybrids.answer(changed, table4, table4_pairs).sentences


def test_the_answer_holds_the_hybrid_against_both_models_and_a_coin(fig11_pairs, table4, table4_pairs):
    text = hybrids.answer(fig11_pairs, table4, table4_pairs).sentences
    assert ("in July (n 70) hybrid − November model: −175 m [−200, −150], hybrid − July model: +0.8 m [−0.5, +2.0] "
            "(undecided); in November") in text
    assert "hybrid − November model: +27 m [+9, +45];" in text
    level = replace(table4_pairs, (0, 0), set="april", right_model="july")
    assert "in April (n 70) hybrid level with the July model, hybrid − November" in hybrids.answer(
        fig11_pairs, table4, level).sentences
    assert ("86 % of July's samples [83, 88], 52 % of November's samples [41, 63] and 62 % of April's samples [54, "
            "69]: more than a coin's 50 % in July and April, undecided in November") in text


@pytest.mark.parametrize("ends, clause, word", [
    ((-20, 10), "pays on 3×3 cells, costs from 5×5 on, is undecided on 2×2 and 4×4", "yes, on 3×3 cells"),
    ((5, 9), "pays on 3×3 cells, costs on 2×2, 5×5 and 6×6, is undecided on 4×4", "yes, on 3×3 cells"),
    ((0, 0), "pays on 3×3 cells, costs from 5×5 on, is undecided on 4×4, changes nothing on 2×2",
     "yes, on 3×3 cells")])
def test_another_interval_on_one_grid_changes_title_and_answer(ends, clause, word, fig11_pairs, table4, table4_pairs):
    changed = replace(fig11_pairs, ends, n_cells=2, set="ood", right_method="cnn")
    records = [pair | {"method": "ranging", "median_m": 200.0} for pair in changed]
    assert hybrids.grid_sizes(records, changed, {}).title == f"Out of distribution the fallback {clause}"
    assert f"the fallback: {word};" in hybrids.answer(changed, table4, table4_pairs).word


@pytest.mark.parametrize("outcomes, word", [
    (((-9, -1), (-9, -1)), "yes"), (((1, 9), (1, 9)), "no"), (((-1, 9), (-1, 9)), "undecided"),
    (((-1, 9), (1, 9)), "no"), (((0, 0), (0, 0)), "no")])
def test_the_word_on_the_fallback_needs_intervals_that_leave_out_zero(outcomes, word, table4, table4_pairs):
    pairs = [difference(n, name, *ends, right_method=right) for name in ("ood", "val") for right in ("cnn", "ranging")
             for n, ends in zip((2, 5), outcomes)]
    assert f"{hybrids.answer(pairs, table4, table4_pairs).word};".startswith((f"the fallback: {word};", f"{word};"))


@pytest.mark.parametrize("changes, word", [
    ({("july", "november"): (-9, 9)}, "choosing the more confident model helps in November, is undecided in July"),
    ({("november", "july"): (3, 9)}, "choosing the more confident model helps in July, harms in November"),
    ({("july", "november"): (-9, 9), ("november", "july"): (-9, 9)},
     "whether choosing the more confident model helps is undecided"),
    ({("july", "november"): (2, 9), ("november", "july"): (3, 9)}, "choosing the more confident model harms in both"),
    ({("november", "november"): (-9, 9)}, "choosing the more confident model beats the other season's"),
    ({("july", "july"): (1, 9)}, "choosing the more confident model beats the other season's, "
     "but not the season's own")])
def test_the_word_on_the_choice_follows_the_paired_intervals(changes, word, fig11_pairs, table4, table4_pairs):
    for (name, model), ends in changes.items():
        table4_pairs = replace(table4_pairs, ends, set=name, right_model=model)
    assert hybrids.answer(fig11_pairs, table4, table4_pairs).word.endswith(f"; {word}")


def test_the_title_of_table_four_follows_the_paired_intervals(table4, table4_pairs):
    told = hybrids.hybrid_medians(table4, table4_pairs, {"july": 0.874})
    assert told.title == ("Hybrid against the wrong season's model: ahead in both; against the right one: behind in "
                          "November, undecided in July")
    assert "87.4 % in July" in told.alt and "hybrid − November model: −175 m" in told.alt
    changed = replace(table4_pairs, (1, 9), set="july", right_model="november")
    assert "ahead in November, behind in July;" in hybrids.hybrid_medians(table4, changed, {}).title


def test_a_rate_whose_interval_reaches_a_half_is_undecided_beside_a_coin(fig11_pairs, table4, table4_pairs):
    table4[2]["ci95_best_choice_rate"] = [0.49, 0.69]
    table4[0]["ci95_best_choice_rate"] = [0.3, 0.4]
    text = hybrids.answer(fig11_pairs, table4, table4_pairs).sentences
    assert "less than a coin's 50 % in July, undecided in November and April" in text


def panel(taken, nearer, block=None):
    """A panel whose intervals count samples, or blocks of them, and no networks."""
    first, excess = np.where(taken, 2.0, 1.0), np.subtract(taken, nearer, dtype=float)
    block = np.arange(len(first)) if block is None else block
    drawn = {"excess": resampled(lambda times, _: repeated.mean(excess, times["part"]), {"part": block})}
    return SimpleNamespace(first=first, second=3.0 - first, first_better=np.array(nearer), rate=0.5, drawn=drawn)


def test_the_title_of_the_duel_says_where_a_model_is_taken_more_often_than_it_is_better():
    often = panel([True] * 30 + [False] * 10, [True] * 10 + [False] * 30)
    alike = panel([True, False] * 3, [True, False] * 3)
    told = hybrids.confidence_duel({"July": often, "November": panel([False] * 9, [True] * 9), "April": alike})
    assert told.title == ("Hybrid takes the July model more often than it is the better one in July, less often than "
                          "it is the better one in November, as often as it is the better one in April")
    assert "in July (n 40) taken 75 %, better 25 %, a difference of +50 points [+" in told.alt
    noisy = panel([True] * 20 + [False] * 20, [False, True] * 20)
    assert hybrids.confidence_duel({"July": noisy}).title.endswith("is undecided")


@pytest.fixture(params=["smoke", "quick"])
def in_tree(request):
    return [results.read(request.param, name)["records"] for name in ("fig11_pairs", "table4", "table4_pairs")]


def test_the_sentences_have_the_numbers_of_the_records_in_the_tree(in_tree):
    pairs, table4, seasons = in_tree
    text = hybrids.answer(*in_tree).sentences
    for name in SEASONS:
        record = results.one(table4, set=name, model="hybrid")
        found = re.search(rf"(\d+(\.\d)?) % of {name.capitalize()}'s samples", text)
        assert float(found[1]) == pytest.approx(100 * record["best_choice_rate"], abs=0.05 if found[2] else 0.5)
    for name, wrong in WRONG.items():
        pair = results.one(seasons, set=name, left_model="hybrid", right_model=wrong)
        found = re.search(rf"{name.capitalize()} \(n {pair['n']}\) hybrid − {wrong.capitalize()} model: (\S+) m", text)
        assert float(found[1].replace("−", "-")) == pytest.approx(pair["median_m"], abs=0.5)
    for pair in results.select(pairs, set="ood", left_method="hybrid", right_method="cnn"):
        found = re.search(rf"network:.*?Grid{pair['n_cells']} (level|(\S+) m)", text)
        assert float((found[2] or "0").replace("−", "-")) == pytest.approx(pair["median_m"], abs=0.5)


def test_where_the_records_in_the_tree_say_that_the_fallback_pays_so_does_the_answer(in_tree):
    ood = results.select(in_tree[0], set="ood", left_method="hybrid", right_method="cnn")
    pays = [pair["n_cells"] for pair in ood if settled(pair["ci95_median_m"]) == "settled: holds"]
    answer = hybrids.answer(*in_tree)
    assert bool(pays) == (" pays " in answer.sentences.split(". ")[0]) == answer.word.startswith("the fallback: yes")
    turned = [pair | {"ci95_median_m": [0.5, 1.5]} for pair in in_tree[0]]
    assert hybrids.answer(turned, *in_tree[1:]).word.startswith("the fallback: no;")
