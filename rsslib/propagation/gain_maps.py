"""Gain libraries: the gain maps of many emitter positions in a city, from which samples are drawn."""

from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.data.buildings import City, centres, outdoor
from rsslib.progress import Progress
from rsslib.project import InputError, atomic_path
from rsslib.propagation import sionna, urban
from rsslib.propagation.friis import FREQUENCY_HZ
from rsslib.propagation.scene import SETS, levels_dbm, of_library

BACKENDS = {"urban": urban, "sionna": sionna}
SHARES = (0.70, 0.15, 0.15)
STEP_DB = 0.01
"""Gains are stored in hundredths of a dB, two bytes each."""
DIMENSIONS = {"gain_db": ("position", "row", "column"), "x": ("position",), "y": ("position",), "cell": ("position",),
              "set": ("position",), "outdoor": ("row", "column")}
ATTRIBUTES = ("environment", "n", "side_m", "frequency_hz", "model", "threshold_dbm", "occupied_share", "attribution",
              "source", "synthetic", "seed")
_UNITS = {"gain_db": "dB", "x": "m", "y": "m"}
_MISSING = np.int16(-32768)


def build(city: City, n: int, count: int = 1000, seed: int = 0, backend: str = "urban",
          frequency_hz: float = FREQUENCY_HZ, **settings) -> xr.Dataset:
    """Return the gain maps from `count` random outdoor cells of a city to all its n x n cells.

    Dataset: gain_db(position, row, column) float32 [dB], NaN indoors; x, y(position) [m] from the south-west corner;
    cell(position) = row * n + column, unique; set(position), "train", "val" or "test", 70 : 15 : 15;
    outdoor(row, column); the attributes ATTRIBUTES and those of the city's heights. The threshold is from `threshold`.

    Input: city; n, cells per side; backend, a key of BACKENDS, to which `settings` go.
    Errors: InputError for an unknown backend, fewer outdoor cells than `count` or fewer than 20 positions, and those of
    the backend. Source: paper 2, Section III.D, with the backend's model instead of Atoll.

    >>> from rsslib.data import cities
    >>> build(cities.procedural(side_m=200.0), 16, count=20).gain_db.shape
    (20, 16, 16)
    """
    if backend not in BACKENDS:
        raise InputError(f"backend {backend!r}: expected one of {', '.join(BACKENDS)}")
    if n < 1:
        raise InputError(f"n: expected at least 1 cell per side, found {n}")
    free = outdoor(city, n)
    if not 20 <= count <= free.sum():
        raise InputError(f"{city.name}: count is {count}, {int(free.sum())} of {n} x {n} cells lie outdoors; expected "
                         "20 positions or more, one per cell: take fewer, or a larger n")
    rng = np.random.default_rng([seed, 1])
    cell = np.sort(rng.choice(np.flatnonzero(free), count, replace=False)).astype(np.int64)
    emitters = centres(n, city.side_m)[cell]
    gains = np.empty((count, n, n), np.int16)
    with Progress(count, f"{city.name} {n} x {n}") as progress:
        for row, gain in enumerate(BACKENDS[backend].gain_maps_db(city, emitters, n, frequency_hz, seed, **settings)):
            gains[row] = _packed(gain)
            progress.step(row + 1, "gain maps")
    held_out = np.round(np.array(SHARES[1:]) * count).astype(int)
    sets = rng.permutation(np.repeat(SETS, [count - held_out.sum(), *held_out]))
    values = {"gain_db": _unpacked(gains), "x": emitters[:, 0], "y": emitters[:, 1], "cell": cell, "set": sets,
              "outdoor": free}
    attrs = {"environment": city.name, "n": n, "side_m": city.side_m, "frequency_hz": float(frequency_hz),
             "model": BACKENDS[backend].MODEL, "attribution": city.attribution, "source": city.source,
             "synthetic": city.synthetic, "seed": seed, "licence": city.licence, "md5": city.md5,
             "heights_default_m": city.default_m, **{f"heights_{k}": v for k, v in city.height_sources.items()}}
    library = _dataset(values, attrs | {"threshold_dbm": 0.0, "occupied_share": 0.0})
    library.attrs["threshold_dbm"], library.attrs["occupied_share"] = threshold(library, seed=seed)
    return library


