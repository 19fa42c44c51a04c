"""Stages on a cluster of Dask: the bytes of a run without one, though a worker is killed or sees no common folder."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from rsslib.project import ROOT
from rsslib.workflow import chain, sweep, verify

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
