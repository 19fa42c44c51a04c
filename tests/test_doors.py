"""docs/doors.md: it names every door and no other, and tests/fuzz has a way through each, or the page says why not."""

import ast
import re
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path

import pytest

import rsslib

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(rsslib.__file__).parent
PAGE = (ROOT / "docs" / "doors.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
WITHOUT, NONE = SECTIONS.pop("Doors without mutations"), SECTIONS.pop("No doors")


def _rows(text):
    """The cells of the rows of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def _names(cell):
    return re.findall(r"`(rsslib[\w.*]*)`", cell)


ROWS = [row for text in SECTIONS.values() for row in _rows(text)]
DOORS = [name for row in ROWS for name in _names(row[0])]
UNTRIED = [name for row in _rows(WITHOUT) for name in _names(row[0])]
INNER = [name for row in _rows(NONE) for name in _names(row[0])]
FUZZED = set(re.findall(r'@door\("([\w.]+)', "".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "fuzz" / "doors").glob("*.py"))))


def _module(path):
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


PUBLIC = [f"{_module(path)}.{node.name}" for path in sorted(PACKAGE.rglob("*.py")) if not path.name.startswith("_s")
          for node in ast.parse(path.read_text(encoding="utf-8")).body
          if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")]


def _found(name):
    """Import what a dotted name names."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found


@pytest.mark.parametrize("name", [*DOORS, *UNTRIED, *(name for name in INNER if "*" not in name)])
def test_each_name_of_the_page_is_there(name):
    assert callable(_found(name)) or isinstance(_found(name), dict)


def test_each_public_function_is_a_door_or_said_to_be_none():
    named = {*DOORS, *UNTRIED}
    assert [name for name in PUBLIC if name not in named and not any(fnmatchcase(name, inner) for inner in INNER)] == []


def test_the_page_names_nothing_twice_and_nothing_that_is_gone():
    assert len({*DOORS, *UNTRIED}) == len(DOORS) + len(UNTRIED)
    assert [inner for inner in INNER if not any(fnmatchcase(name, inner) for name in PUBLIC)] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_each_row_is_mutated_and_complete(row):
    names = _names(row[0])
    assert len(row) == 4 and names and row[1] and row[2]
    assert {name.removeprefix("rsslib.") for name in names} & FUZZED


def test_each_mutated_door_is_in_the_table():
    assert {f"rsslib.{name}" for name in FUZZED} - {*DOORS} == set()


def test_a_door_without_mutations_says_why():
    assert all(len(row) == 2 and row[1] for row in [*_rows(WITHOUT), *_rows(NONE)])
