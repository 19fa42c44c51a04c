"""Doors that both kinds of networks share: folders of trained networks, checkpoints, devices."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rsslib.learning import checkpoint, devices, weights
from rsslib.localization.ensemble import EnsembleTrainer
from rsslib.localization.localizer import Localizer

from .. import small
from ..arrays import ODD
from ..law import Call, unless
from ..mutations import Mutator
from .localization import SETS, trained, valid_predictions
from .registry import door

HEADER_SIZES = (0, 2**63 - 1, 2**40)
STATE = {"epoch": 1, "networks": [{}], "optimizers": [], "generators": [], "best": [], "best_epoch": 0,
         "best_error": 1.0,
         "history": [], "seconds": 0.0}


def damaged(m: Mutator, files: dict[str, bytes]) -> Callable[[], str]:
    """Write a folder of trained networks with one damaged file; return a judge of one that was loaded: none may be."""
    chosen = m.one(sorted(files)) if m.draw else ""
    for name, content in files.items():
        if name != chosen:
            (m.folder / name).write_bytes(content)
        else:
            m.file(name, content,
                   [lambda b: m.dumped(m.tree(json.loads(b))) if chosen.endswith(".json") else _packed(m, b)],
                   0.95)
    return lambda: unless(not chosen or (m.folder / chosen).read_bytes() == files[chosen],
                          f"{Path(chosen).suffix} is not what was saved, and is taken")


def _packed(m: Mutator, content: bytes) -> bytes:
    """Return a safetensors file whose header is mutated."""
    size = int.from_bytes(content[:8], "little")
    head = m.dumped(m.tree(json.loads(content[8:8 + size])))
    return m.choice(len(head), HEADER_SIZES, "size of the header", 0.2).to_bytes(8,
                                                                                 "little") + head + content[8 + size:]


@door("localization.localizer.Localizer.load")
def _load(m: Mutator) -> Call:
    files = small.folder_of_localizer()
    wrong = damaged(m, files)
    device = m.choice("cpu", ("gpu9", None, "", "cuda", 1.5, "meta"), "device", 0.1)

    def judge(localizer: Localizer) -> str:
        same = localizer.predict(small.dataset(10)).equals(small.localizer().predict(small.dataset(10)))
        return wrong() or unless(same, "an equal folder gives other locations")
    return Call(lambda: Localizer.load(m.folder, device), [*files, "device", m.folder.name], judge)


@door("localization.localizer.Localizer.save", 0.5)
def _save(m: Mutator) -> Call:
    (m.folder / "plain").write_bytes(b"x")
    good = m.folder / "new"
    folder = m.choice(good,
                      (m.folder / "plain", m.folder / "plain" / "below", m.folder / ("x" * 300), m.folder / "a\0b",
                       None,
                             1), "folder", 0.7)

    def judge(_) -> str:
        back = Localizer.load(folder, "cpu").predict(small.dataset(10))
        return unless(back.equals(small.localizer().predict(small.dataset(10))), "another localizer is read back")
    return Call(lambda: small.localizer().save(folder), ["folder", "plain", getattr(folder, "name", "folder")], judge,
                [good, *(good / name for name in small.folder_of_localizer())])


@door("learning.weights.load_header")
def _load_header(m: Mutator) -> Call:
    torch.manual_seed(0)    # a compressed file of other weights has another size, and hypothesis replays its draws
    weights.save(m.folder / "kept", {"net": nn.Linear(2, 2)}, {"format": "mine", "recipe": {"seed": 0}})
    wrong = damaged(m, {path.name: path.read_bytes() for path in sorted((m.folder / "kept").iterdir())})

    def run():
        net = nn.Linear(2, 2)
        found = weights.load_header(m.folder, "mine", lambda header: header["recipe"]["seed"])
        weights.load(m.folder, "mine", {"net": net})
        return found
    return Call(run, ["header.json", "net.safetensors"], lambda found: wrong() or unless(found == 0, "another header"))


@door("learning.devices.choose_device")
def _device(m: Mutator) -> Call:
    name = m.choice("cpu", (*ODD, "cuda:99", "cpu:3", "meta", "auto", "CPU", "mps"), "name", 0.95)
    return Call(lambda: devices.choose_device(name), ["device", "name"],
                lambda device: unless(device.type in ("cpu", "cuda", "mps"), f"a device without numbers: {device}"))


@door("learning.checkpoint.Checkpoint.load", 0.5)
def _checkpoint(m: Mutator) -> Call:
    """A checkpoint that cannot be used is no error: the training starts anew, and ends with the same weights."""
    kept = m.folder / "c.pt"
    key = EnsembleTrainer(small.dataset(), SETS, small.RECIPE, kept, device="cpu").checkpoint.key
    if m.draw and m.number(0, 1):
        torch.save(m.tree({"key": key, **STATE}, 0.9), kept)
        m.say("a state of its own")
    content = kept.read_bytes() if kept.exists() else b"PK\3\4"
    kept.unlink(missing_ok=True)
    path = m.file("c.pt", content, often=0.6) if m.draw else kept

    def run():
        return Localizer(small.RECIPE, "cpu").fit(small.dataset(), SETS, path).predict(small.dataset(10))
    return Call(run, [path.name, "checkpoint"],
                lambda located: valid_predictions(located) or unless(located.equals(trained()), "other weights"),
                [path, path.parent])


@door("learning.checkpoint.key", 0.5)
def _key(m: Mutator) -> Call:
    facts, module = m.choice({"seed": 0}, ODD, "facts", 0.8), m.text("rsslib.learning.trainer", "module", 0.3)
    return Call(lambda: checkpoint.key(module, facts, np.arange(3)), ["module", "facts", "sources"],
                lambda key: unless(len(key) == 64, "no hash"))
