"""Radio maps as a localizer: the posterior against brute force, moving receivers, predictions, files, errors."""

import json

import numpy as np
import pytest
import torch
from scipy import stats
from small_site import site

from rsslib.data.grid import Grid, transmitters
from rsslib.localization import predictions
from rsslib.project import InputError, InputWarning
from rsslib.radio_maps import decoders
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.recipe import MapRecipe

RECIPE = MapRecipe(pixel_m=90.0, precision="float64", threads=1)
TRAIN, TEST = np.arange(90), np.arange(90, 120)


@pytest.fixture(scope="module")
def dataset():
    return site(moving=2)


@pytest.fixture(scope="module")
def fitted(dataset):
    return RadioMaps(RECIPE).fit(dataset, TRAIN)


def _brute_force(maps, dataset, sample):
    """The log posterior of one sample, pixel by pixel."""
    found = np.zeros(maps.grid.shape)
    for row in range(maps.grid.height):
        for column in range(maps.grid.width):
            x, y = maps.grid.to_metres(column, row)
            for number in range(len(maps.sensors)):
                rss = dataset.rss.values[sample, number]
                if np.isnan(rss):
                    continue
                mean, variance = maps.mean[number, row, column], maps.variance[number, row, column]
                if maps.moves[number]:
                    distance = max(np.hypot(dataset.sensor_x.values[sample, number] - x,
                                            dataset.sensor_y.values[sample, number] - y), 10)
                    mean = maps.loss.level[number] + maps.loss.slope[number] * np.log10(distance)
                    variance = RECIPE.prior_variance
                scale = np.sqrt(variance + RECIPE.noise_db ** 2)
                found[row, column] += stats.t.logpdf(rss, RECIPE.freedom, mean, scale)
    return found


def test_the_posterior_is_that_of_brute_force(dataset, fitted):
    heard = dataset.copy(deep=True)
    heard.rss.values[100, [0, 3]] = np.nan
    samples = np.array([91, 100])
    found = torch.cat(list(fitted.log_posterior(heard, samples))).numpy()
    evidence = fitted.predict(heard, {"test": samples}).log_evidence.values
    for number, sample in enumerate(samples):
        expected = _brute_force(fitted.maps, heard, sample)
        total = np.log(np.exp(expected).sum())
        assert found[number] == pytest.approx(expected - total, abs=1e-8)
        assert evidence[number] == pytest.approx(total - np.log(expected.size), abs=1e-8)


def test_maps_pass_through_the_readings(dataset, fitted):
    """A map at a training place is near the reading there, the more so with less noise."""
    maps = RadioMaps(MapRecipe(pixel_m=30.0, noise_db=0.5)).fit(dataset, TRAIN).maps
    column, row = (np.round(axis[TRAIN]).astype(int) for axis in maps.grid.to_pixels(*transmitters(dataset)))
    for number in np.flatnonzero(~maps.moves):
        assert np.abs(maps.mean[number, row, column] - dataset.rss.values[TRAIN, number]).mean() < 3
        assert maps.variance[number, row, column].mean() < maps.variance[number].mean() < 72


def test_receivers_that_move_have_the_path_loss_alone(fitted):
    assert fitted.maps.moves.tolist() == [True, True, False, False, False, False]
    assert np.isnan(fitted.maps.mean[:2]).all() and np.isfinite(fitted.maps.mean[2:]).all()


def test_a_receiver_that_was_moved_has_the_path_loss_alone_there(dataset, fitted):
    away, maps = np.array([4.5e5]), fitted.maps
    mean, variance = maps.moments(3, away, away)
    assert (variance == RECIPE.prior_variance).all() and mean.shape == (1, maps.grid.width * maps.grid.height)
    home = maps.home[3]
    both = maps.moments(3, np.array([home[0], home[0] + 500]), np.array([home[1]] * 2))
    assert both[0][0].numpy() == pytest.approx(maps.mean[3].ravel())
    assert (both[1][1] == RECIPE.prior_variance).all()


