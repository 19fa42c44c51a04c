"""Training losses of paper 1: centre of mass (CoM), pixel squared error (PSE), Earth Mover's Distance (EMD).

All distances are in pixels. A prediction image is the network's sigmoid output, (batch, height, width), values
in 0..1, not normalised; a location is (batch, 2), unrounded (column, row). Other shapes, types that are not
floating-point, images that are negative and values that are not finite raise InputError, as do images without mass
where their sum divides. Types of 16 bits are computed in float32: their sums would overflow.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from rsslib.arguments import whole
from rsslib.project import InputError

SLICES = 100
"""Random directions of the sliced distance in each batch, as in the paper."""
_LEAST_MASS, _LARGEST = 1e-12, 1e15    # of an image; of pixels and locations, whose squares float32 can still sum


def centre_of_mass(images: Tensor) -> Tensor:
    """Return the centre of mass of each image, sum(v * coordinate) / sum(v), as (batch, 2) column, row [pixels].

    Source: Yapar et al. 2023, the "CoM" of paper 1, Section III.A.
    """
    columns, rows = _axes(images.shape[-2], images.shape[-1], images)
    by_column, by_row = images.sum(-2), images.sum(-1)
    mass = by_column.sum(-1).clamp_min(_LEAST_MASS)
    return torch.stack([by_column @ columns / mass, by_row @ rows / mass], dim=-1)


def com(images: Tensor, locations: Tensor) -> Tensor:
    """Return the mean Euclidean distance of the centres of mass from the locations [pixels].

    >>> image = torch.zeros(1, 5, 5); image[0, 2, 4] = 1.0
    >>> com(image, torch.tensor([[1.0, 2.0]])).item()
    3.0
    """
    return _checked(_com, images, locations)


def _com(images: Tensor, locations: Tensor) -> Tensor:
    return torch.linalg.vector_norm(centre_of_mass(images) - locations, dim=-1).mean()


def distance_maps(locations: Tensor, height: int, width: int) -> Tensor:
    """Return the distance of every pixel from each location, (batch, height, width) [pixels].

    >>> distance_maps(torch.tensor([[0.0, 1.0]]), 2, 4)
    tensor([[[1.0000, 1.4142, 2.2361, 3.1623],
             [0.0000, 1.0000, 2.0000, 3.0000]]])
    """
    columns, rows = _axes(height, width, locations)
    d_column, d_row = (columns - locations[:, :1]).square(), (rows - locations[:, 1:]).square()
    return (d_column[:, None, :] + d_row[:, :, None]).sqrt()


def emd(images: Tensor, locations: Tensor) -> Tensor:
    """Return the mean Earth Mover's Distance from the normalised images to a unit mass at the locations [pixels].

    All mass moves to one point, so the optimal flow of Eq. (2) is known in closed form and Eq. (3) needs no solver:
    EMD = sum_ij v_ij |ij - location| / sum_ij v_ij, exact in two dimensions and linear in the pixels.

    Source: paper 1, Eqs. (2), (3); equal to `ot.emd2` (POT) for a point target.

    >>> image = torch.zeros(1, 5, 5); image[0, 2, 4] = 0.5; image[0, 2, 2] = 0.5
    >>> emd(image, torch.tensor([[1.0, 2.0]])).item()
    2.0
    """
    return _checked(_emd, images, locations)


def _emd(images: Tensor, locations: Tensor) -> Tensor:
    work = (images * distance_maps(locations, *images.shape[-2:])).sum((-2, -1))
    return (work / images.sum((-2, -1)).clamp_min(_LEAST_MASS)).mean()


def target_images(locations: Tensor, height: int, width: int) -> Tensor:
    """Return the target images, (batch, height, width): 0.92 in the transmitter's pixel, 0.01 in its 8 neighbours."""
    columns, rows = _axes(height, width, locations)
    off_column, off_row = (columns - locations[:, :1].round()).abs(), (rows - locations[:, 1:].round()).abs()
    ring = (off_row <= 1).float()[:, :, None] * (off_column <= 1).float()[:, None]
    centre = (off_row == 0).float()[:, :, None] * (off_column == 0).float()[:, None]
    return 0.01 * ring + 0.91 * centre


def pse(images: Tensor, locations: Tensor) -> Tensor:
    """Return the pixel squared error, the mean over pixels and samples of (target - image)^2, Eq. (1).

    Source: paper 1, Eq. (1).

    >>> round(pse(torch.zeros(1, 5, 5), torch.tensor([[2.0, 2.0]])).item(), 4)   # (0.92^2 + 8 0.01^2) / 25
    0.0339
    """
    return _checked(_pse, images, locations)


def _pse(images: Tensor, locations: Tensor) -> Tensor:
    return (images - target_images(locations, *images.shape[-2:])).square().mean()


