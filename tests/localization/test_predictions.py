"""Predictions: what is read off hand-made images, and the file that keeps it."""

import random

import numpy as np
import pytest
import torch
import xarray as xr

from rsslib.data.grid import Grid
from rsslib.localization import predictions
from rsslib.project import InputError

GRID = Grid(1000.0, 2000.0, 6, 5, 10.0)


def image(background=0.0, **peaks):
    """An image with peaks such as c3r1=0.8 (column 3, row 1)."""
    values = torch.full(GRID.shape, background)
    for pixel, value in peaks.items():
        values[int(pixel[3]), int(pixel[1])] = value
    return values


@pytest.fixture(scope="module")
def images():
    """Two samples, two members: the members 50 m apart (30 east, 40 north), then in agreement."""
    apart = [image(c1r0=0.75), image(c4r4=0.25)]
    agreed = [image(0.1, c2r2=0.9), image(0.1, c2r2=0.5)]
    return torch.stack([torch.stack(apart), torch.stack(agreed)])


@pytest.fixture
def dataset(images, campus):
    described = predictions.describe(torch.cat([images, images[:1]]), GRID)
    return predictions.collect(described, campus, np.array([7, 3, 160]), np.array(["val", "ood", "ood"]),
                               vars(GRID) | {"loss": "emd", "members": 2, "learning_rate": 5e-4})


def test_a_member_locates_its_peak_and_the_ensemble_their_weighted_mean(images):
    described = predictions.describe(images, GRID)
    assert described["x"].tolist() == [[1010, 1040], [1020, 1020]]
    assert described["y"].tolist() == [[2000, 2040], [2020, 2020]]
    assert described["peak"] == pytest.approx(np.array([[0.75, 0.25], [0.9, 0.5]]))
    assert described["x_hat"] == pytest.approx([0.75 * 1010 + 0.25 * 1040, 1020])
    assert described["y_hat"] == pytest.approx([0.75 * 2000 + 0.25 * 2040, 2020])


def test_the_four_indicators(images):
    described = predictions.describe(images, GRID)
    assert set(predictions.INDICATORS) <= set(described)
    assert described["max_prediction"] == pytest.approx([0.75, 0.9])
    assert described["max_mean_prediction"] == pytest.approx([0.375, 0.7])
    assert described["max_spread"] == pytest.approx([50, 0]) and described["sum_spread"] == pytest.approx([50, 0])


def test_normalised_indicators_are_shares_of_the_mass(images):
    described = predictions.describe(images, GRID)
    agreed = [0.9 / 3.8, 0.5 / 3.4]
    assert described["peak_normalised"] == pytest.approx(np.array([[1, 1], agreed]))
    assert described["max_prediction_normalised"] == pytest.approx([1, max(agreed)])
    assert described["max_mean_prediction_normalised"] == pytest.approx([0.5, np.mean(agreed)])


def test_the_spreads_are_over_all_pairs_of_members():
    members = torch.stack([image(c0r0=1.0), image(c3r0=1.0), image(c3r4=1.0)])[None]
    described = predictions.describe(members, GRID)
    assert described["max_spread"] == pytest.approx([50]) and described["sum_spread"] == pytest.approx([30 + 40 + 50])


def test_one_member_has_no_spread(images):
    described = predictions.describe(images[:, :1], GRID)
    assert described["max_spread"].tolist() == described["sum_spread"].tolist() == [0, 0]


def test_com_takes_the_centre_of_mass_of_the_mean_image(images):
    described = predictions.describe(images, GRID, "com")
    assert described["x"][0] == pytest.approx([1010, 1040]) and described["x_peak"][0].tolist() == [1010, 1040]
    assert (described["x_hat"][0], described["y_hat"][0]) == pytest.approx((1017.5, 2010))
    row, column = np.indices(GRID.shape)
    mean = images[1].mean(0).numpy()
    assert described["x_hat"][1] == pytest.approx(1000 + 10 * np.average(column, weights=mean))
    assert described["y_hat"][1] == pytest.approx(2000 + 10 * np.average(row, weights=mean))


def test_the_spread_is_of_the_peaks_whatever_the_decoder(images):
    assert predictions.describe(images, GRID, "com")["max_spread"] == pytest.approx([50, 0])


def test_the_sequence_of_the_members_does_not_matter(images):
    one, other = (predictions.describe(part, GRID) for part in (images, images.flip(1)))
    for name in ("x_hat", "y_hat", *predictions.INDICATORS):
        assert one[name] == pytest.approx(other[name])


