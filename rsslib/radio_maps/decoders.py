"""From the posterior over the pixels to one location."""

from collections.abc import Callable

import torch
from torch import Tensor

from rsslib.arguments import check_choice, check_type
from rsslib.data.grid import Grid
from rsslib.project import InputError

NEAR_M = 75.0
"""`mean_near` takes the mean within this of the largest pixel, along each axis [m]."""
SURE = 0.5
"""`sure` takes a posterior for sure of its place if this share of the mass is near the largest pixel."""


def decode(posterior: Tensor, grid: Grid, decoder: str = "mean_near") -> tuple[Tensor, Tensor]:
    """Return the location that a decoder takes from each posterior, easting and northing, (batch,) float64 [m].

    argmax: the largest pixel. mean: the posterior mean. mean_near: the mean within NEAR_M of the largest pixel, along
    each axis. median: of each coordinate alone, linear within a pixel. sure: mean_near where at least SURE of the mass
    is near the largest pixel, else median.
    Input: posterior, (batch, height, width), at least 0, with a sum above 0 in each image.
    Errors: InputError for another decoder, or another shape than the grid's.

    >>> image = torch.zeros(1, 3, 3); image[0, 1, 1] = image[0, 1, 2] = 0.5
    >>> [decode(image, Grid(0.0, 0.0, 3, 3, 30.0), name)[0].item() for name in DECODERS]
    [45.0, 45.0, 45.0, 30.0, 45.0]
    """
    check_choice("decode: decoder", decoder, DECODERS)
    check_type("decode: posterior", posterior, Tensor)
    check_type("decode: grid", grid, Grid)
    if posterior.ndim != 3 or posterior.shape[1:] != grid.shape or not posterior.is_floating_point():
        raise InputError(f"decode: posterior is {posterior.dtype} of {tuple(posterior.shape)}; expected floating-point "
                         f"numbers, (batch, {grid.height}, {grid.width}) on this grid")
    image = posterior.double()
    if not len(image) or not bool((image >= 0).all() and (image.sum((1, 2)) > 0).all() and image.isfinite().all()):
        raise InputError("decode: posterior is empty, or an image of it holds NaN, infinity or a number below 0, or "
                         "sums to 0; expected probabilities")
    column, row = DECODERS[decoder](image, grid)
    return grid.to_metres(column, row)


def _argmax(image: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
    pixel = image.flatten(1).argmax(1)
    return (pixel % grid.width).double(), (pixel // grid.width).double()


def _mean(image: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
    return tuple(_centre(image.sum(axis)) for axis in (1, 2))    # type: ignore[return-value]


def _mean_near(image: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
    return _mean(_near(image, grid), grid)


def _near(image: Tensor, grid: Grid) -> Tensor:
    """Return the images with 0 farther than NEAR_M from the largest pixel."""
    column, row = _argmax(image, grid)
    reach = NEAR_M / grid.pixel_m
    near = [(torch.arange(size, device=image.device) - centre[:, None]).abs() <= reach
            for size, centre in ((grid.width, column), (grid.height, row))]
    return image * near[0][:, None, :] * near[1][:, :, None]


def _median(image: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
    return tuple(_middle(image.sum(axis)) for axis in (1, 2))    # type: ignore[return-value]


def _sure(image: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
    near = _near(image, grid)
    sure = near.sum((1, 2)) >= SURE * image.sum((1, 2))
    return tuple(torch.where(sure, one, other)    # type: ignore[return-value]
                 for one, other in zip(_mean(near, grid), _median(image, grid)))


def _centre(share: Tensor) -> Tensor:
    return (share @ torch.arange(share.shape[1], dtype=share.dtype, device=share.device)) / share.sum(1)


def _middle(share: Tensor) -> Tensor:
    """Return where the shares before and after are equal, (batch,); a pixel reaches from half before to half after."""
    cumulated = share.cumsum(1)
    half = cumulated[:, -1:] / 2
    pixel = (cumulated < half).sum(1, keepdim=True).clamp(max=share.shape[1] - 1)
    inside = share.gather(1, pixel)
    before = cumulated.gather(1, pixel) - inside
    return (pixel + (half - before) / inside - 0.5)[:, 0]


DECODERS: dict[str, Callable[[Tensor, Grid], tuple[Tensor, Tensor]]] = {
    "mean_near": _mean_near, "mean": _mean, "median": _median, "argmax": _argmax, "sure": _sure}
