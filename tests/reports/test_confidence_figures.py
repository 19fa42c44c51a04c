"""Figures of the first paper: each draws what its records say."""

import json
from types import SimpleNamespace

import hand_made
import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import same_color

from rsslib.data import splits
from rsslib.data.grid import Grid
from rsslib.project import ROOT
from rsslib.reports import style
from rsslib.reports.confidence_paper import figures, ood_detection

GRID = Grid(1000.0, 2000.0, 41, 37, 30.0)
TRUTH = GRID.to_metres(12.2, 20.4)
NOTE = "n = 1, smoke profile"
TITLES = ("Grid2", "Grid5", "July→Nov", "Nov→July")


def blob(column, row, spread=1.2):
    """A Gaussian of `spread` pixels."""
    rows, columns = np.indices(GRID.shape)
    return 0.5 * np.exp(-((columns - column) ** 2 + (rows - row) ** 2) / (2 * spread**2))


def sensor_image():
    image = np.full(GRID.shape, np.nan)
    image[[3, 9, 30], [5, 30, 12]] = 0.2, 0.5, 0.9
    return image


def pipeline(**options):
    return figures.pipeline(sensor_image(), blob(13, 20), TRUTH, GRID.to_metres(13, 20), GRID, NOTE, **options)


def loss_outputs(**options):
    images = {"com": blob(20, 15, 8), "pse": blob(14, 20), "emd": blob(12, 21)}
    return figures.loss_outputs(images, TRUTH, dict.fromkeys(images, TRUTH), GRID, NOTE, **options)


def ambiguous(**options):
    sensors = np.array([(1100.0, 2300.0, -80.0), (1900.0, 2900.0, -55.0)])
    modes = [(*TRUTH, 0.61), (*GRID.to_metres(30, 8), 0.37)]
    return figures.ambiguous(blob(12, 20) + blob(30, 8), sensors, TRUTH, modes, GRID, NOTE, **options)


def training_curves(epochs=90, **options):
    histories = {loss: [{"epoch": epoch} | {f"{name}_single_median_m": end + 300 / epoch
                                            for name in ("train", "val", "ood")} for epoch in range(1, epochs + 1)]
                 for loss, end in (("com", 60.0), ("emd", 61.0))}
    return figures.training_curves(histories, NOTE, **options)


def errors():
    return [{"loss": loss, "split": split, "set": name, "median_m": 100.0 + 10 * row, "ci95_m": [90.0, 140.0], "n": 70}
            for split in style.SEPARATIONS for row, loss in enumerate(("com", "pse", "emd"))
            for name in ("val", splits.report_set(split))]


def table2(records=None, paper=None, **options):
    return figures.table2(errors() if records is None else records, paper, NOTE, **options)


def error_cdf(**options):
    return figures.error_cdf({"Grid2": {loss: np.linspace(1, end, 50) for loss, end in (("com", 300), ("emd", 200))}},
                             NOTE, **options)


def models():
    return {"grid2": hand_made.shifted(), "november": hand_made.shifted("july", seed=1)}


def confidence_roc(**options):
    curves = {ood_detection.title(split): ood_detection.rocs(model, split) for split, model in models().items()}
    return figures.confidence_roc(curves, NOTE, **options)


def indicator_scores(**options):
    return figures.indicator_scores(ood_detection.indicator_records(models()), NOTE, **options)


def risk_coverage(**options):
    return figures.risk_coverage(ood_detection.coverage(models()), NOTE, **options)


def confidence_scatter(**options):
    panels = {ood_detection.title(split): ood_detection.scatter(model, split) for split, model in models().items()}
    return figures.confidence_scatter(panels, NOTE, **options)


def odd_inputs(**options):
    shown = [SimpleNamespace(title=title, image=sensor_image() * scale, truth=(1300.0, 2300.0),
                             estimate=(1600.0, 2700.0)) for title, scale in (("Grid5 OOD", 1), ("Interference", 0.7))]
    return figures.odd_inputs(shown, GRID, NOTE, **options)


