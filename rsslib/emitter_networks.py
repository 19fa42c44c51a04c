"""The second paper's networks: a map of occupied cells from few sensors, a list of emitters from either."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rsslib.project import InputError

METHODS = ("single_stage", "two_stage_logit", "two_stage_binary")
SIDE = 16
"""Blocks a side of the raster on which emitters are looked for: n must be a multiple of it."""
LOGIT_SCALE = 10.0
"""About the standard deviation of a trained occupancy network's logits (10.6 measured in free space)."""
_WIDTHS = {"single_stage": (16, 32), "two_stage_logit": (12, 24), "two_stage_binary": (12, 24)}


class OccupancyNet(nn.Module):
    """Encoder-decoder from the sensors' image to logits of "occupied", (batch, 1, n, n) to the same.

    A 3x3 convolution to 12 channels, three of stride 2 (12, 24, 24), three transposed 4x4 back (24, 12, 12), ReLU
    between, a 3x3 convolution to the logit: 25,537 parameters.

    Errors: InputError unless both sides are multiples of 8.
    Source: paper 2, Section III.B; Termos and Hochwald (arXiv:2212.10444), encoder-decoder; its layers are inferred.
    Example
    -------
    >>> OccupancyNet()(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 1, 64, 64])
    """

    def __init__(self):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, 12, 3, padding=1), nn.ReLU()]
        for inputs, outputs in ((12, 12), (12, 24), (24, 24)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.ReLU()]
        for inputs, outputs in ((24, 24), (24, 12), (12, 12)):
            layers += [nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(12, 1, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        if image.ndim != 4 or image.shape[1] != 1 or image.shape[2] % 8 or image.shape[3] % 8:
            raise InputError(f"occupancy network: the input is {tuple(image.shape)}; expected (batch, 1, n, n) with "
                             "n a multiple of 8")
        return self.layers(image)


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """Two 3x3 convolutions with BatchNorm, added to their input: relu(conv(relu(conv(x))) + x), He et al. 2016."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.first, self.second = _conv(inputs, outputs, stride=stride), _conv(outputs, outputs)
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else _conv(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.first(x))) + self.skip(x))


def blocks_of(image: Tensor, side: int) -> Tensor:
    """Turn each of side x side blocks into one vector of its cells: (batch, 1, n, n) to (batch, cells, side, side).

    The result lies in memory with the channels last; `pixel_unshuffle` does the same, and took 13 % of a training.
    """
    step = image.shape[-1] // side
    cells = image.reshape(-1, side, step, side, step).permute(0, 1, 3, 2, 4)
    return cells.reshape(-1, side, side, step * step).permute(0, 3, 1, 2)


class EmitterNet(nn.Module):
    """Residual CNN from a map to a list of emitters: (batch, 1, n, n) to (batch, slots, 3), in float32.

    Output: existence logit, then row and column over n - 1, in 0..1 (sigmoid). Each block of n/16 x n/16 cells becomes
    one vector of its values and of which are above and which below 0 (so that "sensed, empty" is as loud as a
    strong reading); a 1x1 convolution; two channels with the block's place; five residual blocks, the third and
    fourth of stride 2; two dense layers over the 4 x 4 vectors left. The paper says "residual CNN": the rest is ours.

    Parameters: n, cells a side; slots, the most emitters; widths, channels before and after the first stride.
    Errors: InputError unless n is a multiple of 16, at an input of another size, for no slots.
    Source: paper 2, Section III.B; He et al. 2016; channels of coordinates as in Liu et al. 2018.
    Example
    -------
    >>> EmitterNet(64)(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 3, 3])
    """

    def __init__(self, n: int, slots: int = 3, widths: tuple[int, int] = (16, 32)):
        super().__init__()
        if n < SIDE or n % SIDE or slots < 1:
            raise InputError(f"emitter network: n is {n}, slots {slots}; expected n a multiple of {SIDE} and a slot or "
                             "more")
        self.n, self.slots = n, slots
        narrow, wide = widths
        self.stem = nn.Sequential(_conv(3 * (n // SIDE) ** 2, 16, 1), nn.ReLU())
        self.body = nn.Sequential(Residual(16 + 2, narrow), Residual(narrow, narrow), Residual(narrow, wide, 2),
                                  Residual(wide, wide, 2), Residual(wide, wide))
        self.head = nn.Sequential(nn.Conv2d(wide, 16, 1), nn.ReLU(), nn.Flatten(),
                                  nn.Linear(16 * (SIDE // 4) ** 2, 32), nn.ReLU(), nn.Linear(32, 3 * slots))
        ends = torch.linspace(-1, 1, SIDE)
        self.register_buffer("place", torch.stack(torch.meshgrid(ends, ends, indexing="ij"))[None], persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        if tuple(image.shape[1:]) != (1, self.n, self.n):
            raise InputError(f"emitter network: the input is {tuple(image.shape)}; expected (batch, 1, {self.n}, "
                             f"{self.n})")
        value = blocks_of(image, SIDE)
        seen = self.stem(torch.cat([value, (value > 0).to(value.dtype), (value < 0).to(value.dtype)], dim=1))
        place = self.place.to(seen.dtype).expand(len(seen), -1, -1, -1)
        said = self.head(self.body(torch.cat([seen, place], dim=1))).float().view(-1, self.slots, 3)
        return torch.cat([said[..., :1], said[..., 1:].sigmoid()], dim=-1)


def _known(method: str) -> None:
    if method not in METHODS:
        raise InputError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")


def build_localizer(method: str, n: int, n_max: int = 3) -> EmitterNet:
    """Return the localizer of a method: 72,537 parameters alone, 45,649 behind the occupancy network (n = 64).

    Both have the same layers and kernels, the second fewer channels, so that each method has about 70 k in total.

    Errors: InputError for an unknown method or an n that is no multiple of 16. Source: paper 2, Section III.B.
    """
    _known(method)
    return EmitterNet(n, n_max, _WIDTHS[method])


def second_input(logits: Tensor, method: str) -> Tensor:
    """Return what a second stage sees of occupancy logits: logits / 10, or 1[sigmoid(logit) > 0.5] ("binary").

    Errors: InputError for a method without a second stage. Source: paper 2, Section III; the scale is ours.
    """
    _known(method)
    if method == "single_stage":
        raise InputError("method: single_stage looks at the sensors, not through an occupancy network")
    return logits.float() / LOGIT_SCALE if method == "two_stage_logit" else (logits > 0).float()
