"""The three losses: Table II beside the paper's values, paired differences, Figure 5 (errors during training)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from rsslib.ledger.wording import fixed, number
from rsslib.project import InputError
from rsslib.reports import drawing, maps, style, tables
from rsslib.reports.confidence_paper.findings import losses as findings
from rsslib.reports.confidence_paper.loss_comparison import judged
from rsslib.reports.findings import Records, usable

_SETS = {"train": "Train", "val": "Validation", "ood": "OOD test"}
_TOGETHER = style.Look("undecided", style.GREY, "o")


@style.styled
def table2(records: Records, pairs: Records, paper: Mapping | None, note: str, synthetic: bool = False,
           seconds: Records = (), paper_seconds: Mapping | None = None, width: float = style.PAGE_IN) -> style.Page:
    """Draw the median error of each loss in each data separation, beside the paper's (Table II of paper 1).

    Input: records of `loss_comparison.table2`, of which only the set that Table II reports for a split is drawn, and of
    `loss_comparison.pairs`. paper: (loss, split) -> printed error [m], open markers, which are not drawn beside
    synthetic data. seconds: what `loss_comparison.seconds_per_epoch` returns; a narrow panel shows those of Random, but
    for the sliced EMD, which benchmarks/ times, beside paper_seconds, (loss, split) -> s.
    """
    records, printed = judged(records), {} if synthetic else paper or {}
    usable(records, "table2: records of the sets that Table II reports")
    times = {record["loss"]: record["value"] for record in seconds
             if record["split"] == "random" and record["loss"] != "sliced"}
    splits = [*style.SEPARATIONS, *(record["split"] for record in records)]    # the paper's first
    names, losses = drawing.known(dict.fromkeys(splits), records, "split"), drawing.known(style.LOOKS, records, "loss")
    rows = _rows(names, 6 if width == style.PAGE_IN else 3, bool(times))
    fig = style.page(width, 2.5 if len(rows) == 1 else 1.85 * len(rows) + 0.2, note,
                     findings.table2(records, pairs, times), synthetic)
    columns = max(map(len, rows))
    grid = fig.add_gridspec(len(rows), columns)
    for place, row in enumerate(rows):
        shown = [name for name in row if name]
        if shown:
            _medians(fig.add_subplot(grid[place, :len(shown)]), records, shown, losses, printed)
    if times:
        _seconds(fig.add_subplot(grid[-1, -1]), times, {} if synthetic else paper_seconds or {})
    drawing.legend_above(fig, drawing.handles(losses, ms=5) + drawing.ours_and_printed(bool(printed)),
                         5 if width == style.PAGE_IN else 3)
    return fig


def _rows(names: Sequence[str], most: int, one_more: bool) -> list[list[str]]:
    """Return names in rows of `most`, with an empty name at the end if there is one panel more.

    >>> _rows(["a", "b", "c", "d", "e"], 3, True)
    [['a', 'b', 'c'], ['d', 'e', '']]
    """
    most += one_more and most == 6    # a page has room for six separations and the seconds
    filled = [*names, *[""] * one_more]
    rows = [filled[start:start + most] for start in range(0, len(filled), most)]
    if rows[-1] == [""]:
        rows[-1] = [""] * most
    return rows


def _medians(ax: Axes, records: Records, names: Sequence[str], losses: Sequence[str], printed: Mapping) -> None:
    cells, sizes = drawing.cells(records, "split", "loss"), {record["split"]: record["n"] for record in records}
    for (split, loss), record in cells.items():
        if split in names:
            x = names.index(split) + 0.27 * (losses.index(loss) - (len(losses) - 1) / 2)
            drawing.dot(ax, x, drawing.with_ends(record, "median_m"), style.LOOKS[loss], f"{record['median_m']:.0f}",
                        printed.get((loss, split)))
    drawing.categories(ax, [f"{tables.name(name)}\nn = {sizes[name]}" for name in names])
    ax.set(ylim=(0, 1.1 * ax.get_ylim()[1]), ylabel="median error [m]")


def _seconds(ax: Axes, seconds: Mapping[str, float], printed: Mapping) -> None:
    """Draw seconds per epoch on Random on a logarithmic scale, the printed ones open."""
    for place, (loss, value) in enumerate(seconds.items()):
        said, look = printed.get((loss, "random")), style.LOOKS[loss]
        ours = place - 0.12 * (said is not None)
        drawing.dot(ax, ours, (value,) * 3, look, "", said, aside=0.3)
        texts = [(ours, value, fixed(value, 2)), *([] if said is None else [(ours + 0.3, said, number(said))])]
        for x, height, text in texts:
            ax.annotate(text, (x, height), (0, 6.5), textcoords="offset points", ha="center", fontsize=6,
                        color=style.darker(look.colour))
    drawing.categories(ax, [style.LOOKS[loss].label for loss in seconds])
    ax.set_xlim(-0.7, len(seconds) - 0.4)
    values = [*seconds.values(), *(printed.get((loss, "random"), 1) for loss in seconds)]
    ax.set(yscale="log", ylim=(min(values) / 2, 2.2 * max(values)))
    drawing.log_axis(ax.yaxis, (1,))
    drawing.subtitle(ax, "seconds per\nepoch, Random", "left")


@style.styled
def differences(pairs: Records, paper: Mapping | None, note: str, synthetic: bool = False,
                width: float = style.PAGE_IN) -> style.Page:
    """Draw EMD's median error minus that of CoM and of PSE on the same samples, with intervals (behind Table II).

    Input: records of `loss_comparison.pairs`; paper: (loss, split) -> printed error [m], whose differences are open
    markers, not drawn beside synthetic data. A difference whose interval includes 0 is grey, another one has the look
    of the loss that is better. Errors: InputError for no pair with EMD.
    """
    compared = {other: shown for other in findings.OTHERS if (shown := findings.against(pairs, other))}
    if not compared:
        raise InputError("differences: EMD is compared with no other loss; expected records of `loss_comparison.pairs`")
    printed, wide = {} if synthetic else paper or {}, width == style.PAGE_IN
    fig = style.page(width, 2.1 if wide else 1.95 * len(compared), note, findings.differences(pairs), synthetic)
    axes = drawing.panels(fig, len(compared), wide, sharey=True)
    for ax, (other, shown) in zip(axes, compared.items()):
        ax.axhline(0, color=style.GREY, lw=0.8, zorder=1)
        for place, pair in enumerate(shown):
            look, said = _nearer(pair), findings.difference(printed, other, pair["split"])
            drawing.dot(ax, place, drawing.with_ends(pair, "median_m"), look)
            text = fixed(pair["median_m"], findings.shown(pair)[0], sign=True)
            ax.annotate(text, (place, pair["median_m"]), (-6, 0), textcoords="offset points", fontsize=6, ha="right",
                        va="center_baseline", color=style.darker(look.colour), path_effects=maps.HALO)
            if said is not None:
                ax.plot(place + 0.2, said, **drawing.PRINTED)
        drawing.categories(ax, [f"{tables.name(pair['split'])}\nn = {pair['n']}" for pair in shown])
        ax.set_title(f"EMD minus {style.LOOKS[other].label}")
        drawing.subtitle(ax, "below zero: EMD is better")
    for ax in axes if not wide else axes[:1]:
        ax.set_ylabel("difference of medians [m]")
    drawn = {_nearer(pair) for shown in compared.values() for pair in shown}
    handles = [Line2D([], [], ls="-", lw=1.6, marker=look.marker, ms=4.5, color=look.colour,
                      label=look.label + ("" if look is _TOGETHER else " better, settled"))
               for look in (*style.LOOKS.values(), _TOGETHER) if look in drawn]
    handles += [Line2D([], [], label="the paper's printed difference", **drawing.PRINTED)] * bool(printed)
    drawing.legend_above(fig, handles, 5 if wide else 2)
    return fig


def _nearer(pair: Mapping) -> style.Look:
    """Return the look of the loss that is nearer, or a grey one where that is not settled."""
    nearer = findings.better(pair)
    return style.LOOKS[nearer] if nearer else _TOGETHER


@style.styled
def training_curves(histories: Mapping[str, Records], note: str, synthetic: bool = False,
                    width: float = style.PAGE_IN) -> style.Page:
    """Draw one network's median error during training, set by set (Figure 5 of paper 1).

    Input: two losses -> records with epoch and {set}_single_median_m [m] of the sets train, val and ood. Of long
    histories the running median is drawn over the faint curve.
    """
    wide = width == style.PAGE_IN
    fig = style.page(width, 2.1 if wide else 4.6, note, findings.curves(histories), synthetic)
    axes = drawing.panels(fig, 3, wide, sharex=True, sharey=True)
    ends = [{loss: _curve(ax, loss, pd.DataFrame(history).set_index("epoch")[f"{name}_single_median_m"])
             for loss, history in histories.items()} for ax, name in zip(axes, _SETS)]
    low, high = axes[0].get_ylim()
    drawing.log_axis(axes[0].yaxis, (1, 3) if high > 10 * low else drawing.FINER)
    for ax, end, title in zip(axes, ends, _SETS.values()):
        ax.set_title(title)
        ax.grid(axis="y")
        heights = np.log([drawn / low for _, drawn, _ in end.values()]) / np.log(high / low)
        for (loss, (epoch, _, error)), height in zip(end.items(), drawing.spread(heights, 0.085 if wide else 0.13)):
            drawing.bold(ax, f"{style.LOOKS[loss].label} {error:.0f} m", (epoch, height), (6, 0),
                         style.LOOKS[loss].colour, va="center", xycoords=ax.get_xaxis_transform())
    for ax in axes if wide else axes[-1:]:
        ax.set_xlabel("epoch")
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes[0 if wide else 1].set_ylabel("median error of one network [m]")
    return fig


@style.styled
def fit_and_transfer(fits: Mapping[tuple[str, str], np.ndarray], note: str, synthetic: bool = False,
                     width: float = style.PAGE_IN) -> style.Page:
    """Draw the error out of distribution against that in distribution, a dot for each validated epoch of one network.

    Input: what `loss_comparison.fits` returns; a panel for each split. The larger mark is the last epoch.
    Errors: InputError for no path.
    """
    names, wide = list(dict.fromkeys(split for split, _ in fits)), width == style.PAGE_IN
    fig = style.page(width, 2.5 if wide else 2.4 * len(names), note, findings.fit_and_transfer(fits), synthetic)
    axes = drawing.panels(fig, len(names), wide)
    for ax, name in zip(axes, names):
        for (split, loss), path in fits.items():
            if split == name:
                look = style.LOOKS[loss]
                ax.plot(*path[:-1].T, ls="", color=look.colour, marker=look.marker, ms=2.5, mew=0, alpha=0.7)
                ax.plot(*path[-1], ls="", color=look.colour, marker=look.marker, ms=7, mec="white", mew=0.7)
        ax.set(xscale="log", yscale="log")
        drawing.log_axis(ax.xaxis, (1, 3))
        drawing.log_axis(ax.yaxis, drawing.FINER)
        ax.set_title(tables.name(name))
    drawing.label_below(axes if wide else axes[-1:], "median error in distribution (validation) [m]")
    for ax in axes[:1] if wide else axes:
        ax.set_ylabel("out of distribution [m]")
    drawing.legend_above(fig, drawing.handles(drawing.known(style.LOOKS, [{"loss": loss} for _, loss in fits], "loss"),
                                              ms=5), 5 if wide else 3)
    return fig


def _curve(ax: Axes, loss: str, error: pd.Series) -> tuple[float, float, float]:
    """Draw one curve, errors [m] by epoch; return its end: epoch, error as drawn, error."""
    window, look, last = len(error) // 30, style.LOOKS[loss], error.iloc[-1]
    if window >= 2:
        ax.plot(error, color=look.colour, lw=0.5, alpha=0.35)
        error = error.rolling(2 * window + 1, center=True, min_periods=1).median()
    ax.plot(error, color=look.colour, marker=look.marker, ms=4.5, mec="white", mew=0.5, clip_on=False,
            markevery=[len(error) - 1])
    ax.set_yscale("log")
    return error.index[-1], error.iloc[-1], last
