"""Prediction images: Figure 2 (the pipeline), Figure 4 (one sample, three losses), Figure 6 (an ambiguous one)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Circle, ConnectionPatch, Rectangle

from rsslib.data.grid import Grid
from rsslib.ledger.wording import listed
from rsslib.reports import drawing, maps, style
from rsslib.reports.confidence_paper.findings import losses as findings

Location = tuple[float, float]

WINDOW_M = 200.0
"""How far a window reaches around what it shows, at least."""
_LEVELS = ((0.70, 0.05), (0.52, 0.07), (0.35, 0.09), (0.2, 0.13))  # height and width of a UNet level
_SHADES = ("#C6DBEA", "#8FB9D8", "#4A8ABD", "#0B4A82")
_ARROWS = (("in", "net", (1.01, 0.5), (0.13, 0.5)), ("net", "com", (0.87, 0.56), (-0.04, 0.5)),
           ("net", "emd", (0.87, 0.44), (-0.04, 0.5)))
_READ = {"com": ("3a  Regression (CoM)", "centre of mass"),
         "emd": ("3b  Target image (EMD)", "weighted mean of the members'\npeak pixels")}
_INSET = 0.34    # part of a window's side that the whole map takes


def _show(ax: Axes, image: np.ndarray, grid: Grid) -> AxesImage:
    """Draw an image on its map, white at 0 and darkest at its own maximum."""
    return ax.imshow(image, extent=grid.extent_km, cmap=style.IMAGE_COLOURS, vmin=0, vmax=image.max())


def _section(grid: Grid, truth: Location, estimate: Location) -> tuple[np.ndarray, float]:
    """Return centre and half the side [km] of a window around two places, inf where only the whole map holds it."""
    ends = np.array([maps.to_km(grid, *place) for place in (truth, estimate)])
    half = max(WINDOW_M / 1000, 3.2 * np.abs(ends[0] - ends[1]).max() / 2)
    return ends.mean(axis=0), float(half if 2 * half <= 0.7 * grid.extent_km[1] else np.inf)


def _zooms(grid: Grid, truth: Location, decoded: Mapping[str, Location]) -> str:
    """Return what the windows show, for a figure's note: panel -> location in `decoded`."""
    halves = {panel: _section(grid, truth, place)[1] for panel, place in decoded.items()}
    sides = {panel: f"{2000 * half:.0f} m" for panel, half in halves.items() if np.isfinite(half)}
    if not sides:
        return ""
    widths = set(sides.values())
    said = widths.pop() if len(widths) == 1 else ", ".join(f"{panel} {side}" for panel, side in sides.items())
    return f"; zoomed: {listed(list(sides))}, a section of {said} (rectangle in the inset, which shows the whole map)"


def _window(ax: Axes, image: np.ndarray, grid: Grid, truth: Location, estimate: Location) -> AxesImage:
    """Draw the surroundings of the truth and an estimate, and the whole map in a corner without marks.

    Where the two lie too far apart for a window, the whole map is drawn.
    """
    drawn = _show(ax, image, grid)
    ax.set_facecolor(style.PALE)
    centre, half = _section(grid, truth, estimate)
    (west, south), (east, north) = centre - half, centre + half
    maps.mark(ax, grid, truth=truth, estimate=estimate)
    if not np.isfinite(half):
        maps.furnish(ax, *grid.extent_km)
        return drawn
    maps.furnish(ax, west, east, south, north)
    # the marks lie on a diagonal through the middle: the corner at its left or right end would cover one
    rising = np.subtract(estimate, truth).prod() >= 0
    tall = _INSET * grid.height / grid.width
    inset = ax.inset_axes((0.02, 0.98 - tall if rising else 0.02, _INSET, tall), xticks=[], yticks=[])
    _show(inset, image, grid)
    inset.set(xlim=grid.extent_km[:2], ylim=grid.extent_km[2:], aspect="equal")
    inset.spines[:].set(visible=True, color=style.GREY, lw=1)
    inset.add_patch(Rectangle((west, south), 2 * half, 2 * half, facecolor="none", edgecolor=maps.CROSS, lw=0.9))
    return drawn


