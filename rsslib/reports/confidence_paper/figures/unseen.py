"""Unseen cells: Figure 8 (where the predictions for them lie) and Figure 9 (inputs out of the ordinary)."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from rsslib.data import splits
from rsslib.data.grid import Grid
from rsslib.project import InputError
from rsslib.reports import drawing, maps, style

_FEET = (0.4, 0.22)  # inches below each row of maps, and for one line of legend above
_GREEN, _CROSS = "#117733", {"marker": "x", "color": maps.CROSS}
_MARGIN_KM = 0.02  # around a prediction outside the site


@style.styled
def prediction_maps(dataset: xr.Dataset, predictions_by_split: Mapping[str, xr.Dataset], note: str,
                    synthetic: bool = False, seed: int = 0) -> Figure:
    """Draw where the predictions for transmitters in unseen cells lie (Figure 8 of paper 1).

    Input: the Measurements Dataset; split, gridN -> predictions of the OOD samples, with inside_share, 0..1, how many
    of them lie in unseen cells; the seed that the splits were made with. The maps hold every prediction.

    >>> prediction_maps(ds, {"grid2": predictions.of_set(model, "ood").assign_attrs(inside_share=0.2)},
    ...                 "quick profile")   # doctest: +SKIP
    """
    (corner, size, transmitters), seen_colour = maps.site(dataset), style.LOOKS["train"].colour
    predicted = {name: (np.stack([part.x_hat, part.y_hat], axis=1) - corner) / 1000
                 for name, part in predictions_by_split.items()}
    if not predicted:
        raise InputError("prediction_maps: no data separation with unseen cells; expected at least one gridN, as grid2")
    everywhere = np.concatenate(list(predicted.values()))
    west, south = np.minimum(everywhere.min(axis=0) - _MARGIN_KM, 0)
    east, north = np.maximum(everywhere.max(axis=0) + _MARGIN_KM, size)
    fig, axes = maps.sheet(len(predicted), 2, (north - south) / (east - west), _FEET, note, synthetic)
    for ax, (name, locations) in zip(axes, predicted.items()):
        n = int(name.removeprefix("grid"))
        seen = ~np.isin(splits.cells(dataset, n), splits.grid_test_cells(n, seed))
        maps.furnish(ax, west, east, south, north)
        ax.scatter(*transmitters[seen].T, s=1.8, lw=0, color=seen_colour, zorder=1)
        maps.unseen_cells(ax, dataset, n, seed, facecolor="none", edgecolor=_GREEN, lw=1.4, zorder=4, clip_on=False)
        ax.scatter(*locations.T, s=9, lw=0.6, zorder=3, clip_on=False, **_CROSS)
        ax.set_title(name.capitalize())
        inside = f"{100 * predictions_by_split[name].inside_share:.1f} % of {len(locations)} predictions"
        drawing.subtitle(ax, f"{inside} lie inside unseen cells")
    drawing.legend_above(fig, [
        Line2D([], [], ls="", marker="o", ms=2.5, color=seen_colour, label="transmitters in seen cells"),
        Line2D([], [], ls="", ms=4, mew=1, label="predictions", **_CROSS),
        Patch(facecolor="none", edgecolor=_GREEN, lw=1.2, label="unseen cells")], 3)
    return fig


@style.styled
def odd_inputs(shown: Sequence[SimpleNamespace], grid: Grid, note: str, synthetic: bool = False) -> Figure:
    """Draw inputs out of the ordinary, with the true and the predicted location (Figure 9 of paper 1).

    Input: what `low_confidence_samples.case` returns, a panel for each, up to three in a row, with one colour scale
    for all.

    >>> odd_inputs([unseen, interfered], grid, "quick profile")   # doctest: +SKIP
    """
    highest = max(np.nanmax(case.image) for case in shown)
    fig, axes = maps.sheet(len(shown), 3, grid.height / grid.width, _FEET, note, synthetic, bar_in=0.6)
    for ax, case in zip(axes, shown):
        dots = maps.sensors(ax, case.image, grid, cmap="YlGnBu", vmax=highest, s=26)
        ax.set_title(case.title)
        maps.mark_both(ax, grid, case.truth, case.estimate)
        ax.annotate(f"{np.hypot(*np.subtract(case.estimate, case.truth)):.0f} m off", (1, 0), (-18, -6),
                    xycoords="axes fraction", textcoords="offset points", ha="right", va="center_baseline", fontsize=6)
    drawing.bar(fig, dots, axes, label="scaled RSS").locator = MaxNLocator(5)
    drawing.legend_above(fig, maps.marks("predicted location"), 2)
    return fig
