"""The optimizer: AdamW for vectors, Muon for matrices, one schedule for both, continued from what it saved."""

import pytest
import torch
from torch import nn

from rsslib.learning.optimizers import Optimizer


def network(seed=0):
    """Kernels that are a row, a column and a matrix, a matrix and a last one, with vectors: a norm and biases."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 3, padding=1),
                         nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3))


def loss(net, seed):
    random = torch.Generator().manual_seed(seed)
    return (net(torch.rand(6, 1, 4, 4, generator=random)) - 1).square().mean()


def moved(learning_rate, muon_rate):
    """Return the names of the weights that one step moves by more than 1e-6."""
    net = network()
    before = {name: weight.clone() for name, weight in net.named_parameters()}
    Optimizer(net, 5, learning_rate, 0.0, "constant", muon_rate).step(loss(net, 0))
    return {name for name, weight in net.named_parameters() if (weight - before[name]).abs().max() > 1e-6}


def test_muon_takes_matrices_only_and_not_the_last():
    names = {name for name, _ in network().named_parameters()}
    assert moved(1e-12, 0.02) == {"2.weight", "5.weight"}
    assert moved(1e-2, 1e-12) == names - {"2.weight", "5.weight"}
    assert moved(1e-2, 0.0) == names


def test_muon_steps_as_torchs_on_the_rows_of_kernels():
    one, other = network().eval(), network().eval()
    ours = Optimizer(one, 5, 1e-2, 0.1, "constant", 0.02)
    kernel, matrix = other[2].weight, other[5].weight
    rows = nn.Parameter(kernel.detach().flatten(1).clone())
    muon = torch.optim.Muon([rows, matrix], 0.02, weight_decay=0.1, momentum=0.9, ns_steps=4)
    others = [weight for name, weight in other.named_parameters() if name not in ("2.weight", "5.weight")]
    adamw = torch.optim.AdamW(others, 1e-2, weight_decay=0.1)
    for seed in range(4):
        ours.step(loss(one, seed))
        other.zero_grad()
        loss(other, seed).backward()
        rows.grad = kernel.grad.flatten(1)
        muon.step()
        adamw.step()
        kernel.data = rows.detach().view_as(kernel).clone()
    for a, b in zip(one.parameters(), other.parameters()):
        torch.testing.assert_close(a, b)


def test_without_muon_and_decay_it_is_adam():
    one, other = network().eval(), network().eval()    # a bias before a norm would meet a gradient of mere rounding
    ours, adam = Optimizer(one, 5, 1e-2, 0.0, "constant"), torch.optim.Adam(other.parameters(), 1e-2)
    for seed in range(5):
        ours.step(loss(one, seed))
        adam.zero_grad()
        loss(other, seed).backward()
        adam.step()
    for a, b in zip(one.parameters(), other.parameters()):
        torch.testing.assert_close(a, b)


def rates_and_momenta(schedule, cycle_momentum):
    """Return the rates of both parts and the momentum of AdamW at the start and after each of 10 steps."""
    net = network()
    optimizer = Optimizer(net, 10, 1e-2, 0.0, schedule, 0.02, rising=0.5, cycle_momentum=cycle_momentum)

    def state():
        adamw, muon = (part.param_groups[0] for part in optimizer.parts)
        return adamw["lr"], muon["lr"], adamw["betas"][0]

    states = [state()]
    for seed in range(9):
        optimizer.step(loss(net, seed))
        states.append(state())
    return map(torch.tensor, zip(*states))


@pytest.mark.parametrize("cycle_momentum", [False, True])
def test_one_cycle_rises_and_falls_and_momentum_moves_where_asked_for(cycle_momentum):
    rate, muon, momentum = rates_and_momenta("one_cycle", cycle_momentum)
    assert int(rate.argmax()) == int(muon.argmax()) == 4 and rate.max() == pytest.approx(1e-2)
    assert rate[-1] < 1e-5 and muon[-1] < 1e-5 and rate[0] < rate[2] < rate[4] > rate[6] > rate[8]
    torch.testing.assert_close(muon, 2 * rate)
    if cycle_momentum:
        assert momentum[4] < momentum[0] and momentum[4] < momentum[-1]    # high where the rate is low
    else:
        assert momentum.tolist() == pytest.approx([0.9] * 10)


def test_a_constant_schedule_moves_nothing():
    rate, muon, momentum = rates_and_momenta("constant", True)
    assert rate.tolist() == pytest.approx([1e-2] * 10) and muon.tolist() == pytest.approx([0.02] * 10)
    assert momentum.tolist() == pytest.approx([0.9] * 10)


def test_what_was_saved_goes_on():
    whole, broken = network(), network()
    first, second = (Optimizer(net, 8, 1e-2, 0.1, "one_cycle", 0.02) for net in (whole, broken))
    for seed in range(8):
        if seed == 4:
            state = second.state_dict()
            second = Optimizer(broken, 8, 1e-2, 0.1, "one_cycle", 0.02)
            second.load_state_dict(state)
        first.step(loss(whole, seed))
        second.step(loss(broken, seed))
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), broken.parameters()))


def test_weights_decay_in_both_parts():
    """Without a gradient a step is decay alone: w (1 - rate decay)."""
    net = network()
    before = [weight.detach().clone() for weight in net.parameters()]
    Optimizer(net, 5, 1e-1, 0.5, "constant", 0.2).step(loss(net, 0) * 0)
    for (name, weight), held in zip(net.named_parameters(), before, strict=True):
        torch.testing.assert_close(weight.detach(), held * (0.9 if name in ("2.weight", "5.weight") else 0.95))


@pytest.mark.parametrize("steps, rising", [(4, 0.25), (5, 0.2), (2, 0.5), (10, 0.1)])
def test_a_rise_of_no_step_starts_at_the_peak(steps, rising):
    """OneCycleLR divides by zero there; a little less of a rise, and a little more, are its neighbours."""
    rates = []
    for share in (rising, rising * 0.999):
        net = network()
        optimizer = Optimizer(net, steps, 1e-2, 0.0, "one_cycle", 0.02, rising=share, cycle_momentum=True)
        rates.append([])
        for seed in range(steps):
            rates[-1].append([part.param_groups[0]["lr"] for part in optimizer.parts])
            optimizer.step(loss(net, seed))
    torch.testing.assert_close(*map(torch.tensor, rates), rtol=5e-3, atol=1e-6)
    assert rates[0][0] == pytest.approx([1e-2, 2e-2]) and rates[0][-1] == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize("steps", [*range(1, 12), 100])
@pytest.mark.parametrize("rising", [0.2, 0.25])
def test_short_trainings_have_a_schedule_too(steps, rising):
    net = network()
    optimizer = Optimizer(net, steps, 1e-2, 0.0, "one_cycle", rising=rising, cycle_momentum=True)
    for seed in range(steps):
        assert 0 < optimizer.parts[0].param_groups[0]["lr"] <= 1e-2
        optimizer.step(loss(net, seed))
