"""Figures of the hybrids: what they say, the marks in their places, and the input they refuse."""

from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from rsslib.project import InputError
from rsslib.reports import style
from rsslib.reports.confidence_paper import figures
from rsslib.reports.confidence_paper.figures.duel import LEAST, confidence_duel
from rsslib.reports.confidence_paper.figures.fallback import grid_sizes
from rsslib.reports.confidence_paper.figures.hybrids import hybrid_medians

NOTE = "n = 1, smoke profile"
SIZES = (2, 3, 10)
MEDIANS = {"july": {"july": 59.0, "november": 238.0, "hybrid": 61.0, "oracle": 56.0},
           "november": {"july": 167.0, "november": 73.0, "hybrid": 96.0, "oracle": 64.0},
           "april": {"july": 429.0, "november": 440.0, "hybrid": 415.0, "oracle": 382.0}}
RATES = {"july": 0.86, "november": 0.52, "april": 0.62}


def cell(median, n=70, **more):
    return {"median_m": median, "ci95_m": [0.9 * median, 1.2 * median], "n": n, **more}


def sizes_records(sizes=SIZES, medians=(50.0, 330.0, 52.0)):
    return [cell(median + size, 500 + size, n_cells=size, set=name, method=method)
            for size in sizes for name in ("val", "ood")
            for method, median in zip(("cnn", "ranging", "hybrid"), medians)]


def draw_sizes(records=None, **options):
    return grid_sizes(**{"records": sizes_records() if records is None else records, "note": NOTE} | options)


def medians_records():
    found = [cell(median, set=name, model=model)
             for name, models in MEDIANS.items() for model, median in models.items()]
    for record in found:
        if record["model"] == "hybrid":
            rate = RATES[record["set"]]
            record |= {"best_choice_rate": rate, "ci95_best_choice_rate": (rate - 0.1, rate + 0.05)}
    return found


def draw_medians(records=None, **options):
    records = medians_records() if records is None else records
    return hybrid_medians(**{"records": records, "paper": None, "note": NOTE} | options)


def duel(**changes):
    return SimpleNamespace(**{"first": np.array([3.0, 0.2, 0.001]), "second": np.array([0.5, 1.1, 0.4]),
                              "first_better": np.array([True, False, False]), "rate": 0.855} | changes)


def draw_duel(panels=None, **options):
    panels = {"July": duel(), "November": duel(), "April": duel()} if panels is None else panels
    return confidence_duel(**{"panels": panels, "note": NOTE} | options)


DRAWN = {"sizes": (draw_sizes, 2), "medians": (draw_medians, 2), "duel": (draw_duel, 3)}


def texts(fig):
    """All texts of a figure, its legends included."""
    return [text.get_text() for text in fig.findobj(matplotlib.text.Text)]


def overlaps(fig, ax):
    """Pairs of texts written into or beside a panel that lie on each other."""
    fig.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in ax.texts]
    return [(one, other) for i, (one, box) in enumerate(boxes) for other, second in boxes[:i] if box.overlaps(second)]


@pytest.mark.parametrize("name", DRAWN)
def test_figures_have_their_panels_the_note_and_a_banner_only_if_synthetic(name):
    draw, panels = DRAWN[name]
    fig, marked = draw(), draw(synthetic=True)
    assert isinstance(fig, Figure) and len(fig.axes) == panels
    assert NOTE in texts(fig) and figures.BANNER not in texts(fig)
    assert figures.BANNER in texts(marked)
    assert marked.get_figheight() == pytest.approx(fig.get_figheight() + 0.22)


@pytest.mark.parametrize("name", DRAWN)
def test_saving_twice_gives_equal_bytes_and_small_files(name, tmp_path):
    first, second = (figures.save(DRAWN[name][0](), tmp_path / f"{copy}.png").read_bytes() for copy in "ab")
    assert first == second and len(first) < 400_000


