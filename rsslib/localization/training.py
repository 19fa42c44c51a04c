"""Training an ensemble: members in step, the best epoch kept, stopped early, continued after an interruption."""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from rsslib.data import grid as grids
from rsslib.learning import checkpoint as checkpoints
from rsslib.learning.checkpoint import Checkpoint
from rsslib.localization import ensemble, losses, networks
from rsslib.localization.ensemble import Ensemble, Recipe, Samples, choose_device
from rsslib.localization.losses import LOSSES
from rsslib.progress import Progress
from rsslib.project import InputError, atomic_path

_CODE = (ensemble, grids, losses, networks, sys.modules[__name__])
_COUNTED = ("best", "epoch", "best_epoch", "best_mean", "history", "seconds")


class _Member:
    """One network's optimizer, learning-rate schedule and order of batches."""

    def __init__(self, net: torch.nn.Module, recipe: Recipe, number: int, batches: int):
        self.net = net
        fused = next(net.parameters()).device.type in ("cpu", "cuda")
        self.optimizer = torch.optim.AdamW(net.parameters(), recipe.learning_rate,
                                           weight_decay=recipe.weight_decay, fused=fused)
        self.schedule = None
        if recipe.schedule == "one_cycle":
            self.schedule = torch.optim.lr_scheduler.OneCycleLR(
                self.optimizer, recipe.learning_rate, total_steps=recipe.epochs * batches, pct_start=0.25)
        self.order = torch.Generator().manual_seed(1000 * recipe.seed + number)

    def state(self) -> dict:
        schedule = self.schedule.state_dict() if self.schedule else {}
        # the schedule keeps its annealing function under a private name; it is not state
        schedule = {key: value for key, value in schedule.items() if isinstance(value, (int, float, list))}
        return {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict(),
                "schedule": schedule, "order": self.order.get_state()}

    def restore(self, state: dict) -> None:
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule:
            self.schedule.load_state_dict(state["schedule"])
        self.order.set_state(state["order"])


