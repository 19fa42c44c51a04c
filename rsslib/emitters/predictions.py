"""The predictions of the networks with the true emitters, their files, and the folders of trained networks."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from rsslib import files
from rsslib.arguments import array, check_choice, check_type, whole
from rsslib.data.arrays import MAX_PER_SIDE
from rsslib.emitters.localizer import NETWORKS, EmitterRecipe, Model
from rsslib.emitters.training import OccupancySet, draw_set
from rsslib.learning.weights import parameter_count
from rsslib.project import InputError
from rsslib.propagation import gain_library
from rsslib.propagation import scene as scenes
from rsslib.propagation.scene import SETS, Scene

VARIABLES = {"existence": ("sample", "slot"), "row": ("sample", "slot"), "column": ("sample", "slot"),
             "true_row": ("sample", "emitter"), "true_column": ("sample", "emitter")}
_FACTS = {"environment": str, "n": int, "samples": int, "accuracy": float, "accuracy_std": float, "occupied": float,
          "parameters": int}
_WHAT, _OUTPUTS = "the predictions of a network of emitters", "an occupancy network's outputs"
_AGAIN = "run its training notebook again"


def predict(model: Model, recipe: EmitterRecipe, scene: Scene, occupancy: Model | None = None,
            set_name: str = "test") -> xr.Dataset:
    """Return a localizer's predictions for a set of a scene, with the true emitters.

    Dims sample, slot, emitter: existence (probability), row and column [cells]; true_row and true_column [cells], NaN
    for absent emitters; attributes: recipe, n, side_m [m], threshold_dbm, set.

    Errors: those of `draw_set`.
    """
    check_type("model", model, Model)
    samples = draw_set(recipe, scene, set_name, occupancy, model.device)
    output = torch.cat([model.infer(samples.image(part)).cpu() for part in samples.parts()])
    if not bool(torch.isfinite(output).all()):
        raise InputError("predictions: an output is not a number; the training diverged, lower learning_rate")
    location, label = output[..., 1:].double().numpy() * (scene.n - 1), samples.target.double().cpu().numpy()
    truth = np.where(label[..., :1] > 0, label[..., 1:] * (scene.n - 1), np.nan).round()
    values = (output[..., 0].double().sigmoid().numpy(), location[..., 0], location[..., 1], truth[..., 0],
              truth[..., 1])
    variables = {name: (dims, value, {"units": "1" if name == "existence" else "cells"})
                 for (name, dims), value in zip(VARIABLES.items(), values)}
    return xr.Dataset(variables, attrs=_attrs(recipe) | {
        "set": set_name, "side_m": float(scene.side_m), "threshold_dbm": float(scene.threshold_dbm),
        "device": model.device.type, "computed_in": str(model.dtype).removeprefix("torch."),
        "torch": torch.__version__})


def _attrs(recipe: EmitterRecipe) -> dict:
    """Return the recipe as NetCDF attributes, which cannot be booleans."""
    return {key: int(value) if isinstance(value, bool) else list(value) if isinstance(value, tuple) else value
            for key, value in asdict(recipe).items()}


def save(predictions: xr.Dataset, path: str | Path) -> Path:
    """Write predictions as NetCDF, atomically, in 16 bits: existence to 2^-15, rows and columns to 2^-16 of the side.

    Errors: those of `files.write_netcdf` and `load`.
    """
    files.parsed(lambda: _check(predictions), path, _WHAT)
    n = int(predictions.attrs["n"])
    scaled = predictions.existence.values * 2.0**15
    rounded = np.where(scaled > 2**14, np.ceil(scaled), np.floor(scaled)) / 2**15    # above 0.5 stays above
    predictions = predictions.assign(existence=predictions.existence.copy(data=rounded))
    steps = {"existence": 2.0**-15, "row": n_step(n), "column": n_step(n)}
    packed = {name: {"zlib": True, "dtype": "uint16", "_FillValue": 2**16 - 1, "scale_factor": steps.get(name, 1.0)}
              for name in VARIABLES}
    return files.write_netcdf(predictions, path, packed)


def n_step(n: int) -> float:
    """Return the step in which rows and columns of n cells are stored: a power of two, so that whole cells are exact.

    >>> n_step(64)
    0.0009765625
    """
    return 2.0 ** (math.ceil(math.log2(n)) - 16)


def load(path: str | Path) -> xr.Dataset:
    """Read what `save` wrote.

    Errors: those of `files.read_netcdf`; InputError naming the file if a variable is missing, of another shape or off
    the map (true places may be absent), or if the attributes do not give the recipe, side_m, threshold_dbm and set.
    """
    predictions = files.read_netcdf(path, _WHAT, _AGAIN)
    files.parsed(lambda: _check(predictions), path, _WHAT, _AGAIN)
    return predictions


def _check(predictions: xr.Dataset) -> None:
    attrs = {key: value.tolist() if hasattr(value, "tolist") else value for key, value in predictions.attrs.items()}
    settings = {field.name: attrs[field.name] for field in fields(EmitterRecipe)}
    if not {settings["beside"], settings["augment"]} <= {0, 1}:
        raise ValueError("beside or augment is not 0 or 1")
    recipe = EmitterRecipe(**settings | {"powers_dbm": tuple(settings["powers_dbm"]), "beside": bool(
        settings["beside"]), "augment": bool(settings["augment"])})
    if not (0 < attrs["side_m"] < np.inf and -np.inf < attrs["threshold_dbm"] < np.inf) or attrs["set"] not in SETS:
        raise ValueError("side_m, threshold_dbm or set is impossible")
    for name, dims in VARIABLES.items():
        variable, highest = predictions.variables[name], 1 if name == "existence" else recipe.n - 1
        if variable.dims != dims or variable.dtype.kind != "f" or not variable.size:
            raise ValueError(f"{name} is {variable.dtype} over {variable.dims}, not floating-point over {dims}")
        values = variable.values[~np.isnan(variable.values)] if name.startswith("true") else variable.values
        if not ((values >= 0) & (values <= highest)).all():
            raise ValueError(f"{name} is not from 0 to {highest} in every sample")
    if (predictions["true_row"].isnull() != predictions["true_column"].isnull()).any():
        raise ValueError("a true emitter has a row or a column alone")


def occupancy_facts(model: Model, recipe: EmitterRecipe, scene: Scene, set_name: str = "test") -> dict:
    """Return the accuracy of an occupancy network on a set of a scene, with its size.

    accuracy = mean over samples of the share of outdoor cells with 1[sigmoid(logit) > 0.5] = 1[P > T]; accuracy_std,
    its standard deviation over samples; occupied, the share of cells with P > T, the accuracy of "always occupied";
    environment, n, samples, parameters.

    Errors: InputError for the recipe of a localizer. Source: paper 2, Section III.D.
    """
    check_type("model", model, Model)
    samples = draw_set(recipe, scene, set_name, device=model.device)
    if not isinstance(samples, OccupancySet):
        raise InputError(f"occupancy: the recipe's stage is {recipe.stage!r}; expected 'occupancy'")
    correct, occupied, outdoor = [], [], samples.outdoor.sum()
    for part in samples.parts():
        above, predicted = samples.target[part] > 0, model.infer(samples.sensed(part))[:, 0] > 0
        correct.append(((predicted == above).float() * samples.outdoor).sum((1, 2)) / outdoor)
        occupied.append((above * samples.outdoor).sum((1, 2)) / outdoor)
    accuracy = torch.cat(correct)
    return {"environment": scene.environment, "n": scene.n, "samples": len(samples), "accuracy": float(accuracy.mean()),
            "accuracy_std": float(accuracy.std(correction=0)), "occupied": float(torch.cat(occupied).mean()),
            "parameters": parameter_count(model.net)}


def occupancy_logits(model: Model, recipe: EmitterRecipe, scene: Scene, count: int = 64) -> np.ndarray:
    """Return an occupancy network's logits for the first `count` test samples, (count, n, n).

    Errors: those of `draw_set`; InputError for no network, or for a count below 1.
    """
    check_type("model", model, Model)
    whole("occupancy_logits: count", count)
    samples = draw_set(recipe, scene, "test", device=model.device)
    first = torch.arange(min(count, len(samples)), device=model.device)
    return model.infer(samples.sensed(first))[:, 0].cpu().numpy()


def save_occupancy(folder: str | Path, facts: dict, logits: np.ndarray) -> Path:
    """Write an occupancy network's facts and logits, in the precision of 16 bits, to `<folder>/occupancy.nc`.

    Errors: those of `files.write_netcdf` and `load_occupancy`; InputError for logits that are no real numbers.
    """
    path = Path(folder) / "occupancy.nc"
    with np.errstate(over="ignore"):    # to infinity, which is refused
        facts, rounded = files.parsed(lambda: _occupancy(facts, _rounded(logits)),
                                      path, _OUTPUTS)
    # 16 bits stored in 32: NetCDF has no type for them
    return files.write_netcdf(xr.Dataset({"logit": (("sample", "row", "column"), rounded)}, attrs=facts), path,
                              {"logit": {"zlib": True}}).parent


def load_occupancy(folder: str | Path) -> tuple[dict, np.ndarray]:
    """Read what `save_occupancy` wrote: facts, and logits (samples, n, n) float32.

    Errors: those of `files.read_netcdf`; InputError naming the file if a fact is missing or impossible, or the logits
    are of another shape or not finite.
    """
    path = f"{folder}/occupancy.nc"
    stored = files.read_netcdf(path, _OUTPUTS, _AGAIN)
    return files.parsed(lambda: _occupancy(stored.attrs, stored.variables["logit"].values), path, _OUTPUTS, _AGAIN)


def _rounded(logits: Any) -> np.ndarray:
    return array("logits", logits).astype(np.float16).astype(np.float32)


def _occupancy(facts: Mapping, logits: np.ndarray) -> tuple[dict, np.ndarray]:
    """Return facts and logits that are possible, the facts as Python's types. Errors: ValueError."""
    facts = {name: _fact(facts[name], kind) for name, kind in _FACTS.items()}
    shares = facts["accuracy"], facts["accuracy_std"], facts["occupied"]
    if not all(0 <= share <= 1 for share in shares) or min(facts[name] for name in ("n", "samples", "parameters")) < 1:
        raise ValueError(f"impossible facts, {facts}")
    if logits.dtype != np.float32 or logits.shape != (len(logits), facts["n"], facts["n"]) or not logits.size:
        raise ValueError(f"logits are {logits.dtype} of {logits.shape}")
    if not np.isfinite(logits).all():
        raise ValueError("a logit is not finite")
    return facts, logits


