"""Every door keeps the law, with damaged files and odd arguments, too. RSSLIB_FUZZ_EXAMPLES=2000 tries more of them."""

import pytest

from .doors import (  # noqa: F401, they fill the registry
    cities,
    confidence,
    data,
    emitters,
    fed,
    files,
    ledger,
    localization,
    locator,
    networks,
    propagation,
    radio_maps,
    tables,
    workflow,
)
from .doors.registry import DOORS
from .explore import SEED, explored


@pytest.mark.parametrize("name", DOORS)
def test_a_door_keeps_the_law(name, tmp_path, record_property):
    tally = explored(DOORS[name].prepare, tmp_path, DOORS[name].share)
    faults = tally.faults()
    record_property("fuzz", (name, dict(tally.kinds), faults))
    if faults:
        pytest.fail("\n".join([f"rsslib.{name} breaks the law (RSSLIB_FUZZ_SEED={SEED}):", *faults]), pytrace=False)
