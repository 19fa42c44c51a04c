"""Path gain at street level: over the roofs (ITU-R P.526) plus around the corners (TR 38.901), with shadowing.

It replaces Atoll, the planning tool of the paper, whose models are not public.
"""

from collections.abc import Iterator

import numpy as np

from rsslib.data.buildings import PIXEL_M, City, centres, height_raster
from rsslib.project import InputError
from rsslib.propagation import arguments, positions
from rsslib.propagation.friis import FREQUENCY_HZ, LIGHT_M_S, path_gain_db, wavelength_m

LOWEST_NU = -0.78
"""Below this J is 0: the edge leaves more than half of the first Fresnel zone free."""
SIGMA_DB, DECORRELATION_M = 7.82, 13.0
"""Of UMi without line of sight: 3GPP TR 38.901, Tables 7.4.1-1 and 7.5-6."""
WAVES = 256
EMITTER_M = 3.0
"""Height of an emitter: a tall vehicle's antenna (3GPP TR 37.885, Section 6.1.2, vehicle type 3)."""
SENSOR_M = 1.5
"""Height of a sensor: a user at street level, the lowest of 3GPP TR 38.901, Table 7.4.1-1."""
ENVIRONMENT_M = 1.0
"""Effective height h_E of the street's own clutter (3GPP TR 38.901, Table 7.4.1-1, note 1)."""
_BAND = 32
_SIGMA = "a standard deviation from 0 to 100 dB", 0.0, 100.0
_MOST_PIXELS = 2048


def model() -> str:
    """Return what the gains of this module are called in a gain library."""
    return "ITU-R P.526 Bullington + 3GPP TR 38.901 UMi NLOS with shadowing (not Atoll)"


def knife_edge_db(nu):
    """Return the diffraction loss of a knife edge, J(nu) [dB]:

        J = 6.9 + 20 log10(sqrt((nu - 0.1)^2 + 1) + nu - 0.1),  0 up to nu = -0.78

    Input: nu = h sqrt(2 / lambda (1 / d1 + 1 / d2)), any shape, dimensionless: the edge is h above the direct line,
    at distances d1 and d2 from its ends. Output: the same shape. Errors: InputError for what is no finite number.
    Source: ITU-R P.526-15, Section 4.1, Eqs. (26) and (31).

    >>> round(float(knife_edge_db(0.0)), 2)
    6.03
    """
    return _knife_edge_db(arguments.numbers("nu", nu, "finite numbers"))


def _knife_edge_db(nu: np.ndarray) -> np.ndarray:
    above = np.maximum(nu, LOWEST_NU) - 0.1
    return np.where(nu > LOWEST_NU, 6.9 + 20.0 * np.log10(np.sqrt(above**2 + 1.0) + above), 0.0)


def bullington_db(profile, distance_m, start_m: float, end_m: float, wavelength_m: float) -> np.ndarray:
    """Return the diffraction loss over terrain profiles by the Bullington construction, L_uc [dB].

    If the direct line is blocked, the profile is replaced by a knife edge where the horizon lines of both ends meet:

        S_t = max (h_i - h_t) / d_i,  S_r = max (h_i - h_r) / (d - d_i),  d_b = (h_r - h_t + S_r d) / (S_t + S_r)

    and L_uc = J(nu) at that point. If it is free, L_uc = J(max nu_i) over the points.

    Input: profile h_i, (paths, points) [m], heights at the fractions (i + 1/2) / points of the path; distance d,
    (paths,) [m]; heights of the antennas h_t, h_r [m]; wavelength [m]. Output: (paths,).
    Omitted: the Earth's curvature (2 cm over 1 km), and the standard's final empirical correction, which was fitted to
    terrain over tens of kilometres.
    Errors: InputError for other shapes, a distance or a wavelength that is not above 0, or what is no finite number.
    Source: ITU-R P.526-15, Section 4.5.1; K. Bullington, Radio propagation at frequencies above 30 megacycles,
    Proc. IRE 35 (1947) 1122.

    >>> bullington_db([[0.0, 30.0, 0.0]], [600.0], 1.5, 1.5, 0.0857).round(1)
    array([33.9])
    """
    heights = arguments.numbers("profile", profile, "heights [m], one path a row", -1e6, 1e6)
    distances = arguments.numbers("distance_m", distance_m, "distances above 0 m, one per path", 1e-9)
    if heights.ndim != 2 or not heights.size or distances.shape != heights.shape[:1]:
        raise InputError(f"profile is of shape {heights.shape}, distance_m of {distances.shape}; expected "
                         "(paths, points) and (paths,)")
    start_m, end_m = (arguments.number(name, height, "a height of an antenna [m]", -1e6, 1e6)
                      for name, height in (("start_m", start_m), ("end_m", end_m)))
    wavelength_m = arguments.number("wavelength_m", wavelength_m, "a wavelength from 1e-4 to 1e3 m", 1e-4, 1e3)
    return _bullington_db(heights, distances, start_m, end_m, wavelength_m)


