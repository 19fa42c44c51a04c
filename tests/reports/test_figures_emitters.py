"""Figures of the multi-emitter networks: panels, notes and banners, and what they tell of a sample or a record."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text

from rsslib.emitters.networks import METHODS
from rsslib.project import InputError
from rsslib.reports import style
from rsslib.reports.emitters_paper import figures
from rsslib.reports.emitters_paper.cases import Case
from rsslib.reports.emitters_paper.findings import ray_traced

NOTE, SOURCE = "n = 1, smoke profile", "(c) OpenStreetMap contributors, ODbL 1.0"
ENVIRONMENTS = ("free_space", "chicago", "sydney")
SEES = dict(zip(METHODS, (None, "logits and readings", "binary map")))
CELLS, TRUTH = 16, np.array([[4.0, 11.0], [12.0, 3.0]])
SENSORS = np.array([[2, 2, -95.0], [5, 10, -60.0], [11, 4, -70.0], [14, 14, -np.inf]])


def case(buildings=False, **changes):
    """Power of a -60 dBm and a -70 dBm emitter, 20 dB less for every ten times the distance, on a map of 800 m."""
    away = np.linalg.norm(np.moveaxis(np.indices((CELLS, CELLS)), 0, -1)[..., None, :] - TRUTH, axis=-1)
    power = ([-60.0, -70.0] - 20 * np.log10(np.maximum(away, 0.5))).max(axis=-1)
    power[0, 0] = -np.inf
    if buildings:
        power[6:9, 6:9] = np.nan
    return replace(Case("Free space", "", 800.0, -80.0, power, power + 80, SENSORS, TRUTH, TRUTH[::-1] + [0, 2]),
                   **changes)


def scores(**keys):
    keys = {"n_max": 3, "second_stage_sees": SEES[keys["method"]], "samples": 99} | keys
    values = {"cmr": 0.64, "rmse_fraction": 0.14, "fa": 0.08, "mr": 0.09}
    return keys | values | {f"ci95_{name}": [0.9 * value, 1.1 * value] for name, value in values.items()}


TABLE = [scores(environment=name, method=method) for name in ENVIRONMENTS for method in METHODS]
SWEEP = [scores(method=method, n_sensors=sensors) for sensors in (128, 16, 32) for method in METHODS]
COUNTS = [{"environment": name, "method": method, "true_count": count, "share_right": 1 - count / 10, "n": 5}
          for name in ENVIRONMENTS for method in METHODS for count in (3, 1, 2)]
EFFECTS = [{"environment": name, "method": method, "from_db": low, "to_db": high, "share_right": 0.5, "n": 5}
           for name in ENVIRONMENTS for method in METHODS for low, high in ((10.0, None), (0.0, 0.1), (0.1, 1.0))]
TRANSFER = [scores(trained_on=one, tested_on=other, method=method) | {"cmr": 0.65 if one == other else 0.42}
            for one in ENVIRONMENTS for other in (*ENVIRONMENTS, "munich") for method in METHODS]
PARAMETERS = {"single_stage": 68_144, "two_stage_logit": 71_625, "two_stage_binary": 71_369}
PAIRED = [{"environment": name, "left_method": left, "right_method": right, "samples": 9,
           "left_second_stage_sees": SEES[left], "right_second_stage_sees": SEES[right], "cmr": -0.05,
           "ci95_cmr": [-0.07, -0.03], "rmse_px_both_right": 1.0, "ci95_rmse_px_both_right": [0.5, 1.5]}
          for name in ENVIRONMENTS for right, left in combinations(METHODS, 2)]
MOVED = [{"tested_on": other, "left_trained_on": one, "right_trained_on": other, "environment": other, "samples": 9,
          "left_method": method, "right_method": method, "cmr": -0.2, "ci95_cmr": [-0.3, -0.1],
          "rmse_px_both_right": 2.0, "ci95_rmse_px_both_right": [1.0, 3.0]}
         for one in ENVIRONMENTS for other in ENVIRONMENTS if one != other for method in METHODS]
RAYS = [scores(trained_on="chicago", tested_on=f"sydney, {model}", method=method, samples=9)
        for model in ray_traced.MODELS for method in METHODS]
DRAWN = {"pipeline": (figures.emitter_pipeline, (PARAMETERS, 30_471), 1),
         "task": (figures.emitter_task, (case(),), 5),
         "sample": (figures.emitter_sample, (case(predicted=TRUTH[:1]), case()), 5),
         "scenes": (figures.emitter_scenes, ([case(), case(True, title="Chicago", attribution=SOURCE)],), 10),
         "rays": (figures.emitter_rays, ([case(), case(title="Traced")],), 10),
         "table": (figures.emitter_table, (TABLE, PAIRED, None), 4), "sweep": (figures.emitter_sweep, (SWEEP, 2), 2),
         "counts": (figures.emitter_counts, (COUNTS,), 3), "effects": (figures.emitter_effects, (EFFECTS,), 3),
         "transfer": (figures.emitter_transfer, (TRANSFER, MOVED), 2),
         "ray scores": (figures.emitter_ray_scores, (RAYS,), 2)}


def draw(name, **options):
    function, arguments, _ = DRAWN[name]
    return function(*arguments, note=NOTE, **options)


def texts(fig):
    """All texts of a figure or of a panel, its legends included."""
    return [text.get_text() for text in fig.findobj(Text)]


@pytest.mark.parametrize("name", DRAWN)
def test_figures_have_their_panels_and_a_banner_only_if_synthetic(name):
    fig, marked = draw(name), draw(name, synthetic=True)
    assert len(fig.axes) == DRAWN[name][2] and any(NOTE in text for text in texts(fig))
    assert style.BANNER not in texts(fig) and style.BANNER in texts(marked)


@pytest.mark.parametrize("name", ["pipeline", "scenes", "transfer"])
def test_saving_twice_gives_equal_bytes_and_small_files(name, tmp_path):
    first, second = figures.save(draw(name), tmp_path / "a.png").read_bytes(), tmp_path / "b.png"
    style._write(draw(name), second)    # without its .pdf, which takes most of the time
    assert first == second.read_bytes() and len(first) < 400_000


def test_the_pipeline_has_the_parameters_of_each_network():
    assert {"68.1 k parameters", "71.6 k or 71.4 k parameters", "occupancy network\n30.5 k parameters",
            "residual CNN, fewer channels\n41.2 k or 40.9 k parameters"} <= set(texts(draw("pipeline")))


def test_a_sample_has_the_outcome_of_each_method_and_joins_only_a_right_count():
    power, single, two = draw("sample").axes[:3]
    assert "2 emitters" in texts(power) and "1 instead of 2 emitters" in texts(single)
    assert "count right, 100 m off" in texts(two)    # each 2 of 16 cells of 800 m
    joined = [[line.get_xydata() for line in ax.lines if line.get_linestyle() == "--"] for ax in (single, two)]
    assert [len(lines) for lines in joined] == [0, 2]
    assert joined[1][0] == pytest.approx(np.array([[0.575, 0.225], [0.675, 0.225]]))    # [km]


def test_logits_are_scaled_evenly_around_zero_and_no_power_is_infinite():
    power, _, two = draw("sample").axes[:3]
    low, high = two.images[0].get_clim()
    assert low == -high and np.isfinite(power.images[0].get_array()).all()


def test_maps_name_buildings_and_source_only_if_there_are_some():
    assert {f"{NOTE}. {SOURCE}", "buildings"} <= set(texts(draw("scenes")))
    assert not {f"{NOTE}. {SOURCE}", "buildings"} & set(texts(draw("sample")))


def test_scenes_count_the_sensors_above_the_threshold():
    assert texts(draw("scenes")).count("2 of 4 above −80 dBm") == 2


def test_a_sample_without_any_emitter_found():
    fig = figures.emitter_scenes([case(predicted=np.empty((0, 2)))], NOTE)
    assert "0 instead of 2 emitters" in texts(fig)


def test_the_table_draws_the_papers_values_open_where_there_are_some():
    key = "sydney", "single_stage"
    fig = figures.emitter_table(TABLE, PAIRED, {(*key, "cmr"): 0.66, (*key, "fa"): None}, NOTE)
    open_markers = [[float(line.get_ydata()[0]) for line in ax.lines if line.get_markerfacecolor() == "white"]
                    for ax in fig.axes]
    assert open_markers == [[pytest.approx(66)], [], [], []]
    assert [texts(ax).count(value) for ax, value in zip(fig.axes, ("64.0", "14.0", "8.0", "9.0"))] == [9] * 4
    assert "the paper's printed value" in texts(fig) and "the paper's printed value" not in texts(draw("table"))


def test_figures_draw_the_environments_and_methods_of_the_records():
    oslo = [scores(environment="oslo", method=method) for method in METHODS[:2]]
    fig = figures.emitter_table(oslo, [], None, NOTE)
    assert {"Oslo", "single-stage"} <= set(texts(fig)) and not {"Chicago", "two-stage, binary"} & set(texts(fig))


def test_the_sweep_joins_the_numbers_of_sensors_in_rising_order():
    line = draw("sweep").axes[0].lines[0]
    assert line.get_xdata().tolist() == [16, 32, 128] and line.get_ydata() == pytest.approx(64)


def test_counts_draw_intervals_where_they_are_known():
    known = [record | {"ci95_share_right": (0.5, 1.0)} for record in COUNTS]
    interval = figures.emitter_counts(known, NOTE).axes[0].lines[0]
    assert interval.get_ydata() == pytest.approx([50, 100])


def test_transfer_leads_from_a_citys_own_networks_to_those_trained_elsewhere():
    fig = draw("transfer")
    labels = [label.get_text() for label in fig.axes[0].get_xticklabels()]
    assert labels[:3] == ["tested and trained\nin free space", "tested in free space,\ntrained in Chicago",
                          "tested in free space,\ntrained in Sydney"]
    slopes = [line for line in fig.axes[0].lines if len(set(line.get_xdata())) == 2 and line.get_marker() == "None"]
    assert len(slopes) == 3 * 3 * 2    # none for Munich, where no network is at home
    assert {tuple(line.get_ydata().round()) for line in slopes} == {(65.0, 42.0)}


def test_the_sweep_marks_the_sensors_of_the_table_and_leaves_more_emitters_out():
    five = scores(method="single_stage", n_sensors=99, n_max=5)
    fig = figures.emitter_sweep([*SWEEP, five], 2, NOTE, marked=40)
    assert any(list(line.get_xdata()) == [40, 40] for line in fig.axes[0].lines)
    assert "40, as in the table" in texts(fig) and 99 not in fig.axes[0].lines[0].get_xdata()


def test_labels_of_few_tests_stand_upright_and_of_many_are_turned():
    few = figures.emitter_transfer([record for record in TRANSFER if {record["trained_on"], record["tested_on"]} <=
                                    {"chicago", "sydney"}], MOVED, NOTE)
    labels = few.axes[0].get_xticklabels()
    assert [label.get_text() for label in labels[:2]] == ["tested and\ntrained in\nChicago",
                                                          "tested in\nChicago,\ntrained in\nSydney"]
    assert {label.get_rotation() for label in labels} == {0.0}
    assert {label.get_rotation() for label in draw("transfer").axes[0].get_xticklabels()} == {90.0}


@pytest.mark.parametrize("nothing", [None, np.nan])
def test_a_method_without_right_counts_has_no_marker_of_its_error(nothing):
    none = {"rmse_fraction": nothing, "ci95_rmse_fraction": None}
    table = [record | (none if record["method"] == "single_stage" else {}) for record in TABLE]
    fig = figures.emitter_table(table, PAIRED, None, NOTE)
    assert [texts(ax).count(value) for ax, value in zip(fig.axes, ("64.0", "14.0"))] == [9, 6]
    swept = [record | (none if record["method"] == "single_stage" else {}) for record in SWEEP]
    assert [len(ax.collections) for ax in figures.emitter_sweep(swept, 2, NOTE).axes] == [6, 4]
    rays = figures.emitter_ray_scores([record | none for record in RAYS], NOTE)
    assert not any("nan" in text or "None" in text for text in texts(fig) + texts(rays))


@pytest.mark.parametrize("figure, arguments", [
    (figures.emitter_sweep, (2,)), (figures.emitter_counts, ()), (figures.emitter_effects, ()),
    (figures.emitter_ray_scores, ()), (figures.emitter_transfer, ([],)), (figures.emitter_table, ([], None))])
def test_records_that_were_not_run_raise_an_error_that_says_why(figure, arguments):
    with pytest.raises(InputError, match="since it was not trained"):
        figure([{"not_run": "it was not trained"}], *arguments, NOTE)


def test_one_city_cannot_be_compared_with_another():
    with pytest.raises(InputError, match="differences"):
        figures.emitter_transfer(TRANSFER[:1], [], NOTE)


def test_readings_have_a_way_to_the_second_stage_only_where_it_sees_them():
    said = "readings, beside the logits only"
    assert said in texts(draw("pipeline", readings=True)) and said not in texts(draw("pipeline"))
    assert len(draw("pipeline", readings=True).axes[0].lines) == 1 + len(draw("pipeline").axes[0].lines)


def test_a_constant_answer_is_drawn_beside_right_counts_on_ray_traced_gains():
    cmr, rmse = draw("ray scores").axes
    assert any(list(line.get_ydata()) == [pytest.approx(100 / 3)] * 2 for line in cmr.lines)
    assert not any(list(line.get_ydata()) == [pytest.approx(100 / 3)] * 2 for line in rmse.lines)
    assert "a constant answer" in texts(draw("ray scores"))


def test_effects_name_their_classes_and_the_samples_in_them():
    labels = [label.get_text() for label in draw("effects").axes[0].get_xticklabels()]
    assert labels == ["under 1\nn = 10", "from 10\nn = 5"]    # the two classes below 1 dB are one


def test_cells_without_a_ray_have_a_colour_and_a_legend_of_their_own_and_leave_the_scale_alone():
    power = case().power.copy()
    power[10:, 10:] = -np.inf
    fig = figures.emitter_rays([case(), case(title="Traced", power=power)], NOTE)
    first, second = fig.axes[0], fig.axes[4]
    assert "no ray arrives" in texts(fig) and second.images[0].get_clim() == first.images[0].get_clim()
    assert second.images[0].get_clim()[0] > -100
    marked = second.images[1].get_array()
    assert (np.isfinite(marked.filled(np.nan)) == np.isinf(power)).all()
    finite = replace(case(), power=np.maximum(case().power, -90.0))
    assert "no ray arrives" not in texts(figures.emitter_rays([finite], NOTE))


def test_small_multiples_have_a_variant_of_one_column_with_the_same_panels():
    for name in ("table", "sweep", "counts", "effects", "transfer", "ray scores"):
        fig = draw(name)
        column = fig.column()
        assert column.get_figwidth() == style.COLUMN_IN and fig.get_figwidth() == style.PAGE_IN
        assert len(column.axes) == len(fig.axes) and column.told == fig.told


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_says_what_it_found_in_a_title_that_fits_and_tells_it_to_those_who_do_not_see_it(name):
    told = draw(name).told
    assert 30 < len(told.title) <= 135 and not told.title.endswith(".")
    assert len(told.alt) > 120 and told.alt.endswith(".") and "None" not in told.alt and "nan" not in told.alt
