"""From tables of readings to measurements: long tables (one row per reading) and wide ones (one column per sensor)."""

import re
import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from rsslib.arguments import check_type, shown
from rsslib.data import arrays, measurements
from rsslib.data.positions import LOCAL, SITE_M
from rsslib.data.receivers import OTHER
from rsslib.project import InputError, InputWarning
from rsslib.tables import layouts, systems, text
from rsslib.tables.columns import NAMES, Pair, pair, roles
from rsslib.tables.places import Places, places_in, sensors_in, zone_of
from rsslib.tables.text import Problems, Table

_FIRST = pd.Timestamp("2000-01-01")
_MOST = 2**28
"""Samples times sensors."""
_TOGETHER = pd.Timedelta(hours=1)
"""Readings of one sample are no farther in time from its first."""


class _Long(NamedTuple):
    """Readings one by one: row of the sample, column of the sensor, rss, places of the sensors or None."""

    sample: np.ndarray
    sensor: np.ndarray
    rss: np.ndarray
    places: Places | None


def read_table(readings: Table, sensors: Table | None = None, *, crs: object = None,
               not_heard: ArrayLike | None = None, skip_bad: bool = False, layout: str | None = None,
               zone: str | None = None, sensors_crs: object = None, skip_unknown: bool = False) -> xr.Dataset:
    """Read tables of readings into measurements (see `rsslib.data.measurements`), projected to UTM.

    Input: readings, the name of a csv file or a frame (pandas, GeoPandas). Long: columns sensor and rss [dB] and time
    or sample, one row per reading, with lat and lon (or x and y) where sensors move. Wide: one column per sensor, one
    row per sample, blank where not heard. Either may have tx_lat and tx_lon (or tx_x and tx_y), the transmitter's
    place where it is known, and time and season. sensors, a table of sensor and lat and lon (or x and y), and kind.
    Column names may be spelled otherwise, see `columns.roles`.
    crs, of x and y: what pyproj knows, such as "EPSG:25833"; None: lat and lon are WGS 84, x and y metres from a
    corner ("local"). sensors_crs, that of the table of sensors, if it is another. not_heard, numbers that stand for
    "not heard". layout, a name in `layouts.LAYOUTS`. zone, the UTM zone to project to; None: that of the site.
    skip_unknown leaves out readings of sensors that `sensors` does not name, skip_bad lines that cannot be used.
    Output: attributes `input_crs`, the system that the places came in; `left_out`, a number of lines; `not_heard`;
    variable `given_sample`, the names of the samples, if the table has such a column.
    Errors: InputError naming the table, its bad lines and what to do; those of `measurements.validate`.
    Warns with InputWarning of lines left out, and of columns that are not used.

    >>> wide = pd.DataFrame({"a": [-70, -80], "b": [-75, None], "tx_x": [1200, 1300], "tx_y": [2100, 2200]})
    >>> where = pd.DataFrame({"sensor": ["a", "b"], "x": [1000.0, 1500.0], "y": [2000.0, 2000.0]})
    >>> read_table(wide, where).rss.values
    array([[-70., -75.],
           [-80.,  nan]], dtype=float32)
    """
    check_type("read_table: skip_bad", skip_bad, bool)
    known = None if layout is None else layouts.layout(layout)
    zone = None if zone is None else systems.checked_zone(zone, "read_table: zone")
    name, system = text.name_of(readings, "readings"), None if crs is None else systems.checked(crs, "read_table: crs")
    problems = Problems(name, skip_bad)
    table = text.read(readings, name, problems, points="tx_")
    unread = len(problems.found)
    if known:
        table, system = table.rename(columns=known.columns), system or known.crs
        not_heard = known.not_heard if not_heard is None else not_heard
    of_sensors = system if sensors_crs is None else systems.checked(sensors_crs, "read_table: sensors_crs")
    places = None if sensors is None else sensors_in(sensors, of_sensors, skip_bad)
    found, wide = _roles(table, places, known, name)
    names = _wide_names(table, places, known, name) if wide else None
    if names is not None:
        _warn_of_unused(table, {*found.values(), *names}, None if known else places, name)
    elif skip_unknown:
        table = _of_known_sensors(table, found, pd.Index([]) if places is None else places.index, name)
    sent_pair = pair(found, "tx_", name) or (pair(found, "", name) if wide else None)
    _warn_of_degrees(found, sent_pair, system, name)
    sent = places_in(table, found, sent_pair, system, problems, may_miss=True)
    heard = _heard(table, found, names, not_heard, problems, system, places)
    table, heard, sent, names = _without_bad(table, found, heard, sent, names, problems, len(table) + unread)
    dataset = _built(table, found, heard, sent, names, places, name, known, zone, len(problems.found))
    return dataset.assign_attrs({} if not_heard is None else {"not_heard": np.atleast_1d(not_heard).tolist()})


