"""The loss of a set of emitters: the cheapest permutation by brute force, labels in any sequence, absent emitters."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from torch.nn import functional as F

from rsslib.emitters.loss import near, pair_costs, pit, training_loss


def random_batch(seed, batch=6, slots=3):
    random = torch.Generator().manual_seed(seed)
    output = torch.rand(batch, slots, 3, generator=random)
    output[..., 0] = 6 * output[..., 0] - 3
    labels = torch.rand(batch, slots, 3, generator=random)
    labels[..., 0] = (labels[..., 0] > 0.4).float()
    labels[..., 1:] *= labels[..., :1]
    return output, labels


def brute_force(output, labels):
    """The loss as the paper states it, permutation by permutation."""
    total = 0.0
    for outputs, truth in zip(output, labels):
        best = float("inf")
        for permutation in permutations(range(len(truth))):
            cost = 0.0
            for slot, label in zip(outputs, truth[list(permutation)]):
                cost += F.binary_cross_entropy_with_logits(slot[0], label[0])
                cost += 10 * label[0] * F.mse_loss(slot[1:], label[1:])
            best = min(best, float(cost) / len(truth))
        total += best
    return total / len(output)


@pytest.mark.parametrize("slots", [1, 2, 3, 4])
def test_the_loss_is_that_of_trying_every_permutation(slots):
    output, labels = random_batch(slots, slots=slots)
    assert pit(output, labels).item() == pytest.approx(brute_force(output, labels), rel=1e-5)


@given(st.integers(0, 1000), st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_sequence_of_labels_and_slots_does_not_matter(seed, slots, random):
    output, labels = random_batch(seed, slots=slots)
    shuffled = random.sample(range(slots), slots)
    torch.testing.assert_close(pit(output, labels[:, shuffled]), pit(output, labels))
    torch.testing.assert_close(pit(output[:, shuffled], labels), pit(output, labels))


def test_each_sample_has_a_permutation_of_its_own():
    output, labels = random_batch(0, batch=1)
    turned = torch.cat([labels, labels[:, [2, 0, 1]]])
    torch.testing.assert_close(pit(output.expand(2, -1, -1), turned), pit(output, labels))


def test_an_absent_emitter_has_no_location():
    output, labels = random_batch(1)
    elsewhere = labels.clone()
    elsewhere[..., 1:] += (1 - labels[..., :1]) * 0.7
    torch.testing.assert_close(pit(output, elsewhere), pit(output, labels))
    output.requires_grad_()
    pit(output, torch.zeros_like(labels)).backward()
    assert output.grad[..., 1:].abs().max() == 0 and (output.grad[..., 0] > 0).all()


def test_the_whole_permutation_is_chosen_not_each_slot():
    """Both slots are nearest to the first label; only one of them may take it."""
    output = torch.tensor([[[9.0, 0.5, 0.5], [9.0, 0.4, 0.5]]])
    labels = torch.tensor([[[1.0, 0.5, 0.5], [1.0, 0.0, 0.5]]])
    assert pit(output, labels).item() == pytest.approx(10 * 0.4**2 / 2 / 2, abs=1e-3)


def test_a_perfect_answer_costs_nothing_and_the_gradient_is_finite_far_off():
    labels = random_batch(2)[1]
    perfect = labels.clone()
    perfect[..., 0] = 60 * labels[..., 0] - 30
    assert pit(perfect, labels).item() < 1e-6
    far = (perfect * torch.tensor([-100.0, 1.0, 1.0])).requires_grad_()
    pit(far, labels).backward()
    assert torch.isfinite(far.grad).all()


def test_half_precision_outputs_are_costed_in_float32():
    output, labels = random_batch(3)
    with torch.autocast("cpu", torch.bfloat16):
        cost = pit(output.bfloat16(), labels)
    assert cost.dtype == torch.float32
    torch.testing.assert_close(cost, pit(output.bfloat16().float(), labels))


def test_six_emitters_are_paired_as_an_assignment_solver_pairs_them():
    output, labels = random_batch(4, batch=64, slots=6)
    expected = []
    for costs in pair_costs(output, labels).double().numpy():
        expected.append(costs[linear_sum_assignment(costs)].mean())
    assert pit(output, labels).item() == pytest.approx(np.mean(expected), rel=1e-5)


@pytest.mark.parametrize("n, side", [(16, 8), (64, 8), (8, 8)])
def test_near_is_the_cross_entropy_of_bells_around_the_emitters(n, side):
    """Cell by cell and emitter by emitter, with the emitters' cells as integers."""
    random = torch.Generator().manual_seed(0)
    cell = torch.randint(n, (5, 3, 2), generator=random)
    exists = torch.rand(5, 3, generator=random) < 0.6
    labels = torch.cat([exists[..., None].float(), exists[..., None] * cell / (n - 1)], dim=-1)
    logits, total = torch.randn(5, side, side, generator=random), 0.0
    for sample in range(5):
        for row in range(side):
            for column in range(side):
                target = 0.0
                for slot in range(3):
                    away = [(int(cell[sample, slot, axis]) + 0.5) / (n / side) - (block + 0.5)
                            for axis, block in enumerate((row, column))]
                    bell = math.exp(-(away[0] ** 2 + away[1] ** 2) / (2 * 0.6**2)) * bool(exists[sample, slot])
                    target = max(target, bell)
                chance = torch.sigmoid(logits[sample, row, column].double())
                total -= float(target * chance.log() + (1 - target) * (1 - chance).log())
    assert float(near(logits, labels, n)) == pytest.approx(total / 5, rel=1e-4)


def test_the_loss_of_a_list_alone_is_the_papers():
    output, labels = random_batch(3)
    blocks = torch.randn(6, 8, 8)
    assert training_loss(output, labels, 64, 0.5) == pit(output, labels)
    assert training_loss((output, blocks), labels, 64, 0.0) == pit(output, labels)
    torch.testing.assert_close(training_loss((output, blocks), labels, 64, 2.0),
                               pit(output, labels) + 2 * near(blocks, labels, 64))
