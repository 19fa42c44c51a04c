"""Hybrids: Table IV (two seasonal models and the choice between them) and Figure 11 (ranging as a fallback)."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle

from rsslib.confidence import ranging
from rsslib.ledger import results
from rsslib.ledger.wording import reach
from rsslib.reports import drawing, style
from rsslib.reports.confidence_paper.findings import hybrids as findings
from rsslib.reports.confidence_paper.hybrid_models import PAIR, SETS
from rsslib.reports.findings import Records

_METHODS = {"cnn": style.LOOKS["emd"]._replace(label="CNN (EMD)"), "ranging": style.LOOKS["ranging"],
            "hybrid": style.LOOKS["hybrid"]}
_SIDES = {"val": "In distribution", "ood": "OOD test"}
_DASHED = (0, (4, 2))
_TINT = {"july": "#FBEDEA", "november": "#E6F1F8"}
LEAST = 0.03
"""A confidence below this share of its threshold is drawn on the edge of the panel, which then says so."""


@style.styled
def hybrid_medians(records: Records, pairs: Records, paper: Mapping | None, note: str, synthetic: bool | str = False,
                   paper_rates: Mapping[str, float] | None = None, width: float = style.PAGE_IN) -> style.Page:
    """Draw two seasonal models, their hybrid, and how often it takes the better of the two (Table IV of paper 1).

    Input: records and pairs of `hybrid_models.table4`. paper: (set, model) -> printed median [m];
    paper_rates: set -> printed rate, 0..1; open markers, which are not drawn beside synthetic data.
    """
    cells, narrow = drawing.cells(records, "set", "model"), width == style.COLUMN_IN
    printed, rates = ({}, {}) if synthetic else (paper or {}, paper_rates or {})
    fig = style.page(width, 4.4 if narrow else 2.55, note, findings.hybrid_medians(records, pairs, rates), synthetic)
    medians, best = drawing.panels(fig, 2, not narrow, [3, 2] if narrow else [5, 2])
    for column, name in enumerate(SETS):
        oracle = cells[name, "oracle"]["median_m"]
        medians.plot([column - 0.4, column + 0.4], [oracle, oracle], color=style.GREY, lw=0.8, ls=_DASHED, zorder=1)
        for row, model in enumerate((*PAIR, "hybrid")):
            values = drawing.with_ends(cells[name, model], "median_m")
            drawing.dot(medians, column + 0.27 * (row - 1), values, style.LOOKS[model], f"{values[0]:.0f}",
                        printed.get((name, model)))
        rate = drawing.with_ends(cells[name, "hybrid"], "best_choice_rate", 100)
        drawing.dot(best, column - 0.1, rate, style.LOOKS["hybrid"], f"{rate[0]:.0f}",
                    100 * rates[name] if name in rates else None, aside=0.26)
    for ax in (medians, best):
        drawing.categories(ax, [f"{style.LOOKS[name].label}\nn = {cells[name, 'hybrid']['n']}" for name in SETS])
    models = [*drawing.handles(PAIR, " model", ms=5), *drawing.handles(["hybrid"], ms=5)]
    oracle = Line2D([], [], color=style.GREY, lw=0.8, ls=_DASHED, label="oracle: better model per sample")
    ours = drawing.ours_and_printed(bool(printed or rates), alone="value, 95 % interval")
    drawing.legend_above(fig, [*models, oracle, *ours], 2 if narrow else 3)
    best.axhline(50, color=style.GREY, lw=0.9, ls=(0, (1, 1.5)), zorder=1)
    medians.set(title="Median error [m]", ylim=(0, 1.08 * medians.get_ylim()[1]))
    best.set_yticks([0, 25, 50, 75, 100], ["0", "25", "a coin: 50", "75", "100"])
    best.set(title="Better model taken [%]", ylim=(0, 108))
    return fig


@style.styled
def confidence_duel(panels: Mapping[str, SimpleNamespace], note: str, synthetic: bool | str = False,
                    width: float = style.PAGE_IN) -> style.Page:
    """Draw two models' confidences in each sample, coloured by the better model (Section V.B of paper 1).

    Input: title -> what `hybrid_models.duel` returns: confidences (n,) each divided by the model's low-confidence
    threshold.
    """
    ends = _range(np.concatenate([[panel.first, panel.second] for panel in panels.values()], axis=None))
    narrow, told = width == style.COLUMN_IN, findings.confidence_duel(panels)
    columns = 2 if narrow else len(panels)
    rows = -(-len(panels) // columns)
    above, side = 0.6 if narrow else 0.54, 0.93 * (width - 0.4) / max(columns, 2)
    fig = style.page(width, 0.35 + rows * (above + side), note, told, synthetic)
    axes = fig.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for ax, (title, panel) in zip(axes, panels.items()):
        _rule(ax, *ends, "takes" if narrow else "hybrid takes")
        _nearer(ax, panel)
        ax.set_xlabel("July model" if narrow else "July model: confidence / threshold")
        _shares(ax, title, panel, narrow)
    for ax in axes[:len(panels):columns]:
        ax.set_ylabel("November model" if narrow else "November model: confidence / threshold")
    handles = drawing.handles(PAIR, " model better", ms=4)
    handles.append(Line2D([], [], color=style.GREY, lw=0.7, ls=_DASHED, label="low-confidence thresholds"))
    if narrow:
        handles.append(Line2D([], [], ls="", label="axes: confidence / threshold"))
        fig.legend(handles=handles, loc="lower right", handlelength=1.2, bbox_to_anchor=(1, 0.12)).set_in_layout(False)
    else:
        drawing.legend_above(fig, handles, 3)
    for ax in axes[len(panels):]:
        ax.remove()
    return fig


def _shares(ax: Axes, title: str, panel: SimpleNamespace, narrow: bool) -> None:
    """Write above a panel how often the hybrid takes the July model, how often that is better, and its best choices."""
    taken, better = (100 * flags.mean() for flags in (panel.first >= panel.second, panel.first_better))
    drawing.subtitle(ax, f"n = {len(panel.first)}")
    ax.set_title(title, pad=29 if narrow else 21)
    sep = "\n" if narrow else " "
    text = f"July model: taken {taken:.0f} %,{sep}better {better:.0f} %"
    ax.annotate(f"{text}\nbest choice: {100 * panel.rate:.0f} %", (0, 1), (0, 3), xycoords="axes fraction",
                textcoords="offset points", fontsize=6.5).set_in_layout(False)


def _nearer(ax: Axes, panel: SimpleNamespace) -> None:
    """Draw both confidences in each sample, as the model whose location was nearer; the smaller group on top."""
    nearer = dict(zip(PAIR, (panel.first_better, ~panel.first_better)))
    for name in sorted(PAIR, key=lambda name: -nearer[name].sum()):
        ax.scatter(*np.maximum([panel.first, panel.second], LEAST)[:, nearer[name]], s=9, alpha=0.75, zorder=3,
                   marker=style.LOOKS[name].marker, color=style.LOOKS[name].colour, edgecolors="white",
                   linewidths=0.25, clip_on=False)


def _range(values: np.ndarray) -> tuple[float, float, dict[float, str]]:
    """Return both ends of the axes of all panels, and the marks between them, value -> text."""
    if values.min() > 0.5 and values.max() < 2:    # of a training so short that all confidences are alike
        reach = max(0.02, 1.2 * np.abs(np.log(values)).max())
        step = next(step for step in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01) if step < reach)
        return np.exp(-reach), np.exp(reach), {mark: f"{mark:g}" for mark in (1 - step, 1, 1 + step)}
    high = 1.3 * max(values.max(), 4)
    marks = {mark: f"{mark:g}" for mark in (0.03, 0.1, 0.3, 1, 3, 10, 30) if mark < high}
    return LEAST, high, marks | ({LEAST: f"≤{LEAST:g}"} if values.min() < LEAST else {})


def _rule(ax: Axes, low: float, high: float, marks: Mapping[float, str], takes: str) -> None:
    """Shade where the hybrid takes which model, mark the two thresholds, and set both axes: marks, value -> text."""
    edge = [low, high]
    ax.fill_between(edge, edge, high, color=_TINT["november"], lw=0, zorder=0)
    ax.fill_between(edge, low, edge, color=_TINT["july"], lw=0, zorder=0)
    ax.plot(edge, edge, color=style.INK, lw=0.8, zorder=1)
    for line in (ax.axvline, ax.axhline):
        line(1, color=style.GREY, lw=0.7, ls=_DASHED, zorder=1)
    ax.set(xscale="log", yscale="log", xlim=edge, ylim=edge, box_aspect=1)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks([], minor=True)
        axis.set_ticks(list(marks), list(marks.values()))
    july, november = (style.LOOKS[name].colour for name in PAIR)
    drawing.bold(ax, f"{takes} November", (0, 1), (5, -5), november, xycoords="axes fraction", va="top", fontsize=6)
    corner = (1 if low == LEAST else high, 0)
    drawing.bold(ax, f"{takes} July", corner, (-5, 6), july, xycoords=ax.get_xaxis_transform(), ha="right", fontsize=6)


@style.styled
def grid_sizes(records: Records, pairs: Records, paper: Mapping | None, note: str, synthetic: bool | str = False,
               width: float = style.PAGE_IN) -> style.Page:
    """Draw the median error of CNN, ranging and hybrid over the cells of GridN, and hybrid minus CNN (Figure 11).

    Input: records and pairs of `hybrid_models.grid_records`. paper: (n_cells, set, method) -> printed median
    [m]; open markers, which are not drawn beside synthetic data.
    """
    sizes = sorted({record["n_cells"] for record in records})
    printed = {} if synthetic else {key: value for key, value in (paper or {}).items() if key[0] in sizes}
    narrow = width == style.COLUMN_IN
    fig = style.page(width, 5.2 if narrow else 2.3, note, findings.grid_sizes(records, pairs, printed), synthetic)
    own, ood, gain = drawing.panels(fig, 3, not narrow, sharex=True)
    for ax, name in ((own, "val"), (ood, "ood")):
        _errors(ax, results.select(records, set=name),
                {(n, method): value for (n, side, method), value in printed.items() if side == name})
    ood.sharey(own)
    own.set_ylim(0, 1.05 * max(1, *(drawing.with_ends(record, "median_m")[2] for record in records)))
    _gains(gain, pairs)
    own.set(xticks=sizes, xlim=(sizes[0] - 0.6, sizes[-1] + 0.6))
    for ax in (own, ood) if narrow else (own,):
        ax.set_ylabel("median error [m]")
    (gain if narrow else ood).set_xlabel("cells per side, N (few: large unseen regions)")
    handles = [Line2D([], [], color=look.colour, marker=look.marker, ms=4, lw=1.4, label=look.label)
               for look in _METHODS.values()]
    handles += drawing.handles(["val", "ood"], ms=4) + drawing.ours_and_printed(bool(printed))[1:]
    drawing.legend_above(fig, handles, 2 if narrow else len(handles))
    return fig


def _errors(ax: Axes, records: Records, printed: Mapping[tuple, float]) -> None:
    """Draw the median errors of the three methods on one set; printed: (n_cells, method) -> the paper's value."""
    for method, look in _METHODS.items():
        shown = sorted(results.select(records, method=method), key=lambda record: record["n_cells"])
        sizes, values = zip(*((record["n_cells"], drawing.with_ends(record, "median_m")) for record in shown))
        # the hybrid's line is thin, so that one under it can be seen
        drawing.line(ax, sizes, values, look, **({"lw": 0.9, "ms": 3} if method == "hybrid" else {"lw": 1.6}))
    for (n, method), value in printed.items():
        look = _METHODS[method]
        ax.plot(n, value, zorder=3, **drawing.PRINTED | {"marker": look.marker, "mec": look.colour})
    ax.set_title(_SIDES[records[0]["set"]])
    drawing.subtitle(ax, f"n = {reach([record['n'] for record in records])}")
    ax.grid(axis="y")


