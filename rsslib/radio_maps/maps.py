"""Radio maps: mean and variance of each receiver's reading at every pixel, and what readings say of the location."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import lgamma, log, pi

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib.data import grid as grids
from rsslib.radio_maps import path_loss, process
from rsslib.radio_maps.recipe import MapRecipe

STILL_M = 1.0
"""A receiver whose places all lie within this of their median does not move [m]."""
ENTRIES = 2**21
"""Samples times pixels in a batch: bounds the memory."""


@dataclass(frozen=True)
class Reading:
    """What a receiver read of a batch: sensor, its number; rows of the batch that it heard; rss, (rows, 1) [dB].

    mean, variance : what its map says, (rows, pixels) or (1, pixels) [dB, dB^2]
    """

    sensor: int
    rows: Tensor
    rss: Tensor
    mean: Tensor
    variance: Tensor


@dataclass(frozen=True)
class Maps:
    """The maps of the receivers that heard training samples.

    grid, recipe : of the maps
    sensors : names of the receivers
    mean, variance : (sensors, height, width), mean reading [dB] and variance of the map [dB^2], without the noise;
        NaN for a receiver that moves
    loss : path loss of each receiver
    home : (sensors, 2), place of each receiver [m]; NaN for one that moves
    offset : (sensors,), what a calibration adds to the mean and to the path loss [dB]
    """

    grid: grids.Grid
    recipe: MapRecipe
    sensors: tuple[str, ...]
    mean: np.ndarray
    variance: np.ndarray
    loss: path_loss.PathLoss
    home: np.ndarray
    offset: np.ndarray

    @property
    def moves(self) -> np.ndarray:
        """Whether each receiver moves, (sensors,) bool: it has a path loss alone."""
        return np.isnan(self.home[:, 0])

    def shifted(self, offset: np.ndarray) -> "Maps":
        """Return these maps with other offsets, (sensors,) [dB]."""
        return replace(self, offset=np.asarray(offset, np.float64))

    def moments(self, sensor: int, x: np.ndarray, y: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return mean [dB] and variance [dB^2] of what a receiver at x, y reads of a transmitter in each pixel.

        Input: sensor, its number; x, y, (places,) [m]. Output: (places, pixels) each, or (1, pixels) if all places are
        at home. Elsewhere the path loss alone tells the mean, and the variance is that of the prior.
        """
        at_home = ~self.moves[sensor] & (np.hypot(*(np.stack([x, y], 1) - self.home[sensor]).T) <= self.grid.pixel_m)
        if at_home.all():
            mean, variance = (torch.from_numpy(part[sensor].reshape(1, -1)) for part in (self.mean, self.variance))
            return mean + self.offset[sensor], variance
        decade = self._decades(x, y)
        mean = decade.mul_(float(self.loss.slope[sensor])).add_(float(self.loss.level[sensor]))
        variance = torch.full_like(mean, self.recipe.prior_variance)
        if at_home.any():
            mean[at_home] = torch.from_numpy(self.mean[sensor].ravel())
            variance[at_home] = torch.from_numpy(self.variance[sensor].ravel())
        return mean + self.offset[sensor], variance

    def _decades(self, x: np.ndarray, y: np.ndarray) -> Tensor:
        """Return log10 of the distance of each place from each pixel, (places, pixels)."""
        dtype = getattr(torch, self.recipe.precision)
        across, along = ((torch.arange(size, dtype=dtype) - torch.from_numpy(place[:, None]).to(dtype)).square_()
                         for size, place in zip(self.grid.shape[::-1], self.grid.to_pixels(x, y)))
        square = (along[:, :, None] + across[:, None, :]).flatten(1).mul_(self.grid.pixel_m ** 2)
        return square.clamp_(min=path_loss.NEAREST_M ** 2).log10_().div_(2)

    def log_likelihoods(self, dataset: xr.Dataset, samples: np.ndarray) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Yield samples and log p(r | x) of each in every pixel, (batch, pixels), in batches.

        p(r | x) = prod_s t_nu(r_s; mu_s(x), v_s(x) + sigma^2) over the receivers that heard the sample and have a map.
        Without such a receiver it is 1.
        """
        pixels = self.grid.width * self.grid.height
        size = max(1, ENTRIES // pixels)
        for start in range(0, len(samples), size):
            batch = samples[start:start + size]
            total = torch.zeros(len(batch), pixels, dtype=getattr(torch, self.recipe.precision))
            for reading in self.readings(dataset, batch):
                total[reading.rows] += self._log_density(reading)
            yield batch, total

    def posteriors(self, dataset: xr.Dataset, samples: np.ndarray) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
        """Yield samples, log p(x | r), (batch, height, width), and log p(r), (batch,), of checked samples."""
        for batch, likelihood in self.log_likelihoods(dataset, samples):
            total = likelihood.logsumexp(1)
            posterior = (likelihood - total[:, None]).unflatten(1, self.grid.shape)
            yield batch, posterior, total - float(np.log(likelihood.shape[1]))

    def corrected(self, dataset: xr.Dataset) -> xr.Dataset:
        """Return measurements less the offsets: what the receivers would have read with the gains of the training."""
        columns, numbers = self.columns(dataset)
        if not self.offset[numbers].any():
            return dataset
        rss = dataset.rss.values.copy()
        rss[:, columns] -= self.offset[numbers].astype(rss.dtype)
        return dataset.assign(rss=(dataset.rss.dims, rss, dataset.rss.attrs))

    def readings(self, dataset: xr.Dataset, samples: np.ndarray) -> Iterator[Reading]:
        """Yield what each receiver with a map read of some samples, beside what its map says of every pixel."""
        for column, number in zip(*self.columns(dataset)):
            rss = dataset.rss.values[samples, column]
            rows = np.flatnonzero(np.isfinite(rss))
            if len(rows):
                x, y = (dataset[name].values[samples[rows], column] for name in ("sensor_x", "sensor_y"))
                given = torch.from_numpy(rss[rows].astype(self.recipe.precision))[:, None]
                yield Reading(int(number), torch.from_numpy(rows), given, *self.moments(number, x, y))

    def _log_density(self, reading: Reading) -> Tensor:
        nu = float(self.recipe.freedom)
        constant = lgamma((nu + 1) / 2) - lgamma(nu / 2) - log(nu * pi) / 2
        variance = reading.variance + float(self.recipe.noise_db) ** 2
        found = (reading.rss - reading.mean).square_().mul_(1 / (nu * variance)).log1p_().mul_(-(nu + 1) / 2)
        return found.add_(constant - variance.log() / 2)

    def columns(self, dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Return which columns of `dataset` have maps, and the number of the map of each."""
        number = {name: number for number, name in enumerate(self.sensors)}
        found = [(column, number[str(name)]) for column, name in enumerate(dataset.sensor.values)
                 if str(name) in number]
        return tuple(np.array(found, np.int64).reshape(-1, 2).T)    # type: ignore[return-value]


