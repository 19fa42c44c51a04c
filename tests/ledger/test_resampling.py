"""The two-level bootstrap: blocks and networks are drawn as they should be, and intervals cover what they are of."""

from collections import Counter
from itertools import product
from math import factorial

import numpy as np
import pytest

from rsslib.ledger import statistics
from rsslib.ledger.resampling import RESAMPLES, interval, resampled
from rsslib.ledger.wording import FEWEST
from rsslib.localization import draws

VALUES = np.array([1.0, 2.0, 40.0, 50.0, 60.0, 700.0])
BLOCK = np.array([7, 7, 3, 3, 3, 9])    # of two, three and one sample


def median_of(values):
    return lambda rows, _: np.median(values[rows["part"]])


def written_out(values, block, resamples, chance=(1.0,)):
    """Medians of a bootstrap written out, one block after the other; `values` are (samples, draws)."""
    generator = np.random.default_rng(0)
    ensembles = generator.choice(len(chance), resamples, p=chance)
    numbers = sorted(set(block.tolist()))
    found = []
    for ensemble in ensembles:
        kept = []
        for place in generator.integers(len(numbers), size=len(numbers)):
            kept += [values[row][ensemble] for row in range(len(block)) if block[row] == numbers[place]]
        found.append(np.median(kept))
    return np.array(found)


def test_medians_are_those_of_a_bootstrap_written_out():
    generator = np.random.default_rng(5)
    values, block, chance = generator.gamma(2, 100, (50, 3)), generator.integers(8, size=50), (0.2, 0.5, 0.3)
    drawn = resampled(lambda rows, draw: np.median(values[rows["part"], draw["model"]]), {"part": block},
                      {"model": np.array(chance)}, 300)
    shift = np.median(values, axis=0) @ chance - np.median(values[:, 1])    # the likeliest is the whole ensemble
    assert drawn == pytest.approx(written_out(values, block, 300, chance) - shift)


def test_drawn_ensembles_that_are_worse_than_the_whole_do_not_move_the_interval():
    """Networks err apart from each other, so that one drawn twice helps less; a share stays one."""
    generator, block = np.random.default_rng(6), np.arange(400) // 4
    east = generator.normal(0, 100, (400, 5))
    of = draws.draws(5)
    error = np.abs(east[:, of].mean(axis=2))
    ways = np.array([factorial(5) / np.prod([factorial(n) for n in np.bincount(row)]) for row in of])
    drawn = resampled(lambda rows, draw: (np.median(error[rows["part"], draw["model"]]),
                                          np.mean(error[rows["part"], draw["model"]] > 1000)),
                      {"part": block}, {"model": ways / ways.sum()})
    whole = np.median(np.abs(east.mean(axis=1)))
    assert np.median(error[:, 0]) > 1.5 * whole    # one network five times
    assert drawn[:, 0].mean() == pytest.approx(whole, rel=0.05) and not drawn[:, 1].any()
    low, high = interval(drawn[:, 0], block)
    assert low < whole < high


def test_every_choice_of_blocks_is_as_likely_as_another():
    exact = Counter(float(np.median(np.concatenate([VALUES[BLOCK == number] for number in chosen])))
                    for chosen in product((7, 3, 9), repeat=3))
    drawn = Counter(resampled(median_of(VALUES), {"part": BLOCK}, resamples=20_000).tolist())
    assert set(drawn) == set(exact)
    for value, count in exact.items():
        assert drawn[value] / 20_000 == pytest.approx(count / 27, abs=0.015)


def test_a_block_is_drawn_whole_and_as_often_as_it_was_drawn():
    seen = []
    resampled(lambda rows, _: seen.append(rows["part"]) or 0.0, {"part": BLOCK}, resamples=200)
    for rows in seen:
        times = [Counter(rows.tolist())[row] for row in range(6)]
        assert times[0] == times[1] and times[2] == times[3] == times[4] and times[0] + times[2] + times[5] == 3
    assert len({len(rows) for rows in seen}) > 3    # blocks differ in size


def test_ensembles_are_drawn_by_their_chances_and_apart_for_each_model():
    chances = {"one": np.array([0.1, 0.6, 0.3]), "other": np.array([0.5, 0.5])}
    seen = []
    resampled(lambda _, draw: seen.append((draw["one"], draw["other"])) or 0.0, {"part": BLOCK}, chances, 20_000)
    drawn = np.array(seen[:20_000])
    for one, other in product(range(3), range(2)):
        expected = chances["one"][one] * chances["other"][other]
        assert (drawn == (one, other)).all(axis=1).mean() == pytest.approx(expected, abs=0.01)


def test_a_number_that_some_drawn_ensembles_lack_moves_by_the_others():
    chance = np.array([0.25, 0.5, 0.25])
    values = np.array([np.nan, 10.0, 14.0])
    drawn = resampled(lambda _, draw: values[draw["model"]], {"part": BLOCK}, {"model": chance}, 400)
    shift = (0.5 * 10 + 0.25 * 14) / 0.75 - 10
    assert np.isnan(drawn).any() and set(drawn[np.isfinite(drawn)].round(6)) == {round(10 - shift, 6),
                                                                                round(14 - shift, 6)}
    apart = resampled(lambda _, draw: draw["a"] - draw["b"], {"part": BLOCK}, {"a": chance, "b": chance}, 4000)
    assert apart.mean() == pytest.approx(0, abs=0.05)    # each moved by 0