@style.styled
def pipeline(sensor_image: np.ndarray, images: Mapping[str, np.ndarray], truth: Location,
             decoded: Mapping[str, Location], grid: Grid, note: str, synthetic: bool = False) -> style.Page:
    """Draw the CNN localization pipeline on one sample (Figure 2 of paper 1).

    Input: sensor_image, (height, width) scaled RSS, NaN where no sensor is drawn; images and decoded, loss -> (height,
    width) and (x, y) [m]; truth, (x, y) [m]. On the right, the mean image of the CoM ensemble is read as in regression
    (its centre of mass), that of the EMD ensemble as a target image (the members' peak pixels), with the 3 x 3 target.
    """
    off = {loss: float(np.hypot(*np.subtract(decoded[loss], truth))) for loss in _READ}
    note += _zooms(grid, truth, {title.split()[0]: decoded[loss] for loss, (title, _) in _READ.items()})
    zoomed = bool(np.isfinite(_section(grid, truth, decoded["emd"])[1]))
    note += "; black box in 3b: the 3 x 3 pixels of the target image" * zoomed
    fig = style.page(style.PAGE_IN, 3.9, note, findings.pipeline(off), synthetic, maps.MARKS_IN)
    axes = fig.subplot_mosaic([["in", "net", "com"], ["in", "net", "emd"]], width_ratios=[1.6, 0.8, 1.0])
    maps.sensors(axes["in"], sensor_image, grid)
    axes["in"].set_title("1  Sensors (darker: stronger)")
    maps.mark(axes["in"], grid, truth=truth)
    _unet(axes["net"])
    for loss, (title, reading) in _READ.items():
        _window(axes[loss], images[loss], grid, truth, decoded[loss])
        axes[loss].set_title(title, pad=13 + 7.5 * reading.count("\n"))
        axes[loss].annotate(f"{reading}: {off[loss]:.0f} m off", (0, 1), (0, 4), fontsize=6, xycoords="axes fraction",
                            textcoords="offset points")
    if zoomed:    # a box around the 3 x 3 pixels of the target image
        pixel = grid.pixel_m / 1000
        corner = np.floor(np.array(maps.to_km(grid, *truth)) / pixel) * pixel - pixel
        axes["emd"].add_patch(Rectangle(corner, 3 * pixel, 3 * pixel, facecolor="none", edgecolor=style.INK, lw=0.8,
                                        path_effects=maps.HALO))
    for start, end, at_start, at_end in _ARROWS:
        arrow = ConnectionPatch(at_start, at_end, "axes fraction", "axes fraction", axesA=axes[start], axesB=axes[end],
                                arrowstyle="-|>", mutation_scale=9, lw=1.3, color=style.GREY)
        arrow.set_in_layout(False)  # the arrow follows the layout; it must not widen it
        fig.add_artist(arrow)
    _marks_below(fig, "location read from the image")
    return fig


def _marks_below(fig: style.Page, estimate: str) -> None:
    """Put the legend of star and cross at the right end of the note, as far from the edge as the note is."""
    fig.legend(handles=maps.marks(estimate), loc="lower right", ncols=2, columnspacing=1.2, borderpad=0.2,
               borderaxespad=0.1, bbox_to_anchor=(0, 0, 1 - 0.06 / fig.get_figwidth(), 1)).set_in_layout(False)


def _unet(ax: Axes) -> None:
    """Draw a UNet: levels shrink and widen to the middle, grow back, skip connections across."""
    ax.set(xlim=(-0.14, 1.14), ylim=(0, 1), box_aspect=1.4)
    ax.set_axis_off()
    ax.set_title("2  CNN", loc="center")
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


