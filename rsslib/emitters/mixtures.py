"""Two transmitters at once, made of measurements of one: readings added as powers, receiver by receiver."""

import numpy as np
import xarray as xr

from rsslib.data.grid import Grid, Scaling, draw, transmitters
from rsslib.project import InputError


def mix(dataset: xr.Dataset, samples: np.ndarray, count: int, shared: int = 6, seed: int = 0) -> xr.Dataset:
    """Return `count` samples, half as measured, half sums of two: r = 10 log10(10^(r_1/10) + 10^(r_2/10) - 10^(f/10)).

    f is the receiver's floor, its lowest reading among `samples`: each reading holds the receiver's noise, which two
    transmitters at once would meet only once. (Without it a network learns to tell sums by their doubled noise.)

    A receiver that heard only one of the two keeps that reading; a shuttle stands where it was in the first sample,
    and is left out if it moved more than 30 m. Two samples are added only if at least `shared` receivers heard both.

    Input: a Measurements Dataset with one transmitter a sample; samples, those to draw from. Output: rss, sensor_x,
    sensor_y (sample, sensor), tx_x, tx_y (sample, tx), the second NaN where there is one transmitter.
    Errors: InputError for fewer than two samples, or none that share enough receivers.
    """
    if len(samples) < 2:
        raise InputError(f"mix: {len(samples)} samples; expected at least two to add")
    random = np.random.default_rng(seed)
    first, second = _pairs(dataset, np.asarray(samples), count, shared, random)
    single = np.arange(count) % 2 == 0
    rss, x, y = (dataset[name].values for name in ("rss", "sensor_x", "sensor_y"))
    level = np.stack([rss[first], rss[second]]).astype(np.float64)
    moved = np.hypot(x[first] - x[second], y[first] - y[second]) > 30.0
    heard = np.isfinite(level)
    power = np.where(heard, 10 ** (level / 10), 0.0)
    floor = np.where(heard.all(axis=0), 10 ** (_floor(dataset, samples) / 10), 0.0)
    total = np.full(floor.shape, np.nan)
    there = heard.any(axis=0) & ~moved
    total[there] = 10 * np.log10(power.sum(axis=0)[there] - floor[there])
    total[single] = level[0][single]
    place = [np.where(np.isfinite(value[first]) | single[:, None], value[first], value[second]) for value in (x, y)]
    tx = [np.stack([axis[first], np.where(single, np.nan, axis[second])], axis=1) for axis in transmitters(dataset)]
    sensors = {"sensor": dataset.sensor, "sensor_kind": dataset.sensor_kind}
    cells = {name: (("sample", "sensor"), value) for name, value in zip(
        ("rss", "sensor_x", "sensor_y"), (total.astype(np.float32), *place))}
    return xr.Dataset(cells | {"tx_x": (("sample", "tx"), tx[0]), "tx_y": (("sample", "tx"), tx[1])}, sensors,
                      dataset.attrs)


def _floor(dataset: xr.Dataset, samples: np.ndarray) -> np.ndarray:
    """Return each receiver's lowest reading among the samples, (sensor,) [dB]; -inf of one that heard none."""
    rss = dataset.rss.values[samples].astype(np.float64)
    lowest = np.where(np.isfinite(rss), rss, np.inf).min(axis=0)
    return np.where(np.isfinite(lowest), lowest, -np.inf)


def _pairs(dataset, samples, count, shared, random) -> tuple[np.ndarray, np.ndarray]:
    heard = np.isfinite(dataset.rss.values)
    first, second = np.empty(0, int), np.empty(0, int)
    for _ in range(100):
        one, other = random.choice(samples, (2, 2 * count))
        enough = ((heard[one] & heard[other]).sum(axis=1) >= shared) & (one != other)
        first, second = np.concatenate([first, one[enough]]), np.concatenate([second, other[enough]])
        if len(first) >= count:
            return first[:count], second[:count]
    raise InputError(f"mix: hardly two of the {len(samples)} samples share {shared} receivers; expected more, or "
                     "a smaller `shared`")


def images(dataset: xr.Dataset, raster: Grid, ranges: Scaling) -> np.ndarray:
    """Return the scaled readings as images, (sample, row, column) float32: 0.1 + value where drawn, else 0."""
    drawn = draw(dataset, raster, ranges)
    found = np.zeros((len(drawn.pixel), raster.height * raster.width), np.float32)
    rows, columns = np.nonzero(drawn.pixel >= 0)
    found[rows, drawn.pixel[rows, columns]] = 0.1 + drawn.value[rows, columns]
    return found.reshape(-1, *raster.shape)


def labels(dataset: xr.Dataset, raster: Grid, slots: int = 2) -> np.ndarray:
    """Return the label matrix, (sample, slots, 3) float32: existence, row and column over n - 1; absent all 0.

    Rows and columns are not rounded. Errors: InputError if a sample has more transmitters than `slots`.
    """
    column, row = raster.to_pixels(dataset.tx_x.values, dataset.tx_y.values)
    there = np.isfinite(column) & np.isfinite(row)
    if (there.sum(axis=1) > slots).any() or column.shape[1] > slots:
        raise InputError(f"labels: a sample has {int(there.sum(axis=1).max())} transmitters, the network {slots} "
                         "slots; train with more slots")
    found = np.stack([there, row / (raster.height - 1), column / (raster.width - 1)], axis=-1)
    return np.where(there[..., None], found, 0).astype(np.float32)


def square(grid: Grid, cells: int) -> Grid:
    """Return a raster of cells x cells square pixels that covers a grid, with the same south-western corner."""
    side = max(grid.width, grid.height) * grid.pixel_m
    pixel = side / cells
    corner = grid.x0 - grid.pixel_m / 2 + pixel / 2, grid.y0 - grid.pixel_m / 2 + pixel / 2
    return Grid(*corner, cells, cells, pixel)
