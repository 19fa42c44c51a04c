"""Records and curves on confidence: Figures 7 and 10, Table III, from the predictions of trained ensembles."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import xarray as xr

from rsslib.confidence import indicators
from rsslib.data import splits
from rsslib.ledger.statistics import auroc_interval, spearman, spearman_interval
from rsslib.localization import predictions
from rsslib.reports.confidence_paper.summaries import median, median_error, share
from rsslib.reports.style import SEPARATIONS

Models = dict[str, xr.Dataset]
"""For each split, the predictions of the ensemble trained on it."""


def load(folder: str | Path, names: list[str], loss: str = "emd") -> Models:
    """Read `<folder>/<split>-<loss>/predictions.nc` for each split. Errors: InputError naming what is missing."""
    return {name: predictions.load(Path(folder) / f"{name}-{loss}" / "predictions.nc") for name in names}


def title(split: str) -> str:
    """Return what figures call a data separation: "July→Nov", "Grid2"."""
    return SEPARATIONS.get(split, split.capitalize())


def sides(model: xr.Dataset, split: str) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the validation samples and the OOD samples of a split's predictions."""
    return predictions.of_set(model, "val"), predictions.of_set(model, splits.report_set(split))


def rocs(model: xr.Dataset, split: str) -> dict[str, SimpleNamespace]:
    """Return each indicator's ROC at telling OOD from validation: {indicator: curve}.

    Fields: false_positive, true_positive (arrays), auroc, at_threshold (the rates at the validation's 10th
    percentile).
    """
    curves = {}
    for name in indicators.VARIANTS:
        scores = [indicators.score(part, name) for part in sides(model, split)]
        is_ood = np.repeat([False, True], [len(part) for part in scores])
        rates = tuple((part < indicators.threshold(model, name)).mean() for part in scores)
        curves[name] = SimpleNamespace(**vars(indicators.roc(is_ood, np.concatenate(scores))), at_threshold=rates)
    return curves


def indicator_records(models: Models) -> list[dict]:
    """Return Figure 7's records: the AUROC of each indicator at telling OOD samples, and at telling large errors.

    A large error is above twice the validation median; it is told within validation and within the OOD set.
    """
    records = []
    for split, model in models.items():
        val, ood = sides(model, split)
        limit, name = 2 * np.median(predictions.errors(val)), splits.report_set(split)
        both = xr.concat([val, ood], "sample", combine_attrs="override", join="override")
        tasks = {("ood", name): (both, both.set.values != "val"),
                 ("high_error", "val"): (val, predictions.errors(val) > limit),
                 ("high_error", name): (ood, predictions.errors(ood) > limit)}
        for (target, judged), (part, positive) in tasks.items():
            records += [{"split": split, "target": target, "set": judged} | _auroc(model, part, positive, indicator)
                        for indicator in indicators.VARIANTS]
    return records


def _auroc(model: xr.Dataset, part: xr.Dataset, positive: np.ndarray, indicator: str) -> dict:
    record = {"indicator": indicator, "n_positive": int(positive.sum()), "n_negative": int((~positive).sum())}
    if positive.all() or not positive.any():
        return record | {"auroc": float("nan"), "auroc_reason": "all samples are of one kind"}
    confidence = indicators.score(part, indicator)
    low = confidence < indicators.threshold(model, indicator)
    return record | {"auroc": indicators.roc(positive, confidence).auroc,
                     "ci95_auroc": auroc_interval(positive, confidence),
                     "true_positive_at_threshold": low[positive].mean(),
                     "false_positive_at_threshold": low[~positive].mean()}


def scatter(model: xr.Dataset, split: str) -> SimpleNamespace:
    """Return Figure 10's panel: val and ood (each confidence, error_m, rho), threshold."""
    parts = [SimpleNamespace(confidence=indicators.score(part), error_m=predictions.errors(part))
             for part in sides(model, split)]
    for part in parts:
        part.rho = spearman(part.confidence, part.error_m)
    return SimpleNamespace(val=parts[0], ood=parts[1], threshold=indicators.threshold(model))


def error_records(models: Models) -> list[dict]:
    """Return Figure 10's records: how confidence and error go together in every set of each split but `train`.

    Shares of errors above the validation median, and above twice as much, of the low-confidence samples, of the
    high-confidence ones and of all.
    """
    return [_error_record(model, split, name) for split, model in models.items()
            for name in dict.fromkeys(model.set.values.tolist())]


def _error_record(model: xr.Dataset, split: str, name: str) -> dict:
    part = predictions.of_set(model, name)
    confidence, errors, limit = indicators.score(part), predictions.errors(part), indicators.threshold(model)
    typical, low = predictions.median_error(model, "val"), confidence < limit
    record = {"split": split, "set": name} | median_error(errors) | {
        "spearman": spearman(confidence, errors), "ci95_spearman": spearman_interval(confidence, errors),
        "median_confidence": np.median(confidence), "highest_confidence": confidence.max(), "threshold": limit}
    record |= share("low_confidence_rate", low)
    for prefix, chosen in (("low_", low), ("high_", ~low), ("", np.ones_like(low))):
        record |= share(f"{prefix}above_median_share", errors[chosen] > typical, with_interval=False)
        record |= share(f"{prefix}above_twice_share", errors[chosen] > 2 * typical, with_interval=False)
    return record


def table3(models: Models) -> list[dict]:
    """Return Table III's records: the low-confidence rate of the OOD set, and its errors on either side.

    The in-distribution median is that of validation (GridN) or of the own season's held-out fifth: with the
    latter the paper's Tables III and IV print the same number.
    """
    records = []
    for split, model in models.items():
        ood, own = sides(model, split)[1], split if split in splits.SEASONS else "val"
        limit, errors = indicators.threshold(model), predictions.errors(ood)
        low = indicators.score(ood) < limit
        records.append({"split": split, "set": splits.report_set(split), "indicator": indicators.INDICATOR,
                        "percentile": indicators.PERCENTILE, "threshold": limit, "n": len(low)}
                       | share("low_confidence_rate", low)
                       | median("high_confidence_median_m", errors[~low])
                       | median("low_confidence_median_m", errors[low]) | {"in_distribution_set": own}
                       | median("in_distribution_median_m", predictions.errors(predictions.of_set(model, own))))
    return records


def coverage(models: Models, fewest: int = 10) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Return the risk-coverage curves of validation and OOD, {title: {label: (share kept, median error [m])}}.

    A curve begins where `fewest` samples are kept: the median of fewer is mostly chance.
    """
    curves: dict = {}
    for split, model in models.items():
        for label, part in zip(("validation", "OOD"), sides(model, split)):
            shares, error = indicators.risk_coverage(indicators.score(part), predictions.errors(part))
            enough = shares * len(part.sample) >= min(fewest, len(part.sample))
            curves.setdefault(title(split), {})[label] = shares[enough], error[enough]
    return curves
