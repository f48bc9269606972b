"""Which days something was changed in, whoever changed it: one slim query for what the service stamped since the mark.

A session's document changes with its status, its participants and its figures; that touches the day it began. One that was
deleted or restored touches all days in which something was said in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, tzinfo

from chatlog.domain.clock import parse_stored_timestamp
from chatlog.errors import InvalidTimestamp
from chatlog.storage.cosmos import usage_queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.parallel import each
from chatlog.storage.cosmos.usage_mark import Mark
from chatlog.storage.documents import SESSION_TYPE, Document

# With more of either, counting everything anew costs less than finding out what need not be.
MOST_CHANGES = 5_000
MOST_SESSIONS = 50


async def find_touched_days(calls: Calls, mark: Mark, *, naive_zone: tzinfo | None) -> set[date] | None:
    """The days before `mark.covers_until` in which something was changed since the mark; `None` if that is too much."""
    query = usage_queries.changed(since=mark.changed_since, until=mark.covers_until, naive_zone=naive_zone)
    rows = await calls.query(query, is_enough=lambda rows: len(rows) > MOST_CHANGES)
    moved = list(dict.fromkeys(row["session_id"] for row in rows if "deleted_at" in row or "restored_at" in row))
    if len(rows) > MOST_CHANGES or len(moved) > MOST_SESSIONS:
        return None
    return await find_days_of(calls, rows, moved, until=mark.covers_until, naive_zone=naive_zone)


async def find_days_of(
    calls: Calls, rows: Iterable[Document], session_ids: Sequence[str], *, until: date, naive_zone: tzinfo | None
) -> set[date]:
    """The days before `until` of sessions and messages, and of all that was said in some sessions."""
    queries = (usage_queries.moments(session_id, until=until, naive_zone=naive_zone) for session_id in session_ids)
    spoken = await each(queries, calls.query)
    found = {_day(row, naive_zone) for some in (rows, *spoken) for row in some}
    return {day for day in found if day is not None and day < until}


def _day(row: Document, naive_zone: tzinfo | None) -> date | None:
    name = "created_at" if row.get("type") == SESSION_TYPE else "timestamp"
    try:
        return parse_stored_timestamp(row.get(name), naive_zone=naive_zone).astimezone(UTC).date()
    except InvalidTimestamp:
        return None  # it is in no figures
