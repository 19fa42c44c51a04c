"""Baselines of paper 1: what needs no network, or no radio at all.

They are the place of the training sample nearest in time; the mean place of the training samples with the most similar
readings, one or five; and the path-loss formula, by Min-Max and by least squares.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from sklearn.neighbors import KNeighborsRegressor

from rsslib.confidence import ranging
from rsslib.data import splits
from rsslib.data.grid import transmitters
from rsslib.ledger.resampling import interval, resampled_medians
from rsslib.localization import predictions
from rsslib.reports.confidence_paper.separations import nearest_in_time
from rsslib.reports.confidence_paper.summaries import ends, field, resampled_errors

BELOW_DB = 6.0
"""How far below the quietest training reading of its receiver a reading lies that was not heard [dB]."""
CANDIDATES = np.arange(-100.0, 100.5, 0.5)
"""Readings at 1 m that ranging tries [dB]: in November, where it fails, the best one is far below any receiver's."""
_STEPS = 60


def neighbours(dataset: xr.Dataset, train: np.ndarray, samples: np.ndarray, k: int) -> np.ndarray:
    """Return the mean place of the k training samples with the most similar readings, (samples, 2) [m].

    Similar is a small Euclidean distance [dB] over the receivers that were heard in training; where one did not hear,
    its reading is BELOW_DB below its quietest in training.
    """
    rss = dataset.rss.values
    heard = np.isfinite(rss[train]).any(axis=0)
    quietest = np.nanmin(rss[train][:, heard], axis=0)
    filled = np.where(np.isfinite(rss[:, heard]), rss[:, heard], quietest - BELOW_DB)
    found = KNeighborsRegressor(k, algorithm="brute").fit(filled[train], _places(dataset)[train])
    return found.predict(filled[samples])


