"""Maps: locations in km, scale bar, north arrow, marks of locations; Figure 3, the data separations."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.transforms import offset_copy

from rsslib.data import splits
from rsslib.data.grid import Grid, transmitters
from rsslib.project import InputError
from rsslib.reports import style

HALO = [withStroke(linewidth=2.5, foreground="white")]
CROSS = "#D7301F"
MARKS_IN = 3.0
"""Width of the legend of `marks` below a figure [inches]."""
_MARKS: dict[str, dict[str, Any]] = {
    "truth": {"marker": "*", "s": 70, "c": style.INK, "edgecolors": "white", "linewidths": 0.7},
    "estimate": {"marker": "x", "s": 30, "c": CROSS, "linewidths": 1.6,
                 "path_effects": [withStroke(linewidth=2.2, foreground="white")]},
}


def to_km(grid: Grid, x, y):
    """Easting and northing [m] to km from the south-western corner of the grid, as `Grid.extent_km`."""
    return (x - grid.x0 + grid.pixel_m / 2) / 1000, (y - grid.y0 + grid.pixel_m / 2) / 1000


def mark(ax: Axes, grid: Grid, location, kind: str, size: float = 1.0) -> None:
    """Mark a location (x, y) [m]: "truth" with a star, "estimate" with a cross."""
    ax.scatter(*to_km(grid, *location), zorder=6, clip_on=False, **_MARKS[kind] | {"s": size * _MARKS[kind]["s"]})


def mark_both(ax: Axes, grid: Grid, truth, estimate, size: float = 1.0) -> None:
    """Mark a transmitter's true location and its estimate."""
    mark(ax, grid, truth, "truth", size)
    mark(ax, grid, estimate, "estimate", size)


def marks(estimate: str) -> list[Line2D]:
    """Return a legend's handles for the star and the cross."""
    return [Line2D([], [], ls="", marker="*", ms=8, mec="white", mew=0.6, color=style.INK,
                   label="true location of the transmitter"),
            Line2D([], [], ls="", marker="x", ms=5, mew=1.6, color=CROSS, label=estimate)]


def sensors(ax: Axes, image: np.ndarray, grid: Grid, **look) -> PathCollection:
    """Draw what is not NaN in an image of readings as dots on their map, the strongest on top."""
    furnish(ax, *grid.extent_km)
    ax.set_facecolor("#F7F8FA")
    row, column = np.nonzero(~np.isnan(image))
    strongest_last = np.argsort(image[row, column])
    row, column = row[strongest_last], column[strongest_last]
    return ax.scatter(*to_km(grid, *grid.to_metres(column, row)), c=image[row, column], vmin=0, zorder=3,
                      **{"edgecolors": style.INK, "linewidths": 0.4} | look)


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


def sheet(number: int, most: int, tall: float, feet: tuple[float, float], note: str, synthetic: bool,
          bar_in: float = 0.0) -> tuple[Figure, np.ndarray]:
    """Return a figure of `number` maps, at most `most` in a row, each `tall` times as high as it is wide.

    There are `feet` inches below each row and above them all, and `bar_in` inches for a colour bar at the right.
    Errors: InputError for no map.
    """
    if not number:
        raise InputError("maps: no data separation to draw; expected at least one gridN, such as grid2")
    rows = -(-number // most)
    columns = -(-number // rows)
    width = style.COLUMN_IN if columns == 1 else style.PAGE_IN
    fig = style.page(width, ((width - bar_in) / columns * tall + feet[0]) * rows + feet[1], note, synthetic)
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[number:]:
        ax.set_axis_off()
    return fig, axes[:number]


def site(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the south-western corner of the site that splits divide [m], its size and all transmitters in it [km]."""
    locations = np.stack(transmitters(dataset), axis=1)
    corner, end = locations.min(axis=0) - splits.MARGIN_M, locations.max(axis=0) + splits.MARGIN_M
    return corner, (end - corner) / 1000, (locations - corner) / 1000


def unseen_cells(ax: Axes, dataset: xr.Dataset, n: int, seed: int, **look) -> None:
    """Draw the unseen cells of an n x n partition on a map of `site`."""
    corner = site(dataset)[0]
    for west, south, east, north in splits.unseen_cells(dataset, n, seed):
        ax.add_patch(Rectangle((np.array([west, south]) - corner) / 1000, (east - west) / 1000, (north - south) / 1000,
                               **look))


@style.styled
def split_maps(dataset: xr.Dataset, sets_by_split: Mapping[str, Mapping], note: str, synthetic: bool = False,
               seed: int = 0) -> Figure:
    """Draw the transmitters' locations in each data separation, coloured by set (Figure 3 of paper 1).

    Input: the Measurements Dataset; split name -> set name -> sample indices, as `rsslib.data.splits.make` gives them
    (a panel for each, up to four in a row); the seed that the splits were made with. A seasonal split shows the three
    seasons, a gridN split shades its unseen cells.

    >>> split_maps(ds, {name: splits.make(ds, name) for name in ("random", "july", "grid2", "grid5")},
    ...            note="n = 4578, quick profile")   # doctest: +SKIP
    """
    width, height = site(dataset)[1]
    fig, axes = sheet(len(sets_by_split), 4, height / width, (0.65, 0.0), note, synthetic)
    for ax, (name, sets) in zip(axes, sets_by_split.items()):
        furnish(ax, 0, width, 0, height)
        ax.set_anchor("N")
        if name in splits.SEASONS:
            seasons = dataset.season.values
            sets = {key: np.flatnonzero(seasons == key) for key in ("july", "november", "april") if key in seasons}
        else:
            sets = {key: sets[key] for key in ("train", "val", splits.report_set(name))}
        if name.startswith("grid"):
            _shade(ax, dataset, int(name.removeprefix("grid")), seed)
        _sets(ax, dataset, sets, ", shaded cells" if "ood" in sets else "")
        ax.set_title("Seasonal" if name in splits.SEASONS else name.capitalize())
    return fig


def _sets(ax: Axes, dataset: xr.Dataset, sets: Mapping[str, np.ndarray], last: str) -> None:
    """Draw the transmitters of each set, the smallest set on top, and count them below; `last` ends the legend."""
    locations = site(dataset)[2]
    for key in sorted(sets, key=lambda key: -len(sets[key])):
        ax.scatter(*locations[sets[key]].T, s=2.2, lw=0, color=style.LOOKS[key].colour)
    counts = [f"{style.LOOKS[key].label} {len(samples)}" for key, samples in sets.items()]
    dots = [Line2D([], [], ls="", marker="o", ms=3.2, color=style.LOOKS[key].colour) for key in sets]
    ax.legend(dots, [*counts[:-1], counts[-1] + last], loc="upper left", labelspacing=0.3, borderpad=0, handlelength=1,
              bbox_to_anchor=(0, 0), bbox_transform=offset_copy(ax.transAxes, ax.figure, y=-15, units="points"))


def _shade(ax: Axes, dataset: xr.Dataset, n: int, seed: int) -> None:
    """Shade the unseen cells of an n x n partition, and draw the lines between all cells."""
    unseen_cells(ax, dataset, n, seed, facecolor="#FCE6D8", edgecolor="none", zorder=0)
    for x, y in (site(dataset)[1] / n * np.arange(1, n)[:, None]):
        ax.axvline(x, color="#C9D0D8", lw=0.5, zorder=0.5)
        ax.axhline(y, color="#C9D0D8", lw=0.5, zorder=0.5)
