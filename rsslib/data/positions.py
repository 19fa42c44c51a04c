"""Positions in metres: projection from degrees, the extent of a site, and the checks that one site holds them all."""

import re
import warnings

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from rsslib.arguments import shown
from rsslib.data import arrays
from rsslib.project import InputError, InputWarning

CRS = "EPSG:32612"
LOCAL = "local"
"""The label of metres east and north of a corner that nobody has tied to the Earth."""
_UTM = re.compile(r"((urn:ogc:def:crs:)?EPSG::?32[67](0[1-9]|[1-5]\d|60)"
                  r"|UTM ?(zone ?)?{zone} ?N|WGS ?84 ?/ ?UTM ?zone ?{zone} ?[NS])".replace(
                      "{zone}", r"(0?[1-9]|[1-5]\d|60)"), re.IGNORECASE)
DEGREES = 2.0
"""A site spans fewer degrees, and more metres."""
SITE_M = 200e3
"""A position farther than this from the median is in other units, or belongs to another site."""
SMALL_M = 20.0
"""A site whose longer side is shorter than this may be one of kilometres."""


def is_utm(crs: str) -> bool:
    """Return whether a label names a UTM zone of WGS 84 and its hemisphere.

    "UTM 12S" does not: it is in the south, or in band S of the military grid, which is in the north.

    >>> is_utm("EPSG:32612"), is_utm("WGS 84 / UTM zone 33S"), is_utm("UTM 12S"), is_utm("EPSG:4326")
    (True, True, False, False)
    """
    return _UTM.fullmatch(crs.strip()) is not None


def to_utm(lat: ArrayLike, lon: ArrayLike, rows: ArrayLike | None = None,
           name: str = "coordinates") -> tuple[np.ndarray, np.ndarray]:
    """Project latitude and longitude [degrees, WGS 84] to easting and northing in UTM zone 12N [m].

    Input and output have the same shape; NaN stays NaN.
    Errors: InputError for latitudes outside 0..84 or longitudes outside -114..-108, with `name` and the label of the
    first bad row (from `rows`, by default its index); for two shapes, or another thing than numbers.

    >>> x, y = to_utm([40.7649], [-111.8421])
    >>> x.round(), y.round()
    (array([428927.]), array([4513000.]))
    """
    from pyproj import Transformer  # imported here: training needs no projection

    lat, lon = arrays.numbers(lat, f"{name}: latitude"), arrays.numbers(lon, f"{name}: longitude")
    if lat.shape != lon.shape:
        raise InputError(f"{name}: latitudes have shape {lat.shape}, longitudes {lon.shape}; expected the same")
    labels = arrays.plain(range(len(np.atleast_1d(lat))) if rows is None else rows, f"{name}: rows", "labels")
    arrays.check_shape(labels, f"{name}: rows", {"row": len(np.atleast_1d(lat))})
    missing = np.isnan(lat) & np.isnan(lon)
    if (null := (lat == 0) & (lon == 0)).any():
        row = pd.Series(labels).iloc[np.argwhere(np.atleast_1d(null))[0][0]]
        raise InputError(f"{name}: {null.sum()} of {null.size} places are at latitude 0, longitude 0, the first in row "
                         f"{row}; give NaN for an unknown one")
    outside = np.argwhere(~(missing | (lat >= 0) & (lat <= 84) & (lon >= -114) & (lon <= -108)))
    if len(outside):
        first = tuple(outside[0])
        row = pd.Series(labels).iloc[first[0] if first else 0]
        raise InputError(f"{name}: row {row}: latitude {lat[first]}, longitude {lon[first]} lie outside UTM zone 12N; "
                         "expected latitude 0..84 and longitude -114..-108 degrees; check which is which")
    x, y = Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(lon, lat)
    return np.where(missing, np.nan, x), np.where(missing, np.nan, y)


