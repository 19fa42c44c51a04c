"""Prediction images stored for the figures: some at fixed intervals, and the most ambiguous ones."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional as F

from rsslib.data.grid import Grid
from rsslib.localization.ensemble import Ensemble, Samples
from rsslib.project import InputError, atomic_path

RADIUS_M, APART_M = 90.0, 300.0
"""Radius of a mode, and the least distance between the centres of two."""


def modes(image: np.ndarray, grid: Grid) -> list[tuple[float, float, float]]:
    """Return the two strongest modes of an image, strongest first, each as x, y [m] and share of the mass.

    A mode is a disc of radius RADIUS_M: the first is the disc with the most mass, the second the one with the most mass
    whose centre is at least APART_M from the first. Input: image, (height, width), not negative.

    >>> image = np.zeros((20, 20)); image[3, 3], image[3, 18] = 3.0, 1.0
    >>> modes(image, Grid(0.0, 0.0, 20, 20, 30.0))[1][2]
    0.25
    """
    mass = _disc_mass(torch.as_tensor(image)[None], grid)[0].numpy()
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
    """
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
        {"measurement": ("sample", np.asarray(chosen)[kept]),
         "why": ("sample", ["fixed"] * len(even) + ["ambiguous"] * len(most))},
        {"x0": grid.x0, "y0": grid.y0, "pixel_m": grid.pixel_m})


def save(images: xr.Dataset, path: str | Path) -> Path:
    """Write the images as NetCDF, atomically."""
    with atomic_path(path) as temporary:
        images.to_netcdf(temporary, engine="netcdf4", encoding={"image": {"zlib": True}})
    return Path(path)


def load(path: str | Path) -> tuple[xr.Dataset, Grid]:
    """Read what `save` wrote: the images and their grid. Errors: InputError naming the file."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file of kept images; run its training stage first (make reproduce)")
    try:
        with xr.open_dataset(path, engine="netcdf4") as file:
            images = file.load()
        height, width = images.image.shape[1:]
        return images, Grid(images.attrs["x0"], images.attrs["y0"], width, height, images.attrs["pixel_m"])
    except (OSError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: not a file of kept images ({reason}); run its training stage again") from None
