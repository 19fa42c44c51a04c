"""Regions that contain the transmitter with a probability that was measured: split-conformal sets of pixels.

The score of a pixel is the posterior mass of all pixels that are more probable: what a region of highest density holds
before it reaches that pixel. The region of a level is that of all pixels with a score up to a threshold, an order
statistic of the scores of calibration samples: it contains the pixel of a transmitter with at least the probability of
its level, if the sample is exchangeable with those. Calibrated on held-out samples that promise holds among the places
of the training set; calibrated on held-out cells, for places as far from the training set as a cell is large.
Source: Vovk, Gammerman and Shafer, Algorithmic learning in a random world, 2005; Angelopoulos and Bates, Conformal
prediction: a gentle introduction, 2023 (adaptive prediction sets).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike
from torch import Tensor

from rsslib.arguments import check_choice, check_type, number, numbers
from rsslib.data import index_sets, measurements
from rsslib.data.grid import Grid, covering, transmitters
from rsslib.project import InputError
from rsslib.radio_maps import cells as held_out_cells
from rsslib.radio_maps.maps import build
from rsslib.radio_maps.recipe import MapRecipe

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

LEVELS = (0.5, 0.9, 0.95)
PROMISES = ("seen places", "unseen cells")


@runtime_checkable
class Posteriors(Protocol):
    """What gives each sample a posterior over the pixels of a grid: maps, or networks with them."""

    @property
    def grid(self) -> Grid:
        """The grid of the pixels."""

    def posteriors(self, dataset: xr.Dataset, samples: np.ndarray) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
        """Yield samples, their log posteriors, (batch, height, width), and whatever else."""


@dataclass(frozen=True)
class Regions:
    """Thresholds of regions by level; samples, how many they rest on; promise, for which places, one of PROMISES."""

    thresholds: dict[float, float]
    samples: int
    promise: str

    def mask(self, posterior: Tensor, level: float) -> Tensor:
        """Return the pixels of each region, (batch, height, width) bool: never empty. Errors: InputError."""
        return pixel_scores(posterior) <= self.threshold(level)

    def area_km2(self, posterior: Tensor, level: float, grid: Grid) -> np.ndarray:
        """Return the area of each region, (batch,) [km^2]. Errors: InputError for another level."""
        return self.mask(posterior, level).sum((1, 2)).numpy() * (grid.pixel_m / 1000) ** 2

    def threshold(self, level: float) -> float:
        """Return the largest score in a region of a level. Errors: InputError for a level not calibrated."""
        if level not in self.thresholds:
            raise InputError(f"regions: level is {level!r}; expected one of {', '.join(map(str, self.thresholds))}, or "
                             "calibrate for it")
        return self.thresholds[level]


def pixel_scores(posterior: Tensor) -> Tensor:
    """Return the mass of the more probable pixels for each pixel, (batch, height, width) float64.

    Input: posterior, (batch, height, width), normalised here. Errors: InputError for what are no images at least 0.

    >>> pixel_scores(torch.tensor([[[0.5, 0.3], [0.1, 0.1]]])).round(decimals=6).tolist()
    [[[0.0, 0.5], [0.8, 0.8]]]
    """
    flat = _normalised(posterior).flatten(1)
    falling = flat.sort(dim=1, descending=True).values
    before = torch.nn.functional.pad(falling.cumsum(1), (1, 0))[:, :-1]
    first = torch.searchsorted(-falling, -flat)    # of equally probable pixels
    return before.gather(1, first).unflatten(1, posterior.shape[1:])


def scores(posterior: Tensor, grid: Grid, x: ArrayLike, y: ArrayLike, ties: str = "none", seed: int = 0) -> np.ndarray:
    """Return the score of the pixel that each transmitter is in, (batch,); infinite outside of the grid.

    ties: "none" of the mass of the pixel itself and those equally probable counts, which makes regions that hold the
    largest pixel always and their level or more; with "random" a random share of it counts, drawn with `seed`, and the
    scores of a posterior that tells the truth are uniform.
    Input: posterior, (batch, height, width); x, y, (batch,) [m].
    Errors: InputError for images of another shape than the grid's, or other places than one for each.

    >>> scores(torch.tensor([[[0.5, 0.25], [0.125, 0.125]]]), Grid(0.0, 0.0, 2, 2, 30.0), [30.0], [0.0])
    array([0.5])
    """
    check_choice("scores: ties", ties, ("none", "random"))
    check_type("scores: grid", grid, Grid)
    image = _normalised(posterior)
    places = [numbers(f"scores: {name}", values, 1) for name, values in (("x", x), ("y", y))]
    if image.shape[1:] != grid.shape or any(len(axis) != len(image) for axis in places):
        raise InputError(f"scores: {len(image)} images of {tuple(image.shape[1:])}, and {len(places[0])} and "
                         f"{len(places[1])} coordinates; expected one place for each image of {grid.shape}")
    column, row = (np.round(axis).astype(np.int64) for axis in grid.to_pixels(*places))
    inside = (column >= 0) & (column < grid.width) & (row >= 0) & (row < grid.height)
    flat, pixel = image.flatten(1), torch.from_numpy(np.where(inside, row * grid.width + column, 0))
    own = flat.gather(1, pixel[:, None])
    found = (flat * (flat > own)).sum(1).numpy()
    if ties == "random":
        found += np.random.default_rng(seed).random(len(found)) * (flat * (flat == own)).sum(1).numpy()
    return np.where(inside, found, np.inf)


def calibrate(scored: ArrayLike, levels: Sequence[float] = LEVELS, promise: str = PROMISES[0]) -> Regions:
    """Return the regions whose thresholds are the ceil((n + 1) level)-th smallest of n scores, or all pixels.

    Errors: InputError for no scores, NaN, a level outside 0 to 1, or another promise.

    >>> calibrate([0.1, 0.2, 0.3, 0.9], [0.6, 0.9]).thresholds
    {0.6: 0.3, 0.9: inf}
    """
    values = np.asarray(scored, np.float64) if isinstance(scored, (list, tuple, np.ndarray)) else np.empty(0)
    if values.ndim != 1 or not len(values) or np.isnan(values).any():
        raise InputError("regions: expected scores, one for each of one calibration sample or more, and none NaN")
    check_choice("regions: promise", promise, PROMISES)
    check_type("regions: levels", levels, Sequence, "a list of probabilities")
    rising, n = np.sort(values), len(values)
    ranks = {number("regions: level", level, 1e-6, 1 - 1e-6): 0 for level in levels}
    ranks = {level: int(np.ceil((n + 1) * level - 1e-9)) for level in ranks}
    return Regions({level: float(rising[rank - 1]) if rank <= n else np.inf for level, rank in ranks.items()}, n,
                   promise)


def on_samples(maps: Posteriors, dataset: xr.Dataset, samples: np.ndarray, levels: Sequence[float] = LEVELS) -> Regions:
    """Return regions calibrated on samples that maps or networks have not seen, such as the set `val`: for seen places.

    Errors: those of `measurements.validate` and `index_sets.indices`; InputError for an unknown location.
    """
    check_type("regions: maps", maps, Posteriors, "maps, or networks with them")
    return calibrate(_scored(maps, dataset, _known(dataset, samples)), levels)


def on_cells(dataset: xr.Dataset, train: np.ndarray, recipe: MapRecipe, levels: Sequence[float] = LEVELS,
             cells: int = 5, parts: int = 5, seed: int = 0) -> Regions:
    """Return regions calibrated on the training samples, each seen by maps fitted without its cell: for unseen cells.

    See `cells.folds`; a larger cell promises for places farther from the training set.
    Errors: those of `cells.folds`; InputError for what is no recipe.
    """
    check_type("regions: recipe", recipe, MapRecipe)
    folds = held_out_cells.folds(dataset, train, cells, parts, seed)
    torch.set_num_threads(recipe.threads)
    grid = covering(dataset, recipe.pixel_m)
    found = [_scored(build(dataset, kept, grid, recipe), dataset, held_out) for kept, held_out in folds]
    return calibrate(np.concatenate(found), levels, PROMISES[1])


def evaluate(regions: Regions, maps: Posteriors, dataset: xr.Dataset,
             samples: np.ndarray) -> dict[float, tuple[float, float]]:
    """Return by level the share of transmitters in their region and the median area of the regions [km^2].

    Errors: those of `on_samples`.
    """
    samples, (x, y) = _known(dataset, samples), transmitters(dataset)
    scored, areas = [], {level: [] for level in regions.thresholds}    # type: ignore[var-annotated]
    for batch, log_posterior, _ in maps.posteriors(dataset, samples):
        posterior = log_posterior.exp()
        scored.append(scores(posterior, maps.grid, x[batch], y[batch]))
        rising = pixel_scores(posterior).flatten(1)
        for level, area in areas.items():
            area.append((rising <= regions.threshold(level)).sum(1).numpy() * (maps.grid.pixel_m / 1000) ** 2)
    found = np.concatenate(scored)
    return {level: (float(np.mean(found <= regions.threshold(level))), float(np.median(np.concatenate(area))))
            for level, area in areas.items()}


def records(promised: Mapping[str, Regions], of: Posteriors, dataset: xr.Dataset, sets: Mapping[str, np.ndarray],
            **keys: object) -> list[dict]:
    """Return `evaluate` of each promise, set and level as records with `keys`.

    A threshold of 1 stands for all pixels. A set `val` is left out where the regions were calibrated on it. Errors:
    those of `on_samples`.
    """
    return [keys | {"set": name, "promise": promise, "level": level, "threshold": min(regions.threshold(level), 1.0),
                    "n": len(samples), "covered": share, "area_km2": area}
            for promise, regions in promised.items() for name, samples in sets.items()
            if name != "val" or promise != PROMISES[0]
            for level, (share, area) in evaluate(regions, of, dataset, samples).items()]


def polygon(mask: ArrayLike, grid: Grid) -> "BaseGeometry":
    """Return the outline of a region, (height, width) bool, in UTM [m]: a polygon, or several.

    Errors: InputError for another shape than the grid's.

    >>> polygon([[True, True], [False, False]], Grid(0.0, 0.0, 2, 2, 30.0)).bounds
    (-15.0, -15.0, 45.0, 15.0)
    """
    from shapely import box, coverage_union_all  # imported here: training needs no geometry

    check_type("polygon: grid", grid, Grid)
    inside = np.asarray(mask)
    if inside.dtype != bool or inside.shape != grid.shape:
        raise InputError(f"polygon: mask is {inside.dtype} of {inside.shape}; expected booleans, {grid.shape}")
    row, column = np.nonzero(inside)
    low, high = grid.to_metres(column - 0.5, row - 0.5), grid.to_metres(column + 0.5, row + 0.5)
    return coverage_union_all(box(*low, *high))    # squares that share edges: ten times as fast as any polygons


def _scored(maps: Posteriors, dataset: xr.Dataset, samples: np.ndarray) -> np.ndarray:
    x, y = transmitters(dataset)
    return np.concatenate([scores(log_posterior.exp(), maps.grid, x[batch], y[batch])
                           for batch, log_posterior, _ in maps.posteriors(dataset, samples)])


def _known(dataset: xr.Dataset, samples: np.ndarray) -> np.ndarray:
    size = measurements.validate(dataset, "regions: the data set").sizes["sample"]
    samples = index_sets.indices(samples, size, "regions: samples")
    unknown = np.isnan(transmitters(dataset)[0][samples])
    if unknown.any():
        raise InputError(f"regions: sample {samples[unknown.argmax()]} has no known transmitter location "
                         f"({unknown.sum()} of {len(unknown)} samples); leave it out")
    return samples


def _normalised(posterior: Tensor) -> Tensor:
    check_type("regions: posterior", posterior, Tensor)
    image = posterior.double() if posterior.ndim == 3 and posterior.is_floating_point() else torch.empty(0, 1, 1)
    total = image.sum((1, 2), keepdim=True)
    if not len(image) or not bool((image >= 0).all() and (total > 0).all() and total.isfinite().all()):
        raise InputError(f"regions: posterior is {posterior.dtype} of {tuple(posterior.shape)}; expected numbers of at "
                         "least 0, (batch, height, width), finite and not all 0 in an image")
    return image / total
