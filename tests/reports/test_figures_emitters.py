"""Figures of the multi-emitter networks: panels, notes and banners, and what they tell of a sample or a record."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text

from rsslib.emitters.networks import METHODS
from rsslib.reports import style
from rsslib.reports.emitters_paper import figures
from rsslib.reports.emitters_paper.tables import Case

NOTE, SOURCE = "n = 1, smoke profile", "(c) OpenStreetMap contributors, ODbL 1.0"
ENVIRONMENTS = ("free_space", "chicago", "sydney")
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
    values = {"cmr": 0.64, "rmse_fraction": 0.14, "fa": 0.08, "mr": 0.09}
    return keys | values | {f"ci95_{name}": [0.9 * value, 1.1 * value] for name, value in values.items()}


TABLE = [scores(environment=name, method=method) for name in ENVIRONMENTS for method in METHODS]
SWEEP = [scores(method=method, n_sensors=sensors) for sensors in (128, 16, 32) for method in METHODS]
COUNTS = [{"environment": name, "method": method, "true_count": count, "share_right": 1 - count / 10}
          for name in ENVIRONMENTS for method in METHODS for count in (3, 1, 2)]
TRANSFER = [{"trained_on": one, "tested_on": other, "method": method, "cmr": 0.65 if one == other else 0.42}
            for one in ENVIRONMENTS for other in (*ENVIRONMENTS, "munich") for method in METHODS]
PARAMETERS = {"single_stage": 68_144, "two_stage_logit": 71_625, "two_stage_binary": 71_369}
PAIRS = [{"method": method, "set": name, "n": 5, "count_accuracy": 0.6, "ci95_count_accuracy": [0.5, 0.7],
          "two_taken_median_m": 300.0, "ci95_two_taken_median_m": [250.0, 350.0]}
         for method, name in (("trained on sums", "one transmitter"), ("trained on sums", "two transmitters"),
                              ("two peaks", "one transmitter"), ("two peaks", "two transmitters"),
                              ("two fixed places", "two transmitters"))]
DRAWN = {"pipeline": (figures.emitter_pipeline, (PARAMETERS, 30_471), 1),
         "sample": (figures.emitter_sample, (case(predicted=TRUTH[:1]), case()), 5),
         "scenes": (figures.emitter_scenes, ([case(), case(True, title="Chicago", attribution=SOURCE)],), 11),
         "table": (figures.emitter_table, (TABLE, None), 4), "sweep": (figures.emitter_sweep, (SWEEP,), 2),
         "counts": (figures.emitter_counts, (COUNTS,), 3), "transfer": (figures.emitter_transfer, (TRANSFER,), 4),
         "two transmitters": (figures.two_transmitters, (PAIRS,), 2)}


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
    assert figures.BANNER not in texts(fig) and figures.BANNER in texts(marked)


@pytest.mark.parametrize("name", ["pipeline", "scenes", "transfer"])
def test_saving_twice_gives_equal_bytes_and_small_files(name, tmp_path):
    first, second = (figures.save(draw(name), tmp_path / file).read_bytes() for file in ("a.png", "b.png"))
    assert first == second and len(first) < 400_000


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
    fig = figures.emitter_table(TABLE, {(*key, "cmr"): 0.66, (*key, "fa"): None}, NOTE)
    open_markers = [[float(line.get_ydata()[0]) for line in ax.lines if line.get_markerfacecolor() == "white"]
                    for ax in fig.axes]
    assert open_markers == [[pytest.approx(66)], [], [], []]
    assert [texts(ax).count(value) for ax, value in zip(fig.axes, ("64.0", "14.0", "8.0", "9.0"))] == [9] * 4
    assert "the paper's printed value" in texts(fig) and "the paper's printed value" not in texts(draw("table"))


def test_figures_draw_the_environments_and_methods_of_the_records():
    fig = figures.emitter_table([scores(environment="oslo", method="single_stage")], None, NOTE)
    assert {"Oslo", "single-stage"} <= set(texts(fig)) and not {"Chicago", "two-stage, binary"} & set(texts(fig))


def test_the_sweep_joins_the_numbers_of_sensors_in_rising_order():
    line = draw("sweep").axes[0].lines[0]
    assert line.get_xdata().tolist() == [16, 32, 128] and line.get_ydata() == pytest.approx(64)


def test_counts_draw_intervals_where_they_are_known():
    known = [record | {"ci95_share_right": (0.5, 1.0)} for record in COUNTS]
    interval = figures.emitter_counts(known, NOTE).axes[0].lines[0]
    assert interval.get_ydata() == pytest.approx([50, 100])


def test_transfer_frames_networks_in_their_own_environment():
    fig = draw("transfer")
    for ax, method in zip(fig.axes, METHODS):
        assert [label.get_text() for label in ax.get_xticklabels()] == ["Free space", "Chicago", "Sydney", "Munich"]
        assert [patch.get_xy() for patch in ax.patches] == [(0, 0), (1, 1), (2, 2)]
        assert [text.get_text() for text in ax.texts][:4] == ["65.0", "42.0", "42.0", "42.0"]
        assert ax.get_title(loc="left") == style.LOOKS[method].label.capitalize()


def test_two_transmitters_show_what_no_reading_gives():
    fig = draw("two transmitters")
    assert {"one transmitter\nn = 5", "60", "two fixed places, whatever is read: 300"} <= set(texts(fig))
