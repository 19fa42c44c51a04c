"""Weights on disk: what was saved comes back, and what cannot be read is named."""

import json

import pytest
import torch
from torch import nn

from rsslib.learning import weights
from rsslib.project import InputError


def networks(seed, width=4):
    torch.manual_seed(seed)
    return {name: nn.Sequential(nn.Conv2d(2, width, 3), nn.BatchNorm2d(width)) for name in ("first", "second")}


@pytest.fixture
def folder(tmp_path):
    return weights.save(tmp_path / "deep" / "model", networks(0), {"format": "toy-1", "width": 4})


def test_networks_come_back(folder):
    saved, loaded = networks(0), networks(1)
    assert weights.load_header(folder, "toy-1", lambda header: header["width"]) == 4
    weights.load(folder, loaded, "cpu")
    for name in saved:
        assert all(torch.equal(a, b) for a, b in zip(saved[name].state_dict().values(),
                                                     loaded[name].state_dict().values(), strict=True))
    assert sorted(file.name for file in folder.iterdir()) == ["first.safetensors", "header.json", "second.safetensors"]


def test_the_format_in_memory_does_not_matter(folder, tmp_path):
    turned = {name: network.to(memory_format=torch.channels_last) for name, network in networks(0).items()}
    other = weights.save(tmp_path / "other", turned, {"format": "toy-1"})
    assert (folder / "first.safetensors").read_bytes() == (other / "first.safetensors").read_bytes()
    back = {name: network.to(memory_format=torch.channels_last) for name, network in networks(1).items()}
    weights.load(folder, back, "cpu")
    assert torch.equal(back["first"][0].weight, turned["first"][0].weight)


@pytest.mark.parametrize("text, message", [
    (None, "not the header of trained networks"), ("half", "not the header"), ("[1]", "not the header"),
    ('{"format": "toy-0", "width": 4}', "format is 'toy-0'; expected 'toy-1'"),
    ('{"format": "toy-1"}', r"not the header of trained networks \(KeyError: 'width'\)")])
def test_a_header_that_cannot_be_read_is_named(folder, text, message):
    (folder / "header.json").unlink() if text is None else (folder / "header.json").write_text(text)
    with pytest.raises(InputError, match=f"header.json: {message}"):
        weights.load_header(folder, "toy-1", lambda header: header["width"])


def test_what_the_header_asks_for_is_refused_in_its_own_words(folder):
    def build(header):
        raise InputError("recipe: loss is 'mse'")

    assert json.loads((folder / "header.json").read_text())["width"] == 4
    with pytest.raises(InputError, match="^recipe: loss is 'mse'$"):
        weights.load_header(folder, "toy-1", build)


def test_missing_cut_and_other_weights_are_named(folder):
    with pytest.raises(InputError, match="first.safetensors: not the weights of this network"):
        weights.load(folder, networks(0, width=5), "cpu")
    cut = folder / "second.safetensors"
    cut.write_bytes(cut.read_bytes()[:100])
    with pytest.raises(InputError, match="second.safetensors: not the weights of this network"):
        weights.load(folder, networks(0), "cpu")
    cut.unlink()
    with pytest.raises(InputError, match="second.safetensors: no such weights; the header names first, second"):
        weights.load(folder, networks(0), "cpu")
