"""What the networks find, with the truth; the files between the stages: predictions, occupancy outputs, folders."""

import random
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from small_emitters import CITY, FIRST, FREE, LOGIT, SINGLE

from rsslib import files
from rsslib.data import cities
from rsslib.emitters import predictions
from rsslib.emitters import samples as sampling
from rsslib.emitters.localizer import EmitterRecipe, build
from rsslib.emitters.metrics import metrics, scores
from rsslib.project import InputError
from rsslib.propagation import gain_library, gain_maps


def test_predictions_hold_the_truth_and_come_back_from_their_file(reference, tmp_path):
    predicted = predictions.predict(reference.model, SINGLE, FREE)
    samples = sampling.draw(FREE, "test", 40, 16)
    true = np.where(samples.emitter >= 0, np.divmod(samples.emitter, 16), np.nan)
    np.testing.assert_array_equal(predicted.true_row, true[0])
    np.testing.assert_array_equal(predicted.true_column, true[1])
    assert ((predicted.existence >= 0) & (predicted.existence <= 1)).all()
    assert ((predicted.row >= 0) & (predicted.row <= 15)).all() and predicted.attrs["samples"] == 128
    back = predictions.load(predictions.save(predicted, tmp_path / "deep" / "predicted.nc"))
    metre = 16 / 5000.0    # in cells
    for name, most in {"existence": 2**-15, "row": 0.1 * metre, "column": 0.1 * metre}.items():
        np.testing.assert_allclose(back[name], predicted[name], rtol=0, atol=most)
        assert len(np.unique(back[name])) > 50    # not rounded to a few values
    assert all(np.array_equal(back[name], predicted[name], equal_nan=True) for name in ("true_row", "true_column"))
    np.testing.assert_array_equal(scores(back).predicted, scores(predicted).predicted)
    np.testing.assert_array_equal(scores(back).true, scores(predicted).true)
    values, stored = (metrics(scores(one), 50) for one in (predicted, back))
    for name in ("cmr", "fa", "mr", "cmr_ci95", "fa_ci95", "mr_ci95"):
        assert stored[name] == values[name]
    for name in ("rmse_m", "rmse_pooled_m"):
        assert stored[name] == pytest.approx(values[name], abs=0.1, nan_ok=True)
    assert back.attrs.keys() >= predicted.attrs.keys() and back.attrs["side_m"] == 5000.0


def made(n, row, existence, true_row=None):
    """Predictions of one slot a sample on a map of 5 km, rows and columns the other way round."""
    column = (n - 1) - np.asarray(row, float)
    true = np.asarray(row, float) if true_row is None else np.asarray(true_row, float)
    values = dict(zip(predictions.VARIABLES, (np.asarray(existence, float), np.asarray(row, float), column, true,
                                              (n - 1) - true)))
    recipe = EmitterRecipe(n=n, samples=2, val_samples=2, test_samples=len(column))
    return xr.Dataset({name: (dims, values[name][:, None]) for name, dims in predictions.VARIABLES.items()},
                      attrs=predictions._attrs(recipe) | {"set": "test", "side_m": 5000.0, "threshold_dbm": -80.0})


@pytest.mark.parametrize("n", [16, 32, 48, 64, 128, 208, 720])
def test_places_are_stored_to_a_tenth_of_a_metre_and_whole_cells_exactly(n, tmp_path):
    cells, random = np.arange(n), np.random.default_rng(n)
    whole = made(n, cells, cells % 2, np.where(cells % 3, cells, np.nan))    # the first and the last cell, too
    back = predictions.load(predictions.save(whole, tmp_path / "whole.nc"))
    for name in predictions.VARIABLES:
        np.testing.assert_array_equal(back[name], whole[name])
    given = made(n, random.uniform(0, n - 1, 3000), random.random(3000), random.integers(n, size=3000))
    path = predictions.save(given, tmp_path / "some.nc")
    back = predictions.load(path)
    for name in ("row", "column"):
        assert np.abs(back[name] - given[name]).max() * 5000.0 / n < 0.1
    assert np.abs(back.existence - given.existence).max() <= 2**-15
    np.testing.assert_array_equal(back.true_row, given.true_row)
    np.testing.assert_array_equal(back.existence > 0.5, given.existence > 0.5)
    with xr.open_dataset(path, engine="netcdf4", decode_cf=False) as stored:
        assert {stored[name].dtype for name in predictions.VARIABLES} == {np.dtype("uint16")}
    again = predictions.load(predictions.save(back, tmp_path / "again.nc"))    # what was rounded stays
    assert all(np.array_equal(again[name], back[name], equal_nan=True) for name in predictions.VARIABLES)


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
    with pytest.raises(InputError, match="none.nc: no such file; expected the predictions of a network of emitters"):
        predictions.load(tmp_path / "none.nc")
    (tmp_path / "half.nc").write_bytes(b"half a file")
    with pytest.raises(InputError, match="half.nc: broken or something else"):
        predictions.load(tmp_path / "half.nc")
    xr.Dataset({"existence": ("sample", np.zeros(3))}).to_netcdf(tmp_path / "other.nc", engine="netcdf4")
    with pytest.raises(InputError, match=r"other.nc: broken or something else \('method' is missing\)"):
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


