"""Anomalies: each rule on samples bent to break it, and the list of the least confident."""

import hand_made
import numpy as np
import pytest

from rsslib.data import splits
from rsslib.localization import predictions
from rsslib.reports.confidence_paper import low_confidence_samples


@pytest.fixture(scope="module")
def sets(campus):
    return splits.make(campus, "grid2")

OFF_THE_GRID = pytest.mark.filterwarnings("ignore:100.0% of the 23 readings come from receivers outside of the grid")
"""The grid of the hand-made predictions lies elsewhere."""


def part_of(sets, name="val", **confidence):
    """Predictions of a set that are right and equally sure."""
    samples = sets[name]
    return hand_made.predictions([name] * len(samples), np.full(len(samples), 0.7), np.full(len(samples), 25.0),
                            measurement=samples)


def flagged(campus, sets, oddity, change):
    """The oddities of a July validation sample that is free of `oddity` until `change` bends its readings."""
    part = part_of(sets)
    free = ~low_confidence_samples.flags(campus, sets, part)[oddity] & (campus.season.values[sets["val"]] == "july")
    row = int(np.flatnonzero(free)[0])
    bent = campus.copy(deep=True)
    change(bent, int(sets["val"][row]))
    return {name for name, flag in low_confidence_samples.flags(bent, sets, part).items() if flag[row]}


def farthest(dataset, sample, nearest=False):
    away = low_confidence_samples.distances(dataset)[sample]
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


def test_a_reading_that_distance_explains_has_no_residual(campus, sets):
    exact = campus.assign(rss=campus.rss.copy(data=-20 - 30 * np.log10(low_confidence_samples.distances(campus))))
    residual = low_confidence_samples.residuals(exact, sets["train"])
    known = np.isfinite(residual).any(axis=0)
    assert known.sum() > 10 and np.nanmax(np.abs(residual[:, known])) < 1e-3
    bent = exact.copy(deep=True)
    sample, sensor = np.argwhere(np.isfinite(residual))[0]
    bent["rss"][sample, sensor] += 12.0
    train = np.setdiff1d(sets["train"], sample)
    assert low_confidence_samples.residuals(bent, train)[sample, sensor] == pytest.approx(12, abs=1e-3)


def test_members_far_apart_disagree_and_april_is_april(campus, sets):
    part = part_of(sets, "ood")
    part["max_spread"][0] = 301.0
    flags = low_confidence_samples.flags(campus, sets, part)
    assert flags["members disagree"].tolist() == [True] + [False] * (part.sizes["sample"] - 1)
    assert np.array_equal(flags["April sample"], campus.season.values[sets["ood"]] == "april")
    assert flags["far from training"].mean() > 0.5      # OOD samples lie in other cells


def test_the_least_sure_are_listed_with_their_oddities(campus, sets):
    part = part_of(sets)
    part["max_mean_prediction"][[4, 1]] = [0.1, 0.2]
    listed, rates = low_confidence_samples.lowest(campus, sets, part, "grid2", count=2)
    assert [record["measurement"] for record in listed] == sets["val"][[4, 1]].tolist()
    assert all(set(record["odd"]) <= set(low_confidence_samples.RULES) for record in listed)
    assert [record["oddity"] for record in rates][:-2] == list(low_confidence_samples.RULES)
    for record in rates[:-2]:
        assert record["lowest_share"] == np.mean([record["oddity"] in one["odd"] for one in listed])


def test_readers_see_labels_and_records_keep_their_values(campus, sets):
    listed, rates = low_confidence_samples.lowest(campus, sets, part_of(sets), "grid2", count=5)
    labels = low_confidence_samples.LABELS
    assert set(labels) <= {record["oddity"] for record in rates}
    for record, shown in zip(rates, low_confidence_samples.labelled(rates)):
        assert shown == record | {"anomaly": labels.get(record["oddity"], record["oddity"])}
    for record, shown in zip(listed, low_confidence_samples.labelled(listed)):
        assert shown["odd"] == record["odd"]
        assert shown["anomaly"] == ("; ".join(labels.get(name, name) for name in record["odd"]) or None)
    rules = low_confidence_samples.rules()
    assert not any(word in rules for word in ("hot", "bright", "quiet"))
    assert len(rules.splitlines()) == len(low_confidence_samples.RULES)


def test_the_two_examples_follow_their_rules(campus, sets):
    ood = part_of(sets, "ood")
    ood["x_hat"][:] = ood.x_true + np.arange(ood.sizes["sample"])
    worst = predictions.errors(ood).argmax()
    assert low_confidence_samples.miss_near_a_sensor(campus, sets, ood, within_m=1e9) == worst
    assert low_confidence_samples.miss_near_a_sensor(campus, sets, ood, within_m=0) == worst      # none is so near
    away = low_confidence_samples.to_brightest(campus, sets["train"], sets["ood"])
    near = away <= np.quantile(away, 0.2)
    row = low_confidence_samples.miss_near_a_sensor(campus, sets, ood, within_m=np.quantile(away, 0.2))
    assert row == np.flatnonzero(near)[-1]


def test_the_brightest_far_away_is_found_among_the_least_sure(campus, sets):
    part = part_of(sets)
    july = np.flatnonzero(campus.season.values[sets["val"]] == "july")
    part["max_mean_prediction"][july[:5]] = [0.1, 0.2, 0.3, 0.4, 0.5]
    bent = campus.copy(deep=True)
    sample = int(sets["val"][july[2]])
    bent["rss"][sample, farthest(bent, sample)] += 200
    assert low_confidence_samples.bright_far_away(bent, sets, part) == july[2]
    sure = int(sets["val"][-1])
    bent["rss"][sure, farthest(bent, sure)] += 900       # brighter, but surer than the least sure
    assert part.sizes["sample"] > low_confidence_samples.LOWEST
    assert low_confidence_samples.bright_far_away(bent, sets, part) == july[2]


@OFF_THE_GRID
def test_a_case_is_drawn_as_the_networks_see_it(campus, sets):
    part = part_of(sets)
    raster = low_confidence_samples.raster(part)
    shown = low_confidence_samples.case(campus, part, 3, sets["train"], "a title")
    assert shown.image.shape == raster.shape and shown.truth == (1000.0, 2000.0) and shown.estimate == (1025.0, 2000.0)
    assert shown.off_m == 25.0


@OFF_THE_GRID
def test_a_case_knows_its_brightest_sensor(campus, sets):
    part, bent = part_of(sets), campus.copy(deep=True)
    sample = int(sets["val"][3])
    sensor = farthest(bent, sample)
    bent["rss"][sample, sensor] += 300
    shown = low_confidence_samples.case(bent, part, 3, sets["train"], "a title")
    place = bent.sensor_x.values[sample, sensor], bent.sensor_y.values[sample, sensor]
    assert shown.brightest == place
    assert shown.away_m == pytest.approx(np.hypot(place[0] - 1000, place[1] - 2000))
