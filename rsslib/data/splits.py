"""Data splits as named index sets: the paper's Random, Seasonal and GridN, and the two published with the measurements.

Neither training nor validation samples share a transmitter location with another set. The paper's splits tell locations
apart by their exact coordinates, as the authors do. In splits of other data, and in the published ones, transmitters
within NEAR_M are at one location. (The held-out sets of several seasons may share locations with each other.)
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from rsslib.data import download, measurements
from rsslib.data.grid import transmitters
from rsslib.data.index_sets import checked, indices
from rsslib.files import read_json
from rsslib.project import InputError

SEASONS = ("july", "november")
EXACT = ("frs", "campus")
"""The sources of data in which locations are told apart by their exact coordinates: merged, all sets would change."""
PUBLISHED = {"published_random": "random_test.json", "published_grid": "grid_test.json"}
"""The splits published with the Utah measurements, and the file that lists the test samples of each."""
MARGIN_M = 15.0
"""Half a 30 m pixel: with it, and locations numbered from the north, the sets have the published sizes."""
NEAR_M = 0.5
"""Transmitters within this distance are at one location, but in the paper's splits [m]."""
TRACK_M = 5.0
"""A location is at most this wide [m]. A track of samples nearer than NEAR_M is cut: samples of train and val within
NEAR_M of a cut are left out."""
_GRIDS = {f"grid{n}": n for n in range(2, 101)}    # finer ones take minutes to draw, and few cells contain samples
_REPORTED = {"random": "test", "july": "november", "november": "july", **dict.fromkeys(_GRIDS, "ood"),
             **dict.fromkeys(PUBLISHED, "test")}


def report_set(split: str) -> str:
    """Return the name of the set that Table II reports for `split`: test, november, july, or ood for every gridN.

    It is test, too, for the published splits. Errors: InputError for an unknown split.

    >>> report_set("july")
    'november'
    """
    if not isinstance(split, str) or split not in _REPORTED:
        found = repr(split[:60]) if isinstance(split, str) else f"of type {type(split).__name__}"
        raise InputError(f"split {found}: expected random, july, november, gridN with N from 2 to 100 such as "
                         f"grid2, {' or '.join(PUBLISHED)}")
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
        raise InputError("share: expected a share of the locations between 0 and 1, such as 0.2")
    samples = indices(samples, len(places), "samples to split")
    return _hold_out(_locations(places, dataset.attrs["source"] not in EXACT), samples, _seed(seed), share)


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
    of all seasons: `seed` does not change test.
    Errors: InputError for an unknown name, a seed outside 0..2^32 - 1, invalid measurements, a sample without a known
    transmitter or with several, an empty set, or a published list that cannot be had.
    Source: paper 1, Section II.B; details: the authors' published code.

    >>> from rsslib import data
    >>> {name: len(samples) for name, samples in make(data.load("campus"), "random").items()}
    {'train': 2929, 'val': 733, 'test': 916}
    """
    report_set(name)    # refuses an unknown name
    seed, places, source = _seed(seed), _places(dataset), dataset.attrs["source"]
    location = _locations(places, name in PUBLISHED or source not in EXACT)
    if name in PUBLISHED:
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
    if name in PUBLISHED or source not in EXACT:
        sets = _apart(places, sets)
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
    x, y = transmitters(measurements.validate(dataset, "dataset"))
    unknown = np.isnan(x)
    if unknown.any():
        first = dataset.time.values[unknown.argmax()].astype("datetime64[s]")
        raise InputError(f"dataset: sample {first}: the transmitter's location is not known ({unknown.sum()} of "
                         f"{len(x)} samples); splits are made by location: keep the samples that have one")
    return np.stack([x, y], axis=1)


def _seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise InputError(f"seed: expected a whole number from 0 to {2**32 - 1}; this one is of type "
                         f"{type(seed).__name__}, or outside")
    return int(seed)


def _bins(n: Any) -> int:
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n not in _GRIDS.values():
        raise InputError("n: expected 2 to 100 bins per side, a whole number, as in grid2")
    return int(n)


def _locations(places: np.ndarray, near: bool) -> np.ndarray:
    """Return the number of each sample's location, counted from north to south."""
    distinct, number = np.unique(-places[:, ::-1], axis=0, return_inverse=True)
    return _neighbourhoods(distinct)[number.ravel()] if near else number.ravel()


def _neighbourhoods(places: np.ndarray) -> np.ndarray:
    """Return the number of each place's group: groups are joined wherever two of their places lie within NEAR_M.

    A walk with a sample at each step would be one group: groups that span more than TRACK_M are cut into squares.
    """
    from scipy.sparse import coo_array  # imported here: the paper's own splits need no scipy
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    # The places in a square of this side all lie within NEAR_M. As two more coordinates, the squares' numbers put other
    # squares out of reach: a query sees one square alone, and a crowd of places at one spot costs no more than others.
    squares = np.floor(places / (NEAR_M / np.sqrt(2)))
    square = np.unique(squares, axis=0, return_inverse=True)[1].ravel()
    tree = KDTree(np.hstack([places, squares]))
    pairs = [np.empty((2, 0), int)]
    for shift in product(range(3), range(-2, 3)):
        distance, other = tree.query(np.hstack([places, squares + shift]), distance_upper_bound=np.nextafter(NEAR_M, 1))
        near = np.isfinite(distance)
        pairs.append(np.stack([square[near], square[other[near]]]))
    one, another = np.concatenate(pairs, axis=1)
    n = square.max() + 1
    group = connected_components(coo_array((np.ones(len(one)), (one, another)), (n, n)), directed=False)[1][square]
    low, high = np.full((2, group.max() + 1, 2), np.inf)
    np.minimum.at(low, group, places)
    np.minimum.at(high, group, -places)
    long = (-high - low).max(axis=1) > TRACK_M
    cell = np.where(long[group, None], np.floor(places / TRACK_M), 0)
    return np.unique(np.column_stack([group, cell]), axis=0, return_inverse=True)[1].ravel()


def _apart(places: np.ndarray, sets: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the sets without those samples of train and val that lie within NEAR_M of a sample held out from them."""
    from scipy.spatial import KDTree

    held_out = [samples for name, samples in sets.items() if name not in ("train", "val")]
    for name in ("val", "train"):
        other = KDTree(places[np.concatenate(held_out)])
        sets = sets | {name: sets[name][other.query(places[sets[name]])[0] > NEAR_M]}
        held_out.append(sets[name])
    return sets


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


def _published(dataset: xr.Dataset, location: np.ndarray, name: str, seed: int) -> dict[str, np.ndarray]:
    if dataset.attrs["source"] != "frs":
        raise InputError(f"split {name}: the published list is of the Utah measurements (source frs), and source is "
                         f"{dataset.attrs['source']!r}; choose another split")
    listed = list(read_json(download.locate(PUBLISHED[name]), "samples by time stamp"))
    test = np.flatnonzero(np.isin(dataset.time.values, np.array(listed, "datetime64[ns]")))
    train, val = _hold_out(location, np.flatnonzero(~np.isin(location, location[test])), seed)
    return {"train": train, "val": val, "test": test}
