"""Verdicts: claims compared with the records of a profile."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rsslib.ledger.claims import REAL, RELATIONS, Claim
from rsslib.ledger.orderings import plainly, settle
from rsslib.ledger.quantities import Interval, Quantity, Records, estimated, files, paired, quantity
from rsslib.ledger.results import NoRecord
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, ends, number

COVERED, REPRODUCED, BETTER, DIFFERS = "covers the printed value", "reproduced", "better", "differs"
NOT_JUDGED, NOT_RUN = "not judged in this profile", "not run"
VERDICTS = (COVERED, REPRODUCED, BETTER, DIFFERS, SETTLED, REFUTED, UNDECIDED, NOT_JUDGED, NOT_RUN)
_NO_INTERVAL = "a number has no interval"
_REACH = {SETTLED: "", REFUTED: "", UNDECIDED: "the interval crosses the tolerance limit"}


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim in a profile: one of VERDICTS, our value as text, a note (the reason)."""

    claim: Claim
    profile: str
    verdict: str
    ours: str = ""
    note: str = ""
    explained: bool = True
    """False if a difference has no reason in claims.yaml."""
    settled: str = ""
    """What the intervals settle, a word of `wording`; "" if the claim is not judged or not run.

    Without an interval nothing is settled, unless the claim is `exact`.
    """
    value: float | None = None
    """Our value, or of an ordering the paired difference, left minus right, if the records have one."""
    ci95: Interval | None = None
    sides: tuple[Quantity, Quantity] | None = None
    """Of an ordering, its two values with their intervals."""

    def __str__(self) -> str:
        return f"{self.verdict}: {self.note}" if self.note else self.verdict

    @property
    def differs(self) -> bool:
        """Whether the paper and the records disagree."""
        return self.verdict in (DIFFERS, REFUTED)


def judge(claims: Iterable[Claim], profile: str, folder: str | Path | None = None) -> list[Verdict]:
    """Return the verdicts on claims from the records of `<folder>/<profile>`, by default in ROOT/results.

    A value agrees where its interval covers the printed one; else it is `better`, if it lies on the better side, or
    `differs`. Of a value with a tolerance the whole interval must lie within it. An ordering is settled to hold or not,
    or undecided. A claim without record, or without a number in it, is `not run`.

    Errors: InputError naming the file, for records that are broken, or of which several match.

    >>> from rsslib.ledger import claims
    >>> judge(claims.load(), "quick")[0].verdict  # doctest: +SKIP
    'reproduced'
    """
    records = Records(profile, folder)
    return [_judged(claim, records) for claim in claims]


def _judged(claim: Claim, records: Records) -> Verdict:
    profile = records.profile
    reason = claim.of(profile, claim.why) if profile in REAL else ""
    absent = ", ".join(f"{name}.json" for name in files(claim.record) if not records.has(name))
    judged = profile in claim.profiles and claim.kind != "text"
    try:
        found = (_value if claim.kind == "value" else _ordering)(claim, records) if claim.record is not None else {}
    except NoRecord as error:
        found = {"verdict": NOT_RUN, "note": f"no {absent}" if absent else
                 str(error).split(".json: ", 1)[-1]}    # without the folder of this machine
    if not judged:
        hidden = {key: found[key] for key in ("ours", "value", "ci95", "sides") if key in found}
        return Verdict(claim, profile, NOT_JUDGED, note=reason, **hidden)
    asks = found["verdict"] in (DIFFERS, REFUTED)
    return Verdict(claim, profile, explained=bool(reason) or not asks, **found | {"note": _note(found, reason)})


def _note(found: Mapping, reason: str) -> str:
    told = found.get("note", "")
    if found["verdict"] in (DIFFERS, REFUTED):
        reason = reason or "no reason recorded yet"
    elif found["verdict"] != UNDECIDED:
        return told
    return ". ".join(filter(None, [told, reason]))


