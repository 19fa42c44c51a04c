"""Coordinate reference systems: any that pyproj knows to degrees and back, and the UTM zone of a site."""

import re
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rsslib.arguments import shown
from rsslib.data.positions import LOCAL, is_utm
from rsslib.project import InputError

if TYPE_CHECKING:
    from pyproj import CRS, Transformer

DEGREES = "EPSG:4326"
LOWEST_LAT, HIGHEST_LAT = -80.0, 84.0
"""Where UTM is defined [degrees]."""
SLACK_DEGREES = 15.0
"""So far out of its own area a projection is let pass: some countries use one zone of UTM for all."""


def checked(crs: Any, name: str = "crs") -> str:
    """Return the label of a reference system: an EPSG code where it has one, else its WKT; LOCAL stays LOCAL.

    Errors: InputError for what names no system, or one that is neither geographic nor projected.

    >>> checked("epsg:25833"), checked(4326), checked("local"), checked("UTM zone 33N")
    ('EPSG:25833', 'EPSG:4326', 'local', 'EPSG:32633')
    """
    if isinstance(crs, str) and crs == LOCAL:
        return LOCAL
    try:
        found = _crs(_code(crs) if isinstance(crs, str) and is_utm(crs) else crs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")    # of pyproj, of what an EPSG code does not tell
            label = f"EPSG:{code}" if (code := found.to_epsg()) else found.to_wkt()
        if found.is_geographic or found.is_projected:
            _transformer(label, DEGREES)
    except Exception as error:    # whatever pyproj raises
        raise InputError(f"{name} is {shown(crs)}; expected a coordinate reference system such as EPSG:4326 (degrees), "
                         f"EPSG:32633 (UTM zone 33N) or 'local' (metres from a corner): {shown(str(error))}") from None
    if not (found.is_geographic or found.is_projected):
        raise InputError(f"{name} is {shown(crs)}; expected longitude and latitude, or a map projection")
    return label


def checked_zone(zone: Any, name: str = "zone") -> str:
    """Return the EPSG code of a UTM zone; LOCAL stays LOCAL. Errors: InputError for anything else.

    >>> checked_zone("WGS 84 / UTM zone 33S"), checked_zone("local")
    ('EPSG:32733', 'local')
    """
    if not isinstance(zone, str) or zone != LOCAL and not is_utm(zone):
        raise InputError(f"{name} is {shown(zone)}; expected a UTM zone of WGS 84 such as EPSG:32633, or 'local'")
    return LOCAL if zone == LOCAL else _code(zone)


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


def outside(crs: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which places lie farther than SLACK_DEGREES out of the area that a checked projection is made for.

    >>> outside("EPSG:25833", np.array([400000.0, 9000000.0]), np.array([5650000.0, 400000.0])).tolist()
    [False, True]
    """
    area = _crs(crs).area_of_use
    if area is None or not -90 <= area.south <= area.north <= 90:    # pyproj has -1000 for what is unknown
        return np.zeros(np.shape(x), bool)
    lon, lat = transform(crs, DEGREES, x, y)
    east_of = (lon - area.west + SLACK_DEGREES) % 360    # an area may cross the 180th meridian
    wide = area.east - area.west + 360 * (area.east < area.west) + 2 * SLACK_DEGREES
    inside = (east_of <= wide) & (lat >= area.south - SLACK_DEGREES) & (lat <= area.north + SLACK_DEGREES)
    return np.isfinite(x) & np.isfinite(y) & ~inside


def _code(zone: str) -> str:
    """Return the EPSG code of a label for which `is_utm` holds."""
    if code := re.search(r"32[67]\d\d$", zone.strip()):
        return f"EPSG:{code[0]}"
    number, side = re.findall(r"(\d+) ?([NS])$", zone.strip().upper())[0]
    return f"EPSG:{(32600 if side == 'N' else 32700) + int(number)}"


@cache
def _crs(crs: Any) -> "CRS":
    from pyproj import CRS  # imported here: locating in local metres needs no projection

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")    # of pyproj, of old spellings
        return CRS.from_user_input(crs)


@cache
def _transformer(source: str, target: str) -> "Transformer":
    from pyproj import Transformer

    return Transformer.from_crs(_crs(source), _crs(target), always_xy=True)
