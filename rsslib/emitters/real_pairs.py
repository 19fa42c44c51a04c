"""Two transmitters in real measurements: sums of one-transmitter samples, a network trained on them, baselines."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rsslib import files
from rsslib.arguments import array, check_type, numbers, whole
from rsslib.data import index_sets
from rsslib.data.grid import Grid, Scaling, draw, make, scaling, transmitters
from rsslib.data.measurements import validate
from rsslib.emitters.localizer import FORMAT, EmitterRecipe, Model, build, load_model, optimizer
from rsslib.emitters.loss import pit, training_loss
from rsslib.emitters.metrics import Scores, score
from rsslib.emitters.training import BATCH
from rsslib.learning import checkpoint, weights
from rsslib.learning.trainer import Trainer
from rsslib.localization import kept_images
from rsslib.localization.localizer import Localizer
from rsslib.project import InputError

_PLACES = ("tx_x", "tx_y")
SHARED = 6
"""Fewest receivers that must have heard both samples of a sum."""


def mix(dataset: xr.Dataset, samples: np.ndarray, count: int, shared: int = SHARED, seed: int = 0) -> xr.Dataset:
    """Return `count` samples, half as measured, half sums of two: r = 10 log10(10^(r_1/10) + 10^(r_2/10) - 10^(f/10)).

    f is the receiver's noise floor, its lowest reading among `samples`. Both readings contain the noise, which must
    count only once in their sum; otherwise a network learns to recognize sums by their doubled noise.

    A receiver that heard only one of the two keeps that reading. A shuttle keeps its position in the first sample, and
    is dropped if it moved more than 30 m. Two samples are added only if at least `shared` receivers heard both.

    Input: a Measurements Dataset with one transmitter per sample; samples, an index set of those to draw from; count,
    shared, seed, whole numbers. Output: rss, sensor_x, sensor_y (sample, sensor), tx_x, tx_y (sample, tx), NaN for an
    absent second transmitter.
    Errors: those of `measurements.validate` and `index_sets.indices`; InputError for fewer than two samples, one
    without a known transmitter, or if too few pairs share enough receivers.
    """
    validate(dataset, "mix: the measurements")
    for name, value, lowest in (("count", count, 1), ("shared", shared, 0), ("seed", seed, 0)):
        whole(f"mix: {name}", value, lowest, 2**63 if name == "seed" else 10**6)
    chosen = index_sets.indices(samples, dataset.sizes["sample"], "mix: samples")
    _check_samples(dataset, chosen, "mix: samples")
    return _mixed(dataset, chosen, count, shared, seed)


def _check_samples(dataset: xr.Dataset, samples: np.ndarray, name: str) -> None:
    unknown = np.isnan(transmitters(dataset)[0][samples])
    if len(samples) < 2 or unknown.any():
        raise InputError(f"{name} has {len(samples)} samples, {unknown.sum()} of them without a known transmitter; "
                         "expected at least two to add, all known")


def _mixed(dataset: xr.Dataset, samples: np.ndarray, count: int, shared: int, seed: int) -> xr.Dataset:
    random = np.random.default_rng(seed)
    first, second = _pairs(dataset, samples, count, shared, random)
    single = np.arange(count) % 2 == 0
    rss, x, y = (dataset[name].values for name in ("rss", "sensor_x", "sensor_y"))
    level = np.stack([rss[first], rss[second]]).astype(np.float64)
    moved = np.hypot(x[first] - x[second], y[first] - y[second]) > 30.0
    heard = np.isfinite(level)
    power = np.where(heard, 10 ** (level / 10), 0.0)
    floor = np.where(heard.all(axis=0), 10 ** (_floor(dataset, samples) / 10), 0.0)
    total = np.full(floor.shape, np.nan)
    kept = heard.any(axis=0) & ~moved
    total[kept] = 10 * np.log10(power.sum(axis=0)[kept] - floor[kept])
    total[single] = level[0][single]
    sensors = [np.where(np.isfinite(axis[first]) | single[:, None], axis[first], axis[second]) for axis in (x, y)]
    tx = [np.stack([axis[first], np.where(single, np.nan, axis[second])], axis=1) for axis in transmitters(dataset)]
    variables = {name: (("sample", "sensor"), value) for name, value in zip(
        ("rss", "sensor_x", "sensor_y"), (total.astype(np.float32), *sensors))}
    return xr.Dataset(variables | {"tx_x": (("sample", "tx"), tx[0]), "tx_y": (("sample", "tx"), tx[1])},
                      {"sensor": dataset.sensor, "sensor_kind": dataset.sensor_kind}, dataset.attrs)


def images(dataset: xr.Dataset, raster: Grid, ranges: Scaling) -> np.ndarray:
    """Return the scaled readings as images, (sample, row, column) float32: 0.1 + value where drawn, else 0."""
    _require("images: dataset", dataset, "rss", "sensor_x", "sensor_y")
    drawn = draw(dataset, raster, ranges)
    image = np.zeros((len(drawn.pixel), raster.height * raster.width), np.float32)
    rows, columns = np.nonzero(drawn.pixel >= 0)
    image[rows, drawn.pixel[rows, columns]] = 0.1 + drawn.value[rows, columns]
    return image.reshape(-1, *raster.shape)


def labels(dataset: xr.Dataset, raster: Grid) -> np.ndarray:
    """Return the label matrix, (sample, 2, 3) float32: existence 1 or 0, row and column over n - 1.

    Rows and columns are not rounded; all values of an absent transmitter are 0.
    """
    _require("labels: dataset", dataset, *_PLACES)
    column, row = raster.to_pixels(dataset.tx_x.values, dataset.tx_y.values)
    exists = np.isfinite(column) & np.isfinite(row)
    matrix = np.stack([exists, row / (raster.height - 1), column / (raster.width - 1)], axis=-1)
    return np.where(exists[..., None], matrix, 0).astype(np.float32)


def square(grid: Grid, cells: int) -> Grid:
    """Return a square grid of cells x cells pixels that covers `grid`, with the same south-west corner.

    Errors: InputError for a number of cells below 1.
    """
    check_type("square: grid", grid, Grid)
    whole("square: cells", cells, 1, 10**4)
    pixel = max(grid.width, grid.height) * grid.pixel_m / cells
    corner = grid.x0 - grid.pixel_m / 2 + pixel / 2, grid.y0 - grid.pixel_m / 2 + pixel / 2
    return Grid(*corner, cells, cells, pixel)


class PairTrainer(Trainer):
    """Trains a localizer for up to two transmitters on mixed samples, and keeps the epoch of lowest loss on `val`.

    Each epoch has a new `mix` of the set `train`; validation is on one `mix` of `val`.

    Parameters: dataset (measurements), sets (index sets with `train` and `val`), recipe; path, of the checkpoint (see
    `Trainer.fit`).
    Attributes: model; raster, the square grid of its images.
    Errors: those of `mix` and `index_sets.checked`; InputError for a recipe of another n_max than 2, or a training that
    diverges.
    """

    def __init__(self, dataset: xr.Dataset, sets: Mapping[str, np.ndarray], recipe: EmitterRecipe,
                 path: str | Path | None = None):
        validate(dataset, "the data set to fit")
        sets = index_sets.checked(sets, dataset.sizes["sample"], "fit", needed=("train", "val"))
        for name in ("train", "val"):
            _check_samples(dataset, sets[name], f"fit: the set {name!r}")
        check_type("recipe", recipe, EmitterRecipe)
        if recipe.n_max != 2:
            raise InputError(f"recipe: n_max is {recipe.n_max}; expected 2, since two samples are added")
        torch.set_num_threads(recipe.threads)
        self.dataset, self.sets, self.recipe = dataset, sets, recipe
        self.raster, self.ranges = square(make(dataset), recipe.n), scaling(dataset, sets["train"])
        self.model = build(recipe, "cpu")
        self.batch_size = min(recipe.batch_size, recipe.samples)
        self.steps = recipe.samples // self.batch_size
        self.val = self._drawn("val", recipe.val_samples, 10**6 + recipe.seed)
        super().__init__("two transmitters", [self.model.net],
                         [optimizer(recipe, self.model, recipe.epochs * self.steps)], [recipe.seed], recipe.epochs,
                         path=path)

    def batch_losses(self, number: int) -> Iterator[Tensor]:
        """Yield the loss of each batch of this epoch's mix."""
        size = self.batch_size
        maps, label = self._drawn("train", self.steps * size, 1000 * self.recipe.seed + self.epoch)
        for image, target in zip(maps.split(size), label.split(size)):
            yield training_loss(self.model(image), target, self.recipe.n, self.recipe.near_weight)

    def validate(self) -> tuple[float, dict]:
        """Return the PIT loss on the mix of `val`."""
        loss = float(pit(torch.cat([self.model.infer(part) for part in self.val[0].split(BATCH)]), self.val[1]))
        return loss, {"val_loss": loss}

    def key(self) -> str:
        """Return the key that identifies this training: code, recipe, sets, data, device and precision."""
        used = {name: self.sets[name] for name in ("train", "val")}
        return checkpoint.key(__name__, asdict(self.recipe), used, files.digest(self.dataset), self.model.device.type,
                              str(self.model.dtype))

    def _drawn(self, name: str, count: int, seed: int) -> tuple[Tensor, Tensor]:
        mixed = _mixed(self.dataset, self.sets[name], count, SHARED, seed)
        maps = torch.from_numpy(images(mixed, self.raster, self.ranges))[:, None]
        return maps, torch.from_numpy(labels(mixed, self.raster))


