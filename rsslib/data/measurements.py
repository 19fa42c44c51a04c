"""The Measurements Dataset: the schema that all loaders return, its checks and its files."""

import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.data.grid import KINDS
from rsslib.project import InputError, atomic_path

CRS = "EPSG:32612"
VARIABLES = {
    "rss": (("sample", "sensor"), "dB", "received signal strength, uncalibrated"),
    "sensor_x": (("sample", "sensor"), "m", "receiver easting, UTM zone 12N"),
    "sensor_y": (("sample", "sensor"), "m", "receiver northing, UTM zone 12N"),
    "tx_x": (("sample", "tx"), "m", "transmitter easting, UTM zone 12N"),
    "tx_y": (("sample", "tx"), "m", "transmitter northing, UTM zone 12N"),
}
COORDINATES = {"time": (("sample",), "M"), "season": (("sample",), "UOT"), "sensor": (("sensor",), "UOT"),
               "sensor_kind": (("sensor",), "UOT")}
_KINDS = {"f": "floating-point numbers", "M": "datetime64", "UOT": "texts"}
_TEXTS = ("season", "sensor", "sensor_kind")
_PREFIXES = {"cnode-": "cnode", "cbrssdr1-": "cbrs", "cellsdr1-": "cell", "bus-": "bus"}


def sensor_kind(name: str) -> str:
    """Return the kind (one of `grid.KINDS`) of a receiver by its name. Errors: InputError for an unknown kind.

    >>> sensor_kind("cbrssdr1-fm-comp"), sensor_kind("ebc-nuc1-b210")
    ('cbrs', 'nuc')
    """
    for prefix, kind in _PREFIXES.items():
        if name.startswith(prefix):
            return kind
    if "-nuc" in name and name.endswith("-b210"):
        return "nuc"
    raise InputError(f"receiver '{name}': unknown kind; expected a name like cnode-*, cbrssdr1-*, cellsdr1-*, "
                     "*-nuc*-b210 or bus-*")


def to_utm(lat, lon, rows=None, name: str = "coordinates") -> tuple[np.ndarray, np.ndarray]:
    """Project latitude and longitude [degrees, WGS 84] to easting and northing in UTM zone 12N [m].

    Input and output have the same shape; NaN stays NaN.
    Errors: InputError for latitudes outside 0..84 or longitudes outside -114..-108, with `name` and the label of the
    first bad row (from `rows`, by default its index).

    >>> x, y = to_utm([40.7649], [-111.8421])
    >>> x.round(), y.round()
    (array([428927.]), array([4513000.]))
    """
    from pyproj import Transformer  # imported here: training needs no projection

    lat, lon = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    missing = np.isnan(lat) & np.isnan(lon)
    outside = np.argwhere(~(missing | (lat >= 0) & (lat <= 84) & (lon >= -114) & (lon <= -108)))
    if len(outside):
        first = tuple(outside[0])
        row = first[0] if rows is None else rows[first[0]]
        raise InputError(f"{name}: row {row}: latitude {lat[first]}, longitude {lon[first]} lie outside UTM zone 12N; "
                         "expected latitude 0..84 and longitude -114..-108 degrees; check which is which")
    x, y = Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(lon, lat)
    return np.where(missing, np.nan, x), np.where(missing, np.nan, y)


