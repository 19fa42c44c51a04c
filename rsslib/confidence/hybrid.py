"""Hybrid localization: another method where confidence is low, or the surer one of several models."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from rsslib.confidence import indicators
from rsslib.localization import predictions
from rsslib.project import InputError

_GRID = ("x0", "y0", "width", "height", "pixel_m")


def fallback(said: xr.Dataset, x: np.ndarray, y: np.ndarray, indicator: str = indicators.INDICATOR,
             percentile: float = indicators.PERCENTILE) -> xr.Dataset:
    """Return the predictions with the locations x, y (sample,) [m] of another method where confidence is low.

    Only x_hat and y_hat change: indicators and members stay the network's.
    Errors: InputError if the locations are not one a sample, or not finite, and those of `confidence.threshold`.
    Source: paper 1, Section V.A.
    Example
    -------
    >>> fallback(said, *ranging.locate(measurements, said.measurement.values, a=52.0))     # doctest: +SKIP
    """
    if np.shape(x) != said.set.shape or np.shape(y) != said.set.shape:
        raise InputError(f"fallback: {np.size(x)} eastings and {np.size(y)} northings for {said.sizes['sample']} "
                         "predictions; expected one place each, in the same order")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError("fallback: a location is not finite; expected a place in metres for every prediction")
    low = indicators.is_low(said, indicator, percentile)
    return said.assign(x_hat=("sample", np.where(low, x, said.x_hat)),
                       y_hat=("sample", np.where(low, y, said.y_hat)))


def normalised_confidence(said: xr.Dataset, indicator: str = indicators.INDICATOR,
                          percentile: float = indicators.PERCENTILE) -> np.ndarray:
    """Return each sample's confidence divided by its model's own threshold, (sample,): below 1 is low.

    Of a spread, for which smaller is surer, it is threshold / spread.
    Errors: InputError for a threshold of 0, which no confidence can be divided by.
    Source: paper 1, Section V.B.
    """
    limit, found = indicators.threshold(said, indicator, percentile), indicators.score(said, indicator)
    if limit == 0:
        raise InputError(f"{indicator}: the {percentile:g}th percentile on validation is 0, so confidence cannot be "
                         "compared between models; choose another indicator")
    with np.errstate(divide="ignore"):
        return limit / found if limit < 0 else found / limit


def choose(models: Sequence[xr.Dataset], set_name: str, indicator: str = indicators.INDICATOR,
           percentile: float = indicators.PERCENTILE) -> xr.Dataset:
    """Return the surest model's location for each sample of a set, with `chosen` (sample,), the model's number.

    Confidences are normalised (see `normalised_confidence`); where they are equal the first model wins. Variables:
    x_hat, y_hat, x_true, y_true [m], error_m and confidence, both (model, sample), chosen.

    Errors: InputError for fewer than two models, on different grids or of different samples.
    Source: paper 1, Section V.B, for any number of models.
    """
    if not all(isinstance(said, xr.Dataset) for said in models):
        raise InputError("hybrid: expected a list of predictions, one Dataset a model; of a dictionary pass its values")
    parts = [predictions.of_set(said, set_name) for said in models]
    _check_alike(models, parts)
    sure = np.stack([normalised_confidence(said, indicator, percentile)[said.set.values == set_name]
                     for said in models])
    chosen = sure.argmax(axis=0)
    x, y = (np.stack([part[name].values for part in parts]) for name in ("x_hat", "y_hat"))
    true_x, true_y = parts[0].x_true.values, parts[0].y_true.values
    pick = chosen[None]
    return xr.Dataset(
        {"x_hat": ("sample", np.take_along_axis(x, pick, 0)[0]), "y_hat": ("sample", np.take_along_axis(y, pick, 0)[0]),
         "x_true": ("sample", true_x), "y_true": ("sample", true_y), "chosen": ("sample", chosen),
         "error_m": (("model", "sample"), np.hypot(x - true_x, y - true_y)),
         "confidence": (("model", "sample"), sure)},
        {"measurement": ("sample", parts[0].measurement.values)})


def best_choice(error: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return for which samples the model chosen has the smallest error (a tie counts), (sample,) bool.

    Input: error, (model, sample) [m]; chosen, (sample,), numbers of models.
    Example
    -------
    >>> best_choice(np.array([[10.0, 30.0], [20.0, 5.0]]), np.array([0, 0]))
    array([ True, False])
    """
    error = np.asarray(error)
    return np.take_along_axis(error, np.asarray(chosen)[None], 0)[0] <= error.min(axis=0)


def _check_alike(models: Sequence[xr.Dataset], parts: Sequence[xr.Dataset]) -> None:
    if len(models) < 2:
        raise InputError(f"hybrid: expected at least two models to choose from, found {len(models)}")
    for number, (model, part) in enumerate(zip(models[1:], parts[1:]), start=1):
        for name in _GRID:
            if model.attrs.get(name) != models[0].attrs.get(name):
                raise InputError(f"hybrid: model {number} lies on another grid ({name} {model.attrs.get(name)}, the "
                                 f"first has {models[0].attrs.get(name)}); train both on the same site and pixel_m")
        same = [np.array_equal(part[name].values, parts[0][name].values, equal_nan=True)
                for name in ("x_true", "y_true")]
        if not np.array_equal(part.measurement.values, parts[0].measurement.values) or not all(same):
            raise InputError(f"hybrid: model {number} predicts other samples than the first; predict the same set of "
                             "the same measurements with both")
