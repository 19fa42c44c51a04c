"""Small scenes and recipes for the tests of the second paper's networks."""

from dataclasses import replace

import numpy as np

from rsslib.emitters.localizer import EmitterRecipe
from rsslib.propagation.scene import SETS, free_space


def city(n=16):
    """Free space but for buildings on the diagonal."""
    free, outdoor = free_space(n), ~np.eye(n, dtype=bool)

    def lookup(emitter_cells, cells):
        return np.where(outdoor.ravel()[cells], free.lookup(emitter_cells, cells), np.float32(np.nan))
    return replace(free, outdoor=outdoor, cells=dict.fromkeys(SETS, np.flatnonzero(outdoor)), lookup=lookup)


FREE, CITY = free_space(16), city()
SINGLE = EmitterRecipe(n=16, sensors=16, samples=128, val_samples=32, test_samples=40, epochs=3, batch_size=32,
                       precision="float32", threads=1)
FIRST = replace(SINGLE, method="two_stage_logit", stage="occupancy", learning_rate=4e-3)
LOGIT, BINARY = replace(SINGLE, method="two_stage_logit"), replace(SINGLE, method="two_stage_binary")
