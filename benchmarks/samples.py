"""How fast samples of the second paper are drawn: all at once, against one after the other.

    python benchmarks/samples.py [OUT.json] [--count 20000] [--turns 5]

As in losses.py the two sides take turns within one run and their medians are compared. A city is read from
data/quick, where `make reproduce` puts it, and left out without it.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from losses import interleaved

from rsslib import ROOT
from rsslib.emitters import predictions
from rsslib.emitters.samples import Scene, draw
from rsslib.project import atomic_path

N, SENSORS, N_MAX, POWERS_DBM = 64, 40, 3, (10.0, 40.0)
TARGET = 20_000
"""Samples a second, on two CPU cores."""


def one_by_one(scene: Scene, count: int) -> np.ndarray:
    """Return the sensors' powers [dBm] of samples drawn like those of `rsslib.emitters.samples.draw`, but in a loop."""
    random = np.random.default_rng(0)
    outdoor, permitted = np.flatnonzero(scene.outdoor), np.asarray(scene.cells["train"], np.int64)
    found = np.empty((count, SENSORS), np.float32)
    for sample in range(count):
        emitters = random.integers(1, N_MAX + 1)
        emitter = random.choice(permitted, emitters, replace=False)
        power = random.uniform(*POWERS_DBM, emitters)
        sensor = random.choice(outdoor, SENSORS, replace=False)
        level = scene.gain_db(emitter[:, None], sensor[None]) + power[:, None]
        found[sample] = 10 * np.log10(np.power(10, level / 10).sum(axis=0))
    return found


def measure(scene: Scene, count: int, turns: int) -> dict:
    """Return a tidy record: samples a second drawn at once, and how many times faster than one by one."""
    few = count // 10    # the loop is slow
    sides = {"at once": lambda: draw(scene, "train", count, SENSORS, N_MAX, POWERS_DBM),
             "one by one": lambda: one_by_one(scene, few)}
    seconds = interleaved(sides, dict.fromkeys(sides, turns), torch.device("cpu"))
    rate, slow = count / seconds["at once"], few / seconds["one by one"]
    return {"name": f"{scene.environment}, {N} x {N} cells, {SENSORS} sensors", "samples": count,
            "samples_per_second": round(rate), "target": TARGET, "one_by_one_per_second": round(slow),
            "ratio": round(rate / slow, 1), "turns": turns}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=Path(__file__).with_name("samples.json"))
    parser.add_argument("--count", type=int, default=20_000, help="samples of a draw")
    parser.add_argument("--turns", type=int, default=5)
    chosen = parser.parse_args()
    folder = ROOT / "data/quick/scenes"
    names = ["free_space", *sorted(path.stem for path in folder.glob("*.nc") if "ray" not in path.stem)]
    records = [measure(predictions.scene_of(folder, name, N), chosen.count, chosen.turns) for name in names]
    for record in records:
        print(f"{record['name']}: {record['samples_per_second']} samples/s (target: at least {TARGET}), "
              f"{record['ratio']:g} times one by one")
    with atomic_path(chosen.out) as temporary:
        temporary.write_text(json.dumps({"numpy": np.__version__, "records": records}, indent=1) + "\n",
                             encoding="utf-8")


if __name__ == "__main__":
    main()
