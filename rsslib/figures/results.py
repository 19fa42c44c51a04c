"""Figures of numbers: Figure 5 (training curves), Table II as dots, error distributions, speed ratios."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from rsslib import splits
from rsslib.figures import style
from rsslib.project import InputError

TABLE2_COLUMNS = {"random": "Random", "july": "July→Nov", "november": "Nov→July", "grid2": "Grid2", "grid5": "Grid5"}
SPEED_GOALS = {"com": ("training step: EMD / CoM", "at most", 1.05, 5.5),
               "pot": ("sliced EMD: POT's loop / sorted once", "at least", 40.0, None)}
"""What a ratio is against: title, direction and value of the goal, the paper's own ratio."""

_METRES = (1, 3, 10, 30, 100, 300, 1000, 3000)


def _log_metres(axis) -> None:
    axis.set_major_locator(FixedLocator(_METRES))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))


@style.styled
def training_curves(histories: Mapping[str, Sequence[Mapping]], note: str, synthetic: bool = False,
                    sets: Sequence[str] = ("train", "val", "ood")) -> Figure:
    """Draw one network's median error during training, a panel for each set (Figure 5 of paper 1).

    Input: histories, loss -> records with epoch and {set}_single_median_m [m]; sets, the panels. Of long
    histories the running median is drawn over the faint curve.

    Errors: InputError for an unknown loss, an empty history or a record without its keys.
    Example
    -------
    >>> training_curves({"com": records, "emd": others}, "grid2, quick profile")   # doctest: +SKIP
    """
    _known_losses(histories, "training_curves")
    fig = style.page(style.PAGE_IN, 2.35, note, synthetic)
    axes = np.atleast_1d(fig.subplots(1, len(sets), sharey=True))
    for ax in axes:
        ax.set_yscale("log")
        ax.grid(axis="y")
        ax.set_xlabel("epoch")
    ends = [{loss: _curve(ax, loss, records, name) for loss, records in histories.items()}
            for ax, name in zip(axes, sets)]
    for ax, name, end in zip(axes, sets, ends):
        _log_metres(ax.yaxis)
        ax.set_title(style.SETS.get(name, name).capitalize() if name != "ood" else "OOD test")
        _end_labels(ax, end)
    axes[0].set_ylabel("median error of one network [m]")
    return fig


def _known_losses(found: Mapping, what: str) -> None:
    unknown = [key for key in found if key not in style.LOSSES]
    if unknown or not found:
        raise InputError(f"{what}: expected losses among {', '.join(style.LOSSES)}, found {unknown or 'none'}")


def _curve(ax: Axes, loss: str, records: Sequence[Mapping], name: str) -> tuple[float, float]:
    """Draw one curve; return its end, epoch and error [m]."""
    key = f"{name}_single_median_m"
    if not records:
        raise InputError(f"training_curves, {loss}: the history is empty; expected a record for each epoch")
    for row, record in enumerate(records):
        style.need(record, ("epoch", key), f"training_curves, {loss}, record {row}")
    epoch = np.array([record["epoch"] for record in records])
    error = np.array([record[key] for record in records], dtype=float)
    window = len(error) // 30
    colour = style.LOSS_COLOUR[loss]
    if window >= 2:
        ax.plot(epoch, error, color=colour, lw=0.5, alpha=0.35)
        error = np.array([np.median(error[max(0, i - window): i + window + 1]) for i in range(len(error))])
    ax.plot(epoch, error, color=colour)
    return epoch[-1], error[-1]


