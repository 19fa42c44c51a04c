"""The device and the floating-point precision of networks, and how many of them run at a time."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from rsslib.project import InputError

PRECISIONS = ("auto", "bfloat16", "float32")
_Result = TypeVar("_Result")


def choose_device(name: str = "auto") -> torch.device:
    """Return the named device; "auto" is CUDA if available, else the CPU.

    Errors: InputError for a device that this machine does not have.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if isinstance(name, str) and name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda"):    # "meta" computes nothing
            raise RuntimeError(f"{device.type} devices are untested")
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"device {name!r} cannot be used here ({reason}); expected auto, cpu or cuda") from None
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Return float32 or bfloat16; "auto" is bfloat16 on CUDA and on CPUs with bfloat16 instructions.

    >>> choose_precision("float32", torch.device("cpu"))
    torch.float32
    """
    if name != "auto":
        return getattr(torch, name)
    cpu = torch.cpu.get_capabilities()
    fast = device.type == "cuda" or cpu.get("avx512_bf16", False) or cpu.get("amx_bf16", False)
    return torch.bfloat16 if fast else torch.float32


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Return the autocast context for `precision`; for float32 it does nothing."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)


def at_once(networks: int, device: torch.device) -> int:
    """Return how many of `networks` run at a time: on a CPU as many as this process has cores for their threads."""
    if device.type != "cpu":
        return 1
    return max(1, min(networks, cores() // torch.get_num_threads()))


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(function: Callable[[int], _Result], numbers: Sequence[int], device: torch.device) -> list[_Result]:
    """Return `function` of each number of a network, several at a time where `at_once` says so.

    A function that must not record gradients says so itself: `torch.no_grad` holds for one thread.

    >>> side_by_side(lambda number: 10 * number, [0, 1, 2], torch.device("cpu"))
    [0, 10, 20]
    """
    count = at_once(len(numbers), device)
    if count == 1:
        return [function(number) for number in numbers]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(function, numbers))
