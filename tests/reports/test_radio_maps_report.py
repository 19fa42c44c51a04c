"""The report of radio maps: records of hand-made predictions, what is said of records, and the figures."""

import json

import hand_made
import numpy as np
import pytest
from matplotlib.text import Text

from rsslib.data.splits import make
from rsslib.localization import predictions
from rsslib.project import InputError
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.recipe import MapRecipe
from rsslib.reports import style
from rsslib.reports.radio_maps import figures, findings, tables

NOTE = "n = 1, smoke profile"


def network(errors, name="ood", **changes):
    return hand_made.predictions([name] * len(errors), np.full(len(errors), 0.5), errors, **changes)


def mapped(networks=(), maps=(), offsets=()):
    methods = {"maps": [*maps], "network": [*networks]}
    return tables.Maps({name: models for name, models in methods.items() if models}, [], [*offsets])


# ---- records

def test_a_median_is_the_mean_of_the_networks_medians_and_its_difference_is_from_emd():
    maps = {"grid2": mapped([network([10, 20, 90]), network([100, 30, 20])])}
    for emd, difference in ((40, -15), (5, 20)):
        rows, pairs = tables.beyond(maps, {"grid2": network([emd, emd, 900])})
        assert rows == [{"method": "network", "split": "grid2", "set": "ood", "n": 3, "seeds": 2,
                         "transductive": False, "median_m": 25.0, "mean_m": 45.0}]
        assert pairs == [{"left_method": "network", "right_method": "emd", "split": "grid2", "set": "ood", "n": 3,
                          "median_m": difference}]


def test_regions_are_judged_by_the_promise_that_fits_the_set():
    def region(method, name, promise, threshold, area, seed=0, level=0.9):
        return {"method": method, "set": name, "promise": promise, "threshold": threshold, "area_km2": area,
                "seed": seed, "level": level}

    def model(mass, name="ood"):
        return network(np.ones(len(mass)), name).assign(mass=("sample", np.array(mass)))

    covered = [region("maps", "ood", "seen places", 0.2, 1.0), region("maps", "ood", "unseen cells", 0.6, 4.0),
               region("maps", "ood", "unseen cells", 0.1, 9.0, level=0.5),
               region("network", "ood", "seen places", 0.3, 2.0, seed=1),
               region("network", "ood", "seen places", 0.5, 1.0)]
    one = tables.Maps({"maps": [model([0.1, 0.5, 0.7, 0.9])],
                       "network": [model([0.4, 0.4, 0.6, 0.1]), model([0.1, 0.4, 0.4, 0.4])]}, covered, [])
    (maps, networks), _ = tables.beyond({"grid2": one}, {})
    assert (maps["coverage90"], maps["area90_km2"], maps["promise"]) == (0.5, 4.0, "unseen cells")
    assert (networks["coverage90"], networks["area90_km2"], networks["promise"]) == (0.5, 1.5, "seen places")
    far = tables.Maps(one.methods, [*covered, region("network", "ood", "unseen cells", 0.45, 3.0)], [])
    networks = tables.beyond({"grid2": far}, {})[0][1]    # of the one network that was calibrated so
    assert (networks["coverage90"], networks["area90_km2"], networks["promise"]) == (0.75, 3.0, "unseen cells")
    with pytest.raises(ValueError, match="zip"):    # regions for seen places are of all networks
        tables.beyond({"grid2": tables.Maps(one.methods, covered[:4], [])}, {})
    inside = tables.Maps({"maps": [model([0.1, 0.3], "val")]}, [
        region("maps", "val", "unseen cells", 0.6, 4.0)], [])
    assert "coverage90" not in tables.beyond({"grid2": inside}, {})[0][0]


def test_calibration_on_the_tested_set_is_called_transductive():
    one = tables.Maps({method: [network([1.0, 2.0])] for method in tables.METHODS}, [], [])
    rows, _ = tables.beyond({"grid2": one}, {})
    assert {row["method"]: row["transductive"] for row in rows} == {
        "maps": False, "calibrated": True, "calibrated_other": False, "network": False, "network_calibrated": True,
        "network_calibrated_other": False}


