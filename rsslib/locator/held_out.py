"""The self-test: samples located without themselves, at another time and in cells that were never measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib.data import blocks
from rsslib.data import grid as grids
from rsslib.locator.scale import UNIT_M
from rsslib.progress import Progress
from rsslib.radio_maps import cells, decoders, regions
from rsslib.radio_maps.localizer import map_std
from rsslib.radio_maps.maps import Maps, build
from rsslib.radio_maps.recipe import MapRecipe

ENOUGH = 500
"""Held-out samples after which no further part is held out."""
PARTS = 5
FEWEST_BLOCKS = 2 * PARTS
CELLS = 4
"""Cells a side of which some are held out, with all samples in them."""
LEVELS = (0.5, 0.9)


@dataclass(frozen=True)
class HeldOut:
    """What was found of held-out samples, (samples,) each.

    error [m]; score (see `regions`); doubts, (samples, 2): entropy [nat], and standard deviation of the maps [dB]
    """

    error: np.ndarray
    score: np.ndarray
    doubts: np.ndarray

    def regions(self, promise: str) -> regions.Regions:
        """Return the regions that these samples calibrate."""
        return regions.calibrate(self.score, LEVELS, promise)

    def coverage(self, level: float) -> float:
        """Return the share in their region, each half of the samples with the regions of the other."""
        half = np.arange(len(self.score)) % 2 == 0
        inside = [self.score[one] <= regions.calibrate(self.score[~one], [level]).threshold(level)
                  for one in (half, ~half)]
        return float(np.concatenate(inside).mean())


def at_another_time(dataset: xr.Dataset, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (kept, held out) indices: blocks of time of two minutes, with a margin of 30 s (see `rsslib.data.blocks`).

    Without times, or with few blocks, places are held out at random, those within a third of a pixel together.
    """
    x, y = grids.transmitters(dataset)
    time, number = dataset.time.values, np.empty(0, int)
    if dataset.attrs.get("timed", 1):
        number = blocks.numbers(time)
    timed = number.max(initial=0) >= FEWEST_BLOCKS
    if not timed:
        number = np.unique(np.round(np.stack([x, y]) * 3 / UNIT_M), axis=1, return_inverse=True)[1].ravel()
    part = (np.random.default_rng(seed).permutation(number.max() + 1) % PARTS)[number]
    folds = [(np.flatnonzero(part != one), np.flatnonzero(part == one)) for one in range(PARTS)]
    return [(blocks.far_from(time, kept, out) if timed else kept, out) for kept, out in folds if len(out)]


def in_unmeasured_cells(dataset: xr.Dataset, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (kept, held out) indices of whole cells. Errors: InputError where too few cells were visited."""
    return cells.folds(dataset, np.arange(dataset.sizes["sample"]), CELLS, PARTS, seed)


def located(dataset: xr.Dataset, folds: Sequence[tuple[np.ndarray, np.ndarray]], recipe: MapRecipe,
            name: str) -> HeldOut:
    """Return what maps fitted without them find of held-out samples, until ENOUGH are there."""
    torch.set_num_threads(recipe.threads)
    found: list[HeldOut] = []
    size = np.cumsum([len(held_out) for _, held_out in folds])
    folds = folds[: int(np.searchsorted(size, ENOUGH)) + 1]
    with Progress(len(folds), f"self-test, {name}") as progress:
        for number, (kept, held_out) in enumerate(folds, 1):
            maps = build(dataset, kept, grids.covering(dataset, recipe.pixel_m), recipe)
            found.append(of_posteriors(maps, maps, dataset, held_out, recipe.decoder))
            progress.step(number, f"{size[number - 1]} samples")
    return HeldOut(*(np.concatenate([getattr(part, name) for part in found]) for name in ("error", "score", "doubts")))


def of_posteriors(posteriors: regions.Posteriors, maps: Maps, dataset: xr.Dataset, samples: np.ndarray,
                  decoder: str) -> HeldOut:
    """Return what is found of samples that the maps, or the networks with them, have not seen."""
    x, y = grids.transmitters(dataset)
    errors, scored, doubted = [], [], []
    for batch, log_posterior, _ in posteriors.posteriors(dataset, samples):
        posterior = log_posterior.exp()
        to_x, to_y = (axis.numpy() for axis in decoders.decode(posterior, posteriors.grid, decoder))
        errors.append(np.hypot(to_x - x[batch], to_y - y[batch]))
        scored.append(regions.scores(posterior, posteriors.grid, x[batch], y[batch]))
        doubted.append(doubts(maps, dataset, batch, log_posterior))
    return HeldOut(*(np.concatenate(part) for part in (errors, scored, doubted)))


def doubts(maps: Maps, dataset: xr.Dataset, samples: np.ndarray, log_posterior: Tensor) -> np.ndarray:
    """Return two reasons to doubt, (batch, 2): the posterior is wide, the maps where it lies are uncertain."""
    posterior = log_posterior.exp()
    entropy = -(posterior * log_posterior.clamp_min(-1e4)).sum((1, 2))
    return np.stack([entropy.numpy(), map_std(maps, dataset, samples, posterior)], axis=1)
