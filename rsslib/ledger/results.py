"""Tidy records: one JSON file per table or figure with its provenance, and a stamp of each run."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rsslib.project import ROOT, InputError, atomic_path, write_json

Record = dict[str, Any]


def write(profile: str, name: str, records: Iterable[Mapping], provenance: Mapping, stamp: Mapping,
          folder: str | Path | None = None, decimals: int = 4) -> Path:
    """Write `<folder>/<profile>/<name>.json` and `<name>.stamp.json`; return the path of the first.

    Keys keep their order and floats are rounded to `decimals`, so that equal results give equal bytes. `folder` is
    ROOT/results by default. A value that is not finite is stored as null and needs a reason under `<key>_reason`. If
    the file exists with the same content, the stamp of the earlier run is kept.

    Errors: InputError for a value that is not finite without a reason, or within a list.

    >>> write("smoke", "table2", [{"loss": "emd", "median_m": 47.4}], {}, {}, tmp)  # doctest: +SKIP
    """
    lines = [json.dumps(_tidy(record, f"{name}.json, record {row}", decimals), ensure_ascii=False)
             for row, record in enumerate(records)]
    header = json.dumps(plain(provenance), indent=1, ensure_ascii=False)
    body = ",\n".join(f"  {line}" for line in lines)
    target, stamped = path(profile, name, folder), path(profile, f"{name}.stamp", folder)
    text = f'{{"provenance": {header},\n "records": [\n{body}\n ]}}\n'
    if stamped.exists() and target.exists() and target.read_text(encoding="utf-8") == text:
        return target
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    write_json(stamped, plain(stamp))
    return target


def read(profile: str, name: str, folder: str | Path | None = None) -> dict:
    """Read one file of results: `{"provenance": {...}, "records": [...]}`, or a stamp for `<name>.stamp`.

    Errors: InputError if the file is missing or not JSON.

    >>> read("quick", "table2")["records"][0]["loss"]  # doctest: +SKIP
    'com'
    """
    source = path(profile, name, folder)
    if not source.exists():
        raise InputError(f"{source}: no such results; run the stage of profile `{profile}` that writes it")
    try:
        return json.loads(source.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{source}: not valid JSON ({error}); delete it and run its stage again") from error


def path(profile: str, name: str, folder: str | Path | None = None) -> Path:
    """Return the path of a file of records, `<folder>/<profile>/<name>.json`, by default in ROOT/results."""
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


def select(records: Sequence[Mapping], **where: object) -> list:
    """Return the records with the values `where`. Errors: InputError for a key that no record has.

    >>> select([{"loss": "emd", "n": 1}, {"loss": "com", "n": 2}], loss="com")
    [{'loss': 'com', 'n': 2}]
    """
    for key in where:
        if records and not any(key in record for record in records):
            known = sorted({name for record in records for name in record})
            raise InputError(f"no record has the key `{key}`; the keys are {', '.join(known)}")
    return [record for record in records if all(record.get(key) == value for key, value in where.items())]


def one(records: Sequence[Mapping], **where: object) -> Mapping:
    """Return the single record with the values `where`. Errors: InputError if there is none or several.

    >>> one([{"loss": "emd", "n": 1}, {"loss": "com", "n": 2}], loss="com")["n"]
    2
    """
    matching = select(records, **where)
    if len(matching) != 1:
        wanted = ", ".join(f"{key}={value}" for key, value in where.items())
        advice = "add a key that distinguishes them" if matching else "check the values"
        raise InputError(f"{len(matching)} records match {wanted}, expected one of {len(records)}: {advice}")
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
