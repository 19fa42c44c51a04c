"""Scores of several emitters: Table I of paper 2, the sweep of sensors, right counts, other cities, real pairs."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rsslib.emitters.networks import METHODS
from rsslib.reports import drawing, style
from rsslib.reports.emitters_paper.tables import environment_label

METRICS = {"cmr": ("Count matched (CMR)", "% of the samples", "higher is better"),
           "rmse_fraction": ("RMSE, where matched", "% of the side", "lower is better"),
           "fa": ("False alarms (FA)", "% of the true emitters", "lower is better"),
           "mr": ("Misses (MR)", "% of the true emitters", "lower is better")}
"""Title, unit and direction of each metric."""


def dots(ax: Axes, records: Sequence[Mapping], by: str, labels: Mapping, methods: Sequence[str], field: str,
         scale: float = 100, digits: int = 0, printed: Mapping | None = None, apart: float = 0.31) -> None:
    """Draw a field of each record, times `scale`, with its interval: the methods `apart` at each value of `by`.

    labels: value of `by` -> its label; printed: (value of `by`, method, field) -> the paper's value, drawn open.
    """
    for (value, method), record in drawing.cells(records, by, "method").items():
        # the printed values need room at the right
        x = list(labels).index(value) + apart * (methods.index(method) - (len(methods) - 1) / 2) - 0.04 * bool(printed)
        paper = (printed or {}).get((value, method, field))
        drawing.dot(ax, x, drawing.with_ends(record, field, scale), style.LOOKS[method],
                    f"{scale * record[field]:.{digits}f}", paper and scale * paper, aside=0.135)
    drawing.categories(ax, list(labels.values()))


def _furnish(ax: Axes, metric: str) -> None:
    """Give a panel the title, direction and unit of its metric."""
    title, unit, direction = METRICS[metric]
    ax.set_title(title)
    ax.set_title(direction, loc="right", fontsize=6, fontweight="normal", color=style.GREY)
    ax.set_ylabel(unit)


def _environments(records: Sequence[Mapping]) -> dict[str, str]:
    """Return the label of each environment of the records."""
    return {record["environment"]: environment_label(record["environment"]) for record in records}


@style.styled
def emitter_table(records: Sequence[Mapping], paper: Mapping | None, note: str,
                  synthetic: bool | str = False) -> Figure:
    """Draw Table I of paper 2: how each method counts and locates several emitters, beside the paper's values.

    Input: a record for each environment and method with cmr, fa, mr, rmse_fraction (of the map's side), fractions, each
    with its ci95_<name> (low, high); paper: (environment, method, metric) -> printed value, a fraction, or None; open
    markers.

    >>> emitter_table(records, {("sydney", "single_stage", "cmr"): 0.6401}, "quick profile")   # doctest: +SKIP
    """
    methods, paper = drawing.known(METHODS, records, "method"), None if synthetic else paper
    fig = style.page(style.PAGE_IN, 3.9, note, synthetic)
    for ax, metric in zip(fig.subplots(2, 2).ravel(), METRICS):
        dots(ax, records, "environment", _environments(records), methods, metric, digits=1, printed=paper)
        _furnish(ax, metric)
        ax.margins(y=0.16)
    handles = drawing.handles(methods) + drawing.ours_and_printed(bool(paper))
    drawing.legend_above(fig, handles, len(handles))
    return fig


@style.styled
def emitter_sweep(records: Sequence[Mapping], note: str, synthetic: bool | str = False) -> Figure:
    """Draw what more sensors give: CMR and RMSE over the number of sensors, a line for each method.

    Input: a record for each method and n_sensors with cmr and rmse_fraction (of the map's side), fractions, each
    with its ci95_<name> (low, high).

    >>> emitter_sweep(records, "free space, quick profile")   # doctest: +SKIP
    """
    methods, cells = drawing.known(METHODS, records, "method"), drawing.cells(records, "method", "n_sensors")
    sizes = sorted({record["n_sensors"] for record in records})
    fig = style.page(style.PAGE_IN, 2.3, note, synthetic)
    for ax, metric in zip(fig.subplots(1, 2), ("cmr", "rmse_fraction")):
        for method in methods:
            values = [drawing.with_ends(cells[method, size], metric, 100) for size in sizes]
            drawing.line(ax, sizes, values, style.LOOKS[method])
        _furnish(ax, metric)
        ax.grid(axis="y")
        ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [f"{size:g}" for size in sizes])
        ax.set(xlabel="number of sensors", ylim=(0, 1.06 * ax.get_ylim()[1]))
    drawing.legend_above(fig, drawing.handles(methods, ls="-", mec="white", mew=0.4), len(methods))
    return fig


@style.styled
def emitter_counts(records: Sequence[Mapping], note: str, synthetic: bool | str = False, by: str = "true_count",
                   label: str = "true number of emitters, K") -> Figure:
    """Draw how often the number of emitters is right, for each true number, a panel for each environment.

    Input: a record for each environment, method and number under the key `by` with share_right, 0..1, and, if it is
    known, its ci95_share_right (low, high); label, what that number is.

    >>> emitter_counts(records, "quick profile")   # doctest: +SKIP
    """
    environments, methods = _environments(records), drawing.known(METHODS, records, "method")
    labels = {number: f"{number:g}" for number in sorted({record[by] for record in records})}
    fig, axes = drawing.row(environments.values(), 2.2, note, synthetic, "samples with the right count [%]")
    for ax, environment in zip(axes[0], environments):
        part = [record for record in records if record["environment"] == environment]
        dots(ax, part, by, labels, methods, "share_right", apart=0.27)
        ax.set(ylim=(0, 116), yticks=range(0, 101, 25))
    drawing.label_below(axes[0], label)
    drawing.legend_above(fig, drawing.handles(methods), len(methods))
    return fig


@style.styled
def emitter_transfer(records: Sequence[Mapping], note: str, synthetic: bool | str = False) -> Figure:
    """Draw how well each method counts where it was not trained: for each one a matrix of CMR, samples matched [%].

    Input: a record for each trained_on, tested_on (names of environments) and method with cmr, 0..1. The cells of
    networks in their own environment have a frame.

    >>> emitter_transfer(records, "quick profile")   # doctest: +SKIP
    """
    import seaborn as sns  # here, not above: it takes a second that the other figures do without

    table = pd.DataFrame(records).assign(percent=lambda frame: 100 * frame.cmr)
    low, high = 10 * np.floor(table.percent.min() / 10), 10 * np.ceil(table.percent.max() / 10)
    rows, columns, methods = (table[key].nunique() for key in ("trained_on", "tested_on", "method"))
    side = (style.PAGE_IN - 1.3) / 3 / columns
    fig = style.page(side * columns * methods + 1.3, 0.8 * side * rows + 0.65, note, synthetic)
    axes = fig.subplots(1, methods, sharey=True, squeeze=False)[0]
    for ax, (method, part) in zip(axes, table.groupby("method", sort=False)):
        matrix = part.pivot_table("percent", "trained_on", "tested_on", sort=False)
        sns.heatmap(matrix.rename(index=environment_label, columns=environment_label), ax=ax, annot=True, fmt=".1f",
                    annot_kws={"fontsize": 7}, cmap=style.IMAGE_COLOURS, vmin=low, vmax=high, cbar=False)
        for text, percent in zip(ax.texts, matrix.to_numpy().ravel()):
            text.set_color("white" if percent > low + 0.6 * (high - low) else style.INK)
        for row, column in zip(*np.nonzero(np.equal.outer(matrix.index, matrix.columns))):
            ax.add_patch(Rectangle((column, row), 1, 1, fill=False, ec=style.INK, lw=1.2, clip_on=False, zorder=3))
        ax.set_title(style.LOOKS[method].label.capitalize(), color=style.darker(style.LOOKS[method].colour))
        ax.set(xlabel="", ylabel="trained on" if ax is axes[0] else "")
        ax.tick_params(length=0, rotation=0)
    drawing.label_below(axes, "tested on")
    drawing.bar(fig, axes[0].collections[0], axes, shrink=0.9, aspect=20, pad=0.01, label="CMR [%]")
    return fig


@style.styled
def two_transmitters(records: Sequence[Mapping], note: str, synthetic: bool | str = False) -> Figure:
    """Draw the share of right counts and the median error of a pair, for both methods, and what no reading gives.

    Input: records with method ("trained on sums", "two peaks"), set ("one transmitter", "two transmitters"), n,
    count_accuracy 0..1, two_taken_median_m [m] (of the second set) and their ci95_<name> (low, high); one of the method
    "two fixed places" for the second set, drawn as a line.

    >>> two_transmitters(records, "quick profile")   # doctest: +SKIP
    """
    names = ("trained on sums", "two peaks")
    methods = [record for record in records if record["method"] in names]
    fixed = next(record["two_taken_median_m"] for record in records if record["method"] == "two fixed places")
    fig = style.page(style.PAGE_IN, 2.3, note, synthetic)
    left, right = fig.subplots(1, 2, width_ratios=[3, 2])
    labels = {record["set"]: f"{record['set']}\nn = {record['n']}" for record in methods}
    dots(left, methods, "set", labels, names, "count_accuracy", apart=0.24)
    left.set(ylim=(0, 108), title="Right count [% of the samples]")
    left.legend(handles=drawing.handles(names), loc="lower left")
    pairs = [record for record in methods if record["set"] == "two transmitters"]
    dots(right, pairs, "set", {"two transmitters": "two transmitters,\nboth locations used"}, names,
         "two_taken_median_m", scale=1, apart=0.24)
    right.axhline(fixed, color=style.GREY, ls="--", lw=1, label=f"two fixed places, whatever is read: {fixed:.0f}")
    right.legend(loc="lower left")
    right.set(ylim=(0, 1.15 * max(fixed, right.get_ylim()[1])), title="Median error of a pair [m]")
    return fig
