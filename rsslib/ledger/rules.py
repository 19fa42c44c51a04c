"""The rules of claims.yaml: what each of its parts must be, so that whoever reads them need not check."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rsslib.arguments import shown
from rsslib.ledger.results import is_number
from rsslib.project import InputError, is_plain

REAL = ("full", "quick")
"""The profiles with real measurements, the one with more evidence first."""
RELATIONS: dict[str, Callable] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
COMPUTE: dict[str, Callable] = {
    "ratio": lambda parts: parts[0] / parts[1],
    "percent": lambda parts: 100 * parts[0] / parts[1],
    "difference": lambda parts: parts[0] - parts[1],
    "percent_below": lambda parts: 100 * (1 - parts[0] / parts[1]),
    "max": max,
    "min": min,
}


class Rule(NamedTuple):
    """What a value must be, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]


Shape = Rule | list | Mapping
"""The shape of a part: a rule; of a list, [the shape of its parts]; of a mapping, {key: shape}, where `str` stands for
any other text and `...` for any other label."""


def one_of(*words: str) -> Rule:
    """Return the rule that a value is one of some words."""
    return Rule(f"one of {', '.join(words)}", lambda value: isinstance(value, str) and value in words)


def between(low: float, high: float) -> Rule:
    """Return the rule that a value is a number from `low` to `high`."""
    return Rule(f"a number from {low:g} to {high:g}", lambda value: is_number(value) and low <= value <= high)


ANY = Rule("anything", lambda value: True)
TEXT = Rule("a text", lambda value: isinstance(value, str))
FLAG = Rule("true or false", lambda value: isinstance(value, bool))
NUMBER = Rule("a finite number below 1e15", is_number)
LABEL = Rule("a text or a finite number", lambda value: isinstance(value, str | bool) or is_number(value))
PLAIN = Rule("the name of a file of records, no path", lambda value: isinstance(value, str) and is_plain(value))
ID = Rule("a name of letters, digits, and any of _ . -",
          lambda value: isinstance(value, str) and bool(re.fullmatch(r"[\w.-]+", value)))
PAIR = Rule("a list of two labels", lambda value: isinstance(value, list) and len(value) == 2 and all(
    map(LABEL.holds, value)))
MAPPING = Rule("a mapping of keys", lambda value: isinstance(value, Mapping))

_LABELLED: Shape = {"name": TEXT, "short": TEXT, str: LABEL}
FILE: Shape = {
    "papers": {str: TEXT}, "claims": [MAPPING], "labels": {str: {...: _LABELLED}}, "tables": {str: TEXT},
    **dict.fromkeys(("notes", "caveats", "causes"), {str: TEXT}),
    **dict.fromkeys(("headlines", "rankings", "findings"), {str: ANY})}
"""The shape of a claims file; its headlines, rankings and findings are checked where they are read."""
EACH: Shape = {str: [LABEL]}
AXES: Shape = {"each": EACH, "table": TEXT, "pairs": {str: [PAIR]}, "relation": one_of(*RELATIONS),
               "own": {...: MAPPING}, "id": TEXT, str: ANY}
_BY_PROFILE: Shape = dict.fromkeys((*REAL, "any"), TEXT)
_CLAIM: Shape = {
    **dict.fromkeys(("paper", "where", "statement", "unit", "notebook", "name"), TEXT), "id": ID,
    "kind": one_of("value", "ordering", "text"), "profiles": [one_of(*REAL)], "why": _BY_PROFILE, "cause": _BY_PROFILE,
    "exact": FLAG, "record": ANY, "printed": ANY,
    "tolerance": {"relative": between(0, 1), "absolute": ANY, "better": one_of("lower", "higher")}}
_REQUIRED = ("id", "paper", "where", "statement", "kind")
_SELECTOR: Shape = {"file": PLAIN, "where": {str: LABEL}, "field": TEXT, "list": TEXT,
                    "pair": {"within": TEXT, "field": TEXT, "over": TEXT}}


def check(node: Any, shape: Shape, where: str) -> None:
    """Raise InputError, beginning with `where`, unless `node` has a shape.

    >>> check({"relative": True}, {"relative": NUMBER}, "claim a: `tolerance`")
    Traceback (most recent call last):
    rsslib.project.InputError: claim a: `tolerance`: `relative` is True; expected a finite number below 1e15
    """
    rule = Rule("a list", lambda value: isinstance(value, list)) if isinstance(shape, list) else MAPPING
    rule = shape if isinstance(shape, Rule) else rule
    if not rule.holds(node):
        raise InputError(f"{where} is {shown(node)}; expected {rule.words}")
    if isinstance(shape, list):
        for number, part in enumerate(node, 1):
            check(part, shape[0], f"{where}, part {number},")
    elif isinstance(shape, Mapping):
        for key, part in node.items():
            other = str if isinstance(key, str) else ... if LABEL.holds(key) else None
            if key not in shape and other not in shape and ... not in shape or other is None:
                known = ", ".join(sorted(name for name in shape if isinstance(name, str)))
                raise InputError(f"{where}: unknown key {shown(key)}; expected {known or 'a text'}")
            check(part, shape.get(key, shape.get(other, shape.get(...))), f"{where}: `{key}`")


