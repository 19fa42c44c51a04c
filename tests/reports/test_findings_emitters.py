"""What is said of several emitters: the numbers are those of the records, and a changed record changes the words."""

import copy

import numpy as np
import pytest

from rsslib.ledger import results, wording
from rsslib.ledger.results import one
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, fixed, settled, span
from rsslib.project import InputError
from rsslib.reports.emitters_paper.cases import Case
from rsslib.reports.emitters_paper.findings import emitters, phrases, ray_traced
from rsslib.reports.emitters_paper.findings import samples as drawn

QUICK = {name: results.read("quick", f"emitters_{name}")["records"] for name in (
    "table1", "table1_pairs", "by_count", "by_effect", "sweep", "transfer", "transfer_pairs", "ray_traced")}
SMOKE = {name: results.read("smoke", f"emitters_{name}")["records"] for name in (
    "table1", "table1_pairs", "by_count", "by_effect", "sweep", "transfer")}
READINGS = "logits and readings"
OURS = {"quick": "the logits alone", "smoke": "the logits with readings"}
"""Which second stage over logits a profile judges."""
LOGITS_AND_SINGLE = {"left_method": "two_stage_logit", "right_method": "single_stage"}


def answer(records, variant_pairs=(), finer_pairs=(), **changes):
    records = records | changes
    return emitters.answer(records["table1"], records["table1_pairs"], variant_pairs, finer_pairs)


def pair(left, right, cmr=(0.05, 0.02, 0.08), near=(1.28, 0.64, 1.92), place="free_space", samples=900):
    """A paired difference of two by what their second stages see: each field with its interval."""
    methods = {None: "single_stage", "binary map": "two_stage_binary"}
    sides = {"left": left, "right": right}
    return {"environment": place, "n": 128, "samples": samples, "samples_both_right": samples, "networks": 3,
            **{f"{side}_method": methods.get(seen, "two_stage_logit") for side, seen in sides.items()},
            **{f"{side}_second_stage_sees": seen for side, seen in sides.items()},
            "cmr": cmr[0], "ci95_cmr": list(cmr[1:]),
            "rmse_px_both_right": near[0], "ci95_rmse_px_both_right": list(near[1:])}


def beyond(records, moved_pairs=(), epochs=0):
    return emitters.beyond(records["by_count"], records["by_effect"], records["sweep"], records["transfer"],
                           moved_pairs, epochs)


def changed(records, where, **values):
    """The records with other values in the one `where`."""
    planted = copy.deepcopy(records)
    one(planted, **where).update(values)
    return planted


def moved_pair(tested_on, method, cmr, error):
    return {"tested_on": tested_on, "left_method": method, "cmr": sum(cmr) / 2, "ci95_cmr": cmr, "samples": 99,
            "rmse_px_both_right": sum(error) / 2, "ci95_rmse_px_both_right": error}


def with_places(records, verdict):
    """The environments in which the logits are settled, or not, to count better than the single stage."""
    return [phrases.place(pair["environment"]) for pair in records["table1_pairs"]
            if all(pair[key] == value for key, value in LOGITS_AND_SINGLE.items())
            and settled(pair["ci95_cmr"], ">") == verdict]


def cases_where(records, apart):
    """How many environments and methods have records of which `apart` is true, and how many there are."""
    groups = {}
    for record in records:
        groups.setdefault((record["environment"], record["method"]), []).append(record)
    return sum(bool(apart(group)) for group in groups.values()), len(groups)


@pytest.mark.parametrize("records", [QUICK, SMOKE], ids=["quick", "smoke"])
def test_the_answer_has_each_difference_of_the_records_with_its_interval(records):
    said = answer(records).sentences
    for pair in records["table1_pairs"]:
        if pair["left_method"] == "two_stage_logit":
            text = f"{fixed(100 * pair['cmr'], 1, True)} points {span(pair['ci95_cmr'], 1, True, 100)}"
            verdict = settled(pair["ci95_cmr"], ">")
            assert f"{phrases.place(pair['environment'])} ({text}{', settled' * (verdict != UNDECIDED)})" in said
    right = [100 * record["cmr"] for record in records["table1"] if record["method"] != "two_stage_binary"]
    samples = records["table1"][0]["samples"]
    assert f"{fixed(min(right), 1)} to {fixed(max(right), 1)} % of {samples} samples" in said
    one_training = records["table1"][0]["networks"] == 1
    assert f"what another training would give is {'not ' * one_training}in them. By fewer" in said
    assert "A variant of ours" not in said and "128 cells" not in said


