"""The page of our own method: what it does, what it finds beside the paper's EMD, where it fails, how sure it is."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rsslib.ledger.markdown import table
from rsslib.ledger.quantities import Records
from rsslib.radio_maps.regions import PROMISES
from rsslib.reports.radio_maps import findings
from rsslib.reports.radio_maps.tables import LEVEL, unseen
from rsslib.reports.tables import NOTHING, cell
from rsslib.site import pages


def own(evidence: pages.Evidence) -> str:
    """Return the page of our own method."""
    drawn = [one for name, one in evidence.pictures.items() if name.startswith(("maps_", "own_", "two_transmitters"))]
    return "\n".join([pages.text("own"), *_found(evidence.root), "## Figures\n", *(
        part for one in sorted(drawn, key=lambda one: not Path(one.path).name.startswith("maps_"))
        for part in evidence.shown(one))])


def _found(root: Path) -> list[str]:
    records = Records("full", root / "results")
    if not records.has("beyond"):
        return []
    rows, pairs, detection, covered = (records.read(name)["records"] for name in (
        "beyond", "beyond_pairs", "maps_detection", "maps_covered"))
    of_maps = [one for one in covered if one["method"] == "maps"]
    of_networks = [one for one in covered if one["method"] == "network"]
    told = findings.answer(rows, pairs, detection, covered)
    return [f"## What it finds beside the paper's EMD\n\n**{told.word}.**{told.sentences}\n", pages.text("fails"),
            table(["separation (tested)", "maps [m]", "network with maps [m]", *(
                f"{method}, {promise}: held, area" for method in ("maps", "network") for promise in PROMISES)],
                  _by_set(rows, of_maps, of_networks)),
            _in_short(covered), _nearer(rows),
            '\nSample by sample: <a href="explorer.html#grid2/worst">those of Grid2 that the maps miss most</a>.\n']


def _in_short(covered: Sequence[Mapping]) -> str:
    """Return in one sentence what regions of 90 % hold in sets out of distribution, by method and promise."""
    def span(method: str, promise: str) -> str:
        own = [one for one in covered if one["level"] == LEVEL and one["method"] == method and unseen(
            one["split"], one["set"])]
        chosen = [one for one in own if one["promise"] == promise]
        shares = [round(100 * one["covered"]) for one in chosen]
        sets = len({(one["split"], one["set"]) for one in chosen})
        return f"{min(shares)} to {max(shares)} % ({sets} sets)" if shares else NOTHING

    return ("\n**In short**, in sets out of distribution regions of 90 % hold: of the maps, calibrated on unseen "
            f"cells, {span('maps', 'unseen cells')}; calibrated on seen places, {span('maps', 'seen places')}; of the "
            f"network, calibrated on unseen cells, {span('network', 'unseen cells')}; on seen places, "
            f"{span('network', 'seen places')}.\n")


def _nearer(rows: Sequence[Mapping]) -> str:
    """Return in how many sets the network's median error is below the maps', which says nothing of intervals."""
    medians = {(one["method"], one["split"], one["set"]): one["median_m"] for one in rows if one["set"] != "val"}
    both = [(medians["network", *where], value) for (method, *where), value in medians.items()
            if method == "maps" and ("network", *where) in medians]
    return (f"By the median the network is nearer than the maps in {sum(ours < maps for ours, maps in both)} of "
            f"{len(both)} sets; no interval of this difference is computed.\n")


def _by_set(rows: Sequence[Mapping], covered: Sequence[Mapping], networks: Sequence[Mapping]) -> list[list[str]]:
    """Return a row for each set: both methods' median errors, and what regions of 90 % hold by their promise.

    Of networks it is the mean over the seeds that have such regions.
    """
    found = {(one["method"], one["split"], one["set"]): one for one in rows}
    lines = []
    for one in sorted((one for one in rows if one["method"] == "maps" and one["set"] != "val"),
                      key=lambda one: -one["median_m"]):
        where = one["split"], one["set"]
        network = found.get(("network", *where))
        lines.append([f"{cell(one, 'split')} ({findings.set_label(one['set'])})", cell(one, "median_m"),
                      cell(network, "median_m") if network else NOTHING,
                      *(_held([record for record in of if (record["split"], record["set"], record["level"],
                                                           record["promise"]) == (*where, LEVEL, promise)])
                        for of in (covered, networks) for promise in PROMISES)])
    return lines


def _held(records: Sequence[Mapping]) -> str:
    share, area = (sum(one[key] for one in records) / max(len(records), 1) for key in ("covered", "area_km2"))
    return f"{100 * share:.0f} %, {area:.2g} km²" if records else NOTHING
