"""The loss of a list without order: the cheapest order by brute force, labels in any order, absent emitters."""

import math
from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from rsslib.emitters.loss import near, order_costs, orders, pair_costs, pit, training_loss
from rsslib.project import InputError


def random_batch(seed, batch=6, slots=3):
    random = torch.Generator().manual_seed(seed)
    said = torch.rand(batch, slots, 3, generator=random)
    said[..., 0] = 6 * said[..., 0] - 3
    labels = torch.rand(batch, slots, 3, generator=random)
    labels[..., 0] = (labels[..., 0] > 0.4).float()
    labels[..., 1:] *= labels[..., :1]
    return said, labels


def brute_force(said, labels):
    """The loss as the paper states it, order by order."""
    total = 0.0
    for outputs, truth in zip(said, labels):
        best = float("inf")
        for order in permutations(range(len(truth))):
            cost = 0.0
            for slot, label in zip(outputs, truth[list(order)]):
                cost += F.binary_cross_entropy_with_logits(slot[0], label[0])
                cost += 10 * label[0] * F.mse_loss(slot[1:], label[1:])
            best = min(best, float(cost) / len(truth))
        total += best
    return total / len(said)


@pytest.mark.parametrize("slots", [1, 2, 3, 4])
def test_the_loss_is_that_of_trying_every_order(slots):
    said, labels = random_batch(slots, slots=slots)
    assert pit(said, labels).item() == pytest.approx(brute_force(said, labels), rel=1e-5)


@given(st.integers(0, 1000), st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_order_of_the_labels_does_not_matter(seed, slots, random):
    said, labels = random_batch(seed, slots=slots)
    order = random.sample(range(slots), slots)
    torch.testing.assert_close(pit(said, labels[:, order]), pit(said, labels))
    torch.testing.assert_close(pit(said[:, order], labels), pit(said, labels))


def test_each_sample_has_an_order_of_its_own():
    said, labels = random_batch(0, batch=1)
    turned = torch.cat([labels, labels[:, [2, 0, 1]]])
    torch.testing.assert_close(pit(said.expand(2, -1, -1), turned), pit(said, labels))


def test_an_absent_emitter_has_no_place():
    said, labels = random_batch(1)
    elsewhere = labels.clone()
    elsewhere[..., 1:] += (1 - labels[..., :1]) * 0.7
    torch.testing.assert_close(pit(said, elsewhere), pit(said, labels))
    said.requires_grad_()
    pit(said, torch.zeros_like(labels)).backward()
    assert said.grad[..., 1:].abs().max() == 0 and (said.grad[..., 0] > 0).all()


def test_the_whole_order_is_chosen_not_each_slot():
    """Both slots are nearest to the first label; only one of them may take it."""
    said = torch.tensor([[[9.0, 0.5, 0.5], [9.0, 0.4, 0.5]]])
    labels = torch.tensor([[[1.0, 0.5, 0.5], [1.0, 0.0, 0.5]]])
    assert pit(said, labels).item() == pytest.approx(10 * 0.4**2 / 2 / 2, abs=1e-3)


def test_a_perfect_answer_costs_nothing_and_the_gradient_is_finite_far_off():
    labels = random_batch(2)[1]
    perfect = labels.clone()
    perfect[..., 0] = 60 * labels[..., 0] - 30
    assert pit(perfect, labels).item() < 1e-6
    far = (perfect * torch.tensor([-100.0, 1.0, 1.0])).requires_grad_()
    pit(far, labels).backward()
    assert torch.isfinite(far.grad).all()


def test_half_precision_outputs_are_costed_in_float32():
    said, labels = random_batch(3)
    with torch.autocast("cpu", torch.bfloat16):
        cost = pit(said.bfloat16(), labels)
    assert cost.dtype == torch.float32
    torch.testing.assert_close(cost, pit(said.bfloat16().float(), labels))


def test_six_emitters_are_720_orders():
    said, labels = random_batch(4, batch=256, slots=6)
    costs = pair_costs(said, labels)
    assert costs.shape == (256, 6, 6) and order_costs(costs).shape == (256, 720)
    assert orders(6).sort(1).values.eq(torch.arange(6)).all() and len(orders(6).unique(dim=0)) == 720


def test_other_shapes_and_too_many_slots_are_named():
    with pytest.raises(InputError, match="expected outputs and labels"):
        pit(torch.zeros(2, 3, 3), torch.zeros(2, 2, 3))
    with pytest.raises(InputError, match="7 slots; expected 1 to 6"):
        pit(torch.zeros(2, 7, 3), torch.zeros(2, 7, 3))


@pytest.mark.parametrize("n, side", [(16, 8), (64, 8), (8, 8)])
def test_near_is_the_cross_entropy_of_bells_around_the_emitters(n, side):
    """Cell by cell and emitter by emitter, with the emitters' cells as integers."""
    random = torch.Generator().manual_seed(0)
    cell = torch.randint(n, (5, 3, 2), generator=random)
    there = torch.rand(5, 3, generator=random) < 0.6
    labels = torch.cat([there[..., None].float(), there[..., None] * cell / (n - 1)], dim=-1)
    logits, total = torch.randn(5, side, side, generator=random), 0.0
    for sample in range(5):
        for row in range(side):
            for column in range(side):
                target = 0.0
                for slot in range(3):
                    away = [(int(cell[sample, slot, axis]) + 0.5) / (n / side) - (place + 0.5)
                            for axis, place in enumerate((row, column))]
                    bell = math.exp(-(away[0] ** 2 + away[1] ** 2) / (2 * 0.6**2)) * bool(there[sample, slot])
                    target = max(target, bell)
                chance = torch.sigmoid(logits[sample, row, column].double())
                total -= float(target * chance.log() + (1 - target) * (1 - chance).log())
    assert float(near(logits, labels, n)) == pytest.approx(total / 5, rel=1e-4)


def test_the_loss_of_a_list_alone_is_the_papers():
    said, labels = random_batch(3)
    blocks = torch.randn(6, 8, 8)
    assert training_loss(said, labels, 64, 0.5) == pit(said, labels)
    assert training_loss((said, blocks), labels, 64, 0.0) == pit(said, labels)
    torch.testing.assert_close(training_loss((said, blocks), labels, 64, 2.0),
                               pit(said, labels) + 2 * near(blocks, labels, 64))
