"""Positions: the projection to UTM zone 12N, one site in metres."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsslib.data import positions
from rsslib.project import InputError


def test_utm_on_the_central_meridian_and_the_equator():
    x, y = positions.to_utm([0.0, 40.0], [-111.0, -111.0])
    np.testing.assert_allclose(x, 500000.0, atol=1e-6)
    assert y[0] == pytest.approx(0.0, abs=1e-6) and y[1] == pytest.approx(0.9996 * 4429529.03, abs=1.0)


@given(st.floats(0.1, 83.9), st.floats(0.001, 2.999))
def test_utm_is_symmetric_about_the_central_meridian(lat, away):
    (west, east), (y_west, y_east) = positions.to_utm([lat, lat], [-111.0 - away, -111.0 + away])
    assert west + east == pytest.approx(1e6, abs=1e-3) and y_west == pytest.approx(y_east, abs=1e-3)


def test_utm_keeps_nan_and_refuses_other_zones():
    assert np.isnan(positions.to_utm([[np.nan, 40.0]], [[np.nan, -111.0]])[0][0, 0])
    for lat, lon in ((40.0, -105.0), (-111.8, 40.7), (np.nan, -111.0), (np.inf, -111.0)):
        with pytest.raises(InputError, match="f.csv: row 17: latitude"):
            positions.to_utm([40.0, lat], [-111.0, lon], [16, 17], "f.csv")


@pytest.mark.parametrize("lat, lon, message", [
    (["40.0"], [-111.0], "f: latitude: holds <U4; expected numbers"), ([True], [-111.0], "f: latitude: holds bool"),
    ([40.0], [None, -111.0], r"f: latitudes have shape \(1,\), longitudes \(2,\)"),
    (-111.0, 40.0, "f: row 0: latitude"), ([40.0], [-np.inf], "f: row 0: latitude 40.0, longitude -inf"),
    ([[40.0], [1, 2]], [-111.0], "f: latitude: not an array"),
    ([40.0], [1j], "f: longitude: holds complex128"),
    ({"lat": 40.0}, [-111.0], "f: latitude: entry 0 is {'lat': 40.0}")])
def test_utm_takes_pairs_of_numbers(lat, lon, message):
    with pytest.raises(InputError, match=message):
        positions.to_utm(lat, lon, name="f")


def test_utm_keeps_shape_and_masks():
    lat = np.ma.masked_equal([[40.0, 0.0], [40.5, 41.0]], 0.0)
    x, y = positions.to_utm(lat, np.ma.array(np.full((2, 2), -111.0), mask=lat.mask))
    assert x.shape == y.shape == (2, 2) and np.isnan(x).tolist() == [[False, True], [False, False]]
    assert positions.to_utm(40.0, -111.0)[0].shape == ()


@pytest.mark.parametrize("rows, label", [
    (pd.to_datetime(["2022-07-11 08:49:44"]), "2022-07-11 08:49:44"), (["x"], "x")])
def test_utm_names_the_row(rows, label):
    with pytest.raises(InputError, match=f"f: row {label}: latitude"):
        positions.to_utm([99.0], [-111.0], rows, "f")
    with pytest.raises(InputError, match=r"f: rows: shape \(2,\); expected \(row\) = \(1,\)"):
        positions.to_utm([99.0], [-111.0], ["a", "b"], "f")


def test_the_farthest_is_far_from_the_median_of_all(campus):
    lost = campus.copy(deep=True)
    lost["tx_x"][5, 0] += 30_000
    which, away = positions.farthest(lost)
    assert which.startswith(f"sample {pd.Timestamp(campus.time.values[5])}: the transmitter at") and 29e3 < away < 32e3
    positions.check(lost, "f")    # far, yet within what one site may span
    lost["tx_x"][5, 0] += positions.SITE_M
    with pytest.raises(InputError, match="f: sample .* lies 2[0-9]{2} km from the median position; expected one site"):
        positions.check(lost, "f")
