"""The choice of a rule for fed networks, by the validation set and by cells of the training set that are held out."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import xarray as xr

from rsslib.arguments import check_type, whole
from rsslib.data import index_sets, measurements
from rsslib.data.grid import transmitters
from rsslib.project import InputError
from rsslib.radio_maps import cells as held_out_cells
from rsslib.radio_maps.fed import FedLocalizer
from rsslib.radio_maps.products import Rule, located

RULES = tuple(Rule(*pair) for pair in product((0.0, 0.25, 0.5, 1.0), ("mean_near", "mean", "median", "sure")))
"""The rules among which `choose` chooses."""


@dataclass(frozen=True)
class FedChoice:
    """The chosen rule, and for each candidate its median error on `val` and in the held-out cells of `train` [m].

    score is the mean of the logarithms of the two medians, the candidate with the lowest is chosen: a rule that is a
    tenth worse inside must be a tenth better outside.
    """

    rule: Rule
    rules: tuple[Rule, ...]
    val_m: tuple[float, ...]
    cells_m: tuple[float, ...]

    @property
    def score(self) -> tuple[float, ...]:
        """Mean logarithm of the two medians of each candidate, log m."""
        return tuple(float(value) for value in np.log([self.val_m, self.cells_m]).mean(axis=0))


def errors(localizer: FedLocalizer, dataset: xr.Dataset, samples: np.ndarray,
           rules: Sequence[Rule] = RULES, handed_over: bool = True) -> np.ndarray:
    """Return the error of each sample by each rule, (rules, samples) [m]; NaN where the true location is unknown.

    Every batch is localized once for all rules. handed_over, False for the mean of the networks everywhere.
    Errors: those of `FedLocalizer.log_posteriors` and `choose`.
    """
    rules = _rules("errors", rules)
    check_type("errors: handed_over", handed_over, bool)
    localizer = localizer if handed_over else _averaged(localizer)
    grid, true, found = localizer.fitted()[0].grid, transmitters(dataset), []
    for batch, network, maps in localizer.log_posteriors(dataset, samples):
        places = [located(network, maps, rule, grid) for rule in rules]
        found.append([np.hypot(x.numpy() - true[0][batch], y.numpy() - true[1][batch]) for x, y in places])
    return np.concatenate(found, axis=1)


def choose(localizer: FedLocalizer, dataset: xr.Dataset, sets: Mapping[str, np.ndarray],
           rules: Sequence[Rule] = RULES, epochs: int = 8, cells: int = 5, parts: int = 5, seed: int = 0) -> FedChoice:
    """Return the rule with the lowest mean log median error on `val` and in cells of `train` that are held out.

    In distribution is `val`, localized by the fitted `localizer`. Out of it are the cells (see `cells.folds`): `parts`
    localizers of the same recipe, but with `epochs` epochs, are each fitted without one part of the cells, which they
    localize. No other sample than those of `train` and `val` is looked at.
    Errors: InputError for what are no rules; those of `FedLocalizer.fit` and `cells.folds`.
    """
    rules, epochs = _rules("choose", rules), whole("choose: epochs", epochs)
    size = measurements.validate(dataset, "choose: the data set").sizes["sample"]
    sets = index_sets.checked(sets, size, "choose", needed=("train", "val"))
    inside = errors(localizer, dataset, sets["val"], rules)
    recipe = replace(localizer.recipe, epochs=epochs, least_steps=min(localizer.recipe.least_steps, LEAST_STEPS))
    outside = []
    for kept, held_out in held_out_cells.folds(dataset, sets["train"], cells, parts, seed):
        part = FedLocalizer(recipe, str(localizer.device)).fit(dataset, {"train": kept, "val": held_out})
        outside.append(errors(part, dataset, held_out, rules))
    choice = FedChoice(rules[0], rules, *(tuple(float(value) for value in np.median(each, axis=1))
                                          for each in (inside, np.concatenate(outside, axis=1))))
    return replace(choice, rule=rules[int(np.argmin(choice.score))])


LEAST_STEPS = 400
"""The least steps of the networks that `choose` trains, unless the recipe asks for fewer."""


def _averaged(localizer: FedLocalizer) -> FedLocalizer:
    own, nets = copy(localizer), copy(localizer.fitted()[1])
    nets.recipe = replace(nets.recipe, real_shares=(1.0,) * len(nets.members))    # of one kind: their mean answers
    own.nets = nets
    return own


def _rules(where: str, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    check_type(f"{where}: rules", rules, Sequence, "a list of Rule")
    for rule in rules:
        check_type(f"{where}: a rule", rule, Rule)
    if not rules:
        raise InputError(f"{where}: no rules; expected at least one Rule")
    return tuple(rules)
