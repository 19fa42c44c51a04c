"""What differs: how many claims agree, the cells furthest from print, and the differences by their cause."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from rsslib.ledger import matrices
from rsslib.ledger.pictures import numbered
from rsslib.ledger.verdicts import BETTER, COVERED, DIFFERS, NOT_JUDGED, NOT_RUN, Verdict
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED

_AGAINST = "settled not to hold"
_GROUPS: Mapping[str, Callable[[Verdict], bool]] = {
    _AGAINST: lambda one: one.verdict == REFUTED,
    "the interval excludes the printed value, or lies outside the tolerance": lambda one: (
        one.verdict == DIFFERS and one.settled == REFUTED),
    "outside, but the interval reaches in": lambda one: (
        one.verdict == DIFFERS and one.settled == UNDECIDED and bool(one.ci95)),
    "outside, without an interval": lambda one: one.verdict == DIFFERS and one.settled == UNDECIDED and not one.ci95}


def lines(verdicts: Sequence[Verdict], causes: Mapping[str, str]) -> list[str]:
    """Return how much agrees, the cells furthest from print, and what differs, in one line for each of the causes."""
    if not any(verdict.settled for verdict in verdicts):
        return ["No claim is judged in this profile."]
    if not any(verdict.differs for verdict in verdicts):
        return [counted(verdicts), "", *furthest(verdicts), "No claim differs."]
    told = [counted(verdicts), "", *furthest(verdicts), "What differs (printed → ours):", ""]
    for key, cause in {**causes, "": "No cause recorded"}.items():
        alike = [verdict for verdict in verdicts if verdict.differs
                 and verdict.claim.of(verdict.profile, verdict.claim.cause) == key]
        groups = [_capital(f"{words}: {'; '.join(names)}") for words, belongs in _GROUPS.items()
                  if (names := [_name(verdict) for verdict in alike if belongs(verdict)])]
        told += [f"- **{cause}** ({len(alike)}). {'. '.join(groups)}"] if groups else []
    return told


def counted(verdicts: Sequence[Verdict]) -> str:
    """Return how many orderings and values agree, and how many claims are not judged."""
    judged = [verdict for verdict in verdicts if verdict.settled]
    orders, values = ([one for one in judged if one.claim.kind == kind] for kind in ("ordering", "value"))
    holds, not_so, open_ = (sum(one.settled == word for one in orders) for word in (SETTLED, REFUTED, UNDECIDED))
    groups = {group: sum(belongs(one) for one in values) for group, belongs in _GROUPS.items() if group != _AGAINST}
    outside = sum(groups.values())
    split = "; ".join(f"{n} {group}" for group, n in groups.items() if n)
    texts = sum(one.claim.kind == "text" for one in verdicts)
    others = sum(one.verdict == NOT_JUDGED and one.claim.kind != "text" for one in verdicts)
    missing = sum(one.verdict == NOT_RUN for one in verdicts)
    covered, ahead = (sum(one.verdict == word for one in values) for word in (COVERED, BETTER))
    return (f"Of {len(orders)} orderings: {holds} settled to hold, {not_so} settled not to hold, {open_} undecided. "
            f"Of {len(values)} values: the interval covers the printed number of {covered}, {ahead} are better, "
            f"{len(values) - covered - ahead - outside} agree within a tolerance or have no interval, {outside} differ"
            + (f" ({split})" if split else "") + f". Not judged: {texts + others} ({texts} definitions, settings, "
            f"drawings or statements without a number; {others} numbers that cannot be compared here or that hold by "
            "construction)."
            + (f" Not run: {missing}." if missing else ""))


def furthest(verdicts: Iterable[Verdict]) -> list[str]:
    """Return, by ratio, the cell that differs and is furthest from print, and others if further still."""
    cells = [verdict for verdict in verdicts if verdict.claim.cell and verdict.value and verdict.value > 0]
    kinds = {"differs": [one for one in cells if one.differs],
             "agrees": [one for one in cells if one.settled and not one.differs],
             "not judged": [one for one in cells if not one.settled]}
    most = {kind: max(group, key=_distance) for kind, group in kinds.items() if group}
    worse = most.get("differs")
    told = [f"- {_capital(kind)}: {_name(one)}. {one.claim.of(one.profile, one.claim.why)}".strip()
            for kind, one in most.items() if worse is None or one is worse or _distance(one) > _distance(worse)]
    title = "Of the cells of the printed tables, those furthest from print by ratio, and why:"
    return [title, "", *told, ""] if told else []


def _distance(verdict: Verdict) -> float:
    """Return how far a value is from print, as the logarithm of their ratio."""
    assert verdict.value
    return abs(math.log(verdict.value / verdict.claim.printed))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _name(verdict: Verdict) -> str:
    """Return a claim's name with a link to its row: its place in a printed table and the numbers, or its short name."""
    claim, cell = verdict.claim, verdict.claim.cell
    if not cell:
        return f"[{claim.name or claim.statement}](LEDGER.md#{claim.id})"
    place = f"{numbered(matrices.passage(verdict))}, {cell.row}, {cell.column}"
    return f"[{place}](LEDGER.md#{claim.id}) {matrices.arrow(verdict)}"