class Trainer:
    """Trains an ensemble on the set `train` and keeps the epoch with the lowest mean error on `val`.

    Each epoch trains every member on its own shuffled batches, then the ensemble is validated: the members
    are five separate trainings (the paper's text) that share one stopping time.

    Parameters: dataset (measurements), sets (index sets with `train` and `val`), recipe; checkpoint, a file
    from which an interrupted training continues and which a finished one removes; watch, further sets whose
    error is written into the history of the first member (for the training curves) and touches nothing else.

    Errors: InputError for an empty `train`, `val` or watched set, or a training that diverges.
    Source: paper 1, Section III.C.
    """

    def __init__(self, dataset: xr.Dataset, sets: dict[str, np.ndarray], recipe: Recipe,
                 checkpoint: str | Path | None = None, watch: tuple[str, ...] = (), device: str = "auto"):
        for name in ("train", "val", *watch):
            if not len(sets.get(name, ())):
                raise InputError(f"training: the set {name!r} is empty; expected at least one sample")
        for name in ("train", "val"):
            unknown = np.isnan(grids.transmitters(dataset)[0][sets[name]])
            if unknown.any():
                raise InputError(f"training: sample {sets[name][unknown.argmax()]} of the set {name!r} has no known "
                                 "transmitter location; leave it out")
        torch.set_num_threads(recipe.threads)
        self.recipe, self.sets, self.watch, self.dataset = recipe, sets, watch, dataset
        grid = grids.make(dataset, recipe.pixel_m)
        self.ranges = grids.scaling(dataset, sets["train"])
        self.ensemble = Ensemble(recipe, grid, choose_device(device))
        drawn = grids.draw(dataset, grid, self.ranges, recipe.collision)
        self.samples = Samples(dataset, grid, drawn, self.ensemble.device)
        # BatchNorm needs two samples: the last, short batch of an epoch is left out
        self.batch_size = min(recipe.batch_size, len(sets["train"]))
        self.batches = len(sets["train"]) // self.batch_size
        self.members = [_Member(net, recipe, number, self.batches)
                        for number, net in enumerate(self.ensemble.members)]
        self.epoch, self.best_epoch, self.best_mean = 0, 0, float("inf")
        self.best: list[dict] = []
        self.history: list[dict] = []
        self.seconds = 0.0
        self.checkpoint = Checkpoint(checkpoint, self._key)
        if state := self.checkpoint.load(self.ensemble.device):
            self._restore(state)

    def _train_epoch(self, number: int) -> float:
        member, net = self.members[number], self.ensemble.members[number]
        net.train()
        order = torch.from_numpy(self.sets["train"])[torch.randperm(len(self.sets["train"]), generator=member.order)]
        loss_of, total = LOSSES[self.recipe.loss], 0.0
        for chosen in order.to(self.ensemble.device).split(self.batch_size)[: self.batches]:
            images = self.ensemble(number, self._drop(self.samples.batch(chosen), member.order))
            loss = loss_of(images, self.samples.location[chosen])
            member.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            member.optimizer.step()
            if member.schedule:
                member.schedule.step()
            total += loss.detach()
        return float(total) / self.batches

    def _drop(self, sensors: list[torch.Tensor], generator: torch.Generator) -> list[torch.Tensor]:
        """Leave out a random share of the readings, as if those receivers had not heard anything."""
        if not self.recipe.sensor_dropout:
            return sensors
        pixel, value, kind = sensors
        lost = torch.rand(pixel.shape, generator=generator) < self.recipe.sensor_dropout
        return [pixel.masked_fill(lost.to(pixel.device), -1), value, kind]

    def _errors(self, chosen: np.ndarray, members=None) -> np.ndarray:
        said = self.ensemble.describe(self.samples, chosen, members)
        x, y = (np.concatenate([part[name] for part in said]) for name in ("x_hat", "y_hat"))
        true_x, true_y = grids.transmitters(self.dataset)
        return np.hypot(x - true_x[chosen], y - true_y[chosen])

    def _validate(self, trained: list[float]) -> None:
        found = self._errors(self.sets["val"])
        record = {"epoch": self.epoch, "loss": float(np.mean(trained)), "val_mean_m": float(found.mean()),
                  "val_median_m": float(np.median(found))}
        for name in self.watch:
            chosen = self.sets[name]
            if name == "train" and len(chosen) > len(self.sets["val"]):
                # as many as there are to validate on, spread evenly: the samples lie in order of time
                chosen = chosen[np.linspace(0, len(chosen) - 1, len(self.sets["val"])).astype(int)]
            # one network, as in Figure 5
            record[f"{name}_single_median_m"] = float(np.median(self._errors(chosen, [0])))
        self.history.append(record)
        if record["val_mean_m"] < self.best_mean:
            self.best_mean, self.best_epoch = record["val_mean_m"], self.epoch
            self.best = [{key: value.clone() for key, value in net.state_dict().items()}
                         for net in self.ensemble.members]

    def fit(self) -> Ensemble:
        """Train to the end, load the best epoch's weights and return the ensemble."""
        recipe = self.recipe
        name = f"{recipe.loss} x{recipe.members}"
        with Progress(recipe.epochs, name, start=self.epoch) as progress:
            while self.epoch < recipe.epochs and self.epoch - self.best_epoch < recipe.patience:
                started = time.perf_counter()
                found = [self._train_epoch(number) for number in range(recipe.members)]
                self.seconds += time.perf_counter() - started
                self.epoch += 1
                if not np.isfinite(found).all():
                    raise InputError(f"training {name}: the loss is not a number in epoch {self.epoch}; "
                                     f"lower learning_rate ({recipe.learning_rate})")
                if self.epoch % recipe.validate_every == 0 or self.epoch == recipe.epochs:
                    self._validate(found)
                self.checkpoint.save(self._state)
                progress.step(self.epoch, f"loss {np.mean(found):.3g}, val mean {self.best_mean:.1f} m")
        for net, state in zip(self.ensemble.members, self.best):
            net.load_state_dict(state)
        self.checkpoint.remove()
        return self.ensemble

    @property
    def seconds_per_epoch(self) -> float:
        """Seconds that one member's epoch took, validation left out."""
        return self.seconds / max(self.epoch, 1) / self.recipe.members

    def write_history(self, path: str | Path) -> Path:
        """Write the validated epochs and the seconds per epoch as JSON, whole."""
        with atomic_path(path) as temporary:
            text = json.dumps({"seconds_per_epoch": self.seconds_per_epoch, "epochs": self.history}, indent=1)
            temporary.write_text(text + "\n", encoding="utf-8")
        return Path(path)

    def _key(self) -> str:
        sets = {name: np.asarray(chosen).tolist() for name, chosen in self.sets.items()}
        sums = [float(values.sum()) for values in self.dataset.data_vars.values()]
        return checkpoints.key(_CODE, self.watch, asdict(self.recipe), sets, self.dataset.attrs.get("md5", ""), sums)

    def _state(self) -> dict:
        return {"members": [member.state() for member in self.members],
                **{name: getattr(self, name) for name in _COUNTED}}

    def _restore(self, state: dict) -> None:
        for member, saved in zip(self.members, state["members"]):
            member.restore({**saved, "order": saved["order"].cpu()})
        for name in _COUNTED:
            setattr(self, name, state[name])
