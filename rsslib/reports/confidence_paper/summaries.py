"""Fields that records share: medians and shares with their 95 % intervals; how predictions were made."""

from collections.abc import Callable, Mapping
from dataclasses import fields

import numpy as np
import xarray as xr

from rsslib.ledger import results, statistics
from rsslib.ledger.statistics import Interval, bootstrap_median, share_interval
from rsslib.ledger.wording import FEWEST
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
