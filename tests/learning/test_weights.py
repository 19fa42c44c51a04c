"""Folders of networks: what was saved comes back; what was changed, in any byte, is named."""

import contextlib
import json
import random
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from torch import nn

from rsslib import project
from rsslib.learning import weights
from rsslib.project import InputError


def networks(seed, width=4, names=("first", "second")):
    torch.manual_seed(seed)
    return {name: nn.Sequential(nn.Conv2d(2, width, 3), nn.BatchNorm2d(width)) for name in names}


@pytest.fixture
def folder(tmp_path):
    return weights.save(tmp_path / "deep" / "model", networks(0), {"format": "toy-1", "width": 4})


def load(folder, into=None):
    weights.load(folder, "toy-1", into or networks(1))


def sign(folder, **changes):
    """Edit the header on purpose, its digest made anew."""
    header = json.loads((folder / "header.json").read_text()) | changes | {"digest": ""}
    blank = json.dumps({key: value for key, value in header.items() if value is not None}, indent=1).encode()
    signed = blank.replace(b'"digest": ""', f'"digest": "{sha256(blank).hexdigest()}"'.encode())
    (folder / "header.json").write_bytes(signed)


def test_networks_come_back(folder):
    saved, loaded = networks(0), networks(1)
    assert weights.load_header(folder, "toy-1", lambda header: header["width"]) == 4
    load(folder, loaded)
    for name in saved:
        assert all(torch.equal(a, b) for a, b in zip(saved[name].state_dict().values(),
                                                     loaded[name].state_dict().values(), strict=True))
    assert sorted(file.name for file in folder.iterdir()) == ["first.safetensors", "header.json", "second.safetensors"]


def test_the_format_in_memory_does_not_matter(folder, tmp_path):
    turned = {name: network.to(memory_format=torch.channels_last) for name, network in networks(0).items()}
    other = weights.save(tmp_path / "other", turned, {"format": "toy-1", "width": 4})
    for name in ("first.safetensors", "header.json"):
        assert (folder / name).read_bytes() == (other / name).read_bytes()
    back = {name: network.to(memory_format=torch.channels_last) for name, network in networks(1).items()}
    load(folder, back)
    assert torch.equal(back["first"][0].weight, turned["first"][0].weight)


def test_any_flipped_bit_is_refused(folder):
    rng, files = random.Random(0), sorted(folder.iterdir())
    content = {path: path.read_bytes() for path in files}
    sizes = [len(raw) for raw in content.values()]
    refused = {path: 0 for path in files}
    for _ in range(200):
        path = rng.choices(files, sizes)[0]
        raw = bytearray(content[path])
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes(raw)
        with pytest.raises(InputError, match=path.name):
            load(folder)
        refused[path] += 1
        path.write_bytes(content[path])
    assert sum(refused.values()) == 200 and min(refused.values()) > 10
    load(folder)


def test_every_bit_of_the_header_counts(folder):
    path = folder / "header.json"
    raw = path.read_bytes()
    for position in range(len(raw)):
        path.write_bytes(raw[:position] + bytes([raw[position] ^ 1 << position % 8]) + raw[position + 1:])
        with pytest.raises(InputError, match="header.json"):
            weights.load_header(folder, "toy-1", lambda header: header)


def test_members_that_were_swapped_removed_or_added_are_named(folder):
    shutil.copy(folder / "first.safetensors", folder / "second.safetensors")
    with pytest.raises(InputError, match="second.safetensors: not the weights that header.json was saved with"):
        load(folder)
    (folder / "second.safetensors").unlink()
    with pytest.raises(InputError, match="second.safetensors: no such file; expected the weights that header.json"):
        load(folder)
    weights.save(folder, networks(0), {"format": "toy-1"})
    shutil.copy(folder / "first.safetensors", folder / "third.safetensors")
    with pytest.raises(InputError, match="third.safetensors: header.json does not name these weights; expected first"):
        load(folder)


def test_fewer_networks_replace_more(folder):
    weights.save(folder, networks(0, names=("first",)), {"format": "toy-1"})
    assert sorted(file.name for file in folder.iterdir()) == ["first.safetensors", "header.json"]
    load(folder, networks(1, names=("first",)))


class Killed(BaseException):
    """Stands for SIGKILL: nothing is cleaned up behind it."""