def medians(paper=None, rates=None, **options):
    records = [{"set": name, "model": model, "median_m": 50.0 + rank, "ci95_m": [45.0, 70.0], "n": 70,
                "best_choice_rate": 0.86, "ci95_best_choice_rate": [0.8, 0.9]}
               for name in ("july", "november", "april")
               for rank, model in enumerate(("july", "november", "hybrid", "oracle"))]
    return figures.hybrid_medians(records, paper, NOTE, paper_rates=rates, **options)


def duel(**options):
    panel = SimpleNamespace(first=np.array([3.0, 0.2, 0.001]), second=np.array([0.5, 1.1, 0.4]),
                            first_better=np.array([True, False, False]), rate=0.855)
    return figures.confidence_duel({"July": panel, "April": panel}, NOTE, **options)


def sizes(**options):
    records = [{"n_cells": n, "set": name, "method": method, "median_m": median + n, "ci95_m": [median, median + 20],
                "n": 500 + n} for n in (2, 3, 10) for name in ("val", "ood")
               for method, median in (("cnn", 50.0), ("ranging", 330.0), ("hybrid", 52.0))]
    return figures.grid_sizes(records, NOTE, **options)


@pytest.fixture
def unseen(campus):
    """Predictions of the OOD samples of Grid2 and Grid3: the true locations, some 3 km to the west."""
    predicted = {}
    for name, west in (("grid2", 0.0), ("grid3", 3000.0)):
        samples = splits.make(campus, name)["ood"]
        model = hand_made.predictions(["ood"] * len(samples), np.ones(len(samples)), np.zeros(len(samples)))
        model["x_hat"][:], model["y_hat"][:] = campus.tx_x.values[samples, 0] - west, campus.tx_y.values[samples, 0]
        predicted[name] = model.assign_attrs(inside_share=0.031)
    return predicted


def texts(fig):
    """All texts of a figure, its legends included."""
    return [text.get_text() for text in fig.findobj(matplotlib.text.Text)]


def titles(fig):
    return [ax.get_title(loc="left") for ax in fig.axes if ax.get_title(loc="left")]


@pytest.mark.parametrize("draw, panels", [
    (pipeline, 5), (loss_outputs, 6), (ambiguous, 2), (training_curves, 3), (table2, 1), (error_cdf, 1),
    (confidence_roc, 2), (indicator_scores, 2), (risk_coverage, 2), (confidence_scatter, 4), (odd_inputs, 3),
    (medians, 2), (duel, 2), (sizes, 2)])
def test_a_figure_has_its_panels_its_note_the_banner_if_synthetic_and_nothing_over_the_edge(draw, panels):
    fig, marked = draw(), draw(synthetic=True)
    assert len(fig.axes) == panels and NOTE in texts(fig) and style.BANNER not in texts(fig)
    assert style.BANNER in texts(marked)
    style.styled(marked.draw_without_rendering)()
    boxes = [ax.get_tightbbox() for ax in marked.axes] + [legend.get_window_extent() for legend in marked.legends]
    for box in boxes:
        assert box.x0 >= -1 and box.x1 <= marked.bbox.x1 + 1 and box.y0 >= -1
        assert box.y1 <= marked.bbox.y1 - 0.2 * marked.dpi