@pytest.mark.parametrize("profile, records", [("quick", QUICK), ("smoke", SMOKE)])
def test_the_word_of_the_answer_names_each_environment_on_its_side(profile, records):
    word, undecided = answer(records).word, with_places(records, UNDECIDED)
    for verdict, verb in ((SETTLED, "better"), (REFUTED, "worse")):
        where = with_places(records, verdict)
        assert (f"counts {verb} in {phrases.listed(where)}" in word) == bool(where)
    if len(undecided) == len(records["table1"]) / 3:
        assert word.endswith(f"undecided whether mapping the occupied cells first ({OURS[profile]}) helps to count")
    else:
        assert f"with the occupied cells mapped first ({OURS[profile]}) it counts " in word
    assert ("undecided in " in word) == (0 < len(undecided) < len(records["table1"]) / 3)


def hand_made(networks=1, sees="logits", methods=("single_stage", "two_stage_logit", "two_stage_binary")):
    """A table of free space without any committed record, and its paired differences."""
    seen = {"single_stage": None, "two_stage_logit": sees, "two_stage_binary": "binary map"}
    table = [{"environment": "free_space", "method": method, "second_stage_sees": seen[method], "n": 64, "n_max": 3,
              "samples": 900, "networks": networks, "cmr": 0.6, "ci95_cmr": [0.55, 0.65], "rmse_fraction": 0.1,
              "ci95_rmse_fraction": [0.09, 0.11], "fa": 0.1, "mr": 0.1} for method in methods]
    return {"table1": table, "table1_pairs": [pair(sees, None), pair("binary map", None), pair("binary map", sees)]}


@pytest.mark.parametrize("networks, said", [
    (1, "what another training would give is not in them. By fewer than 30 samples nothing is settled."),
    (3, "what another training would give is in them. By fewer than 30 samples nothing is settled.")])
def test_whether_another_training_is_in_the_intervals_is_said(networks, said):
    assert said in answer(hand_made(networks)).sentences


def test_the_variant_with_readings_is_told_where_there_is_one():
    variant = [pair(READINGS, None, (0.03, 0.01, 0.05)), pair("logits", READINGS, (0.02, -0.01, 0.05)),
               pair(READINGS, None, (-0.04, -0.05, -0.03), place="sydney")]
    said = answer(hand_made(3), variant).sentences
    (line,) = [line for line in said.split("\n") if "A variant of ours" in line]
    minus = "\N{MINUS SIGN}"
    assert line == (
        "- A variant of ours, with the readings beside the logits: the logits with readings count better than the "
        "single stage in free space (+3.0 points [+1.0, +5.0], settled); the logits with readings count worse than "
        f"the single stage in Sydney ({minus}4.0 points [{minus}5.0, {minus}3.0], settled); whether the logits with "
        f"readings count better than the logits alone is undecided in free space ({minus}2.0 points [{minus}5.0, "
        "+1.0]).")
    assert said.replace(f"{line}\n", "") == answer(hand_made(3)).sentences    # nothing else is changed
    assert "variant" not in answer(hand_made(3), [pair("logits", None)]).sentences


def test_more_cells_are_told_of_in_shares_of_their_own_side():
    turned = pair("binary map", "logits", (0.05, 0.02, 0.08), (1.28, 0.64, 1.92))
    said = answer(hand_made(3), finer_pairs=[pair("logits", None), turned]).sentences
    (line,) = [line for line in said.split("\n") if "128 cells" in line]
    minus = "\N{MINUS SIGN}"
    assert line == (
        "- With 128 cells a side, one training: the logits alone count worse than the binary map in free space "
        f"({minus}5.0 points [{minus}8.0, {minus}2.0], settled); the logits alone are closer than the binary map where "
        f"both count right in free space ({minus}1.0 % of the side [{minus}1.5, {minus}0.5], settled).")
    assert "128 cells" not in answer(hand_made(3), finer_pairs=[pair("logits", None)]).sentences
    assert "128 cells" not in answer(hand_made(3, READINGS), finer_pairs=[turned]).sentences    # nothing comparable
    single = hand_made(3, methods=["single_stage"])
    assert "128 cells" not in answer(single, finer_pairs=[turned]).sentences


