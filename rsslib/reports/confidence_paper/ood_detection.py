"""Records and curves on confidence: Figures 7 and 10, Table III, from the predictions of trained ensembles."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import xarray as xr

from rsslib.confidence import indicators
from rsslib.data import splits
from rsslib.ledger import statistics
from rsslib.ledger.statistics import difference_interval
from rsslib.localization import predictions
from rsslib.reports.confidence_paper.summaries import errors_of, median, median_error, share, trained
from rsslib.reports.style import IN_DISTRIBUTION

Models = dict[str, xr.Dataset]
"""For each split, the predictions of the ensemble trained on it."""


def load(folder: str | Path, names: Sequence[str], loss: str = "emd", parameter: str = "splits") -> Models:
    """Read `<folder>/<split>-<loss>/predictions.nc` for each split. Errors: those of `summaries.trained`."""
    return {name: predictions.load(path / "predictions.nc")
            for name, path in trained(folder, names, loss, parameter).items()}


def ensembles(models: Models) -> str:
    """Return what made the predictions, "EMD ensembles of 3"."""
    sizes = sorted({model.sizes["member"] for model in models.values()})
    return f"EMD ensembles of {' or '.join(map(str, sizes))}"


def outside(models: Models) -> Models:
    """Return the models that have OOD samples: the test samples of Random are in distribution."""
    return {split: model for split, model in models.items() if split not in IN_DISTRIBUTION}


def sides(model: xr.Dataset, split: str) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the validation samples and the OOD samples of a split's predictions, for Random the test samples."""
    return predictions.of_set(model, "val"), predictions.of_set(model, splits.report_set(split))


def rocs(model: xr.Dataset, split: str) -> dict[str, SimpleNamespace]:
    """Return each indicator's ROC at telling OOD from validation: {indicator: curve}.

    Fields: false_positive, true_positive (arrays), auroc, n (of validation and OOD), at_threshold (the two rates at the
    validation's 10th percentile), ci95_at_threshold (of the second).
    """
    curves = {}
    for name in indicators.VARIANTS:
        scores = [indicators.score(part, name) for part in sides(model, split)]
        is_ood = np.repeat([False, True], [len(part) for part in scores])
        low = [part < indicators.threshold(model, name) for part in scores]
        curves[name] = SimpleNamespace(
            **vars(indicators.roc(is_ood, np.concatenate(scores))), n=tuple(map(len, scores)),
            at_threshold=tuple(part.mean() for part in low), ci95_at_threshold=statistics.share_interval(low[1]))
    return curves


def indicator_records(models: Models) -> list[dict]:
    """Return Figure 7's records: the AUROC of each indicator at telling OOD samples, and at telling large errors.

    A large error is above twice the validation median; it is told within validation and within the OOD set. Random has
    no OOD samples; large errors are told within its test samples.
    """
    return [keys | _auroc(model, part, positive, indicator) for split, model in models.items()
            for keys, part, positive in _tasks(model, split) for indicator in indicators.VARIANTS]


def indicator_pairs(models: Models) -> list[dict]:
    """Return Figure 7's paired differences: the AUROC of one indicator less that of another, on the same samples.

    Fields: split, target, set, left_indicator, right_indicator, auroc (left minus right), ci95_auroc. A pair with the
    paper's choice has it on the left. A task whose samples are all of one kind has no pairs.
    """
    names = [indicators.INDICATOR, *(name for name in indicators.VARIANTS if name != indicators.INDICATOR)]
    records = []
    for split, model in models.items():
        for keys, part, positive in _tasks(model, split):
            if positive.all() or not positive.any():
                continue
            scores = {name: indicators.score(part, name) for name in names}
            areas = {name: indicators.roc(positive, score).auroc for name, score in scores.items()}
            drawn = {name: statistics.auroc_resamples(positive, score, 4000) for name, score in scores.items()}
            records += [keys | {"left_indicator": left, "right_indicator": right, "auroc": areas[left] - areas[right],
                                "ci95_auroc": difference_interval(drawn[left] - drawn[right])}
                        for left, right in combinations(names, 2)]
    return records


