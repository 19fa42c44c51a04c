"""Doors of rsslib.workflow: command lines, notebooks and their parameters, records compared."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from rsslib import __main__ as command_line
from rsslib import project, sources
from rsslib.workflow import commands, paper, parameters, run, verify

from ..arrays import ODD
from ..law import Call, unless
from ..mutations import TEXTS, Mutator
from .registry import door

PARAMS = {"profiles": {"quick": {"epochs": 60, "split": "random"}, "smoke": {"epochs": 2}},
          "train": {"quick": {"learning_rate": 5e-4, "members": 3, "watch": ["test"]}}}
SOURCE = "epochs = 60\nsplit: str = 'random'\nlearning_rate, members = 5e-4, 3\nwatch = ['test']\nroot = '.'"
NOTEBOOK = {"cells": [
    {"cell_type": "markdown", "id": "title", "metadata": {}, "source": ["# A notebook"]},
    {"cell_type": "code", "id": "parameters", "metadata": {"tags": ["parameters"]}, "outputs": [],
     "execution_count": None,
     "source": SOURCE.splitlines(keepends=True)},
    {"cell_type": "code", "id": "work", "metadata": {}, "outputs": [], "execution_count": None,
     "source": ["from rsslib.data import grid\n", "%matplotlib inline\n", "print(epochs)"]}],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4, "nbformat_minor": 5}
VALUES = ("epochs=70", "split=grid2", "learning_rate=5e-4", "watch=[test]", "watch=test", "split=no", "split=007",
          "split=12:30", "split=2022-07-05", "split=a #b", "split=@x", "split=*.nc", "split=%T", "split=[1", "split=`x",
          "split='it", "epochs=abc", "epochs=", "epochs", "=3", "epochs=1e400", "epochs=!!python/object:os.system {}",
          "epochs=.nan", "split=" + "[" * 3000, "split={a: b}", "split=&a [*a]", "epochs=1=2", "épochs=1",
          "__class__=1",
          "epochs=1\n", "split=\0", "epochs=9" + "9" * 5000, "watch=[" + "a," * 3000 + "]", "split=\udc80")
SECTIONS = (["profiles"], ["no.such"], [""], ["profiles.quick.epochs"], ["profiles..quick"], [None], [1], ["."],
            ["profiles.quick"] * 50)
CODE = ("print(", "import rsslib.nowhere", "from rsslib import nothing", "from . import x", "\0", "%%bash\nls -l",
        "!ls",
        "x = 1\n  y = 2", "from rsslib.data import *", "def f(:", "(" * 300, "é = 1")
MODULES = ("rsslib", "rsslib.", "rsslib..data", "rsslib.nowhere", "numpy", None, 1, "rsslib.data.grid.Grid", *TEXTS)


def _params(m: Mutator, often: float) -> Path:
    """Write a parameters file with mutated tree, lines or bytes."""
    def bomb(_: bytes) -> bytes:
        m.say("aliases of aliases")
        rows = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
        return "\n".join(["a0: &a0 [x, x]", *rows, "profiles: {quick: {epochs: *a8}}"]).encode()

    def tree(_: bytes) -> bytes:
        return yaml.safe_dump(m.tree(PARAMS), allow_unicode=True).encode("utf-8", "replace")
    return m.file("params.yaml", yaml.safe_dump(PARAMS).encode(), [tree, tree, m.lines, bomb], often)


@door("workflow.parameters.merge")
def _merge(m: Mutator) -> Call:
    path, notebook = _params(m, 0.4), m.json("tiny.ipynb", NOTEBOOK, 0.3)
    sections = m.choice(["profiles.quick", "train.quick"], SECTIONS, "sections", 0.2)
    overrides = [m.choice("epochs=70", VALUES, "value", 0.5)]

    def judge(merged: dict) -> str:
        return unless(json.dumps(merged, allow_nan=False) and all(isinstance(name, str) for name in merged),
                      "no parameters")
    return Call(lambda: parameters.merge(notebook, sections, overrides, path),
                ["params.yaml", "command line", "section", "tiny.ipynb", path.name, notebook.name], judge)


@door("workflow.parameters.check")
def _check(m: Mutator) -> Call:
    path = m.json("tiny.ipynb", NOTEBOOK)
    given = m.tree({"epochs": 70, "split": "grid2", "watch": ["a"]}, 0.5, ODD)
    given = given if isinstance(given, dict) else {"epochs": given}
    return Call(lambda: parameters.check(path, given), ["tiny.ipynb", path.name, "parameters"],
                lambda checked: unless(json.dumps(checked, allow_nan=False) and len(checked) == len(given), "others"))


def _main(arguments: list, folder: Path) -> tuple:
    """Return the status and what was started; a refusal on standard error becomes the InputError that it stands for."""
    started: list = []
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()) as told, \
            contextlib.redirect_stdout(told):
        patch.chdir(folder)
        for module in (command_line, run):
            patch.setattr(module, "require_project", lambda: None)
        patch.setattr(parameters, "ROOT", folder)
        patch.setattr(commands, "reproduce", lambda profile=None: started.append(profile) or 0)
        patch.setattr(paper, "train", lambda *values: started.append(values) or 0)
        patch.setattr(verify, "main", lambda: started.append("verify") or 0)
        patch.setitem(command_line._SIMPLE, "results", ("", lambda: started.append("results") or 0))
        patch.setattr(run, "execute", lambda notebook, out, values: started.append(values))
        try:
            status = command_line.main(arguments)
        except SystemExit as end:
            status = end.code
    if status == 2 and not started:
        raise project.InputError(told.getvalue().partition("error: ")[2])
    return status, started


def _valid_status(result: tuple) -> str:
    return unless(result[0] == 0, f"the exit status is {result[0]!r}, started was {result[1]}")


@door("workflow.run.main")
def _run_main(m: Mutator) -> Call:
    path = m.json("tiny.ipynb", NOTEBOOK, 0.2)
    _params(m, 0.2)
    values = [m.choice("epochs=70", VALUES, "value", 0.5), m.choice("split=grid2", VALUES, "value", 0.3)]
    more = m.choice([],
                    (["--section"], ["--section", "no.such"], ["--section", "profiles.smoke"], ["--profile", "x"],
                     ["--help"],
                         ["extra"], ["--", "a=b"]), "more", 0.3)
    names = [part.partition("=")[0] or part for part in (*values, *more)]
    return Call(lambda: _main(["run", path.name, "out.ipynb", *values, *more], m.folder),
                [*filter(None, names), path.name, "command line", "params.yaml"], _valid_status)


@door("__main__.main")
def _command(m: Mutator) -> Call:
    profile = m.choice("campus", (*TEXTS, "Quick", "smoke", "../../x", "quick\n"), "profile", 0.5)
    command = m.choice("reproduce", (*TEXTS, "Reproduce", "repro", "run", "results", "verify", "smoke", "paper"),
                       "command", 0.4)
    more = m.choice([], (["--profile"], ["--help"], ["extra"], ["--", "x"], ["-v"]), "more", 0.3)
    arguments = [command, *(["--profile", profile] if command == "reproduce" else []), *more]
    return Call(lambda: _main(arguments, m.folder), ["COMMAND", "--profile", "notebook", "out", *map(repr, arguments),
                                                     *filter(None, arguments)],
                _valid_status)


@door("sources.closure")
def _closure(m: Mutator) -> Call:
    path = m.json("tiny.ipynb", NOTEBOOK)
    if m.wants(0.4):
        content = json.loads(json.dumps(NOTEBOOK))
        content["cells"][2]["source"] = m.say(m.one(CODE))
        path = m.folder / "code.ipynb"
        path.write_text(json.dumps(content), encoding="utf-8")
    module = m.choice("rsslib.data.grid", MODULES, "module", 0.3)

    def judge(result) -> str:
        reached, digest, code = result
        return unless(all(path.is_file() for path in reached) and len(digest) == 12 and isinstance(code, str),
                      "no closure")
    return Call(lambda: (sources.closure(module, path), sources.digest(module, path), sources.code_of(path)),
                ["sources", path.name, "module"], judge)


@door("workflow.verify.compare_records")
def _compare(m: Mutator) -> Call:
    content = {"provenance": {"torch": "2", "device": "cpu"}, "records": [{"loss": "emd", "median_m": 90.0}]}
    new, kept = m.folder / "new", m.folder / "kept"
    for folder in (new, kept):
        folder.mkdir()
    (new / "table.json").write_text(json.dumps(content))
    m.folder = kept
    m.json("table.json", content)
    m.json("table.stamp.json", {"cpu": "x"}, 0.3)
    return Call(lambda: verify.compare_records(new, kept), ["table.json", "table.stamp.json"],
                lambda found: unless(not any(np.isnan(value) for value in found.values()),
                                     "a difference that is no number"))