def _end_labels(ax: Axes, ends: Mapping[str, tuple[float, float]]) -> None:
    """Name each curve at its end, pushed apart where they would overlap."""
    low, high = np.log(ax.get_ylim())
    least, height = 0.085, -1.0
    for loss, (epoch, error) in sorted(ends.items(), key=lambda item: item[1][1]):
        height = max((np.log(error) - low) / (high - low), height + least)
        ax.annotate(f"{style.LOSSES[loss]} {error:.0f} m", (epoch, height), (4, 0), va="center",
                    xycoords=ax.get_xaxis_transform(), textcoords="offset points", fontsize=6.5,
                    fontweight="bold", color=style.darker(style.LOSS_COLOUR[loss]), annotation_clip=False)


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
    fig = style.page(style.PAGE_IN, 2.7, note, synthetic)
    axes = fig.subplots(1, 2, width_ratios=[6, 1]) if timed else [fig.subplots()]
    names = [split for split in TABLE2_COLUMNS if any(split == key[1] for key in cells)]
    losses = [loss for loss in style.LOSSES if any(loss == key[0] for key in cells)]
    for (loss, split), record in cells.items():
        offset = (losses.index(loss) - (len(losses) - 1) / 2) * 0.25
        _table2_cell(axes[0], names.index(split) + offset, record, (paper or {}).get((loss, split)))
    sizes = [next(cells[loss, split]["n"] for loss in losses) for split in names]
    axes[0].set_xticks(range(len(names)), [f"{TABLE2_COLUMNS[name]}\nn = {n}" for name, n in zip(names, sizes)])
    axes[0].set(xlim=(-0.5, len(names) - 0.5), ylabel="median error [m]")
    axes[0].set_ylim(0, axes[0].get_ylim()[1])
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
        _known_losses({loss: record}, f"table2, record {row}")
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
    ax.annotate(f"{record['median_m']:.0f}", (x, high), (0, 2), textcoords="offset points", ha="center",
                fontsize=6, color=style.darker(colour))
    if printed is not None:
        ax.plot(x + 0.08, printed, marker=marker, mfc="white", mec=colour, mew=1, ms=4.5, ls="")


def _table2_legend(ax: Axes, losses: Sequence[str], printed: bool) -> None:
    handles = [Line2D([], [], ls="", marker=style.LOSS_MARKER[loss], ms=5, color=style.LOSS_COLOUR[loss])
               for loss in losses]
    labels = [style.LOSSES[loss] for loss in losses]
    handles.append(Line2D([], [], color=style.GREY, lw=1.6, marker="o", ms=4))
    labels.append("ours, 95 % interval")
    if printed:
        handles.append(Line2D([], [], ls="", marker="o", mfc="white", mec=style.GREY, ms=4.5))
        labels.append("the paper's printed value")
    ax.legend(handles, labels, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=len(labels), columnspacing=1.4)


def _seconds(ax: Axes, cells: Mapping, losses: Sequence[str]) -> None:
    for row, loss in enumerate(losses):
        seconds = np.median([record["seconds_per_epoch"] for key, record in cells.items() if key[0] == loss])
        ax.bar(row, seconds, width=0.6, color=style.LOSS_COLOUR[loss])
        ax.annotate(f"{seconds:.3g}", (row, seconds), (0, 2), textcoords="offset points", ha="center", fontsize=6)
    ax.set_xticks(range(len(losses)), [style.LOSSES[loss] for loss in losses])
    ax.set_title("s per epoch", fontsize=6.5, fontweight="normal")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="x", length=0)


@style.styled
def error_cdf(errors_by_loss: Mapping, note: str, synthetic: bool = False) -> Figure:
    """Draw the share of samples whose error is at most so many metres, a curve for each loss.

    Input: loss -> errors [m]; or title -> (loss -> errors), a panel for each title.

    Errors: InputError for an unknown loss, no errors, or errors that are negative or not finite.
    Example
    -------
    >>> error_cdf({"com": a, "emd": b}, "Grid2, n = 1084, quick profile")   # doctest: +SKIP
    """
    several = bool(errors_by_loss) and all(isinstance(value, Mapping) for value in errors_by_loss.values())
    panels = errors_by_loss if several else {"": errors_by_loss}
    for title, curves in panels.items():
        _known_losses(curves, f"error_cdf {title}".rstrip())
    columns = min(len(panels), 5)
    rows = -(-len(panels) // columns)
    fig = style.page(style.PAGE_IN if columns > 2 else style.COLUMN_IN, 0.3 + 1.9 * rows, note, synthetic)
    axes = fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for ax in axes.ravel()[len(panels):]:
        ax.set_axis_off()
    for ax, (title, curves) in zip(axes.ravel(), panels.items()):
        _cdf(ax, title, curves)
    for ax in axes[:, 0]:
        ax.set_ylabel("share of samples")
    return fig
