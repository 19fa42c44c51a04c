"""Samples of several emitters: seeded, powers added, Eq. (4), labels and maps that say what the samples hold."""

import time
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from rsslib.emitters import images
from rsslib.emitters import samples as emitters
from rsslib.emitters.samples import Samples
from rsslib.project import InputError


@dataclass(frozen=True)
class Toy:
    """A tiny free-space scene: gain by distance alone, from a table of displacements."""

    n: int = 16
    side_m: float = 5000.0
    threshold_dbm: float = -80.0
    buildings: bool = False
    cells: dict = field(default_factory=dict)

    def __post_init__(self):
        if not self.cells:
            self.cells.update({name: np.arange(self.n**2) for name in ("train", "val", "test")})

    @property
    def outdoor(self):
        return ~np.eye(self.n, dtype=bool) if self.buildings else np.ones((self.n, self.n), bool)

    def gain_db(self, emitter_cells, cells):
        rows, columns = (np.abs(f(emitter_cells) - f(cells)) for f in (lambda c: c // self.n, lambda c: c % self.n))
        distance = np.maximum(np.hypot(rows, columns), 0.5) * self.side_m / self.n
        gain = 20 * np.log10(299_792_458 / (4 * np.pi * distance * 3.5e9))
        inside = ~self.outdoor.ravel()[cells]
        return np.where(inside, np.nan, gain).astype(np.float32)


@pytest.fixture(scope="module")
def scene():
    return Toy()


@pytest.fixture(scope="module")
def drawn(scene):
    return emitters.draw(scene, "train", 1500, sensors=20)


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
        there = [cell for cell in row if cell >= 0]
        assert len(set(there)) == len(there) > 0 and row[len(there):] == [-1] * (3 - len(there))


def test_counts_and_cells_are_uniform(scene):
    samples = emitters.draw(scene, "train", 30_000, sensors=1)
    assert np.bincount(samples.count, minlength=4)[1:] / 30_000 == pytest.approx([1 / 3] * 3, abs=0.01)
    for cells in (samples.sensor[:, 0], samples.emitter[:, 0], samples.emitter[samples.count == 3, 2]):
        times = np.bincount(cells, minlength=256)
        # chi-square over its 255 degrees of freedom: standard deviation 0.09
        assert np.square(times - times.mean()).sum() / times.mean() / 255 == pytest.approx(1, abs=0.4)


def test_drawing_all_cells_but_one_is_still_a_draw_without_repeats(scene):
    cells = {"train": np.array([3, 8, 200])}
    samples = emitters.draw(Toy(cells=cells), "train", 500, sensors=255)
    assert all(len(set(row)) == 255 for row in samples.sensor.tolist())
    assert set(samples.emitter[samples.count == 3].ravel()) == {3, 8, 200}
    first = np.bincount(samples.emitter[:, 0], minlength=201)[[3, 8, 200]]
    assert first.min() > 120  # any of the three may come first


def test_the_power_is_the_sum_of_all_emitters(scene, drawn):
    for sample in (0, 3, 77):
        there = drawn.emitter[sample] >= 0
        gain = scene.gain_db(drawn.emitter[sample, there, None], drawn.sensor[sample])
        level = gain + drawn.power[sample, there, None]
        np.testing.assert_allclose(drawn.value[sample], 10 * np.log10((10 ** (level / 10.0)).sum(0)), atol=1e-3)


def test_samples_do_not_depend_on_how_many_are_drawn_nor_emitters_on_the_sensors(scene, drawn):
    few = emitters.draw(scene, "train", 1100, sensors=20)
    assert equal(few, Samples(16, *(getattr(drawn, name)[:1100] for name in ("sensor", "value", "emitter", "power"))))
    more = emitters.draw(scene, "train", 1500, sensors=40)
    assert np.array_equal(more.emitter, drawn.emitter) and np.array_equal(more.power, drawn.power, equal_nan=True)


def test_seed_and_set_make_the_samples(scene, drawn):
    assert equal(emitters.draw(scene, "train", 1500, sensors=20), drawn)
    assert not equal(emitters.draw(scene, "train", 1500, sensors=20, seed=1), drawn)
    assert not equal(emitters.draw(scene, "val", 1500, sensors=20), drawn)


def test_sensors_keep_out_of_buildings_and_emitters_in_their_set():
    scene = Toy(buildings=True, cells={"train": np.arange(5, 9), "val": np.array([100])})
    samples = emitters.draw(scene, "train", 300, sensors=30)
    assert not (samples.sensor % 17 == 0).any() and np.isfinite(samples.value).all()
    assert set(np.unique(samples.emitter)) == {-1, 5, 6, 7, 8}
    assert set(np.unique(emitters.draw(scene, "val", 10, n_max=1).emitter)) == {100}


def test_twenty_thousand_samples_take_less_than_a_second(scene):
    started = time.process_time()
    emitters.draw(Toy(64), "train", 20_000)
    assert time.process_time() - started < 4  # by a formula, not by a look-up, and on a busy machine


@pytest.mark.parametrize("changes, message", [
    ({"set_name": "unseen"}, "no emitter cells of the set 'unseen'"),
    ({"count": 0}, "count is 0; expected at least 1"),
    ({"sensors": 257}, "sensors is 257; expected at least 1 and at most 256, one in each outdoor cell"),
    ({"n_max": 7}, "n_max is 7; expected at least 1 and at most 6"),
    ({"powers_dbm": (40, 10)}, "powers_dbm is"),
    ({"scene": Toy(cells={"train": np.array([1, 2])})}, "n_max is 3; expected at least 1 and at most 2"),
    ({"scene": Toy(cells={"train": np.array([256])})}, "cells of 'train' reach 256; expected one raster"),
    ({"scene": Toy(cells={"train": np.array([], int)})}, "no emitter cells of the set 'train'"),
])
def test_what_cannot_be_drawn_is_named(scene, changes, message):
    asked = {"scene": scene, "set_name": "train", "count": 5} | changes
    with pytest.raises(InputError, match=message):
        emitters.draw(asked.pop("scene"), asked.pop("set_name"), asked.pop("count"), **asked)


def test_samples_of_ones_own_are_checked(drawn):
    with pytest.raises(InputError, match="sample 0 has a cell of `sensor` outside the map of 8 x 8"):
        replace(drawn, n=8)
    with pytest.raises(InputError, match="emitter is .* power"):
        replace(drawn, power=drawn.power[:, :2])
    value = drawn.value.copy()
    value[7, 2] = np.nan
    with pytest.raises(InputError, match="sample 7 has a `value` that is not a number"):
        replace(drawn, value=value)


def test_the_input_image_is_equation_4():
    sensor, value = torch.tensor([[0, 5, 6], [15, 1, 2]]), torch.tensor([[-70.0, -80.0, -79.0], [-200.0, -60.0, -80.1]])
    image = images.input_image(sensor, value, -80.0, 4)
    expected = torch.zeros(2, 1, 16)
    expected[0, 0, [0, 5, 6]] = torch.tensor([1.1, -0.1, 0.2])
    expected[1, 0, [15, 1, 2]] = torch.tensor([-0.1, 2.1, -0.1])
    torch.testing.assert_close(image, expected.view(2, 1, 4, 4))


@pytest.mark.parametrize("sensor, message", [([[0, 16]], "outside a map of 4 x 4"), ([[-1, 0]], "outside a map"),
                                             ([[0, 1, 2]], r"sensor is \(1, 3\), value \(1, 2\)")])
def test_sensors_that_do_not_fit_the_map_are_named(sensor, message):
    with pytest.raises(InputError, match=message):
        images.input_image(torch.tensor(sensor), torch.zeros(1, 2), -80.0, 4)


def test_margins_agree_with_the_sensors():
    scene = Toy(16)
    samples = emitters.draw(scene, "train", 300, sensors=20)
    margin = images.margins(scene, samples)
    assert margin.dtype == np.uint8 and margin.shape == (300, 16, 16)
    at_sensors = np.take_along_axis(margin.reshape(300, -1), samples.sensor.astype(np.int64), 1)
    for quarters in (0, 10, 60):
        above = samples.value > -80 + quarters / 4
        assert np.array_equal(at_sensors > quarters, above) and 0.02 < above.mean() < 0.9


def test_a_map_of_another_scene_is_refused(drawn):
    with pytest.raises(InputError, match="the scene has 8 cells a side, the samples 16"):
        images.margins(Toy(8), drawn)


def test_labels_are_existence_and_place(drawn):
    labels = images.labels(drawn)
    assert labels.shape == (1500, 3, 3) and labels.dtype == np.float32
    assert np.array_equal(labels[..., 0].sum(1), drawn.count)
    back = (labels[..., 1:] * 15).round().astype(int)
    there = drawn.emitter >= 0
    assert np.array_equal((back[..., 0] * 16 + back[..., 1])[there], drawn.emitter[there])
    assert (labels[~there] == 0).all() and labels.min() == 0 and labels.max() == 1


def test_labels_have_as_many_slots_as_asked(drawn):
    wide = images.labels(drawn, 5)
    assert wide.shape == (1500, 5, 3) and np.array_equal(wide[:, :3], images.labels(drawn))
    with pytest.raises(InputError, match="sample .* has 3 emitters, the network 2 slots"):
        images.labels(drawn, 2)
    gap = replace(drawn, emitter=np.roll(drawn.emitter, 1, axis=1), power=np.roll(drawn.power, 1, axis=1))
    assert np.array_equal(images.labels(gap)[..., 0], images.labels(drawn)[..., 0])