@style.styled
def loss_outputs(images: Mapping[str, np.ndarray], truth: Location, decoded: Mapping[str, Location], grid: Grid,
                 note: str, synthetic: bool = False) -> style.Page:
    """Draw the images that networks trained with CoM, PSE and EMD predict of one sample (Figure 4 of paper 1).

    Input: images, loss -> (height, width), each shown on its own colour scale, around the truth and, in a corner, as a
    whole; truth, (x, y) [m]; decoded, loss -> (x, y) [m].
    """
    off = {loss: float(np.hypot(*np.subtract(decoded[loss], truth))) for loss in images}
    note += _zooms(grid, truth, {style.LOOKS[loss].label: decoded[loss] for loss in images})
    fig = style.page(style.PAGE_IN, 2.35, note, findings.outputs(images, off), synthetic, maps.MARKS_IN)
    for ax, (loss, image) in zip(drawing.panels(fig, len(images), wide=True), images.items()):
        bar = drawing.bar(fig, _window(ax, image, grid, truth, decoded[loss]), ax, shrink=0.8, aspect=25)
        bar.set_ticks([0, image.max()], labels=["0", f"{image.max():.2g}"])
        ax.set_title(style.LOOKS[loss].label, color=style.darker(style.LOOKS[loss].colour))
        drawing.subtitle(ax, f"{off[loss]:.0f} m off")
    _marks_below(fig, "predicted location")
    return fig


@style.styled
def ambiguous(image: np.ndarray, sensor_image: np.ndarray, truth: Location,
              modes: Sequence[tuple[float, float, float]], radius_m: float, grid: Grid, note: str,
              synthetic: bool = False) -> style.Page:
    """Draw a prediction image that marks several locations at once (Figure 6 of paper 1).

    Input: image, (height, width); sensor_image, (height, width) scaled RSS, NaN where no sensor is drawn; truth, (x, y)
    [m]; modes, (x, y, share) each, the share of the image's mass around it, 0..1; those below half a percent are left
    out; radius_m, the radius of the disc in which that mass is counted, and of the ring that is drawn [m].
    """
    modes = [mode for mode in modes if mode[2] >= 0.005]
    note += f"; rings: a radius of {radius_m:.0f} m"
    fig = style.page(style.COLUMN_IN, 2.9 * grid.height / grid.width + 0.35, note,
                     findings.ambiguous(modes, truth, radius_m), synthetic)
    ax = fig.subplots()
    dots = maps.sensors(ax, sensor_image, grid)
    _show(ax, image, grid)
    drawing.bar(fig, dots, ax, label="scaled RSS at the sensors")
    maps.mark(ax, grid, truth=truth)
    drawing.subtitle(ax, "star: true location of the transmitter", "left")
    taken = np.array([*dots.get_offsets(), maps.to_km(grid, *truth)])
    for letter, (x, y, share) in zip("ABCDEFGH", modes):
        location, radius = np.array(maps.to_km(grid, x, y)), radius_m / 1000
        ax.add_patch(Circle(location, radius, facecolor="none", edgecolor=style.RED, lw=1, zorder=5))
        across, up = _free_side(location, taken, grid.extent_km, radius)
        rim = location + radius * np.array([across, up])
        ax.annotate(f"{letter}  {100 * share:.0f} %", rim, (3 * across, 6 * up), textcoords="offset points",
                    zorder=7, va="center", ha={-1: "right", 0: "center", 1: "left"}[across], fontweight="bold",
                    color=style.RED, path_effects=maps.HALO)
    return fig


def _free_side(place: np.ndarray, taken: np.ndarray, extent: tuple[float, float, float, float],
               radius: float) -> tuple[int, int]:
    """Return on which side of a ring a short text covers the fewest of the places `taken` [km]: (across, up)."""
    end = np.array(extent[1::2])
    half = np.array([0.12, 0.038]) * end[0]    # half the room of the text
    costs = {}
    for across, up in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        middle = place + (across * (half[0] + radius), up * (radius + 0.04 * end[1]))
        outside = np.maximum(np.maximum(half - middle, middle + half - end), 0).sum() / end[0]
        costs[across, up] = (np.abs(taken - middle) < half).all(axis=1).sum() + 50 * outside
    return min(costs, key=costs.__getitem__)
