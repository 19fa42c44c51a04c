"""Confidence: Figure 7 (how each indicator tells OOD samples), the areas behind it, and what confidence is worth."""

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rsslib.confidence.indicators import INDICATOR, VARIANTS
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED
from rsslib.reports import drawing, maps, style, tables
from rsslib.reports.confidence_paper.findings import indicators as findings
from rsslib.reports.findings import Records, known, usable

_TARGETS = {"ood": "Which samples are OOD?", "high_error": "Which OOD samples have a large error?"}
_RAW = tuple(name for name in VARIANTS if not name.endswith("_normalised"))
_NORMALISED = tuple(name for name in VARIANTS if name not in _RAW)
_LEAST_M = 1.0  # smaller errors are drawn here, for the scale is logarithmic
_PAPER = drawing.PRINTED | {"mec": style.LOOKS[INDICATOR].colour, "mew": 1.1, "ms": 5}
_LEGEND = {"loc": "lower right", "borderpad": 0.2, "frameon": True, "framealpha": 0.85, "edgecolor": "none"}


@style.styled
def confidence_roc(curves: Mapping[str, Mapping], paper: Mapping[tuple, float] | None, note: str,
                   synthetic: bool = False, width: float = style.PAGE_IN) -> Figure:
    """Draw how well each indicator of confidence tells OOD from validation samples (Figure 7 of paper 1).

    Input: split -> indicator -> a curve of `ood_detection.rocs`, for separations that have OOD samples: a large panel
    for the first, small ones for the others (raw images above, images divided by their sums below). paper: (split,) ->
    printed share of OOD samples below the 10th percentile of validation, 0..1; open marks, which are not drawn beside
    synthetic data. Errors: InputError for none or too many.
    """
    drawing.legible(curves)
    paper = {} if synthetic else paper or {}
    (first, by_indicator), *others = curves.items()
    fig, large, small = _roc_panels(width, len(others), note, findings.roc(curves, paper), synthetic)
    _roc(large, by_indicator, VARIANTS, paper.get((first,)))
    large.set_title(tables.name(first))
    large.set(xlabel="share of validation labelled so (false positive)",
              ylabel="share of OOD labelled low-confidence (true positive)")
    _named(large, by_indicator)
    for (raw, normalised), (split, by_indicator) in zip(small, others):
        raw.set_title(tables.name(split))
        for ax, names, printed in ((raw, _RAW, paper.get((split,))), (normalised, _NORMALISED, None)):
            _roc(ax, by_indicator, names, printed)
            ax.legend(handles=[_line(name, f"{by_indicator[name].auroc:.2f}") for name in names], fontsize=6,
                      labelspacing=0.1, handlelength=1.4, **_LEGEND | {"borderpad": 0.1})
        drawing.subtitle(normalised, "normalised", "left")
        normalised.set_xlabel("false positive")
    marks = [Line2D([], [], ls="", marker="o", ms=5, mew=0.9, mec=style.INK, color=style.GREY,
                    label="threshold at validation's 10th percentile"),
             *[Line2D([], [], label="the paper's printed rate there", **_PAPER)] * bool(paper),
             Line2D([], [], color=style.PALE, lw=0.8, label="chance")]
    drawing.legend_above(fig, marks, 3 if width == style.PAGE_IN else 2)
    return fig