def test_it_localizes_and_its_predictions_are_those_of_a_localizer(dataset, fitted, tmp_path):
    found = fitted.predict(dataset, {"val": TEST[:10], "test": TEST[10:]})
    assert predictions.median_error(found, "test") < 90
    again = predictions.load(predictions.save(found, tmp_path / "predictions.nc"))
    assert again.identical(found.drop_encoding()) or (again.x_hat == found.x_hat).all()
    assert found.sizes["member"] == 1 and (found.max_spread == 0).all()
    assert found.x_mean.attrs["units"] == "m" and found.entropy.attrs["units"] == "nat"
    assert ((found.entropy >= 0) & (found.entropy <= np.log(fitted.maps.mean[0].size))).all()
    assert (found.map_std > 0).all() and (found.map_std <= RECIPE.prior_variance ** 0.5).all()
    assert (found.measurement == TEST).all() and found.attrs["noise_db"] == 5.0


def test_the_decoder_sure_takes_the_mode_of_a_narrow_posterior_and_the_median_of_a_wide_one():
    images = torch.full((2, 9, 9), 0.5 / 81)
    images[0, 4, 1] += 0.5
    images[1, 4, 1] += 0.2
    grid = Grid(0.0, 0.0, 9, 9, 90.0)
    sure, near, median = (decoders.decode(images, grid, name) for name in ("sure", "mean_near", "median"))
    for axis in (0, 1):
        assert sure[axis].tolist() == [near[axis][0], median[axis][1]]
    assert near[0][0] != median[0][0] and near[0][1] != median[0][1]


@pytest.mark.parametrize("decoder", decoders.DECODERS)
def test_each_decoder_gives_the_location(decoder, dataset, fitted):
    found = RadioMaps(MapRecipe(pixel_m=90.0, precision="float64", decoder=decoder)).fit(dataset, TRAIN).predict(
        dataset, {"test": TEST})
    expected = {"argmax": found.x[:, 0], "mean": found.x_mean, "median": found.x_median}.get(decoder, found.x_hat)
    assert found.x_hat.values == pytest.approx(expected.values)
    assert predictions.median_error(found, "test") < 130


def test_a_median_lies_inside_its_pixel():
    image = torch.tensor([[[0.0, 0.4, 0.0], [0.0, 0.6, 0.0]]])
    grid = RadioMaps(RECIPE).fit(site(20)).maps.grid
    small = type(grid)(0.0, 0.0, 3, 2, 10.0)
    x, y = decoders.decode(image, small, "median")
    assert (x.item(), y.item()) == pytest.approx((10.0, 10 * (0.5 + 0.1 / 0.6)))


def test_equal_fits_are_equal_and_single_precision_is_near(dataset, fitted):
    again = RadioMaps(RECIPE).fit(dataset, TRAIN)
    assert (again.maps.mean[2:] == fitted.maps.mean[2:]).all()
    narrow = RadioMaps(MapRecipe(pixel_m=90.0)).fit(dataset, TRAIN).predict(dataset, {"test": TEST})
    wide = fitted.predict(dataset, {"test": TEST})
    assert narrow.x_mean.values == pytest.approx(wide.x_mean.values, abs=1)
    assert narrow.log_evidence.values == pytest.approx(wide.log_evidence.values, abs=0.01)


def test_batches_change_nothing(dataset, fitted, monkeypatch):
    whole = fitted.predict(dataset, {"test": TEST})
    monkeypatch.setattr("rsslib.radio_maps.maps.ENTRIES", 1)
    parts = fitted.predict(dataset, {"test": TEST})
    assert parts.x_hat.values == pytest.approx(whole.x_hat.values)
    assert len(list(fitted.log_posterior(dataset, TEST))) == len(TEST)


