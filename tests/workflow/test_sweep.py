"""What a sweep on a cluster is made of: its tasks, the files that they take along, what is refused."""

import sys
from concurrent.futures import Future

import pytest

from rsslib.project import ROOT, InputError
from rsslib.workflow import paper, sweep

pytest.importorskip("distributed", reason="Dask distributed is not installed (extra cluster)")


def test_files_go_to_a_worker_and_come_back_whole(tmp_path):
    (tmp_path / "a/__pycache__").mkdir(parents=True)
    (tmp_path / "a/__pycache__/x.pyc").touch()
    (tmp_path / "a/text").write_text("word")
    task = sweep.Task("t", 'python -c "import shutil; shutil.copytree(\'a\', \'b\')"', ("a",), ("b",))
    bundle = sweep.pack(tmp_path, ("a", "not there"))
    sweep.unpack(sweep.work(task, "/nowhere", bundle), tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == [
        "a/__pycache__/x.pyc", "a/text", "b/text"]
    assert (tmp_path / "b/text").read_text() == "word"


def test_the_trainings_of_full_are_tasks_too(monkeypatch):
    found = []

    def submit(task):
        found.append(task)
        future = Future()
        future.set_result(int(task.name == "july-emd"))
        return future

    monkeypatch.setattr(paper, "unfinished", lambda: paper.order()[:4])
    assert sweep._train(submit) == 1
    assert [task.name for task in found] == ["grid2-com", "grid2-emd", "july-com", "july-emd"]
    assert found[0].command == "python -m rsslib paper --only grid2-com" and sweep._TRAINS.search(found[0].command)
    assert found[0].reads == ("data/quick/measurements.nc",)
    assert found[0].writes == ("results/full/trained/grid2-com", "results/full/trained/grid2-com.stamp.json",
                               "data/full/finished/grid2-com.json")


def test_what_a_training_writes_is_what_git_keeps_of_it():
    kept = {path.relative_to(ROOT).as_posix() for kind in ("trained", "emitters", "maps", "unseen", "ablation")
            for path in (ROOT / "results/full" / kind).rglob("*") if path.is_file()}
    told = {training.name: sweep._of_training(training).writes for training in paper.order()}
    assert "results/full/unseen/grid2.json" in told["unseen-grid2"]
    covered = {path for path in kept for writes in told.values() if any(
        path == name or path.startswith(f"{name}/") for name in writes)}
    assert kept == covered and len(kept) > 100


def test_stages_that_train_are_told_from_those_that_do_not():
    def trains(name):
        return bool(sweep._TRAINS.search(f"python -m rsslib.run notebooks/train/{name}.ipynb out.ipynb"))
    assert trains("localizer") and trains("emitters") and trains("unseen_cells")
    assert not trains("scenes") and not trains("site_data")


def test_bad_input_is_named(monkeypatch):
    with pytest.raises(InputError, match="profile 'slow'"):
        sweep.sweep("slow")
    with pytest.raises(InputError, match="--workers is -1"):
        sweep.sweep("smoke", workers=-1)
    with pytest.raises(InputError, match="--gpu without --scheduler"):
        sweep.sweep("smoke", gpu=True)
    monkeypatch.setattr(sweep, "WAIT_S", 1)
    with pytest.raises(InputError, match="--scheduler tcp://127.0.0.1:1: no scheduler with a worker answers"):
        sweep.sweep("smoke", "tcp://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="Dask distributed is not installed; run `make env`"):
        sweep.sweep("smoke")
