"""Figures on confidence and on unseen cells: each draws what its records say, and bears what was found."""

from functools import cache
from types import SimpleNamespace

import hand_made
import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import same_color

from rsslib.confidence.indicators import VARIANTS
from rsslib.data import splits
from rsslib.data.grid import Grid
from rsslib.ledger.wording import fixed
from rsslib.project import InputError
from rsslib.reports import style
from rsslib.reports.confidence_paper import figures, ood_detection
from rsslib.reports.confidence_paper.findings import detection, indicators

GRID = Grid(1000.0, 2000.0, 41, 37, 30.0)
NOTE = "n = 1, smoke profile"
MODELS = {"grid2": hand_made.shifted(), "november": hand_made.shifted("july", seed=1)}
PAPER = {"low_confidence_rate": {("grid2",): 0.666}, "spearman": {("grid2", "val"): -0.4},
         "low_confidence_median_m": {("grid2",): 397.5}}


@cache
def rocs():
    return {split: ood_detection.rocs(model, split) for split, model in MODELS.items()}


@cache
def scatters():
    return {split: scatter(model, split) for split, model in MODELS.items()}


def scatter(model, split):
    return ood_detection.scatter(model, split, ood_detection.error_records({split: model}))


@cache
def scatter_of_random():
    return scatter(hand_made.shifted("test"), "random")


def confidence_roc(paper=None, **options):
    return figures.confidence_roc(rocs(), paper, NOTE, **options)


@cache
def judged_indicators():
    return ood_detection.indicator_scores(MODELS)


@cache
def coverage():
    return ood_detection.coverage(MODELS)


def indicator_scores(**options):
    return figures.indicator_scores(*judged_indicators(), NOTE, **options)


def risk_coverage(**options):
    return figures.risk_coverage(coverage(), NOTE, **options)


def confidence_scatter(paper=None, **options):
    return figures.confidence_scatter(scatters(), paper, NOTE, **options)


def low_confidence_rates(paper=None, **options):
    return figures.low_confidence_rates(rates(), paper, NOTE, **options)


@cache
def rates():
    own = hand_made.predictions(["november"] * 5, np.ones(5), [60, 70, 80, 90, 100])
    november = hand_made.xr.concat([MODELS["november"], own], "sample", combine_attrs="override")
    return ood_detection.table3({"grid2": MODELS["grid2"], "november": november})


def cases():
    image = np.full(GRID.shape, np.nan)
    image[[3, 9, 30], [5, 30, 12]] = 0.2, 0.5, 0.9
    return [SimpleNamespace(title=title, image=image * scale, truth=(1300.0, 2300.0), estimate=(1600.0, 2700.0),
                            brightest=(1365.0, 2895.0), away_m=598.5, off_m=500.0)
            for title, scale in (("OOD sample", 1), ("Validation sample", 0.7))]


def odd_inputs(**options):
    return figures.odd_inputs(cases(), GRID, NOTE, **options)


@pytest.fixture
def unseen(campus):
    """Models of Grid2 and Grid3 that put OOD samples at the true locations, or 3 km to the west; their records."""
    models = {}
    for name, west in (("grid2", 0.0), ("grid3", 3000.0)):
        samples = splits.make(campus, name)["ood"]
        model = hand_made.predictions(["ood"] * len(samples), np.ones(len(samples)), np.zeros(len(samples)))
        for axis, shift in (("x", west), ("y", 0.0)):
            model[f"{axis}_true"][:] = campus[f"tx_{axis}"].values[samples, 0]
            model[f"{axis}_hat"][:] = model[f"{axis}_true"] - shift
        models[name] = model
    records = [{"split": name, "n": len(model.sample), "inside_share": 0.031, "ci95_inside_share": (0.02, 0.05),
                "near_outside_share": 0.3} for name, model in models.items()]
    return records, models


def texts(fig):
    """All texts of a figure, its legends included."""
    return [text.get_text() for text in fig.findobj(matplotlib.text.Text)]


def titles(fig):
    return [ax.get_title(loc="left") for ax in fig.axes if ax.get_title(loc="left")]


