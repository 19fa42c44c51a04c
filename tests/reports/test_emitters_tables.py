"""Records of the second paper from hand-made predictions, and the files between its stages."""

import numpy as np
import pytest
import torch
import xarray as xr

from rsslib.emitters import files, predictions
from rsslib.emitters.recipe import EmitterRecipe, build
from rsslib.emitters.samples import Samples
from rsslib.ledger import results
from rsslib.project import InputError
from rsslib.propagation.scene import free_space
from rsslib.reports.emitters_paper import effects, tables

NAN = np.nan


def found(existence, row, true_row, **attrs):
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
def said():
    """Right with an error of 2 cells; one too many; one missed; right with both exact, in the other order."""
    return found([[0.9, 0.1], [0.9, 0.8], [0.7, 0.2], [0.9, 0.9]], [[5, 0], [3, 9], [4, 0], [10, 2]],
                 [[3, NAN], [3, NAN], [4, 11], [2, 10]])


def test_a_record_has_the_metrics_of_the_paper(said):
    record = tables.record(said)
    assert (record["cmr"], record["fa"], record["mr"]) == (0.5, pytest.approx(1 / 6), pytest.approx(1 / 6))
    assert record["rmse_px"] == 1.0 and record["rmse_fraction"] == pytest.approx(1 / 16) and record["rmse_m"] == 100.0
    assert (record["method"], record["n_sensors"], record["samples"]) == ("single_stage", 4, 4)
    low, high = record["ci95_cmr"]
    assert low <= 0.5 <= high


def test_the_table_and_the_counts(said, tmp_path):
    models = {("free_space", "single_stage"): said}
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
    np.testing.assert_allclose(effects.effects(scene, drawn)[0], expected, atol=1e-3)
    one = Samples(16, drawn.sensor, value, np.array([[16, -1]], np.int32), np.array([[30.0, NAN]], np.float32))
    assert np.isnan(effects.effects(scene, one)[0, 1])


def test_counts_by_the_weakest_emitters_effect():
    scene, recipe = free_space(16), EmitterRecipe(n=16, sensors=10, samples=8, val_samples=4, test_samples=60,
                                                  precision="float32", threads=1)
    said = predictions.predict(build(recipe, "cpu"), recipe, scene)
    said = said.assign_attrs(environment="free_space", parameters=1)
    records = effects.by_effect({("free_space", "single_stage"): said}, {"free_space": scene})
    assert sum(record["n"] for record in records) == 60
    assert sum(record["share_of_samples"] for record in records) == pytest.approx(1)
    lows = [record["from_db"] for record in records]
    assert lows == sorted(lows) and set(lows) <= {0.0, 0.1, 1.0, 3.0, 10.0} and records[-1]["to_db"] is None


def test_a_fresh_test_is_of_other_samples(tmp_path):
    scene, recipe = free_space(16), EmitterRecipe(n=16, sensors=10, samples=8, val_samples=4, test_samples=30,
                                                  precision="float32", threads=1)
    model = build(recipe, "cpu")
    said = predictions.predict(model, recipe, scene).assign_attrs(environment="free_space", parameters=1)
    folder = tmp_path / "free_space-single_stage"
    predictions.save(said, folder / "free_space.nc")
    predictions.save_model(model, recipe, folder / "weights")
    (drawn,) = tables.fresh(tmp_path, scene, ["free_space-single_stage"], 50)
    anew = tables.record(drawn)
    assert (anew["samples"], anew["environment"], anew["parameters"]) == (50, "free_space", 1)
    assert drawn.attrs["seed"] != recipe.seed
    assert not np.array_equal(drawn.true_row[:30], said.true_row, equal_nan=True)


def test_methods_are_compared_on_the_same_samples(said):
    other = said.copy(deep=True).assign_attrs(method="two_stage_logit", beside=1)
    other.existence.values[:] = 0.9
    away = said.assign_attrs(environment="elsewhere")
    (pair,) = tables.pairs([said, other, away])
    assert (pair["left_method"], pair["right_method"]) == ("two_stage_logit", said.attrs["method"])
    assert (pair["left_second_stage_sees"], pair["right_second_stage_sees"]) == ("logits and readings", None)
    ours, theirs = (tables.record(one) for one in (other, said))
    assert pair["cmr"] == pytest.approx(ours["cmr"] - theirs["cmr"]) and pair["samples"] == said.sizes["sample"]
    assert pair["ci95_cmr"][0] <= pair["cmr"] <= pair["ci95_cmr"][1]
    moved = other.copy(deep=True)
    moved.true_column.values[:] += 1
    for strange in (other.isel(sample=slice(1, None)), moved, other.assign_attrs(sensors=12)):
        with pytest.raises(InputError, match="not tested on the same samples"):
            tables.pairs([said, strange])


def test_no_right_count_is_said():
    record = tables.record(found([[0.9, 0.9]], [[1, 2]], [[1, NAN]]))
    assert np.isnan(record["rmse_fraction"])
    assert record["rmse_fraction_reason"] == "no sample with emitters has the right count"


