"""What radio maps cost: against scikit-learn's Gaussian processes at equal maps, and over the number of samples.

    python benchmarks/radio_maps.py [OUT.json] [--samples 250 500 1000 2000] [--sensors 12] [--large 20000] [--turns 3]

Made-up readings, of which each receiver misses a few. As in losses.py the two sides of a ratio take turns within one
run and their medians are compared. Scikit-learn fits and predicts one receiver after the other with the same fixed
kernel; the largest differences of mean [dB] and variance [dB^2] stand beside the ratio. With more samples than the
recipe's `points` the readings move to inducing points: those records hold seconds, and the differences from the exact
process where that is small enough (`--large` is then a number of up to 8,000 samples).
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from losses import interleaved
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from rsslib.project import atomic_path
from rsslib.radio_maps import process
from rsslib.radio_maps.recipe import MapRecipe

SITE_M, PIXELS, EXACT = 2400.0, (75, 81), 8000


def readings(samples: int, sensors: int, missed: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Return places, (samples, 2) [m], and residuals, (samples, sensors) [dB], of which a share is not heard."""
    random = np.random.default_rng(0)
    places = random.uniform(0, SITE_M, (samples, 2))
    residuals = 6 * np.sin(places[:, :1] / 200 + np.arange(sensors)) + 5 * random.standard_normal((samples, sensors))
    residuals[random.random(residuals.shape) < missed * (np.arange(sensors) % 3 > 0)] = np.nan
    return places, residuals


def pixels() -> np.ndarray:
    """Return the places of the pixels of a map, (pixels, 2) [m]."""
    row, column = np.indices(PIXELS)
    return 30.0 * np.stack([column.ravel(), row.ravel()], axis=1)


def one_by_one(places: np.ndarray, residuals: np.ndarray, recipe: MapRecipe) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance as scikit-learn gives them, receiver by receiver."""
    near, far = (ConstantKernel(level ** 2) * Matern(length, nu=nu) for level, length, nu in (
        (recipe.near_db, recipe.near_m, 1.5), (recipe.far_db, recipe.far_m, 0.5)))
    found = []
    for column in residuals.T:
        heard = np.isfinite(column)
        fitted = GaussianProcessRegressor(near + far, alpha=recipe.noise_db ** 2, optimizer=None)
        found.append(fitted.fit(places[heard], column[heard]).predict(pixels(), return_std=True))
    return np.array([mean for mean, _ in found]), np.array([deviation ** 2 for _, deviation in found])


def against_sklearn(samples: int, sensors: int, turns: int) -> dict:
    """Compare the seconds of scikit-learn with ours, at maps that are equal but for single precision."""
    recipe, given = MapRecipe(), readings(samples, sensors)
    sides = {"sklearn": lambda: one_by_one(*given, recipe), "ours": lambda: process.predict(*given, pixels(), recipe)}
    seconds = interleaved(sides, {name: turns for name in sides}, torch.device("cpu"))
    ours, theirs = sides["ours"](), sides["sklearn"]()
    return {"name": "maps", "against": "sklearn", "samples": samples, "sensors": sensors,
            "ratio": round(seconds["sklearn"] / seconds["ours"], 2),
            "seconds": [round(seconds["sklearn"], 3), round(seconds["ours"], 3)],
            **{f"{what}_differs": float(np.abs(one - other).max().round(5))
               for what, one, other in zip(("mean", "variance"), ours, theirs)}}


def inducing(samples: int, points: int) -> dict:
    """Return the seconds of one receiver with inducing points, and how its map differs from the exact one."""
    given = readings(samples, 1)
    started = time.perf_counter()
    ours = process.predict(*given, pixels(), MapRecipe(points=points))
    record = {"name": "inducing points", "samples": samples, "points": points,
              "seconds": round(time.perf_counter() - started, 3)}
    if samples <= EXACT:
        exact = process.predict(*given, pixels(), MapRecipe(points=samples))
        record |= {f"{what}_rms_differs": round(float(np.sqrt(np.mean((one - other) ** 2))), 3)
                   for what, one, other in zip(("mean", "variance"), ours, exact)}
    return record


def main() -> None:
    """Measure, print and write the records."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", nargs="?", type=Path, default=Path(__file__).with_name("radio_maps.json"))
    parser.add_argument("--samples", type=int, nargs="+", default=[250, 500, 1000, 2000])
    parser.add_argument("--sensors", type=int, default=12)
    parser.add_argument("--large", type=int, nargs="+", default=[6000, 20_000, 100_000])
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    records = []
    for record in (*(lambda n=n: against_sklearn(n, arguments.sensors, arguments.turns) for n in arguments.samples),
                   *(lambda n=n: inducing(n, arguments.points) for n in arguments.large)):
        records.append(record())
        print(json.dumps(records[-1]), flush=True)
    with atomic_path(arguments.out) as temporary:
        temporary.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
