"""An ensemble of localization networks: what it is made by, and the images it gives."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib.data import grid as grids
from rsslib.localization import losses, predictions
from rsslib.localization.networks import NETWORKS, SensorNet
from rsslib.project import InputError

PRECISIONS = ("auto", "bfloat16", "float32")
SCHEDULES = ("constant", "one_cycle")


@dataclass(frozen=True)
class Recipe:
    """How an ensemble is made; the defaults are the paper's.

    loss, network : names in LOSSES and NETWORKS
    members : networks, alike but for their first weights and the order of their batches
    epochs : at most so many; patience, epochs without a better validation mean after which training stops
    batch_size, learning_rate, weight_decay : of AdamW (which at weight_decay 0 is the paper's Adam)
    schedule : "constant", or "one_cycle" up to learning_rate and down to 0 over `epochs` (Smith 2018)
    validate_every : epochs between validations
    output_bias : where the last bias starts, None = as drawn (see SensorNet)
    sensor_dropout : share of the readings left out of each training batch, drawn anew (the paper: 0)
    collision : what stands in a pixel with several receivers (see grid.draw)
    precision : "float32", "bfloat16", or "auto", which takes bfloat16 where the processor computes in it
    seed, threads : with the same of both a CPU gives the same weights
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
    collision: str = "last"
    precision: str = "auto"
    seed: int = 0
    threads: int = 2

    def __post_init__(self):
        known = {"loss": losses.LOSSES, "network": NETWORKS, "schedule": SCHEDULES, "precision": PRECISIONS,
                 "collision": grids.COLLISIONS}
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise InputError(f"recipe: {name} is {getattr(self, name)!r}; expected one of {', '.join(values)}")
        for name in ("members", "epochs", "patience", "batch_size", "validate_every", "threads"):
            self._need(name, int, "a whole number above 0", lambda value: value > 0)
        for name in ("learning_rate", "pixel_m"):
            self._need(name, (int, float), "a number above 0", lambda value: value > 0)
        self._need("weight_decay", (int, float), "a number, at least 0", lambda value: value >= 0)
        self._need("seed", int, "a whole number, at least 0", lambda value: value >= 0)
        self._need("sensor_dropout", (int, float), "a share from 0 to below 1", lambda value: 0 <= value < 1)
        if self.patience < self.validate_every:
            raise InputError(f"recipe: patience is {self.patience}; expected at least validate_every "
                             f"({self.validate_every}), or training stops before it is first validated")

    def _need(self, name: str, kind, expected: str, right) -> None:
        value = getattr(self, name)
        if not isinstance(value, kind) or isinstance(value, bool) or not right(value):
            hint = "; YAML reads 5e-4 as text, write 5.0e-4" if isinstance(value, str) else ""
            raise InputError(f"recipe: {name} is {value!r}; expected {expected}{hint}")

    @property
    def decoder(self) -> str:
        """How a location is read off an image: "com" for CoM, "argmax" for the target-image losses."""
        return "com" if self.loss == "com" else "argmax"


def choose_device(name: str = "auto") -> torch.device:
    """Return the device: "auto" is CUDA where there is one, else the CPU. Raises InputError for one not here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"device {name!r} cannot be used here ({reason}); expected auto, cpu or cuda") from None
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Return float32 or bfloat16; "auto" is bfloat16 on CUDA and on CPUs with such instructions."""
    if name != "auto":
        return getattr(torch, name)
    has = torch.cpu.get_capabilities()
    fast = device.type == "cuda" or has.get("avx512_bf16", False) or has.get("amx_bf16", False)
    return torch.bfloat16 if fast else torch.float32


class Samples:
    """All samples of a data set as the networks see them, on one device; `location` is (n, 2), column and row."""

    def __init__(self, dataset: xr.Dataset, grid: grids.Grid, drawn: grids.SensorPixels, device: torch.device):
        self.grid = grid
        self.sensors = [torch.from_numpy(v).to(device) for v in (drawn.pixel, drawn.value, drawn.kind)]
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
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return self.members[member](*sensors)

    @torch.no_grad()
    def images(self, samples: Samples, chosen: np.ndarray, members=None, batch: int = 256) -> Iterator[Tensor]:
        """Yield the images of the samples `chosen`, (batch, members, height, width) at a time."""
        numbers = range(len(self.members)) if members is None else members
        for number in numbers:
            self.members[number].eval()
        for part in torch.from_numpy(np.asarray(chosen)).to(self.device).split(batch):
            sensors = samples.batch(part)
            yield torch.stack([self(number, sensors) for number in numbers], dim=1)

    def describe(self, samples: Samples, chosen: np.ndarray, members=None) -> list[dict[str, np.ndarray]]:
        """Return `predictions.describe` of the samples `chosen`, a dictionary a batch."""
        return [predictions.describe(images, self.grid, self.recipe.decoder)
                for images in self.images(samples, chosen, members)]

    def attrs(self) -> dict[str, str]:
        """Return what made this ensemble, for the attributes of a predictions file."""
        values = {key: "none" if value is None else value for key, value in asdict(self.recipe).items()}
        made = {"device": self.device.type, "computed_in": str(self.dtype).removeprefix("torch."),
                "torch": torch.__version__}
        return values | asdict(self.grid) | made
