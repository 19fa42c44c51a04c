"""Rankings: which method leads in a field of the records, in each of several cases, and whether that is settled."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rsslib.ledger.brief import POINTS, difference
from rsslib.ledger.claims import of_profile
from rsslib.ledger.headlines import entries
from rsslib.ledger.quantities import Difference, Records, paired
from rsslib.ledger.wording import SETTLED, listed, settled
from rsslib.project import ROOT, InputError, is_plain

_KEYS = {**dict.fromkeys(("paper", "text", "file", "field", "within", "of"), str), "cases": Mapping, "names": Mapping}
_ALL = {3: "all three", 4: "all four"}


class Lead(NamedTuple):
    """The highest of a case: the leaders (several where no lead is settled), and the lead over the next, if it is."""

    leaders: tuple[str, ...]
    next: str = ""
    gap: Difference | None = None
    last: str = ""
    """The method that is settled to be below all others, or ""."""


def sentences(path: str | Path | None, records: Records) -> dict[str, tuple[str, str]]:
    """Return what the rankings of a claims file find: {id: (paper, sentence)}; "" where records are missing.

    Errors: those of `headlines.entries`.
    """
    path, found = Path(path or ROOT / "claims.yaml"), {}
    for name, entry in entries(path, "rankings", _KEYS, {}):
        if len(entry["names"]) < 2 or not is_plain(entry["file"]):
            raise InputError(f"{path}: rankings: {name}: expected two `names` or more, and as `file` a record's")
        if not all(isinstance(label, str) for label in entry["cases"].values()):
            raise InputError(f"{path}: rankings: {name}: expected a text for each of `cases`")
        found[name] = (entry["paper"], _sentence(entry, records))
    return found


def _sentence(entry: Mapping, records: Records) -> str:
    if not records.has(entry["file"]) or not records.has(f"{entry['file']}_pairs"):
        return ""
    names = {key: of_profile(value, records.profile) for key, value in entry["names"].items()}
    told = {label: lead for case, label in entry["cases"].items() if (lead := _lead(entry, case, list(names), records))}
    if not told:
        return ""
    parts = [f"{names[lead.leaders[0]]} in {case} ({difference(*lead.gap, POINTS)} over {names[lead.next]})"
             for case, lead in told.items() if lead.gap]
    for leaders in dict.fromkeys(lead.leaders for lead in told.values() if not lead.gap):
        cases = [case for case, lead in told.items() if lead.leaders == leaders]
        parts.append(f"no lead is settled between {listed([names[one] for one in leaders])} in {listed(cases)}")
    for last in dict.fromkeys(lead.last for lead in told.values() if lead.last):
        cases = [case for case, lead in told.items() if lead.last == last]
        where = _ALL.get(len(cases) if len(cases) == len(entry["cases"]) else 0, listed(cases))
        parts.append(f"{names[last]} {'are' if names[last].endswith('s') else 'is'} lowest in {where}")
    return f"{entry['text']}: {'; '.join(parts)}."


def _lead(entry: Mapping, case: str, methods: Sequence[str], records: Records) -> Lead | None:
    """Return who leads in a case, or None where a method or a pair is missing."""
    rows = {row.get(entry["of"]): row for row in records.read(entry["file"])["records"]
            if row.get(entry["within"]) == case and isinstance(row.get(entry["field"]), (int, float))}
    if not set(methods) <= set(rows):
        return None
    order = sorted(methods, key=lambda method: -rows[method][entry["field"]])

    def gap(one: str, other: str) -> Difference | None:
        left, right = ({"file": entry["file"], "where": {entry["within"]: case, entry["of"]: method},
                        "field": entry["field"]} for method in (one, other))
        return paired(left, right, records)

    first, *others = order
    behind = {other: gap(first, other) for other in others}
    ahead = {other: gap(other, order[-1]) for other in order[:-1]}
    if not all([*behind.values(), *ahead.values()]):
        return None
    level = [other for other in others if not _above(behind[other])]
    last = order[-1] if all(map(_above, ahead.values())) else ""
    if level:
        return Lead(tuple(method for method in methods if method in (first, *level)), last=last)
    return Lead((first,), others[0], behind[others[0]], last)


def _above(gap: Difference | None) -> bool:
    return gap is not None and settled(gap[1], ">") == SETTLED
