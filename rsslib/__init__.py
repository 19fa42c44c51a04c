"""Localize radio transmitters from received signal strengths; the notebooks in `notebooks/` tell the story.

Train an ensemble on measurements, localize with it, keep it:

>>> from rsslib import Localizer, Recipe, measurements
>>> localizer = Localizer(Recipe(network="compact")).fit(measurements.load("mine.nc"))   # doctest: +SKIP
>>> localizer.predict(measurements.load("new.nc")).x_hat      # easting [m]              # doctest: +SKIP
>>> localizer.save("models/mine")                                                        # doctest: +SKIP

Locate with receivers of your own, from csv files:

>>> from rsslib import Locator, read_table
>>> model = Locator().fit(read_table("readings.csv", "sensors.csv"))                     # doctest: +SKIP
>>> model.locate("new.csv")[["lat", "lon", "trusted", "region90"]]                       # doctest: +SKIP

`Localizer` with its `Recipe` is for one transmitter, `EmitterRecipe` for several. `RadioMaps` with its `MapRecipe` is
fitted in seconds, without a network; `FedLocalizer` with its `FedRecipe` is a network that learns from such maps.
`measurements` is the schema of the data on a `Grid`, `splits` separates training from test data. `predictions` measures
errors, `indicators` says how far to trust a prediction, `ranging` and `hybrid` say what to do where it cannot be
trusted. Bad input raises `InputError`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from rsslib.project import ROOT, InputError

__version__ = "0.1.0"

_MODULES = {
    "EmitterRecipe": "rsslib.emitters.localizer",
    "FedLocalizer": "rsslib.radio_maps.fed",
    "FedRecipe": "rsslib.radio_maps.fed_recipe",
    "Grid": "rsslib.data.grid",
    "Localizer": "rsslib.localization.localizer",
    "Locator": "rsslib.locator.locator",
    "MapRecipe": "rsslib.radio_maps.recipe",
    "RadioMaps": "rsslib.radio_maps.localizer",
    "Recipe": "rsslib.localization.ensemble",
    "hybrid": "rsslib.confidence.hybrid",
    "indicators": "rsslib.confidence.indicators",
    "measurements": "rsslib.data.measurements",
    "predictions": "rsslib.localization.predictions",
    "ranging": "rsslib.confidence.ranging",
    "read_table": "rsslib.tables.reading",
    "splits": "rsslib.data.splits",
}
__all__ = ["ROOT", "InputError", *_MODULES]

if TYPE_CHECKING:    # what editors and type checkers read in place of the table; a test compares the two
    from rsslib.confidence import hybrid as hybrid
    from rsslib.confidence import indicators as indicators
    from rsslib.confidence import ranging as ranging
    from rsslib.data import measurements as measurements
    from rsslib.data import splits as splits
    from rsslib.data.grid import Grid as Grid
    from rsslib.emitters.localizer import EmitterRecipe as EmitterRecipe
    from rsslib.localization import predictions as predictions
    from rsslib.localization.ensemble import Recipe as Recipe
    from rsslib.localization.localizer import Localizer as Localizer
    from rsslib.locator.locator import Locator as Locator
    from rsslib.radio_maps.fed import FedLocalizer as FedLocalizer
    from rsslib.radio_maps.fed_recipe import FedRecipe as FedRecipe
    from rsslib.radio_maps.localizer import RadioMaps as RadioMaps
    from rsslib.radio_maps.recipe import MapRecipe as MapRecipe
    from rsslib.tables.reading import read_table as read_table
else:
    def __getattr__(name: str):
        # on first use only: the notebook runner and the ledger start fast because they load no torch
        if name not in _MODULES:
            raise AttributeError(f"module 'rsslib' has no attribute {name!r}")
        module = import_module(_MODULES[name])
        return module if module.__name__.endswith(f".{name}") else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__} - {"TYPE_CHECKING", "import_module"})
