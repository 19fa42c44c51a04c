"""The region that a GridN split keeps from training: its shape, and how deep inside it a location lies."""

from collections.abc import Mapping

import numpy as np
import shapely
import xarray as xr

from rsslib.confidence import pools
from rsslib.data import splits
from rsslib.ledger import repeated
from rsslib.ledger.resampling import resampled
from rsslib.localization import predictions
from rsslib.reports.confidence_paper.summaries import field

BORDER_M = 60.0
"""Predictions within so many metres (two pixels) of the outline of the unseen cells count as on its border."""


def region(dataset: xr.Dataset, n: int, seed: int = 0) -> shapely.Geometry:
    """Return the union of the unseen cells of an n x n split (`splits.unseen_cells`), in UTM metres."""
    return shapely.union_all([shapely.box(*cell) for cell in splits.unseen_cells(dataset, n, seed)])


def depth(area: shapely.Geometry, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how far inside `area` each location lies, (n,) [m]: its distance to the outline, negative outside.

    Example
    -------
    >>> depth(shapely.box(0, 0, 10, 10), np.array([2.0, 15.0]), np.array([5.0, 5.0]))
    array([ 2., -5.])
    """
    distance = shapely.distance(shapely.points(x, y), shapely.boundary(area))
    return np.where(shapely.contains_xy(area, x, y), distance, -distance)


def records(dataset: xr.Dataset, models: Mapping[str, xr.Dataset]) -> list[dict]:
    """Return Figure 8's records: where the OOD predictions of the GridN splits lie, inside unseen cells or outside.

    Near is within BORDER_M of the outline; `true_near_border_share` is the share of the true locations, all inside.
    Of the `cells` that are unseen, no sample was sent from `empty_cells`.
    """
    rows = []
    for split, model in models.items():
        n = int(split.removeprefix("grid"))
        ood, area, unseen = predictions.of_set(model, "ood"), region(dataset, n), splits.grid_test_cells(n)
        deep, true_deep = (depth(area, ood[f"x_{kind}"].values, ood[f"y_{kind}"].values) for kind in ("hat", "true"))
        rows.append({"split": split, "set": "ood", "n": len(deep)} | _inside(ood, area, deep > 0) | {
            "near_border_share": (np.abs(deep) <= BORDER_M).mean(),
            "near_outside_share": ((deep <= 0) & (deep >= -BORDER_M)).mean(),
            "near_inside_share": ((deep > 0) & (deep <= BORDER_M)).mean(),
            "cells": len(unseen), "empty_cells": int((~np.isin(unseen, splits.cells(dataset, n))).sum()),
            "true_near_border_share": (true_deep <= BORDER_M).mean(),
            "median_distance_to_border_m": np.median(np.abs(deep))})
    return rows


def _inside(ood: xr.Dataset, area: shapely.Geometry, found: np.ndarray) -> dict:
    """Return the share of predictions inside an area, inside_share, with its interval."""
    pool = pools.of(ood)
    inside = shapely.contains_xy(area, pool.x, pool.y)
    drawn = resampled(lambda times, draw: repeated.mean(inside[:, draw["model"]], times["ood"]),
                      {"ood": ood.block.values}, {"model": pool})
    return field("inside_share", found.mean(), drawn)
