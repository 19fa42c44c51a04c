"""Stages on a cluster of Dask: the bytes of a run without one, though a worker is killed or sees no common folder."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future

import pytest

from rsslib.project import ROOT, InputError
from rsslib.workflow import chain, paper, sweep, verify

pytest.importorskip("distributed", reason="Dask distributed is not installed (extra cluster)")
pytestmark = [pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning"),    # DVC's own
              pytest.mark.skipif(sys.platform != "linux", reason="asks ps, as on Linux, for the processes of workers")]
STAGES = {"data@smoke", "train-maps@smoke-november", "scenes-procedural@smoke-procedural"}


def written(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for kind in ("data", "results")
            for path in sorted((folder / kind).rglob("*")) if path.is_file() and not path.match("*.stamp.json")}


def copied(folder):
    verify.export(ROOT, folder)
    (folder / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What three stages of the smoke chain write without a cluster."""
    if not (ROOT / ".git").exists():
        pytest.skip("no git clone: the files of the project cannot be told from others")
    folder = tmp_path_factory.mktemp("alone")
    copied(folder)
    with chain.side_by_side(folder, {"PYTHONPATH": str(folder)}, folder / "log") as runner:
        assert chain.run(STAGES.__contains__, runner, folder) == 0, (folder / "log").read_text()
    return written(folder)


@pytest.mark.parametrize("shared", [True, False])
def test_a_worker_is_killed_in_the_middle_and_all_is_there_and_equal(alone, tmp_path, monkeypatch, shared):
    copied(tmp_path)
    monkeypatch.setattr(sweep, "ROOT", tmp_path)
    killed = []
    with sweep._client("", 2) as client:
        before = client.run(os.getpid)

        def kill():    # the first that is at work on maps, while its notebook runs
            while not killed:
                time.sleep(0.05)
                for address, keys in client.processing().items():
                    if keys and any("maps" in name for name in _commands_below(before.get(address, 0))):
                        killed.append(address)
                        os.kill(before[address], signal.SIGKILL)
                        return

        watch = threading.Thread(target=kill, daemon=True)
        watch.start()
        runner = chain.Runner(lambda stage: sweep._submit(client, shared, 1, False, sweep._of_stage(stage)), lambda: 2)
        assert chain.run(STAGES.__contains__, runner, tmp_path) == 0
        watch.join(5)
        assert killed and killed[0] not in client.run(os.getpid)
    assert written(tmp_path) == alone and len(alone) >= 7


def _commands_below(number):
    """The command lines of the children of a process."""
    listed = subprocess.run(["ps", "-o", "args=", "--ppid", str(number)], capture_output=True, text=True, check=False)
    return listed.stdout.splitlines()


def test_a_command_that_fails_is_tried_again_and_its_end_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweep, "ROOT", tmp_path)
    tries = tmp_path / "tries"
    code = f"import pathlib; p = pathlib.Path({str(tries)!r}); p.open('a').write('x'); assert len(p.read_text()) > 2"
    task = sweep.Task("fails", f'python -c "{code}"', (), ())
    with sweep._client("", 1) as client:
        assert (shared := sweep._seen(client))
        assert sweep._submit(client, shared, 1, False, task).result() == 1
        assert tries.read_text() == "xx" and "AssertionError" in capsys.readouterr().err
        assert sweep._submit(client, shared, 1, False, task).result() == 0


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
