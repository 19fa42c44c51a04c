"""Ensembles of localization networks: recipe, prediction images, training."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib import files
from rsslib.arguments import check_type
from rsslib.data import grid as grids
from rsslib.data import index_sets, measurements, splits
from rsslib.learning import checkpoint
from rsslib.learning import recipe as recipes
from rsslib.learning.devices import PRECISIONS, autocast, choose_device, choose_precision, side_by_side
from rsslib.learning.optimizers import SCHEDULES, Optimizer
from rsslib.learning.trainer import Trainer
from rsslib.localization import predictions
from rsslib.localization.losses import LOSSES, step
from rsslib.localization.networks import NETWORKS, SensorNet
from rsslib.project import InputError, write_json

_CHOICES: dict[str, Collection[str]] = {"loss": LOSSES, "network": NETWORKS, "schedule": SCHEDULES,
                                         "precision": PRECISIONS}
_RULES: dict[str, recipes.Rule] = {
    **dict.fromkeys(("epochs", "patience", "batch_size", "validate_every"), recipes.COUNT),
    **dict.fromkeys(("learning_rate", "pixel_m"), recipes.RATE), "weight_decay": recipes.WEIGHT,
    "members": recipes.MEMBERS, "threads": recipes.THREADS, "seed": recipes.SEED,
    "output_bias": ((*recipes.NUMBER, type(None)), "None, or a number from -1000 to 1000",
                    lambda value: value is None or -1000 <= value <= 1000),
    "sensor_dropout": (recipes.NUMBER, "a share from 0 to below 1", lambda value: 0 <= value < 1)}


@dataclass(frozen=True)
class Recipe:
    """Settings of an ensemble and its training; the defaults are the paper's.

    loss, network : names in LOSSES and NETWORKS
    members : number of networks, which differ in their initial weights and the permutation of their batches
    epochs : the maximum; patience : epochs without a better mean validation error after which training stops
    batch_size, learning_rate, weight_decay : of AdamW (with weight_decay 0 the paper's Adam)
    schedule : "constant", or "one_cycle" up to learning_rate and down to 0 over `epochs` (Smith 2018)
    validate_every : epochs between validations
    output_bias : initial bias of the last layer, None for a random one (see SensorNet)
    sensor_dropout : share of the readings dropped at random from each training batch (the paper: 0)
    pixel_m : side of a pixel [m]
    precision : "float32", "bfloat16", or "auto" for bfloat16 where the processor supports it
    seed, threads : equal values of both give equal weights on equal CPUs; threads, of each network: on a CPU as many
        networks train at a time as there are cores for them

    Errors: InputError naming the setting.

    >>> Recipe(loss="com").decoder
    'com'
    """

    loss: str = "emd"
    network: str = "unet"
    members: int = 5
    epochs: int = 2000
    patience: int = 200
    batch_size: int = 64
    learning_rate: float = 5e-4
    weight_decay: float = 0.0
    schedule: str = "constant"
    validate_every: int = 1
    output_bias: float | None = None
    sensor_dropout: float = 0.0
    pixel_m: float = 30.0
    precision: str = "auto"
    seed: int = 0
    threads: int = 1

    def __post_init__(self):
        recipes.check(self, _RULES, _CHOICES)
        if self.patience < self.validate_every:
            raise InputError(f"recipe: patience is {self.patience}; expected at least validate_every "
                             f"({self.validate_every}), or training stops before the first validation")

    @property
    def decoder(self) -> str:
        """How an image is decoded to a location: "com" for the CoM loss, else "argmax"."""
        return "com" if self.loss == "com" else "argmax"


class Samples:
    """The samples of a dataset as network inputs on one device, with their locations (samples, 2), column and row."""

    def __init__(self, dataset: xr.Dataset, grid: grids.Grid, ranges: grids.Scaling, device: torch.device):
        self.grid = grid
        drawn = grids.draw(dataset, grid, ranges)
        self.sensors = [torch.from_numpy(values).to(device) for values in (drawn.pixel, drawn.value, drawn.kind)]
        column, row = grid.to_pixels(*grids.transmitters(dataset))
        self.location = torch.from_numpy(np.stack([column, row], axis=1)).float().to(device)

    def batch(self, chosen: Tensor) -> list[Tensor]:
        """Return pixel, value and kind of the samples `chosen`, each (batch, sensors)."""
        return [tensor[chosen] for tensor in self.sensors]


class Ensemble:
    """The networks of one recipe on one grid."""

    def __init__(self, recipe: Recipe, grid: grids.Grid, device: torch.device):
        self.recipe, self.grid, self.device = recipe, grid, device
        self.dtype = choose_precision(recipe.precision, device)
        self.members = [self._member(number) for number in range(recipe.members)]

    def _member(self, number: int) -> SensorNet:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1000 * self.recipe.seed + number)
            net = SensorNet(self.grid.shape, self.recipe.network, self.recipe.output_bias)
        return net.to(self.device).to(memory_format=torch.channels_last)

    def __call__(self, member: int, sensors: list[Tensor]) -> Tensor:
        """Return one member's images of a batch, (batch, height, width)."""
        with autocast(self.device, self.dtype):
            return self.members[member](*sensors)

    def images(self, samples: Samples, chosen: np.ndarray, members: Sequence[int] | None = None,
               batch: int = 256) -> Iterator[Tensor]:
        """Yield the images of the samples `chosen` in batches, (batch, members, height, width)."""
        numbers = range(len(self.members)) if members is None else members
        for number in numbers:
            self.members[number].eval()
        for part in torch.from_numpy(np.asarray(chosen)).to(self.device).split(batch):
            sensors = samples.batch(part)
            images = side_by_side(partial(self._image, sensors), numbers, self.device)
            yield torch.stack(images, dim=1)

    @torch.no_grad()
    def _image(self, sensors: list[Tensor], member: int) -> Tensor:
        return self(member, sensors)

    def describe(self, samples: Samples, chosen: np.ndarray,
                 members: Sequence[int] | None = None) -> dict[str, np.ndarray]:
        """Return `predictions.describe` of the samples `chosen`."""
        parts = [predictions.describe(images, self.grid, self.recipe.decoder)
                 for images in self.images(samples, chosen, members)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def attrs(self) -> dict:
        """Return recipe, grid and environment of this ensemble, for the attributes of a predictions file."""
        values = {key: "none" if value is None else value for key, value in asdict(self.recipe).items()}
        return values | asdict(self.grid) | {
            "device": self.device.type, "computed_in": str(self.dtype).removeprefix("torch."),
            "torch": torch.__version__}


class EnsembleTrainer(Trainer):
    """Trains an ensemble on the set `train` and keeps the epoch with the lowest mean error on `val`.

    The members are independent trainings, as in the paper, with a common stopping time.

    Parameters: dataset (measurements); sets, index sets with `train` and `val` (None: the Random split); recipe; path,
    of the checkpoint (see `Trainer.fit`); watch, further sets whose errors with the first member alone go into the
    history (for the training curves) and have no influence on training; device.

    Errors: those of `measurements.validate` and `index_sets.checked`; InputError for an unknown location in `train`,
    `val` or `watch`, or a training that diverges.
    Source: paper 1, Section III.C.
    """

    def __init__(self, dataset: xr.Dataset, sets: Mapping[str, np.ndarray] | None, recipe: Recipe,
                 path: str | Path | None = None, watch: Sequence[str] = (), device: str = "auto"):
        check_type("recipe", recipe, Recipe)
        measurements.validate(dataset, "the data set to fit")
        sets = _checked(dataset, splits.drawn(dataset, "random") if sets is None else sets, watch)
        torch.set_num_threads(recipe.threads)
        self.recipe, self.sets, self.watch, self.dataset = recipe, sets, watch, dataset
        self.ranges = grids.scaling(dataset, sets["train"])
        self.ensemble = Ensemble(recipe, grids.covering(dataset, recipe.pixel_m), choose_device(device))
        self.samples = Samples(dataset, self.ensemble.grid, self.ranges, self.ensemble.device)
        # BatchNorm needs two samples or more: the last, short batch of an epoch is dropped
        self.batch_size = min(recipe.batch_size, len(sets["train"]))
        self.batches = len(sets["train"]) // self.batch_size
        members = self.ensemble.members
        optimizers = [Optimizer(member, recipe.epochs * self.batches, recipe.learning_rate, recipe.weight_decay,
                                recipe.schedule, rising=0.25, cycle_momentum=True) for member in members]
        seeds = [1000 * recipe.seed + number for number in range(len(members))]
        super().__init__(f"{recipe.loss} x{recipe.members}", members, optimizers, seeds, recipe.epochs,
                         recipe.patience, recipe.validate_every, path)

    def batch_losses(self, number: int) -> Iterator[Tensor]:
        """Yield the loss of each batch in one epoch of a member, in a new permutation of the samples."""
        train, generator = self.sets["train"], self.generators[number]
        permuted = torch.from_numpy(train)[torch.randperm(len(train), generator=generator)]
        for chosen in permuted.to(self.ensemble.device).split(self.batch_size)[: self.batches]:
            images = self.ensemble(number, self._drop(self.samples.batch(chosen), generator))
            yield step(self.recipe.loss, images, self.samples.location[chosen], generator)

    def validate(self) -> tuple[float, dict]:
        """Return the mean error on `val` [m], and the values for the history."""
        errors = self._errors(self.sets["val"])
        record = {"val_mean_m": float(errors.mean()), "val_median_m": float(np.median(errors))}
        for name in self.watch:
            chosen = self.sets[name]
            if name == "train" and len(chosen) > len(errors):
                # as many as in `val`, evenly spaced, since the samples are in order of time
                chosen = chosen[np.linspace(0, len(chosen) - 1, len(errors)).astype(int)]
            # one network, as in Figure 5
            record[f"{name}_single_median_m"] = float(np.median(self._errors(chosen, [0])))
        return record["val_mean_m"], record

    def key(self) -> str:
        """Return the key that identifies this training: code, recipe, sets, data, device and precision."""
        used = {name: self.sets[name] for name in ("train", "val", *self.watch)}
        return checkpoint.key(__name__, asdict(self.recipe), used, files.digest(self.dataset),
                              self.ensemble.device.type, str(self.ensemble.dtype))

    def write_history(self, path: str | Path) -> Path:
        """Write the history of the validated epochs as JSON."""
        return write_json(path, {"epochs": self.history})

    def _drop(self, sensors: list[Tensor], generator: torch.Generator) -> list[Tensor]:
        """Drop a random share of the readings, as if those receivers had heard nothing."""
        if not self.recipe.sensor_dropout:
            return sensors
        pixel, value, kind = sensors
        dropped = torch.rand(pixel.shape, generator=generator) < self.recipe.sensor_dropout
        return [pixel.masked_fill(dropped.to(pixel.device), -1), value, kind]

    def _errors(self, chosen: np.ndarray, members: Sequence[int] | None = None) -> np.ndarray:
        located = self.ensemble.describe(self.samples, chosen, members)
        true_x, true_y = grids.transmitters(self.dataset)
        return np.hypot(located["x_hat"] - true_x[chosen], located["y_hat"] - true_y[chosen])


def _checked(dataset: xr.Dataset, sets: Mapping[str, np.ndarray], watch: Sequence[str]) -> dict[str, np.ndarray]:
    if not isinstance(watch, (list, tuple)) or not all(isinstance(name, str) for name in watch):
        raise InputError(f"fit: watch is {watch!r}; expected a list of names of sets")
    found = index_sets.checked(sets, dataset.sizes["sample"], "fit", needed=("train", "val", *watch))
    for name in ("train", "val", *watch):
        unknown = np.isnan(grids.transmitters(dataset)[0][found[name]])
        if unknown.any():
            raise InputError(f"fit: sample {found[name][unknown.argmax()]} of the set {name!r} has no known "
                             f"transmitter location ({unknown.sum()} of {len(unknown)} samples); leave it out")
    return found
