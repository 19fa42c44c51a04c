"""What notebook 04 finds: does low confidence find OOD samples, are those worse, and where do predictions land?"""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from rsslib.confidence.indicators import PERCENTILE
from rsslib.ledger import claims
from rsslib.ledger.wording import (
    FEWEST,
    REFUTED,
    SETTLED,
    UNDECIDED,
    decimals,
    fixed,
    less,
    listed,
    settled,
    span,
    together,
)
from rsslib.reports.findings import BOOTSTRAP, Answer, Records, in_words, known, yes_or_no
from rsslib.reports.style import IN_DISTRIBUTION, LOOKS, Told
from rsslib.reports.tables import name

MEDIANS = {"in_distribution_median_m": "val", "high_confidence_median_m": "high_confidence",
           "low_confidence_median_m": "low_confidence"}
"""Table III's medians, and the looks they are drawn with."""
RATE = "low_confidence_rate"
NEARLY_ALL = 0.9
"""A rate that counts as finding OOD samples, not only as finding more of them than of validation."""

Printed = Mapping[str, Mapping[tuple, float]]


def printed() -> dict[str, dict[tuple, float]]:
    """Return what the paper prints on low confidence, {field: {keys: number}}.

    Table III's rate and medians by (split,); the correlations and shares of Figure 10 by (split, set).
    """
    numbers = {field: claims.printed("table3", field, "split") for field in (RATE, *MEDIANS)}
    return numbers | {field: claims.printed("fig10", field, "split", "set") for field in (
        "spearman", "low_above_median_share", "low_above_twice_share")}


def answer(table3: Records, fig08: Records) -> Answer:
    """Return the answer: does low confidence find OOD samples, are they worse, where do predictions land?

    Input: records of `ood_detection.table3` and `unseen_cells.records`.
    """
    ood, test = outside(table3), [record for record in table3 if record["split"] in IN_DISTRIBUTION]
    lines = [_found(ood), "", *map(_rate_line, ood), "", f"{_worse(ood)}", "", *(
        f"- {name(record['split'])}: {_sides(record)}." for record in ood)] if ood else [
            "No data separation here has OOD samples."]
    if test:
        lines += ["", f"In distribution, where about {PERCENTILE:g} % should be low-confidence:", "",
                  *(f"- {name(record['split'])}: {_rate(record)} of {record['n']} test samples are low-confidence; "
                    f"{_sides(record)}." for record in test)]
    if fig08:
        lines += ["", "Where predictions for transmitters in unseen cells land:", "", *map(_landing, fig08)]
    verdict = together([_above(record) for record in ood]) if ood else UNDECIDED
    part = verdict == SETTLED and min(record[RATE] for record in ood) < NEARLY_ALL
    return Answer("only in part" if part else yes_or_no(verdict), "\n".join(lines))


def outside(records: Records) -> list[Mapping]:
    """Return the records of separations that have OOD samples."""
    return [record for record in records if record["split"] not in IN_DISTRIBUTION]


def _above(record: Mapping) -> str:
    """Return the verdict on "more OOD than validation samples are low-confidence"."""
    return settled(less(record.get(f"ci95_{RATE}"), PERCENTILE / 100), ">", record["n"])


def _range(records: Records, field: str) -> str:
    """Return the least and the largest of some shares, "40 to 67 %"."""
    low, high = (fixed(100 * end(record[field] for record in records)) for end in (min, max))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _found(ood: Records) -> str:
    above = sum(_above(record) == SETTLED for record in ood)
    return (f"Low confidence flags {_range(ood, RATE)} of the OOD samples. In {above} of {len(ood)} separations it is "
            f"settled that this is more than the share of validation, about {PERCENTILE:g} % by construction "
            f"({BOOTSTRAP}):")


def _rate_line(record: Mapping) -> str:
    word = {SETTLED: "settled: more than in validation", REFUTED: "settled: fewer than in validation"}.get(
        _above(record), _undecided(record["n"]))
    return (f"- {name(record['split'])}: {_rate(record)} of {record['n']} are low-confidence "
            f"({word}{_own_rate(record)}).")


def _own_rate(record: Mapping) -> str:
    """Return the rate of the season's own held-out samples as text, "" where that set is validation."""
    own, rate = record.get("in_distribution_set", "val"), f"in_distribution_{RATE}"
    return "" if own == "val" else f"; of {LOOKS[own].label}'s held-out samples {_percent(record, rate, PERCENTILE)}"


