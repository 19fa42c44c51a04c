"""Two transmitters by sums of two maps: the posterior against brute force, places, counts, receivers that move."""

import numpy as np
import pytest
import torch
from scipy import stats
from small_site import site

from rsslib.data.grid import transmitters
from rsslib.emitters import metrics
from rsslib.project import InputError
from rsslib.radio_maps import pairs
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.pairs import PairMaps
from rsslib.radio_maps.recipe import MapRecipe

RECIPE = MapRecipe(pixel_m=90.0, precision="float64", threads=1)
TRAIN, TEST = np.arange(90), np.arange(90, 120)


@pytest.fixture(scope="module")
def dataset():
    return site(moving=1)


@pytest.fixture(scope="module")
def fitted(dataset):
    maps = RadioMaps(RECIPE).fit(dataset, TRAIN).fitted()
    places = np.stack([axis[TRAIN] for axis in transmitters(dataset)], axis=1)
    return PairMaps(maps, places, pairs.floors(dataset, TRAIN), step=1)


def summed(dataset, one, other):
    """Samples whose powers are those of two; the receivers stand where they stood in the first."""
    power = 10 ** (dataset.rss.values[one] / 10) + 10 ** (dataset.rss.values[other] / 10)
    both = dataset.isel(sample=one).copy(deep=True)
    both.rss.values[:] = 10 * np.log10(power)
    return both


def test_the_evidence_is_that_of_brute_force(dataset, fitted):
    maps, floors = fitted.maps, pairs.floors(dataset, TRAIN)
    sample = dataset.isel(sample=TEST[:1])
    sample.rss.values[0, 2] = np.nan
    at = [maps.grid.to_pixels(*place) for place in fitted.at.numpy()]
    pixel = [int(row) * maps.grid.width + int(column) for column, row in at]
    one, two = np.zeros(len(pixel)), np.zeros((len(pixel), len(pixel)))
    for number, name in enumerate(maps.sensors):
        rss = float(sample.rss.sel(sensor=name).values[0])
        if np.isnan(rss):
            continue
        where = [sample[axis].sel(sensor=name).values for axis in ("sensor_x", "sensor_y")]
        mean, variance = (part.numpy()[0][pixel] for part in maps.moments(number, *where))
        one += stats.t.logpdf(rss, 6, mean, np.sqrt(variance + 25))
        for a in range(len(pixel)):
            for b in range(len(pixel)):
                power = [10 ** (mean[each] / 10) for each in (a, b)]
                total = max(sum(power) - 10 ** (floors[name] / 10), *power)
                w = power[0] / sum(power)
                spread = w ** 2 * variance[a] + (1 - w) ** 2 * variance[b] + 25
                two[a, b] += stats.t.logpdf(rss, 6, 10 * np.log10(total), np.sqrt(spread))
    half = np.triu_indices(len(pixel))
    odds = np.exp(two[half]).mean() / np.exp(one).mean()
    assert fitted.located(sample)[0] == pytest.approx([odds / (1 + odds)], rel=1e-3)


def test_sums_are_told_from_single_transmitters_and_both_are_found(dataset, fitted):
    far = np.array([(a, b) for a, b in zip(TEST, TEST[::-1]) if a < b and np.hypot(*(
        axis[a] - axis[b] for axis in transmitters(dataset))) > 300])
    both = summed(dataset, *far.T)
    probability, _, places = fitted.located(both)
    single, place, _ = fitted.located(dataset.isel(sample=TEST))
    alone = np.stack([axis[TEST] for axis in transmitters(dataset)], axis=1)
    assert np.median(np.hypot(*(place - alone).T)) < 130
    assert np.median(probability) > 0.6 > 0.5 > np.median(single)
    true = np.stack([np.stack([axis[each] for axis in transmitters(dataset)], axis=1) for each in far.T], axis=1)
    errors = [np.hypot(*(order - true).transpose(2, 0, 1)).mean(axis=1) for order in (places, places[:, ::-1])]
    centre = np.broadcast_to(fitted.at.numpy().mean(axis=0), true.shape)
    apart = np.hypot(*(centre - true).transpose(2, 0, 1)).mean(axis=1)
    assert np.median(np.minimum(*errors)) < 0.7 * np.median(apart)    # two in the middle are what is found without maps


