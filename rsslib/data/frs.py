"""Outdoor RSS measurements, University of Utah campus, 462.7 MHz (doi:10.5281/zenodo.7259895, CC BY 4.0).

Errors in the raw files are reported with file and row or key.
"""

import ast
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.data import measurements
from rsslib.data.grid import extent
from rsslib.data.measurements import sensor_kind, to_utm
from rsslib.project import InputError

DOI, LICENCE = "10.5281/zenodo.7259895", "CC BY 4.0"
TITLE = "Outdoor RSS measurements for localization, University of Utah campus, 462.7 MHz"
LAT_BOX, LON_BOX = (40.75413, 40.77500), (-111.85390, -111.82632)
NOT_HEARD = -101.0


def load_csv(folder: str | Path) -> xr.Dataset:
    """Load the one-transmitter measurements (single_tx.csv), without off_campus.json and unused.json.

    The receivers are sorted by location_indexes.json; the fixed ones have the positions (degrees) of
    location_coordinates.json. Readings outside the campus box are dropped. The attribute `extent_m` (west, east, south,
    north) includes the off-campus rows, as the published grid does. Units: dB and m.
    Errors: InputError naming file and row.

    >>> load_csv("data/raw/frs").sizes["sample"]   # doctest: +SKIP
    4578
    """
    folder = Path(folder)
    path = folder / "single_tx.csv"
    sensors = _sensor_names(folder)
    positions = _read(folder / "location_coordinates.json", ast.literal_eval)  # contains tuples and None: not JSON
    table = _read_table(path, sensors)
    table = table[~table.index.isin(list(_read(folder / "unused.json")))]
    kept = ~table.index.isin(list(_read(folder / "off_campus.json")))
    if not kept.any():
        raise InputError(f"{path}: no row is left; expected time stamps outside off_campus.json and unused.json")
    rss, lat, lon = (np.full((len(table), len(sensors)), np.nan) for _ in range(3))
    for column, name in enumerate(sensors):
        if _moves(name):
            rss[:, column], lat[:, column], lon[:, column] = table[[f"{name}_rss", f"{name}_x", f"{name}_y"]].T.values
        elif positions.get(name) is None:
            raise InputError(f"{folder / 'location_coordinates.json'}: receiver '{name}' has no position; give it one")
        else:
            rss[:, column], (lat[:, column], lon[:, column]) = table[name], positions[name]
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
    files = [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]
    if not files:
        raise InputError("load_json: no file given; expected one path or several")
    sensors = _sensor_names(files[0].parent if folder is None else Path(folder))
    samples: dict[str, dict] = {}
    for path in files:
        for time, sample in _read(path).items():
            if time in samples:
                raise InputError(f"{path}: key '{time}': time stamp already in another file; load it once")
            _check_sample(sample, f"{path}: key '{time}'", sensors)
            samples[time] = sample
    name = " + ".join(str(path) for path in files)
    if not samples:
        raise InputError(f"{name}: no samples; expected one key per sample")
    rss, lat, lon = (np.full((len(samples), len(sensors)), np.nan) for _ in range(3))
    width = max(len(sample.get("tx_coords", [])) for sample in samples.values())
    tx = np.full((2, len(samples), width), np.nan)
    for row, sample in enumerate(samples.values()):
        for *reading, sensor in sample["rx_data"]:
            entry = row, sensors.index(sensor)
            rss[entry], lat[entry], lon[entry] = reading
        for column, position in enumerate(sample.get("tx_coords", [])):
            tx[:, row, column] = position
    return _dataset(name, files, list(samples), sensors, rss, lat, lon, *tx)


def table1(dataset: xr.Dataset) -> pd.DataFrame:
    """Return the counts of Table I: samples, transmitter locations, receivers per sample; in total and per season.

    Columns: set, samples, locations (unique), min_sensors, max_sensors. Source: Mitchell et al., Table I.

    >>> from rsslib import data
    >>> table1(data.load("campus"))[["set", "samples", "locations"]].values[0].tolist()
    ['Random/Grid', 4578, 4578]
    """
    heard = (~np.isnan(dataset.rss.values)).sum(axis=1)
    transmits = ~np.isnan(dataset.tx_x.values).all(axis=1)
    positions = pd.DataFrame(np.concatenate([dataset.tx_x.values, dataset.tx_y.values], axis=1))
    seasons = {name: dataset.season.values == name.lower() for name in ("April", "July", "November")}
    return pd.DataFrame([
        {"set": name, "samples": int(rows.sum()), "locations": len(positions[rows & transmits].drop_duplicates()),
         "min_sensors": int(heard[rows].min()), "max_sensors": int(heard[rows].max())}
        for name, rows in ({"Random/Grid": np.full(len(heard), True)} | seasons).items() if rows.any()])