def points(ax, filled=None):
    """The heights of single marks in a panel; `filled` chooses those that are, or are not."""
    marks = [line for line in ax.lines if len(line.get_ydata()) == 1]
    if filled is not None:
        marks = [line for line in marks if same_color(line.get_markerfacecolor(), "white") != filled]
    return [line.get_ydata()[0] for line in marks]


DRAWN = [(confidence_roc, 3), (indicator_scores, 4), (risk_coverage, 2), (confidence_scatter, 4),
         (low_confidence_rates, 2), (odd_inputs, 3)]


@pytest.mark.parametrize("draw, panels", DRAWN)
def test_a_figure_has_its_panels_its_note_the_banner_if_synthetic_and_nothing_over_the_edge(draw, panels):
    fig, marked = draw(), draw(synthetic=True)
    assert len(fig.axes) == panels and NOTE in texts(fig) and style.BANNER not in texts(fig)
    assert style.BANNER in texts(marked)
    for page in [marked] + ([marked.column()] if marked.column else []):
        style.styled(page.draw_without_rendering)()
        boxes = [ax.get_tightbbox() for ax in page.axes] + [legend.get_window_extent() for legend in page.legends]
        for box in boxes:
            assert box.x0 >= -1 and box.x1 <= page.bbox.x1 + 1 and box.y0 >= -1
            assert box.y1 <= page.bbox.y1 - 0.2 * page.dpi


@pytest.mark.parametrize("draw", [draw for draw, _ in DRAWN[:-1]])
def test_small_multiples_have_a_variant_of_one_column(draw):
    fig = draw()
    assert fig.get_figwidth() == style.PAGE_IN
    column = fig.column()
    assert column.get_figwidth() == style.COLUMN_IN and column.told == fig.told
    assert len(column.axes) == len(fig.axes)


MANY = ("random", "grid2", "grid10", "july", "november", "grid5")


def drawn_for(names):
    """Functions that draw the five figures of separations for some of MANY, from the same hand-made numbers."""
    def named(records, splits_):
        return [record | {"split": name, "set": "val" if record["set"] == "val" else splits.report_set(name)}
                for name in splits_ for record in records if record["split"] == "grid2"]

    ood = [name for name in names if name != "random"]
    panels = {name: scatters()["grid2"] if name in ood else scatter_of_random() for name in names}
    curve, (val, other) = rocs()["grid2"], coverage()["grid2"].values()
    return {
        "roc": lambda: figures.confidence_roc({name: curve for name in ood}, None, NOTE),
        "scores": lambda: figures.indicator_scores(*(named(part, ood) for part in judged_indicators()), NOTE),
        "coverage": lambda: figures.risk_coverage({name: {"val": val, "ood" if name in ood else "test": other}
                                                   for name in names}, NOTE),
        "scatter": lambda: figures.confidence_scatter(panels, None, NOTE),
        "rates": lambda: figures.low_confidence_rates(named(rates(), names), None, NOTE)}


def overlapping(page):
    """Pairs of texts of a page that lie on each other, but for legends over curves."""
    style.styled(page.draw_without_rendering)()
    boxes = [(text.get_text(), text.get_window_extent()) for ax in page.axes if ax.axison
             for text in [ax.title, ax._left_title, ax.xaxis.label, *ax.get_xticklabels()]
             if text.get_text() and text.get_visible() and text.get_color() != "none"]
    return [(one, other) for number, (one, a) in enumerate(boxes) for other, b in boxes[:number]
            if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1]


@pytest.mark.parametrize("number", [2, 6])
def test_two_separations_and_six_are_legible_on_page_and_column(number):
    for name, draw in drawn_for(MANY[:number]).items():
        for page in (fig := draw(), fig.column()):
            assert overlapping(page) == [], name
            assert page.get_figheight() < 11, name
            for ax in page.axes:
                box, edges = ax.get_window_extent(), ax.get_tightbbox()
                assert box.width > 0.5 * page.dpi and box.height > 0.45 * page.dpi, name
                assert edges.x0 >= -1 and edges.x1 <= page.bbox.x1 + 1 and edges.y0 >= -1, name
            for legend in page.legends:
                edges = legend.get_window_extent()
                assert edges.x0 >= 0 and edges.x1 <= page.bbox.x1, name
            labels = {ax.get_xlabel() for ax in page.axes if ax.axison}
            if name == "coverage":
                assert "share of samples kept, most confident first" in labels


