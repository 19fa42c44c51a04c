"""What is unusual about the samples that an ensemble is least confident of, by rules that apply to all alike."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr
from scipy.spatial import KDTree

from rsslib.confidence import indicators
from rsslib.data import grid
from rsslib.data.grid import transmitters
from rsslib.ledger.statistics import share_interval
from rsslib.localization import predictions
from rsslib.reports.confidence_paper.loss_comparison import locations, sensor_image

LOWEST = 20
TAIL = 0.02
FAR_M, APART_M = 500.0, 300.0

RULES = {
    "hot sensor far away": "a receiver more than 500 m away reads higher than its distance explains: the residual from "
                           "the receiver's own log-distance line is above 98 % of those in training",
    "brightest sensor far away": "the receiver with the highest scaled reading is more than 500 m away",
    "quiet sensor nearby": "a receiver within 500 m reads lower than its distance explains: the residual is below 98 % "
                           "of those in training",
    "few sensors": "no more receivers heard it than the lowest 5 % of the training samples have",
    "far from training": "the nearest training sample is farther away than for 95 % of the validation samples",
    "members disagree": "the largest pixels of two members lie more than 300 m apart",
    "April sample": "it was measured in April, when most receivers of the later seasons were not there",
}
"""The anomalies and their rules. They may use the true location: they explain a result and never make one. That
members disagree is part of what confidence measures, so it is no surprise among the least confident."""
LABELS = {"hot sensor far away": "unexpectedly strong, far", "brightest sensor far away": "strongest reading, far",
          "quiet sensor nearby": "unexpectedly weak, near",
          "brightest sensor beyond 300 m": "strongest reading, beyond 300 m",
          "brightest sensor beyond 700 m": "strongest reading, beyond 700 m"}
"""What readers see, where it is not what the records say."""
LIMITS_M = (300.0, 700.0)
"""Other limits for the strongest reading, to show how much its share depends on the 500 m."""

Sets = Mapping[str, np.ndarray]


def flags(dataset: xr.Dataset, sets: Sets, part: xr.Dataset) -> dict[str, np.ndarray]:
    """Return which samples of the predictions `part` have which oddity of RULES, {oddity: (n,) bool}.

    Input: sets, the split's index sets; only `train` and `val` set the limits of the rules.
    """
    train, samples = sets["train"], part.measurement.values
    residual, away = residuals(dataset, train), distances(dataset)[samples]
    low, high = pd.DataFrame(residual[train]).quantile([TAIL, 1 - TAIL]).values    # of each receiver
    heard = np.isfinite(dataset.rss.values).sum(axis=1)
    return {"hot sensor far away": ((residual[samples] > high) & (away > FAR_M)).any(axis=1),
            "brightest sensor far away": to_brightest(dataset, train, samples) > FAR_M,
            "quiet sensor nearby": ((residual[samples] < low) & (away < FAR_M)).any(axis=1),
            "few sensors": heard[samples] <= np.quantile(heard[train], 0.05),
            "far from training": _gap(dataset, train, samples) > np.quantile(_gap(dataset, train, sets["val"]), 0.95),
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
    residual = np.full(rss.shape, np.nan)
    for sensor in range(rss.shape[1]):
        heard = train[np.isfinite(rss[train, sensor])]
        if len(heard) >= 20:
            line = np.polyfit(decades[heard, sensor], rss[heard, sensor], 1)
            residual[:, sensor] = rss[:, sensor] - np.polyval(line, decades[:, sensor])
    return residual


def to_brightest(dataset: xr.Dataset, train: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return the distance from transmitter to the receiver that reads highest after scaling, (samples,) [m]."""
    return distances(dataset)[samples, _scaled(dataset, train, samples).argmax(axis=1)]


