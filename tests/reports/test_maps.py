"""Maps: kilometres from the grid's corner, the data separations, the unseen cells."""

import matplotlib
import numpy as np
import pytest

from rsslib.data import campus, splits
from rsslib.data.grid import Grid
from rsslib.reports import maps, style


@pytest.fixture(scope="module")
def site():
    """A campus with transmitters in the unseen cells of Grid5."""
    return campus.make(n_april=60, n_july=320, n_november=80)


@pytest.fixture(scope="module")
def sets(site):
    return {name: splits.make(site, name) for name in ("random", "july", "grid2", "grid5")}


def test_kilometres_count_from_the_corner_of_the_grid():
    grid = Grid(1000.0, 2000.0, 41, 37, 30.0)
    assert maps.to_km(grid, 1000.0 - 15.0, 2000.0 - 15.0) == (0, 0)
    assert maps.to_km(grid, *grid.to_metres(40.5, 36.5)) == pytest.approx(grid.extent_km[1::2])


def test_split_maps_count_the_sets_and_have_scale_bar_and_north(site, sets):
    fig = maps.split_maps(site, sets, "note", synthetic=True)
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["Random", "Seasonal", "Grid2", "Grid5"]
    shown = [text.get_text() for text in fig.findobj(matplotlib.text.Text)]
    assert shown.count("N") == 4 and shown.count("200 m") == 4
    assert f"OOD test {len(sets['grid2']['ood'])}, shaded cells" in shown
    assert "July 320" in shown and "November 80" in shown and f"train {len(sets['random']['train'])}" in shown


def test_split_maps_put_each_transmitter_in_its_set_and_unseen_cells_under_the_ood_set(site, sets):
    (ax,) = maps.split_maps(site, {"grid5": sets["grid5"]}, "note").axes
    assert len(ax.patches) == 5
    drawn = {len(points.get_offsets()): points for points in ax.collections}
    ood = drawn[len(sets["grid5"]["ood"])].get_offsets()
    cells = [cell.get_bbox() for cell in ax.patches]
    assert all(any(cell.contains(*point) for cell in cells) for point in ood)
    train = drawn[len(sets["grid5"]["train"])].get_offsets()
    assert not any(any(cell.contains(*point) for cell in cells) for point in train)


@pytest.mark.parametrize("number, rows", [(1, 1), (3, 1), (4, 2)])
def test_a_sheet_wraps_and_hides_no_map(number, rows):
    fig, axes = style.styled(maps.sheet)(number, 3, 0.8, (0.4, 0.2), "note", False)
    assert len(axes) == number and all(ax.axison for ax in axes)
    assert len({round(ax.get_subplotspec().rowspan.start) for ax in axes}) == rows


def test_sensors_are_drawn_where_they_read_the_strongest_on_top():
    grid, image = Grid(0.0, 0.0, 5, 4, 30.0), np.full((4, 5), np.nan)
    image[[3, 0], [1, 4]] = 0.9, 0.2
    fig = style.styled(style.page)(3, 3, "note")
    dots = maps.sensors(fig.subplots(), image, grid)
    assert list(dots.get_array()) == [0.2, 0.9]
    assert list(dots.get_offsets()[1]) == pytest.approx([0.045, 0.105])
