"""Blocks of time: walks cut from their first sample, margins of time, the split that is made of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsslib.data import blocks, splits
from rsslib.project import InputError

START = np.datetime64("2022-04-01T10:00:00")
seconds = st.lists(st.integers(0, 5000), min_size=1, max_size=80, unique=True)


def times(values):
    return START + np.array(values, "timedelta64[s]")


@given(seconds)
def test_a_block_is_a_stretch_of_one_walk(values):
    number, values = blocks.numbers(times(values)), np.array(values)
    order = np.argsort(values)
    assert (np.diff(number[order]) >= 0).all() and set(number) == set(range(number.max() + 1))
    for block in range(number.max() + 1):
        inside = np.sort(values[number == block])
        assert inside[-1] - inside[0] < blocks.BLOCK_S and (np.diff(inside) <= blocks.MARGIN_S).all()


def test_a_walk_is_cut_from_its_first_sample_and_a_pause_begins_another():
    assert blocks.numbers(times([7, 30, 60, 90, 120, 127, 158, 200])).tolist() == [0, 0, 0, 0, 0, 1, 2, 3]


@given(seconds, st.data())
def test_far_from_is_what_comparing_each_pair_says(values, data):
    time = times(values)
    held = data.draw(st.lists(st.sampled_from(range(len(values))), min_size=1, unique=True))
    samples, others = np.setdiff1d(np.arange(len(values)), held), np.array(held)
    gap = np.abs(np.array(values)[samples][:, None] - np.array(values)[others]).min(axis=1)
    assert blocks.far_from(time, samples, others).tolist() == samples[gap >= blocks.MARGIN_S].tolist()


def test_the_split_keeps_training_samples_away_in_time(campus):
    sets = splits.make(campus, "blocks")
    number, time = blocks.numbers(campus.time.values), campus.time.values.astype("datetime64[s]").astype(int)
    assert list(sets) == ["train", "val", "test"] and splits.report_set("blocks") == "test"
    assert not set(number[sets["val"]]) & set(number[sets["test"]])
    for name in ("val", "test"):
        assert np.abs(time[sets["train"]][:, None] - time[sets[name]]).min() >= blocks.MARGIN_S
    held = [len(np.unique(number[sets[name]])) for name in ("test", "val")]
    total = number.max() + 1
    assert held == [np.ceil(0.2 * total), np.ceil(0.2 * (total - held[0]))]
    left = np.setdiff1d(np.arange(len(time)), np.concatenate(list(sets.values())))
    outside = np.concatenate([sets["val"], sets["test"]])
    assert (np.abs(time[left][:, None] - time[outside]).min(axis=1) < blocks.MARGIN_S).all()
    assert not np.array_equal(sets["test"], splits.make(campus, "blocks", seed=1)["test"])


def test_the_real_walks(frs):
    sets = splits.make(frs, "blocks")
    assert {name: len(samples) for name, samples in sets.items()} == {"train": 2453, "val": 792, "test": 959}


def test_too_short_a_walk_is_refused(campus):
    with pytest.raises(InputError, match="splits: no samples left to hold out"):
        splits.make(campus.isel(sample=slice(0, 20)), "blocks")
