"""What notebook 03 finds: which indicator of confidence tells OOD samples and large errors, and what it is worth."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import NamedTuple

from rsslib.confidence.indicators import INDICATOR
from rsslib.data import splits
from rsslib.ledger.quantities import interval
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, fixed, listed, settled, span, together
from rsslib.reports import tables
from rsslib.reports.findings import Answer, yes_or_no
from rsslib.reports.style import LOOKS, Told

CHOICE = LOOKS[INDICATOR].label.lower()
"""The paper's choice among the indicators, in words."""
FEWEST = 6
"""Fewer samples on a side settle nothing: from the least to the largest of n values is the widest interval that they
give for a median, and it misses with probability 2^(1 - n), which is 6 % for five values and 3 % for six."""
TEST = "test"
"""The set of Random that errors are reported on: it is in distribution, and nothing is said of it as OOD."""


class Lead(NamedTuple):
    """How the paper's choice stands at one task: its own record, that of the best other indicator, and a verdict.

    `rivals` names the best other indicator, and all that are level with it; `ahead` and `ci95` are the choice's AUROC
    less the rival's. The verdict is on the claim that the choice is above every other indicator.
    """

    split: str
    own: Mapping
    rival: Mapping
    rivals: Sequence[str]
    ahead: float
    ci95: Sequence
    verdict: str


def decided(ci95: Sequence, expected: str, *sizes: int) -> str:
    """Return what an interval settles (`wording.settled`), undecided where one of the sizes is below FEWEST.

    >>> decided((3, 40), ">", 20, 8), decided((3, 40), ">", 20, 1)
    ('settled: holds', 'undecided')
    """
    return UNDECIDED if min(sizes) < FEWEST else settled(ci95, expected)


def decimals(values: Sequence[float], least: int = 0, level: float = 0.0) -> int:
    """Return how many decimals, at least so many, show on which side of `level` each value lies.

    >>> decimals([-0.4, 31.0]), decimals([10.3, 12.0], level=10), decimals([0.0, 12.0])
    (1, 1, 0)
    """
    return next((digits for digits in range(least, 6)
                 if all(value == level or round(value, digits) != level for value in values)), least)


def leads(records: Sequence[Mapping], pairs: Sequence[Mapping], target: str, name: str = "") -> list[Lead]:
    """Return how the paper's choice stands at telling `target` in each separation that has both kinds of samples.

    Input: records and pairs of `ood_detection.indicator_records` and `indicator_pairs`; the set `name`, by default the
    OOD set of each separation that has one.
    """
    found = []
    for split in dict.fromkeys(record["split"] for record in records):
        judged = name or splits.report_set(split)
        keys = {"split": split, "target": target, "set": judged}
        areas = {record["indicator"]: record for record in records
                 if keys.items() <= record.items() and interval(record, "auroc")}
        others = [pair for pair in pairs if keys.items() <= pair.items() and pair["left_indicator"] == INDICATOR]
        if not areas or not others or judged == TEST != name:
            continue
        nearest, own = min(others, key=lambda pair: pair["auroc"]), areas[INDICATOR]
        rivals = [pair["right_indicator"] for pair in others if pair["auroc"] == nearest["auroc"]]
        sizes = own["n_positive"], own["n_negative"]
        verdict = together([decided(pair["ci95_auroc"], ">", *sizes) for pair in others])
        found.append(Lead(split, own, areas[rivals[0]], rivals, nearest["auroc"], nearest["ci95_auroc"], verdict))
    return found


def answer(records: Sequence[Mapping], pairs: Sequence[Mapping]) -> Answer:
    """Return the answer: does the paper's choice tell OOD samples best, and which indicator tells large errors?

    Input: as `leads`.
    """
    ood, errors = (leads(records, pairs, target) for target in ("ood", "high_error"))
    test, validation = (leads(records, pairs, "high_error", name) for name in (TEST, "val"))
    paragraphs = [
        f"At telling OOD samples from validation, the {CHOICE} {_best_in(ood)} (AUROC, paired differences, i.i.d. "
        "bootstrap):" if ood else "No data separation here has OOD samples.", [_line(lead) for lead in ood],
        "At telling which OOD samples have a large error (above twice the validation median), it "
        f"{_best_in(errors)}:" if errors else "No OOD set has both large and small errors." if ood else "",
        [_line(lead) for lead in errors],
        f"In distribution, at telling which test samples have a large error, the {CHOICE} "
        f"{_best_in(test)}:" if test else "",
        [_line(lead) for lead in test], _validation(validation)]
    return Answer(_word(ood), "\n\n".join(part if isinstance(part, str) else "\n".join(part)
                                          for part in paragraphs if part))


