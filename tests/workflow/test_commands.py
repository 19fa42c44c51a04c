"""The commands: the profile that can be had, the stages of that profile alone, plain errors."""

import re
import subprocess
import sys

import pytest
import yaml

from rsslib import __main__ as command_line
from rsslib.data import download
from rsslib.project import ROOT, InputError
from rsslib.workflow import chain, commands

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")    # DVC's own
STAGES = """
stages:
  data:
    matrix: {profile: [smoke, campus]}
    cmd: >-
      python -c "import sys; open('${item.profile}.txt', 'w').write(sys.executable)"
    outs:
      - ${item.profile}.txt
  ledger:
    cmd: python -c "open('RESULTS.md', 'w')"
    outs:
      - RESULTS.md
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An unpacked archive: stages and a folder .dvc, no git."""
    pytest.importorskip("dvc", reason="DVC is not installed (extra repro)")
    (tmp_path / "dvc.yaml").write_text(STAGES)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    analytics = false\n    check_update = false\n")
    return tmp_path


def measurements(monkeypatch, available, reachable):
    monkeypatch.setattr(download, "available", lambda: available)
    monkeypatch.setattr(download, "reachable", lambda: reachable)


@pytest.mark.parametrize("available, reachable, profile", [
    (True, False, "quick"), (False, True, "quick"), (False, False, "campus")])
def test_real_measurements_are_used_where_they_can_be_had(monkeypatch, tmp_path, capsys, available, reachable, profile):
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    measurements(monkeypatch, available, reachable)
    assert commands.choose_profile() == profile
    assert ("nothing of it compares with the paper" in capsys.readouterr().out) == (profile == "campus")


