"""Records of hybrid localization: Figure 11 (ranging as a fallback) and Table IV (the surer of two models)."""

from types import SimpleNamespace

import numpy as np
import xarray as xr

from rsslib.confidence import hybrid, indicators, ranging
from rsslib.data import splits
from rsslib.localization import predictions
from rsslib.reports.confidence_paper.ood_detection import Models
from rsslib.reports.confidence_paper.summaries import median_error, share

SETS = ("july", "november", "april")
PAIR = ("july", "november")


def grid_records(dataset: xr.Dataset, models: Models, seed: int = 0) -> list[dict]:
    """Return Figure 11's records: the median error of CNN, ranging and hybrid on the two sets of each GridN split.

    `a` of the ranging is learned from the split's own training samples. Keys: n_cells, split, set, method, n,
    median_m, ci95_m, low_confidence_rate, ranging_a_db.
    """
    records = []
    for split, model in models.items():
        a = ranging.calibrate(dataset, splits.make(dataset, split, seed)["train"])
        x, y = ranging.locate(dataset, model.measurement.values, a)
        methods = {"cnn": model, "ranging": model.assign(x_hat=("sample", x), y_hat=("sample", y)),
                   "hybrid": hybrid.fallback(model, x, y)}
        low = indicators.is_low(model)
        records += [{"n_cells": int(split.removeprefix("grid")), "split": split, "set": name, "method": method}
                    | median_error(predictions.errors(predictions.of_set(located, name)))
                    | {"low_confidence_rate": low[model.set.values == name].mean(), "ranging_a_db": a}
                    for name in ("val", "ood") for method, located in methods.items()]
    return records


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
        both = duel(models, name, indicator).chosen
        errors, n = both.error_m.values, both.sizes["sample"]
        choices = {"july": np.zeros(n, int), "november": np.ones(n, int), "hybrid": both.chosen.values,
                   "oracle": errors.argmin(axis=0)}
        for model, chosen in choices.items():
            record = {"set": name, "model": model} | median_error(errors[chosen, np.arange(n)])
            record |= share("best_choice_rate", hybrid.best_choice(errors, chosen))
            if model in PAIR:
                confidence = both.confidence.values[PAIR.index(model)]
                record |= share("chosen_share", both.chosen.values == PAIR.index(model))
                record |= {"low_confidence_rate": (confidence < 1).mean(), "median_confidence": np.median(confidence)}
            records.append(record)
    return records