def test_empty_images_are_described_by_numbers():
    described = predictions.describe(torch.zeros(1, 2, *GRID.shape), GRID)
    assert all(np.isfinite(values).all() for values in described.values())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_an_image_that_is_not_a_number_is_refused(images, bad):
    broken = images.clone()
    broken[1, 0, 3, 3] = bad
    with pytest.raises(InputError, match="holds NaN or infinity"):
        predictions.describe(broken, GRID)


def test_an_unknown_decoder_is_refused(images):
    with pytest.raises(InputError, match="decoder is 'peak'; expected one of argmax, com"):
        predictions.describe(images, GRID, "peak")


def test_collected_predictions_know_truth_set_and_units(dataset, campus):
    assert dict(dataset.sizes) == {"sample": 3, "member": 2}
    assert dataset.x.dims == ("sample", "member") and dataset.x_hat.dims == ("sample",)
    assert dataset.x_true.values.tolist() == campus.tx_x.values[[7, 3, 160], 0].tolist()
    assert dataset.measurement.values.tolist() == [7, 3, 160]
    assert dataset.set.values.tolist() == ["val", "ood", "ood"]
    assert dataset.y_true.attrs["units"] == "m" and dataset.peak.attrs["units"] == "1"
    assert dataset.x.values[2].tolist() == dataset.x.values[0].tolist()


def test_errors_are_distances_to_the_truth(dataset):
    moved = dataset.assign(x_true=dataset.x_hat - 30, y_true=dataset.y_hat + 40)
    assert predictions.errors(moved) == pytest.approx([50, 50, 50])


def test_an_unknown_location_has_no_error(dataset):
    dataset.x_true.values[1] = np.nan
    with pytest.raises(InputError, match=r"sample 1 has no known error \(1 of 3 samples\)"):
        predictions.errors(dataset)
    with pytest.raises(InputError, match=r"sample 0 has no known error \(1 of 2 samples\)"):
        predictions.median_error(dataset, "ood")
    assert predictions.median_error(dataset, "val") >= 0


def test_a_file_with_any_bit_flipped_is_refused_or_the_same(dataset, tmp_path):
    path, rng, refused = predictions.save(dataset, tmp_path / "p.nc"), random.Random(0), 0
    raw = path.read_bytes()
    for number in range(60):
        changed = bytearray(raw)
        changed[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        (tmp_path / f"{number}.nc").write_bytes(changed)
        try:
            xr.testing.assert_identical(predictions.load(tmp_path / f"{number}.nc"), dataset)
        except InputError as error:
            assert f"{number}.nc: " in str(error)
            refused += 1
    assert refused > 5


@pytest.mark.parametrize("other", [None, 3, {"x_hat": [1.0]}, xr.DataArray([1.0]), xr.Dataset(),
                                   xr.Dataset({"x_hat": 1.0, "set": "val"}), xr.Dataset({
                                       **{name: ("sample", np.ones(2, "S8")) for name in ("x_hat", "y_hat", "x_true")},
                                       "set": ("sample", [1, 2])})])
def test_what_is_no_predictions_is_named(other):
    for work in (predictions.errors, lambda given: predictions.of_set(given, "val")):
        with pytest.raises(InputError, match="predictions(: no .* with one value .*| is .*); expected"):
            work(other)


@pytest.mark.parametrize("change", [
    lambda images: images[0], lambda images: images[..., :-1], lambda images: images[:, :0], lambda images: images > 0,
    lambda images: images.numpy(), lambda images: None])
def test_images_of_another_kind_are_named(images, change):
    with pytest.raises(InputError, match="predictions: images (are|is) "):
        predictions.describe(change(images), GRID)


def test_a_set_is_taken_by_name(dataset):
    assert predictions.of_set(dataset, "ood").measurement.values.tolist() == [3, 160]
    with pytest.raises(InputError, match="no set 'test'; found val, ood"):
        predictions.of_set(dataset, "test")


def test_a_file_gives_back_what_was_saved(dataset, tmp_path):
    path = predictions.save(dataset, tmp_path / "deep" / "grid2-emd.nc")
    again = predictions.load(path)
    xr.testing.assert_identical(again, dataset)
    assert {name: again[name].dtype.kind for name in again.variables} == {
        name: dataset[name].dtype.kind for name in dataset.variables}
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_same_predictions_are_the_same_bytes(dataset, tmp_path):
    one, other = (predictions.save(dataset, tmp_path / f"{name}.nc") for name in "ab")
    assert one.read_bytes() == other.read_bytes()


def test_a_file_that_is_no_predictions_is_named(dataset, tmp_path):
    with pytest.raises(InputError, match=r"p\.csv: unknown format '\.csv'; expected a name ending in \.nc"):
        predictions.save(dataset, tmp_path / "p.csv")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match=r"p\.nc: no such file; expected the predictions of a localizer"):
        predictions.load(tmp_path / "p.nc")
    (tmp_path / "half.nc").write_bytes(b"half a download")
    with pytest.raises(InputError, match="half.nc: broken or something else"):
        predictions.load(tmp_path / "half.nc")
    broken = [("x_hat", np.nan), ("max_prediction", 1.5), ("max_spread", -1.0), ("peak", -0.1), ("y_true", np.inf)]
    for name, value in broken:
        with pytest.raises(InputError, match=f"p.nc: broken or something else .{name} is impossible or not finite"):
            predictions.save(dataset.assign({name: xr.full_like(dataset[name], value)}), tmp_path / "p.nc")
    for name in ("x", "x_hat", "set", "measurement", "sum_spread", "y_true"):
        with pytest.raises(InputError, match=f"p.nc: broken or something else .'{name}' is missing"):
            predictions.save(dataset.drop_vars(name), tmp_path / "p.nc")
    for changes in ({"pixel_m": "30"}, {"x0": np.nan}, {"height": [1, 2]}):
        with pytest.raises(InputError, match="p.nc: broken or something else"):
            predictions.save(dataset.assign_attrs(changes), tmp_path / "p.nc")
    for other in (dataset.isel(sample=[]), dataset.isel(member=[]), dataset.x_hat, None, {"x_hat": 1}):
        with pytest.raises(InputError, match="p.nc: broken or something else .*; expected the predictions of a local"):
            predictions.save(other, tmp_path / "p.nc")
    assert [path.name for path in tmp_path.iterdir()] == ["half.nc"]
    xr.Dataset({"image": ("sample", np.zeros(3))}).to_netcdf(tmp_path / "other.nc", engine="netcdf4")
    with pytest.raises(InputError, match="other.nc: broken or something else .*'member' is missing"):
        predictions.load(tmp_path / "other.nc")


