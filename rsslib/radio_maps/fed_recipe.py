"""The settings of networks that are fed by radio maps."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field

from rsslib.arguments import check_type, number
from rsslib.learning import recipe as recipes
from rsslib.learning.devices import PRECISIONS
from rsslib.localization.networks import NETWORKS
from rsslib.project import InputError
from rsslib.radio_maps.recipe import MapRecipe

LOSSES = ("cross_entropy", "emd")
_CHOICES: dict[str, Collection[str]] = {"loss": LOSSES, "network": NETWORKS, "precision": PRECISIONS}
_SPREAD: recipes.Rule = (recipes.NUMBER, "a standard deviation from 0 to 100 dB", lambda value: 0 <= value <= 100)
_RULES: dict[str, recipes.Rule] = {
    "epochs": recipes.COUNT, "least_steps": recipes.count(0),
    "batch_size": recipes.count(2), "learning_rate": recipes.RATE, "weight_decay": recipes.WEIGHT,
    "spread": (recipes.NUMBER, "a factor from 0 to 10", lambda value: 0 <= value <= 10),
    "sensor_dropout": (recipes.NUMBER, "a share from 0 to below 1", lambda value: 0 <= value < 1),
    "common_offset_db": _SPREAD, "gain_db": _SPREAD,
    "target_px": (recipes.NUMBER, "a width from 0.1 to 100 pixels", lambda value: 0.1 <= value <= 100),
    "seed": recipes.SEED, "threads": recipes.THREADS}


@dataclass(frozen=True)
class FedRecipe:
    """Settings of networks trained on real samples and on samples that are drawn from radio maps.

    real_shares : for each network the share of real samples in its batches; the others are drawn from the maps. With
        more than half of them it is one for visited places, else one for the whole map (see `products.handed_over`)
    epochs : an epoch has as many batches as pass the real samples once if half of each batch is real
    least_steps : of a small training set, as many epochs as make these steps
    batch_size, learning_rate, weight_decay : of AdamW; the rate rises to learning_rate and falls to 0 (one cycle)
    sensor_dropout : share of the readings dropped at random from each batch
    spread : factor on the scale of what is drawn about the maps (see `simulation.Simulator`)
    common_offset_db : standard deviation of what all readings of a drawn sample have in common [dB]
    gain_db : standard deviation of what all readings of a receiver in a batch have in common, real and drawn [dB]
    loss : "cross_entropy" with a Gaussian of target_px pixels about the location, or "emd", the Earth Mover's Distance
    network : a name in `networks.NETWORKS`
    precision : "float32", "bfloat16", or "auto" for bfloat16 where the processor supports it
    seed, threads : equal values of both give equal weights on equal CPUs
    maps : of the maps, and of the pixels

    How the defaults were chosen, on `val` and in held-out cells of `train`: docs/deviations.md.
    Errors: InputError naming the setting.

    >>> FedRecipe(gain_db=3.0).maps.pixel_m
    30.0
    """

    real_shares: tuple[float, ...] = (1.0, 0.25, 0.1)
    epochs: int = 30
    least_steps: int = 800
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.1
    sensor_dropout: float = 0.1
    spread: float = 0.5
    common_offset_db: float = 2.0
    gain_db: float = 0.0
    loss: str = "cross_entropy"
    target_px: float = 0.7
    network: str = "compact"
    precision: str = "auto"
    seed: int = 0
    threads: int = 1
    maps: MapRecipe = field(default_factory=MapRecipe)

    def __post_init__(self):
        recipes.check(self, _RULES, _CHOICES)
        check_type("recipe: maps", self.maps, MapRecipe)
        check_type("recipe: real_shares", self.real_shares, Sequence, "a share for each network")
        if not 1 <= len(self.real_shares) <= 100:
            raise InputError(f"recipe: real_shares has {len(self.real_shares)} shares; expected 1 to 100, one for each "
                             "network")
        shares = tuple(number("recipe: real_shares", share, 0.01, 1, "shares from 0.01 to 1")
                       for share in self.real_shares)
        object.__setattr__(self, "real_shares", shares)    # of a list, too, as JSON has them

    def flat(self) -> dict:
        """Return the settings without nesting, those of the maps with the prefix `maps_`, for attributes.

        >>> FedRecipe().flat()["maps_noise_db"]
        5.0
        """
        own = {name: value for name, value in asdict(self).items() if name != "maps"}
        return own | {f"maps_{name}": value for name, value in asdict(self.maps).items()}
