"""Figures of the multi-emitter networks: what they say, the marks in their places, and the input they refuse."""

import functools
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from rsslib.project import InputError
from rsslib.reports.emitters_paper import figures
from rsslib.reports.emitters_paper.figures import scores as emitter_scores
from rsslib.reports.emitters_paper.figures.dots import emitter_counts, emitter_sweep, emitter_table
from rsslib.reports.emitters_paper.figures.maps import emitter_sample, emitter_scenes
from rsslib.reports.emitters_paper.figures.pipeline import emitter_pipeline
from rsslib.reports.emitters_paper.figures.scores import METHODS, METRICS, emitter_transfer

NOTE = "n = 1, smoke profile"
SOURCE = "(c) OpenStreetMap contributors, ODbL 1.0"
CELLS, SIDE_M = 16, 800.0
TRUTH = np.array([[4.0, 11.0], [12.0, 3.0]])
SENSORS = np.array([[2, 2, -95.0], [5, 10, -60.0], [11, 4, -70.0], [14, 14, -np.inf]])
LABELS = [label for label, _, _ in METHODS.values()]

ENVIRONMENTS = {name: emitter_scores.ENVIRONMENTS[name] for name in ("free_space", "chicago", "sydney")}


def networks(**changes):
    double = {"occupancy": 25_500, "localizer": 41_200}
    return {"single_stage": {"occupancy": None, "localizer": 70_100}, "two_stage_logit": double,
            "two_stage_binary": double} | changes


def draw_pipeline(parameters=None, **options):
    return emitter_pipeline(**{"parameters": networks() if parameters is None else parameters, "note": NOTE} | options)


def power_map(buildings=False):
    """Power of a -60 dBm and a -70 dBm emitter, 20 dB less for every ten times the distance."""
    away = np.hypot(*(np.stack(np.mgrid[:CELLS, :CELLS], axis=-1)[..., None, :] - TRUTH).transpose(3, 0, 1, 2))
    power = ([-60.0, -70.0] - 20 * np.log10(np.maximum(away, 0.5))).max(axis=-1)
    power[0, 0] = -np.inf
    if buildings:
        power[6:9, 6:9] = np.nan
    return power


def panel(**changes):
    return SimpleNamespace(**{"title": "Two-stage", "background": power_map() + 80, "colour": "logits",
                              "sensors": SENSORS, "truth": TRUTH, "predicted": TRUTH[::-1] + [0, 2]} | changes)


def sample_panels():
    return [panel(title="Power map", background=power_map(), colour="power", predicted=None),
            panel(title="Single-stage", background=None, colour="sensors", predicted=TRUTH[:1]), panel()]


def draw_sample(panels=None, **options):
    panels = sample_panels() if panels is None else panels
    return emitter_sample(**{"panels": panels, "side_m": SIDE_M, "note": NOTE} | options)


def scene(title="Chicago", **changes):
    return SimpleNamespace(**{"title": title, "side_m": SIDE_M, "power": power_map(True), "threshold_dbm": -80.0,
                              "sensors": SENSORS, "logits": np.full((CELLS, CELLS), 2.0), "truth": TRUTH,
                              "predicted": TRUTH + 1} | changes)


def draw_scenes(rows=None, **options):
    rows = [scene("Free space", power=power_map()), scene()] if rows is None else rows
    return emitter_scenes(**{"rows": rows, "note": NOTE} | options)


def scores(**keys):
    values = {"cmr": 0.64, "rmse_fraction": 0.14, "fa": 0.08, "mr": 0.09}
    return keys | values | {f"ci95_{name}": [0.9 * value, 1.1 * value] for name, value in values.items()}


def table_records():
    return [scores(environment=place, method=method) for place in ENVIRONMENTS for method in METHODS]


def draw_table(records=None, **options):
    records = table_records() if records is None else records
    return emitter_table(**{"records": records, "paper": None, "note": NOTE} | options)


def sweep_records():
    return [scores(method=method, n_sensors=size) for size in (128, 16, 32, 64) for method in METHODS]


def draw_sweep(records=None, **options):
    return emitter_sweep(**{"records": sweep_records() if records is None else records, "note": NOTE} | options)


