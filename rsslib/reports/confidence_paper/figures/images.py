"""Prediction images: Figure 2 (the pipeline), Figure 4 (one sample, three losses), Figure 6 (an ambiguous one)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import ConnectionPatch, Rectangle

from rsslib.data.grid import Grid
from rsslib.reports import drawing, maps, style

Location = tuple[float, float]

_LEVELS = ((0.70, 0.035), (0.52, 0.05), (0.35, 0.07), (0.2, 0.1))  # height and width of a UNet level
_SHADES = ("#C6DBEA", "#8FB9D8", "#4A8ABD", "#0B4A82")
_ARROWS = (("in", "net", (1.03, 0.5), (0.1, 0.5)), ("net", "out", (0.9, 0.5), (-0.03, 0.5)),
           ("out", "com", (1.02, 0.6), (-0.04, 0.5)), ("out", "target", (1.02, 0.4), (-0.04, 0.5)))
_ZOOM = 4.5  # pixels on each side of the peak in the inset


def peak(image: np.ndarray, grid: Grid) -> Location:
    """Return easting and northing of the largest pixel [m]."""
    row, column = np.unravel_index(image.argmax(), image.shape)
    return grid.to_metres(int(column), int(row))


def _show(ax: Axes, image: np.ndarray, grid: Grid) -> AxesImage:
    """Draw an image on its map, white at 0 and darkest at its own maximum."""
    return ax.imshow(image, extent=grid.extent_km, cmap=style.IMAGE_COLOURS, vmin=0, vmax=image.max())


def _off(estimate: Location, truth: Location) -> str:
    return f"{np.hypot(*np.subtract(estimate, truth)):.0f} m"


@style.styled
def pipeline(sensor_image: np.ndarray, prediction_image: np.ndarray, truth: Location, prediction: Location, grid: Grid,
             note: str, synthetic: bool = False) -> Figure:
    """Draw the CNN localization pipeline on one sample (Figure 2 of paper 1).

    Input: sensor_image, (height, width) scaled RSS, NaN where no sensor is drawn; prediction_image, (height, width);
    truth and prediction, (x, y) [m]. On the right, the image is read as in regression (its centre of mass) and as a
    target image (its largest pixel, beside the 3 x 3 target).

    >>> pipeline(rss, image, (x, y), (x_hat, y_hat), grid, "n = 1, quick profile")   # doctest: +SKIP
    """
    tall = grid.height / grid.width
    fig = style.page(style.PAGE_IN, 2.0 * tall + 0.65, note, synthetic, maps.MARKS_IN)
    axes = fig.subplot_mosaic([["in", "net", "out", "com"], ["in", "net", "out", "target"]],
                              width_ratios=[1.35, 1.0, 1.35, 0.92])
    maps.sensors(axes["in"], sensor_image, grid, cmap="YlOrRd", s=20)
    axes["in"].set_title("1  Sensors (darker: stronger)")
    _unet(axes["net"], 1.35 * tall)
    _show(axes["out"], prediction_image, grid)
    maps.furnish(axes["out"], *grid.extent_km)
    axes["out"].set_title("3  Prediction image")
    maps.mark(axes["out"], grid, prediction, "estimate", size=0.5)
    corner, side = _readings(axes["com"], axes["target"], prediction_image, truth, grid)
    axes["out"].add_patch(Rectangle(corner, side, side, facecolor="none", edgecolor=style.GREY, lw=0.8))
    for name, size in (("in", 1), ("out", 0.5), ("com", 1), ("target", 1)):
        maps.mark(axes[name], grid, truth, "truth", size)
    for start, end, at_start, at_end in _ARROWS:
        arrow = ConnectionPatch(at_start, at_end, "axes fraction", "axes fraction", axesA=axes[start], axesB=axes[end],
                                arrowstyle="-|>", mutation_scale=9, lw=1.3, color=style.GREY)
        arrow.set_in_layout(False)  # the arrow follows the layout; it must not widen it
        fig.add_artist(arrow)
    drawing.legend_below(fig, maps.marks("location read from the image"))
    return fig


def _unet(ax: Axes, box_aspect: float) -> None:
    """Draw a UNet: levels shrink and widen to the middle, grow back, skip connections across."""
    ax.set(xlim=(0, 1), ylim=(0, 1), box_aspect=box_aspect)
    ax.set_axis_off()
    ax.set_title("2  CNN (UNet)", loc="center")
    path, gap = [0, 1, 2, 3, 2, 1, 0], 0.03
    widths = np.array([_LEVELS[level][1] for level in path])
    left = 0.5 - widths.sum() / 2 - gap * 3 + np.append(0, np.cumsum(widths + gap)[:-1])
    for x, level in zip(left, path):
        height, width = _LEVELS[level]
        ax.add_patch(Rectangle((x, 0.5 - height / 2), width, height, facecolor=_SHADES[level], edgecolor="white",
                               lw=0.5))
    for level in range(3):
        y = 0.465 + _LEVELS[level][0] / 2
        ax.annotate("", (left[-1 - level], y), (left[level] + widths[level], y),
                    arrowprops={"arrowstyle": "->", "lw": 0.6, "shrinkA": 0, "shrinkB": 0, "color": style.GREY})


def _readings(com: Axes, target: Axes, image: np.ndarray, truth: Location, grid: Grid) -> tuple[np.ndarray, float]:
    """Draw both readings of the image in one window; return its south-western corner and its side [km]."""
    row, column = np.indices(image.shape)
    centre = grid.to_metres(*(float((image * axis).sum() / image.sum()) for axis in (column, row)))
    here, *read = (np.array(maps.to_km(grid, *location)) for location in (truth, centre, peak(image, grid)))
    low, high = np.min([here, *read], axis=0), np.max([here, *read], axis=0)
    pixel, (_, east, _, north) = grid.pixel_m / 1000, grid.extent_km
    side = max(12 * pixel, 1.4 * (high - low).max())
    corner = np.clip((low + high - side) / 2, 0, np.maximum((east - side, north - side), 0))
    texts = (("4a  Regression", "centre of mass"), ("4b  Target image", "largest pixel"))
    for ax, location, (title, reading), there in zip((com, target), (centre, peak(image, grid)), texts, read):
        ax.set_facecolor(style.IMAGE_COLOURS(0.0))
        _show(ax, image, grid)
        maps.furnish(ax, corner[0], corner[0] + side, corner[1], corner[1] + side)
        ax.plot(*np.transpose([here, there]), color=style.RED, lw=0.8, ls=(0, (2, 2)))
        ax.set_title(title, pad=12)
        ax.annotate(f"{reading}: {_off(location, truth)} off", (0, 1), (0, 3), fontsize=6, xycoords="axes fraction",
                    textcoords="offset points")
        maps.mark(ax, grid, location, "estimate")
    target.add_patch(Rectangle(np.floor(here / pixel) * pixel - pixel, 3 * pixel, 3 * pixel, facecolor="none",
                               edgecolor=style.INK, lw=0.8))
    return corner, side


@style.styled
def loss_outputs(images: Mapping[str, np.ndarray], truth: Location, decoded: Mapping[str, Location], grid: Grid,
                 note: str, synthetic: bool = False) -> Figure:
    """Draw the images that networks trained with CoM, PSE and EMD predict of one sample (Figure 4 of paper 1).

    Input: images, loss -> (height, width), each shown on its own colour scale; truth, (x, y) [m]; decoded, loss ->
    (x, y) [m]. PSE and EMD have an inset around their peak, which is a few pixels wide.

    >>> loss_outputs({"com": a, "pse": b, "emd": c}, (x, y), decoded, grid, "n = 1")   # doctest: +SKIP
    """
    fig = style.page(style.PAGE_IN, 1.98 * grid.height / grid.width + 0.5, note, synthetic, maps.MARKS_IN)
    for ax, (loss, image) in zip(fig.subplots(1, 3), images.items()):
        bar = drawing.bar(fig, _show(ax, image, grid), ax, shrink=0.6, aspect=25)
        bar.set_ticks([0, image.max()], labels=["0", f"{image.max():.2g}"])
        maps.furnish(ax, *grid.extent_km)
        ax.set_title(style.LOOKS[loss].label, color=style.darker(style.LOOKS[loss].colour))
        drawing.subtitle(ax, f"{_off(decoded[loss], truth)} from the truth")
        if loss != "com":
            _inset(ax, image, grid, truth, decoded[loss])
        maps.mark_both(ax, grid, truth, decoded[loss], size=1 if loss == "com" else 0.5)
    drawing.legend_below(fig, maps.marks("predicted location"))
    return fig


def _inset(ax: Axes, image: np.ndarray, grid: Grid, truth: Location, decoded: Location) -> None:
    """Enlarge the peak in the corner that lies farthest from it and from the truth."""
    middle, (_, east, _, north) = np.array(maps.to_km(grid, *peak(image, grid))), grid.extent_km
    busy = np.divide([middle, maps.to_km(grid, *truth)], (east, north))
    corners = np.array([[0.03, 0.03], [0.55, 0.03], [0.03, 0.55], [0.55, 0.55]])
    distance = np.linalg.norm(corners[:, None] + 0.21 - busy, axis=2).min(axis=1)
    inset = ax.inset_axes([*corners[distance.argmax()], 0.42, 0.42], xticks=[], yticks=[])
    _show(inset, image, grid)
    half = _ZOOM * grid.pixel_m / 1000
    x, y = np.stack([middle - half, middle + half], axis=1)
    inset.set(xlim=x, ylim=y)
    inset.spines[:].set(visible=True, color=style.GREY)
    ax.indicate_inset_zoom(inset, edgecolor=style.GREY, alpha=1, lw=0.6)
    for location, kind in ((truth, "truth"), (decoded, "estimate")):
        if np.abs(np.subtract(maps.to_km(grid, *location), middle)).max() < half:
            maps.mark(inset, grid, location, kind)


@style.styled
def ambiguous(image: np.ndarray, sensors: np.ndarray, truth: Location, modes: Sequence[tuple[float, float, float]],
              grid: Grid, note: str, synthetic: bool = False) -> Figure:
    """Draw a prediction image that marks several locations at once (Figure 6 of paper 1).

    Input: image, (height, width); sensors, (n, 3) easting, northing [m], RSS [dB]; truth, (x, y) [m]; modes, (x, y,
    share) each, the share of the image's mass around it, 0..1.

    >>> ambiguous(image, readings, (x, y), [(x1, y1, 0.6), (x2, y2, 0.3)], grid, "n = 1")   # doctest: +SKIP
    """
    fig = style.page(style.COLUMN_IN, 2.9 * grid.height / grid.width + 0.35, note, synthetic)
    ax = fig.subplots()
    _show(ax, image, grid)
    maps.furnish(ax, *grid.extent_km)
    dots = ax.scatter(*maps.to_km(grid, sensors[:, 0], sensors[:, 1]), c=sensors[:, 2], cmap="YlOrRd", s=22,
                      edgecolors=style.INK, linewidths=0.5, zorder=4)
    drawing.bar(fig, dots, ax, label="RSS at the sensors [dB]")
    maps.mark(ax, grid, truth, "truth")
    drawing.subtitle(ax, "star: true location of the transmitter", "left")
    for letter, (x, y, share) in zip("ABCDEFGH", modes):
        location = maps.to_km(grid, x, y)
        side = 1 if location[0] < grid.extent_km[1] / 2 else -1    # towards the middle of the map
        ax.scatter(*location, s=150, facecolors="none", edgecolors=style.RED, linewidths=1, zorder=5)
        ax.annotate(f"{letter}  {100 * share:.0f} %", location, (10 * side, 0), textcoords="offset points", zorder=7,
                    va="center", ha="left" if side > 0 else "right", fontweight="bold", color=style.RED,
                    path_effects=maps.HALO)
    return fig
