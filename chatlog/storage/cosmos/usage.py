"""Figures of use over all sessions: of days, and the sessions in which most was said."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo

from chatlog.domain.models import Session
from chatlog.domain.usage import UsageDay
from chatlog.errors import StorageCorrupt
from chatlog.storage.cosmos import usage_queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.session_record import find_sessions
from chatlog.storage.cosmos.usage_counting import count_days, read_begun
from chatlog.storage.documents import Document

logger = logging.getLogger(__name__)

# How many days are counted at once: their remarks are in memory together, a few hundred bytes each.
MOST_DAYS = timedelta(days=10)


async def list_usage(calls: Calls, *, since: date, until: date, naive_zone: tzinfo | None) -> list[UsageDay]:
    """The figures of the UTC days from `since` up to, but not including, `until`; days without anything are left out."""
    figures: list[UsageDay] = []
    while since < until:
        end = since + min(until - since, MOST_DAYS)
        figures += await count_days(calls, since=since, until=end, naive_zone=naive_zone)
        since = end
    return figures


async def list_busiest(
    calls: Calls, *, since: datetime, until: datetime, limit: int, naive_zone: tzinfo | None
) -> list[Session]:
    """The sessions that began in that time, those with the most messages first. One query, and a point read for each shown."""
    rows = await calls.query(usage_queries.begun(since, until, naive_zone=naive_zone))
    begun = [session for session in _read(rows, naive_zone) if since <= session.created_at < until]
    ids = [session.session_id for session in sorted(begun, key=_busyness, reverse=True)]
    found: list[Session] = []
    while ids and len(found) < limit:  # one that was deleted meanwhile makes room for the next
        wanted, ids = ids[: limit - len(found)], ids[limit - len(found) :]
        found += await find_sessions(calls, wanted, naive_zone=naive_zone)
    return sorted(found, key=_busyness, reverse=True)


def _busyness(session: Session) -> tuple[int, datetime, str]:
    return session.message_count, session.created_at, session.session_id


def _read(rows: Sequence[Document], naive_zone: tzinfo | None) -> Iterator[Session]:
    for row in rows:
        try:
            yield read_begun(row, naive_zone)
        except StorageCorrupt as error:
            logger.warning("A session is left out of the busiest. %s", error)
