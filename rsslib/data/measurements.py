"""The Measurements Dataset: what every loader returns and every later step reads."""

import json
from pathlib import Path
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
COORDINATES = {"time": "sample", "season": "sample", "sensor": "sensor", "sensor_kind": "sensor"}
_TEXTS = ("season", "sensor", "sensor_kind")
_ZONE_LON, _ZONE_LAT = (-114.0, -108.0), (0.0, 84.0)


def sensor_kind(name: str) -> str:
    """Return the receiver kind (one of `KINDS`) that a receiver's name tells.

    Raises InputError for a name of no known kind.

    >>> sensor_kind("cbrssdr1-fm-comp"), sensor_kind("ebc-nuc1-b210")
    ('cbrs', 'nuc')
    """
    for prefix, kind in (("cnode-", "cnode"), ("cbrssdr1-", "cbrs"), ("cellsdr1-", "cell"), ("bus-", "bus")):
        if name.startswith(prefix):
            return kind
    if "-nuc" in name and name.endswith("-b210"):
        return "nuc"
    raise InputError(
        f"receiver '{name}': unknown kind; "
        "expected a name like cnode-*, cbrssdr1-*, cellsdr1-*, *-nuc*-b210 or bus-*"
    )


def to_utm(lat, lon, rows=None, name: str = "coordinates") -> tuple[np.ndarray, np.ndarray]:
    """Project latitude and longitude (degrees, WGS 84) to UTM zone 12N easting and northing (m).

    Both arrays have one shape, which the result keeps; NaN stays NaN.  Raises InputError outside the zone's
    range (lon -114..-108, lat 0..84), naming the file `name` and the first bad place in `rows`
    (labels along the first axis; default: its index).

    >>> x, y = to_utm([40.7649], [-111.8421])
    >>> x.round(), y.round()
    (array([428927.]), array([4513000.]))
    """
    from pyproj import Transformer  # here, not above: training needs no projection

    lat, lon = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    inside = (lon >= _ZONE_LON[0]) & (lon <= _ZONE_LON[1]) & (lat >= _ZONE_LAT[0]) & (lat <= _ZONE_LAT[1])
    missing = np.isnan(lat) & np.isnan(lon)
    bad = np.argwhere(~(inside | missing))
    if len(bad):
        place = tuple(bad[0])
        row = place[0] if rows is None else rows[place[0]]
        raise InputError(
            f"{name}: row {row}: latitude {lat[place]}, longitude {lon[place]} lie outside UTM zone 12N; "
            "expected latitude 0..84 and longitude -114..-108 degrees; check their order"
        )
    x, y = Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(lon, lat)
    return np.where(missing, np.nan, x), np.where(missing, np.nan, y)


def measurements(
    rss, sensor_x, sensor_y, tx_x, tx_y, time, season, sensors, kinds,
    *, source: str, doi: str = "", licence: str = "", md5: str = "", title: str = "",
) -> xr.Dataset:  # fmt: skip
    """Build and check the Measurements Dataset.

    Shapes: `rss` (dB, NaN = not heard), `sensor_x`, `sensor_y` (m) are (sample, sensor); `tx_x`, `tx_y` (m)
    are (sample, tx), padded with NaN; `time`, `season` are (sample,); `sensors`, `kinds` are (sensor,).
    Receiver positions are set to NaN where nothing was heard.  Raises InputError as `validate` does, and for
    values of another type or shape.

    >>> ds = measurements([[-80.0]], [[1e3]], [[2e3]], [[3e3]], [[4e3]], ["2022-07-01"], ["july"],
    ...                   ["bus-1"], ["bus"], source="mine")
    >>> dict(ds.sizes)
    {'sample': 1, 'sensor': 1, 'tx': 1}
    """
    try:
        values = _values(rss, sensor_x, sensor_y, tx_x, tx_y, time, season, sensors, kinds)
        attrs = {"title": title, "crs": CRS, "source": source, "doi": doi, "licence": licence, "md5": md5}
        built = _build(values, attrs)
    except (ValueError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{source}: the values do not fit together ({reason}); expected numbers, rss and sensor_x/y "
                         "of shape (sample, sensor), tx_x/y (sample, tx), one time and season a sample, one name and "
                         "kind a receiver") from None
    return validate(built, source)


