"""Mutations of what files hold: bytes, lines of text, trees of JSON. All are drawn by a `Drawing`."""

import copy
import gzip
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

INF, NAN = math.inf, math.nan
JSON_ODD = (None, True, False, 0, -1, 1.5, 10**12, 2**63, 10**400, 1e300, -1e-300, NAN, INF, -INF, "", "abc", "1",
            "-3.5",
            "nan", "é\u2028\x00", "a" * 5000, [], [1], [None], [[]], {}, {"a": 1})
"""What may stand in a JSON file in place of anything else."""
CELLS = ("", "nan", "inf", "-inf", "abc", "1e999", "0", "100", "-9999", '"', "1,5", "é", "  ", "True", "-")
"""What may stand in a table in place of a number."""
HTML = b"<!DOCTYPE html><html><body><h1>503 Service Unavailable</h1></body></html>"
_DEEP = 100_000


class Drawing:
    """Draws choices, and keeps what was said of them; without `draw` everything stays as it is."""

    def __init__(self, draw: Callable | None):
        self.draw, self.said = draw, []

    def say(self, what: str) -> str:
        """Note what was changed; return it."""
        self.said.append(what)
        return what

    def number(self, low: int, high: int) -> int:
        """Draw a whole number from low to high."""
        return self.draw(st.integers(low, max(low, high)))

    def one(self, options: Sequence) -> Any:
        """Draw one of the options."""
        return options[self.number(0, len(options) - 1)]

    def wants(self, often: float) -> bool:
        """Draw whether to change a part of the input."""
        return self.draw is not None and self.number(1, 100) <= 100 * often

    def choice(self, valid: Any, options: Sequence, what: str, often: float = 0.5) -> Any:
        """Return `valid`, or now and then one of the options."""
        if not self.wants(often):
            return valid
        chosen = self.one(options)
        self.say(f"{what}={short(chosen)}")
        return chosen