def test_sets_are_drawn_apart_from_each_other_and_from_the_ensembles():
    block, chance = np.arange(200) // 4, np.array([0.5, 0.5])
    values = np.random.default_rng(2).normal(size=50)[block]
    drawn = resampled(lambda rows, draw: (values[rows["val"]].mean(), values[rows["ood"]].mean(), draw["model"]),
                      {"val": block, "ood": block}, {"model": chance})
    correlation = np.corrcoef(drawn.T) - np.eye(3)
    assert np.abs(correlation).max() < 0.08    # three standard errors of 2,000


def test_the_same_resamples_are_drawn_each_time():
    block = np.arange(40) // 4
    first, second = (resampled(median_of(np.arange(40.0)), {"part": block}) for _ in range(2))
    assert len(first) == RESAMPLES and np.array_equal(first, second)
    # two statistics of the same samples may be subtracted
    apart = resampled(median_of(np.arange(40.0) + 3), {"part": block}) - first
    assert apart == pytest.approx(3) and interval(apart, block, difference=True) == pytest.approx((3, 3))


def test_a_paired_difference_is_known_better_than_either():
    generator, block = np.random.default_rng(3), np.arange(80) // 2
    positive = np.repeat([True, False], 40)
    sure = generator.normal(size=80) - positive
    nearly = sure + 0.05 * generator.normal(size=80)
    drawn = resampled(lambda rows, _: [statistics.area(positive[rows["part"]], score[rows["part"]])
                                       for score in (sure, 2 * sure, nearly)], {"part": block})
    assert np.array_equal(drawn[:, 0], drawn[:, 1])    # the same order of the same samples
    alone, apart = interval(drawn[:, 0], block), interval(drawn[:, 0] - drawn[:, 2], block)
    assert alone[0] < statistics.area(positive, sure) < alone[1]
    assert apart[1] - apart[0] < (alone[1] - alone[0]) / 4


def test_an_interval_shrinks_as_blocks_grow_in_number_and_not_as_they_grow_in_size():
    widths = {}
    for blocks, size in ((50, 1), (50, 16), (800, 1)):
        means = np.random.default_rng(4).normal(size=blocks)
        block = np.repeat(np.arange(blocks), size)
        drawn = resampled(lambda rows, _, values=means[block]: values[rows["part"]].mean(), {"part": block})
        low, high = interval(drawn, block)
        widths[blocks, size] = high - low
    assert widths[50, 16] == pytest.approx(widths[50, 1])
    assert widths[800, 1] == pytest.approx(widths[50, 1] / 4, rel=0.2)


def test_the_interval_covers_where_samples_resemble_each_other_and_one_of_single_samples_does_not():
    block, truth = np.repeat(np.arange(30), 10), 100 * np.log(2)    # the median of an exponential distribution
    covered = {"blocks": 0, "samples": 0}
    for seed in range(200):
        values = np.random.default_rng(seed).exponential(100, 30)[block]
        of_blocks = interval(resampled(median_of(values), {"part": block}, resamples=400), block)
        for name, (low, high) in (("blocks", of_blocks), ("samples", statistics.bootstrap_median(values))):
            covered[name] += low <= truth <= high
    assert 180 <= covered["blocks"] <= 198 and covered["samples"] < 100    # of 200, where 190 are wanted


@pytest.mark.parametrize("blocks, known", [(1, False), (FEWEST - 1, False), (FEWEST, True)])
def test_fewer_than_six_blocks_have_no_interval(blocks, known):
    block = np.arange(600) % blocks
    drawn = resampled(median_of(np.arange(600.0)), {"part": block}, resamples=100)
    assert (interval(drawn, block) is not None) == (interval(drawn, block, difference=True) is not None) == known


def test_resamples_without_the_number_do_not_count():
    block, drawn = np.arange(6), np.linspace(0, 100, 1001)
    whole = interval(drawn, block)
    assert whole == pytest.approx((2.5, 97.5)) == statistics.resampled_interval(drawn)
    for missing in (np.nan, np.inf):
        padded = np.concatenate([drawn, np.full(1001, missing)])
        assert interval(padded, block) == whole    # half have it
        assert interval(np.append(padded, missing), block) is None
    assert interval(drawn * np.nan, block) is None


def test_the_interval_of_a_difference_is_two_monte_carlo_errors_wider():
    drawn, block = np.linspace(0, 100, RESAMPLES + 1), np.arange(6)
    found = interval(drawn, block, difference=True)
    assert found == statistics.difference_interval(drawn)
    error = 200 * np.sqrt(0.025 * 0.975 / RESAMPLES)
    assert found == pytest.approx((2.5 - error, 97.5 + error), abs=0.01)


def test_a_statistic_that_no_sample_of_a_resample_has_is_a_number_less():
    # low is of the one block in six: a third of the resamples miss it, since (5/6)**6 = 0.33
    low, block = np.arange(60) < 10, np.arange(60) // 10

    def median(rows, _):
        chosen = VALUES[rows["part"] % 6][low[rows["part"]]]
        return np.median(chosen) if chosen.size else np.nan

    drawn = resampled(median, {"part": block})
    assert np.isnan(drawn).mean() == pytest.approx((5 / 6) ** 6, abs=0.03) and interval(drawn, block) is not None
