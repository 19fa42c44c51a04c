"""The ensemble: recipes refused, members that differ by their seed, images in batches; its training: seeded, continued
without a trace, blind to the sets it does not train on."""

import json
import logging
import re

import numpy as np
import pytest
import torch
from interruption import interrupt, same_weights

from rsslib.data import grid as grids
from rsslib.data import splits
from rsslib.localization import ensemble as ensembles
from rsslib.localization.ensemble import Ensemble, EnsembleTrainer, Recipe, Samples
from rsslib.project import InputError, InputWarning

CPU = torch.device("cpu")
TINY = {"network": "compact", "members": 2, "epochs": 3, "patience": 50, "batch_size": 16, "learning_rate": 2e-3,
        "pixel_m": 120.0, "precision": "float32", "threads": 1}


@pytest.fixture(scope="module")
def sets(campus):
    return splits.make(campus, "grid2")


@pytest.fixture
def start(campus, sets):
    """Return a function: settings of a recipe to a trainer on the campus."""
    def start(dataset=campus, sets=sets, path=None, watch=(), **changes):
        return EnsembleTrainer(dataset, sets, Recipe(**TINY | changes), path, watch, device="cpu")
    return start


@pytest.fixture(scope="module")
def reference(campus, sets):
    """One uninterrupted training, to compare others with."""
    return fitted(EnsembleTrainer(campus, sets, Recipe(**TINY), device="cpu"))


def fitted(trainer):
    trainer.fit()
    return trainer


@pytest.fixture(scope="module")
def samples(campus):
    grid = grids.make(campus, 120.0)
    return Samples(campus, grid, grids.scaling(campus, np.arange(100)), CPU)


def weights(ensemble, member):
    return torch.cat([value.flatten() for value in ensemble.members[member].state_dict().values()])


def test_the_default_recipe_is_the_papers():
    recipe = Recipe()
    assert (recipe.network, recipe.members, recipe.learning_rate, recipe.patience) == ("unet", 5, 5e-4, 200)
    assert recipe.schedule == "constant" and recipe.weight_decay == 0 and recipe.pixel_m == 30


@pytest.mark.parametrize("setting", [
    {"members": 101}, {"threads": 4_000_000}, {"seed": 2**70}, {"epochs": 10**9}, {"output_bias": float("nan")},
    {"output_bias": "0"}, {"loss": ["emd"]}, {"network": None}, {"pixel_m": 1e-320}, {"members": 2.0},
    {"loss": "mse"}, {"network": "resnet"}, {"schedule": "cosine"}, {"precision": "float16"},
    {"members": 0}, {"epochs": 0}, {"patience": -1}, {"batch_size": 0}, {"threads": 0}, {"learning_rate": "5e-4"},
    {"validate_every": 0}, {"seed": -1}, {"weight_decay": -0.1}, {"pixel_m": 0}, {"sensor_dropout": 1.0}])
def test_a_setting_that_cannot_be_is_named(setting):
    (name, value), = setting.items()
    with pytest.raises(InputError, match=f"recipe: {name} is {re.escape(repr(value))}; expected"):
        Recipe(**setting)


def test_a_training_may_not_stop_before_its_first_validation():
    with pytest.raises(InputError, match="patience"):
        Recipe(patience=4, validate_every=5)


@pytest.mark.parametrize("loss, decoder", [("emd", "argmax"), ("pse", "argmax"), ("com", "com")])
def test_the_loss_tells_how_a_location_is_read(loss, decoder):
    assert Recipe(loss=loss).decoder == decoder


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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_members_side_by_side_draw_the_images_that_one_after_the_other_draw(samples, precision, monkeypatch):
    torch.set_num_threads(1)
    ensemble = Ensemble(Recipe(**TINY | {"members": 3, "precision": precision}), samples.grid, CPU)
    drawn = []
    for count in (1, 3):
        monkeypatch.setattr("rsslib.learning.devices.cores", lambda count=count: count)
        drawn.append(torch.cat(list(ensemble.images(samples, np.arange(30), batch=16))))
    assert drawn[0].equal(drawn[1]) and not drawn[1].requires_grad


