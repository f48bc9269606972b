"""The document of one session: changed only as long as nobody else changed it, its figures following what was saved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from datetime import datetime, tzinfo

from chatlog.domain import limits
from chatlog.domain.clock import utc_now
from chatlog.domain.models import Message, Session
from chatlog.errors import ChatlogError, SessionDeleted, SessionNotFound, StorageError
from chatlog.storage.cosmos import queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.figures import Figures, Pending
from chatlog.storage.cosmos.numbering import renumber
from chatlog.storage.cosmos.parallel import each
from chatlog.storage.documents import (
    Document,
    deletion_time,
    message_from_document,
    session_from_document,
    session_to_document,
)

logger = logging.getLogger(__name__)
Change = Callable[[Session], Session]
Check = Callable[[Document], Document]


class SessionRecord:
    """One session's document, and what was saved since it was last brought up to date."""

    def __init__(self, calls: Calls, session_id: str, *, naive_zone: tzinfo | None, document: Document | None = None) -> None:
        self._calls = calls
        self._session_id = session_id
        self._naive_zone = naive_zone
        self._document = document
        self._lock = asyncio.Lock()
        self._figures = Figures()
        self.is_behind = False

    def note(self, messages: Iterable[Message], *, new_ids: Container[str]) -> None:
        """Remember saved messages for the next `catch_up`; `new_ids` are those that were not stored before."""
        self._figures.note(messages, new_ids=new_ids)
        self.is_behind = True

    async def get(self) -> Session:
        """The session as it is stored. Raises `SessionNotFound`."""
        return self._read(_not_deleted(await self._fetch()))

    async def check_exists(self) -> None:
        """Raise `SessionNotFound` if nothing can be saved into it. Into a deleted session it can."""
        await self._fetch()

    async def change(self, change: Change) -> Session:
        """Apply `change` and what was saved meanwhile, and return the session as stored. Raises `SessionNotFound`."""
        return await self._change(lambda session, pending: change(self._figures.added_to(session, pending)), check=_not_deleted)

    async def catch_up(self) -> bool:
        """Bring count, last time and speakers up to date, and return whether that is done with.

        A failure is logged only: the messages are safe, and the figures can wait.
        """
        try:
            # Also of a deleted session: what is saved into it is there when it is restored.
            await self._change(self._figures.added_to, check=lambda document: document)
        except StorageError:
            logger.warning("The figures of session %s will follow later.", self._session_id, exc_info=True)
            return False
        except ChatlogError:
            self.is_behind = False
            logger.warning("The figures of session %s cannot be stored.", self._session_id, exc_info=True)
        return True

    async def recount(self) -> Session:
        """Count, last time, speakers and activity from all messages stored. Raises `SessionNotFound`."""
        self._document = None
        rows = renumber(await self._calls.query(queries.speakers(self._session_id)), self._session_id)
        spoken = [self._read_message(row) for row in rows]
        return await self._change(
            lambda session, pending: self._figures.recounted(session, spoken, pending), check=_not_deleted
        )

    async def _change(self, change: Callable[[Session, Pending], Session], *, check: Check) -> Session:
        async with self._lock:
            self.is_behind, pending = False, self._figures.pending()
            try:
                session = await self._apply(lambda session: change(session, pending), check=check)
            except BaseException:  # a cancelled attempt is to be made up for as well
                self.is_behind = True
                raise
            self._figures.settle(pending)
            return session

    async def _apply(self, change: Change, *, check: Check) -> Session:
        budget = self._calls.budget("change a session")
        document = check(self._document or await self._fetch())
        while True:
            before = self._read(document)
            after = change(before)
            if after == before:
                return before
            wanted = _touched(before, after)
            self._document = await self._calls.patch(document, values=_differences(before, wanted, document))
            if self._document is not None:
                return self._read(self._document)
            await budget.yield_turn()
            document = check(await self._fetch())
            if self._read(document) == wanted:  # it was our own change, whose reply was lost: activity must not grow twice
                return wanted

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


def _differences(before: Session, after: Session, document: Document) -> Document:
    """The fields that differ, as they are to be stored. Raises `ItemTooLarge` if the result fits no store."""
    old, new = session_to_document(before), session_to_document(after)
    changed = {name: new.get(name) for name in {**old, **new} if old.get(name) != new.get(name)}
    # A document of the seed's form has nothing to be searched by.
    return changed | {name: new[name] for name in ("search_text", "timestamp") if name not in document}


def _not_deleted(document: Document) -> Document:
    """The document, if its session is not deleted. Raises `SessionNotFound`, as `SessionDeleted` while it can be restored."""
    deleted_at = deletion_time(document)
    if deleted_at is None:
        return document
    raise (SessionNotFound if is_past_undo(deleted_at) else SessionDeleted)(document["session_id"])


def is_past_undo(deleted_at: datetime) -> bool:
    """Whether what was deleted then cannot be restored any more."""
    return utc_now() - deleted_at >= limits.UNDO_PERIOD


async def find_sessions(calls: Calls, session_ids: Iterable[str], *, naive_zone: tzinfo | None) -> list[Session]:
    """Those of the sessions that are there and not deleted, in the order of the ids; one point read each."""
    found = await each(session_ids, lambda session_id: calls.find(session_id, partition=session_id))
    return [
        session_from_document(document, naive_zone=naive_zone)
        for document in found
        if document is not None and deletion_time(document) is None
    ]
