"""The files of measurements: NetCDF (.nc) or plain numpy (.npz), with all variables and attributes, and a digest."""

import io
import json
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import xarray as xr

from rsslib import files
from rsslib.arguments import check_type, shown
from rsslib.data import times
from rsslib.project import InputError, atomic_path

Layout = Mapping[str, tuple[tuple[str, ...], Mapping[str, Any], bool]]
"""For each variable its dimensions, its attributes, and whether it is a coordinate."""
_NAME = "letters, digits, '_', '.' and '-', not a name that files use themselves"
_OWN = ("attrs", "variables", "file", "allow_pickle", files.DIGEST,    # of .npz, and of both
        "_FillValue", "missing_value", "scale_factor", "add_offset", "coordinates", "grid_mapping", "dtype", "calendar")
_ERRORS = (BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError)


def checked_path(path: str | Path, name: str = "path") -> Path:
    """Return `path` as a Path. Errors: InputError with `name` for another type."""
    check_type(name, path, (str, os.PathLike), "the path of a file of measurements")
    return Path(path)


def write(dataset: xr.Dataset, path: Path, encoding: dict[str, dict]) -> None:
    """Write a dataset, atomically; `encoding` is that of its variables in NetCDF. Equal datasets give equal bytes.

    Errors: InputError naming the file, for another suffix; for a variable that holds neither numbers nor times nor
    texts; for an attribute that is no text, number or list of several; for a name with a meaning of its own in a file.
    """
    if path.suffix not in (".nc", ".npz"):
        raise InputError(f"{path}: unknown format {path.suffix!r}; expected a name ending in .nc or .npz")
    dataset = _with_texts(dataset)
    _check_attributes(dataset.attrs, f"{path}: attribute")
    for name, one in dataset.variables.items():
        for label in (name, *one.dims):
            if not _is_name(label):
                raise InputError(f"{path}: a variable or dimension {shown(label)}; expected {_NAME}: rename it")
        if one.dtype.kind not in "biuMU" and one.dtype not in (np.float32, np.float64):
            raise InputError(f"{path}: '{name}' holds {one.dtype}; expected numbers, times or texts: leave it out")
        if one.dtype.kind == "M":
            times.check(one.values.ravel(), f"{path}: '{name}'")
        _check_attributes(one.attrs, f"{path}: '{name}': attribute")
    if path.suffix == ".nc":
        files.write_netcdf(_in_order(dataset), path, encoding)
    else:
        _write_npz(_in_order(dataset), path)


def read(path: Path, what: str, layout: Layout) -> xr.Dataset:
    """Return the dataset in a file; `layout` is that of variables of which the file says nothing.

    Errors: InputError naming the file if it is missing, damaged or something else, or its digest does not agree.
    """
    if path.suffix == ".npz":
        return _read_npz(path, what, layout)
    dataset = files.read_netcdf(path, what)
    dataset = dataset.set_coords([name for name in dataset.variables if name in layout and layout[str(name)][2]])
    for attrs in (dataset.attrs, *(one.attrs for one in dataset.variables.values())):
        # lists of numbers are read as arrays, which do not compare equal to lists
        attrs.update({key: value.tolist() for key, value in attrs.items() if isinstance(value, np.ndarray)})
    characters = {name: one for name, one in dataset.variables.items() if one.dtype.kind == "S"}
    decoded = files.parsed(lambda: {name: one.copy(data=np.char.decode(one.values, "utf-8")) for name, one in
                                    characters.items()}, path, what)
    return _with_texts(dataset.assign(decoded))


def _with_texts(dataset: xr.Dataset) -> xr.Dataset:
    """Return the dataset with texts that are kept as objects, as NetCDF's strings are, as numpy strings."""
    texts = {name: one.astype(str) for name, one in dataset.variables.items() if one.dtype.kind in "OT" and all(
        isinstance(value, str) for value in one.values.ravel().tolist())}
    return dataset.assign(texts)