def transmitters(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return easting and northing of each sample's transmitter, (samples,) [m], NaN if unknown.

    Errors: InputError for a sample with several transmitters.
    """
    x, y = (np.asarray(axis.values, np.float64) for axis in (dataset.tx_x, dataset.tx_y))
    if x.shape[1] > 1 and np.isfinite(x[:, 1:]).any():
        sample = int(np.isfinite(x[:, 1:]).any(axis=1).argmax())
        raise InputError(f"dataset: sample {sample} has several transmitters; expected at most one: leave it out")
    unknown = np.full(len(x), np.nan)
    return (x[:, 0], y[:, 0]) if x.shape[1] else (unknown, unknown)


def extent(dataset: xr.Dataset, name: str = "measurements") -> tuple[float, float, float, float]:
    """Return west, east, south and north of the site [m].

    It is the attribute `extent_m` of the dataset if there is one, since a site may be larger than the extent of its
    samples (the Utah grid includes the discarded off-campus transmitters), else that of transmitters and receivers.
    Errors: InputError with `name` for an `extent_m` that is not four numbers in this order, or leaves out a
    transmitter, as it does after `xarray.concat`, which keeps the attributes of the first dataset.
    """
    if "extent_m" not in dataset.attrs:
        x, y = _all(dataset)
        return float(np.nanmin(x)), float(np.nanmax(x)), float(np.nanmin(y)), float(np.nanmax(y))
    what = f"{name}: attribute extent_m"
    remedy = "expected west, east, south, north in m: correct the attribute, or drop it"
    edges = arrays.numbers(dataset.attrs["extent_m"], what)
    if edges.shape != (4,) or not np.isfinite(edges).all() or edges[0] >= edges[1] or edges[2] >= edges[3]:
        raise InputError(f"{what} is {shown(dataset.attrs['extent_m'])}; {remedy}")
    west, east, south, north = edges.tolist()
    x, y = dataset.tx_x.values, dataset.tx_y.values
    outside = ((x < west) | (x > east) | (y < south) | (y > north)).any(axis=1)
    if outside.any():
        raise InputError(f"{what}: {outside.sum()} of {len(outside)} samples have a transmitter outside of "
                         f"{dataset.attrs['extent_m']}, the first is {_sample(dataset, outside)}; {remedy}")
    return west, east, south, north


def farthest(dataset: xr.Dataset) -> tuple[str, float]:
    """Return which transmitter or receiver lies farthest from the median position of all, and how far [m]."""
    x, y = _all(dataset)
    away = np.hypot(x - np.nanmedian(x), y - np.nanmedian(y))
    most = away == np.nanmax(away)
    sample, column = np.argwhere(most)[0]
    number = int(column) - dataset.sizes["tx"]
    what = "transmitter" if number < 0 else f"receiver {dataset.sensor.values[number]}"
    return (f"{_sample(dataset, most.any(axis=1))}: the {what} at ({x[sample, column]:g}, {y[sample, column]:g})",
            float(away[sample, column]))


def check(dataset: xr.Dataset, name: str) -> None:
    """Raise InputError with `name` and the sample unless all positions are there, in metres, and of one site.

    Refused: a receiver without a position that heard a sample; half a position, or an infinite one; coordinates that
    are all within 180 of zero, the sign of degrees; placeholders such as (0, 0) or (9999, 9999), twice the same whole
    number, farther from all other positions than the site of those is long (of receivers a warning); a position more
    than SITE_M from the
    median; an attribute `extent_m` that is not four numbers in order, or leaves out a transmitter. Warned of: a site
    smaller than SMALL_M.
    """
    heard = ~np.isnan(dataset.rss.values)
    for pair, problem in (
            ("sensor", "a receiver that heard it has no position; add the position, or set its RSS to NaN"),
            ("tx", "incomplete transmitter position; give both tx_x and tx_y in m")):
        x, y = dataset[f"{pair}_x"].values, dataset[f"{pair}_y"].values
        lost = np.isinf(x) | np.isinf(y) | (np.isnan(x) != np.isnan(y) if pair == "tx" else heard & np.isnan(x + y))
        if lost.any():
            raise InputError(f"{name}: {_sample(dataset, lost.any(axis=1))}: {problem}")
        if _are_degrees(x, y):
            raise InputError(f"{name}: {pair}_x and {pair}_y are within 180 of zero and span less than {DEGREES:g}, "
                             "probably degrees, or 0 for unknown; expected metres: use to_utm, give NaN for unknown "
                             "transmitters, or add 1000 m to all x and 2000 m to all y of a very small site")
    _check_placeholders(dataset, name)
    which, away = farthest(dataset)
    if away > SITE_M:
        raise InputError(f"{name}: {which} lies {away / 1000:.0f} km from the median position; expected one site, in "
                         "metres: convert degrees with to_utm, give NaN for an unknown transmitter")
    west, east, south, north = extent(dataset, name)
    if 0 < max(east - west, north - south) < SMALL_M:
        warnings.warn(f"{name}: the site spans {east - west:.3g} m x {north - south:.3g} m; are the positions in "
                      "kilometres? then multiply them by 1000", InputWarning, stacklevel=2)


def _check_placeholders(dataset: xr.Dataset, name: str) -> None:
    x, y = _all(dataset)
    marks = (x == y) & (x == x.round())
    twice = marks | (np.abs(x) <= 180) & (np.abs(y) <= 90)    # or a degree among metres
    known = ~np.isnan(x + y) & ~twice
    if not twice.any() or known.sum() < 10 or not known[:, : dataset.sizes["tx"]].any():    # too few to tell far
        return
    west, east, south, north = x[known].min(), x[known].max(), y[known].min(), y[known].max()
    away = np.max([west - x, x - east, south - y, y - north], axis=0)
    far = twice & (away > max(east - west, north - south))
    sent = slice(0, dataset.sizes["tx"])
    for part, what in ((sent, "transmitter"), (slice(sent.stop, None), "receiver")):
        wrong = far[:, part]
        if not wrong.any():
            continue
        at = np.argwhere(wrong)[0]
        place, other = x[:, part][tuple(at)], y[:, part][tuple(at)]
        same = (wrong & (x[:, part] == place)).any(axis=1)
        text = (f"{name}: {same.sum()} of {len(x)} samples have a {what} at ({place:g}, {other:g}), "
                f"{away[:, part][tuple(at)]:.0f} m from all others, the first is {_sample(dataset, same)}")
        if what == "receiver":    # it may stand at the origin of a local frame
            warnings.warn(f"{text}; if that stands for no position, give NaN as its RSS", InputWarning, stacklevel=2)
        elif not (far[:, sent.stop:] & (x[:, sent.stop:] == place)).any():
            raise InputError(f"{text}; expected a position in metres: give NaN for an unknown transmitter")


def _are_degrees(x: np.ndarray, y: np.ndarray) -> bool:
    found = np.stack([x, y]).reshape(2, -1)
    found = found[:, np.isfinite(found).all(axis=0)]
    return bool(found.size and np.abs(found).max() <= 180 and np.ptp(found, axis=1).max() < DEGREES)


def _sample(dataset: xr.Dataset, chosen: np.ndarray) -> str:
    """Return the name of the first of the chosen samples, (samples,) bool."""
    return f"sample {pd.Timestamp(dataset.time.values[int(chosen.argmax())])}"


def _all(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return easting and northing of all transmitters and receivers, (sample, tx + sensor) [m]."""
    x, y = (np.concatenate([dataset[f"tx_{axis}"].values, dataset[f"sensor_{axis}"].values], axis=1) for axis in "xy")
    return x, y
