"""Checkpoints: the state of a training, from which the same training resumes, or is found finished."""

import io
import json
import logging
import os
import stat
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from rsslib import sources
from rsslib.arguments import shown
from rsslib.project import InputError, atomic_path

log = logging.getLogger(__name__)
SECONDS = 30.0
"""Shortest time between two saves [s]."""
_DIGEST = sha256().digest_size
"""Bytes at the start of the file: the SHA-256 of the rest."""


def key(module: str, *facts: object) -> str:
    """Return the hash that identifies a training: code, torch's version, threads and `facts` (recipe, data, device).

    The code is that on which the module depends. Facts are values that JSON can hold, arrays and tensors, also inside
    lists and dictionaries; of arrays every byte counts, the type and the shape.

    >>> key("rsslib.learning.trainer", np.array([1, 2])) == key("rsslib.learning.trainer", np.array([2, 1]))
    False
    """
    made_by = sources.digest(module), torch.__version__, torch.get_num_threads()
    return sha256(json.dumps([*made_by, *facts], default=_hashed).encode()).hexdigest()


def _hashed(fact: np.ndarray | torch.Tensor) -> list:
    values = fact.numpy(force=True) if isinstance(fact, torch.Tensor) else fact
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biufcSU":
        raise InputError(f"facts hold {shown(fact)}; expected values that JSON can hold, arrays and tensors")
    return [values.dtype.str, values.shape, sha256(np.ascontiguousarray(values).data).hexdigest()]


class Checkpoint:
    """The checkpoint file of one training: saved at most every SECONDS and at its end, loaded on a restart.

    It stays until `remove`: the caller's last step, after all that the training was for has been written. A restart
    before that finds the finished training, and repeats none of it.

    Parameters: path, None for no checkpoint; name, a function that returns the training's `key`, called once, before
    the training, so that an edit of the code during a long run does not sign what the old code trained. A file with
    another key is not loaded.
    Errors: InputError for a path that cannot be written to.

    >>> Checkpoint(None, lambda: "mine").load("cpu") is None
    True
    """

    def __init__(self, path: str | Path | None, name: Callable[[], str]):
        self.path = None if path is None else _writable(path)
        self.key = name() if self.path else ""
        self.saved = time.monotonic()

    def save(self, state: Callable[[], dict], now: bool = False) -> None:
        """Save `state()`, which must contain "epoch", if `now` or the last save is more than SECONDS ago."""
        if self.path is None or not now and time.monotonic() - self.saved <= SECONDS:
            return
        content = io.BytesIO()
        torch.save({"key": self.key, **state()}, content)
        try:
            with atomic_path(self.path) as temporary, temporary.open("wb") as file:
                file.write(sha256(content.getbuffer()).digest())
                file.write(content.getbuffer())
        except (InputError, OSError) as error:    # a full disk must not end the training
            log.warning("%s: not saved (%s); the training goes on", self.path, error)
        self.saved = time.monotonic()

    def load(self, device: str | torch.device) -> dict | None:
        """Return the saved state of this training, tensors on `device`; None if there is no usable one."""
        if self.path is None or not self.path.is_file():
            return None
        try:
            raw = self.path.read_bytes()
            digest, content = raw[:_DIGEST], raw[_DIGEST:]
            if digest != sha256(content).digest():    # torch.load takes changed bytes for weights
                raise ValueError("damaged, or of an earlier version")
            state = torch.load(io.BytesIO(content), weights_only=True, map_location=device)
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


def _writable(path: str | Path) -> Path:
    """Return the path, its folder made. An unusable one is named before the training, not after the first epochs."""
    try:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        usable = os.access(file.parent, os.W_OK | os.X_OK) and stat.S_ISREG(os.stat(file).st_mode)
    except FileNotFoundError:
        usable = True
    except (OSError, TypeError, ValueError):
        usable = False
    if not usable:
        raise InputError(f"checkpoint {path}: cannot be written; expected the name of a file in a folder that you may "
                         "write to, or None")
    return file