def test_the_more_confident_of_two_seasons_is_taken_seed_by_seed():
    def season(confidence, error):
        found = hand_made.predictions(["val", "july", "november", "april"], [0.5] * 4, [0, *error])
        return found.assign(entropy_network=("sample", -np.log([0.5, *confidence])))

    july = [season([0.9, 0.1, 0.4], [10, 20, 30]), season([0.9, 0.9, 0.9], [11, 21, 31])]
    november = [season([0.2, 0.8, 0.6], [100, 200, 300]), season([0.2, 0.8, 0.6], [100, 200, 300])]
    rows, _ = tables.beyond({"july": mapped(july), "november": mapped(november)}, {})
    chosen = {row["set"]: row["median_m"] for row in rows if row["method"] == "network_chosen"}
    assert chosen == {"july": 10.5, "november": (200 + 21) / 2, "april": (300 + 31) / 2}


def test_the_maps_take_over_where_emd_is_not_confident():
    sets, error = ["val"] * 10 + ["ood"] * 3, [5.0] * 10 + [100.0, 200, 300]
    emd = hand_made.predictions(sets, [*np.linspace(0.5, 0.9, 10), 0.9, 0.2, 0.1], error)
    maps = hand_made.predictions(sets, np.full(13, 0.5), [50.0] * 10 + [1.0, 2.0, 3.0])
    rows, pairs = tables.fallbacks({"grid2": mapped(maps=[maps])}, {"grid2": emd})
    assert {(row["set"], row["method"]): row["median_m"] for row in rows} == {
        ("val", "cnn"): 5.0, ("val", "maps"): 50.0, ("val", "hybrid"): 5.0,
        ("ood", "cnn"): 200.0, ("ood", "maps"): 2.0, ("ood", "hybrid"): 3.0}
    assert {pair["right_method"] for pair in pairs} == {"cnn", "maps"}
    with pytest.raises(InputError, match="EMD was tested on other samples"):
        tables.fallbacks({"grid2": mapped(maps=[maps.isel(sample=slice(0, 12))])}, {"grid2": emd})


def test_validation_and_sets_or_splits_without_emd_have_no_difference():
    maps = {"grid2": mapped([network([1.0], "val")]), "july": mapped([network([1.0], "november_all")]),
            "grid5": mapped([network([1.0])])}
    emd = {"grid2": network([2.0], "val"), "july": network([2.0], "november")}
    rows, pairs = tables.beyond(maps, emd)
    assert [(row["split"], row["set"]) for row in rows] == [
        ("grid2", "val"), ("july", "november_all"), ("grid5", "ood")]
    assert pairs == []


def test_networks_are_compared_with_the_maps_alone_on_the_same_samples():
    maps = {"grid2": mapped([network([10, 20, 90]), network([100, 30, 20])], [network([60, 70, 80])]),
            "random": mapped([network([1.0], "val")], [network([2.0], "val")]), "july": mapped(maps=[network([5.0])])}
    assert tables.beyond(maps, {})[1] == [{"left_method": "network", "right_method": "maps", "split": "grid2",
                                           "set": "ood", "n": 3, "median_m": -45.0}]


@pytest.mark.parametrize("east, half", [((0.0, 0.0, 0.0), 20), ((-20.0, 0.0, 20.0), 34.5)])
def test_the_interval_of_a_difference_lies_about_it_and_holds_the_chance_of_both_sides(east, half):
    ours = mapped([network([error] * 40) for error in (80, 100, 120)])
    rows, (pair,) = tables.beyond({"grid2": ours}, {"grid2": hand_made.with_networks(network([100.0] * 40), east)})
    assert rows[0]["ci95_m"] == (80, 120) and pair["median_m"] == 0
    # 2 of our 3 are 20 m off in each 9th draw; with those of EMD, sqrt(3 / 2) as wide, each 40th is beyond 34.5 m
    assert pair["ci95_median_m"] == pytest.approx((-half, half), abs=1)


