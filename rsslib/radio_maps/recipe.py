"""The settings of radio maps."""

from collections.abc import Collection
from dataclasses import dataclass

from rsslib.learning import recipe as recipes
from rsslib.radio_maps.decoders import DECODERS

_CHOICES: dict[str, Collection[str]] = {"decoder": DECODERS, "precision": ("float32", "float64")}
_LENGTH: recipes.Rule = (recipes.NUMBER, "a length from 0.001 to 1e6 m", lambda value: 1e-3 <= value <= 1e6)
_SPREAD: recipes.Rule = (recipes.NUMBER, "a standard deviation from 0 to 100 dB", lambda value: 0 <= value <= 100)
_RULES: dict[str, recipes.Rule] = {
    "near_db": _SPREAD, "far_db": _SPREAD, "near_m": _LENGTH, "far_m": _LENGTH, "pixel_m": _LENGTH,
    "noise_db": (recipes.NUMBER, "a standard deviation from 0.1 to 100 dB", lambda value: 0.1 <= value <= 100),
    "freedom": (recipes.NUMBER, "degrees of freedom from 1 to 1e6", lambda value: 1 <= value <= 1e6),
    "slope_samples": (recipes.NUMBER, "a number of samples from 0 to 1e6", lambda value: 0 <= value <= 1e6),
    "points": recipes.count(1, 20_000), "threads": recipes.THREADS}


@dataclass(frozen=True)
class MapRecipe:
    """Settings of radio maps: of the Gaussian process, the likelihood and the pixels.

    near_db, near_m : standard deviation [dB] and length [m] of the Matern-3/2 part of the kernel, s1 and l1
    far_db, far_m : those of the exponential part, s2 and l2
    noise_db : standard deviation of a reading, sigma [dB]
    freedom : degrees of freedom of the Student-t likelihood, nu
    slope_samples : a receiver's path loss is shrunk to the common slope as if so many samples had shown that
    points : the most inducing points of a receiver; a receiver with no more samples is treated exactly
    decoder : how a posterior becomes a location, a name in `decoders.DECODERS`
    pixel_m : side of a pixel [m]
    precision : "float32" or "float64"
    threads : of the processor

    Errors: InputError naming the setting.

    >>> MapRecipe(noise_db=3.0).decoder
    'sure'
    """

    near_db: float = 6.0
    near_m: float = 80.0
    far_db: float = 6.0
    far_m: float = 500.0
    noise_db: float = 5.0
    freedom: float = 6.0
    slope_samples: float = 100.0
    points: int = 4000
    decoder: str = "sure"
    pixel_m: float = 30.0
    precision: str = "float32"
    threads: int = 2

    def __post_init__(self):
        recipes.check(self, _RULES, _CHOICES)

    @property
    def prior_variance(self) -> float:
        """Variance of a map far from all samples, s1^2 + s2^2 [dB^2]."""
        return float(self.near_db) ** 2 + float(self.far_db) ** 2
