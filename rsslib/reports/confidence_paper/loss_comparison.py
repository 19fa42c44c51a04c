"""Table II and its figures, from what the trainings left: predictions, kept images, histories."""

import json
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import xarray as xr
from scipy.spatial import ConvexHull

from rsslib.data import grid, splits
from rsslib.data.grid import transmitters
from rsslib.learning.weights import parameter_count
from rsslib.ledger.statistics import bootstrap_mean_difference, bootstrap_median
from rsslib.localization import kept_images, networks, predictions
from rsslib.project import InputError
from rsslib.reports.confidence_paper.summaries import median_difference


@dataclass(frozen=True)
class Run:
    """What one training left: `predictions` and `images` (see those modules), `history` records, its seconds."""

    predictions: xr.Dataset
    images: xr.Dataset
    grid: grid.Grid
    history: list[dict]
    seconds_per_epoch: float | None


Runs = dict[tuple[str, str], Run]
PAIRED = ("emd", "com", "pse")
"""Each loss is compared with those after it."""


def load(folder: str | Path, split_names: list[str], losses: list[str]) -> Runs:
    """Read `<folder>/<split>-<loss>/` for each split and loss, and the seconds from `<folder>/../stamps`.

    Errors: InputError for no split or no loss, or naming what is missing. Seconds may be: they do not belong to the
    results.
    """
    for kind, found, example in (("splits", split_names, "random or grid2"), ("losses", losses, "com or emd")):
        if not found:
            raise InputError(f"{kind}: none given; expected at least one, such as {example}")
    runs = {}
    for split, loss in product(split_names, losses):
        path, stamp = Path(folder) / f"{split}-{loss}", Path(folder).parent / "stamps" / f"{split}-{loss}.json"
        model, (images, raster) = predictions.load(path / "predictions.nc"), kept_images.load(path / "images.nc")
        history = json.loads((path / "history.json").read_text(encoding="utf-8"))["epochs"]
        seconds = json.loads(stamp.read_text(encoding="utf-8"))["seconds_per_epoch"] if stamp.is_file() else None
        runs[split, loss] = Run(model, images, raster, history, seconds)
    return runs


def table2(runs: Runs) -> list[dict]:
    """Return a record for each split, loss and set: median and mean error [m], bootstrap interval, n, members."""
    records = []
    for (split, loss), run in runs.items():
        for name in dict.fromkeys(run.predictions.set.values.tolist()):
            errors = predictions.errors(predictions.of_set(run.predictions, name))
            records.append({
                "loss": loss, "split": split, "set": name, "n": len(errors), "median_m": np.median(errors),
                "mean_m": errors.mean(), "ci95_m": bootstrap_median(errors),
                "members": run.predictions.sizes["member"], "epochs": run.history[-1]["epoch"],
                "best_epoch": int(run.predictions.attrs["best_epoch"]),
                "computed_in": run.predictions.attrs["computed_in"]})
    return records


def judged(records: list[dict]) -> list[dict]:
    """Return the records that are cells of Table II: one set for each split."""
    return [record for record in records if record["set"] == splits.report_set(record["split"])]


def seconds_per_epoch(runs: Runs) -> list[dict]:
    """Return the seconds that one network's epoch took, where known, for the stamp: they change from run to run.

    A figure shows those of Random, as the ledger judges them.
    """
    return [{"loss": loss, "split": split, "value": round(run.seconds_per_epoch, 3)}
            for (split, loss), run in runs.items() if run.seconds_per_epoch is not None]


def pairs(runs: Runs) -> list[dict]:
    """Return a record for each split and pair of losses: how their errors differ on the samples that Table II reports.

    Fields: left_loss, right_loss, split, set, n; median_m, the left median minus the right one, and mean_m, the mean of
    left minus right [m], with their 95 % intervals (joint resamples of the same samples).
    Errors: InputError if two losses predict different samples.
    """
    records = []
    for split in dict.fromkeys(split for split, _ in runs):
        name, losses = splits.report_set(split), [loss for loss in PAIRED if (split, loss) in runs]
        parts = {loss: predictions.of_set(runs[split, loss].predictions, name) for loss in losses}
        for left, right in combinations(losses, 2):
            if not np.array_equal(parts[left].measurement, parts[right].measurement):
                raise InputError(f"{split}: {left} and {right} predict different samples of the set {name}; train both "
                                 "on the same measurements")
            one, other = predictions.errors(parts[left]), predictions.errors(parts[right])
            records.append({
                "left_loss": left, "right_loss": right, "split": split, "set": name} | median_difference(one, other) | {
                "mean_m": np.mean(one - other), "ci95_mean_m": bootstrap_mean_difference(one, other)})
    return records


