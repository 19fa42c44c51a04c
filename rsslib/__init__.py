"""Localize radio transmitters from received signal strengths; the notebooks in `notebooks/` tell the story."""

from importlib import import_module

from rsslib.project import ROOT, InputError

__version__ = "0.1.0"
__all__ = ["ROOT", "Grid", "InputError", "Localizer", "Recipe"]

_HOMES = {"Grid": "rsslib.data.grid", "Localizer": "rsslib.localization.localizer", "Recipe": "rsslib.localization.ensemble"}


def __getattr__(name: str):
    # on first use only: the notebook runner and the ledger start in a blink because they load no torch
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rsslib' has no attribute {name!r}")
