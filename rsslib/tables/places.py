"""Places in a table: their columns, the reference system that they are in, the UTM zone of a site."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from rsslib.arguments import shown
from rsslib.data.positions import DEGREES as SITE_DEGREES
from rsslib.data.positions import LOCAL
from rsslib.data.receivers import KINDS, OTHER
from rsslib.project import InputError
from rsslib.tables import systems, text
from rsslib.tables.columns import Pair, pair, roles
from rsslib.tables.text import Problems, Table

_NOWHERE = "latitude 0 and longitude 0, which stand for no place"


class Places(NamedTuple):
    """Places, (rows,) each, in the system `crs`."""

    x: np.ndarray
    y: np.ndarray
    crs: str


def zone_of(given: list[Places], name: str) -> str:
    """Return the UTM zone of the median place, or LOCAL if all are in metres from a corner. Errors: InputError."""
    local = [one.crs == LOCAL for one in given]
    if all(local):
        return LOCAL
    if any(local):
        raise InputError(f"{name}: some places are in degrees or in a reference system, others in metres from a "
                         "corner; give the crs of x and y (--crs)")
    lon, lat = (np.concatenate([axis.ravel() for axis in axes]) for axes in zip(*(
        systems.transform(one.crs, systems.DEGREES, one.x, one.y) for one in given)))
    if not np.isfinite(lon).any():
        raise InputError(f"{name}: no place can be told in degrees; check the crs")
    if np.nanmax(lon) - np.nanmin(lon) > 180:
        raise InputError(f"{name}: the places span {np.nanmax(lon) - np.nanmin(lon):.0f} degrees of longitude; "
                         "expected one site, on one side of the 180th meridian")
    return systems.utm_of(lon, lat)


def places_in(table: pd.DataFrame, found: dict[str, str], where: Pair | None, crs: str | None, problems: Problems,
              may_miss: bool = False) -> Places | None:
    """Return the places of two columns, None without columns; what is no place goes to `problems`."""
    if where is None:
        return None
    x, y = (text.numbers(table[found[role]], found[role], problems) for role in where[:2])
    system = (crs if crs and systems.is_geographic(crs) else systems.DEGREES) if where.degrees else crs or LOCAL
    half = np.isnan(x) != np.isnan(y) if may_miss else np.isnan(x) | np.isnan(y)
    problems.add(table.index[half], ["a place lacks a coordinate"] * int(half.sum()))
    if systems.is_geographic(system):
        for bad, reason in ((np.abs(x) > 180, "longitude outside of -180 to 180 degrees"),
                            ((y < systems.LOWEST_LAT) | (y > systems.HIGHEST_LAT),
                             "latitude outside of -80 to 84 degrees, where UTM is defined; check which is which"),
                            ((x == 0) & (y == 0), _NOWHERE)):
            problems.add(table.index[bad], [reason] * int(bad.sum()))
        return Places(x, y, system)
    _refuse_degrees(x, y, [found[role] for role in where[:2]], problems.name)
    if system != LOCAL:
        bad = systems.outside(system, x, y)
        problems.add(table.index[bad], [f"more than {systems.SLACK_DEGREES:g} degrees outside of the area that "
                                        f"{system[:80]} is made for; check --crs, and that x is the easting, in metres"
                                        ] * int(bad.sum()))
    return Places(x, y, system)


def _refuse_degrees(x: np.ndarray, y: np.ndarray, names: list[str], name: str) -> None:
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() > 1 and np.abs(x[known]).max() <= 180 and np.abs(y[known]).max() <= 90 and (
            max(np.ptp(x[known]), np.ptp(y[known])) < SITE_DEGREES):
        raise InputError(f"{name}: columns {' and '.join(names)} look like degrees, or kilometres; expected metres: "
                         "multiply kilometres by 1000; name degrees lat and lon, or give crs='EPSG:4326' (--crs "
                         "EPSG:4326)")


def sensors_in(sensors: Table, crs: str | None, skip_bad: bool) -> pd.DataFrame:
    """Return the places of the sensors: index name; columns x, y, crs, kind."""
    name = text.name_of(sensors, "sensors")
    problems = Problems(name, skip_bad)
    table = text.read(sensors, name, problems)
    total = len(table) + len(problems.found)
    found = roles(table.columns, name)
    where = pair(found, "", name)
    if "sensor" not in found or where is None:
        raise InputError(f"{name}: columns {text.listed(table.columns)}; expected sensor, and lat and lon or x and y")
    places = places_in(table, found, where, crs, problems)
    assert places is not None    # since `where` is
    named = table[found["sensor"]].str.strip()
    twice = named.duplicated()
    problems.add(table.index[named == ""], ["no name of a sensor"] * int((named == "").sum()))
    problems.add(table.index[twice], [f"sensor {shown(one)} stands twice" for one in named[twice]])
    kinds = table[found["kind"]].str.strip() if "kind" in found else pd.Series(OTHER, table.index)
    strange = ~kinds.isin((*KINDS, OTHER))
    problems.add(table.index[strange], [f"kind is {shown(one)}; expected {OTHER}, or none at all"
                                           for one in kinds[strange]])
    problems.settle(total)
    result = pd.DataFrame({"x": places.x, "y": places.y, "kind": kinds.to_numpy()}, index=named.to_numpy())
    kept = result[~table.index.isin(problems.found)]
    kept.attrs |= {"crs": places.crs, "left_out": sorted({*named} - {*kept.index})}
    return kept
