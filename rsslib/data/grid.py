"""The pixel grid: metres to pixels, measurements to input images."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import xarray as xr

from rsslib.arguments import check_type, is_number, shown
from rsslib.data import arrays, measurements
from rsslib.data.index_sets import indices
from rsslib.data.positions import extent, farthest
from rsslib.data.positions import transmitters as transmitters
from rsslib.data.receivers import KIND_RANGE_DB, OTHER, is_foreign, map_number
from rsslib.data.receivers import KINDS as KINDS
from rsslib.project import InputError, InputWarning

MAX_PIXELS = 2**19
FAR_M = 1e9    # no place on Earth is so far from the origin of its coordinates
MIN_SIDE = 8
"""The longer side of a site has at least this many pixels: those of one block of the compact network."""


@dataclass(frozen=True)
class Grid:
    """A raster of square pixels in UTM metres; row 0 is south, column 0 is west.

    x0, y0 : easting and northing of the *centre* of pixel (0, 0) [m]
    width, height : number of columns and rows
    pixel_m : side of a pixel [m]

    Errors: InputError for another thing than finite numbers, no pixels, or more than MAX_PIXELS.

    >>> grid = Grid(0.0, 0.0, 81, 75, 30.0)
    >>> grid.to_pixels(60.0, 15.0), grid.to_metres(2, 0.5), grid.shape
    ((2.0, 0.5), (60.0, 15.0), (75, 81))
    """

    x0: float
    y0: float
    width: int
    height: int
    pixel_m: float

    def __post_init__(self):
        for name, value in vars(self).items():
            whole = name in ("width", "height")
            if not _is_number(value, Integral if whole else Real) or (value <= 0 and name not in ("x0", "y0")):
                expected = "a whole number above 0" if whole else "metres"
                raise InputError(f"grid: {name} is {shown(value)}; expected {expected}")
        if self.width * self.height > MAX_PIXELS:
            raise InputError(f"grid: {self.width} x {self.height} pixels; expected at most {MAX_PIXELS}")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns: the shape of an image."""
        return self.height, self.width

    def to_pixels(self, x, y):
        """Convert easting and northing [m] to column and row [pixels], not rounded."""
        return (x - self.x0) / self.pixel_m, (y - self.y0) / self.pixel_m

    def to_metres(self, column, row):
        """Convert column and row [pixels] to easting and northing [m]."""
        return self.x0 + column * self.pixel_m, self.y0 + row * self.pixel_m

    @property
    def extent_km(self) -> tuple[float, float, float, float]:
        """Edges (west, east, south, north) relative to the south-west corner, for plots [km]."""
        return 0.0, self.width * self.pixel_m / 1000, 0.0, self.height * self.pixel_m / 1000


def make(dataset: xr.Dataset, pixel_m: float = 30.0) -> Grid:
    """Return the grid over the site of `dataset`, with one pixel of buffer on each side.

    Errors: those of `measurements.validate` and `covering`; InputError unless pixel_m is above 0.
    Source: paper 1 (Section III.C, 30 m per pixel) and the published code of its authors.

    >>> from rsslib import data
    >>> make(data.load("campus")).shape
    (63, 75)
    """
    if not _is_number(pixel_m, Real) or pixel_m <= 0:
        raise InputError(f"pixel_m is {shown(pixel_m)}; expected a side above 0 m, in the paper 30")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)    # whoever made the data set has seen them
        measurements.validate(dataset)
    return covering(dataset, pixel_m)