def _word(found: Sequence[Lead]) -> str:
    firm, n = _count(found, SETTLED), len(found)
    if 0 < firm < n:
        return f"yes in {firm} of {n} separations"
    return yes_or_no(together([lead.verdict for lead in found])) if n else UNDECIDED


def _count(found: Sequence[Lead], verdict: str) -> int:
    return sum(lead.verdict == verdict for lead in found)


def in_words(number: int) -> str:
    """Return a small number in words.

    >>> in_words(0), in_words(4), in_words(12)
    ('none', 'four', '12')
    """
    words = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[number] if number < len(words) else str(number)


def _names(indicators: Sequence[str]) -> str:
    """Return indicators in words, "the maximum spread and the sum spread"."""
    return listed([f"the {tables.name(name).lower()}" for name in indicators])


def _best_in(found: Sequence[Lead]) -> str:
    """Return "is best in 3 of 4 separations; its lead over every other indicator is settled in 2"."""
    alone, level = sum(lead.ahead > 0 for lead in found), sum(lead.ahead == 0 for lead in found)
    text = f"is best in {alone} of {len(found)} separations" + (f" and level with the best in {level}" if level else "")
    text += f"; its lead over every other indicator is settled in {_count(found, SETTLED)}" if alone else ""
    behind = _count(found, REFUTED)
    return text + (f"; in {in_words(behind)} it is significantly worse than another" if behind else "")


def _line(lead: Lead) -> str:
    """Return a separation's finding as an item of a list."""
    positive, negative = lead.own["n_positive"], lead.own["n_negative"]
    n = (f"{positive} OOD, {negative} validation" if lead.own["target"] == "ood" else
         f"{positive} with large error, {negative} without")
    own, ends = f"has {_area(lead.own)}", _difference(lead)[1]
    if lead.ahead >= 0:
        text = f"it {own}, {_standing(lead)} {ends}"
    else:
        have = "have" if len(lead.rivals) > 1 else "has"
        text = (f"{_names(lead.rivals)} {have} {_area(lead.rival)}; the {CHOICE} {own}, "
                f"{_difference(lead)[0]} below {ends}")
    return f"- {tables.name(lead.split)} ({n}): {text}: {_said(lead)}."


def _standing(lead: Lead) -> str:
    """Return "0.012 above the maximum prediction", or "level with" where the areas are equal."""
    words = f"{_difference(lead)[0]} {'above' if lead.ahead > 0 else 'below'}" if lead.ahead else "level with"
    return f"{words} {_names(lead.rivals)}"


def _difference(lead: Lead) -> tuple[str, str]:
    """Return the size of a lead and its interval, with enough decimals to see on which side of 0 each lies."""
    digits = decimals([lead.ahead, *lead.ci95], 3)
    return fixed(abs(lead.ahead), digits), span(lead.ci95, digits, sign=True)


def _said(lead: Lead) -> str:
    sizes = lead.own["n_positive"], lead.own["n_negative"]
    if min(sizes) < FEWEST:
        return f"{UNDECIDED}, fewer than {FEWEST} samples of one kind"
    if decided(lead.ci95, ">", *sizes) == UNDECIDED:
        return UNDECIDED
    return "settled" if lead.verdict != UNDECIDED else "settled, but not against every other"


def _area(record: Mapping) -> str:
    return f"{fixed(record['auroc'], 2)} {span(record['ci95_auroc'], 2)}"


def _validation(found: Sequence[Lead]) -> str:
    """Return which indicator would be chosen without a look at OOD samples."""
    if not found:
        return "No validation set has both large and small errors."
    chosen = []
    for lead in found:
        best = [INDICATOR] * (lead.ahead >= 0) + list(lead.rivals) * (lead.ahead <= 0)
        n, few = lead.own["n_positive"] + lead.own["n_negative"], lead.own["n_positive"] < FEWEST
        chosen.append(f"on {tables.name(lead.split)} {_names(best)} (large errors: {lead.own['n_positive']} of {n}"
                      f"{', too few to choose by' * few})")
    return ("Chosen without a look at OOD samples, by how well it tells large errors within validation: "
            f"{'; '.join(chosen)}.")


