"""Path gain at street level: over the roofs (ITU-R P.526) plus around the corners (TR 38.901), with shadowing.

This is not Atoll, the planning tool of the paper, whose models are not public.
"""

import numpy as np

from rsslib.data.city import PIXEL_M, City, centres, height_raster, outdoor
from rsslib.project import InputError
from rsslib.propagation.diffraction import bullington_db
from rsslib.propagation.friis import FREQUENCY_HZ, LIGHT_M_S, path_gain_db, wavelength_m
from rsslib.propagation.shadowing import DECORRELATION_M, SIGMA_DB, Shadowing

MODEL = "ITU-R P.526 Bullington + 3GPP TR 38.901 UMi NLOS with shadowing (not Atoll)"
EMITTER_M = 3.0
"""Height of an emitter: a tall vehicle's antenna (3GPP TR 37.885, Section 6.1.2, vehicle type 3)."""
SENSOR_M = 1.5
"""Height of a sensor: a user at street level, the lowest of 3GPP TR 38.901, Table 7.4.1-1."""
ENVIRONMENT_M = 1.0
"""Effective height h_E of the street's own clutter (3GPP TR 38.901, Table 7.4.1-1, note 1)."""
_BAND = 32


def umi_los_db(distance_m, frequency_hz: float = FREQUENCY_HZ, base_m: float = 10.0, user_m: float = SENSOR_M):
    """Return the path loss of the UMi street canyon in line of sight [dB], with d in m and f in GHz:

        PL_1 = 32.4 + 21 log10 d3 + 20 log10 f                                   up to d_BP
        PL_2 = 32.4 + 40 log10 d3 + 20 log10 f - 9.5 log10(d_BP^2 + (h_b - h_u)^2)   beyond

    d_BP = 4 (h_b - 1)(h_u - 1) f / c, d3 the length of the straight line between the antennas.
    Input: distance along the ground [m], any shape; frequency [Hz]; antenna heights h_b, h_u [m]. Output: that shape.
    Errors: InputError for antennas no higher than 1 m. Source: 3GPP TR 38.901 V16.1.0, Table 7.4.1-1.
    Example
    -------
    >>> round(float(umi_los_db(100.0)), 2)
    85.31
    """
    if min(base_m, user_m) <= ENVIRONMENT_M:
        raise InputError(f"umi_los_db: expected antennas above {ENVIRONMENT_M:g} m, found {base_m} m and {user_m} m")
    wavelength_m(frequency_hz)
    d2 = np.asarray(distance_m, np.float64)
    decades = np.log10(np.hypot(d2, base_m - user_m))
    turn = 4.0 * (base_m - ENVIRONMENT_M) * (user_m - ENVIRONMENT_M) * frequency_hz / LIGHT_M_S
    flat = 32.4 + 20.0 * np.log10(frequency_hz / 1e9)
    steep = flat + 40.0 * decades - 9.5 * np.log10(turn**2 + (base_m - user_m) ** 2)
    return np.where(d2 <= turn, flat + 21.0 * decades, steep)


def umi_nlos_db(distance_m, frequency_hz: float = FREQUENCY_HZ, base_m: float = 10.0, user_m: float = SENSOR_M):
    """Return the path loss of the UMi street canyon without line of sight [dB], with d in m and f in GHz:

        PL = max(PL_LOS, 35.3 log10 d3 + 22.4 + 21.3 log10 f - 0.3 (h_u - 1.5))

    Input, output, errors and source: those of `umi_los_db`.
    Example
    -------
    >>> round(float(umi_nlos_db(100.0)), 2)
    104.64
    """
    d3 = np.hypot(np.asarray(distance_m, np.float64), base_m - user_m)
    behind = 35.3 * np.log10(d3) + 22.4 + 21.3 * np.log10(frequency_hz / 1e9) - 0.3 * (user_m - 1.5)
    return np.maximum(umi_los_db(distance_m, frequency_hz, base_m, user_m), behind)


