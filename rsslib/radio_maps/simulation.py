"""Simulated samples: what the receivers of a real sample would have read of a transmitter at another place."""

import math

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib.radio_maps.maps import Maps
from rsslib.radio_maps.path_loss import NEAREST_M


class Simulator:
    """Draws readings from radio maps, for the receivers and at the receivers' places of given samples.

        r_s = mu_s(x) + spread sqrt(v_s(x) + sigma^2) t + o,    t ~ t_nu,    o ~ N(0, offset_db^2) common to a sample

    With spread 1 it is the distribution by which the maps localize. A receiver that moves, or that is not where its map
    was made, has the path loss alone, with the variance of the prior. No reading is below the receiver's lowest one in
    the samples, its noise floor.
    Parameters: maps; dataset, checked measurements; samples, (samples,), indices; spread.
    """

    def __init__(self, maps: Maps, dataset: xr.Dataset, samples: np.ndarray, spread: float = 1.0):
        self.columns, numbers = maps.columns(dataset)
        self.freedom, self.grid = float(maps.recipe.freedom), maps.grid
        moves, noise = maps.moves[numbers], float(maps.recipe.noise_db) ** 2
        variance = np.where(moves[:, None, None], maps.recipe.prior_variance, maps.variance[numbers])
        mean = np.where(moves[:, None, None], 0, maps.mean[numbers])
        self.mean, self.scale = (_floats(part).flatten(1) for part in (mean, spread * np.sqrt(variance + noise)))
        self.prior_scale = spread * (maps.recipe.prior_variance + noise) ** 0.5
        self.level, self.slope, self.offset = (
            _floats(part[numbers]) for part in (maps.loss.level, maps.loss.slope, maps.offset))
        x, y = (dataset[name].values[np.ix_(samples, self.columns)] for name in ("sensor_x", "sensor_y"))
        self.floor = _floats(np.fmin.reduce(dataset.rss.values[np.ix_(samples, self.columns)], axis=0))
        away = np.hypot(x - maps.home[numbers, 0], y - maps.home[numbers, 1])
        self.at_home = torch.from_numpy(away <= self.grid.pixel_m)    # NaN, of a receiver that moves, is not
        self.place = _floats(np.nan_to_num(np.stack(self.grid.to_pixels(x, y))))

    def moments(self, template: Tensor, pixel: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and scale of each receiver's reading, (batch, sensors) [dB].

        Input: template, (batch,), numbers of samples that tell the receivers' places; pixel, (batch,), the
        transmitters', row * width + column.
        """
        at = torch.stack([pixel % self.grid.width, pixel // self.grid.width])
        square = (self.place[:, template] - at[..., None]).square().sum(0)
        square = (square * self.grid.pixel_m ** 2).clamp(min=NEAREST_M ** 2)
        at_home = self.at_home[template]
        mean = torch.where(at_home, self.mean[:, pixel].T, self.level + self.slope * square.log10() / 2)
        return mean + self.offset, torch.where(at_home, self.scale[:, pixel].T, self.prior_scale)

    def draw(self, template: Tensor, pixel: Tensor, generator: torch.Generator, offset_db: float = 0.0) -> Tensor:
        """Return readings, (batch, sensors) [dB]; see `moments`. Also receivers that the template did not hear read."""
        mean, scale = self.moments(template, pixel)
        common = offset_db * torch.randn(len(pixel), 1, generator=generator)
        return torch.maximum(mean + scale * student(mean.shape, self.freedom, generator) + common, self.floor)


def student(shape: tuple[int, ...], freedom: float, generator: torch.Generator) -> Tensor:
    """Return draws of Student's t-distribution, sqrt(nu (u^(-2 / nu) - 1)) cos(2 pi w), u and w uniform in 0..1.

    Source: Bailey, Polar generation of random variates with the t-distribution, 1994.

    >>> student((100_000,), 6.0, torch.Generator().manual_seed(0)).square().mean().round(decimals=1)    # nu / (nu - 2)
    tensor(1.5000)
    """
    u, w = torch.rand(2, *shape, generator=generator, dtype=torch.float64)
    radius = (freedom * torch.expm1(-2 / freedom * (1 - u).log())).sqrt()    # 1 - u is never 0
    return (radius * (2 * math.pi * w).cos()).float()


def _floats(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
