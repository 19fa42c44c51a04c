"""Images kept for the explorer: of each sample the pixels near the image's maximum, in a byte each."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from rsslib import files

LEAST, MOST = 0.02, 500
"""A pixel is kept if it has this share of the maximum, and if no more than so many pixels are stronger."""
_WHAT, _AGAIN = "the images of the explorer", "run the stage `site-data` again"


class Sparse(NamedTuple):
    """Images less their weak pixels: those of sample i are `pixel[start[i]:start[i + 1]]`, as are their values.

    start : (samples + 1,) int32
    pixel : (entries,) uint16, row * width + column
    value : (entries,) uint8, 255 for the maximum of an image
    """

    start: np.ndarray
    pixel: np.ndarray
    value: np.ndarray


def pack(images: np.ndarray) -> Sparse:
    """Return images, (samples, height, width), at least 0, as Sparse.

    >>> pack(np.array([[[0.0, 4.0], [1.0, 0.01]]]))
    Sparse(start=array([0, 2], dtype=int32), pixel=array([1, 2], dtype=uint16), value=array([255,  64], dtype=uint8))
    """
    pixels, values = [], []
    for flat in images.reshape(len(images), -1):
        kept = np.flatnonzero(flat >= LEAST * flat.max())
        if len(kept) > MOST:
            kept = np.sort(kept[np.argsort(flat[kept], kind="stable")[-MOST:]])
        pixels.append(kept.astype(np.uint16))
        values.append((255 * flat[kept] / flat.max()).round().astype(np.uint8))
    start = np.cumsum([0, *map(len, pixels)]).astype(np.int32)
    return Sparse(start, np.concatenate(pixels), np.concatenate(values))


def save(images: Mapping[str, Sparse], measurement: np.ndarray, path: str | Path, attrs: Mapping) -> Path:
    """Write the images of some methods, {method: images}, of the samples `measurement` (NetCDF, .nc)."""
    variables: dict = {}
    for method, (start, pixel, value) in images.items():
        variables |= {f"{method}_start": ("edge", start), f"{method}_pixel": (f"{method}_entry", pixel),
                      f"{method}_value": (f"{method}_entry", value)}
    dataset = xr.Dataset(variables, {"measurement": ("sample", measurement.astype(np.int32))}, dict(attrs))
    return files.write_netcdf(dataset, path, {name: {"zlib": True, "complevel": 9} for name in variables})


def load(path: str | Path) -> tuple[dict[str, Sparse], np.ndarray]:
    """Return what `save` wrote: the images of each method, and the samples. Errors: those of `files.read_netcdf`."""
    found = files.read_netcdf(path, _WHAT, _AGAIN)

    def images() -> tuple[dict[str, Sparse], np.ndarray]:
        methods = [str(name).removesuffix("_start") for name in found.variables if str(name).endswith("_start")]
        return {method: Sparse(*(found[f"{method}_{part}"].values for part in Sparse._fields)) for method in methods
                }, found["measurement"].values
    return files.parsed(images, path, _WHAT, _AGAIN)
