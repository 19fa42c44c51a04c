"""Hybrid localization: another method if confidence is low, or the most confident of several models."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import xarray as xr

from rsslib.arguments import array, numbers
from rsslib.confidence.indicators import INDICATOR, PERCENTILE, is_low, score, threshold
from rsslib.localization.predictions import of_set, require
from rsslib.project import InputError

_PLACES = ("x_hat", "y_hat", "x_true", "y_true")
_GRID = ("x0", "y0", "width", "height", "pixel_m")


def fallback(predictions: xr.Dataset, x: np.ndarray, y: np.ndarray, indicator: str = INDICATOR,
             percentile: float = PERCENTILE) -> xr.Dataset:
    """Return the predictions with the locations x, y (sample,) [m] of another method for low-confidence samples.

    Only x_hat and y_hat change; the indicators and the values of the members remain.
    Errors: InputError unless there is one finite location for each sample. Source: paper 1, Section V.A.

    >>> x, y = ranging.locate(measurements, predictions.measurement.values, a=52.0)    # doctest: +SKIP
    >>> fallback(predictions, x, y)                                                    # doctest: +SKIP
    """
    size = require(predictions, "set", "x_hat", "y_hat").sizes["sample"]
    for name in ("x_hat", "y_hat"):
        numbers(f"predictions: {name}", predictions[name].values, 1)
    for name, values in (("x", x), ("y", y)):
        if len(numbers(f"fallback: {name}", values, 1)) != size:
            raise InputError(f"fallback: {name} has {len(values)} numbers; expected {size}, the metres of one location "
                             "for each prediction, in the same order")
    low = is_low(predictions, indicator, percentile)
    return predictions.assign(x_hat=("sample", np.where(low, x, predictions.x_hat)),
                              y_hat=("sample", np.where(low, y, predictions.y_hat)))


def normalised_confidence(predictions: xr.Dataset, indicator: str = INDICATOR,
                          percentile: float = PERCENTILE) -> np.ndarray:
    """Return each sample's confidence divided by its model's threshold, (sample,): below 1 is low.

    For a spread, where smaller means more confident, it is threshold / spread.
    Errors: InputError for a threshold of 0. Source: paper 1, Section V.B.
    """
    limit, confidence = threshold(predictions, indicator, percentile), score(predictions, indicator)
    if limit == 0:
        raise InputError(f"{indicator}: the {percentile:g}th percentile on validation is 0, so confidence cannot be "
                         "compared between models; choose another indicator")
    with np.errstate(divide="ignore"):
        return limit / confidence if limit < 0 else confidence / limit


def choose(models: Sequence[xr.Dataset], set_name: str, indicator: str = INDICATOR,
           percentile: float = PERCENTILE) -> xr.Dataset:
    """Return the location of the most confident model for each sample of a set.

    Input: a list of the predictions of two models or more. Confidences are normalised (see `normalised_confidence`);
    in a tie the first model wins. Output: x_hat, y_hat, x_true, y_true [m] and chosen, the index of the model,
    (sample,); error_m and confidence, (model, sample). Errors: InputError for fewer models, or with different grids or
    samples.
    Source: paper 1, Section V.B, for any number of models.
    """
    if not isinstance(models, (list, tuple)) or len(models) < 2 or not all(
            isinstance(model, xr.Dataset) for model in models):
        raise InputError("hybrid: expected a list of at least two models' predictions, one Dataset per model (of a "
                         "dictionary, its values)")
    parts = [of_set(require(model, "set", "measurement", *_PLACES), set_name) for model in models]
    first = parts[0]
    for part, name in product(parts, _PLACES):
        place = array(f"predictions: {name}", part[name].values, 1)
        if np.isinf(place).any() or name.endswith("hat") and np.isnan(place).any():    # the truth may be unknown
            raise InputError(f"predictions: {name} is not finite in a sample; expected metres")
    for number, part in enumerate(parts[1:], start=1):
        if not all(np.array_equal(part.attrs.get(name, -1), first.attrs.get(name, -1)) for name in _GRID):
            raise InputError(f"hybrid: model {number} is on another grid than the first; train both on the same site "
                             "and pixel_m")
        if not all(part[name].equals(first[name]) for name in ("measurement", "x_true", "y_true")):
            raise InputError(f"hybrid: model {number} predicts other samples than the first; predict the same set of "
                             "the same measurements with both")
    confidence = np.stack([normalised_confidence(model, indicator, percentile)[model.set.values == set_name]
                           for model in models])
    chosen = confidence.argmax(axis=0)
    x, y = (np.stack([part[name].values for part in parts]) for name in ("x_hat", "y_hat"))
    error = np.hypot(x - first.x_true.values, y - first.y_true.values)
    values = {"x_hat": np.take_along_axis(x, chosen[None], 0)[0], "y_hat": np.take_along_axis(y, chosen[None], 0)[0],
              "x_true": first.x_true.values, "y_true": first.y_true.values, "chosen": chosen}
    return xr.Dataset({name: ("sample", value) for name, value in values.items()}
                      | {"error_m": (("model", "sample"), error), "confidence": (("model", "sample"), confidence)},
                      {"measurement": ("sample", first.measurement.values)})


def best_choice(error: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return whether the chosen model has the smallest error (or ties), (sample,) bool.

    Input: error, (model, sample) [m]; chosen, (sample,), indices of models. Errors: InputError for other shapes or
    models, or an error that is not finite.

    >>> best_choice(np.array([[10.0, 30.0], [20.0, 5.0]]), np.array([0, 0]))
    array([ True, False])
    """
    error, chosen = numbers("best_choice: error", error, 2), numbers("best_choice: chosen", chosen, 1)
    if chosen.shape != error.shape[1:] or chosen.dtype.kind not in "iu" or not np.isin(chosen, range(len(error))).all():
        raise InputError(f"best_choice: chosen is {chosen.dtype} of {chosen.shape}; expected one of the {len(error)} "
                         f"models for each of {error.shape[1]} samples, counted from 0")
    return np.take_along_axis(error, chosen[None], 0)[0] <= error.min(axis=0)
