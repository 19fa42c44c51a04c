"""Doors of rsslib.confidence: indicators, hybrids, ranging."""

import numpy as np
import xarray as xr

from rsslib.confidence import hybrid, indicators, ranging

from .. import small
from ..arrays import ODD
from ..law import Call, unless
from ..mutations import Mutator
from .localization import index_sets
from .registry import door

SITE = {"x0": 0.0, "y0": 0.0, "width": 81, "height": 75, "pixel_m": 30.0}


def _predictions(seed: int = 0) -> xr.Dataset:
    random, n = np.random.default_rng(seed), 20
    values = {name: ("sample", random.uniform(0.1, 1.0, n)) for name in indicators.VARIANTS}
    places = {name: ("sample", np.full(n, 1e3)) for name in ("x_true", "y_true")}
    places |= {name: ("sample", 1e3 + random.normal(0, 90, n)) for name in ("x_hat", "y_hat")}
    coords = {"set": ("sample", np.array(["val"] * 10 + ["ood"] * 10)), "measurement": ("sample", np.arange(n))}
    return xr.Dataset(values | places, coords, SITE)


def _finite(*values) -> str:
    return unless(all(np.isfinite(np.asarray(value, float)).all() and np.size(value) for value in values), "no numbers")


@door("confidence.indicators.is_low")
def _is_low(m: Mutator) -> Call:
    given = m.dataset(_predictions(), "predictions", 0.6)
    settings = m.arguments(0.4, indicator="max_mean_prediction", percentile=10.0)

    def run():
        return (indicators.score(given, settings["indicator"]), indicators.threshold(given, **settings),
                indicators.is_low(given, **settings))
    return Call(run, [*settings, "predictions", str(settings["indicator"])],
                lambda result: _finite(*result[:2]) or unless(result[2].dtype == bool, "no mask"))


@door("confidence.indicators.roc")
def _roc(m: Mutator) -> Call:
    positive, confidence = m.array(np.arange(8) > 4, "positive"), m.array(np.linspace(0.1, 0.9, 8), "confidence")

    def judge(curve) -> str:
        return _finite(curve.false_positive, curve.true_positive, curve.auroc) or unless(
            0 <= curve.auroc <= 1, f"an area of {curve.auroc}")
    return Call(lambda: indicators.roc(positive, confidence), ["positive", "confidence", "scores", "roc"], judge)


@door("confidence.indicators.risk_coverage")
def _risk(m: Mutator) -> Call:
    confidence, error = m.array(np.linspace(0.1, 0.9, 8), "confidence"), m.array(np.linspace(10, 90, 8), "error")
    steps = m.arguments(0.3, steps=10)
    return Call(lambda: indicators.risk_coverage(confidence, error, **steps), ["confidence", "error", "steps"],
                lambda result: _finite(*result))


@door("confidence.hybrid.fallback")
def _fallback(m: Mutator) -> Call:
    given = m.dataset(_predictions(), "predictions", 0.4)
    x, y = m.array(np.full(20, 1e3), "x", 0.4), m.array(np.full(20, 1e3), "y", 0.2)
    settings = m.arguments(0.2, indicator="max_mean_prediction", percentile=10.0)
    return Call(lambda: hybrid.fallback(given, x, y, **settings),
                ["predictions", "x", "y", "fallback: x has", "fallback: y has", *settings],
                lambda result: _finite(result.x_hat.values, result.y_hat.values))


@door("confidence.hybrid.choose")
def _choose(m: Mutator) -> Call:
    models = [m.dataset(_predictions(), "models", 0.5), _predictions(1)]
    models = m.choice(models, (models[:1], {"a": models[0], "b": models[1]}, None, [], [1, 2], models[1]), "models",
                      0.15)
    settings = m.arguments(0.2, set_name="ood", indicator="max_mean_prediction", percentile=10.0)
    return Call(lambda: hybrid.choose(models, **settings), ["models", "model", "predictions", "hybrid", "set",
                                                            *settings],
                lambda result: _finite(result.x_hat.values, result.confidence.values,
                                       result.error_m.fillna(0.0).values))    # NaN where the truth is unknown


@door("confidence.hybrid.normalised_confidence", 0.5)
def _normalised(m: Mutator) -> Call:
    given = m.dataset(_predictions(), "predictions", 0.6)
    settings = m.arguments(0.3, indicator="max_spread", percentile=10.0)
    return Call(lambda: hybrid.normalised_confidence(given, **settings), ["predictions", *settings],
                lambda result: unless(not np.isnan(result).any() and len(result), "no numbers"))


@door("confidence.hybrid.best_choice", 0.5)
def _best(m: Mutator) -> Call:
    error = m.array(np.array([[10.0, 30.0], [20.0, 5.0]]), "error")
    chosen = m.array(np.array([0, 1]), "chosen")
    return Call(lambda: hybrid.best_choice(error, chosen), ["error", "chosen"],
                lambda result: unless(result.dtype == bool and result.shape == np.shape(chosen), "no mask of samples"))


@door("confidence.ranging.distance", 0.5)
def _distance(m: Mutator) -> Call:
    rss, given = m.array(np.array([-80.0, -60.0]), "rss"), m.arguments(0.5, a=52.0)
    return Call(lambda: ranging.distance(rss, **given), ["rss", "a"],
                lambda result: unless(not np.isinf(result).any(), "an infinite distance"))


@door("confidence.ranging.min_max", 0.5)
def _min_max(m: Mutator) -> Call:
    given = {name: m.array(np.array([[0.0, 10.0], [5.0, 6.0]]), name, 0.4) for name in "xyd"}
    return Call(lambda: ranging.min_max(**given), list(given),
                lambda result: _finite(*result) if np.size(given["d"]) else "")


def _samples(m: Mutator):
    sets = index_sets(m, 0.5)
    return sets.get("train") if isinstance(sets, dict) else sets


@door("confidence.ranging.locate")
def _locate(m: Mutator) -> Call:
    dataset, samples, given = m.dataset(small.dataset(), often=0.4), _samples(m), m.arguments(0.3, a=52.0)
    return Call(lambda: ranging.locate(dataset, samples, **given),
                ["dataset", "samples", "sample", "set", "ranging: a", "a"],
                lambda result: _finite(*result))


@door("confidence.ranging.calibrate")
def _calibrate(m: Mutator) -> Call:
    dataset, samples = m.dataset(small.dataset(), often=0.4), _samples(m)
    candidates = m.choice(np.arange(0.0, 100.0, 10.0), (*ODD, np.arange(3), [52.0]), "candidates", 0.2)
    return Call(lambda: (ranging.training_errors(dataset, samples, candidates),
                         ranging.calibrate(dataset, samples, candidates)),
                ["dataset", "samples", "sample", "set", "candidates"], lambda result: _finite(*result))
