"""Trainings in a given time: their order, a notebook run cell by cell, what is finished, what goes on next time."""

import json

import pytest
import torch
import xarray as xr

from rsslib import __main__ as command_line
from rsslib import files
from rsslib.files import read_yaml
from rsslib.project import ROOT, InputError, write_json
from rsslib.workflow import commands, paper

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
    monkeypatch.setattr(paper, "LOCALIZER", "train.ipynb")
    return tmp_path


SEED1 = "results/full/emitters/seed1/free_space-other_input/free_space.nc"
"""The last file that a training of paper 2 leaves."""


@pytest.fixture
def both(project, monkeypatch):
    """The same with two trainings of paper 2 among those of paper 1, and the gain maps of a city."""
    notebook = json.loads((project / "train.ipynb").read_text())
    notebook["cells"][1]["source"] += "\nseed, pool, environment = 0, '', ''"
    (project / "emitters.ipynb").write_text(json.dumps(notebook))
    monkeypatch.setattr(paper, "EMITTERS", "emitters.ipynb")
    with (project / "params.yaml").open("a") as text:
        text.write("""
        emitters:
          full:
            base: {a: 5}
            free_space: {environment: free_space, b: 6}
            pools: {seed2: [free_space], seed1: [free_space]}
            seed1: {seed: 1, pool: seed1, name: one.txt}
            seed2: {seed: 2, pool: seed2, name: two.txt, b: 7}
        """)
    for pool in ("seed1", "seed2"):
        (project / SEED1.replace("seed1", pool)).parent.mkdir(parents=True)
        (project / SEED1.replace("seed1", pool)).touch()
    (project / "data/quick/scenes").mkdir()
    (project / "data/quick/scenes/sydney.nc").touch()
    return project


def test_what_settles_most_comes_first():
    names = [training.name for training in paper.order()]
    assert names[:4] == ["grid2-com", "grid2-emd", "july-com", "july-emd"]
    assert len(names) == len(set(names)) and {"blocks-emd", "random-sliced", "grid10-emd", "november-pse"} <= set(names)
    assert names.index("november-emd") < names.index("grid2-pse") < names.index("grid3-emd")


def test_paper_2_is_trained_pool_by_pool_between_what_settles_paper_1_and_the_rest():
    names = [training.name for training in paper.order()]
    known = read_yaml(ROOT / "params.yaml", "")
    pools = known["emitters"]["full"]["pools"]
    maps = [f"{section}-{name}" for section in ("maps", "unseen", "ablation") for name in known[section]["full"]
            if name != "base"]
    expected = [f"{pool}-{environment}" for pool, where in pools.items() for environment in where]
    assert expected[0] == "seed1-free_space" and "cells128-free_space" in expected
    first = names.index("seed1-free_space")
    assert names[first:first + len(expected)] == expected
    assert {name.partition("-")[2] for name in names[:first]} == {"com", "emd"}
    after = names[first + len(expected):]
    assert after[:len(maps)] == maps and "pse" in after[len(maps)]
    assert [training.name for training in paper.order("quick")] == [f"{grid}-emd" for grid in known["more_grids"]]


def test_each_training_of_paper_2_has_the_settings_of_its_pool():
    known = {training.name: training for training in paper.order()}
    finer, first, city = (paper.settings(known[name]) for name in (
        "cells128-free_space", "seed1-free_space", "seed3-sydney"))
    assert (finer["n"], finer["pool"], finer["environment"]) == (128, "cells128", "free_space")
    assert (first["n"], first["seed"], first["pool"], first["environment"]) == (64, 1, "seed1", "free_space")
    assert (city["n"], city["seed"], city["pool"], city["environment"]) == (64, 3, "seed3", "sydney")
    assert first["test_seed"] == city["test_seed"] not in (first["seed"], city["seed"])    # tested on the same samples
    assert first["test"] == city["test"] and "other_input" in first["stage"]
    assert paper.settings(known["cells128-free_space"], ["epochs=1"])["epochs"] == 1


