"""Records of hybrid localization: Figure 11 (ranging as a fallback) and Table IV (the surer of two models)."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import xarray as xr

from rsslib import confidence, hybrid, predictions, ranging, results, splits
from rsslib.detection import Models

MODULES = tuple(f"rsslib.{name}" for name in (
    "confidence", "datasets", "ensemble", "grid", "hybrid", "hybrid_report", "localizer", "losses", "networks",
    "predictions", "ranging", "results", "splits", "training"))
"""The modules whose code these results hang on, for their provenance."""

SEASONS = ("july", "november", "april")
PAIR = ("july", "november")


def grid_records(dataset: xr.Dataset, models: Models, seed: int = 0) -> list[dict]:
    """Return Figure 11's records: the median error of CNN, ranging and hybrid on the two sets of each GridN split.

    `a` of the ranging is learned from the split's own training samples. Keys: n_cells, split, set, method, n,
    median_m, ci95_m, low_confidence_rate, ranging_a_db.
    """
    records = []
    for split, said in models.items():
        sets = splits.make(dataset, split, seed)
        a = ranging.calibrate(dataset, sets["train"])
        for name, method, part in _methods(dataset, said, a):
            errors = predictions.errors(part)
            records.append({"n_cells": int(split.removeprefix("grid")), "split": split, "set": name, "method": method,
                            "n": len(errors), "median_m": np.median(errors),
                            "ci95_m": results.bootstrap_median(errors),
                            "low_confidence_rate": (confidence.score(part) < confidence.threshold(said)).mean(),
                            "ranging_a_db": a})
    return records


def _methods(dataset: xr.Dataset, said: xr.Dataset, a: float) -> Iterator[tuple[str, str, xr.Dataset]]:
    """Yield set, method and predictions of CNN, ranging and hybrid."""
    x, y = ranging.locate(dataset, said.measurement.values, a)
    ranged = said.assign(x_hat=("sample", x), y_hat=("sample", y))
    for name in ("val", "ood"):
        for method, found in (("cnn", said), ("ranging", ranged), ("hybrid", hybrid.fallback(said, x, y))):
            yield name, method, predictions.of_set(found, name)


def duel(models: Models, name: str, indicator: str = confidence.INDICATOR) -> SimpleNamespace:
    """Return the July and the November model's normalised confidence in the samples of a set, and who was nearer.

    Fields: first, second (n,), first_better (n,) bool, rate (best-choice rate), chosen (the hybrid's predictions).
    """
    chosen = hybrid.choose([models[split] for split in PAIR], name, indicator)
    error = chosen.error_m.values
    return SimpleNamespace(first=chosen.confidence.values[0], second=chosen.confidence.values[1],
                           first_better=error[0] <= error[1], chosen=chosen,
                           rate=float(hybrid.best_choice(error, chosen.chosen.values).mean()))


def table4(models: Models, indicator: str = confidence.INDICATOR) -> list[dict]:
    """Return Table IV's records: July model, November model, hybrid, and an oracle that always takes the better.

    Keys: set, model, n, median_m, ci95_m, best_choice_rate (how often that choice is the better one) and its
    interval. The sets are the held-out fifths of the seasons; April's is OOD for both models.
    """
    records = []
    for name in SEASONS:
        found = duel(models, name, indicator).chosen
        error, n = found.error_m.values, found.sizes["sample"]
        choices = {"july": np.zeros(n, int), "november": np.ones(n, int), "hybrid": found.chosen.values,
                   "oracle": error.argmin(axis=0)}
        for model, chosen in choices.items():
            taken = np.take_along_axis(error, chosen[None], 0)[0]
            best = hybrid.best_choice(error, chosen)
            records.append({"set": name, "model": model, "n": n, "median_m": np.median(taken),
                            "ci95_m": results.bootstrap_median(taken), "best_choice_rate": best.mean(),
                            "ci95_best_choice_rate": confidence.share_interval(best)})
    return records
