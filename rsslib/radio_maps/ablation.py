"""Ablation: the errors of our networks with one ingredient changed each time, and their file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib import files
from rsslib.radio_maps.products import Rule

WHOLE = "as chosen"
"""The name of the method as it is, which the others are compared with."""
AVERAGED = "mean of the networks"
"""The name of the same networks without handing over."""
NETWORKS: dict[str, dict] = {WHOLE: {}, "no drawn samples": {"real_shares": (1.0,)},
                             "EMD as the loss": {"loss": "emd"}, "one share": {"real_shares": (0.5, 0.5, 0.5)}}
"""By variant: the settings of `FedRecipe` that differ; such networks are trained anew."""
RULES = {"networks alone": Rule(maps_weight=0.0), "maps at full weight": Rule(maps_weight=1.0),
         "whole pixels": Rule(decoder="argmax"), "posterior median": Rule(decoder="median")}
"""By variant: the rule by which the networks as chosen are located."""
_WHAT, _AGAIN = "the errors of an ablation", "run its training notebook again"


def collect(errors: Mapping[str, Sequence[np.ndarray]], seeds: Sequence[int], samples: Mapping[str, np.ndarray],
            attrs: Mapping) -> xr.Dataset:
    """Return errors as a Dataset over (variant, seed, sample), with the sets and the indices of the samples.

    Input: errors, {variant: the errors by each seed, (samples,) [m]}, with WHOLE among them; samples, {set: indices}.

    >>> found = collect({"as chosen": [np.array([3.0, 4.0])]}, [0], {"ood": np.array([7, 9])}, {})
    >>> found.error.dims, found.measurement.values.tolist()
    (('variant', 'seed', 'sample'), [7, 9])
    """
    labels = np.concatenate([np.full(len(indices), name) for name, indices in samples.items()])
    return xr.Dataset({"error": (("variant", "seed", "sample"), np.array([*errors.values()], np.float32),
                                 {"units": "m"})},
                      {"variant": [*errors], "seed": [*seeds], "set": ("sample", labels.astype(str)),
                       "measurement": ("sample", np.concatenate([*samples.values()]).astype(np.int64))}, dict(attrs))


def save(found: xr.Dataset, path: str | Path) -> Path:
    """Write what `collect` returned (NetCDF, .nc). Errors: those of `files.write_netcdf`."""
    return files.write_netcdf(found, path, {"error": {"zlib": True}, "set": {"dtype": "S1", "zlib": True}})


def load(path: str | Path) -> xr.Dataset:
    """Read what `save` wrote. Errors: those of `files.read_netcdf`; InputError for errors that cannot be."""
    found = files.read_netcdf(path, _WHAT, _AGAIN)
    files.parsed(lambda: _check(found), path, _WHAT, _AGAIN)
    return found.assign_coords({name: found[name].astype(str) for name in ("variant", "set")})


def _check(found: xr.Dataset) -> None:
    error = found["error"]
    if error.dims != ("variant", "seed", "sample") or error.dtype.kind != "f" or not error.size:
        raise ValueError(f"error is {error.dtype} over {error.dims}")
    if not (np.isfinite(error.values) & (error.values >= 0)).all():
        raise ValueError("an error is negative or not finite")
    for name, dims, kinds in (("variant", ("variant",), "OU"), ("set", ("sample",), "OUS"),
                              ("measurement", ("sample",), "iu")):
        if found[name].dims != dims or found[name].dtype.kind not in kinds:
            raise ValueError(f"{name} is {found[name].dtype} over {found[name].dims}")
    variants = found["variant"].values.astype(str).tolist()
    if WHOLE not in variants or len(set(variants)) < len(variants):
        raise ValueError(f"variants are {', '.join(variants)}: {WHOLE!r} is missing, or one is there twice")
    if (found["measurement"].values < 0).any():
        raise ValueError("an index in 'measurement' is below 0")
