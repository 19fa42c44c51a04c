"""An ensemble of localization networks: the recipe, the images it draws, its training."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib.data import grid as grids
from rsslib.learning import checkpoint, recipe
from rsslib.learning.devices import PRECISIONS, autocast, choose_device, choose_precision
from rsslib.learning.optimizers import SCHEDULES, Optimizer
from rsslib.learning.trainer import Trainer
from rsslib.localization import predictions
from rsslib.localization.losses import LOSSES
from rsslib.localization.networks import NETWORKS, SensorNet
from rsslib.project import InputError, write_json

_CHOICES: dict[str, Collection[str]] = {"loss": LOSSES, "network": NETWORKS, "schedule": SCHEDULES,
                                         "precision": PRECISIONS}
_RULES: dict[str, recipe.Rule] = {
    **dict.fromkeys(("members", "epochs", "patience", "batch_size", "validate_every", "threads"), recipe.COUNT),
    **dict.fromkeys(("learning_rate", "pixel_m"), recipe.RATE), "weight_decay": recipe.WEIGHT, "seed": recipe.SEED,
    "sensor_dropout": (recipe.NUMBER, "a share from 0 to below 1", lambda value: 0 <= value < 1)}


@dataclass(frozen=True)
class Recipe:
    """How an ensemble is made; the defaults are the paper's.

    loss, network : names in LOSSES and NETWORKS
    members : networks, alike but for their first weights and the sequence of their batches
    epochs : at most so many; patience, epochs without a better validation mean after which training stops
    batch_size, learning_rate, weight_decay : of AdamW (which at weight_decay 0 is the paper's Adam)
    schedule : "constant", or "one_cycle" up to learning_rate and down to 0 over `epochs` (Smith 2018)
    validate_every : epochs between validations
    output_bias : where the last bias starts, None = as drawn (see SensorNet)
    sensor_dropout : share of the readings left out of each training batch, drawn anew (the paper: 0)
    precision : "float32", "bfloat16", or "auto", which takes bfloat16 where the processor computes in it
    seed, threads : with the same of both a CPU gives the same weights

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
    threads: int = 2

    def __post_init__(self):
        recipe.check(self, _RULES, _CHOICES)
        if self.patience < self.validate_every:
            raise InputError(f"recipe: patience is {self.patience}; expected at least validate_every "
                             f"({self.validate_every}), or training stops before it is first validated")

    @property
    def decoder(self) -> str:
        """How a location is read off an image: "com" for CoM, "argmax" for the target-image losses."""
        return "com" if self.loss == "com" else "argmax"


class Samples:
    """All samples of a data set as the networks see them, on one device; `location` is (n, 2), column and row."""

    def __init__(self, dataset: xr.Dataset, grid: grids.Grid, ranges: grids.Scaling, device: torch.device):
        self.grid = grid
        drawn = grids.draw(dataset, grid, ranges)
        self.sensors = [torch.from_numpy(values).to(device) for values in (drawn.pixel, drawn.value, drawn.kind)]
        column, row = grid.to_pixels(*grids.transmitters(dataset))
        self.location = torch.from_numpy(np.stack([column, row], axis=1)).float().to(device)

    def batch(self, chosen: Tensor) -> list[Tensor]:
        """Return pixel, value and kind of the samples chosen."""
        return [tensor[chosen] for tensor in self.sensors]


class Ensemble:
    """Networks of one recipe on one grid."""

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

    @torch.no_grad()
    def images(self, samples: Samples, chosen: np.ndarray, members: Sequence[int] | None = None,
               batch: int = 256) -> Iterator[Tensor]:
        """Yield the images of the samples `chosen`, (batch, members, height, width) at a time."""
        numbers = range(len(self.members)) if members is None else members
        for number in numbers:
            self.members[number].eval()
        for part in torch.from_numpy(np.asarray(chosen)).to(self.device).split(batch):
            sensors = samples.batch(part)
            yield torch.stack([self(number, sensors) for number in numbers], dim=1)

    def describe(self, samples: Samples, chosen: np.ndarray,
                 members: Sequence[int] | None = None) -> dict[str, np.ndarray]:
        """Return `predictions.describe` of the samples `chosen`."""
        parts = [predictions.describe(images, self.grid, self.recipe.decoder)
                 for images in self.images(samples, chosen, members)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def attrs(self) -> dict:
        """Return what made this ensemble, for the attributes of a predictions file."""
        values = {key: "none" if value is None else value for key, value in asdict(self.recipe).items()}
        made = {"device": self.device.type, "computed_in": str(self.dtype).removeprefix("torch."),
                "torch": torch.__version__}
        return values | asdict(self.grid) | made


class EnsembleTrainer(Trainer):
    """Trains an ensemble on the set `train` and keeps the epoch with the lowest mean error on `val`.

    The members are separate trainings (the paper's text) that share one stopping time.

    Parameters: dataset (measurements), sets (index sets with `train` and `val`), recipe; path, of the checkpoint; watch,
    further sets whose error is written into the history of the first member (for the training curves) and touches
    nothing else.

    Errors: InputError for an empty `train`, `val` or watched set, an unknown location, or a training that diverges.
    Source: paper 1, Section III.C.
    """

    def __init__(self, dataset: xr.Dataset, sets: Mapping[str, np.ndarray], recipe: Recipe,
                 path: str | Path | None = None, watch: tuple[str, ...] = (), device: str = "auto"):
        _check_sets(dataset, sets, watch)
        torch.set_num_threads(recipe.threads)
        self.recipe, self.sets, self.watch, self.dataset = recipe, sets, watch, dataset
        self.ranges = grids.scaling(dataset, sets["train"])
        self.ensemble = Ensemble(recipe, grids.make(dataset, recipe.pixel_m), choose_device(device))
        self.samples = Samples(dataset, self.ensemble.grid, self.ranges, self.ensemble.device)
        # BatchNorm needs two samples: the last, short batch of an epoch is left out
        self.batch_size = min(recipe.batch_size, len(sets["train"]))
        self.batches = len(sets["train"]) // self.batch_size
        members = self.ensemble.members
        optimizers = [Optimizer(member, recipe.epochs * self.batches, recipe.learning_rate, recipe.weight_decay,
                                recipe.schedule, rising=0.25, cycle_momentum=True) for member in members]
        seeds = [1000 * recipe.seed + number for number in range(len(members))]
        super().__init__(f"{recipe.loss} x{recipe.members}", members, optimizers, seeds, recipe.epochs,
                         recipe.patience, recipe.validate_every, path)

    def batch_losses(self, number: int) -> Iterator[Tensor]:
        """Yield the loss of each batch of one member's epoch, in a new sequence of the samples."""
        train, generator = self.sets["train"], self.generators[number]
        sequence = torch.from_numpy(train)[torch.randperm(len(train), generator=generator)]
        for chosen in sequence.to(self.ensemble.device).split(self.batch_size)[: self.batches]:
            images = self.ensemble(number, self._drop(self.samples.batch(chosen), generator))
            yield LOSSES[self.recipe.loss](images, self.samples.location[chosen])

    def validate(self) -> tuple[float, dict]:
        """Return the mean error on `val` [m], and the errors that the history records."""
        errors = self._errors(self.sets["val"])
        record = {"val_mean_m": float(errors.mean()), "val_median_m": float(np.median(errors))}
        for name in self.watch:
            chosen = self.sets[name]
            if name == "train" and len(chosen) > len(errors):
                # as many as there are to validate on, spread evenly: the samples lie in order of time
                chosen = chosen[np.linspace(0, len(chosen) - 1, len(errors)).astype(int)]
            # one network, as in Figure 5
            record[f"{name}_single_median_m"] = float(np.median(self._errors(chosen, [0])))
        return record["val_mean_m"], record

    def key(self) -> str:
        """Name this training by its code, recipe, sets and data."""
        sets = {name: np.asarray(chosen).tolist() for name, chosen in self.sets.items()}
        sums = [float(values.sum()) for values in self.dataset.data_vars.values()]
        return checkpoint.key(__name__, self.watch, asdict(self.recipe), sets, self.dataset.attrs.get("md5", ""), sums)

    def write_history(self, path: str | Path) -> Path:
        """Write the validated epochs as JSON, whole."""
        return write_json(path, {"epochs": self.history})

    def _drop(self, sensors: list[Tensor], generator: torch.Generator) -> list[Tensor]:
        """Leave out a random share of the readings, as if those receivers had not heard anything."""
        if not self.recipe.sensor_dropout:
            return sensors
        pixel, value, kind = sensors
        lost = torch.rand(pixel.shape, generator=generator) < self.recipe.sensor_dropout
        return [pixel.masked_fill(lost.to(pixel.device), -1), value, kind]

    def _errors(self, chosen: np.ndarray, members: Sequence[int] | None = None) -> np.ndarray:
        located = self.ensemble.describe(self.samples, chosen, members)
        true_x, true_y = grids.transmitters(self.dataset)
        return np.hypot(located["x_hat"] - true_x[chosen], located["y_hat"] - true_y[chosen])


def _check_sets(dataset: xr.Dataset, sets: Mapping[str, np.ndarray], watch: tuple[str, ...]) -> None:
    for name in ("train", "val", *watch):
        if not len(sets.get(name, ())):
            raise InputError(f"training: the set {name!r} is empty; expected at least one sample")
    for name in ("train", "val"):
        unknown = np.isnan(grids.transmitters(dataset)[0][sets[name]])
        if unknown.any():
            raise InputError(f"training: sample {sets[name][unknown.argmax()]} of the set {name!r} has no known "
                             "transmitter location; leave it out")
