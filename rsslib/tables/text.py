"""Text tables: a file, or a frame, as a frame of texts with the line of each row.

Bytes at the beginning tell UTF-8 or UTF-16, the first line tells the separator; a comma in a number is a decimal comma
where the separator is another one.
"""

import csv
import re
import warnings
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from rsslib import files
from rsslib.arguments import shown
from rsslib.data import times
from rsslib.project import InputError, InputWarning
from rsslib.tables.columns import roles

Table: TypeAlias = str | Path | pd.DataFrame
SEPARATORS = (";", "\t", "|", ",")
"""In this order: a comma may stand within numbers, the others do not."""
MISSING = ("", "na", "nan", "n/a", "null", "none", "-", "--")
"""Texts, in lower case, that say that there is no value."""
MOST_BYTES, MOST_REASONS = 2**30, 10
_DECIMAL = re.compile(r"\s*-?\d+,\d+\s*")
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
_PACKED = {b"\x1f\x8b": "gzip", b"PK": "zip or a spreadsheet", b"BZh": "bzip2", b"\xd0\xcf": "an old spreadsheet"}


class Problems:
    """Rows that cannot be used, by line, with the reason; `name` is that of the table, `skip` None if all must do."""

    def __init__(self, name: str, skip: bool | None):
        self.name, self.skip = name, skip
        self.found: dict[int, str] = {}

    def add(self, lines: Any, reasons: Any) -> None:
        """Add a reason for each line; of a line with several the first counts."""
        for line, reason in zip(lines, reasons):
            self.found.setdefault(int(line), str(reason))

    def settle(self, total: int) -> None:
        """Raise InputError that tells the bad lines by reason, unless they are to be skipped and others are left.

        Warns with InputWarning of lines that are skipped.
        """
        if not self.found:
            return
        lines: dict[str, list[int]] = {}
        for line in sorted(self.found):
            lines.setdefault(self.found[line], []).append(line)
        others = len(self.found) < total
        most = sorted(lines.items(), key=lambda item: -len(item[1]))[:MOST_REASONS]    # equal ones by their first line
        told = "; ".join(f"{_numbered(own)}: {reason}" for reason, own in most)
        more = len(self.found) - sum(len(own) for _, own in most)
        if self.skip and others:
            first, (reason, own) = min(self.found), most[0]
            warnings.warn(f"{self.name}: left out {len(self.found)} of {total} lines, the first is line {first}: "
                          + self.found[first] + f"; most often, {_numbered(own)}: {reason}" * (
                              len(lines) > 1 and len(own) > 1), InputWarning, stacklevel=4)
            return
        remedy = "no other line is left" if self.skip else "correct them" + (
            ", or leave them out with skip_bad (--skip-bad)" if self.skip is False and others else "")
        raise InputError(f"{self.name}: {len(self.found)} of {total} lines cannot be used: {told}"
                         + f"; and {more} more" * bool(more) + f"; {remedy}")


def _numbered(lines: list[int]) -> str:
    """Return the numbers of lines in words.

    >>> _numbered([3]), _numbered([3, 4, 8, 9]), _numbered([3, 4, 8, 9, 12])
    ('line 3', 'lines 3, 4, 8, 9', 'lines 3, 4, 8 and 2 more')
    """
    named = lines if len(lines) <= 4 else lines[:3]
    rest = f" and {len(lines) - 3} more" * (len(named) < len(lines))
    return f"line{'s' * (len(lines) > 1)} {', '.join(map(str, named))}{rest}"


def name_of(table: Any, role: str) -> str:
    """Return what errors call a table. Errors: InputError with `role` for what is no table.

    >>> name_of("mine.csv", "readings"), name_of(pd.DataFrame(), "readings")
    ('mine.csv', 'the frame of readings')
    """
    if not isinstance(table, (str, Path, pd.DataFrame)) or isinstance(table, str) and not table.strip():
        raise InputError(f"{role} is {shown(table)}; expected the name of a file, or a pandas.DataFrame")
    # a name that is not UTF-8 could not be written into any file
    return f"the frame of {role}" if isinstance(table, pd.DataFrame) else str(table).encode(
        "utf-8", "replace").decode()


def listed(columns: Any) -> str:
    """Return the names of columns as errors show them.

    >>> listed(["time", "rss"])
    'time, rss'
    """
    return shown(", ".join(map(str, columns))).strip("'\"")


