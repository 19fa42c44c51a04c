"""The data separations: Figure 3, how near the test samples are, one sample's readings, and what is said of them."""

import json
from copy import deepcopy

import matplotlib
import numpy as np
import pytest

from rsslib.data import campus, grid, measurements, splits
from rsslib.project import ROOT, InputError
from rsslib.reports import tables
from rsslib.reports.confidence_paper import separations
from rsslib.reports.confidence_paper.figures import split_maps
from rsslib.reports.confidence_paper.findings import data as findings


@pytest.fixture(scope="module")
def site():
    """A campus with transmitters in the unseen cells of Grid5."""
    return campus.make(n_april=60, n_july=320, n_november=80)


@pytest.fixture(scope="module")
def sets(site):
    return {name: splits.make(site, name) for name in separations.PAPER}


@pytest.fixture(scope="module")
def near(site, sets):
    return separations.nearness(site, sets)


def words(fig):
    return [text.get_text() for text in fig.findobj(matplotlib.text.Text)]


def test_split_maps_draw_the_sets_of_every_split_and_count_them(site, sets, near):
    fig = split_maps(site, sets, near, "note", synthetic=True)
    assert [ax.get_title(loc="left") for ax in fig.axes if ax.axison] == [tables.name(split) for split in sets]
    shown = words(fig)
    assert shown.count("N") == 5 and shown.count("500 m") + shown.count("200 m") == 5
    for record in near:
        assert f"test to training: {record['distance_m']:.0f} m" in shown
        assert not record["left_out_n"] or f"not drawn, in no set {record['left_out_n']}" in shown
    assert f"OOD test {len(sets['grid2']['ood'])}, shaded cells" in shown
    assert f"train (July) {len(sets['july']['train'])}" in shown and f"train {len(sets['random']['train'])}" in shown
    assert f"OOD test (November) {len(sets['july']['november'])}" in shown
    assert f"OOD test (July) {len(sets['november']['july'])}" in shown
    for ax, (split, parts) in zip(fig.axes, sets.items()):
        drawn = sorted(len(points.get_offsets()) for points in ax.collections)
        assert drawn == sorted(len(parts[key]) for key in ("train", "val", splits.report_set(split)))


def test_the_text_on_figure_three_is_built_from_the_splits_that_are_drawn(site, sets, near):
    few = {name: sets[name] for name in ("random", "grid2")}
    alt = split_maps(site, few, near, "note").told.alt
    assert "season" not in alt and "July" not in alt and "Grid5" not in alt
    assert "In Random " in alt and "In Grid2 the out-of-distribution (OOD) test samples fill whole cells" in alt
    assert "In Random" not in findings.separations(near[1:]).alt and "of different seasons" in findings.separations(
        near[1:]).alt


def test_split_maps_put_each_transmitter_in_its_set_and_unseen_cells_under_the_ood_set(site, sets, near):
    (ax,) = split_maps(site, {"grid5": sets["grid5"]}, near, "note").axes
    assert len(ax.patches) == 5
    drawn = {len(points.get_offsets()): points for points in ax.collections}
    ood = drawn[len(sets["grid5"]["ood"])].get_offsets()
    cells = [cell.get_bbox() for cell in ax.patches]
    assert all(any(cell.contains(*point) for cell in cells) for point in ood)
    train = drawn[len(sets["grid5"]["train"])].get_offsets()
    assert not any(any(cell.contains(*point) for cell in cells) for point in train)


def test_empty_unseen_cells_are_counted_in_the_map_and_the_text(site, sets, near):
    record = near[-1]
    here = [cell for cell in splits.grid_test_cells(5) if cell not in splits.cells(site, 5)]
    assert (record["unseen_cells_n"], record["empty_cells_n"]) == (5, len(here))
    planted = [record | {"empty_cells_n": 2}]
    assert "Of the 5 unseen cells of Grid5, 2 hold no sample." in findings.separations(planted).alt
    assert f"OOD test {record['n']}, shaded cells (2 empty)" in words(split_maps(
        site, {"grid5": sets["grid5"]}, planted, "note"))
    assert findings.empty_cells([record | {"empty_cells_n": 0}]) == ""


