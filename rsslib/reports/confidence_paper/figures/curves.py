"""Curves: Figure 5, the error during training; the distribution of the errors of each loss."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from rsslib.project import InputError
from rsslib.reports import style

METRES = (1, 3, 10, 30, 100, 300, 1000, 3000)
FINER = tuple(step * power for power in (1, 10, 100, 1000) for step in (1, 1.5, 2, 3, 5, 7))


def log_metres(axis, marks: Sequence[float] = METRES) -> None:
    """Mark a logarithmic axis in plain metres."""
    axis.set_major_locator(FixedLocator(marks))
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
    style.known_losses(histories, "training_curves")
    fig = style.page(style.PAGE_IN, 2.1, note, synthetic)
    axes = np.atleast_1d(fig.subplots(1, len(sets), sharey=True))
    for ax in axes:
        ax.set_yscale("log")
        ax.grid(axis="y")
        ax.set_xlabel("epoch")
    ends = [{loss: _curve(ax, loss, records, name) for loss, records in histories.items()}
            for ax, name in zip(axes, sets)]
    for ax, name, end in zip(axes, sets, ends):
        low, high = ax.get_ylim()
        log_metres(ax.yaxis, METRES if high > 10 * low else FINER)
        ax.set_title(style.SETS.get(name, name).capitalize() if name != "ood" else "OOD test")
        _end_labels(ax, end)
    axes[0].set_ylabel("median error of one network [m]")
    return fig


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
        style.known_losses(curves, f"error_cdf {title}".rstrip())
    columns = min(len(panels), 5)
    rows = -(-len(panels) // columns)
    fig = style.page(style.PAGE_IN if columns > 2 else style.COLUMN_IN, 2.0 * rows, note, synthetic)
    axes = fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for ax in axes.ravel()[len(panels):]:
        ax.set_axis_off()
    for ax, (title, curves) in zip(axes.ravel(), panels.items()):
        _cdf(ax, title, curves)
        log_metres(ax.xaxis, METRES if columns < 3 else METRES[::2])
    for ax in axes[:, 0]:
        ax.set_ylabel("share of samples")
    return fig


def _cdf(ax: Axes, title: str, curves: Mapping[str, np.ndarray]) -> None:
    import seaborn as sns  # here, not above: it takes a second that the other figures do without

    ax.grid()
    for line, (loss, errors) in enumerate(curves.items()):
        errors = np.asarray(errors, dtype=float).ravel()
        if not len(errors) or not (np.isfinite(errors).all() and errors.min() >= 0):
            raise InputError(f"error_cdf, {title} {loss}: expected one or more errors [m], "
                             "finite and not negative")
        median, colour = np.median(errors), style.LOSS_COLOUR[loss]
        sns.ecdfplot(x=np.maximum(errors, METRES[0]), ax=ax, color=colour)
        ax.plot(median, 0.5, style.LOSS_MARKER[loss], color=colour, ms=4, mec="white", mew=0.5)
        ax.text(0.04, 0.9 - 0.09 * line, f"{style.LOSSES[loss]} {median:.0f} m",
                transform=ax.transAxes, fontsize=6.5, fontweight="bold",
                color=style.darker(colour))
    ax.set(xscale="log", ylim=(0, 1), xlabel="error [m]", ylabel="", title=title)
