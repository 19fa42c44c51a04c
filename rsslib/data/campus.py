"""The synthetic campus: simulated measurements with the receivers, sample counts and seasons of the real ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.arguments import whole
from rsslib.data import measurements
from rsslib.project import InputError

ORIGIN = np.array([427894.0, 4511788.0])  # m, UTM zone 12N: south-west corner of the campus
EXPONENT = 3.76  # path loss exponent of the 3GPP macro-cell model (37.6 dB per decade)
SHADOWING_DB, SHADOWING_M = 7.0, 100.0  # standard deviation, correlation distance
FADING_DB, NOISE_DB = 3.0, 0.6  # of the received signal, of the reading
SATURATION_DB = -4.0
SPACING_S = 4  # between two samples
MOST = 10_000  # samples, twice as many as the real ones; they take seconds

_LEVELS = {"cnode": (13.0, -95.0), "cbrs": (26.0, -97.0), "cell": (10.0, -98.0), "nuc": (24.0, -92.5),
           "bus": (32.0, -79.0)}  # level at 1 m and noise floor, dB
_LEVEL_SPREAD, _FLOOR_SPREAD = 5.0, 1.5  # dB, from device to device
_HOT, _HOT_FLOOR = "cellsdr1-smt-comp", -46.0  # reads high regardless of the transmitter
_FEATURES = 256
_BLOCK_M, _BLOCKS = 75.0, (33, 32)  # streets: about 75 m apart, a little beyond the area of every season
_TRACK, _PAUSE_S = 90, 120  # samples per track, pause between tracks
_SEASONS = {  # first sample; centre and half axes of the covered ellipse (m from ORIGIN); median step (m)
    "april": ("2022-04-20T09:00:00", (1140, 1355), (910, 755), 17.0),
    "july": ("2022-07-06T09:00:00", (1210, 1300), (1080, 870), 13.0),
    "november": ("2022-11-22T09:00:00", (910, 1300), (740, 560), 11.0),
}


def make(seed: int = 0, n_april: int = 811, n_july: int = 3416, n_november: int = 351) -> xr.Dataset:
    r"""Return the Measurements Dataset of the synthetic campus; the counts are samples per season.

    .. math:: r = 10 \log_{10}(10^{s/10} + 10^{f/10}), \quad s = c - 37.6 \log_{10} d + S + F

    with distance d (m), level c and noise floor f of the receiver (dB), shadowing S with correlation
    exp(-distance / 100 m) at either end, and fading F.  The transmitter moves along streets, 4 s between
    samples; shuttles drive in loops.  Streets, receivers and shadowing depend on `seed`, not on the counts.
    Not comparable with the paper.  Errors: InputError for a seed or a count that is no whole number, no samples, or
    more than MOST.

    Source: slope, 3GPP TR 36.814; shadowing, M. Gudmundson, Electronics Letters 27 (1991) 2145;
    receiver names and positions, doi:10.5281/zenodo.7259895 (CC BY 4.0).

    >>> make(seed=0, n_april=20, n_july=50, n_november=10).sizes["sample"]
    80
    """
    counts = {"april": n_april, "july": n_july, "november": n_november}
    for name, value in {"seed": seed, **{f"n_{season}": count for season, count in counts.items()}}.items():
        whole(f"campus.make: {name}", value, 0, 2**63 - 1, "a whole number from 0")
    if not 0 < sum(counts.values()) <= MOST:
        raise InputError(f"campus.make: samples per season {counts}; expected 1 to {MOST} in all")
    table = Path(__file__).with_name("campus.csv")
    receivers = pd.read_csv(table, comment="#", dtype=dict.fromkeys(counts, str))
    receivers["kind"] = receivers.sensor.map(measurements.sensor_kind)
    world = np.random.default_rng([seed, 0])
    streets = _streets(world)
    loops = {name: _loop(world, streets) for name in receivers.sensor[receivers.kind == "bus"]}
    parts = [_season(np.random.default_rng([seed, number]), season, count, receivers, streets, loops)
             for number, (season, count) in enumerate(counts.items(), start=1) if count]
    time, season, tx, rx = (np.concatenate(column) for column in zip(*parts, strict=True))
    rss = _rss(world, np.random.default_rng([seed, 4]), receivers, tx, rx)
    return measurements.build(
        rss, rx[..., 0], rx[..., 1], tx[:, :1], tx[:, 1:], time, season, receivers.sensor, receivers.kind,
        source="campus", title="synthetic campus: not comparable with the paper",
        licence="CC BY 4.0 (receiver positions)", doi="10.5281/zenodo.7259895 (receiver positions)")


def _streets(rng: np.random.Generator) -> np.ndarray:
    """Return the crossings of an irregular street grid, (columns, rows, 2) [m]."""
    columns, rows = (np.arange(count) * _BLOCK_M for count in _BLOCKS)
    crossings = np.stack(np.meshgrid(columns, rows, indexing="ij"), axis=-1)
    return ORIGIN + crossings + rng.normal(0.0, _BLOCK_M / 6, crossings.shape)


def _loop(rng: np.random.Generator, streets: np.ndarray) -> np.ndarray:
    """Return a shuttle's closed route around some blocks, (points, 2) [m]."""
    (west, east), (south, north) = (np.sort(rng.choice(np.arange(4, size - 4), 2, replace=False)) for size in _BLOCKS)
    east, north = max(east, west + 4), max(north, south + 4)
    return np.concatenate([streets[west:east, south], streets[east, south:north], streets[east:west:-1, north],
                           streets[west, north : south - 1 : -1]])


