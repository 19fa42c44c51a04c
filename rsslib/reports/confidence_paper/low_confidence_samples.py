"""What is odd about the samples that an ensemble is least sure of: rules that a reader can check, not a look."""

from collections.abc import Mapping
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import xarray as xr
from scipy.spatial import KDTree

from rsslib.confidence import indicators
from rsslib.data import grid
from rsslib.data.grid import transmitters
from rsslib.ledger import statistics
from rsslib.localization import predictions
from rsslib.reports.confidence_paper.loss_comparison import sensor_image

LOWEST = 20
TAIL = 0.02
FAR_M, APART_M = 500.0, 300.0

RULES = {
    "hot sensor far away": "a receiver more than 500 m away reads higher than its distance explains: the residual from "
                           "the receiver's own log-distance line is above 98 % of those in training",
    "brightest sensor far away": "the receiver that reads highest after scaling is more than 500 m away",
    "quiet sensor nearby": "a receiver within 500 m reads lower than its distance explains: the residual is below 98 % "
                           "of those in training",
    "few sensors": "no more receivers heard it than the lowest 5 % of the training samples have",
    "far from training": "the nearest training sample is farther away than for 95 % of the validation samples",
    "members disagree": "the largest pixels of two members lie more than 300 m apart",
    "April sample": "it was measured in April, when most receivers of the later seasons were not there",
}
"""The oddities and their rules. They may look at the true place: they explain a result and never make one. That
members disagree is part of what confidence measures, so it is no surprise among the least sure."""
LIMITS_M = (300.0, 700.0)
"""Other limits for the brightest sensor, to show how much its share hangs on the 500 m."""


def flags(dataset: xr.Dataset, sets: Mapping[str, np.ndarray], part: xr.Dataset) -> dict[str, np.ndarray]:
    """Return which samples of the predictions `part` have which oddity of RULES, {oddity: (n,) bool}.

    Input: sets, the split's index sets; only `train` and `val` set the limits of the rules.
    """
    train, samples = sets["train"], part.measurement.values
    residual, away = residuals(dataset, train), distances(dataset)[samples]
    low, high = _tails(residual[train])
    heard = np.isfinite(dataset.rss.values).sum(axis=1)
    gap = _gap(dataset, train, samples)
    return {"hot sensor far away": ((residual[samples] > high) & (away > FAR_M)).any(axis=1),
            "brightest sensor far away": _to_brightest(dataset, train, samples) > FAR_M,
            "quiet sensor nearby": ((residual[samples] < low) & (away < FAR_M)).any(axis=1),
            "few sensors": heard[samples] <= np.quantile(heard[train], 0.05),
            "far from training": gap > np.quantile(_gap(dataset, train, sets["val"]), 0.95),
            "members disagree": part.max_spread.values > APART_M,
            "April sample": dataset.season.values[samples] == "april"}


def distances(dataset: xr.Dataset) -> np.ndarray:
    """Return the distance from every receiver to the transmitter, (sample, sensor) [m], NaN where not heard."""
    x, y = transmitters(dataset)
    return np.hypot(dataset.sensor_x.values - x[:, None], dataset.sensor_y.values - y[:, None])


def residuals(dataset: xr.Dataset, train: np.ndarray) -> np.ndarray:
    """Return how much stronger than its distance explains each reading is, (sample, sensor) [dB].

    Each receiver has its own line of RSS over log-distance, fitted to the samples `train` by least squares; a
    receiver that fewer than 20 of them heard has none (NaN).
    """
    rss, decades = dataset.rss.values, np.log10(np.maximum(distances(dataset), 1.0))
    found = np.full(rss.shape, np.nan)
    for sensor in range(rss.shape[1]):
        known = train[np.isfinite(rss[train, sensor])]
        if len(known) >= 20:
            line = np.polyfit(decades[known, sensor], rss[known, sensor], 1)
            found[:, sensor] = rss[:, sensor] - np.polyval(line, decades[:, sensor])
    return found


