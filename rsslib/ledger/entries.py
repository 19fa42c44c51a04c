"""The entries of claims.yaml expanded to claims: groups, labels, and the papers' printed tables."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from rsslib.ledger import rules
from rsslib.project import InputError

_NAME = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
_PRINTED = re.compile(r"-?\d+(\.\d+)?(/[1-9]\d*)?")
_MOST = 10_000    # claims of one entry


class Cell(NamedTuple):
    """The place of a number in a printed table: what its rows are, its row and column in words, and how it is printed.

    If a share is printed as 18.22 of 128, `printed` is 18.22 and `whole` is 128, else that is 1.
    """

    corner: str
    row: str
    column: str
    printed: str
    whole: float = 1


class Entries:
    """Expands the entries of a claims file to claims, with its labels and printed tables."""

    def __init__(self, content: Mapping):
        self._labels = content.get("labels", {})
        self._tables = {name: _table(name, text) for name, text in content.get("tables", {}).items()}

    def claims(self, entries: Iterable[Mapping], shared: Mapping, where: str = "entry") -> Iterator[dict]:
        """Yield the claims of `entries`; `shared` are the keys of their enclosing groups.

        Errors: InputError naming the claim, for a part of another shape or a name that is not known.
        """
        for number, entry in enumerate(entries, 1):
            entry = {**shared, **entry}
            here = f"claim {entry['id']}" if "id" in entry else f"{where} {number}"
            if "claims" in entry:
                inner = entry.pop("claims")
                rules.check(inner, [rules.MAPPING], f"{here}: `claims`")
                yield from self.claims(inner, entry, f"{here}, entry")
                continue
            rules.check(entry, rules.AXES, here)
            try:
                yield from self._expanded(entry)
            except KeyError as error:
                raise InputError(f"{here}: {error} is not known here") from error
            except InputError as error:
                raise InputError(f"{here}: {error}") from error

    def _expanded(self, entry: dict) -> Iterator[dict]:
        plain = {key: value for key, value in entry.items() if key not in ("each", "table", "pairs", "own", "relation")}
        own, unused = entry.get("own", {}), list(entry.get("own", {}))
        for names in self._combinations(entry):
            claim = plain
            labels = [name["key"] for name in names.values() if isinstance(name, Mapping)]
            for key in (*labels, self._filled(plain.get("id", ""), names)):
                claim, unused = claim | own.get(key, {}), [other for other in unused if other != key]
            yield self._filled(claim, names) | ({"cell": names["cell"]} if "cell" in names else {})
        if unused:
            raise KeyError(unused[0])

    def _combinations(self, entry: Mapping) -> Iterator[dict]:
        """Yield the values of names in braces for each cell of a table, pair of cells, or combination of labels."""
        header, cells = self._tables[entry["table"]] if "table" in entry else ((), {})
        pairs = entry.get("pairs", {})
        if pairs and (len(pairs) > 1 or not set(pairs) <= set(header)):
            raise InputError(f"`pairs` of {', '.join(pairs)}; expected a `table`, and one of its labels")
        axes = {**pairs, **entry.get("each", {})}
        axes |= {name: dict.fromkeys(cell[at] for cell in cells) for at, name in enumerate(header) if name not in axes}
        if math.prod(map(len, axes.values())) > _MOST:
            raise InputError(f"more than {_MOST} combinations of {', '.join(map(str, axes))}")
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
            return [self._filled(part, names | more) for part in node for more in self._ranged(part)]
        return node

    def _ranged(self, part: Any) -> Iterable[dict]:
        """Return what a part of a list with `each` ranges over."""
        if not isinstance(part, Mapping) or "each" not in part:
            return [{}]
        rules.check(part["each"], rules.EACH, "`each` in a list")
        return self._combinations({"each": part["each"]})


def _table(name: object, text: str) -> tuple[list[str], dict[tuple, str]]:
    """Parse a printed table: the names of its labels, and {(labels of row and column): number as text}."""
    (head, *columns), *rows = (line.split() for line in text.splitlines() if line.strip()) if text.strip() else ([""],)
    names = head.split("/")
    cells = [((*row.split("/"), column), number) for row, *numbers in rows for column, number in zip(columns, numbers)]
    for row, *numbers in rows:
        if len(numbers) != len(columns) or len(row.split("/")) != len(names) - 1:
            raise InputError(f"table {name}: expected {len(columns)} numbers in row {row}, and a label for each of "
                             f"{', '.join(names[:-1])}")
        if wrong := [number for number in numbers if not _PRINTED.fullmatch(number)]:
            raise InputError(f"table {name}: {wrong[0]!r} in row {row}; expected a number, or a share as 18.22/128")
    if not cells or len(dict(cells)) < len(cells) or len(set(names)) < len(names):
        raise InputError(f"table {name}: expected at least one number, and each row and column once")
    return names, dict(cells)


def _shown(label: Mapping) -> str:
    """Return what a printed table calls a row or a column: `short`, else `name`, else the key."""
    return label.get("short", label.get("name", str(label["key"])))


def _number(text: str) -> float:
    """Parse a printed number; 18.22/128 is a share, rounded to four decimals."""
    number, _, whole = text.partition("/")
    return round(float(number) / float(whole), 4) if whole else float(number) if "." in number else int(number)


def _compared(labels: list[dict], texts: list[str], relation: str | None) -> dict:
    """Return the names of a pair of cells, exchanged if the printed `relation` would not hold otherwise."""
    if relation and not rules.RELATIONS[relation](*map(_number, texts)):
        labels, texts = labels[::-1], texts[::-1]
    (left, _, whole), (right, *_) = (text.partition("/") for text in texts)
    apart = float(left) - float(right)
    return {"left": labels[0] | {"printed": left}, "right": labels[1] | {"printed": right},
            "relation": "<" if apart < 0 else ">", "more": "lower" if apart < 0 else "higher",
            "difference": f"{apart:+.2f}", "share": f"{apart / float(whole or 1):+.4f}"}


