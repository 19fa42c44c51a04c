"""The hybrid of two seasonal models, Table IV: its errors, and how often it takes the better of the two."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rsslib.project import InputError
from rsslib.reports import drawing, style

HYBRID_COLOUR = "#AA3377"  # of P. Tol's "bright" scheme: no loss and no set has it
_MODELS = {"july": "July model", "november": "November model", "hybrid": "hybrid"}
_SEASONS = ("july", "november", "april")
_COLOUR = {"july": style.SET_COLOUR["july"], "november": style.SET_COLOUR["november"], "hybrid": HYBRID_COLOUR}
_MARKER = {"july": "v", "november": "^", "hybrid": "o"}
_DASH = (0, (4, 2))


def by_keys(records: Sequence[Mapping], names: Mapping[str, Iterable], what: str) -> dict[tuple, Mapping]:
    """Return the record of each combination of the values in `names`, key -> values: each must be there once."""
    def check(record: Mapping, where: str) -> None:
        style.need(record, ("median_m", "ci95_m", "n"), where)
        _within((record["median_m"], *record["ci95_m"]), np.inf, f"{where}, median_m and ci95_m [m]")

    cells, _ = drawing.by_keys(records, names, what, check, complete=False)
    for place in product(*names.values()):
        if place not in cells:
            raise InputError(f"{what}: there is no record of {', '.join(map(str, place))}; add it")
    return cells


def _within(values: Sequence[float], most: float, what: str) -> None:
    """Raise InputError unless these are a value, low and high, from 0 to `most` and low not above high."""
    numbers = np.array(values, dtype=float)
    good = len(numbers) == 3 and np.isfinite(numbers).all() and (0 <= numbers).all() and (numbers <= most).all()
    if not good or numbers[1] > numbers[2]:
        raise InputError(f"{what}: expected a value and its interval (low, high), finite, from 0 to {most:g}; "
                         f"found {', '.join(map(str, values))}")


@style.styled
def hybrid_medians(records: Sequence[Mapping], paper: Mapping | None, note: str, synthetic: bool = False,
                   paper_rates: Mapping[str, float] | None = None) -> Figure:
    """Draw Table IV of paper 1: two seasonal models, their hybrid, and how often it takes the better of the two.

    Input: a record for each set ("july", "november", "april") and model ("july", "november", "hybrid", "oracle":
    always the better model) with median_m, ci95_m (low, high) [m] and n; the hybrid's also with best_choice_rate
    and ci95_best_choice_rate (low, high), 0..1. paper: (set, model) -> printed median [m] or None; paper_rates:
    set -> printed rate, 0..1; both are drawn as open markers.

    Errors: InputError for no records, a missing key, a value out of range, a combination that is missing or given
    twice, or printed values beside synthetic ones.
    Example
    -------
    >>> hybrid_medians(records, {("july", "hybrid"): 55.8}, "quick profile")   # doctest: +SKIP
    """
    if synthetic and (paper or paper_rates):
        raise InputError("hybrid_medians: the synthetic campus is not comparable with the paper; pass paper=None")
    cells = by_keys(records, {"set": _SEASONS, "model": [*_MODELS, "oracle"]}, "hybrid_medians")
    fig = style.page(style.PAGE_IN, 2.4, note, synthetic)
    axes = fig.subplots(1, 2, width_ratios=[5, 2])
    for column, name in enumerate(_SEASONS):
        best = cells[name, "oracle"]["median_m"]
        axes[0].plot([column - 0.4, column + 0.4], [best, best], color=style.GREY, lw=0.8, ls=_DASH, zorder=1)
        for row, model in enumerate(_MODELS):
            record = cells[name, model]
            _dot(axes[0], column + 0.27 * (row - 1), model, (record["median_m"], *record["ci95_m"]),
                 (paper or {}).get((name, model)), aside=0.11)
    axes[0].set(ylim=(0, 1.08 * axes[0].get_ylim()[1]), ylabel="median error [m]")
    _legend(axes[0], bool(paper or paper_rates))
    _rates(axes[1], {name: cells[name, "hybrid"] for name in _SEASONS}, paper_rates or {})
    for ax in axes:
        ax.set_xticks(range(3), [f"{style.SETS[name]}\nn = {cells[name, 'hybrid']['n']}" for name in _SEASONS])
        ax.set_xlim(-0.5, 2.5)
        ax.grid(axis="y")
        ax.tick_params(axis="x", length=0)
    return fig


def _dot(ax: Axes, x: float, model: str, values: Sequence[float], printed: float | None, aside: float) -> None:
    """Draw a value with its low and high, and the printed value, if there is one, `aside` of it."""
    value, low, high = values
    colour, marker = _COLOUR[model], _MARKER[model]
    ax.plot([x, x], [low, high], color=colour, lw=1.6, alpha=0.6, solid_capstyle="butt")
    ax.plot(x, value, marker=marker, color=colour, ms=5)
    ax.annotate(f"{value:.0f}", (x - 0.02, high), (0, 4), textcoords="offset points", ha="center", fontsize=6,
                color=style.darker(colour))
    if printed is not None:
        ax.plot(x + aside, printed, marker=marker, mfc="white", mec=colour, mew=1, ms=4.5, ls="")


def _legend(ax: Axes, printed: bool) -> None:
    looks = [{"ls": "", "marker": _MARKER[model], "ms": 5, "color": _COLOUR[model]} for model in _MODELS]
    looks += [{"lw": 0.8, "ls": _DASH}, {"lw": 1.6, "marker": "o", "ms": 4}, {"ls": "", "marker": "o", "mfc": "white"}]
    labels = [*_MODELS.values(), "always the better model", "ours, 95 % interval", "the paper's printed value"]
    handles = [Line2D([], [], **{"color": style.GREY} | look) for look in looks]
    shown = slice(None if printed else -1)
    ax.legend(handles[shown], labels[shown], loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3,
              columnspacing=1.6, handletextpad=0.6)


def _rates(ax: Axes, hybrids: Mapping[str, Mapping], paper: Mapping[str, float]) -> None:
    """Draw how often the hybrid took the better model in each set, in percent."""
    for column, (name, record) in enumerate(hybrids.items()):
        what = f"hybrid_medians, hybrid on {name}"
        style.need(record, ("best_choice_rate", "ci95_best_choice_rate"), what)
        shares = (record["best_choice_rate"], *record["ci95_best_choice_rate"])
        _within(shares, 1, f"{what}, best_choice_rate and its interval")
        printed = paper.get(name)
        if printed is not None:
            _within((printed, printed, printed), 1, f"hybrid_medians, paper_rates of {name}")
            printed *= 100
        _dot(ax, column - 0.1, "hybrid", [100 * share for share in shares], printed, aside=0.26)
    ax.axhline(50, color=style.GREY, lw=0.9, ls=(0, (1, 1.5)), zorder=1)
    ax.set_title("best choice of the hybrid [%]", fontsize=6.5, fontweight="normal")
    ax.set_yticks([0, 25, 50, 75, 100], ["0", "25", "a coin: 50", "75", "100"])
    ax.set_ylim(0, 105)
