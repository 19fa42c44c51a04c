"""Networks fed by radio maps as a localizer: fitted to measurements, saved and loaded, its product with the maps."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib.arguments import check_type
from rsslib.data import grid as grids
from rsslib.data import index_sets, measurements, splits
from rsslib.files import read_bytes
from rsslib.learning import weights
from rsslib.learning.devices import choose_device
from rsslib.localization import predictions
from rsslib.project import InputError, InputWarning
from rsslib.radio_maps import decoders, map_files, products
from rsslib.radio_maps import localizer as radio_maps
from rsslib.radio_maps.calibration import Calibration, calibrated
from rsslib.radio_maps.fed_recipe import FedRecipe
from rsslib.radio_maps.fed_training import FedNetworks, FedTrainer
from rsslib.radio_maps.maps import Maps
from rsslib.radio_maps.products import Rule
from rsslib.radio_maps.recipe import MapRecipe

FORMAT = "rsslib-fed-localizer-2"
_UNITS = {"x_mean": "m", "y_mean": "m", "x_median": "m", "y_median": "m", "entropy": "nat", "entropy_network": "nat",
          "entropy_maps": "nat", "log_evidence": "nat", "map_std": "dB"}


class FedLocalizer:
    """Localizes one transmitter with networks that were trained on real samples and on samples drawn from radio maps.

        p(x | r)  ~  p_network(x | r) p_maps(x | r)^lambda

    Where samples were taken the networks see more than the maps, which take the receivers for independent; elsewhere
    they have learned from the maps what a place without samples reads like. p_network is made of the members' softmax
    images, of two kinds: see `products.handed_over`.
    Parameters: recipe, `FedRecipe()` by default; device of the networks, "auto", "cpu" or "cuda". Errors: InputError
    for others.

    >>> from rsslib.data import campus
    >>> dataset = campus.make(n_april=0, n_july=60, n_november=0)
    >>> recipe = FedRecipe(epochs=1, least_steps=0, maps=MapRecipe(pixel_m=120.0))
    >>> fed = FedLocalizer(recipe, "cpu").fit(dataset, {"train": range(40), "val": range(40, 50)})
    >>> fed.predict(dataset, {"test": range(50, 60)}, Rule(maps_weight=0.25)).sizes["sample"]
    10
    """

    def __init__(self, recipe: FedRecipe | None = None, device: str = "auto"):
        self.recipe = FedRecipe() if recipe is None else recipe
        check_type("recipe", self.recipe, FedRecipe)
        self.device = choose_device(device)
        self.maps: Maps | None = None
        self.nets: FedNetworks | None = None
        self.ranges: grids.Scaling = {}
        self.trainer: FedTrainer | None = None

    def fit(self, dataset: xr.Dataset, sets: Mapping[str, np.ndarray] | None = None,
            checkpoint: str | Path | None = None) -> "FedLocalizer":
        """Fit the maps to `sets["train"]` and train the networks; `val` goes into the history (None: the Random split).

        The checkpoint file stays when the training is done: call `trainer.checkpoint.remove()` after all is saved.
        Errors: those of `measurements.validate`, `index_sets.checked` and `grid.covering`; InputError for an unknown
        location in `train` or `val`, or a training that diverges.
        """
        size = measurements.validate(dataset, "the data set to fit").sizes["sample"]
        sets = splits.drawn(dataset, "random") if sets is None else sets
        sets = index_sets.checked(sets, size, "fit", needed=("train", "val"))
        unknown = np.isnan(grids.transmitters(dataset)[0][sets["val"]])
        if unknown.any():
            raise InputError(f"fit: sample {sets['val'][unknown.argmax()]} of the set 'val' has no known transmitter "
                             f"location ({unknown.sum()} of {len(unknown)} samples); leave it out")
        maps = radio_maps.fitted(dataset, sets["train"], self.recipe.maps)
        self.trainer = FedTrainer(dataset, sets, maps, self.recipe, self.device, checkpoint)
        self.trainer.fit()
        self.maps, self.nets, self.ranges = maps, self.trainer.nets, self.trainer.ranges
        return self

    def predict(self, dataset: xr.Dataset, sets: Mapping[str, np.ndarray] | None = None,
                rule: Rule | None = None) -> xr.Dataset:
        """Return predictions (see `rsslib.localization.predictions`) for the samples of `sets`, or for all.

        x, y and the indicators are those of the members' images, each a posterior; x_hat, y_hat are the rule's
        (`Rule()` by default). Further variables, of the product: x_mean, y_mean (posterior mean) and x_median, y_median
        (posterior median of each coordinate) [m], entropy [nat]; entropy_network and entropy_maps, of its two factors
        [nat]; map_std [dB], log_evidence [nat] and mass as in `RadioMaps.predict`.
        Errors: those of `measurements.validate` and `index_sets.checked`; InputError before `fit`, without a set, or
        for what is no Rule. Warns with InputWarning of samples that no receiver known to the networks heard.
        """
        rule = Rule() if rule is None else rule
        check_type("predict: rule", rule, Rule)
        maps, nets = self.fitted()
        size = measurements.validate(dataset, "the data set to localize").sizes["sample"]
        sets = {"all": np.arange(size)} if sets is None else index_sets.checked(sets, size, "predict", disjoint=())
        if not sets:
            raise InputError("predict: no sets; expected at least one, or None for all samples")
        chosen = np.concatenate(list(sets.values()))
        labels = np.concatenate([np.full(len(indices), name) for name, indices in sets.items()])
        empty = int((~np.isfinite(dataset.rss.values[chosen][:, maps.columns(dataset)[0]]).any(axis=1)).sum())
        if empty:
            warnings.warn(f"predict: {empty} of {len(chosen)} samples were heard only by receivers that are not in "
                          "training: their locations are meaningless; leave them out", InputWarning, stacklevel=2)
        parts = [_described(maps, nets, dataset, rule, *batch) for batch in self._batches(dataset, chosen)]
        described = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        found = predictions.collect(described, dataset, chosen, labels, self.attrs() | asdict(rule))
        for name, units in _UNITS.items():
            found[name].attrs["units"] = units
        return found

    def log_posteriors(self, dataset: xr.Dataset, samples: np.ndarray) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
        """Yield samples, log p_network and log p_maps, (batch, height, width), in batches; each sums to 1 over pixels.

        `products.located` takes locations from them. Input: samples, indices. Errors: those of
        `measurements.validate` and `index_sets.indices`; InputError before `fit`.
        """
        _, nets = self.fitted()
        size = measurements.validate(dataset, "the data set to localize").sizes["sample"]
        samples = index_sets.indices(samples, size, "log_posteriors: samples", repeated=True)
        return ((batch, nets.together(members), log_maps)
                for batch, members, log_maps, _ in self._batches(dataset, samples))

    def _batches(self, dataset: xr.Dataset, samples: np.ndarray) -> Iterator[tuple[np.ndarray, Tensor, Tensor, Tensor]]:
        maps, nets = self.fitted()
        torch.set_num_threads(self.recipe.threads)
        draws = nets.drawn(maps.corrected(dataset), self.ranges)
        for batch, log_maps, evidence in maps.posteriors(dataset, samples):
            yield batch, nets.log_posteriors(draws, batch), log_maps, evidence

    def calibrate(self, dataset: xr.Dataset, samples: np.ndarray, tau_db: float = 4.0, rounds: int = 3,
                  force: bool = False) -> Calibration:
        """Give each receiver an offset, as `RadioMaps.calibrate` does; the networks get readings less the offsets."""
        found = calibrated(self.fitted()[0], dataset, samples, tau_db, rounds, force)
        self.maps = found.maps
        return found

    def save(self, folder: str | Path) -> Path:
        """Write the maps (NetCDF), the weights of the members (safetensors) and a JSON header: recipe, RSS ranges."""
        maps, nets = self.fitted()
        map_files.save(maps, folder)
        header = {"format": FORMAT, "recipe": asdict(self.recipe), "ranges_db": self.ranges,
                  "visited": nets.visited.tolist(), "maps": _digest(folder)}
        return weights.save(folder, _files(nets), header)

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> "FedLocalizer":
        """Read what `save` wrote.

        Errors: InputError naming the file that is missing, damaged, edited, of another format or of another saving.
        """
        def build(header: dict) -> tuple[FedLocalizer, str, np.ndarray]:
            raw = {field.name: header["recipe"][field.name] for field in fields(FedRecipe)}
            own = cls(FedRecipe(**{**raw, "maps": MapRecipe(**raw["maps"])}), device)
            own.ranges = {str(name): (float(low), float(high)) for name, (low, high) in header["ranges_db"].items()}
            return own, str(header["maps"]), np.array(header["visited"], np.int64)

        localizer, digest, visited = weights.load_header(folder, FORMAT, build)
        localizer.maps = map_files.load(folder)
        if _digest(folder) != digest:
            raise InputError(f"{folder}/{map_files.NAME}: not the maps that were saved with these networks; train "
                             "again")
        localizer.nets = FedNetworks(localizer.recipe, localizer.maps.grid, localizer.device, visited)
        weights.load(folder, FORMAT, _files(localizer.nets))
        return localizer

    def attrs(self) -> dict:
        """Return recipe, grid and environment, for the attributes of a predictions file."""
        maps, nets = self.fitted()
        return {"method": "fed network", **self.recipe.flat(), **asdict(maps.grid), "device": nets.device.type,
                "computed_in": str(nets.dtype).removeprefix("torch."), "torch": torch.__version__}

    def fitted(self) -> tuple[Maps, FedNetworks]:
        """Return the maps and the networks. Errors: InputError before `fit` or `load`."""
        if self.maps is None or self.nets is None:
            raise InputError("this localizer has no networks yet; call fit, or FedLocalizer.load")
        return self.maps, self.nets


@dataclass(frozen=True)
class Product:
    """The posterior of networks and maps by a rule, for `regions`."""

    localizer: FedLocalizer
    rule: Rule = Rule()

    @property
    def grid(self) -> grids.Grid:
        """The grid of the maps."""
        return self.localizer.fitted()[0].grid

    def posteriors(self, dataset: xr.Dataset, samples: np.ndarray) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
        """Yield samples, their log posteriors, (batch, height, width), and those of the networks alone."""
        for batch, network, maps in self.localizer.log_posteriors(dataset, samples):
            yield batch, products.product(network, maps, self.rule.maps_weight), network


def _described(maps: Maps, nets: FedNetworks, dataset: xr.Dataset, rule: Rule, samples: np.ndarray, members: Tensor,
               log_maps: Tensor, evidence: Tensor) -> dict[str, np.ndarray]:
    network = nets.together(members)
    both = products.product(network, log_maps, rule.maps_weight)
    found = radio_maps.describe(maps, dataset, samples, both, evidence) | predictions.describe(members.exp(), maps.grid)
    x, y = decoders.decode(both.exp(), maps.grid, rule.decoder)
    return found | {"x_hat": x.numpy(), "y_hat": y.numpy(), "entropy_network": _entropy(network),
                    "entropy_maps": _entropy(log_maps)}


def _entropy(log_posterior: Tensor) -> np.ndarray:
    return (log_posterior.exp() * -log_posterior.clamp_min(-1e4)).sum((1, 2)).clamp_min(0).numpy()


def _digest(folder: str | Path) -> str:
    return sha256(read_bytes(Path(folder) / map_files.NAME, "the maps of fed networks", "train again")).hexdigest()


def _files(nets: FedNetworks) -> dict:
    return {f"member{number}": network for number, network in enumerate(nets.members)}