def test_readings_are_named_where_the_logits_have_some():
    smoke = answer(SMOKE).sentences
    assert "logits alone" not in smoke.replace("it sees the logits alone", "")
    assert "share no sample that both count right" in smoke


def test_a_winner_that_loses_changes_the_answer():
    where = {"environment": "free_space"} | LOGITS_AND_SINGLE
    planted = changed(QUICK["table1_pairs"], where, cmr=0.03, ci95_cmr=[0.01, 0.05])
    said = answer(QUICK, table1_pairs=planted)
    assert "(the logits alone) it counts better in free space" in said.word
    assert "count better than the single stage in free space (+3.0 points [+1.0, +5.0], settled)" in said.sentences
    over = copy.deepcopy(QUICK["table1_pairs"])
    for pair in over:
        pair["ci95_cmr"] = [-0.05, 0.01]
    assert answer(QUICK, table1_pairs=over).word.endswith(
        "undecided whether mapping the occupied cells first (the logits alone) helps to count")
    weakest = {"environment": "sydney", "method": "single_stage"}
    weak = changed(QUICK["table1"], weakest, ci95_cmr=[0.32, 0.66])
    assert answer(QUICK, table1=weak).word.startswith("undecided whether it counts better than a constant answer")
    assert answer(QUICK, table1=changed(QUICK["table1"], weakest, ci95_cmr=[0.2, 0.3])).word.startswith("no")


def test_the_best_methods_are_those_of_the_records_and_their_lead_is_judged():
    for place in ("free_space", "chicago", "sydney"):
        here = [record for record in QUICK["table1"] if record["environment"] == place]
        top = max(record["cmr"] for record in here)
        best = [phrases.SEES[record["second_stage_sees"]] for record in here if record["cmr"] == top]
        level = " (level)" * (len(best) > 1)
        assert f"Highest CMR in {phrases.place(place)}: {phrases.listed(best)}{level}, {fixed(100 * top, 1)} % [" in \
            answer(QUICK).sentences
    binary = {"environment": "sydney", "method": "two_stage_binary"}
    said = answer(QUICK, table1=changed(QUICK["table1"], binary, cmr=0.9, ci95_cmr=[0.89, 0.91])).sentences
    assert "Highest CMR in Sydney: the binary map, 90.0 % [89.0, 91.0]; the lead over" in said
    top = max(record["cmr"] for record in QUICK["table1"] if record["environment"] == "sydney")
    level = changed(QUICK["table1"], binary, cmr=top)
    assert "and the binary map (level), " in answer(QUICK, table1=level).sentences


def test_few_samples_settle_nothing_and_are_named():
    one_sample = pair(READINGS, None, (1.0, 1.0, 1.0), place="procedural", samples=1)
    said = answer(hand_made(), [one_sample]).sentences
    assert ("whether the logits with readings count better than the single stage is undecided in made-up streets "
            "(+100.0 points [+100.0, +100.0], by 1 sample only)" in said)
    few = answer(hand_made(), finer_pairs=[pair("logits", "binary map", samples=29)]).sentences
    assert "is undecided in free space (+5.0 points [+2.0, +8.0], by 29 samples only); whether the logits alone are " \
        "closer than" in few
    apart = pair("logits", None, near=(-2.0, -3.0, -1.0))
    near = phrases.NEAR
    assert phrases.verdict(apart | {"samples_both_right": 29}, near, "<") == UNDECIDED
    assert phrases.verdict(apart | {"samples_both_right": 30}, near, "<") == SETTLED
    assert phrases.verdict(apart | {"samples": 29, "samples_both_right": 29}, "cmr", ">") == UNDECIDED
    counted = hand_made()
    assert answer(counted).word.startswith("yes")
    few = [record | {"samples": 29} for record in counted["table1"]]
    assert answer(counted, table1=few).word.startswith("undecided")


