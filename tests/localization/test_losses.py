"""The losses: laws of a distance, agreement with POT and with Eq. (1), gradients; sliced Wasserstein-1 is POT's."""

import math

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rsslib.localization import losses
from rsslib.project import InputError

seeds = st.integers(0, 10_000)
few = settings(max_examples=8)  # POT goes through the maps one by one
HEIGHT, WIDTH = 9, 12
LOSSES = losses.LOSSES | {"sliced": lambda images, locations: losses.sliced(
    images, locations, torch.Generator().manual_seed(5))}
"""The losses, each a function of images and locations alone: the same directions each time."""


def random_maps(seed, batch=3):
    """Images and locations, some of them beyond the outermost pixel centres."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(batch, HEIGHT, WIDTH, generator=generator) ** 3
    return images, torch.rand(batch, 2, generator=generator) * torch.tensor([WIDTH, HEIGHT]) - 0.5


def point(column, row):
    image = torch.zeros(1, HEIGHT, WIDTH)
    image[0, row, column] = 0.7
    return image


@pytest.mark.parametrize("loss", ["com", "emd"])
@given(column=st.integers(0, WIDTH - 1), row=st.integers(0, HEIGHT - 1))
def test_a_point_at_itself_costs_nothing(loss, column, row):
    cost = LOSSES[loss](point(column, row), torch.tensor([[column, row]]).float())
    assert cost.item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("loss", ["com", "emd"])
@given(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.floats(-5, 15), st.floats(-5, 15))
def test_a_shift_costs_its_length(loss, column, row, x, y):
    cost = LOSSES[loss](point(column, row), torch.tensor([[x, y]]))
    assert cost.item() == pytest.approx(np.hypot(column - x, row - y), rel=1e-5, abs=1e-5)


@given(seeds)
def test_emd_is_pots_for_a_point_target(seed):
    images, locations = random_maps(seed)
    row, column = np.indices((HEIGHT, WIDTH))
    pixels = np.stack([column.ravel(), row.ravel()], axis=1).astype(float)
    expected = []
    for image, location in zip(images.double().numpy(), locations.double().numpy()):
        cost = ot.dist(pixels, location[None], metric="euclidean")
        expected.append(ot.emd2(image.ravel() / image.sum(), np.ones(1), cost))
    assert losses.emd(images, locations).item() == pytest.approx(np.mean(expected), rel=1e-5)


def test_the_3x3_target_moves_emd_by_a_tenth_of_a_pixel_at_most():
    images, _ = random_maps(0)
    locations = torch.tensor([[3.0, 4.0], [6.0, 2.0], [8.0, 6.0]])
    row, column = np.indices((HEIGHT, WIDTH))
    pixels = np.stack([column.ravel(), row.ravel()], axis=1).astype(float)
    cost = ot.dist(pixels, pixels, metric="euclidean")
    targets = losses.target_images(locations, HEIGHT, WIDTH).double()
    exact = [ot.emd2((image / image.sum()).numpy().ravel(), (target / target.sum()).numpy().ravel(), cost)
             for image, target in zip(images.double(), targets)]
    assert losses.emd(images, locations).item() == pytest.approx(np.mean(exact), abs=0.1)


@given(seeds, st.floats(0.01, 100))
def test_com_and_emd_do_not_depend_on_the_mass(seed, factor):
    images, locations = random_maps(seed)
    for loss in (losses.com, losses.emd):
        assert loss(images * factor, locations) == pytest.approx(loss(images, locations).item(), rel=1e-4)


@given(seeds)
def test_com_is_at_most_emd(seed):
    images, locations = random_maps(seed)
    assert losses.com(images, locations) <= losses.emd(images, locations) + 1e-5  # Jensen


@given(seeds)
def test_a_batch_costs_the_mean_of_its_samples(seed):
    images, locations = random_maps(seed)
    for loss in LOSSES.values():
        alone = [loss(images[i:i + 1], locations[i:i + 1]).item() for i in range(len(images))]
        assert loss(images, locations).item() == pytest.approx(np.mean(alone), rel=1e-4, abs=1e-7)


def test_the_centre_of_mass_is_numpys():
    images, _ = random_maps(1)
    row, column = np.indices((HEIGHT, WIDTH))
    expected = [[np.average(grid, weights=image.numpy()) for grid in (column, row)] for image in images]
    np.testing.assert_allclose(losses.centre_of_mass(images).numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_double_precision_costs_the_same(loss):
    images, locations = random_maps(1)
    double = loss(images.double(), locations.double())
    assert double.dtype == torch.float64
    assert double.item() == pytest.approx(loss(images, locations).item(), rel=1e-5)


def test_targets_sum_to_one_inside_and_lose_what_hangs_over_the_border():
    target = losses.target_images(torch.tensor([[4.4, 2.6], [0.0, 0.0], [11.0, 5.0]]), HEIGHT, WIDTH)
    assert target.sum((1, 2)).tolist() == pytest.approx([1.0, 0.95, 0.97])
    assert target[0, 3, 4].item() == pytest.approx(0.92)
    ring = target[0, 2:5, 3:6].flatten()
    assert ring[[0, 1, 2, 3, 5, 6, 7, 8]].tolist() == pytest.approx([0.01] * 8)
    assert target[0].count_nonzero() == 9 and target[1].count_nonzero() == 4


@given(seeds)
def test_pse_is_equation_1(seed):
    images, locations = random_maps(seed)
    total = 0.0
    for image, (column, row) in zip(images.numpy(), locations.round().int().tolist()):
        target = np.zeros((HEIGHT, WIDTH))
        target[max(row - 1, 0):row + 2, max(column - 1, 0):column + 2] = 0.01
        if row < HEIGHT and column < WIDTH:
            target[row, column] = 0.92
        total += ((target - image) ** 2).sum() / (HEIGHT * WIDTH)
    assert losses.pse(images, locations).item() == pytest.approx(total / len(images), rel=1e-5)


def test_pse_of_the_target_itself_is_zero():
    locations = random_maps(2)[1]
    assert losses.pse(losses.target_images(locations, HEIGHT, WIDTH), locations) == 0


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_gradients_are_numbers_where_the_distance_is_zero(loss):
    """The root's slope is infinite at 0: at a pixel on the location, and at a centre of mass on it."""
    image = torch.full((1, HEIGHT, WIDTH), 0.5)
    image[0, 4, 5] = 0.9
    locations = torch.tensor([[5.0, 4.0]])
    exact = torch.zeros(1, HEIGHT, WIDTH)
    exact[0, 4, 5] = 1.0
    assert losses.com(exact, locations) == losses.emd(exact, locations) == 0
    for images in (image, exact):
        images = images.clone().requires_grad_()
        loss(images, locations).backward()
        assert torch.isfinite(images.grad).all()


