"""Training of the second paper: seeded, continued without a trace, through a frozen first stage."""

import logging
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from rsslib.emitters import feeds, predictions
from rsslib.emitters import samples as emitters
from rsslib.emitters.feeds import OccupancyFeed, feed, symmetric, turned, turned_labels
from rsslib.emitters.images import margins
from rsslib.emitters.loss import near, pit
from rsslib.emitters.metrics import metrics
from rsslib.emitters.recipe import EmitterRecipe, build
from rsslib.emitters.training import EmitterTrainer, train
from rsslib.learning import checkpoint as checkpoints
from rsslib.project import InputError

TINY = EmitterRecipe(n=16, sensors=16, samples=128, val_samples=32, test_samples=40, epochs=3, batch_size=32,
                     precision="float32", threads=1)
FIRST = replace(TINY, method="two_stage_logit", stage="occupancy", learning_rate=4e-3)
LOGIT, BINARY = replace(TINY, method="two_stage_logit"), replace(TINY, method="two_stage_binary")


class Interrupted(Exception):
    """Stands for whatever ends a training before its time."""


@dataclass(frozen=True)
class Toy:
    """Free space by distance alone, with or without buildings."""

    n: int = 16
    buildings: bool = False
    threshold_dbm: float = -80.0
    side_m: float = 5000.0

    @property
    def outdoor(self):
        return ~np.eye(self.n, dtype=bool) if self.buildings else np.ones((self.n, self.n), bool)

    @property
    def cells(self):
        return {name: np.flatnonzero(self.outdoor) for name in ("train", "val", "test")}

    def gain_db(self, emitter_cells, cells):
        (row, column), (other_row, other_column) = np.divmod(emitter_cells, self.n), np.divmod(cells, self.n)
        distance = np.maximum(np.hypot(row - other_row, column - other_column), 0.5) * self.side_m / self.n
        gain = -103.3 - 20 * np.log10(distance / 1000)
        return np.where(self.outdoor.ravel()[cells], gain, np.nan).astype(np.float32)


SCENE, CITY = Toy(), Toy(buildings=True)


@pytest.fixture(scope="module")
def first():
    """A trained occupancy network."""
    return train(FIRST, SCENE)


@pytest.fixture(scope="module")
def reference():
    """One uninterrupted training, to compare others with."""
    return fitted(EmitterTrainer(TINY, SCENE))


def fitted(trainer):
    trainer.fit()
    return trainer


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def interrupt(trainer, monkeypatch, epoch):
    """Train with a checkpoint after every epoch, and stop as `epoch` begins."""
    monkeypatch.setattr(checkpoints, "SECONDS", -1.0)
    train_epoch = trainer._train_epoch

    def interrupted():
        if trainer.epoch == epoch - 1:
            raise Interrupted
        return train_epoch()
    monkeypatch.setattr(trainer, "_train_epoch", interrupted)
    with pytest.raises(Interrupted):
        trainer.fit()


def test_a_seed_is_a_training_whatever_the_global_generator(reference):
    torch.manual_seed(12345)
    state = torch.get_rng_state()
    again = fitted(EmitterTrainer(TINY, SCENE))
    assert same(again.model, reference.model) and again.history == reference.history
    assert torch.equal(torch.get_rng_state(), state)
    assert not same(train(replace(TINY, seed=1), SCENE), reference.model)


@pytest.mark.parametrize("recipe", [replace(TINY, epochs=10), replace(FIRST, epochs=10)])
def test_the_loss_falls(recipe):
    trainer = fitted(EmitterTrainer(recipe, SCENE))
    assert trainer.history[-1]["loss"] < 0.95 * trainer.history[0]["loss"]
    assert [record["epoch"] for record in trainer.history] == list(range(1, 11))