def test_methods_that_are_missing_break_off_no_sentence():
    single = [record for record in QUICK["table1"] if record["method"] == "single_stage"]
    said = emitters.answer(single, [], [])
    assert said.word == "yes, it counts better than a constant answer"
    assert "No network with two stages over logits is compared" in said.sentences
    assert "Highest CMR in Sydney: the single stage, " in said.sentences and ";" not in said.word
    binary = [record for record in QUICK["table1"] if record["method"] == "two_stage_binary"]
    assert emitters.answer(binary, [], []).word == "not compared with a constant answer"
    right = [record["cmr"] for record in single]
    assert emitters.table1(single, [], paper=False).title == \
        f"The count is right in {wording.reach([100 * share for share in right])} % of the samples"


@pytest.mark.parametrize("say", [lambda records: emitters.answer(records, [], []), ray_traced.scores,
                                 lambda records: emitters.transfer(records, records)])
def test_records_that_were_not_run_raise_an_error_that_says_why(say):
    with pytest.raises(InputError, match="since this profile has one city"):
        say([{"not_run": "this profile has one city"}])
    with pytest.raises(InputError, match="there are none"):
        say([])


def test_pairs_are_turned_where_they_are_the_other_way_round():
    given = pair(READINGS, "binary map") | {"mr_at_equal_fa": -0.02, "ci95_mr_at_equal_fa": [-0.03, -0.01]}
    others = [pair(READINGS, None), pair("logits", "binary map")]
    assert phrases.differences([*others, given], READINGS, "binary map") == [given]
    (turned,) = phrases.differences([*others, given], "binary map", READINGS)
    assert turned["cmr"] == -given["cmr"] and turned["ci95_cmr"] == [-end for end in reversed(given["ci95_cmr"])]
    assert turned["mr_at_equal_fa"] == 0.02 and turned["ci95_mr_at_equal_fa"] == [0.01, 0.03]
    missing = given | {"rmse_px_both_right": None, "ci95_rmse_px_both_right": None}
    (turned,) = phrases.differences([missing], "binary map", READINGS)
    assert turned["rmse_px_both_right"] is None and turned["ci95_rmse_px_both_right"] is None


def test_the_table_of_pairs_says_in_one_column_who_counts_better():
    rows = phrases.readable(QUICK["table1_pairs"], 64)
    names = {"single_stage": "single-stage", "two_stage_logit": "two-stage, logits alone",
             "two_stage_binary": "two-stage, binary map"}
    for row, pair in zip(rows, QUICK["table1_pairs"]):
        left, right = names[pair["left_method"]], names[pair["right_method"]]
        assert (row["first"], row["second"]) == (left, right)
        assert row["better"] == {SETTLED: left, REFUTED: right}.get(settled(pair["ci95_cmr"], ">"), UNDECIDED)
        assert row["cmr"].startswith(f"{fixed(100 * pair['cmr'], 1)} (")    # as the answer rounds it
        low, high = pair["ci95_rmse_px_both_right"]
        near_zero = min(map(abs, (pair["rmse_px_both_right"], low, high))) * 100 / 64 < 0.05    # then with more digits
        assert row["rmse_px_both_right"].endswith(f" to {fixed(100 * high / 64, 1)})") or near_zero
    (row,) = phrases.readable([{"environment": "chicago", "left_method": "single_stage", "samples": 99, "cmr": -0.0083,
                                "right_method": "single_stage", "left_trained_on": "new_york_city",
                                "right_trained_on": "chicago", "ci95_cmr": [-0.0163, -0.0002],
                                "rmse_px_both_right": None, "ci95_rmse_px_both_right": None}], 64)
    assert row["better"] == "trained in Chicago" and row["first"] == "trained in New York City"
    assert row["cmr"] == "\N{MINUS SIGN}0.83 (\N{MINUS SIGN}1.63 to \N{MINUS SIGN}0.02)"    # no end reads as 0
    assert row.keys() == {"environment", "method", "first", "second", "better", "cmr", "rmse_px_both_right"}


def test_the_table_of_pairs_has_the_fields_that_are_asked_for():
    given = pair("logits", None) | {"mr_at_equal_fa": 0.05, "ci95_mr_at_equal_fa": [0.02, 0.08],
                                    "rmse_pooled_px_both_right": 6.4, "ci95_rmse_pooled_px_both_right": [3.2, 9.6]}
    (row,) = phrases.readable([given], 64, ("mr_at_equal_fa", "rmse_pooled_px_both_right"))
    assert row == {"environment": "free_space", "method": "two_stage_logit", "first": "two-stage, logits alone",
                   "second": "single-stage", "better": "two-stage, logits alone", "mr_at_equal_fa": "5.0 (2.0 to 8.0)",
                   "rmse_pooled_px_both_right": "10.0 (5.0 to 15.0)"}
    (row,) = phrases.readable([given], 128, iter(["rmse_pooled_px_both_right"]))    # of a map of 128 cells
    assert row["rmse_pooled_px_both_right"] == "5.0 (2.5 to 7.5)" and "cmr" not in row


