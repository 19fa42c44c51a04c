"""Records of the second paper from hand-made predictions."""

from dataclasses import asdict, replace
from itertools import product

import numpy as np
import pytest
import xarray as xr

from rsslib.emitters import localizer, predictions
from rsslib.emitters.localizer import EmitterRecipe, build
from rsslib.emitters.samples import Samples
from rsslib.ledger import results
from rsslib.project import InputError
from rsslib.propagation.scene import free_space
from rsslib.propagation.sionna import NO_RAY_DB
from rsslib.reports.emitters_paper import cases, tables

NAN = np.nan


def predicted(existence, row, true_row, **attrs):
    """Predictions on a 16 x 16 map with all columns 8: what matters is who exists and in which row."""
    row, true_row = np.asarray(row, float), np.asarray(true_row, float)
    values = {"existence": (("sample", "slot"), np.asarray(existence, float)), "row": (("sample", "slot"), row),
              "column": (("sample", "slot"), np.full(row.shape, 8.0)), "true_row": (("sample", "emitter"), true_row),
              "true_column": (("sample", "emitter"), np.where(np.isfinite(true_row), 8.0, NAN))}
    recipe = asdict(EmitterRecipe(n=16, sensors=4, n_max=2, test_samples=len(row)))
    made = recipe | {"beside": 1, "augment": 0, "powers_dbm": [10.0, 40.0], "set": "test", "environment": "free_space",
                     "trained_on": "free_space", "side_m": 1600.0, "parameters": 70, "threshold_dbm": -80.0}
    return xr.Dataset(values, attrs=made | attrs)


@pytest.fixture
def output():
    """Right with an error of 2 cells; one too many; one missed; right with both exact, in the other order."""
    return predicted([[0.9, 0.1], [0.9, 0.8], [0.7, 0.2], [0.9, 0.9]], [[5, 0], [3, 9], [4, 0], [10, 2]],
                     [[3, NAN], [3, NAN], [4, 11], [2, 10]])


def test_a_record_has_the_metrics_of_the_paper(output):
    record = tables.record(output)
    assert (record["cmr"], record["fa"], record["mr"]) == (0.5, 0.1667, 0.1667)
    assert record["rmse_px"] == 1.0 and record["rmse_fraction"] == pytest.approx(1 / 16) and record["rmse_m"] == 100.0
    assert (record["method"], record["n_sensors"], record["samples"]) == ("single_stage", 4, 4)
    low, high = record["ci95_cmr"]
    assert low <= 0.5 <= high


def test_the_table_and_the_counts(output, tmp_path):
    models = {("free_space", "single_stage"): output}
    (row,) = tables.table1(models, {"free_space": 0.55})
    assert row["occupied_share"] == 0.55
    by_count = tables.by_count(models)
    assert [(r["true_count"], r["share_right"], r["n"]) for r in by_count] == [(1, 0.5, 2), (2, 0.5, 2)]
    results.write("smoke", "emitters_table1", [row], {}, {}, tmp_path)


def test_the_effect_of_an_emitter_is_what_it_changes_at_the_sensors():
    """By hand, in free space: two emitters of 30 dBm and 0 dBm, a sensor beside each."""
    scene = free_space(16)
    sensor, emitter = np.array([[17, 238]]), np.array([[16, 239]], np.int32)
    power = np.array([[30.0, 0.0]], np.float32)
    alone = [scene.gain_db(np.array([cell]), sensor[0]) + level for cell, level in zip(emitter[0], power[0])]
    value = 10 * np.log10(sum(10 ** (level / 10) for level in alone))[None].astype(np.float32)
    drawn = Samples(16, sensor.astype(np.int32), value, emitter, power)
    told = [np.maximum(level, scene.threshold_dbm) for level in alone]
    whole = np.maximum(value[0], scene.threshold_dbm)
    expected = [np.abs(whole - told[1]).max(), np.abs(whole - told[0]).max()]
    np.testing.assert_allclose(tables.effects(scene, drawn)[0], expected, atol=1e-3)
    one = Samples(16, drawn.sensor, value, np.array([[16, -1]], np.int32), np.array([[30.0, NAN]], np.float32))
    assert np.isnan(tables.effects(scene, one)[0, 1])


