"""Networks: the input image with its learned affine maps, the paper's UNet, a compact UNet for the CPU."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rsslib.data.grid import KINDS


class SensorImage(nn.Module):
    """The input layer: readings of sensors to a two-channel image, (batch, 2, height, width).

    Channel 0 is w_kind * value + b_kind at the sensors' pixels, with a learned weight (initially 1) and bias (initially
    0) for each receiver kind; channel 1 is the value itself; both are 0 elsewhere.

    Input: pixel (batch, sensors) int64, -1 = not drawn; value (batch, sensors), scaled RSS; kind (batch, sensors).
    Source: the published code of paper 1's authors.
    """

    def __init__(self, height: int, width: int):
        super().__init__()
        self.shape = (height, width)
        self.weight = nn.Parameter(torch.ones(len(KINDS)))
        self.bias = nn.Parameter(torch.zeros(len(KINDS)))

    def forward(self, pixel: Tensor, value: Tensor, kind: Tensor) -> Tensor:
        height, width = self.shape
        channels = torch.stack([self.weight[kind] * value + self.bias[kind], value], dim=1)
        # readings that are not drawn go to a spare pixel after the last one, which is cut off
        target = torch.where(pixel >= 0, pixel, height * width)[:, None].expand(-1, 2, -1)
        image = channels.new_zeros(len(pixel), 2, height * width + 1).scatter(2, target, channels)
        return image[..., :-1].unflatten(-1, (height, width))


def _conv(inputs: int, outputs: int, kernel: int = 3) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def _double_conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(*_conv(inputs, outputs), *_conv(outputs, outputs))


class UNet(nn.Module):
    """The paper's UNet: image (batch, 2, H, W) to logits (batch, H, W), 3,351,969 parameters.

    Double 3x3 convolutions with BatchNorm and ReLU; 2x2 max-pools between widths 32-64-128-256-256; bilinear
    upsampling to the skip's size and concatenation on the way up through 128-64-32-32; a 1x1 convolution.
    Source: Ronneberger et al. 2015; paper 1, Section III.C, widths from the published code of its authors.
    """

    def __init__(self, inputs: int = 2):
        super().__init__()
        widths, decoder = (32, 64, 128, 256, 256), (128, 64, 32, 32)
        self.down = nn.ModuleList(_double_conv(a, b) for a, b in zip((inputs, *widths), widths))
        below = (widths[-1], *decoder)
        self.up = nn.ModuleList(_double_conv(b + s, d) for b, s, d in zip(below, widths[-2::-1], decoder))
        self.head = nn.Conv2d(decoder[-1], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        x, skips = image, []
        for level, block in enumerate(self.down):
            # ceil_mode keeps the last row and column of maps with an odd size
            x = block(F.max_pool2d(x, 2, ceil_mode=True) if level else x)
            skips.append(x)
        for block, skip in zip(self.up, skips[-2::-1]):
            x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=True)
            x = block(torch.cat([skip, x], dim=1))
        return self.head(x).squeeze(1)


class CompactUNet(nn.Module):
    """A UNet over blocks of 8 x 8 pixels, for the CPU: image (batch, 2, H, W) to logits (batch, H, W).

    Space-to-depth turns each block into a vector of its pixels; a two-level UNet works on that coarse raster (its skip
    is added, which is cheaper than concatenation); a 1x1 convolution and depth-to-space restore the full resolution.
    0.32 million parameters.

    The weights of the first layer are initially equal over the pixels of a block: a receiver in a pixel without any
    receiver in training (a shuttle, for instance) then means "in this block" instead of noise.
    """

    def __init__(self, inputs: int = 2, block: int = 8, width: int = 64, deep: int = 128):
        super().__init__()
        self.block = block
        self.stem = nn.Sequential(*_conv(inputs * block**2, width, 1), *_conv(width, width))
        self.deep = nn.Sequential(*_conv(width, deep), *_conv(deep, deep), nn.Conv2d(deep, width, 1))
        self.up = nn.Sequential(*_conv(width, width))
        self.head = nn.Conv2d(width, block**2, 1)
        first = self.stem[0].weight
        with torch.no_grad():
            # averaging block^2 draws divides their standard deviation by block: undone by the factor
            tied = first.unflatten(1, (inputs, block**2)).mean(2, keepdim=True) * block
            first.copy_(tied.expand(-1, -1, block**2, -1, -1).flatten(1, 2))

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        image = F.pad(image, (0, -width % self.block, 0, -height % self.block))
        skip = self.stem(F.pixel_unshuffle(image, self.block))
        deep = self.deep(F.max_pool2d(skip, 2, ceil_mode=True))
        x = self.up(skip + F.interpolate(deep, size=skip.shape[-2:], mode="nearest"))
        return F.pixel_shuffle(self.head(x), self.block)[:, 0, :height, :width]


NETWORKS = {"unet": UNet, "compact": CompactUNet}


class SensorNet(nn.Module):
    """From sensor readings to prediction images: `SensorImage`, a network of NETWORKS, a sigmoid.

    Parameters: shape, (height, width) [pixels]; network, its name; output_bias, initial bias of the last layer (None:
    random). With a bias of 0 the background is 0.5 after the sigmoid, and PSE takes over 1000 steps to lower it.

    >>> SensorNet((75, 81)).network.__class__.__name__
    'CompactUNet'
    """

    def __init__(self, shape: tuple[int, int], network: str = "compact", output_bias: float | None = None):
        super().__init__()
        self.draw = SensorImage(*shape)
        self.network = NETWORKS[network]()
        if output_bias is not None:
            nn.init.constant_(self.network.head.bias, output_bias)

    def forward(self, pixel: Tensor, value: Tensor, kind: Tensor) -> Tensor:
        """Return the prediction images, (batch, height, width), values in 0..1."""
        image = self.draw(pixel, value, kind).contiguous(memory_format=torch.channels_last)
        return self.network(image).float().sigmoid()
