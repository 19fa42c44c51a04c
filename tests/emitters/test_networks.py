"""The networks of the second paper: about 70 k parameters a method, any n that fits, locations in 0..1."""

import pytest
import torch
from torch.nn import functional as F

from rsslib.emitters.networks import (
    KERNELS,
    METHODS,
    REACH,
    EmitterNet,
    NormalizedConvolution,
    OccupancyNet,
    Residual,
    SensorEmbedding,
    SharedResidual,
    blocks_of,
    build_localizer,
    second_input,
)
from rsslib.learning.weights import parameter_count


def maps(method):
    return 2 if method == "two_stage_logit" else 1


@pytest.mark.parametrize("n, single, logit, binary", [(64, 68_144, 41_160, 40_936), (128, 70_160, 43_848, 42_952)])
def test_each_method_has_about_70_thousand_parameters(n, single, logit, binary):
    assert parameter_count(OccupancyNet()) == 30_471
    counts = [parameter_count(build_localizer(method, n, maps=maps(method))) for method in METHODS]
    assert counts == [single, logit, binary]
    assert parameter_count(build_localizer("two_stage_logit", n)) == binary
    for total in (single, 30_471 + logit, 30_471 + binary):
        assert total == pytest.approx(70_000, rel=0.07)


def test_the_second_stage_has_the_same_kernels_and_fewer_channels():
    single, second = (build_localizer(method, 64) for method in METHODS[:2])
    kernels = [[layer.kernel_size for layer in net.modules() if isinstance(layer, torch.nn.Conv2d)]
               for net in (single, second)]
    assert kernels[0] == kernels[1]
    assert parameter_count(second) < parameter_count(single)


@pytest.mark.parametrize("n", [16, 64, 128])
@pytest.mark.parametrize("method", METHODS)
def test_a_localizer_gives_a_logit_and_a_location_for_each_slot(n, method):
    torch.manual_seed(0)
    net = build_localizer(method, n, 5, maps(method))
    output, blocks = net(torch.randn(3, maps(method), n, n))
    assert output.shape == (3, 5, 3) and output.dtype == torch.float32 and blocks.shape == (3, 8, 8)
    assert 0 <= output[..., 1:].min() and output[..., 1:].max() <= 1
    (output.sum() + blocks.sum()).backward()
    assert net.eval()(torch.randn(3, maps(method), n, n)).shape == (3, 5, 3)
    assert all(torch.isfinite(parameter.grad).all() for parameter in net.parameters())


@pytest.mark.parametrize("n", [8, 24, 64])
def test_the_occupancy_map_has_the_size_of_its_input(n):
    assert OccupancyNet()(torch.randn(2, 1, n, n)).shape == (2, 1, n, n)


@pytest.mark.parametrize("net", [OccupancyNet(), build_localizer("single_stage", 64)])
def test_a_sample_does_not_depend_on_its_batch(net):
    image = torch.randn(4, 1, 64, 64)
    net.eval()
    with torch.no_grad():
        torch.testing.assert_close(net(image)[2:3], net(image[2:3]), atol=1e-5, rtol=1e-4)


def test_every_cell_of_the_map_has_a_say():
    torch.manual_seed(0)
    for n in (64, 128):
        # a map of zeros would rest on the kink of every ReLU
        image = torch.randn(1, 1, n, n, requires_grad=True)
        EmitterNet(n).eval()(image).sum().backward()
        assert (image.grad != 0).float().mean() > 0.9


def test_the_same_reading_elsewhere_is_another_location():
    torch.manual_seed(0)
    net, image = EmitterNet(64).eval(), torch.zeros(1, 1, 64, 64)
    image[..., 10, 12] = 2.0
    with torch.no_grad():
        for shift in (1, 16):  # within a block, and by four whole blocks
            assert not torch.allclose(net(image), net(image.roll(shift, 2)), atol=1e-5)


def test_sensed_and_empty_is_not_the_same_as_not_sensed():
    torch.manual_seed(0)
    net, image = EmitterNet(64).eval(), torch.zeros(1, 1, 64, 64)
    empty = image.clone()
    empty[..., 10, 12] = -1e-6    # the sign alone must be seen
    with torch.no_grad():
        assert not torch.allclose(net(image), net(empty), atol=1e-5)


