"""Gain libraries: the file format of the gain maps of many emitter positions, from which samples are drawn."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.arguments import check_type, shown
from rsslib.files import parsed, read_netcdf, write_netcdf
from rsslib.project import InputError
from rsslib.propagation import arguments

SETS = ("train", "val", "test")
MOST = 3
"""Emitters in a sample of the threshold: each set has at least so many positions."""
STEP_DB = 0.01
"""Gains are stored in hundredths of a dB, two bytes each."""
LOWEST_DB = -327.67
DIMENSIONS = {"gain_db": ("position", "row", "column"), "x": ("position",), "y": ("position",), "cell": ("position",),
              "set": ("position",), "outdoor": ("row", "column")}
ATTRIBUTES = ("environment", "n", "side_m", "frequency_hz", "model", "threshold_dbm", "occupied_share", "attribution",
              "source", "synthetic", "seed")
_KINDS = {"gain_db": "f", "x": "f", "y": "f", "cell": "iu", "set": "UO", "outdoor": "b"}
_STORED = _KINDS | {"gain_db": "i", "outdoor": "iu"}
_UNITS = {"gain_db": "dB", "x": "m", "y": "m"}
_MISSING = np.int16(-32768)


def save(library: xr.Dataset, path: str | Path) -> Path:
    """Write a gain library to `path` (.nc), compressed, atomically and reproducibly byte for byte.

    Errors: InputError for another suffix, and those of `validate`.
    """
    path = Path(path)
    validate(library, path.name)
    packed = library.assign(gain_db=(DIMENSIONS["gain_db"], pack(library.gain_db.values),
                                     {"units": "dB", "scale_factor": STEP_DB, "missing_value": _MISSING}))
    packed = packed.assign(outdoor=library.outdoor.astype(np.int8)).assign_attrs(synthetic=int(library.synthetic))
    return write_netcdf(packed, path, {"gain_db": {"zlib": True, "complevel": 4, "shuffle": True, "_FillValue": None}})


def load(path: str | Path) -> xr.Dataset:
    """Read a gain library written by `save`.

    Errors: InputError naming the file if it is missing, damaged or not a gain library, and those of `validate`.
    """
    what, remedy = "a gain library (.nc)", "rsslib.propagation.gain_maps.build makes one, gain_library.save writes it"
    packed = read_netcdf(path, what, remedy, mask_and_scale=False)
    return validate(parsed(lambda: _decoded(packed), path, what, remedy), str(path))


def _decoded(packed: xr.Dataset) -> xr.Dataset:
    for name, kinds in _STORED.items():
        if packed[name].dtype.kind not in kinds:
            raise ValueError(f"the variable {name!r} is of type {packed[name].dtype}")
    scale, missing = packed.gain_db.attrs["scale_factor"], packed.gain_db.attrs["missing_value"]
    if (scale, missing) != (STEP_DB, _MISSING) or not packed.outdoor.isin((0, 1)).all():
        raise ValueError(f"gain_db in steps of {scale} dB without {missing}, or `outdoor` other than 0 and 1")
    if packed.attrs["synthetic"] not in (0, 1):
        raise ValueError(f"the attribute 'synthetic' is {shown(packed.attrs['synthetic'])}, not 0 or 1")
    values = {name: packed[name].values for name in DIMENSIONS}
    values |= {"gain_db": unpack(values["gain_db"]), "set": values["set"].astype(str),
               "outdoor": values["outdoor"].astype(bool)}
    return dataset(values, packed.attrs | {"synthetic": bool(packed.attrs["synthetic"])})


def validate(library: xr.Dataset, name: str = "library") -> xr.Dataset:
    """Return the library unchanged if it is valid, else raise InputError.

    Checked: variables, dimensions, types, attributes; positions at the centres of different outdoor cells; gains of
    LOWEST_DB to 0 dB in the outdoor cells only; "train", "val" and "test" with at least MOST positions each.
    """
    check_type(name, library, xr.Dataset, "an xarray.Dataset, a gain library")
    for variable, dims in DIMENSIONS.items():
        if variable not in library or library[variable].dims != dims:
            raise InputError(f"{name}: expected a variable {variable!r} with dimensions {dims}")
        if library[variable].dtype.kind not in _KINDS[variable]:
            raise InputError(f"{name}: {variable} is of type {library[variable].dtype}; expected a dtype of kind "
                             f"{' or '.join(_KINDS[variable])} (numpy's letters)")
    _validate_attributes(library.attrs, name)
    sets = library.set.values.astype(str)
    found = {one: int((sets == one).sum()) for one in (*SETS, *np.unique(sets).tolist())}
    if set(found) != set(SETS) or min(found.values()) < MOST:
        raise InputError(f"{name}: set: found positions by set {found}; expected sets {', '.join(SETS)}, each with "
                         f"{MOST} positions or more")
    _validate_positions(library, name)
    _validate_gains(library.gain_db.values, library.outdoor.values, name)
    return library


def _validate_attributes(attrs: Mapping, name: str) -> None:
    missing = [key for key in ATTRIBUTES if key not in attrs]
    if missing:
        raise InputError(f"{name}: the attribute {missing[0]!r} is missing; expected {', '.join(ATTRIBUTES)}")
    arguments.cells_per_side(attrs["n"], f"{name}: n")
    arguments.seed(attrs["seed"], f"{name}: seed")
    arguments.side(attrs["side_m"], f"{name}: side_m")
    arguments.frequency(attrs["frequency_hz"], f"{name}: frequency_hz")
    arguments.power_dbm(attrs["threshold_dbm"], f"{name}: threshold_dbm")
    arguments.number(f"{name}: occupied_share", attrs["occupied_share"], "a share from 0 to 1", 0.0, 1.0)
    for key in ("environment", "model", "attribution", "source"):
        check_type(f"{name}: {key}", attrs[key], str, "a text")
    check_type(f"{name}: synthetic", attrs["synthetic"], (bool, np.bool_), "True or False")


def _validate_positions(library: xr.Dataset, name: str) -> None:
    n, cell, free = int(library.attrs["n"]), library.cell.values, library.outdoor.values
    if free.shape != (n, n) or len(np.unique(cell)) < len(cell) or not np.isin(cell, np.flatnonzero(free)).all():
        raise InputError(f"{name}: found a raster of {free.shape} and {len(np.unique(cell))} cells for {len(cell)} "
                         f"positions; expected {n} x {n} cells, and each position in an outdoor cell of its own")
    cell_m = library.attrs["side_m"] / n
    for axis, index in (("x", cell % n), ("y", cell // n)):
        away = ~(np.abs(library[axis].values / cell_m - index - 0.5) < 1e-3)    # so that NaN is away
        if away.any():
            row = int(away.argmax())
            raise InputError(f"{name}: position {row}: {axis} is {library[axis].values[row]} m; expected "
                             f"{(index[row] + 0.5) * cell_m:g} m, the centre of cell {cell[row]}")


def _validate_gains(gains: np.ndarray, free: np.ndarray, name: str) -> None:
    wrong = (np.isfinite(gains) != free).any(axis=(1, 2))
    if wrong.any():
        raise InputError(f"{name}: position {int(wrong.argmax())}: expected a gain in each outdoor cell, NaN indoors")
    lowest, highest = float(np.nanmin(gains)), float(np.nanmax(gains))
    if not LOWEST_DB - STEP_DB < lowest <= highest <= 0:
        raise InputError(f"{name}: gain_db: found {lowest:g} to {highest:g} dB; expected {LOWEST_DB} to 0 dB: nothing "
                         "between two antennas amplifies")


def pack(gain: np.ndarray) -> np.ndarray:
    """Return gains [dB] in steps of STEP_DB, int16."""
    steps = np.rint(np.asarray(gain, np.float64) / STEP_DB)
    return np.where(np.isnan(steps), _MISSING, np.clip(np.nan_to_num(steps), -32767, 32767)).astype(np.int16)


def unpack(steps: np.ndarray) -> np.ndarray:
    """Return what `pack` packed, float32 [dB]."""
    return np.where(steps == _MISSING, np.float32(np.nan), steps * np.float32(STEP_DB)).astype(np.float32)


def dataset(values: Mapping[str, np.ndarray], attrs: Mapping) -> xr.Dataset:
    """Return the variables of DIMENSIONS with their dimensions and units."""
    return xr.Dataset({name: (dims, values[name], {"units": _UNITS[name]} if name in _UNITS else {})
                       for name, dims in DIMENSIONS.items()}, attrs=dict(attrs))
