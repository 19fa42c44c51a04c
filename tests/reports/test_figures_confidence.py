"""Figures of confidence and of unseen places: each says what it must and refuses bad input."""

import functools
import re
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import same_color, to_hex
from matplotlib.patches import Rectangle

from rsslib.data import campus, splits
from rsslib.data.grid import Grid
from rsslib.project import InputError
from rsslib.reports import style
from rsslib.reports.confidence_paper import figures
from rsslib.reports.confidence_paper.figures.confidence import (
    INDICATOR_COLOUR,
    INDICATORS,
    confidence_roc,
    indicator_scores,
)
from rsslib.reports.confidence_paper.figures.errors import confidence_scatter, risk_coverage
from rsslib.reports.confidence_paper.figures.ood import odd_inputs, prediction_maps

GRID = Grid(1000.0, 2000.0, 41, 37, 30.0)
NOTE = "n = 1, smoke profile"
TITLES = ("Grid2", "Grid5", "July→Nov", "Nov→July")


def roc(auroc=0.8, **other):
    curve = {"false_positive": np.array([0, 0.1, 1]), "true_positive": np.array([0, 0.6, 1]), "auroc": auroc,
             "at_threshold": (0.1, 0.6)}
    return SimpleNamespace(**curve | other)


def rocs(titles=TITLES, indicators=tuple(INDICATORS), **options):
    curves = {title: {name: roc(0.9 - 0.1 * number) for number, name in enumerate(indicators)} for title in titles}
    return confidence_roc(**{"curves": curves, "note": NOTE} | options)


def records(**more):
    return [{"split": split, "indicator": indicator, "target": target, "set": name, "auroc": 0.7,
             "ci95_auroc": [0.6, 0.8], **more}
            for target, name in (("ood", "ood"), ("high_error", "val"))
            for split in ("july", "grid2", "grid5") for indicator in INDICATORS]


def scores(**options):
    return indicator_scores(**{"records": records(), "note": NOTE} | options)


def kept(titles=TITLES, **options):
    share = np.linspace(0.1, 1, 10)
    curves = {title: {"validation": (share, 30 + 20 * share), "OOD": (share, 100 + 141 * share)} for title in titles}
    return risk_coverage(**{"curves": curves, "note": NOTE} | options)


def cloud(threshold=0.15, **other):
    confidence = np.arange(10) / 10
    samples = {"confidence": confidence, "error_m": 300 - 200 * confidence, "rho": -0.33}
    return SimpleNamespace(val=SimpleNamespace(**samples | other), ood=SimpleNamespace(**samples | {"rho": -0.4}),
                           threshold=threshold)


def clouds(titles=TITLES, **options):
    shown = dict.fromkeys(titles, cloud())
    return confidence_scatter(**{"panels_by_title": shown, "note": NOTE} | options)


@functools.cache
def site():
    return campus.make(n_april=20, n_july=150, n_november=40)


def said(dx=0.0, **other):
    x, y = site().tx_x.values[:20, 0] + dx, site().tx_y.values[:20, 0]
    return SimpleNamespace(**{"x_hat": x, "y_hat": y, "inside_share": 0.0312} | other)


def unseen(**options):
    arguments = {"dataset": site(), "predictions_by_split": {"grid2": said(), "grid5": said()}, "note": NOTE}
    return prediction_maps(**arguments | options)


def reading(strongest=0.9, **other):
    image = np.full(GRID.shape, np.nan)
    image[[3, 9, 30], [5, 30, 12]] = 0.0, strongest, 0.5
    panel = {"title": "Grid5 OOD input", "image": image, "truth": (1300.0, 2300.0), "estimate": (1600.0, 2700.0)}
    return SimpleNamespace(**panel | other)


def odd(**options):
    shown = [reading(), reading(0.7, title="Interference")]
    return odd_inputs(**{"shown": shown, "grid": GRID, "note": NOTE} | options)


DRAWN = {"confidence_roc": (rocs, 4), "indicator_scores": (scores, 2), "risk_coverage": (kept, 4),
         "confidence_scatter": (clouds, 8), "prediction_maps": (unseen, 2), "odd_inputs": (odd, 3)}


@functools.cache
def plain(name):
    return DRAWN[name][0]()


def texts(fig):
    """All texts of a figure, its legends included."""
    return [text.get_text() for text in fig.findobj(matplotlib.text.Text)]


def titles(fig):
    return [ax.get_title(loc="left") for ax in fig.axes if ax.get_title(loc="left")]


