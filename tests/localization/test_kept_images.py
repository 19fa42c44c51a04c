"""The kept images: two modes by their mass, a fixed handful and the most ambiguous."""

import numpy as np
import pytest

from rsslib.data import splits
from rsslib.data.grid import Grid
from rsslib.localization import kept_images
from rsslib.localization.ensemble import Recipe
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
    np.testing.assert_array_equal(images.image, kept.image)
    shares = [kept_images.modes(image, grid)[1][2] for image in images.image.values[3:]]
    assert shares == sorted(shares, reverse=True)
    with pytest.raises(InputError, match="none.nc: no such file of kept images"):
        kept_images.load(tmp_path / "none.nc")


def test_a_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "images.nc"
    with pytest.raises(InputError, match="images.nc: no such file"):
        kept_images.load(path)
    path.write_bytes(b"half a file")
    with pytest.raises(InputError, match="images.nc: not a file of kept images"):
        kept_images.load(path)
