"""The paper's data splits as named index sets: Random, Seasonal, GridN; sets do not share transmitter locations."""

import re

import numpy as np
import xarray as xr

from rsslib.data.grid import transmitters
from rsslib.project import InputError

SEASONS = ("july", "november")
MARGIN_M = 15.0
"""Half a 30 m pixel: with it, and locations numbered from the north, the sets have the published sizes."""


def report_set(split: str) -> str:
    """Return the name of the set that Table II reports for `split`: test, november, july, or ood for every gridN.

    >>> report_set("july")
    'november'
    """
    return {"random": "test", "july": "november", "november": "july"}.get(split, "ood")


def _locations(dataset: xr.Dataset, samples: np.ndarray) -> np.ndarray:
    """Return the number of each sample's transmitter location, counted from north to south."""
    x, y = transmitters(dataset)
    return np.unique(np.stack([-y[samples], -x[samples]], axis=1), axis=0, return_inverse=True)[1].ravel()


def holdout(dataset: xr.Dataset, samples: np.ndarray, share: float = 0.2,
            seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Split `samples` by location into (kept, held out) index arrays; `share` of the locations is held out.

    Equal to scikit-learn's `train_test_split(locations, test_size=share, random_state=seed)`: the first ceil(share n)
    of a random permutation of the locations are held out. (Training does not need scikit-learn.)
    Errors: InputError for no samples.

    >>> from rsslib import data
    >>> kept, held_out = holdout(data.load("campus"), np.arange(10))
    >>> len(kept), len(held_out)
    (8, 2)
    """
    if not len(samples):
        raise InputError("splits: no samples left to hold out; the data set is too small")
    location = _locations(dataset, samples)
    n = location.max() + 1
    permutation = np.random.RandomState(seed).permutation(n)
    held_out = np.isin(location, permutation[: int(np.ceil(share * n))])
    return samples[~held_out], samples[held_out]


def grid_test_cells(n: int, seed: int = 0) -> list[int]:
    """Return the cells of an n x n partition reserved for the OOD test, cell = xbin * n + ybin.

    n^2 - round(0.8 n^2) cells are drawn one at a time without replacement. Index neighbours (+-1, +-n) of drawn cells
    are drawn only when no other cells are left.
    Errors: InputError for n < 2 or n > 100. Source: paper 1, Section II.B; details: the authors' published code.

    >>> grid_test_cells(5)
    [12, 20, 5, 1, 14]
    """
    if not 2 <= n <= 100:  # finer ones take minutes to draw, and few cells contain samples
        raise InputError(f"grid{n}: expected 2 to 100 bins per side, for instance grid2")
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
    """Return the n + 1 edges of the bins along x and y [m]."""
    return [np.linspace(axis.min() - MARGIN_M, axis.max() + MARGIN_M, n + 1) for axis in transmitters(dataset)]


def cells(dataset: xr.Dataset, n: int) -> np.ndarray:
    """Return the cell of each sample, (samples,), in an n x n partition of the site: cell = xbin * n + ybin.

    The bins are equal and cover the extent of the transmitters plus MARGIN_M on each side.
    """
    x_bin, y_bin = (np.digitize(axis, edges) - 1 for axis, edges in zip(transmitters(dataset), _edges(dataset, n)))
    return x_bin * n + y_bin


def unseen_cells(dataset: xr.Dataset, n: int, seed: int = 0) -> list[tuple[float, float, float, float]]:
    """Return the box of each unseen cell of an n x n partition: west, south, east, north [m, UTM].

    The cells are those of `grid_test_cells(n, seed)`, with the same errors; the partition is that of `cells`.

    >>> from rsslib import data
    >>> len(unseen_cells(data.load("campus"), 5))
    5
    """
    x, y = (edges.tolist() for edges in _edges(dataset, n))
    bins = [divmod(cell, n) for cell in grid_test_cells(n, seed)]
    return [(x[column], y[row], x[column + 1], y[row + 1]) for column, row in bins]


def make(dataset: xr.Dataset, name: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Return the index sets of a split: "random", "july", "november" or "gridN" (N = 2, 3, ...).

    random: train, val, test. july and november (the training season): train, val, the held-out fifth of each season as
    july, november and april, and for july also november_all. gridN: train, val (both in seen cells) and ood (in unseen
    cells).
    Errors: InputError for an unknown name or an empty set.
    Source: paper 1, Section II.B; details: the authors' published code.

    >>> from rsslib import data
    >>> {name: len(samples) for name, samples in make(data.load("campus"), "random").items()}
    {'train': 2929, 'val': 733, 'test': 916}
    """
    if name in SEASONS:
        sets = _seasonal(dataset, name, seed)
    elif name == "random" or re.fullmatch(r"grid\d+", name):
        rest, held_out = holdout(dataset, np.arange(dataset.sizes["sample"]), seed=seed)
        if name == "random":
            train, val = holdout(dataset, rest, seed=seed)
            sets = {"train": train, "val": val, "test": held_out}
        else:
            n = int(name.removeprefix("grid"))
            unseen = np.isin(cells(dataset, n), grid_test_cells(n, seed))
            sets = {"train": rest[~unseen[rest]], "val": held_out[~unseen[held_out]], "ood": rest[unseen[rest]]}
    else:
        raise InputError(f"split {name!r}: expected random, july, november or gridN such as grid2")
    for key, samples in sets.items():
        if not len(samples):
            raise InputError(f"split {name}: the set {key!r} is empty; the data set is too small")
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