def threshold(library: xr.Dataset, samples: int = 2000, seed: int = 0, share: float = 0.5) -> tuple[float, float]:
    """Return the power [dBm, in tenths] that about `share` of the outdoor cells exceed, and their exact share.

    The powers are those of `scene.levels_dbm` in the set "train".
    Source: inferred; the paper does not state the share of occupied cells.

    >>> from rsslib.data import cities
    >>> _, occupied = threshold(build(cities.procedural(side_m=200.0), 16, count=20))
    >>> abs(occupied - 0.5) < 0.01
    True
    """
    levels = levels_dbm(of_library(library), "train", samples, seed)
    limit = round(float(np.quantile(levels, 1.0 - share)), 1)
    return limit, float((levels > limit).mean())


def save(library: xr.Dataset, path: str | Path) -> Path:
    """Write a gain library to `path` (.nc), compressed, atomically and reproducibly byte for byte.

    Errors: InputError for another suffix, and those of `validate`.
    """
    path = Path(path)
    if path.suffix != ".nc":
        raise InputError(f"{path}: unknown format {path.suffix!r}; expected a name ending in .nc")
    validate(library, path.name)
    packed = library.assign(gain_db=(DIMENSIONS["gain_db"], _packed(library.gain_db.values),
                                     {"units": "dB", "scale_factor": STEP_DB, "missing_value": _MISSING}))
    packed = packed.assign(outdoor=library.outdoor.astype(np.int8)).assign_attrs(synthetic=int(library.synthetic))
    with atomic_path(path) as temporary:
        packed.drop_encoding().to_netcdf(temporary, engine="netcdf4", encoding={
            "gain_db": {"zlib": True, "complevel": 4, "shuffle": True, "_FillValue": None}})
    return path


def load(path: str | Path) -> xr.Dataset:
    """Read a gain library written by `save` and validate it.

    Errors: InputError naming the file if it is missing, truncated or not a gain library.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a gain library (.nc); make one with gain_maps.build and save")
    try:
        with xr.open_dataset(path, engine="netcdf4", mask_and_scale=False) as packed:
            values, attrs = {name: packed[name].values for name in DIMENSIONS}, dict(packed.attrs)
        values |= {"gain_db": _unpacked(values["gain_db"]), "set": values["set"].astype(str),
                   "outdoor": values["outdoor"].astype(bool)}
        library = _dataset(values, attrs | {"synthetic": bool(attrs["synthetic"])})
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: not a gain library ({reason}); remove it and make it again") from None
    return validate(library, str(path))


def validate(library: xr.Dataset, name: str = "library") -> xr.Dataset:
    """Return the library unchanged if it is valid, else raise InputError.

    Checked: variables, dimensions, attributes; finite gains in the outdoor cells only; positions in different outdoor
    cells; sets "train", "val" and "test".
    """
    for variable, dims in DIMENSIONS.items():
        if variable not in library or library[variable].dims != dims:
            raise InputError(f"{name}: expected a variable {variable!r} with dimensions {dims}")
    missing = [key for key in ATTRIBUTES if key not in library.attrs]
    if missing:
        raise InputError(f"{name}: the attribute {missing[0]!r} is missing; expected {', '.join(ATTRIBUTES)}")
    n, cell, free = library.attrs["n"], library.cell.values, library.outdoor.values
    if free.shape != (n, n) or len(np.unique(cell)) < len(cell) or not np.isin(cell, np.flatnonzero(free)).all():
        raise InputError(f"{name}: expected {n} x {n} cells and each position in its own outdoor cell, found a "
                         f"raster of {free.shape} and {len(np.unique(cell))} cells for {len(cell)} positions")
    wrong = (np.isfinite(library.gain_db.values) != free).any(axis=(1, 2))
    if wrong.any():
        raise InputError(f"{name}: position {int(wrong.argmax())}: expected a gain in each outdoor cell, NaN indoors")
    if not np.isin(library.set.values, SETS).all():
        raise InputError(f"{name}: expected sets {', '.join(SETS)}, found {', '.join(np.unique(library.set.values))}")
    return library


def _packed(gain: np.ndarray) -> np.ndarray:
    """Return gains [dB] in steps of STEP_DB, int16."""
    steps = np.rint(np.asarray(gain, np.float64) / STEP_DB)
    return np.where(np.isnan(steps), _MISSING, np.clip(np.nan_to_num(steps), -32767, 32767)).astype(np.int16)


def _unpacked(steps: np.ndarray) -> np.ndarray:
    return np.where(steps == _MISSING, np.float32(np.nan), steps * np.float32(STEP_DB)).astype(np.float32)


def _dataset(values: dict[str, np.ndarray], attrs: dict) -> xr.Dataset:
    return xr.Dataset({name: (dims, values[name], {"units": _UNITS[name]} if name in _UNITS else {})
                       for name, dims in DIMENSIONS.items()}, attrs=attrs)
