"""The distributed store: one container of Azure Cosmos DB for NoSQL, any number of processes on any number of machines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from types import TracebackType
from typing import Self

from chatlog.config import CosmosSettings
from chatlog.domain.clock import parse_timestamp, utc_now
from chatlog.domain.filters import EVERYTHING, SearchQuery, SessionFilter
from chatlog.domain.ids import check_id
from chatlog.domain.ledger import LedgerDay
from chatlog.domain.limits import MAX_INTEGER, MAX_LEDGER_DAYS, MAX_LIST_LIMIT, check_limit, check_number, check_sequence
from chatlog.domain.models import Message, MessageDraft, Session, SessionStatus, check_tags, check_title
from chatlog.domain.search import Term
from chatlog.domain.throughput import Offer
from chatlog.domain.tuning import TuningNote
from chatlog.domain.usage import UsageDay, check_stretch
from chatlog.errors import SessionExists
from chatlog.storage.base import SearchPage, SessionPage
from chatlog.storage.charging import KeptNote, OfferRefusal
from chatlog.storage.cosmos import deleting, reading
from chatlog.storage.cosmos.connection import Connections
from chatlog.storage.cosmos.listing import list_sessions
from chatlog.storage.cosmos.numbering import find_last_number
from chatlog.storage.cosmos.searching import Search, decode_search_cursor
from chatlog.storage.cosmos.session_record import find_sessions
from chatlog.storage.cosmos.tuning import Tuning
from chatlog.storage.cosmos.usage import Usage
from chatlog.storage.cursors import decode_cursor
from chatlog.storage.documents import session_from_document, session_to_document
from chatlog.storage.tuning_documents import (
    TUNING_ID,
    TUNING_PARTITION,
    new_tuning_document,
    note_from_document,
    tuning_values,
)


class CosmosSessionStore:
    """Keeps sessions in one Cosmos DB container; see `SessionStore` for what each method promises.

    A save is one `create_item`: the database's uniqueness of ids hands out the number. Count, last time and participants in the
    session's document follow within about a second and when the store is closed. What another process wrote is not announced:
    `wait_for_change` waits its time.
    """

    def __init__(self, settings: CosmosSettings, *, tuning: Tuning | None = None) -> None:
        self.settings = settings
        self._connections = Connections(settings, tuning or Tuning())
        self._usage = Usage(settings.naive_zone)

    async def create_session(self, session: Session) -> Session:
        check_id(session.session_id, field="session_id")
        document = session_to_document(session)
        async with self._connections.use() as connection:
            stored = await connection.calls.create_unless_there(document)
            if stored is not None:
                connection.writers.adopt(stored)
                return session
            existing = await connection.writers.new_record(session.session_id).get()
            if existing.task != session.task:
                raise SessionExists(session.session_id)
            return existing

    async def list_sessions(
        self, *, limit: int = 50, cursor: str | None = None, where: SessionFilter = EVERYTHING
    ) -> SessionPage:
        check_limit(limit)
        border = None if cursor is None else decode_cursor(cursor)
        async with self._connections.use() as connection:
            return await list_sessions(
                connection.calls,
                where=where,
                limit=limit,
                cursor=border,
                has_composite_index=connection.facts.has_list_index,
                naive_zone=self.settings.naive_zone,
            )

    async def get_session(self, session_id: str) -> Session:
        check_id(session_id, field="session_id")
        async with self._connections.use() as connection:
            return await connection.writers.new_record(session_id).get()

    async def get_sessions(self, session_ids: Sequence[str]) -> list[Session]:
        check_number(len(session_ids), field="session_ids", minimum=0, maximum=MAX_LIST_LIMIT)
        wanted = [check_id(session_id, field="session_ids") for session_id in session_ids]
        async with self._connections.use() as connection:
            return await find_sessions(connection.calls, wanted, naive_zone=self.settings.naive_zone)

    async def update_session(
        self,
        session_id: str,
        *,
        status: SessionStatus | None = None,
        title: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> Session:
        check_id(session_id, field="session_id")
        new_title, new_tags = check_title(title or None), None if tags is None else check_tags(tags)

        def change(session: Session) -> Session:
            return replace(
                session,
                status=session.status if status is None else SessionStatus(status),
                title=session.title if title is None else new_title,
                tags=session.tags if new_tags is None else new_tags,
                updated_at=max(utc_now(), session.updated_at),
            )

        async with self._connections.use() as connection:
            return await connection.writers.record_of(session_id).change(change)

    async def delete_session(self, session_id: str) -> None:
        check_id(session_id, field="session_id")
        async with self._connections.use() as connection:
            await deleting.delete_session(connection.calls, session_id, lets_items_expire=connection.facts.lets_items_expire)

    async def restore_session(self, session_id: str) -> Session:
        check_id(session_id, field="session_id")
        async with self._connections.use() as connection:
            document = await deleting.restore_session(connection.calls, session_id)
        return session_from_document(document, naive_zone=self.settings.naive_zone)

    async def purge_deleted(self, *, before: datetime) -> int:
        async with self._connections.use() as connection:
            return await deleting.purge_deleted(
                connection.calls, before=parse_timestamp(before, field="before"), naive_zone=self.settings.naive_zone
            )

    async def recount_session(self, session_id: str) -> Session:
        check_id(session_id, field="session_id")
        async with self._connections.use() as connection:
            return await connection.writers.record_of(session_id).recount()

    async def append_messages(self, session_id: str, drafts: Sequence[MessageDraft]) -> list[Message]:
        check_id(session_id, field="session_id")
        wanted = list(drafts)
        async with self._connections.use() as connection:
            if not wanted:
                await connection.writers.new_record(session_id).check_exists()
                return []
            return await connection.writers.get(session_id).save(wanted)

    async def list_messages(self, session_id: str, *, after: int = 0, limit: int = 200) -> list[Message]:
        check_id(session_id, field="session_id")
        check_sequence(after)
        check_limit(limit)
        async with self._connections.use() as connection:
            found = await reading.list_messages(
                connection.calls, session_id, after=after, limit=limit, naive_zone=self.settings.naive_zone
            )
            if not found and after == 0:
                await connection.writers.new_record(session_id).get()  # raises if there is no such session
            return found

    async def list_messages_before(self, session_id: str, *, before: int | None = None, limit: int = 200) -> list[Message]:
        check_id(session_id, field="session_id")
        bound = MAX_INTEGER + 1 if before is None else check_sequence(before, field="before")
        check_limit(limit)
        async with self._connections.use() as connection:
            found = await reading.list_messages_before(
                connection.calls, session_id, before=bound, limit=limit, naive_zone=self.settings.naive_zone
            )
            if not found:
                await connection.writers.new_record(session_id).get()  # raises if there is no such session
            return found

    async def search(self, query: SearchQuery, *, limit: int = 50, cursor: str | None = None) -> SearchPage:
        check_limit(limit)
        after = None if cursor is None else decode_search_cursor(cursor)
        if not query.terms:
            return SearchPage((), None)
        async with self._connections.use() as connection:
            search = Search(
                calls=connection.calls,
                query=query,
                limit=limit,
                after=after,
                has_composite_index=connection.facts.has_search_index,
                naive_zone=self.settings.naive_zone,
            )
            return await search.run()

    async def list_matches(self, session_id: str, terms: Sequence[Term], *, limit: int = 1000) -> list[int]:
        check_id(session_id, field="session_id")
        check_limit(limit)
        if not terms:
            return []
        async with self._connections.use() as connection:
            return await reading.list_matches(connection.calls, session_id, terms, limit=limit)

    async def get_last_sequence(self, session_id: str) -> int:
        check_id(session_id, field="session_id")
        async with self._connections.use() as connection:
            last = await find_last_number(connection.calls, session_id)
            if last == 0:
                await connection.writers.new_record(session_id).get()  # raises if there is no such session
            return last

    async def list_usage(self, *, since: date, until: date) -> list[UsageDay]:
        check_stretch(since, until)
        async with self._connections.use() as connection:
            return await self._usage.list_days(connection.calls, since=since, until=until)

    async def list_busiest(self, *, since: datetime, until: datetime, limit: int = 10) -> list[Session]:
        check_limit(limit)
        first, end = parse_timestamp(since, field="since"), parse_timestamp(until, field="until")
        async with self._connections.use() as connection:
            return await self._usage.list_busiest(connection.calls, since=first, until=end, limit=limit)

    async def wait_for_change(self, *, at_most: float) -> bool:
        await asyncio.sleep(at_most)
        return True

    async def list_ledger(self, *, since: date, until: date) -> list[LedgerDay]:
        check_number((until - since).days, field="until", minimum=1, maximum=MAX_LEDGER_DAYS)
        async with self._connections.use() as connection:
            return await connection.ledger.list_days(since=since, until=until)

    async def find_offer(self) -> Offer:
        async with self._connections.use() as connection:
            return await connection.offers.find()

    async def replace_offer(self, offer: Offer, *, throughput: int) -> OfferRefusal | None:
        async with self._connections.use() as connection:
            return await connection.offers.replace(offer, throughput)

    async def find_tuning_note(self) -> KeptNote:
        async with self._connections.use() as connection:
            document = await connection.calls.find(TUNING_ID, partition=TUNING_PARTITION)
        return KeptNote() if document is None else KeptNote(note_from_document(document), document["_etag"])

    async def keep_tuning_note(self, note: TuningNote, *, version: str | None) -> str | None:
        async with self._connections.use() as connection:
            if version is None:
                kept = await connection.calls.create_unless_there(new_tuning_document(note))
            else:
                document = {"id": TUNING_ID, "session_id": TUNING_PARTITION, "_etag": version}
                kept = await connection.calls.patch(document, values=tuning_values(note))
        return None if kept is None else str(kept["_etag"])

    def count_waiting(self) -> dict[str, int]:
        return {"saves": self._connections.count_waiting_saves()}

    async def ping(self) -> None:
        async with self._connections.use() as connection:
            # An item that cannot be there: asking for it costs one request unit, and "no such item" is an answer.
            await connection.calls.find("ping", partition="ping")

    async def aclose(self) -> None:
        await self._connections.aclose()

    async def __aenter__(self) -> Self:
        try:
            await self.ping()
        except BaseException:  # raised again below
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        await self.aclose()
