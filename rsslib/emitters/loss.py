"""The localizers' training loss: existence and place of each emitter in whichever order costs least; what is near."""

from functools import lru_cache
from itertools import permutations

import torch
from torch import Tensor
from torch.nn import functional as F

from rsslib.emitters.samples import MOST_EMITTERS
from rsslib.project import InputError

EXISTENCE_WEIGHT = 1.0
PLACE_WEIGHT = 10.0
NEAR_BLOCKS = 0.6
"""Spread of an emitter over the blocks around it."""


@lru_cache
def orders(slots: int) -> Tensor:
    """Return all orders of the labels, (slots!, slots) int64: slot s gets label orders[p, s].

    Errors: InputError for more than MOST_EMITTERS slots.
    Example
    -------
    >>> orders(2).tolist()
    [[0, 1], [1, 0]]
    """
    if not 1 <= slots <= MOST_EMITTERS:
        raise InputError(f"loss: {slots} slots; expected 1 to {MOST_EMITTERS}, since all their orders are compared")
    return torch.tensor(list(permutations(range(slots))))


def pair_costs(said: Tensor, labels: Tensor) -> Tensor:
    """Return what it costs to take slot s for label l, (batch, slots, labels), in float32.

    cost_sl = 1 BCE(existence_s, exists_l) + 10 exists_l mean((place_s - place_l)^2): an absent emitter has no place.
    Input: said, (batch, slots, 3), existence logit, row, column; labels, (batch, slots, 3), 1 or 0, row, column,
    places over n - 1, in 0..1. Source: paper 2, Eqs. (5)-(7) with its weights 1 and 10.
    """
    if said.ndim != 3 or said.shape != labels.shape or said.shape[-1] != 3:
        raise InputError(f"loss: expected outputs and labels (batch, slots, 3) of one shape, found {tuple(said.shape)} "
                         f"and {tuple(labels.shape)}")
    slot, label = said.float()[:, :, None], labels[:, None].float()
    # BCE with a logit z and a target t is softplus(z) - t z
    existence = F.softplus(slot[..., 0]) - label[..., 0] * slot[..., 0]
    place = (slot[..., 1:] - label[..., 1:]).square().mean(-1)
    return EXISTENCE_WEIGHT * existence + PLACE_WEIGHT * label[..., 0] * place


def order_costs(costs: Tensor) -> Tensor:
    """Return the whole cost of each order, (batch, slots, labels) to (batch, slots!): the mean over the slots."""
    table = orders(costs.shape[-1]).to(costs.device)
    # one product with a table of ones and zeros: picks and adds for all samples and orders at once
    chosen = F.one_hot(table, costs.shape[-1]).flatten(1).to(costs.dtype)
    return costs.flatten(1) @ chosen.T / costs.shape[-1]


def pit(said: Tensor, labels: Tensor) -> Tensor:
    """Return the mean over the batch of each sample's cost in its cheapest order, min_p mean_s cost_{s, p(s)}.

    Input: said and labels as in `pair_costs`. The order of the labels does not matter.

    Errors: InputError for other shapes or more slots than MOST_EMITTERS.
    Source: Kolbaek et al. 2017 (permutation invariant training); paper 2, Section III.C.
    Example
    -------
    >>> label = torch.tensor([[[1.0, 0.0, 0.5], [0.0, 0.0, 0.0]]])
    >>> said = torch.tensor([[[-20.0, 0.9, 0.9], [20.0, 0.2, 0.5]]])   # found by the second slot, 0.2 off in row
    >>> round(pit(said, label).item(), 4)                              # 10 (0.2^2 + 0) / 2, over two slots
    0.1
    """
    with torch.autocast(said.device.type, enabled=False):
        return order_costs(pair_costs(said, labels)).amin(1).mean()


def near(logits: Tensor, labels: Tensor, n: int) -> Tensor:
    """Return the mean over the batch of the summed cross-entropy of each block's "an emitter is near".

    Target of a block: max over the emitters of exp(-d^2 / (2 0.6^2)), d the distance in blocks of its centre from the
    emitter. A list tells a network only through a few dense layers where it erred; this tells each block.
    Input: logits, (batch, side, side); labels as in `pair_costs`; n, cells a side of the map.

    Source: Zhou et al. 2019 (objects as points) for the target, with Lee et al. 2015; not in paper 2.
    Example
    -------
    >>> label = torch.tensor([[[1.0, 0.0, 0.0]]])      # an emitter in the first of 2 x 2 cells, each a block
    >>> near(torch.full((1, 2, 2), -9.0), label, 2) > near(torch.tensor([[[9.0, -1.1], [-1.1, -2.7]]]), label, 2)
    tensor(True)
    """
    side = logits.shape[-1]
    centre = torch.arange(side, device=logits.device)
    there, row, column = labels.unbind(-1)
    away = [(axis[..., None] * (n - 1) + 0.5) * side / n - 0.5 - centre for axis in (row, column)]
    square = away[0].square()[..., :, None] + away[1].square()[..., None, :]
    target = (there[..., None, None] * (-square / (2 * NEAR_BLOCKS**2)).exp()).amax(1)
    with torch.autocast(logits.device.type, enabled=False):
        return F.binary_cross_entropy_with_logits(logits.float(), target, reduction="sum") / len(logits)


def training_loss(said: Tensor | tuple[Tensor, Tensor], labels: Tensor, n: int, near_weight: float) -> Tensor:
    """Return pit + near_weight * near of what `EmitterNet` says in training; pit alone of a list alone.

    Source: paper 2, Section III.C, for the first term.
    """
    if not isinstance(said, tuple):
        return pit(said, labels)
    listed, blocks = said
    return pit(listed, labels) + near_weight * near(blocks, labels, n) if near_weight else pit(listed, labels)
