"""Where emitters may stand in a city."""

from typing import Any

import numpy as np
import shapely

from rsslib.arguments import check_type
from rsslib.data.buildings import City, outdoor
from rsslib.project import InputError
from rsslib.propagation import arguments


def city(given: Any) -> City:
    """Return the argument city. Errors: InputError for anything else."""
    check_type("city", given, City, "a City of rsslib.data.cities")
    return given


def outdoor_cells(town: City, n: int, *more: Any) -> np.ndarray:
    """Return `buildings.outdoor`. Errors: those of it; InputError where no cell has its centre outdoors.

    >>> from rsslib.data import cities
    >>> outdoor_cells(cities.procedural(side_m=200.0), 8).shape
    (8, 8)
    """
    free = outdoor(town, n, *more)
    if not free.any():
        raise InputError(f"{town.name}: n is {n}, and none of {n} x {n} cells lies outdoors; expected some: take "
                         "more cells per side, or see the unit of the footprints")
    return free


def emitters(town: City, given: Any) -> np.ndarray:
    """Return the argument emitters: positions on the map and outside the standing buildings, (points, 2) float64 [m].

    Errors: InputError for another shape, or a position off the map or in a building.

    >>> from rsslib.data import cities
    >>> emitters(cities.procedural(side_m=200.0), [(0.5, 300.0)])
    Traceback (most recent call last):
    rsslib.project.InputError: emitters: position 0 is [0.5, 300.0], off the map (1 of 1); expected 0 to 200 m, outdoors
    """
    points = arguments.positions("emitters", given)
    inside = np.zeros(len(points), bool)
    walls = shapely.STRtree(town.polygons[town.standing])
    inside[walls.query(shapely.points(points), predicate="intersects")[0]] = True
    off = ~((points >= 0) & (points <= town.side_m)).all(axis=1)
    for wrong, where in ((off, "off the map"), (inside, "in a building")):
        if wrong.any():
            first = int(wrong.argmax())
            raise InputError(f"emitters: position {first} is {points[first].tolist()}, {where} ({wrong.sum()} of "
                             f"{len(points)}); expected 0 to {town.side_m:g} m, outdoors")
    return points
