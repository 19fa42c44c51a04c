"""The two-level bootstrap: blocks and networks are drawn as they should be, and intervals cover what they are of."""

from itertools import product
from types import SimpleNamespace
from zlib import crc32

import numpy as np
import pytest
import scipy.stats

from rsslib.confidence import pools
from rsslib.ledger import resampling, statistics
from rsslib.ledger.resampling import RESAMPLES, interval
from rsslib.ledger.wording import FEWEST
from rsslib.localization import draws

VALUES = np.array([1.0, 2.0, 40.0, 50.0, 60.0, 700.0, 8.0, 9.0, 10.0])
BLOCK = np.array([7, 7, 3, 3, 3, 9, 4, 5, 6])    # of two, three and one sample


def resampled(statistic, *arguments, **options):
    """`resampling.resampled` of a statistic of the samples of one resample, written out as often as they count."""
    def of_each(times, draw):
        rows = ({name: np.repeat(np.arange(of.shape[1]), of[number].astype(int)) for name, of in times.items()}
                for number in range(len(next(iter(times.values())))))
        return np.array([statistic(each, draw) for each in rows], dtype=float)

    return resampling.resampled(of_each, *arguments, **options)


def median_of(values):
    return lambda rows, _: np.median(values[rows["part"]])


def pool(chance=None, networks=3, name="one-emd"):
    """As much of a pool as is drawn; without `chance` all ensembles of so many networks."""
    chance = pools._chance(draws.draws(networks)) if chance is None else np.array(chance)
    return SimpleNamespace(chance=chance, networks=networks, name=name)


def means_of(values, name="one-emd"):
    """The mean of each ensemble's networks, (draws,), and their pool."""
    return np.array(values)[draws.draws(len(values))].mean(axis=1), pool(networks=len(values), name=name)


def written_out(values, block, resamples, chance):
    """Medians of a bootstrap written out, one block after the other; `values` are (samples, draws)."""
    ensembles = np.random.default_rng([1, crc32(b"one-emd")]).choice(len(chance), resamples, p=chance)
    times = {number: np.random.default_rng([0, number]).poisson(1, resamples) for number in set(block.tolist())}
    whole, found = int(np.argmax(chance)), []
    shift = np.median(values, axis=0) @ chance - np.median(values[:, whole])    # the likeliest is the whole ensemble
    for number, ensemble in enumerate(ensembles):
        kept = [row for row in range(len(block)) for _ in range(times[block[row]][number])]
        itself, drawn = (np.median(values[kept, of]) for of in (whole, ensemble))
        found.append(itself + np.sqrt(3 / 2) * (drawn - shift - itself))
    return np.array(found)


def test_medians_are_those_of_a_bootstrap_written_out():
    generator = np.random.default_rng(5)
    values, block, chance = generator.gamma(2, 100, (50, 3)), generator.integers(12, size=50), (0.2, 0.5, 0.3)
    drawn = resampled(lambda rows, draw: np.median(values[rows["part"], draw["model"]]), {"part": block},
                      {"model": pool(chance)}, 300)
    assert drawn == pytest.approx(written_out(values, block, 300, chance).clip(0))


@pytest.mark.parametrize("networks", [2, 3, 5, 7])
def test_the_spread_between_networks_is_that_of_networks_trained_anew(networks):
    """The mean of n networks has the variance of one over n; its unbiased estimate divides by n - 1."""
    values = np.random.default_rng(networks).normal(size=networks)
    means, of = means_of(values)
    drawn = resampled(lambda _, draw: means[draw["model"]], {"part": BLOCK}, {"model": of}, 20_000)
    assert drawn.var() == pytest.approx(values.var(ddof=1) / networks, rel=0.15 if networks > 6 else 0.03)
    if networks < 7:    # of more, draws were drawn
        assert drawn.mean() == pytest.approx(values.mean(), abs=0.02)


