"""Named index sets of the paper's data separations: Random, Seasonal, GridN; never two sets at one location."""

import re

import numpy as np
import xarray as xr

from rsslib.data.grid import transmitters
from rsslib.project import InputError

SEASONS = ("july", "november")
MARGIN_M = 15.0
"""Half a 30 m pixel: with it (and locations numbered from the north) the sets' sizes are the published ones."""


def report_set(split: str) -> str:
    """Return the name of the set that Table II reports for `split`: test, november, july, or ood for every gridN.

    >>> report_set("july")
    'november'
    """
    return {"random": "test", "july": "november", "november": "july"}.get(split, "ood")


def _locations(dataset: xr.Dataset, samples: np.ndarray) -> np.ndarray:
    """Number the transmitter locations of `samples` from north to south; samples at one location share its number."""
    x, y = transmitters(dataset)
    return np.unique(np.stack([-y[samples], -x[samples]], axis=1), axis=0, return_inverse=True)[1].ravel()


def holdout(dataset: xr.Dataset, samples: np.ndarray, share: float = 0.2,
            seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Split `samples` by location into (kept, held out) index arrays; `share` of the locations is held out.

    The draw is scikit-learn's `train_test_split(locations, test_size=share, random_state=seed)`: one random
    permutation, its first ceil(share n) locations held out. Written out because training does without
    scikit-learn; the tests compare the two. Errors: InputError for no samples.
    """
    if not len(samples):
        raise InputError("splits: no samples are left to hold some out; the data set is too small")
    location = _locations(dataset, samples)
    n = location.max() + 1
    permutation = np.random.RandomState(seed).permutation(n)
    held = np.isin(location, permutation[: int(np.ceil(share * n))])
    return samples[~held], samples[held]


def grid_test_cells(n: int, seed: int = 0) -> list[int]:
    """Return the cells of an n x n partition that are kept for the OOD test (cell = xbin * n + ybin).

    n^2 - round(0.8 n^2) cells are drawn one at a time; a drawn cell and its index neighbours (+-1, +-n)
    leave the urn, and only when it is empty are the neighbours drawn from as well.
    Errors: InputError for n < 2 or n > 100. Source: paper 1, Section II.B; details: the authors' published code line.

    >>> grid_test_cells(5)
    [12, 20, 5, 1, 14]
    """
    if not 2 <= n <= 100:  # finer ones would take minutes to draw, and few would hold a sample
        raise InputError(f"grid{n}: expected 2 to 100 bins a side, for instance grid2")
    rng = np.random.RandomState(seed)
    urn = list(range(n * n))
    neighbours: list[int] = []
    drawn: list[int] = []
    while len(drawn) < n * n - round(0.8 * n * n):
        source = urn or neighbours
        cell = source.pop(rng.randint(len(source)))
        drawn.append(cell)
        for other in (cell - 1, cell + 1, cell - n, cell + n):
            if other in urn:
                urn.remove(other)
                neighbours.append(other)
    return drawn


def _edges(dataset: xr.Dataset, n: int) -> list[np.ndarray]:
    """Return the n + 1 edges of equal bins along x and y [m], over the transmitters' extent and MARGIN_M beyond."""
    return [np.linspace(axis.min() - MARGIN_M, axis.max() + MARGIN_M, n + 1) for axis in transmitters(dataset)]


def cells(dataset: xr.Dataset, n: int) -> np.ndarray:
    """Return the cell of each sample, (samples,), in an n x n partition of the site: cell = xbin * n + ybin.

    The bins are equal, over the transmitters' extent and MARGIN_M beyond it on every side.
    """
    x_bin, y_bin = (np.digitize(axis, edges) - 1 for axis, edges in zip(transmitters(dataset), _edges(dataset, n)))
    return x_bin * n + y_bin


def unseen_cells(dataset: xr.Dataset, n: int, seed: int = 0) -> list[tuple[float, float, float, float]]:
    """Return the box of each unseen cell of an n x n partition: west, south, east, north [m, UTM].

    They are the cells of `grid_test_cells(n, seed)`, in that sequence, placed as in `cells`. Errors: the same.

    >>> from rsslib import data
    >>> len(unseen_cells(data.load("campus"), 5))
    5
    """
    x, y = (edges.tolist() for edges in _edges(dataset, n))
    bins = [divmod(cell, n) for cell in grid_test_cells(n, seed)]
    return [(x[column], y[row], x[column + 1], y[row + 1]) for column, row in bins]


def make(dataset: xr.Dataset, name: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Return the index sets of a split: "random", "july", "november" or "gridN" (N = 2, 3, ...).

    random: train, val, test. july and november (the season trained on): train, val, then the held-out
    fifth of each season under its name, and november_all under july. gridN: train, val (both in seen
    cells; val also stops the training) and ood (in unseen cells).
    Errors: InputError for an unknown name or a set left empty.
    Source: paper 1, Section II.B; details from the authors' published code line.

    >>> from rsslib import data
    >>> {name: len(samples) for name, samples in make(data.load("campus"), "random").items()}
    {'train': 2929, 'val': 733, 'test': 916}
    """
    if name in SEASONS:
        sets = _seasonal(dataset, name, seed)
    elif name == "random" or re.fullmatch(r"grid\d+", name):
        rest, held = holdout(dataset, np.arange(dataset.sizes["sample"]), seed=seed)
        if name == "random":
            train, val = holdout(dataset, rest, seed=seed)
            sets = {"train": train, "val": val, "test": held}
        else:
            n = int(name.removeprefix("grid"))
            unseen = np.isin(cells(dataset, n), grid_test_cells(n, seed))
            sets = {"train": rest[~unseen[rest]], "val": held[~unseen[held]], "ood": rest[unseen[rest]]}
    else:
        raise InputError(f"split {name!r}: expected random, july, november or gridN such as grid2")
    for key, samples in sets.items():
        if not len(samples):
            raise InputError(f"split {name}: its set {key!r} is empty; the data set is too small for it")
    return sets


def _seasonal(dataset: xr.Dataset, trained_on: str, seed: int) -> dict[str, np.ndarray]:
    sets: dict[str, np.ndarray] = {}
    for season in ("july", "november", "april"):
        samples = np.flatnonzero(dataset.season.values == season)
        if len(samples) < 5:
            raise InputError(f"season {season}: expected at least 5 samples, found {len(samples)}; "
                             "choose another split or add measurements")
        rest, sets[season] = holdout(dataset, samples, seed=seed)
        if season == trained_on:
            sets["train"], sets["val"] = holdout(dataset, rest, seed=seed)
        elif season == "november":
            sets["november_all"] = samples
    names = ["train", "val", "july", "november", "april"] + (["november_all"] if trained_on == "july" else [])
    return {name: sets[name] for name in names}
