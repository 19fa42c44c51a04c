"""The localizers' training loss: permutation invariant existence and location, and blocks near an emitter."""

from functools import lru_cache
from itertools import permutations

import torch
from torch import Tensor
from torch.nn import functional as F

EXISTENCE_WEIGHT = 1.0
LOCATION_WEIGHT = 10.0
NEAR_BLOCKS = 0.6
"""Standard deviation of the target around an emitter [blocks]."""


def pair_costs(output: Tensor, labels: Tensor) -> Tensor:
    """Return the cost of assigning slot s to label l, (batch, slots, labels), in float32.

    cost_sl = 1 BCE(existence_s, exists_l) + 10 exists_l mean((location_s - location_l)^2): the location of an absent
    emitter does not count. Input: output, (batch, slots, 3), existence logit, row, column; labels, (batch, slots, 3), 1
    or 0, row, column; rows and columns over n - 1, in 0..1. Source: paper 2, Eqs. (5)-(7) with its weights 1 and 10.
    """
    slot, label = output.float()[:, :, None], labels[:, None].float()
    # BCE with a logit z and a target t is softplus(z) - t z
    existence = F.softplus(slot[..., 0]) - label[..., 0] * slot[..., 0]
    location = (slot[..., 1:] - label[..., 1:]).square().mean(-1)
    return EXISTENCE_WEIGHT * existence + LOCATION_WEIGHT * label[..., 0] * location


def pit(output: Tensor, labels: Tensor) -> Tensor:
    """Return the permutation invariant (PIT) loss: the mean over the batch of min_p mean_s cost_{s, p(s)}.

    Input: output and labels as in `pair_costs`.
    Source: Kolbaek et al. 2017; paper 2, Section III.C.

    >>> label = torch.tensor([[[1.0, 0.0, 0.5], [0.0, 0.0, 0.0]]])
    >>> output = torch.tensor([[[-20.0, 0.9, 0.9], [20.0, 0.2, 0.5]]])   # second slot, 0.2 off in row
    >>> round(pit(output, label).item(), 4)                              # 10 (0.2^2 + 0) / 2 / 2 slots
    0.1
    """
    with torch.autocast(output.device.type, enabled=False):
        costs = pair_costs(output, labels)
        table = _permutations(costs.shape[-1]).to(costs.device)
        # one matrix product sums the costs of all permutations for all samples
        chosen = F.one_hot(table, costs.shape[-1]).flatten(1).to(costs.dtype)
        return (costs.flatten(1) @ chosen.T / costs.shape[-1]).amin(1).mean()


def near(logits: Tensor, labels: Tensor, n: int) -> Tensor:
    """Return the cross-entropy of "an emitter is near" summed over the blocks, mean over the batch.

    Target of a block: max over the emitters of exp(-d^2 / (2 0.6^2)), d the distance in blocks of its centre from the
    emitter. The gradient of `pit` reaches the blocks only through a few dense layers; this one reaches them directly.
    Input: logits, (batch, side, side); labels as in `pair_costs`; n, cells per side of the map.
    Source: Zhou et al. 2019 (objects as points) for the target, with Lee et al. 2015; not in paper 2.

    >>> label = torch.tensor([[[1.0, 0.0, 0.0]]])      # an emitter in the first of 2 x 2 blocks
    >>> near(torch.full((1, 2, 2), -9.0), label, 2) > near(torch.tensor([[[9.0, -1.1], [-1.1, -2.7]]]), label, 2)
    tensor(True)
    """
    side = logits.shape[-1]
    centre = torch.arange(side, device=logits.device)
    exists, row, column = labels.unbind(-1)
    d_row, d_column = ((axis[..., None] * (n - 1) + 0.5) * side / n - 0.5 - centre for axis in (row, column))
    square = d_row.square()[..., :, None] + d_column.square()[..., None, :]
    target = (exists[..., None, None] * (-square / (2 * NEAR_BLOCKS**2)).exp()).amax(1)
    with torch.autocast(logits.device.type, enabled=False):
        return F.binary_cross_entropy_with_logits(logits.float(), target, reduction="sum") / len(logits)


def training_loss(output: Tensor | tuple[Tensor, Tensor], labels: Tensor, n: int, near_weight: float) -> Tensor:
    """Return pit + near_weight * near of an `EmitterNet`'s training output; pit alone of its output in evaluation.

    Source: paper 2, Section III.C, for the first term.
    """
    if not isinstance(output, tuple):
        return pit(output, labels)
    listed, blocks = output
    return pit(listed, labels) + near_weight * near(blocks, labels, n) if near_weight else pit(listed, labels)


@lru_cache
def _permutations(slots: int) -> Tensor:
    """Return all permutations of the labels, (slots!, slots) int64: slot s gets label table[p, s]."""
    return torch.tensor(list(permutations(range(slots))))
