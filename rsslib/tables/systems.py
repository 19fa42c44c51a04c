"""Coordinate reference systems: any that pyproj knows to degrees and back, and the UTM zone of a site."""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rsslib.arguments import shown
from rsslib.data.positions import LOCAL
from rsslib.project import InputError

if TYPE_CHECKING:
    from pyproj import CRS, Transformer

DEGREES = "EPSG:4326"
LOWEST_LAT, HIGHEST_LAT = -80.0, 84.0
"""Where UTM is defined [degrees]."""


def checked(crs: Any, name: str = "crs") -> str:
    """Return the label of a reference system: an EPSG code where it has one, else its WKT; LOCAL stays LOCAL.

    Errors: InputError for what names no system, or one that is neither geographic nor projected.

    >>> checked("epsg:25833"), checked(4326), checked("local")
    ('EPSG:25833', 'EPSG:4326', 'local')
    """
    if crs == LOCAL:
        return LOCAL
    try:
        found = _crs(crs)
    except Exception as error:
        raise InputError(f"{name} is {shown(crs)}; expected a coordinate reference system such as EPSG:4326 (degrees), "
                         f"EPSG:32633 (UTM zone 33N) or 'local' (metres from a corner): {error}") from None
    if not (found.is_geographic or found.is_projected):
        raise InputError(f"{name} is {shown(crs)}; expected longitude and latitude, or a map projection")
    code = found.to_epsg()
    return f"EPSG:{code}" if code else found.to_wkt()


def is_geographic(crs: str) -> bool:
    """Return whether a checked system is of degrees.

    >>> is_geographic("EPSG:4326"), is_geographic("local")
    (True, False)
    """
    return crs != LOCAL and _crs(crs).is_geographic


def utm_of(lon: np.ndarray, lat: np.ndarray) -> str:
    """Return the UTM zone of WGS 84 that holds the median of places [degrees], NaN left out.

    >>> utm_of(np.array([13.7, np.nan]), np.array([51.0, np.nan])), utm_of(np.array([-70.6]), np.array([-33.4]))
    ('EPSG:32633', 'EPSG:32719')
    """
    zone = min(int((float(np.nanmedian(lon)) + 180) // 6) + 1, 60)
    return f"EPSG:{(32600 if np.nanmedian(lat) >= 0 else 32700) + zone}"


def transform(source: str, target: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return places in another system, x before y and longitude before latitude, of any shape; NaN stays NaN.

    What the target cannot hold becomes NaN, too.

    >>> x, y = transform("EPSG:4326", "EPSG:32633", np.array([15.0]), np.array([51.0]))
    >>> x.round(3).tolist(), y.round(3).tolist()
    ([500000.0], [5649824.888])
    """
    if source == target:
        return np.asarray(x, float), np.asarray(y, float)
    missing = ~np.isfinite(x) | ~np.isfinite(y)
    found = _transformer(source, target).transform(np.where(missing, 0, x), np.where(missing, 0, y))
    one, other = (np.where(missing | ~np.isfinite(found[0]) | ~np.isfinite(found[1]), np.nan, axis) for axis in found)
    return one, other


@cache
def _crs(crs: Any) -> "CRS":
    from pyproj import CRS  # imported here: locating in local metres needs no projection

    return CRS.from_user_input(crs)


@cache
def _transformer(source: str, target: str) -> "Transformer":
    from pyproj import Transformer

    return Transformer.from_crs(_crs(source), _crs(target), always_xy=True)
