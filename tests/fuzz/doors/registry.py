"""The registry of the doors: each a function of a mutator that prepares one call."""

from collections.abc import Callable
from typing import NamedTuple

from ..law import Call
from ..mutations import Mutator


class Door(NamedTuple):
    """A door: how a mutated call of it is prepared, and its share of the budget of examples."""

    prepare: Callable[[Mutator], Call]
    share: float


DOORS: dict[str, Door] = {}
"""By the full name of the function; `:` separates several ways through one door."""


def door(name: str, share: float = 1.0) -> Callable:
    """Register a way through the door `rsslib.<name>`."""
    def register(prepare: Callable[[Mutator], Call]) -> Callable[[Mutator], Call]:
        assert name not in DOORS, f"{name} is registered twice"
        DOORS[name] = Door(prepare, share)
        return prepare
    return register
