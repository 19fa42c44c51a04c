"""What the figures of the multi-emitter networks share: methods, metrics, checks; CMR from city to city."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from rsslib.project import InputError
from rsslib.reports import drawing, style

METHODS = {"single_stage": ("single-stage", "#228833", "s"), "two_stage_logit": ("two-stage, logits", "#AA3377", "D"),
           "two_stage_binary": ("two-stage, binary", "#33BBEE", "o")}
"""Label, colour (of P. Tol's colour-blind safe schemes) and marker of each method."""
LOGIT_COLOURS = "BrBG"
"""Of logits of occupancy: brown below 0, empty; green above, occupied. Colour-blind safe (ColorBrewer)."""
ENVIRONMENTS = {"free_space": "Free space", "chicago": "Chicago", "sydney": "Sydney", "procedural": "Made-up streets"}
METRICS = {"cmr": ("Count matched (CMR)", "% of the samples", "higher is better", 1.0),
           "rmse_fraction": ("RMSE, where matched", "% of the side", "lower is better", 1.5),
           "fa": ("False alarms (FA)", "% of the true emitters", "lower is better", 5.0),
           "mr": ("Misses (MR)", "% of the true emitters", "lower is better", 1.0)}
"""Title, unit, direction and the largest possible fraction of each metric."""


def by_keys(records: Sequence[Mapping], keys: Mapping[str, Iterable | None], metrics: Mapping[str, float],
            what: str, complete: bool = True) -> tuple[dict[tuple, Mapping], list[list]]:
    """Return what `panels.by_keys` does, for records with metrics.

    metrics: name -> largest possible value; where a record has ci95_<name>, (low, high), it is checked too.

    Errors: as `panels.by_keys`, and for a metric that is no number from 0 to its largest value.
    """
    def check(record: Mapping, where: str) -> None:
        style.need(record, metrics, where)
        for name, most in metrics.items():
            interval(record, name, most, where)

    return drawing.by_keys(records, keys, what, check, complete)


def interval(record: Mapping, name: str, most: float, what: str) -> tuple[float, ...]:
    """Return value, low and high of a metric in percent; low = high = value where there is no interval."""
    ends = record.get(f"ci95_{name}")
    ends = (record[name],) * 2 if ends is None else ends
    values = drawing.numbers([record[name], *ends], f"{what}, {name} and its interval", 0, most)
    if len(values) != 3 or values[1] > values[2]:
        raise InputError(f"{what}: expected ci95_{name} (low, high), found {ends}")
    return tuple(100 * values)


def with_intervals(records: Sequence[Mapping], names: Iterable[str], what: str) -> None:
    """Raise InputError if a record lacks the interval of one of the metrics `names`."""
    for row, record in enumerate(records):
        given = [key for key, value in record.items() if value is not None]
        style.need(given, [f"ci95_{name}" for name in names], f"{what}, record {row}")


def handles(methods: Iterable[str], **look) -> list[Line2D]:
    """Return a legend's handle for each method."""
    return [Line2D([], [], label=label, color=colour, marker=marker, **{"ls": "", "ms": 4.5} | look)
            for label, colour, marker in map(METHODS.get, methods)]


def furnish(ax: Axes, title: str, unit: str, direction: str = "") -> None:
    """Give a panel of scores its titles, unit and grid."""
    ax.set_title(title)
    ax.set_title(direction, loc="right", fontsize=6, fontweight="normal", color=style.GREY)
    ax.set_ylabel(unit)
    ax.grid(axis="y")


@style.styled
def emitter_transfer(records: Sequence[Mapping], note: str, synthetic: bool = False) -> Figure:
    """Draw how well each method counts where it was not trained: for each one a matrix of CMR, samples matched [%].

    Input: a record for each trained_on, tested_on (names of environments, any) and method with cmr, 0..1. The
    cells on which a network meets its own environment have a frame.

    Errors: InputError for no records, a missing key, a share outside 0..1, or a combination that is missing or
    given twice.
    Example
    -------
    >>> emitter_transfer(records, "quick profile")   # doctest: +SKIP
    """
    names = [dict.fromkeys([*ENVIRONMENTS, *(record[key] for record in records if key in record)])
             for key in ("trained_on", "tested_on")]
    cells, (trained, tested, methods) = by_keys(
        records, {"trained_on": names[0], "tested_on": names[1], "method": METHODS}, {"cmr": 1.0}, "emitter_transfer")
    shares = np.array([[[100 * cells[one, other, method]["cmr"] for other in tested] for one in trained]
                       for method in methods])
    side = (style.PAGE_IN - 1.3) / 3 / len(tested)
    height = max(max(0.8 * side, 0.3) * len(trained), 0.6) + (0.65 if len(tested) < 5 else 0.9)
    fig = style.page(side * len(tested) * len(methods) + 1.3, height, note, synthetic)
    axes = fig.subplots(1, len(methods), sharey=True, squeeze=False)[0]
    low = 10 * np.floor(shares.min() / 10)
    limits = low, max(10 * np.ceil(shares.max() / 10), low + 10)
    for ax, method, matrix in zip(axes, methods, shares):
        drawn = ax.imshow(matrix, cmap=style.IMAGE_COLOURS, vmin=limits[0], vmax=limits[1], origin="upper",
                          aspect="auto")
        label, colour, _ = METHODS[method]
        ax.set_title(label.capitalize(), color=style.darker(colour))
        _matrix(ax, matrix, trained, tested, limits)
    axes[0].set_ylabel("trained on")
    drawing.label_below(axes, "tested on")
    bar = fig.colorbar(drawn, ax=axes, shrink=0.9, aspect=20, pad=0.01, label="CMR [%]")
    bar.outline.set_visible(False)
    return fig


def _matrix(ax: Axes, matrix: np.ndarray, trained: Sequence[str], tested: Sequence[str], limits: tuple) -> None:
    """Write the values into their cells, white on dark ones, and name rows and columns."""
    for (row, column), share in np.ndenumerate(matrix):
        dark = share > np.mean(limits) + 0.1 * np.ptp(limits)
        ax.text(column, row, f"{share:.1f}", ha="center", va="center", color="white" if dark else style.INK)
        if trained[row] == tested[column]:
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor="none", edgecolor=style.INK, lw=1.2,
                                   clip_on=False, zorder=3))
    names = [[ENVIRONMENTS.get(name, name.capitalize()) for name in some] for some in (trained, tested)]
    ax.set_yticks(range(len(trained)), names[0])
    turned = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if len(tested) > 4 else {}
    ax.set_xticks(range(len(tested)), names[1], **turned)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
