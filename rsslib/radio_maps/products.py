"""Posteriors put together: of networks of two kinds, and their product with a power of that of the maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rsslib.data.grid import Grid
from rsslib.learning import recipe as recipes
from rsslib.radio_maps import decoders

_RULES: dict[str, recipes.Rule] = {
    "maps_weight": (recipes.NUMBER, "a number from 0 to 100", lambda value: 0 <= value <= 100)}


@dataclass(frozen=True)
class Rule:
    """How networks and maps give one location.

    maps_weight : lambda of `product`, 0 for the networks alone
    decoder : how the posterior becomes a location, a name in `decoders.DECODERS`

    The defaults are one rule for all splits. How they were chosen, on `val` and in held-out cells of `train`:
    docs/deviations.md.
    Errors: InputError naming the setting.

    >>> Rule(maps_weight=0.5).decoder
    'sure'
    """

    maps_weight: float = 0.25
    decoder: str = "sure"

    def __post_init__(self):
        recipes.check(self, _RULES, {"decoder": decoders.DECODERS})


def mean(members: Tensor) -> Tensor:
    """Return the logarithm of the members' mean posterior, (batch, members, h, w) -> (batch, h, w)."""
    return members.logsumexp(1) - torch.tensor(members.shape[1]).log() if members.shape[1] > 1 else members[:, 0]


def handed_over(members: Tensor, near: Sequence[bool], visited: Tensor) -> Tensor:
    """Return the log posterior of networks of two kinds, (batch, members, h, w) -> (batch, h, w).

        p(x | r) = p_wide(x | r) [x not visited] + p_wide(visited | r) p_near(x | r)

    Networks that learned from real samples, `near`, tell the places of these from each other and know no others; the
    wide ones, which learned mostly from drawn samples, know the whole map. They say how probable it is that the
    transmitter is at a visited place, and hand over there. Each kind counts by its mean; one kind alone is the answer.
    Input: members, log posteriors; near, of each member; visited, (h, w) bool, pixels of training samples.

    >>> members = torch.tensor([[[[0.9, 0.1, 0.0]], [[0.4, 0.2, 0.4]]]]).log()
    >>> handed_over(members, [True, False], torch.tensor([[True, True, False]])).exp()
    tensor([[[0.5400, 0.0600, 0.4000]]])
    """
    if all(near) or not any(near):
        return mean(members)
    kind = torch.tensor(near)
    wide = mean(members[:, ~kind])
    share = wide.flatten(1)[:, visited.flatten()].logsumexp(1)[:, None, None]
    return torch.logaddexp(wide.masked_fill(visited, -torch.inf), share + mean(members[:, kind]))


def product(network: Tensor, maps: Tensor, weight: float) -> Tensor:
    """Return log p = log p_network + weight log p_maps, less its constant so that each sums to 1.

    Input: network, maps, (batch, h, w), log posteriors. Both know the same readings: at weight 1 these count twice.
    Source: Hinton, Training products of experts by minimizing contrastive divergence, 2002.

    >>> network, maps = torch.tensor([[[0.5, 0.5]], [[0.2, 0.8]]]).log(), torch.tensor([[[0.1, 0.9]]]).log()
    >>> product(network, maps, 1.0).exp()[0]
    tensor([[0.1000, 0.9000]])
    """
    if not weight:
        return network
    total = network + weight * maps.to(network.dtype)
    return total - total.flatten(1).logsumexp(1)[:, None, None]


def located(network: Tensor, maps: Tensor, rule: Rule, grid: Grid) -> tuple[Tensor, Tensor]:
    """Return the location of each product by a rule, easting and northing, (batch,) float64 [m]."""
    return decoders.decode(product(network, maps, rule.maps_weight).exp(), grid, rule.decoder)
