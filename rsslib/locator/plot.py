"""A map of what was located: the measured places, the sensors, the places found and their 90 % regions."""

from pathlib import Path

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from rsslib.data.positions import LOCAL
from rsslib.locator import output
from rsslib.locator.locator import TIMES, Locator
from rsslib.locator.output import length
from rsslib.project import InputError
from rsslib.reports import style
from rsslib.reports.style import Page, Told, page, styled
from rsslib.tables import systems

MOST_REGIONS = 60
"""More regions would hide each other: those of evenly spaced samples are drawn."""
_TRUSTED, _DOUBTED = style.LOOKS["maps"].colour, style.LOOKS["ood"].colour


@styled
def located(found: list[dict], locator: Locator, width: float = style.PAGE_IN, synthetic: str = "") -> Page:
    """Draw the features of `output.read` on the site of the locator that found them.

    Errors: InputError for a locator in local metres.
    """
    if locator.crs_ == LOCAL:
        raise InputError("plot: the model is in metres from a corner; give the crs when you fit (--crs)")
    places = [one for one in found if one["properties"]["kind"] == "place" and one["geometry"]]
    at = np.array([one["geometry"]["coordinates"] for one in places], np.float64).reshape(-1, 2)
    trusted = np.array([one["properties"]["trusted"] for one in places], bool)
    regions = [one for one in found if one["properties"]["kind"] == "region90"]
    drawn = np.linspace(0, len(regions) - 1, min(len(regions), MOST_REGIONS)).astype(int)
    regions = [regions[number] for number in drawn]
    test = locator.self_test_[TIMES]
    told = Told(f"{len(places)} transmitters located, {trusted.sum()} of them trusted",
                f"Map of a site of {length(locator.scale_.width)} by {length(locator.scale_.height)} with "
                f"{len(locator.sensors_)} sensors, the measured places, {len(places)} places found, and the 90 % "
                f"regions of {len(regions)}.")
    note = (f"Regions: they hold the transmitter in 90 % of cases at places like the measured ones. Self-test there: "
            f"median error {length(test.median_m)}, {test.covered90:.0%} in their region. East and north in "
            f"{locator.crs_}.")
    tall = float(np.clip(0.78 * width * locator.scale_.height / locator.scale_.width, 0.3 * width, width))
    fig = page(width, tall, note, told, synthetic)
    ax = fig.subplots()
    _regions(ax, locator, regions)
    ax.plot(*_km(locator, *locator.places_.T), ".", ms=2, color=style.PALE, label="measured places", zorder=1)
    ax.plot(*_km(locator, locator.sensors_.x, locator.sensors_.y), "^", ms=6, mfc="white", mec=style.INK, zorder=4,
            label="sensors")
    x, y = _km(locator, *systems.transform(systems.DEGREES, locator.crs_, *at.T))
    for chosen, colour, marker, name in ((trusted, _TRUSTED, "o", "located, trusted"),
                                         (~trusted, _DOUBTED, "s", "located, not trusted")):
        ax.plot(x[chosen], y[chosen], marker, ms=4, color=colour, mec="white", mew=0.4, label=name, zorder=5)
    ax.set(aspect="equal", xlabel="east [km]", ylabel="north [km]")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return fig


def _km(locator: Locator, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return places in km from the south-western corner of the site."""
    return (np.asarray(x) - locator.scale_.west) / 1000, (np.asarray(y) - locator.scale_.south) / 1000


def _regions(ax: Axes, locator: Locator, regions: list[dict]) -> None:
    patches = []
    for one in regions:
        for polygon in shapely.get_parts(shapely.geometry.shape(one["geometry"])):
            rings = [_km(locator, *systems.transform(systems.DEGREES, locator.crs_, *np.array(ring.coords).T))
                     for ring in (polygon.exterior, *polygon.interiors)]
            patches.append(PathPatch(Outline.make_compound_path(*(Outline(np.stack(ring, 1), closed=True)
                                                                  for ring in rings))))
    ax.add_collection(PatchCollection(patches, facecolor=_TRUSTED, alpha=0.12, edgecolor=_TRUSTED, lw=0.5, zorder=2))


def plot(model: str | Path, found: str | Path, path: str | Path, synthetic: str = "") -> Path:
    """Draw a file that `output.write` wrote (.geojson), as .png and .pdf. Errors: those of `load`, `read`, `save`."""
    return style.save(located(output.read(found)["features"], Locator.load(model), synthetic=synthetic), path)
