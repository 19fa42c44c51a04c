"""The Gaussian processes: those of scikit-learn to 1e-6, whoever shares a covariance; inducing points near them."""

import numpy as np
import pytest
import torch

from rsslib.radio_maps import process
from rsslib.radio_maps.recipe import MapRecipe

RECIPE = MapRecipe(precision="float64")


def _readings(samples=80, sensors=5, seed=0):
    generator = np.random.default_rng(seed)
    places = generator.uniform(0, 600, (samples, 2)) + [4e5, 4.5e6]
    pixels = generator.uniform(0, 900, (30, 2)) + [4e5, 4.5e6]
    residuals = 8 * np.sin(places[:, :1] / 90 + np.arange(sensors)) + generator.standard_normal((samples, sensors))
    return places, residuals, pixels


def _sklearn(places, residuals, pixels, recipe):
    gaussian_process = pytest.importorskip("sklearn.gaussian_process", reason="scikit-learn is not installed")
    kernels = gaussian_process.kernels
    near, far = (kernels.ConstantKernel(level ** 2) * kernels.Matern(length, nu=nu) for level, length, nu in (
        (recipe.near_db, recipe.near_m, 1.5), (recipe.far_db, recipe.far_m, 0.5)))
    heard = np.isfinite(residuals)
    regressor = gaussian_process.GaussianProcessRegressor(near + far, alpha=recipe.noise_db ** 2, optimizer=None)
    mean, deviation = regressor.fit(places[heard], residuals[heard]).predict(pixels, return_std=True)
    return mean, deviation ** 2


@pytest.mark.parametrize("lost", [0, 3, 40], ids=["all heard", "some left out of a shared inverse", "groups apart"])
def test_mean_and_variance_are_those_of_scikit_learn(lost):
    places, residuals, pixels = _readings()
    for sensor in range(1, residuals.shape[1]):
        residuals[np.random.default_rng(sensor).permutation(len(places))[:lost], sensor] = np.nan
    mean, variance = process.predict(places, residuals, pixels, RECIPE)
    for sensor in range(residuals.shape[1]):
        expected = _sklearn(places, residuals[:, sensor], pixels, RECIPE)
        assert mean[sensor] == pytest.approx(expected[0], abs=1e-6)
        assert variance[sensor] == pytest.approx(expected[1], abs=1e-6)


def test_single_precision_is_near(monkeypatch):
    places, residuals, pixels = _readings(400)
    residuals[::30, 2] = np.nan
    wide, narrow = (process.predict(places, residuals, pixels, MapRecipe(precision=name))
                    for name in ("float64", "float32"))
    assert narrow[0] == pytest.approx(wide[0], abs=0.02) and narrow[1] == pytest.approx(wide[1], abs=0.05)
    monkeypatch.setattr(process, "ENTRIES", 1000)    # nothing is kept, and the pixels come in parts
    parts = process.predict(places, residuals, pixels, RECIPE)
    assert parts[0] == pytest.approx(wide[0], abs=1e-9) and parts[1] == pytest.approx(wide[1], abs=1e-9)


def test_samples_at_the_inducing_points_are_exact():
    """Readings taken twice at each place, with as many points as places, are the same process."""
    places, residuals, pixels = _readings(60)
    places = np.concatenate([np.floor(places / 50) * 50] * 2)
    residuals = np.concatenate([residuals, residuals + 1])
    distinct = len(np.unique(places, axis=0))
    exact = process.predict(places, residuals, pixels, RECIPE)
    dense = torch.from_numpy(places - places.min(axis=0))
    recipe = MapRecipe(precision="float64", points=distinct + 40)
    assert len(process._condensed(dense, torch.from_numpy(residuals), recipe)[0]) == distinct < len(places)
    mean, variance = process.predict(places, residuals, pixels, recipe)
    assert mean == pytest.approx(exact[0], abs=1e-6) and variance == pytest.approx(exact[1], abs=1e-6)


def test_fewer_inducing_points_are_near_and_not_surer():
    places, residuals, pixels = _readings(900)
    exact = process.predict(places, residuals, pixels, RECIPE)
    mean, variance = process.predict(places, residuals, pixels, MapRecipe(precision="float64", points=300))
    assert np.sqrt(np.mean((mean - exact[0]) ** 2)) < 0.8
    assert np.mean(variance) > 0.95 * np.mean(exact[1])


def test_a_map_far_from_all_samples_is_the_prior():
    places, residuals, _ = _readings()
    mean, variance = process.predict(places, residuals, places[:1] + 1e6, RECIPE)
    assert mean == pytest.approx(0, abs=1e-9) and variance == pytest.approx(RECIPE.prior_variance)