def build(rss, sensor_x, sensor_y, tx_x, tx_y, time, season, sensors, kinds, *, source: str, doi: str = "",
          licence: str = "", md5: str = "", title: str = "") -> xr.Dataset:
    """Build the Measurements Dataset from arrays and validate it.

    Shapes: `rss` [dB, NaN: not heard], `sensor_x`, `sensor_y` [m] are (sample, sensor); `tx_x`, `tx_y` [m] are
    (sample, tx), padded with NaN; `time`, `season` are (sample,); `sensors`, `kinds` are (sensor,).
    Positions of receivers that heard nothing become NaN.
    Errors: InputError for values of another type or shape, and those of `validate`.

    >>> dataset = build([[-80.0]], [[1e3]], [[2e3]], [[3e3]], [[4e3]], ["2022-07-01"], ["july"], ["bus-1"], ["bus"],
    ...                 source="mine")
    >>> dict(dataset.sizes)
    {'sample': 1, 'sensor': 1, 'tx': 1}
    """
    try:
        rss = np.asarray(rss, dtype=np.float32)
        sensor_x, sensor_y = (np.where(np.isnan(rss), np.nan, np.asarray(v, np.float64)) for v in (sensor_x, sensor_y))
        values = {"rss": rss, "sensor_x": sensor_x, "sensor_y": sensor_y, "tx_x": np.asarray(tx_x, np.float64),
                  "tx_y": np.asarray(tx_y, np.float64), "time": np.asarray(pd.DatetimeIndex(time).as_unit("ns")),
                  "season": np.asarray(season, str), "sensor": np.asarray(sensors, str),
                  "sensor_kind": np.asarray(kinds, str)}
        dataset = _dataset(values, {"title": title, "crs": CRS, "source": source, "doi": doi, "licence": licence,
                                    "md5": md5})
    except (ValueError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{source}: the values do not fit together ({reason}); expected numbers, rss and sensor_x/y "
                         "of shape (sample, sensor), tx_x/y (sample, tx), one time and season a sample, one name and "
                         "kind a receiver") from None
    return validate(dataset, source)


def validate(dataset: xr.Dataset, name: str = "measurements") -> xr.Dataset:
    """Return `dataset` unchanged if it is valid, else raise InputError with `name` and the sample.

    Checked: variables, dimensions, coordinates, `crs`, `source`; unique receivers of a known kind; unique time stamps;
    every sample heard; positions of transmitters and of receivers that heard, in metres (coordinates all within 180 of
    zero are taken for degrees).

    >>> from rsslib import data
    >>> validate(data.load("campus")).sizes["sample"]
    4578
    """
    _check_structure(dataset, name)
    sensors, time = dataset.sensor.values, pd.DatetimeIndex(dataset.time.values)
    rss, tx_x, tx_y = (dataset[variable].values for variable in ("rss", "tx_x", "tx_y"))
    heard, located = ~np.isnan(rss), np.isfinite(dataset.sensor_x.values) & np.isfinite(dataset.sensor_y.values)
    incomplete = (np.isnan(tx_x) != np.isnan(tx_y)) | np.isinf(tx_x) | np.isinf(tx_y)
    unknown = ~np.isin(dataset.sensor_kind.values.astype(str), KINDS)
    for bad, labels, problem in (
        (unknown, sensors, f"unknown kind; expected one of {', '.join(KINDS)}"),
        (pd.Index(sensors).duplicated(), sensors, "named twice; keep one"),
        (time.isna(), range(len(time)), "no time stamp; give it one"),
        (time.duplicated(), time, "duplicate time stamp; keep one of the samples"),
        (~heard.any(axis=1), time, "no receiver heard it; remove the sample"),
        (np.isinf(rss).any(axis=1), time, "infinite RSS; use NaN for not heard"),
        ((heard & ~located).any(axis=1), time,
         "a receiver that heard it has no position; add the position, or set its RSS to NaN"),
        (incomplete.any(axis=1), time, "incomplete transmitter position; give both tx_x and tx_y in m"),
    ):
        if bad.any():
            what = "receiver" if labels is sensors else "sample"
            raise InputError(f"{name}: {what} {labels[int(np.argmax(bad))]}: {problem}")
    for pair in (["sensor_x", "sensor_y"], ["tx_x", "tx_y"]):
        coordinates = np.abs(dataset[pair].to_array().values)
        if np.isfinite(coordinates).any() and coordinates[np.isfinite(coordinates)].max() <= 180:
            raise InputError(f"{name}: {' and '.join(pair)} are within 180 of zero, probably degrees; expected "
                             "metres: use to_utm, or add 1000 m to all coordinates of a very small site")
    return dataset


