"""Maps of several emitters: Figure 2 of paper 2, one sample; Figure 3, a sample of each environment."""

from collections.abc import Sequence

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

from rsslib.reports import drawing, maps, style
from rsslib.reports.emitters_paper.tables import Case

LOGIT_COLOURS = "BrBG"
"""Of logits of occupancy: brown below 0, empty; green above, occupied. Colour-blind safe (ColorBrewer)."""
_POWER, _LOGIT = "received power [dBm]", "logit of occupancy"
_GROUND, _BUILDING = "#F5F7F9", "#A9B1BA"
_STAR = {"marker": "*", "s": 70, "c": style.INK, "edgecolors": "white", "linewidths": 0.7, "zorder": 6}
_CROSS = {"marker": "x", "s": 26, "c": "#D7301F", "linewidths": 1.4, "zorder": 7,
          "path_effects": [withStroke(linewidth=2.0, foreground="white")]}
_SMALL = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 6, "va": "center_baseline"}


@style.styled
def emitter_sample(single: Case, two: Case, note: str, synthetic: bool | str = False) -> Figure:
    """Draw one sample and what two methods predict for it (Figure 2 of paper 2).

    Input: the same sample as predicted by the single stage and by two stages.

    >>> emitter_sample(single, two, "free space, quick profile")   # doctest: +SKIP
    """
    power, logits = _scales([two])
    fig = style.page(style.PAGE_IN, (style.PAGE_IN - 1.24) / 3 + 0.75, _foot(note, [two]), synthetic)
    axes = fig.subplots(1, 3)
    panels = (("power and sensors", two.power, power, None), ("single-stage", two.power, None, single.predicted),
              ("two-stage, logits", two.logits, logits, two.predicted))
    for ax, (title, values, scale, predicted) in zip(axes, panels):
        _ground(ax, two, values, scale)
        _sensors(ax, two, power)
        ax.set_title(title, pad=12)
        ax.annotate(_emitters(ax, two, predicted), (0, 1), (0, 5), **_SMALL)
    maps.furnish(axes[0], 0, two.side_m / 1000, 0, two.side_m / 1000)
    for scale, label in ((power, _POWER), (logits, _LOGIT)):
        _bar(fig, scale, axes, label, shrink=0.8)
    _legend(fig, [two])
    return fig


@style.styled
def emitter_scenes(cases: Sequence[Case], note: str, synthetic: bool | str = False) -> Figure:
    """Draw a sample of each environment on its way through the two-stage method (Figure 3 of paper 2).

    Input: a case for each row.

    >>> emitter_scenes([free_space, chicago, sydney], "quick profile")   # doctest: +SKIP
    """
    power, logits = _scales(cases)
    fig = style.page(style.PAGE_IN, 1.9 * len(cases) + 0.85, _foot(note, cases), synthetic)
    axes = fig.subplots(len(cases), 4, squeeze=False)
    for case, line in zip(cases, axes):
        _scene(line, case, power, logits)
    for ax, title in zip(axes[0], ("Power map", "Sensors", "Logits of occupancy", "Predictions")):
        ax.set_title(title)
    for column, scale, label in zip(axes.T, (power, power, logits), (_POWER, _POWER, _LOGIT)):
        _bar(fig, scale, column, label, location="bottom", shrink=0.9)
    _legend(fig, cases, threshold=True)
    return fig


def _scene(axes: Sequence[Axes], case: Case, power: ScalarMappable, logits: ScalarMappable) -> None:
    """Draw one environment from its power map to the predictions."""
    for ax, values, scale in zip(axes, (case.power, case.power, case.logits, case.power), (power, None, logits, None)):
        _ground(ax, case, values, scale)
    maps.furnish(axes[0], 0, case.side_m / 1000, 0, case.side_m / 1000)
    axes[0].set_ylabel(case.title, fontsize=7.5, fontweight="bold", labelpad=5)
    _emitters(axes[0], case, None)
    _sensors(axes[1], case, power, case.threshold_dbm)
    above, level = (case.sensors[:, 2] > case.threshold_dbm).sum(), f"{case.threshold_dbm:.0f} dBm".replace("-", "−")
    axes[1].annotate(f"{above} of {len(case.sensors)} above {level}", (0, 0), (0, -6), **_SMALL)
    axes[3].annotate(_emitters(axes[3], case, case.predicted), (0, 0), (0, -6), **_SMALL)


def _foot(note: str, cases: Sequence[Case]) -> str:
    """Return the note and the sources of the cases' maps."""
    return ". ".join(dict.fromkeys([note.rstrip("."), *filter(None, (case.attribution for case in cases))]))


