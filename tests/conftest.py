"""What all tests share: two data sets, one thread, no progress lines, the same examples each time."""

import pytest
import torch
from hypothesis import settings

from rsslib.data import campus as synthetic
from rsslib.data import download
from rsslib.data import frs as measured

settings.register_profile("rsslib", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("rsslib")

LONGEST = ("tests/site/test_browser.py", "tests/learning/test_kills.py",
           "tests/locator/test_faults.py", "tests/test_stages.py")
"""Modules that last from half a minute to some minutes. They begin first: else one process waits for them alone."""


def pytest_collection_modifyitems(items):
    """Sort the longest modules to the front; the others keep their order."""
    rank = {module: number for number, module in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))


@pytest.fixture(scope="session", autouse=True)
def quiet():
    """No progress lines, here or in a process that a test starts; one thread."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RSSLIB_PROGRESS", "off")
        yield


@pytest.fixture(scope="session")
def campus():
    """A tiny synthetic campus: 170 samples of three seasons. Tests that change it work on a copy."""
    return synthetic.make(n_april=20, n_july=120, n_november=30)


@pytest.fixture(scope="session")
def frs(tmp_path_factory):
    """The real measurements; the test is skipped where they are neither in RSSLIB_DATA nor in the cache."""
    if not download.available():
        pytest.skip("no measurements: neither RSSLIB_DATA nor the download cache holds them")
    folder = tmp_path_factory.mktemp("frs")
    download.fetch(folder)
    return measured.load_csv(folder)
