"""Mutations of arrays and datasets that a caller gives."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from .contents import INF, JSON_ODD, NAN, Contents, short

ODD = (*JSON_ODD, b"abc", (), (1, 2), {1}, object(), len, date(2022, 7, 5), 1j, np.float32(1.5), np.int64(-2),
       np.array(3.0),
       np.array([1.0, NAN]), np.array([], int), np.array(["a"]), np.datetime64("NaT"), range(3), slice(None),
       pd.Timestamp("2022-07-05"), Path("nowhere"))
"""What a caller may give in place of anything else."""
NO_PATHS = tuple(value for value in ODD if not isinstance(value, (str, Path)))
"""What a caller may give in place of a path: not those that name a place in the working folder."""
_FLOATS = (NAN, INF, -INF, 0.0, -1.0, 100.0, 1e30, -1e30, -200.0, 1e-30)
_TYPES = ("float16", "float32", "float64", "int64", "int8", "uint8", "bool", "object", "str", "complex", "longdouble",
          "datetime64[ns]", "S8")
_SHAPES: dict[str, Callable[[np.ndarray], Any]] = {
    "flat": lambda a: a.ravel(), "one more axis": lambda a: a[None], "transposed": lambda a: a.T,
    "short": lambda a: a[:-1],
    "empty": lambda a: a[:0], "twice": lambda a: np.concatenate([a, a]), "scalar": lambda a: a.ravel()[0],
    "first": lambda a: a.ravel()[:1].reshape([1] * a.ndim), "reversed": lambda a: a[::-1],
    "narrow": lambda a: a[..., :-1]}
_KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "list": lambda a: a.tolist(), "tuple": tuple, "iterator": iter, "frame": pd.DataFrame, "dataarray": xr.DataArray,
    "series": lambda a: pd.Series(list(a)), "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
    "big endian": lambda a: a.astype(a.dtype.newbyteorder(">")), "constant": lambda a: np.full_like(a, a.ravel()[0])}


class Arrays(Contents):
    """Mutations of arrays and datasets."""

    def array(self, values: Any, what: str, often: float = 0.5) -> Any:
        """Return an array of another type, shape or kind, or with some odd values."""
        if not self.wants(often):
            return values
        array = np.asarray(values)
        changes = {**_SHAPES, **_KINDS, "masked": _masked, "frozen": _frozen, "values": self._with_odd,
                   "scaled": self._scaled,
                   **{kind: lambda a, kind=kind: a.astype(kind) for kind in _TYPES}}
        name = self.one((*["values"] * 6, *["scaled"] * 2, *changes, "odd"))
        self.say(f"{what}: {name}")
        try:
            return changes[name](array) if name in changes else self.choice(values, ODD, what, 1.0)
        except Exception:    # not with this array
            return self.choice(values, ODD, what, 1.0)

    def _with_odd(self, array: np.ndarray) -> np.ndarray:
        """Return an array of which one value, a tenth, a half or all are odd."""
        kind, changed = array.dtype.kind, array.copy()
        if kind in "iu":
            odd = self.one((np.iinfo(array.dtype).min, 0, 1, np.iinfo(array.dtype).max))
        else:
            odd = self.one(_FLOATS) if kind == "f" else self.one(("", "abc", None, 1, "a\0b", b"x"))
            changed = changed if kind == "f" else changed.astype(object)
        count = max(1, round(self.one((0.0, 0.1, 0.5, 1.0)) * changed.size))
        changed.reshape(-1)[:count] = odd
        self.say(f"{count} of {changed.size} are {short(odd)}")
        return changed

    def _scaled(self, array: np.ndarray) -> np.ndarray:
        factor = self.one((-1, 1000, 1e-3, 1e12, 0.0, 1e300))
        self.say(f"times {factor}")
        return array * factor

    def dataset(self, valid: xr.Dataset, what: str = "dataset", often: float = 0.9) -> Any:
        """Return a dataset with one to three variables, dimensions or attributes changed, or something else."""
        changed = valid.copy(deep=True)
        for _ in range(self.number(1, 3) if self.wants(often) else 0):
            if isinstance(changed, xr.Dataset):
                try:
                    changed = self._changed(changed, what)
                except Exception:    # whatever numpy and xarray raise
                    self.say("(not with this dataset)")
        return changed

    def _changed(self, data: xr.Dataset, what: str) -> Any:
        name, dim, key = (self.one(sorted(map(str, part)) or ["none"]) for part in (data.variables, data.sizes,
                                                                                    data.attrs))
        size, variable = data.sizes.get(dim, 0), data.get(name, data.coords.get(name))
        changes: dict[str, Callable[[], Any]] = {
            "values": lambda: data.assign({name: (variable.dims, self.array(variable.values, name, 1.0),
                                                  variable.attrs)}),
            "dropped": lambda: data.drop_vars(name), "renamed": lambda: data.rename({name: f"{name}x"}),
            "transposed": lambda: data.assign({name: variable.transpose(*reversed(variable.dims))}),
            "one more variable": lambda: data.assign(more=((dim,), np.arange(size))),
            "dimension twice": lambda: xr.concat([data, data], dim),
            "half": lambda: data.isel({dim: slice(0, size // 2)}),
            "one": lambda: data.isel({dim: [0]}), "empty": lambda: data.isel({dim: []}),
            "padded": lambda: data.pad({dim: (0, 2)}),
            "dimension renamed": lambda: data.rename({dim: f"{dim}x"}), "dimension gone": lambda: data.isel({dim: 0}),
            "attribute": lambda: data.assign_attrs({key: self.choice(data.attrs.get(key), ODD, key, 1.0)}),
            "attribute gone": lambda: without(data, key),
            "other": lambda: self.choice(data, (None, data.to_dict(), variable, "data.nc", [data], 1), what, 1.0)}
        kind = self.one((*["values"] * 8, *["attribute"] * 2, *changes))
        about = key if "attribute" in kind else name if kind in ("values", "dropped", "renamed", "transposed") else dim
        self.say(f"{what}.{about}: {kind}")
        return changes[kind]()


def without(data: xr.Dataset, key: str) -> xr.Dataset:
    """Return a dataset without an attribute."""
    return data.drop_attrs(deep=False).assign_attrs({name: value for name, value in data.attrs.items() if name != key})


def _masked(array: np.ndarray) -> np.ndarray:
    mask = np.zeros(array.shape, bool)
    mask.reshape(-1)[: max(1, mask.size // 3)] = True
    return np.ma.masked_array(array, mask)


def _frozen(array: np.ndarray) -> np.ndarray:
    frozen = array.copy()
    frozen.flags.writeable = False
    return frozen
