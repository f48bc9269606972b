"""The document of one session: changed only as long as nobody else changed it, its figures following what was saved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, tzinfo

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Message, Session
from chatlog.errors import ChatlogError, SessionNotFound, StorageError
from chatlog.storage.cosmos import queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.numbering import renumber
from chatlog.storage.documents import Document, message_from_document, session_from_document, session_to_document

logger = logging.getLogger(__name__)
Change = Callable[[Session], Session]


class SessionRecord:
    """One session's document, and what was saved since it was last brought up to date."""

    def __init__(self, calls: Calls, session_id: str, *, naive_zone: tzinfo | None, document: Document | None = None) -> None:
        self._calls = calls
        self._session_id = session_id
        self._naive_zone = naive_zone
        self._document = document
        self._lock = asyncio.Lock()
        self._count = 0
        self._last_at: datetime | None = None
        self._speakers: dict[str, None] = {}
        self.is_behind = False

    def note(self, messages: Iterable[Message]) -> None:
        """Remember saved messages for the next `catch_up`."""
        for message in messages:
            self._count = max(self._count, message.sequence)
            self._last_at = message.timestamp if self._last_at is None else max(self._last_at, message.timestamp)
            self._speakers[message.source] = None
        self.is_behind = True

    async def get(self) -> Session:
        """The session as it is stored. Raises `SessionNotFound`."""
        return self._read(await self._fetch())

    async def change(self, change: Change) -> Session:
        """Apply `change` and what was saved meanwhile, and return the session as stored. Raises `SessionNotFound`."""
        async with self._lock:
            self.is_behind = False
            try:
                return await self._apply(lambda session: change(self._with_figures(session)))
            except BaseException:  # a cancelled attempt is to be made up for as well
                self.is_behind = True
                raise

    async def catch_up(self) -> bool:
        """Bring count, last time and speakers up to date, and return whether that is done with.

        A failure is logged only: the messages are safe, and the figures can wait.
        """
        try:
            await self.change(lambda session: session)
        except StorageError:
            logger.warning("The figures of session %s will follow later.", self._session_id, exc_info=True)
            return False
        except ChatlogError:
            self.is_behind = False
            logger.warning("The figures of session %s cannot be stored.", self._session_id, exc_info=True)
        return True

    async def recount(self) -> Session:
        """Count, last time and speakers from all messages stored. Raises `SessionNotFound`."""
        self._document = None
        rows = renumber(await self._calls.query(queries.speakers(self._session_id)), self._session_id)
        spoken = [self._read_message(row) for row in rows]
        times = [message.timestamp for message in spoken] + ([] if self._last_at is None else [self._last_at])
        return await self.change(
            lambda session: replace(
                session,
                message_count=max(len(rows), self._count),
                last_message_at=max(times, default=None),
                participants=tuple(dict.fromkeys((*session.participants, *(message.source for message in spoken)))),
            )
        )

    def _with_figures(self, session: Session) -> Session:
        """The session with figures that only grow: another writer may know of more."""
        times = [time for time in (session.last_message_at, self._last_at) if time is not None]
        return replace(
            session,
            message_count=max(session.message_count, self._count),
            last_message_at=max(times, default=None),
            participants=tuple(dict.fromkeys((*session.participants, *self._speakers))),
        )

    async def _apply(self, change: Change) -> Session:
        budget = self._calls.budget("change a session")
        document = self._document or await self._fetch()
        while True:
            before = self._read(document)
            after = change(before)
            if after == before:
                return before
            self._document = await self._calls.set_fields(document, _differences(before, _touched(before, after)))
            if self._document is not None:
                return self._read(self._document)
            await budget.yield_turn()
            document = await self._fetch()

    async def _fetch(self) -> Document:
        self._document = await self._calls.find(self._session_id, partition=self._session_id)
        if self._document is None:
            raise SessionNotFound(self._session_id)
        return self._document

    def _read(self, document: Document) -> Session:
        return session_from_document(document, naive_zone=self._naive_zone)

    def _read_message(self, row: Document) -> Message:
        return message_from_document({**row, "session_id": self._session_id, "content": ""}, naive_zone=self._naive_zone)


def _touched(before: Session, after: Session) -> Session:
    return replace(after, updated_at=max(before.updated_at, after.updated_at, utc_now()))


def _differences(before: Session, after: Session) -> Document:
    """The fields that differ, as they are to be stored. Raises `ItemTooLarge` if the result fits no store."""
    old, new = session_to_document(before), session_to_document(after)
    return {name: value for name, value in new.items() if name not in old or old[name] != value}
