"""Held-out cells: parts of the map whose samples are held out together, as a place that was never visited would be."""

import numpy as np
import xarray as xr

from rsslib.arguments import whole
from rsslib.data import index_sets, measurements
from rsslib.data.grid import transmitters
from rsslib.project import InputError


def folds(dataset: xr.Dataset, samples: np.ndarray, cells: int = 5, parts: int = 5,
          seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (kept, held out) index arrays, `parts` times; each of `samples` is held out once, with its whole cell.

    The extent of the samples' transmitters is cut into cells x cells. The visited cells, fullest first, each go to
    the part with the fewest samples; of equally full ones a random one goes first.
    Errors: those of `measurements.validate` and `index_sets.indices`; InputError for an unknown location, fewer than
    two cells a side or parts, or fewer visited cells than parts.

    >>> from rsslib import data
    >>> [len(held_out) for _, held_out in folds(data.load("campus"), np.arange(1000), parts=4)]
    [250, 254, 249, 247]
    """
    size = measurements.validate(dataset, "folds: the data set").sizes["sample"]
    samples = index_sets.indices(samples, size, "folds: samples")
    cells, parts = whole("folds: cells", cells, 2, 1000), whole("folds: parts", parts, 2, 1000)
    seed = whole("folds: seed", seed, 0, 2**32 - 1)
    places = np.stack([axis[samples] for axis in transmitters(dataset)], axis=1)
    if np.isnan(places).any():
        raise InputError(f"folds: {int(np.isnan(places[:, 0]).sum())} of {len(places)} samples have no known "
                         "transmitter location; leave them out")
    low, high = places.min(axis=0), places.max(axis=0)
    bins = np.minimum((places - low) * cells / np.maximum(high - low, 1e-9), cells - 1).astype(int)
    _, cell, count = np.unique(bins, axis=0, return_inverse=True, return_counts=True)
    if len(count) < parts:
        raise InputError(f"folds: the samples visit {len(count)} of {cells} x {cells} cells; expected at least the "
                         f"{parts} parts: take more cells or fewer parts")
    part = _dealt(count, parts, np.random.default_rng(seed))[cell.ravel()]
    return [(samples[part != number], samples[part == number]) for number in range(parts)]


def _dealt(count: np.ndarray, parts: int, generator: np.random.Generator) -> np.ndarray:
    """Return the part of each cell."""
    found, total = np.empty(len(count), int), np.zeros(parts)
    for cell in np.lexsort([generator.random(len(count)), -count]):
        found[cell] = total.argmin()
        total[found[cell]] += count[cell]
    return found
