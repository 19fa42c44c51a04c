"""The report of an ablation: differences paired by sample and seed, in the direction of what the ingredient gives."""

import numpy as np
import pytest

from rsslib.data import splits
from rsslib.project import InputError
from rsslib.radio_maps import ablation as kept
from rsslib.reports.radio_maps import ablation


@pytest.fixture
def folder(campus, tmp_path):
    """Two seeds; without one ingredient every error is 5 m larger, without the other 5 m smaller by one seed alone."""
    chosen = splits.make(campus, "random")["train"]
    whole = [np.linspace(low, low + 40, len(chosen)) for low in (10, 30)]
    errors = {kept.WHOLE: whole, "costs": [one + 5 for one in whole], "mixed": [whole[0] - 5, whole[1] + 5]}
    kept.save(kept.collect(errors, [0, 1], {"train": chosen}, {}), tmp_path / "random.nc")
    return tmp_path


def test_a_difference_is_paired_by_seed_and_positive_where_leaving_it_out_costs(folder, campus):
    whole, costs, mixed = ablation.records(folder, campus)
    assert whole == {"split": "random", "set": "train", "variant": "as chosen", "seeds": 2, "median_m": 40.0,
                     "n": len(splits.make(campus, "random")["train"]), "ci95_m": whole["ci95_m"]}
    assert costs["more_m"] == pytest.approx(5) and mixed["more_m"] == pytest.approx(0)
    assert costs["median_m"] == pytest.approx(45)
    assert costs["ci95_more_m"] == pytest.approx((5, 5), abs=0.2)    # the scatter of samples and seeds cancels
    assert mixed["ci95_more_m"][0] < -4 and mixed["ci95_more_m"][1] > 4


def test_the_answer_says_what_leaving_out_costs(folder, campus):
    told = ablation.answer(ablation.records(folder, campus))
    assert told.word == "1 settled to cost, 1 undecided"
    assert "- **costs**: settled to cost on Random train, +5.0 m" in told.sentences
    assert "- **mixed**: undecided on Random train, " in told.sentences


def test_the_answer_leaves_out_validation_on_which_the_method_was_chosen(folder, campus):
    records = [record | {"set": "val"} for record in ablation.records(folder, campus)]
    assert ablation.answer(records).word == "nothing compared"


def test_other_measurements_and_an_empty_folder_are_named(folder, campus, tmp_path):
    with pytest.raises(InputError, match="random.nc.*train on these measurements"):
        ablation.records(folder, campus.isel(sample=slice(0, 50)))
    with pytest.raises(InputError, match="ablated: no file in"):
        ablation.records(tmp_path / "nothing", campus)