def save(trainer: PairTrainer, season: str, folder: str | Path) -> Path:
    """Write a trained network with its recipe and the season of its training samples."""
    header = {"format": FORMAT, "recipe": asdict(trainer.recipe), "season": season}
    return weights.save(folder, {"weights": trainer.model.net}, header)


def load(folder: str | Path) -> tuple[Model, EmitterRecipe, str]:
    """Read what `save` wrote: network, recipe, season. Errors: those of `weights.load`."""
    def season(header: dict) -> str:
        if not isinstance(header["season"], str):
            raise TypeError(f"season is {header['season']!r}")
        return header["season"]

    return *load_model(folder, "cpu"), weights.load_header(folder, FORMAT, season)


def located(model: Model, raster: Grid, dataset: xr.Dataset, ranges: Scaling) -> tuple[np.ndarray, np.ndarray]:
    """Return the predictions: existence (sample, 2), and easting, northing of the locations (sample, 2, 2) [m]."""
    check_type("located: model", model, Model)
    image = torch.from_numpy(images(dataset, raster, ranges))[:, None]
    output = torch.cat([model.infer(part) for part in image.split(BATCH)]).double().numpy()
    x, y = raster.to_metres(output[..., 2] * (raster.width - 1), output[..., 1] * (raster.height - 1))
    return 1 / (1 + np.exp(-output[..., 0])), np.stack([x, y], axis=-1)


