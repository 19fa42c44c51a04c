"""Shadowing: its spread, its correlation at both ends, the same both ways."""

import numpy as np
import pytest

from rsslib.project import InputError
from rsslib.propagation.shadowing import Shadowing


@pytest.fixture(scope="module")
def places():
    rng = np.random.default_rng(0)
    return rng.uniform(0, 4000, (250, 2)), rng.uniform(0, 4000, (250, 2))


def test_spread_and_mean(places):
    field = Shadowing(1, sigma_db=6.0).between_db(*places)
    assert field.shape == (250, 250) and field.std() == pytest.approx(6.0, rel=0.1) and abs(field.mean()) < 0.3


@pytest.mark.parametrize("away", [4.0, 13.0, 40.0])
def test_correlation_is_exponential_at_both_ends(places, away):
    a, b = places
    seeds = [Shadowing(seed, decorrelation_m=13.0) for seed in range(6)]
    first, moved, both = (np.concatenate([field.between_db(a + [p, 0], b + [0, q]).ravel() for field in seeds])
                          for p, q in ((0, 0), (away, 0), (away, away)))
    assert np.corrcoef(first, moved)[0, 1] == pytest.approx(np.exp(-away / 13), abs=0.06)
    assert np.corrcoef(first, both)[0, 1] == pytest.approx(np.exp(-2 * away / 13), abs=0.06)


def test_the_same_both_ways_and_from_the_same_seed(places):
    a, b = places
    field = Shadowing(3)
    np.testing.assert_allclose(field.between_db(a, b), field.between_db(b, a).T, atol=1e-4)
    assert (Shadowing(3).between_db(a, b) == field.between_db(a, b)).all()
    assert not np.allclose(Shadowing(4).between_db(a, b), field.between_db(a, b), atol=1.0)


@pytest.mark.parametrize("settings", [{"sigma_db": -1.0}, {"decorrelation_m": 0.0}, {"waves": 0}])
def test_settings_without_a_meaning_are_refused(settings):
    with pytest.raises(InputError, match="shadowing: expected"):
        Shadowing(**settings)
