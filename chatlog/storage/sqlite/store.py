"""The embedded store: one SQLite file, nothing to install or configure, any number of processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import apsw

from chatlog.domain.clock import parse_timestamp
from chatlog.domain.filters import EVERYTHING, SearchQuery, SessionFilter
from chatlog.domain.ids import check_id
from chatlog.domain.limits import MAX_LIST_LIMIT, check_limit, check_number, check_sequence
from chatlog.domain.models import Message, MessageDraft, Session, SessionStatus, check_tags, check_title
from chatlog.domain.search import Term
from chatlog.domain.usage import UsageDay, check_stretch
from chatlog.errors import StorageReadOnly
from chatlog.storage.base import SearchPage, SessionPage
from chatlog.storage.cursors import decode_cursor
from chatlog.storage.documents import check_drafts_fit, session_to_document
from chatlog.storage.sqlite import counting, listing, messages, purging, queries, searching, sessions
from chatlog.storage.sqlite.reader import ChangeWatcher, ReaderPool
from chatlog.storage.sqlite.searching import SearchCursor
from chatlog.storage.sqlite.usage import UsageDays
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
        self._usage = UsageDays(self._readers, self._writer)
        self._prepared = False

    async def create_session(self, session: Session) -> Session:
        session_to_document(session)  # raises if Cosmos DB would not take it
        check_id(session.session_id, field="session_id")
        return await self._writer.run(partial(sessions.insert_session, session=session))

    async def list_sessions(
        self, *, limit: int = 50, cursor: str | None = None, where: SessionFilter = EVERYTHING
    ) -> SessionPage:
        check_limit(limit)
        start = None if cursor is None else decode_cursor(cursor)
        return await self._read(partial(listing.list_sessions, limit=limit, cursor=start, where=where))

    async def get_session(self, session_id: str) -> Session:
        check_id(session_id, field="session_id")
        return await self._read(partial(sessions.get_session, session_id=session_id))

    async def get_sessions(self, session_ids: Sequence[str]) -> list[Session]:
        check_number(len(session_ids), field="session_ids", minimum=0, maximum=MAX_LIST_LIMIT)
        wanted = [check_id(session_id, field="session_ids") for session_id in session_ids]
        return await self._read(partial(sessions.select_sessions_by_id, session_ids=wanted))

    async def update_session(
        self,
        session_id: str,
        *,
        status: SessionStatus | None = None,
        title: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> Session:
        check_id(session_id, field="session_id")
        new_title = title and check_title(title)  # an empty one takes the title away
        new_tags = None if tags is None else check_tags(tags)
        return await self._writer.run(
            partial(sessions.change_session, session_id=session_id, status=status, title=new_title, tags=new_tags)
        )

    async def delete_session(self, session_id: str) -> None:
        check_id(session_id, field="session_id")
        await self._writer.run(partial(sessions.delete_session, session_id=session_id))

    async def restore_session(self, session_id: str) -> Session:
        check_id(session_id, field="session_id")
        return await self._writer.run(partial(sessions.restore_session, session_id=session_id))

    async def purge_deleted(self, *, before: datetime) -> int:
        return await purging.purge_deleted(self._writer, before=parse_timestamp(before, field="before"))

    async def recount_session(self, session_id: str) -> Session:
        return await self.get_session(session_id)  # the figures are committed together with the messages

    async def append_messages(self, session_id: str, drafts: Sequence[MessageDraft]) -> list[Message]:
        check_id(session_id, field="session_id")
        check_drafts_fit(drafts, session_id=session_id)
        return await self._writer.run(partial(messages.append_messages, session_id=session_id, drafts=list(drafts)))

    async def list_messages(self, session_id: str, *, after: int = 0, limit: int = 200) -> list[Message]:
        check_id(session_id, field="session_id")
        check_sequence(after)
        check_limit(limit)
        return await self._read(partial(messages.select_messages_after, session_id=session_id, after=after, limit=limit))

    async def list_messages_before(self, session_id: str, *, before: int | None = None, limit: int = 200) -> list[Message]:
        check_id(session_id, field="session_id")
        if before is not None:
            check_sequence(before, field="before")
        check_limit(limit)
        return await self._read(partial(messages.select_messages_before, session_id=session_id, before=before, limit=limit))

    async def search(self, query: SearchQuery, *, limit: int = 50, cursor: str | None = None) -> SearchPage:
        check_limit(limit)
        start = SearchCursor() if cursor is None else SearchCursor.read(cursor)
        if not query.terms:
            return SearchPage((), None)
        return await self._read(partial(searching.search, query=query, limit=limit, start=start))

    async def list_matches(self, session_id: str, terms: Sequence[Term], *, limit: int = 1000) -> list[int]:
        check_id(session_id, field="session_id")
        check_limit(limit)
        if not terms:
            return []
        return await self._read(partial(searching.list_matches, session_id=session_id, terms=terms, limit=limit))

    async def get_last_sequence(self, session_id: str) -> int:
        check_id(session_id, field="session_id")
        place = await self._read(partial(messages.get_place, session_id=session_id))
        return place.last_sequence

    async def list_usage(self, *, since: date, until: date) -> list[UsageDay]:
        check_stretch(since, until)
        await self._prepare()
        return await self._usage.list_days(since=since, until=until)

    async def list_busiest(self, *, since: datetime, until: datetime, limit: int = 10) -> list[Session]:
        begin, end = parse_timestamp(since, field="since"), parse_timestamp(until, field="until")
        check_limit(limit)
        return await self._read(partial(counting.list_busiest, since=begin, until=end, limit=limit))

    async def wait_for_change(self, *, at_most: float) -> bool:
        await self._prepare()
        return await self._changes.wait(at_most=at_most)

    def count_waiting(self) -> dict[str, int]:
        return {"saves": self._writer.waiting}

    async def ping(self) -> None:
        await self._read(lambda connection: connection.execute(queries.PING).fetchall())

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
