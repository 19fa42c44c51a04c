"""How weights are optimized: AdamW, beside it Muon for matrices where asked for, each on one schedule."""

import torch
from torch import nn

SCHEDULES = ("constant", "one_cycle")
MOMENTUM = 0.9
STEPS = 4


class Optimizer:
    """AdamW and Muon (Jordan et al. 2024) side by side, each on a one-cycle schedule (Smith 2018) or at constant rates.

    Muon takes every weight that is a matrix, (first dimension, product of the others), of two rows and columns or more,
    but the last one of the network, its last layer's; AdamW takes that, vectors, biases and norms. `muon_rate` 0 leaves
    everything to AdamW, which at weight_decay 0 is Adam.

    Parameters: network; steps, the batches of the whole training; learning_rate of AdamW; weight_decay; schedule, one
    of SCHEDULES; muon_rate; rising, the share of the steps in which a one-cycle rate rises; cycle_momentum, whether the
    momentum of AdamW falls meanwhile.
    """

    def __init__(self, network: nn.Module, steps: int, learning_rate: float, weight_decay: float, schedule: str,
                 muon_rate: float = 0.0, rising: float = 0.2, cycle_momentum: bool = False):
        matrices = [weight for weight in network.parameters() if _is_matrix(weight)][:-1] if muon_rate else []
        chosen = {id(weight) for weight in matrices}
        others = [weight for weight in network.parameters() if id(weight) not in chosen]
        fused = others[0].device.type in ("cpu", "cuda")
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(others, learning_rate, weight_decay=weight_decay, fused=fused)]
        # Muon knows matrices alone: it gets views that share the kernels' memory
        self.views = [(weight, nn.Parameter(weight.detach().view(len(weight), -1))) for weight in matrices]
        if matrices:
            self.parts.append(torch.optim.Muon([view for _, view in self.views], muon_rate, weight_decay=weight_decay,
                                               momentum=MOMENTUM, ns_steps=STEPS))
        self.schedules = [] if schedule == "constant" else [
            torch.optim.lr_scheduler.OneCycleLR(part, part.defaults["lr"], total_steps=steps, pct_start=rising,
                                                cycle_momentum=cycle_momentum) for part in self.parts]

    def step(self, loss: torch.Tensor) -> None:
        """Take one step down the gradient of a loss."""
        for part in self.parts:
            part.zero_grad(set_to_none=True)
        for weight, _ in self.views:
            weight.grad = None
        loss.backward()
        for weight, view in self.views:
            view.grad = None if weight.grad is None else weight.grad.flatten(1)
        for step in (*self.parts, *self.schedules):
            step.step()

    def state_dict(self) -> dict:
        """Return what a checkpoint needs."""
        # a schedule keeps its annealing function under a private name; it is not state
        return {"parts": [part.state_dict() for part in self.parts],
                "schedules": [{key: value for key, value in schedule.state_dict().items()
                               if isinstance(value, (int, float, list))} for schedule in self.schedules]}

    def load_state_dict(self, state: dict) -> None:
        """Take up what `state_dict` returned."""
        for part, held in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(held)
        for schedule, held in zip(self.schedules, state["schedules"], strict=True):
            schedule.load_state_dict(held)


def _is_matrix(weight: torch.Tensor) -> bool:
    return weight.ndim > 1 and 1 < len(weight) < weight.numel()