def _bullington_db(profile: np.ndarray, d: np.ndarray, start_m: float, end_m: float,
                   wavelength_m: float) -> np.ndarray:
    points = profile.shape[1]
    fraction = ((np.arange(points) + 0.5) / points).astype(profile.dtype)
    inverse = 1.0 / fraction
    slope_t = ((profile - start_m) * inverse).max(axis=1) / d
    slope_r = ((profile - end_m) * inverse[::-1]).max(axis=1) / d
    blocked = slope_t > (end_m - start_m) / d
    nu = np.empty(len(d))
    nu[blocked] = _nu_of_edge(slope_t[blocked], slope_r[blocked], d[blocked], start_m, end_m, wavelength_m)
    line = start_m + (end_m - start_m) * fraction
    clear = (profile[~blocked] - line) / np.sqrt(fraction * (1.0 - fraction))
    nu[~blocked] = clear.max(axis=1) * np.sqrt(2.0 / (wavelength_m * d[~blocked]))
    return _knife_edge_db(nu)


def _nu_of_edge(slope_t, slope_r, d, start_m: float, end_m: float, wavelength_m: float) -> np.ndarray:
    """Return nu of the point where the two horizon lines meet, (paths,)."""
    t = (end_m - start_m + slope_r * d) / (slope_t + slope_r)
    height = slope_t * t - (end_m - start_m) * t / d
    return height * np.sqrt(2.0 * d / (wavelength_m * t * (d - t)))


class Shadowing:
    """A random field S(a, b) [dB] over pairs of positions: S(a, b) = S(b, a), normal with standard deviation sigma.

        S(a, b) = sigma / sqrt(M) sum_m [cos(k_m a + l_m b + phi_m) + cos(k_m b + l_m a + phi_m)],  m = 1..M

    Its correlation is exp(-|a - a'| / D) exp(-|b - b'| / D): the wave vectors k, l are drawn from the spectrum of it,
    a bivariate Cauchy distribution of scale 1 / D. The standard deviation is larger if a and b are less than D apart.

    Parameters: seed, which determines the field; sigma_db, standard deviation [dB]; decorrelation_m, distance D with a
    correlation of 1 / e [m]; waves, number M of plane waves.
    Errors: InputError for parameters or positions that are no such values.

    Source: M. Gudmundson, Correlation model for shadow fading in mobile radio systems, Electronics Letters 27 (1991)
    2145; for both ends and as a sum of waves, Z. Wang, E. K. Tameh, A. R. Nix, Joint shadowing process in urban
    peer-to-peer radio channels, IEEE Trans. Vehicular Technology 57 (2008) 52.

    >>> field = Shadowing(seed=0)
    >>> a, b = [[0.0, 0.0]], [[300.0, 40.0], [10.0, 5.0]]
    >>> bool(np.allclose(field.between_db(a, b), field.between_db(b, a).T, atol=1e-3))
    True
    """

    def __init__(self, seed: int = 0, sigma_db: float = SIGMA_DB, decorrelation_m: float = DECORRELATION_M,
                 waves: int = WAVES):
        rng = np.random.default_rng([arguments.seed(seed), 0])
        self.sigma_db = arguments.number("sigma_db", sigma_db, *_SIGMA)
        self.waves = arguments.whole("waves", waves, "1 to 4096 plane waves", 1, 4096)
        arguments.number("decorrelation_m", decorrelation_m, "a distance from 0.001 m to 1000 km", 1e-3, 1e6)
        self._k, self._l = rng.normal(size=(2, 2, waves)) / np.abs(rng.normal(size=(2, 1, waves))) / decorrelation_m
        self._phase = rng.uniform(0.0, 2.0 * np.pi, waves)

    def between_db(self, a, b) -> np.ndarray:
        """Return S between the positions a (points, 2) and b (points, 2) [m], (points a, points b) float32 [dB]."""
        return self._between(*(self._waves_at(arguments.positions(*one)) for one in (("a", a), ("b", b))))

    def _waves_at(self, positions: np.ndarray) -> list[np.ndarray]:
        """Return the waves at positions (points, 2) [m]: two arrays (points, waves) complex64."""
        return [np.exp(1j * (positions @ wave)).astype(np.complex64) for wave in (self._k, self._l)]

    def _between(self, waves_a: list[np.ndarray], waves_b: list[np.ndarray]) -> np.ndarray:
        """Return S between the positions of two results of `_waves_at`, (points a, points b) float32 [dB]."""
        phase = np.exp(1j * self._phase).astype(np.complex64)
        total = (waves_a[0] * phase) @ waves_b[1].T + (waves_a[1] * phase) @ waves_b[0].T
        return (self.sigma_db / np.sqrt(np.float32(self.waves))) * total.real


