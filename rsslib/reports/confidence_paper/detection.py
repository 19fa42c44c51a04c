"""Records and curves on confidence: Figures 7 and 10, Table III, from the predictions of trained ensembles."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import xarray as xr

from rsslib.confidence import indicators as confidence
from rsslib.data import splits
from rsslib.ledger import statistics
from rsslib.localization import predictions
from rsslib.reports.confidence_paper import loss_comparison

MODULES = tuple(f"rsslib.{name}" for name in (
    *loss_comparison.DATA, "confidence", "detection", "ensemble", "grid", "localizer", "losses", "networks", "oddities",
    "predictions", "results", "splits", "training", "unseen"))
"""The modules whose code these results hang on, for their provenance."""

Models = dict[str, xr.Dataset]
"""For each split, what the ensemble trained on it said."""


def load(folder: str | Path, names: list[str], loss: str = "emd") -> Models:
    """Read `<folder>/<split>-<loss>/predictions.nc` for each split. Raises InputError naming what is missing."""
    return {name: predictions.load(Path(folder) / f"{name}-{loss}" / "predictions.nc") for name in names}


def title(split: str) -> str:
    """Return what figures call a data separation: "July→Nov", "Grid2"."""
    return loss_comparison.COLUMNS.get(split, split.capitalize())


def sides(said: xr.Dataset, split: str) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the validation samples and the OOD samples of a split's predictions."""
    return predictions.of_set(said, "val"), predictions.of_set(said, splits.report_set(split))


def rocs(said: xr.Dataset, split: str, indicators=confidence.VARIANTS) -> dict[str, SimpleNamespace]:
    """Return each indicator's ROC at telling OOD from validation: {indicator: curve}.

    Fields: false_positive, true_positive (arrays), auroc, at_threshold (the rates at the validation's 10th
    percentile).
    """
    val, ood = sides(said, split)
    found = {}
    for name in indicators:
        scores = [confidence.score(part, name) for part in (val, ood)]
        is_ood = np.repeat([False, True], [len(part) for part in scores])
        curve = confidence.roc(is_ood, np.concatenate(scores))
        limit = confidence.threshold(said, name)
        found[name] = SimpleNamespace(false_positive=curve.false_positive, true_positive=curve.true_positive,
                                      auroc=curve.auroc, at_threshold=tuple((part < limit).mean() for part in scores))
    return found


def indicator_records(models: Models) -> list[dict]:
    """Return Figure 7's records: the AUROC of each indicator at telling OOD samples, and at telling large errors.

    A large error is above twice the validation median; it is told within validation and within the OOD set.
    """
    records = []
    for split, said in models.items():
        val, ood = sides(said, split)
        limit = 2 * np.median(predictions.errors(val))
        both = xr.concat([val, ood], "sample", combine_attrs="override", join="override")
        tasks = {("ood", splits.report_set(split)): (both, both.set.values != "val"),
                 ("high_error", "val"): (val, predictions.errors(val) > limit),
                 ("high_error", splits.report_set(split)): (ood, predictions.errors(ood) > limit)}
        for (target, name), (part, positive) in tasks.items():
            records += [{"split": split, "target": target, "set": name} | _auroc(said, part, positive, indicator)
                        for indicator in confidence.VARIANTS]
    return records


def _auroc(said: xr.Dataset, part: xr.Dataset, positive: np.ndarray, indicator: str) -> dict:
    found, counts = confidence.score(part, indicator), (int(positive.sum()), int((~positive).sum()))
    record = {"indicator": indicator, "n_positive": counts[0], "n_negative": counts[1]}
    if not all(counts):
        return record | {"auroc": float("nan"), "auroc_reason": "all samples are of one kind"}
    low = found < confidence.threshold(said, indicator)
    return record | {"auroc": confidence.roc(positive, found).auroc,
                     "ci95_auroc": statistics.auroc_interval(positive, found),
                     "true_positive_at_threshold": low[positive].mean(),
                     "false_positive_at_threshold": low[~positive].mean()}