def _roc_panels(width: float, others: int, note: str, told: style.Told,
                synthetic: bool) -> tuple[style.Page, Axes, list[tuple[Axes, Axes]]]:
    """Return the figure, the large panel and a column of two small panels for each other separation."""
    if not others:
        fig = style.page(style.COLUMN_IN, 3.2, note, told, synthetic)
        return fig, fig.subplots(), []
    wide = width == style.PAGE_IN
    blocks = -(-others // (4 if wide else 3))    # of small panels, as many beside each other as are legible
    columns = -(-others // blocks)
    fig = style.page(width, (1 if wide else 3.1) + (2.3 if wide else 2.6) * blocks, note, told, synthetic)
    if wide:
        grid = fig.add_gridspec(2 * blocks, 1 + columns, width_ratios=[2.1 + 0.3 * (columns > 3)] + [1] * columns)
        large, first, left = fig.add_subplot(grid[:, 0]), 0, 1
        large.set(box_aspect=1 if blocks > 1 else None, anchor="N")
    else:
        grid = fig.add_gridspec(1 + 2 * blocks, columns, height_ratios=[2.4] + [1] * 2 * blocks)
        large, first, left = fig.add_subplot(grid[0, :]), 1, 0
    places = [(first + 2 * (number // columns), left + number % columns) for number in range(others)]
    return fig, large, [(fig.add_subplot(grid[row, column]), fig.add_subplot(grid[row + 1, column]))
                        for row, column in places]


def _roc(ax: Axes, by_indicator: Mapping, names: Iterable[str], printed: float | None = None) -> None:
    """Draw the curves of some indicators, each with its marks along it and a ringed one at the threshold."""
    ax.plot([0, 1], [0, 1], color=style.PALE, lw=0.8, zorder=1)
    for rank, name in enumerate(names):
        curve, look = by_indicator[name], style.LOOKS[name]
        ax.plot(curve.false_positive, curve.true_positive, color=look.colour, zorder=3, ls=_dashes(name),
                lw=2.0 if name == "max_spread" else 1.0,  # seen on both sides of the sum of spreads, which lies on it
                marker=look.marker, ms=2.8, mew=0, markevery=(0.12 + 0.06 * rank, 0.4))
        ax.plot(*curve.at_threshold, look.marker, ms=5, color=look.colour, zorder=4, mew=0.9, mec=style.INK)
    if printed is not None:
        ax.plot(0.1, printed, zorder=5, **_PAPER)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.grid()


def _dashes(name: str) -> str | tuple:
    return "-" if name in _RAW else (0, (3, 1.5))


def _line(name: str, label: str) -> Line2D:
    look = style.LOOKS[name]
    return Line2D([], [], color=look.colour, marker=look.marker, ms=4, mew=0, ls=_dashes(name), label=label)


def _named(ax: Axes, by_indicator: Mapping) -> None:
    """Name the curves of a large panel, with their areas."""
    def lines(names: Iterable[str]) -> list[Line2D]:
        labels = (style.LOOKS[name.removesuffix("_normalised")].label for name in names)
        return [_line(name, f"{label} {by_indicator[name].auroc:.2f}") for name, label in zip(names, labels)]

    group = Line2D([], [], ls="", label="normalised, divided by their sums:")
    ax.legend(handles=[*lines(_RAW), group, *lines(_NORMALISED)], title="area under the curve", title_fontsize=6.2,
              alignment="left", fontsize=6.2, labelspacing=0.2, handlelength=1.6, **_LEGEND)


@style.styled
def indicator_scores(records: Records, pairs: Records, note: str, synthetic: bool = False,
                     width: float = style.PAGE_IN) -> Figure:
    """Draw which indicator of confidence wins where: the areas behind Figure 7 of paper 1, a panel for each target.

    Below them, the paper's choice less each other indicator. Input: records of `ood_detection.indicator_scores`, of
    which those of the OOD sets that have an area are drawn, and its pairs. Errors: InputError for none or too many
    separations.
    """
    areas, ahead = ([record for record in kind if record["set"] != "val" and record["split"] not in
                     style.IN_DISTRIBUTION and known(record, "auroc")] for kind in (records, pairs))
    ahead = [{**pair, "indicator": pair["right_indicator"]} for pair in ahead if pair["left_indicator"] == INDICATOR]
    targets, names = drawing.known(_TARGETS, areas, "target"), _separations(areas)
    usable(areas, "indicator_scores: areas of OOD samples")
    drawing.legible(names)
    wide = width == style.PAGE_IN
    fig = style.page(width, 3.6 if wide else 6.2, note, findings.scores(records, pairs), synthetic)
    axes = (fig.subplots(2, len(targets), sharex="col", sharey="row", squeeze=False) if wide else
            fig.subplots(2 * len(targets), 1, squeeze=False).reshape(len(targets), 2).T)
    for (above, below), target in zip(axes.T, targets):
        above.set_title(_TARGETS[target])
        for ax, judged, level in ((above, areas, 0.5), (below, ahead, 0.0)):
            _dots(ax, [record for record in judged if record["target"] == target], level)
    for ax in axes[1][:1] if wide else axes[1]:    # a page's row shares its axis
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + (0.16 if len(names) <= 4 else 0.28) * (high - low))
    for below, target in zip(axes[1], targets):
        _verdicts(below, findings.leads(records, pairs, target),
                  _separations(record for record in areas if record["target"] == target))
    for ax in axes[:, 0] if wide else axes.ravel():
        ax.locator_params(axis="y", steps=(1, 2, 5, 10))    # no 0.25, whose label is too wide for a column
        ax.set_ylabel("AUROC" if ax in axes[0] else f"{findings.CHOICE.capitalize()}\nahead by (AUROC)")
    drawing.legend_above(fig, [*drawing.handles(drawing.known(VARIANTS, areas, "indicator")),
                               Line2D([], [], color=style.GREY, lw=1.6, label="95 % interval")], 4 if wide else 2)
    for text in fig.legends[-1].get_texts() if not wide else ():
        text.set_fontsize(6)    # else too wide for a column
    return fig


def _dots(ax: Axes, judged: Records, level: float) -> None:
    """Draw a dot for each indicator in each separation, and a line at `level`."""
    shown, names = drawing.known(VARIANTS, judged, "indicator"), _separations(judged)
    ax.axhline(level, color=style.GREY, lw=0.8, zorder=1)
    for record in judged:
        x = names.index(record["split"]) + (shown.index(record["indicator"]) - (len(shown) - 1) / 2) * 0.125
        drawing.dot(ax, x, drawing.with_ends(record, "auroc"), style.LOOKS[record["indicator"]])
    drawing.categories(ax, [tables.name(name) for name in names])


def _separations(judged: Iterable[Mapping]) -> list[str]:
    """Return the separations in the sequence of the records."""
    return list(dict.fromkeys(record["split"] for record in judged))


def _verdicts(ax: Axes, found: Sequence[findings.Lead], names: Sequence[str]) -> None:
    """Say in each separation whether it is settled that the paper's choice is ahead of all others."""
    many = len(names) > 4
    words = {SETTLED: "settled:\nahead" if many else "settled: ahead",
             REFUTED: "settled:\nbehind" if many else "settled: behind"}
    for lead in found:
        ax.annotate(words.get(lead.verdict, UNDECIDED), (names.index(lead.split), 1), (0, -4), va="top", ha="center",
                    xycoords=ax.get_xaxis_transform(), textcoords="offset points", color=style.GREY,
                    fontsize=5.5 if many else 6)


@style.styled
def risk_coverage(curves: Mapping[str, Mapping[str, SimpleNamespace]], note: str, synthetic: bool = False,
                  width: float = style.PAGE_IN) -> Figure:
    """Draw the median error of the samples kept, if the most confident are kept first, with 95 % intervals.

    Input: split -> "val", "ood" or "test" -> a curve of `ood_detection.coverage`, a panel for each split. The dot is
    the median error where the most samples are kept. Errors: InputError for none or too many.

    Source: El-Yaniv and Wiener, On the foundations of noise-free selective classification, 2010.
    """
    drawing.legible(curves)
    told, most = findings.coverage(curves), 5 if width == style.PAGE_IN else 2
    columns = -(-len(curves) // -(-len(curves) // most))
    rows = -(-len(curves) // columns)
    fig = style.page(width if columns > 1 else style.COLUMN_IN, 1.75 * rows + 0.45 * (rows == 1), note, told, synthetic)
    axes = fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for place, ax in enumerate(axes.ravel()[len(curves):], start=len(curves)):
        ax.set_frame_on(False)
        ax.tick_params(which="both", length=0, labelcolor="none")    # not off: a label may stand below it
        axes.ravel()[place - columns].tick_params(labelbottom=True)
    for ax, (split, by_set) in zip(axes.ravel(), curves.items()):
        ax.set_title(tables.name(split))
        _kept(ax, by_set)
    low, high = axes[0, 0].get_ylim()
    room = (high / low) ** 0.08    # for text, above and below what is drawn
    low, high = axes[0, 0].set_ylim(low / room, high * room)
    drawing.log_axis(axes[0, 0].yaxis, (1, 2, 3, 5) if high > 6 * low else drawing.FINER)
    for ax in axes[:, 0]:
        ax.set_ylabel("median error\nof those kept [m]")
    drawing.label_below(axes[-1], "share of samples kept, most confident first")
    return fig


def _kept(ax: Axes, by_set: Mapping[str, SimpleNamespace]) -> None:
    """Draw a curve for each set in its band, its name and the median error of all at its end."""
    for name, curve in by_set.items():
        look, (error, low, high) = style.LOOKS[name], np.maximum([curve.error, curve.low, curve.high], _LEAST_M)
        ax.fill_between(curve.share, low, high, color=look.colour, alpha=0.18, lw=0)
        ax.plot(curve.share, error, color=look.colour, zorder=2, marker=look.marker, ms=3, mew=0, markevery=(0.1, 0.3))
        ax.plot(curve.share[-1], error[-1], look.marker, ms=4, color=look.colour, clip_on=False, zorder=3)
        above = curve.error[-1] >= max(other.error[-1] for other in by_set.values())
        right = curve.share >= 0.5    # the name stands over this half
        edge = high[right].max() if above else low[right].min()
        drawing.bold(ax, f"{look.label.removesuffix(' test')}  {error[-1]:.0f} m", (1, edge),
                     (0, 3 if above else -3), look.colour, ha="right", va="bottom" if above else "top",
                     path_effects=maps.HALO, zorder=4)
    ax.set(xlim=(0, 1), yscale="log")
    ax.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.grid()
