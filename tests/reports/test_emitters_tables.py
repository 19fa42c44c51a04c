"""Records of the second paper from hand-made predictions."""

from dataclasses import asdict, replace
from itertools import product

import numpy as np
import pytest
import xarray as xr

from rsslib.emitters import false_alarms, localizer, predictions
from rsslib.emitters.localizer import EmitterRecipe, build
from rsslib.emitters.samples import Samples
from rsslib.learning.weights import parameter_count
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


@pytest.fixture
def perfect(output):
    """All right and exact, on the samples of `output`."""
    return predicted([[0.9, 0.1], [0.9, 0.1], [0.9, 0.9], [0.9, 0.9]], [[3, 0], [3, 9], [4, 11], [10, 2]],
                     output.true_row.values)


def test_a_record_has_the_metrics_of_the_paper(output):
    record = tables.record([output])
    assert (record["cmr"], record["fa"], record["mr"]) == (0.5, 0.1667, 0.1667)
    assert record["rmse_px"] == 1.0 and record["rmse_fraction"] == pytest.approx(1 / 16) and record["rmse_m"] == 100.0
    assert (record["method"], record["n_sensors"], record["samples"]) == ("single_stage", 4, 4)
    assert (record["networks"], record["n"]) == (1, 16)
    low, high = record["ci95_cmr"]
    assert low <= 0.5 <= high
    # the squares of one emitter 2 cells off, and of two exact ones
    assert record["rmse_pooled_fraction"] == pytest.approx(np.sqrt(4 / 3) / 16, abs=1e-4)
    # five pairs within 200 m, one of which is 200 m off; one emitter is missed, one is too many
    assert (record["deepmtl_error_m"], record["deepmtl_miss_rate"], record["deepmtl_false_alarm_rate"]) == (
        40.0, 0.1667, 0.1667)
    rate, drawn = false_alarms.misses([output])
    assert record["mr_at_equal_fa"] == pytest.approx(rate, abs=1e-4)
    assert record["ci95_mr_at_equal_fa"] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=1e-4)


def test_a_record_of_several_trainings_has_what_all_their_samples_have(output, perfect):
    one, both = tables.record([output]), tables.record([output, perfect])
    assert (both["networks"], both["samples"], both["parameters"]) == (2, 4, 70)
    assert (both["cmr"], both["fa"], both["mr"]) == (0.75, 0.0833, 0.0833)
    assert both["rmse_px"] == pytest.approx(2 / 6, abs=1e-4) and both["rmse_pooled_fraction"] == pytest.approx(
        np.sqrt(4 / 9) / 16, abs=1e-4)
    # means over the trainings
    assert (both["deepmtl_error_m"], both["deepmtl_miss_rate"]) == (20.0, pytest.approx(1 / 12, abs=1e-4))
    assert tables.record([output] * 3) == one | {"networks": 3}
    assert both["ci95_cmr"][0] <= both["cmr"] <= both["ci95_cmr"][1]
    with pytest.raises(InputError, match="not scored on the same samples"):
        tables.record([output, predicted([[0.9, 0.1]] * 4, [[1, 2]] * 4, [[1, NAN]] * 4)])


def test_what_one_training_lacks_of_deepmtls_is_left_out(output):
    silent = output.copy(deep=True)
    silent.existence.values[:] = 0.1    # no pair, and none predicted
    record = tables.record([output, silent])
    assert "deepmtl_error_m" not in record and "deepmtl_false_alarm_rate" not in record
    assert record["deepmtl_miss_rate"] == pytest.approx((1 / 6 + 1) / 2, abs=1e-4)


def test_the_table_and_the_counts(output, perfect, tmp_path):
    models = {("free_space", "single_stage"): [output]}
    (row,) = tables.table1(models, {"free_space": 0.55})
    assert row["occupied_share"] == 0.55
    several = tables.by_count({("free_space", "single_stage"): [output, perfect]})
    assert [(r["true_count"], r["share_right"], r["n"]) for r in several] == [(1, 0.75, 2), (2, 0.75, 2)]
    assert [(r["fa"], r["mr"]) for r in several] == [(0.25, 0.0), (0.0, 0.125)]
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
    records = tables.by_effect({("free_space", "single_stage"): [output]}, {"free_space": scene})
    assert sum(record["n"] for record in records) == 60
    assert sum(record["share_of_samples"] for record in records) == pytest.approx(1, abs=1e-3)
    lows = [record["from_db"] for record in records]
    assert lows == sorted(lows) and set(lows) <= {0.0, 0.1, 1.0, 3.0, 10.0} and records[-1]["to_db"] is None
    right = output.copy(deep=True)    # of two trainings each class has the mean of their shares
    right.existence.values[:] = right.true_row.notnull().values
    both = tables.by_effect({("free_space", "single_stage"): [output, right]}, {"free_space": scene})
    assert [record["n"] for record in both] == [record["n"] for record in records]
    assert [record["share_right"] for record in both] == pytest.approx(
        [(record["share_right"] + 1) / 2 for record in records], abs=1e-4)
    assert any(record["share_right"] < 1 for record in records)


