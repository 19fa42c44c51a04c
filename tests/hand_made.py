"""Hand-made predictions for the tests of confidence, hybrids and their reports."""

import numpy as np
import xarray as xr

from rsslib.localization.draws import draws

GRID = {"x0": 0.0, "y0": 0.0, "width": 81, "height": 75, "pixel_m": 30.0}


def predictions(sets, confidence, error, measurement=None, block=None, **attrs):
    """Predictions of a model: `sets` (n,) names, `confidence` (n,), and `error` (n,) [m] to the east of the truth.

    They are those of three networks that agree on the location (`with_networks`); by default each sample is a block.
    """
    n = len(sets)
    confidence, error = np.asarray(confidence, float), np.asarray(error, float)
    values = {"x_true": np.full(n, 1e3), "y_true": np.full(n, 2e3), "x_hat": 1e3 + error, "y_hat": np.full(n, 2e3),
              "max_prediction": confidence, "max_mean_prediction": confidence,
              "max_prediction_normalised": confidence, "max_mean_prediction_normalised": confidence,
              "max_spread": 100 - 100 * confidence, "sum_spread": 300 - 300 * confidence}
    coords = {"set": ("sample", np.asarray(sets, str)),
              "measurement": ("sample", np.arange(n) if measurement is None else np.asarray(measurement)),
              "block": ("sample", np.arange(n) if block is None else np.asarray(block))}
    return with_networks(xr.Dataset({name: ("sample", value) for name, value in values.items()}, coords,
                                    GRID | {"loss": "emd"} | attrs))


def with_networks(model, east=(0.0, 0.0, 0.0)):
    """Predictions with what each of three networks says, and what every ensemble drawn from them does.

    Each locates `east` [m] of the ensemble, which thus is right where these sum to 0. Their peaks are as high as the
    maximum prediction, and lie on a triangle with sides of the maximum spread; all draws are as sure as the ensemble.
    """
    turn = 2 * np.pi * np.arange(3) / 3
    beside, ones = model.max_spread.values[:, None] / np.sqrt(3), np.ones(3)
    x, y = (model[f"{axis}_hat"].values[:, None] * ones for axis in "xy")
    values = {"x": x + np.asarray(east), "y": y,
              "x_peak": x + beside * np.cos(turn), "y_peak": y + beside * np.sin(turn),
              "peak": model.max_prediction.values[:, None] * ones,
              "peak_normalised": model.max_prediction_normalised.values[:, None] * ones}
    sure = model.max_mean_prediction.values[:, None] * np.ones(len(draws(3)))
    return model.assign({name: (("sample", "member"), value) for name, value in values.items()}
                        | {"max_mean_of_draw": (("sample", "draw"), sure)}).assign_coords(
        drawn=(("draw", "position"), draws(3)))


def shifted(ood="ood", n=200, seed=0):
    """A model that is surer of validation than of the set `ood`, and nearer: 10 % and about 60 % are low."""
    generator = np.random.default_rng(seed)
    sure = np.concatenate([generator.uniform(0.5, 1.0, n), generator.uniform(0.3, 0.8, n)])
    return predictions(["val"] * n + [ood] * n, sure, 100 * (1.3 - sure) * generator.uniform(0.5, 1.5, 2 * n))
