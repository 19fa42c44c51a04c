"""Whether the regions of `rsslib.Locator` keep their word on made-up towns, and what a large site costs.

    python benchmarks/locator.py [OUT.json] [--towns 10] [--samples 20000] [--sensors 500]

Towns: 600 samples to fit, 1,000 others held out, once at independent places, once the later part of a walk (a promise
for which the fit holds out stretches of time). Large site: readings by the path loss with noise, each sensor hears what
is within a few hundred metres. Synthetic throughout.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import shapely
import xarray as xr

from rsslib.data import measurements
from rsslib.data.grid import transmitters
from rsslib.locator.locator import Locator
from rsslib.project import write_json
from rsslib.propagation import town
from rsslib.tables import systems
from rsslib.tables.reading import read_table

FIT, HELD_OUT = 600, 1000


def of_town(seed: int, walk: bool) -> dict:
    """Return coverage and error on the held-out samples of one town."""
    made = town.make(seed=seed, samples=FIT + HELD_OUT, walk=walk)
    site = read_table(made.readings, made.sensors, crs=made.crs)
    order = np.arange(site.sizes["sample"]) if walk else np.random.default_rng(seed).permutation(site.sizes["sample"])
    kept, held_out = (site.isel(sample=np.sort(part)) for part in (order[:FIT], order[FIT:]))
    model = Locator(seed=seed).fit(kept)
    found, (x, y) = model.locate(held_out), transmitters(held_out)
    points = shapely.points(*systems.transform(site.attrs["crs"], systems.DEGREES, x, y))
    error, trusted = np.hypot(found.x - x, found.y - y), found.trusted.to_numpy()
    inside = {level: shapely.covers(found[f"region{level}"].to_numpy(), points) for level in (50, 90)}
    return {"seed": seed, "walk": walk, "n": len(found), "median_m": float(np.median(error)),
            "self_test_m": model.test_of_seen_.median_m, "trusted": float(trusted.mean()),
            **{f"covered{level}": float(share.mean()) for level, share in inside.items()}}


def large(samples: int, sensors: int, side_m: float = 5000.0, reach_m: float = 900.0) -> xr.Dataset:
    """Return measurements of a large site."""
    random = np.random.default_rng(0)
    at, to = (random.uniform(1e5, 1e5 + side_m, (count, 2)) for count in (samples, sensors))
    away = np.hypot(*np.moveaxis(at[:, None] - to, -1, 0))
    rss = -20 - 37.6 * np.log10(np.maximum(away, 10)) + 6 * random.standard_normal(away.shape)
    rss = np.where(away < reach_m, rss, np.nan)
    heard = np.isfinite(rss).any(axis=1)
    time = np.datetime64("2024-01-01", "ns") + np.arange(samples) * np.timedelta64(4, "s")
    return measurements.build(rss[heard], to[:, 0], to[:, 1], at[heard, 0], at[heard, 1], time[heard],
                              ["all"] * int(heard.sum()), [f"s{number}" for number in range(sensors)],
                              source="synthetic", crs="EPSG:32633")


def timed(samples: int, sensors: int) -> dict:
    """Return seconds and memory of fitting and locating on a large site."""
    site = large(samples, sensors)
    begun = time.perf_counter()
    model = Locator().fit(site)
    fitted = time.perf_counter()
    model.locate(site.isel(sample=slice(200)))
    located = time.perf_counter()
    return {"samples": site.sizes["sample"], "sensors": sensors, "readings": int(np.isfinite(site.rss).sum()),
            "fit_s": fitted - begun, "locate_ms": 1000 * (located - fitted) / 200,
            "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def main() -> None:
    """Print the numbers, and write them to a file if one is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--towns", type=int, default=10)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--sensors", type=int, default=500)
    given = parser.parse_args()
    records = [of_town(seed, walk) for walk in (False, True) for seed in range(given.towns)]
    for walk in (False, True):
        some = [record for record in records if record["walk"] == walk]
        mean = {key: round(float(np.mean([one[key] for one in some])), 3)
                for key in ("covered50", "covered90", "median_m", "self_test_m", "trusted")}
        print("walk" if walk else "independent places", mean)
    site = timed(given.samples, given.sensors)
    print({key: round(value, 2) for key, value in site.items()})
    if given.out:
        write_json(given.out, {"towns": records, "large": site})


if __name__ == "__main__":
    main()
