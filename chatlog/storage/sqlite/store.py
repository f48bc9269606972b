"""The embedded store: one SQLite file, nothing to install or configure, any number of processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import apsw

from chatlog.domain.clock import to_timestamp
from chatlog.domain.ids import check_id
from chatlog.domain.limits import check_limit, check_sequence
from chatlog.domain.models import Message, MessageDraft, Session, SessionStatus, check_tags, check_title
from chatlog.errors import SessionNotFound, StorageReadOnly
from chatlog.storage.base import SessionPage
from chatlog.storage.cursors import SessionCursor, decode_cursor, encode_cursor
from chatlog.storage.documents import check_drafts_fit, session_to_document
from chatlog.storage.sqlite import queries
from chatlog.storage.sqlite.reader import ChangeWatcher, ReaderPool
from chatlog.storage.sqlite.writer import GroupCommitWriter

Result = TypeVar("Result")


class SqliteSessionStore:
    """Keeps sessions in one SQLite database; see `SessionStore` for what each method promises.

    Saves go through one writer thread and are acknowledged after their commit is on the disk (WAL, `synchronous=FULL`).
    The limits are those of Cosmos DB, so that what is kept here can be moved there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = GroupCommitWriter(path)
        self._readers = ReaderPool(path)
        self._changes = ChangeWatcher(path)
        self._prepared = False

    async def create_session(self, session: Session) -> Session:
        session_to_document(session)  # raises if Cosmos DB would not take it
        check_id(session.session_id, field="session_id")
        return await self._writer.run(lambda connection: queries.insert_session(connection, session))

    async def list_sessions(
        self, *, limit: int = 50, cursor: str | None = None, running_since: datetime | None = None
    ) -> SessionPage:
        check_limit(limit)
        before = None if cursor is None else decode_cursor(cursor)
        found = await self._read(
            # One more than asked for tells whether there is a next page.
            lambda connection: queries.select_sessions(connection, limit=limit + 1, before=before, running_since=running_since)
        )
        return SessionPage(tuple(found[:limit]), _cursor_after(found[limit - 1]) if len(found) > limit else None)

    async def get_session(self, session_id: str) -> Session:
        check_id(session_id, field="session_id")
        return await self._read(lambda connection: queries.get_session(connection, session_id))

    async def update_session(
        self,
        session_id: str,
        *,
        status: SessionStatus | None = None,
        title: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> Session:
        check_id(session_id, field="session_id")
        new_title, new_tags = check_title(title), None if tags is None else check_tags(tags)
        return await self._writer.run(
            lambda connection: queries.change_session(connection, session_id, status=status, title=new_title, tags=new_tags)
        )

    async def recount_session(self, session_id: str) -> Session:
        return await self.get_session(session_id)  # the figures are committed together with the messages

    async def append_messages(self, session_id: str, drafts: Sequence[MessageDraft]) -> list[Message]:
        check_id(session_id, field="session_id")
        check_drafts_fit(drafts, session_id=session_id)
        wanted = list(drafts)
        return await self._writer.run(lambda connection: queries.append_messages(connection, session_id, wanted))

    async def list_messages(self, session_id: str, *, after: int = 0, limit: int = 200) -> list[Message]:
        check_id(session_id, field="session_id")
        check_sequence(after)
        check_limit(limit)

        def read(connection: apsw.Connection) -> list[Message]:
            found = queries.select_messages(connection, session_id, after=after, limit=limit)
            if not found and after == 0 and queries.find_session(connection, session_id) is None:
                raise SessionNotFound(session_id)
            return found

        return await self._read(read)

    async def get_last_sequence(self, session_id: str) -> int:
        check_id(session_id, field="session_id")
        return await self._read(lambda connection: queries.get_last_sequence(connection, session_id))

    async def wait_for_change(self, *, at_most: float) -> bool:
        await self._prepare()
        return await self._changes.wait(at_most=at_most)

    async def ping(self) -> None:
        await self._read(lambda connection: connection.execute("SELECT 1 FROM sessions LIMIT 1").fetchall())

    async def aclose(self) -> None:
        # The writer last: whoever closes last moves the write-ahead log into the database, which a reader may not.
        for part in (self._changes, self._readers, self._writer):
            await asyncio.to_thread(part.close)

    async def __aenter__(self) -> Self:
        try:
            await self.ping()
        except BaseException:  # raised again below; without this a thread would be left behind
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        await self.aclose()

    async def _read(self, read: Callable[[apsw.Connection], Result]) -> Result:
        await self._prepare()
        return await self._readers.run(read)

    async def _prepare(self) -> None:
        """Have the writer make file and tables before anything is read; a disk that is read-only may still be read."""
        if self._prepared:
            return
        try:
            await self._writer.run(lambda _: None)
        except StorageReadOnly:
            if not self.path.exists():
                raise
        self._prepared = True


def _cursor_after(session: Session) -> str:
    return encode_cursor(SessionCursor(to_timestamp(session.created_at), session.session_id))
