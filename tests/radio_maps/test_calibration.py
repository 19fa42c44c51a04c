"""Self-calibration finds gains that were changed, and refuses where none was."""

import numpy as np
import pytest
from small_site import site

from rsslib.data import grid as grids
from rsslib.project import InputError
from rsslib.radio_maps import maps as radio_maps
from rsslib.radio_maps.calibration import calibrated
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.recipe import MapRecipe

RECIPE = MapRecipe(pixel_m=45.0, near_db=3.0, far_db=3.0, noise_db=2.0, threads=1)
GAIN_DB = [12.0, 0.0, -9.0, 0.0, 0.0, 5.0, 0.0, 0.0]


def _later(gain_db=None):
    """Samples of another walk, some with unknown transmitters."""
    later = site(120, 8, seed=1, gain_db=gain_db)
    later.tx_x.values[::2] = later.tx_y.values[::2] = np.nan
    return later


@pytest.fixture(scope="module")
def fitted():
    dataset = site(200, 8)
    return radio_maps.build(dataset, np.arange(200), grids.covering(dataset, 45.0), RECIPE)


def test_planted_gains_are_found_on_unknown_transmitters(fitted):
    found = calibrated(fitted, _later(GAIN_DB), np.arange(120))
    assert found.applied and "likelier" in found.reason and found.after > found.before and found.size > 2
    assert found.maps.offset == pytest.approx(GAIN_DB, abs=2)
    assert list(found.offset_db) == list(fitted.sensors) and (fitted.offset == 0).all()
    again = calibrated(found.maps, _later(GAIN_DB), np.arange(120))
    assert again.offset_db == found.offset_db    # what is there does not count
    assert np.abs(np.subtract(list(found.estimated_db.values()), GAIN_DB)).max() < 2


def test_without_a_change_it_is_refused_unless_forced(fitted):
    found = calibrated(fitted, _later(), np.arange(120))
    assert not found.applied and "times what the maps' own errors would give" in found.reason
    assert (found.maps.offset == 0).all() and found.size < 2
    forced = calibrated(fitted, _later(), np.arange(120), force=True)
    assert forced.applied and np.abs(forced.maps.offset).max() > 0


def test_little_time_or_few_samples_are_refused(fitted):
    assert "one stretch of two minutes" in calibrated(fitted, _later(GAIN_DB), np.arange(20)).reason
    assert "only 3 samples" in calibrated(fitted, _later(GAIN_DB), np.array([0, 50, 100])).reason


def test_a_smaller_tau_shrinks_more(fitted):
    large, small = (calibrated(fitted, _later(GAIN_DB), np.arange(120), tau_db=tau, rounds=1, force=True).maps.offset
                    for tau in (10.0, 0.1))
    assert np.abs(small).max() < 0.2 * np.abs(large).max()


def test_the_localizer_takes_the_offsets_and_is_better(tmp_path):
    train, later = site(200, 8), site(120, 8, seed=1, gain_db=GAIN_DB)
    localizer = RadioMaps(RECIPE).fit(train)
    before = localizer.predict(later)
    found = localizer.calibrate(later, np.arange(120))
    after = localizer.predict(later)
    errors = [float(np.median(np.hypot(one.x_hat - one.x_true, one.y_hat - one.y_true))) for one in (before, after)]
    assert found.applied and errors[1] < 0.7 * errors[0]
    assert (RadioMaps.load(localizer.save(tmp_path / "maps")).maps.offset == localizer.maps.offset).all()
    assert not localizer.calibrate(site(120, 8, seed=1), np.arange(120)).applied
    assert (localizer.maps.offset == 0).all()


def test_the_doors_refuse_what_they_cannot_take(fitted):
    later = _later()
    for arguments, expected in (({"tau_db": 0}, "tau_db is 0"), ({"rounds": 0}, "rounds is 0"),
                                ({"samples": [500]}, "samples holds 500"), ({"force": 1}, "force is 1"),
                                ({"maps": None}, "maps is None; expected Maps")):
        with pytest.raises(InputError, match=f"calibrate: {expected}"):
            calibrated(**{"maps": fitted, "dataset": later, "samples": np.arange(120)} | arguments)
    with pytest.raises(InputError, match="none of the receivers has a map"):
        calibrated(fitted, later.assign_coords(sensor=[f"other{n}" for n in range(8)]), np.arange(120))
    with pytest.raises(InputError, match="not fitted yet"):
        RadioMaps().calibrate(later, np.arange(120))
