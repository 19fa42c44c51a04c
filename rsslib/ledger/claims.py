"""The claims file (claims.yaml): the papers' claims, expanded from its tables and validated."""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

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
_NAME = re.compile(r"\{(\w+)(?:\.(\w+))?\}")


def of_profile(text: str | Mapping, profile: str) -> str:
    """Return a text, or of {profile: text} that of a profile, else of `any`, else "".

    >>> of_profile("a", "quick"), of_profile({"any": "b"}, "quick"), of_profile({"paper": "c"}, "quick")
    ('a', 'b', '')
    """
    return text if isinstance(text, str) else text.get(profile, text.get("any", ""))


class Cell(NamedTuple):
    """The place of a number in a printed table: what its rows are, its row and column in words, and how it is printed.

    If a share is printed as 18.22 of 128, `printed` is 18.22 and `whole` is 128, else that is 1.
    """

    corner: str
    row: str
    column: str
    printed: str
    whole: float = 1


@dataclass(frozen=True)
class Claim:
    """A number, ordering or statement of a paper; claims.yaml documents the fields."""

    id: str
    paper: str
    where: str
    statement: str
    kind: str
    printed: Any = None
    unit: str = ""
    record: Any = None
    tolerance: Mapping = field(default_factory=dict)
    profiles: tuple[str, ...] = REAL
    why: Mapping = field(default_factory=dict)
    cause: Mapping = field(default_factory=dict)
    notebook: str = ""
    exact: bool = False
    name: str = ""
    cell: Cell | None = None

    def of(self, profile: str, texts: Mapping) -> str:
        """Return the text for a profile of `why` or `cause`, or ""."""
        return of_profile(texts, profile)


_REQUIRED = {"id", "paper", "where", "statement", "kind"}
_OPTIONAL = {key.name for key in fields(Claim)} - _REQUIRED - {"cell"}    # it follows from `table`
_MORE, _PAIR = {"list", "pair"}, ({"within"}, {"field", "over"})    # of a selector, and of its `pair`
_EXTRA = {"labels", "notes", "tables", "caveats", "causes", "headlines", "rankings", "findings"}


def load(path: str | Path | None = None) -> list[Claim]:
    """Read and validate the claims file (by default ROOT/claims.yaml); `paper` is replaced by the paper's title.

    Errors: InputError naming the claim and the key that is unknown, missing or repeated.

    >>> load()[0].kind  # doctest: +SKIP
    'value'
    """
    path = Path(path or ROOT / "claims.yaml")
    content = read(path)
    claims: dict[str, Claim] = {}
    try:
        for entry in _Entries(content).claims(content["claims"], {}):
            name = entry.get("id", "without an id")
            cell = entry.pop("cell") if isinstance(entry.get("cell"), Cell) else None
            if problem := _problem(entry, content) or (name in claims and "this id is used twice"):
                raise InputError(f"claim {name}: {problem}")
            title, profiles = content["papers"][entry["paper"]], tuple(entry.get("profiles", REAL))
            claims[name] = Claim(**entry | {"paper": title, "profiles": profiles, "cell": cell})
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return list(claims.values())


def notes(path: str | Path | None = None, kind: str = "notes") -> dict[str, str]:
    """Return the notes on whole papers, or their `caveats`, {title: text}."""
    content = read(Path(path or ROOT / "claims.yaml"))
    return {content["papers"][key]: text for key, text in content.get(kind, {}).items()}


def causes(path: str | Path | None = None) -> dict[str, str]:
    """Return the causes of differences, {key: text}."""
    return read(Path(path or ROOT / "claims.yaml")).get("causes", {})


def printed(file: str, field: str, *keys: str, path: str | Path | None = None) -> dict[tuple, float]:
    """Return the printed numbers for a field of a file of records, {(values of `keys`): number}.

    If the paper prints percent and the records are shares, the numbers are shares.
    Errors: InputError if `keys` do not distinguish two claims.

    >>> printed("table2", "median_m", "loss", "split")["emd", "random"]  # doctest: +SKIP
    47.4
    """
    numbers: dict[tuple, float] = {}
    for claim in load(path):
        spec, scale = claim.record, 1
        if isinstance(spec, Mapping) and spec.get("compute") == "percent" and spec["of"][1] == 1:
            spec, scale = spec["of"][0], 100
        is_field = isinstance(spec, Mapping) and (spec.get("file"), spec.get("field")) == (file, field)
        if claim.kind == "value" and is_field:
            values = tuple(spec["where"].get(key) for key in keys)
            if values in numbers:
                raise InputError(f"claim {claim.id}: {file} {field} of {values} is printed twice; name more keys than "
                                 f"{', '.join(keys) or 'none'}")
            numbers[values] = claim.printed / scale
    return numbers


