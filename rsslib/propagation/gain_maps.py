"""Making gain libraries: the gain maps of many emitter positions in a city, by one of several models."""

from inspect import signature

import numpy as np
import xarray as xr

from rsslib.arguments import check_choice
from rsslib.data.buildings import City, centres
from rsslib.progress import Progress
from rsslib.project import InputError
from rsslib.propagation import arguments, positions, sionna, urban
from rsslib.propagation.friis import FREQUENCY_HZ
from rsslib.propagation.gain_library import SETS, dataset, pack, unpack, validate
from rsslib.propagation.scene import levels_dbm, of_library

BACKENDS = {"urban": urban, "sionna": sionna}
SHARES = (0.70, 0.15, 0.15)
LEAST = 20
"""Positions: fewer do not suffice for three sets."""
_COMMON, _MOST_GAINS = 5, 2**30    # the first arguments of each backend: city, emitters, n, frequency_hz, seed


def build(city: City, n: int, count: int = 1000, seed: int = 0, backend: str = "urban",
          frequency_hz: float = FREQUENCY_HZ, **settings) -> xr.Dataset:
    """Return the gain maps from `count` random outdoor cells of a city to all its n x n cells.

    Dataset: gain_db(position, row, column) float32 [dB], NaN indoors; x, y(position) [m] from the south-west corner;
    cell(position) = row * n + column, unique; set(position), "train", "val" or "test", 70 : 15 : 15;
    outdoor(row, column); the attributes ATTRIBUTES and those of the city's heights. The threshold is from `threshold`.

    Input: city; n, cells per side; backend, a key of BACKENDS, to which `settings` go.
    Errors: InputError for an unknown backend or setting, fewer outdoor cells than `count` or fewer than 20 positions,
    more gains than fit the memory, and those of the backend.
    Source: paper 2, Section III.D, with the backend's model instead of Atoll.

    >>> from rsslib.data import cities
    >>> build(cities.procedural(side_m=200.0), 16, count=20).gain_db.shape
    (20, 16, 16)
    """
    free = positions.outdoor_cells(positions.city(city), arguments.cells_per_side(n))
    most = min(int(free.sum()), _MOST_GAINS // free.size)
    arguments.whole("count", count, f"{LEAST} positions or more, one per cell, and at most {most}: {free.sum()} of {n} "
                    f"x {n} cells of {city.name} lie outdoors", LEAST, most)
    rng = np.random.default_rng([arguments.seed(seed), 1])
    model = _backend(backend, settings)
    cell = np.sort(rng.choice(np.flatnonzero(free), count, replace=False)).astype(np.int64)
    emitters = centres(n, city.side_m)[cell]
    gains = np.empty((count, n, n), np.int16)
    with Progress(count, f"{city.name} {n} x {n}") as progress:
        for row, gain in enumerate(model.gain_maps_db(city, emitters, n, frequency_hz, seed, **settings)):
            gains[row] = pack(gain)
            progress.step(row + 1, "gain maps")
    held_out = np.round(np.array(SHARES[1:]) * count).astype(int)
    sets = rng.permutation(np.repeat(SETS, [count - held_out.sum(), *held_out]))
    values = {"gain_db": unpack(gains), "x": emitters[:, 0], "y": emitters[:, 1], "cell": cell, "set": sets,
              "outdoor": free}
    attrs = {"environment": city.name, "n": n, "side_m": city.side_m, "frequency_hz": float(frequency_hz),
             "model": model.model(), "attribution": city.attribution, "source": city.source,
             "synthetic": city.synthetic, "seed": seed, "licence": city.licence, "md5": city.md5,
             "heights_default_m": city.default_m, **{f"heights_{k}": v for k, v in city.height_sources.items()}}
    library = dataset(values, attrs | {"threshold_dbm": 0.0, "occupied_share": 0.0})
    library.attrs["threshold_dbm"], library.attrs["occupied_share"] = threshold(library, seed=seed)
    return library


def _backend(name: str, settings: dict):
    """Return the module of a backend, which must know the settings."""
    check_choice("backend", name, BACKENDS)
    known = list(signature(BACKENDS[name].gain_maps_db).parameters)[_COMMON:]
    for key in settings:
        if key not in known:
            raise InputError(f"{key}: no setting of the backend {name!r}; expected some of {', '.join(known)}")
    return BACKENDS[name]


def threshold(library: xr.Dataset, samples: int = 2000, seed: int = 0, share: float = 0.5) -> tuple[float, float]:
    """Return the power [dBm, in tenths] that about `share` of the outdoor cells exceed, and their exact share.

    The powers are those of `scene.levels_dbm` in the set "train".
    Errors: InputError for a share that is not from 0 to 1, and those of `of_library` and `levels_dbm`.
    Source: inferred; the paper does not state the share of occupied cells.

    >>> from rsslib.data import cities
    >>> _, occupied = threshold(build(cities.procedural(side_m=200.0), 16, count=20))
    >>> abs(occupied - 0.5) < 0.01
    True
    """
    arguments.number("share", share, "a share from 0 to 1", 0.0, 1.0)
    levels = levels_dbm(of_library(library), "train", samples, seed)
    limit = round(float(np.quantile(levels, 1.0 - share)), 1)
    return limit, float((levels > limit).mean())


def repeated(library: xr.Dataset, city: City, count: int = 3, backend: str = "urban", **settings) -> dict[str, int]:
    """Make the maps of `count` positions of a library again, and return how many of their gains differ, as stored.

    Keys: repeated_positions; repeated_gains, of cells that a ray reaches; repeated_differ; repeated_differ_3db, by more
    than 3 dB. The model is repeatable if none differ. Input: library, as `build` made it of the city by the backend
    with the settings. Errors: InputError for a library of another city or more positions than it has, those of `build`.

    >>> from rsslib.data import cities
    >>> town = cities.procedural(side_m=200.0)
    >>> repeated(build(town, 16, count=20), town)["repeated_differ"]
    0
    """
    validate(library)
    if library.attrs["environment"] != positions.city(city).name:
        raise InputError(f"library: made of {library.attrs['environment']}; expected one of the city {city.name}")
    most = library.sizes["position"]
    arguments.whole("count", count, f"1 to {most} positions of the library", 1, most)
    some = library.isel(position=np.linspace(0, most - 1, count).astype(int))
    emitters = np.stack([some.x.values, some.y.values], axis=1)
    maps = _backend(backend, settings).gain_maps_db(city, emitters, int(library.attrs["n"]),
                                                    library.attrs["frequency_hz"], library.attrs["seed"], **settings)
    first, again = some.gain_db.values, np.stack([unpack(pack(gain)) for gain in maps])
    reached = np.fmax(first, again) > sionna.NO_RAY_DB
    apart = np.abs(first - again)[reached]
    return {"repeated_positions": count, "repeated_gains": int(reached.sum()),
            "repeated_differ": int((apart > 0).sum()), "repeated_differ_3db": int((apart > 3).sum())}
