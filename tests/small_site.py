"""Small measurements whose truth is known: receivers on a square, readings by a path loss with a smooth disturbance."""

import numpy as np

from rsslib.data import measurements

SIDE_M = 900.0


def site(samples=120, receivers=6, noise_db=1.0, moving=0, seed=0, gain_db=None, season="july"):
    """Measurements on a square of SIDE_M; `moving` of the receivers move; gain_db is added to their readings."""
    generator = np.random.default_rng(seed)
    place = np.random.default_rng(99).uniform(0, SIDE_M, (receivers, 2))
    at = np.broadcast_to(place, (samples, receivers, 2)).copy()
    at[:, :moving] = generator.uniform(0, SIDE_M, (samples, moving, 2))
    tx = generator.uniform(0, SIDE_M, (samples, 2))
    distance = np.maximum(np.linalg.norm(tx[:, None] - at, axis=2), 10)
    wave = 6 * np.sin(tx[:, :1] / 150 + np.arange(receivers)) * np.cos(tx[:, 1:] / 200)
    rss = -20 - 30 * np.log10(distance) + wave + noise_db * generator.standard_normal(distance.shape)
    rss += 0 if gain_db is None else np.asarray(gain_db)
    time = np.datetime64("2022-07-01T00:00:00") + np.arange(samples) * np.timedelta64(5, "s")
    dataset = measurements.build(rss, *(at + [4e5, 4.5e6]).transpose(2, 0, 1), *(tx + [4e5, 4.5e6]).T, time,
                                 [season] * samples, [f"r{number}" for number in range(receivers)], source="small")
    return dataset.assign_attrs(extent_m=[4e5, 4e5 + SIDE_M, 4.5e6, 4.5e6 + SIDE_M])
