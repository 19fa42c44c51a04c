"""Table II and its figures, from what the trainings left: predictions, kept images, histories."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.spatial import ConvexHull

from rsslib import files
from rsslib.data import grid, splits
from rsslib.data.grid import transmitters
from rsslib.learning.weights import parameter_count
from rsslib.ledger import repeated
from rsslib.localization import kept_images, networks, predictions
from rsslib.project import InputError
from rsslib.reports.confidence_paper.summaries import field, median_error, placed, resampled_errors, trained
from rsslib.reports.style import IN_DISTRIBUTION


@dataclass(frozen=True)
class Run:
    """What one training left: `predictions` and `images` (see those modules), `history` records, its seconds."""

    predictions: xr.Dataset
    images: xr.Dataset
    grid: grid.Grid
    history: list[dict]
    seconds_per_epoch: float | None


Runs = dict[tuple[str, str], Run]
PAIRED = ("emd", "com", "pse", "sliced")
"""Each loss is compared with those after it."""


def load(folder: str | Path, names: Sequence[str], losses: Sequence[str], dataset: xr.Dataset,
         more: Sequence[str] = ()) -> Runs:
    """Read `<folder>/<split>-<loss>/` for each split and loss, and the seconds from `<split>-<loss>.stamp.json`.

    `more` are further trainings by name, such as grid2-sliced. Errors: InputError for no loss, those of
    `summaries.trained` and `summaries.placed`, or naming the file that is missing. Seconds may be: they do not belong
    to the results.
    """
    if not losses:
        raise InputError("losses: none given; expected at least one, such as emd")
    paths = {(split, loss): path for loss in losses for split, path in trained(folder, names, loss).items()}
    for split, _, loss in (name.rpartition("-") for name in more):
        paths |= {(split, loss): trained(folder, [split], loss, "more")[split]}
    order = [*dict.fromkeys(split for split, _ in paths)]
    runs = {}
    for (split, loss), path in sorted(paths.items(), key=lambda item: order.index(item[0][0])):
        stamp = Path(folder) / f"{split}-{loss}.stamp.json"
        images, raster = kept_images.load(path / "images.nc")
        history = _of(path / "history.json", "epochs", lambda epochs: sorted(epochs, key=itemgetter("epoch")))
        seconds = _of(stamp, "seconds_per_epoch", float) if stamp.is_file() else None
        model = {path.name: predictions.load(path / "predictions.nc")}
        runs[split, loss] = Run(placed(model, dataset)[path.name], images, raster, history, seconds)
    return runs


def _of(path: Path, key: str, convert: Callable) -> Any:
    what, remedy = f"what a training writes, with {key!r}", "run its training stage again"
    found = files.parsed(lambda: convert(files.read_json(path, what, remedy)[key]), path, what, remedy)
    if not found:
        raise InputError(f"{path}: {key!r} is {found}; expected {what}: {remedy}")
    return found


def table2(runs: Runs) -> list[dict]:
    """Return a record for each split, loss and set: median and mean error [m], ci95_m (two-level bootstrap), n.

    `networks` is the number of those from which ensembles are drawn, `blocks` that of the blocks of time.
    """
    records = []
    for (split, loss), run in runs.items():
        for name in dict.fromkeys(run.predictions.set.values.tolist()):
            part = predictions.of_set(run.predictions, name)
            records.append({
                "loss": loss, "split": split, "set": name} | median_error(part) | {
                "mean_m": predictions.errors(part).mean(), "networks": part.sizes["member"],
                "blocks": len(np.unique(part.block)), "members": part.sizes["member"],
                "epochs": run.history[-1]["epoch"], "best_epoch": int(part.attrs["best_epoch"]),
                "computed_in": part.attrs["computed_in"]})
    return records


def judged(records: Sequence[Mapping]) -> list[Mapping]:
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
    left minus right [m], with their 95 % intervals (two-level bootstrap, the same samples for both).
    Errors: InputError if two losses predict different samples.
    """
    records = []
    for split in dict.fromkeys(split for split, _ in runs):
        name, losses = splits.report_set(split), [loss for loss in PAIRED if (split, loss) in runs]
        parts = {loss: predictions.of_set(runs[split, loss].predictions, name) for loss in losses}
        told = {loss: _told(part) for loss, part in parts.items()} if len(parts) > 1 else {}
        for left, right in combinations(losses, 2):
            if not np.array_equal(parts[left].measurement, parts[right].measurement):
                raise InputError(f"{split}: {left} and {right} predict different samples of the set {name}; train both "
                                 "on the same measurements")
            record = {"left_loss": left, "right_loss": right, "split": split, "set": name,
                      "n": parts[left].sizes["sample"]}
            for key, (value, drawn) in told[left].items():
                value_too, drawn_too = told[right][key]
                record |= field(key, value - value_too, drawn - drawn_too, difference=True)
            records.append(record)
    return records


