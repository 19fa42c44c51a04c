"""The data separations: Figure 3, a map of the sets of each."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy

from rsslib.data import splits
from rsslib.reports import drawing, maps, style, tables
from rsslib.reports.confidence_paper.findings import data as findings
from rsslib.reports.findings import Records

_SIZES = {"train": 1.8, "val": 3.4, "ood": 3.8}
"""Areas of the sets' marks [points^2]: small for what a model trains on, larger for what it is held to."""


@style.styled
def split_maps(dataset: xr.Dataset, sets_by_split: Mapping[str, Mapping], near: Records, note: str,
               synthetic: bool = False, seed: int = 0) -> style.Page:
    """Draw the transmitters' locations in each data separation, coloured by set (Figure 3 of paper 1).

    Input: the Measurements Dataset; split name -> set name -> sample indices, as `rsslib.data.splits.make` gives them
    (a panel for each, up to three in a row); the records of `separations.nearness`; the seed that the splits were made
    with. A gridN split shades its unseen cells.
    """
    width, height = maps.site(dataset)[1]
    records = {record["split"]: record for record in near if record["split"] in sets_by_split}
    fig, axes = maps.sheet(len(sets_by_split), 3, height / width, (0.78, 0.0), note,
                           findings.separations(list(records.values())), synthetic)
    for ax, (name, sets) in zip(axes, sets_by_split.items()):
        maps.furnish(ax, 0, width, 0, height)
        ax.set_anchor("N")
        if name.startswith("grid"):    # its unseen cells, and the lines between all cells
            n = int(name.removeprefix("grid"))
            maps.unseen_cells(ax, dataset, n, seed, facecolor="#FCE6D8", edgecolor="none", zorder=0)
            for x, y in np.array([width, height]) / n * np.arange(1, n)[:, None]:
                ax.axvline(x, color="#C9D0D8", lw=0.5, zorder=0.5)
                ax.axhline(y, color="#C9D0D8", lw=0.5, zorder=0.5)
        _sets(ax, dataset, sets, records[name])
        ax.set_title(tables.name(name))
        drawing.subtitle(ax, f"test to training: {records[name]['distance_m']:.0f} m")
    return fig


def _sets(ax: Axes, dataset: xr.Dataset, sets: Mapping[str, np.ndarray], record: Mapping) -> None:
    """Draw the transmitters of a split's three sets, the smallest on top, and count them below."""
    locations, split = maps.site(dataset)[2], record["split"]
    shown = {role: sets[key] for role, key in zip(_SIZES, ("train", "val", splits.report_set(split)))}
    for role in sorted(shown, key=lambda role: -len(shown[role])):
        look = style.LOOKS[role]
        ax.scatter(*locations[shown[role]].T, s=_SIZES[role], lw=0, color=look.colour, marker=look.marker)
    season = f" ({style.LOOKS[split].label})" if split in splits.SEASONS else ""
    empty = f" ({record['empty_cells_n']} empty)" if record.get("empty_cells_n") else ""
    labels = [f"train{season} {len(shown['train'])}", f"validation{season} {len(shown['val'])}",
              f"{findings.tested_on(split)} {len(shown['ood'])}" + f", shaded cells{empty}" * split.startswith("grid")]
    dots = [Line2D([], [], ls="", marker=style.LOOKS[role].marker, ms=2.2 * _SIZES[role] ** 0.5, mew=0,
                   color=style.LOOKS[role].colour) for role in shown]
    if record["left_out_n"]:
        dots, labels = [*dots, Line2D([], [], ls="")], [*labels, f"not drawn, in no set {record['left_out_n']}"]
    ax.legend(dots, labels, loc="upper left", labelspacing=0.3, borderpad=0, handlelength=1, bbox_to_anchor=(0, 0),
              bbox_transform=offset_copy(ax.transAxes, ax.figure, y=-15, units="points"))