def _scales(cases: Sequence[Case]) -> tuple[ScalarMappable, ScalarMappable]:
    """Return the colours of power, over maps and sensors of all cases, and of logits, white at 0; buildings grey."""
    power, logits = (np.concatenate([values[np.isfinite(values)] for values in some]) for some in (
        [part for case in cases for part in (case.power, case.sensors[:, 2])], [case.logits for case in cases]))
    low, high = np.percentile(power, [1, 99])
    most = max(1.0, *np.abs(np.percentile(logits, [1, 99])))
    return (ScalarMappable(Normalize(low, max(high, low + 1)), colormaps["YlGnBu"].with_extremes(bad=_BUILDING)),
            ScalarMappable(Normalize(-most, most), colormaps[LOGIT_COLOURS].with_extremes(bad=_BUILDING)))


def _km(case: Case, table: np.ndarray) -> np.ndarray:
    """Return easting and northing of rows and columns, (2, number) [km] from the south-western corner."""
    return (table[:, 1::-1].T + 0.5) * case.side_m / 1000 / len(case.power)


def _ground(ax: Axes, case: Case, values: np.ndarray, scale: ScalarMappable | None) -> None:
    """Draw a map in the colours of `scale`; without one only its buildings."""
    side = case.side_m / 1000
    ax.set_facecolor(_GROUND)
    ax.set(xlim=(0, side), ylim=(0, side), aspect="equal", xticks=[], yticks=[], anchor="N")
    ax.spines[:].set(visible=True, color="#C9D0D8")
    look = {"extent": (0, side, 0, side), "zorder": 0.5}
    if scale is None:
        ax.imshow(np.where(np.isnan(values), 1.0, np.nan), cmap=ListedColormap([_BUILDING]), **look)
    else:    # -inf, where no power arrives, is as good as any low number
        ax.imshow(np.maximum(values, scale.norm.vmin), cmap=scale.cmap, norm=scale.norm, **look)


def _sensors(ax: Axes, case: Case, scale: ScalarMappable, threshold: float = -np.inf) -> None:
    """Draw sensors in the colours of the power, the strongest on top; white where at or below the threshold."""
    table = case.sensors[case.sensors[:, 2].argsort()]
    colours = scale.to_rgba(np.maximum(table[:, 2], scale.norm.vmin))
    colours[table[:, 2] <= threshold] = 1.0
    ax.scatter(*_km(case, table), s=14, c=colours, edgecolors=style.INK, linewidths=0.45, zorder=3)


def _emitters(ax: Axes, case: Case, predicted: np.ndarray | None) -> str:
    """Draw true and predicted positions, the pairs joined if the count is right; return the outcome in words.

    Pairs have the least sum of squared distances, as in the paper's RMSE.
    """
    truth = case.truth
    ax.scatter(*_km(case, truth), clip_on=False, **_STAR)
    if predicted is None:
        return f"{len(truth)} emitter{'s' * (len(truth) != 1)}"
    ax.scatter(*_km(case, predicted), clip_on=False, **_CROSS)
    if len(truth) != len(predicted):
        return f"{len(predicted)} instead of {len(truth)} emitters"
    squared = np.square(truth[:, None] - predicted).sum(axis=2)
    pairs = linear_sum_assignment(squared)
    for one, other in zip(*pairs):
        ax.plot(*_km(case, np.stack([truth[one], predicted[other]])), color=style.INK, lw=0.8, ls=(0, (2, 1.5)),
                zorder=5)
    cell_m = case.side_m / len(case.power)
    return f"count right, {cell_m * np.sqrt(squared[pairs].mean()):.0f} m off" if len(truth) else "count right"


def _legend(fig: Figure, cases: Sequence[Case], threshold: bool = False) -> None:
    """Explain above the maps what is drawn in them."""
    dot = {"ls": "", "marker": "o", "ms": 4, "mec": style.INK, "mew": 0.45}
    handles = [Line2D([], [], ls="", marker="*", ms=8, mec="white", mew=0.6, color=style.INK, label="true emitter"),
               Line2D([], [], ls="", marker="x", ms=5, mew=1.6, color=_CROSS["c"], label="predicted emitter"),
               Line2D([], [], mfc="#41B6C4", label="sensor" + " above the threshold" * threshold, **dot)]
    if threshold:
        handles.append(Line2D([], [], mfc="white", label="sensor at or below it", **dot))
    if any(np.isnan(case.power).any() for case in cases):
        handles.append(Patch(facecolor=_BUILDING, label="buildings"))
    drawing.legend_above(fig, handles, len(handles))


def _bar(fig: Figure, scale: ScalarMappable, axes: Sequence[Axes], label: str, **look) -> None:
    """Draw the colour bar that `axes` share."""
    bar = drawing.bar(fig, scale, axes, label=label, extend="both", extendfrac=0.04, aspect=25, **look)
    bar.locator = MaxNLocator(5, integer=True, steps=[1, 2, 5, 10])
