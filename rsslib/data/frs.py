"""Outdoor RSS measurements, University of Utah campus, 462.7 MHz (doi:10.5281/zenodo.7259895, CC BY 4.0).

Errors in the raw files are reported with file and row or key.
"""

import ast
import csv
import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.arguments import check_type, is_number
from rsslib.data import measurements
from rsslib.data.grid import extent
from rsslib.data.measurements import sensor_kind, to_utm
from rsslib.files import parsed, read_bytes, read_json, read_text
from rsslib.project import InputError

DOI, LICENCE = "10.5281/zenodo.7259895", "CC BY 4.0"
TITLE = "Outdoor RSS measurements for localization, University of Utah campus, 462.7 MHz"
LAT_BOX, LON_BOX = (40.75413, 40.77500), (-111.85390, -111.82632)
_FAR_DEGREES = 0.2    # no transmitter, on campus or off, is as far
NOT_HEARD = -101.0
_REMEDY = "correct it, or fetch the published one with rsslib.data.download.fetch"
_MAX_READINGS, _MAX_TX, _MAX_LITERAL = 2**26, 100, 2**16
"""Samples x receivers, transmitters in a sample, characters of location_coordinates.json: more are not measurements."""


def load_csv(folder: str | Path) -> xr.Dataset:
    """Load the one-transmitter measurements (single_tx.csv), without off_campus.json and unused.json.

    The receivers are sorted by location_indexes.json; the fixed ones have the positions (degrees) of
    location_coordinates.json. Readings outside the campus box are dropped. The attribute `extent_m` (west, east, south,
    north) includes the off-campus rows, as the published grid does. Units: dB and m.
    Errors: InputError naming file and row.

    >>> load_csv("data/raw/frs").sizes["sample"]   # doctest: +SKIP
    4578
    """
    folder = _path(folder, "folder")
    path = folder / "single_tx.csv"
    sensors, positions = _sensor_names(folder), _positions(folder / "location_coordinates.json")
    table = _read_table(path, sensors)
    unused, off_campus = (_times(_read(folder / name), str(folder / name))
                          for name in ("unused.json", "off_campus.json"))
    table = table[~table.index.isin(unused)]
    kept = ~table.index.isin(off_campus)
    if not kept.any():
        raise InputError(f"{path}: no row is left; expected time stamps outside off_campus.json and unused.json")
    rss, lat, lon = (np.full((len(table), len(sensors)), np.nan) for _ in range(3))
    for column, name in enumerate(sensors):
        if _moves(name):
            rss[:, column], lat[:, column], lon[:, column] = table[[f"{name}_rss", f"{name}_x", f"{name}_y"]].T.values
        elif (position := positions.get(name)) is None:
            raise InputError(f"{folder / 'location_coordinates.json'}: receiver '{name}' has no position; give it one")
        else:
            rss[:, column], (lat[:, column], lon[:, column]) = table[name], position
    tx = table[["tx_x_coord"]].to_numpy(), table[["tx_y_coord"]].to_numpy()  # x holds latitudes, y longitudes
    site = _dataset(str(path), [path], table.index, sensors, rss, lat, lon, *tx)
    return site.isel(sample=kept).assign_attrs(extent_m=list(extent(site)))


