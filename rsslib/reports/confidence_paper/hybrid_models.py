"""Records of hybrid localization: Figure 11 (ranging as a fallback) and Table IV (the more confident of two models)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.confidence import hybrid, indicators, ranging
from rsslib.data import splits
from rsslib.ledger import claims
from rsslib.project import InputError
from rsslib.reports import style
from rsslib.reports.confidence_paper import ood_detection
from rsslib.reports.confidence_paper.ood_detection import Models
from rsslib.reports.confidence_paper.summaries import errors_of, median_difference, median_error, share
from rsslib.reports.tables import matrix

GRID_SETS = ("val", "ood")
SETS = ("july", "november", "april")
PAIR = ("july", "november")


def load(folder: str | Path, grids: Sequence[int]) -> Models:
    """Read the EMD predictions of GridN for each N; none for no N. Errors: InputError naming the parameter `grids`."""
    if not isinstance(grids, (list, tuple)):
        raise InputError(f"grids: found {grids!r}; expected a list of numbers N of cells per side, such as [2, 5]")
    return ood_detection.load(folder, [f"grid{n}" for n in grids], parameter="grids") if grids else {}


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
    return [_keys(split, name) | {"method": method} | median_error(errors_of(model, name)) | {
        "low_confidence_rate": indicators.is_low(methods["cnn"])[model.set.values == name].mean(),
        "ranging_a_db": model.attrs["ranging_a_db"]}
            for split, methods in located.items() for name in GRID_SETS for method, model in methods.items()]


def grid_pairs(located: Mapping[str, Models]) -> list[dict]:
    """Return Figure 11's paired differences, the left method's median error less the right one's.

    Input: what `fallbacks` returns. Keys: n_cells, split, set, left_method, right_method, n, median_m, ci95_median_m.
    """
    return [record for split, methods in located.items() for name in GRID_SETS for record in _pairs(
        _keys(split, name), "method", {method: errors_of(model, name) for method, model in methods.items()},
        (("hybrid", "cnn"), ("ranging", "cnn"), ("hybrid", "ranging")))]


def _keys(split: str, name: str) -> dict:
    return {"n_cells": int(split.removeprefix("grid")), "split": split, "set": name}


def _pairs(keys: Mapping, kind: str, errors: Mapping[str, np.ndarray], compared: Iterable[tuple]) -> list[dict]:
    return [{**keys, f"left_{kind}": left, f"right_{kind}": right} | median_difference(errors[left], errors[right])
            for left, right in compared]


def grid_printed() -> dict[tuple, float]:
    """Return what the paper prints of Figure 11, {(n_cells, set, method): median error [m]}.

    They are the CNN's medians in Table II (out of distribution) and Table III (in distribution).
    """
    own = {("val", split): value for (split,), value in claims.printed(
        "table3", "in_distribution_median_m", "split").items()}
    ood = {("ood", split): value for (loss, split), value in claims.printed(
        "table2", "median_m", "loss", "split").items() if loss == "emd"}
    return {(int(split.removeprefix("grid")), name, "cnn"): value for (name, split), value in (own | ood).items()
            if split.startswith("grid")}


def grid_table(records: Sequence[dict], name: str, printed: Mapping[tuple, float]) -> pd.DataFrame:
    """Return the median errors [m] of Figure 11 on a set as text, a row for each grid; printed as of `grid_printed`."""
    methods = {"cnn": "network (CNN)", "ranging": "ranging", "hybrid": "hybrid"}
    shown = [record | {"separation": f"Grid{record['n_cells']}", "method": methods[record["method"]]}
             for record in records if record["set"] == name]
    paper = {(f"Grid{n}", methods[method]): value for (n, of, method), value in printed.items() if of == name}
    return matrix(shown, "separation", "method", "median_m", printed=paper)


def duel(models: Models, name: str, indicator: str = indicators.INDICATOR) -> SimpleNamespace:
    """Return the July and the November model's relative confidence in the samples of a set, and who was nearer.

    The relative confidence is the confidence divided by its model's low-confidence threshold.

    Fields: first, second (n,), first_better (n,) bool, rate (best-choice rate), chosen (the hybrid's predictions).
    """
    chosen = hybrid.choose([models[split] for split in PAIR], name, indicator)
    error, (first, second) = chosen.error_m.values, chosen.confidence.values
    return SimpleNamespace(first=first, second=second, first_better=error[0] <= error[1], chosen=chosen,
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
        errors = _errors(both)
        for model, error in errors.items():
            record = {"set": name, "model": model} | median_error(error)
            record |= share("best_choice_rate", error <= errors["oracle"])
            if model in PAIR:
                number = PAIR.index(model)
                record |= share("chosen_share", both.chosen.values == number)
                record |= {"low_confidence_rate": (both.confidence.values[number] < 1).mean(),
                           "median_confidence": np.median(both.confidence.values[number])}
            records.append(record)
    return records


def in_words(table4: Sequence[dict]) -> list[dict]:
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
    return [record for name in SETS for record in _pairs(
        {"set": name}, "model", _errors(duel(models, name, indicator).chosen),
        (("hybrid", "july"), ("hybrid", "november"), ("july", "november")))]


def _errors(both: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the errors of what each row of Table IV takes, {row: (sample,)}."""
    errors = both.error_m.values
    return {"july": errors[0], "november": errors[1], "hybrid": errors[both.chosen.values, np.arange(errors.shape[1])],
            "oracle": errors.min(axis=0)}
