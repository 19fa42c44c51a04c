"""The networks of paper 2: from sensors to an occupancy map, and from either of them to a list of emitters."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

METHODS = ("single_stage", "two_stage_logit", "two_stage_binary")
SIDE = 16
"""Blocks per side of the localizers' raster: n must be a multiple of it."""
LOGIT_SCALE = 10.0
"""In free space, a logit trained on margins is about the margin in dB; a tenth of it has the scale of Eq. (4)."""
REACH, KERNELS = 7, 8
_WIDTHS = {"single_stage": (32, 32), "two_stage_logit": (24, 16), "two_stage_binary": (24, 16)}
_STEP = 4
_PASSES = 3
_RARE = -4.0
"""Initial logit of "an emitter is near this block": 2 %, since few blocks are near an emitter."""
_NONE = 0.05
"""Added to sums of weights, so that the mean over no sensor is 0 and over distant ones small."""


def blocks_of(image: Tensor, side: int) -> Tensor:
    """Return each of side x side blocks as a vector of its cells: (batch, 1, n, n) to (batch, cells, side, side).

    Same values as `pixel_unshuffle`, but channels-last in memory, as the following convolutions need them.
    """
    step = image.shape[-1] // side
    cells = image.reshape(-1, side, step, side, step).permute(0, 1, 3, 2, 4)
    return cells.reshape(-1, side, side, step * step).permute(0, 3, 1, 2)


class NormalizedConvolution(nn.Module):
    """Weighted means of the readings around each block: (batch, cells, side, side) to (batch, 2 KERNELS, side, side).

    For each of 8 learned positive kernels w of 7 x 7 blocks: the weighted mean of the readings above 0 in its reach,
    sum w v / (sum w + 0.05), and the weighted share of these sensors among all in its reach. A plain convolution cannot
    divide by the number of sensors in its reach.

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


class SensorEmbedding(nn.Module):
    """First layer of both networks: (batch, maps, n, n) to (batch, channels, side, side).

    The channels of a block of n/side x n/side cells are: the first map's values; flags for values above and below 0 (so
    that "sensed, empty" counts as much as a strong reading); its `NormalizedConvolution`; the other maps' values. Then
    a 1x1 convolution, ReLU, two channels with the block's coordinates, BatchNorm.

    Source: coordinate channels as in Liu et al. 2018; the paper does not specify the first layer.
    """

    def __init__(self, cells: int, maps: int = 1, channels: int = 16):
        super().__init__()
        self.around = NormalizedConvolution()
        self.own = nn.Conv2d((2 + maps) * cells, channels - 2, 1)
        self.context = nn.Conv2d(2 * KERNELS, channels - 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, image: Tensor, side: int) -> Tensor:
        value, *others = (blocks_of(part, side) for part in image.split(1, dim=1))
        # converted at once to the precision of the convolution, which is exact for the flags
        half = torch.is_autocast_enabled(value.device.type)
        kind = torch.get_autocast_dtype(value.device.type) if half else value.dtype
        own = torch.cat([part.to(kind) for part in (value, value > 0, value < 0, *others)], dim=1)
        seen = F.relu(self.own(own) + self.context(self.around(value)))
        ends = torch.linspace(-1, 1, side, device=value.device, dtype=seen.dtype)
        coordinates = torch.stack(torch.meshgrid(ends, ends, indexing="ij"))[None].expand(len(seen), -1, -1, -1)
        return self.norm(torch.cat([seen, coordinates], dim=1))


class OccupancyNet(nn.Module):
    """Encoder-decoder from the sensors' image to logits of "occupied", (batch, 1, n, n) to the same, in float32.

    A `SensorEmbedding` over blocks of 4 x 4 cells to 16 channels; down: two convolutions of 32 channels, the first of
    stride 2; up: a transposed 4x4 convolution to 16 channels; concatenated with the embedding, two convolutions to the
    16 logits of a block; BatchNorm and ReLU in between. 30,471 parameters, one of which, the logarithm of the logit's
    slope [1/dB], is used in training only (see `OccupancySet.loss`). n is a multiple of 8.

    Source: paper 2, Section III.B, and Termos and Hochwald (arXiv:2212.10444) for the encoder-decoder; layers: ours.

    >>> OccupancyNet()(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 1, 64, 64])
    """

    def __init__(self):
        super().__init__()
        self.stem = SensorEmbedding(_STEP**2)
        self.down = nn.Sequential(_conv(16, 32, 3, 2), nn.ReLU(), _conv(32, 32), nn.ReLU())
        self.up = nn.Sequential(nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.out = nn.Sequential(_conv(32, 16), nn.ReLU(), nn.Conv2d(16, _STEP**2, 3, padding=1))
        self.log_slope = nn.Parameter(torch.tensor(0.0))

    def forward(self, image: Tensor) -> Tensor:
        seen = self.stem(image, image.shape[-1] // _STEP)
        logits = self.out(torch.cat([seen, self.up(self.down(seen))], dim=1)).float()
        return F.pixel_shuffle(logits, _STEP)


class Residual(nn.Module):
    """Two 3x3 convolutions with BatchNorm, added to their input: relu(conv(relu(conv(x))) + x), He et al. 2016."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.first, self.second = _conv(inputs, outputs, stride=stride), _conv(outputs, outputs)
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else _conv(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.first(x))) + self.skip(x))


