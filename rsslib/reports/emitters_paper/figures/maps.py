"""Maps of several emitters: Figure 2 of paper 2, one sample; Figure 3, a sample of each environment."""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rsslib.project import InputError
from rsslib.reports import maps, style
from rsslib.reports.drawing import need, numbers
from rsslib.reports.emitters_paper.figures import layers

_COLUMNS = ("Power map", "Sensors", "Logits of occupancy", "Predictions")
_BELOW = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 6, "va": "center_baseline"}


@style.styled
def emitter_sample(panels: Sequence, side_m: float, note: str, synthetic: bool = False,
                   attribution: str = "") -> Figure:
    """Draw one sample and what each method says of it (Figure 2 of paper 2).

    Input: one to five objects with title; background, (n, n) power [dBm] or logits, NaN indoors, or None; colour,
    "power", "logits" or "sensors" (only the buildings of the background are drawn); sensors, (k, 3) row, column,
    value [dBm]; truth, (K, 2), and predicted, (K', 2) or None, row and column [cells, row 0 in the south]. side_m,
    side of the map [m]; attribution, the source of the map, printed at the foot.

    Errors: InputError for no panel, a missing attribute, no background or some of several sizes, no map or place.
    Example
    -------
    >>> emitter_sample([power, single_stage, two_stage], 5000.0, "free space, quick profile")   # doctest: +SKIP
    """
    numbers(side_m, "emitter_sample, side_m", 1e-3)
    shown = _panels(panels, "emitter_sample")
    scales = {kind: layers.scale([panel.background for panel in shown if panel.colour == kind] + (
        [panel.sensors[:, 2] for panel in shown] if kind == "power" else []), kind) for kind in ("power", "logits")}
    bars = {kind: scale for kind, scale in scales.items() if scale is not None}
    width = style.COLUMN_IN if len(shown) == 1 else style.PAGE_IN
    fig = style.page(width, (width - 0.62 * len(bars)) / len(shown) + 0.75, _foot(note, attribution), synthetic)
    axes = fig.subplots(1, len(shown), squeeze=False)[0]
    for ax, panel in zip(axes, shown):
        layers.ground(ax, panel.background, scales.get(panel.colour), side_m / 1000)
        cell = side_m / 1000 / len(panel.background)
        layers.sensors(ax, panel.sensors, scales["power"], cell)
        ax.set_title(panel.title, pad=12)
        ax.annotate(layers.emitters(ax, panel.truth, panel.predicted, cell), (0, 1), (0, 5), **_BELOW)
    maps.furnish(axes[0], 0, side_m / 1000, 0, side_m / 1000)
    for kind, scale in bars.items():
        layers.bar(fig, scale, axes, kind, shrink=0.8, aspect=25, pad=0.02)
    layers.legend(fig, any(np.isnan(panel.background).any() for panel in shown),
                  any(len(panel.sensors) for panel in shown), columns=2 if len(shown) == 1 else 6)
    return fig


def _foot(note: str, attribution: str) -> str:
    return f"{note.rstrip('.')}. {attribution}" if attribution else note


def _panels(panels: Sequence, what: str) -> list[SimpleNamespace]:
    """Check the panels; return them as arrays, a background of zeros where there is none."""
    if not 1 <= len(panels) <= 5:
        raise InputError(f"{what}: expected 1 to 5 panels, found {len(panels)}")
    shown = []
    for row, panel in enumerate(panels):
        where = f"{what}, panel {row}"
        need(panel, ("title", "background", "colour", "sensors", "truth", "predicted"), where)
        style.need(("power", "logits", "sensors"), [panel.colour], f"{where}, colour")
        if panel.background is None and panel.colour != "sensors":
            raise InputError(f"{where}: a panel coloured by {panel.colour} needs a background (n, n), found None")
        shown.append(SimpleNamespace(
            title=panel.title, colour=panel.colour, **_marks(panel, where),
            background=None if panel.background is None else layers.field(panel.background, f"{where}, background")))
    sizes = {len(panel.background) for panel in shown if panel.background is not None}
    if len(sizes) != 1:
        raise InputError(f"{what}: expected backgrounds (n, n) of one size, which say how many cells the map has; "
                         f"found sizes {sorted(sizes) or 'none'}")
    for panel in shown:
        panel.background = np.zeros((min(sizes),) * 2) if panel.background is None else panel.background
        _inside(panel, min(sizes), f"{what}, {panel.title}")
    return shown