def test_counts_by_the_weakest_emitters_effect():
    scene, recipe = free_space(16), EmitterRecipe(n=16, sensors=10, samples=8, val_samples=4, test_samples=60,
                                                  precision="float32", threads=1)
    output = predictions.predict(build(recipe, "cpu"), recipe, scene)
    output = output.assign_attrs(environment="free_space", parameters=1)
    records = tables.by_effect({("free_space", "single_stage"): output}, {"free_space": scene})
    assert sum(record["n"] for record in records) == 60
    assert sum(record["share_of_samples"] for record in records) == pytest.approx(1, abs=1e-3)
    lows = [record["from_db"] for record in records]
    assert lows == sorted(lows) and set(lows) <= {0.0, 0.1, 1.0, 3.0, 10.0} and records[-1]["to_db"] is None


def test_a_test_with_another_seed_is_of_other_samples(tmp_path):
    scene, recipe = free_space(16), EmitterRecipe(n=16, sensors=10, samples=8, val_samples=4, test_samples=30,
                                                  precision="float32", threads=1)
    model = build(recipe, "cpu")
    output = predictions.predict(model, recipe, scene).assign_attrs(environment="free_space", parameters=1)
    folder = tmp_path / "free_space-single_stage"
    predictions.save(output, folder / "free_space.nc")
    localizer.save_model(model, recipe, folder / "weights")
    drawn = tables.tested(tmp_path, "free_space-single_stage", "free_space", scene, seed=2, test_samples=50)
    anew = tables.record(drawn)
    assert (anew["samples"], anew["environment"], anew["parameters"]) == (50, "free_space", 1)
    assert drawn.attrs["seed"] != recipe.seed
    assert not np.array_equal(drawn.true_row[:30], output.true_row, equal_nan=True)


def test_methods_are_compared_on_the_same_samples(output):
    other = output.copy(deep=True).assign_attrs(method="two_stage_logit", beside=1)
    other.existence.values[:] = 0.9
    away = output.assign_attrs(environment="elsewhere")
    (pair,) = tables.paired_differences([output, other, away])
    assert (pair["left_method"], pair["right_method"]) == ("two_stage_logit", output.attrs["method"])
    assert (pair["left_second_stage_sees"], pair["right_second_stage_sees"]) == ("logits and readings", None)
    ours, theirs = (tables.record(one) for one in (other, output))
    assert pair["samples_both_right"] == 1    # the last, which `output` has right, too
    assert pair["cmr"] == pytest.approx(ours["cmr"] - theirs["cmr"]) and pair["samples"] == output.sizes["sample"]
    assert pair["ci95_cmr"][0] <= pair["cmr"] <= pair["ci95_cmr"][1]
    moved = other.copy(deep=True)
    moved.true_column.values[:] += 1
    for strange in (other.isel(sample=slice(1, None)), moved, other.assign_attrs(sensors=12)):
        with pytest.raises(InputError, match="not tested on the same samples"):
            tables.paired_differences([output, strange])


def test_no_right_count_is_said():
    record = tables.record(predicted([[0.9, 0.9]], [[1, 2]], [[1, NAN]]))
    assert np.isnan(record["rmse_fraction"])
    assert record["rmse_fraction_reason"] == "no sample with emitters has the right count"


def test_intervals_of_none_and_all_right_have_a_width():
    record = tables.record(predicted([[0.9, 0.1]], [[1, 2]], [[1, NAN]]))
    assert record["cmr"] == 1 and record["ci95_cmr"] == pytest.approx([0.2065, 1.0], abs=1e-3)    # Wilson's, n = 1
    models = {("free_space", "single_stage"): predicted([[0.9, 0.9]] * 3, [[1, 2]] * 3, [[1, NAN]] * 3)}
    (row,) = tables.by_count(models)
    assert row["share_right"] == 0 and row["ci95_share_right"] == pytest.approx([0.0, 0.5615], abs=1e-3)