def least_squares(x: np.ndarray, y: np.ndarray, d: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the place p of each sample with the least sum of (|p - s_i| - d_i)^2, (samples, 2) [m].

    Found from `start`, (samples, 2), by Levenberg and Marquardt's steps, of which none that makes the sum larger is
    taken, for all samples at once: scipy.optimize.least_squares takes one at a time, and about 14 times as long for 300
    real ones. Input: receivers s_i = x, y and distances d, (samples, sensors) [m], NaN where not heard.

    >>> x, y = np.array([[0.0, 8.0, 0.0]]), np.array([[0.0, 0.0, 6.0]])
    >>> least_squares(x, y, np.full((1, 3), 5.0), np.array([[1.0, 1.0]])).round(3).tolist()
    [[4.0, 3.0]]
    """
    sensors = np.nan_to_num(np.stack([x, y], axis=-1))

    def missed(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        apart = place[:, None] - sensors
        length = np.maximum(np.hypot(*np.moveaxis(apart, -1, 0)), 1e-6)
        return np.nan_to_num(length - d), np.where(np.isnan(d)[..., None], 0.0, apart / length[..., None])

    place, damping = start.astype(float), np.full(len(start), 1e-2)
    (miss, slope), eye = missed(place), np.eye(2)
    for _ in range(_STEPS):
        step = np.linalg.solve(slope.swapaxes(1, 2) @ slope + damping[:, None, None] * eye,
                               slope.swapaxes(1, 2) @ miss[..., None])[..., 0]
        tried, slopes = missed(place - step)
        better = (tried**2).sum(axis=1) < (miss**2).sum(axis=1)
        place = np.where(better[:, None], place - step, place)
        miss, slope = np.where(better[:, None], tried, miss), np.where(better[:, None, None], slopes, slope)
        damping = np.where(better, damping / 3, damping * 5)
    return place


def path_loss(dataset: xr.Dataset, train: np.ndarray) -> float:
    """Return the `a` [dB] that fits r = a - 37.6 log10 d to the training readings by least squares."""
    x, y = (axis[train, None] for axis in transmitters(dataset))
    away = np.hypot(dataset.sensor_x.values[train] - x, dataset.sensor_y.values[train] - y)
    return float(np.nanmean(dataset.rss.values[train] + ranging.SLOPE_DB * np.log10(np.maximum(away, 1.0))))


def located(dataset: xr.Dataset, train: np.ndarray, samples: np.ndarray) -> dict[str, np.ndarray]:
    """Return where each baseline puts `samples`, {method: (samples, 2) [m]}; they learn from `train` alone."""
    a = ranging.calibrate(dataset, train, CANDIDATES)
    distance = ranging.distance(dataset.rss.values[samples], path_loss(dataset, train))
    receivers = [dataset[name].values[samples] for name in ("sensor_x", "sensor_y")]
    box = np.stack(ranging.locate(dataset, samples, a), axis=1)
    return {"nearest_in_time": _places(dataset)[nearest_in_time(dataset, train, samples)[0]],
            "nearest_neighbour": neighbours(dataset, train, samples, 1),
            "five_neighbours": neighbours(dataset, train, samples, 5), "ranging": box,
            "least_squares": least_squares(receivers[0], receivers[1], distance, box)}


def records(dataset: xr.Dataset, models: Mapping[str, xr.Dataset],
            compared: str = "emd") -> tuple[list[dict], list[dict]]:
    """Return a record for each split, set and baseline, and how the networks compare with them on the same samples.

    Input: predictions that were `placed`, by "<split>-<loss>", as `loss_comparison.models` returns them.
    Records: split, set, method, n, median_m, ci95_m, mean_m; drawn anew are blocks of time, as in the networks'.
    Differences, for the loss `compared`: left_method (the loss), right_method, split, set, n, median_m, ci95_median_m.
    """
    places = _places(dataset)
    rows: list[dict] = []
    pairs: list[dict] = []
    for name, model in models.items():
        split, _, loss = name.rpartition("-")
        if loss != compared:
            continue
        parts = {each: predictions.of_set(model, each) for each in _sets(split)}
        samples = {each: part.measurement.values for each, part in parts.items()}
        everywhere = located(dataset, splits.make(dataset, split)["train"], np.concatenate([*samples.values()]))
        ends_at = np.cumsum([len(some) for some in samples.values()])
        for each, end in zip(parts, ends_at.tolist()):
            here = slice(end - len(samples[each]), end)
            errors = {method: np.hypot(*(place[here] - places[samples[each]]).T)
                      for method, place in everywhere.items()}
            of_set, pairs_of_set = _of_set(parts[each], errors, {"split": split, "set": each}, loss)
            rows, pairs = rows + of_set, pairs + pairs_of_set
    return rows, pairs


def _sets(split: str) -> Sequence[str]:
    """Return the sets of a split that baselines are tested on: in distribution, and the one that Table II reports."""
    own = split if split in splits.SEASONS else "val"
    return [*dict.fromkeys([own, splits.report_set(split)])]


def _of_set(part: xr.Dataset, errors: Mapping[str, np.ndarray], keys: dict, loss: str) -> tuple[list[dict], list[dict]]:
    """Return the records of the baselines on a set, and their differences from the predictions of it."""
    drawn = {method: resampled_medians(error, part.block.values) for method, error in errors.items()} | {
        loss: resampled_errors(part)}
    found = {method: float(np.median(error)) for method, error in errors.items()} | {
        loss: float(np.median(predictions.errors(part)))}
    n = {"n": part.sizes["sample"]}
    rows = [keys | {"method": method} | n | {"median_m": found[method]} | ends("m", interval(drawn[method]))
            | {"mean_m": error.mean()} for method, error in errors.items()]
    compared = [*((loss, method) for method in errors), ("ranging", "least_squares")]
    return rows, [{"left_method": one, "right_method": other} | keys | n | field(
        "median_m", found[one] - found[other], drawn[one] - drawn[other], difference=True) for one, other in compared]


def _places(dataset: xr.Dataset) -> np.ndarray:
    return np.stack(transmitters(dataset), axis=1)
