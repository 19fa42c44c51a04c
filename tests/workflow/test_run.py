"""The runner: sections and overrides merge, unknown names stop it, and two runs write the same bytes."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from rsslib import __main__ as command_line
from rsslib.project import InputError
from rsslib.workflow import run

PACKAGE = Path(run.__file__).resolve().parents[1]
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


def _run(project, *arguments):
    command = [sys.executable, "-m", "rsslib.run", "tiny.ipynb", *arguments]
    environment = {"PATH": str(Path(sys.executable).parent), "HOME": str(project), "PYTHONPATH": str(PACKAGE)}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_later_sections_win_and_overrides_win_over_all(project):
    params = project / "params.yaml"
    assert run.merge(["profiles.quick", "train.quick"], ["split=grid5"], params) == {
        "learning_rate": 5e-4, "epochs": 60, "split": "grid5"}


@pytest.mark.parametrize("text, value", [
    ("5e-4", 5e-4), ("5.0e-4", 5e-4), ("-1E3", -1000.0), ("3", 3), ("0.5", 0.5), ("true", True),
    ("grid2", "grid2"), ("[1, 2]", [1, 2]), ("null", None)])
def test_override_values_are_yaml_with_python_floats(text, value):
    merged = run.merge([], [f"key={text}"])
    assert merged == {"key": value}
    assert type(merged["key"]) is type(value)


@pytest.mark.parametrize("sections, overrides, message", [
    (["profiles.slow"], [], "no section `profiles.slow`"),
    (["profiles"], [], "name one, such as `profiles.quick`"),
    (["profiles.quick.epochs"], [], "is a value"),
    ([], ["epochs"], "expected key=value, got 'epochs'"),
])
def test_wrong_sections_and_overrides_are_refused(project, sections, overrides, message):
    with pytest.raises(InputError, match=message):
        run.merge(sections, overrides, project / "params.yaml")


def test_unknown_parameters_are_refused_with_the_nearest_name(project, capsys):
    with pytest.raises(InputError, match="`epoch`; did you mean `epochs`.*rate, epochs, split, fail"):
        run.check(project / "tiny.ipynb", {"epoch": 2})
    with pytest.raises(InputError, match="no such notebook"):
        run.check(project / "none.ipynb", {})
    assert command_line.main(["run", str(project / "tiny.ipynb"), str(project / "out.ipynb"), "wrong=1"]) == 2
    assert "unknown parameter `wrong`" in capsys.readouterr().err
    assert not (project / "out.ipynb").exists()


def test_a_word_is_no_list(project):
    cell = nbformat.v4.new_code_cell("others, n = [], 3\ncities = []", metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), project / "lists.ipynb")
    run.check(project / "lists.ipynb", {"cities": ["sydney"], "n": 4})
    for name, value in (("cities", "sydney"), ("others", "sydney"), ("others", 16)):
        with pytest.raises(InputError, match=rf"`{name}` is a list; write '{name}=\[{value}\]'"):
            run.check(project / "lists.ipynb", {name: value})


def test_bad_input_in_a_cell_is_told_without_a_traceback(project):
    cell = nbformat.v4.new_code_cell("from rsslib import InputError\nraise InputError('no such city')")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), project / "tiny.ipynb")
    done = _run(project, "build/out.ipynb")
    assert done.returncode == 1 and "error: no such city\nsee build/out.failed.ipynb\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_runs_write_the_same_bytes_in_a_new_folder(project):
    done = _run(project, "build/one.ipynb", "--section", "profiles.quick", "split=grid2")
    assert done.returncode == 0, done.stderr
    parameters = run.merge(["profiles.quick"], ["split=grid2"], project / "params.yaml")
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
