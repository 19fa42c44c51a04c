"""Layers of the maps of several emitters: ground and buildings, sensors, true and predicted places, legend, bars."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from scipy.optimize import linear_sum_assignment

from rsslib.project import InputError
from rsslib.reports import style
from rsslib.reports.drawing import legend_above
from rsslib.reports.emitters_paper.figures.scores import LOGIT_COLOURS

_COLOURS = {"power": "YlGnBu", "logits": LOGIT_COLOURS}
_LABELS = {"power": "received power [dBm]", "logits": "logit of occupancy"}
_GROUND, _BUILDING = "#F5F7F9", "#A9B1BA"
_STAR = {"marker": "*", "s": 70, "c": style.INK, "edgecolors": "white", "linewidths": 0.7}
_CROSS = {"marker": "x", "s": 26, "c": "#D7301F", "linewidths": 1.4,
          "path_effects": [withStroke(linewidth=2.0, foreground="white")]}


def field(values, what: str) -> np.ndarray:
    """Return a map (n, n), NaN indoors; -inf, where nothing arrives, is as good as any low number."""
    field = np.asarray(values, dtype=float)
    if field.ndim != 2 or len(set(field.shape)) != 1 or np.isposinf(field).any() or not np.isfinite(field).any():
        raise InputError(f"{what}: expected a map (n, n) of numbers, NaN only indoors; found shape {field.shape}")
    return field


def places(values, columns: int, what: str) -> np.ndarray:
    """Return a table (number, `columns`) of row, column and perhaps value [dBm]; None and [] give an empty one."""
    table = np.asarray([] if values is None else values, dtype=float)
    table = table.reshape(0, columns) if table.size == 0 else table
    if table.ndim != 2 or table.shape[1] != columns or not np.isfinite(table[:, :2]).all() or np.isnan(table).any():
        raise InputError(f"{what}: expected {columns} columns of numbers, row, column{', dBm' * (columns > 2)}; found "
                         f"shape {table.shape}")
    return table


def inside(table: np.ndarray | None, n: int, what: str) -> None:
    """Raise InputError if a place lies outside a map of n x n cells: then it is perhaps in metres."""
    if table is not None and len(table) and not (-0.5 <= table[:, :2].min() and table[:, :2].max() <= n - 0.5):
        raise InputError(f"{what}: expected rows and columns from 0 to {n - 1}, in cells; found "
                         f"{table[:, :2].min():g} to {table[:, :2].max():g}")


def scale(values: Iterable[np.ndarray], kind: str) -> ScalarMappable | None:
    """Return the colours of all `values` together: logits white at 0, buildings grey; None without values."""
    values = np.concatenate([np.ravel(some) for some in values] or [np.empty(0)])
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, high = np.percentile(values, [1, 99])
    if kind == "logits":
        high = max(1.0, *np.abs([low, high]))
        low = -high
    colours = colormaps[_COLOURS[kind]].with_extremes(bad=_BUILDING)
    return ScalarMappable(Normalize(low, max(high, low + 1)), colours)


def ground(ax: Axes, field: np.ndarray, scale: ScalarMappable | None, side_km: float) -> None:
    """Draw a map in the colours of `scale`; without one only its buildings."""
    ax.set_facecolor(_GROUND)
    ax.set(xlim=(0, side_km), ylim=(0, side_km), aspect="equal", xticks=[], yticks=[], anchor="N")
    ax.spines[:].set(visible=True, color="#C9D0D8")
    drawn, look = np.where(np.isnan(field), 1.0, np.nan), {"cmap": ListedColormap([_BUILDING])}
    if scale is not None:
        drawn, look = np.maximum(field, scale.norm.vmin), {"cmap": scale.cmap, "norm": scale.norm}
    ax.imshow(drawn, extent=(0, side_km, 0, side_km), zorder=0.5, **look)


def sensors(ax: Axes, table: np.ndarray, scale: ScalarMappable | None, cell: float, threshold=-np.inf) -> None:
    """Draw sensors in the colours of the power, the strongest on top; white where at or below the threshold."""
    if not len(table):
        return
    row, column, power = table[table[:, 2].argsort()].T
    colours = scale.to_rgba(np.maximum(power, scale.norm.vmin))
    colours[power <= threshold] = 1.0
    ax.scatter((column + 0.5) * cell, (row + 0.5) * cell, s=14, c=colours, edgecolors=style.INK, linewidths=0.45,
               zorder=3)


def emitters(ax: Axes, truth: np.ndarray, predicted: np.ndarray | None, cell: float) -> str:
    """Draw the true and the predicted places, the pairs joined if the count is right; return what came of it.

    Pairs have the least sum of squared distances, as in the paper's RMSE.
    """
    ax.scatter(*(truth[:, ::-1].T + 0.5) * cell, zorder=6, clip_on=False, **_STAR)
    if predicted is None:
        return f"{len(truth)} emitters" if len(truth) != 1 else "1 emitter"
    ax.scatter(*(predicted[:, ::-1].T + 0.5) * cell, zorder=7, clip_on=False, **_CROSS)
    if len(truth) != len(predicted):
        return f"{len(predicted)} instead of {len(truth)} emitters"
    squared = np.square(truth[:, None] - predicted).sum(axis=2)
    pairs = linear_sum_assignment(squared)
    for one, other in zip(*pairs):
        ax.plot(*(np.stack([truth[one], predicted[other]])[:, ::-1].T + 0.5) * cell, color=style.INK, lw=0.8,
                ls=(0, (2, 1.5)), zorder=5)
    return f"count right, {1000 * cell * np.sqrt(squared[pairs].mean()):.0f} m off" if len(truth) else "count right"


def legend(fig: Figure, buildings: bool, sensors: bool, threshold: bool = False, columns: int = 6) -> None:
    """Explain above the maps what is drawn in them."""
    dot = {"ls": "", "marker": "o", "ms": 4, "mec": style.INK, "mew": 0.45}
    handles = [Line2D([], [], ls="", marker="*", ms=8, mec="white", mew=0.6, color=style.INK, label="true emitter"),
               Line2D([], [], ls="", marker="x", ms=5, mew=1.6, color=_CROSS["c"], label="predicted emitter")]
    if sensors:
        handles.append(Line2D([], [], mfc="#41B6C4", label="sensor" + " above the threshold" * threshold, **dot))
    if threshold:
        handles.append(Line2D([], [], mfc="white", label="sensor at or below it", **dot))
    if buildings:
        handles.append(Patch(facecolor=_BUILDING, label="buildings"))
    legend_above(fig, handles, min(columns, len(handles)))


def bar(fig: Figure, scale: ScalarMappable, axes: Sequence[Axes], kind: str, **look) -> None:
    """Draw the colour bar that `axes` share."""
    drawn = fig.colorbar(scale, ax=axes, label=_LABELS[kind], extend="both", extendfrac=0.04, **look)
    drawn.outline.set_visible(False)
    drawn.locator = MaxNLocator(5, integer=True, steps=[1, 2, 5, 10])
