"""Cities as obstacles: footprints with heights in a square, their height raster, the outdoor cells."""

from dataclasses import dataclass, field

import numpy as np
import shapely

PIXEL_M = 2.0
GROUND_M = 3.0
"""Parts whose base is higher than this are raised: a bridge between buildings, a tower on a podium."""


@dataclass(frozen=True, eq=False)
class City:
    """Buildings in a square window, in metres from its south-west corner.

    name : for instance "chicago"
    polygons : (buildings,) shapely geometries [m]
    heights_m, bases_m : (buildings,) top and bottom above the street [m]
    side_m : side of the window [m]
    attribution, licence : to be shown with every picture of it
    source : "file", "openstreetmap" or "procedural"
    synthetic : whether the streets are made up
    height_sources : number of buildings by source of their height: "height", "levels", "default"; "left_out" of the map
    default_m : height of the "default" ones [m]
    md5 : checksum of the file it was read from, or ""
    """

    name: str
    polygons: np.ndarray
    heights_m: np.ndarray
    bases_m: np.ndarray
    side_m: float
    attribution: str = ""
    licence: str = ""
    source: str = ""
    synthetic: bool = False
    height_sources: dict[str, int] = field(default_factory=dict)
    default_m: float = float("nan")
    md5: str = ""

    @property
    def standing(self) -> np.ndarray:
        """Whether each building reaches down to the street, (buildings,) bool."""
        return self.bases_m < GROUND_M


def centres(n: int, side_m: float) -> np.ndarray:
    """Return the centres of n x n cells, (n * n, 2), x, y from the south-west corner [m]; cell = row * n + column.

    >>> centres(2, 10.0).tolist()
    [[2.5, 2.5], [7.5, 2.5], [2.5, 7.5], [7.5, 7.5]]
    """
    along = (np.arange(n) + 0.5) * (side_m / n)
    return np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)


def height_raster(city: City, pixel_m: float = PIXEL_M) -> np.ndarray:
    """Return the building height at the centre of each pixel, (rows, columns) float32 [m], 0 outdoors.

    Row 0 is south. The highest of overlapping buildings counts; a raised one (see GROUND_M) counts only above a
    standing one. The last row and column may extend beyond the window.

    >>> block = City("one", np.array([shapely.box(0, 0, 4, 2)]), np.array([9.0]), np.array([0.0]), 6.0)
    >>> height_raster(block).tolist()
    [[9.0, 9.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    count = int(np.ceil(city.side_m / pixel_m))
    pixels = shapely.STRtree(shapely.points(centres(count, count * pixel_m)))
    standing, raised = np.zeros((2, count * count), np.float32)
    for buildings, raster in ((city.standing, standing), (~city.standing, raised)):
        building, pixel = pixels.query(city.polygons[buildings], predicate="intersects")
        np.maximum.at(raster, pixel, city.heights_m[buildings][building].astype(np.float32))
    return np.where(standing > 0, np.maximum(standing, raised), 0.0).reshape(count, count)


def outdoor(city: City, n: int, pixel_m: float = PIXEL_M, raster: np.ndarray | None = None) -> np.ndarray:
    """Return which of n x n cells have their centre outdoors, (n, n) bool.

    The centre must be outside all standing buildings and on a free pixel of `raster` (by default
    `height_raster(city, pixel_m)`), so that footprints and raster agree.

    >>> block = City("one", np.array([shapely.box(0, 0, 4, 2)]), np.array([9.0]), np.array([0.0]), 6.0)
    >>> outdoor(block, 3).tolist()
    [[False, False, True], [True, True, True], [True, True, True]]
    """
    raster = height_raster(city, pixel_m) if raster is None else raster
    points = centres(n, city.side_m)
    column, row = (points / pixel_m).astype(int).T
    free = raster[row, column] == 0
    inside = shapely.STRtree(shapely.points(points)).query(city.polygons[city.standing], predicate="intersects")[1]
    free[inside] = False
    return free.reshape(n, n)
