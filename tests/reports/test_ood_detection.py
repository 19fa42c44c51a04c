"""The records of Figures 7 and 10 and of Table III, from hand-made predictions."""

import hand_made
import numpy as np
import pytest

from rsslib.confidence import indicators, pools
from rsslib.ledger import results, statistics
from rsslib.localization import predictions
from rsslib.project import InputError
from rsslib.reports.confidence_paper import ood_detection


@pytest.fixture
def models():
    return {"grid2": hand_made.shifted(), "november": hand_made.shifted("july", seed=1)}


@pytest.fixture(scope="module")
def scores():
    """Records and pairs of `models`."""
    return ood_detection.indicator_scores({"grid2": hand_made.shifted(), "november": hand_made.shifted("july", seed=1)})


def test_each_indicator_has_a_curve_with_its_threshold_on_it(models):
    curves = ood_detection.rocs(models["grid2"], "grid2")
    assert set(curves) == set(indicators.VARIANTS)
    curve = curves["max_mean_prediction"]
    assert curve.at_threshold[0] == pytest.approx(0.1) and 0.3 < curve.at_threshold[1] < 0.9
    # the rates at the threshold lie on the curve
    assert np.interp(curve.at_threshold[0], curve.false_positive, curve.true_positive) == pytest.approx(
        curve.at_threshold[1], abs=0.02)
    low, high = curve.ci95_at_threshold
    assert low < curve.at_threshold[1] < high


def test_the_rate_at_the_threshold_counts_that_validation_could_have_set_another(models):
    model = models["grid2"]
    low, high = ood_detection.rocs(model, "grid2")["max_mean_prediction"].ci95_at_threshold
    held = statistics.share_interval(indicators.score(predictions.of_set(model, "ood")) < indicators.threshold(model))
    assert high - low > 1.15 * (held[1] - held[0]) and low < held[0] and high > held[1]


def test_every_indicator_is_judged_on_every_task(models, scores):
    records, _ = scores
    assert len(records) == 2 * 3 * 6
    one = results.one(records, split="november", target="ood", set="july", indicator="sum_spread")
    low, high = one["ci95_auroc"]
    assert low < one["auroc"] < high and (one["n_positive"], one["n_negative"]) == (200, 200)
    large = results.one(records, split="grid2", target="high_error", set="val", indicator="max_mean_prediction")
    errors = predictions.errors(predictions.of_set(models["grid2"], "val"))
    assert large["n_positive"] == (errors > 2 * np.median(errors)).sum()


def test_a_task_of_one_kind_says_so():
    model = hand_made.predictions(["val"] * 5 + ["ood"] * 5, np.arange(10) / 10, np.full(10, 5.0))
    records, _ = ood_detection.indicator_scores({"grid2": model})
    (record,) = results.select(records, target="high_error", set="val", indicator="max_spread")
    assert np.isnan(record["auroc"]) and record["auroc_reason"] == "all samples are of one kind"
    assert not {"ci95_auroc", "true_positive_at_threshold"} & set(record)


def test_figure_ten_counts_what_the_threshold_marks():
    sets = ["val"] * 10 + ["ood"] * 4
    sure = [0.0, *np.linspace(0.5, 1.0, 9), 0.1, 0.2, 0.9, 0.9]
    model = hand_made.predictions(sets, sure, [300, 10, 10, 10, 20, 20, 20, 30, 30, 30, 39, 500, 100, 7])
    val, ood = ood_detection.error_records({"grid2": model})
    assert val["n"] == 10 and val["low_confidence_rate"] == pytest.approx(0.1)
    # the threshold is 0.45: two OOD samples are low, of 39 and 500 m; the validation median is 20 m
    assert ood["threshold"] == pytest.approx(0.45) and ood["low_confidence_rate"] == 0.5
    assert (ood["low_above_median_share"], ood["low_above_twice_share"]) == (1.0, 0.5)
    assert (ood["high_above_median_share"], ood["above_median_share"], ood["above_twice_share"]) == (0.5, 0.75, 0.5)
    shares = {f"ci95_{side}above_{word}_share" for side in ("", "low_", "high_") for word in ("median", "twice")}
    assert shares <= set(val) and not shares & set(ood)    # of ten and of four blocks
    assert val["ci95_above_median_share"][0] < val["above_median_share"] < val["ci95_above_median_share"][1]


def test_figure_ten_has_a_record_for_every_set():
    model = hand_made.predictions(["val"] * 10 + ["july"] * 3 + ["april"] * 3, np.linspace(0, 1, 16), np.full(16, 9.0))
    assert [r["set"] for r in ood_detection.error_records({"november": model})] == ["val", "july", "april"]


def test_random_has_no_samples_out_of_distribution(models):
    models |= {"random": hand_made.shifted("test", seed=2)}
    assert list(ood_detection.outside(models | {"blocks": models["random"]})) == ["grid2", "november"]
    for records in ood_detection.indicator_scores({"random": models["random"]}):
        tasks = {(record["target"], record["set"]) for record in records if record["split"] == "random"}
        assert tasks == {("high_error", "val"), ("high_error", "test")}
    assert list(ood_detection.coverage(models)["random"]) == ["val", "test"]
    assert ood_detection.table3({"random": models["random"]})[0]["set"] == "test"


