"""Deleting, with a way back: hidden at once, removed by the database itself after a while.

The session's document is marked first, which hides it. Then each message gets a time to live, and last the session's document,
so that one that expires leaves nothing behind. Restoring goes the same way back, the session's document last again. Either may
be interrupted anywhere: repeating it goes on where it ended, and `purge` ends a deletion that nobody repeats.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from chatlog.domain import limits
from chatlog.domain.clock import to_timestamp, utc_now
from chatlog.errors import SessionNotFound, StorageError
from chatlog.storage.cosmos import queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.parallel import each
from chatlog.storage.cosmos.queries import Query
from chatlog.storage.cosmos.session_record import is_past_undo
from chatlog.storage.cosmos.usage_healing import forget_before_removal
from chatlog.storage.documents import Document, deletion_time

logger = logging.getLogger(__name__)

# A restoring that begins in the last moment needs time to end. Seconds since an item's last change, as the service counts.
TTL = int((limits.UNDO_PERIOD + timedelta(hours=1)).total_seconds())


@dataclass(frozen=True, slots=True)
class _Change:
    """Fields to set and to take away."""

    values: Document
    without: tuple[str, ...] = ()


async def delete_session(calls: Calls, session_id: str, *, lets_items_expire: bool) -> None:
    """Hide a session, and see to it that it expires. Raises `SessionNotFound`, and a `StorageError` if it is not hidden."""
    await _change_session(calls, session_id, _mark)
    if not lets_items_expire:
        return
    try:
        await _change_messages(calls, queries.lasting_items(session_id), _Change({"ttl": TTL}))
        document = await _change_session(calls, session_id, _let_expire)
        if deletion_time(document) is None:  # somebody restored it meanwhile
            await _keep_messages(calls, session_id)
    except StorageError:
        # It is hidden, as was asked; purging makes up for the rest.
        logger.warning("Session %s is deleted, but not all of it expires by itself yet.", session_id, exc_info=True)


async def restore_session(calls: Calls, session_id: str) -> Document:
    """Bring a session back, and return its document. Raises `SessionNotFound`, `StorageError`; it can be repeated."""
    document = await _find(calls, session_id)
    deleted_at = deletion_time(document)
    if deleted_at is None:
        return document
    if is_past_undo(deleted_at):
        raise SessionNotFound(session_id)
    await _keep_messages(calls, session_id)
    return await _change_session(calls, session_id, _unmark)


async def purge_deleted(calls: Calls, *, before: datetime, naive_zone: tzinfo | None) -> int:
    """Remove what was deleted before that time and is still there; return how many sessions that were."""
    deleted = await calls.query(queries.deleted_sessions(before=before))
    await forget_before_removal(calls, deleted, naive_zone=naive_zone)
    for document in deleted:
        await _remove(calls, document["session_id"])
    return len(deleted)


def _mark(document: Document) -> _Change | None:
    return None if deletion_time(document) is not None else _Change({"deleted_at": to_timestamp(utc_now())})


def _let_expire(document: Document) -> _Change | None:
    return None if deletion_time(document) is None or document.get("ttl") == TTL else _Change({"ttl": TTL})


def _unmark(document: Document) -> _Change | None:
    fields = tuple(name for name in ("deleted_at", "ttl") if name in document)
    # Figures of use are healed by it: of what is gone, only a trace tells.
    return _Change({"restored_at": to_timestamp(utc_now())}, fields) if "deleted_at" in document else None


async def _remove(calls: Calls, session_id: str) -> None:
    async def remove(item: Document) -> None:
        await calls.delete(item["id"], partition=session_id)

    await each(await calls.query(queries.message_items(session_id)), remove)
    await calls.delete(session_id, partition=session_id)


async def _keep_messages(calls: Calls, session_id: str) -> None:
    await _change_messages(calls, queries.expiring_items(session_id, ttl=TTL), _Change({}, ("ttl",)))


async def _change_session(calls: Calls, session_id: str, plan: Callable[[Document], _Change | None]) -> Document:
    """Change the session's document as long as `plan` finds something to change, against whatever others change in it."""
    budget = calls.budget("change a session")
    while True:
        document = await _find(calls, session_id)
        change = plan(document)
        if change is None:
            return document
        changed = await calls.patch(document, values=change.values, without=change.without)
        if changed is not None:
            return changed
        await budget.yield_turn()


async def _change_messages(calls: Calls, query: Query, change: _Change) -> None:
    """Change all messages that the query finds, until it finds none: a reply may be lost, and one may be saved meanwhile."""
    budget = calls.budget("change a session's messages")
    while items := await calls.query(query):
        await each(items, lambda item: calls.patch(item, values=change.values, without=change.without))
        budget.extend()
        await budget.yield_turn()


async def _find(calls: Calls, session_id: str) -> Document:
    document = await calls.find(session_id, partition=session_id)
    if document is None:
        raise SessionNotFound(session_id)
    return document
