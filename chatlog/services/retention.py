"""Forget what is old: which sessions are to go, and letting them go."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from chatlog.domain.filters import SessionFilter
from chatlog.domain.limits import UNDO_PERIOD
from chatlog.domain.models import Session, SessionState
from chatlog.storage.base import SessionStore

PAGE_SESSIONS = 100
SHOWN_SESSIONS = 5

FindExempt = Callable[[Sequence[str]], Awaitable[Collection[str]]]


@dataclass(frozen=True, slots=True)
class RetentionPreview:
    """What would go.

    Attributes:
        oldest: when something last happened in the session that has been silent longest; `None` if none would go.
        newest: when something last happened in the one that has been silent shortest.
        first: some of the sessions, the last begun first.
    """

    sessions: int
    messages: int
    oldest: datetime | None
    newest: datetime | None
    first: tuple[Session, ...]


async def list_expired(
    store: SessionStore, *, before: datetime, now: datetime, find_exempt: FindExempt
) -> AsyncIterator[Session]:
    """Sessions in which nothing has happened since `before`, the last begun first. Never one that runs.

    Args:
        find_exempt: says which of some session ids are to stay; asked right before those sessions are yielded.
    Raises:
        StorageError: the store could not list them.
    """
    cursor: str | None = None
    where = SessionFilter(until=before)  # what began later cannot have been silent since
    while True:
        page = await store.list_sessions(limit=PAGE_SESSIONS, cursor=cursor, where=where)
        silent = [session for session in page.items if session.last_activity_at < before]
        exempt = await find_exempt([session.session_id for session in silent])
        for session in silent:
            if session.session_id not in exempt and session.state(now) is not SessionState.RUNNING:
                yield session
        cursor = page.next_cursor
        if cursor is None:
            return


async def preview(expired: AsyncIterable[Session]) -> RetentionPreview:
    """Count what would go, and keep a few to show."""
    sessions = messages = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    first: list[Session] = []
    async for session in expired:
        sessions += 1
        messages += session.message_count
        oldest = min(oldest or session.last_activity_at, session.last_activity_at)
        newest = max(newest or session.last_activity_at, session.last_activity_at)
        if len(first) < SHOWN_SESSIONS:
            first.append(session)
    return RetentionPreview(sessions, messages, oldest, newest, tuple(first))


async def delete_expired(
    store: SessionStore, expired: AsyncIterable[Session], *, on_deleted: Callable[[Session], None]
) -> None:
    """Delete them, one after the other; each can be restored for `limits.UNDO_PERIOD`. Stopping loses nothing.

    Raises:
        StorageError: the store could not delete one; those before it are deleted.
    """
    async for session in expired:
        await store.delete_session(session.session_id)
        on_deleted(session)


async def remove_deleted(store: SessionStore, *, now: datetime) -> int:
    """Remove for good what was deleted so long ago that it cannot be restored any more; how many sessions that were."""
    return await store.purge_deleted(before=now - UNDO_PERIOD)
