"""Reading lists: messages never over a hole, sessions by keyset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from chatlog.domain.models import Message, Session
from chatlog.storage.base import SessionPage
from chatlog.storage.cosmos import queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.numbering import is_ours, is_unbroken, renumber, until_hole
from chatlog.storage.cursors import SessionCursor, encode_cursor
from chatlog.storage.documents import Document, message_from_document, session_from_document


async def list_messages(calls: Calls, session_id: str, *, after: int, limit: int, naive_zone: tzinfo | None) -> list[Message]:
    """Messages with a number above `after`, at most `limit`, without a hole among them."""
    # The message at the cursor comes along: if it is one of ours, all before it are in place, whoever wrote them.
    rows = await calls.query(
        queries.messages_from(session_id, sequence=after), page_size=limit + 1, is_enough=lambda rows: len(rows) > limit
    )
    begins_at_cursor = after == 0 or bool(rows and rows[0]["sequence"] == after)
    if not begins_at_cursor or not all(is_ours(row, session_id) for row in rows):
        rows = await _renumbered(calls, session_id, rows)
    sound = until_hole((row for row in rows if row["sequence"] > after), after=after)
    return [message_from_document(row, naive_zone=naive_zone) for row in sound[:limit]]


async def _renumbered(calls: Calls, session_id: str, rows: list[Document]) -> list[Document]:
    """The rows if the session's stored numbers are sound, else all of its messages, numbered by their place."""
    if is_unbroken(await calls.query(queries.speakers(session_id))):
        return rows
    return renumber(await calls.query(queries.messages_from(session_id, sequence=0)), session_id)


async def list_sessions(
    calls: Calls,
    *,
    limit: int,
    before: SessionCursor | None,
    running_since: datetime | None,
    has_composite_index: bool,
    naive_zone: tzinfo | None,
) -> SessionPage:
    """A page of sessions, newest first."""
    query = queries.sessions(before=before, running_since=running_since, has_composite_index=has_composite_index)

    def is_enough(rows: Sequence[Document]) -> bool:
        # One more than asked for tells whether there is a next page; sorting ties ourselves takes all of the last tie.
        return len(rows) > limit and (has_composite_index or _key(rows[-1])[0] != _key(rows[limit])[0])

    rows = await calls.query(query, page_size=limit + 1, is_enough=is_enough)
    if not has_composite_index:
        rows.sort(key=_key, reverse=True)
    sessions = [_session(row, naive_zone) for row in rows[:limit]]
    return SessionPage(tuple(sessions), encode_cursor(_key(rows[limit - 1])) if len(rows) > limit else None)


def _key(row: Document) -> SessionCursor:
    return SessionCursor(row["created_at"], row["id"])


def _session(row: Document, naive_zone: tzinfo | None) -> Session:
    return session_from_document(row, naive_zone=naive_zone)
