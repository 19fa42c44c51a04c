"""Which figures belong in RESULTS.md: those of a place in a paper, and those that go beyond the papers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rsslib.ledger import results
from rsslib.ledger.values import ends, interval, number, records_path
from rsslib.project import ROOT


@dataclass(frozen=True)
class Beyond:
    """A figure that no printed claim is about: its file's stem, what it shows, its notebook and file of records.

    `columns` maps a heading to a field of the records; without them the records are only linked.
    """

    stem: str
    said: str
    notebook: str
    file: str
    columns: Mapping[str, str]

    def rows(self, profile: str, folder: str | Path | None = None) -> list[list[str]]:
        """Return the table under the figure, a row a record."""
        records = results.read(profile, self.file, folder)["records"] if self.columns else []
        return [[_cell(record, field) for field in self.columns.values()] for record in records]


_SEES = {"second stage sees": "second_stage_sees"}
_SCORES = {"CMR": "cmr", "RMSE, share of the side": "rmse_fraction", "FA": "fa", "MR": "mr"}
_MOVED = {"trained on": "trained_on", "tested on": "tested_on", "method": "method"}
BEYOND = (
    Beyond("risk_coverage", "Paper 1: the error that is left where the least sure samples are refused",
           "03_confidence_indicators", "fig07", {}),
    Beyond("emitters_counts", "Paper 2: right counts, by the true number of emitters", "06_multi_emitter_cnns",
           "emitters_by_count", {}),
    Beyond("emitters_effects", "Paper 2: right counts, by what the weakest emitter changes at all",
           "06_multi_emitter_cnns", "emitters_by_effect", {}),
    Beyond("emitters_sweep", "Paper 2: how many sensors it takes", "06_multi_emitter_cnns",
           "emitters_sweep", {"sensors": "n_sensors", "most emitters": "n_max", **_SCORES}),
    Beyond("emitters_transfer", "Paper 2: trained in one city, tested in the other", "06_multi_emitter_cnns",
           "emitters_transfer", _MOVED | _SEES | _SCORES),
    Beyond("emitters_ray_traced", "Paper 2: the same networks on a ray-traced city", "08_ray_traced_city",
           "emitters_ray_traced", _MOVED | _SEES | {"threshold [dBm]": "threshold_dbm"} | _SCORES),
    Beyond("two_transmitters", "Both papers: two transmitters in real measurements", "07_two_transmitters",
           "two_transmitters", {"method": "method", "samples of": "set", "samples": "n",
                                "right counts": "count_accuracy",
                                "median error where the count is right [m]": "matched_median_m",
                                "median error, two taken [m]": "two_taken_median_m"}),
)
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4}


def of_place(place: str, profile: str) -> list[str]:
    """Return the figures of a place, as paths from RESULTS.md: of "Figure 7", "Table II", "Emitters Table I".

    Example
    -------
    >>> of_place("Section II.B", "quick")
    []
    """
    second, place = place.startswith("Emitters "), place.removeprefix("Emitters ")
    kind, _, numeral = place.partition(" ")
    which = str(_ROMAN.get(numeral, numeral))
    stems = {"Figure": f"fig{which}_" if second else f"fig{which:0>2}_", "Table": f"table{which}"}
    if kind not in stems:
        return []
    pattern = f"{'emitters_' if second else ''}{stems[kind]}*.png"
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "figures" / profile).glob(pattern))


def beyond(profile: str, folder: str | Path | None = None) -> list[Beyond]:
    """Return what goes beyond the papers, of BEYOND, and is there in a profile: figure and records."""
    return [shown for shown in BEYOND if (ROOT / f"figures/{profile}/{shown.stem}.png").is_file()
            and records_path(shown.file, profile, folder).is_file()]


def _cell(record: Mapping, field: str) -> str:
    value = record.get(field)
    if isinstance(value, str):
        return value.replace("_", " ")
    return "" if value is None else number(value) + ends(interval(record, field))
