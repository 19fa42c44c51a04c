"""Two transmitters at once: a posterior over pairs of pixels, from sums of two radio maps.

Powers add. Where one transmitter alone would read mu_s(a) and the other mu_s(b), both read

    m = 10 log10(10^(mu_s(a) / 10) + 10^(mu_s(b) / 10) - 10^(f_s / 10)),    f_s the noise floor, which counts once,
    V = w^2 v_s(a) + (1 - w)^2 v_s(b) + sigma^2,    w the first one's share of the power,

and p(a, b | r) ~ prod_s t_nu(r_s; m, V), uniform over the pairs of candidate pixels. The evidence of two transmitters
against one is the mean of that product over all pairs by the mean of the same product over single pixels.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log

import numpy as np
import torch
import xarray as xr
from scipy.spatial import KDTree
from torch import Tensor

from rsslib.arguments import check_type, number, numbers, whole
from rsslib.data import index_sets, measurements, readings
from rsslib.project import InputError
from rsslib.radio_maps.maps import Maps

MOST = 4096
"""So many pairs of a sample, the most probable ones, stand for its posterior."""
MOST_PLACES = 3000
"""Candidates at the most: each receiver holds what it expects of all their pairs, 36 MB."""
ROUNDS = 100
"""So often the median pair is matched anew, unless it moves by less than 0.1 m."""
FARTHEST_M = 1e8
"""No place in a map projection has a larger coordinate [m]."""
NEAREST_M = 5.0
"""Pairs nearer to the median pair weigh no more than at this distance [m]."""


@dataclass(frozen=True)
class _Expected:
    """What a receiver is expected to read: mean [dB] and variance with the noise [dB^2], (hypotheses,)."""

    mean: Tensor
    variance: Tensor


class PairMaps:
    """Locates two transmitters, and says how probable it is that there are two, by sums of two radio maps.

    A receiver that moves has its path loss from where it is.
    Parameters: maps; places, (n, 2), easting and northing of training samples [m]; floors, noise floor by receiver
    [dB], such as its lowest reading in the training samples; step, every how many pixels a candidate lies; reach_m, how
    far from a training sample at most [m]. Errors: InputError for other arguments.

    >>> from rsslib.data import campus
    >>> from rsslib.radio_maps.localizer import RadioMaps
    >>> from rsslib.radio_maps.recipe import MapRecipe
    >>> dataset = campus.make(n_april=0, n_july=60, n_november=0)
    >>> maps = RadioMaps(MapRecipe(pixel_m=120.0)).fit(dataset).fitted()
    >>> places = np.stack([dataset.tx_x.values[:, 0], dataset.tx_y.values[:, 0]], axis=1)
    >>> two = PairMaps(maps, places, floors(dataset, range(60)), step=1)
    >>> two.located(dataset.isel(sample=[0, 1, 2]))[2].shape
    (3, 2, 2)
    """

    def __init__(self, maps: Maps, places: np.ndarray, floors: Mapping[str, float], step: int = 1,
                 reach_m: float = 90.0):
        check_type("pairs: maps", maps, Maps)
        step, reach_m = whole("pairs: step", step), number("pairs: reach_m", reach_m, 1e-3, 1e6, "metres")
        check_type("pairs: floors", floors, Mapping, "noise floors by receiver")
        places = numbers("pairs: places", places, 2, -FARTHEST_M, FARTHEST_M, "(samples, 2), finite metres")
        if places.shape[1] != 2 or not len(places):
            raise InputError(f"pairs: places is {places.shape}; expected (samples, 2), finite metres")
        self.maps = maps
        row, column = np.mgrid[:maps.grid.height:step, :maps.grid.width:step].reshape(2, -1)
        at = np.stack(maps.grid.to_metres(column, row), axis=1)
        near = KDTree(places).query(at)[0] <= reach_m
        if not 2 <= near.sum() <= MOST_PLACES:
            remedy = "smaller step or a larger" if near.sum() < 2 else "larger step or a shorter"
            raise InputError(f"pairs: {near.sum()} candidates lie within {reach_m:g} m of a training sample; expected "
                             f"2 to {MOST_PLACES}: take a {remedy} reach_m, or check the places")
        self.at = torch.from_numpy(at[near])
        self.pixel = torch.from_numpy((row * maps.grid.width + column)[near])
        self.first, self.second = torch.triu_indices(len(self.pixel), len(self.pixel))
        for name in maps.sensors:
            if name not in floors:
                raise InputError(f"pairs: floors has no {name!r}; expected every receiver with a map")
        self.floors = [number(f"pairs: floors of {name!r}", floors[name], -200, 60, "dB from -200 to 60")
                       for name in maps.sensors]
        self.still = {int(sensor): self._expected(int(sensor), *maps.home[sensor])
                      for sensor in np.flatnonzero(~maps.moves)}

    def _expected(self, sensor: int, x: float, y: float) -> tuple[_Expected, _Expected]:
        """Return what a receiver at x, y reads of one transmitter in each candidate, and of two in each pair."""
        noise, floor = float(self.maps.recipe.noise_db) ** 2, self.floors[sensor]
        mean, variance = (part[0].float()[self.pixel] for part in self.maps.moments(sensor, *np.array([[x], [y]])))
        power = 10 ** (mean / 10)
        one, other = power[self.first], power[self.second]
        share = one / (one + other)
        total = 10 * (one + other - 10 ** (floor / 10)).clamp(min=torch.maximum(one, other)).log10()
        spread = share ** 2 * variance[self.first] + (1 - share) ** 2 * variance[self.second]
        return _Expected(mean, variance + noise), _Expected(total, spread + noise)

    def located(self, dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the probability of two transmitters, (sample,), the place of one, (sample, 2), of two, (sample, 2, 2).

        One and two are equally probable beforehand. Places, easting and northing [m], are the posterior mean of one,
        and the pair with the least expected error, the root of the mean square of both distances in the better order:
        Weiszfeld's iteration over the MOST most probable pairs, from the first on, to a local minimum.
        Input: samples of measurements or sums of them, with rss, sensor_x and sensor_y over (sample, sensor). Errors:
        InputError without these, for readings outside of -200..60 dB or without a possible place, for a receiver that
        stands twice. Source: Weiszfeld, Sur le point pour lequel la somme des distances de n points donnes est minimum,
        1937.
        """
        check_type("pairs: dataset", dataset, xr.Dataset)
        for name in ("rss", "sensor_x", "sensor_y"):
            if name not in dataset or dataset[name].dims != ("sample", "sensor") or dataset[name].dtype.kind != "f":
                raise InputError(f"pairs: the data set has no numbers {name!r} over (sample, sensor); expected "
                                 "measurements")
        columns = self.maps.columns(dataset)[0]
        rss, *at = (dataset[name].values[:, columns] for name in ("rss", "sensor_x", "sensor_y"))
        if not rss.size:
            raise InputError(f"pairs: {len(rss)} samples of {len(columns)} receivers with a map; expected one or more "
                             "of each: check the receivers' names")
        readings.check_range(rss, "pairs")
        if len({*dataset.sensor.values[columns].tolist()}) < len(columns):
            raise InputError("pairs: a receiver stands twice in the data set; expected each once")
        if (np.isfinite(rss) & ~(np.abs(at) <= FARTHEST_M).all(axis=0)).any():
            raise InputError("pairs: a receiver with a reading has no place, or an impossible one; expected sensor_x "
                             "and sensor_y [m]")
        probability, one, two = zip(*self._located(dataset))
        return np.array(probability), np.stack(one), np.stack(two)

    def _located(self, dataset: xr.Dataset) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
        columns, numbers = self.maps.columns(dataset)
        for rss, x, y in zip(*(dataset[name].values[:, columns] for name in ("rss", "sensor_x", "sensor_y"))):
            one, two = torch.zeros(len(self.pixel)), torch.zeros(len(self.first))
            for column in np.flatnonzero(np.isfinite(rss)):
                sensor = int(numbers[column])
                expected = self.still.get(sensor) or self._expected(sensor, x[column], y[column])
                for total, each in zip((one, two), expected):
                    total += self._log_density(float(rss[column]), each)
            odds = two.logsumexp(0) - log(len(two)) - one.logsumexp(0) + log(len(one))
            yield float(odds.sigmoid()), (one.double().softmax(0) @ self.at).numpy(), self._median_pair(two)

    def _log_density(self, value: float, of: _Expected) -> Tensor:
        nu = float(self.maps.recipe.freedom)    # the density's constant is the same for one and for two
        return -((value - of.mean).square() / (nu * of.variance)).log1p().mul_((nu + 1) / 2) - of.variance.log() / 2

    def _median_pair(self, log_likelihood: Tensor) -> np.ndarray:
        value, best = log_likelihood.topk(min(MOST, len(log_likelihood)))
        weight = value.double().softmax(0)
        pairs = torch.stack([self.at[self.first[best]], self.at[self.second[best]]], dim=1)
        middle, distance = pairs[0], torch.ones(())    # so that the first round takes the mean
        for _ in range(ROUNDS):
            ordered = _in_order(pairs, middle)
            share = weight / distance
            before, middle = middle, torch.tensordot(share / share.sum(), ordered, 1)
            if (middle - before).norm() < 0.1:
                break
            distance = (_in_order(pairs, middle) - middle).flatten(1).norm(dim=1).clamp(min=NEAREST_M)
        return middle.numpy()


def _in_order(pairs: Tensor, middle: Tensor) -> Tensor:
    """Return each of the pairs, (n, 2, 2), in the order that lies nearer to a pair."""
    swapped = pairs.flip(1)
    nearer = (swapped - middle).square().sum((1, 2)) < (pairs - middle).square().sum((1, 2))
    return torch.where(nearer[:, None, None], swapped, pairs)


def floors(dataset: xr.Dataset, samples: np.ndarray) -> dict[str, float]:
    """Return the lowest reading of each receiver that heard one of the samples, indices [dB]."""
    size = measurements.validate(dataset, "pairs: the measurements").sizes["sample"]
    samples = index_sets.indices(samples, size, "pairs: samples", repeated=True)
    rss = dataset.rss.values[samples].astype(np.float64)
    lowest = np.where(np.isfinite(rss), rss, np.inf).min(axis=0)
    return {str(name): float(value) for name, value in zip(dataset.sensor.values, lowest) if np.isfinite(value)}
