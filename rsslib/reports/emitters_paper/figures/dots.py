"""Scores of the multi-emitter networks: Table I of paper 2, the sweep of sensors, the counts that are right."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rsslib.project import InputError
from rsslib.reports import drawing, style
from rsslib.reports.emitters_paper.figures.scores import (
    ENVIRONMENTS,
    METHODS,
    METRICS,
    by_keys,
    furnish,
    handles,
    interval,
    with_intervals,
)


def _dot(ax: Axes, x: float, method: str, values: Sequence[float], text: str, printed: float | None = None) -> None:
    """Draw a value with its low and high [%], the printed one beside it, and `text` where that one is not."""
    value, low, high = values
    _, colour, marker = METHODS[method]
    ax.plot([x, x], [low, high], color=colour, lw=1.6, alpha=0.6, solid_capstyle="butt")
    ax.plot(x, value, marker=marker, color=colour, ms=4.5)
    above = printed is None or printed <= value
    ax.annotate(text, (x, max(high, value) if above else min(low, value)), (0, 4 if above else -4), ha="center",
                textcoords="offset points", va="bottom" if above else "top", fontsize=6, color=style.darker(colour))
    if printed is not None:
        ax.plot(x + 0.115, printed, marker=marker, mfc="white", mec=colour, mew=1, ms=4.2, ls="")


@style.styled
def emitter_table(records: Sequence[Mapping], paper: Mapping | None, note: str, synthetic: bool = False) -> Figure:
    """Draw Table I of paper 2: how each method counts and locates several emitters, beside the paper's values.

    Input: a record for each environment ("free_space", "chicago", "sydney") and method ("single_stage",
    "two_stage_logit", "two_stage_binary") with cmr, fa, mr, rmse_fraction (of the map's side), fractions, each with
    its ci95_<name> (low, high); environments and methods may be left out altogether. paper: (environment, method,
    metric) -> printed value, a fraction, or None; open markers.

    Errors: InputError for no records, a missing key, a value out of range, a combination that is missing or given
    twice, or printed values beside synthetic ones.
    Example
    -------
    >>> emitter_table(records, {("sydney", "single_stage", "cmr"): 0.6401}, "quick profile")   # doctest: +SKIP
    """
    if synthetic and paper:
        raise InputError("emitter_table: stand-in cities are not comparable with the paper; pass paper=None")
    limits = {name: most for name, (*_, most) in METRICS.items()}
    keys = {"environment": ENVIRONMENTS, "method": METHODS}
    cells, (places, methods) = by_keys(records, keys, limits, "emitter_table")
    with_intervals(records, METRICS, "emitter_table")
    fig = style.page(style.PAGE_IN, 3.9, note, synthetic)
    for ax, metric in zip(fig.subplots(2, 2).ravel(), METRICS):
        for (place, method), record in cells.items():
            x = places.index(place) + 0.29 * (methods.index(method) - (len(methods) - 1) / 2) - 0.04
            values = interval(record, metric, limits[metric], "emitter_table")
            _dot(ax, x, method, values, f"{values[0]:.1f}", _printed(paper or {}, place, method, metric))
        furnish(ax, *METRICS[metric][:3])
        ax.set_xticks(range(len(places)), [ENVIRONMENTS[place] for place in places])
        ax.set_xlim(-0.5, len(places) - 0.5)
        ax.tick_params(axis="x", length=0)
        ax.margins(y=0.16)
    ours = [Line2D([], [], color=style.GREY, lw=1.6, marker="o", ms=4, label="ours, 95 % interval")]
    printed = [Line2D([], [], ls="", marker="o", mfc="white", mec=style.GREY, label="the paper's printed value")]
    shown = handles(methods) + ours + printed * bool(paper)
    drawing.legend_above(fig, shown, len(shown))
    return fig


def _printed(paper: Mapping, *place: str) -> float | None:
    """Return the printed value of (environment, method, metric) in percent, None where there is none."""
    if paper.get(place) is None:
        return None
    return 100 * drawing.numbers(paper[place], f"emitter_table, paper, {', '.join(place)}", 0, METRICS[place[2]][3])[0]


@style.styled
def emitter_sweep(records: Sequence[Mapping], note: str, synthetic: bool = False) -> Figure:
    """Draw what more sensors give: CMR and RMSE over the number of sensors, a line for each method.

    Input: a record for each method and n_sensors with cmr and rmse_fraction (of the map's side), fractions, each
    with its ci95_<name> (low, high); what else is in a record (fa, mr) is not drawn.

    Errors: InputError for no records, a missing key, a value out of range, or a combination that is missing or
    given twice.
    Example
    -------
    >>> emitter_sweep(records, "free space, quick profile")   # doctest: +SKIP
    """
    shown = {name: METRICS[name] for name in ("cmr", "rmse_fraction")}
    limits = {name: most for name, (*_, most) in shown.items()}
    cells, (methods, sizes) = by_keys(records, {"method": METHODS, "n_sensors": None}, limits, "emitter_sweep")
    with_intervals(records, shown, "emitter_sweep")
    drawing.numbers(sizes, "emitter_sweep, n_sensors", 1)
    fig = style.page(style.PAGE_IN, 2.3, note, synthetic)
    for ax, (metric, (title, unit, direction, most)) in zip(fig.subplots(1, 2), shown.items()):
        for method in methods:
            lines = zip(*(interval(cells[method, size], metric, most, "emitter_sweep") for size in sizes))
            _line(ax, method, sizes, *lines)
        furnish(ax, title, unit, direction)
        ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [f"{size:g}" for size in sizes])
        ax.set(xlabel="number of sensors", ylim=(0, 1.06 * ax.get_ylim()[1]))
    drawing.legend_above(fig, handles(methods, ls="-", mec="white", mew=0.4), len(methods))
    return fig


def _line(ax: Axes, method: str, sizes: Sequence[float], values: Sequence, low: Sequence, high: Sequence) -> None:
    _, colour, marker = METHODS[method]
    ax.fill_between(sizes, low, high, color=colour, alpha=0.16, lw=0)
    ax.vlines(sizes, low, high, color=colour, alpha=0.5, lw=0.7)
    ax.plot(sizes, values, color=colour, marker=marker, ms=4.5, mec="white", mew=0.4)


@style.styled
def emitter_counts(records: Sequence[Mapping], note: str, synthetic: bool | str = False, by: str = "true_count",
                   label: str = "true number of emitters, K") -> Figure:
    """Draw how often the number of emitters is right, for each true number, a panel for each environment.

    Input: a record for each environment, method and number under the key `by` with share_right, 0..1, and, if it is
    known, its ci95_share_right (low, high); label, what that number is.

    Errors: InputError for no records, a missing key, a share outside 0..1, or a combination that is missing or
    given twice.
    Example
    -------
    >>> emitter_counts(records, "quick profile")   # doctest: +SKIP
    """
    cells, (places, methods, counts) = by_keys(
        records, {"environment": ENVIRONMENTS, "method": METHODS, by: None}, {"share_right": 1.0},
        "emitter_counts", complete=by == "true_count")
    fig, axes = drawing.row([ENVIRONMENTS[place] for place in places], "emitter_counts", 2.2, note, synthetic)
    for (place, method, count), record in cells.items():
        values = interval(record, "share_right", 1.0, "emitter_counts")
        x = counts.index(count) + 0.27 * (methods.index(method) - (len(methods) - 1) / 2)
        _dot(axes[0, places.index(place)], x, method, values, f"{values[0]:.0f}")
    for ax in axes[0]:
        ax.set_xticks(range(len(counts)), [f"{count:g}" for count in counts])
        ax.set(xlim=(-0.5, len(counts) - 0.5), ylim=(0, 116), yticks=range(0, 101, 25))
        ax.tick_params(axis="x", length=0)
        ax.grid(axis="y")
    axes[0, 0].set_ylabel("samples with the right count [%]")
    drawing.label_below(axes[0], label)
    drawing.legend_above(fig, handles(methods), len(methods))
    return fig
