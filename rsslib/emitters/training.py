"""Training of the networks of paper 2: the inputs, targets and losses of a set, and the trainer."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from rsslib.arguments import check_choice, check_type
from rsslib.emitters import samples as sampling
from rsslib.emitters.localizer import EmitterRecipe, Model, build, optimizer
from rsslib.emitters.loss import training_loss
from rsslib.emitters.networks import second_input
from rsslib.emitters.samples import MARGIN_STEPS, Samples
from rsslib.learning import checkpoint
from rsslib.learning.trainer import Trainer
from rsslib.project import InputError
from rsslib.propagation.scene import Scene

BATCH = 250
"""Batch size of inference and validation."""
CACHE_BYTES = 2**30
"""Occupancy logits of a set are stored, in 16 bits, up to this size: 20,000 maps of 64 x 64 take 164 MB."""


def turned(target: Tensor, symmetry: int) -> Tensor:
    """Return maps (..., n, n) under a symmetry of the square, 0 to 7: 1 flips columns, 2 rows, 4 then transposes."""
    target = target.flip(-1) if symmetry & 1 else target
    target = target.flip(-2) if symmetry & 2 else target
    return target.transpose(-1, -2) if symmetry & 4 else target


def turned_labels(target: Tensor, symmetry: int) -> Tensor:
    """Return the labels (..., 3) of maps after `turned`; values of absent emitters stay 0."""
    exists, row, column = target.unbind(-1)
    column = 1 - column if symmetry & 1 else column
    row = 1 - row if symmetry & 2 else row
    row, column = (column, row) if symmetry & 4 else (row, column)
    return torch.stack([exists, row * exists, column * exists], dim=-1)


class LocalizerSet:
    """The inputs and targets of a localizer for a set of samples: maps and label matrices.

    Parameters: samples; threshold_dbm; recipe; logits_of, for a two-stage method, the frozen occupancy network: images
    (batch, 1, n, n) to logits; device.
    """

    turn = staticmethod(turned_labels)

    def __init__(self, samples: Samples, threshold_dbm: float, recipe: EmitterRecipe,
                 logits_of: Callable[[Tensor], Tensor] | None = None, device: torch.device | str = "cpu"):
        self.n, self.threshold_dbm, self.recipe, self.logits_of = samples.n, threshold_dbm, recipe, logits_of
        self.sensor = torch.from_numpy(samples.sensor).long().to(device)
        self.value = torch.from_numpy(samples.value).to(device)
        self.target = torch.from_numpy(sampling.labels(samples, recipe.n_max)).to(device)
        self.kept: Tensor | None = None
        if logits_of is not None and 2 * len(samples) * samples.n**2 <= CACHE_BYTES:
            self.kept = torch.cat([logits_of(self.sensed(part)).half() for part in self.parts()])

    def __len__(self) -> int:
        return len(self.sensor)

    def parts(self) -> tuple[Tensor, ...]:
        """Return the indices of all samples in batches of BATCH."""
        return torch.arange(len(self), device=self.sensor.device).split(BATCH)

    def sensed(self, chosen: Tensor) -> Tensor:
        """Return the sensors' images, Eq. (4), of the samples `chosen`."""
        return sampling.input_image(self.sensor[chosen], self.value[chosen], self.threshold_dbm, self.n)

    def image(self, chosen: Tensor) -> Tensor:
        """Return the network's input, (batch, maps, n, n)."""
        if self.logits_of is None:
            return self.sensed(chosen)
        # in 16 bits also if not stored: the memory limit must not change a result
        logits = self.logits_of(self.sensed(chosen)).half() if self.kept is None else self.kept[chosen]
        return second_input(logits, self.recipe.method, self.sensed(chosen) if self.recipe.maps == 2 else None)

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return the inputs and the targets of the samples `chosen`."""
        return self.image(chosen), self.target[chosen]

    def loss(self, model: Model, image: Tensor, target: Tensor, margin: Tensor) -> Tensor:
        """Return `loss.training_loss` of a batch; the margin is for `OccupancySet` only."""
        return training_loss(model(image), target, self.n, self.recipe.near_weight)


class OccupancySet(LocalizerSet):
    """The inputs and targets of the occupancy network for a set of samples: sensors' images and maps of margins.

    The loss classifies P > T + m with a margin m per sample (see `EmitterRecipe.margin_db`); only outdoor cells count.
    """

    turn = staticmethod(turned)

    def __init__(self, samples: Samples, scene: Scene, recipe: EmitterRecipe, device: torch.device | str = "cpu"):
        super().__init__(samples, scene.threshold_dbm, recipe, device=device)
        self.target = torch.from_numpy(sampling.margins(scene, samples)).to(device)
        self.outdoor = torch.from_numpy(np.array(scene.outdoor, np.float32)).to(device)

    def loss(self, model: Model, image: Tensor, target: Tensor, margin: Tensor) -> Tensor:
        """Return the mean binary cross-entropy of logit - s m for P > T + m over the outdoor cells.

        Input: margin, m in quarters of a dB, (batch,) uint8. s is the network's learned slope [1/dB].
        """
        logits, margin = model(image)[:, 0], margin[:, None, None]
        costs = F.binary_cross_entropy_with_logits(logits - model.net.log_slope.exp() * (margin / MARGIN_STEPS),
                                                   (target > margin).float(), reduction="none")
        return (costs * self.outdoor).sum() / (self.outdoor.sum() * len(logits))


def symmetric(samples: LocalizerSet, image: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return a batch in eighths, one under each symmetry of the square, without reordering the samples.

    Since batches are shuffled, each sample occurs under all symmetries in the course of training.
    """
    images, targets = image.chunk(8), target.chunk(8)
    return (torch.cat([turned(part, symmetry) for symmetry, part in enumerate(images)]),
            torch.cat([samples.turn(part, symmetry) for symmetry, part in enumerate(targets)]))


