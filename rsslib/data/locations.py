"""Locations of transmitters: which samples were taken at one, and what lies too near a sample held out."""

from itertools import product

import numpy as np

NEAR_M = 0.5
"""Transmitters within this distance are at one location, but in the paper's splits [m]."""
TRACK_M = 5.0
"""A location is at most this wide [m]. A track of samples nearer than NEAR_M is cut: samples of train and val within
NEAR_M of a cut are left out."""


def locations(places: np.ndarray, near: bool) -> np.ndarray:
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


def apart(places: np.ndarray, sets: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the sets without those samples of train and val that lie within NEAR_M of a sample held out from them."""
    from scipy.spatial import KDTree

    held_out = [samples for name, samples in sets.items() if name not in ("train", "val")]
    for name in ("val", "train"):
        other = KDTree(places[np.concatenate(held_out)])
        sets = sets | {name: sets[name][other.query(places[sets[name]])[0] > NEAR_M]}
        held_out.append(sets[name])
    return sets
