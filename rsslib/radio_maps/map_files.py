"""Radio maps on disk: one NetCDF file, sealed with digests of its content and its bytes."""

import os
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import xarray as xr

from rsslib import files
from rsslib.arguments import check_type
from rsslib.data.grid import Grid
from rsslib.project import InputError
from rsslib.radio_maps.maps import Maps
from rsslib.radio_maps.path_loss import PathLoss
from rsslib.radio_maps.recipe import MapRecipe

FORMAT, NAME = "rsslib-radio-maps-1", "maps.nc"
_WHAT, _AGAIN = "radio maps", "fit them again"
_DIMS = {"mean": ("sensor", "row", "column"), "variance": ("sensor", "row", "column"), "level": ("sensor",),
         "slope": ("sensor",), "home": ("sensor", "axis"), "offset": ("sensor",)}
_UNITS = {"mean": "dB", "variance": "dB^2", "level": "dB", "slope": "dB per decade", "home": "m", "offset": "dB"}


def save(maps: Maps, folder: str | Path) -> Path:
    """Write `<folder>/maps.nc`. Errors: InputError for what is no name of a folder."""
    check_type("folder", folder, (str, os.PathLike), "the name of a folder for the maps")
    values = {"mean": maps.mean, "variance": maps.variance, "level": maps.loss.level, "slope": maps.loss.slope,
              "home": maps.home, "offset": maps.offset}
    dataset = xr.Dataset({name: (_DIMS[name], value, {"units": _UNITS[name]}) for name, value in values.items()},
                         {"sensor": np.array(maps.sensors, str)},
                         {"format": FORMAT, **{f"recipe_{key}": value for key, value in asdict(maps.recipe).items()},
                          **{f"grid_{key}": value for key, value in asdict(maps.grid).items()}})
    files.write_netcdf(dataset, Path(folder) / NAME, {name: {"zlib": True} for name in ("mean", "variance")})
    return Path(folder)


def load(folder: str | Path) -> Maps:
    """Return what `save` wrote. Errors: those of `files.read_netcdf`; InputError for another format or content."""
    check_type("folder", folder, (str, os.PathLike), "the name of a folder with maps")
    path = Path(folder) / NAME
    dataset = files.read_netcdf(path, _WHAT, _AGAIN)
    if dataset.attrs.get("format") != FORMAT:
        raise InputError(f"{path}: format is {dataset.attrs.get('format')!r}; expected {FORMAT!r}: saved by another "
                         f"version, or of something else; {_AGAIN}")
    return files.parsed(lambda: _maps(dataset), path, _WHAT, _AGAIN)


def _maps(dataset: xr.Dataset) -> Maps:
    def settings(kind: type, prefix: str) -> dict:
        raw = {field.name: dataset.attrs[f"{prefix}_{field.name}"] for field in fields(kind)}    # type: ignore[arg-type]
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in raw.items()}

    grid, recipe = Grid(**settings(Grid, "grid")), MapRecipe(**settings(MapRecipe, "recipe"))
    values = {name: _checked(dataset, name) for name in _DIMS}
    if values["mean"].shape[1:] != grid.shape or values["mean"].dtype != recipe.precision:
        raise ValueError(f"mean is {values['mean'].dtype} of {values['mean'].shape[1:]}, not {recipe.precision} of the "
                         f"grid's {grid.shape}")
    still = ~np.isnan(values["home"][:, 0])
    for name, value in values.items():
        part = value[still] if name in ("mean", "variance", "home") else value
        if not np.isfinite(part).all() or name == "variance" and (part < 0).any():
            raise ValueError(f"{name} is impossible or not finite")
    return Maps(grid, recipe, tuple(dataset.sensor.values.astype(str).tolist()), values["mean"], values["variance"],
                PathLoss(values["level"], values["slope"]), values["home"], values["offset"])


def _checked(dataset: xr.Dataset, name: str) -> np.ndarray:
    variable = dataset.variables[name]
    if variable.dims != _DIMS[name] or variable.dtype.kind != "f":
        raise ValueError(f"{name} is {variable.dtype} over {variable.dims}, not floating-point over {_DIMS[name]}")
    return variable.values
