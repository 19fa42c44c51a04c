"""Brief: our number of a claim in few words, with its interval, and beside it what is printed or needed."""

from collections.abc import Sequence
from typing import NamedTuple

from rsslib.ledger.claims import Claim
from rsslib.ledger.verdicts import Verdict
from rsslib.ledger.wording import UNDECIDED, decimals, ends, fixed, number, settled, span

_RELATIONS = {"<=": "≤", ">=": "≥"}


class Unit(NamedTuple):
    """How numbers of a unit are shown: the unit of a value and of a difference, decimals of both, and a factor."""

    name: str
    of_difference: str
    digits: int = 0
    finer: int = 0
    scale: float = 1


POINTS = Unit("%", "points", 0, 1, 100)
_UNITS = {"": Unit("", "", 2, 4), "times": Unit("times", "times", 1, 1),
          "of the side": Unit("", "", 1, 1, 128),    # as Table I of paper 2 is printed; the headline names the unit
          **{f"of the {things}": POINTS for things in ("samples", "true emitters", "predictions")}}


def brief(verdict: Verdict) -> str:
    """Return our number in few words: of an ordering the paired difference, or else both values.

    >>> order = Claim("a", "p", "Table II", "s", "ordering", unit="m", record={"relation": "<"})
    >>> brief(Verdict(order, "quick", UNDECIDED, "338.7 < 345.7 m", value=-7.0, ci95=(-30.8, 17.3)))
    '−7 m [−31, +17]'
    >>> order = Verdict(order, "quick", UNDECIDED, "338.7 not < 300 m", sides=((338.7, (318, 367)), (300, None)))
    >>> brief(order), aside(order)
    ('339 m [318, 367]', 'needs < 300 m')
    """
    claim = verdict.claim
    if not verdict.ours:
        return "was not run"
    if claim.kind == "value" and verdict.value is not None:
        return _signed(f"{number(verdict.value)} {claim.unit}".strip() + ends(verdict.ci95))
    if verdict.value is not None and verdict.ci95:
        return difference(verdict.value, verdict.ci95, unit_of(claim))
    if verdict.sides is None:
        return verdict.ours
    unit = unit_of(claim)
    shown = [joined(fixed(unit.scale * value, unit.digits), unit.name,
                    span(ci95, unit.digits, scale=unit.scale) if ci95 else "") for value, ci95 in verdict.sides]
    return shown[0] if aside(verdict) else " against ".join(shown)


def difference(value: float, ci95: Sequence, unit: Unit) -> str:
    """Return a difference and its interval; where that excludes 0, with decimals enough to show it.

    >>> difference(-0.4, (-0.8, -0.04), Unit("m", "m")), difference(0.029, (0.011, 0.047), POINTS)
    ('−0.40 m [−0.80, −0.04]', '+2.9 points [+1.1, +4.7]')
    """
    shown = [unit.scale * part for part in (value, *ci95)]
    digits = unit.finer if settled(ci95) == UNDECIDED else decimals(shown, unit.finer)
    return joined(fixed(shown[0], digits, sign=True), unit.of_difference, span(shown[1:], digits, sign=True))


def aside(verdict: Verdict) -> str:
    """Return what is printed of a value, or the limit that an ordering needs to keep to, or ""."""
    claim = verdict.claim
    if claim.kind == "value":
        absolute = claim.tolerance.get("absolute", claim.tolerance.get("relative", 0) * abs(claim.printed))
        return _signed(f"printed {number(claim.printed)}") + (f", our tolerance ± {absolute:g}" if absolute else "")
    if verdict.sides is None or verdict.value is not None:
        return ""
    (_, low), (limit, high) = verdict.sides
    if low is None or high is not None:
        return ""
    relation, unit = claim.record["relation"], unit_of(claim)
    return joined("needs", _RELATIONS.get(relation, relation), f"{round(unit.scale * limit, 2):g}", unit.name)


def full(verdict: Verdict) -> str:
    """Return our number, and in brackets what is printed or needed."""
    return brief(verdict) + (f" ({aside(verdict)})" if verdict.ours and aside(verdict) else "")


def joined(*parts: str) -> str:
    """Join what is not empty by spaces."""
    return " ".join(filter(None, parts))


def _signed(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def unit_of(claim: Claim) -> Unit:
    """Return how numbers of a claim are shown."""
    return _UNITS.get(claim.unit, Unit(claim.unit, claim.unit))
