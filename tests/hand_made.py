"""Hand-made predictions for the tests of confidence, hybrids and their reports."""

import numpy as np
import xarray as xr

GRID = {"x0": 0.0, "y0": 0.0, "width": 81, "height": 75, "pixel_m": 30.0}


def predictions(sets, confidence, error, measurement=None, **attrs):
    """Predictions of a model: `sets` (n,) names, `confidence` (n,), and `error` (n,) [m] to the east of the truth."""
    n = len(sets)
    confidence, error = np.asarray(confidence, float), np.asarray(error, float)
    values = {"x_true": np.full(n, 1e3), "y_true": np.full(n, 2e3), "x_hat": 1e3 + error, "y_hat": np.full(n, 2e3),
              "max_prediction": confidence, "max_mean_prediction": confidence,
              "max_prediction_normalised": confidence, "max_mean_prediction_normalised": confidence,
              "max_spread": 100 - 100 * confidence, "sum_spread": 300 - 300 * confidence}
    coords = {"set": ("sample", np.asarray(sets, str)),
              "measurement": ("sample", np.arange(n) if measurement is None else np.asarray(measurement))}
    return xr.Dataset({name: ("sample", value) for name, value in values.items()}, coords, GRID | attrs)


def shifted(ood="ood", n=200, seed=0):
    """A model that is surer of validation than of the set `ood`, and nearer: 10 % and about 60 % are low."""
    generator = np.random.default_rng(seed)
    sure = np.concatenate([generator.uniform(0.5, 1.0, n), generator.uniform(0.3, 0.8, n)])
    return predictions(["val"] * n + [ood] * n, sure, 100 * (1.3 - sure) * generator.uniform(0.5, 1.5, 2 * n))
