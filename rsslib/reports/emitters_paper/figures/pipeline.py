"""Figure 1 of paper 2: from the sensors' image to several emitters, in one stage or through a map of occupancy."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from rsslib.project import InputError
from rsslib.reports import drawing, style
from rsslib.reports.emitters_paper.figures.scores import LOGIT_COLOURS, METHODS

_WIDE, _HIGH = 7.0, 3.16  # of the drawing [inches], the unit of all places below
_UPPER, _LOWER, _MIDDLE = 2.44, 0.84, 1.64  # of the two ways, and of what they share
_HEIGHTS = (0.72, 0.52, 0.36, 0.22)  # of a network's levels
_SHADES = ("#C6DBEA", "#8FB9D8", "#4A8ABD", "#0B4A82")
_EMITTERS = np.array([[0.31, 0.72], [0.64, 0.2]])  # of the sketch: row and column, 0..1


@style.styled
def emitter_pipeline(parameters: Mapping[str, Mapping], note: str, synthetic: bool = False,
                     readings: bool = False) -> Figure:
    """Draw the single-stage and the two-stage methods (Figure 1 of paper 2); their maps are sketches, not data.

    Input: parameters, method ("single_stage", "two_stage_logit", "two_stage_binary") -> numbers of parameters of
    its networks, {"occupancy": None for single_stage, "localizer": 70_000}; readings, whether the second stage sees the
    sensors' image beside the logits.

    Errors: InputError for a missing method or network, or a number that is none.
    Example
    -------
    >>> emitter_pipeline({"single_stage": {"occupancy": None, "localizer": 70_114}, "two_stage_logit": two_stage,
    ...                   "two_stage_binary": two_stage}, "quick profile")   # doctest: +SKIP
    """
    counts = _counts(parameters)
    fig = style.page(style.PAGE_IN, _HIGH, note, synthetic)
    ax = fig.subplots()
    ax.set(xlim=(0, _WIDE), ylim=(0, _HIGH), aspect="equal")
    ax.set_axis_off()
    logits = _sketch()
    sensed = np.random.default_rng(8).random(logits.shape) < 0.1
    _map(ax, 0.6, _MIDDLE, 1.1, np.where(sensed, np.where(logits > 0, logits + 1, -3), 0))
    _label(ax, 0.05, _MIDDLE + 0.76, "Sensor image", bold=True)
    for line, text in ((0.63, "power at few sensors"), (-0.65, "green: above a threshold"), (-0.77, "brown: below it")):
        _label(ax, 0.05, _MIDDLE + line, text)
    for y, start, end in ((_UPPER, 2.06, 5.1), (_LOWER, 1.78, 5.42)):
        _arrow(ax, (1.2, _MIDDLE + 0.3 * np.sign(y - _MIDDLE)), (start, y))
        _arrow(ax, (end, y), (5.86, _MIDDLE + 0.3 * np.sign(y - _MIDDLE)))
    _single_stage(ax, counts)
    _two_stage(ax, counts, logits, "logits + readings" if readings else "logits")
    _matrix(ax)
    return fig


def _counts(parameters: Mapping[str, Mapping]) -> dict[tuple[str, str], float]:
    """Return (method, network) -> number of parameters, without the occupancy network of the single stage."""
    style.need(parameters, METHODS, "emitter_pipeline, parameters")
    counts = {}
    for method in METHODS:
        what = f"emitter_pipeline, parameters of {method}"
        style.need(parameters[method], ("occupancy", "localizer"), what)
        for name in ("occupancy", "localizer"):
            if method != "single_stage" or name == "localizer":
                counts[method, name] = drawing.numbers(parameters[method][name], f"{what}, {name}", 1)[0]
            elif parameters[method][name] is not None:
                raise InputError(f"{what}, occupancy: expected None, it has none; found {parameters[method][name]}")
    return counts


def _said(counts: Iterable[float]) -> str:
    """Say a number of parameters, or those of the two variants where they differ."""
    return " or ".join(dict.fromkeys(f"{count / 1000:.1f} k" for count in counts)) + " parameters"


def _single_stage(ax: Axes, counts: Mapping) -> None:
    _way(ax, 1.86, 1.3, "(a)  Single-stage", METHODS["single_stage"][1], _said([counts["single_stage", "localizer"]]))
    _residual(ax, 2.16, _UPPER, 0.24, 0.13)
    _label(ax, 3.59, 1.96, "residual CNN, more channels", centred=True)


def _two_stage(ax: Axes, counts: Mapping, logits: np.ndarray, seen: str) -> None:
    variants = ("two_stage_logit", "two_stage_binary")
    occupancy, localizer = ([counts[variant, name] for variant in variants] for name in ("occupancy", "localizer"))
    _way(ax, 0.02, 1.7, "(b)  Two-stage", METHODS["two_stage_logit"][1], _said(np.add(occupancy, localizer)))
    x = 1.86
    for level in (0, 1, 2, 3, 2, 1, 0):
        x = _bar(ax, x, _LOWER, level, 0.1) + 0.07
    _label(ax, 2.42, 0.3, "occupancy network", centred=True)
    _label(ax, 2.42, 0.18, _said(occupancy), centred=True)
    for variant, y, drawn, text, aside in zip(variants, (1.15, 0.53), (logits, 6 * np.sign(logits)),
                                              (seen, "binary map"), (0.34, -0.33)):
        _map(ax, 3.55, y, 0.5, drawn)
        _label(ax, 3.55, y + aside, text, centred=True, color=style.darker(METHODS[variant][1]))
        _arrow(ax, (3.02, _LOWER + 0.3 * (y - _LOWER)), (3.26, y))
        _arrow(ax, (3.84, y), (4.12, _LOWER + 0.3 * (y - _LOWER)))
    _label(ax, 3.55, _LOWER, "or", centred=True)
    _residual(ax, 4.22, _LOWER, 0.09, 0.06)
    _label(ax, 4.79, 0.3, "residual CNN, fewer channels", centred=True)
    _label(ax, 4.79, 0.18, _said(localizer), centred=True)


def _way(ax: Axes, y: float, height: float, title: str, colour: str, parameters: str) -> None:
    """Draw the ground of one way with its title at the upper left and its parameters at the upper right."""
    ax.add_patch(FancyBboxPatch((1.62, y), 3.92, height - 0.06, boxstyle="round,pad=0,rounding_size=0.06",
                                facecolor="#F5F7F9", edgecolor="none", zorder=0))
    _label(ax, 1.7, y + height - 0.18, title, bold=True, color=style.darker(colour))
    _label(ax, 5.46, y + height - 0.18, parameters, ha="right")


def _residual(ax: Axes, x: float, y: float, width: float, gap: float) -> None:
    """Draw a residual CNN: ever smaller maps, two of each size, with a connection that skips a pair."""
    for level in range(4):
        first = x
        for _ in range(2):
            last = _bar(ax, x, y, level, width)
            x = last + gap
        top = y + _HEIGHTS[level] / 2 + 0.02
        ax.add_patch(FancyArrowPatch((first + width / 2, top), (last - width / 2, top), arrowstyle="-|>", lw=0.7,
                                     mutation_scale=4, connectionstyle="arc3,rad=-0.45", color=style.GREY,
                                     shrinkA=0, shrinkB=0))


def _bar(ax: Axes, x: float, y: float, level: int, width: float) -> float:
    """Draw a feature map, as high as it is large and as wide as it has channels; return its right edge."""
    height = _HEIGHTS[level]
    ax.add_patch(Rectangle((x, y - height / 2), width, height, facecolor=_SHADES[level], edgecolor="none"))
    return x + width


def _sketch(cells: int = 22) -> np.ndarray:
    """Return logits of occupancy around the sketch's emitters, (cells, cells), from -6 to 6."""
    places = np.stack(np.mgrid[:cells, :cells], axis=-1)[..., None, :] / (cells - 1)
    near = np.exp(-np.square(places - _EMITTERS).sum(axis=-1) / [0.06, 0.035]).max(axis=-1)
    return np.clip(14 * (near - 0.42), -6, 6)


