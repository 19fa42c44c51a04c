"""What needs no network: places worked by hand, and records beside those of a tiny made-up network."""

import hand_made
import numpy as np
import pytest
import scipy.optimize
import xarray as xr

from rsslib import data
from rsslib.confidence import ranging
from rsslib.data import blocks, splits
from rsslib.data.grid import transmitters
from rsslib.ledger import results
from rsslib.localization import predictions
from rsslib.reports.confidence_paper import baselines, separations, summaries

METHODS = ("nearest_in_time", "nearest_neighbour", "five_neighbours", "ranging", "least_squares")


@pytest.fixture(scope="module")
def site():
    """Every fourth sample of the synthetic campus: as long walks, in less time."""
    return data.load("campus").isel(sample=slice(None, None, 4))


def by_hand(rss, places=None, seconds=None):
    """Measurements of single transmitters at `places` with readings `rss`, (samples, sensors)."""
    rss = np.array(rss, float)
    n, sensors = rss.shape
    places = np.array([(100.0 * row, 0.0) for row in range(n)] if places is None else places, float)
    time = np.datetime64("2022-07-01") + np.array(range(n) if seconds is None else seconds) * np.timedelta64(1, "s")
    receivers = [np.tile(axis[:sensors], (n, 1)) for axis in ([0.0, 800.0, 0.0], [0.0, 0.0, 600.0])]
    return xr.Dataset({"rss": (("sample", "sensor"), rss), "tx_x": (("sample", "tx"), places[:, :1]),
                       "tx_y": (("sample", "tx"), places[:, 1:]), "sensor_x": (("sample", "sensor"), receivers[0]),
                       "sensor_y": (("sample", "sensor"), receivers[1])}, {"time": ("sample", time)})


def test_the_nearest_in_time_by_hand():
    #                                 0   1   2    3   4   5   6
    dataset = by_hand(np.zeros((7, 1)), seconds=[50, 0, 100, 49, 26, 24, 999])
    near, gap = separations.nearest_in_time(dataset, np.array([2, 0, 1]), np.array([3, 4, 5, 6]))
    assert near.tolist() == [0, 0, 1, 2] and gap.tolist() == [1, 24, 24, 899]
    own, gap = separations.nearest_in_time(dataset, np.array([2, 0, 1]), np.array([1, 0]))
    assert own.tolist() == [1, 0] and gap.tolist() == [0, 0]
    only, gap = separations.nearest_in_time(dataset, np.array([4]), np.array([3, 6]))
    assert only.tolist() == [4, 4] and gap.tolist() == [23, 973]


def test_the_nearest_in_time_is_that_of_all_pairs(site):
    sets = splits.make(site, "random")
    near, gap = separations.nearest_in_time(site, sets["train"], sets["test"][:200])
    apart = np.abs(np.subtract.outer(site.time.values[sets["test"][:200]], site.time.values[sets["train"]]))
    assert np.array_equal(gap, apart.min(axis=1) / np.timedelta64(1, "s"))
    assert np.array_equal(np.abs(site.time.values[near] - site.time.values[sets["test"][:200]]), apart.min(axis=1))
    assert np.isin(near, sets["train"]).all()


def test_the_most_similar_readings_by_hand_where_receivers_did_not_hear():
    nan = np.nan
    dataset = by_hand([[-50.0, -60.0, nan], [-70.0, nan, nan], [-58.0, -80.0, nan],    # train
                       [-52.0, -61.0, -30.0],    # its third receiver was heard in no training sample: nothing counts
                       [-68.0, nan, nan],        # like the second: -86 is the quietest of the second receiver less 6
                       [nan, -87.0, nan]])       # -76 and -87 beside -70 and -86, and -58 and -80
    train = np.arange(3)
    assert baselines.neighbours(dataset, train, np.arange(3, 6), 1).tolist() == [[0, 0], [100, 0], [100, 0]]
    # with all three training samples as neighbours it is their middle
    assert baselines.neighbours(dataset, train, np.arange(3, 6), 3).tolist() == [[100, 0]] * 3
    # of two: the nearest and, for the first, the third (8 and 19 dB away), not the second
    assert baselines.neighbours(dataset, train, np.array([3]), 2).tolist() == [[100, 0]]
    assert baselines.neighbours(dataset, train, np.array([5]), 2).tolist() == [[150, 0]]


@pytest.mark.parametrize("apart, nearest", [(5.9, 1), (6.1, 0)])
def test_what_was_not_heard_lies_six_decibel_below_the_quietest(apart, nearest):
    dataset = by_hand([[-50.0, np.nan], [-50.0 - apart, -80.0], [-50.0, -80.0]])    # 6 and `apart` from the last one
    assert baselines.neighbours(dataset, np.arange(2), np.array([2]), 1).tolist() == [[100.0 * nearest, 0.0]]


