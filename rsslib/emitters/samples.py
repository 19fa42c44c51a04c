"""Samples of a scene with several emitters: readings of sensors in random cells, input images and labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from rsslib.arguments import check_choice, check_type, is_number, shown, whole
from rsslib.project import InputError
from rsslib.propagation.scene import Scene

MOST_EMITTERS = 6
"""The losses compare all permutations of the emitters: 720 for six, 40,320 for eight."""
MARGIN_STEPS = 4
"""Steps of a margin per dB."""
_BLOCK = 1024
_CELLS = 2**20    # cells per batch in `margins`, which fit the processor's cache


@dataclass(frozen=True)
class Samples:
    """Samples: the readings of sensors in random cells, and the emitters.

    n : cells per side
    sensor : (samples, n_S) int32, cells of the sensors
    value : (samples, n_S) float32, total received power there [dBm]
    emitter : (samples, n_max) int32, cells of the emitters, -1 for absent ones
    power : (samples, n_max) float32, their powers [dBm], NaN for absent ones

    Errors: InputError for other shapes and types, a cell outside the map, a reading that is NaN or inf (no power is
    -inf), an emitter whose power is not finite, or an absent one with a power.
    """

    n: int
    sensor: np.ndarray
    value: np.ndarray
    emitter: np.ndarray
    power: np.ndarray

    def __post_init__(self):
        whole("samples: n", self.n, 1, 10**5)
        for cell, other, lowest in (("sensor", "value", 0), ("emitter", "power", -1)):
            cells, values = getattr(self, cell), getattr(self, other)
            if _kind(cells) not in "iu" or _kind(values) != "f" or np.ma.is_masked(cells) or np.ma.is_masked(values):
                raise InputError(f"samples: {cell} and {other} are {_described(cells)} and {_described(values)}; "
                                 "expected arrays of whole and of floating-point numbers")
            if cells.ndim != 2 or cells.shape != values.shape or len(cells) != len(self.sensor):
                raise InputError(f"samples: {cell} is {cells.shape}, {other} {values.shape}; expected two tables of "
                                 f"{len(self.sensor)} rows and equally many columns")
            if cells.size and not lowest <= cells.min() <= cells.max() < self.n**2:
                raise InputError(f"samples: `{cell}` reaches from {cells.min()} to {cells.max()}; expected {lowest} to "
                                 f"{self.n**2 - 1}, row * n + column on {self.n} x {self.n} cells")
        for name, bad in (("value", np.isnan(self.value) | (self.value == np.inf)),
                          ("power", np.where(self.emitter >= 0, ~np.isfinite(self.power), ~np.isnan(self.power)))):
            if bad.any():
                raise InputError(f"samples: sample {bad.any(axis=1).argmax()} has a wrong `{name}` "
                                 f"({bad.sum()} of {bad.size}); expected a power [dBm] at every sensor and of every "
                                 "emitter, NaN for an absent one: leave the sensor out, or see that outdoor cells "
                                 "have a gain")

    def __len__(self) -> int:
        return len(self.sensor)

    @property
    def count(self) -> np.ndarray:
        """Number of emitters of each sample, (samples,)."""
        return (self.emitter >= 0).sum(axis=1)


def are_powers(powers: Sequence) -> bool:
    """Return whether these are two numbers from -200 to 200 [dBm], the lower one first."""
    return len(powers) == 2 and all(is_number(power, (int, float)) for power in powers) and (
        -200 <= powers[0] <= powers[1] <= 200)


def draw(scene: Scene, set_name: str, count: int, sensors: int = 40, n_max: int = 3,
         powers_dbm: tuple[float, float] = (10.0, 40.0), seed: int = 0) -> Samples:
    """Draw `count` samples: K ~ U{1..n_max} emitters with powers ~ U[powers_dbm], `sensors` sensors, no noise.

    Emitters lie in different cells of `scene.cells[set_name]`, sensors in different outdoor cells. A sample depends
    only on seed, set and its own number: a longer draw begins with the same samples, and another number of sensors
    leaves the emitters as they are.

    Errors: InputError for an unknown set, more sensors or emitters than the scene has cells for, or more than six
    emitters, or powers in the wrong order.
    Source: paper 2, Sections II and III.D; unspecified details are ours.

    >>> from rsslib.propagation.scene import free_space
    >>> draw(free_space(16), "train", 5, sensors=8).value.shape
    (5, 8)
    """
    check_type("draw: scene", scene, Scene)
    check_choice("draw: the set", set_name, scene.cells)
    if not isinstance(powers_dbm, (tuple, list)) or not are_powers(powers_dbm):
        raise InputError(f"draw: powers_dbm is {shown(powers_dbm)}; expected the lowest power, then the highest [dBm], "
                         "two numbers from -200 to 200")
    whole("draw: seed", seed, 0, 2**63)
    outdoor, permitted = np.flatnonzero(scene.outdoor), np.asarray(scene.cells[set_name], np.int64)
    of = f"{len(outdoor)} outdoor cells and {len(permitted)} of the set {set_name!r}"
    count = whole("draw: count", count)
    most = min(MOST_EMITTERS, len(permitted))
    sensors, n_max = (whole(f"draw: {name}", value, 1, highest, f"a whole number from 1 to {highest}, of {of}")
                      for name, value, highest in (("sensors", sensors, len(outdoor)), ("n_max", n_max, most)))
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


def received(scene: Scene, emitter: np.ndarray, power: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return the total received power at `cells`, 10 log10(sum_k 10^((power_k + gain_k) / 10)) [dBm].

    Input: emitter and power, (samples, n_max), as in `Samples`; cells, (samples or 1, cells). Output: (samples,
    cells) float32, -inf without emitters. Source: paper 2, Eq. (2).

    >>> from rsslib.propagation.scene import free_space
    >>> emitter, power = np.array([[0, -1]]), np.array([[30.0, np.nan]])
    >>> received(free_space(16, side_m=16_000.0), emitter, power, np.array([[1]])).round(1)    # 30 dBm, 1 km away
    array([[-73.3]], dtype=float32)
    """
    total = np.zeros((len(emitter), cells.shape[1]), np.float32)
    for slot in range(emitter.shape[1]):
        on = np.flatnonzero(emitter[:, slot] >= 0)
        at = cells if len(cells) == 1 else cells[on]
        level = scene.gain_db(emitter[on, slot, None].astype(np.int64), at) + power[on, slot, None]
        total[on] += np.exp(level.astype(np.float32) * np.float32(math.log(10) / 10))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(total)