def _marks(panel, where: str) -> dict[str, np.ndarray | None]:
    """Return sensors, truth and predicted as checked tables."""
    return {"sensors": layers.places(panel.sensors, 3, f"{where}, sensors"),
            "truth": layers.places(panel.truth, 2, f"{where}, truth"),
            "predicted": None if panel.predicted is None else layers.places(panel.predicted, 2, f"{where}, predicted")}


def _inside(shown: SimpleNamespace, n: int, where: str) -> None:
    for name in ("sensors", "truth"):
        layers.inside(getattr(shown, name), n, f"{where}, {name}")


@style.styled
def emitter_scenes(rows: Sequence, note: str, synthetic: bool = False, attribution: str = "") -> Figure:
    """Draw a sample of each environment on its way through the two-stage method (Figure 3 of paper 2).

    Input: an object for each row with title, for instance "Chicago"; side_m, side of the map [m]; power, (n, n)
    [dBm] and logits, (n, n), NaN indoors; threshold_dbm, T; sensors, (k, 3) row, column, value [dBm]; truth, (K, 2),
    and predicted, (K', 2), row and column [cells, row 0 in the south]. attribution: as in `emitter_sample`.

    Errors: InputError for no row, a missing attribute, maps of two sizes in a row, no map or place.
    Example
    -------
    >>> emitter_scenes([free_space, chicago, sydney], "quick profile",
    ...                attribution="(c) OpenStreetMap contributors, ODbL 1.0")   # doctest: +SKIP
    """
    shown = [_row(row, f"emitter_scenes, row {number}") for number, row in enumerate(rows)]
    if not 1 <= len(shown) <= 5:
        raise InputError(f"emitter_scenes: expected 1 to 5 rows, found {len(shown)}")
    power = layers.scale([values for row in shown for values in (row.power, row.sensors[:, 2])], "power")
    logits = layers.scale([row.logits for row in shown], "logits")
    fig = style.page(style.PAGE_IN, 1.9 * len(shown) + 0.85, _foot(note, attribution), synthetic)
    axes = fig.subplots(len(shown), 4, squeeze=False)
    for row, line in zip(shown, axes):
        _scene(line, row, power, logits)
    for ax, title in zip(axes[0], _COLUMNS):
        ax.set_title(title)
    for column, scale, kind in ((0, power, "power"), (1, power, "power"), (2, logits, "logits")):
        layers.bar(fig, scale, axes[:, column], kind, location="bottom", shrink=0.9, aspect=25, pad=0.02)
    layers.legend(fig, any(np.isnan(row.power).any() for row in shown), True, threshold=True)
    return fig


def _row(row, where: str) -> SimpleNamespace:
    need(row, ("title", "side_m", "power", "threshold_dbm", "sensors", "logits", "truth", "predicted"), where)
    numbers(row.side_m, f"{where}, side_m", 1e-3)
    numbers(row.threshold_dbm, f"{where}, threshold_dbm", -np.inf)
    power, logits = (layers.field(getattr(row, name), f"{where}, {name}") for name in ("power", "logits"))
    if power.shape != logits.shape:
        raise InputError(f"{where}: expected power and logits of one size, found {power.shape} and {logits.shape}")
    shown = SimpleNamespace(title=row.title, km=row.side_m / 1000, power=power, threshold=row.threshold_dbm,
                           logits=np.where(np.isnan(power), np.nan, logits), **_marks(row, where))
    _inside(shown, len(power), where)
    return shown


def _scene(axes: Sequence[Axes], row: SimpleNamespace, power, logits) -> None:
    """Draw one environment from its power map to the predictions."""
    cell = row.km / len(row.power)
    for ax, field, scale in zip(axes, (row.power, row.power, row.logits, row.power), (power, None, logits, None)):
        layers.ground(ax, field, scale, row.km)
    maps.furnish(axes[0], 0, row.km, 0, row.km)
    axes[0].set_ylabel(row.title, fontsize=7.5, fontweight="bold", labelpad=5)
    layers.emitters(axes[0], row.truth, None, cell)
    layers.sensors(axes[1], row.sensors, power, cell, row.threshold)
    above = (row.sensors[:, 2] > row.threshold).sum()
    level = f"{row.threshold:.0f} dBm".replace("-", "−")
    axes[1].annotate(f"{above} of {len(row.sensors)} above {level}", (0, 0), (0, -6), **_BELOW)
    axes[3].annotate(layers.emitters(axes[3], row.truth, row.predicted, cell), (0, 0), (0, -6), **_BELOW)
