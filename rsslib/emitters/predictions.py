"""The predictions of the networks with the true emitters, their files, and the folders of trained networks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from rsslib.emitters.localizer import EmitterRecipe, Model
from rsslib.emitters.training import OccupancySet, draw_set
from rsslib.learning.weights import parameter_count
from rsslib.project import InputError, atomic_path, write_json
from rsslib.propagation import gain_maps
from rsslib.propagation import scene as scenes
from rsslib.propagation.scene import Scene

VARIABLES = {"existence": ("sample", "slot"), "row": ("sample", "slot"), "column": ("sample", "slot"),
             "true_row": ("sample", "emitter"), "true_column": ("sample", "emitter")}


def predict(model: Model, recipe: EmitterRecipe, scene: Scene, occupancy: Model | None = None,
            set_name: str = "test") -> xr.Dataset:
    """Return a localizer's predictions for a set of a scene, with the true emitters.

    Dims sample, slot, emitter: existence (probability), row and column [cells]; true_row and true_column [cells], NaN
    for absent emitters; attributes: recipe, n, side_m [m], threshold_dbm, set.

    Errors: those of `draw_set`.
    """
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
    """Write predictions as NetCDF, atomically."""
    with atomic_path(path) as temporary:
        predictions.to_netcdf(temporary, engine="netcdf4", encoding={name: {"zlib": True} for name in VARIABLES})
    return Path(path)


def load(path: str | Path) -> xr.Dataset:
    """Read what `save` wrote. Errors: InputError naming the file if it is missing or no predictions file."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such predictions; run its training stage first (make reproduce)")
    try:
        with xr.open_dataset(path, engine="netcdf4") as file:
            predictions = file.load()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: not a predictions file ({str(error).partition(chr(10))[0]}); run its training "
                         "stage again") from None
    for name, dims in VARIABLES.items():
        if name not in predictions or predictions[name].dims != dims:
            raise InputError(f"{path}: expected a variable {name!r} over {dims}; run its training stage again")
    return predictions


def occupancy_facts(model: Model, recipe: EmitterRecipe, scene: Scene, set_name: str = "test") -> dict:
    """Return the accuracy of an occupancy network on a set of a scene, with its size.

    accuracy = mean over samples of the share of outdoor cells with 1[sigmoid(logit) > 0.5] = 1[P > T]; accuracy_std,
    its standard deviation over samples; occupied, the share of cells with P > T, the accuracy of "always occupied";
    environment, n, samples, parameters.

    Errors: InputError for the recipe of a localizer. Source: paper 2, Section III.D.
    """
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
    """Return an occupancy network's logits for the first `count` test samples, (count, n, n)."""
    samples = draw_set(recipe, scene, "test", device=model.device)
    first = torch.arange(min(count, len(samples)), device=model.device)
    return model.infer(samples.sensed(first))[:, 0].cpu().numpy()


def save_occupancy(folder: str | Path, facts: dict, logits: np.ndarray) -> Path:
    """Write an occupancy network's facts (JSON) and logits (.npy), each atomically."""
    write_json(Path(folder) / "facts.json", facts)
    with atomic_path(Path(folder) / "logits.npy") as temporary:
        np.save(temporary, logits.astype(np.float16))
    return Path(folder)


def load_occupancy(folder: str | Path) -> tuple[dict, np.ndarray]:
    """Read what `save_occupancy` wrote: facts, and logits (samples, n, n) float32."""
    folder = Path(folder)
    try:
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        return facts, np.load(folder / "logits.npy").astype(np.float32)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no occupancy network's outputs ({error}); run its training stage first") from None


def scene_of(folder: str | Path, environment: str, n: int) -> Scene:
    """Return a scene: free space, or a city with the gain library `<folder>/<environment>.nc`."""
    if environment == scenes.FREE_SPACE:
        return scenes.free_space(n)
    path = Path(folder) / f"{environment}.nc"
    if not path.is_file():
        raise InputError(f"{path}: no gain maps of {environment!r}; `make smoke` makes those of `procedural`, "
                         "`make reproduce` those of the cities, notebooks/train/scenes.ipynb any")
    return scenes.scene(environment, n, gain_maps.load(path))


def network_folders(folder: str | Path, environment: str, networks: str | Sequence[str],
                    name: str = "") -> dict[str, Path]:
    """Return the folder of each network: `<folder>/<environment>-<network>`, or `<folder>/<name>` for a single one.

    The occupancy network comes first, since second stages need it.
    Errors: InputError for a name with several networks.
    """
    chosen = [networks] if isinstance(networks, str) else sorted(networks, key=lambda network: network != "occupancy")
    if name and len(chosen) > 1:
        raise InputError(f"name is {name!r}; expected none for several networks ({', '.join(chosen)})")
    return {network: Path(folder) / (name or f"{environment}-{network}") for network in chosen}


def first_stage(folders: Mapping[str, Path], folder: str | Path, environment: str) -> Path | None:
    """Return the folder of the occupancy weights for the second stages among `folders`, None without second stages.

    They are those of the occupancy network in `folders`, else of an earlier one, `<folder>/<environment>-occupancy`.
    Errors: InputError if there is neither.
    """
    second_stages = [network for network in folders if network.startswith("two_stage")]
    if not second_stages:
        return None
    weights = folders.get("occupancy", Path(folder) / f"{environment}-occupancy") / "weights"
    if "occupancy" not in folders and not weights.is_dir():
        raise InputError(f"{weights}: {second_stages[0]} needs an occupancy network; train `occupancy` too")
    return weights
