"""Verdicts: claims compared with the records of a profile."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsslib.ledger import results
from rsslib.ledger.claims import COMPUTE, REAL, RELATIONS, Claim
from rsslib.project import InputError

REPRODUCED, BETTER, HOLDS, DIFFERS = "reproduced", "better", "order holds", "differs"
NOT_JUDGED, NOT_RUN = "not judged in this profile", "not run"
VERDICTS = (REPRODUCED, BETTER, HOLDS, DIFFERS, NOT_JUDGED, NOT_RUN)


class Records:
    """The records of a profile, by default in ROOT/results; each file is read only once."""

    def __init__(self, profile: str, folder: str | Path | None = None):
        self.profile, self._folder = profile, folder
        self._files: dict[str, dict] = {}

    def has(self, name: str) -> bool:
        """Return whether the profile has the file of records `name`, such as "table2"."""
        return name in self._files or results.path(self.profile, name, self._folder).exists()

    def read(self, name: str) -> dict:
        """Return what `results.read` returns, with the same errors."""
        if name not in self._files:
            self._files[name] = results.read(self.profile, name, self._folder)
        return self._files[name]


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim in a profile: one of VERDICTS, our value as text, a note (the reason)."""

    claim: Claim
    profile: str
    verdict: str
    ours: str = ""
    note: str = ""
    explained: bool = True
    """False if a difference, or a record missing from its file, has no reason in claims.yaml."""

    def __str__(self) -> str:
        return f"{self.verdict}: {self.note}" if self.note else self.verdict


def judge(claims: Iterable[Claim], profile: str, folder: str | Path | None = None) -> list[Verdict]:
    """Return the verdicts on claims from the records of `<folder>/<profile>`, by default in ROOT/results.

    A value within tolerance is `reproduced`, beyond it on the better side `better`, else `differs`; an ordering holds
    or differs. A claim without record is `not run`.

    >>> from rsslib.ledger import claims
    >>> judge(claims.load(), "quick")[0].verdict  # doctest: +SKIP
    'reproduced'
    """
    records = Records(profile, folder)
    return [_judged(claim, records) for claim in claims]


def _judged(claim: Claim, records: Records) -> Verdict:
    profile = records.profile
    reason = claim.why.get(profile, claim.why.get("any", "")) if profile in REAL else ""
    absent = ", ".join(f"{name}.json" for name in files(claim.record) if not records.has(name))
    try:
        outcome, ours, uncertain = _measured(claim, records)
        note = (reason or "no reason recorded yet") if outcome == DIFFERS else ""
        note = "but within the intervals" if outcome == HOLDS and uncertain else note
    except (InputError, ZeroDivisionError) as error:
        outcome, ours, note = NOT_RUN, "", f"no {absent}" if absent else reason or str(error)
    if profile not in claim.profiles or claim.kind == "text":
        return Verdict(claim, profile, NOT_JUDGED, ours, reason)
    unexpected = outcome == DIFFERS or outcome == NOT_RUN and not absent
    return Verdict(claim, profile, outcome, ours, note, explained=bool(reason) or not unexpected)


def _measured(claim: Claim, records: Records) -> tuple[str, str, str]:
    """Return the verdict, our value as text, and what makes an ordering uncertain ("" if nothing)."""
    if claim.record is None:
        return NOT_RUN, "", ""
    if claim.kind == "value":
        value, ci95 = quantity(claim.record, records)
        return _compared(claim, value), f"{number(value)} {claim.unit}".strip() + ends(ci95), ""
    relation = claim.record["relation"]
    (left, low), (right, high) = (quantity(claim.record[side], records) for side in ("left", "right"))
    holds = RELATIONS[relation](left, right)
    ours = (f"{number(left)}{ends(low)} {relation if holds else f'not {relation}'} "
            f"{number(right)}{ends(high)} {claim.unit}").strip()
    uncertain = ""
    if pair := paired(claim.record, records):
        difference, apart = pair
        ours += f"; paired difference {number(difference)}{ends(apart)}"
        uncertain = ", which includes 0" if apart[0] <= 0 <= apart[1] else ""
    elif low and high and low[0] <= high[1] and high[0] <= low[1]:
        uncertain = "; the intervals overlap"
    for ci95, alone, other in ((low, right, high), (high, left, low)):
        if ci95 and not other and ci95[0] <= alone <= ci95[1]:
            uncertain += f"; the interval includes {number(alone)}"
    return HOLDS if holds else DIFFERS, ours + uncertain, uncertain