def build(dataset: xr.Dataset, train: np.ndarray, grid: grids.Grid, recipe: MapRecipe) -> Maps:
    """Return the maps that the samples `train` of checked measurements give; all have a known location."""
    heard = np.isfinite(dataset.rss.values[train])
    columns = np.flatnonzero(heard.any(axis=0))
    rss = np.where(heard, dataset.rss.values[train], np.nan)[:, columns].astype(np.float64)
    at = [np.where(heard, dataset[name].values[train], np.nan)[:, columns] for name in ("sensor_x", "sensor_y")]
    tx = [axis[train] for axis in grids.transmitters(dataset)]
    home = np.stack([np.nanmedian(axis, axis=0) for axis in at], axis=1)
    moves = np.nanmax(np.hypot(at[0] - home[:, 0], at[1] - home[:, 1]), axis=0) > STILL_M
    home[moves] = np.nan
    decade = path_loss.log_distance(at[0], at[1], tx[0][:, None], tx[1][:, None])
    loss = path_loss.fit(rss, decade, recipe.slope_samples)
    to = np.stack([axis.ravel() for axis in grid.to_metres(*np.meshgrid(np.arange(grid.width),
                                                                      np.arange(grid.height)))], axis=1)
    mean, variance = np.full((2, len(columns), len(to)), np.nan, recipe.precision)
    if not moves.all():
        residuals = (rss - loss.level - loss.slope * decade)[:, ~moves]
        mean[~moves], variance[~moves] = process.predict(np.stack(tx, 1), residuals, to, recipe)
        far = path_loss.log_distance(to[:, :1], to[:, 1:], home[~moves, 0], home[~moves, 1]).T
        mean[~moves] += (loss.level[~moves, None] + loss.slope[~moves, None] * far)
    names = tuple(str(name) for name in dataset.sensor.values[columns])
    return Maps(grid, recipe, names, mean.reshape(-1, *grid.shape), variance.reshape(-1, *grid.shape), loss, home,
                np.zeros(len(columns)))
