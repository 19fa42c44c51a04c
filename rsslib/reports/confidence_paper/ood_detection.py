"""Records and curves on confidence: Figures 7 and 10, Table III, from the predictions of trained ensembles."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import xarray as xr

from rsslib.confidence import indicators, pools
from rsslib.confidence.pools import Answers
from rsslib.data import splits
from rsslib.ledger import repeated, results, statistics
from rsslib.ledger.resampling import Draw, Times, interval, resampled
from rsslib.localization import predictions
from rsslib.reports.confidence_paper.summaries import ends, errors_of, field, median_error, placed, trained
from rsslib.reports.style import IN_DISTRIBUTION

Models = dict[str, xr.Dataset]
"""For each split, the predictions of the ensemble trained on it."""
_DRAWN = (indicators.INDICATOR, *(name for name in indicators.VARIANTS if name not in (
    indicators.INDICATOR, "max_mean_prediction_normalised")))    # of drawn ensembles the last is not known
_CURVES, _SHARES = 500, 20    # resamples of a curve, and its points


def load(folder: str | Path, names: Sequence[str], dataset: xr.Dataset, loss: str = "emd",
         parameter: str = "splits") -> Models:
    """Read `<folder>/<split>-<loss>/predictions.nc` for each split, made from the measurements `dataset`.

    Errors: those of `summaries.trained` and `summaries.placed`.
    """
    return placed({name: predictions.load(path / "predictions.nc")
                   for name, path in trained(folder, names, loss, parameter).items()}, dataset)


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
    validation's 10th percentile), ci95_at_threshold (of the second; None of the normalised maximum mean prediction).
    """
    drawn = resampled_with_val(model, splits.report_set(split), lambda own, ood: [
        repeated.mean(below(ood, own, each), ood.times) for each in _DRAWN])
    ci95 = {each: interval(of) for each, of in zip(_DRAWN, drawn.T)}
    curves = {}
    for each in indicators.VARIANTS:
        scores = [indicators.score(part, each) for part in sides(model, split)]
        is_ood = np.repeat([False, True], [len(part) for part in scores])
        rates = tuple(np.mean(part < indicators.threshold(model, each)) for part in scores)
        curves[each] = SimpleNamespace(
            **vars(indicators.roc(is_ood, np.concatenate(scores))), n=tuple(map(len, scores)), at_threshold=rates,
            ci95_at_threshold=ci95.get(each))
    return curves


def limit(own: Answers, indicator: str = indicators.INDICATOR) -> np.ndarray:
    """Return the confidence below which a drawn ensemble calls a sample low-confidence, from its validation samples.

    Of each resample: (resamples,).
    """
    return repeated.percentile(own.score(indicator), own.times, indicators.PERCENTILE)


def below(other: Answers, own: Answers, indicator: str = indicators.INDICATOR) -> np.ndarray:
    """Return which samples of a set are low-confidence by the validation samples `own`, (resamples, samples)."""
    return other.score(indicator) < limit(own, indicator)[:, None]


def resampled_with_val(model: xr.Dataset, name: str,
                       statistic: Callable[[Answers, Answers], Sequence[np.ndarray]]) -> np.ndarray:
    """Return the numbers statistic(own, other), (resamples,) each, of all resamples, (resamples, values).

    They are what a drawn ensemble says of drawn samples of validation and of the set `name`, which may be "val" itself
    (`rsslib.ledger.resampling`).
    """
    parts = {each: predictions.of_set(model, each) for each in ("val", name)}
    of = {each: pools.of(part) for each, part in parts.items()}

    def found(times: Times, draw: Draw) -> np.ndarray:
        own, other = (of[each].answers(draw["model"], times[each]) for each in ("val", name))
        return np.stack(statistic(own, other), axis=1)

    return resampled(found, {each: part.block.values for each, part in parts.items()}, {"model": of["val"]})


def indicator_scores(models: Models) -> tuple[list[dict], list[dict]]:
    """Return Figure 7's records, and its paired differences.

    Records: the AUROC of each indicator at telling OOD samples, and at telling large errors. A large error is above
    twice the validation median; it is told within validation and within the OOD set. Random has no OOD samples; large
    errors are told within its test samples.

    Differences: the AUROC of one indicator less that of another, on the same samples: split, target, set,
    left_indicator, right_indicator, auroc (left minus right), ci95_auroc. A pair with the paper's choice has it on the
    left. A task whose samples are all of one kind has no pairs. The normalised maximum mean prediction, not known of
    drawn ensembles, has neither pairs nor an interval.
    """
    records: list[dict] = []
    pairs: list[dict] = []
    for split, model in models.items():
        for keys in _tasks(split):
            of_task, pairs_of_task = _judged(model, keys)
            records, pairs = records + of_task, pairs + pairs_of_task
    return records, pairs