def load_json(paths: str | Path | Iterable[str | Path], folder: str | Path | None = None) -> xr.Dataset:
    """Load one or several files in the Zenodo JSON format, with any number of transmitters per sample.

    Input: folder, that of location_indexes.json (default: that of the first file). Transmitter positions are padded
    with NaN along `tx`; otherwise as `load_csv`. Errors: InputError naming file and key.

    >>> load_json("data/raw/frs/two_tx.json").sizes["tx"]   # doctest: +SKIP
    2
    """
    several: Any = paths
    if isinstance(paths, (str, bytes, Mapping)) or not isinstance(paths, Iterable) or (
            isinstance(paths, np.ndarray) and not paths.ndim):
        several = [paths]
    files = [_path(path, "paths") for path in several]
    if not files:
        raise InputError("load_json: no file given; expected one path or several")
    sensors = _sensor_names(files[0].parent if folder is None else _path(folder, "folder"))
    samples: dict[str, dict] = {}
    for path in files:
        for time, sample in _read(path).items():
            if time in samples:
                raise InputError(f"{path}: key '{time}': time stamp already in another file; load it once")
            _check_sample(sample, f"{path}: key '{time}'", sensors)
            samples[time] = sample
    name = " + ".join(str(path) for path in files)
    width = max((len(sample.get("tx_coords", [])) for sample in samples.values()), default=0)
    if not 0 < len(samples) * max(len(sensors), width) <= _MAX_READINGS:
        raise InputError(f"{name}: {len(samples)} samples of {len(sensors)} receivers; expected one key per sample, "
                         f"and at most {_MAX_READINGS} readings")
    rss, lat, lon = (np.full((len(samples), len(sensors)), np.nan) for _ in range(3))
    tx = np.full((2, len(samples), width), np.nan)
    for row, sample in enumerate(samples.values()):
        for *reading, sensor in sample["rx_data"]:
            entry = row, sensors.index(sensor)
            rss[entry], lat[entry], lon[entry] = reading
        for column, position in enumerate(sample.get("tx_coords", [])):
            tx[:, row, column] = position
    return _dataset(name, files, _times(samples, name), sensors, rss, lat, lon, *tx)


def table1(dataset: xr.Dataset) -> pd.DataFrame:
    """Return the counts of Table I: samples, transmitter locations, receivers per sample; in total and per season.

    Columns: set, samples, locations (unique), min_sensors, max_sensors. Source: Mitchell et al., Table I.
    Errors: those of `measurements.validate`.

    >>> from rsslib import data
    >>> table1(data.load("campus"))[["set", "samples", "locations"]].values[0].tolist()
    ['Random/Grid', 4578, 4578]
    """
    measurements.validate(dataset, "table1: the data set")
    heard = (~np.isnan(dataset.rss.values)).sum(axis=1)
    transmits = ~np.isnan(dataset.tx_x.values).all(axis=1)
    positions = pd.DataFrame(np.concatenate([dataset.tx_x.values, dataset.tx_y.values], axis=1))
    seasons = {name: dataset.season.values == name.lower() for name in ("April", "July", "November")}
    return pd.DataFrame([
        {"set": name, "samples": int(rows.sum()), "locations": len(positions[rows & transmits].drop_duplicates()),
         "min_sensors": int(heard[rows].min()), "max_sensors": int(heard[rows].max())}
        for name, rows in ({"Random/Grid": np.full(len(heard), True)} | seasons).items() if rows.any()])


def _dataset(name: str, files: list[Path], time: pd.DatetimeIndex, sensors: list[str], rss, lat, lon, tx_lat,
             tx_lon) -> xr.Dataset:
    """Drop readings that are not heard or outside the campus box, project positions, and build the dataset."""
    # a shuttle without a GPS fix reports (0, 0): its reading has no position and is dropped
    heard = np.isfinite(rss) & (rss > NOT_HEARD) & ~((lat == 0) & (lon == 0))
    # outside the UTM zone is an error in the file; outside the box is a shuttle that left the campus
    x, y = to_utm(np.where(heard, lat, np.nan), np.where(heard, lon, np.nan), time, name)
    heard &= (lat >= LAT_BOX[0]) & (lat <= LAT_BOX[1]) & (lon >= LON_BOX[0]) & (lon <= LON_BOX[1])
    if not heard.any(axis=1).all():
        raise InputError(f"{name}: row {time[int(heard.any(axis=1).argmin())]}: no receiver inside the campus box "
                         "heard the sample; expected at least one; leave the row out")
    tx_x, tx_y = to_utm(tx_lat, tx_lon, time, f"{name}: transmitter")
    away = np.maximum(np.abs(tx_lat - np.mean(LAT_BOX)), np.abs(tx_lon - np.mean(LON_BOX))) > _FAR_DEGREES
    if away.any():
        raise InputError(f"{name}: row {time[int(away.any(axis=1).argmax())]}: a transmitter lies more than "
                         f"{_FAR_DEGREES:g} degrees from the campus; expected its position in degrees: correct it")
    try:
        return measurements.build(
            np.where(heard, rss, np.nan), x, y, tx_x, tx_y, time, time.month_name().str.lower(), sensors,
            [sensor_kind(sensor) for sensor in sensors], source="frs", doi=DOI, licence=LICENCE, title=TITLE,
            md5=" ".join(hashlib.md5(read_bytes(path, "measurements")).hexdigest() for path in files))
    except InputError as error:
        raise InputError(f"{name}: {str(error).removeprefix('frs: ')}") from None