def _value(claim: Claim, records: Records) -> dict:
    value, ci95 = quantity(claim.record, records)
    if not {"relative", "absolute"} & set(claim.tolerance):
        return {"ours": f"{number(value)} {claim.unit}".strip() + ends(ci95), "value": value, "ci95": ci95} | _covers(
            claim, ci95)
    low, high = limits(claim)
    excess = value - claim.printed
    if abs(excess) <= _allowed(claim):
        verdict = REPRODUCED
    else:
        verdict = BETTER if low <= value <= high else DIFFERS
    first, last = ci95 or (value, value)
    inside, outside = low <= first and last <= high, last < low or high < first
    known = claim.exact or not estimated(claim.record, records)
    settled = UNDECIDED if not known else SETTLED if inside else REFUTED if outside else UNDECIDED
    return {"verdict": verdict, "ours": f"{number(value)} {claim.unit}".strip() + ends(ci95), "settled": settled,
            "note": _REACH[settled] if known else _NO_INTERVAL, "value": value, "ci95": ci95}


def _covers(claim: Claim, ci95: Interval | None) -> dict:
    """Return the verdict on a value whose interval should cover the printed one."""
    if ci95 is None:
        return {"verdict": UNDECIDED, "settled": UNDECIDED, "note": _NO_INTERVAL}
    if ci95[0] <= claim.printed <= ci95[1]:
        return {"verdict": COVERED, "settled": SETTLED}
    is_better = claim.tolerance.get("better") == ("lower" if ci95[1] < claim.printed else "higher")
    return {"verdict": BETTER, "settled": SETTLED} if is_better else {"verdict": DIFFERS, "settled": REFUTED}


def best(judged: Mapping[str, Sequence[Verdict]]) -> list[Verdict]:
    """Return of each claim the verdict of the first profile that judged it: of REAL, or of synthetic ones alone.

    Input: {profile: its verdicts, on the same claims}. Where none did, it is that of the first that has a number.
    """
    order = [profile for profile in REAL if profile in judged] or list(judged)
    return [next((one for one in of_claim if one.settled), next((one for one in of_claim if one.ours), of_claim[-1]))
            for of_claim in zip(*(judged[profile] for profile in order))]


def limits(claim: Claim) -> tuple[float, float]:
    """Return the least and the largest value with which a claim is reproduced or better."""
    better = claim.tolerance.get("better")
    return (-math.inf if better == "lower" else claim.printed - _allowed(claim),
            math.inf if better == "higher" else claim.printed + _allowed(claim))


def _allowed(claim: Claim) -> float:
    return claim.tolerance.get("absolute", claim.tolerance.get("relative", 0) * abs(claim.printed))


def _ordering(claim: Claim, records: Records) -> dict:
    left, relation, right = (claim.record[key] for key in ("left", "relation", "right"))
    (one, low), (other, high) = quantity(left, records), quantity(right, records)
    ours = (f"{number(one)}{ends(low)} {relation if RELATIONS[relation](one, other) else f'not {relation}'} "
            f"{number(other)}{ends(high)} {claim.unit}").strip()
    verdict = settle(left, relation, right, records, claim.exact)
    found: dict = {"verdict": verdict, "settled": verdict, "ours": ours, "sides": ((one, low), (other, high))}
    if verdict == UNDECIDED and not claim.exact and any(estimated(side, records) for side in (left, right)):
        found["note"] = _NO_INTERVAL
    first, _, second = plainly(left, relation, right)
    if pair := paired(first, second, records):
        found |= {"ours": f"{ours}; paired difference {number(pair[0])}{ends(pair[1])}", "value": pair[0],
                  "ci95": pair[1]}
        if verdict == UNDECIDED and pair[1]:
            found["note"] = needed(*pair)
    return found


def needed(difference: float, ci95: Interval) -> str:
    """Return what it would take to settle an undecided difference: (half the width on the side of 0 / difference)^2.

    >>> needed(-8.0, (-43.0, 28.0))
    'To settle it, if it is as large as found: about 21 times as many blocks of time or samples, and networks'
    >>> needed(0.1, (-10.0, 10.0)).split(": ")[1][:8]
    'over 100'
    """
    away = (ci95[1] - difference if difference < 0 else difference - ci95[0])
    times = (away / abs(difference)) ** 2 if difference else math.inf
    told = "over 100" if times > 100 else f"about {max(2, math.ceil(times))}"
    return f"To settle it, if it is as large as found: {told} times as many blocks of time or samples, and networks"
