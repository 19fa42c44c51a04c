"""Tidy records: one JSON file per table or figure with its provenance, and a stamp of each run."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from rsslib.arguments import shown
from rsslib.files import read_json
from rsslib.project import ROOT, InputError, atomic_path, is_plain, write_json

Record = dict[str, Any]
_WHAT, _REMEDY = '{"provenance": {...}, "records": [...]}', "run the stage that writes it again, or restore it with git"
_LARGEST = 1e15


class NoRecord(InputError):
    """A number that is not there: no such file or record, or it has none, for a reason that it may give."""


def write(profile: str, name: str, records: Iterable[Mapping], provenance: Mapping, stamp: Mapping,
          folder: str | Path | None = None, decimals: int = 4) -> Path:
    """Write `<folder>/<profile>/<name>.json` and `<name>.stamp.json`; return the path of the first.

    Keys keep their order and floats are rounded to `decimals`, so that equal results give equal bytes. `folder` is
    ROOT/results by default. A value that is not finite is stored as null and needs a reason under `<key>_reason`. If
    the file exists with the same content, the stamp of the earlier run is kept.

    Errors: InputError for a value that is not finite without a reason, or within a list, and what `load` would refuse.

    >>> write("smoke", "table2", [{"loss": "emd", "median_m": 47.4}], {}, {}, tmp)  # doctest: +SKIP
    """
    target, stamped = path(profile, name, folder), path(profile, f"{name}.stamp", folder)
    try:
        each = iter(records)
    except TypeError:    # also of arrays without a dimension, which are Iterable to Python
        raise InputError(f"{target}: records is {shown(records)}; expected a list of records") from None
    rows = [_tidy(record, f"{target}: record {row}", decimals) if isinstance(record, Mapping) else record
            for row, record in enumerate(each)]
    content = _checked({"provenance": plain(provenance), "records": rows}, target)
    kept = _checked(plain(stamp), stamped)
    header = json.dumps(content["provenance"], indent=1, ensure_ascii=False)
    body = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in content["records"])
    text = f'{{"provenance": {header},\n "records": [\n{body}\n ]}}\n'
    if stamped.is_file() and target.is_file() and target.read_bytes() == text.encode():
        return target
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    write_json(stamped, kept)
    return target


def read(profile: str, name: str, folder: str | Path | None = None) -> dict:
    """Read one file of results: `{"provenance": {...}, "records": [...]}`, or a stamp for `<name>.stamp`.

    Errors: NoRecord if the file is missing; those of `load`.

    >>> read("quick", "table2")["records"][0]["loss"]  # doctest: +SKIP
    'com'
    """
    source = path(profile, name, folder)
    if not source.exists():
        raise NoRecord(f"{source}: no such results; run the stage of profile `{profile}` that writes it")
    return load(source)


def load(source: Path) -> dict:
    """Read a file of records or a stamp.

    Errors: InputError naming the file, record and key for what is no JSON, has no records, or holds a number that is
    not finite, or an interval that is not two numbers in order.
    """
    return _checked(read_json(source, _WHAT, _REMEDY), source)


def _checked(content: Any, source: Path) -> dict:
    keys = set() if source.stem.endswith(".stamp") else {"provenance", "records"}
    if not isinstance(content, dict) or keys and set(content) != keys:
        raise InputError(f"{source}: expected {'keys and values' if not keys else _WHAT}: {_REMEDY}")
    if keys:
        _check_row(content["provenance"], f"{source}: provenance")
    for name, rows in content.items():
        if isinstance(rows, list) or name == "records":
            _check_rows(rows, f"{source}: {name}")
    return content


def _check_rows(rows: Any, where: str) -> None:
    if not isinstance(rows, list):
        raise InputError(f"{where}: expected a list of records, found {shown(rows)}: {_REMEDY}")
    for number, row in enumerate(rows):
        _check_row(row, f"{where}: record {number}")


def _check_row(row: Any, where: str) -> None:
    if not isinstance(row, dict):
        raise InputError(f"{where} is {shown(row)}; expected keys and values: {_REMEDY}")
    for key, value in row.items():
        if not (value is None or _is_interval(value) if key.startswith("ci95_") else all(
                map(_is_value, value if isinstance(value, list) else [value]))):
            raise InputError(f"{where}: `{key}` is {shown(value)}; expected a finite number below 1e15, a text, or a "
                             f"list of them; of ci95_... an interval, [low, high]: {_REMEDY}")


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a number to reckon with: no bool, finite, and less than 1e15.

    >>> is_number(3), is_number(True), is_number(float("nan"))
    (True, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_value(value: object) -> bool:
    if isinstance(value, str):
        return not re.search("[\ud800-\udfff]", value)    # halves of characters, which no file can hold
    return value is None or isinstance(value, bool) or is_number(value)


def _is_interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_number, value)) and value[0] <= value[1]


def path(profile: str, name: str, folder: str | Path | None = None) -> Path:
    """Return the path of a file of records, `<folder>/<profile>/<name>.json`, by default in ROOT/results.

    Errors: InputError for a profile or a name that is a path.
    """
    for part in (profile, name):
        if not is_plain(part):
            raise InputError(f"results: {part!r} names no file of records; expected a profile and a name, no path")
    return Path(folder or ROOT / "results") / profile / f"{name}.json"


def value(key: str, number: float, reason: str, interval: Sequence[float] | None = None) -> Record:
    """Return a number and its 95 % interval as fields of a record, or NaN and its reason if it is not finite.

    >>> value("median_m", 47.4, "no such sample", (45.0, 50.1))
    {'median_m': 47.4, 'ci95_median_m': (45.0, 50.1)}
    >>> value("median_m", float("nan"), "no such sample")
    {'median_m': nan, 'median_m_reason': 'no such sample'}
    """
    if not math.isfinite(number):
        return {key: number, f"{key}_reason": reason}
    return {key: number} | ({} if interval is None else {f"ci95_{key}": interval})


def select(records: Sequence[Mapping], /, **where: object) -> list:
    """Return the records with the values `where`.

    Errors: InputError for what is no list of records, NoRecord for a key that none of them has.

    >>> select([{"loss": "emd", "n": 1}, {"loss": "com", "n": 2}], loss="com")
    [{'loss': 'com', 'n': 2}]
    """
    if not isinstance(records, Sequence) or not all(isinstance(record, Mapping) for record in records):
        raise InputError(f"records: {shown(records)}; expected a list of records, each keys and values")
    for key in where:
        if records and not any(key in record for record in records):
            known = sorted({str(name) for record in records for name in record})
            raise NoRecord(f"no record has the key `{key}`; the keys are {', '.join(known)}")
    return [record for record in records if all(record.get(key) == value for key, value in where.items())]


def one(records: Sequence[Mapping], /, **where: object) -> Mapping:
    """Return the single record with the values `where`. Errors: NoRecord if there is none, InputError if several.

    >>> one([{"loss": "emd", "n": 1}, {"loss": "com", "n": 2}], loss="com")["n"]
    2
    """
    matching = select(records, **where)
    if len(matching) != 1:
        wanted = ", ".join(f"{key}={value}" for key, value in where.items()) or "no condition"
        advice = "add a key that distinguishes them, or run their stage again" if matching else "check the values"
        raise (InputError if matching else NoRecord)(
            f"{len(matching)} records match {wanted}, expected one of {len(records)}: {advice}")
    return matching[0]


def plain(value: Any) -> Any:
    """Convert numpy values, tuples and paths to types that JSON supports."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)


def _tidy(record: Mapping, where: str, decimals: int) -> Record:
    tidy = {key: _rounded(value, decimals) for key, value in plain(record).items()}
    for key, value in list(tidy.items()):
        if isinstance(value, float) and not math.isfinite(value):
            if not tidy.get(f"{key}_reason"):
                raise InputError(f"{where}: `{key}` is {value}; expected a number, or a reason under "
                                 f"`{key}_reason`")
            tidy[key] = None
    try:
        json.dumps(tidy, allow_nan=False)
    except ValueError as error:
        raise InputError(f"{where}: a list contains a value that is not finite; leave it out") from error
    return tidy


def _rounded(value: Any, decimals: int) -> Any:
    if isinstance(value, list):
        return [_rounded(item, decimals) for item in value]
    return round(value, decimals) + 0.0 if isinstance(value, float) else value  # + 0.0 turns -0.0 into 0.0
