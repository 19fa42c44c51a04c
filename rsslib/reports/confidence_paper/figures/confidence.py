"""Confidence: Figure 7 (how each indicator tells OOD samples), Figure 10 (error against it), and what it is worth."""

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rsslib.confidence.indicators import VARIANTS
from rsslib.reports import drawing, maps, style

_DASHED = (0, (3, 1.5))
_SPLITS = ("random", "grid2", "grid5", "july", "november")
_TARGETS = {"ood": "Which samples are OOD?", "high_error": "Which OOD samples have a high error?"}
_LABELS = {"validation": "val", "OOD": "ood"}
_LEAST_M = 1.0  # smaller errors are drawn here, for the scale is logarithmic
_SHADE = "#EEF0F2"


def _look(indicator: str) -> tuple[style.Look, bool]:
    """Return the look that an indicator and its sum-normalised variant share, and whether it is the raw one."""
    raw = indicator.removesuffix("_normalised")
    return style.LOOKS[raw], raw == indicator


def _handles(indicators: Iterable[str], normalised: Line2D, **look) -> list[Line2D]:
    """Return a handle for each look among the indicators, and `normalised` where one of them is sum-normalised."""
    raws = dict.fromkeys(name.removesuffix("_normalised") for name in VARIANTS if name in indicators)
    return drawing.handles(raws, **look) + [normalised] * any(not _look(name)[1] for name in indicators)


@style.styled
def confidence_roc(curves: Mapping[str, Mapping], note: str, synthetic: bool = False) -> Figure:
    """Draw how well each indicator of confidence tells OOD from validation samples (Figure 7 of paper 1).

    Input: title -> indicator -> a curve of `ood_detection.rocs`, a panel for each title. Dashed, with open marks:
    indicators of images divided by their sums.

    >>> confidence_roc({"Grid2": ood_detection.rocs(predictions, "grid2")}, "quick profile")   # doctest: +SKIP
    """
    fig, axes = drawing.row(curves, 2.9 if len(curves) < 3 else 2.35, note, synthetic,
                            "share of OOD labelled\nlow-confidence (true positive)")
    for ax, by_indicator in zip(axes[0], curves.values()):
        _roc(ax, by_indicator)
    handles = _handles({name for by_indicator in curves.values() for name in by_indicator},
                       Line2D([], [], color=style.GREY, ls=_DASHED, label="dashed: sum-normalised"), ls="-", ms=4)
    handles += [Line2D([], [], ls="", marker="o", color=style.GREY, label="validation's 10th percentile"),
                Line2D([], [], color=style.PALE, lw=0.8, label="chance")]
    drawing.legend_above(fig, handles, 2 if len(curves) == 1 else 4)
    drawing.label_below(axes[0], "share of validation labelled low-confidence (false positive)")
    return fig


def _roc(ax: Axes, by_indicator: Mapping) -> None:
    ax.plot([0, 1], [0, 1], color=style.PALE, lw=0.8, zorder=1)
    lines = {}
    for indicator in (name for name in VARIANTS if name in by_indicator):
        curve, (look, raw) = by_indicator[indicator], _look(indicator)
        lines[indicator], = ax.plot(
            curve.false_positive, curve.true_positive, color=look.colour, zorder=3, ls="-" if raw else _DASHED,
            lw=2.0 if indicator == "max_spread" else 1.0)  # seen on both sides of the sum of spreads, which lies on it
        ax.plot(*curve.at_threshold, look.marker, ms=4, color=look.colour, zorder=4, mew=0.7,
                mec="white" if raw else look.colour, mfc=look.colour if raw else "white")
    best = sorted(lines, key=lambda name: -by_indicator[name].auroc)
    ax.legend([lines[name] for name in best], [f"{by_indicator[name].auroc:.2f}" for name in best], title="AUROC",
              title_fontsize=6.5, loc="lower right", labelspacing=0.15, handlelength=1.5, borderpad=0)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.grid()


@style.styled
def indicator_scores(records: Sequence[Mapping], note: str, synthetic: bool = False) -> Figure:
    """Draw which indicator of confidence wins where: the areas behind Figure 7 of paper 1, a panel for each target.

    Input: records of `ood_detection.indicator_records`, of which those of the OOD sets that have an area are drawn.
    Open markers: indicators of images divided by their sums.

    >>> indicator_scores(records, "quick profile, 95 % bootstrap intervals")   # doctest: +SKIP
    """
    records = [record for record in records if record["set"] != "val" and record.get("ci95_auroc")]
    targets, shown = drawing.known(_TARGETS, records, "target"), drawing.known(VARIANTS, records, "indicator")
    fig, axes = drawing.row([_TARGETS[target] for target in targets], 2.45, note, synthetic, "AUROC")
    for ax, target in zip(axes[0], targets):
        judged = [record for record in records if record["target"] == target]
        splits = drawing.known(_SPLITS, judged, "split")
        ax.axhline(0.5, color=style.PALE, zorder=1)
        for record in judged:
            x = splits.index(record["split"]) + (shown.index(record["indicator"]) - (len(shown) - 1) / 2) * 0.125
            look, raw = _look(record["indicator"])
            drawing.dot(ax, x, drawing.with_ends(record, "auroc"), look, filled=raw)
        drawing.categories(ax, [style.SEPARATIONS[split] for split in splits])
    handles = _handles(shown, Line2D([], [], ls="", marker="o", mfc="white", color=style.GREY,
                                     label="open: sum-normalised"))
    handles.append(Line2D([], [], color=style.GREY, lw=1.6, label="95 % interval"))
    drawing.legend_above(fig, handles, 2 if len(targets) == 1 else 3)
    return fig