class Urban:
    """The path gain from any place of a city to the centres of n x n cells, at street level.

        G = 10 log10(10^(G_roof / 10) + 10^(G_corner / 10)),
        G_roof = G_Friis - L_Bullington,  G_corner = min(S - PL_UMi, G_Friis)

    UMi was fitted to base stations at 10 m; here its base is the higher of both antennas, which keeps the gain the same
    both ways. Within a cell the distance is half a cell's side. Shadowing S has no place in the first term, which
    knows its obstacles.

    Parameters
    ----------
    city, n : obstacles, and cells a side
    frequency_hz [Hz]; emitter_m, sensor_m : antenna heights [m]
    shadowing_db, decorrelation_m, seed : of the random field S; 0 dB for none
    pixel_m : of the height raster, and step of the terrain profiles [m]

    Errors: InputError for settings that the parts above refuse.
    Source: the parts' own; adding the powers is the reproduction's own choice (roofs alone leave streets too dark).
    Example
    -------
    >>> Urban(cities.load("chicago"), 64).gain_map_db((300.0, 412.0)).shape          # doctest: +SKIP
    (64, 64)
    """

    def __init__(self, city: City, n: int, frequency_hz: float = FREQUENCY_HZ, emitter_m: float = EMITTER_M,
                 sensor_m: float = SENSOR_M, shadowing_db: float = SIGMA_DB,
                 decorrelation_m: float = DECORRELATION_M, seed: int = 0, pixel_m: float = PIXEL_M):
        self.side_m, self.cell_m, self.pixel_m = city.side_m, city.side_m / max(n, 1), pixel_m
        self.frequency_hz, self.wavelength_m = frequency_hz, wavelength_m(frequency_hz)
        self.emitter_m, self.sensor_m = emitter_m, sensor_m
        self.heights = height_raster(city, pixel_m)
        self.outdoor = outdoor(city, n, pixel_m, self.heights)
        self.places = centres(n, city.side_m)[self.outdoor.ravel()]
        self.shadowing = Shadowing(seed, shadowing_db, decorrelation_m)
        self._waves = self.shadowing.waves_at(self.places)

    def gain_map_db(self, emitter) -> np.ndarray:
        """Return the gain from the emitter (x, y) [m] to each cell, (n, n) float32 [dB], NaN indoors.

        Errors: InputError for an emitter outside the window or inside a building.
        """
        emitter = np.asarray(emitter, np.float64)
        self._check(emitter)
        away = np.hypot(*(self.places - emitter).T)
        near = np.maximum(away, self.cell_m / 2)
        straight = path_gain_db(np.hypot(near, self.emitter_m - self.sensor_m), self.frequency_hz)
        roof = straight - self._diffraction_db(emitter, away)
        heights = max(self.emitter_m, self.sensor_m), min(self.emitter_m, self.sensor_m)
        shadow = self.shadowing.between(self.shadowing.waves_at(emitter[None]), self._waves)[0]
        corner = np.minimum(shadow - umi_nlos_db(near, self.frequency_hz, *heights), straight)
        gain = np.full(self.outdoor.shape, np.nan, np.float32)
        gain[self.outdoor] = np.logaddexp(roof * np.log(10) / 10, corner * np.log(10) / 10) * 10 / np.log(10)
        return gain

    def _check(self, emitter: np.ndarray) -> None:
        if emitter.shape != (2,) or not ((emitter >= 0) & (emitter < self.side_m)).all():
            raise InputError(f"emitter {emitter}: expected x and y from 0 to below {self.side_m:g} m")
        column, row = (emitter / self.pixel_m).astype(int)
        if self.heights[row, column] > 0:
            raise InputError(f"emitter {emitter}: stands in a building; expected the centre of an outdoor cell")

    def _diffraction_db(self, emitter: np.ndarray, away: np.ndarray) -> np.ndarray:
        """Return the diffraction loss to each outdoor cell, (cells,)."""
        loss = np.zeros(len(away))
        # profiles of about the same length together: whole arrays, and few points beyond one per pixel
        bands = np.ceil(away / self.pixel_m / _BAND).astype(int)
        for band in range(1, bands.max() + 1):
            cells = np.flatnonzero(bands == band)
            profile = self._profiles(emitter, self.places[cells], band * _BAND)
            loss[cells] = bullington_db(profile, away[cells], self.emitter_m, self.sensor_m, self.wavelength_m)
        return loss

    def _profiles(self, start: np.ndarray, ends: np.ndarray, points: int) -> np.ndarray:
        """Return the heights along the straight lines from `start` to each of `ends`, (ends, points) [m]."""
        # from the middle outwards: the same pixels, to the last bit, whichever end is first
        offset = (2.0 * np.arange(points) + 1.0 - points) / (2.0 * points)
        middle, way = (start + ends) / (2.0 * self.pixel_m), (ends - start) / self.pixel_m
        column, row = ((middle[:, axis, None] + way[:, axis, None] * offset).astype(np.int32) for axis in (0, 1))
        return self.heights.ravel().take(row * np.int32(self.heights.shape[1]) + column)


def gain_maps_db(city: City, emitters, n: int, frequency_hz: float = FREQUENCY_HZ, seed: int = 0, **settings):
    """Yield the gain map from each of the emitters (positions, 2) [m]: (n, n) float32 [dB], NaN indoors.

    Settings and errors: those of `Urban`.
    """
    model = Urban(city, n, frequency_hz, seed=seed, **settings)
    for emitter in np.asarray(emitters, np.float64):
        yield model.gain_map_db(emitter)
