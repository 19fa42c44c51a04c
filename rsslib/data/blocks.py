"""Blocks of time: a split by which no held-out sample has a neighbour in time among the training samples.

Consecutive samples lie seconds apart, on one walk. Held out by location alone, most have a training sample metres
beside them. Here whole stretches of the walks are held out, with a margin of time around each.
"""

import numpy as np

BLOCK_S = 120.0
"""Length of a block [s]."""
MARGIN_S = 30.0
"""No training sample is nearer in time to a held-out one than this [s]; a longer pause begins another walk."""


def numbers(time: np.ndarray) -> np.ndarray:
    """Return the number of each sample's block, (samples,): walks cut into blocks of BLOCK_S from their first sample.

    Input: time, (samples,), datetime64 in any order.

    >>> numbers(np.array(["2022-04-01T10:00:00", "2022-04-01T10:00:04", "2022-04-01T10:02:00"], "datetime64[s]"))
    array([0, 0, 1])
    """
    second = _seconds(time)
    order = np.argsort(second, kind="stable")
    begins = np.diff(second[order], prepend=second[order[0]]) > MARGIN_S
    walk = np.cumsum(begins)
    first = second[order][np.flatnonzero(np.append(True, begins[1:]))]
    block = (second[order] - first[walk]) // BLOCK_S
    found = np.empty(len(time), np.int64)
    found[order] = np.unique(np.stack([walk, block], axis=1), axis=0, return_inverse=True)[1].ravel()
    return found


def far_from(time: np.ndarray, samples: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return those of `samples` that are at least MARGIN_S away in time from each of `others`; both are indices.

    >>> time = np.array([0, 29, 31], "datetime64[s]")
    >>> far_from(time, np.array([1, 2]), np.array([0]))
    array([2])
    """
    second = _seconds(time)
    held_out = np.sort(second[others])
    after = np.searchsorted(held_out, second[samples])
    padded = np.concatenate([[-np.inf], held_out, [np.inf]])
    gap = np.minimum(second[samples] - padded[after], padded[after + 1] - second[samples])
    return samples[gap >= MARGIN_S]


def _seconds(time: np.ndarray) -> np.ndarray:
    return (time - time.min()) / np.timedelta64(1, "s")
