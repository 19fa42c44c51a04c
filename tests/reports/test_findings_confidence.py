"""What notebooks 03 and 04 find: sentences hold the numbers of the records, and change with them."""

import json
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest

from rsslib.confidence.indicators import INDICATOR, VARIANTS
from rsslib.data import splits
from rsslib.ledger import claims, results
from rsslib.ledger.wording import FEWEST, REFUTED, SETTLED, UNDECIDED, settled
from rsslib.project import ROOT
from rsslib.reports import findings, tables
from rsslib.reports.confidence_paper.findings import detection, indicators

PROFILES = ("smoke", "quick")


def committed(profile, name):
    return json.loads((ROOT / "results" / profile / f"{name}.json").read_text(encoding="utf-8"))["records"]


def pairs_of(records, ends):
    """Paired differences of the paper's choice and each other indicator, with an interval of `ends` about each."""
    areas = {(r["split"], r["target"], r["set"], r["indicator"]): r["auroc"] for r in records}
    return [{"split": split, "target": target, "set": name, "left_indicator": INDICATOR, "right_indicator": other,
             "auroc": areas[split, target, name, INDICATOR] - area,
             "ci95_auroc": [areas[split, target, name, INDICATOR] - area + end for end in ends]}
            for (split, target, name, other), area in areas.items() if other != INDICATOR and area is not None]


def row(split="grid2", target="ood", n=(40, 30), **areas):
    """Records of one task in one separation: the areas of some indicators, 0.6 of the others."""
    return [{"split": split, "target": target, "set": splits.report_set(split), "indicator": name,
             "n_positive": n[0], "n_negative": n[1], "auroc": areas.get(name, 0.6),
             "ci95_auroc": [areas.get(name, 0.6) - 0.05, areas.get(name, 0.6) + 0.05]} for name in VARIANTS]


def rate(split="grid2", value=0.5, ends=(0.4, 0.6), n=200, gap=100.0, gap_ends=(50.0, 150.0)):
    """A record of Table III."""
    return {"split": split, "set": splits.report_set(split), "n": n, "low_confidence_rate": value,
            "ci95_low_confidence_rate": list(ends), "low_confidence_median_m": 300.0,
            "ci95_low_confidence_median_m": [280.0, 330.0], "high_confidence_median_m": 300.0 - gap,
            "ci95_high_confidence_median_m": [180.0, 220.0], "in_distribution_median_m": 50.0,
            "ci95_in_distribution_median_m": [45.0, 55.0], "low_minus_high_m": gap,
            "ci95_low_minus_high_m": list(gap_ends)}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_answer_on_indicators_holds_the_numbers_of_the_records(profile):
    records, pairs = committed(profile, "fig07"), committed(profile, "fig07_pairs")
    said = indicators.answer(records, pairs).sentences
    told = [record for record in records if record["target"] == "ood" and record["set"] != "test"]
    best = []
    for split in dict.fromkeys(record["split"] for record in told):
        own = results.one(told, split=split, indicator=INDICATOR)
        highest = max(record["auroc"] for record in told if record["split"] == split)
        others = [pair["auroc"] for pair in pairs if pair["target"] == "ood" and pair["split"] == split
                  and pair["left_indicator"] == INDICATOR]
        head = f"- {tables.name(split)} ({own['n_positive']} OOD, {own['n_negative']} validation): "
        (line,) = (line for line in said.splitlines() if line.startswith(head))
        assert f"{own['auroc']:.2f}" in line and f"{highest:.2f}" in line
        assert ("it has" in line) == (min(others) >= 0) and ("level with" in line) == (min(others) == 0)
        best.append(min(others) > 0)
    assert f"is best in {sum(best)} of {len(best)} separations" in said