def test_the_pair_has_the_least_expected_error_of_the_better_order(dataset, fitted):
    likelihood = torch.from_numpy(np.random.default_rng(0).normal(0, 4, len(fitted.first)))
    weight = likelihood.softmax(0).numpy()
    candidates = torch.stack([fitted.at[fitted.first], fitted.at[fitted.second]], dim=1).numpy()

    def expected(pair):
        found = np.broadcast_to(pair, candidates.shape)
        return float(weight @ metrics.score(np.ones(found.shape[:2]), found, candidates, 1, 1.0).error)

    pair = fitted._median_pair(likelihood)
    moved = [pair + step * np.array(way).reshape(2, 2) for step in (20.0, 100.0) for way in np.ndindex(3, 3, 3, 3)
             for way in [np.array(way) - 1] if way.any()]
    assert expected(pair) < 1.001 * min(map(expected, moved))
    assert expected(pair) < 0.9 * expected(candidates[weight.argmax()])


def test_candidates_lie_near_training_samples_on_every_other_pixel(dataset, fitted):
    few = PairMaps(fitted.maps, fitted.at.numpy()[:1], pairs.floors(dataset, TRAIN), step=1, reach_m=100.0)
    away = np.hypot(*(few.at.numpy() - fitted.at.numpy()[0]).T)
    assert away.max() <= 100 and len(few.first) == len(few.at) * (len(few.at) + 1) / 2


def test_the_noise_floor_is_the_lowest_reading(dataset):
    found = pairs.floors(dataset, TRAIN)
    lowest = np.nanmin(dataset.rss.values[TRAIN], axis=0)
    assert found == pytest.approx(dict(zip(dataset.sensor.values.tolist(), lowest)))


def test_other_arguments_are_refused(dataset, fitted):
    floors, places = pairs.floors(dataset, TRAIN), fitted.at.numpy()
    others = dataset.assign_coords(sensor=[f"other {name}" for name in dataset.sensor.values])
    for call, expected in (
            (lambda: PairMaps(None, places, floors), "maps is None"),
            (lambda: PairMaps(fitted.maps, places[:, :1], floors), "expected .samples, 2., finite metres"),
            (lambda: PairMaps(fitted.maps, "abc", floors), "pairs: places"),
            (lambda: PairMaps(fitted.maps, places + 1j, floors), "pairs: places"),
            (lambda: PairMaps(fitted.maps, places, list(floors)), "pairs: floors is"),
            (lambda: pairs.floors(dataset, [-1]), "pairs: samples"),
            (lambda: pairs.floors(dataset, []), "pairs: samples"),
            (lambda: fitted.located(dataset.assign(rss=dataset.rss.astype(str))), "no numbers 'rss'"),
            (lambda: PairMaps(fitted.maps, places, {}), "floors has no"),
            (lambda: PairMaps(fitted.maps, places, floors, reach_m=-1), "reach_m is -1"),
            (lambda: PairMaps(fitted.maps, places + 1e6, floors), "0 candidates lie within 90 m"),
            (lambda: PairMaps(fitted.maps, places, dict.fromkeys(floors, np.nan)), "floors of"),
            (lambda: PairMaps(RadioMaps(MapRecipe(pixel_m=10.0)).fit(dataset, TRAIN[:5]).fitted(), places, floors, 1,
                              1e5), "take a larger step"),
            (lambda: fitted.located(dataset.drop_vars("rss")), "no numbers 'rss'"),
            (lambda: fitted.located(dataset.assign(rss=dataset.rss * 1e20)), "expected"),
            (lambda: fitted.located(dataset.assign(sensor_x=dataset.sensor_x * np.nan)), "reading has no place"),
            (lambda: fitted.located(dataset.assign(sensor_y=dataset.sensor_y + 1e9)), "or an impossible one"),
            (lambda: fitted.located(dataset.isel(sensor=[0, 1, 1])), "stands twice"),
            (lambda: fitted.located(dataset.isel(sample=[])), "0 samples of 6 receivers"),
            (lambda: fitted.located(others), "of 0 receivers")):
        with pytest.raises(InputError, match=expected):
            call()
