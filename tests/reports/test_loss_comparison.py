"""Table II and its figures' data from what three tiny trainings left."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rsslib.data import splits
from rsslib.ledger import claims, quantities, results, verdicts
from rsslib.localization import draws, kept_images, predictions
from rsslib.localization.ensemble import Recipe
from rsslib.localization.localizer import Localizer
from rsslib.project import InputError
from rsslib.reports.confidence_paper import hybrid_models, loss_comparison, ood_detection


@pytest.fixture(scope="module")
def site(campus):
    """The campus, with a pause after every three samples: each three are a block of time."""
    return campus.assign_coords(time=campus.time + np.arange(campus.sizes["sample"]) // 3 * np.timedelta64(300, "s"))


@pytest.fixture(scope="module")
def folder(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid2") / "trained"
    sets = splits.make(site, "grid2")
    for loss in ("com", "emd", "sliced"):
        recipe = Recipe(loss=loss, network="compact", members=2, epochs=2, batch_size=16, precision="float32",
                        pixel_m=60.0, threads=1)
        localizer = Localizer(recipe, device="cpu").fit(site, sets, watch=("train", "val", "ood"))
        located = localizer.predict(site, {name: sets[name] for name in ("val", "ood")})
        located = draws.with_maxima(located, localizer.ensemble, localizer.samples(site))
        out = folder / f"grid2-{loss}"
        predictions.save(located.assign_attrs(best_epoch=localizer.trainer.best_epoch), out / "predictions.nc")
        images = kept_images.keep(localizer.ensemble, localizer.samples(site), sets["ood"])
        kept_images.save(images, out / "images.nc")
        localizer.trainer.write_history(out / "history.json")
    return folder


@pytest.fixture(scope="module")
def runs(folder, site):
    return loss_comparison.load(folder, ["grid2"], ["com", "emd"], site)


def test_a_record_is_the_median_of_its_set(runs):
    records = loss_comparison.table2(runs)
    assert [(r["loss"], r["set"]) for r in records] == [("com", "val"), ("com", "ood"), ("emd", "val"), ("emd", "ood")]
    ood = predictions.of_set(runs["grid2", "emd"].predictions, "ood")
    expected = np.median(np.hypot(ood.x_hat - ood.x_true, ood.y_hat - ood.y_true))
    assert records[3]["median_m"] == pytest.approx(float(expected))
    assert records[3]["n"] == ood.sizes["sample"] and records[3]["members"] == records[3]["networks"] == 2
    assert records[3]["blocks"] == len(np.unique(ood.measurement // 3)) > 10
    low, high = records[3]["ci95_m"]
    assert low <= records[3]["median_m"] <= high


def test_further_trainings_stand_beside_the_losses_of_the_table(folder, runs, site):
    more = loss_comparison.load(folder, ["grid2"], ["com", "emd"], site, ["grid2-sliced"])
    assert list(more) == [*runs, ("grid2", "sliced")]
    for key, run in runs.items():
        assert run.predictions.identical(more[key].predictions)
    assert list(loss_comparison.models(more)) == ["grid2-com", "grid2-emd", "grid2-sliced"]
    pairs = loss_comparison.pairs(more)
    assert [(pair["left_loss"], pair["right_loss"]) for pair in pairs] == [("emd", "com"), ("emd", "sliced"),
                                                                           ("com", "sliced")]
    assert pairs[0] == loss_comparison.pairs(runs)[0]    # no other loss changes it
    with pytest.raises(InputError, match="more: grid5 was not trained on sliced: no folder .*; there are grid2$"):
        loss_comparison.load(folder, ["grid2"], ["com"], site, ["grid5-sliced"])


def test_the_other_reports_read_the_same_predictions(folder, runs, site):
    for loss in ("com", "emd"):
        found = ood_detection.load(folder, ["grid2"], site, loss)
        assert list(found) == ["grid2"] and found["grid2"].identical(runs["grid2", loss].predictions)
    (emd,) = hybrid_models.load(folder, [2], site).values()
    assert emd.identical(runs["grid2", "emd"].predictions) and {"block", "drawn"} <= set(emd.coords)


def test_predictions_of_other_measurements_are_refused(folder, site):
    with pytest.raises(InputError, match="trained: the predictions of grid2-com are of other samples"):
        loss_comparison.load(folder, ["grid2"], ["com"], site.isel(sample=slice(None, None, -1)))


def test_only_the_reported_set_is_judged(runs):
    assert {record["set"] for record in loss_comparison.judged(loss_comparison.table2(runs))} == {"ood"}


def test_pairs_are_differences_on_the_same_samples_with_their_intervals(runs):
    (pair,) = loss_comparison.pairs(runs)
    assert (pair["left_loss"], pair["right_loss"], pair["split"], pair["set"]) == ("emd", "com", "grid2", "ood")
    errors = {loss: predictions.errors(predictions.of_set(runs["grid2", loss].predictions, "ood")) for loss in
              ("com", "emd")}
    assert pair["n"] == len(errors["emd"])
    assert pair["median_m"] == pytest.approx(np.median(errors["emd"]) - np.median(errors["com"]))
    assert pair["mean_m"] == pytest.approx(errors["emd"].mean() - errors["com"].mean())
    for field in ("median_m", "mean_m"):
        low, high = pair[f"ci95_{field}"]
        assert low <= pair[field] <= high


def test_the_interval_of_a_pair_draws_the_same_samples_for_both_and_their_networks_apart(runs):
    emd = runs["grid2", "emd"]
    other = replace(emd, predictions=emd.predictions.assign_attrs(split="another"))
    (same,) = loss_comparison.pairs({("grid2", "com"): other, ("grid2", "emd"): emd})
    assert same["median_m"] == same["mean_m"] == 0
    low, high = same["ci95_mean_m"]
    assert low < 0 < high    # another training of the same loss would differ
    alone = replace(emd, predictions=_of_one_network(emd.predictions))
    (same,) = loss_comparison.pairs({("grid2", "com"): alone, ("grid2", "emd"): alone})
    assert same["ci95_median_m"] == same["ci95_mean_m"] == (0, 0)


def _of_one_network(model):
    """Predictions of the first network of two."""
    return model.isel(member=[0], draw=[0], position=[0]).assign(x_hat=model.x[:, 0], y_hat=model.y[:, 0])


def test_losses_of_different_samples_are_not_paired(runs):
    other = replace(runs["grid2", "com"], predictions=runs["grid2", "com"].predictions.isel(sample=slice(None, -1)))
    with pytest.raises(InputError, match="grid2: emd and com predict different samples"):
        loss_comparison.pairs(runs | {("grid2", "com"): other})


def test_the_ledger_finds_the_paired_difference_of_an_order(runs, tmp_path):
    for name, records in (("table2", loss_comparison.table2(runs)), ("table2_pairs", loss_comparison.pairs(runs))):
        results.write("quick", name, records, {"run": 1}, {}, tmp_path)
    (pair,) = results.read("quick", "table2_pairs", tmp_path)["records"]
    claim = next(claim for claim in claims.load() if claim.id == "t2-order-emd-com-grid2")
    sides = claim.record["left"], claim.record["right"]
    assert quantities.paired(*sides, quantities.Records("quick", tmp_path)) == (pair["median_m"], pair["ci95_median_m"])
    (verdict,) = verdicts.judge([claim], "quick", tmp_path)
    assert "paired difference" in verdict.ours
    results.write("quick", "table2_pairs", loss_comparison.pairs(runs), {"run": 2}, {}, tmp_path)
    assert quantities.paired(*sides, quantities.Records("quick", tmp_path)) is None    # of another run


def test_the_example_is_one_sample_for_all_losses(runs, site):
    shown = loss_comparison.example(runs, site, "grid2")
    assert shown.images.keys() == shown.decoded.keys() == {"com", "emd"}
    assert shown.truth == (site.tx_x.values[shown.measurement, 0], site.tx_y.values[shown.measurement, 0])
    drawn = np.isfinite(shown.sensor_image).sum()
    assert 0 < drawn <= np.isfinite(site.rss.values[shown.measurement]).sum()


def test_the_ambiguous_sample_has_the_strongest_second_mode(runs, site):
    doubt = loss_comparison.most_ambiguous(runs["grid2", "emd"], site)
    kept = runs["grid2", "emd"].images.image.values
    assert doubt.truth == (site.tx_x.values[doubt.measurement, 0], site.tx_y.values[doubt.measurement, 0])
    assert 0 < np.isfinite(doubt.sensor_image).sum() <= np.isfinite(site.rss.values[doubt.measurement]).sum()
    assert doubt.radius_m == kept_images.RADIUS_M
    assert doubt.modes[1][2] == max(kept_images.modes(image, doubt.grid)[1][2] for image in kept)


def test_facts_are_numbers_of_the_data_and_the_networks(runs, site):
    facts = {record["fact"]: record["value"] for record in loss_comparison.facts(runs, site)}
    assert facts["unet_parameters"] == 3_351_969
    assert 0 <= facts["emd_below_com_ood_share"] <= 1
    # the mean distance from a uniform point of a square to its centre is 0.3826 of its side
    assert facts["quantisation_floor_mean_m"] == pytest.approx(0.3826 * 60, rel=0.1)


def test_seconds_come_from_the_stamps_and_are_left_out_where_there_is_none(folder, runs, site, tmp_path):
    assert loss_comparison.seconds_per_epoch(runs) == []
    copy = shutil.copytree(folder, tmp_path / "trained")
    (copy / "grid2-emd.stamp.json").write_text('{"seconds_per_epoch": 1.25, "device": "cuda"}')
    timed = loss_comparison.load(copy, ["grid2"], ["com", "emd"], site)
    assert loss_comparison.seconds_per_epoch(timed) == [{"loss": "emd", "split": "grid2", "value": 1.25}]


@pytest.mark.parametrize("names, losses, found", [
    ([], ["emd"], r"splits: found \[\]; expected a list"), ("grid2", ["emd"], "splits: found 'grid2'; expected a list"),
    (2, ["emd"], "splits: found 2"), (["grid2"], [], "losses: none given; expected at least one"),
    (["grid5"], ["emd"], "splits: grid5 was not trained on emd: no folder .*grid5-emd; there are grid2$")])
def test_what_cannot_be_loaded_is_an_error_that_names_the_parameter(folder, site, names, losses, found):
    with pytest.raises(InputError, match=found):
        loss_comparison.load(folder, names, losses, site)


@pytest.mark.parametrize("name, content, found", [
    ("history.json", None, "no such file"), ("history.json", "{}", "'epochs' is missing"),
    ("history.json", "[1", "broken"), ("history.json", '{"epochs": []}', r"'epochs' is \[\]"),
    ("history.json", '{"epochs": [{"loss": 1}]}', "'epoch' is missing"), ("history.json", '{"epochs": [3]}', "broken"),
    ("predictions.nc", None, "no such"), ("images.nc", None, "no such"),
    ("../grid2-emd.stamp.json", "{}", "'seconds_per_epoch' is missing")])
def test_a_file_of_a_training_that_is_missing_or_broken_is_named(folder, site, tmp_path, name, content, found):
    copy = shutil.copytree(folder, tmp_path / "trained") / "grid2-emd"
    (copy / name).unlink(missing_ok=True)
    if content:
        (copy / name).write_text(content)
    with pytest.raises(InputError, match=f"{Path(name).name}: .*{found}"):
        loss_comparison.load(tmp_path / "trained", ["grid2"], ["emd"], site)


def test_curves_need_both_losses_and_the_errors_out_of_distribution(runs):
    assert set(loss_comparison.curves(runs)) == {"com", "emd"}
    assert loss_comparison.curves(runs, "grid5") == {}
    assert loss_comparison.curves({key: run for key, run in runs.items() if key[1] == "emd"}) == {}
    emd = runs["grid2", "emd"]
    bare = [{key: value for key, value in record.items() if "ood" not in key} for record in emd.history]
    assert loss_comparison.curves(runs | {("grid2", "emd"): replace(emd, history=bare)}) == {}


def test_fits_are_of_splits_out_of_distribution_that_recorded_both(runs):
    found = loss_comparison.fits(runs)
    assert set(found) == {(split, loss) for split, loss in runs if split == "grid2"}
    path = found["grid2", "emd"]
    history = runs["grid2", "emd"].history
    assert path.tolist() == [[one["val_single_median_m"], one["ood_single_median_m"]] for one in history]
    assert loss_comparison.fits({key: run for key, run in runs.items() if key[1] != "com"}) == {}