def test_what_a_grid_leaves_out_is_the_held_out_fifth_of_its_unseen_cells(site, sets, near):
    held_out = splits.holdout(site, np.arange(site.sizes["sample"]))[1]
    for record, n in ((near[3], 2), (near[4], 5)):
        unseen = np.isin(splits.cells(site, n), splits.grid_test_cells(n))
        assert record["left_out_n"] == unseen[held_out].sum() > 0
    said = findings.left_out(near, {"grid9": "too small"})
    assert f"{near[3]['left_out_n']} samples of Grid2 and {near[4]['left_out_n']} samples of Grid5" in said
    assert f"{near[1]['left_out_n']} samples of July→Nov" in said and "Not with these data: Grid9 (too small)." in said
    assert "0 samples" not in said and "Random" not in said
    assert "1 sample of Grid2." in findings.left_out([near[3] | {"left_out_n": 1}])
    assert findings.left_out([near[0]]) == ""


def test_the_sets_of_a_season_are_those_that_the_text_names(site, sets, near):
    seasons, parts = site.season.values, sets["july"]
    assert set(seasons[np.concatenate([parts["train"], parts["val"]])]) == {"july"}
    assert set(seasons[parts["november"]]) == {"november"}
    assert len(parts["november"]) == np.ceil(0.2 * (seasons == "november").sum())


def test_splits_that_the_data_do_not_allow_are_named_and_left_out():
    found, reasons = separations.possible(campus.make(n_april=0, n_july=200, n_november=60))
    assert list(found) == ["random", "grid2", "grid5"]
    assert list(reasons) == ["july", "november"] and "season april" in reasons["july"]
    assert list(separations.possible(toy(), ["random"])[0]) == ["random"]
    with pytest.raises(InputError, match="no data separation is possible: .*season"):
        separations.possible(toy(), ["july"])
    unknown = toy()
    unknown.tx_x.values[2] = unknown.tx_y.values[2] = np.nan
    with pytest.raises(InputError, match="2022-07-01T10:00:08: the .*location is not known") as error:
        separations.possible(unknown)
    assert str(error.value).count("location is not known") == 1    # it is the one reason against each split


def test_near_pairs_are_counted_and_said(site):
    toy_sets = {"train": np.array([0, 1, 3]), "val": np.array([2]), "test": np.array([4])}
    assert splits.near_pairs(toy(), toy_sets) == {"all": (0, 5), "val": (0, 1), "test": (0, 1)}
    close = toy()
    close.tx_x.values[4] = 1000.5
    near = splits.near_pairs(close, toy_sets)
    assert near == {"all": (2, 5), "val": (0, 1), "test": (1, 1)}
    said = findings.near_pairs(near, "frs")
    assert "2 of 5 samples have another within 0.5 m" in said
    assert "1 of the 1 test samples of Random has a training sample within 0.5 m" in said
    assert "in one set" in findings.near_pairs(near, "mine") and "Random" not in findings.near_pairs(near, "mine")
    assert findings.near_pairs({}, "mine") == ""


def test_published_splits_are_told_from_the_paper_s():
    record = {"split": "published_grid", "n": 3, "train_n": 5, "val_n": 1, "left_out_n": 2, "distance_m": 20.0}
    assert findings.tested_on("published_grid") == findings.tested_on("published_random") == "test"
    said = findings.left_out([record])
    assert "In no set: 2 samples of Published grid." in said and "location with a test sample" in said
    assert "fifth" not in said and "cells" not in findings.separations([record]).alt


