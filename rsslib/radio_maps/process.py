"""Gaussian processes over the map, one for each receiver, which share their kernel.

    f ~ GP(0, k),  k(d) = s1^2 (1 + sqrt(3) d / l1) exp(-sqrt(3) d / l1) + s2^2 exp(-d / l2)

Receivers that heard the same samples have the same covariance, so one Cholesky serves them all. Receivers that heard
all but a few of them share it too: the samples that one did not hear are taken out of the inverse exactly,
K_B^-1 = P_BB - P_Bk P_kk^-1 P_kB with P = K_A^-1, A = B and k (the inverse of a block matrix).
With more samples than `points`, the samples are moved to inducing points: k(x, x') is replaced by k(u(x), u(x')), u the
nearest of the centres of the samples in square cells. A reading then counts with the noise sigma^2 + 2 (k(0) - k(d)),
d its distance from the point, and one point's readings are one reading of their weighted mean.
Source: Rasmussen and Williams, Gaussian processes for machine learning, 2006, Section 2.2; the inducing points are
Wilson and Nickisch, Kernel interpolation for scalable structured Gaussian processes, 2015, of order zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rsslib.radio_maps.recipe import MapRecipe

ABSENT = 0.1
"""Receivers share a Cholesky if each misses at most this share of the samples that any of them heard. (At a sixth, what
is taken out of the inverse costs what is saved.)"""
ENTRIES = 2**25
"""So many covariances of samples and pixels are held at a time: bounds the memory."""


@dataclass(frozen=True)
class _Group:
    """Receivers that share a covariance; samples, that any of them heard, and heard, (samples, receivers) bool."""

    receivers: np.ndarray
    samples: np.ndarray
    heard: np.ndarray


def kernel(distance: Tensor, recipe: MapRecipe) -> Tensor:
    """Return the covariance at a distance [m], any shape [dB^2].

    >>> kernel(torch.tensor([0.0, 1e6]), MapRecipe()).tolist()
    [72.0, 0.0]
    """
    near = distance * (-(3 ** 0.5) / recipe.near_m)
    return ((1 - near) * near.exp()).mul_(recipe.near_db ** 2).add_(
        (distance * (-1 / recipe.far_m)).exp_(), alpha=recipe.far_db ** 2)


def predict(places: np.ndarray, residuals: np.ndarray, pixels: np.ndarray,
            recipe: MapRecipe) -> tuple[np.ndarray, np.ndarray]:
    """Return mean [dB] and variance [dB^2] of each receiver's process at the pixels, (sensors, pixels) each.

    mean = k_*^T (K + N)^-1 r, variance = k(0) - k_*^T (K + N)^-1 k_*, N the noise.
    Input: places of the samples, (samples, 2) [m]; residuals r, (samples, sensors) [dB], NaN where not heard, each
    receiver with at least one; pixels, (pixels, 2) [m].
    """
    heard, dtype = np.isfinite(residuals), getattr(torch, recipe.precision)
    origin = pixels.mean(axis=0)    # UTM metres have seven digits: all that float32 holds
    at, to = (torch.from_numpy(values - origin).to(dtype) for values in (places, pixels))
    values = torch.from_numpy(np.where(heard, residuals, 0)).to(dtype)
    mean, variance = np.empty((2, residuals.shape[1], len(pixels)), recipe.precision)
    shared = _Kernels(at, to, recipe)
    for group in _groups(heard, recipe.points):
        rows, columns = torch.from_numpy(group.samples), torch.from_numpy(group.receivers)
        observed, here, kernels = values[rows][:, columns], torch.from_numpy(group.heard), shared
        noise = torch.full((len(rows),), float(recipe.noise_db) ** 2, dtype=dtype)
        if len(rows) > recipe.points:
            points, observed, noise = _condensed(at[rows], observed, recipe)
            rows, here = torch.arange(len(points)), torch.ones(observed.shape, dtype=torch.bool)
            kernels = _Kernels(points, to, recipe)
        parts = _predicted(kernels, rows, observed, here, noise)
        mean[group.receivers], variance[group.receivers] = (part.numpy() for part in parts)
    return mean, variance


class _Kernels:
    """Covariances of points with each other and with the pixels, kept if they are not too many."""

    def __init__(self, at: Tensor, to: Tensor, recipe: MapRecipe):
        self.at, self.to, self.recipe = at, to, recipe
        self.kept = kernel(_distances(at, torch.cat([at, to])), recipe) if (
            len(at) * (len(at) + len(to)) <= ENTRIES) else None

    def __call__(self, rows: Tensor) -> Tensor:
        """Return the covariance of some points, (rows, rows)."""
        if self.kept is not None:
            return self.kept[rows[:, None], rows]
        return kernel(_distances(self.at[rows], self.at[rows]), self.recipe)

    def cross(self, rows: Tensor) -> Iterator[Tensor]:
        """Yield the covariances of some points with the pixels, (rows, pixels) in parts."""
        for part in torch.arange(len(self.to)).split(max(1, ENTRIES // 4 // len(rows))):
            if self.kept is not None:
                columns = slice(len(self.at) + int(part[0]), len(self.at) + int(part[-1]) + 1)
                yield self.kept[:, columns][rows]
            else:
                yield kernel(_distances(self.at[rows], self.to[part]), self.recipe)


def _groups(heard: np.ndarray, most: int) -> list[_Group]:
    """Group receivers that heard nearly the same samples; above `most` samples, only those that heard the same."""
    patterns, number = np.unique(heard.T, axis=0, return_inverse=True)
    clusters: list[list[int]] = []
    for pattern in np.argsort(-patterns.sum(axis=1), kind="stable"):
        for cluster in clusters:
            together = patterns[[*cluster, pattern]]
            union = together.any(axis=0).sum()
            if union <= most and together.sum(axis=1).min() >= (1 - ABSENT) * union:
                cluster.append(int(pattern))
                break
        else:
            clusters.append([int(pattern)])
    found = []
    for cluster in clusters:
        receivers = np.flatnonzero(np.isin(number.ravel(), cluster))
        samples = np.flatnonzero(heard[:, receivers].any(axis=1))
        found.append(_Group(receivers, samples, heard[np.ix_(samples, receivers)]))
    return found


def _predicted(kernels: _Kernels, rows: Tensor, values: Tensor, heard: Tensor,
               noise: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance, (receivers, pixels), of receivers that heard most of the points `rows`."""
    covariance = kernels(rows)
    covariance.diagonal().add_(noise)
    factor = torch.linalg.cholesky(covariance)
    weights = torch.cholesky_solve(values, factor)
    left_out = [(~column).nonzero()[:, 0] for column in heard.T]
    absent = torch.cat(left_out).unique()
    inverse = torch.zeros(len(rows), len(absent), dtype=values.dtype)
    inverse[absent, torch.arange(len(absent))] = 1
    inverse = torch.cholesky_solve(inverse, factor)    # the columns of K_A^-1 that somebody did not hear
    corners = []
    for column, missing in enumerate(left_out):
        place = torch.searchsorted(absent, missing)
        corners.append((place, torch.linalg.cholesky(inverse[missing][:, place])))
        if len(missing):
            weights[:, column] -= inverse[:, place] @ torch.cholesky_solve(weights[missing, column, None],
                                                                           corners[-1][1])[:, 0]
    means, variances = [], []
    for cross in kernels.cross(rows):
        means.append(weights.T @ cross)
        # what k_* has with the points left out: k_*^T P_:k P_kk^-1 P_k: k_* comes back to the variance
        back = inverse.T @ cross
        explained = torch.linalg.solve_triangular(factor, cross, upper=False).square_().sum(0)
        variances.append(torch.stack([
            kernels.recipe.prior_variance - explained
            + torch.linalg.solve_triangular(corner, back[place], upper=False).square_().sum(0)
            for place, corner in corners]))
    return torch.cat(means, 1), torch.cat(variances, 1).clamp_(min=0)


