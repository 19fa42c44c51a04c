"""Self-calibration: an offset for each receiver, found on samples whose transmitters are unknown.

EM over the posterior: with the locations' posterior as weights, a receiver's offset is the robust mean of what it read
less what its map says, shrunk towards 0; with the offsets the posterior is computed anew. The error of a map is one
and the same for all samples nearby, so it does not average out over samples, only over patches of the map. Gains that
changed show on all patches, an error of the maps on those it is made on: where offsets are no larger than what the maps
themselves are unsure of, there is no reason to believe in them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from rsslib.arguments import check_type, number, whole
from rsslib.data import blocks, index_sets, measurements
from rsslib.project import InputError
from rsslib.radio_maps.maps import Maps

MOST = 512
"""So many pixels of a sample, the most probable ones, stand for its posterior."""
FEWEST = 4
"""So many samples at least, or nothing is estimated."""
LARGE = 3.0
"""Offsets are believed if their mean square is at least this many times what the maps' own errors would give. On the
Utah measurements it was 5 to 50 times between seasons, at most 2.3 in unseen cells, and below 0.3 at seen places."""


@dataclass(frozen=True)
class Calibration:
    """What a calibration found.

    maps : a copy of the maps with the offsets, all 0 if it was refused
    offset_db : by receiver, what is added to its map [dB]
    applied, reason : whether the offsets are in `maps`, and why or why not
    estimated_db, uncertain_db : by receiver, the offset that was estimated, before shrinkage, and its standard error if
        no gain has changed, from the noise and the error of the map [dB]; receivers that heard a sample
    size : mean of (estimated / uncertain)^2, about 1 or less if no gain has changed
    before, after : held-out log p(r) of a sample without offsets, and with those from the other half of the time [nat]
    """

    maps: Maps
    offset_db: dict[str, float]
    applied: bool
    reason: str
    estimated_db: dict[str, float]
    uncertain_db: dict[str, float]
    size: float
    before: float
    after: float


def calibrated(maps: Maps, dataset: xr.Dataset, samples: np.ndarray, tau_db: float = 4.0, rounds: int = 3,
               force: bool = False) -> Calibration:
    """Return the maps with an offset for each receiver, estimated on samples whose transmitters may be unknown.

        d_s = tau^2 / (tau^2 + u_s^2) sum w (r - mu_s) / sum w,  w = p(x | r) (nu + 1) / (nu + z^2) / (v_s + sigma^2),
        u_s^2 = 1 / sum w + mean_w(v_s) sum_patch (share of w)^2

    over samples and pixels; a patch is a square of side l2. The offsets are refused, all 0, if they are no larger than
    the maps' errors (`size` below LARGE), or if the held-out likelihood does not rise: every second block of two
    minutes is scored with the offsets of the others, and the other way round. It is meant for a shift in time. On a
    shift in space it may take distance for gain.
    Input: samples, indices; tau_db, standard deviation of a change of gain [dB]; rounds of EM; force, to keep the
    offsets whatever the tests say. True locations are not looked at, and offsets that `maps` already has do not count.
    Errors: those of `measurements.validate` and `index_sets.indices`; InputError for other arguments.
    """
    check_type("calibrate: maps", maps, Maps)
    size = measurements.validate(dataset, "the data set to calibrate on").sizes["sample"]
    samples = index_sets.indices(samples, size, "calibrate: samples")
    tau_db = number("calibrate: tau_db", tau_db, 1e-3, 100, "a standard deviation from 0.001 to 100 dB")
    rounds = whole("calibrate: rounds", rounds, 1, 100)
    check_type("calibrate: force", force, bool)
    if not len(maps.columns(dataset)[0]):
        raise InputError("calibrate: none of the receivers has a map; expected those of the training data")
    maps = maps.shifted(np.zeros(len(maps.sensors)))
    estimate = _estimated(maps, dataset, samples, tau_db, rounds)
    before, after = _held_out(maps, dataset, samples, tau_db, rounds)
    heard = np.isfinite(estimate.uncertain)
    large = float(np.mean((estimate.raw[heard] / estimate.uncertain[heard]) ** 2)) if heard.any() else 0.0
    reason = _refused(len(samples), large, before, after)
    applied = force or not reason
    offset = estimate.offset if applied else np.zeros(len(maps.sensors))
    estimated, uncertain = ({maps.sensors[sensor]: float(part[sensor]) for sensor in np.flatnonzero(heard)}
                            for part in (estimate.raw, estimate.uncertain))
    return Calibration(maps.shifted(offset), dict(zip(maps.sensors, offset.tolist())), applied,
                       reason or "the offsets are larger than the maps' errors, and held-out readings are likelier",
                       estimated, uncertain, large, before, after)


def _refused(count: int, large: float, before: float, after: float) -> str:
    """Return why the offsets are refused, "" if they are not."""
    if count < FEWEST:
        return f"only {count} samples; expected at least {FEWEST}"
    if np.isnan(before):
        return "the samples are of one stretch of two minutes: no other is left to try the offsets on"
    if large < LARGE:
        return (f"the offsets are {large:.2g} times what the maps' own errors would give (in the square); expected "
                f"{LARGE:g} or more if gains have changed")
    if after <= before:
        return f"held-out readings become less likely: {after:.2f} after {before:.2f} nat a sample"
    return ""


@dataclass(frozen=True)
class _Estimate:
    """By receiver: mean residual and its standard error, NaN if nothing was heard, and the shrunk offset [dB]."""

    raw: np.ndarray
    uncertain: np.ndarray
    offset: np.ndarray


def _estimated(maps: Maps, dataset: xr.Dataset, samples: np.ndarray, tau_db: float, rounds: int) -> _Estimate:
    for _ in range(rounds):
        weight, residual, variance, patches = _sums(maps, dataset, samples)
        with np.errstate(invalid="ignore"):
            raw = residual / weight
            uncertain = np.sqrt(1 / np.where(weight > 0, weight, np.nan)
                                + variance / weight * ((patches / weight[:, None]) ** 2).sum(axis=1))
        offset = np.nan_to_num(raw * tau_db ** 2 / (tau_db ** 2 + uncertain ** 2))
        maps = maps.shifted(offset)
    return _Estimate(raw, uncertain, offset)


def _sums(maps: Maps, dataset: xr.Dataset, samples: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return sums over samples and pixels by receiver: of w, w (r - mu) without offsets, w v, and of w by patch."""
    patch = _patches(maps)
    count = int(patch.max()) + 1
    totals = np.zeros((3, len(maps.sensors)))
    patches = np.zeros((len(maps.sensors), count))
    nu, noise = float(maps.recipe.freedom), float(maps.recipe.noise_db) ** 2
    for batch, log_posterior, _ in maps.posteriors(dataset, samples):
        posterior, pixel = log_posterior.flatten(1).softmax(1).topk(min(MOST, len(patch)), dim=1)
        posterior /= posterior.sum(1, keepdim=True)
        for reading in maps.readings(dataset, batch):
            here = pixel[reading.rows]
            mean, variance = (part.expand(len(here), -1).gather(1, here) for part in (reading.mean, reading.variance))
            rest = reading.rss - mean
            weight = (posterior[reading.rows] * (nu + 1) / (nu * (variance + noise) + rest.square())).double()
            rest += float(maps.offset[reading.sensor])
            totals[:, reading.sensor] += [float(part.sum()) for part in (weight, weight * rest, weight * variance)]
            patches[reading.sensor] += np.bincount(patch[here.numpy()].ravel(), weight.numpy().ravel(), count)
    return *totals, patches


