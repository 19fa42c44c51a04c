"""Two transmitters on real measurements: who counts them, and how far off a pair is."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rsslib.reports import drawing, style
from rsslib.reports.emitters_paper.findings import two_transmitters as findings
from rsslib.reports.emitters_paper.two_transmitters import FIXED, MAPS, METHODS, PAIRS, SETS
from rsslib.reports.findings import Records


@style.styled
def two_transmitters(records: Records, pairs: Records, note: str, synthetic: bool | str = False,
                     width: float = style.PAGE_IN) -> style.Page:
    """Draw the share of right counts and the median error of a pair, by each method, and that of two fixed locations.

    Input: what `two_transmitters.records` and `pairs` return.
    """
    cells, narrow = drawing.cells(records, "method", "set"), width == style.COLUMN_IN
    fig = style.page(width, 4.2 if narrow else 2.3, note, findings.figure(records, pairs), synthetic)
    counts, errors = drawing.panels(fig, 2, not narrow, None if narrow else [3, 2])
    _dots(counts, cells, SETS, "count_accuracy", 100)
    _dots(errors, cells, (PAIRS,), "two_taken_median_m", 1)
    counts.set(ylim=(-4, 112), yticks=range(0, 101, 25), title="Right count [% of the samples]")
    fixed, low, high = drawing.with_ends(cells[FIXED, PAIRS], "two_taken_median_m")
    errors.axhspan(low, high, color=style.GREY, alpha=0.18, lw=0)
    errors.axhline(fixed, color=style.GREY, ls="--", lw=1)
    errors.set(ylim=(0, 1.15 * max(high, errors.get_ylim()[1])), title="Median error of a pair [m]")
    line = Line2D([], [], color=style.GREY, ls="--", lw=1,
                  label=f"two fixed locations,\nno measurement used: {fixed:.0f} m")
    errors.legend(handles=[line, Patch(color=style.GREY, alpha=0.18, lw=0, label="its 95 % interval")],
                  loc="lower left")
    value = drawing.ours_and_printed(False, alone="value, 95 % interval")
    drawing.legend_above(fig, [*drawing.handles((*METHODS, MAPS)), *value], 2 if narrow else 4)
    return fig


def _dots(ax: Axes, cells: Mapping[tuple, Mapping], sets: Sequence[str], field: str, scale: float) -> None:
    """Draw a field of all methods' records of each set, times `scale`."""
    for column, name in enumerate(sets):
        for side, method in zip((-0.22, 0.0, 0.22), (*METHODS, MAPS)):
            if (method, name) not in cells:
                continue
            values = drawing.with_ends(cells[method, name], field, scale)
            drawing.dot(ax, column + side, values, style.LOOKS[method], f"{values[0]:.0f}")
    drawing.categories(ax, [f"{name}\nn = {cells[METHODS[0], name]['n']}" for name in sets])
