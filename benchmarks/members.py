"""What training side by side gains: the networks of an ensemble, and whole trainings of the second paper.

    python benchmarks/members.py [--epochs 4] [--turns 2]

On two cores: an ensemble whose networks train side by side with one thread each, against one network after the other
with two; and two networks of the second paper in processes of one thread each, against one after the other with two.
Synthetic data.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from losses import compare, interleaved

from rsslib.data import campus, splits
from rsslib.learning.devices import cores
from rsslib.localization.ensemble import Recipe
from rsslib.localization.localizer import Localizer
from rsslib.project import ROOT


def ensembles(epochs: int, turns: int) -> list[dict]:
    """Compare trainings of 2, 4 and 8 networks; the two ways have other bytes, since their threads differ."""
    dataset, found = campus.make(n_april=40, n_july=900, n_november=60), []
    sets = splits.make(dataset, "grid2")
    for members in (2, 4, 8):
        def fit(threads: int, members: int = members) -> None:
            recipe = Recipe(loss="emd", network="compact", members=members, epochs=epochs, batch_size=64,
                            schedule="one_cycle", learning_rate=3e-3, validate_every=epochs, threads=threads)
            with tempfile.TemporaryDirectory() as folder:
                Localizer(recipe, "cpu").fit(dataset, sets, Path(folder) / "checkpoint.pt")
        sides = {"one by one": lambda: fit(cores()), "side by side": lambda: fit(1)}
        seconds = interleaved(sides, dict.fromkeys(sides, turns), torch.device("cpu"))
        what = f"training {members} networks: one by one, {cores()} threads / side by side, 1 thread each"
        found.append(compare(what, seconds["one by one"], seconds["side by side"]))
    return found


def processes(turns: int) -> dict:
    """Compare two trainings of the second paper at the same time, one thread each, with one after the other."""
    def command(folder: str, threads: int) -> list[str]:
        return [sys.executable, "-m", "rsslib.run", "notebooks/train/emitters.ipynb", f"{folder}/out.ipynb",
                "--section", "emitters.quick.base", f"root={folder}", "environment=free_space", "stage=single_stage",
                "train=4000", "val=500", "test=500", "epochs=3", f"threads={threads}"]

    quiet = {"cwd": ROOT, "stderr": subprocess.DEVNULL, "env": os.environ | {"RSSLIB_PROGRESS": "off"}}

    def in_turn() -> None:
        for _ in range(2):
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run(command(folder, 2), check=True, **quiet)

    def together() -> None:
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            running = [subprocess.Popen(command(folder, 1), **quiet) for folder in (one, other)]
            if any([process.wait() for process in running]):
                raise SystemExit("a training failed")
    sides = {"in turn": in_turn, "together": together}
    seconds = interleaved(sides, dict.fromkeys(sides, turns), torch.device("cpu"))
    return compare("two stages of the second paper: in turn, 2 threads / at the same time, 1 thread each",
                   seconds["in turn"], seconds["together"])


def rows(epochs: int = 4, turns: int = 2) -> list[dict]:
    """Return the rows of this file."""
    return [*ensembles(epochs, turns), processes(max(1, turns // 2))]


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--turns", type=int, default=2)
    given = parser.parse_args()
    for row in rows(given.epochs, given.turns):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