@pytest.mark.parametrize("name", DRAWN)
def test_figures_have_their_panels_the_note_and_the_banner_only_if_asked(name):
    fig, (draw, panels) = plain(name), DRAWN[name]
    assert len(fig.axes) == panels and NOTE in texts(fig) and figures.BANNER not in texts(fig)
    marked = draw(synthetic=True)
    assert figures.BANNER in texts(marked)
    assert marked.get_figheight() == pytest.approx(fig.get_figheight() + 0.22)


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_reaches_over_the_edge_and_no_panel_under_the_legend(name):
    fig = DRAWN[name][0](synthetic=True)
    style.styled(fig.draw_without_rendering)()
    page, shown = fig.bbox, [ax.get_tightbbox() for ax in fig.axes]
    for box in shown:
        assert box.x0 >= -1 and box.x1 <= page.x1 + 1 and box.y0 >= -1
    for legend in fig.legends:
        box = legend.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= page.x1 and box.y1 <= page.y1 - 0.2 * fig.dpi
        assert box.y0 > max(panel.y1 for panel in shown) - 1


@pytest.mark.parametrize("draw", [rocs, kept, clouds])
def test_one_panel_is_a_column_and_six_are_too_many(draw):
    assert draw(TITLES[:1]).get_figwidth() == style.COLUMN_IN
    assert titles(draw((*TITLES, "Grid9"))) == [*TITLES, "Grid9"]
    for number in (0, 6):
        with pytest.raises(InputError, match=f"expected 1 to 5 panels, found {number}"):
            draw([f"Grid{n}" for n in range(number)])


def test_an_indicator_and_its_normalised_kin_share_a_colour_that_no_other_has():
    assert set(INDICATOR_COLOUR) == set(INDICATORS) and len(set(INDICATOR_COLOUR.values())) == 4
    assert INDICATOR_COLOUR["max_prediction"] == INDICATOR_COLOUR["max_prediction_normalised"]


def test_confidence_roc_says_the_auroc_of_each_indicator_best_first():
    legend = plain("confidence_roc").axes[0].get_legend()
    assert legend.get_title().get_text() == "AUROC"
    assert [text.get_text() for text in legend.get_texts()] == ["0.90", "0.80", "0.70", "0.60", "0.50", "0.40"]
    turned = {"Grid2": {"max_prediction": roc(0.6), "sum_spread": roc(0.7)}}
    first, _ = confidence_roc(turned, NOTE).axes[0].get_legend().get_lines()
    assert same_color(first.get_color(), INDICATOR_COLOUR["sum_spread"])


def test_confidence_roc_dashes_the_normalised_and_marks_the_threshold_of_each():
    ax = plain("confidence_roc").axes[0]
    curves = [line for line in ax.lines if len(line.get_xdata()) == 3]
    assert [line.is_dashed() for line in curves] == [name.endswith("_normalised") for name in INDICATORS]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in dots] == [(0.1, 0.6)] * 6
    shown = texts(plain("confidence_roc"))
    assert {"Maximum mean prediction", "Sum spread", "dashed: sum-normalised", "validation's 10th percentile",
            "share of validation labelled low-confidence (false positive)",
            "share of OOD labelled\nlow-confidence (true positive)"} <= set(shown)
    few = texts(rocs(indicators=("max_prediction", "max_spread")))
    assert "dashed: sum-normalised" not in few and "Maximum mean prediction" not in few


def test_confidence_roc_refuses_bad_curves():
    for curve, message in ((roc(auroc=np.nan), "auroc: expected one or more finite"),
                           (roc(true_positive=[0, 2, 1]), "true_positive: expected .* from 0 to 1"),
                           (roc(true_positive=[0, 1]), "as many true as false"),
                           (roc(at_threshold=(0.1,)), "two rates"), (SimpleNamespace(), "'false_positive' is missing")):
        with pytest.raises(InputError, match=f"Grid2, max_spread.*{message}"):
            confidence_roc({"Grid2": {"max_spread": curve}}, NOTE)
    for by_indicator in ({}, {"entropy": roc()}):
        with pytest.raises(InputError, match="expected indicators among"):
            confidence_roc({"Grid2": by_indicator}, NOTE)


