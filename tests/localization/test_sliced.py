"""Sliced Wasserstein-1: a distance, the same as POT's with the same gradients, 2/pi of the exact one."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rsslib.localization import losses, sliced
from rsslib.project import InputError

HEIGHT, WIDTH = 8, 11
seeds = st.integers(0, 10_000)
few = settings(max_examples=8)  # POT goes through the maps one by one


def make(seed, maps=2, slices=6):
    """A presorted distance, its slices, and random maps of different masses, some pixels empty."""
    generator = torch.Generator().manual_seed(seed)
    vectors = sliced.directions(slices, generator)
    images = [(torch.rand(2, HEIGHT, WIDTH, generator=generator) - 0.3).relu() for _ in range(maps)]
    return sliced.Presorted(HEIGHT, WIDTH, vectors), vectors, images


@few
@given(seeds)
def test_it_is_pots_distance(seed):
    distance, vectors, (first, second) = make(seed)
    torch.testing.assert_close(distance(first, second), sliced.pot_reference(first, second, vectors),
                               atol=1e-5, rtol=1e-5)


@few
@given(seeds)
def test_it_has_pots_gradients_where_the_image_is_positive(seed):
    """As a sigmoid's is. At a pixel of exactly 0 POT sorts a tie, and its gradient is not the distance's."""
    distance, vectors, (first, target) = make(seed)
    gradients = []
    for function in (distance, lambda p, q: sliced.pot_reference(p, q, vectors)):
        image = (first + 0.01).requires_grad_()
        function(image, target).sum().backward()
        gradients.append(image.grad)
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=0)


def test_its_gradient_is_the_distances_at_empty_pixels_too():
    _, vectors, (first, second) = make(0)
    distance = sliced.Presorted(HEIGHT, WIDTH, vectors.double())
    assert (first == 0).any()
    image, target = first.double().requires_grad_(), second.double() + 0.01
    assert torch.autograd.gradcheck(lambda image: distance(image, target), image)


@given(seeds)
def test_it_is_a_distance(seed):
    distance, _, (a, b, c) = make(seed, maps=3)
    torch.testing.assert_close(distance(a, 5 * a), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(distance(a, b), distance(b, a))
    assert (distance(a, c) <= distance(a, b) + distance(b, c) + 1e-5).all()
    assert (distance(a, b) > 0).all()


def test_a_shift_along_the_only_slice_costs_its_length():
    first, second = torch.zeros(1, HEIGHT, WIDTH), torch.zeros(1, HEIGHT, WIDTH)
    first[0, 2, 3], second[0, 6, 8] = 1.0, 2.0
    along_columns = sliced.Presorted(HEIGHT, WIDTH, torch.tensor([[1.0, 0.0]]))
    along_rows = sliced.Presorted(HEIGHT, WIDTH, torch.tensor([[0.0, 1.0]]))
    assert along_columns(first, second).item() == pytest.approx(5)
    assert along_rows(first, second).item() == pytest.approx(4)


def test_many_slices_give_two_over_pi_of_the_exact_distance_of_a_point():
    _, _, (images,) = make(0, maps=1)
    point = torch.zeros_like(images)
    point[:, 5, 7] = 1.0
    many = sliced.Presorted(HEIGHT, WIDTH, sliced.directions(4000, torch.Generator().manual_seed(0)))
    exact = losses.emd(images, torch.tensor([[7.0, 5.0]] * 2))
    assert many(images, point).mean().item() == pytest.approx(2 / math.pi * exact.item(), rel=0.02)


def test_directions_are_unit_vectors_of_their_seed():
    one, same = (sliced.directions(50, torch.Generator().manual_seed(3)) for _ in range(2))
    torch.testing.assert_close(one.norm(dim=1), torch.ones(50))
    assert torch.equal(one, same)


def test_an_empty_map_is_refused():
    distance, _, (first, second) = make(0)
    second[1] = 0
    with pytest.raises(InputError, match="expected every map to hold some mass"):
        distance(first, second)


@pytest.mark.parametrize("first, second", [
    ((2, 8, 11), (3, 8, 11)), ((2, 8, 10), (2, 8, 10)), ((2, 11, 8), (2, 8, 11))])
def test_maps_of_other_shapes_are_refused(first, second):
    with pytest.raises(InputError, match=r"expected two batches of \(8, 11\) maps"):
        make(0)[0](torch.ones(first), torch.ones(second))
