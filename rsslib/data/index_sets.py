"""Index sets: which samples train, validate or are localized, checked once where they come in."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from rsslib.arguments import array, check_type, shown
from rsslib.project import InputError, InputWarning


def checked(sets: Any, size: int, where: str, disjoint: Sequence[str] = ("train", "val"),
            needed: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Return the samples of each named set, (samples,) int64, in the order given.

    Input: sets, a mapping from names to what `indices` takes; size, number of samples of the data set; where, who asks,
    for the messages; disjoint, the sets that may share no sample with each other; needed, the sets that must be there.

    Errors: InputError naming the set, for what is no mapping of names, a set that `indices` refuses or that is missing,
    or a sample that two disjoint sets share. Warns with InputWarning where one of the disjoint sets shares samples with
    any other set: errors measured there would be too small.

    >>> checked({"train": np.array([True, False, True]), "val": [1]}, 3, "fit")
    {'train': array([0, 2]), 'val': array([1])}
    """
    check_type(f"{where}: sets", sets, Mapping, 'index sets by name, such as {"test": indices} or what splits.make '
               "returns")
    for name in sets:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise InputError(f"{where}: a set is named {name!r}; expected a name such as 'test'")
    for name in needed:
        if name not in sets:
            raise InputError(f"{where}: the set {name!r} is missing; found {', '.join(sets) or 'none'}")
    found = {name: indices(values, size, f"{where}: the set {name!r}") for name, values in sets.items()}
    _refuse_overlap(found, where, [name for name in disjoint if name in found])
    return found


def indices(values: Any, size: int, name: str, repeated: bool = False) -> np.ndarray:
    """Return the samples that `values` chooses, (samples,) int64, in the order given.

    Input: values, whole numbers from 0 to size - 1, each once unless `repeated`, or a mask of `size` booleans, as a
    list or any one-dimensional array; name, for the messages.

    Errors: InputError for anything else, also whole numbers stored as floating-point numbers, and for no sample.

    >>> indices([False, True, True], 3, "test")
    array([1, 2])
    """
    if isinstance(values, (list, tuple)) and len({isinstance(value, (bool, np.bool_)) for value in values}) > 1:
        raise InputError(f"{name} is {shown(values)}; expected whole numbers, or a mask of booleans alone")
    expected = f"whole numbers from 0 to {size - 1}, or a mask of {size} booleans"
    given = array(name, values, 1, "biu", expected)
    if given.dtype == bool and len(given) != size:
        raise InputError(f"{name} is a mask of {len(given)} booleans; expected {expected}")
    given = np.flatnonzero(given) if given.dtype == bool else given
    if not len(given):
        raise InputError(f"{name} is empty; expected at least one sample")
    outside = (given < 0) | (given >= size)
    if outside.any():
        raise InputError(f"{name} holds {given[outside.argmax()]} ({outside.sum()} of {len(given)} indices); expected "
                         f"{expected}")
    if not repeated:
        _refuse_repeated(given, name)
    return given.astype(np.int64)


def _refuse_repeated(given: np.ndarray, name: str) -> None:
    value, count = np.unique(given, return_counts=True)
    if (count > 1).any():
        hint = "; a mask must be of booleans, not 0 and 1" if value[-1] <= 1 else ""
        raise InputError(f"{name} repeats {value[count.argmax()]}, {count.max()} times ({(count > 1).sum()} of "
                         f"{len(value)} samples are repeated); expected each sample once{hint}")


def _refuse_overlap(sets: dict[str, np.ndarray], where: str, disjoint: list[str]) -> None:
    for one, other in combinations(disjoint, 2):
        shared = np.intersect1d(sets[one], sets[other])
        if len(shared):
            raise InputError(f"{where}: the sets {one!r} and {other!r} share {len(shared)} samples, the first is "
                             f"{shared[0]}; expected none: leave them out of one")
    for one in disjoint:
        for other in (name for name in sets if name not in disjoint):
            shared = np.intersect1d(sets[one], sets[other])
            if len(shared):
                warnings.warn(f"{where}: {len(shared)} of {len(sets[other])} samples of the set {other!r} are "
                              f"also in {one!r}: errors measured there will be too small; leave them out",
                              InputWarning, stacklevel=4)
