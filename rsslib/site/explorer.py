"""The explorer's data: of one data separation every test sample, as a script that a page loads from a disk, too."""

import base64
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib.data import splits
from rsslib.data.grid import Grid, transmitters
from rsslib.files import read_json
from rsslib.localization import predictions
from rsslib.project import InputError, atomic_path
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.maps import Maps
from rsslib.radio_maps.recipe import MapRecipe
from rsslib.radio_maps.regions import pixel_scores
from rsslib.reports.confidence_paper import summaries
from rsslib.reports.radio_maps.tables import unseen
from rsslib.reports.style import LOOKS, SEPARATIONS
from rsslib.site import sparse

SPLITS = ("grid2", "random")
"""Those of which the profile quick has networks that learn from maps."""
LEVELS = (0.5, 0.9)
BINS = 24
INDICATORS = {"emd": ("max_mean_prediction", 1, "maximum mean prediction"),
              "maps": ("entropy", -1, "certainty (minus entropy, nat)"),
              "network": ("entropy_network", -1, "certainty of the network alone")}
"""By method: its indicator of confidence in the predictions, the sign that makes more of it surer, and its name."""


def write(split: str, dataset: xr.Dataset, results: Path, path: str | Path) -> Path:
    """Write the script of a separation: sensors, images, places, regions and confidence of each test sample.

    Input: dataset, the measurements; results, the folder of the profile's records, with `trained`, `maps` and
    `explorer`. Errors: InputError naming what is missing there.
    """
    sets = splits.make(dataset, split)
    judged = splits.report_set(split)
    located = {"emd": predictions.load(results / "trained" / f"{split}-emd" / "predictions.nc"),
               "maps": predictions.load(results / "maps" / split / "maps.nc"),
               "network": predictions.load(results / "maps" / split / "network-0.nc")}
    located = summaries.placed(located, dataset)    # refuses those of other measurements
    kept, chosen = sparse.load(results / "explorer" / f"{split}.nc")
    maps = RadioMaps(MapRecipe(pixel_m=float(located["maps"].attrs["pixel_m"]))).fit(dataset, sets["train"]).fitted()
    promise = "unseen cells" if unseen(split, judged) else "seen places"
    facts = read_json(results / "maps" / split / "facts.json", "facts of radio maps", "run its training stage again")
    thresholds = [next(one["threshold"] for one in facts["covered"] if (one["method"], one["set"], one["promise"],
                  one["level"]) == ("maps", judged, promise, level)) for level in LEVELS]
    images, regions = _posteriors(maps, dataset, chosen, thresholds)
    told = {"label": SEPARATIONS[split], "set": LOOKS[judged].label, "grid": asdict(maps.grid), "promise": promise,
            "samples": _samples(dataset, chosen, maps.grid), "regions": regions, "receivers": _receivers(maps),
            "methods": {name: _method(name, model, judged, chosen, kept.get(name, images)) for name, model
                        in located.items()}}
    script = json.dumps(told, separators=(",", ":"))
    with atomic_path(path) as temporary:
        temporary.write_text(f"(window.rsslibExplorer=window.rsslibExplorer||{{}})[{split!r}]={script};\n",
                             encoding="utf-8")
    return Path(path)


def _packed(values: np.ndarray) -> str:
    """Return an array as base64 of its little-endian bytes; the page knows its type."""
    return base64.b64encode(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()).decode()


def _samples(dataset: xr.Dataset, chosen: np.ndarray, grid: Grid) -> dict:
    """Return number, time and true place of each sample, and the readings: of receivers at pixels, in dB."""
    x, y = (axis[chosen] for axis in transmitters(dataset))
    rss = dataset.rss.values[chosen]
    sample, sensor = np.nonzero(np.isfinite(rss))
    column, row = grid.to_pixels(dataset.sensor_x.values, dataset.sensor_y.values)
    places = [np.broadcast_to(axis, dataset.rss.shape)[chosen][sample, sensor] for axis in (column, row)]
    return {"number": chosen.tolist(), "time": np.datetime_as_string(dataset.time.values[chosen], "s").tolist(),
            "true": [_packed(axis.astype(np.float32)) for axis in grid.to_pixels(x, y)],
            "sensors": dataset.sensor.values.astype(str).tolist(),
            "first": _packed(np.searchsorted(sample, np.arange(len(chosen) + 1)).astype(np.int32)),
            "sensor": _packed(sensor.astype(np.uint8)), "rss": _packed((rss[sample, sensor]).astype(np.float32)),
            "at": [_packed(axis.astype(np.float32)) for axis in places]}


