"""How a network of the second paper is trained: the settings, checked, and the network they make."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rsslib.emitters import networks
from rsslib.emitters.networks import METHODS, SIDE
from rsslib.emitters.samples import MOST_EMITTERS
from rsslib.localization.ensemble import PRECISIONS, SCHEDULES, choose_device, choose_precision
from rsslib.project import InputError

STAGES = ("occupancy", "localizer")
NETWORKS = ("occupancy", *METHODS)
"""What can be trained: the first network of the two-stage methods, and each method's localizer."""


@dataclass(frozen=True)
class EmitterRecipe:
    """How one network is trained; the defaults are the quick profile's localizer.

    method : one of METHODS; stage : "localizer", or "occupancy" for the first network of the two-stage methods
    n, sensors, n_max, powers_dbm : cells a side, sensors and most emitters of a sample, lowest and highest power [dBm]
    samples, val_samples, test_samples : samples drawn of each set
    epochs, batch_size, learning_rate, weight_decay, muon_rate, schedule : see `emitter_optimizer.Optimizer`
    beside : the second stage of "two_stage_logit" sees the sensors' image beside the logits; False: the logits alone
    near_weight : of the blocks near an emitter in a localizer's loss (see `emitter_loss.training_loss`); paper: 0.
    That term is a sum over 64 blocks, at the start some ten times the list's; the validation loss is the list's alone
    margin_db : an occupancy network learns P > T + m, its logit lowered by s m with one learned slope s; m = 0 for a
    quarter of the samples, ~ U[0, margin_db] for the others: a logit becomes a margin. 0: P > T alone, as in the paper
    augment : an eighth of each batch in each symmetry of the square; valid in free space only
    precision : "float32", "bfloat16", or "auto", which takes bfloat16 where the processor computes in it
    seed, threads : with the same of both a CPU gives the same weights

    Errors: InputError naming the setting.
    Source: paper 2, Section III.D, with a shorter schedule; the paper: Adam, a constant rate, logits alone,
    near_weight and margin_db 0.
    """

    method: str = "single_stage"
    stage: str = "localizer"
    n: int = 64
    sensors: int = 40
    n_max: int = 3
    powers_dbm: tuple[float, float] = (10.0, 40.0)
    samples: int = 20_000
    val_samples: int = 2_000
    test_samples: int = 2_000
    epochs: int = 12
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.1
    muon_rate: float = 0.02
    schedule: str = "one_cycle"
    beside: bool = True
    near_weight: float = 0.5
    margin_db: float = 25.0
    augment: bool = False
    precision: str = "auto"
    seed: int = 0
    threads: int = 2

    def __post_init__(self):
        for name, values in (("method", METHODS), ("stage", STAGES), ("precision", PRECISIONS),
                             ("schedule", SCHEDULES)):
            if getattr(self, name) not in values:
                raise InputError(f"recipe: {name} is {getattr(self, name)!r}; expected one of {', '.join(values)}")
        for name in ("sensors", "epochs", "test_samples", "threads"):
            self._need(name, int, "a whole number above 0", lambda value: value > 0)
        for name in ("samples", "val_samples", "batch_size"):  # BatchNorm needs two samples
            self._need(name, int, "a whole number, at least 2", lambda value: value > 1)
        self._need("n", int, f"a multiple of {SIDE}", lambda value: value > 0 and value % SIDE == 0)
        self._need("n_max", int, f"a whole number, 1 to {MOST_EMITTERS}", lambda value: 1 <= value <= MOST_EMITTERS)
        self._need("seed", int, "a whole number, at least 0", lambda value: value >= 0)
        self._need("learning_rate", (int, float), "a number above 0", lambda value: 0 < value < math.inf)
        for name in ("weight_decay", "muon_rate", "near_weight"):
            self._need(name, (int, float), "a finite number, at least 0", lambda value: 0 <= value < math.inf)
        self._need("margin_db", (int, float), "a number, at least 0 and at most 60", lambda value: 0 <= value <= 60)
        for name in ("augment", "beside"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"recipe: {name} is {getattr(self, name)!r}; expected true or false")
        if self.stage == "occupancy" and self.method == "single_stage":
            raise InputError("recipe: single_stage has no stage 'occupancy'; take two_stage_logit or two_stage_binary")

    @property
    def maps(self) -> int:
        """How many maps its network sees: two behind the logits, if the sensors' image lies beside them."""
        return 2 if self.stage == "localizer" and self.method == "two_stage_logit" and self.beside else 1

    @classmethod
    def of(cls, network: str, **settings) -> "EmitterRecipe":
        """Return the recipe of one of NETWORKS; InputError for another name.

        Example
        -------
        >>> EmitterRecipe.of("occupancy", epochs=5).stage
        'occupancy'
        """
        if network not in NETWORKS:
            raise InputError(f"recipe: the network is {network!r}; expected one of {', '.join(NETWORKS)}")
        first = network == "occupancy"
        return cls(method="two_stage_logit" if first else network, stage="occupancy" if first else "localizer",
                   **settings)

    def _need(self, name: str, kind, expected: str, right) -> None:
        value = getattr(self, name)
        if not isinstance(value, kind) or isinstance(value, bool) or not right(value):
            hint = "; YAML reads 5e-4 as text, write 5.0e-4" if isinstance(value, str) else ""
            raise InputError(f"recipe: {name} is {value!r}; expected {expected}{hint}")


class Model(nn.Module):
    """A network with the number format it computes in; its outputs are float32, without gradients in `says`."""

    def __init__(self, net: nn.Module, device: torch.device, precision: str):
        super().__init__()
        self.net, self.device = net.to(device), device
        self.dtype = choose_precision(precision, device)

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        image = image.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return self.net(image)

    @torch.no_grad()
    def says(self, image: Tensor) -> Tensor:
        """Return the output for a batch, as after training."""
        self.net.eval()
        return self(image)


def build(recipe: EmitterRecipe, device: str = "auto") -> Model:
    """Return the untrained network of a recipe, its first weights drawn from the recipe's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        if recipe.stage == "occupancy":
            net: nn.Module = networks.OccupancyNet()
        else:
            net = networks.build_localizer(recipe.method, recipe.n, recipe.n_max, recipe.maps)
    return Model(net, choose_device(device), recipe.precision)
