"""Verdicts: one claim of a paper against our records in one profile."""

from dataclasses import dataclass
from pathlib import Path

from rsslib.ledger.claims import REAL, RELATIONS, Claim, load
from rsslib.ledger.values import ends, files, number, paired, quantity, records_path
from rsslib.project import InputError

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
        outcome, ours, near = _measure(claim, profile, folder)
        note = (reason or "no reason recorded yet") if outcome == DIFFERS else ""
        note = "but within the intervals" if outcome == HOLDS and near else note
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


def _reason(claim: Claim, profile: str) -> str:
    return claim.why.get(profile, claim.why.get("any", ""))


def _measure(claim: Claim, profile: str, folder: str | Path | None) -> tuple[str, str, str]:
    """Return the outcome, our value as text, and what makes an order uncertain: empty where nothing does."""
    if claim.record is None:
        return NOT_RUN, "", ""
    if claim.kind == "value":
        value, interval = quantity(claim.record, profile, folder)
        return _compare(claim, value), f"{number(value)} {claim.unit}".strip() + ends(interval), ""
    relation = claim.record["relation"]
    left, low = quantity(claim.record["left"], profile, folder)
    right, high = quantity(claim.record["right"], profile, folder)
    holds = RELATIONS[relation](left, right)
    sides = f"{number(left)}{ends(low)}", f"{number(right)}{ends(high)}"
    ours = f"{sides[0]} {relation if holds else f'not {relation}'} {sides[1]} {claim.unit}".strip()
    near = ""
    if apart := paired(claim.record, profile, folder):
        ours += f"; paired difference {number(apart[0])}{ends(apart[1])}"
        near = ", which includes 0" if apart[1][0] <= 0 <= apart[1][1] else ""
    elif low and high and low[0] <= high[1] and high[0] <= low[1]:
        near = "; the intervals overlap"
    for interval, number_alone, other in ((low, right, high), (high, left, low)):
        if interval and not other and interval[0] <= number_alone <= interval[1]:
            near += f"; the interval includes {number(number_alone)}"
    return HOLDS if holds else DIFFERS, ours + near, near


def _compare(claim: Claim, value: float) -> str:
    allowed = claim.tolerance.get("absolute", claim.tolerance.get("relative", 0) * abs(claim.printed))
    excess = value - claim.printed
    if abs(excess) <= allowed:
        return REPRODUCED
    return BETTER if claim.tolerance.get("better") == ("lower" if excess < 0 else "higher") else DIFFERS


def _missing(claim: Claim, profile: str, folder: str | Path | None) -> str:
    absent = [f"{name}.json" for name in files(claim.record) if not records_path(name, profile, folder).exists()]
    return f"no {', '.join(absent)}" if absent else ""