@pytest.mark.parametrize("profile, records", [("quick", QUICK), ("smoke", SMOKE)])
def test_the_title_of_the_table_names_the_judged_method_and_counts_the_verdicts(profile, records):
    title = emitters.table1(records["table1"], records["table1_pairs"], paper=True).title
    assert title.startswith(f"Counts of {OURS[profile]} against the binary map: ")
    number = len(records["table1"]) // 3
    for verdict, word in ((SETTLED, "better"), (REFUTED, "worse"), (UNDECIDED, "undecided")):
        some = len(with_places(records, verdict))
        assert some in (0, number) or f"{word} in {some}" in title.partition("single stage: ")[2]


def test_the_title_of_the_table_and_a_planted_change():
    planted = copy.deepcopy(QUICK["table1_pairs"])
    for pair in planted:
        pair["ci95_cmr"] = [-0.05, -0.01] if pair["environment"] != "chicago" else [-0.05, 0.01]
    title = emitters.table1(QUICK["table1"], planted, paper=True).title
    assert "binary map: better in 2, undecided in 1; against the single stage: worse in 2, undecided in 1" in title
    alt = emitters.table1(SMOKE["table1"], SMOKE["table1_pairs"], paper=False).alt
    first = SMOKE["table1"][0]
    assert f"Made-up streets, single-stage: {fixed(100 * first['cmr'], 1)} % [" in alt and "paper" not in alt


def test_right_counts_by_number_and_a_planted_change():
    table = [record for record in QUICK["by_count"] if not record["method"].endswith("5")]

    def ahead(group):
        ends = {record["true_count"]: record["ci95_share_right"] for record in group}
        return ends[1][0] > max(ends[2][1], ends[3][1])
    number, of = cases_where(table, ahead)
    assert emitters.counts(table).title == f"One emitter is counted best in {number} of {of} cases (intervals do " \
                                           "not overlap)"
    where = {"environment": "free_space", "method": "single_stage", "true_count": 1}
    planted = changed(table, where, share_right=0.1, ci95_share_right=[0.05, 0.15])
    assert f"in {cases_where(planted, ahead)[0]} of {of}" in emitters.counts(planted).title
    assert cases_where(planted, ahead)[0] < number
    few = [record | {"n": 5} for record in table]
    assert f"in 0 of {of}" in emitters.counts(few).title
    said = beyond(QUICK, epochs=1)
    five = [record for record in QUICK["by_count"] if record["method"].endswith("5")]
    assert all(f"{fixed(100 * record['share_right'], 1)} % [" in said for record in five) and len(five) == 5
    assert "trained for 1 epoch:" in said and "(1 epoch each)" in said


@pytest.mark.parametrize("records", [QUICK["by_effect"], SMOKE["by_effect"]], ids=["quick", "smoke"])
def test_right_counts_by_effect(records):
    pooled = emitters.weak_together(records)
    for (place, method) in {(record["environment"], record["method"]) for record in records}:
        weak = [record for record in records if (record["environment"], record["method"]) == (place, method)
                and record["from_db"] < 1]
        together = one(pooled, environment=place, method=method, from_db=0.0)
        assert together["to_db"] == 1.0 and together["n"] == sum(record["n"] for record in weak)
        assert together["share_right"] == pytest.approx(
            sum(record["n"] * record["share_right"] for record in weak) / together["n"], abs=1e-3)

    def apart(group):
        return group[0]["ci95_share_right"][1] < group[-1]["ci95_share_right"][0] and group[0]["n"] >= 30
    number, of = cases_where(pooled, apart)
    assert f"fewer right counts than from 10 dB in {number} of {of} cases (intervals apart)" in \
        emitters.effects(records).title


