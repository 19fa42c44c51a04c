"""What records share: the trainings they read, fields with their 95 % intervals, and how predictions were made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.data.grid import transmitters
from rsslib.ledger import results, statistics
from rsslib.ledger.statistics import bootstrap_median, share_interval
from rsslib.ledger.wording import FEWEST
from rsslib.localization import predictions
from rsslib.localization.ensemble import Recipe
from rsslib.project import InputError


def trained(folder: str | Path, names: Sequence[str], loss: str, parameter: str = "splits") -> dict[str, Path]:
    """Return the folder of the training on each split, {split: <folder>/<split>-<loss>}.

    Errors: InputError naming the notebook's parameter for no list, an empty one, or a split that was not trained.
    """
    if not isinstance(names, (list, tuple)) or not names:
        raise InputError(f"{parameter}: found {names!r}; expected a list with at least one data separation")
    paths = {str(name): Path(folder) / f"{name}-{loss}" for name in names}
    for name, path in paths.items():
        if not path.is_dir():
            there = [other.name.removesuffix(f"-{loss}") for other in sorted(Path(folder).glob(f"*-{loss}"))]
            raise InputError(f"{parameter}: {name} was not trained on {loss}: no folder {path}; there are "
                             f"{', '.join(there) or 'none: run the stages of the profile first'}")
    return paths


def check_measurements(models: Mapping[str, xr.Dataset], dataset: xr.Dataset) -> None:
    """Refuse predictions that were made from other measurements. Errors: InputError naming the training."""
    places = np.stack(transmitters(dataset), axis=1)
    for name, model in models.items():
        samples, true = model.measurement.values, np.stack([model.x_true.values, model.y_true.values], axis=1)
        if samples.max() >= len(places) or not np.array_equal(places[samples], true):
            raise InputError(f"inputs: the predictions of {name} are of other samples than those in measurements.nc; "
                             "train on these measurements, or name the folder with those that were trained on")


def errors_of(model: xr.Dataset, name: str) -> np.ndarray:
    """Return the errors of the predictions of one set [m]."""
    return predictions.errors(predictions.of_set(model, name))


def median(key: str, errors: np.ndarray) -> dict:
    """Return the median of errors [m] and its interval as fields `key` and ci95_`key`.

    >>> median("low_m", np.array([]))
    {'low_m': nan, 'low_m_reason': 'no such sample'}
    """
    return _field(key, errors, np.median, bootstrap_median)


def share(key: str, flags: np.ndarray, interval: Callable | None = share_interval) -> dict:
    """Return the share of flags that are true as field `key`, and its interval, if any; see `median`."""
    return _field(key, flags, np.mean, interval)


def _field(key: str, values: np.ndarray, statistic: Callable, interval: Callable | None) -> dict:
    value = float(statistic(values)) if len(values) else float("nan")
    return results.value(key, value, "no such sample", interval(values) if interval and len(values) else None)


def median_error(errors: np.ndarray) -> dict:
    """Return the fields n, median_m and, of `FEWEST` errors [m] or more, ci95_m.

    >>> median_error(np.array([20.0] * 6))
    {'n': 6, 'median_m': 20.0, 'ci95_m': (20.0, 20.0)}
    """
    found = _field("median_m", errors, np.median, bootstrap_median if len(errors) >= FEWEST else None)
    return {"n": len(errors)} | {key.replace("ci95_median_m", "ci95_m"): value for key, value in found.items()}


def median_difference(first: np.ndarray, second: np.ndarray) -> dict:
    """Return n, median_m = median(first) - median(second) of errors [m] of the same samples, and ci95_median_m.

    >>> median_difference(np.array([1.0] * 6), np.array([3.0] * 6))
    {'n': 6, 'median_m': -2.0, 'ci95_median_m': (-2.0, -2.0)}
    """
    value, ends = statistics.median_difference(first, second)
    return {"n": len(first)} | results.value("median_m", value, "no such sample", ends)


def made_by(models: Mapping[str, xr.Dataset]) -> tuple[dict[str, dict], str, str]:
    """Return the settings of each training behind some predictions, their device and their torch version.

    They are the last arguments of `rsslib.ledger.provenance.provenance`; names that differ are joined by "/".
    """
    settings = {name: {field.name: model.attrs[field.name] for field in fields(Recipe)}
                for name, model in models.items()}
    device, torch = ("/".join(sorted({str(model.attrs[name]) for model in models.values()}))
                     for name in ("device", "torch"))
    return settings, device, torch