def test_an_interval_holds_the_chance_of_the_samples():
    errors = np.random.default_rng(0).permutation(np.linspace(0, 200, 101))
    rows, (pair,) = tables.beyond({"grid2": mapped([network(errors)])}, {"grid2": network(errors + 50)})
    low, high = rows[0]["ci95_m"]
    assert 60 < low < 95 and 105 < high < 140
    assert pair["ci95_median_m"] == pytest.approx((-50, -50))    # the same blocks are drawn on both sides


def test_networks_and_emd_of_other_samples_are_refused():
    one, other = network([1.0, 2.0]), network([1.0, 2.0], measurement=[1, 0])
    with pytest.raises(InputError, match="the networks were tested on different samples"):
        tables.beyond({"grid2": mapped([one, other])}, {})
    with pytest.raises(InputError, match="methods were tested on different samples"):
        tables.beyond({"grid2": mapped([one])}, {"grid2": other})


def test_detection_is_the_share_of_pairs_in_which_the_unknown_is_less_sure():
    def told(**values):
        model = hand_made.predictions(["val", "val", "ood", "ood", "cells"], values.pop("sure", np.full(5, 0.5)),
                                      np.ones(5))
        return model.assign({name: ("sample", value) for name, value in values.items()})

    maps = [told(entropy=[1.0, 2, 2, 3, 9], map_std=[5.0, 5, 1, 9, 0])]
    networks = [told(entropy=value, entropy_network=[1.0, 2, 3, 4, 0], map_std=[0.0, 2, 0, 4, 0]) for value in (
        [1.0, 2, 3, 4, 0], [1.0, 4, 2, 3, 0])]
    emd = {"grid2": told(sure=[0.9, 0.4, 0.3, 0.5, 0.0])}
    found = tables.detection({"grid2": mapped(networks, maps), "random": mapped(networks, maps)}, emd)
    assert [(one["method"], one["indicator"], one["auroc"], one["networks"]) for one in found] == [
        ("maps", "entropy", 0.875, 1), ("maps", "map_std", 0.5, 1), ("network", "entropy_network", 1.0, 2),
        ("network", "entropy", 0.75, 2),
        ("network", "entropy + map_std", 0.8125, 2),    # doubts -2, 2 | 2, 8 and -2, 2 | -4/3, 10/3
        ("emd", "max_mean_prediction", 0.75, 1)]
    assert {(one["split"], one["set"]) for one in found} == {("grid2", "ood")}
    assert [one["method"] for one in tables.detection({"grid2": mapped(maps=maps)}, {})] == ["maps", "maps"]


@pytest.mark.parametrize("values, sets", [([1.0, np.nan, 2.0], ["val", "val", "ood"]),
                                          ([1.0, 3.0, np.inf], ["val", "val", "ood"]),
                                          ([1.0, 2.0, 3.0], ["ood", "ood", "ood"])])
def test_a_doubt_that_is_no_number_or_without_validation_is_refused(values, sets):
    model = hand_made.predictions(sets, np.full(3, 0.5), np.ones(3)).assign(entropy=("sample", values))
    with pytest.raises(InputError, match="radio maps: entropy is no number for"):
        tables.doubt(model, ["entropy"])


def test_shifts_join_the_receivers_of_both_directions():
    def offset(name, receiver, value):
        return {"set": name, "receiver": receiver, "estimated_db": value, "uncertain_db": value / 10}

    july = mapped(offsets=[offset("val", "a", 99), offset("november_all", "a", 4), offset("november_all", "b", 1)])
    november = mapped(offsets=[offset("july", "c", 7), offset("july", "a", -3), offset("val", "b", 99)])
    assert tables.shifts({"july": july, "november": november}) == [
        {"receiver": "a", "there_db": 4, "back_db": -3, "there_uncertain_db": 0.4, "back_uncertain_db": -0.3}]
    assert tables.shifts({"july": july}) == []