def _times(labels: Iterable[str], name: str) -> pd.DatetimeIndex:
    """Return time stamps from texts; InputError naming the file `name` and the first that is none or stands twice."""
    texts = pd.Index(list(labels), dtype=str)
    time = pd.DatetimeIndex(pd.to_datetime(texts, format="%Y-%m-%d %H:%M:%S", errors="coerce"))
    for bad, problem in ((time.isna(), "not a time stamp; expected the form 2022-07-11 08:49:44"),
                         (time.duplicated(), "duplicate time stamp; keep one of the rows")):
        if bad.any():
            raise InputError(f"{name}: row '{texts[int(bad.argmax())]}': {problem}")
    return time


def _path(value: Any, argument: str) -> Path:
    check_type(argument, value, (str, os.PathLike), "the path of a file or folder")
    return Path(value)


def _moves(sensor: str) -> bool:
    """Return whether the receiver is a shuttle, with a position in every row."""
    return sensor_kind(sensor) == "bus"


def _read(path: Path) -> dict:
    """Return the dictionary in a JSON file."""
    content = read_json(path, "one key per sample or receiver", _REMEDY)
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds {type(content).__name__}; expected one key per sample or receiver: {_REMEDY}")
    return content


def _sensor_names(folder: Path) -> list[str]:
    """Return the receivers of location_indexes.json, by index."""
    path = folder / "location_indexes.json"
    indexes = _read(path)
    for name, index in indexes.items():
        if type(index) is not int:
            raise InputError(f"{path}: receiver '{name}': found {index!r:.60}; expected its index, a whole number")
    names = sorted(indexes, key=lambda name: indexes[name])
    for one, other in zip(names, names[1:]):
        if indexes[one] == indexes[other]:
            raise InputError(f"{path}: the receivers '{one}' and '{other}' have one index; give each its own")
    if not names:
        raise InputError(f"{path}: no receivers; expected a name and an index for each: {_REMEDY}")
    try:
        list(map(sensor_kind, names))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return names


def _positions(path: Path) -> dict[str, tuple[float, float] | None]:
    """Return the positions in location_coordinates.json: contains tuples and None, so it is Python, not JSON."""
    what = "a dictionary of receivers, with (latitude, longitude) in degrees or None for each"
    text = read_text(path, what, _REMEDY).strip()
    if len(text) > _MAX_LITERAL:    # deeply nested Python of this size exhausts the stack of its parser
        raise InputError(f"{path}: {len(text)} characters; expected at most {_MAX_LITERAL}, {what}: {_REMEDY}")

    def literal() -> dict:
        try:
            content = ast.parse(text, mode="eval").body
        except MemoryError:    # so the parser calls its full stack
            raise ValueError("nested too deeply") from None
        if not isinstance(content, ast.Dict):
            raise ValueError(f"it holds a {type(content).__name__.lower()}")
        keys = [ast.literal_eval(key) if key else None for key in content.keys]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"the key '{key}' stands twice; keep one of the two")
        return ast.literal_eval(content)

    positions = parsed(literal, path, what, _REMEDY, (SyntaxError,))
    for name, position in positions.items():
        if position is not None and not _is_numbers(position, 2):
            raise InputError(f"{path}: receiver '{name}': found {position!r:.60}; expected (latitude, longitude) in "
                             "degrees, or None for one that moves")
    return positions


