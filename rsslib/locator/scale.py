"""Any size of a site: it is scaled until its pixels are those for which the settings of the maps were chosen."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from rsslib.data import positions
from rsslib.project import InputError

PIXELS = 6000
"""Pixels of a site; so many of 30 m has the campus on which the settings of the maps were chosen."""
UNIT_M = 30.0
"""Side of a pixel after scaling: that of `MapRecipe`, whose lengths are in proportion to it."""
MARGIN = 3
"""Pixels around the transmitters and receivers."""
SMALLEST_M, LARGEST_M = 20.0, 50_000.0
"""The longer side of a site [m]."""
_CORNER = 10_000.0    # away from zero, where coordinates may be degrees


@dataclass(frozen=True)
class Scale:
    """From metres on the site to scaled ones: u = _CORNER + (x - west) factor; pixel_m, side of a pixel on the site."""

    west: float
    south: float
    width: float
    height: float
    pixel_m: float

    @property
    def factor(self) -> float:
        """Scaled metres a metre."""
        return UNIT_M / self.pixel_m

    def scaled(self, dataset: xr.Dataset) -> xr.Dataset:
        """Return measurements in scaled metres, their `extent_m` that of the site."""
        moved = {f"{who}_{axis}": (dataset[f"{who}_{axis}"].dims,
                                   _CORNER + (dataset[f"{who}_{axis}"].values - corner) * self.factor, {"units": "m"})
                 for who in ("sensor", "tx") for axis, corner in (("x", self.west), ("y", self.south))}
        far = [_CORNER + side * self.factor for side in (self.width, self.height)]
        attrs = {**dataset.attrs, "crs": positions.LOCAL, "extent_m": [_CORNER, far[0], _CORNER, far[1]]}
        return dataset.assign(moved).assign_attrs(attrs)

    def metres(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return scaled metres as metres on the site."""
        return self.west + (x - _CORNER) / self.factor, self.south + (y - _CORNER) / self.factor


def of(dataset: xr.Dataset) -> Scale:
    """Return the scale of a site: its extent, a margin around it, cut into PIXELS squares.

    Errors: InputError for a site whose longer side is not from SMALLEST_M to LARGEST_M.

    >>> from rsslib.data import campus
    >>> round(of(campus.make(n_april=0, n_july=500, n_november=0)).pixel_m)
    24
    """
    x, y = (np.concatenate([dataset[f"tx_{axis}"].values, dataset[f"sensor_{axis}"].values], axis=1) for axis in "xy")
    west, east, south, north = np.nanmin(x), np.nanmax(x), np.nanmin(y), np.nanmax(y)
    longer = max(east - west, north - south)
    if not SMALLEST_M <= longer <= LARGEST_M:
        raise InputError(f"{dataset.attrs['source']}: the site is {longer:.3g} m long; expected {SMALLEST_M:g} m to "
                         f"{LARGEST_M / 1000:g} km: check the coordinates and their unit, or split the site")
    # a walk along one line still has a width
    width, height = (max(side, longer / 10) for side in (east - west, north - south))
    pixel = (width * height / PIXELS) ** 0.5
    margin = MARGIN * pixel
    return Scale(float(west - margin), float(south - margin), float(width + 2 * margin), float(height + 2 * margin),
                 float(pixel))
