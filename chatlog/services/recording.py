"""Use cases that write: store first, then tell whoever watches. Telling may fail; what is stored stays stored."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from chatlog.domain.counters import counters
from chatlog.domain.models import Message, MessageDraft, Session, SessionStatus
from chatlog.storage.base import SessionStore, SessionWriter

logger = logging.getLogger(__name__)


class Signals(Protocol):
    """Tells watchers that a session has moved on. A hint without content: it may be lost, the store is the truth."""

    def notify(self, session_id: str) -> None:
        """Return at once; deliver in the background."""
        ...


class NoSignals:
    """For writers that nobody in this process watches: a dashboard sees their writes by watching the store."""

    def notify(self, session_id: str) -> None:
        """Do nothing."""


async def record_session(store: SessionWriter, signals: Signals, *, session: Session) -> Session:
    """Store a new session and tell. Raises what `SessionWriter.create_session` raises."""
    stored = await store.create_session(session)
    _tell(signals, stored.session_id)
    return stored


async def record_messages(
    store: SessionWriter, signals: Signals, *, session_id: str, drafts: Sequence[MessageDraft]
) -> list[Message]:
    """Store messages and tell. Raises what `SessionWriter.append_messages` raises."""
    began = time.perf_counter()
    try:
        messages = await store.append_messages(session_id, drafts)
    except Exception as error:  # raised again: it is only counted
        counters.note_save_failure(error)
        raise
    counters.note_save(messages=len(messages), seconds=time.perf_counter() - began)
    _tell(signals, session_id)
    return messages


async def record_change(
    store: SessionWriter,
    signals: Signals,
    *,
    session_id: str,
    status: SessionStatus | None = None,
    title: str | None = None,
    tags: Iterable[str] | None = None,
) -> Session:
    """Change a session and tell. Raises what `SessionWriter.update_session` raises."""
    session = await store.update_session(session_id, status=status, title=title, tags=tags)
    _tell(signals, session_id)
    return session


async def record_deletion(store: SessionStore, signals: Signals, *, session_id: str) -> None:
    """Delete a session, which can be undone, and tell. Raises what `SessionStore.delete_session` raises."""
    await store.delete_session(session_id)
    _tell(signals, session_id)


async def record_restoration(store: SessionStore, signals: Signals, *, session_id: str) -> Session:
    """Undo a deletion and tell. Raises what `SessionStore.restore_session` raises."""
    session = await store.restore_session(session_id)
    _tell(signals, session_id)
    return session


def _tell(signals: Signals, session_id: str) -> None:
    try:
        signals.notify(session_id)
    except Exception:  # whatever a signal's carrier throws, the save has happened and must not look as if it had not
        logger.warning("Watchers of session %s were not told; they will see it at their next look.", session_id, exc_info=True)