def _read_table(path: Path, sensors: list[str]) -> pd.DataFrame:
    """Read single_tx.csv, indexed by time; unknown or missing columns and non-numeric cells are errors."""
    what = "a table with a row per sample"
    text = read_text(path, what, _REMEDY)
    lines = parsed(lambda: _lines(text), path, what, _REMEDY, (csv.Error,))
    table = parsed(lambda: pd.read_csv(io.StringIO(text), dtype={"timestamp": str}), path, what, _REMEDY)
    expected = [f"{name}{end}" for name in sensors for end in (("_rss", "_x", "_y") if _moves(name) else ("",))]
    expected += ["tx_x_coord", "tx_y_coord"]
    for column in ["timestamp", *expected, *table.columns]:
        if column not in table or column not in ("timestamp", *expected):
            problem = "is of an unknown receiver" if column in table else "is missing"
            raise InputError(f"{path}: row 1: column '{column}' {problem}; expected timestamp, those of the receivers "
                             "in location_indexes.json and no others, separated by commas")
    numbers = table[expected].apply(pd.to_numeric, errors="coerce")
    finite = np.isfinite(numbers.to_numpy(float))
    finite[:, [values.dtype.kind == "b" for _, values in numbers.items()]] = False    # a column of True and False
    for row, number in np.argwhere(~finite)[:1]:
        raise InputError(f"{path}: row {lines[row]} ({table.timestamp[row]}), column '{expected[number]}': "
                         f"'{table[expected].iat[row, number]}' is not a number; expected dB or degrees, -101 where "
                         "not heard")
    return numbers.set_index(_times(table.timestamp, str(path)))


def _lines(text: str) -> list[int]:
    """Return the line of each row of a table but the first; ValueError for a row of another length than the first."""
    if "\0" in text:
        raise ValueError(f"a null character in row {text[:text.index(chr(0))].count(chr(10)) + 1}")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines, width = [], 0
    for fields in reader:
        width = width or len(fields)
        if fields and len(fields) != width:    # a blank line has no fields
            hint = ", the last one empty: a comma at the end" if not fields[-1] else ""
            raise ValueError(f"row {reader.line_num} has {len(fields)} fields{hint}; row 1 has {width}")
        lines += [reader.line_num] * bool(fields)
    return lines[1:]


def _check_sample(sample: Any, where: str, sensors: list[str]) -> None:
    """Raise InputError for unknown or duplicate receivers, or entries that are not numbers."""
    if not isinstance(sample, dict) or not isinstance(sample.get("rx_data"), list):
        raise InputError(f"{where}: the list 'rx_data' is missing; expected rx_data, tx_coords and metadata")
    names = [entry[-1] if isinstance(entry, list) and entry else None for entry in sample["rx_data"]]
    for entry, name in zip(sample["rx_data"], names):
        if not isinstance(name, str) or not _is_numbers([0 if entry[0] == -np.inf else entry[0], *entry[1:-1]], 3):
            raise InputError(f"{where}: rx_data entry {entry!r:.120}: expected [RSS in dB, latitude, longitude, "
                             "receiver], with -Infinity dB where not heard")
        if name not in sensors or names.count(name) > 1:
            raise InputError(f"{where}: receiver '{name}' is named twice; keep one entry" if name in sensors else
                             f"{where}: unknown receiver '{name}'; add it to location_indexes.json")
    positions = sample.get("tx_coords", [])
    if not isinstance(positions, list) or len(positions) > _MAX_TX:
        raise InputError(f"{where}: tx_coords is {positions!r:.60}; expected a list of at most {_MAX_TX} positions")
    for position in positions:
        if not _is_numbers(position, 2):
            raise InputError(f"{where}: tx_coords entry {position!r:.120}: expected [latitude, longitude] in degrees")


def _is_numbers(values: Any, count: int) -> bool:
    """Return whether `values` is a list or a tuple of `count` numbers, neither infinite nor out of all proportion."""
    return isinstance(values, (list, tuple)) and len(values) == count and all(
        is_number(value, (int, float)) and abs(value) < 1e6 for value in values)
