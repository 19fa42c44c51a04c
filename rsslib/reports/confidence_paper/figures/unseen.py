"""Unseen cells: Figure 8 (where the predictions for them lie) and Figure 9 (inputs out of the ordinary)."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np
import xarray as xr
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from rsslib.data import splits
from rsslib.data.grid import Grid
from rsslib.localization import predictions
from rsslib.reports import drawing, maps, style, tables
from rsslib.reports.confidence_paper.findings import detection as findings
from rsslib.reports.findings import Records

_FEET = (0.4, 0.22)  # inches below each row of maps, and for one line of legend above
_SEEN, _TRUE = style.LOOKS["train"].colour, style.INK
_GREEN, _CROSS = "#117733", {"marker": "x", "color": maps.CROSS}
_MARGIN_KM = 0.02  # around a prediction outside the site


@style.styled
def prediction_maps(dataset: xr.Dataset, records: Records, models: Mapping[str, xr.Dataset], note: str,
                    synthetic: bool = False, seed: int = 0) -> Figure:
    """Draw where the predictions for transmitters in unseen cells lie, and where these are (Figure 8 of paper 1).

    Input: the Measurements Dataset; records of `unseen_cells.records`; split, gridN -> predictions of its ensemble; the
    seed that the splits were made with. The maps hold every prediction.
    """
    (corner, size, transmitters), inside = maps.site(dataset), {record["split"]: record for record in records}
    places = {split: [(np.stack([ood[f"x_{kind}"], ood[f"y_{kind}"]], axis=1) - corner) / 1000
                      for kind in ("true", "hat")]
              for split, ood in ((split, predictions.of_set(model, "ood")) for split, model in models.items())}
    everywhere = np.concatenate([predicted for _, predicted in places.values()])
    west, south = np.minimum(everywhere.min(axis=0) - _MARGIN_KM, 0)
    east, north = np.maximum(everywhere.max(axis=0) + _MARGIN_KM, size)
    fig, axes = maps.sheet(len(places), 2, (north - south) / (east - west), _FEET, note, findings.maps(records),
                           synthetic)
    for ax, (split, (true, predicted)) in zip(axes, places.items()):
        n = int(split.removeprefix("grid"))
        seen = ~np.isin(splits.cells(dataset, n), splits.grid_test_cells(n, seed))
        maps.furnish(ax, west, east, south, north)
        ax.scatter(*transmitters[seen].T, s=1.8, lw=0, color=_SEEN, zorder=1)
        maps.unseen_cells(ax, dataset, n, seed, facecolor="none", edgecolor=_GREEN, lw=1.4, zorder=4, clip_on=False)
        ax.add_collection(LineCollection(np.stack([true, predicted], axis=1), colors=maps.CROSS, lw=0.35, alpha=0.16,
                                         zorder=2))
        ax.scatter(*true.T, s=2.6, lw=0, color=_TRUE, zorder=3)
        ax.scatter(*predicted.T, s=8, lw=0.6, zorder=3.5, clip_on=False, **_CROSS)
        ax.set_title(tables.name(split))
        drawing.subtitle(ax, f"{100 * inside[split]['inside_share']:.1f} % of {len(predicted)} predictions lie inside")
    drawing.legend_above(fig, [
        Line2D([], [], ls="", marker="o", ms=2.5, color=_SEEN, label="transmitters in seen cells"),
        Line2D([], [], ls="", marker="o", ms=2.8, color=_TRUE, label="in unseen cells: true places"),
        Line2D([], [], ls="", ms=4, mew=1, label="their predictions", **_CROSS),
        Patch(facecolor="none", edgecolor=_GREEN, lw=1.2, label="unseen cells")], 4 if len(places) > 1 else 2)
    return fig


@style.styled
def odd_inputs(shown: Sequence[SimpleNamespace], grid: Grid, note: str, synthetic: bool = False) -> Figure:
    """Draw inputs out of the ordinary, with the true and the predicted location (Figure 9 of paper 1).

    Input: what `low_confidence_samples.case` returns, a panel for each, up to three in a row, with one colour scale
    for all. The sensor with the strongest scaled reading is ringed.
    """
    highest = max(np.nanmax(case.image) for case in shown)
    fig, axes = maps.sheet(len(shown), 3, grid.height / grid.width, _FEET, note, findings.inputs(shown), synthetic,
                           bar_in=0.6)
    for ax, case in zip(axes, shown):
        dots = maps.sensors(ax, case.image, grid, vmax=highest, s=26)
        ax.set_title(case.title)
        maps.mark(ax, grid, truth=case.truth, estimate=case.estimate)
        pixel = grid.to_metres(*np.round(grid.to_pixels(*case.brightest)))    # where the sensor is drawn
        sensor, truth = (maps.to_km(grid, *place) for place in (pixel, case.truth))
        ax.plot(*zip(sensor, truth), color=style.INK, lw=0.7, ls=(0, (2, 1.5)), zorder=2.5)
        ax.scatter(*sensor, s=95, facecolors="none", edgecolors=style.INK, linewidths=1.1, zorder=5)
        ax.annotate(f"ring {case.away_m:.0f} m away, prediction {case.off_m:.0f} m off", (1, 0), (-18, -6),
                    xycoords="axes fraction", textcoords="offset points", ha="right", va="center_baseline", fontsize=6)
    drawing.bar(fig, dots, axes, label="scaled RSS").locator = MaxNLocator(5)
    ring = Line2D([], [], ls="", marker="o", ms=9, mfc="none", mec=style.INK, mew=1.1, label="strongest reading")
    drawing.legend_above(fig, [*maps.marks("predicted location"), ring], 3 if len(shown) > 1 else 2)
    return fig
