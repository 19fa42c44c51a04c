"""Networks fed by radio maps: training, products, predictions, files, the choice of a rule, errors."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from interruption import interrupt, same_weights
from small_site import site

from rsslib.data.grid import transmitters
from rsslib.localization import predictions
from rsslib.project import InputError, InputWarning
from rsslib.radio_maps import cells, decoders, fed_regions, products, regions
from rsslib.radio_maps.fed import FedLocalizer, Product
from rsslib.radio_maps.fed_choice import RULES, FedChoice, choose, errors
from rsslib.radio_maps.fed_recipe import FedRecipe
from rsslib.radio_maps.fed_training import FedTrainer, cross_entropy, visited
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.products import Rule
from rsslib.radio_maps.recipe import MapRecipe

MAPS = MapRecipe(pixel_m=60.0, threads=1)
RECIPE = FedRecipe(real_shares=(0.5, 0.5), epochs=12, least_steps=0, batch_size=16, threads=1, precision="float32",
                   maps=MAPS)
SHORT = FedRecipe(epochs=3, least_steps=0, threads=1, precision="float32", maps=MAPS)
SETS = {"train": np.arange(90), "val": np.arange(90, 105)}
TEST = np.arange(105, 120)


@pytest.fixture(scope="module")
def dataset():
    return site(moving=1)


@pytest.fixture(scope="module")
def fed(dataset):
    return FedLocalizer(RECIPE, "cpu").fit(dataset, SETS)


def test_it_learns_to_localize(dataset, fed):
    assert predictions.median_error(fed.predict(dataset, {"test": TEST}), "test") < 120
    record = fed.trainer.history[-1]
    assert record["epoch"] == 12 and record["val_median_m"] < 250 and fed.trainer.best_epoch == 12


def test_its_predictions_are_those_of_a_localizer(dataset, fed, tmp_path):
    found = fed.predict(dataset, {"val": SETS["val"], "test": TEST}, Rule(0.25, "mean"))
    again = predictions.load(predictions.save(found, tmp_path / "predictions.nc"))
    assert (again.x_hat == found.x_hat).all() and found.sizes["member"] == 2
    assert (found.x_hat == found.x_mean).all() and (found.y_hat == found.y_mean).all()
    assert found.attrs["maps_weight"] == 0.25 and found.attrs["maps_noise_db"] == 5.0
    for name in ("entropy", "entropy_network", "entropy_maps"):
        assert found[name].attrs["units"] == "nat"
        assert ((found[name] >= 0) & (found[name] <= np.log(fed.maps.mean[0].size) + 1e-5)).all()
    maps = RadioMaps(MAPS).fit(dataset, SETS["train"]).predict(dataset, {"val": SETS["val"], "test": TEST})
    for name, own in (("entropy", "entropy_maps"), ("log_evidence", "log_evidence")):
        assert found[own].values == pytest.approx(maps[name].values, abs=1e-4)
    true = [axis[found.measurement.values] for axis in transmitters(dataset)]
    error = np.hypot(found.x_hat - true[0], found.y_hat - true[1]).values
    samples = np.concatenate([SETS["val"], TEST])
    assert errors(fed, dataset, samples, [Rule(0.5), Rule(0.25, "mean")])[1] == pytest.approx(error)


def test_no_test_sample_reaches_maps_networks_or_thresholds(dataset):
    """Readings and places of all other samples are replaced; what was learned is the same to the last bit."""
    other, rest = dataset.copy(deep=True), np.setdiff1d(np.arange(dataset.sizes["sample"]), np.concatenate(
        [*SETS.values()]))
    other.rss.values[rest] = np.random.default_rng(0).uniform(-90, -20, other.rss.values[rest].shape)
    places = np.random.default_rng(1).permutation(rest)
    for name in ("tx_x", "tx_y"):
        other[name].values[rest] = dataset[name].values[places]
    recipe, learned = replace(SHORT, epochs=1), []
    for each in (dataset, other):
        fed = FedLocalizer(recipe, "cpu").fit(each, SETS)
        limits = [regions.on_samples(of, each, SETS["val"]).thresholds for of in (fed.maps, Product(fed))]
        limits.append(regions.on_cells(each, SETS["train"], MAPS, cells=3, parts=2).thresholds)
        learned.append((fed, limits))
    (one, limits), (two, again) = learned
    assert limits == again and one.ranges == two.ranges and one.maps.grid == two.maps.grid
    assert np.array_equal(one.maps.mean, two.maps.mean, equal_nan=True)
    assert all(value.equal(again[key]) for net, twin in zip(one.nets.members, two.nets.members)
               for again in [twin.state_dict()] for key, value in net.state_dict().items())


def test_a_calibration_takes_the_offsets_from_what_the_networks_see(dataset):
    shifted, gain = dataset.copy(deep=True), np.linspace(-9, 9, dataset.sizes["sensor"])
    shifted.rss.values[TEST] += gain.astype(shifted.rss.dtype)
    fed = FedLocalizer(SHORT, "cpu").fit(dataset, SETS)
    plain = fed.predict(dataset, {"test": TEST})
    found = fed.calibrate(shifted, TEST, force=True)
    assert fed.maps is found.maps and found.applied
    by_name = dict(zip(dataset.sensor.values.tolist(), gain))
    fed.maps = fed.maps.shifted([by_name[name] for name in fed.maps.sensors])
    again = fed.predict(shifted, {"test": TEST})
    assert again.x_hat.values == pytest.approx(plain.x_hat.values, abs=0.1)
    assert again.entropy.values == pytest.approx(plain.entropy.values, abs=1e-3)


def test_a_product_gives_regions_the_posteriors_that_locate(dataset, fed):
    (batch, log_posterior, network), = Product(fed, Rule(0.5)).posteriors(dataset, TEST)
    found = fed.predict(dataset, {"test": TEST}, Rule(0.5))
    x, y = (axis[TEST] for axis in transmitters(dataset))
    assert (batch == TEST).all() and Product(fed).grid == fed.maps.grid
    assert found.mass.values == pytest.approx(regions.scores(log_posterior.exp(), fed.maps.grid, x, y))
    assert not log_posterior.equal(network)


def test_weight_0_is_the_network_alone(dataset, fed):
    batch, network, maps = next(fed.log_posteriors(dataset, TEST))
    assert products.product(network, maps, 0.0) is network and (batch == TEST).all()
    assert products.product(network, maps, 1e-9).numpy() == pytest.approx(network.numpy(), abs=1e-4)
    found = fed.predict(dataset, {"test": TEST}, Rule(0.0, "median"))
    x, y = decoders.decode(network.exp(), fed.maps.grid, "median")
    assert (found.x_hat == x.numpy()).all() and (found.y_hat == y.numpy()).all()
    assert found.entropy.values == pytest.approx(found.entropy_network.values, abs=1e-6)


def test_a_product_is_that_of_the_densities(dataset, fed):
    _, network, maps = next(fed.log_posteriors(dataset, TEST))
    both = products.product(network, maps, 0.5).double().exp()
    expected = network.double().exp() * maps.double().exp().sqrt()
    expected /= expected.sum((1, 2), keepdim=True)
    assert both.numpy() == pytest.approx(expected.numpy(), abs=1e-5)


def test_the_networks_posterior_is_the_mean_of_the_members(dataset, fed):
    _, network, _ = next(fed.log_posteriors(dataset, TEST))
    drawn = fed.nets.drawn(dataset, fed.ranges)
    members = fed.nets.log_posteriors(drawn, TEST).exp()
    assert members.shape[1] == 2 and not members[:, 0].equal(members[:, 1])
    assert network.exp().numpy() == pytest.approx(members.mean(1).numpy(), abs=1e-6)
    assert network.exp().sum((1, 2)).numpy() == pytest.approx(1, abs=1e-4)


def test_wide_networks_hand_over_at_visited_pixels():
    generator = torch.Generator().manual_seed(0)
    members = torch.randn(5, 3, 4, 6, generator=generator).flatten(2).log_softmax(2).unflatten(2, (4, 6))
    seen = torch.rand(4, 6, generator=generator) < 0.4
    found = products.handed_over(members, [False, True, False], seen).exp()
    wide, near = (members[:, [0, 2]].exp().mean(1), members[:, 1].exp())
    share = wide[:, seen].sum(1)
    for pixels, expected in ((~seen, wide + share[:, None, None] * near), (seen, share[:, None, None] * near)):
        assert found[:, pixels].numpy() == pytest.approx(expected[:, pixels].numpy(), abs=1e-6)
    assert found.sum((1, 2)).numpy() == pytest.approx(1, abs=1e-5)
    for kind in (True, False):
        assert products.handed_over(members, [kind] * 3, seen).equal(products.mean(members))
    everywhere = products.handed_over(members, [False, True, False], torch.ones_like(seen))
    assert everywhere.numpy() == pytest.approx(members[:, 1].numpy(), abs=1e-4)


def test_a_fed_localizer_hands_over_where_its_training_samples_were(dataset, tmp_path):
    fed = FedLocalizer(replace(SHORT, epochs=1, real_shares=(1.0, 0.25)), "cpu").fit(dataset, SETS)
    pixels = {(int(row), int(column)) for column, row in zip(*(np.round(axis[SETS["train"]]) for axis in (
        fed.maps.grid.to_pixels(*transmitters(dataset)))))}
    width = fed.maps.grid.width
    assert {divmod(int(pixel), width) for pixel in fed.nets.visited} == pixels
    assert np.array_equal(visited(dataset, SETS["train"], fed.maps.grid), fed.nets.visited)
    _, network, _ = next(fed.log_posteriors(dataset, TEST))
    members = fed.nets.log_posteriors(fed.nets.drawn(dataset, fed.ranges), TEST)
    seen = torch.tensor([[(row, column) in pixels for column in range(width)] for row in range(fed.maps.grid.height)])
    assert network.equal(products.handed_over(members, [True, False], seen))
    log_maps = next(fed.log_posteriors(dataset, TEST))[2]
    for handed_over, log_network in ((True, network), (False, products.mean(members)), (True, network)):
        x, y = products.located(log_network, log_maps, Rule(), fed.maps.grid)
        expected = np.hypot(*(at.numpy() - axis[TEST] for at, axis in zip((x, y), transmitters(dataset))))
        assert errors(fed, dataset, TEST, [Rule()], handed_over)[0].tolist() == expected.tolist()
    assert np.any(errors(fed, dataset, TEST, [Rule()], False) != errors(fed, dataset, TEST, [Rule()]))
    again = FedLocalizer.load(fed.save(tmp_path / "fed"), "cpu")
    assert np.array_equal(again.nets.visited, fed.nets.visited)
    assert again.predict(dataset).identical(fed.predict(dataset))


def test_cross_entropy_is_least_where_the_image_is_the_target():
    location = torch.tensor([[3.2, 2.0]])
    grid = torch.stack(torch.meshgrid(torch.arange(6.0), torch.arange(8.0), indexing="ij"))
    square = (grid[1] - 3.2).square() + (grid[0] - 2.0).square()
    target = (-square / (2 * 0.7 ** 2)).flatten().softmax(0).view(1, 6, 8)
    entropy = -(target * target.log()).sum()
    assert cross_entropy(target.log(), location, 0.7).item() == pytest.approx(entropy.item(), rel=1e-5)
    assert cross_entropy(target.roll(1, 2).log(), location, 0.7) > entropy


def test_a_resumed_training_ends_with_the_same_weights(dataset, fed, tmp_path, monkeypatch):
    begun = FedLocalizer(SHORT, "cpu").fit(dataset, SETS)
    path = tmp_path / "training.pt"
    from rsslib.radio_maps.fed_training import FedTrainer
    first = FedTrainer(dataset, SETS, begun.maps, SHORT, begun.device, path)
    interrupt(first, monkeypatch, 2)
    resumed = FedTrainer(dataset, SETS, begun.maps, SHORT, begun.device, path)
    assert resumed.epoch == 1
    resumed.fit()
    assert same_weights(resumed, begun.trainer) and resumed.history == begun.trainer.history
    found = FedLocalizer(SHORT, "cpu").fit(dataset, SETS, path)
    assert same_weights(found.trainer, begun.trainer) and found.trainer.epoch == 3


def test_seeds_repeat_and_members_differ(dataset, fed):
    again = FedLocalizer(RECIPE, "cpu").fit(dataset, SETS)
    assert same_weights(again.trainer, fed.trainer)
    assert again.predict(dataset, {"test": TEST}).identical(fed.predict(dataset, {"test": TEST}))


def test_a_small_training_set_gets_its_steps(dataset):
    recipe = FedRecipe(epochs=1, least_steps=8, threads=1, maps=MAPS)
    trainer = FedLocalizer(recipe, "cpu").fit(dataset, SETS).trainer
    assert trainer.feed.batches == 2 and trainer.epoch == 4


def test_the_earth_movers_distance_is_a_loss_too(dataset):
    recipe = FedRecipe(loss="emd", epochs=8, least_steps=0, batch_size=16, threads=1, maps=MAPS)
    found = FedLocalizer(recipe, "cpu").fit(dataset, SETS)
    assert found.trainer.history[-1]["loss"] < 8 and found.trainer.history[-1]["val_median_m"] < 300


def test_what_was_saved_comes_back(dataset, fed, tmp_path):
    again = FedLocalizer.load(fed.save(tmp_path / "fed"), "cpu")
    assert again.recipe == RECIPE and again.ranges == fed.ranges
    assert again.predict(dataset).identical(fed.predict(dataset))


def test_damaged_or_other_files_are_refused(dataset, fed, tmp_path):
    folder = fed.save(tmp_path / "fed")
    RadioMaps(MAPS).fit(dataset, np.arange(50)).save(folder)
    with pytest.raises(InputError, match="maps.nc: not the maps that were saved with these networks; train again"):
        FedLocalizer.load(folder)
    (folder / "maps.nc").unlink()
    with pytest.raises(InputError, match="maps.nc: no such file"):
        FedLocalizer.load(folder)
    header = folder / "header.json"
    header.write_text(header.read_text().replace('"gain_db": 0.0', '"gain_db": 1.0'))
    with pytest.raises(InputError, match="header.json: its content is not what was saved"):
        FedLocalizer.load(folder)
    header.write_text(json.dumps({"format": "other"}))
    with pytest.raises(InputError, match="format is 'other'"):
        FedLocalizer.load(folder)


def test_samples_of_unknown_receivers_are_warned_of(dataset, fed):
    other = dataset.assign_coords(sensor=[f"other{number}" for number in range(6)])
    with pytest.warns(InputWarning, match="120 of 120 samples were heard only by receivers that are not in training"):
        assert np.isfinite(fed.predict(other).x_hat).all()


def test_the_choice_has_the_lowest_score_and_looks_at_train_and_val_alone(dataset, fed):
    rules = [Rule(0.0, "mean"), Rule(0.5, "median"), Rule(1.0, "mean_near")]
    settings = dict(rules=rules, epochs=1, cells=3, parts=2)
    chosen = choose(fed, dataset, SETS, **settings)
    assert chosen.rule == rules[int(np.argmin(chosen.score))] and chosen.rules == tuple(rules)
    assert chosen.val_m == pytest.approx(np.median(errors(fed, dataset, SETS["val"], rules), axis=1))
    other = dataset.copy(deep=True)
    other.rss.values[TEST] += 30
    assert choose(fed, other, SETS, **settings) == chosen
    assert FedChoice(rules[0], tuple(rules), (1.0, 2.0, 4.0), (1.0, 2.0, 1.0)).score == pytest.approx(
        (0.0, np.log(2), np.log(2)))
    assert len(set(RULES)) == 16


@pytest.mark.parametrize("setting, expected", [
    ({"real_shares": ()}, "real_shares has 0 shares"),
    ({"real_shares": (0,)}, "real_shares is 0; expected shares from 0.01 to 1"),
    ({"gain_db": -1}, "gain_db is -1; expected a standard deviation"), ({"loss": "pse"}, "loss is 'pse'; expected one"),
    ({"sensor_dropout": 1.0}, "sensor_dropout is 1.0"),
    ({"target_px": 0}, "target_px is 0"), ({"spread": 99}, "spread"),
    ({"batch_size": 1}, "batch_size is 1"), ({"precision": "float64"}, "precision is"), ({"seed": 0.5}, "seed is 0.5"),
    ({"common_offset_db": float("nan")}, "common_offset_db is nan"), ({"least_steps": -1}, "least_steps is -1"),
    ({"maps": {}}, "maps is {}; expected MapRecipe"), ({"network": "vit"}, "network is 'vit'")])
def test_a_recipe_names_the_setting_that_is_wrong(setting, expected):
    with pytest.raises(InputError, match=f"recipe: {expected}"):
        FedRecipe(**setting)


def test_the_doors_refuse_what_they_cannot_take(dataset, fed):
    with pytest.raises(InputError, match="no networks yet; call fit, or FedLocalizer.load"):
        FedLocalizer().predict(dataset)
    with pytest.raises(InputError, match="recipe is 'fast'; expected FedRecipe"):
        FedLocalizer("fast")
    with pytest.raises(InputError, match="fit: the set 'val' is missing"):
        FedLocalizer(RECIPE).fit(dataset, {"train": range(50)})
    with pytest.raises(InputError, match="predict: no sets"):
        fed.predict(dataset, {})
    with pytest.raises(InputError, match="predict: rule is 0.5; expected Rule"):
        fed.predict(dataset, rule=0.5)
    with pytest.raises(InputError, match="recipe: maps_weight is -1; expected a number from 0"):
        Rule(-1)
    with pytest.raises(InputError, match="recipe: decoder is 'best'; expected one of"):
        Rule(decoder="best")
    with pytest.raises(InputError, match="log_posteriors: samples holds 120"):
        fed.log_posteriors(dataset, [120])
    with pytest.raises(InputError, match="choose: no rules; expected at least one Rule"):
        choose(fed, dataset, SETS, [])
    with pytest.raises(InputError, match="errors: a rule is 1; expected Rule"):
        errors(fed, dataset, TEST, [1])
    for number, name in ((5, "sample 5 has"), (95, "sample 95 of the set 'val' has")):
        unknown = dataset.copy(deep=True)
        unknown.tx_x.values[number] = unknown.tx_y.values[number] = np.nan
        with pytest.raises(InputError, match=f"fit: {name} no known transmitter location"):
            FedLocalizer(RECIPE).fit(unknown, SETS)


# ---- regions for unseen cells

def test_regions_for_unseen_cells_rest_on_networks_that_saw_no_sample_of_them(dataset, tmp_path, monkeypatch):
    seen = []
    fit = FedLocalizer.fit
    monkeypatch.setattr(FedLocalizer, "fit", lambda self, data, sets, path: seen.append((sets, path)) or fit(
        self, data, sets, path))
    found = fed_regions.on_cells(dataset, SETS["train"], SHORT, [0.5, 0.9], cells=2, parts=2, device="cpu",
                                 folder=tmp_path)
    folds = cells.folds(dataset, SETS["train"], 2, 2)
    (x, y), scored = transmitters(dataset), []
    for (kept, held_out), (sets, _) in zip(folds, seen, strict=True):
        assert np.array_equal(sets["train"], kept) and not set(kept) & set(held_out)
        own = fit(FedLocalizer(SHORT, "cpu"), dataset, {"train": kept, "val": held_out})
        for batch, logs, _ in Product(own, Rule()).posteriors(dataset, held_out):
            scored += [*regions.scores(logs.exp(), own.fitted()[0].grid, x[batch], y[batch])]
    rising = np.sort(scored)
    assert found.samples == len(SETS["train"]) and found.promise == "unseen cells"
    assert found.thresholds == {0.5: rising[int(np.ceil(91 * 0.5)) - 1], 0.9: rising[int(np.ceil(91 * 0.9)) - 1]}
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["part0.pt", "part1.pt"]    # the caller removes them


def test_regions_for_unseen_cells_go_on_after_an_interruption(dataset, tmp_path, monkeypatch):
    def found(folder):
        return fed_regions.on_cells(dataset, SETS["train"], SHORT, [0.5], cells=2, parts=2, device="cpu",
                                    folder=folder)

    begun, batch_losses = [], FedTrainer.batch_losses

    def counted(self, number):
        begun.append(len(self.sets["train"]))
        if len(begun) == 11:    # of 3 epochs of 3 networks, in the first epoch of the second part
            raise KeyboardInterrupt
        return batch_losses(self, number)

    monkeypatch.setattr(FedTrainer, "batch_losses", counted)
    with pytest.raises(KeyboardInterrupt):
        found(tmp_path / "one")
    begun[:] = range(20)    # no further interruption
    again = found(tmp_path / "one")
    assert {*begun[20:]} == {len(cells.folds(dataset, SETS["train"], 2, 2)[1][0])}    # the second part alone
    assert again == found(tmp_path / "other")


@pytest.mark.parametrize("changes, told", [({"recipe": "fast"}, "regions: recipe is 'fast'"),
                                           ({"rule": 0.25}, "regions: rule is 0.25"),
                                           ({"cells": 1}, "folds: cells is 1"),
                                           ({"folder": 5}, "regions: folder is 5"),
                                           ({"levels": [2.0]}, "regions: level")])
def test_regions_for_unseen_cells_refuse_before_they_train(dataset, monkeypatch, changes, told):
    monkeypatch.setattr(FedLocalizer, "fit", lambda *_: pytest.fail("it trains first"))
    given = {"dataset": dataset, "train": SETS["train"], "recipe": SHORT, "cells": 2, "parts": 2} | changes
    with pytest.raises(InputError, match=told):
        fed_regions.on_cells(**given)
