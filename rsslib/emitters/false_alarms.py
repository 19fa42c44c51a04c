"""Misses at an equal share of false alarms: what remains of an order when no method may trade one for the other."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from rsslib.arguments import check_type, number, whole
from rsslib.emitters import metrics
from rsslib.project import InputError

SHARE = 0.1
"""Share of false alarms at which misses are compared, in the middle of what paper 2 prints (8 to 12 %)."""
_LIMITS = np.linspace(0.01, 0.99, 99)


def misses(outputs: Sequence[xr.Dataset], share: float = SHARE, draws: int = 1000, seed: int = 0
           ) -> tuple[float, np.ndarray]:
    """Return the miss rate at which false alarms are `share` of the true emitters, and that of resamples, (draws,).

    For each limit of existence from 0.01 to 0.99 FA and MR are those of `metrics`, over all networks; MR(share) is
    interpolated between limits, in each resample anew. Where no limit gives that share, it is MR at the nearest.

    Input: outputs, the predictions of one network or of several trainings, for the same samples.
    Errors: InputError for no predictions, different samples, or a share that is not from 0 to 1.
    Source: paper 2, Section III.E, with the limit free; resampling: `metrics.resampled`.
    """
    check_type("misses: outputs", outputs, (list, tuple), "a list of predictions")
    number("misses: share", share, 0, 1)
    whole("misses: draws", draws, 1, metrics.MOST_DRAWS)
    whole("misses: seed", seed, 0, 2**63)
    scores = [metrics.scores(output) for output in outputs]
    if not scores or not scores[0].true.any() or any(not output[place].equals(outputs[0][place]) for output in outputs
                                                     for place in ("true_row", "true_column")):
        raise InputError("misses: no predictions, no true emitter, or different samples; expected networks tested on "
                         "the same samples")
    counted = np.stack([(output.existence.values[..., None] > _LIMITS).sum(axis=1) for output in outputs])
    true = scores[0].true[:, None]
    more = counted - true
    sums = np.concatenate([np.maximum(more, 0), np.maximum(-more, 0), np.broadcast_to(true, (*more.shape[:2], 1))],
                          axis=2).astype(np.float32)    # whole numbers, of which sums up to 16 million are exact
    point, drawn = _at(sums.sum(axis=(0, 1))[None], share)[0], _at(metrics.resampled(sums, draws, seed), share)
    return float(point), drawn


def _at(sums: np.ndarray, share: float) -> np.ndarray:
    """Return the interpolated miss rate of each row of sums: extra and missed by limit, true emitters."""
    extra, missed, true = np.split(sums.astype(np.float64), [len(_LIMITS), 2 * len(_LIMITS)], axis=1)
    true = np.where(true > 0, true, np.nan)    # a resample without any has no rates
    # false alarms fall as the limit rises: turned, so that they rise
    return np.array([np.interp(share, fa, mr) for fa, mr in zip((extra / true)[:, ::-1], (missed / true)[:, ::-1])])
