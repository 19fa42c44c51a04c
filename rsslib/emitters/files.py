"""What stages of the second paper hand on: scenes, networks, and an occupancy network's facts and logits."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from rsslib.emitters.feeds import feed
from rsslib.emitters.predictions import occupancy_accuracy
from rsslib.emitters.recipe import EmitterRecipe, Model
from rsslib.localization.networks import parameter_count
from rsslib.project import InputError, atomic_path
from rsslib.propagation import gains
from rsslib.propagation import scene as scenes


def scene(folder: str | Path, environment: str, n: int) -> scenes.Scene:
    """Return a scene: free space, or a city with the gain library `<folder>/<environment>.nc`."""
    if environment == scenes.FREE_SPACE:
        return scenes.free_space(n)
    path = Path(folder) / f"{environment}.nc"
    if not path.is_file():
        raise InputError(f"{path}: no gain maps of {environment!r}; `make smoke` makes those of `procedural`, "
                         "`make reproduce` those of the cities, notebooks/train/scenes.ipynb any")
    return scenes.scene(environment, n, gains.load(path))


def homes(folder: str | Path, environment: str, networks: str | Sequence[str], name: str = "") -> dict[str, Path]:
    """Return the folder of each network: `<folder>/<environment>-<network>`, or `<folder>/<name>` for a single one.

    The occupancy network comes first: the others may look through it.
    Errors: InputError for a name of several networks.
    """
    chosen = [networks] if isinstance(networks, str) else sorted(networks, key=lambda network: network != "occupancy")
    if name and len(chosen) > 1:
        raise InputError(f"name is {name!r}; expected none for several networks ({', '.join(chosen)})")
    return {network: Path(folder) / (name or f"{environment}-{network}") for network in chosen}


def first_stage(homes: Mapping[str, Path], folder: str | Path, environment: str) -> Path | None:
    """Return the weights that second stages look through, a folder: trained with them, else those of before.

    Those of before are `<folder>/<environment>-occupancy`. None where no network of `homes` is a second stage.
    Errors: InputError where there is no such network.
    """
    behind = [network for network in homes if network.startswith("two_stage")]
    if not behind:
        return None
    weights = homes.get("occupancy", Path(folder) / f"{environment}-occupancy") / "weights"
    if "occupancy" not in homes and not weights.is_dir():
        raise InputError(f"{weights}: {behind[0]} looks through an occupancy network; train `occupancy` too")
    return weights


def occupancy(model: Model, recipe: EmitterRecipe, place: scenes.Scene, count: int = 64) -> tuple[dict, np.ndarray]:
    """Return an occupancy network's facts on the test samples, and its logits of the first `count`, (count, n, n)."""
    shown = feed(recipe, place, "test", device=model.device)
    logits = model.says(shown.sensed(torch.arange(min(count, len(shown)), device=model.device)))[:, 0]
    facts = occupancy_accuracy(model, recipe, place)
    return {"environment": place.environment, "n": place.n, "samples": len(shown), **facts,
            "parameters": parameter_count(model.net)}, logits.cpu().numpy()


def save_occupancy(folder: str | Path, facts: dict, logits: np.ndarray) -> Path:
    """Write an occupancy network's facts (JSON) and logits (.npy), whole."""
    folder = Path(folder)
    with atomic_path(folder / "facts.json") as temporary:
        temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    with atomic_path(folder / "logits.npy") as temporary:
        np.save(temporary, logits.astype(np.float16))
    return folder


def load_occupancy(folder: str | Path) -> tuple[dict, np.ndarray]:
    """Read what `save_occupancy` wrote: facts, and logits (samples, n, n) float32."""
    folder = Path(folder)
    try:
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        return facts, np.load(folder / "logits.npy").astype(np.float32)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no occupancy network's outputs ({error}); run its training stage first") from None
