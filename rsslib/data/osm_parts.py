"""Buildings and their parts: an outline does not count where parts with heights of their own describe the building."""

import numpy as np
import shapely

from rsslib.data.buildings import GROUND_M, PIXEL_M
from rsslib.project import InputError

HELD = 0.5
"""A part belongs to the outlines that hold this share of it together; a little overlap is an error of drawing."""
COVERED = 0.95
"""An outline that its parts cover at least to this share does not count at all."""
_MOST_PAIRS = 20_000


def replace_outlines(polygons: np.ndarray, tops: np.ndarray, bases: np.ndarray, is_part: np.ndarray,
                     where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return polygons, tops, bases and the row that each comes from, with outlines replaced by their parts.

    By Simple 3D Buildings the parts fill the outline, and then the outline does not count. Where they leave a gap,
    the building as a whole is all that is known there: the rest of the outline keeps its own top. A raised part that
    begins below that top stands on the building, up to its base; one that begins higher stands on the rest of the
    outline. Where the parts fill the outline, what is under a raised part is open.

    Input: polygons, (buildings,) [m]; tops and bases, (buildings,) [m]; is_part, (buildings,) bool; where, for errors.
    Errors: InputError for more than 20000 pairs of parts and outlines that overlap.
    Source: wiki.openstreetmap.org, Simple 3D Buildings, "Building outlines". That says nothing of gaps; what fills
    them is ours.

    >>> block, tower = shapely.box(0, 0, 100, 100), shapely.box(40, 40, 60, 60)
    >>> shapes, tops, *_ = replace_outlines(np.array([block, tower]), np.array([10.0, 200.0]), np.zeros(2),
    ...                                     np.array([False, True]), "example")
    >>> dict(zip(tops.tolist(), shapely.area(shapes).tolist()))
    {200.0: 400.0, 10.0: 9600.0}
    """
    outline, part = _pairs(polygons, is_part, where)
    whole = ~np.isin(np.arange(len(polygons)), outline)
    pieces = [(polygons[row], tops[row], bases[row], row) for row in np.flatnonzero(whole)]
    for row in np.unique(outline):
        own = part[outline == row]
        pieces += [(shape, top, bases[row], row) for shape, top in
                   _gaps(polygons[row], tops[row], polygons[own], bases[own]) if top > bases[row]]
    shapes = np.array([piece[0] for piece in pieces], object)
    top, base, source = np.array([piece[1:] for piece in pieces]).reshape(-1, 3).T
    return shapes, top, base, source.astype(int)


def _pairs(polygons: np.ndarray, is_part: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of outlines and of the parts that describe them, (pairs,) each.

    The outlines together must hold half of the part. Of these count the one that holds most of it, those that hold at
    least half as much, and those that lie under it by half.
    """
    parts, outlines = np.flatnonzero(is_part), np.flatnonzero(~is_part)
    part, outline = shapely.STRtree(polygons[outlines]).query(polygons[parts])
    if len(part) > _MOST_PAIRS:
        raise InputError(f"{where}: {len(parts)} parts and {len(outlines)} buildings overlap in {len(part)} pairs; "
                         f"expected at most {_MOST_PAIRS}: remove copies, or give a smaller window_m")
    part, outline = parts[part], outlines[outline]
    shared, area = shapely.area(shapely.intersection(polygons[part], polygons[outline])), shapely.area(polygons)
    together, most = np.bincount(part, shared, len(polygons)), np.zeros(len(polygons))
    np.maximum.at(most, part, shared)
    held = (together >= HELD * area)[part] & (shared >= HELD * np.minimum(most[part], area[outline])) & (shared > 0)
    return outline[held], part[held]


def _gaps(outline: shapely.Geometry, top: float, parts: np.ndarray, bases: np.ndarray) -> list[tuple]:
    """Return what of an outline still counts beside its parts: polygons with their tops."""
    # a part that begins above the outline stands on it, or is a bridge over it
    if shapely.intersection(outline, shapely.union_all(parts[bases < top])).area >= COVERED * outline.area:
        return []
    standing = shapely.union_all(parts[bases < GROUND_M])
    below = [(part, base) for part, base in zip(parts, bases) if GROUND_M <= base < top]
    rest = shapely.difference(outline, shapely.union_all([standing, *(part for part, _ in below)]))
    stands = [(shapely.difference(shapely.intersection(outline, part), standing), base) for part, base in below]
    pieces = [(_without_slivers(shape), height) for shape, height in [(rest, top), *stands]]
    return [piece for piece in pieces if piece[0] is not None]


def _without_slivers(shape: shapely.Geometry) -> shapely.Geometry | None:
    """Return the polygons of a shape that are larger than a pixel, None if there is none."""
    parts = shapely.get_parts(shape)
    parts = parts[shapely.area(parts) > PIXEL_M**2]
    return None if not len(parts) else parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
