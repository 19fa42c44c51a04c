"""Figure 1 of paper 2: from the sensors' image to several emitters, in one stage or through a map of occupancy."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from rsslib.reports import style
from rsslib.reports.emitters_paper.figures.maps import LOGIT_COLOURS
from rsslib.reports.emitters_paper.findings import samples as found

_WIDE, _HIGH = 7.0, 3.16  # of the drawing [inches], the unit of all coordinates below
_UPPER, _LOWER, _MIDDLE = 2.44, 0.84, 1.64  # height of the two methods, and of what they share
_HEIGHTS = (0.72, 0.52, 0.36, 0.22)  # of a network's levels
_SHADES = ("#C6DBEA", "#8FB9D8", "#4A8ABD", "#0B4A82")
_EMITTERS = np.array([[0.31, 0.72], [0.64, 0.2]])  # of the sketch: row and column, 0..1
_SMALL, _BOLD = {"fontsize": 6.5, "va": "center"}, {"fontsize": 7.5, "va": "center", "fontweight": "bold"}
_CENTRED = _SMALL | {"ha": "center"}
_OUTPUT = (("exists", "row", "column"), ("0.97", "0.31", "0.72"), ("0.91", "0.64", "0.20"), ("0.04", "–", "–"))


@style.styled
def emitter_pipeline(parameters: Mapping[str, int], occupancy: int, note: str, synthetic: bool | str = False,
                     readings: bool = False) -> style.Page:
    """Draw the single-stage and the two-stage methods (Figure 1 of paper 2); their maps are sketches, not data.

    Input: parameters of each method ("single_stage", "two_stage_logit", "two_stage_binary") in total; those of the
    occupancy network among them; readings, whether the second stage sees the sensors' image beside the logits.

    >>> emitter_pipeline({"single_stage": 68_144, "two_stage_logit": 71_625, "two_stage_binary": 71_369}, 30_471,
    ...                  "quick profile").axes
    [<Axes: >]
    """
    fig = style.page(style.PAGE_IN, _HIGH, note, found.networks(parameters, occupancy, readings), synthetic)
    ax = fig.subplots()
    ax.set(xlim=(0, _WIDE), ylim=(0, _HIGH), aspect="equal")
    ax.set_axis_off()
    logits = _sketch()
    sensed = np.random.default_rng(8).random(logits.shape) < 0.1
    _map(ax, 0.6, _MIDDLE, 1.1, np.where(sensed, np.where(logits > 0, logits + 1, -3), 0))
    ax.text(0.05, _MIDDLE + 0.76, "Sensor image", **_BOLD)
    ax.text(0.05, _MIDDLE + 0.63, "power at a few sensors", **_SMALL)
    ax.text(0.05, _MIDDLE - 0.71, "green: above a threshold\nbrown: at or below it", **_SMALL)
    two = [parameters["two_stage_logit"], parameters["two_stage_binary"]]
    _box(ax, 1.86, 1.24, "(a)  Single-stage", "single_stage", [parameters["single_stage"]])
    _box(ax, 0.02, 1.64, "(b)  Two-stage", "two_stage_logit", two)
    for y, start, end in ((_UPPER, 2.06, 5.1), (_LOWER, 1.78, 5.42)):
        _arrow(ax, (1.2, _MIDDLE + 0.3 * np.sign(y - _MIDDLE)), (start, y))
        _arrow(ax, (end, y), (5.86, _MIDDLE + 0.3 * np.sign(y - _MIDDLE)))
    _residual(ax, 2.16, _UPPER, 0.24, 0.13)
    ax.text(3.59, 1.96, "residual CNN, more channels", **_CENTRED)
    _encoder_decoder(ax, logits, "logits + readings" if readings else "logits")
    ax.text(2.42, 0.24, f"occupancy network\n{_words([occupancy])}", **_CENTRED)
    if readings:    # the way of the sensors' image past the occupancy network
        ax.plot([1.2, 4.02, 4.02], [1.76, 1.76, 1.5], color=style.GREY, lw=1.2, zorder=3, solid_joinstyle="miter")
        _arrow(ax, (4.02, 1.52), (4.2, 1.12))
        ax.text(2.6, 1.76, "readings, beside the logits only", bbox={"fc": "white", "ec": "none", "pad": 1.0}, zorder=4,
                **_CENTRED)
    _residual(ax, 4.22, _LOWER, 0.09, 0.06)
    ax.text(4.79, 0.24, f"residual CNN, fewer channels\n{_words(total - occupancy for total in two)}", **_CENTRED)
    _output(ax, 5.94)
    return fig


def _words(counts: Iterable[int]) -> str:
    """Return a number of parameters in words, or those of the two variants where they differ."""
    return " or ".join(dict.fromkeys(f"{count / 1000:.1f} k" for count in counts)) + " parameters"


def _box(ax: Axes, y: float, height: float, title: str, method: str, parameters: Iterable[int]) -> None:
    """Draw the ground of one method, its title at the upper left and its parameters at the upper right."""
    ax.add_patch(FancyBboxPatch((1.62, y), 3.92, height, boxstyle="round,pad=0,rounding_size=0.06", fc="#F5F7F9",
                                ec="none", zorder=0))
    ax.text(1.7, y + height - 0.12, title, color=style.darker(style.LOOKS[method].colour), **_BOLD)
    ax.text(5.46, y + height - 0.12, _words(parameters), ha="right", **_SMALL)


def _encoder_decoder(ax: Axes, logits: np.ndarray, seen: str) -> None:
    """Draw the occupancy network and the two maps that a second stage may see."""
    for x, level in zip(1.86 + 0.17 * np.arange(7), (0, 1, 2, 3, 2, 1, 0)):
        _bar(ax, x, _LOWER, level, 0.1)
    for method, y, drawn, text, above in (("two_stage_logit", 1.15, logits, seen, 0.34),
                                          ("two_stage_binary", 0.53, 6 * np.sign(logits), "binary map", -0.33)):
        _map(ax, 3.55, y, 0.5, drawn)
        ax.text(3.55, y + above, text, color=style.darker(style.LOOKS[method].colour), **_CENTRED)
        _arrow(ax, (3.02, _LOWER + 0.3 * (y - _LOWER)), (3.26, y))
        _arrow(ax, (3.84, y), (4.12, _LOWER + 0.3 * (y - _LOWER)))
    ax.text(3.55, _LOWER, "or", **_CENTRED)


def _residual(ax: Axes, x: float, y: float, width: float, gap: float) -> None:
    """Draw a residual CNN: ever smaller maps, two of each size, with a connection that skips a pair."""
    for level, first in enumerate(x + 2 * (width + gap) * np.arange(4)):
        second, top = first + width + gap, y + _HEIGHTS[level] / 2 + 0.02
        _bar(ax, first, y, level, width)
        _bar(ax, second, y, level, width)
        _arrow(ax, (first + width / 2, top), (second + width / 2, top), lw=0.7, mutation_scale=4,
               connectionstyle="arc3,rad=-0.45")


def _bar(ax: Axes, x: float, y: float, level: int, width: float) -> None:
    """Draw a feature map, as high as it is large and as wide as it has channels."""
    ax.add_patch(Rectangle((x, y - _HEIGHTS[level] / 2), width, _HEIGHTS[level], fc=_SHADES[level], ec="none"))


def _sketch(cells: int = 22) -> np.ndarray:
    """Return logits of occupancy around the sketch's emitters, (cells, cells), from -6 to 6."""
    positions = np.moveaxis(np.indices((cells, cells)), 0, -1)[..., None, :] / (cells - 1)
    near = np.exp(-np.square(positions - _EMITTERS).sum(axis=-1) / [0.06, 0.035]).max(axis=-1)
    return np.clip(14 * (near - 0.42), -6, 6)


