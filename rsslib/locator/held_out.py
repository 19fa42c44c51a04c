"""The self-test: samples located without themselves, at another time and in cells that were never measured."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

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
CELLS_A_SIDE = 4
"""Cells a side of which some are held out, with all samples in them."""
LEVELS = (0.5, 0.9)
TIMES, PLACES, CELLS = "stretches of time held out", "places held out", "parts of the site held out"
"""What is held out; CELLS with all samples in them."""


@dataclass(frozen=True)
class HeldOut:
    """What was found of held-out samples, (samples,) each.

    error [m]; score (see `regions`); doubts, (samples, 2): entropy [nat], and standard deviation of the maps [dB];
    part, number of what was held out together
    """

    error: np.ndarray
    score: np.ndarray
    doubts: np.ndarray
    part: np.ndarray

    def regions(self, promise: str) -> regions.Regions:
        """Return the regions that these samples calibrate."""
        return regions.calibrate(self.score, LEVELS, promise)

    def coverage(self, level: float) -> float:
        """Return the share in their region, each part of the samples with the regions that the others calibrate.

        Of one part, each half, the earlier and the later one, with the regions of the other.
        """
        part = self.part if self.part.any() else np.arange(len(self.part)) * 2 // len(self.part)
        inside = [self.score[part == one] <= regions.calibrate(self.score[part != one], [level]).threshold(level)
                  for one in np.unique(part)]
        return float(np.concatenate(inside).mean())


@dataclass(frozen=True)
class SelfTest:
    """Held-out samples: how many, median and 90th percentile of the error [m], share in the 90 % region.

    Those of CELLS are tested with the regions for seen places.
    """

    samples: int
    median_m: float
    p90_m: float
    covered90: float


def of_the_measured(dataset: xr.Dataset, seed: int) -> tuple[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Return TIMES or PLACES, and (kept, held out) indices.

    TIMES: blocks of two minutes, with a margin of 30 s (see `rsslib.data.blocks`). Without times, or with few blocks,
    PLACES at random, those within a third of a pixel together.
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
    folds = [(blocks.far_from(time, kept, out) if timed else kept, out) for kept, out in folds if len(out)]
    return TIMES if timed else PLACES, folds


def in_unmeasured_cells(dataset: xr.Dataset, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (kept, held out) indices of whole cells. Errors: InputError where too few cells were visited."""
    return cells.folds(dataset, np.arange(dataset.sizes["sample"]), CELLS_A_SIDE, PARTS, seed)


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
            found.append(of_posteriors(maps, maps, dataset, held_out, recipe.decoder, number - 1))
            progress.step(number, f"{size[number - 1]} samples")
    return HeldOut(*(np.concatenate([getattr(one, field.name) for one in found]) for field in fields(HeldOut)))


def of_posteriors(posteriors: regions.Posteriors, maps: Maps, dataset: xr.Dataset, samples: np.ndarray,
                  decoder: str, part: int = 0) -> HeldOut:
    """Return what is found of samples that the maps, or the networks with them, have not seen.

    A sample that no receiver with a map heard is left out, as it gets no place when it is to be located.
    """
    x, y = grids.transmitters(dataset)
    samples = samples[np.isfinite(dataset.rss.values[np.ix_(samples, maps.columns(dataset)[0])]).any(axis=1)]
    errors, scored, doubted = [], [], []
    for batch, log_posterior, _ in posteriors.posteriors(dataset, samples):
        posterior = log_posterior.exp()
        to_x, to_y = (axis.numpy() for axis in decoders.decode(posterior, posteriors.grid, decoder))
        errors.append(np.hypot(to_x - x[batch], to_y - y[batch]))
        scored.append(regions.scores(posterior, posteriors.grid, x[batch], y[batch]))
        doubted.append(doubts(maps, dataset, batch, log_posterior))
    if not errors:
        return HeldOut(np.empty(0), np.empty(0), np.empty((0, 2)), np.empty(0, int))
    error, score, doubt = (np.concatenate(values) for values in (errors, scored, doubted))
    return HeldOut(error, score, doubt, np.full(len(samples), part))


def doubts(maps: Maps, dataset: xr.Dataset, samples: np.ndarray, log_posterior: Tensor) -> np.ndarray:
    """Return two reasons to doubt, (batch, 2): the posterior is wide, the maps where it lies are uncertain."""
    posterior = log_posterior.exp()
    entropy = -(posterior * log_posterior.clamp_min(-1e4)).sum((1, 2))
    return np.stack([entropy.numpy(), map_std(maps, dataset, samples, posterior)], axis=1)