def test_grid_sizes_mark_the_sizes_given_and_draw_each_median():
    inside, outside = draw_sizes(sizes_records()[::-1]).axes
    assert list(outside.get_xticks()) == list(SIZES) and outside.get_ylim()[0] == 0
    assert inside.get_ylim() == outside.get_ylim()
    drawn = {line.get_marker(): line.get_xydata().tolist() for line in outside.lines}
    assert drawn["s"] == [[size, 330.0 + size] for size in SIZES] and set(drawn) == {"D", "s", "o"}
    assert inside.get_title(loc="right") == "n = 502 to 510"
    heights = {text.get_text(): text.xy[1] * inside.get_ylim()[1] for text in inside.texts}
    assert heights["ranging"] == pytest.approx(340.0)     # far from the others: at its own height


@pytest.mark.parametrize("sizes, medians", [(SIZES, (50.0, 330.0, 52.0)), ((2,), (300.0, 300.0, 300.0)),
                                            (SIZES, (0.0, 1.0, 2.0)), ((2, 5), (300.0, 310.0, 90.0))])
def test_grid_sizes_name_the_lines_at_their_ends_without_overlap(sizes, medians):
    fig = draw_sizes(sizes_records(sizes, medians))
    for ax in fig.axes:
        assert sorted(text.get_text() for text in ax.texts) == ["CNN (EMD)", "hybrid", "ranging"]
        assert overlaps(fig, ax) == []


@pytest.mark.parametrize("change, message", [
    ({"median_m": float("nan")}, "record 4, median_m and ci95_m"), ({"ci95_m": [5.0, 4.0]}, "interval"),
    ({"ci95_m": [-1.0, 4.0]}, "interval"), ({"ci95_m": [1.0]}, "interval"), ({"median_m": None}, "found None"),
    ({"method": "knn"}, "expected method among cnn, ranging, hybrid, found 'knn'"),
    ({"set": "val"}, "2, val, ranging is given twice"), ({"n_cells": 7}, "no record of 2, ood, ranging")])
def test_grid_sizes_refuse_bad_records(change, message):
    records = sizes_records()
    records[4] = records[4] | change
    with pytest.raises(InputError, match=f"grid_sizes.*{message}"):
        draw_sizes(records)


def test_grid_sizes_refuse_missing_keys_and_no_records():
    for key in ("n_cells", "set", "method", "median_m", "ci95_m", "n"):
        records = sizes_records()
        del records[1][key]
        with pytest.raises(InputError, match=f"record 1: '{key}' is missing"):
            draw_sizes(records)
    with pytest.raises(InputError, match="no records"):
        draw_sizes([])


def test_hybrid_medians_draw_ours_in_metres_and_percent():
    fig = draw_medians()
    medians, rates = fig.axes
    for ax in fig.axes:
        assert [label.get_text() for label in ax.get_xticklabels()] == ["July\nn = 70", "November\nn = 70",
                                                                       "April\nn = 70"]
        assert overlaps(fig, ax) == []
    assert [text.get_text() for text in medians.texts] == [
        f"{MEDIANS[name][model]:.0f}" for name in MEDIANS for model in ("july", "november", "hybrid")]
    assert [text.get_text() for text in rates.texts] == ["86", "52", "62"]
    best = [line.get_ydata()[0] for line in medians.lines if line.get_linestyle() == "--"]
    assert best == [models["oracle"] for models in MEDIANS.values()]
    assert "a coin: 50" in texts(fig) and "always the better model" in texts(fig)
    assert "the paper's printed value" not in texts(fig)


def open_marks(ax):
    return [tuple(line.get_xydata()[0]) for line in ax.lines if line.get_markerfacecolor() == "white"]


def test_hybrid_medians_set_the_papers_values_beside_ours():
    fig = draw_medians(paper={("november", "hybrid"): 94.0, ("april", "oracle"): 1.0, ("july", "july"): None},
                       paper_rates={"april": 0.472})
    assert open_marks(fig.axes[0]) == [(pytest.approx(1.38), 94.0)]
    assert open_marks(fig.axes[1]) == [(pytest.approx(2.16), pytest.approx(47.2))]
    assert "the paper's printed value" in texts(fig) and not open_marks(draw_medians().axes[0])
    for printed in ({"paper": {("july", "july"): 55.1}}, {"paper_rates": {"july": 0.874}}):
        with pytest.raises(InputError, match="not comparable"):
            draw_medians(synthetic=True, **printed)
    with pytest.raises(InputError, match="paper_rates of july.*from 0 to 1"):
        draw_medians(paper_rates={"july": 87.4})


