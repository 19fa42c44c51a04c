"""What the losses cost: EMD against CoM in a training step, the presorted sliced distance against POT's.

    python benchmarks/losses.py [OUT.json] [--steps 150] [--unet-steps 12] [--repeats 20] [--pot-repeats 3]

The two sides of a ratio take turns within one run, so that what else the machine does meets both alike;
their medians are compared. Nothing here passes or fails: a record holds the ratio beside its target.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from rsslib.data.grid import KINDS
from rsslib.learning.devices import choose_device, choose_precision
from rsslib.localization import losses
from rsslib.localization.networks import SensorNet
from rsslib.project import atomic_path

HEIGHT, WIDTH, BATCH, SENSORS = 75, 81, 64, 25  # the campus at 30 m per pixel
SIDE, PAIRS, SLICES = 64, 32, 50
TARGETS = {
    "com": {"target": 1.05, "better": "at most", "paper": 5.5},  # the paper's epochs: 14.3 s and 2.6 s
    "pot": {"target": 40.0, "better": "at least"},
    "presorted": {},
}
"""By `against`: a step's time relative to one with CoM; how many times faster than POT, than presorted."""
TITLES = {"com": "Training step: EMD / CoM", "pot": "Sliced EMD: POT's loop / sorted once"}


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


def compare(name: str, against: str, over: float, under: float, **facts) -> dict:
    """Return a tidy record of the ratio of two times [s]."""
    return {"name": name, "against": against, "ratio": round(over / under, 3), **TARGETS[against],
            "seconds": [round(over, 6), round(under, 6)], **facts}


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
        records.append(compare(f"{network}, {device.type}", "com", seconds["emd"], seconds["com"],
                               batch=BATCH, height=HEIGHT, width=WIDTH, turns=turns))
    return records


def distances(repeats: int, pot_repeats: int) -> list[dict]:
    """Compare forward and backward of the exact EMD, of the presorted sliced distance and of POT's."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(PAIRS, SIDE, SIDE, generator=generator)
    locations = torch.rand(PAIRS, 2, generator=generator) * (SIDE - 1)
    targets = losses.target_images(locations, SIDE, SIDE)
    vectors = losses.directions(SLICES, generator)
    presorted = losses.SlicedDistance(SIDE, SIDE, vectors)

    def both_ways(distance: Callable[[Tensor], Tensor]) -> Callable[[], None]:
        return lambda: distance(images.detach().requires_grad_()).mean().backward()

    sides = {"pot": both_ways(lambda image: losses.pot_reference(image, targets, vectors)),
             "presorted": both_ways(lambda image: presorted(image, targets)),
             "exact": both_ways(lambda image: losses.emd(image, locations))}
    turns = {"pot": pot_repeats, "presorted": repeats, "exact": repeats}
    seconds = interleaved(sides, turns, torch.device("cpu"))
    facts = {"batch": PAIRS, "height": SIDE, "width": SIDE, "slices": SLICES}
    return [compare("presorted, cpu", "pot", seconds["pot"], seconds["presorted"], **facts, turns=pot_repeats),
            compare("exact, cpu", "presorted", seconds["presorted"], seconds["exact"], **facts, turns=repeats)]


def draw(records: list[dict], note: str):
    """Return a figure of the ratios that have a target, a panel for each kind of ratio; open dots miss the target."""
    from rsslib.reports import style  # here, not above: the times are taken without matplotlib loaded

    def drawn():
        groups = {against: [r for r in records if r["against"] == against] for against in TITLES}
        heights = [len(group) + 1.2 for group in groups.values()]
        fig = style.page(style.COLUMN_IN, 0.42 * len(groups) + 0.19 * sum(heights), note)
        axes = fig.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
        for ax, (against, group) in zip(axes, groups.items()):
            _panel(ax, group, style)
            ax.set_title(TITLES[against])
        return fig

    return style.styled(drawn)()


def _panel(ax, group: list[dict], style) -> None:
    target, better, printed = (group[0].get(key) for key in ("target", "better", "paper"))
    colour, right = style.LOOKS["emd"].colour, 1.15 * max(target, printed or 0, *(record["ratio"] for record in group))
    good = (0, target) if better == "at most" else (target, right)
    ax.axvspan(*good, color="#E3F1EA", lw=0)
    ax.axvline(target, color=style.GREY, lw=0.9)
    small = {"fontsize": 6, "color": style.GREY, "va": "center"}
    ax.text(target, -0.75, f" goal: {better} {target:g} ", ha="left" if target < 0.6 * right else "right", **small)
    if printed is not None:
        ax.axvline(printed, color=style.GREY, lw=0.9, ls=(0, (3, 2)))
        ax.text(printed, -0.75, f"paper {printed:g} ", ha="right", **small)
    for row, record in enumerate(group):
        ratio = record["ratio"]
        ax.plot(ratio, row, "o", color=colour, mfc=colour if good[0] <= ratio <= good[1] else "white")
        ax.annotate(f"{ratio:.3g}", (ratio, row), (5, 0), textcoords="offset points", va="center", fontsize=6.5)
    ax.set_yticks(range(len(group)), [record["name"] for record in group])
    ax.set(xlim=(0, right), ylim=(len(group) - 0.5, -1.2))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=Path(__file__).with_name("speed.json"))
    parser.add_argument("--steps", type=int, default=150, help="training steps of the compact network")
    parser.add_argument("--unet-steps", type=int, default=12, help="training steps of the paper's UNet")
    parser.add_argument("--repeats", type=int, default=20, help="turns of the exact and the presorted distance")
    parser.add_argument("--pot-repeats", type=int, default=3, help="turns of POT's distance")
    chosen = parser.parse_args()
    device = choose_device()
    records = distances(chosen.repeats, chosen.pot_repeats)
    records += training_steps({"compact": chosen.steps, "unet": chosen.unet_steps}, device)
    setting = {"device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
               "training_in": str(choose_precision("auto", device)).removeprefix("torch."),
               "torch": torch.__version__, "threads": torch.get_num_threads()}
    for record in records:
        target = f" (target: {record['better']} {record['target']:g})" if "target" in record else ""
        print(f"{record['name']}, against {record['against']}: {record['ratio']:.3g}{target}")
    with atomic_path(chosen.out) as temporary:
        temporary.write_text(json.dumps({"setting": setting, "records": records}, indent=1) + "\n",
                             encoding="utf-8")
    from rsslib.reports import style  # as in `draw`

    note = f"{setting['device']}, {setting['threads']} threads, torch {setting['torch']}"
    style.save(draw(records, note), chosen.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
