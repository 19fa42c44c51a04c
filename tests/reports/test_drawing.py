"""Shared parts of figures: values with their ends, texts that do not overlap, legends that have room."""

import numpy as np
import pytest

from rsslib.reports import drawing, style

TOLD = style.Told("What was found", "What is drawn.")


@pytest.mark.parametrize("heights", [[0.5, 0.5, 0.5], [0.1, 0.9, 0.12], [0.4], [0.3, 0.2, 0.25, 0.28]])
def test_spread_keeps_the_ranks_and_the_mean_and_parts_neighbours(heights):
    apart = drawing.spread(heights, 0.1)
    assert apart.mean() == pytest.approx(np.mean(heights))
    assert np.diff(np.sort(apart)).min(initial=1) > 0.095
    assert (np.argsort(apart, kind="stable") == np.argsort(heights, kind="stable")).all()


def test_ends_are_those_of_the_field_of_a_median_or_the_value():
    record = {"median_m": 50, "ci95_m": [40, 70], "rate": 0.5, "ci95_rate": (0.25, 0.75), "n": 3}
    assert drawing.with_ends(record, "median_m") == (50, 40, 70)
    assert drawing.with_ends(record, "rate", 100) == (50, 25, 75)
    assert drawing.with_ends(record, "n") == (3, 3, 3)


def test_records_are_told_apart_by_their_keys_and_known_names_keep_their_sequence():
    records = [{"loss": "emd", "n": 1}, {"loss": "com", "n": 2}]
    assert drawing.cells(records, "loss")["com",]["n"] == 2
    assert drawing.known(style.LOOKS, records, "loss") == ["com", "emd"]


@style.styled
def rows(legend):
    fig = style.page(style.PAGE_IN, 2.0, "note", TOLD)
    axes = drawing.panels(fig, 2, wide=True)
    legend(fig, axes)
    fig.draw_without_rendering()
    return fig, [ax.get_tightbbox() for ax in axes]


@pytest.mark.parametrize("columns", [1, 2])
def test_a_legend_above_covers_no_panel(columns):
    fig, panels = rows(lambda fig, axes: drawing.legend_above(fig, drawing.handles(["com", "emd"]), columns))
    legend = fig.legends[0].get_window_extent()
    assert legend.y0 > max(panel.y1 for panel in panels) - 1 and legend.y1 <= fig.bbox.y1


def test_a_printed_value_is_drawn_open_beside_ours():
    ax = style.styled(style.page)(style.PAGE_IN, 2.0, "note", TOLD).subplots()
    drawing.dot(ax, 1, (50, 40, 70), style.LOOKS["emd"], "50", printed=60)
    interval, ours, printed = ax.lines
    assert list(interval.get_ydata()) == [40, 70] and list(ours.get_ydata()) == [50]
    assert list(printed.get_ydata()) == [60] and printed.get_markerfacecolor() == "white"
    assert printed.get_xdata()[0] > ours.get_xdata()[0]