def umi_los_db(distance_m, frequency_hz: float = FREQUENCY_HZ, base_m: float = 10.0, user_m: float = SENSOR_M):
    """Return the path loss of the UMi street canyon in line of sight [dB], with d in m and f in GHz:

        PL_1 = 32.4 + 21 log10 d3 + 20 log10 f                                   up to d_BP
        PL_2 = 32.4 + 40 log10 d3 + 20 log10 f - 9.5 log10(d_BP^2 + (h_b - h_u)^2)   beyond

    d_BP = 4 (h_b - 1)(h_u - 1) f / c; d3 is the 3-D distance between the antennas.
    Input: horizontal distance [m], any shape; frequency [Hz]; antenna heights h_b, h_u [m]. Output: same shape.
    Errors: InputError for antennas at 1 m or below, and those of `rsslib.propagation.friis.path_gain_db`.
    Source: 3GPP TR 38.901 V16.1.0, Table 7.4.1-1.

    >>> round(float(umi_los_db(100.0)), 2)
    85.31
    """
    base_m, user_m = antenna("base_m", base_m), antenna("user_m", user_m)
    d2 = arguments.numbers("distance_m", distance_m, "distances above 0 m", 1e-9)
    frequency_hz = arguments.frequency(frequency_hz)
    decades = np.log10(np.hypot(d2, base_m - user_m))
    breakpoint_m = 4.0 * (base_m - ENVIRONMENT_M) * (user_m - ENVIRONMENT_M) * frequency_hz / LIGHT_M_S
    flat = 32.4 + 20.0 * np.log10(frequency_hz / 1e9)
    steep = flat + 40.0 * decades - 9.5 * np.log10(breakpoint_m**2 + (base_m - user_m) ** 2)
    return np.where(d2 <= breakpoint_m, flat + 21.0 * decades, steep)


def umi_nlos_db(distance_m, frequency_hz: float = FREQUENCY_HZ, base_m: float = 10.0, user_m: float = SENSOR_M):
    """Return the path loss of the UMi street canyon without line of sight [dB], with d in m and f in GHz:

        PL = max(PL_LOS, 35.3 log10 d3 + 22.4 + 21.3 log10 f - 0.3 (h_u - 1.5))

    Input, output, errors and source: those of `umi_los_db`.

    >>> round(float(umi_nlos_db(100.0)), 2)
    104.64
    """
    straight = umi_los_db(distance_m, frequency_hz, base_m, user_m)
    d3 = np.hypot(np.asarray(distance_m, np.float64), base_m - user_m)
    behind = 35.3 * np.log10(d3) + 22.4 + 21.3 * np.log10(frequency_hz / 1e9) - 0.3 * (user_m - 1.5)
    return np.maximum(straight, behind)


def antenna(name: str, given) -> float:
    """Return the height of an antenna [m]. Errors: InputError unless it is above the clutter, ENVIRONMENT_M."""
    height = arguments.number(name, given, f"antennas above {ENVIRONMENT_M:g} m, and below 1000 m", most=1000.0)
    if height <= ENVIRONMENT_M:
        raise InputError(f"{name} is {height:g}; expected antennas above {ENVIRONMENT_M:g} m")
    return height