def counts_records():
    return [{"environment": place, "method": method, "true_count": number, "share_right": 1 - number / 10}
            for place in ENVIRONMENTS for method in METHODS for number in (3, 1, 2)]


def draw_counts(records=None, **options):
    return emitter_counts(**{"records": counts_records() if records is None else records, "note": NOTE} | options)


def transfer_records(tested=(*ENVIRONMENTS, "munich")):
    return [{"trained_on": one, "tested_on": other, "method": method, "cmr": 0.65 if one == other else 0.42}
            for one in ENVIRONMENTS for other in tested for method in METHODS]


def draw_transfer(records=None, **options):
    return emitter_transfer(**{"records": transfer_records() if records is None else records, "note": NOTE} | options)


DRAWN = {"pipeline": (draw_pipeline, 1), "sample": (draw_sample, 5), "scenes": (draw_scenes, 11),
         "table": (draw_table, 4), "sweep": (draw_sweep, 2), "counts": (draw_counts, 3), "transfer": (draw_transfer, 4)}
SCORES = {"table": (draw_table, table_records), "sweep": (draw_sweep, sweep_records),
          "counts": (draw_counts, counts_records), "transfer": (draw_transfer, transfer_records)}


@functools.cache
def plain(name):
    return DRAWN[name][0]()


def texts(fig):
    """All texts of a figure, its legends included."""
    return [text.get_text() for text in fig.findobj(matplotlib.text.Text)]


def overlaps(fig, ax):
    """Pairs of texts written into a panel that lie on each other."""
    fig.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in ax.texts]
    return [(one, other) for i, (one, box) in enumerate(boxes) for other, second in boxes[:i] if box.overlaps(second)]


@pytest.mark.parametrize("name", DRAWN)
def test_figures_have_their_panels_the_note_and_a_banner_only_if_synthetic(name):
    draw, panels = DRAWN[name]
    fig, marked = plain(name), draw(synthetic=True)
    assert isinstance(fig, Figure) and len(fig.axes) == panels
    assert NOTE in texts(fig) and figures.BANNER not in texts(fig)
    assert figures.BANNER in texts(marked)
    assert marked.get_figheight() == pytest.approx(fig.get_figheight() + 0.22)


@pytest.mark.parametrize("name", ["pipeline", "sample", "scenes", "table"])
def test_saving_twice_gives_equal_bytes_and_small_files(name, tmp_path):
    first = figures.save(DRAWN[name][0](), tmp_path / "a.png").read_bytes()
    second = figures.save(plain(name), tmp_path / "b.png").read_bytes()
    assert first == second and len(first) < 400_000


@pytest.mark.parametrize("name", ["sample", "scenes"])
def test_maps_name_the_source_of_their_data_only_if_there_is_one(name):
    draw = DRAWN[name][0]
    assert f"{NOTE}. {SOURCE}" in texts(draw(attribution=SOURCE))
    assert not any("OpenStreetMap" in text for text in texts(plain(name)))


def test_pipeline_says_the_parameters_of_each_network_and_way():
    fig = plain("pipeline")
    shown = texts(fig)
    for count in ("70.1 k", "66.7 k", "25.5 k", "41.2 k"):
        assert f"{count} parameters" in shown
    assert {"(a)  Single-stage", "(b)  Two-stage", "logits", "binary map", "Output matrix"} <= set(shown)
    assert overlaps(fig, fig.axes[0]) == []
    other = draw_pipeline(networks(two_stage_binary={"occupancy": 25_500, "localizer": 41_000}))
    assert {"66.7 k or 66.5 k parameters", "41.2 k or 41.0 k parameters"} <= set(texts(other))
    assert overlaps(other, other.axes[0]) == []


@pytest.mark.parametrize("change, message", [
    ({"single_stage": {"localizer": 1}}, "single_stage: 'occupancy' is missing"),
    ({"single_stage": {"occupancy": 9, "localizer": 1}}, "single_stage, occupancy: expected None"),
    ({"two_stage_logit": {"occupancy": None, "localizer": 1}}, "two_stage_logit, occupancy: expected one or more"),
    ({"two_stage_binary": {"occupancy": 5, "localizer": 0}}, "two_stage_binary, localizer: expected one or more")])
