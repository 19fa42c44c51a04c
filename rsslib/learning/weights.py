"""Folders of trained networks: one safetensors file per network, and a JSON header from which they are rebuilt.

The header holds the SHA-256 of each file of weights, and of itself: no byte of the folder changes unnoticed. A saving
becomes valid as a whole, when its files are in the folder `.ready`, from which they then move to their places.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from rsslib.arguments import check_type
from rsslib.files import parsed, read_bytes
from rsslib.project import InputError, atomic_path, writing

Built = TypeVar("Built")
HEADER, _WHAT = "header.json", "a folder of trained networks"
_DIGEST = re.compile(rb'"digest": "([0-9a-f]{64})"')
_AGAIN = "train again"
_READY = ".ready"


def parameter_count(module: nn.Module) -> int:
    """Return the number of parameters of a network."""
    return sum(parameter.numel() for parameter in module.parameters())


def save(folder: str | Path, networks: Mapping[str, nn.Module], header: Mapping) -> Path:
    """Write `<folder>/<name>.safetensors` for each network and `<folder>/header.json`, all of them or none.

    Whenever it is killed, `load` finds what was there before or what was to be saved. The header must contain "format",
    which `load_header` checks. Weights are never pickled. Weights that an earlier header of the folder names, and this
    one does not, are removed; other files stay.
    """
    from safetensors.torch import save as packed  # imported here: training does not need it

    check_type("folder", folder, (str, os.PathLike), "the name of a folder for the networks")
    # safetensors keeps values, not memory formats
    files = {f"{name}.safetensors": packed({key: value.contiguous() for key, value in network.state_dict().items()})
             for name, network in networks.items()}
    blank = _text({**header, "weights": {name: sha256(content).hexdigest() for name, content in files.items()},
                   "digest": ""})
    files[HEADER] = blank.replace(b'"digest": ""', f'"digest": "{sha256(blank).hexdigest()}"'.encode())
    folder = Path(folder)
    with writing(folder):
        _finish(folder)
        with atomic_path(folder / _READY) as temporary:
            temporary.mkdir()
            for name, content in files.items():
                (temporary / name).write_bytes(content)
        _finish(folder)
    return folder


def _finish(folder: Path) -> None:
    """Move the files of a saving to their places, the header last; also those of one that was killed."""
    ready = folder / _READY
    if not ready.is_dir():
        return
    names = sorted((path.name for path in ready.iterdir()), key=lambda name: name == HEADER)
    for name in _named(folder) - _named(ready) if names else ():
        (folder / name).unlink(missing_ok=True)
    for name in names:
        os.replace(ready / name, folder / name)
    ready.rmdir()


def _place(folder: str | Path, name: str) -> str:
    """Return the path of a file, which after a killed saving may be in the folder `.ready` still."""
    ready = f"{folder}/{_READY}/{name}"
    return ready if os.path.isfile(ready) else f"{folder}/{name}"


def load_header(folder: str | Path, form: str, build: Callable[[dict], Built]) -> Built:
    """Return `build(header)` of the header in `folder`.

    Errors: InputError naming the file if it is missing, damaged or edited, has another format than `form`, or lacks a
    key.
    """
    path = _place(folder, HEADER)
    return parsed(lambda: build(_header(path, form)), path, _WHAT, _AGAIN)


def load(folder: str | Path, form: str, networks: Mapping[str, nn.Module]) -> None:
    """Load the weights that `save` wrote under the networks' names.

    Errors: those of `load_header`; InputError naming the file of weights that is missing, not the one that was saved
    with the header, of another network, not finite, or unknown to the header.
    """
    from safetensors import SafetensorError

    saved = load_header(folder, form, lambda header: dict(header["weights"]))
    found = {path.name for path in Path(folder).glob("*.safetensors")}
    if (names := found - set(saved)) and not os.path.isdir(f"{folder}/{_READY}"):
        raise InputError(f"{folder}/{min(names)}: {HEADER} does not name these weights; expected {', '.join(saved)}: "
                         "move other files elsewhere")
    for name, network in networks.items():
        path = _place(folder, f"{name}.safetensors")
        content = read_bytes(path, f"the weights that {HEADER} names", _AGAIN)
        if sha256(content).hexdigest() != saved.get(f"{name}.safetensors"):
            raise InputError(f"{path}: not the weights that {HEADER} was saved with: changed or damaged; {_AGAIN}")
        parsed(partial(_restore, network, content), path, "the weights of this network", _AGAIN,
               (SafetensorError, RuntimeError))


def _restore(network: nn.Module, content: bytes) -> None:
    from safetensors.torch import load as unpacked

    state = unpacked(content)
    for key, value in state.items():
        if not bool(value.isfinite().all()):
            raise ValueError(f"{key} is not finite")
    network.load_state_dict(state)


def _text(header: Mapping) -> bytes:
    return (json.dumps(header, indent=1, ensure_ascii=False) + "\n").encode()


def _header(path: str, form: str) -> dict[str, Any]:
    """Return the content of a header whose digest is that of its bytes with the digest blanked."""
    raw = read_bytes(path, _WHAT, _AGAIN)
    header, signed = json.loads(raw), _DIGEST.findall(raw)
    if header["format"] != form:
        raise InputError(f"{path}: format is {header['format']!r}; expected {form!r}: saved by an earlier version, or "
                         f"of something else; {_AGAIN}")
    if "digest" not in header:
        raise InputError(f"{path}: this header has no key 'digest': edited, or saved by an earlier version; {_AGAIN}")
    if [sha256(_DIGEST.sub(b'"digest": ""', raw)).hexdigest().encode()] != signed:
        raise InputError(f"{path}: its content is not what was saved: edited or damaged; {_AGAIN}")
    return header


def _named(folder: Path) -> set[str]:
    """Return the files of weights that the header in a folder names, none if it cannot be read."""
    try:
        names = json.loads((folder / HEADER).read_bytes())["weights"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
    return {name for name in names if re.fullmatch(r"\w+\.safetensors", str(name))}