def peaks(localizer: Localizer, dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the two strongest modes of a one-transmitter ensemble's mean image: shares (sample, 2), locations [m].

    See `kept_images.modes`: a large share of the second mode indicates a second transmitter.
    """
    check_type("peaks: localizer", localizer, Localizer)
    _require("peaks: dataset", dataset, *_PLACES, "rss", "sensor_x", "sensor_y")
    samples, ensemble = localizer.samples(dataset.isel(tx=[0])), localizer.fitted()
    modes = np.array([kept_images.modes(image, ensemble.grid)
                      for batch in ensemble.images(samples, np.arange(dataset.sizes["sample"]))
                      for image in batch.mean(1).float().cpu().numpy()])
    return modes[..., 2], modes[..., :2]


def fixed_locations(dataset: xr.Dataset, samples: np.ndarray, val: xr.Dataset, tries: int = 300,
                    seed: int = 0) -> np.ndarray:
    """Return the two locations (2, 2) [m] of the baseline that predicts the same pair for every sample.

    The best of `tries` random pairs of the samples' transmitters: the one with the smallest median error on the samples
    of `val` with two transmitters.
    Errors: those of `index_sets.indices`; InputError if a sample has no known transmitter, or none of `val` has two.
    """
    for name, part in (("dataset", dataset), ("val", val)):
        _require(f"fixed_locations: {name}", part, *_PLACES)
    samples = index_sets.indices(samples, dataset.sizes["sample"], "fixed_locations: samples")
    _check_samples(dataset, samples, "fixed_locations: samples")
    if val.sizes["tx"] < 2 or not np.isfinite(val.tx_x.values[:, 1]).any():
        raise InputError("fixed_locations: no sample of val has two transmitters; expected sums of `mix`")
    whole("fixed_locations: tries", tries)
    whole("fixed_locations: seed", seed, 0, 2**63)
    locations = np.stack(transmitters(dataset.isel(sample=samples)), axis=-1)
    two = val.isel(sample=np.flatnonzero(np.isfinite(val.tx_x.values[:, 1])))
    drawn = locations[np.random.default_rng(seed).integers(len(locations), size=(tries, 2))]
    shape = two.sizes["sample"], 2
    errors = [np.median(judged(np.ones(shape), np.broadcast_to(pair, (*shape, 2)), two).error) for pair in drawn]
    return drawn[int(np.argmin(errors))]


def judged(existence: np.ndarray, location: np.ndarray, dataset: xr.Dataset, threshold: float = 0.5) -> Scores:
    """Return the scores of predicted locations, with errors in metres. Errors: those of `metrics.score`."""
    _require("judged: dataset", dataset, *_PLACES)
    truth = np.stack([dataset.tx_x.values, dataset.tx_y.values], axis=-1)
    return score(existence, location, truth, 1, 1.0, threshold)


def best_threshold(share: np.ndarray, two: np.ndarray) -> float:
    """Return the threshold of the second mode's share that best separates two transmitters from one.

    Input: share, (n,), of validation samples; two, (n,) bool, whether a sample has two transmitters. Errors: InputError
    for other shapes and types, no samples, or a share that is not finite.
    """
    share, two = numbers("best_threshold: share", share, 1), array("best_threshold: two", two, 1, "b", "booleans")
    if len(share) != len(two):
        raise InputError(f"best_threshold: {len(share)} shares, {len(two)} flags; expected one of each for a sample")
    limits = np.quantile(share, np.linspace(0, 1, 201))
    return float(limits[np.argmax([((share > limit) == two).mean() for limit in limits])])


def _require(name: str, dataset: xr.Dataset, *variables: str) -> None:
    check_type(name, dataset, xr.Dataset)
    for variable in variables:
        dims = ("sample", "tx" if variable in _PLACES else "sensor")
        if variable not in dataset.variables or dataset[variable].dims != dims:
            raise InputError(f"{name} has no {variable!r} over {dims}; expected measurements, or sums of `mix`")


def _floor(dataset: xr.Dataset, samples: np.ndarray) -> np.ndarray:
    """Return each receiver's lowest reading among the samples, (sensor,) [dB]; -inf if it heard none."""
    rss = dataset.rss.values[samples].astype(np.float64)
    lowest = np.where(np.isfinite(rss), rss, np.inf).min(axis=0)
    return np.where(np.isfinite(lowest), lowest, -np.inf)


def _pairs(dataset: xr.Dataset, samples: np.ndarray, count: int, shared: int,
           random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    heard = np.isfinite(dataset.rss.values)
    first, second = np.empty(0, int), np.empty(0, int)
    for _ in range(100):
        one, other = random.choice(samples, (2, 2 * count))
        enough = ((heard[one] & heard[other]).sum(axis=1) >= shared) & (one != other)
        first, second = np.concatenate([first, one[enough]]), np.concatenate([second, other[enough]])
        if len(first) >= count:
            return first[:count], second[:count]
    raise InputError(f"mix: hardly two of the {len(samples)} samples share {shared} receivers; expected more, or "
                     "a smaller `shared`")
