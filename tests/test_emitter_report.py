"""Records of the second paper from hand-made predictions, and the files between its stages."""

import numpy as np
import pytest
import torch
import xarray as xr

from rsslib import emitter_files, emitter_predictions, emitter_report, results
from rsslib.emitter_recipe import EmitterRecipe, build
from rsslib.project import InputError
from rsslib.propagation.scene import free_space

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
    record = emitter_report.record(said)
    assert (record["cmr"], record["fa"], record["mr"]) == (0.5, pytest.approx(1 / 6), pytest.approx(1 / 6))
    assert record["rmse_px"] == 1.0 and record["rmse_fraction"] == pytest.approx(1 / 16) and record["rmse_m"] == 100.0
    assert (record["method"], record["n_sensors"], record["samples"]) == ("single_stage", 4, 4)
    low, high = record["ci95_cmr"]
    assert low <= 0.5 <= high


def test_the_table_and_the_counts(said, tmp_path):
    models = {("free_space", "single_stage"): said}
    (row,) = emitter_report.table1(models, {"free_space": 0.55})
    assert row["occupied_share"] == 0.55
    by_count = emitter_report.counts(models)
    assert [(r["true_count"], r["share_right"], r["n"]) for r in by_count] == [(1, 0.5, 2), (2, 0.5, 2)]
    results.write("smoke", "emitters_table1", [row], {}, {}, tmp_path)


def test_no_right_count_is_said():
    record = emitter_report.record(found([[0.9, 0.9]], [[1, 2]], [[1, NAN]]))
    assert np.isnan(record["rmse_fraction"])
    assert record["rmse_fraction_reason"] == "no sample with emitters has the right count"


def test_the_sample_where_two_stages_win(said):
    better = found([[0.9, 0.1], [0.9, 0.1], [0.7, 0.6], [0.9, 0.9]], [[4, 0], [3, 9], [5, 11], [10, 2]],
                   [[3, NAN], [3, NAN], [4, 11], [2, 10]])
    # samples 1 and 2 are right only there; sample 1 is exact
    assert emitter_report.two_stage_wins(said, better) == 1
    assert emitter_report.two_stage_wins(better, said) in (0, 3)
    with pytest.raises(InputError, match="no right count"):
        emitter_report.two_stage_wins(said, found([[0.9, 0.9]], [[1, 2]], [[1, NAN]]))


def test_a_case_is_the_sample_that_was_drawn():
    scene = free_space(16)
    said = found(np.full((3, 2), 0.9), np.zeros((3, 2)), np.zeros((3, 2)))
    drawn = emitter_report.samples(scene, said)
    for name, axis in zip(("true_row", "true_column"), np.divmod(drawn.emitter[1], 16)):
        said[name][1] = np.where(drawn.emitter[1] >= 0, axis, NAN)
    shown = emitter_report.case(scene, drawn, said, 1)
    assert shown.power.shape == (16, 16) and shown.sensors.shape == (4, 3)
    row, column, value = shown.sensors[0]
    assert shown.power[int(row), int(column)] == pytest.approx(value, abs=1e-3)
    assert len(shown.truth) == drawn.count[1] and len(shown.predicted) == 2


def test_transfer_reads_every_pair(said, tmp_path):
    for trained in ("a", "b"):
        for tested in ("a", "b"):
            emitter_predictions.save(said.assign_attrs(environment=tested, trained_on=trained),
                                     tmp_path / f"{trained}-single_stage" / f"{tested}.nc")
    records = emitter_report.transfer(tmp_path, ["a", "b"], ["single_stage"])
    assert [(r["trained_on"], r["tested_on"]) for r in records] == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
    with pytest.raises(InputError, match="c-single_stage/c.nc: no such predictions"):
        emitter_report.load(tmp_path, ["c"], ["single_stage"])


def test_occupancy_facts_and_logits_are_kept(tmp_path):
    recipe = EmitterRecipe(method="two_stage_logit", stage="occupancy", n=16, sensors=10, samples=8, val_samples=4,
                           test_samples=6, precision="float32", threads=1)
    torch.manual_seed(0)
    facts, logits = emitter_files.occupancy(build(recipe, "cpu"), recipe, free_space(16), count=4)
    assert logits.shape == (4, 16, 16) and 0 <= facts["accuracy"] <= 1 and facts["parameters"] > 25_000
    again, kept = emitter_files.load_occupancy(emitter_files.save_occupancy(tmp_path / "o", facts, logits))
    assert again == facts and kept == pytest.approx(logits, abs=1e-3)
    with pytest.raises(InputError, match="no occupancy network's outputs"):
        emitter_files.load_occupancy(tmp_path)


def test_a_scene_is_free_space_or_has_a_library(tmp_path):
    assert emitter_files.scene(tmp_path, "free_space", 32).n == 32
    with pytest.raises(InputError, match="chicago.nc: no such file"):
        emitter_files.scene(tmp_path, "chicago", 32)
