"""What the losses cost: EMD against CoM in a training step, the presorted sliced distance against POT's.

    python benchmarks/losses.py [--steps 60] [--unet-steps 6] [--repeats 20] [--slow 3]

The two sides of a ratio take turns within one run, so that what else the machine does meets both alike;
their medians are compared. Nothing here passes or fails: a row holds the ratio beside its target.
"""

import argparse
import json
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from rsslib.data.grid import KINDS
from rsslib.learning.devices import choose_device, choose_precision
from rsslib.localization import losses
from rsslib.localization.networks import SensorNet

HEIGHT, WIDTH, BATCH, SENSORS = 75, 81, 64, 25  # the campus at 30 m per pixel
SIDE, PAIRS, SLICES = 64, 32, 50

def interleaved(sides: dict[str, Callable[[], object]], turns: dict[str, int], device: torch.device):
    """Return the median seconds of each side; they take turns, side by side, after one warm-up each."""
    for side in sides.values():
        side()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    most = max(turns.values())
    for turn in range(most):
        # back and forth, so that neither is always the first
        for name, side in list(sides.items())[:: 1 if turn % 2 else -1]:
            # a side with fewer turns has them spread over the whole run
            if turn * turns[name] // most == (turn - 1) * turns[name] // most:
                continue
            started = time.perf_counter()
            side()
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - started)
    return {name: median(values) for name, values in seconds.items()}


def compare(what: str, over: float, under: float, target: str = "", **facts) -> dict:
    """Return a row: the ratio of two times [s], and what it should be."""
    return {"what": what, "ratio": float(f"{over / under:.3g}"), "target": target,
            "seconds": [float(f"{value:.3g}") for value in (over, under)], **facts}


def _training_step(network: str, loss: str, device: torch.device) -> Callable[[], None]:
    """One step of a training as `rsslib.localization` makes it: forward, loss, backward, optimizer."""
    generator = torch.Generator().manual_seed(0)
    sensors = [torch.randint(HEIGHT * WIDTH, (BATCH, SENSORS), generator=generator),
               torch.rand(BATCH, SENSORS, generator=generator),
               torch.randint(len(KINDS), (BATCH, SENSORS), generator=generator)]
    sensors = [part.to(device) for part in sensors]
    locations = (torch.rand(BATCH, 2, generator=generator) * torch.tensor([WIDTH - 1, HEIGHT - 1])).to(device)
    net = SensorNet((HEIGHT, WIDTH), network).to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), 5e-4, weight_decay=0.0, fused=True)
    dtype = choose_precision("auto", device)

    def step() -> None:
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            images = net(*sensors)
        optimizer.zero_grad(set_to_none=True)
        losses.LOSSES[loss](images, locations).backward()
        optimizer.step()
    return step


def training_steps(steps: dict[str, int], device: torch.device) -> list[dict]:
    """Compare a training step with EMD to one with CoM, for each network with so many steps."""
    records = []
    for network, turns in steps.items():
        sides = {loss: _training_step(network, loss, device) for loss in ("emd", "com")}
        seconds = interleaved(sides, dict.fromkeys(sides, turns), device)
        records.append(compare(f"{network}: a training step with EMD / with CoM", seconds["emd"], seconds["com"],
                               "<= 1.03", name=network))
    return records


def distances(repeats: int, slow: int) -> list[dict]:
    """Compare forward and backward of the sliced distance with POT's, and the exact one with POT's solver."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(PAIRS, SIDE, SIDE, generator=generator)
    locations = torch.rand(PAIRS, 2, generator=generator) * (SIDE - 1)
    targets = losses.target_images(locations, SIDE, SIDE)
    vectors = losses.directions(SLICES, generator)
    presorted = losses.SlicedDistance(SIDE, SIDE, vectors)

    def both_ways(distance: Callable[[Tensor], Tensor]) -> Callable[[], None]:
        return lambda: distance(images.detach().requires_grad_()).mean().backward()

    sides = {"loop": both_ways(lambda image: losses.pot_reference(image, targets, vectors)),
             "batch": both_ways(lambda image: _batched(image, targets, vectors)),
             "presorted": both_ways(lambda image: presorted(image, targets)),
             "least": lambda: _gathered(images.flatten(1), presorted.permutations),
             "exact": both_ways(lambda image: losses.emd(image, locations)),
             "solver": lambda: _solved(images, locations),
             "whole": lambda: _solved(images[:1], locations[:1], whole=True)}
    often = dict.fromkeys(("presorted", "exact", "least"), repeats)
    seconds = interleaved(sides, dict.fromkeys(sides, slow) | often, torch.device("cpu"))
    size = f"{PAIRS} pairs of {SIDE} x {SIDE}"
    return [compare(f"sliced, {SLICES} slices, {size}: POT's loop / presorted", seconds["loop"], seconds["presorted"],
                    ">= 100", floor=seconds["presorted"] / seconds["least"]),
            compare("sliced: POT's one-dimensional distance on the whole batch / presorted", seconds["batch"],
                    seconds["presorted"]),
            compare("EMD to a point, a pair: ot.emd2 between all cells / exact with gradient", seconds["whole"],
                    seconds["exact"] / PAIRS, ">= 1000"),
            compare(f"EMD to a point, {size}: ot.emd2 told that there is one target / exact with gradient",
                    seconds["solver"], seconds["exact"]),
            compare("sliced, presorted / exact", seconds["presorted"], seconds["exact"])]


def _gathered(values: Tensor, permutations: Tensor) -> None:
    """Do the least that a sliced distance and its gradient need: on each slice gather, and add up, from either end."""
    for permutation in permutations:
        values.index_select(1, permutation).cumsum(1)
        values.index_select(1, permutation).cumsum(1)


def _batched(first: Tensor, second: Tensor, vectors: Tensor) -> Tensor:
    """Return sliced distances by one call of POT's distance in one dimension."""
    import ot

    row, column = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    place = torch.stack([column, row], dim=-1).reshape(-1, 2).float() @ vectors.T
    place = place.repeat(1, len(first))
    weights = [(image / image.sum((-2, -1), keepdim=True)).flatten(1).T.repeat_interleave(len(vectors), dim=1)
               for image in (first, second)]
    return ot.wasserstein_1d(place, place, *weights, p=1).reshape(len(first), -1).mean(dim=1)