@pytest.mark.parametrize("profile", PROFILES)
def test_the_pairs_in_the_tree_are_those_of_the_areas(profile):
    records, pairs = committed(profile, "fig07"), committed(profile, "fig07_pairs")
    for pair in pairs:
        keys = {key: pair[key] for key in ("split", "target", "set")}
        left, right = (results.one(records, **keys, indicator=pair[f"{side}_indicator"]) for side in ("left", "right"))
        assert pair["auroc"] == pytest.approx(left["auroc"] - right["auroc"], abs=2e-4)
        if profile == "quick" or "ci95_auroc" in pair:    # smoke has sets of fewer blocks than an interval needs
            assert pair["ci95_auroc"][0] <= pair["auroc"] <= pair["ci95_auroc"][1]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_word_on_indicators_follows_the_pairs(profile):
    records, pairs = committed(profile, "fig07"), committed(profile, "fig07_pairs")
    verdicts = {}
    for pair in pairs:
        if pair["target"] == "ood" and pair["left_indicator"] == INDICATOR:
            verdicts.setdefault(pair["split"], []).append(settled(pair.get("ci95_auroc"), ">"))
    own = {split: results.one(records, split=split, target="ood", indicator=INDICATOR) for split in verdicts}
    enough = {split: min(record["n_positive"], record["n_negative"]) >= FEWEST for split, record in own.items()}
    firm = sum(set(found) == {SETTLED} and enough[split] for split, found in verdicts.items())
    behind = any(REFUTED in found and enough[split] for split, found in verdicts.items())
    word = ("yes" if firm == len(verdicts) else f"yes in {firm} of {len(verdicts)} separations" if firm else
            "no" if behind else UNDECIDED)
    assert indicators.answer(records, pairs).word == word


def test_an_interval_that_moves_over_zero_unsettles_the_lead():
    records = row(max_mean_prediction=0.8, max_prediction=0.75)
    firm, open_ = (indicators.answer(records, pairs_of(records, ends)) for ends in ((-0.02, 0.02), (-0.09, 0.02)))
    assert (firm.word, open_.word) == ("yes", UNDECIDED)
    assert "0.050 above the maximum prediction [+0.030, +0.070]: settled." in firm.sentences
    assert "0.050 above the maximum prediction [−0.040, +0.070]: undecided." in open_.sentences
    assert indicators.scores(records, pairs_of(records, (-0.02, 0.02))).title == (
        "Maximum mean prediction is the best OOD detector in 1 of 1 separations; its lead is settled in 1")
    assert indicators.scores(records, pairs_of(records, (-0.09, 0.02))).title.endswith("its lead is settled in 0")


def test_the_winner_becomes_the_loser():
    won, lost = row(max_mean_prediction=0.8), row(max_mean_prediction=0.8, sum_spread=0.9)
    before, after = (indicators.answer(records, pairs_of(records, (-0.02, 0.02))) for records in (won, lost))
    assert (before.word, after.word) == ("yes", "no")
    assert "the sum spread has 0.90 [0.85, 0.95]; the maximum mean prediction has 0.80" in after.sentences
    assert "0.100 below [−0.120, −0.080]: settled" in after.sentences and "is best in 0 of 1" in after.sentences
    assert "in one it is significantly worse than another" in after.sentences
    assert "significantly worse" not in before.sentences


def test_all_that_tie_are_named():
    level = row(max_mean_prediction=0.8, max_prediction=0.8)
    said = indicators.answer(level, pairs_of(level, (-0.02, 0.02)))
    assert "level with the maximum prediction [−0.020, +0.020]: undecided" in said.sentences
    assert "is best in 0 of 1 separations and level with the best in 1" in said.sentences and said.word == UNDECIDED
    assert "level with the best in 1" in indicators.scores(level, pairs_of(level, (-0.02, 0.02))).title
    behind = row(max_mean_prediction=0.7, max_spread=0.8, sum_spread=0.8)
    said = indicators.answer(behind, pairs_of(behind, (-0.02, 0.02))).sentences
    assert "the maximum spread and the sum spread have 0.80" in said
    validation = [record | {"set": "val", "target": "high_error"} for record in level]
    said = indicators.answer(validation, pairs_of(validation, (-0.02, 0.02))).sentences
    assert "on Grid2 the maximum mean prediction and the maximum prediction (large errors: 40 of 70)" in said


def test_fewer_than_six_samples_of_a_kind_settle_nothing():
    for n, word in (((FEWEST, 30), "yes"), ((FEWEST - 1, 30), UNDECIDED), ((30, 1), UNDECIDED)):
        records = row(n=n, max_mean_prediction=0.8)
        answer = indicators.answer(records, pairs_of(records, (-0.02, 0.02)))
        assert answer.word == word
        assert ("undecided, fewer than 6 samples of one kind" in answer.sentences) == (word == UNDECIDED)
    # ranks alone give the median of n values no narrower interval than this
    assert 2 * 0.5 ** FEWEST <= 0.05 < 2 * 0.5 ** (FEWEST - 1)


