"""Figures of use over all sessions: of days, and the sessions in which most was said."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Session
from chatlog.domain.usage import UsageDay
from chatlog.errors import StorageCorrupt
from chatlog.storage.cosmos import usage_queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.session_record import find_sessions
from chatlog.storage.cosmos.usage_counting import count_days, read_begun
from chatlog.storage.cosmos.usage_healing import Attempts, KeptDays
from chatlog.storage.documents import Document

logger = logging.getLogger(__name__)

# That there is nothing in a longer stretch is asked again each time: two queries cost less than a document for each day.
LONG_SILENCE = 31
_ONE_DAY = timedelta(days=1)


@dataclass
class Usage:
    """Counts what is not kept, and keeps what is over."""

    naive_zone: tzinfo | None
    _attempts: Attempts = field(default_factory=Attempts)

    async def list_days(self, calls: Calls, *, since: date, until: date) -> list[UsageDay]:
        """The figures of the UTC days from `since` up to, but not including, `until`; days without anything are left out."""
        kept = KeptDays(calls, self._attempts, today=utc_now().date())
        if since < kept.today:
            await kept.look(since=since, until=until, naive_zone=self.naive_zone)
        figures = dict(kept.figures)
        runs = _unknown_runs(since, until, known=figures)
        while runs:
            run = runs.pop(0)
            counted = await count_days(calls, since=run[0], until=run[-1] + _ONE_DAY, naive_zone=self.naive_zone)
            if counted is None:
                runs[:0] = [run[: len(run) // 2], run[len(run) // 2 :]]
                continue
            await kept.keep(_worth_keeping(counted))
            figures |= {day.day: day for day in counted}
        return [figures[day] for day in sorted(figures) if not _is_empty(figures[day])]

    async def list_busiest(self, calls: Calls, *, since: datetime, until: datetime, limit: int) -> list[Session]:
        """The sessions that began then, those with the most messages first. One query, and a point read for each shown."""
        rows = await calls.query(usage_queries.begun(since, until, naive_zone=self.naive_zone))
        begun = [session for session in _read(rows, self.naive_zone) if since <= session.created_at < until]
        ids = [session.session_id for session in sorted(begun, key=_busyness, reverse=True)]
        found: list[Session] = []
        while ids and len(found) < limit:  # one that was deleted meanwhile makes room for the next
            wanted, ids = ids[: limit - len(found)], ids[limit - len(found) :]
            found += await find_sessions(calls, wanted, naive_zone=self.naive_zone)
        return sorted(found, key=_busyness, reverse=True)


def _unknown_runs(since: date, until: date, *, known: Container[date]) -> list[list[date]]:
    """The days that are not known, neighbours together."""
    days = (since + _ONE_DAY * number for number in range((until - since).days))
    return [list(run) for is_known, run in groupby(days, key=lambda day: day in known) if not is_known]


def _worth_keeping(counted: Iterable[UsageDay]) -> list[UsageDay]:
    runs = [(is_empty, list(run)) for is_empty, run in groupby(counted, key=_is_empty)]
    return [figures for is_empty, run in runs if not is_empty or len(run) < LONG_SILENCE for figures in run]


def _is_empty(figures: UsageDay) -> bool:
    return not figures.outcomes and not figures.agents


def _busyness(session: Session) -> tuple[int, datetime, str]:
    return session.message_count, session.created_at, session.session_id


def _read(rows: Sequence[Document], naive_zone: tzinfo | None) -> Iterator[Session]:
    for row in rows:
        try:
            yield read_begun(row, naive_zone)
        except StorageCorrupt as error:
            logger.warning("A session is left out of the busiest. %s", error)
