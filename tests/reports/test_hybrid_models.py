"""The records of Figure 11 and Table IV, from hand-made predictions."""

import hand_made
import numpy as np
import pytest
import xarray as xr

from rsslib.confidence import indicators, ranging
from rsslib.data import splits
from rsslib.ledger import claims, results
from rsslib.ledger.verdicts import judge
from rsslib.ledger.wording import number
from rsslib.reports.confidence_paper import hybrid_models

PAIR_KEYS = {"n_cells", "split", "set", "left_method", "right_method", "n", "median_m", "ci95_median_m"}


@pytest.fixture(scope="module")
def located(campus):
    """What `fallbacks` says of Grid2: a network 40 m off, sure in validation and in no OOD sample."""
    sets = splits.make(campus, "grid2")
    samples = np.concatenate([sets["val"], sets["ood"]])
    names = ["val"] * len(sets["val"]) + ["ood"] * len(sets["ood"])
    sure = [*np.linspace(0.5, 1, len(sets["val"])), *np.zeros(len(sets["ood"]))]
    model = hand_made.predictions(names, sure, np.zeros(len(names)), measurement=samples)
    for hat, true, tx in (("x_hat", "x_true", campus.tx_x), ("y_hat", "y_true", campus.tx_y)):
        model[hat][:] = model[true][:] = tx.values[samples, 0]
    model = hand_made.with_networks(model.assign(x_hat=model.x_hat + 40.0))
    return hybrid_models.fallbacks(campus, {"grid2": model})


def test_figure_eleven_sets_three_methods_side_by_side(campus, located):
    sets, (records, pairs) = splits.make(campus, "grid2"), hybrid_models.grid_records(located)
    assert [(r["set"], r["method"]) for r in records] == [
        (name, method) for name in ("val", "ood") for method in ("cnn", "ranging", "hybrid")]
    ranged = results.one(records, set="ood", method="ranging")
    x, y = ranging.locate(campus, sets["ood"], ranging.calibrate(campus, sets["train"]))
    error = np.hypot(x - campus.tx_x.values[sets["ood"], 0], y - campus.tx_y.values[sets["ood"], 0])
    assert ranged["median_m"] == pytest.approx(np.median(error))
    # no OOD sample is sure here: the hybrid is ranging there, and the network but for a tenth in validation
    assert results.one(records, set="ood", method="hybrid")["median_m"] == ranged["median_m"]
    assert results.one(records, set="ood", method="cnn")["median_m"] == pytest.approx(40)
    assert results.one(records, set="val", method="hybrid")["median_m"] == pytest.approx(40)
    assert records[0]["low_confidence_rate"] == pytest.approx(0.1, abs=0.05) and records[3]["low_confidence_rate"] == 1
    assert len(pairs) == 6 and {pair["n_cells"] for pair in pairs} == {2} and set(pairs[0]) == PAIR_KEYS
    for pair in pairs:
        left, right = (results.one(records, set=pair["set"], method=pair[side])
                       for side in ("left_method", "right_method"))
        assert pair["median_m"] == pytest.approx(left["median_m"] - right["median_m"]) and pair["n"] == left["n"]
    same = results.one(pairs, set="ood", left_method="hybrid", right_method="ranging")
    assert same["ci95_median_m"] == (0, 0)    # jointly resampled: equal errors never differ
    low, high = ranged["ci95_m"]
    assert low < ranged["median_m"] < high
    assert results.one(records, set="ood", method="cnn")["ci95_m"] == pytest.approx((40, 40))


def test_the_threshold_of_the_fallback_is_drawn_anew_with_validation(located, monkeypatch):
    methods = located["grid2"]
    # OOD samples as sure as the middle of the validation samples: which fall back changes with the threshold
    sure = np.where(methods["cnn"].set == "ood", np.quantile(methods["cnn"].max_mean_prediction[
        methods["cnn"].set == "val"], 0.1), methods["cnn"].max_mean_prediction)
    changed = hand_made.with_networks(methods["cnn"].assign(max_mean_prediction=("sample", sure)))

    def spread():
        records, _ = hybrid_models.grid_records({"grid2": methods | {"cnn": changed}})
        low, high = results.one(records, set="ood", method="hybrid")["ci95_m"]
        return high - low

    drawn = spread()
    monkeypatch.setattr(hybrid_models.ood_detection, "limit", lambda own, _: np.full(
        len(own.times), indicators.threshold(changed)))
    assert drawn > spread()


@pytest.fixture
def models():
    sets = ["val"] * 3 + ["july"] * 4 + ["november"] * 2 + ["april"] * 2
    error = {"july": [0, 0, 0, 10, 20, 30, 90, 200, 300, 50, 70],
             "november": [0, 0, 0, 100, 200, 20, 40, 60, 70, 60, 60]}
    sure = {"july": [1, 1, 1, 3, 3, 3, 1, 1, 3, 2, 2], "november": [1, 1, 1, 1, 1, 2, 2, 2, 2, 1, 3]}
    return {name: hand_made.predictions(sets, sure[name], error[name]) for name in hybrid_models.PAIR}


