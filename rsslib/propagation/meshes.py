"""Buildings as triangle meshes in the binary PLY format, as ray tracers read them."""

import numpy as np
import shapely
from shapely.geometry.polygon import orient

from rsslib.data.buildings import City

BEYOND_M = 300.0
"""The ground reaches so far beyond the map."""
_LEAST_M2 = 1e-6


def prisms(city: City) -> tuple[np.ndarray, np.ndarray]:
    """Return the walls and roofs of all buildings as vertices (points, 3) [m] and triangles (triangles, 3).

    What is no area, such as a line in a collection, has no walls.

    >>> block = City("one", np.array([shapely.box(0, 0, 4, 2)]), np.array([9.0]), np.array([0.0]), 6.0)
    >>> prisms(block)[0].shape    # corners
    (8, 3)
    """
    parts, building = _areas(city.polygons)
    if not len(parts):
        return np.empty((0, 3)), np.empty((0, 3), int)
    bounds = np.stack([city.bases_m, city.heights_m], axis=1)[building]
    corners = np.concatenate([_prism(part, *bound) for part, bound in zip(parts, bounds)])
    # merge equal corners: an edge diffracts only if its two faces share its end points
    vertices, index = np.unique(corners.round(3), axis=0, return_inverse=True)
    return vertices, index.reshape(-1, 3)


def _areas(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the polygons that geometries consist of, also those in collections of collections, and whose they are."""
    parts, owner = np.asarray(shapes, object), np.arange(len(shapes))
    while (shapely.get_type_id(parts) > 3).any():    # 3 is a polygon, those above are collections
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
    solid = shapely.area(parts) > _LEAST_M2
    return parts[solid], owner[solid]


def _prism(part, base_m: float, top_m: float) -> np.ndarray:
    """Return the corners of a building's triangles (3 * triangles, 3) [m], counterclockwise seen from outside."""
    part = orient(part)
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(part))
    roof = np.concatenate([shapely.get_coordinates(orient(triangle))[:3] for triangle in triangles])
    faces = [np.column_stack([roof, np.full(len(roof), top_m)])]
    if base_m > 0:
        faces.append(np.column_stack([roof[::-1], np.full(len(roof), base_m)]))
    for ring in shapely.get_rings(part):
        corners = shapely.get_coordinates(ring)
        low, high = (np.column_stack([corners, np.full(len(corners), z)]) for z in (base_m, top_m))
        faces.append(np.stack([low[:-1], low[1:], high[1:], low[:-1], high[1:], high[:-1]], axis=1).reshape(-1, 3))
    return np.concatenate(faces)


def plane(side_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ground of a map and its surroundings as vertices and triangles, like `prisms`."""
    low, high = -BEYOND_M, side_m + BEYOND_M
    vertices = np.array([[low, low, 0.0], [high, low, 0.0], [high, high, 0.0], [low, high, 0.0]])
    return vertices, np.array([[0, 1, 2], [0, 2, 3]])


def ply(vertices: np.ndarray, faces: np.ndarray) -> bytes:
    """Return a mesh in the binary PLY format (G. Turk, 1994)."""
    header = (f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\nproperty float x\n"
              f"property float y\nproperty float z\nelement face {len(faces)}\n"
              "property list uchar int vertex_indices\nend_header\n")
    rows = np.empty(len(faces), [("count", "u1"), ("corner", "<i4", 3)])
    rows["count"], rows["corner"] = 3, faces
    return header.encode() + vertices.astype("<f4").tobytes() + rows.tobytes()
