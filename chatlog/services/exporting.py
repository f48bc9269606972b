"""Take sessions along: a stream of bytes in any format, with one page of messages in memory at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from contextlib import suppress
from typing import Protocol

from chatlog.domain.filters import EVERYTHING, SessionFilter
from chatlog.domain.models import Message, Session
from chatlog.errors import SessionNotFound
from chatlog.storage.base import SessionReader

# A page of messages of a few kB each is about a megabyte; the round trips hardly count any more.
PAGE_MESSAGES = 200
PAGE_SESSIONS = 200


class Writer(Protocol):
    """A format: what to write at each place of an export. It may be called in any thread, in order."""

    def begin(self) -> str:
        """Before everything."""
        ...

    def session(self, session: Session, *, count: int) -> str:
        """Before the `count` messages of a session."""
        ...

    def messages(self, session: Session, messages: Sequence[Message]) -> str:
        """Some of a session's messages, at least one, in order."""
        ...

    def end(self, *, sessions: int, messages: int) -> str:
        """After everything."""
        ...


async def list_one(store: SessionReader, session_id: str) -> AsyncIterator[Session]:
    """That session. Raises `SessionNotFound`."""
    yield await store.get_session(session_id)


async def list_all(store: SessionReader, *, where: SessionFilter = EVERYTHING) -> AsyncIterator[Session]:
    """Every session under a filter, newest first, read page by page. Raises `StorageError`."""
    cursor: str | None = None
    while True:
        page = await store.list_sessions(limit=PAGE_SESSIONS, cursor=cursor, where=where)
        for session in page.items:
            with suppress(SessionNotFound):  # deleted since it was listed
                yield await store.get_session(session.session_id)  # a list need not have fields that chatlog does not know
        cursor = page.next_cursor
        if cursor is None:
            return


async def export_sessions(
    store: SessionReader, sessions: AsyncIterable[Session], *, writer: Writer
) -> AsyncGenerator[bytes, None]:
    """The sessions in that format, piece by piece. Each is exported as far as it had come when its turn came.

    Raises:
        SessionNotFound: a session was deleted after its export had begun. One deleted before that is left out.
        StorageError: what has been yielded so far is not a whole export.
    """
    done = messages = 0
    yield writer.begin().encode()
    async for session in sessions:
        async for page, count in _read_pages(store, session):
            text = await asyncio.to_thread(_write, writer, session, page, count)
            # Documents that chatlog did not write may hold a lone surrogate, which has no UTF-8 form.
            yield text.encode(errors="replace")
            messages += len(page)
            done += count is not None
    yield writer.end(sessions=done, messages=messages).encode()


def _write(writer: Writer, session: Session, page: list[Message], count: int | None) -> str:
    head = "" if count is None else writer.session(session, count=count)
    return head + (writer.messages(session, page) if page else "")


async def _read_pages(store: SessionReader, session: Session) -> AsyncIterator[tuple[list[Message], int | None]]:
    """A session's messages; with the first page, how many there will be in all."""
    try:
        page = await store.list_messages(session.session_id, limit=PAGE_MESSAGES)
        is_all = len(page) < PAGE_MESSAGES
        last = len(page) if is_all else await store.get_last_sequence(session.session_id)
    except SessionNotFound:
        return
    yield page, last
    while page and page[-1].sequence < last:
        after = page[-1].sequence
        page = await store.list_messages(session.session_id, after=after, limit=min(PAGE_MESSAGES, last - after))
        if not page:
            raise SessionNotFound(session.session_id)
        yield page, None
