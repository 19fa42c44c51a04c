"""Faults of a receiver: what they change, that they hurt or show, that their remedies mend them, what is refused."""

import numpy as np
import pytest

from rsslib.ledger import results
from rsslib.locator import faults, plot
from rsslib.locator.locator import Locator
from rsslib.project import InputError
from rsslib.reports.style import COLUMN_IN

RECEIVER = "r02"    # the one that matters most there


@pytest.fixture(scope="module")
def records(fitted, new, made):
    return faults.records(fitted, new, RECEIVER, made)


@pytest.fixture(scope="module")
def by(records):
    return {(row["fault"], row["remedy"]): row for row in records}


def own(dataset):
    """Return the readings of the receiver that goes wrong, (samples,)."""
    return dataset.rss.sel(sensor=RECEIVER).values


@pytest.mark.parametrize("fault", faults.FAULTS)
def test_a_fault_is_of_one_receiver_and_the_same_each_time(fault, new, made):
    before = new.copy(deep=True)
    wrong = faults.faulty(new, RECEIVER, fault, made)
    assert new.identical(before)
    assert wrong.rss.drop_sel(sensor=RECEIVER).identical(new.rss.drop_sel(sensor=RECEIVER))
    assert np.array_equal(own(wrong), own(new), equal_nan=True) == (fault == "none")
    assert wrong.equals(faults.faulty(new, RECEIVER, fault, made))
    again = own(faults.faulty(new, RECEIVER, fault, made, seed=1))
    assert np.array_equal(own(wrong), again, equal_nan=True) == (fault in ("none", "drift"))
    place = made.sensors.set_index("sensor").loc[RECEIVER]
    assert np.allclose(wrong.sensor_x.sel(sensor=RECEIVER), place.x) and wrong.rss.dtype == new.rss.dtype


def test_what_each_fault_does_to_the_readings(new, made):
    plain, drifted, moved, lying = (own(faults.faulty(new, RECEIVER, fault, made)) for fault in faults.FAULTS)
    heard = np.isfinite(plain)
    assert drifted[heard] == pytest.approx(plain[heard] + faults.DRIFT_DB, abs=1e-4)
    assert np.array_equal(heard, np.isfinite(lying)) and abs(np.corrcoef(plain[heard], lying[heard])[0, 1]) < 0.4
    assert plain[heard].min() <= lying[heard].min() and lying[heard].max() <= plain[heard].max()
    assert np.nanmin(moved) >= plain[heard].min() and not np.array_equal(heard, np.isfinite(moved))


def test_a_receiver_that_moved_reads_strongest_near_its_new_place(new, made):
    home, to = made.sensors.set_index("sensor").loc[RECEIVER].to_numpy(float), faults.moved_to(made, RECEIVER)
    assert np.hypot(*(to - home)) == pytest.approx(faults.MOVED_M, abs=5)
    moved = own(faults.faulty(new, RECEIVER, "moved", made))
    strong = np.argsort(np.nan_to_num(moved, nan=-200))[-5:]
    tx = np.stack([new.tx_x.values[:, 0], new.tx_y.values[:, 0]], axis=1)[strong]
    assert np.hypot(*(tx - to).T).mean() < np.hypot(*(tx - home).T).mean()


def test_each_fault_hurts_or_shows(by):
    for fault in ("drift", "moved", "lies"):
        row = by[fault, "nothing"]
        hurts = row["ci95_more_m"][0] > 0 or row["ci95_more_coverage90"][1] < 0
        shows = row["loudest"] == RECEIVER and row["loudest_errors"] > plot.ALARM
        assert hurts or shows, fault
    assert by["moved", "nothing"]["ci95_more_m"][0] > 0 and by["moved", "nothing"]["loudest_errors"] < plot.ALARM
    assert by["drift", "nothing"]["estimated_db"] == pytest.approx(faults.DRIFT_DB, abs=3)
    assert by["none", "nothing"]["loudest_errors"] < plot.ALARM and not by["none", "nothing"]["applied"]


def test_trust_does_not_notice(by):
    trusted = [by[fault, "nothing"]["trusted"] for fault in faults.FAULTS]
    assert max(trusted) - min(trusted) < 0.06


def test_each_fault_has_its_remedy_and_an_offset_is_none_for_a_move(by):
    for fault, remedy in (("drift", "offsets"), ("moved", "new place"), ("moved", "left out"), ("lies", "left out")):
        assert by[fault, remedy]["coverage90"] >= max(0.93, by[fault, "nothing"]["coverage90"] + 0.03)
    assert by["moved", "new place"]["median_m"] < by["moved", "nothing"]["median_m"] - 20
    assert by["moved", "offsets"]["coverage90"] <= by["moved", "nothing"]["coverage90"]
    left_out = [by[fault, "left out"] for fault in faults.FAULTS]
    assert len({row["median_m"] for row in left_out}) == 1    # whatever the receiver reads