def test_pipeline_refuses_bad_parameters(change, message):
    with pytest.raises(InputError, match=f"emitter_pipeline.*{message}"):
        draw_pipeline(networks(**change))
    with pytest.raises(InputError, match="'two_stage_binary' is missing"):
        draw_pipeline({key: value for key, value in networks().items() if key != "two_stage_binary"})


def test_sample_says_what_came_of_each_method_and_joins_only_a_right_count():
    fig = plain("sample")
    power, single, double = fig.axes[:3]
    said = [[text.get_text() for text in ax.texts] for ax in (power, single, double)]
    assert said[0][0] == "2 emitters" and "200 m" in said[0] and "N" in said[0]
    assert said[1:] == [["1 instead of 2 emitters"], ["count right, 100 m off"]]    # 2 of 16 cells of 800 m
    dashed = [[line for line in ax.lines if line.get_linestyle() == "--"] for ax in (single, double)]
    assert [len(lines) for lines in dashed] == [0, 2]
    assert dashed[1][0].get_xydata().tolist() == [pytest.approx([0.575, 0.225]), pytest.approx([0.675, 0.225])]
    assert {"logit of occupancy", "received power [dBm]"} <= {ax.get_ylabel() for ax in fig.axes[3:]}
    assert "buildings" not in texts(fig)


def test_sample_scales_logits_evenly_around_zero_and_power_over_maps_and_sensors():
    power, _, double = plain("sample").axes[:3]
    low, high = double.images[0].get_clim()
    assert low == -high and high >= 1
    assert power.images[0].get_clim()[0] >= -95.0 and np.isfinite(power.images[0].get_array()).all()


def test_sample_draws_one_panel_no_sensors_and_no_emitters():
    fig = draw_sample([panel(sensors=None, truth=[], predicted=[])])
    assert len(fig.axes) == 2 and "sensor" not in texts(fig) and "count right" in texts(fig)
    wrong = draw_sample([panel(background=power_map(True), colour="sensors", predicted=np.empty((0, 2)))])
    assert "0 instead of 2 emitters" in texts(wrong) and "buildings" in texts(wrong)


@pytest.mark.parametrize("change, message", [
    ({"colour": "heat"}, "colour: 'heat' is missing"), ({"background": None}, "needs a background"),
    ({"background": np.ones((4, 5))}, "background: expected a map"),
    ({"background": np.full((4, 4), np.nan)}, "background: expected a map"),
    ({"background": np.full((4, 4), np.inf)}, "background: expected a map"),
    ({"background": np.ones((9, 9))}, "of one size"), ({"sensors": TRUTH}, "sensors: expected 3 columns"),
    ({"sensors": [[1, 2, np.nan]]}, "sensors: expected 3 columns"), ({"sensors": [[1, 16, -80.0]]}, "in cells"),
    ({"truth": [[1.0, np.nan]]}, "truth: expected 2 columns"), ({"truth": 60 * TRUTH}, "truth: expected rows"),
    ({"predicted": [1.0, 2.0]}, "predicted: expected 2 columns")])
def test_sample_refuses_bad_panels(change, message):
    with pytest.raises(InputError, match=f"emitter_sample.*{message}"):
        draw_sample([*sample_panels()[:2], panel(**change)])


def test_sample_refuses_missing_attributes_no_panel_no_cells_and_no_side():
    lacking = panel()
    del lacking.truth
    with pytest.raises(InputError, match="panel 0: 'truth' is missing"):
        draw_sample([lacking])
    for panels in ([], [panel()] * 6):
        with pytest.raises(InputError, match="expected 1 to 5 panels"):
            draw_sample(panels)
    with pytest.raises(InputError, match="how many cells.*none"):
        draw_sample([panel(background=None, colour="sensors")])
    with pytest.raises(InputError, match="side_m"):
        draw_sample(side_m=np.nan)


