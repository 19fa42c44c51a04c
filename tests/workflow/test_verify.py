"""Verify: equal trees pass, what differs between runs never does, and committed records may lie near."""

import json
import math
import subprocess

import pytest

from rsslib.project import InputError
from rsslib.workflow import verify

RECORD = {"loss": "emd", "n": 100, "median_m": 50.0, "ci95_m": [40.0, 60.0]}
NAME = "results/smoke/table2.json"


def write(folder, record=RECORD, provenance=None, cpu="A"):
    """Write by hand what a run of the smoke chain leaves in `folder`."""
    content = {"provenance": provenance or {"code_hash": "0a", "torch": "2.13.0"}, "records": [record]}
    files = {NAME: json.dumps(content), "results/smoke/table2.stamp.json": json.dumps({"cpu": cpu}),
             "figures/smoke/fig04.png": "png", "docs/executed/smoke/02.ipynb": "{}",
             "build/smoke/log.txt": "12:00"}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def pair(tmp_path):
    return write(tmp_path / "a"), write(tmp_path / "b")


def records(pair):
    return verify.compare_records(*(folder / "results" / "smoke" for folder in pair))


def test_equal_trees_agree_in_every_file_but_stamps_and_logs(pair):
    (pair[1] / "results/smoke/table2.stamp.json").write_text('{"seconds": 9}')
    (pair[1] / "build/smoke/log.txt").write_text("12:01")
    assert verify.compare_runs(*pair) == {NAME: 0, "figures/smoke/fig04.png": 0,
                                           "docs/executed/smoke/02.ipynb": 0}
    assert records(pair) == {"table2.json": 0}


def test_two_runs_may_differ_in_no_byte_and_no_file(pair):
    write(pair[1], RECORD | {"median_m": 50.0001})
    (pair[0] / "figures/smoke/fig04.png").unlink()
    (pair[1] / "build/smoke/deep").mkdir()
    (pair[1] / "build/smoke/deep/train.ipynb").write_text("{}")
    assert {name for name, value in verify.compare_runs(*pair).items() if value == math.inf} == {
        NAME, "figures/smoke/fig04.png", "build/smoke/deep/train.ipynb"}


@pytest.mark.parametrize("change, distance", [
    ({"median_m": 51.0}, 1 / 51), ({"ci95_m": [40.0, 58.0]}, 2 / 60), ({"median_m": 80.0}, math.inf),
    ({"ci95_m": None}, math.inf), ({"loss": "com"}, math.inf), ({"n": None}, math.inf),
    ({"more": 1}, math.inf), ({"n": True}, math.inf)])
def test_committed_records_of_another_cpu_may_lie_within_the_tolerance(pair, change, distance):
    write(pair[1], RECORD | change, cpu="B")
    assert records(pair) == {"table2.json": pytest.approx(distance)}


def test_records_of_the_same_cpu_and_torch_must_be_equal(pair):
    write(pair[1], RECORD | {"median_m": 50.1})
    assert records(pair) == {"table2.json": math.inf}
    write(pair[1], RECORD | {"median_m": 50.1}, {"code_hash": "0a", "torch": "2.14.0"})
    assert records(pair) == {"table2.json": pytest.approx(0.1 / 50.1)}


def test_records_of_other_code_or_missing_ones_never_agree(pair):
    write(pair[1], provenance={"code_hash": "ff", "torch": "2.13.0"}, cpu="B")
    (pair[0] / "results/smoke/table9.json").write_text("{}")
    assert records(pair) == {"table2.json": math.inf, "table9.json": math.inf}


@pytest.mark.parametrize("text", ["{", "[]", '{"records": []}', '{"provenance": {}, "records": [1]}'])
def test_a_broken_file_of_records_is_named(pair, text):
    (pair[1] / NAME).write_text(text)
    with pytest.raises(InputError, match="b/results/smoke/table2.json: "):
        records(pair)


def test_tiny_numbers_are_not_judged_by_their_last_digit():
    assert list(verify.differences({"share": 0.0001}, {"share": 0.0003})) == [pytest.approx(0.02)]


def test_differences_of_pairs_are_not_judged_on_another_cpu(pair):
    paths = [folder / "results/smoke/t_pairs.json" for folder in pair]
    for path, apart in zip(paths, (0.005, -0.005)):
        path.write_text(json.dumps({"provenance": {"torch": "1"}, "records": [{"left_method": "a", "cmr": apart}]}))
    assert records(pair)["t_pairs.json"] == 0
    paths[1].write_text(paths[1].read_text().replace('"a"', '"b"'))
    assert records(pair)["t_pairs.json"] == math.inf
    for path in paths:    # of one CPU: every digit
        path.write_text(path.read_text().replace('"b"', '"a"'))
        path.with_suffix(".stamp.json").write_text(json.dumps({"cpu": "A"}))
    assert records(pair)["t_pairs.json"] == math.inf


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A git repository with committed results of smoke, and a chain that writes by hand."""
    root = write(tmp_path / "root")
    (root / ".gitignore").write_text("/build/\n/secret\n")
    (root / "secret").write_text("not to be copied")
    (root / "dvc.lock").write_text("not to be copied")
    (root / "new module.py").write_text("x = 1\n")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run(["git", "add", "results", ".gitignore"], cwd=root, check=True)
    made = []

    def chain(profile, folder, options, variables, output):
        made.append({path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()})
        assert variables["PYTHONPATH"].startswith(str(folder))
        write(folder, RECORD | {"n": chain.counts.pop(0)})
        return chain.status

    chain.counts, chain.status = [100, 100], 0
    monkeypatch.setattr(verify.commands, "repro", chain)
    return root, chain, made


def test_two_equal_runs_of_a_bare_copy_pass_and_leave_nothing(project, capsys):
    root, _, made = project
    assert verify.main(root) == 0
    assert made == [{".gitignore", "new module.py"}] * 2
    assert not (root / "build/verify").exists()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-4:] for line in lines if line.startswith("run a")] == [
        ["3", "3", "0", "0"], ["1", "1", "0", "0"]]


def test_runs_that_differ_are_named_and_kept(project, capsys):
    root, chain, _ = project
    chain.counts = [100, 101]
    assert verify.main(root) == 1
    assert f"run b differs: {NAME}" in capsys.readouterr().out
    assert (root / "build/verify/b" / NAME).exists()


def test_a_failing_stage_and_a_folder_without_git_say_so(project, tmp_path, monkeypatch):
    root, chain, _ = project
    chain.status = 1
    with pytest.raises(InputError, match="a stage failed in build/verify/a"):
        verify.main(root)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "bare").mkdir()
    with pytest.raises(InputError, match="run it in a git clone"):
        verify.export(tmp_path / "bare", tmp_path / "copy")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="git is not installed"):
        verify.export(tmp_path / "bare", tmp_path / "copy")