def test_a_case_against_the_trend_is_named_and_a_planted_change_takes_it_away():
    records = copy.deepcopy(QUICK["by_effect"])
    for record in records:
        strong = record["from_db"] >= 10
        falls = (record["environment"], record["method"]) == ("free_space", "two_stage_binary")
        share = (0.3 if falls else 0.9) if strong else 0.5
        record.update(share_right=share, ci95_share_right=[share - 0.05, share + 0.05])
    assert emitters.effects(records).title.endswith("8 of 9 cases (intervals apart), not in Free space, two-stage, "
                                                    "binary")
    said = emitters.effects(records).alt
    assert "fall again in the strongest class: Free space, two-stage, binary (50.0 % [" in said
    assert "30.0 % [25.0, 35.0] from 10 dB)." in said and said.count("fall again") == 1
    assert "fall again" in beyond(QUICK | {"by_effect": records})
    for record in records:
        if record["from_db"] >= 10:
            record.update(share_right=0.9, ci95_share_right=[0.85, 0.95])
    assert emitters.effects(records).title.endswith("9 of 9 cases (intervals apart)")
    assert "fall again" not in emitters.effects(records).alt


def test_more_sensors_and_a_planted_change():
    swept = [record for record in QUICK["sweep"] if record["n_max"] == 3]
    few, many = swept[0], swept[-1]
    cmr, rmse = ([fixed(100 * record[field]) for record in (few, many)] for field in ("cmr", "rmse_fraction"))
    assert emitters.sweep(QUICK["sweep"], 2).title == (
        f"From {few['n_sensors']} to {many['n_sensors']} sensors, right counts rise from {cmr[0]} to {cmr[1]} %, "
        f"errors fall from {rmse[0]} to {rmse[1]} % of the map side (2 epochs each)")
    where = {"n_sensors": many["n_sensors"]}
    level = changed(swept, where, cmr=few["cmr"] + 0.01, ci95_cmr=few["ci95_cmr"])
    assert "% (undecided)" in emitters.sweep(level, 1).title and "(1 epoch each)" in emitters.sweep(level, 1).title
    worse = changed(swept, where, cmr=0.01, ci95_cmr=[0.0, 0.02])
    assert f"right counts fall from {cmr[0]} to 1 %" in emitters.sweep(worse, 2).title
    for nothing in (None, np.nan):
        none = emitters.sweep(changed(swept, where, rmse_fraction=nothing, ci95_rmse_fraction=None), 2)
        assert "errors without a right count are not known" in none.title and "nan" not in none.alt
    assert emitters.sweep([few], 2).title.startswith(f"With {few['n_sensors']} sensors alone")


def test_another_city_counts_settled_tests_alone():
    pairs = [moved_pair("chicago", "single_stage", [-0.04, -0.01], [0.2, 0.4]),
             moved_pair("sydney", "single_stage", [-0.04, 0.01], [0.2, 0.4])]
    title = emitters.transfer(QUICK["transfer"], pairs).title
    assert "settled in 1 of 2 tests" in title and title.endswith("in 2 of 2")
    moved = one(QUICK["transfer"], trained_on="sydney", tested_on="chicago", method="single_stage")
    assert (f"single-stage, tested in Chicago, trained in Sydney: {fixed(100 * moved['cmr'], 1)} % "
            f"[{fixed(100 * moved['ci95_cmr'][0], 1)}") in emitters.transfer(QUICK["transfer"], pairs).alt
    pairs[1] = moved_pair("sydney", "single_stage", [-0.04, -0.01], [-0.1, 0.4])
    assert "2 of 2 tests, larger errors in 1 of 2" in emitters.transfer(QUICK["transfer"], pairs).title
    assert "another city" in beyond(QUICK, pairs, 2)
    real = QUICK["transfer_pairs"]
    fewer = sum(settled(pair["ci95_cmr"]) == SETTLED for pair in real)
    assert f"settled in {fewer} of {len(real)} tests" in emitters.transfer(QUICK["transfer"], real).title


def test_a_profile_without_sweep_cities_and_five_says_nothing_of_them():
    said = beyond(SMOKE)
    assert said.count("\n") == 1 and "sensors" not in said and "city" not in said and "five" not in said
    assert "city" not in beyond(QUICK, moved_pairs=(), epochs=2)    # one city alone was tested


