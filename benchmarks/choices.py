"""What the networks that learn from radio maps rest on: errors on `val` and in held-out cells of `train`, and doubt.

    python benchmarks/choices.py [OUT.json] [--only val-random ...] [--keep FOLDER] [--at-once 2] [--network compact]

Each task trains three networks, with 100, 25 and 10 % of real samples, each alone and from the same start, on part of a
training set, and locates the rest of it: `val-SPLIT` the set val, `cells-SPLIT` cells of a quarter (Grid2) or a
twenty-fifth of the map, in three parts; `season-SEASON` trains on April and locates another season, `calibrated-SEASON`
likewise, after self-calibration on it: a separation that no table has. No test sample of the same separation is read.
Records: task, network, learning_rate, real_shares (of the networks that answer), together ("handed over": see
`products.handed_over`; "mean"), maps_weight (lambda), median_m; decoder `sure`.
`doubt-SPLIT`: how well sums of indicators tell the cells that are held out of `train` and `val` from what is left of
`val`; task, indicator, auroc, below_val10. `noise-april` and `reach-april`: mean and median error of pairs, with
another noise or candidates nearer to training samples, on sums of April's validation samples. Compact networks take an
hour on two CPU cores; a UNet wants a GPU. OUT.json keeps the records of tasks that are not run. A network whose log
posteriors are in FOLDER is not trained again: empty it after a change of the code. Needs data/quick/measurements.nc.
"""

import argparse
import multiprocessing
from itertools import product
from multiprocessing.pool import Pool
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from rsslib import ROOT
from rsslib.data import splits
from rsslib.data.grid import covering, transmitters
from rsslib.data.measurements import load
from rsslib.emitters import real_pairs
from rsslib.files import read_json
from rsslib.project import atomic_path, write_json
from rsslib.radio_maps import cells, decoders, pairs, products
from rsslib.radio_maps.fed import FedLocalizer
from rsslib.radio_maps.fed_recipe import FedRecipe
from rsslib.radio_maps.fed_training import visited
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.recipe import MapRecipe
from rsslib.reports.radio_maps.tables import detected, doubt

TASKS = ("val-random", "val-grid2", "val-blocks", "val-november", "cells-grid2", "cells-july", "season-july",
         "season-november", "calibrated-july", "calibrated-november", "doubt-grid2", "doubt-july", "noise-april",
         "reach-april")
TOGETHER, WEIGHTS = ("handed over", "mean"), (0.0, 0.25, 0.5, 1.0)
NETWORKS = ((1.0, 0.25), (1.0, 0.1), (1.0, 0.25, 0.1))
"""The shares of real samples of the networks that are compared; the first is the one that knows visited places."""
SHARES = sorted({share for shares in NETWORKS for share in shares})
DOUBTS = (("entropy_network",), ("entropy",), ("entropy_maps",), ("map_std",), ("entropy_network", "map_std"),
          ("entropy", "map_std"), ("entropy_network", "entropy_maps"), ("entropy_network", "map_std", "entropy_maps"))
"""Sums of indicators that are compared."""
PAIRS = {"noise-april": [(noise_db, 40.0) for noise_db in (5.0, 4.0, 3.5, 3.0, 2.5, 2.0)],
         "reach-april": [(3.5, reach_m) for reach_m in (90.0, 60.0, 40.0, 25.0)]}
"""Noise [dB] and reach [m] of pairs."""


