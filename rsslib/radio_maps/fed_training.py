"""Networks fed by radio maps: their images are posteriors, and the training on real and on drawn samples."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib import files
from rsslib.data import grid as grids
from rsslib.learning import checkpoint
from rsslib.learning.devices import autocast, choose_precision, side_by_side
from rsslib.learning.optimizers import Optimizer
from rsslib.learning.trainer import Trainer
from rsslib.localization.losses import step
from rsslib.localization.networks import SensorNet
from rsslib.radio_maps import decoders, products
from rsslib.radio_maps.fed_recipe import FedRecipe
from rsslib.radio_maps.feed import Feed
from rsslib.radio_maps.maps import Maps

BATCH = 256
"""Samples that are localized together in the validation."""


class PosteriorNet(SensorNet):
    """A SensorNet with a softmax over the pixels in place of the sigmoid.

    >>> net = PosteriorNet((16, 24)).eval()
    >>> log_p = net(torch.tensor([[5]]), torch.tensor([[0.5]]), torch.tensor([[0]]))
    >>> log_p.shape, round(log_p.exp().sum().item(), 3)
    (torch.Size([1, 16, 24]), 1.0)
    """

    def forward(self, pixel: Tensor, value: Tensor, kind: Tensor) -> Tensor:
        """Return the log posteriors, (batch, height, width); see `SensorNet`."""
        image = self.draw(pixel, value, kind).contiguous(memory_format=torch.channels_last)
        return self.network(image).float().flatten(1).log_softmax(1).unflatten(1, self.draw.shape)


class FedNetworks:
    """The networks of one recipe on one grid; visited, the pixels of training samples, row * width + column."""

    def __init__(self, recipe: FedRecipe, grid: grids.Grid, device: torch.device, visited: np.ndarray):
        self.recipe, self.grid, self.device, self.visited = recipe, grid, device, visited
        self.dtype = choose_precision(recipe.precision, device)
        self.members = [self._member(number) for number in range(len(recipe.real_shares))]

    def _member(self, number: int) -> PosteriorNet:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1000 * self.recipe.seed + number)
            net = PosteriorNet(self.grid.shape, self.recipe.network)
        return net.to(self.device).to(memory_format=torch.channels_last)

    def __call__(self, member: int, sensors: list[Tensor]) -> Tensor:
        """Return one member's log posteriors of a batch, (batch, height, width)."""
        with autocast(self.device, self.dtype):
            return self.members[member](*(tensor.to(self.device) for tensor in sensors))

    def drawn(self, dataset: xr.Dataset, ranges: grids.Scaling) -> list[Tensor]:
        """Return pixel, value and kind of all samples of a data set, each (samples, sensors)."""
        drawn = grids.draw(dataset, self.grid, ranges)
        return [torch.from_numpy(values) for values in (drawn.pixel, drawn.value, drawn.kind)]

    def log_posteriors(self, drawn: list[Tensor], samples: np.ndarray) -> Tensor:
        """Return the members' log posteriors of the samples, (batch, members, height, width), on the CPU."""
        sensors = [tensor[torch.from_numpy(samples)] for tensor in drawn]
        for member in self.members:
            member.eval()
        found = side_by_side(partial(self._log_posterior, sensors), range(len(self.members)), self.device)
        return torch.stack(found, dim=1).cpu()

    def together(self, members: Tensor) -> Tensor:
        """Return the log posterior that all members give, (batch, height, width); see `products.handed_over`."""
        visited = torch.zeros(self.grid.height * self.grid.width, dtype=torch.bool)
        visited[torch.from_numpy(self.visited)] = True
        near = [share > 0.5 for share in self.recipe.real_shares]
        return products.handed_over(members, near, visited.view(self.grid.shape))

    @torch.no_grad()
    def _log_posterior(self, sensors: list[Tensor], member: int) -> Tensor:
        return self(member, sensors)


def visited(dataset: xr.Dataset, samples: np.ndarray, grid: grids.Grid) -> np.ndarray:
    """Return the pixels of the transmitters of samples, row * width + column, rising."""
    column, row = (np.round(axis).astype(np.int64) for axis in grid.to_pixels(
        *(axis[samples] for axis in grids.transmitters(dataset))))
    return np.unique(row * grid.width + column)


