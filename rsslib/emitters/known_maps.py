"""Several emitters where all path gains are known: what the readings allow, without a network.

Emitters in cells c_k with powers p_k [dBm] explain a sample's readings up to

    e(c, p) = sqrt(mean_s (told(10 log10 sum_k 10^((p_k + G(c_k, s)) / 10)) - told(P_s))^2) [dB],
    told(P) = max(P, T).

One emitter after the other is placed where it lowers e most, and each is placed anew given the others, until e is at
most LIMIT_DB: samples have no noise, and the true emitters have e = 0. The networks of the second paper know neither
the gains nor the cells that emitters are drawn from.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr

from rsslib.arguments import check_type, whole
from rsslib.emitters.samples import MOST_EMITTERS, Samples
from rsslib.project import InputError
from rsslib.propagation.scene import POWERS_DBM, Scene

LIMIT_DB = 0.1
"""What a sample may be off and still be explained: ten steps of the gains that are stored."""
_STEPS = 3.0, 0.5, 0.05    # [dB] of the powers that are tried: all, those beside the best, and those beside these
_KEPT, _ROUNDS = 12, 6    # candidates whose power is refined; how often each emitter of a sample is placed anew


class Found(NamedTuple):
    """Emitters of a sample: indices of candidate cells, powers [dBm], and e [dB]."""

    cells: list[int]
    powers: list[float]
    off: float


def located(scene: Scene, samples: Samples, most: int = 3) -> xr.Dataset:
    """Return existence (0 or 1), row and column of up to `most` emitters a sample, with the true ones.

    Dims sample, slot, emitter, variables as of `rsslib.emitters.predictions.predict`.
    Errors: InputError for what is no scene or samples of it, or more than MOST_EMITTERS.

    >>> from rsslib.emitters.samples import draw
    >>> from rsslib.propagation.scene import free_space
    >>> scene = free_space(8)
    >>> found = located(scene, draw(scene, "test", 4, sensors=12, n_max=1))
    >>> bool((found.row[:, 0] == found.true_row[:, 0]).all()), found.existence.sum().item()
    (True, 4.0)
    """
    check_type("known_maps: scene", scene, Scene)
    check_type("known_maps: samples", samples, Samples)
    whole("known_maps: most", most, 1, MOST_EMITTERS)
    if samples.n != scene.n:
        raise InputError(f"known_maps: samples of {samples.n} cells a side, a scene of {scene.n}; expected the same")
    candidates = np.unique(np.concatenate([*scene.cells.values()]))
    values = np.zeros((3, len(samples), most))
    for number, (sensor, value) in enumerate(zip(samples.sensor.astype(np.int64), samples.value)):
        gains = 10 ** (scene.gain_db(candidates[:, None], sensor[None]) / 10)
        told = np.maximum(value, scene.threshold_dbm)
        cells = candidates[_explained(gains, told, scene.threshold_dbm, most).cells]
        values[:, number, :len(cells)] = np.ones(len(cells)), *np.divmod(cells, scene.n)
    true = np.where(samples.emitter >= 0, np.divmod(samples.emitter, scene.n), np.nan)
    slots, emitters = ("sample", "slot"), ("sample", "emitter")
    return xr.Dataset({"existence": (slots, values[0]), "row": (slots, values[1]), "column": (slots, values[2]),
                       "true_row": (emitters, true[0]), "true_column": (emitters, true[1])})


def _explained(gains: np.ndarray, told: np.ndarray, threshold: float, most: int) -> Found:
    """Return the fewest emitters that explain what the sensors told, (sensors,) [dB]; gains, (candidates, sensors)."""
    best = Found([], [], np.inf)
    for _ in range(most):
        grown = _grown(best, gains, told, threshold)
        if grown.off < best.off:
            best = grown
        if best.off <= LIMIT_DB or len(best.cells) < len(grown.cells):
            break
    return best


def _grown(before: Found, gains: np.ndarray, told: np.ndarray, threshold: float) -> Found:
    """Return one emitter more, and then each placed anew, given the others, until nothing improves."""
    cell, power, off = _placed(_level(before, gains), gains, told, threshold)
    now = Found([*before.cells, cell], [*before.powers, power], off)
    for _ in range(_ROUNDS if before.cells else 0):
        last = now.off
        for _ in now.cells:    # the first goes to the end of the list
            others = Found(now.cells[1:], now.powers[1:], np.inf)
            cell, power, off = _placed(_level(others, gains), gains, told, threshold)
            if off < now.off:
                now = Found([*others.cells, cell], [*others.powers, power], off)
            else:
                now = Found([*others.cells, now.cells[0]], [*others.powers, now.powers[0]], now.off)
        if now.off <= LIMIT_DB or now.off > 0.99 * last:
            break
    return now


def _level(found: Found, gains: np.ndarray) -> np.ndarray:
    """Return the power of emitters at the sensors, (sensors,) [mW]."""
    return 10 ** (np.array(found.powers) / 10) @ gains[found.cells] if found.cells else np.zeros(gains.shape[1])


def _placed(rest: np.ndarray, gains: np.ndarray, told: np.ndarray, threshold: float) -> tuple[int, float, float]:
    """Return the cell and the power [dBm] of one emitter beside `rest` [mW] that explains most, and e [dB]."""
    low, high = POWERS_DBM
    cells, powers = np.arange(len(gains)), np.arange(low, high + 1e-9, _STEPS[0])
    off = _off(rest, gains, powers, told, threshold)
    for step, wider in zip(_STEPS[1:], _STEPS):
        kept = np.argsort(off.min(axis=0))[:_KEPT]
        middle = powers[off[:, kept].argmin(axis=0)] if powers.ndim == 1 else powers[off[:, kept].argmin(axis=0), kept]
        cells, gains = cells[kept], gains[kept]
        powers = np.clip(middle + np.arange(-wider, wider + 1e-9, step)[:, None], low, high)
        off = _off(rest, gains, powers, told, threshold)
    at = np.unravel_index(off.argmin(), off.shape)
    return int(cells[at[1]]), float(powers[at]), float(off[at])


def _off(rest: np.ndarray, gains: np.ndarray, powers: np.ndarray, told: np.ndarray, threshold: float) -> np.ndarray:
    """Return e [dB] of one emitter more, (powers, candidates); powers, (powers,) or (powers, candidates) [dBm]."""
    off = np.empty((len(powers), len(gains)))
    for number, power in enumerate(powers):
        level = np.float32(rest) + np.asarray(10 ** (power / 10), np.float32)[..., None] * gains
        decibels = np.log(np.maximum(level, np.float32(1e-30))) * np.float32(10 / np.log(10))
        off[number] = np.sqrt(np.square(np.maximum(decibels, threshold) - told).mean(axis=1))
    return off
