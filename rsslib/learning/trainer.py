"""The training loop of all networks: it keeps the best epoch, stops early and resumes from a checkpoint."""

import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rsslib.learning import checkpoint
from rsslib.learning.devices import at_once
from rsslib.learning.optimizers import Optimizer
from rsslib.progress import Progress
from rsslib.project import InputError

TOGETHER = 4
"""Epochs after which networks that train side by side wait for each other at the latest, for the checkpoint."""
_PROGRESS = ("best", "epoch", "best_epoch", "best_error", "history", "seconds")


class Trainer:
    """Trains one or more networks and keeps the epoch with the lowest validation error.

    In each epoch every network is trained on its own shuffled batches; then all are validated together: independent
    trainings with a common stopping time. On a CPU they train side by side, as many as there are cores for their
    threads, which changes no bit: each has its own weights, optimizer and generator. A subclass defines the loss of the
    batches (`batch_losses`), the validation error of all networks (`validate`) and the checkpoint's `key`.

    Parameters: name, for progress and messages; networks, on one device; optimizers and seeds, one per network (a seed
    initializes the generator of its batches); epochs, the maximum; patience, epochs without a better validation after
    which training stops; validate_every, epochs between validations; path, of the checkpoint (None: no checkpoint).
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
        """Yield the loss of each batch in one epoch of network `number`; the trainer takes a step after each.

        Networks may be in different epochs, and in different threads: use no state that they share, such as `epoch`.
        """
        raise NotImplementedError

    def validate(self) -> tuple[float, dict]:
        """Return the validation error that selects the epoch, and further values for the history."""
        raise NotImplementedError

    def key(self) -> str:
        """Return the key that identifies this training (see `checkpoint.key`)."""
        raise NotImplementedError

    def fit(self) -> None:
        """Train until done and load the weights of the best epoch.

        The checkpoint then holds the finished training: remove it (`checkpoint.remove()`) after all that the training
        was for has been written. Until then a restart returns the same weights and history without training.
        Errors: InputError if the training diverges.
        """
        count = at_once(len(self.networks), next(self.networks[0].parameters()).device)
        with Progress(self.epochs, self.name, self.epoch) as progress, ThreadPoolExecutor(count) as pool:
            try:
                while self.epoch < self.epochs and self.epoch - self.best_epoch < self.patience:
                    loss = self._train_all(pool, self._until_all_wait(TOGETHER if count > 1 else 1))
                    if self.epoch % self.validate_every == 0 or self.epoch == self.epochs:
                        self._keep_best(loss)
                    self.checkpoint.save(self._state)
                    progress.step(self.epoch, f"loss {loss:.3g}, best validation {self.best_error:.4g}")
            finally:
                pool.shutdown(cancel_futures=True)    # what is interrupted does not first train to its next validation
        self.checkpoint.save(self._state, now=True)
        for network, weights in zip(self.networks, self.best):
            network.load_state_dict(weights)
            network.eval()

    @property
    def seconds_per_epoch(self) -> float:
        """Mean seconds of one network's epoch, with others beside it where they train side by side; no validation."""
        return self.seconds / max(self.epoch, 1) / len(self.networks)

    def _until_all_wait(self, most: int) -> int:
        """Return the epochs until the next validation, the end, or the next checkpoint, after `most`."""
        ends = self.epochs, self.best_epoch + self.patience, self.epoch + most
        return int(min(self.validate_every - self.epoch % self.validate_every, min(ends) - self.epoch))

    def _train_all(self, pool: ThreadPoolExecutor, epochs: int) -> float:
        """Train all networks for some epochs, several at a time; return their mean loss in the last one."""
        def after(previous: Future | None, number: int) -> tuple[float, float]:
            if previous:
                previous.result()
            return self._train(number)

        running: list[list[Future[tuple[float, float]]]] = [[] for _ in self.networks]
        for _ in range(epochs):    # the pool takes them in this order: it never waits for what has not begun
            for number, own in enumerate(running):
                own.append(pool.submit(after, own[-1] if own else None, number))
        for one in wait(sum(running, []), return_when=FIRST_EXCEPTION).done:
            one.result()    # raises what a network raised
        loss = float(np.mean([own[-1].result()[0] for own in running]))
        self.seconds += sum(one.result()[1] for one in sum(running, []))
        self.epoch += epochs
        self._refuse_divergence(loss)
        return loss

    def _train(self, number: int) -> tuple[float, float]:
        """Train a network for one epoch; return its mean loss and the seconds."""
        started = time.perf_counter()
        self.networks[number].train()
        total, count = torch.zeros(()), 0
        for loss in self.batch_losses(number):
            self.optimizers[number].step(loss)
            total, count = total + loss.detach(), count + 1
        return float(total) / count, time.perf_counter() - started

    def _keep_best(self, loss: float) -> None:
        error, values = self.validate()
        self._refuse_divergence(error)
        self.history.append({"epoch": self.epoch, "loss": loss, **values})
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
                **{name: getattr(self, name) for name in _PROGRESS}}

    def _restore(self, state: dict) -> None:
        for network, weights in zip(self.networks, state["networks"]):
            network.load_state_dict(weights)
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        for generator, saved in zip(self.generators, state["generators"]):
            generator.set_state(saved.cpu())
        for name in _PROGRESS:
            setattr(self, name, state[name])
