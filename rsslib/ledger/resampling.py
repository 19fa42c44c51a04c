"""Two-level bootstrap: blocks of time are drawn anew, and so are the networks behind an ensemble.

Samples a few seconds apart resemble each other, so not they are drawn, but the stretches of two minutes that hold them
(`rsslib.data.blocks`). Another training gives other networks, so ensembles are drawn from those that were trained
(`rsslib.confidence.pools`). Each block and each model has random numbers of its own: a statistic of the same samples
and networks has the same resamples wherever it is computed. Sources: Davison and Hinkley, Bootstrap Methods and their
Application, 1997, section 3.8; Hanley and MacGibbon, Creating non-parametric bootstrap samples using Poisson
frequencies, 2006.
"""

from collections.abc import Callable, Iterator, Mapping
from zlib import crc32

import numpy as np

from rsslib.confidence.pools import Pool
from rsslib.ledger import repeated
from rsslib.ledger.statistics import Interval, difference_interval, resampled_interval
from rsslib.ledger.wording import FEWEST

RESAMPLES = 2000
_BLOCK, _MODEL = 0, 1    # what a stream of random numbers draws
_AT_ONCE = 250    # resamples, which bounds the memory

Times = Mapping[str, np.ndarray]
"""How often each resample counts each sample, {set: (resamples, samples)}."""
Draw = Mapping[str, int]
"""The ensemble that resamples drew, {model: its number}."""
Models = Mapping[str, Pool]
"""The ensembles that can be drawn of each model; pools of the same name are of the same networks."""
Statistic = Callable[[Times, Draw], np.ndarray]
"""A number of each of several resamples with the same ensembles, (resamples,), or some, (resamples, values)."""


def resampled(statistic: Statistic, blocks: Mapping[str, np.ndarray], models: Models | None = None,
              resamples: int = RESAMPLES) -> np.ndarray:
    """Return what `statistic` says of each resample, (resamples,) or (resamples, values).

    A block counts as often as a Poisson number with mean 1, the same in every set that has samples of it; a set of
    which no block is drawn counts whole. Where a set has fewer than FEWEST blocks, all resamples are NaN.
    Of each model one ensemble is drawn, and what that does is widened (`_widened`).
    Input: blocks, {set: (samples,), the number of each sample's block}; statistic, such as of `rsslib.ledger.repeated`.

    >>> values, block = np.arange(6.0), np.arange(6)
    >>> drawn = resampled(lambda times, _: times["test"] @ values / times["test"].sum(axis=1), {"test": block})
    >>> bool(abs(drawn.mean() - 2.5) < 0.05), drawn.shape
    (True, (2000,))
    """
    models = models or {}
    whole = {name: np.ones((1, len(block))) for name, block in blocks.items()}
    itself = {model: int(pool.chance.argmax()) for model, pool in models.items()}
    as_it_is = np.asarray(statistic(whole, itself), dtype=float)[0]
    if min(len(np.unique(block)) for block in blocks.values()) < FEWEST:
        return np.full((resamples, *as_it_is.shape), np.nan)
    times = _counter(blocks, resamples)

    def of(chosen: np.ndarray, draw: Draw) -> np.ndarray:
        parts = np.split(chosen, range(_AT_ONCE, len(chosen), _AT_ONCE))
        return np.concatenate([statistic(times(part), draw) for part in parts], dtype=float)

    kept = of(np.arange(resamples), itself)
    if not models:
        return kept
    found = kept.copy()
    for draw, chosen in _ensembles(models, resamples):
        if draw != itself:
            found[chosen] = of(chosen, draw)
    shift = np.zeros_like(as_it_is)
    for model, pool in models.items():
        of_each = [statistic(whole, itself | {model: number}) for number in range(len(pool.chance))]
        shift += _shift(np.concatenate(of_each).astype(float), as_it_is, pool.chance)
    return _widened(kept, found, shift, models)


