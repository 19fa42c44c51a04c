"""The ensemble: recipes that are refused, members that differ by their seed alone, images batch by batch."""


import numpy as np
import pytest
import torch

from rsslib.data import grid as grids
from rsslib.localization.ensemble import Ensemble, Recipe, Samples, choose_device, choose_precision
from rsslib.project import InputError

CPU = torch.device("cpu")
TINY = {"network": "compact", "members": 2, "pixel_m": 120.0, "precision": "float32", "threads": 1}


@pytest.fixture(scope="module")
def samples(campus):
    grid = grids.make(campus, 120.0)
    return Samples(campus, grid, grids.draw(campus, grid, grids.scaling(campus, np.arange(100))), CPU)


def weights(ensemble, member):
    return torch.cat([value.flatten() for value in ensemble.members[member].parameters()])


def test_the_default_recipe_is_the_papers():
    recipe = Recipe()
    assert (recipe.network, recipe.members, recipe.learning_rate, recipe.patience) == ("unet", 5, 5e-4, 200)
    assert recipe.schedule == "constant" and recipe.weight_decay == 0 and recipe.pixel_m == 30


@pytest.mark.parametrize("setting", [
    {"loss": "mse"}, {"network": "resnet"}, {"schedule": "cosine"}, {"precision": "float16"},
    {"collision": "sum"}, {"members": 0}, {"epochs": 0}, {"patience": -1}, {"batch_size": 0}, {"threads": 0},
    {"learning_rate": 0.0}, {"validate_every": 0}, {"members": 2.5}, {"members": True}, {"seed": -1},
    {"weight_decay": -0.1}, {"pixel_m": 0}, {"pixel_m": "30"}])
def test_a_setting_that_cannot_be_is_named(setting):
    (name, value), = setting.items()
    with pytest.raises(InputError, match=f"recipe: {name} is {value!r}; expected"):
        Recipe(**setting)


def test_a_training_may_not_stop_before_its_first_validation():
    with pytest.raises(InputError, match="patience"):
        Recipe(patience=4, validate_every=5)


def test_a_share_of_dropped_readings_stays_below_one():
    with pytest.raises(InputError, match="sensor_dropout"):
        Recipe(sensor_dropout=1.0)


@pytest.mark.parametrize("loss, decoder", [("emd", "argmax"), ("pse", "argmax"), ("com", "com")])
def test_the_loss_says_how_a_location_is_read(loss, decoder):
    assert Recipe(loss=loss).decoder == decoder


def test_device_and_precision_can_be_named():
    assert choose_device("cpu") == CPU
    assert choose_device().type in ("cpu", "cuda")
    assert choose_precision("float32", CPU) == torch.float32
    assert choose_precision("bfloat16", CPU) == torch.bfloat16
    assert choose_precision("auto", torch.device("cuda")) == torch.bfloat16
    assert choose_precision("auto", CPU) in (torch.float32, torch.bfloat16)


def test_first_weights_are_the_seeds_and_leave_the_global_generator_alone(samples):
    state = torch.get_rng_state()
    one = Ensemble(Recipe(**TINY), samples.grid, CPU)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    same = Ensemble(Recipe(**TINY | {"members": 1}), samples.grid, CPU)
    assert torch.equal(weights(one, 0), weights(same, 0))
    assert not torch.equal(weights(one, 0), weights(one, 1))
    other = Ensemble(Recipe(**TINY, seed=1), samples.grid, CPU)
    assert not torch.equal(weights(one, 0), weights(other, 0))


def test_samples_hold_locations_in_pixels_and_sensors_by_number(samples, campus):
    column, row = samples.grid.to_pixels(campus.tx_x.values[:, 0], campus.tx_y.values[:, 0])
    np.testing.assert_allclose(samples.location.numpy(), np.stack([column, row], 1), rtol=1e-5)
    pixel, value, kind = samples.batch(torch.tensor([5, 2]))
    assert pixel.shape == value.shape == kind.shape == (2, campus.sizes["sensor"])
    assert torch.equal(pixel[1], samples.sensors[0][2])


def test_images_come_in_batches_for_the_members_asked_for(samples):
    ensemble = Ensemble(Recipe(**TINY), samples.grid, CPU)
    chosen = np.array([4, 8, 15, 16, 23])
    parts = list(ensemble.images(samples, chosen, batch=2))
    assert [tuple(part.shape) for part in parts] == [(n, 2, *samples.grid.shape) for n in (2, 2, 1)]
    alone = torch.cat(list(ensemble.images(samples, chosen, members=[1])))
    torch.testing.assert_close(torch.cat(parts)[:, 1:], alone, atol=1e-5, rtol=1e-4)
    assert not parts[0].requires_grad


def test_descriptions_are_those_of_the_images(samples):
    ensemble = Ensemble(Recipe(**TINY), samples.grid, CPU)
    chosen = np.arange(6)
    said, = ensemble.describe(samples, chosen)
    images = torch.cat(list(ensemble.images(samples, chosen)))
    np.testing.assert_array_equal(said["peak"], images.amax((-2, -1)).numpy())
    assert said["x"].shape == (6, 2)


def test_bfloat16_computes_nearly_the_same_images_and_returns_float32(samples):
    full, half = (torch.cat(list(Ensemble(Recipe(**TINY | {"precision": precision}), samples.grid, CPU)
                                 .images(samples, np.arange(4)))) for precision in ("float32", "bfloat16"))
    assert half.dtype == torch.float32 and not torch.equal(full, half)
    torch.testing.assert_close(full, half, atol=0.02, rtol=0.05)


def test_attributes_name_the_recipe_and_where_it_was_computed(samples):
    attrs = Ensemble(Recipe(**TINY), samples.grid, CPU).attrs()
    assert attrs["loss"] == "emd" and attrs["output_bias"] == "none"
    assert attrs["device"] == "cpu" and attrs["computed_in"] == "float32"
    assert all(isinstance(value, (str, int, float)) for value in attrs.values())


def test_a_number_written_as_text_gets_a_hint():
    with pytest.raises(InputError, match="learning_rate is '5e-4'; expected a number above 0; YAML .* write 5.0e-4"):
        Recipe(learning_rate="5e-4")


@pytest.mark.parametrize("name", ["gpu", "cuda:99", 7.5])
def test_a_device_that_is_not_here_is_named(name):
    with pytest.raises(InputError, match="device .* cannot be used here.*expected auto, cpu or cuda"):
        choose_device(name)


def test_the_attributes_name_the_grid(samples):
    attrs = Ensemble(Recipe(**TINY), samples.grid, CPU).attrs()
    assert {name: attrs[name] for name in ("x0", "y0", "width", "height", "pixel_m")} == vars(samples.grid)
