"""What every ensemble would answer that can be drawn, with replacement, from the networks of a predictions file."""

from dataclasses import dataclass
from math import factorial

import numpy as np
import xarray as xr

from rsslib.confidence import indicators
from rsslib.localization.draws import NAME
from rsslib.localization.predictions import INDICATORS, errors
from rsslib.project import InputError


@dataclass(frozen=True)
class Pool:
    """The answers of all drawn ensembles, in the order of `drawn` in the predictions.

    x, y, error : location and its distance from the true one, (samples, draws) [m]
    scores : {indicator: (samples, draws)}; larger is more confident, so spreads are negated
    chance : how likely a resampling of the networks draws each ensemble, (draws,)
    networks : how many there are
    name : what they were trained on, and with which loss, such as "july-emd"
    """

    x: np.ndarray
    y: np.ndarray
    error: np.ndarray
    scores: dict[str, np.ndarray]
    chance: np.ndarray
    networks: int
    name: str

    def answers(self, number: int, times: np.ndarray) -> "Answers":
        """Return what the drawn ensemble `number` says of the samples, and how often resamples count each."""
        return Answers(self, number, times)


@dataclass(frozen=True)
class Answers:
    """What one drawn ensemble says of the samples of a pool; `times`, (resamples, samples), how often each counts."""

    pool: Pool
    number: int
    times: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """Distance from the true location, (samples,) [m]."""
        return self.pool.error[:, self.number]

    def score(self, indicator: str = indicators.INDICATOR) -> np.ndarray:
        """Confidence, (samples,): larger is more confident."""
        return self.pool.scores[indicator][:, self.number]


def of(predictions: xr.Dataset) -> Pool:
    """Return the answers of all ensembles drawn from the networks behind some predictions.

    The location of a drawn ensemble is the mean of its networks' locations, weighted by their peaks (PSE, EMD) or by
    the sums of their images (CoM: the centre of mass of the mean image), as for the ensemble itself.
    The normalised maximum mean prediction has no scores: of drawn ensembles it is not known.
    Errors: InputError for predictions without the variable `max_mean_of_draw`, as trainings write them.

    >>> import numpy as np, xarray as xr
    >>> both = ("sample", "member"), [[0.0, 90.0]]
    >>> ones = both[0], [[1.0, 1.0]]
    >>> pool = of(xr.Dataset(
    ...     {"x": both, "y": both, "x_peak": both, "y_peak": both, "peak": ones, "peak_normalised": ones,
    ...      "x_true": ("sample", [0.0]), "y_true": ("sample", [0.0]),
    ...      "max_mean_of_draw": (("sample", "draw"), [[1.0, 0.5, 1.0]])},
    ...     {"drawn": (("draw", "position"), [[0, 0], [0, 1], [1, 1]])}, {"loss": "emd"}))
    >>> pool.x.tolist(), pool.chance.tolist()
    ([[0.0, 45.0, 90.0]], [0.25, 0.5, 0.25])
    """
    if NAME not in predictions or "drawn" not in predictions.coords:
        raise InputError(f"predictions: no {NAME!r}, which says what other draws of the networks would answer; run the "
                         "training again")
    drawn = predictions.drawn.values
    peak = predictions.peak.values.astype(np.float64)
    com = predictions.attrs["loss"] == "com"
    # a peak over itself divided by the image's sum is that sum
    weight = peak / np.maximum(predictions.peak_normalised.values, 1e-12) if com else peak
    x, y = (_weighted(predictions[name].values, weight, drawn) for name in "xy")
    error = np.hypot(x - predictions.x_true.values[:, None], y - predictions.y_true.values[:, None])
    spreads = _spreads(predictions.x_peak.values, predictions.y_peak.values, drawn)
    scores = dict(zip(INDICATORS, (peak[:, drawn].max(axis=2), predictions[NAME].values.astype(np.float64),
                                   -spreads.max(axis=2), -spreads.sum(axis=2))))
    scores["max_prediction_normalised"] = predictions.peak_normalised.values[:, drawn].max(axis=2)
    return Pool(x, y, error, scores, _chance(drawn), predictions.sizes["member"], _name(predictions))


def itself(predictions: xr.Dataset) -> Answers:
    """Return what the ensemble itself says of its predictions, each of which counts once.

    Errors: those of `predictions.errors` and `indicators.score`.
    """
    scores = {name: indicators.score(predictions, name)[:, None] for name in indicators.VARIANTS}
    pool = Pool(predictions.x_hat.values[:, None], predictions.y_hat.values[:, None], errors(predictions)[:, None],
                scores, np.ones(1), 1, _name(predictions))
    return pool.answers(0, np.ones((1, predictions.sizes["sample"])))


def _name(predictions: xr.Dataset) -> str:
    return f"{predictions.attrs.get('split', '')}-{predictions.attrs.get('loss', '')}"


def _weighted(values: np.ndarray, weight: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the weighted mean of each drawn ensemble's members, (samples, members) -> (samples, draws)."""
    times = np.stack([(drawn == member).sum(axis=1) for member in range(weight.shape[1])])    # (members, draws)
    first = values[:, :1]    # coordinates are large and close to each other
    return first + ((values - first) * weight) @ times / np.maximum(weight @ times, 1e-12)


def _spreads(x: np.ndarray, y: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the distance of every two members of each drawn ensemble, (samples, draws, pairs), 0 of a single one."""
    one, other = np.triu_indices(drawn.shape[1], 1)
    if not one.size:
        return np.zeros((len(x), len(drawn), 1))
    distance = np.hypot(x[:, :, None] - x[:, None, :], y[:, :, None] - y[:, None, :])
    return distance[:, drawn[:, one], drawn[:, other]]


def _chance(drawn: np.ndarray) -> np.ndarray:
    """Return the multinomial chance of each draw; all alike where only some of them were drawn."""
    size = drawn.shape[1]
    ways = np.array([factorial(size) / np.prod([factorial(n) for n in np.bincount(row)]) for row in drawn])
    whole = np.isclose(ways.sum(), float(size) ** size)
    return ways / ways.sum() if whole else np.full(len(drawn), 1 / len(drawn))