def _patches(maps: Maps) -> np.ndarray:
    """Return the number of each pixel's patch, a square of side l2, (pixels,)."""
    column, row = np.meshgrid(*(np.arange(size) for size in maps.grid.shape[::-1]))
    side = maps.recipe.far_m / maps.grid.pixel_m
    number = (row // side).astype(np.int64) * maps.grid.width + (column // side).astype(np.int64)
    return np.unique(number.ravel(), return_inverse=True)[1].ravel()


def _held_out(maps: Maps, dataset: xr.Dataset, samples: np.ndarray, tau_db: float, rounds: int) -> tuple[float, float]:
    """Return log p(r) of a sample without offsets, and with those of the other half, NaN if there is one block."""
    odd = blocks.numbers(dataset.time.values[samples]) % 2 == 1
    if not odd.any():
        return np.nan, np.nan
    found = []
    for half, other in _halves(samples, odd):
        for offset in (maps.offset, _estimated(maps, dataset, other, tau_db, rounds).offset):
            shifted = maps.shifted(offset)
            found.append(sum(float(evidence.sum()) for *_, evidence in shifted.posteriors(dataset, half)))
    return (found[0] + found[2]) / len(samples), (found[1] + found[3]) / len(samples)


def _halves(samples: np.ndarray, odd: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    yield samples[odd], samples[~odd]
    yield samples[~odd], samples[odd]
