"""Emitters where all gains are known: found as exhaustive search finds them, and refused what does not fit."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from rsslib.emitters import known_maps, metrics
from rsslib.emitters.samples import draw
from rsslib.project import InputError
from rsslib.propagation.scene import SETS, Scene, free_space


@pytest.fixture(scope="module")
def city():
    """A scene without any law: the gain between two cells is drawn at random; emitters in 40 of 100 cells."""
    generator = np.random.default_rng(0)
    gains = generator.uniform(-110, -60, (100, 100)).astype(np.float32)
    cells = np.sort(generator.choice(100, 40, replace=False))
    return Scene("made_up", 10, 500.0, 3.5e9, -70.0, np.ones((10, 10), bool), dict.fromkeys(SETS, cells), "", True,
                 lambda emitter, cell: gains[emitter, cell])


def counts(found, scene):
    return metrics.scores(found.assign_attrs(n=scene.n, side_m=scene.side_m))


def test_in_a_city_the_readings_tell_number_and_places(city):
    found = counts(known_maps.located(city, draw(city, "test", 40, sensors=30, n_max=2, seed=1), 2), city)
    right = found.true == found.predicted
    assert right.mean() >= 0.9 and np.nanmedian(found.error) == 0


def test_the_misfit_is_what_the_formula_says(city):
    drawn = draw(city, "test", 3, sensors=20, n_max=2, seed=2)
    cells = np.unique(np.concatenate([*city.cells.values()]))
    for sensor, value, emitter, power in zip(drawn.sensor, drawn.value, drawn.emitter, drawn.power):
        gains = 10 ** (city.gain_db(cells[:, None], sensor[None].astype(np.int64)) / 10)
        censored, there = np.maximum(value, city.threshold_dbm), emitter >= 0
        true = [int(np.searchsorted(cells, cell)) for cell in emitter[there]]
        rest = known_maps._level(known_maps._Found(true[1:], power[there][1:].tolist(), 0.0), gains)
        misfit = known_maps._misfit(rest, gains[[true[0]]], power[[0]].astype(float), censored, city.threshold_dbm)
        assert misfit[0, 0] == pytest.approx(0, abs=1e-3)
        moved = known_maps._misfit(rest, gains[[true[0]]], power[[0]] + 3.0, censored, city.threshold_dbm)[0, 0]
        level = 10 * np.log10(rest + 10 ** ((power[0] + 3.0) / 10) * gains[true[0]])
        direct = np.sqrt(np.mean((np.maximum(level, city.threshold_dbm) - censored) ** 2))
        assert moved == pytest.approx(direct, rel=1e-3)


def test_two_emitters_are_explained_as_well_as_by_all_pairs():
    scene = free_space(5, side_m=600.0, threshold_dbm=-200.0)
    drawn = draw(scene, "test", 4, sensors=12, n_max=2, seed=3)
    powers = np.arange(10.0, 40.1, 0.5)
    for sensor, value in zip(drawn.sensor, drawn.value):
        gains = 10 ** (scene.gain_db(np.arange(25)[:, None], sensor[None].astype(np.int64)) / 10)
        best = min(float(known_maps._misfit(10 ** (one / 10) * gains[left], gains, powers, value, -200.0).min())
                   for left, one in product(range(25), powers))
        assert known_maps._explained(gains, value, -200.0, 2).misfit <= max(best, known_maps.LIMIT_DB) + 1e-6


def test_no_more_emitters_are_named_than_explain_the_readings(city):
    drawn = draw(city, "test", 20, sensors=30, n_max=1, seed=4)
    found = known_maps.located(city, drawn, 3)
    assert (found.existence.sum("slot") == 1).all()
    assert np.array_equal(found.row[:, 0], found.true_row[:, 0])


def test_what_does_not_fit_is_refused(city):
    drawn = draw(city, "test", 2, sensors=5)
    with pytest.raises(InputError, match="samples of 8 cells a side"):
        known_maps.located(city, replace(drawn, n=8, sensor=drawn.sensor % 64, emitter=np.minimum(drawn.emitter, 63)))
    with pytest.raises(InputError, match="5 sensors; expected one or more of each"):
        known_maps.located(replace(city, cells={}), drawn)
    walled = replace(city, lookup=lambda emitters, cells: city.lookup(emitters, cells) * np.where(
        cells == drawn.sensor[1, 2], np.nan, 1))
    drawn.sensor[0] = np.where(drawn.sensor[0] == drawn.sensor[1, 2], drawn.sensor[0, 0] + 1, drawn.sensor[0])
    with pytest.raises(InputError, match="sample 1 has a sensor without gains"):
        known_maps.located(walled, drawn)
    with pytest.raises(InputError, match="known_maps: most"):
        known_maps.located(city, drawn, 7)
    with pytest.raises(InputError, match="known_maps: scene"):
        known_maps.located("chicago", drawn)
