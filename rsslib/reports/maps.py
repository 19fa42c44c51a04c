"""Maps: places in km, scale bar, north arrow, marks of places; Figure 3, the data separations."""

import re
from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.transforms import offset_copy

from rsslib.data import splits
from rsslib.data.grid import Grid
from rsslib.project import InputError
from rsslib.reports import style

_HALO = [withStroke(linewidth=2.2, foreground="white")]
_MARKS = {
    "truth": {"marker": "*", "s": 70, "c": style.INK, "edgecolors": "white", "linewidths": 0.7},
    "estimate": {"marker": "x", "s": 30, "c": "#D7301F", "linewidths": 1.6, "path_effects": _HALO},
}


def to_km(grid: Grid, x, y):
    """Easting and northing [m] to km from the south-western corner of the grid, as `Grid.extent_km`."""
    return (x - grid.x0 + grid.pixel_m / 2) / 1000, (y - grid.y0 + grid.pixel_m / 2) / 1000


def mark(ax: Axes, grid: Grid, place, kind: str, size: float = 1.0) -> None:
    """Mark a place (x, y) [m]: "truth" with a star, "estimate" with a cross."""
    look = _MARKS[kind] | {"s": size * _MARKS[kind]["s"]}
    ax.scatter(*to_km(grid, *place), zorder=6, clip_on=False, **look)


MARKS_IN = 3.0
"""Width of the legend of `marks_legend` [inches]."""


def marks_legend(fig: Figure, estimate: str) -> None:
    """Explain the star and the cross, beside the note."""
    handles = [Line2D([], [], ls="", marker="*", ms=8, mec="white", mew=0.6, color=style.INK),
               Line2D([], [], ls="", marker="x", ms=5, mew=1.6, color=_MARKS["estimate"]["c"])]
    legend = fig.legend(handles, ["true place of the transmitter", estimate], loc="lower right", ncols=2,
                        columnspacing=1.2, borderpad=0.2, borderaxespad=0.1)
    legend.set_in_layout(False)


def furnish(ax: Axes, west: float, east: float, south: float, north: float) -> None:
    """Make `ax` a map over an extent [km]: equal aspect, thin frame, scale bar and north arrow below it."""
    ax.set(xlim=(west, east), ylim=(south, north), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color="#C9D0D8")
    longest = (east - west) / 3
    power = 10.0 ** np.floor(np.log10(longest))
    length = max(step * power for step in (1, 2, 5) if step * power <= longest)
    below = offset_copy(ax.get_xaxis_transform(), ax.figure, y=-6, units="points")
    label = f"{length:g} km" if length >= 1 else f"{1000 * length:g} m"
    ax.plot([west, west + length], [0, 0], transform=below, color=style.INK, lw=1.6, clip_on=False,
            solid_capstyle="butt")
    ax.annotate(label, (west + length, 0), (3, 0), xycoords=below, textcoords="offset points",
                va="center_baseline", fontsize=6)
    corner = offset_copy(ax.transAxes, ax.figure, x=-4, units="points")
    ax.annotate("N", (1, 0), (0, -13), xycoords=corner, textcoords="offset points", ha="center", va="center",
                fontsize=6, fontweight="bold",
                arrowprops={"arrowstyle": "-|>,head_width=0.13,head_length=0.3", "color": style.INK,
                            "lw": 0.8, "shrinkA": 1, "shrinkB": 2})