def covering(dataset: xr.Dataset, pixel_m: float) -> Grid:
    """Return what `make` returns, for measurements and a pixel_m that were checked.

    Errors: InputError for a site of fewer than MIN_SIDE pixels; for an image of more than MAX_PIXELS, the sign of a
    position far outside of the site.
    """
    west, east, south, north = extent(dataset)
    longer = max(east - west, north - south)
    site = f"the site spans {east - west:.6g} m x {north - south:.6g} m"
    if longer < MIN_SIDE * pixel_m:
        finer = f", such as {longer / 50:.1g}" if longer else ""
        raise InputError(f"{site}, less than {MIN_SIDE} pixels of {pixel_m:g} m; expected metres: multiply kilometres "
                         f"by 1000, or take a smaller pixel_m{finer}")
    # the extent and the buffer, rounded to an odd number of pixels
    width, height = (2 * round((side + 2 * pixel_m) / (2 * pixel_m)) + 1 for side in (east - west, north - south))
    if width * height > MAX_PIXELS:
        which, away = farthest(dataset)
        raise InputError(f"{site}, {width} x {height} pixels of {pixel_m:g} m; expected at most {MAX_PIXELS}: check "
                         f"that every position is in metres and belongs to the site ({which} lies {away / 1000:.0f} km "
                         "from the median), or take a larger pixel_m")
    return Grid(west - pixel_m, south - pixel_m, width, height, float(pixel_m))


def _is_number(value: Any, kind: type[Any]) -> bool:
    return is_number(value, kind) and abs(value) < FAR_M


@dataclass(frozen=True)
class SensorPixels:
    """The readings in the input image of each sample, at most one per pixel.

    pixel : (samples, sensors) int64, row * width + column, -1 if not drawn
    value : (samples, sensors) float32, scaled RSS, at least 0, dimensionless
    kind : (samples, sensors) int64, number of the affine map in KINDS
    """

    pixel: np.ndarray
    value: np.ndarray
    kind: np.ndarray


Scaling = dict[str, tuple[float, float]]
"""For each receiver, the RSS [dB] that is scaled to 0 and the RSS that is scaled to 1."""


def scaling(dataset: xr.Dataset, fit: np.ndarray) -> Scaling:
    """Return the RSS range of each receiver heard in the training samples `fit` (indices).

    Fixed Utah receivers have the range of their kind (KIND_RANGE_DB). A shuttle's range is from the 25 % quantile to
    the maximum of its readings in `fit`; that of all receivers of kind "other" is from 3 dB below the lowest to the
    highest of their readings in `fit`. No other sample influences them. A receiver not heard in `fit` has no range and
    is not drawn, since no network was trained on it. (This also explains the few sensors of April samples in Table I.)
    Errors: those of `index_sets.indices`.
    Source: the published code of the authors; the choice of `fit` and the kind "other" are ours.
    """
    fit = indices(fit, dataset.sizes["sample"], "scaling: the set to fit")
    rss, kinds = dataset.rss.values[fit], dataset.sensor_kind.values
    others = rss[:, kinds == OTHER]
    learned = (float(np.nanmin(others)) - 3.0, float(np.nanmax(others))) if np.isfinite(others).any() else None
    ranges = {}
    for number, (name, kind) in enumerate(zip(dataset.sensor.values, kinds)):
        heard = rss[:, number]
        heard = heard[np.isfinite(heard)]
        if not len(heard):
            continue
        low, high = KIND_RANGE_DB.get(str(kind), KIND_RANGE_DB["nuc"])
        if kind == "bus" and heard.max() > np.quantile(heard, 0.25):
            low, high = float(np.quantile(heard, 0.25)), float(heard.max())
        ranges[str(name)] = learned if learned and kind == OTHER else (low, high)
    return ranges