@pytest.mark.parametrize("change, message", [
    ({"best_choice_rate": 52.0}, "hybrid on november, best_choice_rate.*from 0 to 1"),
    ({"ci95_best_choice_rate": (0.6, float("nan"))}, "hybrid on november"), ({"median_m": -1.0}, "record 6"),
    ({"model": "best"}, "expected model among july, november, hybrid, oracle"),
    ({"set": "may"}, "found 'may'"), ({"model": "oracle"}, "given twice")])
def test_hybrid_medians_refuse_bad_records(change, message):
    records = medians_records()
    records[6] = records[6] | change
    with pytest.raises(InputError, match=f"hybrid_medians.*{message}"):
        draw_medians(records)


def test_hybrid_medians_refuse_what_is_missing():
    with pytest.raises(InputError, match="no record of april, oracle"):
        draw_medians(medians_records()[:-1])
    without = [{key: value for key, value in record.items() if "rate" not in key} for record in medians_records()]
    with pytest.raises(InputError, match="hybrid on july: 'best_choice_rate' is missing"):
        draw_medians(without)
    with pytest.raises(InputError, match="no records"):
        draw_medians([])


def test_confidence_duel_titles_axes_and_limits():
    fig = draw_duel()
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["July", "November", "April"]
    for ax in fig.axes:
        assert ax.get_title(loc="right") == "best choice 85.5 % of 3"
        assert ax.get_xlim() == ax.get_ylim() and ax.get_xscale() == ax.get_yscale() == "log"
        assert ax.get_xlim()[0] == LEAST and "hybrid takes July" in texts(ax)
        assert overlaps(fig, ax) == []
    assert "low-confidence thresholds" in texts(fig) and f"≤{LEAST:g}" in texts(fig)
    mild = {"July": duel(first=[3.0, 0.2, 2.0])}
    assert f"≤{LEAST:g}" not in texts(draw_duel(mild)) and len(draw_duel(mild).axes) == 1
    assert draw_duel({"July": duel(first=[40.0, 1, 1])}).axes[0].get_xlim()[1] > 40


def test_confidence_duel_colours_by_the_nearer_model_and_keeps_every_sample():
    ax = draw_duel({"July": duel()}).axes[0]
    drawn = {to_hex(dots.get_facecolor()[0]): np.asarray(dots.get_offsets()).tolist()
             for dots in ax.collections if len(dots.get_offsets()) and dots.get_zorder() == 3}
    assert drawn == {style.SET_COLOUR["july"].lower(): [[3.0, 0.5]],
                     style.SET_COLOUR["november"].lower(): [[0.2, 1.1], [LEAST, 0.4]]}


@pytest.mark.parametrize("first_better", [True, False])
def test_confidence_duel_draws_a_panel_that_one_model_wins_throughout(first_better, tmp_path):
    fig = draw_duel({"July": duel(first_better=np.full(3, first_better))})
    assert figures.save(fig, tmp_path / "duel.png").is_file()


@pytest.mark.parametrize("change, message", [
    ({"first": np.array([1.0, np.nan, 1.0])}, "finite"), ({"second": -np.ones(3)}, "not negative"),
    ({"first": np.ones(2)}, "of one length"), ({"first_better": np.ones(2, bool)}, "of one length"),
    ({"rate": 85.5}, "a rate from 0 to 1"), ({"rate": float("nan")}, "a rate from 0 to 1"),
    ({"first": [], "second": [], "first_better": []}, "n above 0")])
def test_confidence_duel_refuses_bad_panels(change, message):
    with pytest.raises(InputError, match=f"confidence_duel, April.*{message}"):
        draw_duel({"July": duel(), "April": duel(**change)})


def test_confidence_duel_refuses_missing_fields_and_no_panel():
    panel = duel()
    del panel.second
    with pytest.raises(InputError, match="confidence_duel, July: 'second' is missing"):
        draw_duel({"July": panel})
    with pytest.raises(InputError, match="no panel given"):
        draw_duel({})
