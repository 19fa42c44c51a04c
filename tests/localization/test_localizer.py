"""The user's object: fit, predict, save, load."""


import json
import random
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
import xarray as xr

from rsslib.data import measurements, splits
from rsslib.localization.ensemble import Recipe
from rsslib.localization.localizer import Localizer
from rsslib.project import InputError

RECIPE = Recipe(network="compact", members=2, epochs=2, batch_size=16, precision="float32", pixel_m=60.0, threads=1)


@pytest.fixture(scope="module")
def fitted(campus):
    return Localizer(RECIPE, device="cpu").fit(campus, splits.make(campus, "grid2"))


def test_a_saved_localizer_predicts_the_same(campus, fitted, tmp_path):
    predicted = fitted.predict(campus)
    again = Localizer.load(fitted.save(tmp_path / "model"), device="cpu").predict(campus)
    assert predicted.sizes == {"sample": campus.sizes["sample"], "member": 2}
    np.testing.assert_array_equal(predicted.x_hat, again.x_hat)
    np.testing.assert_array_equal(predicted.max_mean_prediction, again.max_mean_prediction)


def test_a_prediction_does_not_depend_on_the_other_samples(campus, fitted):
    # a shuttle's RSS range is the training's, not that of the samples at hand
    alone = fitted.predict(campus.isel(sample=[5]))
    assert float(alone.x_hat[0]) == pytest.approx(float(fitted.predict(campus).x_hat[5]))


def test_the_sets_are_labelled(campus, fitted):
    predicted = fitted.predict(campus, {"one": np.array([3]), "two": np.array([4, 5])})
    assert predicted.set.values.tolist() == ["one", "two", "two"]
    assert predicted.measurement.values.tolist() == [3, 4, 5]


def test_an_unfitted_localizer_asks_for_a_training(campus):
    with pytest.raises(InputError, match="call fit"):
        Localizer(RECIPE).predict(campus)


def test_what_is_not_a_localizer_is_named(fitted, tmp_path):
    with pytest.raises(InputError, match="header.json: no such file; expected a folder of trained networks"):
        Localizer.load(tmp_path)
    folder = fitted.save(tmp_path / "model")
    (folder / "member1.safetensors").unlink()
    with pytest.raises(InputError, match="member1.safetensors: no such file; expected the weights that"):
        Localizer.load(folder)
    (folder / "header.json").write_text('{"format": "other"}')
    with pytest.raises(InputError, match="format is 'other'"):
        Localizer.load(folder)


def test_cut_weights_are_named(fitted, tmp_path):
    folder = fitted.save(tmp_path / "model")
    path = folder / "member0.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="member0.safetensors: not the weights that header.json was saved with"):
        Localizer.load(folder)


def test_what_cannot_be_fitted_or_localized_is_refused(campus, fitted):
    with pytest.raises(InputError, match="the data set to fit is .*; expected an xarray.Dataset"):
        Localizer(RECIPE).fit({"rss": 1})
    with pytest.raises(InputError, match="predict: the set 'none' is empty"):
        fitted.predict(campus, {"none": np.array([], int)})


@pytest.mark.parametrize("task", ["fit", "predict"])
def test_sets_have_names(campus, fitted, task):
    with pytest.raises(InputError, match=f"{task}: sets is array.*; expected index sets by name"):
        getattr(fitted, task)(campus, np.arange(3))


def test_a_sample_that_only_unknown_receivers_heard_brings_a_warning(campus, fitted):
    unknown = campus.isel(sample=[0, 1]).copy(deep=True).assign_coords(
        sensor=[f"bus-{number}" for number in range(campus.sizes["sensor"])])
    with pytest.warns(UserWarning, match="2 of 2 samples were heard only by receivers"):
        fitted.predict(unknown)


def edited(folder, path, value):
    """Edit a value of the header on purpose, its digest made anew."""
    header = json.loads((folder / "header.json").read_text()) | {"digest": ""}
    inner = header
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    blank = json.dumps(header, indent=1).encode()
    signed = blank.replace(b'"digest": ""', f'"digest": "{sha256(blank).hexdigest()}"'.encode())
    (folder / "header.json").write_bytes(signed)
    return folder


