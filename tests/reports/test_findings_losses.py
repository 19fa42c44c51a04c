"""Sentences about the losses: their numbers are those of the records, and a changed record changes them."""

import json
from copy import deepcopy

import numpy as np
import pytest

from rsslib.data import splits
from rsslib.ledger import claims
from rsslib.ledger.wording import fixed, listed, span
from rsslib.project import ROOT
from rsslib.reports.confidence_paper import loss_comparison
from rsslib.reports.confidence_paper.findings import losses
from rsslib.reports.style import LOOKS
from rsslib.reports.tables import name


def pair(split, other, median, ends, mean=None, n=70):
    return {"left_loss": "emd", "right_loss": other, "split": split, "set": splits.report_set(split), "n": n,
            "median_m": median, "ci95_median_m": ends, "mean_m": median if mean is None else mean[0],
            "ci95_mean_m": ends if mean is None else mean[1]}


GRID2 = pair("grid2", "com", -7.2, [-31.0, 17.4], n=1084)
PAIRS = [GRID2, pair("november", "com", -37.4, [-68.0, -18.0], (5.0, [1.0, 9.0])),
         pair("grid2", "pse", -28.4, [-50.0, -2.0]), pair("november", "pse", -19.4, [-42.0, -1.0]),
         pair("random", "com", -10.4, [-14.0, -7.0], n=916)]


def changed(number, **fields):
    """The pairs with one record changed."""
    records = deepcopy(PAIRS)
    records[number] |= fields
    return records


def test_the_answer_says_by_median_and_by_mean_what_is_settled_out_of_distribution():
    word, text = losses.answer(PAIRS, {("emd", "random"): 47.4, ("com", "random"): 35.5})
    assert word == (
        "out of distribution, by the median error, EMD beats CoM only on Nov→July (settled), and beats PSE on Grid2 "
        "and Nov→July (settled); by the mean error, it is worse than CoM on Nov→July (settled) and beats it nowhere, "
        "and beats PSE on Grid2 and Nov→July (settled)")
    assert "EMD is 7 m ahead of CoM on Grid2 [−31, +17], n 1084, undecided; 37 m ahead on Nov→July" in text
    assert "by the mean error, EMD is 7 m ahead of CoM on Grid2 [−31, +17], undecided; 5 m behind on Nov→July" in text
    assert "it is 10 m ahead of CoM on Random [−14, −7], n 916, settled; the paper prints it 12 m behind" in text


@pytest.mark.parametrize("records, words", [
    (changed(1, ci95_median_m=[-68.0, 1.0]), "is in no settled order with CoM"),
    (changed(0, ci95_median_m=[-31.0, -1.0]), "beats CoM on Grid2 and Nov→July (settled)"),
    (changed(1, median_m=37.4, ci95_median_m=[18.0, 68.0]),
     "is worse than CoM on Nov→July (settled) and beats it nowhere"),
    (changed(0, median_m=27.4, ci95_median_m=[18.0, 68.0]),
     "is better than CoM on Nov→July and worse on Grid2 (settled)"),
    ([GRID2], "is in no settled order with CoM;")])
def test_a_planted_change_of_an_interval_changes_the_answer(records, words):
    assert f"by the median error, EMD {words}" in losses.answer(records).word


def test_a_planted_change_of_the_mean_changes_the_answer():
    records = changed(0, mean_m=27.0, ci95_mean_m=[9.0, 46.0])
    assert "by the mean error, it is worse than CoM on Grid2 and Nov→July (settled)" in losses.answer(records).word
    assert "out of distribution EMD is worse than CoM on Grid2 and Nov→July" in losses.differences(records).alt
    assert "Grid2 +27 [+9, +46], settled" in losses.differences(records).alt


@pytest.mark.parametrize("ends, word", [([-14.0, -7.0], "yes"), ([7.0, 14.0], "no"), ([-7.0, 14.0], "undecided")])
def test_what_was_not_tested_out_of_distribution_is_not_called_so(ends, word):
    seen = [pair("random", "com", ends[0] + 1, ends)]
    assert losses.answer(seen).word == f"not tested out of distribution; in distribution: {word}"
    assert "Out of distribution" not in losses.answer(seen).sentences
    assert "out of distribution" not in losses.differences(seen).title + losses.differences(seen).alt
    both = [*seen, pair("random", "pse", -80, [-90, -70])]
    assert losses.answer(both).word == ("not tested out of distribution; in distribution: " + (
        "yes" if word == "yes" else f"against CoM {word}, against PSE yes"))


