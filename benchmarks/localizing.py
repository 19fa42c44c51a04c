"""What locating costs: radio maps against scikit-learn's nearest neighbours and random forest, one sample and many.

    python benchmarks/localizing.py [--many 10000] [--turns 3]

Made-up readings of 25 receivers, 2,500 samples to learn from. The regressors take the raw readings, -130 dBm where a
receiver heard nothing. Fitting is not counted; errors stand beside the ratios.
"""

import argparse
import json

import numpy as np
import torch
import xarray as xr
from locator import large
from losses import compare, interleaved
from sklearn.ensemble import RandomForestRegressor
from sklearn.neighbors import KNeighborsRegressor

from rsslib.data.grid import transmitters
from rsslib.localization import predictions
from rsslib.locator.locator import Locator
from rsslib.radio_maps.localizer import RadioMaps

LEARN, SENSORS, SIDE_M = 2500, 25, 2400.0


def rows(many: int = 10_000, turns: int = 3) -> list[dict]:
    """Return the rows of this file."""
    site = large(LEARN + many + 500, SENSORS, SIDE_M)
    train, test = np.arange(LEARN), np.arange(LEARN, min(LEARN + many, site.sizes["sample"]))
    readings, place = np.nan_to_num(site.rss.values, nan=-130.0), np.stack(transmitters(site), axis=1)
    maps = RadioMaps().fit(site, train)
    others = {"5 nearest neighbours": KNeighborsRegressor(5), "random forest of 100": RandomForestRegressor(
        100, random_state=0, n_jobs=1)}
    found = [one_by_one(site, train, test[:1], turns)]
    for name, model in others.items():
        model.fit(readings[train], place[train])
        for chosen in (test[:1], test):
            heard = site.isel(sample=chosen)    # what was measured, and no more: all of it is checked
            sides = {"maps": lambda heard=heard: maps.predict(heard),
                     "other": lambda chosen=chosen, model=model: model.predict(readings[chosen])}
            seconds = interleaved(sides, dict.fromkeys(sides, turns), torch.device("cpu"))
            error = np.median(np.hypot(*(sides["other"]() - place[chosen]).T))
            ours = predictions.median_error(sides["maps"](), "all")
            what = f"locating {len(chosen):,}: radio maps / {name} (medians {ours:.0f} and {error:.0f} m)"
            found.append(compare(what, seconds["maps"], seconds["other"],
                                 "ours <= 0.005 s" if len(chosen) == 1 else ""))
    return found


def one_by_one(site: xr.Dataset, train: np.ndarray, one: np.ndarray, turns: int) -> dict:
    """Compare a place, its regions and its trust by `Locator.locate` with `RadioMaps.predict`, which is for many."""
    learned, heard = site.isel(sample=train), site.isel(sample=one)
    locator, maps = Locator(threads=1).fit(learned), RadioMaps().fit(learned)
    sides = {"locator": lambda: locator.locate(heard), "maps": lambda: maps.predict(heard)}
    seconds = interleaved(sides, dict.fromkeys(sides, 10 * turns), torch.device("cpu"))
    return compare("locating 1: Locator.locate / RadioMaps.predict", seconds["locator"], seconds["maps"],
                   "Locator.locate <= 0.005 s")


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    for row in rows(given.many, given.turns):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
