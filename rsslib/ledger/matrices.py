"""Matrices: the papers' tables as they are printed, with our value and a mark in each cell."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from rsslib.ledger.claims import Cell
from rsslib.ledger.markdown import table
from rsslib.ledger.pictures import numbered
from rsslib.ledger.verdicts import Verdict
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, ends, number

_MARKS = {SETTLED: "✓", REFUTED: "✗", UNDECIDED: "≈", "": "·"}
Cells = Mapping[tuple[str, str], Verdict]


def passage(verdict: Verdict) -> str:
    """Return the passage that a claim belongs to, such as "Table II" for "Table II, training time"."""
    return verdict.claim.where.split(",")[0]


def render(verdicts: Iterable[Verdict]) -> list[str]:
    """Return the printed tables among the claims in Markdown, each under its name.

    Printed tables of one passage are set side by side: they have the same rows.
    """
    cells = [verdict for verdict in verdicts if verdict.claim.cell]
    return [f"**{numbered(name)}**\n\n{_matrix(list(group))}\n" for (_, name), group in groupby(
        cells, key=lambda verdict: (verdict.claim.paper, passage(verdict)))]


def _matrix(verdicts: Sequence[Verdict]) -> str:
    first = next((one.profile for one in verdicts if one.settled), "")
    placed = {(cell.row, cell.column): verdict for verdict, cell in _placed(verdicts)}
    rows, columns = (list(dict.fromkeys(place[axis] for place in placed)) for axis in (0, 1))
    by_column = all(len(_units(placed, 1, column)) == 1 for column in columns)
    heads = [column + (_unit(placed, 1, column) if by_column else "") for column in columns]
    lines = [[row + ("" if by_column else _unit(placed, 0, row)),
              *(_shown(placed[row, column], first) if (row, column) in placed else "" for column in columns)]
             for row in rows]
    return table([_placed(verdicts)[0][1].corner, *heads], lines)


def _shown(verdict: Verdict, profile: str) -> str:
    return text(verdict) + (f" ({verdict.profile})" if profile and verdict.profile != profile else "")


def text(verdict: Verdict) -> str:
    """Return a cell: what is printed, ours with its interval, and a mark."""
    (_, cell), = _placed([verdict])
    around = ends([cell.whole * end for end in verdict.ci95]) if verdict.ci95 else ""
    return f"{arrow(verdict)}{around} {mark(verdict)}"


def mark(verdict: Verdict) -> str:
    """Return the mark of a cell: within its tolerance or better, outside, on its limit, or not judged."""
    if verdict.settled == UNDECIDED and not verdict.ci95:    # a value without an interval
        return _MARKS[REFUTED if verdict.differs else SETTLED]
    return _MARKS[verdict.settled]


def arrow(verdict: Verdict) -> str:
    """Return what is printed in a cell, and ours."""
    (_, cell), = _placed([verdict])
    value = verdict.value
    ours = "not run" if value is None else number(value if cell.whole == 1 else cell.whole * value)
    return f"{cell.printed} → {ours}"


def _placed(verdicts: Iterable[Verdict]) -> list[tuple[Verdict, Cell]]:
    return [(verdict, verdict.claim.cell) for verdict in verdicts if verdict.claim.cell]


def _units(placed: Cells, axis: int, label: str) -> list[str]:
    """Return the units of a row (axis 0) or a column (axis 1)."""
    units = {verdict.claim.unit if cell.whole == 1 else f"1/{cell.whole:g} {verdict.claim.unit}"
             for place, at in placed.items() if place[axis] == label for verdict, cell in _placed([at])}
    return sorted(units)


def _unit(placed: Cells, axis: int, label: str) -> str:
    return "".join(f" [{unit}]" for unit in _units(placed, axis, label) if unit)