def _values(rss, sensor_x, sensor_y, tx_x, tx_y, time, season, sensors, kinds) -> dict[str, np.ndarray]:
    rss = np.asarray(rss, dtype=np.float32)
    silent = np.isnan(rss)
    return {
        "rss": rss,
        "sensor_x": np.where(silent, np.nan, np.asarray(sensor_x, dtype=np.float64)),
        "sensor_y": np.where(silent, np.nan, np.asarray(sensor_y, dtype=np.float64)),
        "tx_x": np.asarray(tx_x, dtype=np.float64),
        "tx_y": np.asarray(tx_y, dtype=np.float64),
        "time": np.asarray(pd.DatetimeIndex(time).as_unit("ns")),
        "season": np.asarray(season, dtype=str),
        "sensor": np.asarray(sensors, dtype=str),
        "sensor_kind": np.asarray(kinds, dtype=str),
    }


def validate(ds: xr.Dataset, name: str = "measurements") -> xr.Dataset:
    """Return `ds` unchanged if it keeps the schema, else raise InputError naming `name` and the sample.

    Checked: variables, dimensions, coordinates, `crs`, `source`; receivers named once and of a known kind;
    time stamps present and unique; every sample heard; heard receivers and transmitters have places, in
    metres (places that all lie within 180 of zero are taken for degrees).

    >>> validate(load("data/quick/measurements.nc")).sizes["sample"]   # doctest: +SKIP
    4578
    """
    _check_structure(ds, name)
    sensors, time, start = ds.sensor.values, ds.time.values, f"{name}: sample"
    unknown = ~np.isin(ds.sensor_kind.values.astype(str), KINDS)
    _refuse(unknown, sensors, f"{name}: receiver", f"unknown kind; expected one of {', '.join(KINDS)}")
    _refuse(pd.Index(sensors).duplicated(), sensors, f"{name}: receiver", "named twice; name it once")
    _refuse(np.isnat(time), np.arange(len(time)), start, "no time stamp; give it one")
    _refuse(pd.Index(time).duplicated(), time, start, "duplicate time stamp; keep one of the samples")
    heard = ~np.isnan(ds.rss.values)
    _refuse(~heard.any(axis=1), time, start, "no receiver heard it; remove the sample")
    _refuse(np.isinf(ds.rss.values).any(axis=1), time, start, "infinite RSS; write NaN for not heard")
    placed = np.isfinite(ds.sensor_x.values) & np.isfinite(ds.sensor_y.values)
    problem = "a heard receiver has no position; give its position, or write its RSS as NaN"
    _refuse((heard & ~placed).any(axis=1), time, start, problem)
    tx_x, tx_y = ds.tx_x.values, ds.tx_y.values
    uneven = (np.isnan(tx_x) != np.isnan(tx_y)) | np.isinf(tx_x) | np.isinf(tx_y)
    _refuse(uneven.any(axis=1), time, start, "half a transmitter position; give both tx_x and tx_y in m")
    for pair in (("sensor_x", "sensor_y"), ("tx_x", "tx_y")):
        _check_metres(ds, pair, name)
    return ds


def save(ds: xr.Dataset, path: str | Path) -> Path:
    """Write the Measurements Dataset to `path`, whole or not at all: NetCDF (.nc) or plain numpy (.npz).

    The same Dataset gives the same bytes.  The .npz form needs no netCDF4 to read.  Raises InputError for
    another suffix or a Dataset that breaks the schema.

    >>> save(ds, "data/quick/measurements.nc")   # doctest: +SKIP
    """
    path = Path(path)
    validate(ds, path.name)
    if path.suffix not in (".nc", ".npz"):
        raise InputError(f"{path}: unknown form '{path.suffix}'; expected a name ending in .nc or .npz")
    with atomic_path(path) as temporary:
        if path.suffix == ".npz":
            arrays = {name: ds[name].values for name in (*VARIABLES, *COORDINATES)}
            arrays |= {name: arrays[name].astype(str) for name in _TEXTS}
            np.savez_compressed(temporary, attrs=json.dumps(ds.attrs, sort_keys=True), **arrays)
        else:
            encoding: dict = {name: {"zlib": True, "complevel": 4} for name in VARIABLES}
            # nanoseconds: the only whole-number unit that loses nothing of a datetime64[ns]
            encoding["time"] = {"units": "nanoseconds since 1970-01-01", "dtype": "int64"}
            ds.drop_encoding().to_netcdf(temporary, engine="netcdf4", encoding=encoding)
    return path