def test_more_separations_than_fit_are_refused_by_name():
    curves = {f"grid{n}": coverage()["grid2"] for n in range(2, 9)}
    with pytest.raises(InputError, match="splits: expected 1 to 6 data separations for one figure, found 7"):
        figures.risk_coverage(curves, NOTE)
    with pytest.raises(InputError, match="confidence_roc: curves: no records"):
        figures.confidence_roc({}, None, NOTE)


def test_random_is_called_test_and_nowhere_ood():
    pages = {name: draw() for name, draw in drawn_for(["random", "grid2"]).items()
             if name in ("scatter", "coverage", "rates")}
    assert "Random: test" in titles(pages["scatter"]) and "Random: OOD" not in titles(pages["scatter"])
    assert any(text.startswith("test  ") for text in texts(pages["coverage"]))
    assert titles(pages["rates"])[0] == "Low-confidence samples [%]"
    assert any(text.startswith("Random\ntest\n") for text in texts(pages["rates"]))
    assert "OOD, low confidence" not in texts(pages["rates"]) and "low confidence" in texts(pages["rates"])
    alone = drawn_for(["grid2"])["rates"]()
    assert "OOD, low confidence" in texts(alone) and titles(alone)[0] == "Low-confidence OOD samples [%]"


def test_a_rate_of_all_samples_stays_below_the_title_of_its_panel():
    record = rates()[0] | {"low_confidence_rate": 1.0, "ci95_low_confidence_rate": (0.98, 1.0)}
    for page in (fig := figures.low_confidence_rates([record], None, NOTE)), fig.column():
        style.styled(page.draw_without_rendering)()
        ax = page.axes[0]
        (said,) = (text for text in ax.texts if text.get_text() == "100")
        assert said.get_window_extent().y1 < ax._left_title.get_window_extent().y0


def test_the_legend_of_indicators_names_each_by_its_own_name():
    legend = [text.get_text() for text in indicator_scores().legends[0].get_texts()]
    assert legend == [*(style.LOOKS[name].label for name in VARIANTS), "95 % interval"]


def test_each_figure_bears_the_finding_of_its_records(campus, unseen):
    assert confidence_roc().told == indicators.roc(rocs(), {})
    assert indicator_scores().told == indicators.scores(*judged_indicators())
    assert risk_coverage().told == indicators.coverage(coverage())
    assert confidence_scatter().told == detection.scatter(scatters(), {})
    assert low_confidence_rates().told == detection.table3(rates(), {})
    assert figures.prediction_maps(campus, *unseen, NOTE).told == detection.maps(unseen[0])
    assert odd_inputs().told == detection.inputs(cases())


def test_drawing_again_gives_the_same_file(tmp_path):
    for draw in (confidence_roc, confidence_scatter):
        first, second = figures.save(draw(), tmp_path / "a.png").read_bytes(), tmp_path / "b.png"
        style._write(draw(), second)    # without its .pdf, which takes most of the time
        assert first == second.read_bytes() and len(first) < 400_000


def test_confidence_roc_names_every_curve_and_marks_each_threshold():
    fig, curves = confidence_roc(), rocs()["grid2"]
    large = fig.axes[0]
    named = [text.get_text() for text in large.get_legend().get_texts()]
    assert [label.rsplit(" ", 1) for label in named[:4]] == [
        [style.LOOKS[name].label, f"{curves[name].auroc:.2f}"] for name in VARIANTS[:4]]
    assert named[4] == "normalised, divided by their sums:" and len(named) == 7
    marks = {(line.get_xdata()[0], line.get_ydata()[0]) for line in large.lines if len(line.get_xdata()) == 1}
    assert marks == {curve.at_threshold for curve in curves.values()}
    lines = [line for line in large.lines if len(line.get_xdata()) > 1 and line.get_marker() not in ("", "None")]
    assert len({(line.get_marker(), line.get_color()) for line in lines}) == len(VARIANTS)
    assert sum(len(ax.get_legend().get_texts()) for ax in fig.axes[1:]) == len(VARIANTS)    # raw above, others below


