"""Orderings: the comparisons that an ordering of claims.yaml consists of, and what their intervals settle."""

from collections.abc import Mapping
from typing import Any

from rsslib.ledger.claims import RELATIONS
from rsslib.ledger.quantities import Quantity, Records, estimated, paired, quantity
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, settled, together

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NEUTRAL = {"difference": 0, "percent_below": 0, "ratio": 1}
"""Where a computed number is this one, its two parts are equal."""


def settle(left: Any, relation: str, right: Any, records: Records, exact: bool = False) -> str:
    """Return what the records settle of "left `relation` right", two selectors of claims.yaml.

    The least of several numbers is above another if each of them is: such a claim holds only if all its parts do. The
    largest is above it if one is. A single comparison is settled by the interval of the difference on the same samples,
    where the records have it, else by the two intervals: they leave it undecided where they overlap, or where one
    is missing, unless the numbers are `exact`, such as counts.

    >>> nothing = Records("smoke")
    >>> [settle({"compute": word, "of": [3, 5]}, ">", 4, nothing) for word in ("min", "max")]
    ['settled: does not hold', 'settled: holds']
    """
    for side, word, other in ((left, relation, right), (right, _MIRRORED[relation], left)):
        if _computed(side) in ("min", "max"):
            parts = [settle(part, word, other, records, exact) for part in side["of"]]
            if (side["compute"] == "min") == (word[0] == ">"):
                return together(parts)
            return next((one for one in (SETTLED, UNDECIDED) if one in parts), REFUTED)    # it holds if one part does
    left, relation, right = plainly(left, relation, right)
    value, ci95 = gap(left, right, records, exact)
    if ci95:
        return settled(ci95, relation[0])
    if not exact and any(estimated(side, records) for side in (left, right)):
        return UNDECIDED
    return SETTLED if RELATIONS[relation](value, 0) else REFUTED


def plainly(left: Any, relation: str, right: Any) -> tuple[Any, str, Any]:
    """Rewrite a comparison of a difference with 0, or of a ratio with 1, as one of its two parts.

    >>> plainly({"compute": "percent_below", "of": ["emd", "com"]}, ">", 0)
    ('emd', '<', 'com')
    """
    if not isinstance(left, Mapping):
        left, relation, right = right, _MIRRORED[relation], left
    if _computed(left) in _NEUTRAL and _NEUTRAL[left["compute"]] == right:
        relation = _MIRRORED[relation] if left["compute"] == "percent_below" else relation
        left, right = left["of"]
    return left, relation, right


def gap(left: Any, right: Any, records: Records, exact: bool = False) -> Quantity:
    """Return left minus right and its interval: the paired one, else from the two intervals, else None.

    It is None, too, where a number that is not `exact` has no interval.
    """
    if pair := paired(left, right, records):
        return pair
    if _computed(left) == "difference" and not isinstance(right, Mapping):
        one, other = left["of"]
        value, ci95 = gap(one, other, records, exact)
        return value - right, ci95 and [end - right for end in ci95]
    value, ci95 = quantity({"compute": "difference", "of": [left, right]}, records)
    return value, None if not exact and any(estimated(side, records) for side in (left, right)) else ci95


def _computed(spec: Any) -> str | None:
    return spec.get("compute") if isinstance(spec, Mapping) else None