def _map(ax: Axes, x: float, y: float, side: float, drawn: np.ndarray) -> None:
    edges = (x - side / 2, x + side / 2, y - side / 2, y + side / 2)
    ax.imshow(drawn, extent=edges, cmap=LOGIT_COLOURS, vmin=-8, vmax=8)
    ax.add_patch(Rectangle((edges[0], edges[2]), side, side, facecolor="none", edgecolor="#8A94A0", lw=0.6))


def _matrix(ax: Axes) -> None:
    """Draw the output matrix that both ways end in, with the places of the sketch's emitters."""
    west, width, height = 5.94, 0.35, 0.2
    rows = [["exists", "row", "column"], *(
        [f"{share:.2f}", *(f"{value:.2f}" for value in place)] for share, place in zip((0.97, 0.91), _EMITTERS)),
        ["0.04", "–", "–"]]
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            corner = west + column * width, _MIDDLE + (1 - row) * height
            if row:
                face = "#DCEBE3" if row < 3 else "#F2F3F5"
                ax.add_patch(Rectangle(corner, width, height, facecolor=face, edgecolor="white", lw=1))
            _label(ax, corner[0] + width / 2, corner[1] + height / 2, text, centred=True)
    _label(ax, west, _MIDDLE + 0.62, "Output matrix", bold=True)
    _label(ax, west, _MIDDLE + 0.5, r"$N_\mathrm{max}$ rows, in any order")
    _label(ax, west, _MIDDLE - 0.5, "exists > 0.5: an emitter")


def _label(ax: Axes, x: float, y: float, text: str, bold: bool = False, centred: bool = False, **look) -> None:
    look = {"ha": "center" if centred else "left", "fontsize": 7.5 if bold else 6.5} | look
    ax.text(x, y, text, va="center", fontweight="bold" if bold else "normal", **look)


def _arrow(ax: Axes, start: Sequence[float], end: Sequence[float]) -> None:
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=8, lw=1.2, color=style.GREY,
                                 shrinkA=0, shrinkB=0, zorder=3))