@pytest.mark.parametrize("recipe, through", [(TINY, False), (replace(TINY, schedule="constant"), False), (FIRST, False),
                                             (LOGIT, True)])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(recipe, through, first, tmp_path, monkeypatch):
    recipe, looks = replace(recipe, epochs=4, augment=True), first if through else None
    checkpoint = tmp_path / "build" / "checkpoint.pt"
    whole = fitted(EmitterTrainer(recipe, SCENE, looks))
    interrupt(EmitterTrainer(recipe, SCENE, looks, checkpoint), monkeypatch, epoch=3)
    assert [file.name for file in checkpoint.parent.iterdir()] == ["checkpoint.pt"]
    continued = EmitterTrainer(recipe, SCENE, looks, checkpoint)
    assert continued.epoch == 2
    continued.fit()
    assert same(continued.model, whole.model) and continued.history == whole.history
    assert not checkpoint.exists()


def test_the_checkpoint_of_another_training_is_not_continued(reference, tmp_path, monkeypatch, caplog):
    checkpoint = tmp_path / "checkpoint.pt"
    interrupt(EmitterTrainer(TINY, SCENE, checkpoint=checkpoint), monkeypatch, epoch=2)
    for recipe, scene in ((replace(TINY, learning_rate=1e-3), SCENE), (replace(TINY, seed=1), SCENE),
                          (TINY, Toy(side_m=4000.0)), (TINY, Toy(threshold_dbm=-90.0))):
        with caplog.at_level(logging.WARNING):
            assert EmitterTrainer(recipe, scene, checkpoint=checkpoint).epoch == 0
        assert "checkpoint.pt: not continued" in caplog.text
        caplog.clear()
    assert EmitterTrainer(TINY, SCENE, checkpoint=checkpoint).epoch == 1
    checkpoint.write_bytes(b"half a file")
    assert same(train(TINY, SCENE, checkpoint=checkpoint), reference.model)


def test_another_first_stage_is_another_training(first, tmp_path, monkeypatch):
    checkpoint = tmp_path / "checkpoint.pt"
    interrupt(EmitterTrainer(LOGIT, SCENE, first, checkpoint), monkeypatch, epoch=2)
    assert EmitterTrainer(LOGIT, SCENE, first, checkpoint).epoch == 1
    assert EmitterTrainer(LOGIT, SCENE, build(replace(FIRST, seed=3)), checkpoint).epoch == 0


def test_the_best_validation_loss_is_returned(monkeypatch):
    trainer, after = EmitterTrainer(replace(TINY, epochs=4), SCENE), []

    def validate():
        after.append([value.clone() for value in trainer.model.state_dict().values()])
        return [3.0, 1.0, 2.0, 1.0][len(after) - 1]
    monkeypatch.setattr(trainer, "_validate", validate)
    model = trainer.fit()
    assert (trainer.best_epoch, trainer.best_loss) == (2, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), after[1]))
    assert not all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), after[3]))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("where", ["_train_epoch", "_validate"])
def test_a_training_that_diverges_stops_with_a_word(monkeypatch, where, bad):
    trainer = EmitterTrainer(TINY, SCENE)
    monkeypatch.setattr(trainer, where, lambda: bad)
    with pytest.raises(InputError, match="the loss is not a number in epoch 1; lower learning_rate"):
        trainer.fit()


def test_the_first_stage_stays_as_it_is(first):
    before = [value.clone() for value in first.state_dict().values()]
    for recipe in (LOGIT, BINARY):
        train(recipe, SCENE, first)
    assert all(torch.equal(a, b) for a, b in zip(before, first.state_dict().values()))


def test_the_second_stage_sees_the_first_kept_or_not(first, monkeypatch):
    kept = feed(LOGIT, SCENE, "val", first)
    chosen = torch.tensor([3, 0, 17])
    with torch.no_grad():
        sensed = feed(TINY, SCENE, "val").image(chosen)
        shown, estimate = kept.image(chosen).split(1, dim=1)
        torch.testing.assert_close(estimate, first(sensed) / 10, atol=2e-3, rtol=2e-3)
    assert torch.equal(shown, sensed)
    binary = feed(BINARY, SCENE, "val", first).image(chosen)
    assert set(binary.unique().tolist()) <= {0.0, 1.0} and torch.equal(binary > 0, estimate > 0)
    monkeypatch.setattr(feeds, "CACHE_BYTES", 0)
    fresh = feed(LOGIT, SCENE, "val", first)
    assert fresh.kept is None and kept.kept is not None
    torch.testing.assert_close(fresh.image(chosen), kept.image(chosen), atol=2e-3, rtol=2e-3)


