"""Devices and number formats: those that can be named, those that are not here."""

import pytest
import torch

from rsslib.learning.devices import autocast, choose_device, choose_precision
from rsslib.project import InputError

CPU = torch.device("cpu")


def test_device_and_precision_can_be_named():
    assert choose_device("cpu") == CPU
    assert choose_device().type in ("cpu", "cuda")
    assert choose_precision("float32", CPU) == torch.float32
    assert choose_precision("bfloat16", CPU) == torch.bfloat16


@pytest.mark.parametrize("capable", [{}, {"avx512_bf16": True}, {"amx_bf16": True}])
def test_auto_is_what_the_processor_computes_in(monkeypatch, capable):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capable)
    assert choose_precision("auto", CPU) == (torch.bfloat16 if capable else torch.float32)
    assert choose_precision("auto", torch.device("cuda")) == torch.bfloat16


@pytest.mark.parametrize("name", ["gpu", "cuda:99", 7.5, "meta", "", None, True, 2**70, ["cpu"]])
def test_a_device_that_is_not_here_is_named(name):
    with pytest.raises(InputError, match="device .* cannot be used here.*expected auto, cpu or cuda"):
        choose_device(name)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_layer_computes_in_the_precision(precision):
    with autocast(CPU, precision):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == precision
