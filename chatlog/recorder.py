"""The public face for writers: one discussion, recorded as it is spoken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from chatlog.domain.clock import utc_now
from chatlog.domain.ids import check_id, new_message_id
from chatlog.domain.models import JsonObject, Message, MessageDraft, MessageKind, Session, SessionStatus, draft_session
from chatlog.errors import ChatlogError, ConfigurationError
from chatlog.services.recording import NoSignals, Signals, record_change, record_messages, record_session
from chatlog.storage.base import SessionWriter

logger = logging.getLogger(__name__)


class Recorder:
    """Records one discussion.

        async with chatlog.Recorder(store, task="A name for the product") as session:
            await session.save(source="market_analyst", content="Short ones are taken.")

    With a `task` it begins a session; leaving the block completes it, an exception marks it failed, a cancellation
    cancelled. With only a `session_id` it continues a session, whose status it leaves alone. Any number of recorders, in any
    number of processes, may write to one session.

    Args:
        store: where to; see `chatlog.open_store()`. The recorder does not close it.
        task: what is discussed.
        session_id: the session to continue; together with `task`, the id of the session to begin.
        participants: who is expected to speak. Whoever speaks is added.
        title: a short name for lists; they show the first words of the task without one.
        tags: words to find it by.
        metadata: whatever else belongs to it; a JSON object.
        signals: whom to tell about each save, for a program that also shows the session.
    Raises:
        ConfigurationError: neither `task` nor `session_id` was given.
        InvalidInput: a value that cannot be stored.
    """

    def __init__(
        self,
        store: SessionWriter,
        *,
        task: str | None = None,
        session_id: str | None = None,
        participants: Iterable[str] = (),
        title: str | None = None,
        tags: Iterable[str] = (),
        metadata: JsonObject | None = None,
        signals: Signals | None = None,
    ) -> None:
        if task is None and session_id is None:
            raise ConfigurationError("A Recorder needs a task to begin a session, or a session_id to continue one.")
        self._store = store
        self._signals = NoSignals() if signals is None else signals
        self._begins: Session | None = None
        if task is not None:
            self._begins = draft_session(
                task=task, session_id=session_id, participants=participants, title=title, tags=tags, metadata=metadata
            )
        self.session_id = check_id(session_id, field="session_id") if self._begins is None else self._begins.session_id
        self._ended = False

    async def __aenter__(self) -> Self:
        """Begin or look up the session. Raises `SessionNotFound`, `SessionExists` or a `StorageError`."""
        if self._begins is None:
            await self._store.get_session(self.session_id)
        else:
            await record_session(self._store, self._signals, session=self._begins)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give a session that this recorder began the status its block earned."""
        if self._begins is None or self._ended:
            return
        try:
            await self.end(outcome(error))
        except ChatlogError:
            if error is None:
                raise
            # The block's own error matters more to the caller than a status that could not be written.
            logger.exception("Session %s ended with an error, and its status could not be stored.", self.session_id)

    async def save(
        self,
        *,
        source: str,
        content: str,
        message_id: str | None = None,
        timestamp: datetime | None = None,
        kind: str = MessageKind.TEXT,
        models_usage: JsonObject | None = None,
        metadata: JsonObject | None = None,
    ) -> Message:
        """Store one remark. When this returns it is safe, and has its `sequence`; over HTTP, perhaps a sequence of 0, which
        says that it is safe on this machine's disk and gets its number when the server is back.

        Saving again with the same `message_id` stores nothing and returns the original: after an error whose outcome is
        unknown, repeat the call with the id you gave.

        Raises:
            InvalidInput: a value that cannot be stored; the error names it.
            IdempotencyConflict: the `message_id` is taken by another remark of this session.
            StorageError: it may or may not be stored.
        """
        draft = MessageDraft(
            source=source,
            content=content,
            message_id=new_message_id() if message_id is None else message_id,
            timestamp=utc_now() if timestamp is None else timestamp,
            kind=kind,
            models_usage=models_usage,
            metadata={} if metadata is None else metadata,
        )
        return (await self.save_many([draft]))[0]

    async def save_many(self, drafts: Sequence[MessageDraft]) -> list[Message]:
        """Store any number of remarks in their order; see `SessionWriter.append_messages`."""
        return await record_messages(self._store, self._signals, session_id=self.session_id, drafts=drafts)

    async def end(self, status: SessionStatus = SessionStatus.COMPLETED) -> Session:
        """Give the session its final status now, whoever began it. Leaving the block then changes nothing more."""
        session = await record_change(self._store, self._signals, session_id=self.session_id, status=status)
        self._ended = True
        return session


def outcome(error: BaseException | None) -> SessionStatus:
    """The status that a block earned by what it raised, if anything."""
    if error is None:
        return SessionStatus.COMPLETED
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit | GeneratorExit):
        return SessionStatus.CANCELLED
    return SessionStatus.FAILED