def _tasks(model: xr.Dataset, split: str) -> Iterator[tuple[dict, xr.Dataset, np.ndarray]]:
    """Yield what indicators are judged on: the keys of its records, the samples, which of them are positive."""
    val, ood = sides(model, split)
    if split not in IN_DISTRIBUTION:
        both = xr.concat([val, ood], "sample", combine_attrs="override", join="override")
        yield {"split": split, "target": "ood", "set": splits.report_set(split)}, both, both.set.values != "val"
    limit = 2 * np.median(predictions.errors(val))
    for name, part in (("val", val), (splits.report_set(split), ood)):
        yield {"split": split, "target": "high_error", "set": name}, part, predictions.errors(part) > limit


def _auroc(model: xr.Dataset, part: xr.Dataset, positive: np.ndarray, indicator: str) -> dict:
    record = {"indicator": indicator, "n_positive": int(positive.sum()), "n_negative": int((~positive).sum())}
    if positive.all() or not positive.any():
        return record | {"auroc": float("nan"), "auroc_reason": "all samples are of one kind"}
    confidence = indicators.score(part, indicator)
    low = confidence < indicators.threshold(model, indicator)
    return record | {"auroc": indicators.roc(positive, confidence).auroc,
                     "ci95_auroc": statistics.auroc_interval(positive, confidence),
                     "true_positive_at_threshold": low[positive].mean(),
                     "false_positive_at_threshold": low[~positive].mean()}


def scatter(model: xr.Dataset, split: str) -> SimpleNamespace:
    """Return Figure 10's panel: val and ood (each confidence, error_m, its record of `error_records`), threshold."""
    val, ood = (SimpleNamespace(confidence=indicators.score(part), error_m=predictions.errors(part),
                                record=_error_record(model, split, str(part.set.values[0])))
                for part in sides(model, split))
    return SimpleNamespace(val=val, ood=ood, threshold=indicators.threshold(model))


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
        "spearman": statistics.spearman(confidence, errors),
        "ci95_spearman": statistics.spearman_interval(confidence, errors),
        "median_confidence": np.median(confidence), "highest_confidence": confidence.max(), "threshold": limit}
    record |= share("low_confidence_rate", low)
    for prefix, chosen in (("low_", low), ("high_", ~low), ("", np.ones_like(low))):
        record |= share(f"{prefix}above_median_share", errors[chosen] > typical, None)
        record |= share(f"{prefix}above_twice_share", errors[chosen] > 2 * typical, None)
    return record


def table3(models: Models) -> list[dict]:
    """Return Table III's records: the low-confidence rate of the OOD set, and its errors on either side.

    low_minus_high_m is how much the median error of the low-confidence samples exceeds that of the others. The
    in-distribution median is that of validation (GridN) or of the own season's held-out fifth: with the latter the
    paper's Tables III and IV print the same number.
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
                       | median("low_confidence_median_m", errors[low]))
        if low.any() and not low.all():
            records[-1] |= {"low_minus_high_m": np.median(errors[low]) - np.median(errors[~low]),
                            "ci95_low_minus_high_m": statistics.bootstrap_median_gap(errors[low], errors[~low])}
        records[-1] |= {"in_distribution_set": own} | median("in_distribution_median_m", errors_of(model, own))
    return records


def coverage(models: Models, fewest: int = 10) -> dict[str, dict[str, SimpleNamespace]]:
    """Return the risk-coverage curves of validation and OOD, {split: {"val" or "ood": curve}}, "test" for Random.

    Fields: share (of the samples kept), error [m] (their median), low, high (its interval), n; half_m, the error of the
    most confident half less that of all, and ci95_half_m. A curve begins where `fewest` samples are kept: the median of
    fewer is mostly chance.
    """
    other = {split: "test" if split in IN_DISTRIBUTION else "ood" for split in models}
    return {split: {name: _kept(part, fewest) for name, part in zip(("val", other[split]), sides(model, split))}
            for split, model in models.items()}


def _kept(part: xr.Dataset, fewest: int) -> SimpleNamespace:
    confidence, errors = indicators.score(part), predictions.errors(part)
    shares, error = indicators.risk_coverage(confidence, errors)
    drawn, half = statistics.kept_medians(confidence, errors, shares), int(np.argmin(np.abs(shares - 0.5)))
    low, high = np.transpose([statistics.resampled_interval(column) for column in drawn.T])
    shown = shares * len(errors) >= min(fewest, len(errors))
    return SimpleNamespace(share=shares[shown], error=error[shown], low=low[shown], high=high[shown], n=len(errors),
                           half_m=error[half] - error[-1],
                           ci95_half_m=difference_interval(drawn[:, half] - drawn[:, -1]))
