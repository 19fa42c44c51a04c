"""Gain libraries: positions, sets, threshold, files, and what is refused."""

import numpy as np
import pytest
import xarray as xr

from rsslib.data import cities
from rsslib.data.buildings import centres, outdoor
from rsslib.project import InputError
from rsslib.propagation import gain_maps as library
from rsslib.propagation import scene
from rsslib.propagation.urban import Urban


@pytest.fixture(scope="module")
def town():
    return cities.procedural(seed=2, side_m=300.0)


@pytest.fixture(scope="module")
def gains(town):
    return library.build(town, 32, count=100, seed=1)


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
    assert set(library.ATTRIBUTES) <= set(attrs) and attrs["synthetic"] is True and attrs["source"] == "procedural"
    assert (attrs["environment"], attrs["n"], attrs["side_m"], attrs["seed"]) == ("procedural", 32, 300.0, 1)
    assert "TR 38.901" in attrs["model"] and "not Atoll" in attrs["model"] and attrs["attribution"] == cities.BANNER


def test_half_of_the_outdoor_cells_are_occupied(gains):
    assert gains.attrs["occupied_share"] == pytest.approx(0.5, abs=0.01)
    town = scene.scene("procedural", 32, gains)
    assert scene.occupied_share(town, "train", 1000, seed=9) == pytest.approx(0.5, abs=0.05)
    quarter, share = library.threshold(gains, samples=500, share=0.25)
    assert quarter > gains.attrs["threshold_dbm"] + 3 and share == pytest.approx(0.25, abs=0.01)


def test_the_threshold_knows_no_held_out_position(gains):
    other = gains.copy(deep=True)
    other.gain_db[other.set.values != "train"] += 30.0
    assert library.threshold(other, 300) == library.threshold(gains, 300)


def test_a_seed_is_a_library(town, gains):
    again = library.build(town, 32, count=100, seed=1)
    assert again.identical(gains)
    assert not library.build(town, 32, count=100, seed=2).cell.equals(gains.cell)


def test_a_file_gives_the_same_library_and_the_same_bytes(tmp_path, gains):
    first = library.save(gains, tmp_path / "one.nc")
    again = library.load(first)
    assert again.identical(gains) and again.attrs["synthetic"] is True
    assert library.save(again, tmp_path / "two.nc").read_bytes() == first.read_bytes()
    assert first.stat().st_size < gains.gain_db.nbytes / 2
    with xr.open_dataset(first) as plain:    # any reader of NetCDF gets dB
        np.testing.assert_allclose(plain.gain_db, gains.gain_db, atol=1e-4)


@pytest.mark.parametrize(("settings", "message"), [
    ({"count": 2000}, "procedural: count is 2000, .* of 32 x 32 cells lie outdoors"),
    ({"count": 5}, "count is 5"), ({"backend": "atoll"}, "backend 'atoll': expected one of urban, sionna"),
    ({"n": 0}, "at least 1 cell"), ({"frequency_hz": 0.0}, "frequency above 0 Hz")])
def test_impossible_libraries_are_refused(town, settings, message):
    with pytest.raises(InputError, match=message):
        library.build(town, **({"n": 32, "count": 100} | settings))


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda ds: ds.drop_vars("x"), "f.nc: expected a variable 'x'"),
    (lambda ds: ds.transpose("position", "column", "row"), "'gain_db' with dimensions"),
    (lambda ds: ds.assign_attrs(n=31), "expected 31 x 31 cells"),
    (lambda ds: ds.assign(cell=("position", np.zeros(100, np.int64))), "1 cells for 100 positions"),
    (lambda ds: ds.assign(gain_db=ds.gain_db.fillna(-90.0)), "position 0: expected a gain"),
    (lambda ds: ds.assign(set=ds.set.str.replace("val", "lav")), "expected sets train, val, test, found lav"),
    (lambda ds: ds.drop_attrs(deep=False), "attribute 'environment' is missing")])
def test_a_spoilt_library_is_refused_and_not_written(tmp_path, gains, spoil, message):
    with pytest.raises(InputError, match=message):
        library.save(spoil(gains), tmp_path / "f.nc")
    assert not list(tmp_path.iterdir())


def test_bad_files_are_named(tmp_path, gains):
    with pytest.raises(InputError, match="f.csv: unknown format '.csv'"):
        library.save(gains, tmp_path / "f.csv")
    path = tmp_path / "f.nc"
    with pytest.raises(InputError, match="f.nc: no such file"):
        library.load(path)
    whole = library.save(gains, path).read_bytes()
    for content in (b"", b"nothing of the kind", whole[:300], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(InputError, match="f.nc: not a gain library"):
            library.load(path)
    xr.Dataset({"gain_db": ("position", [1.0])}).to_netcdf(path)
    with pytest.raises(InputError, match="f.nc: not a gain library"):
        library.load(path)