def test_one_network_alone_has_no_spread_and_the_smallest_number_widens_all():
    lone, of_one = means_of([3.0])
    means, of_two = means_of([-1.0, 1.0], "two-emd")
    alone = resampled(lambda _, draw: lone[draw["a"]], {"part": BLOCK}, {"a": of_one})
    assert set(alone.tolist()) == {3.0}
    both = resampled(lambda _, draw: lone[draw["a"]] + means[draw["b"]], {"part": BLOCK}, {"a": of_one, "b": of_two},
                     20_000)
    assert both.var() == pytest.approx(1, rel=0.03)
    five, of_five = means_of(np.arange(5.0), "five-emd")
    mixed = resampled(lambda _, draw: five[draw["a"]] + 0 * means[draw["b"]], {"part": BLOCK},
                      {"a": of_five, "b": of_two}, 20_000)
    assert mixed.var() == pytest.approx(2 * np.var(np.arange(5)) / 5, rel=0.03)    # as for two: more than 5 / 4 times


def test_the_interval_covers_the_chance_of_samples_and_of_few_networks():
    block, covered = np.arange(120) // 4, 0
    for seed in range(150):
        generator = np.random.default_rng(seed)
        error = generator.normal(0, 1, 30)[block, None] + generator.normal(0, 0.3, (1, 3))
        drawn_error = error[:, draws.draws(3)].mean(axis=2)
        low, high = interval(resampled(lambda rows, draw, of=drawn_error: of[rows["part"], draw["model"]].mean() - 5,
                                       {"part": block}, {"model": pool()}, 400))
        covered += low <= -5 <= high
    assert 132 <= covered <= 149    # of 150, where 142 are wanted


def test_drawn_ensembles_that_are_worse_than_the_whole_do_not_move_the_interval():
    """Networks err apart from each other, so that one drawn twice helps less; a share stays one."""
    generator, block = np.random.default_rng(6), np.arange(400) // 4
    east = generator.normal(0, 100, (400, 5))
    error = np.abs(east[:, draws.draws(5)].mean(axis=2))
    drawn = resampled(lambda rows, draw: (np.median(error[rows["part"], draw["model"]]),
                                          np.mean(error[rows["part"], draw["model"]] > 1000)),
                      {"part": block}, {"model": pool(networks=5)})
    whole = np.median(np.abs(east.mean(axis=1)))
    assert np.median(error[:, 0]) > 1.5 * whole    # one network five times
    assert drawn[:, 0].mean() == pytest.approx(whole, rel=0.05) and not drawn[:, 1].any()
    low, high = interval(drawn[:, 0])
    assert low < whole < high


def test_a_block_is_drawn_whole_as_often_as_a_poisson_number_and_apart_from_others():
    seen = []
    resampled(lambda rows, _: seen.append(rows["part"]) or 0.0, {"part": BLOCK}, resamples=4000)
    times = np.array([np.bincount(rows, minlength=9) for rows in seen[1:]])    # the first is the whole set
    assert (times[:, 0] == times[:, 1]).all() and (times[:, 2:5] == times[:, 2:3]).all()
    alone = times[:, [0, 2, 5, 6, 7, 8]]
    for count, chance in enumerate(scipy.stats.poisson(1).pmf(range(4))):
        assert (alone == count).mean(axis=0) == pytest.approx(np.full(6, chance), abs=0.03)
    assert np.abs(np.corrcoef(alone.T) - np.eye(6)).max() < 0.06


def test_a_set_of_which_no_block_is_drawn_counts_whole():
    block = np.arange(FEWEST)
    seen = []
    resampled(lambda rows, _: seen.append(rows["part"]) or 0.0, {"part": block}, resamples=5000)
    times = np.stack([np.random.default_rng([0, number]).poisson(1, 5000) for number in block])
    missed = np.flatnonzero(~times.any(axis=0))
    assert 3 <= len(missed) <= 30 and all(np.array_equal(seen[1 + number], block) for number in missed)
    assert all(len(rows) for rows in seen)


def test_ensembles_are_drawn_by_their_chances_and_apart_for_each_model():
    models = {"one": pool([0.1, 0.6, 0.3], name="one-emd"), "other": pool([0.4, 0.6], name="other-emd")}
    seen = []
    resampled(lambda _, draw: seen.append((draw["one"], draw["other"])) or 0.0, {"part": BLOCK}, models, 20_000)
    at = [pair for pair in seen[1:] if pair != (1, 1)]    # each resample asks for the whole ensembles, too
    for one, other in product(range(3), range(2)):
        if (one, other) != (1, 1):
            expected = models["one"].chance[one] * models["other"].chance[other]
            assert at.count((one, other)) / 20_000 == pytest.approx(expected, abs=0.01)


