"""Optimizers: AdamW, with Muon for the weight matrices if wanted, on a common schedule."""

import torch
from torch import nn

SCHEDULES = ("constant", "one_cycle")
MOMENTUM = 0.9
STEPS = 4


class Optimizer:
    """AdamW and Muon (Jordan et al. 2024), each on a one-cycle schedule (Smith 2018) or at a constant rate.

    Muon updates the weights that, flattened to (first dimension, product of the others), are matrices of at least two
    rows and columns, except that of the last layer. AdamW updates the rest; with muon_rate 0 it updates everything, and
    with weight_decay 0 it is Adam.

    Parameters: network; steps, the number of batches of the whole training; learning_rate, of AdamW; weight_decay;
    schedule, one of SCHEDULES; muon_rate, the learning rate of Muon; rising, the share of the steps in which a
    one-cycle rate rises; cycle_momentum, whether AdamW's momentum falls while its rate rises.
    """

    def __init__(self, network: nn.Module, steps: int, learning_rate: float, weight_decay: float, schedule: str,
                 muon_rate: float = 0.0, rising: float = 0.2, cycle_momentum: bool = False):
        matrices = [weight for weight in network.parameters()
                    if weight.ndim > 1 and 1 < len(weight) < weight.numel()][:-1] if muon_rate else []
        chosen = {id(weight) for weight in matrices}
        others = [weight for weight in network.parameters() if id(weight) not in chosen]
        fused = others[0].device.type in ("cpu", "cuda")
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(others, learning_rate, weight_decay=weight_decay, fused=fused)]
        # torch's Muon accepts 2-D parameters only: it gets views that share the kernels' memory
        self.views = [(weight, nn.Parameter(weight.detach().view(len(weight), -1))) for weight in matrices]
        if matrices:
            self.parts.append(torch.optim.Muon([view for _, view in self.views], muon_rate, weight_decay=weight_decay,
                                               momentum=MOMENTUM, ns_steps=STEPS))
        if steps * rising == 1:    # OneCycleLR divides by steps * rising - 1: a hair less starts at the peak, too
            rising *= 1 - 1e-9
        self.schedules = [] if schedule == "constant" else [
            torch.optim.lr_scheduler.OneCycleLR(part, part.defaults["lr"], total_steps=steps, pct_start=rising,
                                                cycle_momentum=cycle_momentum) for part in self.parts]

    def step(self, loss: torch.Tensor) -> None:
        """Backpropagate a loss and take one step of the optimizers and schedules."""
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
        """Return the state for a checkpoint."""
        # numbers and lists only: a schedule also holds its annealing function, which is not state
        return {"parts": [part.state_dict() for part in self.parts],
                "schedules": [{key: value for key, value in schedule.state_dict().items()
                               if isinstance(value, (int, float, list))} for schedule in self.schedules]}

    def load_state_dict(self, state: dict) -> None:
        """Restore what `state_dict` returned."""
        for part, saved in zip([*self.parts, *self.schedules], state["parts"] + state["schedules"], strict=True):
            part.load_state_dict(saved)
