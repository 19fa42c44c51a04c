"""The synthetic campus: same seed same data, the real counts, and the physics it promises."""

import numpy as np
import pytest

from rsslib.data import campus, frs, measurements
from rsslib.project import InputError


@pytest.fixture(scope="module")
def twin():
    return campus.make()


def test_a_seed_is_a_campus(twin):
    assert campus.make(seed=0).identical(twin)
    assert not campus.make(1).rss.equals(twin.rss)


def test_counts_and_sensor_ranges_are_like_the_real_ones(twin):
    table = frs.table1(twin).set_index("set")
    assert table.samples.to_dict() == {"Random/Grid": 4578, "April": 811, "July": 3416, "November": 351}
    assert (table.locations == table.samples).all()
    for season, low, high in (("April", 9, 12), ("July", 17, 25), ("November", 23, 23)):
        assert low <= table.min_sensors[season] <= table.max_sensors[season] <= high


def test_counts_scale_down():
    ds = campus.make(seed=3, n_april=0, n_july=60, n_november=10)
    assert list(np.unique(ds.season.values)) == ["july", "november"] and ds.sizes["sample"] == 70


@pytest.mark.parametrize("counts, message", [
    ((0, 0, 0), "samples per season"), ((-1, 5, 5), "n_april is -1; expected a whole number from 0"),
    ((5, 5.0, 5), "n_july is 5.0"), ((5, 5, "5"), "n_november is '5'"), ((True, 5, 5), "n_april is True"),
    ((5, None, 5), "n_july is None"), ((10**6, 5, 5), "expected 1 to 10000 in all"),
    ((5, 10**400, 5), "n_july is 1000"),
    (([5], 5, 5), "n_april is .5.")])
def test_bad_counts_are_refused(counts, message):
    with pytest.raises(InputError, match=f"campus.make: .*{message}"):
        campus.make(0, *counts)


@pytest.mark.parametrize("seed", [-1, 0.0, "0", None, True, 10**400, [0, 1], 2**63])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(InputError, match="campus.make: seed is"):
        campus.make(seed, 5, 5, 5)


def test_counts_of_numpy_are_whole_numbers():
    assert campus.make(np.int64(2), np.int32(5), np.uint8(5), 5).identical(campus.make(2, 5, 5, 5))


def test_it_says_what_it_is(twin, tmp_path):
    assert twin.attrs["title"] == "synthetic campus: not comparable with the paper"
    assert twin.attrs["source"] == "campus"
    assert measurements.load(measurements.save(twin, tmp_path / "campus.npz")).identical(twin)


def test_samples_are_four_seconds_apart_on_tracks(twin):
    july = twin.isel(sample=twin.season.values == "july")
    gaps = np.diff(july.time.values) / np.timedelta64(1, "s")
    steps = np.hypot(np.diff(july.tx_x.values[:, 0]), np.diff(july.tx_y.values[:, 0]))
    assert np.mean(gaps == 4) > 0.95 and gaps.min() == 4
    assert 8 < np.median(steps) < 18 and steps.max() < 60


def test_seasons_cover_the_campus_in_order(twin):
    cells = {}
    for season in ("april", "july", "november"):
        part = twin.isel(sample=twin.season.values == season)
        pixels = np.stack([part.tx_x.values[:, 0] // 60, part.tx_y.values[:, 0] // 60])
        cells[season] = np.unique(pixels, axis=1).shape[1]
    assert cells["july"] > 2 * cells["april"] > 2 * cells["november"]


def test_rss_falls_with_distance_down_to_a_floor(twin):
    distance = np.hypot(twin.sensor_x - twin.tx_x.values, twin.sensor_y - twin.tx_y.values).values
    for kind in ("cnode", "cbrs", "nuc", "bus"):
        columns = twin.sensor_kind.values == kind
        rss, away = twin.rss.values[:, columns], distance[:, columns]
        near, far = (np.nanmedian(rss[(away > a) & (away < b)]) for a, b in ((60, 240), (960, 1500)))
        assert near > far + 12, kind
        assert np.nanmin(rss) > -105 and np.nanmax(rss) <= campus.SATURATION_DB


def test_the_hot_receiver_is_hot_in_november_alone(twin):
    rss = twin.rss.sel(sensor="cellsdr1-smt-comp")
    november = twin.season.values == "november"
    assert rss.values[november].min() > -50 and np.isnan(rss.values[~november]).all()


def test_shuttles_move_and_come_and_go(twin):
    buses = twin.isel(sensor=twin.sensor_kind.values == "bus")
    heard = np.isfinite(buses.rss.values).mean(axis=0)
    assert 0.0 < heard.max() < 1.0
    for x in buses.sensor_x.values[:, heard > 0].T:
        assert np.nanmax(x) - np.nanmin(x) > 100


def test_shadowing_has_the_promised_spread_and_correlation():
    rng = np.random.default_rng(0)
    tx = campus.ORIGIN + rng.uniform(0, 2000, (400, 2))
    tx = np.concatenate([tx, tx + [100.0, 0.0]])
    rx = np.broadcast_to(campus.ORIGIN + rng.uniform(0, 2000, (20, 1, 2)), (20, 800, 2)).swapaxes(0, 1)
    field = campus._shadowing(rng, tx, rx)
    assert field.std() == pytest.approx(campus.SHADOWING_DB, rel=0.15)
    correlation = np.corrcoef(field[:400].ravel(), field[400:].ravel())[0, 1]
    assert correlation == pytest.approx(np.exp(-1), abs=0.12)
