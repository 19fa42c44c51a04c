"""How fast samples of the second paper are drawn: all at once, against one after the other.

    python benchmarks/samples.py [--count 20000] [--turns 5]

As in losses.py the two sides take turns within one run and their medians are compared. A city is read from
data/quick, where `make reproduce` puts it, and left out without it.
"""

import argparse
import json

import numpy as np
import torch
from losses import compare, interleaved

from rsslib import ROOT
from rsslib.emitters import predictions
from rsslib.emitters.samples import Scene, draw

N, SENSORS, N_MAX, POWERS_DBM = 64, 40, 3, (10.0, 40.0)


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
    """Return a row: how many times longer a loop takes than drawing all at once."""
    few = count // 10    # the loop is slow
    sides = {"at once": lambda: draw(scene, "train", count, SENSORS, N_MAX, POWERS_DBM),
             "one by one": lambda: one_by_one(scene, few)}
    seconds = interleaved(sides, dict.fromkeys(sides, turns), torch.device("cpu"))
    per_second = count / seconds["at once"]
    return compare(f"samples of {scene.environment}, {N} x {N} cells, {SENSORS} sensors: one by one / at once "
                   f"({per_second:,.0f} a second)", 10 * seconds["one by one"], seconds["at once"])


def rows(count: int = 20_000, turns: int = 5) -> list[dict]:
    """Return the rows of this file."""
    folder = ROOT / "data/quick/scenes"
    names = ["free_space", *sorted(path.stem for path in folder.glob("*.nc") if "ray" not in path.stem)]
    return [measure(predictions.scene_of(folder, name, N), count, turns) for name in names]


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=20_000, help="samples of a draw")
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    for row in rows(given.count, given.turns):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
