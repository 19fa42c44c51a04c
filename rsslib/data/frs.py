"""Outdoor RSS measurements, University of Utah campus, 462.7 MHz (doi:10.5281/zenodo.7259895, CC BY 4.0)."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.data.rawfiles import check_sample, moves, read_json, read_literal, read_table, sensor_names
from rsslib.data.measurements import measurements, sensor_kind, to_utm
from rsslib.project import InputError

DOI, LICENCE = "10.5281/zenodo.7259895", "CC BY 4.0"
TITLE = "Outdoor RSS measurements for localization, University of Utah campus, 462.7 MHz"
LAT_BOX, LON_BOX = (40.75413, 40.77500), (-111.85390, -111.82632)
NOT_HEARD = -101.0
_SETS = (("Random/Grid", None), ("April", "april"), ("July", "july"), ("November", "november"))


def load_csv(folder: str | Path) -> xr.Dataset:
    """Load the one-transmitter measurements (single_tx.csv), without off_campus.json and unused.json.

    The receivers have the order of location_indexes.json, the fixed ones the places (degrees) of
    location_coordinates.json; readings outside the campus box are dropped.  In dB and m.  The attribute
    `extent_m` (west, east, south, north) spans the off-campus rows too, as the published grid does.
    Raises InputError naming file and row.

    >>> load_csv("data/raw/frs").sizes["sample"]   # doctest: +SKIP
    4578
    """
    folder = Path(folder)
    path = folder / "single_tx.csv"
    sensors = sensor_names(folder)
    places = read_literal(folder / "location_coordinates.json")
    table = read_table(path, sensors)
    table = table[~table.index.isin(list(read_json(folder / "unused.json")))]
    kept = ~table.index.isin(list(read_json(folder / "off_campus.json")))
    if not kept.any():
        raise InputError(f"{path}: no row is left; every time stamp is in off_campus.json or unused.json")
    rss, lat, lon = (np.full((len(table), len(sensors)), np.nan) for _ in range(3))
    for column, name in enumerate(sensors):
        rss[:, column] = table[f"{name}_rss" if moves(name) else name]
        if moves(name):
            lat[:, column], lon[:, column] = table[f"{name}_x"], table[f"{name}_y"]
        elif places.get(name) is None:
            raise InputError(
                f"{folder / 'location_coordinates.json'}: receiver '{name}' has no position; give it one"
            )
        else:
            lat[:, column], lon[:, column] = places[name]
    tx = table[["tx_x_coord"]].to_numpy(), table[["tx_y_coord"]].to_numpy()  # x holds latitudes, y longitudes
    site = _dataset(str(path), [path], table.index, sensors, rss, lat, lon, *tx)
    return site.isel(sample=kept).assign_attrs(extent_m=_extent(site))


def load_json(paths: str | Path | Iterable[str | Path], folder: str | Path | None = None) -> xr.Dataset:
    """Load one or several files of the Zenodo JSON form, with any number of transmitters per sample.

    `folder` holds location_indexes.json (default: the first file's folder).  Transmitter positions are
    padded with NaN along `tx`; the rest is as in `load_csv`.  Raises InputError naming file and key.

    >>> load_json("data/raw/frs/two_tx.json").sizes["tx"]   # doctest: +SKIP
    2
    """
    paths = [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]
    if not paths:
        raise InputError("load_json: no file given; expected one path or several")
    sensors = sensor_names(Path(folder) if folder is not None else paths[0].parent)
    index = {name: column for column, name in enumerate(sensors)}
    samples: dict[str, dict] = {}
    for path in paths:
        for time, sample in read_json(path).items():
            if time in samples:
                raise InputError(f"{path}: key '{time}': time stamp already in another file; load it once")
            samples[time] = check_sample(sample, time, path, index)
    name = " + ".join(str(path) for path in paths)
    if not samples:
        raise InputError(f"{name}: no samples; expected one key per sample")
    rss, lat, lon = (np.full((len(samples), len(sensors)), np.nan) for _ in range(3))
    width = max(len(sample.get("tx_coords", [])) for sample in samples.values())
    tx_lat, tx_lon = np.full((len(samples), width), np.nan), np.full((len(samples), width), np.nan)
    for row, sample in enumerate(samples.values()):
        for value, sensor_lat, sensor_lon, sensor in sample["rx_data"]:
            place = row, index[sensor]
            rss[place], lat[place], lon[place] = value, sensor_lat, sensor_lon
        for column, position in enumerate(sample.get("tx_coords", [])):
            tx_lat[row, column], tx_lon[row, column] = position
    return _dataset(name, paths, list(samples), sensors, rss, lat, lon, tx_lat, tx_lon)


def table1(ds: xr.Dataset) -> pd.DataFrame:
    """Count samples, transmitter locations and receivers per sample, for all and per season (Table I).

    Columns: set, samples, locations (unique), min_sensors, max_sensors.  Source: Mitchell et al., Table I.

    >>> table1(load_csv("data/raw/frs")).locations[0]   # doctest: +SKIP
    4577
    """
    heard = (~np.isnan(ds.rss.values)).sum(axis=1)
    transmits = ~np.isnan(ds.tx_x.values).all(axis=1)
    positions = pd.DataFrame(np.concatenate([ds.tx_x.values, ds.tx_y.values], axis=1))
    records = []
    for name, season in _SETS:
        rows = np.full(len(heard), True) if season is None else ds.season.values == season
        if rows.any():
            records.append(
                {
                    "set": name,
                    "samples": int(rows.sum()),
                    "locations": len(positions[rows & transmits].drop_duplicates()),
                    "min_sensors": int(heard[rows].min()),
                    "max_sensors": int(heard[rows].max()),
                }
            )
    return pd.DataFrame(records)


def _dataset(name: str, paths: list[Path], time, sensors, rss, lat, lon, tx_lat, tx_lon) -> xr.Dataset:
    """Drop what was not heard or lies outside the box, project, and build the Dataset."""
    time = _times(time, name)
    # a shuttle without a GPS fix says (0, 0): its reading has no place and is dropped
    heard = np.isfinite(rss) & (rss > NOT_HEARD) & ~((lat == 0) & (lon == 0))
    # out of the zone is a mistake in the file; out of the box is a shuttle that left the campus
    x, y = to_utm(np.where(heard, lat, np.nan), np.where(heard, lon, np.nan), time, name)
    heard &= (lat >= LAT_BOX[0]) & (lat <= LAT_BOX[1]) & (lon >= LON_BOX[0]) & (lon <= LON_BOX[1])
    silent = ~heard.any(axis=1)
    if silent.any():
        raise InputError(
            f"{name}: row {time[silent.argmax()]}: no receiver inside the campus box heard the sample; "
            "expected at least one; remove the row"
        )
    tx_x, tx_y = to_utm(tx_lat, tx_lon, time, f"{name}: transmitter")
    return measurements(
        np.where(heard, rss, np.nan),
        x,
        y,
        tx_x,
        tx_y,
        time,
        time.month_name().str.lower(),
        sensors,
        [sensor_kind(sensor) for sensor in sensors],
        source="frs",
        doi=DOI,
        licence=LICENCE,
        title=TITLE,
        md5=" ".join(hashlib.md5(path.read_bytes()).hexdigest() for path in paths),
    )


def _extent(site: xr.Dataset) -> list[float]:
    x = np.concatenate([site.tx_x.values.ravel(), site.sensor_x.values.ravel()])
    y = np.concatenate([site.tx_y.values.ravel(), site.sensor_y.values.ravel()])
    return [float(edge) for edge in (np.nanmin(x), np.nanmax(x), np.nanmin(y), np.nanmax(y))]


def _times(labels, name: str) -> pd.DatetimeIndex:
    time = pd.DatetimeIndex(
        pd.to_datetime(pd.Index(labels, dtype=str), format="%Y-%m-%d %H:%M:%S", errors="coerce")
    )
    for label, bad, again in zip(labels, time.isna(), time.duplicated(), strict=True):
        if bad:
            raise InputError(
                f"{name}: row '{label}': not a time stamp; expected the form 2022-07-11 08:49:44"
            )
        if again:
            raise InputError(f"{name}: row '{label}': duplicate time stamp; keep one of the rows")
    return time
