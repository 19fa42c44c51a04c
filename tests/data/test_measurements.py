"""The Measurements Dataset: its laws, its files, and what it refuses."""

import numpy as np
import pytest
import xarray as xr

from rsslib import data
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
    ({"time": ["2022-07-05T09:00Z", "2022-07-05T11:00+02:00"]}, "mine: sample 2022-07-05 09:00:00: duplicate time"),
    ({"time": ["2022-07-05", None]}, "mine: sample 1: no time stamp"),
    ({"rss": [[-80.0, np.nan], [np.nan, np.nan]]}, "09:00:04: no receiver heard it"),
    ({"rss": [[-80.0, np.nan], [np.inf, -1.0]]}, "mine: rss is inf (1 of 3 readings); expected dB above -200"),
    ({"sensor_x": [[1.0, 5.0], [1.0, np.nan]]}, "09:00:04: a receiver that heard it has no position"),
    ({"tx_x": [[3.0, 1.0], [3.0, 4.0]]}, "09:00:00: incomplete transmitter position"),
    ({"tx_y": [[np.inf, 1.0], [3.0, 4.0]], "tx_x": [[3.0, 1.0], [3.0, 4.0]]}, "09:00:00: incomplete transmitter"),
    ({"kinds": ["nuc", "tram"]}, "mine: receiver bus-6186: unknown kind; expected one of cnode, cbrs, cell, nuc, bus"),
    ({"sensors": ["a", "a"]}, "mine: receiver a: named twice"),
    ({"source": ""}, "attribute source is ''; expected frs, campus or another name"),
    ({"source": None}, "measurements: source is None; expected a text"),
    ({"doi": ["10.1/2"]}, "measurements: doi is ['10.1/2']; expected a text"),
    ({"title": 5}, "measurements: title is 5; expected a text")])
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
    with pytest.raises(InputError, match="no sensors"):
        measurements.validate(small().isel(sensor=slice(0)), "f")


@pytest.mark.parametrize("crs", [None, 32612, ["EPSG:32612"], np.array(["EPSG:32612", "EPSG:4326"])])
def test_the_crs_is_one_text(crs):
    with pytest.raises(InputError, match="f: attribute crs is .*; expected metres in UTM"):
        measurements.validate(small().assign_attrs(crs=crs), "f")


@pytest.mark.parametrize("variable, units", [("rss", "mW"), ("tx_x", "km"), ("sensor_y", "degrees"), ("rss", 1)])
def test_units_are_those_of_the_schema(variable, units):
    dataset = small()
    dataset[variable].attrs["units"] = units
    with pytest.raises(InputError, match=f"f: '{variable}' has units {units!r}; expected"):
        measurements.validate(dataset, "f")
    dataset[variable].attrs["units"] = "dBm" if variable == "rss" else "metres"
    assert measurements.validate(dataset) is dataset
    del dataset[variable].attrs["units"]
    assert measurements.validate(dataset) is dataset


@pytest.mark.parametrize("name, texts", [("season", [None, "july"]), ("sensor", ["a", " "]), ("sensor", ["a", "b\0c"]),
                                         ("season", ["july", 7]), ("sensor_kind", ["nuc", np.nan])])
def test_names_in_a_dataset_are_texts(name, texts):
    dataset = small()
    dataset = dataset.assign_coords({name: (dataset[name].dims, np.array(texts, object))})
    with pytest.raises(InputError, match=f"f: {name}: entry . is .*; expected a text of printable characters"):
        measurements.validate(dataset, "f")


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_time_of_a_dataset_may_be_coarser_than_nanoseconds(unit, tmp_path):
    dataset = small().assign_coords(time=("sample", small().time.values.astype(f"M8[{unit}]")))
    for suffix in (".nc", ".npz"):
        again = measurements.load(measurements.save(dataset, tmp_path / f"m{suffix}"))
        assert again.equals(dataset) and again.time.dtype == "M8[ns]"


@pytest.mark.parametrize("time, message", [
    (np.array([1371713733, 1371713691], "M8[ns]"), "a number of s since 1970 was taken for nanoseconds"),
    (np.array(["1500-01-01", "2022-01-01"], "M8[s]"), "expected a year from 1678 to 2261")])
def test_time_of_a_dataset_is_that_of_a_measurement(time, message):
    with pytest.raises(InputError, match=f"f: time: .*{message}"):
        measurements.validate(small().assign_coords(time=("sample", time)), "f")


def test_one_transmitter_needs_no_second_dimension():
    one = small(tx_x=[1003.0, 1004.0], tx_y=[1004.0, 1005.0])
    assert one.identical(small(tx_x=[[1003.0], [1004.0]], tx_y=[[1004.0], [1005.0]]))
    assert small(tx_x=np.empty((2, 0)), tx_y=np.empty((2, 0))).sizes["tx"] == 0