def test_the_ensembles_are_named():
    models = [hand_made.shifted().isel(member=np.arange(members) % 3) for members in (3, 3, 5)]
    assert ood_detection.ensembles(dict(enumerate(models[:2]))) == "EMD ensembles of 3"
    assert ood_detection.ensembles(dict(enumerate(models))) == "EMD ensembles of 3 or 5"


def test_table_three_splits_the_ood_set_at_the_threshold():
    sets = ["val"] * 10 + ["july"] * 8 + ["november"] * 3
    sure = [0.25, *np.linspace(0.5, 1.0, 9), *[0.1, 0.2, 0.9, 0.9] * 2, 1, 1, 1]    # any threshold is above 0.2
    model = hand_made.predictions(sets, sure, [*np.full(10, 50), *[200, 400, 60, 80] * 2, 1, 2, 3])
    (record,) = ood_detection.table3({"november": model})
    assert (record["set"], record["n"], record["low_confidence_rate"]) == ("july", 8, 0.5)
    assert (record["low_confidence_median_m"], record["high_confidence_median_m"]) == (300, 70)
    assert (record["in_distribution_set"], record["in_distribution_median_m"]) == ("november", 2)
    assert record["low_minus_high_m"] == 230 and record["ci95_low_minus_high_m"] == (120, 340)
    assert record["ci95_low_confidence_median_m"] == (200, 400) and record["ci95_high_confidence_median_m"] == (60, 80)
    assert record["in_distribution_low_confidence_rate"] == 0
    assert not {key for key in record if key.startswith("ci95_in_distribution")}    # three blocks


