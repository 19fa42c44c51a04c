"""The device and the floating-point precision of a network."""

import torch

from rsslib.project import InputError

PRECISIONS = ("auto", "bfloat16", "float32")


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