@pytest.mark.parametrize("n", [32, 64])
def test_blocks_are_those_of_pixel_unshuffle(n):
    image = torch.randn(3, 1, n, n)
    blocks = blocks_of(image, 16)
    assert torch.equal(blocks, F.pixel_unshuffle(image, n // 16))
    assert blocks.is_contiguous(memory_format=torch.channels_last)


def test_a_normalized_convolution_is_a_weighted_mean_of_the_sensors_reached():
    """By hand, around one block: readings 2 and 1 above the threshold, one sensor at or below it."""
    around, value = NormalizedConvolution(), torch.zeros(1, 4, 16, 16)
    value[0, 1, 5, 5], value[0, 2, 6, 7], value[0, 0, 4, 5] = 2.0, 1.0, -0.1
    weight = torch.rand(KERNELS, 1, REACH, REACH) + 0.1
    around.log_weight.data = weight.log()
    centre = REACH // 2
    one, other, silent = (weight[:, 0, centre + row, centre + column] for row, column in ((0, 0), (1, 2), (-1, 0)))
    heard = one + other
    with torch.no_grad():
        mean, share = around(value)[0, :, 5, 5].chunk(2)
    torch.testing.assert_close(mean, (2 * one + other) / (heard + 0.05))
    torch.testing.assert_close(share, heard / (heard + silent + 0.05))
    assert around(value)[0, :, 15, 0].eq(0).all()    # nothing within reach


def test_an_embedding_has_its_channels_whatever_the_raster():
    for side, cells in ((16, 16), (8, 4)):
        image = torch.randn(2, 1, side * int(cells**0.5), side * int(cells**0.5))
        assert SensorEmbedding(cells)(image, side).shape == (2, 16, side, side)


def test_a_residual_block_adds_its_input():
    block = Residual(4, 4).eval()
    torch.nn.init.zeros_(block.second[1].weight)
    image = torch.rand(2, 4, 8, 8)
    torch.testing.assert_close(block(image), image)
    assert Residual(4, 6, 2)(image).shape == (2, 6, 4, 4)


def test_a_shared_block_goes_through_the_same_convolutions():
    shared = SharedResidual(4, 3).eval()
    once = Residual(4, 4).eval()
    once.first[0].weight, once.second[0].weight = shared.first.weight, shared.second.weight
    image = torch.randn(2, 4, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(shared(image), once(once(once(image))))
    more, fewer = (parameter_count(SharedResidual(4, passes)) for passes in (5, 3))
    assert more - fewer == 2 * 2 * 2 * 4    # norms alone


def test_what_the_second_stage_sees():
    logits, sensed = torch.tensor([-3.0, 0.0, 1e-3, 20.0]).view(1, 1, 2, 2), torch.randn(1, 1, 2, 2)
    torch.testing.assert_close(second_input(logits, "two_stage_logit", sensed), torch.cat([sensed, logits / 10], 1))
    torch.testing.assert_close(second_input(logits, "two_stage_logit"), logits / 10)
    binary = second_input(logits.half(), "two_stage_binary", sensed)
    assert binary.flatten().tolist() == [0.0, 0.0, 1.0, 1.0] and binary.shape == logits.shape


def test_the_second_stage_sees_what_was_read_and_what_was_estimated():
    torch.manual_seed(0)
    net, seen = build_localizer("two_stage_logit", 64, maps=2).eval(), torch.randn(1, 2, 64, 64)
    with torch.no_grad():
        for part in (0, 1):
            other = seen.clone()
            other[:, part, 3, 7] += 1.0
            assert not torch.allclose(net(seen), net(other), atol=1e-6)


def test_the_map_of_what_is_near_is_fed_back():
    torch.manual_seed(0)
    net, image = EmitterNet(64).eval(), torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        before = net(image)
        net.near.bias += 5.0
        assert not torch.allclose(net(image), before, atol=1e-6)
