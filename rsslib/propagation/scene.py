"""Scenes: a square of n x n cells, the cells where emitters may be, and the path gain between cells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from rsslib.arguments import array, check_type
from rsslib.project import InputError
from rsslib.propagation import arguments
from rsslib.propagation.friis import FREQUENCY_HZ, cell_gain_db
from rsslib.propagation.gain_library import MOST, SETS, validate

FREE_SPACE = "free_space"
SIDE_M, THRESHOLD_DBM = 5000.0, -80.0
"""Of free space; the paper states neither. The Friis gain is scale-free: only the share of occupied cells matters."""
POWERS_DBM = (10.0, 40.0)
"""Of the emitters in a sample, 1 to MOST, independent; numbers and powers are uniform."""
_MOST_LEVELS = 2**30


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

    Errors: InputError for a threshold, a raster or cells that are no such values.

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

    def __post_init__(self):
        arguments.cells_per_side(self.n)
        arguments.power_dbm(self.threshold_dbm, "threshold_dbm")
        if array("outdoor", self.outdoor, kinds="b", expected="truth values").shape != (self.n, self.n):
            raise InputError(f"outdoor is of shape {self.outdoor.shape}; expected {self.n} x {self.n}")
        for name, cells in self.cells.items():
            self._inside(f"cells of {name!r}", cells)

    def gain_db(self, emitter_cells, cells) -> np.ndarray:
        """Return the path gain from emitters' cells to cells, two broadcastable arrays of integers: float32 [dB].

        In a city, emitters must be in cells of its library, and gains to indoor cells are NaN.
        Errors: InputError for a cell outside the map, an emitter's cell without gains, or what is no whole number.
        """
        emitter_cells, cells = self._inside("emitter_cells", emitter_cells), self._inside("cells", cells)
        try:
            np.broadcast_shapes(emitter_cells.shape, cells.shape)
        except ValueError:
            raise InputError(f"gain_db: emitter_cells are {emitter_cells.shape}, cells {cells.shape}; expected two "
                             "shapes that can be broadcast") from None
        return self.lookup(emitter_cells, cells)

    def _inside(self, name: str, given) -> np.ndarray:
        """Return cells as int64, refused unless all are on the map."""
        cells = array(name, given, kinds="iu", expected="whole numbers, row * n + column").astype(np.int64, copy=False)
        if cells.size and not 0 <= cells.min() <= cells.max() < self.n**2:
            raise InputError(f"gain_db: {name} reach from {cells.min()} to {cells.max()}; expected 0 to "
                             f"{self.n**2 - 1}, row * n + column on {self.n} x {self.n} cells")
        return cells


def free_space(n: int, side_m: float = SIDE_M, frequency_hz: float = FREQUENCY_HZ,
               threshold_dbm: float = THRESHOLD_DBM) -> Scene:
    """Return free space, where emitters may be in any cell in every set, since there are no maps to memorize.

    Errors: those of `rsslib.propagation.friis.cell_gain_db` and of `Scene`. Source: rsslib.propagation.friis.

    >>> free_space(16).outdoor.shape
    (16, 16)
    """
    table = cell_gain_db(n, side_m, frequency_hz).ravel()
    width = 2 * n - 1
    offset = (np.arange(n)[:, None] * width + np.arange(n)).ravel()  # differences identify displacements
    middle = (n - 1) * (width + 1)

    def lookup(emitter_cells: np.ndarray, cells: np.ndarray) -> np.ndarray:
        return table.take(offset[cells] - (offset[emitter_cells] - middle))

    every = np.arange(n * n, dtype=np.int64)
    return Scene(FREE_SPACE, n, float(side_m), float(frequency_hz), threshold_dbm, np.ones((n, n), bool),
                 {name: every for name in SETS}, "", False, lookup)


def of_library(library: xr.Dataset) -> Scene:
    """Return the scene of a gain library (`rsslib.propagation.gain_library`): emitters at the positions of each set.

    Errors: those of `rsslib.propagation.gain_library.validate`.
    """
    validate(library)
    n = library.sizes["row"]
    gains, cell = library.gain_db.values.ravel(), library.cell.values
    start = np.full(n * n, -2 * gains.size)  # where an emitter's map begins; without one, further than `take` reaches
    start[cell] = np.arange(len(cell)) * (n * n)

    def lookup(emitter_cells: np.ndarray, cells: np.ndarray) -> np.ndarray:
        try:
            return gains.take(start[emitter_cells] + cells)
        except IndexError:
            without = np.setdiff1d(emitter_cells, cell)
            raise InputError(f"gain_db: no emitter was at cell {without[0]} ({len(without)} such cells): the library "
                             f"has the gains of {len(cell)} positions; expected emitter_cells among `scene.cells`") \
                from None

    sets = {name: np.sort(cell[library.set.values == name]).astype(np.int64) for name in SETS}
    attrs = library.attrs
    return Scene(attrs["environment"], n, float(attrs["side_m"]), float(attrs["frequency_hz"]),
                 float(attrs["threshold_dbm"]), library.outdoor.values, sets, attrs["attribution"],
                 bool(attrs["synthetic"]), lookup)


def scene(environment: str, n: int, library: xr.Dataset | None = None) -> Scene:
    """Return the scene of an environment: "free_space", or a city with its gain library.

    Errors: InputError for a city without a library, or a library of another city or n, and those of `of_library`.

    >>> scene("free_space", 64).threshold_dbm
    -80.0
    """
    check_type("environment", environment, str, f"{FREE_SPACE!r} or a city's name")
    if environment == FREE_SPACE:
        return free_space(n)
    arguments.cells_per_side(n)
    if library is None:
        raise InputError(f"scene: {environment} needs a gain library; make one with rsslib.propagation.gain_maps.build")
    city = of_library(library)
    if (city.environment, city.n) != (environment, n):
        raise InputError(f"environment {environment}, n {n}: the library is of {city.environment} with n = {city.n}; "
                         "expected one of the same")
    return city


def levels_dbm(scene: Scene, set_name: str = "train", samples: int = 500, seed: int = 0) -> np.ndarray:
    """Return the received power at all outdoor cells for random emitters, (samples, cells) float32 [dBm].

    A sample has K ~ U{1, 2, 3} emitters in different cells of the set, with powers ~ U[10, 40] dBm.
    Errors: InputError for an unknown set, or one of fewer than three cells; for no samples, or too many for the memory.
    Source: paper 2, Section III.D and Eq. (2); the ranges are inferred.

    >>> levels_dbm(free_space(16), samples=5).shape
    (5, 256)
    """
    check_type("scene", scene, Scene, "a Scene, as rsslib.propagation.scene makes")
    cells = np.flatnonzero(scene.outdoor)
    most = _MOST_LEVELS // max(1, len(cells))
    arguments.whole("samples", samples, f"1 to {most} samples of {len(cells)} outdoor cells", 1, most)
    permitted = scene.cells.get(set_name, ()) if isinstance(set_name, str) else ()
    if len(permitted) < MOST:
        raise InputError(f"levels_dbm: the set {set_name!r} has {len(permitted)} cells; expected one of "
                         f"{', '.join(scene.cells)} with {MOST} cells or more")
    rng, levels = np.random.default_rng([arguments.seed(seed), 2]), np.empty((samples, len(cells)), np.float32)
    for level in levels:
        emitters = rng.choice(permitted, rng.integers(1, MOST + 1), replace=False)
        powers = rng.uniform(*POWERS_DBM, len(emitters))
        parts = (scene.gain_db(emitters[:, None], cells) + powers[:, None]) * (np.log(10) / 10)
        level[:] = np.logaddexp.reduce(parts, axis=0) * (10 / np.log(10))
    return levels


def occupied_share(scene: Scene, set_name: str = "train", samples: int = 500, seed: int = 0) -> float:
    """Return the share of outdoor cells whose power exceeds the scene's threshold, over `levels_dbm`.

    Errors: those of `levels_dbm`.
    """
    return float((levels_dbm(scene, set_name, samples, seed) > scene.threshold_dbm).mean())