def check_file(content: Any, path: object) -> None:
    """Raise InputError unless the content of the claims file `path` has its shape."""
    check(content, FILE, f"{path}")
    for key in ("papers", "claims"):
        if key not in content:
            raise InputError(f"{path}: no `{key}`; expected `papers` (key: title) and `claims` (a list)")
    for key in ("notes", "caveats"):
        if unknown := set(content.get(key, {})) - set(content["papers"]):
            raise InputError(f"{path}: `{key}` has {_least(unknown)}; its keys are those of `papers`")


def check_claim(claim: Mapping, content: Mapping) -> None:
    """Raise InputError unless an expanded claim is right, in a claims file with `content`."""
    where = f"claim {claim.get('id', 'without an id')}"
    check(claim, _CLAIM, where)
    for key in _REQUIRED:
        if key not in claim:
            raise InputError(f"{where}: missing key {key!r}; required are {', '.join(_REQUIRED)}")
    if claim["paper"] not in content["papers"]:
        raise InputError(f"{where}: unknown paper {claim['paper']!r}; papers are {', '.join(content['papers'])}")
    causes = content.get("causes", {})
    if unknown := set(claim.get("cause", {}).values()) - set(causes):
        raise InputError(f"{where}: unknown cause {_least(unknown)}; causes are {', '.join(causes)}")
    {"value": _check_value, "ordering": _check_ordering, "text": _check_text}[claim["kind"]](claim, where)


def _check_value(claim: Mapping, where: str) -> None:
    check(claim.get("printed"), NUMBER, f"{where}: `printed` of a value")
    tolerance, most = claim.get("tolerance", {}), max(100, abs(claim["printed"]))
    amounts = {"relative", "absolute"} & set(tolerance)
    if len(amounts) > 1 or claim.get("exact") and not amounts:
        raise InputError(f"{where}: `tolerance` of a value has `relative` or `absolute`, not both; an exact one needs "
                         "one of them")
    # a larger one would accept nearly everything
    check(tolerance.get("absolute", 0), between(0, most), f"{where}: `tolerance`: `absolute`")
    _check_selector(claim.get("record"), f"{where}: `record`")


def _check_ordering(claim: Mapping, where: str) -> None:
    check(claim.get("printed", ""), TEXT, f"{where}: `printed` of an ordering")
    record = claim.get("record")
    if not isinstance(record, Mapping) or set(record) != {"left", "relation", "right"}:
        raise InputError(f"{where}: an ordering needs `record` with `left`, `relation`, `right`")
    check(record["relation"], one_of(*RELATIONS), f"{where}: `relation`")
    for side in ("left", "right"):
        _check_selector(record[side], f"{where}: `{side}`")


def _check_text(claim: Mapping, where: str) -> None:
    check(claim.get("printed", ""), TEXT, f"{where}: `printed` of a text")
    if "record" in claim or not claim.get("why"):
        raise InputError(f"{where}: a text has no `record`, but a `why`")


def _check_selector(spec: Any, where: str) -> None:
    if is_number(spec):
        return
    if isinstance(spec, Mapping) and "compute" in spec:
        check(spec, {"compute": one_of(*COMPUTE), "of": [ANY]}, where)
        parts = spec.get("of", [])
        for number, part in enumerate(parts, 1):
            _check_selector(part, f"{where}: part {number} of {spec['compute']}")
        if not parts or len(parts) != 2 and spec["compute"] not in ("max", "min"):
            raise InputError(f"{where}: {spec['compute']} of {len(parts)} numbers; expected 2, of max and min any")
        if parts[-1] == 0 and spec["compute"] not in ("max", "min", "difference"):
            raise InputError(f"{where}: {spec['compute']} by 0; expected another second number")
    elif isinstance(spec, Mapping) and {"file", "where", "field"} <= set(spec):
        check(spec, _SELECTOR, where)
        if set(spec.get("pair", {"within": ""})) not in ({"within"}, {"field", "over"}):
            raise InputError(f"{where}: `pair` is {shown(spec['pair'])}; expected {{within}} or {{field, over}}")
    else:
        raise InputError(f"{where} is {shown(spec)}, a bad selector; expected a number, {{file, where, field}} (and "
                         f"`list` in a stamp, or `pair`), or {{compute: {' | '.join(COMPUTE)}, of: [...]}}")


def _least(values: set) -> str:
    return min(map(repr, values))