def table4(models):
    return hybrid_models.table4({name: hybrid_models.duel(models, name) for name in hybrid_models.SETS})


def test_table_four_worked_by_hand(models):
    records, _ = table4(models)
    medians = {(r["set"], r["model"]): r["median_m"] for r in records}
    rates = {(r["set"], r["model"]): r["best_choice_rate"] for r in records}
    # July: the July model is more confident but in the fourth sample; it should have yielded in the third, too
    assert medians["july", "july"] == 25 and medians["july", "november"] == 70
    assert medians["july", "hybrid"] == 25 and rates["july", "hybrid"] == 0.75
    assert medians["july", "oracle"] == 20 and rates["july", "oracle"] == 1
    assert rates["july", "july"] == 0.5 and rates["july", "november"] == 0.5
    assert medians["november", "hybrid"] == 180 and rates["november", "hybrid"] == 0.5
    assert medians["april", "hybrid"] == 55 and rates["april", "hybrid"] == 1
    assert {r["n"] for r in records if r["set"] == "july"} == {4}
    july = {r["set"]: r for r in records if r["model"] == "july"}
    assert (july["july"]["chosen_share"], july["november"]["chosen_share"], july["april"]["chosen_share"]) == (
        0.75, 0.5, 0.5)
    assert july["july"]["low_confidence_rate"] == 0 and july["july"]["median_confidence"] == 3
    assert not [key for record in records for key in record if "ci95" in key]    # of 4, 2 and 2 blocks


def test_paired_differences_of_table_four_worked_by_hand(models):
    _, pairs = table4(models)
    july = results.one(pairs, set="july", left_model="hybrid", right_model="november")
    # the errors are 10, 20, 30, 40 of the hybrid and 100, 200, 20, 40 of the November model
    assert (july["n"], july["median_m"]) == (4, 25 - 70)
    assert "ci95_median_m" not in july    # four samples are too few for an interval
    assert {(pair["left_model"], pair["right_model"]) for pair in pairs if pair["set"] == "april"} == {
        ("hybrid", "july"), ("hybrid", "november"), ("july", "november")}


@pytest.mark.parametrize("n, known", [(5, False), (6, True)])
def test_medians_of_fewer_than_six_blocks_have_no_interval(n, known):
    error = np.arange(n) * 10.0
    sets = ["val"] * n + ["july"] * n + ["november"] * n + ["april"] * n
    models = {name: hand_made.predictions(sets, np.ones(4 * n), np.tile(way, 4))
              for name, way in (("july", error), ("november", error[::-1] + 100))}
    records, pairs = table4(models)
    for record in (*records, *pairs):
        interval = record.get("ci95_m", record.get("ci95_median_m"))
        assert (interval is not None) == known
        assert not known or interval[0] <= record["median_m"] <= interval[1]
    july = results.one(records, set="july", model="july")
    assert ({"ci95_best_choice_rate", "ci95_chosen_share", "ci95_low_confidence_rate"} <= set(july)) == known
    # both are equally sure, so the hybrid takes the first, July, in every resample
    same = results.one(pairs, set="april", left_model="hybrid", right_model="july")
    assert same["median_m"] == 0 and same.get("ci95_median_m") == ((0, 0) if known else None)
    apart = results.one(pairs, set="april", left_model="july", right_model="november")
    assert apart["median_m"] == -100 and apart["n"] == n


def repeated(models, times):
    """Models of so many copies of their samples, each a block of its own."""
    many = {name: xr.concat([model] * times, "sample", combine_attrs="override") for name, model in models.items()}
    return {name: model.assign_coords(block=("sample", np.arange(model.sizes["sample"])))
            for name, model in many.items()}


def test_table_four_draws_both_models_networks_apart_from_each_other():
    n = 60
    sets = ["val"] * n + ["july"] * n + ["november"] * n + ["april"] * n
    sure = np.random.default_rng(0).uniform(0.2, 1, 4 * n)
    one = hand_made.with_networks(hand_made.predictions(sets, sure, np.full(4 * n, 200.0)), east=(-90.0, 0.0, 90.0))
    both = hybrid_models.duel({name: one.assign_attrs(split=name) for name in hybrid_models.PAIR}, "april")
    apart = both.drawn["july"] - both.drawn["november"]
    # each median is 200 m and the mean of three of -90, 0, 90 m; their difference has the variance of both
    # (90 m is the deviation of such networks, of which the mean has a third of the variance)
    assert np.std(both.drawn["july"]) == pytest.approx(np.sqrt(90**2 / 3), rel=0.1)
    assert np.std(apart) == pytest.approx(np.sqrt(2) * np.std(both.drawn["july"]), rel=0.1)


def judged(folder, name, records, pairs, pairs_made_by="this run"):
    """Verdicts on all claims where only `name` and its pairs were run."""
    results.write("quick", name, records, {"made_by": "this run"}, {}, folder)
    results.write("quick", f"{name}_pairs", pairs, {"made_by": pairs_made_by}, {}, folder)
    return {verdict.claim.id: verdict.ours for verdict in judge(claims.load(), "quick", folder) if verdict.ours}


