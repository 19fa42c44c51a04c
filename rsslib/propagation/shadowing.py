"""Log-normal shadowing of links between any two places, correlated at both ends and the same both ways."""

import numpy as np

from rsslib.project import InputError

SIGMA_DB, DECORRELATION_M = 7.82, 13.0
"""Urban micro cell without line of sight: 3GPP TR 38.901, Tables 7.4.1-1 and 7.5-6."""
WAVES = 256


class Shadowing:
    """A random field S(a, b) [dB] over pairs of places: S(a, b) = S(b, a), normal with standard deviation sigma.

        S(a, b) = sigma / sqrt(M) sum_m [cos(k_m a + l_m b + phi_m) + cos(k_m b + l_m a + phi_m)],  m = 1..M

    Its correlation is exp(-|a - a'| / D) exp(-|b - b'| / D): the plane waves k, l are drawn from the spectrum of that,
    a bivariate Cauchy distribution of scale 1 / D. Where a and b are less than D apart, the spread grows.

    Parameters
    ----------
    seed : one seed, one field
    sigma_db : standard deviation [dB]; decorrelation_m : distance D at which the correlation is 1 / e [m]
    waves : number M of plane waves

    Errors: InputError for a negative sigma, a D or M that is not above 0.
    Source: M. Gudmundson, Correlation model for shadow fading in mobile radio systems, Electronics Letters 27 (1991)
    2145; for both ends and as a sum of waves, Z. Wang, E. K. Tameh, A. R. Nix, Joint shadowing process in urban
    peer-to-peer radio channels, IEEE Trans. Vehicular Technology 57 (2008) 52.
    Example
    -------
    >>> field = Shadowing(seed=0)
    >>> a, b = [[0.0, 0.0]], [[300.0, 40.0], [10.0, 5.0]]
    >>> bool(np.allclose(field.between_db(a, b), field.between_db(b, a).T, atol=1e-3))
    True
    """

    def __init__(self, seed: int = 0, sigma_db: float = SIGMA_DB, decorrelation_m: float = DECORRELATION_M,
                 waves: int = WAVES):
        if not (sigma_db >= 0 and decorrelation_m > 0 and waves > 0):
            raise InputError(f"shadowing: expected sigma_db >= 0, decorrelation_m > 0 and waves > 0, found {sigma_db}, "
                             f"{decorrelation_m} and {waves}")
        rng = np.random.default_rng([seed, 0])
        self.sigma_db, self.waves = sigma_db, waves
        self._k, self._l = rng.normal(size=(2, 2, waves)) / np.abs(rng.normal(size=(2, 1, waves))) / decorrelation_m
        self._phase = rng.uniform(0.0, 2.0 * np.pi, waves)

    def waves_at(self, places) -> tuple[np.ndarray, np.ndarray]:
        """Return what `between` needs of places (points, 2) [m]: two (points, waves) complex64; kept, it saves time."""
        places = np.asarray(places, np.float64)
        return tuple(np.exp(1j * (places @ wave)).astype(np.complex64) for wave in (self._k, self._l))

    def between(self, one: tuple, other: tuple) -> np.ndarray:
        """Return S from each place behind `one` to each behind `other`, (points, points) float32 [dB]."""
        turn = np.exp(1j * self._phase).astype(np.complex64)
        total = (one[0] * turn) @ other[1].T + (one[1] * turn) @ other[0].T
        return (self.sigma_db / np.sqrt(np.float32(self.waves))) * total.real

    def between_db(self, a, b) -> np.ndarray:
        """Return S from each of the places a (points, 2) to each of b (points, 2) [m]: (points a, points b) [dB]."""
        return self.between(self.waves_at(a), self.waves_at(b))