def test_confidence_roc_draws_the_printed_rate_but_not_beside_synthetic_curves():
    paper = PAPER["low_confidence_rate"]
    assert points(confidence_roc(paper).axes[0], filled=False) == [0.666]
    assert points(confidence_roc(paper, synthetic=True).axes[0], filled=False) == []
    assert "paper 66.6 %" in confidence_roc(paper).told.title
    assert "paper" not in confidence_roc(paper, synthetic=True).told.title


def test_indicator_scores_draw_each_area_and_each_difference_with_its_interval():
    fig, records, pairs = indicator_scores(), *judged_indicators()
    assert titles(fig) == ["Which samples are OOD?", "Which OOD samples have a large error?"]
    ood = [record for record in records if record["target"] == "ood"]
    ahead = [pair for pair in pairs if pair["target"] == "ood" and pair["left_indicator"] == "max_mean_prediction"]
    for ax, judged, level in ((fig.axes[0], ood, 0.5), (fig.axes[2], ahead, 0.0)):
        assert set(points(ax)) == {record["auroc"] for record in judged}
        ends = {tuple(line.get_ydata()) for line in ax.lines if len(line.get_ydata()) == 2}
        assert ends == {(level, level)} | {    # one that is not known of drawn ensembles has no interval
            tuple(record.get("ci95_auroc", 2 * [record["auroc"]])) for record in judged}
    spots = sorted(line.get_xdata()[0] for line in fig.axes[0].lines if len(line.get_xdata()) == 1)
    assert np.diff(spots).min() > 0.1
    # the hand-made indicators are one and the same
    assert [text.get_text() for text in fig.axes[2].texts if text.get_text()] == ["undecided", "undecided"]


def test_risk_coverage_names_its_curves_with_the_error_of_all_and_draws_their_bands():
    fig, curves = risk_coverage(), coverage()
    for ax, by_set in zip(fig.axes, curves.values()):
        for name, curve in by_set.items():
            assert f"{style.LOOKS[name].label.removesuffix(' test')}  {curve.error[-1]:.0f} m" in texts(fig)
        bands = [band.get_datalim(ax.transData) for band in ax.collections]
        assert [(band.y0, band.y1) for band in bands] == [
            (pytest.approx(curve.low.min()), pytest.approx(curve.high.max())) for curve in by_set.values()]


def test_confidence_scatter_spaces_confidence_by_rank_and_says_rho_and_rate_beside_the_papers():
    panel = scatters()["grid2"]
    above, below = figures.confidence_scatter({"grid2": panel}, PAPER, NOTE).axes
    everyone = np.sort(np.concatenate([panel.val.confidence, panel.ood.confidence]))
    for ax, name, part in ((above, "val", panel.val), (below, "ood", panel.ood)):
        (dots,) = (drawn for drawn in ax.collections if isinstance(drawn, PathCollection))
        x, y = dots.get_offsets().T
        assert np.array_equal(y.data, np.maximum(part.error_m, 1.0))
        assert x.data == pytest.approx((np.searchsorted(everyone, part.confidence) + 0.5) / len(everyone))
        assert same_color(dots.get_facecolor()[0][:3], style.LOOKS[name].colour)
        assert (x < ax.lines[0].get_xdata()[0]).mean() == (part.confidence < panel.threshold).mean()
        rho, rate, *paper = ax.texts[0].get_text().splitlines()
        assert rho.startswith(f"ρ −{fixed(abs(part.record['spearman']), 2)} [") and rate == (
            f"{fixed(100 * part.record['low_confidence_rate'])} % low-confidence")
        assert paper == (["paper: ρ −0.40"] if name == "val" else ["paper: 66.6 %"])
    synthetic = figures.confidence_scatter({"grid2": panel}, PAPER, NOTE, synthetic=True)
    assert not any("paper:" in text for text in texts(synthetic))


def test_low_confidence_rates_draw_table_three_and_what_the_paper_prints():
    fig, records = low_confidence_rates(PAPER), rates()
    assert points(fig.axes[0], filled=True) == [100 * record["low_confidence_rate"] for record in records]
    assert points(fig.axes[0], filled=False) == [pytest.approx(66.6)]
    assert set(points(fig.axes[1], filled=True)) == {record[field] for record in records for field in detection.MEDIANS}
    assert points(fig.axes[1], filled=False) == [397.5] and "the paper's printed value" in texts(fig)
    assert points(low_confidence_rates(PAPER, synthetic=True).axes[1], filled=False) == []


