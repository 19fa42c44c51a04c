"""The files of gain libraries: the same library back, and what is refused with which words."""

import numpy as np
import pytest
import xarray as xr

from rsslib.data import cities
from rsslib.files import write_netcdf
from rsslib.project import InputError
from rsslib.propagation import gain_library as library
from rsslib.propagation import gain_maps


@pytest.fixture(scope="module")
def gains():
    return gain_maps.build(cities.procedural(seed=2, side_m=300.0), 32, count=100, seed=1)


@pytest.fixture(scope="module")
def path(gains, tmp_path_factory):
    return library.save(gains, tmp_path_factory.mktemp("library") / "f.nc")


def stored(path, **changes):
    """The library as it lies in a file, with other attributes or variables."""
    with xr.open_dataset(path, decode_cf=False) as file:
        raw = file.load()
    for name, value in changes.items():
        raw = raw.assign_attrs({name: value}) if name in raw.attrs else raw.assign({name: value(raw[name])})
    return raw


def test_a_file_gives_the_same_library_and_the_same_bytes(tmp_path, gains, path):
    again = library.load(path)
    assert again.identical(gains) and again.attrs["synthetic"] is True
    assert library.save(again, tmp_path / "two.nc").read_bytes() == path.read_bytes()
    assert path.stat().st_size < gains.gain_db.nbytes / 2
    with xr.open_dataset(path) as plain:    # any reader of NetCDF gets dB
        np.testing.assert_allclose(plain.gain_db, gains.gain_db, atol=1e-4)


def test_files_without_a_digest_are_read(tmp_path, gains, path):
    raw = stored(path)
    del raw.attrs["content_sha256"]
    raw.to_netcdf(tmp_path / "old.nc")
    assert library.load(tmp_path / "old.nc").identical(gains)


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda ds: ds.drop_vars("x"), "f.nc: expected a variable 'x'"),
    (lambda ds: ds.transpose("position", "column", "row"), "'gain_db' with dimensions"),
    (lambda ds: ds.drop_attrs(deep=False), "attribute 'environment' is missing"),
    (lambda ds: ds.assign_attrs(n=31), "expected 31 x 31 cells"),
    (lambda ds: ds.assign_attrs(n=32.0), "f.nc: n is 32.0"), (lambda ds: ds.assign_attrs(n="32"), "n is '32'"),
    (lambda ds: ds.assign_attrs(n=np.nan), "n is nan"), (lambda ds: ds.assign_attrs(n=[32, 32]), "n is"),
    (lambda ds: ds.assign_attrs(side_m=-300.0), "f.nc: side_m is -300"),
    (lambda ds: ds.assign_attrs(side_m=0.3), "f.nc: side_m is 0.3"),
    (lambda ds: ds.assign_attrs(side_m=310.0), "position 0: x is .* m; expected .* m, the centre of cell"),
    (lambda ds: ds.assign_attrs(frequency_hz=3.5), "f.nc: frequency_hz is 3.5"),
    (lambda ds: ds.assign_attrs(threshold_dbm=np.nan), "f.nc: threshold_dbm is nan; expected a power"),
    (lambda ds: ds.assign_attrs(threshold_dbm="-80"), "threshold_dbm is '-80'"),
    (lambda ds: ds.assign_attrs(occupied_share=50.0), "occupied_share is 50.0; expected a share from 0 to 1"),
    (lambda ds: ds.assign_attrs(seed=-1), "f.nc: seed is -1"), (lambda ds: ds.assign_attrs(seed=None), "seed"),
    (lambda ds: ds.assign_attrs(model=3), "f.nc: model is 3; expected a text"),
    (lambda ds: ds.assign_attrs(synthetic="no"), "f.nc: synthetic is 'no'; expected True or False"),
    (lambda ds: ds.assign(cell=("position", np.zeros(100, np.int64))), "1 cells for 100 positions"),
    (lambda ds: ds.assign(cell=ds.cell + 0.5), "f.nc: cell is of type float64"),
    (lambda ds: ds.assign(cell=-ds.cell), "each position in an outdoor cell of its own"),
    (lambda ds: ds.assign(x=ds.x[::-1].drop_vars("position", errors="ignore")), "position .: x is"),
    (lambda ds: ds.assign(y=ds.y + 1000.0), "position 0: y is .* m; expected"),
    (lambda ds: ds.assign(y=ds.y * np.nan), "position 0: y is nan m"),
    (lambda ds: ds.assign(x=ds.x.astype(str)), "f.nc: x is of type"),
    (lambda ds: ds.assign(outdoor=ds.outdoor.astype(np.int8)), "f.nc: outdoor is of type int8"),
    (lambda ds: ds.assign(gain_db=ds.gain_db.fillna(-90.0)), "position 0: expected a gain"),
    (lambda ds: ds.assign(gain_db=ds.gain_db * 0), "found 0 to 0|position"),
    (lambda ds: ds.assign(gain_db=-ds.gain_db), "f.nc: gain_db: found .* expected -327.67 to 0 dB"),
    (lambda ds: ds.assign(gain_db=ds.gain_db * 10), "f.nc: gain_db: found -.* expected -327.67 to 0 dB"),
    (lambda ds: ds.assign(gain_db=ds.gain_db.where(ds.gain_db < -70, np.inf)), "expected a gain in each outdoor cell"),
    (lambda ds: ds.assign(gain_db=ds.gain_db.fillna(0).astype(np.int16)), "gain_db is of type int16"),
    (lambda ds: ds.assign(set=ds.set.str.replace("val", "lav")), "'lav': 15.*expected sets train, val, test"),
    (lambda ds: ds.assign(set=ds.set.str.replace("val", "test")), "'val': 0.*each with 3 positions or more"),
    (lambda ds: ds.assign(set=("position", np.arange(100))), "set is of type int64"),
    (lambda ds: ds.isel(position=slice(0)), "'train': 0"), (lambda ds: ds.isel(row=slice(0)), "raster of \\(0, 32\\)"),
    (lambda ds: ds.to_dict(), "expected an xarray.Dataset"), (lambda ds: None, "expected an xarray.Dataset")])