def test_random_is_in_distribution_and_kept_out_of_what_is_said_of_ood():
    ood = row(max_mean_prediction=0.8)
    both = ood + row("random", max_mean_prediction=0.9) + row("random", "high_error", max_mean_prediction=0.9)
    told = [indicators.answer(records, pairs_of(records, (-0.02, 0.02))) for records in (ood, both)]
    assert told[0].word == told[1].word and told[1].sentences.count("Random") == 1
    assert "In distribution, at telling which test samples have a large error, the maximum mean" in told[1].sentences
    assert [indicators.scores(records, pairs_of(records, (-0.02, 0.02))).title for records in (ood, both)] == [
        indicators.scores(ood, pairs_of(ood, (-0.02, 0.02))).title] * 2
    alone = both[len(ood):]
    answer = indicators.answer(alone, pairs_of(alone, (-0.02, 0.02)))
    assert answer.word == UNDECIDED and answer.sentences.startswith("No data separation here has OOD samples.")


def test_a_lead_in_some_separations_is_said_so():
    records = row(max_mean_prediction=0.8) + row("july", max_mean_prediction=0.61)
    assert indicators.answer(records, pairs_of(records, (-0.02, 0.02))).word == "yes in 1 of 2 separations"


def test_an_interval_that_ends_near_zero_shows_on_which_side():
    records = row(max_mean_prediction=0.6075)
    said = indicators.answer(records, pairs_of(records, (-0.0078, 0.0075))).sentences
    assert "0.0075 above the maximum prediction" in said and "[−0.0003, +0.0150]: undecided" in said


def test_without_large_errors_the_answer_says_so():
    records = row(max_mean_prediction=0.8)
    said = indicators.answer(records, pairs_of(records, (-0.02, 0.02))).sentences
    assert "No OOD set has both large and small errors." in said
    assert "No validation set has both large and small errors." in said


def test_the_roc_says_the_rate_of_its_first_separation_beside_the_papers():
    curve = SimpleNamespace(at_threshold=(0.1, 0.512), ci95_at_threshold=(0.48, 0.54), auroc=0.84)
    curves = {"grid2": {INDICATOR: curve}}
    assert indicators.roc(curves, {("grid2",): 0.666}).title == (
        "Grid2, 10 % false positives: maximum mean prediction finds 51 % [48, 54] of OOD samples (paper 66.6 %)")
    assert "holds this threshold fixed" not in indicators.roc(curves, {}).alt    # it is drawn anew
    curve.ci95_at_threshold = None
    assert "finds 51 % [no interval] of OOD samples" in indicators.roc(curves, {}).title
    curve.at_threshold = (0.1, 0.9)
    assert "finds 90 %" in indicators.roc(curves, {}).title and "paper" not in indicators.roc(curves, {}).title


def test_risk_coverage_counts_where_the_most_confident_half_errs_less():
    def curve(change, ends, n=100):
        return SimpleNamespace(half_m=change, ci95_half_m=ends, error=np.array([50.0]), n=n)

    curves = {"grid2": {"val": curve(-1, (-3, 1)), "ood": curve(-73.0, (-96.0, -54.0))},
              "july": {"val": curve(-1, (-3, 1)), "ood": curve(-9.0, (-20.0, 4.0))}}
    told = indicators.coverage(curves)
    assert told.title.endswith("lowers the median OOD error in 2 of 2 separations (settled in 1)")
    assert "Grid2 −73 m [−96, −54]" in told.alt
    curves["random"] = {"val": curve(-1, (-3, 1)), "test": curve(-5.0, (-6.0, -0.3))}
    assert indicators.coverage(curves).title == told.title    # Random is not OOD
    assert "Random (test) −5.0 m [−6.0, −0.3]" in indicators.coverage(curves).alt
    assert "median test error in 1 of 1" in indicators.coverage({"random": curves["random"]}).title
    curves["july"]["ood"] = curve(9.0, (4.0, 20.0))
    assert indicators.coverage(curves).title.endswith("in 1 of 2 separations (settled in 1)")
    curves["grid2"]["ood"] = curve(-73.0, (-96.0, -54.0), n=2 * FEWEST - 1)
    assert indicators.coverage(curves).title.endswith("in 1 of 2 separations (settled in 0)")


def above(record):
    """Whether it is settled that more OOD than validation samples are low-confidence."""
    ends = record.get("ci95_low_confidence_rate")
    return record["n"] >= FEWEST and bool(ends) and ends[0] > 0.1


