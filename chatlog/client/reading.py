"""Reading over HTTP: what API v1 has no question for is put together from those it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chatlog.client.problems import Refusal
from chatlog.client.site import Site
from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SessionFilter
from chatlog.domain.limits import MAX_LIST_LIMIT
from chatlog.domain.models import Message
from chatlog.storage.base import SessionPage


class Reader:
    """What a remote store does to read. It lives in the store's own event loop."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def list_sessions(self, *, limit: int, cursor: str | None, where: SessionFilter) -> SessionPage:
        """A page of the site's list. What the API has no filter for is left out here, and the page is the shorter for it."""
        # Whole days, so rather too much than too little.
        days = {"from": _day(where.since), "to": None if where.until is None else _day(where.until - timedelta(microseconds=1))}
        with _typed_errors(""):
            sessions, next_cursor = await self._site.list_sessions(
                limit=limit,
                cursor=cursor,
                status=sorted(where.states),
                agent=where.agents,
                tag=where.tags,
                tz="UTC",
                **days,
            )
        # Whether it runs or stalls was decided by the site's clock, and is not decided again by ours.
        rest = replace(where, states=frozenset())
        return SessionPage(tuple(session for session in sessions if rest.accepts(session, now=utc_now())), next_cursor)

    async def list_messages(self, session_id: str, *, after: int, limit: int) -> list[Message]:
        """Messages with a sequence above `after`; the API's pages are shorter where messages are long."""
        messages: list[Message] = []
        while len(messages) < limit:
            with _typed_errors(session_id):
                page, more = await self._site.list_messages(session_id, after=after, limit=limit - len(messages))
            messages += page
            if more is None:
                break
            after = more
        return messages

    async def list_messages_before(self, session_id: str, *, before: int | None, limit: int) -> list[Message]:
        """The last messages with a sequence below `before`, or of all."""
        last = await self.get_last_sequence(session_id)
        last = last if before is None else min(last, before - 1)
        first = max(0, last - limit)
        return await self.list_messages(session_id, after=first, limit=last - first) if last > first else []

    async def get_last_sequence(self, session_id: str) -> int:
        """The sequence of the newest message: the session's count may be behind, so what follows it is looked at."""
        with _typed_errors(session_id):
            last = (await self._site.get_session(session_id)).message_count
        while page := await self.list_messages(session_id, after=last, limit=MAX_LIST_LIMIT):
            last = page[-1].sequence
        return last


def _day(moment: datetime | None) -> str | None:
    """The UTC day; `None` if there is none, or none that the API takes."""
    return None if moment is None or not 1990 <= moment.year < 2199 else moment.astimezone(UTC).date().isoformat()


@contextmanager
def _typed_errors(session_id: str) -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        raise refusal.as_error(session_id=session_id) from refusal
