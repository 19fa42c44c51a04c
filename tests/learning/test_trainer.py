"""The training loop, on a toy: seeded, continued without a trace, stopped in time, the best epoch returned."""

import logging
import math

import pytest
import torch
from interruption import interrupt, same_weights
from torch import nn

from rsslib.learning.optimizers import Optimizer
from rsslib.learning.trainer import Trainer
from rsslib.project import InputError

X = torch.linspace(-1, 1, 32)[:, None]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Another number of threads gives other bits, and whoever came before may have set one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Toy(Trainer):
    """Small networks that learn a cubic, each from batches of its own."""

    def __init__(self, seeds=(0, 1), epochs=6, schedule="one_cycle", name="toy", **settings):
        self.named = name
        networks = []
        for seed in seeds:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                networks.append(nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1)))
        optimizers = [Optimizer(network, epochs * 4, 0.05, 0.01, schedule, muon_rate=0.02, cycle_momentum=True)
                      for network in networks]
        super().__init__("toy", networks, optimizers, seeds, epochs, **settings)

    def batch_losses(self, number):
        for chosen in torch.randperm(len(X), generator=self.generators[number]).split(8):
            yield (self.networks[number](X[chosen]) - X[chosen] ** 3).square().mean()

    @torch.no_grad()
    def validate(self):
        errors = [(network.eval()(X) - X**3).square().mean() for network in self.networks]
        return float(sum(errors)) / len(errors), {"val": float(errors[0])}

    def key(self):
        return self.named


class Scripted(Toy):
    """A toy whose validation finds the errors it is told to."""

    def __init__(self, errors, **settings):
        self.errors, self.after = list(errors), []
        super().__init__(**settings)

    def validate(self):
        self.after.append({name: value.clone() for name, value in self.networks[0].state_dict().items()})
        error = self.errors[self.epoch // self.validate_every - 1]
        return error, {"val": error}


def fitted(trainer):
    trainer.fit()
    return trainer


@pytest.fixture(scope="module")
def reference():
    """One uninterrupted training, to compare others with."""
    return fitted(Toy())


def test_the_networks_learn_and_are_returned_as_after_training(reference):
    losses = [record["loss"] for record in reference.history]
    assert [record["epoch"] for record in reference.history] == list(range(1, 7)) and losses[-1] < 0.5 * losses[0]
    assert not any(network.training for network in reference.networks) and reference.seconds_per_epoch > 0


def test_a_seed_is_a_training_whatever_the_global_generator(reference):
    torch.manual_seed(12345)
    state = torch.get_rng_state()
    again = fitted(Toy())
    assert same_weights(again, reference) and again.history == reference.history
    assert torch.equal(torch.get_rng_state(), state)
    assert not same_weights(fitted(Toy(seeds=(0, 2))), reference)


def test_networks_side_by_side_are_trainings_of_their_own():
    """With the last epoch the best in all three trainings, two together are the same as each alone."""
    falling = {"errors": [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]}
    together = fitted(Scripted(**falling, seeds=(3, 4)))
    for number, seed in enumerate((3, 4)):
        alone = fitted(Scripted(**falling, seeds=(seed,)))
        assert all(a.equal(b) for a, b in zip(alone.networks[0].state_dict().values(),
                                              together.networks[number].state_dict().values()))


@pytest.mark.parametrize("cores", [1, 2, 3, 8])
def test_how_many_train_at_once_changes_no_bit(cores, monkeypatch):
    """Three networks, validated every third epoch: with more cores than one they run ahead of each other."""
    monkeypatch.setattr("rsslib.learning.devices.cores", lambda: cores)
    trained = fitted(Toy(seeds=(0, 1, 2), epochs=7, validate_every=3))
    monkeypatch.setattr("rsslib.learning.devices.cores", lambda: 1)
    one_by_one = fitted(Toy(seeds=(0, 1, 2), epochs=7, validate_every=3))
    assert same_weights(trained, one_by_one) and trained.history == one_by_one.history
    assert [record["epoch"] for record in trained.history] == [3, 6, 7]


def test_a_restart_between_validations_ends_with_the_same_bits(tmp_path, monkeypatch):
    """Networks that have run ahead of each other, up to the checkpoint of the second epoch of four."""
    monkeypatch.setattr("rsslib.learning.devices.cores", lambda: 2)
    monkeypatch.setattr("rsslib.learning.trainer.TOGETHER", 2)
    monkeypatch.setattr("rsslib.learning.checkpoint.SECONDS", -1.0)
    settings = {"seeds": (0, 1, 2), "epochs": 4, "validate_every": 4, "path": tmp_path / "training.pt"}
    broken = Toy(**settings)
    monkeypatch.setattr(broken, "validate", lambda: pytest.fail("interrupted"))
    with pytest.raises(pytest.fail.Exception):
        broken.fit()
    resumed = Toy(**settings)
    assert resumed.epoch == 2
    whole = fitted(Toy(seeds=(0, 1, 2), epochs=4, validate_every=4))
    assert same_weights(fitted(resumed), whole) and resumed.history == whole.history


def test_what_fails_in_one_network_ends_the_training_of_all(monkeypatch):
    """At the next epoch: what is queued up to the validation is not trained first."""
    monkeypatch.setattr("rsslib.learning.devices.cores", lambda: 2)
    trainer, begun = Toy(seeds=(0, 1), epochs=40, validate_every=40), []
    monkeypatch.setattr("rsslib.learning.trainer.TOGETHER", 40)
    batch_losses = trainer.batch_losses

    def failing(number):
        begun.append(number)
        if number == 0:
            raise InputError("broken")
        yield from batch_losses(number)
    trainer.batch_losses = failing
    with pytest.raises(InputError, match="broken"):
        trainer.fit()
    assert begun.count(0) == 1 and begun.count(1) < 40 and trainer.epoch == 0


@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
@pytest.mark.parametrize("epoch", [2, 5])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(schedule, epoch, tmp_path, monkeypatch):
    path = tmp_path / "build" / "checkpoint.pt"
    whole = fitted(Toy(schedule=schedule))
    interrupt(Toy(schedule=schedule, path=path), monkeypatch, epoch)
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]
    continued = Toy(schedule=schedule, path=path)
    assert continued.epoch == epoch - 1
    continued.fit()
    assert same_weights(continued, whole) and continued.history == whole.history
    assert (continued.best_epoch, continued.best_error) == (whole.best_epoch, whole.best_error)
    assert path.exists()    # until all that the training was for has been written


