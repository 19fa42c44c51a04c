"""Records of hybrid localization: Figure 11 (ranging as a fallback) and Table IV (the surer of two models)."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import xarray as xr

from rsslib.confidence import hybrid, indicators, ranging
from rsslib.data import splits
from rsslib.ledger import statistics
from rsslib.localization import predictions
from rsslib.reports.confidence_paper.detection import Models
from rsslib.reports.confidence_paper.loss_comparison import DATA

MODULES = tuple(f"rsslib.{name}" for name in (
    *DATA, "confidence", "ensemble", "grid", "hybrid", "hybrid_report", "localizer", "losses", "networks",
    "predictions", "ranging", "results", "splits", "training"))
"""The modules whose code these results hang on, for their provenance."""

SETS = ("july", "november", "april")
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
                            "ci95_m": statistics.bootstrap_median(errors),
                            "low_confidence_rate": (indicators.score(part) < indicators.threshold(said)).mean(),
                            "ranging_a_db": a})
    return records


def _methods(dataset: xr.Dataset, said: xr.Dataset, a: float) -> Iterator[tuple[str, str, xr.Dataset]]:
    """Yield set, method and predictions of CNN, ranging and hybrid."""
    x, y = ranging.locate(dataset, said.measurement.values, a)
    ranged = said.assign(x_hat=("sample", x), y_hat=("sample", y))
    for name in ("val", "ood"):
        for method, found in (("cnn", said), ("ranging", ranged), ("hybrid", hybrid.fallback(said, x, y))):
            yield name, method, predictions.of_set(found, name)


def duel(models: Models, name: str, indicator: str = indicators.INDICATOR) -> SimpleNamespace:
    """Return the July and the November model's normalised confidence in the samples of a set, and who was nearer.

    Fields: first, second (n,), first_better (n,) bool, rate (best-choice rate), chosen (the hybrid's predictions).
    """
    chosen = hybrid.choose([models[split] for split in PAIR], name, indicator)
    error = chosen.error_m.values
    return SimpleNamespace(first=chosen.confidence.values[0], second=chosen.confidence.values[1],
                           first_better=error[0] <= error[1], chosen=chosen,
                           rate=float(hybrid.best_choice(error, chosen.chosen.values).mean()))


def table4(models: Models, indicator: str = indicators.INDICATOR) -> list[dict]:
    """Return Table IV's records: July model, November model, hybrid, and an oracle that always takes the better.

    Keys: set, model, n, median_m, ci95_m, best_choice_rate (how often that choice is the better one) and its
    interval; of the two models also chosen_share (how often the hybrid takes it), low_confidence_rate and
    median_confidence (normalised). The sets are the held-out fifths of the seasons; April's is OOD for both models.
    """
    records = []
    for name in SETS:
        found = duel(models, name, indicator).chosen
        error, n = found.error_m.values, found.sizes["sample"]
        choices = {"july": np.zeros(n, int), "november": np.ones(n, int), "hybrid": found.chosen.values,
                   "oracle": error.argmin(axis=0)}
        for model, chosen in choices.items():
            taken = np.take_along_axis(error, chosen[None], 0)[0]
            best = hybrid.best_choice(error, chosen)
            record = {"set": name, "model": model, "n": n, "median_m": np.median(taken),
                      "ci95_m": statistics.bootstrap_median(taken), "best_choice_rate": best.mean(),
                      "ci95_best_choice_rate": statistics.share_interval(best)}
            if model in PAIR:
                sure = found.confidence.values[PAIR.index(model)]
                own = found.chosen.values == PAIR.index(model)
                record |= {"chosen_share": own.mean(), "ci95_chosen_share": statistics.share_interval(own),
                           "low_confidence_rate": (sure < 1).mean(), "median_confidence": np.median(sure)}
            records.append(record)
    return records