def case(title="Free space", number=2, found=2, off=3.0, dark=0):
    truth = np.stack([np.arange(number), np.arange(number)], axis=1).astype(float)
    power = np.full((16, 16), -60.0)
    power.ravel()[:dark] = -np.inf
    sensors = np.array([[0.0, 1.0, -60.0], [3.0, 4.0, -90.0]])
    return Case(title, "", 1600.0, -80.0, power, power + 80, sensors, truth, truth[:found] + [0, off])


def test_maps_say_what_happened_in_their_samples():
    assert drawn.task(case()).title.startswith("The task: 1 of 2 sensors read more than the threshold")
    title = drawn.sample(case(found=1), case()).title
    assert title.endswith("the single stage says 1 instead of 2; the two-stage network finds both, 300 m off")
    assert drawn.scenes([case(), case(off=2.0)]).title == \
        "Two samples with the count right and the median error of such: 200 to 300 m"
    assert drawn.scenes([case(), case(found=1)]).title == \
        "Two samples by the rule of the median error, count right in 1 of 2: 300 m off"
    assert drawn.scenes([case(found=1)]).title == "One sample by the rule of the median error, but no count right"
    assert "finds all 3, 300 m off" in drawn.scenes([case(number=3, found=3)]).alt


def test_maps_of_two_models_say_whether_the_sample_is_the_same():
    one_sample = [case("Sydney, formula"), case("Sydney, ray-traced", found=1, dark=64)]
    told = ray_traced.maps(one_sample)
    assert told.title == ("The same emitters and sensors on each map. Sydney, formula: 300 m off; Sydney, ray-traced: "
                          "1 instead of 2 found")
    assert "Sydney, ray-traced: no ray reaches 25 % of the outdoor cells" in told.alt
    assert "formula: no ray" not in told.alt
    assert ray_traced.maps([case(), case(number=3)]).title.startswith("NOT the same sample")


@pytest.mark.parametrize("trained", dict.fromkeys(record["trained_on"] for record in QUICK["ray_traced"]))
def test_each_training_environment_has_its_own_lines_on_the_ray_traced_city(trained):
    records = QUICK["ray_traced"]
    said, name = ray_traced.answer(records), phrases.place(trained)
    assert f"networks trained in {name} " in said.word
    line = next(line for line in said.sentences.split("\n") if line.startswith(f"- Trained in {name}: right counts"))
    for model in ray_traced.MODELS:
        right = [100 * record["cmr"] for record in records if record["trained_on"] == trained
                 and ray_traced.model(record) == model]
        assert f"{wording.reach(right, 1)} % " in line and len(right) == 3
    assert f"{records[0]['samples']} samples each; a constant answer: 33 %" in line
    best = max((record for record in records if record["trained_on"] == trained
                and ray_traced.model(record) == ray_traced.TRACED), key=lambda record: record["cmr"])
    assert (f"Highest CMR on ray-traced gains (trained in {name}): {phrases.SEES[best['second_stage_sees']]}, "
            f"{phrases.percent(best, 'cmr')}; the lead over the others is ") in said.sentences
    assert f"rained in {name}: " in ray_traced.scores(records).title


def traced(formula, rays, kept, trained="chicago", samples=99):
    """Records of two methods with these right counts [%], the intervals 2 points to each side."""
    return [{"trained_on": trained, "tested_on": f"sydney, {model}", "method": method, "second_stage_sees": seen,
             "cmr": right / 100, "ci95_cmr": [right / 100 - 0.02, right / 100 + 0.02], "rmse_fraction": 0.2,
             "ci95_rmse_fraction": [0.19, 0.21], "n_max": 3, "samples": samples}
            for model, shares in zip(ray_traced.MODELS, (formula, rays, kept))
            for (method, seen), right in zip((("single_stage", None), ("two_stage_binary", "binary map")), shares)]