@pytest.mark.parametrize("missing", ["environment", "n", "samples", "accuracy", "accuracy_std", "occupied",
                                     "parameters", None])
def test_occupancy_facts_that_are_missing_are_refused(tmp_path, missing):
    facts = {"environment": "a", "n": 4, "samples": 2, "accuracy": 0.5, "accuracy_std": 0.1, "occupied": 0.5,
             "parameters": 7}
    logits = np.zeros((2, 4, 4), np.float32)
    path = predictions.save_occupancy(tmp_path / "o", facts, logits) / "occupancy.nc"
    left = {name: value for name, value in facts.items() if name != missing} if missing else {}
    problem = f"occupancy.nc: .*'{missing or 'environment'}' is missing.; expected an occupancy network's outputs"
    with pytest.raises(InputError, match=problem):
        predictions.save_occupancy(tmp_path / "p", left, logits)
    assert not (tmp_path / "p").exists()
    files.write_netcdf(files.read_netcdf(path, "").drop_attrs().assign_attrs(left), path)
    with pytest.raises(InputError, match=problem):
        predictions.load_occupancy(tmp_path / "o")


def test_occupancy_facts_and_logits_are_kept(occupancy, tmp_path):
    facts = predictions.occupancy_facts(occupancy, FIRST, FREE)
    logits = predictions.occupancy_logits(occupancy, FIRST, FREE, count=4)
    assert logits.shape == (4, 16, 16)
    again, kept = predictions.load_occupancy(predictions.save_occupancy(tmp_path / "o", facts, logits))
    assert again == facts and kept == pytest.approx(logits, abs=1e-3, rel=1e-3)
    with pytest.raises(InputError, match="occupancy.nc: no such file; expected an occupancy network's outputs"):
        predictions.load_occupancy(tmp_path)


def test_a_scene_is_free_space_or_has_a_library(tmp_path):
    assert predictions.scene_of(tmp_path, "free_space", 32).n == 32
    library = gain_maps.build(cities.procedural(seed=2, side_m=300.0), 16, count=30)
    gain_library.save(library, tmp_path / "procedural.nc")
    town = predictions.scene_of(tmp_path, "procedural", 16)
    assert (town.environment, town.side_m) == ("procedural", 300.0)
    with pytest.raises(InputError, match="chicago.nc: no gain maps of 'chicago'; `make smoke` makes"):
        predictions.scene_of(tmp_path, "chicago", 32)


def test_a_second_stage_finds_the_network_it_looks_through(tmp_path):
    def weights(networks):
        folders = predictions.network_folders(tmp_path / "new", "sydney", networks)
        return predictions.first_stage(folders, tmp_path, "sydney")

    assert weights("single_stage") is None and weights("occupancy") is None
    with pytest.raises(InputError, match="sydney-occupancy.weights: other_input needs an occupancy network"):
        weights("other_input")
    with pytest.raises(InputError, match="sydney-occupancy.weights: two_stage_binary needs an occupancy network"):
        weights(["single_stage", "two_stage_binary"])
    assert weights(["two_stage_binary", "occupancy"]) == tmp_path / "new" / "sydney-occupancy" / "weights"
    earlier = tmp_path / "sydney-occupancy" / "weights"
    earlier.mkdir(parents=True)
    assert weights("two_stage_binary") == weights("other_input") == earlier


