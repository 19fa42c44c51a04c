"""Samples of a scene with several emitters: what sensors in random cells measure, and who caused it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

import numpy as np

from rsslib.project import InputError

MOST_EMITTERS = 6
"""All orders of the emitters are compared: 720 for six, 40,320 for eight."""
_BLOCK = 1024


class Scene(Protocol):
    """What is asked of a propagation scene: a square map of n x n cells, cell = row * n + column.

    outdoor : (n, n) bool; cells : cells that may hold an emitter, int64, for each of "train", "val" and "test";
    gain_db : path gain [dB] from emitters' cells to cells, two arrays of integers that broadcast
    """

    n: int
    side_m: float
    threshold_dbm: float
    outdoor: np.ndarray
    cells: Mapping[str, np.ndarray]

    def gain_db(self, emitter_cells: np.ndarray, cells: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Samples:
    """Sparse samples: what sensors in random cells measure, and which emitters caused it.

    n : cells a side
    sensor : (samples, n_S) int32, cells of the sensors
    value : (samples, n_S) float32, power of all emitters together there [dBm]
    emitter : (samples, n_max) int32, cells of the emitters, -1 where there is none
    power : (samples, n_max) float32 [dBm], NaN where there is none

    Errors: InputError for arrays of other shapes, a cell outside the map, a value that is not a number.
    """

    n: int
    sensor: np.ndarray
    value: np.ndarray
    emitter: np.ndarray
    power: np.ndarray

    def __post_init__(self):
        samples = len(self.sensor)
        for first, second in (("sensor", "value"), ("emitter", "power")):
            one, other = getattr(self, first), getattr(self, second)
            if one.ndim != 2 or one.shape != other.shape or len(one) != samples:
                raise InputError(f"samples: {first} is {one.shape}, {second} {other.shape}; expected two tables of "
                                 f"{samples} rows and equally many columns")
        for name, lowest in (("sensor", 0), ("emitter", -1)):
            cell = getattr(self, name)
            wrong = ((cell < lowest) | (cell >= self.n**2)).any(axis=1)
            if wrong.any():
                raise InputError(f"samples: sample {wrong.argmax()} has a cell of `{name}` outside the map of {self.n} "
                                 f"x {self.n} cells; expected {lowest} to {self.n**2 - 1}, row * n + column")
        unknown = np.isnan(self.value).any(axis=1)
        if unknown.any():
            raise InputError(f"samples: sample {unknown.argmax()} has a `value` that is not a number; expected a power "
                             "[dBm] at every sensor: leave the sensor out, or see that outdoor cells have a gain")

    def __len__(self) -> int:
        return len(self.sensor)

    @property
    def count(self) -> np.ndarray:
        """Number of emitters of each sample, (samples,)."""
        return (self.emitter >= 0).sum(axis=1)


def _distinct(random: np.random.Generator, rows: int, population: int, wanted: int) -> np.ndarray:
    """Draw `wanted` different numbers below `population` for each row, in random order (Floyd 1987)."""
    drawn = np.empty((rows, wanted), np.int64)
    for step, last in enumerate(range(population - wanted, population)):
        new = random.integers(0, last + 1, rows)
        taken = (drawn[:, :step] == new[:, None]).any(axis=1)
        drawn[:, step] = np.where(taken, last, new)
    return random.permuted(drawn, axis=1)


def received(scene: Scene, emitter: np.ndarray, power: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return the power at `cells` of all emitters together, 10 log10(sum_k 10^((power_k + gain_k) / 10)) [dBm].

    Input: emitter and power, (samples, n_max), as in `Samples`; cells, (samples or 1, places). Output: (samples,
    places) float32, -inf where nothing arrives. Source: paper 2, Eq. (2).
    """
    total = np.zeros((len(emitter), cells.shape[1]), np.float32)
    for slot in range(emitter.shape[1]):
        on = np.flatnonzero(emitter[:, slot] >= 0)
        there = cells if len(cells) == 1 else cells[on]
        level = scene.gain_db(emitter[on, slot, None].astype(np.int64), there) + power[on, slot, None]
        total[on] += np.exp(level.astype(np.float32) * np.float32(math.log(10) / 10))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(total)


def _check(scene: Scene, set_name: str, count: int, sensors: int, n_max: int, powers_dbm: tuple) -> None:
    if set_name not in scene.cells or not len(scene.cells[set_name]):
        raise InputError(f"draw: the scene has no emitter cells of the set {set_name!r}; expected some in one of "
                         f"{', '.join(scene.cells)}")
    permitted = scene.cells[set_name]
    if scene.outdoor.shape != (scene.n, scene.n) or permitted.min() < 0 or permitted.max() >= scene.n**2:
        raise InputError(f"draw: n is {scene.n}, outdoor {scene.outdoor.shape}, cells of {set_name!r} reach "
                         f"{permitted.max()}; expected one raster of n x n cells for all three")
    outdoor, (low, high) = int(scene.outdoor.sum()), powers_dbm
    found = (("count", count, 1, None, ""), ("sensors", sensors, 1, outdoor, ", one in each outdoor cell"),
             ("n_max", n_max, 1, min(MOST_EMITTERS, len(permitted)), f", one in each emitter cell of {set_name!r}"))
    for name, value, least, most, why in found:
        if value < least or (most is not None and value > most):
            upper = "" if most is None else f" and at most {most}{why}"
            raise InputError(f"draw: {name} is {value}; expected at least {least}{upper}")
    if not -math.inf < low <= high < math.inf:
        raise InputError(f"draw: powers_dbm is {powers_dbm}; expected the lowest power, then the highest [dBm]")


def draw(scene: Scene, set_name: str, count: int, sensors: int = 40, n_max: int = 3,
         powers_dbm: tuple[float, float] = (10.0, 40.0), seed: int = 0) -> Samples:
    """Draw `count` samples: K ~ U{1..n_max} emitters with powers ~ U[powers_dbm], `sensors` sensors, no noise.

    Emitters lie in different cells of `scene.cells[set_name]`, sensors in different outdoor cells. A sample depends
    on seed, set and its own number alone: the first thousand of a longer draw are the same, and another number
    of sensors has the same emitters.

    Errors: InputError for a set without cells, more sensors or emitters than cells, a scene of several rasters.
    Source: paper 2, Sections II and III.D; drawing is the reproduction's own where the paper is silent.
    Example
    -------
    >>> draw(scene, "train", 20_000).value.shape                # doctest: +SKIP
    (20000, 40)
    """
    _check(scene, set_name, count, sensors, n_max, powers_dbm)
    outdoor, permitted = np.flatnonzero(scene.outdoor), np.asarray(scene.cells[set_name], np.int64)
    blocks = []
    for number in range(-(-count // _BLOCK)):
        random = np.random.default_rng([seed, crc32(set_name.encode()), number])
        absent = np.arange(n_max) >= random.integers(1, n_max + 1, _BLOCK)[:, None]
        emitter = permitted[_distinct(random, _BLOCK, len(permitted), n_max)]
        power = random.uniform(*powers_dbm, (_BLOCK, n_max)).astype(np.float32)
        emitter[absent], power[absent] = -1, np.nan
        sensor = outdoor[_distinct(random, _BLOCK, len(outdoor), sensors)]
        value = received(scene, emitter, power, sensor)
        blocks.append((sensor.astype(np.int32), value, emitter.astype(np.int32), power))
    return Samples(scene.n, *(np.concatenate(parts)[:count] for parts in zip(*blocks)))
