"""Measured and synthetic data under one schema, the Measurements Dataset, with their pixel grid and their splits.

Front door: `load(source)` gives the dataset of the Utah campus ("frs"), of its synthetic twin ("campus") or of a file.
"""

from pathlib import Path

import xarray as xr


def load(source: str | Path, raw_folder: str | Path = "data/raw/frs") -> xr.Dataset:
    """Return the Measurements Dataset of `source`: "frs", "campus" or the path of your own (.nc or .npz).

    "frs" reads the files in `raw_folder`; "campus" is the synthetic twin with seed 0. Errors: those of the loader.

    >>> load("campus").attrs["source"]
    'campus'
    """
    from rsslib.data import campus, frs, measurements  # here, not above: reading one form needs no other

    if source == "campus":
        return campus.make()
    return frs.load_csv(raw_folder) if source == "frs" else measurements.load(source)