def _season(rng, season: str, count: int, receivers: pd.DataFrame, streets: np.ndarray, loops: dict) -> tuple:
    """Return time, season, transmitters (count, 2) and receivers (count, sensor, 2) [m], NaN when out of operation."""
    start, centre, axes, step = _SEASONS[season]
    index = np.arange(count)
    seconds = SPACING_S * index + _PAUSE_S * (index // _TRACK)
    steps = np.repeat(step * rng.lognormal(0.0, 0.3, count // _TRACK + 1), _TRACK)[:count]
    distance = np.cumsum(steps)
    tx = _along(_walk(rng, streets, centre, axes, distance[-1]), distance) + rng.normal(0.0, 1.5, (count, 2))
    rx = np.full((count, len(receivers), 2), np.nan)
    for column, (name, x, y, window) in enumerate(receivers[["sensor", "x", "y", season]].itertuples(index=False)):
        if not isinstance(window, str):
            continue
        first, last = (float(end) * count for end in window.split("-"))
        operating = (index >= first) & (index < last)
        if name in loops:
            away = rng.uniform(0.0, 0.97) * count  # a shuttle is off the road for 3 % of the season
            operating &= (index < away) | (index >= away + 0.03 * count)
            rx[operating, column] = _ride(rng, loops[name], seconds)[operating]
        else:
            rx[operating, column] = x, y
    time = np.datetime64(start, "ns") + seconds.astype("timedelta64[s]")
    return time, np.full(count, season, dtype="U8"), tx, rx


def _walk(rng, streets: np.ndarray, centre, axes, length_m: float) -> np.ndarray:
    """Return a walk (points, 2) of at least `length_m` in the ellipse that prefers the least visited crossings."""
    inside = (((streets - ORIGIN - centre) / axes) ** 2).sum(axis=-1) < 1.0
    visits = np.where(inside, 0.0, np.inf)
    here = tuple(rng.permutation(np.argwhere(inside))[0])
    path, walked, heading = [streets[here]], 0.0, (0, 0)
    headings = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    while walked <= length_m:
        cost = [visits[here[0] + i, here[1] + j] + rng.random() - 0.5 * ((i, j) == heading) for i, j in headings]
        heading = headings[int(np.argmin(cost))]
        here = (here[0] + heading[0], here[1] + heading[1])
        visits[here] += 1.0
        walked += float(np.hypot(*(streets[here] - path[-1])))
        path.append(streets[here])
    return np.array(path)


def _ride(rng, loop: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Return a shuttle's positions [m] at `seconds`: around its loop, with a stop every three minutes."""
    gaps = np.diff(seconds, prepend=seconds[0])
    phase = np.sin(2 * np.pi * seconds / 180 + rng.uniform(0, 2 * np.pi))
    speed = rng.uniform(6.0, 10.0) * np.maximum(0.0, phase)  # m/s
    length = np.hypot(*np.diff(loop, axis=0).T).sum()
    return _along(loop, (rng.uniform(0, length) + np.cumsum(speed * gaps)) % length)


def _along(line: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Return the points at `distance` [m] along a line, (len(distance), 2)."""
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    return np.stack([np.interp(distance, travelled, line[:, axis]) for axis in range(2)], axis=-1)


def _rss(world, rng, receivers: pd.DataFrame, tx: np.ndarray, rx: np.ndarray) -> np.ndarray:
    """Return the receivers' readings, (sample, sensor) [dB], NaN when out of operation."""
    level, floor = np.array([_LEVELS[kind] for kind in receivers.kind]).T
    level = level + world.normal(0.0, _LEVEL_SPREAD, len(level))
    floor = np.where(receivers.sensor == _HOT, _HOT_FLOOR, floor + world.normal(0.0, _FLOOR_SPREAD, len(floor)))
    distance = np.maximum(np.hypot(*np.moveaxis(rx - tx[:, None], -1, 0)), 10.0)
    signal = level - 10 * EXPONENT * np.log10(distance) + _shadowing(world, tx, rx)
    signal += rng.normal(0.0, FADING_DB, signal.shape)
    reading = 10 * np.log10(10 ** (signal / 10) + 10 ** (floor / 10))
    return np.minimum(reading + rng.normal(0.0, NOISE_DB, signal.shape), SATURATION_DB)


def _shadowing(rng, tx: np.ndarray, rx: np.ndarray) -> np.ndarray:
    """Return a random field over transmitter and receiver positions, (sample, sensor) [dB].

    Random Fourier features of exp(-distance / SHADOWING_M): wave vectors from the bivariate Cauchy distribution.
    """
    def wave_vectors() -> np.ndarray:
        return rng.normal(size=(2, _FEATURES)) / np.abs(rng.normal(size=_FEATURES)) / SHADOWING_M

    at_tx, at_rx, phase = wave_vectors(), wave_vectors(), rng.uniform(0, 2 * np.pi, _FEATURES)
    angle = (tx - ORIGIN) @ at_tx + phase
    field = np.full(rx.shape[:2], np.nan)
    for column in range(rx.shape[1]):
        rows = ~np.isnan(rx[:, column, 0])
        waves = np.cos(angle[rows] + (rx[rows, column] - ORIGIN) @ at_rx)
        field[rows, column] = SHADOWING_DB * np.sqrt(2 / _FEATURES) * waves.sum(axis=-1)
    return field