def _tasks(split: str) -> list[dict]:
    """Return what indicators are judged on, as the keys of its records."""
    name = splits.report_set(split)
    ood = [{"split": split, "target": "ood", "set": name}] if split not in IN_DISTRIBUTION else []
    return ood + [{"split": split, "target": "high_error", "set": each} for each in ("val", name)]


def _judged(model: xr.Dataset, keys: dict) -> tuple[list[dict], list[dict]]:
    """Return the records of all indicators on a task, and of their pairs."""
    def areas(own: Answers, other: Answers) -> list[np.ndarray]:
        positive, seen = _task(keys, own, other)
        times = np.concatenate([one.times for one in seen], axis=1)
        return [repeated.area(positive, np.concatenate([one.score(each) for one in seen]), times) for each in _DRAWN]

    positive, seen = _task(keys, *(pools.itself(predictions.of_set(model, each)) for each in ("val", keys["set"])))
    positive = positive[0]
    scores = {each: np.concatenate([one.score(each) for one in seen]) for each in indicators.VARIANTS}
    found = {each: statistics.area(positive, score) for each, score in scores.items()}
    drawn = dict(zip(_DRAWN, resampled_with_val(model, keys["set"], areas).T))
    both = bool(positive.any() and not positive.all())
    records = [keys | {"indicator": each, "n_positive": int(positive.sum()), "n_negative": int((~positive).sum())}
               | field("auroc", found[each], drawn.get(each, np.empty(0)), reason="all samples are of one kind")
               | (_at_threshold(positive, score < indicators.threshold(model, each)) if both else {})
               for each, score in scores.items()]
    pairs = [keys | {"left_indicator": one, "right_indicator": other}
             | field("auroc", found[one] - found[other], drawn[one] - drawn[other], difference=True)
             for one, other in combinations(_DRAWN, 2) if both]
    return records, pairs


def _task(keys: Mapping, own: Answers, other: Answers) -> tuple[np.ndarray, tuple[Answers, ...]]:
    """Return which samples are positive, (1 or resamples, samples) bool, and whose answers count, in this order."""
    if keys["target"] == "ood":
        return np.repeat([False, True], [len(own.error), len(other.error)])[None], (own, other)
    return other.error > 2 * repeated.median(own.error, own.times)[:, None], (other,)


def _at_threshold(positive: np.ndarray, low: np.ndarray) -> dict:
    return {"true_positive_at_threshold": low[positive].mean(), "false_positive_at_threshold": low[~positive].mean()}


