"""Time to accuracy: the error against the seconds it took, for each method, on Random and Grid2.

    python benchmarks/accuracy.py

Nearest neighbours and radio maps are fitted here; networks from nothing (EMD) and networks that learn from maps are
those of the profile quick, with the seconds of their stamps. Where the measurements are missing: nothing. Errors are
medians on the sets that the papers report; they choose nothing here.
"""

import argparse
import json
import time

import numpy as np
import xarray as xr

from rsslib.data import splits
from rsslib.data.grid import transmitters
from rsslib.data.measurements import load
from rsslib.files import read_json
from rsslib.ledger import claims
from rsslib.localization import predictions
from rsslib.project import ROOT
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.reports.confidence_paper import baselines

QUICK = ROOT / "results/quick"


def _trained(split: str, name: str) -> list[dict]:
    """Return the rows of EMD networks, by the epochs of one of them, and of networks that learn from maps."""
    emd, found = QUICK / "trained" / f"{split}-emd", []
    each = read_json(emd.with_name(f"{split}-emd.stamp.json"), "seconds")["seconds_per_epoch"]
    epochs, key = read_json(emd / "history.json", "a history")["epochs"], f"{name}_single_median_m"
    for one in [one for one in epochs if key in one][1::5]:
        found.append({"method": f"one EMD network, epoch {one['epoch']}", "seconds": each * one["epoch"],
                      "median_m": one[key]})
    located = predictions.load(emd / "predictions.nc")
    members = located.sizes["member"]
    found.append({"method": f"EMD, {members} networks", "seconds": each * epochs[-1]["epoch"] * members,
                  "median_m": predictions.median_error(located, name)})
    maps = QUICK / "maps" / split
    spent = read_json(maps.with_name(f"maps-{split}.stamp.json"), "seconds")["seconds"]
    fed = predictions.load(maps / "network-0.nc")
    return [*found, {"method": "networks that learn from maps", "seconds": sum(spent.values()),
                     "median_m": predictions.median_error(fed, name)}]


def rows() -> list[dict]:
    """Return the rows of this file: split, method, seconds on this machine, median_m, and the paper's median."""
    path, found = ROOT / "data/quick/measurements.nc", []
    if not path.is_file():
        return []
    dataset = load(path)
    place = np.stack(transmitters(dataset), axis=1)
    printed = {split: value for (loss, split), value in claims.printed("table2", "median_m", "loss", "split").items()
               if loss == "emd"}
    for split in ("random", "grid2"):
        sets, name = splits.make(dataset, split), splits.report_set(split)
        for method, locate in {"nearest neighbour": _neighbour, "radio maps": _mapped}.items():
            begun = time.perf_counter()
            at = locate(dataset, sets["train"], sets[name])
            seconds = time.perf_counter() - begun
            error = float(np.median(np.hypot(*(at - place[sets[name]]).T)))
            found.append({"split": split, "method": method, "seconds": seconds, "median_m": error})
        found += [{"split": split, **row} for row in _trained(split, name)]
    return [row | {"paper_m": printed[row["split"]]} for row in found]


def _neighbour(dataset: xr.Dataset, train: np.ndarray, samples: np.ndarray) -> np.ndarray:
    return baselines.neighbours(dataset, train, samples, 1)


def _mapped(dataset: xr.Dataset, train: np.ndarray, samples: np.ndarray) -> np.ndarray:
    located = RadioMaps().fit(dataset, train).predict(dataset, {"set": samples})
    return np.stack([located.x_hat.values, located.y_hat.values], axis=1)


def main() -> None:
    """Print the rows."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    for row in rows():
        print(json.dumps(row))


if __name__ == "__main__":
    main()