def test_without_another_loss_nothing_is_settled():
    assert losses.answer([]) == ("not tested", "EMD is compared with no other loss on the same samples.")
    assert losses.differences([]).title == "EMD is compared with no other loss"
    assert losses.differences(PAIRS[2:4]).title == (
        "Median error of EMD against PSE out of distribution: lower on Grid2 and Nov→July")


def test_a_loss_that_becomes_the_farther_one_is_called_behind():
    assert "EMD is 7 m behind CoM on Grid2 [−17, +31]" in losses.answer(
        changed(0, median_m=7.2, ci95_median_m=[-17.4, 31.0])).sentences


def test_small_differences_have_digits_that_show_their_sign():
    text = losses.answer(changed(0, median_m=-0.3, ci95_median_m=[-0.9, -0.04])).sentences
    assert "EMD is 0.30 m ahead of CoM on Grid2 [−0.90, −0.04], n 1084, settled" in text
    assert "EMD is level with CoM on Grid2 [−1, +1], n 1084, undecided" in losses.answer(
        changed(0, median_m=0.0, ci95_median_m=[-1.0, 1.0])).sentences
    assert "Grid2 −0.2 [−0.4, +1.0], undecided" in losses.differences(
        changed(0, median_m=-0.2, ci95_median_m=[-0.4, 1.0])).alt


def test_separations_outside_the_paper_have_names():
    records = [*PAIRS, pair("grid3", "com", 9.0, [5.0, 12.0])]
    assert "is better than CoM on Nov→July and worse on Grid3 (settled)" in losses.answer(records).word
    assert "9 m behind on Grid3 [+5, +12]" in losses.answer(records).sentences
    assert "higher on Grid3" in losses.differences(records).title
    assert "Grid3 (n 9): CoM 5" in losses.table2(medians(5, 6, 7, "grid3"), [], {}).alt


@pytest.mark.parametrize("profile", ["smoke", "quick"])
def test_the_numbers_of_the_answer_are_those_of_the_records_in_the_tree(profile):
    records = in_tree(profile, "table2_pairs")
    word, text = losses.answer(records)
    for record in losses.against(records, "com") + losses.unseen(losses.against(records, "pse")):
        digits = losses.shown(record)[0]
        assert f"{fixed(abs(record['median_m']), digits)} m " in text and f", n {record['n']}, " in text
        assert f"on {name(record['split'])} {span(record['ci95_median_m'], digits, sign=True)}" in text
    by_mean = word.split("; by the mean error, ")[1].split(", and ")[0]    # against CoM
    for record in losses.unseen(losses.against(records, "com")):
        low, high = record["ci95_mean_m"]
        assert (name(record["split"]) in by_mean) == (low > 0 or high < 0)
    assert ("worse" in by_mean) == any(record["ci95_mean_m"][0] > 0 for record in losses.unseen(
        losses.against(records, "com")))


def in_tree(profile, file):
    """Records of a committed run."""
    return json.loads((ROOT / "results" / profile / f"{file}.json").read_text(encoding="utf-8"))["records"]


@pytest.mark.parametrize("profile", ["smoke", "quick"])
def test_the_title_of_table_two_counts_lowest_medians_and_settled_leads_of_the_records_in_the_tree(profile):
    records, pairs = loss_comparison.judged(in_tree(profile, "table2")), in_tree(profile, "table2_pairs")
    told = losses.table2(records, pairs, {})
    cells = {(record["split"], record["loss"]): record["median_m"] for record in records}
    splits_of = dict.fromkeys(record["split"] for record in records)
    trained = [loss for loss in ("com", "pse", "emd") if any(of == loss for _, of in cells)]
    won = {loss: [split for split in splits_of if cells[split, loss] == min(cells[split, other] for other in trained)]
           for loss in trained}
    most = max(map(len, won.values()))
    best = [loss for loss in trained if len(won[loss]) == most]
    sure = {loss: sum(all(max(sign * end for end in pair["ci95_median_m"]) < 0
                          for pair in pairs if pair["split"] == split and pair["right_loss"] != "sliced"
                          for side, sign in (("left_loss", 1), ("right_loss", -1)) if pair[side] == loss)
                      for split in won[loss]) for loss in best}
    start = f"{listed([LOOKS[loss].label for loss in best])} {'has' if len(best) == 1 else 'each have'} the lowest"
    assert told.title.startswith(f"{start} median error in {most} of {len(splits_of)} separations")
    ends = [f"in {sure[loss]}" if len(best) == 1 else f"{LOOKS[loss].label} in {sure[loss]}" for loss in best]
    assert told.title.endswith(", ".join(ends))
    for record in records:
        assert f"{LOOKS[record['loss']].label} {record['median_m']:.0f} {span(record['ci95_m'])}" in told.alt