@pytest.mark.parametrize("empty", [0.0, 1e-20])
@pytest.mark.parametrize("loss", [losses.com, losses.emd])
def test_an_image_without_mass_has_no_centre_and_no_distance(loss, empty):
    images = torch.rand(2, HEIGHT, WIDTH)
    images[1] = empty
    with pytest.raises(InputError, match="an image sums to less than 1e-12; expected some mass"):
        loss(images, torch.zeros(2, 2))
    assert losses.pse(torch.zeros(1, 5, 5), torch.tensor([[2.0, 2.0]])).item() == pytest.approx(0.0339, abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_half_precision_is_computed_in_single(loss, dtype):
    """The sum of 200 x 200 pixels of 0.9, times their distances, is beyond float16."""
    images, locations = torch.full((2, 200, 200), 0.9).to(dtype), torch.tensor([[150.0, 8.0], [3.0, 64.0]])
    expected = loss(images.double(), locations.double())
    for one in (images, images.requires_grad_()):
        cost = loss(one, locations.to(dtype))
        assert cost.dtype == torch.float32 and cost.item() == pytest.approx(expected.item(), rel=1e-5)
    cost.backward()
    assert torch.isfinite(images.grad).all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert loss(images.detach(), locations.to(dtype)).item() == cost.item()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sliced_distances_of_half_precision_are_computed_in_single(dtype):
    distance = losses.SlicedDistance(HEIGHT, WIDTH, losses.directions(6))
    images = [random_maps(seed)[0].to(dtype) for seed in (0, 1)]
    exact = distance(*(image.double() for image in images))
    torch.testing.assert_close(distance(*images).double(), exact, rtol=1e-4, atol=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(distance(*images).double(), exact, rtol=1e-4, atol=0)


@pytest.mark.parametrize("change", [
    lambda values: values.to("meta"), lambda values: values.to_sparse(), lambda values: values.double() * 1e16,
    lambda values: values * torch.nan, lambda values: values.int(), lambda values: values.numpy()])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_what_is_no_image_or_no_location_is_refused(loss, change):
    images, locations = torch.rand(3, 5, 5) + 0.1, torch.ones(3, 2)
    with pytest.raises(InputError, match="losses: images"):
        loss(change(images), locations)
    with pytest.raises(InputError, match="losses: .*location"):
        loss(images, change(locations))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_of_a_training_reads_no_value_and_costs_the_same(loss, monkeypatch):
    images, locations = random_maps(4)
    expected, again = LOSSES[loss](images, locations), torch.Generator().manual_seed(5)
    for read in ("__bool__", "__float__", "item", "cpu", "numpy"):
        monkeypatch.setattr(torch.Tensor, read, None)
    cost = losses.step(loss, images, locations, again)
    monkeypatch.undo()
    assert cost.equal(expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_an_empty_image_costs_a_step_a_number(loss):
    images = torch.zeros(2, HEIGHT, WIDTH, requires_grad=True)
    cost = losses.step(loss, images, torch.zeros(2, 2), torch.Generator().manual_seed(0))
    cost.backward()
    assert torch.isfinite(cost) and torch.isfinite(images.grad).all()


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_step_down_the_gradient_costs_less(loss):
    images, locations = random_maps(3)
    images.requires_grad_()
    cost = loss(images, locations)
    cost.backward()
    assert loss(images.detach() - 0.01 * images.grad / images.grad.norm(), locations) < cost


def sliced(seed, maps=2, slices=6):
    """A sliced distance, its slices, and random maps of different masses, some pixels empty."""
    generator = torch.Generator().manual_seed(seed)
    vectors = losses.directions(slices, generator)
    images = [(torch.rand(2, HEIGHT, WIDTH, generator=generator) - 0.3).relu() for _ in range(maps)]
    return losses.SlicedDistance(HEIGHT, WIDTH, vectors), vectors, images


@few
@given(seeds)
def test_the_sliced_distance_is_pots(seed):
    distance, vectors, (first, second) = sliced(seed)
    torch.testing.assert_close(distance(first, second), losses.pot_reference(first, second, vectors),
                               atol=1e-5, rtol=1e-5)


@few
@given(seeds)
def test_the_sliced_distance_has_pots_gradients_where_the_image_is_positive(seed):
    """As a sigmoid's is. At a pixel of exactly 0 POT sorts a tie, and its gradient is not the distance's.

    In double precision: where a sum is 0 but for rounding, the two may take its sign, a slope, from either side.
    """
    _, vectors, (first, target) = sliced(seed)
    vectors, gradients = vectors.double(), []
    distance = losses.SlicedDistance(HEIGHT, WIDTH, vectors)
    for function in (distance, lambda p, q: losses.pot_reference(p, q, vectors)):
        image = (first.double() + 0.01).requires_grad_()
        function(image, target.double()).sum().backward()
        gradients.append(image.grad)
    torch.testing.assert_close(*gradients, atol=1e-9, rtol=0)


def test_the_gradient_is_that_of_the_sliced_distance_at_empty_pixels_too():
    _, vectors, (first, second) = sliced(0)
    distance = losses.SlicedDistance(HEIGHT, WIDTH, vectors.double())
    assert (first == 0).any()
    image, target = first.double().requires_grad_(), second.double() + 0.01
    assert torch.autograd.gradcheck(lambda image: distance(image, target), image)


@given(seeds)
def test_the_sliced_distance_is_a_distance(seed):
    distance, _, (a, b, c) = sliced(seed, maps=3)
    torch.testing.assert_close(distance(a, 5 * a), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(distance(a, b), distance(b, a))
    assert (distance(a, c) <= distance(a, b) + distance(b, c) + 1e-5).all()
    assert (distance(a, b) > 0).all()


def test_a_shift_along_the_only_slice_costs_its_length():
    first, second = torch.zeros(1, HEIGHT, WIDTH), torch.zeros(1, HEIGHT, WIDTH)
    first[0, 2, 3], second[0, 6, 8] = 1.0, 2.0
    along_columns = losses.SlicedDistance(HEIGHT, WIDTH, torch.tensor([[1.0, 0.0]]))
    along_rows = losses.SlicedDistance(HEIGHT, WIDTH, torch.tensor([[0.0, 1.0]]))
    assert along_columns(first, second).item() == pytest.approx(5)
    assert along_rows(first, second).item() == pytest.approx(4)


def test_many_slices_give_two_over_pi_of_the_exact_distance_of_a_point():
    _, _, (images,) = sliced(0, maps=1)
    point = torch.zeros_like(images)
    point[:, 5, 7] = 1.0
    many = losses.SlicedDistance(HEIGHT, WIDTH, losses.directions(4000, torch.Generator().manual_seed(0)))
    exact = losses.emd(images, torch.tensor([[7.0, 5.0]] * 2))
    assert many(images, point).mean().item() == pytest.approx(2 / math.pi * exact.item(), rel=0.02)


def test_directions_are_unit_vectors_of_their_seed():
    one, same = (losses.directions(50, torch.Generator().manual_seed(3)) for _ in range(2))
    torch.testing.assert_close(one.norm(dim=1), torch.ones(50))
    assert torch.equal(one, same)


def test_an_empty_map_has_no_sliced_distance():
    distance, _, (first, second) = sliced(0)
    second[1] = 0
    with pytest.raises(InputError, match="the maps' sums reach from 0 to .*; expected finite sums of at least 1e-12"):
        distance(first, second)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("shape", [(1, 2), (3, 1), (4, 2), (2,)])
def test_a_number_of_locations_that_would_broadcast_is_refused(loss, shape):
    with pytest.raises(InputError, match=r"locations are torch.float32 of .*; expected .* \(3, 2\)"):
        loss(torch.rand(3, 5, 5), torch.zeros(shape))


@few
@given(seed=seeds)
def test_the_sliced_loss_is_pots_distance_from_the_target_image(seed):
    images, locations = random_maps(seed, batch=2)
    vectors = losses.directions(losses.SLICES, torch.Generator().manual_seed(seed))
    targets = losses.target_images(locations, HEIGHT, WIDTH)
    reference = losses.pot_reference(images.double(), targets.double(), vectors.double()).mean()
    cost = losses.sliced(images, locations, torch.Generator().manual_seed(seed))
    assert cost.item() == pytest.approx(reference.item(), rel=1e-4)


def test_each_batch_is_cut_along_new_directions():
    images, locations = random_maps(1)
    generator = torch.Generator().manual_seed(0)
    first, second = (losses.step("sliced", images, locations, generator) for _ in range(2))
    assert first != second
