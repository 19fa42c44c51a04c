"""Prediction images: Figure 4, one sample under three losses; Figure 6, an ambiguous prediction."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from rsslib.data.grid import Grid
from rsslib.project import InputError
from rsslib.reports import maps, style

_ZOOM = 4.5  # pixels on each side of the peak in the inset


def raster(image, grid: Grid, what: str) -> np.ndarray:
    """Return `image` as an array (height, width); raise InputError if it is not an image on `grid`."""
    image = np.asarray(image, dtype=float)
    if image.shape != grid.shape:
        raise InputError(f"{what}: expected an image of {grid.shape} pixels (rows, columns), "
                         f"found {image.shape}")
    if not (np.isfinite(image).all() and image.max() > 0):
        raise InputError(f"{what}: expected finite pixels with at least one above 0")
    return image


def peak_place(image: np.ndarray, grid: Grid) -> tuple[float, float]:
    """Return easting and northing of the largest pixel [m]."""
    row, column = np.unravel_index(image.argmax(), image.shape)
    return grid.to_metres(int(column), int(row))


def show(ax: Axes, image: np.ndarray, grid: Grid):
    """Draw an image on its map, white at 0 and darkest at its own maximum."""
    drawn = ax.imshow(image, extent=grid.extent_km, cmap=style.IMAGE_COLOURS, vmin=0, vmax=image.max())
    maps.furnish(ax, *grid.extent_km)
    return drawn


@style.styled
def loss_outputs(images: Mapping[str, np.ndarray], truth, decoded: Mapping, grid: Grid, note: str,
                 synthetic: bool = False) -> Figure:
    """Draw what networks trained with CoM, PSE and EMD say of one sample (Figure 4 of paper 1).

    Input: images, loss -> (height, width), each shown on its own colour scale; truth, (x, y) [m]; decoded,
    loss -> (x, y) [m]. PSE and EMD have an inset around their peak, which is a few pixels wide.

    Errors: InputError for a missing loss or an image that is not on `grid`.
    Example
    -------
    >>> loss_outputs({"com": a, "pse": b, "emd": c}, (x, y), decoded, grid, "n = 1")   # doctest: +SKIP
    """
    style.need(images, style.LOSSES, "loss_outputs, images")
    style.need(decoded, style.LOSSES, "loss_outputs, decoded")
    fig = style.page(style.PAGE_IN, 1.98 * grid.height / grid.width + 0.5, note, synthetic, maps.MARKS_IN)
    for ax, (loss, name) in zip(fig.subplots(1, 3), style.LOSSES.items()):
        image = raster(images[loss], grid, f"loss_outputs, {loss}")
        bar = fig.colorbar(show(ax, image, grid), ax=ax, shrink=0.6, aspect=25, pad=0.02)
        bar.set_ticks([0, image.max()], labels=["0", f"{image.max():.2g}"])
        bar.outline.set_visible(False)
        off = np.hypot(*np.subtract(decoded[loss], truth))
        ax.set_title(name, color=style.darker(style.LOSS_COLOUR[loss]))
        ax.set_title(f"{off:.0f} m from the truth", loc="right", fontsize=6.5, fontweight="normal")
        if loss != "com":
            _inset(ax, image, grid, truth, decoded[loss])
        for place, kind in ((truth, "truth"), (decoded[loss], "estimate")):
            maps.mark(ax, grid, place, kind, size=1 if loss == "com" else 0.5)
    maps.marks_legend(fig, "predicted place")
    return fig


def _inset(ax: Axes, image: np.ndarray, grid: Grid, truth, decoded) -> None:
    """Enlarge the peak in the corner that lies farthest from it and from the truth."""
    x, y = maps.to_km(grid, *peak_place(image, grid))
    _, east, _, north = grid.extent_km
    busy = np.array([[x / east, y / north], np.divide(maps.to_km(grid, *truth), (east, north))])
    corners = np.array([[0.03, 0.03], [0.55, 0.03], [0.03, 0.55], [0.55, 0.55]])
    distance = np.linalg.norm(corners[:, None] + 0.21 - busy, axis=2).min(axis=1)
    half = _ZOOM * grid.pixel_m / 1000
    inset = ax.inset_axes([*corners[distance.argmax()], 0.42, 0.42], xlim=(x - half, x + half),
                          ylim=(y - half, y + half), xticks=[], yticks=[])
    inset.imshow(image, extent=grid.extent_km, cmap=style.IMAGE_COLOURS, vmin=0, vmax=image.max())
    inset.set(xlim=(x - half, x + half), ylim=(y - half, y + half))
    inset.spines[:].set(visible=True, color=style.GREY)
    ax.indicate_inset_zoom(inset, edgecolor=style.GREY, alpha=1, lw=0.6)
    for place, kind in ((truth, "truth"), (decoded, "estimate")):
        if np.abs(np.subtract(maps.to_km(grid, *place), (x, y))).max() < half:
            maps.mark(inset, grid, place, kind)


@style.styled
def ambiguous(image, sensors_xy_value, truth, peaks: Sequence, grid: Grid, note: str,
              synthetic: bool = False) -> Figure:
    """Draw a prediction image that names several places at once (Figure 6 of paper 1).

    Input: image, (height, width); sensors_xy_value, (sensors, 3) easting, northing [m], RSS [dB]; truth,
    (x, y) [m]; peaks, two or more (x, y, share), the share of the image's mass around each, 0..1.

    Errors: InputError for fewer than two peaks, another shape, or an image that is not on `grid`.
    Example
    -------
    >>> ambiguous(image, readings, (x, y), [(x1, y1, 0.6), (x2, y2, 0.3)], grid, "n = 1")   # doctest: +SKIP
    """
    image = raster(image, grid, "ambiguous")
    sensors, peaks = np.asarray(sensors_xy_value, dtype=float), np.asarray(peaks, dtype=float)
    if sensors.ndim != 2 or sensors.shape[1] != 3:
        raise InputError(f"ambiguous: expected sensors (n, 3): x, y, RSS; found shape {sensors.shape}")
    if peaks.ndim != 2 or peaks.shape[1] != 3 or len(peaks) < 2:
        raise InputError(f"ambiguous: expected at least two peaks (x, y, share), found shape {peaks.shape}")
    fig = style.page(style.COLUMN_IN, 2.9 * grid.height / grid.width + 0.35, note, synthetic)
    ax = fig.subplots()
    show(ax, image, grid)
    dots = ax.scatter(*maps.to_km(grid, sensors[:, 0], sensors[:, 1]), c=sensors[:, 2], cmap="YlOrRd", s=22,
                      edgecolors=style.INK, linewidths=0.5, zorder=4)
    bar = fig.colorbar(dots, ax=ax, shrink=0.7, aspect=30, pad=0.02, label="RSS at the sensors [dB]")
    bar.outline.set_visible(False)
    maps.mark(ax, grid, truth, "truth")
    ax.set_title("star: true place of the transmitter", fontsize=6.5, fontweight="normal")
    for letter, (x, y, share) in zip("ABCDEFGH", peaks):
        _letter(ax, grid, x, y, f"{letter}  {100 * share:.0f} %")
    return fig


def _letter(ax: Axes, grid: Grid, x: float, y: float, text: str) -> None:
    """Write beside a peak, towards the middle of the map."""
    place = maps.to_km(grid, x, y)
    _, east, _, _ = grid.extent_km
    side = 1 if place[0] < east / 2 else -1
    ax.scatter(*place, s=150, facecolors="none", edgecolors=style.RED, linewidths=1, zorder=5)
    ax.annotate(text, place, (10 * side, 0), textcoords="offset points", va="center", zorder=7,
                ha="left" if side > 0 else "right", fontweight="bold", color=style.RED,
                path_effects=[withStroke(linewidth=2.5, foreground="white")])
