"""The records of Figure 11 and Table IV, from hand-made predictions."""

import hand_made
import numpy as np
import pytest

from rsslib.confidence import ranging
from rsslib.data import splits
from rsslib.ledger import results
from rsslib.reports.confidence_paper import hybrid_models


def test_figure_eleven_sets_three_methods_side_by_side(campus):
    sets = splits.make(campus, "grid2")
    samples = np.concatenate([sets["val"], sets["ood"]])
    names = ["val"] * len(sets["val"]) + ["ood"] * len(sets["ood"])
    sure = [*np.linspace(0.5, 1, len(sets["val"])), *np.zeros(len(sets["ood"]))]
    model = hand_made.predictions(names, sure, np.zeros(len(names)), measurement=samples)
    for hat, true, tx in (("x_hat", "x_true", campus.tx_x), ("y_hat", "y_true", campus.tx_y)):
        model[hat][:] = model[true][:] = tx.values[samples, 0]
    model["x_hat"] = model.x_hat + 40.0
    records = hybrid_models.grid_records(campus, {"grid2": model})
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


@pytest.fixture
def models():
    sets = ["val"] * 3 + ["july"] * 4 + ["november"] * 2 + ["april"] * 2
    error = {"july": [0, 0, 0, 10, 20, 30, 90, 200, 300, 50, 70],
             "november": [0, 0, 0, 100, 200, 20, 40, 60, 70, 60, 60]}
    sure = {"july": [1, 1, 1, 3, 3, 3, 1, 1, 3, 2, 2], "november": [1, 1, 1, 1, 1, 2, 2, 2, 2, 1, 3]}
    return {name: hand_made.predictions(sets, sure[name], error[name]) for name in hybrid_models.PAIR}


def test_table_four_worked_by_hand(models):
    records = hybrid_models.table4(models)
    medians = {(r["set"], r["model"]): r["median_m"] for r in records}
    rates = {(r["set"], r["model"]): r["best_choice_rate"] for r in records}
    # July: the July model is surer but in the fourth sample; it should have yielded in the third, too
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


def test_the_duel_shows_both_confidences(models):
    panel = hybrid_models.duel(models, "july")
    assert panel.first.tolist() == [3, 3, 3, 1] and panel.second.tolist() == [1, 1, 2, 2]
    assert panel.first_better.tolist() == [True, True, False, False] and panel.rate == 0.75