def _map(ax: Axes, x: float, y: float, side: float, drawn: np.ndarray) -> None:
    west, south = x - side / 2, y - side / 2
    ax.imshow(drawn, extent=(west, west + side, south, south + side), cmap=LOGIT_COLOURS, vmin=-8, vmax=8)
    ax.add_patch(Rectangle((west, south), side, side, fill=False, ec="#8A94A0", lw=0.6))


def _output(ax: Axes, x: float, width: float = 0.35, height: float = 0.2) -> None:
    """Draw the output matrix that both methods end in, with the positions of the sketch's emitters."""
    for (row, column), text in np.ndenumerate(_OUTPUT):
        west, south = x + column * width, _MIDDLE + (1 - row) * height
        if row:
            ax.add_patch(Rectangle((west, south), width, height, fc="#DCEBE3" if row < 3 else "#F2F3F5", ec="white"))
        ax.text(west + width / 2, south + height / 2, text, **_CENTRED)
    ax.text(x, _MIDDLE + 0.62, "Output matrix", **_BOLD)
    ax.text(x, _MIDDLE + 0.5, r"$N_\mathrm{max}$ rows, in any order", **_SMALL)
    ax.text(x, _MIDDLE - 0.5, "exists > 0.5: an emitter", **_SMALL)


def _arrow(ax: Axes, start: tuple, end: tuple, **look) -> None:
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", color=style.GREY, shrinkA=0, shrinkB=0, zorder=3,
                                 **{"mutation_scale": 8, "lw": 1.2} | look))
