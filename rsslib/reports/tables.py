"""Tables for readers: records as text, with labels and units, intervals, and the paper's value beside ours."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from rsslib.arguments import is_number
from rsslib.ledger.quantities import interval
from rsslib.ledger.wording import decimals, fixed
from rsslib.project import InputError
from rsslib.reports.style import ENVIRONMENTS, LOOKS, SEPARATIONS, environment_label

NOTHING = "\N{EN DASH}"
"""What stands where a record has no value, as where a set has no such sample."""


class Column(NamedTuple):
    """A column: its label with the unit, the field, its decimals, a factor (100 for percent), and printed values.

    `printed` maps the values of the fields `by` of a record to what the paper prints, in the unit of the field; it adds
    a column of its own.
    """

    label: str
    field: str
    digits: int = 0
    scale: float = 1
    printed: Mapping[tuple, float] | None = None
    by: tuple[str, ...] = ()


def name(value: Any) -> str:
    """Return a value of a record in words for readers.

    >>> name("july"), name("grid7"), name("two_stage_logit"), name("free_space"), name(["a", "b"])
    ('July→Nov', 'Grid7', 'two-stage, logits', 'Free space', 'a, b')
    """
    if isinstance(value, (list, tuple)):
        return ", ".join(map(name, value)) or NOTHING
    if not isinstance(value, str):
        return NOTHING if value is None else str(value)
    labels = {key: look.label for key, look in LOOKS.items()} | ENVIRONMENTS | SEPARATIONS
    plain = value.replace("_", " ")
    return labels.get(value, plain.capitalize() if re.fullmatch(r"grid\d+|published \w+|blocks", plain) else plain)


def cell(record: Mapping, field: str, digits: int = 0, scale: float = 1) -> str:
    """Return a field of a record as text, with its interval if it has one.

    >>> cell({"median_m": 47.42, "ci95_m": [38.2, 53.0]}, "median_m")
    '47 (38 to 53)'
    >>> cell({"set": "july"}, "set"), cell({"set": "november_all"}, "set")
    ('July', 'November, all of it')
    """
    value, ends = record.get(field), interval(record, field)
    if isinstance(value, str) and field.endswith("set"):    # the season July is not the separation July→Nov
        return LOOKS[value].label if value in LOOKS else value.replace("_all", ", all of it").capitalize()
    if isinstance(value, str) and field.endswith(("environment", "trained_on", "tested_on")):
        return environment_label(value)
    if not is_number(value):
        return name(value)
    if not math.isfinite(value):
        return NOTHING
    shown = [scale * float(value)]
    if ends is not None and all(end is not None and math.isfinite(end) for end in ends):
        shown += [scale * end for end in ends]
        digits = decimals(shown, digits) if ends[0] * ends[1] > 0 else digits    # what excludes 0 must not read as 0
    text, *around = [_grouped(fixed(part, digits)) for part in shown]
    return f"{text} ({' to '.join(around)})" if around else text


def _said(value: float | None, scale: float) -> str:
    """Return a printed number with the decimals that the paper prints."""
    return NOTHING if value is None or not math.isfinite(value) else _grouped(f"{round(scale * value, 4):.10g}")


def _grouped(text: str) -> str:
    """Return a number, from 10 000 on with thin groups of three digits."""
    whole, dot, rest = text.partition(".")
    return (f"{int(whole):,}".replace(",", " ") if whole.isdecimal() and len(whole) > 4 else whole) + dot + rest


def table(records: Sequence[Mapping], columns: Sequence[Column | tuple]) -> pd.DataFrame:
    """Return records as a table of text; its first column is the index.

    Input: a `Column`, or a tuple of its first fields, for each column.

    >>> print(table([{"loss": "emd", "median_m": 47.42}], [("loss", "loss"), ("error [m]", "median_m", 1)]).to_csv())
    loss,error [m]
    EMD,47.4
    <BLANKLINE>
    """
    shown: dict[str, list[str]] = {}
    for column in (Column(*column) for column in columns):
        if column.label in shown:
            raise InputError(f"table: two columns have the same label: {column.label}")
        shown[column.label] = [cell(record, column.field, column.digits, column.scale) for record in records]
        if column.printed is not None:
            keys = [tuple(record.get(key) for key in column.by) for record in records]
            shown[f"{column.label}, paper"] = [_said(column.printed.get(key), column.scale) for key in keys]
    if not shown:
        raise InputError("table: no columns; expected at least one, such as ('loss', 'loss')")
    return pd.DataFrame(shown).set_index(next(iter(shown)))


def matrix(records: Sequence[Mapping], rows: str, columns: str, field: str, digits: int = 0, scale: float = 1,
           printed: Mapping[tuple, float] | None = None) -> pd.DataFrame:
    """Return one field of records as a matrix of text, a row and a column for each value of two other fields.

    Where `printed` has (row, column), the cell ends with what the paper prints.

    >>> records = [{"loss": loss, "split": "grid2", "median_m": 300.0} for loss in ("com", "emd")]
    >>> print(matrix(records, "loss", "split", "median_m", printed={("emd", "grid2"): 277.5}).to_csv())
    loss,Grid2
    CoM,300
    EMD,300 [paper 277.5]
    <BLANKLINE>
    """
    cells: dict[str, dict[str, str]] = {}
    for record in records:
        if missing := {rows, columns, field} - set(record):
            raise InputError(f"matrix: no {min(missing)!r} in a record; it has {', '.join(map(str, record))}")
        text, said = cell(record, field, digits, scale), (printed or {}).get((record[rows], record[columns]))
        text += "" if said is None else f" [paper {_said(said, scale)}]"
        column = cells.setdefault(name(record[columns]), {})
        if name(record[rows]) in column:
            raise InputError(f"matrix: two records have {rows} {record[rows]!r} and {columns} {record[columns]!r}")
        column[name(record[rows])] = text
    return pd.DataFrame(cells).rename_axis(rows.replace("_", " ")).fillna(NOTHING)