def toy():
    """Five samples on a line, 10 m and 4 s apart, but that the last one comes an hour later, beside the first."""
    places = [[1000.0], [1010.0], [1020.0], [1030.0], [1001.0]]
    times = [f"2022-07-01T10:00:{4 * second:02d}" for second in range(4)] + ["2022-07-01T11:00:00"]
    return measurements.build([[-80.0]] * 5, [[1e3]] * 5, [[2e3]] * 5, places, [[2000.0]] * 5, times, ["july"] * 5,
                              ["cnode-a"], ["cnode"], source="toy")


def test_nearness_is_a_median_over_the_test_samples_in_place_and_in_time():
    sets = {"train": np.array([3, 0]), "val": np.array([2]), "test": np.array([1])}
    (record,) = separations.nearness(toy(), {"random": sets})
    assert record == {"split": "random", "set": "test", "n": 1, "train_n": 2, "val_n": 1, "left_out_n": 1,
                      "distance_m": 10.0, "gap_s": 4.0, "last_place_m": 10.0}
    (record,) = separations.nearness(toy(), {"random": sets | {"test": np.array([4])}})
    assert (record["distance_m"], record["last_place_m"]) == (1.0, 29.0)    # nearest in time is sample 3, 29 m away
    assert record["gap_s"] == 3588.0


def test_nearness_agrees_with_all_distances_of_all_pairs(site, sets, near):
    x, y = site.tx_x.values[:, 0], site.tx_y.values[:, 0]
    for record in near:
        judged, train = sets[record["split"]][record["set"]], sets[record["split"]]["train"]
        apart = np.hypot(x[judged][:, None] - x[train], y[judged][:, None] - y[train])
        gaps = np.abs(site.time.values[judged][:, None] - site.time.values[train]) / np.timedelta64(1, "s")
        assert record["distance_m"] == pytest.approx(np.median(apart.min(axis=1)))
        assert record["gap_s"] == np.median(gaps.min(axis=1))


def test_readings_are_the_strongest_pixels_of_the_image():
    readings = [[-80.0, -50.0, -90.0]]
    dataset = measurements.build(readings, [[1000, 1060, 1090]], [[2000, 2030, 2060]], [[1030]], [[2030]],
                                 ["2022-07-01"], ["july"], ["cnode-a", "cnode-b", "cnode-c"], ["cnode"] * 3,
                                 source="toy")
    shown = separations.readings(dataset, grid.Grid(1000.0, 2000.0, 4, 3, 30.0), 0, np.array([0]), most=2)
    assert [(record["receiver"], record["column"], record["row"]) for record in shown] == [
        ("cnode-b", 2, 1), ("cnode-a", 0, 0)]
    assert shown[0]["value"] == pytest.approx(46 / 61) and (shown[0]["low_db"], shown[0]["high_db"]) == (-96, -35)


def records(profile, name):
    return json.loads((ROOT / "results" / profile / f"{name}.json").read_text(encoding="utf-8"))["records"]


def test_each_printed_count_is_compared_with_both_ways_of_counting():
    table1, printed = records("quick", "table1"), findings.printed_counts("frs")
    said = findings.beside_paper(table1, printed)
    whole, april, july, november = ((record["samples"], record["locations"]) for record in table1)
    numbers = {record["data"]: int(printed["locations"][record["data"],]) for record in table1}
    assert numbers["Random/Grid"] in whole and numbers["April"] in april and numbers["July"] not in july
    assert f"Random/Grid {numbers['Random/Grid']} (our number of locations)" in said
    assert f"April {numbers['April']} (our number of samples)" in said
    assert f"July {numbers['July']} (neither of ours: {july[0]} samples and {july[1]} locations)" in said
    assert f"November {numbers['November']} (our number of samples and locations)" in said
    seasons = [numbers[name] for name in ("April", "July", "November")]
    assert sum(seasons) == numbers["Random/Grid"]
    assert f"Its {sum(seasons)} is the sum of its {seasons[0]}, {seasons[1]} and {seasons[2]}." in said
    assert "No one way of counting gives all four numbers." in said
    other = deepcopy(table1)
    for record in other:
        record["samples"] = numbers[record["data"]]
    assert "Counted as samples, all agree." in findings.beside_paper(other, printed)


