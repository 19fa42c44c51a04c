"""The path loss: least squares, with the slope between a receiver's own and the common one."""

import numpy as np
import pytest

from rsslib.radio_maps import path_loss


def _readings():
    decade = np.random.default_rng(0).uniform(1, 3, (50, 3))
    rss = np.array([10.0, 20.0, 30.0]) - np.array([20.0, 30.0, 40.0]) * decade
    rss[:20, 1] = np.nan
    return rss, decade


def test_without_shrinkage_each_receiver_has_its_own_line():
    found = path_loss.fit(*_readings(), 0.0)
    assert found.level == pytest.approx([10, 20, 30], abs=1e-6)
    assert found.slope == pytest.approx([-20, -30, -40], abs=1e-6)


def test_with_shrinkage_slopes_come_together_and_the_means_stay():
    rss, decade = _readings()
    half, all_of_it = (path_loss.fit(rss, decade, weight) for weight in (50.0, 1e6))
    assert -40 < half.slope[2] < half.slope[1] < half.slope[0] < -20
    assert np.ptp(all_of_it.slope) < 0.01
    for found in (half, all_of_it):
        rest = rss - found.level - found.slope * decade
        assert np.nanmean(rest, axis=0) == pytest.approx([0, 0, 0], abs=1e-9)


def test_a_receiver_heard_once_takes_the_common_slope():
    rss, decade = _readings()
    rss[1:, 2] = np.nan
    found = path_loss.fit(rss, decade, 10.0)
    assert -30 < found.slope[2] < -20 and np.isfinite(found.level).all()


def test_samples_at_one_distance_alone_have_no_slope():
    found = path_loss.fit(np.full((4, 1), -70.0), np.full((4, 1), 2.0), 10.0)
    assert found.slope == pytest.approx([0]) and found.level == pytest.approx([-70])