def test_a_training_sample_finds_its_own_place(site):
    train = splits.make(site, "random")["train"]
    own = train[np.unique(np.nan_to_num(site.rss.values[train]), axis=0, return_index=True)[1]][:300]
    places = np.stack(transmitters(site), axis=1)
    assert np.array_equal(baselines.neighbours(site, train, own, 1), places[own])
    assert np.array_equal(baselines.located(site, train, own)["nearest_in_time"], places[own])


def test_least_squares_finds_an_exact_place_wherever_it_starts():
    generator = np.random.default_rng(0)
    x, y = generator.uniform(0, 2000, (2, 40, 7))
    place = generator.uniform(0, 2000, (40, 2))
    d = np.hypot(x - place[:, :1], y - place[:, 1:])
    d[generator.random(d.shape) < 0.3] = np.nan    # not heard by all
    assert (np.isfinite(d).sum(axis=1) >= 3).all()
    found = baselines.least_squares(x, y, d, place + generator.uniform(-150, 150, place.shape))
    assert found == pytest.approx(place, abs=1e-3)
    assert baselines.least_squares(x, y, d, place) == pytest.approx(place)
    hidden = np.where(np.isnan(d), np.nan, x), np.where(np.isnan(d), np.nan, y)    # where those that heard nothing are
    assert np.array_equal(baselines.least_squares(*hidden, d, place + 9), baselines.least_squares(x, y, d, place + 9))


def test_least_squares_never_ends_farther_than_it_started_and_at_a_minimum():
    generator = np.random.default_rng(1)
    x, y = generator.uniform(0, 2000, (2, 60, 5))
    d, start = generator.uniform(10, 3000, (60, 5)), generator.uniform(0, 2000, (60, 2))

    def missed(place):
        return ((np.hypot(x - place[:, :1], y - place[:, 1:]) - d) ** 2).sum(axis=1)

    found = baselines.least_squares(x, y, d, start)
    assert (missed(found) <= missed(start)).all()
    # 5 m to any side, no place is better
    better = [(missed(found + 5 * np.array([np.cos(turn), np.sin(turn)])) < missed(found) - 1e-6)
              for turn in np.linspace(0, 2 * np.pi, 8, endpoint=False)]
    assert np.mean(better) < 0.01


def test_least_squares_finds_what_scipy_does():
    generator = np.random.default_rng(4)
    x, y = generator.uniform(0, 2000, (2, 20, 7))
    place = generator.uniform(0, 2000, (20, 2))
    d = np.hypot(x - place[:, :1], y - place[:, 1:]) + generator.normal(0, 60, x.shape)
    d[generator.random(d.shape) < 0.3] = np.nan    # not heard by all
    found = baselines.least_squares(x, y, d, place)
    for number, heard in enumerate(np.isfinite(d)):
        east, north, away = (axis[number, heard] for axis in (x, y, d))
        one = scipy.optimize.least_squares(
            lambda at, east=east, north=north, away=away: np.hypot(at[0] - east, at[1] - north) - away, place[number])
        assert found[number] == pytest.approx(one.x, abs=0.1)


def test_a_start_on_a_receiver_is_no_obstacle():
    x, y, d = np.array([[0.0, 8.0, 0.0]]), np.array([[0.0, 0.0, 6.0]]), np.full((1, 3), 5.0)
    assert baselines.least_squares(x, y, d, np.zeros((1, 2)))[0] == pytest.approx([4, 3])


def test_the_path_loss_of_exact_readings_is_found_and_ranging_by_it_is_exact():
    places = np.random.default_rng(2).uniform(100, 500, (30, 2))
    away = np.hypot(*(places[:, :, None] - np.array([[0.0, 800.0, 0.0], [0.0, 0.0, 600.0]])).swapaxes(0, 1))
    rss = -12.5 - 37.6 * np.log10(away)
    rss[::4, 1] = np.nan
    dataset = by_hand(rss, places)
    assert baselines.path_loss(dataset, np.arange(20)) == pytest.approx(-12.5)
    assert ranging.distance(rss[:, 0], baselines.path_loss(dataset, np.arange(20))) == pytest.approx(away[:, 0])
    # a receiver at the transmitter counts as 1 m away
    at_once = by_hand([[-40.0]], [(0.0, 0.0)])
    assert baselines.path_loss(at_once, np.array([0])) == pytest.approx(-40)


def test_nothing_but_training_moves_the_baselines(site):
    sets = splits.make(site, "grid2")
    samples, changed = sets["ood"][:40], site.copy(deep=True)
    for name in ("tx_x", "tx_y"):    # the truth of all others
        changed[name][np.setdiff1d(np.arange(site.sizes["sample"]), sets["train"])] += 500.0
    for method, places in baselines.located(site, sets["train"], samples).items():
        assert np.array_equal(places, baselines.located(changed, sets["train"], samples)[method]), method