def read(table: Table, name: str, problems: Problems, points: str = "") -> pd.DataFrame:
    """Return a table as texts; its index is the line of each row, its attrs say whether commas are decimal.

    Input: table, the name of a file (csv with any of SEPARATORS), or a frame, whose values are written as texts and
    whose rows count from 1; points in the geometry of a GeoPandas frame become columns lon and lat, after the prefix
    `points`. Rows with another number of fields than the first line go to `problems`.
    Errors: InputError naming the file if it is missing, packed, empty, no text, has no rows, or names a column twice;
    for a geometry without a reference system, or of others than points.

    >>> read(pd.DataFrame({"sensor": ["a"], "rss": [-70.5]}), "mine", Problems("mine", False)).rss.tolist()
    ['-70.5']
    """
    found = _of_frame(table, points, name) if isinstance(table, pd.DataFrame) else _of_file(table, problems)
    twice = found.columns[found.columns.duplicated()]
    if len(twice):
        raise InputError(f"{name}: column {shown(twice[0])} stands twice; expected each name once: rename or remove "
                         "one")
    if not len(found):
        raise InputError(f"{name}: no rows below the names of the columns; expected one a reading or a sample")
    return found


def numbers(texts: pd.Series, name: str, problems: Problems) -> np.ndarray:
    """Return a column of texts as numbers, NaN for MISSING; what is no number goes to `problems`."""
    plain = texts.str.strip()
    if texts.attrs.get("decimal") == ",":
        plain = plain.str.replace(",", ".", regex=False)
    missing = plain.str.lower().isin(MISSING).to_numpy()
    found = pd.to_numeric(plain.mask(missing), errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = ~missing & ~np.isfinite(found)
    problems.add(texts.index[bad], [f"{name} is {shown(text)}, no finite number" for text in texts[bad]])
    return np.where(bad, np.nan, found)


def stamps(texts: pd.Series, problems: Problems) -> np.ndarray:
    """Return a column of texts as times in UTC, (rows,) datetime64[ns]; what is none goes to `problems`, and is NaT.

    Errors: InputError with the table's name for times that do not go together, such as some with a time zone.

    >>> stamps(pd.Series(["2024-05-17T09:00:00Z", "1715936400"]), Problems("mine", False))
    Traceback (most recent call last):
    rsslib.project.InputError: mine: time: some are numbers, some are texts; expected one or the other
    """
    plain, name = texts.str.strip(), f"{problems.name}: time"
    bad = _no_times(plain.unique().tolist())
    good = ~plain.isin(list(bad)).to_numpy()
    problems.add(texts.index[~good], [f"time {shown(value)}: {bad[value]}" if value else "no time"
                                      for value in plain[~good]])
    found = np.full(len(texts), np.datetime64("NaT"), "M8[ns]")
    if good.any():
        found[good] = _times(plain[good].tolist(), name)
    return found


def _no_times(values: list[str]) -> dict[str, str]:
    """Return by text why it is no time; halves are tried as a whole, since a single time takes as long as many."""
    try:
        if np.isnat(_times(values, "time")).any():
            raise InputError("no time")
    except InputError as error:
        if "have a time zone" in str(error) or "some are numbers" in str(error):    # each is one: `stamps` refuses all
            return {}
        if len(values) == 1:
            return {values[0]: str(error).removeprefix("time: ") if "sample 0" not in str(error) else
                    "neither as 2022-07-05T09:00:00 (ISO 8601) nor in seconds since 1970"}
        half = len(values) // 2
        return _no_times(values[:half]) | _no_times(values[half:])
    return {}


def _times(values: list[str], name: str) -> np.ndarray:
    if "" in values:
        raise InputError(f"{name}: no time")
    whole = [float(value) if re.fullmatch(r"\d{9,20}(\.\d+)?", value, re.ASCII) else value for value in values]
    if len({type(value) for value in whole}) > 1:
        raise InputError(f"{name}: some are numbers, some are texts; expected one or the other")
    return times.times(whole, name, len(whole))


def _of_frame(frame: pd.DataFrame, points: str, name: str) -> pd.DataFrame:
    plain = pd.DataFrame(frame)    # without the ways of GeoPandas
    given = roles(map(str, plain.columns), name) if "geometry" in plain.columns else None
    if given is not None and not any(f"{points}{axis}" in given for axis in ("lat", "lon", "x", "y")):
        plain = plain.assign(**_degrees(frame["geometry"], points, name))
    kept = [number for number, column in enumerate(plain.columns) if str(column) != "geometry"]
    found = pd.DataFrame(dict(enumerate(_written(plain.iloc[:, number]) for number in kept)),
                         index=pd.RangeIndex(1, len(plain) + 1), dtype=object)
    found.columns = pd.Index([str(plain.columns[number]).strip() for number in kept], dtype=object)
    return found


def _degrees(geometry: Any, points: str, name: str) -> dict[str, pd.Series]:
    """Return longitude and latitude of GeoPandas' points; nothing of a column that only has that name."""
    if not hasattr(geometry, "to_crs"):
        return {}
    if geometry.crs is None or not geometry.geom_type.isin(["Point", None]).all():
        raise InputError(f"{name}: its geometry has {'no crs' if geometry.crs is None else 'others than points'}; "
                         "expected points in a reference system: set_crs, or columns lat and lon")
    placed = geometry.to_crs(4326)
    return {f"{points}lon": placed.x, f"{points}lat": placed.y}


def _written(column: pd.Series) -> list[str]:
    if pd.api.types.is_float_dtype(column.dtype):    # repr: all digits, and no more
        return ["" if np.isnan(value) else repr(float(value))
                for value in column.to_numpy(np.float64, na_value=np.nan)]
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return ["" if pd.isna(value) else value.isoformat() for value in column]
    return ["" if pd.api.types.is_scalar(value) and pd.isna(value) else _in_words(value) for value in column]


def _in_words(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return str(value)
    except Exception:    # whatever its class raises; of whole numbers of thousands of digits, ValueError
        return shown(value)


def _of_file(path: str | Path, problems: Problems) -> pd.DataFrame:
    lines = _text(path).split("\n")
    head = next((number for number, line in enumerate(lines) if line.strip()), None)
    if head is None:
        raise InputError(f"{path}: empty; expected a table whose first line names the columns")
    separator = next((mark for mark in SEPARATORS if mark in lines[head]), ",")
    rows = _rows(lines[head:], separator, str(path), head)
    columns = [text.strip() for text in rows[0][1]]
    if len(columns) < 2:
        raise InputError(f"{path}: the first line {shown(lines[head])} names one column; expected several, separated "
                         f"by one of {' '.join(map(repr, SEPARATORS))}")
    full = [(line + head, row) for line, row in rows[1:] if any(text.strip() for text in row)]
    bad = [(line, row) for line, row in full if len(row) != len(columns)]
    problems.add([line for line, _ in bad],
                 [f"{len(row)} fields, where the first line names {len(columns)} columns" for _, row in bad])
    good = [(line, row) for line, row in full if len(row) == len(columns)]
    if full and not good:
        problems.settle(len(full))
    found = pd.DataFrame([row for _, row in good], columns=columns, dtype=object)
    found.index = pd.Index([line for line, _ in good], dtype=np.int64)
    if separator != "," and any(_DECIMAL.fullmatch(text) for _, row in rows[1:50] for text in row):
        found.attrs["decimal"] = ","
    return found


def _text(path: str | Path) -> str:
    what = "a table as text (csv)"
    content = files.read_bytes(path, what)
    for begin, packing in _PACKED.items():
        if content.startswith(begin):
            raise InputError(f"{path}: looks like {packing}; expected {what}: unpack it, or save it as csv")
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: {len(content) / 2**30:.1f} GiB; expected at most 1: split it")
    encoding = next((name for mark, name in _BOMS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not {encoding.upper()} at byte {error.start}; expected {what}: save it as UTF-8"
                         ) from None
    if "\0" in text:
        raise InputError(f"{path}: holds null characters; expected {what}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _rows(lines: list[str], separator: str, path: str, before: int) -> list[tuple[int, list[str]]]:
    """Return the fields of each row and the line that it begins in, counted from 1."""
    if not any('"' in line for line in lines):
        return [(number, line.split(separator)) for number, line in enumerate(lines, 1)]
    found, reader, first = [], csv.reader(StringIO("\n".join(lines)), delimiter=separator, strict=True), 1
    try:
        for row in reader:
            found.append((first, row))
            first = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}: line {first + before}: {error}; expected each quoted field closed") from None
    return found
