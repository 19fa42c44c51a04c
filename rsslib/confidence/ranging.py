"""Localization from a path-loss model alone: distances from received signal strength, then the Min-Max box."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from rsslib.arguments import shown
from rsslib.data import arrays, index_sets, measurements, readings
from rsslib.data.grid import transmitters
from rsslib.project import InputError

SLOPE_DB = 37.6
"""Path loss per decade of distance in the paper's 3GPP macro-cell model."""
CANDIDATES = np.arange(0.0, 100.5, 0.5)
"""Values of `a` that `calibrate` tries [dB]."""
MOST_DB = 500.0
"""No receiver reads more at 1 m, nor less than minus this."""


def distance(rss: ArrayLike, a: float) -> np.ndarray:
    """Return the distance to the transmitter that a reading implies, d = 10^((a - r) / 37.6) [m] (Eq. 4).

    The paper prints a product, 10((a - r) / 37.6); the inverse of the log-distance path loss is a power.

    Input: rss r [dB], any shape, NaN where not heard; a [dB], the reading at 1 m.
    Errors: InputError for readings outside of -200..60 dB, or an `a` beyond MOST_DB.
    Source: paper 1, Eq. (4), corrected; Aernouts et al. 2018.

    >>> float(distance(52.0 - 37.6 * 2, a=52.0))
    100.0
    """
    level = arrays.numbers(rss, "ranging: rss")
    readings.check_range(level, "ranging")
    return _distance(level, float(_candidates(a, "a")))


def min_max(x: ArrayLike, y: ArrayLike, d: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre of the Min-Max box, (max(x_i - d_i) + min(x_i + d_i)) / 2 and the same for y.

    Input: receiver positions x, y and distances d, (samples, sensors) [m], NaN where not heard. Output: (samples,) [m].
    Errors: InputError for other shapes, a distance that is negative, infinite or of a receiver without a position, or a
    sample that no receiver heard.
    Source: Aernouts et al., A comparison of signal strength localization methods with Sigfox, 2018.

    >>> min_max([[0.0, 10.0]], [[0.0, 0.0]], [[4.0, 6.0]])
    (array([4.]), array([0.]))
    """
    d = arrays.numbers(d, "min_max: d")
    if d.ndim != 2:
        raise InputError(f"min_max: d: shape {d.shape}; expected (sample, sensor)")
    sizes = {"sample": d.shape[0], "sensor": d.shape[1]}
    x, y = arrays.numbers(x, "min_max: x", sizes), arrays.numbers(y, "min_max: y", sizes)
    heard = ~np.isnan(d)
    for bad, problem in ((heard & ~(np.isfinite(d) & (d >= 0)), "a distance is negative or infinite"),
                         (heard & ~np.isfinite(x + y), "a receiver with a distance has no position"),
                         (~heard.any(axis=1, keepdims=True), "it has no distance")):
        if bad.any():
            sample = bad.any(axis=1).argmax()
            raise InputError(f"min_max: x, y and d: sample {sample}: {problem}; expected metres, NaN where not heard")
    return _min_max(x, y, d)


def locate(dataset: xr.Dataset, samples: np.ndarray, a: float) -> tuple[np.ndarray, np.ndarray]:
    """Return easting and northing of each sample's transmitter by ranging and Min-Max, (samples,) [m].

    Input: samples, an index set, which may repeat samples.
    Errors: InputError for an `a` that is no number or beyond MOST_DB; those of `measurements.validate` and
    `index_sets.indices`.
    """
    measurements.validate(dataset, "ranging: the data set")
    samples = index_sets.indices(samples, dataset.sizes["sample"], "ranging: samples", repeated=True)
    x, y, rss = _heard(dataset, samples)
    return _min_max(x, y, _distance(rss, float(_candidates(a, "a"))))


def training_errors(dataset: xr.Dataset, samples: np.ndarray, candidates: ArrayLike = CANDIDATES) -> np.ndarray:
    """Return the median error [m] of ranging over `samples` for each candidate of `a` [dB], (candidates,).

    Errors: InputError for a sample whose transmitter is unknown, and those of `locate`.
    """
    measurements.validate(dataset, "ranging: the data set")
    samples = index_sets.indices(samples, dataset.sizes["sample"], "ranging: samples")
    true_x, true_y = (axis[samples] for axis in transmitters(dataset))
    if np.isnan(true_x).any():
        raise InputError(f"ranging: {int(np.isnan(true_x).sum())} of {len(true_x)} samples have no known "
                         "transmitter; expected all known: leave them out")
    x, y, rss = _heard(dataset, samples)
    reach = _distance(rss, 0.0)    # of other candidates times the same number for all readings
    located = (_min_max(x, y, 10.0 ** (a / SLOPE_DB) * reach) for a in _candidates(candidates, "candidates"))
    return np.array([np.median(np.hypot(x - true_x, y - true_y)) for x, y in located])


def calibrate(dataset: xr.Dataset, samples: np.ndarray, candidates: ArrayLike = CANDIDATES) -> float:
    """Return the `a` [dB] of `candidates` with the lowest median error on the training samples.

    A least-squares fit of the path loss would locate worse, since Min-Max needs distances that are rarely too short,
    rather than right on average.
    Errors: InputError if the best `a` is the first or last candidate, and those of `training_errors`.
    Source: paper 1, Section V.A ("learned from the training data"); the criterion is inferred.
    """
    candidates = _candidates(candidates, "candidates")
    best = int(np.argmin(training_errors(dataset, samples, candidates)))
    if best in (0, len(candidates) - 1):
        raise InputError(f"ranging: the best a is {candidates[best]:g} dB, the first or last of those tried; check "
                         "that RSS is in dB and positions in metres, or pass other candidates")
    return float(candidates[best])


def _distance(rss: np.ndarray, a: float) -> np.ndarray:
    return 10.0 ** ((a - rss.astype(np.float64)) / SLOPE_DB)


def _min_max(x: np.ndarray, y: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # fmax and fmin pass over NaN, faster than nanmax and nanmin
    centre_x, centre_y = ((np.fmax.reduce(axis - d, axis=1) + np.fmin.reduce(axis + d, axis=1)) / 2 for axis in (x, y))
    return centre_x, centre_y


def _heard(dataset: xr.Dataset, samples: np.ndarray) -> list[np.ndarray]:
    """Return x, y and readings of the receivers, (samples, sensors) each."""
    return [dataset[name].values[samples] for name in ("sensor_x", "sensor_y", "rss")]


def _candidates(values: ArrayLike, name: str) -> np.ndarray:
    """Return values of `a`: one number, or for "candidates" some, (candidates,)."""
    found = arrays.numbers(values, f"ranging: {name}")
    if found.ndim != (name == "candidates") or not found.size or not (np.abs(found) <= MOST_DB).all():
        raise InputError(f"ranging: {name} is {shown(values)}; expected dB within {MOST_DB:g} of 0, such as "
                         "`calibrate` returns")
    return found
