"""Training of the second paper: seeded, continued without a trace, through a frozen first stage."""

import logging
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from interruption import interrupt, same_weights
from small_emitters import BINARY, CITY, FIRST, FREE, LOGIT, SINGLE
from torch.nn.functional import binary_cross_entropy_with_logits

from rsslib.emitters import training
from rsslib.emitters.localizer import build
from rsslib.emitters.loss import near, pit
from rsslib.emitters.training import EmitterTrainer, OccupancySet, draw_set, symmetric, turned, turned_labels
from rsslib.project import InputError
from rsslib.propagation.scene import free_space


def start(recipe=SINGLE, scene=FREE, occupancy=None, path=None):
    return EmitterTrainer(recipe, scene, occupancy, path, "cpu")


def fitted(trainer):
    trainer.fit()
    return trainer


def epoch(trainer):
    """Train for one epoch, without validation."""
    trainer.model.net.train()
    for loss in trainer.batch_losses(0):
        trainer.optimizers[0].step(loss)


def test_a_seed_is_a_training_whatever_the_global_generator(reference):
    torch.manual_seed(12345)
    state = torch.get_rng_state()
    again = fitted(start())
    assert same_weights(again, reference) and again.history == reference.history
    assert torch.equal(torch.get_rng_state(), state)
    assert not same_weights(fitted(start(replace(SINGLE, seed=1))), reference)


@pytest.mark.parametrize("recipe", [SINGLE, FIRST])
def test_the_loss_falls(recipe):
    trainer = fitted(start(replace(recipe, epochs=10)))
    assert trainer.history[-1]["loss"] < 0.95 * trainer.history[0]["loss"]
    assert trainer.best_error == min(record["val_loss"] for record in trainer.history)


@pytest.mark.parametrize("recipe", [replace(SINGLE, schedule="constant"), FIRST, LOGIT])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(recipe, occupancy, tmp_path, monkeypatch):
    recipe, first = replace(recipe, augment=True), occupancy if recipe is LOGIT else None
    path = tmp_path / "build" / "checkpoint.pt"
    whole = fitted(start(recipe, FREE, first))
    interrupt(start(recipe, FREE, first, path), monkeypatch, epoch=3)
    continued = start(recipe, FREE, first, path)
    assert continued.epoch == 2
    continued.fit()
    assert same_weights(continued, whole) and continued.history == whole.history
    found = start(recipe, FREE, first, path)    # finished: nothing is left to train
    assert found.epoch == recipe.epochs and same_weights(fitted(found), whole)


def test_the_checkpoint_of_another_training_is_not_continued(occupancy, tmp_path, monkeypatch, caplog):
    path = tmp_path / "checkpoint.pt"
    interrupt(start(path=path), monkeypatch, epoch=2)
    for recipe, scene in ((replace(SINGLE, learning_rate=1e-3), FREE), (replace(SINGLE, seed=1), FREE),
                          (replace(SINGLE, precision="bfloat16"), FREE), (SINGLE, free_space(16, side_m=4000.0)),
                          (SINGLE, replace(FREE, threshold_dbm=-90.0))):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert start(recipe, scene, path=path).epoch == 0
        assert "checkpoint.pt: not continued" in caplog.text
    assert start(path=path).epoch == 1
    interrupt(start(LOGIT, FREE, occupancy, path), monkeypatch, epoch=2)
    assert start(LOGIT, FREE, occupancy, path).epoch == 1
    assert start(LOGIT, FREE, build(replace(FIRST, seed=3), "cpu"), path).epoch == 0    # another first stage


def test_a_training_that_diverges_stops_with_a_word():
    with pytest.raises(InputError, match="training single_stage localizer: the loss is not a number in epoch 1"):
        start(replace(SINGLE, learning_rate=1e30, muon_rate=0.0, schedule="constant")).fit()


def test_the_first_stage_stays_as_it_is(occupancy):
    before = [value.clone() for value in occupancy.state_dict().values()]
    for recipe in (LOGIT, BINARY):
        epoch(start(recipe, FREE, occupancy))
    assert all(torch.equal(a, b) for a, b in zip(before, occupancy.state_dict().values()))


