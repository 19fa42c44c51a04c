"""What notebook 03 finds: which indicator of confidence tells OOD samples and large errors, and what it is worth."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import NamedTuple

from rsslib.confidence.indicators import INDICATOR
from rsslib.data import splits
from rsslib.ledger import results
from rsslib.ledger.wording import FEWEST, REFUTED, SETTLED, UNDECIDED, decimals, fixed, listed, settled, span, together
from rsslib.reports.findings import BOOTSTRAP, Answer, Records, in_words, known, yes_or_no
from rsslib.reports.style import IN_DISTRIBUTION, LOOKS, Told
from rsslib.reports.tables import name

CHOICE = LOOKS[INDICATOR].label.lower()
"""The paper's choice among the indicators, in words."""


class Lead(NamedTuple):
    """How the paper's choice stands at one task: its own record, that of the best other indicator, and a verdict.

    `rivals` names the best other indicator, and all that are level with it; `ahead` and `ci95` are the choice's AUROC
    less the rival's; `n` is the size of the smaller class. The verdict is on the claim that the choice is above every
    other indicator.
    """

    split: str
    own: Mapping
    rival: Mapping
    rivals: Sequence[str]
    ahead: float
    ci95: Sequence | None
    n: int
    verdict: str


def leads(records: Records, pairs: Records, target: str, where: str = "ood") -> list[Lead]:
    """Return how the paper's choice stands at telling `target` in each separation that has both kinds of samples.

    Input: records and pairs of `ood_detection.indicator_scores`; where: in the OOD samples of the separations that have
    some, in the "test" samples of the others, or in the "val" samples of all.
    """
    found = []
    for split in dict.fromkeys(record["split"] for record in records):
        keys = {"split": split, "target": target, "set": "val" if where == "val" else splits.report_set(split)}
        areas = {record["indicator"]: record for record in results.select(records, **keys) if known(record, "auroc")}
        others = results.select(pairs, **keys, left_indicator=INDICATOR)
        if not areas or not others or where != "val" and (split in IN_DISTRIBUTION) != (where == "test"):
            continue
        nearest, own = min(others, key=lambda pair: pair["auroc"]), areas[INDICATOR]
        rivals = [pair["right_indicator"] for pair in others if pair["auroc"] == nearest["auroc"]]
        n = min(own["n_positive"], own["n_negative"])
        verdict = together([settled(pair.get("ci95_auroc"), ">", n) for pair in others])
        found.append(Lead(split, own, areas[rivals[0]], rivals, nearest["auroc"], nearest.get("ci95_auroc"), n,
                          verdict))
    return found


def answer(records: Records, pairs: Records) -> Answer:
    """Return the answer: does the paper's choice tell OOD samples best, and which indicator tells large errors?

    Input: as `leads`.
    """
    ood, errors, test, validation = (leads(records, pairs, target, where) for target, where in (
        ("ood", "ood"), ("high_error", "ood"), ("high_error", "test"), ("high_error", "val")))
    paragraphs = [
        f"At telling OOD samples from validation, the {CHOICE} {_best_in(ood)} (AUROC, paired differences, "
        f"{BOOTSTRAP}):" if ood else "No data separation here has OOD samples.", "\n".join(map(_line, ood)),
        "At telling which OOD samples have a large error (above twice the validation median), it "
        f"{_best_in(errors)}:" if errors else "No OOD set has both large and small errors." if ood else "",
        "\n".join(map(_line, errors)),
        f"In distribution, at telling which test samples have a large error, the {CHOICE} "
        f"{_best_in(test)}:" if test else "", "\n".join(map(_line, test)), _validation(validation)]
    firm = _count(ood, SETTLED)
    word = (f"yes in {firm} of {len(ood)} separations" if 0 < firm < len(ood) else
            yes_or_no(together([lead.verdict for lead in ood])) if ood else UNDECIDED)
    return Answer(word, "\n\n".join(filter(None, paragraphs)))


