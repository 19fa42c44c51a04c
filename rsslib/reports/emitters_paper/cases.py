"""Cases: single test samples for the maps, and the rules that choose them."""

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from scipy.optimize import linear_sum_assignment

from rsslib.emitters import metrics
from rsslib.emitters.samples import Samples, draw, input_image, received
from rsslib.project import InputError
from rsslib.propagation.scene import Scene
from rsslib.propagation.sionna import NO_RAY_DB
from rsslib.reports.style import environment_label


def samples(scene: Scene, output: xr.Dataset) -> Samples:
    """Draw the test samples again that a predictions file is about."""
    attrs = output.attrs
    return draw(scene, "test", int(attrs["test_samples"]), int(attrs["sensors"]), int(attrs["n_max"]),
                seed=int(attrs["seed"]))


def first(drawn: Samples, count: int) -> Samples:
    """Return the first `count` of some samples."""
    return Samples(drawn.n, drawn.sensor[:count], drawn.value[:count], drawn.emitter[:count], drawn.power[:count])


@dataclass(frozen=True)
class Case:
    """One test sample, as the maps show it.

    title : the environment in words; attribution : source of its map; side_m : side of the map [m]; threshold_dbm
    power : (n, n) [dBm] and logits : (n, n) of the occupancy network, both NaN indoors
    sensors : (k, 3) row, column, value [dBm]; both powers are -inf where no ray arrives from any emitter
    truth : (K, 2) and predicted : (K', 2) row, column [cells]
    """

    title: str
    attribution: str
    side_m: float
    threshold_dbm: float
    power: np.ndarray
    logits: np.ndarray
    sensors: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray


def case(scene: Scene, drawn: Samples, output: xr.Dataset, number: int, logits: np.ndarray) -> Case:
    """Return test sample `number` for the figures; drawn, all samples (see `samples`); logits, of the first of them."""
    one, n = slice(number, number + 1), scene.n
    power = received(scene, drawn.emitter[one], drawn.power[one], np.arange(n**2)[None])[0].reshape(n, n)
    dark = NO_RAY_DB + 10 * np.log10(np.nansum(10 ** (drawn.power[number].astype(float) / 10))) + 0.5
    power, value = (np.where(level <= dark, -np.inf, level) for level in (power, drawn.value[number]))
    sensors = np.stack([*np.divmod(drawn.sensor[number], n), value], axis=1)
    truth, predicted = (np.stack([output[row].values[number], output[column].values[number]], axis=1)
                        for row, column in (("true_row", "true_column"), ("row", "column")))
    return Case(environment_label(scene.environment), scene.attribution, scene.side_m, scene.threshold_dbm,
                np.where(scene.outdoor, power, np.nan), np.where(scene.outdoor, logits[number], np.nan), sensors,
                truth[np.isfinite(truth).all(axis=1)], predicted[output.existence.values[number] > metrics.THRESHOLD])


def told(one: Case) -> np.ndarray:
    """Return the networks' input for a case, (n, n): 0 where no sensor is (see `samples.input_image`)."""
    cells = one.sensors[:, 0] * len(one.power) + one.sensors[:, 1]
    sensor, value = torch.from_numpy(cells.astype(np.int64))[None], torch.from_numpy(one.sensors[:, 2])[None]
    return input_image(sensor, value, one.threshold_dbm, len(one.power))[0, 0].numpy()


def off_m(one: Case) -> float | None:
    """Return the root mean squared distance of the best pairing [m], as in the paper's RMSE; None for a wrong count."""
    pairs = paired(one.truth, one.predicted)
    if pairs is None or not len(pairs):
        return None
    apart = one.truth[pairs[:, 0]] - one.predicted[pairs[:, 1]]
    return float(one.side_m / len(one.power) * np.sqrt(np.square(apart).sum(axis=1).mean()))


def paired(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray | None:
    """Return the pairing with the least sum of squared distances, (K, 2) indices; None where the counts differ.

    >>> paired(np.array([[0.0, 0.0], [9.0, 9.0]]), np.array([[8.0, 9.0], [1.0, 0.0]])).tolist()
    [[0, 1], [1, 0]]
    """
    if len(truth) != len(predicted):
        return None
    return np.stack(linear_sum_assignment(np.square(truth[:, None] - predicted).sum(axis=2)), axis=1)


def two_stage_wins(single: xr.Dataset, two: xr.Dataset, among: int = 64) -> int:
    """Return the test sample, of the first `among`, in which the two-stage method is furthest ahead of the single one.

    Of the samples whose count only the two-stage method has right, the one with the smallest error; if there are none,
    the one where its error is the smallest share of the single stage's.
    Errors: InputError where the two-stage method has no right count.
    """
    first, second = (metrics.scores(output).error[:among] for output in (single, two))
    right = np.isfinite(second)
    if not right.any():
        raise InputError(f"two_stage_wins: no right count in the first {among} samples; train longer")
    only = right & ~np.isfinite(first)
    rank = np.where(only, second, np.inf) if only.any() else np.where(right, second / np.maximum(first, 1e-9), np.inf)
    return int(np.argmin(rank))


def good_case(output: xr.Dataset, emitters: int = 3, among: int = 64) -> int:
    """Return the test sample of the first `among` with so many emitters, all found, whose error is the median one.

    If none has all found, the first sample with so many emitters; if none has so many, with the most.
    """
    scores = metrics.scores(output)
    enough = scores.true[:among] == min(emitters, scores.true[:among].max())
    right = np.flatnonzero(np.isfinite(scores.error[:among]) & enough)
    if not len(right):
        return int(np.flatnonzero(enough)[0])
    return int(right[np.argsort(scores.error[right], kind="stable")[len(right) // 2]])
