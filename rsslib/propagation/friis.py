"""Free-space path gain between isotropic antennas, by distance and by displacement of cells."""

import numpy as np

from rsslib.project import InputError
from rsslib.propagation import arguments

LIGHT_M_S = 299_792_458.0
FREQUENCY_HZ = 3.5e9
"""The paper does not state its frequency; in free space another one shifts all gains by a constant."""


def wavelength_m(frequency_hz: float) -> float:
    """Return the wavelength c / f [m]. Errors: InputError unless the frequency is from 1e6 to 1e12 Hz.

    >>> round(wavelength_m(3.5e9), 4)
    0.0857
    """
    return LIGHT_M_S / arguments.frequency(frequency_hz)


def path_gain_db(distance_m, frequency_hz: float = FREQUENCY_HZ):
    """Return the free-space gain between isotropic antennas, G = 20 log10(c / (4 pi d f)) [dB].

    Input: distance d > 0 [m], any shape; frequency f [Hz]. Output: the same shape, at most 0 beyond the near field.
    Errors: InputError for a distance that is not above 0, and those of `wavelength_m`.
    Source: H. T. Friis, A note on a simple transmission formula, Proc. IRE 34 (1946) 254; ITU-R P.525-4, Eq. (3).

    >>> round(float(path_gain_db(1000.0, 3.5e9)), 2)
    -103.33
    """
    distance = arguments.numbers("distance_m", distance_m, "distances above 0 m: in a cell, take half its side", 1e-9)
    return 20.0 * np.log10(wavelength_m(frequency_hz) / (4.0 * np.pi * distance))


def cell_gain_db(n: int, side_m: float, frequency_hz: float = FREQUENCY_HZ) -> np.ndarray:
    """Return the free-space gain between the centres of two cells of a square map, by displacement [dB].

    Input: n cells per side, side of the map [m], frequency [Hz]. Output: (2n - 1, 2n - 1) float32; entry
    [n - 1 + rows, n - 1 + columns] is for that displacement. Within one cell the distance is taken as half the side of
    a cell.
    Errors: InputError for such arguments, and cells so small that the formula, which holds far from the antenna, gives
    a gain above 0 dB.

    >>> cell_gain_db(64, 5000.0).shape
    (127, 127)
    """
    n, side_m = arguments.cells_per_side(n), arguments.side(side_m)
    step = np.arange(1 - n, n)
    distance = np.hypot(step[:, None], step) * (side_m / n)
    distance[n - 1, n - 1] = side_m / n / 2
    gain = path_gain_db(distance, frequency_hz).astype(np.float32)
    if gain.max() > 0:
        raise InputError(f"side_m is {side_m:g}, of {n} x {n} cells, in which the gain at {frequency_hz:g} Hz is "
                         f"{gain.max():.1f} dB; expected at most 0 dB: give larger cells")
    return gain
