"""Doors of the ground floor: the readers and writers of files, progress lines."""

import io
import json
import sys

import numpy as np
import pytest
import xarray as xr

from rsslib import files, progress, project

from ..arrays import ODD
from ..law import Call, unless
from ..mutations import Mutator
from .registry import door
from .workflow import PARAMS, _params

WHAT = "what a test wants"
STORED = xr.Dataset({"x": ("a", np.arange(4.0)), "name": ("a", np.array(["a", "b", "c", "é"]))},
                    attrs={"n": 3, "title": "mine", "list": [1.5, 2.5]})


@door("files.read_json")
def _read_json(m: Mutator) -> Call:
    path = m.json("a.json", PARAMS)
    return Call(lambda: files.read_json(path, WHAT), [path.name],
                lambda content: unless(json.dumps(content), "no JSON"))


@door("files.read_yaml")
def _read_yaml(m: Mutator) -> Call:
    path = _params(m, 0.9)
    return Call(lambda: files.read_yaml(path, WHAT), [path.name],
                lambda content: unless(m.said or content == PARAMS, "other parameters"))


@door("files.read_text", 0.5)
def _read_text(m: Mutator) -> Call:
    path = m.file("a.txt", "a text, é\n".encode())
    return Call(lambda: files.read_text(path, WHAT), [path.name],
                lambda content: unless(isinstance(content, str) and (m.said or content == "a text, é\n"), "no text"))


@door("files.read_netcdf")
def _read_netcdf(m: Mutator) -> Call:
    content = files.write_netcdf(STORED, m.folder / "a.nc").read_bytes()
    (m.folder / "a.nc").unlink()
    path = m.netcdf("a.nc", content)
    return Call(lambda: files.read_netcdf(path, WHAT), [path.name],
                lambda result: unless(m.edited or result.equals(STORED), "not the dataset that was written"))


@door("files.write_netcdf")
def _write_netcdf(m: Mutator) -> Call:
    dataset, path = m.dataset(STORED, often=0.7), m.target()

    def judge(_) -> str:
        back = files.read_netcdf(path, WHAT)
        same = all(back[name].dims == one.dims and (one.dtype.kind not in "fiu"
                                                    or np.array_equal(back[name], one, equal_nan=True))
                   for name, one in dataset.variables.items())
        return unless(same, "another dataset is read back")
    return Call(lambda: files.write_netcdf(dataset, path), [path.name or "path", "dataset"], judge,
                [path, *path.parents])


@door("project.write_json", 0.5)
def _write_json(m: Mutator) -> Call:
    content, path = m.tree({"a": [1, 2.5, "é"], "b": {"c": None}}, 0.6, ODD), m.target(valid="out.json")
    return Call(lambda: project.write_json(path, content), [path.name or "path", "content"],
                lambda _: unless(path.read_text(encoding="utf-8").strip(), "nothing is written"), [path, *path.parents])


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@door("progress.Progress")
def _progress(m: Mutator) -> Call:
    (m.folder / "plain").write_bytes(b"x")
    good = m.folder / "lines"
    targets = ("off", "OFF", "", str(m.folder), str(m.folder / "plain" / "x"), "a" * 5000, " ",
               str(m.folder / "gone" / "x"))
    target, given = m.choice(str(good), targets, progress.VARIABLE, 0.6), m.arguments(0.4, total=3, name="mine",
                                                                                      start=0)
    stream = m.choice(sys.stderr, (None, object(), io.StringIO(), _Terminal()), "sys.stderr", 0.4)

    def go():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(progress.VARIABLE, target)
            patch.chdir(m.folder)
            patch.setattr(sys, "stderr", stream)
            with progress.Progress(**given) as shown:
                for done in range(1, 4):
                    shown.step(done, "loss 0.5")
        return True
    return Call(go, [progress.VARIABLE, *given], lambda done: unless(done, "not done"),
                [good, m.folder / "OFF", m.folder / " "])
