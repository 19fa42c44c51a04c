"""The user's object: fit, predict, save, load."""

import json

import numpy as np
import pytest

from rsslib.data import splits
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
    with pytest.raises(InputError, match="header.json: not the header of trained networks"):
        Localizer.load(tmp_path)
    folder = fitted.save(tmp_path / "model")
    (folder / "member1.safetensors").unlink()
    with pytest.raises(InputError, match="member1.safetensors: no such weights"):
        Localizer.load(folder)
    (folder / "header.json").write_text('{"format": "other"}')
    with pytest.raises(InputError, match="format is 'other'"):
        Localizer.load(folder)


def test_cut_weights_are_named(fitted, tmp_path):
    folder = fitted.save(tmp_path / "model")
    path = folder / "member0.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="member0.safetensors: not the weights of this network"):
        Localizer.load(folder)


def test_what_cannot_be_fitted_or_localized_is_refused(campus, fitted):
    with pytest.raises(InputError, match="the data set to fit: expected an xarray.Dataset"):
        Localizer(RECIPE).fit({"rss": 1})
    with pytest.raises(InputError, match="predict: no samples"):
        fitted.predict(campus, {"none": np.array([], int)})


@pytest.mark.parametrize("task", ["fit", "predict"])
def test_sets_have_names(campus, fitted, task):
    with pytest.raises(InputError, match=f"{task}: sets is of type ndarray; expected index sets by name"):
        getattr(fitted, task)(campus, np.arange(3))


def test_a_sample_that_only_unknown_receivers_heard_brings_a_warning(campus, fitted):
    unknown = campus.isel(sample=[0, 1]).copy(deep=True).assign_coords(
        sensor=[f"bus-{number}" for number in range(campus.sizes["sensor"])])
    with pytest.warns(UserWarning, match="2 of 2 samples were heard only by receivers"):
        fitted.predict(unknown)


def test_a_localizer_of_an_earlier_version_is_read_if_its_rule_is_known(campus, fitted, tmp_path):
    folder = fitted.save(tmp_path / "model")
    header = json.loads((folder / "header.json").read_text())
    header["recipe"]["collision"] = "last"
    (folder / "header.json").write_text(json.dumps(header))
    np.testing.assert_array_equal(Localizer.load(folder, "cpu").predict(campus).x_hat, fitted.predict(campus).x_hat)
    header["recipe"]["collision"] = "mean"
    (folder / "header.json").write_text(json.dumps(header))
    with pytest.raises(InputError, match="collision is 'mean'; this version knows 'last' only"):
        Localizer.load(folder)