def test_indicator_scores_dodges_its_dots_in_each_split():
    fig = plain("indicator_scores")
    assert titles(fig) == ["Which samples are OOD?", "Which validation samples have a high error?"]
    ax = fig.axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["Grid2", "Grid5", "July→Nov"]
    places = sorted(line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o")
    assert len(places) == 18 and np.diff(places).min() > 0.1
    assert [round(place) for place in places] == [0] * 6 + [1] * 6 + [2] * 6
    assert {"Maximum prediction", "open: sum-normalised", "95 % interval", "AUROC"} <= set(texts(fig))
    chance = [line for line in ax.lines if list(line.get_ydata()) == [0.5, 0.5]]
    assert len(chance) == 1


def test_indicator_scores_draws_the_targets_there_are_and_names_their_set():
    errors = [record | {"set": "ood"} for record in records() if record["target"] == "high_error"]
    assert titles(scores(records=errors)) == ["Which OOD samples have a high error?"]
    errors[0]["set"] = "val"
    assert titles(scores(records=errors)) == ["Which samples have a high error?"]


def test_indicator_scores_refuses_bad_records():
    first = records()[0]
    for record, message in (({"split": "grid2"}, "'indicator' is missing"),
                            (first | {"split": "spring"}, "split: 'spring' is missing"),
                            (first | {"target": "val"}, "target: 'val' is missing"),
                            (first | {"auroc": 1.2}, "from 0 to 1"), (first | {"ci95_auroc": [0.1]}, "low, high")):
        with pytest.raises(InputError, match=f"record 0.*{message}"):
            indicator_scores([record], NOTE)
    with pytest.raises(InputError, match="ood, july, max_prediction is given twice"):
        indicator_scores([first, first], NOTE)
    with pytest.raises(InputError, match="found none"):
        indicator_scores([], NOTE)


def test_risk_coverage_colours_the_sets_and_says_the_error_of_all():
    fig = plain("risk_coverage")
    shown = texts(fig)
    assert shown.count("50 m") == 4 and shown.count("241 m") == 4
    assert shown.count("validation") == 1 and "share of samples kept, surest first" in shown
    colours = [to_hex(line.get_color()) for line in fig.axes[0].lines if len(line.get_xdata()) == 10]
    assert colours == [style.SET_COLOUR["val"].lower(), style.SET_COLOUR["ood"].lower()]


def test_risk_coverage_refuses_bad_curves():
    for by_label, message in (({}, "no curve"), ({"test": ([1.0], [3.0])}, "'test' is missing"),
                              ({"OOD": ([0.5, 1.5], [3.0, 4.0])}, "from 0 to 1"),
                              ({"OOD": ([1.0], [np.nan])}, "median error: expected"),
                              ({"OOD": ([], [])}, "one or more"),
                              ({"OOD": ([0.5, 1.0], [3.0])}, "as many errors as shares")):
        with pytest.raises(InputError, match=f"risk_coverage, Grid2.*{message}"):
            risk_coverage({"Grid2": by_label}, NOTE)


def test_confidence_scatter_has_validation_above_ood_and_says_rho_and_the_share_of_low_confidence():
    fig = plain("confidence_scatter")
    shown = texts(fig)
    assert "Spearman ρ = −0.33\n20 % low-confidence" in shown and "Spearman ρ = −0.40\n20 % low-confidence" in shown
    above, below = fig.axes[0], fig.axes[4]
    assert (above.get_ylabel(), below.get_ylabel()) == ("validation: error [m]", "OOD: error [m]")
    assert above.get_xlim() == below.get_xlim() and above.get_ylim() == fig.axes[7].get_ylim()
    dots, = (drawn for drawn in below.collections if isinstance(drawn, PathCollection))
    assert len(dots.get_offsets()) == 10 and same_color(dots.get_facecolor()[0][:3], style.SET_COLOUR["ood"])
    assert [line.get_xdata() for line in above.lines] == [[0.15, 0.15]]


@pytest.mark.parametrize("threshold, side", [(0.15, "right"), (0.85, "left")])
def test_confidence_scatter_writes_where_the_threshold_is_not(threshold, side):
    ax = confidence_scatter({"Grid2": cloud(threshold)}, NOTE).axes[0]
    said, = (text for text in ax.texts if "Spearman" in text.get_text())
    assert said.get_ha() == side


def test_confidence_scatter_draws_an_error_of_zero_at_one_metre_and_one_confidence_for_all():
    fig = confidence_scatter({"Grid2": cloud(0.5, error_m=np.zeros(10), confidence=np.full(10, 0.5))}, NOTE)
    assert fig.axes[0].collections[0].get_offsets()[:, 1].min() == 1.0


def test_confidence_scatter_refuses_bad_samples():
    for panel, message in ((SimpleNamespace(val=1, ood=2), "'threshold' is missing"),
                           (cloud(np.nan), "finite threshold"), (cloud(rho=-2.0), "rho: expected"),
                           (cloud(error_m=[1.0]), "as many errors"),
                           (cloud(error_m=[-1.0]), "error_m: expected"), (cloud(confidence=[]), "confidence: expected"),
                           (SimpleNamespace(val=1, ood=2, threshold=0.1), "val: 'confidence' is missing")):
        with pytest.raises(InputError, match=f"confidence_scatter, Grid2.*{message}"):
            confidence_scatter({"Grid2": panel}, NOTE)


def test_prediction_maps_outline_the_unseen_cells_and_keep_their_transmitters_out():
    fig = plain("prediction_maps")
    assert titles(fig) == ["Grid2", "Grid5"]
    assert "3.1 % of 20 predictions lie inside unseen cells" in texts(fig)
    for ax, n in zip(fig.axes, (2, 5)):
        unseen_cells = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
        assert len(unseen_cells) == len(splits.grid_test_cells(n))
        seen, crosses = (drawn.get_offsets() for drawn in ax.collections)
        assert len(crosses) == 20
        assert len(seen) == (~np.isin(splits.cells(site(), n), splits.grid_test_cells(n))).sum()
        for cell in unseen_cells:
            (west, south), (east, north) = cell.get_bbox().get_points()
            assert not ((seen > (west, south)) & (seen < (east, north))).all(axis=1).any()


def test_prediction_maps_lay_predictions_on_the_transmitters_that_they_hit():
    ax = unseen(predictions_by_split={"grid2": said()}).axes[0]
    seen, crosses = (drawn.get_offsets() for drawn in ax.collections)
    distance_km = np.linalg.norm(crosses[:, None] - seen, axis=2).min(axis=1)
    hit = ~np.isin(splits.cells(site(), 2)[:20], splits.grid_test_cells(2))
    assert hit.any() and distance_km[hit].max() < 1e-6


def test_prediction_maps_are_wide_enough_for_all_and_take_the_seed():
    ax, other = unseen(predictions_by_split={"grid2": said(), "grid5": said(-3000.0)}).axes
    west, east = ax.get_xlim()
    assert ax.get_xlim() == other.get_xlim() and west < other.collections[1].get_offsets()[:, 0].min()
    cells = [[patch.get_xy() for patch in unseen(seed=seed).axes[1].patches] for seed in (0, 3)]
    assert cells[0] != cells[1]


def test_prediction_maps_refuse_bad_input():
    for name, shown, message in (("random", said(), "expected gridN"), ("grid2", said(np.nan), "x_hat: expected"),
                                 ("grid2", said(inside_share=3.1), "inside_share: expected"),
                                 ("grid2", said(y_hat=[1.0]), "as many y_hat"),
                                 ("grid2", SimpleNamespace(x_hat=[1.0]), "'y_hat' is missing")):
        with pytest.raises(InputError, match=f"prediction_maps, split {name}.*{message}"):
            unseen(predictions_by_split={name: shown})
    with pytest.raises(InputError, match="no split given"):
        unseen(predictions_by_split={})


def test_odd_inputs_draws_each_sensor_on_one_scale_and_says_how_far_off():
    fig = plain("odd_inputs")
    assert titles(fig) == ["Grid5 OOD input", "Interference"]
    assert {"500 m off", "scaled RSS", "true place of the transmitter", "predicted place"} <= set(texts(fig))
    first, second = (ax.collections[0] for ax in fig.axes[:2])
    assert sorted(first.get_array()) == [0.0, 0.5, 0.9] and first.get_clim() == second.get_clim() == (0, 0.9)
    assert list(first.get_offsets()[-1]) == pytest.approx([30.5 * 0.03, 9.5 * 0.03])


def test_odd_inputs_wrap_after_three():
    assert [len(odd(shown=[reading()] * number).axes) for number in (1, 3, 4)] == [2, 4, 5]
    assert odd(shown=[reading()]).get_figwidth() == style.COLUMN_IN


def test_odd_inputs_refuse_bad_panels():
    silent = np.full(GRID.shape, np.nan)
    for panel, message in ((reading(image=np.ones((3, 4))), "expected an image of"),
                           (reading(image=silent), "readings of the sensors: expected one or more"),
                           (reading(truth=(1.0, np.nan)), "truth: expected"),
                           (reading(estimate=(1.0,)), re.escape("expected a place (x, y)")),
                           (SimpleNamespace(title="a"), "'image' is missing")):
        with pytest.raises(InputError, match=f"odd_inputs, panel 1.*{message}"):
            odd(shown=[reading(), panel])
    with pytest.raises(InputError, match="no panel"):
        odd(shown=[])
