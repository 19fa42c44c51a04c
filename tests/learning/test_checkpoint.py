"""A checkpoint: written whole and seldom, taken up by the same training alone. Its use: test_trainer."""

import logging
import random
import shutil

import numpy as np
import pytest
import torch

from rsslib import sources
from rsslib.learning import checkpoint as checkpoints
from rsslib.learning.checkpoint import Checkpoint
from rsslib.project import InputError


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


def test_it_is_written_at_the_end_whenever_that_is(kept, monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS", 1000.0)
    kept.save(lambda: {"epoch": 9}, now=True)
    assert kept.load("cpu")["epoch"] == 9


def test_any_flipped_bit_starts_from_scratch(kept, caplog):
    raw, rng = kept.path.read_bytes(), random.Random(0)
    for _ in range(100):
        changed = bytearray(raw)
        changed[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        kept.path.write_bytes(changed)
        caplog.clear()
        assert kept.load("cpu") is None and "damaged, or of an earlier version" in caplog.text
    kept.path.write_bytes(raw)
    assert kept.load("cpu")["epoch"] == 3


@pytest.mark.parametrize("name", ["", "folder", "file/c.pt", "a\0b", "x" * 300, "/dev/null", 7])
def test_a_path_that_cannot_be_written_is_named_before_the_training(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="checkpoint .*: cannot be written; expected the name of a file"):
        Checkpoint(tmp_path / name if isinstance(name, str) and name else name, lambda: "a")


def test_a_full_disk_costs_the_checkpoint_alone(kept, monkeypatch, caplog):
    raw = kept.path.read_bytes()

    def full(path):
        raise InputError(f"{path}: cannot be written (no space left on device)")
    monkeypatch.setattr(checkpoints, "atomic_path", full)
    kept.save(lambda: {"epoch": 4})
    assert "c.pt: not saved (" in caplog.text and "the training goes on" in caplog.text
    assert kept.path.read_bytes() == raw


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


def test_every_reading_has_its_place_in_the_key():
    """Sums, types and shapes do not do: two swapped readings are another data set."""
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    facts = [values, values[::-1], values[:, ::-1], values.T, values.ravel(), values.astype(np.float32), -values,
             np.where(values == 4, np.nan, values), torch.from_numpy(values), {"rss": values}, {"tx": values}, [values],
             torch.ones(2), torch.ones(2, dtype=torch.int64), torch.ones(2, dtype=torch.bool), True, None, "", [1, 2]]
    keys = [checkpoints.key("rsslib.data.grid", fact) for fact in facts]
    assert keys[8] == keys[0]    # a tensor is its array
    assert len(set(keys)) == len(facts) - 1
    assert checkpoints.key("rsslib.data.grid", np.asfortranarray(values)) == keys[0]


@pytest.mark.parametrize("name, other", [("__version__", "1.0"), ("get_num_threads", lambda: 77)])
def test_torch_and_its_threads_are_in_the_key(monkeypatch, name, other):
    before = checkpoints.key("rsslib.data.grid")
    monkeypatch.setattr(torch, name, other)
    assert checkpoints.key("rsslib.data.grid") != before


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