def test_a_good_case_has_the_median_error_or_at_least_as_many_emitters_as_there_are(output):
    assert cases.good_case(output, emitters=2) == 3    # the only one with both found
    assert cases.good_case(output, emitters=1) == 0
    assert cases.good_case(output, emitters=3) == 3    # none has three: the same as with two
    wrong = output.copy(deep=True)
    wrong.existence.values[3, 1] = 0.1
    assert cases.good_case(wrong, emitters=2) == 2    # none with both found: the first with two


def test_the_sample_where_two_stages_win(output):
    better = predicted([[0.9, 0.1], [0.9, 0.1], [0.7, 0.6], [0.9, 0.9]], [[4, 0], [3, 9], [5, 11], [10, 2]],
                       [[3, NAN], [3, NAN], [4, 11], [2, 10]])
    # samples 1 and 2 are right only there; sample 1 is exact
    assert cases.two_stage_wins(output, better) == 1
    assert cases.two_stage_wins(better, output) in (0, 3)
    with pytest.raises(InputError, match="no right count"):
        cases.two_stage_wins(output, predicted([[0.9, 0.9]], [[1, 2]], [[1, NAN]]))


def test_a_case_is_the_sample_that_was_drawn():
    scene = free_space(16)
    output = predicted(np.full((3, 2), 0.9), np.zeros((3, 2)), np.zeros((3, 2)))
    drawn = cases.samples(scene, output)
    for name, axis in zip(("true_row", "true_column"), np.divmod(drawn.emitter[1], 16)):
        output[name][1] = np.where(drawn.emitter[1] >= 0, axis, NAN)
    shown = cases.case(scene, drawn, output, 1, np.zeros((2, 16, 16)))
    assert shown.power.shape == (16, 16) and shown.sensors.shape == (4, 3)
    row, column, value = shown.sensors[0]
    assert shown.power[int(row), int(column)] == pytest.approx(value, abs=1e-3)
    assert len(shown.truth) == drawn.count[1] and len(shown.predicted) == 2


def test_cells_that_no_ray_reaches_have_no_power_and_other_cells_keep_theirs():
    free = free_space(16)
    dark = np.zeros((16, 16), bool)
    dark[:, 12:] = True    # cells that no emitter's rays reach

    def lookup(emitter_cells, cells):
        return np.where(dark.ravel()[cells], np.float32(NO_RAY_DB), free.lookup(emitter_cells, cells))
    scene = replace(free, lookup=lookup, cells={"test": np.arange(8)})
    output = predicted(np.full((3, 2), 0.9), np.zeros((3, 2)), np.zeros((3, 2)), sensors=60)
    drawn = cases.samples(scene, output)
    shown = cases.case(scene, drawn, output, 0, np.zeros((1, 16, 16)))
    assert np.isneginf(shown.power[dark]).all() and np.isfinite(shown.power[~dark]).all()
    column = shown.sensors[:, 1].astype(int)
    assert (np.isneginf(shown.sensors[:, 2]) == (column >= 12)).all() and (column >= 12).any()


def test_what_a_case_tells_the_networks_and_how_far_off_it_is():
    scene = free_space(16)
    output = predicted(np.full((3, 2), 0.9), np.zeros((3, 2)), np.zeros((3, 2)))
    shown = cases.case(scene, cases.samples(scene, output), output, 0, np.zeros((1, 16, 16)))
    sensors = np.array([[1.0, 2.0, -60.0], [3.0, 4.0, -95.0], [5.0, 6.0, -np.inf]])
    shown = replace(shown, sensors=sensors, threshold_dbm=-80.0, side_m=1600.0,
                    truth=np.array([[0.0, 0.0], [9.0, 9.0]]), predicted=np.array([[9.0, 12.0], [4.0, 0.0]]))
    image = cases.told(shown)
    assert [image[1, 2], image[3, 4], image[5, 6]] == pytest.approx([2.1, -0.1, -0.1]) and (image != 0).sum() == 3
    assert cases.off_m(shown) == pytest.approx(100 * np.sqrt((9 + 16) / 2))
    assert cases.off_m(replace(shown, predicted=shown.truth[:1])) is None