def _scaled(dataset: xr.Dataset, train: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Readings as the networks see them, before those in one pixel are merged, (samples, sensor), -inf if unheard."""
    ranges = grid.scaling(dataset, train)
    low, high = np.array([ranges.get(str(name), (np.nan, np.nan)) for name in dataset.sensor.values]).T
    scaled = (dataset.rss.values[samples] - low) / (high - low)
    return np.where(np.isfinite(scaled), scaled, -np.inf)


def _gap(dataset: xr.Dataset, train: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Distance from each of `samples` to the nearest training sample [m]."""
    xy = np.stack(transmitters(dataset), axis=1)
    return KDTree(xy[train]).query(xy[samples])[0]


def lowest(dataset: xr.Dataset, sets: Sets, model: xr.Dataset, split: str, name: str = "val",
           count: int = LOWEST) -> tuple[list[dict], list[dict]]:
    """Return the `count` least confident samples of a set with what is odd about each, and how common each oddity is.

    Output: records with split, set, rank, measurement, time, confidence, error_m, odd (a list of names in RULES);
    records with split, set, oddity, lowest_share, all_share, n: its share of those samples and of the whole set.
    """
    part = predictions.of_set(model, name)
    confidence, errors, measurements = indicators.score(part), predictions.errors(part), part.measurement.values
    odd = flags(dataset, sets, part)
    least = np.argsort(confidence, kind="stable")[:count]
    samples = [{"split": split, "set": name, "rank": rank, "measurement": int(measurements[row]),
                "time": str(dataset.time.values[measurements[row]])[:19], "confidence": confidence[row],
                "error_m": errors[row], "odd": [oddity for oddity, flag in odd.items() if flag[row]]}
               for rank, row in enumerate(least, start=1)]
    away = to_brightest(dataset, sets["train"], measurements)
    odd |= {f"brightest sensor beyond {limit:.0f} m": away > limit for limit in LIMITS_M}
    rates = [{"split": split, "set": name, "oddity": oddity, "lowest_share": flag[least].mean(),
              "ci95_lowest_share": share_interval(flag[least]), "all_share": flag.mean(), "n": len(flag)}
             for oddity, flag in odd.items()]
    return samples, rates


def rules() -> str:
    """Return RULES as a list for readers."""
    return "\n".join(f"- *{LABELS.get(name, name)}*: {rule}." for name, rule in RULES.items())


def labelled(records: Sequence[Mapping]) -> list[dict]:
    """Return records of `lowest` with `anomaly`: the label of their oddity, or those of what is odd.

    >>> labelled([{"oddity": "quiet sensor nearby"}, {"odd": ["few sensors", "April sample"]}])[1]["anomaly"]
    'few sensors; April sample'
    """
    return [{**record, "anomaly": "; ".join(LABELS.get(name, name) for name in (
        [record["oddity"]] if "oddity" in record else record["odd"])) or None} for record in records]


def miss_near_a_sensor(dataset: xr.Dataset, sets: Sets, part: xr.Dataset, within_m: float = 120.0) -> int:
    """Return the row of `part` with the largest error among samples sent from near their brightest sensor.

    Where none was sent from within `within_m` of it, the row with the largest error.
    """
    errors = predictions.errors(part)
    near = to_brightest(dataset, sets["train"], part.measurement.values) <= within_m
    return int(np.argmax(np.where(near, errors, -1.0) if near.any() else errors))


def bright_far_away(dataset: xr.Dataset, sets: Sets, part: xr.Dataset) -> int:
    """Return the row of `part` with the brightest sensor more than FAR_M away, among its least confident samples.

    Of the LOWEST least confident samples with this oddity (see RULES) the one whose brightest sensor reads highest
    after scaling; where none has it, the least confident sample.
    """
    samples = part.measurement.values
    reading = _scaled(dataset, sets["train"], samples).max(axis=1)
    odd = np.where(to_brightest(dataset, sets["train"], samples) > FAR_M, reading, -np.inf)
    least = np.argsort(indicators.score(part), kind="stable")[:LOWEST]
    return int(least[np.argmax(odd[least])])


def raster(model: xr.Dataset) -> grid.Grid:
    """Return the grid that predictions were made on."""
    return grid.Grid(**{field.name: model.attrs[field.name] for field in fields(grid.Grid)})


def case(dataset: xr.Dataset, part: xr.Dataset, row: int, train: np.ndarray, title: str) -> SimpleNamespace:
    """Return one sample for `figures.odd_inputs`: title, image (as networks see it), truth and estimate (x, y) [m].

    brightest is the place (x, y) [m] of the sensor that reads highest after scaling, away_m its distance to the truth.
    """
    sample = int(part.measurement.values[row])
    truth, estimate = locations(part, row)
    sensor = int(_scaled(dataset, train, np.array([sample])).argmax())
    place = float(dataset.sensor_x.values[sample, sensor]), float(dataset.sensor_y.values[sample, sensor])
    return SimpleNamespace(title=title, image=sensor_image(dataset, raster(part), sample, train), truth=truth,
                           estimate=estimate, brightest=place, away_m=float(np.hypot(*np.subtract(place, truth))),
                           off_m=float(np.hypot(*np.subtract(estimate, truth))))