def test_a_test_with_another_seed_is_of_other_samples(tmp_path):
    scene, recipe = free_space(16), EmitterRecipe(n=16, sensors=10, samples=8, val_samples=4, test_samples=30,
                                                  precision="float32", threads=1)
    model = build(recipe, "cpu")
    output = predictions.predict(model, recipe, scene).assign_attrs(environment="free_space", parameters=1)
    folder = tmp_path / "free_space-single_stage"
    predictions.save(output, folder / "free_space.nc")
    localizer.save_model(model, recipe, folder / "weights")
    drawn = tables.tested(tmp_path, "free_space-single_stage", "free_space", scene, seed=2, test_samples=50)
    anew = tables.record([drawn])
    assert (anew["samples"], anew["environment"], anew["parameters"]) == (50, "free_space", parameter_count(model.net))
    assert drawn.attrs["seed"] != recipe.seed
    assert not np.array_equal(drawn.true_row[:30], output.true_row, equal_nan=True)


def test_a_second_stage_is_tested_through_its_first_and_both_are_counted(tmp_path):
    scene, first = free_space(16), EmitterRecipe.of("occupancy", n=16, sensors=10, samples=8, val_samples=4,
                                                    test_samples=6, precision="float32", threads=1)
    second = replace(first, stage="localizer", beside=False)
    models = [build(recipe, "cpu") for recipe in (first, second)]
    for name, model, recipe in zip(("a-occupancy", "a-other_input"), models, (first, second)):
        localizer.save_model(model, recipe, tmp_path / name / "weights")
    drawn = tables.tested(tmp_path, "a-other_input", "a", scene)
    assert drawn.attrs["parameters"] == sum(parameter_count(model.net) for model in models)
    assert drawn.existence.equals(predictions.predict(models[1], second, scene, models[0]).existence)


def test_methods_are_compared_on_the_same_samples(output):
    other = output.copy(deep=True).assign_attrs(method="two_stage_logit", beside=1)
    other.existence.values[:] = 0.9
    away = output.assign_attrs(environment="elsewhere")
    (pair,) = tables.paired_differences([[output], [other], [away]])
    assert (pair["left_method"], pair["right_method"]) == ("two_stage_logit", output.attrs["method"])
    assert (pair["left_second_stage_sees"], pair["right_second_stage_sees"]) == ("logits and readings", None)
    assert pair["networks"] == 1
    ours, theirs = (tables.record([one]) for one in (other, output))
    assert pair["mr_at_equal_fa"] == pytest.approx(ours["mr_at_equal_fa"] - theirs["mr_at_equal_fa"], abs=1e-4)
    assert pair["ci95_mr_at_equal_fa"][0] <= pair["mr_at_equal_fa"] <= pair["ci95_mr_at_equal_fa"][1]
    assert pair["samples_both_right"] == 1    # the last, which `output` has right, too
    assert pair["cmr"] == pytest.approx(ours["cmr"] - theirs["cmr"]) and pair["samples"] == output.sizes["sample"]
    assert pair["ci95_cmr"][0] <= pair["cmr"] <= pair["ci95_cmr"][1]
    moved = other.copy(deep=True)
    moved.true_column.values[:] += 1
    for strange in (other.isel(sample=slice(1, None)), moved, other.assign_attrs(sensors=12)):
        with pytest.raises(InputError, match="tested on the same samples"):
            tables.paired_differences([[output], [strange]])
        with pytest.raises(InputError, match="tested on the same samples"):
            tables.paired_differences([[output, output], [other, strange]])    # the second training alone