class Urban:
    """The path gain from any outdoor position of a city to the centres of n x n cells, at street level.

        G = 10 log10(10^(G_roof / 10) + 10^(G_corner / 10)),
        G_roof = G_Friis - L_Bullington,  G_corner = min(S - PL_UMi, G_Friis)

    UMi was fitted to base stations at 10 m; here the base is the higher of the two antennas, which makes the gain
    reciprocal. Within a cell the distance is half a cell's side. Shadowing S does not apply to the first term, whose
    obstacles are explicit.

    Parameters: city; n, cells per side; frequency_hz; emitter_m, sensor_m, antenna heights [m]; shadowing_db,
    decorrelation_m, seed, of the random field S (0 dB: none); pixel_m, of the height raster and of the profiles [m].

    Errors: InputError for parameters that are no such values, a city without outdoor cells, antennas at 1 m or below.
    Source: that of each term; their sum is our choice, since the first term alone is too low in the streets.

    >>> from rsslib.data import cities
    >>> model = Urban(cities.procedural(side_m=200.0), 16)
    >>> model.gain_map_db(model.centres[0]).shape
    (16, 16)
    """

    def __init__(self, city: City, n: int, frequency_hz: float = FREQUENCY_HZ, emitter_m: float = EMITTER_M,
                 sensor_m: float = SENSOR_M, shadowing_db: float = SIGMA_DB,
                 decorrelation_m: float = DECORRELATION_M, seed: int = 0, pixel_m: float = PIXEL_M):
        side_m = positions.city(city).side_m
        self.cell_m = side_m / arguments.cells_per_side(n)
        self.pixel_m = arguments.number("pixel_m", pixel_m, f"{side_m / _MOST_PIXELS:g} to {side_m:g} m: 1 to "
                                        f"{_MOST_PIXELS} pixels per side", side_m / _MOST_PIXELS, side_m)
        self.frequency_hz, self.wavelength_m = arguments.frequency(frequency_hz), wavelength_m(frequency_hz)
        self.emitter_m, self.sensor_m = antenna("emitter_m", emitter_m), antenna("sensor_m", sensor_m)
        self.shadowing = Shadowing(seed, arguments.number("shadowing_db", shadowing_db, *_SIGMA), decorrelation_m)
        self.city, self.heights = city, height_raster(city, self.pixel_m)
        self.outdoor = positions.outdoor_cells(city, n, self.pixel_m, self.heights)
        self.centres = centres(n, side_m)[self.outdoor.ravel()]
        self._waves = self.shadowing._waves_at(self.centres)

    def gain_map_db(self, emitter) -> np.ndarray:
        """Return the gain from an outdoor emitter (x, y) [m] to each cell, (n, n) float32 [dB], NaN indoors.

        Errors: InputError for an emitter off the map or in a building.
        """
        emitter = arguments.numbers("emitter", emitter, "x and y [m]")
        return self._gain_map_db(positions.emitters(self.city, emitter[None])[0])

    def _gain_map_db(self, emitter: np.ndarray) -> np.ndarray:
        distance = np.hypot(*(self.centres - emitter).T)
        near = np.maximum(distance, self.cell_m / 2)
        straight = path_gain_db(np.hypot(near, self.emitter_m - self.sensor_m), self.frequency_hz)
        roof = straight - self._diffraction_db(emitter, distance)
        heights = max(self.emitter_m, self.sensor_m), min(self.emitter_m, self.sensor_m)
        shadow = self.shadowing._between(self.shadowing._waves_at(emitter[None]), self._waves)[0]
        corner = np.minimum(shadow - umi_nlos_db(near, self.frequency_hz, *heights), straight)
        gain = np.full(self.outdoor.shape, np.nan, np.float32)
        gain[self.outdoor] = np.logaddexp(roof * np.log(10) / 10, corner * np.log(10) / 10) * 10 / np.log(10)
        return gain

    def _diffraction_db(self, emitter: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Return the diffraction loss to each outdoor cell, (cells,)."""
        loss = np.zeros(len(distance))
        # profiles of similar length are computed together, with few points more than one per pixel
        bands = np.ceil(distance / self.pixel_m / _BAND).astype(int)
        for band in range(1, bands.max() + 1):
            cells = np.flatnonzero(bands == band)
            profile = self._profiles(emitter, self.centres[cells], band * _BAND)
            loss[cells] = _bullington_db(profile, distance[cells], self.emitter_m, self.sensor_m, self.wavelength_m)
        return loss

    def _profiles(self, start: np.ndarray, ends: np.ndarray, points: int) -> np.ndarray:
        """Return the heights along the straight lines from `start` to each of `ends`, (ends, points) [m]."""
        # from the middle outwards, so that exchanging the ends gives exactly the same pixels
        offset = (2.0 * np.arange(points) + 1.0 - points) / (2.0 * points)
        middle, path = (start + ends) / (2.0 * self.pixel_m), (ends - start) / self.pixel_m
        column, row = ((middle[:, axis, None] + path[:, axis, None] * offset).astype(np.int32) for axis in (0, 1))
        return self.heights.ravel().take(row * np.int32(self.heights.shape[1]) + column)


def gain_maps_db(city: City, emitters, n: int, frequency_hz: float = FREQUENCY_HZ, seed: int = 0,
                 emitter_m: float = EMITTER_M, sensor_m: float = SENSOR_M, shadowing_db: float = SIGMA_DB,
                 decorrelation_m: float = DECORRELATION_M) -> Iterator[np.ndarray]:
    """Yield the gain map from each of the emitters (positions, 2) [m]: (n, n) float32 [dB], NaN indoors.

    Settings and errors: those of `Urban`, and InputError for an emitter off the map or in a building.
    """
    model = Urban(city, n, frequency_hz, emitter_m, sensor_m, shadowing_db, decorrelation_m, seed)
    for emitter in positions.emitters(city, emitters):
        yield model._gain_map_db(emitter)
