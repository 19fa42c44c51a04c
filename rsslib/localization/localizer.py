"""The localizer: fits an ensemble to measurements, predicts locations, is saved and loaded."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.arguments import check_type
from rsslib.data import grid as grids
from rsslib.data import index_sets, measurements
from rsslib.learning import weights
from rsslib.learning.devices import choose_device
from rsslib.localization import predictions
from rsslib.localization.ensemble import Ensemble, EnsembleTrainer, Recipe, Samples
from rsslib.project import InputError, InputWarning

FORMAT = "rsslib-localizer-2"


class Localizer:
    """Localizes one transmitter from received signal strength with an ensemble of CNNs.

    Parameters: recipe, the paper's by default; device, "auto", "cpu" or "cuda". Errors: InputError for others.

    >>> localizer = Localizer(Recipe(network="compact", epochs=30)).fit(dataset)   # doctest: +SKIP
    >>> localizer.predict(new_dataset).x_hat       # easting [m]                   # doctest: +SKIP
    >>> localizer.save("models/campus")                                            # doctest: +SKIP
    """

    def __init__(self, recipe: Recipe | None = None, device: str = "auto"):
        self.recipe = Recipe() if recipe is None else recipe
        check_type("recipe", self.recipe, Recipe)
        self.device = choose_device(device)
        self.ensemble: Ensemble | None = None
        self.ranges: grids.Scaling = {}
        self.trainer: EnsembleTrainer | None = None

    def fit(self, dataset: xr.Dataset, sets: Mapping[str, np.ndarray] | None = None,
            checkpoint: str | Path | None = None, watch: Sequence[str] = ()) -> "Localizer":
        """Train on `sets["train"]`, early stopping on `sets["val"]` (default: the Random split).

        The checkpoint file stays when the training is done, so that nothing is lost before it has been saved: call
        `trainer.checkpoint.remove()` after that. The other parameters and the errors are those of `EnsembleTrainer`.
        """
        self.trainer = EnsembleTrainer(dataset, sets, self.recipe, checkpoint, watch, str(self.device))
        self.trainer.fit()
        self.ensemble, self.ranges = self.trainer.ensemble, self.trainer.ranges
        return self

    def samples(self, dataset: xr.Dataset) -> Samples:
        """Return `dataset` as network inputs, with the grid and the RSS ranges of the training."""
        return Samples(dataset, self.fitted().grid, self.ranges, self.device)

    def predict(self, dataset: xr.Dataset, sets: Mapping[str, np.ndarray] | None = None) -> xr.Dataset:
        """Return the predictions (see `rsslib.localization.predictions`) for the samples of `sets`, or for all.

        Input: dataset (measurements); sets, index sets by name, which may share samples.
        Errors: those of `measurements.validate` and `index_sets.checked`; InputError before `fit`, or without a set.
        Warns with InputWarning of samples that only receivers unknown to the networks heard.
        """
        ensemble = self.fitted()
        size = measurements.validate(dataset, "the data set to localize").sizes["sample"]
        sets = {"all": np.arange(size)} if sets is None else index_sets.checked(sets, size, "predict", disjoint=())
        if not sets:
            raise InputError("predict: no sets; expected at least one, or None for all samples")
        chosen = np.concatenate(list(sets.values()))
        labels = np.concatenate([np.full(len(indices), name) for name, indices in sets.items()])
        samples = self.samples(dataset)
        empty = int((samples.sensors[0][chosen] < 0).all(dim=1).sum())
        if empty:
            warnings.warn(f"predict: {empty} of {len(chosen)} samples were heard only by receivers that the networks "
                          "were not trained on, or that lie outside of their grid: their inputs are empty, and their "
                          "locations are meaningless; leave them out", InputWarning, stacklevel=2)
        return predictions.collect(ensemble.describe(samples, chosen), dataset, chosen, labels, ensemble.attrs())

    def save(self, folder: str | Path) -> Path:
        """Write the weights of the members (safetensors) and a JSON header with recipe, grid and RSS ranges."""
        ensemble = self.fitted()
        header = {"format": FORMAT, "recipe": asdict(self.recipe), "grid": asdict(ensemble.grid),
                  "ranges_db": self.ranges}
        return weights.save(folder, _files(ensemble), header)

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> "Localizer":
        """Read what `save` wrote.

        Errors: InputError naming the file that is missing, damaged, edited, or of another format.
        """
        def build(header: dict) -> Localizer:
            localizer = cls(Recipe(**{field.name: header["recipe"][field.name] for field in fields(Recipe)}), device)
            localizer.ranges = {str(name): _range(*ends) for name, ends in header["ranges_db"].items()}
            localizer.ensemble = Ensemble(localizer.recipe, grids.Grid(**header["grid"]), localizer.device)
            return localizer

        localizer = weights.load_header(folder, FORMAT, build)
        weights.load(folder, FORMAT, _files(localizer.fitted()))
        return localizer

    def fitted(self) -> Ensemble:
        """Return the trained ensemble. Errors: InputError before `fit` or `load`."""
        if self.ensemble is None:
            raise InputError("this localizer has no networks yet; call fit, or Localizer.load")
        return self.ensemble


def _files(ensemble: Ensemble) -> dict:
    return {f"member{number}": network for number, network in enumerate(ensemble.members)}


def _range(low: float, high: float) -> tuple[float, float]:
    if not -np.inf < low < high < np.inf:
        raise ValueError(f"a receiver's range is {low} to {high} dB")
    return low, high
