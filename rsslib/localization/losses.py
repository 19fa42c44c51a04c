"""The paper's training losses: centre of mass (CoM), pixel squared error (PSE), Earth Mover's Distance (EMD).

All distances are in pixels. A prediction image is the network's sigmoid output, (batch, height, width), values
in 0..1, not normalised; a location is (batch, 2), unrounded (column, row).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from rsslib.project import InputError


def _check(images: Tensor, locations: Tensor) -> None:
    if images.ndim != 3 or locations.shape != (images.shape[0], 2):
        raise InputError(f"losses: expected images (batch, height, width) and locations (batch, 2), found "
                         f"{tuple(images.shape)} and {tuple(locations.shape)}")


def _axes(images: Tensor) -> tuple[Tensor, Tensor]:
    height, width = images.shape[-2:]
    kind = {"dtype": images.dtype, "device": images.device}
    return torch.arange(width, **kind), torch.arange(height, **kind)


def centre_of_mass(images: Tensor) -> Tensor:
    """Return the centre of mass of each image, sum(v * coordinate) / sum(v), as (batch, 2) column, row [pixels].

    Source: Yapar et al. 2023, the "CoM" of paper 1, Section III.A.
    """
    columns, rows = _axes(images)
    by_column, by_row = images.sum(-2), images.sum(-1)
    mass = by_column.sum(-1).clamp_min(1e-12)
    return torch.stack([by_column @ columns / mass, by_row @ rows / mass], dim=-1)


def com(images: Tensor, locations: Tensor) -> Tensor:
    """Return the mean Euclidean distance of the centres of mass from the locations [pixels].

    Example
    -------
    >>> image = torch.zeros(1, 5, 5); image[0, 2, 4] = 1.0
    >>> com(image, torch.tensor([[1.0, 2.0]])).item()
    3.0
    """
    _check(images, locations)
    return torch.linalg.vector_norm(centre_of_mass(images) - locations, dim=-1).mean()


def distance_maps(locations: Tensor, height: int, width: int) -> Tensor:
    """Return the distance of every pixel from each location, (batch, height, width) [pixels]."""
    columns = torch.arange(width, dtype=locations.dtype, device=locations.device)
    rows = torch.arange(height, dtype=locations.dtype, device=locations.device)
    across = (columns - locations[:, :1]).square()
    along = (rows - locations[:, 1:]).square()
    return (across[:, None, :] + along[:, :, None]).sqrt()


def emd(images: Tensor, locations: Tensor) -> Tensor:
    """Return the mean Earth Mover's Distance from the normalised images to a unit mass at the locations [pixels].

    All mass has one place to go, so the optimal flow of Eq. (2) is known and Eq. (3) needs no solver:
    EMD = sum_ij v_ij |ij - location| / sum_ij v_ij, exact in two dimensions and linear in the pixels.

    Source: paper 1, Eqs. (2), (3); equal to `ot.emd2` (POT) for a point target.
    Example
    -------
    >>> image = torch.zeros(1, 5, 5); image[0, 2, 4] = 0.5; image[0, 2, 2] = 0.5
    >>> emd(image, torch.tensor([[1.0, 2.0]])).item()
    2.0
    """
    _check(images, locations)
    work = (images * distance_maps(locations, *images.shape[-2:])).sum((-2, -1))
    return (work / images.sum((-2, -1)).clamp_min(1e-12)).mean()


def target_images(locations: Tensor, height: int, width: int) -> Tensor:
    """Return the paper's targets, (batch, height, width): 0.92 in the transmitter's pixel, 0.01 around it."""
    off_column = (torch.arange(width, device=locations.device) - locations[:, :1].round()).abs()
    off_row = (torch.arange(height, device=locations.device) - locations[:, 1:].round()).abs()
    ring = (off_row <= 1).float()[:, :, None] * (off_column <= 1).float()[:, None]
    centre = (off_row == 0).float()[:, :, None] * (off_column == 0).float()[:, None]
    return 0.01 * ring + 0.91 * centre


def pse(images: Tensor, locations: Tensor) -> Tensor:
    """Return the pixel squared error, the mean over pixels and samples of (target - image)^2, Eq. (1).

    Source: paper 1, Eq. (1).
    Example
    -------
    >>> round(pse(torch.zeros(1, 5, 5), torch.tensor([[2.0, 2.0]])).item(), 4)   # (0.92^2 + 8 0.01^2) / 25
    0.0339
    """
    _check(images, locations)
    return (images - target_images(locations, *images.shape[-2:])).square().mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"com": com, "pse": pse, "emd": emd}
"""Loss by name: (images, locations) -> scalar."""
