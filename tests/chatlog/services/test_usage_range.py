"""Days of a zone: each where its clocks say, one after the other, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.errors import InvalidInput
from chatlog.services.usage_range import MAX_RANGE_DAYS, UsageRange

UTC_ZONE = ZoneInfo("UTC")
# Both ends of the day, half and quarter hours, clocks that change at midnight, at 0:01, by half an hour, or by a whole day.
ZONES = (
    *("UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Australia/Sydney"),
    *("America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut", "America/Havana", "America/St_Johns", "Africa/Casablanca"),
    *("Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe", "Australia/Eucla"),
    *("Pacific/Apia", "Pacific/Kiritimati", "Etc/GMT+12", "Etc/GMT-14"),
)


def day_in(zone: str, day: str) -> UsageRange:
    return UsageRange(date.fromisoformat(day), date.fromisoformat(day), ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "day", "since", "hours"),
    [
        ("UTC", "2026-11-23", "2026-11-23T00:00Z", 24),
        ("Asia/Tokyo", "2026-11-23", "2026-11-22T15:00Z", 24),
        ("Asia/Kathmandu", "2026-11-23", "2026-11-22T18:15Z", 24),
        ("Etc/GMT+12", "2026-11-23", "2026-11-23T12:00Z", 24),
        ("Etc/GMT-14", "2026-11-23", "2026-11-22T10:00Z", 24),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00Z", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00Z", 25),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00Z", 24.5),
        # Midnight is skipped: the day begins at 1:00, its first moment.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00Z", 23),
        ("America/Sao_Paulo", "2018-11-03", "2018-11-03T03:00Z", 24),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00Z", 23),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00Z", 23),
        # Midnight comes twice: the day begins at the first.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00Z", 25),
        # 23:00 comes twice: the day goes on to the second.
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00Z", 25),
        ("Asia/Beirut", "2026-10-24", "2026-10-23T21:00Z", 25),
        # A day that never was.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00Z", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00Z", 24),
    ],
)
def test_a_day_begins_and_ends_with_its_first_moments(zone: str, day: str, since: str, hours: float) -> None:
    stretch = day_in(zone, day)
    assert stretch.since == datetime.fromisoformat(since)
    assert stretch.until - stretch.since == timedelta(hours=hours)
    assert {stretch.since.tzinfo, stretch.until.tzinfo} == {UTC}


@pytest.mark.parametrize("zone", ZONES)
def test_each_day_begins_when_the_one_before_it_ends(zone: str) -> None:
    days = UsageRange(date(2009, 1, 1), date(2018, 12, 31), ZoneInfo(zone)).days
    assert len(days) == 3652
    parts = [UsageRange(day, day, ZoneInfo(zone)) for day in days]
    assert all(one.until == other.since for one, other in pairwise(parts))
    assert {part.until - part.since for part in parts} <= {timedelta(minutes=30 * count) for count in (0, 46, 47, 48, 49, 50)}


@pytest.mark.parametrize("zone", [name for name in ZONES if name != "America/St_Johns"])
def test_what_lies_in_a_day_has_its_date(zone: str) -> None:
    for day in UsageRange(date(2011, 1, 1), date(2011, 12, 31), ZoneInfo(zone)).days:
        part = UsageRange(day, day, ZoneInfo(zone))
        if part.since < part.until:
            last = part.until - timedelta(microseconds=1)
            assert part.since.astimezone(ZoneInfo(zone)).date() == last.astimezone(ZoneInfo(zone)).date() == day


def test_a_day_whose_date_comes_back_after_midnight_stays_the_next_day() -> None:
    stretch = day_in("America/St_Johns", "2010-11-07")  # at 0:01 it was 23:01 again
    assert stretch.since == datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    assert stretch.until - stretch.since == timedelta(hours=25)


def test_the_days_before_are_as_many_and_end_where_these_begin() -> None:
    stretch = UsageRange(date(2026, 3, 1), date(2026, 3, 31), ZoneInfo("Europe/Berlin"))
    before = stretch.before()
    assert before == UsageRange(date(2026, 1, 29), date(2026, 2, 28), ZoneInfo("Europe/Berlin"))
    assert before.until == stretch.since
    assert len(before.days) == len(stretch.days) == 31


@pytest.mark.parametrize(
    ("zone", "now", "last"),
    [
        ("Asia/Tokyo", "2026-11-22T15:00Z", "2026-11-23"),
        ("Asia/Tokyo", "2026-11-22T14:59:59.999999Z", "2026-11-22"),
        ("Etc/GMT+12", "2026-11-23T11:59Z", "2026-11-22"),
        ("America/St_Johns", "2010-11-07T02:45Z", "2010-11-07"),  # clocks show 23:15 of the 6th, once more
    ],
)
def test_the_last_days_end_with_today(zone: str, now: str, last: str) -> None:
    moment = datetime.fromisoformat(now)
    stretch = UsageRange.last_days(7, zone=ZoneInfo(zone), now=moment)
    assert stretch.last == date.fromisoformat(last)
    assert len(stretch.days) == 7
    assert stretch.since <= moment < stretch.until
    assert UsageRange.last_days(1, zone=ZoneInfo(zone), now=moment).first == stretch.last


@given(st.dates(date(1980, 1, 1), date(2060, 1, 1)), st.integers(1, 400), st.sampled_from(ZONES))
def test_days_stretch_from_the_first_to_the_last(first: date, count: int, zone: str) -> None:
    stretch = UsageRange(first, first + timedelta(days=count - 1), ZoneInfo(zone))
    assert (stretch.days[0], stretch.days[-1], len(stretch.days)) == (first, stretch.last, count)
    assert stretch.since == day_in(zone, str(first)).since
    assert stretch.until == day_in(zone, str(stretch.last)).until


# -- bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2026-11-24", "2026-11-23", r"first: 2026-11-24 to 2026-11-23 runs backwards\. Swap the two days\."),
        ("2016-01-01", "2026-11-23", r"first: 2016-01-01 to 2026-11-23 are 3,980 days; the limit is 3,658\."),
        ("0001-01-01", "9999-12-31", r"are 3,652,059 days; the limit is 3,658\."),
        ("0001-01-01", "0001-01-02", r"first: 0001-01-01 is too early for 2 days; the earliest is 0001-01-05\."),
        ("9999-12-29", "9999-12-31", r"last: 9999-12-31 is too late; the latest is 9999-12-28\."),
    ],
)
def test_days_that_cannot_be_are_said_with_the_limit(first: str, last: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        UsageRange(date.fromisoformat(first), date.fromisoformat(last), UTC_ZONE)


@pytest.mark.parametrize("count", [0, -1, MAX_RANGE_DAYS + 1, 10**9, 1.5, True])
def test_a_count_of_days_that_cannot_be_is_said(count: int) -> None:
    with pytest.raises(InvalidInput, match=r"days: .*(out of range; it goes from 1 to 3658|not a whole number)"):
        UsageRange.last_days(count, zone=UTC_ZONE, now=datetime(2026, 11, 23, tzinfo=UTC))


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Etc/GMT-14", "Asia/Tokyo"])
@pytest.mark.parametrize("count", [1, 30, MAX_RANGE_DAYS])
def test_the_first_and_the_last_days_there_can_be_are_times_in_every_zone(zone: str, count: int) -> None:
    earliest = date(1, 1, 3) + timedelta(days=count)
    first = UsageRange(earliest, earliest + timedelta(days=count - 1), ZoneInfo(zone))
    assert first.before().since < first.before().until == first.since
    latest = date(9999, 12, 28)
    last = UsageRange(latest - timedelta(days=count - 1), latest, ZoneInfo(zone))
    assert last.since < last.until
    with pytest.raises(InvalidInput, match=r"0001-01-03 is too early: there are no [\d,]+ days before it\."):
        first.before().before()
