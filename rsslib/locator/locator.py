"""A localizer for receivers of your own: fitted to measurements, it locates tables and says how far to trust it."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from torch import Tensor

from rsslib.arguments import check_choice, check_type, shown, whole
from rsslib.data import grid as grids
from rsslib.data import measurements
from rsslib.data.positions import LOCAL, SITE_M
from rsslib.locator import held_out, model_files, scale
from rsslib.locator.model_files import Model
from rsslib.project import InputError, InputWarning
from rsslib.radio_maps import calibration, decoders, regions
from rsslib.radio_maps.fed import FedLocalizer, Product
from rsslib.radio_maps.fed_recipe import FedRecipe
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.maps import Maps
from rsslib.radio_maps.recipe import MapRecipe
from rsslib.tables import reading, systems

FEWEST_SAMPLES, FEWEST_SENSORS = 30, 3
DOUBTFUL = 0.1
"""A place is trusted unless this share of the held-out samples, or fewer, was less sure."""
MATTERED = 3
"""So many receivers are named that mattered most."""
_MANY = 30
"""Of so many samples each sensor of the fit is expected to have heard one."""
_STEPS = np.linspace(0, 1, 201)


class Locator(BaseEstimator):
    """Locates transmitters on a site of any size with radio maps, and on request with networks that learn from them.

    Parameters: network, train networks, too (one to two minutes per 1,000 samples on two cores); seed, of what is
    held out and of the networks; threads of the processor. It follows scikit-learn: `get_params`, `set_params`,
    `clone`, `score`. After `fit`: self_test_, a SelfTest by what was held out (`held_out.TIMES` or `PLACES`, and of the
    maps alone `CELLS`, if enough of the site was visited).

    >>> from rsslib.data import campus
    >>> site = campus.make(n_april=0, n_july=90, n_november=0)
    >>> found = Locator().fit(site.isel(sample=slice(80))).locate(site.isel(sample=slice(80, None)))
    >>> len(found), found.columns[:4].tolist()
    (10, ['time', 'x', 'y', 'lat'])
    """

    def __init__(self, network: bool = False, seed: int = 0, threads: int = 2):
        self.network, self.seed, self.threads = network, seed, threads

    def fit(self, dataset: xr.Dataset, y: object = None) -> "Locator":
        """Fit to the samples of `dataset` (see `tables.read_table`) whose transmitter's place is known.

        Errors: those of `measurements.validate` and `scale.of`; InputError for fewer than FEWEST_SAMPLES samples,
        or FEWEST_SENSORS sensors. `y` is ignored, as scikit-learn has it.
        """
        check_type("network", self.network, bool)
        whole("seed", self.seed, 0, 2**31), whole("threads", self.threads, 1, 1024)
        measurements.validate(dataset, "the data set to fit")
        known = dataset.isel(sample=np.flatnonzero(np.isfinite(grids.transmitters(dataset)[0])))
        heard = np.isfinite(known.rss.values).any(axis=0)
        if known.sizes["sample"] < FEWEST_SAMPLES or heard.sum() < FEWEST_SENSORS:
            heard_by = f", heard by {heard.sum()} sensors" if heard.any() else ""
            raise InputError(f"{dataset.attrs['source']}: {known.sizes['sample']} of {dataset.sizes['sample']} samples "
                             f"with a known place of the transmitter{heard_by}; expected at least {FEWEST_SAMPLES}, "
                             f"and {FEWEST_SENSORS} sensors: check the columns tx_lat and tx_lon, or measure more")
        self.__dict__.pop("model_", None)    # a fit that fails leaves none
        self.scale_ = scale.of(known)
        self.crs_ = systems.checked_zone(known.attrs["crs"], "the data set to fit: crs")
        self.input_crs_ = systems.checked(known.attrs.get("input_crs", self.crs_), "the data set to fit: input_crs")
        self.source_, self.samples_ = known.attrs["source"], known.sizes["sample"]
        self.not_heard_ = np.atleast_1d(known.attrs.get("not_heard", [])).astype(float).tolist()
        self.places_ = np.stack(grids.transmitters(known), axis=1)[:: max(1, known.sizes["sample"] // 2000)]
        scaled, recipe = self.scale_.scaled(known), MapRecipe(threads=int(self.threads))
        model, name, measured = self._trained(scaled, recipe)
        self.sensors_ = _standing(known, model_files.maps_of(model))
        self.regions_ = {regions.PROMISES[0]: measured.regions(regions.PROMISES[0])}
        self.self_test_ = {name: self._tested(measured, measured.coverage(0.9))}
        self.doubts_ = np.quantile(measured.doubts, _STEPS, axis=0)
        self.surest_ = np.quantile(self._rank(measured.doubts), _STEPS)
        if not self.network:    # it would take several trainings
            self._test_cells(scaled, recipe)
        self.model_ = model    # last: an interrupted fit is none
        return self

    def _trained(self, scaled: xr.Dataset, recipe: MapRecipe) -> tuple[Model, str, held_out.HeldOut]:
        name, folds = held_out.of_the_measured(scaled, self.seed)
        if not self.network:
            measured = held_out.located(scaled, folds, recipe, name)
            return RadioMaps(recipe).fit(scaled), name, measured
        kept, val = folds[0]
        fed = FedLocalizer(FedRecipe(maps=recipe, seed=int(self.seed))).fit(scaled, {"train": kept, "val": val})
        return fed, name, held_out.of_posteriors(Product(fed), fed.fitted()[0], scaled, val, recipe.decoder)

    def _test_cells(self, scaled: xr.Dataset, recipe: MapRecipe) -> None:
        """Calibrate regions for unseen cells, and see how often those for seen places hold there."""
        try:
            folds = held_out.in_unmeasured_cells(scaled, self.seed)
        except InputError:    # too few cells were visited
            return
        unseen = held_out.located(scaled, folds, recipe, held_out.CELLS)
        self.regions_[regions.PROMISES[1]] = unseen.regions(regions.PROMISES[1])
        within = np.mean(unseen.score <= self.regions_[regions.PROMISES[0]].threshold(0.9))
        self.self_test_[held_out.CELLS] = self._tested(unseen, float(within))

    @property
    def test_of_seen_(self) -> held_out.SelfTest:
        """The self-test of places like the measured ones. Errors: InputError before `fit`."""
        self._fitted()
        return next(iter(self.self_test_.values()))

    def _tested(self, found: held_out.HeldOut, covered: float) -> held_out.SelfTest:
        median, most = np.quantile(found.error / self.scale_.factor, [0.5, 0.9])
        return held_out.SelfTest(len(found.error), float(median), float(most), covered)

    def locate(self, readings: xr.Dataset | reading.Table, sensors: reading.Table | None = None, *, crs: object = None,
               not_heard: ArrayLike | None = None, skip_bad: bool = False, layout: str | None = None,
               promise: str = regions.PROMISES[0]) -> pd.DataFrame:
        """Return a row for each sample of measurements or of a table.

        Columns: given_sample, of tables with samples; time; x, y, the place in the system of the fitted table; lat, lon
        [degrees] unless that is "local"; confidence, the share of held-out samples that were less sure (by the width of
        the posterior, or the uncertainty of the maps there, whichever is the worse); trusted, whether above DOUBTFUL;
        sensors, those that mattered most; area50_km2 and area90_km2, and region50 and region90, the regions (shapely,
        in longitude and latitude, or in local metres), which hold the transmitter with that probability at places of
        the `promise`: "seen places", like those that were measured, or "unseen cells", which were not.
        Input: as `tables.read_table`; sensors, None for those of the fit; crs, None for that of the fit.
        Errors: those of `read_table`; InputError before `fit`, for no sensor of the fit, sensors far from its places,
        or another promise.
        Warns with InputWarning of samples that no sensor of the fit heard, which get no place, and of sensors of a
        table that the fit does not know, misses, or knows elsewhere.
        """
        self._fitted()
        check_choice("promise", promise, self.regions_)
        dataset = readings if isinstance(readings, xr.Dataset) else self.read(
            readings, sensors, crs=crs, not_heard=not_heard, skip_bad=skip_bad, layout=layout)
        scaled = self._scaled(dataset, "the data set to locate")
        columns, _ = self._maps().columns(scaled)
        heard = np.isfinite(scaled.rss.values[:, columns]).any(axis=1)
        if not heard.any():
            raise InputError(f"{dataset.attrs['source']}: no sample was heard by a sensor of the fit "
                             f"({', '.join(self._maps().sensors[:5])}, ...); check the names of the sensors")
        for told in [] if readings is dataset else self._told_of_sensors(scaled):
            warnings.warn(f"{dataset.attrs['source']}: {told}", InputWarning, stacklevel=2)
        if not heard.all():
            warnings.warn(f"{dataset.attrs['source']}: {(~heard).sum()} of {len(heard)} samples were heard by no "
                          "sensor of the fit; they get no place", InputWarning, stacklevel=2)
        parts = pd.concat(self._rows(scaled, np.flatnonzero(heard), self.regions_[promise])).reindex(range(len(heard)))
        parts["trusted"] = parts.trusted.fillna(False).astype(bool)
        return self._in_systems(parts, dataset, promise)

    def _told_of_sensors(self, scaled: xr.Dataset) -> Iterator[str]:
        """Yield what is odd about the sensors of a table, beside those of the fit."""
        maps, rss = self._maps(), scaled.rss.values
        columns, numbers = maps.columns(scaled)
        heard = np.isfinite(rss).any(axis=0)
        names, known = scaled.sensor.values, {*maps.sensors}
        if strange := [name for name in names[heard].tolist() if name not in known]:
            yield f"sensors that the fit does not know are not used: {len(strange)}, {shown(', '.join(strange))}"
        if (silent := sorted(known - {*names[heard].tolist()})) and len(rss) >= _MANY:
            yield (f"sensors of the fit without a reading: {len(silent)}, {shown(', '.join(silent))}; have they "
                   "another name here?")
        away = np.hypot(*(scaled[f"sensor_{axis}"].values[:, columns] - maps.home[numbers, number]
                          for number, axis in enumerate("xy")))
        moved = (np.where(np.isfinite(rss[:, columns]), away, np.nan) > maps.grid.pixel_m).any(axis=0)
        if moved.any():    # a receiver that moved in the fit has no home, NaN, and is not among them
            yield (f"sensors that are not where they were in the fit: {moved.sum()}, "
                   f"{shown(', '.join(names[columns[moved]]))}; a path loss stands for their maps: check their places")

    def calibrate(self, readings: xr.Dataset | reading.Table, force: bool = False) -> calibration.Calibration:
        """Return the offset of each receiver on readings of unknown transmitters, as `calibration.calibrated` finds it.

        The locator stays as it is: `locate(found.maps.corrected(measurements))` uses the offsets that were `found`.
        Input: measurements or a table, as for `locate`; force, to keep offsets whatever the tests say.
        Errors: those of `read` and `calibrated`; InputError before `fit`, or for another system than that of the fit.
        """
        self._fitted()
        dataset = readings if isinstance(readings, xr.Dataset) else self.read(readings)
        scaled = self._scaled(dataset, "the data set to calibrate on")
        torch.set_num_threads(int(self.threads))
        return calibration.calibrated(self._maps(), scaled, np.arange(scaled.sizes["sample"]), force=force)

    def read(self, readings: reading.Table, sensors: reading.Table | None = None, *, crs: object = None,
             not_heard: ArrayLike | None = None, skip_bad: bool = False, layout: str | None = None) -> xr.Dataset:
        """Read a table as `read_table` does, with sensors, system, zone and not_heard of the fit by default.

        Readings of sensors that the fit does not know are then left out, with a warning.
        """
        self._fitted()
        crs = self.input_crs_ if crs is None else crs
        own = sensors is None
        not_heard = (self.not_heard_ or None) if not_heard is None else not_heard
        standing = None if self.sensors_.empty else self.sensors_    # all may move: their places stand in the table
        return reading.read_table(readings, standing if own else sensors, crs=crs, not_heard=not_heard,
                                  skip_bad=skip_bad, layout=layout, zone=self.crs_,
                                  sensors_crs=self.crs_ if own else None, skip_unknown=own)

    def score(self, dataset: xr.Dataset, y: object = None) -> float:
        """Return minus the median error [m], so that larger is better, as scikit-learn wants it.

        Errors: those of `locate`; InputError without a sample whose transmitter's place is known.
        """
        check_type("score: dataset", dataset, xr.Dataset, "measurements, as Locator.read returns them")
        found = self.locate(dataset)
        true_x, true_y = grids.transmitters(dataset)
        if not np.isfinite(true_x).any():
            raise InputError("score: no sample has a known place of the transmitter; expected at least one")
        x, y_ = systems.transform(self.input_crs_, self.crs_, found.x.to_numpy(), found.y.to_numpy())
        return -float(np.nanmedian(np.hypot(x - true_x, y_ - true_y)))

    def save(self, folder: str | Path) -> Path:
        """Write maps (NetCDF), networks (safetensors) and a JSON header into a folder. Errors: InputError before `fit`.
        """
        self._fitted()
        return model_files.save({name: getattr(self, name) for name in model_files.KEPT}, self.get_params(), folder)

    @classmethod
    def load(cls, folder: str | Path) -> "Locator":
        """Read what `save` wrote. Errors: InputError naming the file that is missing, damaged or of another saving."""
        kept, params = model_files.load(folder)
        found = cls(**params)
        found.__dict__.update(kept)
        return found

    def _scaled(self, dataset: xr.Dataset, name: str) -> xr.Dataset:
        """Return checked measurements in scaled metres, without what they say of the transmitters."""
        measurements.validate(dataset, name)
        if systems.checked_zone(dataset.attrs["crs"]) != self.crs_:
            raise InputError(f"{name} is in {dataset.attrs['crs']}, the model in {self.crs_}; expected the same: read "
                             "it with Locator.read")
        apart = np.hypot(*(np.nanmedian(dataset[f"sensor_{axis}"]) - np.median(self.places_[:, number])
                           for number, axis in enumerate("xy")))
        if apart > SITE_M:
            raise InputError(f"{dataset.attrs['source']}: its sensors are {apart / 1000:.0f} km from the places of the "
                             "fit; expected one site: check the places of the sensors (--sensors) and their crs")
        unknown = xr.full_like(dataset.tx_x, np.nan)
        return self.scale_.scaled(dataset.assign(tx_x=unknown, tx_y=unknown))

    def _rows(self, scaled: xr.Dataset, samples: np.ndarray, calibrated: regions.Regions) -> Iterator[pd.DataFrame]:
        """Yield what is found of samples, batch by batch: places in metres, regions as masks of pixels."""
        model = Product(self.model_) if isinstance(self.model_, FedLocalizer) else self._maps()
        torch.set_num_threads(int(self.threads))
        for batch, log_posterior, _ in model.posteriors(scaled, samples):
            posterior = log_posterior.exp()
            at = decoders.decode(posterior, model.grid, self._maps().recipe.decoder)
            x, y = self.scale_.metres(*(axis.numpy() for axis in at))
            rank = self._rank(held_out.doubts(self._maps(), scaled, batch, log_posterior))
            sure = np.interp(rank, self.surest_, _STEPS)
            columns: dict[str, Any] = {"x": x, "y": y, "confidence": sure, "trusted": sure > DOUBTFUL}
            columns["sensors"] = _mattered(self._maps(), scaled, batch, log_posterior)
            scores = regions.pixel_scores(posterior)
            for level in held_out.LEVELS:
                masks, name = (scores <= calibrated.threshold(level)).numpy(), round(100 * level)
                columns[f"area{name}_km2"] = masks.sum((1, 2)) * (self.scale_.pixel_m / 1000) ** 2
                columns[f"region{name}"] = [self._outline(mask, model.grid) for mask in masks]
            yield pd.DataFrame(columns, index=batch)

    def _rank(self, doubts: np.ndarray) -> np.ndarray:
        """Return the share of held-out samples that had more of the doubt that weighs heavier, (batch,)."""
        more = [1 - np.interp(doubt, held, _STEPS) for doubt, held in zip(doubts.T, self.doubts_.T)
                if held[-1] - held[0] > 1e-3]    # the maps of receivers that move have the same variance everywhere
        return np.min(more, axis=0) if more else np.ones(len(doubts))

    def _outline(self, mask: np.ndarray, grid: grids.Grid) -> Any:
        """Return the outline of a region, in longitude and latitude unless the site is in local metres."""
        import shapely

        def placed(points: np.ndarray) -> np.ndarray:
            metres = self.scale_.metres(*points.T)
            return np.stack(metres if self.crs_ == LOCAL else systems.transform(self.crs_, systems.DEGREES, *metres), 1)
        found = shapely.transform(regions.polygon(mask, grid), placed)
        west, _, east, _ = found.bounds
        return found if self.crs_ == LOCAL or east - west < 180 else _cut(found)

    def _in_systems(self, found: pd.DataFrame, dataset: xr.Dataset, promise: str) -> pd.DataFrame:
        metres = found.x.to_numpy(np.float64), found.y.to_numpy(np.float64)
        columns: dict[str, Any] = {name: dataset[name].values for name in ("given_sample", "time") if name in dataset}
        columns["x"], columns["y"] = systems.transform(self.crs_, self.input_crs_, *metres)
        if self.crs_ != LOCAL:
            columns["lat"], columns["lon"] = systems.transform(self.crs_, systems.DEGREES, *metres)[::-1]
        result = pd.DataFrame({**columns, **{name: found[name] for name in found.columns if name not in ("x", "y")}})
        result.attrs = {"crs": self.input_crs_, "promise": promise}
        return result

    def _maps(self) -> Maps:
        return model_files.maps_of(self.model_)

    def _fitted(self) -> None:
        if not hasattr(self, "model_"):
            raise InputError("this locator is not fitted yet; call fit, or Locator.load")


def _cut(region: Any) -> Any:
    """Return a region that crosses the 180th meridian as parts on either side of it, as GeoJSON has them."""
    import shapely

    whole = shapely.transform(region, lambda points: np.stack([points[:, 0] % 360, points[:, 1]], 1))
    east = shapely.intersection(whole, shapely.box(0, -90, 180, 90))
    west = shapely.intersection(whole, shapely.box(180, -90, 360, 90))
    return shapely.union(east, shapely.transform(west, lambda points: points - [360, 0]))


def _standing(dataset: xr.Dataset, maps: Maps) -> pd.DataFrame:
    """Return the place of each sensor that has a map and stands still, for tables without a table of sensors."""
    still = [name for name, moves in zip(maps.sensors, maps.moves) if not moves]
    chosen = dataset.isel(sensor=np.flatnonzero(np.isin(dataset.sensor.values, still)))
    x, y = (np.nanmedian(chosen[f"sensor_{axis}"].values, axis=0) for axis in "xy")
    return pd.DataFrame({"sensor": chosen.sensor.values.astype(str), "x": x, "y": y})


def _mattered(maps: Maps, dataset: xr.Dataset, samples: np.ndarray, log_posterior: Tensor) -> list[str]:
    """Return the receivers whose reading changes each posterior most: by KL(p, p without it)."""
    posterior, changes = log_posterior.flatten(1).exp(), torch.zeros(len(samples), len(maps.sensors))
    for heard in maps.readings(dataset, samples):
        spread = (heard.variance + float(maps.recipe.noise_db) ** 2).sqrt()
        own = torch.distributions.StudentT(float(maps.recipe.freedom), heard.mean, spread).log_prob(heard.rss)
        p = posterior[heard.rows].to(own.dtype)
        without = (log_posterior.flatten(1)[heard.rows] - own).logsumexp(1)
        changes[heard.rows, heard.sensor] = ((p * own).sum(1) + without).float()
    most = changes.topk(min(MATTERED, len(maps.sensors)), dim=1)
    return [", ".join(maps.sensors[number] for number, value in zip(numbers, values) if value > 0)
            for numbers, values in zip(most.indices.tolist(), most.values.tolist())]
