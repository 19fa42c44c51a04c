"""Figures of the losses: Table II, paired differences, Figures 2, 4, 5 and 6 draw what their records say."""

import json

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import same_color

from rsslib.data import splits
from rsslib.data.grid import Grid
from rsslib.project import ROOT, InputError
from rsslib.reports import maps, style
from rsslib.reports.confidence_paper import figures

GRID = Grid(1000.0, 2000.0, 41, 37, 30.0)
TRUTH = GRID.to_metres(12.2, 20.4)
NOTE = "n = 1, smoke profile"
PAPER = {("emd", "grid2"): 277.5, ("com", "grid2"): 334.0}


def blob(column, row, spread=1.2):
    """A Gaussian of `spread` pixels."""
    rows, columns = np.indices(GRID.shape)
    return 0.5 * np.exp(-((columns - column) ** 2 + (rows - row) ** 2) / (2 * spread**2))


def sensor_image():
    image = np.full(GRID.shape, np.nan)
    image[[3, 9, 30], [5, 30, 12]] = 0.2, 0.5, 0.9
    return image


def pipeline(**options):
    images = {"com": blob(20, 15, 8), "emd": blob(13, 20)}
    decoded = {"com": GRID.to_metres(14.2, 20.4), "emd": GRID.to_metres(13, 20)}
    return figures.pipeline(sensor_image(), images, TRUTH, decoded, GRID, NOTE, **options)


def loss_outputs(decoded=None, **options):
    images = {"com": blob(20, 15, 8), "pse": blob(14, 20), "emd": blob(12, 21)}
    return figures.loss_outputs(images, TRUTH, decoded or dict.fromkeys(images, TRUTH), GRID, NOTE, **options)


def ambiguous(**options):
    modes = [(*TRUTH, 0.61), (*GRID.to_metres(30, 8), 0.37), (*GRID.to_metres(3, 30), 0.004)]
    return figures.ambiguous(blob(12, 20) + blob(30, 8), sensor_image(), TRUTH, modes, 90.0, GRID, NOTE, **options)


def training_curves(epochs=90, **options):
    histories = {loss: [{"epoch": epoch} | {f"{name}_single_median_m": end + 300 / epoch
                                            for name in ("train", "val", "ood")} for epoch in range(1, epochs + 1)]
                 for loss, end in (("com", 60.0), ("emd", 61.0))}
    return figures.training_curves(histories, NOTE, **options)


def errors(names=tuple(style.SEPARATIONS)):
    return [{"loss": loss, "split": split, "set": name, "median_m": 100.0 + 10 * row, "ci95_m": [90.0, 140.0], "n": 70}
            for split in names for row, loss in enumerate(("com", "pse", "emd"))
            for name in ("val", splits.report_set(split))]


def pairs(names=tuple(style.SEPARATIONS), size=20.0):
    """EMD is behind CoM and ahead of PSE, by `size`, with intervals of 2 x 15 m."""
    return [{"left_loss": left, "right_loss": right, "split": split, "set": splits.report_set(split), "n": 70,
             "median_m": sign * size, "ci95_median_m": [sign * size - 15, sign * size + 15],
             "mean_m": sign * size, "ci95_mean_m": [sign * size - 15, sign * size + 15]}
            for split in names for left, right, sign in (("emd", "com", 1), ("emd", "pse", -1), ("com", "pse", -1))]


def table2(records=None, paper=None, **options):
    return figures.table2(errors() if records is None else records, pairs(), paper, NOTE, **options)


def differences(paper=None, size=20.0, **options):
    return figures.differences(pairs(size=size), paper, NOTE, **options)


SECONDS = [{"loss": loss, "split": split, "value": value} for loss, value in (("com", 2.0), ("pse", 1.5), ("emd", 7.25))
           for split, value in (("random", value), ("july", 100.0))]
FITS = {(split, loss): np.array([[400.0, 900.0], [100.0, worse + 50], [40.0, worse]]) for split in ("grid2", "july")
        for loss, worse in (("com", 300.0), ("emd", 250.0 if split == "grid2" else 350.0))}


def fit_and_transfer(fits=FITS, **options):
    return figures.fit_and_transfer(fits, NOTE, **options)


DRAWN = [(pipeline, 4), (loss_outputs, 3), (ambiguous, 1), (training_curves, 3), (table2, 1), (differences, 2),
         (fit_and_transfer, 2)]


def texts(fig):
    """All texts of a figure, its legends included."""
    return [text.get_text() for text in fig.findobj(matplotlib.text.Text)]


def singles(ax):
    """Heights of the marks of a panel that are one point."""
    return [line.get_ydata()[0] for line in ax.lines if len(line.get_ydata()) == 1]


def panels(fig):
    return [ax for ax in fig.axes if ax.get_label() != "<colorbar>"]