@pytest.fixture
def folder(tmp_path, campus):
    folder = tmp_path / "maps"
    true = {f"{axis}_true": ("sample", campus[f"tx_{axis}"].values[[0, 5, 2], 0]) for axis in "xy"}
    for name, error in (("maps", 1.0), ("network-1", 3.0), ("network-0", 2.0), ("calibrated-ood", 4.0)):
        part = network([error] * 3, measurement=[0, 5, 2]).assign(true)
        predictions.save(part.assign(x_hat=part.x_true + error, y_hat=part.y_true), folder / f"grid2/{name}.nc")
    (folder / "grid2/facts.json").write_text(json.dumps({"covered": [{"n": 1}], "offsets": [{"n": 2}]}))
    return folder


def test_what_a_training_left_is_read_by_method(folder, campus):
    one = tables.load(folder, ["grid2"], campus)["grid2"]
    errors = {method: [round(float(predictions.errors(part)[0])) for part in parts]
              for method, parts in one.methods.items()}
    assert errors == {"maps": [1], "network": [2, 3], "calibrated": [4]}
    assert one.covered == [{"n": 1}] and one.offsets == [{"n": 2}] and "block" in one.methods["maps"][0].coords


def test_regions_of_networks_for_unseen_cells_are_added_where_they_were_trained(folder, campus):
    path = folder.parent / "else/grid2.json"
    path.parent.mkdir()
    good = {"split": "grid2", "set": "ood", "method": "network", "promise": "unseen cells", "level": 0.9, "seed": 0,
            "threshold": 0.5, "area_km2": 1.0}
    path.write_text(json.dumps({"covered": [good], "device": "cpu"}))
    assert tables.load(folder, ["grid2"], campus)["grid2"].covered == [{"n": 1}]
    assert tables.load(folder, ["grid2"], campus, folder)["grid2"].covered == [{"n": 1}]    # no such file there
    assert tables.load(folder, ["grid2"], campus, path.parent)["grid2"].covered == [{"n": 1}, good]
    odd = ({"split": "july"}, {"method": "maps"}, {"promise": "seen places"}, {"level": "0.9"}, {"seed": 2},
           {"seed": None}, {"threshold": float("nan")}, {"threshold": 7}, {"area_km2": -5})
    for content in ("{}", '{"covered": "abc"}', '{"covered": [[]]}', '{"covered": [{}]}', json.dumps(
            {"covered": [good, good]}), *(json.dumps({"covered": [good | change]}) for change in odd)):
        path.write_text(content)
        with pytest.raises(InputError, match=r"else/grid2\.json"):
            tables.load(folder, ["grid2"], campus, path.parent)


def test_networks_come_in_the_order_of_their_seeds(folder, campus):
    for seed in (10, 9):
        part = network([float(seed)] * 3, measurement=[0, 5, 2]).assign(
            {f"{axis}_true": ("sample", campus[f"tx_{axis}"].values[[0, 5, 2], 0]) for axis in "xy"})
        predictions.save(part.assign(x_hat=part.x_true + seed, y_hat=part.y_true), folder / f"grid2/network-{seed}.nc")
    parts = tables.load(folder, ["grid2"], campus)["grid2"].methods["network"]
    assert [round(float(predictions.errors(part)[0])) for part in parts] == [2, 3, 9, 10]


@pytest.mark.parametrize("names, found", [("grid2", "splits: found 'grid2'"), ([], r"splits: found \[\]"),
                                          (["grid2", "grid9"], "splits: grid9 has no radio maps: no folder")])
def test_splits_that_were_not_trained_are_refused_by_name(folder, campus, names, found):
    with pytest.raises(InputError, match=found):
        tables.load(folder, names, campus)


@pytest.mark.parametrize("content", [None, "{", '{"covered": []}', "[]"])
def test_facts_that_are_missing_or_others_are_refused_with_their_file(folder, campus, content):
    path = folder / "grid2/facts.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(InputError, match=r"grid2/facts\.json"):
        tables.load(folder, ["grid2"], campus)


# ---- findings

RECORDS = [{"split": split, "set": name, "method": method, "n": 40, "networks": 3, "median_m": median,
            "ci95_m": (median - 9, median + 9)} for split, name in (("grid2", "val"), ("grid2", "ood"),
                                                                    ("july", "november"), ("july", "november_all"))
           for method, median in (("maps", 120.0), ("network", 90.0), ("calibrated", 110.0))]
