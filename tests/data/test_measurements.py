"""The Measurements Dataset: its laws, its files, and what it refuses."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from rsslib.data import measurements
from rsslib.project import InputError


def small(**changes) -> xr.Dataset:
    values = {
        "rss": [[-80.0, np.nan], [-70.0, -60.0]],
        "sensor_x": [[1001.0, 5005.0], [1001.0, 5006.0]],
        "sensor_y": [[1002.0, 5005.0], [1002.0, 5006.0]],
        "tx_x": [[1003.0, np.nan], [1003.0, 1004.0]],
        "tx_y": [[1004.0, np.nan], [1004.0, 1005.0]],
        "time": ["2022-07-05T09:00:00", "2022-07-05T09:00:04"],
        "season": ["july", "july"],
        "sensors": ["ebc-nuc1-b210", "bus-6186"],
        "kinds": ["nuc", "bus"],
        "source": "mine",
    }
    return measurements.build(**(values | changes))


def test_positions_are_nan_where_nothing_was_heard():
    ds = small()
    assert np.isnan(ds.sensor_x.values[0, 1]) and np.isnan(ds.sensor_y.values[0, 1])
    assert ds.sensor_x.values[1, 1] == 5006.0


def test_types_units_and_attributes():
    ds = small(doi="10.1/2", licence="CC0", md5="abc", title="t")
    assert ds.rss.dtype == np.float32 and ds.tx_x.dtype == np.float64 and ds.time.dtype.kind == "M"
    units = {name: ds[name].attrs["units"] for name in measurements.VARIABLES}
    assert units == {"rss": "dB", "sensor_x": "m", "sensor_y": "m", "tx_x": "m", "tx_y": "m"}
    expected = {"title": "t", "crs": "EPSG:32612", "source": "mine", "doi": "10.1/2", "licence": "CC0"}
    assert ds.attrs == expected | {"md5": "abc"}


@pytest.mark.parametrize(("changes", "message"), [
    ({"time": ["2022-07-05"] * 2}, "mine: sample 2022-07-05 00:00:00: duplicate time stamp"),
    ({"time": ["2022-07-05", None]}, "mine: sample 1: no time stamp"),
    ({"rss": [[-80.0, np.nan], [np.nan, np.nan]]}, "09:00:04: no receiver heard it"),
    ({"rss": [[-80.0, np.nan], [np.inf, -1.0]]}, "09:00:04: infinite RSS"),
    ({"sensor_x": [[1.0, 5.0], [1.0, np.nan]]}, "09:00:04: a receiver that heard it has no position"),
    ({"tx_x": [[3.0, 1.0], [3.0, 4.0]]}, "09:00:00: incomplete transmitter position"),
    ({"kinds": ["nuc", "tram"]}, "mine: receiver bus-6186: unknown kind"),
    ({"sensors": ["a", "a"]}, "mine: receiver a: named twice"),
    ({"source": ""}, "attribute source is missing")])
def test_bad_measurements_are_refused(changes, message):
    with pytest.raises(InputError) as error:
        small(**changes)
    assert message in str(error.value)


def test_structure_is_checked():
    with pytest.raises(InputError, match="f: 'rss' is missing"):
        measurements.validate(small().drop_vars("rss"), "f")
    with pytest.raises(InputError, match="'rss' has dimensions"):
        measurements.validate(small().transpose(), "f")
    with pytest.raises(InputError, match="'tx_x' holds int64"):
        measurements.validate(small().fillna(0).assign(tx_x=lambda ds: ds.tx_x.astype(int)), "f")
    with pytest.raises(InputError, match="attribute crs"):
        measurements.validate(small().assign_attrs(crs="EPSG:4326"), "f")
    with pytest.raises(InputError, match="no samples"):
        measurements.validate(small().isel(sample=slice(0)), "f")


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_a_file_gives_the_same_dataset_and_the_same_bytes(tmp_path, suffix):
    ds = small().assign_attrs(extent_m=[1.0, 2.0, 3.0, 4.5])
    first = measurements.save(ds, tmp_path / f"one{suffix}")
    again = measurements.load(first)
    assert again.identical(ds)
    second = measurements.save(again, tmp_path / f"two{suffix}")
    assert first.read_bytes() == second.read_bytes()


def test_a_bad_dataset_or_name_leaves_no_file(tmp_path):
    with pytest.raises(InputError, match="expected a name ending in .nc or .npz"):
        measurements.save(small(), tmp_path / "m.csv")
    with pytest.raises(InputError, match="named twice"):
        measurements.save(small().assign_coords(sensor=["a", "a"]), tmp_path / "m.nc")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_bad_files_are_named(tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    with pytest.raises(InputError, match="no such file"):
        measurements.load(path)
    for content in (b"", b"nothing of the kind", measurements.save(small(), path).read_bytes()[:300]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"m{suffix}: not measurements"):
            measurements.load(path)


def test_a_file_without_a_variable_is_named(tmp_path):
    small().drop_vars("tx_x").to_netcdf(tmp_path / "m.nc", engine="netcdf4")
    with pytest.raises(InputError, match="m.nc: not measurements .'tx_x' is missing"):
        measurements.load(tmp_path / "m.nc")


@pytest.mark.parametrize(("name", "kind"), [
    ("cnode-mario-dd-b210", "cnode"),
    ("cbrssdr1-fm-comp", "cbrs"),
    ("cellsdr1-smt-comp", "cell"),
    ("law73-nuc2-b210", "nuc"),
    ("bus-4407", "bus")])
def test_names_tell_kinds(name, kind):
    assert measurements.sensor_kind(name) == kind


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match="receiver 'tram-1': unknown kind"):
        measurements.sensor_kind("tram-1")


def test_utm_on_the_central_meridian_and_the_equator():
    x, y = measurements.to_utm([0.0, 40.0], [-111.0, -111.0])
    np.testing.assert_allclose(x, 500000.0, atol=1e-6)
    assert y[0] == pytest.approx(0.0, abs=1e-6) and y[1] == pytest.approx(0.9996 * 4429529.03, abs=1.0)


@given(st.floats(0.1, 83.9), st.floats(0.001, 2.999))
def test_utm_is_symmetric_about_the_central_meridian(lat, away):
    (west, east), (y_west, y_east) = measurements.to_utm([lat, lat], [-111.0 - away, -111.0 + away])
    assert west + east == pytest.approx(1e6, abs=1e-3) and y_west == pytest.approx(y_east, abs=1e-3)


def test_utm_keeps_nan_and_refuses_other_zones():
    assert np.isnan(measurements.to_utm([[np.nan, 40.0]], [[np.nan, -111.0]])[0][0, 0])
    for lat, lon in ((40.0, -105.0), (-111.8, 40.7), (np.nan, -111.0), (np.inf, -111.0)):
        with pytest.raises(InputError, match="f.csv: row 17: latitude"):
            measurements.to_utm([40.0, lat], [-111.0, lon], [16, 17], "f.csv")


@pytest.mark.parametrize("pair", [("tx_x", "tx_y"), ("sensor_x", "sensor_y")])
def test_degrees_are_refused(pair):
    degrees = {pair[0]: np.full((2, 2), -111.8), pair[1]: np.full((2, 2), 40.76)}
    with pytest.raises(InputError, match=f"{pair[0]} and {pair[1]} .*degrees.*to_utm"):
        small(**degrees)


def test_degrees_are_refused_though_a_receiver_that_heard_nothing_is_at_infinity():
    dataset = small()
    dataset.sensor_x[:], dataset.sensor_y[:] = -111.8, 40.76
    silent = np.argwhere(np.isnan(dataset.rss.values))[0]
    dataset.sensor_x[tuple(silent)] = np.inf
    with pytest.raises(InputError, match="degrees"):
        measurements.validate(dataset)


@pytest.mark.parametrize("change", [{"rss": [["loud", 1.0], [1.0, 1.0]]}, {"sensor_x": [[1001.0] * 3] * 2},
                                    {"time": ["2022-07-05", "yesterday"]}, {"season": ["july"]}, {"rss": 5}])
def test_values_of_another_type_or_shape_are_refused(change):
    with pytest.raises(InputError, match="mine: the values do not fit together"):
        small(**change)


def test_only_a_dataset_is_measurements():
    with pytest.raises(InputError, match="expected an xarray.Dataset .* found list"):
        measurements.validate([1, 2])