def _check_structure(dataset: xr.Dataset, name: str) -> None:
    if not isinstance(dataset, xr.Dataset):
        raise InputError(f"{name}: expected an xarray.Dataset of measurements, found {type(dataset).__name__}; "
                         "build one with rsslib.data.measurements.build")
    expected = {variable: (dims, "f") for variable, (dims, *_) in VARIABLES.items()}
    for variable, (dims, kind) in (expected | COORDINATES).items():
        if variable not in dataset.variables:
            raise InputError(f"{name}: '{variable}' is missing; expected {', '.join((*VARIABLES, *COORDINATES))}")
        if dataset[variable].dims != dims:
            raise InputError(f"{name}: '{variable}' has dimensions {dataset[variable].dims}; expected {dims}")
        if dataset[variable].dtype.kind not in kind:
            raise InputError(f"{name}: '{variable}' holds {dataset[variable].dtype}; expected {_KINDS[kind]}")
    if dataset.attrs.get("crs") != CRS:
        raise InputError(f"{name}: attribute crs is {dataset.attrs.get('crs')!r}; expected '{CRS}'; use to_utm")
    if not dataset.attrs.get("source"):
        raise InputError(f"{name}: attribute source is missing; expected frs, campus or another name")
    if dataset.sizes["sample"] == 0:
        raise InputError(f"{name}: no samples; expected at least one")


def save(dataset: xr.Dataset, path: str | Path) -> Path:
    """Write the Measurements Dataset to `path`, atomically: NetCDF (.nc) or plain numpy (.npz).

    Equal datasets give equal bytes. Reading .npz does not need netCDF4.
    Errors: InputError for another suffix, and those of `validate`.

    >>> save(dataset, "data/quick/measurements.nc")   # doctest: +SKIP
    """
    path = Path(path)
    validate(dataset, path.name)
    if path.suffix not in (".nc", ".npz"):
        raise InputError(f"{path}: unknown format '{path.suffix}'; expected a name ending in .nc or .npz")
    with atomic_path(path) as temporary:
        if path.suffix == ".npz":
            arrays: dict[str, Any] = {name: dataset[name].values for name in (*VARIABLES, *COORDINATES)}
            arrays |= {name: arrays[name].astype(str) for name in _TEXTS}
            np.savez_compressed(temporary, attrs=json.dumps(dataset.attrs, sort_keys=True), **arrays)
        else:
            encoding: dict[str, dict] = {name: {"zlib": True, "complevel": 4} for name in VARIABLES}
            # nanoseconds: the only integer unit that is exact for datetime64[ns]
            encoding["time"] = {"units": "nanoseconds since 1970-01-01", "dtype": "int64"}
            dataset.drop_encoding().to_netcdf(temporary, engine="netcdf4", encoding=encoding)
    return path


def load(path: str | Path) -> xr.Dataset:
    """Read a Measurements Dataset written by `save` (.nc or .npz) and validate it.

    Errors: InputError naming the file if it is missing or unreadable, and those of `validate`.

    >>> load("data/quick/measurements.nc").sizes["sample"]   # doctest: +SKIP
    4578
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected measurements (.nc or .npz); run the data stage")
    try:
        dataset = _dataset(*(_read_npz(path) if path.suffix == ".npz" else _read_netcdf(path)))
    except (OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, BadZipFile) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise InputError(f"{path}: not measurements ({reason}); expected {', '.join((*VARIABLES, *COORDINATES))}, as "
                         "rsslib.data.measurements.save writes them") from None
    return validate(dataset, str(path))


def _dataset(values: dict[str, np.ndarray], attrs: dict) -> xr.Dataset:
    data = {name: (dims, values[name], {"units": units, "long_name": long_name})
            for name, (dims, units, long_name) in VARIABLES.items()}
    return xr.Dataset(data, {name: (dims, values[name]) for name, (dims, _) in COORDINATES.items()}, attrs)


def _read_npz(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        values = {name: archive[name] for name in archive.files}
    return values, json.loads(str(values.pop("attrs")))


def _read_netcdf(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    with xr.open_dataset(path, engine="netcdf4") as file:
        values = {str(name): file[name].values for name in file.variables}
        # lists of numbers are read as arrays, which do not compare equal to lists
        attrs = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in file.attrs.items()}
    # NetCDF strings are read as objects
    return values | {name: values[name].astype(str) for name in _TEXTS if name in values}, attrs
