"""The data separations: which a data set allows, their sets' sizes, and how near the test samples lie to training."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from scipy.spatial import KDTree

from rsslib.data import grid, splits
from rsslib.data.grid import transmitters
from rsslib.project import InputError

PAPER = ("random", "july", "november", "grid2", "grid5")
"""The separations of paper 1."""


def possible(dataset: xr.Dataset, names: Sequence[str] = PAPER) -> tuple[dict[str, dict], dict[str, str]]:
    """Return the sets of each split that a dataset allows, and why it does not allow the others, {split: reason}.

    Errors: InputError if no split can be made.
    """
    sets, reasons = {}, {}
    for name in names:
        try:
            sets[name] = splits.make(dataset, name)
        except InputError as error:
            reasons[name] = str(error)
    if not sets:
        raise InputError(f"no data separation is possible: {'; '.join(dict.fromkeys(reasons.values()))}")
    return sets, reasons


def nearness(dataset: xr.Dataset, sets_by_split: Mapping[str, Mapping]) -> list[dict]:
    """Return a record for each split: sizes of its sets, and how near its test set lies to its training samples.

    Fields: split; set, the one that it is tested on; n, train_n, val_n, left_out_n, the samples that are in none of
    these sets; medians over the test samples of the distance to the nearest training location (distance_m), of the time
    to the nearest training sample (gap_s), and of the distance to *that* sample's location (last_place_m), the error of
    copying it, which uses no radio at all; for gridN unseen_cells_n and, of these, empty_cells_n without any sample.
    """
    places, records = np.stack(transmitters(dataset), axis=1), []
    for split, sets in sets_by_split.items():
        tested = sets[splits.report_set(split)]
        nearest, gaps = nearest_in_time(dataset, sets["train"], tested)
        records.append({
            "split": split, "set": splits.report_set(split), "n": len(tested), "train_n": len(sets["train"]),
            "val_n": len(sets["val"]), "left_out_n": dataset.sizes["sample"] - sum(
                map(len, (sets["train"], sets["val"], tested))),
            "distance_m": float(np.median(KDTree(places[sets["train"]]).query(places[tested])[0])),
            "gap_s": float(np.median(gaps)),
            "last_place_m": float(np.median(np.hypot(*(places[nearest] - places[tested]).T)))} | _cells(dataset, split))
    return records


def nearest_in_time(dataset: xr.Dataset, train: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the training sample nearest in time to each of `samples`, and how far it is [s]."""
    times = dataset.time.values
    ordered = train[np.argsort(times[train], kind="stable")]
    later = np.searchsorted(times[ordered], times[samples]).clip(1, len(ordered) - 1)
    around = np.stack([ordered[later - 1], ordered[later]])
    gaps = np.abs(times[around] - times[samples]) / np.timedelta64(1, "s")
    each = np.arange(len(samples))
    return around[gaps.argmin(axis=0), each], gaps.min(axis=0)


def _cells(dataset: xr.Dataset, split: str) -> dict[str, int]:
    if not split.startswith("grid"):
        return {}
    n = int(split.removeprefix("grid"))
    unseen = splits.grid_test_cells(n)
    return {"unseen_cells_n": len(unseen), "empty_cells_n": len(set(unseen) - set(splits.cells(dataset, n).tolist()))}


def readings(dataset: xr.Dataset, raster: grid.Grid, sample: int, fit: np.ndarray, most: int = 5) -> list[dict]:
    """Return the strongest readings of a sample as its image shows them, a record each; networks train on `fit`.

    Fields: receiver, kind; rss_db; low_db and high_db, which are scaled to 0 and 1; value, the scaled RSS; column, row.
    """
    ranges, one = grid.scaling(dataset, fit), dataset.isel(sample=[sample])
    drawn, names = grid.draw(one, raster, ranges), dataset.sensor.values
    shown = [number for number in np.argsort(-drawn.value[0], kind="stable") if drawn.pixel[0, number] >= 0][:most]
    return [{"receiver": str(names[number]), "kind": str(dataset.sensor_kind.values[number]),
             "rss_db": float(one.rss.values[0, number]), "low_db": ranges[names[number]][0],
             "high_db": ranges[names[number]][1], "value": float(drawn.value[0, number]),
             "column": int(drawn.pixel[0, number] % raster.width), "row": int(drawn.pixel[0, number] // raster.width)}
            for number in shown]
