"""What the networks that learn from radio maps rest on: errors on `val` and in held-out cells of `train`.

    python benchmarks/choices.py [OUT.json] [--network compact] [--rate 0.003] [--at-once 2] [--only val-random ...]

Each task trains two networks, with 75 and 25 % of real samples, on part of a training set, and locates the rest of it:
`val-SPLIT` the set val, `cells-SPLIT` cells of a quarter (Grid2) or a twenty-fifth of the map, in three parts. No test
sample is read. Records: task, network, learning_rate, networks (the shares that are averaged, two thirds of the mean
with 75 %), maps_weight (lambda), median_m; decoder `sure`. Compact networks take eight minutes on two CPU cores; a UNet
wants a GPU. Needs data/quick/measurements.nc.
"""

import argparse
import multiprocessing
from pathlib import Path

import numpy as np
import torch

from rsslib import ROOT
from rsslib.data import splits
from rsslib.data.grid import transmitters
from rsslib.data.measurements import load
from rsslib.project import write_json
from rsslib.radio_maps import cells, decoders, products
from rsslib.radio_maps.fed import FedLocalizer
from rsslib.radio_maps.fed_recipe import FedRecipe
from rsslib.radio_maps.recipe import MapRecipe

TASKS = ("val-random", "val-grid2", "cells-grid2", "cells-july")
SHARES, WEIGHTS = (0.75, 0.25), (0.0, 0.25, 0.5, 1.0)


def parts(task: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what is trained on and what is located, once or three times."""
    kind, split = task.split("-")
    dataset = load(ROOT / "data/quick/measurements.nc")
    sets = splits.make(dataset, split)
    return [(sets["train"], sets["val"])] if kind == "val" else cells.folds(
        dataset, sets["train"], 2 if split == "grid2" else 5, 3)


def errors(job: tuple) -> dict:
    """Return the errors [m] of one part of a task by the networks averaged and the weight of the maps."""
    task, number, network, rate, epochs = job
    dataset = load(ROOT / "data/quick/measurements.nc")
    kept, held_out = parts(task)[number]
    found = {}
    for share in SHARES:
        recipe = FedRecipe(epochs=epochs, real_shares=(share,), network=network, learning_rate=rate,
                           maps=MapRecipe(threads=1))
        fed = FedLocalizer(recipe).fit(dataset, {"train": kept, "val": held_out})
        _, log_network, log_maps = zip(*fed.log_posteriors(dataset, held_out))
        found[str(share)], maps = torch.cat(log_network), torch.cat(log_maps)
    found["both"] = torch.logaddexp(found["0.75"] + np.log(2 / 3), found["0.25"] + np.log(1 / 3))
    true_x, true_y = (axis[held_out] for axis in transmitters(dataset))
    missed = {}
    for name, log_network in found.items():
        for weight in WEIGHTS:
            posterior = products.product(log_network, maps, weight).exp()
            x, y = decoders.decode(posterior, fed.maps.grid, "sure")
            missed[name, weight] = np.hypot(x.numpy() - true_x, y.numpy() - true_y)
    return missed


def main() -> None:
    """Print the medians, and write them to a file if one is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--network", default="compact")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=TASKS, default=TASKS)
    given = parser.parse_args()
    jobs = [(task, number, given.network, given.rate, given.epochs) for task in given.only
            for number in range(len(parts(task)))]
    with multiprocessing.get_context("spawn").Pool(given.at_once) as pool:
        found = pool.map(errors, jobs, chunksize=1)
    records = []
    for task in given.only:
        own = [part for job, part in zip(jobs, found) if job[0] == task]
        for name, weight in own[0]:
            median = float(np.median(np.concatenate([part[name, weight] for part in own])))
            records.append({"task": task, "network": given.network, "learning_rate": given.rate, "networks": name,
                            "maps_weight": weight, "median_m": round(median, 2)})
            print(f"{task:12} {given.network} {name:5} lambda {weight:4} median {median:6.1f} m", flush=True)
    if given.out:
        write_json(given.out, {"records": records})


if __name__ == "__main__":
    main()
