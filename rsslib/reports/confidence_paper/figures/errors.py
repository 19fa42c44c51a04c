"""Error beside confidence: Figure 10, sample by sample; the error of the samples kept, surest first."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from rsslib.project import InputError
from rsslib.reports import drawing, style
from rsslib.reports.confidence_paper.figures import curves as lines

_LABELS = {"validation": "val", "OOD": "ood"}
_LEAST_M = 1.0  # smaller errors are drawn here, for the scale is logarithmic
_MARKS = tuple(step * power for power in (1, 10, 100, 1000) for step in (1, 2, 3, 5))
_SHADE = "#EEF0F2"
_HALO = [withStroke(linewidth=2.5, foreground="white")]


@style.styled
def risk_coverage(curves: Mapping[str, Mapping], note: str, synthetic: bool = False) -> Figure:
    """Draw the median error of the samples kept, if the surest are kept first.

    Input: title -> (label -> (share kept, (n,) 0..1, and median error, (n,) [m])), a panel for each title;
    labels "validation" and "OOD". The dot is the median error where the most samples are kept.

    Errors: InputError for no panel or more than five, another label, or numbers that are not finite.
    Example
    -------
    >>> risk_coverage({"Grid2": {"OOD": (share, error_m)}}, "quick profile")   # doctest: +SKIP
    """
    fig, axes = drawing.row(curves, "risk_coverage", 2.3 if len(curves) == 1 else 2.1, note, synthetic)
    for ax, (title, by_label) in zip(axes[0], curves.items()):
        _kept_panel(ax, by_label, f"risk_coverage, {title}")
    low, high = _headroom(axes[0, 0], 0.06)
    lines.log_metres(axes[0, 0].yaxis, _MARKS if high > 6 * low else lines.FINER)
    drawing.label_below(axes[0], "share of samples kept, surest first")
    axes[0, 0].set_ylabel("median error\nof those kept [m]")
    drawing.legend_above(fig, [Line2D([], [], color=style.SET_COLOUR[name], label=label)
                              for label, name in _LABELS.items()], 2)
    return fig


def _headroom(ax: Axes, share: float) -> tuple[float, float]:
    """Leave room for text above what is drawn, a share of its height; return the limits [m]."""
    low, high = ax.get_ylim()
    return ax.set_ylim(low, high * (high / low) ** share)


def _kept_panel(ax: Axes, by_label: Mapping, what: str) -> None:
    if not by_label:
        raise InputError(f"{what}: no curve; expected validation or OOD")
    for label, curve in by_label.items():
        style.need(_LABELS, [label], f"{what}, label")
        _kept(ax, curve, style.SET_COLOUR[_LABELS[label]], f"{what}, {label}")
    ax.set(xlim=(0, 1), yscale="log")
    ax.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.grid()


def _kept(ax: Axes, curve, colour: str, what: str) -> None:
    share = drawing.numbers(curve[0], f"{what}, share kept", 0, 1)
    error = np.maximum(drawing.numbers(curve[1], f"{what}, median error"), _LEAST_M)
    if len(share) != len(error):
        raise InputError(f"{what}: expected as many errors as shares, found {len(error)} and {len(share)}")
    ax.plot(share, error, color=colour, zorder=2)
    end = share.argmax()
    ax.plot(share[end], error[end], "o", ms=3.5, color=colour, clip_on=False, zorder=3)
    ax.annotate(f"{error[end]:.0f} m", (share[end], error[end]), (0, 4), textcoords="offset points", ha="right",
                fontsize=6.5, fontweight="bold", color=style.darker(colour), path_effects=_HALO, zorder=4)


@style.styled
def confidence_scatter(panels_by_title: Mapping, note: str, synthetic: bool = False) -> Figure:
    """Draw error beside confidence, validation above and OOD below (Figure 10 of paper 1).

    Input: title -> object with val and ood, each with confidence, (n,), error_m, (n,) [m], and rho,
    Spearman's; and threshold, the 10th percentile of the validation's confidence. A column for each title.

    Errors: InputError for no panel or more than five, a missing attribute, or values that are not finite.
    Example
    -------
    >>> confidence_scatter({"Grid2": shown}, "quick profile")   # doctest: +SKIP
    """
    fig, axes = drawing.row(panels_by_title, "confidence_scatter", 3.5, note, synthetic, rows=2)
    for column, (title, panel) in zip(axes.T, panels_by_title.items()):
        _column(column, panel, f"confidence_scatter, {title}")
    _headroom(axes[0, 0], 0.22)
    lines.log_metres(axes[0, 0].yaxis)
    drawing.label_below(axes[1], "confidence")
    for ax, label in zip(axes[:, 0], _LABELS):
        ax.set_ylabel(f"{label}: error [m]")
    drawing.legend_above(fig, [Line2D([], [], color=style.INK, lw=0.8, label="validation's 10th percentile"),
                              Patch(color=_SHADE, label="labelled low-confidence")], 2)
    return fig


def _column(axes: Sequence[Axes], panel, what: str) -> None:
    drawing.need(panel, (*_LABELS.values(), "threshold"), what)
    sets = {name: getattr(panel, name) for name in _LABELS.values()}
    ends = [_dots(ax, shown, float(panel.threshold), name, f"{what}, {name}")
            for ax, (name, shown) in zip(axes, sets.items())]
    low, high = np.min(ends), np.max(ends)
    margin = 0.03 * (high - low) or 1.0
    axes[0].set_xlim(low - margin, high + margin)
    for ax, shown in zip(axes, sets.values()):
        _say(ax, shown, panel.threshold)


def _dots(ax: Axes, shown, threshold: float, name: str, what: str) -> tuple[float, float]:
    """Draw the samples of one set; return the smallest and the largest confidence."""
    drawing.need(shown, ("confidence", "error_m", "rho"), what)
    confidence = drawing.numbers(shown.confidence, f"{what}, confidence", low=-np.inf)
    error = drawing.numbers(shown.error_m, f"{what}, error_m")
    drawing.numbers([shown.rho], f"{what}, rho", -1, 1)
    if len(confidence) != len(error) or not np.isfinite(threshold):
        raise InputError(f"{what}: expected as many errors as confidences, and a finite threshold")
    ax.set_yscale("log")
    ax.axvspan(-1e9, threshold, color=_SHADE, lw=0, zorder=0)
    ax.axvline(threshold, color=style.INK, lw=0.8, zorder=3)
    ax.scatter(confidence, np.maximum(error, _LEAST_M), s=4, lw=0, alpha=0.45, color=style.SET_COLOUR[name], zorder=2)
    return confidence.min(), confidence.max()


def _say(ax: Axes, shown, threshold: float) -> None:
    """Write above the samples, on the wider side of the threshold."""
    left = threshold > sum(ax.get_xlim()) / 2
    rho = f"{shown.rho:.2f}".replace("-", "−")
    low = (np.asarray(shown.confidence) < threshold).mean()
    ax.text(0.03 if left else 0.98, 0.97, f"Spearman ρ = {rho}\n{100 * low:.0f} % low-confidence",
            transform=ax.transAxes, fontsize=6.5, ha="left" if left else "right", va="top")
