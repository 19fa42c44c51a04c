"""Training: seeded, continued without a trace, stopped in time, blind to the sets it does not train on."""

import logging

import numpy as np
import pytest
import torch

from rsslib.data import splits
from rsslib.learning import checkpoint as checkpoints
from rsslib.localization import training
from rsslib.localization.ensemble import Recipe
from rsslib.localization.training import Trainer
from rsslib.project import InputError

TINY = {"network": "compact", "members": 2, "epochs": 3, "patience": 50, "batch_size": 16,
        "learning_rate": 2e-3, "pixel_m": 120.0, "precision": "float32", "threads": 1}


class Interrupted(Exception):
    """Stands for whatever ends a training before its time."""


@pytest.fixture(scope="module")
def sets(campus):
    return splits.make(campus, "grid2")


@pytest.fixture
def start(campus, sets):
    """Return a function: settings of a recipe to a Trainer on the campus."""
    def start(dataset=campus, sets=sets, checkpoint=None, watch=(), **changes):
        return Trainer(dataset, sets, Recipe(**TINY | changes), checkpoint, watch, device="cpu")
    return start


def fitted(trainer):
    trainer.fit()
    return trainer


def weights(ensemble):
    return [value.clone() for net in ensemble.members for value in net.state_dict().values()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(weights(one.ensemble), weights(other.ensemble), strict=True))


def interrupt(trainer, monkeypatch, epoch):
    """Train with a checkpoint after every epoch, and stop in the middle of `epoch`."""
    monkeypatch.setattr(checkpoints, "SECONDS", -1.0)
    train_epoch = trainer._train_epoch

    def interrupted(number):
        if trainer.epoch == epoch - 1 and number == 1:
            raise Interrupted
        return train_epoch(number)
    monkeypatch.setattr(trainer, "_train_epoch", interrupted)
    with pytest.raises(Interrupted):
        trainer.fit()


def script_errors(trainer, monkeypatch, means):
    """Let the validation find these mean errors; return the weights after each epoch."""
    after = []

    def errors(chosen, members=None):
        after.append(weights(trainer.ensemble))
        return np.full(len(chosen), means[len(after) - 1])
    monkeypatch.setattr(trainer, "_errors", errors)
    return after


@pytest.fixture(scope="module")
def reference(campus, sets):
    """One uninterrupted training, to compare others with."""
    return fitted(Trainer(campus, sets, Recipe(**TINY), device="cpu"))


def test_a_seed_is_a_training_whatever_the_global_generator(start, reference):
    torch.manual_seed(12345)
    state = torch.get_rng_state()
    again = fitted(start())
    assert same(again, reference) and again.history == reference.history
    assert torch.equal(torch.get_rng_state(), state)
    assert not same(fitted(start(seed=1)), reference)


@pytest.mark.parametrize("loss", ["com", "pse", "emd"])
def test_the_loss_falls(start, loss):
    trainer = fitted(start(loss=loss, epochs=8, members=1, schedule="one_cycle"))
    assert trainer.history[-1]["loss"] < 0.95 * trainer.history[0]["loss"]
    assert [record["epoch"] for record in trainer.history] == list(range(1, 9))


@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(start, tmp_path, monkeypatch, schedule):
    checkpoint = tmp_path / "build" / "checkpoint.pt"
    whole = fitted(start(epochs=4, schedule=schedule, watch=("ood",)))
    interrupt(start(epochs=4, schedule=schedule, watch=("ood",), checkpoint=checkpoint), monkeypatch, epoch=3)
    assert [file.name for file in checkpoint.parent.iterdir()] == ["checkpoint.pt"]
    continued = start(epochs=4, schedule=schedule, watch=("ood",), checkpoint=checkpoint)
    assert continued.epoch == 2
    continued.fit()
    assert same(continued, whole) and continued.history == whole.history
    assert continued.best_epoch == whole.best_epoch and continued.best_mean == whole.best_mean
    assert not checkpoint.exists()  # a finished training has no use for it


def test_the_checkpoint_of_another_training_is_not_continued(
        start, sets, campus, reference, tmp_path, monkeypatch, caplog):
    checkpoint = tmp_path / "checkpoint.pt"
    interrupt(start(checkpoint=checkpoint), monkeypatch, epoch=2)
    louder, moved = campus.copy(deep=True), campus.copy(deep=True)
    louder.rss.values[:] += 1.0
    moved.tx_y.values[:] += 10.0
    others = [{"learning_rate": 1e-3}, {"seed": 1}, {"loss": "com"}, {"dataset": louder}, {"dataset": moved},
              {"sets": sets | {"val": sets["val"][1:]}}]
    for other in others:
        with caplog.at_level(logging.WARNING):
            assert start(checkpoint=checkpoint, **other).epoch == 0, other
        assert "checkpoint.pt: not continued" in caplog.text
        caplog.clear()
    continued = start(checkpoint=checkpoint)
    assert continued.epoch == 1
    assert same(fitted(continued), reference)


def test_a_broken_checkpoint_only_costs_the_time_it_held(start, reference, tmp_path, caplog):
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(b"half a file")
    assert same(fitted(start(checkpoint=checkpoint)), reference)
    assert "not continued" in caplog.text