def test_any_flipped_bit_of_a_folder_is_refused(fitted, tmp_path):
    folder, rng = fitted.save(tmp_path / "model"), random.Random(0)
    for path in [*sorted(folder.iterdir())] * 10:
        raw = path.read_bytes()
        changed = bytearray(raw)
        changed[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(InputError, match=path.name):
            Localizer.load(folder)
        path.write_bytes(raw)
    assert Localizer.load(folder).recipe == RECIPE


@pytest.mark.parametrize("path, value", [
    (("recipe", "loss"), "com"), (("recipe", "members"), 1), (("grid", "width"), 80), (("grid", "x0"), 0.0),
    (("ranges_db", "bus-4410"), [-90.0, -30.0])])
def test_an_edited_header_is_refused(fitted, tmp_path, path, value):
    folder = fitted.save(tmp_path / "model")
    header = json.loads((folder / "header.json").read_text())
    assert path[1] in header[path[0]]
    header[path[0]][path[1]] = value
    (folder / "header.json").write_text(json.dumps(header, indent=1) + "\n")
    with pytest.raises(InputError, match="header.json: its content is not what was saved: edited or damaged"):
        Localizer.load(folder)


@pytest.mark.parametrize("path, value, message", [
    (("recipe", "members"), 10**6, "recipe: members is 1000000; expected a whole number from 1 to 100"),
    (("recipe", "members"), 3, "member2.safetensors: no such file"), (("recipe", "loss"), ["emd"], "recipe: loss is"),
    (("recipe", "network"), "unet", "member0.safetensors: broken or something else"),
    (("recipe",), {}, "'loss' is missing"),
    (("recipe",), [1], "header.json: broken or something else"), (("ranges_db",), None, "header.json: broken"),
    (("ranges_db", "bus-4410"), [-30.0, -90.0], "a receiver's range is -30.0 to -90.0 dB"),
    (("ranges_db", "bus-4410"), [None, 1], "header.json: broken"),
    (("ranges_db", "bus-4410"), [1], "header.json: broken"),
    (("ranges_db", "bus-4410"), [float("nan"), 1.0], "a receiver's range is nan"),
    (("grid",), {}, "header.json: broken")])
def test_a_header_edited_on_purpose_is_checked_all_the_same(fitted, tmp_path, path, value, message):
    with pytest.raises(InputError, match=message):
        Localizer.load(edited(fitted.save(tmp_path / "model"), path, value))


@pytest.mark.parametrize("recipe", ["compact", {"network": "compact"}, 3, Recipe])
def test_a_recipe_is_a_recipe(recipe):
    with pytest.raises(InputError, match="recipe is .*; expected Recipe"):
        Localizer(recipe)


def test_fewer_members_replace_more_in_a_folder(campus, fitted, tmp_path):
    folder = fitted.save(tmp_path / "model")
    one = Localizer(replace(RECIPE, members=1, epochs=1), "cpu").fit(campus, splits.make(campus, "grid2"))
    assert sorted(path.name for path in one.save(folder).iterdir()) == ["header.json", "member0.safetensors"]
    assert Localizer.load(folder).recipe.members == 1


def test_a_finished_training_is_found_until_its_checkpoint_is_removed(campus, fitted, tmp_path):
    sets, path = splits.make(campus, "grid2"), tmp_path / "c.pt"
    first = Localizer(RECIPE, "cpu").fit(campus, sets, path)
    again = Localizer(RECIPE, "cpu").fit(campus, sets, path)
    for one in (first, again):
        assert one.trainer.history == fitted.trainer.history
        np.testing.assert_array_equal(one.predict(campus).x_hat, fitted.predict(campus).x_hat)
    assert again.trainer.seconds == first.trainer.seconds    # nothing was trained
    again.trainer.checkpoint.remove()
    assert not path.exists()


def test_no_set_is_no_question(campus, fitted):
    with pytest.raises(InputError, match="predict: no sets; expected at least one, or None for all samples"):
        fitted.predict(campus, {})


def crowded(dataset):
    """The dataset with four receivers in one pixel."""
    near = dataset.copy(deep=True)
    for name in ("sensor_x", "sensor_y"):
        places = near[name].values
        places[:, 1:4] = np.where(np.isfinite(places[:, 1:4]), np.nanmedian(places[:, 0]), np.nan)
    return near


@pytest.fixture(scope="module")
def fitted_crowded(campus):
    data = crowded(campus)
    return data, Localizer(RECIPE, "cpu").fit(data, splits.make(data, "grid2"))


@pytest.mark.parametrize("change", ["reversed", "permuted", "one more", "permuted and one more"])
def test_receivers_are_matched_by_name(fitted_crowded, change, tmp_path):
    data, localizer = fitted_crowded
    other = data
    if "more" in change:
        more = data.isel(sensor=[5]).assign_coords(sensor=["gateway-7"], sensor_kind=("sensor", ["other"]))
        other = xr.concat([more, data], "sensor", data_vars="minimal", coords="minimal", join="override")
    if "permuted" in change:
        other = other.isel(sensor=np.random.default_rng(1).permutation(other.sizes["sensor"]))
    other = other.isel(sensor=slice(None, None, -1)) if change == "reversed" else other
    for one in (localizer, Localizer.load(localizer.save(tmp_path / "model"), "cpu")):
        expected, found = one.predict(data), one.predict(other)
        for name in expected.variables:
            assert expected[name].values.tobytes() == found[name].values.tobytes(), name


@pytest.mark.parametrize("seed", range(3))
def test_missing_receivers_are_those_that_heard_nothing(fitted_crowded, seed):
    data, localizer = fitted_crowded
    kept = np.sort(np.random.default_rng(seed).permutation(data.sizes["sensor"])[:30])
    some = data.isel(sensor=np.random.default_rng(seed).permutation(kept))
    heard = np.isfinite(some.rss.values).any(axis=1)
    silent = data.copy(deep=True)
    for name in ("rss", "sensor_x", "sensor_y"):
        silent[name].values[:, np.setdiff1d(np.arange(data.sizes["sensor"]), kept)] = np.nan
    expected, found = (localizer.predict(part.isel(sample=heard)) for part in (silent, some))
    assert all(expected[name].values.tobytes() == found[name].values.tobytes() for name in expected.variables)


def test_a_training_checks_its_measurements_once(campus, monkeypatch):
    checked = []
    monkeypatch.setattr(measurements, "validate", lambda dataset, name="measurements": checked.append(name) or dataset)
    Localizer(replace(RECIPE, members=1, epochs=1, patience=1), "cpu").fit(campus)
    assert checked == ["the data set to fit"]
