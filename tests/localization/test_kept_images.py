"""The kept images: two modes by their mass, a fixed handful and the most ambiguous."""

import random

import numpy as np
import pytest
import torch
import xarray as xr

from rsslib.data import grid as grids
from rsslib.data import splits
from rsslib.data.grid import Grid
from rsslib.localization import kept_images
from rsslib.localization.ensemble import Ensemble, Recipe, Samples
from rsslib.localization.localizer import Localizer
from rsslib.project import InputError

GRID = Grid(1000.0, 2000.0, 40, 30, 30.0)


def test_modes_are_found_by_their_mass():
    image = np.zeros(GRID.shape)
    image[5, 6], image[20, 30] = 3.0, 1.0
    (x, y, share), (x2, y2, share2) = kept_images.modes(image, GRID)
    assert np.hypot(x - (1000 + 6 * 30), y - (2000 + 5 * 30)) <= kept_images.RADIUS_M
    assert np.hypot(x2 - (1000 + 30 * 30), y2 - (2000 + 20 * 30)) <= kept_images.RADIUS_M
    assert (share, share2) == pytest.approx((0.75, 0.25), abs=1e-5)


def test_a_neighbour_is_no_second_mode():
    image = np.zeros(GRID.shape)
    image[5, 6], image[5, 10] = 3.0, 1.0    # 120 m apart
    assert kept_images.modes(image, GRID)[1][2] == pytest.approx(0.0, abs=1e-5)


def test_what_is_kept_can_be_read_again(campus, tmp_path):
    sets = splits.make(campus, "grid2")
    recipe = Recipe(network="compact", members=1, epochs=1, batch_size=16, precision="float32", pixel_m=60.0, threads=1)
    localizer = Localizer(recipe, device="cpu").fit(campus, sets)
    kept = kept_images.keep(localizer.ensemble, localizer.samples(campus), sets["ood"], fixed=3, ambiguous=2)
    images, grid = kept_images.load(kept_images.save(kept, tmp_path / "images.nc"))
    assert grid == localizer.ensemble.grid
    assert images.why.values.tolist() == ["fixed"] * 3 + ["ambiguous"] * 2
    assert images.measurement.values[0] == sets["ood"][0] and images.measurement.values[2] == sets["ood"][-1]
    np.testing.assert_allclose(images.image, kept.image, rtol=0, atol=2**-16)
    shares = [kept_images.modes(image, grid)[1][2] for image in images.image.values[3:]]
    np.testing.assert_allclose(shares, sorted(shares, reverse=True), atol=1e-3)
    with pytest.raises(InputError, match="none.nc: no such file; expected kept images"):
        kept_images.load(tmp_path / "none.nc")


def test_a_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "images.nc"
    with pytest.raises(InputError, match="images.nc: no such file"):
        kept_images.load(path)
    path.write_bytes(b"half a file")
    with pytest.raises(InputError, match="images.nc: broken or something else .* expected kept images"):
        kept_images.load(path)


@pytest.fixture
def kept():
    image = np.zeros((3, *GRID.shape), np.float32)
    image[:, 4, 5] = 0.5
    return xr.Dataset({"image": (("sample", "row", "column"), image)},
                      {"measurement": ("sample", [7, 8, 9]), "why": ("sample", ["fixed", "fixed", "ambiguous"])},
                      {"x0": GRID.x0, "y0": GRID.y0, "pixel_m": GRID.pixel_m})