def test_what_was_made_of_the_measurements_before_counts_as_having_them(monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    measurements(monkeypatch, False, False)
    (tmp_path / "data/quick").mkdir(parents=True)
    (tmp_path / "data/quick/measurements.nc").touch()
    assert commands.choose_profile() == "quick"


def test_only_the_stages_of_the_profile_run_with_this_python_and_without_git(project):
    assert commands.stage_names(project) == ["data@smoke", "data@campus", "ledger"]
    assert commands.repro("smoke", project) == 0
    assert (project / "smoke.txt").read_text() == sys.executable
    assert not (project / "campus.txt").exists()
    assert not (project / "RESULTS.md").exists()


def test_a_profile_without_stages_is_refused_since_dvc_would_run_everything(project):
    with pytest.raises(InputError, match="no stage of profile `quick`"):
        commands.repro("quick", project)
    assert not (project / "smoke.txt").exists()


def test_without_dvc_or_its_file_the_error_says_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no dvc.yaml here or above"):
        commands.stage_names(tmp_path)
    (tmp_path / "dvc.yaml").write_text(STAGES)
    with pytest.raises(InputError, match="no folder .dvc; use a clone or the full archive"):
        commands.stage_names(tmp_path)
    (tmp_path / ".dvc").mkdir()
    monkeypatch.setattr(commands.os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match=f"{tmp_path}: cannot be written to; copy the project"):
        commands.stage_names(tmp_path)
    monkeypatch.setattr(commands.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install -e '.\[repro\]'"):
        commands.stage_names(tmp_path)


@pytest.mark.parametrize("text, reason", [
    ("stages: [", "While parsing a flow node, in line 1"), ("[1]", "expected a dictionary"),
    ("stages:\n  a:\n    cmd: x\n  a:\n    cmd: y\n", 'Found duplicate key "a"'),
    ("stages:\n  a: {cmd: x, foo: 1}\n", "extra keys not allowed, in stages -> a -> foo")])
def test_a_broken_file_of_stages_is_named_with_dvcs_reason_in_one_line(project, text, reason):
    (project / "dvc.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        commands.stage_names(project)
    assert str(error.value).startswith(f"{project}/dvc.yaml: DVC cannot read it: ")
    assert reason in str(error.value) and "\n" not in str(error.value) and "Traceback" not in str(error.value)


def test_a_setting_that_cannot_be_written_has_its_own_reason(project):
    (project / ".dvc" / "config.local").mkdir()
    with pytest.raises(InputError, match="config.local: DVC cannot write it: .*config.local"):
        commands.stage_names(project)


@pytest.fixture
def calls(monkeypatch):
    """What reproduce would run: the profile, then the ledger page."""
    made = []
    monkeypatch.setattr(commands, "stage_names", lambda: ["data@quick"])
    monkeypatch.setattr(commands, "repro", lambda profile: made.append(profile) or 0)
    monkeypatch.setattr(commands, "write_results", lambda: made.append("page") or 0)
    measurements(monkeypatch, True, False)
    return made


def test_reproduce_runs_the_profile_then_the_ledger_and_says_where_to_look(calls, capsys):
    assert command_line.main(["reproduce"]) == 0
    assert calls == ["quick", "page"]
    told = capsys.readouterr().out
    assert commands.PLANS["quick"] in told
    assert "RESULTS.md" in told and "figures/quick" in told and "results/quick" in told


def test_smoke_leaves_the_ledger_alone(calls, capsys):
    assert command_line.main(["smoke"]) == 0
    assert calls == ["smoke"]
    assert "RESULTS.md" not in capsys.readouterr().out


def test_a_failing_stage_ends_reproduce_with_its_status(calls, monkeypatch, capsys):
    monkeypatch.setattr(commands, "repro", lambda profile: 3)
    assert command_line.main(["reproduce", "--profile", "campus"]) == 3
    assert calls == []
    assert "run the same command again to resume" in capsys.readouterr().err


def test_figures_train_nothing(calls, monkeypatch, capsys):
    asked, status = [], {}
    monkeypatch.setattr(chain, "run", lambda chosen, start, **options: asked.append((chosen, options)) or (
        status.get("all", 0)))
    assert command_line.main(["figures"]) == 0 and calls == ["page"]
    (chosen, options), = asked
    assert not options["upstream"] and options["force"]("losses@full") and not options["force"]("data@quick")
    stages = {name: stage for name, stage in yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"].items()
              if chosen(name)}
    notebooks = [re.search(r"notebooks/(\S+)\.ipynb", stage["cmd"])[1] for stage in stages.values()]
    learned = [name for name in notebooks if name.startswith("train/")]
    assert learned == ["train/scenes", "train/scenes"]    # gain maps: nothing is learned
    assert sorted({name[:2] for name in notebooks} - {"tr"}) == ["01", "02", "03", "04", "05", "06", "09", "10"]
    assert {"losses@full", "hybrids@quick", "radio-maps@full"} < set(stages) and len(stages) == 16
    status["all"] = 3
    assert command_line.main(["figures"]) == 3 and calls == ["page"]
    assert "a stage failed" in capsys.readouterr().err


def test_bad_input_is_one_line_and_status_2(monkeypatch, capsys):
    def refuse(profile):
        raise InputError("dvc.yaml: no stage")

    monkeypatch.setattr(commands, "repro", refuse)
    assert command_line.main(["smoke"]) == 2
    assert capsys.readouterr().err == "error: dvc.yaml: no stage\n"


def test_an_error_of_the_disk_is_one_line_and_names_the_file(monkeypatch, capsys):
    def fill(profile):
        raise OSError(28, "No space left on device", "build/verify/a/x")

    monkeypatch.setattr(commands, "repro", fill)
    assert command_line.main(["smoke"]) == 2
    assert capsys.readouterr().err == "error: build/verify/a/x: No space left on device\n"


def test_help_describes_every_argument_and_loads_no_numeric_library():
    code = "import sys; from rsslib.__main__ import main; main(sys.argv[1:])"
    for arguments in (["--help"], ["reproduce", "--help"], ["run", "--help"]):
        watched = f"import atexit, sys; atexit.register(lambda: print(*sys.modules)); {code}"
        done = subprocess.run([sys.executable, "-c", watched, *arguments], capture_output=True, text=True, check=True)
        text, modules = done.stdout.rsplit("\n", 2)[:2]
        assert "such as" in text or "example: " in text
        assert not {"numpy", "torch", "papermill", "rsslib.ledger"} & set(modules.split())