def test_scenes_show_each_environment_from_power_to_predictions():
    fig = plain("scenes")
    free, chicago = fig.axes[:4], fig.axes[4:8]
    assert [ax.get_title(loc="left") for ax in free] == ["Power map", "Sensors", "Logits of occupancy", "Predictions"]
    assert [line[0].get_ylabel() for line in (free, chicago)] == ["Free space", "Chicago"]
    shown = texts(fig)
    assert shown.count("2 of 4 above −80 dBm") == 2 and shown.count("count right, 71 m off") == 2
    assert {"true emitter", "predicted emitter", "sensor above the threshold", "sensor at or below it",
            "buildings"} <= set(shown)
    open_ones = [to_hex(face) for face in chicago[1].collections[0].get_facecolor()].count("#ffffff")
    assert open_ones == 2
    assert np.ma.getmaskarray(chicago[2].images[0].get_array()).sum() == 9   # logits indoors mean nothing
    assert [ax.get_xlabel() for ax in fig.axes[8:]] == [*["received power [dBm]"] * 2, "logit of occupancy"]
    assert free[0].images[0].get_clim() == chicago[0].images[0].get_clim()
    assert "buildings" not in texts(draw_scenes([scene(power=power_map())]))


@pytest.mark.parametrize("change, message", [
    ({"logits": np.ones((4, 4))}, "power and logits of one size"), ({"power": np.ones(4)}, "power: expected a map"),
    ({"side_m": 0.0}, "side_m"), ({"threshold_dbm": np.nan}, "threshold_dbm"), ({"truth": [[1, 99]]}, "in cells"),
    ({"predicted": [[1, 2, 3]]}, "predicted: expected 2 columns"), ({"sensors": [[1, 2]]}, "sensors: expected 3")])
def test_scenes_refuse_bad_rows(change, message):
    with pytest.raises(InputError, match=f"emitter_scenes, row 1.*{message}"):
        draw_scenes([scene(), scene(**change)])


def test_scenes_refuse_missing_attributes_and_no_row():
    lacking = scene()
    del lacking.logits
    with pytest.raises(InputError, match="row 0: 'logits' is missing"):
        draw_scenes([lacking])
    with pytest.raises(InputError, match="expected 1 to 5 rows, found 0"):
        draw_scenes([])


def test_table_draws_percent_with_labels_and_units():
    fig = plain("table")
    assert [ax.get_title(loc="left") for ax in fig.axes] == [title for title, *_ in METRICS.values()]
    assert [ax.get_ylabel() for ax in fig.axes] == [unit for _, unit, *_ in METRICS.values()]
    for ax, value in zip(fig.axes, ("64.0", "14.0", "8.0", "9.0")):
        assert [label.get_text() for label in ax.get_xticklabels()] == list(ENVIRONMENTS.values())
        assert [text.get_text() for text in ax.texts] == [value] * 9
        assert overlaps(fig, ax) == []
    assert set(LABELS) <= set(texts(fig)) and "the paper's printed value" not in texts(fig)


def test_table_sets_the_papers_values_beside_ours_and_the_number_on_the_other_side():
    place = "sydney", "single_stage"
    fig = draw_table(paper={(*place, "cmr"): 0.66, (*place, "rmse_fraction"): 0.13, (*place, "fa"): None})
    marks = [[line.get_ydata()[0] for line in ax.lines if line.get_markerfacecolor() == "white"] for ax in fig.axes]
    assert marks == [[pytest.approx(66.0)], [pytest.approx(13.0)], [], []]
    below = [[text.get_va() for text in ax.texts].count("top") for ax in fig.axes]
    assert below == [1, 0, 0, 0] and "the paper's printed value" in texts(fig)
    with pytest.raises(InputError, match="not comparable"):
        draw_table(paper={(*place, "cmr"): 0.66}, synthetic=True)
    with pytest.raises(InputError, match="paper, sydney, single_stage, cmr.*from 0 to 1"):
        draw_table(paper={(*place, "cmr"): 64.01})


def test_table_draws_the_environments_and_methods_there_are():
    few = [record for record in table_records() if record["environment"] == "free_space"][:2]
    fig = draw_table(few)
    assert [label.get_text() for label in fig.axes[0].get_xticklabels()] == ["Free space"]
    assert "two-stage, binary" not in texts(fig) and len(fig.axes[0].texts) == 2