def sliced(images: Tensor, locations: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return the mean sliced Earth Mover's Distance from the images to `target_images`, over SLICES random directions.

    The loss that the paper trains: p = 1, images and targets normalised to sum 1, directions drawn anew for each batch.
    It is about 2/pi of `emd` [pixels]. Input: generator, that draws the directions.
    Source: paper 1, Section III.B; equal to `ot.sliced_wasserstein_distance` with p = 1 (POT).

    >>> image = torch.zeros(1, 5, 5); image[0, 2, 4] = 1.0
    >>> round(sliced(image, torch.tensor([[1.0, 2.0]]), torch.Generator().manual_seed(0)).item(), 1)
    1.8
    """
    return _checked(partial(_sliced, generator=generator), images, locations, on_map=True)


def _sliced(images: Tensor, locations: Tensor, generator: torch.Generator | None = None) -> Tensor:
    height, width = images.shape[-2:]
    vectors = directions(SLICES, generator).double().to(images.device)
    return _over_slices(images, target_images(locations, height, width), *_sorted(height, width, vectors)).mean()


LOSSES: dict[str, Callable[..., Tensor]] = {"com": com, "pse": pse, "emd": emd, "sliced": sliced}
"""Loss by name: (images, locations) -> scalar."""


def step(name: str, images: Tensor, locations: Tensor, generator: torch.Generator) -> Tensor:
    """Return a loss by its name in the step of a training; the generator draws what it needs at random.

    The images are sigmoids in float32 and the locations are known: no value is read, for which a GPU would wait.
    """
    if name == "sliced":
        return _sliced(images, locations, generator)
    return {"com": _com, "pse": _pse, "emd": _emd}[name](images, locations)


def directions(slices: int, generator: torch.Generator | None = None) -> Tensor:
    """Return `slices` random unit vectors, (slices, 2), uniform on the circle. Errors: InputError for no slices.

    >>> bool(directions(7).norm(dim=1).allclose(torch.ones(7)))
    True
    """
    whole("directions: slices", slices)
    angle = 2 * math.pi * torch.rand(slices, generator=generator)
    return torch.stack([angle.cos(), angle.sin()], dim=1)


class SlicedDistance:
    """Sliced Wasserstein-1 between maps of one shape, with the sorting done once.

    On a fixed grid the projections of the pixels on a slice are fixed, and so are their ranks and the gaps between
    them: W1 on a slice is sum_k |cumsum(p - q)_k| gap_k, for a whole batch at once, and the distance is its mean over
    slices. In the limit of many slices it is 2/pi times the exact EMD of a point target.

    Parameters: height, width [pixels]; vectors, (slices, 2), unit vectors as (column, row).
    Errors: InputError for a side that is no whole number, or for vectors of another shape or length than 1.
    Source: Bonneel et al. 2015; paper 1, Section III.B. The value is that of POT's sliced distance with p = 1.

    >>> first, second = torch.zeros(2, 1, 4, 4); first[0, 0, 0] = 1.0; second[0, 0, 3] = 1.0
    >>> SlicedDistance(4, 4, torch.tensor([[1.0, 0.0]]))(first, second)
    tensor([3.])
    """

    def __init__(self, height: int, width: int, vectors: Tensor):
        whole("SlicedDistance: height", height, 1, 10**4)
        whole("SlicedDistance: width", width, 1, 10**4)
        if not _is_dense(vectors) or vectors.ndim != 2 or vectors.shape[1] != 2 or not len(vectors):
            raise InputError(f"SlicedDistance: vectors are {_described(vectors)}; expected a floating-point tensor of "
                             "(slices, 2), a slice or more")
        vectors = vectors.double()    # sorted and differenced in double, whatever the type of the images
        if not bool((vectors.norm(dim=1) - 1).abs().max() < 1e-3):
            raise InputError(f"SlicedDistance: vectors of lengths {vectors.norm(dim=1).min():g} to "
                             f"{vectors.norm(dim=1).max():g}; expected unit vectors, such as `directions` returns")
        self.shape = height, width
        self.permutations, self.gaps = _sorted(height, width, vectors)

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the distance of each pair of maps, (batch,) [pixels]; both are normalised to sum 1.

        Errors: InputError for maps of other shapes or types, with a value that is negative or not finite, or with a sum
        that is 0 or not finite.
        """
        first, second = _images(first), _images(second)
        for images in (first, second):
            if images.shape[1:] != self.shape or len(images) != len(first) or images.device != self.gaps.device:
                raise InputError(f"SlicedDistance: maps are {_described(first)} and {_described(second)}; expected "
                                 f"(batch, {self.shape[0]}, {self.shape[1]}) twice, on {self.gaps.device}")
        for images in (first, second):
            mass = images.detach().sum((-2, -1))
            if not bool(((mass >= _LEAST_MASS) & (mass < math.inf)).all()):
                raise InputError(f"SlicedDistance: the maps' sums reach from {float(mass.min()):g} to "
                                 f"{float(mass.max()):g}; expected finite sums of at least {_LEAST_MASS:g}")
        with torch.autocast(first.device.type, enabled=False):
            return _over_slices(first, second, self.permutations, self.gaps)


def pot_reference(first: Tensor, second: Tensor, vectors: Tensor) -> Tensor:
    """Return the same distances from POT, one pair of maps at a time, (batch,) [pixels].

    The paper's implementation (POT, Flamary et al. 2021), with p = 1 instead of POT's default 2: slow, for reference.
    """
    import ot

    height, width = first.shape[-2:]
    pixels = _pixels(height, width, vectors)
    return torch.stack([
        ot.sliced_wasserstein_distance(pixels, pixels, p.flatten(), q.flatten(), projections=vectors.T, p=1)
        for p, q in zip(_normalised(first), _normalised(second))])


def _sorted(height: int, width: int, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Return the order of the pixels along each slice and the gaps between them, (slices, pixels) twice."""
    projections, permutations = (vectors @ _pixels(height, width, vectors).T).sort(dim=1)
    # the last cumulative sum of p - q is 0 and has no gap: a gap of 0 keeps the shapes equal
    return permutations, projections.diff(dim=1, append=projections[:, -1:])


def _over_slices(first: Tensor, second: Tensor, permutations: Tensor, gaps: Tensor) -> Tensor:
    difference = (_normalised(first) - _normalised(second)).flatten(1)
    total = difference.new_zeros(len(difference))
    for permutation, gap in zip(permutations, gaps.to(difference)):
        # one slice at a time fits the cache; index_select has a cheaper gradient than [:, permutation]
        total = total + difference.index_select(1, permutation).cumsum(1).abs() @ gap
    return total / len(gaps)


def _checked(loss: Callable[[Tensor, Tensor], Tensor], images: Tensor, locations: Tensor,
             on_map: bool = False) -> Tensor:
    """Return a loss of images and locations that are right, in float32 or float64 whatever autocast says."""
    images = _images(images)
    # other shapes would broadcast to a plausible loss
    if not _is_dense(locations) or locations.shape != (len(images), 2) or locations.device != images.device:
        raise InputError(f"losses: locations are {_described(locations)}; expected a floating-point tensor of "
                         f"({len(images)}, 2), column and row, on {images.device}")
    locations = _wide(locations)
    if not bool((locations.abs() <= _LARGEST).all()):    # NaN is refused, too
        raise InputError(f"losses: a location is not finite, or beyond {_LARGEST:g} pixels; leave out samples without "
                         "a known location")
    last = locations.new_tensor([images.shape[-1] - 1, images.shape[-2] - 1])
    if on_map and not bool(((locations.round() >= -1) & (locations.round() <= last + 1)).all()):
        raise InputError("losses: a location is beyond the map, so its target image is empty; expected columns and "
                         f"rows of {images.shape[-1]} x {images.shape[-2]} pixels")
    if loss is not _pse and bool((images.sum((-2, -1)) < _LEAST_MASS).any()):
        raise InputError(f"losses: an image sums to less than {_LEAST_MASS:g}; expected some mass, since it is divided "
                         "by its sum")
    with torch.autocast(images.device.type, enabled=False):
        return loss(images, locations)


def _images(images: Tensor) -> Tensor:
    """Return images that are right, in float32 or float64."""
    if not _is_dense(images) or images.ndim != 3 or not images.numel():
        raise InputError(f"losses: images are {_described(images)}; expected a floating-point tensor of (batch, "
                         "height, width)")
    images = _wide(images)
    low, high = (float(end) for end in images.detach().aminmax())
    # NaN is refused, too; finite differences at an empty pixel step a little below 0
    if not -0.01 * high <= low <= high <= _LARGEST:
        raise InputError(f"losses: images reach from {low:g} to {high:g}; expected values from 0 to {_LARGEST:g}")
    return images


def _is_dense(values: object) -> bool:
    return isinstance(values, Tensor) and values.is_floating_point() and values.layout == torch.strided and (
        not values.is_meta)


def _wide(values: Tensor) -> Tensor:
    return values.float() if values.element_size() < 4 else values


def _described(values: object) -> str:
    if not isinstance(values, Tensor):
        return type(values).__name__
    layout = "" if values.layout == torch.strided else f"{values.layout} "
    return f"{layout}{values.dtype} of {tuple(values.shape)} on {values.device}"


def _axes(height: int, width: int, like: Tensor) -> Iterator[Tensor]:
    """Return the columns and the rows of a map, with dtype and device of `like`."""
    return (torch.arange(size, dtype=like.dtype, device=like.device) for size in (width, height))


def _pixels(height: int, width: int, like: Tensor) -> Tensor:
    """Return column and row of every pixel, (pixels, 2), with dtype and device of `like`."""
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([column.ravel(), row.ravel()], dim=1).to(like)


def _normalised(images: Tensor) -> Tensor:
    return images / images.sum((-2, -1), keepdim=True).clamp_min(_LEAST_MASS)
