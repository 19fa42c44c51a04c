"""What notebook 09 finds: where radio maps and networks fed by them put samples, beside paper 1's EMD."""

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr

from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, fixed, listed, reach, settled, span
from rsslib.radio_maps.maps import Maps
from rsslib.reports.findings import Answer, Records, by_verdict, usable
from rsslib.reports.radio_maps.tables import unseen
from rsslib.reports.style import LOOKS, Told
from rsslib.reports.tables import name as named


def answer(records: Records, pairs: Records, detection: Records, covered: Records) -> Answer:
    """Return in how many sets our method is ahead of the paper's EMD, and what its regions and entropies are worth."""
    usable(records, "answer")
    lines = [f"**{LOOKS[method].label}**{beside}: {told}." for method, other, beside in (
        ("maps", "emd", ""), ("network", "emd", ""), ("network", "maps", ", beside the maps alone"))
             if (told := _against(pairs, method, other))]
    lines += [_detected(detection)] * bool(detection)
    for method in ("maps", "network"):
        own = [record for record in covered if record["method"] == method and record["level"] == 0.9
               and unseen(record["split"], record["set"])]
        if own:
            lines.append(f"**{LOOKS[method].label}**, out of distribution: regions of 90 % {_held(own)}.")
    compared = {pair["left_method"] for pair in pairs if pair["right_method"] == "emd"}
    words = [_counted(pairs, method) for method in ("network", "maps") if method in compared]
    return Answer(words[0] if words else "not compared with EMD", "\n\n" + "\n".join(f"- {line}" for line in lines))


def _held(regions: Records) -> str:
    """Return in which shares of the samples regions hold the transmitter, and in how many sets, by their promise."""
    parts = []
    for promise in ("seen places", "unseen cells"):
        if own := [record for record in regions if record["promise"] == promise]:
            sets = len({(record["split"], record["set"]) for record in own})
            parts.append(f"calibrated on {promise} hold the transmitter in "
                         f"{reach([100 * record['covered'] for record in own])} % ({sets} sets)")
    return " and ".join(parts)


def _counted(pairs: Records, method: str) -> str:
    """Return in how many sets a method is ahead of EMD."""
    tally = _tally(pairs, method)
    return (f"{LOOKS[method].label}: ahead of our EMD in {tally.get(SETTLED, 0)} of {sum(tally.values())} sets, behind "
            f"in {tally.get(REFUTED, 0)}, undecided in {tally.get(UNDECIDED, 0)}")


def _verdict(pair: Mapping) -> str:
    return settled(pair.get("ci95_median_m"), "<")


def _of(pairs: Records, method: str, other: str) -> list[Mapping]:
    return [pair for pair in pairs if (pair["left_method"], pair["right_method"]) == (method, other)]


def _tally(pairs: Records, method: str) -> dict[str, int]:
    return {word: len(group) for word, group in by_verdict(_of(pairs, method, "emd"), _verdict).items()}


def _case(record: Mapping) -> str:
    return f"{named(record['split'])} ({set_label(record['set'])})"


def set_label(name: str) -> str:
    """Return a set in words.

    >>> set_label("november_all"), set_label("ood")
    ('all November', 'OOD test')
    """
    return LOOKS[name].label if name in LOOKS else f"all {name.removesuffix('_all').capitalize()}"


def _against(pairs: Records, method: str, other: str) -> str:
    """Return where a method is ahead of EMD, or of the maps, and where not, with the differences."""
    than = "than EMD " if other == "emd" else ""
    verbs = {SETTLED: f"nearer {than}on", REFUTED: "farther off on", UNDECIDED: "undecided on"}
    groups = by_verdict(_of(pairs, method, other), _verdict)
    return "; ".join(f"{verbs[word]} {listed([_told(pair) for pair in group])}" for word, group in groups.items())


def _told(pair: Mapping) -> str:
    ends = pair.get("ci95_median_m")
    digits = int(min(map(abs, ends)) < 0.5) if ends else 0    # an end that decides is not rounded to 0
    told = span(ends, digits, True) if ends else "(no interval)"
    return f"{_case(pair)} {fixed(pair['median_m'], digits, True)} m {told}"


def medians(records: Records, pairs: Records) -> Told:
    """Return what the drawing of medians says: in how many sets each method is settled to be nearer than EMD."""
    parts = []
    for method in ("maps", "network"):
        tally = _tally(pairs, method)
        if tally:
            parts.append(f"{LOOKS[method].label}: nearer than EMD in {tally.get(SETTLED, 0)} of {sum(tally.values())} "
                         f"sets, farther off in {tally.get(REFUTED, 0)}")
    values = "; ".join(f"{_case(record)}, {LOOKS[record['method']].label}: {fixed(record['median_m'], 0)} m"
                       for record in records if record["set"] != "val" and record["method"] in ("maps", "network"))
    return Told("; ".join(parts) or "Median errors of radio maps", "For each data separation and set the median error, "
                f"logarithmic, of EMD, of radio maps and of networks fed by them, with 95 % intervals. {values}.")


