"""Prediction images stored for the figures: some at fixed intervals, and the most ambiguous ones."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional as F

from rsslib import files
from rsslib.arguments import check_type, numbers, whole
from rsslib.data import index_sets
from rsslib.data.grid import Grid
from rsslib.localization.ensemble import Ensemble, Samples
from rsslib.project import InputError

_WHAT, _AGAIN = "kept images", "run its training notebook again"
RADIUS_M, APART_M = 90.0, 300.0
"""Radius of a mode, and the least distance between the centres of two."""


def modes(image: np.ndarray, grid: Grid) -> list[tuple[float, float, float]]:
    """Return the two strongest modes of an image, strongest first, each as x, y [m] and share of the mass.

    A mode is a disc of radius RADIUS_M: the first is the disc with the most mass, the second the one with the most mass
    whose centre is at least APART_M from the first.

    Input: image, (height, width), not negative. Errors: InputError for another shape than the grid's, or values that
    are negative or not finite.

    >>> image = np.zeros((20, 20)); image[3, 3], image[3, 18] = 3.0, 1.0
    >>> modes(image, Grid(0.0, 0.0, 20, 20, 30.0))[1][2]
    0.25
    """
    check_type("modes: grid", grid, Grid)
    values = numbers("modes: the image", image, 2).astype(np.float64)
    if values.shape != grid.shape or values.min() < 0 or values.max() > 1e30:
        raise InputError(f"modes: the image is of shape {values.shape}, from {values.min()} to {values.max()}; "
                         f"expected {grid.shape}, and values from 0 to 1e30")
    mass = _disc_mass(torch.as_tensor(values)[None], grid)[0].numpy()
    rows, columns = np.indices(mass.shape)
    strongest = []
    for _ in range(2):
        row, column = np.unravel_index(mass.argmax(), mass.shape)
        x, y = grid.to_metres(int(column), int(row))
        strongest.append((x, y, float(mass[row, column])))
        near = np.hypot(rows - row, columns - column) * grid.pixel_m < APART_M
        mass = np.where(near, 0.0, mass)
    return strongest


def _disc_mass(images: Tensor, grid: Grid) -> Tensor:
    """Return the share of each image's mass within RADIUS_M of every pixel, (batch, height, width)."""
    reach = int(RADIUS_M // grid.pixel_m)
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    disc = (torch.hypot(offsets[:, None], offsets[None]) * grid.pixel_m <= RADIUS_M).float()[None, None]
    images = images.float() / images.float().sum((-2, -1), keepdim=True).clamp_min(1e-12)
    return F.conv2d(images[:, None], disc.to(images.device), padding=reach)[:, 0]


def keep(ensemble: Ensemble, samples: Samples, chosen: np.ndarray, fixed: int = 8, ambiguous: int = 8) -> xr.Dataset:
    """Return the mean images of some of the samples `chosen`, dims (sample, row, column), raw values 0..1.

    `fixed` samples are evenly spaced in `chosen`; `ambiguous` more are those whose second mode (see `modes`) has the
    largest share. Coordinates: measurement; why, "fixed" or "ambiguous".
    Errors: those of `index_sets.indices`; InputError for a negative number of images, or none.
    """
    chosen = index_sets.indices(chosen, len(samples.location), "kept_images: chosen")
    whole("kept_images: ambiguous", ambiguous, 0)
    whole("kept_images: fixed", fixed, 0 if ambiguous else 1)
    second_shares, means = [], []
    for images in ensemble.images(samples, chosen):
        mean = images.mean(1).float().cpu()
        means.append(mean)
        second_shares += [modes(image, ensemble.grid)[1][2] for image in mean.numpy()]
    even = np.linspace(0, len(chosen) - 1, min(fixed, len(chosen))).round().astype(int)
    most = np.argsort(second_shares, kind="stable")[::-1][:ambiguous]
    kept = np.concatenate([even, most])
    grid = ensemble.grid
    return xr.Dataset(
        {"image": (("sample", "row", "column"), torch.cat(means).numpy()[kept], {"units": "1"})},
        {"measurement": ("sample", chosen[kept]),
         "why": ("sample", ["fixed"] * len(even) + ["ambiguous"] * len(most))},
        {"x0": grid.x0, "y0": grid.y0, "pixel_m": grid.pixel_m})


def save(images: xr.Dataset, path: str | Path) -> Path:
    """Write the images as NetCDF, atomically, in 16 bits: to 1e-5. Errors: those of `files.write_netcdf` and `load`."""
    files.parsed(lambda: _grid_of(images), path, _WHAT)
    exact = {"dtype": "uint16", "scale_factor": 2.0**-15, "_FillValue": 2**16 - 1}    # of 0 and 1
    return files.write_netcdf(images, path, {"image": {"zlib": True} | exact, "measurement": {"zlib": True},
                                             "why": {"zlib": True, "dtype": "S1"}})


def load(path: str | Path) -> tuple[xr.Dataset, Grid]:
    """Read what `save` wrote: the images and their grid.

    Errors: those of `files.read_netcdf`; InputError naming the file if it does not hold images with their grid.
    """
    images = files.read_netcdf(path, _WHAT, _AGAIN)
    grid = files.parsed(lambda: _grid_of(images), path, _WHAT, _AGAIN)
    return images.assign_coords(why=images.why.astype(str)), grid


def _grid_of(images: xr.Dataset) -> Grid:
    image, measurement, why = (images.variables[name] for name in ("image", "measurement", "why"))
    if image.dims != ("sample", "row", "column") or image.dtype.kind != "f" or not image.size:
        raise ValueError(f"image is {image.dtype} over {image.dims} of {image.shape}")
    if not 0 <= image.values.min() <= image.values.max() <= 1:    # NaN is refused, too
        raise ValueError("a pixel is not from 0 to 1")
    if measurement.dims != ("sample",) or measurement.dtype.kind not in "iu" or (measurement < 0).any():
        raise ValueError("measurement is no index of each sample")
    if why.dims != ("sample",) or not set(why.values.tolist()) <= {"fixed", "ambiguous"}:
        raise ValueError("why is not 'fixed' or 'ambiguous' for each sample")
    x0, y0, pixel_m = (images.attrs[name] for name in ("x0", "y0", "pixel_m"))
    if not np.isfinite([x0, y0, pixel_m]).all() or not pixel_m > 0:
        raise ValueError(f"the grid begins at {x0}, {y0} m with pixels of {pixel_m} m")
    return Grid(x0, y0, image.shape[2], image.shape[1], pixel_m)