def test_records_are_rounded_as_the_ledger_stores_them(output, tmp_path):
    record, (pair,) = tables.record(output), tables.paired_differences([output, output.assign_attrs(method="x")])
    results.write("smoke", "one", [record], {}, {}, tmp_path)
    results.write("smoke", "pairs", [pair], {}, {}, tmp_path)
    assert results.read("smoke", "one", tmp_path)["records"] == [record]
    assert results.read("smoke", "pairs", tmp_path)["records"] == [pair]
    assert record["fa"] == 0.1667


def test_transfer_reads_every_pair(output, tmp_path):
    for trained, method, tested in product("ab", tables.METHODS, "ab"):
        predictions.save(output.assign_attrs(environment=tested, method=method),
                         tmp_path / f"{trained}-{method}" / f"{tested}.nc")
    records = tables.transfer(tmp_path, ["a", "b"])
    assert [(one["trained_on"], one["method"], one["tested_on"]) for one in records] == list(
        product("ab", tables.METHODS, "ab"))
    here, *_, there = tables.transfer_pairs(tmp_path, ["a", "b"])
    assert (here["tested_on"], here["left_trained_on"], here["right_trained_on"]) == ("a", "b", "a")
    assert there["tested_on"] == "b" and here["cmr"] == 0 and here["ci95_cmr"] == [0, 0]


@pytest.mark.parametrize("environments, found", [
    ([], r"\[\]"), ("a", "'a'"), (None, "None"), (["c", "a"], r"\['c'\]"), ([1], r"\[1\]")])
def test_environments_without_networks_are_refused_with_those_that_have_some(output, tmp_path, environments, found):
    predictions.save(output, tmp_path / "a-single_stage" / "a.nc")
    with pytest.raises(InputError, match=f"environments: found {found}; expected a list .* there are a$"):
        tables.load(tmp_path, environments)


@pytest.mark.parametrize("cities", [[], ["a"], ["a", "a"]])
def test_one_city_is_moved_nowhere(tmp_path, cities):
    assert tables.transfer(tmp_path, cities) == tables.transfer_pairs(tmp_path, cities) == []


@pytest.mark.parametrize("ask, found", [
    (lambda folder: tables.transfer(folder, "ab"), "cities is 'ab'; expected a list"),
    (lambda folder: tables.transfer_pairs(folder, None), "cities is None"),
    (lambda folder: tables.transfer(folder, ["a", "b"]), "cities: no network of a was tested in a: no file .*a.nc"),
    (lambda folder: tables.swept(folder, 16), "sweep is 16; expected a list"),
    (lambda folder: tables.swept(folder, [16, "x"]), "sweep: sweep-16 was not trained: no file .*free_space.nc"),
    (lambda folder: tables.extra(folder, "five", "five"), "five: five was not trained"),
    *((lambda folder, n=n: tables.fresh(folder, ["x"], "a", None, n), "fresh is .*; expected a whole number")
      for n in (-1, 2.5, "3", None, True)),
    (lambda folder: tables.fresh(folder, ["other_input"], "a", None, 5), "other_input: not trained: no folder")])
def test_what_was_not_trained_is_refused_with_the_name_of_the_parameter(tmp_path, ask, found):
    with pytest.raises(InputError, match=found):
        ask(tmp_path)


def test_no_fresh_sample_is_no_test(tmp_path):
    assert tables.fresh(tmp_path, ["x"], "a", None, 0) == [] and tables.swept(tmp_path, []) == []