def test_kinds_are_other_by_default():
    assert small(kinds=None).sensor_kind.values.tolist() == ["other", "other"]


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_a_file_gives_the_same_dataset_and_the_same_bytes(tmp_path, suffix):
    ds = small().assign_attrs(extent_m=[901.0, 1005.5, 1002.0, 1006.0])
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
    with pytest.raises(InputError, match="no such file; expected measurements"):
        measurements.load(path)
    for content in (b"", b"nothing of the kind", measurements.save(small(), path).read_bytes()[:300]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"m{suffix}: broken or something else .*; expected measurements .rss, "):
            measurements.load(path)


@pytest.mark.parametrize("path", [None, 5, b"m.nc", ["m.nc"], np.array(["a", "b"])])
def test_a_path_is_a_path(path):
    for door in (measurements.load, data.load, lambda path: measurements.save(small(), path)):
        with pytest.raises(InputError, match="(path|source) is .*; expected the path of a file of measurements"):
            door(path)


def test_a_file_without_a_variable_is_named(tmp_path):
    small().drop_vars("tx_x").to_netcdf(tmp_path / "m.nc", engine="netcdf4")
    with pytest.raises(InputError, match="m.nc: 'tx_x' is missing"):
        measurements.load(tmp_path / "m.nc")


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_a_file_may_mark_what_was_not_heard(tmp_path, suffix):
    marked = small()
    marked["rss"] = marked.rss.fillna(-30.0)
    marked["sensor_x"], marked["sensor_y"] = marked.sensor_x.fillna(5005.0), marked.sensor_y.fillna(5005.0)
    path = measurements.save(marked, tmp_path / f"m{suffix}")
    assert measurements.load(path).rss.values[0, 1] == -30
    assert np.isnan(measurements.load(path, not_heard=-30).rss.values).tolist() == [[False, True], [False, False]]
    with pytest.raises(InputError, match="not_heard: holds <U5; expected numbers"):
        measurements.load(path, not_heard="-30.0")


@pytest.mark.parametrize("pair", [("tx_x", "tx_y"), ("sensor_x", "sensor_y")])
def test_degrees_are_refused(pair):
    degrees = {pair[0]: np.full((2, 2), -111.8), pair[1]: np.full((2, 2), 40.76)}
    with pytest.raises(InputError, match=f"{pair[0]} and {pair[1]} .*degrees.*to_utm"):
        small(**degrees)


def test_an_infinite_position_is_refused_even_of_a_receiver_that_heard_nothing():
    dataset = small()
    dataset.sensor_x[0, 1] = np.inf
    with pytest.raises(InputError, match="no position"):
        measurements.validate(dataset)


@pytest.mark.parametrize("change, message", [
    ({"rss": [["loud", 1.0], [1.0, 1.0]]}, "rss: holds <U32; expected numbers"),
    ({"rss": 5}, "rss: shape ..; expected"),
    ({"rss": [[-80.0], [-70.0, -60.0]]}, "rss: not an array .*; expected numbers, rows of equal length"),
    ({"sensor_x": [[1001.0] * 3] * 2}, r"sensor_x: shape \(2, 3\); expected"),
    ({"tx_x": [1.0, 2.0, 3.0]}, r"tx_x: shape \(3,\); expected \(sample, tx\), or \(sample,\) for one transmitter"),
    ({"tx_x": [1003.0, 1004.0]}, r"tx_x has shape \(2, 1\), tx_y \(2, 2\)"),
    ({"tx_y": [["1004.0"], ["1005.0"]]}, "tx_y: holds <U6; expected numbers"),
    ({"time": ["2022-07-05", "yesterday"]}, "time: sample 1 is 'yesterday'; expected dates"),
    ({"time": 5}, r"time: shape \(\)"),
    ({"season": ["july"]}, r"season: shape \(1,\); expected \(sample\) = \(2,\)"),
    ({"season": [None, "july"]}, "season: entry 0 is None; expected a text"),
    ({"sensors": ["a", ""]}, "sensors: entry 1 is ''; expected a text"),
    ({"sensors": [["a"], ["b", "c"]]}, "sensors: entry 0 is"),
    ({"sensors": [1, 2]}, "sensors: entry 0 is 1; expected a"),
    ({"kinds": "nuc"}, r"kinds: shape \(\); expected \(sensor\)"), ({"not_heard": "100"}, "not_heard: holds <U3"),
    ({"not_heard": True}, "not_heard: holds bool; expected numbers")])
def test_values_of_another_type_or_shape_are_refused(change, message):
    with pytest.raises(InputError, match=f"mine: {message}"):
        small(**change)


def test_only_a_dataset_is_measurements():
    with pytest.raises(InputError, match="is \\[1, 2\\]; expected an xarray.Dataset"):
        measurements.validate([1, 2])