def test_drawing_again_gives_the_same_file(tmp_path):
    for draw in (pipeline, table2, indicator_scores):
        first, second = (figures.save(draw(), tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
        assert first == second and len(first) < 400_000


def test_pipeline_reads_the_image_both_ways():
    shown = texts(figures.pipeline(sensor_image(), blob(12, 20), GRID.to_metres(12.0, 20.0), TRUTH, GRID, NOTE))
    assert "centre of mass: 0 m off" in shown and "largest pixel: 0 m off" in shown


def test_loss_outputs_enlarge_the_peaks_of_pse_and_emd_and_say_how_far_off():
    com, pse, emd = loss_outputs().axes[:3]
    assert [len(ax.child_axes) for ax in (com, pse, emd)] == [0, 1, 1]
    assert com.get_title(loc="right") == "0 m from the truth"


def test_ambiguous_letters_its_modes_with_their_shares():
    assert {"A  61 %", "B  37 %"} <= set(texts(ambiguous()))


@pytest.mark.parametrize("epochs", [1, 5, 90])
def test_training_curves_name_their_ends_without_overlap(epochs):
    for ax in training_curves(epochs).axes:
        low, high = sorted(text.xy[1] for text in ax.texts)
        assert high - low > 0.08
        assert {text.get_text()[:3] for text in ax.texts} == {"CoM", "EMD"}


def test_table_two_draws_the_judged_sets_and_the_papers_values_but_not_beside_synthetic_ones():
    paper = {("emd", "grid2"): 277.5}
    alone, beside, synthetic = table2(), table2(paper=paper), table2(paper=paper, synthetic=True)
    heights = [line.get_ydata()[0] for line in alone.axes[0].lines if len(line.get_ydata()) == 1]
    assert sorted(heights) == [100.0] * 5 + [110.0] * 5 + [120.0] * 5
    assert 277.5 in [line.get_ydata()[0] for line in beside.axes[0].lines]
    assert len(synthetic.axes[0].lines) == len(alone.axes[0].lines)
    assert "the paper's printed value" in texts(beside) and "the paper's printed value" not in texts(synthetic)
    few = [record for record in errors() if record["split"] in ("random", "grid2")]
    assert [label.get_text() for label in table2(few).axes[0].get_xticklabels()] == ["Random\nn = 70", "Grid2\nn = 70"]


def test_table_two_shows_the_median_seconds_of_each_loss_where_they_are_known():
    seconds = [{"loss": loss, "split": split, "value": 2.0 + extra} for loss in ("com", "pse", "emd")
               for split, extra in (("random", 0.0), ("july", 1.0), ("grid2", 5.0))]
    assert texts(table2(seconds=seconds)).count("3") == 3
    assert "seconds per epoch" not in texts(table2(seconds=[]))


def test_error_cdf_says_each_median():
    assert {"CoM 150 m", "EMD 100 m"} <= set(texts(error_cdf()))


def test_confidence_roc_lists_areas_best_first_and_marks_each_threshold():
    ax, curves = confidence_roc().axes[0], ood_detection.rocs(models()["grid2"], "grid2")
    listed = [float(text.get_text()) for text in ax.get_legend().get_texts()]
    assert listed == sorted(listed, reverse=True) == sorted((round(curve.auroc, 2) for curve in curves.values()),
                                                            reverse=True)
    marks = {(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if len(line.get_xdata()) == 1}
    assert marks == {curve.at_threshold for curve in curves.values()}


def test_indicator_scores_draw_each_area_of_the_ood_sets_with_its_interval():
    fig, records = indicator_scores(), ood_detection.indicator_records(models())
    assert titles(fig) == ["Which samples are OOD?", "Which OOD samples have a high error?"]
    ood = [record for record in records if record["target"] == "ood"]
    drawn = {line.get_ydata()[0] for line in fig.axes[0].lines if len(line.get_ydata()) == 1}
    assert drawn == {record["auroc"] for record in ood}
    ends = {tuple(line.get_ydata()) for line in fig.axes[0].lines if len(line.get_ydata()) == 2}
    assert ends == {tuple(record["ci95_auroc"]) for record in ood} | {(0.5, 0.5)}
    spots = sorted(line.get_xdata()[0] for line in fig.axes[0].lines if len(line.get_xdata()) == 1)
    assert np.diff(spots).min() > 0.1


def test_risk_coverage_says_the_error_of_all():
    shown = texts(risk_coverage())
    for label, end in (end for curves in ood_detection.coverage(models()).values() for end in curves.items()):
        assert f"{end[1][-1]:.0f} m" in shown and label in shown


def test_confidence_scatter_has_validation_above_ood_and_says_rho_and_the_low_share():
    panel = ood_detection.scatter(models()["grid2"], "grid2")
    above, below = figures.confidence_scatter({"Grid2": panel}, NOTE).axes
    for ax, name, part in ((above, "val", panel.val), (below, "ood", panel.ood)):
        (dots,) = (drawn for drawn in ax.collections if isinstance(drawn, PathCollection))
        assert np.array_equal(dots.get_offsets()[:, 1].data, np.maximum(part.error_m, 1.0))
        assert same_color(dots.get_facecolor()[0][:3], style.LOOKS[name].colour)
        low = (part.confidence < panel.threshold).mean()
        assert ax.texts[0].get_text() == f"Spearman ρ = −{abs(part.rho):.2f}\n{100 * low:.0f} % low-confidence"


def test_prediction_maps_hold_every_prediction_and_outline_the_unseen_cells(campus, unseen):
    fig = figures.prediction_maps(campus, unseen, NOTE)
    assert titles(fig) == ["Grid2", "Grid3"]
    assert f"3.1 % of {len(unseen['grid2'].sample)} predictions lie inside unseen cells" in texts(fig)
    for ax, n in zip(fig.axes, (2, 3)):
        cells = [patch.get_bbox() for patch in ax.patches]
        assert len(cells) == len(splits.grid_test_cells(n))
        seen, crosses = (drawn.get_offsets() for drawn in ax.collections)
        assert not any(cell.contains(*point) for cell in cells for point in seen)
        (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
        assert (crosses >= (west, south)).all() and (crosses <= (east, north)).all()
    crosses = fig.axes[0].collections[1].get_offsets()    # of Grid2 they lie at the truth, which is unseen
    assert all(any(patch.get_bbox().contains(*point) for patch in fig.axes[0].patches) for point in crosses)


def test_odd_inputs_share_one_scale_and_say_how_far_off():
    fig = odd_inputs()
    assert titles(fig) == ["Grid5 OOD", "Interference"] and "500 m off" in texts(fig)
    first, second = (ax.collections[0] for ax in fig.axes[:2])
    assert sorted(first.get_array()) == [0.2, 0.5, 0.9] and first.get_clim() == second.get_clim() == (0, 0.9)


def test_hybrid_medians_draw_values_rates_and_what_the_paper_prints():
    fig = medians({("july", "hybrid"): 55.8}, {"july": 0.874})
    errors_drawn, rates = ([line.get_ydata()[0] for line in ax.lines] for ax in fig.axes)
    assert {50.0, 51.0, 52.0, 53.0, 55.8} <= set(errors_drawn) and {86.0, 87.4} <= set(rates)
    assert "July model" in texts(fig) and "April\nn = 70" in texts(fig)
    synthetic = medians({("july", "hybrid"): 55.8}, {"july": 0.874}, synthetic=True)
    assert 55.8 not in [line.get_ydata()[0] for line in synthetic.axes[0].lines]


def test_the_duel_colours_each_sample_by_the_nearer_model_and_keeps_faint_ones_on_the_edge():
    ax = duel().axes[0]
    for name, expected in (("july", [[3.0, 0.5]]), ("november", [[0.2, 1.1], [0.03, 0.4]])):
        (dots,) = (drawn for drawn in ax.collections if isinstance(drawn, PathCollection)
                   and same_color(drawn.get_facecolor()[0][:3], style.LOOKS[name].colour))
        assert dots.get_offsets().tolist() == expected
    assert ax.get_title(loc="right") == "best choice 85.5 % of 3" and "≤0.03" in texts(ax.figure)


def test_grid_sizes_draw_a_line_for_each_method_named_without_overlap():
    for ax in sizes().axes:
        assert [list(line.get_ydata()) for line in ax.lines] == [[52, 53, 60], [332, 333, 340], [54, 55, 62]]
        assert np.diff(np.sort([text.xy[1] for text in ax.texts])).min() > 0.095
        assert ax.get_title(loc="right") == "n = 502 to 510"


@pytest.mark.parametrize("profile", ["smoke", "quick"])
def test_the_records_in_the_tree_can_be_drawn(profile):
    def records(name):
        return json.loads((ROOT / "results" / profile / f"{name}.json").read_text(encoding="utf-8"))["records"]

    assert len(figures.table2(records("table2"), None, NOTE).axes) == 1
    assert titles(figures.grid_sizes(records("fig11"), NOTE)) == ["In distribution", "OOD test"]
    figures.hybrid_medians(records("table4"), None, NOTE)
    figures.indicator_scores(records("fig07"), NOTE)
