"""Radio maps as a localizer: fitted to measurements, they give a posterior over the pixels for each sample."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib.arguments import check_type
from rsslib.data import grid as grids
from rsslib.data import index_sets, measurements
from rsslib.localization import predictions
from rsslib.project import InputError, InputWarning
from rsslib.radio_maps import decoders, map_files, regions
from rsslib.radio_maps.calibration import Calibration, calibrated
from rsslib.radio_maps.maps import Maps, build
from rsslib.radio_maps.recipe import MapRecipe

_METRES = ("x_mean", "y_mean", "x_median", "y_median")


class RadioMaps:
    """Localizes one transmitter with a Gaussian-process map of what each receiver would read of it.

        r_s(x) = A_s + n_s log10 d(x, x_s) + f_s(x) + e,  f_s ~ GP(0, k),  p(x | r) ~ prod_s t_nu(r_s; mu_s, v_s + s^2)

    Near the training samples a map is a fingerprint; far away it falls back to the path loss, and its variance grows. A
    receiver that moves has the path loss alone. The prior is uniform over the pixels.
    Parameters: recipe, `MapRecipe()` by default. Errors: InputError for another.
    Source: Schwaighofer et al., GPPS: a Gaussian process positioning system for cellular networks, 2003; Ferris,
    Haehnel and Fox, Gaussian processes for signal strength-based location estimation, 2006.

    >>> from rsslib.data import campus
    >>> dataset = campus.make(n_april=0, n_july=60, n_november=0)
    >>> maps = RadioMaps(MapRecipe(pixel_m=120.0)).fit(dataset, range(50))
    >>> maps.predict(dataset, {"test": range(50, 60)}).sizes["sample"]
    10
    """

    def __init__(self, recipe: MapRecipe | None = None):
        self.recipe = MapRecipe() if recipe is None else recipe
        check_type("recipe", self.recipe, MapRecipe)
        self.maps: Maps | None = None

    def fit(self, dataset: xr.Dataset, train: np.ndarray | None = None) -> "RadioMaps":
        """Fit the maps to the samples `train`, indices (None: all).

        Errors: those of `measurements.validate`, `index_sets.indices` and `grid.covering`; InputError for an unknown
        location in `train`.
        """
        self.maps = fitted(dataset, train, self.recipe)
        return self

    def predict(self, dataset: xr.Dataset, sets: Mapping[str, np.ndarray] | None = None) -> xr.Dataset:
        """Return predictions (see `rsslib.localization.predictions`) for the samples of `sets`, or for all.

        The posterior is the image of one member, whose x and y are the largest pixel; x_hat, y_hat are those of the
        recipe's decoder. Further variables: x_mean, y_mean (posterior mean) and x_median, y_median (posterior median of
        each coordinate) [m]; entropy of the posterior [nat]; map_std, standard deviation of the maps of the receivers
        that heard the sample, averaged over them and the posterior [dB]; log_evidence, log p(r) [nat]; mass, of the
        pixels that are more probable than the transmitter's (see `regions`), NaN where its location is unknown.
        Input: dataset (measurements); sets, index sets by name, which may share samples.
        Errors: those of `measurements.validate` and `index_sets.checked`; InputError before `fit`, or without a set.
        Warns with InputWarning of samples that no receiver with a map heard.
        """
        maps = self.fitted()
        size = measurements.validate(dataset, "the data set to localize").sizes["sample"]
        sets = {"all": np.arange(size)} if sets is None else index_sets.checked(sets, size, "predict", disjoint=())
        if not sets:
            raise InputError("predict: no sets; expected at least one, or None for all samples")
        chosen = np.concatenate(list(sets.values()))
        labels = np.concatenate([np.full(len(indices), name) for name, indices in sets.items()])
        empty = int((~np.isfinite(dataset.rss.values[chosen][:, maps.columns(dataset)[0]]).any(axis=1)).sum())
        if empty:
            warnings.warn(f"predict: {empty} of {len(chosen)} samples were heard only by receivers without a map: "
                          "their posterior is the prior, and their locations are meaningless; leave them out",
                          InputWarning, stacklevel=2)
        parts = [describe(maps, dataset, *batch) for batch in maps.posteriors(dataset, chosen)]
        described = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        found = predictions.collect(described, dataset, chosen, labels, self.attrs())
        for name, units in ((*((name, "m") for name in _METRES), ("entropy", "nat"), ("log_evidence", "nat"),
                             ("map_std", "dB"))):
            found[name].attrs["units"] = units
        return found

    def log_posterior(self, dataset: xr.Dataset, samples: np.ndarray) -> Iterator[Tensor]:
        """Yield log p(x | r) of the samples (indices) in batches, (batch, height, width); each sums to 1 over pixels.

        Errors: those of `measurements.validate` and `index_sets.indices`; InputError before `fit`.
        """
        maps = self.fitted()
        size = measurements.validate(dataset, "the data set to localize").sizes["sample"]
        samples = index_sets.indices(samples, size, "log_posterior: samples", repeated=True)
        return (posterior for _, posterior, _ in maps.posteriors(dataset, samples))

    def calibrate(self, dataset: xr.Dataset, samples: np.ndarray, tau_db: float = 4.0, rounds: int = 3,
                  force: bool = False) -> Calibration:
        """Give each receiver the offset that `calibration.calibrated` finds, or none where that refuses.

        Samples, indices, may have unknown transmitters. Parameters and errors: those of `calibrated`; InputError before
        `fit`. The returned `applied` and `reason` say what was done; a refused calibration leaves all offsets at 0.
        """
        found = calibrated(self.fitted(), dataset, samples, tau_db, rounds, force)
        self.maps = found.maps
        return found

    def save(self, folder: str | Path) -> Path:
        """Write the maps into `folder`, as one NetCDF file that is there as a whole or not at all."""
        return map_files.save(self.fitted(), folder)

    @classmethod
    def load(cls, folder: str | Path) -> "RadioMaps":
        """Read what `save` wrote. Errors: InputError naming the file that is missing, damaged or of another format."""
        maps = map_files.load(folder)
        found = cls(maps.recipe)
        found.maps = maps
        return found

    def attrs(self) -> dict:
        """Return recipe, grid and version of torch, for the attributes of a predictions file."""
        return {"method": "radio maps", **asdict(self.recipe), **asdict(self.fitted().grid), "device": "cpu",
                "computed_in": self.recipe.precision, "torch": torch.__version__}

    def fitted(self) -> Maps:
        """Return the maps. Errors: InputError before `fit` or `load`."""
        if self.maps is None:
            raise InputError("these radio maps are not fitted yet; call fit, or RadioMaps.load")
        return self.maps


def fitted(dataset: xr.Dataset, train: np.ndarray | None, recipe: MapRecipe) -> Maps:
    """Return the maps of checked samples; see `RadioMaps.fit`."""
    size = measurements.validate(dataset, "the data set to fit").sizes["sample"]
    train = np.arange(size) if train is None else index_sets.indices(train, size, "fit: train")
    unknown = np.isnan(grids.transmitters(dataset)[0][train])
    if unknown.any():
        raise InputError(f"fit: sample {train[unknown.argmax()]} has no known transmitter location ({unknown.sum()} of "
                         f"{len(unknown)} samples); leave it out")
    torch.set_num_threads(recipe.threads)
    return build(dataset, train, grids.covering(dataset, recipe.pixel_m), recipe)


def describe(maps: Maps, dataset: xr.Dataset, samples: np.ndarray, log_posterior: Tensor,
             evidence: Tensor) -> dict[str, np.ndarray]:
    """Return what `predictions.describe` and `RadioMaps.predict` say of a batch."""
    posterior = log_posterior.exp()
    found = predictions.describe(posterior[:, None], maps.grid)
    for suffix, decoder in (("hat", maps.recipe.decoder), ("mean", "mean"), ("median", "median")):
        x, y = decoders.decode(posterior, maps.grid, decoder)
        found |= {f"x_{suffix}": x.numpy(), f"y_{suffix}": y.numpy()}
    entropy = -(posterior * log_posterior.clamp_min(-1e4)).sum((1, 2))
    x, y = (axis[samples] for axis in grids.transmitters(dataset))
    mass = np.where(np.isfinite(x), regions.scores(posterior, maps.grid, np.nan_to_num(x), np.nan_to_num(y)), np.nan)
    return found | {"entropy": entropy.clamp_min(0).numpy(), "log_evidence": evidence.numpy(), "mass": mass,
                    "map_std": map_std(maps, dataset, samples, posterior)}


def map_std(maps: Maps, dataset: xr.Dataset, samples: np.ndarray, posterior: Tensor) -> np.ndarray:
    """Return what `RadioMaps.predict` calls map_std, of a batch of checked samples, (batch,) [dB]."""
    columns, numbers = maps.columns(dataset)
    heard = np.isfinite(dataset.rss.values[np.ix_(samples, columns)])
    deviation = np.where(maps.moves[:, None, None], maps.recipe.prior_variance ** 0.5, np.sqrt(maps.variance))
    spread = posterior.flatten(1) @ torch.from_numpy(deviation[numbers].astype(maps.recipe.precision)).flatten(1).T
    return np.where(heard, spread.numpy(), 0).sum(axis=1) / np.maximum(heard.sum(axis=1), 1)
