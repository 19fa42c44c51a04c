"""Misses at equal false alarms: as counted sample by sample, and blind to a shift of the existence."""

import numpy as np
import pytest
import xarray as xr

from rsslib.emitters.false_alarms import misses
from rsslib.emitters.metrics import metrics, scores
from rsslib.project import InputError

LIMITS = np.linspace(0.01, 0.99, 99)


def predicted(existence, count):
    """Predictions of which only existence matters, with so many true emitters in each sample."""
    existence = np.asarray(existence, float)
    there = np.where(np.arange(existence.shape[1]) < np.asarray(count)[:, None], 3.0, np.nan)
    slots, emitters = ("sample", "slot"), ("sample", "emitter")
    return xr.Dataset({"existence": (slots, existence), "row": (slots, np.zeros(existence.shape)),
                       "column": (slots, np.zeros(existence.shape)), "true_row": (emitters, there),
                       "true_column": (emitters, there)}, attrs={"n": 16, "side_m": 1600.0})


def drawn(seed, samples=40, shift=0.0):
    """Logits that say with some doubt which of three slots have an emitter; the samples are always the same."""
    count = np.random.default_rng(0).integers(1, 4, samples)
    logit = np.random.default_rng(seed).normal(np.where(np.arange(3) < count[:, None], 1.5, -1.5), 1.5) + shift
    return predicted(1 / (1 + np.exp(-logit)), count)


def rates(outputs):
    """FA and MR at each limit, counted sample by sample."""
    found = []
    for limit in LIMITS:
        extra = missed = there = 0
        for output in outputs:
            for existence, row in zip(output.existence.values, output.true_row.values):
                true, counted = int(np.isfinite(row).sum()), int((existence > limit).sum())
                extra, missed, there = (extra + max(0, counted - true), missed + max(0, true - counted), there + true)
        found.append((extra / there, missed / there))
    return np.array(found).T


@pytest.mark.parametrize("outputs", [[drawn(1)], [drawn(1), drawn(2)], [drawn(1), drawn(2, shift=1.0), drawn(3)]],
                         ids=len)
def test_misses_are_those_of_the_limit_with_so_many_false_alarms(outputs):
    fa, mr = rates(outputs)
    alone = [place for place in range(99) if (fa == fa[place]).sum() == 1]    # no other limit has this FA
    assert len(alone) > 10
    for place in alone:
        assert misses(outputs, fa[place], draws=1)[0] == pytest.approx(mr[place])
    for low, high in zip(alone[1:], alone):    # the next limits: in the middle, half of each
        if low == high + 1:
            assert misses(outputs, (fa[low] + fa[high]) / 2, draws=1)[0] == pytest.approx((mr[low] + mr[high]) / 2)
    assert fa[0] < 1 and misses(outputs, 1.0, draws=1)[0] == pytest.approx(mr[0])    # the nearest limit
    assert misses(outputs, 0.0, draws=1)[0] == pytest.approx(mr[fa == fa.min()].min())


def test_misses_by_hand():
    """At limits below 0.4: FA 1/4, MR 0; below 0.6: FA 0, MR 0; below 0.9: FA 0, MR 1/4."""
    outputs = [predicted([[0.9, 0.4, 0.0], [0.95, 0.9, 0.6]], [1, 3])]
    for share, expected in ((0.25, 0), (0.125, 0), (0, 0), (1, 0)):
        assert misses(outputs, share, draws=1)[0] == expected
    # with a higher limit the miss comes before the extra one goes, or together with it
    for late, half in ((0.305, 0.25), (0.405, 0.125)):
        outputs = [predicted([[0.9, 0.405, 0.0], [0.95, 0.9, late]], [1, 3])]
        for share, expected in ((0.25, 0), (0.125, half), (0, 0.25)):
            assert misses(outputs, share, draws=1)[0] == pytest.approx(expected)
    # the first limit is 0.01, the last 0.99
    assert misses([predicted([[0.985, 0.015]], [2])], 0, draws=1)[0] == 0
    assert misses([predicted([[0.985, 0.985]], [1])], 0, draws=1)[0] == 1


