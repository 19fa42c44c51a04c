"""A locator of one's own: the same places in any reference system, at any size; regions that keep their word."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer
from sklearn.base import clone

from rsslib.data.grid import transmitters
from rsslib.locator import output
from rsslib.locator.held_out import CELLS
from rsslib.locator.locator import Locator
from rsslib.project import InputError, InputWarning
from rsslib.propagation import town
from rsslib.tables import systems
from rsslib.tables.reading import read_table


@pytest.fixture(scope="module")
def found(fitted, new):
    return fitted.locate(new)


def covered(found, dataset, name="region90"):
    """Return the share of true places in their region."""
    lon, lat = systems.transform(dataset.attrs["crs"], systems.DEGREES, *transmitters(dataset))
    return shapely.covers(found[name].to_numpy(), shapely.points(lon, lat)).mean()


def test_it_locates_nearer_than_chance_and_its_regions_hold(found, fitted, new):
    x, y = transmitters(new)
    error = np.hypot(found.x - x, found.y - y)
    middle = np.hypot(x - x.mean(), y - y.mean())
    assert np.median(error) < 0.4 * np.median(middle)
    assert covered(found, new) > 0.8 and covered(found, new, "region50") < covered(found, new)
    assert -fitted.score(new) == pytest.approx(np.median(error))
    assert (found.area50_km2 <= found.area90_km2).all()
    assert found.sensors.str.split(", ").map(len).max() <= 3
    assert {one for text in found.sensors for one in text.split(", ")} <= set(new.sensor.values)


def test_the_self_test_foretells_the_error(found, fitted, new):
    test = fitted.test_of_seen_
    x, y = transmitters(new)
    assert 0.6 < np.median(np.hypot(found.x - x, found.y - y)) / test.median_m < 1.6
    assert test.samples == 250 and 0.85 <= test.covered90 <= 0.95
    assert fitted.self_test_[CELLS].median_m > test.median_m


@pytest.mark.parametrize("crs, origin", [
    ("EPSG:32633", (470000.0, 5440000.0)), ("EPSG:32733", (470000.0, 6300000.0)),
    ("EPSG:32633", (167200.0, 5440000.0))])
def test_degrees_and_metres_give_the_same_places(crs, origin):
    """In both hemispheres, and beside the border of zone 33, where the site lies half in zone 32."""
    made = town.make(samples=60, receivers=6, walk=False, crs=crs, origin=origin)
    project = Transformer.from_crs(crs, 4326, always_xy=True).transform
    degrees, sensors = made.readings.copy(), made.sensors.copy()
    degrees["tx_lon"], degrees["tx_lat"] = project(degrees.pop("tx_x"), degrees.pop("tx_y"))
    sensors["lon"], sensors["lat"] = project(sensors.pop("x"), sensors.pop("y"))
    one = Locator(threads=1).fit(read_table(made.readings, made.sensors, crs=crs))
    other = Locator(threads=1).fit(read_table(degrees, sensors))
    new = made.readings.drop(columns=["tx_x", "tx_y"])
    first, second = one.locate(new), other.locate(new)
    assert first.attrs["crs"] == crs and second.attrs["crs"] == "EPSG:4326"
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(second.x, second.y)
    assert np.hypot(first.x - x, first.y - y).max() < 0.1
    assert np.allclose(first.lat, second.lat, atol=1e-6) and (first.trusted == second.trusted).all()


@pytest.mark.parametrize("factor", [0.05, 60.0])
def test_a_site_of_any_size(made, factor):
    """The same town thirty metres or thirty kilometres wide: readings tell the same places."""
    def sized(table, names):
        return table.assign(**{name: 5000 + (table[name] - table[name].min()) * factor for name in names})
    readings = sized(made.readings, ["tx_x", "tx_y"])
    low = made.readings[["tx_x", "tx_y"]].min().to_numpy()
    sensors = made.sensors.assign(x=5000 + (made.sensors.x - low[0]) * factor,
                                  y=5000 + (made.sensors.y - low[1]) * factor)
    plain = Locator(threads=1).fit(read_table(made.readings, made.sensors, crs="local"))
    other = Locator(threads=1).fit(read_table(readings, sensors))
    assert other.scale_.pixel_m == pytest.approx(plain.scale_.pixel_m * factor, rel=0.01)
    assert other.test_of_seen_.median_m == pytest.approx(factor * plain.test_of_seen_.median_m, rel=0.1)


def test_files(found, fitted, tmp_path):
    path = output.write(found, tmp_path / "found.geojson")
    content = json.loads(path.read_text())
    assert set(content) == {"type", "features"} and content["type"] == "FeatureCollection"
    assert len(content["features"]) == 3 * len(found)
    for feature in content["features"]:    # RFC 7946: no other system, exteriors counterclockwise, closed rings
        assert feature["type"] == "Feature" and "properties" in feature
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid and not shape.is_empty
        for part in shapely.get_parts(shape):
            if part.geom_type == "Polygon":
                assert part.exterior.is_ccw and all(not ring.is_ccw for ring in part.interiors)
        west, south, east, north = shape.bounds
        assert 14 < west <= east < 15 and 49 < south <= north < 50
    places = [one for one in content["features"] if one["properties"]["kind"] == "place"]
    assert places[0]["geometry"]["coordinates"] == [round(found.lon[0], 7), round(found.lat[0], 7)]
    table = pd.read_csv(output.write(found, tmp_path / "found.csv"))
    assert len(table) == len(found) and np.allclose(table.x, found.x, atol=0.01) and "region90" not in table
    for name in ("found.txt", "found"):
        with pytest.raises(InputError, match=r"\.geojson"):
            output.write(found, tmp_path / name)
    assert {one.name for one in tmp_path.iterdir()} == {"found.geojson", "found.csv"}


def test_it_is_saved_and_loaded_whole(found, fitted, new, tmp_path):
    fitted.save(tmp_path / "model")
    again = Locator.load(tmp_path / "model").locate(new)
    assert again.drop(columns=["region50", "region90"]).equals(found.drop(columns=["region50", "region90"]))
    assert output.summary(Locator.load(tmp_path / "model")) == output.summary(fitted)
    for name in ("header.json", "maps.nc"):
        content = (tmp_path / "model" / name).read_bytes()
        (tmp_path / "model" / name).write_bytes(content[:200] + b"7" + content[201:])
        with pytest.raises(InputError, match=name):
            Locator.load(tmp_path / "model")
        (tmp_path / "model" / name).write_bytes(content)


def test_a_table_needs_no_sensors_of_its_own(made, fitted, found, new):
    times = pd.to_datetime(new.time.values, utc=True)
    table = made.readings[pd.to_datetime(made.readings.time).isin(times)].drop(columns=["tx_x", "tx_y"])
    located = fitted.locate(table)
    assert np.allclose(located.x, found.x, atol=0.01) and (located.time == found.time).all()


def test_scikit_learn_knows_it(fitted):
    assert fitted.get_params() == {"network": False, "seed": 0, "threads": 1}
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params() and not hasattr(copy, "model_")
    assert Locator().set_params(seed=3).seed == 3


def test_with_networks(site, new, tmp_path):
    from rsslib.radio_maps import fed_recipe

    original = fed_recipe.FedRecipe
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rsslib.locator.locator.FedRecipe", lambda **given: original(
            epochs=1, least_steps=0, threads=1, **given))
        model = Locator(network=True, threads=1).fit(site.isel(sample=slice(120)))
    located = model.locate(new)
    model.save(tmp_path)
    assert np.allclose(Locator.load(tmp_path).locate(new).x, located.x) and covered(located, new) > 0.5
    with pytest.raises(InputError, match="promise"):    # no network was trained without a part of the site
        model.locate(new, promise="unseen cells")
    weights = next((tmp_path / "networks").glob("*.safetensors"))
    (tmp_path / "networks" / "header.json").write_text("{}")
    with pytest.raises(InputError, match="networks/header.json: not what this model was saved with"):
        Locator.load(tmp_path)
    assert weights.exists()


def test_receivers_stay_where_they_are_in_another_datum(made, new):
    """ED50 and WGS 84 are a hundred metres apart here: places in one must not be read as if in the other."""
    project = Transformer.from_crs(made.crs, 4230, always_xy=True).transform
    readings, sensors = made.readings.copy(), made.sensors.copy()
    readings["tx_lon"], readings["tx_lat"] = project(readings.pop("tx_x"), readings.pop("tx_y"))
    sensors["lon"], sensors["lat"] = project(sensors.pop("x"), sensors.pop("y"))
    model = Locator(threads=1).fit(read_table(readings, sensors, crs=4230))
    table = readings.drop(columns=["tx_lat", "tx_lon"])
    back = model.read(table)
    assert np.abs(back.sensor_x - model.read(table, sensors).sensor_x).max() < 0.01
    assert model.locate(table).x.between(14, 15).all()    # degrees of ED50, as they came


def test_what_moves_has_no_place_to_fall_back_on(made, site):
    x = site.sensor_x.values.copy()
    x[:, 0] += np.linspace(0, 300, len(x))
    model = Locator(threads=1).fit(site.assign(sensor_x=(site.sensor_x.dims, x, site.sensor_x.attrs)))
    mover = str(site.sensor.values[0])
    assert mover not in set(model.sensors_.sensor) and len(model.sensors_) == site.sizes["sensor"] - 1
    with pytest.warns(InputWarning, match="of sensors that were not heard in the fit, or moved there, are not used"):
        found = model.read(made.readings.drop(columns=["tx_x", "tx_y"]))
    assert mover not in set(found.sensor.values)


def test_the_coverage_of_the_self_test_can_fail():
    """Parts that differ: one calibrates regions that are too small for the other."""
    from rsslib.locator.held_out import HeldOut

    score = np.r_[np.full(50, 0.1), np.full(50, 0.9)]
    one = HeldOut(score, score, np.zeros((100, 2)), np.repeat([0, 1], 50))
    assert one.coverage(0.9) == 0.5 and HeldOut(score, score, one.doubts, np.zeros(100, int)).coverage(0.9) == 0.5


def test_local_metres_and_degrees_do_not_mix(made):
    model = Locator(threads=1).fit(read_table(made.readings, made.sensors, crs="local"))
    degrees = made.readings.drop(columns=["tx_x", "tx_y"]).assign(tx_lat=49.1, tx_lon=14.6)
    with pytest.raises(InputError, match="the model in local; expected both in metres from one corner, or neither"):
        model.locate(degrees)


def test_what_nobody_heard_gets_no_place(fitted, new):
    silent = new.copy(deep=True)
    silent["sensor"] = ("sensor", ["unknown", *new.sensor.values[1:]])
    silent.rss.values[0, 1:] = np.nan
    silent.rss.values[0, 0] = -80
    silent = silent.assign(sensor_x=silent.sensor_x.fillna(float(new.sensor_x.mean())),
                           sensor_y=silent.sensor_y.fillna(float(new.sensor_y.mean())))
    with pytest.warns(InputWarning, match="3 of .* were heard by no sensor of the fit"):
        located = fitted.locate(silent)
    assert np.isnan(located.x[0]) and not located.trusted[0] and np.isfinite(located.x).sum() == len(located) - 3
    features = output.geojson(located)["features"]
    assert features[0]["geometry"] is None and json.dumps(features, allow_nan=False)


def test_sensors_of_a_table_that_differ_from_the_fit_are_told_of(made, fitted):
    table, sensors = made.readings.drop(columns=["tx_x", "tx_y"]), made.sensors
    renamed = table.assign(sensor=table.sensor.replace("r03", "R-3"))
    with pytest.warns(InputWarning) as told:
        fitted.locate(renamed, sensors.assign(sensor=sensors.sensor.replace("r03", "R-3")))
    assert any("sensors that the fit does not know are not used: 1, 'R-3'" in str(one.message) for one in told)
    assert any("sensors of the fit without a reading: 1, 'r03'; have they" in str(one.message) for one in told)
    with pytest.warns(InputWarning, match="sensors of the fit without a reading: 1, 'r03'; have they another name"):
        fitted.locate(table[table.sensor != "r03"])
    with pytest.warns(InputWarning, match="not where they were in the fit: 1, 'r03'; a path loss stands"):
        fitted.locate(table, sensors.assign(x=sensors.x + 700 * (sensors.sensor == "r03")))
    fitted.locate(table, sensors)    # as in the fit: no warning, which would be an error here


def test_names_of_samples_come_back(made, fitted):
    table = made.readings.drop(columns=["tx_x", "tx_y"])
    table["sample"] = "message " + (101 + pd.Series(pd.factorize(table.time)[0])).astype(str)
    found = fitted.locate(table.iloc[::-1].reset_index(drop=True))
    assert found.given_sample[0] == table["sample"].iloc[-1] and found.given_sample.nunique() == len(found)
    by_time, plain = found.set_index("time"), fitted.locate(table.drop(columns="sample")).set_index("time")
    assert "given_sample" not in plain and by_time.x.sub(plain.x).abs().max() < 0.01
    assert output.geojson(found)["features"][0]["properties"]["given_sample"] == found.given_sample[0]


def test_what_cannot_be_fitted_or_located(site, fitted, new, tmp_path):
    with pytest.raises(InputError, match="not fitted"):
        Locator().locate(new)
    with pytest.raises(InputError, match="10 samples with a known place .* at least 30"):
        Locator().fit(site.isel(sample=slice(10)))
    with pytest.raises(InputError, match="network"):
        Locator(network="yes").fit(site)
    with pytest.raises(InputError, match="promise"):
        fitted.locate(new, promise="all")
    with pytest.raises(InputError, match="known place"):
        fitted.score(new.assign(tx_x=new.tx_x * np.nan, tx_y=new.tx_y * np.nan))
    with pytest.raises(InputError, match="was heard by a sensor of the fit"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted.locate(new.assign_coords(sensor=("sensor", [f"other{n}" for n in range(new.sizes["sensor"])])))
    with pytest.raises(InputError, match="no such file"):
        Locator.load(tmp_path / "nowhere")