def _count(found: Sequence[Lead], verdict: str) -> int:
    return sum(lead.verdict == verdict for lead in found)


def _names(indicators: Sequence[str]) -> str:
    """Return indicators in words, "the maximum spread and the sum spread"."""
    return listed([f"the {name(indicator).lower()}" for indicator in indicators])


def _best_in(found: Sequence[Lead]) -> str:
    """Return "is best in 3 of 4 separations; its lead over every other indicator is settled in 2"."""
    alone, level = sum(lead.ahead > 0 for lead in found), sum(lead.ahead == 0 for lead in found)
    text = f"is best in {alone} of {len(found)} separations" + (f" and level with the best in {level}" if level else "")
    text += f"; its lead over every other indicator is settled in {_count(found, SETTLED)}" if alone else ""
    behind = _count(found, REFUTED)
    return text + (f"; in {in_words(behind)} it is significantly worse than another" if behind else "")


def _line(lead: Lead) -> str:
    """Return a separation's finding as an item of a list."""
    kinds = "OOD, {} validation" if lead.own["target"] == "ood" else "with large error, {} without"
    n = f"{lead.own['n_positive']} {kinds.format(lead.own['n_negative'])}"
    size, ends = _difference(lead)
    if lead.ahead >= 0:
        text = f"it has {_area(lead.own)}, {_standing(lead)}"
    else:
        text = (f"{_names(lead.rivals)} {'have' if len(lead.rivals) > 1 else 'has'} {_area(lead.rival)}; the {CHOICE} "
                f"has {_area(lead.own)}, {size} below {ends}")
    if lead.n < FEWEST:
        said = f"{UNDECIDED}, fewer than {FEWEST} samples of one kind"
    elif settled(lead.ci95, ">") == UNDECIDED:
        said = UNDECIDED
    else:
        said = "settled" if lead.verdict != UNDECIDED else "settled, but not against every other"
    return f"- {name(lead.split)} ({n}): {text}: {said}."


def _standing(lead: Lead) -> str:
    """Return "0.012 above the maximum prediction [+0.001, +0.023]", or "level with" where the areas are equal."""
    size, ends = _difference(lead)
    words = f"{size} {'above' if lead.ahead > 0 else 'below'}" if lead.ahead else "level with"
    return f"{words} {_names(lead.rivals)} {ends}"


def _difference(lead: Lead) -> tuple[str, str]:
    """Return the size of a lead and its interval, with enough decimals to see on which side of 0 each lies."""
    digits = decimals([lead.ahead, *(lead.ci95 or ())], 3)
    return fixed(abs(lead.ahead), digits), span(lead.ci95, digits, sign=True)


def _area(record: Mapping) -> str:
    return f"{fixed(record['auroc'], 2)} {span(record.get('ci95_auroc'), 2)}"


def _validation(found: Sequence[Lead]) -> str:
    """Return which indicator would be chosen without a look at OOD samples."""
    if not found:
        return "No validation set has both large and small errors."
    chosen = []
    for lead in found:
        best = [INDICATOR] * (lead.ahead >= 0) + list(lead.rivals) * (lead.ahead <= 0)
        positive, n = lead.own["n_positive"], lead.own["n_positive"] + lead.own["n_negative"]
        few = ", too few to choose by" * (positive < FEWEST)
        chosen.append(f"on {name(lead.split)} {_names(best)} (large errors: {positive} of {n}{few})")
    return ("Chosen without a look at OOD samples, by how well it tells large errors within validation: "
            f"{'; '.join(chosen)}.")


