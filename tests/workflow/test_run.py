"""The runner: sections and overrides merge, unknown names stop it, and two runs write the same bytes."""

import json
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from rsslib import __main__ as command_line
from rsslib.project import InputError
from rsslib.workflow import run

HOME = Path(run.__file__).resolve().parents[2]
PARAMS = """
profiles:
  quick: {learning_rate: 5e-4, epochs: 40}
train:
  quick: {epochs: 60, split: grid2}
"""


@pytest.fixture
def project(tmp_path):
    """A tiny project: params.yaml, dvc.yaml and a notebook whose cells print, warn and may fail."""
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    cells = [nbformat.v4.new_code_cell("learning_rate = 1.0\nepochs = 1\nsplit = 'random'\nfail = False",
                                       metadata={"tags": ["parameters"]}, id="parameters"),
             nbformat.v4.new_code_cell("import warnings\nprint(learning_rate * 2, epochs, split)\n"
                                       "warnings.warn('said on purpose')", id="work"),
             nbformat.v4.new_code_cell("assert not fail, 'failed on purpose'", id="may-fail")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "tiny.ipynb")
    return tmp_path


def _command(project, *arguments):
    return [sys.executable, "-m", "rsslib.run", "tiny.ipynb", *arguments]


def _environment(project):
    return {"PATH": str(Path(sys.executable).parent), "HOME": str(project), "PYTHONPATH": str(HOME)}


def _run(project, *arguments):
    return subprocess.run(_command(project, *arguments), cwd=project, env=_environment(project), capture_output=True,
                          text=True, check=False)


def test_later_sections_win_and_overrides_win_over_all(project):
    params = project / "params.yaml"
    assert run.merge(project / "tiny.ipynb", ["profiles.quick", "train.quick"], ["split=grid5"], params) == {
        "learning_rate": 5e-4, "epochs": 60, "split": "grid5"}


@pytest.mark.parametrize("sections, overrides, message", [
    (["profiles.slow"], [], "no section `profiles.slow`"),
    (["profiles"], [], "name one, such as `profiles.quick`"),
    (["profiles.quick.epochs"], [], "is a value"),
    ([], ["epochs"], "expected key=value, got 'epochs'"),
])
def test_wrong_sections_and_overrides_are_refused(project, sections, overrides, message):
    with pytest.raises(InputError, match=message):
        run.merge(project / "tiny.ipynb", sections, overrides, project / "params.yaml")


def test_unknown_parameters_are_refused_with_the_nearest_name(project, capsys):
    with pytest.raises(InputError, match="`epoch`; did you mean `epochs`.*rate, epochs, split, fail"):
        run.check(project / "tiny.ipynb", {"epoch": 2})
    with pytest.raises(InputError, match="none.ipynb: no such file"):
        run.check(project / "none.ipynb", {})
    assert command_line.main(["run", str(project / "tiny.ipynb"), str(project / "out.ipynb"), "wrong=1"]) == 2
    assert "unknown parameter `wrong`" in capsys.readouterr().err
    assert not (project / "out.ipynb").exists()


@pytest.mark.parametrize("out", ["out.txt", "out", "", ".", "a\0.ipynb", ".ipynb", "tiny.ipynb", "./tiny.ipynb",
                                 "folder.ipynb", "blocked.ipynb"])
def test_the_copy_has_a_name_of_its_own(project, out, capsys):
    for name in ("folder.ipynb", "blocked.failed.ipynb"):
        (project / name).mkdir()
    before = sorted(project.rglob("*"))
    assert command_line.main(["run", str(project / "tiny.ipynb"), str(project / out)]) == 2
    assert "expected the name of another file that ends in .ipynb" in capsys.readouterr().err
    assert sorted(project.rglob("*")) == before


def _rewrite(project, **changes):
    content = json.loads((project / "tiny.ipynb").read_text())
    content["cells"][1] |= changes
    (project / "tiny.ipynb").write_text(json.dumps(content))


