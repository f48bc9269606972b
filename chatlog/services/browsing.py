"""Use cases that read: the list of sessions, and one session's messages in parts that a page can show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chatlog.domain import limits
from chatlog.domain.models import Message, Session
from chatlog.storage.base import SessionPage, SessionStore

# What one page shows at once: enough for nearly every discussion, and still quick to send and to lay out.
TRANSCRIPT_MESSAGES = 500
MOST_RUNNING = 100


@dataclass(frozen=True, slots=True)
class FrontPage:
    """The first page of the list.

    Attributes:
        running: active and heard of lately, newest first; shown on top.
        sessions: the others, newest first.
        next_cursor: for `list_older_sessions`; `None` if this is all.
    """

    running: tuple[Session, ...]
    sessions: tuple[Session, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """A part of a session without a hole.

    Attributes:
        messages: in order.
        previous: the message before the first of them, which decides whether the first continues a speech; `None` at the start.
        last_sequence: the newest message of the whole session, 0 if there is none.
    """

    messages: tuple[Message, ...]
    previous: Message | None
    last_sequence: int

    @property
    def first_sequence(self) -> int:
        """The number of the first message shown, 0 if there is none."""
        return self.messages[0].sequence if self.messages else 0


async def list_front_page(store: SessionStore, *, now: datetime, limit: int = 50) -> FrontPage:
    """What is running now, and the newest of the rest. Raises `StorageError`."""
    running = await store.list_sessions(limit=MOST_RUNNING, running_since=now - limits.STALLED_AFTER)
    newest = await store.list_sessions(limit=limit)
    on_top = {session.session_id for session in running.items}
    rest = tuple(session for session in newest.items if session.session_id not in on_top)
    return FrontPage(running.items, rest, newest.next_cursor)


async def list_older_sessions(store: SessionStore, *, cursor: str, limit: int = 50) -> SessionPage:
    """The sessions after a cursor, the running ones in their place in time. Raises `InvalidCursor`, `StorageError`."""
    return await store.list_sessions(limit=limit, cursor=cursor)


async def get_transcript(store: SessionStore, session_id: str, *, before: int | None = None) -> Transcript:
    """The newest part of a session, or the part before message `before`.

    Raises:
        SessionNotFound: there is no such session.
        InvalidNumber: `before` is out of range.
    """
    last = await store.get_last_sequence(session_id)
    end = last if before is None else min(last, limits.check_sequence(before, field="before") - 1)
    start = max(0, end - TRANSCRIPT_MESSAGES)
    if end <= start:
        return Transcript((), None, last)
    messages = await store.list_messages(session_id, after=max(0, start - 1), limit=end - start + (start > 0))
    previous = messages[0] if start > 0 and messages else None
    return Transcript(tuple(messages[1:] if start > 0 else messages), previous, last)
