"""Ranging as the fallback of a network that is not confident, Figure 11: the errors over the cells of GridN."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rsslib.reports import style
from rsslib.reports.confidence_paper.figures import hybrids

_METHODS = {"cnn": "CNN (EMD)", "ranging": "ranging", "hybrid": "hybrid"}
_PANELS = {"val": "In distribution", "ood": "OOD test"}
_COLOUR = {"cnn": style.LOSS_COLOUR["emd"], "ranging": style.GREY, "hybrid": hybrids.HYBRID_COLOUR}
_MARKER = {"cnn": "D", "ranging": "s", "hybrid": "o"}


@style.styled
def grid_sizes(records: Sequence[Mapping], note: str, synthetic: bool = False) -> Figure:
    """Draw the median error of CNN, ranging and hybrid over the cells of GridN (Figure 11 of paper 1).

    Input: a record for each n_cells (N, cells a side), set ("val", "ood") and method ("cnn", "ranging", "hybrid"),
    with median_m, ci95_m (low, high) [m] and n.

    Errors: InputError for no records, a missing key, a value that is no error [m], or a combination that is
    missing or given twice.
    Example
    -------
    >>> grid_sizes(records, "quick profile")   # doctest: +SKIP
    """
    sizes = sorted({record["n_cells"] for record in records if "n_cells" in record})
    cells = hybrids.by_keys(records, {"n_cells": sizes, "set": _PANELS, "method": _METHODS}, "grid_sizes")
    fig = style.page(style.COLUMN_IN, 3.2, note, synthetic)
    axes = fig.subplots(2, 1, sharex=True, sharey=True)
    axes[0].set_ylim(0, 1.05 * max(1, *(record["ci95_m"][1] for record in cells.values())))
    for ax, (name, title) in zip(axes, _PANELS.items()):
        for method in _METHODS:
            _size_line(ax, method, [cells[size, name, method] for size in sizes])
        counts = [cells[size, name, "cnn"]["n"] for size in sizes]
        ax.set_title(title)
        counts = " to ".join(map(str, sorted({min(counts), max(counts)})))
        ax.set_title(f"n = {counts}", loc="right", fontsize=6.5, fontweight="normal")
        ax.set_ylabel("median error [m]")
        ax.grid(axis="y")
        _end_labels(ax, {method: cells[sizes[-1], name, method]["median_m"] for method in _METHODS})
    axes[1].set(xticks=sizes, xlabel="cells a side, N (few = large shift)")
    return fig


def _size_line(ax: Axes, method: str, line: Sequence[Mapping]) -> None:
    """Draw one method's medians and their band; the hybrid's is thin, so that a line under it can be seen."""
    size, wide = [record["n_cells"] for record in line], method != "hybrid"
    low, high = np.transpose([record["ci95_m"] for record in line])
    ax.fill_between(size, low, high, color=_COLOUR[method], alpha=0.16, lw=0)
    ax.vlines(size, low, high, color=_COLOUR[method], alpha=0.5, lw=0.7)
    ax.plot(size, [record["median_m"] for record in line], color=_COLOUR[method], marker=_MARKER[method],
            lw=1.6 if wide else 0.9, ms=4.5 if wide else 3, mec="white", mew=0.4)


def _end_labels(ax: Axes, values: Mapping[str, float], least: float = 0.1) -> None:
    """Name each line at its right end, at least a share `least` of the axis apart."""
    names = sorted(values, key=values.get)
    heights = np.array([values[name] for name in names]) / ax.get_ylim()[1]
    for pair in [0, 1] * 20:
        heights[pair:pair + 2] += np.array([-0.5, 0.5]) * max(0, least - np.diff(heights)[pair])
    for name, height in zip(names, heights):
        ax.annotate(_METHODS[name], (1, height), (1, 0), xycoords="axes fraction", textcoords="offset points",
                    va="center", fontsize=6.5, fontweight="bold", color=style.darker(_COLOUR[name]))
