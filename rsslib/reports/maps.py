"""Maps: locations in km, scale bar, north arrow, marks of locations, sensors with their readings, unseen cells."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.transforms import offset_copy

from rsslib.data import splits
from rsslib.data.grid import Grid, transmitters
from rsslib.reports import style

HALO = [withStroke(linewidth=2.5, foreground="white")]
CROSS = "#D7301F"
MARKS_IN = 3.0
"""Width of the legend of `marks` below a figure [inches]."""
_OPEN_CROSS = Path([(sign * x * part, x * part) for x in (1, -1) for sign in (1, -1) for part in (0.42, 1.0)],
                   [Path.MOVETO, Path.LINETO] * 4)    # four arms, so that what they point at stays visible
_MARKS: dict[str, dict[str, Any]] = {
    "truth": {"marker": "*", "s": 52, "facecolors": "none", "edgecolors": style.INK, "linewidths": 1.1},
    "estimate": {"marker": _OPEN_CROSS, "s": 110, "facecolors": "none", "edgecolors": CROSS, "linewidths": 1.6},
}
"""Open marks: what lies below them stays visible, also where one lies on the other."""


def to_km(grid: Grid, x, y):
    """Easting and northing [m] to km from the south-western corner of the grid, as `Grid.extent_km`."""
    return (x - grid.x0 + grid.pixel_m / 2) / 1000, (y - grid.y0 + grid.pixel_m / 2) / 1000


def mark(ax: Axes, grid: Grid, **locations) -> None:
    """Mark locations (x, y) [m]: the `truth` with an open star, the `estimate` with an open cross."""
    for kind, location in locations.items():
        ax.scatter(*to_km(grid, *location), zorder=6, clip_on=False, path_effects=HALO, **_MARKS[kind])


def marks(estimate: str) -> list[Line2D]:
    """Return a legend's handles for the star and the cross."""
    return [Line2D([], [], ls="", marker="*", ms=7, mec=style.INK, mew=1, mfc="none",
                   label="true location of the transmitter"),
            Line2D([], [], ls="", marker=_OPEN_CROSS, ms=7.5, mec=CROSS, mew=1.6, mfc="none", label=estimate)]


def sensors(ax: Axes, image: np.ndarray, grid: Grid, **look) -> PathCollection:
    """Draw what is not NaN in an image of readings as dots on their map, the strongest on top, all in one look."""
    furnish(ax, *grid.extent_km)
    ax.set_facecolor("#F7F8FA")
    row, column = np.nonzero(~np.isnan(image))
    strongest_last = np.argsort(image[row, column])
    row, column = row[strongest_last], column[strongest_last]
    return ax.scatter(*to_km(grid, *grid.to_metres(column, row)), c=image[row, column], vmin=0, zorder=3,
                      **{"cmap": "YlOrRd", "s": 22, "edgecolors": style.INK, "linewidths": 0.4} | look)


def furnish(ax: Axes, west: float, east: float, south: float, north: float) -> None:
    """Make `ax` a map over an extent [km]: equal aspect, thin frame, scale bar and north arrow below it."""
    ax.set(xlim=(west, east), ylim=(south, north), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color="#C9D0D8")
    longest = (east - west) / 3 * (1 + 1e-9)    # a third of 0.3 is not quite 0.1
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


def sheet(number: int, most: int, tall: float, feet: tuple[float, float], note: str, told: style.Told, synthetic: bool,
          bar_in: float = 0.0) -> tuple[style.Page, np.ndarray]:
    """Return a figure of `number` maps, at most `most` in a row, each `tall` times as high as it is wide.

    There are `feet` inches below each row and above them all, and `bar_in` inches for a colour bar at the right.
    """
    rows = -(-number // most)
    columns = -(-number // rows)
    width = style.COLUMN_IN if columns == 1 else style.PAGE_IN
    fig = style.page(width, ((width - bar_in) / columns * tall + feet[0]) * rows + feet[1], note, told, synthetic)
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
