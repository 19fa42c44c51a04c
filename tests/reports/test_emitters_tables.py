"""Records of the second paper from hand-made predictions."""

import numpy as np
import pytest
import xarray as xr

from rsslib.emitters import localizer, predictions
from rsslib.emitters.localizer import EmitterRecipe, build
from rsslib.emitters.samples import Samples
from rsslib.ledger import results
from rsslib.project import InputError
from rsslib.propagation.scene import free_space
from rsslib.reports.emitters_paper import tables

NAN = np.nan


def predicted(existence, row, true_row, **attrs):
    """Predictions on a 16 x 16 map with all columns 8: what matters is who exists and in which row."""
    row, true_row = np.asarray(row, float), np.asarray(true_row, float)
    values = {"existence": (("sample", "slot"), np.asarray(existence, float)), "row": (("sample", "slot"), row),
              "column": (("sample", "slot"), np.full(row.shape, 8.0)), "true_row": (("sample", "emitter"), true_row),
              "true_column": (("sample", "emitter"), np.where(np.isfinite(true_row), 8.0, NAN))}
    made = {"method": "single_stage", "environment": "free_space", "trained_on": "free_space", "n": 16,
            "side_m": 1600.0, "sensors": 4, "n_max": 2, "seed": 0, "test_samples": len(row), "parameters": 70,
            "threshold_dbm": -80.0}
    return xr.Dataset(values, attrs=made | attrs)


@pytest.fixture
def output():
    """Right with an error of 2 cells; one too many; one missed; right with both exact, in the other order."""
    return predicted([[0.9, 0.1], [0.9, 0.8], [0.7, 0.2], [0.9, 0.9]], [[5, 0], [3, 9], [4, 0], [10, 2]],
                     [[3, NAN], [3, NAN], [4, 11], [2, 10]])


def test_a_record_has_the_metrics_of_the_paper(output):
    record = tables.record(output)
    assert (record["cmr"], record["fa"], record["mr"]) == (0.5, pytest.approx(1 / 6), pytest.approx(1 / 6))
    assert record["rmse_px"] == 1.0 and record["rmse_fraction"] == pytest.approx(1 / 16) and record["rmse_m"] == 100.0
    assert (record["method"], record["n_sensors"], record["samples"]) == ("single_stage", 4, 4)
    low, high = record["ci95_cmr"]
    assert low <= 0.5 <= high


def test_the_table_and_the_counts(output, tmp_path):
    models = {("free_space", "single_stage"): output}
    (row,) = tables.table1(models, {"free_space": 0.55})
    assert row["occupied_share"] == 0.55
    by_count = tables.counts(models)
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
    assert sum(record["share_of_samples"] for record in records) == pytest.approx(1)
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
    (pair,) = tables.pairs([output, other, away])
    assert (pair["left_method"], pair["right_method"]) == ("two_stage_logit", output.attrs["method"])
    assert (pair["left_second_stage_sees"], pair["right_second_stage_sees"]) == ("logits and readings", None)
    ours, theirs = (tables.record(one) for one in (other, output))
    assert pair["cmr"] == pytest.approx(ours["cmr"] - theirs["cmr"]) and pair["samples"] == output.sizes["sample"]
    assert pair["ci95_cmr"][0] <= pair["cmr"] <= pair["ci95_cmr"][1]
    moved = other.copy(deep=True)
    moved.true_column.values[:] += 1
    for strange in (other.isel(sample=slice(1, None)), moved, other.assign_attrs(sensors=12)):
        with pytest.raises(InputError, match="not tested on the same samples"):
            tables.pairs([output, strange])


def test_no_right_count_is_said():
    record = tables.record(predicted([[0.9, 0.9]], [[1, 2]], [[1, NAN]]))
    assert np.isnan(record["rmse_fraction"])
    assert record["rmse_fraction_reason"] == "no sample with emitters has the right count"


def test_the_sample_where_two_stages_win(output):
    better = predicted([[0.9, 0.1], [0.9, 0.1], [0.7, 0.6], [0.9, 0.9]], [[4, 0], [3, 9], [5, 11], [10, 2]],
                       [[3, NAN], [3, NAN], [4, 11], [2, 10]])
    # samples 1 and 2 are right only there; sample 1 is exact
    assert tables.two_stage_wins(output, better) == 1
    assert tables.two_stage_wins(better, output) in (0, 3)
    with pytest.raises(InputError, match="no right count"):
        tables.two_stage_wins(output, predicted([[0.9, 0.9]], [[1, 2]], [[1, NAN]]))


def test_a_case_is_the_sample_that_was_drawn():
    scene = free_space(16)
    output = predicted(np.full((3, 2), 0.9), np.zeros((3, 2)), np.zeros((3, 2)))
    drawn = tables.samples(scene, output)
    for name, axis in zip(("true_row", "true_column"), np.divmod(drawn.emitter[1], 16)):
        output[name][1] = np.where(drawn.emitter[1] >= 0, axis, NAN)
    shown = tables.case(scene, drawn, output, 1, np.zeros((2, 16, 16)))
    assert shown.power.shape == (16, 16) and shown.sensors.shape == (4, 3)
    row, column, value = shown.sensors[0]
    assert shown.power[int(row), int(column)] == pytest.approx(value, abs=1e-3)
    assert len(shown.truth) == drawn.count[1] and len(shown.predicted) == 2


def test_transfer_reads_every_pair(output, tmp_path):
    for trained in ("a", "b"):
        for tested in ("a", "b"):
            predictions.save(output.assign_attrs(environment=tested, trained_on=trained),
                             tmp_path / f"{trained}-single_stage" / f"{tested}.nc")
    records = tables.transfer(tmp_path, ["a", "b"], ["single_stage"])
    assert [(r["trained_on"], r["tested_on"]) for r in records] == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
    with pytest.raises(InputError, match="c-single_stage/c.nc: no such predictions"):
        tables.load(tmp_path, ["c"], ["single_stage"])