class SharedResidual(nn.Module):
    """One residual block applied several times: shared convolutions, separate BatchNorms."""

    def __init__(self, channels: int, passes: int = _PASSES):
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(2 * passes))

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.norms[::2], self.norms[1::2]):
            x = F.relu(second(self.second(F.relu(first(self.first(x))))) + x)
        return x


class EmitterNet(nn.Module):
    """Residual CNN from maps to a list of emitters: (batch, maps, n, n) to (batch, slots, 3), in float32.

    Output: existence logit, then row and column over n - 1, in 0..1 (sigmoid). In training mode a pair: the list, and
    the logits (batch, 8, 8) of "an emitter is near this block" for the auxiliary loss `loss.near`.

    A `SensorEmbedding` over 16 x 16 blocks; two residual blocks, the second of stride 2; a `SharedResidual`; the 8 x 8
    logits, whose sigmoid is added to the channels through a 1x1 convolution; a residual block of stride 2; two dense
    layers over the remaining 4 x 4 blocks. The paper only specifies a "residual CNN".

    Parameters: n, cells per side, a multiple of 16; slots, the most emitters; widths, channels on 8 x 8 and on 4 x 4
    blocks; maps.
    Source: paper 2, Section III.B; He et al. 2016; Lee et al. 2015 (deeply supervised nets).

    >>> EmitterNet(64).eval()(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 3, 3])
    """

    def __init__(self, n: int, slots: int = 3, widths: tuple[int, int] = (32, 32), maps: int = 1):
        super().__init__()
        self.slots = slots
        wide, last = widths
        self.stem = SensorEmbedding((n // SIDE) ** 2, maps)
        self.body = nn.Sequential(Residual(16, 16), Residual(16, wide, 2), SharedResidual(wide))
        self.near, self.back = nn.Conv2d(wide, 1, 1), nn.Conv2d(1, wide, 1)
        self.end = Residual(wide, last, 2)
        self.head = nn.Sequential(nn.Conv2d(last, 16, 1), nn.ReLU(), nn.Flatten(),
                                  nn.Linear(16 * (SIDE // 4) ** 2, 32), nn.ReLU(), nn.Linear(32, 3 * slots))
        nn.init.constant_(self.near.bias, _RARE)

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        seen = self.body(self.stem(image, SIDE))
        near = self.near(seen)
        output = self.head(self.end(seen + self.back(near.sigmoid()))).float().view(-1, self.slots, 3)
        listed = torch.cat([output[..., :1], output[..., 1:].sigmoid()], dim=-1)
        return (listed, near.float()[:, 0]) if self.training else listed


def build_localizer(method: str, n: int, n_max: int = 3, maps: int = 1) -> EmitterNet:
    """Return the localizer of a method: 68,144 parameters if single-stage, about 41,000 if second stage (n = 64).

    All have the same layers and kernels; a second stage has fewer channels, so that each method has about 70,000
    parameters in total. maps: 2 for a second stage with the sensors' image and the logits (see `second_input`).
    Source: paper 2, Section III.B.
    """
    return EmitterNet(n, n_max, _WIDTHS[method], maps)


def second_input(logits: Tensor, method: str, sensed: Tensor | None = None) -> Tensor:
    """Return the input of a second stage for occupancy logits, (batch, 1, n, n) to (batch, maps, n, n).

    "two_stage_logit": logits / 10, after the sensors' image if that is given, since an estimated map does not preserve
    the readings exactly. "two_stage_binary": 1[sigmoid(logit) > 0.5].

    Source: paper 2, Section III, with the logits alone; the sensors' image and the scale are ours.

    >>> logits = torch.tensor([-5.0, 20.0])
    >>> second_input(logits, "two_stage_binary"), second_input(logits, "two_stage_logit")
    (tensor([0., 1.]), tensor([-0.5000,  2.0000]))
    """
    if method == "two_stage_binary":
        return (logits > 0).float()
    scaled = logits.float() / LOGIT_SCALE
    return scaled if sensed is None else torch.cat([sensed, scaled], dim=1)


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs))


def _first_kernels() -> Tensor:
    """Return log weights (KERNELS, 1, REACH, REACH): a narrow and a wide Gaussian, and six around the centre."""
    axis = torch.linspace(-1, 1, REACH)
    angles = [2 * math.pi * turn / (KERNELS - 2) for turn in range(KERNELS - 2)]
    bells = [(0.0, 0.0, 0.25), (0.0, 0.0, 0.6), *((0.45 * math.cos(a), 0.45 * math.sin(a), 0.35) for a in angles)]
    return torch.stack([-((axis[:, None] - row) ** 2 + (axis - column) ** 2) / (2 * width**2)
                        for row, column, width in bells])[:, None]
