"""Sixty tables that are none: each is refused in one line with the table, the line and what to do."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from table_made import SENSORS, long, wide

from rsslib.project import InputError
from rsslib.tables.reading import read_table

LONG, WIDE = (table().to_csv(index=False) for table in (long, wide))
WHERE = SENSORS.to_csv(index=False)
HEAD = LONG.splitlines()[0]
ROW = LONG.splitlines()[1]


def line(number, text, table=LONG):
    """Return the table with another text in one of its lines, counted from 1."""
    lines = table.splitlines()
    lines[number - 1] = text
    return "\n".join(lines) + "\n"


def field(number, column, text, table=LONG):
    """Return the table with another text in one field of a line."""
    lines = table.splitlines()
    names, cells = lines[0].split(","), lines[number - 1].split(",")
    cells[names.index(column)] = text
    return line(number, ",".join(cells), table)


READINGS = {    # content of the file, what the error says beside its name
    "empty": ("", "empty"), "blank": ("\n \n", "empty"), "head alone": (HEAD + "\n", "no rows"),
    "one column": ("rss\n-70\n", "names one column"), "a sentence": ("these are no readings\n", "names one column"),
    "binary": (b"\x00\x01\x02,\x00", "null"), "latin": ("time;sensor;ort;rss\n1;ä;ü;-7".encode("latin-1"), "not UTF-8"),
    "zip": (b"PK\x03\x04....", "spreadsheet"), "gzip": (b"\x1f\x8b\x08....", "gzip"),
    "old": (b"\xd0\xcf\x11", "spreadsheet"),
    "html": ("<html><body>404</body></html>\n", "names one column"), "json": ('[{"rss": -70}]\n', "names one column"),
    "twice": (LONG.replace("tx_lat", "rss", 1), "stands twice"),
    "two words for one": (LONG.replace("tx_lat", "rssi", 1), "both mean rss"),
    "no sensor": (LONG.replace("sensor", "colour", 1), "expected columns sensor and rss"),
    "no rss": (LONG.replace("rss", "colour", 1), "expected columns sensor and rss"),
    "no time": (LONG.replace("time", "colour", 1), "expected a column sample or time"),
    "half a place": (LONG.replace("tx_lat", "colour", 1), "a column tx_lon without tx_lat"),
    "text as rss": (field(3, "rss", "loud"), "line 3: rss is 'loud', no finite number"),
    "unit in rss": (field(3, "rss", "-70 dBm"), "line 3: rss is '-70 dBm'"),
    "infinite": (field(4, "rss", "inf"), "line 4: rss is 'inf'"), "hex": (field(4, "rss", "0x1F"), "line 4: rss"),
    "loud": (field(4, "rss", "95"), "rss is 95"), "faint": (field(4, "rss", "-450"), "-450"),
    "watt": (re.sub(r"-\d\d\.\d", "1e-9", LONG), "10 log10"),
    "percent": (re.sub(r"-(\d\d)\.\d", r"\1", LONG), "negate RSSI"),
    "a field more": (line(3, ROW + ",7"), "line 3: 6 fields, where the first line names 5"),
    "a field less": (line(5, "2024-05-17T09:00:00Z,roof"), "line 5: 2 fields"),
    "unknown sensor": (field(2, "sensor", "attic"), "line 2: sensor 'attic' is not in the table of sensors"),
    "no name": (field(2, "sensor", ""), "line 2: no name of a sensor"),
    "twice in a sample": (LONG + ROW + "\n", "stands twice in one sample"),
    "no such time": (field(3, "time", "yesterday"), "line 3: time 'yesterday'"),
    "American date": (field(3, "time", "05/17/2024"), "line 3: time '05/17/2024'"),
    "month 13": (field(3, "time", "2024-13-17T09:00:00Z"), "line 3: time '2024-13"),
    "no time there": (field(3, "time", ""), "line 3: no time"),
    "latitude 95": (field(2, "tx_lat", "95"), "line 2: latitude outside"),
    "swapped": (field(2, "tx_lat", "131.7"), "check which is which"),
    "longitude 200": (field(2, "tx_lon", "200"), "line 2: longitude outside"),
    "null island": (field(2, "tx_lat", "0").replace("13.731", "0", 1), "line 2: latitude 0 and longitude 0"),
    "half a place in a row": (field(2, "tx_lat", ""), "line 2: a place lacks a coordinate"),
    "moves in a sample": (field(3, "tx_lat", "51.06"), "line 3: another place of the transmitter than in line 2"),
    "another continent": (LONG.replace("51.0514", "11.0514"), "km from the median"),
    "text as place": (field(2, "tx_lon", "13°43'E"), "line 2: tx_lon is"),
    "all silent": (re.sub(r"-\d\d\.\d", "", LONG), "no sensor heard anything"),
    "open quote": (LONG.replace("roof", '"roof', 1), "quote"),
    "wide: text": (field(3, "gate", "loud", WIDE), "line 3: column gate is 'loud'"),
    "wide: silent row": (field(3, "gate", "", field(3, "roof", "", WIDE)), "line 3: no sensor heard it"),
    "wide: no sensor": (
        WIDE.replace("roof", "a", 1).replace("gate", "b", 1).replace("mast", "c", 1), "a column for each"),
    "degrees as x": (LONG.replace("tx_lat", "tx_y", 1).replace("tx_lon", "tx_x", 1), "look like degrees"),
}
PLACES = {
    "empty": ("", "empty"), "head alone": ("sensor,lat,lon\n", "no rows"),
    "no sensor": (WHERE.replace("sensor", "c"), "sensor"),
    "no place": ("sensor,height\nroof,3\n", "lat and lon or x and y"),
    "half a place": (WHERE.replace("lat", "c", 1), "without"),
    "twice": (WHERE + "roof,51.05,13.73\n", "line 5: sensor 'roof' stands twice"),
    "no name": (WHERE + ",51.05,13.73\n", "line 5: no name"),
    "text": (WHERE.replace("51.053", "north"), "line 3: lat is"),
    "no number": (WHERE.replace("51.053", ""), "line 3: a place lacks"),
    "beyond": (WHERE.replace("13.731", "313.7"), "line 3"),
    "null island": (WHERE + "roof2,0,0\n", "line 5: latitude 0"), "kind": (WHERE.replace("lon", "lon,kind").replace(
        "3\n", "3,drone\n").replace("1\n", "1,drone\n").replace("8\n", "8,drone\n"), "kind is 'drone'"),
    "other site": (WHERE.replace("51.053", "41.053"), "km from the median"),
    "swapped": (WHERE.replace("lat,lon", "lon,lat"), "are lat and lon swapped in one of the two tables"),
}


def refused(readings, sensors):
    """Return the one line with which tables are refused."""
    with pytest.raises(InputError) as caught:
        read_table(readings, sensors)
    text = str(caught.value)
    assert "\n" not in text and "Traceback" not in text
    return text


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.filterwarnings("ignore::rsslib.project.InputWarning")
@pytest.mark.parametrize("case", READINGS)
def test_bad_readings(case, tmp_path):
    content, told = READINGS[case]
    text = refused(written(tmp_path / "readings.csv", content), written(tmp_path / "sensors.csv", WHERE))
    assert told in text and "readings.csv" in text, text


@pytest.mark.parametrize("case", PLACES)
def test_bad_sensors(case, tmp_path):
    content, told = PLACES[case]
    text = refused(written(tmp_path / "readings.csv", LONG), written(tmp_path / "sensors.csv", content))
    assert told in text and ".csv" in text, text


@pytest.mark.parametrize("arguments, told", [
    ({"crs": "EPSG:1"}, "crs"), ({"crs": "Mars"}, "crs"), ({"crs": 3.5}, "crs"),
    ({"crs": "EPSG:5773"}, "map projection"),
    ({"layout": "ours"}, "layout"), ({"skip_bad": "yes"}, "skip_bad"), ({"not_heard": "none"}, "not_heard")])
def test_bad_arguments(arguments, told):
    with pytest.raises(InputError, match=told):
        read_table(long(), SENSORS, **arguments)


def test_files_that_are_none(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere.csv"):
        with pytest.raises(InputError, match=path.name):
            read_table(path, SENSORS)
    with pytest.raises(InputError, match="no places of the sensors"):
        read_table(long())
    with pytest.raises(InputError, match="name of a file"):
        read_table(7, SENSORS)


def test_there_are_sixty():
    assert len(READINGS) + len(PLACES) >= 60


@pytest.mark.filterwarnings("ignore::rsslib.project.InputWarning")
@settings(max_examples=150, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_field_may_hold_anything(tmp_path, data):
    """A changed field gives valid measurements or one line; nothing else is raised."""
    lines = data.draw(st.sampled_from([LONG, WIDE])).splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    cells = lines[number].split(",")
    cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(
        st.text(max_size=12) | st.floats().map(str) | st.sampled_from(
            ["1e999", "--", "nan", '"', "\ufeff", "9" * 400, "2024-05-17", "-70,5", "=1+1", "0"]))
    lines[number] = ",".join(cells)
    path = written(tmp_path / "readings.csv", "\n".join(lines).encode("utf-8", "surrogatepass"))
    try:
        found = read_table(path, SENSORS, skip_bad=data.draw(st.booleans()))
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(found.rss.values).any(axis=1).all()


class Points(pd.Series):
    """Stands for GeoPandas' column of points, which has a reference system and ways of its own."""

    crs, geom_type = "EPSG:4326", property(lambda self: pd.Series(["Point"] * len(self)))
    x, y = (property(lambda self, axis=axis: pd.Series([point[axis] for point in self])) for axis in (0, 1))

    def to_crs(self, code):
        assert code == 4326
        return self


class Frame(pd.DataFrame):
    """Stands for a GeoDataFrame."""

    def __getitem__(self, key):
        return Points(pd.DataFrame(self)[key].tolist()) if key == "geometry" else super().__getitem__(key)


def test_points_of_geopandas_are_places(monkeypatch):
    readings, sensors = long(), SENSORS
    points = Frame(readings[["time", "sensor", "rss"]].assign(geometry=[*zip(readings.tx_lon, readings.tx_lat)]))
    stand = Frame(sensors[["sensor"]].assign(geometry=[*zip(sensors.lon, sensors.lat)]))
    expected = read_table(readings, sensors)
    assert read_table(points, stand).equals(expected)
    assert read_table(Frame(points.assign(tx_lat=51.0, tx_lon=13.7)), stand).tx_x.std() < 0.001    # columns come first
    monkeypatch.setattr(Points, "crs", None)
    with pytest.raises(InputError, match="the frame of readings: its geometry has no crs; .* set_crs"):
        read_table(points, stand)


def test_a_column_may_be_called_geometry():
    table = pd.DataFrame(long()).assign(geometry=[object()] * len(long()))
    assert read_table(table, SENSORS).sizes["sample"] == 4