def draw(dataset: xr.Dataset, grid: Grid, ranges: Scaling) -> SensorPixels:
    """Return pixel, scaled value and kind of each reading, for every sample.

    The value is (rss - low) / (high - low) with the receiver's range, clipped below at 0. Of several receivers in one
    pixel only the last is drawn, as in the paper: the last in `ranges`, whatever the order of the dataset. Receivers
    without a range are not drawn.
    Errors: InputError for ranges that are not two numbers in order.
    Warns (InputWarning) if more than a tenth of the readings come from receivers outside of the grid; or if more than a
    tenth of those that are drawn are clipped of receivers whose kind was chosen for them: it is not the kind that their
    names tell.

    >>> from rsslib import data
    >>> campus = data.load("campus")
    >>> draw(campus, make(campus), scaling(campus, np.arange(4578))).pixel.shape
    (4578, 40)
    """
    _check(ranges)
    unknown = (np.nan, np.nan)  # makes all values of the receiver NaN, as if not heard
    low, high = np.array([ranges.get(str(name), unknown) for name in dataset.sensor.values]).T
    scaled = (dataset.rss.values - low) / (high - low)
    heard = np.isfinite(scaled)
    column, row = grid.to_pixels(dataset.sensor_x.values, dataset.sensor_y.values)
    column, row = np.where(heard, column, 0).round(), np.where(heard, row, 0).round()
    inside = heard & (column >= 0) & (column < grid.width) & (row >= 0) & (row < grid.height)
    _warn_of_outside(int(heard.sum()), int((heard & ~inside).sum()))
    heard = inside
    _warn_of_clipped(dataset, heard, scaled < 0)
    pixel = np.where(heard, row * grid.width + column, -1).astype(np.int64)
    kind = np.broadcast_to([map_number(kind) for kind in dataset.sensor_kind.values], pixel.shape).astype(np.int64)
    value = np.where(heard, np.maximum(scaled, 0.0), 0).astype(np.float32)
    number = {name: number for number, name in enumerate(ranges)}
    order = np.argsort([number.get(str(name), -1) for name in dataset.sensor.values], kind="stable")
    pixel[:, order] = _last_only(pixel[:, order])
    return SensorPixels(pixel, value, kind)


def _check(ranges: Any) -> None:
    check_type("ranges", ranges, Mapping, "what `scaling` returns")
    for name, ends in ranges.items():
        found = arrays.numbers(ends, f"ranges: receiver {name}")
        if found.shape != (2,) or not -np.inf < found[0] < found[1] < np.inf:
            raise InputError(f"ranges: receiver {name} has {shown(ends)}; expected the RSS that is scaled to 0, "
                             "then the higher one that is scaled to 1")


def _warn_of_outside(total: int, outside: int) -> None:
    if outside > 0.1 * total:
        warnings.warn(f"{outside / total:.1%} of the {total} readings come from receivers outside of the grid, and are "
                      "not drawn: check the positions of the receivers and the attribute extent_m", InputWarning,
                      stacklevel=3)


def _warn_of_clipped(dataset: xr.Dataset, heard: np.ndarray, below: np.ndarray) -> None:
    names, kinds = dataset.sensor.values, dataset.sensor_kind.values
    foreign = np.array([is_foreign(name, kind) for name, kind in zip(names, kinds)], dtype=bool)
    for kind in np.unique(kinds[foreign]):
        columns = foreign & (kinds == kind)
        total, clipped = int(heard[:, columns].sum()), int((heard & below)[:, columns].sum())
        if clipped > 0.1 * total:
            remedy = ("their level is not that of the training data" if kind == OTHER else
                      f"build the data with kind '{OTHER}', whose range comes from the training data")
            warnings.warn(f"{clipped / total:.1%} of the {total} readings of kind '{kind}' lie below its RSS range and "
                          f"are drawn as 0: {remedy}", InputWarning, stacklevel=3)


def _last_only(pixel: np.ndarray) -> np.ndarray:
    """Return `pixel`, (samples, sensors), with -1 for each sensor that shares its pixel with a later one."""
    sample, sensor = np.nonzero(pixel >= 0)
    # samples have disjoint ranges of numbers; np.unique returns the first of equal entries: reversed, the last sensor
    number = (sample * (pixel.max(initial=0) + 1) + pixel[sample, sensor])[::-1]
    last = len(number) - 1 - np.unique(number, return_index=True)[1]
    merged = np.full_like(pixel, -1)
    merged[sample[last], sensor[last]] = pixel[sample[last], sensor[last]]
    return merged