@pytest.mark.parametrize("change, message", [
    (lambda kept: kept.drop_vars("image"), "'image' is missing"),
    (lambda kept: kept.drop_vars("why"), "'why' is missing"),
    (lambda kept: kept.drop_vars("measurement"), "'measurement' is missing"),
    (lambda kept: kept * np.nan, "a pixel is not from 0 to 1"), (lambda kept: kept * 3, "a pixel is not from 0 to 1"),
    (lambda kept: -kept, "a pixel is not from 0 to 1"), (lambda kept: kept.astype(int), "image is int64"),
    (lambda kept: kept.isel(sample=[]), "image is float32 over .* of \\(0, 30, 40\\)"),
    (lambda kept: kept.transpose("sample", "column", "row"), "image is float32 over"),
    (lambda kept: kept.assign_coords(measurement=kept.measurement - 9), "measurement is no index"),
    (lambda kept: kept.assign_coords(measurement=kept.measurement / 2), "measurement is no index"),
    (lambda kept: kept.assign_coords(why=("sample", ["fixed", "", "x"])), "why is not"),
    (lambda kept: kept.assign_attrs(pixel_m=0.0), "pixels of 0.0 m"),
    (lambda kept: kept.assign_attrs(x0="3"), "isfinite"),
    (lambda kept: kept.assign_attrs(y0=np.inf), "the grid begins at"),
    (lambda kept: kept.image, "has no attribute 'variables'"),
    (lambda kept: None, "has no attribute 'variables'")])
def test_images_that_are_none_are_neither_written_nor_read(kept, tmp_path, change, message):
    broken = change(kept.copy(deep=True).assign_attrs(kept.attrs))
    broken = broken.assign_attrs(kept.attrs | broken.attrs) if isinstance(broken, xr.Dataset) else broken
    with pytest.raises(InputError, match=f"images.nc: broken or something else.*{message}.*; expected kept images"):
        kept_images.save(broken, tmp_path / "images.nc")
    assert not list(tmp_path.iterdir())
    if isinstance(broken, xr.Dataset):
        broken.to_netcdf(tmp_path / "images.nc", engine="netcdf4")
        with pytest.raises(InputError, match="images.nc: broken or something else"):
            kept_images.load(tmp_path / "images.nc")


def test_a_file_with_any_bit_flipped_is_refused_or_the_same(kept, tmp_path):
    raw, rng = kept_images.save(kept, tmp_path / "images.nc").read_bytes(), random.Random(0)
    for number in range(60):
        changed, path = bytearray(raw), tmp_path / f"{number}.nc"
        changed[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        try:
            images, grid = kept_images.load(path)
        except InputError as error:
            assert f"{number}.nc: " in str(error)
        else:
            assert images.identical(kept) and grid == GRID


@pytest.mark.parametrize("image", [np.full(GRID.shape, np.nan), -np.ones(GRID.shape), np.ones((2, 2)), None, "image",
                                   np.ones(GRID.shape, bool), np.full(GRID.shape, np.inf)])
def test_modes_are_those_of_an_image(image):
    with pytest.raises(InputError, match="modes: the image"):
        kept_images.modes(image, GRID)


@pytest.mark.parametrize("given, message", [
    ({"chosen": [0, 0]}, "kept_images: chosen repeats 0"), ({"chosen": [170]}, "kept_images: chosen holds 170"),
    ({"chosen": []}, "kept_images: chosen is empty"), ({"fixed": -1}, "fixed is -1"),
    ({"ambiguous": 1.5}, "ambiguous is"),
    ({"fixed": 0, "ambiguous": 0}, "fixed is 0; expected a whole number from 1"), ({"fixed": None}, "fixed is None")])
def test_what_cannot_be_kept_is_named(campus, given, message):
    recipe = Recipe(network="compact", members=1, precision="float32", pixel_m=120.0)
    grid = grids.make(campus, 120.0)
    ensemble = Ensemble(recipe, grid, torch.device("cpu"))
    samples = Samples(campus, grid, grids.scaling(campus, np.arange(100)), torch.device("cpu"))
    with pytest.raises(InputError, match=message):
        kept_images.keep(ensemble, samples, **{"chosen": np.arange(5)} | given)
    mask = np.isin(np.arange(170), [3, 4, 5])
    assert kept_images.keep(ensemble, samples, mask, 2, 0).measurement.values.tolist() == [3, 5]