class Contents(Drawing):
    """Mutations of bytes, lines and trees."""

    def bytes(self, content: bytes) -> bytes:
        """Return mutated bytes: flipped, cut, doubled, overwritten, encoded otherwise, or of something else."""
        changes: dict[str, Callable[[bytes], bytes]] = {
            "flip": self._flipped, "cut": lambda b: b[:self.number(0, max(0, len(b) - 1))],
            "tail": lambda b: b[self.number(1, max(1, len(b))):], "double": self._doubled, "gap": self._gap,
            "zeros": lambda b: bytes(len(b)), "junk": self._junk, "empty": lambda b: b"", "html": lambda b: HTML,
            "gzip": lambda b: gzip.compress(b, mtime=0), "bom": lambda b: b"\xef\xbb\xbf" + b, "twice": lambda b: b + b,
            "utf-16": lambda b: b.decode("latin-1").encode("utf-16"), "crlf": lambda b: b.replace(b"\n", b"\r\n")}
        for _ in range(self.number(1, 2)):
            name = self.one([*["flip"] * 6, *["cut"] * 2, *changes])
            self.say(f"bytes: {name}")
            content = changes[name](content)
        return content

    def _flipped(self, content: bytes) -> bytes:
        changed = bytearray(content)
        for _ in range(self.number(1, 3) if changed else 0):
            at = self.number(0, len(changed) - 1)
            changed[at] ^= 1 << self.number(0, 7)
            self.say(f"at {at}")
        return bytes(changed)

    def _doubled(self, content: bytes) -> bytes:
        first = self.number(0, len(content))
        return content[:self.number(first, len(content))] + content[first:]

    def _gap(self, content: bytes) -> bytes:
        first = self.number(0, len(content))
        return content[:first] + content[first + self.number(1, 40):]

    def _junk(self, content: bytes) -> bytes:
        at, new = self.number(0, len(content)), self.draw(st.binary(min_size=1, max_size=12))
        self.say(f"{new!r} at {at}")
        return content[:at] + new + content[at + self.one((0, len(new))):]

    def lines(self, content: bytes) -> bytes:
        """Return a text with a line dropped, doubled, cut or moved, or a field of it, or with other separators."""
        rows = content.decode().splitlines()
        at = self.number(0, len(rows) - 1)
        row, other, fields = rows[at], self.one(rows), rows[at].split(",")
        field, cell = self.number(0, len(fields) - 1), self.one(CELLS)
        before, after = fields[:field], fields[field + 1:]
        changes = {"drop": [], "double": [row, row], "cut": [row[:self.number(0, len(row))]], "comma": [row + ","],
                   "field": [",".join([*before, cell, *after])], "reversed": [",".join(reversed(fields))],
                   "missing field": [",".join(before + after)], "swap": [other], "blank": ["", row],
                   "comment": ["# a comment", row], "tab": ["\t" + row],
                   "field twice": [",".join([*before, fields[field], fields[field], *after])]}
        name = self.one((*["field"] * 4, *changes, "semicolons", "quotes"))
        self.say(f"line {at}: {name}" + (f" {field} is {cell!r}" if name == "field" else ""))
        if name in ("semicolons", "quotes"):
            return content.replace(b",", b";" if name == "semicolons" else b'","')
        return ("\n".join([*rows[:at], *changes[name], *rows[at + 1:]]) + "\n").encode()

    def tree(self, content: Any, often: float = 1.0, odd: Sequence = JSON_ODD) -> Any:
        """Return a copy of a tree of dicts and lists with one to three nodes changed."""
        for _ in range(self.number(1, 3) if self.wants(often) else 0):
            content = copy.deepcopy(content)
            path = self.one(list(_paths(content))[:500])
            if not path:
                content = self.one((*odd, [content]))
                self.say(f"all is {short(content)}")
                continue
            *above, key = path
            parent = content
            for step in above:
                parent = parent[step]
            self.say(f"{'.'.join(map(str, path))[-60:]}: {self._change(parent, key, odd)}")
        return content

    def _change(self, parent: Any, key: Any, odd: Sequence) -> str:
        """Change a node of a tree; return what was done."""
        value = parent[key]
        kinds = ["odd", "odd", "dropped", "retyped", "swapped"]
        kinds += [] if any(" huge " in said for said in self.said) else ["huge"]    # a thousand times, not a million
        kinds += ["renamed"] * 2 if isinstance(parent, dict) else ["twice"]
        kinds += ["scaled"] * 3 if isinstance(value, (int, float)) and not isinstance(value, bool) else []
        kind = self.one(kinds)
        if kind == "dropped":
            del parent[key]
        elif kind == "twice":
            parent.insert(self.number(0, len(parent)), value)
        elif kind == "swapped":
            other = self.one(list(parent) if isinstance(parent, dict) else range(len(parent)))
            parent[key], parent[other] = parent[other], value
        elif kind == "renamed":
            new = self.one((f"{key}x", str(key).upper(), "", str(key)[:-1], "é"))
            parent[new] = parent.pop(key)
            return f"renamed {new!r}"
        else:
            factor = self.one((-1, 1000, 1e-6, 1e12, 0, 180, 10.0)) if kind == "scaled" else 1
            parent[key] = (self.one(odd) if kind == "odd" else _scaled(value, factor) if kind == "scaled" else
                           _retyped(value) if kind == "retyped" else value * 1000 if isinstance(value, (list, str)) else
                           [value] * 1000)
            return f"{kind} to {short(parent[key])}"
        return kind

    def dumped(self, content: Any) -> bytes:
        """Return a tree as JSON, now and then with a key that stands twice, or nested too deeply."""
        text = json.dumps(content)
        if self.number(1, 12) == 1:
            text = text.replace("{", '{"a": null, "a": 1, ', 1)
            self.say("a key twice")
        if self.number(1, 30) == 1:
            text = "[" * _DEEP + text + "]" * _DEEP
            self.say("nested deeply")
        return text.encode("utf-8", "surrogatepass")


def _paths(content: Any, here: tuple = ()) -> Iterator[tuple]:
    yield here
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield from _paths(value, (*here, key))


def _scaled(value: int | float, factor: float) -> int | float:
    try:
        return value * factor
    except OverflowError:    # a whole number of hundreds of digits, by a fraction
        return value


def _retyped(value: Any) -> Any:
    if isinstance(value, dict):
        return [list(pair) for pair in value.items()]
    if isinstance(value, list):
        return {str(number): item for number, item in enumerate(value)}
    return [value] if isinstance(value, str) else str(value)


def short(value: object) -> str:
    """Return a value as text, cut where it is long."""
    text = repr(value).replace("\n", " ")
    return text if len(text) < 60 else f"{text[:50]}… ({len(text)})"
