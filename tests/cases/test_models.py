"""Public cases of index sets, progress and sliced distances, rebuilt in small, each with variations of its kind."""

import io
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from rsslib.data import campus as synthetic
from rsslib.data import grid
from rsslib.localization import losses, predictions
from rsslib.localization.ensemble import Ensemble, Recipe
from rsslib.localization.localizer import Localizer
from rsslib.progress import VARIABLE, Progress
from rsslib.project import InputError

TINY = Recipe(network="compact", members=1, epochs=1, patience=1, precision="float32", pixel_m=60.0, threads=1)


@pytest.fixture(scope="module")
def measured():
    """The 120 samples of the case: 20 of April, 80 of July, 20 of November."""
    return synthetic.make(0, 20, 80, 20)


@pytest.fixture(scope="module")
def untrained(measured):
    localizer = Localizer(TINY, "cpu")
    localizer.ranges = grid.scaling(measured, np.arange(120))
    localizer.ensemble = Ensemble(TINY, grid.make(measured, TINY.pixel_m), localizer.device)
    return localizer


@pytest.mark.parametrize("convert", [np.array, list, pd.Series, xr.DataArray, torch.tensor])
def test_07_predict_mask(measured, untrained, convert):
    """scikit-learn#22208: a boolean mask where indices are wanted. Right: the 20 November samples."""
    mask = measured.season.values == "november"
    said = untrained.predict(measured, {"nov": convert(mask.tolist())})
    assert said.measurement.values.tolist() == list(range(100, 120))
    by_index = untrained.predict(measured, {"nov": np.flatnonzero(mask)})
    xr.testing.assert_identical(said, by_index)
    assert predictions.median_error(said, "nov") == predictions.median_error(by_index, "nov")


@pytest.mark.parametrize("given", [
    np.array([0.0, 1.0]), np.array([3.7]), [-1], [120], [5, 5], (np.arange(120) > 100).astype(int),
    np.ones(119, bool), np.zeros(120, bool), [[1, 2]], "november", None, [True, None]])
def test_07_predict_what_is_no_index_set(measured, untrained, given):
    with pytest.raises(InputError, match="predict: the set 'nov' "):
        untrained.predict(measured, {"nov": given})


def test_07_sets_may_share_samples_in_a_prediction(measured, untrained):
    said = untrained.predict(measured, {"nov": [100, 101], "all": np.ones(120, bool)})
    assert said.sizes["sample"] == 122 and predictions.of_set(said, "nov").measurement.values.tolist() == [100, 101]


@pytest.fixture
def sixty(measured):
    return measured.isel(sample=slice(0, 60))


@pytest.mark.parametrize("convert", [np.array, list, torch.tensor])
def test_08_fit_mask(sixty, convert):
    """scikit-learn#22208, in training. Right: the 40 masked samples train, the other 20 validate."""
    mask = np.zeros(60, bool)
    mask[:40] = True
    fitted = Localizer(TINY, "cpu").fit(sixty, {"train": convert(mask.tolist()), "val": convert((~mask).tolist())})
    assert fitted.trainer.sets["train"].tolist() == list(range(40))
    assert fitted.trainer.sets["val"].tolist() == list(range(40, 60))
    same = Localizer(TINY, "cpu").fit(sixty, {"train": np.arange(40), "val": np.arange(40, 60)})
    assert fitted.trainer.history == same.trainer.history
    for one, other in zip(fitted.ensemble.members[0].state_dict().values(),
                          same.ensemble.members[0].state_dict().values(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("train, val, message", [
    (np.arange(40), np.arange(40), "the sets 'train' and 'val' share 40 samples"),
    (np.arange(41), np.arange(40, 60), "the sets 'train' and 'val' share 1 samples, the first is 40"),
    (np.ones(59, bool), [59], "the set 'train' is a mask of 59 booleans"),
    (np.arange(40) / 1.0, np.arange(40, 60), "the set 'train' is array"),
    (np.arange(40), np.arange(-20, 0), "the set 'val' holds -20"),
    (np.repeat([0, 1], 20), [50], "the set 'train' repeats 0, 20 times"),
    (np.arange(40), [], "the set 'val' is empty")])
def test_08_fit_what_is_no_separation(sixty, train, val, message):
    with pytest.raises(InputError, match=f"fit: {message}"):
        Localizer(TINY, "cpu").fit(sixty, {"train": train, "val": val})


class WithoutIsatty:
    def __init__(self):
        self.lines = []

    def write(self, text):
        self.lines.append(text)

    def flush(self):
        """Nothing is held back."""


class Broken(WithoutIsatty):
    def isatty(self):
        raise OSError("gone")

    def write(self, text):
        raise BrokenPipeError


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def test_32_stderr_without_isatty(monkeypatch):
    """stanfordnlp/stanza#1367, celery#477: stderr replaced by an object without isatty. Right: plain lines."""
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(sys, "stderr", WithoutIsatty())
    with Progress(3, "x") as progress:
        progress.step(1)
        progress.step(2, "half")
    assert sys.stderr.lines == ["x: 1/3, 0:00 left, \n", "x: 2/3, 0:00 left, half\n"]


@pytest.mark.parametrize("stream", [None, closed(), Broken(), object(), 3, io.TextIOWrapper(io.BytesIO(), "ascii")])
def test_32_stderr_that_takes_no_line(monkeypatch, stream, sixty):
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(2, "µ") as progress:
        progress.step(1)
    assert Localizer(TINY, "cpu").fit(sixty, {"train": np.arange(40), "val": np.arange(40, 60)}).trainer.epoch == 1


@pytest.mark.parametrize("images, vectors", [
    (torch.float64, torch.float32), (torch.float32, torch.float64), (torch.float64, torch.float64)])
def test_35_sliced_float64(images, vectors):
    """PythonOT/POT#226: double images, float32 directions. Right: computed in the images' type, as `losses` does."""
    first, directions = torch.rand(2, 8, 9, dtype=torch.float64), losses.directions(20).to(vectors)
    second = first.flip(1)
    found = losses.SlicedDistance(8, 9, directions)(first.to(images), second.to(images))
    assert found.dtype == images
    exact = losses.pot_reference(first, second, directions.double())
    torch.testing.assert_close(found.double(), exact, rtol=1e-9 if images == torch.float64 else 1e-5, atol=0)


@pytest.mark.parametrize("change", [
    lambda image: image * torch.inf, lambda image: image * torch.nan, lambda image: -image, lambda image: image * 0,
    lambda image: image * 3e38, lambda image: image.int(), lambda image: image > 0.5, lambda image: image[0],
    lambda image: image[:, :-1], lambda image: image[:0], lambda image: image.numpy(), lambda image: None])
def test_35_no_mass(change):
    """Infinite, negative, absent: no distance, and no NaN without a word, whichever side it is on."""
    image, distance = torch.rand(2, 8, 9) + 0.1, losses.SlicedDistance(8, 9, losses.directions(5))
    for pair in ((image, change(image)), (change(image), image)):
        with pytest.raises(InputError, match="losses: images|SlicedDistance: .*maps"):
            distance(*pair)


@pytest.mark.parametrize("vectors", [
    losses.directions(20)[:0], torch.zeros(3, 2), torch.full((1, 2), torch.nan), torch.rand(4, 3), torch.ones(2),
    2 * losses.directions(3), np.eye(2), None])
def test_35_no_slices(vectors):
    with pytest.raises(InputError, match="SlicedDistance: .*; expected"):
        losses.SlicedDistance(8, 9, vectors)