def test_a_training_says_where_its_files_are(both):
    known = {training.name: training for training in paper.order()}
    one, other = known["seed1-free_space"], known["grid2-com"]
    assert one.outputs() == both / SEED1 and (one.notebook, one.needs) == ("emitters.ipynb", "scenes")
    assert one.stamp() == both / "results/full/emitters/seed1-free_space.stamp.json"
    assert one.finished() == both / "data/full/finished/seed1-free_space.json"
    assert other.outputs() == both / "results/full/trained/grid2-com/predictions.nc"
    assert other.stamp() == both / "results/full/trained/grid2-com.stamp.json"
    assert (other.notebook, other.needs) == ("train.ipynb", "measurements.nc")


def test_parameters_take_the_place_of_the_defaults(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    notebook = tmp_path / "one.ipynb"
    notebook.write_text(json.dumps(NOTEBOOK))
    paper.execute(notebook, {"b": 7, "name": "said.txt"})
    assert (tmp_path / "said.txt").read_text() == "1 7"


def test_sections_and_values_are_merged(project):
    training = paper.order()[0]
    assert training.name == "grid2-com"
    assert paper.settings(training) == {"a": 5, "b": 6, "name": "com.txt"}
    assert paper.settings(training, ["a=9"])["a"] == 9


def test_sections_of_paper_2_are_merged_base_environment_pool(both):
    second, first = (training for training in paper.order() if training.notebook == "emitters.ipynb")
    assert paper.settings(first) == {"a": 5, "b": 6, "environment": "free_space", "seed": 1, "pool": "seed1",
                                     "name": "one.txt"}
    assert paper.settings(second)["b"] == 7    # the pool's


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
    said = capsys.readouterr().err
    assert "0 of 5 trainings are finished; 5 to go, at most 1 min\n" in said
    assert ("take days" in said) != torch.cuda.is_available()
    assert (project / "com.txt").read_text() == "5 2" and (project / "data/full/finished/grid3-emd.json").is_file()
    (project / "com.txt").unlink()
    assert paper.train(commands.UNTIL_DONE, 2) == 0 and not (project / "com.txt").exists()
    said = capsys.readouterr().err
    assert "5 of 5 trainings are finished; 0 to go\n" in said and "take days" not in said
    assert paper.train(1, 2, ["a=8"]) == 0 and (project / "com.txt").read_text() == "8 2"


def test_a_finished_training_of_paper_2_is_not_trained_again(both, processes, capsys):
    assert paper.train(1, 2) == 0
    said = capsys.readouterr().err
    assert "0 of 7 trainings are finished; 7 to go" in said and "seed1-free_space done" in said
    assert (both / "one.txt").read_text() == "5 6" and (both / "two.txt").read_text() == "5 7"
    assert (both / "data/full/finished/seed1-free_space.json").is_file()
    for name in ("one.txt", "two.txt", "com.txt"):
        (both / name).unlink()
    assert paper.train(1, 2) == 0 and "7 of 7 trainings are finished" in capsys.readouterr().err
    assert not any((both / name).exists() for name in ("one.txt", "two.txt", "com.txt"))
    (both / "data/quick/measurements.nc").write_text("others")    # which paper 2 does not use
    assert paper.train(1, 2) == 0 and "2 of 7 trainings are finished" in capsys.readouterr().err
    assert not (both / "one.txt").exists() and (both / "com.txt").exists()


@pytest.mark.parametrize("change, left", [
    (lambda root: (root / SEED1).unlink(), 6),    # its predictions alone
    (lambda root: (root / "data/quick/scenes/sydney.nc").write_text("others"), 5),
    (lambda root: (root / "data/quick/scenes/chicago.nc").write_text("more"), 5),
    (lambda root: (root / "emitters.ipynb").write_text((root / "emitters.ipynb").read_text().replace(
        "write_text(f'{a} {b}')", "write_text(f'{b} {a}')")), 5)])
def test_other_gain_maps_code_and_lost_predictions_of_paper_2_are_trained_anew(both, processes, capsys, change, left):
    paper.train(1, 2)
    change(both)
    capsys.readouterr()
    paper.train(1, 2)
    assert f"{left} of 7 trainings are finished" in capsys.readouterr().err


@pytest.mark.parametrize("change", [
    lambda root: (root / "data/quick/measurements.nc").write_text("others"),
    lambda root: (root / "results/full/trained/grid2-com/predictions.nc").unlink()])
def test_other_measurements_and_lost_predictions_are_trained_anew(project, processes, capsys, change):
    paper.train(1, 2)
    change(project)
    capsys.readouterr()
    paper.train(1, 2)
    assert "5 of 5 trainings are finished" not in capsys.readouterr().err


@pytest.mark.parametrize("value", ["split=random", "loss=emd", "profile=quick", "root=x", "measurements=y", "inputs=z",
                                   "environment=sydney", "pool=seed9", "seed=7"])
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
    assert "grid2-com stopped; it continues next time" in said
    assert "not begun: random-com, random-emd, grid3-emd" in said


@pytest.mark.parametrize("minutes, at_once", [(0, 1), (-1, 1), (float("nan"), 1), (1, 0), (1, 10**9)])
def test_other_numbers_are_refused(project, minutes, at_once):
    with pytest.raises(InputError, match="--minutes .* --at-once"):
        paper.train(minutes, at_once)


def test_measurements_must_be_there(project):
    (project / "data/quick/measurements.nc").unlink()
    with pytest.raises(InputError, match="measurements.nc: not there; run"):
        paper.train(1, 1)


def test_paper_2_needs_gain_maps_and_no_measurements(both, processes):
    (both / "data/quick/measurements.nc").unlink()
    assert paper.train(1, 1, (), ["seed1-free_space"]) == 0 and (both / "one.txt").exists()
    (both / "data/quick/scenes/sydney.nc").unlink()
    with pytest.raises(InputError, match="scenes: not there; run"):
        paper.train(1, 1, (), ["seed1-free_space"])


def test_only_some_in_their_order(project, processes, capsys):
    assert paper.train(1, 1, (), ["random-emd", "grid2-com"]) == 0
    assert "0 of 2 trainings are finished" in capsys.readouterr().err
    assert not (project / "data/full/finished/grid2-emd.json").exists()
    with pytest.raises(InputError, match="command line: --only is 'grid9-emd'; expected one of grid2-com"):
        paper.train(1, 1, (), ["grid9-emd"])


@pytest.mark.parametrize("name, place, known", [
    ("grid2-com", "trained", {"seconds_per_epoch": 1.5}), ("seed1-free_space", "emitters", {}),
    ("unseen-grid2", "unseen", {}),
    ("seed1-free_space", "emitters", {"seconds_per_epoch": 1.5})])
def test_a_stamp_says_what_a_training_was_made_of(tmp_path, monkeypatch, name, place, known):
    training = next(training for training in paper.order() if training.name == name)
    monkeypatch.setattr(paper, "ROOT", tmp_path)
    made = {"device": "cpu", "torch": "2", "computed_in": "float32", "n": 3}
    if training.outputs().suffix == ".json":
        write_json(training.outputs(), made | {"covered": []})
    else:
        files.write_netcdf(xr.Dataset(attrs=made), training.outputs())
    stamp = tmp_path / f"results/full/{place}/{name}.stamp.json"
    if known:
        stamp.write_text(json.dumps(known))
    assert paper.describe(training, {"epochs": 2}, "abc") == stamp
    assert json.loads(stamp.read_text()) == known | {"device": "cpu", "torch": "2", "computed_in": "float32",
                                                     "code": "abc", "parameters": {"epochs": 2}}


def test_no_predictions_have_no_stamp(tmp_path, monkeypatch):
    training = paper.order()[0]
    monkeypatch.setattr(paper, "ROOT", tmp_path)
    with pytest.raises(InputError, match="predictions.nc: no such file"):
        paper.describe(training, {}, "abc")
    assert not training.stamp().exists()


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
    assert command_line.main(["paper", "--profile", "quick", "--only", "grid3-emd"]) == 0
    assert given == [(9.0, 4, ["epochs=2"], [], "full"), (1e5, 1, [], ["a-b", "c-d"], "full"),
                     (1e5, 1, [], ["grid3-emd"], "quick")]