@style.styled
def split_maps(dataset: xr.Dataset, sets_by_split: Mapping[str, Mapping], note: str, synthetic: bool = False,
               seed: int = 0) -> Figure:
    """Draw the transmitters' places in each data separation, coloured by set (Figure 3 of paper 1).

    Input: the Measurements Dataset; sets_by_split, split name -> set name -> sample indices, as
    `rsslib.splits.make` gives them (a panel for each, up to four in a row); seed, the one the splits were
    made with. A seasonal split shows the three seasons, a gridN split shades its unseen cells.

    Errors: InputError for no split, an unknown one, or a gridN made with another seed.
    Example
    -------
    >>> split_maps(ds, {name: splits.make(ds, name) for name in ("random", "july", "grid2", "grid5")},
    ...            note="n = 4578, quick profile")   # doctest: +SKIP
    """
    if not sets_by_split:
        raise InputError("split_maps: no split given; expected for instance random, july, grid2, grid5")
    columns = min(len(sets_by_split), 4)
    rows = -(-len(sets_by_split) // columns)
    tall = float(np.divide(*site(dataset)[1][::-1]))
    fig = style.page(style.PAGE_IN, (style.PAGE_IN / columns * tall + 0.65) * rows, note, synthetic)
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(sets_by_split):]:
        ax.set_axis_off()
    for ax, (name, sets) in zip(axes, sets_by_split.items()):
        _split_map(ax, dataset, name, sets, seed)
    return fig


def _split_map(ax: Axes, dataset: xr.Dataset, name: str, sets: Mapping, seed: int) -> None:
    places, size = site(dataset)
    furnish(ax, 0, size[0], 0, size[1])
    ax.set_anchor("N")
    if name in splits.SEASONS:
        title, labels = "Seasonal", dataset.season.values.astype(str)
        shown = [season for season in ("july", "november", "april") if (labels == season).any()]
    elif name == "random" or re.fullmatch(r"grid\d+", name):
        title, shown = name.capitalize(), ["train", "val", splits.report_set(name)]
        style.need(sets, shown, f"split_maps, split {name}")
        labels = np.full(len(places), "", dtype="<U8")
        for key in shown:
            labels[sets[key]] = key
    else:
        raise InputError(f"split_maps: unknown split {name!r}; expected random, july, november or gridN")
    if name.startswith("grid"):
        _shade_cells(ax, dataset, int(name[4:]), sets["ood"], size, seed)
    for key in sorted(shown, key=lambda key: -(labels == key).sum()):  # the smallest set is drawn on top
        ax.scatter(*places[labels == key].T, s=2.2, lw=0, color=style.SET_COLOUR[key])
    ax.set_title(title)
    counts = [f"{style.SETS[key]} {(labels == key).sum()}" for key in shown]
    if name.startswith("grid"):
        counts[-1] += ", shaded cells"
    dots = [Line2D([], [], ls="", marker="o", ms=3.2, color=style.SET_COLOUR[key]) for key in shown]
    ax.legend(dots, counts, loc="upper left", labelspacing=0.3, borderpad=0, handlelength=1,
              bbox_to_anchor=(0, 0),
              bbox_transform=offset_copy(ax.transAxes, ax.figure, y=-15, units="points"))


def site(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the transmitters' places and the size of their site, with the margin of the splits [km]."""
    places = np.stack([dataset.tx_x.values[:, 0], dataset.tx_y.values[:, 0]], axis=1)
    origin = places.min(axis=0) - splits.MARGIN_M
    return (places - origin) / 1000, (places.max(axis=0) + splits.MARGIN_M - origin) / 1000


def _shade_cells(ax: Axes, dataset: xr.Dataset, n: int, unseen, size: np.ndarray, seed: int) -> None:
    test_cells = splits.grid_test_cells(n, seed)
    if not np.isin(splits.cells(dataset, n)[unseen], test_cells).all():
        raise InputError(f"split_maps: the set ood of grid{n} lies outside the unseen cells of seed {seed}; "
                         "pass the seed that the split was made with")
    side = size / n
    for cell in test_cells:
        ax.add_patch(Rectangle((cell // n * side[0], cell % n * side[1]), *side, facecolor="#FCE6D8",
                               edgecolor="none", zorder=0))
    for line in range(1, n):
        ax.axvline(line * side[0], color="#C9D0D8", lw=0.5, zorder=0.5)
        ax.axhline(line * side[1], color="#C9D0D8", lw=0.5, zorder=0.5)