def cross_entropy(log_posterior: Tensor, location: Tensor, width: float) -> Tensor:
    """Return the mean of -sum q log p, q a Gaussian of `width` pixels about the location, with the sum 1.

    Input: log_posterior, (batch, height, width); location, (batch, 2), column and row, not rounded.

    >>> uniform = torch.full((1, 4, 5), 1 / 20).log()
    >>> cross_entropy(uniform, torch.tensor([[2.2, 1.0]]), 0.7).exp().round(decimals=3)
    tensor(20.)
    """
    across, along = (
        (-(torch.arange(size, device=location.device) - location[:, axis, None]).square() / (2 * width ** 2)).softmax(1)
        for axis, size in enumerate(log_posterior.shape[:0:-1]))
    return -((log_posterior @ across[:, :, None])[..., 0] * along).sum(1).mean()


class FedTrainer(Trainer):
    """Trains networks on real samples of the set `train` and on samples drawn from its maps.

    Nothing is chosen on `val`: the weights are those of the last epoch, where the learning rate is 0. Its error by the
    posterior median goes into the history.
    Parameters: dataset and sets, checked; maps, of `train`; recipe; device; path, of the checkpoint.
    Errors: InputError for a training that diverges.
    """

    def __init__(self, dataset: xr.Dataset, sets: Mapping[str, np.ndarray], maps: Maps, recipe: FedRecipe,
                 device: torch.device, path: str | Path | None = None):
        torch.set_num_threads(recipe.threads)
        self.recipe, self.sets, self.dataset = recipe, sets, dataset
        self.ranges = grids.scaling(dataset, sets["train"])
        self.nets = FedNetworks(recipe, maps.grid, device, visited(dataset, sets["train"], maps.grid))
        self.feed = Feed(maps, dataset, sets["train"], self.ranges, recipe)
        epochs = max(recipe.epochs, -(-recipe.least_steps // self.feed.batches))
        optimizers = [Optimizer(member, epochs * self.feed.batches, recipe.learning_rate, recipe.weight_decay,
                                "one_cycle", rising=0.25, cycle_momentum=True) for member in self.nets.members]
        seeds = [1000 * recipe.seed + number for number in range(len(recipe.real_shares))]
        super().__init__(f"fed x{len(recipe.real_shares)}", self.nets.members, optimizers, seeds, epochs,
                         validate_every=epochs, path=path)

    def batch_losses(self, number: int) -> Iterator[Tensor]:
        """Yield the loss of each batch in one epoch of a member."""
        for sensors, location in self.feed(self.recipe.real_shares[number], self.generators[number]):
            log_posterior, location = self.nets(number, sensors), location.to(self.nets.device)
            if self.recipe.loss == "emd":
                yield step("emd", log_posterior.exp(), location, self.generators[number])
            else:
                yield cross_entropy(log_posterior, location, self.recipe.target_px)

    def validate(self) -> tuple[float, dict]:
        """Return the mean error on `val` [m], and the values for the history."""
        drawn, (true_x, true_y) = self.nets.drawn(self.dataset, self.ranges), grids.transmitters(self.dataset)
        errors = []
        for batch in np.array_split(self.sets["val"], -(-len(self.sets["val"]) // BATCH)):
            posterior = self.nets.together(self.nets.log_posteriors(drawn, batch)).exp()
            x, y = decoders.decode(posterior, self.nets.grid, "median")
            errors.append(np.hypot(x.numpy() - true_x[batch], y.numpy() - true_y[batch]))
        found = np.concatenate(errors)
        return float(found.mean()), {"val_mean_m": float(found.mean()), "val_median_m": float(np.median(found))}

    def key(self) -> str:
        """Return the key that identifies this training: code, recipe, sets, data, device and precision."""
        used = {name: self.sets[name] for name in ("train", "val")}
        return checkpoint.key(__name__, asdict(self.recipe), used, files.digest(self.dataset), self.nets.device.type,
                              str(self.nets.dtype))
