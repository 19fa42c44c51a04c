"""Where the project lies, and files that are written whole or not at all."""

import errno
import os
import shutil
import subprocess
import sys

import pytest

from rsslib import project
from rsslib.project import InputError, atomic_path, write_json

_ITSELF: list = []
_ITSELF.append(_ITSELF)


@pytest.mark.parametrize("content", [1j, {"a": object()}, {(1, 2): 3}, float("nan"), [float("inf")], b"a",
                                     {1, 2}, _ITSELF, "\ud800"])
def test_what_json_cannot_hold_is_refused_and_leaves_nothing(tmp_path, content):
    with pytest.raises(InputError, match="a.json: JSON cannot hold this"):
        write_json(tmp_path / "a.json", content)
    assert not list(tmp_path.iterdir())
    assert write_json(tmp_path / "a.json", {"a": [1, "ü", None]}).read_text("utf-8") == (
        '{\n "a": [\n  1,\n  "ü",\n  null\n ]\n}\n')


def test_a_folder_is_written_whole_or_not_at_all(tmp_path):
    with pytest.raises(KeyError), atomic_path(tmp_path / "made") as temporary:
        temporary.mkdir()
        (temporary / "part").touch()
        raise KeyError
    assert not list(tmp_path.iterdir())
    with atomic_path(tmp_path / "made") as temporary:
        temporary.mkdir()
        (temporary / "part").touch()
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["part"]


def test_bad_input_is_a_value_error():
    assert issubclass(InputError, ValueError)


def test_the_root_is_found_upwards_from_a_folder_inside(tmp_path, monkeypatch):
    inside = tmp_path / "notebooks" / "train"
    inside.mkdir(parents=True)
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(inside)
    assert project._above_working_folder() == tmp_path


def _made(folder):
    """Make the folder of another project, without code of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("dvc.yaml", "params.yaml"):
        (folder / name).touch()
    return folder


def _run(folder, *arguments):
    """Run the command line in a folder; the code that is found first is this one."""
    environment = os.environ | {"PYTHONPATH": str(project.PACKAGE.parent), "PYTHONSAFEPATH": "1"}
    return subprocess.run([sys.executable, "-m", *arguments], cwd=folder, env=environment, capture_output=True,
                          text=True)


COMMANDS = [("rsslib", "results"), ("rsslib.claims",), ("rsslib", "smoke"), ("rsslib", "verify"),
            ("rsslib.run", "a.ipynb", "b.ipynb")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_outside_any_project_writes_nowhere_and_says_where_to_go(tmp_path, command):
    ran = _run(tmp_path, *command)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == ("error: working folder: no project here or above (a folder with dvc.yaml and params.yaml); "
                          f"first `cd {project.PACKAGE.parent}`, to a clone of the project\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_of_other_code_leaves_a_checkout_alone(tmp_path, command):
    (_made(tmp_path) / "rsslib").mkdir()
    (tmp_path / "rsslib" / "__init__.py").touch()
    (tmp_path / "notebooks").mkdir()
    before = sorted(tmp_path.rglob("*"))
    ran = _run(tmp_path / "notebooks", *command)
    assert (ran.returncode, ran.stdout) == (2, "") and ran.stderr.count("\n") == 1
    assert ran.stderr.startswith(f"error: {tmp_path}: this project has its own rsslib, but the command is that of ")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_project_without_code_of_its_own_and_a_copy_with_its_code_are_served(tmp_path):
    assert "claims.yaml: no such file" in _run(_made(tmp_path / "bare"), "rsslib", "results").stderr
    shutil.copytree(project.PACKAGE, _made(tmp_path / "copy") / "rsslib", ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "copy")}
    ran = subprocess.run([sys.executable, "-m", "rsslib.claims"], cwd=tmp_path / "copy", env=environment,
                         capture_output=True, text=True)
    assert "claims.yaml: no such file" in ran.stderr


@pytest.mark.parametrize("command", [("rsslib", "--help"), ("rsslib", "run", "--help"), ("rsslib.run", "--help")],
                         ids=" ".join)
def test_help_is_given_everywhere(tmp_path, command):
    ran = _run(tmp_path, *command)
    assert ran.returncode == 0 and ran.stdout.startswith("usage: ") and not ran.stderr


def test_the_library_is_imported_everywhere_also_from_a_folder_that_is_gone(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = ("import os\nos.rmdir(os.getcwd())\nimport rsslib\nfrom rsslib.project import require_project\n"
            "print(rsslib.ROOT)\ntry:\n    require_project()\nexcept rsslib.InputError as error:\n    print(error)")
    environment = os.environ | {"PYTHONPATH": str(project.PACKAGE.parent), "PYTHONSAFEPATH": "1"}
    ran = subprocess.run([sys.executable, "-c", code], cwd=gone, env=environment, capture_output=True, text=True)
    root, refused = ran.stdout.splitlines()
    assert root == str(project.PACKAGE.parent) and "no project here or above" in refused


@pytest.mark.parametrize("name, plain", [
    ("quick", True), ("a b", True), ("12:30", True), ("@x", True), ("ü", True), ("-", True), ("", False), (".", False),
    ("..", False), (".git", False), ("a/b", False), ("/", False), ("a\\b", False), ("a\nb", False), ("a\0", False),
    (" a", False), ("a ", False), ("x" * 101, False), ("\udcff", False)])
def test_a_plain_name_is_no_path(name, plain):
    assert project.is_plain(name) == plain


def test_an_error_of_another_file_is_named_too(tmp_path):
    with pytest.raises(InputError, match=r"a.json: cannot be written \(Permission denied: /elsewhere/b\)"):
        with atomic_path(tmp_path / "a.json"):
            raise PermissionError(errno.EACCES, "Permission denied", "/elsewhere/b")
    with pytest.raises(InputError, match=r"a.json: cannot be written \(Permission denied\)"):
        with atomic_path(tmp_path / "a.json") as temporary:
            raise PermissionError(errno.EACCES, "Permission denied", str(temporary))


def test_a_file_takes_its_place_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "results" / "quick" / "table2.json"
    with atomic_path(path) as temporary:
        temporary.write_text("{}")
        assert temporary.parent == path.parent and temporary.suffix == path.suffix and not path.exists()
    assert path.read_text() == "{}" and list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_no_half_of_a_new_one(tmp_path):
    path = tmp_path / "table2.json"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), atomic_path(path) as temporary:
        temporary.write_text("ne")
        raise RuntimeError("half way")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
