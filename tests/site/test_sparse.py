"""Sparse images: strong pixels within a 255th, a file that keeps them, few entries however flat an image is."""

import numpy as np
import pytest

from rsslib.project import InputError
from rsslib.site import sparse


def test_strong_pixels_are_kept_and_weak_ones_are_not():
    image = np.random.default_rng(0).random((3, 8, 9)) ** 12
    start, pixel, value = sparse.pack(image)
    for number, one in enumerate(image.reshape(3, -1)):
        chosen = slice(start[number], start[number + 1])
        again = np.zeros(one.size)
        again[pixel[chosen]] = value[chosen] / 255 * one.max()
        assert np.abs(again - np.where(one >= sparse.LEAST * one.max(), one, 0)).max() <= one.max() / 500


def test_a_flat_image_keeps_its_strongest_pixels():
    image = 1 + np.arange(900.0).reshape(1, 30, 30) / 1e4
    start, pixel, _ = sparse.pack(image)
    assert start.tolist() == [0, sparse.MOST] and pixel.tolist() == list(range(900 - sparse.MOST, 900))


def test_a_file_keeps_each_method(tmp_path):
    images = {"emd": sparse.pack(np.eye(4)[None]), "network": sparse.pack(np.ones((1, 4, 4)))}
    kept, numbers = sparse.load(sparse.save(images, np.array([17]), tmp_path / "e.nc", {"split": "grid2"}))
    assert numbers.tolist() == [17] and list(kept) == ["emd", "network"]
    assert all(np.array_equal(a, b) for name in images for a, b in zip(images[name], kept[name]))


def test_another_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none.nc.*run the stage `site-data` again"):
        sparse.load(tmp_path / "none.nc")