def _compared(claim: Claim, value: float) -> str:
    allowed = claim.tolerance.get("absolute", claim.tolerance.get("relative", 0) * abs(claim.printed))
    excess = value - claim.printed
    if abs(excess) <= allowed:
        return REPRODUCED
    return BETTER if claim.tolerance.get("better") == ("lower" if excess < 0 else "higher") else DIFFERS


def quantity(spec: Any, records: Records) -> tuple[float, Sequence | None]:
    """Return the value of a selector of claims.yaml and its 95 % interval, if the record has one.

    Errors: InputError for a missing file, record or number.
    """
    if not isinstance(spec, Mapping):
        return spec, None
    if "compute" in spec:
        parts = [quantity(part, records) for part in spec["of"]]
        value = COMPUTE[spec["compute"]]([part[0] for part in parts])
        return value, next((ci95 for part, ci95 in parts if part == value), None)    # of min and max
    name, field = spec["file"], spec["field"]
    record = results.one(records.read(name).get(spec.get("list", "records"), []), **spec["where"])
    if not isinstance(record.get(field), (int, float)):
        raise InputError(f"{name}.json: no {field}: {record.get(f'{field}_reason', 'expected a number')}")
    return record[field], interval(record, field)


def interval(record: Mapping, field: str) -> Sequence | None:
    """Return the 95 % interval of a field of a record, None if it has none."""
    return record.get(f"ci95_{field}", record.get(f"ci95_{field.removeprefix('median_')}"))


def paired(record: Mapping, records: Records) -> tuple[float, Sequence] | None:
    """Return an ordering's paired difference, left minus right, and its interval if `<file>_pairs.json` has them."""
    left, right = record["left"], record["right"]
    if not all(isinstance(side, Mapping) and "file" in side for side in (left, right)):
        return None
    name, field = f"{left['file']}_pairs", left["field"]
    if (right["file"], right["field"]) != (left["file"], field) or not records.has(name):
        return None
    if records.read(name).get("provenance") != records.read(left["file"]).get("provenance"):
        return None    # of another run
    for pair in records.read(name)["records"]:
        ci95 = pair.get(f"ci95_{field}")
        if ci95 and _is(pair, "left", left["where"]) and _is(pair, "right", right["where"]):
            return pair[field], ci95
        if ci95 and _is(pair, "right", left["where"]) and _is(pair, "left", right["where"]):
            return 0 - pair[field], [0 - end for end in reversed(ci95)]    # not -end: that would show "-0"
    return None


def _is(pair: Mapping, side: str, where: Mapping) -> bool:
    """Return whether one side of a pair is the record with the values `where`."""
    return all(pair.get(f"{side}_{key}", pair.get(key)) == value for key, value in where.items())


def files(spec: object) -> list[str]:
    """Return the files of records in a claim's `record`.

    >>> files({"compute": "ratio", "of": [{"file": "table2", "where": {}, "field": "n"}, 2]})
    ['table2']
    """
    if not isinstance(spec, Mapping):
        return []
    if "file" in spec:
        return [spec["file"]]
    return sorted({name for part in (spec.get("left"), spec.get("right"), *spec.get("of", [])) for name in files(part)})


def number(value: float) -> str:
    """Format a number: integers as they are, others with one decimal, or with 3 digits below ten.

    >>> number(4577), number(277.52), number(1.052)
    ('4577', '277.5', '1.05')
    """
    if isinstance(value, int):
        return str(value)
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def ends(ci95: Sequence | None) -> str:
    """Format an interval to follow its number, or return "".

    >>> ends([260.0, 290.5]), ends(None)
    (' [260.0, 290.5]', '')
    """
    return f" [{number(ci95[0])}, {number(ci95[1])}]" if ci95 else ""
