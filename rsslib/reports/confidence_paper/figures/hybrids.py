"""Hybrids: Table IV (two seasonal models and the choice between them) and Figure 11 (ranging as a fallback)."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rsslib.reports import drawing, style

_SEASONS = ("july", "november", "april")
_PAIR = ("july", "november")
_MODELS = (*_PAIR, "hybrid")
_METHODS = {"cnn": style.LOOKS["emd"]._replace(label="CNN (EMD)"), "ranging": style.LOOKS["ranging"],
            "hybrid": style.LOOKS["hybrid"]}
_DASHED = (0, (4, 2))
_TINT = {"july": "#FBEDEA", "november": "#E6F1F8"}
_LEGEND_IN = 4.45
LEAST = 0.03
"""A confidence below this share of its threshold is drawn on the edge of the panel, which then says so."""


@style.styled
def hybrid_medians(records: Sequence[Mapping], paper: Mapping | None, note: str, synthetic: bool = False,
                   paper_rates: Mapping[str, float] | None = None) -> Figure:
    """Draw two seasonal models, their hybrid, and how often it takes the better of the two (Table IV of paper 1).

    Input: records of `hybrid_models.table4`. paper: (set, model) -> printed median [m]; paper_rates: set -> printed
    rate, 0..1; open markers, which are not drawn beside synthetic data.

    >>> hybrid_medians(records, {("july", "hybrid"): 55.8}, "quick profile")   # doctest: +SKIP
    """
    cells = drawing.cells(records, "set", "model")
    printed, rates = ({}, {}) if synthetic else (paper or {}, paper_rates or {})
    fig = style.page(style.PAGE_IN, 2.4, note, synthetic)
    medians, best = fig.subplots(1, 2, width_ratios=[5, 2])
    for column, name in enumerate(_SEASONS):
        oracle = cells[name, "oracle"]["median_m"]
        medians.plot([column - 0.4, column + 0.4], [oracle, oracle], color=style.GREY, lw=0.8, ls=_DASHED, zorder=1)
        for row, model in enumerate(_MODELS):
            values = drawing.with_ends(cells[name, model], "median_m")
            drawing.dot(medians, column + 0.27 * (row - 1), values, style.LOOKS[model], f"{values[0]:.0f}",
                        printed.get((name, model)))
        rate = drawing.with_ends(cells[name, "hybrid"], "best_choice_rate", 100)
        drawing.dot(best, column - 0.1, rate, style.LOOKS["hybrid"], f"{rate[0]:.0f}",
                    100 * rates[name] if name in rates else None, aside=0.26)
    for ax in (medians, best):
        drawing.categories(ax, [f"{style.LOOKS[name].label}\nn = {cells[name, 'hybrid']['n']}" for name in _SEASONS])
    medians.set(ylim=(0, 1.08 * medians.get_ylim()[1]), ylabel="median error [m]")
    models = drawing.handles(_MODELS, ms=5)
    for handle in models[:2]:
        handle.set_label(f"{handle.get_label()} model")
    oracle = Line2D([], [], color=style.GREY, lw=0.8, ls=_DASHED, label="always the better model")
    drawing.legend_over(medians, [*models, oracle, *drawing.ours_and_printed(bool(printed or rates))], 3)
    best.axhline(50, color=style.GREY, lw=0.9, ls=(0, (1, 1.5)), zorder=1)
    drawing.subtitle(best, "best choice of the hybrid [%]", "left")
    best.set_yticks([0, 25, 50, 75, 100], ["0", "25", "a coin: 50", "75", "100"])
    best.set_ylim(0, 105)
    return fig


@style.styled
def confidence_duel(panels: Mapping[str, SimpleNamespace], note: str, synthetic: bool = False) -> Figure:
    """Draw two models' confidences in each sample, coloured by the nearer model (Section V.B of paper 1).

    Input: title -> what `hybrid_models.duel` returns: confidences (n,) each divided by the model's low-confidence
    threshold.

    >>> confidence_duel({"July": hybrid_models.duel(models, "july")}, "quick profile")   # doctest: +SKIP
    """
    values = np.concatenate([[panel.first, panel.second] for panel in panels.values()], axis=None)
    high = 1.3 * max(values.max(), 4)
    marks = {mark: f"{mark:g}" for mark in (0.03, 0.1, 0.3, 1, 3, 10, 30) if mark < high}
    if values.min() < LEAST:
        marks[LEAST] = f"≤{LEAST:g}"
    fig = style.page(style.PAGE_IN, 2.6, note, synthetic, _LEGEND_IN)
    axes = fig.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for ax, (title, panel) in zip(axes, panels.items()):
        _rule(ax, LEAST, high, marks)
        nearer = dict(zip(_PAIR, (panel.first_better, ~panel.first_better)))
        for name in sorted(_PAIR, key=lambda name: -nearer[name].sum()):  # the smaller group is drawn on top
            ax.scatter(*np.maximum([panel.first, panel.second], LEAST)[:, nearer[name]], s=9, alpha=0.75, zorder=3,
                       marker=style.LOOKS[name].marker, color=style.LOOKS[name].colour, edgecolors="white",
                       linewidths=0.25, clip_on=False)
        ax.set(title=title, xlabel="July model's confidence / its threshold")
        drawing.subtitle(ax, f"best choice {100 * panel.rate:.1f} % of {len(panel.first)}")
    axes[0].set_ylabel("November model's confidence / its threshold")
    handles = drawing.handles(_PAIR, ms=4)
    for handle in handles:
        handle.set_label(f"{handle.get_label()} model truly nearer")
    thresholds = Line2D([], [], color=style.GREY, lw=0.7, ls=_DASHED, label="low-confidence thresholds")
    drawing.legend_below(fig, [*handles, thresholds])
    return fig


def _rule(ax: Axes, low: float, high: float, marks: Mapping[float, str]) -> None:
    """Shade where the hybrid takes which model, mark the two thresholds, and set both axes: marks, value -> text."""
    edge = [low, high]
    ax.fill_between(edge, edge, high, color=_TINT["november"], lw=0, zorder=0)
    ax.fill_between(edge, low, edge, color=_TINT["july"], lw=0, zorder=0)
    ax.plot(edge, edge, color=style.INK, lw=0.8, zorder=1)
    for line in (ax.axvline, ax.axhline):
        line(1, color=style.GREY, lw=0.7, ls=_DASHED, zorder=1)
    ax.set(xscale="log", yscale="log", xlim=edge, ylim=edge, box_aspect=1)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(list(marks), list(marks.values()))
    july, november = (style.LOOKS[name].colour for name in _PAIR)
    drawing.bold(ax, "hybrid takes November", (0, 1), (5, -5), november, xycoords="axes fraction", va="top", fontsize=6)
    drawing.bold(ax, "hybrid takes July", (1, 0), (-5, 6), july, xycoords=ax.get_xaxis_transform(), ha="right",
                 fontsize=6)


@style.styled
def grid_sizes(records: Sequence[Mapping], note: str, synthetic: bool = False) -> Figure:
    """Draw the median error of CNN, ranging and hybrid over the cells of GridN (Figure 11 of paper 1).

    Input: records of `hybrid_models.grid_records`.

    >>> grid_sizes(records, "quick profile")   # doctest: +SKIP
    """
    cells, sizes = drawing.cells(records, "n_cells", "set", "method"), sorted({record["n_cells"] for record in records})
    fig = style.page(style.COLUMN_IN, 3.2, note, synthetic)
    axes = fig.subplots(2, 1, sharex=True, sharey=True)
    top = 1.05 * max(1, *(record["ci95_m"][1] for record in records))
    for ax, (name, title) in zip(axes, {"val": "In distribution", "ood": "OOD test"}.items()):
        for method, look in _METHODS.items():
            values = [drawing.with_ends(cells[n, name, method], "median_m") for n in sizes]
            # the hybrid's line is thin, so that one under it can be seen
            drawing.line(ax, sizes, values, look, **({"lw": 0.9, "ms": 3} if method == "hybrid" else {"lw": 1.6}))
        counts = {cells[n, name, "cnn"]["n"] for n in sizes}
        ax.set(title=title, ylabel="median error [m]", ylim=(0, top))
        drawing.subtitle(ax, f"n = {' to '.join(map(str, sorted({min(counts), max(counts)})))}")
        ax.grid(axis="y")
        ends = drawing.spread([cells[sizes[-1], name, method]["median_m"] / top for method in _METHODS], 0.1)
        for look, height in zip(_METHODS.values(), ends):
            drawing.bold(ax, look.label, (1, height), (1, 0), look.colour, xycoords="axes fraction", va="center")
    axes[1].set(xticks=sizes, xlabel="cells per side, N (few = large shift)")
    return fig