@pytest.mark.parametrize("step", range(12))
def test_a_saving_that_is_killed_at_any_step_leaves_the_old_networks_or_the_new(folder, monkeypatch, step):
    """Three networks give way to two others; (folder / "notes") is the user's."""
    weights.save(folder, networks(0, names=("first", "second", "third")), {"format": "toy-1", "seed": 0})
    (folder / "notes").write_text("mine")
    left = iter(range(step))

    def killing(function):
        def killed(*given, **settings):
            if next(left, None) is None:
                raise Killed
            return function(*given, **settings)
        return killed

    for owner, name in ((weights.os, "replace"), (Path, "write_bytes"), (Path, "mkdir"), (Path, "rmdir"),
                        (Path, "unlink")):
        monkeypatch.setattr(owner, name, killing(getattr(owner, name)))
    monkeypatch.setattr(project, "_remove", lambda path: None)
    with contextlib.suppress(Killed):
        weights.save(folder, networks(2), {"format": "toy-1", "seed": 2})
    monkeypatch.undo()
    monkeypatch.setattr(project, "_is_running", lambda pid: False)
    seed = weights.load_header(folder, "toy-1", lambda header: header["seed"])
    names = ("first", "second") if seed else ("first", "second", "third")
    saved, found = networks(seed, names=names), networks(1, names=names)
    load(folder, found)
    assert all(torch.equal(saved[name][0].weight, found[name][0].weight) for name in names)
    load(weights.save(folder, networks(3), {"format": "toy-1"}))
    assert sorted(file.name for file in folder.iterdir()) == [
        "first.safetensors", "header.json", "notes", "second.safetensors"]


def test_a_first_saving_that_is_killed_leaves_no_networks(tmp_path, monkeypatch):
    def killed(*given):
        raise Killed

    monkeypatch.setattr(Path, "write_bytes", killed)
    with pytest.raises(Killed):
        weights.save(tmp_path / "model", networks(2), {"format": "toy-1"})
    monkeypatch.undo()
    with pytest.raises(InputError, match="header.json: no such file; expected a folder of trained networks"):
        load(tmp_path / "model")


def test_new_weights_beside_an_old_header_are_named(folder, tmp_path):
    other = weights.save(tmp_path / "new", networks(2), {"format": "toy-1", "width": 4})
    shutil.copy(other / "first.safetensors", folder / "first.safetensors")
    with pytest.raises(InputError, match="first.safetensors: .*changed or damaged; train again"):
        load(folder)


def test_networks_of_an_earlier_version_are_trained_again(folder):
    header = json.loads((folder / "header.json").read_text())
    header.pop("digest")
    (folder / "header.json").write_text(json.dumps(header))
    with pytest.raises(InputError, match="header.json: .*no key 'digest': edited, or saved by an earlier"):
        load(folder)
    sign(folder, format="toy-0")
    with pytest.raises(InputError, match="format is 'toy-0'; expected 'toy-1': saved by an earlier version, or"):
        load(folder)


@pytest.mark.parametrize("text, message", [
    (None, "no such file; expected a folder of trained networks: train again"), ("half", "broken or something else"),
    ("[1]", "broken or something else"), ('{"format": null}', "format is None"), ("[" * 100_000, ".*nested too deeply"),
    ('{"form": "toy-1"}', ".*'format' is missing"), ("\xff\xfe", "broken or something else")])
def test_a_header_that_cannot_be_read_is_named(folder, text, message):
    path = folder / "header.json"
    path.unlink() if text is None else path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=f"header.json: {message}"):
        load(folder)


@pytest.mark.parametrize("changes, message", [
    ({"weights": None}, "'weights' is missing"), ({"weights": 3}, "broken or something else"),
    ({"weights": []}, "first.safetensors: header.json does not name these weights"),
    ({"weights": {"first.safetensors": 1, "second.safetensors": None}}, "first.safetensors: not the weights that")])
def test_a_header_edited_on_purpose_is_checked_all_the_same(folder, changes, message):
    sign(folder, **changes)
    with pytest.raises(InputError, match=message):
        load(folder)


def test_what_the_header_asks_for_is_refused_in_its_own_words(folder):
    def build(header):
        raise InputError("recipe: loss is 'mse'")

    with pytest.raises(InputError, match="header.json: recipe: loss is 'mse'$"):
        weights.load_header(folder, "toy-1", build)
    with pytest.raises(InputError, match=r"header.json: .*\('depth' is missing\)"):
        weights.load_header(folder, "toy-1", lambda header: header["depth"])


def test_weights_of_another_network_or_without_numbers_are_named(tmp_path, folder):
    with pytest.raises(InputError, match="first.safetensors: broken .*; expected the weights of this network"):
        load(folder, networks(0, width=5))
    broken = networks(0)
    broken["second"][0].bias.data[1] = float("nan")
    with pytest.raises(InputError, match=r"second.safetensors: .*\(0.bias is not finite\)"):
        load(weights.save(tmp_path / "nan", broken, {"format": "toy-1"}))


@pytest.mark.parametrize("name", ["", "header.json", "../none", "deep/model/header.json/x"])
def test_a_folder_that_is_none_is_named(folder, name):
    with pytest.raises(InputError, match="header.json: (no such file|cannot be read)"):
        load(folder / name if name else None)


def test_a_link_to_a_folder_is_followed(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    load(tmp_path / "link")
