"""Unseen places: Figure 8, where the predictions for unseen cells lie; Figure 9, inputs out of the ordinary."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from rsslib.data import splits
from rsslib.data.grid import Grid, transmitters
from rsslib.project import InputError
from rsslib.reports import drawing, maps, style

_GREEN, _CROSS = "#117733", {"marker": "x", "color": "#D7301F"}
_MARGIN_KM = 0.02  # around a prediction outside the site


def _maps(number: int, most: int, tall: float, note: str, synthetic: bool,
          bar_in: float = 0.0) -> tuple[Figure, np.ndarray]:
    """Return a page of `number` maps, at most `most` in a row, each `tall` times as high as it is wide.

    There is room for one line of legend above, and for `bar_in` inches of colour bar at the right.
    """
    rows = -(-number // most)
    columns = -(-number // rows)
    width = style.COLUMN_IN if columns == 1 else style.PAGE_IN
    fig = style.page(width, ((width - bar_in) / columns * tall + 0.4) * rows + 0.22, note, synthetic)
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[number:]:
        ax.set_axis_off()
    return fig, axes[:number]


@style.styled
def prediction_maps(dataset: xr.Dataset, predictions_by_split: Mapping, note: str, synthetic: bool = False,
                    seed: int = 0) -> Figure:
    """Draw where the predictions for transmitters in unseen cells lie (Figure 8 of paper 1).

    Input: the Measurements Dataset; split, gridN -> object with x_hat and y_hat, (n,) of the OOD samples [m],
    and inside_share, 0..1, how many of them lie in unseen cells; seed, the one the splits were made with. The
    maps are wide enough for every prediction.

    Errors: InputError for no split, one that is not gridN, or predictions that are not finite.
    Example
    -------
    >>> prediction_maps(ds, {"grid2": shown, "grid5": others}, "quick profile")   # doctest: +SKIP
    """
    said = {name: _said(dataset, name, shown) for name, shown in predictions_by_split.items()}
    if not said:
        raise InputError("prediction_maps: no split given; expected for instance grid2, grid5")
    all_said = np.concatenate(list(said.values()))
    low = np.minimum(all_said.min(axis=0) - _MARGIN_KM, 0)
    high = np.maximum(all_said.max(axis=0) + _MARGIN_KM, maps.site(dataset)[1])
    fig, axes = _maps(len(said), 2, float(np.divide(*(high - low)[::-1])), note, synthetic)
    for ax, (name, places) in zip(axes, said.items()):
        maps.furnish(ax, *np.stack([low, high], axis=1).ravel())
        _cells(ax, dataset, int(name[4:]), seed)
        ax.scatter(*places.T, s=9, lw=0.6, zorder=3, clip_on=False, **_CROSS)
        ax.set_title(name.capitalize())
        inside = f"{100 * predictions_by_split[name].inside_share:.1f} % of {len(places)} predictions"
        ax.set_title(f"{inside} lie inside unseen cells", loc="right", fontsize=6.5, fontweight="normal")
    _legend(fig)
    return fig


def _legend(fig: Figure) -> None:
    seen = Line2D([], [], ls="", marker="o", ms=2.5, color=style.SET_COLOUR["train"])
    said = Line2D([], [], ls="", ms=4, mew=1, **_CROSS)
    unseen = Patch(facecolor="none", edgecolor=_GREEN, lw=1.2)
    for handle, label in ((seen, "transmitters in seen cells"), (said, "predictions"), (unseen, "unseen cells")):
        handle.set_label(label)
    drawing.legend_above(fig, [seen, said, unseen], 3)


def _said(dataset: xr.Dataset, name: str, shown) -> np.ndarray:
    """Return the predictions on the map of `maps.split_maps`, (n, 2) [km]."""
    what = f"prediction_maps, split {name}"
    if not re.fullmatch(r"grid\d+", name):
        raise InputError(f"{what}: expected gridN such as grid2, which has unseen cells")
    drawing.need(shown, ("x_hat", "y_hat", "inside_share"), what)
    drawing.numbers(shown.inside_share, f"{what}, inside_share", 0, 1)
    said = [drawing.numbers(getattr(shown, key), f"{what}, {key}", -np.inf) for key in ("x_hat", "y_hat")]
    if len(said[0]) != len(said[1]):
        raise InputError(f"{what}: expected as many y_hat as x_hat, found {len(said[1])} and {len(said[0])}")
    places = np.stack(transmitters(dataset), axis=1)
    return (np.stack(said, axis=1) - places[0]) / 1000 + maps.site(dataset)[0][0]


def _cells(ax: Axes, dataset: xr.Dataset, n: int, seed: int) -> None:
    """Draw the transmitters in seen cells, and the outlines of the unseen cells."""
    places, size = maps.site(dataset)
    unseen, side = splits.grid_test_cells(n, seed), size / n
    seen = ~np.isin(splits.cells(dataset, n), unseen)
    ax.scatter(*places[seen].T, s=1.8, lw=0, color=style.SET_COLOUR["train"], zorder=1)
    for cell in unseen:
        ax.add_patch(Rectangle((cell // n * side[0], cell % n * side[1]), *side, facecolor="none",
                               edgecolor=_GREEN, lw=1.4, zorder=4, clip_on=False))


@style.styled
def odd_inputs(shown: Sequence, grid: Grid, note: str, synthetic: bool = False) -> Figure:
    """Draw inputs out of the ordinary, with the true and the predicted place (Figure 9 of paper 1).

    Input: objects with title, image, (height, width) scaled RSS, NaN where no sensor is drawn, truth and
    estimate, (x, y) [m]; a panel for each, up to three in a row, with one colour scale for all.

    Errors: InputError for no panel, a missing attribute, an image that is not on `grid`, one without
    sensors, or a place that is not finite.
    Example
    -------
    >>> odd_inputs([unseen, interfered], grid, "quick profile")   # doctest: +SKIP
    """
    sensors = [_sensors(panel, grid, f"odd_inputs, panel {row}") for row, panel in enumerate(shown)]
    if not sensors:
        raise InputError("odd_inputs: no panel; expected at least one input")
    highest = max(rss.max() for _, _, rss in sensors)
    fig, axes = _maps(len(sensors), 3, grid.height / grid.width, note, synthetic, bar_in=0.6)
    for ax, panel, heard in zip(axes, shown, sensors):
        dots = _input(ax, panel, heard, highest, grid)
    bar = fig.colorbar(dots, ax=axes, shrink=0.7, aspect=30, pad=0.02, label="scaled RSS")
    bar.locator = MaxNLocator(5)
    bar.outline.set_visible(False)
    maps.marks_legend(fig, "predicted place")
    drawing.lift(fig, fig.legends[-1], 1)
    return fig


def _input(ax: Axes, panel, sensors: tuple, highest: float, grid: Grid):
    """Draw one input with its places; return its dots."""
    maps.furnish(ax, *grid.extent_km)
    ax.set_facecolor("#F7F8FA")
    x, y, rss = (values[sensors[2].argsort()] for values in sensors)  # the strongest on top
    dots = ax.scatter(x, y, c=rss, cmap="YlGnBu", vmin=0, vmax=highest, s=26, edgecolors=style.INK, linewidths=0.4,
                      zorder=3)
    ax.set_title(panel.title)
    for place, kind in ((panel.truth, "truth"), (panel.estimate, "estimate")):
        maps.mark(ax, grid, place, kind)
    off = np.hypot(*np.subtract(panel.estimate, panel.truth))
    ax.annotate(f"{off:.0f} m off", (1, 0), (-18, -6), xycoords="axes fraction", textcoords="offset points",
                ha="right", va="center_baseline", fontsize=6)
    return dots


def _sensors(panel, grid: Grid, what: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the places [km] and the readings of the sensors of one panel."""
    drawing.need(panel, ("title", "image", "truth", "estimate"), what)
    image = np.asarray(panel.image, dtype=float)
    if image.shape != grid.shape:
        raise InputError(f"{what}: expected an image of {grid.shape} pixels (rows, columns), found {image.shape}")
    for key in ("truth", "estimate"):
        if len(drawing.numbers(getattr(panel, key), f"{what}, {key}", -np.inf)) != 2:
            raise InputError(f"{what}, {key}: expected a place (x, y) [m], found {getattr(panel, key)}")
    row, column = np.nonzero(~np.isnan(image))
    rss = drawing.numbers(image[row, column], f"{what}, readings of the sensors")
    return *maps.to_km(grid, *grid.to_metres(column, row)), rss
