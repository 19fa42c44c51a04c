"""What radio maps cost: against scikit-learn's Gaussian processes at equal maps, and over the number of samples.

    python benchmarks/radio_maps.py [--samples 250 500 1000 2000] [--sensors 12] [--large 6000 20000] [--turns 1]

Made-up readings, of which each receiver misses a few. As in losses.py the two sides of a ratio take turns within one
run and their medians are compared. Scikit-learn fits and predicts one receiver after the other with the same fixed
kernel; the largest differences of mean [dB] and variance [dB^2] stand beside the ratio. With more samples than the
recipe's `points` the readings move to inducing points: those records hold seconds, and the differences from the exact
process where that is small enough (`--large` is then a number of up to 8,000 samples).
"""

import argparse
import json
import time
from collections.abc import Sequence

import numpy as np
import torch
from losses import compare, interleaved
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

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


def pixels(finer: int = 1) -> np.ndarray:
    """Return the places of the pixels of a map, (pixels, 2) [m]; `finer`, how many a side where PIXELS has one."""
    row, column = np.indices([finer * size for size in PIXELS])
    return 30.0 / finer * np.stack([column.ravel(), row.ravel()], axis=1)


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
    apart = max(float(np.abs(one - other).max()) for one, other in zip(ours, theirs))
    return compare(f"maps of {sensors} receivers from {samples:,} samples, {PIXELS[0]} x {PIXELS[1]} pixels: "
                   f"scikit-learn / ours (largest difference {apart:.1e} dB)", seconds["sklearn"], seconds["ours"],
                   ">= 10")


def inducing(samples: int, points: int) -> dict:
    """Return the seconds of one receiver with inducing points, and how its map differs from the exact one."""
    given = readings(samples, 1)
    started = time.perf_counter()
    ours = process.predict(*given, pixels(), MapRecipe(points=points))
    row = {"what": f"one map from {samples:,} samples by {points:,} inducing points",
           "seconds": [float(f"{time.perf_counter() - started:.3g}")]}
    if samples <= EXACT:
        exact = process.predict(*given, pixels(), MapRecipe(points=samples))
        row["what"] += f" (rms difference of the mean {np.sqrt(np.mean((ours[0] - exact[0]) ** 2)):.2f} dB)"
    return row


def grown(samples: int, sensors: int, finer: int) -> dict:
    """Return the seconds of our maps alone, of so many receivers and pixels."""
    given = readings(samples, sensors)
    started = time.perf_counter()
    process.predict(*given, pixels(finer), MapRecipe())
    return {"what": f"maps of {sensors} receivers from {samples:,} samples, {finer * PIXELS[0]} x {finer * PIXELS[1]} "
                    "pixels", "seconds": [float(f"{time.perf_counter() - started:.3g}")]}


def rows(samples: Sequence[int] = (250, 500, 1000, 2000), sensors: int = 12, large: Sequence[int] = (6000, 20_000),
         turns: int = 1) -> list[dict]:
    """Return the rows of this file."""
    return ([against_sklearn(count, sensors, turns) for count in samples]
            + [grown(1000, count, finer) for count, finer in ((4, 1), (16, 1), (64, 1), (16, 2), (16, 4))]
            + [inducing(count, 2000) for count in large])


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, nargs="+", default=[250, 500, 1000, 2000])
    parser.add_argument("--sensors", type=int, default=12)
    parser.add_argument("--large", type=int, nargs="+", default=[6000, 20_000])
    parser.add_argument("--turns", type=int, default=1)
    given = parser.parse_args()
    for row in rows(given.samples, given.sensors, given.large, given.turns):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
