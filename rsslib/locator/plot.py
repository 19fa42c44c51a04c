"""A map of what was located: measured places, sensors, places found and their 90 % regions; what faults do to it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from rsslib.data.positions import LOCAL
from rsslib.ledger.wording import difference, fixed
from rsslib.locator import output
from rsslib.locator.faults import FAULTS, REMEDIES, SYNTHETIC
from rsslib.locator.held_out import SelfTest
from rsslib.locator.locator import Locator
from rsslib.locator.output import length
from rsslib.project import InputError
from rsslib.radio_maps.regions import PROMISES
from rsslib.reports import drawing, style
from rsslib.reports.findings import Answer, Records
from rsslib.reports.style import Page, Told, page, styled
from rsslib.tables import systems

MOST_REGIONS = 8
"""More regions would hide each other: those of evenly spaced samples are drawn."""
_TRUSTED, _DOUBTED = style.LOOKS["maps"].colour, style.LOOKS["ood"].colour
_LOOKS = {"nothing": "ood", "offsets": "calibrated", "new place": "hybrid", "left out": "ranging"}
ALARM = 3.0
"""A receiver stands out whose offset is so many standard errors: a rule of thumb, set after seeing the shipped town."""


@styled
def located(found: list[dict], locator: Locator, width: float = style.PAGE_IN, synthetic: str = "") -> Page:
    """Draw the features of `output.read` on the site of the locator that found them.

    Errors: InputError for a locator in local metres, or places off its site.
    """
    if locator.crs_ == LOCAL:
        raise InputError("plot: the model is in metres from a corner; give the crs when you fit (--crs)")
    places = [one for one in found if one["properties"]["kind"] == "place" and one["geometry"]]
    at = np.array([one["geometry"]["coordinates"] for one in places], np.float64).reshape(-1, 2)
    x, y = _km(locator, *systems.transform(systems.DEGREES, locator.crs_, *at.T))
    east, north = locator.scale_.width / 1000, locator.scale_.height / 1000
    if not ((np.abs(x / east - 0.5) < 1) & (np.abs(y / north - 0.5) < 1)).all():
        raise InputError("plot: places that are not on the site of the model; expected what it located")
    trusted = np.array([one["properties"]["trusted"] for one in places], bool)
    regions = [one for one in found if one["properties"]["kind"] == "region90"]
    drawn = np.linspace(0, len(regions) - 1, min(len(regions), MOST_REGIONS)).astype(int)
    regions = [regions[number] for number in drawn]
    test, unseen = locator.test_of_seen_, any(one["properties"].get("promise") == PROMISES[1] for one in regions)
    where = "where nobody measured" if unseen else "at places like the measured ones"
    told = Told(f"{len(places)} samples located, {trusted.sum()} of them trusted",
                f"Map of a site of {length(locator.scale_.width)} by {length(locator.scale_.height)} with "
                f"{len(locator.sensors_)} sensors, the measured places, {len(places)} places found, and the 90 % "
                f"regions of {len(regions)}.")
    note = (f"Regions of {len(regions)} samples: {where} they hold the transmitter in 90 % of cases. Self-test of "
            f"places like the measured ones: median error {length(test.median_m)}, {test.covered90:.0%} in "
            f"their region. East and north in {locator.crs_}.")
    tall = float(np.clip(0.78 * width * locator.scale_.height / locator.scale_.width, 0.3 * width, width))
    fig = page(width, tall, note, told, synthetic)
    ax = fig.subplots()
    _regions(ax, locator, regions)
    ax.plot(*_km(locator, *locator.places_.T), ".", ms=2, color=style.PALE, label="measured places", zorder=1)
    ax.plot(*_km(locator, locator.sensors_.x, locator.sensors_.y), "^", ms=6, mfc="white", mec=style.INK, zorder=4,
            label="sensors")
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
    ax.add_collection(PatchCollection(patches, facecolor=_TRUSTED, alpha=0.10, edgecolor=_TRUSTED, lw=0.8, zorder=2))


def plot(model: str | Path, found: str | Path, path: str | Path, synthetic: str = "") -> Path:
    """Draw a file that `output.write` wrote (.geojson), as .png and .pdf. Errors: those of `load`, `read`, `save`."""
    return style.save(located(output.read(found)["features"], Locator.load(model), synthetic=synthetic), path)


@styled
def faults(records: Records, width: float = style.PAGE_IN) -> Page:
    """Draw median errors, coverage and trust for each fault and remedy. Input: records of `faults.records`."""
    wide, told = width > style.COLUMN_IN, _told(records)
    note = f"{records[0]['n']} samples of the made-up town. 95 % intervals: bootstrap over blocks of time."
    fig = page(width, 2.3 if wide else 6.6, note, told, SYNTHETIC)
    panels = (("median_m", 1, "median error [m]"), ("coverage90", 100, "held by 90 % regions [%]"),
              ("trusted", 100, "places trusted [%]"))
    for ax, (field, scale, label) in zip(drawing.panels(fig, len(panels), wide), panels):
        for row in records:
            x = list(FAULTS).index(row["fault"]) + 0.19 * (list(REMEDIES).index(row["remedy"]) - 1.5)
            drawing.dot(ax, x, drawing.with_ends(row, field, scale), style.LOOKS[_LOOKS[row["remedy"]]])
        drawing.categories(ax, [words.replace(" by ", "\n") for words in FAULTS.values()])
        ax.set_ylabel(label)
    fig.axes[1].axhline(90, color=style.GREY, ls=":", lw=1)
    keys = drawing.handles(_LOOKS.values())
    for key, words in zip(keys, REMEDIES.values()):
        key.set_label(words)
    drawing.legend_above(fig, keys, 4 if wide else 2)
    return fig


def _told(records: Records) -> Told:
    wrong = [row for row in records if row["remedy"] == "nothing"]
    worst = min(wrong, key=lambda row: row["coverage90"])
    values = "; ".join(f"{FAULTS[row['fault']]}, {fixed(row['median_m'])} m, {_percent(row, 'coverage90')} and "
                       f"{_percent(row, 'trusted')}" for row in wrong)
    return Told(
        f"{worst['receiver']} {FAULTS[worst['fault']]}: 90 % regions hold {_percent(worst, 'coverage90')} of the "
        f"transmitters instead of {_percent(records[0], 'coverage90')}, and {_percent(worst, 'trusted')} are trusted",
        "Three panels: the median error, the share of transmitters in the 90 % region, the share of places "
        f"that are trusted; without a fault and with three faults of {worst['receiver']}, each with nothing done and "
        f"after each remedy. With nothing done: {values}.")


def answer(records: Records, foretold: SelfTest) -> Answer:
    """Return how near samples were located, what each fault costs and shows, and what is left after each remedy."""
    first, lines = records[0], []
    for row in records:
        if row["remedy"] == "nothing":
            after = "; ".join(f"{REMEDIES[one['remedy']]}, {fixed(one['median_m'])} m and {_percent(one, 'coverage90')}"
                              for one in records if one["fault"] == row["fault"] and one is not row)
            lines.append(f"- **{row['receiver']} {FAULTS[row['fault']]}.** {'' if row is first else _cost(row)}"
                         f"Self-calibration: {standing_out(row)}. After a remedy: {after}.")
    return Answer(f"half of the new samples are located to within {fixed(first['median_m'])} m (the self-test said "
                  f"{fixed(foretold.median_m)} m), and their 90 % regions hold {_percent(first, 'coverage90')} "
                  f"(the self-test said {fixed(100 * foretold.covered90)} %)", "\n\n" + "\n".join(lines))


def _cost(row: Mapping) -> str:
    return (f"Median error {fixed(row['median_m'])} m ({difference(row['more_m'], row['ci95_more_m'], 'm')}); regions "
            f"hold {_percent(row, 'coverage90')} "
            f"({difference(row['more_coverage90'], row['ci95_more_coverage90'], 'points', 100)}); trusted: "
            f"{_percent(row, 'trusted')}. ")


def standing_out(row: Mapping) -> str:
    """Return what self-calibration says of a faulty receiver, from a record where nothing was done."""
    if row["loudest_errors"] < ALARM:
        return "no receiver stands out"
    who = "it" if row["loudest"] == row["receiver"] else f"{row['loudest']}, which is sound,"
    done = "the offsets are applied" if row["applied"] else "the offsets are refused"
    return f"{who} stands out by {fixed(row['loudest_errors'], 1)} standard errors; {done}"


def _percent(row: Mapping, field: str) -> str:
    return f"{fixed(100 * row[field])} %"
