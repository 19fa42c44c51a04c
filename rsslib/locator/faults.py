"""A receiver of the made-up town drifts, moves or lies: what that costs, who notices, what helps. All is synthetic."""

from typing import NamedTuple

import numpy as np
import shapely
import xarray as xr
from scipy.spatial import KDTree

from rsslib.arguments import check_choice, check_type
from rsslib.data import blocks
from rsslib.data.buildings import centres
from rsslib.data.grid import transmitters
from rsslib.ledger import repeated
from rsslib.ledger.resampling import Draw, Times, interval, resampled
from rsslib.locator.locator import Locator
from rsslib.project import InputError
from rsslib.propagation import positions, town, urban
from rsslib.tables import systems

SYNTHETIC = "made-up town, synthetic: no such place exists, and nobody took these readings"
DRIFT_DB, MOVED_M, CELL_M = 10.0, 200.0, 10.0
FAULTS = {"none": "as it is", "drift": f"drifts by {DRIFT_DB:+g} dB", "moved": f"moved by {MOVED_M:g} m",
          "lies": "lies"}
REMEDIES = {"nothing": "nothing done", "offsets": "forced offsets", "new place": "new place given",
            "left out": "left out"}
_TOLD = ("median_m", "coverage90", "trusted", "more_m", "more_coverage90")


class Outcome(NamedTuple):
    """What became of samples, (samples,) each: error [m]; whether the 90 % region holds the transmitter; trusted."""

    error: np.ndarray
    held: np.ndarray
    trusted: np.ndarray


def faulty(dataset: xr.Dataset, receiver: str, fault: str, made: town.Town, seed: int = 0) -> xr.Dataset:
    """Return readings of the made-up town as they would be with one of FAULTS in a receiver. Its given place stays.

    drift: it reads DRIFT_DB more. lies: what it reads is drawn between its weakest and its strongest reading. moved: at
    `moved_to` it reads the town's path gain, its own mean excess over that at home, and fading, unless that is weaker
    than its weakest reading.
    Input: measurements with known transmitters; seed, of the town and of what is drawn. Errors: InputError for another
    fault, receiver or town, another system than the town's, and a receiver that heard nothing.
    """
    check_choice("fault", fault, FAULTS)
    check_type("made", made, town.Town, "a Town of rsslib.propagation.town.make")
    check_choice("receiver", receiver, made.sensors.sensor.tolist())
    own = dataset.rss.values[:, dataset.sensor.values == receiver].ravel()
    if dataset.attrs["crs"] != made.crs or not np.isfinite(own).any():
        raise InputError(f"faulty: in {dataset.attrs['crs']}, {receiver} heard {np.isfinite(own).sum()} samples; "
                         f"expected measurements in {made.crs}, and a receiver that heard some")
    rng, home = np.random.default_rng(seed), _home(made, receiver)
    if fault == "drift":
        own = own + DRIFT_DB
    elif fault == "lies":
        own = np.where(np.isnan(own), np.nan, rng.uniform(np.nanmin(own), np.nanmax(own), len(own)))
    elif fault == "moved":
        n, free, spots = _outdoor(made)
        maps = urban.gain_maps_db(made.city, np.stack([home, moved_to(made, receiver)]) - made.origin, n, seed=seed,
                                  emitter_m=town.RECEIVER_M, sensor_m=town.TRANSMITTER_M)
        here, there = np.stack([*maps])[:, free][:, KDTree(spots).query(np.stack(transmitters(dataset), axis=1))[1]]
        new = there + np.nanmean(own - here) + rng.normal(0, town.FADING_DB, len(own))
        own = np.where(new < np.nanmin(own), np.nan, new)
    rss = dataset.rss.where(dataset.sensor != receiver, own.astype(dataset.rss.dtype)[:, None])
    return _placed(dataset.assign(rss=rss), receiver, home)


def moved_to(made: town.Town, receiver: str) -> np.ndarray:
    """Return where a receiver stands after its move [m]: the outdoor cell whose distance is nearest to MOVED_M."""
    _, _, spots = _outdoor(made)
    return spots[np.abs(np.hypot(*(spots - _home(made, receiver)).T) - MOVED_M).argmin()]


