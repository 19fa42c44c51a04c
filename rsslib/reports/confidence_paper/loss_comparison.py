"""Table II and its figures, from what the trainings left: predictions, kept images, histories."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import xarray as xr
from scipy.spatial import ConvexHull

from rsslib.data import grid, splits
from rsslib.ledger import statistics
from rsslib.localization import kept_images, networks, predictions
from rsslib.localization.ensemble import Recipe
from rsslib.project import InputError

DATA = ("datasets.campus", "datasets.frs", "datasets.rawfiles", "datasets.schema")
MODULES = tuple(f"rsslib.{name}" for name in (
    *DATA, "comparison", "ensemble", "gallery", "grid", "localizer", "losses", "networks", "predictions", "results",
    "splits", "training"))
"""The modules whose code these results hang on, for their provenance."""


COLUMNS = {"random": "Random", "july": "July→Nov", "november": "Nov→July", "grid2": "Grid2", "grid5": "Grid5"}
"""The columns of Table II."""


@dataclass(frozen=True)
class Run:
    """What one training left: `predictions` and `images` (see those modules), `history` records, its seconds."""

    predictions: xr.Dataset
    images: xr.Dataset
    grid: grid.Grid
    history: list[dict]
    seconds_per_epoch: float


Runs = dict[tuple[str, str], Run]


def load(folder: str | Path, split_names: list[str], losses: list[str]) -> Runs:
    """Read `<folder>/<split>-<loss>/` for each split and loss. Raises InputError naming what is missing."""
    runs = {}
    for split in split_names:
        for loss in losses:
            place = Path(folder) / f"{split}-{loss}"
            if not (place / "history.json").is_file():
                raise InputError(f"{place}: no such training; run it first (dvc repro --glob 'train*')")
            history = json.loads((place / "history.json").read_text(encoding="utf-8"))
            images, raster = kept_images.load(place / "images.nc")
            runs[split, loss] = Run(predictions.load(place / "predictions.nc"), images, raster,
                                    history["epochs"], history["seconds_per_epoch"])
    return runs


def table2(runs: Runs) -> list[dict]:
    """Return a record for each split, loss and set: median and mean error [m], bootstrap interval, n, members."""
    records = []
    for (split, loss), run in runs.items():
        for name in dict.fromkeys(run.predictions.set.values.tolist()):
            found = predictions.errors(predictions.of_set(run.predictions, name))
            low, high = statistics.bootstrap_median(found)
            records.append({
                "loss": loss, "split": split, "set": name, "n": len(found), "median_m": float(np.median(found)),
                "mean_m": float(found.mean()), "ci95_m": [low, high], "members": run.predictions.sizes["member"],
                "epochs": run.history[-1]["epoch"], "best_epoch": int(run.predictions.attrs["best_epoch"]),
                "computed_in": run.predictions.attrs["computed_in"]})
    return records


def judged(records: list[dict]) -> list[dict]:
    """Return the records that are cells of Table II: one set for each split."""
    return [record for record in records if record["set"] == splits.report_set(record["split"])]


def timed(records: list[dict], runs: Runs) -> list[dict]:
    """Return the records with the seconds that one network's epoch took, for the eye: they differ between runs."""
    return [record | {"seconds_per_epoch": runs[record["split"], record["loss"]].seconds_per_epoch}
            for record in records]


def errors_by_split(runs: Runs) -> dict[str, dict[str, np.ndarray]]:
    """Return the errors of each cell of Table II, {split: {loss: (n,) [m]}}."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for (split, loss), run in runs.items():
        chosen = predictions.of_set(run.predictions, splits.report_set(split))
        found.setdefault(COLUMNS.get(split, split), {})[loss] = predictions.errors(chosen)
    return found


def recipes(runs: Runs) -> dict[str, dict]:
    """Return the settings behind each training, for the parameter hash."""
    return {f"{split}-{loss}": recipe_of(run.predictions) for (split, loss), run in runs.items()}


def recipe_of(said: xr.Dataset) -> dict:
    """Return the settings of the training behind a predictions file."""
    return {field.name: _plain(said.attrs[field.name]) for field in fields(Recipe)}


def made_by(files: Iterable[xr.Dataset]) -> tuple[str, str]:
    """Return the device and the torch version that trained these predictions, joined by "/" where they differ."""
    attrs = [said.attrs for said in files]
    device, torch = ("/".join(sorted({str(made[name]) for made in attrs})) for name in ("device", "torch"))
    return device, torch


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def seconds_per_epoch(runs: Runs) -> list[dict]:
    """Return the seconds that one member's epoch took, for the stamp: they change from run to run."""
    return [{"loss": loss, "split": split, "value": round(run.seconds_per_epoch, 3)}
            for (split, loss), run in runs.items()]


