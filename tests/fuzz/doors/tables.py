"""Doors of rsslib.tables: frames and files of readings and of sensors."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from rsslib.data import measurements
from rsslib.data.positions import LOCAL
from rsslib.tables.reading import read_table

from .. import small
from ..arrays import ODD
from ..law import Call, unless
from ..mutations import TEXTS, Mutator
from .registry import door

SYSTEMS = ("EPSG:4326", "epsg:25833", "local", "EPSG:1", "EPSG:5773", "EPSG:4978", "EPSG:3857", "EPSG:32633+5773",
           "EPSG:2180", "+proj=utm +zone=33", "+proj=longlat", "OGC:CRS84", 4326, -1, 10**30, b"EPSG:4326", "{",
           "PROJCS[")
SETTINGS: dict[str, Any] = {"crs": None, "not_heard": None, "skip_bad": False, "layout": None}
MARKS = (-999, 100.0, [100, -200], (), "100", [None], np.nan, [[-999.0]], 1e300, -85.3)
LAYOUTS = ("uji", "lorawan", "frs", "UJI", "")
CELLS = ("", "nan", "inf", "1e999", "0", "0.0", "100", "-999", "9" * 400, "-70,5", "=1+1", '"', "é", " ", "--", "1_000",
         "0x1F", "２", "2025-05-06", "2025-05-06T08:00:00+02:00", "1746518400", "1746518400.5", "99999999999999999999",
         "9999-12-31", "0001-01-01", "12:30", "180.0", "-91", "1e-300", "1d3", "True", "None", "\t", "a\nb", "r01")
NAMES = ("time", "sample", "sensor", "rss", "lat", "lon", "x", "y", "tx_x", "tx_y", "season", "kind", "geometry", "",
         " ", "r01", 0, None, ("a", "b"), "rss (dBm)", "é", "a\nb", np.nan)
OTHER = (None, {"rss": [1]}, np.zeros((3, 3)), 7, [1], b"r.csv", "nowhere", pd.Series([1.0]), "", "a\0b")
OTHER_FILES = ("nowhere", "a\0b")
TOLD = ["read_table", "layout is", "crs", "not_heard", "the frame of readings", "the frame of sensors", "readings is",
        "sensors is", *OTHER_FILES]


def settings(m: Mutator, often: float = 0.3) -> dict[str, Any]:
    """Return the settings of read_table, of which one or two are odd."""
    given = dict(SETTINGS)
    for name, options in (("crs", SYSTEMS), ("not_heard", MARKS), ("layout", LAYOUTS)):
        given[name] = m.choice(given[name], (*options, *options, *ODD), name, often / 4)
    given["skip_bad"] = m.choice(False, (*[True] * 200, *ODD), "skip_bad", 0.4)
    return given


def frame(m: Mutator, table: pd.DataFrame, what: str, often: float = 0.7) -> Any:
    """Return a frame with one to three cells, columns or rows changed, or something else."""
    table = table.copy()
    for _ in range(m.number(1, 3) if m.wants(often) else 0):
        if not isinstance(table, pd.DataFrame) or not table.size:
            break
        try:
            table = _changed(m, table, what)
        except Exception:    # whatever pandas raises
            m.say("(not with this frame)")
    return table


def _changed(m: Mutator, table: pd.DataFrame, what: str) -> Any:
    column, other = m.number(0, table.shape[1] - 1), m.number(0, table.shape[1] - 1)
    row, name = m.number(0, len(table) - 1), table.columns[column]

    def cell() -> pd.DataFrame:
        changed = table.astype(object)
        changed.iat[row, column] = m.choice(None, (*CELLS, *CELLS, *ODD), f"{what}.{name}[{row}]", 1.0)
        return changed

    def column_of(values: Any) -> pd.DataFrame:
        changed = table.copy()
        changed[name] = values
        return changed

    def renamed() -> pd.DataFrame:
        new = m.one(NAMES)
        m.say(f"{what}.{name}: renamed {new!r}")
        return table.set_axis([new if number == column else old for number, old in enumerate(table.columns)], axis=1)
    changes = {
        "cell": cell, "values": lambda: column_of(m.array(table[name].to_numpy(), f"{what}.{name}", 1.0)),
        "renamed": renamed, "dropped": lambda: table.drop(columns=name),
        "swapped": lambda: table.set_axis([table.columns[other if number == column else column if number == other
                                           else number] for number in range(table.shape[1])], axis=1),
        "texts": lambda: table.astype(str), "categories": lambda: column_of(table[name].astype("category")),
        "extended": lambda: table.convert_dtypes(), "dates": lambda: column_of(pd.to_datetime(table[name], utc=True)),
        "indexed": lambda: table.set_index(name), "twice": lambda: pd.concat([table, table]),
        "row twice": lambda: pd.concat([table, table.iloc[[row]]]), "row": lambda: table.iloc[[row]],
        "no rows": lambda: table.iloc[:0], "no columns": lambda: table.iloc[:, :0],
        "shuffled": lambda: table.iloc[::-1],
        "levels": lambda: table.set_axis(pd.MultiIndex.from_product([["a"], table.columns]), axis=1),
        "column twice": lambda: pd.concat([table, table[[name]]], axis=1),
        "added": lambda: table.assign(more=[object()] * len(table)),
        "other": lambda: m.choice(table, OTHER, what, 1.0)}
    kind = m.one((*["cell"] * 8, *["values"] * 4, *changes))
    if kind not in ("cell", "values", "renamed", "other"):
        m.say(f"{what}.{name}: {kind}")
    return changes[kind]()


def file(m: Mutator, table: pd.DataFrame, name: str, often: float = 0.7) -> Any:
    """Write a table as csv, with mutated bytes, lines or cells; return its path."""
    def cells(_: bytes) -> bytes:
        changed = frame(m, table, name, 1.0)
        return (changed if isinstance(changed, pd.DataFrame) else table).to_csv(index=False).encode("utf-8", "replace")
    return m.file(name, table.to_csv(index=False).encode(), [m.lines, cells], often)


def valid_measurements(dataset: xr.Dataset) -> str:
    """What is wrong with what read_table returns."""
    measurements.validate(dataset)
    if dataset.attrs["crs"] != LOCAL and not np.abs(np.nan_to_num(dataset.tx_x.values)).max() < 1e7:
        return "places far from every UTM zone"
    numbers = [dataset.attrs["left_out"], dataset.attrs["timed"]]
    return unless(numbers[0] >= 0 and numbers[1] in (0, 1) and isinstance(dataset.attrs["input_crs"], str),
                  "attributes that are none")


def same_as_ever(m: Mutator, dataset: xr.Dataset, wide: bool) -> str:
    """What is wrong with measurements of tables of which nothing was changed."""
    expected = read_table(small.own_tables()["wide" if wide else "readings"], small.own_tables()["sensors"])
    return valid_measurements(dataset) or unless(m.said or np.array_equal(dataset.rss, expected.rss, equal_nan=True),
                                                 "other readings than those of the file")


@door("tables.reading.read_table")
def _frames(m: Mutator) -> Call:
    tables, wide = small.own_tables(), m.choice(False, [True], "wide", 0.5)
    readings = frame(m, tables["wide" if wide else "readings"], "readings")
    sensors = frame(m, tables["sensors"], "sensors", 0.4)
    sensors = m.choice(sensors, (None,), "sensors", 0.1)
    given = settings(m) | {"zone": m.choice(None, ("EPSG:32633", "EPSG:32601", "local", "EPSG:4326", *TEXTS, *ODD),
                                            "zone", 0.15)}
    return Call(lambda: read_table(readings, sensors, **given), TOLD, valid_measurements)


@door("tables.reading.read_table:places")
def _places(m: Mutator) -> Call:
    """Metres in place of degrees, and sensors that move."""
    made, kind = small.own_town(), m.choice("metres", ("moving", "both"), "kind", 0.6)
    readings = made.readings if kind == "metres" else made.readings.merge(made.sensors, on="sensor")
    readings = frame(m, readings, "readings")
    sensors = None if kind == "moving" else frame(m, made.sensors, "sensors", 0.3)
    zones = made.crs, "EPSG:25833", "EPSG:32701", "EPSG:2180", "EPSG:3857"
    given = settings(m) | {"crs": m.choice(None, zones, "crs", 0.6)}
    return Call(lambda: read_table(readings, sensors, **given), TOLD, valid_measurements)


@door("tables.reading.read_table:files")
def _files(m: Mutator) -> Call:
    tables, wide = small.own_tables(), m.choice(False, [True], "wide", 0.5)
    readings = file(m, tables["wide" if wide else "readings"], "readings.csv")
    sensors = file(m, tables["sensors"], "sensors.csv", 0.4)
    given = settings(m, 0.2)
    return Call(lambda: read_table(readings, str(sensors), **given), [readings.name, sensors.name, *TOLD],
                lambda dataset: same_as_ever(m, dataset, wide) if not m.said else valid_measurements(dataset))


@door("tables.reading.read_table:layouts", 0.5)
def _layouts(m: Mutator) -> Call:
    wide = small.own_tables()["wide"]
    receivers = [column for column in wide if column.startswith("r")]
    uji = wide[receivers].fillna(100).set_axis([f"WAP{number:03d}" for number in range(len(receivers))], axis=1).assign(
        LONGITUDE=-7600.0 + 40 * np.arange(len(wide)) % 7, LATITUDE=4864900.0 + np.arange(len(wide)) % 5 * 30,
        TIMESTAMP=1371713733 + np.arange(len(wide)))
    path = file(m, uji, "uji.csv")
    layout = m.choice("uji", ("lorawan", "frs", None), "layout", 0.1)
    return Call(lambda: read_table(path, layout=layout), [path.name, *TOLD], valid_measurements)
