"""Trainings in a given time: their order, a notebook run cell by cell, what is finished, what goes on next time."""

import json

import pytest

from rsslib import __main__ as command_line
from rsslib.project import InputError
from rsslib.workflow import paper

NOTEBOOK = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
    {"cell_type": "markdown", "metadata": {}, "source": "# Text is no code"},
    {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": ["a = 1\n", "b = a + 1"]},
    {"cell_type": "code", "metadata": {}, "source": "from pathlib import Path\nPath(name).write_text(f'{a} {b}')"}]}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with measurements, in which a training writes its parameters."""
    monkeypatch.setattr(paper, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)    # a training changes it
    (tmp_path / "data/quick").mkdir(parents=True)
    for name in ("grid2-com", "grid2-emd", "random-com", "random-emd", "grid3-emd"):    # what a training leaves
        (tmp_path / "results/full/trained" / name).mkdir(parents=True)
        (tmp_path / "results/full/trained" / name / "predictions.nc").touch()
    (tmp_path / "data/quick/measurements.nc").touch()
    monkeypatch.setattr(paper, "describe", lambda *_: None)
    (tmp_path / "params.yaml").write_text("""
        more_grids: [grid3]
        train: {full: {a: 5}}
        split: {full: {grid2: {b: 6}, grid3: {}, random: {}}}
        loss: {com: {name: com.txt}, emd: {name: emd.txt}}
    """)
    notebook = tmp_path / "train.ipynb"
    cells = [cell | {"source": f"{''.join(cell['source'])}\nname = ''"} if cell["metadata"] else cell
             for cell in NOTEBOOK["cells"]]
    notebook.write_text(json.dumps(NOTEBOOK | {"cells": cells}))
    monkeypatch.setattr(paper, "NOTEBOOK", "train.ipynb")
    return tmp_path


def test_what_settles_most_comes_first():
    names = [training.name for training in paper.order()]
    assert names[:4] == ["grid2-com", "grid2-emd", "july-com", "july-emd"]
    assert len(names) == len(set(names)) and {"blocks-emd", "random-sliced", "grid10-emd", "november-pse"} <= set(names)
    assert names.index("november-emd") < names.index("grid2-pse") < names.index("grid3-emd")


def test_parameters_take_the_place_of_the_defaults(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    notebook = tmp_path / "one.ipynb"
    notebook.write_text(json.dumps(NOTEBOOK))
    paper.execute(notebook, {"b": 7, "name": "said.txt"})
    assert (tmp_path / "said.txt").read_text() == "1 7"


def test_sections_and_values_are_merged(project):
    training = paper.Training("full", "grid2", "com")
    assert paper.settings(training) == {"a": 5, "b": 6, "name": "com.txt"}
    assert paper.settings(training, ["a=9"])["a"] == 9


class Started:
    """Stands for a process: it runs at once, here, or never ends."""

    ends = True

    def __init__(self, target, args):
        self.call, self.exitcode, self.stopped = (target, args), None, False

    def start(self):
        if self.ends:
            try:
                self.call[0](*self.call[1])
                self.exitcode = 0
            except Exception:
                self.exitcode = 1

    def terminate(self):
        self.stopped, self.exitcode = True, -15

    def join(self):
        assert self.stopped


@pytest.fixture
def processes(monkeypatch):
    monkeypatch.setattr(paper.multiprocessing, "get_context", lambda _: type("Context", (), {"Process": Started}))
    monkeypatch.setattr(paper.os, "dup2", lambda *_: None)
    return Started


def test_what_is_finished_is_not_trained_again(project, processes, capsys):
    assert paper.train(1, 2) == 0
    assert "0 of 5 trainings are finished; 5 to go" in capsys.readouterr().err
    assert (project / "com.txt").read_text() == "5 2" and (project / "data/full/finished/grid3-emd.json").is_file()
    (project / "com.txt").unlink()
    assert paper.train(1, 2) == 0 and not (project / "com.txt").exists()
    assert "5 of 5 trainings are finished" in capsys.readouterr().err
    assert paper.train(1, 2, ["a=8"]) == 0 and (project / "com.txt").read_text() == "8 2"


@pytest.mark.parametrize("change", [
    lambda root: (root / "data/quick/measurements.nc").write_text("others"),
    lambda root: (root / "results/full/trained/grid2-com/predictions.nc").unlink()])
def test_other_measurements_and_lost_predictions_are_trained_anew(project, processes, capsys, change):
    paper.train(1, 2)
    change(project)
    capsys.readouterr()
    paper.train(1, 2)
    assert "5 of 5 trainings are finished" not in capsys.readouterr().err


@pytest.mark.parametrize("value", ["split=random", "loss=emd", "profile=quick", "root=x", "measurements=y"])
def test_what_tells_trainings_apart_is_not_given(project, value):
    with pytest.raises(InputError, match="each training has its own"):
        paper.train(1, 1, [value])


def test_a_training_that_fails_is_said_and_the_others_go_on(project, processes, capsys):
    (project / "com.txt").mkdir()
    assert paper.train(1, 1) == 1
    said = capsys.readouterr().err
    assert "grid2-com failed, see" in said and "grid2-emd done" in said
    assert not (project / "data/full/finished/grid2-com.json").exists()


def test_it_stops_in_time(project, processes, monkeypatch, capsys):
    monkeypatch.setattr(processes, "ends", False)
    assert paper.train(0.005, 2) == 0
    said = capsys.readouterr().err
    assert "grid2-com stopped: the time is over" in said and "not begun: random-com, random-emd, grid3-emd" in said


@pytest.mark.parametrize("minutes, at_once", [(0, 1), (-1, 1), (float("nan"), 1), (1, 0), (1, 10**9)])
def test_other_numbers_are_refused(project, minutes, at_once):
    with pytest.raises(InputError, match="--minutes .* --at-once"):
        paper.train(minutes, at_once)


def test_measurements_must_be_there(project):
    (project / "data/quick/measurements.nc").unlink()
    with pytest.raises(InputError, match="measurements.nc: not there; run"):
        paper.train(1, 1)


def test_only_some_in_their_order(project, processes, capsys):
    assert paper.train(1, 1, (), ["random-emd", "grid2-com"]) == 0
    assert "0 of 2 trainings are finished" in capsys.readouterr().err
    assert not (project / "data/full/finished/grid2-emd.json").exists()
    with pytest.raises(InputError, match="command line: --only is 'grid9-emd'; expected one of grid2-com"):
        paper.train(1, 1, (), ["grid9-emd"])


def test_a_stamp_says_what_a_training_was_made_of(tmp_path, monkeypatch):
    import xarray as xr

    monkeypatch.setattr(paper, "ROOT", tmp_path)
    attrs = {"device": "cpu", "torch": "2", "computed_in": "float32"}
    monkeypatch.setattr(paper.predictions, "load", lambda path: xr.Dataset(attrs=attrs))
    training = paper.Training("full", "grid2", "com")
    stamp = training.outputs().with_name("grid2-com.stamp.json")
    stamp.parent.mkdir(parents=True)
    stamp.write_text('{"seconds_per_epoch": 1.5}')
    paper.describe(training, {"epochs": 2}, "abc")
    assert json.loads(stamp.read_text()) == {"seconds_per_epoch": 1.5, "device": "cpu", "torch": "2",
                                             "computed_in": "float32", "code": "abc", "parameters": {"epochs": 2}}


def test_where_there_is_no_gpu_it_is_said(project, processes, monkeypatch, capsys):
    monkeypatch.setattr(paper.torch.cuda, "is_available", lambda: False)
    paper.train(1, 1)
    assert "no CUDA GPU" in capsys.readouterr().err


def test_the_command_line_hands_on_minutes_and_values(monkeypatch):
    given = []
    monkeypatch.setattr(command_line, "require_project", lambda: None)
    monkeypatch.setattr(paper, "train", lambda *values: given.append(values) or 0)
    assert command_line.main(["paper", "--minutes", "9", "--at-once", "4", "epochs=2"]) == 0
    assert command_line.main(["paper", "--only", "a-b,c-d"]) == 0
    assert given == [(9.0, 4, ["epochs=2"], []), (1e5, 1, [], ["a-b", "c-d"])]
