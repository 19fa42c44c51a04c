"""The made-up town: physics and places that make sense, files that repeat, and what is refused."""

import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer
from scipy.stats import spearmanr

from rsslib.project import InputError
from rsslib.propagation import town as towns
from rsslib.propagation.urban import Urban

FILES = {"sensors": ["sensor", "lat", "lon"], "readings": ["time", "sensor", "rss", "tx_lat", "tx_lon"],
         "new": ["time", "sensor", "rss"], "truth": ["time", "tx_lat", "tx_lon"]}
SOUTH = {"crs": "EPSG:32756", "origin": (334000.0, 6250000.0)}


@pytest.fixture(scope="module", params=[True, False], ids=["walk", "places"])
def town(request):
    return towns.make(seed=1, samples=300, side_m=400.0, walk=request.param)


@pytest.fixture(scope="module")
def walk():
    return towns.make(seed=2, samples=400)


def _local(town, table, x="tx_x", y="tx_y"):
    return table[[x, y]].to_numpy() - town.origin


def _seconds(town):
    return (pd.to_datetime(town.truth.time) - pd.Timestamp("2025-01-01T00:00:00Z")).dt.total_seconds().to_numpy()


def _written(town, folder):
    towns.write(town, folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_tables_have_their_columns_and_every_sample_is_heard(town):
    assert list(town.sensors) == ["sensor", "x", "y"] and list(town.truth) == ["time", "tx_x", "tx_y"]
    assert list(town.readings) == ["time", "sensor", "rss", "tx_x", "tx_y"]
    assert len(town.truth) == 300 and town.truth.time.is_unique and len(town.sensors) == 12
    assert town.readings.time.unique().tolist() == town.truth.time.tolist()
    assert not town.readings.duplicated(["time", "sensor"]).any()
    assert set(town.readings.sensor) <= set(town.sensors.sensor) and town.sensors.sensor.is_unique
    told = town.readings.drop_duplicates("time")[["time", "tx_x", "tx_y"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(told, town.truth)


def test_times_are_utc_in_order_and_readings_in_tenths(town):
    assert town.truth.time.str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").all()
    assert pd.to_datetime(town.truth.time).is_monotonic_increasing
    rss = town.readings.rss.to_numpy()
    np.testing.assert_array_equal(rss, rss.round(1))
    assert rss.min() > -100.0 and rss.max() < 0.0


def test_everybody_stands_outdoors_on_the_map_and_off_the_walls(town):
    for places in (_local(town, town.truth), _local(town, town.sensors, "x", "y")):
        assert (places >= 0).all() and (places <= town.city.side_m).all()
        assert shapely.distance(shapely.union_all(town.city.polygons), shapely.points(places)).min() >= 0.49


@pytest.mark.parametrize("side_m", [200.0, 333.3, 1448.0])
def test_a_town_of_any_side_is_heard_and_outdoors(side_m):
    made = towns.make(seed=4, samples=60, side_m=side_m)
    places = _local(made, made.truth)
    assert made.city.side_m == side_m and (places >= 0).all() and (places <= side_m).all()
    assert shapely.distance(shapely.union_all(made.city.polygons), shapely.points(places)).min() >= 0.49
    assert np.isfinite(made.readings.rss).all() and made.readings.time.nunique() == 60


def test_readings_fall_with_distance(town):
    joined = town.readings.merge(town.sensors, on="sensor")
    distance = np.hypot(joined.tx_x - joined.x, joined.tx_y - joined.y)
    assert spearmanr(distance, joined.rss).statistic < -0.5


def test_readings_are_the_gains_of_the_streets_with_an_offset_and_fading(walk):
    model = Urban(walk.city, 60, seed=2, emitter_m=towns.RECEIVER_M, sensor_m=towns.TRANSMITTER_M)
    cell = (_local(walk, walk.readings) / 10.0).astype(int)
    offsets = []
    for name, x, y in walk.sensors.itertuples(index=False):
        own = (walk.readings.sensor == name).to_numpy()
        gain = model.gain_map_db((x - walk.origin[0], y - walk.origin[1]))[cell[own, 1], cell[own, 0]]
        loud = gain > -105.0    # 15 dB above the floor: hardly a reading is missing
        rest = (walk.readings.rss.to_numpy()[own] - towns.POWER_DBM - gain)[loud]
        offsets.append(np.nanmedian(rest))
        assert np.nanmedian(abs(rest - offsets[-1])) < 6.0
    assert abs(np.mean(offsets)) < 4.0 and 1.5 < np.std(offsets) < 8.0


def test_typically_five_to_nine_of_twelve_hear_a_sample(walk):
    heard = walk.readings.groupby("time").size()
    assert 5 <= heard.quantile(0.25) and heard.quantile(0.75) <= 9
    assert walk.readings.groupby("sensor").size().min() > 20 and len(set(walk.readings.sensor)) == 12


def test_the_walk_is_on_foot_or_by_bicycle_and_visits_the_whole_town(walk):
    places = _local(walk, walk.truth)
    gaps, steps = np.diff(_seconds(walk)), np.hypot(*np.diff(places, axis=0).T)
    assert 0.85 < (gaps == 4).mean() < 1.0 and gaps.min() == 4 and (gaps >= 30).sum() >= 5
    assert np.median(steps) == pytest.approx(11.0, abs=5.0) and steps[gaps == 4].max() < 4 * 4.0 + 10.0
    quarters = np.bincount((places[:, 0] > 300) * 2 + (places[:, 1] > 300), minlength=4)
    assert quarters.min() > 30


def test_places_without_a_walk_are_spread_a_minute_apart():
    made = towns.make(seed=1, samples=300, walk=False)
    assert set(np.diff(_seconds(made))) <= {60, 120, 180}
    assert np.median(np.hypot(*np.diff(_local(made, made.truth), axis=0).T)) > 150.0


def test_receivers_stand_apart(town):
    places = _local(town, town.sensors, "x", "y")
    apart = np.hypot(*(places[:, None] - places).transpose(2, 0, 1)) + np.diag(np.full(12, np.inf))
    assert apart.min() > 30.0


def test_a_seed_is_a_town_and_its_bytes(tmp_path):
    first, again, other = (_written(towns.make(seed=seed, samples=60, side_m=300.0), tmp_path / name)
                           for seed, name in ((7, "first"), (7, "again"), (8, "other")))
    assert first == again and list(first) == ["new.csv", "readings.csv", "sensors.csv", "truth.csv"]
    assert all(first[name] != other[name] for name in first)


@pytest.mark.parametrize("place", [{}, SOUTH], ids=["north", "south"])
def test_the_files_say_the_same_as_the_town(tmp_path, place):
    made = towns.make(seed=5, samples=50, side_m=300.0, **place)
    assert towns.write(made, str(tmp_path)) == tmp_path
    tables = {name: pd.read_csv(tmp_path / f"{name}.csv") for name in FILES}
    assert {name: list(table) for name, table in tables.items()} == FILES
    readings, new, truth = tables["readings"], tables["new"], tables["truth"]
    assert readings.time.unique().tolist() == made.truth.time[:40].tolist()
    assert new.time.unique().tolist() == truth.time.tolist() == made.truth.time[40:].tolist()
    assert pd.concat([readings.rss, new.rss]).tolist() == made.readings.rss.tolist()
    back = Transformer.from_crs("EPSG:4326", made.crs, always_xy=True)
    for table, expected in ((tables["sensors"], made.sensors), (readings, made.readings[: len(readings)]),
                            (truth, made.truth[40:])):
        metres = np.stack(back.transform(table.iloc[:, -1], table.iloc[:, -2]), axis=1)
        np.testing.assert_allclose(metres, expected.iloc[:, -2:], atol=0.02, rtol=0)
    assert (tables["sensors"].lat > 0).all() if not place else (tables["sensors"].lat.between(-34.0, -33.0)).all()


def test_cells_have_seven_decimals_of_a_degree_and_one_of_a_decibel(tmp_path):
    lines = _written(towns.make(samples=10, side_m=300.0), tmp_path)["readings.csv"].decode().splitlines()
    assert {tuple(len(cell.partition(".")[2]) for cell in line.split(",")[2:]) for line in lines[1:]} == {(1, 7, 7)}


def test_only_the_place_changes_with_the_origin():
    here, there = (towns.make(seed=5, samples=50, side_m=300.0, **place) for place in ({}, SOUTH))
    pd.testing.assert_frame_equal(here.readings[["time", "sensor", "rss"]], there.readings[["time", "sensor", "rss"]])
    np.testing.assert_allclose(_local(here, here.truth), _local(there, there.truth), atol=0.011)
    assert (there.crs, there.origin) == ("EPSG:32756", (334000.0, 6250000.0))


@pytest.mark.parametrize(("arguments", "message"), [
    ({"seed": -1}, "seed is -1"), ({"seed": 1.5}, "seed is 1.5"), ({"seed": None}, "seed is None"),
    ({"seed": 2**32}, "seed is 4294967296"), ({"samples": 9}, "samples is 9; expected a whole number from 10 to 10000"),
    ({"samples": 10_001}, "samples is 10001"), ({"samples": "700"}, "samples is '700'"),
    ({"receivers": 2}, "receivers is 2; expected a whole number from 3"), ({"receivers": 61}, "receivers is 61"),
    ({"receivers": True}, "receivers is True"), ({"side_m": 199.0}, "side_m is 199.0; expected 200 m to 1448 m"),
    ({"side_m": 1449.0}, "side_m is 1449"), ({"side_m": float("nan")}, "side_m is nan"),
    ({"side_m": "600 m"}, "side_m is '600 m'"), ({"walk": 1}, "walk is 1; expected True or False"),
    ({"crs": "EPSG:4326"}, "crs is 'EPSG:4326'; expected a UTM zone"), ({"crs": "EPSG:32661"}, "crs is 'EPSG:32661'"),
    ({"crs": 32633}, "crs is 32633"), ({"origin": (14.6, 49.1)}, "origin is .*; expected easting, 1e5 to 9e5"),
    ({"origin": (5e5, -1.0)}, "origin: entry 1 is -1.0"), ({"origin": (5e5, float("inf"))}, "origin: entry 1 is inf"),
    ({"origin": (5e5,)}, "origin is"), ({"origin": None}, "origin is None"), ({"origin": 5e5}, "origin is")])
def test_impossible_towns_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        towns.make(**({"samples": 20} | arguments))


def test_receivers_that_hear_next_to_nothing_are_refused(monkeypatch):
    monkeypatch.setattr(towns, "FLOOR_DB", 0.0)
    with pytest.raises(InputError, match="receivers is 3; expected more: they hear too little where side_m is 600"):
        towns.make(samples=20, receivers=3)


def test_files_of_no_town_or_in_no_folder_are_refused(tmp_path):
    made = towns.make(samples=10, side_m=200.0)
    with pytest.raises(InputError, match="town is None; expected a Town"):
        towns.write(None, tmp_path)
    with pytest.raises(InputError, match="folder is 3; expected the path of a folder"):
        towns.write(made, 3)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        towns.write(made, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
