"""The files between the stages of the second paper: occupancy outputs, scenes, networks and their recipes."""

import pytest
import torch

from rsslib.emitters import predictions
from rsslib.emitters.localizer import EmitterRecipe, build
from rsslib.project import InputError
from rsslib.propagation.scene import free_space


def test_occupancy_facts_and_logits_are_kept(tmp_path):
    recipe = EmitterRecipe(method="two_stage_logit", stage="occupancy", n=16, sensors=10, samples=8, val_samples=4,
                           test_samples=6, precision="float32", threads=1)
    torch.manual_seed(0)
    network, scene = build(recipe, "cpu"), free_space(16)
    facts = predictions.occupancy_facts(network, recipe, scene)
    logits = predictions.occupancy_logits(network, recipe, scene, count=4)
    assert logits.shape == (4, 16, 16) and 0 <= facts["accuracy"] <= 1 and facts["parameters"] > 25_000
    again, kept = predictions.load_occupancy(predictions.save_occupancy(tmp_path / "o", facts, logits))
    assert again == facts and kept == pytest.approx(logits, abs=1e-3, rel=1e-3)
    with pytest.raises(InputError, match="no occupancy network's outputs"):
        predictions.load_occupancy(tmp_path)


def test_a_scene_is_free_space_or_has_a_library(tmp_path):
    assert predictions.scene_of(tmp_path, "free_space", 32).n == 32
    with pytest.raises(InputError, match="chicago.nc: no gain maps of 'chicago'; `make smoke` makes"):
        predictions.scene_of(tmp_path, "chicago", 32)


def test_a_second_stage_finds_the_network_it_looks_through(tmp_path):
    def weights(networks):
        folders = predictions.network_folders(tmp_path / "new", "sydney", networks)
        return predictions.first_stage(folders, tmp_path, "sydney")

    assert weights("single_stage") is None and weights("occupancy") is None
    with pytest.raises(InputError, match="sydney-occupancy.weights: two_stage_binary looks through"):
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


def test_a_network_has_a_recipe():
    first = EmitterRecipe.of("occupancy", epochs=5)
    assert (first.stage, first.method, first.epochs) == ("occupancy", "two_stage_logit", 5)
    assert EmitterRecipe.of("two_stage_binary") == EmitterRecipe(method="two_stage_binary")
    with pytest.raises(InputError, match="the network is 'two_stage'; expected one of occupancy, single_stage"):
        EmitterRecipe.of("two_stage")