def test_a_number_that_some_drawn_ensembles_lack_moves_by_the_others():
    values = np.array([np.nan, 10.0, 14.0])
    of = pool([0.25, 0.5, 0.25])
    drawn = resampled(lambda _, draw: values[draw["model"]], {"part": BLOCK}, {"model": of}, 400)
    shift, wide = (0.5 * 10 + 0.25 * 14) / 0.75 - 10, np.sqrt(1.5)
    assert np.isnan(drawn).any() and set(drawn[np.isfinite(drawn)].round(6)) == {
        round(10 - wide * shift, 6), round(10 + wide * (4 - shift), 6)}
    other = pool([0.25, 0.5, 0.25], name="other-emd")
    apart = resampled(lambda _, draw: draw["a"] - draw["b"], {"part": BLOCK}, {"a": of, "b": other}, 4000)
    assert apart.mean() == pytest.approx(0, abs=0.05)    # each moved by 0


def test_a_resample_that_lacks_the_number_of_the_whole_ensemble_lacks_it():
    values = np.array([10.0, np.nan, 14.0])
    of = pool([0.25, 0.5, 0.25])
    assert np.isnan(resampled(lambda _, draw: values[draw["model"]], {"part": BLOCK}, {"model": of}, 400)).all()


def test_a_block_of_two_sets_is_drawn_as_often_in_both_and_apart_from_the_ensembles():
    block = np.arange(200) // 4
    values = np.random.default_rng(2).normal(size=100)
    sets = {"val": block, "same": block, "half": block + 25, "ood": block + 50}
    drawn = resampled(lambda rows, draw: (*(values[sets[name][rows[name]]].mean() for name in sets), draw["model"]),
                      sets, {"model": pool([0.4, 0.6], networks=1)})
    assert np.array_equal(drawn[:, 0], drawn[:, 1])
    correlation = np.corrcoef(drawn[:, [0, 2, 3, 4]].T)
    assert correlation[0, 1] > 0.3 and correlation[1, 2] > 0.3
    assert np.abs(correlation[[0, 0, 1, 2], [2, 3, 3, 3]]).max() < 0.08    # three standard errors of 2,000


def test_a_statistic_has_the_same_resamples_beside_other_sets_and_models():
    generator = np.random.default_rng(8)
    block, error = np.arange(40) // 4, generator.gamma(2, 50, (40, 10))

    def median(rows, draw):
        return np.median(error[rows["part"], draw["model"]])

    alone = resampled(median, {"part": block}, {"model": pool()})
    beside = resampled(lambda rows, draw: (median(rows, draw), 1.0), {"other": np.arange(90) + 5, "part": block},
                       {"another": pool(name="another-emd"), "model": pool()})[:, 0]
    assert alone == pytest.approx(beside, abs=1e-6)
    assert np.array_equal(resampled(median, {"part": block}, {"model": pool()}, 500)[:9].round(6), alone[:9].round(6))
    other = resampled(median, {"part": block}, {"model": pool(name="other-emd")})
    assert not np.allclose(alone, other)


def test_the_same_resamples_are_drawn_each_time():
    block = np.arange(40) // 4
    first, second = (resampled(median_of(np.arange(40.0)), {"part": block}) for _ in range(2))
    assert len(first) == RESAMPLES and np.array_equal(first, second)
    # two statistics of the same samples may be subtracted
    apart = resampled(median_of(np.arange(40.0) + 3), {"part": block}) - first
    assert apart == pytest.approx(3) and interval(apart, difference=True) == pytest.approx((3, 3))


