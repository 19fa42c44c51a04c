"""The settings of networks that are fed by radio maps."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field

from rsslib.arguments import check_type
from rsslib.learning import recipe as recipes
from rsslib.learning.devices import PRECISIONS
from rsslib.localization.networks import NETWORKS
from rsslib.radio_maps.recipe import MapRecipe

LOSSES = ("cross_entropy", "emd")
_CHOICES: dict[str, Collection[str]] = {"loss": LOSSES, "network": NETWORKS, "precision": PRECISIONS}
_SPREAD: recipes.Rule = (recipes.NUMBER, "a standard deviation from 0 to 100 dB", lambda value: 0 <= value <= 100)
_RULES: dict[str, recipes.Rule] = {
    "members": recipes.MEMBERS, "epochs": recipes.COUNT, "least_steps": recipes.count(0),
    "batch_size": recipes.count(2), "learning_rate": recipes.RATE, "weight_decay": recipes.WEIGHT,
    "real_share": (recipes.NUMBER, "a share from 0.01 to 1", lambda value: 0.01 <= value <= 1),
    "spread": (recipes.NUMBER, "a factor from 0 to 10", lambda value: 0 <= value <= 10),
    "sensor_dropout": (recipes.NUMBER, "a share from 0 to below 1", lambda value: 0 <= value < 1),
    "common_offset_db": _SPREAD, "gain_db": _SPREAD,
    "target_px": (recipes.NUMBER, "a width from 0.1 to 100 pixels", lambda value: 0.1 <= value <= 100),
    "seed": recipes.SEED, "threads": recipes.THREADS}


@dataclass(frozen=True)
class FedRecipe:
    """Settings of networks trained on real samples and on samples that are drawn from radio maps.

    members : number of networks, which differ in their initial weights and in all that is drawn
    epochs : passes through the real samples; least_steps : of a small training set, as many passes as make these steps
    batch_size, learning_rate, weight_decay : of AdamW; the rate rises to learning_rate and falls to 0 (one cycle)
    real_share : share of real samples in a batch; the others are drawn from the maps
    sensor_dropout : share of the readings dropped at random from each batch
    spread : factor on the scale of what is drawn about the maps (see `simulation.Simulator`)
    common_offset_db : standard deviation of what all readings of a drawn sample have in common [dB]
    gain_db : standard deviation of what all readings of a receiver in a batch have in common, real and drawn [dB]
    loss : "cross_entropy" with a Gaussian of target_px pixels about the location, or "emd", the Earth Mover's Distance
    network : a name in `networks.NETWORKS`
    precision : "float32", "bfloat16", or "auto" for bfloat16 where the processor supports it
    seed, threads : equal values of both give equal weights on equal CPUs
    maps : of the maps, and of the pixels

    The defaults of spread, real_share and gain_db were chosen as `fed_choice.choose` does: on Grid2, by the medians on
    `val` and in held-out cells (two of five parts of the cells, as many steps as eight epochs, posterior median at
    lambda 0). Spread 1, 0.65, 0.45: 56 and 139, 57 and 129, 58 and 124 m; at 0.65 a real_share of 0.25: 71 and 116 m, a
    gain_db of 4: 60 and 137 m. (Readings in held-out cells scatter by 0.5 to 0.7 of what the maps' broad prior says.)
    Errors: InputError naming the setting.

    >>> FedRecipe(gain_db=3.0).maps.pixel_m
    30.0
    """

    members: int = 1
    epochs: int = 30
    least_steps: int = 800
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.1
    real_share: float = 0.5
    sensor_dropout: float = 0.1
    spread: float = 0.5
    common_offset_db: float = 2.0
    gain_db: float = 0.0
    loss: str = "cross_entropy"
    target_px: float = 0.7
    network: str = "compact"
    precision: str = "auto"
    seed: int = 0
    threads: int = 2
    maps: MapRecipe = field(default_factory=MapRecipe)

    def __post_init__(self):
        recipes.check(self, _RULES, _CHOICES)
        check_type("recipe: maps", self.maps, MapRecipe)

    def flat(self) -> dict:
        """Return the settings without nesting, those of the maps with the prefix `maps_`, for attributes.

        >>> FedRecipe().flat()["maps_noise_db"]
        5.0
        """
        own = {name: value for name, value in asdict(self).items() if name != "maps"}
        return own | {f"maps_{name}": value for name, value in asdict(self.maps).items()}
