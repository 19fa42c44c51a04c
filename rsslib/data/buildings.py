"""Cities as obstacles: footprints with heights in a square, their height raster, the outdoor cells."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from rsslib.arguments import is_number, shown, whole
from rsslib.data import arrays
from rsslib.data.arrays import MAX_PER_SIDE
from rsslib.project import InputError

PIXEL_M = 2.0
LARGEST_M = PIXEL_M * MAX_PER_SIDE
"""The side of the largest window [m]."""
GROUND_M = 3.0
"""Parts whose base is higher than this are raised: a bridge between buildings, a tower on a podium."""
_LAYERS, _SMALLEST_M, _HIGHEST_M = 10, 0.01, 1e4


@dataclass(frozen=True, eq=False)
class City:
    """Buildings in a square window, in metres from its south-west corner.

    name : for instance "chicago"
    polygons : (buildings,) shapely polygons or multipolygons [m]
    heights_m, bases_m : (buildings,) top and bottom above the street [m]
    side_m : side of the window [m]
    attribution, licence : to be shown with every picture of it
    source : "file", "openstreetmap" or "procedural"
    synthetic : whether the streets are made up
    height_sources : number of polygons by source of their height: "height", "levels", "default" and, if there are any,
        "estimate"; "replaced" by their parts; "left_out" of the map
    default_m : height of the "default" ones [m]
    md5 : checksum of the file it was read from, or ""

    Errors: InputError for arrays of different lengths, what is no valid polygon with an area, tops that are not above
    their bases or beyond 10 km, a side below 1 cm, or buildings that cover the window 10 times.
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

    def __post_init__(self):
        shapes = _geometries(f"{self.name}: polygons", self.polygons)
        tops, bases = (_array(f"{self.name}: {key}", getattr(self, key)) for key in ("heights_m", "bases_m"))
        if not len(shapes) == len(tops) == len(bases):
            raise InputError(f"{self.name}: {len(shapes)} polygons, {len(tops)} heights_m and {len(bases)} bases_m; "
                             "expected one of each per building")
        side = positive(self.side_m, f"{self.name}: side_m")
        if side < _SMALLEST_M:
            raise InputError(f"{self.name}: side_m is {side:g}; expected metres, {_SMALLEST_M:g} or more")
        solid = np.isin(shapely.get_type_id(shapes), (3, 6)) & shapely.is_valid(shapes) & (shapely.area(shapes) > 0)
        _refuse(solid, shapes, f"{self.name}: polygons", "a valid polygon or multipolygon with an area: see "
                "shapely.make_valid")
        _refuse((np.maximum(abs(tops), abs(bases)) < _HIGHEST_M) & (bases < tops), np.stack([bases, tops], axis=1),
                f"{self.name}: base and top", f"numbers within {_HIGHEST_M:g} m, the top above the base")
        covered = shapely.area(shapely.clip_by_rect(shapes, 0.0, 0.0, side, side)).sum() / side**2
        if covered > _LAYERS:
            raise InputError(f"{self.name}: the buildings cover the window {covered:.0f} times; expected at most "
                             f"{_LAYERS} times: check the unit of the polygons, and remove copies")
        for key, values in (("polygons", shapes), ("heights_m", tops), ("bases_m", bases), ("side_m", side)):
            object.__setattr__(self, key, values)

    @property
    def standing(self) -> np.ndarray:
        """Whether each building reaches down to the street, (buildings,) bool."""
        return self.bases_m < GROUND_M


def centres(n: int, side_m: float) -> np.ndarray:
    """Return the centres of n x n cells, (n * n, 2), x, y from the south-west corner [m]; cell = row * n + column.

    Errors: InputError unless n is a whole number from 1 to 724, and the side above 0.

    >>> centres(2, 10.0).tolist()
    [[2.5, 2.5], [7.5, 2.5], [2.5, 7.5], [7.5, 7.5]]
    """
    whole("n", n, 1, MAX_PER_SIDE, f"a whole number of cells per side, 1 to {MAX_PER_SIDE}")
    along = (np.arange(n) + 0.5) * (positive(side_m, "side_m") / n)
    return np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)


