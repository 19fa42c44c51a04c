"""Making gain libraries: positions, sets, threshold, and what is refused."""

import numpy as np
import pytest

from rsslib.data import cities
from rsslib.data.buildings import centres, outdoor
from rsslib.project import InputError
from rsslib.propagation import gain_maps as maps
from rsslib.propagation import scene
from rsslib.propagation.gain_library import ATTRIBUTES
from rsslib.propagation.urban import Urban


@pytest.fixture(scope="module")
def town():
    return cities.procedural(seed=2, side_m=300.0)


@pytest.fixture(scope="module")
def gains(town):
    return maps.build(town, 32, count=100, seed=1)


def test_positions_are_the_centres_of_different_outdoor_cells(town, gains):
    cell = gains.cell.values
    assert cell.dtype == np.int64 and len(np.unique(cell)) == 100
    assert gains.outdoor.values.ravel()[cell].all() and (gains.outdoor.values == outdoor(town, 32)).all()
    np.testing.assert_array_equal(np.stack([gains.x, gains.y], axis=1), centres(32, 300.0)[cell])


def test_gains_are_the_model_s_in_hundredths(town, gains):
    assert gains.gain_db.dims == ("position", "row", "column") and gains.gain_db.dtype == np.float32
    model = Urban(town, 32, seed=1)
    for row in (0, 57):
        direct = model.gain_map_db((gains.x.values[row], gains.y.values[row]))
        np.testing.assert_allclose(gains.gain_db.values[row], direct, atol=0.00501)
    assert (np.isfinite(gains.gain_db.values) == gains.outdoor.values).all()


def test_sets_share_no_position(gains):
    names, counts = np.unique(gains.set.values, return_counts=True)
    assert dict(zip(names, counts)) == {"train": 70, "val": 15, "test": 15}
    cells = scene.scene("procedural", 32, gains).cells
    assert sum(map(len, cells.values())) == len(set().union(*map(set, cells.values()))) == 100


def test_attributes_name_model_and_origin(town, gains):
    attrs = gains.attrs
    assert set(ATTRIBUTES) <= set(attrs) and attrs["synthetic"] is True and attrs["source"] == "procedural"
    assert (attrs["environment"], attrs["n"], attrs["side_m"], attrs["seed"]) == ("procedural", 32, 300.0, 1)
    assert "TR 38.901" in attrs["model"] and "not Atoll" in attrs["model"] and attrs["attribution"] == cities.BANNER


def test_half_of_the_outdoor_cells_are_occupied(gains):
    assert gains.attrs["occupied_share"] == pytest.approx(0.5, abs=0.01)
    town = scene.scene("procedural", 32, gains)
    assert scene.occupied_share(town, "train", 1000, seed=9) == pytest.approx(0.5, abs=0.05)
    quarter, share = maps.threshold(gains, samples=500, share=0.25)
    assert quarter > gains.attrs["threshold_dbm"] + 3 and share == pytest.approx(0.25, abs=0.01)


def test_the_threshold_knows_no_held_out_position(gains):
    other = gains.copy(deep=True)
    other.gain_db[other.set.values != "train"] += 30.0
    assert maps.threshold(other, 300) == maps.threshold(gains, 300)


def test_a_seed_is_a_library(town, gains):
    again = maps.build(town, 32, count=100, seed=1)
    assert again.identical(gains)
    assert not maps.build(town, 32, count=100, seed=2).cell.equals(gains.cell)


@pytest.mark.parametrize(("settings", "message"), [
    ({"count": 2000}, "count is 2000; expected 20 positions .* of 32 x 32 cells of procedural lie outdoors"),
    ({"count": 5}, "count is 5"), ({"count": 100.0}, "count is 100.0"), ({"count": "100"}, "count is '10"),
    ({"count": True}, "count is True"), ({"count": 10**30}, "count is 1000000"), ({"count": None}, "count"),
    ({"n": 0}, "at least 1 cell"), ({"n": 32.0}, "n is 32.0"), ({"n": "32"}, "n is"), ({"n": 10**5}, "at most"),
    ({"seed": -1}, "seed is -1"), ({"seed": 1.5}, "seed is 1.5"), ({"seed": None}, "seed is None"),
    ({"backend": "atoll"}, "backend is 'atoll'; expected one of urban, sionna"), ({"backend": None}, "backend is None"),
    ({"backend": ["urban"]}, "backend is \\['urban'\\]; expected"),
    ({"frequency_hz": 0.0}, "frequency_hz is 0.0"), ({"frequency_hz": "3.5e9"}, "frequency_hz is '3.5e9'"),
    ({"shadowing_dB": 4.0}, "shadowing_dB: no setting of the backend 'urban'; expected some of emitter_m, sensor_m, s"),
    ({"rays": 10}, "rays: no setting of the backend 'urban'"),
    ({"backend": "sionna", "shadowing_db": 4.0}, "shadowing_db: no setting of the backend 'sionna'; .*rays, depth"),
    ({"shadowing_db": -1.0}, "shadowing_db is -1"),
    ({"emitter_m": 0.5}, "emitter_m is 0.5; expected antennas")])
def test_impossible_libraries_are_refused(town, settings, message):
    with pytest.raises(InputError, match=message):
        maps.build(town, **({"n": 32, "count": 100} | settings))


@pytest.mark.parametrize("city", [None, "chicago", {"side_m": 300.0}])
def test_what_is_no_city_is_refused(city):
    with pytest.raises(InputError, match="city is .*; expected a City of rsslib.data.cities"):
        maps.build(city, 32)


def test_a_repetition_counts_the_gains_that_differ(town, gains):
    assert maps.repeated(gains, town, 4) == {"repeated_positions": 4, "repeated_differ": 0, "repeated_differ_3db": 0,
                                             "repeated_gains": 4 * int(gains.outdoor.sum())}
    other = gains.copy(deep=True)
    first, last = np.flatnonzero(gains.outdoor)[[0, -1]]
    other.gain_db.values.reshape(100, -1)[0, first] -= 0.02
    other.gain_db.values.reshape(100, -1)[99, last] -= 3.5
    counted = maps.repeated(other, town, 2)
    assert (counted["repeated_differ"], counted["repeated_differ_3db"]) == (2, 1)
    assert maps.repeated(gains, town, 2, shadowing_db=4.0)["repeated_differ_3db"] > 100


@pytest.mark.parametrize(("changes", "message"), [
    ({"count": 0}, "count is 0; expected 1 to 100 positions"), ({"count": 101}, "count is 101"),
    ({"city": None}, "city is None"), ({"library": None}, "expected an xarray.Dataset"), ({"rays": 5}, "rays: no"),
    ({"backend": "x"}, "backend is 'x'")])
def test_a_repetition_of_nothing_is_refused(town, gains, changes, message):
    with pytest.raises(InputError, match=message):
        maps.repeated(**({"library": gains, "city": town} | changes))


def test_a_repetition_needs_the_same_city(gains):
    with pytest.raises(InputError, match="library: made of procedural; expected one of the city other"):
        maps.repeated(gains, cities.procedural(seed=2, side_m=300.0, name="other"))


@pytest.mark.parametrize(("settings", "message"), [
    ({"share": 1.5}, "share is 1.5; expected a share from 0 to 1"), ({"share": "0.5"}, "share is '0.5'"),
    ({"share": float("nan")}, "share is nan"), ({"samples": 0}, "samples is 0"), ({"seed": -1}, "seed is")])
def test_a_threshold_of_nothing_is_refused(gains, settings, message):
    with pytest.raises(InputError, match=message):
        maps.threshold(gains, **settings)
