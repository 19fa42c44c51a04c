"""Diffraction over obstacles: the knife edge, and the one edge that stands for a whole terrain profile."""

import numpy as np

LOWEST_NU = -0.78
"""Below this the approximation of J is 0: the edge leaves more than half of the first Fresnel zone free."""


def knife_edge_db(nu):
    """Return the loss behind a knife edge, J = 6.9 + 20 log10(sqrt((nu - 0.1)^2 + 1) + nu - 0.1), 0 to nu = -0.78 [dB].

    Input: nu = h sqrt(2 / lambda (1 / d1 + 1 / d2)), any shape, dimensionless: the edge stands h above the direct line,
    d1 and d2 away from its ends. Output: the same shape.
    Source: ITU-R P.526-15, Section 4.1, Eqs. (26) and (31).
    Example
    -------
    >>> round(float(knife_edge_db(0.0)), 2)
    6.03
    """
    above = np.maximum(nu, LOWEST_NU) - 0.1
    return np.where(np.asarray(nu) > LOWEST_NU, 6.9 + 20.0 * np.log10(np.sqrt(above**2 + 1.0) + above), 0.0)


def bullington_db(profile, distance_m, start_m: float, end_m: float, wavelength_m: float) -> np.ndarray:
    """Return the diffraction loss over terrain profiles by the Bullington construction, L_uc [dB].

    An obstacle that breaks the direct line is replaced by the knife edge where the horizon lines of both ends meet:

        S_t = max (h_i - h_t) / d_i,  S_r = max (h_i - h_r) / (d - d_i),  d_b = (h_r - h_t + S_r d) / (S_t + S_r)

    and L_uc = J(nu) at that point; with a free line L_uc = J(max nu_i) over the points.

    Input: profile h_i, (paths, points) [m], heights at the fractions (i + 1/2) / points of the way; distance d,
    (paths,) [m]; heights of the antennas h_t, h_r [m]; wavelength [m]. Output: (paths,).
    Left out: the Earth's bulge (2 cm over 1 km), and the empirical addition of the standard's last equation, which
    was fitted to terrain over tens of kilometres.
    Source: ITU-R P.526-15, Section 4.5.1; K. Bullington, Radio propagation at frequencies above 30 megacycles,
    Proc. IRE 35 (1947) 1122.
    Example
    -------
    >>> bullington_db([[0.0, 30.0, 0.0]], [600.0], 1.5, 1.5, 0.0857).round(1)
    array([33.9])
    """
    profile, d = np.asarray(profile), np.asarray(distance_m)
    points = profile.shape[1]
    fraction = ((np.arange(points) + 0.5) / points).astype(profile.dtype)
    nearer = 1.0 / fraction
    slope_t = ((profile - start_m) * nearer).max(axis=1) / d
    slope_r = ((profile - end_m) * nearer[::-1]).max(axis=1) / d
    blocked = slope_t > (end_m - start_m) / d
    nu = np.empty(len(d))
    nu[blocked] = _meeting(slope_t[blocked], slope_r[blocked], d[blocked], start_m, end_m, wavelength_m)
    line = start_m + (end_m - start_m) * fraction
    clear = (profile[~blocked] - line) / np.sqrt(fraction * (1.0 - fraction))
    nu[~blocked] = clear.max(axis=1) * np.sqrt(2.0 / (wavelength_m * d[~blocked]))
    return knife_edge_db(nu)


def _meeting(slope_t, slope_r, d, start_m: float, end_m: float, wavelength_m: float) -> np.ndarray:
    """Return nu of the point where the two horizon lines meet, (paths,)."""
    t = (end_m - start_m + slope_r * d) / (slope_t + slope_r)
    height = slope_t * t - (end_m - start_m) * t / d
    return height * np.sqrt(2.0 * d / (wavelength_m * t * (d - t)))
