"""What mutation found: files, frames and settings that were no model, no places, no measurements of the site."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
import shapely

from rsslib import __main__
from rsslib.data import campus, splits
from rsslib.data.grid import transmitters
from rsslib.locator import output, plot
from rsslib.locator.locator import Locator
from rsslib.project import InputError
from rsslib.propagation import town
from rsslib.reports import scoreboard
from rsslib.tables import systems
from rsslib.tables.reading import read_table


@pytest.fixture(scope="module")
def site():
    made = town.make(samples=45, receivers=4, side_m=200.0, walk=False)
    return read_table(made.readings, made.sensors, crs=made.crs)


@pytest.fixture(scope="module")
def fitted(site):
    return Locator(threads=1).fit(site)


@pytest.fixture(scope="module")
def found(fitted, site):
    return fitted.locate(site.isel(sample=slice(3)))


@pytest.fixture
def written(found, tmp_path):
    path = output.write(found, tmp_path / "found.geojson")
    return path, json.loads(path.read_text())


def test_a_zone_in_words_is_that_zone(fitted, site, tmp_path):
    worded = site.assign_attrs(crs="UTM zone 33N", input_crs="WGS 84 / UTM zone 33N")
    model = Locator(threads=1).fit(worded)
    assert model.crs_ == model.input_crs_ == "EPSG:32633"
    model.save(tmp_path)
    assert np.allclose(Locator.load(tmp_path).locate(worded).lat, fitted.locate(site).lat)
    with pytest.raises(InputError, match="input_crs is"):
        Locator().fit(site.assign_attrs(input_crs=[1.5]))


def test_sensors_in_another_part_of_the_world_are_refused(fitted):
    made = town.make(samples=45, receivers=4, side_m=200.0, walk=False)
    new = made.readings.drop(columns=["tx_x", "tx_y"])
    assert len(fitted.locate(new, made.sensors, crs=made.crs)) == fitted.samples_
    with pytest.raises(InputError, match="its sensors are 300 km from the places of the fit; .*--sensors"):
        fitted.locate(new, made.sensors.assign(x=made.sensors.x + 3e5), crs=made.crs)
    far = read_table(new, made.sensors.assign(x=made.sensors.x + 3e5), crs=made.crs, zone=fitted.crs_)
    for use in (fitted.locate, fitted.score, fitted.calibrate):
        with pytest.raises(InputError, match="300 km from the places of the fit"):
            use(far)


def test_regions_at_the_180th_meridian_are_cut_there(tmp_path):
    made = town.make(samples=45, receivers=4, side_m=200.0, walk=False)
    east = max(systems.transform(made.crs, systems.DEGREES, *places.T)[0].max() for places in (
        made.readings[["tx_x", "tx_y"]].to_numpy(), made.sensors[["x", "y"]].to_numpy()))

    def moved(table, x, y):
        lon, lat = systems.transform(made.crs, systems.DEGREES, table[x].to_numpy(), table[y].to_numpy())
        return table.drop(columns=[x, y]).assign(**{f"{x[:-1]}lon": lon + 179.99999 - east, f"{y[:-1]}lat": lat})
    readings, sensors = moved(made.readings, "tx_x", "tx_y"), moved(made.sensors, "x", "y")
    found = Locator(threads=1).fit(read_table(readings, sensors)).locate(readings.drop(columns=["tx_lon", "tx_lat"]))
    widths = [part.bounds[2] - part.bounds[0] for one in found.region90 for part in shapely.get_parts(one)]
    assert max(widths) < 0.1 and found.region90.map(shapely.is_valid).all()
    assert any(one.bounds[0] < -179 and one.bounds[2] > 179 for one in found.region90)
    places = readings.groupby("time", sort=False).first()
    held = shapely.covers(found.region90.to_numpy(), shapely.points(places.tx_lon, places.tx_lat))
    assert held.mean() > 0.9 and output.write(found, tmp_path / "found.geojson").is_file()


def test_a_sensor_that_moves_is_used_where_its_place_stands_beside_the_reading():
    made = town.make(samples=45, receivers=4, side_m=200.0, walk=False)
    table = made.readings.merge(made.sensors, on="sensor").sort_values("time")
    one = table.assign(x=table.x + np.where(table.sensor == "r01", np.arange(len(table)) % 60 - 30.0, 0))
    for moving in (one, table.assign(x=table.x + np.arange(len(table)) % 60 - 30.0)):
        dataset = read_table(moving, crs=made.crs)
        fit = Locator(threads=1).fit(dataset)
        found = fit.locate(moving.drop(columns=["tx_x", "tx_y"]))
        assert np.allclose(found.x, fit.locate(dataset).x)


def test_a_fit_that_fails_leaves_no_model(fitted, site):
    model = Locator(threads=1).fit(site)
    with pytest.raises(InputError, match="input_crs"):
        model.fit(site.assign_attrs(input_crs="Mars"))
    with pytest.raises(InputError, match="not fitted"):
        model.locate(site)


def test_numbers_of_numpy_are_kept(site, tmp_path):
    Locator(seed=np.int64(3), threads=np.int8(1)).fit(site).save(tmp_path)
    assert Locator.load(tmp_path).get_params() == {"network": False, "seed": 3, "threads": 1}


def test_what_is_no_folder_and_no_data_set_is_named(fitted):
    for folder in (None, 7, ["a"], np.array([1.0, 2.0])):
        with pytest.raises(InputError, match="^folder is "):
            fitted.save(folder)
        with pytest.raises(InputError, match="^folder is "):
            Locator.load(folder)
    for dataset in (None, {"tx_x": 1}, "r.csv"):
        with pytest.raises(InputError, match="score: dataset is"):
            fitted.score(dataset)


def test_several_transmitters_are_refused_by_name(fitted, site):
    double = site.isel(tx=[0, 0])
    for use in (fitted.score, Locator(threads=1).fit):
        with pytest.raises(InputError, match="several transmitters"):
            use(double)


def _edited(content, path, value):
    *above, key = path
    parent = content["features"]
    for step in above:
        parent = parent[step]
    parent[key] = value
    return content


@pytest.mark.parametrize("path, value", [
    ((0, "properties", "kind"), "spot"), ((0, "properties", "trusted"), "yes"), ((0, "properties"), None),
    ((0, "geometry"), [["type", "Point"]]), ((0, "geometry", "coordinates"), [14.6]),
    ((0, "geometry", "coordinates"), [14.6, "49.1"]), ((0, "geometry", "coordinates"), [14.6, 10**400]),
    ((0, "geometry", "coordinates"), [14.6, 949.1]), ((0, "geometry", "type"), "Polygon"),
    ((2, "geometry"), None), ((2, "geometry", "type"), "LineString"), ((2, "geometry", "coordinates"), []),
    ((2, "geometry", "coordinates", 0, 1), [1]), ((2, "geometry", "coordinates", 0, 1), {"0": 14.6, "1": 49.1}),
    ((2, "geometry", "coordinates", 0, 0), [14.6, 49.0]), ((2, "geometry", "coordinates", 0), [[14.6, 49.1]] * 3),
    ((1,), None), ((0,), 7)])
def test_features_that_are_none_are_refused_by_the_name_of_the_file(written, path, value):
    file, content = written
    content["features"][2]["geometry"] = {"type": "Polygon", "coordinates": [
        [[14.59, 49.11], [14.6, 49.11], [14.6, 49.12], [14.59, 49.11]]]}
    file.write_text(json.dumps(content))
    assert output.read(file) == content
    file.write_text(json.dumps(_edited(content, path, value)))
    with pytest.raises(InputError, match="found.geojson: (broken or something else|feature 0: trusted)"):
        output.read(file)


def test_files_without_places_are_refused(written):
    file, content = written
    for other in ({}, [], {"features": []}, {"features": {"0": 1}}, {"features": content["features"][1:3]}):
        file.write_text(json.dumps(other))
        with pytest.raises(InputError, match="found.geojson"):
            output.read(file)


def test_places_off_the_site_are_not_drawn(fitted, written, tmp_path):
    file, content = written
    fitted.save(tmp_path / "model")
    file.write_text(json.dumps(_edited(content, (0, "geometry", "coordinates"), [14.6, 48.0])))
    with pytest.raises(InputError, match="not on the site"):
        plot.plot(tmp_path / "model", file, tmp_path / "map.png")
    assert not list(tmp_path.glob("map*"))


@pytest.mark.parametrize("change, told", [
    (lambda found: found.drop(columns="time"), "no column time"), (lambda found: found.drop(columns="lon"), "lon"),
    (lambda found: found.drop(columns="region50"), "region50"), (lambda found: found.assign(lat=200.0), "latitude"),
    (lambda found: found.assign(x="east"), "column x"), (lambda found: found.assign(trusted="yes"), "column trusted"),
    (lambda found: found.assign(region90=None), "column region90"), (lambda found: found.to_dict(), "found is"),
    (lambda found: pd.concat([found, found[["x"]]], axis=1), "stands twice"), (lambda found: None, "found is None")])
def test_frames_that_are_no_places_are_not_written(found, change, told, tmp_path):
    with pytest.raises(InputError, match=told):
        output.write(change(found), tmp_path / "found.geojson")
    assert not list(tmp_path.iterdir())


def test_columns_of_ones_own_and_fewer_rows_are_written(found, tmp_path):
    more = found[found.index > 0]
    more = more.assign(weight=np.float32([1, np.inf]), level=pd.array([1, None]), note=[{"a": 1}, None])
    more = more.rename(columns={"note": ("a", 1)})
    features = output.read(output.write(more, tmp_path / "found.geojson"))["features"]
    assert [features[0]["properties"][name] for name in ("weight", "level", "('a', 1)")] == [1.0, 1, "{'a': 1}"]
    assert [features[3]["properties"][name] for name in ("weight", "level", "('a', 1)")] == [None, None, None]
    assert len(pd.read_csv(output.write(more, tmp_path / "found.csv"))) == 2


def test_no_temporary_name_is_told(found, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "geopandas", None)
    with pytest.raises(InputError, match="/found.gpkg: GeoPandas"):
        output.write(found, tmp_path / "found.gpkg")


@pytest.mark.parametrize("name", ["", "."])
def test_a_picture_of_no_file(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert __main__.main(["plot", "model", name]) == 2
    assert "found is" in capsys.readouterr().err


def test_predictions_that_cannot_be_compared():
    dataset = campus.make(n_april=20, n_july=40, n_november=20)
    tested, (x, y) = splits.make(dataset, "random")["test"], transmitters(dataset)
    table = pd.DataFrame({"time": dataset.time.values[tested].astype(str), "x": x[tested], "y": y[tested]})
    for wrong, told in ((table.assign(time=["soon", *table.time[1:]]), "line 1: time 'soon'"),
                        (table.assign(time=[None, *table.time[1:]]), "line 1: no time"),
                        (table.assign(x=[1e12, *table.x[1:]]), "line 1: a place more than 200 km away"),
                        (table.rename(columns={"x": "lat", "y": "lon"}), "more than 200 km away"),
                        (7, "predictions is 7"),
                        (table.assign(x=[np.nan, *table.x[1:]]), "line 1: no place")):
        with pytest.raises(InputError, match=told) as caught, warnings.catch_warnings():
            warnings.simplefilter("error")
            scoreboard.scored(wrong, "random", dataset)
        assert "skip" not in str(caught.value)
