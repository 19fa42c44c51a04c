"""Verdicts: one claim of a paper against our records in one profile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rsslib import results
from rsslib.claims_file import COMPUTE, REAL, RELATIONS, Claim, load
from rsslib.project import ROOT, InputError

REPRODUCED, BETTER, HOLDS, DIFFERS = "reproduced", "better", "order holds", "differs"
NOT_JUDGED, NOT_RUN = "not judged in this profile", "not run"
VERDICTS = (REPRODUCED, BETTER, HOLDS, DIFFERS, NOT_JUDGED, NOT_RUN)


@dataclass(frozen=True)
class Verdict:
    """What became of a claim in one profile: a word of VERDICTS, our value as text, a note (the reason)."""

    claim: Claim
    profile: str
    verdict: str
    ours: str = ""
    note: str = ""

    def __str__(self) -> str:
        return f"{self.verdict}: {self.note}" if self.note else self.verdict


def judge(claim: Claim, profile: str, folder: str | Path | None = None) -> Verdict:
    """Compare one claim with the records of `<folder>/<profile>` (ROOT/results when not given).

    A value within tolerance is `reproduced`, one beyond it on the better side is `better`, any other
    `differs`; an ordering holds or differs. Without its record, or the file of it, the claim was `not run`.

    Example
    -------
    >>> judge(load()[0], "quick").verdict  # doctest: +SKIP
    'reproduced'
    """
    reason = _reason(claim, profile) if profile in REAL else ""
    judged = profile in claim.profiles and claim.kind != "text"
    try:
        outcome, ours = _measure(claim, profile, folder)
        note = (reason or "no reason recorded yet") if outcome == DIFFERS else ""
    except (InputError, ZeroDivisionError) as error:
        outcome, ours, note = NOT_RUN, "", _missing(claim, profile, folder) or reason or str(error)
    if not judged:
        outcome, note = NOT_JUDGED, reason
    return Verdict(claim, profile, outcome, ours, note)


def unexplained(profile: str, path: str | Path | None = None,
                folder: str | Path | None = None) -> list[Verdict]:
    """List the verdicts of a profile that need a `why` and have none.

    These are the claims that differ, and those whose file of records is there but lacks their record.

    Example
    -------
    >>> unexplained("quick")  # doctest: +SKIP
    []
    """
    verdicts = [judge(claim, profile, folder) for claim in load(path)]
    bare = [verdict for verdict in verdicts if not _reason(verdict.claim, profile)]
    return [verdict for verdict in bare if verdict.verdict == DIFFERS
            or verdict.verdict == NOT_RUN and not _missing(verdict.claim, profile, folder)]


def files(spec: object) -> list[str]:
    """Name the files of records that a claim's `record` reads, such as ["table2"].

    Example
    -------
    >>> files({"compute": "ratio", "of": [{"file": "table2", "where": {}, "field": "n"}, 2]})
    ['table2']
    """
    if not isinstance(spec, Mapping):
        return []
    if "file" in spec:
        return [spec["file"]]
    parts = [spec.get("left"), spec.get("right"), *spec.get("of", [])]
    return sorted({name for part in parts for name in files(part)})


def number(value: float) -> str:
    """Write a number as the ledger does: whole numbers whole, else one decimal, or 3 digits below ten.

    Example
    -------
    >>> number(4577), number(277.52), number(1.052)
    ('4577', '277.5', '1.05')
    """
    if isinstance(value, int):
        return str(value)
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _reason(claim: Claim, profile: str) -> str:
    return claim.why.get(profile, claim.why.get("any", ""))


def _measure(claim: Claim, profile: str, folder: str | Path | None) -> tuple[str, str]:
    """Return the outcome and our value as text."""
    if claim.record is None:
        return NOT_RUN, ""
    if claim.kind == "value":
        value, interval = _quantity(claim.record, profile, folder)
        return _compare(claim, value), f"{number(value)} {claim.unit}".strip() + _interval(interval)
    relation = claim.record["relation"]
    left, low = _quantity(claim.record["left"], profile, folder)
    right, high = _quantity(claim.record["right"], profile, folder)
    holds = RELATIONS[relation](left, right)
    sides = f"{number(left)}{_interval(low)}", f"{number(right)}{_interval(high)}"
    ours = f"{sides[0]} {relation if holds else f'not {relation}'} {sides[1]} {claim.unit}".strip()
    if low and high and low[0] <= high[1] and high[0] <= low[1]:
        ours += "; the intervals overlap"
    for interval, number_alone, other in ((low, right, high), (high, left, low)):
        if interval and not other and interval[0] <= number_alone <= interval[1]:
            ours += f"; the interval includes {number(number_alone)}"
    return HOLDS if holds else DIFFERS, ours


def _compare(claim: Claim, value: float) -> str:
    allowed = claim.tolerance.get("absolute", claim.tolerance.get("relative", 0) * abs(claim.printed))
    excess = value - claim.printed
    if abs(excess) <= allowed:
        return REPRODUCED
    return BETTER if claim.tolerance.get("better") == ("lower" if excess < 0 else "higher") else DIFFERS


def _quantity(spec: object, profile: str, folder: str | Path | None) -> tuple[float, Sequence | None]:
    """Return a value and, where the record has one, its 95 % interval."""
    if not isinstance(spec, Mapping):
        return spec, None
    if "compute" in spec:
        parts = [_quantity(part, profile, folder) for part in spec["of"]]
        value = COMPUTE[spec["compute"]]([part[0] for part in parts])
        return value, next((interval for part, interval in parts if part == value), None)    # of min and max
    name, field = spec["file"], spec["field"]
    content = results.read(profile, name, folder)
    record = results.one(content.get(spec.get("list", "records"), []), **spec["where"])
    value = record.get(field)
    if not isinstance(value, (int, float)):
        raise InputError(f"{name}.json: no {field}: {record.get(f'{field}_reason', 'expected a number')}")
    return value, record.get(f"ci95_{field.removeprefix('median_')}")


def _missing(claim: Claim, profile: str, folder: str | Path | None) -> str:
    place = Path(folder or ROOT / "results") / profile
    absent = [f"{name}.json" for name in files(claim.record) if not (place / f"{name}.json").exists()]
    return f"no {', '.join(absent)}" if absent else ""


def _interval(interval: Sequence | None) -> str:
    return f" [{number(interval[0])}, {number(interval[1])}]" if interval else ""
