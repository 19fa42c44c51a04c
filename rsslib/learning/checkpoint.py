"""Where an interrupted training left off: written now and then, and taken up by the same training only."""

import json
import logging
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import torch

from rsslib import sources
from rsslib.project import atomic_path

log = logging.getLogger(__name__)
SECONDS = 30.0
"""Time between two writings."""


def key(module: str, *facts: object) -> str:
    """Name a training by the code that its module rests on, and by facts that JSON knows: its recipe, its data.

    >>> key("rsslib.learning.trainer", {"seed": 0}) == key("rsslib.learning.trainer", {"seed": 1})
    False
    """
    return sha256(json.dumps([sources.digest(module), *facts]).encode()).hexdigest()


class Checkpoint:
    """A file from which an interrupted training continues, and which a finished one removes.

    Parameters: path, None for a training that keeps no such file; name, called once it is needed, gives the training's
    `key`: what another training left is not taken up.

    >>> Checkpoint(None, lambda: "mine").load("cpu") is None
    True
    """

    def __init__(self, path: str | Path | None, name: Callable[[], str]):
        self.path, self.name = Path(path) if path else None, name
        self.saved = time.monotonic()

    def save(self, state: Callable[[], dict]) -> None:
        """Write `state()`, whole, if the last writing is long enough ago; it must hold "epoch"."""
        if self.path is None or time.monotonic() - self.saved <= SECONDS:
            return
        with atomic_path(self.path) as temporary:
            torch.save({"key": self.name(), **state()}, temporary)
        self.saved = time.monotonic()

    def load(self, device: str | torch.device) -> dict | None:
        """Return what `save` wrote for this very training, tensors on `device`; else None, with a warning."""
        if self.path is None or not self.path.is_file():
            return None
        try:
            state = torch.load(self.path, weights_only=True, map_location=device)
            if state["key"] != self.name():
                raise KeyError("made by other code, another recipe or other data")
        except Exception as error:  # an unreadable checkpoint only costs the time it held
            log.warning("%s: not continued (%s); training starts anew", self.path, error)
            return None
        log.info("%s: continued after epoch %d", self.path, state["epoch"])
        return state

    def remove(self) -> None:
        """Remove the file, if there is one."""
        if self.path:
            self.path.unlink(missing_ok=True)
