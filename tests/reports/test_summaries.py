"""What the records of the paper on confidence share: which trainings there are, and that they fit the measurements."""

import hand_made
import numpy as np
import pytest
import xarray as xr

from rsslib.data import blocks
from rsslib.localization import predictions
from rsslib.project import InputError
from rsslib.reports.confidence_paper import hybrid_models, summaries


def predicted(campus, samples, **changes):
    samples = np.array(samples)
    true = {f"{axis}_true": ("sample", campus[f"tx_{axis}"].values[samples, 0]) for axis in "xy"}
    return xr.Dataset(true | changes, {"measurement": ("sample", samples)})


def test_predictions_of_these_measurements_are_taken(campus):
    models = {"grid2": predicted(campus, [0, 5, 2]), "july": predicted(campus, [5])}
    placed = summaries.placed(models, campus)
    assert list(placed) == ["grid2", "july"] and summaries.placed({}, campus) == {}
    for name, model in placed.items():
        assert model.drop_vars("block").identical(models[name])


def test_each_sample_knows_the_block_of_time_of_its_measurement(campus):
    samples = np.random.default_rng(0).permutation(campus.sizes["sample"])[:60]
    block = summaries.placed({"a": predicted(campus, samples)}, campus)["a"].block.values
    assert np.array_equal(block, blocks.numbers(campus.time.values)[samples]) and len(set(block.tolist())) == 6
    # samples further apart in time than a block are not in one
    apart = np.abs(np.subtract.outer(*[campus.time.values[samples]] * 2)) / np.timedelta64(1, "s")
    assert apart[np.equal.outer(block, block)].max() < blocks.BLOCK_S


def test_errors_are_those_of_the_set():
    model = hand_made.predictions(["val", "ood", "val"], np.ones(3), [1, 2, 3])
    assert summaries.errors_of(model, "val").tolist() == [1, 3]


@pytest.mark.parametrize("n, known", [(5, False), (6, True)])
def test_a_median_error_of_fewer_than_six_blocks_has_no_interval(n, known):
    errors, block = np.repeat(10.0 * np.arange(n), 20), np.repeat(np.arange(n), 20)
    found = summaries.median_error(hand_made.predictions(["val"] * 20 * n, np.ones(20 * n), errors, block=block))
    assert found == {"n": 20 * n, "median_m": np.median(errors)} | ({"ci95_m": (5, 50)} if known else {})


def test_the_interval_of_a_median_error_holds_the_chance_of_the_networks():
    n, generator = 400, np.random.default_rng(1)
    alike = hand_made.predictions(["val"] * n, np.ones(n), 500 + generator.uniform(-5, 5, n))
    low, high = summaries.median_error(alike)["ci95_m"]
    assert 498 < low < 500 < high < 502
    # drawn from these, the mean of three is -80 m in each 27th draw, more than the 2.5 % of a tail; sqrt(3 / 2) as wide
    apart = summaries.median_error(hand_made.with_networks(alike, east=(-80.0, 0.0, 80.0)))
    assert apart["median_m"] == pytest.approx(predictions.median_error(alike, "val"))
    assert apart["ci95_m"] == pytest.approx((402, 598), abs=2)


def test_a_field_has_an_interval_where_there_are_resamples_enough():
    drawn = np.linspace(0, 100, 1001)
    assert summaries.field("x_m", 50, drawn) == {"x_m": 50.0, "ci95_x_m": pytest.approx((2.5, 97.5))}
    low, high = summaries.field("x_m", 50, drawn, difference=True)["ci95_x_m"]
    assert low < 2.5 and high > 97.5
    half = np.where(np.arange(1001) % 2, np.nan, drawn)
    assert summaries.field("x_m", 50, half)["ci95_x_m"] == pytest.approx((2.5, 97.5), abs=0.2)
    half[0] = half[2] = np.nan    # now most are unknown
    assert summaries.field("x_m", 50, half) == {"x_m": 50.0}
    missing = summaries.field("x_m", np.nan, drawn * np.nan, reason="none is low")
    assert np.isnan(missing["x_m"]) and missing["x_m_reason"] == "none is low" and len(missing) == 2


def test_an_interval_that_is_none_is_no_field():
    assert summaries.ends("x_m", (1.0, 2.0)) == {"ci95_x_m": (1.0, 2.0)} and summaries.ends("x_m", None) == {}


@pytest.mark.parametrize("change", [
    lambda model: model.assign(x_true=model.x_true + 1.0), lambda model: model.assign(y_true=model.y_true[::-1]),
    lambda model: model.assign_coords(measurement=model.measurement + 1),
    lambda model: model.assign_coords(measurement=model.measurement + 10**6)])
def test_predictions_of_other_measurements_are_refused_with_the_name_of_the_training(campus, change):
    models = {"random": predicted(campus, [1]), "grid2": change(predicted(campus, [0, 5, 2]))}
    with pytest.raises(InputError, match="trained: the predictions of grid2 are of other samples"):
        summaries.placed(models, campus)


@pytest.mark.parametrize("grids, found", [
    (2, "grids: found 2; expected a list"), (None, "grids: found None"), ("2", "grids: found '2'"),
    ([7], "grids: grid7 was not trained on emd"), (["x"], "grids: gridx was not trained")])
def test_grids_that_cannot_be_shown_are_refused_by_name(tmp_path, campus, grids, found):
    with pytest.raises(InputError, match=found):
        hybrid_models.load(tmp_path, grids, campus)


def test_no_grid_is_no_model(tmp_path, campus):
    assert hybrid_models.load(tmp_path, [], campus) == {}


def test_resampled_errors_are_widened_by_the_number_of_their_own_networks_and_may_be_subtracted():
    n, generator = 200, np.random.default_rng(2)
    one = hand_made.predictions(["val"] * n, np.ones(n), 500 + generator.uniform(-5, 5, n))
    apart = hand_made.with_networks(one, east=(-80.0, 0.0, 80.0))
    alone, both = summaries.resampled_errors(one), summaries.resampled_errors(apart)
    # the same blocks are drawn: less those, what is left is the chance of three networks, 80 m apart
    assert np.std(both - alone) == pytest.approx(np.sqrt(80**2 / 3), rel=0.1)
    assert np.array_equal(summaries.resampled_errors(one) - alone, np.zeros(len(alone)))