COVERED = [{"split": "grid2", "set": name, "method": "maps", "promise": promise, "level": level, "n": 40,
            "covered": share, "area_km2": 0.25} for level, less in ((0.5, 0.4), (0.9, 0.0))
           for name, promise, share in (("ood", "seen places", 0.61 - less), ("july", "seen places", 0.7 - less),
                                        ("ood", "unseen cells", 0.93 - less), ("val", "unseen cells", 0.99 - less))]
SHIFTS = [{"receiver": name, "there_db": there, "back_db": back, "there_uncertain_db": 0.5, "back_uncertain_db": 0.5}
          for name, there, back in (("hospital", 1.0, -1.0), ("honors", -6.0, 6.0), ("bus", 3.0, -3.0))]
DETECTION = [{"split": "grid2", "set": "ood", "method": method, "indicator": indicator, "auroc": value, "networks": 1}
             for method, indicator, value in (("maps", "entropy", 0.9), ("emd", "max_mean_prediction", 0.75))]


def pair(ends, method="network", split="grid2", name="ood", other="emd"):
    return {"left_method": method, "right_method": other, "split": split, "set": name, "n": 40,
            "median_m": sum(ends) / 2 if ends else -30.0} | ({"ci95_median_m": ends} if ends else {})


AHEAD, OPEN, BEHIND = (-60, -20), (-60, 20), (20, 60)


@pytest.mark.parametrize("ends, counts, told", [
    (AHEAD, (1, 0, 0), "nearer than EMD on Grid2 (OOD test) −40 m [−60, −20]"),
    (OPEN, (0, 0, 1), "undecided on Grid2 (OOD test) −20 m [−60, +20]"),
    (BEHIND, (0, 1, 0), "farther off on Grid2 (OOD test) +40 m [+20, +60]"),
    (None, (0, 0, 1), "undecided on Grid2 (OOD test) −30 m (no interval)")])
def test_the_answer_turns_with_the_interval_of_the_difference(ends, counts, told):
    answer = findings.answer(RECORDS, [pair(ends), pair(AHEAD, "maps"), pair((1, 9), other="maps")], [], [])
    ahead, behind, undecided = counts
    assert "beside the maps alone: farther off on Grid2 (OOD test) +5 m [+1, +9]." in answer.sentences
    assert answer.word == (f"network fed by maps: ahead of our EMD in {ahead} of 1 sets, behind in {behind}, undecided "
                           f"in {undecided}")
    assert f"- **network fed by maps**: {told}." in answer.sentences
    title = findings.medians(RECORDS, [pair(ends)]).title
    assert title == f"network fed by maps: nearer than EMD in {ahead} of 1 sets, farther off in {behind}"


def test_an_end_that_decides_is_not_rounded_to_nothing():
    told = findings.answer(RECORDS, [pair((0.4, 14)), pair((-0.4, 14), split="random", name="test"),
                                     pair((-9, -1), other="maps")], [], []).sentences
    assert "farther off on Grid2 (OOD test) +7.2 m [+0.4, +14.0]" in told
    assert "undecided on Random (test) +6.8 m [−0.4, +14.0]" in told
    assert "beside the maps alone: nearer on Grid2 (OOD test) −5 m [−9, −1]" in told


def test_the_answer_counts_sets_and_groups_them():
    pairs = [pair(AHEAD), pair(BEHIND, split="july", name="november"), pair(AHEAD, split="july", name="november_all")]
    network = [record | {"method": "network", "covered": 0.5} for record in COVERED
               if record["promise"] == "seen places"]
    answer = findings.answer(RECORDS, pairs, DETECTION, COVERED + network)
    assert "ahead of our EMD in 2 of 3 sets, behind in 1, undecided in 0" in answer.word
    assert ("nearer than EMD on Grid2 (OOD test) −40 m [−60, −20] and July→Nov (all November) −40 m [−60, −20]; "
            "farther off on July→Nov (November) +40 m [+20, +60]") in answer.sentences
    assert ("entropy of the maps' posterior: Grid2 0.900; EMD's maximum mean prediction: Grid2 0.750"
            ) in answer.sentences
    assert ("- **radio maps**, out of distribution: regions of 90 % calibrated on seen places hold the transmitter in "
            "61 to 70 % (2 sets) and calibrated on unseen cells hold the transmitter in 93 % (1 sets)."
            ) in answer.sentences
    assert ("- **network fed by maps**, out of distribution: regions of 90 % calibrated on seen places hold the "
            "transmitter in 50 % (2 sets).") in answer.sentences