def _method(name: str, model: xr.Dataset, judged: str, chosen: np.ndarray, images: sparse.Sparse) -> dict:
    """Return label, colour, places, confidence and images of a method, and the confidences of validation."""
    indicator, sign, words = INDICATORS[name]
    tested = predictions.of_set(model, judged)
    tested = tested.isel(sample=np.argsort(tested.measurement.values))
    if not np.array_equal(tested.measurement.values, chosen):
        raise InputError(f"the explorer: {name} was tested on other samples than results/quick/explorer has; run `dvc "
                         "repro site-data@quick`")
    grid = Grid(**{key: type_(model.attrs[key]) for key, type_ in Grid.__annotations__.items()})
    places = grid.to_pixels(tested.x_hat.values, tested.y_hat.values)
    val = sign * predictions.of_set(model, "val")[indicator].values
    sure = sign * tested[indicator].values
    low, high = min(val.min(), sure.min()), max(val.max(), sure.max())
    counts = np.histogram(val, BINS, (low, high))[0]
    return {"label": LOOKS[name].label, "colour": LOOKS[name].colour, "indicator": words,
            "hat": [_packed(axis.astype(np.float32)) for axis in places],
            "error": _packed(predictions.errors(tested).astype(np.float32)), "sure": _packed(sure.astype(np.float32)),
            "range": [float(low), float(high)], "val": counts.tolist(), "threshold": float(np.quantile(val, 0.1)),
            "image": [_packed(part) for part in images]}


def _posteriors(maps: Maps, dataset: xr.Dataset, chosen: np.ndarray,
                thresholds: list[float]) -> tuple[sparse.Sparse, list[dict]]:
    """Return the maps' posteriors as sparse images, and the regions of each level as runs of pixels."""
    images, runs = [], [([0], []) for _ in thresholds]    # type: list[np.ndarray], list[tuple[list[int], list]]
    for _, log_posterior, _ in maps.posteriors(dataset, chosen):
        posterior = log_posterior.exp()
        images.append(posterior.numpy())
        scores = pixel_scores(posterior).flatten(1).numpy()
        for (starts, found), threshold in zip(runs, thresholds):
            for inside in scores <= threshold:
                edges = np.flatnonzero(np.diff(np.pad(inside.astype(np.int8), 1))).reshape(-1, 2)
                found.append(edges.astype(np.uint16))
                starts.append(starts[-1] + len(edges))
    return sparse.pack(np.concatenate(images)), [
        {"level": level, "start": _packed(np.array(starts, np.int32)), "runs": _packed(np.concatenate(found).ravel())}
        for level, (starts, found) in zip(LEVELS, runs)]


def _receivers(maps: Maps) -> list[dict]:
    """Return the map of each receiver that stands still: mean and standard deviation [dB] of every pixel."""
    found = []
    for number in np.flatnonzero(~maps.moves):
        parts = {"mean": maps.mean[number], "std": np.sqrt(maps.variance[number])}
        found.append({"name": maps.sensors[number]} | {
            part: {"low": float(values.min()), "high": float(values.max()), "bytes": _bytes(values)}
            for part, values in parts.items()})
    return found


def _bytes(values: np.ndarray) -> str:
    """Return an image as bytes, 0 for its minimum and 255 for its maximum."""
    scaled = (values - values.min()) / max(float(np.ptp(values)), 1e-9)
    return _packed((255 * scaled).round().astype(np.uint8).ravel())
