"""The rule of the hybrid of two models, sample by sample: the two confidences, and which model was nearer."""

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rsslib.project import InputError
from rsslib.reports import style

LEAST = 0.03
"""A confidence below this share of its threshold is drawn on the edge of the panel, which then says so."""

_LOOK = {"july": {"marker": "v", "color": style.SET_COLOUR["july"]},
         "november": {"marker": "^", "color": style.SET_COLOUR["november"]}}
_TINT = {"july": "#FBEDEA", "november": "#E6F1F8"}
_LEGEND_IN = 4.45


@style.styled
def confidence_duel(panels: Mapping[str, SimpleNamespace], note: str, synthetic: bool = False) -> Figure:
    """Draw two models' confidences of each sample, coloured by the model that was truly nearer (see Table IV).

    Input: title -> fields first and second, (n,) the confidences of the July and the November model, each divided
    by its own low-confidence threshold (1: the threshold); first_better, (n,) bool, True where the July model was
    nearer; rate, the share of samples for which the more confident model was the nearer one, 0..1.

    Errors: InputError for no panel, a missing field, lengths that differ, or a value that is not finite or negative.
    Example
    -------
    >>> confidence_duel({"July": SimpleNamespace(first=a, second=b, first_better=nearer, rate=0.86)},
    ...                 "quick profile")   # doctest: +SKIP
    """
    if not panels:
        raise InputError("confidence_duel: no panel given; expected for instance July, November, April")
    checked = {title: _checked(panel, f"confidence_duel, {title}") for title, panel in panels.items()}
    values = np.concatenate([both.ravel() for both, _ in checked.values()])
    limits = LEAST, 1.3 * max(values.max(), 4)
    marks = {mark: f"{mark:g}" for mark in (0.03, 0.1, 0.3, 1, 3, 10, 30) if mark < limits[1]}
    if values.min() < LEAST:
        marks[LEAST] = f"≤{LEAST:g}"
    fig = style.page(style.PAGE_IN, 2.6, note, synthetic, _LEGEND_IN)
    axes = fig.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for ax, (title, (both, first_better)) in zip(axes, checked.items()):
        _rule(ax, *limits, marks)
        _scatter(ax, np.maximum(both, limits[0]), first_better)
        ax.set_title(title)
        ax.set_title(f"best choice {100 * panels[title].rate:.1f} % of {len(first_better)}", loc="right",
                     fontsize=6.5, fontweight="normal")
        ax.set_xlabel("July model's confidence / its threshold")
    axes[0].set_ylabel("November model's confidence / its threshold")
    _legend(fig)
    return fig


def _checked(panel: SimpleNamespace, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidences, (2, n), and where the first model was nearer, (n,)."""
    style.need(vars(panel), ("first", "second", "first_better", "rate"), what)
    first, second = (np.asarray(values, dtype=float) for values in (panel.first, panel.second))
    first_better = np.asarray(panel.first_better, dtype=bool)
    if not first.ndim == 1 or not first.shape == second.shape == first_better.shape or not len(first):
        raise InputError(f"{what}: expected first, second and first_better of one length (n,), n above 0; "
                         f"found shapes {first.shape}, {second.shape} and {first_better.shape}")
    both = np.stack([first, second])
    if not (np.isfinite(both).all() and both.min() >= 0 and 0 <= panel.rate <= 1):
        raise InputError(f"{what}: expected finite confidences, not negative, and a rate from 0 to 1")
    return both, first_better


def _rule(ax: Axes, low: float, high: float, marks: Mapping[float, str]) -> None:
    """Shade where the hybrid takes which model, mark the two thresholds, and set both axes: marks, value -> text."""
    edge = [low, high]
    ax.fill_between(edge, edge, high, color=_TINT["november"], lw=0, zorder=0)
    ax.fill_between(edge, low, edge, color=_TINT["july"], lw=0, zorder=0)
    ax.plot(edge, edge, color=style.INK, lw=0.8, zorder=1)
    ax.axvline(1, color=style.GREY, lw=0.7, ls=(0, (4, 2)), zorder=1)
    ax.axhline(1, color=style.GREY, lw=0.7, ls=(0, (4, 2)), zorder=1)
    ax.set(xscale="log", yscale="log", xlim=edge, ylim=edge, box_aspect=1)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(list(marks), list(marks.values()))
    beside = {"fontsize": 6, "fontweight": "bold", "textcoords": "offset points"}
    ax.annotate("hybrid takes November", (0, 1), (5, -5), xycoords="axes fraction", va="top", **beside,
                color=style.darker(style.SET_COLOUR["november"]))
    ax.annotate("hybrid takes July", (1, 0), (-5, 6), xycoords=ax.get_xaxis_transform(), ha="right", **beside,
                color=style.darker(style.SET_COLOUR["july"]))


def _scatter(ax: Axes, both: np.ndarray, first_better: np.ndarray) -> None:
    chosen = {"july": first_better, "november": ~first_better}
    for name in sorted(chosen, key=lambda name: -chosen[name].sum()):  # the smaller group is drawn on top
        ax.scatter(*both[:, chosen[name]], s=9, alpha=0.75, edgecolors="white", linewidths=0.25, clip_on=False,
                   zorder=3, **_LOOK[name])


def _legend(fig: Figure) -> None:
    handles = [Line2D([], [], ls="", ms=4, **look) for look in _LOOK.values()]
    handles.append(Line2D([], [], color=style.GREY, lw=0.7, ls=(0, (4, 2))))
    labels = ["July model truly nearer", "November model truly nearer", "low-confidence thresholds"]
    legend = fig.legend(handles, labels, loc="lower right", ncols=3, columnspacing=1.2, borderpad=0.2,
                        borderaxespad=0.1)
    legend.set_in_layout(False)
