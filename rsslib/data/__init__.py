"""Measurements Datasets: their schema, their loaders, their synthetic twin and how they are fetched."""

from pathlib import Path

import xarray as xr


def load(source: str | Path, raw_folder: str | Path = "data/raw/frs") -> xr.Dataset:
    """Return the Measurements Dataset of `source`: 'frs', 'campus' or the path of your own (.nc or .npz).

    'frs' reads the measurements fetched into `raw_folder`; 'campus' is the synthetic twin, seed 0.
    Raises InputError where the loader does.

    >>> load("campus").attrs["source"]
    'campus'
    """
    from rsslib.data import campus, frs, measurements  # here, not above: reading one form needs no other

    if source == "frs":
        return frs.load_csv(raw_folder)
    if source == "campus":
        return campus.make()
    return measurements.load(source)
