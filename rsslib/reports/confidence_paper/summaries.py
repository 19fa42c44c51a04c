"""What records share: the trainings they read, fields with their 95 % intervals, and how predictions were made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.confidence import pools
from rsslib.data import blocks
from rsslib.data.grid import transmitters
from rsslib.ledger import repeated, results
from rsslib.ledger.resampling import interval, resampled
from rsslib.ledger.statistics import Interval
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


def placed(models: Mapping[str, xr.Dataset], dataset: xr.Dataset) -> dict[str, xr.Dataset]:
    """Return predictions with the coordinate `block`, the block of time of each sample (`rsslib.data.blocks`).

    Errors: InputError naming the training if they were made from other measurements than `dataset`.
    """
    places, block = np.stack(transmitters(dataset), axis=1), blocks.numbers(dataset.time.values)
    for name, model in models.items():
        samples, true = model.measurement.values, np.stack([model.x_true.values, model.y_true.values], axis=1)
        if samples.max() >= len(places) or not np.array_equal(places[samples], true):
            raise InputError(f"trained: the predictions of {name} are of other samples than those in measurements.nc; "
                             "train on these measurements, or name the folder with those that were trained on")
    return {name: model.assign_coords(block=("sample", block[model.measurement.values]))
            for name, model in models.items()}


def errors_of(model: xr.Dataset, name: str) -> np.ndarray:
    """Return the errors of the predictions of one set [m]."""
    return predictions.errors(predictions.of_set(model, name))


def median_error(part: xr.Dataset) -> dict:
    """Return the fields n, median_m and ci95_m (two-level bootstrap) of the errors of predictions with `block`."""
    errors = predictions.errors(part)
    return {"n": len(errors), "median_m": np.median(errors)} | ends("m", interval(resampled_errors(part)))


def resampled_errors(part: xr.Dataset, statistic: Callable = repeated.median) -> np.ndarray:
    """Return a statistic of the errors of predictions with `block` in each resample, (resamples,) [m].

    Input: statistic of values and times, of `rsslib.ledger.repeated`. Those of other predictions, or of
    `resampling.resampled_medians`, for the same samples in the same order may be subtracted: the same blocks are drawn.
    Each is widened by the number of its own networks.
    """
    pool = pools.of(part)
    return resampled(lambda times, draw: statistic(pool.error[:, draw["model"]], times["part"]),
                     {"part": part.block.values}, {"model": pool})


def field(key: str, value: float, drawn: np.ndarray, difference: bool = False, reason: str = "no such sample") -> dict:
    """Return a number as field `key`, with its interval from its resamples as ci95_`key`, if it has one.

    >>> field("low_m", float("nan"), np.full(9, np.nan))
    {'low_m': nan, 'low_m_reason': 'no such sample'}
    """
    return results.value(key, float(value), reason, interval(drawn, difference))


def ends(key: str, ci95: Interval | None) -> dict:
    """Return an interval as field ci95_`key`, nothing for none."""
    return {} if ci95 is None else {f"ci95_{key}": ci95}


def made_by(models: Mapping[str, xr.Dataset]) -> tuple[dict[str, dict], str, str]:
    """Return the settings of each training behind some predictions, their device and their torch version.

    They are the last arguments of `rsslib.ledger.provenance.provenance`; names that differ are joined by "/".
    """
    settings = {name: {field.name: model.attrs[field.name] for field in fields(Recipe)}
                for name, model in models.items()}
    device, torch = ("/".join(sorted({str(model.attrs[name]) for model in models.values()}))
                     for name in ("device", "torch"))
    return settings, device, torch
