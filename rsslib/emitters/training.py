"""Training one network of the second paper: the best validation loss kept, continued after an interruption."""

import math
import sys
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from rsslib.emitters import feeds, images, networks, samples, stem
from rsslib.emitters import loss as emitter_loss
from rsslib.emitters import recipe as emitter_recipe
from rsslib.emitters.feeds import Feed, check_augment, feed, symmetric
from rsslib.emitters.images import MARGIN_STEPS
from rsslib.emitters.recipe import EmitterRecipe, Model, build
from rsslib.learning import checkpoint as checkpoints
from rsslib.learning import optimizers
from rsslib.learning.checkpoint import Checkpoint
from rsslib.learning.optimizers import Optimizer
from rsslib.progress import Progress
from rsslib.project import InputError

VALIDATION_BATCH = 250
_COUNTED = ("best", "epoch", "best_epoch", "best_loss", "history", "seconds")
_CODE = (feeds, images, emitter_loss, networks, optimizers, emitter_recipe,
         stem, samples, sys.modules[__name__])


class EmitterTrainer:
    """Trains one network on the set "train" of a scene and keeps the epoch with the lowest loss on "val".

    Parameters: recipe; scene; occupancy, the trained first stage of a two-stage method, whose weights stay;
    checkpoint, a file from which an interrupted training continues and which a finished one removes.

    Errors: InputError where recipe, scene and occupancy network do not fit, or a training that diverges.
    Source: paper 2, Section III.D.
    Example
    -------
    >>> recipe = EmitterRecipe(method="two_stage_logit", stage="occupancy", epochs=5)   # doctest: +SKIP
    >>> occupancy = EmitterTrainer(recipe, scene).fit()                                  # doctest: +SKIP
    """

    def __init__(self, recipe: EmitterRecipe, scene: samples.Scene, occupancy: Model | None = None,
                 checkpoint: str | Path | None = None, device: str = "auto"):
        check_augment(scene, recipe.augment)
        torch.set_num_threads(recipe.threads)
        self.recipe, self.occupancy = recipe, occupancy
        self.model = build(recipe, device)
        self.sets = {name: feed(recipe, scene, name, occupancy, self.model.device) for name in ("train", "val")}
        self.batch_size = min(recipe.batch_size, recipe.samples)
        # the last, short batch of an epoch is left out
        self.batches = recipe.samples // self.batch_size
        self.optimizer = Optimizer(self.model, recipe.epochs * self.batches, recipe.learning_rate,
                                   recipe.weight_decay, recipe.muon_rate, recipe.schedule)
        self.order = torch.Generator().manual_seed(recipe.seed)
        self.epoch, self.best_epoch, self.best_loss, self.seconds = 0, 0, float("inf"), 0.0
        self.best: dict[str, Tensor] = {}
        self.history: list[dict] = []
        self.checkpoint = Checkpoint(checkpoint, self._key)
        if state := self.checkpoint.load(self.model.device):
            self._restore(state)

    def _train_epoch(self) -> float:
        self.model.train()
        train, total = self.sets["train"], 0.0
        order = torch.randperm(len(train), generator=self.order).to(self.model.device)
        for chosen in order.split(self.batch_size)[: self.batches]:
            image, target = train.batch(chosen)
            if self.recipe.augment:
                image, target = symmetric(train, image, target)
            loss = self._loss(train, self.model(image), target, self._margin(len(image)))
            self.optimizer.step(loss)
            total += loss.detach()
        return float(total) / self.batches

    def _loss(self, fed: Feed, said: Tensor | tuple[Tensor, Tensor], target: Tensor, margin: Tensor) -> Tensor:
        if self.recipe.stage == "localizer":
            return fed.loss(said, target)
        return fed.loss(said, target, margin, self.model.net.log_slope.exp())

    def _margin(self, count: int) -> Tensor:
        """Draw the margins of a batch, in quarters of a dB: 0 for a quarter of it."""
        drawn = torch.rand(2, count, generator=self.order)
        steps = (drawn[0] * self.recipe.margin_db * MARGIN_STEPS).floor() * (drawn[1] < 0.75)
        return steps.to(torch.uint8).to(self.model.device)

    @torch.no_grad()
    def _validate(self) -> float:
        val, total = self.sets["val"], 0.0
        for chosen in torch.arange(len(val), device=self.model.device).split(VALIDATION_BATCH):
            image, target = val.batch(chosen)
            margin = (chosen % 4 / 4 * self.recipe.margin_db * MARGIN_STEPS).to(torch.uint8)    # four levels in turn
            total += float(self._loss(val, self.model.says(image), target, margin)) * len(chosen)
        return total / len(val)

    def _keep(self, loss: float, found: float) -> None:
        if not (math.isfinite(loss) and math.isfinite(found)):
            raise InputError(f"training {self.recipe.method}: the loss is not a number in epoch {self.epoch}; lower "
                             f"learning_rate ({self.recipe.learning_rate})")
        self.history.append({"epoch": self.epoch, "loss": loss, "val_loss": found})
        if found < self.best_loss:
            self.best_loss, self.best_epoch = found, self.epoch
            self.best = {key: value.clone() for key, value in self.model.net.state_dict().items()}

    def fit(self) -> Model:
        """Train to the end, load the best epoch's weights and return the model."""
        with Progress(self.recipe.epochs, f"{self.recipe.method} {self.recipe.stage}", self.epoch) as progress:
            while self.epoch < self.recipe.epochs:
                started = time.perf_counter()
                loss = self._train_epoch()
                self.seconds += time.perf_counter() - started
                self.epoch += 1
                self._keep(loss, self._validate())
                self.checkpoint.save(self._state)
                progress.step(self.epoch, f"loss {loss:.3g}, val {self.best_loss:.3g}")
        self.model.net.load_state_dict(self.best)
        self.checkpoint.remove()
        return self.model.eval()

    def _key(self) -> str:
        tensors = [part for fed in self.sets.values() for part in (fed.sensor, fed.value, fed.target)]
        tensors += self.occupancy.state_dict().values() if self.occupancy else []
        sums = [float(tensor.sum(dtype=torch.float64)) for tensor in tensors]    # no copy: maps take up to 1 GB
        return checkpoints.key(_CODE, asdict(self.recipe), sums, [fed.threshold_dbm for fed in self.sets.values()])

    def _state(self) -> dict:
        return {"net": self.model.net.state_dict(), "optimizer": self.optimizer.state_dict(),
                "order": self.order.get_state(), **{name: getattr(self, name) for name in _COUNTED}}

    def _restore(self, state: dict) -> None:
        self.model.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.order.set_state(state["order"].cpu())
        for name in _COUNTED:
            setattr(self, name, state[name])


def train(recipe: EmitterRecipe, scene: samples.Scene, occupancy: Model | None = None,
          checkpoint: str | Path | None = None, device: str = "auto") -> Model:
    """Train one network and return it (see `EmitterTrainer`)."""
    return EmitterTrainer(recipe, scene, occupancy, checkpoint, device).fit()
