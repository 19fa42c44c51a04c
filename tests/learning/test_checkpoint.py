"""A checkpoint: written whole and seldom, taken up by the same training alone. Its use: test_trainer."""

import logging
import shutil

import pytest
import torch

from rsslib import sources
from rsslib.learning import checkpoint as checkpoints
from rsslib.learning.checkpoint import Checkpoint


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A checkpoint of the training "a", written without delay."""
    monkeypatch.setattr(checkpoints, "SECONDS", -1.0)
    checkpoint = Checkpoint(tmp_path / "new" / "c.pt", lambda: "a")
    checkpoint.save(lambda: {"epoch": 3, "weight": torch.arange(3)})
    return checkpoint


def test_what_was_saved_comes_back(kept):
    state = Checkpoint(kept.path, lambda: "a").load("cpu")
    assert state["epoch"] == 3 and torch.equal(state["weight"], torch.arange(3))
    assert [file.name for file in kept.path.parent.iterdir()] == ["c.pt"]
    kept.remove()
    assert not kept.path.exists() and kept.load("cpu") is None
    kept.remove()


def test_another_training_begins_anew_and_says_why(kept, caplog):
    with caplog.at_level(logging.WARNING):
        assert Checkpoint(kept.path, lambda: "b").load("cpu") is None
    assert "c.pt: not continued ('made by other code, another recipe or other data')" in caplog.text
    kept.path.write_bytes(b"half a file")
    with caplog.at_level(logging.WARNING):
        assert kept.load("cpu") is None
    assert caplog.text.count("training starts from scratch") == 2


def test_it_is_written_now_and_then(kept, monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS", 1000.0)
    kept.save(lambda: pytest.fail("too soon"))
    assert kept.load("cpu")["epoch"] == 3


def test_without_a_path_nothing_is_written_or_named():
    none = Checkpoint(None, lambda: pytest.fail("not needed"))
    none.save(lambda: pytest.fail("not needed"))
    none.remove()
    assert none.load("cpu") is None


def test_the_key_is_of_code_and_facts():
    one = checkpoints.key("rsslib.data.grid", {"epochs": 3}, [1.5])
    assert one == checkpoints.key("rsslib.data.grid", {"epochs": 3}, [1.5])
    others = {checkpoints.key("rsslib.data.splits", {"epochs": 3}, [1.5]),
              checkpoints.key("rsslib.data.grid", {"epochs": 4}, [1.5]),
              checkpoints.key("rsslib.data.grid", {"epochs": 3}, [1.6])}
    assert len(others) == 3 and one not in others


@pytest.mark.parametrize("edited, changes", [("learning/devices.py", True), ("confidence/hybrid.py", False)])
def test_a_training_is_another_where_code_that_it_rests_on_is_edited(tmp_path, monkeypatch, edited, changes):
    """The number format of both papers' trainings is chosen in `devices`; none of them knows of hybrids."""
    package = tmp_path / "rsslib"
    shutil.copytree(sources.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sources, "PACKAGE", package)
    trainings = ("rsslib.localization.ensemble", "rsslib.emitters.training", "rsslib.emitters.real_pairs")
    before = [checkpoints.key(training) for training in trainings]
    with (package / edited).open("a", encoding="utf-8") as file:
        file.write("# edited\n")
    assert [checkpoints.key(training) != key for training, key in zip(trainings, before)] == [changes] * 3


def test_the_key_is_that_of_the_code_which_trains_not_of_a_later_edit(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS", -1.0)
    code = ["old"]
    running = Checkpoint(tmp_path / "c.pt", lambda: code[0])
    code[0] = "edited"
    running.save(lambda: {"epoch": 1})
    assert Checkpoint(tmp_path / "c.pt", lambda: "edited").load("cpu") is None
    assert Checkpoint(tmp_path / "c.pt", lambda: "old").load("cpu")["epoch"] == 1