def test_descriptions_are_those_of_the_images(samples):
    ensemble = Ensemble(Recipe(**TINY), samples.grid, CPU)
    chosen = np.arange(6)
    described = ensemble.describe(samples, chosen)
    images = torch.cat(list(ensemble.images(samples, chosen)))
    np.testing.assert_array_equal(described["peak"], images.amax((-2, -1)).numpy())
    assert described["x"].shape == (6, 2) and ensemble.describe(samples, chosen, [1])["x"].shape == (6, 1)


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


def test_the_attributes_name_the_grid(samples):
    attrs = Ensemble(Recipe(**TINY), samples.grid, CPU).attrs()
    assert {name: attrs[name] for name in ("x0", "y0", "width", "height", "pixel_m")} == vars(samples.grid)


def test_a_seed_is_a_training_whatever_the_global_generator(start, reference):
    torch.manual_seed(12345)
    state = torch.get_rng_state()
    again = fitted(start())
    assert same_weights(again, reference) and again.history == reference.history
    assert torch.equal(torch.get_rng_state(), state)
    assert not same_weights(fitted(start(seed=1)), reference)


@pytest.mark.parametrize("loss", ["com", "pse", "emd"])
def test_the_loss_falls(start, loss):
    trainer = fitted(start(loss=loss, epochs=8, members=1, schedule="one_cycle"))
    assert trainer.history[-1]["loss"] < 0.95 * trainer.history[0]["loss"]


@pytest.mark.parametrize("changes", [{}, {"schedule": "one_cycle", "sensor_dropout": 0.3}])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(start, tmp_path, monkeypatch, changes):
    path, changes = tmp_path / "checkpoint.pt", changes | {"watch": ("ood",)}
    whole = fitted(start(**changes))
    interrupt(start(path=path, **changes), monkeypatch, epoch=3)
    continued = start(path=path, **changes)
    assert continued.epoch == 2
    continued.fit()
    assert same_weights(continued, whole) and continued.history == whole.history
    assert (continued.best_epoch, continued.best_error) == (whole.best_epoch, whole.best_error)
    found = start(path=path, **changes)    # finished: nothing is left to train
    assert found.epoch == TINY["epochs"] and same_weights(fitted(found), whole)


def test_the_checkpoint_of_another_training_is_not_continued(start, sets, campus, tmp_path, monkeypatch, caplog):
    path = tmp_path / "checkpoint.pt"
    interrupt(start(path=path), monkeypatch, epoch=2)
    louder, moved, swapped = (campus.copy(deep=True) for _ in range(3))
    one, other = np.argwhere(np.isfinite(campus.rss.values[:2]))[[0, -1]]
    swapped.rss.values[tuple(one)], swapped.rss.values[tuple(other)] = (
        campus.rss.values[tuple(other)], campus.rss.values[tuple(one)])
    assert swapped.rss.sum() == campus.rss.sum() and not swapped.rss.equals(campus.rss)
    louder.rss.values[:] += 1.0
    moved.tx_y.values[:] += 10.0
    for other in ({"learning_rate": 1e-3}, {"seed": 1}, {"loss": "com"}, {"dataset": louder},
                  {"dataset": moved}, {"dataset": swapped}, {"precision": "bfloat16"},
                  {"sets": sets | {"val": sets["val"][::-1]}},
                  {"sets": sets | {"val": sets["val"][1:]}}, {"watch": ("ood",)}):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert start(path=path, **other).epoch == 0, other
        assert "checkpoint.pt: not continued" in caplog.text
    assert start(path=path).epoch == 1