def test_what_was_saved_comes_back(dataset, fitted, tmp_path):
    fitted.maps = fitted.maps.shifted(np.arange(6.0))
    again = RadioMaps.load(fitted.save(tmp_path / "maps"))
    fitted.maps, kept = fitted.maps.shifted(np.zeros(6)), fitted.maps
    assert again.recipe == RECIPE and again.maps.grid == kept.grid and again.maps.sensors == kept.sensors
    for name in ("mean", "variance", "home", "offset"):
        np.testing.assert_array_equal(getattr(again.maps, name), getattr(kept, name))
    again.maps = again.maps.shifted(np.zeros(6))
    assert again.predict(dataset).identical(fitted.predict(dataset))


def test_damaged_or_other_files_are_refused(dataset, fitted, tmp_path):
    path = fitted.save(tmp_path / "maps") / "maps.nc"
    content = path.read_bytes()
    path.write_bytes(content[:2000] + b"x" + content[2001:])
    with pytest.raises(InputError, match="maps.nc.*damaged"):
        RadioMaps.load(path.parent)
    with pytest.raises(InputError, match="maps.nc: no such file; expected radio maps: fit them again"):
        RadioMaps.load(tmp_path)
    predictions.save(fitted.predict(dataset), path)
    with pytest.raises(InputError, match="maps.nc: format is None"):
        RadioMaps.load(path.parent)
    with pytest.raises(InputError, match="folder is 3; expected the name of a folder"):
        fitted.save(3)


def test_samples_that_no_map_knows_are_warned_of(dataset, fitted):
    other = dataset.assign_coords(sensor=[f"other{number}" for number in range(6)])
    with pytest.warns(InputWarning, match="120 of 120 samples were heard only by receivers without a map"):
        found = fitted.predict(other)
    assert found.log_evidence.values == pytest.approx(0, abs=1e-12)
    assert found.entropy.values == pytest.approx(np.log(fitted.maps.mean[0].size))


def test_one_sample_is_enough(dataset):
    assert np.isfinite(RadioMaps(RECIPE).fit(dataset, [0]).predict(dataset, {"test": TEST}).x_hat).all()


@pytest.mark.parametrize("setting, expected", [
    ({"noise_db": 0}, "noise_db is 0; expected a standard deviation from 0.1"), ({"near_m": -1}, "near_m is -1"),
    ({"decoder": "mode"}, "decoder is 'mode'; expected one of mean_near, mean"), ({"points": 2.5}, "points is 2.5"),
    ({"freedom": float("nan")}, "freedom is nan"), ({"precision": "float16"}, "precision is 'float16'"),
    ({"far_db": True}, "far_db is True"), ({"threads": 0}, "threads is 0")])
def test_a_recipe_names_the_setting_that_is_wrong(setting, expected):
    with pytest.raises(InputError, match=f"recipe: {expected}"):
        MapRecipe(**setting)


def test_the_doors_refuse_what_they_cannot_take(dataset, fitted):
    with pytest.raises(InputError, match="not fitted yet"):
        RadioMaps().predict(dataset)
    with pytest.raises(InputError, match="recipe is 'fast'; expected MapRecipe"):
        RadioMaps("fast")
    with pytest.raises(InputError, match="fit: train holds 120"):
        RadioMaps(RECIPE).fit(dataset, [0, 120])
    with pytest.raises(InputError, match="an xarray.Dataset of measurements"):
        RadioMaps(RECIPE).fit(json)
    with pytest.raises(InputError, match="predict: no sets"):
        fitted.predict(dataset, {})
    with pytest.raises(InputError, match="log_posterior: samples holds -1"):
        fitted.log_posterior(dataset, [-1])
    unknown = dataset.copy(deep=True)
    unknown.tx_x.values[5] = unknown.tx_y.values[5] = np.nan
    with pytest.raises(InputError, match="fit: sample 5 has no known transmitter location"):
        RadioMaps(RECIPE).fit(unknown, TRAIN)
    assert np.isnan(predictions.of_set(fitted.predict(unknown, {"all": [5]}), "all").x_true).all()
    with pytest.raises(InputError, match="decode: posterior is torch.float32 of"):
        decoders.decode(torch.zeros(1, 2, 2), fitted.maps.grid)
