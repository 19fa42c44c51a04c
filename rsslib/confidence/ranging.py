"""Localization from a path-loss model alone: distances from received signal strength, then the Min-Max box."""

import numpy as np
import xarray as xr

from rsslib.data.grid import transmitters
from rsslib.project import InputError

SLOPE_DB = 37.6
"""RSS lost over a decade of distance: the 3GPP macro-cell model that the paper takes."""
CANDIDATES = np.arange(0.0, 100.5, 0.5)
"""Values of `a` that `calibrate` tries [dB]."""


def distance(rss, a: float):
    """Return the distance to the transmitter that a reading tells, d = 10^((a - r) / 37.6) [m] (Eq. 4).

    The paper prints 10((a - r) / 37.6), a product; only the power is the inverse of a log-distance path loss.

    Input: rss r [dB], any shape, NaN where not heard; a [dB], the reading at 1 m.
    Source: paper 1, Eq. (4), corrected; Aernouts et al. 2018.
    Example
    -------
    >>> float(distance(52.0 - 37.6 * 2, a=52.0))
    100.0
    """
    return 10.0 ** ((a - np.asarray(rss, np.float64)) / SLOPE_DB)


def min_max(x, y, d) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre of the box that all receivers allow: (max(x_i - d_i) + min(x_i + d_i)) / 2, y alike.

    Input: receiver places x, y and distances d, (samples, sensors) [m], NaN where not heard. Output: (samples,) [m].
    Errors: InputError for a sample that no receiver heard.
    Source: Aernouts et al., A comparison of signal strength localization methods with Sigfox, 2018.
    Example
    -------
    >>> min_max([[0.0, 10.0]], [[0.0, 0.0]], [[4.0, 6.0]])
    (array([4.]), array([0.]))
    """
    d = np.asarray(d, np.float64)
    silent = ~np.isfinite(d).any(axis=1)
    if silent.any():
        raise InputError(f"ranging: sample {int(silent.argmax())} was heard by no receiver; remove it")
    return tuple((np.nanmax(place - d, axis=1) + np.nanmin(place + d, axis=1)) / 2
                 for place in (np.asarray(x, np.float64), np.asarray(y, np.float64)))


def locate(dataset: xr.Dataset, samples: np.ndarray, a: float) -> tuple[np.ndarray, np.ndarray]:
    """Return easting and northing of each sample's transmitter by ranging and Min-Max, (samples,) [m]."""
    if not np.isfinite(a):
        raise InputError(f"ranging: a is {a}; expected a number of dB, such as calibrate returns")
    x, y, rss = (dataset[name].values[samples] for name in ("sensor_x", "sensor_y", "rss"))
    return min_max(x, y, distance(rss, a))


def training_errors(dataset: xr.Dataset, samples: np.ndarray, candidates=CANDIDATES) -> np.ndarray:
    """Return the median error [m] of ranging over `samples` for each candidate of `a` [dB], (candidates,).

    Errors: InputError for no samples, or an unknown place of a transmitter.
    """
    true_x, true_y = (place[samples] for place in transmitters(dataset))
    if not len(samples) or not np.isfinite(true_x).all():
        raise InputError(f"ranging: expected training samples with known transmitters, found {len(samples)}, of which "
                         f"{int(np.isnan(true_x).sum())} have none")
    located = (locate(dataset, samples, a) for a in candidates)
    return np.array([np.median(np.hypot(x - true_x, y - true_y)) for x, y in located])


def calibrate(dataset: xr.Dataset, samples: np.ndarray, candidates=CANDIDATES) -> float:
    """Return the `a` [dB] of `candidates` with which the samples, those trained on, have the least median error.

    A least-squares fit of the path loss itself would locate worse: Min-Max asks for distances that are seldom too
    short, not for distances that are right on average. Errors: those of `training_errors`,
    and InputError when the best `a` is the first or last of the candidates.
    Source: paper 1, Section V.A ("learned from the training data"); the criterion is inferred.
    """
    best = int(np.argmin(training_errors(dataset, samples, candidates)))
    if best in (0, len(candidates) - 1):
        raise InputError(f"ranging: the best a is {candidates[best]:g} dB, at the end of those tried; expected one in "
                         "between: check that RSS is in dB and places in metres, or pass other candidates")
    return float(candidates[best])
