"""Where the project lies, and files that are written whole or not at all."""

import pytest

from rsslib import project
from rsslib.project import InputError, atomic_path


def test_bad_input_is_a_value_error():
    assert issubclass(InputError, ValueError)


def test_the_root_is_found_upwards_from_a_folder_inside(tmp_path, monkeypatch):
    inside = tmp_path / "notebooks" / "train"
    inside.mkdir(parents=True)
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(inside)
    assert project._find_root() == tmp_path


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
