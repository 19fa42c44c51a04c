"""Files that come in: errors name them, and NetCDF shows damage."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from rsslib import files
from rsslib.project import InputError, atomic_path

DATASET = xr.Dataset({"level": (("sample", "sensor"), np.random.default_rng(0).normal(size=(200, 30))),
                      "name": ("sensor", [f"n{i}" for i in range(30)])}, attrs={"source": "mine", "edges": [1.0, 2.0]})


def test_equal_datasets_give_equal_bytes_and_come_back(tmp_path):
    for name in ("a.nc", "b.nc"):
        files.write_netcdf(DATASET.copy(deep=True), tmp_path / name, {"level": {"zlib": True}})
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    read = files.read_netcdf(tmp_path / "a.nc", "levels")
    assert read.equals(DATASET) and files.DIGEST not in read.attrs


def test_a_changed_byte_is_refused_or_changes_nothing(tmp_path):
    content = files.write_netcdf(DATASET, tmp_path / "a.nc", {"level": {"zlib": True}}).read_bytes()
    right, random, refused = files.read_netcdf(tmp_path / "a.nc", "levels"), np.random.default_rng(0), 0
    for position in random.integers(len(content), size=200):
        flipped = bytearray(content)
        flipped[position] ^= 1 << random.integers(8)
        (tmp_path / "b.nc").write_bytes(flipped)
        try:
            assert files.read_netcdf(tmp_path / "b.nc", "levels").identical(right)
        except InputError as error:
            refused += "b.nc" in str(error)
    assert refused > 100


def test_a_changed_byte_is_refused_before_hdf5_sees_it(tmp_path, monkeypatch):
    content = files.write_netcdf(DATASET, tmp_path / "a.nc").read_bytes()
    monkeypatch.setattr(xr, "open_dataset", None)
    for position in (0, 100, len(content) // 2, len(content) - 80, len(content) - 1):
        flipped = bytearray(content)
        flipped[position] ^= 1
        (tmp_path / "b.nc").write_bytes(flipped)
        with pytest.raises(InputError, match=r"b\.nc: .*not those that were written"):
            files.read_netcdf(tmp_path / "b.nc", "levels")


def test_any_reader_of_netcdf_opens_ours_and_we_read_those_without_the_digest_of_the_bytes(tmp_path):
    content = files.write_netcdf(DATASET, tmp_path / "a.nc").read_bytes()
    with xr.open_dataset(tmp_path / "a.nc") as plain:
        assert plain.drop_attrs().equals(DATASET.drop_attrs())
    (tmp_path / "b.nc").write_bytes(content[:content.rindex(b"sha256:")])
    DATASET.to_netcdf(tmp_path / "c.nc")
    for name in ("b.nc", "c.nc"):
        assert files.read_netcdf(tmp_path / name, "levels").equals(DATASET)


@pytest.mark.parametrize("trial, problem", [
    ("print(flush=True)\nwhile True: pass", "HDF5 cannot read it in 1 s"),
    ("import os\nos.abort()", "HDF5 crashes on it, with signal 6")])
def test_a_file_from_which_hdf5_never_returns_is_refused(tmp_path, monkeypatch, trial, problem):
    monkeypatch.setattr(files, "_TRIAL", trial)
    monkeypatch.setattr(files, "_TRIAL_S", 0.6)
    DATASET.to_netcdf(tmp_path / "a.nc")
    with pytest.raises(InputError, match=rf"a\.nc: .*{problem}: damaged.*; expected levels"):
        files.read_netcdf(tmp_path / "a.nc", "levels")


@pytest.mark.parametrize("value", [None, True, {"a": 1}, [None]])
def test_attributes_that_netcdf_cannot_hold(tmp_path, value):
    with pytest.raises(InputError, match=r"a\.nc: NetCDF cannot hold this"):
        files.write_netcdf(DATASET.assign_attrs(note=value), tmp_path / "a.nc")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("content", "problem"), [
    (b"", "broken"), (b'{"a": 1, "a": 2}', "'a' stands twice"), (b"[" * 100_000, "nested too deeply"),
    (b'{"a": "\xff"}', "not UTF-8 at byte 7"), (b"{", "broken")])
def test_json_that_is_none(tmp_path, content, problem):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=f"a.json: .*{problem}.*; expected the records: make them"):
        files.read_json(tmp_path / "a.json", "the records", "make them")


def test_json_with_a_byte_order_mark(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + json.dumps({"a": 1}).encode())
    assert files.read_json(tmp_path / "a.json", "the records") == {"a": 1}


def test_what_is_no_file(tmp_path):
    for path, problem in ((tmp_path / "a.nc", "no such file"), (tmp_path, "this is a folder")):
        with pytest.raises(InputError, match=problem):
            files.read_netcdf(path, "levels")
        with pytest.raises(InputError, match=problem):
            files.read_json(path, "levels")


def test_a_file_cannot_claim_more_than_it_can_hold(tmp_path):
    import netCDF4

    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 10**12)
        file.createVariable("v", "f8", ("x",), chunksizes=(1000,))
    with pytest.raises(InputError, match="cannot hold the 8000000000000"):
        files.read_netcdf(tmp_path / "a.nc", "levels")


def test_temporary_files_of_killed_processes_are_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with atomic_path(tmp_path / "a.json") as temporary:
        temporary.write_text("{}")
        name = temporary.name.replace(f"-{os.getpid()}-", "-{}-")
    kept = [name.format(os.getppid()), f".a.elsewhere-{ended.pid}-1.json"]    # of a process that runs, of another host
    for other in (*kept, name.format(ended.pid)):
        (tmp_path / other).touch()
    with atomic_path(tmp_path / "a.json"):
        temporary.write_text("{}")
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "a.json"}


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="b.json: cannot be written"), atomic_path(tmp_path / "file" / "b.json"):
        pass


def test_an_error_of_the_disk_names_the_file(tmp_path):
    with pytest.raises(InputError, match="a.json: cannot be written"), atomic_path(tmp_path / "a.json"):
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


def _yaml(folder, text):
    (folder / "a.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return files.read_yaml(folder / "a.yaml", "settings", "write them")


@pytest.mark.parametrize("text, value", [
    ("no", "no"), ("on", "on"), ("true", True), ("False", False), ("7", 7),
    ("+7", 7), ("007", "007"), ("010", "010"), ("0o17", "0o17"), ("0b1", "0b1"),
    ("12:30:45", "12:30:45"), ("1_000.5", "1_000.5"), ("١٢", "١٢"), ("00.5", "00.5"), ("0", 0), ("0.5", 0.5),
    ("-1", -1), ("12:30", "12:30"),
    ("5e-4", 5e-4),
    ("5.0E+3", 5e3), (".5", 0.5), ("1.", 1.0), ("-.inf", -float("inf")), ("~", None), ("", None), ("null", None),
    ("2022-07-05", "2022-07-05"), ("1_000", "1_000"), ("0x1F", "0x1F"), ("=", "="), ("'1'", "1"), ("1.2.3", "1.2.3")])
def test_plain_values_of_yaml_are_numbers_only_where_every_reader_agrees(tmp_path, text, value):
    assert _yaml(tmp_path, f"a: {text}") == {"a": value}
    assert type(_yaml(tmp_path, f"a: {text}")["a"]) is type(value)


def test_merged_keys_may_be_overridden_and_aliases_shared(tmp_path):
    text = "base: &base {a: 1, b: 2}\nmore: &more {<<: *base, b: 3}\nboth: {<<: [*more, *base], c: [*base, *base]}"
    assert _yaml(tmp_path, text)["both"] == {"a": 1, "b": 3, "c": [{"a": 1, "b": 2}] * 2}
    text = "first: &first {key: 1}\nlast: &last {key: 2, more: 3}\nboth: {own: 4, <<: [*first, *last], more: 5}"
    assert list(_yaml(tmp_path, text)["both"].items()) == [("key", 1), ("more", 5), ("own", 4)]


BOMB = "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9))])


@pytest.mark.parametrize("text, problem", [
    ("a: [", "line 2"), ("\ta: 1", "line 1: found character"), ("a: 1\na: 2", "'a' stands twice"),
    ("a: &x [*x]", "alias of itself"),
    ("a: {<<: 5}", "`<<` is not a mapping"),
    ("a: {<<: [5]}", "`<<` is not a mapping"), ("a: *x", "undefined alias"), ("? [1]\n: 2", "unhashable key"),
    (BOMB, "too many values"),
    ("a: !!python/object:os.system {}", "python/object"), ("a: \x00", "control characters"),
    ("--- a\n--- b", "another document"),
    ("[" * 100_000, "nesting"), ("a: !!int x", "'x' is no such number"),
    ("a: !!int 1_000", "no such number"), ("a: !!float 12:30:45", "no such number"),
    ("a: !!int 0o17", "no such number"), (b"a: \xff", "not UTF-8 at byte 3"),
    ("a: " + "9" * 5000, "digits")])
def test_yaml_that_is_none(tmp_path, text, problem):
    with pytest.raises(InputError, match=f"a.yaml: .*{problem}.*; expected settings: write them"):
        _yaml(tmp_path, text)


@pytest.mark.parametrize("path", ["", ".", "a\0.json"])
def test_what_names_no_file_is_refused(path):
    with pytest.raises(InputError, match="not the name of a file"), atomic_path(path):
        pass