def within(fig):
    """Assert that nothing of a figure lies over its edge or, below its title, over its head."""
    style.styled(fig.draw_without_rendering)()
    for box in [ax.get_tightbbox() for ax in fig.axes] + [legend.get_window_extent() for legend in fig.legends]:
        assert box.x0 >= -1 and box.x1 <= fig.bbox.x1 + 1 and box.y0 >= -1
        assert box.y1 <= fig.bbox.y1 - 0.2 * fig.dpi


def test_figures_of_fewer_than_six_blocks_have_no_intervals():
    few, apart = ([{key: value for key, value in record.items() if "ci95" not in key} for record in found]
                  for found in (errors(["grid2"]), pairs(["grid2"])))
    for fig in (figures.table2(few, apart, None, NOTE), figures.differences(apart, None, NOTE)):
        assert "[no interval]" in fig.told.alt
        for ax in fig.axes:    # an interval is a line from its one end to the other
            assert all(np.ptp(line.get_ydata()) == 0 for line in ax.lines if len(line.get_ydata()) == 2)
    assert singles(figures.differences(apart, None, NOTE).axes[0]) == [20.0]


@pytest.mark.parametrize("width", [style.PAGE_IN, style.COLUMN_IN])
def test_table_two_has_room_for_the_sliced_loss_where_it_was_trained(width):
    sliced = [record | {"loss": "sliced", "median_m": 95.0} for record in errors(["grid2"]) if record["loss"] == "emd"]
    fig = figures.table2(errors() + sliced, pairs(), None, NOTE, width=width)
    within(fig)
    drawn = [value for ax in fig.axes for value in singles(ax)]
    assert drawn.count(95.0) == 1 and len(drawn) == 16 and "sliced EMD" in texts(fig)


@pytest.mark.parametrize("draw, number", DRAWN)
def test_a_figure_has_its_panels_title_note_and_banner_and_nothing_over_the_edge(draw, number):
    fig, marked = draw(), draw(synthetic=True)
    assert len(panels(fig)) == number and style.BANNER not in texts(fig)
    assert any(text.startswith(NOTE) for text in texts(fig))
    assert " ".join(fig.told.title.split()) in [" ".join(text.split()) for text in texts(fig)] and fig.told.alt
    assert style.BANNER in texts(marked)
    within(fig)
    within(marked)


@pytest.mark.parametrize("draw, number", [(table2, 2), (differences, 2), (training_curves, 3), (fit_and_transfer, 2)])
def test_small_multiples_have_a_variant_of_one_column_with_all_their_panels(draw, number):
    fig, column = draw(), draw().column()
    assert column.get_figwidth() == style.COLUMN_IN and len(column.axes) == number and column.told == fig.told
    within(column)


def test_drawing_again_gives_the_same_file(tmp_path):
    for draw in (pipeline, table2):
        first, second = figures.save(draw(), tmp_path / "a.png").read_bytes(), tmp_path / "b.png"
        style._write(draw(), second)    # without its .pdf, which takes most of the time
        assert first == second.read_bytes() and len(first) < 400_000


def test_pipeline_reads_the_com_image_as_a_balance_point_and_the_emd_image_at_its_peak():
    fig = pipeline()
    shown = texts(fig)
    assert "centre of mass: 60 m off" in shown
    assert "weighted mean of the members'\npeak pixels: 27 m off" in shown
    drawn = {ax.get_title(loc="left"): ax.images[0].get_array() for ax in fig.axes if ax.images}
    assert np.array_equal(drawn["3a  Regression (CoM)"], blob(20, 15, 8))
    assert np.array_equal(drawn["3b  Target image (EMD)"], blob(13, 20))