def test_device_and_precision_are_in_the_key(start):
    """As they are computed with here, whatever the recipe leaves to the machine."""
    trainer = start(precision="auto")
    keys = {trainer.key()}
    trainer.ensemble.dtype = {torch.float32: torch.bfloat16}.get(trainer.ensemble.dtype, torch.float32)
    keys.add(trainer.key())
    trainer.ensemble.device = torch.device("cuda")
    keys.add(trainer.key())
    assert len(keys) == 3


def test_the_mean_decides_not_the_median(start, campus, sets, monkeypatch):
    trainer = start(epochs=2, members=1, sets=sets | {"val": sets["val"][:3]})
    errors = iter([[1.0, 1.0, 40.0], [9.0, 9.0, 9.0]])
    true_x, true_y = grids.transmitters(campus)

    def describe(samples, chosen, members=None):
        return {"x_hat": true_x[chosen] + next(errors), "y_hat": true_y[chosen]}
    monkeypatch.setattr(trainer.ensemble, "describe", describe)
    trainer.fit()
    assert trainer.best_epoch == 2 and [record["val_median_m"] for record in trainer.history] == [1.0, 9.0]
    assert [record["val_mean_m"] for record in trainer.history] == pytest.approx([14.0, 9.0])


def test_the_returned_networks_have_the_best_mean_error(campus, sets, reference):
    means = [record["val_mean_m"] for record in reference.history]
    assert reference.best_epoch == 1 + int(np.argmin(means)) and reference.best_error == min(means)
    described = reference.ensemble.describe(reference.samples, sets["val"])
    true_x, true_y = grids.transmitters(campus)
    errors = np.hypot(described["x_hat"] - true_x[sets["val"]], described["y_hat"] - true_y[sets["val"]])
    assert errors.mean() == pytest.approx(min(means))


def test_watching_sets_fills_the_history_and_changes_nothing(start, reference):
    watching = fitted(start(watch=("train", "ood")))
    assert same_weights(watching, reference)
    names = {"train_single_median_m", "ood_single_median_m"}
    assert all(set(w) - set(r) == names for w, r in zip(watching.history, reference.history))
    assert [{k: v for k, v in w.items() if k not in names} for w in watching.history] == reference.history


def test_as_many_training_samples_are_watched_as_there_are_to_validate_on(start, sets, monkeypatch):
    trainer, asked = start(watch=("train", "ood"), sets=sets | {"val": sets["val"][:5]}), []
    describe = trainer.ensemble.describe

    def listening(samples, chosen, members=None):
        asked.append(chosen)
        return describe(samples, chosen, members)
    monkeypatch.setattr(trainer.ensemble, "describe", listening)
    trainer.validate()
    assert [len(chosen) for chosen in asked] == [5, 5, len(sets["ood"])]
    assert asked[1][[0, -1]].tolist() == sets["train"][[0, -1]].tolist()    # spread evenly


def test_out_of_distribution_samples_have_no_say(start, campus, sets, reference):
    """Readings of the OOD samples change neither scaling, weights nor the epoch that is kept."""
    changed = campus.copy(deep=True)
    changed.rss.values[sets["ood"]] = -40.0 + np.arange(campus.sizes["sensor"])
    changed.sensor_x.values[sets["ood"]] = campus.sensor_x.mean().item()
    changed.sensor_y.values[sets["ood"]] = campus.sensor_y.mean().item()
    other = fitted(start(dataset=changed))
    assert other.ensemble.grid == reference.ensemble.grid and other.ranges == reference.ranges
    assert same_weights(other, reference) and other.best_epoch == reference.best_epoch
    without = {name: sets[name] for name in ("train", "val")}
    assert same_weights(fitted(start(sets=without)), reference)


@pytest.mark.parametrize("name", ["train", "val"])
@pytest.mark.parametrize("change", ["empty", "absent"])
def test_a_set_without_samples_is_named(start, sets, name, change):
    broken = {key: samples for key, samples in sets.items() if key != name}
    if change == "empty":
        broken[name] = np.array([], int)
    with pytest.raises(InputError, match=f"the set '{name}' is {'empty' if change == 'empty' else 'missing'}"):
        start(sets=broken)


