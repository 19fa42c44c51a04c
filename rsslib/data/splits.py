"""Data splits as named index sets: the paper's Random, Seasonal and GridN, and the two published with the measurements.

Neither training nor validation samples share a transmitter location with another set. The paper's splits tell locations
apart by their exact coordinates, as the authors do. In splits of other data, and in the published ones, transmitters
within NEAR_M are at one location. (The held-out sets of several seasons may share locations with each other.)

The split `blocks` is ours: it holds out stretches of time instead, and a place may be passed again at another time.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.arguments import shown, whole
from rsslib.data import blocks, download, measurements
from rsslib.data.grid import transmitters
from rsslib.data.index_sets import checked, indices
from rsslib.data.locations import NEAR_M, apart, locations
from rsslib.files import read_json
from rsslib.project import InputError

SEASONS = ("july", "november")
EXACT = ("frs", "campus")
"""The sources of data in which locations are told apart by their exact coordinates: merged, all sets would change."""
PUBLISHED = {"published_random": "random_test.json", "published_grid": "grid_test.json"}
"""The splits published with the Utah measurements, and the file that lists the test samples of each."""
MARGIN_M = 15.0
"""Half a 30 m pixel: with it, and locations numbered from the north, the sets have the published sizes."""
_GRIDS = {f"grid{n}": n for n in range(2, 101)}    # finer ones take minutes to draw, and few cells contain samples
_REPORTED = {"random": "test", "july": "november", "november": "july", **dict.fromkeys(_GRIDS, "ood"),
             "blocks": "test", **dict.fromkeys(PUBLISHED, "test")}


def report_set(split: str) -> str:
    """Return the name of the set that Table II reports for `split`: test, november, july, or ood for every gridN.

    It is test, too, for blocks and the published splits. Errors: InputError for an unknown split.

    >>> report_set("july")
    'november'
    """
    if not isinstance(split, str) or split not in _REPORTED:
        raise InputError(f"split {shown(split)}: expected random, july, november, gridN with N from 2 to 100 "
                         f"such as grid2, blocks, {' or '.join(PUBLISHED)}")
    return _REPORTED[split]


def holdout(dataset: xr.Dataset, samples: np.ndarray, share: float = 0.2,
            seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Split `samples` by location into (kept, held out) index arrays; `share` of the locations is held out.

    Equal to scikit-learn's `train_test_split(locations, test_size=share, random_state=seed)`: the first ceil(share n)
    of a random permutation of the locations are held out. (Training does not need scikit-learn.)
    Errors: InputError for no samples or what is no index set, a share outside 0..1, and those of `make` for `dataset`
    and `seed`.

    >>> from rsslib import data
    >>> kept, held_out = holdout(data.load("campus"), np.arange(10))
    >>> len(kept), len(held_out)
    (8, 2)
    """
    places = _places(dataset)
    if not isinstance(share, (float, np.floating)) or not 0 < share < 1:
        raise InputError(f"share is {shown(share)}; expected a share of the locations, such as 0.2")
    samples = indices(samples, len(places), "samples to split")
    kept, held_out = _hold_out(locations(places, dataset.attrs["source"] not in EXACT), samples, _seed(seed), share)
    if not len(kept):
        raise InputError(f"samples to split: all {len(samples)} are at one location; expected two locations or more")
    return kept, held_out


def grid_test_cells(n: int, seed: int = 0) -> list[int]:
    """Return the cells of an n x n partition reserved for the OOD test, cell = xbin * n + ybin.

    n^2 - round(0.8 n^2) cells are drawn one at a time without replacement. Index neighbours (+-1, +-n) of drawn cells
    are drawn only when no other cells are left.
    Errors: InputError for n < 2 or n > 100. Source: paper 1, Section II.B; details: the authors' published code.

    >>> grid_test_cells(5)
    [12, 20, 5, 1, 14]
    """
    n, rng = _bins(n), np.random.RandomState(_seed(seed))
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


def cells(dataset: xr.Dataset, n: int) -> np.ndarray:
    """Return the cell of each sample, (samples,), in an n x n partition of the site: cell = xbin * n + ybin.

    The bins are equal and cover the extent of the transmitters plus MARGIN_M on each side. Errors: those of `make`.
    """
    return _cells(_places(dataset), _bins(n))