def _told(part: xr.Dataset) -> dict[str, tuple[float, np.ndarray]]:
    """Return the median and the mean error, each with that of every resample, (resamples,) [m]."""
    errors = predictions.errors(part)
    return {"median_m": (float(np.median(errors)), resampled_errors(part)),
            "mean_m": (float(np.mean(errors)), resampled_errors(part, repeated.mean))}


def models(runs: Runs) -> dict[str, xr.Dataset]:
    """Return the predictions of each training, {split-loss: predictions}."""
    return {f"{split}-{loss}": run.predictions for (split, loss), run in runs.items()}


def example(runs: Runs, dataset: xr.Dataset, split: str, number: int = 3) -> SimpleNamespace:
    """Return one of the samples kept for every loss, chosen by its position in the list and not by any model.

    Fields: those of `_kept`, and images and decoded {loss: ...}.
    """
    kept = {loss: _kept(run, dataset, split, number) for (name, loss), run in runs.items() if name == split}
    shown = next(iter(kept.values()))
    return SimpleNamespace(**vars(shown), images={loss: one.image for loss, one in kept.items()},
                           decoded={loss: one.estimate for loss, one in kept.items()})


def _kept(run: Run, dataset: xr.Dataset, split: str, number: int) -> SimpleNamespace:
    """Return a kept sample: image and sensor_image (height, width), truth and estimate (x, y) [m], grid, measurement.
    """
    number = min(number, run.images.sizes["sample"] - 1)
    measurement = int(run.images.measurement.values[number])
    row = run.predictions.measurement.values.tolist().index(measurement)
    truth, estimate = locations(run.predictions, row)
    train = splits.make(dataset, split)["train"]
    return SimpleNamespace(image=run.images.image.values[number], truth=truth, estimate=estimate, grid=run.grid,
                           sensor_image=sensor_image(dataset, run.grid, measurement, train), measurement=measurement)


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
    """Return the kept sample of a split whose image has the strongest second mode.

    Fields: those of `_kept`, its modes (see `kept_images.modes`) and their radius_m.
    """
    kept = _kept(run, dataset, split, run.images.why.values.tolist().index("ambiguous"))
    return SimpleNamespace(**vars(kept), modes=kept_images.modes(kept.image, run.grid), radius_m=kept_images.RADIUS_M)


def curves(runs: Runs, split: str = "grid2") -> dict[str, list[dict]]:
    """Return the histories of CoM and EMD on a split, {loss: history}; {} without both, or without the OOD errors."""
    found = {loss: runs[split, loss].history for loss in ("com", "emd") if (split, loss) in runs}
    whole = all("ood_single_median_m" in record for history in found.values() for record in history)
    return found if len(found) == 2 and whole else {}


def fits(runs: Runs) -> dict[tuple[str, str], np.ndarray]:
    """Return how well one network fitted and what that was worth elsewhere, {(split, loss): (validated epochs, 2)} [m].

    The two are the median errors in distribution (validation) and out of distribution, along the training, of the
    splits that recorded both for CoM and EMD and test out of distribution.
    """
    found = {}
    for (split, loss), run in runs.items():
        keys = "val_single_median_m", f"{splits.report_set(split)}_single_median_m"
        if split not in IN_DISTRIBUTION and all(key in record for record in run.history for key in keys):
            found[split, loss] = np.array([[record[key] for key in keys] for record in run.history])
    both = {split for split, _ in found if {(split, "com"), (split, "emd")} <= set(found)}
    return {key: path for key, path in found.items() if key[0] in both}


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
    if histories := curves(runs):
        emd, com = (pd.DataFrame(histories[loss]).set_index("epoch").ood_single_median_m for loss in ("emd", "com"))
        shared = emd.index.intersection(com.index)    # of the validated epochs
        values["emd_below_com_ood_share"] = (emd[shared] < com[shared]).mean()
    return [{"fact": name, "value": float(value)} for name, value in values.items()]