@pytest.mark.parametrize("column, row", [(14, 22), (10, 22), (14, 18), (10, 18), (13, 20), (5, 20), (12, 27)])
def test_a_window_holds_both_marks_and_shows_the_whole_map_where_none_is(column, row):
    estimate = GRID.to_metres(column, row)
    for ax in panels(loss_outputs({"com": estimate, "pse": estimate, "emd": estimate})):
        (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
        assert east - west >= 0.399 and (east - west) == pytest.approx(north - south)
        (inset,) = ax.child_axes
        assert (*inset.get_xlim(), *inset.get_ylim()) == pytest.approx(GRID.extent_km)
        corner = inset.get_position().transformed(ax.transAxes.inverted())
        left, bottom, right, top = corner.x0, corner.y0, corner.x1, corner.y1
        for place in (TRUTH, estimate):
            x, y = maps.to_km(GRID, *place)
            across, up = (x - west) / (east - west), (y - south) / (north - south)
            assert 0 < across < 1 and 0 < up < 1 and not (left < across < right and bottom < up < top)


def test_a_window_is_centred_between_the_marks_and_gives_way_to_the_whole_map_where_they_lie_far_apart():
    near, far = loss_outputs(), loss_outputs(dict.fromkeys(("com", "pse", "emd"), GRID.to_metres(38, 5)))
    x, y = maps.to_km(GRID, *TRUTH)
    assert panels(near)[0].get_xlim() == pytest.approx((x - 0.2, x + 0.2))
    assert panels(near)[0].get_ylim() == pytest.approx((y - 0.2, y + 0.2))
    assert panels(far)[0].get_xlim() == pytest.approx(GRID.extent_km[:2]) and not panels(far)[0].child_axes
    assert "0 m off" in texts(near)


def test_ambiguous_letters_its_modes_with_their_shares_and_draws_readings_in_the_look_of_all_maps():
    fig = ambiguous()
    assert {"A  61 %", "B  37 %"} <= set(texts(fig))
    dots = next(drawn for drawn in fig.axes[0].collections if isinstance(drawn, PathCollection))
    assert sorted(dots.get_array()) == [0.2, 0.5, 0.9] and dots.get_cmap().name == "YlOrRd"
    assert dots.get_cmap().name == pipeline().axes[0].collections[0].get_cmap().name
    rings = [patch for patch in fig.axes[0].patches if isinstance(patch, matplotlib.patches.Circle)]
    assert [ring.radius for ring in rings] == [0.09, 0.09]    # the third mode holds less than half a percent
    assert "a disc with a radius of 90 m" in fig.told.alt and "a radius of 90 m" in note(fig)


def note(fig):
    """The note of a figure as one line."""
    return next(" ".join(text.split()) for text in texts(fig) if text.startswith(NOTE))


def test_the_note_explains_windows_insets_and_the_box_only_where_they_are_drawn():
    box = "black box in 3b: the 3 x 3 pixels of the target image"
    assert "zoomed: 3a and 3b, a section of 400 m (rectangle in the inset, which shows the whole map)" in (
        note(pipeline()))
    assert box in note(pipeline()) and "zoomed: CoM, PSE and EMD" in note(loss_outputs())
    far = GRID.to_metres(38, 5)
    images = {"com": blob(20, 15, 8), "emd": blob(13, 20)}
    whole = figures.pipeline(sensor_image(), images, TRUTH, {"com": TRUTH, "emd": far}, GRID, NOTE)
    assert "zoomed: 3a, a section of 400 m" in note(whole) and "box" not in note(whole)
    assert "zoomed" not in note(loss_outputs(dict.fromkeys(("com", "pse", "emd"), far)))
    sizes = loss_outputs({"com": TRUTH, "pse": GRID.to_metres(14, 18), "emd": GRID.to_metres(12.2, 25)})
    widths = [2 * np.ptp(ax.get_xlim()) * 500 for ax in panels(sizes)]
    assert widths[2] > 401
    for loss, width in zip(("CoM", "PSE", "EMD"), widths):
        assert f"{loss} {width:.0f} m" in note(sizes)


def test_the_legend_of_the_marks_ends_before_the_edge():
    for fig in (pipeline(), loss_outputs()):
        style.styled(fig.draw_without_rendering)()
        assert fig.legends[-1].get_window_extent().x1 < fig.bbox.x1 - 0.05 * fig.dpi


@pytest.mark.parametrize("width", [style.PAGE_IN, style.COLUMN_IN])
@pytest.mark.parametrize("epochs", [1, 5, 90])
def test_training_curves_name_their_ends_without_overlap(epochs, width):
    for ax in training_curves(epochs, width=width).axes:
        low, high = sorted(text.xy[1] for text in ax.texts)
        assert high - low > 0.08
        assert {text.get_text() for text in ax.texts} == {f"{name} {end + 300 / epochs:.0f} m"
                                                          for name, end in (("CoM", 60.0), ("EMD", 61.0))}
        assert {line.get_marker() for line in ax.lines} >= {style.LOOKS["com"].marker, style.LOOKS["emd"].marker}


def test_table_two_draws_the_judged_sets_and_the_papers_values_but_not_beside_synthetic_ones():
    alone, beside, synthetic = table2(), table2(paper=PAPER), table2(paper=PAPER, synthetic=True)
    assert sorted(singles(alone.axes[0])) == [100.0] * 5 + [110.0] * 5 + [120.0] * 5
    assert {277.5, 334.0} <= set(singles(beside.axes[0]))
    assert len(synthetic.axes[0].lines) == len(alone.axes[0].lines)
    assert "the paper's printed value" in texts(beside) and "the paper's printed value" not in texts(synthetic)
    few = table2(errors(("random", "grid2")))
    assert [label.get_text() for label in few.axes[0].get_xticklabels()] == ["Random\nn = 70", "Grid2\nn = 70"]


def test_table_two_shows_the_seconds_of_random_as_the_ledger_judges_them_beside_the_papers():
    paper = {("emd", "random"): 14.3, ("com", "random"): 2.6, ("pse", "random"): 2.5}
    fig = table2(seconds=SECONDS, paper_seconds=paper)
    assert sorted(singles(fig.axes[-1])) == [1.5, 2.0, 2.5, 2.6, 7.25, 14.3]
    assert {"2.00", "1.50", "7.25", "14.3", "2.6", "2.5"} <= set(texts(fig)) and "7.25" in fig.told.alt
    alone = table2(seconds=SECONDS, paper_seconds=paper, synthetic=True)
    assert sorted(singles(alone.axes[-1])) == [1.5, 2.0, 7.25]
    assert len(table2(seconds=[]).axes) == 1
    column = fig.column()
    assert len(column.axes) == 3
    within(column)
    for panel in (fig.axes[-1], column.axes[-1]):
        style.styled(panel.figure.draw_without_rendering)()
        for text in panel.texts:    # above its mark, and clear of the axis
            box = text.get_window_extent()
            assert box.x0 > panel.bbox.x0 and box.y0 > panel.transData.transform(text.xy)[1] + 3.5 / 72 * fig.dpi


def test_differences_have_the_look_of_the_loss_that_is_nearer_or_are_grey():
    for size, looks in ((20.0, ("com", "emd")), (10.0, (None, None))):
        for ax, loss in zip(differences(size=size).axes, looks):
            dots = [line for line in ax.lines if len(line.get_ydata()) == 1]
            colour = style.LOOKS[loss].colour if loss else style.GREY
            assert len(dots) == 5 and all(same_color(dot.get_color(), colour) for dot in dots)
    assert "undecided" in texts(differences(size=10.0)) and "CoM better, settled" in texts(differences())


def test_differences_draw_intervals_and_the_papers_own_difference():
    com, pse = differences(PAPER).axes
    assert singles(com).count(20.0) == 5 and 277.5 - 334.0 in singles(com)
    assert singles(pse) == [-20.0] * 5    # the paper's value of PSE is not given
    ends = [tuple(line.get_ydata()) for line in com.lines if len(line.get_ydata()) == 2]
    assert ends.count((5.0, 35.0)) == 5
    assert 277.5 - 334.0 not in singles(differences(PAPER, synthetic=True).axes[0])


def test_separations_outside_the_paper_are_drawn_with_their_names():
    names = ("random", "grid3")
    fig = figures.table2(errors(names), pairs(names), PAPER, NOTE)
    assert [label.get_text() for label in fig.axes[0].get_xticklabels()] == ["Random\nn = 70", "Grid3\nn = 70"]
    assert len(singles(fig.axes[0])) == 6
    fig = figures.differences(pairs(names), PAPER, NOTE)
    assert [label.get_text() for label in fig.axes[0].get_xticklabels()] == ["Random\nn = 70", "Grid3\nn = 70"]


def test_differences_need_a_loss_that_emd_is_compared_with():
    only = [pair for pair in pairs() if pair["right_loss"] == "pse" and pair["left_loss"] == "emd"]
    assert len(figures.differences(only, None, NOTE).axes) == 1
    with pytest.raises(InputError, match="EMD is compared with no other loss"):
        figures.differences(pairs()[2:3], None, NOTE)
    with pytest.raises(InputError, match="differences: pairs: no records"):
        figures.differences([], None, NOTE)


def test_a_small_difference_is_written_with_its_sign():
    small = [pair | {"median_m": -0.04, "ci95_median_m": [-0.07, -0.01]} for pair in pairs(("random",))]
    shown = texts(figures.differences(small, None, NOTE))
    assert shown.count("−0.04") == 2    # a panel for each other loss


@pytest.mark.parametrize("profile", ["smoke", "quick"])
def test_the_records_in_the_tree_can_be_drawn(profile):
    records = json.loads((ROOT / "results" / profile / "table2.json").read_text(encoding="utf-8"))["records"]
    known = tuple(dict.fromkeys(record["split"] for record in records))
    fig = figures.table2(records, pairs(known), None, NOTE)
    assert len(singles(fig.axes[0])) == len({record["loss"] for record in records}) * len(known)


def test_errors_are_compared_at_equal_fit():
    told = fit_and_transfer().told
    assert told.title == ("At equal fit, EMD errs less than CoM out of distribution in 2 of 3 epochs on Grid2 and 0 of "
                          "3 epochs on July→Nov")
    assert "Grid2, EMD: from 400 m in and 900 m out of distribution to 40 m and 250 m" in told.alt
    first, second = panels(fit_and_transfer())
    assert [tuple(line.get_xydata()[-1]) for line in first.lines][1::2] == [(40.0, 300.0), (40.0, 250.0)]
    with pytest.raises(InputError, match="fit_and_transfer: fits: no records"):
        fit_and_transfer({})