def _gains(ax: Axes, pairs: Records) -> None:
    """Draw the paired difference hybrid minus CNN of both sets over N."""
    for name, aside in (("val", -0.12), ("ood", 0.12)):
        for pair in findings.fallbacks(pairs, name):
            drawing.dot(ax, pair["n_cells"] + aside, drawing.with_ends(pair, "median_m"), style.LOOKS[name])
    ax.axhline(0, color=style.INK, lw=0.8, zorder=1)
    ax.set(title="Hybrid \N{MINUS SIGN} CNN", ylabel="difference of medians [m]")
    drawing.subtitle(ax, "below 0 it pays")
    ax.grid(axis="y")


@style.styled
def min_max_box(x: Sequence[float], y: Sequence[float], d: Sequence[float], note: str) -> style.Page:
    """Draw Min-Max for receivers at x, y that say "at most d away" [m]: circles, their squares, the box, its middle."""
    centre = [float(value[0]) for value in ranging.min_max([x], [y], [d])]
    fig = style.page(style.COLUMN_IN, 2.6, note, findings.min_max_box(x, y, d, centre))
    ax = fig.subplots()
    for number, (east, north, radius) in enumerate(zip(x, y, d), start=1):
        ax.add_patch(Circle((east, north), radius, fill=False, ec=style.GREY, lw=1))
        corner, side = (east - radius, north - radius), 2 * radius
        ax.add_patch(Rectangle(corner, side, side, fill=False, ec=style.PALE, ls=":"))
        ax.plot(east, north, "^", color=style.INK, ms=4.5)
        ax.annotate(f"{number}", (east, north), (5, 2), textcoords="offset points")
    (west, east), (south, north) = (sorted((max(np.subtract(at, d)), min(np.add(at, d)))) for at in (x, y))
    ax.add_patch(Rectangle((west, south), east - west, north - south, color=style.LOOKS["ranging"].colour, alpha=0.3))
    ax.plot(*centre, style.LOOKS["ranging"].marker, color=style.RED, ms=6)
    ax.annotate(f"({centre[0]:g}, {centre[1]:g})", centre, (0.02, 0.92), textcoords="axes fraction",
                arrowprops={"arrowstyle": "-", "lw": 0.7, "color": style.RED, "shrinkB": 4})
    ax.set(xlabel="east [m]", ylabel="north [m]", aspect="equal")
    ax.autoscale_view()
    return fig
