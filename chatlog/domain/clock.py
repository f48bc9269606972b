"""Times: always aware, always UTC, written in one fixed width so that text order is time order."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo

from chatlog.errors import InvalidTimestamp


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def to_timestamp(moment: datetime) -> str:
    """Write an aware time as `2026-11-23T14:30:25.000000Z`: 27 characters, whatever the microseconds."""
    # isoformat() is ten times as fast as strftime and pads the year where strftime may not.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def midnight(day: date, zone: tzinfo) -> datetime:
    """When a day of a zone begins, in UTC: at its first midnight, or where the clocks skip midnight, at the skip.

    A day that the zone's calendar left out begins when the next one does.

    Raises:
        OverflowError: that moment lies outside the years 1 to 9999.
    """
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def parse_timestamp(value: object, *, field: str = "timestamp") -> datetime:
    """Read an aware `datetime` or an ISO 8601 text with its offset, and return it in UTC.

    Raises:
        InvalidTimestamp: it cannot be read, or it does not say which time zone it is in.
    """
    moment = _parse(value, field=field)
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise InvalidTimestamp(field, f"{value!r} names no time zone. Use datetime.now(UTC), or end the text in 'Z'.")
    return _to_utc(moment, field=field)


def parse_stored_timestamp(value: object, *, naive_zone: tzinfo | None = None, field: str = "timestamp") -> datetime:
    """Read a time from a stored document, which may have the seed design's naive local form.

    Args:
        naive_zone: the zone a time without offset is meant in; `None` is this machine's.
    Raises:
        InvalidTimestamp: it cannot be read.
    """
    moment = _parse(value, field=field)
    if moment.tzinfo is None and naive_zone is not None:
        moment = moment.replace(tzinfo=naive_zone)
    return _to_utc(moment, field=field)


def _parse(value: object, *, field: str) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise InvalidTimestamp(field, f"{value!r} is neither a datetime nor a text such as '2026-11-23T14:30:25Z'.")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidTimestamp(field, f"{value!r} is not ISO 8601, such as '2026-11-23T14:30:25Z'.") from error


def _to_utc(moment: datetime, *, field: str) -> datetime:
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError, OSError) as error:  # OSError: a naive year 1 has no local time on this platform
        raise InvalidTimestamp(field, f"{moment.isoformat()} lies outside the years 1 to 9999 in UTC.") from error