def test_the_claims_on_table_four_are_judged_by_its_paired_differences(models, tmp_path):
    arguments = "table4", *table4(repeated(models, 4))
    ours = judged(tmp_path, *arguments)
    for claim, season, model in (("own-july", "july", "july"), ("own-november", "november", "november"),
                                 ("other-july", "july", "november"), ("other-november", "november", "july")):
        pair = results.one(arguments[2], set=season, left_model="hybrid", right_model=model)
        assert f"paired difference {number(float(pair['median_m']))} [" in ours[f"t4-order-{claim}"]
    assert "paired" not in judged(tmp_path, *arguments, "another run")["t4-order-own-july"]


def test_the_claims_on_figure_eleven_are_judged_by_its_paired_differences(tmp_path):
    records = [{"n_cells": n, "set": name, "method": method, "median_m": 100.0 + n + rank, "ci95_m": [90.0, 120.0]}
               for n in (2, 10) for name in hybrid_models.GRID_SETS
               for rank, method in enumerate(("cnn", "ranging", "hybrid"))]
    pairs = [{"n_cells": n, "split": f"grid{n}", "set": "ood", "left_method": left, "right_method": "cnn", "n": 9,
              "median_m": 1.5, "ci95_median_m": [0.5, 2.5]} for n in (2, 10) for left in ("hybrid", "ranging")]
    assert all(set(pair) == PAIR_KEYS for pair in pairs)
    ours = judged(tmp_path, "fig11", records, pairs)
    for claim in ("hybrid-2", "ranging-2", "hybrid-10"):
        assert "paired difference 1.5 [0.5, 2.5]" in ours[f"f11-order-{claim}"]


def test_the_printed_numbers_of_figure_eleven_are_those_of_tables_two_and_three():
    assert hybrid_models.grid_printed() == {(2, "val", "cnn"): 34.6, (5, "val", "cnn"): 32.8,
                                            (2, "ood", "cnn"): 277.5, (5, "ood", "cnn"): 147.6}


def test_tables_for_readers_name_grids_methods_and_models():
    records = [{"n_cells": 3, "set": "ood", "method": "cnn", "median_m": 240.4, "ci95_m": [222, 251]}]
    shown = hybrid_models.grid_table(records, "ood", {(3, "ood", "cnn"): 200.0})
    assert shown.loc["Grid3", "network (CNN)"] == "240 (222 to 251) [paper 200]"
    few = [{key: value for key, value in records[0].items() if key != "ci95_m"}]
    assert hybrid_models.grid_table(few, "ood", {}).loc["Grid3", "network (CNN)"] == "240"
    assert hybrid_models.grid_table([], "ood", {}).empty
    words = hybrid_models.in_words([{"set": "april", "model": "november"}, {"set": "july", "model": "oracle"}])
    assert [(row["season"], row["choice"]) for row in words] == [("April", "November model"), ("July", "oracle")]


def test_the_duel_shows_both_confidences(models):
    panel = hybrid_models.duel(models, "july")
    assert panel.first.tolist() == [3, 3, 3, 1] and panel.second.tolist() == [1, 1, 2, 2]
    assert panel.first_better.tolist() == [True, True, False, False] and panel.rate == 0.75
    assert set(panel.drawn) == {"july", "november", "hybrid", "oracle", "july best", "november best", "hybrid best",
                                "oracle best", "first", "excess", "july low", "november low"}
    assert {len(drawn) for drawn in panel.drawn.values()} == {2000}
    assert np.isnan(panel.drawn["oracle best"]).all()    # of three and four blocks
    assert (hybrid_models.duel(repeated(models, 2), "july").drawn["oracle best"] == 1).all()


def test_resampled_choices_gather_about_those_of_the_samples(models):
    panel = hybrid_models.duel(repeated(models, 30), "july")
    for field, value in (("july best", 0.5), ("hybrid best", 0.75), ("first", 0.75), ("excess", 0.25)):
        assert panel.drawn[field].mean() == pytest.approx(value, abs=0.02)
    assert panel.drawn["july"].mean() == pytest.approx(25, abs=1)


def test_choices_are_those_of_samples_written_out():
    generator = np.random.default_rng(0)
    error, confidence = generator.gamma(2, 100, (2, 30)), generator.uniform(0, 2, (2, 12, 30))
    times = generator.poisson(1, (12, 30))
    found = hybrid_models._choices(error, confidence, times)
    for at, row in enumerate(times):
        (july, november), (sure, other) = (np.repeat(part, row, axis=1) for part in (error, confidence[:, at]))
        taken = {"july": july, "november": november, "hybrid": np.where(sure >= other, july, november),
                 "oracle": np.minimum(july, november)}
        for model, each in taken.items():
            assert found[model][at] == pytest.approx(np.median(each))
            assert found[f"{model} best"][at] == pytest.approx(np.mean(each <= taken["oracle"]))
        assert found["first"][at] == pytest.approx(np.mean(sure >= other))
        assert found["excess"][at] == pytest.approx(np.mean(sure >= other) - np.mean(july <= november))
        assert found["november low"][at] == pytest.approx(np.mean(other < 1))