def test_a_median_of_no_sample_is_not_drawn():
    model = hand_made.predictions(["val"] * 10 + ["ood"] * 2, [*np.linspace(0.5, 1, 10), 1, 1], np.full(12, 9.0))
    fig = figures.low_confidence_rates(ood_detection.table3({"grid2": model}), None, NOTE)
    assert points(fig.axes[0]) == [0.0] and points(fig.axes[1]) == [9.0, 9.0]


def test_figures_of_fewer_than_six_blocks_have_no_intervals(campus, unseen):
    model = MODELS["grid2"].assign_coords(block=("sample", np.arange(400) // 100))
    records, pairs = ood_detection.indicator_scores({"grid2": model})
    drawn = (figures.confidence_roc({"grid2": ood_detection.rocs(model, "grid2")}, None, NOTE),
             scores := figures.indicator_scores(records, pairs, NOTE),
             figures.risk_coverage(ood_detection.coverage({"grid2": model}), NOTE),
             figures.confidence_scatter({"grid2": scatter(model, "grid2")}, None, NOTE),
             rates := figures.low_confidence_rates(ood_detection.table3({"grid2": model}), None, NOTE),
             figures.prediction_maps(campus, [{key: value for key, value in record.items() if "ci95" not in key}
                                              for record in unseen[0]], unseen[1], NOTE))
    assert all("settled in" not in fig.told.title or "settled in 0" in fig.told.title for fig in drawn)
    assert all("[no interval]" in fig.told.alt + fig.told.title for fig in drawn)
    assert set(points(scores.axes[0])) == {record["auroc"] for record in records if record["target"] == "ood"}
    assert [text.get_text() for text in scores.axes[2].texts if text.get_text()] == ["undecided"]
    for ax in scores.axes[0], rates.axes[0]:    # an interval is a line from its one end to the other
        assert all(np.ptp(line.get_ydata()) == 0 for line in ax.lines if len(line.get_ydata()) == 2)


def test_prediction_maps_hold_every_prediction_and_join_it_to_the_true_place(campus, unseen):
    records, models = unseen
    fig = figures.prediction_maps(campus, records, models, NOTE)
    assert titles(fig) == ["Grid2", "Grid3"]
    assert f"3.1 % of {len(models['grid2'].sample)} predictions lie inside" in texts(fig)
    for ax, n in zip(fig.axes, (2, 3)):
        cells = [patch.get_bbox() for patch in ax.patches]
        assert len(cells) == len(splits.grid_test_cells(n))
        seen, true, crosses = (drawn.get_offsets() for drawn in ax.collections if isinstance(drawn, PathCollection))
        assert not any(cell.contains(*point) for cell in cells for point in seen)
        assert all(any(cell.contains(*point) for cell in cells) for point in true)
        (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
        assert (crosses >= (west, south)).all() and (crosses <= (east, north)).all()
        (lines,) = (drawn for drawn in ax.collections if isinstance(drawn, LineCollection))
        assert np.array_equal(lines.get_segments(), np.stack([true, crosses], axis=1))
    assert np.ptp(np.array(lines.get_segments())[:, :, 0], axis=1) == pytest.approx(3.0)


def test_odd_inputs_share_one_scale_ring_the_brightest_sensor_and_say_how_far_off():
    fig = odd_inputs()
    assert titles(fig) == ["OOD sample", "Validation sample"] and "ring 598 m away, prediction 500 m off" in texts(fig)
    first, second = (ax.collections[0] for ax in fig.axes[:2])
    assert sorted(first.get_array()) == [0.2, 0.5, 0.9] and first.get_clim() == second.get_clim() == (0, 0.9)
    dots, ring = first, fig.axes[0].collections[-1]
    assert np.allclose(ring.get_offsets()[0], dots.get_offsets()[np.argmax(dots.get_array())])
    assert len(ring.get_facecolor()) == 0