def example(runs: Runs, dataset: xr.Dataset, split: str, number: int = 3) -> SimpleNamespace:
    """Return one of the samples kept for every loss, chosen by its place in the list and not by any model.

    Fields: sensor_image (height, width), images and decoded {loss: ...}, truth (x, y) [m], grid, measurement.
    """
    chosen = {loss: run for (name, loss), run in runs.items() if name == split}
    first = next(iter(chosen.values()))
    measurement = int(first.images.measurement.values[number])
    images = {loss: run.images.image.values[number] for loss, run in chosen.items()}
    return SimpleNamespace(
        sensor_image=sensor_image(dataset, first.grid, measurement, splits.make(dataset, split)["train"]),
        images=images, grid=first.grid,
        decoded={loss: _location(run, measurement) for loss, run in chosen.items()},
        truth=_truth(dataset, measurement), measurement=measurement)


def _truth(dataset: xr.Dataset, measurement: int) -> tuple[float, float]:
    return float(dataset.tx_x.values[measurement, 0]), float(dataset.tx_y.values[measurement, 0])


def _location(run: Run, measurement: int) -> tuple[float, float]:
    row = int(np.flatnonzero(run.predictions.measurement.values == measurement)[0])
    return float(run.predictions.x_hat[row]), float(run.predictions.y_hat[row])


def sensor_image(dataset: xr.Dataset, raster: grid.Grid, measurement: int, fit: np.ndarray) -> np.ndarray:
    """Return the image that networks trained on the samples `fit` see of one sample, NaN where nothing is drawn."""
    drawn = grid.draw(dataset.isel(sample=[measurement]), raster, grid.scaling(dataset, fit))
    image = np.full(raster.height * raster.width, np.nan)
    heard = drawn.pixel[0] >= 0
    image[drawn.pixel[0][heard]] = drawn.value[0][heard]
    return image.reshape(raster.shape)


def most_ambiguous(run: Run, dataset: xr.Dataset) -> SimpleNamespace:
    """Return the kept sample whose image has the strongest second mode, with its sensors' places and RSS.

    Fields: image, modes (see gallery.modes), sensors (n, 3) x, y [m] and RSS [dB], truth, grid, measurement.
    """
    number = int(np.flatnonzero(run.images.why.values == "ambiguous")[0])
    measurement = int(run.images.measurement.values[number])
    image = run.images.image.values[number]
    sample = dataset.isel(sample=measurement)
    heard = np.isfinite(sample.rss.values)
    sensors = np.stack([sample.sensor_x.values, sample.sensor_y.values, sample.rss.values], axis=1)[heard]
    return SimpleNamespace(image=image, modes=kept_images.modes(image, run.grid), sensors=sensors, grid=run.grid,
                           truth=_truth(dataset, measurement), measurement=measurement)


def facts(runs: Runs, dataset: xr.Dataset) -> list[dict]:
    """Return single numbers that the text about Tables I and II states, as records `fact`, `value`."""
    places = np.stack([dataset.tx_x.values[:, 0], dataset.tx_y.values[:, 0]], axis=1)
    raster = next(iter(runs.values())).grid
    pixels = np.stack(raster.to_pixels(*places.T), axis=1)
    floor = np.hypot(*(pixels - pixels.round()).T) * raster.pixel_m
    found = {"coverage_km2": ConvexHull(places).volume / 1e6,    # of two-dimensional points: the area
             "quantisation_floor_mean_m": floor.mean(), "quantisation_floor_median_m": np.median(floor),
             "unet_parameters": networks.parameter_count(networks.UNet()),
             "compact_parameters": networks.parameter_count(networks.CompactUNet())}
    if ("grid2", "com") in runs and ("grid2", "emd") in runs:
        found["emd_below_com_ood_share"] = _share_below(runs["grid2", "emd"], runs["grid2", "com"])
    return [{"fact": name, "value": float(value)} for name, value in found.items()]


def _share_below(first: Run, second: Run) -> float:
    """Share of the validated epochs that both have in which the first's OOD median is the lower."""
    curves = [{record["epoch"]: record["ood_single_median_m"] for record in run.history} for run in (first, second)]
    shared = sorted(curves[0].keys() & curves[1].keys())
    return float(np.mean([curves[0][epoch] < curves[1][epoch] for epoch in shared]))
