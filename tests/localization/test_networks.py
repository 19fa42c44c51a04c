"""The networks: the published size, the sensors drawn where the grid says, any map size, values in 0..1."""

import numpy as np
import pytest
import torch

from rsslib.data import grid as grids
from rsslib.learning.weights import parameter_count
from rsslib.localization.networks import NETWORKS, CompactUNet, SensorImage, SensorNet, UNet


@pytest.fixture(scope="module")
def drawn(campus):
    """Grid and sensors of five samples, as tensors."""
    grid = grids.make(campus, 60.0)
    few = campus.isel(sample=slice(20, 25))
    sensors = grids.draw(few, grid, grids.scaling(campus, np.arange(100)))
    return grid, [torch.from_numpy(part) for part in (sensors.pixel, sensors.value, sensors.kind)]


def test_parameter_counts():
    assert parameter_count(UNet()) == 3_351_969  # the published network's
    assert parameter_count(CompactUNet()) == 316_864
    affine = 2 * len(grids.KINDS)
    assert parameter_count(SensorNet((75, 81), "compact")) == 316_864 + affine


def test_the_image_holds_what_the_grid_draws(drawn):
    grid, (pixel, value, kind) = drawn
    draw = SensorImage(*grid.shape)
    with torch.no_grad():
        draw.weight.copy_(torch.tensor([0.5, 2.0, -1.0, 3.0, 1.5]))
        draw.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5]))
        image = draw(pixel, value, kind).numpy()
    expected = np.zeros((5, 2, *grid.shape))
    for sample, sensor in np.argwhere(pixel.numpy() >= 0):
        row, column = divmod(pixel[sample, sensor].item(), grid.width)
        v, k = value[sample, sensor].item(), kind[sample, sensor]
        expected[sample, :, row, column] = draw.weight[k].item() * v + draw.bias[k].item(), v
    np.testing.assert_allclose(image, expected, rtol=1e-6)
    assert (image[:, 0][expected[:, 0] == 0] == 0).all()  # no bias where nothing is drawn


def test_at_the_start_both_channels_hold_the_scaled_rss(drawn):
    grid, sensors = drawn
    image = SensorImage(*grid.shape)(*sensors)
    assert torch.equal(image[:, 0], image[:, 1])


def test_a_receiver_that_is_not_drawn_has_no_say(drawn):
    grid, (pixel, value, kind) = drawn
    draw = SensorImage(*grid.shape)
    assert (pixel < 0).any()
    changed = torch.where(pixel < 0, 77.0, value)
    assert torch.equal(draw(pixel, value, kind), draw(pixel, changed, kind))
    corner = draw(torch.tensor([[0, -1, -1]]), torch.tensor([[0.5, 9.0, 0.0]]), torch.tensor([[0, 1, 2]]))
    assert corner[0, :, 0, 0].tolist() == [0.5, 0.5] and corner.count_nonzero() == 2


def test_the_affine_maps_are_learned(drawn):
    grid, (pixel, value, kind) = drawn
    draw = SensorImage(*grid.shape)
    draw(pixel, value, kind)[:, 0].sum().backward()
    for number in range(len(grids.KINDS)):
        here = (pixel >= 0) & (kind == number)
        assert draw.bias.grad[number].item() == here.sum().item()
        assert draw.weight.grad[number].item() == pytest.approx(value[here].sum().item(), rel=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("shape", [(17, 23), (16, 8), (39, 41)])
def test_any_size_gives_an_image_of_that_size_within_0_and_1(network, shape):
    torch.manual_seed(0)
    net = SensorNet(shape, network)
    pixel = torch.randint(-1, shape[0] * shape[1], (3, 6))
    image = net(pixel, torch.rand(3, 6), torch.randint(len(grids.KINDS), (3, 6)))
    assert image.shape == (3, *shape) and image.dtype == torch.float32
    assert 0 <= image.min() and image.max() <= 1 and image.std() > 0
    image.sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in net.parameters())


@pytest.mark.parametrize("network", NETWORKS)
def test_a_sample_does_not_depend_on_its_batch(network, drawn):
    grid, sensors = drawn
    net = SensorNet(grid.shape, network).eval()
    with torch.no_grad():
        together = net(*sensors)
        torch.testing.assert_close(together[2:3], net(*[part[2:3] for part in sensors]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_output_bias_sets_the_background(network, drawn):
    grid, sensors = drawn
    with torch.no_grad():
        low, plain = (SensorNet(grid.shape, network, bias).eval()(*sensors).median() for bias in (-6.0, None))
    assert low < 0.02 and 0.2 < plain < 0.8


def test_at_the_start_the_compact_network_sees_blocks_not_pixels():
    torch.manual_seed(0)
    first = CompactUNet().eval()
    image, moved = torch.zeros(1, 2, 16, 16), torch.zeros(1, 2, 16, 16)
    image[0, :, 1, 2] = moved[0, :, 6, 5] = 0.8
    with torch.no_grad():
        torch.testing.assert_close(first(image), first(moved))
        assert not torch.allclose(first(image), first(image.roll(8, 2)), atol=1e-4)
    weights = first.stem[0].weight
    drawn = torch.nn.Conv2d(*weights.shape[1::-1], 1).weight
    assert weights.std().item() == pytest.approx(drawn.std().item(), rel=0.2)