def size_of(record: Mapping) -> int:
    """Return N of a record of the separation GridN.

    >>> size_of({"split": "grid10"})
    10
    """
    return int(record["split"].removeprefix("grid"))


def grid_sizes(records: Records, pairs: Records) -> Told:
    """Return what Figure 11 says with the maps: on which grids they help EMD as its fallback, and are ahead alone."""
    parts = []
    for left, words in (("hybrid", "EMD with maps as its fallback"), ("maps", "maps alone")):
        tally = by_verdict((pair for pair in pairs if (pair["left_method"], pair["right_method"], pair["set"]) == (
            left, "cnn", "ood")), _verdict)
        counts = [len(tally.get(word, ())) for word in (SETTLED, REFUTED)]
        parts.append(f"{words}: nearer than EMD on {counts[0]} of {sum(map(len, tally.values()))} grids, farther off "
                     f"on {counts[1]}")
    values = "; ".join(f"{named(record['split'])} {record['set']}, {record['method']}: {fixed(record['median_m'], 0)} m"
                       for record in records)
    return Told(f"OOD, {'; '.join(parts)}", "Two panels, in distribution and out of it: the median error, logarithmic, "
                "over the number of cells a side, of EMD (cnn), of the radio maps, and of EMD where it is confident "
                f"with the maps elsewhere (hybrid), with 95 % intervals. {values}.")


def receiver_map(of: Maps, receiver: str, sample: xr.Dataset) -> Told:
    """Return what the map of a receiver says: how unsure it is where samples lie and where none do."""
    spread = np.sqrt(of.variance[of.sensors.index(receiver)])
    away = float(np.hypot(sample.x_hat - sample.x_true, sample.y_hat - sample.y_true))
    return Told(f"What {receiver} would read anywhere: sure to {fixed(spread.min(), 1)} dB near samples, to "
                f"{fixed(spread.max(), 1)} dB far from them; all receivers put this sample {fixed(away)} m off",
                f"Three maps. Left: the reading that is expected at {receiver} of a transmitter in each pixel. Middle: "
                "the standard deviation of that map, small along the streets that were measured. Right: the posterior "
                f"of one test sample, whose median lies {fixed(away)} m from the transmitter.")


def seasons(records: Records) -> Told:
    """Return what the seasons' shift says: how well the offsets of both directions agree."""
    usable(records, "seasons")
    there, back = (np.array([record[key] for record in records], float) for key in ("there_db", "back_db"))
    agree = float(np.corrcoef(there, -back)[0, 1]) if len(records) > 2 else float("nan")
    largest = max(records, key=lambda record: abs(record["there_db"]))
    return Told(f"The season's shift, receiver by receiver: there and back agree with a correlation of "
                f"{fixed(agree, 2)}; {largest['receiver']} changes most",
                f"A dot for each of {len(records)} receivers: the offset of its readings from July to November, "
                "estimated without locations, against the one from November to July by maps of November. Gains that "
                f"changed lie on the falling diagonal. {largest['receiver']}: {fixed(largest['there_db'], 1, True)} dB "
                f"there, {fixed(largest['back_db'], 1, True)} dB back.")


def coverage(records: Records, level: float) -> Told:
    """Return what regions of a level are worth: their coverage by promise, in distribution and out of it."""
    parts = []
    for promise in ("seen places", "unseen cells"):
        shares = [100 * record["covered"] for record in records if record["promise"] == promise
                  and record["level"] == level and record["set"] != "val"]
        if shares:
            parts.append(f"calibrated on {promise} hold the transmitter in {reach(shares)} %")
    values = "; ".join(f"{_case(record)}, {record['promise']}: {100 * record['covered']:.0f} %, "
                       f"{record['area_km2']:.2g} km²" for record in records
                       if record["level"] == level and record["set"] != "val")
    return Told(f"Regions of {100 * level:g} % {' and '.join(parts)} of a set's samples",
                f"Left: the share of regions with the transmitter, a dotted line at {100 * level:g} %. Right: their "
                f"median area. {values}.")


def _detected(records: Iterable[Mapping]) -> str:
    """Return how well each indicator tells the unknown."""
    told: dict[str, list[str]] = {}
    labels = {("maps", "entropy"): "entropy of the maps' posterior", ("maps", "map_std"): "the maps' uncertainty",
              ("network", "entropy_network"): "entropy of the network's posterior",
              ("network", "entropy"): "entropy of the posterior of networks and maps",
              ("network", "entropy + map_std"): "that entropy with the maps' uncertainty there",
              ("emd", "max_mean_prediction"): "EMD's maximum mean prediction"}
    for record in records:
        told.setdefault(labels[record["method"], record["indicator"]], []).append(
            f"{named(record['split'])} {fixed(record['auroc'], 3)}")
    return "Telling OOD from validation, area under the ROC curve: " + "; ".join(
        f"{label}: {', '.join(values)}" for label, values in told.items()) + "."