def test_sweep_has_ticks_at_the_sizes_and_a_line_for_each_method():
    fig = plain("sweep")
    for ax, value in zip(fig.axes, (64, 14)):
        assert ax.get_xscale() == "log" and [label.get_text() for label in ax.get_xticklabels()] == [
            "16", "32", "64", "128"]
        assert [line.get_xydata().tolist() for line in ax.lines] == [
            [[size, pytest.approx(value)] for size in (16, 32, 64, 128)]] * 3
        assert ax.get_ylim()[0] == 0
    assert set(LABELS) <= set(texts(fig))


def test_counts_have_a_panel_for_each_environment_and_draw_intervals_where_known():
    fig = plain("counts")
    assert [ax.get_title(loc="left") for ax in fig.axes] == list(ENVIRONMENTS.values())
    for ax in fig.axes:
        assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2", "3"]
        assert sorted(text.get_text() for text in ax.texts) == ["70"] * 3 + ["80"] * 3 + ["90"] * 3
        assert overlaps(fig, ax) == []
    known = [record | {"ci95_share_right": (0.5, 1.0)} for record in counts_records()]
    assert draw_counts(known).axes[0].lines[0].get_ydata() == pytest.approx([50, 100])
    assert len(draw_counts([record for record in known if record["environment"] == "sydney"]).axes) == 1


def test_transfer_frames_each_networks_own_environment_and_names_the_others():
    fig = plain("transfer")
    assert [ax.get_title(loc="left") for ax in fig.axes[:3]] == [label.capitalize() for label in LABELS]
    for ax in fig.axes[:3]:
        assert [label.get_text() for label in ax.get_xticklabels()] == [*ENVIRONMENTS.values(), "Munich"]
        assert len(ax.patches) == 3 and [text.get_text() for text in ax.texts].count("65.0") == 3
        assert overlaps(fig, ax) == []
    assert fig.axes[3].get_ylabel() == "CMR [%]"
    wide = draw_transfer(transfer_records((*ENVIRONMENTS, "munich", "florence", "etoile")))
    assert overlaps(wide, wide.axes[0]) == [] and wide.axes[0].get_xticklabels()[0].get_rotation() == 35
    equal = [record | {"cmr": 0.6} for record in transfer_records(ENVIRONMENTS)]
    assert len(draw_transfer(equal).axes[0].texts) == 9


@pytest.mark.parametrize("name", SCORES)
def test_scores_refuse_missing_keys_unknown_methods_twice_gaps_and_no_records(name):
    draw, records = SCORES[name]
    for key in records()[1]:
        if key not in ("fa", "mr", "ci95_fa", "ci95_mr") or name == "table":
            with pytest.raises(InputError, match=f"emitter_{name}, record 1: '{key}' is missing"):
                draw([{k: v for k, v in r.items() if k != key or i != 1} for i, r in enumerate(records())])
    for wrong, message in (([], "no records"), (records() + records()[:1], "given twice"),
                           (records()[1:], "there is no record of"),
                           ([records()[0] | {"method": "yolo"}], "expected method among.*found 'yolo'")):
        with pytest.raises(InputError, match=f"emitter_{name}.*{message}"):
            draw(wrong)


@pytest.mark.parametrize("name, change, message", [
    ("table", {"cmr": 64.0}, "cmr and its interval"), ("table", {"rmse_fraction": np.nan}, "rmse_fraction"),
    ("table", {"mr": -0.1}, "mr and its interval"), ("table", {"ci95_fa": [0.2, 0.1]}, "ci95_fa"),
    ("table", {"ci95_fa": [0.2]}, "ci95_fa"), ("table", {"ci95_cmr": None}, "'ci95_cmr' is missing"),
    ("table", {"environment": "munich"}, "found 'munich'"), ("sweep", {"n_sensors": 0}, "n_sensors"),
    ("sweep", {"n_sensors": np.nan}, "n_sensors"), ("sweep", {"cmr": None}, "cmr"),
    ("counts", {"share_right": 85.0}, "share_right"), ("counts", {"true_count": None}, "true_count"),
    ("counts", {"ci95_share_right": (0.9, np.nan)}, "share_right"), ("transfer", {"cmr": np.nan}, "cmr")])
def test_scores_refuse_values_out_of_range(name, change, message):
    draw, records = SCORES[name]
    with pytest.raises(InputError, match=f"emitter_{name}.*{message}"):
        draw([records()[0] | change, *records()[1:]])
