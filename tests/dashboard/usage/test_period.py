"""The days that an address asks for, and what is said to an address that asks for none there are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl

import pytest

from chatlog.services.usage_range import MAX_RANGE_DAYS
from dashboard.usage.period import Period, read_period

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)  # in Tokyo it is the 24th


def read(zone: str = "Asia/Tokyo", **params: str) -> Period:
    return read_period({name.rstrip("_"): value for name, value in params.items()}, zone=zone, now=NOW)


def days_of(period: Period) -> tuple[str, str]:
    return period.stretch.first.isoformat(), period.stretch.last.isoformat()


@pytest.mark.parametrize(
    ("params", "first", "last", "days"),
    [
        ({}, "2026-10-26", "2026-11-24", 30),
        ({"days": "7"}, "2026-11-18", "2026-11-24", 7),
        ({"days": "1", "tz": "UTC"}, "2026-11-23", "2026-11-23", 1),
        ({"from_": "2026-11-01", "to": "2026-11-30"}, "2026-11-01", "2026-11-30", None),
        ({"from_": "2026-11-01"}, "2026-11-01", "2026-11-24", None),
        ({"from_": "2027-01-01"}, "2027-01-01", "2027-01-01", None),
        ({"to": "2026-03-31"}, "2026-03-02", "2026-03-31", None),
        ({"to": "1990-01-03"}, "1990-01-01", "1990-01-03", None),
        ({"from_": "2016-11-24", "to": "2026-11-23", "days": "7"}, "2016-11-24", "2026-11-23", None),
    ],
)
def test_days_are_read(params: dict[str, str], first: str, last: str, days: int | None) -> None:
    period = read(**params)
    assert (*days_of(period), period.days, period.problems) == (first, last, days, ())


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"days": "0"}, ["“0”", f"{MAX_RANGE_DAYS:,}"]),
        ({"days": "9" * 5000}, ["no number of days"]),
        ({"days": "٣"}, ["“٣”"]),
        ({"days": "3661"}, ["“3661”", f"{MAX_RANGE_DAYS:,}"]),
        ({"from_": "2026-13-01"}, ["“2026-13-01”", "2026-11-23"]),
        ({"from_": "x" * 5000}, ["xxx…”"]),
        ({"from_": "2026-11-02", "to": "2026-11-01"}, ["2026-11-02", "2026-11-01", "Swap"]),
        ({"from_": "0001-01-01"}, ["0001-01-01", "1990-01-01", "2199-12-31"]),
        ({"to": "9999-12-31"}, ["9999-12-31"]),
        ({"from_": "2010-01-01", "to": "2026-11-23"}, ["6,171", f"{MAX_RANGE_DAYS:,}"]),
        ({"tz": "Mars/Phobos"}, ["“Mars/Phobos”", "Asia/Tokyo"]),
        ({"tz": "../../etc/passwd"}, ["no time zone"]),
        ({"tz": "+09:00"}, ["“+09:00”"]),
    ],
)
def test_what_is_not_understood_is_said_in_a_sentence_and_thirty_days_are_shown(
    params: dict[str, str], words: list[str]
) -> None:
    period = read(**params)
    assert days_of(period) == ("2026-10-26", "2026-11-24")
    assert period.zone == "Asia/Tokyo"
    [problem] = period.problems
    assert [word for word in words if word not in problem] == []
    assert len(problem) < 200


def test_every_problem_is_told_at_once() -> None:
    assert len(read(tz="Mars", from_="x", to="y").problems) == 3


def test_a_zone_that_is_wrong_leaves_the_days() -> None:
    period = read(tz="Mars", from_="2026-11-01", to="2026-11-02")
    assert days_of(period) == ("2026-11-01", "2026-11-02")
    assert (period.zone, period.zone_given, len(period.problems)) == ("Asia/Tokyo", "Mars", 1)


@pytest.mark.parametrize("params", [{"days": "90", "tz": "America/New_York"}, {"from_": "2026-11-01", "to": "2026-11-02"}])
def test_the_query_asks_for_the_same_days_again_from_anywhere(params: dict[str, str]) -> None:
    period = read(**params)
    again = read_period(dict(parse_qsl(period.query)), zone="Pacific/Kiritimati", now=NOW)
    assert (again.stretch, again.zone, again.days) == (period.stretch, period.zone, period.days)


def test_a_link_to_other_days_keeps_a_zone_that_was_chosen_and_no_other() -> None:
    assert read(tz="Europe/Paris").query_for(7) == "days=7&tz=Europe%2FParis"
    assert read().query_for(7) == "days=7"


def test_the_form_shows_what_was_asked_for_also_where_that_cannot_be() -> None:
    assert read(from_="2026-11-02", to="2026-11-01").form_days == (date(2026, 11, 2), date(2026, 11, 1))
    assert read(from_="nonsense").form_days == (date(2026, 10, 26), date(2026, 11, 24))