def test_a_printed_number_without_a_record_of_ours_is_not_compared():
    table1, printed = records("quick", "table1"), findings.printed_counts("frs")
    wrong = [(record["data"], field) for record in table1 for field in ("sensors_min", "sensors_max")
             if record[field] != printed[field][record["data"],]]
    assert f"Of its 8 numbers of receivers, {len(wrong)} differ from ours: fewest receivers, April: " in (
        findings.beside_paper(table1, printed))
    without = [record for record in table1 if record["data"] != "April"]
    said = findings.beside_paper(without, printed)
    assert "April" not in said and "Its numbers of receivers all agree with ours." in said and "sum" not in said
    planted = [record | {"sensors_min": 3} for record in without]
    assert "Of its 6 numbers of receivers, 3 differ from ours" in findings.beside_paper(planted, printed)


@pytest.mark.parametrize("source", ["campus", "mine", "data/frs.nc"])
def test_only_the_papers_own_measurements_are_compared_with_its_table(source):
    assert findings.printed_counts(source) == {}
    assert findings.beside_paper(records("quick", "table1"), {}) == (
        "These are not the paper's measurements, so its Table I is not shown.")


@pytest.mark.parametrize("low, high, words", [(9, 25, "each heard by 9 to 25 of 40 receivers"), (
    3, 3, "each heard by 3 of 40 receivers"), (40, 40, "each heard by all 40 receivers")])
def test_the_answer_counts_samples_locations_and_receivers(near, low, high, words):
    total = records("quick", "table1")[0] | {"sensors_min": low, "sensors_max": high}
    assert findings.answer([total], near, 40).word == (
        f"{total['samples']} samples at {total['locations']} locations, {words}")
    assert findings.answer([total], [], 40).sentences == ""


def test_the_answer_and_the_title_follow_the_records_of_the_separations(near):
    text = findings.answer(records("smoke", "table1"), near, 40).sentences
    first = near[0]
    assert f"Random {first['train_n']}, {first['val_n']} and {first['n']}" in text
    assert f"{findings.duration(first['gap_s'])} and {first['distance_m']:.0f} m on Random" in text
    assert f"on Random its median error is {first['last_place_m']:.0f} m" in text
    moved = [first | {"distance_m": 7777.0, "last_place_m": 55.0}, *near[1:]]
    least = min(near, key=lambda record: record["distance_m"])
    assert f"is {least['distance_m']:.0f} m ({tables.name(least['split'])}) to" in findings.separations(near).title
    assert "to 7777 m (Random) from training" in findings.separations(moved).title
    assert findings.separations([first]).title.endswith(f"is {first['distance_m']:.0f} m (Random) from training")
    assert "on Random its median error is 55 m" in findings.answer(records("smoke", "table1"), moved, 40).sentences
    assert f"{first['n']} test, 0 in no set" in findings.separations(near).alt


@pytest.mark.parametrize("seconds, words", [(0, "0 s"), (119, "119 s"), (150, "2 min"), (7199, "120 min"),
                                            (7200, "2 h"), (172_800, "2 days"), (11_653_003, "135 days")])
def test_a_duration_is_said_in_the_unit_that_suits(seconds, words):
    assert findings.duration(seconds) == words


def test_the_line_on_the_data_says_how_to_get_the_real_ones_only_where_they_are_made_up():
    assert 'source = "frs"' in findings.source_line("twin", True)
    assert findings.source_line("measured", False) == "Data: measured."
    assert findings.source_line("", False, "folder/mine.nc") == "Data: mine.nc."


def test_the_projection_is_that_of_the_attribute():
    assert [findings.plane(crs) for crs in ("EPSG:32612", "EPSG:32733", "local")] == [
        "UTM zone 12N", "UTM zone 33S", "local"]