def _check_attributes(attrs: Mapping, what: str) -> None:
    for name, value in attrs.items():
        if not _is_name(name):
            raise InputError(f"{what} {shown(name)}: expected {_NAME}: rename it")
        if not _is_storable(value) or name == "units" and " since " in str(value):    # the sign of a time
            raise InputError(f"{what} '{name}' is {shown(value)}; expected a text, a number or a list of "
                             "several: change it, or leave it out")


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and re.fullmatch(r"[^\W_][\w.-]*", name) is not None and name not in _OWN


def _in_order(dataset: xr.Dataset) -> xr.Dataset:
    """Return the dataset in the order of names, times in nanoseconds, without the encoding of a file."""
    variables = {name: xr.Variable(one.dims, one.values.astype("M8[ns]") if one.dtype.kind == "M" else one.values,
                                   dict(sorted(one.attrs.items())))
                 for name, one in sorted(dataset.variables.items(), key=lambda item: str(item[0]))}
    return xr.Dataset(variables, attrs=dict(sorted(dataset.attrs.items()))).set_coords(list(dataset.coords))


def _write_npz(dataset: xr.Dataset, path: Path) -> None:
    layout = {str(name): (one.dims, one.attrs, name in dataset.coords) for name, one in dataset.variables.items()}
    content = {str(name): one.values for name, one in dataset.variables.items()}
    content |= {"attrs": _json(dataset.attrs), "variables": _json(layout)}
    content[files.DIGEST] = np.array(files.digest(_dataset(content, {})))
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **content)


def _read_npz(path: Path, what: str, layout: Layout) -> xr.Dataset:
    content = files.read_bytes(path, what)

    def unpacked() -> xr.Dataset:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            stored = {name: archive[name] for name in archive.files}
        expected = stored.pop(files.DIGEST, None)
        if missing := sorted({*layout, "attrs"} - {*stored}):
            raise InputError(f"{path}: lacks {', '.join(missing)}; found {', '.join(stored) or 'nothing'}; expected "
                             f"{what}: give your arrays to rsslib.data.measurements.build, and save what it returns")
        dataset = _dataset(stored, layout)
        if expected is not None and str(expected) != files.digest(dataset):
            raise ValueError("its content is not what was written: damaged, or edited")
        return dataset

    return files.parsed(unpacked, path, what, also=_ERRORS)


def _dataset(stored: Mapping[str, np.ndarray], layout: Layout) -> xr.Dataset:
    layout = {**layout, **json.loads(str(stored.get("variables", "{}")))}
    variables = {}
    if unknown := sorted({*stored} - {*layout, "attrs", "variables"}):
        raise ValueError(f"the dimensions of {', '.join(unknown)} are not known: leave them out, or save with `save`")
    for name in sorted({*stored} - {"attrs", "variables"}):
        dims, attrs, _ = layout[name]
        if len(set(dims)) < len(dims):
            raise ValueError(f"'{name}' has a dimension twice")
        variables[name] = xr.Variable(dims, stored[name], attrs)
    dataset = xr.Dataset(variables, attrs=json.loads(str(stored["attrs"])))
    return dataset.set_coords([name for name in variables if layout[name][2]])


def _json(content: Mapping) -> np.ndarray:
    """Return JSON as an array of one text, with numpy's numbers and arrays as numbers and lists."""
    return np.array(json.dumps(dict(content), default=lambda value: value.tolist()))


def _is_storable(value: Any) -> bool:
    """Return whether both formats keep a value: a text, a number, a list of several (of one, NetCDF keeps the one)."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind not in "fiuU":
        return False
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    items = list(plain) if isinstance(plain, list | tuple) else [plain]
    numbers = all(type(item) is float or type(item) is int and -2**63 <= item < 2**63 for item in items)
    texts = all(isinstance(item, str) and "\0" not in item for item in items)
    return (numbers or texts) and (len(items) > 1 or items == [plain])
