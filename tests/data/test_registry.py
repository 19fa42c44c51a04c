"""The registry of checksums and the choice among the sources."""

import re

import pytest

from rsslib import data
from rsslib.data import campus, download, measurements, splits
from rsslib.project import ROOT, InputError


def test_every_entry_has_a_path_and_an_md5():
    for dataset in download.REGISTRY.values():
        assert dataset["url"].startswith("https://") and not dataset["url"].endswith("/")
        assert dataset["archive"]["url"].startswith("https://zenodo.org/")
        for name, entry in dataset["files"].items():
            assert re.fullmatch("[0-9a-f]{32}", entry["md5"]), name
            assert not entry["path"].startswith("/"), name


def test_the_one_transmitter_files_and_the_published_lists_are_registered():
    assert {*download.SINGLE_TX, *splits.PUBLISHED.values()} <= set(download.REGISTRY["frs"]["files"])


def test_the_page_on_data_says_what_the_code_does():
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    for said in (f"within {download.SECONDS:g} s", f" {download.TRANSFER_SECONDS:g} s later",
                 f"within {splits.NEAR_M:g} m", *splits.PUBLISHED, *splits.PUBLISHED.values(),
                 download.REGISTRY["frs"]["archive"]["title"].split("doi:")[1].split(",")[0]):
        assert said in page, said


@pytest.mark.skipif(not download.available(), reason="no measurements: neither RSSLIB_DATA nor the cache")
def test_frs_reads_the_raw_folder(tmp_path):
    download.fetch(tmp_path)
    assert data.load("frs", tmp_path).attrs["source"] == "frs"


def test_campus_and_your_own(tmp_path):
    assert data.load("campus").sizes["sample"] == 4578
    path = measurements.save(campus.make(seed=1, n_april=5, n_july=5, n_november=5), tmp_path / "own.nc")
    assert data.load(path).sizes["sample"] == 15
    with pytest.raises(InputError, match="no such file"):
        data.load("moon")
