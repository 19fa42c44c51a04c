"""Trainings that are killed: the short form of benchmarks/kills.py, which kills 30 times."""

import importlib.util
import subprocess
import sys

import pytest

from rsslib.project import ROOT


@pytest.fixture(scope="module")
def kills():
    spec = importlib.util.spec_from_file_location("kills", ROOT / "benchmarks/kills.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_is_lost_when_a_training_or_its_saving_is_killed():
    done = subprocess.run([sys.executable, "benchmarks/kills.py", "2", "--notebooks", "localizer"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("2 kills: ") and "localizer saving" in done.stdout
    assert done.stdout.endswith("nothing lost, the same bytes as without kills\n")


def test_an_epoch_that_is_trained_again_is_noticed(kills, tmp_path):
    log = tmp_path / "log"
    log.write_text("starts 0 emd x2\nsaved 1 emd x2\nsaved 2 emd x2\nstarts 1 emd x2\n")
    assert kills._lost(log) == ["emd x2: starts after epoch 1, though epoch 2 was saved"]
    log.write_text("starts 0 a\nsaved 1 a\nstarts 1 a\nsaved 2 a\nremoved 0 all\nstarts 0 a\n")
    assert kills._lost(log) == []


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"x"), lambda path: path.unlink()])
def test_other_bytes_are_noticed(kills, tmp_path, change):
    for root in ("one", "other"):
        (tmp_path / root / "data").mkdir(parents=True)
        for name in ("data/weights", "log"):
            (tmp_path / root / name).write_text(root if name == "log" else "same")
    assert kills._outputs(tmp_path / "one") == kills._outputs(tmp_path / "other") == {"data/weights": b"same"}
    change(tmp_path / "other/data/weights")
    assert kills._outputs(tmp_path / "one") != kills._outputs(tmp_path / "other")
