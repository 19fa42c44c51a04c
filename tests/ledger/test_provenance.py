"""Provenance: hashes see what they should see, and nothing else; the stamp holds what changes."""

import time

import numpy as np

from rsslib.ledger import provenance

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


def test_the_stamp_counts_seconds_and_takes_more():
    stamp = provenance.stamp(time.perf_counter() - 2, seconds_per_epoch=[{"loss": "emd", "value": 1.0}])
    assert 2 <= stamp["seconds"] < 10
    assert stamp["peak_memory_mb"] > 1
    assert stamp["seconds_per_epoch"] == [{"loss": "emd", "value": 1.0}]
    assert {"commit", "date", "python", "platform"} <= set(stamp)
