"""How a sparse map enters the second paper's networks: a vector of each block, with what is sensed around it."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

REACH = 7
KERNELS = 8
_NONE = 0.05
"""Added to a sum of weights, so that a mean over no sensor is 0 and one over a far sensor small."""


def blocks_of(image: Tensor, side: int) -> Tensor:
    """Turn each of side x side blocks into one vector of its cells: (batch, 1, n, n) to (batch, cells, side, side).

    The values of `pixel_unshuffle`, laid out in memory with the channels last, as the convolutions after it need them.
    """
    step = image.shape[-1] // side
    cells = image.reshape(-1, side, step, side, step).permute(0, 1, 3, 2, 4)
    return cells.reshape(-1, side, side, step * step).permute(0, 3, 1, 2)


def _first_kernels() -> Tensor:
    """Return log weights (KERNELS, 1, REACH, REACH): a narrow and a wide bell, and bells to six sides."""
    axis = torch.linspace(-1, 1, REACH)
    turns = [2 * math.pi * turn / (KERNELS - 2) for turn in range(KERNELS - 2)]
    bells = [(0.0, 0.0, 0.25), (0.0, 0.0, 0.6), *((0.45 * math.cos(a), 0.45 * math.sin(a), 0.35) for a in turns)]
    return torch.stack([-((axis[:, None] - row) ** 2 + (axis - column) ** 2) / (2 * width**2)
                        for row, column, width in bells])[:, None]


class Surroundings(nn.Module):
    """Weighted means of the readings around each block: (batch, cells, side, side) to (batch, 2 KERNELS, side, side).

    For each of 8 learned positive kernels w of 7 x 7 blocks: the mean reading above 0 of the sensors reached,
    sum w v / (sum w + 0.05), and the share of these sensors among all that are reached. A plain convolution cannot
    divide by the number of sensors it happened to reach.

    Source: Knutsson and Westin 1993 (normalized convolution), with learned kernels as in Eldesokey et al. 2018.
    """

    def __init__(self):
        super().__init__()
        self.log_weight = nn.Parameter(_first_kernels())

    def forward(self, value: Tensor) -> Tensor:
        above, below = value > 0, value < 0
        parts = [part.float().sum(1, keepdim=True) for part in (value * above, above, below)]
        with torch.autocast(value.device.type, enabled=False):
            summed = F.conv2d(torch.cat(parts), self.log_weight.exp(), padding=REACH // 2)
        power, heard, silent = summed.chunk(3)
        return torch.cat([power / (heard + _NONE), heard / (heard + silent + _NONE)], dim=1)


class Stem(nn.Module):
    """First layer of both networks: (batch, maps, n, n) to (batch, channels, side, side).

    Each block of n/side x n/side cells becomes a vector of the first map's values, of which are above and which below 0
    (so that "sensed, empty" is as loud as a strong reading), of its `Surroundings`, and of the other maps' values; a
    1x1 convolution, ReLU; two channels with the block's place; BatchNorm.

    Source: channels of coordinates as in Liu et al. 2018; the paper leaves the first layer open.
    """

    def __init__(self, cells: int, maps: int = 1, channels: int = 16):
        super().__init__()
        self.around = Surroundings()
        self.own = nn.Conv2d((2 + maps) * cells, channels - 2, 1)
        self.context = nn.Conv2d(2 * KERNELS, channels - 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, image: Tensor, side: int) -> Tensor:
        value, *others = (blocks_of(part, side) for part in image.split(1, dim=1))
        # in 16 bits at once where the convolution computes in them: the flags lose nothing
        half = torch.is_autocast_enabled(value.device.type)
        kind = torch.get_autocast_dtype(value.device.type) if half else value.dtype
        own = torch.cat([part.to(kind) for part in (value, value > 0, value < 0, *others)], dim=1)
        seen = F.relu(self.own(own) + self.context(self.around(value)))
        ends = torch.linspace(-1, 1, side, device=value.device, dtype=seen.dtype)
        place = torch.stack(torch.meshgrid(ends, ends, indexing="ij"))[None].expand(len(seen), -1, -1, -1)
        return self.norm(torch.cat([seen, place], dim=1))
