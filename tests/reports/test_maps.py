"""Maps: kilometres from the grid's corner, sheets of maps, marks and readings in one look."""

import numpy as np
import pytest

from rsslib.data.grid import Grid
from rsslib.reports import maps, style

TOLD = style.Told("What was found", "What is drawn.")


def test_kilometres_count_from_the_corner_of_the_grid():
    grid = Grid(1000.0, 2000.0, 41, 37, 30.0)
    assert maps.to_km(grid, 1000.0 - 15.0, 2000.0 - 15.0) == (0, 0)
    assert maps.to_km(grid, *grid.to_metres(40.5, 36.5)) == pytest.approx(grid.extent_km[1::2])


@pytest.mark.parametrize("number, rows", [(1, 1), (3, 1), (4, 2)])
def test_a_sheet_wraps_and_hides_no_map(number, rows):
    fig, axes = style.styled(maps.sheet)(number, 3, 0.8, (0.4, 0.2), "note", TOLD, False)
    assert len(axes) == number and all(ax.axison for ax in axes)
    assert len({round(ax.get_subplotspec().rowspan.start) for ax in axes}) == rows


def test_sensors_are_drawn_where_they_read_the_strongest_on_top():
    grid, image = Grid(0.0, 0.0, 5, 4, 30.0), np.full((4, 5), np.nan)
    image[[3, 0], [1, 4]] = 0.9, 0.2
    fig = style.styled(style.page)(3, 3, "note", TOLD)
    dots = maps.sensors(fig.subplots(), image, grid)
    assert list(dots.get_array()) == [0.2, 0.9]
    assert list(dots.get_offsets()[1]) == pytest.approx([0.045, 0.105])
    assert dots.get_cmap().name == "YlOrRd"


def test_marks_are_open_so_that_what_lies_below_stays_visible():
    grid = Grid(0.0, 0.0, 5, 4, 30.0)
    ax = style.styled(style.page)(3, 3, "note", TOLD).subplots()
    maps.mark(ax, grid, truth=(30.0, 30.0), estimate=(60.0, 30.0))
    star, cross = ax.collections
    assert len(star.get_facecolor()) == len(cross.get_facecolor()) == 0
    assert [list(mark.get_offsets()[0]) for mark in (star, cross)] == [[0.045, 0.045], [0.075, 0.045]]
    nearest = np.abs(cross.get_paths()[0].vertices).min() / np.abs(cross.get_paths()[0].vertices).max()
    assert nearest > 0.3    # the arms leave the middle free
