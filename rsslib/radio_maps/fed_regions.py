"""Regions of fed networks for unseen cells: calibrated on cells of the training set that the networks did not see."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.arguments import check_type
from rsslib.data.grid import transmitters
from rsslib.radio_maps import cells as held_out_cells
from rsslib.radio_maps import regions
from rsslib.radio_maps.fed import FedLocalizer, Product
from rsslib.radio_maps.fed_recipe import FedRecipe
from rsslib.radio_maps.products import Rule


def on_cells(dataset: xr.Dataset, train: np.ndarray, recipe: FedRecipe, levels: Sequence[float] = regions.LEVELS,
             cells: int = 5, parts: int = 5, seed: int = 0, rule: Rule | None = None, device: str = "auto",
             folder: str | Path | None = None) -> regions.Regions:
    """Return regions calibrated on the training samples, each seen by networks, and maps, trained without its cell.

    As `regions.on_cells` of maps alone; it takes `parts` trainings. They learn from no other sample than those of
    `train`. The regions are for networks trained on all of it, which are others: that these hold as often is not
    proven, and with few cells, or after a change of the receivers, it must be seen (cross-conformal, in clusters).
    Where a training is interrupted, the next call with the same `folder`, of checkpoints, goes on. Its files stay: the
    caller removes them when all that the trainings were for is written.
    Errors: those of `cells.folds` and `FedLocalizer.fit`; InputError for what is no recipe or Rule.

    >>> from rsslib.data import campus
    >>> from rsslib.radio_maps.recipe import MapRecipe
    >>> dataset = campus.make(n_april=0, n_july=60, n_november=0)
    >>> recipe = FedRecipe(epochs=1, least_steps=0, maps=MapRecipe(pixel_m=120.0))
    >>> on_cells(dataset, range(60), recipe, [0.5], cells=2, parts=2, device="cpu").promise
    'unseen cells'

    Source: Barber, Candes, Ramdas and Tibshirani, Predictive inference with the jackknife+, 2021 (the CV+ variant).
    """
    rule = Rule() if rule is None else rule
    check_type("regions: recipe", recipe, FedRecipe)
    check_type("regions: rule", rule, Rule)
    check_type("regions: folder", folder, (str, Path, type(None)), "a folder for checkpoints, or None")
    regions.calibrate([0.0], levels)    # refuses levels before anything is trained
    folds = held_out_cells.folds(dataset, train, cells, parts, seed)
    (x, y), scored = transmitters(dataset), []
    for number, (kept, held_out) in enumerate(folds):
        path = Path(folder) / f"part{number}.pt" if folder else None
        fed = FedLocalizer(recipe, device).fit(dataset, {"train": kept, "val": held_out}, path)
        scored += [regions.scores(log_posterior.exp(), fed.fitted()[0].grid, x[batch], y[batch])
                   for batch, log_posterior, _ in Product(fed, rule).posteriors(dataset, held_out)]
    return regions.calibrate(np.concatenate(scored), levels, regions.PROMISES[1])
