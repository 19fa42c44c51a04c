"""Anyone's predictions beside ours on the same samples of a split: paired differences, intervals over time blocks."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.data import blocks, measurements, splits
from rsslib.data.positions import CRS, SITE_M, transmitters
from rsslib.ledger.resampling import interval, resampled_medians
from rsslib.project import InputError
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.reports.confidence_paper import baselines
from rsslib.tables import systems, text
from rsslib.tables.columns import pair, roles

OURS = {"maps": "radio maps (ours)", "nearest_neighbour": "nearest neighbour on readings",
        "five_neighbours": "mean of five neighbours on readings", "nearest_in_time": "nearest in time (no radio)",
        "ranging": "ranging, Min-Max", "least_squares": "ranging, least squares"}
"""What stands beside a submission, all of it made here from the training samples of the split."""


def scored(path: str | Path | pd.DataFrame, split: str, dataset: xr.Dataset) -> pd.DataFrame:
    """Return a row for the predictions and for each of OURS: method, n, median_m, low_m, high_m, and the difference.

    difference_m is the median error of the predictions less that of the method, with low_difference_m and
    high_difference_m, its 95 % interval by a bootstrap over blocks of time; verdict says who is ahead if that is
    settled. The samples are those that the split reports (see `splits.report_set`).
    Input: path, a csv or a frame with a row for each of the samples: time, and lat and lon, or x and y in UTM zone 12N.
    Errors: InputError naming the lines, for samples that are missing, foreign or named twice; those of `splits.make`.
    """
    true, errors, block, time = _errors(dataset, split)
    own = np.hypot(*(_read(path, time, true, split) - true).T)
    rows = [{"method": "yours"} | _told(own, block)]
    for label, error in errors.items():
        rows.append({"method": label} | _told(error, block) | _difference(own, error, block))
    return pd.DataFrame(rows)


def ours(dataset: xr.Dataset, split: str) -> list[dict]:
    """Return a record for each of OURS on a split: its median error with the interval. Errors: `splits.make`."""
    _, errors, block, _ = _errors(dataset, split)
    return [{"split": split, "method": label} | _told(error, block) for label, error in errors.items()]


def _errors(dataset: xr.Dataset, split: str) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return places, errors by each of OURS, blocks and times of the samples that a split reports."""
    chosen = splits.make(dataset, split)
    tested, train = chosen[splits.report_set(split)], chosen["train"]
    true = np.stack(transmitters(dataset), axis=1)[tested]
    places = {"maps": _by_maps(dataset, train, tested), **baselines.located(dataset, train, tested)}
    errors = {label: np.hypot(*(places[method] - true).T) for method, label in OURS.items()}
    return true, errors, blocks.numbers(dataset.time.values)[tested], dataset.time.values[tested]


def _by_maps(dataset: xr.Dataset, train: np.ndarray, tested: np.ndarray) -> np.ndarray:
    found = RadioMaps().fit(dataset, train).predict(dataset, {"tested": tested})
    return np.stack([found.x_hat.values, found.y_hat.values], axis=1)


def _read(path: str | Path | pd.DataFrame, time: np.ndarray, true: np.ndarray, split: str) -> np.ndarray:
    """Return the predicted places of the samples at `time`, (samples, 2) [m]."""
    name = text.name_of(path, "predictions")
    problems = text.Problems(name, skip=None)
    table = text.read(path, name, problems)
    found = roles(table.columns, name)
    where = pair(found, "", name)
    if "time" not in found or where is None:
        raise InputError(f"{name}: columns {text.listed(table.columns)}; expected time, and lat and lon or x and y "
                         "(UTM zone 12N)")
    x, y = (text.numbers(table[found[role]], found[role], problems) for role in where[:2])
    missing = np.isnan(x) | np.isnan(y)
    problems.add(table.index[missing], ["no place; every sample needs one"] * int(missing.sum()))
    stamps = pd.Index(text.stamps(table[found["time"]], problems))
    place = pd.Index(time.astype("M8[ns]")).get_indexer(stamps)
    problems.add(table.index[place < 0], [f"{stamp}: not a test sample of {split}" for stamp in stamps[place < 0]])
    problems.add(table.index[stamps.duplicated()], [f"{stamp} stands twice" for stamp in stamps[stamps.duplicated()]])
    east, north = systems.transform(systems.DEGREES if where.degrees else CRS, CRS, x, y)
    far = ~(np.hypot(east - np.median(true[:, 0]), north - np.median(true[:, 1])) < SITE_M)
    problems.add(table.index[far], [f"a place more than {SITE_M / 1000:.0f} km away; expected degrees as lat and lon, "
                                    "or metres of UTM zone 12N as x and y"] * int(far.sum()))
    problems.settle(len(table))
    if len(table) < len(time):
        lost = np.setdiff1d(time.astype("M8[ns]"), stamps.to_numpy())
        raise InputError(f"{name}: {len(lost)} of the {len(time)} test samples of {split} are missing, the first is "
                         f"{lost[0]}; expected a place for each")
    places = np.empty((len(time), 2))
    places[place] = np.stack([east, north], axis=1)
    return places


def _told(error: np.ndarray, block: np.ndarray) -> dict:
    low, high = interval(resampled_medians(error, block)) or (np.nan, np.nan)
    return {"n": len(error), "median_m": float(np.median(error)), "low_m": low, "high_m": high}


def _difference(one: np.ndarray, other: np.ndarray, block: np.ndarray) -> dict:
    drawn = resampled_medians(one, block) - resampled_medians(other, block)
    low, high = interval(drawn, difference=True) or (np.nan, np.nan)
    verdict = "settled: yours is ahead" if high < 0 else "settled: yours is behind" if low > 0 else "undecided"
    return {"difference_m": float(np.median(one) - np.median(other)), "low_difference_m": low,
            "high_difference_m": high, "verdict": verdict}


def told(rows: pd.DataFrame, split: str) -> str:
    """Return the scoreboard as lines of text."""
    lines = [f"Split {split}, {rows.n[0]} samples; ours are fitted to `train` alone. Medians [95 % interval over "
             "blocks of time], in metres."]
    for row in rows.itertuples():
        lines.append(f"  {row.method:38} {row.median_m:6.1f} [{row.low_m:.1f}, {row.high_m:.1f}]" + (
            "" if row.Index == 0 else f"   yours - this: {row.difference_m:+.1f} [{row.low_difference_m:+.1f}, "
            f"{row.high_difference_m:+.1f}]  {row.verdict}"))
    return "\n".join(lines)


def of_file(path: str | Path, split: str, data: str | Path) -> str:
    """Return the scoreboard of a file, with the measurements of the file `data`."""
    return told(scored(path, split, measurements.load(data)), split)
