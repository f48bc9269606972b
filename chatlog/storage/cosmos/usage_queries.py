"""The Cosmos DB SQL behind the figures of use: a finite set of texts, as in `queries`, whose rules hold here too.

What is counted is asked for by ranges of time alone, so that its cost does not grow with what is stored outside them, and comes
as slim rows: no query aggregates or groups across partitions.

Times are compared as they are stored. The seed design's have no offset and are local: so each range is stretched by the offset
of the zone they are meant in, and whoever asks looks at the time again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from chatlog.storage.cosmos.queries import Query, Values

BEGUN = (
    "SELECT c.session_id, c.created_at, c.status, c.participants, c.message_count FROM c WHERE c.type = 'session_info'"
    " AND c.created_at >= @since AND c.created_at < @until AND NOT IS_DEFINED(c.deleted_at)"
)
# A document without `letters`, the seed's for one, sends its text to be counted: LENGTH does not say what a character is.
SAID = (
    "SELECT c.session_id, c.source, c.timestamp, c.models_usage, c.letters ?? c.content AS letters FROM c"
    " WHERE c.type = 'message' AND c.timestamp >= @since AND c.timestamp < @until"
)
PRESENT = (
    "SELECT c.session_id FROM c"
    " WHERE c.type = 'session_info' AND ARRAY_CONTAINS(@sessions, c.session_id) AND NOT IS_DEFINED(c.deleted_at)"
)
# What somebody may have changed, with the second in which the service stored it; also if it was only deleted or restored.
CHANGED = (
    "SELECT c.session_id, c.type, c.timestamp, c.created_at, c.deleted_at, c.restored_at FROM c WHERE c._ts >= @since"
    " AND (c.type = 'message' AND c.timestamp < @until OR c.type = 'session_info'"
    " AND (c.created_at < @until OR IS_DEFINED(c.deleted_at) OR IS_DEFINED(c.restored_at)))"
)
MOMENTS = "SELECT c.timestamp FROM c WHERE c.session_id = @session_id AND c.type = 'message' AND c.timestamp < @until"
KEPT_DAYS = "SELECT * FROM c WHERE c.session_id = @session_id AND c.type = 'usage_day' AND c.day >= @since AND c.day < @until"
TEXTS = frozenset({BEGUN, SAID, PRESENT, CHANGED, MOMENTS, KEPT_DAYS})

# Zones have had odd offsets long ago, and the standard library knows none for the year 1.
_OLDEST, _NEWEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


def begun(since: datetime, until: datetime, *, naive_zone: tzinfo | None) -> Query:
    """The sessions that are not deleted and may have begun from `since` up to, but not including, `until`."""
    return Query(BEGUN, _stored_range(since, until, naive_zone))


def said(since: datetime, until: datetime, *, naive_zone: tzinfo | None) -> Query:
    """What may have been said then, in any session, without the texts but where a message's length is not stored."""
    return Query(SAID, _stored_range(since, until, naive_zone))


def present(session_ids: Sequence[str]) -> Query:
    """Those of the sessions that are there and not deleted."""
    return Query(PRESENT, {"sessions": list(session_ids)})


def changed(*, since: int, until: date, naive_zone: tzinfo | None) -> Query:
    """What was changed in the second `since` or later, of the days before `until`; the deleted and restored of all days."""
    return Query(CHANGED, {"since": since, "until": _stored_end(start_of(until), naive_zone)})


def moments(session_id: str, *, until: date, naive_zone: tzinfo | None) -> Query:
    """When something was said in a session before `until`."""
    return Query(MOMENTS, {"session_id": session_id, "until": _stored_end(start_of(until), naive_zone)}, session_id)


def kept_days(partition: str, *, since: date, until: date) -> Query:
    """The documents of the days from `since` up to, but not including, `until`."""
    return Query(KEPT_DAYS, {"session_id": partition, "since": since.isoformat(), "until": until.isoformat()}, partition)


def start_of(day: date) -> datetime:
    """Midnight in UTC."""
    return datetime.combine(day, time.min, UTC)


def _stored_range(since: datetime, until: datetime, naive_zone: tzinfo | None) -> Values:
    earliest = min(timedelta(0), *_offsets(since, naive_zone))
    return {"since": _text(since, earliest), "until": _stored_end(until, naive_zone)}


def _stored_end(until: datetime, naive_zone: tzinfo | None) -> str:
    latest = max(timedelta(0), *_offsets(until, naive_zone))
    return _text(until, latest) + ("~" if until.microsecond else "")  # "~" is above any fraction


def _text(moment: datetime, offset: timedelta) -> str:
    """A border as it compares with stored times: without the fraction of the second, which some of those lack."""
    try:
        return (moment + offset).isoformat(timespec="seconds")[:19]
    except OverflowError:
        return moment.isoformat(timespec="seconds")[:19]


def _offsets(border: datetime, naive_zone: tzinfo | None) -> list[timedelta]:
    """What the zone's clocks show there, and a day before and after: they may be changed in the hour beside the border."""
    near = min(max(border, _OLDEST), _NEWEST)
    moments = (near - _DAY, near, near + _DAY)
    return [moment.astimezone(naive_zone).utcoffset() or timedelta(0) for moment in moments]