def scores(records: Records, pairs: Records) -> Told:
    """Return what the areas behind Figure 7 say. Input: as `leads`."""
    ood, errors = leads(records, pairs, "ood"), leads(records, pairs, "high_error")
    best, level = sum(lead.ahead > 0 for lead in ood), sum(lead.ahead == 0 for lead in ood)
    title = f"{CHOICE.capitalize()} is the best OOD detector in {best} of {len(ood)} separations"
    title += f", level with the best in {level}" if level else ""
    title += f"; its lead is settled in {_count(ood, SETTLED)}" if best else ""
    detail = [f"{name(lead.split)} {_area(lead.own)}, {_standing(lead)}" for lead in ood]
    told = f" Large errors: it {_best_in(errors)}." if errors else ""
    return Told(title, (
        "Above, dots with 95 % intervals: the area under the ROC curve of six indicators of confidence for each data "
        "separation; at the left for telling OOD from validation samples, at the right for telling OOD samples with a "
        f"large error. Below: the area of the {CHOICE} less that of each other indicator, paired; above 0 it is ahead. "
        f"OOD: {'; '.join(detail) or 'nothing to tell'}.{told}"))


def roc(curves: Mapping[str, Mapping[str, SimpleNamespace]], paper: Mapping[tuple, float]) -> Told:
    """Return what Figure 7 says of its first separation. Input: as `figures.confidence_roc`."""
    printed = {split: f" (paper {100 * paper[split,]:.1f} %)" if (split,) in paper else "" for split in curves}
    split, by_indicator = next(iter(curves.items()))
    curve = by_indicator[INDICATOR]
    false, true = curve.at_threshold
    rates = [f"{name(other)} {fixed(100 * found[INDICATOR].at_threshold[1])} %{printed[other]}"
             for other, found in curves.items()]
    areas = [f"{name(indicator).lower()} {fixed(found.auroc, 2)}" for indicator, found in by_indicator.items()]
    return Told(f"{name(split)}, {fixed(100 * false)} % false positives: {CHOICE} finds "
                f"{fixed(100 * true)} % {span(curve.ci95_at_threshold, scale=100)} of OOD samples{printed[split]}", (
        f"ROC curves: the share of OOD samples labelled low-confidence against that of validation samples, a panel for "
        f"each data separation, six indicators of confidence. Areas under the curves on {name(split)}: "
        f"{', '.join(areas)}. OOD samples that the {CHOICE} finds at the 10th percentile of validation: "
        f"{listed(rates)}. Chance is the diagonal."))


def coverage(curves: Mapping[str, Mapping[str, SimpleNamespace]]) -> Told:
    """Return what the risk-coverage curves say. Input: `ood_detection.coverage`."""
    last = {split: (set(by_set) - {"val"}).pop() for split, by_set in curves.items()}
    kind = "OOD" if "ood" in last.values() else "test"
    asked = [curves[split][key] for split, key in last.items() if key == kind.lower()]
    better = [curve for curve in asked if curve.half_m < 0]
    firm = sum(settled(curve.ci95_half_m, "<", curve.n // 2) == SETTLED for curve in better)
    title = (f"Keeping the most confident half lowers the median {kind} error in {len(better)} of {len(asked)} "
             "separations") + (f" (settled in {firm})" if better else "")
    names = {split: name(split) + " (test)" * (key == "test") for split, key in last.items()}
    ends = [f"{names[split]} {fixed(curves[split]['val'].error[-1])} and {fixed(curves[split][key].error[-1])} m"
            for split, key in last.items()]
    halves = [f"{names[split]} {_half(curves[split][key])}" for split, key in last.items()]
    other = " or ".join(LOOKS[key].label.removesuffix(" test") for key in dict.fromkeys(last.values()))
    return Told(title, (
        "Lines in bands of 95 % intervals: the median error of the samples kept, against their share, the most "
        f"confident first; validation and {other}, a panel for each data separation. Medians of all, validation and "
        f"{other}: {'; '.join(ends)}. The most confident half against all of them, {other}: {'; '.join(halves)}."))


def _half(curve: SimpleNamespace) -> str:
    digits = decimals([curve.half_m, *(curve.ci95_half_m or ())])
    return f"{fixed(curve.half_m, digits, sign=True)} m {span(curve.ci95_half_m, digits, sign=True)}"