def test_a_spoilt_library_is_refused_and_not_written(tmp_path, gains, spoil, message):
    spoilt = spoil(gains)
    if message.startswith("found 0 to 0"):    # gains of 0 dB, the most that there can be
        library.save(spoilt, tmp_path / "f.nc")
        return
    with pytest.raises(InputError, match=message):
        library.save(spoilt, tmp_path / "f.nc")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("changes", "message"), [
    ({"synthetic": "no"}, "'synthetic' is 'no'"), ({"synthetic": 2}, "'synthetic' is 2"), ({"n": "32"}, "n is"),
    ({"side_m": np.nan}, "side_m is nan"), ({"occupied_share": -0.5}, "occupied_share is -0.5"),
    ({"gain_db": lambda one: one.assign_attrs(scale_factor=0.1)}, "gain_db in steps of 0.1 dB"),
    ({"gain_db": lambda one: one.assign_attrs(missing_value=np.int16(0))}, "without 0"),
    ({"gain_db": lambda one: one.drop_attrs()}, "scale_factor"), ({"gain_db": lambda one: one * 0.5}, "of type float"),
    ({"outdoor": lambda one: one * 2}, "`outdoor` other than 0 and 1"), ({"cell": lambda one: one * 1.5}, "'cell' is"),
    ({"set": lambda one: one.astype("S5")}, "f2.nc"), ({"x": lambda one: one.astype(str)}, "'x' is of type")])
def test_a_file_with_other_contents_is_named(tmp_path, path, changes, message):
    with pytest.raises(InputError, match=f"f2.nc.*{message}" if message != "f2.nc" else message):
        library.load(write_netcdf(stored(path, **changes), tmp_path / "f2.nc"))


def test_bad_files_are_named(tmp_path, gains, path):
    for name in ("f.csv", "f", "f.nc.gz"):
        with pytest.raises(InputError, match=f"{name}: unknown format"):
            library.save(gains, tmp_path / name)
    with pytest.raises(InputError, match="nowhere.nc: no such file; expected a gain library .*gain_maps.build makes"):
        library.load(tmp_path / "nowhere.nc")
    with pytest.raises(InputError, match="this is a folder"):
        library.load(tmp_path)
    whole, bad = path.read_bytes(), tmp_path / "f.nc"
    for content in (b"", b"nothing of the kind", whole[:300], whole[: len(whole) // 2]):
        bad.write_bytes(content)
        with pytest.raises(InputError, match="f.nc: broken or something else .*; expected a gain library"):
            library.load(bad)
    xr.Dataset({"gain_db": ("position", [1.0])}).to_netcdf(bad)
    with pytest.raises(InputError, match="f.nc: broken or something else"):
        library.load(bad)


def test_no_flipped_byte_passes_as_another_library(tmp_path, gains, path):
    whole, random, refused = path.read_bytes(), np.random.default_rng(0), 0
    for place in random.integers(0, len(whole), 150):
        content = bytearray(whole)
        content[place] ^= 1 << int(random.integers(8))
        (tmp_path / "f.nc").write_bytes(content)
        try:
            assert library.load(tmp_path / "f.nc").identical(gains)    # the byte is padding
        except InputError as error:
            refused += "f.nc" in str(error)
    assert refused > 50