def _undecided(n: int) -> str:
    return UNDECIDED + (f", fewer than {FEWEST} samples on a side" if n < FEWEST else "")


def _rate(record: Mapping) -> str:
    return _percent(record, RATE, PERCENTILE)


def _smaller_side(record: Mapping) -> int:
    """Return of how many samples the smaller of the two sides of the threshold is."""
    low = round(record["n"] * record[RATE])
    return min(low, record["n"] - low)


def _excess(record: Mapping) -> str:
    """Return the verdict on "samples of low confidence err more than the others"."""
    return settled(record.get("ci95_low_minus_high_m"), ">", _smaller_side(record))


def _counted(records: Records) -> tuple[list[Mapping], int, int]:
    """Return the records with samples on both sides, in how many of them low confidence errs more, and settled so."""
    both = [record for record in records if known(record, "low_minus_high_m")]
    return (both, sum(record["low_minus_high_m"] > 0 for record in both),
            sum(_excess(record) == SETTLED for record in both))


def _worse(ood: Records) -> str:
    """Return in how many separations the low-confidence OOD samples err more than the others."""
    both, more, firm = _counted(ood)
    if not both:
        return "No OOD set has samples on both sides of the threshold."
    return (f"The low-confidence OOD samples err more than the others in {more} of {len(both)} separations, settled "
            f"in {firm} (median errors):")


def _sides(record: Mapping) -> str:
    """Return the median errors on both sides of the threshold, and what is settled on their difference."""
    parts = [f"{label} {_metres(record, field)}" if known(record, field) else f"no sample of {label} confidence"
             for label, field in (("low", "low_confidence_median_m"), ("high", "high_confidence_median_m"))]
    parts.append(f"in distribution {_metres(record, 'in_distribution_median_m')}")
    if known(record, "low_minus_high_m"):
        gap, ends = record["low_minus_high_m"], record.get("ci95_low_minus_high_m")
        digits = decimals([gap, *(ends or ())])
        word = _undecided(_smaller_side(record)) if _excess(record) == UNDECIDED else "settled"
        parts.append(f"low minus high {fixed(gap, digits, sign=True)} m {span(ends, digits, sign=True)}: {word}")
    return "; ".join(parts)


def _percent(record: Mapping, field: str, level: float) -> str:
    """Return a share with its interval, with enough decimals to see on which side of `level` [%] each lies."""
    value, ends = 100 * record[field], record.get(f"ci95_{field}")
    digits = decimals([value, *(100 * end for end in ends or ())], level=level)
    return f"{fixed(value, digits)} % {span(ends, digits, scale=100)}"


def _metres(record: Mapping, field: str) -> str:
    return f"{fixed(record[field])} m {span(record.get(f'ci95_{field}'))}"


def _inside(record: Mapping) -> str:
    return f"{_percent(record, 'inside_share', 50)} of {record['n']}"


def _landing(record: Mapping) -> str:
    half = settled(less(record.get("ci95_inside_share"), 0.5), "<", record["n"])
    word = {SETTLED: "settled: less than half", REFUTED: "settled: more than half"}.get(half, "undecided against half")
    return (f"- {name(record['split'])}: {_inside(record)} lie inside the unseen cells ({word}), "
            f"{fixed(100 * record['near_outside_share'])} % outside within 60 m of their outline.")


def maps(records: Records) -> Told:
    """Return what Figure 8 says. Input: records of `unseen_cells.records`."""
    shares = listed([f"{fixed(100 * record['inside_share'])} % ({name(record['split'])})" for record in records])
    if len(records) > 3:
        shares = f"{_range(records, 'inside_share')} ({len(records)} separations)"
    detail = [f"{name(record['split'])} {_inside(record)}, and {fixed(100 * record['near_outside_share'])} % outside "
              "within 60 m of the outline" for record in records]
    empty = [f" {in_words(record['empty_cells']).capitalize()} of {name(record['split'])}'s "
             f"{in_words(record['cells'])} unseen cells {'holds' if record['empty_cells'] == 1 else 'hold'} no "
             "transmitter." for record in records if record.get("empty_cells")]
    return Told(f"Of the predictions for unseen cells, {shares} land inside these cells",
        "Maps of the site, one for each grid separation: outlines of the cells kept from training, dots at the true "
        "places of the transmitters in them, crosses where the ensemble puts them, and thin lines that join the two. "
        f"Inside unseen cells lie: {'; '.join(detail)}.{''.join(empty)}")