def medians(com, pse, emd, split="grid2"):
    return [{"loss": loss, "split": split, "set": splits.report_set(split), "median_m": value, "n": 9,
             "ci95_m": [value - 1, value + 1]} for loss, value in (("com", com), ("pse", pse), ("emd", emd))]


def test_the_title_of_table_two_claims_a_lead_only_where_both_intervals_do():
    both = [pair("grid2", "com", -30.0, [-40.0, -20.0]), pair("grid2", "pse", -30.0, [-40.0, -20.0])]
    assert losses.table2(medians(100, 100, 70), both, {}).title == (
        "EMD has the lowest median error in 1 of 1 separations, settled against both others in 1")
    both[0]["ci95_median_m"] = [-40.0, 1.0]
    assert losses.table2(medians(100, 100, 70), both, {}).title.endswith("settled against both others in 0")
    assert losses.table2(medians(60, 100, 70), both, {}).title.startswith("CoM has the lowest")
    assert losses.table2(medians(100, 100, 70), both[1:], {}).title.endswith("in 0")    # one pair is missing


def test_the_title_of_table_two_settles_nothing_without_pairs_and_ranks_no_loss_alone():
    title = losses.table2(medians(100, 100, 70), [], {}).title
    assert title == "EMD has the lowest median error in 1 of 1 separations"
    assert losses.table2(medians(100, 100, 70)[2:], [], {}).title == "Median error of EMD, the only loss"
    two = losses.table2(medians(100, 100, 70)[1:], [pair("grid2", "pse", -30.0, [-40.0, -20.0])], {}).title
    assert two.endswith("settled against the other in 1")


def test_all_losses_that_tie_are_named():
    records = medians(100, 120, 70) + medians(60, 120, 70, "random")
    lead = [pair("grid2", "com", -30.0, [-40.0, -20.0]), pair("grid2", "pse", -50.0, [-60.0, -40.0])]
    assert losses.table2(records, lead, {}).title == (
        "CoM and EMD each have the lowest median error in 1 of 2 separations; settled against both others: CoM in 0, "
        "EMD in 1")
    assert losses.table2(medians(70, 70, 70), lead[:1], {}).title == (
        "CoM, PSE and EMD each have the lowest median error in 1 of 1 separations, ties counted; settled against both "
        "others: CoM in 0, PSE in 0, EMD in 0")


def test_the_sliced_emd_is_drawn_but_no_rival_and_a_loss_of_some_separations_is_one_only_there():
    ahead = [pair(split, other, -30.0, [-40.0, -20.0]) for split, others in (
        ("grid2", ("com", "pse", "sliced")), ("random", ("com", "pse"))) for other in others]
    sliced = {"loss": "sliced", "split": "grid2", "set": "ood", "median_m": 80.0, "n": 9, "ci95_m": [79.0, 81.0]}
    records = [*medians(100, 100, 70), sliced, *medians(100, 100, 70, "random")]
    told = losses.table2(records, ahead, {})
    assert told.title == ("Without the sliced EMD: EMD has the lowest median error in 2 of 2 separations, settled "
                          "against both others in 2")
    assert "EMD 70 [69, 71], sliced EMD 80 [79, 81]" in told.alt
    ahead[2]["ci95_median_m"] = [-40.0, 1.0]    # beside the sliced EMD, on Grid2
    sliced["median_m"] = 60.0
    assert losses.table2(records, ahead, {}).title == told.title
    ahead[1]["ci95_median_m"] = [-40.0, 1.0]    # beside PSE, on Grid2
    assert losses.table2(records, ahead, {}).title.endswith("settled against both others in 1")
    only = [record for record in records if (record["split"], record["loss"]) != ("grid2", "pse")]
    assert losses.table2(only, [*ahead[:1], *ahead[2:]], {}).title.endswith("settled against both others in 2")


