"""Dots: Table II beside the paper's values, and the speed ratios of the benchmarks."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rsslib.data import splits
from rsslib.project import InputError
from rsslib.reports import style

TABLE2_COLUMNS = {"random": "Random", "july": "July→Nov", "november": "Nov→July", "grid2": "Grid2",
                  "grid5": "Grid5"}
SPEED_GOALS = {"com": ("Training step: EMD / CoM", "at most", 1.05, 5.5),
               "pot": ("Sliced EMD: POT's loop / sorted once", "at least", 40.0, None)}
"""What a ratio is against: title, direction and value of the goal, the paper's own ratio."""

@style.styled
def table2(records: Sequence[Mapping], paper: Mapping | None, note: str, synthetic: bool = False) -> Figure:
    """Draw Table II: the median error of each loss in each data separation, beside the paper's.

    Input: records with loss, split, set, median_m, ci95_m (low, high) [m], n and, if timed,
    seconds_per_epoch (a narrow panel shows the median over the splits); only the set that Table II reports
    for a split is drawn. paper: (loss, split) -> printed error [m], open markers; None leaves them out.

    Errors: InputError for no records to draw, a cell that is missing or given twice, or printed values beside
    synthetic ones.
    Example
    -------
    >>> table2(records, {("emd", "grid2"): 277.5}, "quick profile")   # doctest: +SKIP
    """
    if synthetic and paper:
        raise InputError("table2: the synthetic campus is not comparable with the paper; pass paper=None")
    cells = _table2_cells(records)
    timed = all(record.get("seconds_per_epoch") for record in cells.values())
    fig = style.page(style.PAGE_IN, 2.5, note, synthetic)
    axes = fig.subplots(1, 2, width_ratios=[6, 1]) if timed else [fig.subplots()]
    names = [split for split in TABLE2_COLUMNS if any(split == key[1] for key in cells)]
    losses = [loss for loss in style.LOSSES if any(loss == key[0] for key in cells)]
    for (loss, split), record in cells.items():
        offset = (losses.index(loss) - (len(losses) - 1) / 2) * 0.27
        _table2_cell(axes[0], names.index(split) + offset, record, (paper or {}).get((loss, split)))
    sizes = [next(cells[loss, split]["n"] for loss in losses) for split in names]
    labels = [f"{TABLE2_COLUMNS[name]}\nn = {n}" for name, n in zip(names, sizes)]
    axes[0].set_xticks(range(len(names)), labels)
    axes[0].set(xlim=(-0.5, len(names) - 0.5), ylabel="median error [m]")
    axes[0].set_ylim(0, 1.08 * axes[0].get_ylim()[1])
    axes[0].grid(axis="y")
    axes[0].tick_params(axis="x", length=0)
    _table2_legend(axes[0], losses, bool(paper))
    if timed:
        _seconds(axes[1], cells, losses)
    return fig


def _table2_cells(records: Sequence[Mapping]) -> dict[tuple[str, str], Mapping]:
    """Return (loss, split) -> record of the set that Table II reports."""
    cells = {}
    for row, record in enumerate(records):
        style.need(record, ("loss", "split", "set", "median_m", "ci95_m", "n"), f"table2, record {row}")
        loss, split = record["loss"], record["split"]
        if split not in TABLE2_COLUMNS or record["set"] != splits.report_set(split):
            continue
        style.known_losses([loss], f"table2, record {row}")
        if (loss, split) in cells:
            raise InputError(f"table2, record {row}: {loss} on {split} is given twice; keep one")
        cells[loss, split] = record
    for split in {split for _, split in cells}:
        style.need([loss for loss, other in cells if other == split], {loss for loss, _ in cells},
                   f"table2, losses on {split}")
    if not cells:
        raise InputError(f"table2: no record of {', '.join(TABLE2_COLUMNS)} on the set that Table II reports")
    return cells


def _table2_cell(ax: Axes, x: float, record: Mapping, printed: float | None) -> None:
    loss, (low, high) = record["loss"], record["ci95_m"]
    colour, marker = style.LOSS_COLOUR[loss], style.LOSS_MARKER[loss]
    ax.plot([x, x], [low, high], color=colour, lw=1.6, alpha=0.6, solid_capstyle="butt")
    ax.plot(x, record["median_m"], marker=marker, color=colour, ms=5)
    ax.annotate(f"{record['median_m']:.0f}", (x - 0.02, high), (0, 4), textcoords="offset points",
                ha="center", fontsize=6, color=style.darker(colour))
    if printed is not None:
        ax.plot(x + 0.11, printed, marker=marker, mfc="white", mec=colour, mew=1, ms=4.5, ls="")