def under(record):
    """Whether it is settled that fewer OOD than validation samples are low-confidence."""
    ends = record.get("ci95_low_confidence_rate")
    return record["n"] >= FEWEST and bool(ends) and ends[1] < 0.1


def firm(record):
    """Whether it is settled that low-confidence samples err more."""
    low = round(record["n"] * record["low_confidence_rate"])
    ends = record.get("ci95_low_minus_high_m")
    return bool(ends) and ends[0] > 0 and min(low, record["n"] - low) >= FEWEST


@pytest.mark.parametrize("profile", PROFILES)
def test_the_answer_on_detection_holds_the_numbers_of_the_records(profile):
    table3, fig08 = committed(profile, "table3"), committed(profile, "fig08")
    said = detection.answer(table3, fig08).sentences.splitlines()
    rates = [f"{100 * record['low_confidence_rate']:.0f}" for record in table3]
    assert f"flags {min(rates, key=int)} to {max(rates, key=int)} % of the OOD samples" in said[0]
    assert f"In {sum(map(above, table3))} of {len(table3)} separations it is settled" in said[0]
    assert f"({findings.BOOTSTRAP}):" in said[0]
    for record, text in zip(table3, rates):
        lines = [line for line in said if line.startswith(f"- {tables.name(record['split'])}: ")]
        assert lines[0].startswith(f"- {tables.name(record['split'])}: {text}")
        assert f"of {record['n']} are low-confidence" in lines[0]
        assert ("settled: more" in lines[0]) == above(record)
        for side in ("low", "high"):
            median = record[f"{side}_confidence_median_m"]
            assert (f"no sample of {side} confidence" if median is None else f"{side} {median:.0f} m [") in lines[1]
    known = [record for record in table3 if "low_minus_high_m" in record]
    more = sum(record["low_minus_high_m"] > 0 for record in known)
    if known:
        assert f"in {more} of {len(known)} separations, settled in {sum(map(firm, known))} (" in "\n".join(said)
    for record in fig08:
        assert any(f"{100 * record['inside_share']:.0f} % [" in line and f"of {record['n']} lie inside" in line
                   for line in said)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_word_on_detection_follows_the_rates(profile):
    table3 = committed(profile, "table3")
    found, nearly = all(map(above, table3)), min(record["low_confidence_rate"] for record in table3) >= 0.9
    word = ("yes" if nearly else "only in part") if found else "no" if any(map(under, table3)) else UNDECIDED
    assert detection.answer(table3, []).word == word


def test_planted_rates_change_the_answer():
    table3 = committed("quick", "table3")
    n, others = len(table3), sum(map(above, table3[1:]))
    for value, ends, word in ((0.05, [0.02, 0.08], "no"), (0.12, [0.08, 0.16], UNDECIDED)):
        planted = deepcopy(table3)
        planted[0] |= {"low_confidence_rate": value, "ci95_low_confidence_rate": ends}
        answer = detection.answer(planted, [])
        assert answer.word == word and f"{100 * value:.0f} % [" in answer.sentences
        assert f"In {others} of {n} separations it is settled" in answer.sentences
    planted = [record | {"low_confidence_rate": 0.95, "ci95_low_confidence_rate": [0.9, 1.0]} for record in table3]
    assert detection.answer(planted, []).word == "yes"


def test_an_excess_that_moves_over_zero_is_undecided():
    table3 = [rate(), rate("july"), rate("november")]
    assert detection.table3(table3, {}).title == (
        "Low confidence flags 50 % of OOD samples, with larger errors in all three (settled)")
    table3[0] |= {"ci95_low_minus_high_m": [-5.0, 340.0]}
    assert detection.table3(table3, {}).title.endswith("with larger errors in all three (settled in two)")
    assert "[−5, +340]: undecided" in detection.answer(table3, []).sentences
    table3[0] |= {"low_minus_high_m": -174.0, "ci95_low_minus_high_m": [-210.0, -140.0]}
    assert "err more than the others in 2 of 3 separations" in detection.answer(table3, []).sentences
    assert detection.table3(table3, {}).title.endswith("in 2 of 3 (settled in two)")
    table3[0] |= {"low_minus_high_m": 20.0, "ci95_low_minus_high_m": [0.3, 40.2]}
    assert "low minus high +20.0 m [+0.3, +40.2]: settled" in detection.answer(table3, []).sentences