def test_without_intervals_nothing_is_settled_and_nothing_breaks():
    bare = [{key: value for key, value in record.items() if "ci95" not in key} for record in PAIRS]
    word, text = losses.answer(bare)
    assert word.startswith("out of distribution, by the median error, EMD is in no settled order with CoM")
    assert "EMD is 7 m ahead of CoM on Grid2 [no interval], n 1084, undecided" in text
    told = losses.differences(bare)
    assert told.title.endswith("out of distribution: undecided on Grid2 and Nov→July")
    assert "Grid2 −7 [no interval], undecided" in told.alt
    assert losses.answer(bare[4:]).word == "not tested out of distribution; in distribution: undecided"
    records = [{key: value for key, value in record.items() if "ci95" not in key} for record in medians(5, 6, 4)]
    told = losses.table2(records, bare, {})
    assert told.title.endswith("settled against both others in 0") and "CoM 5 [no interval]" in told.alt


def test_the_lead_of_the_right_loss_of_a_pair_is_settled_by_an_interval_above_zero():
    behind = [pair("grid2", "com", 30.0, [20.0, 40.0]),
              pair("grid2", "pse", -30.0, [-40.0, -20.0]) | {"left_loss": "com"}]
    assert losses.table2(medians(70, 100, 100), behind, {}).title.endswith("settled against both others in 1")


def test_the_title_of_the_differences_follows_their_intervals():
    start = "Median error of EMD against CoM out of distribution: lower on Nov→July"
    assert losses.differences(PAIRS).title == f"{start}, undecided on Grid2"
    assert losses.differences(changed(0, ci95_median_m=[3.0, 40.0])).title == f"{start}, higher on Grid2"
    assert "Grid2 −7 [−31, +17], undecided" in losses.differences(PAIRS).alt


def test_curves_count_the_epochs_in_which_the_second_loss_is_the_lower_one():
    def history(*errors):
        return [{"epoch": epoch, "train_single_median_m": 1.0, "val_single_median_m": 2.0,
                 "ood_single_median_m": error} for epoch, error in enumerate(errors, 1)]

    told = losses.curves({"com": history(5, 5, 5), "emd": history(4, 6, 3)})
    assert told.title == "One network each: the OOD error of EMD is below that of CoM in 2 of 3 recorded epochs"
    assert "OOD test CoM 5 m, EMD 3 m" in told.alt and "on Grid2 in metres" in told.alt
    assert " 1 of 3 " in losses.curves({"com": history(5, 5, 5), "emd": history(4, 6, 7)}).title
    assert "on Grid3" in losses.curves({"com": history(5), "emd": history(4)}, "grid3").alt


def test_images_are_told_by_their_high_pixels_and_their_distance():
    spread = np.array([[1.0, 0.9, 0.6], [0.2, 0.1, 0.0]])
    told = losses.outputs({"com": spread, "emd": np.eye(3)[:2]}, {"com": 19.4, "emd": 6.0})
    assert told.title == "One sample, pixels above half of the image's maximum: CoM 3, EMD 2 (of 6)"
    assert "CoM 3, with its location 19 m off" in told.alt
    assert losses.pipeline({"com": 19.4, "emd": 6.0}).title == (
        "One test sample: CoM's centre of mass is 19 m off, EMD's weighted peaks 6 m")


def test_an_ambiguous_image_is_told_by_its_shares_and_by_how_far_off_the_nearer_peak_is():
    modes = [(0.0, 0.0, 0.61), (300.0, 400.0, 0.37)]
    assert losses.ambiguous(modes, (300.0, 300.0), 90.0).title == (
        "Two peaks, A (61 %) and B (37 %); the nearer, B, is 100 m off")
    assert losses.ambiguous(modes, (0.0, 30.0), 90.0).title.endswith("the nearer, A, is 30 m off")
    alike = [(0.0, 0.0, 0.392), (300.0, 400.0, 0.391)]
    assert losses.ambiguous(alike, (0.0, 30.0), 90.0).title.startswith("Two peaks, A and B (39 % each); ")
    assert losses.ambiguous(modes[:1], (0.0, 30.0), 90.0).title == "One peak, A (61 %); it is 30 m off"
    assert losses.ambiguous([], (0.0, 0.0), 90.0).title == "No peak is marked in this image"
    assert "a disc with a radius of 45 m" in losses.ambiguous(modes, (0.0, 0.0), 45.0).alt


def test_a_printed_difference_needs_both_numbers():
    printed = claims.printed("table2", "median_m", "loss", "split")
    assert losses.difference(printed, "com", "grid2") == pytest.approx(277.5 - 334.0)
    assert losses.difference({("emd", "grid2"): 1.0}, "com", "grid2") is None