def scores(records: Sequence[Mapping], pairs: Sequence[Mapping]) -> Told:
    """Return what the areas behind Figure 7 say. Input: as `leads`."""
    ood, errors = leads(records, pairs, "ood"), leads(records, pairs, "high_error")
    best, level = sum(lead.ahead > 0 for lead in ood), sum(lead.ahead == 0 for lead in ood)
    title = f"{CHOICE.capitalize()} is the best OOD detector in {best} of {len(ood)} separations"
    title += f", level with the best in {level}" if level else ""
    title += f"; its lead is settled in {_count(ood, SETTLED)}" if best else ""
    detail = [f"{tables.name(lead.split)} {_area(lead.own)}, {_standing(lead)} {_difference(lead)[1]}" for lead in ood]
    told = f" Large errors: it {_best_in(errors)}." if errors else ""
    return Told(title, (
        "Above, dots with 95 % intervals: the area under the ROC curve of six indicators of confidence for each data "
        "separation; at the left for telling OOD from validation samples, at the right for telling OOD samples with a "
        f"large error. Below: the area of the {CHOICE} less that of each other indicator, paired; above 0 it is ahead. "
        f"OOD: {'; '.join(detail) or 'nothing to tell'}.{told}"))


def roc(curves: Mapping[str, Mapping[str, SimpleNamespace]], paper: Mapping[tuple, float] | None = None) -> Told:
    """Return what Figure 7 says of its first separation.

    Input: split -> indicator -> curve of `ood_detection.rocs`; paper: (split,) -> printed share of OOD samples that the
    paper's choice calls low-confidence, 0..1.
    """
    split, by_indicator = next(iter(curves.items()))
    curve, printed = by_indicator[INDICATOR], (paper or {}).get((split,))
    false, true = curve.at_threshold
    title = (f"{tables.name(split)}, {fixed(100 * false)} % false positives: {CHOICE} finds {fixed(100 * true)} % "
             f"{span(curve.ci95_at_threshold, scale=100)} of OOD samples")
    title += f" (paper {100 * printed:.1f} %)" if printed is not None else ""
    rates = [f"{tables.name(name)} {fixed(100 * found[INDICATOR].at_threshold[1])} %" + (
        f" (paper {100 * paper[name,]:.1f} %)" if paper and (name,) in paper else "") for name, found in curves.items()]
    areas = [f"{tables.name(name).lower()} {fixed(found.auroc, 2)}" for name, found in by_indicator.items()]
    return Told(title, (
        f"ROC curves: the share of OOD samples labelled low-confidence against that of validation samples, a panel for "
        f"each data separation, six indicators of confidence. Areas under the curves on {tables.name(split)}: "
        f"{', '.join(areas)}. OOD samples that the {CHOICE} finds at the 10th percentile of validation: "
        f"{listed(rates)}; the interval in the title holds this threshold fixed. Chance is the diagonal."))


def coverage(curves: Mapping[str, Mapping[str, SimpleNamespace]]) -> Told:
    """Return what the risk-coverage curves say. Input: `ood_detection.coverage`."""
    last = {split: list(by_set.items())[-1] for split, by_set in curves.items()}
    kind = "OOD" if any(name != TEST for name, _ in last.values()) else TEST
    asked = [curve for name, curve in last.values() if (name == TEST) == (kind == TEST)]
    better = [curve for curve in asked if curve.half_m < 0]
    firm = sum(decided(curve.ci95_half_m, "<", curve.n // 2) == SETTLED for curve in better)
    title = (f"Keeping the most confident half lowers the median {kind} error in {len(better)} of {len(asked)} "
             "separations")
    title += f" (settled in {firm})" if better else ""
    names = {split: tables.name(split) + " (test)" * (name == TEST) for split, (name, _) in last.items()}
    ends = [f"{names[split]} {fixed(by_set['val'].error[-1])} and {fixed(last[split][1].error[-1])} m"
            for split, by_set in curves.items()]
    halves = [f"{names[split]} {_half(curve)}" for split, (_, curve) in last.items()]
    shown = dict.fromkeys(name for name, _ in last.values())
    other = " or ".join(LOOKS[name].label.removesuffix(" test") for name in shown)
    return Told(title, (
        "Lines in bands of 95 % intervals: the median error of the samples kept, against their share, the most "
        f"confident first; validation and {other}, a panel for each data separation. Medians of all, validation and "
        f"{other}: {'; '.join(ends)}. The most confident half against all of them, {other}: {'; '.join(halves)}."))


def _half(curve: SimpleNamespace) -> str:
    digits = decimals([curve.half_m, *curve.ci95_half_m])
    return f"{fixed(curve.half_m, digits, sign=True)} m {span(curve.ci95_half_m, digits, sign=True)}"