def _roles(table: pd.DataFrame, places: pd.DataFrame | None, known: layouts.Layout | None,
           name: str) -> tuple[dict[str, str], bool]:
    """Return the columns by role, and whether sensors are columns: then one named `east` is no coordinate."""
    listed = set() if places is None or known else {*places.index, *places.attrs["left_out"]}
    found = roles([column for column in table.columns if column not in listed], name)
    wide = not {"sensor", "rss"} <= found.keys()
    return (found if wide else roles(table.columns, name)), wide


def _wide_names(table: pd.DataFrame, places: pd.DataFrame | None, known: layouts.Layout | None, name: str) -> list[str]:
    if known:
        names = [column for column in table.columns if re.fullmatch(known.receivers, column)]
        expected = f"columns such as {known.receivers}"
    else:
        names = [] if places is None else [column for column in table.columns if column in places.index]
        expected = ("columns sensor and rss (one row per reading), or a column for each sensor that the table of "
                    "sensors names" + ("; give sensors (--sensors)" if places is None else ""))
    if not names:
        raise InputError(f"{name}: columns {text.listed(table.columns)}; expected {expected}")
    return names


def _warn_of_unused(table: pd.DataFrame, used: set[str], places: pd.DataFrame | None, name: str) -> None:
    told = set() if places is None else {*places.attrs["left_out"]}
    unused = [column for column in table.columns if column not in used | told]
    if unused:
        missing = [] if places is None else [one for one in places.index if one not in used]
        of_missing = f"; is one of them a sensor by another name? No column has {shown(', '.join(missing))}"
        warnings.warn(f"{name}: columns {shown(', '.join(unused))} are not used: they are neither sensors of the table "
                      f"of sensors nor known names{of_missing if missing else ''}", InputWarning, stacklevel=3)


def _warn_of_degrees(found: dict[str, str], where: Pair | None, crs: str | None, name: str) -> None:
    metric = crs is not None and crs != LOCAL and not systems.is_geographic(crs)
    if where is not None and where.degrees and metric:
        warnings.warn(f"{name}: columns {found[where.y]} and {found[where.x]} are degrees, and stay so: the crs "
                      f"{shown(crs)} is that of x and y", InputWarning, stacklevel=3)


def _of_known_sensors(table: pd.DataFrame, found: dict[str, str], sensors: pd.Index, name: str) -> pd.DataFrame:
    named, beside = table[found["sensor"]].str.strip(), pair(found, "", name)
    known = named.isin(sensors) | (named == "")    # the nameless are told among the bad lines
    if beside is not None:    # a sensor that moves has its place beside the reading
        known |= ~pd.concat([table[found[role]].str.strip().str.lower().isin(text.MISSING) for role in beside[:2]],
                            axis=1).any(axis=1)
    if not known.any():
        raise InputError(f"{name}: none of its sensors is known; check their names, or give their places (--sensors)")
    strange = ~known & ~table[found["rss"]].str.strip().str.lower().isin(text.MISSING)
    if strange.any():
        names, key = named[strange].unique(), found.get("sample", found.get("time"))
        lost = 0 if key is None else len({*table[key][strange].str.strip()} - {*table[key][known].str.strip()})
        warnings.warn(f"{name}: readings of sensors that were not heard in the fit, or moved there, are not used "
                      f"(readings: {strange.sum()}; sensors: {len(names)}, {shown(', '.join(names))}"
                      + f"; samples that only they heard: {lost}" * bool(lost) + ")", InputWarning, stacklevel=3)
    return table[known]


def _heard(table: pd.DataFrame, found: dict[str, str], names: list[str] | None, not_heard: ArrayLike | None,
           problems: Problems, crs: str | None, places: pd.DataFrame | None) -> np.ndarray | _Long:
    marks = arrays.numbers([] if not_heard is None else not_heard, "read_table: not_heard")
    if names is not None:
        if len(table) * len(names) > _MOST:
            raise InputError(f"{problems.name}: {len(table)} samples of {len(names)} sensors; expected at most "
                             f"{_MOST} readings: split it")
        rss = np.column_stack([text.numbers(table[name], f"column {name}", problems) for name in names])
        rss[np.isin(rss, marks)] = np.nan
        if places is not None:    # of a layout, whose receivers the fit may not know
            rss[:, ~np.isin(names, places.index)] = np.nan
        silent = np.isnan(rss).all(axis=1)
        problems.add(table.index[silent], ["no sensor heard it"] * int(silent.sum()))
        return rss
    rss = text.numbers(table[found["rss"]], found["rss"], problems)
    rss[np.isin(rss, marks)] = np.nan
    named = table[found["sensor"]].str.strip()
    where = pair(found, "", problems.name)
    own = places_in(table, found, where, crs, problems, may_miss=places is not None)
    if places is None and own is None:
        raise InputError(f"{problems.name}: no places of the sensors; expected columns lat and lon (or x and y), or a "
                         "table of sensors (--sensors)")
    problems.add(table.index[named == ""], ["no name of a sensor"] * int((named == "").sum()))
    if places is not None:
        lost = ~named.isin(places.index) & (named != "") & (True if own is None else np.isnan(own.x))
        out = places.attrs["left_out"]
        problems.add(table.index[lost], [f"sensor {shown(one)} " + ("was left out of" if one in out else "is not in")
                                         + " the table of sensors" for one in named[lost]])
    sample = _samples(table, found, problems)
    twice = pd.DataFrame({"sample": sample, "sensor": named.to_numpy()}).duplicated().to_numpy()
    problems.add(table.index[twice], [f"sensor {shown(one)} stands twice in one sample" for one in named[twice]])
    return _Long(sample, named.to_numpy(), rss, own)


