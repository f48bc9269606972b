"""Use cases that read: the list of sessions, and one session's messages in parts that a page can show."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatlog.domain import limits
from chatlog.domain.clock import to_timestamp
from chatlog.domain.filters import EVERYTHING, SessionFilter
from chatlog.domain.models import Message, Session, SessionState
from chatlog.storage.base import SessionPage, SessionStore
from chatlog.storage.cursors import SessionCursor, encode_cursor

logger = logging.getLogger(__name__)

# What a page shows at first: more than a screen in both directions, and as quick to lay out in a session of any length.
WINDOW_MESSAGES = 60
MOST_RUNNING = 100


@dataclass(frozen=True, slots=True)
class FrontPage:
    """The first page of the list.

    Attributes:
        running: active and heard of lately, newest first; shown on top.
        sessions: the others, newest first.
        next_cursor: for `list_page`; `None` if this is all.
        total: how many sessions there are under the filter; `None` if the store did not count them.
    """

    running: tuple[Session, ...]
    sessions: tuple[Session, ...]
    next_cursor: str | None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """A part of a session without a hole.

    Attributes:
        messages: in order.
        previous: the message before the first of them, which decides whether the first continues a speech; `None` at the start.
        has_later: whether there are messages after the last of them.
    """

    messages: tuple[Message, ...]
    previous: Message | None = None
    has_later: bool = False

    @property
    def first_sequence(self) -> int:
        """The number of the first message shown, 0 if there is none."""
        return self.messages[0].sequence if self.messages else 0

    @property
    def last_sequence(self) -> int:
        """The number of the last message shown, 0 if there is none."""
        return self.messages[-1].sequence if self.messages else 0


async def list_front_page(store: SessionStore, *, where: SessionFilter = EVERYTHING, limit: int = 50) -> FrontPage:
    """What is running now, and the newest of the rest. Raises `StorageError`."""
    running: tuple[Session, ...] = ()
    if not where.states or SessionState.RUNNING in where.states:
        only_running = replace(where, states=frozenset({SessionState.RUNNING}))
        running = (await store.list_sessions(limit=MOST_RUNNING, where=only_running)).items
    newest = await store.list_sessions(limit=limit, where=where)
    on_top = {session.session_id for session in running}
    rest = tuple(session for session in newest.items if session.session_id not in on_top)
    return FrontPage(running, rest, newest.next_cursor, newest.total)


async def list_page(store: SessionStore, *, cursor: str, where: SessionFilter = EVERYTHING, limit: int = 50) -> SessionPage:
    """The sessions before or after a cursor, all in their place in time. Raises `InvalidCursor`, `StorageError`."""
    return await store.list_sessions(limit=limit, cursor=cursor, where=where)


async def find_newer(store: SessionStore, session: Session) -> Session | None:
    """The session that comes before this one in the list, or `None` for the newest. Raises `StorageError`."""
    return await _find_neighbour(store, session, is_backwards=True)


async def find_older(store: SessionStore, session: Session) -> Session | None:
    """The session that comes after this one in the list, or `None` for the oldest. Raises `StorageError`."""
    return await _find_neighbour(store, session, is_backwards=False)


async def get_newest(store: SessionStore, session_id: str) -> Transcript:
    """The newest part of a session. Raises `SessionNotFound`."""
    return await get_earlier(store, session_id, before=None)


async def get_earlier(store: SessionStore, session_id: str, *, before: int | None) -> Transcript:
    """The part before message `before`, or before the end. Raises `SessionNotFound`, `InvalidNumber`."""
    # One more than is shown: the message before them.
    found = await store.list_messages_before(session_id, before=before, limit=WINDOW_MESSAGES + 1)
    previous = found.pop(0) if len(found) > WINDOW_MESSAGES else None
    return Transcript(tuple(found), previous, has_later=before is not None)


async def get_later(store: SessionStore, session_id: str, *, after: int) -> Transcript:
    """The part after message `after`. Raises `SessionNotFound`, `InvalidNumber`."""
    limits.check_sequence(after)
    return await _read_on(store, session_id, after=after)


async def get_around(store: SessionStore, session_id: str, *, sequence: int) -> Transcript:
    """The part with message `sequence` in its middle; empty if there is none so far. Raises as `get_later`."""
    limits.check_number(sequence, field="sequence", minimum=1, maximum=limits.MAX_INTEGER)
    part = await _read_on(store, session_id, after=max(0, sequence - 1 - WINDOW_MESSAGES // 2))
    return part if part.last_sequence >= sequence else Transcript(())


def without_hole(messages: Sequence[Message], *, after: int) -> Sequence[Message]:
    """The messages that follow each other from `after` on, up to where one is missing; whoever reads again finds it."""
    for offset, message in enumerate(messages):
        if message.sequence != after + 1 + offset:
            logger.warning("Session %s: message %d came before %d.", message.session_id, message.sequence, after + 1 + offset)
            return messages[:offset]
    return messages


async def _read_on(store: SessionStore, session_id: str, *, after: int) -> Transcript:
    # One more at either end: the message before, and whether there is one after.
    has_previous = after > 0
    found = await store.list_messages(session_id, after=after - has_previous, limit=WINDOW_MESSAGES + 1 + has_previous)
    previous = found.pop(0) if has_previous and found else None
    return Transcript(tuple(found[:WINDOW_MESSAGES]), previous, has_later=len(found) > WINDOW_MESSAGES)


async def _find_neighbour(store: SessionStore, session: Session, *, is_backwards: bool) -> Session | None:
    here = SessionCursor(to_timestamp(session.created_at), session.session_id, is_backwards)
    items = (await store.list_sessions(limit=1, cursor=encode_cursor(here))).items
    return items[0] if items else None
