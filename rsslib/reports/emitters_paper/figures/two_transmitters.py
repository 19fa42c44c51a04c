"""Two transmitters at once: how often the count is right, and how far off the places are."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rsslib.project import InputError
from rsslib.reports import style

_LOOK = {"trained on sums": ("#004488", "D"), "two peaks": ("#DDAA33", "o")}
_FIXED = "two fixed places"
_SETS = ("one transmitter", "two transmitters")


@style.styled
def two_transmitters(records: Sequence[Mapping], note: str, synthetic: bool = False) -> Figure:
    """Draw the share of right counts and the median error of both places, for both methods, and what no reading gives.

    Input: records with method ("trained on sums", "two peaks"), set ("one transmitter", "two transmitters"), n,
    count_accuracy 0..1, two_taken_median_m [m] (of the second set) and their ci95_<name> (low, high); one of the method
    "two fixed places" for the second set, drawn as a line.
    Errors: InputError for a missing record or key.
    Example
    -------
    >>> two_transmitters(records, "quick profile")   # doctest: +SKIP
    """
    cells = {(record.get("method"), record.get("set")): record for record in records}
    for method in _LOOK:
        for name in _SETS:
            if (method, name) not in cells:
                raise InputError(f"two_transmitters: there is no record of {method}, {name}; add it")
            style.need(cells[method, name], ("n", "count_accuracy", "ci95_count_accuracy"), "two_transmitters")
    if (_FIXED, _SETS[1]) not in cells:
        raise InputError(f"two_transmitters: there is no record of {_FIXED}, {_SETS[1]}; add it")
    fig = style.page(style.PAGE_IN, 2.3, note, synthetic)
    left, right = fig.subplots(1, 2, width_ratios=[3, 2])
    for row, name in enumerate(_SETS):
        _dots(left, row, {method: cells[method, name] for method in _LOOK}, "count_accuracy", 100)
    left.set_xticks(range(2), [f"{name}\nn = {cells['two peaks', name]['n']}" for name in _SETS])
    left.set(xlim=(-0.5, 1.5), ylim=(0, 108), title="Right count [% of the samples]")
    _dots(right, 0, {method: cells[method, _SETS[1]] for method in _LOOK}, "two_taken_median_m", 1)
    right.set_xticks([0], ["two transmitters,\nboth places taken"])
    right.set(xlim=(-0.5, 0.5), title="Median error of a pair [m]")
    style.need(cells[_FIXED, _SETS[1]], ("two_taken_median_m",), "two_transmitters")
    fixed = cells[_FIXED, _SETS[1]]["two_taken_median_m"]
    right.axhline(fixed, color=style.GREY, ls="--", lw=1)
    right.annotate(f"{_FIXED}, whatever is read: {fixed:.0f}", (0, fixed), (0, 3), textcoords="offset points",
                   ha="center", fontsize=6, color=style.GREY)
    right.set_ylim(0, 1.15 * max(fixed, right.get_ylim()[1]))
    handles = [Line2D([], [], ls="", marker=marker, color=colour, ms=5) for colour, marker in _LOOK.values()]
    left.legend(handles, list(_LOOK), loc="lower left")
    return fig


def _dots(ax: Axes, at: float, by_method: Mapping[str, Mapping], key: str, scale: float) -> None:
    ax.grid(axis="y")
    for offset, (method, record) in zip((-0.12, 0.12), by_method.items()):
        colour, marker = _LOOK[method]
        style.need(record, (key, f"ci95_{key}"), "two_transmitters")
        low, high = (scale * end for end in record[f"ci95_{key}"])
        ax.plot([at + offset] * 2, [low, high], color=colour, lw=1.6, alpha=0.6, solid_capstyle="butt")
        ax.plot(at + offset, scale * record[key], marker=marker, color=colour, ms=5)
        ax.annotate(f"{scale * record[key]:.0f}", (at + offset, high), (0, 4), textcoords="offset points", ha="center",
                    fontsize=6, color=style.darker(colour))
