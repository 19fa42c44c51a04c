"""What is said of two transmitters: the numbers of the records, and other words for other records."""

import copy

import pytest

from rsslib.ledger import results
from rsslib.reports.emitters_paper.findings import two_transmitters as findings
from rsslib.reports.emitters_paper.two_transmitters import MAPS, TOGETHER

ONE, TWO = "one transmitter", "two transmitters"
SUMS, PEAKS, FIXED = "trained on sums", "two peaks", "two fixed places"
NETWORK = "network trained on sums"


def record(method, name, n, share, error=None):
    values = {"method": method, "set": name, "n": n}
    if share is not None:
        values |= {"count_accuracy": share, "ci95_count_accuracy": [share - 0.05, share + 0.05]}
    return values | ({} if error is None else {"two_taken_median_m": error,
                                               "ci95_two_taken_median_m": [error - 30, error + 30]})


@pytest.fixture
def records():
    return [record(SUMS, ONE, 157, 0.9), record(PEAKS, ONE, 157, 0.74), record(SUMS, TWO, 346, 0.41, 367.0),
            record(PEAKS, TWO, 346, 0.68, 398.0), record(FIXED, TWO, 346, None, 519.0)]


@pytest.fixture
def pairs():
    def pair(left, right, name, **fields):
        return {"left_method": left, "right_method": right, "set": name, "n": 157 if name == ONE else 346} | {
            key: value for field, (middle, low, high) in fields.items()
            for key, value in ((field, middle), (f"ci95_{field}", [low, high]))}

    return [pair(SUMS, PEAKS, ONE, count_accuracy=(0.16, 0.1, 0.2), both_right_median_m=(29, 13, 46)) | {
                "n_both_right": 113},
            pair(SUMS, PEAKS, TWO, count_accuracy=(-0.27, -0.35, -0.2), two_taken_median_m=(-31, -61, 9)),
            pair(SUMS, FIXED, TWO, two_taken_median_m=(-152, -184, -129)),
            pair(PEAKS, FIXED, TWO, two_taken_median_m=(-120, -166, 4))]


def replace(pairs, name, field, ends, right=PEAKS):
    changed = copy.deepcopy(pairs)
    pair = results.one(changed, left_method=SUMS, right_method=right, set=name)
    pair[field], pair[f"ci95_{field}"] = sum(ends) / 2, list(ends)
    return changed


def test_the_answer_says_who_counts_at_what_price_and_who_locates(records, pairs):
    answer = findings.answer(records, pairs, measured=True)
    assert answer.word == (f"two peaks count pairs better; the {NETWORK} counts single transmitters better; which "
                           "locates pairs better is undecided; two peaks locate single transmitters better")
    text = answer.sentences
    assert (f"Measured pairs (n 346): the {NETWORK} counts 41 % right [36, 46] and two peaks count 68 % right [63, 73] "
            "(network − peaks: −27 points [−35, −20]). Single transmitters (n 157):") in text
    assert ("Where both count a single transmitter right (n 113), their median errors differ (network − peaks: +29 m "
            "[+13, +46]).") in text
    assert (f"367 m [337, 397] for the {NETWORK} and 398 m [368, 428] for two peaks (network − peaks: −31 m [−61, +9], "
            "undecided)") in text
    assert (f"The error of two fixed locations is 519 m [489, 549]: the {NETWORK} beats them (−152 m [−184, −129]) and "
            "two peaks are undecided beside them (−120 m [−166, +4])") in text


def test_sums_that_stand_in_for_pairs_are_called_so(records, pairs):
    assert "Sums that stand in for measured pairs (n 346)" in findings.answer(records, pairs, measured=False).sentences
    line = findings.data_line("a title", False, measured=False)
    assert "stand in for the measured ones" in line and "`real = True`" in line
    assert "stand in" not in findings.data_line("a title", False, measured=True)


@pytest.mark.parametrize("name, field, ends, title", [
    (TWO, "count_accuracy", (-0.2, 0.1),
     f"Which counts pairs better is undecided; the {NETWORK} counts single transmitters better"),
    (TWO, "count_accuracy", (0.1, 0.2), f"The {NETWORK} counts pairs and single transmitters better"),
    (ONE, "count_accuracy", (-0.1, 0.1),
     "Two peaks count pairs better; which counts single transmitters better is undecided"),
    (TWO, "two_taken_median_m", (-61, -9),
     f"Two peaks count pairs better; the {NETWORK} counts single transmitters better; the {NETWORK} locates pairs "
     "better"),
    (TWO, "two_taken_median_m", (9, 61),
     f"Two peaks count pairs better; the {NETWORK} counts single transmitters better; two peaks locate pairs better")])