def remedied(dataset: xr.Dataset, receiver: str, remedy: str, made: town.Town, locator: Locator) -> xr.Dataset:
    """Return readings after one of REMEDIES: less forced offsets, with the receiver at its new place, or without it."""
    check_choice("remedy", remedy, REMEDIES)
    if remedy == "offsets":
        return locator.calibrate(dataset, force=True).maps.corrected(dataset)
    if remedy == "left out":
        return dataset.assign(rss=dataset.rss.where(dataset.sensor != receiver))
    return _placed(dataset, receiver, moved_to(made, receiver)) if remedy == "new place" else dataset


def outcome(locator: Locator, dataset: xr.Dataset) -> Outcome:
    """Return what becomes of samples whose transmitters are known, each of them heard by a receiver of the fit."""
    found, true = locator.locate(dataset), transmitters(dataset)
    x, y = systems.transform(locator.input_crs_, locator.crs_, found.x.to_numpy(), found.y.to_numpy())
    points = shapely.points(*systems.transform(locator.crs_, systems.DEGREES, *true))
    held = shapely.covers(found.region90.to_numpy(), points)
    return Outcome(np.hypot(x - true[0], y - true[1]), held, found.trusted.to_numpy())


def records(locator: Locator, dataset: xr.Dataset, receiver: str, made: town.Town, seed: int = 0) -> list[dict]:
    """Return a record for each fault and remedy: median_m, coverage90 and trusted of the same n samples.

    more_m and more_coverage90 are differences from no fault. Intervals: bootstrap over blocks of time. Where nothing
    was done, also what self-calibration says: the receiver's offset and its standard error, the receiver whose offset
    is the most standard errors, `loudest`, and whether all offsets were `applied`. Input and errors: those of `faulty`.
    """
    first, rows = outcome(locator, dataset), []
    for fault in FAULTS:
        wrong = faulty(dataset, receiver, fault, made, seed)
        for remedy in (one for one in REMEDIES if one != "new place" or fault == "moved"):
            now = outcome(locator, remedied(wrong, receiver, remedy, made, locator))
            rows.append({"fault": fault, "remedy": remedy, "receiver": receiver, "n": len(now.error)}
                        | _told(now, first, blocks.numbers(dataset.time.values))
                        | (_noticed(locator, wrong, receiver) if remedy == "nothing" else {}))
    return rows


def _told(now: Outcome, first: Outcome, block: np.ndarray) -> dict:
    def values(times: Times, _: Draw) -> np.ndarray:
        part = times["part"]
        one, other = ((repeated.median(each.error, part), repeated.mean(each.held, part)) for each in (now, first))
        return np.stack([*one, repeated.mean(now.trusted, part), one[0] - other[0], one[1] - other[1]], axis=1)
    drawn = resampled(values, {"part": block})
    told = dict(zip(_TOLD, values({"part": np.ones((1, len(block)))}, {})[0].tolist()))
    return told | {f"ci95_{name}": interval(drawn[:, number], name.startswith("more"))
                   for number, name in enumerate(_TOLD)}


def _noticed(locator: Locator, wrong: xr.Dataset, receiver: str) -> dict:
    found = locator.calibrate(wrong)
    errors = {name: abs(db) / found.uncertain_db[name] for name, db in found.estimated_db.items()}
    loudest = max(errors, key=lambda name: errors[name])
    return {"estimated_db": found.estimated_db[receiver], "uncertain_db": found.uncertain_db[receiver],
            "loudest": loudest, "loudest_errors": errors[loudest], "applied": found.applied}


def _placed(dataset: xr.Dataset, receiver: str, place: np.ndarray) -> xr.Dataset:
    at = {f"sensor_{axis}": dataset[f"sensor_{axis}"].where(dataset.sensor != receiver, value)
          for axis, value in zip("xy", place)}
    return dataset.assign(at)


def _home(made: town.Town, receiver: str) -> np.ndarray:
    return made.sensors.set_index("sensor").loc[receiver, ["x", "y"]].to_numpy(float)


def _outdoor(made: town.Town) -> tuple[int, np.ndarray, np.ndarray]:
    """Return cells a side of about CELL_M, which of them are outdoors, (n, n), and their centres [m]."""
    n = round(made.city.side_m / CELL_M)
    free = positions.outdoor_cells(made.city, n)
    return n, free, centres(n, made.city.side_m)[free.ravel()] + made.origin
