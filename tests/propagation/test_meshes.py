"""Buildings as meshes: closed prisms that share corners, of every polygon that a geometry holds."""

import numpy as np
import pytest
import shapely

from rsslib.data.buildings import City
from rsslib.propagation import meshes


def built(*shapes, top=7.0, base=0.0):
    count = len(shapes)
    return meshes.prisms(City("one", np.array(shapes, object), np.full(count, top), np.full(count, base), 20.0))


def area(vertices, faces):
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a) / 2


def test_a_house_is_a_prism_with_shared_corners():
    vertices, faces = built(shapely.box(0, 0, 10, 10) - shapely.box(4, 4, 6, 6))
    assert len(vertices) == 16 and faces.max() == 15
    faced = area(vertices, faces)
    flat = np.abs(faced[:, 2]) > 1e-9
    assert faced[flat, 2].sum() == pytest.approx(96.0) and (faced[flat, 2] > 0).all()     # the roof looks up
    assert np.linalg.norm(faced[~flat], axis=1).sum() == pytest.approx(7.0 * (40 + 8))
    middle, away = vertices[faces[~flat]].mean(axis=1), faced[~flat]
    outer = np.abs(middle[:, :2] - 5).max(axis=1) > 3
    outward = ((middle - [5, 5, 0])[:, :2] * away[:, :2]).sum(axis=1)
    assert (outward[outer] > 0).all() and (outward[~outer] < 0).all()                     # and walls outdoors


def test_a_raised_house_has_a_floor():
    vertices, faces = built(shapely.box(0, 0, 4, 4), top=9.0, base=5.0)
    assert set(vertices[:, 2]) == {5.0, 9.0} and len(faces) == 12
    assert np.abs(area(vertices, faces).sum(axis=0)).max() < 1e-9    # closed


LEFT, RIGHT = shapely.box(0, 0, 4, 4), shapely.box(9, 0, 12, 4)
LINE, NOTHING = shapely.LineString([(0, 0), (9, 9)]), shapely.Polygon()


def test_both_halves_of_a_building_have_walls():
    vertices, faces = built(shapely.MultiPolygon([LEFT, RIGHT]))
    alone = [built(one) for one in (LEFT, RIGHT)]
    assert len(vertices) == 16 and len(faces) == sum(len(part[1]) for part in alone)
    assert np.linalg.norm(area(vertices, faces), axis=1).sum() == pytest.approx(
        sum(np.linalg.norm(area(*part), axis=1).sum() for part in alone))


@pytest.mark.parametrize("shape", [
    shapely.MultiPolygon([LEFT, RIGHT]), shapely.GeometryCollection([LEFT, RIGHT, LINE]),
    shapely.GeometryCollection([LEFT, shapely.GeometryCollection([RIGHT, shapely.Point(1, 1)])]),
    shapely.GeometryCollection([LINE, shapely.MultiPolygon([LEFT, RIGHT]), NOTHING])])
def test_all_areas_of_a_geometry_are_found(shape):
    parts, owner = meshes._areas(np.array([RIGHT, shape], object))
    assert {part.wkt for part in parts} == {LEFT.wkt, RIGHT.wkt} and len(parts) == 3
    assert sorted(owner) == [0, 1, 1] and parts[owner == 0][0].equals(RIGHT)


@pytest.mark.parametrize("shape", [NOTHING, LINE, shapely.Point(1, 1), shapely.Polygon([(0, 0), (5, 5), (0, 0)]), None,
                                   shapely.GeometryCollection(), shapely.GeometryCollection([LINE, LINE])])
def test_what_is_no_area_has_no_walls(shape):
    assert len(meshes._areas(np.array([shape], object))[0]) == 0
    parts, owner = meshes._areas(np.array([shape, LEFT], object))
    assert list(owner) == [1] and parts[0].equals(LEFT)


def test_a_city_without_buildings_is_an_empty_mesh():
    vertices, faces = built()
    assert vertices.shape == (0, 3) and faces.shape == (0, 3)


def test_ply_says_how_much_it_holds():
    header, _, body = meshes.ply(*meshes.plane(10.0)).partition(b"end_header\n")
    assert b"element vertex 4" in header and b"element face 2" in header and len(body) == 4 * 12 + 2 * 13