def _solved(images: Tensor, locations: Tensor, whole: bool = False) -> list[float]:
    """Return the distances by POT's network simplex, pair by pair; `whole`: the target has all cells, one with mass."""
    import ot

    row, column = (axis.ravel() for axis in np.indices((SIDE, SIDE)))
    found = []
    for image, (x, y) in zip((images / images.sum((-2, -1), keepdim=True)).double().flatten(1).numpy(),
                             locations.round().int().tolist()):
        target = np.zeros(SIDE**2) if whole else np.ones(1)
        target[y * SIDE + x if whole else 0] = 1.0
        to_x, to_y = (column, row) if whole else (np.array([x]), np.array([y]))
        cost = np.hypot(column[:, None] - to_x, row[:, None] - to_y)
        found.append(float(ot.emd2(image / image.sum(), target, cost)))
    return found


def floors(device: torch.device) -> dict[str, float]:
    """Return what this machine can do at best: multiplications and additions a second, bytes moved a second."""
    dtype = choose_precision("auto", device)
    left, right = (torch.randn(2048, 2048, device=device, dtype=dtype) for _ in range(2))
    source = torch.empty(2**26, dtype=torch.uint8, device=device)
    seconds = interleaved({"product": lambda: left @ right, "copy": lambda: source.clone()},
                          {"product": 10, "copy": 10}, device)
    return {"flops": 2 * 2048**3 / seconds["product"], "bytes": 2 * 2**26 / seconds["copy"]}


def work(network: str, device: torch.device) -> float:
    """Return the multiplications and additions of one training step with EMD."""
    with FlopCounterMode(display=False) as counted:
        _training_step(network, "emd", device)()
    return float(counted.get_total_flops())


def shares(network: str, device: torch.device, steps: int = 5) -> dict:
    """Return a row: what a training step with EMD spends its time on."""
    step = _training_step(network, "emd", device)
    step()
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(steps):
            step()
    spent: dict[str, float] = dict.fromkeys(("convolutions", "optimizer", "the rest"), 0.0)
    for one in profiled.key_averages():
        kind = "convolutions" if "conv" in one.key else "optimizer" if "adam" in one.key.lower() else "the rest"
        spent[kind] += one.self_cpu_time_total / 1e6 / steps
    total = sum(spent.values())
    parts = ", ".join(f"{kind} {seconds / total:.0%}" for kind, seconds in spent.items())
    return {"what": f"{network}: a training step with EMD, of which {parts}", "seconds": [float(f"{total:.3g}")]}


def rows(steps: int = 60, unet_steps: int = 6, repeats: int = 20, slow: int = 3) -> list[dict]:
    """Return the rows of this file."""
    device = choose_device()
    best, found = floors(device), []
    for record in training_steps({"compact": steps, "unet": unet_steps}, device):
        record["floor"] = record["seconds"][0] / (work(record["name"], device) / best["flops"])
        found += [record, shares(record["name"], device)]
    return found + distances(repeats, slow)


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=60, help="training steps of the compact network")
    parser.add_argument("--unet-steps", type=int, default=6, help="training steps of the paper's UNet")
    parser.add_argument("--repeats", type=int, default=20, help="turns of the exact and the presorted distance")
    parser.add_argument("--slow", type=int, default=3, help="turns of POT's")
    chosen = parser.parse_args()
    for row in rows(chosen.steps, chosen.unet_steps, chosen.repeats, chosen.slow):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
