"""How the second paper's networks are optimized: Muon for weight matrices, AdamW for the rest, one schedule."""

import torch
from torch import nn

MOMENTUM = 0.9
STEPS = 4


def _is_matrix(weight: torch.Tensor) -> bool:
    return weight.ndim > 1 and 1 < len(weight) < weight.numel()


def _scheduled(part: torch.optim.Optimizer, schedule: str, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    if schedule == "constant":
        return torch.optim.lr_scheduler.ConstantLR(part, 1.0)
    return torch.optim.lr_scheduler.OneCycleLR(part, part.defaults["lr"], total_steps=steps, pct_start=0.2,
                                               cycle_momentum=False)


class Optimizer:
    """AdamW and Muon (Jordan et al. 2024) side by side, each on a one-cycle schedule (Smith 2018) or at constant rates.

    Muon takes every weight that is a matrix, (first dimension, product of the others), of two rows and columns or more,
    but the last one of the network, its last layer's; AdamW takes that, vectors, biases and norms. `muon_rate` 0 leaves
    everything to AdamW.

    Parameters: net; steps, the batches of the whole training; learning_rate of AdamW; weight_decay; muon_rate;
    schedule, one of `ensemble.SCHEDULES`.
    """

    def __init__(self, net: nn.Module, steps: int, learning_rate: float, weight_decay: float, muon_rate: float,
                 schedule: str):
        matrices = [weight for weight in net.parameters() if _is_matrix(weight)][:-1] if muon_rate else []
        chosen = {id(weight) for weight in matrices}
        others = [weight for weight in net.parameters() if id(weight) not in chosen]
        on_device = others[0].device.type in ("cpu", "cuda")
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(others, learning_rate, weight_decay=weight_decay, fused=on_device)]
        # Muon knows matrices alone: it gets views that share the kernels' memory
        self.views = [(weight, nn.Parameter(weight.detach().view(len(weight), -1))) for weight in matrices]
        if matrices:
            self.parts.append(torch.optim.Muon([view for _, view in self.views], muon_rate, weight_decay=weight_decay,
                                               momentum=MOMENTUM, ns_steps=STEPS))
        self.schedules = [_scheduled(part, schedule, steps) for part in self.parts]

    def step(self, loss: torch.Tensor) -> None:
        """Take one step down the gradient of a loss."""
        for part in self.parts:
            part.zero_grad(set_to_none=True)
        for weight, _ in self.views:
            weight.grad = None
        loss.backward()
        for weight, view in self.views:
            view.grad = weight.grad.flatten(1)
        for part, schedule in zip(self.parts, self.schedules):
            part.step()
            schedule.step()

    def state_dict(self) -> dict:
        """Return what a checkpoint needs."""
        # the schedule keeps its annealing function under a private name; it is not state
        return {"parts": [part.state_dict() for part in self.parts],
                "schedules": [{key: value for key, value in schedule.state_dict().items()
                               if isinstance(value, (int, float, list))} for schedule in self.schedules]}

    def load_state_dict(self, state: dict) -> None:
        """Take up what `state_dict` returned."""
        for part, held in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(held)
        for schedule, held in zip(self.schedules, state["schedules"], strict=True):
            schedule.load_state_dict(held)