def test_a_paired_difference_is_known_better_than_either():
    generator, block = np.random.default_rng(3), np.arange(80) // 2
    positive = np.repeat([True, False], 40)
    sure = generator.normal(size=80) - positive
    nearly = sure + 0.05 * generator.normal(size=80)
    drawn = resampled(lambda rows, _: [statistics.area(positive[rows["part"]], score[rows["part"]])
                                       for score in (sure, 2 * sure, nearly)], {"part": block})
    assert np.array_equal(drawn[:, 0], drawn[:, 1])    # the same order of the same samples
    alone, apart = interval(drawn[:, 0]), interval(drawn[:, 0] - drawn[:, 2])
    assert alone[0] < statistics.area(positive, sure) < alone[1]
    assert apart[1] - apart[0] < (alone[1] - alone[0]) / 4


def test_an_interval_shrinks_as_blocks_grow_in_number_and_not_as_they_grow_in_size():
    widths = {}
    for blocks, size in ((50, 1), (50, 16), (800, 1)):
        means = np.random.default_rng(4).normal(size=blocks)
        block = np.repeat(np.arange(blocks), size)
        drawn = resampled(lambda rows, _, values=means[block]: values[rows["part"]].mean(), {"part": block})
        low, high = interval(drawn)
        widths[blocks, size] = high - low
    assert widths[50, 16] == pytest.approx(widths[50, 1])
    assert widths[800, 1] == pytest.approx(widths[50, 1] / 4, rel=0.2)


def test_the_interval_covers_where_samples_resemble_each_other_and_one_of_single_samples_does_not():
    block, truth = np.repeat(np.arange(30), 10), 100 * np.log(2)    # the median of an exponential distribution
    covered = {"blocks": 0, "samples": 0}
    for seed in range(200):
        values = np.random.default_rng(seed).exponential(100, 30)[block]
        of_blocks = interval(resampled(median_of(values), {"part": block}, resamples=400))
        for name, (low, high) in (("blocks", of_blocks), ("samples", statistics.bootstrap_median(values))):
            covered[name] += low <= truth <= high
    assert 180 <= covered["blocks"] <= 198 and covered["samples"] < 100    # of 200, where 190 are wanted


@pytest.mark.parametrize("blocks, known", [(1, False), (FEWEST - 1, False), (FEWEST, True)])
@pytest.mark.parametrize("few", ["part", "val"])
def test_where_a_set_has_fewer_than_six_blocks_there_is_no_interval(blocks, known, few):
    sets = {"part": np.arange(600) // 4, "val": np.arange(600) // 4} | {few: np.arange(600) % blocks}
    drawn = resampled(median_of(np.arange(600.0)), sets, resamples=100)
    assert resampled(lambda rows, _: (1.0, 2.0), sets, resamples=100).shape == (100, 2)
    assert (interval(drawn) is not None) == (interval(drawn, difference=True) is not None) == known


def test_resamples_without_the_number_do_not_count():
    drawn = np.linspace(0, 100, 1001)
    whole = interval(drawn)
    assert whole == pytest.approx((2.5, 97.5)) == statistics.resampled_interval(drawn)
    for missing in (np.nan, np.inf):
        padded = np.concatenate([drawn, np.full(1001, missing)])
        assert interval(padded) == whole    # half have it
        assert interval(np.append(padded, missing)) is None
    assert interval(drawn * np.nan) is None


def test_the_interval_of_a_difference_is_two_monte_carlo_errors_wider():
    drawn = np.linspace(0, 100, RESAMPLES + 1)
    found = interval(drawn, difference=True)
    assert found == statistics.difference_interval(drawn)
    error = 200 * np.sqrt(0.025 * 0.975 / RESAMPLES)
    assert found == pytest.approx((2.5 - error, 97.5 + error), abs=0.01)


def test_a_statistic_that_no_sample_of_a_resample_has_is_a_number_less():
    # low is of the one block in six: exp(-1) of the resamples miss it
    low, block = np.arange(60) < 10, np.arange(60) // 10

    def median(rows, _):
        chosen = VALUES[rows["part"] % 9][low[rows["part"]]]
        return np.median(chosen) if chosen.size else np.nan

    drawn = resampled(median, {"part": block})
    assert np.isnan(drawn).mean() == pytest.approx(np.exp(-1), abs=0.03) and interval(drawn) is not None
