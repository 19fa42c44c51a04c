"""What a change of ours did to a table: its records from before, kept in results/earlier, and those of now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rsslib.ledger import results
from rsslib.ledger.markdown import table
from rsslib.ledger.quantities import Records, interval
from rsslib.ledger.wording import ends, number

FOLDER = "earlier"


@dataclass(frozen=True)
class Change:
    """A change: a heading, what was changed and why, the file of records, the keys that name a record, and columns."""

    heading: str
    text: str
    file: str
    keys: Sequence[str]
    columns: Mapping[str, str]


CHANGES = (
    Change("Buildings by their parts",
           "By OpenStreetMap's rules (Simple 3D Buildings) the outline of a building does not count where its parts "
           "cover it. Before, the highest of all counted, so that the podium of a tower was as high as the tower. "
           "Heights in other units, raised and underground buildings are read, too. Free space has no buildings, and "
           "its rows would be equal, but that networks now train with one thread, which gives other weights, and that "
           "the second stage of logits sees them alone, as in the paper; before, it saw the readings, too. Chicago's "
           "emitter positions were drawn anew, and each cell is one training: what "
           "lies within the intervals may be chance.", "emitters_table1", ("environment", "method"),
           {"threshold [dBm]": "threshold_dbm", "CMR": "cmr", "RMSE [m]": "rmse_m", "FA": "fa", "MR": "mr"}),
    Change("Ray tracing with its diffraction corrected",
           "In diffracted fields Sionna RT 2.0 gave walls almost no reflection, and deep shadows were too bright. The "
           "networks, too, were trained on the maps of the change above, and the second stage of logits now sees them "
           "alone.", "emitters_ray_traced",
           ("tested_on", "trained_on", "method"),
           {"threshold [dBm]": "threshold_dbm", "CMR": "cmr", "RMSE [m]": "rmse_m", "FA": "fa", "MR": "mr"}))


def passage(records: Records, root: Path) -> list[str]:
    """Return the lines of the ledger on each change whose records from before are kept. Errors: those of `results`."""
    parts = []
    for change in CHANGES:
        if (root / "results" / FOLDER / f"{change.file}.json").is_file() and records.has(change.file):
            rows = _rows(change, results.read(FOLDER, change.file, root / "results")["records"],
                         records.read(change.file)["records"])
            commit = results.read(FOLDER, f"{change.file}.stamp", root / "results").get("commit")
            parts += [f"\n#### {change.heading}\n",
                      f"{change.text} Each cell: before (commit {str(commit)[:7]}) → now.\n",
                      table([*(key.replace("_", " ") for key in change.keys), *change.columns], rows)]
    return ["\n### What changes of ours did", *parts] if parts else []


def _rows(change: Change, before: Sequence[Mapping], now: Sequence[Mapping]) -> list[list[str]]:
    rows = []
    for record in now:
        named = {key: record.get(key) for key in change.keys}
        for old in results.select(before, **named):
            cells = [" → ".join(_text(one, field) for one in (old, record)) for field in change.columns.values()]
            rows.append([*(str(name).replace("_", " ") for name in named.values()), *cells])
    return rows


def _text(record: Mapping, field: str) -> str:
    value = record.get(field)
    return "–" if value is None else number(value) + ends(interval(record, field))
