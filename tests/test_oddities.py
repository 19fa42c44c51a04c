"""Oddities: each rule on samples bent to break it, and the list of the least sure."""

import numpy as np
import pytest
import said

from rsslib import oddities, predictions, splits


@pytest.fixture(scope="module")
def sets(campus):
    return splits.make(campus, "grid2")


def part_of(sets, name="val", **confidence):
    """Predictions of a set that are right and equally sure."""
    samples = sets[name]
    return said.predictions([name] * len(samples), np.full(len(samples), 0.7), np.full(len(samples), 25.0),
                            measurement=samples)


def flagged(campus, sets, oddity, change):
    """The oddities of a July validation sample that is free of `oddity` until `change` bends its readings."""
    part = part_of(sets)
    free = ~oddities.flags(campus, sets, part)[oddity] & (campus.season.values[sets["val"]] == "july")
    row = int(np.flatnonzero(free)[0])
    bent = campus.copy(deep=True)
    change(bent, int(sets["val"][row]))
    return {name for name, flag in oddities.flags(bent, sets, part).items() if flag[row]}


def farthest(dataset, sample, nearest=False):
    away = oddities.distances(dataset)[sample]
    return int(np.nanargmin(away) if nearest else np.nanargmax(away))


def test_a_loud_receiver_far_away_is_hot_and_the_brightest(campus, sets):
    def louder(dataset, sample):
        dataset["rss"][sample, farthest(dataset, sample)] += 70

    assert {"hot sensor far away", "brightest sensor far away"} <= flagged(campus, sets, "hot sensor far away", louder)


def test_a_faint_receiver_nearby_is_quiet(campus, sets):
    def fainter(dataset, sample):
        nearest = farthest(dataset, sample, nearest=True)
        dataset["sensor_x"][sample, nearest], dataset["sensor_y"][sample, nearest] = (
            dataset.tx_x[sample, 0] + 30, dataset.tx_y[sample, 0])
        dataset["rss"][sample, nearest] -= 60

    assert "quiet sensor nearby" in flagged(campus, sets, "quiet sensor nearby", fainter)


def test_few_receivers_are_counted(campus, sets):
    def silence(dataset, sample):
        heard = np.flatnonzero(np.isfinite(dataset.rss.values[sample]))
        dataset["rss"][sample, heard[2:]] = np.nan

    assert "few sensors" in flagged(campus, sets, "few sensors", silence)


def test_no_reading_is_odd_where_distance_explains_it(campus, sets):
    residual = oddities.residuals(campus, sets["train"])[sets["train"]]
    known = np.isfinite(residual).any(axis=0)
    assert known.any() and np.abs(np.nanmean(residual[:, known], axis=0)) == pytest.approx(0, abs=1e-3)


def test_members_far_apart_disagree_and_april_is_april(campus, sets):
    part = part_of(sets, "ood")
    part["max_spread"][0] = 301.0
    flags = oddities.flags(campus, sets, part)
    assert flags["members disagree"].tolist() == [True] + [False] * (part.sizes["sample"] - 1)
    assert np.array_equal(flags["April sample"], campus.season.values[sets["ood"]] == "april")
    assert flags["far from training"].mean() > 0.5      # OOD samples lie in other cells


def test_the_least_sure_are_listed_with_their_oddities(campus, sets):
    part = part_of(sets)
    part["max_mean_prediction"][[4, 1]] = [0.1, 0.2]
    listed, rates = oddities.lowest(campus, sets, part, "grid2", count=2)
    assert [record["measurement"] for record in listed] == sets["val"][[4, 1]].tolist()
    assert all(set(record["odd"]) <= set(oddities.RULES) for record in listed)
    assert [record["oddity"] for record in rates] == list(oddities.RULES)
    for record in rates:
        assert record["lowest_share"] == np.mean([record["oddity"] in one["odd"] for one in listed])


def test_the_two_examples_follow_their_rules(campus, sets):
    ood = part_of(sets, "ood")
    ood["x_hat"][:] = ood.x_true + np.arange(ood.sizes["sample"])
    row = oddities.miss_beside_a_sensor(campus, sets, ood, within_m=1e9)
    assert predictions.errors(ood)[row] == predictions.errors(ood).max()
    assert 0 <= oddities.interference(campus, sets, part_of(sets)) < len(sets["val"])


def test_a_case_is_drawn_as_the_networks_see_it(campus, sets):
    part = part_of(sets)
    raster = oddities.raster(part)
    shown = oddities.case(campus, raster, part, 3, sets["train"], "a title")
    assert shown.image.shape == raster.shape and shown.truth == (1000.0, 2000.0) and shown.estimate == (1025.0, 2000.0)