def load(path: str | Path) -> xr.Dataset:
    """Read a Measurements Dataset written by `save` (.nc or .npz) and check it.

    Raises InputError when the file is missing, unreadable or breaks the schema.

    >>> load("data/quick/measurements.nc").sizes["sample"]   # doctest: +SKIP
    4578
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected measurements (.nc or .npz); run the data stage")
    try:
        values, attrs = _read_npz(path) if path.suffix == ".npz" else _read_netcdf(path)
    except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: not measurements ({reason}); remove it, run the data stage") from None
    missing = [name for name in (*VARIABLES, *COORDINATES) if name not in values]
    if missing:
        names = ", ".join((*VARIABLES, *COORDINATES))
        raise InputError(
            f"{path}: '{missing[0]}' is missing; expected {names}; use rsslib.datasets.schema.save"
        )
    return validate(_build(values, attrs), str(path))


def _build(values: dict[str, np.ndarray], attrs: dict) -> xr.Dataset:
    data = {
        name: (dims, values[name], {"units": units, "long_name": long_name})
        for name, (dims, units, long_name) in VARIABLES.items()
    }
    return xr.Dataset(data, {name: (dim, values[name]) for name, dim in COORDINATES.items()}, attrs)


def _read_npz(path: Path) -> tuple[dict, dict]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        values = {name: archive[name] for name in archive.files}
    return values, json.loads(str(values.pop("attrs")))


def _read_netcdf(path: Path) -> tuple[dict, dict]:
    with xr.open_dataset(path, engine="netcdf4") as ds:
        values = {str(name): ds[name].values for name in ds.variables}
        # a list of numbers comes back as an array, which would not compare with the list
        attrs = {
            key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in ds.attrs.items()
        }
    for name in _TEXTS:
        if name in values:
            values[name] = values[name].astype(str)  # NetCDF strings come back as objects
    return values, attrs


def _check_structure(ds: xr.Dataset, name: str) -> None:
    if not isinstance(ds, xr.Dataset):
        raise InputError(f"{name}: expected an xarray.Dataset of measurements, found {type(ds).__name__}; "
                         "build one with rsslib.datasets.schema.measurements")
    expected = {variable: dims for variable, (dims, *_) in VARIABLES.items()}
    expected |= {coordinate: (dim,) for coordinate, dim in COORDINATES.items()}
    for variable, dims in expected.items():
        if variable not in ds.variables:
            raise InputError(f"{name}: '{variable}' is missing; expected {', '.join(expected)}")
        if ds[variable].dims != dims:
            raise InputError(f"{name}: '{variable}' has dimensions {ds[variable].dims}; expected {dims}")
        if variable in VARIABLES and ds[variable].dtype.kind != "f":
            raise InputError(
                f"{name}: '{variable}' holds {ds[variable].dtype}; expected floating-point numbers"
            )
    if ds.time.dtype.kind != "M":
        raise InputError(f"{name}: 'time' holds {ds.time.dtype}; expected datetime64")
    if ds.attrs.get("crs") != CRS:
        raise InputError(f"{name}: attribute crs is {ds.attrs.get('crs')!r}; expected '{CRS}'; use to_utm")
    if not ds.attrs.get("source"):
        raise InputError(f"{name}: attribute source is missing; expected frs, campus or a name of your own")
    if ds.sizes["sample"] == 0:
        raise InputError(f"{name}: no samples; expected at least one")


def _check_metres(ds: xr.Dataset, pair: tuple[str, str], name: str) -> None:
    found = np.abs(np.concatenate([ds[variable].values.ravel() for variable in pair]))
    found = found[np.isfinite(found)]
    if len(found) and found.max() <= 180:
        raise InputError(f"{name}: {' and '.join(pair)} lie within 180 of zero: degrees, it seems; expected metres: "
                         "use to_utm, or add 1000 m to every place of a very small site")


def _refuse(bad: np.ndarray, labels: np.ndarray, start: str, problem: str) -> None:
    """Raise InputError about the first place where `bad` is true."""
    if bad.any():
        label = labels[int(np.argmax(bad))]
        if isinstance(label, np.datetime64):
            label = pd.Timestamp(label)
        raise InputError(f"{start} {label}: {problem}")