def models(runs: Runs) -> dict[str, xr.Dataset]:
    """Return the predictions of each training, {split-loss: predictions}."""
    return {f"{split}-{loss}": run.predictions for (split, loss), run in runs.items()}


def example(runs: Runs, dataset: xr.Dataset, split: str, number: int = 3) -> SimpleNamespace:
    """Return one of the samples kept for every loss, chosen by its position in the list and not by any model.

    Fields: sensor_image (height, width), images and decoded {loss: ...}, truth (x, y) [m], grid, measurement.
    """
    by_loss = {loss: run for (name, loss), run in runs.items() if name == split}
    first = next(iter(by_loss.values()))
    measurement = int(first.images.measurement.values[number])
    row = first.predictions.measurement.values.tolist().index(measurement)
    return SimpleNamespace(
        sensor_image=sensor_image(dataset, first.grid, measurement, splits.make(dataset, split)["train"]),
        images={loss: run.images.image.values[number] for loss, run in by_loss.items()}, grid=first.grid,
        decoded={loss: locations(run.predictions, row)[1] for loss, run in by_loss.items()},
        truth=locations(first.predictions, row)[0], measurement=measurement)


def locations(model: xr.Dataset, row: int) -> list[tuple[float, float]]:
    """Return the true and the predicted location of one row of a predictions file, (x, y) [m] each."""
    return [(float(model[f"x_{kind}"][row]), float(model[f"y_{kind}"][row])) for kind in ("true", "hat")]


def sensor_image(dataset: xr.Dataset, raster: grid.Grid, measurement: int, fit: np.ndarray) -> np.ndarray:
    """Return the image of one sample that networks trained on the samples `fit` see, NaN where nothing is drawn."""
    drawn = grid.draw(dataset.isel(sample=[measurement]), raster, grid.scaling(dataset, fit))
    image = np.full(raster.height * raster.width, np.nan)
    heard = drawn.pixel[0] >= 0
    image[drawn.pixel[0][heard]] = drawn.value[0][heard]
    return image.reshape(raster.shape)


def most_ambiguous(run: Run, dataset: xr.Dataset, split: str = "grid2") -> SimpleNamespace:
    """Return the kept sample of a split whose image has the strongest second mode, with its sensors' readings.

    Fields: image and sensor_image (height, width), modes (see `kept_images.modes`) and their radius_m, truth, grid,
    measurement.
    """
    number = run.images.why.values.tolist().index("ambiguous")
    measurement, image = int(run.images.measurement.values[number]), run.images.image.values[number]
    row = run.predictions.measurement.values.tolist().index(measurement)
    return SimpleNamespace(
        image=image, modes=kept_images.modes(image, run.grid), radius_m=kept_images.RADIUS_M, grid=run.grid,
        measurement=measurement,
        sensor_image=sensor_image(dataset, run.grid, measurement, splits.make(dataset, split)["train"]),
        truth=locations(run.predictions, row)[0])


def facts(runs: Runs, dataset: xr.Dataset) -> list[dict]:
    """Return single numbers that the text about Tables I and II states, as records `fact`, `value`."""
    x, y = transmitters(dataset)
    raster = next(iter(runs.values())).grid
    pixels = np.stack(raster.to_pixels(x, y), axis=1)
    floor = np.hypot(*(pixels - pixels.round()).T) * raster.pixel_m
    hull = ConvexHull(np.stack([x, y], axis=1))
    values = {"coverage_km2": hull.volume / 1e6,    # of two-dimensional points: the area
              "quantisation_floor_mean_m": floor.mean(), "quantisation_floor_median_m": np.median(floor),
              "unet_parameters": parameter_count(networks.UNet()),
              "compact_parameters": parameter_count(networks.CompactUNet())}
    if ("grid2", "com") in runs and ("grid2", "emd") in runs:
        values["emd_below_com_ood_share"] = _share_below(runs["grid2", "emd"], runs["grid2", "com"])
    return [{"fact": name, "value": float(value)} for name, value in values.items()]


def _share_below(first: Run, second: Run) -> float:
    """Share of the validated epochs that both have in which the first's OOD median is the lower."""
    curves = [{record["epoch"]: record["ood_single_median_m"] for record in run.history} for run in (first, second)]
    shared = sorted(curves[0].keys() & curves[1].keys())
    return float(np.mean([curves[0][epoch] < curves[1][epoch] for epoch in shared]))
