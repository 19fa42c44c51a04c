"""Measured and synthetic data in one schema, the Measurements Dataset, with pixel grids and splits.

Front door: `load(source)` returns the dataset of the Utah campus ("frs"), its synthetic twin ("campus") or a file.
"""

from pathlib import Path

import xarray as xr


def load(source: str | Path, raw_folder: str | Path = "data/raw/frs") -> xr.Dataset:
    """Return the Measurements Dataset of `source`: "frs", "campus" or the path of a file (.nc or .npz).

    "frs" reads the files in `raw_folder`; "campus" is the synthetic twin with seed 0. Errors: those of each loader.

    >>> load("campus").attrs["source"]
    'campus'
    """
    from rsslib.data import campus, frs, measurement_files, measurements  # imported here: each needs its own packages

    measurement_files.checked_path(source, "source")
    if str(source) == "campus":
        return campus.make()
    return frs.load_csv(raw_folder) if str(source) == "frs" else measurements.load(source)
