"""The path loss of each receiver: a line over the logarithm of the distance, its slope shrunk to the common one."""

from dataclasses import dataclass

import numpy as np

NEAREST_M = 10.0
"""Nearer to a receiver the path loss does not change [m]: below, the line over log-distance goes to infinity."""


@dataclass(frozen=True)
class PathLoss:
    """Path loss by receiver: r = level + slope log10(d / 1 m); level, slope, (sensors,) [dB, dB per decade]."""

    level: np.ndarray
    slope: np.ndarray


def log_distance(x: np.ndarray, y: np.ndarray, to_x: np.ndarray, to_y: np.ndarray) -> np.ndarray:
    """Return log10 of the distance [m] between places, at least that of NEAREST_M; the four broadcast.

    >>> log_distance(np.array([0.0, 0.0]), np.array([0.0, 0.0]), np.array([100.0, 1.0]), np.zeros(2))
    array([2., 1.])
    """
    return np.log10(np.maximum(np.hypot(x - to_x, y - to_y), NEAREST_M))


def fit(rss: np.ndarray, decade: np.ndarray, shrinkage: float) -> PathLoss:
    """Return the path loss of each receiver by least squares.

    With u = log10 d about its mean per receiver, n = (sum u r + w n0) / (sum u^2 + w): n0 is the slope common to all,
    and w = shrinkage * mean(u^2), as if so many samples of average spread had shown n0.
    Input: rss, (samples, sensors) [dB], NaN where not heard; decade, log10 of the distances [m], same shape. Every
    receiver heard at least one sample.

    >>> decade = np.array([[1.0], [2.0], [3.0]])
    >>> fit(20 - 30 * decade, decade, 10.0)
    PathLoss(level=array([20.]), slope=array([-30.]))
    """
    heard = np.isfinite(rss)
    u = np.where(heard, decade, np.nan)
    u0, r0 = np.nanmean(u, axis=0), np.nanmean(rss, axis=0)
    u, r = np.where(heard, u - u0, 0), np.where(heard, rss - r0, 0)
    square, product = (u * u).sum(axis=0), (u * r).sum(axis=0)
    total = square.sum()
    common = product.sum() / total if total > 0 else 0.0
    weight = max(shrinkage * total / heard.sum(), 1e-12)
    slope = (product + weight * common) / (square + weight)
    return PathLoss(r0 - slope * u0, slope)