def test_logits_may_come_alone_as_in_the_paper(first):
    alone, chosen = replace(LOGIT, beside=False), torch.arange(5)
    shown = feed(alone, SCENE, "val", first).image(chosen)
    assert torch.equal(shown, feed(LOGIT, SCENE, "val", first).image(chosen)[:, 1:]) and shown.shape[1] == 1
    assert train(alone, SCENE, first).says(shown).shape == (5, 3, 3)


def test_the_network_of_a_turned_city_is_refused():
    with pytest.raises(InputError, match="augment is true on a map with indoor cells"):
        EmitterTrainer(replace(TINY, augment=True), CITY)


@pytest.mark.parametrize("symmetry", range(8))
def test_labels_follow_their_map(symmetry):
    """An emitter drawn into a map is found, in the turned map, where the turned label says."""
    image, label = torch.zeros(1, 9, 9), torch.tensor([[1.0, 2 / 8, 5 / 8], [0.0, 0.0, 0.0]])
    image[0, 2, 5] = 1.0
    row, column = divmod(int(turned(image, symmetry).argmax()), 9)
    there, absent = turned_labels(label, symmetry)
    torch.testing.assert_close(there, torch.tensor([1.0, row / 8, column / 8]))
    assert absent.tolist() == [0, 0, 0]


@pytest.mark.parametrize("recipe", [TINY, LOGIT])
def test_a_batch_is_turned_in_eighths(recipe, first):
    fed = feed(recipe, SCENE, "train", first if recipe == LOGIT else None)
    image, target = fed.batch(torch.arange(32))
    turned_image, turned_target = symmetric(fed, image, target)
    for symmetry in range(8):
        part = slice(4 * symmetry, 4 * symmetry + 4)
        assert torch.equal(turned_image[part], turned(image[part], symmetry))
        torch.testing.assert_close(turned_target[part], turned_labels(target[part], symmetry))


def test_indoor_cells_do_not_count_in_the_occupancy_loss():
    fed = feed(FIRST, CITY, "train")
    assert isinstance(fed, OccupancyFeed)
    said, (_, target) = torch.randn(8, 1, 16, 16, requires_grad=True), fed.batch(torch.arange(8))
    loss = fed.loss(said, target)
    loss.backward()
    inside = torch.from_numpy(~CITY.outdoor)
    assert (said.grad[:, 0, inside] == 0).all() and (said.grad[:, 0, ~inside] != 0).all()
    outside = said[:, 0, ~inside].detach()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(outside, (target[:, ~inside] > 0).float())
    torch.testing.assert_close(loss.detach(), expected)
    perfect = torch.where(target > 0, 9.0, -9.0)[:, None]
    perfect[:, 0, inside] *= -1
    assert fed.right(perfect, target).tolist() == [1.0] * 8


def test_a_margin_raises_the_threshold_and_lowers_the_logit():
    fed = feed(FIRST, SCENE, "train")
    said, (_, target) = torch.randn(8, 1, 16, 16), fed.batch(torch.arange(8))
    margin = torch.tensor([0, 4, 40, 100, 4, 4, 4, 4], dtype=torch.uint8)
    costs = torch.nn.functional.binary_cross_entropy_with_logits(
        said[:, 0] - margin[:, None, None] / 4, (target > margin[:, None, None]).float())
    torch.testing.assert_close(fed.loss(said, target, margin), costs)
    half = torch.nn.functional.binary_cross_entropy_with_logits(
        said[:, 0] - margin[:, None, None] / 8, (target > margin[:, None, None]).float())
    torch.testing.assert_close(fed.loss(said, target, margin, 0.5), half)
    torch.testing.assert_close(fed.loss(said, target), fed.loss(said, target, torch.zeros_like(margin)))
    trainer = EmitterTrainer(FIRST, SCENE)
    drawn = trainer._margin(4000).float() / 4
    assert (drawn == 0).float().mean() == pytest.approx(0.25, abs=0.03) and 24 < drawn.max() <= 25
    assert (EmitterTrainer(replace(FIRST, margin_db=0.0), SCENE)._margin(100) == 0).all()


