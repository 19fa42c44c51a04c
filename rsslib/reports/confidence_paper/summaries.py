"""Fields that records share: medians and shares with their 95 % intervals; how predictions were made."""

from collections.abc import Callable, Mapping
from dataclasses import fields

import numpy as np
import xarray as xr

from rsslib.ledger.statistics import Interval, bootstrap_median, share_interval
from rsslib.localization.ensemble import Recipe


def median(key: str, errors: np.ndarray) -> dict:
    """Return the median of errors [m] and its interval as fields `key` and ci95_`key`.

    >>> median("low_m", np.array([]))
    {'low_m': nan, 'low_m_reason': 'no such sample'}
    """
    return _field(key, errors, np.median, bootstrap_median)


def share(key: str, flags: np.ndarray, with_interval: bool = True) -> dict:
    """Return the share of flags that are true as field `key` and, if asked, its interval; see `median`."""
    return _field(key, flags, np.mean, share_interval if with_interval else None)


def _field(key: str, values: np.ndarray, statistic: Callable, interval: Callable[..., Interval] | None) -> dict:
    if not len(values):
        return {key: float("nan"), f"{key}_reason": "no such sample"}
    return {key: statistic(values)} | ({f"ci95_{key}": interval(values)} if interval else {})


def median_error(errors: np.ndarray) -> dict:
    """Return the fields n, median_m and ci95_m of errors [m]."""
    return {"n": len(errors), "median_m": np.median(errors), "ci95_m": bootstrap_median(errors)}


def made_by(models: Mapping[str, xr.Dataset]) -> tuple[dict[str, dict], str, str]:
    """Return the settings of each training behind some predictions, their device and their torch version.

    They are the last arguments of `rsslib.ledger.provenance.provenance`; names that differ are joined by "/".
    """
    settings = {name: {field.name: model.attrs[field.name] for field in fields(Recipe)}
                for name, model in models.items()}
    device, torch = ("/".join(sorted({str(model.attrs[name]) for model in models.values()}))
                     for name in ("device", "torch"))
    return settings, device, torch