def _table2_legend(ax: Axes, losses: Sequence[str], printed: bool) -> None:
    handles = [Line2D([], [], ls="", marker=style.LOSS_MARKER[loss], ms=5, color=style.LOSS_COLOUR[loss])
               for loss in losses]
    labels = [style.LOSSES[loss] for loss in losses]
    handles.append(Line2D([], [], color=style.GREY, lw=1.6, marker="o", ms=4))
    labels.append("ours, 95 % interval")
    if printed:
        handles.append(Line2D([], [], ls="", marker="o", mfc="white", mec=style.GREY, ms=4.5))
        labels.append("the paper's printed value")
    ax.legend(handles, labels, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=len(labels),
              columnspacing=1.6, handletextpad=0.6)


def _seconds(ax: Axes, cells: Mapping, losses: Sequence[str]) -> None:
    for row, loss in enumerate(losses):
        seconds = np.median([record["seconds_per_epoch"] for key, record in cells.items() if key[0] == loss])
        ax.bar(row, seconds, width=0.6, color=style.LOSS_COLOUR[loss])
        ax.annotate(f"{seconds:.3g}", (row, seconds), (0, 2), textcoords="offset points", ha="center",
                    fontsize=6)
    ax.set_xticks(range(len(losses)), [style.LOSSES[loss] for loss in losses])
    ax.set_title("seconds per epoch", fontsize=6.5, fontweight="normal")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="x", length=0)


@style.styled
def speed(ratios: Sequence[Mapping], note: str) -> Figure:
    """Draw the benchmarks' speed ratios beside their goals, a panel for each goal of `SPEED_GOALS`.

    Input: records with name, ratio (dimensionless) and against: "com", an EMD step relative to a CoM step,
    at most 1.05 (paper: 5.5); "pot", POT's loop relative to the presorted sliced EMD, at least 40.

    Errors: InputError for no records, a missing key, another `against` or a ratio not above 0.
    Example
    -------
    >>> speed([{"name": "GPU", "ratio": 1.01, "against": "com"}], "paper profile")   # doctest: +SKIP
    """
    for row, record in enumerate(ratios):
        style.need(record, ("name", "ratio", "against"), f"speed, record {row}")
        style.need(SPEED_GOALS, [record["against"]], f"speed, record {row}, against")
        if not record["ratio"] > 0:
            raise InputError(f"speed, record {row}: expected a ratio above 0, found {record['ratio']}")
    groups = {key: [r for r in ratios if r["against"] == key] for key in SPEED_GOALS}
    groups = {key: group for key, group in groups.items() if group}
    if not groups:
        raise InputError("speed: no records; expected at least one ratio")
    heights = [len(group) + 1.2 for group in groups.values()]
    fig = style.page(style.COLUMN_IN, 0.42 * len(groups) + 0.19 * sum(heights), note)
    axes = fig.subplots(len(groups), 1, squeeze=False, height_ratios=heights).ravel()
    for ax, (key, group) in zip(axes, groups.items()):
        _speed_panel(ax, group, *SPEED_GOALS[key])
    return fig


def _speed_panel(ax: Axes, group: Sequence[Mapping], title: str, direction: str, goal: float,
                 printed: float | None) -> None:
    values = [record["ratio"] for record in group]
    right = 1.15 * max(*values, goal, printed or 0)
    good = (0, goal) if direction == "at most" else (goal, right)
    ax.axvspan(*good, color="#E3F1EA", lw=0)
    ax.axvline(goal, color=style.GREY, lw=0.9)
    ax.text(goal, -0.75, f" goal: {direction} {goal:g} ", fontsize=6, color=style.GREY, va="center",
            ha="left" if goal < 0.6 * right else "right")
    if printed is not None:
        ax.axvline(printed, color=style.GREY, lw=0.9, ls=(0, (3, 2)))
        ax.text(printed, -0.75, f"paper {printed:g} ", fontsize=6, color=style.GREY, ha="right", va="center")
    for row, value in enumerate(values):
        colour = style.LOSS_COLOUR["emd"]
        met = good[0] <= value <= good[1]
        ax.plot(value, row, "o", color=colour, mfc=colour if met else "white")
        ax.annotate(f"{value:.3g}", (value, row), (5, 0), textcoords="offset points", va="center",
                    fontsize=6.5)
    ax.set_yticks(range(len(group)), [record["name"] for record in group])
    ax.set(xlim=(0, right), ylim=(len(group) - 0.5, -1.2), title=title)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
