"""Localization from a path-loss model alone: distances from received signal strength, then the Min-Max box."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from rsslib.data.grid import transmitters
from rsslib.project import InputError

SLOPE_DB = 37.6
"""Path loss per decade of distance in the paper's 3GPP macro-cell model."""
CANDIDATES = np.arange(0.0, 100.5, 0.5)
"""Values of `a` that `calibrate` tries [dB]."""


def distance(rss: ArrayLike, a: float) -> np.ndarray:
    """Return the distance to the transmitter that a reading implies, d = 10^((a - r) / 37.6) [m] (Eq. 4).

    The paper prints a product, 10((a - r) / 37.6); the inverse of the log-distance path loss is a power.

    Input: rss r [dB], any shape, NaN where not heard; a [dB], the reading at 1 m.
    Source: paper 1, Eq. (4), corrected; Aernouts et al. 2018.

    >>> float(distance(52.0 - 37.6 * 2, a=52.0))
    100.0
    """
    return 10.0 ** ((a - np.asarray(rss, np.float64)) / SLOPE_DB)


def min_max(x: ArrayLike, y: ArrayLike, d: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre of the Min-Max box, (max(x_i - d_i) + min(x_i + d_i)) / 2 and the same for y.

    Input: receiver positions x, y and distances d, (samples, sensors) [m], NaN where not heard. Output: (samples,) [m].
    Source: Aernouts et al., A comparison of signal strength localization methods with Sigfox, 2018.

    >>> min_max([[0.0, 10.0]], [[0.0, 0.0]], [[4.0, 6.0]])
    (array([4.]), array([0.]))
    """
    east, north, d = (np.asarray(values, np.float64) for values in (x, y, d))
    return ((np.nanmax(east - d, axis=1) + np.nanmin(east + d, axis=1)) / 2,
            (np.nanmax(north - d, axis=1) + np.nanmin(north + d, axis=1)) / 2)


def locate(dataset: xr.Dataset, samples: np.ndarray, a: float) -> tuple[np.ndarray, np.ndarray]:
    """Return easting and northing of each sample's transmitter by ranging and Min-Max, (samples,) [m].

    Errors: InputError if `a` is not finite, or no receiver heard a sample.
    """
    if not np.isfinite(a):
        raise InputError(f"ranging: a is {a}; expected a number of dB, such as `calibrate` returns")
    x, y, rss = (dataset[name].values[samples] for name in ("sensor_x", "sensor_y", "rss"))
    silent = ~np.isfinite(rss).any(axis=1)
    if silent.any():
        raise InputError(f"ranging: no receiver heard sample {np.asarray(samples)[silent.argmax()]}; leave it out")
    return min_max(x, y, distance(rss, a))


def training_errors(dataset: xr.Dataset, samples: np.ndarray, candidates: np.ndarray = CANDIDATES) -> np.ndarray:
    """Return the median error [m] of ranging over `samples` for each candidate of `a` [dB], (candidates,).

    Errors: InputError without samples, or for one whose transmitter is unknown.
    """
    true_x, true_y = (axis[samples] for axis in transmitters(dataset))
    if not len(true_x) or np.isnan(true_x).any():
        raise InputError(f"ranging: expected samples with known transmitters, found {len(true_x)}, of which "
                         f"{int(np.isnan(true_x).sum())} have none")
    located = (locate(dataset, samples, a) for a in candidates)
    return np.array([np.median(np.hypot(x - true_x, y - true_y)) for x, y in located])


def calibrate(dataset: xr.Dataset, samples: np.ndarray, candidates: np.ndarray = CANDIDATES) -> float:
    """Return the `a` [dB] of `candidates` with the lowest median error on the training samples.

    A least-squares fit of the path loss would locate worse, since Min-Max needs distances that are rarely too short,
    rather than right on average.
    Errors: InputError if the best `a` is the first or last candidate.
    Source: paper 1, Section V.A ("learned from the training data"); the criterion is inferred.
    """
    best = int(np.argmin(training_errors(dataset, samples, candidates)))
    if best in (0, len(candidates) - 1):
        raise InputError(f"ranging: the best a is {candidates[best]:g} dB, the first or last of those tried; check "
                         "that RSS is in dB and positions in metres, or pass other candidates")
    return float(candidates[best])
