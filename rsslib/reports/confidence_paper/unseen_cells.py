"""The region that a GridN split keeps from training: its shape, and how deep inside it a location lies."""

from collections.abc import Mapping

import numpy as np
import shapely
import xarray as xr

from rsslib.data import splits
from rsslib.data.grid import transmitters
from rsslib.ledger.statistics import share_interval
from rsslib.localization import predictions

BORDER_M = 60.0
"""Predictions within so many metres (two pixels) of the outline of the unseen cells count as on its border."""


def region(dataset: xr.Dataset, n: int, seed: int = 0) -> shapely.Geometry:
    """Return the union of the unseen cells of an n x n split, in UTM metres.

    The cells are those of `splits.cells`; at the rim of the site they end with it.
    """
    x_edges, y_edges = (np.linspace(axis.min() - splits.MARGIN_M, axis.max() + splits.MARGIN_M, n + 1)
                        for axis in transmitters(dataset))
    cells = [shapely.box(x_edges[cell // n], y_edges[cell % n], x_edges[cell // n + 1], y_edges[cell % n + 1])
             for cell in splits.grid_test_cells(n, seed)]
    return shapely.union_all(cells)


def depth(area: shapely.Geometry, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how far inside `area` each place lies, (places,) [m]: its distance to the outline, negative outside.

    Example
    -------
    >>> depth(shapely.box(0, 0, 10, 10), np.array([2.0, 15.0]), np.array([5.0, 5.0]))
    array([ 2., -5.])
    """
    distance = shapely.distance(shapely.points(x, y), shapely.boundary(area))
    return np.where(shapely.contains_xy(area, x, y), distance, -distance)


def records(dataset: xr.Dataset, models: Mapping[str, xr.Dataset]) -> list[dict]:
    """Return Figure 8's records: where the OOD predictions of the GridN splits lie, inside unseen cells or outside.

    Near is within BORDER_M of the outline; `true_near_border_share` is the share of the true places, all inside.
    """
    found = []
    for split, said in models.items():
        ood = predictions.of_set(said, "ood")
        area = region(dataset, int(split.removeprefix("grid")))
        deep = depth(area, ood.x_hat.values, ood.y_hat.values)
        found.append({"split": split, "set": "ood", "n": len(deep), "inside_share": (deep > 0).mean(),
                      "ci95_inside_share": share_interval(deep > 0),
                      "near_border_share": (np.abs(deep) <= BORDER_M).mean(),
                      "near_outside_share": ((deep <= 0) & (deep >= -BORDER_M)).mean(),
                      "near_inside_share": ((deep > 0) & (deep <= BORDER_M)).mean(),
                      "true_near_border_share": (depth(area, ood.x_true.values, ood.y_true.values) <= BORDER_M).mean(),
                      "median_distance_to_border_m": np.median(np.abs(deep))})
    return found
