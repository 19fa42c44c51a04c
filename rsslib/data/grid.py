"""The pixel grid: metres to pixels, measurements to input images."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from rsslib.project import InputError

KINDS = ("cnode", "cbrs", "cell", "nuc", "bus")
"""Receiver kinds; the network's input layer has a learned affine map for each, in this order."""

KIND_RANGE_DB = {"cnode": (-96.0, -35.0), "cbrs": (-100.0, 20.0), "cell": (-100.0, 20.0), "nuc": (-95.0, -4.0)}
MAX_PIXELS = 2**19


@dataclass(frozen=True)
class Grid:
    """A raster of square pixels in UTM metres; row 0 is south, column 0 is west.

    x0, y0 : easting and northing of the *centre* of pixel (0, 0) [m]
    width, height : number of columns and rows
    pixel_m : side of a pixel [m]

    >>> grid = Grid(0.0, 0.0, 81, 75, 30.0)
    >>> grid.to_pixels(60.0, 15.0), grid.to_metres(2, 0.5), grid.shape
    ((2.0, 0.5), (60.0, 15.0), (75, 81))
    """

    x0: float
    y0: float
    width: int
    height: int
    pixel_m: float

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


def transmitters(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return easting and northing of each sample's transmitter, (samples,) [m], NaN if unknown.

    Errors: InputError for a sample with several transmitters.
    """
    x, y = dataset.tx_x.values, dataset.tx_y.values
    if x.shape[1] > 1 and np.isfinite(x[:, 1:]).any():
        sample = int(np.isfinite(x[:, 1:]).any(axis=1).argmax())
        raise InputError(f"sample {sample}: expected at most one transmitter, found several; keep the samples with one")
    unknown = np.full(len(x), np.nan)
    return (x[:, 0], y[:, 0]) if x.shape[1] else (unknown, unknown)


def extent(dataset: xr.Dataset) -> tuple[float, float, float, float]:
    """Return west, east, south and north of the site [m].

    It is the attribute `extent_m` of the dataset if there is one, since a site may be larger than the extent of its
    samples (the Utah grid includes the discarded off-campus transmitters), else that of transmitters and receivers.
    """
    x, y = (np.concatenate([dataset[f"tx_{axis}"].values.ravel(), dataset[f"sensor_{axis}"].values.ravel()])
            for axis in "xy")
    edges = dataset.attrs.get("extent_m", (np.nanmin(x), np.nanmax(x), np.nanmin(y), np.nanmax(y)))
    west, east, south, north = (float(edge) for edge in edges)
    return west, east, south, north


def make(dataset: xr.Dataset, pixel_m: float = 30.0) -> Grid:
    """Return the grid over the site of `dataset`, with one pixel of buffer on each side.

    Errors: InputError unless pixel_m is above 0, or for an image of more than MAX_PIXELS, the sign of a position in
    degrees or far outside the site.
    Source: paper 1 (Section III.C, 30 m per pixel) and the published code of its authors.

    >>> from rsslib import data
    >>> make(data.load("campus")).shape
    (63, 75)
    """
    if not pixel_m > 0:
        raise InputError(f"pixel_m: expected a side above 0 m, found {pixel_m}; the paper uses 30")
    west, east, south, north = extent(dataset)
    # the extent and the buffer, rounded to an odd number of pixels
    width, height = (2 * round((side + 2 * pixel_m) / (2 * pixel_m)) + 1 for side in (east - west, north - south))
    if width * height > MAX_PIXELS:
        raise InputError(f"the site spans {(east - west) / 1000:.0f} km x {(north - south) / 1000:.0f} km, "
                         f"{width} x {height} pixels of {pixel_m:g} m; expected at most {MAX_PIXELS}: check that "
                         "every position is in metres and belongs to the site, or take a larger pixel_m")
    return Grid(west - pixel_m, south - pixel_m, width, height, float(pixel_m))


@dataclass(frozen=True)
class SensorPixels:
    """The readings in the input image of each sample, at most one per pixel.

    pixel : (samples, sensors) int64, row * width + column, -1 if not drawn
    value : (samples, sensors) float32, scaled RSS, at least 0, dimensionless
    kind : (samples, sensors) int64, index into KINDS
    """

    pixel: np.ndarray
    value: np.ndarray
    kind: np.ndarray


Scaling = dict[str, tuple[float, float]]
"""For each receiver, the RSS [dB] that is scaled to 0 and the RSS that is scaled to 1."""


def scaling(dataset: xr.Dataset, fit: np.ndarray) -> Scaling:
    """Return the RSS range of each receiver heard in the training samples `fit` (indices).

    Fixed receivers have the range of their kind (KIND_RANGE_DB). A shuttle's range is from the 25 % quantile to the
    maximum of its readings in `fit`; no other sample influences it. A receiver not heard in `fit` has no range and is
    not drawn, since no network was trained on it. (This also explains the few sensors of April samples in Table I.)
    Source: the published code of the authors; the choice of `fit` is ours.
    """
    ranges = {}
    for number, (name, kind) in enumerate(zip(dataset.sensor.values, dataset.sensor_kind.values)):
        heard = dataset.rss.values[fit, number]
        heard = heard[np.isfinite(heard)]
        if not len(heard):
            continue
        low, high = KIND_RANGE_DB.get(str(kind), KIND_RANGE_DB["nuc"])
        if kind == "bus" and heard.max() > np.quantile(heard, 0.25):
            low, high = float(np.quantile(heard, 0.25)), float(heard.max())
        ranges[str(name)] = low, high
    return ranges


def draw(dataset: xr.Dataset, grid: Grid, ranges: Scaling) -> SensorPixels:
    """Return pixel, scaled value and kind of each reading, for every sample.

    The value is (rss - low) / (high - low) with the receiver's range, clipped below at 0. Of several receivers in one
    pixel only the last is drawn, as in the paper. Receivers without a range are not drawn.

    >>> from rsslib import data
    >>> campus = data.load("campus")
    >>> draw(campus, make(campus), scaling(campus, np.arange(4578))).pixel.shape
    (4578, 40)
    """
    unknown = (np.nan, np.nan)  # makes all values of the receiver NaN, as if not heard
    low, high = np.array([ranges.get(str(name), unknown) for name in dataset.sensor.values]).T
    value = np.maximum((dataset.rss.values - low) / (high - low), 0.0)
    heard = np.isfinite(value)
    column, row = grid.to_pixels(dataset.sensor_x.values, dataset.sensor_y.values)
    column, row = np.where(heard, column, 0).round(), np.where(heard, row, 0).round()
    heard &= (column >= 0) & (column < grid.width) & (row >= 0) & (row < grid.height)
    pixel = np.where(heard, row * grid.width + column, -1).astype(np.int64)
    kind = np.broadcast_to([KINDS.index(k) for k in dataset.sensor_kind.values], pixel.shape).astype(np.int64)
    return SensorPixels(_last_only(pixel), np.where(heard, value, 0).astype(np.float32), kind)


def _last_only(pixel: np.ndarray) -> np.ndarray:
    """Return `pixel`, (samples, sensors), with -1 for each sensor that shares its pixel with a later one."""
    image = np.arange(len(pixel))[:, None] * (pixel.max(initial=0) + 2)  # samples have disjoint ranges of numbers
    # np.unique returns the first of equal entries: in reverse order, that is the last sensor
    last = pixel.size - 1 - np.unique((image + pixel).ravel()[::-1], return_index=True)[1]
    merged = np.full(pixel.size, -1, pixel.dtype)
    merged[last] = pixel.ravel()[last]
    return merged.reshape(pixel.shape)