def pixels_per_side(side_m: float, pixel_m: float, where: str) -> int:
    """Return the number of pixels along a window. Errors: InputError for more than MAX_PER_SIDE."""
    count = np.ceil(side_m / positive(pixel_m, f"{where}: pixel_m"))
    if count > MAX_PER_SIDE:
        raise InputError(f"{where}: a window of {side_m / 1000:.4g} km has {count:.0f} x {count:.0f} pixels of "
                         f"{pixel_m:g} m; expected at most {MAX_PER_SIDE} along a side: give a smaller window_m, or a "
                         "larger pixel_m")
    return int(count)


def height_raster(city: City, pixel_m: float = PIXEL_M) -> np.ndarray:
    """Return the building height at the centre of each pixel, (rows, columns) float32 [m], 0 outdoors.

    Row 0 is south. The highest of overlapping buildings counts; a raised one (see GROUND_M) counts only above a
    standing one. The last row and column may extend beyond the window. Errors: those of `pixels_per_side`.

    >>> block = City("one", np.array([shapely.box(0, 0, 4, 2)]), np.array([9.0]), np.array([0.0]), 6.0)
    >>> height_raster(block).tolist()
    [[9.0, 9.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    count = pixels_per_side(city.side_m, pixel_m, city.name)
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
    Errors: those of `centres` and `height_raster`; InputError for a raster of another shape.

    >>> block = City("one", np.array([shapely.box(0, 0, 4, 2)]), np.array([9.0]), np.array([0.0]), 6.0)
    >>> outdoor(block, 3).tolist()
    [[False, False, True], [True, True, True], [True, True, True]]
    """
    count, points = pixels_per_side(city.side_m, pixel_m, city.name), centres(n, city.side_m)
    raster = height_raster(city, pixel_m) if raster is None else np.asarray(raster)
    if raster.shape != (count, count):
        raise InputError(f"{city.name}: the raster is {raster.shape}; expected {count} x {count} pixels of "
                         f"{pixel_m:g} m, as `height_raster` returns them")
    column, row = (points / pixel_m).astype(int).T
    free = raster[row, column] == 0
    inside = shapely.STRtree(shapely.points(points)).query(city.polygons[city.standing], predicate="intersects")[1]
    free[inside] = False
    return free.reshape(n, n)


def positive(value: Any, where: str) -> float:
    """Return a number above 0 as a float. Errors: InputError for anything else."""
    if not number(value) > 0:
        raise InputError(f"{where} is {shown(value)}; expected a number above 0")
    return float(value)


def number(value: Any) -> float:
    """Return a real number as a float, NaN for anything else: texts, truth values, what is beyond 1e9."""
    with np.errstate(over="ignore"):    # 1e9 is infinite in half precision
        return float(value) if is_number(value) and abs(value) < 1e9 else np.nan


def _array(where: str, values: Any) -> np.ndarray:
    """Return numbers as an array of one dimension, NaN where they are masked."""
    array = arrays.plain(values, where, "numbers")
    if array.dtype.kind not in "iuf" or array.ndim != 1:
        raise InputError(f"{where} is {array.dtype} of shape {array.shape}; expected a number per building")
    return np.ma.filled(array.astype(float), np.nan)


def _geometries(where: str, values: Any) -> np.ndarray:
    array = np.asarray(values, object)
    if array.ndim != 1 or not shapely.is_geometry(array).all():
        raise InputError(f"{where}: expected an array of one shapely geometry per building, found "
                         f"{type(values).__name__} of the shape {array.shape}")
    return array


def _refuse(is_right: np.ndarray, values: np.ndarray, where: str, expected: str) -> None:
    if not is_right.all():
        first = int((~is_right).argmax())
        raise InputError(f"{where}: building {first} is {str(values[first])[:60]} ({(~is_right).sum()} of "
                         f"{len(values)} buildings); expected {expected}")