def test_the_best_epoch_by_mean_error_is_returned_and_patience_stops(start, monkeypatch):
    trainer = start(epochs=20, patience=3, members=1)
    after = script_errors(trainer, monkeypatch, [10.0, 5.0, 7.0, 5.0, 9.0, 1.0])
    ensemble = trainer.fit()
    assert (trainer.epoch, trainer.best_epoch, trainer.best_mean) == (5, 2, 5.0)
    assert all(torch.equal(a, b) for a, b in zip(weights(ensemble), after[1]))
    assert not all(torch.equal(a, b) for a, b in zip(weights(ensemble), after[4]))


def test_the_mean_decides_not_the_median(start, monkeypatch):
    trainer = start(epochs=2, members=1)
    found = iter([np.array([1.0, 1.0, 40.0]), np.array([9.0, 9.0, 9.0])])
    monkeypatch.setattr(trainer, "_errors", lambda chosen, members=None: next(found))
    trainer.fit()
    assert trainer.best_epoch == 2 and [record["val_median_m"] for record in trainer.history] == [1.0, 9.0]


def test_the_returned_networks_have_the_best_mean_error(campus, sets, reference):
    means = [record["val_mean_m"] for record in reference.history]
    assert reference.best_epoch == 1 + int(np.argmin(means)) and reference.best_mean == min(means)
    assert reference._errors(sets["val"]).mean() == pytest.approx(min(means))


def test_validation_may_be_rarer_and_the_last_epoch_is_always_validated(start):
    trainer = fitted(start(epochs=5, validate_every=2, members=1))
    assert [record["epoch"] for record in trainer.history] == [2, 4, 5]


def test_watching_sets_fills_the_history_and_changes_nothing(start, reference):
    watching = fitted(start(watch=("train", "ood")))
    assert same(watching, reference)
    names = {"train_single_median_m", "ood_single_median_m"}
    assert all(set(w) - set(r) == names for w, r in zip(watching.history, reference.history))
    assert [{k: v for k, v in w.items() if k not in names} for w in watching.history] == reference.history


def test_out_of_distribution_samples_have_no_say(start, campus, sets, reference):
    """Readings of the OOD samples change neither scaling, weights nor the epoch that is kept."""
    changed = campus.copy(deep=True)
    changed.rss.values[sets["ood"]] = -40.0 + np.arange(campus.sizes["sensor"])
    changed.sensor_x.values[sets["ood"]] = campus.sensor_x.mean().item()
    changed.sensor_y.values[sets["ood"]] = campus.sensor_y.mean().item()
    other = fitted(start(dataset=changed))
    assert other.ensemble.grid == reference.ensemble.grid and other.ranges == reference.ranges
    assert same(other, reference) and other.best_epoch == reference.best_epoch
    without = {name: sets[name] for name in ("train", "val")}
    assert same(fitted(start(sets=without)), reference)


@pytest.mark.parametrize("name", ["train", "val"])
@pytest.mark.parametrize("change", ["empty", "absent"])
def test_a_set_without_samples_is_named(start, sets, name, change):
    broken = {key: samples for key, samples in sets.items() if key != name}
    if change == "empty":
        broken[name] = np.array([], int)
    with pytest.raises(InputError, match=f"the set '{name}' is empty"):
        start(sets=broken)


def test_a_set_to_watch_that_is_not_there_is_named_before_training(start):
    with pytest.raises(InputError, match="'november'"):
        start(watch=("november",))


def test_fewer_samples_than_a_batch_are_one_batch(start, sets):
    trainer = fitted(start(sets=sets | {"train": sets["train"][:5]}, epochs=1))
    assert trainer.batches == 1 and trainer.epoch == 1


def test_a_training_that_diverges_stops_with_a_word(start, monkeypatch):
    monkeypatch.setitem(training.LOSSES, "emd", lambda images, locations: images.sum() * float("nan"))
    with pytest.raises(InputError, match="the loss is not a number in epoch 1; lower learning_rate"):
        start().fit()


def test_seconds_per_epoch_are_of_one_member(reference):
    assert 0 < reference.seconds_per_epoch <= reference.seconds / (3 * 2) + 1e-9


def test_dropped_readings_change_the_training_and_nothing_else(start, sets):
    full, some = start(), start(sensor_dropout=0.5)
    sensors = some.samples.batch(torch.from_numpy(sets["train"][:32]))
    pixel, value, kind = some._drop(sensors, torch.Generator().manual_seed(0))
    drawn = (sensors[0] >= 0).sum()
    assert 0.4 < (pixel >= 0).sum() / drawn < 0.6 and (pixel[pixel >= 0] == sensors[0][pixel >= 0]).all()
    assert full._drop(sensors, torch.Generator()) is sensors


def test_a_training_sample_without_a_known_place_is_named(campus, sets, start):
    unknown = campus.copy(deep=True)
    unknown.tx_x[int(sets["val"][0]), 0] = float("nan")
    with pytest.raises(InputError, match="sample .* of the set 'val' has no known transmitter location"):
        start(unknown)