def test_muon_takes_the_matrices_and_adamw_the_rest():
    """Both move in place what the network computes with; without Muon AdamW has everything."""
    for recipe in (TINY, replace(TINY, muon_rate=0.0), FIRST):
        trainer = EmitterTrainer(recipe, SCENE)
        before = {name: value.clone() for name, value in trainer.model.named_parameters()}
        trainer._train_epoch()
        for name, value in trainer.model.named_parameters():
            assert not torch.equal(before[name], value) and value.isfinite().all(), name
        assert len(trainer.optimizer.parts) == (2 if recipe.muon_rate else 1)
        matrices = [value for value in trainer.model.parameters() if value.ndim > 1 and 1 < len(value) < value.numel()]
        assert len(trainer.optimizer.views) == (len(matrices) - 1 if recipe.muon_rate else 0)
        assert all(weight.data_ptr() == view.data_ptr() for weight, view in trainer.optimizer.views)


def test_a_schedule_is_one_cycle_or_constant():
    for schedule, last in (("one_cycle", 0.0), ("constant", TINY.learning_rate)):
        trainer = fitted(EmitterTrainer(replace(TINY, schedule=schedule), SCENE))
        rates = [part.param_groups[0]["lr"] for part in trainer.optimizer.parts]
        assert rates == pytest.approx([last, last and TINY.muon_rate], abs=1e-3)


def test_the_blocks_near_an_emitter_are_learned_and_judge_nothing():
    """With weight 0 nothing trains their last layer; the loss on the validation set is the list's alone in both."""
    for weight, learns in ((0.0, False), (0.5, True)):
        trainer = EmitterTrainer(replace(TINY, near_weight=weight, weight_decay=0.0), SCENE)
        image, target = trainer.sets["val"].batch(torch.arange(32))
        assert trainer._validate() == pytest.approx(float(pit(trainer.model.says(image), target)), rel=1e-5)

        def missed(trainer=trainer, image=image, target=target):
            with torch.no_grad():
                return float(near(trainer.model.train()(image)[1], target, 16))
        before = missed()
        for _ in range(3):
            trainer._train_epoch()
        assert (missed() < 0.8 * before) == learns


def test_the_slope_of_a_margin_is_learned_where_there_are_margins():
    for margin, moves in ((25.0, True), (0.0, False)):
        trainer = EmitterTrainer(replace(FIRST, margin_db=margin, weight_decay=0.0), SCENE)
        trainer._train_epoch()
        assert (float(trainer.model.net.log_slope.detach()) != 0) == moves


def test_validation_asks_for_four_margins(monkeypatch):
    trainer, asked = EmitterTrainer(replace(FIRST, margin_db=60.0), SCENE), []
    monkeypatch.setattr(trainer, "_loss", lambda fed, said, target, margin: asked.append(margin) or torch.tensor(0.0))
    trainer._validate()
    assert (torch.cat(asked)[:5] / 4).tolist() == [0.0, 15.0, 30.0, 45.0, 0.0]    # dB


def test_occupancy_accuracy_is_that_of_the_maps(first):
    found = predictions.occupancy_accuracy(first, FIRST, SCENE)
    samples = emitters.draw(SCENE, "test", 40, 16)
    truth = margins(SCENE, samples) > 0
    said = first.says(feed(FIRST, SCENE, "test").sensed(torch.arange(40)))[:, 0].numpy() > 0
    share = (said == truth).mean((1, 2))
    assert found["accuracy"] == pytest.approx(share.mean()) and found["accuracy_std"] == pytest.approx(share.std())
    assert found["occupied"] == pytest.approx(truth.mean())
    with pytest.raises(InputError, match="stage is 'localizer'; expected 'occupancy'"):
        predictions.occupancy_accuracy(first, TINY, SCENE)


