"""Figure 2: from the sensors' readings through the network to a place, and the two ways of reading it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle

from rsslib.figures import maps, style
from rsslib.figures.images import peak_place, raster, show
from rsslib.grid import Grid

_LEVELS = ((0.92, 0.030), (0.66, 0.042), (0.44, 0.058), (0.26, 0.080))  # height and width of a UNet level
_SHADES = ("#C6DBEA", "#8FB9D8", "#4A8ABD", "#0B4A82")


@style.styled
def pipeline(sensor_image, prediction_image, truth, prediction, grid: Grid, note: str,
             synthetic: bool = False) -> Figure:
    """Draw the CNN localization pipeline on one sample (Figure 2 of paper 1).

    Input: sensor_image, (height, width) scaled RSS, 0 where there is no sensor; prediction_image,
    (height, width); truth and prediction, (x, y) [m]. On the right, the image is read as in regression (its
    centre of mass) and as a target image (its largest pixel, compared with the 3 x 3 target).

    Errors: InputError for an image that is not on `grid`.
    Example
    -------
    >>> pipeline(rss, image, (x, y), (x_hat, y_hat), grid, "n = 1, quick profile")   # doctest: +SKIP
    """
    rss = raster(sensor_image, grid, "pipeline, sensor_image")
    image = raster(prediction_image, grid, "pipeline, prediction_image")
    fig = style.page(style.PAGE_IN, 2.75, note, synthetic)
    axes = fig.subplot_mosaic([["in", "net", "out", "com"], ["in", "net", "out", "target"]],
                              width_ratios=[1.35, 0.85, 1.35, 0.8])
    _sensors(axes["in"], rss, grid)
    _unet(axes["net"])
    show(axes["out"], image, grid)
    axes["out"].set_title("3  Prediction image")
    maps.mark(axes["out"], grid, prediction, "estimate")
    _readings(axes["com"], axes["target"], image, truth, grid)
    for name in ("in", "out", "com", "target"):
        maps.mark(axes[name], grid, truth, "truth")
    _arrow(axes["in"], axes["net"], (1.02, 0.5), (0.0, 0.5))
    _arrow(axes["net"], axes["out"], (1.0, 0.5), (-0.02, 0.5))
    _arrow(axes["out"], axes["com"], (1.02, 0.6), (-0.04, 0.5))
    _arrow(axes["out"], axes["target"], (1.02, 0.4), (-0.04, 0.5))
    maps.marks_legend(fig, "place read from the image")
    return fig


def _sensors(ax: Axes, rss: np.ndarray, grid: Grid) -> None:
    row, column = np.nonzero(rss)
    maps.furnish(ax, *grid.extent_km)
    ax.set_facecolor("#F7F8FA")
    ax.scatter(*maps.to_km(grid, *grid.to_metres(column, row)), c=rss[row, column], cmap="YlOrRd", vmin=0,
               s=20, edgecolors=style.INK, linewidths=0.4)
    ax.set_title("1  Sensors: received strength")


def _unet(ax: Axes) -> None:
    """Draw a UNet: levels shrink and widen to the middle, grow back, skip connections across."""
    ax.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    ax.set_axis_off()
    ax.set_title("2  CNN (UNet)", loc="center")
    gap, x, spans = 0.028, 0.1, []
    path = [0, 1, 2, 3, 2, 1, 0]
    total = sum(_LEVELS[level][1] for level in path) + gap * (len(path) - 1)
    x = (1 - total) / 2
    for level in path:
        height, width = 0.62 * _LEVELS[level][0], _LEVELS[level][1]
        ax.add_patch(Rectangle((x, 0.5 - height / 2), width, height, facecolor=_SHADES[level],
                               edgecolor="white", lw=0.5))
        spans.append((x, x + width, 0.5 + height / 2))
        x += width + gap
    for level in range(3):
        left, right = spans[level], spans[-1 - level]
        y = left[2] - 0.035
        ax.annotate("", (right[0], y), (left[1], y), arrowprops={"arrowstyle": "->", "lw": 0.6, "shrinkA": 0,
                                                                 "shrinkB": 0, "color": style.GREY})


def _readings(com: Axes, target: Axes, image: np.ndarray, truth, grid: Grid) -> None:
    """Show both readings in one window: the centre of mass, and the largest pixel beside the 3 x 3 target."""
    row, column = np.indices(image.shape)
    centre = grid.to_metres(*(float((image * axis).sum() / image.sum()) for axis in (column, row)))
    peak = peak_place(image, grid)
    x, y = maps.to_km(grid, *truth)
    half = max(6 * grid.pixel_m, *(1.2 * np.abs(np.subtract(place, truth)).max() for place in (centre, peak))) / 1000
    titles = ("4a  Regression:\ncentre of mass", "4b  Target image:\nlargest pixel")
    for ax, place, title in zip((com, target), (centre, peak), titles):
        ax.imshow(image, extent=grid.extent_km, cmap=style.IMAGE_COLOURS, vmin=0, vmax=image.max())
        maps.furnish(ax, x - half, x + half, y - half, y + half)
        ax.plot(*np.transpose([(x, y), maps.to_km(grid, *place)]), color=style.RED, lw=0.8, ls=(0, (2, 2)))
        ax.set_title(title, fontsize=6.5)
        ax.set_xlabel(f"{np.hypot(*np.subtract(place, truth)):.0f} m off", fontsize=6.5, labelpad=1)
        maps.mark(ax, grid, place, "estimate")
    pixel = grid.pixel_m / 1000
    corner = [np.floor(value / pixel) * pixel - pixel for value in (x, y)]
    target.add_patch(Rectangle(corner, 3 * pixel, 3 * pixel, facecolor="none", edgecolor=style.INK, lw=0.8))


def _arrow(start: Axes, end: Axes, at_start: tuple, at_end: tuple) -> None:
    arrow = ConnectionPatch(at_start, at_end, "axes fraction", "axes fraction", axesA=start, axesB=end,
                            arrowstyle="-|>", mutation_scale=9, lw=1.3, color=style.GREY)
    arrow.set_in_layout(False)  # the arrow follows the layout; it must not widen it
    start.figure.add_artist(arrow)
