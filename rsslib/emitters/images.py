"""Samples as the networks meet them: the input image, the map of occupied cells, the label matrix."""

import numpy as np
import torch
from torch import Tensor

from rsslib.emitters.samples import Samples, Scene, received
from rsslib.project import InputError

MARGIN_STEPS = 4
"""Steps of a margin in a dB."""
_CELLS = 2**20    # cells worked on at a time: they stay in the processor's cache


def input_image(sensor: Tensor, value: Tensor, threshold_dbm: float, n: int) -> Tensor:
    """Return the input, (batch, 1, n, n): (P - T) / 10 + 0.1 where P > T is sensed, -0.1 where P <= T, else 0.

    Input: sensor, (batch, n_S) int64 cells; value, (batch, n_S) the power P [dBm]; threshold_dbm, T.

    Errors: InputError for tables of two shapes or a sensor outside the map.
    Source: paper 2, Eq. (4), its symbols read as in Abbas et al.
    Example
    -------
    >>> input_image(torch.tensor([[0, 3]]), torch.tensor([[-70.0, -90.0]]), -80.0, 2)[0, 0]
    tensor([[ 1.1000,  0.0000],
            [ 0.0000, -0.1000]])
    """
    if sensor.ndim != 2 or sensor.shape != value.shape:
        raise InputError(f"input_image: sensor is {tuple(sensor.shape)}, value {tuple(value.shape)}; expected both "
                         "(batch, sensors)")
    if sensor.numel() and (int(sensor.min()) < 0 or int(sensor.max()) >= n * n):
        raise InputError(f"input_image: sensors in cells {int(sensor.min())} to {int(sensor.max())}, outside a map of "
                         f"{n} x {n} cells; expected 0 to {n * n - 1}: is n that of the samples?")
    shown = torch.where(value > threshold_dbm, (value - threshold_dbm) / 10 + 0.1, -0.1)
    return shown.new_zeros(len(sensor), n * n).scatter(1, sensor, shown).view(-1, 1, n, n)


def margins(scene: Scene, samples: Samples) -> np.ndarray:
    """Return how far the power is above T over the whole map, (samples, n, n) uint8: ceil(4 (P - T)), 0 to 255.

    A cell is above T + d/4 dB exactly where its entry is above d, for d = 0, 1, ..., 254: bytes hold all that the
    training asks, 82 MB for 20,000 maps of 64 x 64, 819 MB for 50,000 of 128 x 128. Indoor cells mean nothing: mask
    them with `scene.outdoor`.

    Errors: InputError where scene and samples differ in n. Source: paper 2, Section III.B, for P > T.
    """
    if scene.n != samples.n:
        raise InputError(f"margins: the scene has {scene.n} cells a side, the samples {samples.n}; draw them from it")
    found = np.empty((len(samples), scene.n**2), np.uint8)
    cells, rows = np.arange(scene.n**2)[None], max(1, _CELLS // scene.n**2)
    for start in range(0, len(samples), rows):
        part = slice(start, start + rows)
        above = received(scene, samples.emitter[part], samples.power[part], cells) - scene.threshold_dbm
        found[part] = np.clip(np.ceil(MARGIN_STEPS * np.nan_to_num(above, nan=0, neginf=0)), 0, 255)
    return found.reshape(-1, scene.n, scene.n)


def labels(samples: Samples, slots: int | None = None) -> np.ndarray:
    """Return the label matrix, (samples, slots, 3) float32: existence 1 or 0, row and column over n - 1; absent all 0.

    Errors: InputError if a sample has more emitters than `slots` (all of n_max when not given).
    Source: paper 2, Section III.C.
    """
    slots = samples.emitter.shape[1] if slots is None else slots
    most = int(samples.count.max(initial=0))
    if most > slots:
        raise InputError(f"labels: sample {samples.count.argmax()} has {most} emitters, the network {slots} slots; "
                         "train with a larger n_max or leave such samples out")
    emitter = np.full((len(samples), max(slots, samples.emitter.shape[1])), -1)
    emitter[:, :samples.emitter.shape[1]] = samples.emitter
    emitter = np.take_along_axis(emitter, np.argsort(emitter < 0, axis=1, kind="stable"), 1)[:, :slots]
    row, column = np.divmod(emitter, samples.n)
    found = np.stack([np.ones_like(row), row / (samples.n - 1), column / (samples.n - 1)], axis=-1)
    return np.where(emitter[..., None] >= 0, found, 0).astype(np.float32)
