"""Maps of several emitters: one sample and what it tells, Figures 2 and 3 of paper 2, a sample by two models."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, TwoSlopeNorm, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from rsslib.ledger.wording import fixed
from rsslib.reports import drawing, maps, style
from rsslib.reports.emitters_paper.cases import Case, off_m, paired, told
from rsslib.reports.emitters_paper.findings import ray_traced
from rsslib.reports.emitters_paper.findings import samples as found

LOGIT_COLOURS = "BrBG"
"""Of logits of occupancy: brown below 0, empty; green above, occupied. Colour-blind safe (ColorBrewer)."""
NO_RAY = "#E7B9C6"
"""Of cells that no ray reaches: a hue that the colours of power do not have."""
_LOGIT = "logit of occupancy"
_THREE_IN = (style.PAGE_IN - 0.2) / 3 + 1.22
"""Height of three maps in a row, with their titles and their colour bars below [inches]."""
_GROUND, _BUILDING = "#F5F7F9", "#A9B1BA"
_STAR = {"marker": "*", "s": 70, "c": style.INK, "edgecolors": "white", "linewidths": 0.7, "zorder": 6}
_CROSS = {"marker": "x", "s": 26, "c": maps.CROSS, "linewidths": 1.4, "zorder": 7,
          "path_effects": [withStroke(linewidth=2.0, foreground="white")]}
_SMALL = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 6, "va": "center_baseline"}


@style.styled
def emitter_task(case: Case, note: str, synthetic: bool | str = False) -> style.Page:
    """Draw one sample of the task: the power on the air, what the sensors read, the input of the networks.
    """
    power, _ = _scales([case])
    fig = style.page(style.PAGE_IN, _THREE_IN, _foot(note, [case]), found.task(case), synthetic)
    axes, values = fig.subplots(1, 3), told(case)
    given = ScalarMappable(TwoSlopeNorm(0, -0.1, max(0.1, values.max())), LOGIT_COLOURS)
    for ax, title, drawn in zip(axes, ("On the air", "Measured", "Network input"), (power, None, None)):
        _ground(ax, case, case.power, drawn)
        ax.set_title(title)
    maps.furnish(axes[0], 0, case.side_m / 1000, 0, case.side_m / 1000)
    axes[0].annotate(_emitters(axes[0], case, None), (1, 0), (-16, -6), ha="right", **_SMALL)
    _sensors(axes[1], case, power)
    row, column = case.sensors[:, :2].astype(int).T
    axes[2].scatter(*_km(case, case.sensors), s=14, c=given.to_rgba(values[row, column]), marker="s",
                    edgecolors=style.INK, linewidths=0.45, zorder=3)
    axes[2].annotate("green: above T; brown: at or below T;\nblank: no sensor", (0, 0), (0, -2),
                     **_SMALL | {"va": "top"})
    _bars(fig, axes[:2], power, axes[2:], given, "network input")
    _legend(fig, [case], predicted=False)
    return fig


@style.styled
def emitter_sample(single: Case, two: Case, note: str, synthetic: bool | str = False) -> style.Page:
    """Draw one sample and what two methods predict for it (Figure 2 of paper 2).

    Input: the same sample as predicted by the single stage and by two stages.
    """
    power, logits = _scales([two])
    fig = style.page(style.PAGE_IN, _THREE_IN + 0.14, _foot(note, [two]), found.sample(single, two), synthetic)
    axes = fig.subplots(1, 3)
    panels = (("power and sensors", two.power, power, None), ("single-stage", two.power, None, single.predicted),
              ("two-stage, logits", two.logits, logits, two.predicted))
    for ax, (title, values, scale, predicted) in zip(axes, panels):
        _ground(ax, two, values, scale)
        _sensors(ax, two, power)
        ax.set_title(title, pad=17)
        ax.annotate(_emitters(ax, two, predicted), (0, 1), (0, 10), **_SMALL)    # a star may stand on the frame
    maps.furnish(axes[0], 0, two.side_m / 1000, 0, two.side_m / 1000)
    _bars(fig, axes[:2], power, axes[2:], logits, _LOGIT)
    _legend(fig, [two])
    return fig


@style.styled
def emitter_scenes(cases: Sequence[Case], note: str, synthetic: bool | str = False) -> style.Page:
    """Draw a sample of each environment on its way through the two-stage method (Figure 3 of paper 2).

    Input: a case for each row.
    """
    return _rows(cases, note, found.scenes(cases), synthetic)


@style.styled
def emitter_rays(cases: Sequence[Case], note: str, synthetic: bool | str = False) -> style.Page:
    """Draw one sample on the maps of several models of propagation, on its way through the two-stage method.

    Input: a case for each row, such as by the formula and ray-traced.
    """
    return _rows(cases, note, ray_traced.maps(cases), synthetic)


def _rows(cases: Sequence[Case], note: str, said: style.Told, synthetic: bool | str) -> style.Page:
    power, logits = _scales(cases)
    fig = style.page(style.PAGE_IN, 1.9 * len(cases) + 0.85, _foot(note, cases), said, synthetic)
    axes = fig.subplots(len(cases), 4, squeeze=False)
    for case, line in zip(cases, axes):
        _scene(line, case, power, logits)
    for ax, title in zip(axes[0], ("Power map", "Sensors", "Logits of occupancy", "Predictions")):
        ax.set_title(title)
    _bars(fig, axes[:, :2], power, axes[:, 2], logits, _LOGIT)
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
    above, level = (case.sensors[:, 2] > case.threshold_dbm).sum(), f"{fixed(case.threshold_dbm)} dBm"
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
    """Draw a map in the colours of `scale`; without one only its buildings. Cells that no ray reaches are marked."""
    side = case.side_m / 1000
    ax.set_facecolor(_GROUND)
    ax.set(xlim=(0, side), ylim=(0, side), aspect="equal", xticks=[], yticks=[], anchor="N")
    ax.spines[:].set(visible=True, color="#C9D0D8")
    look = {"extent": (0, side, 0, side), "zorder": 0.5}
    if scale is None:
        ax.imshow(np.where(np.isnan(values), 1.0, np.nan), cmap=ListedColormap([_BUILDING]), **look)
        return
    ax.imshow(np.where(np.isinf(values), np.nan, values), cmap=scale.cmap, norm=scale.norm, **look)
    if np.isinf(values).any():
        ax.imshow(np.where(np.isinf(values), 1.0, np.nan), cmap=ListedColormap([NO_RAY]), **look)


def _sensors(ax: Axes, case: Case, scale: ScalarMappable, threshold: float = -np.inf) -> None:
    """Draw sensors in the colours of the power, the strongest on top; white where at or below the threshold."""
    table = case.sensors[case.sensors[:, 2].argsort()]
    colours = scale.to_rgba(np.maximum(table[:, 2], scale.norm.vmin))
    colours[np.isinf(table[:, 2])] = to_rgba(NO_RAY)
    if np.isfinite(threshold):
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
    pairs = paired(truth, predicted)
    if pairs is None:
        return f"{len(predicted)} instead of {len(truth)} emitters"
    for one, other in pairs:
        ax.plot(*_km(case, np.stack([truth[one], predicted[other]])), color=style.INK, lw=0.8, ls=(0, (2, 1.5)),
                zorder=5)
    away = off_m(replace(case, predicted=predicted))
    return "count right" + ("" if away is None else f", {fixed(away)} m off")


def _legend(fig: Figure, cases: Sequence[Case], threshold: bool = False, predicted: bool = True) -> None:
    """Explain above the maps what is drawn in them."""
    dot = {"ls": "", "marker": "o", "ms": 4, "mec": style.INK, "mew": 0.45}
    handles = [Line2D([], [], ls="", marker="*", ms=8, mec="white", mew=0.6, color=style.INK, label="true emitter")]
    if predicted:
        handles.append(Line2D([], [], ls="", marker="x", ms=5, mew=1.6, color=_CROSS["c"], label="predicted emitter"))
    handles.append(Line2D([], [], mfc="#41B6C4", label="sensor" + " above the threshold" * threshold, **dot))
    if threshold:
        handles.append(Line2D([], [], mfc="white", label="sensor at or below it", **dot))
    for colour, label, there in ((_BUILDING, "buildings", np.isnan), (NO_RAY, "no ray arrives", np.isinf)):
        if any(there(case.power).any() for case in cases):
            handles.append(Patch(facecolor=colour, label=label))
    drawing.legend_above(fig, handles, len(handles))


def _bars(fig: Figure, first: np.ndarray, power: ScalarMappable, then: np.ndarray, other: ScalarMappable,
          label: str) -> None:
    """Draw below some maps the colour bar of the power that they share, and below others theirs."""
    for axes, scale, text, shrink in ((first, power, "received power [dBm]", 0.6), (then, other, label, 0.9)):
        bar = drawing.bar(fig, scale, axes.ravel(), label=text, extend="both", extendfrac=0.04, aspect=25,
                          location="bottom", shrink=shrink)
        if isinstance(scale.norm, TwoSlopeNorm):
            high = scale.norm.vmax
            steps = [scale.norm.vmin, 0, *(np.arange(1, high, np.ceil(high / 3)) if high > 1 else [high])]
            bar.set_ticks(steps, labels=[fixed(step, int(step % 1 > 0)) for step in steps])
        else:
            bar.locator = MaxNLocator(5, integer=True, steps=[1, 2, 5, 10])
