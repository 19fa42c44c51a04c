"""Stages several at a time: what they need first, once each, and DVC knows what was done."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rsslib.project import InputError
from rsslib.workflow import chain

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")    # DVC's own
STAGES = """
stages:
  first:
    cmd: python step.py first
    deps: [step.py, word.txt]
    outs: [first]
  left:
    cmd: python step.py left first
    deps: [step.py, first]
    outs: [left]
  right:
    cmd: python step.py right first
    deps: [step.py, first]
    outs: [right]
  last:
    cmd: python step.py last left right
    deps: [left, right]
    outs: [last]
  alone:
    cmd: python step.py alone
    outs: [alone]
"""
STEP = """
import pathlib, sys, time
name, *needs = sys.argv[1:]
print('running', name, flush=True)
out = pathlib.Path(name); out.mkdir(exist_ok=True)
if name == pathlib.Path('fails.txt').read_text():
    sys.exit(3)
started = time.time()
waited = 0
while name in ('left', 'right') and not pathlib.Path('right' if name == 'left' else 'left').is_dir() and waited < 300:
    time.sleep(0.1); waited += 1
(out / 'text').write_text(''.join(pathlib.Path(need, 'text').read_text() for need in needs) or
                          pathlib.Path('word.txt').read_text())
print('together' if waited < 300 else 'alone', name, flush=True)
"""


@pytest.fixture
def project(tmp_path):
    pytest.importorskip("dvc", reason="DVC is not installed (extra repro)")
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text(
        "[core]\n    analytics = false\n    check_update = false\n    no_scm = true\n")
    for name, text in (("dvc.yaml", STAGES), ("step.py", STEP), ("word.txt", "word "), ("fails.txt", "none")):
        (tmp_path / name).write_text(text)
    return tmp_path


def run(project, chosen=lambda name: name == "last", **options):
    """Return the exit status, and which stages ran, in order."""
    log = project / "log"
    log.write_text("")
    with chain.side_by_side(project, log=log) as runner:
        status = chain.run(chosen, runner, project, **options)
    return status, [line.split()[1] for line in log.read_text().splitlines() if line.startswith("running")]


def test_what_a_stage_needs_runs_first_and_side_by_side_and_nothing_twice(project, monkeypatch, capsys):
    monkeypatch.setattr(chain, "cores", lambda: 2)
    status, ran = run(project)
    assert status == 0 and ran[0] == "first" and sorted(ran[1:3]) == ["left", "right"] and ran[3:] == ["last"]
    assert "alone" not in (project / "log").read_text()    # left and right each saw the other at work
    assert (project / "last" / "text").read_text() == "word word "
    assert "4 of 4 stages: last done" in capsys.readouterr().err
    assert run(project) == (0, [])
    told = subprocess.run([sys.executable, "-m", "dvc", "status", "--json", "first", "left", "right", "last"],
                          cwd=project, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout) == {}


def test_what_is_out_of_date_runs_again_with_what_depends_on_it(project):
    assert run(project)[0] == 0
    (project / "left" / "text").write_text("changed")    # by hand: not what DVC knows
    (project / "left" / "of an earlier run").touch()
    assert run(project) == (0, ["left"])    # it wrote what it had written: the last stage is up to date
    assert [path.name for path in (project / "left").iterdir()] == ["text"]
    (project / "word.txt").write_text("other ")
    assert sorted(run(project)[1]) == ["first", "last", "left", "right"]
    assert (project / "last" / "text").read_text() == "other other "


def test_force_and_the_chosen_stages_alone(project):
    assert run(project)[0] == 0
    status, ran = run(project, lambda name: name in ("first", "last"), force=lambda name: True, upstream=False)
    assert status == 0 and sorted(ran) == ["first", "last"]    # at the same time: neither needs the other itself


def test_a_stage_that_fails_ends_the_run_with_its_status_and_what_was_done_is_kept(project, capsys):
    (project / "fails.txt").write_text("left")
    status, ran = run(project)
    assert status == 3 and "last" not in ran and "left failed" in capsys.readouterr().err
    (project / "fails.txt").write_text("none")
    status, ran = run(project)
    assert status == 0 and "first" not in ran and ran[-1] == "last"


def test_after_a_failure_nothing_new_begins(project, monkeypatch):
    monkeypatch.setattr(chain, "cores", lambda: 1)
    (project / "fails.txt").write_text("first")
    assert run(project, lambda name: name in ("alone", "last")) == (3, ["first"])    # alone could have begun


def test_an_output_that_is_not_written_is_a_failure_and_others_are_kept(project, monkeypatch, capsys):
    text = (project / "dvc.yaml").read_text()
    (project / "dvc.yaml").write_text(text.replace("outs: [last]", "outs: [other]"))
    assert run(project)[0] == 1 and "last: output 'other' does not exist" in capsys.readouterr().err
    (project / "dvc.yaml").write_text(text)
    assert run(project) == (0, ["last"])


def test_an_interrupted_run_waits_for_what_runs_and_keeps_what_was_done(project, monkeypatch):
    forgotten = chain._forget

    def interrupted(stage, needs):
        forgotten(stage, needs)
        if stage.name == "left":
            raise KeyboardInterrupt
    monkeypatch.setattr(chain, "_forget", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(project)
    monkeypatch.setattr(chain, "_forget", forgotten)
    status, ran = run(project)
    assert status == 0 and "first" not in ran and "left" not in ran and ran[-1] == "last"


def test_two_at_once_are_refused(project):
    from dvc.repo import Repo

    with Repo(str(project)) as repo, repo.lock, pytest.raises(InputError, match="another DVC is at work here"):
        run(project)


def test_the_environment_of_a_stage(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    found = chain.environment({"A": "b"})
    assert (found["OMP_NUM_THREADS"], found["OPENBLAS_NUM_THREADS"], found["A"]) == ("1", "1", "b")
    assert found["PATH"].split(":")[0] == str(Path(sys.executable).parent)
