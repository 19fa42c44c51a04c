"""Trained networks on disk: one safetensors file a network, beside a JSON header that says how to build them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from torch import nn

from rsslib.project import InputError, atomic_path, write_json

Built = TypeVar("Built")


def save(folder: str | Path, networks: Mapping[str, nn.Module], header: Mapping) -> Path:
    """Write `<folder>/<name>.safetensors` for each network and then `<folder>/header.json`, each file whole.

    The header must hold "format", which `load_header` asks for. Weights are never pickled.
    """
    from safetensors.torch import save as packed  # here, not above: training itself does without it

    folder = Path(folder)
    for name, network in networks.items():
        with atomic_path(folder / f"{name}.safetensors") as temporary:
            # safetensors keeps values, not memory formats
            temporary.write_bytes(packed({key: value.contiguous() for key, value in network.state_dict().items()}))
    write_json(folder / "header.json", header)
    return folder


def load_header(folder: str | Path, form: str, build: Callable[[dict], Built]) -> Built:
    """Return what `build` makes of the header in `folder`.

    Errors: InputError naming the file, where it is missing, is of another format than `form`, or lacks a key.
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
                         "folder that this version saved") from None


def load(folder: str | Path, networks: Mapping[str, nn.Module], device: str) -> None:
    """Fill the networks with the weights that `save` wrote under their names.

    Errors: InputError naming the file that is missing, cut, or of another network.
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
