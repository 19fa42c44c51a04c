"""Cases of public reports: what became of them in the maps of gains."""

import numpy as np
import pytest
import shapely

from rsslib.propagation import meshes

TIE = shapely.MultiPolygon([shapely.Polygon([(0, 0), (10, 10), (0, 20)]),
                            shapely.Polygon([(20, 0), (20, 20), (10, 10)])])
SPIKE = shapely.LineString([(20, 20), (25, 30)])
STRAY = shapely.Polygon([(20, 20), (25, 30), (20, 20)])


@pytest.mark.parametrize("shape", [
    shapely.GeometryCollection([TIE, SPIKE]), shapely.GeometryCollection([SPIKE, *TIE.geoms]),
    shapely.GeometryCollection([shapely.GeometryCollection([SPIKE, TIE]), STRAY])])
def test_18_bowtie_with_spike_has_walls_round_both_halves(shape):
    parts, owner = meshes._areas(np.array([shape], object))
    assert shapely.area(parts).tolist() == [100.0, 100.0] and owner.tolist() == [0, 0]
    corners = np.concatenate([meshes._prism(part, 0.0, 9.0) for part in parts])
    alone = np.concatenate([meshes._prism(part, 0.0, 9.0) for part in TIE.geoms])
    assert {tuple(corner) for corner in corners.round(3)} == {tuple(corner) for corner in alone.round(3)}
    assert len(np.unique(corners.round(3), axis=0)) == 10    # five corners of the bow tie, at the bottom and at the top