def test_few_samples_settle_nothing_about_rates_and_errors():
    one = detection.answer([rate(value=0.0, ends=(0.0, 0.0), n=1)], [])
    assert one.word == UNDECIDED and "of 1 are low-confidence (undecided, fewer than 6 samples" in one.sentences
    few = detection.answer([rate(value=5 / 200, ends=(0.01, 0.05))], [])    # 5 on one side
    assert "[+50, +150]: undecided, fewer than 6 samples on a side" in few.sentences
    assert "settled in 0 (median errors)" in few.sentences
    assert detection.table3([rate(value=5 / 200)], {}).title.endswith("with larger errors (undecided)")
    landed = {"split": "grid2", "n": 2, "inside_share": 0.0, "ci95_inside_share": [0.0, 0.0], "near_outside_share": 0.5}
    assert "undecided against half" in detection.answer([rate()], [landed]).sentences
    assert "settled: less than half" in detection.answer([rate()], [landed | {"n": 20}]).sentences


def test_an_end_beside_the_rate_of_validation_shows_on_which_side_it_lies():
    said = detection.answer([rate(value=0.14, ends=(0.1012, 0.19))], []).sentences
    assert "14.0 % [10.1, 19.0] of 200 are low-confidence (settled: more than in validation)" in said
    own = {"in_distribution_set": "july", "in_distribution_low_confidence_rate": 0.12,
           "ci95_in_distribution_low_confidence_rate": [0.08, 0.16]}
    said = detection.answer([rate("july", 0.4, (0.3, 0.5)) | own], []).sentences
    assert "are low-confidence (settled: more than in validation; of July's held-out samples 12 % [8, 16])." in said


def test_the_test_samples_of_random_are_no_ood_samples():
    ood, test = [rate()], rate("random", 0.12, (0.09, 0.15))
    assert test["set"] == "test"
    both = detection.answer([test, *ood], [])
    assert both.word == detection.answer(ood, []).word and "flags 50 % of the OOD samples" in both.sentences
    assert "In 1 of 1 separations" in both.sentences
    assert "- Random: 12" in both.sentences and "of 200 test samples are low-confidence" in both.sentences
    assert detection.table3([test, *ood], {}).title == detection.table3(ood, {}).title
    alone = detection.answer([test], [])
    assert alone.word == UNDECIDED and alone.sentences.startswith("No data separation here has OOD samples.")
    assert detection.table3([test], {}).title.startswith("Low confidence flags 12 % of test samples")
    assert "Random (test) 12" in detection.table3([test, *ood], {}).alt


def test_no_interval_is_said_to_hold_the_threshold():
    # since it is drawn anew with the validation samples
    said = [detection.table3([rate()], {}).alt, detection.answer([rate()], []).sentences]
    assert not any("fixed" in text for text in said)


def bare(records):
    """Records of fewer than six blocks."""
    return [{key: value for key, value in record.items() if "ci95" not in key} for record in records]


def test_without_intervals_nothing_is_settled_and_nothing_breaks():
    landed = {"split": "grid2", "n": 90, "inside_share": 0.2, "near_outside_share": 0.5}
    answer = detection.answer(bare([rate()]), [landed])
    assert answer.word == UNDECIDED
    assert "In 0 of 1 separations it is settled" in answer.sentences
    assert "50 % [no interval] of 200 are low-confidence (undecided)" in answer.sentences
    assert "low 300 m [no interval]" in answer.sentences and "undecided against half" in answer.sentences
    assert "low minus high +100 m [no interval]: undecided" in answer.sentences
    told = detection.table3(bare([rate()]), {})
    assert told.title.endswith("with larger errors (undecided)") and "low 300 m [no interval]" in told.alt
    assert detection.maps([landed]).title
    record = {"split": "grid2", "set": "val", "n": 90, "spearman": -0.42, "low_confidence_rate": 0.1}
    panels = {"grid2": SimpleNamespace(val=SimpleNamespace(record=record),
                                       ood=SimpleNamespace(record=record | {"set": "ood"}))}
    assert detection.scatter(panels, {}).title.endswith("settled in 0 of 1 OOD sets and 0 of 1 validation sets")
    assert detection.rho(record) == "−0.42 [no interval]"
    records = row(max_mean_prediction=0.8)
    answer = indicators.answer(bare(records), bare(pairs_of(records, (-0.02, 0.02))))
    assert answer.word == UNDECIDED
    assert "0.80 [no interval]" in answer.sentences and "above" in answer.sentences
    assert "0.200 above" in answer.sentences and "[no interval]: undecided" in answer.sentences
    assert indicators.scores(bare(records), bare(pairs_of(records, (-0.02, 0.02)))).title.endswith("is settled in 0")
    curve = SimpleNamespace(half_m=-73.0, ci95_half_m=None, error=np.array([50.0]), n=100)
    told = indicators.coverage({"grid2": {"val": curve, "ood": curve}})
    assert told.title.endswith("in 1 of 1 separations (settled in 0)") and "Grid2 −73 m [no interval]" in told.alt