def test_the_answer_is_of_maps_where_no_network_was_compared_and_of_none_without_emd():
    word = findings.answer(RECORDS, [pair(AHEAD, "maps")], [], []).word
    assert word.startswith("radio maps: ahead of our EMD in 1 of 1 sets")
    assert findings.answer(RECORDS, [], [], []).word == "not compared with EMD"
    assert findings.medians(RECORDS, []).title == "Median errors of radio maps"
    with pytest.raises(InputError, match="answer: no records"):
        findings.answer([], [], [], [])


def test_medians_tell_each_value_but_those_of_validation():
    alt = findings.medians(RECORDS, []).alt
    assert "Grid2 (OOD test), radio maps: 120 m; Grid2 (OOD test), network fed by maps: 90 m" in alt
    assert "validation" not in alt


def test_seasons_turn_with_the_offsets():
    told = findings.seasons(SHIFTS)
    assert "agree with a correlation of 1.00; honors changes most" in told.title
    assert "A dot for each of 3 receivers" in told.alt and "honors: −6.0 dB there, +6.0 dB back" in told.alt
    turned = [record | {"back_db": -record["back_db"]} for record in SHIFTS]
    turned[0] = turned[0] | {"there_db": 9.0, "back_db": 9.0}
    assert "correlation of −1.00; hospital changes most" in findings.seasons(turned).title


def test_coverage_tells_each_promise_at_its_level_without_validation():
    told = findings.coverage(COVERED, 0.9)
    assert told.title == ("Regions of 90 % calibrated on seen places hold the transmitter in 61 to 70 % and calibrated "
                          "on unseen cells hold the transmitter in 93 % of a set's samples")
    assert "Grid2 (OOD test), unseen cells: 93 %, 0.25 km²" in told.alt and "99 %" not in told.alt
    assert "in 21 to 30 % and" in findings.coverage(COVERED, 0.5).title


# ---- figures

EMD = {("grid2", "ood"): {"median_m": 160.0, "ci95_m": (150.0, 170.0)}}


def medians(**options):
    return figures.medians(RECORDS, EMD, {("grid2", "ood"): 187.0}, [pair(AHEAD)], NOTE, **options)


def seasons(**options):
    return figures.seasons(SHIFTS, NOTE, **options)


def coverage(**options):
    return figures.coverage(COVERED, NOTE, **options)


@pytest.fixture(scope="module")
def fitted(campus):
    sets = make(campus, "grid2")
    return RadioMaps(MapRecipe(pixel_m=120.0, threads=1)).fit(campus, sets["train"]), sets["ood"][:1]


@pytest.fixture
def receiver_map(fitted, campus):
    maps, sample = fitted
    home = maps.fitted()
    posterior = figures.posterior_of(next(maps.log_posterior(campus, sample)))
    receiver = home.sensors[int((~home.moves).argmax())]
    one = maps.predict(campus, {"one": sample}).isel(sample=0)
    return lambda **options: figures.receiver_map(home, receiver, posterior, one, NOTE, **options)


def texts(fig):
    return [text.get_text() for text in fig.findobj(Text)]


@pytest.fixture(params=["medians", "seasons", "coverage", "receiver_map"])
def draw(request):
    drawn = {"medians": medians, "seasons": seasons, "coverage": coverage}
    return drawn[request.param] if request.param in drawn else request.getfixturevalue(request.param)