def _tails(residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest residual that is not odd, of each receiver; NaN of one unknown in training."""
    known = np.isfinite(residual).any(axis=0)
    ends = np.full((2, len(known)), np.nan)
    ends[:, known] = np.nanquantile(residual[:, known], [TAIL, 1 - TAIL], axis=0)
    return ends[0], ends[1]


def _to_brightest(dataset: xr.Dataset, train: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Distance from the transmitter to the receiver that reads highest after scaling, (samples,) [m]."""
    return distances(dataset)[samples, _scaled(dataset, train, samples).argmax(axis=1)]


def _scaled(dataset: xr.Dataset, train: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Readings as the networks see them, before those in one pixel are merged, (samples, sensor), -inf if unheard."""
    ranges = grid.scaling(dataset, train)
    low, high = np.array([ranges.get(str(name), (np.nan, np.nan)) for name in dataset.sensor.values]).T
    scaled = (dataset.rss.values[samples] - low) / (high - low)
    return np.where(np.isfinite(scaled), scaled, -np.inf)


def _gap(dataset: xr.Dataset, train: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Distance from each of `samples` to the nearest training sample [m]."""
    places = np.stack(transmitters(dataset), axis=1)
    return KDTree(places[train]).query(places[samples])[0]


def lowest(dataset: xr.Dataset, sets: Mapping[str, np.ndarray], said: xr.Dataset, split: str, name: str = "val",
           count: int = LOWEST) -> tuple[list[dict], list[dict]]:
    """Return the `count` least sure samples of a set with what is odd about each, and how often each oddity is met.

    Output: records with split, set, rank, measurement, time, confidence, error_m, odd (a list of names in RULES);
    records with split, set, oddity, lowest_share, all_share, n, the share of all samples of the set beside it.
    """
    part = predictions.of_set(said, name)
    sure, errors = indicators.score(part), predictions.errors(part)
    found = flags(dataset, sets, part)
    least = np.argsort(sure, kind="stable")[:count]
    samples = [{"split": split, "set": name, "rank": rank, "measurement": int(part.measurement.values[place]),
                "time": str(dataset.time.values[part.measurement.values[place]])[:19],
                "confidence": sure[place], "error_m": errors[place],
                "odd": [oddity for oddity, flag in found.items() if flag[place]]}
               for rank, place in enumerate(least, start=1)]
    away = _to_brightest(dataset, sets["train"], part.measurement.values)
    found |= {f"brightest sensor beyond {limit:.0f} m": away > limit for limit in LIMITS_M}
    rates = [{"split": split, "set": name, "oddity": oddity, "lowest_share": flag[least].mean(),
              "ci95_lowest_share": statistics.share_interval(flag[least]), "all_share": flag.mean(), "n": len(flag)}
             for oddity, flag in found.items()]
    return samples, rates


def miss_beside_a_sensor(dataset: xr.Dataset, sets: Mapping[str, np.ndarray], part: xr.Dataset,
                         within_m: float = 120.0) -> int:
    """Return the row of `part` with the largest error among samples sent from beside their brightest sensor.

    Where none was sent from within `within_m` of it, the row with the largest error.
    """
    errors = predictions.errors(part)
    beside = _to_brightest(dataset, sets["train"], part.measurement.values) <= within_m
    return int(np.argmax(np.where(beside, errors, -1.0) if beside.any() else errors))


def bright_far_away(dataset: xr.Dataset, sets: Mapping[str, np.ndarray], part: xr.Dataset) -> int:
    """Return the row of `part` with the brightest sensor that is more than FAR_M away, among its least sure samples.

    Of the LOWEST least sure samples with this oddity (see RULES) the one whose brightest sensor reads highest after
    scaling; where none has it, the least sure sample.
    """
    samples = part.measurement.values
    reading = _scaled(dataset, sets["train"], samples).max(axis=1)
    odd = np.where(_to_brightest(dataset, sets["train"], samples) > FAR_M, reading, -np.inf)
    least = np.argsort(indicators.score(part), kind="stable")[:LOWEST]
    return int(least[np.argmax(odd[least])])


def raster(said: xr.Dataset) -> grid.Grid:
    """Return the grid that a predictions file was made on."""
    return grid.Grid(**{field.name: said.attrs[field.name] for field in fields(grid.Grid)})


def case(dataset: xr.Dataset, on: grid.Grid, part: xr.Dataset, row: int, train: np.ndarray, title: str):
    """Return one sample for `figures.odd_inputs`: title, image (as networks see it), truth and estimate (x, y) [m]."""
    measurement = int(part.measurement.values[row])
    truth, estimate = ((float(part[f"x_{kind}"][row]), float(part[f"y_{kind}"][row])) for kind in ("true", "hat"))
    image = sensor_image(dataset, on, measurement, train)
    return SimpleNamespace(title=title, image=image, truth=truth, estimate=estimate)
