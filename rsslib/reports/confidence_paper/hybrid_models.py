"""Records of hybrid localization: Figure 11 (ranging as a fallback) and Table IV (the more confident of two models)."""

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.confidence import hybrid, indicators, ranging
from rsslib.data import splits
from rsslib.ledger import claims
from rsslib.localization import predictions
from rsslib.reports import style
from rsslib.reports.confidence_paper.ood_detection import Models
from rsslib.reports.confidence_paper.summaries import median_difference, median_error, share
from rsslib.reports.tables import matrix

GRID_SETS = ("val", "ood")
_METHOD = {"cnn": "network (CNN)"}
SETS = ("july", "november", "april")
PAIR = ("july", "november")


def fallbacks(dataset: xr.Dataset, models: Models, seed: int = 0) -> dict[str, Models]:
    """Return each GridN split's predictions by the CNN, by ranging, and by the hybrid of both: {split: {method: ...}}.

    `a` of the ranging is learned from the split's own training samples, and kept as the attribute ranging_a_db.
    """
    located = {}
    for split, model in models.items():
        a = ranging.calibrate(dataset, splits.make(dataset, split, seed)["train"])
        x, y = ranging.locate(dataset, model.measurement.values, a)
        methods = {"cnn": model, "ranging": model.assign(x_hat=("sample", x), y_hat=("sample", y)),
                   "hybrid": hybrid.fallback(model, x, y)}
        located[split] = {name: method.assign_attrs(ranging_a_db=a) for name, method in methods.items()}
    return located


def grid_records(located: Mapping[str, Models]) -> list[dict]:
    """Return Figure 11's records: the median error of CNN, ranging and hybrid on the two sets of each GridN split.

    Input: what `fallbacks` returns. Keys: n_cells, split, set, method, n, median_m, ci95_m, low_confidence_rate,
    ranging_a_db.
    """
    records = []
    for split, methods in located.items():
        low = indicators.is_low(methods["cnn"])
        records += [_grid(split, name) | {"method": method}
                    | median_error(predictions.errors(predictions.of_set(model, name)))
                    | {"low_confidence_rate": low[model.set.values == name].mean(),
                       "ranging_a_db": model.attrs["ranging_a_db"]}
                    for name in GRID_SETS for method, model in methods.items()]
    return records


def grid_pairs(located: Mapping[str, Models]) -> list[dict]:
    """Return Figure 11's paired differences, the left method's median error less the right one's.

    Input: what `fallbacks` returns. Keys: n_cells, split, set, left_method, right_method, n, median_m, ci95_median_m.
    """
    records = []
    for split, methods in located.items():
        for name in GRID_SETS:
            errors = {method: predictions.errors(predictions.of_set(model, name)) for method, model in methods.items()}
            records += [_grid(split, name) | {"left_method": left, "right_method": right}
                        | median_difference(errors[left], errors[right])
                        for left, right in (("hybrid", "cnn"), ("ranging", "cnn"), ("hybrid", "ranging"))]
    return records


def grid_printed() -> dict[tuple, float]:
    """Return what the paper prints of Figure 11, {(n_cells, set, method): median error [m]}.

    They are the CNN's medians in Table II (out of distribution) and Table III (in distribution).
    """
    ood = {split: value for (loss, split), value in claims.printed("table2", "median_m", "loss", "split").items()
           if loss == "emd"}
    own = {split: value for (split,), value in claims.printed("table3", "in_distribution_median_m", "split").items()}
    return {(_cells(split), name, "cnn"): value for name, values in (("val", own), ("ood", ood))
            for split, value in values.items() if split.startswith("grid")}


def grid_table(records: list[dict], set_name: str, printed: Mapping[tuple, float] | None = None) -> pd.DataFrame:
    """Return the median errors [m] of Figure 11 on a set as text, a row for each grid; printed as of `grid_printed`."""
    shown = [{"separation": f"Grid{record['n_cells']}", "method": _METHOD.get(record["method"], record["method"]),
              "median_m": record["median_m"], "ci95_m": record.get("ci95_m")}
             for record in records if record["set"] == set_name]
    paper = {(f"Grid{n}", _METHOD.get(method, method)): value for (n, name, method), value in (printed or {}).items()
             if name == set_name}
    return matrix(shown, "separation", "method", "median_m", printed=paper)


def _cells(split: str) -> int:
    return int(split.removeprefix("grid"))


def _grid(split: str, name: str) -> dict:
    return {"n_cells": _cells(split), "split": split, "set": name}


def duel(models: Models, name: str, indicator: str = indicators.INDICATOR) -> SimpleNamespace:
    """Return the July and the November model's relative confidence in the samples of a set, and who was nearer.

    The relative confidence is the confidence divided by its model's low-confidence threshold.

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
    median_confidence (divided by the threshold). The sets are the held-out fifths of the seasons; April's is OOD for
    both models.
    """
    records = []
    for name in SETS:
        both = duel(models, name, indicator).chosen
        errors = both.error_m.values
        for model, chosen in _choices(both).items():
            record = {"set": name, "model": model} | median_error(_of(errors, chosen))
            record |= share("best_choice_rate", hybrid.best_choice(errors, chosen))
            if model in PAIR:
                confidence = both.confidence.values[PAIR.index(model)]
                record |= share("chosen_share", both.chosen.values == PAIR.index(model))
                record |= {"low_confidence_rate": (confidence < 1).mean(), "median_confidence": np.median(confidence)}
            records.append(record)
    return records


def in_words(table4: list[dict]) -> list[dict]:
    """Return Table IV's records with the fields season and choice added, which name set and model in words.

    >>> in_words([{"set": "april", "model": "july"}])[0]["choice"]
    'July model'
    """
    return [record | {"season": style.LOOKS[record["set"]].label,
                      "choice": f"{style.LOOKS[record['model']].label} model" if record["model"] in PAIR
                      else record["model"]} for record in table4]


def table4_pairs(models: Models, indicator: str = indicators.INDICATOR) -> list[dict]:
    """Return Table IV's paired differences, the left model's median error less the right one's.

    Keys: set, left_model, right_model, n, median_m, ci95_median_m.
    """
    records = []
    for name in SETS:
        both = duel(models, name, indicator).chosen
        errors = {model: _of(both.error_m.values, chosen) for model, chosen in _choices(both).items()}
        records += [{"set": name, "left_model": left, "right_model": right}
                    | median_difference(errors[left], errors[right])
                    for left, right in (("hybrid", "july"), ("hybrid", "november"), ("july", "november"))]
    return records


def _choices(both: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the index of the model that each row of Table IV takes, {row: (sample,)}."""
    n = both.sizes["sample"]
    return {"july": np.zeros(n, int), "november": np.ones(n, int), "hybrid": both.chosen.values,
            "oracle": both.error_m.values.argmin(axis=0)}


def _of(errors: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the chosen model's error for each sample, (sample,)."""
    return errors[chosen, np.arange(len(chosen))]
