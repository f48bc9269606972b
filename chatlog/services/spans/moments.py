"""Times of spans, which come from clocks that may be off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chatlog.domain.limits import EARLIEST_TIMESTAMP, MAX_CLOCK_LEAD

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_credible(nanoseconds: int, *, now: datetime) -> bool:
    """Whether a clock that says so can be right."""
    latest = (now + MAX_CLOCK_LEAD - _EPOCH) // timedelta(microseconds=1)
    earliest = (EARLIEST_TIMESTAMP - _EPOCH) // timedelta(microseconds=1)
    return earliest <= nanoseconds // 1000 <= latest


def to_moment(nanoseconds: int, *, now: datetime) -> datetime:
    """The time, or `now` where it cannot be."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000) if is_credible(nanoseconds, now=now) else now
