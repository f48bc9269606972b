"""Use case: follow every discussion that goes on, those that begin meanwhile too."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SessionFilter
from chatlog.domain.models import Message, Session, SessionState, SessionStatus
from chatlog.errors import SessionNotFound
from chatlog.services.following import (
    Begun,
    Ended,
    Events,
    Look,
    MessageMissing,
    Said,
    answer_of,
    find_end,
    keep_looking,
    read_on,
)
from chatlog.storage.base import SessionReader

MOST_SESSIONS = 1_000
# Newer than this before the start, and not seen at the first look: it began since. Writers' clocks differ by less.
CLOCKS_DIFFER_BY = timedelta(minutes=5)
# Where a count lags behind its messages, or was left behind by a writer that was killed, every so many looks finds them.
READ_ALL_EVERY = 5
_NEWEST = 50
_ACTIVE = SessionFilter(states=frozenset({SessionState.RUNNING, SessionState.STALLED}))


async def follow_all(store: SessionReader, *, last: int = 0, until_quiet: bool = False) -> Events:
    """What is said from now on, each message once; those of one session in order.

    Args:
        last: of the sessions that go on already, so many messages first. A session that begins meanwhile is told whole.
        until_quiet: stop where there is nothing more so far. Without it, this goes on for ever.
    Raises:
        StorageError: the store cannot be read, and waiting will not help.
    """
    all_sessions = _AllSessions(store, last=last)
    async for event in keep_looking(store, all_sessions.look, until_quiet=until_quiet):
        yield event


class _AllSessions:
    """Every session that is followed, and how far it has been told.

    Of a session whose count has not moved, nothing is read but its entry in the list.
    """

    def __init__(self, store: SessionReader, *, last: int) -> None:
        self._store = store
        self._last = last
        self._border = utc_now() - CLOCKS_DIFFER_BY
        self._cursors: dict[str, int] = {}
        self._sessions: dict[str, Session] = {}
        self._known: set[str] = set()
        self._looks = 0

    async def look(self) -> Look:
        newest = await self._list_newest()
        sessions = await self._list_going_on(newest)
        deleted = await self._add_gone(sessions)
        cursors, pages = await self._read_all(sessions)
        # Deleted since it was listed: as if it had been before.
        deleted += [self._sessions[id_] for id_ in sessions if id_ not in pages and id_ in self._sessions]
        sessions = {id_: one for id_, one in sessions.items() if id_ in pages}
        # From here on nothing waits: what is told and what is known change together.
        ended = [one for id_, one in sessions.items() if one.status is not SessionStatus.ACTIVE and not pages[id_]]
        over = {session.session_id for session in ended}
        begun = [one for id_, one in sessions.items() if id_ not in self._cursors]
        self._looks += 1
        self._known |= {*sessions, *(session.session_id for session in newest)}
        self._cursors = {id_: cursors[id_] + len(page) for id_, page in pages.items() if id_ not in over}
        self._sessions = {id_: one for id_, one in sessions.items() if id_ not in over}
        return Look(
            [
                *(Begun(session) for session in begun),
                *_merge((sessions[id_], page) for id_, page in pages.items()),
                *(Ended(session, session.status) for session in ended),
                *(Ended(session, None) for session in deleted),
            ],
            has_moved=any(pages.values()),
        )

    async def _list_going_on(self, newest: Sequence[Session]) -> dict[str, Session]:
        """Those that are active, and those that have begun and ended since the last look."""
        listed = await answer_of(self._store.list_sessions(limit=MOST_SESSIONS, where=_ACTIVE))
        sessions = {session.session_id: session for session in listed.items}
        if self._looks:
            sessions |= {session.session_id: session for session in newest if self._is_new(session)}
        return sessions

    async def _list_newest(self) -> list[Session]:
        """The newest sessions, back to one that is known, or that began before this did."""
        found: list[Session] = []
        cursor: str | None = None
        while True:
            page = await answer_of(self._store.list_sessions(limit=_NEWEST, cursor=cursor))
            found += page.items
            cursor = page.next_cursor
            if cursor is None or any(not self._is_new(session) for session in page.items):
                return found

    def _is_new(self, session: Session) -> bool:
        return session.session_id not in self._known and session.created_at >= self._border

    async def _add_gone(self, sessions: dict[str, Session]) -> list[Session]:
        """Complete the sessions by those that are followed and not listed any more; return those that were deleted."""
        deleted = []
        for session_id in [one for one in self._cursors if one not in sessions]:
            try:
                sessions[session_id] = await answer_of(self._store.get_session(session_id))
            except SessionNotFound:
                deleted.append(self._sessions[session_id])
        return deleted

    async def _read_all(self, sessions: dict[str, Session]) -> tuple[dict[str, int], dict[str, Sequence[Message]]]:
        """Of each that is still there: the cursor that it was read from, and what comes after it."""
        cursors: dict[str, int] = {}
        pages: dict[str, Sequence[Message]] = {}
        now = utc_now()
        for id_, session in sessions.items():
            with suppress(SessionNotFound):
                if id_ in self._cursors:
                    cursors[id_], pages[id_] = self._cursors[id_], await self._read(session, self._cursors[id_], now)
                else:
                    cursors[id_], pages[id_] = await self._begin(session, now)
        return cursors, pages

    async def _begin(self, session: Session, now: datetime) -> tuple[int, Sequence[Message]]:
        """The same of one that was not followed so far. There may be a thousand, so one that is silent is taken at its word."""
        if self._looks and self._is_new(session):
            return 0, await self._read_on(session, 0)
        is_running = session.state(now) is SessionState.RUNNING
        end = await find_end(self._store, session) if is_running else session.message_count
        cursor = max(0, end - self._last)
        return cursor, await self._read_on(session, cursor) if end > cursor else ()

    async def _read(self, session: Session, cursor: int, now: datetime) -> Sequence[Message]:
        is_due = session.status is not SessionStatus.ACTIVE or (
            self._looks % READ_ALL_EVERY == 0 and session.state(now) is SessionState.RUNNING
        )
        return await self._read_on(session, cursor) if is_due or session.message_count > cursor else ()

    async def _read_on(self, session: Session, cursor: int) -> Sequence[Message]:
        try:
            return await read_on(self._store, session.session_id, after=cursor)
        except MessageMissing:  # it was logged; the other discussions go on
            return ()


def _merge(pages: Iterable[tuple[Session, Sequence[Message]]]) -> Iterable[Said]:
    """As they were said, as far as that keeps each session's own order."""
    said = [[Said(session, message) for message in page] for session, page in pages]
    return heapq.merge(*said, key=lambda one: one.message.timestamp)
