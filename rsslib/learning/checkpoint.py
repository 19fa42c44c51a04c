"""Checkpoints: the state of an unfinished training, from which the same training resumes."""

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
"""Shortest time between two saves [s]."""


def key(module: str, *facts: object) -> str:
    """Return the hash that identifies a training: of the code its module depends on, and of `facts` (recipe, data).

    The facts must be serializable as JSON.

    >>> key("rsslib.learning.trainer", {"seed": 0}) == key("rsslib.learning.trainer", {"seed": 1})
    False
    """
    return sha256(json.dumps([sources.digest(module), *facts]).encode()).hexdigest()


class Checkpoint:
    """The checkpoint file of one training: saved at most every SECONDS, loaded on a restart, removed at the end.

    Parameters: path, None for no checkpoint; name, a function that returns the training's `key`, called once, before
    the training, so that an edit of the code during a long run does not sign what the old code trained. A file with
    another key is not loaded.

    >>> Checkpoint(None, lambda: "mine").load("cpu") is None
    True
    """

    def __init__(self, path: str | Path | None, name: Callable[[], str]):
        self.path = Path(path) if path else None
        self.key = name() if path else ""
        self.saved = time.monotonic()

    def save(self, state: Callable[[], dict]) -> None:
        """Save `state()`, which must contain "epoch", if the last save is more than SECONDS ago."""
        if self.path is None or time.monotonic() - self.saved <= SECONDS:
            return
        with atomic_path(self.path) as temporary:
            torch.save({"key": self.key, **state()}, temporary)
        self.saved = time.monotonic()

    def load(self, device: str | torch.device) -> dict | None:
        """Return the saved state of this training, tensors on `device`; None if there is no usable one."""
        if self.path is None or not self.path.is_file():
            return None
        try:
            state = torch.load(self.path, weights_only=True, map_location=device)
            if state["key"] != self.key:
                raise KeyError("made by other code, another recipe or other data")
        except Exception as error:  # an unusable checkpoint costs time, but must not stop the training
            log.warning("%s: not continued (%s); training starts from scratch", self.path, error)
            return None
        log.info("%s: continued after epoch %d", self.path, state["epoch"])
        return state

    def remove(self) -> None:
        """Remove the file if it exists."""
        if self.path:
            self.path.unlink(missing_ok=True)
