"""Provenance: hashes see what they should see, and nothing else; the stamp holds what changes."""

import time

import numpy as np
import pytest

from rsslib.ledger import provenance
from rsslib.project import InputError

NOTEBOOK = "notebooks/02_loss_comparison.ipynb"


def test_the_parameter_hash_ignores_order_and_sees_values():
    def digest(parameters):
        return provenance.provenance(NOTEBOOK, {}, parameters)["parameter_hash"]

    assert digest({"lr": 5e-4, "split": "grid2"}) == digest({"split": "grid2", "lr": np.float64(5e-4)})
    assert digest({"lr": 5e-4}) != digest({"lr": 6e-4})
    assert len(digest({})) == 12


def test_data_attributes_and_device_are_copied():
    origin = provenance.provenance(NOTEBOOK, {"source": "frs", "doi": "10.5281/x", "title": "t"}, {}, "cuda")
    assert (origin["source"], origin["doi"], origin["md5"], origin["device"]) == ("frs", "10.5281/x", None, "cuda")
    assert origin["title"] == "t"


def test_the_code_hash_of_a_report_covers_the_trainings_that_it_reads():
    used = provenance.upstream(NOTEBOOK)
    assert NOTEBOOK in used and "notebooks/train/localizer.ipynb" in used and "notebooks/01_data_prep.ipynb" in used
    assert not any("emitter" in name for name in used)


@pytest.mark.parametrize("arguments, name", [((None, {}, {}), "notebook"), (("", {}, {}), "notebook"),
                                             ((NOTEBOOK, None, {}), "dataset_attrs"),
                                             ((NOTEBOOK, {}, [1]), "parameters")])
def test_arguments_of_another_kind_are_named(arguments, name):
    with pytest.raises(InputError, match=f"provenance: `{name}` is "):
        provenance.provenance(*arguments)


@pytest.mark.parametrize("text", ["", "stages: [", "[1]", "stages: 1", "stages: {a: {deps: []}}", "stages: {a: [1]}",
                                  "stages: {a: {cmd: notebooks/a.ipynb, outs: 1}}"])
def test_broken_stages_are_named(tmp_path, text):
    assert provenance.upstream("notebooks/a.ipynb", tmp_path) == ["notebooks/a.ipynb"]    # no stages at all
    (tmp_path / "dvc.yaml").write_text(text)
    with pytest.raises(InputError, match="dvc.yaml: "):
        provenance.upstream("notebooks/a.ipynb", tmp_path)


def test_the_stamp_counts_seconds_and_takes_more():
    stamp = provenance.stamp(time.perf_counter() - 2, seconds_per_epoch=[{"loss": "emd", "value": 1.0}])
    assert 2 <= stamp["seconds"] < 10
    assert stamp["peak_memory_mb"] > 1
    assert stamp["seconds_per_epoch"] == [{"loss": "emd", "value": 1.0}]
    assert {"commit", "date", "python", "platform"} <= set(stamp)
