"""Scenes: a square of n x n cells, the cells where emitters may be, and the path gain between cells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from rsslib.project import InputError
from rsslib.propagation.friis import FREQUENCY_HZ, cell_gain_db

FREE_SPACE = "free_space"
SETS = ("train", "val", "test")
SIDE_M, THRESHOLD_DBM = 5000.0, -80.0
"""Of free space; the paper states neither. The Friis gain is scale-free: only the share of occupied cells matters."""
MOST, POWERS_DBM = 3, (10.0, 40.0)
"""Emitters in a sample: 1 to MOST, with independent powers, both uniform."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A square map of n x n cells, cell = row * n + column from the south-west corner.

    environment : "free_space", or a city's name
    n : cells per side; side_m : side of the map [m]; frequency_hz [Hz]
    threshold_dbm : power above which a cell counts as occupied [dBm]
    outdoor : (n, n) bool, cells that have a gain
    cells : where emitters may be, (cells,) int64, for each of "train", "val" and "test"
    attribution : to be shown with every picture of it; synthetic : whether its streets are made up
    lookup : function of two broadcastable arrays of cells that returns gains; use `gain_db`

    >>> free = scene("free_space", 64)
    >>> free.gain_db(np.array([[0], [70]]), np.array([0, 1, 2])).shape
    (2, 3)
    """

    environment: str
    n: int
    side_m: float
    frequency_hz: float
    threshold_dbm: float
    outdoor: np.ndarray
    cells: Mapping[str, np.ndarray]
    attribution: str
    synthetic: bool
    lookup: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def gain_db(self, emitter_cells, cells) -> np.ndarray:
        """Return the path gain from emitters' cells to cells, two broadcastable arrays of integers: float32 [dB].

        In a city, emitters must be in cells of its sets, and gains to indoor cells are NaN.
        Errors: InputError for a cell outside the map.
        """
        emitter_cells, cells = np.asarray(emitter_cells, np.int64), np.asarray(cells, np.int64)
        for name, values in (("emitter_cells", emitter_cells), ("cells", cells)):
            if values.size and not 0 <= values.min() <= values.max() < self.n**2:
                raise InputError(f"gain_db: {name} reach from {values.min()} to {values.max()}; expected 0 to "
                                 f"{self.n**2 - 1}, row * n + column on {self.n} x {self.n} cells")
        return self.lookup(emitter_cells, cells)


def free_space(n: int, side_m: float = SIDE_M, frequency_hz: float = FREQUENCY_HZ,
               threshold_dbm: float = THRESHOLD_DBM) -> Scene:
    """Return free space, where emitters may be in any cell in every set, since there are no maps to memorize.

    Errors: InputError for no cells, or a side or a frequency that is not above 0. Source: rsslib.propagation.friis.

    >>> free_space(16).outdoor.shape
    (16, 16)
    """
    if n < 1 or not 0 < side_m < np.inf:
        raise InputError(f"free_space: n is {n}, side_m {side_m}; expected at least 1 cell per side, and a "
                         "side above 0 m")
    width = 2 * n - 1
    table = cell_gain_db(n, side_m, frequency_hz).ravel()
    offset = (np.arange(n)[:, None] * width + np.arange(n)).ravel()  # differences identify displacements
    middle = (n - 1) * (width + 1)

    def lookup(emitter_cells: np.ndarray, cells: np.ndarray) -> np.ndarray:
        return table.take(offset[cells] - (offset[emitter_cells] - middle))

    every = np.arange(n * n, dtype=np.int64)
    return Scene(FREE_SPACE, n, float(side_m), float(frequency_hz), float(threshold_dbm), np.ones((n, n), bool),
                 {name: every for name in SETS}, "", False, lookup)


def of_library(library: xr.Dataset) -> Scene:
    """Return the scene of a gain library (`rsslib.propagation.gain_maps`): emitters at the positions of each set."""
    n = library.sizes["row"]
    gains, cell = library.gain_db.values.ravel(), library.cell.values
    start = np.full(n * n, -1)  # where an emitter's map begins
    start[cell] = np.arange(len(cell)) * (n * n)

    def lookup(emitter_cells: np.ndarray, cells: np.ndarray) -> np.ndarray:
        return gains.take(start[emitter_cells] + cells)

    sets = {name: np.sort(cell[library.set.values == name]) for name in SETS}
    attrs = library.attrs
    return Scene(attrs["environment"], n, float(attrs["side_m"]), float(attrs["frequency_hz"]),
                 float(attrs["threshold_dbm"]), library.outdoor.values, sets, attrs["attribution"],
                 bool(attrs["synthetic"]), lookup)


def scene(environment: str, n: int, library: xr.Dataset | None = None) -> Scene:
    """Return the scene of an environment: "free_space", or a city with its gain library.

    Errors: InputError for a city without a library, or a library of another city or n.

    >>> scene("free_space", 64).threshold_dbm
    -80.0
    """
    if environment == FREE_SPACE:
        return free_space(n)
    if library is None:
        raise InputError(f"scene: {environment} needs a gain library; make one with rsslib.propagation.gain_maps.build")
    actual = library.attrs.get("environment"), library.sizes.get("row")
    if actual != (environment, n):
        raise InputError(f"scene: the library is of {actual[0]} with n = {actual[1]}; expected {environment}, n = {n}")
    return of_library(library)


def levels_dbm(scene: Scene, set_name: str = "train", samples: int = 500, seed: int = 0) -> np.ndarray:
    """Return the received power at all outdoor cells for random emitters, (samples, cells) float32 [dBm].

    A sample has K ~ U{1, 2, 3} emitters in different cells of the set, with powers ~ U[10, 40] dBm.
    Source: paper 2, Section III.D and Eq. (2); the ranges are inferred.

    >>> levels_dbm(free_space(16), samples=5).shape
    (5, 256)
    """
    cells = np.flatnonzero(scene.outdoor)
    rng, levels = np.random.default_rng([seed, 2]), np.empty((samples, len(cells)), np.float32)
    for level in levels:
        emitters = rng.choice(scene.cells[set_name], rng.integers(1, MOST + 1), replace=False)
        powers = rng.uniform(*POWERS_DBM, len(emitters))
        parts = (scene.gain_db(emitters[:, None], cells) + powers[:, None]) * (np.log(10) / 10)
        level[:] = np.logaddexp.reduce(parts, axis=0) * (10 / np.log(10))
    return levels


def occupied_share(scene: Scene, set_name: str = "train", samples: int = 500, seed: int = 0) -> float:
    """Return the share of outdoor cells whose power exceeds the scene's threshold, over `levels_dbm`."""
    return float((levels_dbm(scene, set_name, samples, seed) > scene.threshold_dbm).mean())
