"""What can be counted at all: how much each emitter changes what a network is told, and counts by that."""

from collections.abc import Mapping, Sequence

import numpy as np

from rsslib.emitters.metrics import metrics
from rsslib.emitters.predictions import scores
from rsslib.emitters.samples import Samples, received
from rsslib.propagation.scene import Scene
from rsslib.reports.emitters_paper.tables import Found, samples


def effects(scene: Scene, drawn: Samples) -> np.ndarray:
    """Return how much each emitter changes what the network is told, (samples, n_max) [dB], NaN where there is none.

    effect_k = max over the sensors of |max(P, T) - max(P without k, T)|. An emitter without effect cannot be counted
    by any method; one with a small effect needs the others' powers known as exactly.
    """
    def told(emitter: np.ndarray, power: np.ndarray) -> np.ndarray:
        return np.maximum(received(scene, emitter, power, drawn.sensor.astype(np.int64)), scene.threshold_dbm)

    whole, found = told(drawn.emitter, drawn.power), np.full(drawn.emitter.shape, np.nan)
    for slot in range(drawn.emitter.shape[1]):
        there = drawn.emitter[:, slot] >= 0
        emitter, power = drawn.emitter.copy(), drawn.power.copy()
        emitter[:, slot], power[:, slot] = -1, np.nan
        found[there, slot] = np.abs(whole - told(emitter, power)).max(axis=1)[there]
    return found


def by_effect(found: Found, scenes: Mapping[str, Scene],
              limits: Sequence[float] = (0.1, 1.0, 3.0, 10.0)) -> list[dict]:
    """Return how often the count is right by the effect of a sample's weakest emitter (see `effects`).

    A record for each environment, method and class of effects from one limit [dB] to the next; empty classes have none.
    """
    ends, records = [0.0, *limits, np.inf], []
    weakest = {place: np.nanmin(effects(scene, samples(scene, next(
        said for (where, _), said in found.items() if where == place))), axis=1) for place, scene in scenes.items()}
    for (place, method), said in found.items():
        for low, high in zip(ends[:-1], ends[1:]):
            chosen = (weakest[place] >= low) & (weakest[place] < high)
            if chosen.any():
                part = metrics(scores(said).of(chosen))
                records.append({"environment": place, "method": method, "from_db": low,
                                "to_db": None if np.isinf(high) else high, "n": part["n"],
                                "share_of_samples": chosen.mean(), "share_right": part["cmr"],
                                "ci95_share_right": part["cmr_ci95"]})
    return records