def test_each_network_has_a_folder_of_its_own(tmp_path):
    assert predictions.network_folders(tmp_path, "sydney", "occupancy") == {"occupancy": tmp_path / "sydney-occupancy"}
    assert predictions.network_folders(tmp_path, "sydney", "occupancy", "mine") == {"occupancy": tmp_path / "mine"}
    both = predictions.network_folders(tmp_path, "sydney", ["single_stage", "occupancy"])
    assert list(both.items()) == [(name, tmp_path / f"sydney-{name}") for name in ("occupancy", "single_stage")]
    assert predictions.network_folders(tmp_path, "sydney", ["other_input"]) == {
        "other_input": tmp_path / "sydney-other_input"}
    with pytest.raises(InputError, match="name is 'mine'; expected none for several networks"):
        predictions.network_folders(tmp_path, "sydney", ["occupancy", "single_stage"], "mine")


@pytest.fixture
def predicted(reference):
    return predictions.predict(reference.model, SINGLE, FREE)


@pytest.mark.parametrize("change, message", [
    (lambda p: p.drop_vars("existence"), "'existence' is missing"),
    (lambda p: p * np.nan, "existence is not from 0 to 1"),
    (lambda p: p.assign(existence=p.existence + 1), "existence is not from 0 to 1"),
    (lambda p: p.assign(row=p.row + 99), "row is not from 0 to 15"),
    (lambda p: p.assign(column=-p.column - 1), "column"),
    (lambda p: p.assign(true_row=p.true_row * np.inf), "true_row is not from"),
    (lambda p: p.isel(sample=[]), "existence is"),
    (lambda p: p.assign(true_row=p.true_row * np.nan), "a row or a column alone"),
    (lambda p: p.fillna(0).astype(int), "int64"),
    (lambda p: p.transpose(), "existence is float64 over"), (lambda p: p.assign_attrs(n="x"), "recipe: n is"),
    (lambda p: p.assign_attrs(method=3), "recipe: method is 3"),
    (lambda p: p.assign_attrs(beside=2), "beside or augment"),
    (lambda p: p.assign_attrs(side_m=-1.0), "side_m, threshold_dbm or set"), (lambda p: None, "broken"),
    (lambda p: p.assign_attrs(set="all"), "side_m, threshold_dbm or set"), (lambda p: p.existence, "broken"),
    (lambda p: p.assign_attrs(threshold_dbm=np.nan), "side_m, threshold_dbm or set")])
def test_predictions_that_are_none_are_neither_written_nor_read(predicted, tmp_path, change, message):
    broken = change(predicted)
    if isinstance(broken, xr.Dataset):
        broken.attrs = predicted.attrs | broken.attrs
    with pytest.raises(InputError, match=message):
        predictions.save(broken, tmp_path / "p.nc")
    assert not list(tmp_path.iterdir())
    if isinstance(broken, xr.Dataset):
        broken.to_netcdf(tmp_path / "p.nc", engine="netcdf4")
        with pytest.raises(InputError, match=message):
            predictions.load(tmp_path / "p.nc")


@pytest.mark.parametrize("name", ["seed", "sensors", "n_max", "test_samples", "side_m", "set", "powers_dbm"])
def test_an_attribute_that_is_needed_later_is_named(predicted, tmp_path, name):
    del predicted.attrs[name]
    with pytest.raises(InputError, match=f"p.nc: broken or something else .'{name}' is missing"):
        predictions.save(predicted, tmp_path / "p.nc")


