"""Devices and number formats: those that can be named, those that are not here."""

import threading

import pytest
import torch

from rsslib.learning.devices import at_once, autocast, choose_device, choose_precision, cores, side_by_side
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


@pytest.mark.parametrize(("cores_here", "networks", "count"), [(1, 3, 1), (2, 3, 2), (8, 3, 3), (8, 1, 1)])
def test_as_many_run_at_a_time_as_there_are_cores_and_networks(cores_here, networks, count, monkeypatch):
    monkeypatch.setattr("rsslib.learning.devices.cores", lambda: cores_here)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert at_once(networks, CPU) == count
    assert at_once(networks, torch.device("cuda")) == 1


def test_the_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {3, 5, 6}, raising=False)
    assert cores() == 3


def test_side_by_side_two_are_inside_at_once_and_results_keep_their_order(monkeypatch):
    monkeypatch.setattr("rsslib.learning.devices.cores", lambda: 2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    both = threading.Barrier(2, timeout=20)    # passes only where two wait for each other
    assert side_by_side(lambda number: (both.wait(), number)[1], [3, 1, 2, 0], CPU) == [3, 1, 2, 0]
