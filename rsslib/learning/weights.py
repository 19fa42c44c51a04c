"""Files of trained networks: one safetensors file per network, and a JSON header from which they are rebuilt."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from torch import nn

from rsslib.project import InputError, atomic_path, write_json

Built = TypeVar("Built")


def parameter_count(module: nn.Module) -> int:
    """Return the number of parameters of a network."""
    return sum(parameter.numel() for parameter in module.parameters())


def save(folder: str | Path, networks: Mapping[str, nn.Module], header: Mapping) -> Path:
    """Write `<folder>/<name>.safetensors` for each network, then `<folder>/header.json`, each atomically.

    The header must contain "format", which `load_header` checks. Weights are never pickled.
    """
    from safetensors.torch import save as packed  # imported here: training does not need it

    folder = Path(folder)
    for name, network in networks.items():
        with atomic_path(folder / f"{name}.safetensors") as temporary:
            # safetensors keeps values, not memory formats
            temporary.write_bytes(packed({key: value.contiguous() for key, value in network.state_dict().items()}))
    write_json(folder / "header.json", header)
    return folder


def load_header(folder: str | Path, form: str, build: Callable[[dict], Built]) -> Built:
    """Return `build(header)` of the header in `folder`.

    Errors: InputError naming the file if it is missing, has another format than `form`, or lacks a key.
    """
    path = Path(folder) / "header.json"
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
        if header.get("format") != form:
            raise InputError(f"{path}: format is {header.get('format')!r}; expected {form!r}")
        return build(header)
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not the header of trained networks ({type(error).__name__}: {error}); expected a "
                         "folder saved by this version") from None


def load(folder: str | Path, networks: Mapping[str, nn.Module], device: str) -> None:
    """Load the weights that `save` wrote under the networks' names.

    Errors: InputError naming the file that is missing, truncated, or of another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    for name, network in networks.items():
        path = Path(folder) / f"{name}.safetensors"
        if not path.is_file():
            raise InputError(f"{path}: no such weights; the header names {', '.join(networks)}")
        try:
            network.load_state_dict(load_file(path, device=device))
        except (SafetensorError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"{path}: not the weights of this network ({reason}); save the networks again") from None
