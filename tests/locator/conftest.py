"""A made-up town, and a locator that was fitted to most of it."""

import pytest

from rsslib.locator.locator import Locator
from rsslib.propagation import town
from rsslib.tables.reading import read_table


@pytest.fixture(scope="module")
def made():
    return town.make(samples=330, receivers=8, walk=False)


@pytest.fixture(scope="module")
def site(made):
    return read_table(made.readings, made.sensors, crs=made.crs)


@pytest.fixture(scope="module")
def fitted(site):
    return Locator(threads=1).fit(site.isel(sample=slice(250)))


@pytest.fixture(scope="module")
def new(site):
    return site.isel(sample=slice(250, None))
