"""The user's object: fit an ensemble to measurements, locate transmitters, save it, load it."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.data import grid as grids
from rsslib.data import measurements, splits
from rsslib.localization import predictions
from rsslib.localization.ensemble import Ensemble, Recipe, Samples, choose_device
from rsslib.localization.training import Trainer
from rsslib.project import InputError, atomic_path

FORMAT = "rsslib-localizer-1"


def _checked(sets: Mapping[str, np.ndarray], task: str) -> Mapping[str, np.ndarray]:
    if not isinstance(sets, Mapping):
        raise InputError(f"{task}: sets is of type {type(sets).__name__}; expected index sets by name, such as "
                         '{"test": indices} or what splits.make returns')
    return sets


class Localizer:
    """Localizes one transmitter from received signal strengths, with an ensemble of CNNs.

    Example
    -------
    >>> localizer = Localizer(Recipe(network="compact", epochs=30)).fit(measurements)   # doctest: +SKIP
    >>> localizer.predict(new_measurements).x_hat       # easting [m]                   # doctest: +SKIP
    >>> localizer.save("models/campus")                                                 # doctest: +SKIP
    """

    def __init__(self, recipe: Recipe | None = None, device: str = "auto"):
        self.recipe = recipe or Recipe()
        self.device = choose_device(device)
        self.ensemble: Ensemble | None = None
        self.ranges: grids.Scaling = {}
        self.trainer: Trainer | None = None

    def fit(self, dataset: xr.Dataset, sets: dict[str, np.ndarray] | None = None,
            checkpoint: str | Path | None = None, watch: tuple[str, ...] = ()) -> "Localizer":
        """Train on `sets["train"]`, stopped by `sets["val"]` (default: the Random split). See `Trainer`."""
        measurements.validate(dataset, "the data set to fit")
        sets = splits.make(dataset, "random") if sets is None else _checked(sets, "fit")
        self.trainer = Trainer(dataset, sets, self.recipe, checkpoint, watch, str(self.device))
        self.ensemble, self.ranges = self.trainer.fit(), self.trainer.ranges
        return self

    def _fitted(self) -> Ensemble:
        if self.ensemble is None:
            raise InputError("this localizer has no networks yet; call fit, or Localizer.load")
        return self.ensemble

    def samples(self, dataset: xr.Dataset) -> Samples:
        """Return `dataset` as the networks see it: on the grid and with the RSS ranges of the training."""
        grid = self._fitted().grid
        drawn = grids.draw(dataset, grid, self.ranges, self.recipe.collision)
        return Samples(dataset, grid, drawn, self.device)

    def predict(self, dataset: xr.Dataset, sets: dict[str, np.ndarray] | None = None) -> xr.Dataset:
        """Return the predictions (see `rsslib.predictions`) for the samples of `sets`, or for all of them."""
        ensemble = self._fitted()
        measurements.validate(dataset, "the data set to localize")
        sets = {"all": np.arange(dataset.sizes["sample"])} if sets is None else _checked(sets, "predict")
        chosen = np.concatenate([[], *sets.values()]).astype(np.int64)
        if not len(chosen):
            raise InputError("predict: no samples; expected at least one index in `sets`")
        labels = np.concatenate([np.full(len(samples), name) for name, samples in sets.items()])
        samples = self.samples(dataset)
        unheard = int((samples.sensors[0][chosen] < 0).all(dim=1).sum())
        if unheard:
            warnings.warn(f"{unheard} of {len(chosen)} samples were heard only by receivers that the networks were not "
                          "trained on: their inputs are empty, their locations mean nothing", stacklevel=2)
        said = ensemble.describe(samples, chosen)
        return predictions.collect(said, dataset, chosen, labels, ensemble.attrs())

    def save(self, folder: str | Path) -> Path:
        """Write the members' weights (safetensors) and a JSON header with recipe, grid and RSS ranges."""
        from safetensors.torch import save  # here, not above: training itself does without it

        ensemble, folder = self._fitted(), Path(folder)
        for number, net in enumerate(ensemble.members):
            with atomic_path(folder / f"member{number}.safetensors") as temporary:
                # safetensors keeps values, not memory formats
                temporary.write_bytes(save({key: value.contiguous() for key, value in net.state_dict().items()}))
        header = {"format": FORMAT, "recipe": asdict(self.recipe), "grid": asdict(ensemble.grid),
                  "ranges_db": self.ranges}
        with atomic_path(folder / "header.json") as temporary:
            temporary.write_text(json.dumps(header, indent=1) + "\n", encoding="utf-8")
        return folder

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> "Localizer":
        """Read what `save` wrote. Raises InputError naming the file that is missing or of another format."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        folder = Path(folder)
        try:
            header = json.loads((folder / "header.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{folder / 'header.json'}: not a localizer ({error}); expected a folder written by "
                             "Localizer.save") from None
        if header.get("format") != FORMAT:
            raise InputError(f"{folder / 'header.json'}: format is {header.get('format')!r}; expected {FORMAT!r}")
        try:
            localizer = cls(Recipe(**header["recipe"]), device)
            localizer.ranges = {name: tuple(ends) for name, ends in header["ranges_db"].items()}
            localizer.ensemble = Ensemble(localizer.recipe, grids.Grid(**header["grid"]), localizer.device)
        except (KeyError, TypeError) as error:
            raise InputError(f"{folder / 'header.json'}: a key is missing or unknown ({error}); expected a header "
                             "written by this version's Localizer.save") from None
        for number, net in enumerate(localizer.ensemble.members):
            path = folder / f"member{number}.safetensors"
            if not path.is_file():
                raise InputError(f"{path}: no such weights; the header names {localizer.recipe.members} members")
            try:
                net.load_state_dict(load_file(path, device=str(localizer.device)))
            except (SafetensorError, RuntimeError) as error:
                reason = str(error).partition("\n")[0]
                raise InputError(f"{path}: not the weights of this network ({reason}); save the localizer "
                                 "again") from None
        return localizer
