"""Records of hybrid localization: Figure 11 (ranging as a fallback) and Table IV (the more confident of two models)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.confidence import hybrid, indicators, pools, ranging
from rsslib.data import splits
from rsslib.ledger import claims, repeated
from rsslib.ledger.resampling import Draw, Times, interval, resampled
from rsslib.localization import predictions
from rsslib.project import InputError
from rsslib.reports import style
from rsslib.reports.confidence_paper import ood_detection
from rsslib.reports.confidence_paper.ood_detection import Models
from rsslib.reports.confidence_paper.summaries import ends, errors_of, field
from rsslib.reports.tables import matrix

GRID_SETS = ("val", "ood")
SETS = ("july", "november", "april")
PAIR = ("july", "november")


def load(folder: str | Path, grids: Sequence[int], dataset: xr.Dataset) -> Models:
    """Read the EMD predictions of GridN for each N; none for no N. Errors: InputError naming the parameter `grids`."""
    if not isinstance(grids, (list, tuple)):
        raise InputError(f"grids: found {grids!r}; expected a list of numbers N of cells per side, such as [2, 5]")
    names = [f"grid{n}" for n in grids]
    return ood_detection.load(folder, names, dataset, parameter="grids") if grids else {}


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


def grid_records(located: Mapping[str, Models]) -> tuple[list[dict], list[dict]]:
    """Return Figure 11's records: the median error of CNN, ranging and hybrid on the two sets of each GridN split.

    Input: what `fallbacks` returns. Records: n_cells, split, set, method, n, median_m, ci95_m, low_confidence_rate,
    ranging_a_db. Paired differences, the left method's median error less the right one's: n_cells, split, set,
    left_method, right_method, n, median_m, ci95_median_m. Drawn anew are samples, networks and the threshold.
    """
    return fallback_records(located, {split: ({"n_cells": int(split.removeprefix("grid"))}, GRID_SETS)
                                      for split in located})


def fallback_records(located: Mapping[str, Models], told: Mapping[str, tuple[dict, Iterable[str]]],
                     fallback: str = "ranging") -> tuple[list[dict], list[dict]]:
    """Return `grid_records` of any split: told has the first keys of its records, and its sets.

    `fallback` is what the records call the method that takes over, which is "ranging" in `located`.
    """
    records, pairs = [], []
    for split, methods in located.items():
        for name in told[split][1]:
            keys = told[split][0] | {"split": split, "set": name}
            errors = {method: errors_of(model, name) for method, model in methods.items()}
            drawn = _fallback_medians(methods, name)
            low = (indicators.is_low(methods["cnn"])[methods["cnn"].set.values == name]).mean()
            own = {key: methods["cnn"].attrs[key] for key in ("ranging_a_db",) if key in methods["cnn"].attrs}
            for method, error in errors.items():
                records.append(keys | {"method": method, "n": len(error), "median_m": np.median(error)} | ends(
                    "m", interval(drawn[method])) | {"low_confidence_rate": low} | own)
            pairs += _pairs(keys, "method", errors, drawn,
                            (("hybrid", "cnn"), ("ranging", "cnn"), ("hybrid", "ranging")))
    for record in records + pairs:
        record |= {key: fallback for key, value in record.items() if value == "ranging"}
    return records, pairs


def _fallback_medians(methods: Models, name: str) -> dict[str, np.ndarray]:
    """Return the median error of each method in each resample, {method: (resamples,)}."""
    ranged = errors_of(methods["ranging"], name)

    def medians(own: pools.Answers, other: pools.Answers) -> list[np.ndarray]:
        low = ood_detection.below(other, own)
        both = np.concatenate([ranged, other.error]), np.concatenate([other.times * low, other.times * ~low], axis=1)
        return [repeated.median(*each) for each in ((other.error, other.times), (ranged, other.times), both)]

    drawn = ood_detection.resampled_with_val(methods["cnn"], name, medians)
    return dict(zip(("cnn", "ranging", "hybrid"), drawn.T))


def _pairs(keys: Mapping, kind: str, errors: Mapping[str, np.ndarray], drawn: Mapping[str, np.ndarray],
           compared: Iterable[tuple]) -> list[dict]:
    return [{**keys, f"left_{kind}": left, f"right_{kind}": right, "n": len(errors[left])} | field(
        "median_m", np.median(errors[left]) - np.median(errors[right]), drawn[left] - drawn[right], difference=True)
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


def duel(models: Models, name: str) -> SimpleNamespace:
    """Return the July and the November model's relative confidence in the samples of a set, and who was nearer.

    The relative confidence is the confidence divided by its model's low-confidence threshold.

    Fields: first, second (n,), first_better (n,) bool, rate (best-choice rate), chosen (the hybrid's predictions);
    drawn, what `_choices` says of each resample, {field: (resamples,)}.
    """
    chosen = hybrid.choose([models[split] for split in PAIR], name)
    error, (first, second) = chosen.error_m.values, chosen.confidence.values
    return SimpleNamespace(first=first, second=second, first_better=error[0] <= error[1], chosen=chosen,
                           rate=float(hybrid.best_choice(error, chosen.chosen.values).mean()),
                           drawn=_drawn_choices(models, name))


def _drawn_choices(models: Models, name: str) -> dict[str, np.ndarray]:
    """Return `_choices` of each resample: of both models' networks, of their validation samples, and of the set."""
    val, tested = ({split: predictions.of_set(models[split], each) for split in PAIR} for each in ("val", name))
    of_val, of_set = ({split: pools.of(part) for split, part in parts.items()} for parts in (val, tested))

    def found(times: Times, draw: Draw) -> np.ndarray:
        said = {split: of_set[split].answers(draw[split], times[name]) for split in PAIR}
        limits = {split: ood_detection.limit(of_val[split].answers(draw[split], times[f"{split} val"]))
                  for split in PAIR}
        confidence = np.stack([said[split].score() / limits[split][:, None] for split in PAIR])
        return np.stack([*_choices(np.stack([one.error for one in said.values()]), confidence, times[name]).values()],
                        axis=1)

    blocks = {f"{split} val": part.block.values for split, part in val.items()}
    drawn = resampled(found, blocks | {name: tested[PAIR[0]].block.values}, of_set)
    return dict(zip(_choices(np.zeros((2, 1)), np.zeros((2, 1, 1)), np.ones((1, 1))), drawn.T))


def _choices(error: np.ndarray, confidence: np.ndarray, times: np.ndarray) -> dict[str, np.ndarray]:
    """Return what a choice by confidence does in each resample, {field: (resamples,)}.

    Median error [m] of each model, of the hybrid and of the oracle; how often each takes the better model; how often
    the hybrid takes the first, and how much more often than that is the better one; low-confidence rates.
    Input: error, (model, sample); confidence, (model, resample, sample); times, how often a resample counts a sample.
    """
    first, best = confidence[0] >= confidence[1], error.min(axis=0)
    always = np.ones_like(first)
    takes_first = {"july": always, "november": ~always, "hybrid": first, "oracle": always & (error[0] <= error[1])}
    medians = {model: repeated.median(error.ravel(), np.concatenate([times * taken, times * ~taken], axis=1))
               for model, taken in takes_first.items()}
    rates = {f"{model} best": repeated.mean(np.where(taken, *error) <= best, times)
             for model, taken in takes_first.items()}
    takes = repeated.mean(first, times)
    return (medians | rates | {"first": takes, "excess": takes - repeated.mean(error[0] <= error[1], times)}
            | {f"{model} low": repeated.mean(one < 1, times) for model, one in zip(PAIR, confidence)})


def table4(duels: Mapping[str, SimpleNamespace]) -> tuple[list[dict], list[dict]]:
    """Return Table IV's records: July model, November model, hybrid, and an oracle that always takes the better.

    Keys: set, model, n, median_m, ci95_m, best_choice_rate (how often that choice is the better one) and its
    interval; of the two models also chosen_share (how often the hybrid takes it), low_confidence_rate and
    median_confidence (divided by the threshold). The sets are the held-out fifths of the seasons; April's is OOD for
    both models. Paired differences, the left model's median error less the right one's: set, left_model, right_model,
    n, median_m, ci95_median_m. Drawn anew are samples, networks and both thresholds. Input: the `duel` of each set.
    """
    records, pairs = [], []
    for name, both in duels.items():
        confidence, errors = both.chosen.confidence.values, _errors(both.chosen)
        for model, error in errors.items():
            record = {"set": name, "model": model, "n": len(error), "median_m": np.median(error)} | ends(
                "m", interval(both.drawn[model]))
            record |= field("best_choice_rate", float(np.mean(error <= errors["oracle"])), both.drawn[f"{model} best"])
            if model in PAIR:
                number, first = PAIR.index(model), both.drawn["first"]
                record |= field("chosen_share", float(np.mean(both.chosen.chosen.values == number)),
                                1 - first if number else first)
                record |= field("low_confidence_rate", float((confidence[number] < 1).mean()),
                                both.drawn[f"{model} low"])
                record |= {"median_confidence": np.median(confidence[number])}
            records.append(record)
        pairs += _pairs({"set": name}, "model", errors, both.drawn,
                        (("hybrid", "july"), ("hybrid", "november"), ("july", "november")))
    return records, pairs


def in_words(table4: Sequence[dict]) -> list[dict]:
    """Return Table IV's records with the fields season and choice added, which name set and model in words.

    >>> in_words([{"set": "april", "model": "july"}])[0]["choice"]
    'July model'
    """
    return [record | {"season": style.LOOKS[record["set"]].label,
                      "choice": f"{style.LOOKS[record['model']].label} model" if record["model"] in PAIR
                      else record["model"]} for record in table4]


def _errors(both: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the errors of what each row of Table IV takes, {row: (sample,)}."""
    errors = both.error_m.values
    return {"july": errors[0], "november": errors[1], "hybrid": errors[both.chosen.values, np.arange(errors.shape[1])],
            "oracle": errors.min(axis=0)}