def test_another_interval_changes_the_title(name, field, ends, title, records, pairs):
    assert findings.figure(records, replace(pairs, name, field, ends)).title == title


@pytest.mark.parametrize("ends, clause", [
    ((-46, -13), f"which locates pairs better is undecided; the {NETWORK} locates single transmitters better"),
    ((-13, 46), "which locates pairs or single transmitters better is undecided")])
def test_another_interval_of_single_transmitters_changes_who_locates_them(ends, clause, records, pairs):
    changed = replace(pairs, ONE, "both_right_median_m", ends)
    assert findings.answer(records, changed, True).word.endswith(f"; {clause}")


def test_fewer_than_six_samples_settle_nothing(records, pairs):
    pairs[0]["n_both_right"] = 5
    assert "locate single transmitters better" not in findings.answer(records, pairs, True).word
    del pairs[0]["ci95_both_right_median_m"]
    answer = findings.answer(records, pairs, True)
    assert "(n 5), their median errors differ (network − peaks: +29.0 m (no interval: undecided))" in (
        answer.sentences) and answer.word.endswith("which locates pairs better is undecided")
    few = [{key: value for key, value in pair.items() if not key.startswith("ci95_two")} | {"n": 5} for pair in pairs]
    bare = [{key: value for key, value in row.items() if not key.startswith("ci95_two")} for row in records]
    answer = findings.answer(bare, few, True)
    assert answer.word == ("which counts pairs or single transmitters better is undecided; which locates pairs better "
                           "is undecided")
    assert f"367 m for the {NETWORK} and 398 m for two peaks" in answer.sentences


def test_a_settled_difference_shows_its_sign(records, pairs):
    changed = replace(pairs, TWO, "count_accuracy", (0.0004, 0.021))
    assert "(network − peaks: +1.07 points [+0.04, +2.10])" in findings.answer(records, changed, True).sentences


def test_a_method_that_is_farther_off_than_the_fixed_locations_is_said_to_be_worse(records, pairs):
    changed = replace(pairs, TWO, "two_taken_median_m", (95, 349), FIXED)
    assert f"the {NETWORK} is worse than they are (+222 m [+95, +349])" in findings.answer(
        records, changed, True).sentences
    assert "is worse than they are" in findings.figure(records, changed).alt


def test_without_a_sample_that_both_count_right_nothing_is_said_of_it(records, pairs):
    single = pairs[0]
    del single["ci95_both_right_median_m"]
    single |= {"both_right_median_m": None, "n_both_right": 0}
    answer = findings.answer(records, pairs, True)
    assert "Where both count" not in answer.sentences
    assert answer.word.endswith("which locates pairs better is undecided")


@pytest.mark.parametrize("profile", ["smoke", "quick"])
def test_the_sentences_have_the_numbers_of_the_records_in_the_tree(profile):
    records, pairs = (results.read(profile, name)["records"] for name in ("two_transmitters", "two_transmitters_pairs"))
    text = findings.answer(records, pairs, measured=profile == "quick").sentences
    for row in records:
        if "count_accuracy" in row:
            percent = f"{100 * row['count_accuracy']:.0f} %"
            assert (f"{percent} of " if row["method"] in (MAPS, TOGETHER) else f"{percent} right") in text
        if row["two_taken_median_m"] is not None:
            assert f"{row['two_taken_median_m']:.0f} m [" in text
    for pair in pairs:
        said = pair["left_method"] != MAPS or pair["right_method"] == "trained on sums"
        if said and pair.get("ci95_two_taken_median_m"):
            low, high = (f"{end:+.0f}".replace("-", "−") for end in pair["ci95_two_taken_median_m"])
            assert f"m [{low}, {high}]" in text


@pytest.mark.parametrize("ends, ahead", [((-90, -20), True), ((-90, 5), False), ((20, 90), False)])
def test_our_own_method_is_named_where_it_is_settled_that_it_locates_best(records, pairs, ends, ahead):
    def beside(right, ends):
        return {"left_method": MAPS, "right_method": right, "set": TWO, "n": 346,
                "two_taken_median_m": sum(ends) / 2, "ci95_two_taken_median_m": list(ends)}

    shown = [*records, record(MAPS, ONE, 157, 0.8), record(MAPS, TWO, 346, 0.6, 222.0)]
    compared = [*pairs, beside(SUMS, ends), beside(PEAKS, (-200, -100)), beside(FIXED, (-300, -200))]
    best = "; our sums of two maps locate pairs best"
    assert findings.figure(shown, compared).title.endswith(best) == ahead
    assert findings.answer(shown, compared, measured=True).word.endswith(best) == ahead
    unasked = [pair for pair in compared if (pair["left_method"], pair["right_method"]) != (MAPS, FIXED)]
    assert best not in findings.figure(shown, unasked).title
