"""What a network of the second paper is trained on: maps and targets, a batch at a time, from sparse samples."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from rsslib.emitters import images as emitter_images
from rsslib.emitters import samples as emitters
from rsslib.emitters.loss import training_loss
from rsslib.emitters.networks import second_input
from rsslib.emitters.recipe import EmitterRecipe, Model
from rsslib.emitters.samples import Samples, Scene
from rsslib.project import InputError

CACHE_BYTES = 2**30
"""Occupancy logits are kept, in 16 bits, while they are smaller: 164 MB for 20,000 maps of 64 x 64."""


def turned(image: Tensor, symmetry: int) -> Tensor:
    """Return maps (..., n, n) in a symmetry of the square, 0 to 7: 1 flips columns, 2 rows, 4 then transposes."""
    image = image.flip(-1) if symmetry & 1 else image
    image = image.flip(-2) if symmetry & 2 else image
    return image.transpose(-1, -2) if symmetry & 4 else image


def turned_labels(labels: Tensor, symmetry: int) -> Tensor:
    """Return the labels (..., 3) of maps that were `turned`; what is absent stays 0."""
    there, row, column = labels.unbind(-1)
    column = 1 - column if symmetry & 1 else column
    row = 1 - row if symmetry & 2 else row
    row, column = (column, row) if symmetry & 4 else (row, column)
    return torch.stack([there, row * there, column * there], dim=-1)


class Feed:
    """Maps of samples as a localizer sees them, with their label matrices.

    Parameters: samples; threshold_dbm; recipe of the network; the frozen network that a two-stage method looks through:
    `logits_of` images (batch, 1, n, n).
    """

    turn = staticmethod(turned_labels)

    def __init__(self, samples: Samples, threshold_dbm: float, recipe: EmitterRecipe,
                 logits_of: Callable[[Tensor], Tensor] | None = None, device: torch.device | str = "cpu"):
        self.n, self.threshold_dbm, self.recipe, self.logits_of = samples.n, threshold_dbm, recipe, logits_of
        self.sensor = torch.from_numpy(samples.sensor).long().to(device)
        self.value = torch.from_numpy(samples.value).to(device)
        self.target = torch.from_numpy(emitter_images.labels(samples, recipe.n_max)).to(device)
        self.kept: Tensor | None = None
        if logits_of is not None and 2 * len(samples) * samples.n**2 <= CACHE_BYTES:
            chosen = torch.arange(len(samples), device=device)
            self.kept = torch.cat([logits_of(self.sensed(part)).half() for part in chosen.split(250)])

    def __len__(self) -> int:
        return len(self.sensor)

    def sensed(self, chosen: Tensor) -> Tensor:
        """Return the sensors' images, Eq. (4), of the samples chosen."""
        return emitter_images.input_image(self.sensor[chosen], self.value[chosen], self.threshold_dbm, self.n)

    def image(self, chosen: Tensor) -> Tensor:
        """Return the network's input, (batch, maps, n, n)."""
        beside = self.recipe.maps == 2
        sensed = self.sensed(chosen) if beside or self.kept is None else None
        if self.logits_of is None:
            return sensed
        # through 16 bits also where nothing is kept: memory must not change a result
        logits = self.logits_of(sensed).half() if self.kept is None else self.kept[chosen]
        return second_input(logits, self.recipe.method, sensed if beside else None)

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return the maps and the targets of the samples chosen."""
        return self.image(chosen), self.target[chosen]

    def loss(self, said: Tensor | tuple[Tensor, Tensor], target: Tensor) -> Tensor:
        """Return the training loss (see `emitter_loss.training_loss`)."""
        return training_loss(said, target, self.n, self.recipe.near_weight)


class OccupancyFeed(Feed):
    """Sensors' images with the margin over the whole map as target; only outdoor cells count.

    The loss asks for P > T, or for P > T + m with a margin m for each sample (see `EmitterRecipe.margin_db`).
    """

    turn = staticmethod(turned)

    def __init__(self, samples: Samples, scene: Scene, recipe: EmitterRecipe, device: torch.device | str = "cpu"):
        super().__init__(samples, scene.threshold_dbm, recipe, device=device)
        self.target = torch.from_numpy(emitter_images.margins(scene, samples)).to(device)
        self.outdoor = torch.from_numpy(np.array(scene.outdoor, np.float32)).to(device)

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        return self.sensed(chosen), self.target[chosen]

    def loss(self, said: Tensor, target: Tensor, margin: Tensor | None = None,
             slope: Tensor | float = 1.0) -> Tensor:
        """Return the mean binary cross-entropy of logit - s m against P > T + m over the outdoor cells.

        margin: each sample's m in quarters of a dB, (batch,) uint8; None for 0, the paper's loss; slope: s [1/dB].
        """
        margin = torch.zeros(len(said), dtype=torch.uint8, device=said.device) if margin is None else margin
        margin = margin[:, None, None]
        costs = F.binary_cross_entropy_with_logits(said[:, 0] - slope * (margin / emitter_images.MARGIN_STEPS),
                                                   (target > margin).float(), reduction="none")
        return (costs * self.outdoor).sum() / (self.outdoor.sum() * len(said))

    def right(self, said: Tensor, target: Tensor) -> Tensor:
        """Return each sample's share of outdoor cells told right at 0.5, (batch,)."""
        right = ((said[:, 0] > 0) == (target > 0)).float() * self.outdoor
        return right.sum((1, 2)) / self.outdoor.sum()


def symmetric(feed: Feed, image: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return a batch with an eighth of it in each symmetry of the square; the order of the samples stays.

    Batches are shuffled, so that each sample meets all symmetries.
    """
    images, targets = image.chunk(8), target.chunk(8)
    return (torch.cat([turned(part, symmetry) for symmetry, part in enumerate(images)]),
            torch.cat([feed.turn(part, symmetry) for symmetry, part in enumerate(targets)]))


def check_augment(scene: Scene, augment: bool) -> None:
    """Raise InputError where symmetries are asked for on a map with buildings."""
    if augment and not np.asarray(scene.outdoor).all():
        raise InputError("recipe: augment is true on a map with indoor cells; expected free space: a turned city is "
                         "another city, set augment to false")


def feed(recipe: EmitterRecipe, scene: Scene, set_name: str, occupancy: Model | None = None,
         device: torch.device | str = "cpu") -> Feed:
    """Draw a set of a scene ("train", "val", "test") and return it as the recipe's network sees it.

    Errors: InputError for another n than the scene's, or a two-stage localizer without its occupancy network.
    """
    if recipe.n != scene.n:
        raise InputError(f"recipe: n is {recipe.n}, the scene has {scene.n} cells a side; expected the same")
    looks = recipe.stage == "localizer" and recipe.method != "single_stage"
    if looks != (occupancy is not None):
        raise InputError(f"training: {recipe.method}, stage {recipe.stage}, "
                         f"{'without' if looks else 'with'} an occupancy network; expected one for the localizer of a "
                         "two-stage method, and for nothing else")
    count = {"train": recipe.samples, "val": recipe.val_samples, "test": recipe.test_samples}[set_name]
    samples = emitters.draw(scene, set_name, count, recipe.sensors, recipe.n_max, recipe.powers_dbm, recipe.seed)
    if recipe.stage == "occupancy":
        return OccupancyFeed(samples, scene, recipe, device)
    return Feed(samples, scene.threshold_dbm, recipe, occupancy and occupancy.says, device)
