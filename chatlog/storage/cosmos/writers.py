"""The writers of one process, one for each session that is being written to, and no more than that."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Sequence
from datetime import tzinfo

from chatlog.domain.models import MessageDraft
from chatlog.storage.cosmos.appender import Appender
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.container import ContainerFacts
from chatlog.storage.cosmos.session_record import SessionRecord
from chatlog.storage.cosmos.tuning import Tuning
from chatlog.storage.cosmos.writer import SessionWriter
from chatlog.storage.documents import Document

logger = logging.getLogger("chatlog.charges")
_LONGEST_LAG = 30.0


class SessionWriters:
    """Makes a writer when a session is first written to, keeps its document up to date, and drops it when it is idle."""

    def __init__(
        self, calls: Calls, facts: ContainerFacts, *, tuning: Tuning, batches_are_atomic: bool, naive_zone: tzinfo | None
    ) -> None:
        self._calls = calls
        self._facts = facts
        self._tuning = tuning
        self._batches_are_atomic = batches_are_atomic
        self._naive_zone = naive_zone
        self._writers: dict[str, SessionWriter] = {}
        self._followers: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Saves that have not been begun."""
        return sum(writer.waiting for writer in list(self._writers.values()))  # asked from other threads, too

    def __len__(self) -> int:
        return len(self._writers)

    def get(self, session_id: str) -> SessionWriter:
        """The writer of a session; a new one looks the session up before its first save."""
        writer = self._writers.get(session_id)
        return self._add(self.new_record(session_id), session_id, last_number=None) if writer is None else writer

    def adopt(self, document: Document) -> None:
        """Make the writer of a session that was created just now: there is nothing in it to look up."""
        session_id = document["session_id"]
        self._add(self.new_record(session_id, document), session_id, last_number=0)

    def record_of(self, session_id: str) -> SessionRecord:
        """The session's document, the writer's own if there is one."""
        writer = self._writers.get(session_id)
        return self.new_record(session_id) if writer is None else writer.record

    def new_record(self, session_id: str, document: Document | None = None) -> SessionRecord:
        """A view of a session's document that knows of no saves."""
        return SessionRecord(self._calls, session_id, naive_zone=self._naive_zone, document=document)

    async def finish(self) -> None:
        """Do what is under way and bring all documents up to date. Nobody may begin anything meanwhile."""
        for follower in self._followers:
            follower.cancel()
        await asyncio.gather(*self._followers, return_exceptions=True)
        await asyncio.gather(*(writer.finish() for writer in self._writers.values()))
        for session_id, writer in self._writers.items():
            _tell_charges(session_id, writer)
        self._writers.clear()

    def _add(self, record: SessionRecord, session_id: str, *, last_number: int | None) -> SessionWriter:
        appender = Appender(
            self._calls,
            record,
            session_id,
            last_number=last_number,
            must_look_first=self._must_look_first,
            naive_zone=self._naive_zone,
        )
        writer = self._writers[session_id] = SessionWriter(appender, record, session_id)
        # Not in the context of the caller, who would be charged for it long after.
        follower = asyncio.create_task(
            self._follow(session_id, writer), name=f"chatlog-figures-{session_id}", context=contextvars.Context()
        )
        self._followers.add(follower)
        follower.add_done_callback(self._followers.discard)
        return writer

    def _must_look_first(self, drafts: Sequence[MessageDraft]) -> bool:
        return not self._facts.has_unique_message_ids or (len(drafts) > 1 and not self._batches_are_atomic)

    async def _follow(self, session_id: str, writer: SessionWriter) -> None:
        """Bring the document up to date while something is saved; forget the writer after a while without."""
        idle, pause = 0.0, self._tuning.figures_seconds
        while idle < self._tuning.idle_seconds:
            await asyncio.sleep(pause)
            idle = idle + pause if writer.is_idle else 0.0
            if writer.record.is_behind:
                done = await writer.catch_up()
                pause = self._tuning.figures_seconds if done else min(_LONGEST_LAG, pause * 2)
        if self._writers.get(session_id) is writer:  # not one that took its place when the session was created anew
            del self._writers[session_id]
        _tell_charges(session_id, writer)


def _tell_charges(session_id: str, writer: SessionWriter) -> None:
    if writer.charges.calls:
        logger.info("Saving into session %s: %s", session_id, writer.charges)