def input_image(sensor: Tensor, value: Tensor, threshold_dbm: float, n: int) -> Tensor:
    """Return the sensors' image, (batch, 1, n, n): at sensors (P - T) / 10 + 0.1 if P > T, -0.1 if P <= T; else 0.

    Input: sensor, (batch, n_S) int64 cells; value, (batch, n_S) the power P [dBm]; threshold_dbm, T.
    Source: paper 2, Eq. (4), with the symbols of Abbas et al.

    >>> input_image(torch.tensor([[0, 3]]), torch.tensor([[-70.0, -90.0]]), -80.0, 2)[0, 0]
    tensor([[ 1.1000,  0.0000],
            [ 0.0000, -0.1000]])
    """
    scaled = torch.where(value > threshold_dbm, (value - threshold_dbm) / 10 + 0.1, -0.1)
    return scaled.new_zeros(len(sensor), n * n).scatter(1, sensor, scaled).view(-1, 1, n, n)


def margins(scene: Scene, samples: Samples) -> np.ndarray:
    """Return the margins of the power over T in all cells, (samples, n, n) uint8: ceil(4 (P - T)) in 0..255.

    The power of a cell is above T + d/4 dB if and only if its entry is above d, for d = 0, 1, ..., 254: bytes suffice
    for the training targets, 82 MB for 20,000 maps of 64 x 64, 819 MB for 50,000 of 128 x 128. Indoor entries are
    meaningless: mask them with `scene.outdoor`. Source: paper 2, Section III.B, for P > T.
    """
    above = np.empty((len(samples), scene.n**2), np.uint8)
    cells, rows = np.arange(scene.n**2)[None], max(1, _CELLS // scene.n**2)
    for start in range(0, len(samples), rows):
        part = slice(start, start + rows)
        margin = received(scene, samples.emitter[part], samples.power[part], cells) - scene.threshold_dbm
        above[part] = np.clip(np.ceil(MARGIN_STEPS * np.nan_to_num(margin, nan=0, neginf=0)), 0, 255)
    return above.reshape(-1, scene.n, scene.n)


def labels(samples: Samples, slots: int) -> np.ndarray:
    """Return the label matrix, (samples, slots, 3) float32: existence 1 or 0, row and column over n - 1.

    All values of an absent emitter are 0.

    Errors: InputError if a sample has more emitters than `slots`, or for a map of a single cell. Source: paper 2,
    Section III.C.
    """
    check_type("labels: samples", samples, Samples)
    whole("labels: slots", slots, 1, 1000)
    whole("labels: n of the samples", samples.n, 2, 10**5)
    most = int(samples.count.max(initial=0))
    if most > slots:
        raise InputError(f"labels: sample {samples.count.argmax()} has {most} emitters, but the network has {slots} "
                         "slots; train with a larger n_max or leave such samples out")
    emitter = np.full((len(samples), max(slots, samples.emitter.shape[1])), -1)
    emitter[:, :samples.emitter.shape[1]] = samples.emitter
    emitter = np.take_along_axis(emitter, np.argsort(emitter < 0, axis=1, kind="stable"), 1)[:, :slots]
    row, column = np.divmod(emitter, samples.n)
    matrix = np.stack([np.ones_like(row), row / (samples.n - 1), column / (samples.n - 1)], axis=-1)
    return np.where(emitter[..., None] >= 0, matrix, 0).astype(np.float32)


def _kind(values: object) -> str:
    return values.dtype.kind if isinstance(values, np.ndarray) else "O"


def _described(values: object) -> str:
    return str(values.dtype) if isinstance(values, np.ndarray) else type(values).__name__


def _distinct(random: np.random.Generator, rows: int, population: int, wanted: int) -> np.ndarray:
    """Draw `wanted` different numbers below `population` for each row, in random order (Floyd 1987)."""
    drawn = np.empty((rows, wanted), np.int64)
    for step, last in enumerate(range(population - wanted, population)):
        new = random.integers(0, last + 1, rows)
        taken = (drawn[:, :step] == new[:, None]).any(axis=1)
        drawn[:, step] = np.where(taken, last, new)
    return random.permuted(drawn, axis=1)
