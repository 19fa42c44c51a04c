"""The predictions of an ensemble: locations and confidence indicators of each sample, and their file."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib import files
from rsslib.arguments import check_choice, check_type
from rsslib.data.grid import Grid, transmitters
from rsslib.localization.losses import centre_of_mass
from rsslib.project import InputError

_WHAT, _AGAIN = "the predictions of a localizer", "run its training notebook again"
INDICATORS = ("max_prediction", "max_mean_prediction", "max_spread", "sum_spread")
_MEMBER = ("x", "y", "x_peak", "y_peak", "peak", "peak_normalised")
_TRUTH = ("x_true", "y_true")
_PLACES = ("x", "y", "x_peak", "y_peak", "x_hat", "y_hat", *_TRUTH)
_METRES = (*_PLACES, "max_spread", "sum_spread")
_VARIABLES = (*_METRES, "peak", "peak_normalised", "max_prediction", "max_mean_prediction", "max_prediction_normalised",
              "max_mean_prediction_normalised")
_OF_DRAW = "max_mean_of_draw"
_SIXTEEN_BITS = {"dtype": "uint16", "scale_factor": 1 / 65534, "_FillValue": 65535}
_KINDS = {"set": "OUT", "measurement": "iu"}


def describe(images: Tensor, grid: Grid, decoder: str = "argmax") -> dict[str, np.ndarray]:
    """Return the locations and the four confidence indicators of an ensemble's images.

    Input: images, (batch, members, height, width), sigmoid outputs; decoder, "argmax" (PSE, EMD: the mean of
    the members' peak locations weighted by the peaks) or "com" (centre of mass of the mean image).
    Output: (batch, members) x, y (decoded) and x_peak, y_peak [m], peak (raw), peak_normalised (of the image
    divided by its sum); (batch,) x_hat, y_hat [m] and the indicators: max_prediction (largest peak),
    max_mean_prediction (peak of the mean image), max_spread and sum_spread (largest and summed distance between the
    members' peak locations [m]); the first two also `_normalised`.

    Errors: InputError for another decoder, images of another shape than the grid's, or with NaN or infinite values.
    Source: paper 1, Section IV.A.

    >>> image = torch.zeros(1, 2, 3, 3); image[0, :, 1, 2] = 0.5
    >>> described = describe(image, Grid(0.0, 0.0, 3, 3, 30.0))
    >>> described["x_hat"], described["max_mean_prediction"], described["sum_spread"]
    (array([60.]), array([0.5], dtype=float32), array([0.]))
    """
    check_choice("predictions: decoder", decoder, ("argmax", "com"))
    check_type("predictions: images", images, Tensor)
    check_type("predictions: grid", grid, Grid)
    if images.ndim != 4 or images.shape[2:] != grid.shape or not images.numel() or not images.is_floating_point():
        raise InputError(f"predictions: images are {images.dtype} of {tuple(images.shape)}; expected floating-point "
                         f"numbers, (batch, members, {grid.height}, {grid.width}) on this grid")
    if not bool(torch.isfinite(images).all()):
        raise InputError("predictions: an image holds NaN or infinity; the training diverged, lower learning_rate")
    normalised = images / images.sum((-2, -1), keepdim=True).clamp_min(1e-12)
    column, row, peak = _peaks(images)
    x_peak, y_peak = grid.to_metres(column.double(), row.double())
    mean, mean_normalised = images.mean(1), normalised.mean(1)
    if decoder == "argmax":
        x, y = x_peak, y_peak
        weight = peak.double() / peak.double().sum(1, keepdim=True).clamp_min(1e-12)
        x_hat, y_hat = (weight * x).sum(1), (weight * y).sum(1)
    else:
        centre = centre_of_mass(images.flatten(0, 1)).double().unflatten(0, images.shape[:2])
        x, y = grid.to_metres(centre[..., 0], centre[..., 1])
        x_hat, y_hat = grid.to_metres(*centre_of_mass(mean).double().unbind(-1))
    max_spread, sum_spread = _spreads(x_peak, y_peak)
    peak_normalised = _peaks(normalised)[2]
    values = {"x": x, "y": y, "x_peak": x_peak, "y_peak": y_peak, "peak": peak,
              "peak_normalised": peak_normalised, "x_hat": x_hat, "y_hat": y_hat,
              "max_prediction": peak.amax(1), "max_mean_prediction": _peaks(mean)[2],
              "max_prediction_normalised": peak_normalised.amax(1),
              "max_mean_prediction_normalised": _peaks(mean_normalised)[2],
              "max_spread": max_spread, "sum_spread": sum_spread}
    return {name: value.cpu().numpy() for name, value in values.items()}


def collect(described: Mapping[str, np.ndarray], measurements: xr.Dataset, samples: np.ndarray,
            sets: np.ndarray, attrs: Mapping) -> xr.Dataset:
    """Return what `describe` returned as a Dataset over (sample, member), with the true locations and the sets.

    Input: samples, (n,), indices into `measurements`; sets, (n,), the set each belongs to.
    """
    x_true, y_true = (axis[samples] for axis in transmitters(measurements))
    variables = {name: (("sample", "member") if name in _MEMBER else "sample", value,
                        {"units": "m" if name in _METRES else "1"})
                 for name, value in {**described, "x_true": x_true, "y_true": y_true}.items()}
    coords = {"set": ("sample", np.asarray(sets, str)), "measurement": ("sample", np.asarray(samples, np.int64))}
    return xr.Dataset(variables, coords, dict(attrs))


def require(predictions: xr.Dataset, *names: str) -> xr.Dataset:
    """Return predictions that have the variables `names` over samples. Errors: InputError naming what is missing."""
    check_type("predictions", predictions, xr.Dataset, "the Dataset that Localizer.predict returns")
    for name in names:
        if name not in predictions.variables or predictions[name].dims != ("sample",) or (
                predictions[name].dtype.kind not in _KINDS.get(name, "fiu")):
            raise InputError(f"predictions: no {name!r} with one value per sample; expected what "
                             "Localizer.predict returns")
    return predictions


def errors(predictions: xr.Dataset) -> np.ndarray:
    """Return the distance of the ensemble's location from the true one, (sample,) [m].

    Errors: InputError for what is no predictions, or for a sample whose true location is unknown.
    """
    require(predictions, "x_hat", "y_hat", "x_true", "y_true")
    distance = np.hypot(predictions.x_hat - predictions.x_true, predictions.y_hat - predictions.y_true).values
    unknown = ~np.isfinite(distance)
    if unknown.any():
        raise InputError(f"predictions: sample {unknown.argmax()} has no known error ({unknown.sum()} of "
                         f"{len(unknown)} samples), since its transmitter's location is unknown; leave it out")
    return distance


def of_set(predictions: xr.Dataset, name: str) -> xr.Dataset:
    """Return the samples of one set. Errors: InputError for an unknown set."""
    names = require(predictions, "set").set.values.astype(str)
    chosen = names == str(name)
    if not chosen.any():
        raise InputError(f"predictions: no set {name!r}; found {', '.join(dict.fromkeys(names.tolist()))}")
    return predictions.isel(sample=chosen)


def median_error(predictions: xr.Dataset, name: str) -> float:
    """Return the median error of one set [m]. Errors: those of `of_set` and `errors`."""
    return float(np.median(errors(of_set(predictions, name))))


def save(predictions: xr.Dataset, path: str | Path) -> Path:
    """Write a predictions file (NetCDF, .nc) atomically. Errors: those of `files.write_netcdf` and `load`.

    Of the maxima of drawn ensembles, most of a file, 16 bits are kept: to 1e-5.
    """
    files.parsed(lambda: _check(predictions), path, _WHAT)
    packed: dict[str, dict] = {_OF_DRAW: _SIXTEEN_BITS, "set": {"dtype": "S1"}}    # letters, compressed
    return files.write_netcdf(predictions, path, {str(name): {"zlib": True} | packed.get(str(name), {})
                                                  for name in predictions.variables})


def load(path: str | Path) -> xr.Dataset:
    """Read a predictions file written by `save`.

    Errors: those of `files.read_netcdf`; InputError naming the file if a variable is missing, of another shape or type,
    impossible or not finite (the true locations may be unknown), or if an attribute of the grid is missing.
    """
    dataset = files.read_netcdf(path, _WHAT, _AGAIN)
    files.parsed(lambda: _check(dataset), path, _WHAT, _AGAIN)
    return dataset.assign_coords(set=dataset.set.astype(str))


def _check(dataset: xr.Dataset) -> None:
    if not min(dataset.sizes["sample"], dataset.sizes["member"]):
        raise ValueError("no samples, or no members")
    for name in _VARIABLES:
        variable, dims = dataset.variables[name], ("sample", "member") if name in _MEMBER else ("sample",)
        if variable.dims != dims or variable.dtype.kind != "f":
            raise ValueError(f"{name} is {variable.dtype} over {variable.dims}, not floating-point over {dims}")
        lowest, highest = (-np.inf, np.inf) if name in _PLACES else (0, np.inf if name.endswith("spread") else 1.00001)
        values = variable.values[~np.isnan(variable.values)] if name in _TRUTH else variable.values
        if not (np.isfinite(values) & (values >= lowest) & (values <= highest)).all():
            raise ValueError(f"{name} is impossible or not finite in a sample")
    if _OF_DRAW in dataset:
        _check_draws(dataset)
    for name, kinds in _KINDS.items():
        variable = dataset.variables[name]
        if variable.dims != ("sample",) or variable.dtype.kind not in kinds:
            raise ValueError(f"{name} is {variable.dtype} over {variable.dims}")
    if (dataset["measurement"] < 0).any():
        raise ValueError("an index in 'measurement' is below 0")
    raster = {field.name: dataset.attrs[field.name] for field in fields(Grid)}
    if not np.isfinite(list(raster.values())).all():
        raise ValueError(f"the attributes of the grid are {raster}")
    try:
        Grid(**raster)
    except InputError as error:    # it does not name the file
        raise ValueError(str(error)) from None


def _check_draws(dataset: xr.Dataset) -> None:
    """Raise ValueError unless the maxima of drawn ensembles are possible, and the networks drawn are members."""
    for name, dims, kinds in ((_OF_DRAW, ("sample", "draw"), "f"), ("drawn", ("draw", "position"), "iu")):
        variable = dataset.variables[name]
        if variable.dims != dims or variable.dtype.kind not in kinds:
            raise ValueError(f"{name} is {variable.dtype} over {variable.dims}, not over {dims}")
    maxima, drawn = dataset[_OF_DRAW].values, dataset["drawn"].values
    if not ((maxima >= 0) & (maxima <= 1.00001)).all():    # nor NaN
        raise ValueError(f"{_OF_DRAW} is impossible or not finite in a sample")
    if not ((drawn >= 0) & (drawn < dataset.sizes["member"])).all():
        raise ValueError("drawn has the number of a network that is none of the members")


def _peaks(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return column, row and value of each image's largest pixel, (..., height, width) -> (...)."""
    value, pixel = images.flatten(-2).max(-1)
    return pixel % images.shape[-1], pixel // images.shape[-1], value


def _spreads(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the largest and the summed distance between the members' locations, (batch, members) -> (batch,)."""
    first, second = torch.triu_indices(x.shape[1], x.shape[1], 1, device=x.device)
    if not len(first):
        return torch.zeros_like(x[:, 0]), torch.zeros_like(x[:, 0])
    distance = torch.hypot(x[:, first] - x[:, second], y[:, first] - y[:, second])
    return distance.amax(1), distance.sum(1)
