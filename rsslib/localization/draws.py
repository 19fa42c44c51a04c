"""Ensembles drawn from the networks that were trained, for intervals that count the chance of their initial weights.

The location of a drawn ensemble follows from what `predictions` holds of each network. Its maximum mean prediction does
not: it needs the images, and is computed here while they are at hand.
"""

from itertools import combinations_with_replacement
from math import comb

import numpy as np
import torch
import xarray as xr

from rsslib.localization.ensemble import Ensemble, Samples

NAME = "max_mean_of_draw"
MOST = 462
"""Above it, the ensembles of more than 6 networks, as many are drawn at random as there are of 6."""


def draws(members: int) -> np.ndarray:
    """Return every ensemble of `members` networks drawn with replacement from as many, (draws, members), numbers.

    They are not equally likely: a resampling draws [0, 1] twice as often as [0, 0]. Of more than MOST only that many
    are returned, the ensemble itself first.

    >>> draws(2).tolist()
    [[0, 0], [0, 1], [1, 1]]
    """
    if comb(2 * members - 1, members) <= MOST:
        return np.array(list(combinations_with_replacement(range(members), members)))
    drawn = np.random.default_rng(0).integers(members, size=(MOST - 1, members))
    return np.concatenate([np.arange(members)[None], np.sort(drawn, axis=1)])


def with_maxima(located: xr.Dataset, ensemble: Ensemble, samples: Samples) -> xr.Dataset:
    """Return predictions with the maximum mean prediction of each of the `draws`, variable NAME, (sample, draw).

    Input: located, the predictions of `ensemble` for `samples`. The coordinate `drawn`, (draw, position), holds the
    networks of each draw; that with every network once has the `max_mean_prediction` of the ensemble.
    """
    drawn = draws(len(ensemble.members))
    share = torch.from_numpy(np.stack([(drawn == number).mean(axis=1) for number in range(len(ensemble.members))], 1))
    found = []
    for images in ensemble.images(samples, located.measurement.values):
        flat = images.flatten(2)
        found.append(torch.stack([(weights @ flat).amax(-1) for weights in share.to(flat)], dim=1).cpu().numpy())
    return located.assign({NAME: (("sample", "draw"), np.concatenate(found), {"units": "1"})}).assign_coords(
        drawn=(("draw", "position"), drawn))
