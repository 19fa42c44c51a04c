"""The localizer: fits an ensemble to measurements, predicts locations, is saved and loaded."""

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.data import grid as grids
from rsslib.data import measurements, splits
from rsslib.learning import weights
from rsslib.learning.devices import choose_device
from rsslib.localization import predictions
from rsslib.localization.ensemble import Ensemble, EnsembleTrainer, Recipe, Samples
from rsslib.project import InputError

FORMAT = "rsslib-localizer-1"


class Localizer:
    """Localizes one transmitter from received signal strength with an ensemble of CNNs.

    Parameters: recipe, the paper's by default; device, "auto", "cpu" or "cuda".

    >>> localizer = Localizer(Recipe(network="compact", epochs=30)).fit(dataset)   # doctest: +SKIP
    >>> localizer.predict(new_dataset).x_hat       # easting [m]                   # doctest: +SKIP
    >>> localizer.save("models/campus")                                            # doctest: +SKIP
    """

    def __init__(self, recipe: Recipe | None = None, device: str = "auto"):
        self.recipe = recipe or Recipe()
        self.device = choose_device(device)
        self.ensemble: Ensemble | None = None
        self.ranges: grids.Scaling = {}
        self.trainer: EnsembleTrainer | None = None

    def fit(self, dataset: xr.Dataset, sets: Mapping[str, np.ndarray] | None = None,
            checkpoint: str | Path | None = None, watch: tuple[str, ...] = ()) -> "Localizer":
        """Train on `sets["train"]`, early stopping on `sets["val"]` (default: the Random split).

        The other parameters and the errors are those of `EnsembleTrainer`.
        """
        measurements.validate(dataset, "the data set to fit")
        sets = splits.make(dataset, "random") if sets is None else _named(sets, "fit")
        self.trainer = EnsembleTrainer(dataset, sets, self.recipe, checkpoint, watch, str(self.device))
        self.trainer.fit()
        self.ensemble, self.ranges = self.trainer.ensemble, self.trainer.ranges
        return self

    def samples(self, dataset: xr.Dataset) -> Samples:
        """Return `dataset` as network inputs, with the grid and the RSS ranges of the training."""
        return Samples(dataset, self.fitted().grid, self.ranges, self.device)

    def predict(self, dataset: xr.Dataset, sets: Mapping[str, np.ndarray] | None = None) -> xr.Dataset:
        """Return the predictions (see `rsslib.localization.predictions`) for the samples of `sets`, or for all."""
        ensemble = self.fitted()
        measurements.validate(dataset, "the data set to localize")
        sets = {"all": np.arange(dataset.sizes["sample"])} if sets is None else _named(sets, "predict")
        chosen = np.concatenate([[], *sets.values()]).astype(np.int64)
        if not len(chosen):
            raise InputError("predict: no samples; expected at least one index in `sets`")
        labels = np.concatenate([np.full(len(indices), name) for name, indices in sets.items()])
        samples = self.samples(dataset)
        empty = int((samples.sensors[0][chosen] < 0).all(dim=1).sum())
        if empty:
            warnings.warn(f"{empty} of {len(chosen)} samples were heard only by receivers that the networks were not "
                          "trained on: their inputs are empty, and their locations are meaningless", stacklevel=2)
        return predictions.collect(ensemble.describe(samples, chosen), dataset, chosen, labels, ensemble.attrs())

    def save(self, folder: str | Path) -> Path:
        """Write the weights of the members (safetensors) and a JSON header with recipe, grid and RSS ranges."""
        ensemble = self.fitted()
        header = {"format": FORMAT, "recipe": asdict(self.recipe), "grid": asdict(ensemble.grid),
                  "ranges_db": self.ranges}
        return weights.save(folder, _files(ensemble), header)

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> "Localizer":
        """Read what `save` wrote. Errors: InputError naming the file that is missing or of another format."""
        def build(header: dict) -> Localizer:
            settings = dict(header["recipe"])
            if settings.pop("collision", "last") != "last":    # older versions knew other rules
                raise InputError(f"{folder}: collision is {header['recipe']['collision']!r}; this version knows 'last' "
                                 "only: train it again")
            localizer = cls(Recipe(**settings), device)
            localizer.ranges = {name: tuple(ends) for name, ends in header["ranges_db"].items()}
            localizer.ensemble = Ensemble(localizer.recipe, grids.Grid(**header["grid"]), localizer.device)
            return localizer

        localizer = weights.load_header(folder, FORMAT, build)
        weights.load(folder, _files(localizer.fitted()), str(localizer.device))
        return localizer

    def fitted(self) -> Ensemble:
        """Return the trained ensemble. Errors: InputError before `fit` or `load`."""
        if self.ensemble is None:
            raise InputError("this localizer has no networks yet; call fit, or Localizer.load")
        return self.ensemble


def _files(ensemble: Ensemble) -> dict:
    return {f"member{number}": network for number, network in enumerate(ensemble.members)}


def _named(sets: Mapping[str, np.ndarray], task: str) -> Mapping[str, np.ndarray]:
    if not isinstance(sets, Mapping):
        raise InputError(f"{task}: sets is of type {type(sets).__name__}; expected index sets by name, such as "
                         '{"test": indices} or what splits.make returns')
    return sets
