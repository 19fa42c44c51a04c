"""Time stamps: exact, in UTC, and never guessed."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsslib.data import times
from rsslib.project import InputError

STAMPS = st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2099, 12, 31))


@given(STAMPS, STAMPS)
def test_texts_dates_and_numbers_agree(first, second):
    stamps = np.array([first, second], "M8[us]").astype("M8[ns]")
    microseconds = stamps.astype("M8[us]").astype(np.int64)
    for given_ in ([first, second], [first.isoformat(), second.isoformat(" ")], microseconds, stamps.astype(np.int64),
                   [f"{stamp.isoformat()}Z" for stamp in (first, second)], microseconds / 1e6):
        assert np.abs(times.times(given_, "t", 2) - stamps).max() <= np.timedelta64(1, "us")


@given(STAMPS, st.integers(-14 * 4, 14 * 4))
def test_a_zone_moves_a_stamp_by_its_hours(stamp, quarters):
    zone = datetime.timezone(datetime.timedelta(minutes=15 * quarters))
    local = stamp.replace(tzinfo=zone)
    found = times.times([local.isoformat()], "t", 1)
    assert found == times.times([local], "t", 1) == np.datetime64(stamp - datetime.timedelta(minutes=15 * quarters))


def test_nanoseconds_are_kept():
    assert str(times.times(["2022-07-05T09:00:00.123456789"], "t", 1)[0]) == "2022-07-05T09:00:00.123456789"
    assert str(times.times([1657011600123456789], "t", 1)[0]) == "2022-07-05T09:00:00.123456789"


@pytest.mark.parametrize("values", [
    ["2022-07-05", None], [1657011600, None], [1657011600.0, np.nan], ["2022-07-05", pd.NaT], [pd.Timestamp(0), pd.NaT],
    np.ma.array([1657011600, 5], mask=[False, True]), np.array(["2022-07-05", "NaT"], "M8[s]"), [None, pd.NA],
    np.ma.array(["2022-07-05", "x"], mask=[False, True]),
    np.ma.array(np.array(["2022-07-05", "2022-07-06"], "M8[s]"), mask=[False, True]), [np.nan, np.nan]])
def test_a_missing_stamp_is_nat(values):
    assert np.isnat(times.times(values, "t", 2))[1]


@pytest.mark.parametrize("values, message", [
    (["05/07/2022", "06/07/2022"], "'05/07/2022'; expected dates, texts such as 2022-07-05T09:00:00 .ISO 8601"),
    (["2022-07-05T09:00Z", "2022-07-05T09:00"], "1 of 2 times have a time zone; give one to all or to none"),
    ([pd.Timestamp("2022-07-05", tz="UTC"), datetime.datetime(2022, 7, 5)], "1 of 2 times have a time zone"),
    ([1371713733, 1371713733000], "is in no unit .* a time since 1970 from 2000 to 2100"),
    ([-1.0, 5.0], "-1.0 is in no unit"), ([True, False], "True is boolean"),
    ([1371713733, "2022-07-05"], "'1371713733'; expected"),
    (pd.period_range("2022-07", periods=2, freq="M"), "is period"), ([1j, 2j], "is complex"), ([{}, {}], "is mixed"),
    (["1600-01-01", "2022-01-01"], "expected a year from 1678 to 2261|no date between"),
    ([b"2022", b"2023"], "is bytes"),
    (["2022-13-01", "2022-01-01"], "sample 0 is '2022-13-01', no date"), (["2022", "2023"], "'2022'; expected dates"),
    (["2022-07-05T25:00", "2022-07-05"], "T25:00', no date"),
    ("2022-07-05", r"shape \(\)"), ([["2022-07-05"]] * 2, "shape"),
    (np.array(["2300", "2022"], "M8[Y]"), "2300.* cannot be kept in nanoseconds"), ([[1], [1, 2]], "not an array")])
def test_what_is_no_time_is_named(values, message):
    with pytest.raises(InputError, match=f"^t: .*({message})"):
        times.times(values, "t", 2)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_numbers_taken_for_nanoseconds_are_told(unit):
    stamps = np.array(["2013-06-20", "2013-06-21"], f"M8[{unit}]").astype(np.int64).astype("M8[ns]")
    with pytest.raises(InputError, match=f"t: 1970.*a number of {unit} since 1970 .*numbers, unit='{unit}'"):
        times.check(stamps, "t")
    times.check(np.arange(2).astype("M8[s]"), "t")    # seconds since the start of a walk
    times.check(np.array(["2013-06-20", "NaT"], "M8[ns]"), "t")