def test_drawn_ensembles_that_cannot_be_are_named(dataset, tmp_path):
    drawn = ("draw", "position"), np.array([[0, 0], [0, 1], [1, 1]])
    maxima = ("sample", "draw"), np.full((3, 3), 0.5)
    whole = dataset.assign(max_mean_of_draw=maxima).assign_coords(drawn=drawn)
    again = predictions.load(predictions.save(whole, tmp_path / "whole.nc"))
    assert again.max_mean_of_draw.values == pytest.approx(0.5, abs=1e-5) and again.drawn.identical(whole.drawn)
    for changed, found in (
            (whole.assign(max_mean_of_draw=whole.max_mean_of_draw + 0.6), "max_mean_of_draw is impossible"),
            (whole.assign(max_mean_of_draw=whole.max_mean_of_draw - 0.6), "max_mean_of_draw is impossible"),
            (whole.assign(max_mean_of_draw=whole.max_mean_of_draw * np.nan), "max_mean_of_draw is impossible"),
            (whole.assign(max_mean_of_draw=(maxima[0], np.ones((3, 3), int))), "max_mean_of_draw is int64 over"),
            (whole.transpose("draw", ...), "max_mean_of_draw is float64 over"),
            (whole.drop_vars("drawn"), "'drawn' is missing"),
            (whole.assign_coords(drawn=(drawn[0], drawn[1] / 2)), "drawn is float64 over"),
            (whole.assign_coords(drawn=(("draw", "place"), drawn[1])), "drawn is int64 over"),
            (whole.assign_coords(drawn=(drawn[0], drawn[1] + 1)), "drawn has the number of a network that is none"),
            (whole.assign_coords(drawn=(drawn[0], drawn[1] - 1)), "drawn has the number of a network that is none")):
        with pytest.raises(InputError, match=f"p.nc: broken or something else .{found}"):
            predictions.save(changed, tmp_path / "p.nc")


def test_an_empty_batch_has_no_locations(images):
    with pytest.raises(InputError, match=r"predictions: images are torch.float32 of \(0, "):
        predictions.describe(images[:0], GRID)


def test_a_wrong_grid_in_a_file_is_named(dataset, tmp_path):
    with pytest.raises(InputError, match="m.nc: broken or something else .grid: height is 3.0; expected a whole"):
        predictions.save(dataset.assign_attrs(height=3.0), tmp_path / "m.nc")