def tiny(site, split, east=60.0, spread=(0.0, 0.0, 0.0), every=2):
    """Predictions of some samples of a split, `east` [m] of the truth, and placed in time."""
    sets = {name: samples[::every] for name, samples in splits.make(site, split).items() if name != "train"}
    samples = np.concatenate(list(sets.values()))
    names = np.repeat(list(sets), list(map(len, sets.values())))
    model = hand_made.predictions(names, np.full(len(samples), 0.5), np.zeros(len(samples)), samples)
    x, y = (axis[samples] for axis in transmitters(site))
    model = model.assign(x_true=("sample", x), y_true=("sample", y), x_hat=("sample", x + east), y_hat=("sample", y))
    return hand_made.with_networks(summaries.placed({split: model}, site)[split], spread)


@pytest.fixture(scope="module")
def found(site):
    models = {f"{split}-{loss}": tiny(site, split) for split, loss in (
        ("grid2", "emd"), ("grid2", "com"), ("random", "emd"), ("july", "emd"))}
    return models, *baselines.records(site, models)


def test_each_separation_has_a_record_of_each_baseline_on_its_own_and_its_reported_set(site, found):
    _, records, _ = found
    sets = {"grid2": ("val", "ood"), "random": ("val", "test"), "july": ("july", "november")}
    assert [(r["split"], r["set"], r["method"]) for r in records] == [
        (split, name, method) for split, names in sets.items() for name in names for method in METHODS]
    block, places = blocks.numbers(site.time.values), np.stack(transmitters(site), axis=1)
    for split, names in sets.items():
        train = splits.make(site, split)["train"]
        for name in names:
            samples = splits.make(site, split)[name][::2]
            for method, place in baselines.located(site, train, samples).items():
                record = results.one(records, split=split, set=name, method=method)
                error = np.hypot(*(place - places[samples]).T)
                assert record["n"] == len(samples) and record["median_m"] == np.median(error)
                assert record["mean_m"] == pytest.approx(error.mean())
                assert ("ci95_m" in record) == (len(np.unique(block[samples])) >= 6)
                if "ci95_m" in record:
                    assert record["ci95_m"][0] <= record["median_m"] <= record["ci95_m"][1]


def test_the_network_is_compared_with_each_baseline_on_the_same_samples(site, found):
    models, records, pairs = found
    assert len(pairs) == 3 * 2 * 6
    for pair in pairs:
        keys = {key: pair[key] for key in ("split", "set")}
        right = results.one(records, **keys, method=pair["right_method"])
        if pair["left_method"] == "emd":
            part = predictions.of_set(models[f"{pair['split']}-emd"], pair["set"])
            left = np.median(predictions.errors(part))
            assert left == pytest.approx(60)
        else:
            assert (pair["left_method"], pair["right_method"]) == ("ranging", "least_squares")
            left = results.one(records, **keys, method="ranging")["median_m"]
        assert pair["median_m"] == pytest.approx(left - right["median_m"]) and pair["n"] == right["n"]
        assert ("ci95_median_m" in pair) == ("ci95_m" in right)
        if pair["left_method"] == "emd" and "ci95_m" in right:    # the network errs by 60 m in every resample
            ends = sorted(60 - end for end in right["ci95_m"])
            assert pair["ci95_median_m"][0] <= ends[0] + 1e-6 and pair["ci95_median_m"][1] >= ends[1] - 1e-6
            assert pair["ci95_median_m"] == pytest.approx(ends, rel=0.4, abs=15)    # of few blocks: the tails are wide


def test_another_loss_can_be_compared_and_networks_count(site):
    models = {"grid2-com": tiny(site, "grid2"), "grid2-emd": tiny(site, "grid2", spread=(-300.0, 0.0, 300.0))}
    widths = {}
    for loss in ("com", "emd"):
        records, pairs = baselines.records(site, models, loss)
        assert {pair["left_method"] for pair in pairs} == {loss, "ranging"} and len(records) == 2 * len(METHODS)
        low, high = results.one(pairs, set="ood", left_method=loss, right_method="five_neighbours")["ci95_median_m"]
        widths[loss] = high - low
    assert widths["emd"] > widths["com"] + 100
    assert baselines.records(site, models, "pse") == ([], [])


def test_what_was_held_out_at_random_has_neighbours_in_time_and_in_readings_that_unseen_cells_have_not(found):
    _, records, _ = found
    near = {(r["split"], r["set"]): r["median_m"] for r in records if r["method"] == "nearest_in_time"}
    assert near["random", "test"] < near["grid2", "ood"] / 3 and near["grid2", "val"] < near["grid2", "ood"] / 3
    best = {(r["split"], r["set"]): r["median_m"] for r in records if r["method"] == "five_neighbours"}
    assert best["random", "test"] < best["grid2", "ood"] / 3 and best["july", "july"] < best["july", "november"]