def parts(task: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what is trained on and what is located, once or three times."""
    kind, split = task.split("-")
    dataset = load(ROOT / "data/quick/measurements.nc")
    if kind in ("season", "calibrated"):
        season = dataset.season.values
        return [(np.flatnonzero(season == "april"), np.flatnonzero(season == split))]
    sets = splits.make(dataset, split)
    if kind == "val":
        return [(sets["train"], sets["val"])]
    samples = sets["train"] if kind == "cells" else np.concatenate([sets["train"], sets["val"]])
    return cells.folds(dataset, samples, 2 if split == "grid2" else 5, 3)


def train(job: tuple) -> None:
    """Train one network on one part of a task, and keep its log posteriors and those of the maps."""
    task, number, share, path, network, rate, epochs = job
    if path.exists():
        return
    dataset = load(ROOT / "data/quick/measurements.nc")
    kept, held_out = parts(task)[number]
    recipe = FedRecipe(epochs=epochs, real_shares=(share,), network=network, learning_rate=rate,
                       maps=MapRecipe(threads=1))
    fed = FedLocalizer(recipe).fit(dataset, {"train": kept, "val": held_out})
    if task.startswith("calibrated"):
        fed.calibrate(dataset, held_out)
    _, log_network, log_maps = zip(*fed.log_posteriors(dataset, held_out))
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, network=torch.cat(log_network).half().numpy(), maps=torch.cat(log_maps).half().numpy())


def errors(job: tuple) -> dict:
    """Return the errors [m] of one part of a task by the networks, by how they answer together, and by lambda."""
    task, number, paths = job
    dataset = load(ROOT / "data/quick/measurements.nc")
    kept, held_out = parts(task)[number]
    grid = covering(dataset, MapRecipe().pixel_m)
    seen = torch.zeros(grid.shape, dtype=torch.bool)
    seen.view(-1)[torch.from_numpy(visited(dataset, kept, grid))] = True
    logs = {share: torch.from_numpy(np.load(path)["network"]).float() for share, path in paths.items()}
    maps = torch.from_numpy(np.load(paths[SHARES[0]])["maps"]).float()
    true_x, true_y = (axis[held_out] for axis in transmitters(dataset))
    missed = {}
    for shares, together in product(NETWORKS, TOGETHER):
        members = torch.stack([logs[share] for share in shares], dim=1)
        near = [share == 1 and together == "handed over" for share in shares]
        log_network = products.handed_over(members, near, seen)
        for weight in WEIGHTS:
            posterior = products.product(log_network, maps, weight).exp()
            x, y = decoders.decode(posterior, grid, "sure")
            missed[shares, together, weight] = np.hypot(x.numpy() - true_x, y.numpy() - true_y)
    return missed


def doubts(job: tuple) -> dict:
    """Return AUROC and share below the 10th percentile of `val` of the held-out cells of one part, by indicator."""
    task, number, network, rate, epochs = job
    dataset = load(ROOT / "data/quick/measurements.nc")
    kept, held_out = parts(task)[number]
    sets = splits.make(dataset, task.split("-")[1])
    sets = {name: np.intersect1d(kept, sets[name]) for name in ("train", "val")}
    recipe = FedRecipe(epochs=epochs, network=network, learning_rate=rate, maps=MapRecipe(threads=1))
    fed = FedLocalizer(recipe).fit(dataset, sets)
    found = fed.predict(dataset, {"val": sets["val"], "far": held_out})
    return {" + ".join(names): detected(doubt(found, names), found.set.values == "far") for names in DOUBTS}


def of_pairs(job: tuple) -> dict:
    """Return the errors of pairs, sums of April's validation samples, with one noise and one reach [m]."""
    dataset, (noise_db, reach_m) = load(ROOT / "data/quick/measurements.nc"), PAIRS[job[0]][job[1]]
    own = np.flatnonzero(dataset.season.values == "april")
    train, val = (np.intersect1d(own, splits.make(dataset, "random")[name]) for name in ("train", "val"))
    held = real_pairs.mix(dataset, val, 1000, seed=8)    # as notebook 07 has them
    held = held.isel(sample=np.flatnonzero(np.isfinite(held.tx_x.values[:, 1])))
    maps = RadioMaps(MapRecipe(noise_db=noise_db, threads=1)).fit(dataset, train).fitted()
    places = np.stack([axis[train] for axis in transmitters(dataset)], axis=1)
    two = pairs.PairMaps(maps, places, pairs.floors(dataset, train), step=1, reach_m=reach_m)
    found = two.located(held)[2]
    error = real_pairs.judged(np.ones(found.shape[:2]), found, held).error
    return {"noise_db": noise_db, "reach_m": reach_m, "candidates": len(two.at), "n": len(error),
            "mean_m": round(float(error.mean()), 2), "median_m": round(float(np.median(error)), 2)}


def main() -> None:
    """Print the records, and write them to a file if one is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--network", default="compact")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", nargs="*", choices=TASKS, default=TASKS)
    given = parser.parse_args()
    kept = read_json(given.out, "choices")["records"] if given.out and given.out.exists() else []
    records = [record for record in kept if record["task"] not in given.only]
    context = multiprocessing.get_context("spawn")
    with TemporaryDirectory() as scratch, context.Pool(given.at_once) as pool:
        for task in given.only:
            records += _records(task, given, given.keep or Path(scratch), pool)
    for record in records:
        print(record)
    if given.out:
        write_json(given.out, {"records": records})


def _records(task: str, given: argparse.Namespace, folder: Path, pool: Pool) -> list[dict]:
    how = given.network, given.rate, given.epochs
    common = {"task": task, "network": given.network, "learning_rate": given.rate}
    if task in PAIRS:
        return [{"task": task} | one for one in pool.map(of_pairs, [(task, number) for number in range(len(
            PAIRS[task]))], chunksize=1)]
    numbers = range(len(parts(task)))
    if task.startswith("doubt"):
        own = pool.map(doubts, [(task, number, *how) for number in numbers], chunksize=1)
        return [common | {"indicator": name} | {key: round(float(np.mean([part[name][key] for part in own])), 4)
                                                for key in own[0][name]} for name in own[0]]
    named = f"{task}.{given.network}.{given.rate:g}.{given.epochs}"
    paths = {number: {share: folder / f"{named}.{number}.{share:g}.npz" for share in SHARES} for number in numbers}
    pool.map(train, [(task, number, share, path, *how) for number in numbers
                     for share, path in paths[number].items()], chunksize=1)
    own = pool.map(errors, [(task, number, paths[number]) for number in numbers], chunksize=1)
    return [common | {"real_shares": shares, "together": together, "maps_weight": weight, "median_m": round(float(
        np.median(np.concatenate([part[shares, together, weight] for part in own]))), 2)}
        for shares, together, weight in own[0]]


if __name__ == "__main__":
    main()
