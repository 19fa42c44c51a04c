"""Samples of several emitters: seeded, powers added, Eq. (4), labels and maps of what the samples hold."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_emitters import CITY, FREE

from rsslib.emitters import samples as sampling
from rsslib.emitters.samples import Samples
from rsslib.project import InputError


@pytest.fixture(scope="module")
def drawn():
    return sampling.draw(FREE, "train", 1500, sensors=20)


def equal(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name in ("value", "power"))
               for name in ("sensor", "value", "emitter", "power"))


def test_types_and_ranges(drawn):
    assert [getattr(drawn, name).dtype for name in ("sensor", "value", "emitter", "power")] == [
        np.int32, np.float32, np.int32, np.float32]
    assert drawn.sensor.shape == drawn.value.shape == (1500, 20) and drawn.emitter.shape == (1500, 3)
    assert 10 <= np.nanmin(drawn.power) and np.nanmax(drawn.power) <= 40
    assert np.array_equal(np.isnan(drawn.power), drawn.emitter < 0)


def test_sensors_and_emitters_of_a_sample_lie_in_different_cells(drawn):
    assert all(len(set(row)) == 20 for row in drawn.sensor.tolist())
    for row in drawn.emitter.tolist():
        cells = [cell for cell in row if cell >= 0]
        assert len(set(cells)) == len(cells) > 0 and row[len(cells):] == [-1] * (3 - len(cells))


def test_counts_and_cells_are_uniform():
    samples = sampling.draw(FREE, "train", 30_000, sensors=1)
    assert np.bincount(samples.count, minlength=4)[1:] / 30_000 == pytest.approx([1 / 3] * 3, abs=0.01)
    for cells in (samples.sensor[:, 0], samples.emitter[:, 0], samples.emitter[samples.count == 3, 2]):
        times = np.bincount(cells, minlength=256)
        # chi-square over its 255 degrees of freedom: standard deviation 0.09
        assert np.square(times - times.mean()).sum() / times.mean() / 255 == pytest.approx(1, abs=0.4)


def test_drawing_all_cells_but_one_is_still_a_draw_without_repeats():
    cells = {"train": np.array([3, 8, 200])}
    samples = sampling.draw(replace(FREE, cells=cells), "train", 500, sensors=255)
    assert all(len(set(row)) == 255 for row in samples.sensor.tolist())
    assert set(samples.emitter[samples.count == 3].ravel()) == {3, 8, 200}
    first = np.bincount(samples.emitter[:, 0], minlength=201)[[3, 8, 200]]
    assert first.min() > 120  # any of the three may come first


def test_the_power_is_the_sum_of_all_emitters(drawn):
    for sample in (0, 3, 77):
        exists = drawn.emitter[sample] >= 0
        gain = FREE.gain_db(drawn.emitter[sample, exists, None], drawn.sensor[sample])
        level = gain + drawn.power[sample, exists, None]
        np.testing.assert_allclose(drawn.value[sample], 10 * np.log10((10 ** (level / 10.0)).sum(0)), atol=1e-3)


def test_samples_do_not_depend_on_how_many_are_drawn_nor_emitters_on_the_sensors(drawn):
    few = sampling.draw(FREE, "train", 1100, sensors=20)
    assert equal(few, Samples(16, *(getattr(drawn, name)[:1100] for name in ("sensor", "value", "emitter", "power"))))
    more = sampling.draw(FREE, "train", 1500, sensors=40)
    assert np.array_equal(more.emitter, drawn.emitter) and np.array_equal(more.power, drawn.power, equal_nan=True)


def test_seed_and_set_make_the_samples(drawn):
    assert equal(sampling.draw(FREE, "train", 1500, sensors=20), drawn)
    assert not equal(sampling.draw(FREE, "train", 1500, sensors=20, seed=1), drawn)
    assert not equal(sampling.draw(FREE, "val", 1500, sensors=20), drawn)


def test_sensors_keep_out_of_buildings_and_emitters_in_their_set():
    scene = replace(CITY, cells={"train": np.arange(5, 9), "val": np.array([100])})
    samples = sampling.draw(scene, "train", 300, sensors=30)
    assert not (samples.sensor % 17 == 0).any() and np.isfinite(samples.value).all()
    assert set(np.unique(samples.emitter)) == {-1, 5, 6, 7, 8}
    assert set(np.unique(sampling.draw(scene, "val", 10, n_max=1).emitter)) == {100}


@pytest.mark.parametrize("asked, message", [
    ({"sensors": 257}, "sensors is 257; expected a whole number from 1 to 256"),
    ({"count": 0}, "count is 0; expected a whole number from 1 to"),
    ({"sensors": 0}, "sensors is 0; expected a whole number from 1 to 256"),
    ({"scene": CITY, "sensors": 241}, "sensors is 241; expected a whole number from 1 to 240"),
    ({"scene": replace(FREE, cells={"train": np.array([1, 2])})}, "n_max is 3; expected .* 1 to 2, .* set 'train'"),
    ({"n_max": 7}, "n_max is 7; expected a whole number from 1 to 6"),
    ({"set_name": "nope"}, "the set is 'nope'; expected one of train"), ({"set_name": ["train"]}, "the set is"),
    ({"powers_dbm": (40.0, 10.0)}, "the lowest power, then the highest"), ({"powers_dbm": 3}, "powers_dbm is 3"),
    ({"powers_dbm": ("10", "40")}, "powers_dbm is"), ({"powers_dbm": (10.0, 1e300)}, "from -200 to 200"),
    ({"count": 2.0}, "count is 2.0"), ({"count": 10**12}, "count is 1000000000000"), ({"seed": -1}, "seed is -1"),
    ({"seed": None}, "seed is None"), ({"scene": None}, "scene is None"),
    ({"n_max": True}, "n_max is True"),
    ({"powers_dbm": (10.0, np.inf)}, "the lowest power, then the highest")])
def test_what_cannot_be_drawn_is_refused(asked, message):
    with pytest.raises(InputError, match=message):
        sampling.draw(**{"scene": FREE, "set_name": "train", "count": 5} | asked)


def test_the_input_image_is_equation_4():
    sensor, value = torch.tensor([[0, 5, 6], [15, 1, 2]]), torch.tensor([[-70.0, -80.0, -79.0], [-200.0, -60.0, -80.1]])
    image = sampling.input_image(sensor, value, -80.0, 4)
    expected = torch.zeros(2, 1, 16)
    expected[0, 0, [0, 5, 6]] = torch.tensor([1.1, -0.1, 0.2])
    expected[1, 0, [15, 1, 2]] = torch.tensor([-0.1, 2.1, -0.1])
    torch.testing.assert_close(image, expected.view(2, 1, 4, 4))


def test_margins_agree_with_the_sensors():
    samples = sampling.draw(FREE, "train", 300, sensors=20)
    margin = sampling.margins(FREE, samples)
    assert margin.dtype == np.uint8 and margin.shape == (300, 16, 16)
    at_sensors = np.take_along_axis(margin.reshape(300, -1), samples.sensor.astype(np.int64), 1)
    for quarters in (0, 10, 60):
        above = samples.value > -80 + quarters / 4
        assert np.array_equal(at_sensors > quarters, above) and 0.02 < above.mean() < 0.9


def test_labels_are_existence_and_location(drawn):
    labels = sampling.labels(drawn, 3)
    assert labels.shape == (1500, 3, 3) and labels.dtype == np.float32
    assert np.array_equal(labels[..., 0].sum(1), drawn.count)
    back = (labels[..., 1:] * 15).round().astype(int)
    exists = drawn.emitter >= 0
    assert np.array_equal((back[..., 0] * 16 + back[..., 1])[exists], drawn.emitter[exists])
    assert (labels[~exists] == 0).all() and labels.min() == 0 and labels.max() == 1


def test_labels_have_as_many_slots_as_asked(drawn):
    wide = sampling.labels(drawn, 5)
    assert wide.shape == (1500, 5, 3) and np.array_equal(wide[:, :3], sampling.labels(drawn, 3))
    with pytest.raises(InputError, match="sample .* has 3 emitters, but the network has 2 slots"):
        sampling.labels(drawn, 2)
    gap = replace(drawn, emitter=np.roll(drawn.emitter, 1, axis=1), power=np.roll(drawn.power, 1, axis=1))
    assert np.array_equal(sampling.labels(gap, 3)[..., 0], sampling.labels(drawn, 3)[..., 0])


@pytest.mark.parametrize("name, change, message", [
    ("value", lambda value: value[:, 1:], "sensor is .*, value .*; expected two tables of 5 rows"),
    ("emitter", lambda emitter: emitter[1:], "emitter is .*; expected two tables of 5 rows"),
    ("sensor", lambda sensor: sensor + 256, "`sensor` reaches from .*; expected 0 to 255"),
    ("emitter", lambda emitter: emitter - 2, "`emitter` reaches from -3 to .*; expected -1 to 255"),
    ("value", lambda value: np.where(np.arange(5)[:, None] == 3, np.float32("nan"), value),
     "sample 3 has a wrong `value`"),
    ("value", lambda value: value * np.float32("-inf"), "sample 0 has a wrong `value`"), ("n", lambda n: 0, "n is 0"),
    ("value", lambda value: value.astype(int), "sensor and value are int32 and int64"),
    ("n", lambda n: 16.0, "n is 16.0"),
    ("sensor", lambda sensor: sensor.astype(float), "sensor and value are float64"), ("n", lambda n: None, "n is None"),
    ("power", lambda power: power * np.float32("nan"), "has a wrong `power`"),
    ("emitter", lambda emitter: emitter.tolist(), "emitter and power are list"),
    ("sensor", lambda sensor: None, "NoneType")
])
def test_samples_of_ones_own_are_checked(name, change, message):
    samples = sampling.draw(FREE, "train", 5)
    with pytest.raises(InputError, match=message):
        replace(samples, **{name: change(getattr(samples, name))})


def test_labels_are_those_of_samples(drawn):
    for given, message in (((None, 3), "samples is None"), ((drawn, 0), "slots is 0"),
                           ((drawn, 3.0), "slots is 3.0"), ((drawn, 10**6), "slots is 1000000")):
        with pytest.raises(InputError, match=f"labels: {message}"):
            sampling.labels(*given)
    alone = Samples(1, np.zeros((1, 1), int), np.zeros((1, 1)), np.zeros((1, 1), int), np.zeros((1, 1)))
    with pytest.raises(InputError, match="labels: n of the samples is 1; expected a whole number from 2"):
        sampling.labels(alone, 1)


def test_no_power_is_a_reading():
    cell, nothing = np.zeros((1, 1), int), np.full((1, 1), -np.inf)
    assert len(Samples(2, cell, nothing, cell, np.zeros((1, 1)))) == 1


def test_a_number_of_numpy_draws_the_same():
    few = sampling.draw(FREE, "train", np.int8(5), np.int16(8), np.uint8(2))
    assert equal(few, sampling.draw(FREE, "train", 5, 8, 2))
