"""What the records of the paper on confidence share: which trainings there are, and that they fit the measurements."""

import numpy as np
import pytest
import xarray as xr

from rsslib.project import InputError
from rsslib.reports.confidence_paper import hybrid_models, summaries


def predicted(campus, samples, **changes):
    samples = np.array(samples)
    true = {f"{axis}_true": ("sample", campus[f"tx_{axis}"].values[samples, 0]) for axis in "xy"}
    return xr.Dataset(true | changes, {"measurement": ("sample", samples)})


def test_predictions_of_these_measurements_are_taken(campus):
    summaries.check_measurements({"grid2": predicted(campus, [0, 5, 2])}, campus)
    summaries.check_measurements({}, campus)


@pytest.mark.parametrize("change", [
    lambda model: model.assign(x_true=model.x_true + 1.0), lambda model: model.assign(y_true=model.y_true[::-1]),
    lambda model: model.assign_coords(measurement=model.measurement + 1),
    lambda model: model.assign_coords(measurement=model.measurement + 10**6)])
def test_predictions_of_other_measurements_are_refused_with_the_name_of_the_training(campus, change):
    models = {"random": predicted(campus, [1]), "grid2": change(predicted(campus, [0, 5, 2]))}
    with pytest.raises(InputError, match="inputs: the predictions of grid2 are of other samples"):
        summaries.check_measurements(models, campus)


@pytest.mark.parametrize("grids, found", [
    (2, "grids: found 2; expected a list"), (None, "grids: found None"), ("2", "grids: found '2'"),
    ([7], "grids: grid7 was not trained on emd"), (["x"], "grids: gridx was not trained")])
def test_grids_that_cannot_be_shown_are_refused_by_name(tmp_path, grids, found):
    with pytest.raises(InputError, match=found):
        hybrid_models.load(tmp_path, grids)


def test_no_grid_is_no_model(tmp_path):
    assert hybrid_models.load(tmp_path, []) == {}