@pytest.mark.parametrize("width", [style.PAGE_IN, style.COLUMN_IN])
def test_at_either_width_nothing_is_cut_and_no_panel_meets_the_title(draw, width):
    fig, marked = draw(width=width), draw(width=width, synthetic=True)
    assert fig.told.title and fig.told.alt and any(NOTE in text for text in texts(fig))
    assert style.BANNER not in texts(fig) and style.BANNER in texts(marked) and marked.get_figwidth() == width
    style.styled(marked.draw_without_rendering)()
    head = next(text for text in marked.texts if text.get_fontsize() == 8).get_window_extent()
    for part in [ax.get_tightbbox() for ax in marked.axes] + [one.get_window_extent() for one in marked.legends]:
        assert part.x0 >= -1 and part.x1 <= marked.bbox.x1 + 1 and part.y0 >= -1 and part.y1 <= head.y0


def test_the_column_says_the_same(draw):
    assert draw().column().told == draw().told and draw().column().get_figwidth() == style.COLUMN_IN


def heights(ax):
    return [float(line.get_ydata()[0]) for line in ax.lines if len(line.get_ydata()) == 1]


def test_medians_draw_methods_emd_and_the_printed_value_without_validation():
    fig = medians()
    drawn = [value for ax in fig.axes for value in heights(ax)]
    assert sorted(drawn) == [90.0] * 3 + [120.0] * 3 + [160.0, 187.0]
    assert "the paper's printed value" in texts(fig) and "Grid2:\nOOD test" in texts(fig)


def test_seasons_draw_a_dot_for_each_receiver_and_name_the_largest():
    ax = seasons().axes[0]
    assert ax.lines[0].get_xydata().tolist() == [[1, -1], [-6, 6], [3, -3]]
    assert {"honors", "bus", "hospital"} <= set(texts(ax))


def test_coverage_draws_shares_and_areas_of_one_level():
    shares, areas = coverage().axes
    assert sorted(heights(shares)) == pytest.approx([61, 70, 93]) and heights(areas) == [0.25] * 3


def test_a_receiver_map_shows_mean_deviation_and_posterior(receiver_map, fitted):
    panels = receiver_map().axes[:3]
    maps = fitted[0].fitted()
    number = int((~maps.moves).argmax())
    for ax, image in zip(panels, (maps.mean[number], np.sqrt(maps.variance[number]))):
        assert np.allclose(ax.images[0].get_array(), image)
    assert (panels[2].images[0].get_array() ** 2).sum() == pytest.approx(1, abs=1e-3)


def grid_records():
    """Three grids: out of distribution both the fallback and the maps help on Grid2 and harm on Grid10."""
    records, pairs = [], []
    for split, gain in (("grid2", -50.0), ("grid5", 0.0), ("grid10", 50.0)):
        for name in ("val", "ood"):
            for method, value in (("cnn", 100.0), ("maps", 100 + gain), ("hybrid", 100 + gain / 2)):
                records.append({"split": split, "set": name, "method": method, "median_m": value,
                                "ci95_m": [value - 9, value + 9]})
            for left in ("hybrid", "maps"):
                pairs.append({"split": split, "set": name, "left_method": left, "right_method": "cnn", "median_m": gain,
                              "ci95_median_m": [gain - 10, gain + 10]})
    return records, pairs


def test_the_title_over_grids_counts_where_maps_help_and_harm():
    told = findings.grid_sizes(*grid_records())
    assert told.title == ("OOD, EMD with maps as its fallback: nearer than EMD on 1 of 3 grids, farther off on 1; maps "
                          "alone: nearer than EMD on 1 of 3 grids, farther off on 1")
    assert "Grid10 ood, maps: 150 m" in told.alt


@pytest.mark.parametrize("width", [style.COLUMN_IN, style.PAGE_IN])
def test_a_curve_for_each_method_runs_over_the_grids_by_their_size(width):
    records, pairs = grid_records()
    fig = figures.grid_sizes(records[::-1], pairs, NOTE, True, width=width)
    assert all([label.get_text() for label in ax.get_xticklabels()] == ["2", "5", "10"] for ax in fig.axes)
    assert sorted(tuple(line.get_ydata()) for line in fig.axes[1].lines) == [(50, 100, 150), (75, 100, 125),
                                                                          (100, 100, 100)]