def _dataset(name: str, files: list[Path], labels, sensors: list[str], rss, lat, lon, tx_lat, tx_lon) -> xr.Dataset:
    """Drop readings that are not heard or outside the campus box, project positions, and build the dataset."""
    time = pd.DatetimeIndex(pd.to_datetime(pd.Index(labels, dtype=str), format="%Y-%m-%d %H:%M:%S", errors="coerce"))
    for bad, problem in ((time.isna(), "not a time stamp; expected the form 2022-07-11 08:49:44"),
                         (time.duplicated(), "duplicate time stamp; keep one of the rows")):
        if bad.any():
            raise InputError(f"{name}: row '{labels[int(bad.argmax())]}': {problem}")
    # a shuttle without a GPS fix reports (0, 0): its reading has no position and is dropped
    heard = np.isfinite(rss) & (rss > NOT_HEARD) & ~((lat == 0) & (lon == 0))
    # outside the UTM zone is an error in the file; outside the box is a shuttle that left the campus
    x, y = to_utm(np.where(heard, lat, np.nan), np.where(heard, lon, np.nan), time, name)
    heard &= (lat >= LAT_BOX[0]) & (lat <= LAT_BOX[1]) & (lon >= LON_BOX[0]) & (lon <= LON_BOX[1])
    if not heard.any(axis=1).all():
        raise InputError(f"{name}: row {time[int(heard.any(axis=1).argmin())]}: no receiver inside the campus box "
                         "heard the sample; expected at least one; remove the row")
    tx_x, tx_y = to_utm(tx_lat, tx_lon, time, f"{name}: transmitter")
    return measurements.build(
        np.where(heard, rss, np.nan), x, y, tx_x, tx_y, time, time.month_name().str.lower(), sensors,
        [sensor_kind(sensor) for sensor in sensors], source="frs", doi=DOI, licence=LICENCE, title=TITLE,
        md5=" ".join(hashlib.md5(path.read_bytes()).hexdigest() for path in files))


def _moves(sensor: str) -> bool:
    """Return whether the receiver is a shuttle, with a position in every row."""
    return sensor_kind(sensor) == "bus"


def _sensor_names(folder: Path) -> list[str]:
    """Return the receivers of location_indexes.json, by index."""
    indexes = _read(folder / "location_indexes.json")
    return sorted(indexes, key=lambda name: indexes[name])


def _unique(pairs: list[tuple[str, Any]]) -> dict:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = pd.Index([key for key, _ in pairs])
        raise ValueError(f"key '{keys[keys.duplicated()][0]}': duplicate; keep one of the two")
    return content


def _read(path: Path, parse: Callable[[str], Any] = lambda text: json.loads(text, object_pairs_hook=_unique)) -> dict:
    """Return the dictionary in a text file; a duplicate JSON key is an error."""
    try:
        content = parse(path.read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; fetch the measurements first") from None
    except (ValueError, SyntaxError) as error:  # also if not UTF-8
        raise InputError(f"{path}: broken ({error}); fetch the file again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected one key per sample or receiver; fetch the file again")
    return content


def _read_table(path: Path, sensors: list[str]) -> pd.DataFrame:
    """Read single_tx.csv, indexed by time stamp; unknown or missing columns and non-numeric cells are errors."""
    try:
        table = pd.read_csv(path, dtype={"timestamp": str}, index_col="timestamp")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; fetch the measurements first") from None
    except ValueError as error:  # also an empty file, broken rows, not UTF-8
        raise InputError(f"{path}: not a table ({error}); fetch the file again") from None
    expected = [f"{name}{end}" for name in sensors for end in (("_rss", "_x", "_y") if _moves(name) else ("",))]
    expected += ["tx_x_coord", "tx_y_coord"]
    for column in [*expected, *table.columns]:
        if column not in table or column not in expected:
            problem = "is of an unknown receiver" if column in table else "is missing"
            raise InputError(f"{path}: column '{column}' {problem}; expected those of the receivers in "
                             "location_indexes.json and no others")
    numbers = table[expected].apply(pd.to_numeric, errors="coerce")
    for row, number in np.argwhere(numbers.isna().to_numpy())[:1]:
        raise InputError(f"{path}: row {row + 2} ({table.index[row]}), column '{expected[number]}': "
                         f"'{table[expected].iat[row, number]}' is not a number; expected dB or degrees, -101 where "
                         "not heard")
    return numbers


def _check_sample(sample: Any, where: str, sensors: list[str]) -> None:
    """Raise InputError for unknown or duplicate receivers, or entries that are not numbers."""
    if not isinstance(sample, dict) or not isinstance(sample.get("rx_data"), list):
        raise InputError(f"{where}: the list 'rx_data' is missing; expected rx_data, tx_coords and metadata")
    names = [entry[-1] if isinstance(entry, list) and entry else None for entry in sample["rx_data"]]
    for entry, name in zip(sample["rx_data"], names):
        if name is None or not _is_numbers(entry[:-1], 3):
            raise InputError(f"{where}: rx_data entry {entry}: expected [RSS in dB, latitude, longitude, receiver]")
        if name not in sensors or names.count(name) > 1:
            raise InputError(f"{where}: receiver '{name}' is named twice; keep one entry" if name in sensors else
                             f"{where}: unknown receiver '{name}'; add it to location_indexes.json")
    for position in sample.get("tx_coords", []):
        if not _is_numbers(position, 2):
            raise InputError(f"{where}: tx_coords entry {position}: expected [latitude, longitude] in degrees")


def _is_numbers(values: Any, count: int) -> bool:
    return isinstance(values, list) and len(values) == count and all(isinstance(v, (int, float)) for v in values)
