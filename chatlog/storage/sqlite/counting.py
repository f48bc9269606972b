"""Counting what went on, from slim parts of the rows: what was said is never read out."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import apsw

from chatlog.domain.clock import to_timestamp
from chatlog.domain.models import Session, SessionStatus
from chatlog.domain.usage import UsageDay, UsageTally
from chatlog.storage.sqlite import queries, rows

_ONE_DAY = timedelta(days=1)
_TO_THE_MINUTE = len("2026-11-23T14:30")


def find_span(connection: apsw.Connection) -> tuple[date, date] | None:
    """The first and the last day that may have figures; `None` while nothing is stored."""
    (times,) = connection.execute(queries.SELECT_SPAN)
    known = sorted(time for time in times if time is not None)
    return (rows.to_time(known[0]).date(), rows.to_time(known[-1]).date()) if known else None


def count_day(connection: apsw.Connection, day: date) -> UsageDay:
    """The figures of one UTC day."""
    tally = UsageTally(day)
    stretch = (day.isoformat(), (day + _ONE_DAY).isoformat())
    for created_at, status, participants in connection.execute(queries.SELECT_BEGUN, stretch):
        begun = rows.to_time(created_at)
        tally.add_session(created_at=begun, status=SessionStatus(status), participants=json.loads(participants))
    said: list[Any] = connection.execute(queries.SELECT_SAID, stretch).fetchall()
    # Read in one go, which takes half the time of as many single texts.
    usages = json.loads(f"[{','.join([usage or 'null' for _, _, _, usage in said])}]")
    for (timestamp, source, letters, _), usage in zip(said, usages, strict=True):
        tally.add_message(timestamp=_to_minute(timestamp[:_TO_THE_MINUTE]), source=source, letters=letters, models_usage=usage)
    return tally.close() or UsageDay(day)


def list_busiest(connection: apsw.Connection, *, since: datetime, until: datetime, limit: int) -> list[Session]:
    """The sessions that began in a stretch of time, those with the most messages first."""
    found = connection.execute(queries.SELECT_BUSIEST, (to_timestamp(since), to_timestamp(until), limit))
    return [rows.session_from_row(row) for row in found]


@lru_cache(maxsize=1440)
def _to_minute(text: str) -> datetime:
    """A time without its seconds, which do not matter to a quarter; a day has so few of them that each is read once."""
    return rows.to_time(f"{text}:00Z")
