"""The three losses: Table II beside the paper's values, Figure 5 (errors during training), distributions of errors."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rsslib.data import splits
from rsslib.reports import drawing, style

_SETS = {"train": "Train", "val": "Validation", "ood": "OOD test"}


@style.styled
def table2(records: Sequence[Mapping], paper: Mapping | None, note: str, synthetic: bool = False,
           seconds: Sequence[Mapping] = ()) -> Figure:
    """Draw the median error of each loss in each data separation, beside the paper's (Table II of paper 1).

    Input: records of `loss_comparison.table2`, of which only the set that Table II reports for a split is drawn. paper:
    (loss, split) -> printed error [m], open markers, which are not drawn beside synthetic data. seconds: what
    `loss_comparison.seconds_per_epoch` returns; a narrow panel shows the medians over the splits.

    >>> table2(records, {("emd", "grid2"): 277.5}, "quick profile")   # doctest: +SKIP
    """
    records = [record for record in records if record["set"] == splits.report_set(record["split"])]
    cells, printed = drawing.cells(records, "split", "loss"), {} if synthetic else paper or {}
    names = drawing.known(style.SEPARATIONS, records, "split")
    losses = drawing.known(style.LOOKS, records, "loss")
    fig = style.page(style.PAGE_IN, 2.5, note, synthetic)
    axes = fig.subplots(1, 2, width_ratios=[6, 1]) if seconds else [fig.subplots()]
    for (split, loss), record in cells.items():
        x = names.index(split) + 0.27 * (losses.index(loss) - (len(losses) - 1) / 2)
        drawing.dot(axes[0], x, drawing.with_ends(record, "median_m"), style.LOOKS[loss], f"{record['median_m']:.0f}",
                    printed.get((loss, split)))
    drawing.categories(axes[0], [f"{style.SEPARATIONS[name]}\nn = {cells[name, losses[0]]['n']}" for name in names])
    axes[0].set(ylim=(0, 1.08 * axes[0].get_ylim()[1]), ylabel="median error [m]")
    handles = drawing.handles(losses, ms=5) + drawing.ours_and_printed(bool(printed))
    drawing.legend_over(axes[0], handles, len(handles))
    if seconds:
        _seconds(axes[1], pd.DataFrame(seconds).groupby("loss", sort=False).value.median())
    return fig


def _seconds(ax: Axes, seconds: pd.Series) -> None:
    looks = [style.LOOKS[loss] for loss in seconds.index]
    bars = ax.bar(range(len(looks)), seconds, width=0.6, color=[look.colour for look in looks])
    ax.bar_label(bars, fmt="%.3g", padding=2, fontsize=6)
    drawing.categories(ax, [look.label for look in looks])
    drawing.subtitle(ax, "seconds per epoch", "left")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


@style.styled
def training_curves(histories: Mapping[str, Sequence[Mapping]], note: str, synthetic: bool = False) -> Figure:
    """Draw one network's median error during training, set by set (Figure 5 of paper 1).

    Input: loss -> records with epoch and {set}_single_median_m [m] of the sets train, val and ood. Of long histories
    the running median is drawn over the faint curve.

    >>> training_curves({"com": records, "emd": others}, "grid2, quick profile")   # doctest: +SKIP
    """
    fig, axes = drawing.row(_SETS.values(), 2.1, note, synthetic, "median error of one network [m]")
    ends = [{loss: _curve(ax, loss, pd.DataFrame(history).set_index("epoch")[f"{name}_single_median_m"])
             for loss, history in histories.items()} for ax, name in zip(axes[0], _SETS)]
    low, high = axes[0, 0].get_ylim()
    drawing.log_metres(axes[0, 0].yaxis, (1, 3) if high > 10 * low else drawing.FINER)
    for ax, end in zip(axes[0], ends):
        ax.set(xlabel="epoch")
        ax.grid(axis="y")
        heights = np.log([error / low for _, error in end.values()]) / np.log(high / low)
        for (loss, (epoch, error)), height in zip(end.items(), drawing.spread(heights, 0.085)):
            drawing.bold(ax, f"{style.LOOKS[loss].label} {error:.0f} m", (epoch, height), (4, 0),
                         style.LOOKS[loss].colour, va="center", xycoords=ax.get_xaxis_transform())
    return fig


def _curve(ax: Axes, loss: str, error: pd.Series) -> tuple[float, float]:
    """Draw one curve, errors [m] by epoch; return its end, epoch and error."""
    window, colour = len(error) // 30, style.LOOKS[loss].colour
    if window >= 2:
        ax.plot(error, color=colour, lw=0.5, alpha=0.35)
        error = error.rolling(2 * window + 1, center=True, min_periods=1).median()
    ax.plot(error, color=colour)
    ax.set_yscale("log")
    return error.index[-1], error.iloc[-1]


@style.styled
def error_cdf(errors_by_split: Mapping[str, Mapping[str, np.ndarray]], note: str, synthetic: bool = False) -> Figure:
    """Draw the share of samples whose error is at most so many metres (behind Table II of paper 1).

    Input: title -> loss -> errors, (n,) [m], a panel for each title; errors below 1 m are drawn there.

    >>> error_cdf({"Grid2": {"com": a, "emd": b}}, "n = 1084, quick profile")   # doctest: +SKIP
    """
    import seaborn as sns  # here, not above: it takes a second that the other figures do without

    fig, axes = drawing.row(errors_by_split, 2.0, note, synthetic, sharex="all")
    for ax, by_loss in zip(axes[0], errors_by_split.values()):
        for line, (loss, errors) in enumerate(by_loss.items()):
            look, median = style.LOOKS[loss], np.median(errors)
            sns.ecdfplot(x=np.maximum(errors, 1.0), ax=ax, color=look.colour)
            ax.plot(median, 0.5, look.marker, color=look.colour, ms=4, mec="white", mew=0.5)
            drawing.bold(ax, f"{look.label} {median:.0f} m", (0.04, 0.9 - 0.09 * line), (0, 0), look.colour,
                         xycoords="axes fraction")
        ax.set(xscale="log", ylim=(0, 1), xlabel="error [m]", ylabel="")
        ax.grid()
        drawing.log_metres(ax.xaxis, (1, 3) if len(axes[0]) < 3 else (1,))
    axes[0, 0].set_ylabel("share of samples")
    return fig