def _fact(value: Any, kind: type) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, bool) or not isinstance(plain, (int, float) if kind is float else kind):
        raise TypeError(f"{value!r} where {kind.__name__} is expected")
    return kind(plain)


def scene_of(folder: str | Path, environment: str, n: int) -> Scene:
    """Return a scene: free space, or a city with the gain library `<folder>/<environment>.nc`.

    Errors: InputError for a city without a library, or a library of another n.
    """
    _check_name("environment", environment)
    whole("n", n, 1, MAX_PER_SIDE)
    if environment == scenes.FREE_SPACE:
        return scenes.free_space(n)
    path = f"{folder}/{environment}.nc"
    if not os.path.isfile(path):
        raise InputError(f"{path}: no gain maps of {environment!r}; `make smoke` makes those of `procedural`, "
                         "`make reproduce` those of the cities, notebooks/train/scenes.ipynb any")
    return scenes.scene(environment, n, gain_library.load(path))


def network_folders(folder: str | Path, environment: str, networks: str | Sequence[str],
                    name: str = "") -> dict[str, Path]:
    """Return the folder of each network: `<folder>/<environment>-<network>`, or `<folder>/<name>` for a single one.

    The occupancy network comes first, since second stages need it.
    Errors: InputError for no network, an unknown one, or a name with several networks or that is no folder's.
    """
    chosen = [networks] if isinstance(networks, str) else networks
    if not isinstance(chosen, (list, tuple)) or not chosen:
        raise InputError(f"the networks to train are {networks!r}; expected one or more of {', '.join(NETWORKS)}")
    for network in chosen:
        check_choice("a network to train", network, NETWORKS)
    for kind, part in (("environment", environment), ("name", name)):
        _check_name(kind, part, kind == "name")
    chosen = sorted(chosen, key=lambda network: network != "occupancy")
    if name and len(chosen) > 1:
        raise InputError(f"name is {name!r}; expected none for several networks ({', '.join(chosen)})")
    return {network: Path(folder) / (name or f"{environment}-{network}") for network in chosen}


def first_stage(folders: Mapping[str, Path], folder: str | Path, environment: str) -> Path | None:
    """Return the folder of the occupancy weights for the second stages among `folders`, None without second stages.

    They are those of the occupancy network in `folders`, else of an earlier one, `<folder>/<environment>-occupancy`.
    Errors: InputError if there is neither.
    """
    second_stages = [network for network in folders if network not in ("occupancy", "single_stage")]
    if not second_stages:
        return None
    weights = folders.get("occupancy", Path(folder) / f"{environment}-occupancy") / "weights"
    if "occupancy" not in folders and not weights.is_dir():
        raise InputError(f"{weights}: {second_stages[0]} needs an occupancy network; train `occupancy` too")
    return weights


def _check_name(kind: str, name: str, optional: bool = False) -> None:
    """Refuse what is not the name of one file or folder; an `optional` one may be empty."""
    if (not isinstance(name, str) or not optional and not name or not name.isprintable() or name in (".", "..")
            or set(name) & set("/\\") or len(name) > 100):
        raise InputError(f"{kind} is {name!r}; expected a plain name, such as free_space")
