"""Records of an ablation: what changing one ingredient of our networks costs, on the same samples and seeds."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.data import blocks, splits
from rsslib.ledger.resampling import interval, resampled
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, fixed, listed, settled, span
from rsslib.project import InputError
from rsslib.radio_maps import ablation
from rsslib.reports.confidence_paper.summaries import ends, field
from rsslib.reports.findings import Answer, Records, by_verdict
from rsslib.reports.radio_maps.tables import networks_drawn
from rsslib.reports.tables import name as named


def records(folder: str | Path, dataset: xr.Dataset) -> list[dict]:
    """Return a record for each variant, split and set: its median error, and how much larger that is than as chosen.

    median_m is the mean over the seeds of their median errors; more_m that mean minus the one of `ablation.WHOLE` on
    the same samples with the same seeds; intervals are bootstraps over blocks of time and seeds, of which N - 1 of N
    are drawn. Input: folder, with <split>.nc; dataset, the measurements.
    Errors: InputError for a folder without such files, or with those of other measurements.
    """
    paths = sorted(Path(folder).glob("*.nc"))
    if not paths:
        raise InputError(f"ablated: no file in {folder}; run the training notebook `ablation` first, or set \"\"")
    return [record for path in paths for record in _of_split(path.stem, ablation.load(path), dataset, path)]


def settings(folder: str | Path) -> dict[str, dict]:
    """Return the settings and the environment of the trainings behind an ablation, by split, for the provenance."""
    return {path.stem: {name: str(value) for name, value in ablation.load(path).attrs.items()}
            for path in sorted(Path(folder).glob("*.nc"))}


def _of_split(split: str, found: xr.Dataset, dataset: xr.Dataset, path: Path) -> list[dict]:
    chosen, sets = found.measurement.values, splits.make(dataset, split)
    if any(not np.array_equal(chosen[found.set.values == name], sets.get(name, ())) for name in set(found.set.values)):
        raise InputError(f"{path}: of other samples than those of {split} here; train on these measurements")
    block, rows = blocks.numbers(dataset.time.values)[chosen], []
    for name in dict.fromkeys(found.set.values.tolist()):
        here = found.set.values == name
        whole = found.error.sel(variant=ablation.WHOLE).values[:, here]
        for variant in found.variant.values.tolist():
            errors = found.error.sel(variant=variant).values[:, here]
            rows.append({"split": split, "set": name, "variant": variant, "n": int(here.sum()), "seeds": len(errors)}
                        | _told(errors, whole if variant != ablation.WHOLE else None, block[here]))
    return rows


def _told(errors: np.ndarray, whole: np.ndarray | None, block: np.ndarray) -> dict:
    """Return the median error, and its difference from that of the whole method, with their intervals."""
    median = np.median(errors, axis=1).mean()
    told = {"median_m": float(median)} | ends("m", interval(resampled(networks_drawn(errors), {"part": block})))
    if whole is None:
        return told
    drawn = resampled(networks_drawn(errors, whole), {"part": block})
    return told | field("more_m", float(median - np.median(whole, axis=1).mean()), drawn, difference=True)


_WORDS = {SETTLED: "settled to cost", REFUTED: "settled to gain", UNDECIDED: "undecided"}


def answer(found: Records) -> Answer:
    """Return which changes cost or gain metres where, by the intervals of the differences on test sets.

    Validation is left out: networks and rule were chosen on some of it.
    """
    compared = [record for record in found if "more_m" in record and record["set"] != "val"]
    groups = by_verdict(compared, _verdict)
    lines = [f"**{variant}**: {listed([_case(record) for record in compared if record['variant'] == variant])}."
             for variant in dict.fromkeys(record["variant"] for record in compared)]
    return Answer(", ".join(f"{len(group)} {_WORDS[word]}" for word, group in groups.items()) or "nothing compared",
                  "\n\n" + "\n".join(f"- {line}" for line in lines))


def _verdict(record: Mapping) -> str:
    return settled(record.get("ci95_more_m"), ">")


def _case(record: Mapping) -> str:
    around = record.get("ci95_more_m")
    number = f"{fixed(record['more_m'], 1, sign=True)} m" + (f" {span(around, 1, sign=True)}" if around else "")
    return f"{_WORDS[_verdict(record)]} on {named(record['split'])} {record['set']}, {number}"
