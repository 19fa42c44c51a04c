"""Figures of our own method: a map with its uncertainty, errors beside paper 1's, the seasons' shift, coverage."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from matplotlib.axes import Axes

from rsslib.radio_maps.maps import Maps
from rsslib.reports import drawing, maps, style
from rsslib.reports.findings import Records
from rsslib.reports.radio_maps import findings
from rsslib.reports.tables import name as named


@style.styled
def receiver_map(of: Maps, receiver: str, posterior: np.ndarray, sample: xr.Dataset, note: str,
                 synthetic: bool | str = False, width: float = style.PAGE_IN) -> style.Page:
    """Draw what a receiver would read of a transmitter anywhere, how sure that is, and where it puts one sample.

    Input: the maps; the receiver's name; the posterior of the sample, (height, width); the sample's prediction.
    """
    number = of.sensors.index(receiver)
    panels = [(of.mean[number], "Expected reading [dB]", "viridis"),
              (np.sqrt(of.variance[number]), "Standard deviation of the map [dB]", "magma_r"),
              (np.sqrt(posterior), "Posterior of a sample (root)", style.IMAGE_COLOURS)]
    said = findings.receiver_map(of, receiver, sample)
    wide = width > style.COLUMN_IN
    fig = style.page(width, 2.2 if wide else 6.6, note, said, synthetic)
    for ax, (image, title, colours) in zip(drawing.panels(fig, 3, wide), panels):
        west, east, south, north = of.grid.extent_km
        shown = ax.imshow(image, origin="lower", extent=(west, east, south, north), cmap=colours)
        maps.furnish(ax, west, east, south, north)
        drawing.bar(fig, shown, ax, shrink=0.8)
        ax.set_title(title, fontsize=7)
    maps.mark(ax, of.grid, truth=(float(sample.x_true), float(sample.y_true)),
              estimate=(float(sample.x_hat), float(sample.y_hat)))
    home = of.home[number]
    for ax in fig.axes[:2]:
        ax.scatter(*maps.to_km(of.grid, *home), marker="P", s=40, c="white", edgecolors=style.INK, zorder=5)
    return fig


@style.styled
def medians(records: Records, emd: Mapping[tuple[str, str], Mapping], printed: Mapping, pairs: Records, note: str,
            synthetic: bool | str = False, width: float = style.PAGE_IN) -> style.Page:
    """Draw the median errors of maps, networks and the paper's EMD, ours and printed, in each set.

    Input: records of `tables.medians`; emd, the ledger's records of EMD by split and set; printed, what the paper
    prints for it; pairs, differences from EMD, which the title judges.
    """
    cases = [*dict.fromkeys((record["split"], record["set"]) for record in records
                            if record["set"] != "val" and record["method"] in ("maps", "network"))]
    rows = -(-len(cases) // (9 if width > style.COLUMN_IN else 5))
    fig = style.page(width, 2.3 * rows, note, findings.medians(records, pairs), synthetic)
    per = -(-len(cases) // rows)
    for number, ax in enumerate(drawing.panels(fig, rows, False)):
        _medians(ax, cases[number * per:(number + 1) * per], records, emd, printed)
    drawing.legend_above(fig, [*drawing.handles(("emd", "maps", "network")), *drawing.ours_and_printed(bool(printed))],
                         5 if width > style.COLUMN_IN else 2)
    return fig


def _medians(ax: Axes, cases: Sequence[tuple[str, str]], records: Records, emd: Mapping, printed: Mapping) -> None:
    found = drawing.cells(records, "split", "set", "method")
    for place, case in enumerate(cases):
        for aside, method in zip((-0.26, 0.0, 0.26), ("emd", "maps", "network")):
            record = emd.get(case) if method == "emd" else found.get((*case, method))
            if record is not None:
                drawing.dot(ax, place + aside, drawing.with_ends(record, "median_m"), style.LOOKS[method],
                            f"{record['median_m']:.0f}", printed.get(case) if method == "emd" else None)
    drawing.categories(ax, [f"{named(split)}:\n{findings.set_label(name)}" for split, name in cases])
    ax.set_yscale("log")
    drawing.log_axis(ax.yaxis, drawing.FINER)
    ax.set_ylabel("median error [m]")


@style.styled
def grid_sizes(records: Records, pairs: Records, note: str, synthetic: bool | str = False,
               width: float = style.PAGE_IN) -> style.Page:
    """Draw the median error of EMD, of maps, and of EMD with the maps as its fallback over the size of the grid.

    Input: records and pairs of `tables.by_grid`.
    """
    wide = width > style.COLUMN_IN
    fig = style.page(width, 2.5 if wide else 4.4, note, findings.grid_sizes(records, pairs), synthetic)
    looks = {"cnn": style.LOOKS["emd"], "maps": style.LOOKS["maps"],
             "hybrid": style.LOOKS["hybrid"]._replace(label="EMD, maps as the fallback")}
    sizes = sorted({findings.size_of(record) for record in records})
    for ax, (name, title) in zip(drawing.panels(fig, 2, wide), (("val", "In distribution"), ("ood", "OOD test"))):
        for aside, (method, look) in zip((-0.12, 0.0, 0.12), looks.items()):
            chosen = sorted((record for record in records if (record["set"], record["method"]) == (name, method)),
                            key=findings.size_of)
            places = [sizes.index(findings.size_of(record)) + aside for record in chosen]
            values = np.array([drawing.with_ends(record, "median_m") for record in chosen])
            ax.errorbar(places, values[:, 0], yerr=np.abs(values[:, 1:] - values[:, :1]).T, marker=look.marker, ms=4,
                        color=look.colour, lw=1, label=look.label)
        ax.set(yscale="log", ylabel="median error [m]", xlabel="cells a side", title=title)
        drawing.log_axis(ax.yaxis, drawing.FINER)
        ax.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    drawing.legend_above(fig, ax.get_legend_handles_labels()[0], 3 if wide else 1)
    return fig


@style.styled
def seasons(records: Records, note: str, synthetic: bool | str = False,
            width: float = style.COLUMN_IN) -> style.Page:
    """Draw each receiver's offset from July to November against the one back.

    Input: records of `tables.shifts`. A gain that changed lies on the falling diagonal.
    """
    fig = style.page(width, 3.0, note, findings.seasons(records), synthetic)
    ax = fig.subplots()
    there, back, one, other = (np.array([record[key] for record in records], float) for key in (
        "there_db", "back_db", "there_uncertain_db", "back_uncertain_db"))
    look = style.LOOKS["calibrated"]
    ax.errorbar(there, back, xerr=one, yerr=other, ls="", marker=look.marker, color=look.colour, ms=4, lw=0.8,
                ecolor=style.PALE)
    most = 1.1 * max(1.0, float(np.abs([there, back]).max()))
    ax.plot([-most, most], [most, -most], ls=":", lw=1, color=style.GREY)
    for record in sorted(records, key=lambda record: -abs(record["there_db"]))[:3]:
        right = record["there_db"] > 0
        drawing.bold(ax, record["receiver"], (record["there_db"], record["back_db"]), (-6 if right else 6, 4),
                     look.colour, ha="right" if right else "left")
    ax.set(xlim=(-most, most), ylim=(-most, most), xlabel="offset estimated from July to November [dB]",
           ylabel="from November to July [dB]", aspect="equal")
    ax.grid()
    return fig


@style.styled
def coverage(records: Records, note: str, level: float = 0.9, synthetic: bool | str = False,
             width: float = style.PAGE_IN) -> style.Page:
    """Draw how often regions of a level hold the transmitter, by set and promise, and how large they are.

    Input: records `covered` of the trainings.
    """
    chosen = [record for record in records if record["level"] == level and record["set"] != "val"]
    cases = [*dict.fromkeys((record["split"], record["set"]) for record in chosen)]
    wide = width > style.COLUMN_IN
    fig = style.page(width, 2.2 if wide else 4.4, note, findings.coverage(chosen, level), synthetic)
    shares, areas = drawing.panels(fig, 2, wide)
    for aside, promise, key in ((-0.15, "seen places", "val"), (0.15, "unseen cells", "ood")):
        look = style.LOOKS[key]
        for record in (one for one in chosen if one["promise"] == promise):
            x = cases.index((record["split"], record["set"])) + aside
            for ax, value in ((shares, 100 * record["covered"]), (areas, record["area_km2"])):
                ax.plot(x, value, marker=look.marker, color=look.colour, ms=5)
        shares.plot([], [], ls="", marker=look.marker, color=look.colour, label=f"calibrated on {promise}")
    shares.axhline(100 * level, color=style.GREY, ls=":", lw=1)
    for ax in (shares, areas):
        drawing.categories(ax, [f"{named(split)}:\n{findings.set_label(name)}" for split, name in cases])
        ax.tick_params(axis="x", labelrotation=60, labelsize=6)
    areas.set_yscale("log")
    drawing.log_axis(areas.yaxis)
    shares.set(ylabel="regions with the transmitter [%]")
    areas.set(ylabel="median area [km²]")
    drawing.legend_above(fig, shares.get_legend_handles_labels()[0], 2)
    return fig


def posterior_of(logs: torch.Tensor) -> np.ndarray:
    """Return the posterior of the first sample of a batch of logarithms, (height, width)."""
    return logs[0].exp().numpy()
