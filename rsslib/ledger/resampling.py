"""Two-level bootstrap: blocks of time are drawn anew, and so are the networks behind an ensemble.

Samples a few seconds apart resemble each other, so not they are drawn, but the stretches of two minutes that hold them
(`rsslib.data.blocks`). Another training gives other networks, so ensembles are drawn from those that were trained
(`rsslib.confidence.pools`). Source: Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rsslib.ledger.statistics import Interval, difference_interval, resampled_interval
from rsslib.ledger.wording import FEWEST

RESAMPLES = 2000

Rows = Mapping[str, np.ndarray]
"""The samples that a resample drew, {set: indices}; several times those of a block that was drawn so often."""
Draw = Mapping[str, int]
"""The ensemble that a resample drew, {model: its number}."""


def resampled(statistic: Callable[[Rows, Draw], Any], blocks: Mapping[str, np.ndarray],
              chances: Mapping[str, np.ndarray] | None = None, resamples: int = RESAMPLES) -> np.ndarray:
    """Return statistic(rows, draw) of each resample, (resamples,) or (resamples, values).

    Of each set as many blocks are drawn, with replacement, as it has; of each model one of its ensembles. An ensemble
    drawn with replacement has some networks twice, and so is a little worse than the whole: all resamples are moved by
    the mean of what that does to the statistic on all samples, one model at a time. What is from 0 to 1, or not
    negative, stays so.
    Input: blocks, {set: (samples,), the block of each sample}; chances, {model: (draws,), how likely each ensemble is},
    of which the likeliest has every network once.

    >>> values = np.array([1.0, 1.0, 3.0, 3.0])
    >>> means = resampled(lambda rows, _: values[rows["test"]].mean(), {"test": np.array([0, 0, 1, 1])})
    >>> sorted(set(means.tolist()))
    [1.0, 2.0, 3.0]
    """
    generator, chances = np.random.default_rng(0), chances or {}
    members = {name: [np.flatnonzero(block == number) for number in np.unique(block)]
               for name, block in blocks.items()}
    drawn = [dict(zip(chances, numbers)) for numbers in np.stack([
        generator.choice(len(chance), resamples, p=chance) for chance in chances.values()], axis=1).tolist()
        ] if chances else [{}] * resamples
    found = np.array([statistic({name: np.concatenate([of[one] for one in generator.integers(len(of), size=len(of))])
                                 for name, of in members.items()}, draw) for draw in drawn], dtype=float)
    if not chances:
        return found
    whole = {name: np.arange(len(block)) for name, block in blocks.items()}
    shift = _shift(lambda draw: np.array(statistic(whole, draw), dtype=float), chances)
    least, most = (end(np.where(np.isfinite(found), found, other), axis=0) for end, other in (
        (np.min, np.inf), (np.max, -np.inf)))
    return np.clip(found - shift, np.where(least >= 0, 0.0, -np.inf), np.where((least >= 0) & (most <= 1), 1.0, np.inf))


def _shift(of_all: Callable[[Draw], np.ndarray], chances: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what drawing one model's networks anew does to a statistic of all samples on average, summed over them."""
    itself = {model: int(chance.argmax()) for model, chance in chances.items()}
    as_it_is = of_all(itself)
    total = np.zeros_like(as_it_is)
    for model, chance in chances.items():
        values = np.array([of_all(itself | {model: number}) for number in range(len(chance))])
        known = np.isfinite(values)    # some draws may not have the number, such as a median of no sample
        weight = known * chance.reshape(-1, *[1] * as_it_is.ndim)
        mean = (np.where(known, values, 0.0) * weight).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-12)
        total += np.where(known.any(axis=0) & np.isfinite(as_it_is), mean - np.nan_to_num(as_it_is), 0.0)
    return total.round(9)


def interval(values: np.ndarray, blocks: np.ndarray, difference: bool = False) -> Interval | None:
    """Return the 95 % interval of a number from its resamples, None of fewer than FEWEST blocks.

    Resamples without the number (NaN), such as a median of no sample, do not count; if half have none, it is None.
    Those of a `difference` are widened by two Monte Carlo standard errors (`statistics.difference_interval`).

    >>> interval(np.full(9, 2.0), np.arange(6)), interval(np.full(9, 2.0), np.arange(5))
    ((2.0, 2.0), None)
    """
    known = values[np.isfinite(values)]
    if len(np.unique(blocks)) < FEWEST or 2 * len(known) < len(values):
        return None
    return (difference_interval if difference else resampled_interval)(known)
