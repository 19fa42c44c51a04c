"""The Measurements Dataset: the schema that all loaders return, its checks and its files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from rsslib.arguments import check_type, shown
from rsslib.data import arrays, measurement_files, positions, readings, times
from rsslib.data.positions import CRS
from rsslib.data.positions import to_utm as to_utm
from rsslib.data.receivers import KINDS, OTHER
from rsslib.data.receivers import sensor_kind as sensor_kind
from rsslib.project import InputError

VARIABLES = {
    "rss": (("sample", "sensor"), "dB", "received signal strength, uncalibrated"),
    "sensor_x": (("sample", "sensor"), "m", "receiver easting, UTM zone 12N"),
    "sensor_y": (("sample", "sensor"), "m", "receiver northing, UTM zone 12N"),
    "tx_x": (("sample", "tx"), "m", "transmitter easting, UTM zone 12N"),
    "tx_y": (("sample", "tx"), "m", "transmitter northing, UTM zone 12N"),
}
COORDINATES = {"time": (("sample",), "M"), "season": (("sample",), "UOT"), "sensor": (("sensor",), "UOT"),
               "sensor_kind": (("sensor",), "UOT")}
_TYPES = {"f": "floating-point numbers", "M": "datetime64", "UOT": "texts"}
_TEXTS = ("season", "sensor", "sensor_kind")
_UNITS = {"dB": ("db", "dbm", "db(mw)", "db(1 mw)", "db re 1 mw", "decibel", "decibels", "decibelmilliwatt"),
          "m": ("m", "metre", "metres", "meter", "meters")}
_LAYOUT: measurement_files.Layout = {
    **{name: (dims, {"units": units, "long_name": long}, False) for name, (dims, units, long) in VARIABLES.items()},
    **{name: (dims, {}, True) for name, (dims, _) in COORDINATES.items()}}
_WHAT = f"measurements ({', '.join((*VARIABLES, *COORDINATES))}) as rsslib.data.measurements.save writes them"


def build(rss: ArrayLike, sensor_x: ArrayLike, sensor_y: ArrayLike, tx_x: ArrayLike, tx_y: ArrayLike, time: ArrayLike,
          season: ArrayLike, sensors: ArrayLike, kinds: ArrayLike | None = None, *, source: str,
          not_heard: ArrayLike | None = None, doi: str = "", licence: str = "", md5: str = "",
          title: str = "", crs: str = CRS) -> xr.Dataset:
    """Build the Measurements Dataset from arrays and validate it.

    Shapes: `rss` [dB] is (sample, sensor), where not heard NaN, masked, or a number in `not_heard`; `sensor_x`,
    `sensor_y` [m] are (sample, sensor), or (sensor,) for receivers that do not move; `tx_x`, `tx_y` [m] are
    (sample, tx), padded with NaN, or (sample,) for one transmitter; `time` (see `times.times`), `season` are (sample,);
    `sensors`, `kinds` are (sensor,). Kinds are those of `receivers.KINDS`, by default "other" for all. `crs` names the
    UTM zone of the metres, or is "local".
    Arrays that tell their units (xarray, pandas, h5py, netCDF4, pint, astropy) tell dB, dBm or m, in any spelling.
    Positions of receivers that heard nothing become NaN.
    Errors: InputError naming the argument, for values of another type or shape, and those of `validate`.

    >>> dataset = build([[-80.0, 100]], [1e3, 2e3], [2e3, 2e3], [3e3], [4e3], ["2022-07-01"], ["july"], ["a", "b"],
    ...                 source="mine", not_heard=100)
    >>> dataset.rss.values
    array([[-80.,  nan]], dtype=float32)
    """
    about = {"title": title, "crs": crs, "source": source, "doi": doi, "licence": licence, "md5": md5}
    for argument, text in about.items():
        check_type(f"measurements: {argument}", text, str, "a text")
    for values, name in ((rss, "rss"), (sensor_x, "sensor_x"), (sensor_y, "sensor_y"), (tx_x, "tx_x"), (tx_y, "tx_y")):
        _check_units(values, f"{source}: {name}", VARIABLES[name][1])
    heard = arrays.numbers(rss, f"{source}: rss")
    if heard.ndim != 2:
        raise InputError(f"{source}: rss: shape {heard.shape}; expected (sample, sensor)")
    sample, sensor = heard.shape
    heard = readings.without(heard, not_heard, source)
    receivers = [np.where(np.isnan(heard), np.nan, _receivers(places, f"{source}: {name}", heard.shape))
                 for places, name in ((sensor_x, "sensor_x"), (sensor_y, "sensor_y"))]
    sent = [_transmitters(places, f"{source}: {name}", sample) for places, name in ((tx_x, "tx_x"), (tx_y, "tx_y"))]
    if sent[0].shape != sent[1].shape:
        raise InputError(f"{source}: tx_x has shape {sent[0].shape}, tx_y {sent[1].shape}; expected the same")
    named = [arrays.texts(texts, f"{source}: {name}", {dim: size}) for texts, name, dim, size in (
        (season, "season", "sample", sample), (sensors, "sensors", "sensor", sensor),
        ([OTHER] * sensor if kinds is None else kinds, "kinds", "sensor", sensor))]
    values = [heard, *receivers, *sent, times.times(time, f"{source}: time", sample), *named]
    dataset = _dataset(values, about)
    for name in VARIABLES if crs != CRS else ():
        dataset[name].attrs["long_name"] = VARIABLES[name][2].replace("UTM zone 12N", crs)
    return validate(dataset, source)


def _receivers(places: ArrayLike, name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = arrays.numbers(places, name)
    if array.shape not in (shape, shape[1:]):    # what broadcasts otherwise has another meaning, or none
        raise InputError(f"{name}: shape {array.shape}; expected (sample, sensor) = {shape}, or (sensor,) = "
                         f"{shape[1:]} for receivers that do not move")
    return np.broadcast_to(array, shape)


def _transmitters(places: ArrayLike, name: str, samples: int) -> np.ndarray:
    array = arrays.numbers(places, name)
    if array.ndim not in (1, 2) or len(array) != samples:
        raise InputError(f"{name}: shape {array.shape}; expected (sample, tx), or (sample,) for one transmitter, with "
                         f"{samples} samples")
    return array if array.ndim == 2 else array[:, None]


def _check_units(values: Any, name: str, expected: str) -> None:
    attrs = getattr(values, "attrs", None)    # of xarray, pandas and h5py; the others have an attribute for it
    found = (attrs.get("units") if isinstance(attrs, Mapping) else
             getattr(values, "units", getattr(values, "unit", None)))
    if isinstance(found, bytes):    # as h5py has them
        found = found.decode(errors="replace")
    if found is not None and str(found).strip().lower() not in _UNITS[expected]:
        raise InputError(f"{name} has units {shown(found)}; expected {expected}: convert the values")


def validate(dataset: xr.Dataset, name: str = "measurements") -> xr.Dataset:
    """Return `dataset` unchanged if it is valid, else raise InputError with `name` and the sample.

    Checked: variables, dimensions, units, coordinates, `crs`, `source`; unique receivers of a known kind; unique time
    stamps; every sample heard; readings as receivers give them (see `readings.check`, which also warns); positions of
    transmitters and of receivers that heard, in metres, on one site (see `positions.check`).

    >>> from rsslib import data
    >>> validate(data.load("campus")).sizes["sample"]
    4578
    """
    _check_structure(dataset, name)
    for variable in _TEXTS:
        arrays.check_texts(dataset[variable].values, f"{name}: {variable}")
    times.check(dataset.time.values, f"{name}: time")
    times.check_float32(dataset.time.values, f"{name}: time")
    sensors, time = dataset.sensor.values, pd.DatetimeIndex(dataset.time.values)
    for bad, labels, problem in (
        (~np.isin(dataset.sensor_kind.values.astype(str), (*KINDS, OTHER)), sensors,
         f"unknown kind; expected one of {', '.join((*KINDS, OTHER))}"),
        (pd.Index(sensors).duplicated(), sensors, "named twice; keep one"),
        (time.isna(), range(len(time)), "no time stamp; give it one"),
        (time.duplicated(), time, "duplicate time stamp; keep one of the samples"),
        (np.isnan(dataset.rss.values).all(axis=1), time, "no receiver heard it; remove the sample"),
    ):
        if bad.any():
            what = "receiver" if labels is sensors else "sample"
            raise InputError(f"{name}: {what} {labels[int(np.argmax(bad))]}: {problem}")
    readings.check(dataset.rss.values, name)
    positions.check(dataset, name)
    readings.check_sign(dataset, name)
    return dataset


def _check_structure(dataset: xr.Dataset, name: str) -> None:
    check_type(name, dataset, xr.Dataset, "an xarray.Dataset of measurements, as rsslib.data.measurements.build "
               "returns")
    expected = {variable: (dims, "f") for variable, (dims, *_) in VARIABLES.items()}
    for variable, (dims, kind) in (expected | COORDINATES).items():
        if variable not in dataset.variables:
            found = ", ".join(map(str, dataset.variables)) or "no variables"
            raise InputError(f"{name}: '{variable}' is missing; found {found}; expected "
                             f"{', '.join((*VARIABLES, *COORDINATES))}")
        if dataset[variable].dims != dims:
            raise InputError(f"{name}: '{variable}' has dimensions {dataset[variable].dims}; expected {dims}")
        if dataset[variable].dtype.kind not in kind:
            raise InputError(f"{name}: '{variable}' holds {dataset[variable].dtype}; expected {_TYPES[kind]}")
    for variable, (_, unit, _) in VARIABLES.items():
        _check_units(dataset[variable], f"{name}: '{variable}'", unit)
    for attribute, example in (("crs", f"metres in UTM, such as '{CRS}' or 'UTM zone 12N', or 'local': project degrees "
                                "(to_utm)"),
                               ("source", "frs, campus or another name")):
        value = dataset.attrs.get(attribute)
        if not isinstance(value, str) or not value.strip() or (
                attribute == "crs" and value != positions.LOCAL and not positions.is_utm(value)):
            raise InputError(f"{name}: attribute {attribute} is {shown(value)}; expected {example}")
    for dimension in ("sample", "sensor"):
        if dataset.sizes[dimension] == 0:
            raise InputError(f"{name}: no {dimension}s; expected at least one")


def save(dataset: xr.Dataset, path: str | Path) -> Path:
    """Write the Measurements Dataset to `path`, atomically: NetCDF (.nc) or plain numpy (.npz).

    Further variables and attributes are kept. Equal datasets give equal bytes. Reading .npz does not need netCDF4.
    Errors: InputError for another suffix, for what a file cannot hold (see `measurement_files.write`), and those of
    `validate`.

    >>> save(dataset, "data/quick/measurements.nc")   # doctest: +SKIP
    """
    path = measurement_files.checked_path(path)
    encoding: dict[str, dict] = {name: {"zlib": True, "complevel": 4} for name in VARIABLES}
    # nanoseconds: the only integer unit that is exact for datetime64[ns]
    encoding["time"] = {"units": "nanoseconds since 1970-01-01", "dtype": "int64"}
    measurement_files.write(validate(dataset, str(path)), path, encoding)
    return path


def load(path: str | Path, not_heard: ArrayLike | None = None) -> xr.Dataset:
    """Read a Measurements Dataset written by `save` (.nc or .npz) and validate it.

    Readings equal to `not_heard`, a number or several, become NaN.
    Errors: InputError naming the file if it is missing or unreadable, and those of `validate`.

    >>> load("data/quick/measurements.nc").sizes["sample"]   # doctest: +SKIP
    4578
    """
    dataset = measurement_files.read(measurement_files.checked_path(path), _WHAT, _LAYOUT)
    if "rss" in dataset and dataset.rss.dtype.kind in "iu":    # whole numbers, as other tools write them
        dataset["rss"] = dataset.rss.astype(np.float32)
    if not_heard is not None:
        _check_structure(dataset, str(path))
        dataset["rss"] = dataset.rss.copy(data=readings.without(dataset.rss.values, not_heard, str(path)))
    return validate(dataset, str(path))


def _dataset(values: list[np.ndarray], about: dict[str, str]) -> xr.Dataset:
    data = {name: (dims, array, attrs) for (name, (dims, attrs, _)), array in zip(_LAYOUT.items(), values)}
    return xr.Dataset({name: data[name] for name in VARIABLES}, {name: data[name] for name in COORDINATES}, about)
