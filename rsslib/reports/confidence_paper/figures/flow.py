"""Figure 2: from the sensors' readings through the network to a place, and the two ways of reading it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle

from rsslib.data.grid import Grid
from rsslib.reports import maps, style
from rsslib.reports.confidence_paper.figures.images import peak_place, raster, show

_LEVELS = ((0.70, 0.035), (0.52, 0.05), (0.35, 0.07), (0.2, 0.1))  # height and width of a UNet level
_SHADES = ("#C6DBEA", "#8FB9D8", "#4A8ABD", "#0B4A82")


@style.styled
def pipeline(sensor_image, prediction_image, truth, prediction, grid: Grid, note: str,
             synthetic: bool = False) -> Figure:
    """Draw the CNN localization pipeline on one sample (Figure 2 of paper 1).

    Input: sensor_image, (height, width) scaled RSS, NaN where no sensor is drawn (an image without NaN: 0);
    prediction_image, (height, width); truth and prediction, (x, y) [m]. On the right, the image is read as in
    regression (its centre of mass) and as a target image (its largest pixel, beside the 3 x 3 target).

    Errors: InputError for an image that is not on `grid`.
    Example
    -------
    >>> pipeline(rss, image, (x, y), (x_hat, y_hat), grid, "n = 1, quick profile")   # doctest: +SKIP
    """
    rss = np.asarray(sensor_image, dtype=float)
    heard = np.isfinite(rss) if np.isnan(rss).any() else rss > 0
    raster(np.where(heard, 1.0, 0.0), grid, "pipeline, sensor_image")
    image = raster(prediction_image, grid, "pipeline, prediction_image")
    fig = style.page(style.PAGE_IN, 2.0 * grid.height / grid.width + 0.65, note, synthetic, maps.MARKS_IN)
    axes = fig.subplot_mosaic([["in", "net", "out", "com"], ["in", "net", "out", "target"]],
                              width_ratios=[1.35, 1.0, 1.35, 0.92])
    _sensors(axes["in"], rss, heard, grid)
    _unet(axes["net"], 1.35 * grid.height / grid.width)
    show(axes["out"], image, grid)
    axes["out"].set_title("3  Prediction image")
    maps.mark(axes["out"], grid, prediction, "estimate", size=0.5)
    window = _readings(axes["com"], axes["target"], image, truth, grid)
    axes["out"].add_patch(Rectangle(*window, facecolor="none", edgecolor=style.GREY, lw=0.8))
    for name, size in (("in", 1), ("out", 0.5), ("com", 1), ("target", 1)):
        maps.mark(axes[name], grid, truth, "truth", size)
    _arrow(axes["in"], axes["net"], (1.03, 0.5), (0.1, 0.5))
    _arrow(axes["net"], axes["out"], (0.9, 0.5), (-0.03, 0.5))
    _arrow(axes["out"], axes["com"], (1.02, 0.6), (-0.04, 0.5))
    _arrow(axes["out"], axes["target"], (1.02, 0.4), (-0.04, 0.5))
    maps.marks_legend(fig, "place read from the image")
    return fig


def _sensors(ax: Axes, rss: np.ndarray, heard: np.ndarray, grid: Grid) -> None:
    row, column = np.nonzero(heard)
    maps.furnish(ax, *grid.extent_km)
    ax.set_facecolor("#F7F8FA")
    ax.scatter(*maps.to_km(grid, *grid.to_metres(column, row)), c=rss[row, column], cmap="YlOrRd", vmin=0,
               s=20, edgecolors=style.INK, linewidths=0.4)
    ax.set_title("1  Sensors (darker: stronger)")


def _unet(ax: Axes, box_aspect: float) -> None:
    """Draw a UNet: levels shrink and widen to the middle, grow back, skip connections across."""
    ax.set(xlim=(0, 1), ylim=(0, 1), box_aspect=box_aspect)
    ax.set_axis_off()
    ax.set_title("2  CNN (UNet)", loc="center")
    gap, spans, path = 0.03, [], [0, 1, 2, 3, 2, 1, 0]
    x = 0.5 - sum(_LEVELS[level][1] for level in path) / 2 - gap * (len(path) - 1) / 2
    for level in path:
        height, width = _LEVELS[level]
        ax.add_patch(Rectangle((x, 0.5 - height / 2), width, height, facecolor=_SHADES[level],
                               edgecolor="white", lw=0.5))
        spans.append((x, x + width, 0.5 + height / 2))
        x += width + gap
    for level in range(3):
        left, right = spans[level], spans[-1 - level]
        y = left[2] - 0.035
        ax.annotate("", (right[0], y), (left[1], y), arrowprops={"arrowstyle": "->", "lw": 0.6, "shrinkA": 0,
                                                                 "shrinkB": 0, "color": style.GREY})


def _readings(com: Axes, target: Axes, image: np.ndarray, truth, grid: Grid) -> tuple:
    """Show the centre of mass, and the largest pixel beside the 3 x 3 target, in one window; return it."""
    row, column = np.indices(image.shape)
    centre = grid.to_metres(*(float((image * axis).sum() / image.sum()) for axis in (column, row)))
    peak = peak_place(image, grid)
    here = maps.to_km(grid, *truth)
    corner, side = _window(np.array([here, maps.to_km(grid, *centre), maps.to_km(grid, *peak)]), grid)
    titles = (("4a  Regression", "centre of mass"), ("4b  Target image", "largest pixel"))
    for ax, place, (title, reading) in zip((com, target), (centre, peak), titles):
        ax.set_facecolor(style.IMAGE_COLOURS(0.0))
        ax.imshow(image, extent=grid.extent_km, cmap=style.IMAGE_COLOURS, vmin=0, vmax=image.max())
        maps.furnish(ax, corner[0], corner[0] + side, corner[1], corner[1] + side)
        ax.plot(*np.transpose([here, maps.to_km(grid, *place)]), color=style.RED, lw=0.8, ls=(0, (2, 2)))
        ax.set_title(title, pad=12)
        off = np.hypot(*np.subtract(place, truth))
        ax.annotate(f"{reading}: {off:.0f} m off", (0, 1), (0, 3), fontsize=6, xycoords="axes fraction",
                    textcoords="offset points")
        maps.mark(ax, grid, place, "estimate")
    pixel = grid.pixel_m / 1000
    block = [np.floor(value / pixel) * pixel - pixel for value in here]
    target.add_patch(Rectangle(block, 3 * pixel, 3 * pixel, facecolor="none", edgecolor=style.INK, lw=0.8))
    return corner, side, side


def _window(places: np.ndarray, grid: Grid) -> tuple[np.ndarray, float]:
    """Return corner and side of a square around `places`, inside the map if it fits [km]."""
    low, high = places.min(axis=0), places.max(axis=0)
    side = max(12 * grid.pixel_m / 1000, 1.4 * (high - low).max())
    _, east, _, north = grid.extent_km
    return np.clip((low + high - side) / 2, 0, np.maximum((east - side, north - side), 0)), side


def _arrow(start: Axes, end: Axes, at_start: tuple, at_end: tuple) -> None:
    arrow = ConnectionPatch(at_start, at_end, "axes fraction", "axes fraction", axesA=start, axesB=end,
                            arrowstyle="-|>", mutation_scale=9, lw=1.3, color=style.GREY)
    arrow.set_in_layout(False)  # the arrow follows the layout; it must not widen it
    start.figure.add_artist(arrow)