def test_records_are_compared_with_no_fault_and_can_be_kept(records, by, new, tmp_path):
    assert len(records) == 13 and {row["n"] for row in records} == {new.sizes["sample"]}
    first = by["none", "nothing"]
    assert records[0] is first and first["more_m"] == 0 and first["ci95_more_m"] == (0, 0)
    for row in records:
        assert row["more_m"] == pytest.approx(row["median_m"] - first["median_m"])
        assert row["more_coverage90"] == pytest.approx(row["coverage90"] - first["coverage90"])
        assert row["ci95_median_m"][0] <= row["median_m"] <= row["ci95_median_m"][1]
    path = results.write("smoke", "own_town", records, {}, {}, tmp_path)
    assert len(results.load(path)["records"]) == len(records)


def test_the_outcome_is_what_the_locator_says(fitted, new, by):
    found = faults.outcome(fitted, new)
    assert np.median(found.error) == pytest.approx(-fitted.score(new))
    assert found.held.mean() == by["none", "nothing"]["coverage90"] and found.held.dtype == found.trusted.dtype == bool


def test_the_figure_and_the_answer_tell_the_records(records, by, fitted):
    worst, first = by["moved", "nothing"], by["none", "nothing"]
    fig, share = plot.faults(records), 100 * worst["coverage90"]
    assert fig.told.title.startswith(f"{RECEIVER} moved by 200 m: 90 % regions hold {share:.0f} % of the transmitters")
    assert "synthetic" in fig.told.alt.lower() and f"lies, {by['lies', 'nothing']['median_m']:.0f} m" in fig.told.alt
    assert len(fig.axes) == 3 and fig.column().get_figwidth() == COLUMN_IN
    said = plot.answer(records, fitted.test_of_seen_).shown()
    assert f"within {first['median_m']:.0f} m" in said and said.count("\n- **r02 ") == 4
    assert f"left out, {worst['median_m'] + by['moved', 'left out']['more_m'] - worst['more_m']:.0f} m" in said


@pytest.mark.parametrize("loudest, errors, applied, said", [
    ("r01", 2.9, False, "no receiver stands out"),
    ("r02", 4.0, False, "it stands out by 4.0 standard errors; the offsets are refused"),
    ("r01", 4.0, True, "r01, which is sound, stands out by 4.0 standard errors; the offsets are applied")])
def test_what_stands_out(loudest, errors, applied, said):
    row = {"receiver": "r02", "loudest": loudest, "loudest_errors": errors, "applied": applied}
    assert plot.standing_out(row) == said


def test_faults_refuse_what_is_none(new, made, fitted):
    silent = new.assign(rss=new.rss.where(new.sensor != RECEIVER))
    for given, told in (((new, RECEIVER, "tired", made), "fault is 'tired'; expected one of none, drift"),
                        ((new, "r99", "lies", made), "receiver is 'r99'; expected one of r01"),
                        ((new, RECEIVER, "lies", "town"), "made is 'town'; expected a Town"),
                        ((new.assign_attrs(crs="EPSG:32733"), RECEIVER, "lies", made), "in EPSG:32733"),
                        ((silent, RECEIVER, "lies", made), "r02 heard 0 samples")):
        with pytest.raises(InputError, match=told):
            faults.faulty(*given)
    with pytest.raises(InputError, match="remedy is 'hope'; expected one of nothing"):
        faults.remedied(new, RECEIVER, "hope", made, fitted)
    with pytest.raises(InputError, match="there are none"):
        plot.faults([])


# ---- Locator.calibrate

def test_a_change_of_all_gains_is_noticed_and_undone(fitted, new):
    maps = fitted.model_.fitted()
    as_it_is, louder = fitted.calibrate(new), new.assign(rss=new.rss + 6)
    assert not as_it_is.applied and not any(as_it_is.offset_db.values())
    found = fitted.calibrate(louder)
    assert found.applied and np.mean([*found.offset_db.values()]) == pytest.approx(5, abs=1.5)
    assert fitted.score(found.maps.corrected(louder)) > fitted.score(louder)
    assert fitted.model_.fitted() is maps    # the locator is as it was


def test_calibration_takes_a_table_and_looks_at_no_true_place(fitted, new, made):
    times = np.datetime_as_string(new.time.values.astype("M8[s]")).tolist()
    table = made.readings[made.readings.time.str.rstrip("Z").isin(times)].drop(columns=["tx_x", "tx_y"])
    assert fitted.calibrate(table, force=True).offset_db == pytest.approx(fitted.calibrate(new, force=True).offset_db)


def test_what_cannot_be_calibrated(fitted, new):
    with pytest.raises(InputError, match="not fitted"):
        Locator().calibrate(new)
    with pytest.raises(InputError, match="the data set to calibrate on is in local, the model in EPSG:32633"):
        fitted.calibrate(new.assign_attrs(crs="local"))
    with pytest.raises(InputError, match="none of the receivers has a map"):
        fitted.calibrate(new.assign_coords(sensor=[f"other{number}" for number in range(new.sizes["sensor"])]))
    with pytest.raises(InputError, match="force"):
        fitted.calibrate(new, force="yes")
