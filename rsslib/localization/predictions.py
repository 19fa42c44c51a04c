"""The predictions file: what an ensemble said of each sample, and how sure it was."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib.data.grid import Grid, transmitters
from rsslib.localization.losses import centre_of_mass
from rsslib.project import InputError, atomic_path

INDICATORS = ("max_prediction", "max_mean_prediction", "max_spread", "sum_spread")
_UNITS = {"x": "m", "y": "m", "x_peak": "m", "y_peak": "m", "x_hat": "m", "y_hat": "m", "x_true": "m",
          "y_true": "m", "max_spread": "m", "sum_spread": "m"}
_MEMBER = ("x", "y", "x_peak", "y_peak", "peak", "peak_normalised")


def _peaks(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Column, row and value of the largest pixel of each image, (..., height, width) -> (...)."""
    value, place = images.flatten(-2).max(-1)
    return place % images.shape[-1], place // images.shape[-1], value


def _spreads(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Largest and summed distance between the members' places, (batch, members) -> (batch,)."""
    first, second = torch.triu_indices(x.shape[1], x.shape[1], 1, device=x.device)
    if not len(first):
        return torch.zeros_like(x[:, 0]), torch.zeros_like(x[:, 0])
    distance = torch.hypot(x[:, first] - x[:, second], y[:, first] - y[:, second])
    return distance.amax(1), distance.sum(1)


def describe(images: Tensor, grid: Grid, decoder: str = "argmax") -> dict[str, np.ndarray]:
    """Return what an ensemble's images say, in metres, with the four indicators of confidence.

    Input: images, (batch, members, height, width), sigmoid outputs; decoder, "argmax" (PSE, EMD: the mean of
    the members' largest pixels weighted by their values) or "com" (centre of mass of the mean image).
    Output: (batch, members) x, y (decoded) and x_peak, y_peak [m], peak (raw), peak_normalised (of the image
    divided by its sum); (batch,) x_hat, y_hat [m] and the indicators: max_prediction (largest peak),
    max_mean_prediction (largest pixel of the mean image), max_spread and sum_spread (largest and summed
    distance between the members' largest pixels [m]); the first two also `_normalised`.

    Errors: InputError for another decoder or images that are not numbers.
    Source: paper 1, Section IV.A.
    """
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
    elif decoder == "com":
        centre = centre_of_mass(images.flatten(0, 1)).double().unflatten(0, images.shape[:2])
        x, y = grid.to_metres(centre[..., 0], centre[..., 1])
        x_hat, y_hat = grid.to_metres(*centre_of_mass(mean).double().unbind(-1))
    else:
        raise InputError(f"decoder: expected argmax or com, found {decoder!r}")
    max_spread, sum_spread = _spreads(x_peak, y_peak)
    peak_normalised = _peaks(normalised)[2]
    said = {"x": x, "y": y, "x_peak": x_peak, "y_peak": y_peak, "peak": peak,
            "peak_normalised": peak_normalised, "x_hat": x_hat, "y_hat": y_hat,
            "max_prediction": peak.amax(1), "max_mean_prediction": _peaks(mean)[2],
            "max_prediction_normalised": peak_normalised.amax(1),
            "max_mean_prediction_normalised": _peaks(mean_normalised)[2],
            "max_spread": max_spread, "sum_spread": sum_spread}
    return {name: value.cpu().numpy() for name, value in said.items()}


def collect(parts: Iterable[Mapping[str, np.ndarray]], measurements: xr.Dataset, samples: np.ndarray,
            sets: np.ndarray, attrs: Mapping) -> xr.Dataset:
    """Put the batches of `describe` into one Dataset over (sample, member), with the truth and the set.

    Input: samples, (n,), indices into `measurements`; sets, (n,), the set each belongs to.
    """
    parts = list(parts)
    said = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    said["x_true"], said["y_true"] = (place[samples] for place in transmitters(measurements))
    variables = {name: (("sample", "member") if name in _MEMBER else "sample", value,
                        {"units": _UNITS.get(name, "1")}) for name, value in said.items()}
    coords = {"set": ("sample", np.asarray(sets, str)), "measurement": ("sample", np.asarray(samples, np.int64))}
    return xr.Dataset(variables, coords, dict(attrs))


def errors(predictions: xr.Dataset) -> np.ndarray:
    """Return the distance of the ensemble's location from the true one, (sample,) [m]."""
    return np.hypot(predictions.x_hat - predictions.x_true, predictions.y_hat - predictions.y_true).values


def of_set(predictions: xr.Dataset, name: str) -> xr.Dataset:
    """Return the samples of one set. Raises InputError if there is none of that name."""
    chosen = predictions.set.values == name
    if not chosen.any():
        known = ", ".join(dict.fromkeys(predictions.set.values.tolist()))
        raise InputError(f"predictions: no set {name!r}; this file has {known}")
    return predictions.isel(sample=chosen)


def median_error(predictions: xr.Dataset, name: str) -> float:
    """Return the median error of one set [m]."""
    return float(np.median(errors(of_set(predictions, name))))


def save(predictions: xr.Dataset, path: str | Path) -> Path:
    """Write a predictions file whole: NetCDF (.nc), or .npz where there is no netCDF4."""
    path = Path(path)
    with atomic_path(path) as temporary:
        if path.suffix == ".npz":
            arrays = {name: values.values for name, values in predictions.variables.items()}
            np.savez_compressed(temporary, attrs=json.dumps(predictions.attrs), **arrays)
        elif path.suffix == ".nc":
            encoding = {name: {"zlib": True} for name in predictions.data_vars}
            predictions.to_netcdf(temporary, engine="netcdf4", encoding=encoding)
        else:
            raise InputError(f"{path}: expected a name ending in .nc or .npz")
    return path


def load(path: str | Path) -> xr.Dataset:
    """Read a predictions file written by `save`. Raises InputError naming the file."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such predictions file; run its training stage first (dvc repro)")
    try:
        return _load_npz(path) if path.suffix == ".npz" else _load_netcdf(path)
    except (OSError, ValueError, KeyError, EOFError, AttributeError, BadZipFile) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: not a predictions file ({reason}); remove it and run its training stage "
                         "again") from None


def _load_netcdf(path: Path) -> xr.Dataset:
    with xr.open_dataset(path, engine="netcdf4") as file:
        dataset = file.load()
    return dataset.assign_coords(set=dataset.set.astype(str))


def _load_npz(path: Path) -> xr.Dataset:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    attrs = json.loads(str(arrays.pop("attrs")))
    coords = {name: ("sample", arrays.pop(name)) for name in ("set", "measurement")}
    variables = {name: (("sample", "member") if name in _MEMBER else "sample", value,
                        {"units": _UNITS.get(name, "1")}) for name, value in arrays.items()}
    return xr.Dataset(variables, coords, attrs)
