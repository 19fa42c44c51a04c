"""The figures of hybrids: values, printed values, paired differences, and both widths."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import same_color
from matplotlib.text import Text

from rsslib.ledger import results
from rsslib.project import InputError
from rsslib.reports import style
from rsslib.reports.confidence_paper import figures, hybrid_models

NOTE = "n = 1, smoke profile"
MEDIANS = [{"set": name, "model": model, "median_m": 50.0 + rank, "ci95_m": [45.0, 70.0], "n": 70,
            "best_choice_rate": 0.86, "ci95_best_choice_rate": [0.8, 0.9]}
           for name in ("july", "november", "april")
           for rank, model in enumerate(("july", "november", "hybrid", "oracle"))]
MEDIAN_PAIRS = [{"set": name, "left_model": "hybrid", "right_model": model, "n": 70, "median_m": -9.0,
                 "ci95_median_m": [-20.0, -3.0]} for name in ("july", "november", "april")
                for model in ("july", "november")]
SIZES = [{"n_cells": n, "split": f"grid{n}", "set": name, "method": method, "median_m": median + n,
          "ci95_m": [median, median + 20], "n": 500 + n} for n in (2, 3, 10) for name in ("val", "ood")
         for method, median in (("cnn", 50.0), ("ranging", 330.0), ("hybrid", 52.0))]
SIZE_PAIRS = [{"n_cells": n, "set": name, "left_method": "hybrid", "right_method": right, "n": 500 + n,
               "median_m": difference, "ci95_median_m": [difference - 5, difference + 5]}
              for right in ("cnn", "ranging") for name, shift in (("val", 1.0), ("ood", 0.0))
              for n, difference in ((2, shift - 70), (3, shift), (10, 20))]


def medians(paper=None, rates=None, **options):
    return figures.hybrid_medians(MEDIANS, MEDIAN_PAIRS, paper, NOTE, paper_rates=rates, **options)


def duel(**options):
    panel = SimpleNamespace(first=np.array([3.0, 0.2, 0.001] * 2), second=np.array([0.5, 1.1, 0.4] * 2),
                            first_better=np.array([True, False, False] * 2), rate=0.855,
                            drawn={"excess": np.zeros(2000)})
    return figures.confidence_duel({"July": panel, "November": panel, "April": panel}, NOTE, **options)


def sizes(paper=None, **options):
    return figures.grid_sizes(SIZES, SIZE_PAIRS, paper, NOTE, **options)


def box(**options):
    return figures.min_max_box([0, 80, 40], [0, 0, 70], [50, 60, 40], NOTE, **options)


def texts(fig):
    return [text.get_text() for text in fig.findobj(Text)]


def heights(ax):
    """The single values drawn in a panel."""
    return [line.get_ydata()[0] for line in ax.lines if len(line.get_ydata()) == 1]


@pytest.mark.parametrize("draw, panels", [(medians, 2), (duel, 3), (sizes, 3)])
@pytest.mark.parametrize("width", [style.PAGE_IN, style.COLUMN_IN])
def test_at_either_width_nothing_is_cut_and_no_panel_meets_the_title(draw, panels, width):
    fig, marked = draw(width=width), draw(width=width, synthetic=True)
    assert len(fig.axes) == panels and NOTE in texts(fig) and style.BANNER not in texts(fig)
    assert style.BANNER in texts(marked) and marked.get_figwidth() == width
    style.styled(marked.draw_without_rendering)()
    head = next(text for text in marked.texts if text.get_fontsize() == 8).get_window_extent()
    legends = [legend.get_window_extent() for legend in marked.legends]
    assert head.x1 <= marked.bbox.x1
    for part in [ax.get_tightbbox() for ax in marked.axes] + legends:
        assert part.x0 >= -1 and part.x1 <= marked.bbox.x1 + 1 and part.y0 >= -1 and part.y1 <= head.y0


@pytest.mark.parametrize("draw", [medians, duel, sizes])
def test_saving_writes_the_column_too_with_the_same_title(draw, tmp_path):
    fig = draw()
    figures.save(fig, tmp_path / "a.png")
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "a.pdf", "a_column.pdf"}
    assert fig.column().told == fig.told and fig.told.title and fig.told.alt


def test_medians_draw_values_rates_and_what_the_paper_prints_but_not_beside_synthetic_ones():
    paper, rates = {("july", "hybrid"): 55.8}, {"july": 0.874, "november": 0.577, "april": 0.472}
    errors_drawn, drawn_rates = map(heights, medians(paper, rates).axes)
    assert {50.0, 51.0, 52.0, 55.8} <= set(errors_drawn) and {86.0, 87.4, 57.7, 47.2} <= set(np.round(drawn_rates, 6))
    assert {"July model", "April\nn = 70", "the paper's printed value"} <= set(texts(medians(paper, rates)))
    synthetic = medians(paper, rates, synthetic=True)
    assert 55.8 not in heights(synthetic.axes[0]) and 87.4 not in heights(synthetic.axes[1])
    assert "the paper's printed value" not in texts(synthetic) and "87.4" not in synthetic.told.alt
    assert not any("ours" in text for text in texts(synthetic))
    assert {"oracle: better model per sample", "ours, 95 % interval"} <= set(texts(medians(paper, rates)))


def test_the_duel_colours_each_sample_by_the_nearer_model_and_keeps_faint_ones_on_the_edge():
    ax = duel().axes[0]
    for name, expected in (("july", [[3.0, 0.5]]), ("november", [[0.2, 1.1], [0.03, 0.4]])):
        (dots,) = (drawn for drawn in ax.collections if isinstance(drawn, PathCollection)
                   and same_color(drawn.get_facecolor()[0][:3], style.LOOKS[name].colour))
        assert dots.get_offsets().tolist() == expected * 2
    assert ax.get_title(loc="right") == "n = 6" and "≤0.03" in texts(ax.figure)


@pytest.mark.parametrize("width, between", [(style.PAGE_IN, " "), (style.COLUMN_IN, "\n")])
def test_the_duel_prints_the_shares_that_its_title_compares(width, between):
    # the July model is taken for the first and the fourth sample, which are also the ones where it is better
    assert f"July model: taken 33 %,{between}better 33 %\nbest choice: 86 %" in texts(duel(width=width))
    assert duel().told.title == "Hybrid takes the July model as often as it is the better one in all three seasons"


def test_the_duel_of_models_whose_confidences_are_all_alike_enlarges_them():
    panel = SimpleNamespace(first=np.array([1.0, 0.96]), second=np.array([1.0, 1.01]),
                            first_better=np.array([True, False]), rate=1.0,
                            drawn={"excess": np.zeros(2000)})
    low, high = figures.confidence_duel({"July": panel}, NOTE).axes[0].get_xlim()
    assert 0.9 < low < 0.96 and 1.01 < high < 1.1


def test_grid_sizes_draw_a_line_for_each_method_and_the_paired_differences():
    own, ood, gain = sizes().axes
    for ax in (own, ood):
        assert [list(line.get_ydata()) for line in ax.lines] == [[52, 53, 60], [332, 333, 340], [54, 55, 62]]
        assert ax.get_title(loc="right") == "n = 502 to 510"
    assert sorted(heights(gain)) == [-70, -69, 0, 1, 20, 20]
    assert {"CNN (EMD)", "ranging", "hybrid"} <= set(texts(sizes()))


def test_grid_sizes_draw_the_printed_numbers_of_the_grids_that_were_run():
    own, ood, _ = sizes(hybrid_models.grid_printed()).axes
    assert heights(own) == [34.6] and heights(ood) == [277.5]    # Grid5 was not run here
    assert heights(sizes(hybrid_models.grid_printed(), synthetic=True).axes[0]) == []


def test_the_sketch_of_min_max_marks_the_middle_of_the_box():
    ax = box().axes[0]
    shared = [patch for patch in ax.patches if patch.get_alpha()]
    assert [patch.get_bbox().extents.tolist() for patch in shared] == [[20, 30, 50, 50]]
    (label,) = (text for text in box().axes[0].texts if text.get_text() == "(35, 40)")
    (red,) = (line for line in ax.lines if same_color(line.get_color(), style.RED))
    assert [float(red.get_xdata()[0]), float(red.get_ydata()[0])] == [35, 40] == list(label.xy)


def test_the_label_of_the_middle_meets_no_circle_square_or_other_text():
    fig = box()
    style.styled(fig.draw_without_rendering)()
    ax = fig.axes[0]
    label, *others = sorted(ax.texts, key=lambda text: text.get_text() != "(35, 40)")
    extent = Text.get_window_extent(label)
    assert not [other for other in others if other.get_window_extent().overlaps(extent)]
    for patch in ax.patches:
        assert not patch.get_window_extent().overlaps(extent)


def test_no_grid_is_refused_in_words():
    with pytest.raises(InputError, match="grid_sizes: records: no records"):
        figures.grid_sizes([], [], None, NOTE)


def test_medians_without_an_interval_can_be_drawn():
    few = [{key: value for key, value in record.items() if key != "ci95_m"} for record in SIZES]
    assert len(figures.grid_sizes(few, SIZE_PAIRS, None, NOTE).axes) == 3


def test_figures_of_fewer_than_six_blocks_have_no_intervals():
    def bare(records):
        return [{key: value for key, value in record.items() if "ci95" not in key} for record in records]

    told = figures.hybrid_medians(bare(MEDIANS), bare(MEDIAN_PAIRS), None, NOTE).told
    assert told.title.endswith("season's model: undecided in both; against the right one: undecided in both")
    assert "hybrid − November model: −9.0 m (no interval: undecided)" in told.alt and "86 % of July's" in told.alt
    fig = figures.grid_sizes(bare(SIZES), bare(SIZE_PAIRS), None, NOTE)
    assert sorted(heights(fig.axes[2])) == [-70, -69, 0, 1, 20, 20]
    assert fig.told.title == "Out of distribution the fallback is undecided on every grid"


@pytest.mark.parametrize("profile", ["smoke", "quick"])
@pytest.mark.parametrize("name, draw", [("fig11", figures.grid_sizes), ("table4", figures.hybrid_medians)])
def test_the_records_in_the_tree_can_be_drawn(name, draw, profile):
    records, pairs = (results.read(profile, part)["records"] for part in (name, f"{name}_pairs"))
    drawn = heights(draw(records, pairs, None, NOTE).axes[-1])
    shown = ([pair["median_m"] for pair in pairs if (pair["left_method"], pair["right_method"]) == ("hybrid", "cnn")]
             if name == "fig11" else [100 * row["best_choice_rate"] for row in records if row["model"] == "hybrid"])
    assert sorted(drawn) == pytest.approx(sorted(shown))