def test_the_second_stage_sees_the_first_kept_or_not(occupancy, monkeypatch):
    kept, chosen = draw_set(LOGIT, FREE, "val", occupancy), torch.tensor([3, 0, 17])
    sensed = draw_set(SINGLE, FREE, "val").image(chosen)
    shown, estimate = kept.image(chosen).split(1, dim=1)
    torch.testing.assert_close(estimate, occupancy.infer(sensed) / 10, atol=2e-3, rtol=2e-3)
    assert torch.equal(shown, sensed)
    binary = draw_set(BINARY, FREE, "val", occupancy).image(chosen)
    assert set(binary.unique().tolist()) <= {0.0, 1.0} and torch.equal(binary > 0, estimate > 0)
    monkeypatch.setattr(training, "CACHE_BYTES", 0)
    fresh = draw_set(LOGIT, FREE, "val", occupancy)
    assert fresh.kept is None and kept.kept is not None
    torch.testing.assert_close(fresh.image(chosen), kept.image(chosen), atol=2e-3, rtol=2e-3)


def test_logits_may_come_alone_as_in_the_paper(occupancy):
    alone, chosen = replace(LOGIT, beside=False), torch.arange(5)
    shown = draw_set(alone, FREE, "val", occupancy).image(chosen)
    assert torch.equal(shown, draw_set(LOGIT, FREE, "val", occupancy).image(chosen)[:, 1:]) and shown.shape[1] == 1


def test_the_network_of_a_turned_city_is_refused():
    with pytest.raises(InputError, match="augment is true on a map with indoor cells"):
        start(replace(SINGLE, augment=True), CITY)


@pytest.mark.parametrize("recipe, scene, through, message", [
    (SINGLE, free_space(32), False, "n is 16, the scene has 32 cells per side"),
    (LOGIT, FREE, False, "without an occupancy network"),
    (SINGLE, FREE, True, "single_stage, stage localizer, with an occupancy network")])
def test_parts_that_do_not_fit_are_named(recipe, scene, through, message, occupancy):
    with pytest.raises(InputError, match=message):
        start(recipe, scene, occupancy if through else None)


@pytest.mark.parametrize("symmetry", range(8))
def test_labels_follow_their_map(symmetry):
    """An emitter drawn into a map lies, in the turned map, where the turned label tells."""
    image, label = torch.zeros(1, 9, 9), torch.tensor([[1.0, 2 / 8, 5 / 8], [0.0, 0.0, 0.0]])
    image[0, 2, 5] = 1.0
    row, column = divmod(int(turned(image, symmetry).argmax()), 9)
    present, absent = turned_labels(label, symmetry)
    torch.testing.assert_close(present, torch.tensor([1.0, row / 8, column / 8]))
    assert absent.tolist() == [0, 0, 0]


def test_the_symmetries_are_eight():
    image = torch.arange(9.0).view(3, 3)
    assert len({tuple(turned(image, symmetry).flatten().tolist()) for symmetry in range(8)}) == 8


@pytest.mark.parametrize("recipe", [SINGLE, LOGIT, FIRST])
def test_a_batch_is_turned_in_eighths(recipe, occupancy):
    samples = draw_set(recipe, FREE, "train", occupancy if recipe is LOGIT else None)
    image, target = samples.batch(torch.arange(32))
    turned_image, turned_target = symmetric(samples, image, target)
    follow = turned if recipe is FIRST else turned_labels
    for symmetry in range(8):
        part = slice(4 * symmetry, 4 * symmetry + 4)
        assert torch.equal(turned_image[part], turned(image[part], symmetry))
        torch.testing.assert_close(turned_target[part], follow(target[part], symmetry))


class Fixed:
    """A network that returns the same logits whatever it is shown, with a slope of a margin."""

    def __init__(self, logits, slope=1.0):
        self.logits, self.net = logits, SimpleNamespace(log_slope=torch.tensor(slope).log())

    def __call__(self, image):
        return self.logits


def test_indoor_cells_do_not_count_in_the_occupancy_loss():
    samples = draw_set(FIRST, CITY, "train")
    assert isinstance(samples, OccupancySet)
    logits, (image, target) = torch.randn(8, 1, 16, 16, requires_grad=True), samples.batch(torch.arange(8))
    loss = samples.loss(Fixed(logits), image, target, torch.zeros(8, dtype=torch.uint8))
    loss.backward()
    inside = torch.from_numpy(~np.asarray(CITY.outdoor))
    assert (logits.grad[:, 0, inside] == 0).all() and (logits.grad[:, 0, ~inside] != 0).all()
    outside = logits[:, 0, ~inside].detach()
    torch.testing.assert_close(loss.detach(),
                               binary_cross_entropy_with_logits(outside, (target[:, ~inside] > 0).float()))


