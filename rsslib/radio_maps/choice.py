"""The choice of a recipe, by cells of the training set that are held out and localized."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from rsslib.arguments import check_type
from rsslib.data.grid import covering, transmitters
from rsslib.project import InputError
from rsslib.radio_maps import cells as held_out_cells
from rsslib.radio_maps import decoders, maps
from rsslib.radio_maps.recipe import MapRecipe


@dataclass(frozen=True)
class Choice:
    """The chosen recipe, and for each candidate the median error of its decoder in the held-out cells [m]."""

    recipe: MapRecipe
    candidates: tuple[MapRecipe, ...]
    median_m: tuple[float, ...]


def choose(dataset: xr.Dataset, train: np.ndarray, candidates: Sequence[MapRecipe], cells: int = 5, parts: int = 5,
           seed: int = 0) -> Choice:
    """Return the candidate with the lowest median error on samples of `train`, each localized without its cell.

    A likelihood would choose for places between the samples; this chooses for places away from them. No other sample
    than those of `train` is looked at. It takes `parts` fits for each candidate: a larger pixel_m makes them faster.
    Errors: InputError for what are no recipes, and those of `cells.folds`.
    """
    check_type("choose: candidates", candidates, Sequence, "a list of MapRecipe")
    for candidate in candidates:
        check_type("choose: a candidate", candidate, MapRecipe)
    if not candidates:
        raise InputError("choose: no candidates; expected at least one MapRecipe")
    folds = held_out_cells.folds(dataset, train, cells, parts, seed)
    medians = tuple(float(np.median(_errors(dataset, folds, candidate))) for candidate in candidates)
    return Choice(candidates[int(np.argmin(medians))], tuple(candidates), medians)


def _errors(dataset: xr.Dataset, folds: list[tuple[np.ndarray, np.ndarray]], recipe: MapRecipe) -> np.ndarray:
    torch.set_num_threads(recipe.threads)
    grid, true = covering(dataset, recipe.pixel_m), transmitters(dataset)
    found = []
    for kept, held_out in folds:
        for batch, posterior, _ in maps.build(dataset, kept, grid, recipe).posteriors(dataset, held_out):
            x, y = decoders.decode(posterior.exp(), grid, recipe.decoder)
            found.append(np.hypot(x.numpy() - true[0][batch], y.numpy() - true[1][batch]))
    return np.concatenate(found)