def unseen_cells(dataset: xr.Dataset, n: int, seed: int = 0) -> list[tuple[float, float, float, float]]:
    """Return the box of each unseen cell of an n x n partition: west, south, east, north [m, UTM].

    The cells are those of `grid_test_cells(n, seed)`, with the same errors; the partition is that of `cells`.

    >>> from rsslib import data
    >>> len(unseen_cells(data.load("campus"), 5))
    5
    """
    bins = [divmod(cell, n) for cell in grid_test_cells(n, seed)]
    x, y = (edges.tolist() for edges in _edges(_places(dataset), n))
    return [(x[column], y[row], x[column + 1], y[row + 1]) for column, row in bins]


def make(dataset: xr.Dataset, name: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Return the index sets of a split, a key of `report_set`, drawn with `seed`.

    random: train, val, test. july and november (the training season): train, val, the held-out fifth of each season as
    july, november and april, and for july also november_all, that season except at locations of train or val. gridN:
    train, val (both in seen cells) and ood (in unseen cells). published_random and published_grid (Utah measurements
    only): test, the samples that the published file lists; train and val, drawn as in random from all other locations
    of all seasons: `seed` does not change test. blocks: train, val, test; a fifth of the blocks of two minutes are
    test, a fifth of the others val, and training samples within 30 s of either are left out (`rsslib.data.blocks`).
    Errors: InputError for an unknown name, a seed outside 0..2^32 - 1, invalid measurements, a sample without a known
    transmitter or with several, an empty set, or a published list that cannot be had.
    Source: paper 1, Section II.B; details: the authors' published code.

    >>> from rsslib import data
    >>> {name: len(samples) for name, samples in make(data.load("campus"), "random").items()}
    {'train': 2929, 'val': 733, 'test': 916}
    """
    report_set(name)    # refuses an unknown name
    return drawn(measurements.validate(dataset, "dataset"), name, _seed(seed))


def drawn(dataset: xr.Dataset, name: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Return what `make` returns, for measurements, a name and a seed that were checked. Errors: those of `make`."""
    places, source = _located(dataset), dataset.attrs["source"]
    location = locations(places, name in PUBLISHED or source not in EXACT)
    if name == "blocks":
        sets = _blocks(dataset.time.values, seed)
    elif name in PUBLISHED:
        sets = _published(dataset, location, name, seed)
    elif name in SEASONS:
        sets = _seasonal(dataset, location, name, seed)
    else:
        rest, held_out = _hold_out(location, np.arange(len(location)), seed)
        if name == "random":
            train, val = _hold_out(location, rest, seed)
            sets = {"train": train, "val": val, "test": held_out}
        else:
            unseen = np.isin(_cells(places, _GRIDS[name]), grid_test_cells(_GRIDS[name], seed))
            across = np.isin(location, location[unseen])    # with the rest of locations that lie across an edge
            sets = {"train": rest[~across[rest]], "val": held_out[~across[held_out]], "ood": rest[unseen[rest]]}
    if name != "blocks" and (name in PUBLISHED or source not in EXACT):
        sets = apart(places, sets)
    for key, samples in sets.items():
        if not len(samples):
            raise InputError(f"split {name}: the set {key!r} is empty; the data set is too small, or its samples lie "
                             f"too near each other: within {NEAR_M} m they are at one location")
    return sets


def near_pairs(dataset: xr.Dataset, sets: Mapping[str, np.ndarray]) -> dict[str, tuple[int, int]]:
    """Return how many samples have another within NEAR_M, and of how many: of all, and of each set but "train".

    Input: sets, what `make` returns. For a set, the other sample is one of "train". Errors: those of `make`; InputError
    for what are no index sets with one named "train".
    """
    from scipy.spatial import KDTree

    places = _places(dataset)
    sets = checked(sets, len(places), "near_pairs", needed=("train",))
    near = {"all": KDTree(places).query(places, k=2)[0][:, 1] <= NEAR_M}
    for name in [name for name in sets if name != "train"]:
        near[name] = KDTree(places[sets["train"]]).query(places[sets[name]])[0] <= NEAR_M
    return {name: (int(found.sum()), len(found)) for name, found in near.items()}


def _places(dataset: Any) -> np.ndarray:
    """Return the transmitters' locations, (samples, 2) [m]; InputError for invalid measurements or an unknown one."""
    return _located(measurements.validate(dataset, "dataset"))


def _located(dataset: xr.Dataset) -> np.ndarray:
    x, y = transmitters(dataset)
    unknown = np.isnan(x)
    if unknown.any():
        first = dataset.time.values[unknown.argmax()].astype("datetime64[s]")
        raise InputError(f"dataset: sample {first}: the transmitter's location is not known ({unknown.sum()} of "
                         f"{len(x)} samples); splits are made by location: keep the samples that have one")
    return np.stack([x, y], axis=1)


def _seed(seed: Any) -> int:
    return whole("seed", seed, 0, 2**32 - 1)


def _bins(n: Any) -> int:
    return whole("n", n, 2, 100, "a whole number of bins per side, 2 to 100")


def _hold_out(location: np.ndarray, samples: np.ndarray, seed: int,
              share: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Split `samples` into (kept, held out); location is that of every sample of the data set."""
    if not len(samples):
        raise InputError("splits: no samples left to hold out; the data set is too small")
    number = np.unique(location[samples], return_inverse=True)[1]
    n = number.max() + 1
    permutation = np.random.RandomState(seed).permutation(n)
    held_out = np.isin(number, permutation[: int(np.ceil(share * n))])
    return samples[~held_out], samples[held_out]


def _edges(places: np.ndarray, n: int) -> list[np.ndarray]:
    """Return the n + 1 edges of the bins along x and y [m]."""
    return [np.linspace(axis.min() - MARGIN_M, axis.max() + MARGIN_M, n + 1) for axis in places.T]


def _cells(places: np.ndarray, n: int) -> np.ndarray:
    x_bin, y_bin = (np.digitize(axis, edges) - 1 for axis, edges in zip(places.T, _edges(places, n)))
    return x_bin * n + y_bin


def _seasonal(dataset: xr.Dataset, location: np.ndarray, trained_on: str, seed: int) -> dict[str, np.ndarray]:
    season = dataset.season.values
    seasons = {name: np.flatnonzero(season == name) for name in ("july", "november", "april")}
    for name, samples in seasons.items():
        if len(samples) < 5:
            raise InputError(f"season {name}: expected at least 5 samples, found {len(samples)}; choose another split "
                             "or add measurements")
    visited = [np.unique(location[samples]) for samples in seasons.values()]
    if len(np.unique(np.concatenate(visited))) == sum(map(len, visited)):
        parts = {name: _hold_out(location, samples, seed) for name, samples in seasons.items()}
    else:    # a location of several seasons is held out of all of them or of none
        halves = _hold_out(location, np.arange(len(location)), seed)
        parts = {name: (halves[0][season[halves[0]] == name], halves[1][season[halves[1]] == name]) for name in seasons}
    train, val = _hold_out(location, parts[trained_on][0], seed)
    sets = {"train": train, "val": val} | {name: held_out for name, (_, held_out) in parts.items()}
    if trained_on == "july":
        november = seasons["november"]
        sets["november_all"] = november[~np.isin(location[november], location[parts["july"][0]])]
    return sets


def _blocks(time: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    block = blocks.numbers(time)
    rest, test = _hold_out(block, np.arange(len(block)), seed)
    train, val = _hold_out(block, rest, seed)
    return {"train": blocks.far_from(time, train, np.concatenate([val, test])), "val": val, "test": test}


def _published(dataset: xr.Dataset, location: np.ndarray, name: str, seed: int) -> dict[str, np.ndarray]:
    if dataset.attrs["source"] != "frs":
        raise InputError(f"split {name}: the published list is of the Utah measurements (source frs), and source is "
                         f"{dataset.attrs['source']!r}; choose another split")
    path = download.locate(PUBLISHED[name])
    listed = np.array(list(read_json(path, "samples by time stamp")), "datetime64[ns]")
    missing = ~np.isin(listed, dataset.time.values)
    if missing.any():
        raise InputError(f"split {name}: the dataset lacks {missing.sum()} of the {len(listed)} samples in {path.name}"
                         f", the first is {pd.Timestamp(listed[missing.argmax()])}; expected all Utah measurements of "
                         "one transmitter: take data.load('frs') as it is, or choose another split")
    test = np.flatnonzero(np.isin(dataset.time.values, listed))
    train, val = _hold_out(location, np.flatnonzero(~np.isin(location, location[test])), seed)
    return {"train": train, "val": val, "test": test}
