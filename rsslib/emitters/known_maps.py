"""Several emitters where all path gains are known: what the readings allow, without a network.

Emitters in cells c_k with powers p_k [dBm] explain a sample's readings up to

    e(c, p) = sqrt(mean_s (censored(10 log10 sum_k 10^((p_k + G(c_k, s)) / 10)) - censored(P_s))^2) [dB],
    censored(P) = max(P, T).

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
"""The misfit of a sample that is explained: ten steps of the gains that are stored."""
_STEPS = 3.0, 0.5, 0.05    # [dB] of the powers that are tried: all, those beside the best, and those beside these
_KEPT, _ROUNDS = 12, 6    # candidates whose power is refined; how often each emitter of a sample is placed anew


class _Found(NamedTuple):
    """Emitters of a sample: indices of candidate cells, powers [dBm], and e [dB]."""

    cells: list[int]
    powers: list[float]
    misfit: float


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
    candidates = np.unique(np.concatenate([np.empty(0, np.int64), *scene.cells.values()]))
    if not candidates.size or not samples.sensor.shape[1]:
        raise InputError(f"known_maps: {candidates.size} cells for emitters, {samples.sensor.shape[1]} sensors; "
                         "expected one or more of each")
    values = np.zeros((3, len(samples), most))
    for number, (sensor, value) in enumerate(zip(samples.sensor.astype(np.int64), samples.value)):
        gains_db = scene.gain_db(candidates[:, None], sensor[None])
        if not np.isfinite(gains_db).all():
            raise InputError(f"known_maps: sample {number} has a sensor without gains, such as one inside a building; "
                             "expected samples of this scene")
        gains = 10 ** (gains_db / 10)
        censored = np.maximum(value, scene.threshold_dbm)
        cells = candidates[_explained(gains, censored, scene.threshold_dbm, most).cells]
        values[:, number, :len(cells)] = np.ones(len(cells)), *np.divmod(cells, scene.n)
    true = np.where(samples.emitter >= 0, np.divmod(samples.emitter, scene.n), np.nan)
    slots, emitters = ("sample", "slot"), ("sample", "emitter")
    return xr.Dataset({"existence": (slots, values[0]), "row": (slots, values[1]), "column": (slots, values[2]),
                       "true_row": (emitters, true[0]), "true_column": (emitters, true[1])})


def _explained(gains: np.ndarray, censored: np.ndarray, threshold: float, most: int) -> _Found:
    """Return the fewest emitters that explain censored readings, (sensors,) [dB]; gains, (candidates, sensors)."""
    best = _Found([], [], np.inf)
    for _ in range(most):
        grown = _grown(best, gains, censored, threshold)
        if grown.misfit < best.misfit:
            best = grown
        if best.misfit <= LIMIT_DB or len(best.cells) < len(grown.cells):
            break
    return best


def _grown(before: _Found, gains: np.ndarray, censored: np.ndarray, threshold: float) -> _Found:
    """Return one emitter more, and then each placed anew, given the others, until nothing improves."""
    cell, power, misfit = _placed(_level(before, gains), gains, censored, threshold)
    now = _Found([*before.cells, cell], [*before.powers, power], misfit)
    for _ in range(_ROUNDS if before.cells else 0):
        last = now.misfit
        for _ in now.cells:    # the first goes to the end of the list
            others = _Found(now.cells[1:], now.powers[1:], np.inf)
            cell, power, misfit = _placed(_level(others, gains), gains, censored, threshold)
            if misfit < now.misfit:
                now = _Found([*others.cells, cell], [*others.powers, power], misfit)
            else:
                now = _Found([*others.cells, now.cells[0]], [*others.powers, now.powers[0]], now.misfit)
        if now.misfit <= LIMIT_DB or now.misfit > 0.99 * last:
            break
    return now


def _level(found: _Found, gains: np.ndarray) -> np.ndarray:
    """Return the power of emitters at the sensors, (sensors,) [mW]."""
    return 10 ** (np.array(found.powers) / 10) @ gains[found.cells] if found.cells else np.zeros(gains.shape[1])


def _placed(rest: np.ndarray, gains: np.ndarray, censored: np.ndarray, threshold: float) -> tuple[int, float, float]:
    """Return the cell and the power [dBm] of one emitter beside `rest` [mW] that explains most, and e [dB]."""
    low, high = POWERS_DBM
    cells, powers = np.arange(len(gains)), np.arange(low, high + 1e-9, _STEPS[0])
    misfit = _misfit(rest, gains, powers, censored, threshold)
    for step, wider in zip(_STEPS[1:], _STEPS):
        kept = np.argsort(misfit.min(axis=0))[:_KEPT]
        best = misfit[:, kept].argmin(axis=0)
        middle = powers[best] if powers.ndim == 1 else powers[best, kept]
        cells, gains = cells[kept], gains[kept]
        powers = np.clip(middle + np.arange(-wider, wider + 1e-9, step)[:, None], low, high)
        misfit = _misfit(rest, gains, powers, censored, threshold)
    at = np.unravel_index(misfit.argmin(), misfit.shape)
    return int(cells[at[1]]), float(powers[at]), float(misfit[at])


def _misfit(rest: np.ndarray, gains: np.ndarray, powers: np.ndarray, censored: np.ndarray,
            threshold: float) -> np.ndarray:
    """Return e [dB] of one emitter more, (powers, candidates); powers, (powers,) or (powers, candidates) [dBm]."""
    found = np.empty((len(powers), len(gains)))
    for number, power in enumerate(powers):
        level = np.float32(rest) + np.asarray(10 ** (power / 10), np.float32)[..., None] * gains
        decibels = np.log(np.maximum(level, np.float32(1e-30))) * np.float32(10 / np.log(10))
        found[number] = np.sqrt(np.square(np.maximum(decibels, threshold) - censored).mean(axis=1))
    return found