def test_predictions_hold_the_truth_and_come_back_from_their_file(reference, tmp_path):
    said = predictions.predict(reference.model, TINY, SCENE)
    samples = emitters.draw(SCENE, "test", 40, 16)
    true = np.where(samples.emitter >= 0, np.divmod(samples.emitter, 16), np.nan)
    np.testing.assert_array_equal(said.true_row, true[0])
    np.testing.assert_array_equal(said.true_column, true[1])
    assert ((said.existence >= 0) & (said.existence <= 1)).all() and said.attrs["samples"] == 128
    path = predictions.save(said, tmp_path / "said.nc")
    back = predictions.load(path)
    assert all(np.array_equal(back[name], said[name], equal_nan=True) for name in said)
    assert metrics(predictions.scores(back), 50) == metrics(predictions.scores(said), 50)


def test_a_file_that_is_no_predictions_is_named(tmp_path):
    with pytest.raises(InputError, match="no such predictions; run its training stage"):
        predictions.load(tmp_path / "none.nc")
    (tmp_path / "half.nc").write_bytes(b"half a file")
    with pytest.raises(InputError, match="half.nc: not a predictions file"):
        predictions.load(tmp_path / "half.nc")


def test_a_network_comes_back_from_its_folder(reference, tmp_path):
    for recipe in (LOGIT, replace(LOGIT, beside=False)):
        folder = predictions.save_model(build(recipe), recipe, tmp_path / "other")
        model, found = predictions.load_model(folder)
        assert found == recipe and model.net.maps == recipe.maps
    folder = predictions.save_model(reference.model, TINY, tmp_path / "model")
    model, recipe = predictions.load_model(folder)
    assert recipe == TINY and same(model, reference.model)
    (folder / "weights.safetensors").write_bytes(b"half")
    with pytest.raises(InputError, match="weights.safetensors: not the weights of this network"):
        predictions.load_model(folder)
    (folder / "header.json").write_text('{"format": "other"}')
    with pytest.raises(InputError, match="header.json: not an emitter network"):
        predictions.load_model(folder)


def test_the_number_format_is_that_of_the_recipe():
    model = build(replace(TINY, precision="bfloat16"))
    seen = []
    model.net.head[0].register_forward_hook(lambda layer, given, made: seen.append(made.dtype))
    assert model.says(torch.zeros(2, 1, 16, 16)).dtype == torch.float32
    assert seen == [torch.bfloat16]


@pytest.mark.parametrize("recipe, scene, through, message", [
    (TINY, Toy(32), False, "n is 16, the scene has 32 cells a side"),
    (LOGIT, SCENE, False, "without an occupancy network"),
    (TINY, SCENE, True, "single_stage, stage localizer, with an occupancy network"),
])
def test_parts_that_do_not_fit_are_named(recipe, scene, through, message, first):
    with pytest.raises(InputError, match=message):
        EmitterTrainer(recipe, scene, first if through else None)


@pytest.mark.parametrize("setting, value, expected", [
    ("method", "three_stage", "one of single_stage"), ("n", 40, "a multiple of 16"), ("n_max", 7, "1 to 6"),
    ("epochs", 0, "above 0"), ("batch_size", 1, "at least 2"), ("learning_rate", "5e-3", "YAML reads 5e-4 as text"),
    ("precision", "half", "one of auto"), ("seed", -1, "at least 0"), ("augment", 1, "true or false"),
    ("schedule", "cosine", "one of constant"), ("beside", 1, "true or false"), ("near_weight", -0.1, "at least 0"),
    ("muon_rate", -1, "at least 0"), ("muon_rate", float("inf"), "finite"), ("margin_db", 61.0, "at most 60"),
    ("margin_db", "25", "a number"), ("stage", "occupancy", "single_stage has no stage"),
    ("learning_rate", float("nan"), "a number above 0"),
])
def test_settings_are_checked(setting, value, expected):
    with pytest.raises(InputError, match=f"recipe: .*{expected}"):
        EmitterRecipe(**{setting: value})
