"""Ensembles drawn from the networks that were trained, for intervals that count the chance of their initial weights.

The location of a drawn ensemble follows from what `predictions` holds of each network. Its maximum mean prediction does
not: it needs the images, and is computed here while they are at hand.
"""

from itertools import combinations_with_replacement

import numpy as np
import torch
import xarray as xr

from rsslib.localization.ensemble import Ensemble, Samples

NAME = "max_mean_of_draw"


def draws(members: int) -> np.ndarray:
    """Return every ensemble of `members` networks drawn with replacement from as many, (draws, members), numbers.

    >>> draws(2).tolist()
    [[0, 0], [0, 1], [1, 1]]
    """
    return np.array(list(combinations_with_replacement(range(members), members)))


def with_maxima(located: xr.Dataset, ensemble: Ensemble, samples: Samples) -> xr.Dataset:
    """Return predictions with the maximum mean prediction of each drawn ensemble, variable NAME, (sample, draw).

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