def test_a_set_to_watch_that_is_not_there_is_named_before_training(start):
    with pytest.raises(InputError, match="'november'"):
        start(watch=("november",))


@pytest.mark.parametrize("watch", ["ood", None, 3, ("ood", 3), [["ood"]], {"ood"}])
def test_sets_to_watch_are_a_list_of_names(start, watch):
    with pytest.raises(InputError, match="fit: watch is .*; expected a list of names of sets"):
        start(watch=watch)


def test_a_test_set_that_is_trained_on_brings_a_warning(start, sets):
    with pytest.warns(InputWarning, match="fit: 3 of 3 samples of the set 'test' are also in 'train'"):
        start(sets=sets | {"test": sets["train"][:3]})


@pytest.mark.parametrize("recipe", [None, "compact", {"loss": "emd"}])
def test_a_recipe_is_a_recipe(campus, sets, recipe):
    with pytest.raises(InputError, match="recipe is .*; expected Recipe"):
        EnsembleTrainer(campus, sets, recipe)


@pytest.mark.parametrize("samples, epochs", [(8, 4), (4, 5), (16, 2)])
def test_trainings_of_a_few_steps_have_a_schedule(start, sets, samples, epochs):
    """Of 4 steps the rise of a one-cycle rate is none, by which torch divides."""
    small = sets | {"train": sets["train"][:samples]}
    trainer = start(sets=small, members=1, batch_size=8, epochs=epochs, schedule="one_cycle")
    assert fitted(trainer).epoch == epochs


def test_a_training_sample_without_a_known_location_is_named(campus, sets, start):
    unknown = campus.copy(deep=True)
    for axis in (unknown.tx_x, unknown.tx_y):
        axis[int(sets["val"][0]), 0] = float("nan")
    with pytest.raises(InputError, match=f"sample {sets['val'][0]} of the set 'val' has no known transmitter location"):
        start(unknown)


def test_fewer_samples_than_a_batch_are_one_batch_and_a_short_last_one_is_left_out(start, sets):
    for size, batches in ((5, 1), (33, 2)):
        trainer = start(sets=sets | {"train": sets["train"][:size]})
        assert len(list(trainer.batch_losses(0))) == batches


def test_a_training_that_diverges_stops_with_a_word(start, monkeypatch):
    monkeypatch.setattr(ensembles, "step", lambda loss, images, *_: images.sum() * float("nan"))
    with pytest.raises(InputError, match="the loss is not a number in epoch 1; lower learning_rate"):
        start().fit()


def drawn(trainer, work):
    """Return the pixels of the readings that the first member gets, batch by batch, while `work` runs."""
    batches = []
    handle = trainer.networks[0].register_forward_pre_hook(lambda network, given: batches.append(given[0]))
    work()
    handle.remove()
    return batches


def test_readings_are_dropped_in_training_alone_and_anew_in_each_batch(start, sets):
    small = {"members": 1, "sets": sets | {"train": sets["train"][:32]}, "batch_size": 32}
    full, some = start(**small), start(sensor_dropout=0.5, **small)
    (all_read,), (first,) = (drawn(trainer, lambda trainer=trainer: list(trainer.batch_losses(0)))
                             for trainer in (full, some))
    assert 0.4 < (first >= 0).sum() / (all_read >= 0).sum() < 0.6
    assert torch.equal(first[first >= 0], all_read[first >= 0])    # what is left stays as it was
    (second,) = drawn(some, lambda: list(some.batch_losses(0)))
    assert not torch.equal((first >= 0).sum(0), (second >= 0).sum(0))
    for one, other in zip(*(drawn(trainer, trainer.validate) for trainer in (full, some))):
        assert torch.equal(one, other)


def test_the_history_is_written(reference, tmp_path):
    path = reference.write_history(tmp_path / "build" / "history.json")
    assert json.loads(path.read_text()) == {"epochs": reference.history}