def flipped(path, load, rng, count=50):
    """Flip bits of copies of a file in folders of their own; yield what is still loaded."""
    raw = path.read_bytes()
    for number in range(count):
        changed, other = bytearray(raw), path.parent / str(number) / path.name
        changed[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        other.parent.mkdir()
        other.write_bytes(changed)
        try:
            yield load(other)
        except InputError as error:
            assert f"{number}/{path.name}: " in str(error)


def test_files_with_any_bit_flipped_are_refused_or_the_same(predicted, occupancy, tmp_path):
    rng = random.Random(0)
    path = predictions.save(predicted, tmp_path / "p.nc")
    whole = predictions.load(path)
    for again in flipped(path, predictions.load, rng):
        assert all(np.array_equal(again[name], whole[name], equal_nan=True) for name in whole)
    folder = predictions.save_occupancy(tmp_path / "o", predictions.occupancy_facts(occupancy, FIRST, FREE),
                                        predictions.occupancy_logits(occupancy, FIRST, FREE))
    facts, logits = predictions.load_occupancy(folder)
    for again in flipped(folder / "occupancy.nc", lambda path: predictions.load_occupancy(path.parent), rng):
        assert again[0] == facts and np.array_equal(again[1], logits)


@pytest.mark.parametrize("facts, message", [
    ({"accuracy": 1.5}, "impossible facts"), ({"accuracy": float("nan")}, "impossible facts"),
    ({"n": 17}, "logits are"),
    ({"n": 16.0}, "16.0 where int is expected"), ({"environment": 3}, "3 where str is expected"),
    ({"samples": 0}, "impossible facts"), ({"parameters": None}, "None where int"),
    ({"occupied": "0.5"}, "where float")])
def test_facts_that_cannot_be_are_not_written(tmp_path, facts, message):
    good = {"environment": "free_space", "n": 16, "samples": 4, "accuracy": 0.5, "accuracy_std": 0.1, "occupied": 0.5,
            "parameters": 7}
    logits = np.zeros((4, 16, 16))
    with pytest.raises(InputError, match=f"occupancy.nc: broken or something else .*{message}"):
        predictions.save_occupancy(tmp_path, good | facts, logits)
    for bad in (logits * np.nan, logits + 1e6, logits[0], logits[:0], "logits", None, logits + 1j, logits > 0):
        with pytest.raises(InputError, match="occupancy.nc: (broken or something else|logits is)"):
            predictions.save_occupancy(tmp_path, good, bad)
    assert not list(tmp_path.iterdir())
    assert predictions.load_occupancy(predictions.save_occupancy(tmp_path, good, logits))[0] == good


@pytest.mark.parametrize("networks", [[], (), None, "all", ["single_stage", "three_stage"], [None], 3, {}, ""])
def test_no_network_and_unknown_ones_are_named(tmp_path, networks):
    with pytest.raises(InputError, match="network.* to train (are|is) .*; expected one.* of occupancy, single_stage"):
        predictions.network_folders(tmp_path, "sydney", networks)


@pytest.mark.parametrize("name", ["..", "a/b", "../x", "a\\b", "a\nb", "x" * 200, None, 3])
def test_names_are_those_of_one_folder(tmp_path, name):
    with pytest.raises(InputError, match="environment is .*; expected a plain name"):
        predictions.network_folders(tmp_path, name, "occupancy")
    with pytest.raises(InputError, match="name is .*; expected a plain name"):
        predictions.network_folders(tmp_path, "sydney", "occupancy", name)
    with pytest.raises(InputError, match="environment is .*; expected a plain name"):
        predictions.scene_of(tmp_path, name, 16)


def test_the_size_of_a_scene_is_a_number(tmp_path):
    for n in (0, 16.0, None, "16", 10**6):
        with pytest.raises(InputError, match="n is .*; expected a whole number from 1 to 724"):
            predictions.scene_of(tmp_path, "free_space", n)


@pytest.mark.parametrize("given", [None, 3, "model"])
def test_networks_recipes_and_scenes_are_what_they_are_called(reference, occupancy, given):
    for work in (lambda: predictions.predict(given, SINGLE, FREE),
                 lambda: predictions.predict(reference.model, given, FREE),
                 lambda: predictions.predict(reference.model, SINGLE, given),
                 lambda: predictions.occupancy_facts(given, FIRST, FREE),
                 lambda: predictions.occupancy_logits(occupancy, given, FREE)):
        with pytest.raises(InputError, match="(model|recipe|scene) is .*; expected (Model|Emitter|Scene)"):
            work()
    with pytest.raises(InputError, match="occupancy_logits: count is 0"):
        predictions.occupancy_logits(occupancy, FIRST, FREE, 0)
    with pytest.raises(InputError, match="training: the set is .*; expected one of train, val, test"):
        predictions.predict(reference.model, SINGLE, FREE, set_name=given)
