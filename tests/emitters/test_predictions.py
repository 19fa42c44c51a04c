"""What the networks find, with the truth; the files between the stages: predictions, occupancy outputs, folders."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from small_emitters import CITY, FIRST, FREE, LOGIT, SINGLE

from rsslib.data import cities
from rsslib.emitters import predictions
from rsslib.emitters import samples as sampling
from rsslib.emitters.localizer import build
from rsslib.emitters.metrics import metrics, scores
from rsslib.project import InputError
from rsslib.propagation import gain_maps


def test_predictions_hold_the_truth_and_come_back_from_their_file(reference, tmp_path):
    predicted = predictions.predict(reference.model, SINGLE, FREE)
    samples = sampling.draw(FREE, "test", 40, 16)
    true = np.where(samples.emitter >= 0, np.divmod(samples.emitter, 16), np.nan)
    np.testing.assert_array_equal(predicted.true_row, true[0])
    np.testing.assert_array_equal(predicted.true_column, true[1])
    assert ((predicted.existence >= 0) & (predicted.existence <= 1)).all()
    assert ((predicted.row >= 0) & (predicted.row <= 15)).all() and predicted.attrs["samples"] == 128
    back = predictions.load(predictions.save(predicted, tmp_path / "deep" / "predicted.nc"))
    assert all(np.array_equal(back[name], predicted[name], equal_nan=True) for name in predicted)
    assert metrics(scores(back), 50) == metrics(scores(predicted), 50)


def test_a_second_stage_predicts_through_its_first(occupancy):
    model = build(LOGIT, "cpu")
    predicted = predictions.predict(model, LOGIT, FREE, occupancy, "val")
    assert predicted.sizes == {"sample": 32, "slot": 3, "emitter": 3} and predicted.attrs["set"] == "val"
    other = predictions.predict(model, LOGIT, FREE, build(replace(FIRST, seed=9), "cpu"), "val")
    assert not predicted.existence.equals(other.existence) and predicted.true_row.equals(other.true_row)


def test_scores_count_what_is_above_the_threshold(reference):
    predicted = predictions.predict(reference.model, SINGLE, FREE)
    for threshold in (0.5, 0.9):
        counted = scores(predicted, threshold)
        np.testing.assert_array_equal(counted.predicted, (predicted.existence > threshold).sum("slot"))
        np.testing.assert_array_equal(counted.true, predicted.true_row.notnull().sum("emitter"))
        assert (counted.n, counted.side_m) == (16, 5000.0)


def test_a_file_that_is_no_predictions_is_named(tmp_path):
    with pytest.raises(InputError, match="no such predictions; run its training stage"):
        predictions.load(tmp_path / "none.nc")
    (tmp_path / "half.nc").write_bytes(b"half a file")
    with pytest.raises(InputError, match="half.nc: not a predictions file"):
        predictions.load(tmp_path / "half.nc")
    xr.Dataset({"existence": ("sample", np.zeros(3))}).to_netcdf(tmp_path / "other.nc", engine="netcdf4")
    with pytest.raises(InputError, match=r"other.nc: expected a variable 'existence' over \('sample', 'slot'\)"):
        predictions.load(tmp_path / "other.nc")


@pytest.mark.parametrize("scene", [FREE, CITY], ids=["free space", "city"])
def test_occupancy_accuracy_is_that_of_the_maps(occupancy, scene):
    facts = predictions.occupancy_facts(occupancy, FIRST, scene)
    samples = sampling.draw(scene, "test", 40, 16)
    outdoor = np.asarray(scene.outdoor)
    truth = (sampling.margins(scene, samples) > 0)[:, outdoor]
    called = (predictions.occupancy_logits(occupancy, FIRST, scene, count=40) > 0)[:, outdoor]
    share = (called == truth).mean(1)
    assert facts["accuracy"] == pytest.approx(share.mean()) and facts["accuracy_std"] == pytest.approx(share.std())
    assert facts["occupied"] == pytest.approx(truth.mean())
    assert (facts["samples"], facts["parameters"]) == (40, 30_471)


def test_occupancy_facts_are_of_occupancy_networks_alone(reference):
    with pytest.raises(InputError, match="stage is 'localizer'; expected 'occupancy'"):
        predictions.occupancy_facts(reference.model, SINGLE, FREE)


def test_occupancy_facts_and_logits_are_kept(occupancy, tmp_path):
    facts = predictions.occupancy_facts(occupancy, FIRST, FREE)
    logits = predictions.occupancy_logits(occupancy, FIRST, FREE, count=4)
    assert logits.shape == (4, 16, 16)
    again, kept = predictions.load_occupancy(predictions.save_occupancy(tmp_path / "o", facts, logits))
    assert again == facts and kept == pytest.approx(logits, abs=1e-3, rel=1e-3)
    with pytest.raises(InputError, match="no occupancy network's outputs"):
        predictions.load_occupancy(tmp_path)


def test_a_scene_is_free_space_or_has_a_library(tmp_path):
    assert predictions.scene_of(tmp_path, "free_space", 32).n == 32
    library = gain_maps.build(cities.procedural(seed=2, side_m=300.0), 16, count=30)
    gain_maps.save(library, tmp_path / "procedural.nc")
    town = predictions.scene_of(tmp_path, "procedural", 16)
    assert (town.environment, town.side_m) == ("procedural", 300.0)
    with pytest.raises(InputError, match="chicago.nc: no gain maps of 'chicago'; `make smoke` makes"):
        predictions.scene_of(tmp_path, "chicago", 32)


def test_a_second_stage_finds_the_network_it_looks_through(tmp_path):
    def weights(networks):
        folders = predictions.network_folders(tmp_path / "new", "sydney", networks)
        return predictions.first_stage(folders, tmp_path, "sydney")

    assert weights("single_stage") is None and weights("occupancy") is None
    with pytest.raises(InputError, match="sydney-occupancy.weights: two_stage_binary needs an occupancy network"):
        weights(["single_stage", "two_stage_binary"])
    assert weights(["two_stage_binary", "occupancy"]) == tmp_path / "new" / "sydney-occupancy" / "weights"
    earlier = tmp_path / "sydney-occupancy" / "weights"
    earlier.mkdir(parents=True)
    assert weights("two_stage_binary") == earlier


def test_each_network_has_a_folder_of_its_own(tmp_path):
    assert predictions.network_folders(tmp_path, "sydney", "occupancy") == {"occupancy": tmp_path / "sydney-occupancy"}
    assert predictions.network_folders(tmp_path, "sydney", "occupancy", "mine") == {"occupancy": tmp_path / "mine"}
    both = predictions.network_folders(tmp_path, "sydney", ["single_stage", "occupancy"])
    assert list(both.items()) == [(name, tmp_path / f"sydney-{name}") for name in ("occupancy", "single_stage")]
    with pytest.raises(InputError, match="name is 'mine'; expected none for several networks"):
        predictions.network_folders(tmp_path, "sydney", ["occupancy", "single_stage"], "mine")