def resampled_medians(values: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Return the median of values in each resample of their blocks, (resamples,)."""
    return resampled(lambda times, _: repeated.median(values, times["part"]), {"part": block})


def _counter(blocks: Mapping[str, np.ndarray], resamples: int) -> Callable[[np.ndarray], Times]:
    """Return what says how often some of the resamples, by their numbers, count each sample."""
    drawn, places = {}, {}
    for name, block in blocks.items():
        numbers, places[name] = np.unique(block, return_inverse=True)
        times = np.stack([np.random.default_rng([_BLOCK, number]).poisson(1, resamples) for number in numbers], axis=1)
        times[~times.any(axis=1)] = 1
        drawn[name] = times.astype(float)
    return lambda chosen: {name: times[np.ix_(chosen, places[name])] for name, times in drawn.items()}


def _ensembles(models: Models, resamples: int) -> Iterator[tuple[dict[str, int], np.ndarray]]:
    """Yield each combination of ensembles that is drawn, and the numbers of the resamples that drew it."""
    drawn = np.stack([np.random.default_rng([_MODEL, crc32(pool.name.encode())]).choice(
        len(pool.chance), resamples, p=pool.chance) for pool in models.values()], axis=1)
    combinations, which = np.unique(drawn, axis=0, return_inverse=True)
    by_combination = np.split(np.argsort(which, kind="stable"), np.bincount(which).cumsum()[:-1])
    for numbers, chosen in zip(combinations.tolist(), by_combination):
        yield dict(zip(models, numbers)), chosen


def _widened(kept: np.ndarray, found: np.ndarray, shift: np.ndarray, models: Models) -> np.ndarray:
    """Return resamples whose spread is that of networks trained anew.

    Input: the statistic of each resample by the whole ensembles, `kept`, and by those drawn, `found`; `shift`.
    n networks drawn from n have (n - 1) / n of the variance between networks, so that the difference between the two
    counts sqrt(n / (n - 1)) times. For models of several sizes n is the smallest, which widens most. An ensemble drawn
    with replacement has some networks twice, and so is a little worse than the whole: all resamples are moved by
    `shift`, the mean of what that does to the statistic of all samples. What is from 0 to 1, or not negative, stays so.
    A resample that lacks one of the two (NaN), such as a median of no sample, is NaN.
    """
    n = min((pool.networks for pool in models.values() if pool.networks > 1), default=np.inf)
    values = kept + np.sqrt(1 / (1 - 1 / n)) * (found - shift - kept)
    seen = np.concatenate([kept, found])
    least, most = (end(np.where(np.isfinite(seen), seen, other), axis=0) for end, other in (
        (np.min, np.inf), (np.max, -np.inf)))
    return np.clip(values, np.where(least >= 0, 0.0, -np.inf), np.where((least >= 0) & (most <= 1), 1.0, np.inf))


def _shift(values: np.ndarray, as_it_is: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Return what drawing one model's networks anew does to a statistic of all samples on average.

    Input: the statistic by each ensemble, (draws, ...), and by the whole one.
    """
    known = np.isfinite(values)    # some draws may not have the number, such as a median of no sample
    weight = known * chance.reshape(-1, *[1] * as_it_is.ndim)
    mean = (np.where(known, values, 0.0) * weight).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-12)
    return np.where(known.any(axis=0) & np.isfinite(as_it_is), mean - np.nan_to_num(as_it_is), 0.0).round(9)


def interval(values: np.ndarray, difference: bool = False) -> Interval | None:
    """Return the 95 % interval of a number from its resamples.

    Resamples without the number (NaN) do not count; if more than half have none, it is None. Those of a `difference`
    are widened by two Monte Carlo standard errors (`statistics.difference_interval`).

    >>> interval(np.full(9, 2.0)), interval(np.full(9, np.nan))
    ((2.0, 2.0), None)
    """
    known = values[np.isfinite(values)]
    if 2 * len(known) < len(values) or not known.size:
        return None
    return (difference_interval if difference else resampled_interval)(known)