@pytest.mark.parametrize("slope", [1.0, 0.5])
def test_a_margin_raises_the_threshold_and_lowers_the_logit(slope):
    samples = draw_set(FIRST, FREE, "train")
    logits, (image, target) = torch.randn(8, 1, 16, 16), samples.batch(torch.arange(8))
    margin = torch.tensor([0, 4, 40, 100, 4, 4, 4, 4], dtype=torch.uint8)
    raised = margin[:, None, None]
    expected = binary_cross_entropy_with_logits(logits[:, 0] - slope * raised / 4, (target > raised).float())
    torch.testing.assert_close(samples.loss(Fixed(logits, slope), image, target, margin), expected)


def margins_asked(trainer, work):
    """Return the margins [dB] that the losses ask for while `work` runs."""
    asked = []
    for samples in trainer.sets.values():
        samples.loss = lambda model, image, target, margin: asked.append(margin / 4) or torch.tensor(0.0)
    work()
    return torch.cat(asked)


def test_a_quarter_of_a_batch_has_no_margin_and_the_others_any():
    trainer = start(replace(FIRST, samples=1024, batch_size=1024))
    margins = margins_asked(trainer, lambda: list(trainer.batch_losses(0)))
    assert (margins == 0).float().mean() == pytest.approx(0.25, abs=0.05) and 24 < margins.max() <= 25
    assert margins[margins > 0].mean() == pytest.approx(12.5, abs=1)
    none = start(replace(FIRST, margin_db=0.0))
    assert (margins_asked(none, lambda: list(none.batch_losses(0))) == 0).all()


def test_validation_asks_for_four_margins():
    trainer = start(replace(FIRST, margin_db=60.0))
    assert margins_asked(trainer, trainer.validate)[:5].tolist() == [0.0, 15.0, 30.0, 45.0, 0.0]


def test_every_weight_moves_with_and_without_muon():
    for recipe in (SINGLE, replace(SINGLE, muon_rate=0.0), FIRST):
        trainer = start(recipe)
        before = {name: value.clone() for name, value in trainer.model.named_parameters()}
        epoch(trainer)
        for name, value in trainer.model.named_parameters():
            assert not torch.equal(before[name], value) and value.isfinite().all(), name


def test_a_short_last_batch_is_left_out():
    assert len(list(start(replace(SINGLE, samples=100)).batch_losses(0))) == 3
    assert len(list(start(replace(SINGLE, samples=20)).batch_losses(0))) == 1


def test_the_blocks_near_an_emitter_are_learned_and_judge_nothing():
    """With weight 0 nothing trains their last layer; the loss on the validation set is the list's alone in both."""
    for weight, learns in ((0.0, False), (0.5, True)):
        trainer = start(replace(SINGLE, near_weight=weight, weight_decay=0.0))
        image, target = trainer.sets["val"].batch(torch.arange(32))
        assert trainer.validate()[0] == pytest.approx(float(pit(trainer.model.infer(image), target)), rel=1e-5)

        def missed(trainer=trainer, image=image, target=target):
            with torch.no_grad():
                return float(near(trainer.model.train()(image)[1], target, 16))
        before = missed()
        for _ in range(3):
            epoch(trainer)
        assert (missed() < 0.8 * before) == learns


def test_the_slope_of_a_margin_is_learned_where_there_are_margins():
    for margin, moves in ((25.0, True), (0.0, False)):
        trainer = start(replace(FIRST, margin_db=margin, weight_decay=0.0))
        epoch(trainer)
        assert (float(trainer.model.net.log_slope.detach()) != 0) == moves


def test_two_swapped_readings_are_another_training():
    one, other = start(), start()
    value = other.sets["train"].value
    assert value[0, 0] != value[1, 0]
    value[[0, 1], 0] = value[[1, 0], 0]
    assert value.sum() == one.sets["train"].value.sum() and one.key() != other.key() == other.key()
    first, second = start(FIRST, CITY), start(FIRST, CITY)
    second.scene = replace(CITY, outdoor=~np.fliplr(~CITY.outdoor))    # as many cells
    assert first.key() != second.key()
