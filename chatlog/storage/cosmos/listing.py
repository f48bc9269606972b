"""The list of sessions: by keyset in both directions, one query a page, the filter's rule applied to what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from chatlog.domain.clock import utc_now
from chatlog.domain.filters import EVERYTHING, SessionFilter
from chatlog.domain.models import Session
from chatlog.storage.base import SessionPage
from chatlog.storage.cosmos import queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cursors import SessionCursor, encode_cursor
from chatlog.storage.documents import Document, session_from_document


async def list_sessions(
    calls: Calls,
    *,
    where: SessionFilter,
    limit: int,
    cursor: SessionCursor | None,
    has_composite_index: bool,
    naive_zone: tzinfo | None,
) -> SessionPage:
    """A page of sessions, newest first."""
    now = utc_now()
    is_backwards = cursor is not None and cursor.is_backwards
    query = queries.sessions(where=where, cursor=cursor, now=now, has_composite_index=has_composite_index)

    def accepted(rows: Sequence[Document]) -> list[Document]:
        return [row for row in rows if where == EVERYTHING or where.accepts(_read(row, naive_zone), now=now)]

    def is_enough(rows: Sequence[Document]) -> bool:
        # One more than asked for tells whether there is another page; sorting ties ourselves takes all of the last tie.
        found = accepted(rows)
        return len(found) > limit and (has_composite_index or rows[-1]["created_at"] != found[limit]["created_at"])

    rows = accepted(await calls.query(query, page_size=limit + 1, is_enough=is_enough))
    if not has_composite_index:
        rows.sort(key=_key, reverse=not is_backwards)
    page = rows[:limit]
    if is_backwards:
        page.reverse()
    older, newer = (True, len(rows) > limit) if is_backwards else (len(rows) > limit, cursor is not None)
    return SessionPage(
        tuple(_read(row, naive_zone) for row in page),
        next_cursor=encode_cursor(_key(page[-1])) if page and older else None,
        previous_cursor=encode_cursor((*_key(page[0])[:2], True)) if page and newer else None,
        # Counting would cost a query; a page that holds everything is counted.
        total=len(page) if cursor is None and len(rows) <= limit else None,
    )


def _key(row: Document) -> SessionCursor:
    return SessionCursor(row["created_at"], row["id"])


def _read(row: Document, naive_zone: tzinfo | None) -> Session:
    return session_from_document(row, naive_zone=naive_zone)
