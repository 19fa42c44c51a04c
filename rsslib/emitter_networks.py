"""The second paper's networks: a map of occupied cells from few sensors, a list of emitters from either."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rsslib.emitter_stem import Stem
from rsslib.project import InputError

METHODS = ("single_stage", "two_stage_logit", "two_stage_binary")
SIDE = 16
"""Blocks a side of the raster on which emitters are looked for: n must be a multiple of it."""
LOGIT_SCALE = 10.0
"""In free space a logit trained on margins is about the margin in dB: a tenth of it has the scale of Eq. (4)."""
_WIDTHS = {"single_stage": (16, 32), "two_stage_logit": (16, 20), "two_stage_binary": (16, 20)}
_STEP = 4


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs))


class OccupancyNet(nn.Module):
    """Encoder-decoder from the sensors' image to logits of "occupied", (batch, 1, n, n) to the same, in float32.

    A `Stem` over blocks of 4 x 4 cells to 16 channels; down: a convolution of stride 2 and another, 32 channels; up: a
    transposed 4x4 convolution to 16; with the stem's channels beside it, two convolutions to the 16 logits of a block.
    BatchNorm and ReLU between. Last, the image times a learned gain is added: what a sensor read stays in its cell,
    which a second stage would otherwise lose. 30,472 parameters; one of them, the logarithm of the logit's slope in dB,
    serves training alone (see `EmitterRecipe.margin_db`).

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
        self.gain, self.log_slope = nn.Parameter(torch.tensor(5.0)), nn.Parameter(torch.tensor(0.0))

    def forward(self, image: Tensor) -> Tensor:
        n = image.shape[-1]
        if image.ndim != 4 or image.shape[1:] != (1, n, n) or n % (2 * _STEP):
            raise InputError(f"occupancy network: the input is {tuple(image.shape)}; expected (batch, 1, n, n) with "
                             "n a multiple of 8")
        seen = self.stem(image, n // _STEP)
        said = self.out(torch.cat([seen, self.up(self.down(seen))], dim=1)).float()
        return F.pixel_shuffle(said, _STEP) + self.gain * image


class Residual(nn.Module):
    """Two 3x3 convolutions with BatchNorm, added to their input: relu(conv(relu(conv(x))) + x), He et al. 2016."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.first, self.second = _conv(inputs, outputs, stride=stride), _conv(outputs, outputs)
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else _conv(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.first(x))) + self.skip(x))


class EmitterNet(nn.Module):
    """Residual CNN from a map to a list of emitters: (batch, 1, n, n) to (batch, slots, 3), in float32.

    Output: existence logit, then row and column over n - 1, in 0..1 (sigmoid). A `Stem` over 16 x 16 blocks; five
    residual blocks, the third and fourth of stride 2; two dense layers over the 4 x 4 vectors left. The paper says
    "residual CNN": the rest is ours.

    Parameters: n, cells a side; slots, the most emitters; widths, channels before and after the first stride.
    Errors: InputError unless n is a multiple of 16, at an input of another size, for no slots.
    Source: paper 2, Section III.B; He et al. 2016.
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
        self.stem = Stem((n // SIDE) ** 2)
        self.body = nn.Sequential(Residual(16, narrow), Residual(narrow, narrow), Residual(narrow, wide, 2),
                                  Residual(wide, wide, 2), Residual(wide, wide))
        self.head = nn.Sequential(nn.Conv2d(wide, 16, 1), nn.ReLU(), nn.Flatten(),
                                  nn.Linear(16 * (SIDE // 4) ** 2, 32), nn.ReLU(), nn.Linear(32, 3 * slots))

    def forward(self, image: Tensor) -> Tensor:
        if tuple(image.shape[1:]) != (1, self.n, self.n):
            raise InputError(f"emitter network: the input is {tuple(image.shape)}; expected (batch, 1, {self.n}, "
                             f"{self.n})")
        said = self.head(self.body(self.stem(image, SIDE))).float().view(-1, self.slots, 3)
        return torch.cat([said[..., :1], said[..., 1:].sigmoid()], dim=-1)


def _known(method: str) -> None:
    if method not in METHODS:
        raise InputError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")


def build_localizer(method: str, n: int, n_max: int = 3) -> EmitterNet:
    """Return the localizer of a method: 72,463 parameters alone, 41,455 behind the occupancy network (n = 64).

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
