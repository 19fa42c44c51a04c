"""Ablations: their file, and what it refuses."""

import numpy as np
import pytest

from rsslib.project import InputError
from rsslib.radio_maps import ablation

SAMPLES = {"val": np.array([4, 2]), "ood": np.array([9, 7, 5])}


@pytest.fixture
def errors():
    return {ablation.WHOLE: [np.arange(5.0), np.arange(5.0) + 1], "less": [np.arange(5.0) + 2, np.arange(5.0) + 3]}


def test_a_file_keeps_each_variant_seed_and_sample(errors, tmp_path):
    found = ablation.collect(errors, [3, 8], SAMPLES, {"device": "cpu"})
    read = ablation.load(ablation.save(found, tmp_path / "e.nc"))
    assert read.error.sel(variant="less", seed=8).values.tolist() == [3, 4, 5, 6, 7]
    assert read.set.values.tolist() == ["val"] * 2 + ["ood"] * 3
    assert read.measurement.values.tolist() == [4, 2, 9, 7, 5] and read.attrs["device"] == "cpu"


@pytest.mark.parametrize(("change", "word"), [
    (lambda found: found.assign(error=-found.error - 1), "negative"),
    (lambda found: found.assign(error=found.error.astype(int)), "int64"),
    (lambda found: found.isel(variant=[1]), "as chosen"),
    (lambda found: found.isel(variant=[0, 0]), "twice"),
    (lambda found: found.assign_coords(measurement=-found.measurement), "below 0"),
    (lambda found: found.drop_vars("set"), "set")])
def test_a_file_of_something_else_is_named(errors, change, word, tmp_path):
    path = ablation.save(ablation.collect(errors, [0, 1], SAMPLES, {}), tmp_path / "e.nc")
    changed = change(ablation.load(path))
    path.unlink()
    changed.to_netcdf(path)
    with pytest.raises(InputError, match=rf"e\.nc.*{word}"):
        ablation.load(path)
