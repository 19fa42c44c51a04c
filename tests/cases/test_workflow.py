"""Command lines as people typed them, and projects as they lay in other repositories."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import rsslib
from rsslib import __main__ as command_line
from rsslib.workflow import commands, parameters, run

CELL = 'measurements = city = name = p = ""\nepochs, rate, watch = 3, 0.5, ["a"]'


def _notebook(folder: Path, cell: str = CELL) -> Path:
    path = folder / "tiny.ipynb"
    cells = [{"cell_type": "code", "id": f"c{number}", "metadata": {"tags": ["parameters"][number:]}, "outputs": [],
              "execution_count": None, "source": source} for number,
              source in enumerate((cell, "print(repr(city), repr(p))"))]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


@pytest.mark.parametrize("name, text", [
    ("measurements", "/data/run #2/m.nc"), ("city", "no"), ("name", "007"), ("name", "012"), ("name", "1.10"),
    ("name", "12:30"),
    ("name", "2022-07-05"), ("p", "@x"), ("p", "*.nc"), ("p", "%T"), ("p", "[1"), ("p", "`x"), ("p", "'it"),
    # our own
    ("city", "off"), ("city", "null"), ("city", "~"), ("city", ""), ("name", "1e5"), ("name", "0x1F"),
    ("name", "1_000"),
    ("name", "2026-01-01T00:00:00Z"), ("measurements", "a: b"), ("p", "{a: b}"), ("p", "&a"), ("p", "!!int 3"),
    ("p", "- x"),
    ("p", "'quoted'"), ("p", "<<"), ("p", "a\tb"), ("p", "[a, b]"), ("p", "%YAML 1.1")])
def test_26_yaml_values_text_stays_text(tmp_path, name, text):
    assert parameters.merge(_notebook(tmp_path), overrides=[f"{name}={text}"]) == {name: text}


@pytest.mark.parametrize("typed", ["unknown=@x", "epochs=@x", "rate=%T", "watch=[1", "watch='it", "epochs=12:30",
                                   "rate=no",
                                   "epochs=2022-07-05"])
def test_26_yaml_values_what_does_not_fit_is_one_line_and_status_2(tmp_path, capsys, typed):
    path = _notebook(tmp_path)
    assert command_line.main(["run", str(path), str(tmp_path / "out.ipynb"), typed]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and told.count("\n") == 1 and typed.partition("=")[0] in told
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.ipynb"]


def test_26_yaml_values_arrive_in_the_notebook_as_they_were_typed(tmp_path):
    typed = ["city=/data/run #2/é \"q\" \\n.nc", "p='{x} $HOME %T"]
    path = _notebook(tmp_path)
    run.execute(path, tmp_path / "out.ipynb", parameters.merge(path, overrides=typed))
    cells = json.loads((tmp_path / "out.ipynb").read_text(encoding="utf-8"))["cells"]
    values = [text.partition("=")[2] for text in typed]
    assert "".join(cells[-1]["outputs"][0]["text"]) == f"{values[0]!r} {values[1]!r}\n"


STAGES = "stages:\n  data:\n    matrix: {profile: [smoke, campus]}\n    cmd: echo ${item.profile}\n"


def _dvc(folder: Path) -> Path:
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc" / "config").write_text("[core]\n    analytics = false\n    check_update = false\n")
    (folder / "dvc.yaml").write_text(STAGES)
    return folder


@pytest.mark.parametrize("inside", ["project", "papers/2026/project", "."])
def test_37_monorepo_and_kernels_a_project_in_a_subfolder_lists_all_stages(tmp_path, inside):
    pytest.importorskip("dvc", reason="DVC is not installed (extra repro)")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert commands.stage_names(_dvc(tmp_path / inside)) == ["data@smoke", "data@campus"]


def test_37_monorepo_and_kernels_the_environments_own_kernel_wins(tmp_path):
    """Another kernel called python3 in the home folder is not the one that runs."""
    other = tmp_path / ".local/share/jupyter/kernels/python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text(json.dumps({"argv": ["false"], "display_name": "Other", "language": "python"}))
    _notebook(tmp_path, "import sys\ncity, p = sys.executable, 1")
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).touch()
    environment = {"PATH": str(Path(sys.executable).parent), "HOME": str(tmp_path),
                   "PYTHONPATH": str(Path(rsslib.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-m", "rsslib.run", "tiny.ipynb", "out.ipynb"], cwd=tmp_path,
                          env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sys.executable in (tmp_path / "out.ipynb").read_text()