def scatter(said: xr.Dataset, split: str) -> SimpleNamespace:
    """Return Figure 10's panel: val and ood (each confidence, error_m, rho), threshold."""
    parts = [SimpleNamespace(confidence=confidence.score(part), error_m=predictions.errors(part))
             for part in sides(said, split)]
    for part in parts:
        part.rho = statistics.spearman(part.confidence, part.error_m)
    return SimpleNamespace(val=parts[0], ood=parts[1], threshold=confidence.threshold(said))


def error_records(models: Models) -> list[dict]:
    """Return Figure 10's records: how confidence and error go together in every set of each split but `train`.

    Shares of errors above the validation median, and above twice as much, of the low-confidence samples, of the
    high-confidence ones and of all.
    """
    return [_error_record(said, split, name) for split, said in models.items()
            for name in dict.fromkeys(said.set.values.tolist())]


def _error_record(said: xr.Dataset, split: str, name: str) -> dict:
    part = predictions.of_set(said, name)
    sure, error, limit = confidence.score(part), predictions.errors(part), confidence.threshold(said)
    typical, low = predictions.median_error(said, "val"), sure < limit
    record = {"split": split, "set": name, "n": len(low), "median_m": np.median(error),
              "ci95_m": statistics.bootstrap_median(error), "spearman": statistics.spearman(sure, error),
              "ci95_spearman": statistics.spearman_interval(sure, error), "median_confidence": np.median(sure),
              "highest_confidence": sure.max(), "threshold": limit, "low_confidence_rate": low.mean(),
              "ci95_low_confidence_rate": statistics.share_interval(low)}
    for prefix, chosen in (("low_", low), ("high_", ~low), ("", np.ones_like(low))):
        record |= _share(f"{prefix}above_median_share", error[chosen] > typical)
        record |= _share(f"{prefix}above_twice_share", error[chosen] > 2 * typical)
    return record


def table3(models: Models) -> list[dict]:
    """Return Table III's records: the low-confidence rate of the OOD set, and its errors on either side.

    The in-distribution median is that of validation (GridN) or of the own season's held-out fifth: with the
    latter the paper's Tables III and IV print the same number.
    """
    records = []
    for split, said in models.items():
        ood = sides(said, split)[1]
        low = confidence.score(ood) < confidence.threshold(said)
        errors = predictions.errors(ood)
        own = split if split in splits.SEASONS else "val"
        records.append({"split": split, "set": splits.report_set(split), "indicator": confidence.INDICATOR,
                        "percentile": confidence.PERCENTILE, "threshold": confidence.threshold(said), "n": len(low),
                        "low_confidence_rate": low.mean(), "ci95_low_confidence_rate": statistics.share_interval(low)}
                       | _median("high_confidence_median_m", errors[~low])
                       | _median("low_confidence_median_m", errors[low]) | {"in_distribution_set": own}
                       | _median("in_distribution_median_m", predictions.errors(predictions.of_set(said, own))))
    return records


def _share(key: str, flags: np.ndarray) -> dict:
    if not len(flags):
        return {key: float("nan"), f"{key}_reason": "no such sample"}
    return {key: flags.mean()}


def _median(key: str, errors: np.ndarray) -> dict:
    if not len(errors):
        return {key: float("nan"), f"{key}_reason": "no such sample"}
    return {key: np.median(errors), f"ci95_{key}": statistics.bootstrap_median(errors)}


def coverage(models: Models, fewest: int = 10) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Return the risk-coverage curves of validation and OOD, {title: {label: (share kept, median error [m])}}.

    A curve begins where `fewest` samples are kept: the median of fewer is mostly chance.
    """
    curves: dict = {}
    for split, said in models.items():
        for label, part in zip(("validation", "OOD"), sides(said, split)):
            shares, error = confidence.risk_coverage(confidence.score(part), predictions.errors(part))
            enough = shares * len(part.sample) >= min(fewest, len(part.sample))
            curves.setdefault(title(split), {})[label] = shares[enough], error[enough]
    return curves
