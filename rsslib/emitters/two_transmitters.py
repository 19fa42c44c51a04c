"""Two transmitters on real measurements: a network trained on sums of one-transmitter samples, and its yardstick."""

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr

from rsslib.data.grid import Grid, make, scaling, transmitters
from rsslib.emitters import mixtures
from rsslib.emitters.loss import pit, training_loss
from rsslib.emitters.metrics import Scores, score
from rsslib.emitters.recipe import EmitterRecipe, Model, build
from rsslib.learning.optimizers import Optimizer
from rsslib.ledger.statistics import bootstrap_median, share_interval
from rsslib.localization import kept_images
from rsslib.localization.localizer import Localizer
from rsslib.progress import Progress
from rsslib.project import InputError

SLOTS = 2


def train(dataset: xr.Dataset, sets: Mapping[str, np.ndarray], recipe: EmitterRecipe) -> tuple[Model, Grid]:
    """Train a localizer for up to two transmitters on sums of the samples in `train`; keep the best loss on `val`'s.

    Half of the sums are samples as measured (see `mixtures.mix`); fresh sums are drawn each epoch. Output: the model
    and the square raster of its images.
    Errors: InputError for an empty set or a training that diverges.
    """
    for name in ("train", "val"):
        if len(sets.get(name, ())) < 2:
            raise InputError(f"training: the set {name!r} has {len(sets.get(name, ()))} samples; expected at least two")
    torch.set_num_threads(recipe.threads)
    raster, ranges = mixtures.square(make(dataset), recipe.n), scaling(dataset, sets["train"])
    model = build(recipe, "cpu")
    steps = recipe.samples // recipe.batch_size
    optimizer = Optimizer(model, recipe.epochs * steps, recipe.learning_rate, recipe.weight_decay, recipe.muon_rate,
                          recipe.schedule)

    def drawn(name: str, count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        mixed = mixtures.mix(dataset, sets[name], count, seed=seed)
        images, labels = mixtures.images(mixed, raster, ranges), mixtures.labels(mixed, raster, SLOTS)
        return torch.from_numpy(images)[:, None], torch.from_numpy(labels)

    val, best, kept = drawn("val", recipe.val_samples, 10**6 + recipe.seed), float("inf"), {}
    with Progress(recipe.epochs, "two transmitters") as progress:
        for epoch in range(recipe.epochs):
            model.train()
            images, labels = drawn("train", steps * recipe.batch_size, 1000 * recipe.seed + epoch)
            for image, label in zip(images.split(recipe.batch_size), labels.split(recipe.batch_size)):
                optimizer.step(training_loss(model(image), label, recipe.n, recipe.near_weight))
            found = float(pit(torch.cat([model.says(part) for part in val[0].split(250)]), val[1]))
            if not np.isfinite(found):
                raise InputError(f"training: the loss is not a number in epoch {epoch + 1}; lower learning_rate")
            if found < best:
                best, kept = found, {key: value.clone() for key, value in model.net.state_dict().items()}
            progress.step(epoch + 1, f"val {best:.3g}")
    model.net.load_state_dict(kept)
    return model.eval(), raster


def located(model: Model, raster: Grid, dataset: xr.Dataset, ranges: Mapping) -> tuple[np.ndarray, np.ndarray]:
    """Return what the network finds: existence (sample, 2) and places (sample, 2, 2) easting, northing [m]."""
    image = torch.from_numpy(mixtures.images(dataset, raster, dict(ranges)))[:, None]
    said = torch.cat([model.says(part) for part in image.split(250)]).double().numpy()
    x, y = raster.to_metres(said[..., 2] * (raster.width - 1), said[..., 1] * (raster.height - 1))
    return 1 / (1 + np.exp(-said[..., 0])), np.stack([x, y], axis=-1)


def peaks(localizer: Localizer, dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the two strongest modes of a one-transmitter ensemble's mean image: shares (sample, 2), places [m].

    See `gallery.modes`. The shares are of the image's mass: the second tells whether there is a second transmitter.
    """
    samples, ensemble = localizer.samples(dataset.isel(tx=[0])), localizer.ensemble
    shares, places = [], []
    for images in ensemble.images(samples, np.arange(dataset.sizes["sample"])):
        for image in images.mean(1).float().cpu().numpy():
            found = kept_images.modes(image, ensemble.grid)
            shares.append([mode[2] for mode in found])
            places.append([mode[:2] for mode in found])
    return np.array(shares), np.array(places)


def fixed_places(dataset: xr.Dataset, samples: np.ndarray, held: xr.Dataset, tries: int = 300,
                 seed: int = 0) -> np.ndarray:
    """Return the two places (2, 2) easting, northing [m] to name where nothing was read: the best of `tries` pairs.

    Pairs of the samples' transmitters are drawn; the best has the smallest median error of a pair on `held`'s samples
    with two transmitters. Errors: InputError where `held` has none.
    """
    places = np.stack(transmitters(dataset.isel(sample=samples)), axis=-1)
    two = held.isel(sample=np.flatnonzero(np.isfinite(held.tx_x.values[:, 1])))
    if not two.sizes["sample"]:
        raise InputError("fixed_places: no sample with two transmitters to choose by; mix some")
    drawn = places[np.random.default_rng(seed).integers(len(places), size=(tries, 2))]
    shape = two.sizes["sample"], 2
    errors = [np.median(judged(np.ones(shape), np.broadcast_to(pair, (*shape, 2)), two).error) for pair in drawn]
    return drawn[int(np.argmin(errors))]


def judged(existence: np.ndarray, place: np.ndarray, dataset: xr.Dataset, threshold: float = 0.5) -> Scores:
    """Return counts and, where they are right, root mean squared distances of the best pairing [m]."""
    true = np.stack([dataset.tx_x.values, dataset.tx_y.values], axis=-1)
    return score(existence, place, true, 1, 1.0, threshold)


def best_threshold(share: np.ndarray, two: np.ndarray) -> float:
    """Return the share of the second mode above which most samples of a validation set are told right as two."""
    limits = np.quantile(share, np.linspace(0, 1, 201))
    return float(limits[np.argmax([((share > limit) == two).mean() for limit in limits])])


def record(method: str, name: str, found: Scores, anyway: Scores) -> dict:
    """Return a record: count accuracy with interval, median matched error, and the error with both places taken."""
    right = found.predicted == found.true
    values = {"method": method, "set": name, "n": len(right), "count_accuracy": right.mean(),
              "ci95_count_accuracy": share_interval(right)}
    for key, error, none in (("matched_median_m", found.error, "no sample has the right count"),
                             ("two_taken_median_m", anyway.error, "no sample has two transmitters")):
        error = error[np.isfinite(error)]
        if len(error):
            values |= {key: np.median(error), f"ci95_{key}": bootstrap_median(error)}
        else:
            values |= {key: float("nan"), f"{key}_reason": none}
    return values
