"""Files of measurements: the same bytes for the same data, and no damaged byte that passes for data."""

import io
import json
import zipfile
from itertools import product

import numpy as np
import pytest

from rsslib.data import measurement_files, measurements
from rsslib.project import InputError


@pytest.fixture(scope="module")
def dataset(campus):
    few = campus.isel(sample=slice(20, 60)).assign_attrs(made=1.5, walks=[1, 2])
    return few.assign(snr=few.rss + 90, model=("sensor", [f"m{number}" for number in range(40)]))


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_the_order_of_variables_and_attributes_does_not_count(dataset, suffix, tmp_path):
    turned = dataset[[*dataset.data_vars][::-1]]
    turned.attrs = dict(reversed(dataset.attrs.items()))
    paths = [measurements.save(one, tmp_path / f"{number}{suffix}") for number, one in enumerate((dataset, turned))]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_a_flipped_bit_is_refused_or_without_effect(dataset, suffix, tmp_path):
    path = measurements.save(dataset, tmp_path / f"m{suffix}")
    content, random, refused = path.read_bytes(), np.random.default_rng(3), 0
    for number in range(60):
        damaged = bytearray(content)
        # half of them near an end, where a file says what it holds
        place = int(random.integers(len(content))) if number % 2 else int(random.integers(4000)) * (-1) ** number - 1
        damaged[place % len(content)] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        try:
            assert measurements.load(path).equals(dataset)
        except InputError as error:
            refused += 1
            assert str(path) in str(error)
    assert refused > 10


@pytest.mark.parametrize(("suffix", "kept"), [*product([".nc", ".npz"], [0, 0.01, 0.5, 0.9, 0.99]), (".npz", 0.9999)])
def test_a_cut_file_is_refused(dataset, suffix, kept, tmp_path):
    path = measurements.save(dataset, tmp_path / f"m{suffix}")
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(InputError, match=f"m{suffix}: broken or something else"):
        measurements.load(path)


@pytest.mark.parametrize("lost", [1, 20, 64, 71])
def test_a_cut_in_the_closing_digest_loses_nothing(dataset, lost, tmp_path):
    path = measurements.save(dataset, tmp_path / "m.nc")
    path.write_bytes(path.read_bytes()[:-lost])
    assert measurements.load(path).identical(measurements.load(measurements.save(dataset, tmp_path / "whole.nc")))


def plain(dataset):
    """The arrays of a file made by hand."""
    return {name: dataset[name].values for name in (*measurements.VARIABLES, *measurements.COORDINATES)} | {
        "attrs": json.dumps({"crs": "EPSG:32612", "source": "mine"})}


def header(shape, kind="<f8"):
    """The first bytes of an array that claims `shape`."""
    text = repr({"descr": kind, "fortran_order": False, "shape": shape})
    text += " " * (63 - (len(text) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def test_an_npz_file_may_be_made_by_hand(dataset, tmp_path):
    np.savez(tmp_path / "m.npz", **plain(dataset))
    found = measurements.load(tmp_path / "m.npz")
    assert found.rss.equals(dataset.rss) and found.rss.attrs["units"] == "dB" and found.attrs["source"] == "mine"
    edited = plain(dataset) | {"content_sha256": "0" * 64}
    np.savez(tmp_path / "m.npz", **edited)
    with pytest.raises(InputError, match="its content is not what was written: damaged, or edited"):
        measurements.load(tmp_path / "m.npz")


@pytest.mark.parametrize("change", [
    {"attrs": "{"}, {"attrs": "[1]"}, {"attrs": "5"}, {"attrs": np.zeros(3)}, {"variables": "[]"},
    {"variables": '{"rss": 1}'},
    {"variables": '{"rss": [["sample", "sample"], {}, false]}'}, {"variables": '{"rss": [["sample"], {}, false]}'},
    {"snr": np.zeros(3)}, {"rss": np.array([[None]], object)}, {"rss": np.float32(5)}, {"rss": np.zeros((3, 3), "f4")}])
def test_an_npz_file_of_something_else_is_named(dataset, change, tmp_path):
    np.savez(tmp_path / "m.npz", **(plain(dataset) | change))
    with pytest.raises(InputError, match="m.npz: broken or something else .*; expected measurements"):
        measurements.load(tmp_path / "m.npz")


@pytest.mark.parametrize("claim", [header((10**6, 10**7)), header((10**30, 2)), header((10**9, 1)), header((-1, 2)),
                                   header((1,), "|O"), header((1,), "<U999999999"), header((1,), "zz"), b"text", b""])
def test_an_array_that_claims_what_is_not_there_is_named(dataset, claim, tmp_path):
    np.savez(tmp_path / "m.npz", **plain(dataset))
    content = io.BytesIO()
    with zipfile.ZipFile(tmp_path / "m.npz") as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            new.writestr(name, claim if name == "rss.npy" else old.read(name))
    (tmp_path / "m.npz").write_bytes(content.getvalue())
    with pytest.raises(InputError, match="m.npz: "):
        measurements.load(tmp_path / "m.npz")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "_a", "file", "attrs", "content_sha256", "scale_factor", 1, None])
def test_names_with_a_meaning_of_their_own_are_refused(dataset, name, tmp_path):
    for what, odd in (("attribute", dataset.assign_attrs({name: "x"})),
                      ("a variable or dimension", dataset.assign({name: ("sample", np.zeros(40))}))):
        with pytest.raises(InputError, match=f"m.nc: {what} .*: rename it"):
            measurements.save(odd, tmp_path / "m.nc")
    assert not list(tmp_path.iterdir())


def test_an_unknown_suffix_is_refused_before_anything_is_written(dataset, tmp_path):
    with pytest.raises(InputError, match="unknown format '.csv'; expected a name ending in .nc or .npz"):
        measurement_files.write(dataset, tmp_path / "m.csv", {})
    assert not list(tmp_path.iterdir())