def test_the_paper_stands_beside_the_rates_and_correlations():
    paper = detection.printed()
    said = claims.printed("table3", "low_confidence_rate", "split")
    assert paper["low_confidence_rate"] == said and ("grid2",) in said
    assert f"(paper {100 * said['grid2',]:.1f} %)" in detection.table3(committed("quick", "table3"), paper).alt
    fig10 = committed("quick", "fig10")
    panels = {"grid2": SimpleNamespace(**{name: SimpleNamespace(record=results.one(fig10, split="grid2", set=name))
                                          for name in ("val", "ood")})}
    told = detection.scatter(panels, paper)
    for name in ("val", "ood"):
        assert f"(paper −{abs(paper['spearman']['grid2', name]):.2f})" in told.alt
    holds = {name: int(getattr(panels["grid2"], name).record["ci95_spearman"][1] < 0) for name in ("val", "ood")}
    assert told.title.endswith(f"settled in {holds['ood']} of 1 OOD sets and {holds['val']} of 1 validation sets")
    panels["grid2"].val.record = panels["grid2"].val.record | {"ci95_spearman": [-0.4, 0.001]}
    planted = detection.scatter(panels, {})
    assert planted.title.endswith(f"settled in {holds['ood']} of 1 OOD sets and 0 of 1 validation sets")
    assert "[−0.400, 0.001]" in planted.alt
    title = detection.scatter({"random": panels["grid2"]}, {}).title
    assert "of 1 test sets" in title and "OOD" not in title


@pytest.mark.parametrize("profile", PROFILES)
def test_the_maps_say_how_many_land_inside(profile):
    fig08, table3 = committed(profile, "fig08"), committed(profile, "table3")
    shares = [f"{100 * record['inside_share']:.0f} % ({tables.name(record['split'])})" for record in fig08]
    assert all(share in detection.maps(fig08).title for share in shares)
    planted = [record | {"inside_share": 0.6, "ci95_inside_share": [0.55, 0.65]} for record in fig08]
    assert f"60 % ({tables.name(fig08[0]['split'])})" in detection.maps(planted).title
    below = sum(record["ci95_inside_share"][1] < 0.5 for record in fig08)
    assert detection.answer(table3, fig08).sentences.count("(settled: less than half)") == below
    assert detection.answer(table3, planted).sentences.count("(settled: more than half)") == len(fig08)
    many = [record | {"split": f"grid{n}"} for n, record in zip(range(2, 6), fig08 * 4)]
    assert "(4 separations) land inside" in detection.maps(many).title


def test_empty_unseen_cells_are_named():
    record = {"split": "grid5", "n": 90, "inside_share": 0.2, "ci95_inside_share": [0.1, 0.3],
              "near_outside_share": 0.5, "cells": 5, "empty_cells": 1}
    assert detection.maps([record]).alt.endswith("One of Grid5's five unseen cells holds no transmitter.")
    assert "Two of Grid5's five unseen cells hold no transmitter" in detection.maps([record | {"empty_cells": 2}]).alt
    assert "no transmitter" not in detection.maps([record | {"empty_cells": 0}]).alt


def test_inputs_are_told_by_their_distances():
    cases = [SimpleNamespace(title=title, away_m=away, off_m=off) for title, away, off in (
        ("OOD sample", 113.8, 1667.2), ("Validation sample", 542.0, 463.0))]
    assert detection.inputs(cases).title == (
        "Left: strongest sensor 114 m away, prediction 1667 m off; right: 542 m and 463 m")
    assert detection.inputs(cases[:1]).title == "Strongest sensor 114 m away, prediction 1667 m off"
