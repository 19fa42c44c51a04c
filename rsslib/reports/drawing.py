"""Parts that figures share: panels, axes of categories, legends, dots and lines with their intervals."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from rsslib.ledger.quantities import interval
from rsslib.project import InputError
from rsslib.reports import style

FINER = (1, 1.5, 2, 3, 5, 7)
"""Steps of each decade for `log_axis`, where an axis spans less than one."""
MOST = 6
"""More data separations would not be legible in one column of a page."""
PRINTED: dict[str, Any] = {"ls": "", "marker": "o", "mfc": "white", "mec": style.GREY, "ms": 4.5}
"""The look of a printed value."""


def legible(separations: Collection) -> None:
    """Refuse more data separations than fit into one figure. Errors: InputError."""
    if len(separations) > MOST:
        raise InputError(f"splits: expected 1 to {MOST} data separations for one figure, found {len(separations)}; "
                         "look at fewer at a time")


def cells(records: Iterable[Mapping], *keys: str) -> dict[tuple, Mapping]:
    """Return the record of each combination of the values of `keys`, in the sequence of the records."""
    return {tuple(record[key] for key in keys): record for record in records}


def known(names: Iterable[str], records: Iterable[Mapping], key: str) -> list[str]:
    """Return those of `names` that some record has under `key`, in the sequence of `names`."""
    used = {record[key] for record in records}
    return [name for name in names if name in used]


def panels(fig: Figure, number: int, wide: bool, ratios: Sequence[float] | None = None, **shared: bool) -> np.ndarray:
    """Return panels beside each other on a wide page, else below each other."""
    shape = {"ncols": number, "width_ratios": ratios} if wide else {"nrows": number, "height_ratios": ratios}
    return fig.subplots(**shape, **shared, squeeze=False).ravel()


def categories(ax: Axes, labels: Sequence[str]) -> None:
    """Give the x axis a label at 0, 1, ..., without ticks, and the y axis a grid."""
    ax.set_xticks(range(len(labels)), labels)
    ax.set_xlim(-0.5, len(labels) - 0.5)
    ax.tick_params(axis="x", length=0)
    ax.grid(axis="y")


def log_axis(axis: Axis, steps: Sequence[float] = (1, 3)) -> None:
    """Mark a logarithmic axis at `steps` of each decade from 0.01 to 10 000, in plain numbers."""
    axis.set_major_locator(FixedLocator([step * 10.0 ** power for power in range(-2, 4) for step in steps]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def subtitle(ax: Axes, text: str, side: Literal["left", "right"] = "right") -> None:
    """Write small text above one end of a panel."""
    ax.set_title(text, loc=side, fontsize=6.5, fontweight="normal")


def bold(ax: Axes, text: str, xy: tuple[float, float], offset: tuple[float, float], colour: str, **more) -> None:
    """Write small bold text in a dark shade of `colour`, `offset` points away from `xy`."""
    ax.annotate(text, xy, offset, textcoords="offset points", color=style.darker(colour),
                **{"fontsize": 6.5, "fontweight": "bold", "annotation_clip": False} | more)


def spread(heights: Sequence[float], least: float) -> np.ndarray:
    """Return heights of texts pushed apart, until neighbours are about `least` apart.

    >>> spread([0.5, 0.1, 0.5], 0.1).round(2)
    array([0.45, 0.1 , 0.55])
    """
    apart, ranks = np.array(heights, dtype=float), np.argsort(heights, kind="stable")
    for pair in [ranks[i:i + 2] for i in range(len(ranks) - 1)] * 20:
        apart[pair] += np.array([-0.5, 0.5]) * max(0.0, least - float(np.diff(apart[pair])[0]))
    return apart


def bar(fig: Figure, drawn, axes, **more) -> Colorbar:
    """Draw a slim colour bar without a frame."""
    colours = fig.colorbar(drawn, ax=axes, **{"aspect": 30, "pad": 0.02, "shrink": 0.7} | more)
    colours.outline.set_visible(False)
    return colours


def label_below(axes: np.ndarray, label: str) -> None:
    """Write one label below the middle of a row of panels."""
    axes[len(axes) // 2].set_xlabel(label, x=0.5 if len(axes) % 2 else -0.05)


def handles(names: Iterable[str], suffix: str = "", **more) -> list[Line2D]:
    """Return a legend's handle for each of the names in `style.LOOKS`."""
    return [Line2D([], [], label=look.label + suffix, color=look.colour, marker=look.marker,
                   **{"ls": "", "ms": 4.5} | more) for look in map(style.LOOKS.__getitem__, names)]


def ours_and_printed(printed: bool, alone: str = "ours, 95 % interval") -> list[Line2D]:
    """Return a legend's handles for a value of ours with its interval and a printed one; `alone` names ours without."""
    ours = Line2D([], [], color=style.GREY, lw=1.6, marker="o", ms=4, label="ours, 95 % interval" if printed else alone)
    return [ours, *[Line2D([], [], label="the paper's printed value", **PRINTED)] * printed]


def legend_above(fig: Figure, handles: Sequence[Artist], columns: int) -> None:
    """Put a legend of `handles` above the axes, which make room for it."""
    layout, lines = fig.get_layout_engine(), -(-len(handles) // columns)
    west, south, width, height = layout.get()["rect"]
    fig.legend(handles=handles, ncols=columns, columnspacing=1.6, handlelength=1.8, handletextpad=0.5,
               loc="upper center", bbox_to_anchor=(0.5, south + height)).set_in_layout(False)
    layout.set(rect=(west, south, width, height - (0.08 + 0.14 * lines) / fig.get_figheight()))


def with_ends(record: Mapping, field: str, scale: float = 1.0) -> tuple[float, float, float]:
    """Return a field of a record and the ends of its 95 % interval, (value, low, high), times `scale`.

    Without an interval both ends are the value.

    >>> with_ends({"median_m": 47.4, "ci95_m": [40, 52]}, "median_m")
    (47.4, 40.0, 52.0)
    """
    low, high = interval(record, field) or (record[field],) * 2
    return scale * record[field], scale * low, scale * high


def dot(ax: Axes, x: float, values: Sequence[float], look: style.Look, text: str = "", printed: float | None = None,
        aside: float = 0.11) -> None:
    """Draw a value with its interval, (value, low, high), as `look` says; the printed one open, `aside` to its right.
    """
    value, low, high = values
    ax.plot([x, x], [low, high], color=look.colour, lw=1.6, alpha=0.6, solid_capstyle="butt")
    ax.plot(x, value, marker=look.marker, color=look.colour, ms=5)
    ax.annotate(text, (x - 0.02 * (printed is not None), max(high, value)), (0, 4), textcoords="offset points",
                ha="center", fontsize=6, color=style.darker(look.colour))
    if printed is not None:
        ax.plot(x + aside, printed, **PRINTED | {"marker": look.marker, "mec": look.colour, "mew": 1})


def line(ax: Axes, x: Sequence[float], values: Sequence[tuple[float, float, float]], look: style.Look, **more) -> None:
    """Draw values with their intervals, (value, low, high) for each x, as a line in a band."""
    middle, low, high = np.transpose(values)
    ax.fill_between(x, low, high, color=look.colour, alpha=0.16, lw=0)
    ax.vlines(x, low, high, color=look.colour, alpha=0.5, lw=0.7)
    ax.plot(x, middle, color=look.colour, marker=look.marker, **{"ms": 4.5, "mec": "white", "mew": 0.4} | more)