def _samples(table: pd.DataFrame, found: dict[str, str], problems: Problems) -> np.ndarray:
    """Return the number of each row's sample, in the order in which they begin."""
    role = "sample" if "sample" in found else "time"
    if role not in found:
        raise InputError(f"{problems.name}: columns {text.listed(table.columns)}; expected a column sample or time, "
                         "which tells the readings of one transmission")
    given = table[found[role]].str.strip()
    blank = given.str.lower().isin(text.MISSING)
    problems.add(table.index[blank], [f"no {NAMES[role]}"] * int(blank.sum()))
    code, spelled = pd.factorize(given)
    if role == "sample":
        _refuse_apart(table, found, code, problems)
        return code
    instant = pd.factorize(text.stamps(pd.Series(spelled), Problems(problems.name, True)))[0]    # however it is written
    return np.where(instant < 0, len(spelled) + np.arange(len(spelled)), instant)[code]


def _refuse_apart(table: pd.DataFrame, found: dict[str, str], sample: np.ndarray, problems: Problems) -> None:
    """Add lines to `problems` that are far in time from the first line of their sample."""
    if "time" in found:
        stamps = pd.Series(text.stamps(table[found["time"]], problems))
        first = stamps.groupby(sample).transform("first")
        apart = ((stamps - first).abs() > _TOGETHER).to_numpy()
        problems.add(table.index[apart], [f"more than an hour from the first reading of sample {shown(one)}"
                                          for one in table[found["sample"]][apart]])


def _without_bad(table: pd.DataFrame, found: dict[str, str], heard: np.ndarray | _Long, sent: Places | None,
                 names: list[str] | None, problems: Problems, total: int) -> tuple:
    """Return what is left without the bad lines: one row per sample, readings (samples, sensors), and their sensors."""
    if isinstance(heard, np.ndarray):
        _check_times_and_seasons(table, found, problems)
        problems.settle(total)
        kept = ~table.index.isin(problems.found)
        return table[kept], heard[kept], sent and Places(sent.x[kept], sent.y[kept], sent.crs), names
    if sent is not None:
        sent = _of_samples(table, heard.sample, sent, problems)
    _check_times_and_seasons(table, found, problems)
    problems.settle(total)
    kept = ~table.index.isin(problems.found) & np.isfinite(heard.rss)
    if not kept.any():
        raise InputError(f"{problems.name}: no sensor heard anything; expected readings in dB")
    _, first, sample = np.unique(heard.sample[kept], return_index=True, return_inverse=True)
    silent = len(np.unique(heard.sample[~table.index.isin(problems.found)])) - len(first)
    if silent:
        warnings.warn(f"{problems.name}: samples without any reading are left out: {silent}", InputWarning,
                      stacklevel=3)
    column, names = pd.factorize(heard.sensor[kept])
    if len(first) * len(names) > _MOST:
        raise InputError(f"{problems.name}: {len(first)} samples of {len(names)} sensors; expected at most {_MOST} "
                         "readings: split it")

    def spread(values: np.ndarray) -> np.ndarray:
        full = np.full((len(first), len(names)), np.nan)
        full[sample, column] = values[kept]
        return full
    own = heard.places and Places(spread(heard.places.x), spread(heard.places.y), heard.places.crs)
    rows = np.flatnonzero(kept)[first]
    sent = sent and Places(sent.x[rows], sent.y[rows], sent.crs)
    return table.iloc[rows], (spread(heard.rss), own), sent, list(names)