def draw_set(recipe: EmitterRecipe, scene: Scene, set_name: str, occupancy: Model | None = None,
             device: torch.device | str = "cpu") -> LocalizerSet:
    """Draw a set of a scene ("train", "val", "test") and return the inputs and targets of the recipe's network.

    Errors: InputError for another n than the scene's, or if the occupancy network is missing or not needed.
    """
    _check_types(recipe, scene, occupancy)
    counts = {"train": recipe.samples, "val": recipe.val_samples, "test": recipe.test_samples}
    check_choice("training: the set", set_name, counts)
    if recipe.n != scene.n:
        raise InputError(f"recipe: n is {recipe.n}, the scene has {scene.n} cells per side; expected the same")
    if recipe.is_second_stage != (occupancy is not None):
        raise InputError(f"training: {recipe.method}, stage {recipe.stage}, "
                         f"{'with' if occupancy else 'without'} an occupancy network; expected one for the localizer "
                         "of a two-stage method, and for nothing else")
    count = counts[set_name]
    samples = sampling.draw(scene, set_name, count, recipe.sensors, recipe.n_max, recipe.powers_dbm, recipe.seed)
    if recipe.stage == "occupancy":
        return OccupancySet(samples, scene, recipe, device)
    return LocalizerSet(samples, scene.threshold_dbm, recipe, occupancy and occupancy.infer, device)


def _check_types(recipe: EmitterRecipe, scene: Scene, occupancy: Model | None) -> None:
    check_type("recipe", recipe, EmitterRecipe)
    check_type("scene", scene, Scene)
    if occupancy is not None:
        check_type("occupancy", occupancy, Model)


class EmitterTrainer(Trainer):
    """Trains one network on the set "train" of a scene and keeps the epoch with the lowest loss on "val".

    Parameters: recipe; scene; occupancy, the trained first stage of a two-stage method, which stays fixed; path, of
    the checkpoint; device.

    Errors: those of `draw_set`; InputError for `augment` on a map with indoor cells, or if the training diverges.
    Source: paper 2, Section III.D.

    >>> recipe = EmitterRecipe(method="two_stage_logit", stage="occupancy", epochs=5)   # doctest: +SKIP
    >>> EmitterTrainer(recipe, scene).fit()                                             # doctest: +SKIP
    """

    def __init__(self, recipe: EmitterRecipe, scene: Scene, occupancy: Model | None = None,
                 path: str | Path | None = None, device: str = "auto"):
        _check_types(recipe, scene, occupancy)
        if recipe.augment and not np.asarray(scene.outdoor).all():
            raise InputError("recipe: augment is true on a map with indoor cells; expected free space, since a "
                             "reflected city is another city; set augment to false")
        torch.set_num_threads(recipe.threads)
        self.recipe, self.scene, self.occupancy, self.model = recipe, scene, occupancy, build(recipe, device)
        self.sets = {name: draw_set(recipe, scene, name, occupancy, self.model.device) for name in ("train", "val")}
        self.batch_size = min(recipe.batch_size, recipe.samples)
        # the last, short batch of an epoch is dropped
        self.batches = recipe.samples // self.batch_size
        steps = recipe.epochs * self.batches
        super().__init__(f"{recipe.method} {recipe.stage}", [self.model.net], [optimizer(recipe, self.model, steps)],
                         [recipe.seed], recipe.epochs, path=path)

    def batch_losses(self, number: int) -> Iterator[Tensor]:
        """Yield the loss of each batch of an epoch, in a new permutation of the samples."""
        train, generator = self.sets["train"], self.generators[number]
        permutation = torch.randperm(len(train), generator=generator).to(self.model.device)
        for chosen in permutation.split(self.batch_size)[: self.batches]:
            image, target = train.batch(chosen)
            if self.recipe.augment:
                image, target = symmetric(train, image, target)
            yield train.loss(self.model, image, target, self._margin(len(image), generator))

    @torch.no_grad()
    def validate(self) -> tuple[float, dict]:
        """Return the mean loss on "val": of the list alone, or of the occupancy at four margins in turn."""
        val, total = self.sets["val"], 0.0
        self.model.net.eval()
        for chosen in val.parts():
            margin = (chosen % 4 / 4 * self.recipe.margin_db * MARGIN_STEPS).to(torch.uint8)
            total += float(val.loss(self.model, *val.batch(chosen), margin)) * len(chosen)
        return total / len(val), {"val_loss": total / len(val)}

    def key(self) -> str:
        """Return the key that identifies this training: code, recipe, data, first stage, device and precision."""
        drawn = [[samples.sensor, samples.value, samples.target] for samples in self.sets.values()]
        scene = self.scene.threshold_dbm, np.asarray(self.scene.outdoor)
        first = self.occupancy and dict(self.occupancy.state_dict())
        return checkpoint.key(__name__, asdict(self.recipe), scene, drawn, first, self.model.device.type,
                              str(self.model.dtype))

    def _margin(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw the margins of a batch, in quarters of a dB: 0 for a quarter of it."""
        drawn = torch.rand(2, count, generator=generator)
        steps = (drawn[0] * self.recipe.margin_db * MARGIN_STEPS).floor() * (drawn[1] < 0.75)
        return steps.to(torch.uint8).to(self.model.device)