@pytest.mark.parametrize("records, word, title", [
    (traced((60, 60), (40, 45), (58, 59)), "count worse on ray-traced gains, most of it because of the threshold",
     "fewer right counts on ray-traced gains"),
    (traced((60, 60), (40, 45), (42, 46)), "count worse on ray-traced gains", "fewer right counts on ray-traced gains"),
    (traced((60, 60), (80, 75), (70, 70)), "count better on ray-traced gains", "more right counts on ray-traced gains"),
    (traced((60, 60), (40, 61), (58, 59)), "count on ray-traced gains worse with the single stage, undecided with the "
     "binary map", "fewer right counts on ray-traced gains for 1 of 2 methods"),
    (traced((60, 60), (59, 61), (58, 59)), "undecided whether networks trained in Chicago count worse on ray-traced "
     "gains", "undecided whether counts are worse on ray-traced gains"),
    (traced((60, 60), (40, 45), (58, 59), samples=29), "undecided whether", "undecided whether"),
    (traced((36, 38), (34, 34), (42, 45)), "count right in 34.0 to 45.0 % on these maps, a constant answer in 33 %",
     "at most 12 points above a constant answer")])
def test_what_ray_traced_gains_change_has_three_outcomes(records, word, title):
    said = ray_traced.answer(records)
    assert word in said.word and (word.endswith("threshold") or "threshold" not in said.word)
    assert f"Trained in Chicago: {title}" in ray_traced.scores(records).title


def test_more_right_counts_with_the_formulas_threshold_are_said_to_be_more():
    said = ray_traced.answer(traced((36, 38), (34, 34), (42, 45), "free_space")).sentences
    assert ("on ray-traced gains, undecided for every method; on these with the formula's threshold, more are right "
            "(settled) for every method.") in said
    said = ray_traced.answer(traced((60, 60), (40, 61), (70, 40))).sentences
    assert "on ray-traced gains, fewer are right (settled) for the single stage, undecided for the binary map;" in said
    assert "fewer are right (settled) for the binary map, more are right (settled) for the single stage." in said


def test_the_lead_on_ray_traced_gains_is_judged_and_ties_are_named():
    assert "the binary map, 48.0 % [46.0, 50.0]; the lead over the others is settled" in \
        ray_traced.answer(traced((60, 60), (40, 48), (58, 59))).sentences
    assert "the lead over the others is undecided" in ray_traced.answer(traced((60, 60), (46, 48), (58, 59))).sentences
    tied = ray_traced.answer(traced((60, 60), (48, 48), (58, 59))).sentences
    assert "the single stage, 48.0 % [46.0, 50.0] and the binary map, 48.0 % [46.0, 50.0]." in tied


def test_tests_that_are_missing_are_not_told_of():
    records = traced((60, 60), (40, 45), (58, 59))
    assert ray_traced.answer(records[:2]).word == "not run"
    alone = ray_traced.answer(traced((60, 60), (60, 62), (58, 59))[2:4])
    assert alone.word.startswith("undecided whether") and "by the formula" not in alone.sentences
    unknown = ray_traced.answer([record | {"rmse_fraction": None} for record in records]).sentences
    assert "none by the formula, none on ray-traced gains" in unknown


@pytest.mark.parametrize(("differ", "far", "said"), [
    (0, 0, "Repeatable on one machine: none of the 2154 gains at cells that a ray reaches from 3 positions differs in "
           "a second trace."),
    (1500, 86, "Not repeatable: of the 2154 gains at cells that a ray reaches from 3 positions, 69.6 % differ in a "
               "second trace with the same seed, 4.0 % by more than 3 dB.")])
def test_a_second_trace_is_told_of_by_its_spread(differ, far, said):
    fields = {"traced_by": "Sionna RT 2.0.1, diffraction corrected (not Atoll)", "repeated_positions": 3,
              "repeated_gains": 2154, "repeated_differ": differ, "repeated_differ_3db": far}
    records = [record | (fields if ray_traced.model(record) != ray_traced.FORMULA else {})
               for record in traced((60, 60), (40, 45), (58, 59))]
    sentences = ray_traced.answer(records).sentences
    assert f"- Traced by Sionna RT 2.0.1, diffraction corrected (not Atoll). {said}\n" in sentences
    assert sentences.count("epeatable") == 1 and "epeatable" not in ray_traced.answer(
        traced((60, 60), (40, 45), (58, 59))).sentences


def test_a_city_that_was_not_traced_says_so_without_what_differs_between_machines():
    said = ray_traced.answer([{"not_run": "Sionna RT does not work here: /opt/python: no such file"}])
    assert said.word == "not run" and said.sentences.startswith("Sionna RT does not work here. ")
    assert "/opt" not in said.sentences and ray_traced.answer([]).word == "not run"
