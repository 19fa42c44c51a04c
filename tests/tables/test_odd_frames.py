"""Frames and settings that mutation found: each gives measurements, or one line that names the table or the setting."""

import warnings

import numpy as np
import pandas as pd
import pytest
from table_made import SENSORS, TIMES, long, wide

from rsslib.project import InputError
from rsslib.tables import systems, text
from rsslib.tables.reading import read_table


def refused(*tables, **settings):
    """Return the one line with which tables are refused."""
    with pytest.raises(InputError) as caught:
        read_table(*tables, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_column_that_stands_twice_in_a_frame_is_of_that_frame():
    twice = pd.concat([SENSORS, SENSORS[["lat"]]], axis=1)
    assert refused(long(), twice).startswith("the frame of sensors: column 'lat' stands twice")
    spaced = long().assign(**{" rss": -70.0})    # one name, once the spaces are gone
    assert refused(spaced, SENSORS).startswith("the frame of readings: column 'rss' stands twice")
    numbers = wide().assign(**{"1": 3.0}).rename(columns={"roof": 1})
    assert "column '1' stands twice" in refused(numbers, SENSORS)


def test_names_in_levels_or_of_several_lines_are_told_in_one():
    levels = long().set_axis(pd.MultiIndex.from_product([["a"], long().columns]), axis=1)
    assert "expected columns sensor and rss" in refused(levels, SENSORS)
    assert "expected columns sensor and rss" in refused(long().rename(columns={"rss": "a\nb"}), SENSORS)
    assert "both mean rss" in refused(long().rename(columns={"tx_lat": "power\ndbm"}), SENSORS)


@pytest.mark.parametrize("cell", [np.array([1.0, 2.0]), [[]], {"a": 1}, object(), 10**5000, (), pd.NaT, 1j, b"-70"],
                         ids=lambda cell: type(cell).__name__)
def test_a_cell_that_is_no_number_is_named(cell):
    odd = long().astype(object)
    odd.at[2, "rss"] = cell
    if cell is pd.NaT:    # as good as blank
        assert read_table(odd, SENSORS).sizes["sample"] == 4
    else:
        assert "the frame of readings: 1 of 9 lines cannot be used: line 3: rss is" in refused(odd, SENSORS)
        assert len(refused(odd, SENSORS)) < 250


def test_pandas_types_that_know_what_is_missing_are_read():
    found = read_table(wide().convert_dtypes(), SENSORS)
    assert np.array_equal(found.rss, read_table(wide(), SENSORS).rss, equal_nan=True)
    dated = long().assign(time=pd.to_datetime(long().time))
    assert np.array_equal(read_table(dated, SENSORS).time, read_table(long(), SENSORS).time)


@pytest.mark.parametrize("table", [None, 7, b"r.csv", "", " ", {"rss": [1]}, pd.Series([1.0, 2.0])])
def test_what_is_no_table_is_named_by_its_role(table):
    assert refused(table, SENSORS).startswith("readings is ")
    if table is not None:
        assert refused(long(), table).startswith("sensors is ")


@pytest.mark.parametrize("zone", ["EPSG:4326", "UTM 12S", "", (1, 2), 32633, "EPSG:32661"])
def test_another_zone_than_one_of_utm_is_refused(zone):
    assert refused(long(), SENSORS, zone=zone).startswith("read_table: zone is ")


@pytest.mark.parametrize("zone", ["UTM zone 33N", "WGS 84 / UTM zone 33N", "urn:ogc:def:crs:EPSG::32633", "EPSG:32633"])
def test_a_zone_in_any_spelling_is_its_code(zone):
    assert read_table(long(), SENSORS, zone=zone).attrs["crs"] == systems.checked(zone) == "EPSG:32633"
    assert systems.checked_zone("UTM zone 7N") == "EPSG:32607" and systems.checked_zone("local") == "local"


@pytest.mark.parametrize("crs", [np.array([1.0, np.nan]), [], {1}, pd.Series([1.0, 2.0]), 10**400, b"\xff", "PROJCS["],
                         ids=lambda crs: type(crs).__name__)
def test_what_is_no_system_is_refused_in_one_line(crs):
    assert refused(long(), SENSORS, crs=crs).startswith("read_table: crs is ")


def test_old_spellings_of_a_system_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert systems.checked("+init=epsg:25833") and systems.checked("+proj=utm +zone=33")


def test_times_that_do_not_go_together_name_the_table():
    mixed = wide().assign(time=[TIMES[0].removesuffix("Z"), *TIMES[1:]])
    assert refused(mixed, SENSORS).startswith("the frame of readings: time: 3 of 4 times have a time zone")
    numbered = wide().assign(time=[*TIMES[:3], "1715936412"])
    assert "the frame of readings: time: some are numbers, some are texts" in refused(numbered, SENSORS)


def test_many_times_are_read_at_once_and_a_bad_one_is_found(monkeypatch):
    calls = []
    original = text.times.times
    monkeypatch.setattr(text.times, "times", lambda *given: calls.append(1) or original(*given))
    stamps = pd.Series(pd.date_range("2024-01-01", periods=4096, freq="s").astype(str).tolist())
    assert np.isfinite(text.stamps(stamps, text.Problems("mine", False)).astype(np.int64)).all() and len(calls) < 4
    stamps[1000], problems = "soon", text.Problems("mine", True)
    found = text.stamps(stamps, problems)
    assert list(problems.found) == [1000] and "soon" in problems.found[1000] and len(calls) < 60
    assert np.isnat(found[1000]) and np.isnat(found).sum() == 1


def test_a_line_is_counted_from_the_beginning_of_the_file(tmp_path):
    content = "\n\n" + long().to_csv(index=False).replace("roof", '"roof', 1)
    (tmp_path / "r.csv").write_text(content)
    assert "r.csv: line 4: " in refused(tmp_path / "r.csv", SENSORS)


def test_a_season_that_is_blank_is_a_bad_line():
    table = wide().assign(season=["may", "may", "", "june"])
    assert "line 3: no season" in refused(table, SENSORS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert read_table(table, SENSORS, skip_bad=True).season.values.tolist() == ["may", "may", "june"]


def test_a_place_that_its_system_does_not_hold_is_no_unknown_one():
    """It would be left out of a fit without a word."""
    table = wide().drop(columns=["tx_lat", "tx_lon"]).assign(tx_x=[4e5] * 3 + [1e12], tx_y=[5.6e6] * 4)
    where = SENSORS.drop(columns=["lat", "lon"]).assign(x=[4e5, 4.01e5, 4.02e5], y=[5.6e6] * 3)
    told = refused(table, where, crs="EPSG:25833")
    assert "line 4: more than 15 degrees outside of the area that EPSG:25833 is made for" in told


def test_a_file_name_that_is_not_utf_8_can_be_kept(tmp_path):
    path = str(tmp_path / "r\udc80.csv")
    long().to_csv(path, index=False)
    assert read_table(path, SENSORS).attrs["source"].encode().endswith(b"r?.csv")