def _of_samples(table: pd.DataFrame, sample: np.ndarray, sent: Places, problems: Problems) -> Places:
    """Return for each row the first known place of its sample's transmitter; another one goes to `problems`."""
    rows = pd.Series(np.where(np.isnan(sent.x), np.nan, np.arange(len(sample)))).groupby(sample).transform("first")
    first = rows.fillna(0).to_numpy(int)
    x, y = (np.where(rows.isna(), np.nan, axis[first]) for axis in (sent.x, sent.y))
    near = 1e-6 if systems.is_geographic(sent.crs) else 0.01
    with np.errstate(invalid="ignore"):
        other = (np.abs(sent.x - x) > near) | (np.abs(sent.y - y) > near)
    problems.add(table.index[other], [f"another place of the transmitter than in line {line}, of the same sample"
                                      for line in table.index[first[other]]])
    return Places(x, y, sent.crs)


def _check_times_and_seasons(table: pd.DataFrame, found: dict[str, str], problems: Problems) -> None:
    if "time" in found:
        text.stamps(table[found["time"]], problems)
    if "season" in found:
        blank = table[found["season"]].str.strip() == ""
        problems.add(table.index[blank], ["no season"] * int(blank.sum()))


def _built(table: pd.DataFrame, found: dict[str, str], heard: Any, sent: Places | None, names: list[str],
           places: pd.DataFrame | None, name: str, known: layouts.Layout | None, zone: str | None,
           left_out: int) -> xr.Dataset:
    rss, own = heard if isinstance(heard, tuple) else (heard, None)
    beside = [] if own is None else [own]    # what stands beside a reading goes before the table of sensors
    if places is not None:
        listed = places.reindex(names)
        beside.append(Places(listed.x.to_numpy(), listed.y.to_numpy(), places.attrs["crs"]))
    unknown = np.full(len(table), np.nan)
    sent = sent or Places(unknown, unknown, beside[0].crs)
    if zone is not None and any((one.crs == LOCAL) != (zone == LOCAL) for one in (sent, *beside)):
        raise InputError(f"{name}: its places are in {', '.join(sorted({one.crs[:80] for one in (sent, *beside)}))}, "
                         f"the model in {zone}; expected both in metres from one corner, or neither: check --crs")
    zone = zone or zone_of([sent, *beside], name)
    tx, *at = (np.stack(systems.transform(one.crs, zone, one.x, one.y)) for one in (sent, *beside))
    for one, (x, _) in zip((sent, *beside), (tx, *at)):
        lost = np.isfinite(one.x) & ~np.isfinite(x)
        if lost.any():
            raise InputError(f"{name}: the place ({one.x[lost][0]:g}, {one.y[lost][0]:g}) of {one.crs[:80]} is none in "
                             f"{zone}; check the crs, and which coordinate is which")
    _refuse_far(tx, at, name)
    if known and places is None:
        at = [layouts.estimated_places(rss, *tx).T]
    where = np.broadcast_to(at[0] if at[0].ndim == 3 else at[0][:, None], (2, *rss.shape))
    for other in at[1:]:
        where = np.where(np.isnan(where), other[:, None], where)
    kinds = None if places is None else listed.kind.fillna(OTHER).tolist()
    season = table[found["season"]].str.strip().to_numpy() if "season" in found else np.full(len(table), "all")
    x, y, tx_x, tx_y = (np.round(axis, 3) for axis in (*where, *tx))
    stamps = _stamps(table, found, name)
    dataset = measurements.build(np.where(np.isnan(x), np.nan, rss), x, y, tx_x, tx_y, stamps, season, names, kinds,
                                 source=name, crs=zone)
    if "sample" in found:
        dataset = dataset.assign(given_sample=("sample", table[found["sample"]].str.strip().to_numpy().astype(str)))
    return dataset.assign_attrs(input_crs=sent.crs, left_out=left_out, timed=int("time" in found))


def _refuse_far(tx: np.ndarray, at: list[np.ndarray], name: str) -> None:
    """Refuse sensors and transmitters that are not on one site."""
    for one in at:
        known = np.isfinite(one).any() and np.isfinite(tx).any()
        apart = np.hypot(*(np.nanmedian(one[axis]) - np.nanmedian(tx[axis]) for axis in (0, 1))) if known else 0.0
        if apart > SITE_M:
            raise InputError(f"{name}: its transmitters are {apart / 1000:.0f} km from the sensors; expected one site: "
                             "are lat and lon swapped in one of the two tables, or is one in another crs?")


def _stamps(table: pd.DataFrame, found: dict[str, str], name: str) -> np.ndarray:
    """Return a time for each sample: the one given, or a second each. Equal ones are set a microsecond apart."""
    if "time" not in found:
        return (_FIRST + pd.to_timedelta(np.arange(len(table)), unit="s")).to_numpy("M8[ns]")
    stamps = pd.Series(text.stamps(table[found["time"]], Problems(name, False)))
    return (stamps + pd.to_timedelta(stamps.groupby(stamps).cumcount(), unit="us")).to_numpy("M8[ns]")