def inputs(cases: Sequence[SimpleNamespace]) -> Told:
    """Return what Figure 9 says. Input: what `low_confidence_samples.case` returns for each panel."""
    said = [f"strongest sensor {fixed(case.away_m)} m away, prediction {fixed(case.off_m)} m off" for case in cases]
    if len(cases) == 2:
        title = f"Left: {said[0]}; right: {fixed(cases[1].away_m)} m and {fixed(cases[1].off_m)} m"
    else:
        title = "; ".join(said).capitalize()
    return Told(title,
        "Maps of single samples: sensors as dots coloured by their scaled reading, the strongest reading in a ring, a "
        "star at the true place, a cross at the predicted one. "
        + ". ".join(f"{case.title}: {text}" for case, text in zip(cases, said)) + ".")


def scatter(panels: Mapping[str, SimpleNamespace], paper: Printed) -> Told:
    """Return what Figure 10 says. Input: split -> `ood_detection.scatter`; what `printed` returns."""
    kinds: dict[str, list[Mapping]] = {}
    detail = []
    for side in ("ood", "val"):
        for split, panel in panels.items():
            record = getattr(panel, side).record
            kind = "test" if side == "ood" and split in IN_DISTRIBUTION else side
            kinds.setdefault(kind, []).append(record)
            said = paper.get("spearman", {}).get((split, record["set"]))
            detail.append(f"{name(split)} {LOOKS[kind].label} {rho(record)}"
                          + (f" (paper {fixed(said, 2)})" if said is not None else ""))
    labels = {kind: LOOKS[kind].label.removesuffix(" test") for kind in kinds}
    title = "The more confident, the smaller the error: settled in " + listed([
        f"{sum(settled(record.get('ci95_spearman'), '<', record['n']) == SETTLED for record in kinds[kind])} of "
        f"{len(kinds[kind])} {labels[kind]} sets" for kind in ("ood" if "ood" in kinds else "test", "val")])
    others = " or ".join(label for kind, label in labels.items() if kind != "val")
    return Told(title,
        f"Scatter plots of error in metres, logarithmic, against confidence, spaced by its rank: validation and "
        f"{others} for each data separation. A line marks the 10th percentile of validation; samples left of it are "
        f"low-confidence. Spearman's rank correlation of confidence and error: {'; '.join(detail)}.")


def rho(record: Mapping) -> str:
    """Return a correlation with its interval, with enough decimals to see on which side of 0 each lies."""
    digits = decimals([record["spearman"], *(record.get("ci95_spearman") or ())], 2)
    return f"{fixed(record['spearman'], digits)} {span(record.get('ci95_spearman'), digits)}"


def table3(records: Records, paper: Printed) -> Told:
    """Return what Table III's figure says. Input: records of `ood_detection.table3`; what `printed` returns."""
    ood, detail = outside(records), []
    title = f"Low confidence flags {_range(ood or records, RATE)} of {'OOD' if ood else 'test'} samples"
    for record in records:
        said = paper.get(RATE, {}).get((record["split"],))
        rate = f"{name(record['split'])}{' (test)' * (record['split'] in IN_DISTRIBUTION)} {_rate(record)}"
        detail.append(rate + (f" (paper {100 * said:.1f} %)" if said is not None else "") + "".join(
            f", {label} {_metres(record, field)}" for field, label in
            (("low_confidence_median_m", "low"), ("high_confidence_median_m", "high"),
             ("in_distribution_median_m", "in distribution")) if known(record, field)))
    kind = " or ".join(["OOD"] * bool(ood) + ["test"] * (len(ood) < len(records)))
    return Told(title + _larger(ood or records),
        f"Dots with 95 % intervals for each data separation. First the share of {kind} samples below the 10th "
        f"percentile of validation, then median errors: in distribution, and of the {kind} samples of high "
        "and of low confidence. "
        + ("Open marks are the paper's printed values. " if paper else "") + "; ".join(detail) + ".")


def _larger(records: Records) -> str:
    """Return what Table III's title says of errors: ", with larger errors in all four (settled)"."""
    (both, more, firm), n = _counted(records), len(records)
    if not both:
        return ""
    if n == 1:
        word = "larger" if more else "smaller" if both[0]["low_minus_high_m"] else "equal"
        return f", with {word} errors ({'settled' if _excess(both[0]) != UNDECIDED else UNDECIDED})"
    where = f"all {in_words(n)}" if more == n else f"{more} of {len(both)}"
    how = " (settled)" if more == firm == n else f" (settled in {in_words(firm)})" if more else ""
    return f", with larger errors in {where}{how}"
