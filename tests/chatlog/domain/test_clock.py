from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.domain.clock import parse_stored_timestamp, parse_timestamp, to_timestamp
from chatlog.errors import InvalidTimestamp

ZONES = st.timezones() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)  # noqa: DTZ001  # the strategy adds the zone


@given(MOMENTS, MOMENTS)
def test_text_order_is_time_order(one: datetime, other: datetime) -> None:
    assert (to_timestamp(one) < to_timestamp(other)) == (one.astimezone(UTC) < other.astimezone(UTC))


@given(MOMENTS)
def test_a_time_is_read_back_as_it_was_written_in_27_characters(moment: datetime) -> None:
    assert len(to_timestamp(moment)) == 27
    assert parse_timestamp(to_timestamp(moment)) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23T14:30:25",
        "2026-11-23",
        datetime(2026, 1, 1),  # noqa: DTZ001  # a naive one is what is refused
        "",
        "yesterday",
        "2026-13-01T00:00:00Z",
        17,
        None,
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_a_time_that_is_naive_or_broken_is_refused_with_the_value(value: object) -> None:
    with pytest.raises(InvalidTimestamp, match="timestamp: "):
        parse_timestamp(value)


def test_a_stored_time_without_zone_is_meant_in_the_given_one() -> None:
    assert parse_stored_timestamp("2024-01-20T14:30:22.123456", naive_zone=ZoneInfo("Asia/Tokyo")) == datetime(
        2024, 1, 20, 5, 30, 22, 123456, UTC
    )
