"""A network of the second paper: the settings of its training, checked; how it computes; its weights on disk."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from rsslib.emitters import networks
from rsslib.emitters.networks import METHODS, SIDE
from rsslib.emitters.samples import MOST_EMITTERS
from rsslib.learning import recipe, weights
from rsslib.learning.devices import PRECISIONS, autocast, choose_device, choose_precision
from rsslib.learning.optimizers import SCHEDULES, Optimizer
from rsslib.project import InputError

FORMAT = "rsslib-emitter-model-2"
STAGES = ("occupancy", "localizer")
NETWORKS = ("occupancy", *METHODS)
"""What can be trained: the first network of the two-stage methods, and each method's localizer."""

_CHOICES = {"method": METHODS, "stage": STAGES, "precision": PRECISIONS, "schedule": SCHEDULES}
_RULES: dict[str, recipe.Rule] = {
    **dict.fromkeys(("sensors", "epochs", "test_samples", "threads"), recipe.COUNT),
    # BatchNorm needs two samples
    **dict.fromkeys(("samples", "val_samples", "batch_size"), (int, "a whole number, at least 2", lambda n: n > 1)),
    "n": (int, f"a multiple of {SIDE}", lambda n: n > 0 and n % SIDE == 0),
    "n_max": (int, f"a whole number, 1 to {MOST_EMITTERS}", lambda n: 1 <= n <= MOST_EMITTERS),
    "seed": recipe.SEED, "learning_rate": recipe.RATE,
    **dict.fromkeys(("weight_decay", "muon_rate", "near_weight"), recipe.WEIGHT),
    "margin_db": (recipe.NUMBER, "a number, at least 0 and at most 60", lambda margin: 0 <= margin <= 60),
    **dict.fromkeys(("augment", "beside"), recipe.FLAG)}


@dataclass(frozen=True)
class EmitterRecipe:
    """How one network is trained; the defaults are the quick profile's localizer.

    method : one of METHODS; stage : "localizer", or "occupancy" for the first network of the two-stage methods
    n, sensors, n_max, powers_dbm : cells a side, sensors and most emitters of a sample, lowest and highest power [dBm]
    samples, val_samples, test_samples : samples drawn of each set
    epochs, batch_size, learning_rate, weight_decay, muon_rate, schedule : see `optimizers.Optimizer`
    beside : the second stage of "two_stage_logit" sees the sensors' image beside the logits; False: the logits alone
    near_weight : of the blocks near an emitter in a localizer's loss (see `loss.training_loss`); paper: 0. That term is
    a sum over 64 blocks, at the start some ten times the list's; the validation loss is the list's alone
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
        recipe.check(self, _RULES, _CHOICES)
        if self.stage == "occupancy" and self.method == "single_stage":
            raise InputError("recipe: single_stage has no stage 'occupancy'; take two_stage_logit or two_stage_binary")

    @property
    def maps(self) -> int:
        """How many maps its network sees: two behind the logits, if the sensors' image lies beside them."""
        return 2 if self.stage == "localizer" and self.method == "two_stage_logit" and self.beside else 1

    @property
    def is_second_stage(self) -> bool:
        """Whether its network looks at the occupancy network's logits."""
        return self.stage == "localizer" and self.method != "single_stage"

    @classmethod
    def of(cls, network: str, **settings) -> "EmitterRecipe":
        """Return the recipe of one of NETWORKS. Errors: InputError for another name.

        >>> EmitterRecipe.of("occupancy", epochs=5).stage
        'occupancy'
        """
        if network not in NETWORKS:
            raise InputError(f"recipe: the network is {network!r}; expected one of {', '.join(NETWORKS)}")
        first = network == "occupancy"
        return cls(method="two_stage_logit" if first else network, stage="occupancy" if first else "localizer",
                   **settings)


class Model(nn.Module):
    """A network with the number format it computes in; its outputs are float32, without gradients in `infer`."""

    def __init__(self, net: nn.Module, device: torch.device, precision: str):
        super().__init__()
        self.net, self.device = net.to(device), device
        self.dtype = choose_precision(precision, device)

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        image = image.contiguous(memory_format=torch.channels_last)
        with autocast(self.device, self.dtype):
            return self.net(image)

    @torch.no_grad()
    def infer(self, image: Tensor) -> Tensor:
        """Return the output for a batch, as after training."""
        self.net.eval()
        return self(image)


def build(recipe: EmitterRecipe, device: str = "auto") -> Model:
    """Return the untrained network of a recipe, its first weights drawn from the recipe's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = (networks.OccupancyNet() if recipe.stage == "occupancy" else
               networks.build_localizer(recipe.method, recipe.n, recipe.n_max, recipe.maps))
    return Model(net, choose_device(device), recipe.precision)


def optimizer(recipe: EmitterRecipe, model: Model, steps: int) -> Optimizer:
    """Return the optimizer of a recipe for a training of so many batches."""
    return Optimizer(model.net, steps, recipe.learning_rate, recipe.weight_decay, recipe.schedule, recipe.muon_rate)


def save_model(model: Model, recipe: EmitterRecipe, folder: str | Path) -> Path:
    """Write a network's weights (safetensors) and a JSON header with its recipe."""
    return weights.save(folder, {"weights": model.net}, {"format": FORMAT, "recipe": asdict(recipe)})


def load_model(folder: str | Path, device: str = "auto") -> tuple[Model, EmitterRecipe]:
    """Read what `save_model` wrote: the network and its recipe. Errors: InputError naming the file at fault."""
    recipe = weights.load_header(folder, FORMAT, lambda header: EmitterRecipe(
        **header["recipe"] | {"powers_dbm": tuple(header["recipe"]["powers_dbm"])}))
    model = build(recipe, device)
    weights.load(folder, {"weights": model.net}, str(model.device))
    return model.eval(), recipe