@pytest.mark.parametrize("changes", [{"metadata": None}, {"outputs": 1}, {"execution_count": "x"}, {"id": "a b"},
                                     {"more": 1}])
def test_a_notebook_that_jupyter_would_not_open_is_named(project, capsys, changes):
    _rewrite(project, **changes)
    assert command_line.main(["run", str(project / "tiny.ipynb"), str(project / "out.ipynb")]) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith(f"error: {project}/tiny.ipynb: ") and "open it in Jupyter and save it" in told
    assert not list(project.glob("*out*"))


def test_a_kernel_that_dies_is_told_in_one_line_and_leaves_nothing(project):
    _rewrite(project, source="import os\nos._exit(1)")
    done = _run(project, "out.ipynb")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: tiny.ipynb: its kernel died; most likely memory ran out")
    assert not list(project.glob("*out*"))


@pytest.mark.skipif(sys.platform != "linux", reason="sockets without a file are Linux's")
def test_a_kernel_needs_no_port_that_another_process_may_take(project):
    _rewrite(project, source="kernel = get_ipython().kernel.parent\nassert kernel.transport == 'ipc', kernel.transport")
    assert _run(project, "out.ipynb").returncode == 0


def test_what_a_killed_run_left_is_removed_by_the_next(project):
    before = (project / "tiny.ipynb").read_text()
    _rewrite(project, source="import time\nopen('started', 'w').close()\ntime.sleep(60)")
    running = subprocess.Popen(_command(project, "out.ipynb"), cwd=project, env=_environment(project),
                               stderr=subprocess.DEVNULL)
    while not (project / "started").exists():
        assert running.poll() is None
        time.sleep(0.05)
    running.kill()
    running.wait()
    left, = project.glob(".out*")
    assert f"-{running.pid}-" in left.name
    (project / "tiny.ipynb").write_text(before)
    assert _run(project, "out.ipynb").returncode == 0
    assert not list(project.glob(".out*")) and (project / "out.ipynb").is_file()


def test_braces_in_names_are_no_templates(project):
    (project / "tiny.ipynb").rename(project / "{split}.ipynb")
    run.execute(project / "{split}.ipynb", project / "{0}{nope}.ipynb", {"split": "grid2"})
    assert (project / "{0}{nope}.ipynb").is_file()


def test_bad_input_in_a_cell_is_told_without_a_traceback(project):
    cell = nbformat.v4.new_code_cell("from rsslib import InputError\nraise InputError('no such city')")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), project / "tiny.ipynb")
    done = _run(project, "build/out.ipynb")
    assert done.returncode == 1 and "error: no such city\nsee build/out.failed.ipynb\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_runs_write_the_same_bytes_in_a_new_folder(project):
    done = _run(project, "build/one.ipynb", "--section", "profiles.quick", "split=grid2")
    assert done.returncode == 0, done.stderr
    parameters = run.merge(project / "tiny.ipynb", ["profiles.quick"], ["split=grid2"], project / "params.yaml")
    run.execute(project / "tiny.ipynb", project / "build/two.ipynb", parameters)
    first, second = ((project / "build" / f"{name}.ipynb").read_bytes() for name in ("one", "two"))
    assert first == second
    assert b"0.001 40 grid2" in first
    notebook = nbformat.reads(first.decode(), as_version=4)
    assert [cell.id for cell in notebook.cells] == ["parameters", "injected-parameters", "work", "may-fail"]
    assert "papermill" not in str(notebook.metadata)
    assert str(project) not in first.decode()


def test_a_failing_notebook_leaves_only_its_failed_copy(project, capsys):
    arguments = [str(project / "tiny.ipynb"), str(project / "build" / "out.ipynb"), "fail=true"]
    assert command_line.main(["run", *arguments]) == 1
    assert "failed on purpose" in capsys.readouterr().err
    assert [path.name for path in (project / "build").iterdir()] == ["out.failed.ipynb"]
