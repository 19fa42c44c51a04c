"""Reading the raw files of the campus measurements: every mistake is named by file and row or key."""

import ast
import json
from pathlib import Path

import pandas as pd

from rsslib.data.measurements import sensor_kind
from rsslib.project import InputError


def sensor_names(folder: Path) -> list[str]:
    """Return the receivers of location_indexes.json, by index."""
    indexes = read_json(folder / "location_indexes.json")
    return sorted(indexes, key=indexes.get)


def read_json(path: Path) -> dict:
    """Read a JSON object and refuse a key that is there twice."""

    def once(pairs: list[tuple]) -> dict:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = pd.Index([key for key, _ in pairs])
            raise InputError(f"{path}: key '{keys[keys.duplicated()][0]}': duplicate; keep one of the two")
        return found

    try:
        content = json.loads(_read_text(path), object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: broken JSON at line {error.lineno}, character {error.pos} ({error.msg}); "
            "fetch the file again"
        ) from None
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: expected an object with one key per sample or receiver; fetch the file again"
        )
    return content


def read_literal(path: Path) -> dict:
    """Read a Python literal: location_coordinates.json holds tuples and None, which are not JSON."""
    try:
        content = ast.literal_eval(_read_text(path).strip())
    except (ValueError, SyntaxError) as error:
        raise InputError(f"{path}: not a Python literal ({error}); fetch the file again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a dictionary of receivers; fetch the file again")
    return content


def read_table(path: Path, sensors: list[str]) -> pd.DataFrame:
    """Read single_tx.csv, indexed by time stamp, with every column known and every cell a number."""
    try:
        table = pd.read_csv(path, dtype={"timestamp": str})
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; fetch the measurements first") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a table ({error}); fetch the file again") from None
    expected = ["timestamp", *_columns(sensors)]
    missing = [column for column in expected if column not in table]
    if missing:
        raise InputError(
            f"{path}: column '{missing[0]}' is missing; expected one per receiver of location_indexes.json"
        )
    unknown = [column for column in table if column not in expected]
    if unknown:
        raise InputError(
            f"{path}: column '{unknown[0]}' is of an unknown receiver; add it to location_indexes.json"
        )
    if table.empty:
        raise InputError(f"{path}: no rows below the header; fetch the file again")
    for column in expected[1:]:
        numbers = pd.to_numeric(table[column], errors="coerce")
        if numbers.isna().any():
            row = int(numbers.isna().argmax())
            raise InputError(
                f"{path}: row {row + 2} ({table.timestamp[row]}), column '{column}': "
                f"'{table[column][row]}' is not a number; expected dB or degrees, -101 where not heard"
            )
        table[column] = numbers
    return table.set_index("timestamp")


def check_sample(sample: dict, time: str, path: Path, index: dict[str, int]) -> dict:
    """Return `sample` if its receivers are known and named once, and all its entries are numbers."""
    where = f"{path}: key '{time}'"
    if not isinstance(sample, dict) or "rx_data" not in sample:
        raise InputError(f"{where}: 'rx_data' is missing; expected rx_data, tx_coords and metadata")
    if not isinstance(sample["rx_data"], list):
        raise InputError(f"{where}: rx_data is no list; expected [[RSS in dB, latitude, longitude, receiver], ...]")
    seen = set()
    for entry in sample["rx_data"]:
        if not isinstance(entry, list) or not _is_numbers(entry[:3], 3) or len(entry) != 4:
            raise InputError(
                f"{where}: rx_data entry {entry}: expected [RSS in dB, latitude, longitude, receiver]"
            )
        if entry[3] not in index:
            raise InputError(f"{where}: unknown receiver '{entry[3]}'; add it to location_indexes.json")
        if entry[3] in seen:
            raise InputError(f"{where}: receiver '{entry[3]}' is named twice; keep one entry")
        seen.add(entry[3])
    for position in sample.get("tx_coords", []):
        if not _is_numbers(position, 2):
            raise InputError(
                f"{where}: tx_coords entry {position}: expected [latitude, longitude] in degrees"
            )
    return sample


def moves(sensor: str) -> bool:
    """Return whether the receiver is a shuttle, with a place of its own in every row."""
    return sensor_kind(sensor) == "bus"


def _columns(sensors: list[str]) -> list[str]:
    names = [f"{name}{end}" for name in sensors for end in (("_rss", "_x", "_y") if moves(name) else ("",))]
    return [*names, "tx_x_coord", "tx_y_coord"]


def _is_numbers(values, count: int) -> bool:
    return (
        isinstance(values, list) and len(values) == count and all(isinstance(v, (int, float)) for v in values)
    )


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; fetch the measurements first") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file ({error}); fetch the file again") from None
