"""The networks of paper 2: their recipes, their device and precision, their files."""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from rsslib.arguments import check_choice, check_type
from rsslib.data.arrays import MAX_PER_SIDE
from rsslib.emitters import networks
from rsslib.emitters.networks import METHODS, SIDE
from rsslib.emitters.samples import MOST_EMITTERS, are_powers
from rsslib.learning import recipe, weights
from rsslib.learning.devices import PRECISIONS, autocast, choose_device, choose_precision
from rsslib.learning.optimizers import SCHEDULES, Optimizer
from rsslib.project import InputError

FORMAT = "rsslib-emitter-model-3"
STAGES = ("occupancy", "localizer")
OTHER_INPUT = "other_input"
NETWORKS = ("occupancy", *METHODS, OTHER_INPUT)
"""The networks to train: the occupancy network of the two-stage methods, the localizer of each method, and that of
two_stage_logit with the other choice of `beside`."""
_MOST_CELLS = 2**34
"""Of the maps of a set: a byte each in training (see `samples.margins`)."""

_CHOICES = {"method": METHODS, "stage": STAGES, "precision": PRECISIONS, "schedule": SCHEDULES}
_RULES: dict[str, recipe.Rule] = {
    **dict.fromkeys(("sensors", "epochs", "test_samples"), recipe.COUNT), "threads": recipe.THREADS,
    # BatchNorm needs two samples
    **dict.fromkeys(("samples", "val_samples", "batch_size"), recipe.count(2)),
    "n": (int, f"a multiple of {SIDE}, at most {MAX_PER_SIDE}", lambda n: 0 < n <= MAX_PER_SIDE and n % SIDE == 0),
    "n_max": recipe.count(1, MOST_EMITTERS), "seed": recipe.SEED, "learning_rate": recipe.RATE,
    **dict.fromkeys(("weight_decay", "muon_rate", "near_weight"), recipe.WEIGHT),
    "margin_db": (recipe.NUMBER, "a number, at least 0 and at most 60", lambda margin: 0 <= margin <= 60),
    "powers_dbm": ((tuple, list), "the lowest, then the highest power [dBm], two numbers from -200 to 200",
                   are_powers),
    **dict.fromkeys(("augment", "beside"), recipe.FLAG)}


@dataclass(frozen=True)
class EmitterRecipe:
    """Settings of one network and its training; the defaults are those of the quick profile's localizer.

    method : one of METHODS; stage : "localizer", or "occupancy" for the first network of the two-stage methods
    n, sensors, n_max, powers_dbm : cells per side, sensors and most emitters per sample, range of the powers [dBm]
    samples, val_samples, test_samples : size of each set
    epochs, batch_size, learning_rate, weight_decay, muon_rate, schedule : see `optimizers.Optimizer`
    beside : whether the localizer of "two_stage_logit" gets the sensors' image in addition to the logits
    near_weight : weight of the term `loss.near` in a localizer's training loss (paper: 0). That term, a sum over 64
    blocks, is initially about ten times the PIT loss; validation uses the PIT loss alone
    margin_db : largest margin m of the occupancy network's training on P > T + m (see `OccupancySet.loss`): m = 0 for a
    quarter of the samples, else m ~ U[0, margin_db], so that a logit measures the margin. 0: P > T as in the paper
    augment : each batch in eighths, one in each symmetry of the square; valid in free space only
    precision : "float32", "bfloat16", or "auto" for bfloat16 where the processor supports it
    seed, threads : equal values of both give equal weights on equal CPUs

    Errors: InputError naming the setting.
    Source: paper 2, Section III.D, with a shorter schedule. The paper has Adam, a constant rate, logits
    alone, near_weight and margin_db 0.
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
        if max(self.samples, self.val_samples, self.test_samples) * self.n**2 > _MOST_CELLS:
            raise InputError(f"recipe: {max(self.samples, self.val_samples, self.test_samples)} maps of {self.n} x "
                             f"{self.n} cells; expected at most {_MOST_CELLS} cells together: take fewer samples, or a "
                             "smaller n")

    @property
    def maps(self) -> int:
        """Number of input maps: two for a localizer that gets the sensors' image and the logits."""
        return 2 if self.stage == "localizer" and self.method == "two_stage_logit" and self.beside else 1

    @property
    def is_second_stage(self) -> bool:
        """Whether the network's input is the occupancy network's output."""
        return self.stage == "localizer" and self.method != "single_stage"

    @classmethod
    def of(cls, network: str, **settings) -> "EmitterRecipe":
        """Return the recipe of one of NETWORKS. Errors: InputError for another name.

        >>> EmitterRecipe.of("occupancy", epochs=5).stage
        'occupancy'
        >>> EmitterRecipe.of("other_input", beside=False).beside
        True
        """
        check_choice("recipe: the network", network, NETWORKS)
        stage = "occupancy" if network == "occupancy" else "localizer"
        recipe = cls(method=network if network in METHODS else "two_stage_logit", stage=stage, **settings)
        return replace(recipe, beside=not recipe.beside) if network == OTHER_INPUT else recipe


class Model(nn.Module):
    """A network with its device and precision; the outputs are float32."""

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
        """Return the output for a batch in evaluation mode, without gradients."""
        self.net.eval()
        return self(image)


def build(recipe: EmitterRecipe, device: str = "auto") -> Model:
    """Return the untrained network of a recipe, with initial weights from its seed."""
    check_type("recipe", recipe, EmitterRecipe)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = (networks.OccupancyNet() if recipe.stage == "occupancy" else
               networks.build_localizer(recipe.method, recipe.n, recipe.n_max, recipe.maps))
    return Model(net, choose_device(device), recipe.precision)


def optimizer(recipe: EmitterRecipe, model: Model, steps: int) -> Optimizer:
    """Return the optimizer of a recipe for a training of `steps` batches."""
    return Optimizer(model.net, steps, recipe.learning_rate, recipe.weight_decay, recipe.schedule, recipe.muon_rate)


def save_model(model: Model, recipe: EmitterRecipe, folder: str | Path) -> Path:
    """Write a network's weights (safetensors) and a JSON header with its recipe."""
    check_type("model", model, Model)
    check_type("recipe", recipe, EmitterRecipe)
    return weights.save(folder, {"weights": model.net}, {"format": FORMAT, "recipe": asdict(recipe)})


def load_model(folder: str | Path, device: str = "auto") -> tuple[Model, EmitterRecipe]:
    """Read what `save_model` wrote: the network and its recipe. Errors: those of `weights.load`."""
    def rebuilt(header: dict) -> EmitterRecipe:
        settings = {field.name: header["recipe"][field.name] for field in fields(EmitterRecipe)}
        return EmitterRecipe(**settings | {"powers_dbm": tuple(settings["powers_dbm"])})

    recipe = weights.load_header(folder, FORMAT, rebuilt)
    model = build(recipe, device)
    weights.load(folder, FORMAT, {"weights": model.net})
    return model.eval(), recipe