def test_trainings_of_methods_are_compared_first_with_first(output, perfect):
    left = [one.assign_attrs(method="two_stage_logit") for one in (perfect, output)]
    (pair,) = tables.paired_differences([[output, perfect], left])
    assert (pair["networks"], pair["samples"], pair["cmr"], pair["mr_at_equal_fa"]) == (2, 4, 0, 0)
    assert pair["samples_both_right"] == 2    # `output` has two right, in each of the two comparisons
    # in each, the same two samples: 2 cells off on one side, exact on the other
    assert pair["rmse_px_both_right"] == 0 and pair["ci95_rmse_px_both_right"][0] < -0.9
    (pair,) = tables.paired_differences([[output, output], left])
    assert pair["cmr"] == 0.25 and pair["rmse_px_both_right"] == -0.5
    assert pair["rmse_pooled_px_both_right"] == pytest.approx(np.sqrt(4 / 6) - np.sqrt(8 / 6), abs=1e-4)
    assert pair["mr_at_equal_fa"] == pytest.approx(
        false_alarms.misses(left)[0] - false_alarms.misses([output] * 2)[0], abs=1e-4)
    with pytest.raises(InputError, match="equally many networks"):
        tables.paired_differences([[output], left])


def test_no_right_count_is_said():
    record = tables.record([predicted([[0.9, 0.9]], [[1, 2]], [[1, NAN]])])
    assert np.isnan(record["rmse_fraction"]) and np.isnan(record["rmse_pooled_fraction"])
    assert record["rmse_fraction_reason"] == record["rmse_pooled_fraction_reason"] == \
        "no sample with emitters has the right count"


def test_intervals_of_none_and_all_right_have_a_width():
    record = tables.record([predicted([[0.9, 0.1]], [[1, 2]], [[1, NAN]])])
    assert record["cmr"] == 1 and record["ci95_cmr"] == pytest.approx([0.2065, 1.0], abs=1e-3)    # Wilson's, n = 1
    models = {("free_space", "single_stage"): [predicted([[0.9, 0.9]] * 3, [[1, 2]] * 3, [[1, NAN]] * 3)]}
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
    record, (pair,) = tables.record([output]), tables.paired_differences([[output], [output.assign_attrs(method="x")]])
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


def test_the_trainings_of_each_network_are_read_from_their_pools(output, perfect, tmp_path):
    for pool, one in (("seed1", output), ("seed2", perfect)):
        for environment, method in product("ab", (*tables.METHODS, "other_input")):
            predictions.save(one.assign_attrs(environment=environment, trained_on=method),
                             tmp_path / pool / f"{environment}-{method}" / f"{environment}.nc")
    found = tables.load(tmp_path, ["b", "a"], ["seed2", "seed1"])
    assert list(found) == list(product("ba", tables.METHODS))
    for (environment, method), networks in found.items():
        assert [one.attrs["environment"] + one.attrs["trained_on"] for one in networks] == [environment + method] * 2
        assert [tables.record([one])["cmr"] for one in networks] == [1, 0.5]
    assert list(tables.load(tmp_path, ["a"], ["seed1"], ["other_input"])) == [("a", "other_input")]
    (single, *_) = tables.load(tmp_path / "seed1", ["a"]).values()    # "": in the folder itself
    assert len(single) == 1 and tables.record(single)["cmr"] == 0.5
    (tmp_path / "seed2" / "b-two_stage_logit" / "b.nc").unlink()
    with pytest.raises(InputError, match="seed2/b-two_stage_logit/b.nc: no such file"):
        tables.load(tmp_path, ["a", "b"], ["seed1", "seed2"])
    with pytest.raises(InputError, match=r"environments: found \['a'\]; .* in .*seed9 there are none"):
        tables.load(tmp_path, ["a"], ["seed9"])


@pytest.mark.parametrize("pools", [[], (), "seed1", None, 3])
def test_pools_are_a_list_of_folders(output, tmp_path, pools):
    predictions.save(output, tmp_path / "seed1" / "a-single_stage" / "a.nc")
    with pytest.raises(InputError, match="pools: found .*; expected a list of folders in "):
        tables.load(tmp_path, ["a"], pools)


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
    (lambda folder: tables.tested(folder, "a-other_input", "a", None), "a-other_input: not trained: no folder")])
def test_what_was_not_trained_is_refused_with_the_name_of_the_parameter(tmp_path, ask, found):
    with pytest.raises(InputError, match=found):
        ask(tmp_path)


def test_a_sweep_over_nothing_is_none(output, tmp_path):
    predictions.save(output, tmp_path / "sweep-16" / "free_space.nc")
    assert tables.swept(tmp_path, []) == [] and len(tables.swept(tmp_path, [16, 16])) == 1
