"""The training loop of all networks: the best epoch kept, stopped early, continued after an interruption."""

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rsslib.learning import checkpoint
from rsslib.learning.optimizers import Optimizer
from rsslib.progress import Progress
from rsslib.project import InputError

_COUNTED = ("best", "epoch", "best_epoch", "best_error", "history", "seconds")


class Trainer:
    """Trains networks side by side and keeps the epoch with the lowest validation error.

    Each epoch trains every network on its own shuffled batches, then all are validated together: separate trainings
    that share one stopping time. A subclass says what a network is trained on (`batch_losses`) and how good all of them
    are (`validate`).

    Parameters: name, in progress and messages; networks, on one device; optimizers and seeds, one a network (a seed
    starts the generator of its batches); epochs, at most so many; patience, epochs without a better validation after
    which the training stops; validate_every, epochs between validations; path, of a file from which an interrupted
    training continues and which a finished one removes.
    """

    def __init__(self, name: str, networks: Sequence[nn.Module], optimizers: Sequence[Optimizer], seeds: Sequence[int],
                 epochs: int, patience: float = math.inf, validate_every: int = 1, path: str | Path | None = None):
        self.name, self.networks, self.optimizers = name, networks, optimizers
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.epochs, self.patience, self.validate_every = epochs, patience, validate_every
        self.epoch, self.best_epoch, self.best_error, self.seconds = 0, 0, math.inf, 0.0
        self.best: list[dict[str, Tensor]] = []
        self.history: list[dict] = []
        self.checkpoint = checkpoint.Checkpoint(path, self.key)
        if state := self.checkpoint.load(next(networks[0].parameters()).device):
            self._restore(state)

    def batch_losses(self, number: int) -> Iterator[Tensor]:
        """Yield the loss of each batch of one epoch of a network; a step is taken down each."""
        raise NotImplementedError

    def validate(self) -> tuple[float, dict]:
        """Return the validation error that picks the epoch, and what else the history records."""
        raise NotImplementedError

    def key(self) -> str:
        """Name this training, for its checkpoint (see `checkpoint.key`)."""
        raise NotImplementedError

    def fit(self) -> None:
        """Train to the end and load the best epoch's weights. Errors: InputError for a training that diverges."""
        with Progress(self.epochs, self.name, self.epoch) as progress:
            while self.epoch < self.epochs and self.epoch - self.best_epoch < self.patience:
                started = time.perf_counter()
                loss = float(np.mean([self._train(number) for number in range(len(self.networks))]))
                self.seconds += time.perf_counter() - started
                self.epoch += 1
                self._refuse_divergence(loss)
                if self.epoch % self.validate_every == 0 or self.epoch == self.epochs:
                    self._keep_best(loss)
                self.checkpoint.save(self._state)
                progress.step(self.epoch, f"loss {loss:.3g}, best validation {self.best_error:.4g}")
        for network, weights in zip(self.networks, self.best):
            network.load_state_dict(weights)
            network.eval()
        self.checkpoint.remove()

    @property
    def seconds_per_epoch(self) -> float:
        """Seconds that one network's epoch took, validation left out."""
        return self.seconds / max(self.epoch, 1) / len(self.networks)

    def _train(self, number: int) -> float:
        """Train a network for one epoch; return its mean loss."""
        self.networks[number].train()
        total, count = torch.zeros(()), 0
        for count, loss in enumerate(self.batch_losses(number), start=1):
            self.optimizers[number].step(loss)
            total = total + loss.detach()
        return float(total) / count

    def _keep_best(self, loss: float) -> None:
        error, more = self.validate()
        self._refuse_divergence(error)
        self.history.append({"epoch": self.epoch, "loss": loss, **more})
        if error < self.best_error:
            self.best_error, self.best_epoch = error, self.epoch
            self.best = [{key: value.clone() for key, value in network.state_dict().items()}
                         for network in self.networks]

    def _refuse_divergence(self, value: float) -> None:
        if not math.isfinite(value):
            raise InputError(f"training {self.name}: the loss is not a number in epoch {self.epoch}; lower "
                             "learning_rate")

    def _state(self) -> dict:
        return {"networks": [network.state_dict() for network in self.networks],
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "generators": [generator.get_state() for generator in self.generators],
                **{name: getattr(self, name) for name in _COUNTED}}

    def _restore(self, state: dict) -> None:
        for network, weights in zip(self.networks, state["networks"]):
            network.load_state_dict(weights)
        for optimizer, held in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(held)
        for generator, held in zip(self.generators, state["generators"]):
            generator.set_state(held.cpu())
        for name in _COUNTED:
            setattr(self, name, state[name])