@pytest.mark.parametrize("settings", [{}, {"errors": [3.0, 1.0, 2.0, 2.0, 2.0, 2.0], "patience": 2}])
def test_a_finished_training_is_found_and_not_repeated(settings, tmp_path):
    """Its checkpoint is written at the end, however short the training, and stays until it is removed."""
    kind, path = (Scripted if settings else Toy), tmp_path / "checkpoint.pt"
    first = fitted(kind(path=path, **settings))
    found = kind(path=path, **settings)
    found.batch_losses = lambda number: pytest.fail("trained again")
    assert found.epoch == first.epoch and found.seconds == first.seconds
    assert same_weights(fitted(found), first) and found.history == first.history
    assert (found.best_epoch, found.best_error) == (first.best_epoch, first.best_error)
    found.checkpoint.remove()
    assert not path.exists() and kind(path=path, **settings).epoch == 0


def test_the_checkpoint_of_another_training_is_not_continued(reference, tmp_path, monkeypatch, caplog):
    path = tmp_path / "checkpoint.pt"
    interrupt(Toy(path=path), monkeypatch, epoch=3)
    with caplog.at_level(logging.WARNING):
        assert Toy(path=path, name="another").epoch == 0
    assert "checkpoint.pt: not continued" in caplog.text
    assert Toy(path=path).epoch == 2
    path.write_bytes(b"half a file")
    assert same_weights(fitted(Toy(path=path)), reference)


def test_the_best_epoch_is_returned_and_patience_stops():
    trainer = fitted(Scripted([10.0, 5.0, 7.0, 5.0, 9.0, 1.0], epochs=20, patience=3))
    assert (trainer.epoch, trainer.best_epoch, trainer.best_error) == (5, 2, 5.0)    # an equal one is not better
    returned = trainer.networks[0].state_dict()
    assert all(returned[name].equal(value) for name, value in trainer.after[1].items())
    assert not all(returned[name].equal(value) for name, value in trainer.after[4].items())
    assert not any(network.training for network in trainer.networks)


def test_the_best_epoch_before_an_interruption_is_returned(tmp_path, monkeypatch):
    path, errors = tmp_path / "checkpoint.pt", [5.0, 1.0, 7.0, 7.0, 7.0, 7.0]
    first = Scripted(errors, path=path)
    interrupt(first, monkeypatch, epoch=4)
    continued = fitted(Scripted(errors, path=path))
    assert (continued.epoch, continued.best_epoch) == (6, 2)
    returned = continued.networks[0].state_dict()
    assert all(returned[name].equal(value) for name, value in first.after[1].items())


def test_validation_may_be_rarer_and_the_last_epoch_is_always_validated():
    trainer = fitted(Toy(epochs=5, validate_every=2))
    assert [record["epoch"] for record in trainer.history] == [2, 4, 5]


def test_validation_changes_nothing():
    often, once = Scripted([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]), Scripted([1.0], validate_every=6)
    assert same_weights(fitted(often), fitted(once)) and len(often.after) == 6 and len(once.after) == 1


def test_the_loss_recorded_is_the_mean_over_batches_and_networks():
    class Known(Toy):
        def batch_losses(self, number):
            for value in (1.0, 2.0, 6.0):
                yield sum(weight.sum() for weight in self.networks[number].parameters()) * 0 + value + 2 * number

    assert fitted(Known(epochs=1)).history[0]["loss"] == pytest.approx(4.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_training_that_diverges_stops_with_a_word(bad):
    class Diverging(Toy):
        def batch_losses(self, number):
            yield from (loss * bad for loss in super().batch_losses(number))

    for trainer in (Diverging(), Scripted([bad])):
        with pytest.raises(InputError, match="training toy: the loss is not a number in epoch 1; lower learning_rate"):
            trainer.fit()
