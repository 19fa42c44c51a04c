"""What a localizer found in each sample, with the truth: made, scored, written and read; the weights beside it."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from rsslib.emitters.feeds import OccupancyFeed, feed
from rsslib.emitters.metrics import THRESHOLD, Scores, score
from rsslib.emitters.recipe import EmitterRecipe, Model, build
from rsslib.emitters.samples import Scene
from rsslib.project import InputError, atomic_path

FORMAT = "rsslib-emitter-model-2"
VARIABLES = {"existence": ("sample", "slot"), "row": ("sample", "slot"), "column": ("sample", "slot"),
             "true_row": ("sample", "emitter"), "true_column": ("sample", "emitter")}
_BATCH = 250


def predict(model: Model, recipe: EmitterRecipe, scene: Scene, occupancy: Model | None = None,
            set_name: str = "test") -> xr.Dataset:
    """Return what a localizer finds in a set of a scene, with the truth.

    Dims sample, slot, emitter: existence (probability), row and column [cells]; true_row and true_column [cells], NaN
    where there is no emitter; attributes: recipe, n, side_m [m], threshold_dbm, set.

    Errors: InputError where recipe, scene and occupancy network do not fit.
    """
    shown = feed(recipe, scene, set_name, occupancy, model.device)
    said = torch.cat([model.says(shown.image(part)).cpu()
                      for part in torch.arange(len(shown), device=model.device).split(_BATCH)])
    place, true = said[..., 1:].double().numpy() * (scene.n - 1), shown.target.double().cpu().numpy()
    true_place = np.where(true[..., :1] > 0, true[..., 1:] * (scene.n - 1), np.nan).round()
    values = (said[..., 0].double().sigmoid().numpy(), place[..., 0], place[..., 1], true_place[..., 0],
              true_place[..., 1])
    units = ("1", "cells", "cells", "cells", "cells")
    variables = {name: (dims, value, {"units": unit}) for (name, dims), value, unit in
                 zip(VARIABLES.items(), values, units)}
    return xr.Dataset(variables, attrs=_attrs(recipe) | {
        "set": set_name, "side_m": float(scene.side_m), "threshold_dbm": float(scene.threshold_dbm),
        "device": model.device.type, "computed_in": str(model.dtype).removeprefix("torch."),
        "torch": torch.__version__})


def _attrs(recipe: EmitterRecipe) -> dict:
    """Return the recipe as NetCDF attributes, which know no booleans."""
    return {key: int(value) if isinstance(value, bool) else list(value) if isinstance(value, tuple) else value
            for key, value in asdict(recipe).items()}


def scores(said: xr.Dataset, threshold: float = THRESHOLD) -> Scores:
    """Return each sample's counts and error, for `emitter_metrics.metrics`, from what `predict` returned."""
    return score(said.existence.values, np.stack([said.row, said.column], axis=-1),
                 np.stack([said.true_row, said.true_column], axis=-1), int(said.n), float(said.side_m), threshold)


def occupancy_accuracy(model: Model, recipe: EmitterRecipe, scene: Scene, set_name: str = "test") -> dict[str, float]:
    """Return the share of outdoor cells that an occupancy network tells right, its spread, and the share occupied.

    accuracy = mean over samples of the share of cells with 1[sigmoid(logit) > 0.5] = 1[P > T]; accuracy_std, between
    samples; occupied, the share of cells with P > T: what "always occupied" would reach.

    Errors: InputError for the recipe of a localizer. Source: paper 2, Section III.D.
    """
    shown = feed(recipe, scene, set_name, device=model.device)
    if not isinstance(shown, OccupancyFeed):
        raise InputError(f"occupancy accuracy: the recipe's stage is {recipe.stage!r}; expected 'occupancy'")
    right, occupied = [], []
    for part in torch.arange(len(shown), device=model.device).split(_BATCH):
        image, target = shown.batch(part)
        right.append(shown.right(model.says(image), target))
        occupied.append(((target > 0) * shown.outdoor).sum((1, 2)) / shown.outdoor.sum())
    accuracy = torch.cat(right)
    return {"accuracy": float(accuracy.mean()), "accuracy_std": float(accuracy.std(correction=0)),
            "occupied": float(torch.cat(occupied).mean())}


def save(said: xr.Dataset, path: str | Path) -> Path:
    """Write predictions whole, as NetCDF."""
    with atomic_path(path) as temporary:
        said.to_netcdf(temporary, engine="netcdf4", encoding={name: {"zlib": True} for name in VARIABLES})
    return Path(path)


def load(path: str | Path) -> xr.Dataset:
    """Read what `save` wrote. Raises InputError naming the file that is missing or is something else."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such predictions; run its training stage first (dvc repro)")
    try:
        with xr.open_dataset(path, engine="netcdf4") as file:
            said = file.load()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: not a predictions file ({str(error).partition(chr(10))[0]}); remove it and run its "
                         "training stage again") from None
    for name, dims in VARIABLES.items():
        if name not in said or said[name].dims != dims:
            raise InputError(f"{path}: expected a variable {name!r} over {dims}; run its training stage again")
    return said


def save_model(model: Model, recipe: EmitterRecipe, folder: str | Path) -> Path:
    """Write a network's weights (safetensors) and a JSON header with its recipe."""
    from safetensors.torch import save as packed  # here, not above: training itself does without it

    folder = Path(folder)
    with atomic_path(folder / "weights.safetensors") as temporary:
        # safetensors keeps values, not memory formats
        temporary.write_bytes(packed({key: value.contiguous() for key, value in model.net.state_dict().items()}))
    with atomic_path(folder / "header.json") as temporary:
        text = json.dumps({"format": FORMAT, "recipe": asdict(recipe)}, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")
    return folder


def load_model(folder: str | Path, device: str = "auto") -> tuple[Model, EmitterRecipe]:
    """Read what `save_model` wrote: the network and its recipe. Raises InputError naming the file at fault."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    header, weights = Path(folder) / "header.json", Path(folder) / "weights.safetensors"
    try:
        held = json.loads(header.read_text(encoding="utf-8"))
        if held["format"] != FORMAT:
            raise ValueError(f"its format is {held['format']!r}, expected {FORMAT!r}")
        recipe = EmitterRecipe(**held["recipe"] | {"powers_dbm": tuple(held["recipe"]["powers_dbm"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{header}: not an emitter network ({error}); expected a folder written by "
                         "save_model") from None
    model = build(recipe, device)
    try:
        model.net.load_state_dict(load_file(weights, device=str(model.device)))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{weights}: not the weights of this network ({reason}); save the network again") from None
    return model.eval(), recipe