def read(path: Path) -> dict:
    """Return the content of a claims file, as it stands. Errors: InputError naming the key that is wrong."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML in UTF-8: {error}") from error
    if not isinstance(content, dict) or set(content) - _EXTRA != {"papers", "claims"}:
        raise InputError(f"{path}: expected `papers` (key: title), `claims` (a list) and optionally {sorted(_EXTRA)}")
    for key in _EXTRA & set(content):
        if not isinstance(content[key], Mapping):
            raise InputError(f"{path}: `{key}` is {content[key]!r}; expected a mapping")
    for key in ("notes", "caveats"):
        if unknown := set(content.get(key, {})) - set(content["papers"]):
            raise InputError(f"{path}: `{key}` has {min(unknown)!r}; its keys are those of `papers`")
    return content


class _Entries:
    """Expands the entries of a claims file to claims, with its labels and printed tables."""

    def __init__(self, content: Mapping):
        self._labels = content.get("labels", {})
        self._tables = {name: _table(name, text) for name, text in content.get("tables", {}).items()}

    def claims(self, entries: Iterable, shared: Mapping) -> Iterator[dict]:
        """Yield the claims of `entries`; `shared` are the keys of their enclosing groups."""
        for number, entry in enumerate(entries):
            if not isinstance(entry, Mapping):
                raise InputError(f"entry {number}: expected a mapping of keys, not {entry!r}")
            entry = {**shared, **entry}
            try:
                yield from self.claims(entry.pop("claims"), entry) if "claims" in entry else self._expanded(entry)
            except KeyError as error:
                raise InputError(f"claim {entry.get('id', number)}: {error} is not known here") from error

    def _expanded(self, entry: dict) -> Iterator[dict]:
        plain = {key: value for key, value in entry.items() if key not in ("each", "table", "pairs", "own", "relation")}
        own, unused = entry.get("own", {}), set(entry.get("own", {}))
        for names in self._combinations(entry):
            claim = plain
            labels = [name["key"] for name in names.values() if isinstance(name, Mapping)]
            for key in (*labels, self._filled(plain.get("id", ""), names)):
                claim, unused = claim | own.get(key, {}), unused - {key}
            yield self._filled(claim, names) | ({"cell": names["cell"]} if "cell" in names else {})
        if unused:
            raise KeyError(min(unused))

    def _combinations(self, entry: Mapping) -> Iterator[dict]:
        """Yield the values of names in braces for each cell of a table, pair of cells, or combination of labels."""
        header, cells = self._tables[entry["table"]] if "table" in entry else ((), {})
        pairs = entry.get("pairs", {})
        axes = {**pairs, **entry.get("each", {})}
        axes |= {name: dict.fromkeys(cell[at] for cell in cells) for at, name in enumerate(header) if name not in axes}
        for keys in product(*axes.values()):
            chosen = dict(zip(axes, keys))
            names: dict[str, Any] = {name: self._label(name, key) for name, key in chosen.items() if name not in pairs}
            for across in pairs:
                sides = [chosen | {across: side} for side in chosen[across]]
                texts = [cells[tuple(side[name] for name in header)] for side in sides]
                names |= _compared([self._label(across, side[across]) for side in sides], texts, entry.get("relation"))
            if cells and not pairs:
                text = cells[tuple(chosen[name] for name in header)]
                *row, column = (_shown(names[name]) for name in header)
                shown, _, whole = text.partition("/")
                names |= {"printed": _number(text), "shown": shown,
                          "cell": Cell(", ".join(header[:-1]), ", ".join(row), column, shown, float(whole or 1))}
            yield names

    def _label(self, name: str, key: object) -> dict:
        return {"key": key} | (self._labels[name][key] if name in self._labels else {})

    def _filled(self, node: Any, names: dict) -> Any:
        """Replace the names in braces; a string that is a single name becomes its value of any type."""
        def value(match: re.Match) -> Any:
            name, attribute = match.groups()
            return names[name][attribute or "key"] if isinstance(names[name], Mapping) else names[name]

        if isinstance(node, str):
            single = _NAME.fullmatch(node)
            return value(single) if single else _NAME.sub(lambda match: str(value(match)), node)
        if isinstance(node, Mapping):
            return {key: self._filled(part, names) for key, part in node.items() if key != "each"}
        if isinstance(node, list):
            return [self._filled(part, names | more) for part in node for more in (
                self._combinations(part) if isinstance(part, Mapping) else [{}])]
        return node


def _table(name: str, text: str) -> tuple[list[str], dict[tuple, str]]:
    """Parse a printed table: the names of its labels, and {(labels of row and column): number as text}."""
    (head, *columns), *rows = (line.split() for line in text.splitlines())
    if wrong := [row for row, *numbers in rows if len(numbers) != len(columns)]:
        raise InputError(f"table {name}: expected {len(columns)} numbers in row {wrong[0]}")
    return head.split("/"), {(*row.split("/"), column): number for row, *numbers in rows
                             for column, number in zip(columns, numbers)}


def _shown(label: Mapping) -> str:
    """Return what a printed table calls a row or a column: `short`, else `name`, else the key."""
    return label.get("short", label.get("name", str(label["key"])))


def _number(text: str) -> float:
    """Parse a printed number; 18.22/128 is a share, rounded to four decimals."""
    number, _, whole = text.partition("/")
    return round(float(number) / float(whole), 4) if whole else float(number) if "." in number else int(number)


def _compared(labels: list[dict], texts: list[str], relation: str | None) -> dict:
    """Return the names of a pair of cells, exchanged if the printed `relation` would not hold otherwise."""
    if relation and not RELATIONS[relation](*map(_number, texts)):
        labels, texts = labels[::-1], texts[::-1]
    (left, _, whole), (right, *_) = (text.partition("/") for text in texts)
    apart = float(left) - float(right)
    return {"left": labels[0] | {"printed": left}, "right": labels[1] | {"printed": right},
            "relation": "<" if apart < 0 else ">", "more": "lower" if apart < 0 else "higher",
            "difference": f"{apart:+.2f}", "share": f"{apart / float(whole or 1):+.4f}"}


def _problem(entry: Mapping, content: Mapping) -> str:
    """Return the problem of an invalid claim, or ""."""
    papers = content["papers"]
    missing, unknown = _REQUIRED - set(entry), set(entry) - _REQUIRED - _OPTIONAL
    if missing or unknown:
        word = f"missing key {min(missing)!r}" if missing else f"unknown key {min(unknown)!r}"
        return f"{word}; required are {sorted(_REQUIRED)}, optional {sorted(_OPTIONAL)}"
    if entry["paper"] not in papers:
        return f"unknown paper {entry['paper']!r}; papers are {sorted(papers)}"
    if not set(entry.get("profiles", ())) <= set(REAL):
        return f"`profiles` may hold {REAL} only: synthetic ones are never judged"
    if not isinstance(entry.get("exact", False), bool):
        return "`exact` is true or false"
    for key in ("why", "cause"):
        if not set(entry.get(key, ())) <= {*REAL, "any"}:
            return f"`{key}` is a mapping; its keys may be {REAL} or any"
    if unknown := set(entry.get("cause", {}).values()) - set(content.get("causes", {})):
        return f"unknown cause {min(unknown)!r}; causes are {sorted(content.get('causes', {}))}"
    if entry["kind"] == "text":
        return "" if "record" not in entry and "why" in entry else "a text has no `record`, but a `why`"
    if entry["kind"] == "ordering":
        return _ordering_problem(entry.get("record"))
    if entry["kind"] == "value":
        return _value_problem(entry) or _selector_problem(entry.get("record"))
    return f"unknown kind {entry['kind']!r}; expected value, ordering or text"


def _value_problem(entry: Mapping) -> str:
    tolerance = entry.get("tolerance", {})
    if not isinstance(entry.get("printed"), (int, float)):
        return "a value needs `printed`, a number"
    if len(set(tolerance) - {"better"}) != 1 or not set(tolerance) <= {"relative", "absolute", "better"}:
        return "a value needs `tolerance` with `relative` or `absolute`, and optionally `better`"
    return "" if tolerance.get("better", "lower") in ("lower", "higher") else "`tolerance.better` is lower or higher"


def _ordering_problem(record: object) -> str:
    if not isinstance(record, Mapping) or set(record) != {"left", "relation", "right"}:
        return "an ordering needs `record` with `left`, `relation`, `right`"
    if record["relation"] not in RELATIONS:
        return f"unknown relation {record['relation']!r}; expected one of {' '.join(RELATIONS)}"
    return _selector_problem(record["left"]) or _selector_problem(record["right"])


def _selector_problem(spec: object) -> str:
    if isinstance(spec, (int, float)):
        return ""
    if isinstance(spec, Mapping) and set(spec) == {"compute", "of"} and spec["compute"] in COMPUTE:
        return next(filter(None, map(_selector_problem, spec["of"])), "")
    keys = {"file", "where", "field"}
    if isinstance(spec, Mapping) and keys <= set(spec) <= keys | _MORE and isinstance(spec["where"], Mapping):
        pair = spec.get("pair", {"within": ""})
        return "" if isinstance(pair, Mapping) and set(pair) in _PAIR else (
            f"`pair` is {pair!r}; expected {{within}} or {{field, over}}")
    return (f"bad selector {spec!r}; expected a number, {{file, where, field}} with a mapping `where` (and `list` in a "
            f"stamp, or `pair`), or {{compute, of}} with compute one of {', '.join(COMPUTE)}")
