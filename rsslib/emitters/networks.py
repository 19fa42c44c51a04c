"""The second paper's networks: a map of occupied cells from few sensors, a list of emitters from either."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rsslib.emitters.stem import Stem
from rsslib.project import InputError

METHODS = ("single_stage", "two_stage_logit", "two_stage_binary")
SIDE = 16
"""Blocks a side of the raster on which emitters are looked for: n must be a multiple of it."""
LOGIT_SCALE = 10.0
"""In free space a logit trained on margins is about the margin in dB: a tenth of it has the scale of Eq. (4)."""
_WIDTHS = {"single_stage": (32, 32), "two_stage_logit": (24, 16), "two_stage_binary": (24, 16)}
_STEP = 4
_PASSES = 3
_RARE = -4.0
"""First logit of "an emitter is near this block": 2 %, since most blocks are near none."""


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs))


class OccupancyNet(nn.Module):
    """Encoder-decoder from the sensors' image to logits of "occupied", (batch, 1, n, n) to the same, in float32.

    A `Stem` over blocks of 4 x 4 cells to 16 channels; down: a convolution of stride 2 and another, 32 channels; up: a
    transposed 4x4 convolution to 16; with the stem's channels beside it, two convolutions to the 16 logits of a block.
    BatchNorm and ReLU between. 30,471 parameters; one of them, the logarithm of the logit's slope in dB, serves
    training alone (see `EmitterRecipe.margin_db`).

    Errors: InputError unless both sides are equal multiples of 8.
    Source: paper 2, Section III.B; Termos and Hochwald (arXiv:2212.10444), encoder-decoder; its layers are ours.
    Example
    -------
    >>> OccupancyNet()(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 1, 64, 64])
    """

    def __init__(self):
        super().__init__()
        self.stem = Stem(_STEP**2)
        self.down = nn.Sequential(_conv(16, 32, 3, 2), nn.ReLU(), _conv(32, 32), nn.ReLU())
        self.up = nn.Sequential(nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.out = nn.Sequential(_conv(32, 16), nn.ReLU(), nn.Conv2d(16, _STEP**2, 3, padding=1))
        self.log_slope = nn.Parameter(torch.tensor(0.0))

    def forward(self, image: Tensor) -> Tensor:
        n = image.shape[-1]
        if image.ndim != 4 or image.shape[1:] != (1, n, n) or n % (2 * _STEP):
            raise InputError(f"occupancy network: the input is {tuple(image.shape)}; expected (batch, 1, n, n) with "
                             "n a multiple of 8")
        seen = self.stem(image, n // _STEP)
        said = self.out(torch.cat([seen, self.up(self.down(seen))], dim=1)).float()
        return F.pixel_shuffle(said, _STEP)


class Residual(nn.Module):
    """Two 3x3 convolutions with BatchNorm, added to their input: relu(conv(relu(conv(x))) + x), He et al. 2016."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.first, self.second = _conv(inputs, outputs, stride=stride), _conv(outputs, outputs)
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else _conv(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.first(x))) + self.skip(x))


class Loop(nn.Module):
    """One residual block gone through several times: the same convolutions, each time with a BatchNorm of its own."""

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

    Output: existence logit, then row and column over n - 1, in 0..1 (sigmoid). In training a pair: the list, and logits
    (batch, 8, 8) of "an emitter near this block", which are trained beside it (see `emitter_loss.near`).

    A `Stem` over 16 x 16 blocks; two residual blocks, the second of stride 2; a `Loop`; the 8 x 8 logits, whose sigmoid
    is added to the channels through a 1x1 convolution; a residual block of stride 2; two dense layers over the 4 x 4
    vectors left. The paper says "residual CNN": the rest is ours.

    Parameters: n, cells a side; slots, the most emitters; widths, channels on 8 x 8 and on 4 x 4 blocks; maps.
    Errors: InputError unless n is a multiple of 16, at an input of another size, for no slots.
    Source: paper 2, Section III.B; He et al. 2016; Lee et al. 2015 (deeply supervised nets).
    Example
    -------
    >>> EmitterNet(64).eval()(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 3, 3])
    """

    def __init__(self, n: int, slots: int = 3, widths: tuple[int, int] = (32, 32), maps: int = 1):
        super().__init__()
        if n < SIDE or n % SIDE or slots < 1:
            raise InputError(f"emitter network: n is {n}, slots {slots}; expected n a multiple of {SIDE} and a slot or "
                             "more")
        self.n, self.slots, self.maps = n, slots, maps
        wide, last = widths
        self.stem = Stem((n // SIDE) ** 2, maps)
        self.body = nn.Sequential(Residual(16, 16), Residual(16, wide, 2), Loop(wide))
        self.near, self.back = nn.Conv2d(wide, 1, 1), nn.Conv2d(1, wide, 1)
        self.end = Residual(wide, last, 2)
        self.head = nn.Sequential(nn.Conv2d(last, 16, 1), nn.ReLU(), nn.Flatten(),
                                  nn.Linear(16 * (SIDE // 4) ** 2, 32), nn.ReLU(), nn.Linear(32, 3 * slots))
        nn.init.constant_(self.near.bias, _RARE)

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        if tuple(image.shape[1:]) != (self.maps, self.n, self.n):
            raise InputError(f"emitter network: the input is {tuple(image.shape)}; expected (batch, {self.maps}, "
                             f"{self.n}, {self.n})")
        seen = self.body(self.stem(image, SIDE))
        near = self.near(seen)
        said = self.head(self.end(seen + self.back(near.sigmoid()))).float().view(-1, self.slots, 3)
        listed = torch.cat([said[..., :1], said[..., 1:].sigmoid()], dim=-1)
        return (listed, near.float()[:, 0]) if self.training else listed


def _known(method: str) -> None:
    if method not in METHODS:
        raise InputError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")


def build_localizer(method: str, n: int, n_max: int = 3, maps: int = 1) -> EmitterNet:
    """Return the localizer of a method: 68,144 parameters alone, about 41,000 behind the occupancy network (n = 64).

    All have the same layers and kernels, a second stage fewer channels, so that each method has about 70 k in total.
    maps: 2 for a second stage that sees the sensors' image beside the logits (see `second_input`).

    Errors: InputError for an unknown method or an n that is no multiple of 16. Source: paper 2, Section III.B.
    """
    _known(method)
    return EmitterNet(n, n_max, _WIDTHS[method], maps)


def second_input(logits: Tensor, method: str, sensed: Tensor | None = None) -> Tensor:
    """Return what a second stage sees of occupancy logits, (batch, 1, n, n) to (batch, maps, n, n).

    "logit": logits / 10, behind the sensors' image if that is given: an estimated map does not keep the readings
    exactly. "binary": 1[sigmoid(logit) > 0.5].

    Errors: InputError for a method without a second stage.
    Source: paper 2, Section III, where the logits come alone; the sensors' image and the scale are ours.
    """
    _known(method)
    if method == "single_stage":
        raise InputError("method: single_stage looks at the sensors, not through an occupancy network")
    if method == "two_stage_binary":
        return (logits > 0).float()
    scaled = logits.float() / LOGIT_SCALE
    return scaled if sensed is None else torch.cat([sensed, scaled], dim=1)