def scatter(model: xr.Dataset, split: str, records: Sequence[dict]) -> SimpleNamespace:
    """Return Figure 10's panel: val and ood (each confidence, error_m, its record of `error_records`), threshold."""
    val, ood = (SimpleNamespace(confidence=indicators.score(part), error_m=predictions.errors(part),
                                record=results.one(records, split=split, set=str(part.set.values[0])))
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
    confidence, errors, low = indicators.score(part), predictions.errors(part), _is_low(model, name)

    def found(own: Answers, other: Answers) -> list[np.ndarray]:
        low = below(other, own)
        return [repeated.spearman(other.score(), other.error, other.times), repeated.mean(low, other.times),
                *_above(other, low, repeated.median(own.error, own.times)).values()]

    drawn = resampled_with_val(model, name, found)
    record = {"split": split, "set": name} | median_error(part) | field(
        "spearman", statistics.spearman(confidence, errors), drawn[:, 0]) | {
        "median_confidence": np.median(confidence), "highest_confidence": confidence.max(),
        "threshold": indicators.threshold(model)} | field("low_confidence_rate", low.mean(), drawn[:, 1])
    typical = np.array([predictions.median_error(model, "val")])
    for at, (key, share) in enumerate(_above(pools.itself(part), low[None], typical).items(), 2):
        record |= field(key, share[0], drawn[:, at])
    return record


def _above(seen: Answers, low: np.ndarray, typical: np.ndarray) -> dict[str, np.ndarray]:
    """Return the shares of errors above validation's median, and above twice as much, of low, high and all samples.

    Input: low, (resamples, samples); typical, that median, (resamples,).
    """
    return {f"{prefix}above_{word}_share": repeated.mean(seen.error > factor * typical[:, None], seen.times * chosen)
            for prefix, chosen in (("low_", low), ("high_", ~low), ("", True))
            for word, factor in (("median", 1), ("twice", 2))}


def _is_low(model: xr.Dataset, name: str) -> np.ndarray:
    return indicators.score(predictions.of_set(model, name)) < indicators.threshold(model)


def table3(models: Models) -> list[dict]:
    """Return Table III's records: the low-confidence rate of the OOD set, and its errors on either side.

    low_minus_high_m is how much the median error of the low-confidence samples exceeds that of the others. The
    in-distribution median and low-confidence rate are those of validation (GridN) or of the own season's held-out
    fifth: with the latter the paper's Tables III and IV print the same median. The rate is 10 % of validation by
    construction, but need not be of held-out samples, above all where many are as sure as the threshold.
    """
    records = []
    for split, model in models.items():
        name, own = splits.report_set(split), split if split in splits.SEASONS else "val"
        low = _is_low(model, name)
        drawn = resampled_with_val(model, name, lambda val, ood: _sides_of(ood.error, below(ood, val), ood.times))
        found = [number[0] for number in _sides_of(errors_of(model, name), low[None], np.ones((1, len(low))))]
        records.append({"split": split, "set": name, "indicator": indicators.INDICATOR,
                        "percentile": indicators.PERCENTILE, "threshold": indicators.threshold(model), "n": len(low)})
        for at, key in enumerate(("low_confidence_rate", "high_confidence_median_m", "low_confidence_median_m")):
            records[-1] |= field(key, found[at], drawn[:, at])
        if low.any() and not low.all():
            records[-1] |= field("low_minus_high_m", found[3], drawn[:, 3], difference=True)
        records[-1] |= _in_distribution(model, own)
    return records


def _in_distribution(model: xr.Dataset, own: str) -> dict:
    """Return the median error and the low-confidence rate of a set in distribution, fields in_distribution_..."""
    median = median_error(predictions.of_set(model, own))
    drawn = resampled_with_val(model, own, lambda val, held_out: [
        repeated.mean(below(held_out, val), held_out.times)])[:, 0]
    return {"in_distribution_set": own, "in_distribution_median_m": median["median_m"]} | ends(
        "in_distribution_median_m", median.get("ci95_m")) | field(
        "in_distribution_low_confidence_rate", _is_low(model, own).mean(), drawn)


def _sides_of(error: np.ndarray, low: np.ndarray, times: np.ndarray) -> list[np.ndarray]:
    """Return the low-confidence rate, the median error of the others and of those, and the second less the first."""
    of_high, of_low = (repeated.median(error, times * side) for side in (~low, low))
    return [repeated.mean(low, times), of_high, of_low, of_low - of_high]


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
    pool = pools.of(part)
    shares, error = indicators.risk_coverage(indicators.score(part), predictions.errors(part), _SHARES)
    drawn = resampled(lambda times, draw: _medians_kept(pool.answers(draw["model"], times["part"]), shares),
                      {"part": part.block.values}, {"model": pool}, _CURVES)
    half = int(np.argmin(np.abs(shares - 0.5)))
    low, high = np.transpose([interval(column) or (value, value) for column, value in zip(drawn.T, error)])
    n = part.sizes["sample"]
    shown = shares * n >= min(fewest, n)
    return SimpleNamespace(share=shares[shown], error=error[shown], low=low[shown], high=high[shown], n=n,
                           half_m=error[half] - error[-1],
                           ci95_half_m=interval(drawn[:, half] - drawn[:, -1], difference=True))


def _medians_kept(said: Answers, shares: np.ndarray) -> np.ndarray:
    """Return the median error of the most confident `shares` of the samples, (resamples, shares) [m]."""
    order = np.argsort(-said.score(), kind="stable")
    error, ordered = said.error[order], said.times[:, order]
    surer, n = ordered.cumsum(axis=1) - ordered, ordered.sum(axis=1)[:, None, None]
    kept = np.clip(np.maximum(1, np.round(shares[:, None] * n)) - surer[:, None], 0, ordered[:, None])
    return repeated.median(error, kept.reshape(-1, len(error))).reshape(len(ordered), len(shares))