def test_the_sample_where_two_stages_win(said):
    better = found([[0.9, 0.1], [0.9, 0.1], [0.7, 0.6], [0.9, 0.9]], [[4, 0], [3, 9], [5, 11], [10, 2]],
                   [[3, NAN], [3, NAN], [4, 11], [2, 10]])
    # samples 1 and 2 are right only there; sample 1 is exact
    assert tables.two_stage_wins(said, better) == 1
    assert tables.two_stage_wins(better, said) in (0, 3)
    with pytest.raises(InputError, match="no right count"):
        tables.two_stage_wins(said, found([[0.9, 0.9]], [[1, 2]], [[1, NAN]]))


def test_a_case_is_the_sample_that_was_drawn():
    scene = free_space(16)
    said = found(np.full((3, 2), 0.9), np.zeros((3, 2)), np.zeros((3, 2)))
    drawn = tables.samples(scene, said)
    for name, axis in zip(("true_row", "true_column"), np.divmod(drawn.emitter[1], 16)):
        said[name][1] = np.where(drawn.emitter[1] >= 0, axis, NAN)
    shown = tables.case(scene, drawn, said, 1)
    assert shown.power.shape == (16, 16) and shown.sensors.shape == (4, 3)
    row, column, value = shown.sensors[0]
    assert shown.power[int(row), int(column)] == pytest.approx(value, abs=1e-3)
    assert len(shown.truth) == drawn.count[1] and len(shown.predicted) == 2


def test_transfer_reads_every_pair(said, tmp_path):
    for trained in ("a", "b"):
        for tested in ("a", "b"):
            predictions.save(said.assign_attrs(environment=tested, trained_on=trained),
                                     tmp_path / f"{trained}-single_stage" / f"{tested}.nc")
    records = tables.transfer(tmp_path, ["a", "b"], ["single_stage"])
    assert [(r["trained_on"], r["tested_on"]) for r in records] == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
    with pytest.raises(InputError, match="c-single_stage/c.nc: no such predictions"):
        tables.load(tmp_path, ["c"], ["single_stage"])


def test_occupancy_facts_and_logits_are_kept(tmp_path):
    recipe = EmitterRecipe(method="two_stage_logit", stage="occupancy", n=16, sensors=10, samples=8, val_samples=4,
                           test_samples=6, precision="float32", threads=1)
    torch.manual_seed(0)
    facts, logits = files.occupancy(build(recipe, "cpu"), recipe, free_space(16), count=4)
    assert logits.shape == (4, 16, 16) and 0 <= facts["accuracy"] <= 1 and facts["parameters"] > 25_000
    again, kept = files.load_occupancy(files.save_occupancy(tmp_path / "o", facts, logits))
    assert again == facts and kept == pytest.approx(logits, abs=1e-3, rel=1e-3)
    with pytest.raises(InputError, match="no occupancy network's outputs"):
        files.load_occupancy(tmp_path)


def test_a_scene_is_free_space_or_has_a_library(tmp_path):
    assert files.scene(tmp_path, "free_space", 32).n == 32
    with pytest.raises(InputError, match="chicago.nc: no gain maps of 'chicago'; `make smoke` makes"):
        files.scene(tmp_path, "chicago", 32)


def test_a_second_stage_finds_the_network_it_looks_through(tmp_path):
    def weights(networks):
        return files.first_stage(files.homes(tmp_path / "new", "sydney", networks), tmp_path, "sydney")

    assert weights("single_stage") is None and weights("occupancy") is None
    with pytest.raises(InputError, match="sydney-occupancy.weights: two_stage_binary looks through"):
        weights(["single_stage", "two_stage_binary"])
    assert weights(["two_stage_binary", "occupancy"]) == tmp_path / "new" / "sydney-occupancy" / "weights"
    earlier = tmp_path / "sydney-occupancy" / "weights"
    earlier.mkdir(parents=True)
    assert weights("two_stage_binary") == earlier


def test_each_network_has_a_folder_of_its_own(tmp_path):
    assert files.homes(tmp_path, "sydney", "occupancy") == {"occupancy": tmp_path / "sydney-occupancy"}
    assert files.homes(tmp_path, "sydney", "occupancy", "mine") == {"occupancy": tmp_path / "mine"}
    both = files.homes(tmp_path, "sydney", ["single_stage", "occupancy"])
    assert list(both.items()) == [(name, tmp_path / f"sydney-{name}") for name in ("occupancy", "single_stage")]
    with pytest.raises(InputError, match="name is 'mine'; expected none for several networks"):
        files.homes(tmp_path, "sydney", ["occupancy", "single_stage"], "mine")


def test_a_network_has_a_recipe():
    first = EmitterRecipe.of("occupancy", epochs=5)
    assert (first.stage, first.method, first.epochs) == ("occupancy", "two_stage_logit", 5)
    assert EmitterRecipe.of("two_stage_binary") == EmitterRecipe(method="two_stage_binary")
    with pytest.raises(InputError, match="the network is 'two_stage'; expected one of occupancy, single_stage"):
        EmitterRecipe.of("two_stage")
