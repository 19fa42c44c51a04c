"""The columns of a table by what they hold, whatever their spelling."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rsslib.arguments import shown
from rsslib.project import InputError

_PLACES = {"lat": ("lat", "latitude"), "lon": ("lon", "lng", "long", "longitude"),
           "x": ("x", "east", "easting"), "y": ("y", "north", "northing")}
_SENT = ("tx", "transmitter", "emitter", "source", "true")
_NAMES = {
    "time": ("time", "timestamp", "datetime", "date time", "date", "rx time"),
    "sample": ("sample", "sample id", "measurement", "measurement id", "message", "message id"),
    "sensor": ("sensor", "sensor id", "receiver", "receiver id", "rx", "gateway", "station", "node", "ap"),
    "rss": ("rss", "rssi", "power", "level", "dbm", "rss db", "rss dbm", "rssi dbm", "power dbm", "level dbm"),
    "season": ("season", "campaign"), "kind": ("kind", "sensor kind"), **_PLACES,
    **{f"tx_{place}": tuple(f"{sent} {name}" for sent in _SENT for name in (*names, f"{names[0]} coord"))
       for place, names in _PLACES.items()}}
_ROLES = {name: role for role, names in _NAMES.items() for name in names}
NAMES = {role: names[0].replace(" ", "_") for role, names in _NAMES.items()}
"""By role, the name that errors and documents use for its column."""


class Pair(NamedTuple):
    """The roles of two columns that hold places, and whether they are degrees by their names."""

    x: str
    y: str
    degrees: bool


def roles(columns: Iterable[str], name: str = "columns") -> dict[str, str]:
    """Return by role the name of its column. Case, units in brackets and the marks between words do not count.

    Errors: InputError with `name` for two columns of one role.

    >>> roles(["RX Time", "Gateway", "RSSI (dBm)", "tx-lat", "note"])
    {'time': 'RX Time', 'sensor': 'Gateway', 'rss': 'RSSI (dBm)', 'tx_lat': 'tx-lat'}
    """
    found: dict[str, str] = {}
    for column in columns:
        plain = re.sub(r"[\s_.\-]+", " ", re.sub(r"[\[(].*?[\])]", "", column)).strip().lower()
        role = _ROLES.get(plain) or _ROLES.get(plain.removesuffix(" m").removesuffix(" deg"))
        if role is None:
            continue
        if role in found:
            raise InputError(f"{name}: {shown(found[role])} and {shown(column)} both mean {NAMES[role]}; expected one: "
                             "rename or remove the other")
        found[role] = column
    return found


def pair(found: Sequence[str] | dict[str, str], prefix: str, name: str) -> Pair | None:
    """Return the columns of a place, those in degrees before those in metres; None if there is neither.

    Errors: InputError with `name` for half a pair.

    >>> pair(["tx_lat", "tx_lon"], "tx_", "mine"), pair(["time"], "", "mine")
    (Pair(x='tx_lon', y='tx_lat', degrees=True), None)
    """
    for x, y, degrees in (("lon", "lat", True), ("x", "y", False)):
        both = [prefix + axis in found for axis in (x, y)]
        if all(both):
            return Pair(prefix + x, prefix + y, degrees)
        if any(both):
            given, missing = (x, y) if both[0] else (y, x)
            raise InputError(f"{name}: a column {prefix}{given} without {prefix}{missing}; expected both")
    return None