def test_fewer_than_six_blocks_have_no_interval_however_many_samples_they_hold():
    n = 100
    sure, error = np.linspace(0.1, 1, 2 * n), np.where(np.arange(2 * n) % 3, 10, 90)
    model = hand_made.predictions(["val"] * n + ["ood"] * n, sure, error, block=[*range(n), *np.arange(n) // 20])
    models = {"grid2": model}
    records = [*ood_detection.table3(models), *sum(ood_detection.indicator_scores(models), []),
               *ood_detection.error_records(models)]
    ood = [record for record in records if record["set"] == "ood"]
    assert len(ood) == 1 + 6 + 10 + 6 + 10 + 1
    assert {key for record in ood for key in record if "ci95" in key} == {
        "ci95_in_distribution_median_m", "ci95_in_distribution_low_confidence_rate"}
    (val,) = results.select(ood_detection.error_records(models), set="val")
    assert {"ci95_m", "ci95_spearman", "ci95_low_confidence_rate"} <= set(val)
    assert ood_detection.rocs(model, "grid2")["sum_spread"].ci95_at_threshold is None
    assert ood_detection.coverage(models)["grid2"]["ood"].ci95_half_m is None


def test_networks_that_disagree_widen_the_intervals_of_errors(models):
    alike = models["grid2"]
    apart = hand_made.with_networks(alike, east=(-60.0, 0.0, 60.0))
    widths = {}
    for name, model in (("alike", alike), ("apart", apart)):
        (_, ood), (row,) = (work({"grid2": model}) for work in (ood_detection.error_records, ood_detection.table3))
        widths[name] = [record[f"ci95_{key}"][1] - record[f"ci95_{key}"][0] for record, key in (
            (ood, "m"), (row, "low_confidence_median_m"), (row, "high_confidence_median_m"))]
        assert ood["median_m"] == pytest.approx(predictions.median_error(alike, "ood"))
    assert all(np.array(widths["apart"]) > 2 * np.array(widths["alike"]))


def test_table_three_says_why_a_median_is_missing():
    model = hand_made.predictions(["val"] * 10 + ["ood"] * 2, [*np.linspace(0.5, 1, 10), 1, 1], np.full(12, 9.0))
    (record,) = ood_detection.table3({"grid2": model})
    assert "low_minus_high_m" not in record
    _, ood = ood_detection.error_records({"grid2": model})
    assert np.isnan(ood["low_above_twice_share"]) and ood["low_above_twice_share_reason"] == "no such sample"
    assert np.isnan(record["low_confidence_median_m"]) and record["low_confidence_median_m_reason"] == "no such sample"


def test_the_records_can_be_written(models, scores, tmp_path):
    written = {"fig07": scores[0], "fig07_pairs": scores[1], "fig10": ood_detection.error_records(models)}
    for name, records in written.items():
        results.write("smoke", name, records, {}, {}, tmp_path)
        assert len(results.read("smoke", name, tmp_path)["records"]) == len(records)


def test_confidence_orders_errors_in_the_coverage_curves(models):
    curves = ood_detection.coverage(models)
    assert list(curves) == ["grid2", "november"] and list(curves["grid2"]) == ["val", "ood"]
    curve = curves["grid2"]["ood"]
    assert curve.share[-1] == 1 and curve.n == 200 and curve.error[5] < curve.error[-1]
    assert (curve.low <= curve.error).all() and (curve.error <= curve.high).all() and (curve.low < curve.high).all()


def test_the_surest_half_errs_less_by_a_paired_difference(models):
    curve = ood_detection.coverage(models)["grid2"]["ood"]
    errors = predictions.errors(predictions.of_set(models["grid2"], "ood"))
    sure = indicators.score(predictions.of_set(models["grid2"], "ood"))
    half = np.median(errors[np.argsort(-sure)[:100]])
    low, high = curve.ci95_half_m
    assert curve.half_m == pytest.approx(half - np.median(errors)) and low < curve.half_m < high < 0
    flat = hand_made.predictions(["val"] * 20 + ["ood"] * 20, np.linspace(0.1, 1, 40), np.full(40, 30.0))
    assert ood_detection.coverage({"grid2": flat})["grid2"]["ood"].ci95_half_m == (0, 0)


def test_a_figure_panel_holds_the_record_of_its_set(models):
    records = ood_detection.error_records(models)
    panel = ood_detection.scatter(models["november"], "november", records)
    for name, part in (("val", panel.val), ("july", panel.ood)):
        assert part.record == results.one(records, split="november", set=name)


def test_pairs_are_the_differences_of_the_areas_on_the_same_samples(models):
    turned = models["grid2"].assign({name: ("sample", models["grid2"][name].values[::-1])
                                     for name in ("max_spread", "sum_spread")})
    models["grid2"] = hand_made.with_networks(turned)
    records, pairs = ood_detection.indicator_scores(models)
    assert len(pairs) == 2 * 3 * 10    # of six indicators but the one not known of drawn ensembles
    for pair in pairs:
        keys = {key: pair[key] for key in ("split", "target", "set")}
        left, right = (results.one(records, **keys, indicator=pair[f"{side}_indicator"]) for side in ("left", "right"))
        assert pair["auroc"] == left["auroc"] - right["auroc"]
        low, high = pair["ci95_auroc"]
        assert low <= pair["auroc"] <= high
    keys = {"split": "grid2", "target": "ood", "left_indicator": indicators.INDICATOR}
    spread = results.one(pairs, **keys, right_indicator="max_spread")
    assert spread["ci95_auroc"][0] > 0.25    # turned about, the spread tells nothing
    assert results.one(pairs, **keys, right_indicator="max_prediction")["ci95_auroc"] == (0, 0)    # one and the same


def test_a_task_of_one_kind_has_no_pairs():
    model = hand_made.predictions(["val"] * 5 + ["ood"] * 5, np.arange(10) / 10, np.full(10, 5.0))
    assert {pair["target"] for pair in ood_detection.indicator_scores({"grid2": model})[1]} == {"ood"}


@pytest.mark.parametrize("names, found", [
    (["grid5"], "grid5 was not trained on emd: no folder .*grid5-emd; there are none: run the stages"),
    ([], r"found \[\]; expected a list with at least one"), ("random", "found 'random'; expected a list"),
    (None, "found None"), ([2], "2 was not trained")])
def test_a_missing_training_is_named_with_the_parameter(tmp_path, campus, names, found):
    with pytest.raises(InputError, match=f"splits: {found}"):
        ood_detection.load(tmp_path, names, campus)
    with pytest.raises(InputError, match=f"grids: {found}"):
        ood_detection.load(tmp_path, names, campus, parameter="grids")


def written_out(answers):
    """What an ensemble says of each resample, its samples repeated as often as they count: errors and scores."""
    for row in answers.times.astype(int):
        yield np.repeat(answers.error, row), np.repeat(answers.score(), row)


@pytest.fixture
def drawn(models):
    """Forty resamples of validation and of the OOD set, by one drawn ensemble."""
    generator = np.random.default_rng(3)
    parts = (predictions.of_set(models["grid2"], name) for name in ("val", "ood"))
    return [pools.of(part).answers(1, generator.poisson(1, (40, part.sizes["sample"]))) for part in parts]


def test_limits_and_low_confidence_are_those_of_samples_written_out(drawn):
    own, other = drawn
    limits = [np.percentile(score, 10) for _, score in written_out(own)]
    assert ood_detection.limit(own) == pytest.approx(limits)
    low = [score < limit for (_, score), limit in zip(written_out(other), limits)]
    sides = ood_detection._sides_of(other.error, ood_detection.below(other, own), other.times)
    expected = [(of.mean(), np.median(error[~of]), np.median(error[of]), np.median(error[of]) - np.median(error[~of]))
                for of, (error, _) in zip(low, written_out(other))]
    assert np.transpose(sides) == pytest.approx(np.array(expected))
    shares = ood_detection._above(other, ood_detection.below(other, own), np.full(40, 60.0))
    assert shares["low_above_twice_share"] == pytest.approx(
        [np.mean(error[of] > 120) for of, (error, _) in zip(low, written_out(other))])


def test_curves_of_coverage_are_those_of_samples_written_out(drawn):
    shares = np.linspace(0.05, 1, 20)
    expected = [indicators.risk_coverage(score, error, 20)[1] for error, score in written_out(drawn[1])]
    assert ood_detection._medians_kept(drawn[1], shares) == pytest.approx(np.array(expected))
