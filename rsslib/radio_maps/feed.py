"""Batches that are part real, part drawn from radio maps, as network inputs."""

from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib.data import grid as grids
from rsslib.radio_maps.fed_recipe import FedRecipe
from rsslib.radio_maps.maps import Maps
from rsslib.radio_maps.simulation import Simulator


class Feed:
    """Yields the batches of an epoch: real samples, filled up with drawn ones.

    A drawn sample has the receivers of a random real one, and a transmitter in a random pixel of the map. After that,
    real and drawn samples go one way: gains, scaling to the receivers' ranges, dropout.
    Parameters: maps; dataset, checked measurements; samples, (samples,), indices; ranges, of the receivers; recipe.
    """

    def __init__(self, maps: Maps, dataset: xr.Dataset, samples: np.ndarray, ranges: grids.Scaling, recipe: FedRecipe):
        self.recipe, self.grid = recipe, maps.grid
        self.simulator = Simulator(maps, dataset, samples, recipe.spread)
        columns = self.simulator.columns
        drawn = grids.draw(dataset.isel(sample=samples), maps.grid, ranges)
        self.pixel = torch.from_numpy(drawn.pixel[:, columns])
        self.kind = torch.from_numpy(drawn.kind[:, columns])
        rss = dataset.rss.values[np.ix_(samples, columns)]
        self.rss = torch.from_numpy(np.nan_to_num(rss, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32))
        low, high = np.array([ranges[str(name)] for name in dataset.sensor.values[columns]]).T
        self.low, self.span = (torch.from_numpy(values.astype(np.float32)) for values in (low, high - low))
        place = maps.grid.to_pixels(*(axis[samples] for axis in grids.transmitters(dataset)))
        self.location = torch.from_numpy(np.stack(place, axis=1)).float()
        self.batches = max(1, 2 * len(samples) // recipe.batch_size)

    def __call__(self, share: float, generator: torch.Generator) -> Iterator[tuple[list[Tensor], Tensor]]:
        """Yield pixel, value and kind, (batch, sensors) each, and the locations, (batch, 2), column and row [pixels].

        A `share` of each batch is real, and comes first; the real samples are shuffled anew when all were met.
        """
        real = min(max(1, round(share * self.recipe.batch_size)), len(self.rss))
        simulated = round(real * (1 / share - 1))
        passes = -(-self.batches * real // len(self.rss))
        order = torch.cat([torch.randperm(len(self.rss), generator=generator) for _ in range(passes)])
        for chosen in order.split(real)[: self.batches]:
            template = torch.randint(len(self.rss), (simulated,), generator=generator)
            place = torch.randint(self.grid.width * self.grid.height, (simulated,), generator=generator)
            drawn = self.simulator.draw(template, place, generator, self.recipe.common_offset_db)
            centre = torch.stack([place % self.grid.width, place // self.grid.width], dim=1).float()
            sensors = self._sensors(torch.cat([chosen, template]), torch.cat([self.rss[chosen], drawn]), generator)
            yield sensors, torch.cat([self.location[chosen], centre])

    def _sensors(self, samples: Tensor, rss: Tensor, generator: torch.Generator) -> list[Tensor]:
        pixel = self.pixel[samples]
        if self.recipe.gain_db:
            rss = rss + self.recipe.gain_db * torch.randn(rss.shape[1], generator=generator)
        if self.recipe.sensor_dropout:
            dropped = torch.rand(pixel.shape, generator=generator) < self.recipe.sensor_dropout
            pixel = pixel.masked_fill(dropped, -1)
        value = ((rss - self.low) / self.span).clamp(min=0).masked_fill(pixel < 0, 0)
        return [pixel, value, self.kind[samples]]