def test_the_rates_are_those_of_the_metrics_at_that_limit():
    outputs = [drawn(1), drawn(2)]
    values = metrics([scores(output, 0.5) for output in outputs], draws=0)
    fa, mr = rates(outputs)
    assert (fa[49], mr[49]) == pytest.approx((values["fa"], values["mr"]))
    assert (fa == fa[49]).sum() == 1 and misses(outputs, values["fa"], draws=1)[0] == pytest.approx(values["mr"])


def test_more_false_alarms_are_fewer_misses():
    outputs = [drawn(1), drawn(2)]
    rising = [misses(outputs, share, draws=20) for share in np.linspace(0, 1, 21)]
    points = np.array([point for point, _ in rising])
    assert (np.diff(points) <= 0).all() and points[0] > 0.2 > points[-1]
    assert (np.diff([resamples for _, resamples in rising], axis=0) <= 1e-12).all()


def test_a_shift_of_the_logits_trades_one_rate_for_the_other_alone():
    one, other = ([drawn(1, 3000, shift)] for shift in (0.0, 0.8))
    at_half = [metrics(scores(output), draws=0)["mr"] for (output,) in (one, other)]
    assert at_half[0] - at_half[1] > 0.05
    for share in (0.05, 0.1, 0.2):
        assert misses(one, share, draws=1)[0] == pytest.approx(misses(other, share, draws=1)[0], abs=0.005)
    worse = [predicted(np.random.default_rng(5).permuted(one[0].existence.values, axis=0), np.isfinite(
        one[0].true_row.values).sum(axis=1))]    # no shift: what it knows of each sample is lost
    assert misses(worse, 0.1, draws=1)[0] > misses(one, 0.1, draws=1)[0] + 0.05


def test_resamples_are_seeded_and_spread_around_the_value():
    outputs = [drawn(1, 400)]
    point, resamples = misses(outputs, draws=300)
    assert resamples.shape == (300,) and resamples.std() > 0
    assert np.quantile(resamples, 0.025) < point < np.quantile(resamples, 0.975)
    assert np.array_equal(resamples, misses(outputs, draws=300)[1])
    assert not np.array_equal(resamples, misses(outputs, draws=300, seed=1)[1])
    many = misses([drawn(1, 6400)], draws=300)[1]
    assert many.std() == pytest.approx(resamples.std() / 4, rel=0.35)
    same = [predicted([[0.9, 0.4, 0.0]] * 5, [2] * 5)]
    assert set(misses(same, draws=20)[1]) == {misses(same)[0]}


def test_resamples_draw_networks_too():
    one, other = predicted([[0.9, 0.0]], [2]), predicted([[0.9, 0.9]], [2])
    point, resamples = misses([one, other], draws=100)    # one sample: all that varies is the network
    assert point == 0.25 and set(resamples) == {0.5, 0.0}
    alike = misses([drawn(1)] * 3, draws=50)
    assert alike[0] == pytest.approx(misses([drawn(1)])[0])
    assert alike[1] == pytest.approx(misses([drawn(1)], draws=50)[1])


@pytest.mark.parametrize("outputs", [
    [], [drawn(1), drawn(1, 30)], [predicted([[0.9, 0.1]] * 2, [1, 2]), predicted([[0.9, 0.1]] * 2, [2, 1])],
    [drawn(1).isel(sample=[])]])
def test_different_samples_and_none_are_refused(outputs):
    with pytest.raises(InputError, match="misses: no predictions, no true emitter, or different samples; expected"):
        misses(outputs)


@pytest.mark.parametrize("share", [-0.01, 1.01, np.nan, None, "0.1"])
def test_a_share_is_from_0_to_1(share):
    with pytest.raises(InputError, match="misses: share is .*; expected a number"):
        misses([drawn(1)], share)


@pytest.mark.parametrize("outputs", [None, drawn(1), "outputs"])
def test_what_is_no_list_is_named(outputs):
    with pytest.raises(InputError, match="misses: outputs is .*; expected a list of predictions"):
        misses(outputs)