@style.styled
def risk_coverage(curves: Mapping[str, Mapping], note: str, synthetic: bool = False) -> Figure:
    """Draw the median error of the samples kept, if the surest are kept first.

    Input: title -> label -> (share kept, (n,) 0..1, and median error, (n,) [m]), a panel for each title; labels
    "validation" and "OOD". The dot is the median error where the most samples are kept.

    Source: El-Yaniv and Wiener, On the foundations of noise-free selective classification, 2010.
    >>> risk_coverage(ood_detection.coverage(models), "quick profile")   # doctest: +SKIP
    """
    fig, axes = drawing.row(curves, 2.3 if len(curves) == 1 else 2.1, note, synthetic,
                            "median error\nof those kept [m]")
    for ax, by_label in zip(axes[0], curves.values()):
        for label, (share, error) in by_label.items():
            error, colour = np.maximum(error, _LEAST_M), style.LOOKS[_LABELS[label]].colour
            ax.plot(share, error, color=colour, zorder=2)
            ax.plot(share[-1], error[-1], "o", ms=3.5, color=colour, clip_on=False, zorder=3)
            drawing.bold(ax, f"{error[-1]:.0f} m", (share[-1], error[-1]), (0, 4), colour, ha="right",
                         path_effects=maps.HALO, zorder=4)
        ax.set(xlim=(0, 1), yscale="log")
        ax.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
        ax.grid()
    low, high = _headroom(axes[0, 0], 0.06)
    drawing.log_metres(axes[0, 0].yaxis, (1, 2, 3, 5) if high > 6 * low else drawing.FINER)
    drawing.label_below(axes[0], "share of samples kept, surest first")
    drawing.legend_above(fig, [Line2D([], [], color=style.LOOKS[name].colour, label=label)
                               for label, name in _LABELS.items()], 2)
    return fig


def _headroom(ax: Axes, share: float) -> tuple[float, float]:
    """Leave room for text above what is drawn, a share of its height; return the limits [m]."""
    low, high = ax.get_ylim()
    return ax.set_ylim(low, high * (high / low) ** share)


@style.styled
def confidence_scatter(panels: Mapping[str, SimpleNamespace], note: str, synthetic: bool = False) -> Figure:
    """Draw error against confidence, validation above and OOD below (Figure 10 of paper 1).

    Input: title -> what `ood_detection.scatter` returns, a column for each title.

    >>> confidence_scatter({"Grid2": ood_detection.scatter(predictions, "grid2")}, "quick profile")   # doctest: +SKIP
    """
    fig, axes = drawing.row(panels, 3.5, note, synthetic, "validation: error [m]", rows=2)
    for column, panel in zip(axes.T, panels.values()):
        for ax, name in zip(column, _LABELS.values()):
            _scatter(ax, panel, name)
    _headroom(axes[0, 0], 0.22)
    drawing.log_metres(axes[0, 0].yaxis)
    drawing.label_below(axes[1], "confidence")
    axes[1, 0].set_ylabel("OOD: error [m]")
    drawing.legend_above(fig, [Line2D([], [], color=style.INK, lw=0.8, label="validation's 10th percentile"),
                               Patch(color=_SHADE, label="labelled low-confidence")], 2)
    return fig


def _scatter(ax: Axes, panel: SimpleNamespace, name: str) -> None:
    """Draw the samples of one set; write above them, on the wider side of the threshold."""
    shown, both = getattr(panel, name), np.concatenate([panel.val.confidence, panel.ood.confidence])
    margin = 0.03 * np.ptp(both) or 1.0
    ax.set(yscale="log", xlim=(both.min() - margin, both.max() + margin))
    ax.axvspan(-1e9, panel.threshold, color=_SHADE, lw=0, zorder=0)
    ax.axvline(panel.threshold, color=style.INK, lw=0.8, zorder=3)
    ax.scatter(shown.confidence, np.maximum(shown.error_m, _LEAST_M), s=4, lw=0, alpha=0.45,
               color=style.LOOKS[name].colour, zorder=2)
    left, rho = panel.threshold > both.min() / 2 + both.max() / 2, f"{shown.rho:.2f}".replace("-", "−")
    low = (shown.confidence < panel.threshold).mean()
    ax.text(0.03 if left else 0.98, 0.97, f"Spearman ρ = {rho}\n{100 * low:.0f} % low-confidence",
            transform=ax.transAxes, fontsize=6.5, ha="left" if left else "right", va="top")
