"""The claims file (claims.yaml): what the papers print, read and checked."""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from rsslib.project import ROOT, InputError

REAL = ("quick", "paper")
RELATIONS: dict[str, Callable] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
COMPUTE: dict[str, Callable] = {
    "ratio": lambda parts: parts[0] / parts[1],
    "percent": lambda parts: 100 * parts[0] / parts[1],
    "difference": lambda parts: parts[0] - parts[1],
    "percent_below": lambda parts: 100 * (1 - parts[0] / parts[1]),
    "max": max,
    "min": min,
}

_REQUIRED = {"id", "paper", "where", "statement", "kind"}
_OPTIONAL = {"printed", "unit", "record", "tolerance", "profiles", "why", "notebook"}


@dataclass(frozen=True)
class Claim:
    """One number, ordering or statement of a paper; claims.yaml explains the fields."""

    id: str
    paper: str
    where: str
    statement: str
    kind: str
    printed: object = None
    unit: str = ""
    record: object = None
    tolerance: Mapping = field(default_factory=dict)
    profiles: tuple[str, ...] = REAL
    why: Mapping = field(default_factory=dict)
    notebook: str = ""


def load(path: str | Path | None = None) -> list[Claim]:
    """Read and check the claims file (ROOT/claims.yaml); each claim's `paper` becomes that paper's title.

    Raises InputError naming the claim and the key for anything unknown, missing or repeated.

    Example
    -------
    >>> load()[0].kind  # doctest: +SKIP
    'value'
    """
    path = Path(path or ROOT / "claims.yaml")
    content = _read(path)
    claims: dict[str, Claim] = {}
    for row, entry in enumerate(content["claims"]):
        name = entry.get("id", f"number {row}") if isinstance(entry, Mapping) else f"number {row}"
        problem = _problem(entry, content["papers"]) or (name in claims and "this id is used twice")
        if problem:
            raise InputError(f"{path}: claim {name}: {problem}")
        title, profiles = content["papers"][entry["paper"]], tuple(entry.get("profiles", REAL))
        claims[name] = Claim(**(entry | {"paper": title, "profiles": profiles}))
    return list(claims.values())


def notes(path: str | Path | None = None) -> dict[str, str]:
    """Return what the claims file says of a paper as a whole, {title: text}."""
    content = _read(Path(path or ROOT / "claims.yaml"))
    return {content["papers"][key]: text for key, text in (content.get("notes") or {}).items()}


def _read(path: Path) -> Mapping:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(content, Mapping) or set(content) - {"notes"} != {"papers", "claims"}:
        raise InputError(f"{path}: expected two keys, `papers` (key: title) and `claims` (a list), at will `notes`")
    said = content.get("notes") or {}
    if not isinstance(said, Mapping) or not all(isinstance(text, str) for text in said.values()):
        raise InputError(f"{path}: `notes` is {said!r}; expected texts by paper")
    if unknown := set(said) - set(content["papers"]):
        raise InputError(f"{path}: `notes` has {min(unknown)!r}; its keys are those of `papers`")
    return content


def _problem(entry: object, papers: Mapping) -> str:
    """Say what is wrong with an entry of claims.yaml, or return an empty text."""
    if not isinstance(entry, Mapping):
        return "expected a mapping of keys"
    missing, unknown = _REQUIRED - set(entry), set(entry) - _REQUIRED - _OPTIONAL
    if missing or unknown:
        word = f"missing key {min(missing)!r}" if missing else f"unknown key {min(unknown)!r}"
        return f"{word}; required are {sorted(_REQUIRED)}, optional {sorted(_OPTIONAL)}"
    checks = {
        f"unknown paper {entry['paper']!r}; papers are {sorted(papers)}": entry["paper"] in papers,
        f"unknown kind {entry['kind']!r}; expected value, ordering or text": entry["kind"] in _PROBLEMS,
        f"`profiles` may hold {REAL} only: synthetic ones are never judged": _within(entry, "profiles", REAL),
        f"`why` is a mapping; its keys may be {REAL} or any": _within(entry, "why", (*REAL, "any")),
    }
    return next((text for text, right in checks.items() if not right), "") or _PROBLEMS[entry["kind"]](entry)


def _within(entry: Mapping, key: str, allowed: Iterable) -> bool:
    return set(entry.get(key, [])) <= set(allowed)


def _value_problem(entry: Mapping) -> str:
    tolerance = entry.get("tolerance", {})
    if not isinstance(entry.get("printed"), (int, float)):
        return "a value needs `printed`, a number"
    kinds = {"relative", "absolute"}
    if len(kinds & set(tolerance)) != 1 or not _within(entry, "tolerance", kinds | {"better"}):
        return "a value needs `tolerance` with `relative` or `absolute`, and at will `better`"
    if tolerance.get("better", "lower") not in ("lower", "higher"):
        return "`tolerance.better` is lower or higher"
    return _selector_problem(entry.get("record"))


def _ordering_problem(entry: Mapping) -> str:
    record = entry.get("record")
    if not isinstance(record, Mapping) or set(record) != {"left", "relation", "right"}:
        return "an ordering needs `record` with `left`, `relation`, `right`"
    if record["relation"] not in RELATIONS:
        return f"unknown relation {record['relation']!r}; expected one of {' '.join(RELATIONS)}"
    return _selector_problem(record["left"]) or _selector_problem(record["right"])


def _text_problem(entry: Mapping) -> str:
    right = "record" not in entry and "why" in entry
    return "" if right else "a text claim is not judged: it has no `record`, but a `why`"


def _selector_problem(spec: object) -> str:
    if isinstance(spec, (int, float)):
        return ""
    if isinstance(spec, Mapping) and set(spec) == {"compute", "of"} and spec["compute"] in COMPUTE:
        return next(filter(None, map(_selector_problem, spec["of"])), "")
    keys = {"file", "where", "field"}
    if isinstance(spec, Mapping) and keys <= set(spec) <= keys | {"list"}:
        return "" if isinstance(spec["where"], Mapping) else f"`where` is a mapping, not {spec['where']!r}"
    return (f"bad selector {spec!r}; expected a number, {{file, where, field}} (and `list` in a stamp), or "
            f"{{compute, of}} with compute one of {', '.join(COMPUTE)}")


_PROBLEMS = {"value": _value_problem, "ordering": _ordering_problem, "text": _text_problem}


def printed(file: str, field: str, *keys: str, path: str | Path | None = None) -> dict[tuple, float]:
    """Return what the papers print of one field of one file of records, {(values of `keys`): number}.

    Where the paper prints percent and the records hold shares, the number is a share.
    Raises InputError when `keys` do not tell two claims apart.

    Example
    -------
    >>> printed("table2", "median_m", "loss", "split")["emd", "random"]  # doctest: +SKIP
    47.4
    """
    found = {}
    for claim in load(path):
        spec, scale = claim.record, 1.0
        if isinstance(spec, Mapping) and spec.get("compute") == "percent" and spec["of"][1] == 1:
            spec, scale = spec["of"][0], 100.0
        here = isinstance(spec, Mapping) and (spec.get("file"), spec.get("field")) == (file, field)
        if claim.kind == "value" and here:
            place = tuple(spec["where"].get(key) for key in keys)
            if place in found:
                raise InputError(f"claim {claim.id}: {file} {field} of {place} is printed twice; name more keys than "
                                 f"{', '.join(keys) or 'none'}")
            found[place] = claim.printed / scale
    return found