def _condensed(at: Tensor, values: Tensor, recipe: MapRecipe) -> tuple[Tensor, Tensor, Tensor]:
    """Return inducing points, (points, 2), the mean reading of each, (points, receivers), and its noise, (points,)."""
    west_south = at.amin(0)
    side = float((at.amax(0) - west_south).prod().clamp(min=1e-6) / recipe.points) ** 0.5 / 2
    while True:    # begins with four times as many cells as points, most of them empty on a walk
        cells = ((at - west_south) / side).long()
        number = torch.unique(cells, dim=0, return_inverse=True)[1]
        count = int(number.max()) + 1
        if count <= recipe.points:
            break
        side *= 1.2
    ones = torch.ones(len(at), dtype=at.dtype)
    points = _sums(at, number, count) / _sums(ones, number, count)[:, None]
    away = torch.linalg.vector_norm(at - points[number], dim=1)
    weight = 1 / (recipe.noise_db ** 2 + 2 * (recipe.prior_variance - kernel(away, recipe)))
    total = _sums(weight, number, count)
    return points, _sums(values * weight[:, None], number, count) / total[:, None], 1 / total


def _sums(values: Tensor, number: Tensor, count: int) -> Tensor:
    return torch.zeros(count, *values.shape[1:], dtype=values.dtype).index_add_(0, number, values)


def _distances(one: Tensor, other: Tensor) -> Tensor:
    # differences, not the expanded square: in float32 that is wrong by metres for near places
    return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")
